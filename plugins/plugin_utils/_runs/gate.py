# SPDX-License-Identifier: GPL-3.0-or-later
"""When a configuration item may begin a step."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import rules
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Fenced, StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.transaction import Transaction

HARMLESS = ("admit", "check_backup", "silence", "suspend_jobs", "backup", "clean_backups")
"""Kinds of steps after which the configuration item is still up."""
ADMITTING = frozenset({"admit", "check_backup"})
"""Kinds of steps before which nothing of a group is changed."""
ON_STORAGE = ("backup", "clean_backups")
"""Kinds of steps that hold a place of the storage that they work on."""
PUT_RIGHT = "put it right, then continue the run"
COMES_BACK = ("start", "verify")
"""Kinds of steps after the last of which the configuration item counts as up again."""


@dataclasses.dataclass
class Decision:
    """What the rules say, before anything is written.

    ``kind``: go, again (claimed by the same worker before), wait, block, defer (to be written), dead (written before),
    look, done, closed (the run takes no new steps). ``remedy`` is what would make possible what is refused.
    """

    kind: str
    why: str = ""
    by: str | None = None
    row: Any = None
    group: str | None = None
    admits_group: bool = False
    takes: Sequence[Any] = ()
    waits_for: Sequence[Any] = ()
    remedy: str = ""


_r: Any = sa.bindparam("run")
_c: Any = sa.bindparam("ci")
_s: Any = sa.bindparam("step")
_p, _q = t.step.alias("p"), t.step.alias("q")

_STEP = (
    sa.select(
        t.step,
        t.run.c.state.label("run_state"),
        t.run.c.epoch.label("run_epoch"),
        t.run.c.budget,
        t.run_ci.c.group_name,
        t.run_group.c.admitted_at,
        t.run_ci.c.left_epoch,
        t.run_ci.c.left_why,
    )
    .join(t.run, t.run.c.id == t.step.c.run_id)
    .join(t.run_ci, sa.and_(t.run_ci.c.run_id == t.step.c.run_id, t.run_ci.c.ci == t.step.c.ci))
    .join(t.run_group, sa.and_(t.run_group.c.run_id == t.step.c.run_id, t.run_group.c.name == t.run_ci.c.group_name))
    .where(t.step.c.run_id == _r, t.step.c.ci == _c, t.step.c.step == _s)
)
_RUN = sa.select(t.run.c.epoch, t.run.c.state).where(t.run.c.id == _r)
_OWN_EARLIER = (
    sa.select(t.step.c.label, t.step.c.state, t.step.c.blocked_by)
    .where(
        t.step.c.run_id == _r,
        t.step.c.ci == _c,
        t.step.c.seq < sa.bindparam("seq"),
        t.step.c.state.not_in(rules.STEP_MET),
    )
    .order_by(t.step.c.seq)
    .limit(1)
)
_MATCHES_P = sa.and_(_p.c.run_id == t.dep.c.run_id, _p.c.ci == t.dep.c.needs_ci, _p.c.step == t.dep.c.needs_step)
_OPEN = (
    sa.select(
        t.dep.c.needs_ci,
        t.dep.c.needs_step,
        _p.c.kind,
        _p.c.label,
        _p.c.state,
        t.run_ci.c.left_epoch,
        t.run_ci.c.left_why,
    )
    .join(_p, _MATCHES_P)
    .join(t.run_ci, sa.and_(t.run_ci.c.run_id == t.dep.c.run_id, t.run_ci.c.ci == t.dep.c.needs_ci))
    .where(t.dep.c.run_id == _r, t.dep.c.ci == _c, t.dep.c.step == _s, _p.c.state.not_in(rules.STEP_MET))
    .order_by(t.dep.c.needs_ci, t.dep.c.needs_step)
)
_DEAD = (
    # also through an earlier step of the one that is waited for
    sa.select(_q.c.ci, _q.c.label, _q.c.state, _q.c.blocked_by, _q.c.message)
    .select_from(t.dep)
    .join(_p, _MATCHES_P)
    .join(_q, sa.and_(_q.c.run_id == _p.c.run_id, _q.c.ci == _p.c.ci, _q.c.seq <= _p.c.seq))
    .where(t.dep.c.run_id == _r, t.dep.c.ci == _c, t.dep.c.step == _s, _q.c.state.in_(rules.STEP_DEAD))
    .order_by(_q.c.ci, _q.c.seq)
)
_RESULTS = sa.select(t.step.c.step, t.step.c.result).where(
    t.step.c.run_id == _r,
    t.step.c.ci == _c,
    t.step.c.seq < sa.bindparam("seq"),
    t.step.c.result.is_not(None),
)
_GROUP = sa.select(t.run_group).where(t.run_group.c.run_id == _r, t.run_group.c.name == sa.bindparam("group"))
_NEEDS = sa.select(t.need).where(
    t.need.c.run_id == _r,
    sa.or_(
        sa.and_(t.need.c.kind == "group", t.need.c.holder == sa.bindparam("group")),
        sa.and_(t.need.c.kind == "host", t.need.c.holder == _c),
    ),
)
_OWN_HOLDS = sa.select(t.hold.c.resource, t.hold.c.kind).where(
    t.hold.c.run_id == _r,
    sa.or_(
        sa.and_(t.hold.c.kind == "group", t.hold.c.holder == sa.bindparam("group")),
        sa.and_(t.hold.c.kind == "host", t.hold.c.holder == _c),
    ),
)


def decide(
    tx: Transaction,
    run: str,
    ci: str,
    step: str,
    epoch: int,
    token: str | None,
    *,
    lock: bool,
    ahead: bool = False,
) -> Decision:
    """Apply every rule to one step. ``lock`` holds what is counted until the transaction ends.

    ``ahead`` asks for a later step what will be said when the open steps before it on the same host are done.
    Raises Fenced when ``epoch`` is not the run's, StoreError when the run has no such step.
    """
    key = {"run": run, "ci": ci, "step": step}
    row = tx.one(_STEP, **key)
    if row is None:
        taken = tx.one(_RUN, run=run)
        if taken is not None and taken.epoch != epoch:  # another plan has no such step any more
            raise Fenced(fenced_words(run, epoch, taken.epoch, taken.state))
        raise StoreError(f"Run {run} has no step {step} on {ci}.")
    if row.run_epoch != epoch or row.run_state not in rules.RUN_LIVE:
        raise Fenced(fenced_words(run, epoch, row.run_epoch, row.run_state))
    if row.state in rules.STEP_MET:
        return Decision("done", row.message or "", row=row)
    if row.state in rules.STEP_DEAD:
        return Decision("dead", row.message or row.state, row.blocked_by, row)
    if row.state == "running":
        if token is not None and row.epoch == epoch and _token(row.worker) == token:
            return Decision("again", row=row)
        return Decision("wait", "it is in flight", ci, row)
    if row.left_epoch == epoch:
        return Decision("closed", row.left_why or "the host left the play", ci, row)
    if row.run_state == "draining":
        return Decision("closed", "the run is being interrupted and begins no new step", None, row)
    if row.state == "unknown":
        return Decision("look", "attempted before, outcome not known", row=row)
    if ahead:
        return _own_steps(tx, key, row, ahead) or _dependencies(tx, key, row, epoch) or Decision("go", row=row)
    needed = _own_steps(tx, key, row) or _dependencies(tx, key, row, epoch)
    if needed is not None and needed.kind != "defer":
        return needed
    admission = _admission(tx, key, row, epoch, lock)
    if needed is None:
        return admission
    return needed if admission.kind == "go" else _together([needed, admission])


def results(tx: Transaction, run: str, ci: str, seq: int) -> dict[str, dict[str, Any]]:
    """The results of a configuration item's steps before ``seq``, by step name."""
    return {row.step: json.loads(row.result) for row in tx.all(_RESULTS, run=run, ci=ci, seq=seq)}


