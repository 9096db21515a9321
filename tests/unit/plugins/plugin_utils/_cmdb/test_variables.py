# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about groups and variables."""

from __future__ import annotations

from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb


def test_groups(export: dict[str, Any]) -> None:
    groups = _cmdb.groups(_cmdb.load_document(export))
    assert groups == {
        "tier_web": ["web1"],
        "tier_app": ["prdapp1", "prdapp2"],
        "tier_db": ["prddb1"],
        "system_hdp": ["prddb1"],
        "system_prd": ["prdapp1", "prdapp2"],
        "system_wd1": ["web1"],
        "environment_production": ["prdapp1", "prdapp2"],
        "patch_group_a": ["prdapp1"],
        "patch_group_b": ["prdapp2"],
        "patch_group_db": ["prddb1"],
    }


def test_group_names_are_what_ansible_allows() -> None:
    assert _cmdb.group_name("system", "PRD-copy.2") == "system_prd_copy_2"
    assert _cmdb.group_name("environment", "Qualität 1") == "environment_Qualit_t_1"


def test_host_variables(export: dict[str, Any]) -> None:
    landscape = _cmdb.load_document(export)
    variables = _cmdb.host_variables(landscape)
    assert "ansible_host" not in variables["web1"]
    host = variables["prdapp1"]
    assert host["ansible_host"] == "127.0.1.1"
    assert [instance["id"] for instance in host["landscape_host"]["instances"]] == [
        "PRD/prdapp1/ASCS00",
        "PRD/prdapp1/D01",
    ]
    assert {key: value for key, value in host["landscape_host"].items() if key != "instances"} == landscape["hosts"][
        "prdapp1"
    ]
    assert set(_cmdb.landscape_variables(landscape)) == {
        "landscape_systems",
        "landscape_redundancy_groups",
        "landscape_calendars",
    }
