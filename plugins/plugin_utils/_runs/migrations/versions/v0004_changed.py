# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes room for what a step says of itself: whether it changed something."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import op, sa

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SAID = {"patch": "changed", "reboot": "rebooted"}


def upgrade() -> None:
    """Take it over from the results of patches and reboots, which had it; stops and starts said nothing."""
    op.add_column("step", sa.Column("changed", sa.Boolean(), nullable=True))
    step = sa.table("step", *map(sa.column, ("kind", "result")), sa.column("changed", sa.Boolean()))
    for kind, key in SAID.items():
        for value in (True, False):
            said = step.c.result.contains(f'"{key}": {str(value).lower()}', autoescape=True)
            op.execute(sa.update(step).where(step.c.kind == kind, said).values(changed=value))
