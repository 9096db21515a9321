# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records what only the main process of ansible-playbook sees: failed, unreachable and lost hosts, signals, the end."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_state
type: notification
short_description: Records failed, unreachable and lost hosts of a maintenance run
version_added: 0.1.0
description:
  - A host that fails, becomes unreachable or loses its Ansible worker can no longer say so itself. This callback writes
    it to the run database, so that every host that waits for it is released at once, with the reason.
  - What the run database does not take (its disk is full, its server is away) is said, kept, and tried again until it
    is written. When nothing could be written for five minutes, hosts that wait fail with the reason. What still cannot
    be written at the end is said once more.
  - It starts the sidecar of a run (heartbeat, wake-up of waiting hosts, the mark C(lost) when ansible-playbook is
    killed), and another one when that is killed.
  - The first Ctrl-C, SIGTERM or SIGHUP lets the steps in flight finish, names them, and begins no other; the second one
    ends at once, and what was in flight is unknown. In both cases the run is marked interrupted and can be continued.
  - With C(--limit), the controller stays in the play, because it tidies up for hosts that fail. Hosts of a continued
    run that are left out are deferred, and whoever waits for one of them is told.
  - At the end, also at one that the second signal or an error of Ansible brings, it closes the run and writes its
    report as JSON and as an HTML page.
  - A gated run refuses to start when this callback is not enabled.
  - A release of ansible-core in which it cannot notice killed workers is named when a run begins.
requirements:
  - SQLAlchemy 2 and Alembic on the controller
author:
  - The basis.landscape authors (@basis-landscape)
