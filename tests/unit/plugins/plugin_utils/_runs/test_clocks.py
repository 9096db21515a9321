# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about clocks that are apart."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import StoreError, clocks

NOON = 1_795_780_800.0


@pytest.mark.parametrize("apart", [0.0, 29.0, -30.0])
def test_a_small_difference_is_none(apart: float) -> None:
    assert clocks.compare(NOON + apart, NOON, NOON) is None


@pytest.mark.parametrize("apart", [31.0, -300.0])
def test_a_difference_is_said_with_its_number(apart: float) -> None:
    said = clocks.compare(NOON + apart, NOON, NOON)
    assert said is not None and said.startswith("The clock of the run database says 2026-11-27 1")
    assert f"this controller 2026-11-27 12:00:00+00:00: {abs(apart):.0f} seconds apart" in said


@pytest.mark.parametrize("apart", [301.0, -86400.0])
def test_too_much_is_refused_with_both_times_and_the_cure(apart: float) -> None:
    with pytest.raises(StoreError, match=rf"database says 2026-11-2.*12:00:00\+00:00: {abs(apart):.0f} seconds.*NTP"):
        clocks.compare(NOON + apart, NOON, NOON)


def test_a_slow_answer_is_no_difference() -> None:
    assert clocks.compare(NOON + 400.0, NOON, NOON + 800.0) is None
    assert "31 seconds" in str(clocks.compare(NOON + 831.0, NOON, NOON + 800.0))
