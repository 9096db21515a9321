# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report is: how long it takes, what it does at its end, what it writes to log or list."""

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

    def values_of(self, report: str) -> dict[str, Any]:
        """What the variant of the run says."""
        return self.system.variants.contents(self.client, report, self.variant)

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
    # Work that ends by itself: it calls ``Background.go_on`` with its job when it is through.
    begin: Callable[[Run], None] | None = None

    def takes(self, system: AbapSystem, step: Step | None = None, job: Job | None = None) -> float:
        """How long a run takes."""
        if self.seconds is None:
            return system.options.report_seconds
        return float(self.seconds(system) if callable(self.seconds) else self.seconds)

    def perform(self, run: Run) -> None:
        """Do what it does."""
        run.values = run.values_of(self.name)
        for line in self.log:
            run.lines.append(("S", "00", "001", line))
        run.spool.extend(self.spool)
        if self.act is not None:
            self.act(run)
        if self.ends == "A":
            run.failed = True
