# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one simulated ABAP system: clients, users, jobs, what its tables hold.

What ``systems[].simulation.abap`` of the landscape file does not say (see ``Options``) is invented: two clients, a
technical user BASIS_AUTO, some people, ten periodic jobs. Passwords are random; ``info`` of the simulator tells them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.simulator.landscape import Instance

from . import preserved
from .copies import copy
from .jobs import Background
from .logical import Logical
from .programs import reports
from .reports import Report
from .tables import TABLES, Generated, Row, Table, extra
from .task_lists import TaskLists
from .users import LOCAL, OBJECTS, PLAIN, User, Users
from .variants import Variants

if TYPE_CHECKING:
    from .world import AbapWorld

AUTOMATION = "BASIS_AUTO"
# Name: kind, group, lock, where: people and technical users of every new system. The first two get passwords shown.
USERS: dict[str, tuple[str, str, int, str]] = {
    AUTOMATION: ("B", "AUTOMATION", 0, "all"),
    "MILLER": ("A", "BASIS", 0, "work"),
    "SMITH": ("A", "SALES", 0, "work"),
    "NGUYEN": ("A", "SALES", 0, "work"),
    "OKAFOR": ("A", "LOGISTICS", 0, "work"),
    "FORMER": ("A", "SALES", LOCAL, "work"),
    "BATCH_FI": ("B", "BATCH", 0, "work"),
    "WF-BATCH": ("B", "BATCH", 0, "work"),
    "DDIC": ("A", "SUPER", 0, "all"),
    "SAP*": ("A", "SUPER", 0, "all"),
    "TMSADM": ("C", "SUPER", 0, "000"),
    "SAPJSF": ("C", "SUPER", 0, "work"),
    "EARLYWATCH": ("A", "SUPER", LOCAL, "000"),
}
SHOWN = (AUTOMATION, "MILLER")


@dataclass
class Options:
    """What ``systems[].simulation.abap`` of the landscape file may say; durations in simulated seconds.

    ``clients`` maps numbers to fields of T000. ``users`` maps names to ``password``, ``clients``, ``kind``, ``group``,
    ``flag``, ``authorizations``; a name that exists by default is changed. ``jobs`` replaces the default jobs: rows
    with ``name``, ``report``, ``variant``, ``every`` (seconds), ``next`` (seconds from the start), ``seconds``,
    ``user``, ``client``. ``reports`` maps names to ``seconds``, ``log``, ``spool``, ``ends`` (F or A), ``idle``
    (it does nothing), ``variants``, ``selections``. ``tables`` maps names to ``columns`` (name to ABAP type such as
    ``C10``) and ``rows``.
    ``logical_systems`` maps ``TABLE-FIELD`` to the number of rows of the working client. ``commit_needed`` names the
    function modules whose changes wait for BAPI_TRANSACTION_COMMIT, ``without`` those that the system does not have,
    ``not_remote`` those that may not be called from outside. ``sessions`` are the people who are logged on: rows with
    ``user``, ``client``, ``terminal``, ``transaction``, ``seconds`` (after which they log off), ``server`` (the name of
    an instance; the first one unless named). ``user_tables`` are the tables of TH_USER_LIST that are filled. ``busy``
    are rows with ``user``, ``report``, ``status``, ``dumps`` of dialog work processes. ``dumps`` are rows with
    ``user``, ``error``, ``ago`` (seconds). ``locks`` are rows with ``user``, ``client``, ``table`` of the lock table.
    """

    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: list[dict[str, Any]] | None = None
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    logical_systems: dict[str, int] | None = None
    other_logical_systems: list[str] = field(default_factory=list)
    task_lists: dict[str, dict[str, Any]] = field(default_factory=dict)
    destinations: list[str] | None = None
    background: int = 4
    dialog: int = 10
    report_seconds: float = 30.0
    conversion_seconds: float = 120.0
    copy_seconds: float = 600.0
    release: str = "758"
    kernel: str = "793"
    production: bool | None = None
    commit_needed: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    not_remote: list[str] = field(default_factory=list)
    sessions: list[dict[str, Any]] | None = None
    user_tables: list[str] = field(default_factory=lambda: ["LIST", "USRLIST"])
    busy: list[dict[str, Any]] = field(default_factory=list)
    dumps: list[dict[str, Any]] = field(default_factory=list)
    locks: list[dict[str, Any]] | None = None


@dataclass
class LogOn:
    """A session of a user on an application server; ``until`` is the simulated time at which it is over."""

    user: str
    client: str
    terminal: str = ""
    transaction: str = "SESSION_MANAGER"
    server: str = ""
    since: float = 0.0
    until: float | None = None


