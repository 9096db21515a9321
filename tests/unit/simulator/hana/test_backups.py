# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated HANA database holds after a recovery, with the files and the catalog that lead there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.hana.answers import Cut, SqlError
from tests.unit.simulator.hana.stage import Stage, ids

TABLE = "CREATE TABLE T (ID INTEGER PRIMARY KEY, NAME NVARCHAR(20))"
COPY = "RECOVER DATABASE FOR QAS UNTIL TIMESTAMP '{}' CLEAR LOG USING SOURCE 'PRD@HDP' USING CATALOG {}"


async def history(stage: Stage) -> dict[str, str]:
    """A full, an incremental, a differential, an incremental backup with a row before each; moments by name."""
    at = {}
    await stage.do("PRD", TABLE)
    for number, (sort, name) in enumerate(
        [("", "full"), ("INCREMENTAL", "inc1"), ("DIFFERENTIAL", "dif"), ("INCREMENTAL", "inc2")], 1
    ):
        await stage.do("PRD", "INSERT INTO T VALUES (?, ?)", number, name)
        at[f"before {name}"] = await stage.now()
        await stage.do("SYSTEMDB@HDP", f"BACKUP DATA {sort} FOR PRD USING FILE ('{name}')")
        at[f"after {name}"] = await stage.now()
        stage.clock.advance(60)
    await stage.do("PRD", "INSERT INTO T VALUES (5, 'log')")
    at["inserted"] = await stage.now()
    stage.clock.advance(60)
    await stage.do("PRD", "DELETE FROM T WHERE ID < 3")
    await stage.do("PRD", "UPDATE T SET NAME = 'changed' WHERE ID = 3")
    at["deleted"] = await stage.now()
    stage.clock.advance(2000)
    at["later"] = await stage.now()
    return at


async def recovered(stage: Stage, clause: str, tenant: str = "PRD") -> list[Any]:
    """Stop a tenant, recover it, read the table."""
    system = f"SYSTEMDB@{stage.database(tenant).system.key}"
    if stage.database(tenant).status == "YES":
        await stage.do(system, f"ALTER SYSTEM STOP DATABASE {tenant}")
    await stage.do(system, clause)
    assert await stage.do(system, f"SELECT ACTIVE_STATUS FROM M_DATABASES WHERE DATABASE_NAME = '{tenant}'") == [
        ("STARTING",)
    ]
    await stage.up(tenant)
    found: list[Any] = await stage.do(tenant, "SELECT * FROM T ORDER BY ID")
    return found


@pytest.mark.parametrize(
    ("moment", "rows"),
    [
        ("after full", [1]),
        ("before inc1", [1, 2]),
        ("after inc1", [1, 2]),
        ("after dif", [1, 2, 3]),
        ("after inc2", [1, 2, 3, 4]),
        ("inserted", [1, 2, 3, 4, 5]),
        ("deleted", [3, 4, 5]),
        ("later", [3, 4, 5]),
    ],
)
def test_content_is_that_of_the_moment(stage: Stage, moment: str, rows: list[int]) -> None:
    async def play() -> None:
        at = await history(stage)
        found = await recovered(stage, f"RECOVER DATABASE FOR PRD UNTIL TIMESTAMP '{at[moment]}'")
        assert ids(found) == rows
        log = stage.world.systems["HDP"].path("/usr/sap/HDP/HDB00/hdpdb/trace/DB_PRD/backup.log").read_text()
        assert "RECOVER DATA finished successfully" in log
        assert f"reached timestamp {at[moment]}" in log
        assert stage.effects("hana_recovered")

    asyncio.run(play())


