# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about whole plans."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import PlanRefused, make_plan, plan_again
from tests.unit.plugins.plugin_utils._plan.landscapes import NOW, Builder, group, names, step, three_tiers


def test_hosts_walk_the_procedure_in_order() -> None:
    plan = three_tiers().plan()
    assert names(plan, "web") == [
        "admit",
        "silence",
        "stop:WDP/web/W80",
        "patch",
        "reboot",
        "start:WDP/web/W80",
        "verify",
        "unsilence",
    ]
    assert names(plan, "app1") == [
        "admit",
        "silence",
        "suspend_jobs:PRD",
        "stop:PRD/app1/D02",
        "patch",
        "reboot",
        "start:PRD/app1/D02",
        "verify",
        "release_jobs:PRD",
        "unsilence",
    ]
    assert "suspend_jobs:PRD" not in names(plan, "app2")
    assert step(plan, "app1", "suspend_jobs:PRD")["label"] == "PRD/app1/-/suspend_jobs"
    assert step(plan, "db", "stop:HDB/db/HDB00")["label"] == "HDB/db/HDB00/stop"
    assert step(plan, "db", "patch")["label"] == "HDB/db/-/patch"


@pytest.mark.parametrize(
    ("host", "name", "needs"),
    [
        ("web", "stop:WDP/web/W80", [["app1", "suspend_jobs:PRD"]]),
        ("app1", "stop:PRD/app1/D02", [["web", "stop:WDP/web/W80"]]),
        ("app2", "stop:PRD/app2/D02", [["web", "stop:WDP/web/W80"], ["app1", "suspend_jobs:PRD"]]),
        (
            "cs",
            "stop:PRD/cs/ASCS01",
            [["app1", "stop:PRD/app1/D02"], ["app2", "stop:PRD/app2/D02"], ["app1", "suspend_jobs:PRD"]],
        ),
        ("db", "stop:HDB/db/HDB00", [["cs", "stop:PRD/cs/ASCS01"]]),
        ("db", "start:HDB/db/HDB00", []),
        ("cs", "start:PRD/cs/ASCS01", [["db", "start:HDB/db/HDB00"]]),
        ("app2", "start:PRD/app2/D02", [["cs", "start:PRD/cs/ASCS01"]]),
        ("web", "start:WDP/web/W80", [["app1", "start:PRD/app1/D02"], ["app2", "start:PRD/app2/D02"]]),
        ("app1", "release_jobs:PRD", [["app2", "verify"], ["cs", "verify"]]),
        ("db", "reboot", []),
    ],
)
def test_gates_of_three_tiers(host: str, name: str, needs: list[list[str]]) -> None:
    assert sorted(step(three_tiers().plan(), host, name)["needs"]) == sorted(needs)


def test_a_shared_database_waits_for_all_its_systems() -> None:
    build = Builder().system("HDB", "hana").instance("HDB", "db", "HDB00", "hana")
    for name in ("AAA", "BBB", "CCC"):
        build.system(name, "abap", ["HDB"]).instance(name, f"{name.lower()}1", "D02")
    plan = build.plan()
    assert len(plan["groups"]) == 1 and plan["forks_needed"] == 4
    assert {need[0] for need in step(plan, "db", "stop:HDB/db/HDB00")["needs"] if need[1].startswith("stop")} == {
        "aaa1",
        "bbb1",
        "ccc1",
    }


def test_order_on_one_host_needs_no_gates() -> None:
    build = Builder().system("HDB", "hana").system("PRD", "abap", ["HDB"])
    build.instance("HDB", "one", "HDB00", "hana").instance("PRD", "one", "ASCS01", "ascs").instance("PRD", "one", "D02")
    plan = build.plan()
    stops = [name for name in names(plan, "one") if name.startswith("stop")]
    starts = [name for name in names(plan, "one") if name.startswith("start")]
    assert stops == ["stop:PRD/one/D02", "stop:PRD/one/ASCS01", "stop:HDB/one/HDB00"]
    assert starts == ["start:HDB/one/HDB00", "start:PRD/one/ASCS01", "start:PRD/one/D02"]
    assert not any(one["needs"] for one in plan["steps"]["one"])


