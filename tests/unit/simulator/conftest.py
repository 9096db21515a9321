# SPDX-License-Identifier: GPL-3.0-or-later
"""A running simulator for the tests of its doors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.launch import Simulator
from tests.unit.simulator.samples import landscape


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    """One simulator for a module's tests."""
    with Simulator.start(landscape(), speed=200, socket_dir=True) as sim:
        yield sim


@pytest.fixture
def sim(shared: Simulator) -> Iterator[Simulator]:
    """The shared simulator at rest: no faults, every host up, every instance running."""
    shared.clear()
    state = shared.state()
    shared.state(
        hosts={name: {"up": True, "reboot_required": False, "locked": []} for name in state["hosts"]},
        instances={
            name: {"phase": "running", "service_up": True, "maintenance": False, "inactive": False, "busy": 2}
            for name in state["instances"]
        },
    )
    yield shared
