# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversation record by record, above all what well-behaved clients never try."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable

import pytest

from tests.simulator.rfc import wire
from tests.simulator.rfc.conversation import Protocol
from tests.simulator.rfc.door import RfcDoor
from tests.simulator.rfc.metadata import OWN
from tests.simulator.rfc.wire import Tag
from tests.unit.simulator.rfc.client import Client, text
from tests.unit.simulator.rfc.stage import DENIED, PLACE, SmallEngine

Talk = Callable[[Client, SmallEngine], Awaitable[None]]


def talk(work: Talk) -> SmallEngine:
    """Let a client speak with a system; returns the system afterwards."""
    engine = SmallEngine()

    async def run() -> None:
        protocol = Protocol(engine, PLACE)
        door = RfcDoor(protocol.handle, gone=protocol.close)
        client = await Client.connect(door.listen("127.0.0.1", 0))
        try:
            await asyncio.wait_for(work(client, engine), 30)
        finally:
            client.leave()
            door.close()

    asyncio.run(run())
    return engine


async def until(enough: Callable[[], bool]) -> None:
    """Let the others run until something is so."""
    async with asyncio.timeout(10):
        while not enough():
            await asyncio.sleep(0.005)


def texts(fields: list[tuple[int, bytes]], *tags: int) -> list[str]:
    found = dict(reversed(fields))
    return [wire.text(found.get(tag, b"")) for tag in tags]


def test_logon() -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        given = await client.logon()
        shown = [wire.text(given[tag]) for tag in (Tag.SID, Tag.SYSTEM_NUMBER, Tag.HOST, Tag.INSTANCE)]
        assert shown == ["NPL", "42", "nplapp1", "nplapp1_NPL_42"]
        assert [wire.text(given[tag]) for tag in (0x150, 0x151, 0x152)] == ["BATCH", "100", "E"]
        assert given[Tag.RETURN_CODE] == bytes(4)

    assert talk(work).events == ["logon 100 BATCH E", "closed BATCH"]


@pytest.mark.parametrize("wrong", [{"password": "secret01"}, {"password": ""}, {"user": "EVE"}, {"client": "000"}])
def test_refused(wrong: dict[str, str]) -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        given = await client.logon(**wrong)
        assert given[Tag.TEXT] == DENIED.encode()
        assert Tag.OKAY not in given
        assert await client.ended()

    assert talk(work).events == [f"refused {wrong.get('user', 'BATCH')}"]


def test_only_what_is_wanted_comes_back() -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        body = client.body(
            "STFC_CONNECTION", "ECHOTEXT", REQUTEXT=text("hi".ljust(255)), NOPE=b"not known", tables={"NEITHER": []}
        )
        fields = await client.ask(body)
        assert [wire.text(value) for tag, value in fields if tag in (Tag.WANTED, Tag.NAME)] == ["ECHOTEXT"] * 2
        assert texts(fields, Tag.VALUE)[0].rstrip() == "hi"

    talk(work)


def test_what_a_client_sends_in_single_bytes() -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        where = [text("TYPENAME = 'ZPAIRS'".ljust(72))]
        fields = [text("ROWTYPE".ljust(30)) + text("000000" * 2 + " " * 61)]
        body = client.body(
            "RFC_READ_TABLE",
            QUERY_TABLE=text("DD40L".ljust(30)),
            GET_SORTED=b"X",
            tables={"OPTIONS": where, "FIELDS": fields, "DATA": []},
        )
        engine.catalogue.add(OWN.functions["RFC_READ_TABLE"])
        asked = wire.tagged(Tag.WANTED, text("DATA")) + body
        assert wire.text(dict(await client.ask(asked))[Tag.ROW]).rstrip() == "ZPAIR"

    talk(work)


def test_a_request_in_pieces() -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        rows = [text(f"line {number}".ljust(72)) for number in range(3000)]
        body = client.body("RFC_READ_TABLE", QUERY_TABLE=text("BIG".ljust(30)), tables={"OPTIONS": rows})
        pieces = [body[at : at + 28_000] for at in range(0, len(body), 28_000)]
        for piece in pieces[:-1]:
            client.post(piece, 0x08)
        assert Tag.OKAY in dict(await client.ask(pieces[-1], 0x09))

    assert "read with 3000 lines, the last is line 2999" in talk(work).events


def test_a_ping_between_records() -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        client.send(b"NI_PING\0")
        assert await client.receive() == b"NI_PONG\0"
        assert Tag.OKAY in dict(await client.call("RFC_PING"))

    talk(work)


