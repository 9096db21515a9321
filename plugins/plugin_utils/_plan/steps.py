# SPDX-License-Identifier: GPL-3.0-or-later
"""Which named steps each host of a run walks, with the gates between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.durations import Durations
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.graph import topological
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.relations import Relations

#: The steps of each procedure in the order in which a host walks them.
PROCEDURES = {
    "patch": (
        "admit",
        "check_backup",
        "silence",
        "suspend_jobs",
        "stop",
        "patch",
        "reboot",
        "start",
        "verify",
        "release_jobs",
        "unsilence",
    ),
    "stop": ("admit", "check_backup", "silence", "suspend_jobs", "stop"),
    "start": ("admit", "start", "verify", "release_jobs", "unsilence"),
    "backup": ("admit", "backup"),
    "clean_backups": ("admit", "clean_backups"),
}

#: Every kind of step, in the order in which a reader expects them.
KINDS = tuple(dict.fromkeys(kind for kinds in PROCEDURES.values() for kind in kinds))

#: What the procedures on databases do: their own step, once for each HANA system, on the host that leads it. Nothing is
#: taken out of service, so windows, redundancy groups and dependents do not matter to them.
ON_DATABASES = frozenset({"backup", "clean_backups"})

#: Steps that undo or answer each other: who leaves one out leaves out the other.
PAIRS = (("stop", "start"), ("silence", "unsilence"), ("suspend_jobs", "release_jobs"))

#: Steps before which nothing of a group is changed.
ADMITTING = frozenset({"admit", "check_backup"})

_LEADER_RANK = {"dialog": 0, "java": 1, "ascs": 2, "scs": 3, "other": 4, "hana": 5, "ers": 6, "webdisp": 7}
_TIER_RANK = {"db": 0, "app": 1, "web": 2}
_RUNS_JOBS = ("dialog", "ascs", "scs", "hana", "other")  # without one of them jobs of the system cannot run


def wait_for_all(steps: Mapping[str, list[dict[str, Any]]], hosts: Iterable[str], skip: frozenset[str]) -> None:
    """Let ``hosts``, which go down as one, change nothing before all are admitted with every backup of theirs checked.

    A host that cannot come after all would else be known only when the others are down in vain. Who waits for another
    one's change anyway waits for all that the other one waits for.
    """
    hosts = list(hosts)
    proofs: list[list[str]] = []
    first: dict[str, dict[str, Any]] = {}
    for host in hosts:
        kinds_left = [step for step in steps[host] if step["kind"] not in skip - ADMITTING]
        proofs.append([host, next(s["step"] for s in reversed(kinds_left) if s["kind"] in ADMITTING)])
        change = next((step for step in kinds_left if step["kind"] not in ADMITTING), None)
        if change is not None:
            first[host] = change
    for host, change in first.items():
        if not any(other in first for other, _step in change["needs"]):
            change["needs"] += [proof for proof in proofs if proof[0] != host]


def start_order(landscape: Mapping[str, Any], relations: Relations) -> list[str]:
    """Return the instances of the run in one order that keeps every relation: first to start, last to stop."""
    instances = landscape["instances"]
    return topological(relations.needs, lambda name: (instances[name]["start_priority"], name))


def leader_of(landscape: Mapping[str, Any], instances: Iterable[str]) -> str:
    """Return the host that does a system's own steps: where its first application instance runs."""
    records = landscape["instances"]
    first = min(instances, key=lambda name: (_LEADER_RANK[records[name]["kind"]], records[name]["name"], name))
    return records[first]["host"]


def resting_systems(
    landscape: Mapping[str, Any], of_system: Mapping[str, Iterable[str]], rolling: frozenset[str]
) -> list[str]:
    """Return the systems of the run whose jobs cannot run meanwhile, or not all of them."""
    records = landscape["instances"]
    return [
        system
        for system in sorted(of_system)
        if landscape["systems"][system]["jobs"]
        and system not in rolling
        and any(records[name]["kind"] in _RUNS_JOBS for name in of_system[system])
    ]


def leaders_of_jobs(
    landscape: Mapping[str, Any], of_system: Mapping[str, Iterable[str]], rolling: frozenset[str], procedure: str
) -> dict[str, str]:
    """Return the systems of the run whose jobs can be held back, each with the host that leads it.

    A dialog instance has to be in the run, because only one answers. A run that only stops some of them while the
    system goes on would hold back every job of it until they are started.
    """
    records = landscape["instances"]
    servers: dict[str, set[str]] = {}
    for name, record in records.items():
        if record["kind"] == "dialog":
            servers.setdefault(record["system"], set()).add(name)
    leaders = {}
    for system in resting_systems(landscape, of_system, rolling):
        inside = set(of_system[system])
        theirs = servers.get(system, set())
        goes_on = not theirs <= inside and all(records[name]["kind"] == "dialog" for name in inside)
        if theirs & inside and not (procedure == "stop" and goes_on):
            leaders[system] = leader_of(landscape, inside)
    return leaders


