# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the predicted times of steps."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.schedule import (
    Group,
    back_step,
    critical_path,
    packed,
    simulate,
)


def walk(*steps: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Steps as (name, seconds, needs...)."""
    return [
        {"step": name, "seconds": seconds, "needs": [list(need) for need in needs]} for name, seconds, *needs in steps
    ]


def test_gates_hold_and_the_path_is_what_decided() -> None:
    steps = {
        "web": walk(("admit", 1.0), ("stop", 10.0), ("start", 5.0, ("db", "start"))),
        "db": walk(("admit", 1.0), ("stop", 20.0, ("web", "stop")), ("start", 30.0)),
    }
    found = simulate([Group(["web", "db"])], steps, {}, {}, 2)
    assert found.start == {
        ("web", "admit"): 0,
        ("db", "admit"): 0,
        ("web", "stop"): 1,
        ("db", "stop"): 11,
        ("db", "start"): 31,
        ("web", "start"): 61,
    }
    assert found.makespan == 66 and found.stuck == []
    assert critical_path(found) == [
        ("web", "admit"),
        ("web", "stop"),
        ("db", "stop"),
        ("db", "start"),
        ("web", "start"),
    ]


@pytest.mark.parametrize(
    ("capacity", "forks", "due", "makespan"),
    [
        ({}, 3, 0.0, 10.0),
        ({}, 2, 0.0, 20.0),
        ({}, 1, 0.0, 30.0),
        ({"batch": 1}, 3, 0.0, 30.0),
        ({"batch": 2}, 3, 0.0, 20.0),
        ({}, 3, 100.0, 110.0),
        ({"batch": 1}, 3, 5.0, 35.0),
    ],
)
def test_places_forks_and_windows(capacity: dict[str, int], forks: int, due: float, makespan: float) -> None:
    steps = {name: walk(("admit", 0.0), ("patch", 10.0)) for name in "abc"}
    needs = {"batch": 1} if capacity else {}
    groups = [Group([name], due, dict(needs)) for name in "abc"]
    assert simulate(groups, steps, capacity, {}, forks).makespan == makespan


def test_a_place_of_redundancy_is_free_when_its_host_is_verified() -> None:
    steps = {name: walk(("admit", 0.0), ("patch", 10.0), ("verify", 1.0), ("unsilence", 50.0)) for name in "ab"}
    groups = [Group([name], 0.0, {"redundancy:x": 1}) for name in "ab"]
    holders = {"a": ["redundancy:x"], "b": ["redundancy:x"]}
    assert simulate(groups, steps, {"redundancy:x": 1}, holders, 2).start[("b", "admit")] == 11
    assert simulate(groups, steps, {"redundancy:x": 1}, {}, 2).start[("b", "admit")] == 61


def test_what_cannot_end_is_named() -> None:
    steps = {
        "a": walk(("admit", 1.0), ("stop", 1.0, ("b", "stop"))),
        "b": walk(("admit", 1.0), ("stop", 1.0, ("a", "stop"))),
    }
    assert simulate([Group(["a", "b"])], steps, {}, {}, 2).stuck == ["a", "b"]
    assert simulate([Group(["a"], 0.0, {"batch": 2})], steps, {"batch": 1}, {}, 2).stuck == ["a"]


def test_nothing_to_do() -> None:
    found = simulate([], {}, {}, {}, 1)
    assert found.makespan == 0 and critical_path(found) == []
    assert back_step([]) is None and back_step(walk(("admit", 1.0))) == "admit"


def test_the_order_of_groups_leaves_forks_idle_for_less_time() -> None:
    ends = {"a": 3.0, "b": 3.0, "c": 2.0, "d": 2.0, "e": 2.0}
    groups = [Group([host]) for host in ends]

    def took(order: list[int]) -> float:
        steps = {host: [{"step": "work", "seconds": seconds, "needs": []}] for host, seconds in ends.items()}
        return simulate([groups[number] for number in order], steps, {}, {}, 2).makespan

    assert took(list(range(5))) == 7, "the longest first is not the best"
    order = packed(groups, ends, [0] * 5, 2)
    assert took(order) == 6 and sorted(order) == list(range(5))
    assert packed(groups, ends, [0] * 5, 2) == order, "the same plan each time it is made"
    assert packed(groups, ends, [0, 1, 2, 3, 4], 2) == list(range(5)), "windows that close first stay first"
    assert set(packed(groups, ends, [0, 0, 0, 1, 1], 2)[:3]) == {0, 1, 2}
    groups[0].due = 4.0
    assert took(list(range(5))) == 9, "a fork waits for a window"
    assert took(packed(groups, ends, [0] * 5, 2)) == 7
