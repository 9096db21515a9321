# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes between the protocol and the engine behind it: statements in, rows, counts or errors out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class SqlError(Exception):
    """HANA says no.

    Args:
        code: HANA's error number, such as 257.
        text: its words, without the number.
        sqlstate: five characters.
        position: character of the statement from 1, 0 for none.
    """

    def __init__(self, code: int, text: str, sqlstate: str = "HY000", position: int = 0) -> None:
        super().__init__(text)
        self.code, self.text, self.sqlstate, self.position = code, text, sqlstate, position


class Cut(Exception):
    """The connection breaks off without an answer."""


class Hang(Exception):
    """The connection stays open, no answer ever comes."""


@dataclass(frozen=True)
class Column:
    """A column of a result, or a parameter.

    ``type`` is HANA's name: TINYINT SMALLINT INTEGER BIGINT DECIMAL DOUBLE BOOLEAN VARCHAR NVARCHAR VARBINARY TIMESTAMP
    SECONDDATE DATE TIME CLOB NCLOB BLOB. Values are Python's: int, decimal.Decimal, float, bool, str, bytes,
    datetime.datetime (naive, UTC), datetime.date, datetime.time, None.
    """

    name: str
    type: str = "NVARCHAR"
    length: int = 256
    scale: int = 0
    nullable: bool = True
    table: str = ""


@dataclass
class Rows:
    """A result set; ``rows`` may be a generator, it is read as the client fetches."""

    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]


@dataclass
class Affected:
    """A data change; ``kind`` is INSERT, UPDATE or DELETE."""

    count: int
    kind: str = "INSERT"


@dataclass
class Done:
    """A statement without rows and without a count, such as BACKUP DATA."""


@dataclass
class Description:
    """What PREPARE tells: ``kind`` is SELECT, INSERT, UPDATE, DELETE or OTHER."""

    kind: str
    columns: Sequence[Column] = ()
    parameters: Sequence[Column] = ()


@dataclass
class Session:
    """One logged-on client. The engine keeps what it needs for transactions in ``work``."""

    id: int
    system: str
    database: str
    user: str
    host: str
    autocommit: bool = True
    work: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """What the protocol needs to check a password."""

    name: str
    password: str


class Engine(Protocol):
    """One HANA system's databases, as the protocol sees them. All calls are made in the simulator's event loop."""

    def databases(self) -> list[str]:
        """The names of SYSTEMDB and of every tenant."""

    def port(self, database: str) -> int:
        """The SQL port of a database. Raises SqlError for one that does not exist."""

    def listening(self, database: str) -> bool:
        """Whether the database's SQL port accepts connections: its instance runs, it is active."""

    def account(self, database: str, user: str) -> Account:
        """The account, for the proof. Raises SqlError 10 when there is none, so that both look alike."""

    def logged_on(self, database: str, user: str, proved: bool) -> None:
        """Called with the proof's outcome: counts failures, raises SqlError 10, 414, 415, 416, 431."""

    def describe(self, session: Session, sql: str) -> Description:
        """Parse. Raises SqlError."""

    async def execute(self, session: Session, sql: str, parameters: Sequence[Any] = ()) -> Rows | Affected | Done:
        """Do it. Raises SqlError, Cut or Hang."""

    def commit(self, session: Session) -> None:
        """Make the session's changes lasting."""

    def rollback(self, session: Session) -> None:
        """Take the session's changes back."""

    def ended(self, session: Session) -> None:
        """The client is gone."""
