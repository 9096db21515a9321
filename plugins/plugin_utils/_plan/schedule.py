# SPDX-License-Identifier: GPL-3.0-or-later
"""When each step of a plan is predicted to run.

The model is the run itself: hosts are opened in the plan's order, as many at once as there are forks; each host walks
its steps, waits at gates, and keeps its fork until its last step; a group is admitted as one when it is due and
everything it needs is free. Time goes from event to event, so the cost does not depend on how long a run takes.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Step = tuple[str, str]

#: Hosts looked at while the order of groups is improved: about half a second.
EFFORT = 300_000
TRIES_PER_GROUP = 40


@dataclass
class Group:
    """What the schedule must know of an admission group."""

    hosts: list[str]
    due: float = 0.0
    needs: dict[str, int] = field(default_factory=dict)


def back_step(walk: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the name of the step after which a host is known to be back: its verification, else its last step."""
    named = [step["step"] for step in walk]
    return "verify" if "verify" in named else named[-1] if named else None


@dataclass
class Schedule:
    """Predicted seconds after the start of the plan, and what let each step begin (None: time itself)."""

    start: dict[Step, float]
    end: dict[Step, float]
    cause: dict[Step, Step | None]
    makespan: float
    stuck: list[str]


def simulate(
    groups: Sequence[Group],
    steps: Mapping[str, Sequence[Mapping[str, Any]]],
    capacity: Mapping[str, int],
    host_needs: Mapping[str, Sequence[str]],
    forks: int,
) -> Schedule:
    """Walk the plan and return its `Schedule`.

    ``groups`` stand in admission order. What a group needs it takes at once. A resource that is in ``host_needs`` of
    some of its hosts is given back when the last of these is verified, any other one when all its hosts are through.
    ``stuck`` names hosts that could never finish; it is empty for a sound plan.
    """
    order = [host for group in groups for host in group.hosts]
    group_of = {host: number for number, group in enumerate(groups) for host in group.hosts}
    free = dict(capacity)
    left_in_group = [len(group.hosts) for group in groups]
    members: list[dict[str, set[str]]] = [{} for _group in groups]
    for number, record in enumerate(groups):
        for host in record.hosts:
            for name in host_needs.get(host, ()):
                if name in record.needs:
                    members[number].setdefault(name, set()).add(host)
    back = {host: back_step(steps[host]) for host in order}
    admitted = [False] * len(groups)
    asking: dict[int, Step | None] = {}
    waiting: list[int] = []
    position = dict.fromkeys(order, -1)
    unmet: dict[Step, int] = {}
    waiters: dict[Step, list[Step]] = {}
    start: dict[Step, float] = {}
    end: dict[Step, float] = {}
    cause: dict[Step, Step | None] = {}
    events: list[tuple[float, int, Step | None, int]] = []
    sequence = 0
    opened = 0
    in_flight = 0
    present = {(host, step["step"]) for host in order for step in steps[host]}

    def push(time: float, step: Step | None, group: int = -1) -> None:
        nonlocal sequence
        sequence += 1
        heapq.heappush(events, (time, sequence, step, group))

    def begin(host: str, time: float, why: Step | None) -> None:
        step = steps[host][position[host]]
        key = (host, step["step"])
        start[key], cause[key] = time, why
        push(time + step["seconds"], key)

    def arrive(host: str, time: float, why: Step | None) -> None:
        """Let the host come to its next step; it begins when nothing is open."""
        position[host] += 1
        step = steps[host][position[host]]
        key = (host, step["step"])
        needs = set(map(tuple, step["needs"]))
        open_needs = [need for need in needs if need in present and need not in end]
        unmet[key] = len(open_needs)
        for need in open_needs:
            waiters.setdefault(need, []).append(key)
        if not open_needs:
            proceed(host, time, why)

    def proceed(host: str, time: float, why: Step | None) -> None:
        group = group_of[host]
        if position[host] or admitted[group]:
            begin(host, time, why)
        elif group in asking:
            pending_hosts[group].append(host)
        else:
            asking[group] = why
            pending_hosts[group] = [host]
            if groups[group].due > time:
                push(groups[group].due, None, group)
            else:
                heapq.heappush(waiting, group)

    pending_hosts: dict[int, list[str]] = {}

    def dispatch(time: float, why: Step | None) -> None:
        kept: list[int] = []
        while waiting:
            group = heapq.heappop(waiting)
            wanted = groups[group].needs
            if any(free[name] < amount for name, amount in wanted.items()):
                kept.append(group)
                if "batch" in free and free["batch"] <= 0:
                    break
                continue
            for name, amount in wanted.items():
                free[name] -= amount
            admitted[group] = True
            for host in pending_hosts.pop(group):
                begin(host, time, why)
        for group in kept:
            heapq.heappush(waiting, group)

    def open_more(time: float, why: Step | None) -> None:
        nonlocal opened, in_flight
        while opened < len(order) and in_flight < forks:
            host = order[opened]
            opened += 1
            in_flight += 1
            if steps[host]:
                arrive(host, time, why)
            else:
                in_flight -= 1

    makespan = 0.0
    open_more(0.0, None)
    dispatch(0.0, None)
    while events:
        time, _number, key, due = heapq.heappop(events)
        if key is None:
            heapq.heappush(waiting, due)
            dispatch(time, None)
            continue
        makespan = max(makespan, time)
        end[key] = time
        changed = False
        for waiter in waiters.pop(key, ()):
            unmet[waiter] -= 1
            if not unmet[waiter]:
                changed = changed or not position[waiter[0]]
                proceed(waiter[0], time, key)
        host = key[0]
        if key[1] == back[host]:
            group = group_of[host]
            for name in host_needs.get(host, ()):
                holders = members[group].get(name)
                if holders:
                    holders.discard(host)
                    if not holders:
                        free[name] += groups[group].needs[name]
                        changed = True
        if position[host] + 1 < len(steps[host]):
            arrive(host, time, key)
        else:
            group = group_of[host]
            left_in_group[group] -= 1
            if not left_in_group[group]:
                for name, amount in groups[group].needs.items():
                    if name not in members[group]:
                        free[name] += amount
            in_flight -= 1
            open_more(time, key)
            changed = True
        if changed and waiting:
            dispatch(time, key)
    stuck = [host for host in order if steps[host] and (host, steps[host][-1]["step"]) not in end]
    return Schedule(start, end, cause, makespan, stuck)


