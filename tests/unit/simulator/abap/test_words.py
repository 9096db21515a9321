# SPDX-License-Identifier: GPL-3.0-or-later
"""How interfaces of function modules are written down."""

from __future__ import annotations

import pytest

from tests.simulator.abap.catalogue import Field, Parameter
from tests.simulator.abap.words import fields, flag, parameters, returned, text


def test_structures_and_parameters() -> None:
    assert fields("JOBNAME C32, ROW I, PRICE P8.2, DAY D") == (
        Field("JOBNAME", "C", 32),
        Field("ROW", "I"),
        Field("PRICE", "P", 8, 2),
        Field("DAY", "D", 8),
    )
    assert parameters("I A C3, I? B :BAPIRET2, T C :ROWS,") == (
        Parameter("I", "A", Field("A", "C", 3)),
        Parameter("I", "B", "BAPIRET2", True),
        Parameter("T", "C", "ROWS"),
    )


@pytest.mark.parametrize("wrong", ["A Q3", "A C3x", "A :ROWS"])
def test_no_types(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no type"):
        fields(wrong)


def test_values() -> None:
    assert (text(None), text("  A "), text(7)) == ("", "A", "7")
    assert (flag("X"), flag(" "), flag(None)) == (True, False, False)
    assert returned("E", "XM", "049", "gone", "A", "B")["MESSAGE_V2"] == "B"
