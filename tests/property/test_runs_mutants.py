# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule of the run database is missed as soon as it is taken away: the simulation sees it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Store, gate
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from tests.property import simulation

TRIES = 150


class NoEpochFence(Store):
    """A controller that was overtaken may still write."""

    def _now_epoch(self, run: str) -> int:
        with self._reading() as tx:
            return int(tx.scalar(sa.select(t.run.c.epoch).where(t.run.c.id == run)))

    @staticmethod
    def _fence(tx: Any, run: str, epoch: int, ci: str | None = None) -> None:
        now = int(tx.scalar(sa.select(t.run.c.epoch).where(t.run.c.id == run)))
        Store._fence(tx, run, now, ci)

    def _claim(self, run: str, ci: str, step: str, epoch: int, acting: Any) -> Any:
        return super()._claim(run, ci, step, self._now_epoch(run), acting)


class LostFrees(Store):
    """A lease that ran out gives the places of its run back."""

    def _lose(self, seen: Any) -> bool:
        lost = super()._lose(seen)
        if lost:
            with self._writing() as tx:
                tx.do(sa.delete(t.hold).where(t.hold.c.run_id == seen.run_id))
        return lost


class RunningToPending(Store):
    """What was in flight when the controller died is simply done again."""

    def _reopen(self, tx: Any, run: str, epoch: int) -> None:
        running = sa.update(t.step).where(t.step.c.run_id == run, t.step.c.state == "running")
        tx.do(running.values(state="pending", attempt=0))
        super()._reopen(tx, run, epoch)


class FailedToPending(Store):
    """What failed is simply done again."""

    def _reopen(self, tx: Any, run: str, epoch: int) -> None:
        failed = sa.update(t.step).where(t.step.c.run_id == run, t.step.c.state == "failed")
        tx.do(failed.values(attempt=0))
        super()._reopen(tx, run, epoch)


class FailureFrees(Store):
    """A place is given back when its holder failed, though it is still out."""

    def _give_back(self, tx: Any, run: str, ci: str, epoch: int) -> None:
        if gate.dead(tx, run, [ci], epoch):
            tx.do(sa.delete(t.hold).where(t.hold.c.run_id == run))
        super()._give_back(tx, run, ci, epoch)


class NoTargetFence(simulation.Simulation):
    """The database alone is fenced."""

    guarded = False


class UnfencedLook(simulation.Simulation):
    """A look reads before it raises the target's fence."""

    fenced_look = False


class BlindRetry(simulation.Simulation):
    """An unknown step is done again without a look."""

    looks = False


class BlindUndo(simulation.Simulation):
    """What was so before us is undone, too."""

    careful_undo = False


class ActBeforeIntent(simulation.Simulation):
    """A temporary change is made before it is recorded."""

    intent_first = False


def no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for anybody."""
    monkeypatch.setattr(gate, "_dependencies", lambda *_other: None)


def no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a dead one goes on waiting."""
    real = gate._dependencies

    def patient(*arguments: Any) -> Any:
        decision = real(*arguments)
        if decision is not None:
            decision.kind = "wait"
        return decision

    monkeypatch.setattr(gate, "_dependencies", patient)


def no_transitive_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the step that is waited for is looked at, not the ones before it."""
    monkeypatch.setattr(gate, "_DEAD", gate._DEAD.where(gate._q.c.seq == gate._p.c.seq))


def no_deferral(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds a place held for ever goes on waiting for it."""
    real = gate._places

    def patient(*arguments: Any) -> Any:
        for decision in real(*arguments):
            decision.kind = "wait"
            yield decision

    monkeypatch.setattr(gate, "_places", patient)


def no_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody counts how many are out."""
    monkeypatch.setattr(gate, "_places", lambda *_other: iter(()))


def no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Admission at any time."""
    monkeypatch.setattr(gate, "_window", lambda *_other: iter(()))


MUTANTS: dict[str, tuple[type[simulation.Simulation], type[Store], Any, bool]] = {
    # what is taken away: the simulation, the store, a patch, whether acts look by themselves
    "fence in the database": (simulation.Simulation, NoEpochFence, None, True),
    "holds outlive a lease": (simulation.Simulation, LostFrees, None, True),
    "in flight becomes unknown": (simulation.Simulation, RunningToPending, None, False),
    "failed was attempted": (simulation.Simulation, FailedToPending, None, False),
    "failed keeps its place": (simulation.Simulation, FailureFrees, None, True),
    "fence at the target": (NoTargetFence, Store, None, True),
    "look raises the fence": (UnfencedLook, Store, None, False),
    "look before doing again": (BlindRetry, Store, None, False),
    "not ours is not undone": (BlindUndo, Store, None, True),
    "intent before act": (ActBeforeIntent, Store, None, True),
    "gates": (simulation.Simulation, Store, no_gate, True),
    "release": (simulation.Simulation, Store, no_release, True),
    "transitive release": (simulation.Simulation, Store, no_transitive_release, True),
    "deferral": (simulation.Simulation, Store, no_deferral, True),
    "places": (simulation.Simulation, Store, no_places, True),
    "windows": (simulation.Simulation, Store, no_window, True),
}


def histories(sim_of: Any) -> Iterator[tuple[str, Any]]:
    """Histories of all kinds in turn, the same in every test session."""
    # the second controller gets as far as its look, where the first one wakes up
    pauses = ((first, 14 + first * 5 % 10, (3, 6, 9)[first % 3]) for first in range(20, 90))
    kills = ((after, order) for after in range(4, 100, 5) for order in ("mixed", "new first"))
    faults = itertools.product(("fails", "unreachable", "fails_late"), simulation.SMALL.hosts, simulation.ACTS)
    for number, pause, kill, fault in itertools.zip_longest(range(TRIES), pauses, kills, faults):
        if fault:
            yield f"fault {fault}", lambda fault=fault: simulation.fault_at(sim_of(), *fault)
        yield f"history {number}", lambda number=number: simulation.random_history(sim_of(), number)
        if pause:
            yield f"pause {pause}", lambda pause=pause: simulation.pause_at(sim_of(), *pause)
        if kill:
            yield f"kill {kill}", lambda kill=kill: simulation.kill_at(sim_of(), *kill)


@pytest.fixture(scope="module")
def engine() -> sa.Engine:
    return simulation.in_memory()


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulation_misses_the_rule(engine: sa.Engine, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, store, patch, idempotent = MUTANTS[name]
    if patch is not None:
        patch(monkeypatch)

    def sim_of() -> simulation.Simulation:
        return kind(engine, simulation.SMALL, idempotent=idempotent, store=store)

    for number, (words, play) in enumerate(histories(sim_of), 1):
        try:
            play()
        except simulation.Violation as violation:
            print(f"without '{name}': {violation} ({words}, try {number})")
            return
    pytest.fail(f"nothing noticed that '{name}' was taken away")


@pytest.mark.parametrize("idempotent", [True, False])
def test_the_same_histories_find_nothing_in_the_rules_as_they_are(engine: sa.Engine, idempotent: bool) -> None:
    def sim_of() -> simulation.Simulation:
        return simulation.Simulation(engine, simulation.SMALL, idempotent=idempotent)

    for _number, (_name, play) in zip(range(45), histories(sim_of), strict=False):
        play()
