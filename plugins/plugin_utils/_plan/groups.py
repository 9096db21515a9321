# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of a run are admitted together, against which limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.graph import UnionFind
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.relations import Relations
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import ON_DATABASES

#: Kinds that a system has once: while one of them is down the system is down, so its host cannot be rolled.
SINGLE = frozenset({"hana", "ascs", "scs"})


@dataclass
class Admission:
    """Hosts that enter maintenance as one, all or none; ``hosts`` in the order in which they stop."""

    name: str
    systems: list[str]
    hosts: list[str]
    needs: dict[str, int] = field(default_factory=dict)


def admission_groups(
    landscape: Mapping[str, Any],
    hosts: Iterable[str],
    on_host: Mapping[str, list[str]],
    relations: Relations,
    order: list[str],
    rolling: frozenset[str],
) -> list[Admission]:
    """Return the connected components of the run: systems that share a host or a relation belong together.

    A rolling system does not tie its own hosts together.
    """
    instances = landscape["instances"]
    names = list(hosts)
    together = UnionFind(names)
    first_host: dict[str, str] = {}
    for host in names:
        for name in on_host.get(host, ()):
            system = instances[name]["system"]
            if system not in rolling:
                together.union(host, first_host.setdefault(system, host))
    for name, targets in relations.needs.items():
        for target in targets:
            together.union(instances[name]["host"], instances[target]["host"])
    rank = {name: number for number, name in enumerate(order)}
    groups = []
    for members in together.sets():
        systems = sorted({instances[name]["system"] for host in members for name in on_host.get(host, ())})
        # the host whose first stop comes first leads; hosts without an instance stand at the end
        members.sort(key=lambda host: (-max((rank[name] for name in on_host.get(host, ())), default=-1), host))
        groups.append(Admission(_name(systems, members, rolling), systems, members))
    return groups


def _name(systems: list[str], hosts: list[str], rolling: frozenset[str]) -> str:
    if not systems:
        return hosts[0]
    name = "+".join(systems) if len(systems) <= 6 else "+".join(systems[:5]) + f"+{len(systems) - 5} more"
    return f"{name}@{hosts[0]}" if rolling.issuperset(systems) else name


def check_rolling(
    landscape: Mapping[str, Any],
    on_host: Mapping[str, list[str]],
    relations: Relations,
    rolling: frozenset[str],
    conditions: Conditions,
) -> None:
    """Collect why a rolling system of the run cannot be rolled."""
    instances = landscape["instances"]
    elsewhere: dict[tuple[str, str], set[str]] = {}
    for record in instances.values():
        if record["system"] in rolling:
            elsewhere.setdefault((record["system"], record["kind"]), set()).add(record["host"])
    for host in sorted(on_host):
        for name in on_host[host]:
            record = instances[name]
            system = record["system"]
            if system not in rolling:
                continue
            if record["kind"] in SINGLE:
                conditions.add(
                    name,
                    f"{system} is maintained rolling, but {host} carries its {_words(record['kind'])}, without which "
                    "all of it is down.",
                    f"take {host} out of this run, or set the maintenance of {system} to full_stop.",
                )
            elif len(elsewhere[(system, record["kind"])]) < 2:
                conditions.add(
                    name,
                    f"{system} is maintained rolling, but no other host carries an instance of this kind.",
                    f"add a second one to the CMDB, or set the maintenance of {system} to full_stop.",
                )
            for target in relations.needs[name]:
                other = instances[target]["system"]
                if other != system and other not in rolling:
                    conditions.add(
                        name,
                        f"{system} is maintained rolling, but it depends on {target}, which this run stops.",
                        f"take {instances[target]['host']} out of this run, or set the maintenance of {system} to "
                        "full_stop.",
                    )


def _words(kind: str) -> str:
    return "database" if kind == "hana" else "central services"


