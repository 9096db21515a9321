# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of runs, steps, undo records with their legal transitions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
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
        ("skipped", "pending"),  # another plan has it after all
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


def made_by(key: str) -> str:
    """The step that makes the temporary change ``key``."""
    return key if key.startswith("suspend_jobs:") else key.partition(":")[0]


def undone_by(key: str) -> str:
    """The step that undoes the temporary change ``key``."""
    kind, _colon, what = key.partition(":")
    return f"release_jobs:{what}" if kind == "suspend_jobs" else f"un{kind}"


class Guarded:
    """What temporary changes guard, with what the steps of a run have done to it."""

    def __init__(self, steps: Iterable[Mapping[str, Any]]) -> None:
        self._disturbing: dict[str, list[Mapping[str, Any]]] = {}
        self._well: set[str] = set()
        self._started: set[str] = set()
        for row in steps:
            for kind, kinds in DISTURB.items():
                if row["kind"] in kinds:
                    what = row["system"] if kind == "suspend_jobs" else row["ci"]
                    self._disturbing.setdefault(f"{kind}:{what}", []).append(row)
            if row["state"] == "done" and row["kind"] == "verify":
                self._well.add(row["ci"])
            elif row["state"] == "done" and row["kind"] == "start":
                self._started.add(row["instance"])

    def is_as_before(self, key: str) -> bool:
        """Whether nothing that the change guards was touched, or each instance that was is up on a verified host."""
        touched = [row for row in self._disturbing.get(key, ()) if row["attempt"]]
        return all(row["instance"] in self._started and row["ci"] in self._well for row in touched)

    def to_make_anew(self, key: str) -> str | None:
        """Return the step that has to make the change anew when the run goes on after it was undone, if one has to.

        One has to while something is left to be stopped that was not tried yet, unless what it is about is down.
        """
        left = [row for row in self._disturbing.get(key, ()) if row["kind"] != "start" and not row["attempt"]]
        return made_by(key) if left and self.is_as_before(key) else None


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


@dataclasses.dataclass(frozen=True)
class Revision:
    """What a person accepted to go on with a run: other code, another landscape.

    ``plan`` takes the place of the run's plan; None: it stays as it was. ``out``, ``down``: with a plan, who was found
    down now, as `Store.create` has it.
    """

    by: str
    code_hash: str
    why: list[str]
    plan: Mapping[str, Any] | None = None
    out: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    down: Mapping[str, Any] = dataclasses.field(default_factory=dict)


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