def test_classic_exceptions_leave_the_conversation() -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        fields = await client.call("Z_RAISE", KIND=text("MESSAGE".ljust(10)))
        assert texts(fields, Tag.KEY, Tag.MESSAGE_TEXT, Tag.MESSAGE_CLASS, Tag.MESSAGE_TYPE, Tag.VARIABLE_2) == [
            "JOB_NOT_FOUND",
            "Job X does not exist",
            "XM",
            "E",
            "Y",
        ]
        fields = await client.call("Z_RAISE", KIND=text("ERROR".ljust(10)))
        assert texts(fields, Tag.KEY, Tag.MESSAGE_TYPE, Tag.MESSAGE_NUMBER) == ["", "E", "028"]
        assert Tag.OKAY in dict(await client.call("RFC_PING"))

    talk(work)


@pytest.mark.parametrize("kind", ["ABORT", "BUG", "NONE"])
def test_a_fatal_message_ends_the_conversation(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        fields = await client.call("Z_RAISE", KIND=text(kind.ljust(10)))
        assert texts(fields, Tag.MESSAGE_TYPE) == ["A" if kind == "ABORT" else "X"]
        assert await client.ended()

    assert talk(work).events[-1] == "closed BATCH"
    assert ("Traceback" in capfd.readouterr().err) == (kind != "ABORT")


def test_what_is_not_described() -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        fields = await client.call("Z_NONE")
        assert texts(fields, Tag.MESSAGE_CLASS, Tag.VARIABLE_1) == ["FL", "Z_NONE"]
        assert await client.ended()

    talk(work)


@pytest.mark.parametrize(
    "body",
    [
        Client.body("STFC_CONNECTION", REQUTEXT=b"short"),
        Client.body("STFC_CONNECTION", tables={"REQUTEXT": []}),
        Client.body("RFC_READ_TABLE", OPTIONS=b""),
        Client.body("RFC_READ_TABLE", tables={"OPTIONS": [b"short"]}),
        Client.body("Z_TYPES", IN=b"short"),
    ],
)
def test_values_that_do_not_fit_the_interface(body: bytes) -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        assert texts(await client.ask(body), Tag.MESSAGE_TYPE) == ["X"]
        assert await client.ended()

    talk(work)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"GET / HTTP/1.1",
        b"\x06\xcb" + bytes(10),
        b"\x07\xcb" + bytes(78),
        b"\x06\xcb" + bytes(78),
        b"\x06\xcb" + bytes(78) + b"\x02\x01\xff\xff\x7f\xff\xff\xff",
        b"\x06\x0b" + bytes(78),
        b"\x06\xd5" + bytes(78),
    ],
)
def test_records_that_end_it(record: bytes) -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.begin()
        client.send(record)
        assert await client.ended()

    assert talk(work).events == []


def test_a_length_that_is_too_long() -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        client.writer.write(struct.pack(">I", 2**31))
        assert await client.ended()

    talk(work)


def test_pieces_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "REQUEST_LIMIT", 100_000)

    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        for _number in range(5):
            client.post(bytes(28_000), 0x08)
        assert await client.ended()

    talk(work)


@pytest.mark.parametrize(("when", "done"), [("BEFORE", False), ("AFTER", True)])
def test_the_connection_breaks_off(when: str, done: bool) -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        client.post(client.body(f"Z_CUT_{when}", NAME=text("x".ljust(20))))
        assert await client.ended()

    assert ("marked x" in talk(work).events) == done


@pytest.mark.parametrize("cancel", [True, False])
def test_a_call_outlives_the_client_who_began_it(cancel: bool) -> None:
    async def work(client: Client, engine: SmallEngine) -> None:
        await client.logon()
        engine.delay = lambda name, user=None: 0.2  # type: ignore[method-assign]
        client.post(client.body("Z_MARK", NAME=text("late".ljust(20))))
        if cancel:
            client.send(b"\x06\xd5" + bytes(78))
            assert await client.ended()
        else:
            client.leave()
        await until(lambda: "closed BATCH" in engine.events)

    assert talk(work).events[1:] == ["marked late", "closed BATCH"]


def test_a_door_that_closes_ends_what_goes_on() -> None:
    async def run() -> list[str]:
        engine = SmallEngine()
        protocol = Protocol(engine, PLACE)
        door = RfcDoor(protocol.handle, gone=protocol.close)
        port = door.listen("127.0.0.1", 0)
        staying, leaving, idle = [await Client.connect(port) for _number in range(3)]
        for client in (staying, leaving, idle):
            await client.logon()
        for client in (staying, leaving):
            client.post(client.body("Z_NEVER", NAME=text("never".ljust(20))))
        leaving.send(b"\x06\xd5" + bytes(78))
        assert await leaving.ended()
        door.close()
        assert await staying.ended()
        assert await idle.ended()
        with pytest.raises(OSError):
            await Client.connect(port)
        await until(lambda: engine.events.count("closed BATCH") == 3)
        return engine.events

    assert "marked never" not in asyncio.run(run())
