# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of every step of a run, as events tell it one after the other."""

from __future__ import annotations

import dataclasses
import typing as t

KINDS = (
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
    "backup",
    "clean_backups",
)
DEAD = ("failed", "unreachable", "blocked", "deferred")


@dataclasses.dataclass
class Step:
    """One step of one host: its state, and since when (seconds of the viewer's clock)."""

    step: str
    kind: str
    label: str
    predicted: float
    state: str = "pending"
    since: float = 0.0
    took: float | None = None


@dataclasses.dataclass
class Host:
    """One host's walk."""

    name: str
    group: str
    steps: list[Step]
    state: str = "pending"
    why: str = ""
    since: float = 0.0

    @property
    def current(self) -> Step | None:
        """The first step that is not through, None at the end of the walk."""
        return next((step for step in self.steps if step.state not in ("done", "skipped")), None)


@dataclasses.dataclass
class Screen:
    """The whole run."""

    run: str
    procedure: str
    started: float
    hosts: dict[str, Host]
    groups: dict[str, list[str]]
    makespan: float
    ended: bool = False

    @classmethod
    def of_plan(cls, run: str, plan: t.Mapping[str, t.Any], now: float) -> Screen:
        """Lay out a run by its plan. ``now``: seconds of the viewer's clock."""
        skipped = set(plan["options"].get("skip_steps", ()))
        group_of = {host: group["name"] for group in plan["groups"] for host in group["hosts"]}
        hosts = {
            host: Host(
                host,
                group_of[host],
                [
                    Step(
                        s["step"], s["kind"], s["label"], s["seconds"], "skipped" if s["kind"] in skipped else "pending"
                    )
                    for s in plan["steps"][host]
                ],
            )
            for host in plan["hosts"]
        }
        return cls(
            run, plan["procedure"], now, hosts, {g["name"]: list(g["hosts"]) for g in plan["groups"]}, plan["makespan"]
        )

    def count(self, *states: str) -> int:
        """Return how many hosts are in one of these states."""
        return sum(host.state in states for host in self.hosts.values())

    def counts(self, group: str, kind: str) -> tuple[dict[str, int], int]:
        """Return the steps of this kind in this group, by state, and how many there are."""
        by_state: dict[str, int] = {}
        for name in self.groups[group]:
            for step in self.hosts[name].steps:
                if step.kind == kind:
                    by_state[step.state] = by_state.get(step.state, 0) + 1
        return by_state, sum(by_state.values())

    @property
    def progress(self) -> float:
        """Return the share of the predicted work that is done, 0 to 1."""
        total = done = 0.0
        for host in self.hosts.values():
            for step in host.steps:
                if step.state != "skipped":
                    total += step.predicted
                    done += step.predicted if step.state == "done" else 0.0
        return done / total if total else 1.0


def apply(screen: Screen, event: t.Mapping[str, t.Any], now: float) -> None:
    """Change the screen by one event.

    ``{"event": waiting|running|done|dead|open, "host", "step", "state", "why"}``; ``open`` names in ``steps`` all that
    the host still has to do: of a run that is continued the others are done.
    """
    host = screen.hosts.get(event["host"])
    if host is None:
        return
    if event["event"] == "open":
        for each in host.steps:
            if each.state == "pending" and each.step not in event["steps"]:
                each.state = "done"
        host.state = host.state if host.current else "done"
        return
    step = next((s for s in host.steps if s.step == event.get("step")), None) or host.current
    if event["event"] == "dead":
        host.state, host.why, host.since = event["state"], event.get("why", ""), now
        if step is not None:
            step.state, step.since = event["state"], now
        return
    if step is None:
        return
    if event["event"] == "done":
        step.took = now - step.since if step.state == "running" else None
        step.state = "done"
        host.state = "running" if host.current else "done"
    elif step.state not in ("done", *DEAD):
        if step.state != event["event"]:
            step.since = now
        step.state = host.state = event["event"]
    host.since = now
