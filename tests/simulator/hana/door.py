# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL port of one HANA database: plain TCP or TLS, as the client's first byte says."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from tests.simulator.port import Port, Streams, Talk

TLS_HANDSHAKE = b"\x16"


class SqlDoor(Port):
    """A port that answers a client in the way in which it begins."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext, *, admit: Callable[[], bool], mute: bool = False) -> None:
        super().__init__("an SQL door", talk, admit)
        self._tls = tls
        self._mute = mute

    async def _open(self, client: socket.socket) -> Streams | None:
        first = await self._first(client)
        if not first:
            return None
        if self._mute:
            await asyncio.get_running_loop().create_future()
        return await self._streams(client, self._tls if first == TLS_HANDSHAKE else None)

    @staticmethod
    async def _first(client: socket.socket) -> bytes:
        """The first byte, which stays in the socket for who reads it in earnest; none when the client is gone."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(client, lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            loop.remove_reader(client)
        return client.recv(1, socket.MSG_PEEK)

    @staticmethod
    async def _streams(client: socket.socket, tls: ssl.SSLContext | None) -> Streams:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _protocol = await loop.connect_accepted_socket(lambda: protocol, client, ssl=tls)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
