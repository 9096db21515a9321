# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether modules and whole runs also work with the newest Python and ansible-core of this machine.

In a file of its own, so that both workers have a part of the longest tests.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matrix import newest

RUNS = "nothing_disturbs or fails_releases or killed_worker or ctrl_c or undone_in_its_place or rest_from"


@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    "part", [("tests/integration/test_modules.py",), ("tests/integration/runs", "-k", RUNS)], ids=["modules", "runs"]
)
def test_newest_pair(part: tuple[str, ...], root: Path) -> None:
    newest.run(root, *part)
