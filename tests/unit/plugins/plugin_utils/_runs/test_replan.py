# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that goes on with another plan, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Busy,
    Fenced,
    Owner,
    Revision,
    Store,
    StoreError,
    preview,
)
from tests.property import plans
from tests.unit.plugins.plugin_utils._runs.test_gate import admit, begin, finish_host

Plan = dict[str, Any]


def pairs(**more: Any) -> Plan:
    """Two systems on a host each, beside each other."""
    return plans.plan(
        [plans.group("A", ["a"]), plans.group("B", ["b"])],
        {"a": plans.walk("a", system="A"), "b": plans.walk("b", system="B")},
        **more,
    )


def with_second_instance(plan: Plan, host: str, system: str) -> Plan:
    """The plan with another instance on a host, stopped before and started after the first."""
    walk = plan["steps"][host]
    at = next(number for number, step in enumerate(walk) if step["kind"] == "stop")
    stop, start = (plans.step(kind, f"{kind}:{system}/{host}/J", system=system) for kind in ("stop", "start"))
    last = next(number for number, step in enumerate(walk) if step["kind"] == "start")
    walk = [*walk[:at], stop, *walk[at : last + 1], start, *walk[last + 1 :]]
    return {**plan, "hash": "sha256:other", "steps": {**plan["steps"], host: walk}}


def go_on(store: Store, plan: Plan, **more: Any) -> int:
    """Continue r1 with another plan, each time from another machine."""
    there = Owner("c", "elsewhere", f"boot {store.run('r1')['epoch']}", "other", 1, 1)
    revision = Revision("me", "c", ["it changed"], plan, **more)
    return store.take("r1", there, force_by="a test", revision=revision)


def states(store: Store, host: str) -> dict[str, str]:
    return {row["step"]: row["state"] for row in store.steps("r1", ci=host)}


def test_what_is_new_is_done_and_what_is_done_stays_done(store: Store) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "a")
    epoch = go_on(store, with_second_instance(pairs(), "b", "B"))
    assert set(states(store, "a").values()) == {"done"}
    walk = [row["step"] for row in store.steps("r1", ci="b")]
    assert walk[:3] == ["admit", "stop:B/b/J", "stop:B/b/I"] and store.run("r1")["plan"]["hash"] == "sha256:other"
    finish_host(store, epoch, "b")
    assert store.finish("r1", epoch) == "succeeded"
    (event,) = [event for event in store.events("r1") if event["kind"] == "plan_accepted"]
    assert event["data"]["plan_rev"] == store.run("r1")["plan_rev"] == 2
    assert event["data"]["changed"] == ["T/stop:B/b/J is new", "T/start:B/b/J is new"]


def rebooting(plan: Plan) -> Plan:
    """The plan with a reboot after each patch."""
    for walk in plan["steps"].values():
        at = next(number for number, step in enumerate(walk) if step["kind"] == "patch")
        walk.insert(at + 1, plans.step("reboot", system=walk[0]["system"]))
    return plan


@pytest.mark.parametrize("until", ["stop", "patch", "start", "verify"])
def test_nothing_comes_after_what_has_to_wait_for_it(store: Store, until: str) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "b", until)
    with pytest.raises(StoreError, match="T/stop:B/b/J would have had to come before T/"):
        go_on(store, with_second_instance(pairs(), "b", "B"))
    assert store.run("r1")["epoch"] == epoch and store.run("r1")["plan_rev"] == 1, "nothing was written"


def test_what_was_tried_counts_as_begun(store: Store) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "b", "admit")
    verdict = store.claim("r1", "b", "stop:B/b/I", epoch)
    store.end("r1", "b", "stop:B/b/I", epoch, verdict.attempt, "failed")
    with pytest.raises(StoreError, match="T/stop:B/b/J would have had to come before T/stop:B/b/I"):
        go_on(store, with_second_instance(pairs(), "b", "B"))


