# SPDX-License-Identifier: GPL-3.0-or-later
"""How much faster than linear a time may grow with the number of CIs."""

from __future__ import annotations

import math

LIMIT_EXPONENT = 1.2
"""Seconds grow as the number of CIs to this power at most: ten times as many take 16 times as long. 1 is linear."""


def exponent(sizes: tuple[int, int], seconds: tuple[float, float]) -> float | None:
    """The power of the number of CIs as which the seconds grow; None when one size tells nothing about growth."""
    few, many = sizes
    return None if few == many else math.log(seconds[1] / seconds[0]) / math.log(many / few)


def too_steep(power: float | None) -> bool:
    """Whether a growth is over the limit."""
    return power is not None and power > LIMIT_EXPONENT
