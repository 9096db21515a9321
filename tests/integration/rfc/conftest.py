# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripted application server as a process, with the clients that speak to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WAYS = {
    "pyrfc": "needs pyrfc: pip install erpl-pyrfc",
    "saprfclib": "needs saprfclib (Python 3.12 or newer): pip install saprfclib",
}


class Server:
    """The running server as one client library sees it."""

    def __init__(self, info: dict[str, str], name: str, module: Any, options: dict[str, str] | None = None) -> None:
        self.info, self.name, self.module, self.options = info, name, module, options or {}
        # The second library has no error of its own for a refused logon.
        self.errors: type[Exception] = module.RFCError if name == "pyrfc" else Exception

    def connect(self, **other: Any) -> Any:
        """A connection."""
        options = {
            "ashost": "127.0.0.1",
            "sysnr": self.info["number"],
            "client": "100",
            "user": "BATCH",
            "passwd": "Secret01",
            "lang": "EN",
            **self.options,
            **other,
        }
        if self.name == "pyrfc":
            return self.module.Connection(**options)
        return self.module.connect(**{**options, "sysnr": int(options["sysnr"])})

    def events(self) -> list[str]:
        """What the system was called for since the server's start."""
        connection = self.connect()
        try:
            return [row["WA"] for row in connection.call("Z_EVENTS")["EVENTS"]]
        finally:
            connection.close()


@pytest.fixture(scope="module")
def running(root: Path) -> Iterator[dict[str, str]]:
    """One server for a module's tests."""
    command = [sys.executable, "-m", "tests.integration.rfc.scripted"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.fixture(params=sorted(WAYS))
def server(running: dict[str, str], request: pytest.FixtureRequest) -> Server:
    """The server for each client library; skipped without the library."""
    module = pytest.importorskip(request.param, reason=WAYS[request.param])
    return Server(running, request.param, module)


@pytest.fixture
def connection(server: Server) -> Iterator[Any]:
    """A connection of a test's own."""
    connection = server.connect()
    yield connection
    connection.close()
