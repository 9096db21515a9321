# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes landscapes of any size as native exports: ``python -m tests.simulator.generate --systems 12 --hosts 40``.

The same arguments give the same landscape. It holds ABAP systems with HANA databases, of which one serves two
systems, Java systems, Web Dispatchers in front of some of them, a pair of Web Dispatchers as a redundancy group.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ABAP_NAMES = ("PRD", "SCM", "QAS", "DEV", "BWP", "CRM", "EWM", "GTS", "TMP", "SRP", "HRP", "FIP")
JAVA_NAMES = ("POP", "EPP", "POQ", "EPQ")
STAGES = ("production", "production", "quality", "development")
OWNERS = ("Logistics", "Finance", "Sales", "Integration")
RESERVED = frozenset(
    {
        "ADD",
        "ALL",
        "AND",
        "ANY",
        "ASC",
        "AUX",
        "COM",
        "CON",
        "DBA",
        "END",
        "EPS",
        "FOR",
        "GET",
        "GID",
        "IBM",
        "INT",
        "KEY",
        "LOG",
        "LPT",
        "MAP",
        "MON",
        "NIX",
        "NOT",
        "NUL",
        "OFF",
        "OLD",
        "OMS",
        "OUT",
        "PAD",
        "PRN",
        "RAW",
        "REF",
        "ROW",
        "SAP",
        "SET",
        "SGA",
        "SHG",
        "SID",
        "SQL",
        "SUM",
        "SYS",
        "TMP",
        "TOP",
        "UID",
        "USE",
        "USR",
        "VAR",
    }
)


class TooFew(ValueError):
    """There are not enough hosts for the systems; the text names the least number."""


