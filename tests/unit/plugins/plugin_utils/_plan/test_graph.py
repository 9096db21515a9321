# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about graph functions."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.graph import (
    UnionFind,
    shortest_cycle,
    strong_components,
    topological,
)


@pytest.mark.parametrize(
    ("graph", "circles"),
    [
        ({}, []),
        ({"a": ["b"], "b": []}, []),
        ({"a": ["a"]}, [["a"]]),
        ({"a": ["b"], "b": ["a"]}, [["a", "b"]]),
        ({"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["e"], "e": ["d"]}, [["a", "b", "c"], ["d", "e"]]),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
    ],
)
def test_circles_are_found_with_all_members(graph: dict[str, list[str]], circles: list[list[str]]) -> None:
    assert strong_components(graph) == circles


def test_shortest_cycle_is_a_path_along_edges() -> None:
    graph = {"a": ["b", "x"], "b": ["c"], "c": ["a"], "x": ["y"], "y": ["z"], "z": ["a"]}
    assert shortest_cycle(graph, ["a", "b", "c", "x", "y", "z"]) == ["a", "b", "c", "a"]
    assert shortest_cycle({"a": ["a"]}, ["a"]) == ["a", "a"]
    with pytest.raises(ValueError, match="on no cycle"):
        shortest_cycle({"a": ["b"], "b": []}, ["a"])


def test_topological_puts_dependencies_first_and_is_stable() -> None:
    graph = {"web": ["app"], "app": ["db"], "db": [], "alone": []}
    assert topological(graph, lambda name: name) == ["alone", "db", "app", "web"]
    assert topological(dict(reversed(graph.items())), lambda name: name) == ["alone", "db", "app", "web"]
    with pytest.raises(ValueError, match="cycle"):
        topological({"a": ["b"], "b": ["a"]}, lambda name: name)


def test_a_long_chain_needs_no_recursion() -> None:
    chain = {str(number): [str(number + 1)] for number in range(20_000)}
    assert strong_components(chain) == []
    assert topological(chain, int)[0] == "20000"


def test_union_find_merges() -> None:
    sets = UnionFind("abcd")
    sets.union("a", "c")
    sets.union("d", "c")
    assert sets.sets() == [["a", "c", "d"], ["b"]]
