# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about what makes two plans the same, and about the words for what does not."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import plan_difference, plan_hash
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.digest import EFFECTIVE_OPTIONS
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.options import DEFAULTS
from tests.unit.plugins.plugin_utils._plan.landscapes import NOW, Builder, three_tiers


def larger() -> Builder:
    """Two groups, a window, a redundancy group."""
    build = three_tiers().system("SBX").instance("SBX", "sbx", "D00").together("apps", ["SBX", "PRD"])
    build.calendar("night", "window", {"start": "2026-11-22T20:00", "end": "2026-11-23T04:00"})
    build.data["systems"]["SBX"]["windows"] = ["night"]
    return build


def reordered(value: Any) -> Any:
    """The same data with every mapping in another order."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in sorted(value, reverse=True)}
    return value


def test_the_hash_is_about_content_not_order_of_input() -> None:
    one, two = larger(), larger()
    two.data = reordered(two.data)
    for system in two.data["systems"].values():
        system["depends_on"] = list(reversed(system["depends_on"]))
    hosts = list(one.data["hosts"])
    assert one.plan(hosts)["hash"] == two.plan(list(reversed(hosts)))["hash"]


@pytest.mark.parametrize(
    "options",
    [
        {"now": NOW + dt.timedelta(hours=1)},
        {"durations": {"patch": 601.0}},
        {"forks": 6},
        {"forks": 5},
        {"step_seconds": {"verify": 12}},
        {"batch_size": 0, "canary": [], "outside": "refuse", "override": None},
    ],
)
def test_predictions_do_not_change_the_hash(options: dict[str, Any]) -> None:
    assert larger().plan(**options)["hash"] == larger().plan()["hash"]
    assert plan_difference(larger().plan(), larger().plan(**options)) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patch_level": "2026-12"}, "option patch_level was not set and is now 2026-12"),
        ({"batch_size": 3}, "the limit batch (3) is new"),
        ({"canary": ["SBX"]}, "SBX is now a canary"),
        ({"failure_budget": {"count": 2}}, 'option failure_budget was not set and is now {"count": 2}'),
        ({"skip_steps": ["suspend_jobs", "release_jobs"]}, "no longer waits for app1/suspend_jobs:PRD"),
        (
            {"override": {"reason": "zero day", "by": "night shift"}},
            "SBX had the window 2026-11-22T20:00:00+00:00 to 2026-11-23T04:00:00+00:00 (night) and now has none",
        ),
    ],
)
def test_options_that_change_the_effect_change_the_hash(options: dict[str, Any], words: str) -> None:
    old, new = larger().plan(), larger().plan(**options)
    assert old["hash"] != new["hash"]
    assert any(words in line for line in plan_difference(old, new)), plan_difference(old, new)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            {"require_backup": {"db": 24}},
            {"require_backup": {"db": 9999}},
            'option require_backup was {"db": 24.0} and is now {"db": 9999.0}',
        ),
        ({"require_backup": {"db": 24}}, {}, 'option require_backup was {"db": 24.0} and is now not set'),
        (
            {"require_backup": {"db": 24}},
            {"require_backup": {"db": 24}, "databases_down": {"db": ["hdb"]}},
            'option databases_down was not set and is now {"db": ["HDB"]}',
        ),
        (
            {"step_tasks": {"stop": "one"}},
            {"step_tasks": {"stop": "other"}},
            'option step_tasks was {"stop": "one"} and is now {"stop": "other"}',
        ),
        ({"hold_jobs": ["app1"]}, {"hold_jobs": []}, "host app1 no longer does suspend_jobs:PRD"),
        ({"outside": "refuse"}, {"outside": "accept"}, "option outside was refuse and is now accept"),
    ],
)
def test_what_would_weaken_an_approval_is_part_of_it(before: dict[str, Any], after: dict[str, Any], words: str) -> None:
    old, new = larger().plan(**before), larger().plan(**after)
    assert old["hash"] != new["hash"]
    assert words in plan_difference(old, new)


def test_the_hours_of_a_host_that_looks_for_no_backup_say_nothing() -> None:
    of_all = dict.fromkeys(larger().data["hosts"], 24)
    one, other = (larger().plan(require_backup=hours) for hours in ({"db": 24}, of_all))
    assert one["hash"] == other["hash"] and plan_difference(one, other) == []


def test_every_option_is_hashed_or_known_not_to_weaken() -> None:
    told_otherwise = {"hold_jobs", "storage", "parallel"}  # steps and limits of the plan
    only_time = {"forks", "step_seconds", "calendar_directory"}
    assert set(DEFAULTS) == {*EFFECTIVE_OPTIONS, *told_otherwise, *only_time}


def test_another_landscape_in_words() -> None:
    old = larger().plan()
    build = larger().instance("PRD", "app3", "D02").host("spare")
    del build.data["instances"]["WDP/web/W80"]
    new = build.plan()
    words = plan_difference(old, new)
    assert "host app3 is new in the run" in words and "host spare is new in the run" in words
    assert "host web no longer does stop:WDP/web/W80" in words
    assert any(line.startswith("stop:PRD/cs/ASCS01 on cs now waits for app3/stop:PRD/app3/D02") for line in words)


def test_another_order_in_words() -> None:
    old = larger().plan()
    new = copy.deepcopy(old)
    new["hosts"] = [*old["hosts"][1:], old["hosts"][0]]
    new["groups"] = list(reversed(new["groups"]))
    assert any("order of admission differs" in line for line in plan_difference(old, new))
    new = copy.deepcopy(old)
    new["steps"]["web"] = list(reversed(new["steps"]["web"]))
    assert plan_difference(old, new) == ["host web walks its steps in another order"]


def test_many_differences_are_counted() -> None:
    build = larger()
    for number in range(80):
        build.host(f"more{number}")
    words = plan_difference(larger().plan(), build.plan())
    assert len(words) == 40 and words[-1].startswith("and ") and words[-1].endswith("more differences")


@pytest.mark.parametrize("part", ["resources", "host_needs", "outside", "procedure"])
def test_whatever_is_hashed_has_words(part: str) -> None:
    old = larger().plan()
    new = copy.deepcopy(old)
    new[part] = {
        "resources": {"redundancy:apps": 2},
        "host_needs": {"sbx": []},
        "outside": ["ZZZ/host/D00"],
        "procedure": "stop",
    }[part]
    assert plan_hash(old) != plan_hash(new)
    assert plan_difference(old, new)[0] != "the plans differ in their format"


def test_a_changed_file_no_longer_has_its_hash() -> None:
    plan = larger().plan()
    assert plan_hash(plan) == plan["hash"]
    plan["steps"]["db"][2]["needs"] = []
    assert plan_hash(plan) != plan["hash"]


def test_another_instance_number_is_another_plan() -> None:
    one, two = three_tiers(), three_tiers()
    name = next(iter(one.data["instances"]))
    one.data["instances"][name]["number"], two.data["instances"][name]["number"] = "01", "02"
    sid = one.data["instances"][name]["sid"]
    assert one.plan()["hash"] != two.plan()["hash"]
    assert plan_difference(one.plan(), two.plan()) == [f"{name} was {sid}/01 and is now {sid}/02"]
