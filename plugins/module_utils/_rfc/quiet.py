# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes on in a system at this moment: logons, work processes, queues, locks, short dumps, room for a job.

Every reader fails when the answer has another form than is known, so that nothing is ever zero because it could not be
read. Interfaces from public clients of the function modules.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc import model
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import CallFailed, Client

USER_TABLES = ("LIST", "USRLIST")  # newer systems fill both; a client that wants one reads either
DUMP_LOG = "/SDF/GET_DUMP_LOG"  # of the add-on ST-PI
OWN_REPORT = "SAPLTHFB"  # the function group of TH_WPINFO: the work process that answers the question
# WP_STATUS is a text in the language of the logon. These are the English ones, in the forms that releases give them.
WAITING = ("waiting", "wait", "ended", "end")
BUSY = ("running", "run", "on hold", "hold", "stopped", "stop")
_DAY = re.compile(r"Date:\s*(\d{8})\s+Time:\s*(\d{6})")


class LogOn(NamedTuple):
    """One session of a user; ``time`` is the time of day that the list shows (of the last action, sources say)."""

    client: str
    user: str
    terminal: str = ""
    transaction: str = ""
    time: str = ""

    @property
    def label(self) -> str:
        """The user for a person."""
        return f"{self.user} ({self.client})"


class WorkProcess(NamedTuple):
    """One work process; ``busy`` is None when its status is a text that is not known."""

    server: str
    number: str
    type: str
    status: str
    client: str
    user: str
    report: str
    dumps: str

    @property
    def busy(self) -> Optional[bool]:
        """Whether it works."""
        text = self.status.lower()
        return True if text in BUSY else False if text in WAITING else None


class Queue(NamedTuple):
    """One queue of qRFC with the number of its entries."""

    name: str
    destination: str
    depth: int
    state: str


def free_processes(doing: str, answer: Mapping[str, Any]) -> int:
    """How many background work processes are free, by the answer of BAPI_XBP_GET_CURR_BP_RESOURCES.

    :raises Failed: it does not tell (reason ``malformed``).
    """
    found = [str(row.get("BTCWPFREE") or "").strip() for row in answer.get("RESOURCE_INFO") or ()]
    if not found or not all(text.isdigit() for text in found):
        raise Failed(doing, f"BTCWPFREE is {found or 'not there'}", reason="malformed")
    return sum(int(text) for text in found)


def sessions(client: Client, doing: str) -> List[LogOn]:
    """The sessions of all clients on the application server that answers (TH_USER_LIST).

    Both tables may be filled with the same sessions, so what one of them says is not counted twice.

    :raises Failed: the answer has another form than is known (reason ``users_unreadable``).
    """
    answer = client.ask(doing, "TH_USER_LIST", _named(client, USER_TABLES))
    tables = [list(answer[name] or ()) for name in USER_TABLES if name in answer]
    if not tables or any("MANDT" not in row or "BNAME" not in row for table in tables for row in table):
        raise Failed(doing, "TH_USER_LIST answers in a form that is not known", reason="users_unreadable")
    found: List[LogOn] = []
    for table in tables:
        known = {(one.client, one.user) for one in found}
        found += [one for one in map(_log_on, table) if one.user and (one.client, one.user) not in known]
    return found


def _log_on(row: Mapping[str, Any]) -> LogOn:
    clock = _text(row, "ZEIT")
    clock = f"{clock[:2]}:{clock[2:4]}:{clock[4:]}" if clock.isdigit() and len(clock) == 6 else clock
    return LogOn(_text(row, "MANDT"), _text(row, "BNAME").upper(), _text(row, "TERM"), _text(row, "TCODE"), clock)


def logged_on(client: Client, number: str, without: str) -> List[str]:
    """Who is logged on to a client on the application server that answers, one user left out.

    :raises Failed: the answer has another form than is known (reason ``users_unreadable``).
    """
    try:
        found = sessions(client, f"read who is logged on to client {number}")
    except Failed as error:
        error.cure = error.cure or "logged_on: ignore does not ask"
        raise
    return sorted({one.user for one in found if one.client == number} - {without.strip().upper()})


def servers(client: Client, doing: str) -> List[str]:
    """The application servers of the system, as it names them (TH_SERVER_LIST).

    :raises Failed: it names none (reason ``malformed``).
    """
    rows = _rows(doing, "TH_SERVER_LIST", client.ask(doing, "TH_SERVER_LIST", _named(client, ["LIST"])), "LIST")
    found = sorted({_text(row, "NAME") for row in rows} - {""})
    if not found:
        raise Failed(doing, "TH_SERVER_LIST names no application server", reason="malformed")
    return found


def work_processes(client: Client, doing: str) -> List[WorkProcess]:
    """The work processes of all application servers (TH_WPINFO) but the one that answers this.

    :raises Failed: a server tells none (reason ``malformed``).
    """
    me = (client.link.address.user or "").strip().upper()
    found: List[WorkProcess] = []
    for server in servers(client, doing):
        answer = client.ask(doing, "TH_WPINFO", dict(_named(client, ["WPLIST"]), SRVNAME=server))
        rows = _rows(doing, "TH_WPINFO", answer, "WPLIST")
        if not rows or any("WP_STATUS" not in row for row in rows):
            raise Failed(doing, f"TH_WPINFO tells no work process of {server}", reason="malformed")
        names = ("WP_NO", "WP_TYP", "WP_STATUS", "WP_MANDT", "WP_BNAME", "WP_REPORT", "WP_DUMPS")
        found += [WorkProcess(server, *(_text(row, name) for name in names)) for row in rows]
    return [one for one in found if not (one.report.upper() == OWN_REPORT and me in ("", one.user.upper()))]