def set_limits(
    landscape: Mapping[str, Any],
    groups: list[Admission],
    on_host: Mapping[str, list[str]],
    rolling: frozenset[str],
    *,
    procedure: str,
    batch_size: int,
    lifted: bool,
    storage: Mapping[str, str],
    parallel: Mapping[str, int],
    conditions: Conditions,
    warnings: list[str],
) -> tuple[dict[str, int], dict[str, list[str]], dict[str, dict[str, list[str]]]]:
    """Fill the groups' ``needs``; return resource -> capacity, host -> resources, resource -> member -> hosts.

    A group's need counts members that are out together; the hosts that hold a resource are all hosts of these members.
    ``lifted``: an override allows a stop beyond what a redundancy group tolerates. ``storage``, ``parallel``: see
    `options`; a target without a number has no limit.
    """
    resources: dict[str, int] = {}
    held: dict[str, list[str]] = {}
    members_of: dict[str, dict[str, list[str]]] = {}
    if batch_size:
        resources["batch"] = batch_size
        for group in groups:
            weight = len(group.systems)
            if not weight:
                continue  # the limit is on systems
            group.needs["batch"] = weight
            if weight > batch_size:
                conditions.add(
                    group.name,
                    f"its {weight} systems share hosts or relations and enter maintenance as one, but batch_size is "
                    f"{batch_size}.",
                    f"raise batch_size to {weight} or more.",
                )
    group_of = {host: group for group in groups for host in group.hosts}
    if procedure in ON_DATABASES:
        for host, target in sorted(storage.items()):
            if host in group_of and target in parallel:
                resource = f"storage:{target}"
                resources[resource] = parallel[target]
                members_of.setdefault(resource, {})[host] = [host]
                held.setdefault(host, []).append(resource)
                needs = group_of[host].needs
                needs[resource] = min(needs.get(resource, 0) + 1, parallel[target])
    if procedure not in ("patch", "stop"):
        return resources, held, members_of
    of_system: dict[str, list[str]] = {}
    for host in sorted(on_host):
        for system in sorted({landscape["instances"][name]["system"] for name in on_host[host]}):
            of_system.setdefault(system, []).append(host)
    for system in sorted(rolling):
        hosts = of_system.get(system)
        if not hosts:
            continue
        resource = f"rolling:{system}"
        resources[resource] = 1
        members_of[resource] = {host: [host] for host in hosts}
        for host in hosts:
            held.setdefault(host, []).append(resource)
            group_of[host].needs[resource] = group_of[host].needs.get(resource, 0) + 1
            if group_of[host].needs[resource] > 1:
                conditions.add(
                    group_of[host].name,
                    f"{system} is maintained rolling, but relations tie several of its hosts to one admission.",
                    f"run these hosts apart, or set the maintenance of {system} to full_stop.",
                )
    for name in sorted(landscape["redundancy_groups"]):
        record = landscape["redundancy_groups"][name]
        allowed = max_unavailable(record)
        listed = list(record.get("members") or [])
        out: dict[str, list[str]] = {}
        for member in listed:
            found = _member_hosts(landscape, member, on_host, of_system, rolling)
            if found is None:
                conditions.add(
                    f"redundancy group {name}",
                    f"its member {member} is no system, host or instance of the landscape.",
                    "correct the member in the CMDB.",
                )
            elif found:
                out[member] = found
        if not out:
            continue
        if allowed >= len(listed):
            warnings.append(f"Redundancy group {name} tolerates all of its {len(listed)} members down at once.")
        resource = f"redundancy:{name}"
        members_of[resource] = {member: out[member] for member in sorted(out)}
        if procedure == "stop":
            if len(out) > allowed and not lifted:
                conditions.add(
                    f"redundancy group {name}",
                    f"{len(out)} of its members would be stopped ({', '.join(sorted(out))}), allowed are {allowed}.",
                    "leave members out of this run, or state an override with reason and name.",
                )
            continue
        resources[resource] = allowed
        taken: dict[int, list[str]] = {}
        for member in sorted(out):
            hosts = out[member]
            group = group_of[hosts[0]]
            for host in hosts:
                if resource not in held.setdefault(host, []):
                    held[host].append(resource)
            group.needs[resource] = group.needs.get(resource, 0) + 1
            taken.setdefault(id(group), []).append(member)
        for group in groups:
            together = taken.get(id(group), [])
            if len(together) > allowed:
                conditions.add(
                    f"redundancy group {name}",
                    f"{', '.join(together)} would be down together ({group.name} is stopped as one), allowed "
                    f"{'is' if allowed == 1 else 'are'} {allowed}.",
                    "leave hosts of one member out of this run, set the maintenance of its system to rolling, or raise "
                    "max_unavailable.",
                )
    return resources, held, members_of


def max_unavailable(group: Mapping[str, Any]) -> int:
    """Return how many members of a redundancy group may be out at once."""
    said = group.get("max_unavailable")
    return 1 if said is None else int(said)


def _member_hosts(
    landscape: Mapping[str, Any],
    member: str,
    on_host: Mapping[str, list[str]],
    of_system: Mapping[str, list[str]],
    rolling: frozenset[str],
) -> list[str] | None:
    """Return the hosts of the run that put this member out (none: it stays up), or None when nobody knows it."""
    instances = landscape["instances"]
    if member in landscape["systems"]:
        if member in rolling:
            return []
        return of_system.get(member, [])
    if member in instances:
        return [instances[member]["host"]] if instances[member]["host"] in on_host else []
    if member in landscape["hosts"]:
        return [member] if member in on_host else []
    return None
