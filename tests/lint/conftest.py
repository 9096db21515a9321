# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks of form share: a copy of the project where its tools expect it, a way to run a tool."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.env import tree

Run = Callable[..., str]


@pytest.fixture(scope="session")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project at ``ansible_collections/basis/landscape``, a git work tree of its own."""
    return tree.copy(root, tmp_path_factory.mktemp("copy"))


@pytest.fixture
def run(root: Path, copy: Path) -> Run:
    """Run a tool of this environment; the test fails with the tool's words when its exit code is not 0.

    ``telling`` is a pattern of the lines that matter; without it all are shown.
    """

    def work(*command: str, cwd: Path, environment: dict[str, str] | None = None, telling: str = "") -> str:
        variables = environment or {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "GIT_"))},
            "ANSIBLE_COLLECTIONS_PATH": str(copy.parents[2]),
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
            words = "\n".join(line for line in done.stdout.splitlines() if re.search(telling, line))
            pytest.fail(f"{' '.join(command)} (exit code {done.returncode})\n{words[-20000:]}", pytrace=False)
        return done.stdout

    return work
