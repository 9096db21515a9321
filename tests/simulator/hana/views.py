# SPDX-License-Identifier: GPL-3.0-or-later
"""The system views of the simulated HANA: their columns, their rows.

Columns without a star are published or seen in public scripts; those with one come from memory, lengths always do.
Invented: without CATALOG READ a view is empty but for one's own database or connection. A database sees itself; from
SYSTEMDB, schema SYS_DATABASES shows the active databases' views with DATABASE_NAME in front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from .answers import Column, Session
from .backups import COMPLETE, DIFFERENTIAL, INCREMENTAL, BackupFile, Entry
from .database import SYSTEMDB, Database, System, utc

Row = tuple[Any, ...]

# View: columns as NAME TYPE[(length)], with * when only remembered.
VIEWS: dict[str, str] = {
    "DUMMY": "DUMMY NVARCHAR(1)",
    "M_DATABASE": """SYSTEM_ID NVARCHAR(3), DATABASE_NAME NVARCHAR(256), HOST NVARCHAR(64),
        VERSION NVARCHAR(32), START_TIME TIMESTAMP, USAGE NVARCHAR(32)""",
    "M_DATABASES": """DATABASE_NAME NVARCHAR(256), DESCRIPTION NVARCHAR(5000), ACTIVE_STATUS NVARCHAR(16),
        ACTIVE_STATUS_DETAILS NVARCHAR(5000), OS_USER NVARCHAR(256), OS_GROUP NVARCHAR(256), RESTART_MODE NVARCHAR(32),
        FALLBACK_SNAPSHOT_CREATE_TIME TIMESTAMP""",
    "M_BACKUP_CATALOG": """ENTRY_ID BIGINT, ENTRY_TYPE_NAME NVARCHAR(64), BACKUP_ID BIGINT, SYS_START_TIME TIMESTAMP,
        UTC_START_TIME TIMESTAMP, SYS_END_TIME TIMESTAMP, UTC_END_TIME TIMESTAMP, STATE_NAME NVARCHAR(32),
        COMMENT NVARCHAR(128), MESSAGE NVARCHAR(4000)""",
    "M_BACKUP_CATALOG_FILES": """ENTRY_ID BIGINT*, BACKUP_ID BIGINT, SOURCE_ID INTEGER*,
        SERVICE_TYPE_NAME NVARCHAR(32)*, HOST NVARCHAR(64)*, SOURCE_TYPE_NAME NVARCHAR(32)*,
        DESTINATION_TYPE_NAME NVARCHAR(32)*, DESTINATION_PATH NVARCHAR(1024)*,
        BACKUP_SIZE BIGINT, EXTERNAL_BACKUP_ID NVARCHAR(1024)*,
        REDO_LOG_POSITION BIGINT*, FIRST_REDO_LOG_POSITION BIGINT*, LAST_REDO_LOG_POSITION BIGINT*""",
    "M_BACKUP_PROGRESS": """BACKUP_ID BIGINT, HOST NVARCHAR(64), PORT INTEGER, SERVICE_NAME NVARCHAR(32),
        ENTRY_TYPE_NAME NVARCHAR(64), SYS_START_TIME TIMESTAMP*, UTC_START_TIME TIMESTAMP, SYS_END_TIME TIMESTAMP*,
        UTC_END_TIME TIMESTAMP, STATE_NAME NVARCHAR(32), BACKUP_SIZE BIGINT, TRANSFERRED_SIZE BIGINT,
        MESSAGE NVARCHAR(4000)*, DESTINATION_TYPE_NAME NVARCHAR(32)*""",
    "M_BACKUP_SIZE_ESTIMATIONS": """HOST NVARCHAR(64), PORT INTEGER, SERVICE_NAME NVARCHAR(32),
        ENTRY_TYPE_NAME NVARCHAR(64), ESTIMATED_SIZE BIGINT""",
    "M_SERVICES": """HOST NVARCHAR(64), PORT INTEGER, SERVICE_NAME NVARCHAR(32), PROCESS_ID INTEGER,
        DETAIL NVARCHAR(32)*, ACTIVE_STATUS NVARCHAR(16),
        SQL_PORT INTEGER, COORDINATOR_TYPE NVARCHAR(16), IS_DATABASE_LOCAL NVARCHAR(5)""",
    "M_VOLUMES": """HOST NVARCHAR(64)*, PORT INTEGER*, SERVICE_NAME NVARCHAR(32)*, VOLUME_ID INTEGER*,
        SUBPATH NVARCHAR(256)""",
    "M_DISKS": """DISK_ID BIGINT, DEVICE_ID BIGINT, HOST NVARCHAR(64), USAGE_TYPE NVARCHAR(32), PATH NVARCHAR(512),
        TOTAL_SIZE BIGINT, USED_SIZE BIGINT""",
    "M_INIFILE_CONTENTS": """FILE_NAME NVARCHAR(64), LAYER_NAME NVARCHAR(16), TENANT_NAME NVARCHAR(256)*,
        HOST NVARCHAR(64), SECTION NVARCHAR(128), KEY NVARCHAR(128), VALUE NVARCHAR(5000)""",
    "M_ENCRYPTION_OVERVIEW": """SCOPE NVARCHAR(32)*, IS_ENCRYPTION_ACTIVE NVARCHAR(5)*,
        ENCRYPTION_ACTIVE_AFTER_NEXT_SAVEPOINT NVARCHAR(5)*, ROOT_KEY_HASH NVARCHAR(64)*""",
    "M_SERVICE_REPLICATION": """HOST NVARCHAR(64), PORT INTEGER, VOLUME_ID INTEGER, SITE_ID INTEGER,
        SITE_NAME NVARCHAR(256), SECONDARY_HOST NVARCHAR(64), SECONDARY_PORT INTEGER, SECONDARY_SITE_ID INTEGER,
        SECONDARY_SITE_NAME NVARCHAR(256), SECONDARY_ACTIVE_STATUS NVARCHAR(16), REPLICATION_MODE NVARCHAR(16),
        REPLICATION_STATUS NVARCHAR(16), REPLICATION_STATUS_DETAILS NVARCHAR(1024), BACKLOG_SIZE BIGINT,
        BACKLOG_TIME BIGINT, REPLAY_BACKLOG_SIZE BIGINT, REPLAY_BACKLOG_TIME BIGINT, OPERATION_MODE NVARCHAR(32)""",
    "M_SYSTEM_OVERVIEW": "SECTION NVARCHAR(64)*, NAME NVARCHAR(64)*, STATUS NVARCHAR(16)*, VALUE NVARCHAR(5000)*",
    "M_LICENSE": """HARDWARE_KEY NVARCHAR(64)*, SYSTEM_ID NVARCHAR(3)*, PRODUCT_LIMIT INTEGER*, VALID NVARCHAR(5)*,
        PERMANENT NVARCHAR(5)*, EXPIRATION_DATE TIMESTAMP*""",
    "M_MONITOR_COLUMNS": """VIEW_NAME NVARCHAR(256), POSITION INTEGER, VIEW_COLUMN_NAME NVARCHAR(256),
        DATA_TYPE_NAME NVARCHAR(32), UNIT NVARCHAR(32), DESCRIPTION NVARCHAR(5000)""",
    "M_CONNECTIONS": """HOST NVARCHAR(64), PORT INTEGER, CONNECTION_ID INTEGER, USER_NAME NVARCHAR(256),
        CONNECTION_STATUS NVARCHAR(16), OWN NVARCHAR(5)""",
    "USERS": """USER_NAME NVARCHAR(256)*, USER_DEACTIVATED NVARCHAR(5)*, INVALID_CONNECT_ATTEMPTS BIGINT*,
        PASSWORD_CHANGE_NEEDED NVARCHAR(8)*""",
}
# These a user may see without CATALOG READ.
OPEN = frozenset({"DUMMY", "M_DATABASE", "M_CONNECTIONS", "M_MONITOR_COLUMNS"})


@cache
def columns(view: str) -> tuple[Column, ...]:
    """The columns of a view."""
    found = []
    for text in VIEWS[view].split(","):
        name, sort = text.strip().rstrip("*").split()
        sort, _bracket, length = sort.rstrip(")").partition("(")
        found.append(Column(name, sort, int(length or 0), table=view))
    return tuple(found)


@cache
def wide(view: str) -> tuple[Column, ...]:
    """The columns of a view in schema SYS_DATABASES."""
    return (Column("DATABASE_NAME", "NVARCHAR", 256, table=view), *columns(view))


class Views:
    """The rows of one system's views."""

    def __init__(self, system: System, sessions: dict[int, Session]) -> None:
        self._system = system
        self._sessions = sessions
        self._fixed: dict[str, list[Any]] = {}

    def rows(
        self, view: str, database: Database, session: Session, fixed: dict[str, list[Any]], *, all_databases: bool
    ) -> Iterator[Row]:
        """The rows of a view as a session of ``database`` sees them.

        ``fixed`` are columns that must have one of few values anyway; they make a catalog of 100,000 entries quick.
        """
        user = database.users.get(session.user)
        if view not in OPEN and (user is None or "CATALOG READ" not in user.privileges):
            return iter(())
        self._fixed = fixed
        make: Callable[[Database, Session], Iterator[Row]] = getattr(self, "_" + view.lower())
        if not all_databases:
            return make(database, session)
        names = fixed.get("DATABASE_NAME", self._system.databases)
        shown = [one for one in self._system.databases.values() if one.active and one.name in names]
        # Not lazy: what is wanted of the catalog is said in ``fixed``, which is the next statement's soon.
        return iter([(one.name, *row) for one in shown for row in make(one, session)])

    def _entries(self, database: Database) -> list[Entry]:
        """The catalog's entries that may be wanted."""
        ids, kinds = self._fixed.get("BACKUP_ID"), self._fixed.get("ENTRY_TYPE_NAME")
        entries: list[Entry] = database.backups.catalog.entries
        if ids is not None and all(isinstance(ident, int) for ident in ids):
            found = [database.backups.catalog.find(ident) for ident in sorted(set(ids))]
            entries = [entry for entry in found if entry is not None]
        return [entry for entry in entries if kinds is None or entry.kind in kinds]

    def _dummy(self, database: Database, session: Session) -> Iterator[Row]:
        yield ("X",)

    def _m_database(self, database: Database, session: Session) -> Iterator[Row]:
        system = self._system
        started = utc(database.started)
        usage = database.parameter("system_information", "usage").upper()
        yield (system.sid, database.name, system.instance.host, system.options.version, started, usage)

    def _m_databases(self, database: Database, session: Session) -> Iterator[Row]:
        every = list(self._system.databases.values()) if database.name == SYSTEMDB else [database]
        for one in every:
            description = f"{one.name}-{one.system.sid}" if one.name != SYSTEMDB else f"SystemDB-{one.system.sid}"
            detail = "recovery in progress" if one.backups.recovery is not None else ""
            yield (one.name, description, one.status, detail, "", "", "DEFAULT", None)

    def _m_backup_catalog(self, database: Database, session: Session) -> Iterator[Row]:
        return map(self._entry, self._entries(database))

    @staticmethod
    def _entry(entry: Entry) -> Row:
        if entry.row is not None:
            return entry.row
        start, end, ident = utc(entry.start), utc(entry.end), entry.backup_id
        times, said = (start, start, end, end), (entry.comment or None, entry.message)
        row = (ident, entry.kind, ident, *times, entry.state, *said)
        if entry.state in ("successful", "failed", "canceled"):
            entry.row = row
        return row

    def _m_backup_catalog_files(self, database: Database, session: Session) -> Iterator[Row]:
        return self._files(database, self._entries(database))

    @staticmethod
    def _files(database: Database, entries: list[Entry]) -> Iterator[Row]:
        for entry in entries:
            files: list[BackupFile] = database.backups.files_of(entry)
            for file in files:
                yield (
                    entry.backup_id,
                    entry.backup_id,
                    file.source_id,
                    file.service,
                    file.host,
                    file.source,
                    file.medium,
                    file.path,
                    file.size,
                    file.external or None,
                    file.last,
                    file.first,
                    file.last,
                )

    def _m_backup_progress(self, database: Database, session: Session) -> Iterator[Row]:
        run = database.backups.progress
        if run is None:
            return
        entry: Entry = run.entry
        start, end = utc(entry.start), utc(entry.end)
        for file in run.sizes:
            if file.source_id:
                done = int(file.size * run.share)
                yield (
                    entry.backup_id,
                    file.host,
                    database.internal_port,
                    file.service,
                    entry.kind,
                    start,
                    start,
                    end,
                    end,
                    entry.state,
                    file.size,
                    done,
                    entry.message or None,
                    file.medium,
                )

    def _m_backup_size_estimations(self, database: Database, session: Session) -> Iterator[Row]:
        for kind in (COMPLETE, DIFFERENTIAL, INCREMENTAL):
            size = database.backups.estimate(kind)
            yield (self._system.instance.host, database.internal_port, database.service, kind, size)

    def _m_services(self, database: Database, session: Session) -> Iterator[Row]:
        host, pid = self._system.instance.host, 5000 + 10 * database.place
        if database.name == SYSTEMDB:
            yield (host, self._system.base, "daemon", 4990, "", "YES", 0, "NONE", "TRUE")
        for index, instance in enumerate(
            self._system.instances if database.name != SYSTEMDB else [self._system.instance]
        ):
            master = "MASTER" if index == 0 else "SLAVE"
            active = "YES" if instance.running else "NO"
            service, port, sql = database.service, database.internal_port, database.sql_port
            yield (instance.host, port, service, pid + index, master.lower(), active, sql, master, "TRUE")

    def _m_volumes(self, database: Database, session: Session) -> Iterator[Row]:
        hosts = self._system.instances if database.name != SYSTEMDB else [self._system.instance]
        for index, instance in enumerate(hosts):
            volume = database.volume + index
            path = f"mnt{index + 1:05d}/hdb{volume:05d}.{database.dbid:05d}"
            yield (instance.host, database.internal_port, database.service, volume, path)

    def _m_disks(self, database: Database, session: Session) -> Iterator[Row]:
        options = self._system.options
        place = {
            "DATA": ("basepath_datavolumes", options.disk_bytes * 2, options.disk_bytes),
            "LOG": ("basepath_logvolumes", options.disk_bytes, options.disk_bytes // 4),
            "DATA_BACKUP": ("basepath_databackup", options.backup_disk_bytes, None),
            "LOG_BACKUP": ("basepath_logbackup", options.backup_disk_bytes, None),
        }
        backed_up = sum(one.backups.used() for one in self._system.databases.values())
        for number, (usage, (key, total, used)) in enumerate(place.items(), 1):
            path = database.parameter("persistence", key) + "/"
            used = backed_up if used is None else used
            yield (number, 64768 + number, self._system.instance.host, usage, path, total, min(total, used))

    def _m_inifile_contents(self, database: Database, session: Session) -> Iterator[Row]:
        for (file, layer, tenant, section, key), value in sorted(self._system.ini.items()):
            if layer != "DATABASE" or database.name in (SYSTEMDB, tenant):
                yield (file, layer, tenant, "", section, key, value)

    def _m_encryption_overview(self, database: Database, session: Session) -> Iterator[Row]:
        for scope, key in (("PERSISTENCE", "PERSISTENCE"), ("LOG", "LOG"), ("BACKUP", "BACKUP")):
            active = "TRUE" if database.encryption and scope == "BACKUP" else "FALSE"
            yield (scope, active, active, database.key_id(key))

    def _m_service_replication(self, database: Database, session: Session) -> Iterator[Row]:
        for row in self._system.options.replication:
            yield tuple(row.get(column.name) for column in columns("M_SERVICE_REPLICATION"))

    def _m_system_overview(self, database: Database, session: Session) -> Iterator[Row]:
        full = [e for e in database.backups.catalog.entries if e.kind == COMPLETE and e.state == "successful"]
        yield ("System", "Instance ID", "", self._system.sid)
        yield ("System", "Version", "", self._system.options.version)
        yield ("Services", "All Started", "OK", "Yes")
        yield ("Backup", "Last Data Backup", "OK" if full else "WARNING", str(utc(full[-1].end)) if full else "none")

    def _m_license(self, database: Database, session: Session) -> Iterator[Row]:
        until: datetime | None = None
        if database.foreign:
            now = utc(database.started)
            until = now + timedelta(days=90) if now is not None else None
        key = f"H{self._system.base:05d}{database.dbid:05d}"
        yield (key, self._system.sid, 64, "TRUE", "FALSE" if database.foreign else "TRUE", until)

    def _m_monitor_columns(self, database: Database, session: Session) -> Iterator[Row]:
        for view in sorted(VIEWS):
            for position, column in enumerate(columns(view), 1):
                yield (view, position, column.name, column.type, "", "")

    def _m_connections(self, database: Database, session: Session) -> Iterator[Row]:
        user = database.users.get(session.user)
        everything = user is not None and "CATALOG READ" in user.privileges
        for other in list(self._sessions.values()):
            if other.database == database.name and (everything or other.user == session.user):
                own = "TRUE" if other is session else "FALSE"
                host, port = self._system.instance.host, database.internal_port
                yield (host, port, other.id, other.user, "RUNNING" if other is session else "IDLE", own)

    def _users(self, database: Database, session: Session) -> Iterator[Row]:
        for user in database.users.values():
            yield (
                user.name,
                "TRUE" if user.state == "deactivated" else "FALSE",
                user.failures,
                "TRUE" if user.state == "must_change" else "FALSE",
            )
