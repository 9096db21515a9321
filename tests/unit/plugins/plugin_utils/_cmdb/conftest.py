# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the CMDB room share: a small landscape, a server that answers by a script."""

from __future__ import annotations

import copy
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock

EXPORT: dict[str, Any] = {
    "hosts": [
        {"name": "prdapp1", "address": "127.0.1.1", "os": "rhel9", "environment": "production", "patch_group": "a"},
        {"name": "prdapp2", "address": "127.0.1.2", "os": "rhel9", "environment": "production", "patch_group": "b"},
        {"name": "prddb1", "address": "127.0.1.3", "os": "sles15", "attributes": {"rack": 12, "serial": "X"}},
        {"name": "web1"},
    ],
    "systems": [
        {"name": "PRD", "type": "abap", "windows": ["sunday"], "blackouts": ["year end"], "environment": "production"},
        {"name": "HDP", "sid": "HDP", "type": "hana", "windows": ["sunday"], "patch_group": "db"},
        {"name": "WD1", "type": "webdisp", "maintenance": "rolling"},
    ],
    "instances": [
        {"name": "ASCS00", "system": "PRD", "host": "prdapp1", "number": "00", "kind": "ascs"},
        {"name": "D01", "system": "PRD", "host": "prdapp1", "number": "01", "kind": "dialog"},
        {"name": "D01", "system": "PRD", "host": "prdapp2", "number": "01", "kind": "dialog", "start_priority": 5},
        {"name": "HDB02", "system": "HDP", "host": "prddb1", "number": "02", "kind": "hana", "cluster_owned": True},
        {"name": "W80", "system": "WD1", "host": "web1", "number": "80", "kind": "webdisp", "virtual_host": "www"},
    ],
    "relations": [
        {"source": "WD1", "target": "PRD", "type": "depends_on"},
        {"source": "PRD", "target": "HDP", "type": "depends_on"},
        {"source": "PRD/prdapp1/D01", "target": "PRD/prdapp1/ASCS00", "type": "depends_on"},
    ],
    "redundancy_groups": [
        {"name": "app servers", "members": ["PRD/prdapp1/D01", "PRD/prdapp2/D01"], "max_unavailable": 1}
    ],
    "calendars": [
        {
            "name": "sunday",
            "kind": "window",
            "timezone": "Europe/Berlin",
            "entries": [{"rrule": "FREQ=WEEKLY;BYDAY=SU", "start": "2026-01-04T22:00", "duration": "4h"}],
        },
        {
            "name": "year end",
            "kind": "blackout",
            "timezone": "Europe/Berlin",
            "entries": [{"start": "2026-12-20T00:00", "end": "2027-01-07T00:00"}],
        },
    ],
}


@pytest.fixture
def export() -> dict[str, Any]:
    """A native export without a defect; a copy of its own for every test."""
    return copy.deepcopy(EXPORT)


@dataclass
class Reply:
    """What the server shall answer; `body` is sent as JSON unless it is bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False


class Server:
    """A real HTTP server on this machine that answers by a script and keeps what it was asked.

    Attributes:
        asked: path with query, and headers, of every request.
        script: what to answer to a path with query, given how often it was asked before.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.script: Callable[[str, int], Reply] = lambda _target, _before: Reply([])
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                before = sum(target == self.path for target, _headers in server.asked)
                server.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
                reply = server.script(self.path, before)
                self.close_connection = True
                if reply.drop:
                    return
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **reply.headers}
                for key, value in headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if reply.cut else body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is written; `asked` keeps the requests."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def targets(self) -> list[str]:
        """The paths with query that were asked for."""
        return [target for target, _headers in self.asked]

    def close(self) -> None:
        """Ends the server."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server without TLS."""
    server = Server()
    yield server
    server.close()


class HandClock(Clock):
    """A clock on which time passes only by sleeping; it keeps how long each sleep was."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        """The sum of all sleeps."""
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Notes the sleep."""
        self.slept.append(seconds)