class _Maker:
    """Collects the parts of one landscape."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.hosts: list[dict[str, Any]] = []
        self.systems: list[dict[str, Any]] = []
        self.instances: list[dict[str, Any]] = []
        self.relations: list[dict[str, str]] = []
        self._counts: Counter[str] = Counter()
        self._taken: set[str] = set(RESERVED)
        self._addresses = (f"127.20.{high}.{low}" for high in range(1, 255) for low in range(1, 251))
        self._names = {
            "abap": self._sids(ABAP_NAMES, "A"),
            "java": self._sids(JAVA_NAMES, "J"),
            "hana": self._sids((), "H"),
            "webdisp": self._sids((), "W"),
        }

    def _sids(self, known: tuple[str, ...], letter: str) -> Iterator[str]:
        digits = "123456789ABCDEFGHIJKLMNPQRSTUVWXYZ"
        made = (f"{letter}{first}{second}" for first, second in itertools.product("0" + digits, digits))
        beyond = (
            f"{other}{first}{second}" for other in "XYZUVTSR" for first, second in itertools.product(digits, digits)
        )
        for name in itertools.chain(known, made, beyond):
            if name not in self._taken:
                self._taken.add(name)
                yield name

    def system(self, kind: str, stage: str, **more: Any) -> dict[str, Any]:
        name = next(self._names[kind])
        row = {
            "name": name,
            "sid": name,
            "type": kind,
            "environment": stage,
            "owner": OWNERS[len(self.systems) % len(OWNERS)],
            "patch_group": f"wave{STAGES.index(stage) % 4 + 1}",
            **more,
        }
        self.systems.append(row)
        return row

    def host(self, system: dict[str, Any], role: str) -> str:
        prefix = f"{system['name'].lower()}{role}"
        self._counts[prefix] += 1
        name = f"{prefix}{self._counts[prefix]}"
        self.hosts.append(
            {
                "name": name,
                "address": next(self._addresses),
                "os": "RHEL 9.4",
                "environment": system["environment"],
                "patch_group": system["patch_group"],
                "owner": system["owner"],
                "failure_domain": f"rack{len(self.hosts) % 4 + 1}",
            }
        )
        return name

    def instance(self, system: dict[str, Any], host: str, kind: str, name: str, number: int, **more: Any) -> None:
        self.instances.append(
            {
                "name": f"{name}{number:02d}",
                "system": system["name"],
                "host": host,
                "number": f"{number:02d}",
                "kind": kind,
                **more,
            }
        )

    def depends(self, source: str, target: str) -> None:
        self.relations.append({"source": source, "target": target, "type": "depends_on"})


def generate(systems: int, hosts: int, seed: int = 1, *, windows: bool = False) -> dict[str, Any]:
    """A landscape with that many systems on that many hosts, as native export.

    Raises:
        TooFew: the hosts do not suffice, or there are fewer than four systems.
    """
    if systems < 4:
        raise TooFew("a landscape has at least 4 systems")
    maker = _Maker(seed)
    growing: list[tuple[dict[str, Any], float]] = []
    pair: list[str] = []

    def web(stage: str, front: str | None) -> None:
        row = maker.system("webdisp", stage)
        maker.instance(row, maker.host(row, "wd"), "webdisp", "W", 20)
        if front is not None:
            maker.depends(row["name"], front)
        else:
            pair.append(row["name"])

    def database(stage: str) -> dict[str, Any]:
        row = maker.system("hana", stage)
        maker.instance(row, maker.host(row, "db"), "hana", "HDB", 0)
        return row

    def abap(stage: str, base: dict[str, Any], weight: float) -> dict[str, Any]:
        row = maker.system("abap", stage)
        lower = row["name"].lower()
        central = maker.host(row, "cs")
        maker.instance(row, central, "ascs", "ASCS", 10, virtual_host=f"{lower}ascs")
        if stage == "development":
            maker.instance(row, central, "dialog", "D", 1)
        maker.depends(row["name"], base["name"])
        growing.append((row, weight))
        return row

    def java(stage: str, base: dict[str, Any], weight: float) -> dict[str, Any]:
        row = maker.system("java", stage)
        maker.instance(row, maker.host(row, "cs"), "scs", "SCS", 30, virtual_host=f"{row['name'].lower()}scs")
        maker.depends(row["name"], base["name"])
        growing.append((row, weight))
        return row

    left = systems
    if left >= 6:
        web("production", None)
        web("production", None)
        left -= 2
    shared = database("production")
    first = abap("production", shared, 5)
    abap("production", shared, 3)
    web("production", first["name"])
    left -= 4
    turn = 0
    while left:
        stage = ("quality", "production", "development")[turn % 3] if systems <= 12 else STAGES[turn % len(STAGES)]
        if left == 1:
            web(stage, growing[-1][0]["name"])
            left -= 1
        elif turn % 3 == 1:
            java(stage, database(stage), 2.5)
            left -= 2
        elif turn % 3 == 2 and left >= 3 and systems > 12:
            row = abap(stage, database(stage), 2.5)
            web(stage, row["name"])
            left -= 3
        else:
            abap(stage, database(stage), 2)
            left -= 2
        turn += 1
    spare = hosts - len(maker.hosts) - len(growing)
    if spare < 0:
        raise TooFew(f"{systems} systems need at least {len(maker.hosts) + len(growing)} hosts")
    replicated = [row for row, _weight in growing if row["type"] == "abap" and row["environment"] == "production"][
        : max(0, spare)
    ]
    for row in replicated:
        maker.instance(row, maker.host(row, "er"), "ers", "ERS", 11, virtual_host=f"{row['name'].lower()}ers")
    spare -= len(replicated)
    shares = {row["name"]: 1 for row, _weight in growing}
    for _count in range(spare):
        row, _weight = min(growing, key=lambda pair: shares[pair[0]["name"]] / pair[1])
        shares[row["name"]] += 1
    for row, _weight in growing:
        for _count in range(shares[row["name"]]):
            host = maker.host(row, "app")
            kind, name, number = ("dialog", "D", 1) if row["type"] == "abap" else ("java", "J", 31)
            maker.instance(row, host, kind, name, number)
    export: dict[str, Any] = {
        "hosts": maker.hosts,
        "systems": maker.systems,
        "instances": maker.instances,
        "relations": maker.relations,
        "redundancy_groups": [{"name": "entry", "members": pair, "max_unavailable": 1}] if pair else [],
        "calendars": [],
    }
    if windows:
        days = ("SA", "SU", "FR", "WE")
        export["calendars"] = [
            {
                "name": f"wave{index + 1}",
                "kind": "window",
                "timezone": "Europe/Berlin",
                "entries": [{"rrule": f"FREQ=WEEKLY;BYDAY={day}", "start": "2026-01-01T20:00", "duration": "8h"}],
            }
            for index, day in enumerate(days)
        ] + [
            {
                "name": "year-end",
                "kind": "blackout",
                "timezone": "Europe/Berlin",
                "entries": [
                    {"rrule": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=28", "start": "2025-12-28T00:00", "duration": "168h"}
                ],
            }
        ]
        for row in maker.systems:
            row["windows"], row["blackouts"] = [row["patch_group"]], ["year-end"]
    return export


def main(argv: list[str] | None = None) -> int:
    """Write a landscape; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator.generate", description="Make a landscape of a given size."
    )
    parser.add_argument("--systems", type=int, default=12)
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--windows", action="store_true", help="with weekly windows, with a blackout at the end of the year"
    )
    parser.add_argument("--output", type=Path, help="file (default: standard output)")
    options = parser.parse_args(argv)
    try:
        export = generate(options.systems, options.hosts, options.seed, windows=options.windows)
    except TooFew as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    lines = ["{"]
    parts = list(export.items())
    for index, (part, rows) in enumerate(parts):
        inner = ",\n".join("  " + json.dumps(row) for row in rows)
        lines.append(f' "{part}": [' + (f"\n{inner}\n ]" if rows else "]") + ("," if index + 1 < len(parts) else ""))
    text = "\n".join([*lines, "}"]) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
