# SPDX-License-Identifier: GPL-3.0-or-later
"""ABAP values as bytes: fields, structures with their gaps."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from tests.simulator.abap.catalogue import Field, Structure

from .wire import Malformed, text, utf16

CHARACTERS = "CNDT"
DEEP = "gy"
_NUMBERS = {"I": "<i", "s": "<h", "b": "<B", "8": "<q", "F": "<d"}
_LENGTHS = {"D": 8, "T": 6, "I": 4, "s": 2, "b": 1, "8": 8, "F": 8, "g": 8, "y": 8}
TYPES = frozenset("CNDTIsb8PXFgy")
# Structures whose length is not rounded up; this one as real systems were seen to send it.
_UNPADDED = frozenset(("RFC_FUNINT",))


class Unfit(ValueError):
    """A value that a function module gave back does not go into its parameter: a mistake of the simulator."""


def length(field: Field) -> int:
    """Characters or bytes, as the type counts."""
    return _LENGTHS.get(field.type, field.length)


def size(field: Field) -> int:
    """Bytes in a structure."""
    return length(field) * 2 if field.type in CHARACTERS else length(field)


def digits(field: Field) -> int:
    """What the dictionary calls the length."""
    return length(field) * 2 - 1 if field.type == "P" else length(field)


def alignment(field: Field) -> int:
    """The address of a component is a multiple of this."""
    if field.type in CHARACTERS:
        return 2
    return 1 if field.type in "PXb" else size(field)


def initial(field: Field) -> Any:
    """The initial value."""
    if field.type in CHARACTERS:
        return "" if field.type == "C" else "0" * length(field)
    others: dict[str, Any] = {"X": bytes(field.length), "y": b"", "g": "", "F": 0.0, "P": Decimal(0)}
    return others.get(field.type, 0)


def encode(field: Field, value: Any) -> bytes:
    """The bytes of a value; None stands for the initial one. As in ABAP, text that is too long is cut.

    Raises:
        Unfit: it is of a wrong type or too large.
    """
    type_, count = field.type, length(field)
    if value is None or (value == "" and type_ in "NDT"):
        value = initial(field)
    try:
        if type_ == "N":
            return utf16(str(value).rjust(count, "0")[-count:])
        if type_ in CHARACTERS:
            return _units(str(value), count)
        if type_ == "X":
            return bytes(value)[:count].ljust(count, b"\x00")
        if type_ == "P":
            return _packed(field, value)
        if type_ == "g":
            return str(value).encode()
        if type_ == "y":
            return bytes(value)
        return struct.pack(_NUMBERS[type_], value)
    except (TypeError, struct.error, InvalidOperation) as error:
        raise Unfit(f"{value!r} is no value of {field.name} ({type_}): {error}") from error


def _units(value: str, count: int) -> bytes:
    """Exactly ``count`` characters, which are units of UTF-16."""
    raw = utf16(value)[: count * 2]
    return raw + utf16(" ") * (count - len(raw) // 2)


def _packed(field: Field, value: Any) -> bytes:
    number = int(Decimal(str(value)).scaleb(field.decimals).to_integral_value())
    figures = str(abs(number)).zfill(field.length * 2 - 1)
    if len(figures) > field.length * 2 - 1:
        raise Unfit(f"{value} is too large for {field.name}")
    return bytes.fromhex(figures + ("d" if number < 0 else "c"))


def decode(field: Field, raw: bytes) -> Any:
    """The value of bytes: text without the blanks at its end.

    Raises:
        Malformed: they are none of the type.
    """
    type_ = field.type
    if type_ not in DEEP and len(raw) != size(field):
        raise Malformed(f"{len(raw)} bytes for {field.name}, which has {size(field)}")
    try:
        if type_ == "g":
            return raw.decode()
        if type_ == "y":
            return raw
        if type_ in CHARACTERS:
            return text(raw).rstrip(" ")
        if type_ == "X":
            return raw
        if type_ == "P":
            figures = raw.hex()
            number = int(figures[:-1])
            return Decimal(-number if figures[-1] == "d" else number).scaleb(-field.decimals)
        return struct.unpack(_NUMBERS[type_], raw)[0]
    except (UnicodeDecodeError, ValueError) as error:
        raise Malformed(f"{field.name}: {error}") from error


class Layout:
    """Where the components of a structure lie."""

    def __init__(self, structure: Structure) -> None:
        self.name = structure.name
        self.fields: list[tuple[Field, int]] = []
        at, widest = 0, 1
        for field in structure.fields:
            if field.type not in TYPES:
                raise Unfit(f"{structure.name}-{field.name} has the type {field.type!r}")
            at += -at % alignment(field)
            self.fields.append((field, at))
            at += size(field)
            widest = max(widest, alignment(field))
        self.end = at
        self.size = at if self.name in _UNPADDED else at + -at % widest
        self.deep = any(field.type in DEEP for field in structure.fields)
        self._names = {field.name for field in structure.fields}

    def encode(self, row: Mapping[str, Any]) -> bytes:
        """The bytes of a structure; components that are not named are initial.

        Raises:
            Unfit: a component is none of it or has a wrong value, or there are strings in it.
        """
        if self.deep:
            raise Unfit(f"{self.name} has strings in it, which the classic form of a structure has no room for")
        if not isinstance(row, Mapping) or not row.keys() <= self._names:
            raise Unfit(f"{row!r} is no {self.name}")
        raw = bytearray(self.size)
        for field, at in self.fields:
            raw[at : at + size(field)] = encode(field, row.get(field.name))
        return bytes(raw)

    def decode(self, raw: bytes) -> dict[str, Any]:
        """The components of bytes.

        Raises:
            Malformed: they are no such structure.
        """
        if not self.end <= len(raw) <= self.size:  # saprfclib leaves out the gap at the end
            raise Malformed(f"{len(raw)} bytes for a {self.name}, which has {self.size}")
        return {field.name: decode(field, raw[at : at + size(field)]) for field, at in self.fields}


@cache
def layout(structure: Structure) -> Layout:
    """The layout of a structure."""
    return Layout(structure)
