# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-on to the simulated ABAP, calls: who gets in, what is missing, what a conversation keeps."""

from __future__ import annotations

import json

import pytest

from tests.simulator.abap.errors import AbapException, AbapMessage, LogonRefused, NotFound
from tests.simulator.abap.users import LOCAL, WRONG, WRONG_PASSWORD
from tests.unit.simulator.abap.stage import AUTO, QUIET, Stage

LOCKED = "User is locked. Please notify the person responsible"
TOO_MANY = "Password logon no longer possible - too many failed attempts"


def attempt(stage: Stage, user: str = AUTO, password: str | None = None, client: str = "100") -> str:
    """What a log-on ends with; nothing when it works."""
    if password is None:
        password = stage.system.passwords[user]
    try:
        stage.engine.logon(client, user, password)
    except LogonRefused as refusal:
        return refusal.text
    return ""


def test_who_gets_in(stage: Stage) -> None:
    assert attempt(stage) == ""
    assert attempt(stage, AUTO.lower(), stage.system.passwords[AUTO]) == ""
    assert attempt(stage, password="wrong") == WRONG_PASSWORD
    assert attempt(stage, "NOBODY", "wrong") == WRONG_PASSWORD
    assert attempt(stage, password="") == WRONG_PASSWORD
    assert attempt(stage, client="300") == "Client 300 is not available in this system"
    assert attempt(stage, "MILLER", client="000") == WRONG_PASSWORD, "there only in the working client"


def test_five_wrong_passwords_lock_a_user(stage: Stage) -> None:
    assert [attempt(stage, password="wrong") for _count in range(4)] == [WRONG_PASSWORD] * 4
    assert attempt(stage) == "", "a right one starts the count anew"
    assert [attempt(stage, password="wrong") for _count in range(5)] == [WRONG_PASSWORD] * 5
    assert attempt(stage) == TOO_MANY
    user = stage.system.users.get("100", AUTO)
    assert user is not None and user.flag == WRONG
    assert attempt(stage, client="000") == "", "only in that client"
    assert stage.effects("user_locked") == ["user_locked"]
    stage.system.set_user(AUTO, flag=0)
    assert attempt(stage) == ""


def test_a_locked_user_is_told_only_with_the_right_password(stage: Stage) -> None:
    stage.system.set_user(AUTO, flag=LOCAL)
    assert attempt(stage) == LOCKED
    assert attempt(stage, password="wrong") == WRONG_PASSWORD


def test_an_expired_user() -> None:
    stage = Stage(users={"OLD": {"password": "Secret01", "valid_to": "20200101"}}, **QUIET)
    assert attempt(stage, "OLD") == "User account not in validity date"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("rfc_no_work_process", "No more dialog work processes available on this server"),
        ("rfc_logon_refused", WRONG_PASSWORD),
    ],
)
def test_faults_of_a_log_on(stage: Stage, fault: str, text: str) -> None:
    stage.faults.add({"name": fault, "system": "QAS", "times": 1})
    assert (attempt(stage), attempt(stage)) == (text, "")
    user = stage.system.users.get("100", AUTO)
    assert user is not None and user.wrong == 0


def test_without_instance_or_database(stage: Stage) -> None:
    session = stage.logon()
    stage.landscape.set_host(stage.landscape.hosts["qasdb"], False)
    assert attempt(stage).startswith("No connection to the database")
    with pytest.raises(AbapMessage) as message:
        stage.call(session, "STFC_CONNECTION")
    assert message.value.fatal


def test_calls(stage: Stage) -> None:
    session = stage.logon()
    assert stage.call(session, "STFC_CONNECTION", REQUTEXT="hello", UNKNOWN="x")["ECHOTEXT"] == "hello"
    info = stage.call(session, "RFC_SYSTEM_INFO")["RFCSI_EXPORT"]
    assert (info["RFCSYSID"], info["RFCDEST"], info["RFCDATABS"], info["RFCDBHOST"]) == (
        "QAS",
        "qasapp1_QAS_01",
        "HDQ",
        "qasdb",
    )
    with pytest.raises(NotFound):
        stage.call(session, "Z_NONE")
    names = [row["NAME"] for row in stage.call(session, "TH_SERVER_LIST")["LIST"]]
    assert names == ["qasapp1_QAS_01", "qasapp2_QAS_02"]


