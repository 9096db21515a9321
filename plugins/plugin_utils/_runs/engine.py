# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database is reached: its settings, its errors in words."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError, Unavailable
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import (
    ArgumentError,
    DBAPIError,
    NullPool,
    StaticPool,
    require,
    sa,
)

BUSY_SECONDS = 30
NETWORK_FILE_SYSTEMS = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"}
    | {"fuse.vmhgfs-fuse", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs"}
    | {"pvfs2", "smb2", "smb3", "smbfs", "vboxsf"}
)
WAL_RESET_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""SQLite releases that repaired the WAL-reset bug (sqlite.org, "WAL-reset bug"): two backports, then the main line."""


def connect(url: str) -> sa.Engine:
    """An engine for ``url``; no connection is opened yet and none is ever kept.

    A pool would carry connections over the forks that Ansible does for every task. Raises StoreError for a URL that
    cannot be used.
    """
    require()
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "The run database's URL is not one; use sqlite:////path or postgresql://user@host/name."
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        return _postgresql(parsed)
    raise StoreError(f"The run database can be SQLite or PostgreSQL, not {backend}.")


def connect_to_look(url: str) -> sa.Engine | None:
    """An engine for ``url`` that the database itself lets write nothing; None when there is no file of that name.

    Raises StoreError as `connect` does.
    """
    require()
    with contextlib.suppress(ArgumentError):
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").expanduser().exists():
            return None
    made = connect(url)
    if is_postgresql(made):
        # One state of everything for all that is read in one transaction.
        return made.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @sa.event.listens_for(made, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA query_only=ON")

    return made


def in_memory() -> sa.Engine:
    """An engine for a database that is gone with this process; it has one connection."""
    require()
    made = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    settle_sqlite(made)
    return made


def is_postgresql(engine: sa.Engine) -> bool:
    """Whether the engine speaks to PostgreSQL."""
    return engine.dialect.name == "postgresql"


def warnings(engine: sa.Engine) -> list[str]:
    """What a person should know about this database, said once."""
    if is_postgresql(engine):
        return []
    version = sqlite3.sqlite_version_info
    repaired = version >= WAL_RESET_FIXED[-1] or any(
        version[:2] == fixed[:2] and version >= fixed for fixed in WAL_RESET_FIXED
    )
    if repaired:
        return []
    return [
        f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug (repaired in 3.44.6, 3.50.7, 3.51.3). The run database"
        " avoids what triggers it: one process alone writes the log back. PostgreSQL is free of it."
    ]


def network_file_system(path: Path) -> str | None:
    """The type of the network file system that ``path`` lies on, None when it lies on a local one."""
    wanted = os.path.realpath(path)
    best, kind = "", ""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        fields = line.split()
        if len(fields) < 3:
            continue
        mount = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = wanted == mount or wanted.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[2]
    return kind if kind in NETWORK_FILE_SYSTEMS else None


def in_words(error: DBAPIError, engine: sa.Engine) -> Unavailable:
    """The driver's error as one sentence about the run database."""
    where = engine.url.render_as_string(hide_password=True)
    full = ["full", "no space left"]
    if not is_postgresql(engine):
        where = str(engine.url.database)
        if _no_room(Path(where).parent):  # where SQLite cannot make its side files, it speaks of an I/O error only
            full.append("i/o error")
    said = str(error.orig).strip().splitlines()[0] if error.orig and str(error.orig).strip() else type(error).__name__
    lower = said.lower()
    reasons = (
        (full, "its disk is full; make room, then go on with the same run"),
        (("readonly", "read-only"), "it is read-only for this user"),
        (("unable to open", "permission denied"), "it cannot be opened; look at the folder and its permissions"),
        (("not a database", "malformed"), "the file is damaged or is no SQLite database"),
        (("locked",), f"another process kept it locked for more than {BUSY_SECONDS} seconds"),
        (("too many clients", "connection slots"), "the server has no connection left (max_connections)"),
        (("password", "authentication"), "the server does not accept this user or password"),
        (("i/o error",), "its disk reports an error"),
        (("does not exist",), "something in it does not exist"),
        (("connection", "server closed", "terminating", "starting up", "shutting down", "timeout"), "no connection"),
    )
    why = next((text for words, text in reasons if any(word in lower for word in words)), "an unexpected answer")
    return Unavailable(f"Could not use the run database {where}: {why} ({said}). Nothing was half written.")


