# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of task lists as the task manager tells them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Conversation, Lost
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import Link
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tasks import (
    Kept,
    Run,
    TaskLists,
    log_messages,
    remarks,
    wait_while_going,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, NeverCame
from tests.unit.plugins.module_utils._rfc.system import ADDRESS
from tests.unit.plugins.module_utils.steppedclock import SteppedClock


class Manager(Conversation):
    """Tells one state after the other."""

    def __init__(self, *states: str, task: str = "10") -> None:
        self.states = list(states)
        self.task = task
        self.lost = False
        self.log = ""
        self.said: list[dict[str, str]] = []
        self.called: list[tuple[str, Mapping[str, Any]]] = []

    def call(self, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.called.append((function, parameters))
        if self.lost and not function.endswith("GET_STATUS"):
            raise Lost("cut")
        if function.endswith("GET_LOG"):
            return {"E_LOG": self.log, "ET_RETURN": []}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        row = {"TASKNAME": "CL_A", "LNR": "001", "STATUS": self.task, "STATUS_DESCR": "told"}
        return {"E_STATUS": state, "E_PROGRESS": 50, "ET_TASKLIST": [row], "ET_RETURN": self.said, "E_SESSION_ID": ""}


def lists(manager: Manager, settings: dict[str, str] | None = None) -> TaskLists:
    return TaskLists(Client(Link(ADDRESS, lambda _address: manager)), settings)


def test_a_session() -> None:
    found = lists(Manager("06", task="06")).session("S1")
    assert (found.state, found.progress) == ("manual", 50)
    assert found.of("manual")[0].told() == {"name": "CL_A", "number": "001", "state": "manual", "text": "told"}


@pytest.mark.parametrize(("session", "task"), [("99", "10"), ("", "10"), ("F", "10"), ("03", "XX"), ("03", "")])
def test_a_state_that_nobody_knows_is_a_failure(session: str, task: str) -> None:
    with pytest.raises(Failed) as caught:
        lists(Manager(session, task=task)).session("S1")
    assert caught.value.reason == "status_unknown"


def test_a_session_without_an_id_is_no_session() -> None:
    with pytest.raises(Failed, match="tells no session"):
        lists(Manager("01")).begin("Z")


def test_settings_go_along_only_when_there_are_some() -> None:
    for settings in ({}, {"BATCH": "X"}):
        manager = Manager("03")
        lists(manager, settings).resume("S1")
        assert manager.called[-1][1].get("IS_EXEC_SETTINGS", {}) == settings


def test_waiting_ends_when_nothing_runs_any_more() -> None:
    clock = SteppedClock()
    assert wait_while_going("x", lists(Manager("08", "03", "12")), "S1", Limits(60, 5), clock).state == "failed"
    with pytest.raises(NeverCame, match="50 %"):
        wait_while_going("x", lists(Manager("03")), "S1", Limits(60, 5), clock)


MANUAL, FAILED, RUNNING, SCHEDULED, WAITING, DONE = "06", "12", "03", "08", "01", "10"


@pytest.mark.parametrize(
    ("states", "settings", "end"),
    [
        # What is read before, what the call answers, what is seen after it.
        ([MANUAL, SCHEDULED, MANUAL], {"BATCH": "X"}, "manual"),
        ([MANUAL, MANUAL, MANUAL, MANUAL, RUNNING], {"BATCH": "X"}, "running"),
        ([FAILED, FAILED, FAILED, SCHEDULED], {"BATCH": "X"}, "scheduled"),
        ([WAITING, WAITING, WAITING, SCHEDULED], {"BATCH": "X"}, "scheduled"),
        ([WAITING, SCHEDULED, WAITING, RUNNING], {"BATCH": "X"}, "running"),
        ([WAITING, DONE, DONE], {}, "finished"),
        ([MANUAL, MANUAL, MANUAL], {}, "manual"),
        ([MANUAL, MANUAL, MANUAL], {"BATCH": "X"}, "manual"),
    ],
)
def test_a_session_that_was_told_to_run_is_waited_for_until_it_changes(
    states: list[str], settings: dict[str, str], end: str
) -> None:
    clock, run, manager = SteppedClock(), Run(), Manager(*states)
    run.start(lists(manager, settings), "S1")
    found = run.left(lists(manager, settings), "S1", Limits(600, 5), clock)
    assert found.state == end
    waits_for_nothing = states == [MANUAL, MANUAL, MANUAL] and settings != {}
    assert (clock.now() >= 30) is waits_for_nothing


@pytest.mark.parametrize("state", [WAITING, MANUAL])
def test_a_session_that_is_not_seen_to_run_without_an_answer_is_not_taken_for_one_that_did(state: str) -> None:
    run, manager = Run(), Manager(state)
    if state == WAITING:
        run.start(lists(manager), "S1")
    else:
        manager.lost = True
        with pytest.raises(Unknown):
            run.start(lists(manager), "S1")
    with pytest.raises(NeverCame) as caught:
        run.left(lists(manager), "S1", Limits(600, 5), SteppedClock())
    assert caught.value.facts["session"] == "S1"


def kept(path: Path, **about: str) -> Kept:
    record = Record(str(path), "task_list", "QAS", "100")
    return Kept(record, {"scenario": about.get("scenario", "Z")}, [{"VALUE": about.get("value", "1")}])


def test_the_session_of_a_record(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    assert kept(path).session("x", lists(Manager(RUNNING)), again=False) is None
    kept(path).write("S1")
    for again in (False, True):
        found = kept(path).session("x", lists(Manager(RUNNING)), again)
        assert found is not None and (found.id, found.state) == ("S1", "running")


@pytest.mark.parametrize(
    ("about", "state", "again", "refused"),
    [
        ({"scenario": "OTHER"}, RUNNING, False, True),
        ({"scenario": "OTHER"}, RUNNING, True, True),
        ({"scenario": "OTHER"}, DONE, False, True),
        ({"scenario": "OTHER"}, DONE, True, False),
        ({"value": "2"}, RUNNING, False, True),
        ({"value": "2"}, DONE, False, True),
        ({"value": "2"}, DONE, True, False),
        ({"value": "2"}, FAILED, False, False),
    ],
)
def test_a_record_about_something_else(
    tmp_path: Path, about: dict[str, str], state: str, again: bool, refused: bool
) -> None:
    kept(tmp_path / "r.json").write("S1")
    other = kept(tmp_path / "r.json", **about)
    if refused:
        with pytest.raises(Denied) as caught:
            other.session("x", lists(Manager(state)), again)
        assert caught.value.reason == "wrong_record"
    else:
        found = other.session("x", lists(Manager(state)), again)
        assert (found is None) is again


def test_a_record_without_a_session(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    Record(str(path), "task_list", "QAS", "100").write({"scenario": "Z"})
    with pytest.raises(BadInput, match="names no session"):
        kept(path).session("x", lists(Manager(RUNNING)), again=False)


def test_a_session_of_a_record_that_the_system_does_not_know(tmp_path: Path) -> None:
    manager = Manager(RUNNING)
    manager.said = [{"TYPE": "E", "ID": "STC_TM", "NUMBER": "001", "MESSAGE": "Session S1 does not exist"}]
    kept(tmp_path / "r.json").write("S1")
    with pytest.raises(Failed, match="does not exist") as caught:
        kept(tmp_path / "r.json").session("x", lists(manager), again=False)
    assert "remove the record" in (caught.value.cure or "") and caught.value.facts["session"] == "S1"


@pytest.mark.parametrize(
    ("state", "log", "words"),
    [
        ("10", "W", ""),
        ("07", "W", "need not be executed"),
        ("11", "W", "CL_A: Two PSEs expire"),
        ("11", "S", "its log says nothing about CL_A"),
        ("11", "", "cannot be read"),
    ],
)
def test_a_good_end_that_is_not_without_a_word(state: str, log: str, words: str) -> None:
    manager = Manager(state, task="11")
    manager.log = (
        f"<asx><TASKLIST><item><TASK><TASKNAME>CL_A</TASKNAME></TASK><LOG><L><TYPE>{log}</TYPE>"
        "<MESSAGE>Two PSEs expire</MESSAGE></L></LOG></item></TASKLIST></asx>"
    )
    session = lists(manager).session("S1")
    manager.lost = not log
    said = remarks(lists(manager), session)
    assert (words in said[0]) if words else (said == [])


def test_the_messages_of_a_log() -> None:
    log = b"""<asx:abap xmlns:asx="http://www.sap.com/abapxml" version="1.0"><asx:values><TASKLIST><item>
      <TASK><TYPE>T</TYPE><TASKNAME>CL_A</TASKNAME><LNR>1</LNR></TASK>
      <LOG><STCTM_S_LOG><TYPE>E</TYPE><MESSAGE>it  failed</MESSAGE></STCTM_S_LOG></LOG>
      </item></TASKLIST></asx:values></asx:abap>"""
    assert log_messages(log) == [{"task": "CL_A", "type": "E", "text": "it failed"}]
    assert log_messages(b"") == log_messages(b"<html/>") == log_messages(b"\x00") == []
