# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reports a simulated ABAP system has.

BTCTRNS1 and BTCTRNS2 behave as facts 4.2 says: released jobs of all clients become suspended, then released again;
what runs is not touched; what is made in between is not suspended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import copies, logical, task_lists
from .reports import Report, Run, Selection

if TYPE_CHECKING:
    from .system import AbapSystem


def suspend(run: Run) -> None:
    """BTCTRNS1."""
    count = run.system.jobs.suspend()
    run.say(f"{count} released jobs were suspended")


def resume(run: Run) -> None:
    """BTCTRNS2."""
    count = run.system.jobs.resume()
    run.say(f"{count} suspended jobs were released")


def _purge(table: str) -> Callable[[Run], None]:
    """A report that empties a table for its client."""

    def act(run: Run) -> None:
        rows = run.system.kept.setdefault(table, [])
        kept = [row for row in rows if row.get("MANDT", run.client) != run.client]
        run.say(f"{len(rows) - len(kept)} entries were deleted")
        rows[:] = kept

    return act


# Facts 4.6: what empties the queues after a copy. Their selections are not looked at.
PURGES = {"RSTRFCQD": "TRFCQOUT", "RSTRFCID": "TRFCQIN", "RSARFCDL": "ARFCSSTATE"}
# Reports that do nothing but take their time; facts 4.6 and 4.7 name the second half.
PLAIN = (
    "RSUSR000",
    "RSCOLL00",
    "RSBTCDEL2",
    "RSPO1041",
    "RSSNAPDL",
    "RSXMILOGREORG",
    "RSAL_BATCH_TOOL_DISPATCHING",
    "SAPRSLOG",
    "SAPF150S2",
    "RMMRP000",
    "SDBILLDL",
    "RSWWDHEX",
    "RSPARAM",
    "RSPO1043",
    "RSPOXDEV",
    "CSM_TAB_CLEAN",
    "RSLXCOP",
)


def reports(system: AbapSystem) -> dict[str, Report]:
    """The reports of a system: those known here, then those that the landscape file adds or changes."""
    every = [
        *logical.reports(system),
        *task_lists.reports(system),
        *copies.reports(system),
        Report("BTCTRNS1", suspend, 5.0),
        Report("BTCTRNS2", resume, 5.0),
        *(Report(name) for name in PLAIN),
        *(Report(name, _purge(table), 5.0) for name, table in PURGES.items()),
    ]
    found = {report.name: report for report in every}
    for name, given in system.options.reports.items():
        known = {"seconds", "log", "spool", "ends", "idle", "variants", "selections"}
        unknown = sorted(set(given) - known)
        if unknown:
            raise ValueError(f"system {system.name}: report {name} knows no {unknown[0]}; known are {sorted(known)}")
        old = found.get(name.upper()) or Report(name.upper())
        found[name.upper()] = Report(
            name.upper(),
            None if given.get("idle") else old.act,
            given.get("seconds", old.seconds),
            tuple(Selection(**row) for row in given["selections"]) if "selections" in given else old.selections,
            tuple(given.get("log", old.log)),
            tuple(given.get("spool", old.spool)),
            given.get("ends", old.ends),
            old.begin,
        )
        for variant, rows in (given.get("variants") or {}).items():
            for client in system.clients:
                system.variants.save(client, name, variant, rows)
    return found
