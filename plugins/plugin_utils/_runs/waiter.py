# SPDX-License-Identifier: GPL-3.0-or-later
"""How a worker waits at a gate."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Fenced, StoreError, Unavailable
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owed import PATIENCE_SECONDS
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import Process
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import Verdict
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store, open_store
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.wake import Line

POLL_SECONDS = 2.0
"""How often a waiter asks by itself when there is no sidecar."""
PATIENT_SECONDS = 20.0
"""How often it asks by itself when there is one."""


BEAT_SECONDS = 20.0
"""How often a waiter without a sidecar writes, to say that the controller lives."""


class Orphaned(Fenced):
    """The controller that started this waiter is gone; nothing was claimed."""


class _Patience:
    """How long a database that does not work is borne."""

    def __init__(self) -> None:
        self._since: float | None = None

    def bear(self, error: StoreError) -> None:
        """Return, or raise ``error`` when the database has not worked for PATIENCE_SECONDS."""
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since >= PATIENCE_SECONDS:
            raise error

    def renew(self) -> None:
        """Begin anew: the database works."""
        self._since = None


class Wait:
    """One wait of a process that only reads: it ends with an error when nobody else can write for long, either.

    The sidecar says so; without one the waiter writes the controller's heartbeat now and then, and so finds out.
    """

    def __init__(self, store: Store, run: str, epoch: int, line: Line) -> None:
        self.store, self.run, self.epoch, self.line = store, run, epoch, line
        self._beat_at = time.monotonic() + BEAT_SECONDS
        self._patience = _Patience()

    def wait(self, seconds: float | None = None) -> None:
        """Return when it is worth asking again, at the latest after ``seconds``. Raises StoreError, Fenced."""
        pause = (PATIENT_SECONDS if self.line.open else POLL_SECONDS) * random.uniform(0.75, 1.25)
        self.line.wait(pause if seconds is None else min(pause, seconds))
        if self.line.trouble:
            raise StoreError(self.line.trouble)
        if self.line.open or time.monotonic() < self._beat_at:
            return
        try:
            self.store.beat(self.run, self.epoch)
        except StoreError as error:
            self._patience.bear(error)
        else:
            self._patience.renew()
        self._beat_at = time.monotonic() + BEAT_SECONDS


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
    on_trouble: Callable[[StoreError], None] | None = None,
) -> Verdict:
    """Ask for a step until the answer is not *wait*; blocks without using the processor.

    A database that cannot be asked is a reason to wait, too, for PATIENCE_SECONDS: to ask again is safe.
    ``worker`` is who will act (default: this process): one for the whole wait, so that a claim whose answer was lost
    for longer than the store tries again is known as ours.
    ``timeout``: seconds after which the step is deferred. ``on_wait`` is called when the reason for waiting changes,
    ``on_trouble`` when the database cannot be asked.
    Raises Orphaned when the parent process ends, Fenced when the run is another controller's, StoreError.
    """
    worker = worker or Process.current()
    ends = None if timeout is None else time.monotonic() + timeout
    line = Line(socket_path, run, ci, step)  # before asking: a change between the answer and the wait is not missed
    wait, patience = Wait(store, run, epoch, line), _Patience()
    why, over = None, False
    try:
        while True:
            if line.orphaned():
                raise Orphaned(f"The controller of run {run} that waited here for {ci} {step} is gone.")
            try:
                verdict = store.claim(run, ci, step, epoch, worker)
                if verdict.kind == "wait" and over:
                    waits_for = store.foresee(run, ci, step, epoch).waits_for
                    unmet = f"waits for {', '.join(need.label for need in waits_for)}" if waits_for else verdict.why
                    remedy = "continue the run, with a longer maintenance_gate_timeout if that takes its time"
                    store.defer(run, ci, step, epoch, f"its gate did not open within {timeout:g} s: {unmet} ({remedy})")
                    return store.claim(run, ci, step, epoch, worker)
            except Unavailable as error:
                patience.bear(error)
                verdict = Verdict("wait", why=str(error))
                tell = on_trouble and functools.partial(on_trouble, error)
            else:
                patience.renew()
                tell = on_wait and functools.partial(on_wait, verdict)
            if verdict.kind != "wait":
                return verdict
            if verdict.why != why:
                why = verdict.why
                if tell:
                    tell()
            left = None if ends is None or over else ends - time.monotonic()
            if left is not None and left <= 0:
                over = True  # asked once more, it is deferred; where the database is away, as soon as that is back
            else:
                wait.wait(left)
    finally:
        line.close()


def pause() -> None:
    """Return after a moment, or when the parent process ends."""
    line = Line(None, "", "", "")
    try:
        line.wait(POLL_SECONDS)
    finally:
        line.close()


def wait_for_everybody(mark: Mapping[str, Any]) -> None:
    """Return when no configuration item of the run goes on any more: all are through, refused, or have left the play.

    ``mark`` has the run's ``database``, ``run``, ``epoch``, ``socket`` (None: no sidecar). As patient as wait_at_gate;
    raises like it.
    """
    store = open_store(mark["database"])
    line = Line(mark.get("socket"), mark["run"], "", "")
    wait, patience = Wait(store, mark["run"], mark["epoch"], line), _Patience()
    try:
        while True:
            if line.orphaned():
                raise Orphaned(f"The controller of run {mark['run']} is gone.")
            try:
                if not store.going_on(mark["run"], mark["epoch"]):
                    return
            except Unavailable as error:
                patience.bear(error)
            else:
                patience.renew()
            wait.wait()
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
