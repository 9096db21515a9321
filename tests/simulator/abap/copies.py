# SPDX-License-Identifier: GPL-3.0-or-later
"""Client copies: what a copy inside a system changes, when it is refused.

No function module for it could be confirmed (facts 4.5), so it is a step of the task list SAP_BASIS_CLIENT_COPY here;
both that name and the report RSCCLCOP of the same effect are invented. Profiles: SAP_ALL all but change documents,
SAP_USER only users, SAP_CUST customizing, all from memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .reports import Report, Run, Selection

if TYPE_CHECKING:
    from .system import AbapSystem

PROFILES = frozenset({"SAP_ALL", "SAP_APPL", "SAP_CUST", "SAP_CUSV", "SAP_UAPP", "SAP_UCUS", "SAP_UCSV", "SAP_USER"})
WITH_USERS = frozenset({"SAP_ALL", "SAP_USER", "SAP_UAPP", "SAP_UCUS", "SAP_UCSV"})


def copy(system: AbapSystem, source: str, target: str, profile: str) -> str:
    """Copy a client onto another one; returns why not, or nothing."""
    for client in (source, target):
        if client not in system.clients:
            return f"Client {client or '?'} does not exist in table T000"
    if source == target:
        return f"Source and target client are the same ({source})"
    if target == "000":
        return "Client 000 must not be overwritten"
    if profile not in PROFILES:
        return f"Copy profile {profile or '?'} does not exist"
    row = system.clients[target]
    if row.get("CCCATEGORY") == "P" or row.get("CCCOPYLOCK"):
        return f"Client {target} is protected against overwriting"
    if profile in WITH_USERS:
        for user in system.users.of(target):
            system.users.remove(target, user.name)
        for user in system.users.of(source):
            system.users.add(replace(user, client=target, flag=user.flag, wrong=0))
    if profile == "SAP_ALL":
        counts = system.logical.counts.get(source, {})
        system.logical.counts[target] = {name: rows.copy() for name, rows in counts.items()}
    rows = system.kept.setdefault("CCCFLOW", [])
    day, time = system.stamp()
    rows.append(
        {"MANDT": target, "SRCMANDT": source, "COPYPROF": profile, "STARTDATE": day, "STARTTIME": time, "STATUS": "F"}
    )
    system.effect("client_copied", client=target, detail=f"{source} -> {target} {profile}")
    return ""


def act(run: Run) -> None:
    """The report."""
    source, target, profile = (str(run.values.get(name) or "") for name in ("SOURCE", "TARGET", "PROFILE"))
    why = copy(run.system, source, target, profile)
    if why:
        run.fail(why)
    else:
        run.say(f"Client {source} was copied to client {target} with profile {profile}")


def reports(system: AbapSystem) -> list[Report]:
    """The report of client copies."""
    screen = (Selection("SOURCE", length=3), Selection("TARGET", length=3), Selection("PROFILE", length=8))
    return [Report("RSCCLCOP", act, system.options.copy_seconds, screen)]
