# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rows of HANA's views mean.

Names of entry types and states are data from the views; one that is not in the tables here is kept as it is, counts as
neither good nor finished, and is never a reason to remove or to restore anything.
"""

from __future__ import annotations

import datetime
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed

FULL, INCREMENTAL, DIFFERENTIAL, LOG, SNAPSHOT, LOG_MISSING = (
    "full",
    "incremental",
    "differential",
    "log",
    "snapshot",
    "log_missing",
)
# Two independent sources name the first, the log and the snapshot entry; the others are from memory.
ENTRY_TYPES = {
    "complete data backup": FULL,
    "incremental data backup": INCREMENTAL,
    "differential data backup": DIFFERENTIAL,
    "log backup": LOG,
    "data snapshot": SNAPSHOT,
    "log missing": LOG_MISSING,
}
TYPE_NAMES = {kind: name for name, kind in ENTRY_TYPES.items()}
GOOD, RUNNING, PREPARED = "successful", ("running", "cancel pending"), "prepared"
BAD = ("failed", "canceled")
# ACTIVE_STATUS of M_DATABASES: two sources for YES and NO, the ways between them from memory.
ACTIVE, STOPPED, STARTING, STOPPING = "YES", "NO", "STARTING", "STOPPING"
LONGEST_DAYS = 36500  # a hundred years, which every calendar can count back
STATUS_WORDS = {ACTIVE: "started", STOPPED: "stopped", STARTING: "starting", STOPPING: "stopping"}


class Identity(NamedTuple):
    """Who the database says it is (M_DATABASE)."""

    sid: str
    database: str
    host: str
    version: str
    usage: str

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Identity:
        """From a row of M_DATABASE."""
        return cls(*(str(row.get(key) or "") for key in ("SYSTEM_ID", "DATABASE_NAME", "HOST", "VERSION", "USAGE")))


class Database(NamedTuple):
    """One row of M_DATABASES."""

    name: str
    status: str
    restart: str = ""
    description: str = ""

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Database:
        """From a row of M_DATABASES."""
        return cls(
            str(row["DATABASE_NAME"]),
            str(row["ACTIVE_STATUS"] or "").upper(),
            str(row.get("RESTART_MODE") or ""),
            str(row.get("DESCRIPTION") or ""),
        )

    @property
    def active(self) -> bool:
        """Whether it answers SQL."""
        return self.status == ACTIVE

    @property
    def state(self) -> Optional[str]:
        """The status as a word of ours; None for a text that is not known, which is never guessed at."""
        return STATUS_WORDS.get(self.status)

    @property
    def known_state(self) -> str:
        """The same, where nothing can be done with a text that is not known.

        :raises Failed: M_DATABASES says something that is not known (reason ``status_unknown``).
        """
        if self.state is None:
            raise Failed(
                f"read the state of {self.name}",
                f"M_DATABASES says {self.status!r}; known are {', '.join(STATUS_WORDS)}",
                reason="status_unknown",
            )
        return self.state


class Backup(NamedTuple):
    """One entry of the backup catalog; instants are UTC."""

    id: int
    kind: str
    state: str
    started: Optional[datetime.datetime]
    ended: Optional[datetime.datetime]
    comment: str = ""
    message: str = ""

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Backup:
        """From a row of M_BACKUP_CATALOG."""
        kind = str(row["ENTRY_TYPE_NAME"] or "")
        return cls(
            id=int(row["BACKUP_ID"] or 0),
            kind=ENTRY_TYPES.get(kind.lower(), kind),
            state=str(row["STATE_NAME"] or "").lower(),
            started=utc(row.get("UTC_START_TIME")),
            ended=utc(row.get("UTC_END_TIME")),
            comment=str(row.get("COMMENT") or ""),
            message=str(row.get("MESSAGE") or ""),
        )

    @property
    def good(self) -> bool:
        """Whether it ended well."""
        return self.state == GOOD

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state in RUNNING

    @property
    def known(self) -> bool:
        """Whether its kind is one that this collection knows."""
        return self.kind in TYPE_NAMES

    @property
    def seconds(self) -> Optional[float]:
        """How long it took."""
        if self.started is None or self.ended is None:
            return None
        return round((self.ended - self.started).total_seconds(), 3)

    def as_data(self) -> Dict[str, Any]:
        """Plain JSON data."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "started": text(self.started),
            "ended": text(self.ended),
            "seconds": self.seconds,
            "comment": self.comment,
            "message": self.message,
        }


class File(NamedTuple):
    """One row of M_BACKUP_CATALOG_FILES."""

    backup: int
    service: str
    host: str
    source: str
    medium: str
    path: str
    size: int
    external_id: str = ""

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> File:
        """From a row of M_BACKUP_CATALOG_FILES."""
        return cls(
            int(row["BACKUP_ID"] or 0),
            str(row.get("SERVICE_TYPE_NAME") or ""),
            str(row.get("HOST") or ""),
            str(row.get("SOURCE_TYPE_NAME") or ""),
            str(row.get("DESTINATION_TYPE_NAME") or ""),
            str(row.get("DESTINATION_PATH") or ""),
            int(row.get("BACKUP_SIZE") or 0),
            str(row.get("EXTERNAL_BACKUP_ID") or ""),
        )


