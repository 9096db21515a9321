# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_instance plans, by what it finds; nothing is sent here."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.model import Identity, Process
from ansible_collections.basis.landscape.plugins.modules.sap_instance import InstanceState, State, spec

LISTS = {
    "started": ["disp+work:GREEN::1557:46:59", "gwrd:GREEN::0:01:00"],
    "young": ["disp+work:GREEN::0:00:59", "gwrd:GREEN::0:01:10"],
    "ageless": ["disp+work:GREEN"],
    "stopped": ["disp+work:GRAY", "gwrd:GRAY"],
    "starting": ["disp+work:YELLOW:Starting", "gwrd:GREEN"],
    "stopping": ["disp+work:YELLOW:Stopping"],
    "partial": ["disp+work:GRAY", "gwrd:GREEN"],
    "broken": ["disp+work:RED", "gwrd:GREEN"],
    "copying": ["sapcpe:GREEN"],
}


def operation(**options: Any) -> InstanceState:
    defaults = {name: option.get("default") for name, option in spec().options.items()}
    return InstanceState({**defaults, "sid": "PRD", "number": "1", **options})


def found(name: str) -> State:
    rows = [(word.split(":", 3) + ["", ""])[:4] for word in LISTS[name]]
    who = Identity("PRD", "01", "D01", "prdapp1", (), ())
    return State(who, [Process(process, "", colour, text, "", age, 0) for process, colour, text, age in rows])


@pytest.mark.parametrize(
    ("wanted", "state", "steps"),
    [
        ("started", "started", []),
        ("started", "young", ["wait"]),
        ("started", "ageless", ["wait"]),
        ("started", "stopped", ["Start"]),
        ("started", "starting", ["wait"]),
        ("started", "copying", ["wait"]),
        ("started", "stopping", ["wait", "Start"]),
        ("started", "partial", ["wait"]),
        ("started", "broken", ["wait"]),
        ("stopped", "stopped", []),
        ("stopped", "started", ["Stop"]),
        ("stopped", "starting", ["Stop"]),
        ("stopped", "stopping", ["wait"]),
        ("stopped", "partial", ["Stop"]),
        ("stopped", "broken", ["Stop"]),
        ("restarted", "started", ["Stop", "Start"]),
        ("restarted", "young", ["Stop", "Start"]),
        ("restarted", "stopped", ["Start"]),
        ("restarted", "starting", ["Stop", "Start"]),
        ("restarted", "stopping", ["wait", "Start"]),
        ("restarted", "broken", ["Stop", "Start"]),
    ],
)
def test_plan(wanted: str, state: str, steps: list[str]) -> None:
    actions = operation(state=wanted).plan(found(state))
    assert [action.name for action in actions] == steps
    assert [action.name for action in actions if action.act is None] == [name for name in steps if name == "wait"]


def test_the_plan_says_what_it_does_and_on_what() -> None:
    words = [action.words for action in operation(state="restarted", soft_timeout=42).plan(found("started"))]
    assert words == ["stop PRD/prdapp1/D01, 42 s of grace", "start PRD/prdapp1/D01"]


def test_the_grace_is_five_minutes_unless_the_user_says_otherwise() -> None:
    assert "300 s of grace" in operation(state="stopped").plan(found("started"))[0].words


@pytest.mark.parametrize(
    "options",
    [
        {"sid": "prd"},
        {"number": "xx"},
        {"state": "stopped", "timeout": 300.0},
        {"state": "restarted", "timeout": 10.0},
        {"soft_timeout": -1},
        {"timeout": 0.0},
        {"delay": 0.0},
        {"failure_grace": -1.0},
        {"sapcontrol_url": "prdapp1"},
    ],
)
def test_options_that_cannot_be_right(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        operation(**options)


def test_a_start_does_not_ask_for_a_timeout_beyond_the_grace() -> None:
    assert operation(state="started", timeout=60.0).plan(found("started")) == []