def fenced_words(run: str, mine: int, epoch: int, state: str) -> str:
    """Why a writer is refused."""
    if epoch != mine:
        return f"Run {run} was taken by another controller (epoch {epoch}, this one had {mine})."
    return f"Run {run} is {state}: this controller may not write to it any more."


def not_back(tx: Transaction, run: str, cis: Sequence[str]) -> set[str]:
    """Those of ``cis`` that are not known to be up again."""
    last = (
        sa.select(
            sa.func.coalesce(
                sa.func.max(sa.case((_q.c.kind.in_(COMES_BACK), _q.c.seq))),
                sa.func.max(_q.c.seq),
            )
        )
        .where(_q.c.run_id == _p.c.run_id, _q.c.ci == _p.c.ci)
        .scalar_subquery()
    )
    query = (
        sa.select(_p.c.ci)
        .distinct()
        .where(_p.c.run_id == run, _p.c.ci.in_(cis), _p.c.state.not_in(rules.STEP_MET), _p.c.seq <= last)
    )
    return set(tx.scalars(query))


def not_finished(tx: Transaction, run: str, cis: Sequence[str]) -> set[str]:
    """Those of ``cis`` that still have a step to do."""
    query = (
        sa.select(t.step.c.ci)
        .distinct()
        .where(t.step.c.run_id == run, t.step.c.ci.in_(cis), t.step.c.state.not_in(rules.STEP_MET))
    )
    return set(tx.scalars(query))