def queues(client: Client, doing: str, function: str) -> List[Queue]:
    """The queues of the client that is logged on to (TRFC_QOUT_..., TRFC_QIN_GET_CURRENT_QUEUES).

    :raises Failed: a queue does not say how many entries it has (reason ``malformed``).
    """
    given = dict(_named(client, ["QVIEW"]), QNAME="*", CLIENT=client.link.address.client)
    rows = _rows(doing, function, client.ask(doing, function, given), "QVIEW")
    names = ("QNAME", "DEST", "QDEEP", "QSTATE")
    texts = [[_text(row, name) for name in names] for row in rows]
    if not all(text[2].isdigit() for text in texts):
        raise Failed(doing, f"{function} answers in a form that is not known", reason="malformed")
    return [Queue(name, destination, int(depth), state) for name, destination, depth, state in texts]


def locks(client: Client, doing: str) -> List[Dict[str, str]]:
    """The lock entries of all users in all clients (ENQUEUE_READ).

    Blank parameters stand for all; left out, the function reads the locks of who asks.

    :raises Failed: the answer does not agree with itself (reason ``malformed``).
    """
    given = dict(_named(client, ["ENQ"]), GCLIENT="", GNAME="", GARG="", GUNAME="")
    answer = client.ask(doing, "ENQUEUE_READ", given)
    rows = _rows(doing, "ENQUEUE_READ", answer, "ENQ")
    for name, right in (("SUBRC", 0), ("NUMBER", len(rows))):
        if name in answer and _text(answer, name) not in ("", str(right)):
            why = f"ENQUEUE_READ tells {len(rows)} locks, and {name} is {_text(answer, name)}"
            raise Failed(doing, why, reason="malformed")
    names = {"client": "GCLIENT", "user": "GUNAME", "table": "GNAME", "argument": "GARG", "transaction": "GTCODE"}
    found = [{key: _text(row, name) for key, name in names.items()} for row in rows]
    return [dict(told, since=_moment(row, "GTDATE", "GTTIME")) for told, row in zip(found, rows)]


def now(client: Client, doing: str) -> datetime.datetime:
    """Date and time of day in the system's own time zone (STFC_CONNECTION).

    :raises Failed: it does not tell (reason ``malformed``).
    """
    text = str(client.ask(doing, "STFC_CONNECTION", {"REQUTEXT": ""}).get("RESPTEXT") or "")
    found = _DAY.search(text)
    try:
        return datetime.datetime.strptime("".join(found.groups() if found else ()), "%Y%m%d%H%M%S")
    except ValueError as error:
        raise Failed(doing, f"STFC_CONNECTION tells no time: {text!r}", reason="malformed") from error


def dumps(client: Client, doing: str, minutes: int) -> Tuple[str, List[Dict[str, str]]]:
    """The short dumps of the last minutes (/SDF/GET_DUMP_LOG), with the moment from which on.

    :raises Failed: the answer has another form than is known (reason ``malformed``).
    """
    until = now(client, doing)
    since = until - datetime.timedelta(minutes=minutes)
    until += datetime.timedelta(minutes=1)
    given = {"DATE_FROM": f"{since:%Y%m%d}", "TIME_FROM": f"{since:%H%M%S}"}
    given.update(DATE_TO=f"{until:%Y%m%d}", TIME_TO=f"{until:%H%M%S}")
    try:
        rows = _rows(doing, DUMP_LOG, client.ask(doing, DUMP_LOG, given), "ET_E2E_LOG")
    except CallFailed as error:
        if error.key != "NO_DATA_FOUND":
            raise
        rows = []
    if any("E2E_DATE" not in row for row in rows):
        raise Failed(doing, f"{DUMP_LOG} answers in a form that is not known", reason="malformed")
    return f"{since:%Y-%m-%d %H:%M:%S}", [
        {
            "time": _moment(row, "E2E_DATE", "E2E_TIME"),
            "user": _text(row, "E2E_USER"),
            "server": _text(row, "E2E_HOST"),
            "text": ", ".join(text for text in (_text(row, f"FIELD{number}") for number in (1, 2, 3)) if text),
        }
        for row in rows
    ]


def _named(client: Client, names: Iterable[str]) -> Dict[str, Any]:
    """Tables that have to be named to come back, which is so over SOAP alone."""
    return {} if client.link.stateful else {name: [] for name in names}


def _rows(doing: str, function: str, answer: Mapping[str, Any], name: str) -> List[Mapping[str, Any]]:
    if name not in answer:
        raise Failed(doing, f"{function} answers without {name}", reason="malformed")
    return list(answer[name] or ())  # an empty table is an empty text over SOAP


def _moment(row: Mapping[str, Any], date: str, clock: str) -> str:
    """A moment, which SOAP writes with signs between the digits."""
    return model.moment(_text(row, date).replace("-", ""), _text(row, clock).replace(":", ""))


def _text(row: Mapping[str, Any], name: str) -> str:
    value = model.plain(row.get(name))
    return "" if value is None else str(value).strip()


__all__ = (
    "LogOn",
    "Queue",
    "WorkProcess",
    "dumps",
    "free_processes",
    "locks",
    "logged_on",
    "now",
    "queues",
    "servers",
    "sessions",
    "work_processes",
)
