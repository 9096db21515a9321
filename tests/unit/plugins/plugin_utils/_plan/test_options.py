# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the options of a plan."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.options import DEFAULTS, checked_options
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions, PlanRefused


def check(options: dict[str, Any], procedure: str = "patch") -> dict[str, Any]:
    """Return checked options, or raise what is wrong with them."""
    conditions = Conditions()
    chosen = checked_options(options, procedure, conditions)
    conditions.refuse_if_any()
    return chosen


def test_defaults_and_text_from_the_command_line() -> None:
    assert check({}) == DEFAULTS
    chosen = check({"batch_size": "4", "canary": "SBX,DEV", "forks": None, "ignore_windows": False})
    assert (chosen["batch_size"], chosen["canary"], chosen["forks"]) == (4, ["DEV", "SBX"], 0)


def test_skipped_steps_of_another_procedure_are_no_mistake() -> None:
    assert check({"skip_steps": ["silence", "unsilence", "release_jobs", "suspend_jobs"]}, "stop")["skip_steps"] == [
        "silence",
        "suspend_jobs",
    ]


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        ({"batch_size": "many"}, "option batch_size"),
        ({"forks": -1}, "option forks"),
        ({"outside": "maybe"}, "option outside"),
        ({"skip_steps": ["lunch"]}, "skip lunch"),
        ({"skip_steps": ["admit"]}, "skip admit"),
        ({"skip_steps": ["verify"]}, "skip verify"),
        ({"skip_steps": ["stop", "reboot"]}, "skip stop"),
        ({"skip_steps": ["start", "reboot"]}, "skip start"),
        ({"skip_steps": ["stop", "start"]}, "skip stop"),
        ({"skip_steps": ["suspend_jobs"]}, "skip suspend_jobs"),
        ({"skip_steps": ["unsilence"]}, "skip unsilence"),
        ({"failure_budget": 3}, "option failure_budget"),
        ({"failure_budget": {"count": 1, "share": 0.1}}, "option failure_budget"),
        ({"failure_budget": {}}, "option failure_budget"),
        ({"failure_budget": {"count": -1}}, "option failure_budget"),
        ({"failure_budget": {"share": 2}}, "option failure_budget"),
        ({"failure_budget": {"share": 0.1, "per": "moon"}}, "option failure_budget"),
        ({"step_seconds": {"stop": "long"}}, "option step_seconds stop"),
        ({"override": "because"}, "option override"),
        ({"speed": 11}, "option speed"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], subject: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        check(options)
    assert subject in [condition["object"] for condition in refused.value.conditions]


@pytest.mark.parametrize(
    "options",
    [
        {"skip_steps": ["stop", "start", "reboot"]},
        {"skip_steps": ["patch"]},
        {"skip_steps": ["reboot"]},
        {"failure_budget": {"count": 0}},
        {"failure_budget": {"share": 0.1, "per": "tier"}},
    ],
)
def test_what_is_right_passes(options: dict[str, Any]) -> None:
    assert check(options)
