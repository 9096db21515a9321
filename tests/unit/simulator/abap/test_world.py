# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ABAP systems a landscape has, what they begin with, what the landscape file may say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.simulator.abap.stage import AUTO, Stage


def test_what_every_system_begins_with() -> None:
    stage = Stage()
    assert list(stage.world.systems) == ["QAS"]
    info = stage.world.info()["QAS"]
    assert (info["sid"], info["clients"], info["client"]) == ("QAS", ["000", "100"], "100")
    assert set(info["users"]) == {AUTO, "MILLER"}
    assert set(stage.states().values()) == {"S"} and len(stage.states()) == 11
    stage.clock.advance(3600)
    assert stage.effects("job_started").count("job_started") >= 2
    other = Stage().world.info()["QAS"]["users"]
    assert other[AUTO] != info["users"][AUTO], "passwords are random"


def test_a_production_system_has_protected_clients() -> None:
    stage = Stage(production=True)
    row = stage.system.clients["100"]
    assert (row["CCCATEGORY"], row["CCCORACTIV"], row["CCCOPYLOCK"]) == ("P", "2", "X")


@pytest.mark.parametrize(
    "options",
    [
        {"client": "100"},
        {"jobs": [{"report": "RSUSR000"}]},
        {"jobs": [{"name": "A", "when": 1}]},
        {"jobs": [{"name": "A", "status": "R"}]},
        {"reports": {"Z": {"takes": 1}}},
        {"task_lists": {"Z": {"tasks": [{"name": "A", "label": "A"}]}}},
        {"task_lists": {"Z": {"tasks": [{}]}}},
    ],
)
def test_what_the_landscape_file_may_not_say(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="QAS"):
        Stage(**options)


def test_users_of_the_landscape_file() -> None:
    stage = Stage(
        users={"ROBOT": {"password": "Secret01", "clients": ["100"], "kind": "B", "authorizations": ["S_RFC"]}}
    )
    session = stage.engine.logon("100", "robot", "Secret01")
    assert (session.user, session.allowed("S_RFC"), session.allowed("S_TABU_DIS")) == ("ROBOT", True, False)
    assert stage.world.info()["QAS"]["users"]["ROBOT"] == "Secret01"
    assert stage.system.users.get("000", "ROBOT") is None


def test_setting_users() -> None:
    stage = Stage()
    with pytest.raises(KeyError):
        stage.system.set_user("NOBODY")
    with pytest.raises(KeyError):
        stage.system.set_user(AUTO, client="300")
    with pytest.raises(ValueError, match="no authorization"):
        stage.system.set_user(AUTO, authorizations=["S_NONE"])
    stage.system.set_user("NEW", password="Secret01")
    assert stage.engine.logon("000", "NEW", "Secret01").client == "000"
