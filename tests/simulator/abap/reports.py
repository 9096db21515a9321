# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of a simulated ABAP system: how long they take, what they do at their end.

BTCTRNS1 and BTCTRNS2 behave as facts 4.2 says: released jobs of all clients become suspended, then released again;
what runs is not touched; what is made in between is not suspended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .jobs import Job, Step
    from .system import AbapSystem


@dataclass(frozen=True)
class Selection:
    """A field of a selection screen: ``kind`` P is a parameter, S a select option."""

    name: str
    kind: str = "P"
    type: str = "C"
    length: int = 10


@dataclass
class Run:
    """One run of a report; ``lines`` go to the job's log as (type, id, number, text, variables...)."""

    system: AbapSystem
    user: str
    client: str
    variant: str
    job: Job | None = None
    values: dict[str, Any] = field(default_factory=dict)
    lines: list[tuple[str, ...]] = field(default_factory=list)
    spool: list[str] = field(default_factory=list)
    failed: bool = False

    def say(self, text: str, kind: str = "S", ident: str = "00", number: str = "001") -> None:
        """A line for the log as well as for the list."""
        self.lines.append((kind, ident, number, text))
        self.spool.append(text)

    def fail(self, text: str) -> None:
        """The report ends with an error message, which cancels its job."""
        self.say(text, "E")
        self.failed = True


@dataclass
class Report:
    """A report."""

    name: str
    act: Callable[[Run], None] | None = None
    seconds: float | Callable[[AbapSystem], float] | None = None
    selections: tuple[Selection, ...] = ()
    log: tuple[str, ...] = ()
    spool: tuple[str, ...] = ()
    ends: str = "F"

    def takes(self, system: AbapSystem, step: Step | None = None, job: Job | None = None) -> float:
        """How long a run takes."""
        if self.seconds is None:
            return system.options.report_seconds
        return float(self.seconds(system) if callable(self.seconds) else self.seconds)

    def perform(self, run: Run) -> None:
        """Do what it does."""
        run.values = run.system.variants.contents(run.client, self.name, run.variant)
        for line in self.log:
            run.lines.append(("S", "00", "001", line))
        run.spool.extend(self.spool)
        if self.act is not None:
            self.act(run)
        if self.ends == "A":
            run.failed = True


def suspend(run: Run) -> None:
    """BTCTRNS1."""
    count = run.system.jobs.suspend()
    run.say(f"{count} released jobs were suspended")


def resume(run: Run) -> None:
    """BTCTRNS2."""
    count = run.system.jobs.resume()
    run.say(f"{count} suspended jobs were released")


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
    from .logical import reports as logical

    every = [
        *logical(system),
        Report("BTCTRNS1", suspend, 5.0),
        Report("BTCTRNS2", resume, 5.0),
        *(Report(name) for name in PLAIN),
    ]
    found = {report.name: report for report in every}
    for name, given in system.options.reports.items():
        known = {"seconds", "log", "spool", "ends", "variants", "selections"}
        unknown = sorted(set(given) - known)
        if unknown:
            raise ValueError(f"system {system.name}: report {name} knows no {unknown[0]}; known are {sorted(known)}")
        old = found.get(name.upper()) or Report(name.upper())
        found[name.upper()] = Report(
            name.upper(),
            old.act,
            given.get("seconds", old.seconds),
            tuple(Selection(**row) for row in given["selections"]) if "selections" in given else old.selections,
            tuple(given.get("log", old.log)),
            tuple(given.get("spool", old.spool)),
            given.get("ends", old.ends),
        )
        for variant, rows in (given.get("variants") or {}).items():
            for client in system.clients:
                system.variants.save(client, name, variant, rows)
    return found
