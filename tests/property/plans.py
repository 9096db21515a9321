# SPDX-License-Identifier: GPL-3.0-or-later
"""Small plans for tests of the run database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def step(kind: str, name: str | None = None, needs: Sequence[tuple[str, str]] = (), **more: Any) -> dict[str, Any]:
    """One step of a plan."""
    name = name or kind
    return {
        "step": name,
        "kind": kind,
        "label": f"T/{name}",
        "needs": [list(need) for need in needs],
        "seconds": 10.0,
        "system": more.pop("system", None),
        **more,
    }


def group(name: str, hosts: Sequence[str], **more: Any) -> dict[str, Any]:
    """One admission group; its systems are its name's parts."""
    return {
        "name": name,
        "systems": name.split("+"),
        "hosts": list(hosts),
        "canary": False,
        "seconds": 60.0,
        "window": None,
        "needs": {},
        **more,
    }


def plan(
    groups: Sequence[dict[str, Any]],
    steps: Mapping[str, Sequence[dict[str, Any]]],
    *,
    resources: Mapping[str, int] | None = None,
    host_needs: Mapping[str, Sequence[str]] | None = None,
    facts: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """A plan as the planner makes them, with only what the run database reads."""
    return {
        "format": 1,
        "procedure": "patch",
        "hash": "sha256:test",
        "options": options,
        "hosts": [host for one in groups for host in one["hosts"]],
        "groups": list(groups),
        "resources": dict(resources or {}),
        "host_needs": {host: list(names) for host, names in (host_needs or {}).items()},
        "host_facts": dict(facts or {}),
        "steps": {host: list(walk) for host, walk in steps.items()},
    }


def walk(host: str, *, system: str = "PRD", stop_needs: Any = (), start_needs: Any = ()) -> list[dict[str, Any]]:
    """The usual steps of a host: admit, stop, patch, start, verify, unsilence."""
    return [
        step("admit", system=system),
        step("stop", f"stop:{system}/{host}/I", stop_needs, system=system),
        step("patch", system=system),
        step("start", f"start:{system}/{host}/I", start_needs, system=system),
        step("verify", system=system),
        step("unsilence", system=system),
    ]


def three_tiers() -> dict[str, Any]:
    """web before app before db on the way down, the other way round on the way up."""
    return plan(
        [group("PRD", ["web", "app", "db"])],
        {
            "web": walk("web", start_needs=[("app", "start:PRD/app/I")]),
            "app": walk("app", stop_needs=[("web", "stop:PRD/web/I")], start_needs=[("db", "start:PRD/db/I")]),
            "db": walk("db", stop_needs=[("app", "stop:PRD/app/I")]),
        },
    )


def lone_hosts(count: int, **more: Any) -> dict[str, Any]:
    """``count`` systems of one host each that know nothing of each other."""
    groups = [group(f"S{n:02}", [f"h{n:02}"], **more.pop("group", {})) for n in range(count)]
    for one in groups:
        one["needs"] = dict(more.get("needs", {}))
    more.pop("needs", None)
    return plan(groups, {f"h{n:02}": walk(f"h{n:02}", system=f"S{n:02}") for n in range(count)}, **more)