def test_a_group_that_is_through_is_not_touched_again(store: Store) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "b")
    for _time in range(2):  # told each time, left out each time
        epoch = go_on(store, with_second_instance(pairs(), "b", "B"))
        assert {states(store, "b")[f"{kind}:B/b/J"] for kind in ("stop", "start")} == {"skipped"}
        *_earlier, event = [event for event in store.events("r1") if event["kind"] == "plan_accepted"]
        assert event["data"]["changed"] == [
            "T/stop:B/b/J is new, and left out: it would have had to come before T/stop:B/b/I",
            "T/start:B/b/J is new, and left out: it would have had to come before T/verify",
        ]
    assert store.going_on("r1", epoch) == ["a"]
    finish_host(store, epoch, "a")
    assert store.finish("r1", epoch) == "succeeded"


def with_relation(plan: Plan) -> Plan:
    """The plan with the system A on the database B, in one group."""
    plan["groups"] = [plans.group("A+B", ["a", "b"])]
    for host, kind, needs in (("b", "stop", ["a", "stop:A/a/I"]), ("a", "start", ["b", "start:B/b/I"])):
        next(step for step in plan["steps"][host] if step["kind"] == kind)["needs"] += [needs]
    return plan


def test_nothing_is_stopped_below_what_was_started_again(store: Store) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "a")
    with pytest.raises(StoreError, match="T/start:B/b/I would have had to come before T/start:A/a/I"):
        go_on(store, with_relation(pairs()))


def test_what_is_related_by_now_waits_for_each_other(store: Store) -> None:
    begin(store, pairs())
    epoch = go_on(store, with_relation(pairs()))
    finish_host(store, epoch, "a", "admit")
    finish_host(store, epoch, "b", "admit")
    assert store.claim("r1", "b", "stop:B/b/I", epoch).why == "waits for T/stop:A/a/I"


@pytest.mark.parametrize("procedure", ["stop", "start"])
def test_a_group_that_is_through_is_what_a_run_is_for(store: Store, procedure: str) -> None:
    def plan() -> Plan:
        steps = {
            host: [plans.step("admit"), plans.step(procedure, f"{procedure}:{host.upper()}/{host}/I")] for host in "ab"
        }
        return {**plans.plan([plans.group("A", ["a"]), plans.group("B", ["b"])], steps), "procedure": procedure}

    epoch = begin(store, plan())
    finish_host(store, epoch, "a")
    late, later = plan(), plan()
    for at, changed in ((1, late), (2, later)):
        changed["steps"]["a"].insert(at, plans.step(procedure, f"{procedure}:A/a/J"))
    with pytest.raises(StoreError, match=f"T/{procedure}:A/a/J would have had to come before T/{procedure}:A/a/I"):
        go_on(store, late)
    epoch = go_on(store, later)
    assert store.claim("r1", "a", f"{procedure}:A/a/J", epoch).kind == "go"


def test_the_jobs_of_a_host_that_has_begun_are_not_suspended_late(store: Store) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "a", "stop")
    plan = pairs()
    for host, walk in plan["steps"].items():
        walk.insert(1, plans.step("suspend_jobs", system=host.upper()))
    with pytest.raises(StoreError, match="T/suspend_jobs would have had to come before T/stop:A/a/I"):
        go_on(store, plan)


def suspending(*hosts: str, leader: str = "a") -> Plan:
    """One system on some hosts, of which one holds back its jobs."""
    plan = plans.plan(
        [plans.group("PRD", list(hosts))], {host: plans.walk(host) for host in hosts}, resources={"batch": 1}
    )
    plan["steps"][leader].insert(1, plans.step("suspend_jobs", "suspend_jobs:PRD", system="PRD"))
    plan["steps"][leader].insert(-1, plans.step("release_jobs", "release_jobs:PRD", system="PRD"))
    return plan


def hold_back_jobs(store: Store, epoch: int) -> str:
    """Hold back the jobs of the system from host a."""
    finish_host(store, epoch, "a", "suspend_jobs")
    record = store.intend(
        "r1", "a", "suspend_jobs:PRD", epoch, kind="suspend_jobs", before=0, wanted=1, undo={"mark": "r1"}
    )
    store.undo_state("r1", record.id, epoch, "applied")
    return record.id


