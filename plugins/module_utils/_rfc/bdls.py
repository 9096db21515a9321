# SPDX-License-Identifier: GPL-3.0-or-later
"""Converting logical system names: which names, which jobs, what the report RBDLSMAP wrote.

How the report words its log depends on release and language, so the patterns that read it are data. Text that fits none
of them is never taken for "nothing was found".
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Pattern, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Work

PROGRAM = "RBDLSMAP"
TEST, CONVERT, PROVE = "T", "C", "V"
KINDS = {TEST: "test run", CONVERT: "conversion", PROVE: "test run afterwards"}
_NAME = re.compile(r"[A-Z0-9_/.-]{1,10}\Z")
GOOD_TYPES = ("", "S", "I", "W")


class Pair(NamedTuple):
    """One name with the one that takes its place; variants that a person saved, if any."""

    old: str
    new: str
    variant: str = ""
    test_variant: str = ""

    @property
    def words(self) -> str:
        """The pair for a person."""
        return f"{self.old} -> {self.new}"

    def job(self, kind: str, client: str) -> str:
        """The name of its job, which says what the job does: 32 characters at most.

        No name of a logical system has a colon in it, so two pairs never have one name.
        """
        return f"BDLS_{client}_{kind}_{self.old}:{self.new}"


def pairs_of(rows: Sequence[Mapping[str, Any]]) -> List[Pair]:
    """The pairs of an option.

    :raises BadInput: a name is none, or is there in a way that mixes old with new.
    """
    doing = "read the option mapping"
    if not rows:
        raise BadInput(doing, "it has no pair of names")
    found = []
    for row in rows:
        old, new = (str(row[name]).strip().upper() for name in ("old", "new"))
        for name in (old, new):
            if not _NAME.match(name):
                raise BadInput(doing, f"{name!r} is no name of a logical system (1 to 10 characters)")
        variant, test = ((row.get(name) or "").strip().upper() for name in ("variant", "test_variant"))
        if bool(variant) != bool(test):
            raise BadInput(doing, f"{old} -> {new} has one variant; give one for the test run and one for the rest")
        if variant and variant == test:
            raise BadInput(doing, f"{old} -> {new} has the variant {variant} for the test run and for the conversion")
        found.append(Pair(old, new, variant, test))
    olds, news = [pair.old for pair in found], [pair.new for pair in found]
    for name in olds:
        if name in news:
            raise BadInput(doing, f"{name} is an old name and a new one, too", reason="mixed_up")
    for names, what in ((olds, "old"), (news, "new")):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadInput(doing, f"{', '.join(twice)} is the {what} name twice", reason="mixed_up")
    return found


class Screen(NamedTuple):
    """How the fields of the report's selection screen are called, with the value that asks for a test run."""

    old: str
    new: str
    test: str
    test_value: str = "X"

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Screen:
        """From an option."""
        names = [given[name].strip().upper() for name in ("old", "new", "test")]
        if not all(names) or not given["test_value"].strip():
            raise BadInput("read the option selection_names", "a name or the value for a test run is empty")
        return cls(names[0], names[1], names[2], given["test_value"].strip())

    @property
    def names(self) -> List[str]:
        """The names of the fields."""
        return [self.old, self.new, self.test]

    def work(self, pair: Pair, kind: str, more: Sequence[Mapping[str, str]], printing: Mapping[str, Any]) -> Work:
        """The step of one of the pair's jobs."""
        if pair.variant:
            return Work(PROGRAM, pair.variant if kind == CONVERT else pair.test_variant, printing=printing)
        told = said(self, pair, kind).items()
        rows = [{"SELNAME": n, "KIND": "P", "SIGN": "I", "OPTION": "EQ", "LOW": v, "HIGH": ""} for n, v in told]
        return Work(PROGRAM, values=rows + [dict(row) for row in more], printing=printing)


class Count(NamedTuple):
    """How many entries of a field of a table."""

    table: str
    field: str
    entries: int


class Reading:
    """Reads what the report wrote.

    :raises BadInput: a pattern is none, or lacks the groups ``table`` with ``count``.
    """

    def __init__(self, counts: Sequence[str], nothing: Sequence[str], problems: Sequence[str]) -> None:
        self._counts = _compiled("count_patterns", counts)
        self._nothing = _compiled("nothing_patterns", nothing)
        self._problems = _compiled("problem_patterns", problems)
        for pattern in self._counts:
            if not {"table", "count"} <= set(pattern.groupindex):
                raise BadInput(
                    "read the option count_patterns", f"{pattern.pattern!r} lacks the group table or the group count"
                )

    def counts(self, lines: Iterable[Mapping[str, str]]) -> Optional[List[Count]]:
        """Entries by table and field; None when the lines do not tell.

        A log repeats what a list says, and a report may write a line for each part of a table. So of several lines the
        largest number counts: it is never more than a line says, and a zero never hides what another line found.
        """
        found: Dict[str, Count] = {}
        nothing = False
        for line in lines:
            text = line["text"]
            match = next((m for m in (pattern.search(text) for pattern in self._counts) if m), None)
            if match is None:
                nothing = nothing or any(pattern.search(text) for pattern in self._nothing)
                continue
            parts = match.groupdict()
            digits = re.sub(r"[^0-9]", "", parts["count"] or "")
            if not digits:
                return None
            one = Count(parts["table"], parts.get("field") or "", int(digits))
            before = found.setdefault(f"{one.table}-{one.field}", one)
            if one.entries > before.entries:
                found[f"{one.table}-{one.field}"] = one
        return list(found.values()) if found or nothing else None

    def problems(self, lines: Iterable[Mapping[str, str]]) -> List[str]:
        """The lines that tell of a problem: by the type of the message, or by its text."""
        return [
            line["text"]
            for line in lines
            if line.get("type", "") not in GOOD_TYPES or any(pattern.search(line["text"]) for pattern in self._problems)
        ]


def _compiled(option: str, patterns: Sequence[str]) -> List[Pattern[str]]:
    found = []
    for pattern in patterns:
        try:
            found.append(re.compile(pattern))
        except re.error as error:
            raise BadInput(f"read the option {option}", f"{pattern!r} is no pattern: {error}") from error
    return found


def said(screen: Screen, pair: Pair, kind: str) -> Dict[str, str]:
    """What a saved variant for one of the pair's jobs has to say, by field."""
    test = "" if kind == CONVERT else screen.test_value
    return {screen.old: pair.old, screen.new: pair.new, screen.test: test}


def unreadable(doing: str, lines: Sequence[Mapping[str, str]]) -> Failed:
    """The error for an output that tells no counts."""
    tail = [line["text"] for line in lines[-20:]]
    return Failed(
        doing,
        "what the report wrote tells no number of entries by the patterns given",
        reason="counts_unreadable",
        cure="Read its lines in error.facts.lines and put their form into count_patterns or nothing_patterns",
        lines=tail,
    )


__all__ = (
    "CONVERT",
    "KINDS",
    "PROGRAM",
    "PROVE",
    "TEST",
    "Count",
    "Pair",
    "Reading",
    "Screen",
    "pairs_of",
    "said",
    "unreadable",
)
