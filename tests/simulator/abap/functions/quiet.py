# SPDX-License-Identifier: GPL-3.0-or-later
"""Function modules that say whether a system is quiet: users, locks, queues, short dumps."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tests.simulator.abap.catalogue import Function, Structure, TableType
from tests.simulator.abap.errors import AbapException
from tests.simulator.abap.words import fields, parameters, text

if TYPE_CHECKING:
    from tests.simulator.abap.engine import Session

STRUCTURES = (
    Structure(
        "UINFO",
        fields("TID I, MANDT C3, BNAME C12, TCODE C20, TERM C20, ZEIT T, MASTER C1, HOSTADR C20, TRACE C1, EXTMODI C1"),
        "facts 4.5 for the function; fields from memory",
        "M",
    ),
    Structure(
        "SEQG3",
        fields(
            "GNAME C30, GARG C150, GMODE C1, GUSR C58, GUSRVB C58, GUSE I, GUSEVB I, GOBJ C16, GCLIENT C3, GUNAME C12,"
            "GTARG C50, GTCODE C20, GTHOST C32, GTWP C2, GTDATE D, GTTIME T"
        ),
        "facts 4.5, several ABAP sources; fields from memory",
        "M",
    ),
    Structure(
        "E2E_LOG",
        fields("E2E_DATE D, E2E_TIME T, E2E_USER C12, E2E_HOST C32, FIELD1 C50, FIELD2 C50, FIELD3 C50"),
        "several RFC clients of /SDF/GET_DUMP_LOG; lengths invented",
        "V2",
    ),
    TableType("E2E_LOG_TABLE", "E2E_LOG"),
    Structure("TRFCQVIEW", fields("MANDT C3, QNAME C24, DEST C32, QDEEP I, QSTATE C8"), "facts 4.6 from memory", "M"),
)


def users(session: Session, **_more: Any) -> dict[str, Any]:
    """TH_USER_LIST: who is logged on to the server that answers.

    Where the landscape names nobody, as many of the people of the working client as its instance has sessions.
    """
    system, instance = session.system, session.instance
    if not session.allowed("S_ADMI_FCD"):
        raise AbapException("AUTH_MISSSING", "No authorization to display users")
    if system.log_ons is not None:
        here = "" if instance is None else instance.name
        rows = [
            {
                "TID": number + 1,
                "MANDT": one.client,
                "BNAME": one.user,
                "TCODE": one.transaction,
                "TERM": one.terminal,
                "ZEIT": system.stamp(one.since)[1],
            }
            for number, one in enumerate(system.sessions())
            if one.server == here
        ]
    else:
        people = [
            user for user in system.users.of(system.client) if user.kind == "A" and not user.locked and user.group
        ]
        people = [user for user in people if user.name not in ("DDIC", "SAP*")]
        count = instance.sessions if instance is not None else 0
        rows = [
            {
                "TID": number + 1,
                "MANDT": system.client,
                "BNAME": people[number % len(people)].name,
                "TCODE": "VA01",
                "TERM": f"pc{number:03d}",
                "ZEIT": system.stamp()[1],
            }
            for number in range(count if people else 0)
        ]
    return dict.fromkeys(system.options.user_tables, rows)


def locks(
    session: Session, GCLIENT: str | None = None, GNAME: str = "", GUNAME: str | None = None, **_more: Any
) -> dict[str, Any]:
    """ENQUEUE_READ: the lock table of the central services.

    A blank client or user stands for all. What is left out is that of who asks, as several ABAP programs have it.
    """
    system = session.system
    GCLIENT = session.client if GCLIENT is None else GCLIENT
    GUNAME = session.user if GUNAME is None else GUNAME
    central = [one for one in system.world.landscape.of_system(system.name) if one.kind == "ascs"]
    if central and not any(one.running for one in central):
        raise AbapException("COMMUNICATION_FAILURE", "The enqueue server does not answer")
    day, time = system.stamp()
    rows = [
        {
            "GNAME": lock["lock-name"],
            "GARG": lock["lock-arg"],
            "GMODE": lock["lock-mode"],
            "GUSR": lock["owner"],
            "GUSRVB": lock["owner-vb"],
            "GUSE": lock["use-count-owner"],
            "GUSEVB": lock["use-count-owner-vb"],
            "GOBJ": lock["object"],
            "GCLIENT": lock["client"],
            "GUNAME": lock["user"],
            "GTCODE": lock["transaction"],
            "GTHOST": session.server,
            "GTDATE": day,
            "GTTIME": time,
        }
        for one in central
        for lock in one.locks
        if text(GCLIENT) in ("", lock["client"])
        and text(GUNAME) in ("", "*", lock["user"])
        and fnmatchcase(lock["lock-name"], text(GNAME) or "*")
    ]
    return {"NUMBER": len(rows), "SUBRC": 0, "ENQ": rows}


def _queues(session: Session, table: str, name: Any) -> dict[str, Any]:
    rows = [
        row
        for row in session.system.kept.get(table, [])
        if row.get("MANDT") == session.client and fnmatchcase(str(row.get("QNAME")), text(name) or "*")
    ]
    deep = Counter((row.get("QNAME"), row.get("DEST", "")) for row in rows)
    view = [
        {
            "MANDT": session.client,
            "QNAME": queue,
            "DEST": destination,
            "QDEEP": count,
            "QSTATE": next(row.get("QSTATE", "") for row in rows if row.get("QNAME") == queue),
        }
        for (queue, destination), count in deep.items()
    ]
    return {"QVIEW": view}


def outbound(session: Session, QNAME: str = "", **_more: Any) -> dict[str, Any]:
    """TRFC_QOUT_GET_CURRENT_QUEUES."""
    return _queues(session, "TRFCQOUT", QNAME)


def inbound(session: Session, QNAME: str = "", **_more: Any) -> dict[str, Any]:
    """TRFC_QIN_GET_CURRENT_QUEUES."""
    return _queues(session, "TRFCQIN", QNAME)


def dumps(
    session: Session, DATE_FROM: str = "", TIME_FROM: str = "", DATE_TO: str = "", TIME_TO: str = "", **_more: Any
) -> dict[str, Any]:
    """/SDF/GET_DUMP_LOG: the short dumps of some time; none is an exception."""
    system = session.system
    rows = [
        {
            "E2E_DATE": day,
            "E2E_TIME": time,
            "E2E_USER": row.get("user", ""),
            "E2E_HOST": session.server,
            "FIELD1": error,
        }
        for row in system.options.dumps
        for day, time in [system.stamp(row.get("at"))]
        for error in [row.get("error", "TIME_OUT")]
        if text(DATE_FROM) + text(TIME_FROM) <= day + time <= text(DATE_TO) + text(TIME_TO)
    ]
    if not rows:
        raise AbapException("NO_DATA_FOUND")
    return {"ET_E2E_LOG": rows}


QUEUE = "I? QNAME C24, I? CLIENT C3, I? NOLUWCNT C1, T QVIEW :TRFCQVIEW"
SMQ = "several RFC clients (QNAME, CLIENT, QVIEW with QNAME, QDEEP, QSTATE); lengths from memory"
DUMPS = "I? DATE_FROM D, I? TIME_FROM T, I? DATE_TO D, I? TIME_TO T, E ET_E2E_LOG :E2E_LOG_TABLE"
FUNCTIONS = (
    Function(
        "/SDF/GET_DUMP_LOG",
        parameters(DUMPS),
        dumps,
        "several RFC clients with NO_DATA_FOUND; lengths and what the fields hold invented",
        "V2",
        True,
    ),
    Function(
        "TH_USER_LIST",
        parameters("T LIST :UINFO, T USRLIST :UINFO"),
        users,
        "several ABAP programs with both tables and AUTH_MISSSING, RFC clients with either",
        "V2",
        True,
    ),
    Function(
        "ENQUEUE_READ",
        parameters(
            "I? GCLIENT C3, I? GNAME C30, I? GARG C150, I? GUNAME C12, I? LOCAL C1, I? FAST C1, E NUMBER I, E SUBRC I,"
            "T ENQ :SEQG3"
        ),
        locks,
        "facts 4.5; defaults from several ABAP programs; RFC clients differ about whether it is remote-enabled",
        "V2",
        True,
    ),
    Function("TRFC_QOUT_GET_CURRENT_QUEUES", parameters(QUEUE), outbound, SMQ, "V2", True),
    Function("TRFC_QIN_GET_CURRENT_QUEUES", parameters(QUEUE), inbound, SMQ, "V2", True),
)
