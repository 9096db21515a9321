# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run goes on with another plan than the one it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import gate, intake, rules
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.transaction import Transaction

TAKES_DOWN = ("patch", "reboot")
"""Kinds of steps that end whatever runs on a host, whether it was stopped or not."""
MAY_COME_LATE = ("stop", "start")
"""Kinds of steps that still make sense on a host that has begun."""
_OF_A_PLAN = ("seq", "kind", "label", "instance", "system", "tier", "seconds", "critical")


def adopt(tx: Transaction, run: str, plan: Mapping[str, Any], rows: intake.Rows, revision: int) -> list[str]:
    """Put ``plan`` in the place of the run's plan; no step of the run is in flight. Returns what became of its steps.

    What is done stays done. Steps that are new are pending; those that are gone are skipped. A host that has begun gets
    no new step but the stop and start of an instance, the stop unless the host has been rebooted already. A group in
    maintenance must stay as it is. Raises StoreError that names what has gone too far for this plan, and the way out.
    """
    old_plan = json.loads(tx.scalar(sa.select(t.run.c.plan).where(t.run.c.id == run)))
    steps = {(row.ci, row.step): row for row in tx.all(sa.select(t.step).where(t.step.c.run_id == run))}
    hosts = sorted({ci for ci, _step in steps})
    begun = set(hosts) - gate.untouched(tx, run, hosts)
    unfinished = gate.not_finished(tx, run, hosts)
    wanted = {(row["ci"], row["step"]): row for row in _of(rows, t.step)}
    in_maintenance = _groups_in_maintenance(tx, run, begun & unfinished)
    _refuse(run, _too_late(old_plan, plan, steps, wanted, begun & unfinished, in_maintenance))

    told = []
    for key in sorted(set(steps) - set(wanted)):
        if steps[key].state not in rules.STEP_MET:
            tx.do(_one(run, key).values(state="skipped", message=f"not in revision {revision} of the plan"))
            told.append(f"{steps[key].label} is left out")
    new = []
    for key, row in sorted(wanted.items()):
        known = steps.get(key)
        if known is None:
            why = _too_late_for(row, wanted, steps, begun, unfinished)
            if why and row["state"] == "pending":
                row = {**row, "state": "skipped", "message": why}
            new.append(row)
            told.append(f"{row['label']} is new" + (f", and left out: {why}" if why else ""))
        else:
            values = {name: row[name] for name in _OF_A_PLAN if row[name] != getattr(known, name)}
            if known.state == "skipped" and row["state"] == "pending" and known.ci not in begun:
                values |= {"state": "pending", "message": None}
            if values:
                tx.do(_one(run, key).values(values))
    tx.insert(t.step, new)
    _replace_groups(tx, run, rows, in_maintenance)
    for table in (t.dep, t.need):
        tx.do(sa.delete(table).where(table.c.run_id == run))
        tx.insert(table, _of(rows, table))
    intake.write_resources(tx, rows)
    values = {"plan": json.dumps(plan), "plan_hash": str(plan.get("hash", "")), "budget": rows.budget}
    tx.do(sa.update(t.run).where(t.run.c.id == run).values(values))
    return told


def _of(rows: intake.Rows, table: Any) -> list[dict[str, Any]]:
    return next(content for of_table, content in rows.content if of_table is table)


def _one(run: str, key: tuple[str, str]) -> Any:
    return sa.update(t.step).where(t.step.c.run_id == run, t.step.c.ci == key[0], t.step.c.step == key[1])


def _groups_in_maintenance(tx: Transaction, run: str, hosts: set[str]) -> set[str]:
    """The groups that entered and of which something was taken out of service and is not back."""
    query = (
        sa.select(t.run_ci.c.group_name)
        .join(
            t.run_group,
            sa.and_(t.run_group.c.run_id == t.run_ci.c.run_id, t.run_group.c.name == t.run_ci.c.group_name),
        )
        .where(t.run_ci.c.run_id == run, t.run_ci.c.ci.in_(sorted(hosts)), t.run_group.c.admitted_at.is_not(None))
    )
    return set(tx.scalars(query))


