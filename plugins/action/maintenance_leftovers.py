# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits until every host of the run is through, then lists what was changed and not undone."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.errors import AnsibleError

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller, _host_variables, _remains
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction


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
        from ansible_collections.basis.landscape.plugins.plugin_utils._runs import rules

        mark = _controller.current_run()
        _runs.wait_for_everybody(mark)
        store = self.open_run(mark)
        try:
            steps = store.steps(mark["run"])
            stopping = store.run(mark["run"])["procedure"] == "stop"
            unfinished = {row["ci"] for row in steps if row["state"] not in ("done", "skipped")}
            sids = {row["system"]: row["label"].partition("/")[0] for row in steps if row["system"]}
            guarded = rules.Guarded(steps)
            undo = []
            for record in store.open_undo(mark["run"]):
                if stopping and record.ci not in unfinished and record.state == "applied":
                    continue
                system = record.key.partition(":")[2]
                if record.kind == "suspend_jobs" and not guarded.is_as_before(record.key):
                    continue
                undo.append(
                    {
                        "id": record.id,
                        "ci": record.ci,
                        "kind": record.kind,
                        "state": record.state,
                        "kept": record.before.get("kept"),
                        "mark": record.undo.get("mark"),
                        "system": system,
                        "sid": sids.get(system),
                        "again": guarded.to_make_anew(record.key),
                        "fence_here": _controller.fence_here(mark, record.ci),
                    }
                )
        finally:
            store.close()
        if any(row["kind"] == "silence" for row in undo):
            self._wait_for_remains(mark)
        # Passwords are in what was said. A record that is looped over is told to every callback, so none are there.
        said = {row["ci"]: self._said(row["ci"]) for row in undo if row["kind"] == "suspend_jobs"}
        return {"changed": False, "undo": undo, "said": said, "_ansible_no_log": True}

    def _wait_for_remains(self, mark: _controller.RunMark) -> None:
        """Wait until nothing of an earlier controller can silence any more: the tasks of the site have no lock."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        told = False
        while living := _remains.of_earlier(mark["run"], mark["epoch"]):
            if not told:
                self._display.display(f"Tidying up waits: {_remains.words(living)}")
            told = True
            _runs.pause()

    def _said(self, ci: str) -> dict[str, t.Any]:
        """Return what a host's variables say to the role sap_jobs; one that has no value fails where it is needed."""
        variables = _host_variables.of_hosts(self._task, [ci])[ci]
        said = {}
        for name in variables:
            if name.startswith("sap_jobs_") or name in ("ansible_host", "landscape_host"):
                with contextlib.suppress(AnsibleError):
                    said[name] = variables[name]
        return said
