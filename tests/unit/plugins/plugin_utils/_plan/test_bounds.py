# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the lower bound."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.bounds import host_spans, lower_bound
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.schedule import Group
from tests.unit.plugins.plugin_utils._plan.test_schedule import walk

STEPS = {
    "web": walk(("admit", 1.0), ("stop", 10.0), ("start", 5.0, ("db", "start")), ("verify", 1.0), ("unsilence", 2.0)),
    "db": walk(("admit", 1.0), ("stop", 20.0, ("web", "stop")), ("start", 30.0), ("verify", 1.0), ("unsilence", 2.0)),
}


def test_a_host_keeps_its_fork_while_it_waits() -> None:
    spans, out = host_spans([Group(["web", "db"])], STEPS)
    # the web host cannot end before the database was stopped after it, and started
    assert spans == {"web": 1 + 10 + 20 + 30 + 5 + 1 + 2, "db": 1 + 20 + 30 + 1 + 2}
    assert out == {"web": 67, "db": 52}


@pytest.mark.parametrize(
    ("more", "bound"),
    [
        ({}, 100.0),
        ({"forks": 2}, 150.0),
        ({"forks": 1}, 300.0),
        ({"capacity": {"batch": 1}}, 300.0),
        ({"capacity": {"batch": 2}}, 150.0),
        ({"canary": [True, False, False], "canary_path": [90.0, 100.0, 100.0]}, 190.0),
        ({"due": 1000.0}, 1100.0),
        ({"due": 1000.0, "capacity": {"batch": 1}}, 1300.0),
        ({"capacity": {"batch": 1}, "host_needs": {"a": ["batch"], "b": ["batch"], "c": ["batch"]}}, 240.0),
    ],
)
def test_each_bound(more: dict[str, Any], bound: float) -> None:
    capacity = more.get("capacity", {})
    groups = [Group([name], more.get("due", 0.0), {"batch": 1} if capacity else {}) for name in "abc"]
    assert bound == lower_bound(
        groups,
        [100.0, 100.0, 100.0],
        dict.fromkeys("abc", 100.0),
        dict.fromkeys("abc", 80.0),
        capacity,
        more.get("host_needs", {}),
        more.get("forks", 3),
        more.get("canary", [False, False, False]),
        more.get("canary_path", [100.0, 100.0, 100.0]),
    )


def test_no_groups_no_bound() -> None:
    assert lower_bound([], [], {}, {}, {}, {}, 1, [], []) == 0.0
