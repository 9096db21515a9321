# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients of a system (T000), its logical systems (TBDLS)."""

from __future__ import annotations

from typing import Dict, Iterable, List, NamedTuple, Set

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tables import PAGE, literal

PRODUCTION = "P"


class ClientRow(NamedTuple):
    """A row of T000: number, category (P is production), logical system, lock against being overwritten."""

    number: str
    category: str
    logical_system: str
    copy_lock: str = ""


def clients(client: Client, copy_lock: bool = False) -> Dict[str, ClientRow]:
    """All clients by number; ``copy_lock`` reads CCCOPYLOCK, too."""
    fields = ["MANDT", "CCCATEGORY", "LOGSYS"] + (["CCCOPYLOCK"] if copy_lock else [])
    rows = client.rows("T000", fields)
    found = [ClientRow(row["MANDT"], row["CCCATEGORY"], row["LOGSYS"], row.get("CCCOPYLOCK", "")) for row in rows]
    return {row.number: row for row in found}


def one(doing: str, rows: Dict[str, ClientRow], number: str) -> ClientRow:
    """A client that has to be there.

    :raises Failed: it is not (reason ``no_client``).
    """
    if number not in rows:
        raise Failed(doing, f"T000 has no client {number}; it has {', '.join(sorted(rows))}", reason="no_client")
    return rows[number]


def refuse_production(doing: str, row: ClientRow, allowed: Iterable[str]) -> None:
    """Keep away from a production client that nobody named.

    :raises Denied: it is one.
    """
    if row.category == PRODUCTION and row.number not in list(allowed):
        raise Denied(
            doing,
            f"client {row.number} is a production client (T000-CCCATEGORY = {PRODUCTION})",
            reason="production_client",
            cure="Nothing was started. If it is meant all the same, name the client in production_clients",
        )


def defined(client: Client, names: Iterable[str]) -> Set[str]:
    """Those of the names that TBDLS has."""
    found: List[str] = []
    for name in names:
        found += [row["LOGSYS"] for row in client.rows("TBDLS", ["LOGSYS"], f"LOGSYS = {literal(name)}", most=1)]
    return set(found)


def count(client: Client, table: str, field: str, value: str) -> int:
    """How many rows of a table, of the client that is logged on to, have a value in a field; memory does not grow.

    :raises Failed: the system gives the same rows again, whatever is skipped (reason ``malformed``).
    """
    found = 0
    for _row in client.rows(table, [field], f"{field} = {literal(value)}"):
        found += 1
        if found == PAGE:
            # More pages may come. Their rows are all alike and the key of the table is not known, so T000 shows once
            # whether rows are skipped when that is asked; it would go on for ever otherwise.
            list(client.rows("T000", ["MANDT"], key=["MANDT"], page=1, most=2))
    return found


__all__ = ("PRODUCTION", "ClientRow", "clients", "count", "defined", "one", "refuse_production")