@pytest.mark.parametrize(
    "gone",
    ["full_databackup_0_1", "full_databackup_3_1", "dif_databackup_differential_*_3_1", "inc2_databackup_*_3_1"],
)
def test_a_missing_member_of_the_chain_is_named(stage: Stage, gone: str) -> None:
    async def play() -> None:
        at = await history(stage)
        [path] = stage.world.systems["HDP"].root.rglob(gone)
        path.unlink()
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE PRD")
        error = await stage.fails("SYSTEMDB@HDP", f"RECOVER DATABASE FOR PRD UNTIL TIMESTAMP '{at['later']}'")
        assert error.code == 448 and path.name in error.text
        assert stage.database("PRD").status == "NO"
        assert stage.effects("hana_recovery_failed", "hana_recovered") == ["hana_recovery_failed"]

    asyncio.run(play())


def test_what_is_not_needed_may_be_missing(stage: Stage) -> None:
    async def play() -> None:
        at = await history(stage)
        for pattern in ("inc1_databackup_*", "inc2_databackup_*"):
            for path in stage.world.systems["HDP"].root.rglob(pattern):
                path.unlink()
        clause = f"RECOVER DATABASE FOR PRD UNTIL TIMESTAMP '{at['after dif']}'"
        assert ids(await recovered(stage, clause)) == [1, 2, 3]

    asyncio.run(play())


def test_a_backup_under_a_used_name_spoils_the_older_one(stage: Stage) -> None:
    async def play() -> None:
        await stage.do("PRD", TABLE)
        await stage.do("SYSTEMDB@HDP", "BACKUP DATA FOR PRD USING FILE ('same')")
        first = await stage.now()
        stage.clock.advance(60)
        await stage.do("PRD", "BACKUP DATA USING FILE ('same')")
        assert stage.files() == ["same_databackup_0_1", "same_databackup_3_1"]
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE PRD")
        error = await stage.fails("SYSTEMDB@HDP", f"RECOVER DATABASE FOR PRD UNTIL TIMESTAMP '{first}'")
        assert error.code == 448 and "overwritten" in error.text

    asyncio.run(play())


def test_without_log_backups_it_stops_at_the_newest_reachable_state(stage: Stage) -> None:
    async def play() -> None:
        at = await history(stage)
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE PRD")
        clause = f"RECOVER DATABASE FOR PRD UNTIL TIMESTAMP '{at['later']}'"
        assert ids(await recovered(stage, f"{clause} USING LOG PATH ('/nowhere')")) == [1, 2, 3, 4]
        log = stage.world.systems["HDP"].path("/usr/sap/HDP/HDB00/hdpdb/trace/DB_PRD/backup.log").read_text()
        assert "RECOVER DATA finished successfully" in log and at["later"][:16] not in log.rpartition("reached")[2]

    asyncio.run(play())


def test_recover_data_knows_no_log(stage: Stage) -> None:
    async def play() -> None:
        await history(stage)
        prefix = "/usr/sap/HDP/HDB00/backup/data/DB_PRD/full"
        assert ids(await recovered(stage, f"RECOVER DATA FOR PRD USING FILE ('{prefix}') CLEAR LOG")) == [1]
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE PRD")
        rows = await stage.do(
            "SYSTEMDB@HDP", "SELECT 1 FROM SYS_DATABASES.M_BACKUP_CATALOG WHERE DATABASE_NAME = 'PRD'"
        )
        assert rows == [], "of a stopped tenant SYS_DATABASES shows nothing"
        [full, *_more] = stage.database("PRD").backups.catalog.entries
        clause = f"RECOVER DATA FOR PRD USING BACKUP_ID {full.backup_id} CLEAR LOG"
        assert ids(await recovered(stage, clause)) == [1]

    asyncio.run(play())


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        ("RECOVER DATA FOR PRD USING FILE ('full')", "CLEAR LOG"),
        ("RECOVER DATABASE FOR PRD UNTIL TIMESTAMP '2030-01-01 00:00:00' USING SOURCE 'QAS@HDQ'", "CLEAR LOG"),
        ("RECOVER DATABASE FOR PRD UNTIL TIMESTAMP '2000-01-01 00:00:00'", "no data backup"),
        (
            "RECOVER DATABASE FOR PRD UNTIL TIMESTAMP '2030-01-01 00:00:00' USING CATALOG PATH ('/no')",
            "no backup catalog",
        ),
        ("RECOVER DATA FOR PRD USING FILE ('never') CLEAR LOG", "never_databackup_0_1"),
        ("RECOVER DATA FOR PRD USING SNAPSHOT CLEAR LOG", "no data snapshot"),
        ("RECOVER DATABASE FOR SYSTEMDB UNTIL TIMESTAMP '2030-01-01 00:00:00'", "recoverSys.py"),
    ],
)
def test_refused_recoveries(stage: Stage, clause: str, words: str) -> None:
    async def play() -> None:
        await stage.do("SYSTEMDB@HDP", "BACKUP DATA FOR PRD USING FILE ('full')")
        error = await stage.fails("SYSTEMDB@HDP", clause)
        assert error.code == 448 and ("stopped" in error.text or words in error.text)
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM STOP DATABASE PRD")
        error = await stage.fails("SYSTEMDB@HDP", clause)
        assert error.code == 448 and words in error.text

    asyncio.run(play())


