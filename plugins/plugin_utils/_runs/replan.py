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

LATE = ("stop", "start")
"""Kinds of steps that still make sense on a host that has begun."""
_OF_A_PLAN = ("seq", "kind", "label", "instance", "system", "tier", "seconds", "critical")


def adopt(tx: Transaction, run: str, plan: Mapping[str, Any], rows: intake.Rows, revision: int) -> list[str]:
    """Put ``plan`` in the place of the run's plan; no step of the run is in flight. Returns what became of its steps.

    What is done stays done. Steps that are new are pending; those that are gone are skipped. A host that has begun gets
    no new step but the stop and start of an instance, the stop unless this run has rebooted the host already. A group
    in maintenance must stay as it is. Raises StoreError that names what has gone too far for this plan, with the way
    out.
    """
    old_plan = json.loads(tx.scalar(sa.select(t.run.c.plan).where(t.run.c.id == run)))
    steps = {(row.ci, row.step): row for row in tx.all(sa.select(t.step).where(t.step.c.run_id == run))}
    hosts = sorted({ci for ci, _step in steps})
    begun = set(hosts) - gate.untouched(tx, run, hosts)
    unfinished = gate.not_finished(tx, run, hosts)
    wanted = {(row["ci"], row["step"]): row for row in _of(rows, t.step)}
    in_maintenance = _groups_in_maintenance(tx, run, begun, unfinished)
    _refuse(run, _half_done(old_plan, plan, steps, wanted, begun, in_maintenance))

    busy = {host for group in old_plan["groups"] if group["name"] in in_maintenance for host in group["hosts"]}
    told, new = [], []
    for key in sorted(set(steps) - set(wanted)):
        if steps[key].state not in rules.STEP_MET:
            why = f"not in revision {revision} of the plan"
            tx.do(_one(run, key).values(state="skipped", message=why, wait_reason=None, waiting_since=None))
            told.append(f"{steps[key].label} is left out")
    for key, row in sorted(wanted.items()):
        known = steps.get(key)
        if known is None:
            why = _too_late(row, plan["procedure"], _rebooted(steps, key[0]), busy) if key[0] in begun else ""
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


def _groups_in_maintenance(tx: Transaction, run: str, begun: set[str], unfinished: set[str]) -> set[str]:
    """The groups that entered, of which something was taken out of service, and which are not through."""
    query = (
        sa.select(t.run_ci.c.group_name, t.run_ci.c.ci)
        .join(
            t.run_group,
            sa.and_(t.run_group.c.run_id == t.run_ci.c.run_id, t.run_group.c.name == t.run_ci.c.group_name),
        )
        .where(t.run_ci.c.run_id == run, t.run_group.c.admitted_at.is_not(None))
    )
    rows = tx.all(query)
    return {row.group_name for row in rows if row.ci in begun} & {
        row.group_name for row in rows if row.ci in unfinished
    }


def _half_done(
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
        now = after.get(name) or {"hosts": (), "needs": {}}
        if set(now["hosts"]) != set(before[name]["hosts"]):
            found.append(f"the group {name} is in maintenance, and its hosts would be others")
        elif dict(now.get("needs") or {}) != dict(before[name].get("needs") or {}):
            found.append(f"the group {name} is in maintenance, and its needs would be others")
    for key in sorted(set(steps) - set(wanted)):
        if steps[key].state not in rules.STEP_MET and steps[key].ci in begun:
            found.append(f"{steps[key].ci} has begun, and would not do {steps[key].step} any more")
    return found


def _refuse(run: str, found: list[str]) -> None:
    if found:
        raise StoreError(
            f"Run {run} has gone too far for the plan of now: {'; '.join(found)}. Continue it with the plan as it was, "
            "and plan a new run for the rest."
        )


def _rebooted(steps: Mapping[tuple[str, str], Any], host: str) -> bool:
    """Whether this run is known to have ended all that ran on a host: it runs another boot than the patched one."""
    for (ci, _step), row in steps.items():
        if ci == host and row.kind == "reboot" and row.state == "done" and row.result:
            result = json.loads(row.result)
            before, after = result.get("boot_id_before"), result.get("boot_id_after")
            return bool(before and after and before != after)
    return False


def _too_late(row: Mapping[str, Any], procedure: str, rebooted: bool, busy: set[str]) -> str:
    """Why a new step of a host that has begun is not done any more; nothing when it is.

    ``busy`` are the hosts of the groups in maintenance: there others may still wait for the step.
    """
    if row["kind"] not in LATE:
        return "the host had begun"
    if procedure in LATE:
        return ""
    if row["kind"] == "stop" and rebooted:
        return "the host was rebooted already"
    if row["ci"] not in busy and not rebooted:
        return "its group was through"
    return ""


def _replace_groups(tx: Transaction, run: str, rows: intake.Rows, in_maintenance: set[str]) -> None:
    """Groups of the new plan; those that are not in maintenance ask for their admission, and have no places."""
    old = {row.name: row for row in tx.all(sa.select(t.run_group).where(t.run_group.c.run_id == run))}
    of_run = t.hold.c.run_id == run
    tx.do(sa.delete(t.hold).where(of_run, t.hold.c.kind == "group", t.hold.c.holder.not_in(sorted(in_maintenance))))
    known = {row.ci: row for row in tx.all(sa.select(t.run_ci).where(t.run_ci.c.run_id == run))}
    wanted = {row["ci"]: row for row in _of(rows, t.run_ci)}
    tx.insert(t.run_ci, [row for host, row in wanted.items() if host not in known])
    for host, before in known.items():
        # A host that is gone stands alone: nobody of the groups of now waits for it, or for what it holds.
        row = wanted.get(host) or {"group_name": f"{host}, not in the plan any more"}
        values = {name: value for name, value in row.items() if value != getattr(before, name)}
        if values:
            tx.do(sa.update(t.run_ci).where(t.run_ci.c.run_id == run, t.run_ci.c.ci == host).values(values))
    tx.do(sa.delete(t.run_group).where(t.run_group.c.run_id == run))
    groups = []
    for row in _of(rows, t.run_group):
        entered = old[row["name"]] if row["name"] in in_maintenance else None
        admitted = {name: getattr(entered, name, None) for name in ("admitted_at", "admitted_epoch")}
        groups.append({**row, **admitted})
    for host in sorted(set(known) - set(wanted)):
        gone = {"name": f"{host}, not in the plan any more", "seq": len(groups), "seconds": 0.0, "canary": False}
        nothing = dict.fromkeys(("opens", "closes", "source", "admitted_at", "admitted_epoch"))
        groups.append({"run_id": run, **gone, **nothing})
    tx.insert(t.run_group, groups)
