# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that can be read from outside, declared with their columns; what their rows are made of stands beside.

Names from facts 4.1 to 4.6; of most tables only the columns that matter to us are there, so a program that reads all
columns sees fewer than on a real system. Tables that are merely kept (updates, queues, batch input, requests) are
filled by the landscape file or through the control door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from .catalogue import Field
from .words import fields, typed

if TYPE_CHECKING:
    from .system import AbapSystem

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A transparent table; of one with a ``client`` column a session sees the rows of its own client.

    ``store`` puts other rows in the place of all that it has; without it the rows cannot be written from outside.
    """

    name: str
    columns: tuple[Field, ...]
    rows: Callable[[AbapSystem], Sequence[Row]]
    client: str = ""
    confidence: str = "M"
    store: Callable[[AbapSystem, list[Row]], None] | None = None

    @property
    def types(self) -> dict[str, str]:
        """The letters of the columns' types."""
        return {column.name: column.type for column in self.columns}


class Generated(Sequence[Row]):
    """Rows that are made when they are looked at, however many there are; all of one ``client``, if of any.

    ``marks`` keeps where pages under a condition ended, so that the next one does not make all the rows before it.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[int], Row],
        client: str | None = None,
        marks: dict[tuple[str, int], int] | None = None,
    ) -> None:
        self._count, self._make, self.client = count, make, client
        self._marks = {} if marks is None else marks

    def fitting(self, words: str, test: Callable[[Row], bool], skip: int, end: int | None) -> Iterator[Row]:
        """The rows that a condition takes, from the one of number ``skip`` to the one before ``end``."""
        at = self._marks.get((words, skip))
        number, at = (0, 0) if at is None else (skip, at)
        while at < self._count and (end is None or number < end):
            row = self._make(at)
            at += 1
            if test(row):
                if number >= skip:
                    yield row
                number += 1
        self._marks[words, number] = at

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self._make(number) for number in range(*index.indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._make(index)


def width(column: Field) -> int:
    """How many characters RFC_READ_TABLE gives a column."""
    if column.type == "X":
        return 2 * column.length
    if column.type == "P":
        return 2 * column.length
    return {"I": 10, "s": 5, "b": 3, "8": 19, "F": 16, "D": 8, "T": 6}.get(column.type, column.length)


def shown(column: Field, value: Any) -> str:
    """A value as RFC_READ_TABLE writes it, in full width; numbers keep a place for their sign at the end."""
    size = width(column)
    if column.type in "Isb8P":
        number = int(value or 0)
        return (str(abs(number)) + ("-" if number < 0 else " ")).rjust(size)[-size:]
    if column.type == "X":
        return (value or b"").hex().upper().ljust(size, "0")[:size]
    if column.type in "NDT":
        return str(value or "").rjust(size, "0")[-size:]
    return str("" if value is None else value)[:size].ljust(size)


# -- what the rows are made of ----------------------------------------------------------------------------------------


def _clients(system: AbapSystem) -> list[Row]:
    return list(system.clients.values())


def _users(system: AbapSystem) -> list[Row]:
    return [user.row() for user in system.users]


def _jobs(system: AbapSystem) -> list[Row]:
    return [job_row(system, job) for job in system.jobs.all()]


def job_row(system: AbapSystem, job: Any) -> Row:
    """A job's row of TBTCO."""

    def moment(at: float | None) -> tuple[str, str]:
        return ("", "") if at is None else system.stamp(at)

    planned, created, released = moment(job.planned), moment(job.created), moment(job.released)
    started, ended = moment(job.started), moment(job.ended)
    every = int(job.every)
    return {
        "JOBNAME": job.name,
        "JOBCOUNT": job.count,
        "STEPCOUNT": len(job.steps),
        "SDLSTRTDT": planned[0],
        "SDLSTRTTM": planned[1],
        "BTCSYSTEM": job.target,
        "SDLDATE": created[0],
        "SDLTIME": created[1],
        "SDLUNAME": job.user,
        "RELDATE": released[0],
        "RELTIME": released[1],
        "RELUNAME": job.user if job.released is not None else "",
        "STRTDATE": started[0],
        "STRTTIME": started[1],
        "ENDDATE": ended[0],
        "ENDTIME": ended[1],
        "PRDMINS": every // 60 % 60,
        "PRDHOURS": every // 3600 % 24,
        "PRDDAYS": every // 86400 % 7,
        "PRDWEEKS": every // 604800,
        "PRDMONTHS": 0,
        "PERIODIC": "X" if every else "",
        "STATUS": job.status,
        "AUTHCKMAN": job.client,
        "JOBLOG": job.log_id,
        "WPNUMBER": job.work_process,
        "JOBCLASS": job.job_class,
        "EXECSERVER": job.target,
        "REAXSERVER": job.server,
        "BTCSYSREAX": job.server.partition("_")[0],
    }