class AbapSystem:
    """One ABAP system."""

    def __init__(
        self, world: AbapWorld, key: str, name: str, sid: str, instances: list[Instance], raw: dict[str, Any]
    ) -> None:
        self.world = world
        self.key, self.name, self.sid = key, name, sid
        self.instances = instances
        given = (raw.get("simulation") or {}).get("abap") or {}
        unknown = sorted(set(given) - set(Options.__dataclass_fields__))
        if unknown:
            known = ", ".join(sorted(Options.__dataclass_fields__))
            raise ValueError(f"system {name}: simulation.abap knows no {', '.join(unknown)}; known are {known}")
        self.options = Options(**given)
        production = self.options.production
        self.productive = str(raw.get("usage", "")).lower().startswith("prod") if production is None else production
        self.clients: dict[str, dict[str, Any]] = self._clients()
        self.client = max(self.clients)
        self.users = Users()
        self.passwords: dict[str, str] = {}
        self._people()
        self.variants = Variants()
        self.popups: list[tuple[str, str, str]] = []
        self.reports: dict[str, Report] = reports(self)
        self.logical = Logical(self)
        # Conversions of logical systems with a test run behind them: client, old, new.
        self.tested: set[tuple[str, str, str]] = set()
        # Rows of tables that nothing here makes or reads but the function modules.
        self.kept: dict[str, list[Row]] = {}
        self.log_ons: list[LogOn] | None = None
        if self.options.sessions is not None:
            self.set_sessions(self.options.sessions)
        self.set_dumps(self.options.dumps)
        if self.options.locks is not None:
            self.set_locks(self.options.locks)
        self.task_lists = TaskLists(self)
        self.tables: dict[str, Table] = {}
        self._tables()
        self.jobs = Background(self)
        # What the control door may change, by name.
        self.changes: dict[str, Callable[..., Any]] = {
            "user": self.set_user,
            "client": self.set_client,
            "job": self.jobs.add,
            "variant": self.set_variant,
            "processes": self.set_processes,
            "table": self.fill,
            "many": self.fill_many,
            "sessions": self.set_sessions,
            "busy": self.set_busy,
            "dumps": self.set_dumps,
            "locks": self.set_locks,
        }

    # -- how it begins ------------------------------------------------------------------------------------------------

    def _clients(self) -> dict[str, dict[str, Any]]:
        given = self.options.clients or {"000": {}, "100": {}}
        rows = {}
        for number in sorted(given):
            work = number != "000"
            rows[number] = {
                "MANDT": number,
                "MTEXT": "Working client" if work else "SAP AG Konzern",
                "ORT01": "Walldorf",
                "MWAER": "EUR",
                "CCCATEGORY": ("P" if self.productive else "T") if work else "S",
                "CCCORACTIV": "2" if self.productive and work else "1",
                "CCNOCLIIND": "3" if self.productive and work else "",
                "CCCOPYLOCK": "X" if self.productive and work else "",
                "LOGSYS": f"{self.sid}CLNT{number}" if work else "",
                **given[number],
            }
        return rows

    def _people(self) -> None:
        for name in dict.fromkeys([*USERS, *self.options.users]):
            kind, group, flag, place = USERS.get(name, ("A", "", 0, "all"))
            given = self.options.users.get(name, {})
            password = given.get("password") or secrets.token_urlsafe(12) + "aA1"
            if name in SHOWN or name in self.options.users:
                self.passwords[name] = password
            granted = given.get("authorizations")
            every = frozenset(granted) if granted is not None else OBJECTS
            for client in given.get("clients") or self.clients:
                work = client != "000"
                if given.get("clients") or place == "all" or place == client or (place == "work" and work):
                    self.users.add(
                        User(
                            client,
                            name,
                            password,
                            given.get("kind", kind),
                            given.get("group", group),
                            int(given.get("flag", flag)),
                            authorizations=every if granted is not None or kind == "B" or group else PLAIN,
                            valid_to=given.get("valid_to", "99991231"),
                            full_name=given.get("full_name", name.capitalize()),
                            profiles=["SAP_ALL"] if kind == "B" else [],
                        )
                    )

    def _tables(self) -> None:
        for table in (*TABLES, *preserved.tables(), *self.logical.tables()):
            self.tables[table.name] = table
        names = self.options.destinations
        for name in ["NONE", "SAPOSS", f"{self.sid}CLNT{self.client}"] if names is None else names:
            row = {"RFCDEST": name, "RFCTYPE": "3", "RFCOPTIONS": f"H={name.lower()},S=00,"}
            self.kept.setdefault("RFCDES", []).append(row)
        self.kept.update(preserved.rows(self))
        for name, given in self.options.tables.items():
            if "columns" in given:
                self.tables[name] = extra(name, given, self.clients)
            elif name not in self.tables:
                raise ValueError(f"system {self.name}: table {name} is not known, so its columns must be given")
            self.fill(name, given.get("rows", []))

    # -- looking ------------------------------------------------------------------------------------------------------

    def where(self, **more: str | None) -> dict[str, str | None]:
        """Its place, for the fault filters."""
        return {"system": self.name, "door": "rfc", **more}

    def works(self, instance: Instance) -> bool:
        """Whether an instance runs with its database."""
        return instance.running and not instance.degraded

    def alive(self) -> list[Instance]:
        """The instances that work."""
        return [one for one in self.instances if one.phase == "running" and not one.degraded]

    def server(self, instance: Instance) -> str:
        """What an instance is called inside the system: ``host_SID_NN``."""
        return f"{instance.virtual_host}_{self.sid}_{instance.number}"

    def database(self) -> tuple[str, str]:
        """SID and host of the HANA database that the landscape says the system depends on, else its own name."""
        landscape = self.world.landscape
        named = list(landscape.systems.get(self.name, {}).get("depends_on") or [])
        named += [row["target"] for row in landscape.export.get("relations") or [] if row["source"] == self.name]
        for instance in landscape.instances.values():
            if instance.kind == "hana" and instance.system in named:
                return instance.sid, instance.host
        return self.sid, ""

    def stamp(self, at: float | None = None) -> tuple[str, str]:
        """Date and time of day, as ABAP writes them, of a simulated time or of now."""
        moment = datetime.fromtimestamp(self.world.clock.wall(at), UTC)
        return moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")

    def today(self) -> str:
        """The date."""
        return self.stamp()[0]

    def effect(self, effect: str, **more: Any) -> None:
        """Tell the journal what happened."""
        self.world.journal.note(system=self.name, effect=effect, **more)

    def audit(self, client: str, user: str, function: str) -> None:
        """The row that every call of XBP leaves (facts 4.1, S1); the last ten thousand are kept."""
        day, time = self.stamp()
        rows = self.kept.setdefault("TXMILOGRAW", [])
        rows.append({"MANDT": client, "LOGDATE": day, "LOGTIME": time, "XMIUSER": user, "OBJECT": function})
        del rows[:-10_000]

    def strike(self, fault: str, **more: str | None) -> int | None:
        """The id of the fault that strikes here now."""
        found = self.world.faults.strike(fault, **self.where(**more))
        return None if found is None else found.id

    # -- changing -----------------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Follow the landscape."""
        self.jobs.sync()

    def fill(self, name: str, rows: list[Row]) -> None:
        """Set the rows of a table that is merely kept; those that say no client are of the working client.

        Raises:
            KeyError: there is no such table.
            ValueError: a column is unknown.
        """
        columns = self.tables[name].types
        unknown = sorted({column for row in rows for column in row} - set(columns))
        if unknown:
            raise ValueError(f"table {name} has no column {unknown[0]}; it has {', '.join(columns)}")
        client = self.tables[name].client
        self.kept.setdefault(name, [])[:] = [{client: self.client, **row} if client else row for row in rows]

    def fill_many(self, table: str, count: int, row: Row) -> None:
        """Make a table that is merely kept look as if it had so many rows, alike but for the number in the key.

        The number is in the first column, unless the row or the client stands there.
        """
        found = self.tables[table]
        made = {found.client: self.client, **row} if found.client else row
        first = found.columns[0].name
        rows = Generated(count, lambda index: {first: str(index), **made}, self.client if found.client else None)
        self.tables[table] = replace(found, rows=lambda _system: rows)

    def copy_client(self, source: str, target: str, profile: str) -> str:
        """Copy a client onto another one; returns why not, or nothing."""
        return copy(self, source, target, profile)

    def set_client(self, client: str, fields: dict[str, Any]) -> None:
        """Change fields of a client's row of T000; of LOGSYS only there, not in tables.

        Raises:
            KeyError: there is no such client.
        """
        self.clients[client].update(fields)

    def set_variant(self, report: str, variant: str, rows: list[Row], client: str | None = None) -> None:
        """Save a variant in one client or in all."""
        for one in [client] if client else self.clients:
            self.variants.save(one, report, variant, rows)

    def set_processes(self, background: int) -> None:
        """How many background work processes each instance has; more is used at once, less when jobs end."""
        self.options.background = max(0, int(background))
        self.jobs.turn()

    def set_sessions(self, rows: list[dict[str, Any]]) -> None:
        """Who is logged on from now on.

        Raises:
            ValueError: a row has an unknown field, or no user.
        """
        known = {"user", "client", "terminal", "transaction", "seconds", "server"}
        wrong = sorted({name for row in rows for name in row} - known)
        if wrong or not all(row.get("user") for row in rows):
            raise ValueError(f"a session knows {', '.join(sorted(known))}, and user must be there, not {wrong}")
        now = self.world.clock.now()
        self.log_ons = [
            LogOn(
                row["user"].upper(),
                str(row.get("client", self.client)),
                row.get("terminal", f"pc{number:03d}"),
                row.get("transaction", "SESSION_MANAGER"),
                row.get("server") or next((one.name for one in self.instances), ""),
                now,
                None if row.get("seconds") is None else now + float(row["seconds"]),
            )
            for number, row in enumerate(rows)
        ]

    def sessions(self) -> list[LogOn]:
        """The sessions that are not over, of people whose instance works."""
        now, alive = self.world.clock.now(), {one.name for one in self.alive()}
        return [one for one in self.log_ons or () if (one.until is None or one.until > now) and one.server in alive]

    def set_busy(self, rows: list[dict[str, Any]]) -> None:
        """What dialog work processes do from now on."""
        self.options.busy = rows

    def set_locks(self, rows: list[dict[str, Any]]) -> None:
        """What the lock table holds from now on."""
        for one in self.world.landscape.of_system(self.name):
            if one.kind == "ascs":
                one.locks = [
                    {
                        "lock-name": row.get("table", "MARA"),
                        "lock-arg": f"{row.get('client', self.client)}{number:08d}",
                        "lock-mode": "E",
                        "owner": f"{number:08d}",
                        "owner-vb": f"{number:08d}",
                        "use-count-owner": 1,
                        "use-count-owner-vb": 0,
                        "object": row.get("table", "MARA"),
                        "client": str(row.get("client", self.client)),
                        "user": row.get("user", ""),
                        "transaction": row.get("transaction", "MM02"),
                        "backup": False,
                    }
                    for number, row in enumerate(rows)
                ]

    def set_dumps(self, rows: list[dict[str, Any]]) -> None:
        """The short dumps; each was written ``ago`` seconds before now."""
        now = self.world.clock.now()
        self.options.dumps = [{**row, "at": now - float(row.get("ago", 0))} for row in rows]

    def set_user(
        self,
        user: str,
        client: str | None = None,
        password: str | None = None,
        flag: int | None = None,
        authorizations: list[str] | None = None,
    ) -> None:
        """Change a user of one client or of all; one that does not exist is made, which takes a password.

        Raises:
            KeyError: there is no such client, or no such user.
            ValueError: an authorization is unknown.
        """
        unknown = sorted(set(authorizations or ()) - OBJECTS)
        if unknown:
            raise ValueError(f"there is no authorization {unknown[0]!r}; there are {', '.join(sorted(OBJECTS))}")
        if client is not None and client not in self.clients:
            raise KeyError(client)
        clients = [client] if client else [one for one in self.clients if self.users.get(one, user)]
        if not clients and password is not None:
            clients = list(self.clients)
        if not clients:
            raise KeyError(user)
        for one in clients:
            found = self.users.get(one, user)
            if found is None:
                if password is None:
                    raise KeyError(user)
                found = self.users.add(User(one, user.upper(), password))
            found.password = found.password if password is None else password
            found.authorizations = found.authorizations if authorizations is None else frozenset(authorizations)
            if flag is not None:
                found.flag, found.wrong = flag, 0

    def snapshot(self) -> dict[str, Any]:
        """The state as plain data, without passwords."""
        return {
            "sid": self.sid,
            "name": self.name,
            "clients": self.clients,
            "users": {
                client: {
                    user.name: {
                        "kind": user.kind,
                        "group": user.group,
                        "flag": user.flag,
                        "wrong": user.wrong,
                        "authorizations": sorted(user.authorizations),
                    }
                    for user in self.users.of(client)
                }
                for client in self.clients
            },
            "jobs": self.jobs.snapshot(),
            "logical_systems": {
                client: {name: dict(count) for name, count in rows.items()}
                for client, rows in self.logical.counts.items()
            },
            "task_lists": self.task_lists.snapshot(),
            "tables": {name: rows for name, rows in self.kept.items() if rows and name != "TXMILOGRAW"},
        }
