# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits until every host of the run is through, then lists what was changed and not undone."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import UndoRecord


class ActionModule(ControllerAction):
    """Answer with the open undo records of hosts that can no longer undo them themselves."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {}

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Wait in the run database.

        What a stop run changed for a host that is down now stays, and is undone by the run that starts it. Jobs are
        given back only where SAP runs as before: no instance of the system was touched, or each is started and
        verified.
        """
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        mark = _controller.current_run()
        _runs.wait_for_everybody(mark)
        store = self.open_run(mark)
        try:
            steps = store.steps(mark["run"])
            stopping = store.run(mark["run"])["procedure"] == "stop"
            unfinished = {row["ci"] for row in steps if row["state"] not in ("done", "skipped")}
            sids = {row["system"]: row["label"].partition("/")[0] for row in steps if row["system"]}
            undo = []
            for record in store.open_undo(mark["run"]):
                if stopping and record.ci not in unfinished and record.state == "applied":
                    continue
                system = record.key.partition(":")[2]
                if record.kind == "suspend_jobs" and not _as_before(steps, record):
                    continue
                undo.append(
                    {
                        "id": record.id,
                        "ci": record.ci,
                        "kind": record.kind,
                        "state": record.state,
                        "kept": record.before.get("kept"),
                        "system": system,
                        "sid": sids.get(system),
                        # The step that is to make the change anew when the run goes on: none once SAP was stopped
                        # under it, because what rested then need not rest a second time.
                        "again": None if _touched(steps, record) else _step_of(record),
                        "fence_here": _controller.fence_here(mark, record.ci),
                    }
                )
        finally:
            store.close()
        return {"changed": False, "undo": undo}


def _as_before(steps: list[dict[str, t.Any]], record: UndoRecord) -> bool:
    """Return whether no instance of a system was touched, or each that was is started, on a host that is verified."""
    well = {row["ci"] for row in steps if row["kind"] == "verify" and row["state"] == "done"}
    started = {row["instance"] for row in steps if row["kind"] == "start" and row["state"] == "done"}
    return all(row["instance"] in started and row["ci"] in well for row in _touched(steps, record))


def _touched(steps: list[dict[str, t.Any]], record: UndoRecord) -> list[dict[str, t.Any]]:
    """Return the steps tried that changed what a temporary change is about: instances of a system, or a host."""
    system = record.key.partition(":")[2]
    return [
        row
        for row in steps
        if row["attempt"]
        and (
            row["kind"] in ("stop", "start") and row["system"] == system
            if record.kind == "suspend_jobs"
            else row["kind"] in ("stop", "patch", "reboot", "start") and row["ci"] == record.ci
        )
    ]


def _step_of(record: UndoRecord) -> str:
    """Return the step that made a temporary change."""
    return record.key if record.kind == "suspend_jobs" else record.kind
