# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated clock."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.simulator.clock import Clock


def test_advance_fires_timers_in_order_at_their_own_time() -> None:
    clock = Clock(1e-9)
    seen: list[tuple[str, float]] = []
    clock.after(20, lambda: seen.append(("late", round(clock.now(), 3))))
    clock.after(10, lambda: clock.after(5, lambda: seen.append(("nested", round(clock.now(), 3)))))
    cancelled = clock.after(12, lambda: seen.append(("never", 0)))
    cancelled.cancel()
    clock.advance(30)
    assert seen == [("nested", 15.0), ("late", 20.0)]
    assert clock.now() == pytest.approx(30, abs=0.01)


def test_speed_and_sleep() -> None:
    async def run() -> float:
        clock = Clock(1000)
        begin = time.monotonic()
        await clock.sleep(100)
        return time.monotonic() - begin

    assert 0.09 < asyncio.run(run()) < 2


def test_a_change_of_speed_keeps_the_time() -> None:
    clock = Clock(1e-9)
    clock.advance(50)
    clock.set_speed(1e-8)
    assert clock.now() == pytest.approx(50, abs=0.01)
    with pytest.raises(ValueError, match="above 0"):
        clock.set_speed(0)


def test_a_jump_moves_the_wall_clock_alone() -> None:
    clock = Clock(1e-9, wall=0)
    fired: list[int] = []
    clock.after(10, lambda: fired.append(1))
    clock.jump(3600)
    assert clock.text() == "1970 01 01 01:00:00"
    clock.jump(-7200)
    assert clock.wall() == pytest.approx(-3600, abs=0.01)
    assert not fired
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(-1)
