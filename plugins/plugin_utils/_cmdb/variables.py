# SPDX-License-Identifier: GPL-3.0-or-later
"""How a landscape looks in an Ansible inventory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_UNSAFE = re.compile(r"\W", re.ASCII)


def group_name(kind: str, value: str) -> str:
    """The inventory group of a value: ``tier_db``, ``system_prd``, ``environment_production``, ``patch_group_a``.

    Names of systems are written small; characters that Ansible does not allow in a group name become ``_``.
    """
    return f"{kind}_{_UNSAFE.sub('_', value.lower() if kind == 'system' else value)}"


def landscape_variables(landscape: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The variables of the group ``all``."""
    return {
        "landscape_systems": landscape["systems"],
        "landscape_redundancy_groups": landscape["redundancy_groups"],
        "landscape_calendars": landscape["calendars"],
    }


def host_variables(landscape: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Host name to its variables: ``landscape_host`` and, when an address is known, ``ansible_host``."""
    result: dict[str, dict[str, Any]] = {}
    for name, host in landscape["hosts"].items():
        result[name] = {"landscape_host": {**host, "instances": []}}
        if host["address"]:
            result[name]["ansible_host"] = host["address"]
    for key, instance in landscape["instances"].items():
        result[instance["host"]]["landscape_host"]["instances"].append({"id": key, **instance})
    return result


def groups(landscape: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Group name to its hosts: by tier, system, environment and patch group.

    A host without an environment or patch group of its own stands in those of its systems. Every system has its group,
    also when it has no instance yet.
    """
    members: dict[str, dict[str, None]] = {group_name("tier", tier): {} for tier in ("web", "app", "db")}
    for name in landscape["systems"]:
        members[group_name("system", name)] = {}
    inherited: dict[str, dict[str, dict[str, None]]] = {"environment": {}, "patch_group": {}}
    for instance in landscape["instances"].values():
        host = instance["host"]
        members[group_name("tier", instance["tier"])][host] = None
        members[group_name("system", instance["system"])][host] = None
        system = landscape["systems"][instance["system"]]
        for kind, by_host in inherited.items():
            if system[kind]:
                by_host.setdefault(host, {})[system[kind]] = None
    for name, host in landscape["hosts"].items():
        for kind, by_host in inherited.items():
            for value in [host[kind]] if host[kind] else by_host.get(name, {}):
                members.setdefault(group_name(kind, value), {})[name] = None
    return {group: list(hosts) for group, hosts in members.items()}
