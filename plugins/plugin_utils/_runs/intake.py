# SPDX-License-Identifier: GPL-3.0-or-later
"""How a plan becomes rows of the run database."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.gate import HARMLESS
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.transaction import Transaction

SECRET = re.compile(r"passw|passphrase|(^|_)pass$|secret|token|credential|private_key|api_?key", re.IGNORECASE)


@dataclasses.dataclass
class Rows:
    """What is inserted for one run. ``claims`` are (kind, configuration item), ``resources`` name -> capacity."""

    claims: list[tuple[str, str]]
    resources: dict[str, int | None]
    content: list[tuple[Any, list[dict[str, Any]]]]
    budget: str | None

    def of(self, table: Any) -> list[dict[str, Any]]:
        """The rows of one table."""
        return next(rows for of_table, rows in self.content if of_table is table)


def rows(run: str, plan: Mapping[str, Any]) -> Rows:
    """Translate a plan. Raises StoreError that names what contradicts itself in it."""
    groups = plan["groups"]
    group_of = {host: group["name"] for group in groups for host in group["hosts"]}
    hosts = list(plan["hosts"])
    lonely = [host for host in hosts if host not in group_of]
    if lonely:
        raise StoreError(f"The plan puts {lonely[0]} into no group.")
    steps = _steps(run, plan, hosts)
    known = {(row["ci"], row["step"]) for row in steps}
    deps = _deps(run, plan, known)
    resources = _resources(run, plan)
    needs = _needs(run, plan, resources)
    facts = plan.get("host_facts") or {}
    tiers = _tiers(plan)
    cis = [
        {
            "run_id": run,
            "ci": host,
            "seq": number,
            "group_name": group_of[host],
            "tier": (facts.get(host) or {}).get("tier") or tiers.get(host),
            "environment": (facts.get(host) or {}).get("environment"),
        }
        for number, host in enumerate(hosts)
    ]
    budget = (plan.get("options") or {}).get("failure_budget")
    return Rows(
        claims=claims_of(plan, hosts),
        resources=dict(resources.values()),
        content=[
            (t.run_group, [_group(run, number, group) for number, group in enumerate(groups)]),
            (t.run_ci, cis),
            (t.step, steps),
            (t.dep, deps),
            (t.need, needs),
        ],
        budget=json.dumps(budget) if budget else None,
    )


def write_resources(tx: Transaction, rows: Rows) -> None:
    """Write how many places there are; what another run said of the same thing before is no longer true."""
    for name in sorted(rows.resources):
        values = {"capacity": rows.resources[name]}
        if not tx.do(sa.update(t.resource).where(t.resource.c.name == name).values(values)):
            tx.insert(t.resource, [{"name": name, **values}])


def write_found_down(
    tx: Transaction,
    run: str,
    rows: Rows,
    out: Mapping[str, Sequence[str]],
    down: Mapping[str, Mapping[str, int]],
) -> None:
    """Write who has places because they were found down, in the place of those who were before."""
    tx.do(sa.delete(t.hold).where(t.hold.c.run_id == run, t.hold.c.kind.in_(("outside", "down"))))
    place = {"run_id": run, "epoch": 0, "since": tx.now()}
    found = [("outside", name, member, 1) for name, members in out.items() for member in members]
    found += [("down", name, *counted) for name, groups in down.items() for counted in groups.items()]
    tx.insert(
        t.hold,
        [
            {"resource": name, "kind": kind, "holder": holder, "weight": weight, **place}
            for kind, name, holder, weight in sorted(found)
            if name in rows.resources
        ],
    )


def claims_of(plan: Mapping[str, Any], hosts: Collection[str]) -> list[tuple[str, str]]:
    """What a run has for itself while ``hosts`` are not finished: kind, configuration item.

    A run that takes nothing out of service, such as backups, only keeps others of its sort away: a patch run that
    somebody has still to continue is no reason to go without backups.
    """
    if all(step["kind"] in HARMLESS for walk in plan["steps"].values() for step in walk):
        return [("backup", host) for host in sorted(hosts)]
    return [("host", host) for host in sorted(hosts)] + [("system", name) for name in sorted(systems_of(plan, hosts))]


def systems_of(plan: Mapping[str, Any], hosts: Collection[str]) -> set[str]:
    """The systems that the steps of ``hosts`` belong to."""
    named = {step["system"] for host in hosts for step in plan["steps"].get(host, ()) if step.get("system")}
    instances = {
        str(step["instance"]).partition("/")[0]
        for host in hosts
        for step in plan["steps"].get(host, ())
        if step.get("instance") and not step.get("system")
    }
    return named | instances


def without_secrets(value: Any) -> Any:
    """``value`` with everything replaced that is named like a secret: none may enter the database."""
    if isinstance(value, Mapping):
        return {
            str(key): "(not recorded)" if SECRET.search(str(key)) and inner else without_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(inner) for inner in value]
    return value


def instant(value: str | float | None) -> float | None:
    """An ISO 8601 time with zone as seconds since 1970 UTC."""
    if value is None or isinstance(value, (int, float)):
        return value
    moment = datetime.datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise StoreError(f"The plan has a time without zone: {value}.")
    return moment.timestamp()


def _group(run: str, number: int, group: Mapping[str, Any]) -> dict[str, Any]:
    window = group.get("window") or {}
    return {
        "run_id": run,
        "name": group["name"],
        "seq": number,
        "canary": bool(group.get("canary")),
        "seconds": float(group.get("seconds") or 0.0),
        "opens": instant(window.get("opens")),
        "closes": instant(window.get("closes")),
        "source": window.get("source"),
    }


def _steps(run: str, plan: Mapping[str, Any], hosts: list[str]) -> list[dict[str, Any]]:
    skipped = set((plan.get("options") or {}).get("skip_steps") or ())
    found = []
    for host in hosts:
        for number, step in enumerate(plan["steps"][host]):
            skip = step["kind"] in skipped
            found.append(
                {
                    "run_id": run,
                    "ci": host,
                    "step": step["step"],
                    "seq": number,
                    "kind": step["kind"],
                    "label": step.get("label") or f"{host}/{step['step']}",
                    "instance": step.get("instance"),
                    "system": step.get("system"),
                    "tier": step.get("tier"),
                    "seconds": step.get("seconds"),
                    "critical": bool(step.get("critical")),
                    "state": "skipped" if skip else "pending",
                    "message": "left out on request (skip_steps)" if skip else None,
                }
            )
    names = [(row["ci"], row["step"]) for row in found]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise StoreError(f"The plan has step {twice[1]} twice on {twice[0]}.")
    return found


def _deps(run: str, plan: Mapping[str, Any], known: set[tuple[str, str]]) -> list[dict[str, Any]]:
    found = set()
    for host in plan["hosts"]:
        for step in plan["steps"][host]:
            for needed_host, needed_step in step.get("needs") or ():
                if (needed_host, needed_step) not in known:
                    raise StoreError(
                        f"The plan lets {step['step']} on {host} wait for {needed_step} on {needed_host},"
                        " which it lacks."
                    )
                found.add((host, step["step"], needed_host, needed_step))
    return [
        {"run_id": run, "ci": ci, "step": step, "needs_ci": needs_ci, "needs_step": needs_step}
        for ci, step, needs_ci, needs_step in sorted(found)
    ]


def _resources(run: str, plan: Mapping[str, Any]) -> dict[str, tuple[str, int | None]]:
    """The plan's name of a resource -> its name in the database, its capacity.

    A batch size is the run's own; everything else (redundancy groups) is counted over all runs.
    """
    found: dict[str, tuple[str, int | None]] = {}
    for name, capacity in (plan.get("resources") or {}).items():
        if name == "batch":
            found[name] = (f"batch@{run}", int(capacity) if capacity else None)
        else:
            found[name] = (name, int(capacity) if capacity is not None else None)
    return found


def _needs(run: str, plan: Mapping[str, Any], resources: Mapping[str, tuple[str, int | None]]) -> list[dict[str, Any]]:
    """Who needs which places: a group takes its own at once, a host those that its group does not have."""
    found = []
    host_needs = plan.get("host_needs") or {}

    def add(kind: str, holder: str, name: str, weight: int) -> None:
        if name not in resources:
            raise StoreError(f"The plan lets {holder} take a place of {name}, which is none of its resources.")
        resource, capacity = resources[name]
        if name == "batch" and capacity is not None:
            weight = min(weight, capacity)  # a group larger than the batch goes alone
        found.append({"run_id": run, "kind": kind, "holder": holder, "resource": resource, "weight": weight})

    for group in plan["groups"]:
        needs = group.get("needs") or {}
        for name, weight in needs.items():
            add("group", group["name"], name, int(weight))
        for host in group["hosts"]:
            for name in sorted(set(host_needs.get(host) or ())):
                if name in needs:
                    add("member", host, name, 0)
                else:
                    add("host", host, name, 1)
    return found


def _tiers(plan: Mapping[str, Any]) -> dict[str, str]:
    """The tier of a host by its steps, where the plan names tiers there."""
    found: dict[str, str] = {}
    for host in plan["hosts"]:
        named = sorted({step["tier"] for step in plan["steps"][host] if step.get("tier")})
        if named:
            found[host] = named[0]
    return found
