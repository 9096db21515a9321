# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of the run database, on both databases."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Busy,
    Fenced,
    Machine,
    Owner,
    Revision,
    RunNotFound,
    Store,
    StoreError,
    keep_store,
    open_store,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import store as store_module
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from tests import postgres
from tests.property import plans


def begin(store: Store, plan: dict[str, Any] | None = None, run: str = "r1", procedure: str = "patch") -> int:
    """Create and take a run."""
    store.create(run, plan or plans.three_tiers(), procedure=procedure, code_hash="c", params={}, created_by="tester")
    return store.take(run, Owner.current())


def do(store: Store, epoch: int, ci: str, step: str, run: str = "r1", **more: Any) -> None:
    """Claim a step that must be open, and end it."""
    verdict = store.claim(run, ci, step, epoch)
    assert verdict.kind == "go", verdict
    store.end(run, ci, step, epoch, verdict.attempt, **more)


def walk_all(store: Store, epoch: int, run: str = "r1") -> None:
    """Walk every host to its end, whoever is open next."""
    left = {(row["ci"], row["step"]) for row in store.steps(run) if row["state"] not in ("done", "skipped")}
    while left:
        before = len(left)
        for row in store.steps(run):
            if (row["ci"], row["step"]) not in left:
                continue
            if any(
                other["ci"] == row["ci"] and other["seq"] < row["seq"] and (other["ci"], other["step"]) in left
                for other in store.steps(run)
            ):
                continue
            verdict = store.claim(run, row["ci"], row["step"], epoch)
            if verdict.kind == "look":
                store.resolve(run, row["ci"], row["step"], epoch, False)
                verdict = store.claim(run, row["ci"], row["step"], epoch)
            if verdict.kind == "go":
                store.end(run, row["ci"], row["step"], epoch, verdict.attempt)
            if verdict.kind in ("go", "done"):
                left.discard((row["ci"], row["step"]))
        assert len(left) < before, store.waiting(run)


def states(store: Store, ci: str, run: str = "r1") -> dict[str, str]:
    """Step -> state of one configuration item."""
    return {row["step"]: row["state"] for row in store.steps(run, ci=ci)}


def event_kinds(store: Store, run: str = "r1") -> list[str]:
    """The kinds of all events."""
    return [event["kind"] for event in store.events(run)]


def test_a_run_from_plan_to_success(store: Store) -> None:
    epoch = begin(store)
    assert store.run("r1")["state"] == "running" and store.alive("r1")
    walk_all(store, epoch)
    assert store.finish("r1", epoch) == "succeeded"
    assert store.finish("r1", epoch) == "succeeded", "saying it again is no error"
    assert store.holds() == [] and not store.alive("r1")
    assert store.verify_chain("r1") is None
    begin(store, run="r2")  # its configuration items are free again


def test_unknown_runs_and_steps_are_named(store: Store) -> None:
    epoch = begin(store)
    for call in (lambda: store.run("nope"), lambda: store.steps("nope"), lambda: store.beat("nope", 1)):
        with pytest.raises(RunNotFound, match="nope"):
            call()
    with pytest.raises(StoreError, match="no step fly on web"):
        store.claim("r1", "web", "fly", epoch)


def test_two_runs_that_share_a_configuration_item(store: Store) -> None:
    begin(store)
    other = plans.plan([plans.group("QAS", ["app"])], {"app": plans.walk("app", system="QAS")})
    with pytest.raises(Busy, match=r"app belongs to run r1.*running") as refused:
        store.create("r2", other, procedure="patch", code_hash="c", params={}, created_by="x")
    assert (refused.value.run, refused.value.ci) == ("r1", "app")
    assert str(os.getpid()) in str(refused.value.owner)
    alone = plans.plan([plans.group("DEV", ["dev"])], {"dev": plans.walk("dev", system="DEV")})
    store.create("r3", alone, procedure="patch", code_hash="c", params={}, created_by="x")
    walks = {host: plans.walk(host, system="QAS") for host in ("app", "db", "dev", "free")}
    both = plans.plan([plans.group("QAS", list(walks))], walks)
    with pytest.raises(Busy) as refused:
        store.create("r2", both, procedure="patch", code_hash="c", params={}, created_by="x")
    first, second = str(refused.value).splitlines()
    assert first.startswith("app, db belong to run r1, which is running, ")
    assert second == "dev belongs to run r3, which is planned. Resume or cancel that run first."
    other = plans.plan([plans.group("PRD", ["else"])], {"else": plans.walk("else", system="PRD")})
    with pytest.raises(Busy, match="PRD belongs to run r1"):
        store.create("r2", other, procedure="patch", code_hash="c", params={}, created_by="x")
    with pytest.raises(RunNotFound):
        store.run("r2")
    with pytest.raises(StoreError, match="already a run r1"):
        store.create("r1", other, procedure="patch", code_hash="c", params={}, created_by="x")