# -- copies between systems -------------------------------------------------------------------------------------------


async def import_keys(stage: Stage) -> None:
    """What hdbnsutil -recoverRootKeys would do."""
    source, target = stage.database("PRD"), stage.database("QAS")
    target.old_keys[target.key_id()] = target.keys["BACKUP"]
    target.keys = dict(source.keys)


@pytest.mark.parametrize("medium", ["backint", "file"])
def test_a_copy_needs_the_root_keys_of_the_source(tmp_path: Path, medium: str) -> None:
    async def play() -> None:
        stage = Stage(tmp_path)
        catalog = "BACKINT" if medium == "backint" else "PATH ('/backup/log/DB_PRD')"
        await stage.all(
            "SYSTEMDB@HDP",
            "ALTER SYSTEM ALTER CONFIGURATION ('global.ini','SYSTEM') SET "
            "('persistence','basepath_databackup') = '/backup/data', ('persistence','basepath_logbackup') = "
            "'/backup/log', ('persistence','basepath_catalogbackup') = '/backup/log', "
            f"('backup','log_backup_using_backint') = '{'true' if medium == 'backint' else 'false'}' WITH RECONFIGURE",
        )
        await stage.all("PRD", TABLE, "INSERT INTO T VALUES (1, 'one')")
        await stage.do("SYSTEMDB@HDP", f"BACKUP DATA FOR PRD USING {medium} ('full')")
        await stage.do("PRD", "INSERT INTO T VALUES (2, 'two')")
        stage.clock.advance(1000)
        await stage.do("PRD", "INSERT INTO T VALUES (3, 'three')")
        now = await stage.now()
        await stage.do("SYSTEMDB@HDQ", "ALTER SYSTEM STOP DATABASE QAS")
        error = await stage.fails("SYSTEMDB@HDQ", COPY.format(now, catalog))
        assert error.code == 448 and "[301102]" in error.text and "root key" in error.text
        await import_keys(stage)
        # The third row is in no log backup yet: the source is not asked for one.
        rows = await recovered(stage, COPY.format(now, catalog), "QAS")
        assert ids(rows) == [1, 2]
        assert await stage.do("QAS", "SELECT PERMANENT FROM M_LICENSE") == [("FALSE",)]
        users = (stage.database("QAS").users["SYSTEM"], stage.database("PRD").users["SYSTEM"])
        assert users[0].password == users[1].password, "users come with the data"

    asyncio.run(play())