def test_jobs_stay_with_the_host_that_holds_them_back(store: Store) -> None:
    epoch = begin(store, suspending("a", "b"))
    record = hold_back_jobs(store, epoch)
    with pytest.raises(StoreError, match="suspend_jobs:PRD is changed by a, which would not undo it any more"):
        go_on(store, suspending("a", "b", leader="b"))
    with pytest.raises(StoreError, match="suspend_jobs:PRD is changed by a, which would not undo it any more"):
        go_on(store, suspending("b", leader="b"))
    store.take_back("r1", record, "suspend_jobs:PRD", epoch)
    store.undo_state("r1", record, epoch, "undone", "seen")
    epoch = go_on(store, suspending("b", leader="b"))
    assert [row["step"] for row in store.steps("r1") if row["kind"] == "suspend_jobs"] == ["suspend_jobs:PRD"]
    epoch = go_on(store, suspending("a", "b"))
    assert states(store, "a")["suspend_jobs:PRD"] == "pending", "back in the plan, they are held back anew"


def test_jobs_that_were_given_back_are_held_back_anew(store: Store) -> None:
    epoch = begin(store, suspending("a", "b"))
    record = hold_back_jobs(store, epoch)
    finish_host(store, epoch, "b", "admit")
    finish_host(store, epoch, "a", "verify")
    store.take_back("r1", record, "suspend_jobs:PRD", epoch)
    store.undo_state("r1", record, epoch, "undone", "seen")
    assert states(store, "a")["suspend_jobs:PRD"] == "pending"
    plan = with_second_instance(suspending("a", "b"), "b", "PRD")
    epoch = go_on(store, plan)
    assert states(store, "b")["stop:PRD/b/J"] == "pending"
    store.resolve("r1", "a", "suspend_jobs:PRD", epoch, False)
    finish_host(store, epoch, "a")
    finish_host(store, epoch, "b")
    assert store.finish("r1", epoch) == "succeeded"


def test_a_host_that_is_gone_is_left_out(store: Store) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "a")
    without = plans.plan([plans.group("A", ["a"])], {"a": plans.walk("a", system="A")})
    epoch = go_on(store, without)
    assert states(store, "b") == {} and store.run("r1")["plan"]["hosts"] == ["a"]
    begin(store, plans.plan([plans.group("B", ["b"])], {"b": plans.walk("b", system="B")}), run="r2")
    assert store.finish("r1", epoch) == "succeeded"


def test_a_host_that_is_through_and_gone_is_still_told(store: Store) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "a")
    without = plans.plan([plans.group("B", ["b"])], {"b": plans.walk("b", system="B")})
    for _time in range(2):
        epoch = go_on(store, without)
        assert set(states(store, "a").values()) == {"done"} and store.going_on("r1", epoch) == ["b"]
    finish_host(store, epoch, "b")
    assert store.finish("r1", epoch) == "succeeded"


def test_what_was_left_out_may_come_back(store: Store) -> None:
    begin(store, pairs())
    go_on(store, plans.plan([plans.group("A", ["a"])], {"a": plans.walk("a", system="A")}))
    epoch = go_on(store, pairs())
    assert set(states(store, "b").values()) == {"pending"}
    finish_host(store, epoch, "b")
    assert store.run("r1")["plan_rev"] == 3


def test_what_is_half_done_is_not_left_so(store: Store) -> None:
    epoch = begin(store, pairs())
    finish_host(store, epoch, "b", "stop")
    without = pairs()
    without["steps"]["b"] = [step for step in without["steps"]["b"] if step["kind"] != "start"]
    with pytest.raises(StoreError, match=r"b has begun, and would not do start:B/b/I any more\. Continue it with"):
        go_on(store, without)
    assert store.run("r1")["epoch"] == epoch and store.run("r1")["plan_rev"] == 1, "nothing was written"
    joined = pairs()
    joined["groups"] = [plans.group("A+B", ["a", "b"])]
    with pytest.raises(StoreError, match="the group B is in maintenance, and its hosts would be others"):
        go_on(store, joined)
    needs = pairs(resources={"redundancy:x": 1}, host_needs={"b": ["redundancy:x"]})
    needs["groups"][1]["needs"] = {"redundancy:x": 1}
    with pytest.raises(StoreError, match="the group B is in maintenance, and its limits would be others"):
        go_on(store, needs)


