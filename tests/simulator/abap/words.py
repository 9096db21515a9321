# SPDX-License-Identifier: GPL-3.0-or-later
"""How interfaces are written down here: one line of text for a structure or a function module.

A structure is ``"JOBNAME C32, JOBCOUNT C8, ROW I, PRICE P8.2"``: names with the letter and length of their ABAP type.
Parameters begin with their kind, with a question mark when they are optional: ``"I JOBNAME C32, I? LANGUAGE C2,
E RETURN :BAPIRET2, T? SELINFO :RSPARAMS"``; a colon stands before the name of a structure or table type.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .catalogue import Field, Parameter

TYPE = re.compile(r"([CNDTIsb8PXFgy])(\d*)(?:\.(\d+))?")
FIXED = {"D": 8, "T": 6}


def typed(name: str, text: str) -> Field:
    """One field."""
    found = TYPE.fullmatch(text)
    if found is None:
        raise ValueError(f"{name}: {text!r} is no type")
    letter, length, decimals = found.groups()
    return Field(name, letter, int(length or FIXED.get(letter, 0)), int(decimals or 0))


@cache
def fields(text: str) -> tuple[Field, ...]:
    """The fields of a structure."""
    return tuple(typed(*part.split()) for part in text.split(","))


def parameters(text: str) -> tuple[Parameter, ...]:
    """The parameters of a function module."""
    found = []
    for part in text.split(","):
        if part.strip():
            kind, name, sort = part.split()
            found.append(
                Parameter(kind[0], name, sort[1:] if sort.startswith(":") else typed(name, sort), kind.endswith("?"))
            )
    return tuple(found)


def returned(
    kind: str = "S", ident: str = "", number: str = "000", text: str = "", *variables: str, system: str = ""
) -> dict[str, Any]:
    """A BAPIRET2 of the given type."""
    row: dict[str, Any] = {"TYPE": kind, "ID": ident, "NUMBER": number, "MESSAGE": text, "SYSTEM": system}
    for index, value in enumerate(variables[:4], 1):
        row[f"MESSAGE_V{index}"] = value
    return row


def text(value: Any) -> str:
    """A character value without the blanks that pad it."""
    return "" if value is None else str(value).strip()


def flag(value: Any) -> bool:
    """Whether a flag is set."""
    return text(value) != ""
