# SPDX-License-Identifier: GPL-3.0-or-later
"""What a waiter bears, what it tells, what ends it."""

from __future__ import annotations

import os
import signal
import socket
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Fenced,
    Orphaned,
    Owner,
    RunNotFound,
    Store,
    StoreError,
    open_store,
    pause,
    wait_at_gate,
    wait_for_change,
    wait_for_everybody,
    waiter,
    wake,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Unavailable
from tests.property import plans

STOP_WEB = ("web", "stop:PRD/web/I")
STOP_APP = ("app", "stop:PRD/app/I")
WHY_APP_WAITS = "waits for T/stop:PRD/web/I"


def begin(store: Store) -> int:
    """A run in which web may stop and app waits for it."""
    store.create("r1", plans.three_tiers(), procedure="patch", code_hash="c", params={}, created_by="tester")
    epoch = store.take("r1", Owner.current())
    for host in ("web", "app", "db"):
        store.end("r1", host, "admit", epoch, store.claim("r1", host, "admit", epoch).attempt)
    return epoch


def stop_web(store: Store, epoch: int) -> None:
    """Open app's gate."""
    store.end("r1", *STOP_WEB, epoch, store.claim("r1", *STOP_WEB, epoch).attempt)


class Movable:
    """A SQLite database that can be taken away."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.elsewhere = folder / "there", folder / "away"
        self.folder.mkdir()
        self.store = open_store(f"sqlite:///{self.folder / 'runs.db'}")

    def go(self) -> None:
        self.folder.rename(self.elsewhere)

    def come_back(self, _error: StoreError | None = None) -> None:
        self.elsewhere.rename(self.folder)


@pytest.fixture
def movable(tmp_path: Path) -> Iterator[Movable]:
    made = Movable(tmp_path)
    yield made
    made.store.close()


@pytest.fixture(autouse=True)
def asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiter, "POLL_SECONDS", 0.02)


def test_a_gate_whose_time_is_over_while_the_database_is_away_is_deferred_when_it_is_back(
    movable: Movable, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = begin(movable.store)
    wait = wake.Line.wait

    def back(line: wake.Line, seconds: float) -> None:
        movable.come_back()
        wait(line, seconds)

    monkeypatch.setattr(wake.Line, "wait", back)
    movable.go()
    verdict = wait_at_gate(movable.store, "r1", *STOP_APP, epoch, timeout=0.0)
    assert verdict.kind == "deferred" and f"did not open within 0 s: {WHY_APP_WAITS}" in verdict.why


def test_the_deferral_waits_for_a_database_that_goes_after_the_last_question(movable: Movable) -> None:
    epoch = begin(movable.store)
    verdict = wait_at_gate(
        movable.store,
        "r1",
        *STOP_APP,
        epoch,
        timeout=0.0,
        on_wait=lambda _verdict: movable.go(),
        on_trouble=movable.come_back,
    )
    assert verdict.kind == "deferred"


def test_a_database_that_is_away_for_longer_than_is_borne_is_the_waiters_error(
    movable: Movable, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = begin(movable.store)
    told: list[StoreError] = []

    def gone(error: StoreError) -> None:
        told.append(error)
        monkeypatch.setattr(waiter, "PATIENCE_SECONDS", 0.0)

    movable.go()
    with pytest.raises(Unavailable, match="it cannot be opened"):
        wait_at_gate(movable.store, "r1", *STOP_APP, epoch, timeout=0.0, on_trouble=gone)
    assert len(told) == 1, "it was borne once, with its time over or not"


def test_an_answer_ends_what_was_borne_before(monkeypatch: pytest.MonkeyPatch) -> None:
    instants = iter((100.0, 100.0, 399.9, 1000.0, 1000.0, 1299.9, 1300.0))
    monkeypatch.setattr(waiter, "time", types.SimpleNamespace(monotonic=lambda: next(instants)))
    monkeypatch.setattr(waiter, "PATIENCE_SECONDS", 300.0)
    patience, error = waiter._Patience(), Unavailable("no connection")
    patience.bear(error)
    patience.bear(error)
    patience.renew()
    patience.bear(error)
    patience.bear(error)
    with pytest.raises(Unavailable) as raised:
        patience.bear(error)
    assert raised.value is error


def test_a_reason_is_told_once_however_often_the_waiter_asks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    epoch = begin(store)
    other, claim = Store(store.engine), store.claim
    asked: list[str] = []
    told: list[str] = []

    def counted(*arguments: Any) -> Any:
        asked.append(arguments[1])
        if len(asked) == 3:
            stop_web(other, epoch)
        return claim(*arguments)

    monkeypatch.setattr(store, "claim", counted)
    verdict = wait_at_gate(store, "r1", *STOP_APP, epoch, on_wait=lambda seen: told.append(seen.why), timeout=60.0)
    assert (verdict.kind, len(asked), told) == ("go", 3, [WHY_APP_WAITS])


def test_another_reason_is_told_again(store: Store) -> None:
    walks = {host: plans.walk(host) for host in ("web", "app")}
    walks["db"] = plans.walk("db", stop_needs=[STOP_WEB, STOP_APP])
    store.create(
        "r1",
        plans.plan([plans.group("PRD", list(walks))], walks),
        procedure="patch",
        code_hash="c",
        params={},
        created_by="tester",
    )
    epoch = store.take("r1", Owner.current())
    for host in walks:
        store.end("r1", host, "admit", epoch, store.claim("r1", host, "admit", epoch).attempt)
    told: list[str] = []

    def on_wait(verdict: Any) -> None:
        told.append(verdict.why)
        stop = STOP_WEB if STOP_WEB[1] in verdict.why else STOP_APP
        store.end("r1", *stop, epoch, store.claim("r1", *stop, epoch).attempt)

    assert wait_at_gate(store, "r1", "db", "stop:PRD/db/I", epoch, on_wait=on_wait, timeout=60.0).kind == "go"
    assert len(told) == len(set(told)) == 2, told


def test_who_acts_is_whoever_the_caller_names(store: Store) -> None:
    epoch = begin(store)
    wait_at_gate(store, "r1", *STOP_WEB, epoch)
    named = {"host": "elsewhere", "boot_id": "b", "pid_ns": "n", "pid": 7, "pid_start": 8, "token": "t"}
    wait_at_gate(store, "r1", "db", "admit", epoch, worker=named)
    stop_web_worker = next(row for row in store.steps("r1", ci="web") if row["step"] == STOP_WEB[1])["worker"]
    assert stop_web_worker["pid"] == os.getpid() and stop_web_worker["token"]
    store.end("r1", *STOP_WEB, epoch, 1)
    wait_at_gate(store, "r1", *STOP_APP, epoch, worker=named)
    assert next(row for row in store.steps("r1", ci="app") if row["step"] == STOP_APP[1])["worker"] == named


def test_a_waiter_whose_run_is_taken_ends(store: Store) -> None:
    epoch = begin(store)

    def taken(_verdict: Any) -> None:
        store.take("r1", Owner.current(), force_by="a test")

    with pytest.raises(Fenced) as raised:
        wait_at_gate(store, "r1", *STOP_APP, epoch, on_wait=taken)
    assert not isinstance(raised.value, Orphaned), "its parent lives"


def seen_at(store: Store) -> float:
    return float(store.run("r1")["owner"]["seen_at"])


def test_without_a_sidecar_a_waiter_says_that_the_controller_lives(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = begin(store)
    line = wake.Line(None, "r1", *STOP_APP)
    before = seen_at(store)
    waiter.Wait(store, "r1", epoch, line).wait(0.0)
    assert seen_at(store) == before, "not at every look"
    monkeypatch.setattr(waiter, "BEAT_SECONDS", 0.0)
    wait = waiter.Wait(store, "r1", epoch, line)
    wait.wait(0.0)
    assert seen_at(store) > before
    store.take("r1", Owner.current(), force_by="a test")
    with pytest.raises(Fenced):
        wait.wait(0.0)
    line.close()


def test_beside_a_sidecar_a_waiter_writes_nothing_and_fails_with_what_the_sidecar_says(
    store: Store, monkeypatch: pytest.MonkeyPatch, listener: socket.socket
) -> None:
    monkeypatch.setattr(waiter, "BEAT_SECONDS", 0.0)
    epoch = begin(store)
    line = wake.Line(listener.getsockname(), "r1", *STOP_APP)
    sidecar, _address = listener.accept()
    wait, before = waiter.Wait(store, "r1", epoch, line), seen_at(store)
    sidecar.sendall(b"!")
    wait.wait()
    assert seen_at(store) == before
    sidecar.sendall(b'!{"unwritable": "Nothing could be recorded for 300 s."}\n')
    with pytest.raises(StoreError, match=r"^Nothing could be recorded for 300 s\.$"):
        wait.wait()
    line.close()
    sidecar.close()


def test_an_outage_while_the_heartbeat_is_due_is_borne_and_then_raised(
    movable: Movable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiter, "BEAT_SECONDS", 0.0)
    epoch = begin(movable.store)
    line = wake.Line(None, "r1", *STOP_APP)
    wait, before = waiter.Wait(movable.store, "r1", epoch, line), seen_at(movable.store)
    movable.go()
    wait.wait(0.0)
    movable.come_back()
    wait.wait(0.0)
    assert seen_at(movable.store) > before
    movable.go()
    monkeypatch.setattr(waiter, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(StoreError, match="it cannot be opened"):
        wait.wait(0.0)
    line.close()


def mark(store: Store, **more: Any) -> dict[str, Any]:
    return {"database": store.url, "run": "r1", "epoch": 1, "socket": None, **more}


def test_everybody_is_waited_for_by_the_controller_that_has_the_run(store: Store) -> None:
    epoch = begin(store)
    store.take("r1", Owner.current(), force_by="a test")
    with pytest.raises(Fenced):
        wait_for_everybody(mark(store, epoch=epoch))
    with pytest.raises(RunNotFound):
        wait_for_everybody(mark(store, run="r2"))


def test_nobody_is_waited_for_once_the_run_begins_nothing_new_and_nothing_is_in_flight(store: Store) -> None:
    epoch = begin(store)
    store.drain("r1", epoch, "SIGINT")
    wait_for_everybody(mark(store, epoch=epoch))
    assert store.run("r1")["state"] == "draining", "it only looked"


def test_changes_of_before_are_given_at_once_and_in_order(store: Store) -> None:
    begin(store)
    found = wait_for_change(store, "r1", 0, timeout=0.0)
    assert [event["n"] for event in found] == list(range(1, len(found) + 1)) and found[0]["kind"] == "created"
    assert wait_for_change(store, "r1", found[1]["n"], timeout=600.0) == found[2:]


def _waits_for_ever(what: Callable[[], None], says: int) -> None:
    """Wait in a fork until its parent ends; the exit code tells how the wait ended."""
    wait = wake.Line.wait

    def told(line: wake.Line, seconds: float) -> None:
        os.write(says, b"waits\n")
        wait(line, seconds)

    vars(waiter)["Line"] = type("Line", (wake.Line,), {"wait": told})
    waiter.POLL_SECONDS = 600.0
    try:
        what()
        os.write(says, b"returned\n")
    except Orphaned:
        os.write(says, b"orphaned\n")
    finally:
        os._exit(0)


@pytest.mark.parametrize("how", ["pause", "everybody", "gate"])
def test_a_waiter_does_not_outlive_its_parent(store: Store, how: str) -> None:
    epoch = begin(store)
    what, ends = {
        "pause": (pause, "returned"),
        "everybody": (lambda: wait_for_everybody(mark(store, epoch=epoch)), "orphaned"),
        "gate": (lambda: wait_at_gate(store, "r1", *STOP_APP, epoch), "orphaned"),
    }[how]
    hears, says = os.pipe()
    parent = os.fork()
    if parent == 0:
        if os.fork() == 0:
            _waits_for_ever(what, says)
        signal.pause()
    os.close(says)
    with os.fdopen(hears) as lines:
        first = lines.readline()
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        assert first == "waits\n"
        assert [line for line in lines.read().split() if line != "waits"] == [ends]