def test_more_places_than_a_group_in_maintenance_has_are_too_late(store: Store) -> None:
    def limited(weight: int) -> Plan:
        plan = pairs(resources={"redundancy:x": 2}, host_needs={"b": ["redundancy:x"]})
        plan["groups"][1]["needs"] = {"redundancy:x": weight}
        return plan

    epoch = begin(store, limited(1))
    finish_host(store, epoch, "b", "stop")
    with pytest.raises(StoreError, match="the group B is in maintenance, and its limits would be others"):
        go_on(store, limited(2))


def test_a_host_that_is_gone_is_nothing_to_its_group(store: Store) -> None:
    def hosts(*names: str) -> Plan:
        return plans.plan(
            [plans.group("A", list(names), needs={"batch": 1}), plans.group("B", ["c"], needs={"batch": 1})],
            {**{name: plans.walk(name, system="A") for name in names}, "c": plans.walk("c", system="B")},
            resources={"batch": 1},
        )

    epoch = begin(store, hosts("a", "b"))
    assert admit(store, epoch, "b") == "go", "tried, and no harm done"
    epoch = go_on(store, hosts("a"))
    assert states(store, "b") == {} and store.going_on("r1", epoch) == ["a", "c"]
    assert admit(store, epoch, "a") == "go" and admit(store, epoch, "c") == "wait"
    store.abandon("r1", epoch, "a", "no route to host", unreachable=True)
    assert admit(store, epoch, "c") == "go", "nothing of A was taken out of service, so its place is free"


def test_a_member_that_was_down_is_back_without_an_instance_that_is_gone(store: Store) -> None:
    def limited() -> Plan:
        return plans.plan(
            [plans.group(host.upper(), [host], needs={"redundancy:x": 1}) for host in "ab"],
            {host: plans.walk(host, system=host.upper()) for host in "ab"},
            resources={"redundancy:x": 1},
            host_needs={host: ["redundancy:x"] for host in "ab"},
        )

    begin(store, with_second_instance(limited(), "b", "B"))
    epoch = go_on(store, limited(), down={"redundancy:x": {"B": 1}})
    assert admit(store, epoch, "a") == "wait"
    finish_host(store, epoch, "b")
    assert store.holds("r1") == [] and admit(store, epoch, "a") == "go"


def test_groups_that_have_not_begun_may_be_others_and_ask_again(store: Store) -> None:
    epoch = begin(store, pairs())
    assert admit(store, epoch, "a") == "go"
    joined = plans.plan(
        [plans.group("A+B", ["a", "b"], needs={"batch": 2})],
        {"a": plans.walk("a", system="A"), "b": plans.walk("b", system="B", stop_needs=[("a", "stop:A/a/I")])},
        resources={"batch": 2},
    )
    epoch = go_on(store, joined)
    assert [group["name"] for group in store.run("r1")["groups"]] == ["A+B"] and store.holds("r1") == []
    finish_host(store, epoch, "b", "admit")
    assert store.claim("r1", "b", "stop:B/b/I", epoch).why == "waits for T/stop:A/a/I", "a gate of the new plan"
    assert [(hold["holder"], hold["weight"]) for hold in store.holds("r1")] == [("A+B", 2)]


def test_a_group_in_maintenance_keeps_its_places(store: Store) -> None:
    def limited(*hosts: str) -> Plan:
        return plans.plan(
            [plans.group(host.upper(), [host], needs={"redundancy:x": 1}) for host in hosts],
            {host: plans.walk(host, system=host.upper()) for host in hosts},
            resources={"redundancy:x": 1},
            host_needs={host: ["redundancy:x"] for host in hosts},
        )

    epoch = begin(store, limited("a", "b"))
    finish_host(store, epoch, "a", "stop")
    epoch = go_on(store, limited("a", "b", "c"), down={"redundancy:x": {"A": 1, "C": 1}})
    assert {(hold["holder"], hold["kind"]) for hold in store.holds("r1")} == {
        ("A", "group"),
        ("A", "down"),
        ("C", "down"),
    }
    assert admit(store, epoch, "b") == "wait" and store.claim("r1", "c", "admit", epoch).kind == "go"
    for host in ("a", "c", "b"):
        finish_host(store, epoch, host)
    assert store.holds("r1") == [] and store.finish("r1", epoch) == "succeeded"


