# SPDX-License-Identifier: GPL-3.0-or-later
"""The run database: what every run did, where its gates wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Busy, Fenced, RunNotFound, StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import Machine, Owner, Process
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import UndoRecord, Verdict

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store

__all__ = [
    "Busy",
    "Fenced",
    "Machine",
    "Owner",
    "Process",
    "RunNotFound",
    "StoreError",
    "UndoRecord",
    "Verdict",
    "open_store",
]


def open_store(url: str) -> Store:
    """Open the run database at ``url``: ``sqlite:////path`` or ``postgresql://user@host/name``.

    Creates what is missing, migrates what is older. Raises StoreError when it cannot be used. SQLAlchemy is imported
    here, not with this package: it costs a quarter of a second.
    """
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import open_store as opened

    return opened(url)
