# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller that is killed, or stands still, at every single effect."""

from __future__ import annotations

import itertools
import os

import pytest

from tests.property import simulation

EFFORT = float(os.environ.get("BASIS_TEST_EFFORT", "1"))
"""From 3 on every kill point is played in every order; from 10 on every pause, too."""
ORDERS = ("orphans first", "new first", "mixed")
LAST = 160
"""More effects than an undisturbed run has."""


@pytest.fixture(scope="module")
def engine() -> simulation.sa.Engine:
    return simulation.in_memory()


def test_an_undisturbed_run_is_shorter_than_what_is_enumerated(engine: simulation.sa.Engine) -> None:
    sim = simulation.Simulation(engine, simulation.SMALL)
    sim.now = simulation.OPENS
    sim.boot()
    done = simulation.advance_in_turn(sim, 1000, lambda actor: True)
    assert 40 < done < LAST
    sim.come_to_an_end()
    assert len(sim.controllers) == 1, "it needs no second controller"


@pytest.mark.parametrize("idempotent", [True, False], ids=["acts that look", "acts that do not look"])
def test_killed_at_every_effect(engine: simulation.sa.Engine, idempotent: bool) -> None:
    points = [
        (after, order)
        for after in range(LAST)
        for number, order in enumerate(ORDERS)
        if EFFORT >= 3 or (after + number + idempotent) % 6 == 0
    ]
    for after, order in points:
        try:
            simulation.kill_at(simulation.Simulation(engine, simulation.SMALL, idempotent=idempotent), after, order)
        except simulation.Violation as error:
            raise AssertionError(f"killed after {after} effects, {order}: {error}") from error


@pytest.mark.parametrize("idempotent", [True, False], ids=["acts that look", "acts that do not look"])
def test_paused_at_every_effect_while_another_takes_over(engine: simulation.sa.Engine, idempotent: bool) -> None:
    stride = 1 if EFFORT >= 10 else 3 if EFFORT >= 3 else 11
    for first in range(1, LAST, stride):
        for second in (0, 7, 23, 50) if EFFORT < 10 else range(0, LAST, 3):
            third = (first * 7 + second * 3) % 14
            try:
                sim = simulation.Simulation(engine, simulation.SMALL, idempotent=idempotent)
                simulation.pause_at(sim, first, second, third)
            except simulation.Violation as error:
                raise AssertionError(f"paused after {first}, {second}, woken for {third}: {error}") from error


@pytest.mark.parametrize("how", ["fails", "fails_late", "loses", "unreachable"])
def test_every_single_fault_releases_all_who_wait(engine: simulation.sa.Engine, how: str) -> None:
    for ci, act in itertools.product(simulation.LARGE.hosts, simulation.ACTS):
        try:
            simulation.fault_at(simulation.Simulation(engine, simulation.LARGE), how, ci, act)
        except simulation.Violation as error:
            raise AssertionError(f"{act} on {ci} {how}: {error}") from error