def _steps(system: AbapSystem) -> list[Row]:
    return [
        {
            "JOBNAME": job.name,
            "JOBCOUNT": job.count,
            "STEPCOUNT": number,
            "PROGNAME": step.program,
            "VARIANT": step.variant,
            "AUTHCKNAM": step.user,
            "AUTHCKMAN": step.client,
            "LISTIDENT": step.list_id,
            "XPGPROG": step.command,
            "STATUS": step.status,
            "LANGUAGE": step.language[:1],
        }
        for job in system.jobs.all()
        for number, step in enumerate(job.steps, 1)
    ]


def _variants(system: AbapSystem) -> list[Row]:
    return [{"MANDT": client, "REPORT": report, "VARIANT": name} for client, report, name in system.variants]


def _logical(system: AbapSystem) -> list[Row]:
    return [{"LOGSYS": name} for name in system.logical.names]


def _logical_texts(system: AbapSystem) -> list[Row]:
    return [{"LANGU": "E", "LOGSYS": name, "STEXT": f"Logical system {name}"} for name in system.logical.names]


def _spool(system: AbapSystem) -> list[Row]:
    return [
        {"RQIDENT": number, "RQCLIENT": step.client, "RQOWNER": step.user, "RQFINAL": "C", "RQAPPRULE": 1}
        for number, (step, _lines) in system.jobs.spool.items()
    ]


def _reports(system: AbapSystem) -> list[Row]:
    return [{"NAME": name, "SUBC": "1"} for name in sorted(system.reports)]


def keeping(name: str, columns: str | tuple[Field, ...], client: str = "", confidence: str = "M") -> Table:
    """A table whose rows are merely kept."""

    def store(system: AbapSystem, rows: list[Row]) -> None:
        system.kept.setdefault(name, [])[:] = rows

    shape = fields(columns) if isinstance(columns, str) else columns
    return Table(name, shape, lambda system: system.kept.setdefault(name, []), client, confidence, store)


def _set_clients(system: AbapSystem, rows: list[Row]) -> None:
    system.clients = {row["MANDT"]: row for row in rows}


def _set_jobs(system: AbapSystem, rows: list[Row]) -> None:
    system.jobs.restore(rows)


def _set_steps(system: AbapSystem, rows: list[Row]) -> None:
    system.jobs.restore_steps(rows)


def _set_logical(system: AbapSystem, rows: list[Row]) -> None:
    system.logical.names = [row["LOGSYS"] for row in rows]


