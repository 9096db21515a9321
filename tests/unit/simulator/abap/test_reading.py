# SPDX-License-Identifier: GPL-3.0-or-later
"""RFC_READ_TABLE of the simulated ABAP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.abap.errors import AbapException
from tests.simulator.abap.where import BadCondition, Condition
from tests.unit.simulator.abap.stage import QUIET, Stage

TYPES = {"NAME": "C", "COUNT": "I", "DAY": "D"}
ROWS: list[dict[str, Any]] = [
    {"NAME": "ALPHA", "COUNT": 1, "DAY": "20260101"},
    {"NAME": "BETA", "COUNT": 20, "DAY": ""},
    {"NAME": "O'HARA", "COUNT": 300},
]


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["NAME = 'ALPHA'"], "A"),
        (["NAME EQ 'ALPHA  '"], "A"),
        (["NAME <> 'ALPHA'"], "BO"),
        (["name like '%A' and count > 1"], "BO"),
        (["NAME LIKE '_ETA'"], "B"),
        (["NAME IN ('ALPHA', 'BETA')"], "AB"),
        (["NAME NOT IN ('ALPHA','BETA')"], "O"),
        (["NAME = 'O''HARA'"], "O"),
        (["COUNT BETWEEN 2 AND 300"], "BO"),
        (["COUNT GE '20' AND ( NAME = 'ALPHA' OR", "NAME = 'BETA' )"], "B"),
        (["NOT ( COUNT = 1 OR COUNT = 20 )"], "O"),
        (["DAY = '00000000'"], "BO"),
        (["DAY >= '20250101'"], "A"),
        (["NAME = 'X' OR NAME = 'BETA' AND COUNT = 20"], "B"),
    ],
)
def test_conditions(lines: list[str], names: str) -> None:
    test = Condition(lines, TYPES).test
    assert test is not None
    assert "".join(row["NAME"][0] for row in ROWS if test(row)) == names


@pytest.mark.parametrize(
    "lines",
    [
        ["NAME"],
        ["NAME ="],
        ["NAME = ALPHA"],
        ["NAME = 'ALPHA' AND"],
        ["NAME = 'ALPHA' NAME = 'BETA'"],
        ["( NAME = 'ALPHA'"],
        ["OTHER = '1'"],
        ["COUNT = 'x'"],
        ["NAME = 'AL", "PHA'"],
        ["NAME = 'ALPHA"],
        ["NAME ~~ 'ALPHA'"],
        ["'ALPHA' = NAME"],
        ["; DROP"],
    ],
)
def test_bad_conditions(lines: list[str]) -> None:
    with pytest.raises(BadCondition):
        Condition(lines, TYPES)


def fails(stage: Stage, table: str, *fields: str, where: str = "") -> str:
    """The exception that a reading ends with."""
    with pytest.raises(AbapException) as error:
        stage.rows(stage.logon(), table, *fields, where=(where,) if where else ())
    return error.value.key


def test_exceptions(stage: Stage) -> None:
    assert fails(stage, "ZNONE") == "TABLE_NOT_AVAILABLE"
    assert fails(stage, "SNAP") == "TABLE_NOT_AVAILABLE"
    assert fails(stage, "SYST") == "TABLE_WITHOUT_DATA"
    assert fails(stage, "T000", "NONE") == "FIELD_NOT_VALID"
    assert fails(stage, "T000", "MANDT", where="MANDT = ") == "OPTION_NOT_VALID"
    assert fails(stage, "TBTCO") == "DATA_BUFFER_EXCEEDED"


def test_shape_of_the_answer(stage: Stage) -> None:
    session = stage.logon()
    answer = stage.call(
        session,
        "RFC_READ_TABLE",
        QUERY_TABLE="T000",
        DELIMITER="|",
        FIELDS=[{"FIELDNAME": "MANDT"}, {"FIELDNAME": "MTEXT"}, {"FIELDNAME": "LOGSYS"}],
    )
    assert [(row["FIELDNAME"], row["OFFSET"], row["LENGTH"], row["TYPE"]) for row in answer["FIELDS"]] == [
        ("MANDT", "000000", "000003", "C"),
        ("MTEXT", "000004", "000025", "C"),
        ("LOGSYS", "000030", "000010", "C"),
    ]
    assert answer["DATA"][1]["WA"] == "100|Working client           |QASCLNT100"
    only = stage.call(session, "RFC_READ_TABLE", QUERY_TABLE="T000", NO_DATA="X")
    assert (only["DATA"], len(only["FIELDS"])) == ([], 9)


def test_numbers_keep_a_place_for_their_sign(stage: Stage) -> None:
    stage.system.fill("VBHDR", [{"VBKEY": "A", "VBRC": -5, "VBSTATE": 2}])
    fields = [{"FIELDNAME": name} for name in ("VBRC", "VBSTATE")]
    answer = stage.call(stage.logon(), "RFC_READ_TABLE", QUERY_TABLE="VBHDR", DELIMITER=";", FIELDS=fields)
    assert answer["DATA"] == [{"WA": "        5-; 2 "}]


def test_a_session_sees_its_own_client(stage: Stage) -> None:
    assert ["MILLER"] in stage.rows(stage.logon(), "USR02", "BNAME")
    assert ["MILLER"] not in stage.rows(stage.logon(client="000"), "USR02", "BNAME")
    assert stage.rows(stage.logon(client="000"), "T000", "MANDT") == [["000"], ["100"]]


def test_pages_of_a_large_table() -> None:
    table = {"columns": {"MANDT": "C3", "ID": "N10", "TEXT": "C20"}, "count": 1_000_000}
    stage = Stage(tables={"ZLARGE": table}, **QUIET)
    session = stage.logon()
    assert stage.rows(session, "ZLARGE", "ID", ROWSKIPS=999_998, ROWCOUNT=10) == [["0000999998"], ["0000999999"]]
    assert stage.rows(session, "ZLARGE", "ID", ROWSKIPS=2, ROWCOUNT=1, where=("ID > '0000000009'",)) == [["0000000012"]]
    assert stage.rows(stage.logon(client="000"), "ZLARGE", "ID", ROWCOUNT=1) == []


def test_tables_of_the_landscape_file() -> None:
    own = {"columns": {"MANDT": "C3", "ID": "N4"}, "rows": [{"MANDT": "100", "ID": 7}, {"MANDT": "000", "ID": 8}]}
    stage = Stage(tables={"ZOWN": own, "ARFCSSTATE": {"rows": [{"ARFCSTATE": "SYSFAIL"}]}}, **QUIET)
    assert stage.rows(stage.logon(), "ZOWN", "ID") == [["0007"]]
    assert stage.rows(stage.logon(), "ARFCSSTATE", "ARFCSTATE") == [["SYSFAIL"]]
    with pytest.raises(ValueError, match="ZNEW is not known"):
        Stage(tables={"ZNEW": {"rows": []}})
    with pytest.raises(ValueError, match="no column NONE"):
        stage.system.fill("VBHDR", [{"NONE": 1}])