def packed(
    groups: Sequence[Group], ends: Mapping[str, float], ranks: Sequence[Any], forks: int, effort: int = EFFORT
) -> list[int]:
    """Return an order of the groups, as their numbers, in which fewer forks than hosts are idle for less time.

    Groups change places only with those of the same rank. ``ends``: how long after the entry of its group each host
    keeps its fork. The last groups to enter decide the makespan, and no rule finds the best of them, so exchanges are
    tried, always the same ones for the same groups. Limited resources are not looked at.
    """
    spans = [sorted(ends[host] for host in group.hosts) for group in groups]

    def makespan(order: Sequence[int]) -> float:
        free = [0.0] * forks
        for number in order:
            entry = groups[number].due
            for _host in spans[number]:
                entry = max(entry, heapq.heappop(free))
            for span in spans[number]:
                heapq.heappush(free, entry + span)
        return max(free)

    best = list(range(len(groups)))
    alike: dict[Any, list[int]] = {}
    for position, rank in enumerate(ranks):
        alike.setdefault(rank, []).append(position)
    places = [positions for positions in alike.values() if len(positions) > 1]
    least = makespan(best)
    dice = random.Random(0)
    tries = min(effort // max(1, len(ends)), TRIES_PER_GROUP * len(groups))
    for _try in range(tries if places else 0):
        order = list(best)
        positions = dice.choice(places)
        one, other = dice.sample(range(len(positions)), 2)
        if dice.random() < 0.5:
            order[positions[one]], order[positions[other]] = order[positions[other]], order[positions[one]]
        else:
            members = [order[position] for position in positions]
            members.insert(other, members.pop(one))
            for position, number in zip(positions, members, strict=True):
                order[position] = number
        took = makespan(order)
        if took <= least:
            best, least = order, took
    return best


def critical_path(schedule: Schedule) -> list[Step]:
    """Return the chain of steps that decides the makespan, first to last: each began because the one before ended."""
    if not schedule.end:
        return []
    key: Step | None = max(schedule.end, key=lambda step: (schedule.end[step], step))
    path: list[Step] = []
    while key is not None:
        path.append(key)
        key = schedule.cause[key]
    return path[::-1]