def test_a_plan_is_kept_as_long_as_somebody_is_shown_it(store: Store) -> None:
    now = [2_000_000_000.0]
    timed = Store(store.engine, clock=lambda: now[0])
    timed.keep_plan({"hash": "a", "hosts": ["one"]})
    timed.keep_plan({"hash": "b", "hosts": ["two"]})
    now[0] += 80 * 86_400
    timed.keep_plan({"hash": "a", "hosts": ["one"], "created": "later"})
    now[0] += 20 * 86_400
    timed.keep_plan({"hash": "c", "hosts": []})
    assert timed.kept_plan("a") == {"hash": "a", "hosts": ["one"]}, "as it was shown first"
    assert timed.kept_plan("b") is None and timed.kept_plan("never") is None


def test_fences_grow_when_the_clock_is_put_back_between_two_runs(store: Store) -> None:
    now = [2_000_000.5]
    timed = Store(store.engine, clock=lambda: now[0])
    epoch = begin(timed)
    first = timed.run("r1")["fence"]
    assert first == 2_000_000_000, "several databases with right clocks are in order by it"
    walk_all(timed, epoch)
    assert timed.finish("r1", epoch) == "succeeded"
    now[0] -= 86_400
    begin(timed, run="r2")
    assert timed.run("r2")["fence"] == first + 1
    timed.take("r2", Owner.current())
    assert timed.run("r2")["fence"] == first + 2
    now[0] += 2 * 86_400
    timed.take("r2", Owner.current())
    assert timed.run("r2")["fence"] == 2_086_400_000


def test_a_run_that_is_resumed_after_a_younger_one_has_the_higher_fence(store: Store) -> None:
    now = [2_000_000.0]
    timed = Store(store.engine, clock=lambda: now[0])
    plan = plans.lone_hosts(2)
    epoch = begin(timed, plan)
    walk = [row["step"] for row in timed.steps("r1", ci="h00")]
    for step in walk:
        do(timed, epoch, "h00", step)
    timed.abandon("r1", epoch, "h01", "no route to host")
    assert timed.finish("r1", epoch) == "partial"
    now[0] -= 3_600
    younger = plans.plan([plans.group("S00", ["h00"])], {"h00": plans.walk("h00", system="S00")})
    begin(timed, younger, run="r2")  # h00 was finished in r1
    between = timed.run("r2")["fence"]
    assert between > timed.run("r1")["fence"]
    timed.take("r1", Owner.current(), force_by="a person")
    assert timed.run("r1")["fence"] > between


def test_a_live_owner_keeps_its_run(store: Store) -> None:
    epoch = begin(store)
    other = Owner.current(pid=os.getppid())
    with pytest.raises(Busy, match=f"process {os.getpid()}"):
        store.take("r1", other)
    assert store.take("r1", other, force_by="Ada") == epoch + 1
    assert "forced" in event_kinds(store)
    with pytest.raises(Fenced, match="taken by another controller"):
        store.beat("r1", epoch)


@pytest.mark.parametrize(
    "write",
    [
        lambda s, e: s.claim("r1", "app", "admit", e),
        lambda s, e: s.end("r1", "web", "admit", e, 1),
        lambda s, e: s.resolve("r1", "web", "admit", e, True),
        lambda s, e: s.abandon("r1", e, "web", "gone"),
        lambda s, e: s.leave("r1", "web", e),
        lambda s, e: s.defer("r1", "web", "stop:PRD/web/I", e, "late"),
        lambda s, e: s.drain("r1", e),
        lambda s, e: s.finish("r1", e),
        lambda s, e: s.intend("r1", "web", "k", e, kind="job", before=0, wanted=1, undo={}),
        lambda s, e: s.undo_state("r1", "k", e, "applied"),
        lambda s, e: s.beat("r1", e),
        lambda s, e: s.going_on("r1", e),
    ],
)
def test_every_write_of_an_old_epoch_is_refused(store: Store, write: Any) -> None:
    old = begin(store)
    assert store.claim("r1", "web", "admit", old).kind == "go"
    store.take("r1", Owner.current())
    before = (store.steps("r1"), store.events("r1"))
    with pytest.raises(Fenced):
        write(store, old)
    assert (store.steps("r1"), store.events("r1")) == before


