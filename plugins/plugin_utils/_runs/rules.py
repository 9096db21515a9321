# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of runs, steps, undo records with their legal transitions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

RUN_STATES = ("planned", "running", "draining", "lost", "interrupted", "partial", "succeeded", "canceled")
RUN_LIVE = ("running", "draining")
RUN_FINAL = ("succeeded", "canceled")

STEP_STATES = ("pending", "running", "done", "failed", "unknown", "blocked", "deferred", "skipped")
STEP_MET = ("done", "skipped")
"""What a dependency must be for its waiter to go on."""
STEP_DEAD = ("failed", "blocked", "deferred")
"""What a dependency never leaves within this epoch."""
STEP_OPEN = ("pending", "running", "unknown")

UNDO_STATES = ("intended", "applied", "undoing", "undone", "not_applied", "not_ours", "conflict", "kept")
UNDO_OPEN = ("intended", "applied", "undoing", "conflict")

RUN_TRANSITIONS = frozenset(
    {
        ("planned", "running"),
        ("running", "draining"),
        ("running", "lost"),
        ("draining", "lost"),
        ("running", "succeeded"),
        ("running", "partial"),
        ("running", "interrupted"),
        ("draining", "succeeded"),
        ("draining", "partial"),
        ("draining", "interrupted"),
        ("running", "running"),
        ("draining", "running"),
        ("lost", "running"),
        ("interrupted", "running"),
        ("partial", "running"),
        ("planned", "canceled"),
        ("running", "canceled"),
        ("draining", "canceled"),
        ("lost", "canceled"),
        ("interrupted", "canceled"),
        ("partial", "canceled"),
    }
)

STEP_TRANSITIONS = frozenset(
    {
        ("pending", "running"),  # claim
        ("pending", "blocked"),  # a dependency is dead
        ("pending", "deferred"),  # admission cannot be had in this run, or the gate's deadline is over
        ("pending", "failed"),  # the host left the play before it began the step
        ("pending", "unknown"),  # take, when the step was attempted before
        ("running", "done"),
        ("running", "failed"),
        ("running", "unknown"),
        ("done", "pending"),  # its temporary change was taken back, because the run cannot go on
        ("unknown", "done"),
        ("unknown", "pending"),
        ("unknown", "failed"),
        ("failed", "unknown"),  # take, when attempted
        ("failed", "pending"),  # take, when never attempted
        ("blocked", "unknown"),
        ("blocked", "pending"),
        ("deferred", "unknown"),
        ("deferred", "pending"),
    }
)

UNDO_TRANSITIONS = frozenset(
    {
        ("intended", "applied"),
        ("intended", "undoing"),  # its controller died between the act and the note: undoing it twice does no harm
        ("intended", "not_applied"),
        ("intended", "conflict"),
        ("applied", "undoing"),
        ("applied", "conflict"),
        ("undoing", "undone"),
        ("undoing", "applied"),
        ("undoing", "intended"),  # nothing was known to be changed
        ("undoing", "conflict"),
        ("conflict", "undone"),
        ("conflict", "applied"),
        ("conflict", "kept"),
        ("applied", "kept"),
        ("intended", "kept"),
        ("undoing", "kept"),
        ("kept", "undone"),  # a later run undoes it
    }
)


def sources(transitions: frozenset[tuple[str, str]], target: str) -> tuple[str, ...]:
    """The states from which ``target`` may be reached."""
    return tuple(sorted(old for old, new in transitions if new == target))


# Steps that disturb what a temporary change guards: instances of a system, or a host.
DISTURB = {"suspend_jobs": ("stop", "start"), "silence": ("stop", "patch", "reboot", "start")}


def disturbed(kind: str, key: str, ci: str, steps: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the steps of a run that disturb what the temporary change guards, tried or not."""
    system = key.partition(":")[2]
    mine = (lambda row: row["system"] == system) if kind == "suspend_jobs" else (lambda row: row["ci"] == ci)
    return [row for row in steps if row["kind"] in DISTURB.get(kind, ()) and mine(row)]


def is_as_before(kind: str, key: str, ci: str, steps: Sequence[Mapping[str, Any]]) -> bool:
    """Whether nothing that the change guards was touched, or each instance that was is started, on a verified host."""
    well = {row["ci"] for row in steps if row["kind"] == "verify" and row["state"] == "done"}
    started = {row["instance"] for row in steps if row["kind"] == "start" and row["state"] == "done"}
    touched = [row for row in disturbed(kind, key, ci, steps) if row["attempt"]]
    return all(row["instance"] in started and row["ci"] in well for row in touched)


def to_make_anew(kind: str, key: str, ci: str, steps: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the step that has to make the change anew when the run goes on after it was undone, None when none has to.

    One has to while something is left to be stopped that was not tried yet, unless what it is about is down.
    """
    left = [row for row in disturbed(kind, key, ci, steps) if row["kind"] != "start" and not row["attempt"]]
    if kind not in DISTURB or not left or not is_as_before(kind, key, ci, steps):
        return None
    return key if kind == "suspend_jobs" else kind


@dataclasses.dataclass
class Verdict:
    """What a gate says to a configuration item that wants to begin a step.

    ``kind``: *go* (the step is claimed, act), *look* (attempted before with unknown outcome: look at the target first),
    *done* (nothing to do), *wait*, *blocked* (it cannot come in this run), *deferred* (not admitted in this run).
    ``attempt`` counts the claims of the step, ``why`` is for people, ``by`` the configuration item or resource that
    is in the way, ``results`` the results of this configuration item's earlier steps by step name.
    """

    kind: str
    attempt: int = 0
    why: str = ""
    by: str | None = None
    results: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class UndoRecord:
    """One temporary change: what it was before, what we made of it, how to put it back.

    ``state`` is one of ``UNDO_STATES``; ``not_ours`` means it was already as wanted: it is never undone.
    """

    id: str
    run: str
    ci: str
    key: str
    seq: int
    kind: str
    state: str
    before: Any
    wanted: Any
    undo: Any
    needs: Any
    proof: Any
