# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage for the tests of the HANA door's engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.simulator.hana.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Two HANA systems at rest."""
    return Stage(tmp_path)