def test_a_system_that_another_run_has_is_not_taken(store: Store) -> None:
    begin(store, pairs())
    other = plans.plan([plans.group("C", ["c"])], {"c": plans.walk("c", system="C")})
    begin(store, other, run="r2")
    with pytest.raises(Busy, match="C"):
        go_on(store, with_second_instance(pairs(), "b", "C"))
    assert store.run("r1")["plan_rev"] == 1


def test_an_instance_that_is_another_one_is_too_late(store: Store) -> None:
    def numbered(number: str) -> Plan:
        instances = {f"{host.upper()}/{host}/I": {"host": host, "sid": host.upper(), "number": number} for host in "ab"}
        return {**pairs(), "instances": instances}

    epoch = begin(store, numbered("00"))
    finish_host(store, epoch, "a", "stop")
    with pytest.raises(StoreError, match="a has begun, and A/a/I would be another instance"):
        go_on(store, numbered("10"))
    finish_host(store, epoch, "a")
    epoch = go_on(store, numbered("10"))
    assert store.instances("r1", "b")["B/b/I"]["number"] == "10", "what has not begun may be another one"


def test_whose_places_a_group_has_is_not_changed_in_maintenance(store: Store) -> None:
    def limited(member: str) -> Plan:
        return plans.plan(
            [
                plans.group("M", ["a", "b"], needs={"redundancy:x": 1}),
                plans.group("N", ["c"], needs={"redundancy:x": 1}),
            ],
            {host: plans.walk(host, system="N" if host == "c" else "M") for host in "abc"},
            resources={"redundancy:x": 1},
            host_needs={member: ["redundancy:x"], "c": ["redundancy:x"]},
        )

    epoch = begin(store, limited("a"))
    finish_host(store, epoch, "b", "admit")
    finish_host(store, epoch, "a")
    finish_host(store, epoch, "b", "stop")
    assert store.holds("r1") == [], "a is back, and b is no member"
    with pytest.raises(StoreError, match="the group M is in maintenance, and its limits would be others"):
        go_on(store, limited("b"))


def test_a_group_that_is_through_has_nothing_left_to_do(store: Store) -> None:
    """A step that comes last has nothing after it, and would let the group ask for its admission again."""
    epoch = begin(store, pairs())
    finish_host(store, epoch, "a")
    plan = pairs()
    plan["steps"]["a"].append(plans.step("release_jobs", "release_jobs:A", system="A"))
    epoch = go_on(store, plan)
    assert states(store, "a")["release_jobs:A"] == "skipped" and store.going_on("r1", epoch) == ["b"]
    (event,) = [event for event in store.events("r1") if event["kind"] == "plan_accepted"]
    assert event["data"]["changed"] == ["T/release_jobs:A is new, and left out: its group is through"]


def test_a_start_run_undoes_what_it_has_taken_over(store: Store) -> None:
    def starting(*more: str) -> Plan:
        steps = {
            "a": [plans.step("admit"), plans.step("start", "start:A/a/I"), plans.step("release_jobs", "release_jobs:A")]
        }
        steps |= {host: [plans.step("admit"), plans.step("start", f"start:B/{host}/I")] for host in more}
        groups = [plans.group(host.upper(), [host]) for host in steps]
        return {**plans.plan(groups, steps), "procedure": "start"}

    epoch = begin(store, starting("b"))
    finish_host(store, epoch, "a", "start")
    store.intend("r1", "a", "suspend_jobs:A", epoch, kind="suspend_jobs", before=0, wanted=1, undo={"mark": "r0"})
    epoch = go_on(store, starting("b", "c"))
    assert store.going_on("r1", epoch) == ["a", "b", "c"]
    without = starting("b")
    without["steps"]["a"].pop()
    with pytest.raises(StoreError, match="suspend_jobs:A is changed by a, which would not undo it any more"):
        go_on(store, without)


