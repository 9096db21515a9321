# SPDX-License-Identifier: GPL-3.0-or-later
"""Logical system names inside business tables, and how BDLS changes them.

Facts 4.3: program RBDLSMAP with OLD_LS, NEW_LS, TESTRUN converts every field of the domain LOGSYS in its own client, or
in those tables alone that the select option TABLES takes (from memory; of T000, too). What it writes to its log, and
what it refuses, is invented in wording. Rows are counted, not kept: a table has so many rows with each logical system.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .reports import Report, Run, Selection
from .tables import Generated, Row, Table
from .variants import chosen
from .words import fields

if TYPE_CHECKING:
    from .system import AbapSystem

# Table and field with the number of rows of the working client; names from facts 4.3.
FIELDS: dict[str, int] = {
    "BKPF-AWSYS": 48211,
    "COBK-LOGSYSTEM": 9120,
    "COEP-LOGSYSO": 120433,
    "COEP-LOGSYSP": 118702,
    "COES-AWSYS": 311,
    "GLPCA-LOGSYS": 40210,
    "MKPF-AWSYS": 15733,
    "SRRELROLES-LOGSYS": 88120,
    "EDIDC-SNDPRN": 4021,
    "RSBASIDOC-SLOGSYS": 4,
}


class Logical:
    """The logical systems of one system."""

    def __init__(self, system: AbapSystem) -> None:
        self.system = system
        given = system.options.logical_systems
        own = [str(row["LOGSYS"]) for row in system.clients.values() if row["LOGSYS"]]
        self.names: list[str] = list(dict.fromkeys([*own, *system.options.other_logical_systems]))
        # By client, then by TABLE-FIELD: how many rows have which name.
        self.counts: dict[str, dict[str, Counter[str]]] = {}
        self._marks: dict[str, dict[tuple[str, int], int]] = {}
        for client, row in system.clients.items():
            if row["LOGSYS"]:
                rows = FIELDS if given is None else given
                content = str(row.get("CONTENT") or row["LOGSYS"])
                self.counts[client] = {name: Counter({content: count}) for name, count in rows.items()}

    def holds(self, client: str, name: str) -> int:
        """How many rows of a client have a logical system's name."""
        return sum(found[name] for found in self.counts.get(client, {}).values())

    def mixes(self, client: str, old: str, new: str, tables: Sequence[Mapping[str, str]]) -> bool:
        """Whether a field of the tables that a select option takes has both names."""
        return any(rows[old] and rows[new] for _place, rows in self._within(client, tables))

    def _within(self, client: str, tables: Sequence[Mapping[str, str]]) -> list[tuple[str, Counter[str]]]:
        found = self.counts.get(client, {}).items()
        return [(place, rows) for place, rows in found if chosen(tables, place.partition("-")[0])]

    def convert(
        self, client: str, old: str, new: str, *, test: bool, tables: Sequence[Mapping[str, str]] = ()
    ) -> dict[str, int]:
        """Rename inside the tables of a client; by TABLE-FIELD how many rows are concerned."""
        found = {}
        if not test:
            self._marks.clear()
        for name, rows in self._within(client, tables):
            found[name] = rows[old]
            if not test and rows[old]:
                rows[new] += rows.pop(old)
        return found

    def tables(self) -> list[Table]:
        """The business tables with one row per entry."""
        names: dict[str, list[str]] = {}
        for rows in self.counts.values():
            for name in rows:
                table, _dash, column = name.partition("-")
                if column not in names.setdefault(table, []):
                    names[table].append(column)
        return [self._table(name, columns) for name, columns in names.items()]

    def _table(self, name: str, columns: list[str]) -> Table:
        shape = fields(", ".join(["MANDT C3", "NUMBER N10", *(f"{column} C10" for column in columns)]))

        def rows(system: AbapSystem) -> Generated:
            spans = [
                (client, {column: list(found[f"{name}-{column}"].items()) for column in columns})
                for client, found in self.counts.items()
                if f"{name}-{columns[0]}" in found
            ]
            sizes = [max(sum(count for _name, count in span) for span in more.values()) for _client, more in spans]

            def make(index: int) -> Row:
                for (client, more), size in zip(spans, sizes, strict=True):
                    if index < size:
                        row: Row = {"MANDT": client, "NUMBER": index}
                        for column, span in more.items():
                            left = index
                            for value, count in span:
                                if left < count:
                                    row[column] = value
                                    break
                                left -= count
                        return row
                    index -= size
                raise IndexError(index)

            marks = self._marks.setdefault(name, {})
            return Generated(sum(sizes), make, spans[0][0] if len(spans) == 1 else None, marks)

        return Table(name, shape, rows, "MANDT")


def convert(run: Run) -> None:
    """RBDLSMAP."""
    system, values = run.system, run.values
    old, new = (str(values.get(name) or "").strip().upper() for name in ("OLD_LS", "NEW_LS"))
    test = bool(str(values.get("TESTRUN") or "").strip())
    if not old or not new:
        run.fail("Enter the old and the new logical system name")
        return
    if old == new:
        run.fail(f"The old and the new logical system name are the same ({old})")
        return
    if old not in system.logical.names and not system.logical.holds(run.client, old):
        run.fail(f"Logical system {old} does not exist")
        return
    if system.clients[run.client].get("CCCATEGORY") == "P":
        run.fail(f"Client {run.client} is a production client; the conversion is not allowed")
        return
    tables = values.get("TABLES") or ()
    if system.logical.mixes(run.client, old, new, tables) and not test:
        run.fail(f"Logical system {new} is already used in tables of client {run.client}")
        return
    key = (run.client, old, new)
    if not test and key not in system.tested:
        run.fail(f"There was no test run for the conversion of {old} to {new}")
        return
    mode = " (test run)" if test else ""
    run.say(f"Conversion of logical system names, client {run.client}: {old} -> {new}{mode}")
    found = system.logical.convert(run.client, old, new, test=test, tables=tables)
    for name, count in found.items():
        table, _dash, column = name.partition("-")
        run.say(f"Table {table} field {column}: {count} entries " + ("to be converted" if test else "converted"))
    count = len({name.partition("-")[0] for name in found})
    run.say(f"{count} tables processed, {sum(found.values())} entries " + ("to be converted" if test else "converted"))
    if test:
        system.tested.add(key)
        return
    system.tested.discard(key)
    if new not in system.logical.names:
        system.logical.names.append(new)
    if chosen(tables, "T000") and system.clients[run.client].get("LOGSYS") == old:
        system.clients[run.client]["LOGSYS"] = new
    system.effect("logical_system_converted", client=run.client, detail=f"{old} -> {new}", count=sum(found.values()))


def reset(run: Run) -> None:
    """RBDLSMAP_RESET."""
    run.system.tested = {key for key in run.system.tested if key[0] != run.client}
    run.say("The status of the conversion was reset")


def reports(system: AbapSystem) -> list[Report]:
    """The reports of BDLS."""
    screen = (
        Selection("OLD_LS"),
        Selection("NEW_LS"),
        Selection("TESTRUN", length=1),
        Selection("NUMBER", type="I", length=10),
        Selection("TABLES", "S", length=30),
    )
    return [
        Report("RBDLSMAP", convert, system.options.conversion_seconds, screen),
        Report("RBDLSMAP_RESET", reset, 5.0),
    ]
