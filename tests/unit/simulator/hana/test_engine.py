# SPDX-License-Identifier: GPL-3.0-or-later
"""What statements give back, who may send them, how faults cut them short."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from tests.simulator.hana.answers import Cut, Hang
from tests.simulator.hana.views import VIEWS
from tests.unit.simulator.hana.stage import Stage

TABLE = "CREATE TABLE T (ID INTEGER PRIMARY KEY, NAME NVARCHAR(5), AT TIMESTAMP, SIZE DECIMAL(10, 2))"
ROWS = [
    (1, "one", datetime(2026, 1, 1), None),
    (2, "two", datetime(2026, 1, 2), "2.50"),
    (3, "three", None, "10"),
    (4, None, datetime(2026, 1, 4, 12), "-1"),
]

SELECTS: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("SELECT ID FROM T WHERE ID > 1 AND ID <= 3", [(2,), (3,)]),
    ("SELECT ID FROM T WHERE ID = 1 OR NAME = 'two' AND ID = 9", [(1,)]),
    ("SELECT ID FROM T WHERE NOT (ID IN (1, 2)) ORDER BY ID DESC", [(4,), (3,)]),
    ("SELECT ID FROM T WHERE NAME LIKE 't%'", [(2,), (3,)]),
    ("SELECT ID FROM T WHERE NAME NOT LIKE '_wo'", [(1,), (3,)]),
    ("SELECT ID FROM T WHERE NAME IS NULL", [(4,)]),
    ("SELECT ID FROM T WHERE NAME <> 'x' AND AT IS NOT NULL", [(1,), (2,)]),
    ("SELECT ID FROM T WHERE ID BETWEEN 2 AND 3", [(2,), (3,)]),
    ("SELECT ID FROM T WHERE ID NOT BETWEEN 2 AND 3", [(1,), (4,)]),
    ("SELECT ID FROM T WHERE AT >= '2026-01-02 00:00:00'", [(2,), (4,)]),
    ("SELECT ID FROM T WHERE ID = '2'", [(2,)]),
    ("SELECT ID FROM T WHERE SIZE > 2", [(2,), (3,)]),
    ("SELECT ID FROM T WHERE ID NOT IN (1, NULL)", []),
    ("SELECT NAME FROM T ORDER BY NAME", [(None,), ("one",), ("three",), ("two",)]),
    ("SELECT ID FROM T ORDER BY AT DESC, ID LIMIT 2", [(4,), (2,)]),
    ("SELECT ID AS X FROM T ORDER BY X DESC LIMIT 1 OFFSET 1", [(3,)]),
    ("SELECT COUNT(*), MIN(ID), MAX(ID), SUM(ID), COUNT(NAME) FROM T", [(4, 1, 4, 10, 3)]),
    ("SELECT MAX(ID) FROM T WHERE ID > 9", [(None,)]),
    ("SELECT DISTINCT ID * 0 FROM T", [(0,)]),
    ("SELECT UPPER(NAME) || '!' FROM T WHERE (ID + 1) * 2 = 6", [("TWO!",)]),
    ("SELECT IFNULL(NAME, 'none') FROM T WHERE ID = 4", [("none",)]),
    ("SELECT x.ID, 'a' FROM T AS x WHERE x.ID = 1", [(1, "a")]),
    ("SELECT 'ping' FROM DUMMY WHERE 1=0", []),
    ("SELECT CURRENT_USER, 1 FROM SYS.DUMMY", [("SYSTEM", 1)]),
    ("SELECT SUBSTR_AFTER(SUBPATH, '.') FROM M_VOLUMES", [("00003",)]),
]

REFUSED = [
    ("SELECT * FROM NOTHING", 259),
    ("SELECT * FROM SYS.NOTHING", 259),
    ("SELECT NOTHING FROM T", 260),
    ("SELECT Y.ID FROM T AS X", 260),
    ("SELECT ID FROM T ORDER BY NOTHING", 260),
    ("SELECT ID, COUNT(*) FROM T", 276),
    ("SELECT ID FROM T WHERE COUNT(*) > 1", 277),
    ("SELECT NO_FUNCTION(ID) FROM T", 328),
    ("SELECT * FROM SYS_DATABASES.M_SERVICES", 362),
    ("INSERT INTO T (ID, NOTHING) VALUES (9, 9)", 260),
    ("INSERT INTO T VALUES (9)", 270),
    ("INSERT INTO T (ID, NAME) VALUES (9, 'much too long')", 274),
    ("INSERT INTO T (NAME) VALUES ('x')", 287),
    ("CREATE TABLE T (ID INTEGER)", 288),
    ("DROP TABLE NOTHING", 259),
    ("SELECT ID FROM T WHERE AT > 'soon'", 339),
    ("SELECT ID FROM T WHERE ID = ?", 313),
    ("ALTER SYSTEM STOP DATABASE TST", 7),
    ("BACKUP DATA FOR TST USING FILE ('x')", 7),
    ("SELECT * FROM T GROUP BY ID", 257),
]


async def filled(stage: Stage) -> None:
    """The table with its rows."""
    await stage.do("PRD", TABLE)
    for row in ROWS:
        await stage.do("PRD", "INSERT INTO T VALUES (?, ?, ?, ?)", *row)


def test_selects(stage: Stage) -> None:
    async def play() -> None:
        await filled(stage)
        for sql, rows in SELECTS:
            assert (sql, await stage.do("PRD", sql)) == (sql, rows)

    asyncio.run(play())


def test_refusals(stage: Stage) -> None:
    async def play() -> None:
        await filled(stage)
        for sql, code in REFUSED:
            assert (sql, (await stage.fails("PRD", sql)).code) == (sql, code)
        assert await stage.do("PRD", "SELECT COUNT(*) FROM T") == [(4,)]

    asyncio.run(play())


def test_counts_of_changes(stage: Stage) -> None:
    async def play() -> None:
        await filled(stage)
        assert await stage.do("PRD", "UPDATE T SET NAME = 'x', SIZE = ID * 2 WHERE ID > ?", 2) == 2
        assert await stage.do("PRD", "DELETE FROM T WHERE NAME = 'x'") == 2
        assert await stage.do("PRD", "DELETE FROM T") == 2

    asyncio.run(play())


def test_what_prepare_tells(stage: Stage) -> None:
    async def play() -> None:
        await filled(stage)
        engine, session = stage.engines["HDP"], stage.session("PRD")
        told = engine.describe(session, "SELECT AT, COUNT(*) AS N FROM T WHERE ID = ? AND NAME IN (?, ?) LIMIT ?")
        assert told.kind == "SELECT"
        assert [(c.name, c.type) for c in told.columns] == [("AT", "TIMESTAMP"), ("N", "BIGINT")]
        assert [c.type for c in told.parameters] == ["INTEGER", "NVARCHAR", "NVARCHAR", "INTEGER"]
        for sql, kind, types in (
            ("INSERT INTO T (AT, ID) VALUES (?, ?)", "INSERT", ["TIMESTAMP", "INTEGER"]),
            ("UPDATE T SET SIZE = ? WHERE ID = ?", "UPDATE", ["DECIMAL", "INTEGER"]),
            ("DELETE FROM T WHERE AT < ?", "DELETE", ["TIMESTAMP"]),
            ("BACKUP DATA USING FILE ('x')", "OTHER", []),
        ):
            told = engine.describe(session, sql)
            assert (told.kind, [c.type for c in told.parameters]) == (kind, types)

    asyncio.run(play())


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_gives_rows_that_fit_its_columns(stage: Stage, view: str) -> None:
    async def play() -> None:
        await stage.do("SYSTEMDB@HDP", "BACKUP DATA FOR PRD USING FILE ('x')")
        listed = await stage.do(
            "PRD", "SELECT VIEW_COLUMN_NAME FROM M_MONITOR_COLUMNS WHERE VIEW_NAME = ? ORDER BY POSITION", view
        )
        for where, schema in (("PRD", ""), ("PRD", "SYS."), ("SYSTEMDB@HDP", "SYS_DATABASES.")):
            if view == "DUMMY" and schema == "SYS_DATABASES.":
                continue
            session = stage.session(where)
            result = await stage.wait(stage.engines["HDP"].execute(session, f"SELECT * FROM {schema}{view}"))
            names = [column.name for column in result.columns]
            assert names == ["DATABASE_NAME"] * (schema == "SYS_DATABASES.") + [row[0] for row in listed]
            rows = list(result.rows)
            assert all(len(row) == len(names) for row in rows)
            assert rows or view == "M_SERVICE_REPLICATION"

    asyncio.run(play())


ALLOWED = {
    "BACKUP DATA FOR PRD USING FILE ('x')": {"BACKUP_ADMIN_USER", "BACKUP_OPERATOR_USER"},
    "BACKUP CATALOG DELETE FOR PRD BACKUP_ID 1": {"BACKUP_ADMIN_USER"},
    "RECOVER DATA FOR PRD USING FILE ('x') CLEAR LOG": {"BACKUP_ADMIN_USER"},
    "ALTER SYSTEM STOP DATABASE PRD": {"BACKUP_ADMIN_USER"},
    "ALTER SYSTEM ALTER CONFIGURATION ('a.ini','SYSTEM') SET ('a','b') = 'c'": set(),
    "ALTER DATABASE PRD SET ENCRYPTION ROOT KEYS BACKUP PASSWORD 'p'": set(),
}


@pytest.mark.parametrize("sql", ALLOWED)
def test_privileges(stage: Stage, sql: str) -> None:
    async def play() -> None:
        for user in ("PLAIN_USER", "MONITOR_USER", "BACKUP_OPERATOR_USER", "BACKUP_ADMIN_USER", "SYSTEM"):
            session = stage.session("SYSTEMDB@HDP", user)
            try:
                await stage.do(session, sql)
                code = 0
            except Exception as error:
                code = getattr(error, "code", -1)
            assert (code != 258) is (user in ALLOWED[sql] | {"SYSTEM"}), (user, code)
            if stage.database("PRD").status == "NO":
                await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM START DATABASE PRD")

    asyncio.run(play())


def test_without_catalog_read_views_are_empty(stage: Stage) -> None:
    async def play() -> None:
        session = stage.session("SYSTEMDB@HDP", "PLAIN_USER")
        assert await stage.do(session, "SELECT * FROM M_DATABASES") == []
        assert len(await stage.do(session, "SELECT * FROM M_DATABASE")) == 1
        await stage.do(stage.session("SYSTEMDB@HDP"), "SELECT * FROM DUMMY")
        assert await stage.do(session, "SELECT USER_NAME FROM M_CONNECTIONS") == [("PLAIN_USER",)]
        assert len(await stage.do(stage.session("SYSTEMDB@HDP", "MONITOR_USER"), "SELECT * FROM M_DATABASES")) == 3

    asyncio.run(play())


def test_a_connection_that_is_lost_does_not_stop_the_server(stage: Stage) -> None:
    async def play() -> None:
        stage.faults.add({"name": "hana_connection_lost", "operation": "BACKUP DATA", "database": "PRD", "times": 1})
        await stage.do("SYSTEMDB@HDP", "SELECT * FROM DUMMY")
        with pytest.raises(Cut):
            await stage.do("SYSTEMDB@HDP", "BACKUP DATA FOR PRD USING FILE ('x')")
        assert stage.effects() == ["hana_backup_started"]
        stage.clock.advance(100)
        assert stage.effects() == ["hana_backup_started", "hana_backup_finished"]

    asyncio.run(play())


def test_a_statement_that_hangs_is_not_performed(stage: Stage) -> None:
    async def play() -> None:
        await stage.do("PRD", "CREATE TABLE T (ID INTEGER)")
        stage.faults.add({"name": "hana_hang", "operation": "INSERT", "times": 1, "after": 1})
        await stage.do("PRD", "INSERT INTO T VALUES (1)")
        with pytest.raises(Hang):
            await stage.do("PRD", "INSERT INTO T VALUES (2)")
        await stage.do("PRD", "INSERT INTO T VALUES (3)")
        assert await stage.do("PRD", "SELECT ID FROM T") == [(1,), (3,)]

    asyncio.run(play())