def all_started(tx: Transaction, run: str, cis: Sequence[str]) -> bool:
    """Whether all that the run starts on ``cis`` was started, something on each."""
    query = sa.select(t.step.c.ci, t.step.c.state).where(
        t.step.c.run_id == run, t.step.c.ci.in_(cis), t.step.c.kind == "start"
    )
    rows = tx.all(query)
    started = {row.ci for row in rows if row.state == "done"}
    return {row.ci for row in rows} == started and all(row.state in rules.STEP_MET for row in rows)


def dead(tx: Transaction, run: str, cis: Sequence[str], epoch: int) -> dict[str, str]:
    """Those of ``cis`` that cannot go on in this epoch, with the reason."""
    steps = (
        sa.select(t.step.c.ci, t.step.c.label, t.step.c.state)
        .where(t.step.c.run_id == run, t.step.c.ci.in_(cis), t.step.c.state.in_(rules.STEP_DEAD))
        .order_by(t.step.c.ci, t.step.c.seq.desc())
    )
    found = {row.ci: f"{row.label} {row.state}" for row in tx.all(steps)}
    left = sa.select(t.run_ci.c.ci, t.run_ci.c.left_why).where(
        t.run_ci.c.run_id == run, t.run_ci.c.ci.in_(cis), t.run_ci.c.left_epoch == epoch
    )
    for row in tx.all(left):
        found.setdefault(row.ci, row.left_why or "left the play")
    return found


def untouched(tx: Transaction, run: str, cis: Sequence[str]) -> set[str]:
    """Those of ``cis`` on which nothing was attempted that takes them out of service."""
    touched = sa.select(t.step.c.ci).where(
        t.step.c.run_id == run, t.step.c.ci.in_(cis), t.step.c.attempt > 0, t.step.c.kind.not_in(HARMLESS)
    )
    return set(cis) - set(tx.scalars(touched))


def out_of_service(tx: Transaction, run: str, cis: Sequence[str]) -> set[str]:
    """Those of ``cis`` that the run has taken out of service, and not brought back; a stop run brings nothing back.

    A backup takes nothing out of service, and yet nobody else may have its place while it may still run.
    """
    touched = set(cis) - untouched(tx, run, cis)
    stops = tx.scalar(sa.select(t.run.c.procedure).where(t.run.c.id == run)) == "stop"
    copied = sa.select(t.step.c.ci).where(
        t.step.c.run_id == run,
        t.step.c.ci.in_(cis),
        t.step.c.kind.in_(ON_STORAGE),
        t.step.c.attempt > 0,
        t.step.c.state.not_in(rules.STEP_MET),
    )
    return (touched if stops else touched & not_finished(tx, run, cis)) | set(tx.scalars(copied))


