# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run goes on with another plan than the one it began with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import gate, intake, rules
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.transaction import Transaction

Key = tuple[str, str]
"""Configuration item, step."""
_OF_A_PLAN = ("seq", "kind", "label", "instance", "system", "tier", "seconds", "critical")


def adopt(tx: Transaction, run: str, plan: Mapping[str, Any], rows: intake.Rows) -> list[str]:
    """Put ``plan`` in the place of the run's plan; no step of the run is in flight. Returns what became of its steps.

    What was done so far must be a beginning of the new plan: nothing that it does not know any more is half done, and
    nothing that is still to do would have had to come before it. Groups that are through a maintenance are not touched
    again. What comes before what is told by the whole plan: its gates name only the nearest, so a step that comes late
    would let others pass that have to wait for it, too.
    Raises StoreError that names all in which the run has gone too far for this plan, with the way out.
    """
    progress = _Progress(tx, run, plan, rows)
    found = [*progress.regrouped(), *progress.left_undone(), *progress.left_half_done(), *progress.out_of_order()]
    if found:
        raise StoreError(
            f"Run {run} has gone too far for the plan of now: {'; '.join(found)}. Continue it with the plan as it was, "
            "and plan a new run for the rest."
        )
    told = _replace_steps(tx, progress)
    _replace_groups(tx, progress)
    for table in (t.dep, t.need):
        tx.do(sa.delete(table).where(table.c.run_id == run))
        tx.insert(table, rows.of(table))
    values = {"plan": json.dumps(plan), "plan_hash": str(plan.get("hash", "")), "budget": rows.budget}
    tx.do(sa.update(t.run).where(t.run.c.id == run).values(values))
    return told


def in_maintenance(tx: Transaction, run: str) -> dict[str, list[str]]:
    """The groups that have entered, of which something was taken out of service, and which are not through; hosts."""
    groups = gate.admitted_groups(tx, run)
    hosts = [host for members in groups.values() for host in members]
    out, unfinished = gate.out_of_service(tx, run, hosts), gate.not_finished(tx, run, hosts)
    return {name: members for name, members in groups.items() if out & set(members) and unfinished & set(members)}


class _Progress:
    """How far a run has come, seen from another plan."""

    def __init__(self, tx: Transaction, run: str, plan: Mapping[str, Any], rows: intake.Rows) -> None:
        self.run, self.plan, self.rows = run, plan, rows
        self.old_plan = json.loads(tx.scalar(sa.select(t.run.c.plan).where(t.run.c.id == run)))
        self.steps: dict[Key, Any] = {
            (row.ci, row.step): row for row in tx.all(sa.select(t.step).where(t.step.c.run_id == run))
        }
        self.wanted: dict[Key, dict[str, Any]] = {(row["ci"], row["step"]): row for row in rows.of(t.step)}
        self.hosts = sorted({ci for ci, _step in self.steps})
        self.begun = set(self.hosts) - gate.untouched(tx, run, self.hosts)
        self.unfinished = gate.not_finished(tx, run, self.hosts)
        self.in_maintenance = in_maintenance(tx, run)
        self.records = tx.all(sa.select(t.undo).where(t.undo.c.run_id == run, t.undo.c.state.in_(rules.UNDO_OPEN)))
        self.gone = sorted(set(self.steps) - set(self.wanted))
        self.new = [key for key, row in self.wanted.items() if row["state"] == "pending" and self._is_new(key)]
        through = self.begun - self.unfinished if plan["procedure"] == "patch" else set()
        over = {host for group in plan["groups"] if set(group["hosts"]) <= through for host in group["hosts"]}
        late = self._late()
        self.too_late = {key: late.get(key) for key in self.new if key[0] in over}
        """New steps of groups that are through, each with what was done and should have come after it, if anything."""
        self._out_of_order = {key: cause for key, cause in late.items() if key[0] not in over}

    def regrouped(self) -> Iterable[str]:
        """Groups in maintenance that would not be the same: others may have their places, or be waited for."""
        before = {group["name"]: group for group in self.old_plan["groups"]}
        after = {group["name"]: group for group in self.plan["groups"]}
        for name in sorted(self.in_maintenance):
            now = after.get(name) or {"hosts": (), "needs": {}}
            if set(now["hosts"]) != set(before[name]["hosts"]):
                yield f"the group {name} is in maintenance, and its hosts would be others"
            elif self._limits(self.plan, now) != self._limits(self.old_plan, before[name]):
                yield f"the group {name} is in maintenance, and its limits would be others"

    @staticmethod
    def _limits(plan: Mapping[str, Any], group: Mapping[str, Any]) -> tuple[Any, ...]:
        """The places of a group, with the hosts that stand for them: what is back gives back its own."""
        of_hosts = plan.get("host_needs") or {}
        return dict(group.get("needs") or {}), {host: sorted(of_hosts.get(host) or ()) for host in group["hosts"]}

    def left_undone(self) -> Iterable[str]:
        """Temporary changes that the new plan would not undo; a stop run leaves that to the run that starts."""
        made_or_undone = rules.made_by if self.plan["procedure"] == "stop" else rules.undone_by
        for record in self.records:
            if (record.ci, made_or_undone(record.resource_key)) not in self.wanted:
                yield f"{record.resource_key} is changed by {record.ci}, which would not undo it any more"

    def left_half_done(self) -> Iterable[str]:
        """Steps that hosts which have begun would not do any more."""
        for host, step in self.gone:
            if host in self.begun and self.steps[host, step].state not in rules.STEP_MET:
                yield f"{host} has begun, and would not do {step} any more"
        before, after = self.old_plan.get("instances") or {}, self.plan.get("instances") or {}
        for name in sorted(set(before) & set(after)):
            one, two = ({key: plan[name][key] for key in ("host", "sid", "number")} for plan in (before, after))
            if one != two and one["host"] in self.begun & self.unfinished:
                yield f"{one['host']} has begun, and {name} would be another instance"

    def out_of_order(self) -> Iterable[str]:
        """Steps that are still to do, and would have had to come before what was done."""
        for key, cause in sorted(self._out_of_order.items()):
            yield f"{self.wanted[key]['label']} would have had to come before {self.wanted[cause]['label']}"

    def _is_new(self, key: Key) -> bool:
        return key not in self.steps or self.steps[key].state == "skipped"

    def _late(self) -> dict[Key, Key]:
        """Steps that are still to do and come too late, each with what was begun and should have come after it."""
        needs: dict[Key, list[Key]] = {}
        for host, walk in self.plan["steps"].items():
            earlier: list[Key] = []
            for step in walk:
                key = (host, step["step"])
                needs[key] = [*earlier, *((need[0], need[1]) for need in step.get("needs") or ())]
                earlier = [key]
        before: dict[Key, Key] = {}
        for cause, row in self.wanted.items():
            known = self.steps.get(cause)
            if row["kind"] in gate.HARMLESS or known is None or not (known.attempt or known.state == "done"):
                continue
            found = needs[cause][:]
            while found:
                key = found.pop()
                if key not in before:
                    before[key] = cause
                    found += needs[key]
        # That a host can come is good to know before others go down, and still true to find out later.
        return {key: c for key, c in before.items() if self._is_open(key) and self.wanted[key]["kind"] != "admit"}

    def _is_open(self, key: Key) -> bool:
        if self.wanted[key]["state"] != "pending":
            return False
        if self._is_new(key):
            return True
        # A temporary change that was taken back is made anew, whatever else its host has done.
        return self.steps[key].state not in rules.STEP_MET and self.wanted[key]["kind"] not in gate.HARMLESS


