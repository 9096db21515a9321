# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions that RFC_READ_TABLE takes in OPTIONS: a small part of Open SQL.

``JOBNAME LIKE 'Z%' AND STATUS IN ('S', 'Z') AND NOT ( SDLSTRTDT < '20260101' )``. A literal may not run over the end
of a line of OPTIONS, as a line stands for itself in a dynamic condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Test = Callable[[Mapping[str, Any]], bool]
TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(<>|<=|>=|[=<>(),])|([A-Za-z0-9_/~.\-]+))")
SIGNS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class BadCondition(ValueError):
    """No condition that could be read."""


class UnknownField(BadCondition):
    """A field that the table does not have."""


def tokens(lines: Iterable[str]) -> list[str]:
    """The words of a condition; literals keep their first quote as a mark."""
    found: list[str] = []
    for line in lines:
        place, line = 0, line.rstrip()
        while place < len(line):
            match = TOKEN.match(line, place)
            if match is None:
                raise BadCondition(f"not understood from {line[place:][:20]!r} on")
            literal, sign, word = match.groups()
            found.append("'" + literal[1:-1].replace("''", "'") if literal else sign or word)
            place = match.end()
    return found


def pattern(text: str) -> re.Pattern[str]:
    """What LIKE means by a pattern."""
    parts = (".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in text.rstrip())
    return re.compile("".join(parts), re.DOTALL)


class Condition:
    """A parser of one condition.

    Args:
        lines: the lines of OPTIONS.
        types: the fields of the table with the letters of their types.

    Raises:
        BadCondition: it cannot be read.
    """

    def __init__(self, lines: Iterable[str], types: Mapping[str, str]) -> None:
        self._words = tokens(lines)
        self._place = 0
        self._types = types
        self.test: Test | None = self._any() if self._words else None
        if self._place < len(self._words):
            raise BadCondition(f"not understood: {self._words[self._place]}")

    def _peek(self) -> str:
        return self._words[self._place] if self._place < len(self._words) else ""

    def _next(self, *wanted: str) -> str:
        word = self._peek()
        if not word or (wanted and word.upper() not in wanted):
            raise BadCondition(f"expected {' or '.join(wanted) or 'more'}, found {word or 'the end'}")
        self._place += 1
        return word

    def _any(self) -> Test:
        parts = [self._all()]
        while self._peek().upper() == "OR":
            self._next()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _all(self) -> Test:
        parts = [self._not()]
        while self._peek().upper() == "AND":
            self._next()
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _not(self) -> Test:
        if self._peek().upper() == "NOT":
            self._next()
            inner = self._not()
            return lambda row: not inner(row)
        if self._peek() == "(":
            self._next()
            inner = self._any()
            self._next(")")
            return inner
        return self._one()

    def _one(self) -> Test:
        name = self._next().upper()
        if name.startswith("'") or name in ("(", ")", ","):
            raise BadCondition(f"expected a field, found {name}")
        if name not in self._types:
            raise UnknownField(name)
        word = self._next().upper()
        if word == "NOT":
            positive = self._with(name, self._next("IN", "LIKE", "BETWEEN").upper())
            return lambda row: not positive(row)
        return self._with(name, word)

    def _with(self, name: str, word: str) -> Test:
        if word == "IN":
            self._next("(")
            values = {self._value(name)}
            while self._next(",", ")") == ",":
                values.add(self._value(name))
            return lambda row: self._of(name, row) in values
        if word == "BETWEEN":
            low = self._value(name)
            self._next("AND")
            high = self._value(name)
            return lambda row: low <= self._of(name, row) <= high
        if word == "LIKE":
            like = pattern(str(self._next()).removeprefix("'"))
            return lambda row: like.fullmatch(str(self._of(name, row))) is not None
        sign = SIGNS.get(word, word)
        if sign not in COMPARE:
            raise BadCondition(f"{word} is no comparison")
        compare, value = COMPARE[sign], self._value(name)
        return lambda row: compare(self._of(name, row), value)

    def _value(self, name: str) -> Any:
        word = self._next()
        if word in ("(", ")", ",") or word in COMPARE:
            raise BadCondition(f"expected a value, found {word}")
        quoted = word.startswith("'")
        plain = word.removeprefix("'").rstrip()
        if self._types[name] in "NIsb8P":
            try:
                return int(plain)
            except ValueError as error:
                raise BadCondition(f"{name}: {plain!r} is no number") from error
        if not quoted:
            raise BadCondition(f"{name}: a literal stands in quotes, not {plain}")
        return plain

    def _of(self, name: str, row: Mapping[str, Any]) -> Any:
        value = row.get(name)
        if self._types[name] in "NIsb8P":
            return int(value or 0)
        if self._types[name] in "DT" and not value:
            return "00000000" if self._types[name] == "D" else "000000"
        return str("" if value is None else value).rstrip()