def admitted_groups(tx: Transaction, run: str) -> dict[str, list[str]]:
    """The groups that have entered maintenance, each with its hosts in plan order."""
    query = (
        sa.select(t.run_ci.c.group_name, t.run_ci.c.ci)
        .join(
            t.run_group,
            sa.and_(t.run_group.c.run_id == t.run_ci.c.run_id, t.run_group.c.name == t.run_ci.c.group_name),
        )
        .where(t.run_ci.c.run_id == run, t.run_group.c.admitted_at.is_not(None))
        .order_by(t.run_ci.c.seq)
    )
    groups: dict[str, list[str]] = {}
    for row in tx.all(query):
        groups.setdefault(row.group_name, []).append(row.ci)
    return groups


def group_members(tx: Transaction, run: str, group: str) -> list[str]:
    """The hosts of a group in plan order."""
    query = (
        sa.select(t.run_ci.c.ci)
        .where(t.run_ci.c.run_id == run, t.run_ci.c.group_name == group)
        .order_by(t.run_ci.c.seq)
    )
    return list(tx.scalars(query))


def _token(worker: str | None) -> str | None:
    return json.loads(worker).get("token") if worker else None


def _together(unmet: Sequence[Decision]) -> Decision:
    """One refusal that says all that is unmet, each with what would make it possible."""
    said = [f"{each.why} ({each.remedy})" if each.remedy else each.why for each in unmet]
    first = unmet[0]
    return Decision(first.kind, "; ".join(dict.fromkeys(said)), first.by, first.row)


def _own_steps(tx: Transaction, key: dict[str, str], row: Any, ahead: bool = False) -> Decision | None:
    earlier = tx.one(_OWN_EARLIER, run=key["run"], ci=key["ci"], seq=row.seq)
    if earlier is None or (ahead and earlier.state in rules.STEP_OPEN):
        return None
    if earlier.state == "running":
        return Decision("wait", f"its own {earlier.label} is in flight", key["ci"], row)
    return Decision("block", f"its own {earlier.label} is {earlier.state}", earlier.blocked_by or key["ci"], row)


def _dependencies(tx: Transaction, key: dict[str, str], row: Any, epoch: int) -> Decision | None:
    waits = tx.all(_OPEN, **key)
    if not waits:
        return None
    refuse = "defer" if row.kind == "admit" else "block"
    remedy = PUT_RIGHT if refuse == "defer" else ""
    unmet: dict[str, Decision] = {}  # by host: the first that went wrong on it
    for doomed in tx.all(_DEAD, **key):
        origin = doomed.blocked_by or doomed.ci
        why = doomed.message or f"{doomed.label} {doomed.state}"
        if origin != doomed.ci and not why.startswith("blocked by"):
            why = f"{doomed.label} {doomed.state}, because of {origin}: {why}"
        why = why if why.startswith("blocked by") else f"blocked by {doomed.ci}: {why}"
        unmet.setdefault(doomed.ci, Decision(refuse, why, origin, row, remedy=remedy))
    for needed in waits:
        if needed.left_epoch == epoch:
            why = f"blocked by {needed.needs_ci}: {needed.left_why or 'it left the play'}"
            unmet.setdefault(needed.needs_ci, Decision(refuse, why, needed.needs_ci, row, remedy=remedy))
    if unmet:
        return _together(list(unmet.values()))
    first = waits[0]
    if {needed.kind for needed in waits} <= ADMITTING:
        # Without a count, which would be written anew by everybody for each one that comes.
        return Decision("wait", "waits until all of its group are admitted", first.needs_ci, row, waits_for=waits)
    others = f" and {len(waits) - 1} more" if len(waits) > 1 else ""
    return Decision("wait", f"waits for {first.label}{others}", first.needs_ci, row, waits_for=waits)


