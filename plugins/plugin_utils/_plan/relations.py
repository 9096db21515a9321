# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances of a run wait for which others.

Three sources say so: relations between systems, relations between instances, and start priorities inside a system
(every instance needs all instances of the next lower priority). To keep the number of edges linear, a system is given
a node for its bottom (what all of it needs) and its top (all of it is up), and one for each priority in between;
afterwards these nodes, with the instances outside the run, are contracted away, so that order is kept also across them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.graph import shortest_cycle, strong_components
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions

_MARK = "\0"


@dataclass
class Relations:
    """What the relations mean for one run; all lists are sorted.

    ``needs``: instance of the run -> instances of the run that must be up before it.
    ``dependents``: the same edges the other way round.
    ``outside``: instance outside the run -> instances of the run that need it.
    ``relied_on``: those of them that have to be up before an instance of the run starts -> these instances.
    ``outside_dependents``: instance outside the run -> the instances of the run whose stop it would feel.
    """

    needs: dict[str, list[str]] = field(default_factory=dict)
    dependents: dict[str, list[str]] = field(default_factory=dict)
    outside: dict[str, list[str]] = field(default_factory=dict)
    relied_on: dict[str, list[str]] = field(default_factory=dict)
    outside_dependents: dict[str, list[str]] = field(default_factory=dict)


def resolve(
    landscape: Mapping[str, Any], inside: Iterable[str], rolling: frozenset[str], conditions: Conditions
) -> Relations:
    """Return the `Relations` of a run over the instances ``inside``.

    ``rolling`` names the systems that stay up while one of their hosts is out: nothing waits for such a system, only
    for an instance of it that a relation names. Circles go to ``conditions``; the result is then empty.
    """
    run = set(inside)
    graph = _full_graph(landscape, run, rolling)
    reverse: dict[str, list[str]] = {}
    for node, targets in graph.items():
        for target in targets:
            reverse.setdefault(target, []).append(node)
    relevant = _reach(graph, run) | _reach(reverse, run)
    circles = [members for members in strong_components(graph) if not relevant.isdisjoint(members)]
    if circles:
        for members in circles:
            _name_circle(landscape, graph, members, conditions)
        return Relations({name: [] for name in run}, {name: [] for name in run})
    relations = Relations({name: [] for name in sorted(run)}, {name: [] for name in sorted(run)})
    behind = _contract(graph, run)
    outside: dict[str, set[str]] = {}
    relied_on: dict[str, set[str]] = {}
    for name in sorted(run):
        found: set[str] = set()
        for target in graph[name]:
            if target in run:
                found.add(target)
            else:
                found |= behind[target][0]
                for other in behind[target][1]:
                    outside.setdefault(other, set()).add(name)
        for other in _nearest(landscape, graph, run, name):
            relied_on.setdefault(other, set()).add(name)
        relations.needs[name] = sorted(found)
        for target in found:
            relations.dependents[target].append(name)
    for name in relations.dependents:
        relations.dependents[name].sort()
    relations.outside = {name: sorted(outside[name]) for name in sorted(outside)}
    relations.relied_on = {name: sorted(relied_on[name]) for name in sorted(relied_on)}
    relations.outside_dependents = _outside_dependents(landscape, reverse, run)
    return relations


def _full_graph(landscape: Mapping[str, Any], run: set[str], rolling: frozenset[str]) -> dict[str, list[str]]:
    """Return the graph of the whole landscape, with the nodes for bottom, priorities and top of each system."""
    graph: dict[str, list[str]] = {}
    members: dict[str, dict[float, list[str]]] = {name: {} for name in landscape["systems"]}
    for name in sorted(landscape["instances"]):
        instance = landscape["instances"][name]
        members[instance["system"]].setdefault(instance["start_priority"], []).append(name)
        graph[name] = list(instance["depends_on"])
    for system, record in landscape["systems"].items():
        below = f"{_MARK}bottom{_MARK}{system}"
        graph[below] = [f"{_MARK}top{_MARK}{target}" for target in record["depends_on"]]
        levels = members[system]
        for priority in sorted(levels):
            for name in levels[priority]:
                graph[name].append(below)
            above = f"{_MARK}from {priority:g}{_MARK}{system}"
            if system in rolling:
                graph[above] = [below, *(name for name in levels[priority] if name not in run)]
            else:
                graph[above] = list(levels[priority])
            below = above
        graph[f"{_MARK}top{_MARK}{system}"] = [below]
    return graph


