# SPDX-License-Identifier: GPL-3.0-or-later
"""How a plan is made from a landscape."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import bounds
from ansible_collections.basis.landscape.plugins.plugin_utils._plan import groups as grouping
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.digest import plan_hash
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.durations import Durations
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.groups import Admission
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.landscape import normalized, plain
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.options import checked_options
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.outside import looks
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.relations import Relations, resolve
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.schedule import (
    Group,
    Schedule,
    back_step,
    critical_path,
    packed,
    simulate,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import (
    ON_DATABASES,
    PROCEDURES,
    build_steps,
    host_tier,
    leader_of,
    leaders_of_jobs,
    resting_systems,
    start_order,
    wait_for_all,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.windows import Window, Windows, iso, minutes

FORMAT = 1

_UP_AGAIN = frozenset({"start", "verify", "release_jobs", "unsilence"})
_MANY = 10**9
# A record written by hand may have another name, or one that is made of its id.
_INSTANCE_NAME = re.compile(r"[A-Z][A-Z0-9]*[0-9]{2}")


def make_plan(
    landscape: Mapping[str, Any],
    *,
    hosts: Sequence[str],
    procedure: str,
    now: dt.datetime,
    durations: Mapping[str, float] | None = None,
    options: Mapping[str, Any] | None = None,
    like: Mapping[str, Any] | None = None,
    standing: Mapping[str, Collection[str]] | None = None,
    at: dt.datetime | None = None,
) -> dict[str, Any]:
    """Return the plan of a run of ``procedure`` over ``hosts``, as plain JSON data.

    ``landscape`` is in normal form. ``durations`` are predicted seconds by label, ``kind/tier`` or kind, from the
    history of runs. ``options`` are described in `options`. Seconds in the plan count from ``now``, an aware time.
    ``like`` is an earlier plan: its steps take as long as it says, and groups that neither windows nor canaries put in
    an order enter in its order, so that other forks or a longer history make no other plan of it. ``standing`` are the
    hosts of a run that goes on with this plan which are ``in_maintenance``, and which are ``through``; ``at`` is when
    it goes on: who is still to enter, and has missed its window, may use another one that is open then.
    Raises `PlanRefused` with every unmet condition, `ValueError` for a procedure or a ``now`` that cannot be.
    """
    if now.tzinfo is None:
        raise ValueError("now must be aware of its time zone")
    now = now.replace(microsecond=0)
    conditions = Conditions()
    warnings: list[str] = []
    chosen = checked_options(plain(dict(options or {})), procedure, conditions)
    wrong_options = len(conditions)  # each has a value that one can plan with, to see what else is unmet
    data = normalized(landscape, conditions)
    names = sorted(set(map(str, hosts)))
    _check_hosts(data, names, conditions)
    names = [name for name in names if name in data["hosts"]]
    on_host = _instances_on(data, names)
    if procedure in ON_DATABASES:
        names, on_host = _leading_databases(data, on_host, conditions)
    rolling = _rolling(data, procedure)
    inside = [name for host in names for name in on_host[host]]
    in_run = frozenset(data["instances"][name]["system"] for name in inside)
    relations = resolve(data, inside, rolling, conditions)
    if len(conditions) > wrong_options:
        conditions.refuse_if_any()

    order = start_order(data, relations)
    outside = _check_outside(data, relations, procedure, chosen, conditions, warnings)
    if procedure == "patch":
        grouping.check_rolling(data, on_host, relations, rolling, conditions)
    groups = grouping.admission_groups(data, names, on_host, relations, order, rolling)
    earlier = like or {"groups": [], "steps": {}}
    known = {step["label"]: step["seconds"] for walk in earlier["steps"].values() for step in walk}
    predicted = Durations(plain(dict(durations or {})), {**chosen["step_seconds"], **known})
    skip = frozenset(chosen["skip_steps"])
    build: dict[str, Any] = {
        "skip": skip,
        "rolling": rolling,
        "durations": predicted,
        "guarded": chosen["require_backup"],
        "hold_jobs": chosen["hold_jobs"],
    }
    steps = build_steps(data, names, on_host, relations, order, procedure=procedure, **build)
    _check_guards(data, on_host, chosen["require_backup"], procedure, conditions)
    for group in groups if "stop" in PROCEDURES[procedure] else ():
        wait_for_all(steps, group.hosts, skip)
    resources, host_needs, members = grouping.set_limits(
        data,
        groups,
        on_host,
        rolling,
        procedure=procedure,
        batch_size=chosen["batch_size"],
        lifted=chosen["override"] is not None,
        storage=chosen["storage"],
        parallel=chosen["parallel"],
        conditions=conditions,
        warnings=warnings,
    )

    forks = chosen["forks"] or max(1, len(names))
    if forks < len(names):
        _enter_whole(groups, steps)
    alone = simulate([Group(group.hosts) for group in groups], steps, {}, {}, _MANY)
    seconds = {group.name: _last(alone, group.hosts, steps) for group in groups}
    calendar = Windows(
        data,
        now,
        directory=chosen["calendar_directory"],
        windows_hold=chosen["override"] is None and procedure not in ON_DATABASES,
        blackouts_hold=(chosen["override"] is None or chosen["ignore_windows"]) and procedure not in ON_DATABASES,
    )
    calendar.check(sorted(in_run), conditions)
    windows = {g.name: calendar.choose(g.name, g.systems, seconds[g.name], conditions) for g in groups}
    since = _later_windows(windows, groups, seconds, calendar, earlier, standing or {}, at)
    canaries = _canaries(data, groups, on_host, chosen["canary"], conditions)
    place = {group["name"]: number for number, group in enumerate(earlier["groups"])}

    def rank(group: Admission) -> tuple[Any, ...]:
        window = windows[group.name]
        closes, opens = (window.closes, window.opens) if window else (float("inf"), float("-inf"))
        return (group.name not in canaries, closes, opens)

    groups.sort(key=lambda group: (rank(group), place.get(group.name, len(place)), -seconds[group.name], group.name))
    forks_needed = max((len(group.hosts) for group in groups), default=0)
    if forks < forks_needed:
        largest = max(groups, key=lambda group: len(group.hosts))
        conditions.add(
            largest.name,
            f"its {forks_needed} hosts wait for each other and need {forks_needed} forks at once, but there are "
            f"{forks}.",
            f"run with --forks {forks_needed} or more (best: {len(names)}, one for each host).",
        )
    conditions.refuse_if_any()

    _wait_for_canaries(groups, steps, canaries)
    created = now.timestamp()
    planned = [Group(group.hosts, _due(windows[group.name], created), group.needs) for group in groups]
    schedule = simulate(planned, steps, resources, host_needs, forks)
    if forks < len(names) and like is None and not schedule.stuck:
        ends = {host: _last(alone, [host], steps) for group in groups for host in group.hosts}
        better = packed(planned, ends, [rank(group) for group in groups], forks)
        tried = simulate([planned[number] for number in better], steps, resources, host_needs, forks)
        closes = [(group, window.closes - created) for group in groups if (window := windows[group.name])]
        late, before = (
            sum(max(0.0, _last(one, group.hosts, steps) - close) for group, close in closes)
            for one in (tried, schedule)
        )
        if not tried.stuck and (late, tried.makespan) < (before, schedule.makespan):
            groups, planned, schedule = [groups[n] for n in better], [planned[n] for n in better], tried
    if schedule.stuck:
        raise AssertionError(f"the plan would not end for {', '.join(schedule.stuck[:5])}")
    path = critical_path(schedule)
    on_path = set(path)
    for host, walk in steps.items():
        for step in walk:
            key = (host, step["step"])
            step["start"], step["end"] = round(schedule.start[key], 3), round(schedule.end[key], 3)
            step["critical"] = key in on_path
    returns = _return_seconds(data, names, on_host, relations, order, groups, steps, procedure, build)
    spans, out = bounds.host_spans(planned, steps)
    proved = [_proved(alone, group.hosts, steps) for group in groups]
    bound = bounds.lower_bound(
        planned,
        [seconds[group.name] for group in groups],
        spans,
        out,
        resources,
        host_needs,
        forks,
        [group.name in canaries for group in groups],
        proved,
    )
    described = [
        _describe(
            g,
            steps,
            seconds[g.name],
            windows[g.name],
            g.name in canaries,
            returns[g.name],
            created,
            procedure,
            warnings,
        )
        for g in groups
    ]
    _warn(data, inside, calendar, groups, planned, chosen, procedure, warnings)
    if chosen["hold_jobs"] is not None and "suspend_jobs" in PROCEDURES[procedure]:
        _warn_of_jobs(data, inside, rolling, procedure, chosen["hold_jobs"], warnings)
    plan: dict[str, Any] = {
        "format": FORMAT,
        "procedure": procedure,
        "hash": "",
        "created": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "options": chosen,
        "hosts": [host for group in groups for host in group.hosts],
        "groups": described,
        "resources": resources,
        "redundancy": members,
        "host_facts": {host: _facts(data, host, on_host[host]) for group in groups for host in group.hosts},
        "host_needs": {host: sorted(host_needs[host]) for host in sorted(host_needs)},
        "steps": {host: steps[host] for group in groups for host in group.hosts},
        "instances": {name: _to_act_on(data["instances"][name]) for name in sorted(inside)},
        "forks_needed": forks_needed,
        "lower_bound": round(bound, 3),
        "makespan": round(schedule.makespan, 3),
        "critical_path": [list(key) for key in path],
        "warnings": warnings,
        "outside": outside,
        "looks": looks(
            data,
            {} if "start" in skip or not outside else relations.relied_on,
            # an override of a stop lifts these limits; a target of backups has no partners
            {} if procedure in ON_DATABASES or (procedure == "stop" and chosen["override"] is not None) else members,
            [group for group in groups if _enters(group, standing or {})],
            set(on_host).difference((standing or {}).get("through", ())),
            {} if "start" in skip else resources,
        ),
        "windows_since": since,
        "timezone": calendar.zone_of(sorted(in_run)),
        "calendar": _calendar(calendar, groups, created, schedule.makespan),
    }
    plan["hash"] = plan_hash(plan)
    return plan


def _later_windows(
    windows: dict[str, Window | None],
    groups: Sequence[Admission],
    seconds: Mapping[str, float],
    calendar: Windows,
    earlier: Mapping[str, Any],
    standing: Mapping[str, Collection[str]],
    at: dt.datetime | None,
) -> dict[str, str]:
    """Give groups that missed their window the one that is open ``at`` the time when their run goes on.

    What an earlier plan has given so is given again. Returns the time of asking by group.
    """
    since: dict[str, str] = {}
    of_time: dict[dt.datetime, Windows] = {}
    given = earlier.get("windows_since") or {}
    for group in groups:
        times = [dt.datetime.fromisoformat(given[group.name])] if group.name in given else []
        for time in [*times, *([at] if at is not None and _enters(group, standing) else [])]:
            window, now = windows[group.name], time.timestamp()
            if window is None or max(window.opens, now) + seconds[group.name] <= window.closes:
                continue
            if time not in of_time:
                of_time[time] = calendar.as_of(time)
            other = of_time[time].choose(group.name, group.systems, seconds[group.name], Conditions())
            if other is not None and other.opens <= now:
                windows[group.name], since[group.name] = other, time.astimezone(dt.UTC).isoformat(timespec="seconds")
    return since


def _enters(group: Admission, standing: Mapping[str, Collection[str]]) -> bool:
    """Whether a group is still to enter maintenance in a run that stands so."""
    entered = not set(group.hosts).isdisjoint(standing.get("in_maintenance", ()))
    return not entered and not set(group.hosts) <= set(standing.get("through", ()))


def plan_again(
    begun: Mapping[str, Any],
    landscape: Mapping[str, Any],
    standing: Mapping[str, Collection[str]] | None = None,
    at: dt.datetime | None = None,
) -> dict[str, Any]:
    """Return the plan of a run that has begun, made anew from the landscape as it is now.

    Time, predictions, order and options are those of ``begun``, so its hash differs only when the landscape does: a
    window that has closed meanwhile, a longer history or other forks are no reason not to finish what is down. Or when
    a group that missed its window could use one that is open ``at`` the time of now. Hosts that the landscape no
    longer has are left out. ``standing`` and ``at`` are as in `make_plan`. Raises `PlanRefused` when the landscape of
    now would not allow the run.
    """
    return make_plan(
        landscape,
        hosts=[host for host in begun["hosts"] if host in landscape["hosts"]] or begun["hosts"],
        procedure=begun["procedure"],
        now=dt.datetime.fromisoformat(begun["created"]),
        options=begun["options"],
        like=begun,
        standing=standing,
        at=at.replace(microsecond=0) if at else None,
    )


def _check_hosts(data: Mapping[str, Any], names: Sequence[str], conditions: Conditions) -> None:
    if not names:
        conditions.add("run", "no host is selected.", "select at least one host of the landscape.")
    for name in names:
        if name not in data["hosts"]:
            conditions.add(
                name,
                "the host is not in the landscape.",
                "add it to the CMDB, or leave it out of this run (--limit).",
            )


def _instances_on(data: Mapping[str, Any], names: Sequence[str]) -> dict[str, list[str]]:
    on_host: dict[str, list[str]] = {name: [] for name in names}
    for name in sorted(data["instances"]):
        host = data["instances"][name]["host"]
        if host in on_host:
            on_host[host].append(name)
    return on_host


def _databases(data: Mapping[str, Any], on_host: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the HANA systems of the run with their instances."""
    of_system: dict[str, list[str]] = {}
    for names in on_host.values():
        for name in names:
            if data["instances"][name]["kind"] == "hana":
                of_system.setdefault(data["instances"][name]["system"], []).append(name)
    return of_system