def test_what_was_in_flight_is_unknown_for_the_next_owner(store: Store) -> None:
    epoch = begin(store)
    do(store, epoch, "web", "admit", result={"a": 1})
    assert store.claim("r1", "web", "stop:PRD/web/I", epoch).kind == "go"
    epoch = store.take("r1", Owner.current())
    assert states(store, "web") == {
        "admit": "done", "stop:PRD/web/I": "unknown", "patch": "pending", "start:PRD/web/I": "pending",
        "verify": "pending", "unsilence": "pending",
    }  # fmt: skip
    look = store.claim("r1", "web", "stop:PRD/web/I", epoch)
    assert (look.kind, look.attempt, look.results) == ("look", 1, {"admit": {"a": 1}})
    store.resolve("r1", "web", "stop:PRD/web/I", epoch, True)
    store.resolve("r1", "web", "stop:PRD/web/I", epoch, True)
    assert store.claim("r1", "web", "stop:PRD/web/I", epoch).kind == "done"


def test_a_failed_step_is_looked_at_before_it_is_done_again(store: Store) -> None:
    epoch = begin(store)
    do(store, epoch, "web", "admit")
    verdict = store.claim("r1", "web", "stop:PRD/web/I", epoch)
    store.end("r1", "web", "stop:PRD/web/I", epoch, verdict.attempt, "failed", message="Stop was refused")
    assert store.claim("r1", "web", "stop:PRD/web/I", epoch).kind == "blocked"
    epoch = store.take("r1", Owner.current())
    assert store.claim("r1", "web", "stop:PRD/web/I", epoch).kind == "look"
    store.resolve("r1", "web", "stop:PRD/web/I", epoch, False)
    again = store.claim("r1", "web", "stop:PRD/web/I", epoch)
    assert (again.kind, again.attempt) == ("go", 2)


def test_a_look_that_cannot_tell_fails_the_step(store: Store) -> None:
    epoch = begin(store)
    assert store.claim("r1", "web", "admit", epoch).kind == "go"
    epoch = store.take("r1", Owner.current())
    store.resolve("r1", "web", "admit", epoch, None)
    assert states(store, "web")["admit"] == "failed"


def test_a_claim_whose_answer_was_lost_is_given_again_to_the_same_worker_only(store: Store) -> None:
    epoch = begin(store)
    mine = {"token": "mine"}
    assert store.claim("r1", "web", "admit", epoch, mine).attempt == 1
    again = store.claim("r1", "web", "admit", epoch, mine)
    assert (again.kind, again.attempt) == ("go", 1)
    assert store.claim("r1", "web", "admit", epoch, {"token": "other"}).kind == "wait"


def test_an_end_whose_answer_was_lost_may_be_said_again(store: Store) -> None:
    epoch = begin(store)
    verdict = store.claim("r1", "web", "admit", epoch)
    for _other in range(2):
        store.end("r1", "web", "admit", epoch, verdict.attempt, result={"n": 1})
    assert event_kinds(store).count("done") == 1
    with pytest.raises(Fenced, match="is done"):
        store.end("r1", "web", "admit", epoch, verdict.attempt, "failed")
    with pytest.raises(Fenced, match="attempt 7"):
        store.end("r1", "web", "admit", epoch, 7)
    with pytest.raises(StoreError, match="not as skipped"):
        store.end("r1", "web", "admit", epoch, 1, "skipped")


@pytest.mark.parametrize(
    ("how", "becomes"),
    [({}, "failed"), ({"state": "unknown"}, "unknown"), ({"state": "deferred"}, "failed")],
)
def test_abandoning_in_the_middle_of_a_step(store: Store, how: dict[str, Any], becomes: str) -> None:
    epoch = begin(store)
    do(store, epoch, "web", "admit")
    store.claim("r1", "web", "stop:PRD/web/I", epoch)
    store.abandon("r1", epoch, "web", "no route to host", unreachable=True, **how)
    assert states(store, "web")["stop:PRD/web/I"] == becomes
    assert store.run("r1")["unreachable"] == ["web"]
    for other in ("app", "db"):
        do(store, epoch, other, "admit")
    verdict = store.claim("r1", "app", "stop:PRD/app/I", epoch)
    assert (verdict.kind, verdict.by) == ("blocked", "web") and "no route to host" in verdict.why
    verdict = store.claim("r1", "db", "stop:PRD/db/I", epoch)
    assert verdict.kind == "blocked" and "no route to host" in verdict.why, "through app"


@pytest.mark.parametrize(("state", "becomes"), [("failed", "failed"), ("unknown", "failed"), ("deferred", "deferred")])
def test_abandoning_before_a_step_began(store: Store, state: str, becomes: str) -> None:
    epoch = begin(store)
    store.abandon("r1", epoch, "web", "not in this play", state=state)
    assert states(store, "web")["admit"] == becomes
    with pytest.raises(StoreError, match="not done"):
        store.abandon("r1", epoch, "web", "x", state="done")


