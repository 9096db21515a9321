# SPDX-License-Identifier: GPL-3.0-or-later
"""One temporary change of a run: what is recorded before it is made, before it is undone, after a look at it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import UndoRecord
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store


@dataclasses.dataclass
class Answer:
    """What is to be done after a look.

    ``act``: make the change, or undo it. ``undo``: its open record, None when there is nothing of ours. ``mark``: the
    name in which the change is made. ``conflict``: why a person has to decide, None when nobody has to.
    """

    act: bool
    undo: UndoRecord | None
    mark: str
    conflict: str | None = None


class Change:
    """The change of one kind to a system or a host (``what``), recorded for the run that makes it.

    A look gives the names of all in whose name the change is made now, an empty list when it is not. Ours is the mark:
    it begins with the run that made the change, also when a later run undoes it.
    """

    def __init__(self, store: Store, run: str, epoch: int, ci: str, kind: str, undone_by: str, what: str) -> None:
        self.store, self.run, self.epoch, self.ci, self.kind, self.what = store, run, epoch, ci, kind, what
        self.key, self.undone_by = f"{kind}:{what}", undone_by

    def mark(self, record: UndoRecord | None = None) -> str:
        """The name in which this run makes the change, or in which the one of the record was made."""
        return str(record.undo.get("mark")) if record else f"{self.run}/{self.key}"

    def intend(self, others: Sequence[str] = ()) -> UndoRecord:
        """Write down that the change is about to be made; that it is not ours when ``others`` have made it."""
        return self.store.intend(
            self.run,
            self.ci,
            self.key,
            self.epoch,
            kind=self.kind,
            before={self.kind: bool(others)},
            wanted={self.kind: True},
            undo={"step": self.undone_by, "mark": self.mark()},
            needs={"verified": self.kind == "suspend_jobs"},
            proof=_found(others) if others else None,
        )

    def undoing(self) -> UndoRecord | None:
        """Write down that the change is about to be undone; return its record, if one is open.

        What a stop run has left is taken over. Raises StoreError when a person has to decide.
        """
        record = self._record()
        if record is None:
            return None
        if record.state == "conflict":
            raise StoreError(self._conflict(record, (record.proof or {}).get("by", ())))
        if record.state != "undoing":
            self._move(record, "undoing")
        return record

    def before_change(self, by: Sequence[str]) -> Answer:
        """What a look before the change means: made already by us, by others, or to be made."""
        record = self._open()
        others = [] if self.mark(record) in by else list(by)
        gone = {"intended": "not_applied", "undoing": "undone"}
        if record is not None and others and record.state in gone:  # nothing of ours is left there
            self._move(record, gone[record.state], _found(others))
        record = self.intend(others)
        return Answer(not by, None if record.state == "not_ours" else record, self.mark(record))

    def after_change(self, by: Sequence[str]) -> Answer:
        """See by a look that the change was made in our name. Raises StoreError when it was not."""
        record = self._record()
        if record is None or self.mark(record) not in by:
            raise StoreError(
                f"The tasks for {self.kind} of {self.what} have ended, and the look does not find it in the name "
                f"{self.mark(record)} (maintenance_mark), only in these: {', '.join(by) or 'none'}."
            )
        return Answer(False, record, self.mark(record))

    def before_undo(self, by: Sequence[str], again: str | None = None) -> Answer:
        """What a look before the undoing means: ours and to be undone, gone already, or another one's by now.

        ``again`` is the step that has to make it anew when the run is continued.
        """
        record = self._record()
        if record is None:
            return Answer(False, None, self.mark())
        mark = self.mark(record)
        if mark in by:
            if record.state == "conflict":
                self._move(record, "applied")
            self._undoing(record, again)
            return Answer(True, record, mark)
        if record.state == "intended":
            self._move(record, "not_applied", _found(by))
        elif by and record.state != "undoing":
            self._move(record, "conflict", _found(by))
            return Answer(False, record, mark, self._conflict(record, by))
        else:
            if record.state == "conflict":  # a person, or time, has ended it
                self._move(record, "applied")
            if record.state != "undoing":
                self._undoing(record, again)
            self._move(record, "undone", _found(by))
        return Answer(False, None, mark)

    def after_undo(self, by: Sequence[str]) -> Answer:
        """See by a look that nothing of ours is left, and record it. Raises StoreError when something is."""
        record = self._record()
        if record is not None:
            if self.mark(record) in by:
                raise StoreError(
                    f"The tasks that undo {self.kind} of {self.what} have ended, and the look still finds it in the "
                    f"name {self.mark(record)} (maintenance_mark)."
                )
            self._move(record, "undone", _found(by))
        return Answer(False, None, self.mark(record))

    def _open(self) -> UndoRecord | None:
        return next((record for record in self.store.open_undo(self.run) if record.key == self.key), None)

    def _record(self) -> UndoRecord | None:
        return self._open() or self.store.inherit_undo(self.run, self.ci, self.key, self.epoch)

    def _move(self, record: UndoRecord, to: str, proof: Any = None) -> None:
        self.store.undo_state(self.run, record.id, self.epoch, to, proof)

    def _undoing(self, record: UndoRecord, again: str | None) -> None:
        if again:
            self.store.take_back(self.run, record.id, again, self.epoch)
        else:
            self._move(record, "undoing")

    def _conflict(self, record: UndoRecord, by: Sequence[str]) -> str:
        return (
            f"{self.kind} of {self.what} is not this run's any more: it is made by {', '.join(by) or 'nobody'}, not in "
            f"the name {self.mark(record)}. It stays as it is, for a person to decide. Then say so with the playbook "
            f"basis.landscape.settle_run: -e run={self.run} -e reason=<what you did>; continue the run."
        )


def _found(by: Sequence[str]) -> dict[str, Any]:
    """What a look found, for the record."""
    return {"by": list(by)}
