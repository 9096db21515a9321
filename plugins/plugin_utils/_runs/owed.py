# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process still has to write to its run, kept until the database takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import rules

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store

PATIENCE_SECONDS = 300.0
"""How long waiters bear a database that takes nothing: time to make room on its disk."""


class Owed:
    """Notes in the order in which they are to be written.

    A note is plain data, so that one process can hand it to another one: ``{"drain": why}`` (no new step begins),
    ``{"left": host, "why": why, "unreachable": bool}``, or ``{"left_out": host}`` (by the limit of this play).
    """

    def __init__(self, run: str, epoch: int) -> None:
        self.run, self.epoch = run, epoch
        self.notes: list[dict[str, Any]] = []

    def add(self, note: dict[str, Any]) -> None:
        """Owe one more note."""
        if note not in self.notes:
            self.notes.append(note)

    def write(self, store: Store) -> None:
        """Write all; what is written is owed no more. Raises StoreError, Fenced.

        Another process may have written the same: nothing is written twice.
        """
        while self.notes:
            note = self.notes[0]
            if "drain" in note:
                store.drain(self.run, self.epoch, note["drain"])
            else:
                self._abandon(store, note)
            self.notes.remove(note)

    def _abandon(self, store: Store, note: dict[str, Any]) -> None:
        """Give a host up that has not left yet.

        What one had begun that cannot be reached any more is unknown: it may have happened. One that is left out is
        deferred; what it had begun stays unknown.
        """
        host = note.get("left") or note["left_out"]
        steps = store.steps(self.run, ci=host)
        if any(row["left_why"] for row in steps):
            return
        if "left" in note:
            state = "unknown" if note["unreachable"] else "failed"
            store.abandon(self.run, self.epoch, host, note["why"], state=state, unreachable=note["unreachable"])
            return
        open_ = [row for row in steps if row["state"] not in rules.STEP_MET]
        if open_:
            state = "unknown" if open_[0]["attempt"] else "deferred"
            store.abandon(self.run, self.epoch, host, "left out by --limit", state=state)


def in_words(note: dict[str, Any]) -> str:
    """The note for a person."""
    if "drain" in note:
        return f"no other step begins ({note['drain']})"
    if "left_out" in note:
        return f"{note['left_out']} is left out by --limit"
    return f"{note['left']} {'is unreachable' if note['unreachable'] else 'failed'} ({note['why']})"
