# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the simulated ABAP is quiet: users, locks, queues; variants that are kept."""

from __future__ import annotations

import pytest

from tests.simulator.abap.errors import AbapException, AbapMessage, NotFound
from tests.unit.simulator.abap.stage import QUIET, Stage

QUEUED = [
    {"MANDT": "100", "QNAME": "R3AD_A", "DEST": "CRM", "QSTATE": "SYSFAIL"},
    {"MANDT": "100", "QNAME": "R3AD_A", "DEST": "CRM", "QSTATE": "READY"},
    {"MANDT": "000", "QNAME": "R3AD_B", "DEST": "CRM", "QSTATE": "READY"},
]


def test_queues_before_and_after_a_purge(stage: Stage) -> None:
    stage.system.fill("TRFCQOUT", QUEUED)
    session = stage.logon()
    view = stage.call(session, "TRFC_QOUT_GET_CURRENT_QUEUES")["QVIEW"]
    assert [(row["QNAME"], row["QDEEP"], row["QSTATE"]) for row in view] == [("R3AD_A", 2, "SYSFAIL")]
    assert stage.call(session, "TRFC_QIN_GET_CURRENT_QUEUES")["QVIEW"] == []
    stage.call(session, "INST_EXECUTE_REPORT", PROGRAM="RSTRFCQD")
    assert stage.rows(session, "TRFCQOUT", "QNAME") == []
    assert stage.rows(stage.logon(client="000"), "TRFCQOUT", "QNAME") == [["R3AD_B"]]


def test_locks_are_those_of_the_central_services(stage: Stage) -> None:
    session = stage.logon()
    assert stage.call(session, "ENQUEUE_READ")["NUMBER"] == 0, "what is left out is the user who asks"
    answer = stage.call(session, "ENQUEUE_READ", GCLIENT="", GUNAME="")
    assert [(row["GNAME"], row["GUNAME"]) for row in answer["ENQ"]] == [("MARA", "MILLER")] * 2
    assert stage.call(session, "ENQUEUE_READ", GUNAME="SMITH")["NUMBER"] == 0
    stage.system.set_locks([{"user": "SMITH", "table": "VBAK", "client": "000"}])
    (row,) = stage.call(session, "ENQUEUE_READ", GCLIENT="", GUNAME="")["ENQ"]
    assert (row["GNAME"], row["GUNAME"], row["GCLIENT"]) == ("VBAK", "SMITH", "000")
    stage.landscape.instances["QAS/qascs/ASCS10"].locks.clear()
    assert stage.call(session, "ENQUEUE_READ", GCLIENT="", GUNAME="")["NUMBER"] == 0


def test_users_who_are_logged_on(stage: Stage) -> None:
    stage.landscape.instances["QAS/qasapp1/D01"].sessions = 3
    rows = stage.call(stage.logon(), "TH_USER_LIST")["LIST"]
    assert [(row["MANDT"], row["BNAME"]) for row in rows] == [("100", name) for name in ("MILLER", "NGUYEN", "OKAFOR")]


def test_sessions_that_the_landscape_names(stage: Stage) -> None:
    stage.system.set_sessions([{"user": "miller", "seconds": 60}, {"user": "SMITH", "client": "000"}])
    session = stage.logon()
    answer = stage.call(session, "TH_USER_LIST")
    assert [(row["MANDT"], row["BNAME"]) for row in answer["LIST"]] == [("100", "MILLER"), ("000", "SMITH")]
    assert answer["USRLIST"] == answer["LIST"]
    stage.call(session, "TH_POPUP", USER="MILLER", CLIENT="100", MESSAGE="Leave")
    stage.clock.advance(61)
    assert [row["BNAME"] for row in stage.call(session, "TH_USER_LIST")["LIST"]] == ["SMITH"]
    with pytest.raises(AbapException, match="USER_NOT_FOUND"):
        stage.call(session, "TH_POPUP", USER="MILLER", CLIENT="100", MESSAGE="Leave")
    assert stage.system.popups == [("100", "MILLER", "Leave")]
    with pytest.raises(ValueError, match="name"):
        stage.system.set_sessions([{"name": "MILLER"}])


def test_short_dumps_of_some_time(stage: Stage) -> None:
    session = stage.logon()
    stage.clock.advance(7200)
    stage.system.set_dumps([{"user": "SMITH", "ago": 3600}])
    day, time = stage.system.stamp(stage.clock.now() - 3600)
    with pytest.raises(AbapException, match="NO_DATA_FOUND"):
        stage.call(session, "/SDF/GET_DUMP_LOG", DATE_FROM="20000101", DATE_TO="20000102")
    found = stage.call(session, "/SDF/GET_DUMP_LOG", DATE_FROM=day, TIME_FROM=time, DATE_TO=day, TIME_TO=time)
    assert [(row["E2E_USER"], row["E2E_TIME"]) for row in found["ET_E2E_LOG"]] == [("SMITH", time)]


def test_what_a_system_does_not_have_or_keeps_to_itself() -> None:
    stage = Stage(without=["/SDF/GET_DUMP_LOG"], not_remote=["ENQUEUE_READ"], **QUIET)
    session = stage.logon()
    with pytest.raises(NotFound):
        stage.call(session, "/SDF/GET_DUMP_LOG")
    with pytest.raises(AbapMessage, match="remote"):
        stage.call(session, "ENQUEUE_READ")


def test_many_rows_cost_no_more_than_a_page(stage: Stage) -> None:
    stage.system.fill_many("VBHDR", 100_000, {"VBKEY": "A"})
    answer = stage.call(stage.logon(), "RFC_READ_TABLE", QUERY_TABLE="VBHDR", ROWSKIPS=99_999, ROWCOUNT=10)
    assert len(answer["DATA"]) == 1


def test_variants() -> None:
    stage = Stage(reports={"ZREP": {"variants": {"OLD": []}}}, **QUIET)
    session = stage.logon()
    place = {"CURR_REPORT": "ZREP", "CURR_VARIANT": "NIGHT"}
    rows = [{"SELNAME": "P", "KIND": "P", "LOW": "1"}]
    stage.call(session, "RS_CREATE_VARIANT_RFC", **place, VARI_CONTENTS=rows)
    assert stage.rows(session, "VARID", "VARIANT") == [["NIGHT"], ["OLD"]]
    with pytest.raises(AbapException, match="VARIANT_EXISTS"):
        stage.call(session, "RS_CREATE_VARIANT_RFC", **place)
    stage.call(session, "RS_CHANGE_CREATED_VARIANT_RFC", **place, VARI_CONTENTS=[{**rows[0], "LOW": "2"}])
    found = stage.call(session, "RS_VARIANT_CONTENTS_RFC", REPORT="ZREP", VARIANT="NIGHT")["VALUTAB"]
    assert [(row["SELNAME"], row["LOW"]) for row in found] == [("P", "2")]
    stage.call(session, "RS_VARIANT_DELETE_RFC", REPORT="ZREP", VARIANT="NIGHT")
    with pytest.raises(AbapException, match="VARIANT_NOT_EXISTENT"):
        stage.call(session, "RS_VARIANT_CONTENTS_RFC", REPORT="ZREP", VARIANT="NIGHT")
    with pytest.raises(AbapException, match="REPORT_NOT_EXISTENT"):
        stage.call(session, "RS_VARIANT_CONTENTS_RFC", REPORT="ZNONE", VARIANT="NIGHT")
