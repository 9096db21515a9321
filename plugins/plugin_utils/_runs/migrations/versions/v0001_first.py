# SPDX-License-Identifier: GPL-3.0-or-later
"""The first schema of the run database."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import op, sa

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "chain",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_chain")),
    )
    op.create_table(
        "ci_claim",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("ci", sa.String(length=200), nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("kind", "ci", name=op.f("pk_ci_claim")),
    )
    op.create_index("ix_ci_claim_run", "ci_claim", ["run_id"], unique=False)
    op.create_table(
        "dep",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("ci", sa.String(length=200), nullable=False),
        sa.Column("step", sa.String(length=300), nullable=False),
        sa.Column("needs_ci", sa.String(length=200), nullable=False),
        sa.Column("needs_step", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "ci", "step", "needs_ci", "needs_step", name=op.f("pk_dep")),
    )
    op.create_index("ix_dep_needs", "dep", ["run_id", "needs_ci", "needs_step"], unique=False)
    op.create_table(
        "event",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.Column("at_controller", sa.Float(precision=53), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("ci", sa.String(length=200), nullable=True),
        sa.Column("step", sa.String(length=300), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "n", name=op.f("pk_event")),
    )
    op.create_table(
        "hold",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("resource", "run_id", "kind", "holder", name=op.f("pk_hold")),
    )
    op.create_index("ix_hold_run", "hold", ["run_id"], unique=False)
    op.create_table(
        "need",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('group', 'host', 'member')", name=op.f("ck_need_kind_known")),
        sa.PrimaryKeyConstraint("run_id", "kind", "holder", "resource", name=op.f("pk_need")),
    )
    op.create_table(
        "owner",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("controller", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("pid_ns", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("pid_start", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.Float(precision=53), nullable=False),
        sa.Column("seen_at", sa.Float(precision=53), nullable=False),
        sa.Column("seen_boottime", sa.Float(precision=53), nullable=False),
        sa.Column("clock_max", sa.Float(precision=53), nullable=False),
        sa.Column("ttl", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_owner")),
    )
    op.create_table(
        "resource",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_resource")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("procedure", sa.String(length=100), nullable=False),
        sa.Column("plan_hash", sa.String(length=100), nullable=False),
        sa.Column("code_hash", sa.String(length=100), nullable=False),
        sa.Column("plan_rev", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("budget", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Float(precision=53), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'running', 'draining', 'lost', 'interrupted', 'partial', 'succeeded', 'canceled')",
            name=op.f("ck_run_state_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_table(
        "run_ci",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("ci", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("tier", sa.String(length=50), nullable=True),
        sa.Column("environment", sa.String(length=100), nullable=True),
        sa.Column("left_epoch", sa.BigInteger(), nullable=True),
        sa.Column("left_why", sa.Text(), nullable=True),
        sa.Column("unreachable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "ci", name=op.f("pk_run_ci")),
    )
    op.create_index("ix_run_ci_group", "run_ci", ["run_id", "group_name"], unique=False)
    op.create_table(
        "run_group",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("canary", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("opens", sa.Float(precision=53), nullable=True),
        sa.Column("closes", sa.Float(precision=53), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("admitted_at", sa.Float(precision=53), nullable=True),
        sa.Column("admitted_epoch", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "name", name=op.f("pk_run_group")),
    )
    op.create_table(
        "step",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("ci", sa.String(length=200), nullable=False),
        sa.Column("step", sa.String(length=300), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=True),
        sa.Column("system", sa.String(length=200), nullable=True),
        sa.Column("tier", sa.String(length=50), nullable=True),
        sa.Column("seconds", sa.Float(precision=53), nullable=True),
        sa.Column("critical", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("wait_reason", sa.Text(), nullable=True),
        sa.Column("waiting_since", sa.Float(precision=53), nullable=True),
        sa.Column("blocked_by", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Float(precision=53), nullable=True),
        sa.Column("ended_at", sa.Float(precision=53), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'done', 'failed', 'unknown', 'blocked', 'deferred', 'skipped')",
            name=op.f("ck_step_state_known"),
        ),
        sa.PrimaryKeyConstraint("run_id", "ci", "step", name=op.f("pk_step")),
    )
    op.create_index("ix_step_state", "step", ["run_id", "state"], unique=False)
    op.create_table(
        "undo",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("ci", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("resource_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("wanted", sa.Text(), nullable=True),
        sa.Column("undo", sa.Text(), nullable=True),
        sa.Column("needs", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('intended', 'applied', 'undoing', 'undone', 'not_applied', 'not_ours', 'conflict', 'kept')",
            name=op.f("ck_undo_state_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_undo")),
    )
    op.create_index("ix_undo_run", "undo", ["run_id"], unique=False)
    op.create_index(
        "ux_undo_open",
        "undo",
        ["resource_key"],
        unique=True,
        sqlite_where=sa.text("state IN ('intended', 'applied', 'undoing', 'conflict')"),
        postgresql_where=sa.text("state IN ('intended', 'applied', 'undoing', 'conflict')"),
    )
