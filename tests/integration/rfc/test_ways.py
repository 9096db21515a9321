# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to a system that is not reached directly, as each client library takes them: SAProuter, message server."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, LandscapeError, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Address, NotReached
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import CallFailed, Link, open_conversation
from tests.integration.rfc.conftest import Server


def address_of(server: Server, **way: Any) -> Address:
    """Where the server is, by one way to it."""
    return Address(server.name, "100", user="BATCH", password="Secret01", timeout=10, **way)


def direct(server: Server, router: str | None = None) -> Address:
    """The server's own door, behind a router or not."""
    return address_of(server, host="127.0.0.1", instance=server.info["number"], router=router)


@contextmanager
def listener(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port of this machine; each connection to it is served by a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def accept() -> None:
            with suppress(OSError):  # the door was shut
                while True:
                    connection, _peer = door.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield door.getsockname()[1]
        door.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes."""
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise ConnectionError("the connection was closed")
        found += more
    return found


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until there is no more."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def router(routes: list[tuple[str, str]]) -> Callable[[socket.socket], None]:
    """A SAProuter that lets everybody through; ``routes`` tells where to."""

    def serve(connection: socket.socket) -> None:
        with connection:
            frame = exactly(connection, struct.unpack(">I", exactly(connection, 4))[0])
            assert frame.startswith(b"NI_ROUTE\0"), frame
            host, port = (part.decode() for part in frame.rstrip(b"\0").split(b"\0")[-2:])  # the last hop, no password
            routes.append((host, port))
            with socket.create_connection((host, int(port)), 10) as target:
                connection.sendall(struct.pack(">I", 8) + b"NI_PONG\0")
                back = threading.Thread(target=pump, args=(target, connection), daemon=True)
                back.start()
                pump(connection, target)
                back.join(10)

    return serve


def test_a_router_carries_the_conversation(server: Server) -> None:
    routes: list[tuple[str, str]] = []
    with listener(router(routes)) as port:
        address = direct(server, router=f"/H/127.0.0.1/S/{port}")
        client = Client(Link(address))
        assert client.ask("try the way", "STFC_CONNECTION", {"REQUTEXT": "through"})["ECHOTEXT"].rstrip() == "through"
        client.close()
    assert routes == [("127.0.0.1", f"33{server.info['number']}")]


def refusal(frame: bytes) -> bytes:
    """A SAProuter's no, which shows the route that it was asked for as far as it is text."""
    route = "/".join(part.decode("latin-1") for part in frame.split(b"\0") if part.isascii() and part)
    text = b"\0*ERR*\x001\0saprouter: route permission denied (%s)\0" % route.encode() + b"-94\0" * 20
    return b"NI_RTERR\0" + struct.pack(">BBBBi", 40, 0, 0, 0, -94) + struct.pack(">I", len(text)) + text


def test_the_password_of_a_router_is_in_no_error(server: Server) -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            heard.append(exactly(connection, struct.unpack(">I", exactly(connection, 4))[0]))
            answer = refusal(heard[-1])
            connection.sendall(struct.pack(">I", len(answer)) + answer)

    with listener(serve) as port:
        address = direct(server, router=f"/H/127.0.0.1/S/{port}/P/R0ute-Secret")
        with pytest.raises(LandscapeError) as caught:
            Link(address).ask("try the way", "RFC_PING")
    assert b"R0ute-Secret" in heard[0] and b"Secret01" not in heard[0]
    assert "R0ute-Secret" not in str(caught.value) + str(caught.value.as_result())


@pytest.mark.parametrize(
    ("function", "kind", "question", "change"),
    [
        ("Z_RAISE", "DUMP", CallFailed, Unknown),
        ("Z_RAISE", "ABORT", CallFailed, CallFailed),
        ("Z_RAISE", "ERROR", CallFailed, CallFailed),
        ("Z_RAISE", "MESSAGE", CallFailed, CallFailed),
        ("Z_NO_SUCH", "", CallFailed, CallFailed),
        ("Z_FORBIDDEN", "", Denied, Denied),
    ],
)
def test_what_a_system_says_means_of_a_question_and_of_a_change(
    server: Server, function: str, kind: str, question: type[LandscapeError], change: type[LandscapeError]
) -> None:
    link = Link(direct(server))
    for call, wanted in ((link.ask, question), (link.tell, change)):
        with pytest.raises(LandscapeError) as caught:
            call("try it", function, {"KIND": kind} if kind else {})
        assert caught.value.__class__ is wanted
        if kind == "DUMP":
            assert caught.value.facts["key"] == "TIME_OUT" and caught.value.facts["message"] == "00 341"
    link.close()


def test_a_message_server_is_asked_for_the_group(server: Server) -> None:
    """Each library has its own question; what matters is that it is asked, and no server taken in its place."""
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            heard.append(connection.recv(4096))

    with listener(serve) as port:
        address = address_of(server, message_server="127.0.0.1", service=str(port), system_id="NPL", group="BATCH")
        with pytest.raises(NotReached):
            open_conversation(address)
    assert len(heard) == 1 and b"Secret01" not in heard[0]
    assert (b"**MESSAGE**" if server.name == "pyrfc" else b"group=BATCH") in heard[0]
