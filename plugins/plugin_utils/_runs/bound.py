# SPDX-License-Identifier: GPL-3.0-or-later
"""How quickly the run could have gone at best, with the times that its steps really took."""

from __future__ import annotations

import graphlib
import typing as t


def measured(plan: t.Mapping[str, t.Any], steps: t.Iterable[t.Mapping[str, t.Any]]) -> float:
    """Return the seconds of the longest chain of steps that had to wait for each other.

    A step's time is the one measured, without its waiting; a step that was not done counts nothing. No order of
    hosts, no number
    of forks could have made the run shorter than this.
    """
    took = {
        (step["ci"], step["step"]): step["ended_at"] - step["started_at"]
        for step in steps
        if step["state"] == "done" and None not in (step["started_at"], step["ended_at"])
    }
    before: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for host, walk in plan["steps"].items():
        for n, step in enumerate(walk):
            needs = set(map(tuple, step["needs"]))
            before[host, step["step"]] = needs | ({(host, walk[n - 1]["step"])} if n else set())
    ends: dict[tuple[str, str], float] = {}
    for key in graphlib.TopologicalSorter(before).static_order():
        ends[key] = max((ends[need] for need in before.get(key, ())), default=0.0) + took.get(key, 0.0)
    return max(ends.values(), default=0.0)