def test_abandoning_a_refused_host_keeps_its_refusal(store: Store) -> None:
    epoch = begin(store)
    store.defer("r1", "web", "admit", epoch, "too late")
    store.abandon("r1", epoch, "web", "task failed")
    assert states(store, "web")["admit"] == "deferred"


def test_what_comes_of_a_run(store: Store) -> None:
    epoch = begin(store)
    assert store.finish("r1", epoch) == "interrupted", "nobody said why nothing happened"
    epoch = store.take("r1", Owner.current())
    verdict = store.claim("r1", "web", "admit", epoch)
    assert store.finish("r1", epoch) == "interrupted"
    assert states(store, "web")["admit"] == "unknown", "in flight when it ended"
    epoch = store.take("r1", Owner.current())
    for host in ("web", "app", "db"):
        store.abandon("r1", epoch, host, "power")
    assert store.finish("r1", epoch) == "partial"
    epoch = store.take("r1", Owner.current())
    walk_all(store, epoch)
    record = store.intend("r1", "web", "job:X", epoch, kind="job", before="released", wanted="suspended", undo={})
    store.undo_state("r1", record.id, epoch, "applied")
    assert store.finish("r1", epoch) == "partial", "a temporary change is left"
    epoch = store.take("r1", Owner.current())
    for to in ("undoing", "undone"):
        store.undo_state("r1", record.id, epoch, to)
    assert store.finish("r1", epoch) == "succeeded"
    assert verdict.attempt == 1


def test_a_partial_run_keeps_only_what_is_not_finished(store: Store) -> None:
    two = plans.lone_hosts(2)
    epoch = begin(store, two)
    for row in store.steps("r1", ci="h00"):
        do(store, epoch, "h00", row["step"])
    store.abandon("r1", epoch, "h01", "broken")
    assert store.finish("r1", epoch) == "partial"
    done, open_ = (plans.plan([two["groups"][n]], {f"h{n:02}": two["steps"][f"h{n:02}"]}) for n in (0, 1))
    store.create("r2", done, procedure="patch", code_hash="c", params={}, created_by="x")
    with pytest.raises(Busy, match="partial"):
        store.create("r3", open_, procedure="patch", code_hash="c", params={}, created_by="x")
    assert store.take("r1", Owner.current()) == 2, "r1 needs h01 only"


def test_draining_begins_nothing_new(store: Store) -> None:
    epoch = begin(store)
    verdict = store.claim("r1", "web", "admit", epoch)
    store.drain("r1", epoch, "SIGINT")
    assert store.going_on("r1", epoch) == ["web"]
    refused = store.claim("r1", "app", "admit", epoch)
    assert refused.kind == "blocked" and "interrupted" in refused.why
    store.end("r1", "web", "admit", epoch, verdict.attempt)
    assert store.going_on("r1", epoch) == []
    assert store.finish("r1", epoch) == "interrupted"
    assert states(store, "app")["admit"] == "pending"
    assert store.claim("r1", "app", "admit", store.take("r1", Owner.current())).kind == "go"


def test_canceling_frees_everything_for_good(store: Store) -> None:
    epoch = begin(store)
    with pytest.raises(Busy, match="interrupt it first"):
        store.cancel("r1", "Ada", "wrong night")
    store.finish("r1", epoch, interrupted=True)
    store.cancel("r1", "Ada", "wrong night")
    store.cancel("r1", "Ada", "wrong night")
    with pytest.raises(Busy, match="canceled"):
        store.take("r1", Owner.current())
    assert store.run("r1")["reason"] == "wrong night"
    begin(store, run="r2")


def test_canceling_is_refused_while_something_is_to_be_undone(store: Store) -> None:
    epoch = begin(store)
    record = store.intend("r1", "web", "job:X", epoch, kind="job", before=0, wanted=1, undo={"set": 0})
    store.finish("r1", epoch)
    with pytest.raises(StoreError, match="job:X on web"):
        store.cancel("r1", "Ada", "no")
    epoch = store.take("r1", Owner.current())
    store.undo_state("r1", record.id, epoch, "kept", proof={"by": "Ada"})
    store.finish("r1", epoch)
    store.cancel("r1", "Ada", "kept by Ada")


def hold(store: Store, epoch: int, run: str = "r1", ci: str = "web") -> Any:
    """Record that the jobs of one system are held back."""
    return store.intend(run, ci, "jobs:X", epoch, kind="suspend_jobs", before={"held": False}, wanted=True, undo={})


