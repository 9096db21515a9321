# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether modules and whole runs also work with the newest Python and ansible-core of this machine.

In a file of its own, so that both workers have a part of the longest tests.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matrix import newest

RUNS = " or ".join(
    (
        "nothing_disturbs",
        "fails_releases",
        "killed_worker",
        "ctrl_c",
        "undone_in_its_place",
        "rest_from",
        "is_left_out",
        "needs_what_is_up",
    )
)


# The oldest pair has the claims by pyrfc already; saprfclib is with the newest alone.
MODULES = ("tests/integration/test_modules.py", "-k", "not pyrfc")
ROLES = ("tests/integration/test_sap_stop_and_start.py",)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    "part", [MODULES, ROLES, ("tests/integration/runs", "-k", RUNS)], ids=["modules", "roles", "runs"]
)
def test_newest_pair(part: tuple[str, ...], root: Path) -> None:
    newest.run(root, *part)
