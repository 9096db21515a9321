# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about whom a run relies on outside of it, what becomes of the answers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import plan_again
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.outside import judge, spread, without_counted
from tests.unit.plugins.plugin_utils._plan.landscapes import Builder, three_tiers

REDUNDANCY = "redundancy:web"
OVERRIDE = {"reason": "r", "by": "b"}


def dispatchers(allowed: int = 1) -> Builder:
    """Three web dispatchers that stand for each other; the third has a second instance."""
    build = Builder().together("web", ["WDA", "wdb", "WDC"], allowed)
    for letter in "abc":
        build.system(f"WD{letter.upper()}", "webdisp")
        build.instance(f"WD{letter.upper()}", f"wd{letter}", "W80", "webdisp", number="80")
    return build.instance("WDC", "wdc2", "W81", "webdisp", number="81")


def seen(plan: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """Instance -> who needs it, as which member it counts."""
    return {row["name"]: (row["needed_by"], [one["member"] for one in row["partner_in"]]) for row in plan["looks"]}


@pytest.mark.parametrize(
    ("procedure", "options", "names"),
    [
        ("start", {}, {"HDB/db/HDB00", "PRD/cs/ASCS01"}),
        ("patch", {"outside": "accept"}, {"HDB/db/HDB00", "PRD/cs/ASCS01"}),
        ("patch", {"outside": "accept", "skip_steps": ["stop", "reboot", "start"]}, set()),
        ("stop", {"outside": "accept"}, set()),
    ],
)
def test_who_is_started_needs_others(procedure: str, options: dict[str, Any], names: set[str]) -> None:
    plan = three_tiers().plan(["app1"], procedure=procedure, **options)
    assert {name for name, (needed_by, _members) in seen(plan).items() if needed_by == "PRD/app1/D02"} == names
    assert set(seen(plan)) == names


def test_what_stands_behind_a_system_that_is_needed_is_not_looked_at() -> None:
    build = (
        Builder().system("PRD", needs=["HDB", "GRC"]).system("HDB", "hana").system("GRC", needs=["SLD"]).system("SLD")
    )
    build.system("WDP", "webdisp", needs=["PRD"])
    build.instance("WDP", "web", "W80", "webdisp").instance("PRD", "cs", "ASCS01", "ascs")
    build.instance("PRD", "ers", "ERS02", "ers").instance("PRD", "app1", "D03").instance("PRD", "app2", "D04")
    build.instance("HDB", "db", "HDB00", "hana").instance("GRC", "grc", "D05").instance("SLD", "sld", "D06")
    assert set(seen(build.plan(["app1"], outside="accept"))) == {"HDB/db/HDB00", "PRD/cs/ASCS01", "GRC/grc/D05"}
    assert set(seen(build.plan(["web"], outside="accept"))) == {"PRD/app1/D03", "PRD/app2/D04"}


def test_a_cluster_may_have_it_elsewhere() -> None:
    build = three_tiers()
    build.data["instances"]["PRD/cs/ASCS01"]["cluster_owned"] = True
    rows = build.plan(["app1"], procedure="start")["looks"]
    [refused], *_others = judge(rows, {"PRD/cs/ASCS01": "it cannot be asked", "HDB/db/HDB00": None}, False)
    assert "a cluster owns it, and it may run elsewhere than on cs" in refused["unmet"]


@pytest.mark.parametrize("procedure, looked", [("patch", True), ("stop", True), ("start", False)])
def test_members_outside_the_run_are_partners(procedure: str, looked: bool) -> None:
    plan = dispatchers().plan(["wda"], procedure=procedure)
    members = {name: members for name, (_needed_by, members) in seen(plan).items() if members}
    assert members == ({"WDB/wdb/W80": ["wdb"], "WDC/wdc/W80": ["WDC"], "WDC/wdc2/W81": ["WDC"]} if looked else {})
    if looked:
        beside = plan["looks"][1] if procedure == "patch" else plan["looks"][0]
        assert beside["partner_in"] == [{"resource": REDUNDANCY, "member": "wdb", "allowed": 1, "together": 1}]
        assert (beside["host"], beside["sid"], beside["number"]) == ("wdb", "WDB", "80")


def test_a_member_that_is_partly_in_the_run_is_counted_by_the_run() -> None:
    rows = dispatchers().plan(["wdc"])["looks"]
    assert {row["name"] for row in rows if row["partner_in"]} == {"WDA/wda/W80", "WDB/wdb/W80"}
    assert {row["name"] for row in rows if row["member_of"]} == {"WDC/wdc/W80"}, "what the run brings back"


@pytest.mark.parametrize(("procedure", "looked"), [("patch", True), ("stop", False), ("start", False)])
def test_members_in_the_run_are_looked_at_where_they_take_places(procedure: str, looked: bool) -> None:
    rows = dispatchers().plan(["wda", "wdb", "wdc", "wdc2"], procedure=procedure, override=OVERRIDE)["looks"]
    assert [(row["name"], [one["member"] for one in row["member_of"]]) for row in rows] == (
        [("WDA/wda/W80", ["WDA"]), ("WDB/wdb/W80", ["wdb"]), ("WDC/wdc/W80", ["WDC"]), ("WDC/wdc2/W81", ["WDC"])]
        if looked
        else []
    )


def test_members_in_the_run_that_are_out_are_counted_by_group() -> None:
    plan = dispatchers(2).plan(["wda", "wdb", "wdc", "wdc2"])
    answers = UP | {"WDC/wdc/W80": "GRAY", "WDC/wdc2/W81": "it cannot be asked."}
    judged = judge(plan["looks"], answers, False)
    [group] = [group["name"] for group in plan["groups"] if "wdc" in group["hosts"]]
    assert judged.down == {REDUNDANCY: {group: 1}} and not judged.conditions and not judged.out
    assert judged.warnings == [
        "redundancy group web: WDC, in the run, counts as out until the run has started it (WDC/wdc/W80: GRAY)."
    ]


@pytest.mark.parametrize(
    ("allowed", "down", "most"),
    [
        (1, "C", 2),  # A or B would go beside it
        (2, "C", None),
        (2, "BC", 3),
        (1, "ABC", None),  # nobody goes who is not out
    ],
)
def test_members_in_the_run_that_leave_no_room_refuse_it(allowed: int, down: str, most: int | None) -> None:
    plan = dispatchers(allowed).plan(["wda", "wdb", "wdc", "wdc2"])
    answers = UP | {name: "GRAY" for name in UP if name[2] in down}
    judged = judge(plan["looks"], answers, False)
    assert bool(judged.conditions) == (most is not None) == (not judged.down)
    if most is not None:
        [condition] = judged.conditions
        assert f"it would be {most}, allowed {'is 1' if allowed == 1 else 'are 2'}." in condition["unmet"]
        accepted = judge(plan["looks"], answers, True)
        assert accepted.down == {} and not accepted.conditions and accepted.warnings


def test_members_that_go_together_are_counted_together() -> None:
    """Of two that go together one is out: with the other one, and the third, all are."""
    build = dispatchers(2).system("A", needs=["WDA"]).instance("A", "wda", "D01").instance("A", "wdb", "D01")
    plan = build.plan(["wda", "wdb", "wdc", "wdc2"])
    for down, refused in (("A", False), ("AC", True), ("AB", True), ("ABC", False)):
        answers = UP | {name: "GRAY" for name in UP if name[2] in down} | {"A/wda/D01": None, "A/wdb/D01": None}
        assert bool(judge(plan["looks"], answers, False).conditions) == refused, down


def test_a_host_of_a_rolling_system_in_the_run_may_be_out() -> None:
    build = Builder().system("PRD", maintenance="rolling").instance("PRD", "cs", "ASCS01", "ascs")
    for number in (1, 2, 3):
        build.instance("PRD", f"app{number}", "D02")
    plan = build.plan(["app1", "app2"])
    answers = {f"PRD/app{number}/D02": None if number > 1 else "GRAY" for number in (1, 2, 3)}
    answers["PRD/cs/ASCS01"] = None
    [condition] = judge(plan["looks"], answers, False).conditions
    assert condition["object"] == "PRD" and "app1, in the run, counts as out" in condition["unmet"]
    both = answers | {"PRD/app2/D02": "GRAY"}
    assert judge(plan["looks"], both, False).down == {"rolling:PRD": {"PRD@app1": 1, "PRD@app2": 1}}


def test_an_override_lifts_what_a_stop_may_take_out() -> None:
    assert not seen(dispatchers().plan(["wda"], procedure="stop", override=OVERRIDE))


def test_hosts_of_a_rolling_system_are_partners_of_their_kind() -> None:
    build = Builder().system("PRD", maintenance="rolling").instance("PRD", "cs", "ASCS01", "ascs")
    for number in (1, 2, 3):
        build.instance("PRD", f"app{number}", "D02")
    rows = seen(build.plan(["app1"]))
    assert {name: members for name, (_needed, members) in rows.items() if members} == {
        "PRD/app2/D02": ["app2"],
        "PRD/app3/D02": ["app3"],
    }


def test_what_is_looked_at_is_no_part_of_the_hash() -> None:
    one = dispatchers().plan(["wda"])
    assert dispatchers().together("other", ["WDA", "WDB"]).plan(["wda"])["hash"] != one["hash"]
    build = dispatchers()
    build.data["redundancy_groups"]["web"]["members"].remove("WDC")
    two = build.plan(["wda"])
    assert seen(one) != seen(two) and one["hash"] == two["hash"]


def test_looks_go_side_by_side() -> None:
    rows = [{"name": name} for name in "abc"]
    assert spread(rows, ["x", "y"]) == {"x": [rows[0], rows[2]], "y": [rows[1]]}
    assert spread([], ["x"]) == {}


def test_a_member_that_another_run_has_is_not_counted_twice() -> None:
    rows = [row for row in dispatchers().plan(["wda"])["looks"] if row["partner_in"]]
    assert [row["name"] for row in without_counted(rows, {(REDUNDANCY, "wdc2")})] == ["WDB/wdb/W80"]
    assert [row["name"] for row in without_counted(rows, {("redundancy:other", "wdc2")})] == [
        "WDB/wdb/W80",
        "WDC/wdc/W80",
        "WDC/wdc2/W81",
    ]


UP: dict[str, str | None] = {"WDA/wda/W80": None, "WDB/wdb/W80": None, "WDC/wdc/W80": None, "WDC/wdc2/W81": None}


@pytest.mark.parametrize(
    ("allowed", "answers", "refused", "held"),
    [
        (1, {}, False, []),
        (1, {"WDC/wdc2/W81": "processes: GRAY"}, True, []),
        (2, {"WDC/wdc2/W81": "GRAY", "WDC/wdc/W80": "GRAY"}, False, ["WDC"]),
        (2, {"WDC/wdc2/W81": "GRAY", "WDB/wdb/W80": "GRAY"}, True, []),
    ],
)
def test_partners_that_are_out(allowed: int, answers: dict[str, str | None], refused: bool, held: list[str]) -> None:
    rows = dispatchers(allowed).plan(["wda"])["looks"]
    conditions, warnings, out, _down = judge(rows, UP | answers, False)
    assert bool(conditions) == refused and out == ({REDUNDANCY: held} if held else {}) and bool(warnings) == bool(held)
    if refused:
        assert conditions[0]["object"] == "redundancy group web" and "WDC" in conditions[0]["unmet"]
    assert judge(rows, UP | answers, True)[0] == []


def test_members_that_go_together_need_as_many_places() -> None:
    build = dispatchers(2).system("A", needs=["WDA"]).instance("A", "wda", "D01").instance("A", "wdb", "D01")
    rows = build.plan(["wda", "wdb"])["looks"]
    conditions, *_others = judge(rows, UP | {"WDC/wdc/W80": "GRAY"}, False)
    assert "would take 2 more out, allowed are 2" in conditions[0]["unmet"]


def test_nobody_has_asked_it() -> None:
    rows = three_tiers().plan(["app1"], procedure="start")["looks"]
    conditions, _warnings, out, _down = judge(rows, {"HDB/db/HDB00": None}, False)
    assert [one["object"] for one in conditions] == ["PRD/cs/ASCS01"] and out == {}
    assert "needs it for PRD/app1/D02" in conditions[0]["unmet"] and "nobody has asked it" in conditions[0]["unmet"]
    assert "add cs to the run" in conditions[0]["remedy"]
    conditions, warnings, *_others = judge(rows, {"HDB/db/HDB00": None}, True)
    assert not conditions and warnings[0].startswith("PRD/cs/ASCS01: ")


def continued(in_maintenance: set[str], through: set[str], hosts: list[str]) -> dict[str, Any]:
    """The plan of now of a run that stands so."""
    build = dispatchers()
    return plan_again(build.plan(hosts), build.data, {"in_maintenance": in_maintenance, "through": through})


def test_what_a_run_has_out_itself_is_not_looked_at() -> None:
    plan = continued({"wda"}, set(), ["wda", "wdb"])
    assert seen(plan) == {"WDB/wdb/W80": ("", []), "WDC/wdc/W80": ("", ["WDC"]), "WDC/wdc2/W81": ("", ["WDC"])}


def test_who_is_to_be_finished_is_not_kept_from_it_by_who_went_down_since() -> None:
    assert seen(continued({"wda"}, set(), ["wda"])) == {}, "nobody goes out any more"


def test_who_is_through_stands_beside_those_that_are_still_to_enter() -> None:
    plan = continued(set(), {"wda"}, ["wda", "wdb"])
    assert seen(plan)["WDA/wda/W80"] == ("", ["WDA"]) and seen(plan)["WDB/wdb/W80"] == ("", [])
    assert without_counted(plan["looks"], {(REDUNDANCY, "wda")})[0]["name"] == "WDB/wdb/W80", "another run has it out"
    assert judge(plan["looks"], {}, accepted=False).conditions, "down by itself, it leaves no room"
