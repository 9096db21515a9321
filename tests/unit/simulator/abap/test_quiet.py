# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the simulated ABAP is quiet: users, locks, queues; variants that are kept."""

from __future__ import annotations

import pytest

from tests.simulator.abap.errors import AbapException
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
    answer = stage.call(session, "ENQUEUE_READ")
    assert [(row["GNAME"], row["GUNAME"]) for row in answer["ENQ"]] == [("MARA", "MILLER")] * 2
    assert stage.call(session, "ENQUEUE_READ", GUNAME="SMITH")["NUMBER"] == 0
    stage.landscape.instances["QAS/qascs/ASCS10"].locks.clear()
    assert stage.call(session, "ENQUEUE_READ")["NUMBER"] == 0


def test_users_who_are_logged_on(stage: Stage) -> None:
    stage.landscape.instances["QAS/qasapp1/D01"].sessions = 3
    rows = stage.call(stage.logon(), "TH_USER_LIST")["LIST"]
    assert [(row["MANDT"], row["BNAME"]) for row in rows] == [("100", name) for name in ("MILLER", "NGUYEN", "OKAFOR")]


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
