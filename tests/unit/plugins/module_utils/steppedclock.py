# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock for tests that goes on only when somebody sleeps."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock


class SteppedClock(Clock):
    """Time in seconds, from zero."""

    def __init__(self) -> None:
        self.time = 0.0
        self.naps: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.time += seconds