def _replace_steps(tx: Transaction, progress: _Progress) -> list[str]:
    """Write the steps of the new plan; what is done stays done, and what a host that has begun did stays told."""
    run, told, new = progress.run, [], []
    for key in progress.gone:
        row = progress.steps[key]
        if key[0] not in progress.begun:
            tx.do(sa.delete(t.step).where(*_is(run, key)))
            told.append(f"{row.label} is left out")
        elif key[0] in progress.plan["steps"]:
            tx.do(sa.update(t.step).where(*_is(run, key)).values(seq=0))  # it is over: nothing comes before it
    for key in progress.new:
        cause, why = progress.too_late.get(key), ""
        if key in progress.too_late:
            why = (
                f"it would have had to come before {progress.wanted[cause]['label']}"
                if cause
                else "its group is through"
            )
        told.append(f"{progress.wanted[key]['label']} is new" + (f", and left out: {why}" if why else ""))
    for key, row in progress.wanted.items():
        known = progress.steps.get(key)
        if key in progress.too_late:
            row = {**row, "state": "skipped", "message": "its group was through when it came into the plan"}
        if known is None:
            new.append(row)
            continue
        values = {name: row[name] for name in _OF_A_PLAN if row[name] != getattr(known, name)}
        if known.state == "skipped":
            values |= {name: row[name] for name in ("state", "message") if row[name] != getattr(known, name)}
        if values:
            tx.do(sa.update(t.step).where(*_is(run, key)).values(values))
    tx.insert(t.step, new)
    return told


def _is(run: str, key: Key) -> tuple[Any, Any, Any]:
    return t.step.c.run_id == run, t.step.c.ci == key[0], t.step.c.step == key[1]


def _replace_groups(tx: Transaction, progress: _Progress) -> None:
    """Write the groups of the new plan; those that are not in maintenance ask for their admission, without places.

    A host that is through and gone stands alone: nobody of the groups of now waits for it, or for what it holds.
    """
    run, rows = progress.run, progress.rows
    kept = progress.in_maintenance
    for kind, holders in (("group", kept), ("host", {host for members in kept.values() for host in members})):
        of_kind = (t.hold.c.run_id == run, t.hold.c.kind == kind)
        tx.do(sa.delete(t.hold).where(*of_kind, t.hold.c.holder.not_in(sorted(holders))))
    entered = {row.name: row for row in tx.all(sa.select(t.run_group).where(t.run_group.c.run_id == run))}
    known = {row.ci: dict(row._mapping) for row in tx.all(sa.select(t.run_ci).where(t.run_ci.c.run_id == run))}
    tx.do(sa.delete(t.run_group).where(t.run_group.c.run_id == run))
    tx.do(sa.delete(t.run_ci).where(t.run_ci.c.run_id == run))
    groups, hosts = [], rows.of(t.run_ci)
    for row in rows.of(t.run_group):
        was = entered[row["name"]] if row["name"] in progress.in_maintenance else None
        groups.append({**row, **{name: getattr(was, name, None) for name in ("admitted_at", "admitted_epoch")}})
    gone = sorted(progress.begun - {row["ci"] for row in hosts})
    for number, host in enumerate(gone, len(groups)):
        name = f"{host}, not in the plan any more"
        nothing = dict.fromkeys(("opens", "closes", "source", "admitted_at", "admitted_epoch"))
        groups.append({"run_id": run, "name": name, "seq": number, "canary": False, "seconds": 0.0, **nothing})
    tx.insert(t.run_group, groups)
    tx.insert(t.run_ci, hosts)
    tx.insert(
        t.run_ci,
        [
            {**known[host], "group_name": f"{host}, not in the plan any more", "seq": number}
            for number, host in enumerate(gone, len(hosts))
        ],
    )
