# SPDX-License-Identifier: GPL-3.0-or-later
"""What a directed graph says about order: components, cycles, a stable topological order.

A graph is a mapping from a node to the nodes it depends on. All functions are pure, take time linear in nodes and edges
(times a logarithm where an order is stable), and do not recurse, so that a chain of 10,000 nodes is no problem.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Graph = Mapping[str, Iterable[str]]


class UnionFind:
    """Sets of names that are merged pair by pair."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._parent: dict[str, str] = {name: name for name in names}

    def find(self, name: str) -> str:
        """Return the representative of the set that holds ``name`` (which is added if it is new)."""
        parent = self._parent
        parent.setdefault(name, name)
        root = name
        while parent[root] != root:
            root = parent[root]
        while parent[name] != root:
            parent[name], name = root, parent[name]
        return root

    def union(self, one: str, other: str) -> None:
        """Merge the sets of two names."""
        a, b = self.find(one), self.find(other)
        if a != b:
            self._parent[max(a, b)] = min(a, b)

    def sets(self) -> list[list[str]]:
        """Return all sets, each sorted, sorted by their first member."""
        found: dict[str, list[str]] = {}
        for name in sorted(self._parent):
            found.setdefault(self.find(name), []).append(name)
        return sorted(found.values())


def strong_components(graph: Graph) -> list[list[str]]:
    """Return the strongly connected components that hold a circle: several nodes, or one with an edge to itself."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    found: list[list[str]] = []
    for root in graph:
        if root in index:
            continue
        work: list[tuple[str, Any]] = [(root, None)]
        while work:
            node, following = work.pop()
            if following is None:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
                following = iter(graph.get(node, ()))
            descended = False
            for target in following:
                if target not in index:
                    work.append((node, following))
                    work.append((target, None))
                    descended = True
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            if descended:
                continue
            if low[node] == index[node]:
                members = []
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    members.append(member)
                    if member == node:
                        break
                if len(members) > 1 or node in set(graph.get(node, ())):
                    found.append(sorted(members))
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
    return sorted(found)


def shortest_cycle(graph: Graph, members: Sequence[str]) -> list[str]:
    """Return a shortest cycle through the first of ``members`` (a strong component), with that node at both ends."""
    inside = set(members)
    start = min(members)
    before: dict[str, str] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for target in sorted(graph.get(node, ())):
            if target == start:
                path = [start, node] if node != start else [start]
                while path[-1] != start:
                    path.append(before[path[-1]])
                if path[-1] != path[0] or len(path) == 1:
                    path.append(start)
                return path[::-1]
            if target in inside and target not in before:
                before[target] = node
                queue.append(target)
    raise ValueError(f"{start} is on no cycle")


def topological(graph: Graph, key: Callable[[str], Any]) -> list[str]:
    """Return all nodes, dependencies first; among nodes that are free the smallest ``key`` comes first.

    Raises `ValueError` when the graph has a cycle; callers look for cycles before.
    """
    waiting: dict[str, int] = {}
    dependents: dict[str, list[str]] = {}
    for node, targets in graph.items():
        unique = set(targets)
        waiting[node] = waiting.get(node, 0) + len(unique)
        for target in unique:
            dependents.setdefault(target, []).append(node)
            waiting.setdefault(target, 0)
    free = [(key(node), node) for node, count in waiting.items() if not count]
    heapq.heapify(free)
    order: list[str] = []
    while free:
        _key, node = heapq.heappop(free)
        order.append(node)
        for dependent in dependents.get(node, ()):
            waiting[dependent] -= 1
            if not waiting[dependent]:
                heapq.heappush(free, (key(dependent), dependent))
    if len(order) != len(waiting):
        raise ValueError("the graph has a cycle")
    return order
