# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes fences and durations independent of a clock that is put right."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import op, sa

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count fences on from the highest that was given out when they came from the time of the run's creation."""
    op.add_column("run", sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("step", sa.Column("started_boottime", sa.Float(precision=53), nullable=True))
    op.add_column("step", sa.Column("took", sa.Float(precision=53), nullable=True))
    op.create_table("fence", sa.Column("given", sa.BigInteger(), nullable=False))
    op.execute("INSERT INTO fence (given) SELECT COALESCE(MAX(CAST(created_at AS BIGINT) * 1000 + epoch), 0) FROM run")
