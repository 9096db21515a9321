# SPDX-License-Identifier: GPL-3.0-or-later
"""One listening port with the connections that came in through it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Port:
    """What the doors of binary protocols have in common.

    Args:
        name: the door, for errors ("an SQL door").
        talk: serves one client until it leaves.
        admit: asked for each client; whoever is not admitted finds the connection reset.
    """

    def __init__(self, name: str, talk: Talk, admit: Callable[[], bool]) -> None:
        self._name, self._talk, self._admit = name, talk, admit
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, address: str, port: int) -> int:
        """Listen at once; returns the port.

        Raises:
            OSError: the port is in use.
            ValueError: the address is not one of this machine alone.
        """
        if not address.startswith("127."):
            raise ValueError(f"{address} is no loopback address")
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
        return int(sock.getsockname()[1])

    def close(self) -> None:
        """Stop listening, cut all connections."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for task in list(self._tasks):
            task.cancel()

    async def _open(self, client: socket.socket) -> Streams | None:
        """The streams of a client that was admitted; none when it is gone."""
        return await asyncio.open_connection(sock=client)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, OSError):
            told = {"message": f"{self._name} failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(told)

    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while self._socket is not None:
            client, _peer = await loop.sock_accept(sock)
            client.setblocking(False)
            self._begin(self._serve(client))

    async def _serve(self, client: socket.socket) -> None:
        streams: Streams | None = None
        try:
            if not self._admit():
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            streams = await self._open(client)
            if streams is not None:
                await self._talk(*streams)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            if streams is None:
                client.close()
            elif self._socket is None:
                streams[1].transport.abort()
            else:
                streams[1].close()


async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Let a client talk until it leaves."""
    while await reader.read(65536):
        pass
