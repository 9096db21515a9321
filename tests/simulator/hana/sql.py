# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL statements that the simulated HANA understands: text in, plain statement objects out.

A tokenizer with a small recursive descent; what is not here is HANA's error 257 with its position. SELECT knows one
table, no joins, no subqueries. The shapes of BACKUP, RECOVER, ALTER SYSTEM come from published examples; where those do
not fix the order of trailing clauses, any order is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from .answers import SqlError

TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<word>[A-Za-z_][\w$\#]*)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<string>N?'(?:[^']|'')*')
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    |(?P<op><>|!=|<=|>=|\|\||[-+*/=<>(),.;?])""",
    re.VERBOSE | re.DOTALL,
)
AGGREGATES = frozenset({"COUNT", "SUM", "MIN", "MAX"})
FUNCTIONS = frozenset(
    {"UPPER", "LOWER", "TRIM", "LENGTH", "IFNULL", "SUBSTR_AFTER", "SUBSTR_BEFORE", "TO_NVARCHAR", "TO_VARCHAR"}
)
NILADIC = frozenset({"CURRENT_USER", "CURRENT_UTCTIMESTAMP", "CURRENT_TIMESTAMP", "CURRENT_SCHEMA"})
_WORDS = """ALL AND AS BETWEEN BY FROM GROUP HAVING IN INTO IS JOIN LIKE LIMIT NOT NULL ON OR ORDER SELECT SET UNION
USING WHERE WITH"""
RESERVED = frozenset(_WORDS.split())
_TYPES = """TINYINT SMALLINT INTEGER BIGINT DECIMAL DOUBLE BOOLEAN VARCHAR NVARCHAR VARBINARY TIMESTAMP SECONDDATE DATE
TIME CLOB NCLOB BLOB"""
TYPES = {name: name for name in _TYPES.split()} | {
    "INT": "INTEGER",
    "CHAR": "VARCHAR",
    "NCHAR": "NVARCHAR",
    "DEC": "DECIMAL",
    "REAL": "DOUBLE",
    "FLOAT": "DOUBLE",
}


# -- expressions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Literal:
    """A value that stands in the text."""

    value: Any


@dataclass(frozen=True)
class Parameter:
    """A question mark, counted from 0."""

    index: int


@dataclass(frozen=True)
class Name:
    """A column, with the table or alias before its dot."""

    name: str
    table: str = ""
    position: int = 0


@dataclass(frozen=True)
class Call:
    """A function, an aggregate or a value without brackets such as CURRENT_USER; COUNT(*) has no arguments."""

    name: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Binary:
    """Two sides with what stands between them: = <> < <= > >= + - * / || AND OR LIKE."""

    op: str
    left: Any
    right: Any


@dataclass(frozen=True)
class Not:
    """The opposite."""

    inner: Any


@dataclass(frozen=True)
class InList:
    """A value with the list it may be in."""

    left: Any
    values: tuple[Any, ...]


@dataclass(frozen=True)
class IsNull:
    """Whether there is no value."""

    left: Any


@dataclass(frozen=True)
class Item:
    """One expression of a select list with the name it gets; ``expression`` is None for ``*``."""

    expression: Any
    name: str


# -- statements -------------------------------------------------------------------------------------------------------


@dataclass
class Statement:
    """What all statements have: how many parameters, their first words for fault filters."""

    parameters: int = field(default=0, kw_only=True)
    words: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass
class Select(Statement):
    """SELECT from one table."""

    items: list[Item]
    schema: str
    table: str
    alias: str
    position: int
    where: Any = None
    order: list[tuple[Any, bool]] = field(default_factory=list)
    limit: Any = None
    offset: Any = None
    distinct: bool = False


@dataclass(frozen=True)
class ColumnType:
    """One column of CREATE TABLE."""

    name: str
    type: str
    length: int
    scale: int
    nullable: bool


@dataclass
class CreateTable(Statement):
    """CREATE TABLE; ``key`` are the primary key's columns."""

    schema: str
    table: str
    columns: list[ColumnType]
    key: tuple[str, ...]


@dataclass
class DropTable(Statement):
    """DROP TABLE."""

    schema: str
    table: str
    position: int


@dataclass
class Insert(Statement):
    """INSERT of one row; without ``columns`` in the table's order."""

    schema: str
    table: str
    position: int
    columns: list[str] | None
    values: list[Any]


@dataclass
class Update(Statement):
    """UPDATE."""

    schema: str
    table: str
    position: int
    changes: list[tuple[str, Any]]
    where: Any


@dataclass
class Delete(Statement):
    """DELETE."""

    schema: str
    table: str
    position: int
    where: Any


@dataclass
class Backup(Statement):
    """BACKUP DATA; ``sort`` is complete, differential or incremental, ``medium`` file or backint."""

    sort: str
    database: str
    medium: str
    names: tuple[str, ...]
    tooloption: str = ""
    comment: str = ""
    asynchronous: bool = False


@dataclass
class CreateSnapshot(Statement):
    """BACKUP DATA FOR FULL SYSTEM CREATE SNAPSHOT."""

    comment: str = ""


@dataclass
class CloseSnapshot(Statement):
    """BACKUP DATA FOR FULL SYSTEM CLOSE SNAPSHOT."""

    backup_id: int
    successful: bool
    text: str = ""


@dataclass
class CancelBackup(Statement):
    """BACKUP CANCEL."""

    backup_id: int


@dataclass
class DeleteCatalog(Statement):
    """BACKUP CATALOG DELETE; ``media`` are those whose files go, too."""

    database: str
    backup_id: int
    before: bool
    media: frozenset[str] = frozenset()


@dataclass
class BackupRootKeys(Statement):
    """BACKUP ENCRYPTION ROOT KEYS."""

    database: str
    name: str


@dataclass
class RootKeyPassword(Statement):
    """ALTER DATABASE or ALTER SYSTEM SET ENCRYPTION ROOT KEYS BACKUP PASSWORD."""

    database: str
    password: str


@dataclass
class Recover(Statement):
    """RECOVER DATABASE (``until`` is set) or RECOVER DATA (``until`` is None)."""

    database: str = ""
    until: datetime | None = None
    clear_log: bool = False
    source: str = ""
    catalog: str = ""
    catalog_path: str = ""
    log_paths: tuple[str, ...] = ()
    data_path: str = ""
    backup_id: int | None = None
    check_access: str = ""
    snapshot: bool = False
    medium: str = ""
    prefix: str = ""


@dataclass
class Power(Statement):
    """ALTER SYSTEM START or STOP DATABASE."""

    database: str
    start: bool
    immediate: bool = False


@dataclass
class CreateDatabase(Statement):
    """CREATE DATABASE."""

    database: str
    password: str
    location: str = ""
    start: bool = True


@dataclass
class DropDatabase(Statement):
    """DROP DATABASE; what happens to backups that are not mentioned is not published: they stay."""

    database: str
    drop_backups: bool = False


@dataclass
class RenameDatabase(Statement):
    """RENAME DATABASE."""

    database: str
    new: str


@dataclass
class Configure(Statement):
    """ALTER SYSTEM ALTER CONFIGURATION; a value of None unsets."""

    file: str
    layer: str
    name: str
    changes: list[tuple[str, str, str | None]]
    reconfigure: bool = False


# -- the parser -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Token:
    """One word of the text: its kind, its value, where it begins (from 0)."""

    kind: str
    value: str
    at: int
    raw: str


def tokens(text: str) -> list[Token]:
    """The words of a statement, the last one of kind ``end``.

    Raises:
        SqlError: 257, a character that starts nothing.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise syntax_error(text, text[at], at)
        raw, kind = match.group(), match.lastgroup
        if kind == "word":
            found.append(Token(kind, raw.upper(), at, raw))
        elif kind == "quoted":
            found.append(Token(kind, raw[1:-1].replace('""', '"'), at, raw))
        elif kind == "string":
            found.append(Token(kind, raw[raw.index("'") + 1 : -1].replace("''", "'"), at, raw))
        elif kind != "space":
            found.append(Token(kind, raw, at, raw))
        at = match.end()
    while found and found[-1].raw == ";":
        found.pop()
    found.append(Token("end", "", len(text.rstrip().rstrip(";")), ""))
    return found


def syntax_error(text: str, near: str, at: int) -> SqlError:
    """Error 257 in HANA's words."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    words = f'sql syntax error: incorrect syntax near "{near}": line {line} col {column} (at pos {at + 1})'
    return SqlError(257, words, "HY000", at + 1)


def moment(text: str) -> datetime:
    """A timestamp as statements write it; date parts may stand with dashes or dots.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"(\d{4})[-.](\d{2})[-.](\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?)?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no timestamp")
    year, month, day, clock, fraction = match.groups()
    micro = (fraction or "0").ljust(6, "0")[:6]
    return datetime.fromisoformat(f"{year}-{month}-{day}T{clock or '00:00:00'}.{micro}")


class Parser:
    """Reads one statement."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._parameters = 0

    # reading ---------------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _fail(self, token: Token | None = None) -> NoReturn:
        token = token or self._now
        raise syntax_error(self._text, token.raw, token.at)

    def _next(self) -> Token:
        token = self._now
        if token.kind != "end":
            self._at += 1
        return token

    def _ahead(self, *words: str) -> bool:
        """Whether these words or signs come next."""
        rest = self._tokens[self._at : self._at + len(words)]
        return len(rest) == len(words) and all(
            token.kind in ("word", "op") and token.value == word for token, word in zip(rest, words, strict=True)
        )

    def _take(self, *words: str) -> bool:
        """Read these words or signs when they come next."""
        if self._ahead(*words):
            self._at += len(words)
            return True
        return False

    def _want(self, *words: str) -> None:
        """Read these words or signs."""
        for word in words:
            if not self._take(word):
                self._fail()

    def _name(self) -> str:
        token = self._next()
        if token.kind != "quoted" and (token.kind != "word" or token.value in RESERVED):
            self._fail(token)
        return token.value

    def _named(self) -> bool:
        """Whether a name comes next."""
        return self._now.kind == "quoted" or (self._now.kind == "word" and self._now.value not in RESERVED)

    def _string(self) -> str:
        token = self._next()
        if token.kind != "string":
            self._fail(token)
        return token.value

    def _integer(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.value.isdigit():
            self._fail(token)
        return int(token.value)

    def _strings(self, most: int = 64) -> tuple[str, ...]:
        self._want("(")
        found = [self._string()]
        while self._take(","):
            if len(found) == most:
                self._fail(self._tokens[self._at - 1])
            found.append(self._string())
        self._want(")")
        return tuple(found)

    def _table(self) -> tuple[str, str, int]:
        position = self._now.at + 1
        first = self._name()
        if self._take("."):
            return first, self._name(), position
        return "", first, position

    # statements ------------------------------------------------------------------------------------------------------

    def statement(self) -> Statement:
        """The statement.

        Raises:
            SqlError: 257.
        """
        words = tuple(token.value for token in self._tokens[:4] if token.kind == "word")
        head = self._now
        known: dict[str, Callable[[], Statement]] = {
            "SELECT": self._select,
            "CREATE": self._create,
            "DROP": self._drop,
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
            "BACKUP": self._backup,
            "RECOVER": self._recover,
            "ALTER": self._alter,
            "RENAME": self._rename,
        }
        if head.kind != "word" or head.value not in known:
            self._fail()
        self._next()
        done = known[head.value]()
        if self._now.kind != "end":
            self._fail()
        done.parameters, done.words = self._parameters, words
        return done

    def _select(self) -> Select:
        distinct = self._take("DISTINCT")
        items = [self._item()]
        while self._take(","):
            items.append(self._item())
        self._want("FROM")
        schema, table, position = self._table()
        alias = table
        if self._take("AS") or self._named():
            alias = self._name()
        done = Select(items, schema, table, alias, position, distinct=distinct)
        if self._take("WHERE"):
            done.where = self._condition()
        if self._take("ORDER", "BY"):
            done.order.append(self._ordering())
            while self._take(","):
                done.order.append(self._ordering())
        if self._take("LIMIT"):
            done.limit = self._count()
            if self._take("OFFSET"):
                done.offset = self._count()
        return done

    def _count(self) -> Any:
        if self._now.kind == "op" and self._now.value == "?":
            return self._scalar()
        return Literal(self._integer())

    def _ordering(self) -> tuple[Any, bool]:
        expression = self._scalar()
        descending = self._take("DESC")
        if not descending:
            self._take("ASC")
        if self._take("NULLS") and not self._take("FIRST"):
            self._want("LAST")
        return expression, descending

    def _item(self) -> Item:
        if self._take("*"):
            return Item(None, "*")
        if self._now.kind in ("word", "quoted") and [t.value for t in self._tokens[self._at + 1 : self._at + 3]] == [
            ".",
            "*",
        ]:
            self._at += 3
            return Item(None, "*")
        begin = self._now.at
        expression = self._scalar()
        last = self._tokens[self._at - 1]
        shown = self._text[begin : last.at + len(last.raw)]
        name = expression.name if isinstance(expression, Name) else shown if "'" in shown else shown.upper()
        if self._take("AS") or self._named():
            name = self._name()
        return Item(expression, name)

    # Precedence from weak to strong: OR, AND, NOT, comparison, + - ||, * /.

    def _condition(self) -> Any:
        left = self._conjunction()
        while self._take("OR"):
            left = Binary("OR", left, self._conjunction())
        return left

    def _conjunction(self) -> Any:
        left = self._negation()
        while self._take("AND"):
            left = Binary("AND", left, self._negation())
        return left

    def _negation(self) -> Any:
        if self._take("NOT"):
            return Not(self._negation())
        if self._ahead("("):
            # A bracket opens a condition or a value; only what follows it tells.
            saved = self._at, self._parameters
            self._next()
            try:
                inner = self._condition()
                self._want(")")
                return inner
            except SqlError as error:
                self._at, self._parameters = saved
                try:
                    return self._comparison()
                except SqlError as other:
                    raise max(error, other, key=lambda one: one.position) from None
        return self._comparison()

    def _comparison(self) -> Any:
        left = self._scalar()
        for op in ("=", "<>", "!=", "<=", ">=", "<", ">"):
            if self._take(op):
                return Binary("<>" if op == "!=" else op, left, self._scalar())
        if self._take("IS"):
            wrong = self._take("NOT")
            self._want("NULL")
            return Not(IsNull(left)) if wrong else IsNull(left)
        negated = self._take("NOT")
        found: Any
        if self._take("IN"):
            self._want("(")
            values = [self._scalar()]
            while self._take(","):
                values.append(self._scalar())
            self._want(")")
            found = InList(left, tuple(values))
        elif self._take("LIKE"):
            found = Binary("LIKE", left, self._scalar())
        elif self._take("BETWEEN"):
            low = self._scalar()
            self._want("AND")
            found = Binary("AND", Binary(">=", left, low), Binary("<=", left, self._scalar()))
        else:
            self._fail()
        return Not(found) if negated else found

    def _scalar(self) -> Any:
        left = self._product()
        while True:
            op = next((op for op in ("+", "-", "||") if self._take(op)), None)
            if op is None:
                return left
            left = Binary(op, left, self._product())

    def _product(self) -> Any:
        left = self._atom()
        while True:
            op = next((op for op in ("*", "/") if self._take(op)), None)
            if op is None:
                return left
            left = Binary(op, left, self._atom())

    def _atom(self) -> Any:
        token = self._next()
        if token.kind == "string":
            return Literal(token.value)
        if token.kind == "number":
            return self._number(token, 1)
        if token.kind == "op":
            if token.value == "?":
                self._parameters += 1
                return Parameter(self._parameters - 1)
            if token.value == "-" and self._now.kind == "number":
                return self._number(self._next(), -1)
            if token.value == "(":
                inner = self._scalar()
                self._want(")")
                return inner
            self._fail(token)
        if token.kind == "word":
            if token.value == "NULL":
                return Literal(None)
            if token.value in ("TRUE", "FALSE"):
                return Literal(token.value == "TRUE")
            if token.value == "TIMESTAMP" and self._now.kind == "string":
                try:
                    return Literal(moment(self._now.value))
                except ValueError:
                    self._fail()
                finally:
                    self._next()
            if token.value in NILADIC:
                return Call(token.value)
            if self._ahead("("):
                return self._call(token)
            if token.value in RESERVED:
                self._fail(token)
        elif token.kind != "quoted":
            self._fail(token)
        if self._take("."):
            return Name(self._name(), token.value, token.at + 1)
        return Name(token.value, position=token.at + 1)

    @staticmethod
    def _number(token: Token, sign: int) -> Literal:
        return Literal(sign * (int(token.value) if token.value.isdigit() else Decimal(token.value)))

    def _call(self, token: Token) -> Call:
        if token.value not in AGGREGATES | FUNCTIONS:
            raise SqlError(328, f"invalid name of function or procedure: {token.value}", position=token.at + 1)
        self._want("(")
        if token.value == "COUNT" and self._take("*"):
            self._want(")")
            return Call("COUNT")
        arguments = [self._scalar()]
        while self._take(","):
            arguments.append(self._scalar())
        if token.value in AGGREGATES and len(arguments) != 1:
            self._fail()
        self._want(")")
        return Call(token.value, tuple(arguments))

    def _create(self) -> Statement:
        if self._take("DATABASE"):
            database, location = self._name(), ""
            if self._take("AT"):
                self._take("LOCATION")
                location = self._string()
            self._want("SYSTEM", "USER", "PASSWORD")
            password = self._secret()
            start = not self._take("NO", "START")
            return CreateDatabase(database, password, location, start)
        if not self._take("COLUMN"):
            self._take("ROW")
        self._want("TABLE")
        schema, table, _position = self._table()
        self._want("(")
        columns: list[ColumnType] = []
        key: tuple[str, ...] = ()
        while True:
            if self._take("PRIMARY", "KEY"):
                self._want("(")
                names = [self._name()]
                while self._take(","):
                    names.append(self._name())
                self._want(")")
                key = tuple(names)
            else:
                column, keyed = self._column()
                columns.append(column)
                key = (*key, column.name) if keyed else key
            if not self._take(","):
                break
        self._want(")")
        if not columns:
            self._fail()
        return CreateTable(schema, table, columns, key)

    def _column(self) -> tuple[ColumnType, bool]:
        name = self._name()
        token = self._next()
        if token.kind != "word" or token.value not in TYPES:
            self._fail(token)
        sort = TYPES[token.value]
        length = {"VARCHAR": 5000, "NVARCHAR": 5000, "VARBINARY": 5000, "DECIMAL": 34}.get(sort, 0)
        scale = 0
        if self._take("("):
            length = self._integer()
            if self._take(","):
                scale = self._integer()
            self._want(")")
        nullable, keyed = True, False
        while True:
            if self._take("NOT", "NULL"):
                nullable = False
            elif self._take("PRIMARY", "KEY"):
                nullable, keyed = False, True
            elif not self._take("NULL"):
                return ColumnType(name, sort, length, scale, nullable), keyed

    def _secret(self) -> str:
        """A password: in double quotes as HANA wants it, a string or a word."""
        token = self._next()
        if token.kind == "word":
            return token.raw
        if token.kind not in ("quoted", "string"):
            self._fail(token)
        return token.value

    def _drop(self) -> Statement:
        if self._take("DATABASE"):
            database = self._name()
            erase = self._take("DROP")
            if erase or self._take("KEEP"):
                self._want("BACKUPS")
            return DropDatabase(database, erase)
        self._want("TABLE")
        schema, table, position = self._table()
        self._take("CASCADE")
        return DropTable(schema, table, position)

    def _insert(self) -> Insert:
        self._want("INTO")
        schema, table, position = self._table()
        columns: list[str] | None = None
        if self._take("("):
            columns = [self._name()]
            while self._take(","):
                columns.append(self._name())
            self._want(")")
        self._want("VALUES", "(")
        values = [self._scalar()]
        while self._take(","):
            values.append(self._scalar())
        self._want(")")
        return Insert(schema, table, position, columns, values)

    def _update(self) -> Update:
        schema, table, position = self._table()
        self._want("SET")
        changes = [self._assignment()]
        while self._take(","):
            changes.append(self._assignment())
        return Update(schema, table, position, changes, self._condition() if self._take("WHERE") else None)

    def _assignment(self) -> tuple[str, Any]:
        name = self._name()
        self._want("=")
        return name, self._scalar()

    def _delete(self) -> Delete:
        self._want("FROM")
        schema, table, position = self._table()
        return Delete(schema, table, position, self._condition() if self._take("WHERE") else None)

    # backup and recovery ---------------------------------------------------------------------------------------------

    def _for(self) -> str:
        return self._name() if self._take("FOR") else ""

    def _backup(self) -> Statement:
        if self._take("CANCEL"):
            return CancelBackup(self._integer())
        if self._take("CATALOG"):
            self._want("DELETE")
            return self._delete_catalog()
        if self._take("ENCRYPTION"):
            self._want("ROOT", "KEYS")
            database = self._for()
            self._want("USING", "FILE")
            return BackupRootKeys(database, self._strings(1)[0])
        self._want("DATA")
        if self._take("FOR", "FULL", "SYSTEM"):
            return self._snapshot()
        sort = (
            "incremental" if self._take("INCREMENTAL") else "differential" if self._take("DIFFERENTIAL") else "complete"
        )
        database = self._for()
        self._want("USING")
        medium = "backint" if self._take("BACKINT") else "file"
        if medium == "file":
            self._want("FILE")
        done = Backup(sort, database, medium, self._strings())
        seen: set[str] = set()
        while self._now.kind != "end":
            option = self._now
            if option.value in seen:
                self._fail()
            seen.add(option.value)
            if self._take("ASYNCHRONOUS"):
                done.asynchronous = True
            elif self._take("COMMENT"):
                done.comment = self._string()
            elif self._take("TOOLOPTION"):
                if medium != "backint":
                    self._fail(option)
                done.tooloption = self._string()
            else:
                self._fail()
        return done

    def _snapshot(self) -> Statement:
        if self._take("CREATE"):
            self._want("SNAPSHOT")
            return CreateSnapshot(self._string() if self._take("COMMENT") else "")
        self._want("CLOSE", "SNAPSHOT", "BACKUP_ID")
        ident = self._integer()
        if self._take("SUCCESSFUL"):
            return CloseSnapshot(ident, True, self._string())
        self._want("UNSUCCESSFUL")
        return CloseSnapshot(ident, False, self._string() if self._now.kind == "string" else "")

    def _delete_catalog(self) -> DeleteCatalog:
        database = self._for()
        before = self._take("ALL")
        if before:
            self._want("BEFORE")
        self._want("BACKUP_ID")
        ident = self._integer()
        media: frozenset[str] = frozenset()
        if self._take("COMPLETE"):
            media = frozenset({"file", "backint"})
        elif before and self._take("WITH"):
            if self._take("FILE"):
                media = frozenset({"file"})
            else:
                self._want("BACKINT")
                media = frozenset({"backint"})
        return DeleteCatalog(database, ident, before, media)

    def _recover(self) -> Recover:
        done = Recover()
        whole = self._take("DATABASE")
        if not whole:
            self._want("DATA")
        done.database = self._for()
        if whole:
            self._want("UNTIL", "TIMESTAMP")
            token = self._now
            try:
                done.until = moment(self._string())
            except ValueError:
                self._fail(token)
        while self._now.kind != "end":
            self._recover_option(done, whole)
        if not whole and not (done.medium or done.snapshot or done.backup_id is not None):
            self._fail()
        return done

    def _recover_option(self, done: Recover, whole: bool) -> None:
        if self._take("CLEAR"):
            self._want("LOG")
            done.clear_log = True
        elif self._take("CHECK"):
            self._want("ACCESS")
            if not self._take("ALL"):
                self._want("USING")
            done.check_access = next((word for word in ("FILE", "BACKINT", "ALL") if self._take(word)), "ALL")
        elif self._take("USING"):
            if self._take("SOURCE"):
                done.source = self._string()
            elif self._take("CATALOG"):
                if self._take("BACKINT"):
                    done.catalog = "backint"
                else:
                    self._want("PATH")
                    done.catalog, done.catalog_path = "path", self._strings(1)[0]
            elif self._take("LOG"):
                self._want("PATH")
                done.log_paths = self._strings()
            elif self._take("DATA"):
                self._want("PATH")
                done.data_path = self._strings(1)[0]
            elif self._take("BACKUP_ID"):
                done.backup_id = self._integer()
            elif self._take("SNAPSHOT"):
                done.snapshot = True
            elif not whole and self._take("FILE"):
                names = self._strings(2)
                done.medium, done.prefix = "file", "/".join(name.rstrip("/") for name in names)
            elif not whole and self._take("BACKINT"):
                done.medium, done.prefix = "backint", self._strings(1)[0]
            else:
                self._fail()
        else:
            self._fail()

    # administration --------------------------------------------------------------------------------------------------

    def _alter(self) -> Statement:
        if self._take("DATABASE"):
            database = self._name()
            self._want("SET")
            return self._root_keys(database)
        self._want("SYSTEM")
        if self._take("SET"):
            return self._root_keys("")
        if self._take("ALTER"):
            self._want("CONFIGURATION")
            return self._configure()
        start = self._take("START")
        if not start:
            self._want("STOP")
        self._want("DATABASE")
        database = self._name()
        return Power(database, start, not start and self._take("IMMEDIATE"))

    def _root_keys(self, database: str) -> RootKeyPassword:
        self._want("ENCRYPTION", "ROOT", "KEYS", "BACKUP", "PASSWORD")
        return RootKeyPassword(database, self._secret())

    def _configure(self) -> Configure:
        place = self._strings(3)
        if len(place) < 2:
            self._fail()
        setting = self._take("SET")
        if not setting:
            self._want("UNSET")
        done = Configure(place[0], place[1].upper(), place[2] if len(place) > 2 else "", [])
        while True:
            pair = self._strings(2)
            if len(pair) != 2:
                self._fail()
            value = None
            if setting:
                self._want("=")
                value = self._string()
            done.changes.append((pair[0], pair[1], value))
            if not self._take(","):
                break
        done.reconfigure = self._take("WITH")
        if done.reconfigure:
            self._want("RECONFIGURE")
        return done

    def _rename(self) -> RenameDatabase:
        self._want("DATABASE")
        old = self._name()
        self._want("TO")
        return RenameDatabase(old, self._name())


def parse(text: str) -> Statement:
    """The statement that a text is.

    Raises:
        SqlError: 257, it is none that is known here; 328, a function that is not.
    """
    return Parser(text).statement()
