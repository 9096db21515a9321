# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client learns about function modules before it calls them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.abap.errors import AbapException, NotFound
from tests.simulator.rfc.call import complete
from tests.simulator.rfc.metadata import OWN, Metadata
from tests.unit.simulator.rfc.stage import small


def ask(name: str, **given: Any) -> dict[str, Any]:
    metadata = Metadata(small())
    function, catalogue = metadata.find(name)
    arguments = complete(catalogue, function, given)
    assert metadata.owns(function, arguments)
    return metadata.answer(function, arguments)


def test_nothing_is_missing() -> None:
    assert list(OWN.missing()) == list(small().missing()) == []


def test_parameters() -> None:
    answer = ask("RFC_GET_FUNCTION_INTERFACE", FUNCNAME="Z_STATUS")
    rows = {row["PARAMETER"]: row for row in answer["PARAMS"]}
    assert answer["REMOTE_BASXML_SUPPORTED"] == ""
    assert list(rows) == ["JOBNAME", "JOBCOUNT", "STATUS", "RETURN"]
    assert rows["JOBNAME"] == {
        "PARAMCLASS": "I",
        "PARAMETER": "JOBNAME",
        "POSITION": 1,
        "OPTIONAL": "",
        "EXID": "C",
        "INTLENGTH": 64,
        "DECIMALS": 0,
    }
    assert (rows["RETURN"]["TABNAME"], rows["RETURN"]["EXID"], rows["RETURN"]["INTLENGTH"]) == ("BAPIRET2", "u", 1088)


def test_a_table_type_has_the_length_of_its_rows() -> None:
    rows = ask("RFC_GET_FUNCTION_INTERFACE", FUNCNAME="Z_ROWS")["PARAMS"]
    assert [(row["EXID"], row["TABNAME"], row["INTLENGTH"]) for row in rows] == [("h", "ZPAIRS", 44)] * 2


def test_components() -> None:
    answer = ask("DDIF_FIELDINFO_GET", TABNAME="ZALL", ALL_TYPES="X")
    assert answer["DDOBJTYPE"] == "INTTAB"
    rows = {row["FIELDNAME"]: row for row in answer["DFIES_TAB"]}
    assert (rows["P52"]["OFFSET"], rows["P52"]["INTLEN"], rows["P52"]["LENG"], rows["P52"]["DECIMALS"]) == (72, 5, 9, 2)
    assert (rows["C5"]["DATATYPE"], rows["C5"]["LENG"], rows["C5"]["INTLEN"]) == ("CHAR", 5, 10)
    only = ask("DDIF_FIELDINFO_GET", TABNAME="ZALL", FIELDNAME="I8")["DFIES_TAB"]
    assert [row["DATATYPE"] for row in only] == ["INT8"]


def test_rows_of_a_table_type() -> None:
    assert ask("DDIF_FIELDINFO_GET", TABNAME="ZPAIRS")["DDOBJTYPE"] == "TTYP"
    fields = [{"FIELDNAME": name} for name in ("TYPENAME", "ROWTYPE", "ROWKIND")]
    for where in ("TYPENAME = 'ZPAIRS'", "TYPENAME EQ 'ZPAIRS' "):
        answer = ask("RFC_READ_TABLE", QUERY_TABLE="DD40L", DELIMITER="|", FIELDS=fields, OPTIONS=[{"TEXT": where}])
        assert answer == {"DATA": [{"WA": "ZPAIRS|ZPAIR|S"}]}
    assert ask("RFC_READ_TABLE", QUERY_TABLE="DD40L", OPTIONS=[{"TEXT": "TYPENAME = 'NONE'"}]) == {"DATA": []}


def test_what_is_not_there() -> None:
    with pytest.raises(AbapException) as refusal:
        ask("RFC_GET_FUNCTION_INTERFACE", FUNCNAME="Z_NONE")
    assert (refusal.value.key, refusal.value.message) == ("FU_NOT_FOUND", ("FL", "E", "046", "Z_NONE"))
    with pytest.raises(AbapException, match="NOT_FOUND"):
        ask("DDIF_FIELDINFO_GET", TABNAME="ZNONE")
    with pytest.raises(NotFound):
        Metadata(small()).find("Z_NONE")


def test_the_system_answers_the_rest() -> None:
    metadata = Metadata(small())
    function, _catalogue = metadata.find("RFC_READ_TABLE")
    assert not metadata.owns(function, {"QUERY_TABLE": "T000"})
    function, _catalogue = metadata.find("STFC_CONNECTION")
    assert not metadata.owns(function, {})