def test_what_was_before_a_change_is_told_while_it_is_made(store: Store) -> None:
    epoch = begin(store)
    record = hold(store, epoch)
    store.undo_before("r1", record.id, epoch, {"kept": {"jobs": [1]}})
    assert hold(store, epoch).before == {"held": False, "kept": {"jobs": [1]}}, "a resumed run goes on with it"
    store.undo_before("r1", record.id, epoch, {"kept": {"jobs": [1, 2]}})
    store.undo_state("r1", record.id, epoch, "applied")
    store.undo_state("r1", record.id, epoch, "undoing")
    with pytest.raises(Fenced, match="not told any more"):
        store.undo_before("r1", record.id, epoch, {"kept": {"jobs": []}})
    assert [record.before["kept"] for record in store.open_undo("r1")] == [{"jobs": [1, 2]}]
    with pytest.raises(StoreError, match="no record nothing"):
        store.undo_before("r1", "nothing", epoch, {})
    with pytest.raises(Fenced):
        store.undo_before("r1", record.id, epoch - 1, {})


def test_a_stop_run_leaves_its_changes_to_the_start_run(store: Store) -> None:
    epoch = begin(store, procedure="stop")
    record = hold(store, epoch)
    store.undo_before("r1", record.id, epoch, {"kept": {"jobs": [1]}})
    store.undo_state("r1", record.id, epoch, "applied")
    walk_all(store, epoch)
    assert store.finish("r1", epoch) == "succeeded" and not store.open_undo("r1")
    assert [record.state for record in store.undo_records("r1")] == ["kept"]
    epoch = begin(store, run="r2", procedure="start")
    assert store.inherit_undo("r2", "web", "jobs:Y", epoch) is None
    taken = store.inherit_undo("r2", "web", "jobs:X", epoch)
    assert taken and taken.state == "applied" and taken.before["kept"] == {"jobs": [1]}
    again = store.inherit_undo("r2", "web", "jobs:X", epoch)
    assert again and again.id == taken.id, "a second try after a lost answer finds it"
    assert [record.state for record in store.undo_records("r1")] == ["undone"]
    walk_all(store, epoch, "r2")
    assert store.finish("r2", epoch) == "partial", "it is not undone yet"
    epoch = store.take("r2", Owner.current())
    store.undo_state("r2", taken.id, epoch, "undoing")
    store.undo_state("r2", taken.id, epoch, "undone")
    assert store.finish("r2", epoch) == "succeeded"


def leave(store: Store, run: str = "r1", **before: Any) -> str:
    """A stop run that ended well has held the jobs back; return the record's identifier."""
    epoch = begin(store, run=run, procedure="stop")
    record = hold(store, epoch, run)
    store.undo_before(run, record.id, epoch, before)
    store.undo_state(run, record.id, epoch, "applied")
    walk_all(store, epoch, run)
    assert store.finish(run, epoch) == "succeeded"
    return record.id


def test_whoever_changes_again_what_a_stop_run_has_left_takes_it_over(store: Store) -> None:
    leave(store, kept={"jobs": [1]})
    assert [record.run for record in store.left_to_start()] == ["r1"]
    leave(store, "r2", kept={"jobs": [1, 2]})
    assert [record.run for record in store.left_to_start()] == ["r2"], "started by hand, stopped again: left once"
    assert not store.left_to_start("r1")
    epoch = begin(store, run="r3")
    taken = hold(store, epoch, "r3")
    assert (taken.state, taken.before["kept"]) == ("applied", {"jobs": [1, 2]})
    assert not store.left_to_start()


def test_a_person_settles_what_a_run_has_left(store: Store) -> None:
    id = leave(store)
    with pytest.raises(StoreError, match="no change jobs:Y .* it has: jobs:X"):
        store.settle("r1", "Ada", "done in SM37", ["jobs:Y"])
    assert store.settle("r1", "Ada", "done in SM37", ["jobs:X"]) == ["jobs:X"]
    assert store.settle("r1", "Ada", "again") == []
    [record] = store.undo_records("r1")
    assert (record.id, record.state, record.proof) == (id, "kept", {"settled": "done in SM37", "by": "Ada"})
    assert not store.left_to_start()
    assert store.inherit_undo("r2", "web", "jobs:X", begin(store, run="r2", procedure="start")) is None


def test_a_run_that_cannot_be_undone_is_settled_then_canceled(store: Store) -> None:
    epoch = begin(store)
    hold(store, epoch)
    with pytest.raises(Busy, match="worked on"):
        store.settle("r1", "Ada", "no")
    store.finish("r1", epoch)
    with pytest.raises(StoreError, match="settle_run: -e run=r1"):
        store.cancel("r1", "Ada", "no")
    assert store.settle("r1", "Ada", "done in SM37") == ["jobs:X"]
    store.cancel("r1", "Ada", "replanned")
    assert store.run("r1")["state"] == "canceled" and store.verify_chain("r1") is None
    with pytest.raises(RunNotFound):
        store.settle("r9", "Ada", "no")


