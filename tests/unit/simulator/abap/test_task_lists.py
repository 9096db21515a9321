# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lists of the simulated ABAP."""

from __future__ import annotations

from typing import Any

from tests.unit.simulator.abap.stage import QUIET, Stage

MANUAL = {
    "ZREFRESH": {
        "description": "After a refresh",
        "tasks": [
            {"name": "CL_A", "description": "First"},
            {"name": "CL_B", "description": "Second", "manual": "Install the licence in SLICENSE"},
            {"name": "CL_C", "description": "Third", "fails": 1},
        ],
        "parameters": {"CL_A/TARGET": ""},
    }
}
BACKGROUND = {"BATCH": "X"}


def begun(stage: Stage, scenario: str = "ZREFRESH", **more: Any) -> str:
    """Begin a session in the background."""
    answer = stage.call(
        stage.logon(), "STC_TM_SESSION_BEGIN", I_SCENARIO_ID=scenario, **{"IS_EXEC_SETTINGS": BACKGROUND, **more}
    )
    assert answer["ET_RETURN"] == []
    return str(answer["E_SESSION_ID"])


def status(stage: Stage, ident: str) -> tuple[str, str, list[str]]:
    """Of a session: its status, its current task, the status of each task."""
    answer = stage.call(stage.logon(), "STC_TM_SESSION_GET_STATUS", I_SESSION_ID=ident)
    tasks = [row["STATUS"] for row in answer["ET_TASKLIST"]]
    return answer["E_STATUS"], answer["ES_CURRENT_TASK"].get("TASKNAME", ""), tasks


def resume(stage: Stage, ident: str) -> None:
    """Go on in the background."""
    stage.call(stage.logon(), "STC_TM_SESSION_RESUME", I_SESSION_ID=ident, IS_EXEC_SETTINGS=BACKGROUND)


def test_a_manual_task_stops_it_until_it_is_confirmed() -> None:
    stage = Stage(task_lists=MANUAL, **QUIET)
    ident = begun(stage)
    assert status(stage, ident)[0] == "01", "the background job changes it a moment later"
    again = stage.call(stage.logon(), "STC_TM_SESSION_RESUME", I_SESSION_ID=ident, IS_EXEC_SETTINGS=BACKGROUND)
    assert again["ET_RETURN"][0]["MESSAGE"].endswith("is running")
    stage.clock.advance(5)
    assert status(stage, ident)[0] == "08"
    stage.clock.advance(5)
    assert status(stage, ident) == ("03", "CL_A", ["03", "01", "01"])
    assert stage.states() == {"ZREFRESH": "R"}
    stage.clock.advance(10)
    assert status(stage, ident) == ("06", "CL_B", ["10", "06", "01"])
    assert stage.states() == {"ZREFRESH": "F"}
    resume(stage, ident)
    stage.clock.advance(10)
    assert status(stage, ident) == ("06", "CL_B", ["10", "06", "01"]), "a resume confirms nothing"
    stage.call(stage.logon(), "STC_TM_TASK_CONFIRM", I_SESSION_ID=ident, I_TASKNAME="CL_B")
    resume(stage, ident)
    stage.clock.advance(20)
    assert status(stage, ident) == ("12", "CL_C", ["10", "10", "12"])
    resume(stage, ident)
    stage.clock.advance(20)
    assert status(stage, ident) == ("10", "", ["10", "10", "10"])
    log = stage.call(stage.logon(), "STC_TM_SESSION_GET_LOG", I_SESSION_ID=ident)
    assert log["E_CONTENT_TYPE"] == "application/xml"
    for text in ("Install the licence in SLICENSE", "Confirmed by BASIS_AUTO", "<STATUS>10</STATUS>", "Third failed"):
        assert text in log["E_LOG"]


def test_skipped_tasks() -> None:
    stage = Stage(task_lists=MANUAL, **QUIET)
    ident = begun(stage, I_INIT_ONLY="X")
    assert status(stage, ident) == ("01", "CL_A", ["01", "01", "01"])
    for name in ("CL_B", "CL_C"):
        answer = stage.call(stage.logon(), "STC_TM_TASK_SKIP", I_SESSION_ID=ident, I_TASKNAME=name)
        assert answer == {"E_SKIPPED": "X", "ET_RETURN": []}
    stage.call(stage.logon(), "STC_TM_TASK_UNSKIP", I_SESSION_ID=ident, I_TASKNAME="CL_C")
    answer = stage.call(stage.logon(), "STC_TM_SESSION_RESUME", I_SESSION_ID=ident)
    assert answer["E_STATUS"] == "12", "without BATCH it runs inside the call"
    assert status(stage, ident)[2] == ["10", "02", "12"]


