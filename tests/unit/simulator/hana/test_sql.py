# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements as the simulated HANA reads them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.simulator.hana import sql
from tests.simulator.hana.answers import SqlError

READ: list[tuple[str, type[sql.Statement], dict[str, Any]]] = [
    ("SELECT 'ping' FROM DUMMY WHERE 1=0", sql.Select, {"table": "DUMMY", "parameters": 0}),
    ('select a, "b" from sys.x as y -- all of it', sql.Select, {"schema": "SYS", "table": "X", "alias": "Y"}),
    ("SELECT * FROM T WHERE A IN (?, ?) AND NOT (B LIKE 'x%' OR C IS NOT NULL)", sql.Select, {"parameters": 2}),
    (
        "backup data for sbx using backint ('FULL_20240514')",
        sql.Backup,
        {"sort": "complete", "database": "SBX", "medium": "backint", "names": ("FULL_20240514",)},
    ),
    (
        "backup data incremental for sbx using backint ('INCR_20240514' )",
        sql.Backup,
        {"sort": "incremental", "asynchronous": False},
    ),
    (
        "BACKUP DATA DIFFERENTIAL USING FILE ('/backup', 'd') COMMENT 'it''s' ASYNCHRONOUS;",
        sql.Backup,
        {"sort": "differential", "database": "", "names": ("/backup", "d"), "comment": "it's", "asynchronous": True},
    ),
    ("BACKUP DATA USING BACKINT ('x') ASYNCHRONOUS TOOLOPTION 'o'", sql.Backup, {"tooloption": "o"}),
    ("BACKUP DATA FOR FULL SYSTEM CREATE SNAPSHOT COMMENT 'c'", sql.CreateSnapshot, {"comment": "c"}),
    (
        "BACKUP DATA FOR FULL SYSTEM CLOSE SNAPSHOT BACKUP_ID 17 SUCCESSFUL 'ext'",
        sql.CloseSnapshot,
        {"backup_id": 17, "successful": True, "text": "ext"},
    ),
    (
        "BACKUP DATA FOR FULL SYSTEM CLOSE SNAPSHOT BACKUP_ID 17 UNSUCCESSFUL",
        sql.CloseSnapshot,
        {"successful": False, "text": ""},
    ),
    ("BACKUP CANCEL 17", sql.CancelBackup, {"backup_id": 17}),
    (
        "BACKUP CATALOG DELETE FOR PRD ALL BEFORE BACKUP_ID 17 WITH FILE",
        sql.DeleteCatalog,
        {"database": "PRD", "before": True, "media": frozenset({"file"})},
    ),
    (
        "BACKUP CATALOG DELETE BACKUP_ID 17 COMPLETE",
        sql.DeleteCatalog,
        {"before": False, "media": frozenset({"file", "backint"})},
    ),
    ("BACKUP CATALOG DELETE BACKUP_ID 17", sql.DeleteCatalog, {"media": frozenset()}),
    (
        "RECOVER DATABASE FOR QAS UNTIL TIMESTAMP '2020.07.01 00:00:00' CLEAR LOG USING CATALOG BACKINT "
        "USING SOURCE 'PRD@HDP'",
        sql.Recover,
        {"until": datetime(2020, 7, 1), "clear_log": True, "catalog": "backint", "source": "PRD@HDP"},
    ),
    (
        "RECOVER DATABASE UNTIL TIMESTAMP '2026-01-02 03:04:05.678' USING BACKUP_ID 9 USING LOG PATH ('/a', '/b') "
        "USING CATALOG PATH ('/c') USING DATA PATH ('/d') CHECK ACCESS USING ALL",
        sql.Recover,
        {
            "until": datetime(2026, 1, 2, 3, 4, 5, 678000),
            "backup_id": 9,
            "log_paths": ("/a", "/b"),
            "catalog_path": "/c",
            "data_path": "/d",
            "check_access": "ALL",
        },
    ),
    ("RECOVER DATA FOR qas USING SNAPSHOT CLEAR LOG", sql.Recover, {"until": None, "snapshot": True}),
    ("RECOVER DATA USING FILE ('/d/p') CLEAR LOG", sql.Recover, {"medium": "file", "prefix": "/d/p"}),
    ('ALTER SYSTEM STOP DATABASE "qas" IMMEDIATE', sql.Power, {"database": "qas", "start": False, "immediate": True}),
    ("ALTER SYSTEM START DATABASE qas", sql.Power, {"database": "QAS", "start": True}),
    (
        "CREATE DATABASE N AT LOCATION 'h:30040' SYSTEM USER PASSWORD \"Pw\" NO START",
        sql.CreateDatabase,
        {"password": "Pw", "location": "h:30040", "start": False},
    ),
    ("DROP DATABASE N DROP BACKUPS", sql.DropDatabase, {"drop_backups": True}),
    ("RENAME DATABASE A TO B", sql.RenameDatabase, {"database": "A", "new": "B"}),
    (
        "ALTER SYSTEM ALTER CONFIGURATION ('global.ini','SYSTEM') SET ('a','b') = 'c', ('d','e')='f' WITH RECONFIGURE",
        sql.Configure,
        {"changes": [("a", "b", "c"), ("d", "e", "f")], "reconfigure": True},
    ),
    (
        "ALTER SYSTEM ALTER CONFIGURATION ('global.ini','DATABASE','PRD') UNSET ('a','b')",
        sql.Configure,
        {"layer": "DATABASE", "name": "PRD", "changes": [("a", "b", None)]},
    ),
    ("ALTER DATABASE PRD SET ENCRYPTION ROOT KEYS BACKUP PASSWORD 'p'", sql.RootKeyPassword, {"database": "PRD"}),
    ("BACKUP ENCRYPTION ROOT KEYS FOR PRD USING FILE ('k')", sql.BackupRootKeys, {"name": "k"}),
]

