# SPDX-License-Identifier: GPL-3.0-or-later
"""How a worker waits at a gate."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Fenced
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import Verdict
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store, open_store
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.wake import Line

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import Process

POLL_SECONDS = 2.0
"""How often a waiter asks by itself when there is no sidecar."""
PATIENT_SECONDS = 20.0
"""How often it asks by itself when there is one."""


class Orphaned(Fenced):
    """The controller that started this waiter is gone; nothing was claimed."""


def wait_at_gate(
    store: Store,
    run: str,
    ci: str,
    step: str,
    epoch: int,
    *,
    socket_path: str | None = None,
    worker: Process | Mapping[str, Any] | None = None,
    timeout: float | None = None,
    on_wait: Callable[[Verdict], None] | None = None,
) -> Verdict:
    """Ask for a step until the answer is not *wait*; blocks without using the processor.

    ``timeout``: seconds after which the step is deferred. ``on_wait`` is called when the reason for waiting changes.
    Raises Orphaned when the parent process ends, Fenced when the run is another controller's, StoreError.
    """
    ends = None if timeout is None else time.monotonic() + timeout
    line = Line(socket_path, run, ci, step)  # before asking: a change between the answer and the wait is not missed
    why = None
    try:
        while True:
            if line.orphaned():
                raise Orphaned(f"The controller of run {run} that waited here for {ci} {step} is gone.")
            verdict = store.claim(run, ci, step, epoch, worker)
            if verdict.kind != "wait":
                return verdict
            if verdict.why != why:
                why = verdict.why
                if on_wait is not None:
                    on_wait(verdict)
            pause = (PATIENT_SECONDS if line.open else POLL_SECONDS) * random.uniform(0.75, 1.25)
            if ends is not None:
                left = ends - time.monotonic()
                if left <= 0:
                    store.defer(run, ci, step, epoch, f"its gate did not open within {timeout:g} s: {why}")
                    return store.claim(run, ci, step, epoch, worker)
                pause = min(pause, left)
            line.wait(pause)
    finally:
        line.close()


def wait_for_everybody(mark: Mapping[str, Any]) -> None:
    """Return when no configuration item of the run goes on any more: all are through, refused, or have left the play.

    ``mark`` has the run's ``database``, ``run``, ``epoch``, ``socket`` (None: no sidecar). Raises like wait_at_gate.
    """
    store = open_store(mark["database"])
    line = Line(mark.get("socket"), mark["run"], "", "")
    try:
        while True:
            if line.orphaned():
                raise Orphaned(f"The controller of run {mark['run']} is gone.")
            if not store.going_on(mark["run"], mark["epoch"]):
                return
            line.wait((PATIENT_SECONDS if line.open else POLL_SECONDS) * random.uniform(0.75, 1.25))
    finally:
        line.close()
        store.close()


def wait_for_change(
    store: Store, run: str, after: int, *, timeout: float, socket_path: str | None = None
) -> list[dict[str, Any]]:
    """The events of a run after number ``after``; waits up to ``timeout`` seconds for the first."""
    ends = time.monotonic() + timeout
    line = Line(socket_path, run, "", "")
    try:
        while True:
            events = store.events(run, after)
            left = ends - time.monotonic()
            if events or left <= 0:
                return events
            line.wait(min(left, POLL_SECONDS if line.open else 0.5))
    finally:
        line.close()
