# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong values for the options of roles."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleUndefinedVariable

from ansible_collections.basis.landscape.plugins.plugin_utils import _role_options

ROLES = pathlib.Path(__file__).resolve().parents[4] / "roles"
OPTIONS = {
    "provider": {"type": "str", "choices": ["auto", "dnf"], "required": True},
    "seconds": {"type": "int", "default": 5},
    "timeouts": {"type": "dict", "options": {"web": {"type": "int"}}},
}


@pytest.mark.parametrize("role, entry", sorted(set(_role_options.ROLES.values())))
def test_every_role_of_a_step_states_its_options(role: str, entry: str) -> None:
    options = _role_options.options_of(ROLES, role, entry)
    assert options and all(name.startswith(role) for name in options)
    assert _role_options.defects({"h1": {}}, options) == []


def test_what_is_right_or_left_out_is_no_defect() -> None:
    assert _role_options.defects({"h1": {"provider": "dnf", "seconds": "7"}, "h2": {"other": 1}}, OPTIONS) == []


def test_every_wrong_value_is_told_with_the_hosts_that_have_it() -> None:
    hosts = {"h1": {"provider": "yumm", "timeouts": {"web": "soon"}}, "h2": {"provider": "yumm"}, "h3": {}}
    found = _role_options.defects(hosts, OPTIONS)
    assert [defect["object"] for defect in found] == ["h1 and 1 more", "h1"]
    assert "provider" in found[0]["unmet"] and "yumm" in found[0]["unmet"]
    assert "web" in found[1]["unmet"] and "soon" in found[1]["unmet"]


class Later(Mapping[str, Any]):
    """Variables of which one needs what is not known yet."""

    def __getitem__(self, name: str) -> Any:
        if name == "seconds":
            raise AnsibleUndefinedVariable("'maintenance_gate' is undefined")
        return {"provider": "yumm"}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("provider", "seconds"))

    def __len__(self) -> int:
        return 2


def test_a_value_that_is_known_later_is_left_to_the_module() -> None:
    assert [defect["object"] for defect in _role_options.defects({"h1": Later()}, OPTIONS)] == ["h1"]
