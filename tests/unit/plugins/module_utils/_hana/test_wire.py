# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements as text: nothing that a user gives is read as SQL."""

from __future__ import annotations

import datetime as dt
import decimal

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._hana import wire


@pytest.mark.parametrize(
    "made, statement",
    [
        (
            wire.backup("full", None, "file", ["FULL"], "by us"),
            "BACKUP DATA USING FILE ('FULL') ASYNCHRONOUS COMMENT 'by us'",
        ),
        (
            wire.backup("incremental", "PRD", "backint", ["I'x"], "c", "tool=1"),
            "BACKUP DATA INCREMENTAL FOR \"PRD\" USING BACKINT ('I''x') TOOLOPTION 'tool=1' ASYNCHRONOUS COMMENT 'c'",
        ),
        (
            wire.backup("differential", 'P"D', "file", ["/backup", "D"], "c"),
            "BACKUP DATA DIFFERENTIAL FOR \"P\"\"D\" USING FILE ('/backup', 'D') ASYNCHRONOUS COMMENT 'c'",
        ),
        (
            wire.close_snapshot(7, "array'7"),
            "BACKUP DATA FOR FULL SYSTEM CLOSE SNAPSHOT BACKUP_ID 7 SUCCESSFUL 'array''7'",
        ),
        (wire.close_snapshot(7, None), "BACKUP DATA FOR FULL SYSTEM CLOSE SNAPSHOT BACKUP_ID 7 UNSUCCESSFUL"),
        (wire.delete_before("PRD", 9, True), 'BACKUP CATALOG DELETE FOR "PRD" ALL BEFORE BACKUP_ID 9 COMPLETE'),
        (wire.delete_before(None, 9, False), "BACKUP CATALOG DELETE ALL BEFORE BACKUP_ID 9"),
        (wire.stop_database("PRD", True), 'ALTER SYSTEM STOP DATABASE "PRD" IMMEDIATE'),
        (
            wire.set_parameter("global.ini", "DATABASE", "PRD", "persistence", "log_mode", "it's"),
            "ALTER SYSTEM ALTER CONFIGURATION ('global.ini', 'DATABASE', 'PRD') SET ('persistence', 'log_mode') = "
            "'it''s' WITH RECONFIGURE",
        ),
    ],
)
def test_statement(made: str, statement: str) -> None:
    assert made == statement


@pytest.mark.parametrize("wrong", ["", "x" * 128, "a\0b"])
def test_what_is_no_name(wrong: str) -> None:
    with pytest.raises(BadInput):
        wire.name(wrong)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM DUMMY",
        "select * from t where a = 'DELETE; DROP' -- a remark; INSERT",
        "/* first */ SELECT 1 FROM DUMMY;",
        "WITH x AS (SELECT 1 FROM DUMMY) SELECT * FROM x",
        'SELECT "UPDATE" FROM t',
    ],
)
def test_question(sql: str) -> None:
    assert wire.is_question(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "   ",
        "-- SELECT 1",
        "DELETE FROM t",
        "BACKUP DATA USING FILE ('x')",
        "SELECT 1 FROM DUMMY; DROP TABLE t",
        "SELECT * FROM t FOR UPDATE",
        "SELECT a INTO b FROM t",
        "CALL p()",
        "EXPLAIN PLAN FOR SELECT 1",
        "DO BEGIN SELECT 1 FROM DUMMY; END",
    ],
)
def test_what_is_not_clearly_a_question_counts_as_a_change(sql: str) -> None:
    assert not wire.is_question(sql)


@pytest.mark.parametrize(
    "value, plain",
    [
        (None, None),
        (7, 7),
        (True, True),
        (decimal.Decimal("12.50"), "12.50"),
        (dt.datetime(2026, 5, 10, 1, 2, 3), "2026-05-10T01:02:03"),
        (dt.date(2026, 5, 10), "2026-05-10"),
        (b"\x00\xff", "00ff"),
    ],
)
def test_values_as_json(value: object, plain: object) -> None:
    assert wire.plain(value) == plain


def test_an_instant_of_another_zone_is_written_in_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    assert wire.moment(dt.datetime(2026, 5, 10, 1, 0, tzinfo=zone)) == "'2026-05-09 23:00:00'"


def test_a_parameter_is_taken_out_of_a_layer() -> None:
    assert wire.unset_parameter("global.ini", "DATABASE", "PRD", "s", "k") == (
        "ALTER SYSTEM ALTER CONFIGURATION ('global.ini', 'DATABASE', 'PRD') UNSET ('s', 'k') WITH RECONFIGURE"
    )


@pytest.mark.parametrize("password", ["", "x\0secret", "secret" * 30])
def test_a_password_that_cannot_be_is_refused_without_a_word_of_it(password: str) -> None:
    with pytest.raises(BadInput) as caught:
        wire.create_database("QA2", password, None)
    assert "secret" not in caught.value.message
