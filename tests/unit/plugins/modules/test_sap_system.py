# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_system plans, by what it finds; nothing is sent here."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.model import Instance
from ansible_collections.basis.landscape.plugins.modules.sap_system import State, SystemState, spec


def operation(**options: Any) -> SystemState:
    defaults = {name: option.get("default") for name, option in spec().options.items()}
    return SystemState({**defaults, "sid": "PRD", "number": "1", **options})


def found(*colours: str) -> State:
    rows = [Instance("h", f"{number:02d}", 0, 0, 1.0, ("ABAP",), colour) for number, colour in enumerate(colours)]
    return State(tuple(rows), ())


@pytest.mark.parametrize(
    ("wanted", "colours", "steps"),
    [
        ("started", ["GREEN", "GREEN"], []),
        ("started", ["GRAY", "GRAY"], ["StartSystem"]),
        ("started", ["GREEN", "GRAY"], ["StartSystem"]),
        ("started", ["RED", "GRAY"], ["StartSystem"]),
        ("started", ["YELLOW", "GREEN"], ["wait"]),
        ("started", ["RED", "GREEN"], ["wait"]),
        ("started", ["YELLOW", "GRAY"], ["wait", "StartSystem"]),
        ("stopped", ["GRAY", "GRAY"], []),
        ("stopped", ["GREEN", "GRAY"], ["StopSystem"]),
        ("stopped", ["YELLOW", "GREEN"], ["StopSystem"]),
        ("stopped", ["RED", "GRAY"], ["StopSystem"]),
        ("stopped", ["YELLOW", "GRAY"], ["StopSystem"]),
        ("restarted", ["GREEN", "GREEN"], ["StopSystem", "StartSystem"]),
        ("restarted", ["GRAY", "GRAY"], ["StartSystem"]),
        ("restarted", ["YELLOW", "GRAY"], ["StopSystem", "StartSystem"]),
    ],
)
def test_plan(wanted: str, colours: list[str], steps: list[str]) -> None:
    assert [action.name for action in operation(state=wanted).plan(found(*colours))] == steps


@pytest.mark.parametrize("colours", [["YELLOW", "GREEN"], ["YELLOW", "GRAY"], ["YELLOW", "YELLOW"]])
@pytest.mark.parametrize("how", ["stopping", "unclear"])
def test_what_is_or_may_be_on_its_way_down_is_waited_for(colours: list[str], how: str) -> None:
    state = found(*colours)._replace(**{how: ("h/00",)})
    assert [action.name for action in operation(state="stopped").plan(state)] == ["wait", "StopSystem"]
    assert [a.name for a in operation(state="restarted").plan(state)] == ["wait", "StopSystem", "StartSystem"]


def test_a_start_lets_a_stop_that_is_under_way_arrive_first() -> None:
    state = found("YELLOW", "GREEN")._replace(stopping=("h/00",))
    assert [action.name for action in operation(state="started").plan(state)] == ["wait", "StartSystem"]


def test_the_plan_names_the_selection() -> None:
    action = operation(state="stopped", instances="abap", soft_timeout=9).plan(found("GREEN"))[0]
    assert action.words == "stop PRD (abap), 9 s of grace"


@pytest.mark.parametrize(
    "options",
    [
        {"sid": "PR"},
        {"number": "98"},
        {"state": "stopped", "timeout": 300.0},
        {"soft_timeout": -1},
        {"instances": "level", "priority_level": "high"},
    ],
)
def test_options_that_cannot_be_right(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        operation(**options)
