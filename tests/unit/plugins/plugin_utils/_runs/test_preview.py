# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gates of a run would say, on both databases: the answers, and that the database stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Owner,
    RunNotFound,
    Store,
    StoreError,
    open_to_look,
    preview,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from tests.property import plans
from tests.unit.plugins.plugin_utils._runs.test_gate import begin, finish_host, window

OTHER = Owner("somebody@elsewhere", "elsewhere", "another boot", "pid:[1]", 1, 1)


def content(store: Store) -> dict[str, list[Any]]:
    """Everything in a database."""
    with store.engine.connect() as connection:
        return {
            name: sorted(map(repr, connection.execute(sa.select(table)))) for name, table in t.metadata.tables.items()
        }


def new(store: Store, plan: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    """Preview a new run by somebody who may only look; nothing may change."""
    before = content(store)
    looked = open_to_look(store.url)
    assert looked is not None
    found = preview.of_new_run(looked, plan, name, OTHER)
    assert content(store) == before
    return found


def continued(store: Store, run: str = "r1", **more: Any) -> dict[str, Any]:
    """Preview the resume of a run by somebody who may only look; nothing may change."""
    before = content(store)
    looked = open_to_look(store.url)
    assert looked is not None
    found = preview.of_continued_run(looked, run, OTHER, **more)
    assert content(store) == before
    return found


def said(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The answer to each step by host and kind of step."""
    return {(step["ci"], step["step"].partition(":")[0]): step["verdict"] for step in found["steps"]}


def groups(found: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """The answer to each group with who is in the way."""
    return {group["name"]: (group["verdict"], group["by"]) for group in found["groups"]}


def test_without_a_database_everybody_enters_and_waits_in_order() -> None:
    found = preview.of_new_run(None, plans.three_tiers(), None, OTHER)
    assert found["refused"] == [] and groups(found) == {"PRD": ("go", None)}
    waits = [(step["ci"], step["step"]) for step in found["steps"] if step["verdict"] == "wait"]
    assert waits == [
        ("app", "stop:PRD/app/I"),
        ("db", "stop:PRD/db/I"),
        ("app", "start:PRD/app/I"),
        ("web", "start:PRD/web/I"),
    ]
    assert len(found["steps"]) == 18 and {step["verdict"] for step in found["steps"]} == {"go", "wait"}
    first = {step["ci"]: step["step"] for step in found["steps"] if step["after"] is None}
    assert first == dict.fromkeys(("web", "app", "db"), "admit")


def test_places_are_taken_in_the_order_of_the_plan(store: Store) -> None:
    begin(store, plans.lone_hosts(1, needs={"pair": 1}, resources={"pair": 2}), run="r0")
    store.claim("r0", "h00", "admit", 1)
    rest = plans.lone_hosts(3, needs={"pair": 1}, resources={"pair": 2})
    for part in ("hosts", "groups"):
        rest[part] = rest[part][1:]
    del rest["steps"]["h00"]
    found = new(store, rest)
    assert groups(found) == {"S01": ("go", None), "S02": ("wait", "pair")}
    (place,) = found["groups"][1]["places"]
    assert (place["free"], place["capacity"], place["by"]) == (1, 2, ["S00 (run r0)"]) and not place["held"]
    assert found["groups"][1]["why"] == "pair is full: S00 (run r0), S01" and found["refused"] == []


def test_canaries_and_windows() -> None:
    plan = plans.lone_hosts(3)
    plan["groups"][0]["canary"] = True
    plan["groups"][2]["window"] = window(3600, 7200)
    found = groups(preview.of_new_run(None, plan, None, OTHER))
    assert found == {"S00": ("go", None), "S01": ("wait", "h00"), "S02": ("wait", "h00")}
    plan["groups"][0]["canary"] = False
    assert groups(preview.of_new_run(None, plan, None, OTHER))["S02"] == ("wait", "window Sunday night")
    plan["groups"][2]["window"] = window(-7200, -3600)
    assert groups(preview.of_new_run(None, plan, None, OTHER))["S02"] == ("deferred", "window Sunday night")


def test_what_another_run_has_is_named_and_the_gates_answer_all_the_same(store: Store) -> None:
    begin(store, plans.three_tiers())
    found = new(store, plans.three_tiers(), "r1")
    assert found["refused"][0] == "There is already a run r1; resume it, or choose another id."
    assert found["refused"][1].startswith("app, db, web belong to run r1, which is running, ")
    assert {(claim["ci"], claim["run"]) for claim in found["elsewhere"] if claim["kind"] == "host"} == {
        ("web", "r1"),
        ("app", "r1"),
        ("db", "r1"),
    }
    assert groups(found) == {"PRD": ("go", None)}


def test_an_interrupted_run_shows_what_is_looked_at_and_what_is_open(store: Store) -> None:
    epoch = begin(store, plans.three_tiers())
    for host in ("web", "app", "db"):
        finish_host(store, epoch, host, "admit")
    finish_host(store, epoch, "web", "stop")
    store.intend("r1", "web", "silence:web", epoch, kind="silence", before=0, wanted=1, undo={"step": "unsilence"})
    store.claim("r1", "app", "stop:PRD/app/I", epoch)
    live = continued(store)
    assert live["alive"] and "Run r1 is being worked on by" in live["refused"][0]
    assert said(live)["app", "stop"] == "look", "what it would be is told all the same"
    assert continued(store, force_by="Kim")["refused"] == []
    store.finish("r1", epoch, interrupted=True)
    found = continued(store)
    assert (found["state"], found["alive"], found["refused"]) == ("interrupted", False, [])
    assert found["taken_by"] == Owner.current().words() and found["taken_at"]
    assert found["done"] == ["T/admit", "T/stop:PRD/web/I", "T/admit", "T/admit"]
    assert [undo["key"] for undo in found["undo"]] == ["silence:web"]
    answers = said(found)
    assert answers["app", "stop"] == "look" and answers["web", "patch"] == "go" and answers["db", "stop"] == "wait"
    assert groups(found) == {"PRD": ("look", None)}


def test_who_is_left_out_blocks_by_name_and_a_spent_budget_defers(store: Store) -> None:
    epoch = begin(store, plans.lone_hosts(3, failure_budget={"count": 1}))
    store.claim("r1", "h00", "admit", epoch)
    store.abandon("r1", epoch, "h00", "no route to host", unreachable=True)
    store.claim("r1", "h01", "admit", epoch)
    store.finish("r1", epoch)
    assert groups(continued(store)) == {"S00": ("look", None), "S01": ("go", None), "S02": ("go", None)}
    found = continued(store, left_out=["h00"])
    assert found["groups"][0]["why"] == "left out by --limit" and found["groups"][0]["verdict"] == "blocked"
    assert groups(found)["S01"] == ("deferred", "h00") and "budget is spent" in found["groups"][1]["why"]


def test_a_run_that_is_over_and_one_that_is_not_there(store: Store) -> None:
    epoch = begin(store, plans.lone_hosts(1))
    finish_host(store, epoch, "h00")
    store.finish("r1", epoch)
    found = continued(store)
    assert found["refused"] == ["Run r1 is succeeded; begin a new one."] and found["groups"] == []
    with pytest.raises(RunNotFound):
        continued(store, "r9")


def test_who_looks_cannot_write(store: Store) -> None:
    looked = open_to_look(store.url)
    assert looked is not None
    with pytest.raises(StoreError, match="read-only"):
        looked.create("r1", plans.lone_hosts(1), procedure="patch", code_hash="", params={}, created_by="x")
    assert store.runs() == []
