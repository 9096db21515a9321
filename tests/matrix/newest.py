# SPDX-License-Identifier: GPL-3.0-or-later
"""How a part of the tests is run with the newest Python and ansible-core of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.env import python


def run(root: Path, *part: str) -> None:
    """Run some tests in the newest environment; what fails there fails here, with its words."""
    interpreter = python.ensure(root, "newest", python.TESTS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [str(interpreter), "-m", "pytest", "-q", *part]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{part[0]} fails with {interpreter}:\n{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
