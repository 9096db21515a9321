# SPDX-License-Identifier: GPL-3.0-or-later
"""The function modules by which a client learns the interface of the others, answered from the catalogue.

Parameters come from RFC_GET_FUNCTION_INTERFACE, structures from DDIF_FIELDINFO_GET, the rows of a table type from a
read of DD40L. Lengths are those of the layouts by which values are really read. The columns of DFIES, RFC_FUNINT are
those that erpl-pyrfc, saprfclib expect; texts about fields are not kept, so all are empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.simulator.abap.catalogue import Catalogue, Field, Function, Parameter, Structure
from tests.simulator.abap.errors import AbapException, NotFound

from .values import digits, layout, size

_SOURCE = "what clients ask for before a call"
_KINDS = {
    "C": "CHAR",
    "N": "NUMC",
    "D": "DATS",
    "T": "TIMS",
    "I": "INT4",
    "s": "INT2",
    "b": "INT1",
    "8": "INT8",
    "P": "DEC",
    "X": "RAW",
    "F": "FLTP",
    "g": "STRG",
    "y": "RSTR",
}


def _structure(name: str, columns: str) -> Structure:
    """From ``NAME:type:length``."""
    fields = []
    for column in columns.split():
        title, type_, length = (*column.split(":"), "0")[:3]
        fields.append(Field(title, type_, int(length)))
    return Structure(name, tuple(fields), _SOURCE, "M")


_FUNINT = _structure(
    "RFC_FUNINT",
    "PARAMCLASS:C:1 PARAMETER:C:30 TABNAME:C:30 FIELDNAME:C:30 EXID:C:1 POSITION:I OFFSET:I INTLENGTH:I DECIMALS:I "
    "DEFAULT:C:21 PARAMTEXT:C:79 OPTIONAL:C:1",
)
_DFIES = _structure(
    "DFIES",
    "TABNAME:C:30 FIELDNAME:C:30 LANGU:C:1 POSITION:N:4 OFFSET:N:6 DOMNAME:C:30 ROLLNAME:C:30 CHECKTABLE:C:30 LENG:N:6 "
    "INTLEN:N:6 OUTPUTLEN:N:6 DECIMALS:N:6 DATATYPE:C:4 INTTYPE:C:1 REFTABLE:C:30 REFFIELD:C:30 PRECFIELD:C:30 "
    "AUTHORID:C:3 MEMORYID:C:20 LOGFLAG:C:1 MASK:C:20 MASKLEN:N:4 CONVEXIT:C:5 HEADLEN:N:2 SCRLEN1:N:2 SCRLEN2:N:2 "
    "SCRLEN3:N:2 FIELDTEXT:C:60 REPTEXT:C:55 SCRTEXT_S:C:10 SCRTEXT_M:C:20 SCRTEXT_L:C:40 KEYFLAG:C:1 LOWERCASE:C:1 "
    "MAC:C:1 GENKEY:C:1 NOFORKEY:C:1 VALEXI:C:1 NOAUTHCH:C:1 SIGN:C:1 DYNPFLD:C:1 F4AVAILABL:C:1 COMPTYPE:C:1 "
    "LFIELDNAME:C:132 LTRFLDDIS:C:1 BIDICTRLC:C:1 OUTPUTSTYLE:N:2 NOHISTORY:C:1 AMPMFORMAT:C:1",
)
_ROW_WIDTH = 512


def _nothing(_session: Any, **_imports: Any) -> dict[str, Any]:
    return {}


def _function(name: str, *parameters: Parameter) -> Function:
    return Function(name, parameters, _nothing, _SOURCE, "M")


def _text(kind: str, name: str, length: int, *, optional: bool = False) -> Parameter:
    return Parameter(kind, name, Field(name, "C", length), optional)


def _own() -> Catalogue:
    """What is answered here; the system's own catalogue goes first for RFC_READ_TABLE and the pings."""
    whole = Field("", "I")
    catalogue = Catalogue()
    catalogue.add(
        _FUNINT,
        _DFIES,
        _structure("TAB512", f"WA:C:{_ROW_WIDTH}"),
        _structure("RFC_DB_OPT", "TEXT:C:72"),
        _structure("RFC_DB_FLD", "FIELDNAME:C:30 OFFSET:N:6 LENGTH:N:6 TYPE:C:1 FIELDTEXT:C:60"),
        _function("RFCPING"),
        _function("RFC_PING"),
        _function(
            "RFC_GET_FUNCTION_INTERFACE",
            _text("I", "FUNCNAME", 30),
            _text("I", "LANGUAGE", 1, optional=True),
            _text("I", "NONE_UNICODE_LENGTH", 1, optional=True),
            _text("E", "REMOTE_BASXML_SUPPORTED", 1),
            _text("E", "REMOTE_CALL", 1),
            _text("E", "UPDATE_TASK", 1),
            Parameter("T", "PARAMS", "RFC_FUNINT"),
            Parameter("T", "RESUMABLE_EXCEPTIONS", "RFC_FUNINT", optional=True),
        ),
        _function(
            "DDIF_FIELDINFO_GET",
            _text("I", "TABNAME", 30),
            _text("I", "FIELDNAME", 30, optional=True),
            _text("I", "LANGU", 1, optional=True),
            _text("I", "LFIELDNAME", 132, optional=True),
            _text("I", "ALL_TYPES", 1, optional=True),
            _text("I", "GROUP_NAMES", 1, optional=True),
            _text("E", "DDOBJTYPE", 8),
            Parameter("T", "DFIES_TAB", "DFIES", optional=True),
        ),
        _function(
            "RFC_READ_TABLE",
            _text("I", "QUERY_TABLE", 30),
            _text("I", "DELIMITER", 1, optional=True),
            _text("I", "NO_DATA", 1, optional=True),
            Parameter("I", "ROWSKIPS", whole, optional=True),
            Parameter("I", "ROWCOUNT", whole, optional=True),
            _text("I", "GET_SORTED", 1, optional=True),
            Parameter("T", "OPTIONS", "RFC_DB_OPT"),
            Parameter("T", "FIELDS", "RFC_DB_FLD"),
            Parameter("T", "DATA", "TAB512"),
        ),
    )
    return catalogue


