# SPDX-License-Identifier: GPL-3.0-or-later
"""What hana_recovery plans, by what it finds, and what it refuses before it asks anything; nothing is sent here."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._hana.model import Database
from ansible_collections.basis.landscape.plugins.modules.hana_recovery import Recovery, State, spec

NOW = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)


def operation(**options: Any) -> Recovery:
    usual = {name: option.get("default") for name, option in spec().options.items()}
    usual.update(hana_host="db", hana_instance="00", hana_user="U", hana_password="p")
    return Recovery({**usual, "database": "QAS", "to": "latest", "confirm_sid": "QAS", **options})


def found(status: str, log_backup: str | None = None) -> State:
    databases = {name: Database(name, "YES") for name in ("SYSTEMDB", "QA2")}
    return State("QAS", {**databases, "QAS": Database("QAS", status)}, NOW, log_backup=log_backup)


@pytest.mark.parametrize(
    ("status", "options", "steps"),
    [
        ("YES", {}, ["stop", "recover"]),
        ("NO", {}, ["recover"]),
        ("STARTING", {}, ["wait", "stop", "recover"]),
        ("STARTING", {"immediate": True}, ["stop", "recover"]),
        ("STOPPING", {}, ["wait", "recover"]),
        ("YES", {"verify_user": "U", "verify_password": "p"}, ["stop", "recover", "verify"]),
        ("YES", {"pause_log_backup": True}, ["pause", "stop", "recover", "resume"]),
    ],
)
def test_plan(status: str, options: dict[str, Any], steps: list[str]) -> None:
    actions = operation(**options).plan(found(status))
    assert [action.name for action in actions] == steps
    assert [action.name for action in actions if action.always] == [name for name in steps if name == "resume"]


def test_the_step_is_the_statement() -> None:
    words = [action.words for action in operation(clear_log=True).plan(found("NO"))]
    assert words == ["RECOVER DATABASE FOR \"QAS\" UNTIL TIMESTAMP '2026-03-03 12:00:00' CLEAR LOG"]


@pytest.mark.parametrize(("value", "words"), [(None, "not set"), ("yes", "yes"), ("no", "no")])
def test_log_backup_goes_back_to_what_it_was(value: str | None, words: str) -> None:
    actions = operation(pause_log_backup=True).plan(found("YES", value))
    assert actions[0].words == f"switch automatic log backup of QAS off (it is {words})"
    assert actions[-1].words == f"switch automatic log backup of QAS back ({words})"


def test_what_was_not_paused_is_not_resumed() -> None:
    resume = operation(pause_log_backup=True).plan(found("YES"))[-1]
    assert resume.act is not None and resume.act() is False


def test_an_unknown_status_is_never_guessed() -> None:
    with pytest.raises(Failed, match="M_DATABASES says 'ODD'"):
        operation().plan(found("ODD"))


def test_a_tenant_is_no_door_to_recovery() -> None:
    with pytest.raises(BadInput, match="through SYSTEMDB"):
        operation(hana_database="QAS")


def test_other_root_keys_are_refused_before_anything_is_asked() -> None:
    copy = {"source": "PRD@PRD", "clear_log": True, "catalog_path": "/c"}
    with pytest.raises(Denied, match="not the same"):
        operation(**copy, root_key_hashes={"source": {"LOG": "a"}, "target": {"LOG": "b"}})
    operation(**copy, root_key_hashes={"source": {"LOG": "a"}, "target": {"LOG": "a"}})


def test_a_copy_without_clear_log_is_refused() -> None:
    with pytest.raises(BadInput, match="CLEAR LOG is mandatory for a copy"):
        operation(source="PRD@PRD", catalog_path="/c", unverified=["root_keys"])
