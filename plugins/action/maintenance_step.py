# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records that a claimed step of one host is done."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    """End the step with its result; whoever waits for it may go."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "step": {"type": "str", "required": True},
        "attempt": {"type": "int", "required": True},
        "result": {"type": "dict", "default": {}},
        "message": {"type": "str"},
        "changed": {"type": "bool"},
        "changed_by": {"type": "str"},
        "undone": {"type": "str"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Write the end of the step, once or again with the same values."""
        mark = _controller.current_run()
        ci, step = task_vars["inventory_hostname"], arguments["step"]
        store = self.open_run(mark)
        try:
            if arguments["changed_by"]:
                store.undo_state(mark["run"], arguments["changed_by"], mark["epoch"], "applied")
            if arguments["undone"]:
                store.undo_state(
                    mark["run"],
                    arguments["undone"],
                    mark["epoch"],
                    "undone",
                    proof=f"step {step} ended without an error",
                )
            store.end(
                mark["run"],
                ci,
                step,
                mark["epoch"],
                arguments["attempt"],
                state="done",
                result=arguments["result"],
                message=arguments["message"],
                changed=arguments["changed"],
            )
        finally:
            store.close()
        done = {"step": step, "message": arguments["message"]}
        return {"changed": True, "ci": ci, "step": step, "basis_landscape_done": done}
