# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL port of one HANA database: plain TCP or TLS, as the client's first byte says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

TLS_HANDSHAKE = b"\x16"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class SqlDoor:
    """One listening port with the connections that came in through it."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext, *, admit: Callable[[], bool], mute: bool = False) -> None:
        self._talk = talk
        self._tls = tls
        self._admit = admit
        self._mute = mute
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, address: str, port: int) -> None:
        """Listen at once.

        Raises:
            OSError: the port is in use.
        """
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen(256)
        except OSError:
            sock.close()
            raise
        sock.setblocking(False)
        self._socket = sock
        self._begin(self._accept(sock))

    def close(self) -> None:
        """Stop listening, cut all connections."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for task in list(self._tasks):
            task.cancel()

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, OSError):
            task.get_loop().call_exception_handler({"message": "an SQL door failed", "exception": error, "task": task})

    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while self._socket is not None:
            client, _peer = await loop.sock_accept(sock)
            client.setblocking(False)
            self._begin(self._serve(client))

    async def _serve(self, client: socket.socket) -> None:
        writer: asyncio.StreamWriter | None = None
        try:
            if not self._admit():
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            first = await self._first(client)
            if not first:
                return
            if self._mute:
                await asyncio.get_running_loop().create_future()
            reader, writer = await self._streams(client, self._tls if first == TLS_HANDSHAKE else None)
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            if writer is not None:
                writer.transport.abort() if self._socket is None else writer.close()
            else:
                client.close()

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
    async def _streams(
        client: socket.socket, tls: ssl.SSLContext | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _protocol = await loop.connect_accepted_socket(lambda: protocol, client, ssl=tls)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
