# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the collection also works with the newest Python and ansible-core of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.env import python


@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    "part",
    [
        ["tests/unit/plugins"],
        ["tests/integration/test_modules.py"],
        ["tests/integration/rfc"],
        [
            "tests/integration/runs",
            "-k",
            "nothing_disturbs or fails_releases or killed_worker or ctrl_c or undone_in_its_place",
        ],
    ],
    ids=["unit", "modules", "rfc", "runs"],
)
def test_newest_pair(part: list[str], root: Path) -> None:
    interpreter = python.ensure(root, "newest", python.TESTS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [str(interpreter), "-m", "pytest", "-q", *part]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{part[0]} fails with {interpreter}:\n{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