def _admission(tx: Transaction, key: dict[str, str], row: Any, epoch: int, lock: bool) -> Decision:
    if row.kind != "admit" and row.admitted_at is not None:
        return Decision("go", row=row)
    # Also behind its admission a group may have to ask again: it gave its places back when all of it was refused, or
    # its controller died before it took anything out of service.
    run, ci, name = key["run"], key["ci"], row.group_name
    group = tx.one(_GROUP.with_for_update() if lock else _GROUP, run=run, group=name)
    members = group_members(tx, run, name)
    admitted = group.admitted_at is not None
    held = {(h.resource, h.kind) for h in tx.all(_OWN_HOLDS, run=run, group=name, ci=ci)}
    needs = [
        need
        for need in tx.all(_NEEDS, run=run, group=name, ci=ci)
        if (need.resource, need.kind) not in held and not (admitted and need.kind == "group")
    ]

    def unmet() -> Iterator[Decision]:
        if not admitted:
            yield from _peers(tx, run, ci, members, epoch)
            yield from _canary(tx, run, group, epoch)
            yield from _budget(tx, run, row.budget, members, epoch)
            yield from _window(tx, run, group)
        yield from _places(tx, run, needs, lock)

    asked = unmet()
    first = next(asked, None)
    if first is None:
        return Decision("go", row=row, group=name, admits_group=not admitted, takes=needs)
    first.row = row
    # Who waits is told what for; what comes after that may be met by then. A refusal is for a person, who wants it all.
    return first if first.kind == "wait" else _together([first, *asked])


def _peers(tx: Transaction, run: str, ci: str, members: Sequence[str], epoch: int) -> Iterator[Decision]:
    others = [member for member in members if member != ci]
    for member, why in sorted(dead(tx, run, others, epoch).items() if others else ()):
        yield Decision("defer", f"{member} belongs to the same group and cannot come: {why}", member, remedy=PUT_RIGHT)


def _canary(tx: Transaction, run: str, group: Any, epoch: int) -> Iterator[Decision]:
    if group.canary:
        return
    query = (
        sa.select(t.run_ci.c.ci)
        .join(
            t.run_group,
            sa.and_(t.run_group.c.run_id == t.run_ci.c.run_id, t.run_group.c.name == t.run_ci.c.group_name),
        )
        .where(t.run_ci.c.run_id == run, t.run_group.c.canary.is_(sa.true()))
    )
    canaries = list(tx.scalars(query))
    if not canaries:
        return
    lost = dead(tx, run, canaries, epoch)
    for canary in sorted(lost):
        yield Decision("defer", f"the canary {canary} failed: {lost[canary]}", canary, remedy=PUT_RIGHT)
    out = sorted(not_back(tx, run, canaries))
    if out and not lost:
        yield Decision("wait", f"the canary {out[0]} goes first", out[0])


def _budget(tx: Transaction, run: str, budget: str | None, members: Sequence[str], epoch: int) -> Iterator[Decision]:
    if not budget:
        return
    wanted = json.loads(budget)
    per = wanted.get("per")
    scope = {"tier": t.run_ci.c.tier, "environment": t.run_ci.c.environment}.get(per)
    of_scope = scope if scope is not None else sa.literal("run")
    failed = sa.exists().where(
        t.step.c.run_id == t.run_ci.c.run_id,
        t.step.c.ci == t.run_ci.c.ci,
        sa.or_(t.step.c.state == "failed", sa.and_(t.step.c.state == "unknown", t.run_ci.c.left_epoch == epoch)),
    )
    rows = tx.all(
        sa.select(t.run_ci.c.ci, of_scope.label("scope"), failed.label("failed")).where(t.run_ci.c.run_id == run)
    )
    mine = {row.scope for row in rows if row.ci in set(members)}
    for value in sorted(mine, key=str):
        inside = [row for row in rows if row.scope == value]
        out = sorted(row.ci for row in inside if row.failed)
        limit = budget_limit(wanted, len(inside))
        if limit is not None and len(out) >= limit:
            where = f" of {per} {value}" if per else ""
            why = f"the failure budget{where} is spent: {len(out)} of {limit}, {', '.join(out)}"
            yield Decision("defer", why, out[0], remedy="put these hosts right, then continue the run")


