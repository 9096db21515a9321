# SPDX-License-Identifier: GPL-3.0-or-later
"""One client's conversation with an application server, from its greeting to its end.

Strictly one request, one reply; a request may come in pieces. A message of type A or X ends the conversation: the
reply is sent, then the connection closes, so that the next call finds it broken (a real gateway says so in a record
of its own, whose layout is not known here). A conversation that is cancelled or left while a call is on its way takes
back what was not committed when the call is done.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.simulator.abap.catalogue import Catalogue, Field, Function, Parameter
from tests.simulator.abap.errors import AbapError, AbapException, AbapMessage, LogonRefused, NotFound

from . import wire
from .call import Cut, Engine, complete, is_table, outputs, perform
from .metadata import Metadata
from .values import Unfit, decode, encode, layout
from .wire import Malformed, Verb

# What erpl-pyrfc sends in single bytes when it reads DD40L; it means nothing there.
_SINGLE = ("GET_SORTED", b"X")


class Protocol:
    """Speaks with the clients of one instance.

    Args:
        engine: the system.
        place: what the instance says about itself.
        instance: what the engine calls the instance.
    """

    _ids: Iterator[int] = itertools.count(10_000_001)

    def __init__(self, engine: Engine, place: wire.Place, instance: Any = None) -> None:
        self.engine, self.place, self.instance = engine, place, instance
        self.metadata = Metadata(engine.catalogue)
        self._outliving: set[asyncio.Task[Any]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves."""
        conversation = _Conversation(self, reader, writer, b"%08d" % (next(self._ids) % 10**8))
        try:
            await conversation.serve()
        except (OSError, asyncio.IncompleteReadError, Malformed):
            pass
        except Cut:
            writer.transport.abort()
        finally:
            writer.close()

    def after(self, work: asyncio.Task[Any] | None, end: Callable[[], None]) -> None:
        """Call ``end`` when the work is done: what a client had begun before it left goes on."""
        if work is None or work.done():
            end()
            return

        def finish(task: asyncio.Task[Any]) -> None:
            self._outliving.discard(task)
            if not task.cancelled():
                task.exception()  # nobody is left who could be told
            end()

        self._outliving.add(work)  # the loop itself keeps only weak references
        work.add_done_callback(finish)

    def close(self) -> None:
        """The instance is gone, with all that it was working on."""
        for task in list(self._outliving):
            task.cancel()


