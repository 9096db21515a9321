# SPDX-License-Identifier: GPL-3.0-or-later
"""What the run database tells about runs, present or past."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import rules
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.transaction import Transaction

HISTORY_STEPS = 100_000
"""The newest steps that durations are taken from."""
TAKE_TIME_WHEN_THEY_CHANGE = ("stop", "patch", "reboot", "start")
"""Kinds of steps that are through in a moment where there is nothing to do: that says nothing of how long they take."""


def counts(tx: Transaction, run: str) -> dict[str, int]:
    """How many steps are in which state."""
    query = sa.select(t.step.c.state, sa.func.count()).where(t.step.c.run_id == run).group_by(t.step.c.state)
    return {row[0]: row[1] for row in tx.all(query)}


def runs(tx: Transaction, limit: int) -> list[dict[str, Any]]:
    """The latest runs without their plans, newest first."""
    columns = [column for column in t.run.c if column.name not in ("plan", "params", "budget")]
    hosts = sa.select(sa.func.count()).where(t.run_ci.c.run_id == t.run.c.id).scalar_subquery().label("hosts")
    undo = (
        sa.select(sa.func.count())
        .where(t.undo.c.run_id == t.run.c.id, t.undo.c.state.in_(("intended", "applied", "undoing", "conflict")))
        .scalar_subquery()
        .label("open_undo")
    )
    query = sa.select(*columns, hosts, undo).order_by(t.run.c.created_at.desc(), t.run.c.id.desc()).limit(limit)
    return [dict(row._mapping) for row in tx.all(query)]


def unfinished(tx: Transaction) -> list[dict[str, Any]]:
    """The runs that can be continued, newest first; ``plan`` and ``params`` as data."""
    query = (
        sa.select(t.run).where(t.run.c.state.not_in(rules.RUN_FINAL)).order_by(t.run.c.created_at.desc(), t.run.c.id)
    )
    return [{**row._mapping, "plan": json.loads(row.plan), "params": json.loads(row.params)} for row in tx.all(query)]


def steps(tx: Transaction, run: str, ci: str | None = None) -> list[dict[str, Any]]:
    """Every step in plan order; ``result`` and ``worker`` as data."""
    query = (
        sa.select(t.step, t.run_ci.c.unreachable, t.run_ci.c.left_why, t.run_ci.c.group_name.label("group"))
        .join(t.run_ci, sa.and_(t.run_ci.c.run_id == t.step.c.run_id, t.run_ci.c.ci == t.step.c.ci))
        .where(t.step.c.run_id == run)
        .order_by(t.run_ci.c.seq, t.step.c.seq)
    )
    if ci is not None:
        query = query.where(t.step.c.ci == ci)
    found = []
    for row in tx.all(query):
        step = dict(row._mapping)
        for name in ("result", "worker"):
            step[name] = json.loads(step[name]) if step[name] else None
        found.append(step)
    return found


def events(tx: Transaction, run: str, after: int) -> list[dict[str, Any]]:
    """What happened after event ``after``; ``data`` as data."""
    query = sa.select(t.event).where(t.event.c.run_id == run, t.event.c.n > after).order_by(t.event.c.n)
    return [{**row._mapping, "data": json.loads(row.data)} for row in tx.all(query)]


def durations(tx: Transaction) -> dict[str, float]:
    """Nine of ten past steps took at most so many seconds; by kind, kind/tier, label.

    Only steps that were seen to begin and to end count, not those that a look found done, and of stops, patches,
    reboots and starts only those that changed something. Those of an older release, or of a site's own tasks, may not
    say whether they did: they count apart, and the longer answer is given.
    """
    of = t.step.c
    matters = of.kind.in_(TAKE_TIME_WHEN_THEY_CHANGE)
    query = (
        sa.select(of.kind, of.tier, of.label, of.started_at, of.ended_at, of.took, of.changed)
        .where(
            of.state == "done",
            of.started_at.is_not(None),
            of.ended_at.is_not(None),
            sa.or_(sa.not_(matters), of.changed.is_(None), of.changed.is_(sa.true())),
        )
        .order_by(t.step.c.ended_at.desc())
        .limit(HISTORY_STEPS)
    )
    taken: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for row in tx.all(query):
        # An older release wrote no more than the two times.
        seconds = row.took if row.took is not None else max(0.0, row.ended_at - row.started_at)
        silent = row.kind in TAKE_TIME_WHEN_THEY_CHANGE and row.changed is None
        for name in (row.kind, *([f"{row.kind}/{row.tier}"] if row.tier else ()), row.label):
            taken[name, silent].append(seconds)
    found: dict[str, float] = {}
    for (name, _silent), values in taken.items():
        found[name] = max(found.get(name, 0.0), percentile(values, 0.9))
    return found


def percentile(values: list[float], share: float) -> float:
    """The smallest value that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