def budget_limit(budget: dict[str, Any], hosts: int) -> int | None:
    """How many failed hosts out of ``hosts`` spend the budget; the first failure always does when it rounds to none."""
    limits = []
    if budget.get("count") is not None:
        limits.append(int(budget["count"]))
    if budget.get("share") is not None:
        limits.append(math.floor(float(budget["share"]) * hosts + 1e-9))
    return max(1, min(limits)) if limits else None


def _window(tx: Transaction, run: str, group: Any) -> Iterator[Decision]:
    if group.opens is None and group.closes is None:
        return
    now = tx.now()
    seen = tx.scalar(sa.select(t.owner.c.clock_max).where(t.owner.c.run_id == run))
    now = max(now, seen or now)  # a clock that was put back does not open a window again
    begins = max(now, group.opens) if group.opens is not None else now
    source = group.source or "maintenance window"
    if group.closes is not None and begins + group.seconds > group.closes:
        minutes = math.ceil(group.seconds / 60)
        yield Decision(
            "defer",
            f"{source} closes at {instant(group.closes)}, {minutes} min are needed",
            f"window {source}",
            remedy="continue the run in a window that is long enough",
        )
    elif begins > now:
        yield Decision("wait", f"{source} opens at {instant(group.opens)}", f"window {source}")


def instant(seconds: float) -> str:
    """A point in time for people, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def public_name(resource: str) -> str:
    """A resource's name without the run it is kept apart by."""
    return resource.partition("@")[0] if resource.startswith("batch@") else resource


_BROKEN = sa.exists().where(
    t.run_ci.c.run_id == t.hold.c.run_id,
    sa.or_(
        sa.and_(t.hold.c.kind == "host", t.run_ci.c.ci == t.hold.c.holder),
        sa.and_(t.hold.c.kind.in_(("group", "down")), t.run_ci.c.group_name == t.hold.c.holder),
    ),
    sa.or_(
        t.run_ci.c.left_epoch == t.run.c.epoch,
        sa.exists().where(
            t.step.c.run_id == t.run_ci.c.run_id,
            t.step.c.ci == t.run_ci.c.ci,
            t.step.c.state.in_(rules.STEP_DEAD),
        ),
    ),
)
_NOTHING_TO_DO = ~sa.exists().where(
    t.run_ci.c.run_id == t.hold.c.run_id,
    t.run_ci.c.group_name == t.hold.c.holder,
    t.step.c.run_id == t.run_ci.c.run_id,
    t.step.c.ci == t.run_ci.c.ci,
    t.step.c.state.not_in(rules.STEP_MET),
)
_entered = t.hold.alias("entered")
_HOLDERS = (
    sa.select(
        t.hold.c.run_id,
        t.hold.c.kind,
        t.hold.c.holder,
        t.hold.c.weight,
        t.run.c.state.label("run_state"),
        sa.or_(t.hold.c.kind == "outside", _BROKEN, sa.and_(t.hold.c.kind == "down", _NOTHING_TO_DO)).label("dead"),
    )
    .join(t.run, t.run.c.id == t.hold.c.run_id)
    .where(
        t.hold.c.resource == sa.bindparam("resource"),
        # Who is out without a run is counted by each run for itself, which has looked.
        sa.or_(t.hold.c.kind.not_in(("outside", "down")), t.hold.c.run_id == _r),
        sa.or_(
            t.hold.c.kind != "down",
            ~sa.exists().where(
                _entered.c.resource == t.hold.c.resource,
                _entered.c.run_id == t.hold.c.run_id,
                _entered.c.kind == "group",
                _entered.c.holder == t.hold.c.holder,
            ),
        ),
    )
    .order_by(t.hold.c.holder)
)
_CAPACITY = sa.select(t.resource.c.capacity).where(t.resource.c.name == sa.bindparam("resource"))


