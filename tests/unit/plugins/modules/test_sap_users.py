# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom sap_users locks and unlocks, and what it says about those for whom it did not happen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, LandscapeError, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._operation import carry_out
from ansible_collections.basis.landscape.plugins.modules.sap_users import UserLocks, spec
from tests.unit.plugins.module_utils._rfc.system import System

LOCK, UNLOCK, COMMIT = "BAPI_USER_LOCK", "BAPI_USER_UNLOCK", "BAPI_TRANSACTION_COMMIT"


def options(state: str, **given: Any) -> dict[str, Any]:
    usual = {name: option.get("default") for name, option in spec().options.items()}
    usual.update(rfc_host="app", rfc_instance="00", rfc_client="100", rfc_user="auto", rfc_password="p")
    return {**usual, "state": state, **given}


def run(system: System, state: str, check_mode: bool = False, **given: Any) -> dict[str, Any]:
    operation = UserLocks(options(state, **given))
    operation._client = system.client()
    return carry_out(operation, check_mode=check_mode)


def landscape(**more: bool) -> System:
    system = System()
    open_ = dict.fromkeys(["AUTO", "DDIC", "SAP*", "SAPUSER", "MILLER"], False)
    system.users = {**open_, "FORMER": True, **more}
    return system


def test_there_and_back() -> None:
    system = landscape()
    there = run(system, "locked")
    assert there["users"] == ["MILLER", "SAPUSER"], "SAP* is a user's name and no pattern"
    assert there["left_alone"] == {"locked": ["FORMER"], "protected": ["AUTO", "DDIC", "SAP*"]}
    assert run(system, "locked")["changed"] is False
    assert run(system, "unlocked", users=there["users"])["users"] == ["MILLER", "SAPUSER"]
    assert system.users == landscape().users
    assert [system.sent(f) for f in (LOCK, UNLOCK, COMMIT)] == [2, 2, 4]


def test_check_mode_sends_nothing() -> None:
    system = landscape()
    assert run(system, "locked", check_mode=True)["users"] == ["MILLER", "SAPUSER"]
    assert not system.sent(LOCK) and system.users == landscape().users


def test_patterns_protect() -> None:
    assert run(landscape(), "locked", protect_patterns=["sap*"])["users"] == ["MILLER"]


def test_batch_users_are_protected_by_their_names() -> None:
    there = run(landscape(**{"BATCH_FI": False, "WF-BATCH": False}), "locked")
    assert there["users"] == ["MILLER", "SAPUSER"]
    assert {"BATCH_FI", "WF-BATCH"} <= set(there["left_alone"]["protected"])


def test_technical_users_are_protected_by_their_types() -> None:
    system = landscape(RUNNER=False, REMOTE=False, PORTAL=False)
    system.kinds = {"RUNNER": "B", "REMOTE": "C", "PORTAL": "S"}
    assert run(system, "locked", check_mode=True)["users"] == ["MILLER", "PORTAL", "SAPUSER"]
    there = run(system, "locked", check_mode=True, protect_types=["S"])
    assert there["users"] == ["MILLER", "REMOTE", "RUNNER", "SAPUSER"]
    assert "PORTAL" in there["left_alone"]["protected"]
    assert len(run(system, "locked", protect_types=[])["users"]) == 5
    unlocked = run(system, "unlocked", users=["RUNNER", "REMOTE"])
    assert unlocked["users"] == ["REMOTE", "RUNNER"], "who was locked is unlocked, whatever the type"


def test_a_system_that_does_not_select_by_types_locks_nobody() -> None:
    system = landscape()
    system.ignores = "USTYP"
    with pytest.raises(Failed, match="everybody is protected") as caught:
        run(system, "locked")
    assert "protect_types" in caught.value.message and not system.sent(LOCK)


def test_who_fails_is_named_and_the_others_are_done() -> None:
    system = landscape(BAD_ONE=False)
    with pytest.raises(Failed, match="no authorization for BAD_ONE") as caught:
        run(system, "locked")
    assert caught.value.facts["users"] == ["MILLER", "SAPUSER"]
    assert list(caught.value.facts["failures"]) == ["BAD_ONE"] and caught.value.facts["changed"] is True


def test_a_lock_that_was_lost_after_it_happened_is_seen() -> None:
    system = landscape()
    system.lost_after = [LOCK]
    assert run(system, "locked")["users"] == ["MILLER", "SAPUSER"]
    assert system.sent(LOCK) == 2


def test_a_lock_that_was_lost_before_stays_unknown_and_is_not_sent_again() -> None:
    system = landscape()
    system.lost_before = [LOCK]
    with pytest.raises(Unknown) as caught:
        run(system, "locked")
    assert system.sent(LOCK) == 1 and list(caught.value.facts["failures"]) == ["MILLER"]
    assert caught.value.facts["users"] == ["SAPUSER"]


