# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that belong to a system and not to its data, which a refresh would replace.

Their names are those of a published control file (facts 4.7) with a few more from there. Nobody here knows their
columns: every table has a name with a value, those of partner profiles a client as well, which is invented, as are the
rows of a new system. RFCDES, T000, TBTCO, TBTCP stand in ``tables.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import Row, Table, keeping

if TYPE_CHECKING:
    from .system import AbapSystem

NAMES = (
    "RFCATTRIB RFCCHECK RFCDOC RFCSYSACL RSLOGSYSDEST RFCTRUST RFCDESSECU RFCGO RFCTA RFCCMC RFCTYPE RFCSTXTAB "
    "RSECTAB RSECACTAB RSECACHK RSECACTB SRT_SECSTORE_LNK RZLLITAB "
    "TMSQWLF TMSQNOTES TMSQNOTESH TMSQWLH TMSQWLFH TMSQWL TMSQLASTWL "
    "TBTCA TBTCB TBTCCNTXT TBTCCTXTT TBTCCTXTTP TBTCI TBTCJSTEP TBTCR TBTCS "
    "SAPLIKEY TWPSSO2ACL TWPSSO2APL SSF_PSE_H SSF_PSE_D "
    "COMM_IPC_URL HTTPURLLOC CREP_HTTP QSENDDEST QIWKTAB QRFCEVENT USER_DIR SSM_CUST "
    "SXPGCOSTAB TPFET TSP03 BTCCTL"
)
CROSS_CLIENT = NAMES.split()
PARTNERS = "EDP12 EDP13 EDP21 EDPI1 EDPO1 EDPO3 EDPP1 EDIPOA EDIPHONE EDIPORT EDMA EDMAT EDMMS EDPAR EDPPV EDPVW EDIPOD"
BY_CLIENT = PARTNERS.split()
EMPTY = frozenset({"RFCTA", "RSECACHK", "TBTCR", "EDIPHONE", "QRFCEVENT"})


def tables() -> list[Table]:
    """The tables."""
    return [keeping(name, "NAME C32, VALUE C120") for name in CROSS_CLIENT] + [
        keeping(name, "MANDT C3, NAME C32, VALUE C120", "MANDT") for name in BY_CLIENT
    ]


def rows(system: AbapSystem) -> dict[str, list[Row]]:
    """What a new system has in them: its own values."""
    clients = [client for client in system.clients if client != "000"]
    found: dict[str, list[Row]] = {
        name: [{"NAME": f"{name}_{number}", "VALUE": f"{system.sid} {number}"} for number in (1, 2)]
        for name in CROSS_CLIENT
    }
    for name in BY_CLIENT:
        found[name] = [
            {"MANDT": client, "NAME": f"{name}_1", "VALUE": f"{system.sid} client {client}"} for client in clients
        ]
    return {name: [] if name in EMPTY else one for name, one in found.items()}
