# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripted HANA as a process with what its tests need to reach it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


class Hana:
    """The running server."""

    def __init__(self, info: dict[str, Any]) -> None:
        self.info = info
        self.port: int = info["QAS"]

    def options(self, **other: Any) -> dict[str, Any]:
        """What a logon needs."""
        return {"address": "127.0.0.1", "port": self.port, "user": "SYSTEM", "password": "Manager1", **other}

    def connect(self, **other: Any) -> Any:
        """A connection of hdbcli, which the tests that are skipped without it import first."""
        from hdbcli import dbapi

        return dbapi.connect(**self.options(**other))

    @staticmethod
    def rows(connection: Any, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement, binary values as bytes."""
        cursor = connection.cursor()
        cursor.execute(sql, *parameters)
        found = cursor.fetchall()
        cursor.close()
        return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in found]

    def events(self, connection: Any) -> list[str]:
        """What the engine was called for since the connection's test began."""
        return [row[0] for row in self.rows(connection, "SELECT EVENTS")]

    def wait(self, connection: Any, enough: Callable[[list[str]], bool]) -> list[str]:
        """The events as soon as they are enough."""
        deadline = time.monotonic() + 30
        while not enough(events := self.events(connection)):
            assert time.monotonic() < deadline, events
            time.sleep(0.02)
        return events


@pytest.fixture(scope="module")
def hana(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hana]:
    """One server for a module's tests."""
    command = [sys.executable, "-m", "tests.integration.hana.scripted", str(tmp_path_factory.mktemp("hana"))]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Hana(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.fixture
def connection(hana: Hana) -> Iterator[Any]:
    """A connection of a test's own; no events yet."""
    connection = hana.connect()
    connection.cursor().execute("RESET EVENTS")
    yield connection
    connection.close()