def test_a_backup_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path, HDQ={"version": "2.00.067.00.1", "backup_encryption": False})
        await import_keys(stage)
        await stage.do("SYSTEMDB@HDP", "BACKUP DATA FOR PRD USING BACKINT ('full')")
        await stage.do("SYSTEMDB@HDQ", "ALTER SYSTEM STOP DATABASE QAS")
        error = await stage.fails("SYSTEMDB@HDQ", COPY.format(await stage.now(), "BACKINT"))
        assert error.code == 448 and "newer" in error.text

    asyncio.run(play())


# -- backups ----------------------------------------------------------------------------------------------------------


def test_progress_grows_and_a_second_backup_is_refused(stage: Stage) -> None:
    async def play() -> None:
        await stage.do("SYSTEMDB@HDP", "BACKUP DATA FOR PRD USING FILE ('a') ASYNCHRONOUS COMMENT 'mine'")
        columns = "STATE_NAME, TRANSFERRED_SIZE, BACKUP_SIZE, BACKUP_ID"
        seen = []
        for _step in range(3):
            [row] = await stage.do("PRD", f"SELECT {columns} FROM M_BACKUP_PROGRESS")
            seen.append(row[1])
            stage.clock.advance(15)
        assert row[0] == "running" and seen == sorted(set(seen)) and seen[-1] < row[2]
        error = await stage.fails("PRD", "BACKUP DATA USING FILE ('b')")
        assert error.code == 447 and "already running" in error.text
        stage.clock.advance(60)
        [row] = await stage.do("PRD", f"SELECT {columns} FROM M_BACKUP_PROGRESS")
        assert row[0] == "successful" and row[1] == row[2]
        found = await stage.do(
            "PRD", "SELECT ENTRY_TYPE_NAME, STATE_NAME, COMMENT FROM M_BACKUP_CATALOG WHERE BACKUP_ID = ?", row[3]
        )
        assert found == [("complete data backup", "successful", "mine")]
        files = await stage.do(
            "PRD", "SELECT SOURCE_TYPE_NAME, DESTINATION_PATH FROM M_BACKUP_CATALOG_FILES WHERE BACKUP_ID = ?", row[3]
        )
        assert ids(files) == ["topology", "volume"] and files[1][1].endswith("/DB_PRD/a_databackup_3_1")

    asyncio.run(play())


def test_a_delta_needs_a_full_backup(stage: Stage) -> None:
    async def play() -> None:
        error = await stage.fails("PRD", "BACKUP DATA DIFFERENTIAL USING FILE ('d')")
        assert error.code == 447 and "no data backups found" in error.text
        rows = await stage.do("PRD", "SELECT STATE_NAME, MESSAGE FROM M_BACKUP_CATALOG")
        assert rows == [("failed", error.text.partition(": ")[2])]

    asyncio.run(play())


@pytest.mark.parametrize(
    ("fault", "words"), [("hana_backup_fails", "[110507] Backint exited"), ("hana_backup_full", "No space left")]
)
def test_a_backup_that_fails_in_the_middle(stage: Stage, fault: str, words: str) -> None:
    async def play() -> None:
        stage.faults.add({"name": fault, "database": "PRD", "times": 1})
        error = await stage.fails("SYSTEMDB@HDP", "BACKUP DATA FOR PRD USING BACKINT ('a')")
        assert error.code == 447 and words in error.text
        assert await stage.do("PRD", "SELECT STATE_NAME FROM M_BACKUP_CATALOG") == [("failed",)]
        assert stage.effects() == ["hana_backup_started", "hana_backup_failed"]
        await stage.do("SYSTEMDB@HDP", "BACKUP DATA FOR PRD USING BACKINT ('a')")

    asyncio.run(play())


def test_a_full_disk(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path, HDP={"disk_bytes": 100 << 30, "backup_disk_bytes": 150 << 30})
        await stage.do("PRD", "BACKUP DATA USING FILE ('a')")
        assert "No space left" in (await stage.fails("PRD", "BACKUP DATA USING FILE ('b')")).text
        await stage.do("PRD", "BACKUP DATA USING BACKINT ('b')")

    asyncio.run(play())


