# SPDX-License-Identifier: GPL-3.0-or-later
"""How the text of a program's release is taken apart."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.modules.sap_landscape_info import release

LONG = "793, patch 200, changelist 2123456, RKS compatibility level 0, optU (Sep 14 2026, 21:33:27), linuxx86_64"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (LONG, ("793", "200", "2123456")),
        ("753, patch 1016, commit ec1833e, opt", ("753", "1016", "ec1833e")),
        (" 722,patch 5, changelist 1", ("722", "5", "1")),
        ("", (None, None, None)),
        ("HDB 2.00.059", (None, None, None)),
    ],
)
def test_release(text: str, parts: tuple[str | None, ...]) -> None:
    found = release(text)
    assert (found["release"], found["patch"], found["change"]) == parts
    assert found["text"] == text