@pytest.mark.parametrize(
    ("procedure", "kinds"),
    [
        ("stop", ["admit", "silence", "suspend_jobs", "stop"]),
        ("start", ["admit", "start", "verify", "release_jobs", "unsilence"]),
    ],
)
def test_stop_and_start(procedure: str, kinds: list[str]) -> None:
    plan = three_tiers().plan(procedure=procedure)
    assert [one["kind"] for one in plan["steps"]["app1"]] == kinds


def test_durations_come_from_statement_then_history_then_defaults() -> None:
    plan = three_tiers().plan(
        durations={"stop/db": 77.0, "PRD/app1/D02/stop": 11.0, "patch": 5.0}, step_seconds={"patch/web": 3.0}
    )
    assert step(plan, "db", "stop:HDB/db/HDB00")["seconds"] == 77.0
    assert step(plan, "app1", "stop:PRD/app1/D02")["seconds"] == 11.0
    assert step(plan, "app2", "stop:PRD/app2/D02")["seconds"] == 180.0
    assert step(plan, "web", "patch")["seconds"] == 3.0
    assert step(plan, "db", "patch")["seconds"] == 5.0


def test_the_critical_path_runs_through_the_database() -> None:
    plan = three_tiers().plan()
    assert ["db", "reboot"] in plan["critical_path"] and ["db", "start:HDB/db/HDB00"] in plan["critical_path"]
    assert all(step(plan, host, name)["critical"] for host, name in plan["critical_path"])
    last = plan["critical_path"][-1]
    assert step(plan, *last)["end"] == plan["makespan"] == plan["lower_bound"]


def test_every_refusal_lists_everything() -> None:
    build = three_tiers().system("LOST", "abap", ["NOWHERE"])
    build.data["instances"]["PRD/app9/D09"] = {"system": "PRD", "host": "app9", "name": "D09", "kind": "dialog"}
    unmet = build.refusal(["web", "ghost"], skip_steps=["stop"], override={"reason": "fire"}, nonsense=1, batch_size=-1)
    assert {
        "LOST",
        "PRD/app9/D09",
        "ghost",
        "skip stop",
        "option override",
        "option nonsense",
        "option batch_size",
    } <= set(unmet)


def test_a_wrong_option_or_calendar_hides_nothing_else() -> None:
    build = three_tiers().calendar("short", "window", {"start": "2026-11-22T13:00", "duration": "10min"})
    build.calendar("bad", "window", {"start": "x", "duration": "1h"})
    build.system("TST", "webdisp", windows=["bad"]).instance("TST", "tst", "W10", "webdisp")
    build.data["systems"]["PRD"]["windows"] = ["short"]
    with pytest.raises(PlanRefused) as refused:
        build.plan(nonsense=1, outside="perhaps", forks=2, canary=["GHOST"])
    words = str(refused.value)
    for told in (
        "option nonsense",
        "option outside",
        "calendar bad",
        "GHOST",
        "need 5 forks at once",
        "no window of short",
    ):
        assert told in words, words
    assert len(refused.value.conditions) == 6, words


def test_a_circle_is_named_with_every_member() -> None:
    build = three_tiers()
    build.data["systems"]["HDB"]["depends_on"] = ["WDP"]
    unmet = build.refusal()
    (words,) = unmet.values()
    assert (
        "HDB -> WDP -> PRD -> HDB" in words
        or "PRD -> HDB -> WDP -> PRD" in words
        or "WDP -> PRD -> HDB -> WDP" in words
    )
    for name in build.data["instances"]:
        assert name in words


def test_a_circle_against_start_priorities_is_named() -> None:
    build = three_tiers()
    build.data["instances"]["PRD/cs/ASCS01"]["depends_on"] = ["PRD/app1/D02"]
    ((subject, words),) = build.refusal().items()
    assert subject == "PRD" and "PRD/cs/ASCS01" in words and "PRD/app1/D02" in words and "start priority 1" in words