OWN = _own()
_ALWAYS_OWN = frozenset(("RFCPING", "RFC_GET_FUNCTION_INTERFACE", "DDIF_FIELDINFO_GET"))


class Metadata:
    """What a system says about its function modules."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._system = catalogue

    def find(self, name: str) -> tuple[Function, Catalogue]:
        """A function module with the catalogue that its types are in.

        Raises:
            NotFound: there is none.
        """
        for catalogue in (OWN, self._system) if name in _ALWAYS_OWN else (self._system, OWN):
            if name in catalogue.functions:
                return catalogue.functions[name], catalogue
        raise NotFound(name)

    def owns(self, function: Function, arguments: Mapping[str, Any]) -> bool:
        """Whether a call is answered here, without the system."""
        if function.name == "RFC_READ_TABLE" and arguments.get("QUERY_TABLE") == "DD40L":
            return True
        return OWN.functions.get(function.name) is function

    def answer(self, function: Function, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs of such a call.

        Raises:
            AbapException: what is asked about does not exist.
        """
        if function.name == "RFC_GET_FUNCTION_INTERFACE":
            return self._interface(str(arguments["FUNCNAME"]).upper())
        if function.name == "DDIF_FIELDINFO_GET":
            return self._type(str(arguments["TABNAME"]).upper(), str(arguments.get("FIELDNAME", "")).upper())
        if function.name == "RFC_READ_TABLE":
            return self._row_type(arguments)
        return {}

    def _interface(self, name: str) -> dict[str, Any]:
        try:
            function, catalogue = self.find(name)
        except NotFound:
            said = f"Function module {name} does not exist"
            raise AbapException("FU_NOT_FOUND", said, ("FL", "E", "046", name)) from None
        rows = [_parameter(catalogue, at, one) for at, one in enumerate(function.parameters, 1)]
        return {"REMOTE_BASXML_SUPPORTED": "", "REMOTE_CALL": "R", "UPDATE_TASK": "", "PARAMS": rows}

    def _type(self, name: str, field_name: str) -> dict[str, Any]:
        for catalogue in (self._system, OWN):
            try:
                structure = catalogue.row(name)
            except KeyError:
                continue
            kind = "TTYP" if name in catalogue.table_types else "INTTAB"
            return {"DDOBJTYPE": kind, "DFIES_TAB": _columns(structure, field_name)}
        raise AbapException("NOT_FOUND")

    def _row_type(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments.get("QUERY_TABLE") != "DD40L":
            raise AbapException("TABLE_NOT_AVAILABLE")
        where = " ".join(str(row.get("TEXT", "")) for row in arguments.get("OPTIONS", ()))
        asked = re.search(r"TYPENAME\s*(?:=|EQ)\s*'([^']*)'", where)
        kind = self._system.table_types.get(asked[1]) if asked else None
        if kind is None:
            return {"DATA": []}
        row = {"TYPENAME": kind.name, "ROWTYPE": kind.row, "ROWKIND": "S", "DATATYPE": "STRU"}
        columns = [str(one.get("FIELDNAME", "")) for one in arguments.get("FIELDS", ())]
        found = str(arguments.get("DELIMITER") or "").join(row.get(column, "") for column in columns)
        return {"DATA": [{"WA": found}]}


def _parameter(catalogue: Catalogue, position: int, parameter: Parameter) -> dict[str, Any]:
    type_ = parameter.type
    row = {
        "PARAMCLASS": parameter.kind,
        "PARAMETER": parameter.name,
        "POSITION": position,
        "OPTIONAL": "X" if parameter.optional else "",
    }
    if isinstance(type_, Field):
        return {**row, "EXID": type_.type, "INTLENGTH": size(type_), "DECIMALS": type_.decimals}
    form = layout(catalogue.row(type_))
    exid = "h" if type_ in catalogue.table_types else "v" if form.deep else "u"
    # Of a table type the length of a row, or clients cut the rows at the length of a reference.
    return {**row, "TABNAME": type_, "EXID": exid, "INTLENGTH": form.size}


def _columns(structure: Structure, only: str) -> list[dict[str, Any]]:
    return [
        {
            "TABNAME": structure.name,
            "FIELDNAME": field.name,
            "LFIELDNAME": field.name,
            "LANGU": "E",
            "POSITION": at,
            "OFFSET": offset,
            "LENG": digits(field),
            "INTLEN": size(field),
            "OUTPUTLEN": digits(field),
            "DECIMALS": field.decimals,
            "DATATYPE": _KINDS[field.type],
            "INTTYPE": field.type,
            "COMPTYPE": "E",
        }
        for at, (field, offset) in enumerate(layout(structure).fields, 1)
        if only in ("", field.name)
    ]
