# SPDX-License-Identifier: GPL-3.0-or-later
"""RFC_READ_TABLE: rows of 512 characters at most, fields by name, conditions in lines of 72."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tests.simulator.abap.catalogue import Field, Function, Structure
from tests.simulator.abap.errors import AbapException
from tests.simulator.abap.tables import CLUSTERS, FLAT, Generated, Row, shown, width
from tests.simulator.abap.where import BadCondition, Condition, UnknownField
from tests.simulator.abap.words import fields, flag, parameters, text

if TYPE_CHECKING:
    from tests.simulator.abap.engine import Session

WIDEST = 512
STRUCTURES = (
    Structure("TAB512", fields("WA C512"), "facts 4.5", "V2"),
    Structure("RFC_DB_OPT", fields("TEXT C72"), "facts 4.5", "V2"),
    Structure("RFC_DB_FLD", fields("FIELDNAME C30, OFFSET N6, LENGTH N6, TYPE C1, FIELDTEXT C60"), "facts 4.5", "V2"),
)


def refused(key: str, number: str, why: str, *variables: str) -> AbapException:
    """An exception of the function module with its message."""
    return AbapException(key, why, ("SV" if number == "029" else "SAIS", "E", number, *variables))


def read(
    session: Session,
    QUERY_TABLE: str = "",
    DELIMITER: str = "",
    NO_DATA: str = "",
    ROWSKIPS: int = 0,
    ROWCOUNT: int = 0,
    OPTIONS: Iterable[Row] = (),
    FIELDS: Iterable[Row] = (),
    **_more: Any,
) -> dict[str, Any]:
    """RFC_READ_TABLE."""
    name, options = text(QUERY_TABLE).upper(), [dict(row) for row in OPTIONS]
    if not session.allowed("S_TABU_DIS"):
        raise AbapException("NOT_AUTHORIZED", f"You are not authorized to display table {name}")
    if name in FLAT:
        raise refused("TABLE_WITHOUT_DATA", "029", f"{name} is a structure", name)
    table = session.system.tables.get(name)
    if table is None or name in CLUSTERS:
        raise refused("TABLE_NOT_AVAILABLE", "029", f"{name} is not available", name)
    columns = {column.name: column for column in table.columns}
    chosen: list[Field] = []
    for wanted in (text(row.get("FIELDNAME")).upper() for row in FIELDS):
        if wanted not in columns:
            raise AbapException("FIELD_NOT_VALID", f"Field {wanted} is not in table {name}")
        chosen.append(columns[wanted])
    chosen = chosen or list(table.columns)
    try:
        test = Condition([str(row.get("TEXT") or "") for row in options], table.types).test
    except UnknownField as error:
        raise AbapException("OPTION_NOT_VALID", f"Field {error} is not in table {name}") from error
    except BadCondition as error:
        raise AbapException("OPTION_NOT_VALID", f"Error in OPTIONS: {error}") from error
    between = str(DELIMITER or "")[:1].strip()
    described, place = [], 0
    for column in chosen:
        size = width(column)
        described.append(
            {
                "FIELDNAME": column.name,
                "OFFSET": f"{place:06d}",
                "LENGTH": f"{size:06d}",
                "TYPE": column.type,
                "FIELDTEXT": column.name.capitalize(),
            }
        )
        place += size + len(between)
    if place - len(between) > WIDEST:
        raise AbapException("DATA_BUFFER_EXCEEDED", f"The fields of table {name} are wider than {WIDEST} characters")
    found: list[dict[str, str]] = []
    if not flag(NO_DATA):
        skip, count = max(0, int(ROWSKIPS or 0)), max(0, int(ROWCOUNT or 0))
        rows = table.rows(session.system)
        end = skip + count if count else None
        if table.client:
            # Rows that are made up all belong to one client, so that a page of them costs no more than itself.
            if isinstance(rows, Generated) and rows.client is not None:
                rows = rows if rows.client == session.client else []
            else:
                rows = [row for row in rows if row.get(table.client) == session.client]
        page: Iterable[Row]
        if test is None:
            page = rows[skip:end]
        elif isinstance(rows, Generated):
            page = rows.fitting(" ".join(str(row.get("TEXT") or "") for row in options), test, skip, end)
        else:
            page = itertools.islice(filter(test, rows), skip, end)
        found = [{"WA": between.join(shown(column, row.get(column.name)) for column in chosen)} for row in page]
    return {"DATA": found, "FIELDS": described, "OPTIONS": options}


FUNCTIONS = (
    Function(
        "RFC_READ_TABLE",
        parameters(
            "I QUERY_TABLE C30, I? DELIMITER C1, I? NO_DATA C1, I? ROWSKIPS I, I? ROWCOUNT I, I? GET_SORTED C1,"
            "T OPTIONS :RFC_DB_OPT, T FIELDS :RFC_DB_FLD, T DATA :TAB512"
        ),
        read,
        "facts 4.5, exceptions from memory",
        "V2",
        True,
    ),
)
