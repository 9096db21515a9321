# SPDX-License-Identifier: GPL-3.0-or-later
"""What the normal form of a landscape looks like to the planner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions, PlanRefused

#: Default start priority by kind of instance: lower starts earlier, as in the instance list of sapstartsrv.
START_PRIORITY = {
    "hana": 0.3,
    "ers": 0.5,
    "ascs": 1.0,
    "scs": 1.0,
    "dialog": 3.0,
    "java": 3.0,
    "webdisp": 4.0,
    "other": 3.0,
}

#: Default tier by kind of instance.
TIER = {
    "hana": "db",
    "ers": "app",
    "ascs": "app",
    "scs": "app",
    "dialog": "app",
    "java": "app",
    "webdisp": "web",
    "other": "app",
}

MAINTENANCE = ("full_stop", "rolling")
SYSTEM_TYPES = ("abap", "java", "webdisp", "hana", "other")
TIERS = ("web", "app", "db")


def plain(value: Any) -> Any:
    """Return ``value`` as plain JSON data: exact ``str``, ``dict``, ``list``; dates as ISO text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return "".join(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value)


def landscape_from_inventory(hostvars: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Collect the landscape from the inventory variables of all hosts.

    Read are ``landscape_host`` (with its ``instances``) of each host, and ``landscape_systems``,
    ``landscape_redundancy_groups`` and ``landscape_calendars``, which stand on group ``all`` and so on every host.
    A host without ``landscape_host`` is no part of the landscape. Raises `PlanRefused` for instances of one name.
    """
    twice: list[str] = []
    landscape: dict[str, Any] = {"hosts": {}, "systems": {}, "instances": {}, "redundancy_groups": {}, "calendars": {}}
    shared = (
        ("systems", "landscape_systems"),
        ("redundancy_groups", "landscape_redundancy_groups"),
        ("calendars", "landscape_calendars"),
    )
    for name in sorted(hostvars):
        variables = hostvars[name]
        for part, variable in shared:
            value = variables.get(variable)
            if isinstance(value, Mapping):
                known = landscape[part]
                known.update({str(key): plain(item) for key, item in value.items() if key not in known})
        host = variables.get("landscape_host")
        if not isinstance(host, Mapping):
            continue
        record = plain(host)
        for instance in record.pop("instances", None) or []:
            instance.setdefault("host", str(name))
            identity = identity_of(instance)
            instance.pop("id", None)
            if identity in landscape["instances"]:
                twice.append(identity)
            landscape["instances"][identity] = instance
        landscape["hosts"][str(name)] = record
    if twice:
        raise PlanRefused(
            [
                {
                    "object": name,
                    "unmet": "the inventory has two instances of this name.",
                    "remedy": "give each its own id, sid, host or name.",
                }
                for name in sorted(set(twice))
            ]
        )
    return landscape


def identity_of(instance: Mapping[str, Any]) -> str:
    """Return the name of an instance of an inventory: its id, or what it is made of."""
    return str(instance.get("id") or "/".join(str(instance.get(key) or "-") for key in ("sid", "host", "name")))


def _several(value: Any) -> list[Any]:
    """Return a list; one name alone is a list of one."""
    return [value] if isinstance(value, str) else list(value or [])


def _check(name: str, what: str, value: Any, known: Collection[str], conditions: Conditions) -> bool:
    """Collect a word that is not known. Taken for another one it would be done in another order, or not at all."""
    if value in known:
        return True
    conditions.add(name, f"its {what} {value!r} is not known.", f"write one of {', '.join(known)}.")
    return False


def normalized(landscape: Mapping[str, Any], conditions: Conditions) -> dict[str, Any]:
    """Return the landscape with every default filled in; what points to nothing goes to ``conditions``."""
    data = plain(landscape)
    hosts: dict[str, Any] = {name: dict(record or {}) for name, record in (data.get("hosts") or {}).items()}
    systems: dict[str, Any] = {}
    for name, record in (data.get("systems") or {}).items():
        system = dict(record or {})
        system.setdefault("sid", name)
        system["type"] = system.get("type") or "other"
        system["maintenance"] = system.get("maintenance") or "full_stop"
        for key in ("windows", "blackouts", "depends_on"):
            system[key] = _several(system.get(key))
        if system.get("jobs") is None:
            system["jobs"] = system["type"] == "abap"
        _check(name, "maintenance policy", system["maintenance"], MAINTENANCE, conditions)
        _check(name, "type", system["type"], SYSTEM_TYPES, conditions)
        systems[name] = system
    instances: dict[str, Any] = {}
    for name, record in (data.get("instances") or {}).items():
        instance = dict(record or {})
        instance["kind"] = instance.get("kind") or "other"
        if not _check(name, "kind", instance["kind"], START_PRIORITY, conditions):
            continue
        instance["tier"] = instance.get("tier") or TIER[instance["kind"]]
        _check(name, "tier", instance["tier"], TIERS, conditions)
        priority = instance.get("start_priority")
        instance["start_priority"] = START_PRIORITY[instance["kind"]] if priority is None else float(priority)
        instance["depends_on"] = _several(instance.get("depends_on"))
        instance.setdefault("name", name.rsplit("/", 1)[-1])
        if instance.get("system") not in systems:
            conditions.add(
                name,
                f"its system {instance.get('system')!r} is not in the landscape.",
                "add the system to the CMDB, or correct the instance's system.",
            )
            continue
        if instance.get("host") not in hosts:
            conditions.add(
                name,
                f"its host {instance.get('host')!r} is not in the landscape.",
                "add the host to the CMDB, or correct the instance's host.",
            )
            continue
        instance["sid"] = instance.get("sid") or systems[instance["system"]]["sid"]
        instances[name] = instance
    remedy = "add the missing configuration item to the CMDB, or remove the relation."
    for name, system in systems.items():
        for target in system["depends_on"]:
            if target not in systems:
                conditions.add(name, f"it depends on {target}, which is no system of the landscape.", remedy)
        system["depends_on"] = [target for target in system["depends_on"] if target in systems]
    for name, instance in instances.items():
        for target in instance["depends_on"]:
            if target not in instances:
                conditions.add(name, f"it depends on {target}, which is no instance of the landscape.", remedy)
        instance["depends_on"] = [target for target in instance["depends_on"] if target in instances]
    groups = {name: dict(record or {}) for name, record in (data.get("redundancy_groups") or {}).items()}
    for group in groups.values():
        group["members"] = _several(group.get("members"))
    calendars = {name: dict(record or {}) for name, record in (data.get("calendars") or {}).items()}
    return {
        "hosts": hosts,
        "systems": systems,
        "instances": instances,
        "redundancy_groups": groups,
        "calendars": calendars,
    }
