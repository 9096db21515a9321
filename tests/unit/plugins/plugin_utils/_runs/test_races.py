# SPDX-License-Identifier: GPL-3.0-or-later
"""Real processes that do the same thing at one moment, on both databases."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Busy,
    Fenced,
    Machine,
    Owner,
    Store,
    open_store,
)
from tests.property import plans

FORK = multiprocessing.get_context("fork")


def together(count: int, work: Any, *arguments: Any) -> list[Any]:
    """Let ``count`` processes do ``work(number, *arguments)`` at one moment; what each of them returned."""
    barrier, answers = FORK.Barrier(count), FORK.Queue()

    def one(number: int) -> None:
        try:
            barrier.wait(60)
            answers.put(work(number, *arguments))
        except Exception as error:
            answers.put(error)

    processes = [FORK.Process(target=one, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=120) for _other in processes]
    for process in processes:
        process.join(60)
    return found


def begin(store: Store, plan: dict[str, Any]) -> int:
    """Create and take a run."""
    store.create("r1", plan, procedure="patch", code_hash="c", params={}, created_by="tester")
    return store.take("r1", Owner.current())


def claim_same(number: int, url: str, epoch: int) -> str:
    return open_store(url).claim("r1", "h00", "admit", epoch, {"token": str(number)}).kind


def test_one_of_many_gets_a_step(store: Store, url: str) -> None:
    epoch = begin(store, plans.lone_hosts(1))
    assert Counter(together(10, claim_same, url, epoch)) == {"go": 1, "wait": 9}
    assert store.steps("r1")[0]["attempt"] == 1


def claim_own(number: int, url: str, epoch: int) -> str:
    return open_store(url).claim("r1", f"h{number:02}", "admit", epoch).kind


def test_no_more_are_admitted_than_there_are_places(store: Store, url: str) -> None:
    epoch = begin(store, plans.lone_hosts(14, resources={"redundancy:x": 5}, needs={"redundancy:x": 1}))
    assert Counter(together(14, claim_own, url, epoch)) == {"go": 5, "wait": 9}
    assert len(store.holds()) == 5 and store.verify_chain("r1") is None


def create_one(number: int, url: str) -> str:
    plan = plans.three_tiers()
    try:
        open_store(url).create(f"r{number}", plan, procedure="patch", code_hash="c", params={}, created_by="x")
        return "created"
    except Busy:
        return "busy"


def test_one_of_many_runs_gets_the_hosts(store: Store, url: str) -> None:
    assert Counter(together(8, create_one, url)) == {"created": 1, "busy": 7}
    assert len(store.runs()) == 1


def take_own(number: int, url: str) -> int:
    store = open_store(url)
    run, host = f"r{number}", f"h{number}"
    plan = plans.plan([plans.group(f"S{number}", [host])], {host: plans.walk(host, system=f"S{number}")})
    store.create(run, plan, procedure="patch", code_hash="c", params={}, created_by="x")
    store.take(run, Owner.current())
    return int(store.run(run)["fence"])


def test_no_two_runs_get_one_fence(store: Store, url: str) -> None:
    assert len(set(together(8, take_own, url))) == 8


class Elsewhere(Machine):
    """Another machine, whose processes nobody here can see."""

    def __init__(self) -> None:
        super().__init__()
        self.host, self.boot_id, self.pid_ns = "elsewhere", "other boot", "other"


def claim_until_fenced(number: int, url: str, epoch: int, count: int) -> Any:
    store = open_store(url)
    if number == 0:
        taken = store.take("r1", Owner("c2", "elsewhere", "other boot", "other", 1, 1), force_by="a person")
        after = {row["ci"] for row in store.steps("r1") if row["state"] == "running"}
        return "took", taken, after
    mine = []
    try:
        for host in range(number - 1, count, 5):
            if store.claim("r1", f"h{host:02}", "admit", epoch).kind == "go":
                mine.append(f"h{host:02}")
    except Fenced:
        return "fenced", mine
    return "through", mine


def test_nothing_is_claimed_by_an_old_epoch_after_the_run_was_taken(store: Store, url: str) -> None:
    count = 60
    epoch = begin(store, plans.lone_hosts(count))
    answers = together(6, claim_until_fenced, url, epoch, count)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    (_other, taken, after) = next(answer for answer in answers if answer[0] == "took")
    assert taken == epoch + 1 and after == set(), "what was claimed before became unknown, nothing was claimed after"
    took = next(event["n"] for event in store.events("r1") if event["kind"] == "taken" and event["epoch"] == taken)
    assert all(event["epoch"] == taken for event in store.events("r1", after=took - 1))
    claimed = {host for answer in answers if answer[0] != "took" for host in answer[1]}
    assert {row["ci"] for row in store.steps("r1") if row["state"] == "unknown"} == claimed


def end_one(number: int, url: str, epoch: int) -> None:
    store = open_store(url)
    host = f"h{number}"
    for row in store.steps("r1", ci=host):
        verdict = store.claim("r1", host, row["step"], epoch)
        assert verdict.kind == "go", verdict
        store.end("r1", host, row["step"], epoch, verdict.attempt)


def test_members_that_end_at_one_moment_give_their_place_back(store: Store, url: str) -> None:
    hosts = [f"h{n}" for n in range(6)]
    plan = plans.plan(
        [plans.group("PRD", hosts, needs={"batch": 1, "redundancy:x": 1})],
        {host: plans.walk(host) for host in hosts},
        resources={"batch": 1, "redundancy:x": 1},
        host_needs={host: ["redundancy:x"] for host in hosts},
    )
    epoch = begin(store, plan)
    assert together(6, end_one, url, epoch) == [None] * 6
    assert store.holds() == []
    assert store.finish("r1", epoch) == "succeeded" and store.verify_chain("r1") is None


def test_leases_of_other_machines_run_out_by_the_databases_clock(store: Store) -> None:
    now = [1000.0]
    here = Store(store.engine, clock=lambda: now[0])
    there = Store(store.engine, clock=lambda: now[0], machine=Elsewhere())
    here.create("r1", plans.lone_hosts(1), procedure="patch", code_hash="c", params={}, created_by="x")
    epoch = there.take("r1", Owner("c", "elsewhere", "other boot", "other", 1, 1), ttl=60)
    now[0] += 59
    assert here.observe() == [] and here.alive("r1")
    there.beat("r1", epoch)
    now[0] += 59
    assert here.observe() == []
    now[0] += 2
    assert not here.alive("r1")
    assert here.observe() == ["r1"] and here.observe() == [], "said once"
    assert here.run("r1")["state"] == "lost"
    assert here.take("r1", Owner.current()) == epoch + 1


def test_the_lease_of_a_namesake_runs_out_that_of_a_rebooted_machine_is_over(store: Store, url: str) -> None:
    now = [1000.0]
    here = Store(store.engine, clock=lambda: now[0])
    there = Owner("c", here.machine.host, "another boot", here.machine.pid_ns, 1, 1)
    here.create("r1", plans.lone_hosts(1), procedure="patch", code_hash="c", params={}, created_by="x")
    epoch = here.take("r1", there, ttl=60)
    if url.startswith("sqlite"):  # its database is on this machine's own disk
        assert here.observe() == ["r1"]
        return
    now[0] += 59  # a clone of this machine may have its name
    assert here.alive("r1") and here.observe() == []
    with pytest.raises(Busy, match=r"is being worked on by c .* last seen 59 s ago"):
        here.take("r1", Owner.current())
    now[0] += 2
    assert here.observe() == ["r1"]
    assert here.take("r1", Owner.current()) == epoch + 1
