# SPDX-License-Identifier: GPL-3.0-or-later
"""What messages, identities, jobs in answers mean."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import CallFailed, checked
from ansible_collections.basis.landscape.plugins.module_utils._rfc.functions import READING, changes
from ansible_collections.basis.landscape.plugins.module_utils._rfc.model import Identity, Job, messages, moment, plain


def row(type_: str, text: str = "told") -> dict[str, Any]:
    return {"TYPE": type_, "ID": "XM", "NUMBER": "49", "MESSAGE": text}


@pytest.mark.parametrize("type_", ["E", "A", "X", "e", "?"])
@pytest.mark.parametrize("name", ["RETURN", "ET_RETURN", "ET_BAPIRET2"])
def test_a_message_that_says_no_is_a_failure_wherever_it_stands(type_: str, name: str) -> None:
    for value in (row(type_), [row("S"), row(type_)]):
        with pytest.raises(CallFailed, match=r"told \(. XM 049\)"):
            checked("do it", "F", {name: value, "COUNT": 5})


@pytest.mark.parametrize("value", [row("S"), row("W"), row("I"), row(""), [], [row("W")], None, "text", {"TYPE": "E"}])
def test_what_is_no_failure(value: Any) -> None:
    assert checked("do it", "F", {"RETURN": value}) == {"RETURN": value}


def test_the_older_sister_of_bapiret2() -> None:
    found = messages({"RETURN": {"TYPE": "E", "CODE": "XM049", "MESSAGE": "no job"}})
    assert found[0].failed and found[0].words() == "no job (E XM049)"


def test_the_lines_of_a_job_log_are_no_messages_of_the_call() -> None:
    assert messages({"JOB_PROTOCOL_NEW": [{"MSGTYPE": "A", "MSGID": "00", "MSGNO": "554", "TEXT": "canceled"}]}) == []


def test_identity() -> None:
    answer = {"RFCSI_EXPORT": {"RFCSYSID": "PRD     ", "RFCHOST": "app", "RFCDEST": "app_PRD_00", "RFCSAPRL": "758"}}
    assert Identity.read(answer) == Identity("PRD", "app", "app_PRD_00", "758", "", "")
    assert Identity.read({}).sid == ""


def test_plain_data() -> None:
    value = {
        "D": datetime.date(2026, 3, 2),
        "T": datetime.time(12, 0, 5),
        "P": Decimal("1.50"),
        "X": b"\x00\xff",
        "R": [{"A": 1}, None],
    }
    assert plain(value) == {"D": "20260302", "T": "120005", "P": "1.50", "X": "00ff", "R": [{"A": 1}, None]}


@pytest.mark.parametrize(
    ("date", "clock", "expected"),
    [
        ("20260302", "120005", "2026-03-02 12:00:05"),
        ("20260302", "5", "2026-03-02 00:00:05"),
        ("00000000", "000000", ""),
        ("", "", ""),
        ("2026", "12", ""),
    ],
)
def test_moments(date: str, clock: str, expected: str) -> None:
    assert moment(date, clock) == expected


@pytest.mark.parametrize(("letter", "state"), [("S", "released"), ("Z", "suspended"), ("Q", "unknown")])
def test_the_state_of_a_job(letter: str, state: str) -> None:
    assert Job("N", "1", letter).state == state


def test_only_what_is_known_to_read_is_no_change() -> None:
    assert not changes("RFC_READ_TABLE") and changes("Z_ANY") and changes("BAPI_XBP_JOB_OPEN")
    verbs = ("SET", "LOCK", "OPEN", "DELETE", "MODIFY", "ADD", "START", "ABORT", "COMMIT", "CHANGE", "CREATE", "SKIP")
    assert not [name for name in READING if any(verb in name.split("_") for verb in verbs)]
