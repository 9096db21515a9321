# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway port of one instance."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RfcDoor:
    """One listening port with the connections that came in through it.

    Args:
        talk: serves one client until it leaves.
        admit: asked for each client; whoever is not admitted finds the connection reset.
        mute: connections are accepted, then nothing is ever said.
        gone: called when the door is closed.
    """

    def __init__(
        self,
        talk: Talk,
        *,
        admit: Callable[[], bool] = lambda: True,
        mute: bool = False,
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._talk, self._admit, self._mute, self._gone = talk, admit, mute, gone
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
        self._gone()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, OSError):
            task.get_loop().call_exception_handler({"message": "an RFC door failed", "exception": error, "task": task})

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
            reader, writer = await asyncio.open_connection(sock=client)
            if self._mute:
                while await reader.read(65536):
                    pass
                return
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            if writer is None:
                client.close()
            elif self._socket is None:
                writer.transport.abort()
            else:
                writer.close()
