# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower bound of measured times."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import bound

PLAN = {
    "steps": {
        "web": [{"step": "stop", "needs": []}, {"step": "start", "needs": [["db", "start"]]}],
        "db": [{"step": "stop", "needs": [["web", "stop"]]}, {"step": "start", "needs": []}],
    }
}


def step(ci: str, name: str, began: float | None, ended: float | None, state: str = "done") -> dict:
    return {"ci": ci, "step": name, "started_at": began, "ended_at": ended, "state": state}


def test_longest_chain_without_the_waiting_between() -> None:
    steps = [
        step("web", "stop", 0, 5),
        step("db", "stop", 8, 18),
        step("db", "start", 20, 27),
        step("web", "start", 30, 33),
    ]
    assert bound.measured(PLAN, steps) == pytest.approx(5 + 10 + 7 + 3)


def test_steps_that_were_not_done_count_nothing() -> None:
    steps = [step("web", "stop", 0, 5), step("db", "stop", 8, 18, "failed"), step("db", "start", None, None, "pending")]
    assert bound.measured(PLAN, steps) == 5


def test_empty_run() -> None:
    assert bound.measured({"steps": {}}, []) == 0
