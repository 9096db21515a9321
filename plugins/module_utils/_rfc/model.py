# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answers of function modules mean: messages, identities, jobs, plain data."""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import message_id

FAILING = ("E", "A", "X")


class Message(NamedTuple):
    """One message of a BAPI (row of BAPIRET2, or its older sister BAPIRETURN): type, class with number, text."""

    type: str
    id: str
    text: str

    @property
    def failed(self) -> bool:
        """Whether it says that the function did not do its work; a type that is not known does, too."""
        return self.type not in ("", "S", "W", "I")

    def words(self) -> str:
        """The message for a person."""
        named = f"{self.type} {self.id}".strip()
        return f"{self.text} ({named})" if self.text and named else self.text or named


def messages(answer: Mapping[str, Any]) -> List[Message]:
    """All messages among the parameters of an answer, in their order.

    They are known by their form: a structure, or rows, with TYPE, MESSAGE and a number.
    """
    return [_message(row) for value in answer.values() for row in _rows(value) if _is_message(row)]


def _rows(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, (list, tuple)):
        for row in value:
            if isinstance(row, Mapping):
                yield row


def _is_message(row: Mapping[str, Any]) -> bool:
    return "TYPE" in row and "MESSAGE" in row and ("NUMBER" in row or "CODE" in row)


def _message(row: Mapping[str, Any]) -> Message:
    number = str(row.get("NUMBER") or row.get("CODE") or "").strip()
    id_ = message_id(str(row.get("ID") or ""), number) or (number if number.strip("0") else "")
    return Message(str(row["TYPE"] or "").strip().upper(), id_, " ".join(str(row["MESSAGE"] or "").split()))


class Identity(NamedTuple):
    """Who answers (RFC_SYSTEM_INFO)."""

    sid: str
    host: str
    instance: str
    release: str
    kernel: str
    database: str

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Identity:
        """From RFCSI_EXPORT; a field that is not there is empty."""
        row = answer.get("RFCSI_EXPORT")
        found = row if isinstance(row, Mapping) else {}
        names = ("RFCSYSID", "RFCHOST2", "RFCDEST", "RFCSAPRL", "RFCKERNRL", "RFCDBSYS")
        values = [str(found.get(name) or "").strip() for name in names]
        values[1] = values[1] or str(found.get("RFCHOST") or "").strip()
        return cls(*values)


def plain(value: Any) -> Any:
    """A value as JSON data: bytes as hexadecimal text, dates and times as SAP writes them, decimals as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y%m%d%H%M%S")
    if isinstance(value, datetime.date):
        return value.strftime("%Y%m%d")
    if isinstance(value, datetime.time):
        return value.strftime("%H%M%S")
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value


# Jobs. The letters of TBTCO-STATUS are those of SAP's constants (LBTCHDEF). Z is what BTCTRNS1 sets; sources differ
# about other meanings, none of which runs, so it is read as suspended. Any other letter is a failure.

SCHEDULED, RELEASED, READY, ACTIVE, FINISHED, CANCELLED, SUSPENDED = "P", "S", "Y", "R", "F", "A", "Z"
STATUS_WORDS: Dict[str, str] = {
    SCHEDULED: "scheduled",
    RELEASED: "released",
    READY: "ready",
    ACTIVE: "active",
    FINISHED: "finished",
    CANCELLED: "cancelled",
    SUSPENDED: "suspended",
}
RUNNING = (READY, ACTIVE)
ENDED = (FINISHED, CANCELLED)


class Job(NamedTuple):
    """One row of TBTCO. A job is known by name and number (JOBCOUNT) together; the name alone is not unique."""

    name: str
    number: str
    status: str
    user: str = ""
    started: str = ""
    ended: str = ""
    client: str = ""

    @classmethod
    def read(cls, row: Mapping[str, str]) -> Job:
        """From a row as `tables` gives it."""
        return cls(
            row["JOBNAME"],
            row["JOBCOUNT"],
            row["STATUS"],
            row.get("SDLUNAME", ""),
            moment(row.get("STRTDATE", ""), row.get("STRTTIME", "")),
            moment(row.get("ENDDATE", ""), row.get("ENDTIME", "")),
            row.get("AUTHCKMAN", ""),
        )

    @property
    def key(self) -> Tuple[str, str]:
        """Name and number."""
        return self.name, self.number

    @property
    def state(self) -> str:
        """The status in a word; ``unknown`` for a letter that is not known."""
        return STATUS_WORDS.get(self.status, "unknown")

    @property
    def label(self) -> str:
        """The job for a person."""
        return f"{self.name}/{self.number}"

    def told(self) -> Dict[str, str]:
        """The job as plain data."""
        return {
            "name": self.name,
            "count": self.number,
            "status": self.status,
            "state": self.state,
            "user": self.user,
            "started": self.started,
            "ended": self.ended,
        }


def moment(date: str, clock: str) -> str:
    """Date and time of the system's own time zone as ``2026-03-02 12:00:00``; empty when there is none."""
    date, clock = date.strip(), clock.strip().zfill(6)
    if len(date) != 8 or not date.isdigit() or date == "00000000" or not clock.isdigit():
        return ""
    return f"{date[:4]}-{date[4:6]}-{date[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:6]}"


class Step(NamedTuple):
    """One row of TBTCP: number, program, variant, spool request (empty when there is none), user as whom it runs."""

    number: int
    program: str
    variant: str
    spool: str
    user: str = ""


__all__ = (
    "ACTIVE",
    "CANCELLED",
    "ENDED",
    "FAILING",
    "FINISHED",
    "READY",
    "RELEASED",
    "RUNNING",
    "SCHEDULED",
    "STATUS_WORDS",
    "SUSPENDED",
    "Identity",
    "Job",
    "Message",
    "Step",
    "messages",
    "moment",
    "plain",
)
