# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_task_list plans, by the state of the session; nothing is sent here."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tasks import Session, Task
from ansible_collections.basis.landscape.plugins.modules.sap_task_list import State, TaskList, spec


class Silent:
    """A task manager that has no log."""

    def messages(self, _ident: str) -> list[dict[str, str]]:
        return []


def operation(**given: Any) -> TaskList:
    usual = {name: option.get("default") for name, option in spec().options.items()}
    usual.update(rfc_host="app", rfc_instance="00", rfc_client="100", rfc_user="AUTO", rfc_password="p")
    if "scenario" not in given:
        usual["session"] = "S1"
    found = TaskList({**usual, **given})
    found._lists = Silent()  # type: ignore[assignment]
    return found


def found(state: str) -> State:
    tasks = [
        Task("CL_A", "001", "done", ""),
        Task("CL_M", "001", "manual" if state == "manual" else "waiting", "Install it"),
        Task("CL_B", "001", "failed" if state == "failed" else "waiting", "Second"),
    ]
    return State("QAS", Session("S1", state, 50, tasks))


@pytest.mark.parametrize(
    ("state", "given", "steps"),
    [
        ("finished", {}, []),
        ("finished_with_warnings", {"skip": ["CL_B"]}, []),
        ("not_needed", {}, []),
        ("running", {}, ["wait"]),
        ("scheduled", {"confirm": ["CL_M"]}, ["wait"]),
        ("waiting", {"skip": ["CL_M"]}, ["skip", "run", "wait"]),
        ("manual", {"confirm": ["CL_M"]}, ["confirm", "run", "wait"]),
        ("failed", {"retry": True}, ["run", "wait"]),
        ("aborted", {"retry": True, "skip": ["CL_B"]}, ["skip", "run", "wait"]),
    ],
)
def test_plan(state: str, given: dict[str, Any], steps: list[str]) -> None:
    assert [action.name for action in operation(**given).plan(found(state))] == steps


def test_a_new_session() -> None:
    parameters = [{"task": "CL_A", "field": "F", "value": "1", "number": "2"}]
    work = operation(scenario="Z", parameters=parameters, skip=["CL_B"])
    assert [a.name for a in work.plan(State("QAS", None))] == ["begin", "set", "skip", "run", "wait"]
    assert work._row(parameters[0])["LNR"] == "002"


@pytest.mark.parametrize(
    ("state", "given", "reason", "words"),
    [
        ("manual", {}, "manual_task", "CL_M: Install it"),
        ("manual", {"confirm": ["CL_A"]}, "manual_task", "session: S1"),
        ("manual", {"retry": True}, "manual_task", "STC02"),
        ("failed", {}, "task_failed", "CL_B: Second"),
        ("stopped", {}, "task_failed", "retry: true"),
    ],
)
def test_what_is_a_failure(state: str, given: dict[str, Any], reason: str, words: str) -> None:
    with pytest.raises(Failed) as caught:
        operation(**given).plan(found(state))
    assert caught.value.reason == reason and words in caught.value.message


def test_a_task_that_is_not_there_cannot_be_skipped() -> None:
    with pytest.raises(BadInput, match="no such task"):
        operation(skip=["CL_X"]).plan(found("waiting"))


@pytest.mark.parametrize("given", [{"session": " "}, {"scenario": ""}, {"scenario": "Z", "confirm": ["CL_M"]}])
def test_refusals(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        operation(**given)