def _no_room(folder: Path) -> bool:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < 1 << 16


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed a moment later: connection lost, server restarting, deadlock."""
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state[:2] in ("08", "40", "57", "53") and state != "53100"  # 53100 is a full disk
    said = str(error.orig).lower()
    if any(word in said for word in ("authentication", "password", "does not exist", "no pg_hba")):
        return False
    return "connection" in said or "too many clients" in said


def begin_reading(connection: sa.Connection) -> sa.Connection:
    """Mark a connection's next transaction as one that only reads."""
    return connection.execution_options(basis_reads=True)


def _sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("A run database in memory would be lost with its process; give a file: sqlite:////path.")
    path = Path(url.database).expanduser().absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made without being opened: closing a file that SQLite has open elsewhere in this process drops SQLite's locks.
        with contextlib.suppress(FileExistsError):
            os.mknod(path, 0o600 | stat.S_IFREG)
    except OSError as error:
        raise StoreError(f"Could not open the run database {path}: {error.strerror}.") from error
    kind = network_file_system(path)
    if kind:
        raise StoreError(
            f"The run database {path} lies on a network file system ({kind}), where SQLite loses its locks. Use a local"
            " folder, or PostgreSQL when several controllers share it."
        )
    engine = sa.create_engine(
        url.set(database=str(path)),
        poolclass=NullPool,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    settle_sqlite(engine)
    stand_in_line(engine, path.with_name(path.name + ".line"))
    return engine


def settle_sqlite(engine: sa.Engine, *, synchronous: str = "FULL") -> None:
    """Give every connection of a SQLite engine our settings.

    Writers begin with IMMEDIATE: reading first and asking for the lock later fails under load. FULL, since an intent
    must survive a power cut. No connection writes the log back by itself: the sidecar does it, alone, and without one
    the last connection that closes.
    """

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA synchronous={synchronous}")
            cursor.execute("PRAGMA wal_autocheckpoint=0")
        finally:
            cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        reads = connection.get_execution_options().get("basis_reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def stand_in_line(engine: sa.Engine, path: Path) -> None:
    """Let the writers of a SQLite engine queue for the lock of the file ``path`` before they ask SQLite for its own.

    SQLite lets waiters ask again and again, whoever comes first: of two hundred at once some wait longer than any
    timeout, and all of them burn the processor. The kernel keeps them in line. Only the order is at stake: a lock that
    is given back a moment early, or with its process, does no harm, since SQLite's own lock still stands behind it.
    """

    @sa.event.listens_for(engine, "begin", insert=True)
    def on_begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("basis_reads"):
            return
        line = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(line, fcntl.LOCK_EX)
        except BaseException:
            os.close(line)
            raise
        connection.info["line"] = line

    @sa.event.listens_for(engine, "commit")
    @sa.event.listens_for(engine, "rollback")
    def on_end(connection: sa.Connection) -> None:
        leave(connection.info)

    @sa.event.listens_for(engine, "checkin")
    def on_checkin(_connection: Any, record: Any) -> None:
        leave(record.info)

    def leave(info: dict[Any, Any]) -> None:
        line = info.pop("line", None)
        if line is not None:
            os.close(line)


def _postgresql(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            isolation_level="READ COMMITTED",
            connect_args={
                "connect_timeout": 10,
                "application_name": "basis.landscape",
                "options": "-c lock_timeout=30s -c statement_timeout=120s -c idle_in_transaction_session_timeout=60s",
            },
        )
    except ImportError as error:
        raise StoreError("PostgreSQL as run database needs psycopg 3: pip install 'psycopg[binary]'.") from error
