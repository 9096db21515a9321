# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demonstration says at its end, by the report, the simulator's journal, the playbook's exit code."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import demo

CULPRIT = "QAS/app2/D01"
REPORT: dict[str, Any] = {
    "hosts": {
        "app1": {"state": "blocked", "step": "QAS/app1/D01/start"},
        "app2": {"state": "failed", "step": f"{CULPRIT}/stop"},
        "db": {"state": "blocked", "step": "HDQ/db/HDB00/stop"},
        "web": {"state": "done", "step": None},
        "other": {"state": "done", "step": None},
    },
    "groups": [{"hosts": ["other", "web"]}, {"hosts": ["app1", "app2", "db"]}],
    "makespan": 60.0,
    "lower_bound_measured": 50.0,
}
JOURNAL: list[dict[str, Any]] = [
    {"call": "Stop", "host": "web"},
    {"effect": "job_started", "system": "QAS", "job": "NIGHT"},
    {"effect": "sessions_lost", "host": "app1"},
    {"effect": "stop_failed", "host": "app2"},
    *({"effect": effect, "host": host} for host in ("web", "other", "app1") for effect in ("patched", "rebooted")),
]


def ended(folder: Path, report: dict[str, Any], journal: list[dict[str, Any]], code: int) -> int:
    """The exit code after a run with this report."""
    (folder / f"{demo.RUN}.json").write_text(json.dumps(report), encoding="utf-8")
    (folder / f"{demo.RUN}.html").touch()
    return demo.told(folder, journal, CULPRIT, code)


def test_the_last_line_of_a_good_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(tmp_path, REPORT, JOURNAL, 2) == 0
    assert capsys.readouterr().out.splitlines() == [
        "demo: 3 hosts patched, 1 failed as planned, makespan 60.0 s, lower bound 50.0 s, ratio 1.20",
        f"report: {tmp_path / 'demo.html'}",
    ]


def all_done(report: dict[str, Any], _journal: list[dict[str, Any]]) -> None:
    for host in report["hosts"].values():
        host["state"] = "done"


def another_failed(report: dict[str, Any], _journal: list[dict[str, Any]]) -> None:
    report["hosts"]["web"] = {"state": "failed", "step": "QAS/web/-/patch"}


def one_was_not_patched(_report: dict[str, Any], journal: list[dict[str, Any]]) -> None:
    journal.remove({"effect": "patched", "host": "web"})


def one_was_patched_twice(_report: dict[str, Any], journal: list[dict[str, Any]]) -> None:
    journal.append({"effect": "patched", "host": "web"})


def what_is_needed_was_stopped(_report: dict[str, Any], journal: list[dict[str, Any]]) -> None:
    journal.append({"effect": "stopping", "host": "db"})


def a_wrong_order(_report: dict[str, Any], journal: list[dict[str, Any]]) -> None:
    journal.append({"effect": "lost_dependency", "host": "other"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (all_done, "exactly app2 failed"),
        (another_failed, "exactly app2 failed"),
        (one_was_not_patched, "were patched, each once"),
        (one_was_patched_twice, "were patched, each once"),
        (what_is_needed_was_stopped, "was not touched"),
        (a_wrong_order, "against the order: lost_dependency on other"),
    ],
)
def test_another_story_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any], list[dict[str, Any]]], None],
    words: str,
) -> None:
    report, journal = copy.deepcopy(REPORT), copy.deepcopy(JOURNAL)
    change(report, journal)
    assert ended(tmp_path, report, journal, 2) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("demo: not as expected: ") and words in said.err


def test_a_playbook_that_ends_well_is_not_the_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(tmp_path, REPORT, JOURNAL, 0) == 1
    assert "ansible-playbook reports the failure" in capsys.readouterr().err


def test_without_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo.json").write_text(json.dumps(REPORT), encoding="utf-8")
    assert demo.told(tmp_path, JOURNAL, CULPRIT, 2) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err == f"demo: not as expected: there is no page {tmp_path / 'demo.html'}\n"


def test_without_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.told(tmp_path, JOURNAL, CULPRIT, 2) == 1
    assert "demo: not as expected: " in capsys.readouterr().err