def test_a_stop_run_that_failed_keeps_what_it_changed(store: Store) -> None:
    epoch = begin(store, procedure="stop")
    store.undo_state("r1", hold(store, epoch).id, epoch, "applied")
    store.finish("r1", epoch)
    assert [record.state for record in store.open_undo("r1")] == ["applied"]


def test_a_change_that_was_taken_back_is_made_again(store: Store) -> None:
    epoch = begin(store)
    do(store, epoch, "web", "admit")
    record = hold(store, epoch)
    store.undo_state("r1", record.id, epoch, "applied")
    store.take_back("r1", record.id, "admit", epoch)
    store.take_back("r1", record.id, "admit", epoch)
    assert [record.state for record in store.open_undo("r1")] == ["undoing"], "before anything is undone"
    assert states(store, "web")["admit"] == "pending"
    assert hold(store, epoch).state == "intended", "who died in between makes the change anew, under the same record"
    store.undo_before("r1", record.id, epoch, {"kept": {"jobs": [1]}})
    store.take_back("r1", record.id, "admit", epoch)
    assert hold(store, epoch).state == "applied", "what was known to be changed still is"
    store.take_back("r1", record.id, "admit", epoch)
    store.undo_state("r1", record.id, epoch, "undone", "SAP says so")
    store.finish("r1", epoch, interrupted=True)
    epoch = store.take("r1", Owner.current())
    assert store.claim("r1", "web", "admit", epoch).kind == "look", "it was attempted before"
    assert hold(store, epoch).id != record.id


def test_undo_records(store: Store) -> None:
    epoch = begin(store)
    first = store.intend(
        "r1", "web", "job:A", epoch, kind="job", before="released", wanted="suspended", undo={"set": 1}
    )
    assert (first.state, first.before, first.wanted, first.undo) == ("intended", "released", "suspended", {"set": 1})
    again = store.intend("r1", "web", "job:A", epoch, kind="job", before="suspended", wanted="suspended", undo={})
    assert (again.id, again.before) == (first.id, "released"), "a resumed run sees the value before its first try"
    ours = store.intend("r1", "web", "job:B", epoch, kind="job", before="suspended", wanted="suspended", undo={})
    assert ours.state == "not_ours"
    second = store.intend("r1", "app", "job:C", epoch, kind="job", before=1, wanted=2, undo={}, needs=["verify"])
    assert [record.key for record in store.open_undo("r1")] == ["job:C", "job:A"], "last change first"
    assert second.needs == ["verify"]
    with pytest.raises(Fenced, match="cannot become undone"):
        store.undo_state("r1", first.id, epoch, "undone")
    for to in ("applied", "applied", "undoing", "undone"):
        store.undo_state("r1", first.id, epoch, to, proof={"read": to})
    assert [record.key for record in store.open_undo("r1")] == ["job:C"]
    assert next(record for record in store.undo_records("r1") if record.id == first.id).proof == {"read": "undone"}
    with pytest.raises(StoreError, match="no record"):
        store.undo_state("r1", "nonsense", epoch, "applied")


def test_two_runs_never_change_one_thing_temporarily(store: Store) -> None:
    two = plans.lone_hosts(2)
    parts = [plans.plan([two["groups"][n]], {f"h{n:02}": two["steps"][f"h{n:02}"]}) for n in (0, 1)]
    epochs = [begin(store, parts[n], run=f"r{n}") for n in (0, 1)]
    store.intend("r0", "h00", "job:X", epochs[0], kind="job", before=0, wanted=1, undo={})
    with pytest.raises(Busy, match="run r0"):
        store.intend("r1", "h01", "job:X", epochs[1], kind="job", before=0, wanted=1, undo={})


def test_skipped_steps_are_no_obstacle(store: Store) -> None:
    plan = plans.three_tiers()
    plan["options"]["skip_steps"] = ["patch", "unsilence"]
    epoch = begin(store, plan)
    assert states(store, "web")["patch"] == "skipped"
    walk_all(store, epoch)
    assert store.finish("r1", epoch) == "succeeded"
    assert store.steps("r1", ci="web")[2]["message"]


class Timed(Machine):
    """This machine with a time since boot that the test tells."""

    def __init__(self, boottime: list[float]) -> None:
        super().__init__()
        self._boottime = boottime

    def boottime(self) -> float:
        return self._boottime[0]


