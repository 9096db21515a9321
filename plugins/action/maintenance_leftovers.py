# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits until every host of the run is through, then lists what was changed and not undone."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    """Answer with the open undo records of hosts that can no longer undo them themselves."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {}

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Wait in the run database."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        mark = _controller.current_run()
        _runs.wait_for_everybody(mark)
        store = self.open_run(mark)
        try:
            undo = [
                {"id": record.id, "ci": record.ci, "kind": record.kind, "state": record.state}
                for record in store.open_undo(mark["run"])
            ]
        finally:
            store.close()
        return {"changed": False, "undo": undo}