def test_a_refused_logon_ends_the_work() -> None:
    # Over SOAP each call is a logon, and each wrong one counts towards the lock of the technical user.
    system = landscape()
    system.refused = LOCK
    with pytest.raises(LandscapeError) as caught:
        run(system, "locked", commit=False)
    assert system.sent(LOCK) == 1 and system.sent(UNLOCK) == 0
    assert sorted(caught.value.facts["failures"]) == ["MILLER", "SAPUSER"]


def test_when_the_users_cannot_be_read_afterwards_it_is_told_whose_change_was_answered() -> None:
    system = landscape(BAD_ONE=False)
    operation = UserLocks(options("locked"))
    operation._client = system.client()
    state = operation.look()
    (action,) = operation.plan(state)
    assert action.act is not None and action.verify is not None
    action.act()
    system.lost_before = ["BAPI_USER_GETLIST"]
    with pytest.raises(LandscapeError) as caught:
        action.verify()
    assert caught.value.facts["users"] == ["MILLER", "SAPUSER"] and list(caught.value.facts["failures"]) == ["BAD_ONE"]


def test_an_interrupted_run_is_gone_on_with_by_its_record(tmp_path: Path) -> None:
    system, record = landscape(), str(tmp_path / "u.json")
    system.lost_before = [LOCK]
    with pytest.raises(Unknown):
        run(system, "locked", record=record)
    again = run(system, "locked", record=record)
    assert again["users"] == ["MILLER", "SAPUSER"] and again["left_alone"]["locked"] == ["FORMER"]
    assert run(system, "unlocked", record=record)["users"] == ["MILLER", "SAPUSER"]
    assert system.users == landscape().users and not (tmp_path / "u.json").exists()
    assert run(system, "unlocked", record=record)["changed"] is False


def test_removing_a_record_is_no_change_in_check_mode_either(tmp_path: Path) -> None:
    system, record = landscape(), str(tmp_path / "u.json")
    run(system, "locked", record=record)
    system.users.update(MILLER=False, SAPUSER=False)
    for check_mode in (True, False):
        result = run(system, "unlocked", check_mode=check_mode, record=record)
        assert result["changed"] is False and [step["name"] for step in result["steps"]] == ["forget"]
        assert (tmp_path / "u.json").exists() is check_mode


def test_when_nobody_could_be_locked_nothing_changed() -> None:
    system = landscape()
    system.users = {"AUTO": False, "BAD_ONE": False, "BAD_TWO": False}
    with pytest.raises(Failed) as caught:
        run(system, "locked")
    assert sorted(caught.value.facts["failures"]) == ["BAD_ONE", "BAD_TWO"] and caught.value.facts["changed"] is False


def test_a_user_of_the_record_who_is_gone_is_told(tmp_path: Path) -> None:
    system, record = landscape(), str(tmp_path / "u.json")
    run(system, "locked", record=record)
    del system.users["MILLER"]
    result = run(system, "unlocked", record=record)
    assert result["users"] == ["SAPUSER"] and "MILLER" in result["warnings"][0]


def test_users_who_were_unlocked_by_hand_make_a_record_stale(tmp_path: Path) -> None:
    system, record = landscape(), str(tmp_path / "u.json")
    run(system, "locked", record=record)
    assert run(system, "locked", record=record)["changed"] is False
    system.users.update(SAPUSER=False)  # and MILLER is locked for a cause
    with pytest.raises(Failed, match="SAPUSER") as caught:
        run(system, "locked", record=record)
    assert caught.value.reason == "stale_record" and system.sent(LOCK) == 2
    run(system, "unlocked", record=record)
    assert run(system, "locked", record=record)["users"] == ["MILLER", "SAPUSER"]


def test_a_record_that_is_missing_is_told_when_users_are_to_be_unlocked(tmp_path: Path) -> None:
    result = run(landscape(), "unlocked", record=str(tmp_path / "gone.json"))
    assert result["changed"] is False and "no record at" in result["warnings"][0] and "1 users" in result["warnings"][0]


@pytest.mark.parametrize("field", ["LOCAL_LOCK", "GLOB_LOCK"])
def test_a_system_that_does_not_select_by_a_field_is_no_success(field: str) -> None:
    system = landscape()
    system.ignores = field
    with pytest.raises(Failed, match="AUTO, who is logged on") as caught:
        run(system, "locked")
    assert caught.value.facts["field"] == field and field in caught.value.message and not system.sent(LOCK)


@pytest.mark.parametrize(
    ("state", "given"),
    [
        ("unlocked", {}),
        ("locked", {"rfc_user": None, "rfc_snc_partner": "p:CN=X"}),
        ("locked", {"lock_fields": []}),
        ("locked", {"rfc_provider": "soap", "rfc_url": "https://app", "rfc_host": None}),
    ],
)
def test_refusals(state: str, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        UserLocks(options(state, **given))


def test_a_user_who_does_not_exist_is_told_before_anything_is_done() -> None:
    system = landscape()
    with pytest.raises(BadInput, match="NOBODY"):
        run(system, "locked", users=["MILLER", "NOBODY"])
    assert not system.sent(LOCK)


def test_an_empty_list_of_users_is_no_success() -> None:
    with pytest.raises(Failed):
        run(System(), "locked")
