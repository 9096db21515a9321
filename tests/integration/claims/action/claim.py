# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays one claim against the simulator: sets the scene, runs the module as Ansible does, writes down what happened."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

from ansible._internal._display_utils import DeferredWarningContext  # warnings belong to a step here, not to the task
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

EARLIER = re.compile(r"<(\d+)((?:\.[\w ]+)+)>")


def filled(value: Any, told: list[dict[str, Any]]) -> Any:
    """An option with what earlier steps' results have in the place of ``<step.path>``."""
    if isinstance(value, dict):
        return {key: filled(item, told) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, told) for item in value]
    if not isinstance(value, str):
        return value
    whole = EARLIER.fullmatch(value)
    return _found(whole, told) if whole else EARLIER.sub(lambda match: str(_found(match, told)), value)


def _found(match: re.Match[str], told: list[dict[str, Any]]) -> Any:
    found: Any = told[int(match[1])]["result"]
    for key in match[2][1:].split("."):
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found


class ActionModule(ActionBase):
    """Runs the steps of ``claim`` (a list) and writes them with their results to the file ``into``."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One result for each step: the module's, with the journal's entries of the claim's system."""
        super().run(tmp, task_vars)
        arguments = self._task.args
        told: list[dict[str, Any]] = []
        ours: list[int] = []
        mine = (("system", [arguments["system"]]), ("host", arguments["hosts"]))
        for step in arguments["steps"]:
            if step["faults"]:
                ours += [fault["id"] for fault in self._control("POST", "/faults", step["faults"])]
            if step["given"]:
                self._control("POST", "/state", step["given"])
            for path, body in (step.get("post") or {}).items():
                self._control("POST", f"/abap/{arguments['system']}/{path}", body)
            if step["clock"]:
                self._control("POST", "/clock", {"advance": step["clock"]})
            last = [row["n"] for row in self._control("GET", "/journal")]
            self._task.check_mode = step["check"]
            self._task.diff = True
            with DeferredWarningContext(variables=task_vars or {}) as said:
                result = self._outcome(step, told, task_vars)
            # ansible-core 2.21 takes a module's warnings out of its result.
            result["warnings"] = [*map(str, result.get("warnings") or ()), *(w.event.msg for w in said.get_warnings())]
            journal = self._control("GET", f"/journal?after={last[-1] if last else 0}")
            if step["clear"]:  # its own alone: other claims are played at the same time
                for fault in ours:
                    self._control("DELETE", f"/faults/{fault}")
                ours.clear()
            journal = [row for row in journal if any(row.get(key) in names for key, names in mine)]
            told.append({"result": result, "journal": journal})
        Path(arguments["into"]).write_text(json.dumps(told, default=str), encoding="utf-8")
        return {"changed": False}

    def _outcome(self, step: dict[str, Any], told: list[dict[str, Any]], task_vars: dict[str, Any] | None) -> Any:
        try:
            return self._execute_module(
                module_name=f"basis.landscape.{step['module']}",
                module_args=filled(step["options"], told),
                task_vars=task_vars,
            )
        except AnsibleConnectionFailure as error:  # a step's outcome here, where it would end the claim
            return {"failed": True, "unreachable": True, "msg": str(error)}

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._task.args["control"] + path, method=method, data=data)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.load(answer)
