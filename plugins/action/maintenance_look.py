# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares what a look found of a temporary change with the record of it."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    """Answer whether the change is to be made or undone; fail where a person has to decide."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "ci": {"type": "str", "required": True},
        "change": {"type": "str", "choices": ["silence"]},
        "undoes": {"type": "str", "choices": ["silence"]},
        "found": {"type": "raw"},
        "after": {"type": "bool", "default": False},
        "again": {"type": "str"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Move the record on as far as the look proves it."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        ci, found = arguments["ci"], arguments["found"]
        if (arguments["change"] is None) == (arguments["undoes"] is None):
            raise _controller.NotPossible("Give either 'change' or 'undoes'.")
        kind = arguments["change"] or arguments["undoes"]
        if not isinstance(found, list) or not all(isinstance(name, str) and name for name in found):
            raise _controller.NotPossible(
                f"The look does not say who has made the {kind} of {ci}: it found {found!r}. It has to be a list of "
                "names, and an empty one when nobody has."
            )
        mark = _controller.current_run()
        store = self.open_run(mark)
        try:
            undone_by = _controller.UNDONE_BY[kind]
            change = _runs.Change(store, mark["run"], mark["epoch"], ci, kind, undone_by, ci)
            if arguments["change"]:
                answer = change.after_change(found) if arguments["after"] else change.before_change(found)
            else:
                again = arguments["again"]
                answer = change.after_undo(found) if arguments["after"] else change.before_undo(found, again)
        finally:
            store.close()
        said = {
            "changed": False,
            "act": answer.act,
            "undo": answer.undo.id if answer.undo else None,
            "mark": answer.mark,
            "conflict": answer.conflict is not None,
        }
        return {**said, "failed": True, "msg": answer.conflict} if answer.conflict else said
