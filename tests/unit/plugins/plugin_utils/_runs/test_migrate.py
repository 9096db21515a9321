# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database comes to the newest schema."""

from __future__ import annotations

import multiprocessing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Owner,
    StoreError,
    engine,
    migrate,
    open_store,
    open_to_look,
    schema,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from tests.property import plans


def test_the_migrations_make_the_schema_that_the_code_uses(url: str) -> None:
    made = engine.connect(url)
    migrate.up_to_date(made)
    with made.connect() as connection, connection.begin():
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
        assert compare_metadata(context, schema.metadata) == []
    assert migrate.known_revisions()[-1] == schema.REVISION


def test_a_newer_database_is_refused(url: str) -> None:
    store = open_store(url)
    with store.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"schema 9999, which is newer.*Update the collection"):
        open_store(url)


def test_a_look_makes_nothing_and_brings_nothing_up_to_date(url: str) -> None:
    assert open_to_look(url) is None
    made = engine.connect(url)  # of SQLite there is an empty file now
    assert open_to_look(url) is None and not migrate.is_there(made)
    store = open_store(url)
    for revision, words in (("0002", "schema 0002, this release needs .*show_run"), ("9999", "9999, which is newer")):
        with store.engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '{revision}'"))
        with pytest.raises(StoreError, match=words):
            open_to_look(url)
        with store.engine.connect() as connection:
            found = connection.execute(sa.text(f"SELECT version_num FROM {schema.VERSION_TABLE}")).scalar()
        assert found == revision


def test_what_is_in_an_up_to_date_database_stays(url: str) -> None:
    store = open_store(url)
    with store.engine.begin() as connection:
        connection.execute(sa.insert(schema.resource).values(name="x", capacity=3))
    again = open_store(url)
    with again.engine.connect() as connection:
        assert connection.execute(sa.select(schema.resource.c.capacity)).scalar() == 3


def test_fences_go_on_above_those_that_an_older_release_gave_out(url: str) -> None:
    made = engine.connect(url)
    migrate.up_to_date(made)
    with made.begin() as connection:  # as the older release left it
        for table in ("plan", "fence"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
        for table, column in (("run", "fence"), ("step", "started_boottime"), ("step", "took"), ("step", "changed")):
            connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(sa.text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0002'"))
        for run, created_at, epoch in (("old", 5_000.9, 7), ("ahead", 9_000_000_000.4, 3)):
            connection.execute(
                sa.text(
                    "INSERT INTO run (id, procedure, plan_hash, code_hash, state, epoch, plan, params, created_at,"
                    " created_by) VALUES (:run, 'patch', '', '', 'partial', :epoch, '{}', '{}', :created_at, 'x')"
                ),
                {"run": run, "created_at": created_at, "epoch": epoch},
            )
    store = open_store(url)
    store.create("new", plans.lone_hosts(1), procedure="patch", code_hash="c", params={}, created_by="x")
    store.take("new", Owner.current())
    assert store.run("new")["fence"] == 9_000_000_000 * 1000 + 3 + 1


def test_what_the_results_of_an_older_release_say_of_changes_is_taken_over(url: str) -> None:
    store = open_store(url)
    results = {
        "a": ("reboot", '{"rebooted": false, "required": true}', False),
        "b": ("reboot", '{"rebooted": true, "required": true}', True),
        "c": ("patch", '{"boot_id": "x", "changed": false, "packages": []}', False),
        "d": ("patch", '{"boot_id": "x", "changed": true, "packages": ["y"]}', True),
        "e": ("stop", '{"changed": true}', None),
        "f": ("patch", None, None),
    }
    with store.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE step DROP COLUMN changed"))
        connection.execute(sa.text("DROP TABLE plan"))
        connection.execute(sa.text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0003'"))
        for step, (kind, result, _changed) in results.items():
            connection.execute(
                sa.text(
                    "INSERT INTO step (run_id, ci, step, seq, kind, label, state, result)"
                    " VALUES ('old', 'web', :step, 1, :kind, '', 'done', :result)"
                ),
                {"step": step, "kind": kind, "result": result},
            )
    with open_store(url).engine.connect() as connection:
        found = dict(connection.execute(sa.select(schema.step.c.step, schema.step.c.changed)).all())
    assert found == {step: changed for step, (_kind, _result, changed) in results.items()}


def _open(url: str, barrier: object, answers: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    try:
        open_store(url).close()
        answers.put(None)  # type: ignore[attr-defined]
    except Exception as error:
        answers.put(repr(error))  # type: ignore[attr-defined]


def test_many_processes_open_a_new_database_at_once(url: str) -> None:
    fork = multiprocessing.get_context("fork")
    barrier, answers = fork.Barrier(6), fork.Queue()
    processes = [fork.Process(target=_open, args=(url, barrier, answers)) for _other in range(6)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _other in processes] == [None] * 6
    for process in processes:
        process.join(30)
    assert open_store(url).runs() == []
