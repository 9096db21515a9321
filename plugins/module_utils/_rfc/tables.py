# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading database tables through RFC_READ_TABLE within its limits.

A line of a condition has 72 characters, a row 512. Rows come in pages (ROWSKIPS, ROWCOUNT), so that memory does not
grow with the table; a table that changes meanwhile may then show a row twice or not at all, as in any reading without
a lock. Columns are cut by the offsets that the function itself returns: no delimiter can be mistaken for data.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed

LINE = 72
ROW = 512
PAGE = 5000
_TOKEN = re.compile(r"'(?:[^']|'')*'|[^\s']+")
_NAME = re.compile(r"[A-Z/][A-Z0-9_/]*\Z")

Ask = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]
Row = Dict[str, str]
Layouts = Dict[Tuple[str, Tuple[str, ...], Tuple[str, ...]], List[List[str]]]


def literal(value: str) -> str:
    """A text as it stands in a condition.

    :raises BadInput: for a character that a condition cannot hold.
    """
    if re.search("[\x00-\x1f]", value):
        raise BadInput("write a condition", f"{value!r} has a control character in it")
    return "'{}'".format(value.replace("'", "''"))


def lines(condition: str) -> List[str]:
    """A condition in lines of at most 72 characters, cut at blanks, never inside a literal.

    :raises BadInput: a word or a literal is longer than a line.
    """
    found: List[str] = []
    now = ""
    for token in _tokens(condition):
        if len(token) > LINE:
            raise BadInput("write a condition", f"{token!r} is longer than a line of {LINE} characters")
        if now and len(now) + 1 + len(token) > LINE:
            found.append(now)
            now = token
        else:
            now = f"{now} {token}" if now else token
    return found + [now] if now else found


def _tokens(condition: str) -> List[str]:
    """The words of a condition; a literal stays with what touches it."""
    found: List[str] = []
    end = -1
    for match in _TOKEN.finditer(condition):
        if match.start() == end:
            found[-1] += match[0]
        else:
            found.append(match[0])
        end = match.end()
    if condition.count("'") % 2:
        raise BadInput("write a condition", f"a quote is not closed in {condition!r}")
    return found


def stream(
    ask: Ask,
    table: str,
    fields: Sequence[str],
    where: str = "",
    *,
    key: Sequence[str] = (),
    page: int = PAGE,
    most: int = 0,
    layouts: Optional[Layouts] = None,
) -> Iterator[Row]:
    """The rows of a table as they come, values without trailing blanks.

    :param ask: asks a function and returns its answer.
    :param key: fields that tell rows apart; read with every part when a row is wider than 512 characters.
    :param most: the number of rows after which to stop; 0 for all.
    :param layouts: remembers how the fields of a table fit into rows, so that it is asked once.
    :raises Failed: the table changed while a wide row was read in parts (reason ``table_changed``).
    """
    doing = f"read the table {table}"
    for name in [table, *fields, *key]:
        if not _NAME.match(name):
            raise BadInput(doing, f"{name!r} is no name of a table or a field")
    options = [{"TEXT": line} for line in lines(where)]
    layouts = {} if layouts is None else layouts
    which = (table, tuple(fields), tuple(key))
    if which not in layouts:
        layouts[which] = _parts(ask, doing, table, fields, key)
    parts = layouts[which]
    skipped = 0
    before: List[Row] = []
    while True:
        wanted = min(page, most - skipped) if most else page
        pages = [_page(ask, doing, table, part, options, skipped, wanted) for part in parts]
        rows = pages[0]
        for other in pages[1:]:
            if len(other) != len(rows) or any(one[name] != two[name] for one, two in zip(rows, other) for name in key):
                raise Failed(doing, "it changed while its wide rows were read in parts", reason="table_changed")
            for one, two in zip(rows, other):
                one.update(two)
        if key and rows and rows == before:
            raise Failed(doing, f"it gives the same {len(rows)} rows again, whatever is skipped", reason="malformed")
        before = [dict(row) for row in rows] if key and len(rows) == wanted else []
        yield from rows
        skipped += len(rows)
        if len(rows) < wanted or (most and skipped >= most):
            return


def _parts(ask: Ask, doing: str, table: str, fields: Sequence[str], key: Sequence[str]) -> List[List[str]]:
    """The fields in groups that fit into a row each; the key is in every one."""
    asked = list(dict.fromkeys([*key, *fields]))
    answer = ask(doing, "RFC_READ_TABLE", _question(table, asked, [], 0, 1, no_data=True))
    widths = {str(row["FIELDNAME"]).strip(): _number(doing, row, "LENGTH") for row in answer.get("FIELDS") or ()}
    missing = [name for name in asked if name not in widths]
    if missing:
        raise Failed(doing, "it tells nothing about {}".format(", ".join(missing)), reason="malformed")
    if sum(widths[name] for name in asked) <= ROW:
        return [asked]
    base = sum(widths[name] for name in key)
    groups: List[List[str]] = []
    used = ROW + 1
    for name in asked:
        if name in key:
            continue
        if base + widths[name] > ROW:
            raise BadInput(doing, f"the field {name} does not fit into a row of {ROW} characters")
        if used + widths[name] > ROW:
            groups.append(list(key))
            used = base
        groups[-1].append(name)
        used += widths[name]
    return groups


def _page(
    ask: Ask,
    doing: str,
    table: str,
    fields: Sequence[str],
    options: Sequence[Mapping[str, str]],
    skip: int,
    count: int,
) -> List[Row]:
    answer = ask(doing, "RFC_READ_TABLE", _question(table, fields, options, skip, count))
    cuts = []
    for row in answer.get("FIELDS") or ():
        offset = _number(doing, row, "OFFSET")
        cuts.append((str(row["FIELDNAME"]).strip(), offset, offset + _number(doing, row, "LENGTH")))
    if {name for name, _from, _to in cuts} != set(fields):
        raise Failed(doing, "the answer has other fields than were asked for", reason="malformed")
    return [{name: str(row["WA"])[begin:end].rstrip() for name, begin, end in cuts} for row in answer.get("DATA") or ()]


def _question(
    table: str,
    fields: Sequence[str],
    options: Sequence[Mapping[str, str]],
    skip: int,
    count: int,
    no_data: bool = False,
) -> Dict[str, Any]:
    # Every column of a row of FIELDS is set: an unset NUMC goes out as blanks from some libraries.
    empty = {"OFFSET": "000000", "LENGTH": "000000", "TYPE": "", "FIELDTEXT": ""}
    return {
        "QUERY_TABLE": table,
        "DELIMITER": "",
        "NO_DATA": "X" if no_data else "",
        "ROWSKIPS": skip,
        "ROWCOUNT": count,
        "OPTIONS": list(options),
        "FIELDS": [dict(empty, FIELDNAME=name) for name in fields],
        "DATA": [],
    }


def _number(doing: str, row: Mapping[str, Any], name: str) -> int:
    text = str(row.get(name, "")).strip()
    if not text.isdigit():
        raise Failed(doing, f"{name} of the field {row.get('FIELDNAME')} is {text!r}, no number", reason="malformed")
    return int(text)


__all__ = ("LINE", "PAGE", "ROW", "Layouts", "Row", "lines", "literal", "stream")
