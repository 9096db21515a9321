# SPDX-License-Identifier: GPL-3.0-or-later
"""A preview in words: short for large landscapes, with everything by name for small ones."""

from __future__ import annotations

from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, preview, preview_words
from tests.property import plans


def new(plan: dict[str, Any]) -> list[str]:
    """The words about a new run of a plan."""
    return preview_words.words(preview.of_new_run(None, plan, None, Owner.current()))


def named(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan whose steps have the names that people read."""
    for host, walk in plan["steps"].items():
        for step in walk:
            step["label"] = f"{step['system']}/{host}/-/{step['kind']}"
    return plan


def test_each_step_that_waits_is_named_with_the_one_it_waits_for() -> None:
    assert new(named(plans.three_tiers())) == [
        "If it began now:",
        "go        PRD, 3 hosts",
        "wait      PRD/app/-/stop, PRD/db/-/stop: for PRD/web/-/stop, PRD/app/-/stop",
        "wait      PRD/app/-/start, PRD/web/-/start: for PRD/db/-/start, PRD/app/-/start",
    ]


def test_two_hundred_hosts_that_hear_the_same_take_two_lines() -> None:
    found = new(named(plans.lone_hosts(200, needs={"batch": 1}, resources={"batch": 2})))
    assert found == [
        "If it began now:",
        "go        S00, S01, 2 hosts; takes 1 of batch (2 of 2 free)",
        "wait      S02, S03, S04 and 195 more, 198 hosts, first at S02/h02/-/admit: batch is full: S00, S01; takes 1 of"
        " batch (2 of 2 free)",
    ]


def test_more_lines_than_a_person_reads_are_counted() -> None:
    count = 40
    steps = {f"{side}{n}": plans.walk(f"{side}{n}", system=f"S{n}") for n in range(count) for side in "ab"}
    for n in range(count):
        steps[f"b{n}"][1]["needs"] = [[f"a{n}", steps[f"a{n}"][1]["step"]]]
        steps[f"a{n}"][3]["needs"] = [[f"b{n}", steps[f"b{n}"][3]["step"]]]
    found = new(named(plans.plan([plans.group(f"S{n}", [f"a{n}", f"b{n}"]) for n in range(count)], steps)))
    assert "wait      S0/b0/-/stop: for S0/a0/-/stop" in found
    assert (
        found[-1] == f"and {2 * count - preview_words.MOST_LINES} more of the kind; all are in the result, -v shows it"
    )


def told(**more: Any) -> list[str]:
    """The words about a run that would be continued."""
    run = {
        "continues": True,
        "run": "r1",
        "procedure": "patch",
        "state": "running",
        "alive": False,
        "taken_by": "kim@one (process 7 on one)",
        "taken_at": 0.0,
        "seen_at": 60.0,
        "hosts": 3,
        "unfinished": 2,
        "done": ["PRD/web/-/admit"],
        "undo": [{"ci": "web", "key": "silence:web", "kind": "silence", "state": "applied"}],
        "refused": [],
        "groups": [],
        "steps": [],
    }
    return preview_words.words({**run, **more})


def test_a_run_says_who_had_it_and_that_its_controller_is_gone() -> None:
    assert told() == [
        "run r1: patch, running, and its controller is gone; taken by kim@one (process 7 on one) at 1970-01-01 00:00:00"
        " UTC, last seen 1970-01-01 00:01:00 UTC",
        "1 of 3 hosts are through, 1 steps are done",
        "would be undone: silence of web on web (applied)",
    ]
    assert told(state="planned", taken_by=None, seen_at=None)[0] == "run r1: patch, planned; nobody has begun it"


def test_a_refusal_and_a_place_that_is_held() -> None:
    place = {"holder": "PRD", "place": "pair", "needed": 1, "capacity": 1, "free": 1, "held": True, "by": []}
    group = {"name": "PRD", "hosts": ["web"], "canary": True, "label": "PRD/web/-/stop", "by": None}
    step: dict[str, Any] = {"ci": "web", "label": "PRD/web/-/stop", "waits_for": [], "after": None, "started_at": 0.0}
    found = told(
        refused=["Run r1 is being worked on by Kim."],
        groups=[{**group, "verdict": "look", "why": "pair is full: QAS", "places": [place]}],
        steps=[{**step, "verdict": "look", "why": "pair is full: QAS"}],
    )
    assert found[2:] == [
        "unknown   PRD/web/-/stop, begun 1970-01-01 00:00:00 UTC: would be looked at first; then pair is full: QAS",
        "would be undone: silence of web on web (applied)",
        "refused   Run r1 is being worked on by Kim.",
        "If it went on now:",
        "look      PRD (canary), 1 host, at PRD/web/-/stop: pair is full: QAS; takes pair (it has that)",
    ]
