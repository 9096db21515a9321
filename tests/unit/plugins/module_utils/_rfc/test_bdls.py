# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, job names, the reading of what the report wrote."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._rfc.bdls import (
    CONVERT,
    KINDS,
    TEST,
    Pair,
    Reading,
    Screen,
    pairs_of,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import LONGEST_NAME, good_name

LINE = r"^(?P<table>\w+) (?P<field>\w+) (?P<count>[\d.,]+)$"
SCREEN = Screen("OLD_LS", "NEW_LS", "TESTRUN")


def line(text: str, type_: str = "S") -> dict[str, str]:
    return {"type": type_, "text": text}


def test_the_longest_names_make_names_of_jobs_that_differ() -> None:
    pair = Pair("A" * 10, "B" * 10)
    names = {pair.job(kind, "100") for kind in KINDS}
    assert len(names) == 3
    assert all(len(good_name(name)) == LONGEST_NAME for name in names)


def test_pairs_with_the_same_letters_have_jobs_of_their_own() -> None:
    assert Pair("A_B", "C").job(CONVERT, "100") != Pair("A", "B_C").job(CONVERT, "100")
    with pytest.raises(BadInput):
        pairs_of([{"old": "A:B", "new": "C"}])


def test_pairs_in_capital_letters() -> None:
    rows = [{"old": " prdclnt100", "new": "qasclnt100", "variant": "real", "test_variant": "test"}]
    assert pairs_of(rows) == [Pair("PRDCLNT100", "QASCLNT100", "REAL", "TEST")]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no pair"),
        ([("A", "")], "no name"),
        ([("A", "LONGERTHANTEN")], "no name"),
        ([("A", "B'C")], "no name"),
        ([("A", "A")], "old name and a new one"),
        ([("A", "B"), ("B", "C")], "old name and a new one"),
        ([("A", "B"), ("A", "C")], "old name twice"),
        ([("A", "C"), ("B", "C")], "new name twice"),
        ([("A", "B", "V", None)], "one variant"),
        ([("A", "B", None, "V")], "one variant"),
        ([("A", "B", "V", "v")], "for the test run and for the conversion"),
    ],
)
def test_what_is_no_mapping(rows: list[tuple[Any, ...]], words: str) -> None:
    names = ("old", "new", "variant", "test_variant")
    with pytest.raises(BadInput, match=words):
        pairs_of([dict(zip(names, row, strict=False)) for row in rows])


def test_values_of_the_steps() -> None:
    more = [{"SELNAME": "NUMBER", "LOW": "5"}]
    for kind, test in ((TEST, "X"), (CONVERT, "")):
        rows = SCREEN.work(Pair("A", "B"), kind, more, {}).values
        assert [row["LOW"] for row in rows] == ["A", "B", test, "5"]


def test_variants_of_the_steps() -> None:
    pair = Pair("A", "B", "REAL", "TEST")
    assert SCREEN.work(pair, TEST, (), {}).variant == "TEST"
    step = SCREEN.work(pair, CONVERT, [{"SELNAME": "NUMBER"}], {"PDEST": "LP01"})
    assert (step.variant, step.values, step.printing) == ("REAL", (), {"PDEST": "LP01"})


def test_a_screen_without_a_name_is_refused() -> None:
    with pytest.raises(BadInput):
        Screen.read({"old": "O", "new": "N", "test": " ", "test_value": "X"})


def test_counts_of_the_list_are_not_counted_again_in_the_log() -> None:
    found = Reading([LINE], [], []).counts([line("A F 1.200", ""), line("x"), line("B G 0"), line("A F 1200")])
    assert found is not None
    assert [(one.table, one.field, one.entries) for one in found] == [("A", "F", 1200), ("B", "G", 0)]


def test_of_several_lines_about_a_field_the_largest_number_counts() -> None:
    lines = ["A F 0", "A F 12", "A F 3", "B G 0", "B G 0"]
    found = Reading([LINE], [], []).counts([line(text) for text in lines])
    assert found is not None
    assert [(one.table, one.entries) for one in found] == [("A", 12), ("B", 0)]
    listed = Reading([LINE], [], []).counts([line("A F 0", ""), line("A F 12")])
    assert listed is not None and listed[0].entries == 12


@pytest.mark.parametrize(
    ("lines", "told"), [([], None), (["something"], None), (["A F ,"], None), (["Nothing found"], []), (["A F 0"], [0])]
)
def test_what_is_not_told_is_not_zero(lines: list[str], told: list[int] | None) -> None:
    found = Reading([LINE], ["^Nothing"], []).counts([line(text) for text in lines])
    assert (None if found is None else [one.entries for one in found]) == told


def test_problems_by_type_or_by_words() -> None:
    lines = [line("fine"), line("so", "W"), line("bad", "E"), line("odd", "Q"), line("a duplicate", "")]
    assert Reading([], [], ["duplicate"]).problems(lines) == ["bad", "odd", "a duplicate"]


@pytest.mark.parametrize("patterns", [(["("], [], []), ([r"(?P<count>\d)"], [], []), ([], ["("], []), ([], [], ["("])])
def test_what_is_no_pattern(patterns: tuple[list[str], ...]) -> None:
    with pytest.raises(BadInput):
        Reading(*patterns)
