# SPDX-License-Identifier: GPL-3.0-or-later
"""Two HANA systems whose clock only moves when somebody waits for a statement."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from tests.simulator.clock import Clock
from tests.simulator.faults import Faults
from tests.simulator.hana.answers import Affected, Done, Rows, Session, SqlError
from tests.simulator.hana.backups import equip
from tests.simulator.hana.database import Database, World
from tests.simulator.hana.engine import HanaEngine
from tests.simulator.journal import Journal
from tests.simulator.landscape import Landscape

WALL = 1_790_000_000.0


def export(**systems: dict[str, Any]) -> dict[str, Any]:
    """A landscape of HANA systems, each with its ``simulation.hana``."""
    return {
        "hosts": [{"name": f"{name.lower()}db"} for name in systems],
        "systems": [{"name": name, "simulation": {"hana": options}} for name, options in systems.items()],
        "instances": [
            {"name": "HDB00", "system": name, "host": f"{name.lower()}db", "number": "00", "kind": "hana"}
            for name in systems
        ],
    }


class Stage:
    """The two systems HDP with tenants PRD, TST and HDQ with tenant QAS."""

    def __init__(self, directory: Path, **options: dict[str, Any]) -> None:
        systems = {"HDP": {"tenants": ["PRD", "TST"]}, "HDQ": {"tenants": ["QAS"]}}
        for name, more in options.items():
            systems[name] = {**systems[name], **more}
        given = export(**systems)
        self.directory = directory
        self.clock = Clock(1e-9, WALL)
        self.journal = Journal(self.clock)
        self.faults = Faults()
        addresses = {row["name"]: "127.0.0.1" for row in given["hosts"]}
        self.landscape = Landscape(given, self.clock, self.journal, self.faults, addresses)
        self.world = World(self.landscape, directory / "hana", equip)
        self.landscape.changed.append(self.world.sync)
        self.faults.changed.append(self.world.sync)
        self.engines = {key: HanaEngine(system) for key, system in self.world.systems.items()}
        self._ids = itertools.count(1)

    def session(self, database: str, user: str = "SYSTEM", *, autocommit: bool = True) -> Session:
        """A session of a database, named PRD or SYSTEMDB@HDQ."""
        name, _at, system = database.partition("@")
        key = system or next(key for key, one in self.world.systems.items() if name in one.databases)
        return Session(next(self._ids), key, name, user, "127.0.0.1", autocommit)

    def database(self, name: str) -> Database:
        """A tenant."""
        return next(one.databases[name] for one in self.world.systems.values() if name in one.databases)

    async def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Move the clock until something is through, at most a simulated day."""
        task = asyncio.ensure_future(work)
        for _count in range(86400):
            for _turn in range(5):
                await asyncio.sleep(0)
            if task.done():
                return task.result()
            self.clock.advance(1)
        task.cancel()
        raise AssertionError("not through within a simulated day")

    async def do(self, where: str | Session, sql: str, *given: Any) -> Any:
        """Execute a statement: the rows as tuples, the count, or None."""
        session = self.session(where) if isinstance(where, str) else where
        done = await self.wait(self.engines[session.system].execute(session, sql, given))
        if isinstance(done, Rows):
            return [tuple(row) for row in done.rows]
        if isinstance(done, Affected):
            return done.count
        assert isinstance(done, Done)
        return None

    async def fails(self, where: str | Session, sql: str, *given: Any) -> SqlError:
        """Execute a statement that is refused."""
        try:
            done = await self.do(where, sql, *given)
        except SqlError as error:
            return error
        raise AssertionError(f"{sql}: {done!r}")

    async def all(self, where: str | Session, *statements: str) -> None:
        """Execute statements one after the other."""
        for sql in statements:
            await self.do(where, sql)

    async def now(self) -> str:
        """HANA's clock as RECOVER wants it."""
        rows = await self.do("SYSTEMDB@HDP", "SELECT CURRENT_UTCTIMESTAMP FROM DUMMY")
        return str(rows[0][0])

    async def up(self, tenant: str) -> None:
        """Wait until a tenant takes statements."""

        async def look() -> None:
            while self.database(tenant).status != "YES":
                await asyncio.sleep(0)

        await self.wait(look())

    def effects(self, *names: str) -> list[str]:
        """The effects in the journal, all or those of some names."""
        found = [entry["effect"] for entry in self.journal.entries if "effect" in entry]
        return [name for name in found if not names or name in names]

    def files(self, system: str = "HDP", pattern: str = "*_databackup_*") -> list[str]:
        """The names of the backup files of a system."""
        return sorted(path.name for path in self.world.systems[system].root.rglob(pattern))


def ids(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The first column."""
    return [row[0] for row in rows]
