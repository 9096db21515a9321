# SPDX-License-Identifier: GPL-3.0-or-later
"""The run database under random interleavings, kills, faults, lost answers, several controllers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Busy, Fenced
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from tests import postgres
from tests.property import simulation

EFFORT = float(os.environ.get("BASIS_TEST_EFFORT", "1"))
"""Multiplies the number of random runs; 50 is a night's work."""


class Machine(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    engine: sa.Engine
    make = simulation.Simulation
    idempotent = True

    @initialize()
    def start(self) -> None:
        self.sim = self.make(self.engine, idempotent=self.idempotent)
        self.sim.boot()
        self.kills = 0

    @rule(schedule=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=12))
    def run(self, schedule: list[tuple[int, int]]) -> None:
        for which, count in schedule:
            if not self.sim.actors:
                return
            actor = self.sim.actors[which % len(self.sim.actors)]
            for _other in range(count):
                if actor in self.sim.actors:
                    self.sim.advance(actor)

    @rule(count=st.integers(1, 12))
    def run_all(self, count: int) -> None:
        self.sim.rounds(count)

    @rule()
    def record(self) -> None:
        self.sim.record()

    @rule(seconds=st.sampled_from([1.0, 10.0, 29.0, 31.0, 120.0]))
    def tick(self, seconds: float) -> None:
        self.sim.now += seconds

    @rule(which=st.integers(0, 9))
    def beat(self, which: int) -> None:
        controller = self.sim.controllers[which % len(self.sim.controllers)]
        if controller.alive:
            with contextlib.suppress(Fenced):
                controller.store.beat(simulation.RUN, controller.epoch)

    @rule(machine=st.integers(0, 1))
    def observe(self, machine: int) -> None:
        self.sim.stores[machine].observe()
        self.sim.check()

    @precondition(lambda self: self.kills < 3 and any(controller.alive for controller in self.sim.controllers))
    @rule(which=st.integers(0, 9))
    def sigkill(self, which: int) -> None:
        living = [controller for controller in self.sim.controllers if controller.alive]
        self.sim.kill(living[which % len(living)])
        self.kills += 1

    @precondition(lambda self: len(self.sim.controllers) < 6 and self.sim.run_state != "succeeded")
    @rule(machine=st.integers(0, 1), force=st.booleans())
    def resume(self, machine: int, force: bool) -> None:
        with contextlib.suppress(Busy):
            self.sim.boot(machine, force)

    @rule(
        ci=st.sampled_from(simulation.LARGE.hosts),
        step=st.sampled_from(simulation.ACTS),
        how=st.sampled_from(["fails", "fails_late", "loses", "unreachable"]),
    )
    def fault(self, ci: str, step: str, how: str) -> None:
        faults: set[tuple[str, str]] = getattr(self.sim.world, how)
        if len(faults) < 2:
            faults.add((ci, step))

    @rule()
    def heal(self) -> None:
        self.sim.world.unreachable.clear()

    @rule()
    def lose_an_answer(self) -> None:
        self.sim.lose_answer = True

    @rule()
    def finish(self) -> None:
        controller = self.sim.current
        if controller.alive and not [actor for actor in self.sim.actors if actor.controller is controller]:
            with contextlib.suppress(Fenced):
                controller.store.finish(simulation.RUN, controller.epoch)
            controller.alive = False
            self.sim.check()

    def teardown(self) -> None:
        if hasattr(self, "sim"):
            self.sim.come_to_an_end()


def explore(machine: type[Machine], runs: int, steps: int = 40, *, shrink: bool = True) -> None:
    """Play ``runs`` random histories. Raises simulation.Violation with the shortest history found."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, int(runs)),
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
            phases=phases,
        ),
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """An engine on which a simulation can run, once of each kind."""
    if request.param == "sqlite":
        made = simulation.in_memory()
        yield made
        made.dispose()
        return
    server = postgres.require()
    url = server.database()
    made = simulation.on_server(url)
    yield made
    made.dispose()
    server.drop(url)


@pytest.mark.parametrize("idempotent", [True, False], ids=["acts that look", "acts that do not look"])
def test_no_history_breaks_a_promise(engine: sa.Engine, idempotent: bool) -> None:
    runs = 40 if engine.dialect.name == "sqlite" else 5
    explore(type("Case", (Machine,), {"engine": engine, "idempotent": idempotent}), int(runs * EFFORT))
