# SPDX-License-Identifier: GPL-3.0-or-later
"""When a configuration item may begin a step, on both databases."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, Store, gate
from tests.property import plans

Plan = dict[str, Any]


def begin(store: Store, plan: Plan, run: str = "r1") -> int:
    """Create and take a run."""
    store.create(run, plan, procedure="patch", code_hash="c", params={}, created_by="tester")
    return store.take(run, Owner.current())


def admit(store: Store, epoch: int, ci: str, run: str = "r1") -> str:
    """Ask for the admission; the kind of the answer."""
    return store.claim(run, ci, "admit", epoch).kind


def finish_host(store: Store, epoch: int, ci: str, last: str = "unsilence", run: str = "r1") -> None:
    """Do the steps of a host up to ``last``."""
    for row in store.steps(run, ci=ci):
        verdict = store.claim(run, ci, row["step"], epoch)
        assert verdict.kind in ("go", "done") or row["state"] == "running", verdict
        if verdict.kind == "go" or row["state"] == "running":
            store.end(run, ci, row["step"], epoch, max(1, verdict.attempt))
        if row["kind"] == last:
            return


def window(opens: float, closes: float) -> dict[str, str]:
    """A window in seconds from now."""
    now = time.time()

    def iso(seconds: float) -> str:
        return datetime.datetime.fromtimestamp(now + seconds, datetime.UTC).isoformat()

    return {"opens": iso(opens), "closes": iso(closes), "source": "Sunday night"}


# -- dependencies ------------------------------------------------------------------------------------------------------


def test_stop_and_start_gates_follow_the_relations(store: Store) -> None:
    epoch = begin(store, plans.three_tiers())
    for host in ("web", "app", "db"):
        finish_host(store, epoch, host, "admit")
    waits = store.claim("r1", "app", "stop:PRD/app/I", epoch)
    assert (waits.kind, waits.by, waits.why) == ("wait", "web", "waits for T/stop:PRD/web/I")
    assert store.claim("r1", "db", "stop:PRD/db/I", epoch).by == "app"
    finish_host(store, epoch, "web", "patch")
    assert store.claim("r1", "web", "start:PRD/web/I", epoch).by == "app"
    finish_host(store, epoch, "app", "patch")
    finish_host(store, epoch, "db")
    finish_host(store, epoch, "app")
    finish_host(store, epoch, "web")
    assert store.finish("r1", epoch) == "succeeded"


def test_an_earlier_step_cannot_be_walked_past(store: Store) -> None:
    epoch = begin(store, plans.three_tiers())
    refused = store.claim("r1", "web", "stop:PRD/web/I", epoch)
    assert refused.kind == "blocked" and refused.why == "its own T/admit is pending"


def test_a_dead_step_releases_all_who_wait_for_something_behind_it(store: Store) -> None:
    epoch = begin(store, plans.three_tiers())
    for host in ("web", "app", "db"):
        finish_host(store, epoch, host, "admit")
    finish_host(store, epoch, "web", "stop")
    finish_host(store, epoch, "app", "stop")
    finish_host(store, epoch, "db", "stop")
    verdict = store.claim("r1", "db", "patch", epoch)
    store.end("r1", "db", "patch", epoch, verdict.attempt, "failed", message="disk full")
    finish_host(store, epoch, "app", "patch")
    finish_host(store, epoch, "web", "patch")
    blocked = store.claim("r1", "app", "start:PRD/app/I", epoch)
    assert (blocked.kind, blocked.by, blocked.why) == ("blocked", "db", "blocked by db: disk full")
    blocked = store.claim("r1", "web", "start:PRD/web/I", epoch)
    assert (blocked.kind, blocked.by) == ("blocked", "db"), "the root, not the neighbour"


def test_an_admission_that_depends_on_a_dead_one_is_deferred_not_blocked(store: Store) -> None:
    plan = plans.lone_hosts(2)
    plan["steps"]["h01"][0]["needs"] = [["h00", "verify"]]
    epoch = begin(store, plan)
    assert admit(store, epoch, "h01") == "wait"
    store.abandon("r1", epoch, "h00", "power")
    assert admit(store, epoch, "h01") == "deferred"


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_batch_counts_systems_until_their_hosts_are_through(store: Store) -> None:
    plan = plans.plan(
        [plans.group("A+B", ["a", "b"], needs={"batch": 2}), plans.group("C", ["c"], needs={"batch": 1}),
         plans.group("D", ["d"], needs={"batch": 1})],
        {host: plans.walk(host, system=host.upper()) for host in "abcd"},
        resources={"batch": 3},
    )  # fmt: skip
    epoch = begin(store, plan)
    assert [admit(store, epoch, host) for host in "acbd"] == ["go", "go", "go", "wait"]
    assert store.claim("r1", "d", "admit", epoch).why == "batch is full: A+B, C"
    finish_host(store, epoch, "a")
    assert admit(store, epoch, "d") == "wait", "b is still at it"
    finish_host(store, epoch, "b", "verify")
    assert admit(store, epoch, "d") == "wait", "b is up, but not through"
    finish_host(store, epoch, "b")
    assert admit(store, epoch, "d") == "go"


def test_batches_of_two_runs_do_not_meet(store: Store) -> None:
    two = plans.lone_hosts(2, resources={"batch": 1}, needs={"batch": 1})
    for n in (0, 1):
        part = plans.plan([two["groups"][n]], {f"h{n:02}": two["steps"][f"h{n:02}"]}, resources={"batch": 1})
        assert admit(store, begin(store, part, run=f"r{n}"), f"h{n:02}", run=f"r{n}") == "go"


def test_a_group_larger_than_the_batch_goes_alone(store: Store) -> None:
    plan = plans.plan(
        [plans.group("A+B+C", ["a"], needs={"batch": 3}), plans.group("D", ["d"], needs={"batch": 1})],
        {host: plans.walk(host, system=host.upper()) for host in "ad"},
        resources={"batch": 2},
    )
    epoch = begin(store, plan)
    assert [admit(store, epoch, host) for host in "ad"] == ["go", "wait"]


def redundant(store: Store, run: str, hosts: str, capacity: int = 1) -> Plan:
    """Hosts of one system each, of which ``capacity`` may be out."""
    name = "redundancy:pair"
    return plans.plan(
        [plans.group(f"S{host}", [host], needs={name: 1}) for host in hosts],
        {host: plans.walk(host, system=f"S{host}") for host in hosts},
        resources={name: capacity},
        host_needs={host: [name] for host in hosts},
    )


def test_a_redundancy_group_is_counted_over_all_runs_until_its_member_is_verified(store: Store) -> None:
    one, two = begin(store, redundant(store, "r1", "ab")), begin(store, redundant(store, "r2", "c"), run="r2")
    assert admit(store, one, "a") == "go"
    assert admit(store, one, "b") == "wait" and admit(store, two, "c", run="r2") == "wait"
    assert store.claim("r2", "c", "admit", two).why == "redundancy:pair is full: Sa (run r1)"
    finish_host(store, one, "a", "start")
    assert admit(store, one, "b") == "wait", "started is not verified"
    finish_host(store, one, "a", "verify")
    assert admit(store, two, "c", run="r2") == "go" and admit(store, one, "b") == "wait"


def test_a_member_that_is_out_outside_the_run_has_a_place_in_this_run_only(store: Store) -> None:
    out = {"redundancy:pair": ["Sx"], "redundancy:other": ["Sy"]}
    given = {"procedure": "patch", "code_hash": "c", "params": {}, "created_by": "tester"}
    store.create("r1", redundant(store, "r1", "ab", capacity=2), out=out, **given)
    assert store.out() == set()
    one, two = store.take("r1", Owner.current()), begin(store, redundant(store, "r2", "c", capacity=2), run="r2")
    assert [(hold["holder"], hold["kind"]) for hold in store.holds()] == [("Sx", "outside")]
    assert admit(store, one, "a") == "go" and store.claim("r1", "b", "admit", one).kind == "wait"
    assert store.out() == {("redundancy:pair", "a")}
    assert admit(store, two, "c", run="r2") == "go", "who begins another run looks for himself"
    finish_host(store, two, "c", "unsilence", run="r2")
    finish_host(store, one, "a")
    assert admit(store, one, "b") == "go"
    store.end("r1", "b", "admit", one, 1)
    finish_host(store, one, "b")
    assert store.finish("r1", one) == "succeeded" and not [h for h in store.holds() if h["run_id"] == "r1"]


@pytest.fixture
def found_down(store: Store) -> Callable[..., int]:
    """Begins a run before which members of its own were found down."""

    def start(names: str, down: dict[str, int], *, capacity: int = 1, **more: Any) -> int:
        plan = redundant(store, "r1", names, capacity=capacity) | more
        given = {"procedure": "patch", "code_hash": "c", "params": {}, "created_by": "tester"}
        store.create("r1", plan, down={"redundancy:pair": down, "redundancy:other": {"Sx": 1}}, **given)
        return store.take("r1", Owner.current())

    return start


def test_a_member_that_is_down_already_goes_before_its_partner(store: Store, found_down: Callable[..., int]) -> None:
    epoch = found_down("ab", {"Sb": 1})
    refused = store.claim("r1", "a", "admit", epoch)
    assert (refused.kind, refused.why) == ("wait", "redundancy:pair is full: Sb")
    assert {(place["holder"], place["free"], place["held"]) for place in store.places("r1")} == {
        ("Sa", 0, False),
        ("Sb", 1, False),
    }
    other = begin(store, redundant(store, "r2", "c"), run="r2")
    assert admit(store, other, "c", run="r2") == "go", "who begins another run looks for himself"
    waits = store.claim("r1", "b", "admit", epoch)
    assert (waits.kind, waits.why) == ("wait", "redundancy:pair is full: Sc (run r2)"), (
        "it may be up for all others know"
    )
    finish_host(store, other, "c", "unsilence", run="r2")
    assert admit(store, epoch, "b") == "go" and store.claim("r1", "a", "admit", epoch).kind == "wait"
    finish_host(store, epoch, "b", "start")
    assert store.claim("r1", "a", "admit", epoch).kind == "wait", "started is not verified"
    finish_host(store, epoch, "b", "verify")
    assert store.holds("r1") == [] and admit(store, epoch, "a") == "go"


def test_members_that_are_all_down_do_not_wait_for_each_other(store: Store, found_down: Callable[..., int]) -> None:
    epoch = found_down("abc", {"Sa": 1, "Sb": 1}, capacity=1)
    assert admit(store, epoch, "a") == "go" and admit(store, epoch, "b") == "go"
    assert admit(store, epoch, "c") == "wait"
    finish_host(store, epoch, "a", "verify")
    assert admit(store, epoch, "c") == "wait"
    finish_host(store, epoch, "b", "verify")
    assert admit(store, epoch, "c") == "go"


def test_a_member_that_is_down_and_cannot_come_back_defers(store: Store, found_down: Callable[..., int]) -> None:
    epoch = found_down("ab", {"Sb": 1})
    store.abandon("r1", epoch, "b", "no route to host", unreachable=True)
    deferred = store.claim("r1", "a", "admit", epoch)
    assert deferred.kind == "deferred"
    assert deferred.why == (
        "redundancy:pair is held by Sb, which cannot come back in this run (bring Sb up again, then continue the run)"
    )


def test_a_failure_before_anything_was_touched_leaves_it_down(store: Store, found_down: Callable[..., int]) -> None:
    epoch = found_down("ab", {"Sb": 1})
    assert admit(store, epoch, "b") == "go"
    store.abandon("r1", epoch, "b", "silence failed")
    assert [(hold["holder"], hold["kind"]) for hold in store.holds()] == [("Sb", "down")]
    assert admit(store, epoch, "a") == "deferred"


def test_who_is_not_started_stays_down(store: Store, found_down: Callable[..., int]) -> None:
    epoch = found_down("ab", {"Sb": 1}, options={"skip_steps": ["stop", "reboot", "start"]})
    assert admit(store, epoch, "b") == "go"
    finish_host(store, epoch, "b")
    assert [(hold["holder"], hold["kind"]) for hold in store.holds()] == [("Sb", "down")]
    assert admit(store, epoch, "a") == "deferred", "the run does nothing more for it"


def test_a_place_held_for_ever_defers(store: Store) -> None:
    epoch = begin(store, redundant(store, "r1", "ab"))
    assert admit(store, epoch, "a") == "go"
    assert admit(store, epoch, "b") == "wait"
    store.end("r1", "a", "admit", epoch, 1)
    store.claim("r1", "a", "stop:Sa/a/I", epoch)
    store.abandon("r1", epoch, "a", "no route to host", unreachable=True)
    deferred = store.claim("r1", "b", "admit", epoch)
    assert (deferred.kind, deferred.by) == ("deferred", "Sa")
    assert deferred.why == (
        "redundancy:pair is held by Sa, which cannot come back in this run (bring Sa up again, then continue the run)"
    )
    assert [hold["holder"] for hold in store.holds()] == ["Sa"], "it is out: nobody may take its place"
    assert store.finish("r1", epoch) == "partial"
    other = begin(store, redundant(store, "r2", "c"), run="r2")
    deferred = store.claim("r2", "c", "admit", other)
    assert deferred.kind == "deferred", "nobody works on r1 now"
    assert deferred.why.endswith("(continue or cancel run r1, then continue the run)")


def test_a_failure_before_anything_was_touched_gives_the_place_back(store: Store) -> None:
    epoch = begin(store, redundant(store, "r1", "ab"))
    assert admit(store, epoch, "a") == "go"
    store.abandon("r1", epoch, "a", "silence failed")
    assert store.holds() == []
    assert admit(store, epoch, "b") == "go"


def test_a_rolling_system_gives_its_hosts_one_place_in_turn(store: Store) -> None:
    hosts = ["a", "b", "c"]
    plan = plans.plan(
        [plans.group("PRD", hosts)],
        {host: plans.walk(host) for host in hosts},
        resources={"rolling:PRD": 1},
        host_needs={host: ["rolling:PRD"] for host in hosts},
    )
    epoch = begin(store, plan)
    assert [admit(store, epoch, host) for host in hosts] == ["go", "wait", "wait"]
    finish_host(store, epoch, "a", "verify")
    assert [admit(store, epoch, host) for host in ("b", "c")] == ["go", "wait"]


def test_more_places_than_there_are_is_never(store: Store) -> None:
    plan = redundant(store, "r1", "a")
    plan["groups"][0]["needs"] = {"redundancy:pair": 2}
    epoch = begin(store, plan)
    assert "2 places of redundancy:pair are needed at once, there are 1" in store.claim("r1", "a", "admit", epoch).why


def test_a_group_enters_as_one_or_not_at_all(store: Store) -> None:
    plan = plans.three_tiers()
    epoch = begin(store, plan)
    store.defer("r1", "app", "admit", epoch, "its gate did not open in time")
    deferred = store.claim("r1", "web", "admit", epoch)
    assert deferred.kind == "deferred" and "app belongs to the same group" in deferred.why


# -- windows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opens", "closes", "seconds", "kind", "why"),
    [
        (-10, 3600, 600, "go", ""),
        (600, 3600, 600, "wait", "Sunday night opens at"),
        (-10, 3600, 7200, "deferred", "120 min are needed"),
        (600, 1200, 900, "deferred", "15 min are needed"),
        (-7200, -10, 60, "deferred", "Sunday night closes at"),
    ],
)
def test_windows(store: Store, opens: float, closes: float, seconds: float, kind: str, why: str) -> None:
    plan = plans.lone_hosts(1)
    plan["groups"][0] |= {"window": window(opens, closes), "seconds": seconds}
    epoch = begin(store, plan)
    verdict = store.claim("r1", "h00", "admit", epoch)
    assert verdict.kind == kind and why in verdict.why


def test_a_group_in_maintenance_is_finished_after_its_window(store: Store) -> None:
    now = [time.time()]
    timed = Store(store.engine, clock=lambda: now[0])
    plan = plans.three_tiers()
    plan["groups"][0] |= {"window": window(-10, 3600), "seconds": 600}
    epoch = begin(timed, plan)
    finish_host(timed, epoch, "web", "stop")
    now[0] += 7200
    epoch = timed.take("r1", Owner.current())
    assert admit(timed, epoch, "app") == "go"


def test_a_group_that_was_only_admitted_must_find_its_window_open_again(store: Store) -> None:
    now = [time.time()]
    timed = Store(store.engine, clock=lambda: now[0])
    plan = plans.three_tiers()
    plan["groups"][0] |= {"window": window(-10, 3600), "seconds": 600}
    epoch = begin(timed, plan)
    finish_host(timed, epoch, "web", "admit")
    now[0] += 7200
    epoch = timed.take("r1", Owner.current())
    assert admit(timed, epoch, "app") == "deferred"


def test_a_clock_put_back_opens_no_window_again(store: Store) -> None:
    now = [time.time()]
    timed = Store(store.engine, clock=lambda: now[0])
    plan = plans.lone_hosts(1)
    plan["groups"][0] |= {"window": window(-10, 3600), "seconds": 600}
    epoch = begin(timed, plan)
    now[0] += 7200
    timed.beat("r1", epoch)
    now[0] -= 7200
    timed.beat("r1", epoch)
    assert admit(timed, epoch, "h00") == "deferred"


# -- canary, budget ----------------------------------------------------------------------------------------------------


def test_canaries_go_first(store: Store) -> None:
    plan = plans.lone_hosts(3)
    plan["groups"][2]["canary"] = True
    epoch = begin(store, plan)
    assert store.claim("r1", "h00", "admit", epoch).why == "the canary h02 goes first"
    finish_host(store, epoch, "h02", "start")
    assert admit(store, epoch, "h00") == "wait"
    finish_host(store, epoch, "h02", "verify")
    assert admit(store, epoch, "h00") == "go"


def test_a_dead_canary_keeps_everybody_out(store: Store) -> None:
    plan = plans.lone_hosts(2)
    plan["groups"][1]["canary"] = True
    epoch = begin(store, plan)
    store.abandon("r1", epoch, "h01", "no song")
    deferred = store.claim("r1", "h00", "admit", epoch)
    assert (deferred.kind, deferred.by) == ("deferred", "h01") and "canary" in deferred.why


def test_a_refusal_names_all_that_is_unmet_with_what_would_make_it_possible(store: Store) -> None:
    plan = plans.lone_hosts(3, failure_budget={"count": 1})
    plan["resources"] = {"redundancy:pair": 1}
    for group_ in plan["groups"]:
        group_["needs"] = {"redundancy:pair": 1}
    plan["groups"][1]["canary"] = True
    plan["groups"][0] |= {"window": {**window(-10, 3600), "source": "Sunday night"}, "seconds": 7200}
    epoch = begin(store, plan)
    finish_host(store, epoch, "h01", "stop")
    store.abandon("r1", epoch, "h01", "broken")
    deferred = store.claim("r1", "h00", "admit", epoch)
    assert (deferred.kind, deferred.by) == ("deferred", "h01")
    assert re.sub(r"closes at [^,]*", "closes at then", deferred.why).split("; ") == [
        "the canary h01 failed: T/patch failed (put it right, then continue the run)",
        "the failure budget is spent: 1 of 1, h01 (put these hosts right, then continue the run)",
        "Sunday night closes at then, 120 min are needed (continue the run in a window that is long enough)",
        "redundancy:pair is held by S01, which cannot come back in this run (bring S01 up again, then continue the "
        "run)",
    ]
    assert store.claim("r1", "h00", "admit", epoch).why == deferred.why, "it is written down as it was said"


def test_all_that_block_a_step_are_named_once(store: Store) -> None:
    needs = [["a", "stop:Sa/a/I"], ["b", "stop:Sb/b/I"], ["c", "stop:Sc/c/I"]]
    walks = {host: plans.walk(host, system=f"S{host}") for host in "abcd"}
    next(step for step in walks["d"] if step["kind"] == "stop")["needs"] = needs
    epoch = begin(store, plans.plan([plans.group(f"S{host}", [host]) for host in "abcd"], walks))
    finish_host(store, epoch, "d", "admit")
    finish_host(store, epoch, "c", "admit")
    store.claim("r1", "c", "stop:Sc/c/I", epoch)
    store.abandon("r1", epoch, "a", "no route to host", state="unknown", unreachable=True)
    store.abandon("r1", epoch, "b", "Stop was refused")
    store.abandon("r1", epoch, "c", "no route to host", state="unknown", unreachable=True)
    blocked = store.claim("r1", "d", "stop:Sd/d/I", epoch)
    assert (blocked.kind, blocked.by) == ("blocked", "a")
    assert blocked.why == (
        "blocked by a: no route to host; blocked by b: Stop was refused; blocked by c: no route to host"
    )


@pytest.mark.parametrize(
    ("budget", "failures", "kind"),
    [
        ({"count": 2}, 1, "go"),
        ({"count": 2}, 2, "deferred"),
        ({"count": 0}, 0, "go"),
        ({"count": 0}, 1, "deferred"),
        ({"share": 0.4}, 3, "go"),
        ({"share": 0.4}, 4, "deferred"),
        ({"share": 0.01}, 1, "deferred"),
        ({"per": "tier", "count": 2}, 2, "go"),
        ({"per": "tier", "count": 1}, 2, "deferred"),
        ({"per": "environment", "count": 1}, 4, "go"),
        ({"per": "environment", "count": 1}, 6, "deferred"),
        (None, 5, "go"),
    ],
)
def test_failure_budgets(store: Store, budget: dict[str, Any] | None, failures: int, kind: str) -> None:
    plan = plans.lone_hosts(10)
    plan["options"]["failure_budget"] = budget
    plan["host_facts"] = {
        f"h{n:02}": {"tier": "db" if n % 2 else "app", "environment": "test" if n < 5 else "production"}
        for n in range(10)
    }
    epoch = begin(store, plan)
    for n in range(failures):
        store.abandon("r1", epoch, f"h{n:02}", "broken")
    verdict = store.claim("r1", "h09", "admit", epoch)
    assert verdict.kind == kind, verdict
    if kind == "deferred":
        per = (budget or {}).get("per")
        of = {"tier": " of tier db", "environment": " of environment production"}.get(per, "")
        assert verdict.why.startswith(f"the failure budget{of} is spent: "), verdict.why


def test_a_spent_budget_lets_those_inside_go_on_and_is_forgiven_on_resume(store: Store) -> None:
    plan = plans.lone_hosts(3, failure_budget={"count": 1})
    epoch = begin(store, plan)
    finish_host(store, epoch, "h00", "admit")
    finish_host(store, epoch, "h01", "stop")
    store.abandon("r1", epoch, "h01", "broken")
    assert admit(store, epoch, "h02") == "deferred"
    finish_host(store, epoch, "h00")
    epoch = store.take("r1", Owner.current())
    assert admit(store, epoch, "h02") == "go"


def test_refused_hosts_are_no_failures(store: Store) -> None:
    epoch = begin(store, plans.lone_hosts(3, failure_budget={"count": 1}))
    store.defer("r1", "h00", "admit", epoch, "late")
    store.abandon("r1", epoch, "h00", "its gate failed")
    assert admit(store, epoch, "h02") == "go"


@pytest.mark.parametrize(
    ("budget", "hosts", "limit"),
    [
        ({"count": 3}, 10, 3),
        ({"share": 0.1}, 200, 20),
        ({"share": 0.1}, 3, 1),
        ({"count": 5, "share": 0.1}, 20, 2),
        ({}, 9, None),
    ],
)
def test_the_size_of_a_budget(budget: dict[str, Any], hosts: int, limit: int | None) -> None:
    assert gate.budget_limit(budget, hosts) == limit
