# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading tables within the limits of RFC_READ_TABLE."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tables import Layouts, lines, literal, stream
from tests.unit.plugins.module_utils._rfc.system import read_table


class Table:
    """Answers as a system does, and counts."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows = rows
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, _doing: str, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert function == "RFC_READ_TABLE"
        self.asked.append(parameters)
        return read_table({"T": self.rows}, parameters)


ROWS = [{"ID": str(n), "ONE": f"a{n}", "TWO": f"b{n}", "THREE": f"c{n}"} for n in range(25)]


def test_rows_come_in_pages() -> None:
    table = Table(ROWS)
    assert [row["ID"] for row in stream(table, "T", ["ID"], page=10)] == [str(n) for n in range(25)]
    assert [q["ROWSKIPS"] for q in table.asked] == [0, 0, 10, 20]


def test_a_system_that_skips_no_rows_is_not_asked_for_ever() -> None:
    table = Table(ROWS)

    def ask(doing: str, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return table(doing, function, {**parameters, "ROWSKIPS": 0})

    with pytest.raises(Failed, match="same 10 rows"):
        list(itertools.islice(stream(ask, "T", ["ID"], key=["ID"], page=10), 1000))


@pytest.mark.parametrize(("most", "count"), [(0, 25), (7, 7), (10, 10), (11, 11), (99, 25)])
def test_no_more_than_wanted(most: int, count: int) -> None:
    assert len(list(stream(Table(ROWS), "T", ["ID"], page=10, most=most))) == count


def test_the_layout_of_a_table_is_asked_once() -> None:
    layouts: Layouts = {}
    table = Table(ROWS)
    for _time in range(3):
        assert len(list(stream(table, "T", ["ID"], layouts=layouts))) == 25
    assert [bool(q["NO_DATA"]) for q in table.asked] == [True, False, False, False]


def test_a_wide_row_is_read_in_parts_and_put_together() -> None:
    table = Table(ROWS)
    rows = list(stream(table, "T", ["ID", "ONE", "TWO", "THREE"], key=["ID"], page=10))
    assert rows == ROWS
    asked = {tuple(row["FIELDNAME"] for row in q["FIELDS"]) for q in table.asked if not q["NO_DATA"]}
    assert asked == {("ID", "ONE"), ("ID", "TWO"), ("ID", "THREE")}


def test_a_table_that_changes_between_the_parts_is_noticed() -> None:
    table = Table([dict(row) for row in ROWS])

    def ask(doing: str, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = table(doing, function, parameters)
        if not parameters["NO_DATA"]:
            table.rows.pop(0)
        return answer

    with pytest.raises(Failed) as caught:
        list(stream(ask, "T", ["ONE", "TWO"], key=["ID"]))
    assert caught.value.reason == "table_changed"


def test_a_field_wider_than_a_row_is_told() -> None:
    with pytest.raises(BadInput, match="TOO_WIDE does not fit"):
        list(stream(Table([]), "T", ["ID", "TOO_WIDE"], key=["ID"]))


def test_memory_does_not_grow_with_the_table() -> None:
    def ask(_doing: str, _function: str, given: Mapping[str, Any]) -> dict[str, Any]:
        fields = [{"FIELDNAME": "ID", "OFFSET": "000000", "LENGTH": "000010"}]
        left = max(0, min(given["ROWCOUNT"], 20_000 - given["ROWSKIPS"]))
        return {"FIELDS": fields, "DATA": [] if given["NO_DATA"] else [{"WA": f"{n:010d}"} for n in range(left)]}

    rows = stream(ask, "T", ["ID"], page=500)
    tracemalloc.start()
    for _row in itertools.islice(rows, 2000):
        pass
    early = tracemalloc.get_traced_memory()[1]
    count = 2000 + sum(1 for _row in rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000 and peak < early * 1.5


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", []),
        ("A = 'x'", ["A = 'x'"]),
        ("A = 'x' AND " * 12 + "B = 'y'", None),
        ("NAME = 'two  words' OR NAME = 'it''s'", ["NAME = 'two  words' OR NAME = 'it''s'"]),
    ],
)
def test_a_condition_is_cut_at_blanks(condition: str, expected: list[str] | None) -> None:
    found = lines(condition)
    assert all(len(line) <= 72 for line in found)
    assert " ".join(found) == condition
    if expected is not None:
        assert found == expected


def test_a_literal_is_never_cut() -> None:
    condition = f"A = 'x' AND B = {literal('w ' * 30)} AND C = 'z'"
    assert literal("w " * 30) in lines(condition)[1]


@pytest.mark.parametrize("condition", ["A = '" + "x" * 80 + "'", "A = 'open"])
def test_a_condition_that_cannot_be_written_is_told(condition: str) -> None:
    with pytest.raises(BadInput):
        lines(condition)


def test_names_and_literals_cannot_break_out() -> None:
    assert literal("it's") == "'it''s'"
    with pytest.raises(BadInput):
        literal("a\nb")
    for table, field in (("T; X", "ID"), ("T", "ID' OR")):
        with pytest.raises(BadInput):
            list(stream(Table([]), table, [field]))


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"FIELDS": [{"FIELDNAME": "ID", "OFFSET": "0", "LENGTH": "wide"}]},
        {"FIELDS": [{"FIELDNAME": "OTHER", "OFFSET": "0", "LENGTH": "5"}]},
    ],
)
def test_an_odd_answer_is_a_failure(answer: dict[str, Any]) -> None:
    with pytest.raises(Failed):
        list(stream(lambda *_given: answer, "T", ["ID"]))