def test_a_missing_authorization(stage: Stage) -> None:
    session = stage.logon()
    fault = stage.faults.add({"name": "rfc_missing_authorization", "user": AUTO, "object": "S_RFC", "times": 1})
    with pytest.raises(AbapException) as error:
        stage.call(session, "STFC_CONNECTION")
    assert error.value.key == "RFC_NO_AUTHORITY"
    stage.call(session, "STFC_CONNECTION")
    assert fault.spent
    stage.system.set_user(AUTO, authorizations=["S_RFC"])
    stage.call(session, "STFC_CONNECTION")
    with pytest.raises(AbapException) as error:
        stage.call(session, "RFC_READ_TABLE", QUERY_TABLE="T000")
    assert error.value.key == "NOT_AUTHORIZED"
    answer = stage.call(session, "BAPI_XMI_LOGON", EXTCOMPANY="A", EXTPRODUCT="B", INTERFACE="XBP", VERSION="3.0")
    assert (answer["RETURN"]["TYPE"], session.xmi) == ("E", {})


def test_delays_and_cuts(stage: Stage) -> None:
    stage.faults.add({"name": "rfc_slow", "function": "STFC_CONNECTION", "seconds": 3, "times": 1})
    stage.faults.add({"name": "rfc_cut_after", "function": "BAPI_XBP_JOB_OPEN", "times": 1})
    assert [stage.engine.delay("STFC_CONNECTION") for _count in range(2)] == [3.0, 0.0]
    assert stage.engine.cut("BAPI_XBP_JOB_OPEN", "before") is False
    assert [stage.engine.cut("BAPI_XBP_JOB_OPEN", "after") for _count in range(2)] == [True, False]


def test_what_waits_for_a_commit() -> None:
    stage = Stage(commit_needed=["BAPI_USER_LOCK"], **QUIET)
    session = stage.logon()

    def flag() -> int:
        user = stage.system.users.get("100", "MILLER")
        assert user is not None
        return user.flag

    stage.call(session, "BAPI_USER_LOCK", USERNAME="MILLER")
    stage.call(session, "BAPI_TRANSACTION_ROLLBACK")
    stage.call(session, "BAPI_TRANSACTION_COMMIT")
    assert flag() == 0
    stage.call(session, "BAPI_USER_LOCK", USERNAME="MILLER")
    session.close()
    stage.call(stage.logon(), "BAPI_TRANSACTION_COMMIT")
    assert flag() == 0, "the end of a conversation is a ROLLBACK"
    stage.call(session, "BAPI_USER_LOCK", USERNAME="MILLER")
    assert flag() == 0
    stage.call(session, "BAPI_TRANSACTION_COMMIT")
    assert flag() == LOCAL


def test_the_journal_has_calls_but_no_passwords(stage: Stage) -> None:
    attempt(stage, password="Wrong-Secret")
    session = stage.logon()
    stage.call(session, "BAPI_USER_CREATE1", USERNAME="NEW", PASSWORD={"BAPIPWD": "Other-Secret"})
    rows = [row for row in stage.journal.entries if row.get("call") == "BAPI_USER_CREATE1"]
    assert [(row["door"], row["system"], row["user"], row["detail"]) for row in rows] == [("rfc", "QAS", AUTO, "NEW")]
    text = json.dumps(stage.journal.entries) + json.dumps(stage.system.snapshot())
    assert "Secret" not in text
    assert stage.system.passwords[AUTO] not in text


def test_the_catalogue_describes_what_it_uses(stage: Stage) -> None:
    catalogue = stage.engine.catalogue
    assert list(catalogue.missing()) == []
    marks = [(one.name, one.source, one.confidence) for one in catalogue.functions.values()]
    marks += [(one.name, one.source, one.confidence) for one in catalogue.structures.values()]
    assert [name for name, source, confidence in marks if not source or confidence not in ("V2", "S1", "M")] == []
    xbp = [name for name in catalogue.functions if name.startswith(("BAPI_XBP", "BAPI_XMI"))]
    assert not any(catalogue.functions[name].stateless for name in xbp)
