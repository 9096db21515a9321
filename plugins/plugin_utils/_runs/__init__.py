# SPDX-License-Identifier: GPL-3.0-or-later
"""The run database: what every run did, where its gates wait."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.changes import Change
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Busy, Fenced, RunNotFound, StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import Machine, Owner, Process
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import Revision, UndoRecord, Verdict
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import (
    Store,
    keep_store,
    open_store,
    open_to_look,
    rehearsal,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.waiter import (
    Orphaned,
    pause,
    wait_at_gate,
    wait_for_change,
    wait_for_everybody,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.wake import Sidecar, start_sidecar

__all__ = [
    "Busy",
    "Change",
    "Fenced",
    "Machine",
    "Orphaned",
    "Owner",
    "Process",
    "Revision",
    "RunNotFound",
    "Sidecar",
    "Store",
    "StoreError",
    "UndoRecord",
    "Verdict",
    "keep_store",
    "open_store",
    "open_to_look",
    "pause",
    "rehearsal",
    "start_sidecar",
    "wait_at_gate",
    "wait_for_change",
    "wait_for_everybody",
]
