# SPDX-License-Identifier: GPL-3.0-or-later
"""What events make of the screen."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._screen import Screen, apply
from ansible_collections.basis.landscape.plugins.plugin_utils._screen.model import Step


def plan() -> dict:
    def steps(host: str) -> list[dict]:
        return [
            {"step": kind, "kind": kind, "label": f"PRD/{host}/-/{kind}", "seconds": seconds}
            for kind, seconds in (("admit", 1.0), ("silence", 5.0), ("patch", 60.0), ("verify", 39.0))
        ]

    return {
        "procedure": "patch",
        "makespan": 100.0,
        "options": {"skip_steps": ["silence"]},
        "hosts": ["a", "b"],
        "groups": [{"name": "PRD", "hosts": ["a", "b"]}],
        "steps": {"a": steps("a"), "b": steps("b")},
    }


def current(screen: Screen) -> Step:
    step = screen.hosts["a"].current
    assert step is not None
    return step


@pytest.fixture
def screen() -> Screen:
    return Screen.of_plan("r1", plan(), 1000.0)


def test_a_host_waits_works_and_is_through(screen: Screen) -> None:
    apply(screen, {"event": "waiting", "host": "a"}, 1000.0)
    assert (screen.hosts["a"].state, current(screen).step) == ("waiting", "admit")
    for step, begin, end in (("admit", 1001.0, 1002.0), ("patch", 1003.0, 1050.0), ("verify", 1051.0, 1060.0)):
        apply(screen, {"event": "running", "host": "a", "step": step}, begin)
        assert screen.hosts["a"].state == "running"
        apply(screen, {"event": "done", "host": "a", "step": step}, end)
    assert screen.hosts["a"].state == "done"
    assert screen.hosts["a"].steps[2].took == 47.0
    assert screen.progress == 0.5


def test_age_of_a_wait_counts_from_its_beginning(screen: Screen) -> None:
    apply(screen, {"event": "waiting", "host": "a"}, 1000.0)
    apply(screen, {"event": "waiting", "host": "a"}, 1010.0)
    assert current(screen).since == 1000.0


def test_a_failure_stays_whatever_comes_after(screen: Screen) -> None:
    apply(screen, {"event": "running", "host": "b", "step": "patch"}, 1000.0)
    apply(screen, {"event": "dead", "host": "b", "step": "patch", "state": "failed", "why": "disk full"}, 1001.0)
    apply(screen, {"event": "running", "host": "b", "step": "patch"}, 1002.0)
    assert (screen.hosts["b"].state, screen.hosts["b"].why) == ("failed", "disk full")
    assert screen.counts("PRD", "patch") == ({"pending": 1, "failed": 1}, 2)


def test_of_a_continued_run_only_what_is_left_is_to_come(screen: Screen) -> None:
    apply(screen, {"event": "done", "host": "a", "step": "admit"}, 1000.0)
    apply(screen, {"event": "open", "host": "a", "steps": ["verify"]}, 1000.0)
    assert (screen.hosts["a"].state, current(screen).step) == ("running", "verify")
    apply(screen, {"event": "done", "host": "b", "step": "admit"}, 1000.0)
    apply(screen, {"event": "open", "host": "b", "steps": []}, 1000.0)
    assert screen.hosts["b"].state == "done" and screen.progress == (61.0 + 100.0) / 200.0


def test_hosts_that_are_no_part_of_the_run_are_ignored(screen: Screen) -> None:
    apply(screen, {"event": "waiting", "host": "localhost"}, 1000.0)
    assert "localhost" not in screen.hosts
