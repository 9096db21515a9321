# SPDX-License-Identifier: GPL-3.0-or-later
"""Function modules about users of the simulated ABAP."""

from __future__ import annotations

import pytest

from tests.simulator.abap.errors import AbapException
from tests.simulator.abap.users import GLOBAL, LOCAL, WRONG
from tests.unit.simulator.abap.stage import AUTO, Stage


def found(stage: Stage, *ranges: tuple[str, str, str, str]) -> list[str]:
    """The users that a list has; ranges are parameter-field, sign, option, value."""
    rows = []
    for place, sign, option, low in ranges:
        parameter, _dash, field = place.partition("-")
        rows.append({"PARAMETER": parameter, "FIELD": field, "SIGN": sign, "OPTION": option, "LOW": low})
    answer = stage.call(stage.logon(), "BAPI_USER_GETLIST", SELECTION_RANGE=rows)
    assert answer["RETURN"] == []
    return [row["USERNAME"] for row in answer["USERLIST"]]


def test_lists_of_users(stage: Stage) -> None:
    assert len(found(stage)) == 11
    assert found(stage, ("ISLOCKED-LOCAL_LOCK", "I", "EQ", "L")) == ["FORMER"]
    assert found(stage, ("LOGONDATA-USTYP", "I", "EQ", "B")) == [AUTO, "BATCH_FI", "WF-BATCH"]
    assert found(stage, ("LOGONDATA-USTYP", "I", "EQ", "B"), ("USERNAME", "E", "CP", "*BATCH*")) == [AUTO]


def test_lock_and_unlock(stage: Stage) -> None:
    session = stage.logon()
    answer = stage.call(session, "BAPI_USER_LOCK", USERNAME="MILLER")
    assert answer["RETURN"][0]["TYPE"] == "S"
    assert stage.rows(session, "USR02", "UFLAG", where=("BNAME = 'MILLER'",)) == [[str(LOCAL)]]
    detail = stage.call(session, "BAPI_USER_GET_DETAIL", USERNAME="MILLER")
    assert (detail["ISLOCKED"]["LOCAL_LOCK"], detail["ISLOCKED"]["WRNG_LOGON"]) == ("L", "U")
    stage.call(session, "BAPI_USER_UNLOCK", USERNAME="MILLER")
    assert stage.call(session, "BAPI_USER_GET_DETAIL", USERNAME="MILLER")["ISLOCKED"]["LOCAL_LOCK"] == "U"
    assert stage.effects("user_locked", "user_unlocked") == ["user_locked", "user_unlocked"]


def test_an_unlock_leaves_the_global_lock(stage: Stage) -> None:
    stage.system.set_user("MILLER", flag=GLOBAL | LOCAL | WRONG)
    stage.call(stage.logon(), "BAPI_USER_UNLOCK", USERNAME="MILLER")
    assert stage.rows(stage.logon(), "USR02", "UFLAG", where=("BNAME = 'MILLER'",)) == [[str(GLOBAL)]]


@pytest.mark.parametrize("function", ["BAPI_USER_LOCK", "BAPI_USER_UNLOCK", "BAPI_USER_GET_DETAIL", "BAPI_USER_DELETE"])
def test_refusals(stage: Stage, function: str) -> None:
    session = stage.logon()
    answer = stage.call(session, function, USERNAME="NOBODY")["RETURN"]
    assert [(row["TYPE"], row["MESSAGE"]) for row in answer] == [("E", "User NOBODY does not exist")]
    stage.system.set_user(AUTO, authorizations=["S_RFC"])
    answer = stage.call(session, function, USERNAME="MILLER")["RETURN"]
    assert answer[0]["TYPE"] == "E" and "not authorized" in answer[0]["MESSAGE"]


def test_users_are_made_and_deleted(stage: Stage) -> None:
    session = stage.logon()
    made = stage.call(session, "BAPI_USER_CREATE1", USERNAME="NEW", PASSWORD={"BAPIPWD": "Secret01"})
    assert made["RETURN"][0]["TYPE"] == "S"
    assert stage.engine.logon("100", "NEW", "Secret01").user == "NEW"
    assert stage.call(session, "BAPI_USER_CREATE1", USERNAME="NEW")["RETURN"][0]["TYPE"] == "E"
    stage.call(session, "BAPI_USER_DELETE", USERNAME="NEW")
    assert stage.system.users.get("100", "NEW") is None


def test_a_message_for_a_user(stage: Stage) -> None:
    stage.call(stage.logon(), "TH_POPUP", CLIENT="100", USER="MILLER", MESSAGE="Down at ten")
    assert stage.system.popups == [("100", "MILLER", "Down at ten")]
    with pytest.raises(AbapException, match="USER_NOT_FOUND"):
        stage.call(stage.logon(), "TH_POPUP", CLIENT="100", USER="NOBODY", MESSAGE="Down at ten")
