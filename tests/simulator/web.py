# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP/1.1 server on asyncio that can also break off in the ways that faults want."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
BODY_LIMIT = 64 * 1024 * 1024


@dataclass
class Request:
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    caller: str
    tls: bool = False
    local: bool = False

    @property
    def path(self) -> str:
        """The path without its query, decoded."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The query; of a repeated name the last value."""
        return {
            key: values[-1] for key, values in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()
        }

    def json(self) -> Any:
        """The body as JSON; ``None`` when it is empty.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self.body) if self.body.strip() else None

    def basic(self) -> tuple[str, str] | None:
        """User name with password of HTTP basic authentication, if there are any."""
        scheme, _blank, rest = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _colon, password = base64.b64decode(rest, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return user, password


@dataclass
class Answer:
    """One answer; ``cut`` sends only half of it, then closes."""

    status: int = 200
    body: bytes = b""
    kind: str = "text/xml; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


class Hangup(Exception):
    """Close the connection without an answer."""


class Hang(Exception):
    """Keep the connection open, never answer."""


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(value).encode(), "application/json", headers)


Handler = Callable[[Request], Awaitable[Answer]]


class Door:
    """One listening socket with the connections that came in through it."""

    def __init__(
        self, name: str, handler: Handler, *, admit: Callable[[], bool] | None = None, mute: bool = False
    ) -> None:
        self.name = name
        self._handler = handler
        self._admit = admit
        self._mute = mute
        self._server: asyncio.base_events.Server | None = None
        self._socket: socket.socket | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._closed = False
        self._tls = False
        self._opening: asyncio.Task[None] | None = None
        self._path: str | None = None

    def listen(self, address: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on a TCP port at once; returns the port.

        Raises:
            OSError: it is in use or may not be used.
        """
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio leaves Nagle on
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen(256)
        except OSError:
            sock.close()
            raise
        self._begin(sock, None if self._mute else tls)
        return int(sock.getsockname()[1])

    def listen_unix(self, path: str) -> None:
        """Listen on a Unix socket at once."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if os.path.exists(path):
            os.unlink(path)
        sock.bind(path)
        sock.listen(256)
        self._path = path
        self._begin(sock, None)

    def _begin(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        sock.setblocking(False)
        self._socket, self._tls = sock, tls is not None
        self._opening = asyncio.get_running_loop().create_task(self._serve(sock, tls))

    def _ended(self) -> bool:
        return self._closed

    async def _serve(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        if self._closed:
            return
        server = await asyncio.start_server(self._connected, sock=sock, ssl=tls)
        self._server = server
        if self._ended():
            server.close()

    def close(self) -> None:
        """Stop listening, cut all connections."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        elif self._socket is not None:
            self._socket.close()
        if self._path is not None and os.path.exists(self._path):
            os.unlink(self._path)
        for task, writer in list(self._open.items()):
            writer.transport.abort()
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            if self._admit is not None and not self._admit():
                self._reset(writer)
                return
            if self._mute:
                await reader.read(-1)
                return
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError, TimeoutError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            self._open.pop(task, None)
            writer.close()

    @staticmethod
    def _reset(writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        if sock is not None and sock.family == socket.AF_INET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        caller = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "local"
        while True:
            request = await self._read(reader, caller)
            if request is None:
                return
            request.tls, request.local = self._tls, caller == "local"
            try:
                answer = await self._handler(request)
            except Hangup:
                self._reset(writer)
                return
            except Hang:
                await reader.read(-1)
                return
            keep = request.headers.get("connection", "").lower() != "close" and not answer.cut
            head = [
                f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Other')}",
                f"Content-Type: {answer.kind}",
                f"Content-Length: {len(answer.body)}",
                f"Connection: {'keep-alive' if keep else 'close'}",
            ]
            head += [f"{key}: {value}" for key, value in answer.headers.items()]
            data = "\r\n".join(head).encode() + b"\r\n\r\n"
            writer.write(data + (answer.body[: len(answer.body) // 2] if answer.cut else answer.body))
            await writer.drain()
            if not keep:
                return

    @staticmethod
    async def _read(reader: asyncio.StreamReader, caller: str) -> Request | None:
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        lines = raw.decode("latin-1").split("\r\n")
        method, _blank, rest = lines[0].partition(" ")
        headers = {}
        for line in lines[1:]:
            key, colon, value = line.partition(":")
            if colon:
                headers[key.strip().lower()] = value.strip()
        body = b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while True:
                size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
                chunk = await reader.readexactly(size + 2)
                if size == 0:
                    break
                body += chunk[:-2]
        elif headers.get("content-length", "0").isdigit():
            body = await reader.readexactly(min(BODY_LIMIT, int(headers.get("content-length", "0"))))
        return Request(method, rest.rpartition(" ")[0] or rest, headers, body, caller)
