# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading T000 with TBDLS; which clients are kept away from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.clients import (
    ClientRow,
    clients,
    count,
    defined,
    one,
    refuse_production,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Address, Conversation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tables import PAGE
from tests.unit.plugins.module_utils._rfc.system import WIDTHS, System, Talk

WIDTHS.update(MANDT=3, CCCATEGORY=1, LOGSYS=10, CCCOPYLOCK=1)
ROWS = {"100": ClientRow("100", "P", "PRDCLNT100"), "000": ClientRow("000", "S", "")}


class Tables(System):
    """A system of tables that keeps the questions; one that skips no rows when it is told so."""

    def __init__(self, **tables: list[dict[str, str]]) -> None:
        super().__init__()
        self.tables = tables
        self.skips = True
        self.asked: list[tuple[str, list[str]]] = []

    def open(self, _address: Address) -> Conversation:
        return Reading(self)


class Reading(Talk):
    """A conversation with it."""

    def __init__(self, system: Tables) -> None:
        super().__init__(system)
        self._reads = system

    def call(self, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        fields = [row["FIELDNAME"] for row in parameters["FIELDS"]]
        self._reads.asked.append((parameters["QUERY_TABLE"], fields))
        assert len(self._reads.asked) < 50, "it is asked for ever"
        return super().call(function, parameters if self._reads.skips else {**parameters, "ROWSKIPS": 0})


def t000(*numbers: str) -> list[dict[str, str]]:
    return [{"MANDT": n, "CCCATEGORY": "T", "LOGSYS": f"QASCLNT{n}", "CCCOPYLOCK": "X"} for n in numbers]


def test_the_copy_lock_is_read_only_when_it_is_asked_for() -> None:
    system = Tables(T000=t000("000", "100"))
    assert clients(system.client())["100"] == ClientRow("100", "T", "QASCLNT100", "")
    assert not [fields for _table, fields in system.asked if "CCCOPYLOCK" in fields]
    assert clients(system.client(), copy_lock=True) == {
        "000": ClientRow("000", "T", "QASCLNT000", "X"),
        "100": ClientRow("100", "T", "QASCLNT100", "X"),
    }


def test_a_client_without_logical_system_or_category_is_a_row_all_the_same() -> None:
    assert clients(Tables(T000=[{"MANDT": "066"}]).client()) == {"066": ClientRow("066", "", "")}


@pytest.mark.parametrize("number", ["", "1", "10", "200"])
def test_a_client_that_is_not_there_is_told_beside_those_that_are(number: str) -> None:
    assert one("copy", ROWS, "100") is ROWS["100"]
    with pytest.raises(Failed, match=f"has no client {number}; it has 000, 100") as caught:
        one("copy", ROWS, number)
    assert caught.value.reason == "no_client"


@pytest.mark.parametrize("allowed", [[], ["000"], ["10"], ["1000"], ["P"], iter(())])
def test_a_production_client_that_nobody_named_is_denied(allowed: Any) -> None:
    with pytest.raises(Denied, match="production_clients") as caught:
        refuse_production("copy", ROWS["100"], allowed)
    assert caught.value.reason == "production_client"


def test_a_named_production_client_or_any_other_one_passes() -> None:
    refuse_production("copy", ROWS["100"], ["000", "100"])
    refuse_production("copy", ROWS["100"], iter(["100"]))
    for category in ("", "T", "C", "D", "E", "S", "p"):
        refuse_production("copy", ROWS["100"]._replace(category=category), [])


def test_the_names_that_are_defined() -> None:
    system = Tables(TBDLS=[{"LOGSYS": "PRDCLNT100"}, {"LOGSYS": "O'BRIEN"}, {"LOGSYS": "OTHER"}])
    assert defined(system.client(), ["PRDCLNT100", "O'BRIEN", "GONE", "PRD"]) == {"PRDCLNT100", "O'BRIEN"}


def test_whoever_names_nothing_asks_nothing() -> None:
    system = Tables(TBDLS=[{"LOGSYS": "PRDCLNT100"}])
    assert defined(system.client(), []) == set() and system.asked == []


@pytest.mark.parametrize("rows", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 3])
def test_every_row_is_counted_across_the_pages(rows: int) -> None:
    others = [{"LOGSYS": "OTHER"}] * 2
    system = Tables(T000=t000("000", "100"), BKPF=[{"LOGSYS": "OLD"}] * rows + others)
    assert count(system.client(), "BKPF", "LOGSYS", "OLD") == rows
    probed = any(table == "T000" for table, _fields in system.asked)
    assert probed is (rows >= PAGE), "T000 is looked at only where more pages may come"


@pytest.mark.parametrize("numbers", [("000",), ("000", "100"), ("000", "001", "100")])
def test_a_system_that_skips_no_rows_is_not_counted_for_ever(numbers: tuple[str, ...]) -> None:
    system = Tables(T000=t000(*numbers), BKPF=[{"LOGSYS": "OLD"}] * PAGE)
    assert count(system.client(), "BKPF", "LOGSYS", "OLD") == PAGE
    system.skips = False
    with pytest.raises(Failed) as caught:
        count(system.client(), "BKPF", "LOGSYS", "OLD")
    assert caught.value.reason == "malformed"
