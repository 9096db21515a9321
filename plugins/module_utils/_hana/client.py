# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that a HANA system understands."""

from __future__ import annotations

import datetime
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._argspec import system_id
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._hana import model, options, wire
from ansible_collections.basis.landscape.plugins.module_utils._hana.link import Address, Link, Row, SqlFailed

SYSTEMDB = "SYSTEMDB"
_CATALOG = "BACKUP_ID, ENTRY_TYPE_NAME, STATE_NAME, UTC_START_TIME, UTC_END_TIME, COMMENT, MESSAGE"
_FILES = (
    "BACKUP_ID, SERVICE_TYPE_NAME, HOST, SOURCE_TYPE_NAME, DESTINATION_TYPE_NAME, DESTINATION_PATH, BACKUP_SIZE, "
    "EXTERNAL_BACKUP_ID"
)


class Meant(NamedTuple):
    """The databases that a person means.

    :ivar names: those that are there and active, at least one.
    :ivar left_out: for ``all`` those that are not active, each with what it is instead, in words.
    """

    names: List[str]
    left_out: Dict[str, str]

    def warnings(self) -> List[str]:
        """A word about each that was left out."""
        return [f"{name} was left out: it is {instead}." for name, instead in self.left_out.items()]


class Client:
    """Talks to one HANA system, through its system database or one tenant.

    What is about a tenant takes its name. Connected to SYSTEMDB every tenant can be named; connected to a tenant only
    that one.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.connected_to = link.address.database

    def close(self) -> None:
        """Give back the connection."""
        self._link.close()

    # Questions

    def identity(self) -> model.Identity:
        """Who the connected database says it is (M_DATABASE)."""
        rows = self._link.ask(
            f"read who {self._link.address.label} is",
            "SELECT SYSTEM_ID, DATABASE_NAME, HOST, VERSION, USAGE FROM SYS.M_DATABASE",
        )
        if len(rows) != 1:
            raise Failed(
                f"read who {self._link.address.label} is", f"M_DATABASE has {len(rows)} rows, not 1", reason="malformed"
            )
        return model.Identity.read(rows[0])

    def confirm(self, doing: str, sid: Optional[str] = None) -> model.Identity:
        """See that who answers is the database that the options name: a port or a key may lead to another one.

        :param sid: the system that it has to be of.
        :raises Denied: it is not (reasons ``wrong_database``, ``wrong_system``).
        """
        found = self.identity()
        if found.database != self.connected_to:
            raise Denied(
                doing,
                f"{found.database} of {found.sid} answered, not {self.connected_to}",
                reason="wrong_database",
                cure="Correct hana_database, or the port or key that leads to it; nothing was done",
                answered=found.database,
            )
        if sid is not None and found.sid != system_id(sid, "confirm_sid"):
            raise Denied(
                doing,
                f"the system that answered says it is {found.sid}, and confirm_sid is {sid}",
                reason="wrong_system",
                cure="Correct the address or confirm_sid; nothing was done",
                answered=found.sid,
            )
        return found

    def meant(self, doing: str, names: Sequence[str], sid: Optional[str] = None) -> Meant:
        """The databases that a person means, when they are there and active; ``all`` is every active one.

        The catalog of one that is not active looks empty, so it is not looked at.

        :raises Denied: as `confirm`.
        :raises BadInput: none is named, there is no such database, or all are asked for through a tenant.
        :raises Failed: one that is named is not active, or of all none is, or the status of one is not known.
        """
        asked = list(dict.fromkeys(name.upper() for name in names))
        if not asked:
            raise BadInput(doing, "the list of databases is empty", cure="Name the databases, or say all")
        if asked == ["ALL"] and self.connected_to != SYSTEMDB:
            raise BadInput(
                doing,
                f"all databases are asked for, and the connection is to {self.connected_to}, which sees itself alone",
                cure=f"Connect to {SYSTEMDB}, or name {self.connected_to}",
            )
        self.confirm(doing, sid)
        known = self.databases()
        if asked == ["ALL"]:
            left_out = {
                name: f"{database.known_state} (M_DATABASES says {database.status})"
                for name, database in known.items()
                if not database.active
            }
            if len(left_out) == len(known):
                words = ", ".join(f"{name} is {instead}" for name, instead in left_out.items())
                raise Failed(doing, f"no database is active: {words}", reason="not_active")
            return Meant([name for name in known if name not in left_out], left_out)
        missing = [name for name in asked if name not in known]
        if missing:
            raise BadInput(doing, "there is no database {}".format(", ".join(missing)), known=list(known))
        for name in asked:
            if not known[name].active:
                raise Failed(
                    doing,
                    f"{name} is not active (M_DATABASES says {known[name].status or 'nothing'})",
                    reason="not_active",
                    cure="Start it, or leave it out",
                )
        return Meant(asked, {})

    def now(self) -> datetime.datetime:
        """The instant by HANA's own clock, which is the one that its catalog is written by."""
        rows = self._link.ask("read HANA's clock", "SELECT CURRENT_UTCTIMESTAMP AS NOW FROM SYS.DUMMY")
        found = model.utc(rows[0]["NOW"]) if rows else None
        if found is None:
            raise Failed("read HANA's clock", "it tells no time", reason="malformed")
        return found

    def answers(self) -> bool:
        """Whether the connected database answers SQL: one row of DUMMY."""
        return len(self._link.ask(f"ask {self._link.address.label}", "SELECT 1 AS ONE FROM SYS.DUMMY")) == 1

    def databases(self) -> Dict[str, model.Database]:
        """The databases that the connected one sees (M_DATABASES): from SYSTEMDB all, from a tenant itself.

        :raises Failed: the connected one is not among them: rows are hidden, so one that is missing may be there.
        """
        rows = self._link.ask(
            "read the databases",
            "SELECT DATABASE_NAME, ACTIVE_STATUS, RESTART_MODE, DESCRIPTION FROM SYS.M_DATABASES"
            " ORDER BY DATABASE_NAME",
        )
        found = {database.name: database for database in map(model.Database.read, rows)}
        if self.connected_to not in found:
            raise Failed(
                "read the databases",
                f"M_DATABASES does not show {self.connected_to}, although it answered: this user may not see the rows",
                reason="not_shown",
                cure="Grant CATALOG READ to the user",
            )
        return found

    def catalog(
        self,
        database: str,
        kinds: Sequence[str] = (),
        *,
        before: Optional[int] = None,
        since: Optional[datetime.datetime] = None,
        ids: Sequence[int] = (),
    ) -> Iterator[model.Backup]:
        """Entries of the backup catalog by ascending id, as they come.

        :param kinds: only these; all when empty.
        :param before: only ids below this one.
        :param since: only entries that began at or after this instant.
        :param ids: only these.
        """
        where, values = self._of(database)
        if kinds:
            where.append("ENTRY_TYPE_NAME IN ({})".format(", ".join("?" for _kind in kinds)))
            values += [model.TYPE_NAMES[kind] for kind in kinds]
        if before is not None:
            where.append("BACKUP_ID < ?")
            values.append(before)
        if since is not None:
            where.append("UTC_START_TIME >= ?")
            values.append(since.astimezone(datetime.timezone.utc).replace(tzinfo=None))
        if ids:
            where.append("BACKUP_ID IN ({})".format(", ".join("?" for _id in ids)))
            values += list(ids)
        rows = self._stream("M_BACKUP_CATALOG", _CATALOG, where, values, "BACKUP_ID", f"read the backups of {database}")
        return (model.Backup.read(row) for row in rows)

    def files(self, database: str, *, before: Optional[int] = None, ids: Sequence[int] = ()) -> Iterator[model.File]:
        """The parts of backups (M_BACKUP_CATALOG_FILES) by ascending id, as they come."""
        where, values = self._of(database)
        if before is not None:
            where.append("BACKUP_ID < ?")
            values.append(before)
        if ids:
            where.append("BACKUP_ID IN ({})".format(", ".join("?" for _id in ids)))
            values += list(ids)
        doing = f"read the backup files of {database}"
        return (
            model.File.read(row)
            for row in self._stream("M_BACKUP_CATALOG_FILES", _FILES, where, values, "BACKUP_ID", doing)
        )

    def newest(self, database: str) -> int:
        """The highest backup id of a database; 0 when there is none."""
        where, values = self._of(database)
        rows = list(
            self._stream(
                "M_BACKUP_CATALOG", "MAX(BACKUP_ID) AS NEWEST", where, values, "", f"read the backups of {database}"
            )
        )
        return int((rows[0]["NEWEST"] if rows else 0) or 0)

    def progress(self, database: str, backup: int) -> model.Progress:
        """How far a running data backup is."""
        where, values = self._of(database)
        rows = self._stream(
            "M_BACKUP_PROGRESS",
            "BACKUP_ID, BACKUP_SIZE, TRANSFERRED_SIZE",
            where,
            values,
            "",
            f"read the progress of {database}",
        )
        return model.Progress.read(rows, backup)

    def view(self, view: str, columns: Sequence[str], database: Optional[str] = None) -> List[Row]:
        """The rows of a monitoring view, of one database when it is named, else of the connected one."""
        where: List[str] = []
        values: List[Any] = []
        schema = "SYS"
        if database is not None and self.connected_to == SYSTEMDB:
            where, values = self._of(database)
            schema = "SYS_DATABASES"
        sql = "SELECT {} FROM {}.{}".format(", ".join(columns), schema, view)
        if where:
            sql += " WHERE " + " AND ".join(where)
        return self._link.ask(f"read {view}", sql, values)

    def parameter(self, file: str, section: str, key: str, database: Optional[str] = None) -> Dict[str, str]:
        """The values of an ini parameter by layer (M_INIFILE_CONTENTS)."""
        where = ["FILE_NAME = ?", "SECTION = ?", "KEY = ?"]
        values: List[Any] = [file, section, key]
        own, names = self._of(database) if database is not None else ([], [])
        rows = self._stream(
            "M_INIFILE_CONTENTS",
            "LAYER_NAME, VALUE",
            own + where,
            names + values,
            "",
            f"read the parameter {section}/{key}",
            plain_schema=database is None,
        )
        return {str(row["LAYER_NAME"]): str(row["VALUE"]) for row in rows}

    def tenant_parameter(self, file: str, section: str, key: str, database: str) -> Optional[str]:
        """The value of an ini parameter in a tenant's own layer, whether the tenant runs or not; None when it has none.

        Asked in SYSTEMDB's own view, which shows the files of all tenants (its column TENANT_NAME is from memory).
        """
        rows = self._link.ask(
            f"read the parameter {section}/{key} of {database}",
            "SELECT VALUE FROM SYS.M_INIFILE_CONTENTS WHERE FILE_NAME = ? AND SECTION = ? AND KEY = ?"
            " AND LAYER_NAME = 'DATABASE' AND TENANT_NAME = ?",
            (file, section, key, database),
        )
        return str(rows[0]["VALUE"]) if rows else None

    # Changes: each is sent once

    def back_up(
        self,
        kind: str,
        database: str,
        medium: str,
        destination: Sequence[str],
        comment: str,
        tool_option: Optional[str] = None,
    ) -> None:
        """Begin a data backup; it comes back at once."""
        sql = wire.backup(kind, self._for(database), medium, destination, comment, tool_option)
        self._link.tell(f"begin the {kind} backup of {database}", sql)

    def create_snapshot(self, comment: str, timeout: float) -> None:
        """Prepare a snapshot of the whole system."""
        self._link.tell("create a snapshot", wire.create_snapshot(comment), timeout=timeout)

    def close_snapshot(self, backup: int, external_id: Optional[str]) -> None:
        """Confirm a prepared snapshot, or give it up with None."""
        self._link.tell(f"close the snapshot {backup}", wire.close_snapshot(backup, external_id))

    def delete_before(self, database: str, backup: int, complete: bool, timeout: float) -> None:
        """Remove what is older than a full backup from the catalog, with ``complete`` the backups themselves too."""
        sql = wire.delete_before(self._for(database), backup, complete)
        self._link.tell(f"remove old backups of {database}", sql, timeout=timeout)

    def start_database(self, database: str, timeout: float) -> None:
        """Start a tenant."""
        self._link.tell(f"start {database}", wire.start_database(database), timeout=timeout)

    def stop_database(self, database: str, immediate: bool, timeout: float) -> None:
        """Stop a tenant."""
        self._link.tell(f"stop {database}", wire.stop_database(database, immediate), timeout=timeout)

    def create_database(self, database: str, password: str, location: Optional[str], timeout: float) -> None:
        """Create a tenant and start it."""
        sql = wire.create_database(database, password, location)
        self._link.tell(f"create {database}", sql, timeout, hide=wire.inside(password, '"'))

    def drop_database(self, database: str, keep_backups: bool, timeout: float) -> None:
        """Drop a tenant."""
        self._link.tell(f"drop {database}", wire.drop_database(database, keep_backups), timeout=timeout)

    def set_parameter(
        self, file: str, layer: str, section: str, key: str, value: str, database: Optional[str] = None
    ) -> None:
        """Set an ini parameter."""
        sql = wire.set_parameter(file, layer, database, section, key, value)
        self._link.tell(f"set {section}/{key} to {value}", sql)

    def unset_parameter(self, file: str, layer: str, section: str, key: str, database: Optional[str] = None) -> None:
        """Take an ini parameter out of a layer, so that the layer below counts."""
        sql = wire.unset_parameter(file, layer, database, section, key)
        self._link.tell(f"unset {section}/{key}", sql)

    def recover(self, database: str, timeout: float, **how: Any) -> None:
        """Recover a stopped tenant; comes back when HANA is through. ``how`` as in `wire.recover`."""
        self._link.tell(f"recover {database}", wire.recover(self._for(database), **how), timeout=timeout)

    # The door for everything

    def run(self, doing: str, statements: Sequence[Tuple[str, Sequence[Any]]], writes: bool) -> List[Dict[str, Any]]:
        """Statements in one transaction, parameters bound."""
        return self._link.run(doing, statements, writes)

    # How

    def _for(self, database: str) -> Optional[str]:
        """The name for a FOR clause; None for the connected database itself.

        :raises BadInput: another tenant, asked for through a tenant.
        """
        if database == self.connected_to:
            return None
        if self.connected_to != SYSTEMDB:
            raise BadInput(
                f"act on {database}", f"the connection is to {self.connected_to}; another tenant needs SYSTEMDB"
            )
        return database

    def _of(self, database: str) -> Tuple[List[str], List[Any]]:
        """The condition that picks one database's rows, with its value."""
        self._for(database)
        return (["DATABASE_NAME = ?"], [database]) if self.connected_to == SYSTEMDB else ([], [])

    def _stream(
        self,
        view: str,
        columns: str,
        where: Sequence[str],
        values: Sequence[Any],
        order: str,
        doing: str,
        plain_schema: bool = False,
    ) -> Iterator[Row]:
        # SYS_DATABASES has the rows of all databases, SYS those of the connected one.
        schema = "SYS" if plain_schema or self.connected_to != SYSTEMDB else "SYS_DATABASES"
        sql = f"SELECT {columns} FROM {schema}.{view}"
        if where:
            sql += " WHERE " + " AND ".join(where)
        if order:
            sql += f" ORDER BY {order}"
        return self._link.stream(doing, sql, values)


def connect(params: Mapping[str, Any], database: Optional[str] = None) -> Client:
    """A client by a module's options; nothing is opened before the first statement.

    :param database: another database than the option ``hana_database`` says.
    """
    address = options.address_of(params)
    return Client(Link(address if database is None else address._replace(database=database)))


__all__ = ("SYSTEMDB", "Address", "Client", "Meant", "SqlFailed", "connect")
