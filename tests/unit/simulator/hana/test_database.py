# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the simulated HANA: who may log on, who sees what, what runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.simulator.hana.answers import Cut, SqlError
from tests.simulator.hana.database import USER_STATES
from tests.unit.simulator.hana.stage import Stage

TABLE = "CREATE TABLE T (ID INTEGER PRIMARY KEY, NAME NVARCHAR(20))"


def code(stage: Stage, user: str, proved: bool = True) -> int:
    """The code that a log-on to PRD ends with, 0 for none."""
    try:
        stage.engines["HDP"].logged_on("PRD", user, proved)
    except SqlError as error:
        return error.code
    return 0


def test_five_wrong_passwords_lock_a_user(stage: Stage) -> None:
    assert [code(stage, "MONITOR_USER", False) for _count in range(4)] == [10] * 4
    assert code(stage, "MONITOR_USER") == 0, "a right one starts the count anew"
    assert [code(stage, "MONITOR_USER", False) for _count in range(5)] == [10] * 5
    assert code(stage, "MONITOR_USER") == 416
    stage.world.systems["HDP"].set_user("MONITOR_USER", state="active")
    assert code(stage, "MONITOR_USER") == 0


@pytest.mark.parametrize("state", USER_STATES)
def test_states_of_users(stage: Stage, state: str) -> None:
    stage.world.systems["HDP"].set_user("MONITOR_USER", database="PRD", state=state)
    assert code(stage, "MONITOR_USER") == USER_STATES[state][0]
    assert code(stage, "MONITOR_USER", False) in (10, 416)
    assert code(stage, "SYSTEM") == 0


def test_a_stranger_learns_nothing(stage: Stage) -> None:
    with pytest.raises(SqlError) as refusal:
        stage.engines["HDP"].account("PRD", "NOBODY")
    assert (refusal.value.code, refusal.value.text) == (10, "authentication failed")


def test_the_fault_that_locks(stage: Stage) -> None:
    stage.faults.add({"name": "hana_user_locked", "database": "PRD", "times": 1})
    assert code(stage, "SYSTEM") == 416
    stage.faults.remove()
    assert code(stage, "SYSTEM") == 416


def test_ports_of_databases(tmp_path: Path) -> None:
    stage = Stage(tmp_path, HDP={"tenants": ["A", "B", "C"]})
    engine = stage.engines["HDP"]
    assert [engine.port(name) for name in engine.databases()] == [30013, 30015, 30041, 30044]
    with pytest.raises(SqlError):
        engine.port("D")


def test_changes_are_seen_after_the_commit(stage: Stage) -> None:
    async def play() -> None:
        await stage.all("PRD", TABLE, "INSERT INTO T VALUES (1, 'one')")
        mine, other = stage.session("PRD", autocommit=False), stage.session("PRD")
        await stage.do(mine, "INSERT INTO T VALUES (2, 'two')")
        await stage.do(mine, "DELETE FROM T WHERE ID = 1")
        count = "SELECT COUNT(*), MIN(ID) FROM T"
        assert await stage.do(mine, count) == [(1, 2)] and await stage.do(other, count) == [(1, 1)]
        stage.engines["HDP"].rollback(mine)
        assert await stage.do(mine, count) == [(1, 1)]
        await stage.do(mine, "UPDATE T SET ID = 7 WHERE ID = 1")
        stage.engines["HDP"].commit(mine)
        assert await stage.do(other, count) == [(1, 7)]

    asyncio.run(play())


def test_a_primary_key_is_unique(stage: Stage) -> None:
    async def play() -> None:
        await stage.all("PRD", TABLE, "INSERT INTO T VALUES (1, 'one')", "INSERT INTO T VALUES (2, 'two')")
        session = stage.session("PRD", autocommit=False)
        for sql in (
            "INSERT INTO T VALUES (1, 'again')",
            "UPDATE T SET ID = 1 WHERE ID = 2",
            "UPDATE T SET ID = 3 WHERE ID > 0",
        ):
            assert (await stage.fails(session, sql)).code == 301
        await stage.do(session, "DELETE FROM T WHERE ID = 1")
        await stage.do(session, "INSERT INTO T VALUES (1, 'new')")
        assert (await stage.fails(session, "INSERT INTO T VALUES (1, 'newer')")).code == 301
        stage.engines["HDP"].commit(session)
        assert await stage.do("PRD", "SELECT NAME FROM T ORDER BY ID") == [("new",), ("two",)]

    asyncio.run(play())


def test_stop_and_start(stage: Stage) -> None:
    async def play() -> None:
        engine, session = stage.engines["HDP"], stage.session("PRD")
        await stage.do(session, "SELECT * FROM DUMMY")
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE PRD")
        assert not engine.listening("PRD") and engine.listening("TST") and engine.listening("SYSTEMDB")
        assert (await stage.fails("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE PRD")).code == 2
        with pytest.raises(Cut):
            await stage.do(session, "SELECT * FROM DUMMY")
        # Stopped on its own, it stays stopped over a restart of the system.
        for phase in ("stopped", "running"):
            stage.landscape.restore({"instances": {"HDP/hdpdb/HDB00": {"phase": phase}}})
            assert engine.listening("TST") is (phase == "running")
        assert not engine.listening("PRD")
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM START DATABASE PRD")
        assert engine.listening("PRD")
        with pytest.raises(Cut):
            await stage.do(session, "SELECT * FROM DUMMY")
        assert stage.effects()[:1] == ["hana_database_stopped"]

    asyncio.run(play())