class Progress(NamedTuple):
    """How far a data backup is: the sum over its services of M_BACKUP_PROGRESS."""

    backup: int
    size: int
    transferred: int

    @classmethod
    def read(cls, rows: Iterable[Mapping[str, Any]], backup: int) -> Progress:
        """From the rows of one database; those of another backup do not count."""
        own = [row for row in rows if int(row["BACKUP_ID"] or 0) == backup]
        return cls(
            backup,
            sum(int(row["BACKUP_SIZE"] or 0) for row in own),
            sum(int(row["TRANSFERRED_SIZE"] or 0) for row in own),
        )

    @property
    def percent(self) -> Optional[int]:
        """0 to 100; None before the size is known."""
        return None if self.size <= 0 else min(100, int(100 * self.transferred / self.size))


class Cut(NamedTuple):
    """Where retention cuts a catalog: all that is older than ``anchor`` may go."""

    anchor: Optional[Backup]
    why: str


def utc(value: Any) -> Optional[datetime.datetime]:
    """An instant of a UTC_ column, which comes without a time zone.

    :raises Failed: it is none.
    """
    if value is None:
        return None
    if not isinstance(value, datetime.datetime):
        raise Failed("read an instant", f"HANA says {value!r}, which is no timestamp", reason="malformed")
    return value.replace(tzinfo=datetime.timezone.utc) if value.tzinfo is None else value


def text(value: Optional[datetime.datetime]) -> Optional[str]:
    """An instant as ISO text in UTC; None stays None."""
    return None if value is None else value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def retention_cut(fulls: Sequence[Backup], now: datetime.datetime, keep_days: Optional[float], keep_count: int) -> Cut:
    """The full backup before which everything may go.

    It is the newest one that satisfies all: it ended well; it ended before the kept days begin, so that every instant
    of them can be recovered from it with the deltas and logs that follow; with it at least ``keep_count`` good full
    backups stay. Nothing may go when there is none.

    :param fulls: the full backups of one database, in any order.
    :param keep_days: None keeps by count alone.
    :param keep_count: at least 1.
    """
    good = sorted((b for b in fulls if b.kind == FULL and b.good and b.ended is not None), key=lambda b: b.id)
    if not good:
        return Cut(None, "there is no successful full backup")
    if len(good) < keep_count:
        return Cut(None, f"there are {len(good)} successful full backups, and {keep_count} are to be kept")
    candidates = good[: len(good) - keep_count + 1]
    if keep_days is not None:
        edge = now - datetime.timedelta(days=keep_days)
        candidates = [b for b in candidates if b.ended is not None and b.ended <= edge]
        if not candidates:
            return Cut(None, f"no successful full backup is older than {keep_days:g} days")
    anchor = candidates[-1]
    return Cut(anchor, f"the full backup {anchor.id} of {text(anchor.started)} is the oldest that is needed")


def chain_to(entries: Iterable[Backup], until: Optional[datetime.datetime]) -> List[Backup]:
    """The data backups that a recovery to an instant uses: the last full before it, then the deltas on top.

    A differential builds on the full; an incremental builds on the full, or on the last delta before it. Empty when
    there is no full.

    :param entries: good data backups in any order.
    """
    usable = sorted(
        (
            b
            for b in entries
            if b.good
            and b.kind in (FULL, DIFFERENTIAL, INCREMENTAL)
            and b.ended is not None
            and (until is None or b.ended <= until)
        ),
        key=lambda b: b.id,
    )
    chain: List[Backup] = []
    for entry in usable:
        if entry.kind == FULL:
            chain = [entry]
        elif entry.kind == DIFFERENTIAL and chain:
            chain = [chain[0], entry]
        elif entry.kind == INCREMENTAL and chain:
            chain.append(entry)
    return chain


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> List[str]:
    """The names of the root keys whose hashes are not the same, or which only one of the two has."""
    return sorted(key for key in set(one) | set(other) if str(one.get(key)).lower() != str(other.get(key)).lower())


__all__ = (
    "ACTIVE",
    "BAD",
    "Backup",
    "Cut",
    "DIFFERENTIAL",
    "Database",
    "ENTRY_TYPES",
    "FULL",
    "File",
    "GOOD",
    "INCREMENTAL",
    "Identity",
    "LOG",
    "LOG_MISSING",
    "LONGEST_DAYS",
    "PREPARED",
    "Progress",
    "RUNNING",
    "SNAPSHOT",
    "STARTING",
    "STOPPED",
    "STATUS_WORDS",
    "STOPPING",
    "TYPE_NAMES",
    "chain_to",
    "differing",
    "retention_cut",
    "text",
    "utc",
)
