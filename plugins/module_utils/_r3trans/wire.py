# SPDX-License-Identifier: GPL-3.0-or-later
"""R3trans in text: the control files that it reads, what it prints, the log that it writes.

Known from published sources: ``export`` with ``client``, ``file``, ``select * from``; ``import``, which goes to the
clients of the export when it names none; ``delete from`` in the export; the line ``R3trans finished (0000).`` with the
codes 0, 4, 8, 12; of logs ``12 entries from RFCDES exported``, seen where a request was exported; of a list of a data
file ``REP  RFCDES  *`` before the rows, a row as ``** 102 ** ...``. From memory: that ``delete from`` is carried out by
the import, and takes a condition. Everything else is not understood, which is a failure.
"""

from __future__ import annotations

import hashlib
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Pattern, Sequence, Set

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.groups import Table

ALL_CLIENTS = "all"
COUNTS = r"(?P<count>[0-9]+) entr(?:y|ies) from (?P<table>[A-Z0-9_/]+) exported"
MISSING = r"[Tt]able (?P<table>[A-Z0-9_/]+) does not exist"
_FINISHED = re.compile(r"^R3trans finished \((\d{4})\)", re.MULTILINE)
_VERSION = re.compile(r"^This is R3trans version ([^\n]*?)\.?\s*$", re.MULTILINE)
_HEAD = re.compile(r"\bREP\s+([A-Z0-9_/]+)\s+\*\s*$")
_ROW = re.compile(r"\*\*\s*(\d+)\s*\*\* ?(.*)$")
_CLIENT = re.compile(r"[0-9]{3}")


def client_number(text: str) -> str:
    """``all``, or a client as three digits.

    :raises BadInput: for anything else.
    """
    found = text.strip().lower()
    if found != ALL_CLIENTS and not _CLIENT.fullmatch(found):
        raise BadInput("read the option client", f"it is all, or three digits, not {text!r}")
    return found


def export_file(tables: Iterable[Table], client: str, data: str, *, empty: bool = True) -> str:
    """The control file of an export.

    :param empty: whether the import is to empty each table first, so that what came with the refresh goes.
    """
    lines = ["export", f"client = {client}", f"file = {_quoted(data)}"]
    for table in tables:
        what = f"{table.name} where {table.where}" if table.where else table.name
        if empty:
            lines.append(f"delete from {what}")
        lines.append(f"select * from {what}")
    return "\n".join([*lines, ""])


def import_file(client: str, data: str) -> str:
    """The control file of an import; for all clients it names none, so that rows go where they came from."""
    into = [] if client == ALL_CLIENTS else [f"client = {client}"]
    return "\n".join(["import", *into, f"file = {_quoted(data)}", ""])


def _quoted(path: str) -> str:
    if "'" in path or len(path.splitlines()) != 1:
        raise BadInput(
            "read the option directory", f"R3trans cannot be told of {path!r}: a quote or a line break in it"
        )
    return f"'{path}'"


def finished(text: str) -> Optional[int]:
    """The return code that R3trans prints; None when it prints none."""
    found = _FINISHED.findall(text)
    return int(found[-1]) if found else None


def version(text: str) -> str:
    """The version that R3trans prints of itself; empty when it does not."""
    found = _VERSION.search(text)
    return found.group(1).strip() if found else ""


class Reading:
    """Reads the log of an export.

    :raises BadInput: a pattern is none, or lacks a group.
    """

    def __init__(self, counts: Sequence[str], missing: Sequence[str]) -> None:
        self._counts = [_compiled("count_patterns", one, {"table", "count"}) for one in counts]
        self._missing = [_compiled("missing_patterns", one, {"table"}) for one in missing]

    def counts(self, log: str) -> Dict[str, int]:
        """Rows by table; what several lines say of one table is added up."""
        found: Dict[str, int] = {}
        for line in log.splitlines():
            match = next((m for m in (pattern.search(line) for pattern in self._counts) if m), None)
            digits = re.sub(r"[^0-9]", "", match.group("count") or "") if match else ""
            if match and digits:
                table = match.group("table").strip().upper()
                found[table] = found.get(table, 0) + int(digits)
        return found

    def missing(self, log: str) -> List[str]:
        """The tables that the log says are not there."""
        found: Set[str] = set()
        for line in log.splitlines():
            for pattern in self._missing:
                match = pattern.search(line)
                if match:
                    found.add(match.group("table").strip().upper())
        return sorted(found)


def _compiled(option: str, text: str, groups: Set[str]) -> Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadInput(f"read the option {option}", f"{text!r} is no pattern: {error}") from error
    lacking = sorted(groups - set(pattern.groupindex))
    if lacking:
        raise BadInput(f"read the option {option}", "{!r} lacks the group {}".format(text, ", ".join(lacking)))
    return pattern


class Listed(NamedTuple):
    """How many rows of a table a list of a data file has, with a digest of them in whatever order."""

    rows: int
    digest: str


def listed(lines: Iterable[str]) -> Dict[str, Listed]:
    """The tables of a list of a data file (``R3trans -v -l``)."""
    digests: Dict[str, List[bytes]] = {}
    table = ""
    for line in lines:
        head = _HEAD.search(line)
        row = None if head else _ROW.search(line)
        if head:
            table = head.group(1)
            digests.setdefault(table, [])
        elif row and table:
            digests[table].append(hashlib.sha256(f"{row.group(1)} {row.group(2).rstrip()}".encode()).digest())
    return {
        name: Listed(len(rows), hashlib.sha256(b"".join(sorted(rows))).hexdigest()) for name, rows in digests.items()
    }


def last_words(text: str, count: int = 20) -> List[str]:
    """The lines of a log for a person: those that are marked as errors, else the last ones."""
    lines = [line.rstrip()[:400] for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if re.match(r"\d\s?E", line) and not re.match(r"\d ETW", line)]
    return (marked or lines)[-count:]


__all__ = (
    "ALL_CLIENTS",
    "COUNTS",
    "MISSING",
    "Listed",
    "Reading",
    "client_number",
    "export_file",
    "finished",
    "import_file",
    "last_words",
    "listed",
    "version",
)
