# SPDX-License-Identifier: GPL-3.0-or-later
"""The variants of reports: saved selections, per client.

Selection values that come with a job step make a temporary variant named like ``&0000000000000`` (facts 4.1, S1).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any


def chosen(rows: Iterable[Mapping[str, str]], value: str) -> bool:
    """Whether a select option takes a value: one row includes it (or none includes anything), none excludes it."""
    good = [row for row in rows if row.get("SIGN", "I") != "E"]
    bad = [row for row in rows if row.get("SIGN", "I") == "E"]
    return (not good or any(_meets(row, value) for row in good)) and not any(_meets(row, value) for row in bad)


def _meets(row: Mapping[str, str], value: str) -> bool:
    option, low, high = row.get("OPTION") or "EQ", row.get("LOW", ""), row.get("HIGH", "")
    return {
        "CP": fnmatchcase(value, low),
        "NP": not fnmatchcase(value, low),
        "BT": low <= value <= high,
        "NB": not low <= value <= high,
        "EQ": value == low,
        "NE": value != low,
        "LT": value < low,
        "LE": value <= low,
        "GT": value > low,
        "GE": value >= low,
    }.get(option, False)


class Variants:
    """All variants of a system."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str, str], list[dict[str, str]]] = {}
        self._temporary = itertools.count()

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        return iter(sorted(self._all))

    def has(self, client: str, report: str, variant: str) -> bool:
        """Whether there is one."""
        return (client, report.upper(), variant.upper()) in self._all

    def save(self, client: str, report: str, variant: str, rows: Iterable[dict[str, Any]]) -> None:
        """Save a variant, in place of an older one."""
        keys = ("SELNAME", "KIND", "SIGN", "OPTION", "LOW", "HIGH")
        kept = [{key: str(row.get(key) or "").strip() for key in keys} for row in rows]
        self._all[client, report.upper(), variant.upper()] = kept

    def temporary(self, client: str, report: str, rows: Iterable[dict[str, Any]]) -> str:
        """Save values under a new temporary name."""
        name = f"&{next(self._temporary):013d}"
        self.save(client, report, name, rows)
        return name

    def delete(self, client: str, report: str, variant: str) -> bool:
        """Remove one; whether there was one."""
        return self._all.pop((client, report.upper(), variant.upper()), None) is not None

    def rows(self, client: str, report: str, variant: str) -> list[dict[str, str]]:
        """The rows of a variant."""
        return self._all.get((client, report.upper(), variant.upper()), [])

    def contents(self, client: str, report: str, variant: str) -> dict[str, Any]:
        """By selection name: the value of a parameter, the rows of a select option."""
        found: dict[str, Any] = {}
        for row in self.rows(client, report, variant):
            if row["KIND"] == "S":
                found.setdefault(row["SELNAME"], []).append(row)
            else:
                found[row["SELNAME"]] = row["LOW"]
        return found
