# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the collection also works with the newest Python and ansible-core of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.env import python


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("part", ["tests/unit", "tests/integration"])
def test_newest_pair(part: str, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if not (root / part).is_dir():
        pytest.skip(f"there is no {part}")
    interpreter = python.ensure(root, "newest", python.TESTS)
    with capfd.disabled():
        print(f"\n-- {part} with {interpreter}", flush=True)
        done = subprocess.run([interpreter, "-m", "pytest", "-q", part], cwd=root, check=False)
    assert done.returncode == 0, f"{part} fails with the newest pair; its report stands above"
