# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a host's instances stands against a run."""

from __future__ import annotations

from typing import Any

from ansible_collections.basis.landscape.plugins.action.landscape_preview import _beside_the_plan


def found(*rows: tuple[str | None, str, str | None]) -> dict[str, Any]:
    return {"instances": [{"sid": sid, "number": number, "name": name} for sid, number, name in rows]}


def unmet(known: list[dict[str, Any]], answer: dict[str, Any], *ignored: str) -> list[tuple[str, str]]:
    return [(one["object"], one["unmet"]) for one in _beside_the_plan("app", known, answer, set(ignored))]


def test_a_number_is_a_number_however_it_is_written() -> None:
    known = [{"sid": "PRD", "number": 1}, {"sid": "PRD", "number": "02"}]
    assert unmet(known, found(("PRD", "01", "D01"), (None, "02", None))) == []


def test_a_number_that_is_none_is_named() -> None:
    words = "an instance number is two digits from 00 to 97, not 'D01'."
    assert unmet([{"sid": "PRD", "number": "D01"}], found()) == [("PRD on app", words)]


def test_who_cannot_be_reached_stands_against_nothing() -> None:
    assert unmet([], {"unreachable": True}) == []
    assert unmet([], {"msg": "no such module"}) == [
        ("app", "it cannot be told which instances it has: no such module.")
    ]


def test_what_may_be_there_is_named_by_its_system_or_with_its_number() -> None:
    answer = found(("DAA", "97", "SMDA97"), ("QAS", "05", "D05"))
    assert unmet([], answer, "DAA", "QAS/05") == []
    assert [row[1].partition(",")[0] for row in unmet([], answer, "DAA")] == ["it has QAS/05 (D05)"]
