# SPDX-License-Identifier: GPL-3.0-or-later
"""Small landscapes for the planner's tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import PlanRefused, make_plan

#: A Sunday at noon, UTC.
NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


class Builder:
    """Builds a landscape in normal form, one short call for each thing."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {
            "hosts": {},
            "systems": {},
            "instances": {},
            "redundancy_groups": {},
            "calendars": {},
        }

    def system(self, name: str, kind: str = "abap", needs: Iterable[str] = (), **more: Any) -> Builder:
        """Add a system that depends on others."""
        self.data["systems"][name] = {"sid": name, "type": kind, "depends_on": list(needs), **more}
        return self

    def instance(self, system: str, host: str, name: str, kind: str = "dialog", **more: Any) -> Builder:
        """Add an instance, with its host when that is new."""
        self.data["hosts"].setdefault(host, {})
        identity = f"{system}/{host}/{name}"
        self.data["instances"][identity] = {
            "system": system,
            "sid": system,
            "host": host,
            "name": name,
            "kind": kind,
            **more,
        }
        return self

    def host(self, name: str, **more: Any) -> Builder:
        """Add a host, or what is known of it."""
        self.data["hosts"].setdefault(name, {}).update(more)
        return self

    def calendar(self, name: str, kind: str, *entries: dict[str, Any], zone: str = "UTC") -> Builder:
        """Add a calendar."""
        self.data["calendars"][name] = {"kind": kind, "timezone": zone, "entries": list(entries)}
        return self

    def together(self, name: str, members: Iterable[str], allowed: int = 1) -> Builder:
        """Add a redundancy group."""
        self.data["redundancy_groups"][name] = {"members": list(members), "max_unavailable": allowed}
        return self

    def plan(self, hosts: Iterable[str] | None = None, *, procedure: str = "patch", **options: Any) -> dict[str, Any]:
        """Return the plan for all hosts, or some."""
        chosen = list(self.data["hosts"]) if hosts is None else list(hosts)
        now = options.pop("now", NOW)
        said = {name: options.pop(name, None) for name in ("durations", "like")}
        return make_plan(self.data, hosts=chosen, procedure=procedure, now=now, options=options, **said)

    def refusal(self, hosts: Iterable[str] | None = None, **options: Any) -> dict[str, str]:
        """Return object -> what is unmet of a plan that must be refused."""
        try:
            self.plan(hosts, **options)
        except PlanRefused as refused:
            for condition in refused.conditions:
                assert condition["object"] and condition["unmet"] and condition["remedy"]
                assert condition["object"] in str(refused) and condition["remedy"] in str(refused)
            return {condition["object"]: condition["unmet"] for condition in refused.conditions}
        raise AssertionError("the plan was not refused")


def three_tiers() -> Builder:
    """One ABAP system on its HANA database behind a Web Dispatcher, each instance on its own host."""
    build = Builder().system("HDB", "hana").system("PRD", "abap", ["HDB"]).system("WDP", "webdisp", ["PRD"])
    build.instance("HDB", "db", "HDB00", "hana").instance("PRD", "cs", "ASCS01", "ascs")
    build.instance("PRD", "app1", "D02").instance("PRD", "app2", "D02").instance("WDP", "web", "W80", "webdisp")
    return build


def names(plan: dict[str, Any], host: str) -> list[str]:
    """Return the names of a host's steps."""
    return [step["step"] for step in plan["steps"][host]]


def step(plan: dict[str, Any], host: str, name: str) -> dict[str, Any]:
    """Return one step."""
    return next(step for step in plan["steps"][host] if step["step"] == name)


def group(plan: dict[str, Any], host: str) -> dict[str, Any]:
    """Return the group of a host."""
    return next(group for group in plan["groups"] if host in group["hosts"])
