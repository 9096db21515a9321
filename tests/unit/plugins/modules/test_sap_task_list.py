# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_task_list plans, by the state of the session; nothing is sent here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._operation import carry_out
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tasks import Session, Task
from ansible_collections.basis.landscape.plugins.modules.sap_task_list import State, TaskList, spec
from tests.unit.plugins.module_utils._rfc.system import System


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


def test_a_name_that_is_there_twice_says_not_which() -> None:
    twice = [Task("CL_M", number, "manual", "Do it") for number in ("001", "002")]
    for given in ({"skip": ["CL_M"], "confirm": ["CL_M"]}, {"confirm": ["CL_M"]}):
        with pytest.raises(BadInput) as caught:
            operation(**given).plan(State("QAS", Session("S1", "manual", 50, twice)))
        assert caught.value.reason == "name_not_unique"


class Believing(Silent):
    """A task manager that says yes to everything and does what it is told to."""

    def __init__(self, skips: bool = True, sets: bool = True) -> None:
        self.skips, self.sets = skips, sets
        self.ran = False
        self.state = "waiting"
        self.lost = ""
        self.fails = False
        self.begun = 0

    def begin(self, _scenario: str) -> str:
        self.begun += 1
        self.ran = False
        return "S1"

    def skip(self, _ident: str, _name: str) -> None:
        self.state = "skipped" if self.skips else "waiting"
        if self.lost == "skip":
            raise Unknown("skip", "not answered")

    def set(self, _ident: str, _rows: Any) -> None:
        return None

    def differing(self, _ident: str, rows: Any) -> list[str]:
        return [] if self.sets else [row["FIELDNAME"] for row in rows]

    def resume(self, _ident: str) -> str:
        if self.fails:
            raise Failed("run", "no")
        self.ran = True
        return "scheduled"

    def session(self, _ident: str) -> Session:
        return Session("S1", "finished" if self.ran else "waiting", 0, [Task("CL_B", "001", self.state, "")])

    @property
    def at_once(self) -> bool:
        return False


def carried_out(lists: Believing, system: System | None = None, **given: Any) -> dict[str, Any]:
    work = operation(scenario="Z", **given)
    work._lists = lists  # type: ignore[assignment]
    work._client = (system or System()).client()
    return carry_out(work)


def test_a_task_that_is_not_seen_to_be_skipped_is_not_run() -> None:
    lists = Believing(skips=False)
    with pytest.raises(Failed) as caught:
        carried_out(lists, skip=["CL_B"])
    assert caught.value.reason == "not_skipped" and caught.value.facts["session"] == "S1" and not lists.ran


def test_a_parameter_that_is_not_seen_to_be_set_is_not_run_with() -> None:
    lists = Believing(sets=False)
    with pytest.raises(Failed, match="F do not have") as caught:
        carried_out(lists, parameters=[{"task": "CL_B", "field": "F", "value": "1", "number": None}])
    assert caught.value.reason == "not_set" and not lists.ran


def test_a_misspelt_task_of_a_new_session_is_told_before_it_runs() -> None:
    lists = Believing()
    with pytest.raises(BadInput, match="no such task"):
        carried_out(lists, skip=["CL_X"])
    assert not lists.ran


@pytest.mark.parametrize("skips", [True, False])
def test_a_skip_without_an_answer_is_looked_after(skips: bool) -> None:
    lists = Believing(skips=skips)
    lists.lost = "skip"
    if skips:
        assert carried_out(lists, skip=["CL_B"])["changed"]
        return
    with pytest.raises(Unknown):
        carried_out(lists, skip=["CL_B"])
    assert not lists.ran


def test_a_session_is_kept_before_it_is_run_and_followed_by_its_record(tmp_path: Path) -> None:
    record = str(tmp_path / "r.json")
    lists = Believing()
    lists.fails = True
    with pytest.raises(Failed):
        carried_out(lists, record=record)
    assert lists.begun == 1 and (tmp_path / "r.json").exists()
    lists.fails = False
    again = carried_out(lists, record=record)
    assert lists.begun == 1 and again["session"] == "S1" and [s["name"] for s in again["steps"]] == ["run", "wait"]
    assert carried_out(lists, record=record)["changed"] is False
    assert carried_out(lists, record=record, run="again")["changed"] is True and lists.begun == 2


def test_a_task_of_a_session_that_is_not_there_yet_cannot_be_confirmed(tmp_path: Path) -> None:
    lists = Believing()
    with pytest.raises(BadInput, match="does not exist yet"):
        carried_out(lists, record=str(tmp_path / "r.json"), confirm=["CL_M"])
    assert lists.begun == 0


@pytest.mark.parametrize("status", ["S", "Y", "R", "F"])
def test_a_list_that_runs_already_is_not_joined_by_another_one(status: str) -> None:
    system = System()
    system.job("THEIRS", "1", status, "STC_TM_PROCESSOR")
    lists = Believing()
    if status == "F":
        assert carried_out(lists, system)["changed"] is True
        return
    with pytest.raises(Denied, match="THEIRS/1") as caught:
        carried_out(lists, system)
    assert caught.value.reason == "other_task_list" and lists.begun == 0
    assert carried_out(lists, system, others="ignore")["changed"] is True


def test_a_link_to_the_step() -> None:
    template = "https://qas/{sid}/{client}?s={session}&t={task}"
    for state, task in (("manual", "CL_M"), ("failed", "CL_B")):
        with pytest.raises(Failed) as caught:
            operation(link_template=template).plan(found(state))
        link = f"https://qas/QAS/100?s=S1&t={task}"
        assert caught.value.facts["link"] == link and link in caught.value.message
    with pytest.raises(Failed) as caught:
        operation().plan(found("manual"))
    assert "link" not in caught.value.facts


def test_a_name_in_a_link_is_quoted() -> None:
    task = Task("/ACME/CL&A", "001", "manual", "")
    with pytest.raises(Failed) as caught:
        operation(link_template="https://x/?t={task}").plan(State("QAS", Session("S1", "manual", 0, [task])))
    assert caught.value.facts["link"] == "https://x/?t=%2FACME%2FCL%26A"


@pytest.mark.parametrize(
    "given",
    [{"link_template": "https://x/{host}"}, {"session": " "}, {"scenario": ""}, {"scenario": "Z", "confirm": ["CL_M"]}],
)
def test_refusals(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        operation(**given)
