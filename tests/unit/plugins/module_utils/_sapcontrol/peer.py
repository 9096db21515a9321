# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer for the link: it accepts connections on a real socket, then does to each what its script says."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

Behaviour = Callable[[socket.socket, bytes], bool]

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope '
    'xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:SAPControl="urn:SAPControl">'
    "<SOAP-ENV:Body>{}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
)


def soap(element: str, inner: str = "") -> bytes:
    """A good envelope with one element of SAPControl."""
    return ENVELOPE.format(f"<SAPControl:{element}>{inner}</SAPControl:{element}>").encode()


def fault(text: str, code: str = "SOAP-ENV:Server") -> bytes:
    """An envelope with a fault."""
    inner = f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
    return ENVELOPE.format(f"<SOAP-ENV:Fault>{inner}</SOAP-ENV:Fault>").encode()


def http(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """An HTTP reply; ``length`` states another length than the body has."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body) if length is None else length}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def say(*pieces: bytes, stay: bool = True) -> Behaviour:
    """Answer with these bytes; then read the next request, or close."""

    def behave(connection: socket.socket, _request: bytes) -> bool:
        for piece in pieces:
            connection.sendall(piece)
        return stay

    return behave


def hang_up(_connection: socket.socket, _request: bytes) -> bool:
    """Close without an answer."""
    return False


class Peer:
    """Listens until it is left; each connection and each request is written down."""

    def __init__(self, *script: Behaviour, path: Path | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self._script = list(script)
        self._tls = tls
        if path is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self._listener.listen()
            self.port = 0
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Peer:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def silent(self, _connection: socket.socket, _request: bytes) -> bool:
        """Read the request and never answer."""
        self.over.wait()
        return False

    def trickle(self, connection: socket.socket, _request: bytes) -> bool:
        """Answer a byte at a time, for ever."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not self.over.wait(0.02):
                connection.sendall(b" ")
        return False

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            going = True
            while going and not self.over.is_set():
                request = self._read(connection)
                if not request:
                    break
                self.requests.append(request)
                behave = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                going = behave(connection, request)
        connection.close()

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _blank, body = data.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body
