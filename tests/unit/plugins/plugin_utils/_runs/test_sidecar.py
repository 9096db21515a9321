# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting at gates beside a sidecar, without one, and when a controller dies."""

from __future__ import annotations

import concurrent.futures
import functools
import multiprocessing
import os
import queue
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Orphaned,
    Owner,
    Sidecar,
    Store,
    StoreError,
    open_store,
    start_sidecar,
    wait_at_gate,
    wait_for_change,
    wait_for_everybody,
    waiter,
    wake,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import sidecar as sidecar_module
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Unavailable
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owed import Owed
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import process_start
from tests.env.small_disk import SmallDisk, mounted
from tests.property import plans

FORK = multiprocessing.get_context("fork")


def until(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Ask until the answer is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (answer := what()):
        assert time.monotonic() < deadline, "did not happen in time"
        pause.wait(0.02)
    return answer


def begin(store: Store) -> int:
    """A run in which web may stop and app waits for it."""
    store.create("r1", plans.three_tiers(), procedure="patch", code_hash="c", params={}, created_by="tester")
    epoch = store.take("r1", Owner.current())
    for host in ("web", "app", "db"):
        verdict = store.claim("r1", host, "admit", epoch)
        store.end("r1", host, "admit", epoch, verdict.attempt)
    return epoch


@pytest.fixture
def sidecar(store: Store) -> Iterator[tuple[int, Sidecar]]:
    """A begun run with its sidecar."""
    epoch = begin(store)
    started = start_sidecar(store.url, "r1", epoch)
    yield epoch, started
    started.stop()
    assert not os.path.exists(os.path.dirname(started.socket)), "it left its folder behind"


def waiting(store: Store, epoch: int, socket: str | None, **more: Any) -> Callable[[], Any]:
    """Let another thread wait at app's stop gate; returns what joins it and gives its answer."""
    answers: list[Any] = []
    other = Store(store.engine)
    thread = threading.Thread(
        target=lambda: answers.append(
            wait_at_gate(other, "r1", "app", "stop:PRD/app/I", epoch, socket_path=socket, **more)
        )
    )
    thread.start()
    until(lambda: store.waiting("r1"))

    def joined() -> Any:
        thread.join(60)
        assert not thread.is_alive()
        return answers[0]

    return joined


@pytest.mark.parametrize("told", [True, False], ids=["told at once", "found by its own poll"])
def test_a_waiter_is_woken_when_its_gate_opens(store: Store, sidecar: tuple[int, Sidecar], told: bool) -> None:
    epoch, beside = sidecar
    joined = waiting(store, epoch, beside.socket)
    verdict = store.claim("r1", "web", "stop:PRD/web/I", epoch)
    if told:
        wake.attach(store, beside.socket)
    began = time.monotonic()
    store.end("r1", "web", "stop:PRD/web/I", epoch, verdict.attempt)
    assert joined().kind == "go"
    assert time.monotonic() - began < 10, "well before a waiter's own next poll"


def test_a_waiter_is_released_when_its_dependency_leaves(store: Store, sidecar: tuple[int, Sidecar]) -> None:
    epoch, beside = sidecar
    joined = waiting(store, epoch, beside.socket)
    store.abandon("r1", epoch, "web", "no route to host", unreachable=True)
    verdict = joined()
    assert (verdict.kind, verdict.by) == ("blocked", "web")


@pytest.mark.parametrize("how", ["never there", "killed while waiting"])
def test_without_a_sidecar_waiters_poll(store: Store, how: str) -> None:
    epoch = begin(store)
    if how == "never there":
        joined = waiting(store, epoch, None)
    else:
        beside = start_sidecar(store.url, "r1", epoch)
        joined = waiting(store, epoch, beside.socket)
        os.kill(beside.pid, signal.SIGKILL)
        until(lambda: not beside.running())
    verdict = store.claim("r1", "web", "stop:PRD/web/I", epoch)
    store.end("r1", "web", "stop:PRD/web/I", epoch, verdict.attempt)
    assert joined().kind == "go"


def test_another_sidecar_follows_one_that_was_killed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiter, "PATIENT_SECONDS", 600.0)
    epoch = begin(store)
    beside = start_sidecar(store.url, "r1", epoch)
    assert not beside.revive([]), "it lives"
    joined = waiting(store, epoch, beside.socket)
    first, seen = beside.pid, store.run("r1")["owner"]["seen_at"]
    os.kill(first, signal.SIGKILL)
    until(lambda: not beside.running())
    assert beside.revive([{"drain": "SIGINT"}]) and beside.pid != first
    until(lambda: store.run("r1")["owner"]["seen_at"] > seen)
    assert joined().kind == "blocked" and store.run("r1")["state"] == "draining", "it has written what it was given"
    until(lambda: wake.say(beside.socket, {"changed": True}))
    beside.stop()
    assert not beside.revive([]), "it was told to end"
    assert not os.path.exists(os.path.dirname(beside.socket))


