# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks of form share: a copy of the project where its tools expect it, a way to run a tool."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.env import tree

Run = Callable[..., str]


@pytest.fixture(scope="session")
def copy(root: Path) -> Path:
    """The project at ``ansible_collections/basis/landscape``, a git work tree of its own."""
    return tree.copy(root, root / ".cache" / "lint")


@pytest.fixture
def run(root: Path) -> Run:
    """Run a tool of this environment; the test fails with the tool's words when its exit code is not 0."""

    def work(*command: str, cwd: Path, environment: dict[str, str] | None = None) -> str:
        variables = environment or {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "GIT_"))},
            "ANSIBLE_COLLECTIONS_PATH": str(root / ".cache" / "lint"),
            "ANSIBLE_HOME": str(root / ".cache" / "ansible"),
            "NO_COLOR": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        done = subprocess.run(
            command,
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{' '.join(command)} (exit code {done.returncode})\n{done.stdout[-20000:]}", pytrace=False)
        return done.stdout

    return work
