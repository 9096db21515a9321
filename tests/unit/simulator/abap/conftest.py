# SPDX-License-Identifier: GPL-3.0-or-later
"""A system for the tests of the simulated ABAP."""

from __future__ import annotations

import pytest

from tests.unit.simulator.abap.stage import QUIET, Stage


@pytest.fixture
def stage() -> Stage:
    """A system without jobs."""
    return Stage(**QUIET)