"""

import atexit
import gc
import os
import signal
import threading
import time
import typing as t

from ansible.plugins.callback import CallbackBase

from ansible_collections.basis.landscape.plugins.plugin_utils import (
    _controller,
    _dead_workers,
    _failures,
    _interruption,
    _limit,
    _play_roles,
    _remains,
)

PLANS = "basis.landscape.landscape_plan"
AGAIN_SECONDS = 30.0
"""How long a database that did not take something is left to the sidecar: an attempt here may take as long."""
ALONE_SECONDS = 2.0
"""How long without a sidecar."""


class CallbackModule(CallbackBase):
    """Writes in the main thread only, each time with a connection of its own."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "basis.landscape.run_state"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._mark: _controller.RunMark | None = None
        self._sidecar: t.Any = None
        self._interrupted = 0
        self._plans = False
        self._unwatched: list[str] = []
        self._in_flight: dict[str, tuple[str, float]] = {}
        self._owed: t.Any = None
        self._writing = False
        self._why_not = ""  # why the last attempt to write what is owed failed
        self._again_at = 0.0
        self._patient_until: float | None = None

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        """Leave the mark that workers look for, and load what a fork would otherwise load again and again."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs  # noqa: F401  a quarter second, once

        _controller.announce_recorder()
        # A worker lives for one task: a search for its garbage would copy the memory that it shares with this process.
        os.register_at_fork(after_in_child=gc.disable)
        self._unwatched = _dead_workers.watch()

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Keep the cost of a task low: its roles are looked through, its memory is shared with every worker."""
        _play_roles.keep_once_each(play)
        # An imported role stands among the tasks as a block.
        self._plans = any(getattr(task, "action", None) == PLANS for block in play.tasks for task in block.block)
        # A collection in a worker would otherwise write to every object it inherited, and so copy all of them.
        gc.freeze()

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """End with an error: a run that was to be planned over nobody would look like one that went well."""
        if self._plans:
            self._display.error(
                "No host of the inventory is selected, so nothing was planned and nothing was done. Look at "
                "landscape_hosts, --limit, and at what the inventory could read."
            )
            raise SystemExit(1)  # a callback's exceptions are only warned of

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Notice that a run has begun, which steps are in flight."""
        values, host = result._result, result._host.name
        begun = values.get("basis_landscape_begun")
        if begun:
            self._begin(begun)
            self._leave_out(result)
        gate = values.get("basis_landscape_gate")
        if gate and gate["verdict"] == "go":
            self._in_flight[host] = (gate["label"], time.monotonic())
        elif "basis_landscape_done" in values:
            self._in_flight.pop(host, None)
        self._write_owed()

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """Record the failure of a host that has left the play by it."""
        if ignore_errors or self._mark is None or "basis_landscape_gate" in result._result:
            return  # a gate has recorded itself why nobody may go
        if self._has_left(result):
            self._abandon(result, "failed")

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """Record that the host cannot be reached: what it was doing is unknown."""
        if self._mark is not None and not getattr(result._task, "ignore_unreachable", False):
            self._abandon(result, "unreachable")

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Close the run, write its report."""
        self._end()

    def _end(self) -> None:
        """Close the run once, whatever ends this process."""
        if self._mark is None:
            return
        mark, self._mark = self._mark, None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0)  # an interruption that still wants out would break the closing off
        try:
            state, paths = self._close(mark)
        except Exception as error:
            from ansible_collections.basis.landscape.plugins.plugin_utils._runs import owed

            self._display.error(
                f"Could not close run {mark['run']}: {str(error).rstrip('.')}. Its state stays in the run database; "
                f"continue it with -e run={mark['run']}."
            )
            for note in self._owed.notes:
                self._display.error(f"Not recorded: {owed.in_words(note)}.")
        else:
            self._display.display(f"run {mark['run']}: {state}")
            for kind, path in paths.items():
                self._display.display(f"report ({kind}): {path}")
        finally:
            if self._sidecar is not None:
                self._sidecar.stop()

    def _leave_out(self, result: t.Any) -> None:
        """Give the hosts of a continued run up for now that ``--limit`` leaves out: nobody is to wait for them."""
        inventory = result._task.get_play().get_variable_manager()._inventory
        self._owe(*({"left_out": host} for host in _limit.let_controller_in(inventory, result._result["hosts"])))

    def _begin(self, begun: dict[str, t.Any]) -> None:
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs
        from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owed import Owed

        if self._unwatched:
            self._display.warning(
                f"This ansible-core lacks {', '.join(self._unwatched)}: a worker that is killed, as by the kernel when "
                "memory runs out, is not noticed, and the run waits for it until it is interrupted twice."
            )
        _remains.announce(begun["run"], begun["epoch"])
        self._owed = Owed(begun["run"], begun["epoch"])
        self._sidecar = _runs.start_sidecar(begun["database"], begun["run"], begun["epoch"], ttl=begun["ttl"])
        self._mark = _controller.RunMark(
            run=begun["run"],
            epoch=begun["epoch"],
            database=begun["database"],
            fence=begun["fence"],
            created=begun["created"],
            socket=self._sidecar.socket,
        )
        _controller.announce_run(self._mark)
        _runs.keep_store(begun["database"], begun["run"], begun["epoch"])
        main = os.getpid()

        def on_signal(number: int, frame: t.Any) -> None:
            if os.getpid() != main:  # a worker inherited this handler
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
                return
            self._interrupted += 1
            if self._interrupted > 1:
                _interruption.end_at_once()
            self._drain(signal.Signals(number).name)

        # A second signal, and an error in Ansible itself, leave without v2_playbook_on_stats. At the exit of the
        # process Ansible has ended its workers: what was in flight is not in flight any more.
        atexit.register(self._end)
        self._watch_sidecar()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, on_signal)
            signal.siginterrupt(number, False)

    def _watch_sidecar(self) -> None:
        """Start another sidecar when it is killed: while all hosts are at work nobody else says that the run lives."""
        main, before = os.getpid(), signal.getsignal(signal.SIGCHLD)

        def on_child(number: int, frame: t.Any) -> None:
            if callable(before):
                before(number, frame)
            if os.getpid() != main or self._mark is None:  # a worker inherited this handler, or the run is closed
                return
            try:
                if self._sidecar.revive(self._owed.notes):
                    self._display.display("The run's sidecar was killed; another one has been started.")
            except (
                OSError,
                RuntimeError,
            ) as error:  # no process, no memory: the end of the next worker is the next occasion
                self._display.error(f"The run's sidecar was killed, and another one could not be started: {error}.")

        signal.signal(signal.SIGCHLD, on_child)
        signal.siginterrupt(signal.SIGCHLD, False)

    @staticmethod
    def _has_left(result: t.Any) -> bool:
        """Say whether the failure was final: a rescued host is not in the play's list of removed hosts."""
        play = result._task.get_play()
        removed = getattr(play, "_removed_hosts", None)
        if removed is not None:
            return result._host.name in removed
        parent = result._task._parent
        while parent is not None:
            if getattr(parent, "rescue", None):
                return False
            parent = getattr(parent, "_parent", None)
        return True

    def _abandon(self, result: t.Any, how: str) -> None:
        if self._mark is None:
            return
        host = result._host.name
        self._in_flight.pop(host, None)
        why = _failures.words(result._result) or f"task '{result._task.get_name()}' {how}"
        self._owe({"left": host, "why": why, "unreachable": how == "unreachable"})

    def _owe(self, *notes: dict[str, t.Any]) -> None:
        """Write notes of ``Owed``, or see to it that they are tried again until they are written."""
        from ansible_collections.basis.landscape.plugins.plugin_utils._runs import owed

        for note in notes:
            self._owed.add(note)
        self._write_owed()
        left = [note for note in notes if self._mark is not None and note in self._owed.notes]
        for note in left:
            self._display.error(
                f"Could not record yet that {owed.in_words(note)}: {self._why_not} It is tried again until it is "
                "recorded."
            )
        if all(self._sidecar.keep(note) for note in left):
            return
        # Nobody else does it, and perhaps no callback ever comes again: those who wait for this host wait for the note.
        pause = threading.Event()
        if self._patient_until is None:
            self._patient_until = time.monotonic() + owed.PATIENCE_SECONDS
        while self._mark is not None and self._owed.notes and time.monotonic() < self._patient_until:
            pause.wait(ALONE_SECONDS)
            self._write_owed(at_once=True)

    def _write_owed(self, at_once: bool = False) -> None:
        """Write what is owed, unless an attempt is under way, or failed a moment ago."""
        while self._mark is not None and self._owed.notes and not self._writing:
            if time.monotonic() < self._again_at and not at_once:
                return
            self._writing = True
            try:
                failed = self._attempt(self._mark)
            finally:
                self._writing = False
            if failed:
                return

    def _attempt(self, mark: _controller.RunMark) -> bool:
        """Write what is owed once; say whether something is left."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs
        from ansible_collections.basis.landscape.plugins.plugin_utils._runs import wake

        try:
            store = wake.attach(_runs.open_store(mark["database"]), mark["socket"])
            try:
                self._owed.write(store)
            finally:
                store.close()
        except _runs.Fenced as error:
            self._display.error(f"Another controller has taken this run: {error}. This one records nothing more.")
            self._mark = None
        except _runs.StoreError as error:
            self._why_not = str(error)
            self._again_at = time.monotonic() + AGAIN_SECONDS
            return True
        if self._why_not:
            self._display.display("What could not be recorded is recorded now.")
        self._why_not, self._again_at, self._patient_until = "", 0.0, None
        return False

    def _drain(self, name: str) -> None:
        """Begin no new step. Called by a signal handler, which may have interrupted a write of the main thread."""
        note = {"drain": name}
        answer = None if self._writing else self._sidecar.drain(name)
        if answer is None or not answer.get("written"):
            self._owed.add(note)
        if answer is None:  # the sidecar is gone, or has to wait for the main thread's write, which goes on with this
            self._write_owed(at_once=True)
            left = self._mark is not None and note in self._owed.notes
            open_yet = (self._why_not or "Another write is under way.") if left else ""
        else:
            open_yet = "" if answer.get("written") else answer.get("error") or "The run database is busy."
            self._why_not = self._why_not or open_yet
        lines = [f"{name}: steps in flight are finished, no other begins. Once more to end at once."]
        if open_yet:
            lines = [
                f"{name}: steps in flight are finished. That no other begins is not recorded yet: {open_yet} It is "
                "tried again; until it is recorded, others may begin. Once more to end at once."
            ]
        now = time.monotonic()
        lines += [f"  in flight for {now - since:.0f} s: {label}" for label, since in self._in_flight.values()]
        self._display.display("\n".join(lines), color="yellow")

    def _close(self, mark: _controller.RunMark) -> tuple[str, dict[str, str]]:
        from ansible_collections.basis.landscape.plugins.plugin_utils import _report, _runs

        store = _runs.open_store(mark["database"])
        try:
            try:
                self._owed.write(store)
                state = store.finish(mark["run"], mark["epoch"], interrupted=self._interrupted > 0)
            except _runs.Fenced:
                state = "taken over by another controller"
            return state, _report.write(store, mark["run"], _controller.state_directory() / "reports")
        finally:
            store.close()
