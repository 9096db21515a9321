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

from ansible_collections.basis.landscape.plugins.action.landscape_plan import _approved, _given
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
