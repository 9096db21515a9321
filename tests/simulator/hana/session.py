# SPDX-License-Identifier: GPL-3.0-or-later
"""One client's conversation with a HANA database, from its greeting to its end.

Strictly one request, one reply. What real HANA was not seen to do is invented and said here: code 863 for a database
that does not exist, code 1033 for everything that breaks the protocol, code 2 when the engine itself is broken; a first
block of 32 rows; a batch that fails keeps what went before under autocommit. LOBs stay readable as long as their
session lasts.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import hmac
import itertools
import os
import re
import struct
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from . import wire
from .answers import Affected, Column, Cut, Done, Engine, Hang, Rows, Session, SqlError
from .wire import Function, Kind, Message, Part

ROUNDS = 15000  # of PBKDF2; drivers refuse fewer
FIRST_ROWS = 32
BLOCK_BYTES = 1 << 20
METHODS = (b"SCRAMPBKDF2SHA256", b"SCRAMSHA256")
FUNCTIONS = {name: Function[name] for name in ("SELECT", "INSERT", "UPDATE", "DELETE")}

_BLANK = r"(?:\s|/\*(?:[^*]|\*(?!/))*+\*/|--[^\n]*+)*+"
_LITERAL = r"""'(?:[^']|'')*+'?|"(?:[^"]|"")*+"?"""
_BARE = r"""(?!(?:CHANGE|LIFETIME|ENABLE|DISABLE|ON|OFF|IS|AS|AND|OR|FROM|WHERE)\b)[^\s;,()'"]++"""
_SECRET = re.compile(
    rf"(\bPASSWORD\b{_BLANK}=?{_BLANK}|\bIDENTIFIED{_BLANK}\bBY\b{_BLANK})({_LITERAL}|{_BARE})", re.IGNORECASE
)

Answer = tuple[Function, list[Part]]


def masked(sql: str) -> str:
    """A statement whose passwords are ``'***'``: quoted in either way, or bare."""
    return _SECRET.sub(r"\1'***'", sql)


def user_name(typed: str) -> str:
    """The name of an account; drivers send it as it was typed, with its quotes."""
    if len(typed) > 1 and typed[0] == typed[-1] == '"':
        return typed[1:-1].replace('""', '"')
    return typed.upper()


def _mac(key: bytes, *data: bytes) -> bytes:
    return hmac.new(key, b"".join(data), hashlib.sha256).digest()


@dataclass(frozen=True)
class Exchange:
    """What AUTHENTICATE settled: who wants to log on in which way, with the random values of both sides."""

    user: str
    method: bytes
    salt: bytes
    server_nonce: bytes
    client_nonce: bytes

    def proofs(self, salted: bytes) -> tuple[bytes, bytes]:
        """The client's proof with the server's, from the salted password."""
        key = hashlib.sha256(salted).digest()
        mask = _mac(hashlib.sha256(key).digest(), self.salt, self.server_nonce, self.client_nonce)
        client = bytes(a ^ b for a, b in zip(mask, key, strict=True))
        return client, _mac(_mac(salted, self.salt), self.client_nonce, self.salt, self.server_nonce)


@dataclass
class Prepared:
    """A statement with its number on the client's side of the wire."""

    sql: str
    function: Function
    parameters: Sequence[Column]


@dataclass
class Batch:
    """Executions of a statement that wait for the rest of their LOBs."""

    statement: Prepared
    rows: list[list[Any]]
    open: dict[int, wire.Incoming]
    autocommit: bool


class Cursor:
    """The rows of a result that the client has not seen yet."""

    def __init__(self, columns: Sequence[Column], rows: Iterator[Sequence[Any]], version: int) -> None:
        self._types = [wire.type_of(column, version) for column in columns]
        self._rows = rows
        self._next = next(rows, None)  # one row ahead: the last block has to be called so

    @property
    def ended(self) -> bool:
        """Whether no row is left."""
        return self._next is None

    def block(self, limit: int, keep: wire.Keep, *, first: bool = False) -> Part:
        """The next rows: at least one, at most ``limit``, no more after ``BLOCK_BYTES``."""
        data, count = bytearray(), 0
        while self._next is not None and count < max(limit, 1) and len(data) < BLOCK_BYTES:
            for type_, value in zip(self._types, self._next, strict=True):
                data += wire.encode(type_, value, keep)
            count += 1
            self._next = next(self._rows, None)
        attributes = wire.FIRST if first else 0
        if self.ended:
            attributes |= wire.LAST | wire.CLOSED
        if not count:  # without it hdbcli fetches again
            attributes |= wire.NO_ROW
        return Part(Kind.RESULTSET, bytes(data), count, attributes)

    def close(self) -> None:
        """No more rows are wanted."""
        close = getattr(self._rows, "close", None)
        if close is not None:
            close()


