# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of few words that sends the records as they are written down, for what real clients do not do."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from tests.simulator.rfc import wire

Fields = list[tuple[int, bytes]]


def text(value: str) -> bytes:
    return value.encode("utf-16-le")


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.id = bytes(8)

    @classmethod
    async def connect(cls, port: int, address: str = "127.0.0.1") -> Client:
        return cls(*await asyncio.open_connection(address, port))

    def send(self, record: bytes) -> None:
        self.writer.write(struct.pack(">I", len(record)) + record)

    async def receive(self) -> bytes:
        """The next record; asyncio.IncompleteReadError when the connection is closed."""
        (size,) = struct.unpack(">I", await self.reader.readexactly(4))
        return await self.reader.readexactly(size)

    async def begin(self) -> None:
        """All that comes before the logon."""
        self.send(b"\x02\x03" + bytes(62))
        assert len(await self.receive()) == 64
        self.send(b"\x06\x01" + bytes(451))
        self.id = (await self.receive())[40:48]
        self.send(b"\x06\x0f" + bytes(222))
        self.send(b"\x06\x05" + bytes(78))
        assert (await self.receive())[40:48] == self.id

    def post(self, body: bytes, verb: int = 0xCB) -> None:
        self.send(bytes((6, verb)) + bytes(38) + self.id + bytes(32) + body)

    async def ask(self, body: bytes, verb: int = 0xCB) -> Fields:
        """The fields of the reply to a body."""
        self.post(body, verb)
        record = await self.receive()
        assert record[1] == verb
        assert struct.unpack(">I", record[56:60])[0] == len(record) - 80
        return wire.fields(record[80:])

    async def logon(self, user: str = "BATCH", password: str = "Secret01", client: str = "100") -> dict[int, bytes]:
        await self.begin()
        hidden = struct.pack("<I", 77) + wire.scramble(77, password.encode())
        fields = ((0x114, client.encode()), (0x111, user.encode()), (0x117, hidden), (0x115, b"E"))
        body = bytes.fromhex("d9c6c3f0f0f0f0f0f0f0f0f0") + b"".join(wire.tagged(*one) for one in fields) + wire.END
        return dict(await self.ask(body))

    @staticmethod
    def body(function: str, *wanted: str, tables: dict[str, list[bytes]] | None = None, **values: bytes) -> bytes:
        """A call."""
        parts = [wire.tagged(0x102, text(function))] + [wire.tagged(0x205, text(name)) for name in wanted]
        for name, value in values.items():
            parts += [wire.tagged(0x201, text(name)), wire.tagged(0x203, value)]
        for name, rows in (tables or {}).items():
            parts += [wire.tagged(0x301, text(name)), *(wire.tagged(0x303, row) for row in rows)]
        return b"".join(parts) + wire.END

    async def call(self, function: str, *wanted: str, **values: Any) -> Fields:
        return await self.ask(self.body(function, *wanted, **values))

    async def ended(self) -> bool:
        """Whether the server closes the connection."""
        try:
            return await asyncio.wait_for(self.reader.read(1), 10) == b""
        except ConnectionError:
            return True

    def leave(self) -> None:
        self.writer.close()
