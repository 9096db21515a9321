# SPDX-License-Identifier: GPL-3.0-or-later
"""What the run database costs: claims per second on both databases; 200 waiters beside one sidecar."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from tests import postgres
from tests.env import debian
from tests.property import plans

FORK = multiprocessing.get_context("fork")
WORKERS = 4
HOSTS = 60
WAITERS = 200
IDLE_SECONDS = 10.0


def _walk(number: int, url: str, epoch: int) -> None:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs import open_store

    store = open_store(url)
    for host in range(number, HOSTS, WORKERS):
        name = f"h{host:02}"
        for kind in (
            "admit",
            f"stop:S{host:02}/{name}/I",
            "patch",
            f"start:S{host:02}/{name}/I",
            "verify",
            "unsilence",
        ):
            verdict = store.claim("r", name, kind, epoch)
            store.end("r", name, kind, epoch, verdict.attempt)


def _steps_per_second(url: str) -> float:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, open_store

    store = open_store(url)
    plan = plans.lone_hosts(HOSTS, resources={"batch": HOSTS}, needs={"batch": 1})
    store.create("r", plan, procedure="patch", code_hash="c", params={}, created_by="bench")
    epoch = store.take("r", Owner.current())
    processes = [FORK.Process(target=_walk, args=(number, url, epoch)) for number in range(WORKERS)]
    began = time.monotonic()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.monotonic() - began
    if store.finish("r", epoch) != "succeeded":
        raise RuntimeError("the walk did not succeed")
    return HOSTS * 6 / seconds


def _wait(number: int, url: str, epoch: int, socket: str | None) -> None:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs import open_store, wait_at_gate

    wait_at_gate(open_store(url), "r", f"w{number:03}", "admit", epoch, socket_path=socket)


def _processor(pids: list[int]) -> float:
    """Seconds of processor time that these processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _waiters(url: str) -> tuple[float, float, float]:
    """Share of a core of 200 waiters, of their sidecar; seconds until all are awake after the gate opened."""
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, open_store, start_sidecar, wake

    names = [f"w{number:03}" for number in range(WAITERS)]
    opener = [("first", "verify")]
    steps: dict[str, Any] = {"first": plans.walk("first", system="S")}
    steps |= {
        name: [plans.step("admit", needs=opener, system=name), plans.step("verify", system=name)] for name in names
    }
    plan = plans.plan([plans.group("S", ["first"])] + [plans.group(f"G{name}", [name]) for name in names], steps)
    store = open_store(url)
    store.create("r", plan, procedure="patch", code_hash="c", params={}, created_by="bench")
    epoch = store.take("r", Owner.current())
    beside = start_sidecar(url, "r", epoch)
    wake.attach(store, beside.socket)
    processes = [FORK.Process(target=_wait, args=(n, url, epoch, beside.socket)) for n in range(WAITERS)]
    for process in processes:
        process.start()
    deadline = time.monotonic() + 120
    while len(store.waiting("r")) < WAITERS and time.monotonic() < deadline:
        time.sleep(0.2)
    pids = [process.pid for process in processes if process.pid]
    before, beside_before = _processor(pids), _processor([beside.pid])
    time.sleep(IDLE_SECONDS)
    waiters = (_processor(pids) - before) / IDLE_SECONDS
    sidecar = (_processor([beside.pid]) - beside_before) / IDLE_SECONDS
    for row in store.steps("r", ci="first"):
        verdict = store.claim("r", "first", row["step"], epoch)
        store.end("r", "first", row["step"], epoch, verdict.attempt)
    began = time.monotonic()
    for process in processes:
        process.join(120)
    awake = time.monotonic() - began
    beside.stop()
    return waiters, sidecar, awake


def main() -> int:
    """Print the numbers of this machine, each database beside the other."""
    with tempfile.TemporaryDirectory() as folder:
        sqlite = _steps_per_second(f"sqlite:///{folder}/steps.db")
        print(f"steps claimed and ended per second, {WORKERS} processes: SQLite {sqlite:.0f}", flush=True)
        if postgres.programs() is not None:
            server = postgres.server()
            served = _steps_per_second(server.database())
            print(f"the same on PostgreSQL (fsync off): {served:.0f}, ratio {served / sqlite:.2f}", flush=True)
        else:
            print(f"the same on PostgreSQL: not measured, {debian.advice(['postgresql'])}", flush=True)
        waiters, sidecar, awake = _waiters(f"sqlite:///{folder}/wait.db")
        print(
            f"{WAITERS} waiters on SQLite: {waiters:.1%} of a core, their sidecar {sidecar:.1%};"
            f" all through the opened gate after {awake:.1f} s"
        )
    return 0