def test_a_database_that_stops_during_its_backup(stage: Stage) -> None:
    async def play() -> None:
        stage.faults.add({"name": "hana_stop_in_the_middle", "database": "PRD", "times": 1})
        with pytest.raises(Cut):
            await stage.do("PRD", "BACKUP DATA USING FILE ('a')")
        assert stage.database("PRD").status == "NO"
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM START DATABASE PRD")
        assert await stage.do("PRD", "SELECT STATE_NAME FROM M_BACKUP_CATALOG") == [("failed",)]
        assert await stage.do("PRD", "SELECT * FROM M_BACKUP_PROGRESS") == []

    asyncio.run(play())


def test_cancel(stage: Stage) -> None:
    async def play() -> None:
        await stage.do("PRD", "BACKUP DATA USING FILE ('a') ASYNCHRONOUS")
        [(ident,)] = await stage.do("PRD", "SELECT BACKUP_ID FROM M_BACKUP_PROGRESS")
        await stage.do("SYSTEMDB@HDP", f"BACKUP CANCEL {ident}")
        assert await stage.do("PRD", "SELECT STATE_NAME FROM M_BACKUP_CATALOG") == [("canceled",)]
        assert (await stage.fails("PRD", f"BACKUP CANCEL {ident}")).code == 447
        stage.clock.advance(600)
        assert stage.files() == []

    asyncio.run(play())


@pytest.mark.parametrize(
    ("how", "file", "backint"),
    [("", True, True), (" WITH FILE", False, True), (" WITH BACKINT", True, False), (" COMPLETE", False, False)],
)
def test_only_some_deletions_delete_files(stage: Stage, how: str, file: bool, backint: bool) -> None:
    async def play() -> None:
        for sql in ("FILE ('a')", "BACKINT ('b')", "FILE ('c')"):
            await stage.do("PRD", f"BACKUP DATA USING {sql}")
        rows = await stage.do(
            "PRD", "SELECT BACKUP_ID FROM M_BACKUP_CATALOG WHERE ENTRY_TYPE_NAME <> 'log backup' ORDER BY BACKUP_ID"
        )
        await stage.do("SYSTEMDB@HDP", f"BACKUP CATALOG DELETE FOR PRD ALL BEFORE BACKUP_ID {rows[-1][0]}{how}")
        left = await stage.do("PRD", "SELECT MIN(BACKUP_ID) FROM M_BACKUP_CATALOG")
        assert left == [rows[-1]]
        assert ("a_databackup_3_1" in stage.files()) is file
        assert bool(list((stage.directory / "hana" / "backint").rglob("b_databackup_3_1.*"))) is backint
        assert "c_databackup_3_1" in stage.files()
        [entry] = [e for e in stage.journal.entries if e.get("effect") == "hana_catalog_deleted"]
        assert entry["database"] == "PRD" and str(rows[-1][0]) in entry["detail"]

    asyncio.run(play())


def test_one_backup_leaves_the_catalog(stage: Stage) -> None:
    async def play() -> None:
        await stage.do("PRD", "BACKUP DATA USING FILE ('a')")
        [(ident,)] = await stage.do("PRD", "SELECT BACKUP_ID FROM M_BACKUP_PROGRESS")
        await stage.do("PRD", f"BACKUP CATALOG DELETE BACKUP_ID {ident} COMPLETE")
        assert stage.files() == []
        assert (await stage.fails("PRD", f"BACKUP CATALOG DELETE BACKUP_ID {ident}")).code == 449
        assert (await stage.fails("PRD", "BACKUP DATA INCREMENTAL USING FILE ('i')")).code == 447

    asyncio.run(play())


