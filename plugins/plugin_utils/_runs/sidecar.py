# SPDX-License-Identifier: GPL-3.0-or-later
"""The small process beside a run: its heartbeat, the waiters' alarm clock, the watch over its controller.

Without it waiters poll by themselves, and any observer finds a dead controller. A live one whose hosts are all at work
would be taken for dead, since nobody else says that it lives: so its controller starts another one when it is killed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Fenced, RunNotFound, StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owed import PATIENCE_SECONDS, Owed
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import Owner, process_alive
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store, open_store

POLL_SECONDS = 0.5
QUICKEST_POLL_SECONDS = 0.02
"""Workers report every change; that many in one moment are one poll."""
WATCH_SECONDS = 1.0
CHECKPOINT_SECONDS = 20.0
OBSERVE_SECONDS = 30.0
AGAIN_SECONDS = 5.0
"""How long one that follows another waits after something that hinders it."""
OTHER_RUNS_SECONDS = 5.0
"""How often waiters at the admission ask again, since another run may have given a place back."""


@dataclasses.dataclass
class Caller:
    """One open line: what was heard so far, what it waits for."""

    line: socket.socket
    heard: bytes = b""
    waits: tuple[str, str] | None = None


class Loop:
    """Everything the sidecar does, in one thread."""

    def __init__(self, store: Store, run: str, epoch: int, main: Owner, listener: socket.socket, ttl: float) -> None:
        self.store, self.run, self.epoch, self.main = store, run, epoch, main
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.callers: dict[int, Caller] = {}
        self.owed = Owed(run, epoch)
        self.unwritable_since: float | None = None
        self.stopping = False
        self.main_gone = False
        self.last_event = 0
        self.poll_at = 0.0
        self.polled_at = 0.0
        self.needs: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.openings: list[float] = []
        self._keeper: Any = None
        self._timers: list[tuple[float, Callable[[], None]]] = [
            (max(0.2, ttl / 6), self.beat),
            (OBSERVE_SECONDS, self.observe),
            (CHECKPOINT_SECONDS, self.checkpoint),
            (OTHER_RUNS_SECONDS, self.wake_admission),
        ]

    def serve(self) -> None:
        """Run until the run ends, the controller ends, or somebody says bye."""
        self.needs, self.openings = self.store.gates(self.run)
        if self.store.engine.dialect.name == "sqlite":
            # an open connection keeps any worker from being the last one to close, which would write the log back
            self._keeper = self.store.engine.raw_connection()
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        pidfd = self._watch_main()
        due = [time.monotonic() + period for period, _other in self._timers]
        due[0] = time.monotonic()  # the one before it may have been silent for long
        try:
            while not self.stopping:
                now = time.monotonic()
                self.poll_at = min(self.poll_at, now + POLL_SECONDS)
                for key, _other in self.selector.select(max(0.0, min(*due, self.poll_at) - now)):
                    key.data(key.fileobj)
                if self.main_gone:
                    break
                now = time.monotonic()
                if now >= self.poll_at:
                    if self.owed.notes:
                        self.write(self.write_owed)
                    self._safely(self.poll)
                    self.poll_at = time.monotonic() + POLL_SECONDS
                for number, (period, action) in enumerate(self._timers):
                    if now >= due[number]:
                        self._safely(action)
                        due[number] = time.monotonic() + period
            if self.main_gone:
                self._safely(self.write_owed)
                self._safely(self.controller_is_gone)
            self._safely(self.checkpoint)
        finally:
            if pidfd is not None:
                os.close(pidfd)
            for caller in list(self.callers.values()):
                caller.line.close()
            if self._keeper is not None:
                self._keeper.close()
            self.selector.close()

    # -- what it hears -------------------------------------------------------------------------------------------------

    def accept(self, _listener: Any) -> None:
        """A new line."""
        with contextlib.suppress(OSError):
            line, _other = self.listener.accept()
            line.setblocking(False)
            caller = Caller(line)
            self.callers[line.fileno()] = caller
            self.selector.register(line, selectors.EVENT_READ, lambda _line: self.hear(caller))

    def hear(self, caller: Caller) -> None:
        """Words on an open line, or its end."""
        try:
            said = caller.line.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        caller.heard += said
        *lines, caller.heard = caller.heard.split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self.understand(caller, json.loads(line))
        if not said or len(caller.heard) > 65536:
            self.hang_up(caller)

    def understand(self, caller: Caller, words: dict[str, Any]) -> None:
        """One message."""
        if "wait" in words:
            _other, ci, step = words["wait"]
            caller.waits = (ci, step)
        elif "changed" in words:
            self.poll_at = min(self.poll_at, max(time.monotonic(), self.polled_at + QUICKEST_POLL_SECONDS))
        elif words.keys() & {"drain", "left", "left_out"}:
            self.owed.add(words)
            why = self.write(self.write_owed)
            self.poll_at = 0.0
            self.tell(caller, {"written": why is None, "error": why})
        elif "bye" in words:
            self.stopping = True

    def hang_up(self, caller: Caller) -> None:
        """Forget a line."""
        self.callers.pop(caller.line.fileno(), None)
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(caller.line)
        caller.line.close()

    # -- what it does --------------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Say that the controller lives, which the pidfd tells us."""
        self.write(lambda: self.store.beat(self.run, self.epoch))

    def write_owed(self) -> None:
        """Write what the controller could not."""
        self.owed.write(self.store)

    def write(self, action: Callable[[], None]) -> str | None:
        """Why the database does not take it, None when it does.

        Who waits only reads, and would never hear from anybody who cannot write: after a long time it is told.
        """
        why = self._safely(action)
        if why is None:
            self.unwritable_since = None
            return None
        now = time.monotonic()
        if self.unwritable_since is None:
            self.unwritable_since = now
        elif now - self.unwritable_since >= PATIENCE_SECONDS:
            words = {"unwritable": f"Nothing could be recorded for {now - self.unwritable_since:.0f} s. {why}"}
            for caller in list(self.callers.values()):
                if caller.waits is not None:
                    self.tell(caller, words)
        return why

    def observe(self) -> None:
        """Find other runs whose controller is gone."""
        self.store.observe()

    def poll(self) -> None:
        """One look for all waiters: wake those whom a change may concern."""
        self.polled_at = time.monotonic()
        events = self.store.events(self.run, self.last_event)
        if events:
            self.last_event = events[-1]["n"]
        changed = {event["ci"] for event in events}
        everybody = any(event["ci"] is None for event in events)
        opened = [instant for instant in self.openings if instant <= time.time()]
        self.openings = [instant for instant in self.openings if instant > time.time()]
        for caller in list(self.callers.values()):
            if caller.waits is None or not (events or opened):
                continue
            ci, step = caller.waits
            at_admission = step == "admit" or not ci
            if everybody or at_admission or ci in changed or self.needs.get((ci, step), set()) & changed:
                self.wake(caller)

    def wake_admission(self) -> None:
        """Let the waiters at the admission ask again: what they wait for may be another run's."""
        for caller in list(self.callers.values()):
            if caller.waits is not None and caller.waits[1] == "admit":
                self.wake(caller)

    def wake(self, caller: Caller) -> None:
        """One word to one waiter."""
        self._send(caller, b"!")

    def tell(self, caller: Caller, words: dict[str, Any]) -> None:
        """A whole message to whoever called."""
        self._send(caller, json.dumps(words).encode() + b"\n")

    def _send(self, caller: Caller, said: bytes) -> None:
        """Say something; a full line means that it was told already."""
        try:
            caller.line.send(said)
        except BlockingIOError:
            pass
        except OSError:
            self.hang_up(caller)

    def checkpoint(self) -> None:
        """Write SQLite's log back into the database; only this process ever does while it runs."""
        if self._keeper is not None:
            self._keeper.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def controller_is_gone(self) -> None:
        """The controller ended without finishing the run: everybody may know."""
        self.store.observe()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _safely(self, action: Callable[[], None]) -> str | None:
        """Do it; a database that is away ends nothing and is said, a run that is no longer ours ends us."""
        try:
            action()
        except (Fenced, RunNotFound) as error:
            self.stopping = True
            return str(error)
        except (StoreError, OSError) as error:
            return str(error)
        except Exception as error:
            if type(error).__module__ != "sqlite3":
                raise
            return str(error)
        return None

    def _watch_main(self) -> int | None:
        def ended(_fd: Any) -> None:
            self.main_gone = True

        try:
            pidfd = os.pidfd_open(self.main.pid)
        except ProcessLookupError:
            self.main_gone = True
            return None
        except OSError:
            self._timers.append((WATCH_SECONDS, self._ask_for_main))
            return None
        if not process_alive(self.main.pid, self.main.pid_start):
            self.main_gone = True
        self.selector.register(pidfd, selectors.EVENT_READ, ended)
        return pidfd

    def _ask_for_main(self) -> None:
        self.main_gone = not process_alive(self.main.pid, self.main.pid_start)


