# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about what an approval holds for."""

from __future__ import annotations

import datetime as dt
import functools
import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.action.landscape_plan import (
    _approved,
    _files_of_steps,
    _given,
    _of_hosts,
    _reached_at_one_place,
    _summary,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._plan import PlanRefused
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Store, open_store
from tests.unit.plugins.plugin_utils._plan.landscapes import NOW, Builder

SECONDS = {"a": 3000.0, "b": 3000.0, "c": 2000.0, "d": 2000.0, "e": 2000.0}


def landscape(**more: Any) -> Builder:
    """Five systems of one host each, in one window."""
    build = Builder().calendar(
        "night",
        "window",
        {"start": "2026-11-22T20:00", "end": "2026-11-23T08:00"},
        {"start": "2026-11-29T20:00", "end": "2026-11-30T08:00"},
    )
    for name in SECONDS:
        build.system(name.upper(), windows=["night"], **more).instance(name.upper(), name, "D00")
    return build


def run(
    make: Callable[..., dict[str, Any]], approved: str | None, directory: pathlib.Path, store: Store | None = None
) -> dict[str, Any]:
    """The plan that is run for an approval."""
    return _approved(make, approved, _given(approved, directory, store))


def written(build: Builder, directory: pathlib.Path, **options: Any) -> dict[str, Any]:
    """A plan in its file."""
    plan = build.plan(durations={f"{name.upper()}/{name}/D00/stop": of for name, of in SECONDS.items()}, **options)
    (directory / f"{plan['hash']}.json").write_text(json.dumps(plan), encoding="utf-8")
    return plan


@pytest.mark.parametrize(
    "now",
    [
        {"forks": 5},
        {"forks": 3, "durations": {"patch": 50.0}},
        {"forks": 2, "step_seconds": {"E/e/D00/stop": 9000.0}},
        {"forks": 200, "durations": {"patch": 50000.0}},  # by now it would be too long for its window
        {"now": NOW + dt.timedelta(hours=9)},
    ],
)
def test_forks_and_predictions_are_no_part_of_it(tmp_path: pathlib.Path, now: dict[str, Any]) -> None:
    build = landscape()
    approved = written(build, tmp_path, forks=2)
    plan = run(functools.partial(build.plan, **now), approved["hash"], tmp_path)
    assert plan["hash"] == approved["hash"] and plan["hosts"] == approved["hosts"]
    assert plan["options"]["forks"] == now.get("forks", 0)


def test_what_was_not_approved_is_refused_with_the_difference(tmp_path: pathlib.Path) -> None:
    build = landscape()
    approved = written(build, tmp_path, forks=2)["hash"]
    with pytest.raises(PlanRefused, match="option patch_level was not set and is now 2026-12"):
        run(functools.partial(build.plan, patch_level="2026-12"), approved, tmp_path)
    with pytest.raises(PlanRefused, match="had the window 2026-11-22.* and now has 2026-11-29"):
        run(functools.partial(build.plan, now=NOW + dt.timedelta(days=2)), approved, tmp_path)
    with pytest.raises(PlanRefused, match="has it, so the difference cannot be shown"):
        run(build.plan, "0" * 64, tmp_path)
    assert run(build.plan, None, tmp_path) == build.plan()


def test_a_file_that_was_changed_is_no_approval(tmp_path: pathlib.Path) -> None:
    build = landscape()
    approved = written(build, tmp_path, forks=2)
    changed = {**approved, "hosts": approved["hosts"][::-1], "groups": approved["groups"][::-1]}
    path = tmp_path / f"{approved['hash']}.json"
    for text in (json.dumps(changed), path.read_text(encoding="utf-8")[:-20], "[]", ""):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(PlanRefused, match="cannot be shown"):
            run(build.plan, approved["hash"], tmp_path)


def test_another_controller_finds_it_in_the_run_database(tmp_path: pathlib.Path) -> None:
    build = landscape()
    approved = build.plan(durations={f"{name.upper()}/{name}/D00/stop": of for name, of in SECONDS.items()}, forks=2)
    store = open_store(f"sqlite:///{tmp_path / 'runs.db'}")
    store.keep_plan(approved)
    assert run(functools.partial(build.plan, forks=5), approved["hash"], tmp_path, store)["hosts"] == approved["hosts"]
    with pytest.raises(PlanRefused, match="option patch_level was not set and is now 2026-12"):
        run(functools.partial(build.plan, patch_level="2026-12"), approved["hash"], tmp_path, store)


def test_the_sites_task_files_are_told_apart_by_what_stands_in_them(tmp_path: pathlib.Path) -> None:
    def of(text: str, place: str, left_out: set[str]) -> dict[str, str]:
        file = tmp_path / place / "stop.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        tasks = {"stop": str(file), "verify": str(file), "silence_look": str(file), "silence": "silence.yml"}
        return _files_of_steps(tasks, "stop", left_out)

    assert of("- one", "a", set()) == of("- one", "b", set()) != of("- other", "b", set())
    assert set(of("- one", "a", set())) == {"stop", "silence", "silence_look"}  # a stop run verifies nothing
    assert of("- one", "a", set())["silence"] == "silence.yml"
    assert set(of("- one", "a", {"silence"})) == {"stop"}


def test_the_backup_guard_of_hosts_with_what_lifts_it_is_part_of_the_options() -> None:
    said: dict[str, dict[str, Any]] = {
        "db": {"landscape_require_backup_hours": 24, "landscape_databases_down": "HDQ"},
        "app": {"landscape_databases_down": "HDP"},
    }
    found = _of_hosts(said, {"procedure": "stop", "step_tasks": {"suspend_jobs": "x"}})
    assert found == {"require_backup": {"db": 24}, "databases_down": {"db": "HDQ"}}


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        ({"ansible_host": "10.0.0.1"}, {"ansible_host": "10.0.0.1"}, True),
        ({"ansible_host": "10.0.0.1"}, {"ansible_host": "10.0.0.1", "ansible_port": 22}, True),
        (
            {"ansible_host": "APP.example"},
            {"ansible_host": "app.example", "ansible_connection": "ansible.builtin.ssh"},
            True,
        ),
        ({}, {"ansible_host": "prdapp1"}, True),  # without an address the name is one
        ({"ansible_host": "10.0.0.1"}, {"ansible_host": "10.0.0.2"}, False),
        ({"ansible_host": "10.0.0.1", "ansible_port": 2201}, {"ansible_host": "10.0.0.1", "ansible_port": 2202}, False),
        (
            {"ansible_connection": "local", "ansible_host": "x"},
            {"ansible_connection": "local", "ansible_host": "x"},
            False,
        ),
        ({"ansible_connection": "docker"}, {"ansible_connection": "ssh", "ansible_host": "prdapp1"}, False),
        ({"ansible_host": "10.0.0.1"}, {"ansible_host": "10.0.0.1", "ansible_ssh_common_args": "-J b"}, False),
        ({"ansible_host": "10.0.0.1"}, {"ansible_host": "10.0.0.1", "landscape_shared_address": True}, False),
        ({"ansible_host": "10.0.0.1"}, {"ansible_host": "10.0.0.1", "landscape_shared_address": "no"}, True),
        ({}, {}, False),
    ],
)
def test_hosts_that_are_reached_at_one_place(one: dict[str, Any], other: dict[str, Any], refused: bool) -> None:
    found = _reached_at_one_place({"prdapp1": one, "prdapp2": other})
    assert [condition["object"] for condition in found] == (["prdapp2"] if refused else [])
    assert all("where prdapp1 is reached" in condition["unmet"] for condition in found)


@pytest.mark.parametrize(
    ("procedure", "window", "said"),
    [
        ("patch", True, ("point of no return", "turn back by")),
        ("patch", False, ("point of no return",)),
        ("stop", True, ("turn back by",)),
        ("stop", False, ()),
        ("start", True, ()),
    ],
)
def test_the_turning_points_that_a_group_has_are_shown(procedure: str, window: bool, said: tuple[str, ...]) -> None:
    plan = landscape().plan(["a"], procedure=procedure, override=None if window else {"reason": "r", "by": "b"})
    (line,) = [line for line in _summary(plan) if line.startswith("  A: ")]
    assert "None" not in line and ("window" in line) is window
    assert tuple(words for words in ("point of no return", "turn back by") if words in line) == said
