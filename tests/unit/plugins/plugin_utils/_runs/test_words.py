# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run as a person reads it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import words


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "-"), (0, "0:00:00"), (59.6, "0:01:00"), (3723, "1:02:03"), (35999.4, "9:59:59")]
)
def test_a_duration(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "-"), (0.0, "1970-01-01 00:00:00 UTC"), (1e9, "2001-09-09 01:46:40 UTC")]
)
def test_an_instant_is_in_utc_wherever_the_reader_is(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, said: str
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert words.instant(seconds) == said
    time.tzset()


@pytest.mark.parametrize(
    ("key", "said"), [("silence:web", "silence of web"), ("suspend_jobs:PRD:100", "x of PRD:100"), ("web", "x of web")]
)
def test_a_change_is_named_by_what_it_is_about(key: str, said: str) -> None:
    assert words.change({"kind": said.partition(" ")[0], "key": key}) == said


def test_a_change_that_is_somebody_elses_now_says_whose() -> None:
    assert words.state_of({"state": "applied"}) == words.state_of({"state": "applied", "by": []}) == "applied"
    assert words.state_of({"state": "conflict", "by": ["Ada", "Bob"]}) == "conflict: made by Ada, Bob now"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (None, "accepted other code; less hosts"),
        ([], "accepted other code; less hosts; went on with the plan of then: the same steps"),
        (["a", "b"], "accepted other code; less hosts; went on with the plan of then: a; b"),
    ],
)
def test_what_was_accepted(changed: list[str] | None, said: str) -> None:
    assert words.accepted({"why": ["other code", "less hosts"], "changed": changed}) == said


def report(**more: Any) -> dict[str, Any]:
    """A report of two hosts that are through."""
    host = {"state": "done", "step": None, "why": ""}
    return {
        "run": "r1",
        "procedure": "patch",
        "state": "succeeded",
        "created_at": 0.0,
        "created_by": "jdoe",
        "counts": {"done": 2},
        "hosts": {"web": host, "app": host},
        "makespan": 60.0,
        "predicted": 70.0,
        "lower_bound": None,
        "revisions": [],
        "left_undone": [],
        "left_to_start": [],
        "not_ours": [],
        **more,
    }


def test_a_run_that_went_well_is_two_lines() -> None:
    assert words.words(report()) == [
        "run r1: patch, succeeded, begun 1970-01-01 00:00:00 UTC by jdoe",
        "2 of 2 hosts are through in 0:01:00 (plan 0:01:10, lower bound -)",
    ]


def test_what_failed_stands_before_what_waits_whatever_the_order_of_the_hosts() -> None:
    states = ("pending", "running", "deferred", "blocked", "unknown", "failed", "done")
    hosts: dict[str, dict[str, Any]] = {
        f"h-{state}": {"state": state, "step": f"S/{state}", "why": ""} for state in states
    }
    hosts["h-failed"]["why"] = "disk full"
    hosts["h-pending"]["step"] = None
    lines = words.words(report(hosts=hosts, counts={"done": 1}))[2:]
    assert lines == [
        "failed    S/failed: disk full",
        "unknown   S/unknown",
        "blocked   S/blocked",
        "deferred  S/deferred",
        "running   S/running",
        "pending   h-pending",
    ]


@pytest.mark.parametrize(
    ("state", "told"),
    [("partial", True), ("interrupted", True), ("lost", True), ("succeeded", False), ("canceled", False)],
)
def test_a_run_that_can_be_continued_says_how_at_its_end(state: str, told: bool) -> None:
    assert (words.words(report(state=state))[-1] == "continue with -e run=r1") is told


def test_what_somebody_has_to_do_is_named_with_the_command() -> None:
    silence = {"ci": "web", "key": "silence:web", "kind": "silence"}
    lines = words.words(
        report(
            left_undone=[{**silence, "state": "conflict", "by": ["Ada"]}],
            left_to_start=[silence],
            not_ours=[{**silence, "by": ["Ada", "Bob"]}],
            revisions=[{"number": 2, "at": 0.0, "by": "jdoe", "why": ["other code"], "changed": None}],
        )
    )[2:]
    assert lines == [
        "revision 2 of the plan, 1970-01-01 00:00:00 UTC: jdoe accepted other code",
        "left undone: silence of web (conflict: made by Ada now); continue the run, or undo it by hand, then say so: "
        "settle_run -e run=r1 -e reason=<how>",
        "left to the run that starts the system: silence of web",
        "not ours, left alone: silence of web, made before by Ada, Bob",
    ]