def test_states_on_the_way(stage: Stage) -> None:
    async def play() -> None:
        status = "SELECT ACTIVE_STATUS FROM M_DATABASES WHERE DATABASE_NAME = 'PRD'"
        seen = []
        for verb in ("STOP", "START"):
            task = asyncio.ensure_future(
                stage.engines["HDP"].execute(stage.session("SYSTEMDB@HDP"), f"ALTER SYSTEM {verb} DATABASE PRD")
            )
            await asyncio.sleep(0)
            seen += await stage.do("SYSTEMDB@HDP", status)
            other = "START" if verb == "STOP" else "STOP"
            assert (await stage.fails("SYSTEMDB@HDP", f"ALTER SYSTEM {other} DATABASE PRD")).code == 2
            stage.clock.advance(60)
            await task
            seen += await stage.do("SYSTEMDB@HDP", status)
        assert seen == [("STOPPING",), ("NO",), ("STARTING",), ("YES",)]

    asyncio.run(play())


def test_a_tenant_that_stays_down(stage: Stage) -> None:
    async def play() -> None:
        stage.faults.add({"name": "hana_tenant_stays_down", "database": "PRD"})
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE PRD")
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM START DATABASE PRD")
        stage.clock.advance(3600)
        assert stage.database("PRD").status == "STARTING" and not stage.engines["HDP"].listening("PRD")
        stage.faults.remove()
        assert stage.engines["HDP"].listening("PRD")

    asyncio.run(play())


def test_tenants_come_and_go(stage: Stage) -> None:
    async def play() -> None:
        await stage.do("SYSTEMDB@HDP", 'CREATE DATABASE NEW SYSTEM USER PASSWORD "Secret1"')
        assert stage.engines["HDP"].account("NEW", "SYSTEM").password == "Secret1"
        await stage.all("NEW", TABLE, "BACKUP DATA USING FILE ('n')")
        assert (await stage.fails("SYSTEMDB@HDP", "DROP DATABASE NEW")).code == 2
        assert (await stage.fails("SYSTEMDB@HDP", "RENAME DATABASE NEW TO OTHER")).code == 2
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE NEW IMMEDIATE")
        await stage.do("SYSTEMDB@HDP", "RENAME DATABASE NEW TO OTHER")
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM START DATABASE OTHER")
        assert await stage.do("OTHER", "SELECT COUNT(*) FROM T") == [(0,)]
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE OTHER")
        await stage.do("SYSTEMDB@HDP", "DROP DATABASE OTHER DROP BACKUPS")
        assert stage.files() == [] and "OTHER" not in stage.engines["HDP"].databases()
        assert (await stage.fails("SYSTEMDB@HDP", "ALTER SYSTEM START DATABASE OTHER")).code == 397

    asyncio.run(play())


def test_the_landscape_file_brings_tables_and_is_checked(tmp_path: Path) -> None:
    async def play() -> None:
        table = {"columns": {"ID": "INTEGER", "NAME": "NVARCHAR"}, "key": ["ID"], "rows": [[1, "one"]]}
        stage = Stage(tmp_path, HDP={"tables": {"SAPABAP1.T000": table}})
        assert await stage.do("PRD", "SELECT NAME FROM SAPABAP1.T000 WHERE ID = 1") == [("one",)]
        assert await stage.do("PRD", "SELECT NAME FROM T000") == [("one",)]
        with pytest.raises(ValueError, match="knows no tenant; known are"):
            Stage(tmp_path, HDP={"tenant": "PRD"})

    asyncio.run(play())


def test_parameters_of_layers(stage: Stage) -> None:
    async def play() -> None:
        system, prd = stage.world.systems["HDP"], stage.database("PRD")
        place = "ALTER SYSTEM ALTER CONFIGURATION ('global.ini','{}'{}) {} ('persistence','log_mode'){}"
        for layer, more, verb, value, found in (
            ("SYSTEM", "", "SET", " = 'overwrite'", "overwrite"),
            ("DATABASE", ",'PRD'", "SET", " = 'normal'", "normal"),
            ("DATABASE", ",'PRD'", "UNSET", "", "overwrite"),
            ("SYSTEM", "", "UNSET", "", "normal"),
        ):
            await stage.do("SYSTEMDB@HDP", place.format(layer, more, verb, value) + " WITH RECONFIGURE")
            assert system.parameter(prd, "global.ini", "persistence", "log_mode") == found
        await stage.do("PRD", place.format("SYSTEM", "", "SET", " = 'overwrite'"))
        sql = "SELECT LAYER_NAME, TENANT_NAME FROM M_INIFILE_CONTENTS WHERE KEY = 'log_mode' AND VALUE = ?"
        rows = await stage.do("SYSTEMDB@HDP", sql, "overwrite")
        assert rows == [("DATABASE", "PRD")]
        assert (await stage.fails("PRD", place.format("DATABASE", ",'TST'", "UNSET", ""))).code == 7

    asyncio.run(play())
