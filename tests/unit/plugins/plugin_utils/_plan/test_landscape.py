# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the landscape in normal form."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import (
    PlanRefused,
    landscape_from_inventory,
    make_plan,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.landscape import normalized, plain
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions
from tests.unit.plugins.plugin_utils._plan.landscapes import NOW, three_tiers


def test_inventory_variables_give_the_same_plan_as_the_landscape() -> None:
    build = three_tiers().together("pair", ["PRD"], allowed=1)
    data = build.data
    hostvars = {
        name: {
            "landscape_host": {
                **record,
                "instances": [{"id": key, **one} for key, one in data["instances"].items() if one["host"] == name],
            },
            "landscape_systems": data["systems"],
            "landscape_redundancy_groups": data["redundancy_groups"],
            "landscape_calendars": data["calendars"],
        }
        for name, record in data["hosts"].items()
    }
    hostvars["localhost"] = {"landscape_systems": data["systems"], "ansible_connection": "local"}
    found = landscape_from_inventory(hostvars)
    assert "localhost" not in found["hosts"]
    assert (
        make_plan(found, hosts=list(data["hosts"]), procedure="patch", now=NOW, durations={}, options={})["hash"]
        == build.plan()["hash"]
    )


def test_hand_written_variables_need_no_ids_and_no_hosts() -> None:
    found = landscape_from_inventory(
        {
            "app1": {
                "landscape_host": {"instances": [{"sid": "PRD", "host": "app1", "name": "D01", "system": "PRD"}]},
                "landscape_systems": {"PRD": {"type": "abap"}},
            }
        }
    )
    assert list(found["instances"]) == ["PRD/app1/D01"]
    instance = {"sid": "PRD", "name": "D01", "system": "PRD"}
    found = landscape_from_inventory(
        {
            name: {
                "landscape_host": {"instances": [dict(instance)]},
                "landscape_systems": {"PRD": {"type": "abap"}},
            }
            for name in ("app1", "app2")
        }
    )
    assert list(found["instances"]) == ["PRD/app1/D01", "PRD/app2/D01"]
    one = three_tiers()
    one.data["systems"]["PRD"]["depends_on"] = "HDB"
    assert one.plan()["hash"] == three_tiers().plan()["hash"]
    assert found["systems"]["PRD"] == {"type": "abap"}


def test_two_instances_of_one_name_are_refused() -> None:
    instance = {"id": "PRD/D01", "sid": "PRD", "name": "D01", "system": "PRD"}
    hostvars = {name: {"landscape_host": {"instances": [dict(instance)]}} for name in ("app1", "app2")}
    with pytest.raises(PlanRefused, match="PRD/D01: the inventory has two instances of this name"):
        landscape_from_inventory(hostvars)


@pytest.mark.parametrize(
    ("kind", "priority", "tier"),
    [
        ("hana", 0.3, "db"),
        ("ers", 0.5, "app"),
        ("ascs", 1.0, "app"),
        ("scs", 1.0, "app"),
        ("dialog", 3.0, "app"),
        ("java", 3.0, "app"),
        ("webdisp", 4.0, "web"),
        ("other", 3.0, "app"),
    ],
)
def test_defaults_by_kind(kind: str, priority: float, tier: str) -> None:
    build = three_tiers().instance("PRD", "more", "X99", kind)
    instance = normalized(build.data, Conditions())["instances"]["PRD/more/X99"]
    assert (instance["start_priority"], instance["tier"]) == (priority, tier)


def test_what_is_written_wins_over_defaults() -> None:
    build = three_tiers().instance("PRD", "more", "X99", "dialog", start_priority="0.9", tier="web")
    build.data["systems"]["PRD"]["jobs"] = False
    data = normalized(build.data, Conditions())
    assert data["instances"]["PRD/more/X99"]["start_priority"] == 0.9
    assert data["instances"]["PRD/more/X99"]["tier"] == "web"
    assert data["systems"]["PRD"]["jobs"] is False and data["systems"]["HDB"]["jobs"] is False
    assert normalized(three_tiers().data, Conditions())["systems"]["PRD"]["jobs"] is True


def test_relations_to_nothing_and_unknown_policies_are_collected() -> None:
    build = three_tiers()
    build.data["systems"]["PRD"]["maintenance"] = "sometimes"
    build.data["systems"]["PRD"]["depends_on"] = ["GONE"]
    build.data["instances"]["PRD/cs/ASCS01"]["depends_on"] = ["GONE/h/D00"]
    build.data["instances"]["GON/cs/D00"] = {"system": "GON", "host": "cs"}
    assert set(build.refusal()) == {"PRD", "PRD/cs/ASCS01", "GON/cs/D00"}


def test_plain_makes_json() -> None:
    class Tagged(str):
        pass

    value = plain({Tagged("a"): (Tagged("b"), dt.date(2026, 1, 2), {1}, 1.5, None, True)})
    assert json.loads(json.dumps(value)) == {"a": ["b", "2026-01-02", [1], 1.5, None, True]}
    assert value["a"][0].__class__ is str


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [("instances", "kind", "HANA"), ("instances", "tier", "database"), ("systems", "type", "ABAP")],
)
def test_words_that_are_not_known_are_named(part: str, field: str, value: str) -> None:
    build = three_tiers()
    name = next(iter(build.data[part]))
    build.data[part][name][field] = value
    found = build.refusal()
    assert found[name] == f"its {field} '{value}' is not known."