def test_a_circle_elsewhere_does_not_matter() -> None:
    build = three_tiers().system("ZZZ", needs=["YYY"]).system("YYY", needs=["ZZZ"])
    build.instance("ZZZ", "x", "D00").instance("YYY", "y", "D00")
    assert build.plan(["web", "app1", "app2", "cs", "db"])["hosts"]


def test_dependents_outside_refuse_unless_accepted() -> None:
    build = three_tiers()
    unmet = build.refusal(["db"])
    assert set(unmet) == {"PRD", "WDP"}
    assert "PRD/app1/D02" in unmet["PRD"] and "PRD/cs/ASCS01" in unmet["PRD"]
    plan = build.plan(["db"], outside="accept")
    assert any("PRD/cs/ASCS01" in words for words in plan["warnings"])
    assert plan["outside"] == []


def test_dependencies_outside_are_listed() -> None:
    plan = three_tiers().plan(["web"])
    assert plan["outside"] == ["HDB/db/HDB00", "PRD/app1/D02", "PRD/app2/D02", "PRD/cs/ASCS01"]
    assert three_tiers().plan(["web"], procedure="stop")["outside"] == []


def test_order_is_kept_across_what_is_outside() -> None:
    plan = three_tiers().plan(["web", "db"], outside="accept")
    assert ["web", "stop:WDP/web/W80"] in step(plan, "db", "stop:HDB/db/HDB00")["needs"]
    assert ["db", "start:HDB/db/HDB00"] in step(plan, "web", "start:WDP/web/W80")["needs"]
    assert len(plan["groups"]) == 1


def test_a_start_does_not_ask_who_depends_on_it() -> None:
    assert three_tiers().plan(["db"], procedure="start")["hosts"] == ["db"]


def test_canary_goes_first_and_all_wait_for_it() -> None:
    build = three_tiers().system("SBX").instance("SBX", "sbx1", "D00").instance("SBX", "sbx2", "D01")
    plan = build.plan(canary=["SBX"])
    assert plan["hosts"][:2] == group(plan, "sbx1")["hosts"] and group(plan, "sbx1")["canary"]
    for host in ("web", "app1", "app2", "cs", "db"):
        assert step(plan, host, "admit")["needs"] == [["sbx1", "verify"], ["sbx2", "verify"]] or step(
            plan, host, "admit"
        )["needs"] == [["sbx2", "verify"], ["sbx1", "verify"]]
        assert step(plan, host, "admit")["start"] >= step(plan, "sbx1", "verify")["end"]
    assert "canary NIX" in build.refusal(canary=["NIX"])
    assert not any(
        one["canary"] for one in three_tiers().plan(canary=["PRD"])["groups"]
    )  # all of it: nothing to wait for


def test_longest_goes_first_and_batch_limits() -> None:
    build = Builder()
    for number, name in enumerate(("AAA", "BBB", "CCC")):
        build.system(name).instance(name, f"host{number}", "D00")
    plan = build.plan(batch_size=1, step_seconds={"BBB/host1/-/patch": 3000.0, "CCC/host2/-/patch": 1000.0})
    assert plan["hosts"] == ["host1", "host2", "host0"]
    starts = [group(plan, host)["start"] for host in plan["hosts"]]
    ends = [group(plan, host)["end"] for host in plan["hosts"]]
    assert starts[1] == ends[0] and starts[2] == ends[1]
    assert plan["makespan"] == plan["lower_bound"] == ends[2]
    assert plan["resources"] == {"batch": 1}


def test_too_small_a_batch_and_too_few_forks_are_refused_with_the_number() -> None:
    unmet = three_tiers().refusal(batch_size=2)
    assert unmet == {
        "HDB+PRD+WDP": "its 3 systems share hosts or relations and enter maintenance as one, but batch_size is 2."
    }
    unmet = three_tiers().refusal(forks=4)
    assert "need 5 forks at once, but there are 4" in unmet["HDB+PRD+WDP"]
    assert three_tiers().plan(forks=5)["forks_needed"] == 5


