# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of past runs, in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, Store, history
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from tests.property import plans


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([5.0], 0.9, 5.0),
        ([7.0, 5.0], 0.0, 5.0),
        ([3.0, 1.0, 2.0], 1.0, 3.0),
        ([2.0, 1.0], 0.5, 1.0),
        ([float(n) for n in range(10, 0, -1)], 0.9, 9.0),
        ([float(n) for n in range(1, 12)], 0.9, 10.0),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, found: float) -> None:
    before = list(values)
    assert history.percentile(values, share) == found
    assert values == before


def create(store: Store, run: str, at: float, host: str, *, take: bool = False) -> Store:
    """A run of one host that was created at an instant."""
    then = Store(store.engine, clock=lambda: at)
    plan = plans.plan([plans.group(host.upper(), [host])], {host: plans.walk(host, system=host.upper())})
    then.create(run, plan, procedure="patch", code_hash="c", params={"forks": 5}, created_by="tester")
    if take:
        then.take(run, Owner.current())
    return then


def test_the_latest_runs_come_first_without_their_plans(store: Store) -> None:
    for run, at, host in (("b", 10.0, "h1"), ("c", 30.0, "h2"), ("a", 10.0, "h3")):
        create(store, run, at, host)
    found = store.runs(limit=10)
    assert [row["id"] for row in found] == ["c", "b", "a"]
    assert not {"plan", "params", "budget"} & found[0].keys()
    assert (found[0]["hosts"], found[0]["open_undo"], found[0]["created_at"]) == (1, 0, 30.0)
    assert [row["id"] for row in store.runs(limit=2)] == ["c", "b"]


def test_what_a_run_has_still_to_undo_is_counted(store: Store) -> None:
    create(store, "a", 10.0, "h1")
    with store.engine.begin() as connection:
        states = ("intended", "applied", "undoing", "conflict", "undone", "not_applied", "not_ours", "kept")
        for number, state in enumerate(states):
            row = {"run_id": "a", "ci": "h1", "seq": number, "resource_key": f"k{number}", "kind": "silence"}
            connection.execute(sa.insert(t.undo).values(id=f"u{number}", state=state, epoch=1, **row))
    assert store.runs()[0]["open_undo"] == 4


def test_only_runs_that_can_be_continued_are_unfinished(store: Store) -> None:
    create(store, "a", 10.0, "h1")
    create(store, "b", 20.0, "h2", take=True)
    create(store, "c", 30.0, "h3").cancel("c", "tester", "not needed")
    found = store.unfinished()
    assert [(row["id"], row["state"]) for row in found] == [("b", "running"), ("a", "planned")]
    assert found[0]["plan"]["hosts"] == ["h2"] and found[0]["params"] == {"forks": 5}


def test_steps_come_in_the_order_of_the_plan_with_what_was_said_as_data(store: Store) -> None:
    store.create("r1", plans.three_tiers(), procedure="patch", code_hash="c", params={}, created_by="tester")
    epoch = store.take("r1", Owner.current())
    attempt = store.claim("r1", "db", "admit", epoch).attempt
    store.end("r1", "db", "admit", epoch, attempt, result={})
    rows = store.steps("r1")
    assert list(dict.fromkeys(row["ci"] for row in rows)) == ["web", "app", "db"]
    assert [row["kind"] for row in store.steps("r1", ci="db")] == [
        step["step"].partition(":")[0] for step in plans.walk("db")
    ]
    first = store.steps("r1", ci="db")[0]
    assert first["result"] == {} and first["worker"]["token"] and first["group"] == "PRD"
    assert (rows[0]["result"], rows[0]["worker"], rows[0]["left_why"]) == (None, None, None)
    assert store.steps("r1", ci="elsewhere") == []


def test_events_are_those_after_a_number_with_their_data(store: Store) -> None:
    create(store, "a", 10.0, "h1", take=True)
    everything = store.events("a")
    assert [event["kind"] for event in everything] == ["created", "taken"]
    assert everything[0]["data"]["procedure"] == "patch"
    assert store.events("a", everything[0]["n"]) == everything[1:]
    assert store.events("a", everything[1]["n"]) == []


def ended(store: Store, number: int, **more: Any) -> None:
    """A step as it stands in the database."""
    row = {"run_id": "r", "ci": f"h{number}", "step": "patch", "seq": 0, "kind": "patch", "label": "L", "tier": None}
    row |= {"state": "done", "started_at": 100.0, "ended_at": 110.0 + number, "took": 10.0, "changed": True}
    with store.engine.begin() as connection:
        connection.execute(sa.insert(t.step).values(**{**row, **more}))


@pytest.mark.parametrize(
    "more",
    [{"state": "failed"}, {"state": "skipped"}, {"started_at": None}, {"ended_at": None}, {"changed": False}],
    ids=str,
)
def test_what_does_not_say_how_long_a_step_takes_does_not_count(store: Store, more: dict[str, Any]) -> None:
    ended(store, 1, took=999.0, **more)
    assert store.durations() == {}
    ended(store, 2)
    assert store.durations() == {"patch": 10.0, "L": 10.0}


def test_a_clock_that_was_put_back_makes_no_step_shorter_than_nothing(store: Store) -> None:
    ended(store, 1, took=None, started_at=500.0, ended_at=100.0)
    assert store.durations()["patch"] == 0.0


def test_those_that_do_not_say_whether_they_changed_something_count_apart(store: Store) -> None:
    for number in range(20):
        ended(store, number, took=1.0, changed=None)
    ended(store, 20, took=500.0, changed=True)
    assert store.durations()["patch"] == 500.0, "else those that had nothing to do would hide it"
    for number in range(21, 41):
        ended(store, number, took=900.0, changed=None)
    assert store.durations()["patch"] == 900.0, "the longer answer is given"


def test_only_the_newest_steps_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "HISTORY_STEPS", 2)
    for number, took in enumerate((1000.0, 20.0, 10.0)):
        ended(store, number, took=took)
    assert store.durations()["patch"] == 20.0


def test_steps_are_counted_by_their_state(store: Store) -> None:
    for number, state in enumerate(("done", "done", "failed")):
        ended(store, number, state=state)
    ended(store, 3, run_id="other")
    with store._reading() as tx:
        assert history.counts(tx, "r") == {"done": 2, "failed": 1}
        assert history.counts(tx, "nobody") == {}