def host_tier(landscape: Mapping[str, Any], instances: Iterable[str]) -> str | None:
    """Return the lowest tier of the instances on a host: db before app before web."""
    tiers = (landscape["instances"][name]["tier"] for name in instances)
    return min(tiers, key=lambda tier: _TIER_RANK.get(tier, 3), default=None)


def build_steps(
    landscape: Mapping[str, Any],
    hosts: Iterable[str],
    on_host: Mapping[str, list[str]],
    relations: Relations,
    order: list[str],
    *,
    procedure: str,
    skip: frozenset[str],
    rolling: frozenset[str],
    durations: Durations,
    guarded: Iterable[str] = (),
    hold_jobs: Iterable[str] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Return host -> its steps in walking order, gates included.

    Steps of the kinds in ``skip`` stay in the list, so that a run can record that they were left out; they take no time
    and nothing waits for them.
    ``guarded``: hosts whose databases must have a young backup before anything is changed. ``hold_jobs``: hosts that
    hold back the jobs of the systems that they lead, None for all.
    ``on_host``: host -> instances of the run on it. ``order``: as `start_order` gives it. ``start``, ``end`` and
    ``critical`` of the steps are filled in by the schedule.
    """
    instances, systems = landscape["instances"], landscape["systems"]
    kinds = PROCEDURES[procedure]
    rank = {name: number for number, name in enumerate(order)}
    of_system: dict[str, list[str]] = {}
    for name in order:
        of_system.setdefault(instances[name]["system"], []).append(name)
    led: dict[str, list[str]] = {}
    leaders = {
        system: leader
        for system, leader in leaders_of_jobs(landscape, of_system, rolling, procedure).items()
        if hold_jobs is None or leader in hold_jobs
    }
    for system, leader in leaders.items():
        led.setdefault(leader, []).append(system)
    databases: dict[str, list[str]] = {}
    for system in sorted(of_system):
        if any(instances[name]["kind"] == "hana" for name in of_system[system]):
            databases.setdefault(leader_of(landscape, of_system[system]), []).append(system)
    suspends = "suspend_jobs" in kinds and "suspend_jobs" not in skip

    def resting(name: str, host: str) -> list[list[str]]:
        """Return what a stop waits for on other hosts: rest in its own system, in those whose users come through it."""
        felt = {instances[other]["system"] for other in (name, *relations.needs[name])}
        return [
            [leaders[system], f"suspend_jobs:{system}"]
            for system in sorted(felt & leaders.keys())
            if leaders[system] != host
        ]

    steps: dict[str, list[dict[str, Any]]] = {}
    for host in hosts:
        local = sorted(on_host.get(host, ()), key=rank.__getitem__)
        sids = "+".join(sorted({instances[name]["sid"] for name in local})) or "-"
        tier = host_tier(landscape, local)
        walk: list[dict[str, Any]] = []
        append = walk.append

        def add(
            kind: str,
            *,
            step: str | None = None,
            label: str | None = None,
            step_tier: str | None = tier,
            instance: str | None = None,
            system: str | None = None,
            needs: list[list[str]] | None = None,
            append: Callable[[dict[str, Any]], None] = append,
            head: str = f"{sids}/{host}/-/",
        ) -> None:
            label = label or head + kind
            append(
                {
                    "step": step or kind,
                    "kind": kind,
                    "label": label,
                    "instance": instance,
                    "system": system,
                    "tier": step_tier,
                    "seconds": 0.0 if kind in skip else round(durations.of(kind, step_tier, label), 3),
                    "start": 0.0,
                    "end": 0.0,
                    "needs": [] if kind in skip else needs or [],
                    "critical": False,
                }
            )

        def add_for(
            system: str,
            kind: str,
            needs: list[list[str]] | None = None,
            add: Callable[..., None] = add,
            host: str = host,
        ) -> None:
            label = f"{systems[system]['sid']}/{host}/-/{kind}"
            add(kind, step=f"{kind}:{system}", label=label, system=system, needs=needs)

        for kind in kinds:
            if kind == "suspend_jobs":
                for system in led.get(host, ()):
                    add_for(system, kind)
            elif kind == "release_jobs":
                for system in led.get(host, ()):
                    others = sorted({instances[name]["host"] for name in of_system[system]} - {host})
                    add_for(system, kind, [[other, "verify"] for other in others])
            elif kind == "check_backup":
                for system in databases.get(host, ()) if host in guarded else ():
                    add_for(system, kind)
            elif kind in ON_DATABASES:
                for system in databases.get(host, ()):
                    add_for(system, kind)
            elif kind in ("stop", "start"):
                edges = relations.dependents if kind == "stop" else relations.needs
                for name in local if kind == "start" else reversed(local):
                    record = instances[name]
                    needs = [
                        [instances[other]["host"], f"{kind}:{other}"]
                        for other in edges[name]
                        if instances[other]["host"] != host
                    ]
                    if kind == "stop" and suspends:
                        needs += resting(name, host)
                    add(
                        kind,
                        step=f"{kind}:{name}",
                        label=f"{record['sid']}/{host}/{record['name']}/{kind}",
                        step_tier=record["tier"],
                        instance=name,
                        system=record["system"],
                        needs=needs,
                    )
            else:
                add(kind)
        steps[host] = walk
    return steps