def _reach(graph: Mapping[str, list[str]], roots: Iterable[str]) -> set[str]:
    seen = set(roots)
    stack = list(seen)
    while stack:
        for target in graph.get(stack.pop(), ()):
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return seen


def _contract(graph: Mapping[str, list[str]], run: set[str]) -> dict[str, tuple[set[str], set[str]]]:
    """Return for each node that is not in the run: what of the run stands behind it, and which other instances do."""
    behind: dict[str, tuple[set[str], set[str]]] = {}
    for root in sorted(run):
        stack = [target for target in graph[root] if target not in run and target not in behind]
        while stack:
            node = stack[-1]
            if node in behind:
                stack.pop()
                continue
            missing = [target for target in graph.get(node, ()) if target not in run and target not in behind]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            inner: set[str] = set()
            others: set[str] = set() if node.startswith(_MARK) else {node}
            for target in graph.get(node, ()):
                if target in run:
                    inner.add(target)
                else:
                    inner |= behind[target][0]
                    others |= behind[target][1]
            behind[node] = (inner, others)
    return behind


def _nearest(landscape: Mapping[str, Any], graph: Mapping[str, list[str]], run: set[str], name: str) -> set[str]:
    """Return whom outside the run an instance relies on: all below it in its own system, of others who is on top.

    What stands behind an instance of another system that is up says nothing more. Behind one of its own it does:
    central services are up without their database. A replication is started before, and nobody needs it.
    """
    instances = landscape["instances"]
    home = instances[name]["system"]
    found: set[str] = set()
    seen, stack = set(run), list(graph[name])
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if not node.startswith(_MARK):
            if instances[node]["kind"] != "ers":
                found.add(node)
            if instances[node]["system"] != home:
                continue
        stack.extend(graph.get(node, ()))
    return found


def _outside_dependents(
    landscape: Mapping[str, Any], reverse: Mapping[str, list[str]], run: set[str]
) -> dict[str, list[str]]:
    felt: dict[str, set[str]] = {}
    origin: dict[str, set[str]] = {}
    for name in sorted(run):
        for node in reverse.get(name, ()):
            if node not in run:
                origin.setdefault(node, set()).add(name)
    pending = list(origin)
    while pending:
        node = pending.pop()
        sources = origin[node]
        if not node.startswith(_MARK):
            felt[node] = sources
        for dependent in reverse.get(node, ()):
            if dependent in run:
                continue
            known = origin.setdefault(dependent, set())
            # a few names are enough for the message; the bound keeps this linear
            fresh = set(sorted(sources)[:5]) - known
            if fresh and len(known) < 5:
                known |= fresh
                pending.append(dependent)
    return {name: sorted(felt[name]) for name in sorted(felt) if name in landscape["instances"]}


def _name_circle(
    landscape: Mapping[str, Any], graph: Mapping[str, list[str]], members: list[str], conditions: Conditions
) -> None:
    instances = landscape["instances"]
    real = [name for name in members if not name.startswith(_MARK)]
    path = shortest_cycle(graph, members)
    systems = {instances[name]["system"] for name in real}
    systems |= {name.rsplit(_MARK, 1)[1] for name in members if name.startswith(_MARK)}
    if len(systems) > 1:
        words = [instances[node]["system"] if node in instances else node.rsplit(_MARK, 1)[1] for node in path]
    else:
        words = [node if node in instances else f"(start priority {node.split(_MARK)[1][5:]})" for node in path]
        words = [word for word in words if not word.endswith("(start priority )")]
    steps = [word for number, word in enumerate(words) if number == 0 or word != words[number - 1]]
    if len(steps) == 1:
        steps *= 2
    listed = sorted(systems) if len(systems) > 1 and not real else real
    conditions.add(
        "+".join(sorted(systems)),
        f"its relations run in a circle: {' -> '.join(steps)}. Members: {', '.join(listed)}.",
        "remove one of these relations in the CMDB"
        + ("." if len(systems) > 1 else ", or correct the start priorities."),
    )
