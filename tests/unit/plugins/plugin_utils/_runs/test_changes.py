# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look finds of a temporary change, against the record of it."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Change, Owner, Store, StoreError, report
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.words import words
from tests.property import plans

OURS = "r1/silence:web"


def begin(store: Store, run: str = "r1", procedure: str = "patch") -> Change:
    """A run has begun, and is about to silence web."""
    plan = {**plans.three_tiers(), "lower_bound": 600.0, "makespan": 700.0}
    store.create(run, plan, procedure=procedure, code_hash="c", params={}, created_by="tester")
    return taken(store, run)


def taken(store: Store, run: str = "r1") -> Change:
    """The same for who continues the run."""
    return Change(store, run, store.take(run, Owner.current()), "web", "silence", "unsilence", "web")


def states(store: Store, run: str = "r1") -> list[str]:
    """The states of the run's records, first change first."""
    return [record.state for record in store.undo_records(run)]


def apply(change: Change) -> None:
    """Make the change as a step does it."""
    answer = change.before_change([])
    assert answer.act and answer.undo and answer.mark == OURS
    change.store.undo_state(change.run, answer.undo.id, change.epoch, "applied")


def test_made_and_undone_with_a_look_at_both(store: Store) -> None:
    change = begin(store)
    apply(change)
    with pytest.raises(StoreError, match="only in these: Ada"):
        change.after_change(["Ada"])
    assert change.after_change([OURS]).undo
    assert change.before_undo([OURS, "Ada"]).act, "others may have one beside ours"
    with pytest.raises(StoreError, match="still finds it in the name r1/silence:web"):
        change.after_undo([OURS])
    change.after_undo(["Ada"])
    [record] = store.undo_records("r1")
    assert record.state == "undone" and record.proof == {"by": ["Ada"]}
    assert not change.before_undo(["Ada"]).act, "nothing of ours is there"


def test_what_others_made_before_is_never_undone(store: Store) -> None:
    change = begin(store)
    for _again in range(2):
        answer = change.before_change(["Ada"])
        assert (answer.act, answer.undo) == (False, None)
    assert states(store) == ["not_ours"] and not store.open_undo("r1")
    assert not change.before_undo(["Ada"]).act
    told = report.gather(store, "r1")
    assert told["not_ours"] == [{"ci": "web", "key": "silence:web", "kind": "silence", "by": ["Ada"]}]
    assert "not ours, left alone: silence of web, made before by Ada" in words(told)
    apply(change)  # theirs has ended, and the step is done again
    assert states(store) == ["not_ours", "applied"]


@pytest.mark.parametrize("found, act, after", [([], True, ["intended"]), ([OURS], False, ["intended"])])
def test_a_controller_died_while_it_made_the_change(
    store: Store, found: list[str], act: bool, after: list[str]
) -> None:
    begin(store).before_change([])
    answer = taken(store).before_change(found)
    assert answer.act is act and answer.undo is not None and states(store) == after


@pytest.mark.parametrize("died, left", [("intended", "not_applied"), ("undoing", "undone")])
def test_others_made_it_after_a_controller_died(store: Store, died: str, left: str) -> None:
    change = begin(store)
    change.before_change([])
    if died == "undoing":
        change.before_undo([OURS])
    assert taken(store).before_change(["Ada"]).undo is None
    assert states(store) == [left, "not_ours"]


def test_a_conflict_is_left_to_a_person(store: Store) -> None:
    change = begin(store)
    apply(change)
    answer = change.before_undo(["Ada"])
    assert not answer.act and answer.conflict and "it is made by Ada, not in the name r1/silence:web" in answer.conflict
    assert states(store) == ["conflict"]
    assert "left undone: silence of web (conflict: made by Ada now)" in " ".join(words(report.gather(store, "r1")))
    with pytest.raises(StoreError, match="it is made by Ada"):
        change.undoing()
    assert change.before_undo(["Ada"]).conflict, "it is one still"
    assert change.before_undo([OURS]).act and states(store) == ["undoing"], "who took it over gave it back"


@pytest.mark.parametrize("conflict", [False, True])
def test_what_has_ended_by_itself_is_undone(store: Store, conflict: bool) -> None:
    change = begin(store)
    apply(change)
    if conflict:
        change.before_undo(["Ada"])
    answer = change.before_undo([])
    assert (answer.act, answer.undo, answer.conflict) == (False, None, None)
    assert states(store) == ["undone"] and store.undo_records("r1")[0].proof == {"by": []}


def test_what_was_others_and_is_ours_by_now_is_not_reported_as_theirs(store: Store) -> None:
    change = begin(store)
    assert not change.before_change(["Ada"]).act
    assert [row["by"] for row in report.gather(store, "r1")["not_ours"]] == [["Ada"]]
    apply(change)
    assert states(store) == ["not_ours", "applied"] and report.gather(store, "r1")["not_ours"] == []


@pytest.mark.parametrize("found", [[], ["Ada"]])
def test_a_controller_died_while_it_undid_the_change(store: Store, found: list[str]) -> None:
    change = begin(store)
    apply(change)
    change.before_undo([OURS])
    assert not taken(store).before_undo(found).act and states(store) == ["undone"]


@pytest.mark.parametrize("found, act, state", [([OURS], True, "undoing"), ([], False, "not_applied")])
def test_a_host_failed_while_it_made_the_change(store: Store, found: list[str], act: bool, state: str) -> None:
    change = begin(store)
    change.before_change([])
    assert change.before_undo(found).act is act and states(store) == [state]


def test_it_is_made_anew_when_it_was_undone_before_its_time(store: Store) -> None:
    change = begin(store)
    apply(change)
    store.end("r1", "web", "admit", change.epoch, store.claim("r1", "web", "admit", change.epoch).attempt)
    assert change.before_undo([OURS], again="admit").act
    change.after_undo([])
    assert states(store) == ["undone"]
    assert {row["step"]: row["state"] for row in store.steps("r1", ci="web")}["admit"] == "pending"


def test_what_a_stop_run_made_keeps_its_name(store: Store) -> None:
    def on_the_only_host(run: str, procedure: str) -> Change:
        store.create(run, plans.lone_hosts(1), procedure=procedure, code_hash="c", params={}, created_by="tester")
        return Change(store, run, store.take(run, Owner.current()), "h00", "silence", "unsilence", "h00")

    stop, ours = on_the_only_host("r1", "stop"), "r1/silence:h00"
    made = stop.before_change([])
    assert made.undo and made.mark == ours
    store.undo_state("r1", made.undo.id, stop.epoch, "applied")
    for row in store.steps("r1"):
        verdict = store.claim("r1", "h00", row["step"], stop.epoch)
        store.end("r1", "h00", row["step"], stop.epoch, verdict.attempt)
    assert store.finish("r1", stop.epoch) == "succeeded" and states(store) == ["kept"]
    start = on_the_only_host("r2", "start")
    answer = start.before_undo([ours])
    assert answer.act and answer.mark == ours
    start.after_undo([])
    assert states(store) == states(store, "r2") == ["undone"]
