# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database comes to the newest schema."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import engine as engines
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import DBAPIError, sa

FOLDER = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x6261736973  # any fixed number; two processes that migrate at once wait for each other by it


def up_to_date(engine: sa.Engine) -> None:
    """Bring the database to the newest schema. Safe when several processes do it at once.

    Raises StoreError when the database is newer than this collection, and DBAPIError from the driver.
    """
    if not engines.is_postgresql(engine):
        _write_ahead(engine)
    with engines.begin_reading(engine.connect()) as connection, connection.begin():
        if _revision(connection) == schema.REVISION:
            return
    with engine.connect() as connection, connection.begin():
        if engines.is_postgresql(engine):
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        found = _revision(connection)  # somebody may have been faster
        if found != schema.REVISION:
            _upgrade(connection, found)


def is_there(engine: sa.Engine) -> bool:
    """Whether the database has our tables; makes none. Raises StoreError when they are not of the newest schema."""
    with engines.begin_reading(engine.connect()) as connection, connection.begin():
        found = _revision(connection)
    if found is None:
        return False
    if found != schema.REVISION:
        if found not in known_revisions():
            raise StoreError(_newer(found))
        raise StoreError(
            f"The run database has schema {found}, this release needs {schema.REVISION}, and a look changes nothing."
            " Bring it up to date first: ansible-playbook basis.landscape.show_run"
        )
    return True


def known_revisions() -> list[str]:
    """All migrations of this collection, oldest first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


def _scripts() -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER / "versions")])


def _upgrade(connection: sa.Connection, found: str | None) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    if found is not None and found not in known_revisions():
        raise StoreError(_newer(found))
    scripts = _scripts()

    def steps(revision: Any, _context: Any) -> Any:
        return scripts._upgrade_revs("head", revision)  # what alembic's own "upgrade" command calls

    with EnvironmentContext(Config(), scripts, fn=steps, destination_rev="head") as environment:
        environment.configure(
            connection=connection,
            target_metadata=schema.metadata,
            version_table=schema.VERSION_TABLE,
            transactional_ddl=True,
        )
        environment.run_migrations()


def _newer(found: str) -> str:
    return (
        f"The run database has schema {found}, which is newer than this release of basis.landscape knows"
        f" ({schema.REVISION}). Update the collection on this controller."
    )


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(schema.VERSION_TABLE):
        return None
    return connection.execute(sa.text(f"SELECT version_num FROM {schema.VERSION_TABLE}")).scalar()


def _write_ahead(engine: sa.Engine) -> None:
    """Switch a SQLite file to its write-ahead log; the switch needs the file for itself for a moment."""
    deadline = time.monotonic() + engines.BUSY_SECONDS
    while True:
        raw = engine.raw_connection()
        try:
            cursor = raw.cursor()
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                return
            answer = cursor.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            if answer == "wal":
                return
            raise StoreError(
                f"SQLite refuses the write-ahead log for the run database {engine.url.database} ({answer})."
            )
        except engine.dialect.loaded_dbapi.DatabaseError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise DBAPIError.instance(None, None, error, engine.dialect.loaded_dbapi.Error) from error
            time.sleep(0.05)
        finally:
            raw.close()
