# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps plans where every controller finds the one that was approved."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import op, sa

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "plan",
        sa.Column("hash", sa.String(length=100), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("shown_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_plan")),
    )
