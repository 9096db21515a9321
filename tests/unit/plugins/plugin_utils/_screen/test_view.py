# SPDX-License-Identifier: GPL-3.0-or-later
"""How the screen looks."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ansible_collections.basis.landscape.plugins.plugin_utils._screen import Screen, apply
from ansible_collections.basis.landscape.plugins.plugin_utils._screen.view import age, render


def picture(screen: Screen, now: float, *, height: int = 24, ascii_only: bool = False) -> str:
    paper = io.StringIO()
    console = Console(file=paper, width=140, height=height, force_terminal=False)
    console.print(render(screen, now, height, ascii_only=ascii_only))
    return paper.getvalue()


def big(systems: int) -> Screen:
    names = [f"S{n:02d}" for n in range(systems)]
    step = {"step": "patch", "kind": "patch", "seconds": 10.0}
    plan = {
        "procedure": "patch",
        "makespan": 10.0,
        "options": {},
        "hosts": [f"{name}h" for name in names],
        "groups": [{"name": name, "hosts": [f"{name}h"]} for name in names],
        "steps": {f"{name}h": [{**step, "label": f"{name}/{name}h/-/patch"}] for name in names},
    }
    return Screen.of_plan("r1", plan, 0.0)


@pytest.mark.parametrize("seconds, words", [(0.4, "0 s"), (59.9, "59 s"), (65, "1:05"), (3723, "1:02:03")])
def test_age(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_failures_stand_first_with_the_name_of_their_ci() -> None:
    screen = big(3)
    apply(screen, {"event": "running", "host": "S01h", "step": "patch"}, 0.0)
    apply(
        screen,
        {"event": "dead", "host": "S01h", "step": "patch", "state": "failed", "why": "disk full on /usr\nsecond line"},
        4.0,
    )
    lines = picture(screen, 10.0).splitlines()
    failure = next(n for n, line in enumerate(lines) if "S01/S01h/-/patch" in line)
    assert "disk full on /usr" in lines[failure] and "second line" not in lines[failure]
    assert failure < next(n for n, line in enumerate(lines) if "systems" in line)


def test_two_hundred_systems_fit_the_terminal_and_say_how_many_are_not_shown() -> None:
    text = picture(big(200), 1.0, height=30)
    assert len(text.splitlines()) <= 30
    assert "more" in text


def test_busy_systems_stand_before_waiting_ones() -> None:
    screen = big(50)
    apply(screen, {"event": "running", "host": "S49h", "step": "patch"}, 0.0)
    lines = picture(screen, 7.0).splitlines()
    assert next(n for n, line in enumerate(lines) if "S49" in line) < next(
        n for n, line in enumerate(lines) if "S00" in line
    )
    assert any("S49/S49h/-/patch 7 s" in line for line in lines)


def test_ascii_picture_has_only_ascii() -> None:
    screen = big(2)
    apply(screen, {"event": "dead", "host": "S01h", "step": "patch", "state": "blocked", "why": "x"}, 4.0)
    body = "".join(line for line in picture(screen, 5.0, ascii_only=True).splitlines() if "%" not in line)
    assert body.isascii(), body
