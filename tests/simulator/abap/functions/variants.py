# SPDX-License-Identifier: GPL-3.0-or-later
"""Function modules about the variants of reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tests.simulator.abap.catalogue import Function, Structure
from tests.simulator.abap.errors import AbapException
from tests.simulator.abap.words import fields, parameters, text

if TYPE_CHECKING:
    from tests.simulator.abap.engine import Session

STRUCTURES = (
    Structure(
        "RSPARAMSL",
        fields("SELNAME C8, KIND C1, SIGN C1, OPTION C2, LOW C255, HIGH C255"),
        "facts 4.5 MRA for the fields, lengths from memory",
        "S1",
    ),
    Structure(
        "VARID_DESC",
        fields("MANDT C3, REPORT C40, VARIANT C14, ENVIRONMNT C1, PROTECTED C1, ENAME C12"),
        "facts 4.5 MRA for the parameter; the name and fields from memory",
        "M",
    ),
    Structure("VARIT", fields("MANDT C3, LANGU C1, REPORT C40, VARIANT C14, VTEXT C30"), "facts 4.5; from memory", "M"),
)


def _known(session: Session, report: Any, variant: Any, *, there: bool) -> tuple[str, str]:
    name, which = text(report).upper(), text(variant).upper()
    if not session.allowed("S_PROGRAM"):
        raise AbapException("NOT_AUTHORIZED", f"No authorization for the variants of {name}")
    if session.system.jobs.report(name) is None:
        raise AbapException("REPORT_NOT_EXISTENT", f"Report {name} does not exist")
    if session.system.variants.has(session.client, name, which) is not there:
        if there:
            raise AbapException("VARIANT_NOT_EXISTENT", f"Variant {which} does not exist")
        raise AbapException("VARIANT_EXISTS", f"Variant {which} exists already")
    return name, which


def create(
    session: Session,
    CURR_REPORT: str = "",
    CURR_VARIANT: str = "",
    VARI_CONTENTS: Iterable[dict[str, Any]] = (),
    **_more: Any,
) -> dict[str, Any]:
    """RS_CREATE_VARIANT_RFC: a new one."""
    name, variant = _known(session, CURR_REPORT, CURR_VARIANT, there=False)
    session.system.variants.save(session.client, name, variant, VARI_CONTENTS)
    return {"RC": 0}


def change(
    session: Session,
    CURR_REPORT: str = "",
    CURR_VARIANT: str = "",
    VARI_CONTENTS: Iterable[dict[str, Any]] = (),
    **_more: Any,
) -> dict[str, Any]:
    """RS_CHANGE_CREATED_VARIANT_RFC: an existing one."""
    name, variant = _known(session, CURR_REPORT, CURR_VARIANT, there=True)
    session.system.variants.save(session.client, name, variant, VARI_CONTENTS)
    return {"RC": 0}


def contents(session: Session, REPORT: str = "", VARIANT: str = "", **_more: Any) -> dict[str, Any]:
    """RS_VARIANT_CONTENTS_RFC."""
    name, variant = _known(session, REPORT, VARIANT, there=True)
    return {"VALUTAB": session.system.variants.rows(session.client, name, variant)}


def delete(session: Session, REPORT: str = "", VARIANT: str = "", **_more: Any) -> dict[str, Any]:
    """RS_VARIANT_DELETE_RFC."""
    name, variant = _known(session, REPORT, VARIANT, there=True)
    session.system.variants.delete(session.client, name, variant)
    return {}


WRITE = (
    "I CURR_REPORT C40, I CURR_VARIANT C14, I? VARI_DESC :VARID_DESC, E RC I, T VARI_CONTENTS :RSPARAMSL,"
    "T? VARI_TEXT :VARIT"
)
FUNCTIONS = (
    Function("RS_CREATE_VARIANT_RFC", parameters(WRITE), create, "facts 4.5 MRA; exceptions invented", "S1", True),
    Function("RS_CHANGE_CREATED_VARIANT_RFC", parameters(WRITE), change, "facts 4.8 LARS; as its sister", "S1", True),
    Function(
        "RS_VARIANT_CONTENTS_RFC",
        parameters("I REPORT C40, I VARIANT C14, T VALUTAB :RSPARAMSL"),
        contents,
        "facts 4.5 MRA; exceptions invented",
        "S1",
        True,
    ),
    Function(
        "RS_VARIANT_DELETE_RFC",
        parameters("I REPORT C40, I VARIANT C14"),
        delete,
        "facts 4.5 MRA; exceptions invented",
        "S1",
        True,
    ),
)