def places(tx: Transaction, run: str) -> list[dict[str, Any]]:
    """The places that groups and hosts of a run need, with who has places there now."""
    query = (
        sa.select(t.need, t.resource.c.capacity)
        .join(t.resource, t.resource.c.name == t.need.c.resource)
        .where(t.need.c.run_id == run, t.need.c.kind.in_(("group", "host")), t.resource.c.capacity.is_not(None))
        .order_by(t.need.c.resource, t.need.c.holder)
    )
    found = []
    for need in tx.all(query):
        holders = tx.all(_HOLDERS, resource=need.resource, run=run)
        own = [holder for holder in holders if (holder.run_id, holder.holder) == (run, need.holder)]
        others = [holder for holder in holders if holder not in own]
        found.append(
            {
                "holder": need.holder,
                "place": public_name(need.resource),
                "needed": need.weight,
                "capacity": need.capacity,
                "free": need.capacity - sum(holder.weight for holder in others),
                "held": any(holder.kind != "down" for holder in own),
                "by": [_holder(holder, run) for holder in others],
            }
        )
    return found


def _places(tx: Transaction, run: str, needs: Sequence[Any], lock: bool) -> Iterator[Decision]:
    for need in sorted(needs, key=lambda need: need.resource):  # one order for all, else two could wait for each other
        capacity = tx.scalar(_CAPACITY.with_for_update() if lock else _CAPACITY, resource=need.resource)
        if capacity is None:
            continue
        name = public_name(need.resource)
        if need.weight > capacity:
            yield Decision(
                "defer",
                f"{need.weight} places of {name} are needed at once, there are {capacity}",
                name,
                remedy="let more of its members be down at once (max_unavailable), then begin a new run",
            )
            continue
        holders = tx.all(_HOLDERS, resource=need.resource, run=run)
        ours = (run, "down", need.holder)
        own = [holder for holder in holders if (holder.run_id, holder.kind, holder.holder) == ours]
        holders = [holder for holder in holders if holder not in own]
        if need.weight <= sum(holder.weight for holder in own):
            # Nobody goes out who does not count as out in this run already. Other runs may not count them.
            holders = [holder for holder in holders if holder.run_id != run]
        used = sum(holder.weight for holder in holders)
        if used + need.weight <= capacity:
            continue
        for_ever = [
            holder
            for holder in holders
            if holder.dead or (holder.run_id != run and holder.run_state not in rules.RUN_LIVE)
        ]
        if sum(holder.weight for holder in for_ever) + need.weight > capacity:
            who = ", ".join(_holder(holder, run) for holder in for_ever)
            yield Decision(
                "defer",
                f"{name} is held by {who}, which cannot come back in this run",
                for_ever[0].holder,
                remedy=_to_be_freed(for_ever, run),
            )
        else:
            who = ", ".join(_holder(holder, run) for holder in holders[:3])
            yield Decision("wait", f"{name} is full: {who}", name)


def _to_be_freed(holders: Sequence[Any], run: str) -> str:
    """What gives places free that nobody in this run gives back."""
    here = sorted({holder.holder for holder in holders if holder.run_id == run})
    elsewhere = sorted({holder.run_id for holder in holders if holder.run_id != run})
    needed = [f"bring {', '.join(here)} up again"] if here else []
    needed += [f"continue or cancel run {other}" for other in elsewhere]
    return f"{', '.join(needed)}, then continue the run"


def _holder(holder: Any, run: str) -> str:
    return holder.holder if holder.run_id == run else f"{holder.holder} (run {holder.run_id})"