def test_a_part_that_is_through_keeps_no_admission_for_the_rest(store: Store) -> None:
    def joined() -> Plan:
        plan = pairs()
        plan["groups"] = [plans.group("A+B", ["a", "b"])]
        return plan

    epoch = begin(store, pairs())
    finish_host(store, epoch, "a")
    epoch = go_on(store, joined())
    finish_host(store, epoch, "b", "admit")
    assert store.standing("r1") == {"in_maintenance": set(), "through": {"a"}}
    epoch = store.take("r1", Owner("c", "third", "boot", "other", 1, 1), force_by="a test")
    assert store.run("r1")["groups"][0]["admitted_at"] is None, "nothing is out of service: it asks again"


def test_a_backup_that_may_still_run_keeps_its_place(store: Store) -> None:
    def backups(*hosts: str) -> Plan:
        steps = {host: [plans.step("admit"), plans.step("backup", f"backup:{host.upper()}")] for host in hosts}
        groups = [plans.group(host.upper(), [host], needs={"storage:t": 1}) for host in hosts]
        return {**plans.plan(groups, steps, resources={"storage:t": 1}), "procedure": "backup"}

    epoch = begin(store, backups("a", "b"))
    finish_host(store, epoch, "a", "admit")
    assert store.claim("r1", "a", "backup:A", epoch).kind == "go"
    epoch = go_on(store, backups("a", "b", "c"))
    assert states(store, "a")["backup:A"] == "unknown" and admit(store, epoch, "b") == "wait"


def test_a_place_that_a_host_had_for_itself_is_not_in_its_own_way(store: Store) -> None:
    def limited(*, whole: bool) -> Plan:
        plan = pairs(resources={"redundancy:x": 1}, host_needs={"a": ["redundancy:x"]})
        plan["groups"][0]["needs"] = {"redundancy:x": 1} if whole else {}
        return plan

    epoch = begin(store, limited(whole=False))
    assert admit(store, epoch, "a") == "go" and [hold["kind"] for hold in store.holds("r1")] == ["host"]
    epoch = go_on(store, limited(whole=True))
    store.resolve("r1", "a", "admit", epoch, False)
    assert admit(store, epoch, "a") == "go"


def test_who_has_seen_another_plan_does_not_go_on(store: Store) -> None:
    begin(store, pairs())
    go_on(store, with_second_instance(pairs(), "b", "B"))
    there = Owner("c", "third", "boot", "other", 1, 1)
    with pytest.raises(Busy, match="Run r1 was given another plan just now"):
        store.take("r1", there, force_by="a test", of_plan="sha256:test")
    assert store.take("r1", there, force_by="a test", of_plan="sha256:other") == 3


def test_an_old_worker_of_a_step_that_is_gone_is_fenced(store: Store) -> None:
    epoch = begin(store, pairs())
    go_on(store, plans.plan([plans.group("A", ["a"])], {"a": plans.walk("a", system="A")}))
    with pytest.raises(Fenced):
        store.claim("r1", "b", "admit", epoch)


def test_a_preview_sees_who_has_what_comes_back(store: Store) -> None:
    def stopping(*names: str) -> Plan:
        steps = {"a": [plans.step("admit"), *(plans.step("stop", f"stop:A/a/{name}", system="A") for name in names)]}
        steps["b"] = [plans.step("admit"), plans.step("stop", "stop:B/b/I", system="B")]
        return {**plans.plan([plans.group("A", ["a"]), plans.group("B", ["b"])], steps), "procedure": "stop"}

    epoch = begin(store, stopping("I"))
    finish_host(store, epoch, "a")
    assert store.finish("r1", epoch) == "interrupted"
    begin(store, plans.plan([plans.group("A", ["a"])], {"a": plans.walk("a", system="A")}), run="r2")
    revision = Revision("me", "c", ["it changed"], stopping("I", "J"))
    found = preview.of_continued_run(store, "r1", Owner.current(), revision=revision)
    (refused,) = found["refused"]
    assert refused.startswith("a belongs to run r2, which is running") and found["unfinished"] == 2