def test_a_sidecar_that_is_terminated_is_followed_and_one_that_is_fenced_is_not(store: Store) -> None:
    epoch = begin(store)
    beside = start_sidecar(store.url, "r1", epoch, ttl=0.6)
    os.kill(beside.pid, signal.SIGTERM)
    until(lambda: not beside.running())
    assert beside.revive([])
    until(lambda: wake.say(beside.socket, {"changed": True}))
    store.take("r1", Owner.current(), force_by="a test")
    until(lambda: not beside.running())
    assert not beside.revive([])


def test_a_gate_that_does_not_open_in_time_is_deferred(store: Store) -> None:
    epoch = begin(store)
    verdict = wait_at_gate(store, "r1", "app", "stop:PRD/app/I", epoch, timeout=0.1)
    assert verdict.kind == "deferred" and "within 0.1 s: waits for T/stop:PRD/web/I" in verdict.why


def test_a_claim_whose_answer_was_lost_for_long_is_the_waiters_own(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiter, "POLL_SECONDS", 0.1)
    epoch = begin(store)
    lost = [Unavailable("no connection")]

    def told() -> None:  # after the commit: what a failover keeps from the waiter
        if lost:
            raise lost.pop()

    store.told = told
    verdict = wait_at_gate(store, "r1", "web", "stop:PRD/web/I", epoch, timeout=1.0)
    assert not lost, "the answer was lost"
    assert (verdict.kind, verdict.attempt) == ("go", 1), verdict.why


def test_a_waiter_says_why_it_waits(store: Store) -> None:
    epoch = begin(store)
    said: list[str] = []
    wait_at_gate(
        store, "r1", "db", "stop:PRD/db/I", epoch, timeout=0.1, on_wait=lambda verdict: said.append(verdict.why)
    )
    assert said == ["waits for T/stop:PRD/app/I"]


def test_everybody(store: Store, sidecar: tuple[int, Sidecar]) -> None:
    epoch, beside = sidecar
    done = threading.Event()
    mark = {"database": store.url, "run": "r1", "epoch": epoch, "socket": beside.socket}

    def janitor() -> None:
        wait_for_everybody(mark)
        done.set()

    threading.Thread(target=janitor).start()
    store.abandon("r1", epoch, "web", "power")
    assert store.going_on("r1", epoch) == ["app", "db"]
    for host in ("app", "db"):
        assert not done.is_set()
        store.abandon("r1", epoch, host, "power")
    assert done.wait(30)


def test_changes_are_followed(store: Store) -> None:
    epoch = begin(store)
    last = store.events("r1")[-1]["n"]
    assert wait_for_change(store, "r1", last, timeout=0.05) == []
    store.claim("r1", "web", "stop:PRD/web/I", epoch)
    assert [event["kind"] for event in wait_for_change(store, "r1", last, timeout=30)] == ["claimed"]


def test_draining_is_written_by_the_sidecar(store: Store, sidecar: tuple[int, Sidecar]) -> None:
    epoch, beside = sidecar
    joined = waiting(store, epoch, beside.socket)
    assert beside.drain("SIGINT") == {"written": True, "error": None}
    assert joined().kind == "blocked"
    assert store.run("r1")["state"] == "draining"


