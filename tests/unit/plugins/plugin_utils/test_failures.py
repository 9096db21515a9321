# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of failed tasks."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _failures


@pytest.mark.parametrize(
    "result, words",
    [
        ({"msg": "disk full"}, "disk full"),
        ({"reason": "no such file"}, "no such file"),
        ({}, ""),
        (
            {
                "msg": "One or more items failed",
                "results": [{"failed": True, "msg": "a"}, {"msg": "fine"}, {"failed": True, "msg": "b"}],
            },
            "a; b",
        ),
        (
            {
                "msg": "One or more items failed",
                "results": [
                    {"exception": "(traceback unavailable)", "msg": "a"},
                    {"failed_when_result": False, "msg": "fine"},
                    {"failed_when_result": True, "msg": "b"},
                ],
            },
            "a; b",
        ),
        (
            {
                "msg": "All items completed",
                "results": [{"unreachable": True, "msg": "gone"}, {"unreachable": True, "msg": "gone"}],
            },
            "gone",
        ),
        ({"msg": "text", "results": ["a", "list", "of", "packages"]}, "text"),
    ],
)
def test_words(result: dict, words: str) -> None:
    assert _failures.words(result) == words
