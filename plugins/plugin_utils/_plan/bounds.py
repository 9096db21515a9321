# SPDX-License-Identifier: GPL-3.0-or-later
"""Below which makespan no schedule of a plan can get in which each host keeps its fork."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.schedule import Group, back_step

#: In larger groups a host's span is taken as the sum of its own steps, which is lower but still a bound.
MOST_EXACT = 40


def host_spans(
    groups: Sequence[Group], steps: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return for each host the least time it keeps a fork, and the least time it is out.

    These are the longest chains from its first step to its last, and to its verification.
    """
    spans: dict[str, float] = {}
    out: dict[str, float] = {}
    for group in groups:
        if len(group.hosts) == 1 or len(group.hosts) > MOST_EXACT:
            for host in group.hosts:
                total, back = 0.0, back_step(steps[host])
                for step in steps[host]:
                    total += step["seconds"]
                    if step["step"] == back:
                        out[host] = total
                spans[host] = total
            continue
        order = _walk(group.hosts, steps)
        for host in group.hosts:
            reached: dict[tuple[str, str], float] = {}
            for key, seconds, before in order:
                if key[0] == host and not any(k[0] == host for k in before):
                    reached[key] = seconds
                    continue
                ends = [reached[k] for k in before if k in reached]
                if ends:
                    reached[key] = max(ends) + seconds
            last = steps[host][-1]["step"] if steps[host] else None
            spans[host] = reached.get((host, last), 0.0) if last else 0.0
            out[host] = reached.get((host, back_step(steps[host]) or ""), 0.0)
    return spans, out


def _walk(
    hosts: Sequence[str], steps: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[tuple[tuple[str, str], float, list[tuple[str, str]]]]:
    """Return all steps of a group, each after what it waits for: (step, seconds, direct predecessors)."""
    before: dict[tuple[str, str], list[tuple[str, str]]] = {}
    after: dict[tuple[str, str], list[tuple[str, str]]] = {}
    seconds: dict[tuple[str, str], float] = {}
    for host in hosts:
        previous: tuple[str, str] | None = None
        for step in steps[host]:
            key = (host, step["step"])
            before[key] = [(need[0], need[1]) for need in step["needs"]]
            if previous is not None:
                before[key].append(previous)
            seconds[key] = step["seconds"]
            previous = key
    count: dict[tuple[str, str], int] = {}
    for key, needs in before.items():
        before[key] = [need for need in dict.fromkeys(needs) if need in seconds]
        count[key] = len(before[key])
        for need in before[key]:
            after.setdefault(need, []).append(key)
    free = [key for key, open_needs in count.items() if not open_needs]
    order = []
    while free:
        key = free.pop()
        order.append((key, seconds[key], before[key]))
        for dependent in after.get(key, ()):
            count[dependent] -= 1
            if not count[dependent]:
                free.append(dependent)
    return order


def lower_bound(
    groups: Sequence[Group],
    path: Sequence[float],
    spans: Mapping[str, float],
    out: Mapping[str, float],
    capacity: Mapping[str, int],
    host_needs: Mapping[str, Sequence[str]],
    forks: int,
    canary: Sequence[bool],
    canary_path: Sequence[float],
) -> float:
    """Return the largest of several bounds, in seconds after the start of the plan.

    Each holds for any order of the groups in which a host keeps its fork from its first to its last step, also while
    it waits; a run that gave forks back at gates could be shorter.
    ``path``: the length of each group with nothing in its way. ``canary_path``: until its hosts are verified.
    The bounds: the latest group on its own; the time that hosts keep forks; for each limited resource the work behind
    it.
    """
    if not groups:
        return 0.0
    bound = max(group.due + length for group, length in zip(groups, path, strict=True))
    if any(canary):
        proved = max(g.due + c for g, c, is_canary in zip(groups, canary_path, canary, strict=True) if is_canary)
        others = [max(g.due, proved) + p for g, p, first in zip(groups, path, canary, strict=True) if not first]
        bound = max([bound, *others])
    if forks > 0:
        bound = max(bound, sum(spans.values()) / forks)
    held: dict[str, float] = {}
    first: dict[str, float] = {}
    for group, length in zip(groups, path, strict=True):
        own: dict[str, float] = {}
        for host in group.hosts:
            for name in host_needs.get(host, ()):
                own[name] = max(own.get(name, 0.0), out.get(host, 0.0))
        for name, amount in group.needs.items():
            held[name] = held.get(name, 0.0) + amount * own.get(name, length)
            first[name] = min(first.get(name, float("inf")), group.due)
    for name, work in held.items():
        if capacity.get(name):
            bound = max(bound, first.get(name, 0.0) + work / capacity[name])
    return bound
