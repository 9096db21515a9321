# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables an ABAP system keeps over a refresh, by what they are for.

A group is *confirmed* when its tables stand in a published control file that is in use for refreshes. The others are
from memory, some of them in one published script besides: they are never taken unasked. Tables differ between releases,
so a name that is not in a system is to be expected.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput

_NAME = re.compile(r"(?:/[A-Z0-9_]{1,10}/)?[A-Z][A-Z0-9_]{0,29}")


class Group(NamedTuple):
    """Tables that belong together."""

    tables: Tuple[str, ...]
    confirmed: bool


def _confirmed(*lines: str) -> Group:
    return Group(tuple(" ".join(lines).split()), True)


def _remembered(*lines: str) -> Group:
    return Group(tuple(" ".join(lines).split()), False)


GROUPS: Dict[str, Group] = {
    # RFC destinations, trust between systems
    "rfc": _confirmed(
        "RFCATTRIB RFCDES RFCCHECK RFCDOC RFCSYSACL RSLOGSYSDEST RFCTRUST RFCDESSECU RFCGO RFCTA RFCCMC RFCTYPE",
        "RFCSTXTAB",
    ),
    "secure_store": _confirmed("RSECTAB RSECACTAB RSECACHK RSECACTB SRT_SECSTORE_LNK"),
    "logon_groups": _confirmed("RZLLITAB"),
    # worklists of transports
    "tms": _confirmed("TMSQWLF TMSQNOTES TMSQNOTESH TMSQWLH TMSQWLFH TMSQWL TMSQLASTWL"),
    # partner profiles, ports
    "ale_edi": _confirmed(
        "EDP12 EDP13 EDP21 EDPI1 EDPO1 EDPO3 EDPP1 EDIPOA EDIPHONE EDIPORT EDMA EDMAT EDMMS EDPAR EDPPV EDPVW EDIPOD"
    ),
    # background jobs of all clients
    "jobs": _confirmed("TBTCA TBTCB TBTCCNTXT TBTCCTXTT TBTCCTXTTP TBTCI TBTCJSTEP TBTCO TBTCP TBTCR TBTCS"),
    "licence": _confirmed("SAPLIKEY"),
    # logon tickets, files of PSEs
    "sso_pse": _confirmed("TWPSSO2ACL TWPSSO2APL SSF_PSE_H SSF_PSE_D"),
    "others": _confirmed("COMM_IPC_URL HTTPURLLOC CREP_HTTP QSENDDEST QIWKTAB QRFCEVENT USER_DIR SSM_CUST"),
    # A client copy with the profile SAP_USER is the better way.
    "users": _remembered(
        "USR01 USR02 USR03 USR04 USR05 USR06 USR10 USR11 USR12 USR13 USR21 USREFUS UST04 UST10C UST10S UST12",
        "USH02 USH04 USH10 USH12",
        "AGR_DEFINE AGR_USERS AGR_PROF AGR_TEXTS AGR_1250 AGR_1251 AGR_1252 AGR_AGRS AGR_FLAGS AGR_HIER",
    ),
    "clients": _remembered("T000 TBDLS TBDLST"),
    # transport domain, the next number of a request
    "transport": _remembered("TMSCSYS TMSCDOM TMSCNFS TMSPCONF E070L TCESYST"),
    "operation_modes": _remembered("TPFBA TPFID TPFYPROPTY TPFET"),
    "profiles": _remembered("TPFHT"),
    "spool_devices": _remembered("TSP03 TSP03A TSP03C TSP03D TSP03L"),
    "sapconnect": _remembered("SXNODES SXROUTE SXSERV"),
    # services of the ICF
    "services": _remembered("ICFSERVLOC"),
    # control of background processing
    "background": _remembered("BTCCTL"),
    "archive_links": _remembered("TOAAR TOAAT TOAOM"),
    # These two are in one published script.
    "external_commands": _remembered("SXPGCOSTAB"),
    "certificates": _remembered("SNCSYSACL SSF_PSE_T STRUSTCERT STRUSTCAB USRACL USRACLEXT"),
    "queues": _remembered("QREFTID"),
}
DEFAULT: Tuple[str, ...] = tuple(name for name, group in GROUPS.items() if group.confirmed)
# Their rows are encrypted with the system's own key.
ENCRYPTED: Tuple[str, ...] = ("RFCDESSECU", "RSECTAB")


class Table(NamedTuple):
    """A table, or its rows that a condition selects."""

    name: str
    where: str = ""


def table_name(text: str, option: str) -> str:
    """The name of a table in capital letters.

    :raises BadInput: it is none.
    """
    name = text.strip().upper()
    if not _NAME.fullmatch(name):
        raise BadInput(f"read the option {option}", f"{text!r} is no name of a table")
    return name


def condition(text: Optional[str], option: str) -> str:
    """A condition of one line, without the word ``where``.

    :raises BadInput: it is empty, has more lines, or a quote that does not end.
    """
    if text is None:
        return ""
    found = text.strip()
    why = ""
    if not found or found.upper().split()[0] == "WHERE":
        why = "it is written without the word where, and is not empty"
    elif len(found.splitlines()) != 1:
        why = "it must be one line"
    elif found.count("'") % 2:
        why = "a quote does not end"
    if why:
        raise BadInput(f"read the option {option}", f"{text!r} is no condition: {why}")
    return found


def selection(names: Sequence[str], more: Sequence[Mapping[str, Optional[str]]], exclude: Sequence[str]) -> List[Table]:
    """The tables of some groups and some more, each once, in the order of their names; those excluded are left out.

    :raises BadInput: a group or table is unknown, named twice, excluded without being there, or nothing is left.
    """
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        raise BadInput(
            "read the option groups", "there is no {}; there are {}".format(", ".join(unknown), ", ".join(GROUPS))
        )
    found = {table: Table(table) for name in names for table in GROUPS[name].tables}
    own: Dict[str, Table] = {}
    for row in more:
        name = table_name(row["name"] or "", "tables")
        if name in own:
            raise BadInput("read the option tables", f"{name} is there twice")
        own[name] = Table(name, condition(row.get("where"), "tables"))
    found.update(own)
    for text in exclude:
        name = table_name(text, "exclude")
        if name not in found:
            raise BadInput("read the option exclude", f"{name} is not among the tables that are selected")
        if name in own:
            raise BadInput("read the option exclude", f"{name} is in the option tables, too")
        del found[name]
    if not found:
        raise BadInput("read the options groups and tables", "no table is selected")
    return [found[name] for name in sorted(found)]


__all__ = ("DEFAULT", "ENCRYPTED", "GROUPS", "Group", "Table", "condition", "selection", "table_name")
