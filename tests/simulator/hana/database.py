# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the simulated HANA systems: databases with their tables, users, parameters, root keys.

One landscape system with instances of kind ``hana`` is one HANA system; its first host is the master. Ports, paths,
database ids follow published notes; what ``systems[].simulation.hana`` of the landscape file does not say (see
``Options``) is invented, as are durations, sizes, the words of most refusals. Who may log on may read or write every
user table. The users of a database are part of its content: a restored database has those of the backup, as a real one
has.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from tests.simulator.clock import Clock, Timer
from tests.simulator.faults import Fault, Faults
from tests.simulator.journal import Journal
from tests.simulator.landscape import Instance, Landscape

from .answers import Column, Session, SqlError

SYSTEMDB = "SYSTEMDB"
ROOT_KEYS = ("PERSISTENCE", "APPLICATION", "BACKUP", "LOG")
ALL_PRIVILEGES = frozenset(
    {
        "BACKUP ADMIN",
        "BACKUP OPERATOR",
        "DATABASE ADMIN",
        "CATALOG READ",
        "SERVICE ADMIN",
        "INIFILE ADMIN",
        "ENCRYPTION ROOT KEY ADMIN",
    }
)
# Technical users that every database has, with what they may do; SYSTEM may do everything.
USERS: dict[str, frozenset[str]] = {
    "SYSTEM": ALL_PRIVILEGES,
    "BACKUP_ADMIN_USER": frozenset({"BACKUP ADMIN", "DATABASE ADMIN", "CATALOG READ"}),
    "BACKUP_OPERATOR_USER": frozenset({"BACKUP OPERATOR", "CATALOG READ"}),
    "MONITOR_USER": frozenset({"CATALOG READ"}),
    "PLAIN_USER": frozenset(),
}
# What a user may be besides active, with HANA's code and words.
USER_STATES: dict[str, tuple[int, str]] = {
    "must_change": (414, "user is forced to change password: alter password required for user {user}"),
    "deactivated": (415, "user is deactivated: user {user} is deactivated"),
    "locked": (416, "user is locked; try again later: user {user} is locked"),
    "expired": (431, "user's password will expire within few days: password of user {user} has expired"),
}
WRONG_LOGONS = 5
MOST_TENANTS = 21  # more have no ports up to 3NN99


@dataclass
class Options:
    """What ``systems[].simulation.hana`` of the landscape file may say; durations in simulated seconds.

    ``shared`` are folders that all HANA systems see, as if they were mounted from one file server. ``backint`` has log
    backups written to backint. ``backup_encryption`` is on from revision 70 when it is not given. ``lacks`` are system
    views that this revision does not have.
    """

    tenants: list[str] | None = None
    version: str = "2.00.079.00.1735128396"
    usage: str = "PRODUCTION"
    log_mode: str = "normal"
    disk_bytes: int = 40 << 30
    backup_disk_bytes: int = 800 << 30
    tables: dict[str, Any] = field(default_factory=dict)
    catalog_entries: int = 0
    backup_encryption: bool | None = None
    backint: bool = False
    shared: list[str] = field(default_factory=lambda: ["/backup"])
    backup_seconds: float = 60.0
    recover_seconds: float = 60.0
    start_seconds: float = 20.0
    stop_seconds: float = 10.0
    log_backup_timeout_s: int = 900
    replication: list[dict[str, Any]] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


def encode(value: Any) -> Any:
    """For ``json.dumps(default=...)``: what JSON does not know."""
    for sign, sort in (("t", datetime), ("d", date), ("T", time)):
        if isinstance(value, sort):
            return {"$" + sign: value.isoformat()}
    if isinstance(value, Decimal):
        return {"$n": str(value)}
    if isinstance(value, bytes):
        return {"$b": value.hex()}
    raise TypeError(f"cannot store {value!r}")


def decode(found: dict[str, Any]) -> Any:
    """For ``json.loads(object_hook=...)``: the way back."""
    if len(found) == 1:
        ((sign, text),) = found.items()
        ways: dict[str, Callable[[str], Any]] = {
            "$t": datetime.fromisoformat,
            "$d": date.fromisoformat,
            "$T": time.fromisoformat,
            "$n": Decimal,
            "$b": bytes.fromhex,
        }
        if sign in ways:
            return ways[sign](text)
    return found