def test_a_sidecar_that_is_gone_or_stands_still_gives_no_answer(
    store: Store, sidecar: tuple[int, Sidecar], monkeypatch: pytest.MonkeyPatch
) -> None:
    _epoch, beside = sidecar
    monkeypatch.setattr(wake, "ANSWER_SECONDS", 0.2)
    os.kill(beside.pid, signal.SIGSTOP)
    assert beside.drain("SIGINT") == {}, "it stands still"
    os.kill(beside.pid, signal.SIGCONT)
    until(lambda: store.run("r1")["state"] == "draining")
    beside.stop()
    assert beside.drain("SIGINT") is None and not beside.keep({"drain": "SIGINT"})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk for a SQLite database that can be full."""
    with mounted(tmp_path / "disk") as small:
        yield small


@contextmanager
def serving(store: Store, epoch: int, ttl: float) -> Iterator[str]:
    """A sidecar's loop in a thread of this process; the path of its socket."""
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "wake")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()
        listener.setblocking(False)
        loop = sidecar_module.Loop(Store(store.engine), "r1", epoch, Owner.current(), listener, ttl)
        thread = threading.Thread(target=loop.serve)
        thread.start()
        try:
            yield path
        finally:
            wake.say(path, {"bye": True})
            thread.join(30)
            shutil.rmtree(folder)


LEFT = {"left": "web", "why": "no route to host", "unreachable": True}


@pytest.mark.needs("root")
def test_what_the_full_disk_does_not_take_is_kept_and_written_once(disk: SmallDisk) -> None:
    store = open_store(f"sqlite:///{disk.folder / 'runs.db'}")
    epoch = begin(store)
    here = Owed("r1", epoch)
    here.add(LEFT)
    with serving(store, epoch, 60.0) as path:
        joined = waiting(store, epoch, path)
        disk.fill()
        with pytest.raises(StoreError, match="its disk is full"):
            here.write(store)
        answer = wake.ask(path, LEFT, 30.0)
        assert answer is not None and not answer["written"] and "its disk is full" in answer["error"]
        disk.make_room()
        verdict = joined()
    assert (verdict.kind, verdict.by) == ("blocked", "web")
    here.write(store)
    assert here.notes == []
    assert [event["ci"] for event in store.events("r1") if event["kind"] == "abandoned"] == ["web"]


@pytest.mark.parametrize(("unreachable", "becomes"), [(True, "unknown"), (False, "failed")])
def test_what_a_host_was_doing_when_it_became_unreachable_is_unknown(
    store: Store, unreachable: bool, becomes: str
) -> None:
    epoch = begin(store)
    assert store.claim("r1", "web", "stop:PRD/web/I", epoch).kind == "go"
    here = Owed("r1", epoch)
    here.add({**LEFT, "unreachable": unreachable})
    here.write(store)
    assert {row["step"]: row["state"] for row in store.steps("r1", ci="web")}["stop:PRD/web/I"] == becomes
    assert store.claim("r1", "app", "stop:PRD/app/I", epoch).kind == "blocked"


