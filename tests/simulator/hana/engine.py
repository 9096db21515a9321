# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated HANA system does with the statements it is sent.

Privileges as published: BACKUP ADMIN or BACKUP OPERATOR for backups, BACKUP ADMIN for the catalog, DATABASE ADMIN for
recovery, start, stop, creation of tenants, INIFILE ADMIN for parameters, ENCRYPTION ROOT KEY ADMIN for root keys. What
concerns another database is only taken in SYSTEMDB. Invented: error 7 for such a statement in a tenant; that DDL
commits what the session has open; that START and STOP DATABASE of a database in the wrong state fail with error 2.
"""

from __future__ import annotations

import asyncio
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import islice
from typing import Any

from . import rootkeys, sql
from .answers import Account, Affected, Column, Cut, Description, Done, Hang, Rows, Session, SqlError
from .backups import Backups, close_snapshot, create_snapshot
from .database import SYSTEMDB, Database, Job, System, Table, utc
from .views import VIEWS, Views, columns, wide

Row = Sequence[Any]
Value = Callable[[Row, Sequence[Any]], Any]
SYSTEM_SCHEMAS = frozenset({"", "SYS", "PUBLIC", "SYS_DATABASES"})
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
PRIVILEGES: dict[type[sql.Statement], frozenset[str]] = {
    sql.Backup: frozenset({"BACKUP ADMIN", "BACKUP OPERATOR"}),
    sql.CreateSnapshot: frozenset({"BACKUP ADMIN", "BACKUP OPERATOR"}),
    sql.CloseSnapshot: frozenset({"BACKUP ADMIN", "BACKUP OPERATOR"}),
    sql.CancelBackup: frozenset({"BACKUP ADMIN", "BACKUP OPERATOR"}),
    sql.DeleteCatalog: frozenset({"BACKUP ADMIN"}),
    sql.BackupRootKeys: frozenset({"ENCRYPTION ROOT KEY ADMIN"}),
    sql.RootKeyPassword: frozenset({"ENCRYPTION ROOT KEY ADMIN"}),
    sql.Recover: frozenset({"DATABASE ADMIN"}),
    sql.Power: frozenset({"DATABASE ADMIN"}),
    sql.CreateDatabase: frozenset({"DATABASE ADMIN"}),
    sql.DropDatabase: frozenset({"DATABASE ADMIN"}),
    sql.RenameDatabase: frozenset({"DATABASE ADMIN"}),
    sql.Configure: frozenset({"INIFILE ADMIN"}),
}


# -- values -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _convert(text: str, sort: Any) -> Any:
    """A string as the kind of value that it is compared with."""
    try:
        if sort is datetime:
            return sql.moment(text)
        if sort is date:
            return date.fromisoformat(text)
        if sort is time:
            return time.fromisoformat(text)
        return Decimal(text)
    except (ValueError, InvalidOperation):
        what = "number" if sort is Decimal else "date or time"
        raise SqlError(339, f"invalid {what}: {text!r}") from None


def _pair(left: Any, right: Any) -> tuple[Any, Any]:
    """Two values made comparable, as HANA's implicit conversion does."""
    if type(left) is type(right):
        return left, right
    other: Any = left if isinstance(right, str) else right
    sort: Any = type(other) if isinstance(other, (date, time)) else Decimal
    if isinstance(left, str) and not isinstance(right, bytes):
        return _convert(left, sort), right
    if isinstance(right, str) and not isinstance(left, bytes):
        return left, _convert(right, sort)
    if isinstance(left, datetime) is not isinstance(right, datetime) and isinstance(left, date):
        both = [v if isinstance(v, datetime) else datetime.combine(v, time()) for v in (left, right)]
        return both[0], both[1]
    return left, right


def _compare(op: str, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    try:
        return ORDERINGS[op](*_pair(left, right))
    except TypeError:
        raise SqlError(266, f"inconsistent datatype: {type(left).__name__} and {type(right).__name__}") from None


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in text), re.DOTALL)