def test_durations_come_from_steps_that_were_seen_to_begin_and_end(store: Store) -> None:
    assert store.durations() == {}
    now = [1000.0]
    timed = Store(store.engine, clock=lambda: 9000.0, machine=Timed(now))
    plan = plans.lone_hosts(10)
    for host, steps in plan["steps"].items():
        for step in steps:
            step["tier"] = "app"
            step["label"] = f"{host}/{step['step']}"
    epoch = begin(timed, plan)
    for n in range(10):
        verdict = timed.claim("r1", f"h{n:02}", "admit", epoch)
        now[0] += n + 1
        timed.end("r1", f"h{n:02}", "admit", epoch, verdict.attempt)
    timed.claim("r1", "h00", "stop:S00/h00/I", epoch)
    now[0] += 1000
    epoch = timed.take("r1", Owner.current())
    timed.resolve("r1", "h00", "stop:S00/h00/I", epoch, True)
    found = store.durations()
    assert (found["admit"], found["admit/app"], found["h02/admit"]) == (9.0, 9.0, 3.0)
    assert "stop" not in found, "found done by a look: nobody knows how long it took"


def test_a_step_that_had_nothing_to_do_does_not_say_how_long_one_takes(store: Store) -> None:
    now = [1000.0]
    timed = Store(store.engine, clock=lambda: 9000.0, machine=Timed(now))
    epoch = begin(timed, plans.lone_hosts(12))

    def patch(n: int, seconds: float, changed: bool | None) -> None:
        for step in timed.steps("r1", ci=f"h{n:02}"):
            verdict = timed.claim("r1", step["ci"], step["step"], epoch)
            mine = step["kind"] == "patch"
            now[0] += seconds if mine else 1.0
            timed.end("r1", step["ci"], step["step"], epoch, verdict.attempt, changed=changed if mine else False)

    for n in range(5):
        patch(n, 2.0, False)
    assert "patch" not in store.durations(), "nobody has seen one yet"
    patch(5, 3.0, None)
    assert store.durations()["patch"] == 3.0, "it may have been one: an older release did not say"
    patch(6, 900.0, True)
    for n in range(7, 12):
        patch(n, 2.0, False)
    found = store.durations()
    assert found["patch"] == 900.0
    assert "stop" not in found and found["verify"] == 1.0, "a verification takes its time whatever it finds"


def test_a_clock_that_is_put_forward_makes_no_step_longer(store: Store) -> None:
    now, boottime = [1000.0], [50.0]
    timed = Store(store.engine, clock=lambda: now[0], machine=Timed(boottime))
    epoch = begin(timed, plans.lone_hosts(1))
    verdict = timed.claim("r1", "h00", "admit", epoch)
    now[0] += 3610
    boottime[0] += 10
    timed.end("r1", "h00", "admit", epoch, verdict.attempt)
    assert store.durations()["admit"] == 10.0
    with store.engine.begin() as connection:  # as an older release left it
        connection.execute(sa.update(t.step).values(took=None))
    assert store.durations()["admit"] == 3610.0


def test_clocks_of_two_machines_are_compared(store: Store, url: str) -> None:
    assert store.compare_clocks() is None
    if url.startswith("sqlite"):
        return
    server = postgres.require()
    server.move_clock(url, 45)
    assert re.search(r"\b(45|4[0-4]) seconds apart", str(store.compare_clocks()))
    server.move_clock(url, -3600)
    with pytest.raises(StoreError, match="No run begins or goes on while the clock of the run database says"):
        store.compare_clocks()


def test_other_code_is_a_revision_and_what_is_done_stays_done(store: Store) -> None:
    epoch = begin(store)
    do(store, epoch, "web", "admit")
    before = states(store, "web")
    again = store.take(
        "r1", Owner("c2", "elsewhere", "other boot", "o", 1, 1), force_by="p", revision=Revision("jdoe", "d", ["other"])
    )
    record = store.run("r1")
    assert (record["plan_rev"], record["code_hash"]) == (2, "d") and states(store, "web") == before
    (event,) = (event for event in store.events("r1") if event["kind"] == "plan_accepted")
    assert (event["actor"], event["epoch"]) == ("jdoe", again)
    assert event["data"] == {"plan_rev": 2, "why": ["other"]}


def test_what_can_be_continued(store: Store) -> None:
    epoch = begin(store, plans.lone_hosts(1))
    store.create(
        "r2", plans.three_tiers(), procedure="stop", code_hash="c", params={"awx": {"job": "41"}}, created_by="t"
    )
    assert [run["id"] for run in store.unfinished()] == ["r2", "r1"]
    assert store.unfinished()[0]["params"] == {"awx": {"job": "41"}} and store.unfinished()[1]["plan"]["hosts"]
    walk_all(store, epoch)
    store.finish("r1", epoch)
    store.cancel("r2", "a person", "replanned")
    assert store.unfinished() == []