@pytest.mark.needs("root")
@pytest.mark.parametrize("beside", [True, False], ids=["told by the sidecar", "without a sidecar"])
def test_who_waits_gives_up_when_nothing_can_be_written_for_long(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    monkeypatch.setattr(sidecar_module, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(waiter, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(waiter, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(waiter, "POLL_SECONDS", 0.1)
    store = open_store(f"sqlite:///{disk.folder / 'runs.db'}")
    epoch = begin(store)
    mark = {"database": store.url, "run": "r1", "epoch": epoch, "socket": None}
    reader = store.engine.raw_connection()  # without anybody who has it open, a full disk cannot even be read
    with serving(store, epoch, 0.6) if beside else nullcontext() as path:
        mark["socket"] = path
        assert store.claim("r1", "app", "stop:PRD/app/I", epoch).kind == "wait"
        disk.fill()
        for wait in (
            lambda: wait_at_gate(store, "r1", "app", "stop:PRD/app/I", epoch, socket_path=path),
            lambda: wait_for_everybody(mark),
        ):
            with pytest.raises(StoreError, match="its disk is full; make room"):
                wait()
        disk.make_room()
    reader.close()


@pytest.mark.needs("root")
def test_who_waits_bears_a_database_that_cannot_be_asked_for_a_while(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiter, "POLL_SECONDS", 0.1)
    store = open_store(f"sqlite:///{disk.folder / 'runs.db'}")
    epoch = begin(store)
    mark = {"database": store.url, "run": "r1", "epoch": epoch, "socket": None}
    troubles: queue.Queue[str] = queue.Queue()
    looked, refused = threading.Event(), threading.Event()
    going_on = Store.going_on

    def watched(self: Store, run: str, epoch: int) -> list[str]:
        try:
            there = going_on(self, run, epoch)
        except StoreError:
            refused.set()
            raise
        looked.set()
        return there

    monkeypatch.setattr(Store, "going_on", watched)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        janitor = pool.submit(wait_for_everybody, mark)
        assert looked.wait(30)
        disk.fill()  # nobody has the database open between two looks, so that it cannot even be read
        assert refused.wait(30)
        gate = pool.submit(
            lambda: wait_at_gate(
                store, "r1", "web", "stop:PRD/web/I", epoch, on_trouble=lambda error: troubles.put(str(error))
            )
        )
        assert "its disk is full; make room" in troubles.get(timeout=30)
        disk.make_room()
        assert gate.result(timeout=30).kind == "go"
        for host in ("web", "app", "db"):
            store.abandon("r1", epoch, host, "power")
        janitor.result(timeout=30)
    assert troubles.empty()  # said once, not at every look


def _controller(url: str, ready: Any) -> None:
    """A controller with a sidecar and a worker that waits; it is killed by the test."""
    store = open_store(url)
    epoch = store.take("r1", Owner.current(), force_by="a test")
    beside = start_sidecar(url, "r1", epoch)
    worker = os.fork()
    if worker == 0:
        try:
            wait_at_gate(Store(store.engine), "r1", "app", "stop:PRD/app/I", epoch, socket_path=beside.socket)
        except Orphaned:
            os._exit(7)
        os._exit(0)
    ready.put((worker, beside.pid, epoch))
    signal.pause()


def test_a_killed_controller_is_lost_within_seconds_and_leaves_no_waiter(store: Store, url: str) -> None:
    begin(store)
    ready = FORK.Queue()
    controller = FORK.Process(target=_controller, args=(url, ready))
    controller.start()
    worker, beside, epoch = ready.get(timeout=60)
    starts = {pid: process_start(pid) for pid in (worker, beside)}
    until(lambda: store.waiting("r1"))
    killed = time.monotonic()
    assert controller.pid is not None
    os.kill(controller.pid, signal.SIGKILL)
    controller.join(30)
    until(lambda: store.run("r1")["state"] == "lost")
    took = time.monotonic() - killed
    assert took < 5, f"{took:.1f} s"
    for pid, start in starts.items():
        until(functools.partial(_ended, pid, start))
    assert [event["kind"] for event in store.events("r1")][-1] == "lost"
    assert store.take("r1", Owner.current()) == epoch + 1


def test_a_sidecar_that_cannot_reach_the_database_says_so() -> None:
    with pytest.raises(StoreError, match=r"Could not start the sidecar.*Could not open"):
        start_sidecar("sqlite:////proc/nowhere/x.db", "r1", 1)


def test_the_sidecar_writes_the_log_back(store: Store, url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("only SQLite has a log that must be written back")
    epoch = begin(store)
    beside = start_sidecar(url, "r1", epoch)
    log = url.removeprefix("sqlite:///") + "-wal"
    store.claim("r1", "web", "stop:PRD/web/I", epoch)
    assert os.path.getsize(log) > 0, "the sidecar's connection keeps the last worker from writing it back"
    beside.stop()
    assert not os.path.exists(log) or os.path.getsize(log) == 0


def _ended(pid: int, start: int) -> bool:
    return process_start(pid) != start
