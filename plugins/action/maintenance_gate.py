# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits at the gate of one step of one host, then claims the step."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller, _remains
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs import rules
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store


class ActionModule(ControllerAction):
    """Answer go, done, or fail with whom this host is blocked by."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "step": {"type": "str", "required": True},
        "label": {"type": "str"},
        "system": {"type": "str"},
        "timeout": {"type": "float"},
        "change": {"type": "str", "choices": list(_controller.UNDONE_BY)},
        "undoes": {"type": "str", "choices": list(_controller.UNDONE_BY)},
        "steps": {"type": "bool", "default": False},
        "instances": {"type": "list", "elements": "dict", "default": []},
        "alone": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Wait in the run database; nothing is held while waiting."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        if self._task.loop:
            raise _controller.NotPossible(
                "A gate does not go with 'loop'. Loop over include_tasks with the gate inside."
            )
        mark = _controller.current_run()
        self.require_gated_play(task_vars)
        ci, step = task_vars["inventory_hostname"], arguments["step"]
        store = self.open_run(mark)
        undo: rules.UndoRecord | None = None
        steps: list[dict[str, t.Any]] = []
        instances: list[dict[str, t.Any]] = []
        try:
            label = arguments["label"] or _label(store, mark, ci, step)
            verdict, looked = self._pass(store, mark, ci, step, label, arguments["timeout"], arguments["alone"])
            if verdict.kind == "go":
                kind = arguments["change"] or arguments["undoes"]
                if kind:
                    undone_by, what = _controller.UNDONE_BY[kind], arguments["system"] or ci
                    change = _runs.Change(store, mark["run"], mark["epoch"], ci, kind, undone_by, what)
                    undo = change.intend() if arguments["change"] else change.undoing()
            if arguments["steps"]:
                rows = store.steps(mark["run"], ci=ci)
                steps = [row for row in rows if row["state"] not in ("done", "skipped") and row["step"] != step]
                instances = _instances(store.instances(mark["run"], ci), arguments["instances"], ci)
                steps = [_with_instances(row, instances) for row in steps]
        finally:
            store.close()
        said = {
            "changed": False,
            "ci": ci,
            "step": step,
            "label": label,
            "attempt": verdict.attempt,
            "run": mark["run"],
            "epoch": mark["epoch"],
            "basis_landscape_gate": {
                "step": step,
                "label": label,
                "verdict": verdict.kind,
                "why": verdict.why,
                "by": verdict.by,
            },
        }
        if verdict.kind in ("blocked", "deferred"):
            return {**said, "failed": True, "msg": f"{label}: {verdict.kind}: {verdict.why}"}
        return {
            **said,
            "go": verdict.kind == "go",
            "look": looked,
            "undo": undo.id if undo else None,
            "kept": undo.before.get("kept") if undo else None,
            "mark": undo.undo.get("mark") if undo else None,
            # Another run database may have a run of this name: its instant tells the two apart on the host.
            "fence": {"epoch": mark["fence"], "ci": ci, "work": f"{mark['run']} of {mark['created']:f}/{step}"},
            "fence_here": _controller.fence_here(mark, ci),
            "results": verdict.results,
            "steps": steps,
            "instances": instances,
        }

    def _pass(
        self,
        store: Store,
        mark: _controller.RunMark,
        ci: str,
        step: str,
        label: str,
        timeout: float | None,
        alone: bool,
    ) -> tuple[rules.Verdict, bool]:
        """Wait until the gate answers; return its answer, with whether an earlier attempt has an unknown outcome.

        The look at an unknown step is the work itself: what this collection does looks before it acts, inside the
        fence on the target that an outdated controller cannot pass. ``alone``: there is no such fence, so nothing of
        an outdated controller may live.
        """
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        def on_trouble(error: Exception) -> None:
            # A warning would be told with the result, when the wait is over.
            self._display.display(f"{label} waits for the run database: {error}")

        ends = None if timeout is None else time.monotonic() + timeout
        looked = told = False
        while True:
            verdict = _runs.wait_at_gate(
                store,
                mark["run"],
                ci,
                step,
                mark["epoch"],
                socket_path=mark["socket"],
                timeout=timeout,
                on_trouble=on_trouble,
            )
            if verdict.kind != "look":
                return verdict, looked
            living = _remains.of_earlier(mark["run"], mark["epoch"]) if alone else []
            if living:
                if ends is not None and time.monotonic() > ends:
                    raise _controller.NotPossible(f"{_remains.words(living)} Let it end, then continue the run.")
                if not told:
                    self._display.display(f"{label} waits: {_remains.words(living)}")
                told = True
                _runs.pause()
                continue
            store.resolve(mark["run"], ci, step, mark["epoch"], False)
            looked = True


def _instances(planned: dict[str, dict[str, t.Any]], known: list[dict[str, t.Any]], ci: str) -> list[dict[str, t.Any]]:
    """Return the instances on a host: those of the plan as it has them, then those that the inventory has beside them.

    What the plan has is worked on even when the inventory has it no more, or never gave it an ``id``: a loop over
    nothing would look like a step that was done.
    """
    from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

    beside = {_plan.identity_of({"host": ci, **record}): record for record in known}
    return [
        *({"id": name, **record} for name, record in planned.items()),
        *({**record, "id": name} for name, record in beside.items() if name not in planned),
    ]


def _with_instances(row: dict[str, t.Any], instances: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return what a host has to know of a step. Raises NotPossible when the plan does not say of which instance."""
    mine = [record for record in instances if record["id"] == row["instance"]] if row["instance"] else instances
    if row["instance"] and len(mine) != 1:
        raise _controller.NotPossible(f"The plan has {row['label']}, but does not know the instance {row['instance']}.")
    return {**{key: row[key] for key in ("step", "kind", "label", "instance", "system")}, "instances": mine}


def _label(store: Store, mark: _controller.RunMark, ci: str, step: str) -> str:
    """Return the name that the plan gave the step."""
    labels = (row["label"] for row in store.steps(mark["run"], ci=ci) if row["step"] == step)
    return str(next(labels, f"{ci}/{step}"))
