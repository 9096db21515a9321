# SPDX-License-Identifier: GPL-3.0-or-later
"""ABAP values as bytes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.abap.catalogue import Field
from tests.simulator.rfc.metadata import OWN
from tests.simulator.rfc.values import Layout, Unfit, decode, encode, layout
from tests.simulator.rfc.wire import Malformed
from tests.unit.simulator.rfc.stage import ALL, BAPIRET2, structure

VALUES: list[tuple[Field, Any, str]] = [
    (Field("A", "C", 3), "ä", "e40020002000"),
    (Field("A", "C", 2), "ab", "61006200"),
    (Field("A", "N", 3), "049", "300034003900"),
    (Field("A", "D"), "20261121", "32003000320036003100310032003100"),
    (Field("A", "T"), "235959", "320033003500390035003900"),
    (Field("A", "I"), -5, "fbffffff"),
    (Field("A", "s"), -2, "feff"),
    (Field("A", "b"), 255, "ff"),
    (Field("A", "8"), 2**40, "0000000000010000"),
    (Field("A", "F"), 1.5, "000000000000f83f"),
    (Field("A", "P", 3, 2), Decimal("-12.34"), "01234d"),
    (Field("A", "P", 2, 0), Decimal(7), "007c"),
    (Field("A", "X", 3), b"\x01\x02\x00", "010200"),
    (Field("A", "g"), "ä<", "c3a43c"),
    (Field("A", "y"), b"\x00\xff", "00ff"),
]


@pytest.mark.parametrize(("field", "value", "raw"), VALUES)
def test_there_and_back(field: Field, value: Any, raw: str) -> None:
    assert encode(field, value).hex() == raw
    assert decode(field, bytes.fromhex(raw)) == value


def test_as_abap_assigns() -> None:
    assert encode(Field("A", "C", 2), "abc") == b"a\x00b\x00"
    assert encode(Field("A", "C", 1), "😀") == "😀".encode("utf-16-le")[:2]
    assert encode(Field("A", "N", 3), 7) == encode(Field("A", "N", 3), "007")
    assert encode(Field("A", "N", 3), None) == encode(Field("A", "N", 3), "")
    assert encode(Field("A", "D"), "") == encode(Field("A", "D"), "00000000")
    assert encode(Field("A", "X", 2), b"\x01") == b"\x01\x00"
    assert encode(Field("A", "I"), None) == bytes(4)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field("A", "I"), 2**31),
        (Field("A", "I"), "x"),
        (Field("A", "b"), -1),
        (Field("A", "P", 2, 2), Decimal("12.34")),
        (Field("A", "P", 2, 2), "many"),
        (Field("A", "X", 2), "text"),
    ],
)
def test_values_that_do_not_fit(field: Field, value: Any) -> None:
    with pytest.raises(Unfit):
        encode(field, value)


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        (Field("A", "C", 2), b"a\x00"),
        (Field("A", "I"), b"\x00"),
        (Field("A", "P", 1, 0), b"\xfa"),
        (Field("A", "g"), b"\xff\xff"),
    ],
)
def test_bytes_that_are_no_value(field: Field, raw: bytes) -> None:
    with pytest.raises(Malformed):
        decode(field, raw)


def test_gaps_of_a_structure() -> None:
    components = Field("C", "C", 1), Field("I", "I"), Field("B", "b"), Field("F", "F"), Field("X", "X", 1)
    form = Layout(structure("A", *components))
    assert [at for _field, at in form.fields] == [0, 4, 8, 16, 24]
    assert form.size == 32
    assert layout(ALL).size == 88
    # As the published layouts have it.
    assert layout(BAPIRET2).size == 1088
    assert layout(OWN.structures["RFC_FUNINT"]).size == 402
    assert layout(OWN.structures["DFIES"]).size == 1350


def test_a_structure_there_and_back() -> None:
    row = {"C5": "abc", "N4": "0012", "D": "20261121", "T": "235959", "I4": -5, "I2": -2, "I1": 255}
    row |= {"I8": -(2**50), "FL": 3.5, "P52": Decimal("-99.99"), "RAW4": b"\x01\x02\x03\x04"}
    raw = layout(ALL).encode(row)
    assert len(raw) == 88
    for end in (81, 85, 88):
        assert layout(ALL).decode(raw[:end]) == row


def test_what_is_no_such_structure() -> None:
    with pytest.raises(Unfit, match="NOPE"):
        layout(ALL).encode({"NOPE": 1})
    with pytest.raises(Unfit):
        layout(ALL).encode("text")
    with pytest.raises(Unfit, match="strings"):
        Layout(structure("A", Field("G", "g"))).encode({})
    with pytest.raises(Unfit, match="type"):
        Layout(structure("A", Field("G", "?")))
    with pytest.raises(Malformed):
        layout(ALL).decode(bytes(80))