REFUSED = [
    ("", "", 1),
    ("SELEC 1", "SELEC", 1),
    ("SELECT 1", "", 9),
    ("SELECT * FROM A JOIN B ON A.X = B.X", "JOIN", 17),
    ("SELECT * FROM (SELECT 1 FROM DUMMY)", "(", 15),
    ("SELECT * FROM T WHERE (A = 1 AND B C)", "C", 36),
    ("SELECT 'open FROM DUMMY", "'", 8),
    ("BACKUP DATA USING TAPE ('x')", "TAPE", 19),
    ("BACKUP DATA USING FILE ('x') COMMENT 'a' COMMENT 'b'", "COMMENT", 42),
    ("BACKUP DATA USING FILE ('x') TOOLOPTION 'a'", "TOOLOPTION", 30),
    ("BACKUP DATA USING FILE (?)", "?", 25),
    ("BACKUP CATALOG DELETE ALL BEFORE BACKUP_ID '1'", "'1'", 44),
    ("RECOVER DATABASE FOR A UNTIL TIMESTAMP 'soon'", "'soon'", 40),
    ("RECOVER DATA FOR A CLEAR LOG", "", 29),
    ("ALTER SYSTEM STOP TENANT A", "TENANT", 19),
    ("SELECT 1 FROM DUMMY SELECT", "SELECT", 21),
]


@pytest.mark.parametrize(("text", "kind", "fields"), READ, ids=[row[0][:60] for row in READ])
def test_reads(text: str, kind: type[sql.Statement], fields: dict[str, Any]) -> None:
    found = sql.parse(text)
    assert found.__class__ is kind
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize(("text", "near", "position"), REFUSED, ids=[row[0][:60] for row in REFUSED])
def test_refuses_with_the_position(text: str, near: str, position: int) -> None:
    with pytest.raises(SqlError) as refusal:
        sql.parse(text)
    words = f'sql syntax error: incorrect syntax near "{near}": line 1 col {position} (at pos {position})'
    assert (refusal.value.code, refusal.value.position, refusal.value.text) == (257, position, words)


def test_lines_are_counted() -> None:
    with pytest.raises(SqlError) as refusal:
        sql.parse("SELECT *\nFROM T\n  WERE A = 1 1")
    assert "line 3 col 8 (at pos 24)" in refusal.value.text


def test_first_words_for_faults() -> None:
    assert sql.parse("backup data for prd using file ('x')").words[:2] == ("BACKUP", "DATA")