def test_a_session_dies_with_its_instance() -> None:
    stage = Stage(task_lists=MANUAL, **QUIET)
    ident = begun(stage)
    stage.clock.advance(10)
    for host in ("qasapp1", "qasapp2"):
        stage.landscape.set_host(stage.landscape.hosts[host], False)
    found = stage.system.task_lists.sessions[ident]
    assert (found.status, [task.status for task in found.tasks]) == ("13", ["13", "01", "01"])
    assert stage.states() == {"ZREFRESH": "A"}


def test_parameters_and_lists() -> None:
    stage = Stage(task_lists=MANUAL, **QUIET)
    session = stage.logon()
    given = stage.call(session, "STC_TM_SCENARIO_GET_PARAMETERS", I_SCENARIO_ID="ZREFRESH")["ET_PARAMETER"]
    assert [(row["TASKNAME"], row["FIELDNAME"]) for row in given] == [("CL_A", "TARGET")]
    ident = begun(stage, I_INIT_ONLY="X")
    rows = [{"TASKNAME": "CL_A", "FIELDNAME": "TARGET", "VALUE": "QAS"}]
    stage.call(session, "STC_TM_SESSION_SET_PARAMETERS", I_SESSION_ID=ident, IT_PARAMETER=rows)
    got = stage.call(session, "STC_TM_SESSION_GET_PARAMETERS", I_SESSION_ID=ident)["ET_PARAMETER"]
    assert [row["VALUE"] for row in got] == ["QAS"]
    wanted = [{"SIGN": "I", "OPTION": "CP", "LOW": "SAP_BASIS_COPY*"}]
    names = stage.call(session, "STC_TM_GET_SCENARIO_LIST", IT_SCENARIO_ID=wanted)["ET_SCENARIO"]
    assert [row["SCENARIO_ID"] for row in names] == ["SAP_BASIS_COPY_REFRESH_CLEANUP", "SAP_BASIS_COPY_REFRESH_CONFIG"]
    assert [row["SESSION_ID"] for row in stage.call(session, "STC_TM_GET_SESSION_LIST")["ET_SESSION"]] == [ident]


def test_refusals() -> None:
    stage = Stage(task_lists=MANUAL, **QUIET)
    session = stage.logon()
    wrong = [{"TASKNAME": "CL_X", "FIELDNAME": "A", "VALUE": "B"}]
    for function, given in (
        ("STC_TM_SESSION_BEGIN", {"I_SCENARIO_ID": "ZNONE"}),
        ("STC_TM_SESSION_BEGIN", {"I_SCENARIO_ID": "ZREFRESH", "IT_PARAMETER": wrong}),
        ("STC_TM_SCENARIO_GET_PARAMETERS", {"I_SCENARIO_ID": "ZNONE"}),
        ("STC_TM_SESSION_GET_STATUS", {"I_SESSION_ID": "0"}),
        ("STC_TM_SESSION_RESUME", {"I_SESSION_ID": "0"}),
    ):
        assert stage.call(session, function, **given)["ET_RETURN"][0]["TYPE"] == "E", function
    assert stage.system.task_lists.sessions == {}


def copied(stage: Stage, **values: str) -> tuple[str, str]:
    """Copy a client by the task list: its status, the last line of its log."""
    rows = [{"TASKNAME": "CL_STCT_CC_COPY", "FIELDNAME": name, "VALUE": value} for name, value in values.items()]
    ident = begun(stage, "SAP_BASIS_CLIENT_COPY", IT_PARAMETER=rows)
    stage.clock.advance(3600)
    found = stage.system.task_lists.sessions[ident]
    return found.status, next(task.log[-1][1] for task in reversed(found.tasks) if task.log)


def test_client_copies() -> None:
    stage = Stage(clients={"000": {}, "100": {}, "200": {}, "300": {"CCCATEGORY": "P"}}, **QUIET)
    stage.system.users.remove("100", "SMITH")
    assert copied(stage, SOURCE="100", TARGET="200", PROFILE="SAP_ALL")[0] == "10"
    names = [user.name for user in stage.system.users.of("200")]
    assert names == [user.name for user in stage.system.users.of("100")] and "SMITH" not in names
    assert stage.system.logical.counts["200"] == stage.system.logical.counts["100"]
    for values, text in (
        ({"SOURCE": "100", "TARGET": "100", "PROFILE": "SAP_ALL"}, "are the same"),
        ({"SOURCE": "100", "TARGET": "400", "PROFILE": "SAP_ALL"}, "does not exist in table T000"),
        ({"SOURCE": "100", "TARGET": "200", "PROFILE": "SAP_NONE"}, "Copy profile SAP_NONE"),
        ({"SOURCE": "100", "TARGET": "300", "PROFILE": "SAP_ALL"}, "protected against overwriting"),
        ({"SOURCE": "100", "TARGET": "000", "PROFILE": "SAP_ALL"}, "must not be overwritten"),
    ):
        status_, said = copied(stage, **values)
        assert status_ == "12" and text in said
