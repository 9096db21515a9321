# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting: when it ends, how, what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Unreachable
from ansible_collections.basis.landscape.plugins.module_utils._wait import Hopeless, Limits, NeverCame, wait_until
from tests.unit.plugins.module_utils.steppedclock import SteppedClock


def series(*values: Any) -> Callable[[], Any]:
    """Looks that give these values one after the other, the last one for ever; an exception is raised."""

    def run() -> Iterator[Any]:
        yield from values
        while True:
            yield values[-1]

    stream = run()

    def look() -> Any:
        value = next(stream)
        if isinstance(value, Exception):
            raise value
        return value

    return look


def is_green(value: str) -> bool:
    return value == "green"


def test_ends_at_the_first_look_without_a_nap() -> None:
    clock = SteppedClock()
    assert wait_until("x", series("green"), is_green, Limits(10, 1), clock=clock).value == "green"
    assert clock.naps == []


def test_looks_every_delay() -> None:
    clock = SteppedClock()
    waited = wait_until("x", series("gray", "yellow", "green"), is_green, Limits(60, 5), clock=clock)
    assert (waited.looks, waited.seconds, clock.naps) == (3, 10.0, [5.0, 5.0])


def test_looks_once_more_at_the_very_end() -> None:
    clock = SteppedClock()
    assert wait_until("x", lambda: clock.time >= 12, bool, Limits(12, 5), clock=clock).value is True
    assert clock.naps == [5.0, 5.0, 2.0]


def test_the_timeout_is_hard_and_says_what_was_seen_last() -> None:
    clock = SteppedClock()
    with pytest.raises(NeverCame) as caught:
        wait_until("start it", series("yellow"), is_green, Limits(12, 5), clock=clock, describe=str.upper)
    assert caught.value.why == "after 12 s: YELLOW"
    assert caught.value.last == "yellow"
    assert caught.value.kind == "timed_out"
    assert clock.time == 12


def test_a_lost_state_ends_the_wait_after_its_grace_only() -> None:
    clock = SteppedClock()
    with pytest.raises(Hopeless) as caught:
        wait_until("x", series("red"), is_green, Limits(100, 5, grace=20), clock=clock, hopeless=lambda v: v == "red")
    assert clock.time == 20
    assert "unchanged for 20 s" in caught.value.why


def test_a_lost_state_that_passes_starts_the_grace_anew() -> None:
    clock = SteppedClock()
    looks = ["red", "red", "yellow", "red", "red", "green"]
    waited = wait_until(
        "x", series(*looks), is_green, Limits(100, 5, grace=10), clock=clock, hopeless=lambda v: v == "red"
    )
    assert waited.value == "green"


def test_failing_looks_are_borne_for_the_patience() -> None:
    clock = SteppedClock()
    down = Unreachable("look", "nobody there")
    look = series("yellow", down, down, "yellow", down, "green")
    limits = Limits(100, 5, patience=10)
    assert wait_until("x", look, is_green, limits, clock=clock, bear=(Unreachable,)).value == "green"


def test_failing_looks_beyond_the_patience_are_raised_as_they_are() -> None:
    clock = SteppedClock()
    down = Unreachable("look", "nobody there")
    limits = Limits(100, 5, patience=10)
    with pytest.raises(Unreachable) as caught:
        wait_until("x", series("yellow", down), is_green, limits, clock=clock, bear=(Unreachable,))
    assert caught.value is down
    assert caught.value.facts["waited_seconds"] == 15


def test_other_errors_are_not_borne() -> None:
    with pytest.raises(Denied):
        wait_until("x", series(Denied("x", "no")), is_green, Limits(9, 1), clock=SteppedClock(), bear=(Unreachable,))


@pytest.mark.parametrize("numbers", [(0, 1), (-1, 1), (1, 0), (1, -2)])
def test_limits_must_be_positive(numbers: tuple[float, float]) -> None:
    with pytest.raises(BadInput, match="must be greater than 0"):
        Limits(*numbers)


def test_grace_must_not_be_negative() -> None:
    with pytest.raises(BadInput, match="grace must not be negative"):
        Limits(1, 1, grace=-1)