def test_a_large_catalog(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path, HDP={"catalog_entries": 20000})
        assert await stage.do("PRD", "SELECT COUNT(*) FROM M_BACKUP_CATALOG") == [(20000,)]
        await stage.do("PRD", "BACKUP DATA USING FILE ('a')")
        [(ident,)] = await stage.do(
            "PRD", "SELECT BACKUP_ID FROM M_BACKUP_CATALOG WHERE ENTRY_TYPE_NAME = 'complete data backup'"
        )
        await stage.do("PRD", f"BACKUP CATALOG DELETE ALL BEFORE BACKUP_ID {ident} COMPLETE")
        assert (await stage.do("PRD", "SELECT COUNT(*) FROM M_BACKUP_CATALOG"))[0][0] == 2

    asyncio.run(play())


def test_log_backups_come_by_themselves(stage: Stage) -> None:
    async def play() -> None:
        count = "SELECT COUNT(*) FROM M_BACKUP_CATALOG WHERE ENTRY_TYPE_NAME = 'log backup'"
        stage.clock.advance(4000)
        assert await stage.do("PRD", count) == [(0,)], "none before the first full backup"
        await stage.do("PRD", "BACKUP DATA USING FILE ('a')")
        stage.clock.advance(3700)
        assert await stage.do("PRD", count) == [(5,)]
        await stage.do("SYSTEMDB@HDP", "ALTER SYSTEM ALTER CONFIGURATION ('global.ini','SYSTEM') SET "
                       "('persistence','log_mode') = 'overwrite' WITH RECONFIGURE")  # fmt: skip
        stage.clock.advance(3700)
        assert await stage.do("PRD", count) == [(5,)]
        assert (await stage.fails("PRD", "BACKUP DATA INCREMENTAL USING FILE ('i')")).code == 447

    asyncio.run(play())


def test_snapshot(stage: Stage) -> None:
    async def play() -> None:
        await stage.all("PRD", TABLE, "INSERT INTO T VALUES (1, 'one')")
        await stage.do("SYSTEMDB@HDP", "BACKUP DATA FOR FULL SYSTEM CREATE SNAPSHOT COMMENT 'c'")
        [(ident, state)] = await stage.do("SYSTEMDB@HDP", "SELECT BACKUP_ID, STATE_NAME FROM M_BACKUP_CATALOG")
        assert state == "prepared"
        assert (await stage.fails("SYSTEMDB@HDP", "BACKUP DATA FOR FULL SYSTEM CREATE SNAPSHOT")).code == 447
        await stage.do("PRD", "INSERT INTO T VALUES (2, 'two')")
        close = f"BACKUP DATA FOR FULL SYSTEM CLOSE SNAPSHOT BACKUP_ID {ident} SUCCESSFUL 'ext'"
        await stage.do("SYSTEMDB@HDP", close)
        assert (await stage.fails("SYSTEMDB@HDP", close)).code == 447
        rows = await stage.do("PRD", "SELECT EXTERNAL_BACKUP_ID FROM M_BACKUP_CATALOG_FILES")
        assert rows == [("ext",)]
        assert ids(await recovered(stage, "RECOVER DATA FOR PRD USING SNAPSHOT CLEAR LOG")) == [1]

    asyncio.run(play())


def test_an_instance_that_goes_down_takes_the_backup_along(stage: Stage) -> None:
    async def play() -> None:
        task = asyncio.ensure_future(
            stage.engines["HDP"].execute(stage.session("SYSTEMDB@HDP"), "BACKUP DATA FOR PRD USING FILE ('a')")
        )
        await asyncio.sleep(0)
        stage.landscape.restore({"instances": {"HDP/hdpdb/HDB00": {"phase": "stopped"}}})
        with pytest.raises((Cut, SqlError)):
            await task
        assert not stage.engines["HDP"].listening("SYSTEMDB")
        stage.landscape.restore({"instances": {"HDP/hdpdb/HDB00": {"phase": "running"}}})
        assert await stage.do("PRD", "SELECT STATE_NAME FROM M_BACKUP_CATALOG") == [("failed",)]

    asyncio.run(play())