class Protocol:
    """Speaks with the clients of one database.

    Args:
        engine: the databases of the system.
        system: its SID.
        database: the one behind this port.
        server_version: what clients are told.
        note: called with ``call`` (a statement with its passwords masked, or LOGON), ``caller``, ``database``.
    """

    _sessions = itertools.count(200_001)  # 0 means none on the wire

    def __init__(
        self,
        engine: Engine,
        system: str,
        database: str,
        server_version: str = "2.00.079.00.1718972880",
        note: Callable[..., None] | None = None,
    ) -> None:
        self.engine, self.system, self.database, self.server_version = engine, system, database, server_version
        self._note = note
        self._secret = os.urandom(32)
        self._salted: dict[tuple[str, str, bytes], bytes] = {}
        self._outliving: set[asyncio.Task[bytes]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves."""
        try:
            await _Conversation(self, reader, writer, next(self._sessions)).serve()
        except (OSError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:  # the door is closed; to asyncio's streams this would be an error
            pass
        finally:
            writer.close()

    def note(self, call: str, caller: str) -> None:
        """Tell the journal."""
        if self._note is not None:
            self._note(call=masked(call), caller=caller, database=self.database)

    def salt(self, user: str) -> bytes:
        """An account's salt, the same as long as this object lives, whether there is such an account or not."""
        return _mac(self._secret, user.encode("utf-8", "surrogatepass"))[:16]

    async def salted(self, exchange: Exchange, password: str) -> bytes:
        """The salted password."""
        raw = wire.cesu8(password)
        if exchange.method != METHODS[0]:
            return _mac(raw, exchange.salt)
        key = (exchange.user, password, exchange.salt)
        if key not in self._salted:
            # It takes some 20 ms, in which the landscape's other doors are served.
            self._salted[key] = await asyncio.to_thread(hashlib.pbkdf2_hmac, "sha256", raw, exchange.salt, ROUNDS, 32)
        return self._salted[key]

    def after(self, work: asyncio.Task[bytes] | None, end: Callable[[], None]) -> None:
        """Call ``end`` when the work is done: what a client had begun before it left goes on, as a BACKUP does."""
        if work is None or work.done():
            end()
            return

        def finish(task: asyncio.Task[bytes]) -> None:
            self._outliving.discard(task)
            if not task.cancelled():
                task.exception()  # nobody is left who could be told
            end()

        self._outliving.add(work)  # the loop itself keeps only weak references
        work.add_done_callback(finish)


@dataclass
class _Conversation:
    """One connection."""

    protocol: Protocol
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    id: int
    session: Session | None = None
    leaving: bool = False
    version: int = 1
    exchange: Exchange | None = None
    statements: dict[int, Prepared] = field(default_factory=dict)
    cursors: dict[int, Cursor] = field(default_factory=dict)
    lobs: dict[int, wire.Lob] = field(default_factory=dict)
    batch: Batch | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # -- messages -----------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Greet, then answer one message after the other."""
        greeting = await self.reader.readexactly(wire.GREETING_SIZE)
        if greeting[:4] != b"\xff\xff\xff\xff":
            return
        self.writer.write(wire.WELCOME)
        work: asyncio.Task[bytes] | None = None
        # The next message is awaited while one is answered: this is how the client's end is noticed.
        coming = asyncio.create_task(self._receive())
        try:
            while not self.leaving and (message := await coming) is not None:
                coming = asyncio.create_task(self._receive())
                work = asyncio.create_task(self._answer(*message))
                await asyncio.wait({work, coming}, return_when=asyncio.FIRST_COMPLETED)
                if not work.done() and await coming is None:
                    return
                await asyncio.wait({work})
                self.writer.write(work.result())
                await self.writer.drain()
        except Cut:
            self.writer.transport.abort()
        except Hang:
            while await coming is not None:
                coming = asyncio.create_task(self._receive())
        finally:
            coming.cancel()
            self.protocol.after(work, self._end)

    async def _receive(self) -> tuple[wire.Header, bytes] | None:
        """The next message; None when the client is gone or cannot be understood any more."""
        try:
            header = wire.header(await self.reader.readexactly(wire.HEADER_SIZE))
            return header, await self.reader.readexactly(header.length)
        except wire.Malformed as error:  # where the next message begins is not known
            self.writer.write(wire.reply(self.id, 0, Function.NIL, [_broken(error)], error=True))
            return None
        except (OSError, asyncio.IncompleteReadError):
            return None

    def _end(self) -> None:
        for cursor in self.cursors.values():
            cursor.close()
        if self.session is not None:
            self.protocol.engine.ended(self.session)

    async def _answer(self, header: wire.Header, body: bytes) -> bytes:
        """The reply to a message."""
        # A session's number before its logon, or none after it, makes hdbcli refuse the server.
        number, error = self.id, False
        try:
            if header.compressed:
                raise wire.Malformed("compressed messages are not simulated")
            request = wire.request(body)
            if request.type in (Message.AUTHENTICATE, Message.DB_CONNECT_INFO):
                number = 0
            function, parts = await self._do(request)
        except SqlError as refusal:
            error, function = True, Function.NIL
            parts = [wire.error(refusal.code, refusal.text, refusal.sqlstate, refusal.position)]
        except wire.Malformed as broken:
            error, function, parts = True, Function.NIL, [_broken(broken)]
        except (Cut, Hang):
            raise
        except Exception as bug:
            traceback.print_exc()
            error, function = True, Function.NIL
            parts = [wire.error(2, f"general error: the simulator failed: {bug!r}")]
        return wire.reply(number, header.packet, function, parts, error=error)

    async def _do(self, request: wire.Request) -> Answer:
        began = time.monotonic()
        # The LOB messages are told apart by their parts, since drivers do not agree on their numbers.
        if Kind.WRITE_LOB_REQUEST in request.parts:
            action: Callable[[wire.Request], Any] = self._write_lob
        elif Kind.READ_LOB_REQUEST in request.parts:
            action = self._read_lob
        elif request.type in _ACTIONS:
            action = getattr(self, _ACTIONS[request.type])
        else:
            raise wire.Malformed(f"message {request.type} is not simulated")
        if self.session is None and request.type not in _BEFORE_LOGON:
            raise wire.Malformed(f"message {request.type} before the logon")
        function, parts = await action(request)
        if request.type in _WITH_CONTEXT:
            # PyHDB takes the second part of a fetch for the rows, so the context stands first, as the server's does.
            spent = int((time.monotonic() - began) * 1_000_000)
            parts.insert(0, wire.options(Kind.STATEMENT_CONTEXT, {2: spent}, wide=[2]))
        return function, parts

    # -- logon --------------------------------------------------------------------------------------------------------

    async def _db_connect_info(self, request: wire.Request) -> Answer:
        """Where a database is: here, or behind another port of the address that the client came to."""
        engine = self.protocol.engine
        typed = wire.parse_options(request.part(Kind.DB_CONNECT_INFO)).get(1) or self.protocol.database
        name = user_name(str(typed))
        if name == self.protocol.database:
            return Function.NIL, [wire.options(Kind.DB_CONNECT_INFO, {4: True})]
        if name not in engine.databases():
            raise SqlError(863, f"database {name} does not exist")
        host = str(self.writer.get_extra_info("sockname")[0])
        return Function.NIL, [wire.options(Kind.DB_CONNECT_INFO, {2: host, 3: engine.port(name), 4: False})]

    async def _authenticate(self, request: wire.Request) -> Answer:
        user, *rest = wire.parse_fields(request.part(Kind.AUTHENTICATION).data) or [b""]
        offered = dict(zip(rest[::2], rest[1::2], strict=False))
        method = next((method for method in METHODS if method in offered), None)
        if method is None:
            raise SqlError(10, "authentication failed", "28000")
        name = user_name(wire.uncesu8(user))
        self.exchange = Exchange(name, method, self.protocol.salt(name), os.urandom(48), offered[method])
        answer = [self.exchange.salt, self.exchange.server_nonce]
        if method == METHODS[0]:
            answer.append(struct.pack(">I", ROUNDS))
        return Function.NIL, [Part(Kind.AUTHENTICATION, wire.fields(method, wire.fields(*answer)))]

    async def _connect(self, request: wire.Request) -> Answer:
        protocol, exchange = self.protocol, self.exchange
        self.exchange = None
        found = wire.parse_fields(request.part(Kind.AUTHENTICATION).data)
        if exchange is None or self.session is not None or len(found) != 3 or found[1] != exchange.method:
            raise wire.Malformed("a CONNECT that does not follow its AUTHENTICATE")
        protocol.note("LOGON", exchange.user)
        account = protocol.engine.account(protocol.database, exchange.user)
        wanted, own = exchange.proofs(await protocol.salted(exchange, account.password))
        proved = hmac.compare_digest(wanted, wire.client_proof(found[2]))
        protocol.engine.logged_on(protocol.database, exchange.user, proved)
        if not proved:
            raise SqlError(10, "authentication failed", "28000")
        options = request.parts.get(Kind.CONNECT_OPTIONS)
        asked = {} if options is None else wire.parse_options(options)
        self.version = min(int(asked.get(23) or asked.get(12) or 1), wire.VERSION)
        peer = self.writer.get_extra_info("peername")
        self.session = Session(self.id, protocol.system, protocol.database, account.name, str(peer[0]))
        # Under SCRAMSHA256 a server proves nothing.
        proof = wire.fields(own) if exchange.method == METHODS[0] else b""
        told: dict[int, bool | int | str] = {
            1: self.id,
            2: True,  # array execution
            4: True,  # large bulk operations
            10: True,  # many parameters
            11: protocol.system,
            12: self.version,
            23: self.version,
            44: protocol.server_version,
            45: protocol.database,
        }
        return Function.CONNECT, [
            Part(Kind.AUTHENTICATION, wire.fields(exchange.method, proof)),
            wire.options(Kind.CONNECT_OPTIONS, told),
        ]

    async def _disconnect(self, request: wire.Request) -> Answer:
        self.leaving = True
        return Function.DISCONNECT, []

    # -- statements ---------------------------------------------------------------------------------------------------

    @property
    def logged_on(self) -> Session:
        """The session, of a client that has one."""
        assert self.session is not None
        return self.session

    async def _execute_direct(self, request: wire.Request) -> Answer:
        sql = wire.uncesu8(request.part(Kind.COMMAND).data)
        self.logged_on.autocommit = request.commit
        self.protocol.note(sql, self.logged_on.user)
        return self._result(await self.protocol.engine.execute(self.logged_on, sql), request)

    async def _prepare(self, request: wire.Request) -> Answer:
        sql = wire.uncesu8(request.part(Kind.COMMAND).data)
        told = self.protocol.engine.describe(self.logged_on, sql)
        number = next(self.numbers)
        statement = Prepared(sql, FUNCTIONS.get(told.kind, Function.DDL), told.parameters)
        self.statements[number] = statement
        parts = [wire.identifier(Kind.STATEMENT_ID, number)]
        if told.columns:
            parts.append(wire.result_metadata(told.columns, self.version))
        if told.parameters:
            parts.append(wire.parameter_metadata(told.parameters, self.version))
        return statement.function, parts

    async def _execute(self, request: wire.Request) -> Answer:
        number = _identifier(request, Kind.STATEMENT_ID)
        if number not in self.statements:
            raise wire.Malformed(f"there is no statement {number}")
        statement = self.statements[number]
        part = request.parts.get(Kind.PARAMETERS)
        rows = [] if part is None else wire.parameters(part, len(statement.parameters))
        waiting = [value for row in rows for value in row if isinstance(value, wire.Incoming) and not value.complete]
        opened = {next(self.numbers): lob for lob in waiting}
        self.batch = Batch(statement, rows or [[]], opened, request.commit)
        if opened:
            # hdbcli sends the rest only when counts come with the locators, then adds those that come at the end.
            return statement.function, [wire.affected([1] * len(rows)), wire.write_lob_reply(list(opened))]
        return await self._run(request)

    async def _write_lob(self, request: wire.Request) -> Answer:
        for locator, data, last in wire.write_lob_request(request.part(Kind.WRITE_LOB_REQUEST)):
            if self.batch is None or locator not in self.batch.open:
                raise wire.Malformed(f"no LOB {locator} waits for data")
            self.batch.open[locator].add(data, last)
            if last:
                del self.batch.open[locator]
        waiting = list(self.batch.open) if self.batch else []
        if self.batch and not waiting:
            await self._run(request)
        return Function.WRITE_LOB, [wire.write_lob_reply(waiting)]

    async def _run(self, request: wire.Request) -> Answer:
        """Execute what is complete; of several executions only the counts are told."""
        batch, self.batch = self.batch, None
        assert batch is not None
        statement, session = batch.statement, self.logged_on
        session.autocommit = batch.autocommit
        self.protocol.note(statement.sql, session.user)
        counts = []
        for row in batch.rows:
            values = [_declared(value, column) for value, column in zip(row, statement.parameters, strict=False)]
            result = await self.protocol.engine.execute(session, statement.sql, values)
            if len(batch.rows) == 1:
                return self._result(result, request)
            counts.append(result.count if isinstance(result, Affected) else -2)
        return statement.function, [wire.affected(counts)]

    def _result(self, result: Rows | Affected | Done, request: wire.Request) -> Answer:
        if isinstance(result, Done):
            return Function.DDL, []
        if isinstance(result, Affected):
            return FUNCTIONS[result.kind], [wire.affected([result.count])]
        cursor = Cursor(result.columns, iter(result.rows), self.version)
        parts = [
            wire.result_metadata(result.columns, self.version),
            cursor.block(_limit(request), self._keep, first=True),
        ]
        if not cursor.ended:
            number = next(self.numbers)
            self.cursors[number] = cursor
            parts.insert(1, wire.identifier(Kind.RESULTSET_ID, number))
        return Function.SELECT, parts

    async def _fetch_next(self, request: wire.Request) -> Answer:
        number = _identifier(request, Kind.RESULTSET_ID)
        if number not in self.cursors:
            raise wire.Malformed(f"there is no result set {number}")
        block = self.cursors[number].block(_limit(request), self._keep)
        if self.cursors[number].ended:
            del self.cursors[number]
        return Function.FETCH, [block]

    async def _close_resultset(self, request: wire.Request) -> Answer:
        cursor = self.cursors.pop(_identifier(request, Kind.RESULTSET_ID), None)
        if cursor is not None:
            cursor.close()
        return Function.CLOSE_CURSOR, []

    async def _drop_statement(self, request: wire.Request) -> Answer:
        self.statements.pop(_identifier(request, Kind.STATEMENT_ID), None)
        return Function.NIL, []

    async def _commit(self, request: wire.Request) -> Answer:
        self.protocol.engine.commit(self.logged_on)
        return Function.COMMIT, [wire.options(Kind.TRANSACTION_FLAGS, {1: True})]

    async def _rollback(self, request: wire.Request) -> Answer:
        self.protocol.engine.rollback(self.logged_on)
        return Function.ROLLBACK, [wire.options(Kind.TRANSACTION_FLAGS, {0: True})]

    # -- LOBs ---------------------------------------------------------------------------------------------------------

    def _keep(self, lob: wire.Lob) -> int:
        number = next(self.numbers)
        self.lobs[number] = lob
        return number

    async def _read_lob(self, request: wire.Request) -> Answer:
        locator, start, length = wire.read_lob_request(request.part(Kind.READ_LOB_REQUEST))
        if locator not in self.lobs:
            raise wire.Malformed(f"there is no LOB {locator}")
        return Function.READ_LOB, [wire.read_lob_reply(locator, *self.lobs[locator].piece(start, length))]


_ACTIONS: dict[int, str] = {
    message: f"_{message.name.lower()}" for message in Message if message not in (Message.READ_LOB, Message.WRITE_LOB)
}
_BEFORE_LOGON = (Message.AUTHENTICATE, Message.CONNECT, Message.DB_CONNECT_INFO, Message.DISCONNECT)
_WITH_CONTEXT = (Message.EXECUTE_DIRECT, Message.PREPARE, Message.EXECUTE, Message.FETCH_NEXT)


def _broken(error: wire.Malformed) -> Part:
    return wire.error(1033, f"error while parsing protocol: {error}")


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), int),
    "DECIMAL": Decimal,
    "DOUBLE": float,
    "TIMESTAMP": datetime.datetime.fromisoformat,
    "SECONDDATE": datetime.datetime.fromisoformat,
    "DATE": datetime.date.fromisoformat,
    "TIME": datetime.time.fromisoformat,
}


def _declared(value: Any, column: Column) -> Any:
    """A parameter as its statement wants it; hdbcli sends a DECIMAL as text, which HANA converts."""
    if isinstance(value, wire.Incoming):
        return value.value()
    if isinstance(value, str) and column.type in _FROM_TEXT:
        try:
            return _FROM_TEXT[column.type](value)
        except (ValueError, ArithmeticError):
            raise SqlError(339, f"invalid number: not a value of type {column.type}") from None
    return value


def _identifier(request: wire.Request, kind: Kind) -> int:
    return int(wire.Reader(request.part(kind).data).number("<Q"))


def _limit(request: wire.Request) -> int:
    part = request.parts.get(Kind.FETCH_SIZE)
    return FIRST_ROWS if part is None else int(wire.Reader(part.data).number("<i"))
