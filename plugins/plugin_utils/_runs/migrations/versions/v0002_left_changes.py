# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what runs have left without reading every temporary change there ever was."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_undo_state", "undo", ["state", "resource_key"], unique=False)