def test_with_fewer_forks_a_group_enters_only_as_a_whole() -> None:
    build = three_tiers().system("SBX").instance("SBX", "sbx1", "D00").instance("SBX", "sbx2", "D01")
    plan = build.plan(forks=5)
    for one in plan["groups"]:
        for host in one["hosts"][:-1]:
            assert [one["hosts"][-1], "admit"] in step(plan, host, "admit")["needs"]
    assert not any(step(build.plan(forks=7), host, "admit")["needs"] for host in build.data["hosts"])


def test_an_approved_plan_keeps_its_order_whatever_forks_and_durations_are_now() -> None:
    build = Builder()
    seconds = {"a": 3000.0, "b": 3000.0, "c": 2000.0, "d": 2000.0, "e": 2000.0}
    for name in seconds:
        build.system(name.upper()).instance(name.upper(), name, "D00")
    build.system("SBX").instance("SBX", "sbx1", "D00").instance("SBX", "sbx2", "D01")
    history = {f"{name.upper()}/{name}/D00/stop": of for name, of in seconds.items()}
    few = build.plan(durations=history, forks=2)
    many = build.plan(durations=history)
    assert few["hosts"] != many["hosts"], "the order for few forks is another one"
    for approved, forks in ((few, 7), (few, 3), (many, 2)):
        now = {"durations": {**history, "patch": 9.0}, "step_seconds": {"E/e/D00/stop": 9000.0}, "forks": forks}
        assert build.plan(**now)["hash"] != approved["hash"]
        again = build.plan(**now, now=NOW + dt.timedelta(days=2), like=approved)
        assert again["hash"] == approved["hash"] and again["hosts"] == approved["hosts"]
        first, last = group(again, "sbx1")["hosts"]
        whole = [[last, "admit"]] if forks < 7 else []
        assert step(again, first, "admit")["needs"] == whole, "who enters after whom is said for these forks"
    assert build.plan(like=few, canary=["E"])["hosts"][0] == "e"
    assert build.refusal(like=few, forks=1)


def test_point_of_no_return_and_the_last_minute_to_turn_back() -> None:
    build = three_tiers().calendar("night", "window", {"start": "2026-11-22T20:00", "end": "2026-11-23T00:00"})
    for name in ("HDB", "PRD", "WDP"):
        build.data["systems"][name]["windows"] = ["night"]
    plan = build.plan()
    one = plan["groups"][0]
    assert one["window"] == {
        "opens": "2026-11-22T20:00:00+00:00",
        "closes": "2026-11-23T00:00:00+00:00",
        "source": "night",
    }
    first_patch = min(step(plan, host, "patch")["start"] for host in plan["hosts"])
    no_return = dt.datetime.fromisoformat(one["point_of_no_return"])
    assert abs((no_return - NOW).total_seconds() - first_patch) < 1
    # up again: start db, central services, application, web; then verify and unsilence the web host
    back = 600 + 240 + 240 + 30 + 30 + 5
    assert one["return_seconds"] == back
    closes = dt.datetime.fromisoformat("2026-11-23T00:00:00+00:00")
    turn = dt.datetime.fromisoformat(one["turn_back_by"])
    assert turn.second == 0 and 0 <= (closes - turn).total_seconds() - back < 60
    assert three_tiers().plan()["groups"][0]["turn_back_by"] is None
    stop = build.plan(procedure="stop")["groups"][0]
    assert stop["point_of_no_return"] is None and stop["turn_back_by"] == one["turn_back_by"]


