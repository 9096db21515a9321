# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records what is known of one temporary change."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    """Add what was before to an undo record, or move it to its next state."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "id": {"type": "str", "required": True},
        "kept": {"type": "dict"},
        "state": {"type": "str", "choices": ["applied", "undoing", "undone"]},
        "proof": {"type": "str"},
        "step": {"type": "str"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Write what was before, then the state; legal steps only."""
        kept, state, step, proof = (arguments[name] for name in ("kept", "state", "step", "proof"))
        if kept is None and state is None:
            raise _controller.NotPossible("Give 'kept' or 'state'; without one there is nothing to record.")
        if step and state != "undoing":
            raise _controller.NotPossible("The option 'step' goes with 'state: undoing'.")
        mark = _controller.current_run()
        store = self.open_run(mark)
        try:
            if kept is not None:
                store.undo_before(mark["run"], arguments["id"], mark["epoch"], {"kept": kept})
            if step:
                store.take_back(mark["run"], arguments["id"], step, mark["epoch"])
            elif state:
                store.undo_state(mark["run"], arguments["id"], mark["epoch"], state, proof=proof)
        finally:
            store.close()
        return {"changed": True}
