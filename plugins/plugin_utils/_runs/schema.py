# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the run database as the newest migration leaves them."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import rules
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa

REVISION = "0005"
"""The newest migration; opening a database at another revision migrates it or refuses it."""
VERSION_TABLE = "schema_version"

Instant = sa.Float(53)
"""Seconds since 1970 UTC by the database's clock; double precision on both databases."""


def one_of(column: str, states: tuple[str, ...]) -> sa.CheckConstraint:
    """A check that keeps ``column`` within its states."""
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(state) for state in states)})", name=f"{column}_known")


metadata = sa.MetaData(naming_convention={"pk": "pk_%(table_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"})

plan = sa.Table(
    # Plans that somebody was shown: what is approved by its hash may be run by another controller.
    "plan",
    metadata,
    sa.Column("hash", sa.String(100), primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("shown_at", Instant, nullable=False),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("procedure", sa.String(100), nullable=False),
    sa.Column("plan_hash", sa.String(100), nullable=False),
    sa.Column("code_hash", sa.String(100), nullable=False),
    sa.Column("plan_rev", sa.Integer, nullable=False, server_default="1"),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("budget", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Column("reason", sa.Text),
    one_of("state", rules.RUN_STATES),
)

fence = sa.Table(
    # One row: the highest fence that was ever given out. Every take-over counts on from it.
    "fence",
    metadata,
    sa.Column("given", sa.BigInteger, nullable=False),
)

owner = sa.Table(
    # The heartbeat lives here: a beat must not meet the lock that every writer has on its run.
    "owner",
    metadata,
    sa.Column("run_id", sa.String(200), primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("controller", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("boot_id", sa.Text, nullable=False),
    sa.Column("pid_ns", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("pid_start", sa.BigInteger, nullable=False),
    sa.Column("taken_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("seen_boottime", Instant, nullable=False),
    sa.Column("clock_max", Instant, nullable=False),
    sa.Column("ttl", sa.Float(53), nullable=False),
)

ci_claim = sa.Table(
    "ci_claim",
    metadata,
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("ci", sa.String(200), nullable=False),
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.PrimaryKeyConstraint("kind", "ci"),
    sa.Index("ix_ci_claim_run", "run_id"),
)

run_group = sa.Table(
    # Systems that are admitted as one.
    "run_group",
    metadata,
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("canary", sa.Boolean, nullable=False),
    sa.Column("seconds", sa.Float(53), nullable=False),
    sa.Column("opens", Instant),
    sa.Column("closes", Instant),
    sa.Column("source", sa.Text),
    sa.Column("admitted_at", Instant),
    sa.Column("admitted_epoch", sa.BigInteger),
    sa.PrimaryKeyConstraint("run_id", "name"),
)

run_ci = sa.Table(
    "run_ci",
    metadata,
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("ci", sa.String(200), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("group_name", sa.Text, nullable=False),
    sa.Column("tier", sa.String(50)),
    sa.Column("environment", sa.String(100)),
    sa.Column("left_epoch", sa.BigInteger),
    sa.Column("left_why", sa.Text),
    sa.Column("unreachable", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.PrimaryKeyConstraint("run_id", "ci"),
    sa.Index("ix_run_ci_group", "run_id", "group_name"),
)

step = sa.Table(
    "step",
    metadata,
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("ci", sa.String(200), nullable=False),
    sa.Column("step", sa.String(300), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(50), nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("instance", sa.Text),
    sa.Column("system", sa.String(200)),
    sa.Column("tier", sa.String(50)),
    sa.Column("seconds", sa.Float(53)),
    sa.Column("critical", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("worker", sa.Text),
    sa.Column("wait_reason", sa.Text),
    sa.Column("waiting_since", Instant),
    sa.Column("blocked_by", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("started_at", Instant),
    sa.Column("ended_at", Instant),
    # Seconds after boot, by a clock that nobody puts forward or back, and what has come of them when the step is done.
    sa.Column("started_boottime", Instant),
    sa.Column("took", sa.Float(53)),
    sa.Column("result", sa.Text),
    sa.Column("changed", sa.Boolean),
    sa.PrimaryKeyConstraint("run_id", "ci", "step"),
    one_of("state", rules.STEP_STATES),
    sa.Index("ix_step_state", "run_id", "state"),
)

dep = sa.Table(
    # Frozen when the run is created.
    "dep",
    metadata,
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("ci", sa.String(200), nullable=False),
    sa.Column("step", sa.String(300), nullable=False),
    sa.Column("needs_ci", sa.String(200), nullable=False),
    sa.Column("needs_step", sa.String(300), nullable=False),
    sa.PrimaryKeyConstraint("run_id", "ci", "step", "needs_ci", "needs_step"),
    sa.Index("ix_dep_needs", "run_id", "needs_ci", "needs_step"),
)

resource = sa.Table(
    # A row to lock while places are counted. Capacity None: no limit.
    "resource",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("capacity", sa.Integer),
)

need = sa.Table(
    "need",
    metadata,
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("weight", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("run_id", "kind", "holder", "resource"),
    one_of("kind", ("group", "host", "member")),
)

hold = sa.Table(
    # Kinds: ``group`` and ``host`` of the run. Before it began were found down: ``outside``, a member that is not in
    # the run; ``down``, members of the group that is named as holder, which counts until the group has places itself.
    "hold",
    metadata,
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("weight", sa.Integer, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.PrimaryKeyConstraint("resource", "run_id", "kind", "holder"),
    sa.Index("ix_hold_run", "run_id"),
)

undo = sa.Table(
    "undo",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("ci", sa.String(200), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("resource_key", sa.Text, nullable=False),
    sa.Column("kind", sa.String(100), nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("wanted", sa.Text),
    sa.Column("undo", sa.Text),
    sa.Column("needs", sa.Text),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("proof", sa.Text),
    one_of("state", rules.UNDO_STATES),
    sa.Index("ix_undo_run", "run_id"),
    sa.Index("ix_undo_state", "state", "resource_key"),
)
_undo_is_open = sa.text(f"state IN ({', '.join(repr(state) for state in rules.UNDO_OPEN)})")
sa.Index("ux_undo_open", undo.c.resource_key, unique=True, sqlite_where=_undo_is_open, postgresql_where=_undo_is_open)

event = sa.Table(
    # Append only; ``hash`` covers the event with the hash of the one before it.
    "event",
    metadata,
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("at_controller", Instant, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("ci", sa.String(200)),
    sa.Column("step", sa.String(300)),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.PrimaryKeyConstraint("run_id", "n"),
)

chain = sa.Table(
    # The last event of a run; its row is the last lock of every writing transaction.
    "chain",
    metadata,
    sa.Column("run_id", sa.String(200), primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