def _leading_databases(
    data: Mapping[str, Any], on_host: Mapping[str, list[str]], conditions: Conditions
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the hosts that lead a HANA system, with their HANA instances: who backs up asks nobody else."""
    of_system = _databases(data, on_host)
    leading: dict[str, list[str]] = {}
    for system in sorted(of_system):
        host = leader_of(data, of_system[system])
        leading.setdefault(host, []).extend(
            name for name in of_system[system] if data["instances"][name]["host"] == host
        )
    if on_host and not leading:
        conditions.add("run", "none of its hosts has a HANA database.", "select hosts with one.")
    return sorted(leading), leading


def _check_guards(
    data: Mapping[str, Any],
    on_host: Mapping[str, Sequence[str]],
    guarded: Mapping[str, float],
    procedure: str,
    conditions: Conditions,
) -> None:
    """Collect the databases that are to be guarded by a host which is not the one that looks for their backup."""
    for system, names in sorted(_databases(data, on_host).items()) if "check_backup" in PROCEDURES[procedure] else ():
        leader = leader_of(data, names)
        wanted = sorted({data["instances"][name]["host"] for name in names} & set(guarded))
        if wanted and leader not in guarded:
            conditions.add(
                wanted[0],
                f"landscape_require_backup_hours is set for it, but {leader} looks for the backups of {system}.",
                f"set it for {leader}, too.",
            )


def _rolling(data: Mapping[str, Any], procedure: str) -> frozenset[str]:
    """Return the systems that stay up during the run; who stops or starts a landscape means all of it."""
    if procedure != "patch":
        return frozenset()
    return frozenset(name for name, system in data["systems"].items() if system["maintenance"] == "rolling")


def _to_act_on(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what whoever stops and starts an instance has to know of it, so that it is the one that is meant."""
    known = {key: record.get(key) for key in ("host", "sid", "number", "tier", "cluster_owned")}
    name = str(record.get("name") or "")
    return {**known, "name": name} if _INSTANCE_NAME.fullmatch(name) else known


def _facts(data: Mapping[str, Any], host: str, instances: Sequence[str]) -> dict[str, Any]:
    """Return what a reader of the plan wants to know of a host; tier and environment count for a failure budget."""
    record = data["hosts"][host]
    systems = sorted({data["instances"][name]["system"] for name in instances})
    environments = [data["systems"][name].get("environment") for name in systems]
    return {
        "tier": host_tier(data, instances),
        "environment": record.get("environment") or next((name for name in environments if name), None),
        "systems": systems,
        "os": record.get("os"),
        "owner": record.get("owner"),
        "patch_group": record.get("patch_group"),
        "patch_level": record.get("patch_level"),
    }


def _check_outside(
    data: Mapping[str, Any],
    relations: Relations,
    procedure: str,
    chosen: Mapping[str, Any],
    conditions: Conditions,
    warnings: list[str],
) -> list[str]:
    """Return the instances outside the run that it needs; collect those outside that would feel a stop."""
    instances = data["instances"]
    if procedure in ON_DATABASES:
        return []
    if procedure != "start" and relations.outside_dependents:
        by_system: dict[str, list[str]] = {}
        for name in relations.outside_dependents:
            by_system.setdefault(instances[name]["system"], []).append(name)
        for system in sorted(by_system):
            felt = by_system[system]
            sources = sorted({source for name in felt for source in relations.outside_dependents[name]})
            verb = "is not in the run, but depends" if len(felt) == 1 else "are not in the run, but depend"
            words = f"{_some(felt)} {verb} on {_some(sources)}, which it stops."
            if chosen["outside"] == "accept":
                warnings.append(f"{system}: {words}")
            else:
                hosts = sorted({instances[name]["host"] for name in felt})
                conditions.add(system, words, f"add {_some(hosts)} to the run, or accept it with outside=accept.")
    return list(relations.outside) if procedure != "stop" else []


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


def _canaries(
    data: Mapping[str, Any],
    groups: Sequence[Admission],
    on_host: Mapping[str, list[str]],
    wanted: Sequence[str],
    conditions: Conditions,
) -> set[str]:
    """Return the names of the groups that go first."""
    found: set[str] = set()
    for name in wanted:
        of = [group.name for group in groups if name in group.systems or name in group.hosts]
        if not of:
            known = name in data["systems"] or name in data["hosts"]
            conditions.add(
                f"canary {name}",
                "it is not in this run." if known else "it is no system or host of the landscape.",
                "name a system or host of this run.",
            )
        found.update(of)
    if found and len(found) == len(groups):
        found = set()  # when all go first, nothing goes before anything
    return found


def _enter_whole(groups: Sequence[Admission], steps: Mapping[str, list[dict[str, Any]]]) -> None:
    """With fewer forks than hosts, let a group enter only when all its hosts are in flight.

    Hosts are opened in order, so the last host of a group is the one to wait for. Without this a group that entered
    with half of its hosts could wait for the other half, while all forks are held by groups that wait for its place.
    """
    for group in groups:
        for host in group.hosts[:-1]:
            steps[host][0]["needs"].append([group.hosts[-1], "admit"])


def _wait_for_canaries(
    groups: Sequence[Admission], steps: Mapping[str, list[dict[str, Any]]], canaries: set[str]
) -> None:
    """Let every other host be admitted only when all hosts of the canaries are verified."""
    proofs = []
    for group in groups:
        if group.name in canaries:
            proofs += [[host, back_step(steps[host]) or "admit"] for host in group.hosts]
    for group in groups:
        if group.name not in canaries:
            for host in group.hosts:
                steps[host][0]["needs"] += [list(proof) for proof in proofs]


def _due(window: Window | None, created: float) -> float:
    return max(0.0, window.opens - created) if window else 0.0


def _last(schedule: Schedule, hosts: Sequence[str], steps: Mapping[str, list[dict[str, Any]]]) -> float:
    return max((schedule.end[(host, steps[host][-1]["step"])] for host in hosts if steps[host]), default=0.0)


def _proved(schedule: Schedule, hosts: Sequence[str], steps: Mapping[str, list[dict[str, Any]]]) -> float:
    """Return when the group's hosts are verified, counted from its admission with nothing in its way."""
    return max((schedule.end[(host, back_step(steps[host]) or "admit")] for host in hosts), default=0.0)


def _return_seconds(
    data: Mapping[str, Any],
    names: Sequence[str],
    on_host: Mapping[str, list[str]],
    relations: Relations,
    order: list[str],
    groups: Sequence[Admission],
    steps: Mapping[str, list[dict[str, Any]]],
    procedure: str,
    build: Mapping[str, Any],
) -> dict[str, float]:
    """Return for each group how long it takes to be up again once everything of it is stopped."""
    if procedure == "stop":
        steps = build_steps(data, names, on_host, relations, order, procedure="start", **{**build, "skip": frozenset()})
    back = {host: [step for step in walk if step["kind"] in _UP_AGAIN] for host, walk in steps.items()}
    schedule = simulate([Group(group.hosts) for group in groups], back, {}, {}, _MANY)
    return {group.name: _last(schedule, group.hosts, back) for group in groups}


def _describe(
    group: Admission,
    steps: Mapping[str, list[dict[str, Any]]],
    seconds: float,
    window: Window | None,
    canary: bool,
    back: float,
    created: float,
    procedure: str,
    warnings: list[str],
) -> dict[str, Any]:
    """Return a group as it stands in the plan, with its turning points."""
    # a group starts when its last host is admitted: earlier admissions only wait for it
    start = min(steps[host][0]["start"] for host in group.hosts)
    end = max(steps[host][-1]["end"] for host in group.hosts)
    lasting = [s["start"] for h in group.hosts for s in steps[h] if s["kind"] == "patch"] or [
        s["start"] for h in group.hosts for s in steps[h] if s["kind"] == "reboot"
    ]
    no_return = created + min(lasting) if procedure == "patch" and lasting else None
    turn_back = None
    over = 0.0
    if window and window.closes < float("inf"):
        if procedure != "start":
            turn_back = (window.closes - back) // 60 * 60
        over = max(0.0, created + end - window.closes)
        if over:
            warnings.append(
                f"{group.name} is predicted to end {minutes(over)} after its window {window.source} closes at "
                f"{iso(window.closes)}: it will be deferred, not started. More batch_size or forks, or fewer hosts, "
                "bring it forward."
            )
        elif turn_back is not None and no_return is not None and no_return > turn_back:
            warnings.append(
                f"{group.name} reaches its point of no return at {iso(no_return)}, after the last minute to turn back "
                f"inside its window ({iso(turn_back)})."
            )
    return {
        "name": group.name,
        "systems": group.systems,
        "hosts": group.hosts,
        "canary": canary,
        "seconds": round(seconds, 3),
        "start": start,
        "end": end,
        "window": window.as_data() if window else None,
        "point_of_no_return": iso(no_return) if no_return is not None else None,
        "turn_back_by": iso(turn_back) if turn_back is not None else None,
        "return_seconds": round(back, 3),
        "over_seconds": round(over, 3),
        "needs": dict(sorted(group.needs.items())),
    }


def _warn(
    data: Mapping[str, Any],
    inside: Sequence[str],
    calendar: Windows,
    groups: Sequence[Admission],
    planned: Sequence[Group],
    chosen: Mapping[str, Any],
    procedure: str,
    warnings: list[str],
) -> None:
    clustered = [name for name in sorted(inside) if data["instances"][name].get("cluster_owned")]
    if clustered and procedure != "start":
        warnings.append(f"Owned by a cluster, stopped only while its maintenance mode is on: {_some(clustered)}.")
    if chosen["override"]:
        what = "Windows are" if chosen["ignore_windows"] else "Windows and blackouts are"
        warnings.append(f"{what} overridden by {chosen['override']['by']}: {chosen['override']['reason']}")
    dues = [group.due for group in planned]
    if dues and min(dues) > 0:
        warnings.append(f"No window is open yet: the first admission is possible in {minutes(min(dues))}.")


def _warn_of_jobs(
    data: Mapping[str, Any],
    inside: Sequence[str],
    rolling: frozenset[str],
    procedure: str,
    hold: Sequence[str],
    warnings: list[str],
) -> None:
    of_system: dict[str, list[str]] = {}
    for name in inside:
        of_system.setdefault(data["instances"][name]["system"], []).append(name)
    led = leaders_of_jobs(data, of_system, rolling, procedure)
    left = [system for system in resting_systems(data, of_system, rolling) if led.get(system) not in hold]
    if left:
        warnings.append(f"Background jobs are not held back, and those that run are broken off: {_some(left)}.")


def _calendar(calendar: Windows, groups: Sequence[Admission], created: float, makespan: float) -> dict[str, Any]:
    """Return the windows and blackouts that a picture of the plan shows: system -> kind -> [opens, closes, name]."""
    first, last = created - 86400.0, created + makespan + 86400.0
    shown: dict[str, Any] = {}
    for system in sorted({system for group in groups for system in group.systems}):
        windows = [[iso(a), iso(b), n] for a, b, n in calendar.windows_of([system]) if b > first and a < last]
        blackouts = [[iso(a), iso(b), n] for a, b, n in calendar.blackouts_of([system]) if b > first and a < last]
        if windows or blackouts:
            shown[system] = {"windows": windows, "blackouts": blackouts}
    return shown