def test_secrets_do_not_enter(store: Store) -> None:
    plan = plans.lone_hosts(1)
    store.create(
        "r1", plan, procedure="patch", code_hash="c", created_by="x",
        params={"sapcontrol_password": "S3cret!", "nested": [{"api_key": "S3cret!"}], "hosts": "all"},
    )  # fmt: skip
    epoch = store.take("r1", Owner.current())
    do(store, epoch, "h00", "admit", result={"token": "S3cret!", "ok": True})
    with store.engine.connect() as connection:
        for table in t.metadata.sorted_tables:
            assert "S3cret!" not in str(connection.execute(sa.select(table)).all())
    assert store.run("r1")["params"]["hosts"] == "all"


def test_the_record_shows_when_it_was_tampered_with(store: Store) -> None:
    epoch = begin(store)
    walk_all(store, epoch)
    assert store.verify_chain("r1") is None
    with store.engine.begin() as connection:
        connection.execute(sa.update(t.event).where(t.event.c.n == 5).values(actor="nobody"))
    assert store.verify_chain("r1") == "event 5 of run r1 was changed after it was written"
    with store.engine.begin() as connection:
        connection.execute(sa.delete(t.event).where(t.event.c.n == 5))
    assert store.verify_chain("r1") == "event 5 of run r1 is missing"
    with store.engine.begin() as connection:
        connection.execute(sa.delete(t.event).where(t.event.c.n >= 5))
    assert store.verify_chain("r1") == "the last events of run r1 are missing"


def test_a_plan_that_contradicts_itself_is_refused_whole(store: Store) -> None:
    plan = plans.three_tiers()
    plan["steps"]["web"][1]["needs"] = [["mars", "stop"]]
    with pytest.raises(StoreError, match="wait for stop on mars"):
        store.create("r1", plan, procedure="patch", code_hash="c", params={}, created_by="x")
    plan = plans.three_tiers()
    plan["groups"][0]["needs"] = {"redundancy:ha": 1}
    with pytest.raises(StoreError, match="redundancy:ha"):
        store.create("r1", plan, procedure="patch", code_hash="c", params={}, created_by="x")
    plan = plans.three_tiers()
    plan["groups"][0]["hosts"] = ["web", "app"]
    with pytest.raises(StoreError, match="db into no group"):
        store.create("r1", plan, procedure="patch", code_hash="c", params={}, created_by="x")
    plan = plans.three_tiers()
    plan["steps"]["web"].append(plan["steps"]["web"][0])
    with pytest.raises(StoreError, match="admit twice on web"):
        store.create("r1", plan, procedure="patch", code_hash="c", params={}, created_by="x")
    assert store.runs() == []


def test_lists_of_runs_and_what_waits(store: Store) -> None:
    epoch = begin(store)
    do(store, epoch, "db", "admit")
    store.claim("r1", "db", "stop:PRD/db/I", epoch)
    assert store.waiting("r1") == [("db", "stop:PRD/db/I", "waits for T/stop:PRD/app/I")]
    store.claim("r1", "db", "stop:PRD/db/I", epoch)
    (row,) = store.runs()
    assert (row["id"], row["state"], row["hosts"], row["open_undo"]) == ("r1", "running", 3, 0)
    run = store.run("r1")
    assert run["counts"] == {"done": 1, "pending": 17} and run["owner"]["alive"] and run["plan"]["hosts"]
    assert [event["n"] for event in store.events("r1", after=3)][0] == 4


def test_a_store_can_be_opened_again(store: Store, url: str) -> None:
    begin(store)
    other = open_store(url)
    assert other.run("r1")["state"] == "running"
    other.close()


def test_a_rehearsal_leaves_nothing_behind_and_compiles_what_a_step_needs(store: Store) -> None:
    epoch = begin(store)
    before = (store.steps("r1"), store.events("r1"), store.holds("r1"))
    store.rehearse("r1", epoch)
    assert (store.steps("r1"), store.events("r1"), store.holds("r1")) == before
    first = before[0][0]
    compiled: list[object] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *call: compiled.append(call[4]), named=False)
    do(store, epoch, first["ci"], first["step"], result={})
    fresh = [context for context in compiled if context is not None and context.cache_hit.name == "CACHE_MISS"]  # type: ignore[attr-defined]
    assert compiled and not fresh, [context.statement for context in fresh]  # type: ignore[attr-defined]


def test_a_kept_store_serves_whoever_opens_the_database(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_KEPT", {})
    first = open_store(url)
    epoch = begin(first)
    keep_store(url, "r1", epoch)
    kept = open_store(url)
    assert kept is open_store(url) and kept is not first
    kept.close()
    walk_all(kept, epoch)
    assert first.finish("r1", epoch) == "succeeded"
