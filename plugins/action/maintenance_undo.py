# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records how far the undoing of one temporary change has come."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    """Move one undo record to its next state."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "id": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["applied", "undoing", "undone"], "required": True},
        "proof": {"type": "str"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Write the state; legal steps only."""
        mark = _controller.current_run()
        store = self.open_run(mark)
        try:
            store.undo_state(mark["run"], arguments["id"], mark["epoch"], arguments["state"], proof=arguments["proof"])
        finally:
            store.close()
        return {"changed": True}