def _arithmetic(op: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if op == "||":
        return str(left) + str(right)
    numbers = [Decimal(v) if isinstance(v, (str, int)) else v for v in (left, right)]
    if op == "/" and not numbers[1]:
        raise SqlError(304, "division by zero undefined")
    done = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[op](*numbers)
    return int(done) if isinstance(left, int) and isinstance(right, int) and op != "/" else done


def _function(name: str, values: Sequence[Any]) -> Any:
    first = values[0]
    if name == "IFNULL":
        return values[1] if first is None else first
    if first is None:
        return None
    text = str(first)
    simple: dict[str, Callable[[], Any]] = {
        "UPPER": text.upper,
        "LOWER": text.lower,
        "TRIM": text.strip,
        "LENGTH": lambda: len(text),
        "SUBSTR_AFTER": lambda: text.partition(str(values[1]))[2],
        "SUBSTR_BEFORE": lambda: text.partition(str(values[1]))[0] if str(values[1]) in text else "",
        "TO_NVARCHAR": lambda: text,
        "TO_VARCHAR": lambda: text,
    }
    return simple[name]()


class Scope:
    """The columns that an expression may name."""

    def __init__(self, shown: Sequence[Column], names: Iterable[str], session: Session, now: datetime | None) -> None:
        self.columns = shown
        self._names = set(names)
        self._places = {column.name: index for index, column in enumerate(shown)}
        self._session, self._now = session, now

    def place(self, name: sql.Name) -> int:
        """Where a column is.

        Raises:
            SqlError: 260.
        """
        if name.name not in self._places or (name.table and name.table not in self._names):
            shown = f"{name.table}.{name.name}" if name.table else name.name
            where = f": line 1 col {name.position} (at pos {name.position})"
            raise SqlError(260, f"invalid column name: {shown}{where}", "HY000", name.position)
        return self._places[name.name]

    def value(self, node: Any) -> Value:
        """An expression as a function of row, parameters.

        Raises:
            SqlError: 260.
        """
        if isinstance(node, sql.Literal):
            constant = node.value
            return lambda row, given: constant
        if isinstance(node, sql.Parameter):
            index = node.index
            return lambda row, given: given[index]
        if isinstance(node, sql.Name):
            return self._column(self.place(node))
        if isinstance(node, sql.Call):
            return self._call(node)
        if isinstance(node, sql.Not):
            inner = self.value(node.inner)
            return lambda row, given: None if (found := inner(row, given)) is None else not found
        if isinstance(node, sql.IsNull):
            left = self.value(node.left)
            return lambda row, given: left(row, given) is None
        if isinstance(node, sql.InList):
            return self._in_list(node)
        return self._binary(node)

    @staticmethod
    def _column(place: int) -> Value:
        return lambda row, given: row[place]

    def _in_list(self, node: sql.InList) -> Value:
        left, values = self.value(node.left), [self.value(one) for one in node.values]

        def found(row: Row, given: Sequence[Any]) -> bool | None:
            mine = left(row, given)
            answers = [_compare("=", mine, one(row, given)) for one in values]
            return True if True in answers else None if None in answers else False

        return found

    def _binary(self, node: sql.Binary) -> Value:
        left, right, op = self.value(node.left), self.value(node.right), node.op
        if op == "AND":

            def both(row: Row, given: Sequence[Any]) -> bool | None:
                first = left(row, given)
                if first is False:
                    return False
                second = right(row, given)
                return False if second is False else None if first is None or second is None else True

            return both
        if op == "OR":

            def either(row: Row, given: Sequence[Any]) -> bool | None:
                first = left(row, given)
                if first is True:
                    return True
                second = right(row, given)
                return True if second is True else None if first is None or second is None else False

            return either
        if op == "LIKE":

            def like(row: Row, given: Sequence[Any]) -> bool | None:
                text, form = left(row, given), right(row, given)
                return None if text is None or form is None else bool(_pattern(str(form)).fullmatch(str(text)))

            return like
        if op in ORDERINGS:
            return lambda row, given: _compare(op, left(row, given), right(row, given))
        return lambda row, given: _arithmetic(op, left(row, given), right(row, given))

    def _call(self, node: sql.Call) -> Value:
        if node.name in sql.AGGREGATES:
            raise SqlError(277, f"sql syntax error: aggregate function {node.name} is not allowed here")
        if node.name in sql.NILADIC:
            fixed = {"CURRENT_USER": self._session.user, "CURRENT_SCHEMA": self._session.user}.get(node.name, self._now)
            return lambda row, given: fixed
        values = [self.value(one) for one in node.arguments]
        needed = 2 if node.name in ("IFNULL", "SUBSTR_AFTER", "SUBSTR_BEFORE") else 1
        if len(values) != needed:
            raise SqlError(316, f"wrong number of arguments in function {node.name}")
        return lambda row, given: _function(node.name, [one(row, given) for one in values])

    def column(self, node: Any, name: str) -> Column:
        """What an expression's values are like."""
        if isinstance(node, sql.Name):
            found = self.columns[self.place(node)]
            return Column(name, found.type, found.length, found.scale, found.nullable, found.table)
        if isinstance(node, sql.Literal):
            return self._literal(node.value, name)
        if isinstance(node, sql.Call):
            if node.name in ("COUNT", "LENGTH"):
                return Column(name, "BIGINT", 0)
            if node.name in ("SUM", "MIN", "MAX", "IFNULL"):
                inner = self.column(node.arguments[0], name)
                if node.name == "SUM" and inner.type in ("TINYINT", "SMALLINT", "INTEGER"):
                    return Column(name, "BIGINT", 0)
                return inner
            if node.name in ("CURRENT_UTCTIMESTAMP", "CURRENT_TIMESTAMP"):
                return Column(name, "TIMESTAMP", 0)
        if isinstance(node, sql.Binary) and node.op in ("+", "-", "*", "/"):
            sides = {self.column(side, name).type for side in (node.left, node.right)}
            whole = node.op != "/" and sides <= {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}
            return Column(name, "BIGINT" if whole else "DECIMAL", 0 if whole else 34)
        return Column(name, "NVARCHAR", 5000)

    @staticmethod
    def _literal(value: Any, name: str) -> Column:
        if isinstance(value, bool):
            return Column(name, "BOOLEAN", 0)
        if isinstance(value, int):
            return Column(name, "INTEGER" if -(1 << 31) <= value < 1 << 31 else "BIGINT", 0)
        if isinstance(value, Decimal):
            return Column(name, "DECIMAL", 34)
        if isinstance(value, datetime):
            return Column(name, "TIMESTAMP", 0)
        return Column(name, "NVARCHAR", max(1, len(value or "")))

    def parameters(self, node: Any, count: int) -> list[Column]:
        """What the parameters within an expression should be like: as the other side of their comparison."""
        found = [Column(f"P{index + 1}", "NVARCHAR", 5000) for index in range(count)]

        def walk(node: Any) -> None:
            sides: list[tuple[Any, Any]] = []
            if isinstance(node, sql.Binary):
                sides = [(node.left, node.right), (node.right, node.left)]
                walk(node.left)
                walk(node.right)
            elif isinstance(node, sql.InList):
                sides = [(node.left, value) for value in node.values]
                walk(node.left)
            elif isinstance(node, sql.Not):
                walk(node.inner)
            for other, side in sides:
                if isinstance(side, sql.Parameter) and not isinstance(other, sql.Parameter):
                    found[side.index] = self.column(other, f"P{side.index + 1}")

        walk(node)
        return found


def _coerce(value: Any, column: Column) -> Any:
    """A value as a column stores it.

    Raises:
        SqlError: 287, 274, 339.
    """
    if value is None:
        if not column.nullable:
            raise SqlError(287, f"cannot insert NULL or update to NULL: {column.name}")
        return None
    if column.type in ("NVARCHAR", "VARCHAR", "NCLOB", "CLOB"):
        text = str(value)
        if column.length and len(text) > column.length and column.type in ("NVARCHAR", "VARCHAR"):
            raise SqlError(274, f"inserted value too large for column: {column.name}")
        return text
    if column.type in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        return int(_convert(value, Decimal)) if isinstance(value, str) else int(value)
    if column.type == "DECIMAL":
        return _convert(value, Decimal) if isinstance(value, str) else Decimal(str(value))
    if column.type == "DOUBLE":
        return float(value)
    kinds: dict[str, type] = {"TIMESTAMP": datetime, "SECONDDATE": datetime, "DATE": date, "TIME": time}
    if column.type in kinds and isinstance(value, str):
        return _convert(value, kinds[column.type])
    return value


class Key:
    """A sort key that takes NULL as smaller than everything."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: Key) -> bool:
        if self.value is None or other.value is None:
            return self.value is None and other.value is not None
        return bool(_compare("<", self.value, other.value))


# -- the engine -------------------------------------------------------------------------------------------------------


class HanaEngine:
    """The engine of one HANA system."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._sessions: dict[int, Session] = {}
        self._views = Views(system, self._sessions)

    # what the protocol asks ------------------------------------------------------------------------------------------

    def databases(self) -> list[str]:
        """The names of SYSTEMDB and of every tenant."""
        return list(self.system.databases)

    def port(self, database: str) -> int:
        """The SQL port of a database. Raises SqlError for one that does not exist."""
        return self.system.database(database).sql_port

    def listening(self, database: str) -> bool:
        """Whether the database's SQL port accepts connections."""
        found = self.system.databases.get(database)
        return found is not None and found.active

    def account(self, database: str, user: str) -> Account:
        """The account. Raises SqlError 10 when there is none."""
        found = self.system.database(database).user(user)
        return Account(found.name, found.password)

    def logged_on(self, database: str, user: str, proved: bool) -> None:
        """Called with the proof's outcome. Raises SqlError 10, 414, 415, 416, 431."""
        self.system.database(database).logged_on(user, proved)

    def describe(self, session: Session, text: str) -> Description:
        """Parse. Raises SqlError."""
        statement = sql.parse(text)
        count = statement.parameters
        if isinstance(statement, sql.Select):
            scope, _rows = self._source(session, statement)
            shown = [column for column, _item in self._items(scope, statement)]
            parameters = scope.parameters(statement.where, count)
            for node in (statement.limit, statement.offset):
                if isinstance(node, sql.Parameter):
                    parameters[node.index] = Column(f"P{node.index + 1}", "INTEGER", 0)
            return Description("SELECT", shown, parameters)
        if isinstance(statement, (sql.Insert, sql.Update, sql.Delete)):
            table, scope = self._target(session, statement)
            if isinstance(statement, sql.Insert):
                pairs = list(zip(self._columns(table, statement), statement.values, strict=False))
                condition = None
            else:
                changes = statement.changes if isinstance(statement, sql.Update) else []
                pairs = [(table.columns[scope.place(sql.Name(name))], node) for name, node in changes]
                condition = statement.where
            parameters = scope.parameters(condition, count)
            for column, node in pairs:
                if isinstance(node, sql.Parameter):
                    parameters[node.index] = column
            return Description(type(statement).__name__.upper(), (), parameters)
        return Description("OTHER", (), [Column(f"P{i + 1}", "NVARCHAR", 5000) for i in range(count)])

    async def execute(self, session: Session, text: str, parameters: Sequence[Any] = ()) -> Rows | Affected | Done:
        """Do it. Raises SqlError, Cut or Hang."""
        database = self._of(session)
        statement = sql.parse(text)
        if statement.parameters > len(parameters):
            raise SqlError(313, f"not enough parameters: {len(parameters)} of {statement.parameters}")
        if self._strike("hana_hang", database, statement):
            raise Hang
        slow = self._strike("hana_slow", database, statement)
        if slow is not None:
            await asyncio.sleep(slow.seconds)
        lost = self._strike("hana_connection_lost", database, statement)
        self._authorize(session, database, statement)
        done = self._do(session, database, statement, text, parameters)
        if lost is not None:
            raise Cut
        if isinstance(done, Job):
            try:
                await done.wait()
            except SqlError:
                self._of(session)
                raise
            self._of(session)
            return Done()
        return done

    def commit(self, session: Session) -> None:
        """Make the session's changes lasting."""
        if session.work.get("changes"):
            try:
                self._of(session).commit(session)
            except Cut:
                session.work.pop("changes", None)
                raise SqlError(129, "transaction rolled back by an internal error: the database was stopped") from None

    def rollback(self, session: Session) -> None:
        """Take the session's changes back."""
        Database.rollback(session)

    def ended(self, session: Session) -> None:
        """The client is gone."""
        Database.rollback(session)
        self._sessions.pop(session.id, None)

    # -- the way to the statement -------------------------------------------------------------------------------------

    def _of(self, session: Session) -> Database:
        """The session's database, if that still knows it."""
        database = self.system.databases.get(session.database)
        if (
            database is None
            or not database.active
            or session.work.setdefault("epoch", database.epoch) != database.epoch
        ):
            raise Cut
        self._sessions[session.id] = session
        return database

    def _strike(self, fault: str, database: Database, statement: sql.Statement) -> Any:
        """A fault that strikes a statement.

        ``operation`` are its first words, one or more; ``database`` is the one that it names or is executed in.
        """
        faults = self.system.world.faults
        for name in filter(None, (getattr(statement, "database", ""), database.name)):
            for count in range(len(statement.words), 0, -1):
                where = {**database.where, "database": name, "operation": " ".join(statement.words[:count])}
                if faults.standing(fault, **where) is not None:
                    return faults.strike(fault, **where)
        return None

    @staticmethod
    def _authorize(session: Session, database: Database, statement: sql.Statement) -> None:
        needed = PRIVILEGES.get(type(statement))
        user = database.users.get(session.user)
        if needed is not None and (user is None or not needed & user.privileges):
            raise SqlError(258, "insufficient privilege: Not authorized")

    def _other(self, session: Session, name: str) -> Database:
        """The database that a statement names, the session's own without a name.

        Raises:
            SqlError: it does not exist; 7, a tenant has no say over another database.
        """
        if not name or name == session.database:
            return self.system.database(session.database)
        self._in_systemdb(session)
        return self.system.database(name)

    @staticmethod
    def _in_systemdb(session: Session) -> None:
        if session.database != SYSTEMDB:
            raise SqlError(7, "feature not supported: this statement can only be executed in SYSTEMDB")

    def _tenant(self, session: Session, name: str) -> Database:
        self._in_systemdb(session)
        return self.system.tenant(name)

    def _do(
        self, session: Session, database: Database, statement: sql.Statement, text: str, given: Sequence[Any]
    ) -> Rows | Affected | Done | Job:
        if isinstance(statement, sql.Select):
            return self._select(session, statement, given)
        if isinstance(statement, (sql.Insert, sql.Update, sql.Delete)):
            done = self._change(session, database, statement, given)
            if session.autocommit:
                database.commit(session)
            return done
        database.commit(session)
        if isinstance(statement, sql.Backup):
            backups: Backups = self._other(session, statement.database).backups
            job = backups.backup(statement, text)
            return Done() if statement.asynchronous and not job.over else job
        if isinstance(statement, sql.Recover):
            target: Backups = self._other(session, statement.database).backups
            return target.recover(statement, text)
        if isinstance(statement, sql.Power):
            tenant = self._tenant(session, statement.database)
            return tenant.start() if statement.start else tenant.stop(statement.immediate)
        if isinstance(statement, sql.CreateDatabase):
            return self._create_database(session, statement)
        self._administer(session, database, statement)
        return Done()

    def _create_database(self, session: Session, statement: sql.CreateDatabase) -> Done | Job:
        self._in_systemdb(session)
        if statement.database in self.system.databases:
            raise SqlError(2, f"general error: Database '{statement.database}' exists already")
        made = self.system.add(statement.database, {"SYSTEM": statement.password})
        made.status, made.wanted, made.started = "NO", False, self.system.world.clock.wall()
        return made.start() if statement.start else Done()

    def _administer(self, session: Session, database: Database, statement: sql.Statement) -> None:
        """The statements that are through at once."""
        system = self.system
        if isinstance(statement, sql.CreateSnapshot):
            self._in_systemdb(session)
            create_snapshot(system, statement.comment)
        elif isinstance(statement, sql.CloseSnapshot):
            self._in_systemdb(session)
            close_snapshot(system, statement.backup_id, statement.successful, statement.text)
        elif isinstance(statement, sql.CancelBackup):
            owners = [database] if session.database != SYSTEMDB else list(system.databases.values())
            holder = [one for one in owners if one.backups.catalog.find(statement.backup_id) is not None]
            (holder or [database])[0].backups.cancel(statement.backup_id)
        elif isinstance(statement, sql.DeleteCatalog):
            self._other(session, statement.database).backups.delete(statement)
        elif isinstance(statement, sql.BackupRootKeys):
            target = self._other(session, statement.database)
            base = target.parameter("persistence", "basepath_rootkeysbackup")
            rootkeys.save(target, system.path(f"{base}/{target.folder}/{statement.name}_rootkeys"))
        elif isinstance(statement, sql.RootKeyPassword):
            self._other(session, statement.database).key_password = statement.password
        elif isinstance(statement, sql.DropDatabase):
            target = self._tenant(session, statement.database)
            system.drop(statement.database)
            if statement.drop_backups:
                target.backups.erase()
        elif isinstance(statement, sql.RenameDatabase):
            self._tenant(session, statement.database)
            system.rename(statement.database, statement.new)
        elif isinstance(statement, sql.Configure):
            self._configure(session, statement)
        elif isinstance(statement, sql.CreateTable):
            self._create_table(database, statement)
        elif isinstance(statement, sql.DropTable):
            table = database.table(statement.schema, statement.table, statement.position)
            database.write([["drop", f"{table.schema}.{table.name}"]])

    def _configure(self, session: Session, statement: sql.Configure) -> None:
        """Set or unset parameters; what a tenant sets in layer SYSTEM is its own."""
        layer, tenant = statement.layer, ""
        if layer not in ("SYSTEM", "DATABASE", "HOST"):
            raise SqlError(2, f"general error: invalid layer name '{layer}'")
        if layer == "DATABASE" or session.database != SYSTEMDB:
            layer, tenant = "DATABASE", statement.name or session.database
            if tenant != session.database:
                self._other(session, tenant)
        elif layer == "HOST":
            tenant = statement.name
        for section, key, value in statement.changes:
            place = (statement.file, layer, tenant, section, key)
            if value is None:
                self.system.ini.pop(place, None)
            else:
                self.system.ini[place] = value

    @staticmethod
    def _create_table(database: Database, statement: sql.CreateTable) -> None:
        schema = statement.schema or "SYSTEM"
        name = f"{schema}.{statement.table}"
        if name in database.tables:
            raise SqlError(288, f"cannot use duplicate table name: {statement.table}")
        known = {column.name for column in statement.columns}
        if not set(statement.key) <= known:
            raise SqlError(260, f"invalid column name: {(set(statement.key) - known).pop()}")
        shown = [Column(c.name, c.type, c.length, c.scale, c.nullable) for c in statement.columns]
        table = Table(schema, statement.table, shown, statement.key)
        database.write([["create", name, table.definition()]])

    # -- reading ------------------------------------------------------------------------------------------------------

    def _scope(self, shown: Sequence[Column], names: Iterable[str], session: Session) -> Scope:
        return Scope(shown, names, session, utc(self.system.world.clock.wall()))

    @staticmethod
    def _fixed(node: Any, given: Sequence[Any]) -> dict[str, list[Any]]:
        """The columns for which a condition leaves few values only, with those."""
        found: dict[str, list[Any]] = {}
        pending = [node]
        while pending:
            node = pending.pop()
            if isinstance(node, sql.Binary) and node.op == "AND":
                pending += [node.left, node.right]
                continue
            sides: Sequence[Any] = ()
            if isinstance(node, sql.InList):
                sides = node.values
            elif isinstance(node, sql.Binary) and node.op == "=":
                sides = (node.right,)
            values = [side.value for side in sides if isinstance(side, sql.Literal)]
            places = [side.index for side in sides if isinstance(side, sql.Parameter)]
            values += [given[place] for place in places if place < len(given)]
            if sides and len(values) == len(sides) and isinstance(node.left, sql.Name):
                found[node.left.name] = values
        return found

    def _source(
        self, session: Session, statement: sql.Select, given: Sequence[Any] = ()
    ) -> tuple[Scope, Callable[[], Iterable[Row]]]:
        """The columns of what a SELECT reads, with a way to its rows."""
        database = self.system.database(session.database)
        names = (statement.alias, statement.table)
        shadowed = not statement.schema and any(t.name == statement.table for t in database.tables.values())
        known = statement.table in VIEWS and statement.table not in self.system.options.lacks
        if statement.schema in SYSTEM_SCHEMAS and known and not shadowed:
            everything = statement.schema == "SYS_DATABASES"
            if everything and (session.database != SYSTEMDB or statement.table == "DUMMY"):
                raise SqlError(362, f"invalid schema name: {statement.schema}", "3F000", statement.position)
            shown = wide(statement.table) if everything else columns(statement.table)
            return self._scope(shown, names, session), lambda: self._views.rows(
                statement.table, database, session, self._fixed(statement.where, given), all_databases=everything
            )
        table = database.table(statement.schema, statement.table, statement.position)
        return self._scope(table.columns, names, session), lambda: (
            row for _id, row in database.visible(session, table)
        )

    @staticmethod
    def _items(scope: Scope, statement: sql.Select) -> list[tuple[Column, Any]]:
        """The columns of the result, each with its expression."""
        found: list[tuple[Column, Any]] = []
        for item in statement.items:
            if item.expression is None:
                found += [(column, sql.Name(column.name)) for column in scope.columns]
            else:
                found.append((scope.column(item.expression, item.name), item.expression))
        return found

    def _select(self, session: Session, statement: sql.Select, given: Sequence[Any]) -> Rows:
        scope, source = self._source(session, statement, given)
        items = self._items(scope, statement)
        shown = [column for column, _node in items]
        condition = scope.value(statement.where) if statement.where is not None else None
        rows: Iterable[Row] = source()
        if condition is not None:
            test = condition
            rows = (row for row in rows if test(row, given) is True)
        if any(isinstance(node, sql.Call) and node.name in sql.AGGREGATES for _column, node in items):
            return Rows(shown, [self._aggregate(scope, items, list(rows), given)])
        if statement.order:
            rows = self._sorted(scope, statement, items, rows, given)
        values = [scope.value(node) for _column, node in items]
        done: Iterator[Row] = (tuple([value(row, given) for value in values]) for row in rows)
        if statement.distinct:
            done = iter(dict.fromkeys(tuple(row) for row in done))
        if statement.limit is not None:
            limit = int(scope.value(statement.limit)((), given))
            offset = int(scope.value(statement.offset)((), given)) if statement.offset is not None else 0
            done = islice(done, offset, offset + limit)
        return Rows(shown, done)

    @staticmethod
    def _sorted(
        scope: Scope, statement: sql.Select, items: list[tuple[Column, Any]], rows: Iterable[Row], given: Sequence[Any]
    ) -> list[Row]:
        ordered = list(rows)
        aliases = {column.name: node for column, node in items}
        for node, descending in reversed(statement.order):
            if isinstance(node, sql.Literal) and isinstance(node.value, int) and 0 < node.value <= len(items):
                node = items[node.value - 1][1]
            elif isinstance(node, sql.Name) and not node.table and node.name in aliases:
                node = aliases[node.name]
            value = scope.value(node)
            keys = [value(row, given) for row in ordered]
            plain = len({type(key) for key in keys}) == 1 and keys[0] is not None
            order = sorted(
                range(len(keys)),
                key=keys.__getitem__ if plain else [Key(key) for key in keys].__getitem__,
                reverse=descending,
            )
            ordered = [ordered[index] for index in order]
        return ordered

    @staticmethod
    def _aggregate(
        scope: Scope, items: list[tuple[Column, Any]], rows: list[Row], given: Sequence[Any]
    ) -> tuple[Any, ...]:
        done: list[Any] = []
        for column, node in items:
            if not isinstance(node, sql.Call) or node.name not in sql.AGGREGATES:
                if isinstance(node, (sql.Literal, sql.Parameter)):
                    done.append(scope.value(node)((), given))
                    continue
                raise SqlError(276, f"aggregation not possible: {column.name} is not aggregated")
            if not node.arguments:
                done.append(len(rows))
                continue
            value = scope.value(node.arguments[0])
            values = [found for row in rows if (found := value(row, given)) is not None]
            ways: dict[str, Callable[[list[Any]], Any]] = {"COUNT": len, "SUM": sum, "MIN": min, "MAX": max}
            done.append(ways[node.name](values) if values or node.name == "COUNT" else None)
        return tuple(done)

    # -- writing ------------------------------------------------------------------------------------------------------

    def _target(self, session: Session, statement: sql.Insert | sql.Update | sql.Delete) -> tuple[Table, Scope]:
        database = self.system.database(session.database)
        table = database.table(statement.schema, statement.table, statement.position)
        return table, self._scope(table.columns, (table.name,), session)

    @staticmethod
    def _columns(table: Table, statement: sql.Insert) -> list[Column]:
        if statement.columns is None:
            return list(table.columns)
        known = {column.name: column for column in table.columns}
        missing = [name for name in statement.columns if name not in known]
        if missing:
            raise SqlError(260, f"invalid column name: {missing[0]}")
        return [known[name] for name in statement.columns]

    def _change(
        self,
        session: Session,
        database: Database,
        statement: sql.Insert | sql.Update | sql.Delete,
        given: Sequence[Any],
    ) -> Affected:
        table, scope = self._target(session, statement)
        before = {name: dict(rows) for name, rows in database.overlay(session).items()}
        try:
            if isinstance(statement, sql.Insert):
                named = self._columns(table, statement)
                if len(named) != len(statement.values):
                    raise SqlError(
                        270, "not enough values" if len(named) > len(statement.values) else "too many values"
                    )
                empty = self._scope((), (), session)
                values = {
                    column.name: empty.value(node)((), given)
                    for column, node in zip(named, statement.values, strict=True)
                }
                row = tuple(_coerce(values.get(column.name), column) for column in table.columns)
                database.change(session, table, next(database.rows), row)
                return Affected(1, "INSERT")
            condition = scope.value(statement.where) if statement.where is not None else None
            chosen = [
                (ident, row)
                for ident, row in database.visible(session, table)
                if condition is None or condition(row, given) is True
            ]
            if isinstance(statement, sql.Delete):
                for ident, _row in chosen:
                    database.change(session, table, ident, None)
                return Affected(len(chosen), "DELETE")
            changes = [(scope.place(sql.Name(name)), scope.value(node)) for name, node in statement.changes]
            for ident, row in chosen:
                fresh = list(row)
                for place, value in changes:
                    fresh[place] = _coerce(value(row, given), table.columns[place])
                database.change(session, table, ident, tuple(fresh))
            return Affected(len(chosen), "UPDATE")
        except SqlError:
            session.work["changes"] = before
            raise
