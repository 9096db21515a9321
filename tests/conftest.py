# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test stands on: the collection's import path, a state folder of its own, the machine's programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.env import collection, debian

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = collection.link(ROOT)
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
os.environ.setdefault("ANSIBLE_HOME", str(ROOT / ".cache" / "ansible"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose machine lacks what it needs, and say how to get it.

    In CI a lack of what the set-up installs is a failure: a set-up that failed would look like tests that went well.
    """
    for mark in item.iter_markers("needs"):
        missing = debian.missing(mark.args)
        if debian.promised(missing):
            pytest.fail(debian.advice(missing), pytrace=False)
        if missing:
            pytest.skip(debian.advice(missing))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh state folder; everything that looks for the default one finds this."""
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("BASIS_LANDSCAPE_STATE", str(folder))
    return folder


@pytest.fixture
def ansible_environment(tmp_path: Path) -> dict[str, str]:
    """An environment for ansible's programs as child processes: this collection, this Python, temporary folders."""
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(tmp_path / "ansible-home"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible-local"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }
