# SPDX-License-Identifier: GPL-3.0-or-later
"""Options: merging, instance numbers, system IDs."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._argspec import (
    ArgumentSpec,
    instance_number,
    system_id,
)
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput


def test_merge_takes_options_and_constraints_and_leaves_its_parts_alone() -> None:
    first = ArgumentSpec({"a": {"type": "str"}}, required_together=[("a", "b")])
    second = ArgumentSpec({"b": {"type": "int"}}, required_if=[("a", "x", ("b",))])
    both = first.merge(second).as_arguments()
    assert set(both["argument_spec"]) == {"a", "b"}
    assert (both["required_together"], both["required_if"]) == ([("a", "b")], [("a", "x", ("b",))])
    assert set(first.options) == {"a"}
    both["argument_spec"]["a"]["type"] = "changed"
    assert first.options["a"]["type"] == "str"


def test_an_option_has_one_home() -> None:
    with pytest.raises(BadInput, match="stated twice: a"):
        ArgumentSpec({"a": {}}).merge(ArgumentSpec({"a": {}}))


@pytest.mark.parametrize(("given", "number"), [("00", "00"), ("1", "01"), (1, "01"), (" 97 ", "97")])
def test_instance_number(given: Any, number: str) -> None:
    assert instance_number(given) == number


@pytest.mark.parametrize("given", ["", "98", "100", "-1", "1a", "٣", None, "0x"])
def test_no_instance_number(given: Any) -> None:
    with pytest.raises(BadInput, match="two digits from 00 to 97"):
        instance_number(given)


@pytest.mark.parametrize("given", ["prd", "PR", "PRDX", "1RD", "PR-", "ÄRD", ""])
def test_no_system_id(given: str) -> None:
    with pytest.raises(BadInput, match="three capital letters"):
        system_id(given)


def test_system_id() -> None:
    assert system_id("S4H") == "S4H"