def test_skipped_steps_stay_listed_and_cost_nothing() -> None:
    plan = three_tiers().plan(skip_steps=["silence", "unsilence", "suspend_jobs", "release_jobs"])
    assert "silence" in names(plan, "web") and step(plan, "web", "silence")["seconds"] == 0
    assert step(plan, "app2", "stop:PRD/app2/D02")["needs"] == [["web", "stop:WDP/web/W80"]]
    assert plan["makespan"] < three_tiers().plan()["makespan"]


def test_a_plan_is_plain_json_and_needs_an_aware_time() -> None:
    plan = three_tiers().plan()
    assert json.loads(json.dumps(plan)) == plan
    with pytest.raises(ValueError, match="aware"):
        make_plan({}, hosts=["a"], procedure="patch", now=dt.datetime(2026, 1, 1), durations=None, options={})
    with pytest.raises(ValueError, match="no procedure"):
        make_plan({}, hosts=["a"], procedure="burn", now=NOW, durations=None, options={})
    with pytest.raises(PlanRefused, match="no host is selected"):
        make_plan({}, hosts=[], procedure="patch", now=NOW, durations=None, options={})


def test_a_host_without_instances_is_patched_alone() -> None:
    plan = three_tiers().host("printer").plan()
    assert names(plan, "printer") == ["admit", "silence", "patch", "reboot", "verify", "unsilence"]
    assert group(plan, "printer") | {"systems": [], "hosts": ["printer"]} == group(plan, "printer")
    assert step(plan, "printer", "patch")["label"] == "-/printer/-/patch"
    limited = three_tiers().host("printer").plan(batch_size=3)
    assert group(limited, "printer")["needs"] == {} and group(limited, "printer")["start"] == 0


def test_cluster_owned_instances_are_pointed_out() -> None:
    build = three_tiers()
    build.data["instances"]["HDB/db/HDB00"]["cluster_owned"] = True
    assert any("HDB/db/HDB00" in words for words in build.plan()["warnings"])


def test_whoever_stops_an_instance_is_told_its_name_and_its_cluster() -> None:
    build = three_tiers()
    instances = build.data["instances"]
    instances["HDB/db/HDB00"]["cluster_owned"] = True
    instances["PRD/app1/D02"]["name"] = "the first application server"
    known = build.plan()["instances"]
    assert (known["HDB/db/HDB00"]["name"], known["HDB/db/HDB00"]["cluster_owned"]) == ("HDB00", True)
    assert "name" not in known["PRD/app1/D02"] and not known["PRD/app1/D02"]["cluster_owned"]


def test_a_run_that_has_begun_is_planned_again_from_its_own_view() -> None:
    build = three_tiers().system("SBX").instance("SBX", "sbx", "D00")
    build.calendar("night", "window", {"start": "2026-11-22T20:00", "end": "2026-11-22T23:00"})
    build.data["systems"]["PRD"]["windows"] = ["night"]
    begun = build.plan(
        now=NOW + dt.timedelta(milliseconds=700),
        durations={"patch": 1234.5678, "SBX/sbx/-/patch": 9000.0},
        batch_size=4,
        forks=5,
        canary=["SBX"],
        patch_level="2026-12",
    )
    again = plan_again(json.loads(json.dumps(begun)), build.data)
    assert again == begun
    del build.data["instances"]["SBX/sbx/D00"]
    assert plan_again(begun | {"options": begun["options"] | {"canary": []}}, build.data)["hash"] != begun["hash"]


def waits_for(plan: dict[str, Any], host: str, name: str) -> set[tuple[str, str]]:
    """Return all steps that come before one of a host, near and far."""
    found: set[tuple[str, str]] = set()
    ahead = [(host, name)]
    while ahead:
        where, this = ahead.pop()
        walk = names(plan, where)
        before = [(where, other) for other in walk[: walk.index(this)]][-1:]
        before += [(need[0], need[1]) for need in step(plan, where, this)["needs"]]
        ahead += set(before) - found
        found.update(before)
    return found


