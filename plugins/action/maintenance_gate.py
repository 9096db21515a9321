# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits at the gate of one step of one host, then claims the step."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils import _runs


class ActionModule(ControllerAction):
    """Answer go, done, or fail with whom this host is blocked by."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "step": {"type": "str", "required": True},
        "timeout": {"type": "float"},
        "change": {"type": "str"},
        "undoes": {"type": "str"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Wait in the run database; nothing is held while waiting."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        if self._task.loop:
            raise _controller.NotPossible("A gate does not go with 'loop'. Loop over include_tasks with the gate inside.")
        mark = _controller.current_run()
        self.require_gated_play(task_vars)
        ci, step = task_vars["inventory_hostname"], arguments["step"]
        verdict = _runs.wait_at_gate(mark, ci, step, timeout=arguments["timeout"], worker={"pid": os.getpid()})
        store = _runs.open_store(mark["database"])
        try:
            steps = {record["step"]: record for record in store.steps(mark["run"], ci=ci)}
            label = steps[step]["label"]
            undo = None
            if verdict.kind in ("go", "look"):
                what = steps[step]["system"] or ci
                if arguments["change"]:
                    undo = _intend(store, mark, ci, arguments["change"], what)
                elif arguments["undoes"]:
                    undo = _undoing(store, mark, f"{arguments['undoes']}:{what}")
        finally:
            store.close()
        said: dict[str, t.Any] = {
            "changed": False,
            "ci": ci,
            "step": step,
            "label": label,
            "attempt": verdict.attempt,
            "run": mark["run"],
            "epoch": mark["epoch"],
            "basis_landscape_gate": {"step": step, "label": label, "verdict": verdict.kind, "why": verdict.why, "by": verdict.by},
        }
        if verdict.kind in ("blocked", "deferred"):
            return {**said, "failed": True, "msg": f"{label}: {verdict.kind} by {verdict.by}: {verdict.why}"}
        return {
            **said,
            "go": verdict.kind in ("go", "look"),
            "look": verdict.kind == "look",
            "undo": undo,
            "fence": {"epoch": mark["epoch"], "ci": ci},
            "results": verdict.results,
            "steps": [
                {"step": name, "kind": record["kind"], "label": record["label"], "instance": record["instance"], "system": record["system"]}
                for name, record in steps.items()
                if record["state"] not in ("done", "skipped")
            ],
        }


def _intend(store: _runs.Store, mark: _controller.RunMark, ci: str, kind: str, what: str) -> str:
    """Write down what is about to be changed for the time of the run, before it is; return the id of the record."""
    record = store.intend(
        mark["run"],
        ci,
        f"{kind}:{what}",
        mark["epoch"],
        kind=kind,
        before={kind: False},
        wanted={kind: True},
        undo={"step": {"silence": "unsilence", "suspend_jobs": "release_jobs"}[kind]},
        needs={"verified": kind == "suspend_jobs"},
    )
    return record.id


def _undoing(store: _runs.Store, mark: _controller.RunMark, key: str) -> str | None:
    """Write down that the change behind this key is about to be undone; return the id of its record, if one is open."""
    for record in store.open_undo(mark["run"]):
        if record.key == key:
            if record.state == "intended":  # its controller died between the act and the note: undoing it twice does no harm
                store.undo_state(mark["run"], record.id, mark["epoch"], "applied")
            if record.state != "undoing":
                store.undo_state(mark["run"], record.id, mark["epoch"], "undoing")
            return record.id
    return None
