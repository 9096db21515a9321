# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads runs from the run database."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction

NO_RUNS = "There are no runs."


class ActionModule(ControllerAction):
    """One run with who waits for whom, or the list of runs."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {"run": {"type": "str"}, "database": {"type": "str"}}

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Read; mark runs whose controller is gone as lost, as anybody may; check mode writes and makes nothing."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _report, _runs

        url = _controller.database_url(arguments["database"])
        store = _runs.open_to_look(url) if self._task.check_mode else _runs.open_store(url)
        if store is None:
            if arguments["run"]:
                raise _runs.RunNotFound(arguments["run"])
            return {"changed": False, "runs": [], "text": [NO_RUNS]}
        try:
            if not self._task.check_mode:
                store.observe()
            if arguments["run"]:
                report = _report.gather(store, arguments["run"])
                waiting = [
                    {"ci": row["ci"], "step": row["step"], "label": row["label"], "why": row["wait_reason"]}
                    for row in store.steps(arguments["run"])
                    if row["state"] == "pending" and row["wait_reason"] is not None
                ]
                text = _report.words(report) + [f"waits     {each['label']}: {each['why']}" for each in waiting]
                return {"changed": False, "run": report, "waiting": waiting, "text": text}
            runs = store.runs()
        finally:
            store.close()
        return {
            "changed": False,
            "runs": runs,
            "text": [f"{run['id']}: {run['procedure']}, {run['state']}, by {run['created_by']}" for run in runs]
            or [NO_RUNS],
        }
