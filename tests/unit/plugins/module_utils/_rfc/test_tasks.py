# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of task lists as the task manager tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Conversation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import Link
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tasks import (
    TaskLists,
    log_messages,
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
        self.called: list[tuple[str, Mapping[str, Any]]] = []

    def call(self, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.called.append((function, parameters))
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        row = {"TASKNAME": "CL_A", "LNR": "001", "STATUS": self.task, "STATUS_DESCR": "told"}
        return {"E_STATUS": state, "E_PROGRESS": 50, "ET_TASKLIST": [row], "ET_RETURN": [], "E_SESSION_ID": ""}


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


def test_the_messages_of_a_log() -> None:
    log = b"""<asx:abap xmlns:asx="http://www.sap.com/abapxml" version="1.0"><asx:values><TASKLIST><item>
      <TASK><TYPE>T</TYPE><TASKNAME>CL_A</TASKNAME><LNR>1</LNR></TASK>
      <LOG><STCTM_S_LOG><TYPE>E</TYPE><MESSAGE>it  failed</MESSAGE></STCTM_S_LOG></LOG>
      </item></TASKLIST></asx:values></asx:abap>"""
    assert log_messages(log) == [{"task": "CL_A", "type": "E", "text": "it failed"}]
    assert log_messages(b"") == log_messages(b"<html/>") == log_messages(b"\x00") == []
