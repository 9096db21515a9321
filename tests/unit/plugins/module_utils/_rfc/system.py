# SPDX-License-Identifier: GPL-3.0-or-later
"""An ABAP system for tests, in a few lines: the tables of jobs, XBP, users; calls can be lost before or after."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Address,
    Conversation,
    Lost,
    NotReached,
    Raised,
    Refused,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import Link

ADDRESS = Address("pyrfc", "100", host="app", instance="00", user="AUTO", password="Secret-1")
WIDTHS = {
    "JOBNAME": 32,
    "JOBCOUNT": 8,
    "STATUS": 1,
    "SDLUNAME": 12,
    "STRTDATE": 8,
    "STRTTIME": 6,
    "ENDDATE": 8,
    "ENDTIME": 6,
    "AUTHCKMAN": 3,
    "AUTHCKNAM": 12,
    "STEPCOUNT": 6,
    "PROGNAME": 40,
    "VARIANT": 14,
    "LISTIDENT": 10,
    "ID": 10,
    "ONE": 300,
    "TWO": 300,
    "THREE": 300,
    "TOO_WIDE": 600,
}
OK = {"TYPE": "S", "ID": "", "NUMBER": "000", "MESSAGE": ""}


def no(number: str, text: str) -> dict[str, Any]:
    """An answer that says no."""
    return {"RETURN": {"TYPE": "E", "ID": "XM", "NUMBER": number, "MESSAGE": text}}


class System:
    """What the conversations of one system share."""

    def __init__(self) -> None:
        self.sid = "PRD"
        self.tables: dict[str, list[dict[str, str]]] = {"TBTCO": [], "TBTCP": []}
        self.users: dict[str, bool] = {}
        self.kinds: dict[str, str] = {}
        self.calls: list[str] = []
        self.lost_before: list[str] = []
        self.lost_after: list[str] = []
        self.refused = ""
        self.forbidden = ""
        self.ignores = ""
        self.conversations = 0
        self.reports: dict[str, Any] = {"BTCTRNS1": self._suspend, "BTCTRNS2": self._release}
        self.after_start = "F"
        # Free background work processes as each question is told, the last number for good; without any it is refused.
        self.free = [3]
        self.values: list[Any] | None = []
        self.log = [{"MSGID": "00", "MSGNO": "516", "MSGTYPE": "S", "TEXT": "Job started"}]

    def client(self) -> Client:
        """A client of it."""
        return Client(Link(ADDRESS, self.open))

    def open(self, _address: Address) -> Conversation:
        """A conversation with it."""
        self.conversations += 1
        return Talk(self)

    def job(self, name: str, count: str, status: str = "S", *steps: str) -> None:
        """A job that is there."""
        whose = {"SDLUNAME": "AUTO", "AUTHCKMAN": "100"}
        self.tables["TBTCO"].append({"JOBNAME": name, "JOBCOUNT": count, "STATUS": status, **whose})
        for number, program in enumerate(steps, 1):
            self.step(name, count, program, "", number)

    def step(self, name: str, count: str, program: str, variant: str, number: int) -> None:
        """A step of a job."""
        row = {"JOBNAME": name, "JOBCOUNT": count, "STEPCOUNT": str(number), "PROGNAME": program, "VARIANT": variant}
        self.tables["TBTCP"].append({**row, "AUTHCKNAM": "AUTO"})

    def find(self, name: str, count: str) -> dict[str, str] | None:
        """The row of a job."""
        return next((r for r in self.tables["TBTCO"] if (r["JOBNAME"], r["JOBCOUNT"]) == (name, count)), None)

    def statuses(self) -> dict[str, str]:
        """The status of each job by name; the jobs of the product are left out."""
        return {r["JOBNAME"]: r["STATUS"] for r in self.tables["TBTCO"] if not r["JOBNAME"].startswith("LANDSCAPE_")}

    def sent(self, function: str) -> int:
        """How often a function was called."""
        return self.calls.count(function)

    def _suspend(self) -> None:
        self._turn("S", "Z")

    def _release(self) -> None:
        self._turn("Z", "S")

    def _turn(self, old: str, new: str) -> None:
        for row in self.tables["TBTCO"]:
            if row["STATUS"] == old:
                row["STATUS"] = new


class Talk(Conversation):
    """One conversation."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._xbp = False
        self._open = True

    def call(self, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        system = self._system
        if not self._open:
            raise Lost("closed")
        if function in system.lost_before:
            system.lost_before.remove(function)
            self._open = False
            raise Lost("cut before")
        system.calls.append(function)
        if system.refused == function:
            raise Refused("HTTP 401")
        if system.forbidden == function:
            raise Raised("NOT_AUTHORIZED", "no authorization")
        answer = self._answer(function, dict(parameters))
        if function in system.lost_after:
            system.lost_after.remove(function)
            self._open = False
            raise Lost("cut after")
        return answer

    def _answer(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        system = self._system
        if function == "RFC_SYSTEM_INFO":
            return {"RFCSI_EXPORT": {"RFCSYSID": system.sid, "RFCDEST": "app_PRD_00", "RFCHOST2": "app"}}
        if function == "RFC_READ_TABLE":
            return read_table(system.tables, given)
        if function == "RS_VARIANT_CONTENTS_RFC":
            if system.values is None:
                raise Raised("VARIANT_NON_EXISTENT", "the variant does not exist")
            return {"VALUTAB": system.values}
        if function == "BAPI_XMI_LOGON":
            self._xbp = True
            return {"SESSIONID": "1", "RETURN": OK}
        if function.startswith("BAPI_XBP_"):
            if not self._xbp:
                return no("028", f"Not logged on in interface XBP (function {function})")
            if function == "BAPI_XBP_GET_CURR_BP_RESOURCES":
                return self._resources()
            return self._xbp_call(function[len("BAPI_XBP_JOB_") :], given)
        if function.startswith(("BAPI_USER_", "BAPI_TRANSACTION_")):
            return self._user_call(function, given)
        raise Raised("FU_NOT_FOUND", f"{function} does not exist")

    def _resources(self) -> dict[str, Any]:
        free = self._system.free
        if not free:
            return no("046", "No authorization")
        count = free.pop(0) if len(free) > 1 else free[0]
        return {"RESOURCE_INFO": [{"SERVER": "app_PRD_00", "BTCWPFREE": f"{count:>10}"}], "RETURN": OK}

    def _xbp_call(self, verb: str, given: dict[str, Any]) -> dict[str, Any]:
        system, name = self._system, given["JOBNAME"]
        if verb == "OPEN":
            count = f"{len(system.tables['TBTCO']) + 1:08d}"
            system.job(name, count, "P")
            return {"JOBCOUNT": count, "RETURN": OK}
        row = system.find(name, given["JOBCOUNT"])
        if row is None:
            return no("049", f"Job {name} does not exist")
        steps = [s for s in system.tables["TBTCP"] if (s["JOBNAME"], s["JOBCOUNT"]) == (name, row["JOBCOUNT"])]
        if verb == "ADD_ABAP_STEP":
            variant = given.get("ABAP_VARIANT_NAME", "&0000000000001" if given.get("SELINFO") else "")
            system.step(name, row["JOBCOUNT"], given["ABAP_PROGRAM_NAME"], variant, len(steps) + 1)
            system.values = list(given.get("SELINFO") or ())
            return {"STEP_NUMBER": len(steps) + 1, "RETURN": OK}
        if verb in ("START_IMMEDIATELY", "START_ASAP"):
            if not steps:
                return no("999", "no steps")
            if verb == "START_IMMEDIATELY" and system.free[:1] == [0]:
                return no("060", "No background work process is free")
            row["STATUS"] = system.after_start
            for step in steps:
                system.reports.get(step["PROGNAME"], lambda: None)()
            return {"RETURN": OK}
        if verb == "ABORT":
            row["STATUS"] = "A"
            return {"RETURN": OK}
        if verb == "JOBLOG_READ":
            return {"JOB_PROTOCOL_NEW": system.log, "RETURN": OK}
        if verb == "SPOOLLIST_READ":
            return {"SPOOL_LIST": [{"LINE": "a list  "}], "RETURN": OK}
        return {"RETURN": OK}

    def _user_call(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        users, name = self._system.users, given.get("USERNAME", "")
        if function == "BAPI_USER_GETLIST":
            rows = [row for row in given.get("SELECTION_RANGE") or [] if row["FIELD"] != self._system.ignores]
            if rows and rows[0]["FIELD"] == "USTYP":
                lows = [row["LOW"] for row in rows]
                found = [user for user in users if self._system.kinds.get(user, "A") in lows]
                return {"USERLIST": [{"USERNAME": user} for user in found], "RETURN": []}
            locked = bool(rows) and rows[0]["FIELD"] == "LOCAL_LOCK"
            found = [user for user, flag in users.items() if not rows or (locked and flag)]
            return {"USERLIST": [{"USERNAME": user} for user in found], "RETURN": []}
        if function in ("BAPI_USER_LOCK", "BAPI_USER_UNLOCK"):
            if name.startswith("BAD"):
                return {
                    "RETURN": [{"TYPE": "E", "ID": "01", "NUMBER": "491", "MESSAGE": f"no authorization for {name}"}]
                }
            users[name] = function == "BAPI_USER_LOCK"
        return {"RETURN": [OK]}


def read_table(tables: Mapping[str, list[dict[str, str]]], given: Mapping[str, Any]) -> dict[str, Any]:
    """RFC_READ_TABLE with its limits, for conditions of equalities."""
    fields = [row["FIELDNAME"] for row in given["FIELDS"]]
    found, offset = [], 0
    for name in fields:
        width = WIDTHS[name]
        found.append({"FIELDNAME": name, "OFFSET": f"{offset:06d}", "LENGTH": f"{width:06d}", "TYPE": "C"})
        offset += width
    assert all(len(row["TEXT"]) <= 72 for row in given["OPTIONS"])
    if given["NO_DATA"]:
        return {"FIELDS": found, "DATA": []}
    if offset > 512:
        raise Raised("DATA_BUFFER_EXCEEDED", "row too long")
    condition = " ".join(row["TEXT"] for row in given["OPTIONS"])
    rows = [row for row in tables[given["QUERY_TABLE"]] if fits(row, condition)]
    rows = rows[given["ROWSKIPS"] :]
    rows = rows[: given["ROWCOUNT"]] if given["ROWCOUNT"] else rows
    return {
        "FIELDS": found,
        "DATA": [{"WA": "".join(row.get(n, "").ljust(WIDTHS[n]) for n in fields).rstrip()} for row in rows],
    }


def fits(row: Mapping[str, str], condition: str) -> bool:
    """Whether a row fits equalities joined by AND, or by OR."""
    if not condition:
        return True
    if "<>" in condition:
        return all(row.get(name, "") != value for name, value in re.findall(r"(\w+) <> '(\w)'", condition))
    tests = [
        row.get(name, "") == value.replace("''", "'")
        for name, value in re.findall(r"(\w+) = '((?:[^']|'')*)'", condition)
    ]
    return any(tests) if " OR " in condition else all(tests)


class Closed:
    """A port that nobody listens at."""

    def __init__(self) -> None:
        self.tries = 0

    def open(self, _address: Address) -> Conversation:
        self.tries += 1
        raise NotReached("connection refused")
