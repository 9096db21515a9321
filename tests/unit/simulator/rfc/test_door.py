# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway port: who gets in, who only waits."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulator.rfc.door import RfcDoor


async def _hello(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")
    await writer.drain()


def test_whoever_is_admitted_is_served() -> None:
    async def run() -> None:
        door = RfcDoor(_hello)
        reader, writer = await asyncio.open_connection("127.0.0.1", door.listen("127.0.0.1", 0))
        assert await reader.read() == b"hello"
        writer.close()
        door.close()

    asyncio.run(run())


def test_whoever_is_not_is_reset() -> None:
    async def run() -> None:
        door = RfcDoor(_hello, admit=lambda: False)
        reader, writer = await asyncio.open_connection("127.0.0.1", door.listen("127.0.0.1", 0))
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        door.close()

    asyncio.run(run())


def test_a_mute_door_says_nothing() -> None:
    async def run() -> None:
        closed: list[bool] = []
        door = RfcDoor(_hello, mute=True, gone=lambda: closed.append(True))
        reader, writer = await asyncio.open_connection("127.0.0.1", door.listen("127.0.0.1", 0))
        writer.write(b"anybody there?")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        door.close()
        with pytest.raises(ConnectionError):
            if await asyncio.wait_for(reader.read(1), 10) == b"":
                raise ConnectionError
        writer.close()
        assert closed == [True]

    asyncio.run(run())


def test_only_on_loopback_only_once() -> None:
    async def run() -> None:
        door, other = RfcDoor(_hello), RfcDoor(_hello)
        with pytest.raises(ValueError, match="loopback"):
            door.listen("0.0.0.0", 0)
        port = door.listen("127.0.0.1", 0)
        with pytest.raises(OSError):
            other.listen("127.0.0.1", port)
        door.close()

    asyncio.run(run())
