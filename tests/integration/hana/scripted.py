# SPDX-License-Identifier: GPL-3.0-or-later
"""A HANA whose every answer is written down here, as a process of its own.

``python -m tests.integration.hana.scripted FOLDER`` prints its ports as JSON, ends when standard input does. Of its
own process because hdbcli keeps Python's lock while it waits for a LOB: a server on a thread would wait for ever. What
the engine was called for is read with ``SELECT EVENTS``.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from tests.simulator.certificates import Authority
from tests.simulator.hana.answers import (
    Account,
    Affected,
    Column,
    Cut,
    Description,
    Done,
    Hang,
    Rows,
    Session,
    SqlError,
)
from tests.simulator.hana.session import Protocol

MOMENT = datetime.datetime(2026, 11, 21, 19, 10, 49, 123456)
TYPES = [
    Column("TI", "TINYINT"),
    Column("SM", "SMALLINT"),
    Column("I", "INTEGER"),
    Column("BI", "BIGINT"),
    Column("DE", "DECIMAL", 34, 3),
    Column("DB", "DOUBLE"),
    Column("BO", "BOOLEAN"),
    Column("V", "VARCHAR", 20),
    Column("N", "NVARCHAR", 256),
    Column("VB", "VARBINARY", 16),
    Column("TS", "TIMESTAMP"),
    Column("SD", "SECONDDATE"),
    Column("D", "DATE"),
    Column("T", "TIME"),
    Column("C", "CLOB"),
    Column("NC", "NCLOB"),
    Column("B", "BLOB"),
]
VALUES = (
    255,
    -32768,
    2147483647,
    -(2**63),
    Decimal("-12345.678"),
    1.5,
    True,
    "abc",
    "Grüße 漢 😀",
    b"\x00\xff\x10",
    MOMENT,
    MOMENT.replace(microsecond=0),
    datetime.date(1999, 12, 31),
    datetime.time(23, 59, 58),
    "plain",
    "ünï😀",
    b"\x00\x01",
)
LOBS = [Column("ID", "INTEGER"), Column("C", "NCLOB"), Column("B", "BLOB")]
TEXT = "é漢😀" * 200_000  # 800,000 UTF-16 units
BYTES = bytes(range(256)) * 5000


def counted(session: Session) -> Iterator[tuple[int, str]]:
    """A hundred thousand rows that never stand in a list."""
    for number in range(100_000):
        yield number, f"row {number}"


class Scripted:
    """The engine."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self.events: list[str] = []
        self.passwords = {"SYSTEM": "Manager1", "quoted": "Päßwörd😀"}
        self.released = asyncio.Event()

    def databases(self) -> list[str]:
        return list(self.ports)

    def port(self, database: str) -> int:
        return self.ports[database]

    def listening(self, database: str) -> bool:
        return True

    def account(self, database: str, user: str) -> Account:
        if user not in self.passwords:
            raise SqlError(10, "authentication failed", "28000")
        return Account(user, self.passwords[user])

    def logged_on(self, database: str, user: str, proved: bool) -> None:
        self.events.append(f"logged on {user} {proved}")
        if not proved:
            raise SqlError(10, "authentication failed", "28000")

    def describe(self, session: Session, sql: str) -> Description:
        if sql.startswith("SYNTAX"):
            raise SqlError(257, 'sql syntax error: incorrect syntax near "SYNTAX": line 1 col 1 (at pos 1)', position=1)
        count = sql.count("?")
        if sql.startswith("INSERT INTO ALL_TYPES"):
            return Description("INSERT", parameters=TYPES)
        if sql.startswith("INSERT INTO LOBS"):
            return Description(
                "INSERT", parameters=[Column("ID", "INTEGER"), Column("C", "NCLOB"), Column("B", "BLOB")]
            )
        if sql.startswith("INSERT"):
            return Description("INSERT", parameters=[Column("A", "INTEGER"), Column("B", "NVARCHAR", 256)][:count])
        if sql.startswith("SELECT BELOW"):
            return Description("SELECT", [Column("N", "INTEGER")], [Column("", "INTEGER")] * count)
        return Description("OTHER", parameters=[Column("", "NVARCHAR", 5000)] * count)

    async def execute(self, session: Session, sql: str, parameters: Sequence[Any] = ()) -> Rows | Affected | Done:
        answer = getattr(self, "_" + "_".join(sql.lower().split()[:2]).partition("(")[0], None)
        if answer is None:
            raise SqlError(257, f"sql syntax error: not in the script: {sql}", position=1)
        result = answer(session, sql, parameters)
        return await result if asyncio.iscoroutine(result) else result

    def commit(self, session: Session) -> None:
        self.events.append("commit")

    def rollback(self, session: Session) -> None:
        self.events.append("rollback")

    def ended(self, session: Session) -> None:
        self.events.append(f"ended {session.id}")

    # -- statements ---------------------------------------------------------------------------------------------------

    def _select_events(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        return Rows([Column("EVENT", "NCLOB")], [(event,) for event in self.events])

    def _reset_events(self, session: Session, sql: str, parameters: Sequence[Any]) -> Done:
        self.events.clear()
        return Done()

    def _select_session(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        columns = [Column("ID", "INTEGER"), *(Column(name) for name in ("SYSTEM", "DATABASE", "USER"))]
        return Rows(columns, [(session.id, session.system, session.database, session.user)])

    def _select_types(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        return Rows(TYPES, [VALUES, [None] * len(TYPES), VALUES])

    def _select_count(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        return Rows([Column("N", "INTEGER", table="COUNT"), Column("S", "NVARCHAR", 20)], counted(session))

    def _select_nothing(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        return Rows([Column("N", "INTEGER")], [])

    def _select_strings(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        texts = ["ä" * (size // 2) + "b" * (size % 2) for size in (0, 245, 246, 5000, 32767, 32768, 40_000)]
        return Rows([Column("S", "NVARCHAR", 5000)], [(text,) for text in texts])

    def _select_decimals(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        texts = ("0", "0.000", "-0.001", "12345678901234567890123456789012.34", "1E+3", "100")
        return Rows([Column("D", "DECIMAL", 34, 3), Column("F", "DECIMAL")], [(Decimal(t), Decimal(t)) for t in texts])

    def _select_lobs(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        return Rows(LOBS, [(1, "", b""), (2, TEXT, BYTES), (3, None, None)])

    def _select_below(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        return Rows([Column("N", "INTEGER")], [(number,) for number in range(min(parameters))])

    def _select_broken(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        return Rows([Column("N", "INTEGER")], [("no number",)])

    def _select_late(self, session: Session, sql: str, parameters: Sequence[Any]) -> Rows:
        def rows() -> Iterator[tuple[int]]:
            yield from ((number,) for number in range(100))
            raise SqlError(129, "transaction rolled back by an internal error", "HY000")

        return Rows([Column("N", "INTEGER")], rows())

    def _insert_into(self, session: Session, sql: str, parameters: Sequence[Any]) -> Affected:
        if parameters and parameters[0] == 13:
            raise SqlError(301, "unique constraint violated: Table(T)", "23000")
        shown = [
            f"{len(value)} {type(value).__name__} {value in (TEXT, BYTES)}"
            if isinstance(value, str | bytes) and len(value) > 1000
            else repr(value)
            for value in parameters
        ]
        self.events.append(f"insert {', '.join(shown)} autocommit={session.autocommit}")
        return Affected(1)

    def _update_t(self, session: Session, sql: str, parameters: Sequence[Any]) -> Affected:
        self.events.append(f"update autocommit={session.autocommit}")
        return Affected(7, "UPDATE")

    async def _backup_data(self, session: Session, sql: str, parameters: Sequence[Any]) -> Done:
        if "FAIL" in sql:
            raise SqlError(447, "backup could not be completed: [110507] Backint exited with exit code 1: Ünï")
        if "LONG" in sql:
            self.events.append("backup began")
            await self.released.wait()
            self.events.append("backup ended")
        return Done()

    def _release_backup(self, session: Session, sql: str, parameters: Sequence[Any]) -> Done:
        self.released.set()
        return Done()

    def _create_user(self, session: Session, sql: str, parameters: Sequence[Any]) -> Done:
        return Done()

    def _cut_me(self, session: Session, sql: str, parameters: Sequence[Any]) -> Done:
        raise Cut

    def _hang_me(self, session: Session, sql: str, parameters: Sequence[Any]) -> Done:
        raise Hang


def heard(engine: Scripted, *, call: str, caller: str, database: str) -> None:
    """The journal."""
    if not call.startswith("SELECT EVENTS"):
        engine.events.append(f"note {database} {caller}: {call}")


async def served(
    engine: Scripted, protocol: Protocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve one client; its end is an event."""
    await protocol.handle(reader, writer)
    engine.events.append("connection closed")


async def main(folder: Path) -> None:
    """Serve both databases until the end of standard input."""
    engine = Scripted()
    authority = Authority(folder)
    context = authority.context("127.0.0.1", ["localhost"])
    info: dict[str, Any] = {"ca": str(authority.ca_file)}
    for database in ("SYSTEMDB", "QAS"):
        protocol = Protocol(engine, "QAS", database, note=partial(heard, engine))
        handle = partial(served, engine, protocol)
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        info[database] = engine.ports[database] = server.sockets[0].getsockname()[1]
        if database == "QAS":
            secure = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
            info["TLS"] = secure.sockets[0].getsockname()[1]
    print(json.dumps(info), flush=True)
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set)
    await over.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