TBTCO = (
    "JOBNAME C32, JOBCOUNT C8, JOBGROUP C12, INTREPORT C40, STEPCOUNT I, SDLSTRTDT D, SDLSTRTTM T, BTCSYSTEM C32,"
    "SDLDATE D, SDLTIME T, SDLUNAME C12, LASTCHDATE D, LASTCHTIME T, LASTCHNAME C12, RELDATE D, RELTIME T,"
    "RELUNAME C12, STRTDATE D, STRTTIME T, ENDDATE D, ENDTIME T, PRDMINS N2, PRDHOURS N2, PRDDAYS N3, PRDWEEKS N2,"
    "PRDMONTHS N2, PERIODIC C1, DELANFREP C1, EMERGMODE C1, STATUS C1, NEWFLAG C1, AUTHCKMAN C3, SUCCNUM I,"
    "PREDNUM I, JOBLOG C20, LASTSTRTDT D, LASTSTRTTM T, WPNUMBER I, WPPROCID I, EVENTID C32, EVENTPARM C64,"
    "EVENTCOUNT C8, BTCSYSREAX C32, JOBCLASS C1, PRIORITY I, EXECSERVER C32, REAXSERVER C32, TGTSRVGRP C20"
)
TABLES = (
    Table(
        "T000",
        fields(
            "MANDT C3, MTEXT C25, ORT01 C25, MWAER C5, CCCATEGORY C1, CCCORACTIV C1, CCNOCLIIND C1, CCCOPYLOCK C1,"
            "LOGSYS C10"
        ),
        _clients,
        confidence="S1",
        store=_set_clients,
    ),
    Table("TBTCO", fields(TBTCO), _jobs, confidence="V2", store=_set_jobs),
    Table(
        "TBTCP",
        fields(
            "JOBNAME C32, JOBCOUNT C8, STEPCOUNT I, PROGNAME C40, VARIANT C14, AUTHCKNAM C12, AUTHCKMAN C3,"
            "LISTIDENT N10, XPGPROG C128, LANGUAGE C1, STATUS C1"
        ),
        _steps,
        confidence="S1",
        store=_set_steps,
    ),
    Table(
        "USR02",
        fields(
            "MANDT C3, BNAME C12, GLTGV D, GLTGB D, USTYP C1, CLASS C12, LOCNT b, UFLAG b, ANAME C12, TRDAT D, LTIME T"
        ),
        _users,
        "MANDT",
    ),
    Table("VARID", fields("MANDT C3, REPORT C40, VARIANT C14, ENAME C12, EDAT D"), _variants, "MANDT", "S1"),
    Table("TBDLS", fields("LOGSYS C10"), _logical, confidence="S1", store=_set_logical),
    Table("TBDLST", fields("LANGU C1, LOGSYS C10, STEXT C40"), _logical_texts, confidence="S1"),
    keeping("RFCDES", "RFCDEST C32, RFCTYPE C1, RFCOPTIONS C250"),
    Table("TSP01", fields("RQIDENT I, RQCLIENT C3, RQOWNER C12, RQFINAL C1, RQAPPRULE I"), _spool),
    Table("TRDIR", fields("NAME C40, SUBC C1, UNAM C12"), _reports),
    keeping("VBHDR", "VBKEY C32, VBMANDT C3, VBUSR C12, VBDATE C14, VBREPORT C40, VBRC I, VBSTATE b"),
    keeping(
        "ARFCSSTATE",
        "ARFCIPID C8, ARFCPID C4, ARFCTIME C8, ARFCTIDCNT C4, ARFCDEST C32, ARFCLUWCNT C8, ARFCSTATE C8,"
        "ARFCFNAM C30, ARFCUZEIT T, ARFCDATUM D, ARFCUSER C12, ARFCMSG C50",
        confidence="S1",
    ),
    keeping(
        "TRFCQOUT",
        "MANDT C3, QNAME C24, DEST C32, QCOUNT N24, QSTATE C8, QRFCUSER C12, QRFCDATUM D, QRFCUZEIT T",
        "MANDT",
    ),
    keeping(
        "TRFCQIN",
        "MANDT C3, QNAME C24, DEST C32, QCOUNT N24, QSTATE C8, QRFCUSER C12, QRFCDATUM D, QRFCUZEIT T",
        "MANDT",
    ),
    keeping("APQI", "MANDANT C3, GROUPID C12, QID C20, QSTATE C1, CREATOR C12", confidence="S1"),
    keeping("E070", "TRKORR C20, TRFUNCTION C1, TRSTATUS C1, AS4USER C12, AS4DATE D", confidence="S1"),
    keeping("CCCFLOW", "MANDT C3, SRCMANDT C3, COPYPROF C8, STARTDATE D, STARTTIME T, STATUS C1"),
    keeping("PAT03", "PATCH C20, SHORT_TEXT C80, STATUS C1"),
    keeping("TXMILOGRAW", "MANDT C3, LOGDATE D, LOGTIME T, XMIUSER C12, OBJECT C30"),
)
# Known names without rows to be read: cluster and pool tables, structures.
CLUSTERS = frozenset({"SNAP", "BSEG", "CDCLS"})
FLAT = frozenset({"SYST", "BAPIRET2", "RFCSI"})


def extra(name: str, given: dict[str, Any], clients: Iterable[str]) -> Table:
    """A table of the landscape file: ``{"columns": {"ID": "N10"}, "rows": [{"ID": "1"}]}``.

    With ``count`` so many rows are made up: their number in columns of type N or I, the column's name in the others.
    """
    columns = tuple(typed(column, sort) for column, sort in given["columns"].items())
    first = columns[0].name
    client = first if first in ("MANDT", "CLIENT") else ""
    if "count" in given:
        number = max(clients)

        def make(index: int) -> Row:
            row: Row = {c.name: index if c.type in "NIsb8P" else c.name for c in columns}
            return {**row, client: number} if client else row

        made = Generated(int(given["count"]), make, number if client else None)
        return Table(name, columns, lambda system: made, client)
    return keeping(name, columns, client)
