# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about what is admitted together, about redundancy and rolling systems."""

from __future__ import annotations

import pytest

from tests.unit.plugins.plugin_utils._plan.landscapes import Builder, group, names, step, three_tiers


def ha_pair() -> Builder:
    """Two Web Dispatchers, two application servers, all with partners."""
    build = Builder()
    for name in ("WDA", "WDB"):
        build.system(name, "webdisp").instance(name, name.lower(), "W00", "webdisp")
    return build


def rolling(apps: int = 3) -> Builder:
    """A rolling system with its central services, its database and some application hosts."""
    build = Builder().system("HDB", "hana").instance("HDB", "db", "HDB00", "hana")
    build.system("PRD", "abap", ["HDB"], maintenance="rolling").instance("PRD", "cs", "ASCS01", "ascs")
    for number in range(apps):
        build.instance("PRD", f"app{number}", "D02")
    return build


def test_systems_that_share_a_host_or_a_relation_belong_together() -> None:
    build = three_tiers().system("SOL").instance("SOL", "cs", "D77").system("ALONE").instance("ALONE", "far", "D00")
    plan = build.plan()
    assert sorted(map(sorted, (one["systems"] for one in plan["groups"]))) == [["ALONE"], ["HDB", "PRD", "SOL", "WDP"]]
    at = [plan["hosts"].index(host) for host in group(plan, "db")["hosts"]]
    assert at == list(range(min(at), min(at) + len(at)))


def test_redundant_partners_are_never_out_together() -> None:
    plan = ha_pair().together("web", ["WDA", "WDB"]).plan()
    assert plan["resources"] == {"redundancy:web": 1}
    assert plan["host_needs"] == {"wda": ["redundancy:web"], "wdb": ["redundancy:web"]}
    first, second = plan["groups"]
    assert step(plan, second["hosts"][0], "admit")["start"] >= step(plan, first["hosts"][0], "verify")["end"]
    assert plan["redundancy"] == {"redundancy:web": {"WDA": ["wda"], "WDB": ["wdb"]}}


@pytest.mark.parametrize("members", [["WDA", "WDB"], ["wda", "wdb"], ["WDA/wda/W00", "wdb"]])
def test_members_may_be_systems_hosts_or_instances(members: list[str]) -> None:
    plan = ha_pair().together("web", members).plan()
    assert plan["resources"] == {"redundancy:web": 1} and set(plan["host_needs"]) == {"wda", "wdb"}


def test_a_redundancy_group_that_one_stop_takes_down_is_refused() -> None:
    build = three_tiers().together("apps", ["app1", "app2"])
    ((subject, words),) = build.refusal().items()
    assert subject == "redundancy group apps" and "app1, app2 would be down together" in words
    assert three_tiers().together("apps", ["app1", "app2"], allowed=2).plan()["warnings"] == [
        "Redundancy group apps tolerates all of its 2 members down at once."
    ]


def test_a_member_that_nobody_knows_is_refused() -> None:
    assert "WDX" in ha_pair().together("web", ["WDA", "WDX"]).refusal()["redundancy group web"]


def test_stopping_for_good_beyond_redundancy_needs_an_override() -> None:
    build = ha_pair().together("web", ["WDA", "WDB"])
    assert "2 of its members would be stopped" in build.refusal(procedure="stop")["redundancy group web"]
    plan = build.plan(procedure="stop", override={"reason": "move of the data centre", "by": "operations"})
    assert plan["resources"] == {}
    assert build.plan(["wda"], procedure="stop")["hosts"] == ["wda"]
    assert build.plan(procedure="start")["resources"] == {}


def test_rolling_hosts_go_one_after_the_other_without_stopping_the_system() -> None:
    plan = rolling().plan(["app0", "app1", "app2"])
    assert len(plan["groups"]) == 3 and plan["forks_needed"] == 1
    assert plan["resources"] == {"rolling:PRD": 1}
    spans = sorted((step(plan, h, "admit")["start"], step(plan, h, "verify")["end"]) for h in plan["hosts"])
    assert all(before[1] <= after[0] for before, after in zip(spans, spans[1:], strict=False))
    assert not any(name.startswith("suspend") for host in plan["hosts"] for name in names(plan, host))
    assert plan["outside"] == ["HDB/db/HDB00", "PRD/cs/ASCS01"]


def test_a_dispatcher_before_a_rolling_system_is_free() -> None:
    build = rolling().system("WDP", "webdisp", ["PRD"]).instance("WDP", "web", "W80", "webdisp")
    plan = build.plan(["app0", "app1", "web"])
    assert len(plan["groups"]) == 3
    assert step(plan, "app0", "stop:PRD/app0/D02")["needs"] == []


@pytest.mark.parametrize(
    ("apps", "hosts", "subject", "words"),
    [
        (3, ["app0", "cs"], "PRD/cs/ASCS01", "central services"),
        (1, ["app0"], "PRD/app0/D02", "no other host carries an instance of this kind"),
        (3, ["app0", "db"], "PRD/app0/D02", "depends on HDB/db/HDB00, which this run stops"),
    ],
)
def test_what_cannot_roll_is_refused(apps: int, hosts: list[str], subject: str, words: str) -> None:
    unmet = rolling(apps).refusal(hosts, outside="accept")
    assert words in unmet[subject]


def test_stop_means_all_of_a_rolling_system() -> None:
    plan = rolling().plan(procedure="stop")
    assert len(plan["groups"]) == 1 and plan["resources"] == {}


def test_a_rolling_host_tied_to_another_of_its_hosts_is_refused() -> None:
    build = rolling().system("ZZZ").instance("ZZZ", "app0", "D50").instance("ZZZ", "app1", "D51")
    unmet = build.refusal(["app0", "app1"])
    assert any("relations tie several of its hosts" in words for words in unmet.values())
