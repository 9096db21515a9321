# SPDX-License-Identifier: GPL-3.0-or-later
"""Screens and variants that are not what is meant."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied
from ansible_collections.basis.landscape.plugins.module_utils._rfc.screens import (
    alike,
    check_screen,
    check_variant,
    left_open,
)


class There:
    """A report with a screen and a variant."""

    def screen(self, _doing: str, _program: str) -> list[str]:
        return ["A", "B"]

    def ask(self, _doing: str, _function: str, _given: Any) -> dict[str, Any]:
        return {"VALUTAB": [{"SELNAME": "A", "LOW": "x "}, {"SELNAME": "B", "LOW": ""}]}


def test_a_screen_that_has_the_fields() -> None:
    check_screen(There(), "RSX", ["B", "A"])


def test_a_screen_that_lacks_one() -> None:
    with pytest.raises(Denied, match="no C; it has A, B"):
        check_screen(There(), "RSX", ["A", "C"])


def test_a_variant_that_says_so() -> None:
    check_variant(There(), "RSX", "V", {"A": "X", "B": ""})


@pytest.mark.parametrize(("wanted", "words"), [({"A": "Y"}, "A is 'x', not 'Y'"), ({"C": ""}, "C is not in it")])
def test_a_variant_that_says_something_else(wanted: dict[str, str], words: str) -> None:
    with pytest.raises(Denied, match=words):
        check_variant(There(), "RSX", "V", wanted)


def row(name: str, low: str, kind: str = "P") -> dict[str, str]:
    return {"SELNAME": name, "KIND": kind, "SIGN": "I", "OPTION": "EQ", "LOW": low, "HIGH": ""}


@pytest.mark.parametrize(
    ("there", "same"),
    [
        ([row("S", "A", "S")], False),
        ([{**row("S", "", "S"), "HIGH": "Z"}], False),
        ([row("S", "", "S")], True),
        ([{**row("S", "*", "S"), "OPTION": "CP"}], True),
        ([row("X", "1")], True),
    ],
)
def test_a_select_option_that_is_left_open_must_take_everything(there: list[dict[str, str]], same: bool) -> None:
    assert alike([row("P", "1"), *there], [row("P", "1")], whole=True) is same
    assert alike([row("P", "1"), *there], [row("P", "1")])
    assert left_open([row("P", "1"), *there], ["P"]) == [one for one in there if one["LOW"] or one["HIGH"]]


@pytest.mark.parametrize(
    ("ours", "same"),
    [
        ([row("P", "1")], True),
        ([row("P", "2")], False),
        ([row("X", "")], False),
        ([row("S", "B", "S"), row("S", "A", "S")], True),
        ([row("S", "A", "S")], False),
    ],
)
def test_variants_with_our_values(ours: list[dict[str, str]], same: bool) -> None:
    assert alike([row("P", "1"), row("S", "A", "S"), row("S", "B", "S")], ours) is same
