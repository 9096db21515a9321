# SPDX-License-Identifier: GPL-3.0-or-later
"""An ABAP system of a few function modules whose every answer is written down here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulator.abap.catalogue import Catalogue, Field, Function, Parameter, Structure, TableType
from tests.simulator.abap.errors import AbapException, AbapMessage, LogonRefused, NotFound
from tests.simulator.rfc.wire import Place

PLACE = Place("NPL", "nplapp1", "42", "npldb")
USERS = {"BATCH": "Secret01", "LONG": "x" * 40}
DENIED = "Name or password is incorrect (repeat logon)"
HERE = "written for these tests"


def structure(name: str, *fields: Field) -> Structure:
    return Structure(name, fields, HERE, "M")


BAPIRET2 = structure(
    "BAPIRET2",
    Field("TYPE", "C", 1),
    Field("ID", "C", 20),
    Field("NUMBER", "N", 3),
    Field("MESSAGE", "C", 220),
    Field("LOG_NO", "C", 20),
    Field("LOG_MSG_NO", "N", 6),
    *(Field(f"MESSAGE_V{number}", "C", 50) for number in (1, 2, 3, 4)),
    Field("PARAMETER", "C", 32),
    Field("ROW", "I"),
    Field("FIELD", "C", 30),
    Field("SYSTEM", "C", 10),
)
ALL = structure(
    "ZALL",
    Field("C5", "C", 5),
    Field("N4", "N", 4),
    Field("D", "D"),
    Field("T", "T"),
    Field("I4", "I"),
    Field("I2", "s"),
    Field("I1", "b"),
    Field("I8", "8"),
    Field("FL", "F"),
    Field("P52", "P", 5, 2),
    Field("RAW4", "X", 4),
)
PAIR = structure("ZPAIR", Field("ID", "I"), Field("NAME", "C", 20))
LINE = structure("TAB512", Field("WA", "C", 512))
OPTION = structure("RFC_DB_OPT", Field("TEXT", "C", 72))
COLUMN = structure(
    "RFC_DB_FLD",
    Field("FIELDNAME", "C", 30),
    Field("OFFSET", "N", 6),
    Field("LENGTH", "N", 6),
    Field("TYPE", "C", 1),
    Field("FIELDTEXT", "C", 60),
)


class Conversation:
    """A session."""

    def __init__(self, engine: SmallEngine, user: str, client: str, language: str) -> None:
        self.engine, self.user, self.client, self.language = engine, user, client, language

    def close(self) -> None:
        self.engine.events.append(f"closed {self.user}")


def _connection(_session: Conversation, REQUTEXT: str = "") -> dict[str, Any]:
    return {"ECHOTEXT": REQUTEXT, "RESPTEXT": "simulated"}


def _types(_session: Conversation, IN: Any = None, CNT: int = 0, TAB: Any = (), **given: Any) -> dict[str, Any]:
    added = {"C5": "added", "P52": "-12.34", "I8": 2**40}
    return {
        "OUT": IN,
        "CNT": CNT + 1,
        "TAB": [*TAB, added],
        "OSTR": given["STR"].upper(),
        "OXSTR": given["XSTR"][::-1],
        "ODT": given["DT"],
    }


def _status(_session: Conversation, JOBNAME: str = "", JOBCOUNT: str = "") -> dict[str, Any]:
    if (JOBNAME, JOBCOUNT) == ("NIGHTLY", "08153100"):
        return {"STATUS": "F", "RETURN": {"TYPE": "S", "NUMBER": "000"}}
    words = {"TYPE": "E", "ID": "XM", "NUMBER": 49, "MESSAGE": f"Job {JOBNAME} does not exist", "MESSAGE_V1": JOBNAME}
    return {"RETURN": {**words, "ROW": 7}}


def _read_table(
    session: Conversation, QUERY_TABLE: str = "", ROWCOUNT: int = 0, OPTIONS: Any = (), **_more: Any
) -> dict[str, Any]:
    if QUERY_TABLE == "SECRET":
        raise AbapException("NOT_AUTHORIZED", "No authorization for table SECRET", ("DA", "E", "131", "SECRET"))
    if QUERY_TABLE != "BIG":
        message = ("SV", "E", "029", QUERY_TABLE)
        raise AbapException("TABLE_NOT_AVAILABLE", f"Table {QUERY_TABLE} not available", message)
    last = OPTIONS[-1]["TEXT"] if OPTIONS else ""
    session.engine.events.append(f"read with {len(OPTIONS)} lines, the last is {last}")
    return {"DATA": [{"WA": f"row {number}"} for number in range(ROWCOUNT)]}


def _rows(_session: Conversation, IT: Any = ()) -> dict[str, Any]:
    return {"ET": [{"ID": row["ID"] * 10, "NAME": row["NAME"] + "!"} for row in IT]}


def _raise(_session: Conversation, KIND: str = "") -> dict[str, Any]:
    if KIND == "KEY":
        raise AbapException("JOB_NOT_FOUND")
    if KIND == "MESSAGE":
        raise AbapException("JOB_NOT_FOUND", "Job X does not exist", ("XM", "E", "049", "X", "Y"))
    if KIND == "ERROR":
        raise AbapMessage("E", "XM", "028", "Not logged on in interface XBP", "XBP")
    if KIND == "ABORT":
        raise AbapMessage("A", "00", "341", "It is over", "V1")
    if KIND == "DUMP":
        raise AbapMessage("X", "00", "341", "Time limit exceeded.", "TIME_OUT")
    if KIND == "BUG":
        raise RuntimeError("a mistake")
    return {"NOTHING": "there is no such output"}


def _events(session: Conversation, **_tables: Any) -> dict[str, Any]:
    return {"EVENTS": [{"WA": event} for event in session.engine.events]}


def _mark(session: Conversation, NAME: str = "") -> dict[str, Any]:
    session.engine.events.append(f"marked {NAME}")
    return {"NAMED": NAME}


def _function(name: str, behaviour: Callable[..., dict[str, Any]], *parameters: Parameter) -> Function:
    return Function(name, parameters, behaviour, HERE, "M")


def _text(kind: str, name: str, length: int, *, optional: bool = False) -> Parameter:
    return Parameter(kind, name, Field(name, "C", length), optional)


def small() -> Catalogue:
    """The function modules."""
    catalogue = Catalogue()
    catalogue.add(BAPIRET2, ALL, PAIR, LINE, OPTION, COLUMN, TableType("ZPAIRS", "ZPAIR"))
    number = Field("", "I")
    catalogue.add(
        _function(
            "STFC_CONNECTION",
            _connection,
            _text("I", "REQUTEXT", 255),
            _text("E", "ECHOTEXT", 255),
            _text("E", "RESPTEXT", 255),
        ),
        _function(
            "Z_TYPES",
            _types,
            Parameter("I", "IN", "ZALL"),
            Parameter("E", "OUT", "ZALL"),
            Parameter("C", "CNT", number),
            Parameter("T", "TAB", "ZALL"),
            Parameter("I", "STR", Field("STR", "g")),
            Parameter("E", "OSTR", Field("OSTR", "g")),
            Parameter("I", "XSTR", Field("XSTR", "y")),
            Parameter("E", "OXSTR", Field("OXSTR", "y")),
            Parameter("I", "DT", Field("DT", "D")),
            Parameter("E", "ODT", Field("ODT", "D")),
        ),
        _function(
            "Z_STATUS",
            _status,
            _text("I", "JOBNAME", 32),
            _text("I", "JOBCOUNT", 8),
            _text("E", "STATUS", 1),
            Parameter("E", "RETURN", "BAPIRET2"),
        ),
        _function(
            "RFC_READ_TABLE",
            _read_table,
            _text("I", "QUERY_TABLE", 30),
            _text("I", "DELIMITER", 1, optional=True),
            _text("I", "NO_DATA", 1, optional=True),
            Parameter("I", "ROWSKIPS", number, optional=True),
            Parameter("I", "ROWCOUNT", number, optional=True),
            Parameter("T", "OPTIONS", "RFC_DB_OPT"),
            Parameter("T", "FIELDS", "RFC_DB_FLD"),
            Parameter("T", "DATA", "TAB512"),
        ),
        _function("Z_ROWS", _rows, Parameter("I", "IT", "ZPAIRS"), Parameter("E", "ET", "ZPAIRS")),
        _function("Z_RAISE", _raise, _text("I", "KIND", 10)),
        _function("Z_EVENTS", _events, Parameter("T", "EVENTS", "TAB512")),
        *(
            _function(name, _mark, _text("I", "NAME", 20, optional=True), _text("E", "NAMED", 20))
            for name in ("Z_MARK", "Z_CUT_BEFORE", "Z_CUT_AFTER", "Z_SLOW", "Z_NEVER", "Z_FORBIDDEN")
        ),
    )
    return catalogue


class SmallEngine:
    """The system; ``events`` are what its sessions did."""

    def __init__(self) -> None:
        self.catalogue = small()
        self.events: list[str] = []

    def logon(self, client: str, user: str, password: str | None, language: str, instance: Any = None) -> Conversation:
        if client != "100" or USERS.get(user) != password:
            self.events.append(f"refused {user}")
            raise LogonRefused(DENIED)
        self.events.append(f"logon {client} {user} {language}")
        return Conversation(self, user, client, language)

    def call(self, session: Any, name: str, arguments: dict[str, Any], transport: str) -> dict[str, Any]:
        function = self.catalogue.functions.get(name)
        if function is None:
            raise NotFound(name)
        if name == "Z_FORBIDDEN":
            raise AbapException("RFC_NO_AUTHORITY", f"User {session.user} has no RFC authorization for {name}.")
        return function.behaviour(session, **arguments)

    def delay(self, name: str, user: str | None = None) -> float:
        return {"Z_SLOW": 2.0, "Z_NEVER": 600.0}.get(name, 0.0)

    def cut(self, name: str, when: str, user: str | None = None) -> bool:
        return name == f"Z_CUT_{when.upper()}"
