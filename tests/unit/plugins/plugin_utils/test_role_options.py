# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong values for the options of roles."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleUndefinedVariable

from ansible_collections.basis.landscape.plugins.modules import sap_background_jobs, sap_quiesce_info, sap_user_message
from ansible_collections.basis.landscape.plugins.plugin_utils import _role_options

ROLES = pathlib.Path(__file__).resolve().parents[4] / "roles"
OPTIONS = {
    "provider": {"type": "str", "choices": ["auto", "dnf"], "required": True},
    "seconds": {"type": "int", "default": 5},
    "timeouts": {"type": "dict", "options": {"web": {"type": "int"}}},
}
# An option of the role sap_jobs whose values are a module's, with that module's option.
SAP_JOBS = {
    "sap_jobs_state": (sap_background_jobs, "state"),
    "sap_jobs_foreign": (sap_background_jobs, "foreign"),
    "sap_jobs_running": (sap_background_jobs, "running"),
    "sap_jobs_other_servers": (sap_user_message, "other_servers"),
    "sap_jobs_message_failures": (sap_user_message, "failures"),
    "sap_jobs_quiet_checks": (sap_quiesce_info, "checks"),
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


def test_the_role_of_jobs_takes_what_its_modules_take() -> None:
    options = _role_options.options_of(ROLES, "sap_jobs", "main")
    assert {name for name, option in options.items() if "choices" in option} == set(SAP_JOBS)
    for name, (module, option) in SAP_JOBS.items():
        assert options[name]["choices"] == list(module.spec().options[option]["choices"]), name
    limits = sap_quiesce_info.spec().options["limits"]["options"]
    assert {name: option["type"] for name, option in options["sap_jobs_quiet_limits"]["options"].items()} == {
        name: option["type"] for name, option in limits.items()
    }


def test_a_mistyped_check_is_told_before_anything_is_touched() -> None:
    options = _role_options.options_of(ROLES, *_role_options.ROLES["suspend_jobs"])
    given = {"sap_jobs_quiet_checks": ["update", "locks"], "sap_jobs_quiet_limits": {"lock": 3}}
    found = _role_options.defects({"h1": {**given, "sap_jobs_message_failures": "ignore"}}, options)
    told = " ".join(defect["unmet"] for defect in found)
    assert len(found) == 3, found
    assert all(words in told for words in ("Got no match for: update", "sap_jobs_quiet_limits.lock", "got: ignore"))
    right = {"sap_jobs_quiet_checks": ["updates"], "sap_jobs_quiet_limits": {"updates": "3"}}
    assert _role_options.defects({"h1": right}, options) == []