def main() -> None:
    """Read the task from standard input, say where the socket is, serve. Exit code 0: nobody is to follow."""
    words = json.loads(sys.stdin.readline())
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    before = words["follows"]  # the socket of the one before, which the run's processes know
    folder = os.path.dirname(before) if before else tempfile.mkdtemp(prefix="basis-run-")  # only this user may enter it
    path = before or os.path.join(folder, "wake")
    controller = Owner(**words["owner"])
    if words["pause"] and not _lives_on(controller, words["pause"]):
        return
    terminated = False
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        while True:
            try:
                store = open_store(words["url"])
                if before:
                    os.makedirs(folder, mode=0o700, exist_ok=True)
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)
                listener.bind(path)
                listener.listen(1024)
                listener.setblocking(False)
                break
            except (StoreError, OSError) as error:
                print(json.dumps({"error": str(error)}), flush=True)
                if not before or not _lives_on(controller, AGAIN_SECONDS):
                    return
        loop = Loop(store, words["run"], int(words["epoch"]), controller, listener, float(words["ttl"]))
        for note in words["owed"]:
            loop.owed.add(note)

        def on_term(*_other: Any) -> None:
            nonlocal terminated
            terminated = loop.stopping = True

        signal.signal(signal.SIGTERM, on_term)
        print(json.dumps({"socket": path, "pid": os.getpid()}), flush=True)
        # nobody reads any more; a closed pipe must not end us
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        loop.serve()
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)
    if terminated:
        sys.exit(128 + signal.SIGTERM)


def _lives_on(controller: Owner, seconds: float) -> bool:
    """Wait; say whether the controller still lives then."""
    try:
        pidfd = os.pidfd_open(controller.pid)
    except OSError:
        select.select([], [], [], seconds)
    else:
        select.select([pidfd], [], [], seconds)
        os.close(pidfd)
    return process_alive(controller.pid, controller.pid_start)
