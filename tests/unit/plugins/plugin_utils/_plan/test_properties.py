# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the plan of any landscape, checked against the relations themselves by brute force."""

from __future__ import annotations

import copy
import datetime as dt
import random
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import (
    PlanRefused,
    make_plan,
    plan_difference,
    plan_hash,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.landscape import START_PRIORITY
from tests.unit.plugins.plugin_utils._plan.landscapes import NOW

SYSTEM_KINDS = {
    "abap": ["ascs", "ers", "dialog", "dialog"],
    "java": ["scs", "java", "java"],
    "hana": ["hana"],
    "webdisp": ["webdisp", "webdisp"],
}

LOOK = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@st.composite
def landscapes(draw: st.DrawFn, *, circles: bool = False) -> dict[str, Any]:
    """A small landscape in normal form; with ``circles`` relations may point anywhere."""
    count = draw(st.integers(1, 7))
    shared = [f"shared{number}" for number in range(draw(st.integers(0, 2)))]
    systems: dict[str, Any] = {}
    instances: dict[str, Any] = {}
    for number in range(count):
        name = f"S{number:02d}"
        kind = draw(st.sampled_from(sorted(SYSTEM_KINDS)))
        targets = [f"S{other:02d}" for other in (range(count) if circles else range(number))]
        systems[name] = {
            "sid": name,
            "type": kind,
            "depends_on": draw(st.lists(st.sampled_from(targets), max_size=draw(st.integers(0, 2)), unique=True))
            if targets
            else [],
            "maintenance": draw(st.sampled_from(["full_stop", "full_stop", "full_stop", "rolling"])),
            "windows": draw(st.sampled_from([[], [], ["night"], ["day"], ["night", "day"]])),
            "blackouts": draw(st.sampled_from([[], [], ["freeze"]])),
        }
        own = [f"host{number}{letter}" for letter in "abcd"]
        for at, one in enumerate(draw(st.lists(st.sampled_from(SYSTEM_KINDS[kind]), max_size=4))):
            host = draw(st.sampled_from(own * 3 + shared))
            record: dict[str, Any] = {"system": name, "sid": name, "host": host, "name": f"X{at:02d}", "kind": one}
            if draw(st.integers(0, 9)) == 0:
                record["start_priority"] = draw(st.sampled_from([0.1, 2.0, 9.0]))
            if instances and draw(st.integers(0, 7)) == 0:
                record["depends_on"] = [draw(st.sampled_from(sorted(instances)))]
            instances[f"{name}/{host}/X{at:02d}"] = record
    pool = sorted({one["host"] for one in instances.values()} | set(shared)) or ["spare"]
    members = sorted(systems) + pool + sorted(instances)
    groups = {
        f"pair{number}": {
            "members": draw(st.lists(st.sampled_from(members), min_size=2, max_size=3, unique=True)),
            "max_unavailable": draw(st.sampled_from([1, 1, 2])),
        }
        for number in range(draw(st.integers(0, 2)))
    }
    return {
        "hosts": {name: {} for name in pool},
        "systems": systems,
        "instances": instances,
        "redundancy_groups": groups,
        "calendars": {
            "night": {
                "kind": "window",
                "timezone": "Europe/Berlin",
                "entries": [{"rrule": "FREQ=DAILY", "start": "2026-01-01T22:00", "duration": "9h"}],
            },
            "day": {
                "kind": "window",
                "timezone": "UTC",
                "entries": [{"rrule": "FREQ=DAILY", "start": "2026-01-01T04:00", "duration": "20h"}],
            },
            "freeze": {
                "kind": "blackout",
                "timezone": "UTC",
                "entries": [{"start": "2026-11-22T13:00", "end": "2026-11-22T14:00"}],
            },
        },
    }


@st.composite
def options(draw: st.DrawFn, landscape: dict[str, Any]) -> dict[str, Any]:
    """Options that fit a landscape, most of the time."""
    chosen: dict[str, Any] = {"outside": draw(st.sampled_from(["accept", "accept", "refuse"]))}
    if draw(st.booleans()):
        chosen["batch_size"] = draw(st.integers(1, 7))
    if draw(st.integers(0, 3)) == 0:
        chosen["canary"] = [draw(st.sampled_from(sorted(landscape["hosts"])))]
    if draw(st.integers(0, 3)) == 0:
        chosen["skip_steps"] = ["silence", "unsilence", "suspend_jobs", "release_jobs"]
    return chosen


def needs_of(landscape: dict[str, Any], rolling: set[str], run: set[str]) -> dict[str, set[str]]:
    """Return instance -> everything that must be up before it, by brute force from the three kinds of relation."""
    instances, systems = landscape["instances"], landscape["systems"]
    behind: dict[str, set[str]] = {name: set() for name in systems}
    for _round in systems:
        for name, system in systems.items():
            for target in system["depends_on"]:
                behind[name] |= {target} | behind[target]

    def priority(name: str) -> float:
        record = instances[name]
        return float(record.get("start_priority") or START_PRIORITY[record["kind"]])

    direct: dict[str, set[str]] = {}
    for name, record in instances.items():
        own = record["system"]
        direct[name] = set(record.get("depends_on") or [])
        for other, target in instances.items():
            stays_up = target["system"] in rolling and other in run
            below = target["system"] == own and priority(other) < priority(name)
            if (below or target["system"] in behind[own]) and not stays_up:
                direct[name].add(other)
    for _round in instances:
        for name in instances:
            for other in list(direct[name]):
                direct[name] |= direct[other]
    return direct


class Walk:
    """Executes a plan in a random order that its gates, places and forks allow, and checks every action."""

    def __init__(self, landscape: dict[str, Any], plan: dict[str, Any], forks: int, seed: int) -> None:
        self.landscape, self.plan, self.forks = landscape, plan, forks
        self.random = random.Random(seed)
        self.done: set[tuple[str, str]] = set()
        self.position = dict.fromkeys(plan["hosts"], 0)
        self.busy: set[str] = set()
        self.free = dict(plan["resources"])
        self.admitted: set[str] = set()
        self.group_of = {host: group for group in plan["groups"] for host in group["hosts"]}
        procedure = plan["procedure"]
        self.rolling = (
            {name for name, system in landscape["systems"].items() if system["maintenance"] == "rolling"}
            if procedure == "patch"
            else set()
        )
        self.run = {name for name, one in landscape["instances"].items() if one["host"] in set(plan["hosts"])}
        self.needs = needs_of(landscape, self.rolling, self.run)
        self.up = dict.fromkeys(self.run, procedure != "start")

    def step(self, host: str) -> dict[str, Any]:
        return self.plan["steps"][host][self.position[host]]

    def open_hosts(self) -> list[str]:
        left = [host for host in self.plan["hosts"] if self.position[host] < len(self.plan["steps"][host])]
        return left[: self.forks]

    def ready(self, host: str) -> bool:
        step = self.step(host)
        if any((other, name) not in self.done for other, name in step["needs"]):
            return False
        group = self.group_of[host]
        if step["kind"] != "admit" or group["name"] in self.admitted:
            return True
        return all(self.free[name] >= weight for name, weight in group["needs"].items())

    def walk(self) -> None:
        """Go on until all is done; raise when nothing can move."""
        while True:
            hosts = self.open_hosts()
            if not hosts:
                return
            moves = [host for host in hosts if host in self.busy or self.ready(host)]
            assert moves, f"deadlock: {[(host, self.step(host)['step']) for host in hosts]}"
            host = self.random.choice(moves)
            if host in self.busy:
                self.finish(host)
            else:
                self.begin(host)

    def begin(self, host: str) -> None:
        step, group = self.step(host), self.group_of[host]
        self.busy.add(host)
        if step["kind"] == "admit" and group["name"] not in self.admitted:
            self.admitted.add(group["name"])
            for name, weight in group["needs"].items():
                self.free[name] -= weight
        if step["kind"] == "stop":
            running = [one for one in self.run if step["instance"] in self.needs[one] and self.up[one]]
            assert not running, f"{step['instance']} stops under {running}"
            self.up[step["instance"]] = False
        if step["kind"] == "start":
            missing = [one for one in self.needs[step["instance"]] & self.run if not self.up[one]]
            assert not missing, f"{step['instance']} starts before {missing}"
        if step["kind"] in ("patch", "reboot"):
            assert not any(self.up[one] for one in self.run if self.landscape["instances"][one]["host"] == host)
        self.check_places()

    def finish(self, host: str) -> None:
        step, group = self.step(host), self.group_of[host]
        self.busy.discard(host)
        self.done.add((host, step["step"]))
        if step["kind"] == "start":
            self.up[step["instance"]] = True
        self.position[host] += 1
        holders = {
            name: [one for one in group["hosts"] if name in self.plan["host_needs"].get(one, [])]
            for name in group["needs"]
        }
        for name, weight in group["needs"].items():
            mine = holders[name]
            if mine:
                over = step["kind"] == "verify" and host in mine and all((one, "verify") in self.done for one in mine)
            else:
                over = all(self.position[one] == len(self.plan["steps"][one]) for one in group["hosts"])
            if over:
                self.free[name] += weight

    def out(self, host: str) -> bool:
        """Whether a host is in maintenance: something of it was touched and it is not verified yet."""
        at = self.position[host]
        touched = {step["kind"] for step in self.plan["steps"][host][: at + (host in self.busy)]}
        return bool(touched & {"stop", "patch", "reboot"}) and (host, "verify") not in self.done

    def check_places(self) -> None:
        if self.plan["procedure"] != "patch":
            return
        out = {host for host in self.plan["hosts"] if self.out(host)}
        instances, systems = self.landscape["instances"], self.landscape["systems"]
        for group in self.landscape["redundancy_groups"].values():
            down = 0
            for member in group["members"]:
                if member in systems:
                    mine = {one["host"] for one in instances.values() if one["system"] == member}
                    down += member not in self.rolling and bool(mine & out)
                elif member in instances:
                    down += instances[member]["host"] in out
                else:
                    down += member in out
            assert down <= group["max_unavailable"], f"{group} has {down} members out"
        for name in self.rolling:
            mine = {one["host"] for one in instances.values() if one["system"] == name}
            assert len(mine & out) <= 1, f"rolling {name} has {mine & out} out"


def plan_or_refusal(
    landscape: dict[str, Any], hosts: list[str], procedure: str, **chosen: Any
) -> dict[str, Any] | None:
    """Return a plan, or None when it is refused in the proper way."""
    try:
        return make_plan(
            landscape,
            hosts=hosts,
            procedure=procedure,
            now=chosen.pop("now", NOW),
            durations=chosen.pop("durations", {}),
            like=chosen.pop("like", None),
            options=chosen,
        )
    except PlanRefused as refused:
        assert refused.conditions
        for condition in refused.conditions:
            assert all(condition[key] for key in ("object", "unmet", "remedy"))
        return None


@LOOK
@given(st.data())
def test_every_walk_keeps_order_and_places_and_ends(data: st.DataObject) -> None:
    landscape = data.draw(landscapes())
    hosts = data.draw(st.lists(st.sampled_from(sorted(landscape["hosts"])), min_size=1, unique=True))
    procedure = data.draw(st.sampled_from(["patch", "patch", "patch", "stop", "start"]))
    chosen = data.draw(options(landscape))
    plan = plan_or_refusal(landscape, hosts, procedure, **chosen)
    event("refused" if plan is None else f"{procedure} of {len(plan['groups'])} groups")
    assume(plan is not None)
    assert plan is not None
    assert sorted(plan["hosts"]) == sorted(hosts) == sorted(plan["steps"])
    seed = data.draw(st.integers(0, 2**32))
    Walk(landscape, plan, len(hosts), seed).walk()
    forks = plan["forks_needed"]
    tight = plan_or_refusal(landscape, hosts, procedure, **chosen, forks=forks)
    assert tight is not None and tight["forks_needed"] == forks
    Walk(landscape, tight, forks, seed).walk()
    for approved, now in ((plan, {"forks": forks}), (tight, {"durations": {"patch": 9.0}})):
        same = plan_or_refusal(landscape, hosts, procedure, **chosen, **now, like=approved)
        assert same is not None and same["hash"] == approved["hash"]
        Walk(landscape, same, now.get("forks", len(hosts)), seed).walk()
    if forks > 1:
        assert plan_or_refusal(landscape, hosts, procedure, **chosen, forks=forks - 1) is None


@LOOK
@given(st.data())
def test_the_schedule_keeps_gates_and_windows_and_the_bound_is_a_bound(data: st.DataObject) -> None:
    landscape = data.draw(landscapes())
    hosts = sorted(landscape["hosts"])
    chosen = data.draw(options(landscape)) | {"outside": "accept"}
    if data.draw(st.booleans()):
        chosen["forks"] = data.draw(st.integers(1, len(hosts)))
    kinds = ["admit", "stop", "patch", "reboot", "start", "verify", "silence"]
    durations = {kind: data.draw(st.floats(0, 900)) for kind in kinds}
    now = NOW + dt.timedelta(minutes=data.draw(st.integers(0, 1440)))
    plan = plan_or_refusal(landscape, hosts, "patch", now=now, durations=durations, **chosen)
    assume(plan is not None)
    assert plan is not None
    ends = {(host, step["step"]): step["end"] for host, steps in plan["steps"].items() for step in steps}
    for steps in plan["steps"].values():
        before = 0.0
        for step in steps:
            assert step["start"] >= before - 0.002
            for other, name in step["needs"]:
                assert step["start"] >= ends[(other, name)] - 0.002
            assert abs(step["end"] - step["start"] - step["seconds"]) < 0.002
            before = step["end"]
    for group in plan["groups"]:
        if group["window"]:
            opens = dt.datetime.fromisoformat(group["window"]["opens"])
            closes = dt.datetime.fromisoformat(group["window"]["closes"])
            first = min(plan["steps"][host][0]["start"] for host in group["hosts"])
            assert now + dt.timedelta(seconds=first + 0.01) >= opens
            assert max(now, opens) + dt.timedelta(seconds=group["seconds"]) <= closes + dt.timedelta(seconds=0.01)
        assert group["end"] - group["start"] >= group["seconds"] - 0.01
    assert max(ends.values()) == plan["makespan"]
    assert plan["lower_bound"] <= plan["makespan"] + 0.01
    path = [next(s for s in plan["steps"][host] if s["step"] == name) for host, name in plan["critical_path"]]
    assert path[-1]["end"] == plan["makespan"]
    for earlier, later in zip(path, path[1:], strict=False):
        assert abs(earlier["end"] - later["start"]) < 0.002
    for resource, capacity in plan["resources"].items():
        assert all(group["needs"].get(resource, 0) <= capacity for group in plan["groups"])


@LOOK
@given(landscapes(circles=True), st.randoms(use_true_random=False))
def test_hash_and_refusal_do_not_depend_on_the_order_of_input(
    landscape: dict[str, Any], shuffler: random.Random
) -> None:
    hosts = sorted(landscape["hosts"])
    other = copy.deepcopy(landscape)
    for part in ("hosts", "systems", "instances", "redundancy_groups", "calendars"):
        keys = list(other[part])
        shuffler.shuffle(keys)
        other[part] = {key: other[part][key] for key in keys}
    for record in (*other["systems"].values(), *other["instances"].values()):
        shuffler.shuffle(record.get("depends_on") or [])
    mixed = list(hosts)
    shuffler.shuffle(mixed)
    one = plan_or_refusal(landscape, hosts, "patch", outside="accept")
    two = plan_or_refusal(other, mixed, "patch", outside="accept")
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        assert one["hash"] == two["hash"] == plan_hash(one)
        assert plan_difference(one, two) == []


@LOOK
@given(landscapes(circles=True))
def test_a_circle_is_always_refused_by_name(landscape: dict[str, Any]) -> None:
    for system in landscape["systems"].values():
        system["maintenance"] = "full_stop"
        system["windows"] = system["blackouts"] = []
    landscape["redundancy_groups"] = {}
    hosts = sorted(landscape["hosts"])
    needs = needs_of(landscape, set(), set(landscape["instances"]))
    circular = {name for name in needs if name in needs[name]}
    try:
        make_plan(landscape, hosts=hosts, procedure="patch", now=NOW, durations={}, options={})
        assert not circular
    except PlanRefused as refused:
        words = " ".join(condition["unmet"] for condition in refused.conditions)
        assert "circle" in words
        for name in circular:
            assert name in words


def crowded(shuffler: random.Random) -> dict[str, Any]:
    """Many groups of one to three hosts, of one to three systems, some of them partners: they compete for places."""
    landscape: dict[str, Any] = {"hosts": {}, "systems": {}, "instances": {}, "redundancy_groups": {}, "calendars": {}}
    for number in range(6):
        hosts = [f"host{number}{letter}" for letter in "abc"[: shuffler.randint(1, 3)]]
        for part in range(shuffler.randint(1, 3)):
            name = f"S{number}{part}"
            needs = [f"S{number}{part - 1}"] if part else []
            landscape["systems"][name] = {"sid": name, "type": "java", "depends_on": needs, "maintenance": "full_stop"}
            for at, host in enumerate(hosts):
                landscape["hosts"][host] = {}
                record = {"system": name, "sid": name, "host": host, "name": f"J{part}{at}", "kind": "java"}
                landscape["instances"][f"{name}/{host}/J{part}{at}"] = record
    for number in range(3):
        members = shuffler.sample(range(6), 3)
        landscape["redundancy_groups"][f"pair{number}"] = {
            "members": [shuffler.choice([f"S{one}0", f"host{one}a"]) for one in members],
            "max_unavailable": 1,
        }
    return landscape


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_competing_groups_never_lock_each_other_out(seed: int) -> None:
    shuffler = random.Random(seed)
    landscape = crowded(shuffler)
    hosts = sorted(landscape["hosts"])
    batch = shuffler.choice([0, 3, 4])
    plan = plan_or_refusal(landscape, hosts, "patch", batch_size=batch)
    assert plan is not None
    Walk(landscape, plan, len(hosts), seed).walk()
    forks = plan["forks_needed"]
    if forks < len(hosts):
        tight = plan_or_refusal(landscape, hosts, "patch", batch_size=batch, forks=forks)
        assert tight is not None
        for again in range(5):
            Walk(landscape, tight, forks, seed + again).walk()
