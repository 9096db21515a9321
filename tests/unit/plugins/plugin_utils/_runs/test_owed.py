# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of notes that could not be written at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Fenced, Owner, Store, StoreError, open_store
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owed import Owed, in_words
from tests.property import plans

DRAIN = {"drain": "SIGINT"}
WEB_LEFT = {"left": "web", "why": "no route to host", "unreachable": True}
APP_LEFT = {"left": "app", "why": "disk full", "unreachable": False}
WEB_OUT = {"left_out": "web"}


def begin(store: Store) -> int:
    store.create("r1", plans.three_tiers(), procedure="patch", code_hash="c", params={}, created_by="tester")
    return store.take("r1", Owner.current())


def owed(epoch: int, *notes: dict[str, object]) -> Owed:
    made = Owed("r1", epoch)
    for note in notes:
        made.add(dict(note))
    return made


def kinds(store: Store) -> list[str]:
    return [event["kind"] for event in store.events("r1")]


def state(store: Store, ci: str, step: str) -> str:
    return str(next(row["state"] for row in store.steps("r1", ci=ci) if row["step"] == step))


def test_the_same_note_is_owed_once() -> None:
    assert owed(1, WEB_LEFT, DRAIN, WEB_LEFT).notes == [WEB_LEFT, DRAIN]
    assert len(owed(1, WEB_LEFT, {**WEB_LEFT, "why": "power"}).notes) == 2


def test_notes_are_plain_data_that_another_process_can_write(store: Store) -> None:
    epoch = begin(store)
    here = owed(epoch, WEB_LEFT, APP_LEFT, DRAIN)
    there = owed(epoch, *json.loads(json.dumps(here.notes)))
    there.write(store)
    written = kinds(store)
    here.write(store)
    assert here.notes == there.notes == [] and kinds(store) == written, "nothing is written twice"


def test_they_are_written_in_their_order(store: Store) -> None:
    epoch = begin(store)
    owed(epoch, APP_LEFT, DRAIN, WEB_LEFT).write(store)
    told = [event["ci"] or event["kind"] for event in store.events("r1")][2:]
    assert told == ["app", "draining", "web"], store.events("r1")[2:]


def test_who_was_unreachable_before_it_began_has_failed(store: Store) -> None:
    epoch = begin(store)
    owed(epoch, WEB_LEFT).write(store)
    assert state(store, "web", "admit") == "failed", "nothing was begun, so nothing is unknown"
    left = store.steps("r1", ci="web")[0]
    assert (left["left_why"], left["unreachable"], left["message"]) == ("no route to host", True, "no route to host")


@pytest.mark.parametrize(("note", "becomes"), [(WEB_LEFT, "unknown"), ({**WEB_LEFT, "unreachable": False}, "failed")])
def test_what_was_in_flight_may_have_happened_where_nobody_can_look(
    store: Store, note: dict[str, object], becomes: str
) -> None:
    epoch = begin(store)
    store.claim("r1", "web", "admit", epoch)
    owed(epoch, note).write(store)
    assert state(store, "web", "admit") == becomes


def test_only_the_first_reason_to_leave_counts(store: Store) -> None:
    epoch = begin(store)
    owed(epoch, WEB_LEFT, {**WEB_LEFT, "why": "power", "unreachable": False}, WEB_OUT).write(store)
    assert kinds(store).count("abandoned") == 1
    assert {row["left_why"] for row in store.steps("r1", ci="web")} == {"no route to host"}


def test_who_is_left_out_before_it_began_is_deferred(store: Store) -> None:
    epoch = begin(store)
    owed(epoch, WEB_OUT).write(store)
    assert state(store, "web", "admit") == "deferred"
    assert {row["left_why"] for row in store.steps("r1", ci="web")} == {"left out by --limit"}


def test_what_one_that_is_left_out_had_begun_stays_unknown(store: Store) -> None:
    epoch = begin(store)
    store.claim("r1", "web", "admit", epoch)
    epoch = store.take("r1", Owner.current(), force_by="a test")
    assert state(store, "web", "admit") == "unknown"
    owed(epoch, WEB_OUT).write(store)
    assert state(store, "web", "admit") == "unknown"
    assert {row["left_why"] for row in store.steps("r1", ci="web")} == {"left out by --limit"}, "it waits for nobody"


def test_who_is_through_is_not_left_out(store: Store) -> None:
    plan = plans.plan([plans.group("DEV", ["web"])], {"web": [plans.step("admit", system="DEV")]})
    store.create("r1", plan, procedure="patch", code_hash="c", params={}, created_by="tester")
    epoch = store.take("r1", Owner.current())
    store.end("r1", "web", "admit", epoch, store.claim("r1", "web", "admit", epoch).attempt)
    done = owed(epoch, WEB_OUT)
    done.write(store)
    assert done.notes == [] and store.steps("r1")[0]["left_why"] is None and "abandoned" not in kinds(store)


def test_who_is_not_in_the_run_cannot_leave_it(store: Store) -> None:
    epoch = begin(store)
    written = kinds(store)
    owed(epoch, {"left_out": "elsewhere"}, {**WEB_LEFT, "left": "elsewhere"}).write(store)
    assert kinds(store) == written


def test_a_controller_that_lost_its_run_writes_nothing_and_owes_it_still(store: Store) -> None:
    before = begin(store)
    store.take("r1", Owner.current(), force_by="a test")
    written = kinds(store)
    late = owed(before, WEB_LEFT, DRAIN)
    with pytest.raises(Fenced):
        late.write(store)
    assert late.notes == [WEB_LEFT, DRAIN] and kinds(store) == written


def test_what_the_database_did_not_take_is_owed_still(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    store = open_store(f"sqlite:///{folder / 'runs.db'}")
    here = owed(begin(store), WEB_LEFT, APP_LEFT)
    folder.rename(tmp_path / "away")
    with pytest.raises(StoreError):
        here.write(store)
    assert here.notes == [WEB_LEFT, APP_LEFT]
    (tmp_path / "away").rename(folder)
    here.write(store)
    assert here.notes == [] and kinds(store).count("abandoned") == 2
    store.close()


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (DRAIN, "no other step begins (SIGINT)"),
        (WEB_OUT, "web is left out by --limit"),
        (WEB_LEFT, "web is unreachable (no route to host)"),
        (APP_LEFT, "app failed (disk full)"),
    ],
)
def test_a_note_in_words(note: dict[str, object], words: str) -> None:
    assert in_words(note) == words