def utc(wall: float | None) -> datetime | None:
    """Unix time as HANA shows it, without a zone."""
    return None if wall is None else datetime.fromtimestamp(wall, UTC).replace(tzinfo=None)


@dataclass
class Table:
    """One user table with its committed rows; a row keeps its id for life."""

    schema: str
    name: str
    columns: list[Column]
    key: tuple[str, ...] = ()
    rows: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    index: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def key_of(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """The primary key's values of a row, empty without one."""
        names = [column.name for column in self.columns]
        return tuple(row[names.index(name)] for name in self.key)

    def put(self, ident: int, row: tuple[Any, ...] | None) -> None:
        """Set or (with None) remove a row."""
        old = self.rows.pop(ident, None)
        if old is not None and self.key and self.index.get(self.key_of(old)) == ident:
            del self.index[self.key_of(old)]
        if row is not None:
            self.rows[ident] = row
            if self.key:
                self.index[self.key_of(row)] = ident

    def definition(self) -> dict[str, Any]:
        """The table without its rows as plain data."""
        return {
            "schema": self.schema,
            "name": self.name,
            "columns": [[c.name, c.type, c.length, c.scale, c.nullable] for c in self.columns],
            "key": list(self.key),
        }

    @classmethod
    def defined(cls, plain: dict[str, Any]) -> Table:
        """The table that ``definition`` describes."""
        columns = [
            Column(name, sort, length, scale, nullable, plain["name"])
            for name, sort, length, scale, nullable in plain["columns"]
        ]
        return cls(plain["schema"], plain["name"], columns, tuple(plain["key"]))


@dataclass
class Record:
    """One commit: its id, when it was (Unix time), its changes as plain data."""

    id: int
    time: float
    changes: list[list[Any]]


@dataclass
class User:
    """One database user."""

    name: str
    password: str
    privileges: frozenset[str] = frozenset()
    state: str = "active"
    failures: int = 0


class Job:
    """Something that takes simulated time; it goes on whether anybody waits for it or not."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._timers: list[Timer] = []
        self.error: Exception | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over.is_set()

    def plan(self, clock: Clock, seconds: float, call: Callable[[], None]) -> None:
        """Call in so many simulated seconds unless the job has ended by then."""
        self._timers.append(clock.after(seconds, call))

    def end(self, error: Exception | None = None) -> None:
        """It is through."""
        for timer in self._timers:
            timer.cancel()
        self.error = error
        self._over.set()

    async def wait(self) -> None:
        """Wait for its end.

        Raises:
            SqlError: it failed.
        """
        await self._over.wait()
        if self.error is not None:
            raise self.error


class Database:
    """SYSTEMDB or one tenant."""

    def __init__(self, system: System, name: str, place: int, users: dict[str, str]) -> None:
        self.system = system
        self.name = name
        self.place = place
        self.status = "YES"
        self.wanted = True
        self.epoch = 0
        self.started = system.world.clock.wall() - 3 * 86400
        self.created = self.started
        self.held: int | None = None
        self.power: Job | None = None
        self.tables: dict[str, Table] = {}
        self.users = {user: User(user, password, USERS[user]) for user, password in users.items()}
        self.records: list[Record] = []
        self.record = 0
        self.rows = itertools.count(1)
        self.keys = {sort: secrets.token_bytes(32) for sort in ROOT_KEYS}
        # BACKUP keys from before, by their ids: older backups stay readable.
        self.old_keys: dict[str, bytes] = {}
        self.key_password = ""
        self.foreign = False
        encryption = system.options.backup_encryption
        self.encryption = system.revision >= (2, 0, 70) if encryption is None else encryption
        # What backs up and restores this database; made by World, so that this file need not know it.
        self.backups: Any = None

    # -- names --------------------------------------------------------------------------------------------------------

    @property
    def folder(self) -> str:
        """What its folders are called."""
        return self.name if self.name == SYSTEMDB else f"DB_{self.name}"

    @property
    def dbid(self) -> int:
        """1 for SYSTEMDB, 3 for the first tenant, then on."""
        return 1 if self.place == 0 else self.place + 2

    @property
    def volume(self) -> int:
        """The volume that holds its content."""
        return 1 if self.place == 0 else 3

    @property
    def service(self) -> str:
        """The service that holds its content."""
        return "nameserver" if self.place == 0 else "indexserver"

    @property
    def sql_port(self) -> int:
        """3NN13 for SYSTEMDB, 3NN15 for the first tenant, then 3NN41, 3NN44 and so on."""
        return self.system.base + (13 if self.place == 0 else 15 if self.place == 1 else 41 + 3 * (self.place - 2))

    @property
    def internal_port(self) -> int:
        """3NN01, 3NN03, then 3NN40, 3NN43 and so on."""
        return self.system.base + (1 if self.place == 0 else 3 if self.place == 1 else 40 + 3 * (self.place - 2))

    @property
    def where(self) -> dict[str, str | None]:
        """Its place, for the fault filters."""
        instance = self.system.instance
        return {
            "host": instance.host,
            "system": instance.system,
            "instance": instance.id,
            "database": self.name,
            "door": "hana",
        }

    @property
    def active(self) -> bool:
        """Whether it takes statements."""
        return self.status == "YES" and self.system.running

    def key_id(self, sort: str = "BACKUP") -> str:
        """What a root key is known by without giving it away."""
        return hashlib.sha256(self.keys[sort]).hexdigest()[:32]

    def knows_key(self, ident: str) -> bool:
        """Whether it has a BACKUP root key, now or from before."""
        return ident == self.key_id() or ident in self.old_keys

    def parameter(self, section: str, key: str, file: str = "global.ini") -> str:
        """The value of a parameter in force for it."""
        return self.system.parameter(self, file, section, key)

    def effect(self, effect: str, detail: str = "") -> None:
        """Tell the journal what happened to it."""
        instance = self.system.instance
        self.system.world.journal.note(
            host=instance.host, system=instance.system, effect=effect, database=self.name, detail=detail or None
        )

    def strike(self, fault: str, **more: str | None) -> Fault | None:
        """Whether a fault strikes here now."""
        return self.system.world.faults.strike(fault, **{**self.where, **more})

    # -- content ------------------------------------------------------------------------------------------------------

    def table(self, schema: str, name: str, position: int = 0) -> Table:
        """A user table; without a schema the only one of that name, first that of SYSTEM.

        Raises:
            SqlError: 259.
        """
        found = self.tables.get(f"{schema or 'SYSTEM'}.{name}")
        if found is None and not schema:
            found = next((table for table in self.tables.values() if table.name == name), None)
        if found is None:
            shown = f"{schema}.{name}" if schema else name
            words = f"invalid table name: Could not find table/view {name} in schema {schema or 'SYSTEM'}"
            if position:
                words += f": line 1 col {position} (at pos {position})"
            raise SqlError(259, words if name else shown, "42S02", position)
        return found

    def write(self, changes: list[list[Any]]) -> None:
        """Commit changes: each is put, del, create or drop with the table's key."""
        if not changes:
            return
        self.record = next(self.system.world.records)
        self.records.append(Record(self.record, self.system.world.clock.wall(), changes))
        apply(self.tables, changes)

    def overlay(self, session: Session) -> dict[str, dict[int, tuple[Any, ...] | None]]:
        """What a session changed without a commit yet: table, row id, row (None for a deleted one)."""
        found: dict[str, dict[int, tuple[Any, ...] | None]] = session.work.setdefault("changes", {})
        return found

    def visible(self, session: Session, table: Table) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """The rows that a session sees: the committed ones with its own changes."""
        mine = self.overlay(session).get(f"{table.schema}.{table.name}", {})
        for ident, row in list(table.rows.items()):
            if ident not in mine:
                yield ident, row
        for ident, changed in list(mine.items()):
            if changed is not None:
                yield ident, changed

    def change(self, session: Session, table: Table, ident: int, row: tuple[Any, ...] | None) -> None:
        """Note a session's change of one row.

        Raises:
            SqlError: 301, another row has the primary key.
        """
        mine = self.overlay(session).setdefault(f"{table.schema}.{table.name}", {})
        if row is not None and table.key:
            key = table.key_of(row)
            holder = table.index.get(key)
            taken = holder is not None and holder != ident and holder not in mine
            if taken or any(
                other is not None and number != ident and table.key_of(other) == key for number, other in mine.items()
            ):
                raise SqlError(
                    301,
                    f"unique constraint violated: Table({table.name}), Index(_SYS_TREE_CS_#{table.name}_#0_#P0)",
                    "23000",
                )
        mine[ident] = row

    def commit(self, session: Session) -> None:
        """Make a session's changes lasting."""
        changes: list[list[Any]] = []
        for name, rows in session.work.pop("changes", {}).items():
            for ident, row in rows.items():
                if name in self.tables:
                    changes.append(["del", name, ident] if row is None else ["put", name, ident, list(row)])
        self.write(changes)

    @staticmethod
    def rollback(session: Session) -> None:
        """Forget a session's changes."""
        session.work.pop("changes", None)

    def image(self) -> dict[str, Any]:
        """Its whole committed content as plain data."""
        return {
            "tables": {
                name: {**table.definition(), "rows": [[ident, list(row)] for ident, row in table.rows.items()]}
                for name, table in self.tables.items()
            },
            "users": [[u.name, u.password, sorted(u.privileges), u.state] for u in self.users.values()],
        }

    def become(self, image: dict[str, Any], changes: list[list[Any]]) -> None:
        """Replace its content by an image with later changes."""
        self.tables = {}
        for name, plain in image["tables"].items():
            table = self.tables[name] = Table.defined(plain)
            for ident, row in plain["rows"]:
                table.put(ident, tuple(row))
        apply(self.tables, changes)
        self.users = {row[0]: User(row[0], row[1], frozenset(row[2]), row[3]) for row in image["users"]}
        highest = max((ident for table in self.tables.values() for ident in table.rows), default=0)
        self.rows = itertools.count(highest + 1)
        self.records.clear()
        self.record = next(self.system.world.records)

    # -- users --------------------------------------------------------------------------------------------------------

    def user(self, name: str) -> User:
        """A user.

        Raises:
            SqlError: 10, there is none; that is all a stranger learns.
        """
        found = self.users.get(name)
        if found is None:
            raise SqlError(10, "authentication failed", "28000")
        return found

    def logged_on(self, name: str, proved: bool) -> None:
        """Count a log-on.

        Raises:
            SqlError: 10, 414, 415, 416, 431.
        """
        user = self.user(name)
        if self.strike("hana_user_locked") is not None:
            user.state = "locked"
        if user.state != "locked" and not proved:
            user.failures += 1
            if user.failures >= WRONG_LOGONS:
                user.state = "locked"
            raise SqlError(10, "authentication failed", "28000")
        if user.state in USER_STATES:
            code, words = USER_STATES[user.state]
            raise SqlError(code, words.format(user=name))
        user.failures = 0

    # -- power --------------------------------------------------------------------------------------------------------

    def _busy(self) -> None:
        if self.status in ("STARTING", "STOPPING"):
            raise SqlError(2, f"general error: Database '{self.name}' is {self.status.lower()}")

    def stop(self, immediate: bool = False) -> Job:
        """Stop it; its sessions break at once.

        Raises:
            SqlError: it does not run.
        """
        self._busy()
        if self.status == "NO":
            raise SqlError(2, f"general error: Database '{self.name}' is not running")
        self.wanted = False
        self.backups.stopping()
        self.status = "STOPPING"
        self.epoch += 1
        job = self.power = Job()
        seconds = self.system.options.stop_seconds * (0.2 if immediate else 1.0)

        def stopped() -> None:
            self.status = "NO"
            self.effect("hana_database_stopped", "immediate" if immediate else "")
            self.system.world.tell()
            job.end()

        job.plan(self.system.world.clock, seconds, stopped)
        self.system.world.tell()
        return job

    def start(self) -> Job:
        """Start it.

        Raises:
            SqlError: it runs already, or is being recovered.
        """
        self._busy()
        if self.status == "YES":
            raise SqlError(2, f"general error: Database '{self.name}' is already running")
        if self.backups.recovery is not None:
            raise SqlError(2, f"general error: Database '{self.name}' is being recovered")
        self.wanted = True
        self.status = "STARTING"
        job = self.power = Job()

        def through() -> None:
            held = self.strike("hana_tenant_stays_down")
            if held is None:
                self.up()
            else:
                self.held = held.id
                self.effect("hana_database_stays_down")
            job.end()

        job.plan(self.system.world.clock, self.system.options.start_seconds, through)
        self.system.world.tell()
        return job

    def up(self) -> None:
        """It takes statements from now on."""
        self.status, self.held = "YES", None
        self.started = self.system.world.clock.wall()
        self.backups.started()
        self.effect("hana_database_started")
        self.system.world.tell()

    def down(self, why: str) -> None:
        """It is gone at once."""
        was, self.status, self.held = self.status, "NO", None
        self.epoch += 1
        if self.power is not None and not self.power.over:
            self.power.end(SqlError(2, f"general error: {why}"))
        self.backups.killed(why)
        if was != "NO":
            self.effect("hana_database_stopped", why)


def apply(tables: dict[str, Table], changes: list[list[Any]]) -> None:
    """Bring tables forward by committed changes."""
    for what, name, *more in changes:
        if what == "create":
            tables[name] = Table.defined(more[0])
        elif what == "drop":
            tables.pop(name, None)
        elif name in tables:
            tables[name].put(more[0], tuple(more[1]) if what == "put" else None)


class System:
    """One HANA system."""

    def __init__(self, world: World, key: str, instances: list[Instance], raw: dict[str, Any]) -> None:
        self.world = world
        self.key = key
        self.instances = instances
        self.instance = instances[0]
        self.sid = self.instance.sid
        given = (raw.get("simulation") or {}).get("hana") or {}
        unknown = sorted(set(given) - set(Options.__dataclass_fields__))
        if unknown:
            known = ", ".join(sorted(Options.__dataclass_fields__))
            raise ValueError(f"system {raw['name']}: simulation.hana knows no {', '.join(unknown)}; known are {known}")
        self.options = Options(**given)
        if len(self.options.tenants or []) > MOST_TENANTS:
            raise ValueError(f"system {raw['name']}: simulation.hana has more than {MOST_TENANTS} tenants")
        self.root = world.directory / key / "fs"
        self.running = False
        self.passwords = {user: secrets.token_urlsafe(12) + "aA1" for user in USERS}
        self.snapshots: dict[int, dict[str, Any]] = {}
        self.ini: dict[tuple[str, str, str, str, str], str] = dict(self._defaults())
        self.databases: dict[str, Database] = {}
        self._mounted = False
        for name in [SYSTEMDB, *(self.options.tenants or [self.sid])]:
            database = self.add(name, self.passwords)
            if name != SYSTEMDB:
                for table, rows in self.options.tables.items():
                    self._fill(database, table, rows)
        self.sync()

    # -- names --------------------------------------------------------------------------------------------------------

    @property
    def base(self) -> int:
        """3NN00."""
        return 30000 + 100 * int(self.instance.number)

    @property
    def home(self) -> str:
        """The instance's folder."""
        return f"/usr/sap/{self.sid}/HDB{self.instance.number}"

    @property
    def revision(self) -> tuple[int, ...]:
        """The version as numbers."""
        return tuple(int(part) for part in self.options.version.split(".") if part.isdigit())

    def trace(self, database: Database) -> str:
        """The path of a database's backup.log."""
        folder = f"{self.home}/{self.instance.host}/trace"
        return f"{folder}/backup.log" if database.name == SYSTEMDB else f"{folder}/{database.folder}/backup.log"

    def path(self, name: str) -> Path:
        """Where a path of this system's hosts is kept on this machine; one of the simulator's own folder stays."""
        own = Path(os.path.normpath(name))
        if own.is_relative_to(self.world.directory.parent):
            return own
        if not self._mounted:
            self._mount()
        parts = [part for part in PurePosixPath("/", name).parts[1:] if part not in (".", "..")]
        return self.root.joinpath(*parts)

    def _mount(self) -> None:
        self._mounted = True
        self.root.mkdir(parents=True, exist_ok=True)
        for name in self.options.shared:
            inner = name.strip("/")
            target = self.world.directory / "shared" / inner
            target.mkdir(parents=True, exist_ok=True)
            link = self.root / inner
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(target, target_is_directory=True)

    # -- parameters ---------------------------------------------------------------------------------------------------

    def _defaults(self) -> Iterator[tuple[tuple[str, str, str, str, str], str]]:
        values = {
            "persistence": {
                "basepath_datavolumes": f"/usr/sap/{self.sid}/SYS/global/hdb/data",
                "basepath_logvolumes": f"/usr/sap/{self.sid}/SYS/global/hdb/log",
                "basepath_databackup": f"{self.home}/backup/data",
                "basepath_logbackup": f"{self.home}/backup/log",
                "basepath_catalogbackup": f"{self.home}/backup/log",
                "basepath_rootkeysbackup": f"{self.home}/backup/sec",
                "enable_auto_log_backup": "yes",
                "log_backup_timeout_s": str(self.options.log_backup_timeout_s),
                "log_mode": self.options.log_mode,
            },
            "backup": {
                "log_backup_using_backint": "true" if self.options.backint else "false",
                "catalog_backup_using_backint": "true" if self.options.backint else "false",
                "parallel_data_backup_backint_channels": "1",
            },
            "system_information": {"usage": self.options.usage.lower()},
        }
        for section, pairs in values.items():
            for key, value in pairs.items():
                yield ("global.ini", "DEFAULT", "", section, key), value

    def parameter(self, database: Database, file: str, section: str, key: str) -> str:
        """The value in force: of the database before that of the system before the default."""
        for layer, tenant in (("DATABASE", database.name), ("SYSTEM", ""), ("DEFAULT", "")):
            value = self.ini.get((file, layer, tenant, section, key))
            if value is not None:
                return value
        return ""

    # -- databases ----------------------------------------------------------------------------------------------------

    def add(self, name: str, users: dict[str, str]) -> Database:
        """A new database at the first free place."""
        taken = {database.place for database in self.databases.values()}
        place = next(place for place in itertools.count() if place not in taken)
        if place > MOST_TENANTS:
            raise SqlError(2, f"general error: no port is left for database '{name}'")
        database = self.databases[name] = Database(self, name, place, users)
        self.world.equip(database)
        return database

    @staticmethod
    def _fill(database: Database, name: str, rows: Any) -> None:
        """A table of the landscape file: ``{"T": {"columns": {"ID": "INTEGER"}, "key": ["ID"], "rows": [[1]]}}``."""
        schema, _dot, table = name.rpartition(".")
        lengths = {"NVARCHAR": 5000, "VARCHAR": 5000}
        plain = {
            "schema": schema or "SYSTEM",
            "name": table,
            "columns": [
                [column, sort, lengths.get(sort, 0), 0, True] for column, sort in rows.get("columns", {}).items()
            ],
            "key": rows.get("key", []),
        }
        key = f"{plain['schema']}.{table}"
        database.write([["create", key, plain]])
        database.write([["put", key, next(database.rows), row] for row in rows.get("rows", [])])

    def database(self, name: str) -> Database:
        """A database.

        Raises:
            SqlError: there is none.
        """
        found = self.databases.get(name)
        if found is None:
            raise SqlError(397, f"invalid object name: Database '{name}' does not exist")
        return found

    def tenant(self, name: str) -> Database:
        """A tenant.

        Raises:
            SqlError: there is none, or it is SYSTEMDB.
        """
        if name == SYSTEMDB:
            raise SqlError(7, "feature not supported: not for SYSTEMDB")
        return self.database(name)

    def drop(self, name: str) -> None:
        """Remove a stopped tenant."""
        database = self.tenant(name)
        if database.status != "NO":
            raise SqlError(2, f"general error: Database '{name}' must be stopped first")
        del self.databases[name]
        self.world.tell()

    def rename(self, old: str, new: str) -> None:
        """Give a stopped tenant another name."""
        database = self.tenant(old)
        if database.status != "NO":
            raise SqlError(2, f"general error: Database '{old}' must be stopped first")
        if new in self.databases:
            raise SqlError(2, f"general error: Database '{new}' exists already")
        self.databases = {new if key == old else key: value for key, value in self.databases.items()}
        database.name = new
        self.world.tell()

    def set_user(
        self,
        user: str,
        database: str | None = None,
        state: str | None = None,
        password: str | None = None,
        privileges: list[str] | None = None,
    ) -> None:
        """Change a user of one database or of all; one that does not exist is made, which takes a password.

        Raises:
            KeyError: there is no such database, or no such user.
            ValueError: a state or a privilege is unknown.
        """
        if state not in (None, "active", *USER_STATES):
            raise ValueError(f"a user's state is active, {', '.join(USER_STATES)}, not {state!r}")
        unknown = sorted(set(privileges or ()) - ALL_PRIVILEGES)
        if unknown:
            raise ValueError(f"there is no privilege {unknown[0]!r}; there are {', '.join(sorted(ALL_PRIVILEGES))}")
        for one in [self.databases[database]] if database else list(self.databases.values()):
            if user not in one.users and password is not None:
                one.users[user] = User(user, password)
            found = one.users[user]
            found.password = found.password if password is None else password
            found.privileges = found.privileges if privileges is None else frozenset(privileges)
            if state is not None:
                found.state, found.failures = state, 0

    def snapshot(self) -> dict[str, Any]:
        """The state as plain data, without passwords."""
        return {
            "sid": self.sid,
            "running": self.running,
            "version": self.options.version,
            "databases": {
                one.name: {
                    "status": one.status,
                    "dbid": one.dbid,
                    "port": one.sql_port,
                    "encryption": one.encryption,
                    "key": one.key_id(),
                    "foreign": one.foreign,
                    "users": {
                        u.name: {"state": u.state, "privileges": sorted(u.privileges)} for u in one.users.values()
                    },
                    "tables": {
                        name: {**table.definition(), "rows": list(table.rows.values())}
                        for name, table in one.tables.items()
                    },
                    "catalog": one.backups.catalog.counts(),
                }
                for one in self.databases.values()
            },
            "parameters": {"/".join(filter(None, key)): value for key, value in self.ini.items()},
        }

    def sync(self) -> None:
        """Follow the landscape: the databases go down or come up with their instance."""
        now = self.instance.running
        if now != self.running:
            self.running = now
            for database in self.databases.values():
                if not now:
                    database.down("the instance is not running")
                elif database.wanted and self.world.ready:
                    database.up()
                elif database.wanted:
                    database.status = "YES"
        for database in self.databases.values():
            if database.held is not None and not self.world.faults.known(database.held):
                database.up()


class World:
    """All HANA systems of a landscape."""

    def __init__(
        self,
        landscape: Landscape,
        directory: Path,
        equip: Callable[[Database], None],
    ) -> None:
        self.landscape = landscape
        self.clock: Clock = landscape.clock
        self.journal: Journal = landscape.journal
        self.faults: Faults = landscape.faults
        self.directory = directory
        self.equip = equip
        self.records = itertools.count(1)
        self.systems: dict[str, System] = {}
        self.ready = False
        self.changed: list[Callable[[], None]] = []
        self._last_id = 0
        for name, raw in landscape.systems.items():
            instances = [i for i in landscape.instances.values() if i.system == name and i.kind == "hana"]
            if instances:
                sid = instances[0].sid
                key = name if sid in self.systems else sid
                self.systems[key] = System(self, key, instances, raw)
        self.ready = True

    def sync(self) -> None:
        """Follow the landscape; to be called whenever it or the faults changed."""
        for system in self.systems.values():
            system.sync()

    def tell(self) -> None:
        """Something changed that doors may depend on."""
        for listener in list(self.changed):
            listener()

    def backup_id(self) -> int:
        """A new backup id: the wall clock in milliseconds, larger than every one before."""
        self._last_id = max(self._last_id + 1, int(self.clock.wall() * 1000))
        return self._last_id


def dumps(value: Any) -> str:
    """Plain data as text."""
    return json.dumps(value, default=encode)


def loads(text: str) -> Any:
    """The way back from ``dumps``."""
    return json.loads(text, object_hook=decode)


def chain() -> str:
    """A name for a new history of commits."""
    return uuid.uuid4().hex[:12]
