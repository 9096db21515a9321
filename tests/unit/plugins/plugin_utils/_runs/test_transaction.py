# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction leaves in the chain of events."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, Store, chain, history
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.transaction import Transaction
from tests import postgres
from tests.property import plans


@contextlib.contextmanager
def begun(store: Store, clock: Callable[[], float] | None = None) -> Iterator[Transaction]:
    """A transaction that is committed when nothing goes wrong; ``close`` is for the test."""
    with store.engine.connect() as connection, connection.begin():
        yield Transaction(connection, clock)


def events(store: Store, run: str) -> list[dict[str, Any]]:
    """What a run's chain has, whether there is such a run or not."""
    with begun(store) as tx:
        return history.events(tx, run, 0)


def test_the_first_event_follows_the_start_and_each_other_one_the_one_before(store: Store) -> None:
    for kinds in (("a", "b"), ("c",)):
        with begun(store) as tx:
            for kind in kinds:
                tx.event("r1", 3, kind)
            tx.close()
    found = events(store, "r1")
    assert [(event["n"], event["kind"], event["epoch"]) for event in found] == [(1, "a", 3), (2, "b", 3), (3, "c", 3)]
    with begun(store) as tx:
        rows = [dict(row._mapping) for row in tx.all(sa.select(t.event).order_by(t.event.c.n))]
        last = tx.one(sa.select(t.chain))
    before = chain.START
    for row in rows:
        before = chain.link(before, row)
        assert row["hash"] == before
    assert (last.run_id, last.n, last.hash) == ("r1", 3, before)


def test_every_run_has_a_chain_of_its_own(store: Store) -> None:
    for told in ((("r2", "a"), ("r1", "b"), ("r2", "c")), (("r1", "d"),), (("r2", "e"), ("r1", "f"))):
        with begun(store) as tx:
            for run, kind in told:
                tx.event(run, 1, kind)
            tx.close()
    for run, kinds in (("r1", "bdf"), ("r2", "ace")):
        assert [(event["n"], event["kind"]) for event in events(store, run)] == list(enumerate(kinds, 1))
        before = chain.START
        for event in events(store, run):
            before = chain.link(before, {**event, "data": "{}"})
            assert event["hash"] == before


def test_an_event_names_who_did_it_and_only_what_is_known(store: Store) -> None:
    with begun(store) as tx:
        tx.event("r1", 1, "a", "web", "stop", why=None, places=[], attempt=0, message="")
        tx.event("r1", 1, "b", actor="jdoe")
        tx.close()
    first, second = events(store, "r1")
    assert (first["actor"], first["ci"], first["step"]) == ("controller", "web", "stop")
    assert first["data"] == {"places": [], "attempt": 0, "message": ""}, "nothing is left out but None"
    assert (second["actor"], second["ci"], second["step"], second["data"]) == ("jdoe", None, None, {})


def test_what_is_closed_twice_is_written_once(store: Store) -> None:
    with begun(store) as tx:
        tx.event("r1", 1, "a")
        tx.close()
        tx.close()
    assert len(events(store, "r1")) == 1


def test_only_events_are_told(store: Store) -> None:
    with begun(store) as tx:
        tx.insert(t.resource, [{"name": "x", "capacity": 1}])
        assert tx.do(sa.update(t.resource).values(capacity=2)) == 1
        tx.close()
        assert not tx.told
        tx.event("r1", 1, "a")
        assert not tx.told, "not before it is written"
        tx.close()
        assert tx.told


def test_nothing_is_left_of_a_transaction_that_fails_after_its_events(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), begun(store) as tx:
        tx.event("r1", 1, "a")
        tx.close()
        raise ZeroDivisionError
    assert events(store, "r1") == []
    with begun(store) as tx:
        assert tx.one(sa.select(t.chain)) is None


def test_a_transaction_is_one_instant_and_the_next_one_another(store: Store) -> None:
    ticks = itertools.count(100.0)
    with begun(store, lambda: next(ticks)) as tx:
        assert (tx.now(), tx.now()) == (100.0, 100.0)
        tx.event("r1", 1, "a")
        tx.event("r1", 1, "b")
        tx.close()
    with begun(store, lambda: next(ticks)) as tx:
        assert tx.now() == 101.0
    assert [event["at"] for event in events(store, "r1")] == [100.0, 100.0]
    assert events(store, "r1")[0]["at_controller"] > 1e9, "by this machine's clock, whatever the database's says"


def test_the_clock_of_a_server_is_the_one_that_counts() -> None:
    server = postgres.require()
    url = server.database()
    try:
        server.move_clock(url, 5000.0)
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            ahead = Transaction(connection, None).now()
        with engine.connect() as connection:
            row = connection.execute(sa.text("SELECT extract(epoch FROM pg_catalog.clock_timestamp())")).scalar()
        assert 4990.0 < ahead - float(row) < 5010.0
        engine.dispose()
    finally:
        server.drop(url)


def test_what_is_read_comes_as_it_was_asked_for(store: Store) -> None:
    with begun(store) as tx:
        tx.insert(t.resource, [])
        assert (tx.one(sa.select(t.resource)), tx.scalar(sa.select(t.resource.c.name))) == (None, None)
        tx.insert(t.resource, [{"name": name, "capacity": None} for name in "ab"])
        query = sa.select(t.resource.c.name).order_by(t.resource.c.name)
        assert (tx.scalar(query), list(tx.scalars(query)), len(tx.all(query))) == ("a", ["a", "b"], 2)
        named = sa.select(t.resource.c.name).where(t.resource.c.name == sa.bindparam("wanted"))
        assert tx.one(named, wanted="b").name == "b" and tx.one(named, wanted="c") is None


def test_two_writers_of_one_run_do_not_tear_its_chain(store: Store) -> None:
    """The second one counts on from what the first one has written, not from what it saw before."""
    store.create("r1", plans.three_tiers(), procedure="patch", code_hash="c", params={}, created_by="tester")
    epoch = store.take("r1", Owner.current())
    other = Store(store.engine)
    for host, by in (("web", store), ("app", other), ("db", store)):
        by.claim("r1", host, "admit", epoch)
    assert [event["n"] for event in store.events("r1")] == list(range(1, len(store.events("r1")) + 1))
    assert store.verify_chain("r1") is None
