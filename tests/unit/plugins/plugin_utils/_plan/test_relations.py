# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about which instances wait for which."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.landscape import normalized
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.relations import Relations, resolve
from tests.unit.plugins.plugin_utils._plan.landscapes import Builder, three_tiers


def of(build: Builder, inside: list[str] | None = None, rolling: tuple[str, ...] = ()) -> Relations:
    """Return the relations of a run over some instances, or all."""
    conditions = Conditions()
    data = normalized(build.data, conditions)
    found = resolve(data, data["instances"] if inside is None else inside, frozenset(rolling), conditions)
    conditions.refuse_if_any()
    return found


def test_levels_and_systems() -> None:
    relations = of(three_tiers())
    assert relations.needs == {
        "HDB/db/HDB00": [],
        "PRD/cs/ASCS01": ["HDB/db/HDB00"],
        "PRD/app1/D02": ["PRD/cs/ASCS01"],
        "PRD/app2/D02": ["PRD/cs/ASCS01"],
        "WDP/web/W80": ["PRD/app1/D02", "PRD/app2/D02"],
    }
    assert relations.dependents["PRD/cs/ASCS01"] == ["PRD/app1/D02", "PRD/app2/D02"]
    assert relations.outside == {} and relations.outside_dependents == {}


def test_a_system_without_instances_passes_order_on() -> None:
    build = Builder().system("AAA", needs=["MID"]).system("MID", needs=["BBB"]).system("BBB")
    build.instance("AAA", "a", "D00").instance("BBB", "b", "D00")
    assert of(build).needs["AAA/a/D00"] == ["BBB/b/D00"]


@pytest.mark.parametrize(
    ("inside", "needs", "outside", "dependents"),
    [
        (["WDP/web/W80"], {"WDP/web/W80": []}, ["HDB/db/HDB00", "PRD/app1/D02", "PRD/app2/D02", "PRD/cs/ASCS01"], []),
        (["HDB/db/HDB00"], {"HDB/db/HDB00": []}, [], ["PRD/app1/D02", "PRD/app2/D02", "PRD/cs/ASCS01", "WDP/web/W80"]),
        (
            ["HDB/db/HDB00", "PRD/app1/D02"],
            {"HDB/db/HDB00": [], "PRD/app1/D02": ["HDB/db/HDB00"]},
            ["PRD/cs/ASCS01"],
            ["PRD/app2/D02", "PRD/cs/ASCS01", "WDP/web/W80"],
        ),
    ],
)
def test_what_stands_outside(
    inside: list[str], needs: dict[str, list[str]], outside: list[str], dependents: list[str]
) -> None:
    relations = of(three_tiers(), inside)
    assert relations.needs == needs
    assert list(relations.outside) == outside
    assert list(relations.outside_dependents) == dependents


def test_nothing_waits_for_a_rolling_system() -> None:
    relations = of(three_tiers(), ["PRD/app1/D02", "WDP/web/W80"], rolling=("PRD",))
    assert relations.needs == {"PRD/app1/D02": [], "WDP/web/W80": []}
    assert relations.outside_dependents == {}


def test_a_named_instance_of_a_rolling_system_is_waited_for() -> None:
    build = three_tiers()
    build.data["instances"]["WDP/web/W80"]["depends_on"] = ["PRD/app1/D02"]
    relations = of(build, ["PRD/app1/D02", "WDP/web/W80"], rolling=("PRD",))
    assert relations.needs["WDP/web/W80"] == ["PRD/app1/D02"]