def _too_late(
    old_plan: Mapping[str, Any],
    plan: Mapping[str, Any],
    steps: Mapping[tuple[str, str], Any],
    wanted: Mapping[tuple[str, str], Any],
    begun: set[str],
    in_maintenance: set[str],
) -> list[str]:
    """What the run has begun that ``plan`` would leave half done."""
    found = []
    before = {group["name"]: group for group in old_plan["groups"]}
    after = {group["name"]: group for group in plan["groups"]}
    for name in sorted(in_maintenance):
        for what in ("hosts", "needs"):
            now = (after.get(name) or {}).get(what)
            if sorted(now or ()) != sorted(before[name].get(what) or ()):
                found.append(f"the group {name} is in maintenance, and its {what} would be others")
                break
    for key in sorted(set(steps) - set(wanted)):
        row = steps[key]
        if row.state not in rules.STEP_MET and (row.ci in begun or row.attempt):
            found.append(f"{row.ci} has begun, and would not do {row.step} any more")
    return found


def _refuse(run: str, found: list[str]) -> None:
    if found:
        raise StoreError(
            f"Run {run} has gone too far for the plan of now: {'; '.join(found)}. Continue it with the plan as it was, "
            "and plan a new run for the rest."
        )


def _too_late_for(
    row: Mapping[str, Any],
    wanted: Mapping[tuple[str, str], Any],
    steps: Mapping[tuple[str, str], Any],
    begun: set[str],
    unfinished: set[str],
) -> str | None:
    """Why a new step of a host is not done any more."""
    host = row["ci"]
    if host not in begun:
        return None
    if host not in unfinished:
        return "the host was through"
    if row["kind"] not in MAY_COME_LATE:
        return "the host had begun"
    taking_down = [key for key, other in wanted.items() if key[0] == host and other["kind"] in TAKES_DOWN]
    left = [key for key in taking_down if key not in steps or steps[key].state not in rules.STEP_MET]
    if row["kind"] == "stop" and taking_down and not left:
        return "the host was taken down already"
    return None


def _replace_groups(tx: Transaction, run: str, rows: intake.Rows, in_maintenance: set[str]) -> None:
    """Groups of the new plan; those that are not in maintenance ask for their admission, and have no places."""
    admitted = {
        row.name: {"admitted_at": row.admitted_at, "admitted_epoch": row.admitted_epoch}
        for row in tx.all(sa.select(t.run_group).where(t.run_group.c.run_id == run))
        if row.name in in_maintenance
    }
    groups = _of(rows, t.run_group)
    names = [row["name"] for row in groups]
    of_run = t.hold.c.run_id == run
    tx.do(sa.delete(t.hold).where(of_run, t.hold.c.kind == "group", t.hold.c.holder.not_in(sorted(in_maintenance))))
    known = {row.ci: row for row in tx.all(sa.select(t.run_ci).where(t.run_ci.c.run_id == run))}
    tx.insert(t.run_ci, [row for row in _of(rows, t.run_ci) if row["ci"] not in known])
    for row in _of(rows, t.run_ci):
        values = {name: value for name, value in row.items() if value != getattr(known.get(row["ci"]), name, value)}
        if values:
            tx.do(sa.update(t.run_ci).where(t.run_ci.c.run_id == run, t.run_ci.c.ci == row["ci"]).values(values))
    # A host that is gone keeps its group: its steps stay in the record.
    kept = sa.select(t.run_ci.c.group_name).where(t.run_ci.c.run_id == run)
    same_run = t.run_group.c.run_id == run
    tx.do(
        sa.delete(t.run_group).where(same_run, sa.or_(t.run_group.c.name.in_(names), t.run_group.c.name.not_in(kept)))
    )
    nobody = {"admitted_at": None, "admitted_epoch": None}
    tx.insert(t.run_group, [{**row, **admitted.get(row["name"], nobody)} for row in groups])
