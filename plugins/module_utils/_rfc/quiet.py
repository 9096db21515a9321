# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a system has room for a job, who is logged on."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client

USER_TABLES = ("LIST", "USRLIST")  # sources differ about the name


def free_processes(doing: str, answer: Mapping[str, Any]) -> int:
    """How many background work processes are free, by the answer of BAPI_XBP_GET_CURR_BP_RESOURCES.

    :raises Failed: it does not tell (reason ``malformed``).
    """
    found = [str(row.get("BTCWPFREE") or "").strip() for row in answer.get("RESOURCE_INFO") or ()]
    if not found or not all(text.isdigit() for text in found):
        raise Failed(doing, f"BTCWPFREE is {found or 'not there'}", reason="malformed")
    return sum(int(text) for text in found)


def logged_on(client: Client, number: str, without: str) -> List[str]:
    """Who is logged on to a client on the application server that answers, one user left out.

    :raises Failed: the answer has another form than is known (reason ``users_unreadable``).
    """
    doing = f"read who is logged on to client {number}"
    answer: Dict[str, Any] = client.ask(doing, "TH_USER_LIST")
    tables = [answer[name] for name in USER_TABLES if name in answer]
    rows = [row for table in tables for row in table]
    if not tables or any("MANDT" not in row or "BNAME" not in row for row in rows):
        raise Failed(
            doing,
            "TH_USER_LIST answers in a form that is not known",
            reason="users_unreadable",
            cure="logged_on: ignore does not ask",
        )
    found = {str(row["BNAME"]).strip() for row in rows if str(row["MANDT"]).strip() == number}
    return sorted(found - {"", without.strip().upper()})


__all__ = ("free_processes", "logged_on")
