# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh run database of each kind for every test."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Store, open_store
from tests import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'runs.db'}"
        return
    server = postgres.require()
    made = server.database()
    yield made
    server.drop(made)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, empty run database."""
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that listens where a sidecar would; ``getsockname`` is its path, which must be a short one."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(f"{folder}/wake")
        listening.listen()
        listening.settimeout(30)
        yield listening
