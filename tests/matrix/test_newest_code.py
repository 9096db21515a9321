# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the code also works with the newest Python and ansible-core of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matrix import newest


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("part", ["tests/unit/plugins", "tests/integration/rfc"])
def test_newest_pair(part: str, root: Path) -> None:
    newest.run(root, part)
