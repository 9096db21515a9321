# SPDX-License-Identifier: GPL-3.0-or-later
"""HANA's programs on a simulated host."""

from __future__ import annotations

import asyncio

from tests.simulator.hana import tools
from tests.unit.simulator.hana.stage import Stage

PASSWORD = "Pass word 1"


def test_root_keys_go_from_source_to_target(stage: Stage) -> None:
    async def play() -> None:
        source, target = stage.world.systems["HDP"], stage.world.systems["HDQ"]
        home = stage.directory / "home"
        home.mkdir()
        backup = ["-backupRootKeys", "keys.rkb", "--dbid=3", "--type=ALL"]
        recover = ["-recoverRootKeys", "keys.rkb", "--dbid=3", "--type=ALL"]
        hashes = ["-printHashedRootKeys", "--dbid=3", "--verbose"]
        assert tools.hdbnsutil(source, home, backup)[0] == 1, "no password is set"
        await stage.do("SYSTEMDB@HDP", f"ALTER DATABASE PRD SET ENCRYPTION ROOT KEYS BACKUP PASSWORD '{PASSWORD}'")
        assert tools.hdbnsutil(source, home, backup)[0] == 0
        assert (home / "keys.rkb").stat().st_mode & 0o777 == 0o600
        assert PASSWORD not in (home / "keys.rkb").read_text()
        for password, code in ((PASSWORD, 0), ("wrong", 1)):
            assert (
                tools.hdbnsutil(source, home, ["-validateRootKeysBackup", "keys.rkb", f"--password={password}"])[0]
                == code
            )
        assert "is running" in tools.hdbnsutil(target, home, [*recover, f"--prompted={PASSWORD}"])[1]
        await stage.do("SYSTEMDB@HDQ", "ALTER SYSTEM STOP DATABASE QAS")
        assert tools.hdbnsutil(target, home, hashes)[1] != tools.hdbnsutil(source, home, hashes)[1]
        assert "wrong password" in tools.hdbnsutil(target, home, recover)[1]
        assert tools.hdbnsutil(target, home, [*recover, f"--prompted={PASSWORD}"])[0] == 0
        assert tools.hdbnsutil(target, home, hashes)[1] == tools.hdbnsutil(source, home, hashes)[1]
        assert "BACKUP Root Key: " in tools.hdbnsutil(source, home, hashes)[1]

    asyncio.run(play())


def test_root_keys_by_sql(stage: Stage) -> None:
    async def play() -> None:
        sql = "BACKUP ENCRYPTION ROOT KEYS FOR PRD USING FILE ('backup001')"
        assert (await stage.fails("SYSTEMDB@HDP", sql)).code == 2
        await stage.do("PRD", f"ALTER SYSTEM SET ENCRYPTION ROOT KEYS BACKUP PASSWORD '{PASSWORD}'")
        await stage.do("SYSTEMDB@HDP", sql)
        path = "/usr/sap/HDP/HDB00/backup/sec/DB_PRD/backup001_rootkeys"
        validate = ["-validateRootKeysBackup", path, f"--password={PASSWORD}"]
        assert tools.hdbnsutil(stage.world.systems["HDP"], stage.directory, validate)[0] == 0

    asyncio.run(play())


def test_a_backup_file_is_checked(stage: Stage) -> None:
    async def play() -> None:
        system = stage.world.systems["HDP"]
        await stage.do("PRD", "BACKUP DATA USING FILE ('/backup/x')")
        path = "/backup/x_databackup_3_1"
        assert tools.hdbbackupcheck(system, stage.directory, ["-v", path])[0] == 0
        system.path(path).write_text(system.path(path).read_text()[:100])
        code, text = tools.hdbbackupcheck(system, stage.directory, [path])
        assert code == 1 and "damaged" in text
        assert tools.hdbbackupcheck(system, stage.directory, ["/backup/never"])[0] == 1

    asyncio.run(play())


def test_the_callers_name_chooses_the_system(stage: Stage) -> None:
    assert tools.system_of(stage.world, "hdqdb", "hdqadm") is stage.world.systems["HDQ"]
    assert tools.system_of(stage.world, "hdqdb", "root") is stage.world.systems["HDQ"]
    assert tools.system_of(stage.world, "elsewhere", "hdqadm") is None