@pytest.mark.parametrize(
    "skip", [(), ("silence", "unsilence"), ("silence", "unsilence", "suspend_jobs", "release_jobs")]
)
def test_nobody_of_a_group_changes_anything_before_all_are_admitted(skip: tuple[str, ...]) -> None:
    plan = three_tiers().plan(require_backup={"db": 24, "web": 24}, skip_steps=skip)
    assert names(plan, "db")[:2] == ["admit", "check_backup:HDB"]
    assert not [name for name in names(plan, "web") if name.startswith("check_backup")], "it has no database"
    hosts = group(plan, "db")["hosts"]
    assert len(hosts) == 5
    for host in hosts:
        first = next(
            s["step"]
            for s in plan["steps"][host]
            if s["kind"] not in ("admit", "check_backup") and s["kind"] not in skip
        )
        assert waits_for(plan, host, first) >= {(other, "admit") for other in hosts} | {("db", "check_backup:HDB")}
    assert plan["hash"] != three_tiers().plan(skip_steps=skip)["hash"]


def test_a_start_brings_up_what_can_be_brought_up() -> None:
    plan = three_tiers().plan(procedure="start")
    assert ("web", "admit") not in waits_for(plan, "app1", "start:PRD/app1/D02")


@pytest.mark.parametrize("hours", [0, -1, "often", [24]])
def test_an_age_that_is_none(hours: object) -> None:
    with pytest.raises(PlanRefused, match="require_backup db"):
        three_tiers().plan(require_backup={"db": hours})


def databases() -> Builder:
    """Three HANA systems; a web dispatcher depends on the first."""
    build = Builder().system("WDP", "webdisp", ["HD1"]).instance("WDP", "web", "W80", "webdisp")
    for number in "123":
        build.system(f"HD{number}", "hana").instance(f"HD{number}", f"db{number}", "HDB00", "hana")
    return build


@pytest.mark.parametrize("procedure", ["backup", "clean_backups"])
def test_databases_are_backed_up_without_anybody_else(procedure: str) -> None:
    plan = databases().plan(procedure=procedure)
    assert sorted(plan["hosts"]) == ["db1", "db2", "db3"] and plan["outside"] == []
    assert names(plan, "db2") == ["admit", f"{procedure}:HD2"]
    assert step(plan, "db2", f"{procedure}:HD2")["label"] == f"HD2/db2/-/{procedure}"


def test_no_more_systems_write_to_a_storage_than_it_takes() -> None:
    storage = {"db1": "nas", "db2": "nas", "db3": "tape"}
    plan = databases().plan(procedure="backup", storage=storage, parallel={"nas": 1})
    one, two, other = (step(plan, f"db{n}", f"backup:HD{n}") for n in "123")
    first, second = sorted((one, two), key=lambda found: found["start"])
    assert second["start"] >= first["end"] > other["start"]
    with pytest.raises(PlanRefused, match="parallel nas"):
        databases().plan(procedure="backup", storage=storage, parallel={"nas": 0})


def test_a_landscape_without_databases_has_nothing_to_back_up() -> None:
    with pytest.raises(PlanRefused, match="none of its hosts has a HANA database"):
        Builder().system("WDP", "webdisp").instance("WDP", "web", "W80", "webdisp").plan(procedure="backup")


def test_a_guard_on_a_host_that_does_not_look_is_refused() -> None:
    build = Builder().system("HDB", "hana")
    for host in ("db1", "db2"):
        build.instance("HDB", host, "HDB00", "hana")
    words = "landscape_require_backup_hours is set for it, but db1 looks for the backups of HDB."
    assert build.refusal(require_backup={"db2": 24}) == {"db2": words}
    assert build.plan(require_backup={"db1": 24, "db2": 24})["steps"]["db1"][1]["step"] == "check_backup:HDB"
    assert build.plan(procedure="start", require_backup={"db2": 24})["procedure"] == "start"


def test_what_cannot_be_left_out_is_told_with_everything_else() -> None:
    unmet = three_tiers().refusal(skip_steps=["admit"], canary=["GHOST"])
    assert unmet["skip admit"] == "this step cannot be left out." and len(unmet) == 2