@dataclass
class _Conversation:
    """One connection."""

    protocol: Protocol
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    id: bytes
    session: Any = None
    leaving: bool = False
    pieces: bytearray = field(default_factory=bytearray)

    # -- records ------------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Answer one record after the other."""
        work: asyncio.Task[bytes] | None = None
        # The next record is awaited while a call is performed: this is how the client's end is noticed.
        coming = asyncio.create_task(self._receive())
        try:
            while not self.leaving:
                record = await coming
                if record is None:
                    return
                coming = asyncio.create_task(self._receive())
                if record[:2] == b"\x02\x03":
                    self._send(wire.greeting(record))
                    continue
                verb = wire.verb(record)
                if verb in (Verb.DEALLOCATE, Verb.CANCEL):
                    return
                if verb in (Verb.SEND, Verb.RECEIVE):
                    self._keep(record)
                    body, self.pieces = bytes(self.pieces), bytearray()
                    work = asyncio.create_task(self._answer(body))
                    await asyncio.wait({work, coming}, return_when=asyncio.FIRST_COMPLETED)
                    if not work.done():  # who speaks now does not wait for the answer: it cancels, or is gone
                        return
                    self._send(wire.sent(verb, self.id, work.result()))
                    await self.writer.drain()
                else:
                    self._arrange(verb, record)
        except asyncio.CancelledError:  # the door is closed
            if work is not None:
                work.cancel()
            raise
        finally:
            coming.cancel()
            self.protocol.after(work, self._end)

    def _end(self) -> None:
        if self.session is not None:
            self.session.close()

    async def _receive(self) -> bytes | None:
        """The next record; None when the client is gone."""
        try:
            while True:
                record = await self.reader.readexactly(wire.length(await self.reader.readexactly(4)))
                if record != wire.PING:
                    return record
                self._send(wire.PONG)
        except (OSError, asyncio.IncompleteReadError, Malformed):
            return None

    def _send(self, record: bytes) -> None:
        self.writer.write(wire.framed(record))

    def _arrange(self, verb: int, record: bytes) -> None:
        """What is no call: the answer when there is to be one."""
        if verb == Verb.INITIALIZE:
            self._send(wire.initialized(record, self.id))
        elif verb == Verb.ALLOCATE:
            self._send(wire.allocated(self.id))
        elif verb == Verb.SEND_PIECE:
            self._keep(record)

    def _keep(self, record: bytes) -> None:
        self.pieces += record[wire.HEADER_SIZE :]
        if len(self.pieces) > wire.REQUEST_LIMIT:
            raise Malformed(f"a request of more than {wire.REQUEST_LIMIT} bytes")

    async def _answer(self, body: bytes) -> bytes:
        return self._logon(body) if self.session is None else await self._call(body)

    # -- logon --------------------------------------------------------------------------------------------------------

    def _logon(self, body: bytes) -> bytes:
        protocol, who = self.protocol, wire.logon(body)
        try:
            self.session = protocol.engine.logon(
                who.client, who.user, who.password, who.language, instance=protocol.instance
            )
        except LogonRefused as refusal:
            self.leaving = True
            return wire.refused(protocol.place, refusal.text)
        return wire.logged_on(protocol.place, who, os.urandom(16))

    # -- calls --------------------------------------------------------------------------------------------------------

    async def _call(self, body: bytes) -> bytes:
        call = wire.call(body)
        try:
            function, catalogue = self.protocol.metadata.find(call.function)
            given = complete(catalogue, function, _arguments(catalogue, function, call))
            if self.protocol.metadata.owns(function, given):
                answer = self.protocol.metadata.answer(function, given)
                result = outputs(catalogue, function, given, answer)
            else:
                result = await perform(self.protocol.engine, self.session, function, given, "rfc")
            return _returned(catalogue, function, call.wanted, result)
        except AbapException as refusal:
            return wire.raised(refusal.text, refusal.message, refusal.key)
        except AbapMessage as message:
            self.leaving = message.fatal
            return wire.raised(message.text, message.message)
        except NotFound as missing:
            self.leaving = True
            return wire.raised(str(missing), ("FL", "X", "046", missing.name))
        except AbapError as error:
            return wire.raised(str(error))
        except Malformed as error:  # a short dump on a real system
            self.leaving = True
            return wire.raised(f"The call could not be read: {error}", ("00", "X", "341", "RFC_CONVERSION_FIELD"))
        except Cut:
            raise
        except Exception as bug:
            traceback.print_exc()
            self.leaving = True
            return wire.raised(f"The simulator failed: {bug!r}", ("00", "X", "341", type(bug).__name__))


def _arguments(catalogue: Catalogue, function: Function, call: wire.Call) -> dict[str, Any]:
    """The values of a call; a parameter that the function module does not have is ignored, as servers do.

    Raises:
        Malformed: one is none of its parameter.
    """
    known = {one.name: one for one in function.parameters if one.kind != "E"}
    if call.xml:
        raise Malformed("values as XML are not simulated")
    given = {
        name: _argument(catalogue, known[name], raw)
        for name, raw in call.values.items()
        if name in known and (name, raw) != _SINGLE
    }
    for name, rows in call.tables.items():
        if name not in known:
            continue
        if not is_table(catalogue, known[name]):
            raise Malformed(f"{name} is no table")
        form = layout(catalogue.row(str(known[name].type)))
        given[name] = [form.decode(row) for row in rows]
    return given


def _argument(catalogue: Catalogue, parameter: Parameter, raw: bytes) -> Any:
    if isinstance(parameter.type, Field):
        return decode(parameter.type, raw)
    if is_table(catalogue, parameter):
        raise Malformed(f"{parameter.name} is a table")
    return layout(catalogue.row(parameter.type)).decode(raw)


def _returned(catalogue: Catalogue, function: Function, wanted: set[str], result: dict[str, Any]) -> bytes:
    """The reply with the outputs that the client wants."""
    names: list[str] = []
    values: list[tuple[str, bytes]] = []
    tables: list[wire.Table] = []
    for number, one in enumerate(function.parameters, 1):
        if one.kind == "I" or one.name not in wanted:
            continue
        value = result[one.name]
        if one.kind != "T":
            names.append(one.name)
        try:
            if isinstance(one.type, Field):
                values.append((one.name, encode(one.type, value)))
                continue
            form = layout(catalogue.row(one.type))
            if is_table(catalogue, one):
                tables.append(wire.Table(one.name, number, form.size, [form.encode(row) for row in value]))
            else:
                values.append((one.name, form.encode(value)))
        except Unfit as error:
            raise Unfit(f"{function.name}-{one.name}: {error}") from error
    return wire.returned(os.urandom(16), names, values, tables, program=f"SAPL{function.name}")
