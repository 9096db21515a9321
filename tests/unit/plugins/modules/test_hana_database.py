# SPDX-License-Identifier: GPL-3.0-or-later
"""What hana_database plans, by what it finds; nothing is sent here."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._hana.model import Database
from ansible_collections.basis.landscape.plugins.modules.hana_database import State, TenantState, spec

STATUS = {"started": "YES", "stopped": "NO", "starting": "STARTING", "stopping": "STOPPING"}


def operation(**options: Any) -> TenantState:
    usual = {name: option.get("default") for name, option in spec().options.items()}
    usual.update(hana_host="db", hana_instance="00", hana_user="U", hana_password="p")
    return TenantState({**usual, "database": "qas", "system_password": "Secret 1", **options})


def found(name: str) -> State:
    databases = {"SYSTEMDB": Database("SYSTEMDB", "YES")}
    if name != "absent":
        databases["QAS"] = Database("QAS", STATUS.get(name, name))
    return State("QAS", databases)


@pytest.mark.parametrize(
    ("wanted", "state", "steps"),
    [
        ("started", "started", []),
        ("started", "stopped", ["start"]),
        ("started", "starting", ["wait"]),
        ("started", "stopping", ["wait", "start"]),
        ("stopped", "started", ["stop"]),
        ("stopped", "stopped", []),
        ("stopped", "starting", ["wait", "stop"]),
        ("stopped", "stopping", ["wait"]),
        ("restarted", "started", ["stop", "start"]),
        ("restarted", "stopped", ["start"]),
        ("restarted", "starting", ["wait", "stop", "start"]),
        ("restarted", "stopping", ["wait", "start"]),
        ("present", "absent", ["create"]),
        ("present", "stopped", ["start"]),
        ("present", "started", []),
        ("absent", "absent", []),
        ("absent", "started", ["stop", "drop"]),
        ("absent", "stopped", ["drop"]),
        ("absent", "starting", ["wait", "stop", "drop"]),
    ],
)
def test_plan(wanted: str, state: str, steps: list[str]) -> None:
    assert [action.name for action in operation(state=wanted).plan(found(state))] == steps


def test_what_hangs_in_its_start_is_stopped_at_once_when_asked_for() -> None:
    assert [a.name for a in operation(state="stopped", immediate=True).plan(found("starting"))] == ["stop"]


def test_no_word_of_a_step_has_the_password() -> None:
    assert all("Secret" not in action.words for action in operation(state="present").plan(found("absent")))


def test_an_unknown_status_is_never_guessed() -> None:
    with pytest.raises(Failed, match="M_DATABASES says 'ODD'"):
        operation(state="started").plan(found("ODD"))


@pytest.mark.parametrize(
    ("options", "state", "words"),
    [
        ({"database": "systemdb"}, "started", "sap_instance"),
        ({"database": " "}, "started", "is empty"),
        ({"hana_encrypt": False}, "absent", "readable on the network"),
        ({"hana_database": "QAS"}, "started", "through SYSTEMDB"),
        ({"state": "present", "system_password": None}, "absent", "system_password is not given"),
        ({"state": "started"}, "absent", "no such database"),
    ],
)
def test_refusals(options: dict[str, Any], state: str, words: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        operation(**options).plan(found(state))
    assert isinstance(caught.value, (BadInput, Failed))
    assert words in caught.value.message
