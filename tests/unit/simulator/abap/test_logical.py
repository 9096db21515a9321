# SPDX-License-Identifier: GPL-3.0-or-later
"""BDLS on the simulated ABAP: test run, conversion, refusals."""

from __future__ import annotations

import pytest

from tests.unit.simulator.abap.stage import PRINTED, Stage

COUNTS = {"BKPF-AWSYS": 1000, "COEP-LOGSYSO": 300, "COEP-LOGSYSP": 20}
COPIED = {"000": {}, "100": {"LOGSYS": "PRDCLNT100"}}
OLD, NEW = "PRDCLNT100", "QASCLNT100"


def system(**client: str) -> Stage:
    """QAS after a copy of PRD."""
    clients = {**COPIED, "100": {**COPIED["100"], **client}}
    return Stage(jobs=[], clients=clients, logical_systems=COUNTS)


def run(stage: Stage, old: str, new: str, test: str = "", *tables: str) -> tuple[str, list[str]]:
    """Run RBDLSMAP: how its job ended, its list."""
    session = stage.logon(xmi=True)
    values = [
        {"SELNAME": name, "KIND": "P", "LOW": value}
        for name, value in (("OLD_LS", old), ("NEW_LS", new), ("TESTRUN", test))
    ]
    values += [{"SELNAME": "TABLES", "KIND": "S", "SIGN": "I", "OPTION": "EQ", "LOW": name} for name in tables]
    job = stage.submit(session, "BDLS", "RBDLSMAP", SELINFO=values, ALLPRIPAR=PRINTED)
    stage.clock.advance(200)
    lines = stage.system.jobs.spool.get(job.steps[0].list_id)
    return job.status, lines[1] if lines else [line.text for line in job.log]


def test_test_run_then_conversion() -> None:
    stage = system()
    before = stage.system.snapshot()["logical_systems"]
    status, lines = run(stage, OLD, NEW, "X")
    assert status == "F"
    assert lines == [
        "Conversion of logical system names, client 100: PRDCLNT100 -> QASCLNT100 (test run)",
        "Table BKPF field AWSYS: 1000 entries to be converted",
        "Table COEP field LOGSYSO: 300 entries to be converted",
        "Table COEP field LOGSYSP: 20 entries to be converted",
        "2 tables processed, 1320 entries to be converted",
    ]
    assert stage.system.snapshot()["logical_systems"] == before
    status, lines = run(stage, OLD, NEW)
    assert (status, lines[-1]) == ("F", "2 tables processed, 1320 entries converted")
    session = stage.logon()
    assert stage.rows(session, "T000", "LOGSYS", where=("MANDT = '100'",)) == [[NEW]]
    assert [NEW] in stage.rows(session, "TBDLS", "LOGSYS")
    assert stage.rows(session, "BKPF", "AWSYS", where=(f"AWSYS = '{OLD}'",)) == []
    assert len(stage.rows(session, "BKPF", "AWSYS", where=(f"AWSYS = '{NEW}'",))) == 1000
    assert stage.rows(session, "COEP", "LOGSYSO", "LOGSYSP", ROWSKIPS=19, ROWCOUNT=2) == [[NEW, NEW], [NEW, ""]]


def test_only_the_tables_that_are_asked_for() -> None:
    stage = system()
    assert run(stage, OLD, NEW, "X", "BKPF")[1][1:] == [
        "Table BKPF field AWSYS: 1000 entries to be converted",
        "1 tables processed, 1000 entries to be converted",
    ]
    assert run(stage, OLD, NEW, "", "BKPF")[0] == "F"
    assert stage.rows(stage.logon(), "T000", "LOGSYS", where=("MANDT = '100'",)) == [[OLD]]
    assert run(stage, OLD, NEW, "X")[1][-1] == "2 tables processed, 320 entries to be converted"
    assert run(stage, OLD, NEW)[0] == "F"
    assert stage.rows(stage.logon(), "T000", "LOGSYS", where=("MANDT = '100'",)) == [[NEW]]


def test_a_field_that_has_both_names_is_refused() -> None:
    stage = system()
    run(stage, OLD, NEW, "X")
    stage.system.logical.counts["100"]["COEP-LOGSYSP"][NEW] = 1
    status, lines = run(stage, OLD, NEW)
    assert status == "A" and f"Logical system {NEW} is already used in tables of client 100" in lines


def test_pages_under_a_condition_go_on_where_the_last_one_ended() -> None:
    stage = system()

    def pages(name: str) -> list[int]:
        session, where = stage.logon(), (f"AWSYS = '{name}'",)
        starts = (0, 400, 800)
        return [len(stage.rows(session, "BKPF", "AWSYS", where=where, ROWSKIPS=n, ROWCOUNT=400)) for n in starts]

    assert (pages(OLD), pages(NEW)) == ([400, 400, 200], [0, 0, 0])
    run(stage, OLD, NEW, "X")
    run(stage, OLD, NEW)
    assert (pages(OLD), pages(NEW)) == ([0, 0, 0], [400, 400, 200])


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (OLD, "", "Enter the old and the new logical system name"),
        (OLD, OLD, "The old and the new logical system name are the same (PRDCLNT100)"),
        ("DEVCLNT100", NEW, "Logical system DEVCLNT100 does not exist"),
        (OLD, NEW, "There was no test run for the conversion of PRDCLNT100 to QASCLNT100"),
    ],
)
def test_refusals(old: str, new: str, text: str) -> None:
    stage = system()
    status, lines = run(stage, old, new)
    assert status == "A" and text in lines
    assert stage.effects("logical_system_converted") == []


def test_not_in_a_production_client() -> None:
    stage = system(CCCATEGORY="P")
    assert run(stage, OLD, NEW, "X")[0] == "A"


def test_reset_forgets_the_test_run() -> None:
    stage = system()
    run(stage, OLD, NEW, "X")
    stage.call(stage.logon(), "INST_EXECUTE_REPORT", PROGRAM="RBDLSMAP_RESET")
    assert run(stage, OLD, NEW)[0] == "A"


def test_the_selection_screen() -> None:
    stage = system()
    answer = stage.call(stage.logon(xmi=True), "BAPI_XBP_READ_SELSCREEN", PROGRAM="RBDLSMAP", EXTERNAL_USER_NAME="T")
    names = [row["SELNAME"] for row in answer["SELSCREEN_INFO"]]
    assert names[:3] == ["OLD_LS", "NEW_LS", "TESTRUN"]
