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
  - It starts the sidecar of a run (heartbeat, wake-up of waiting hosts, the mark C(lost) when ansible-playbook is
    killed).
  - The first Ctrl-C, SIGTERM or SIGHUP lets the steps in flight finish and begins no other; the second one ends at
    once. The run is
    marked interrupted and can be continued.
  - With C(--limit), the controller stays in the play, because it tidies up for hosts that fail. Hosts of a continued
    run that are left out are deferred, and whoever waits for one of them is told.
  - At the end it closes the run and writes its report as JSON and as an HTML page.
  - A gated run refuses to start when this callback is not enabled.
requirements:
  - SQLAlchemy 2 and Alembic on the controller
author:
  - The basis.landscape authors (@basis-landscape)
"""

import gc
import os
import signal
import typing as t

from ansible.plugins.callback import CallbackBase

from ansible_collections.basis.landscape.plugins.plugin_utils import (
    _controller,
    _dead_workers,
    _failures,
    _limit,
    _play_roles,
)


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

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        """Leave the mark that workers look for, and load what a fork would otherwise load again and again."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs  # noqa: F401  a quarter second, once

        _controller.announce_recorder()
        # A worker lives for one task: a search for its garbage would copy the memory that it shares with this process.
        os.register_at_fork(after_in_child=gc.disable)
        _dead_workers.watch(lambda host, reason: None)

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Keep the cost of a task low: its roles are looked through, its memory is shared with every worker."""
        _play_roles.keep_once_each(play)
        # A collection in a worker would otherwise write to every object it inherited, and so copy all of them.
        gc.freeze()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Notice that a run has begun."""
        begun = result._result.get("basis_landscape_begun")
        if begun:
            self._leave_out(begun, result)
            self._begin(begun)

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
        if self._mark is None:
            return
        mark, self._mark = self._mark, None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
        try:
            state, paths = self._close(mark)
        except Exception as error:
            self._display.error(
                f"Could not close run {mark['run']}: {error}. Its state stays in the run database; continue "
                f"it with -e run={mark['run']}."
            )
        else:
            self._display.display(f"run {mark['run']}: {state}")
            for kind, path in paths.items():
                self._display.display(f"report ({kind}): {path}")
        finally:
            if self._sidecar is not None:
                self._sidecar.stop()

    @staticmethod
    def _leave_out(begun: dict[str, t.Any], result: t.Any) -> None:
        """Give the hosts of a continued run up for now that ``--limit`` leaves out: nobody is to wait for them."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs
        from ansible_collections.basis.landscape.plugins.plugin_utils._runs import rules

        inventory = result._task.get_play().get_variable_manager()._inventory
        left_out = _limit.let_controller_in(inventory, result._result["hosts"])
        if not left_out:
            return
        store = _runs.open_store(begun["database"])
        try:
            steps = [row for row in store.steps(begun["run"]) if row["state"] not in rules.STEP_MET]
            begun_before = {row["ci"]: row["attempt"] > 0 for row in reversed(steps)}  # by the first step that is left
            for host in left_out:
                if host in begun_before:
                    state = "unknown" if begun_before[host] else "deferred"
                    store.abandon(begun["run"], begun["epoch"], host, "left out by --limit", state=state)
        finally:
            store.close()

    def _begin(self, begun: dict[str, t.Any]) -> None:
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        self._sidecar = _runs.start_sidecar(begun["database"], begun["run"], begun["epoch"], ttl=begun["ttl"])
        self._mark = _controller.RunMark(
            run=begun["run"],
            epoch=begun["epoch"],
            database=begun["database"],
            fence=begun["fence"],
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
                raise KeyboardInterrupt
            # The sidecar writes it: this handler may have interrupted a write of the main thread.
            self._sidecar.drain(signal.Signals(number).name)
            self._display.display(
                f"{signal.Signals(number).name}: steps in flight are finished, no other begins. Once more to "
                "end at once.",
                color="yellow",
            )

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, on_signal)
            signal.siginterrupt(number, False)

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
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs
        from ansible_collections.basis.landscape.plugins.plugin_utils._runs import wake

        if self._mark is None:
            return
        why = _failures.words(result._result) or f"task '{result._task.get_name()}' {how}"
        try:
            store = wake.attach(_runs.open_store(self._mark["database"]), self._mark["socket"])
            try:
                store.abandon(
                    self._mark["run"], self._mark["epoch"], result._host.name, why, unreachable=how == "unreachable"
                )
            finally:
                store.close()
        except _runs.Fenced as error:
            self._display.error(f"Another controller has taken this run: {error}. This one records nothing more.")
            self._mark = None
        except _runs.StoreError as error:
            self._display.error(f"Could not record that {result._host.name} {how}: {error}")

    def _close(self, mark: _controller.RunMark) -> tuple[str, dict[str, str]]:
        from ansible_collections.basis.landscape.plugins.plugin_utils import _report, _runs

        store = _runs.open_store(mark["database"])
        try:
            try:
                state = store.finish(mark["run"], mark["epoch"], interrupted=self._interrupted > 0)
            except _runs.Fenced:
                state = "taken over by another controller"
            return state, _report.write(store, mark["run"], _controller.state_directory() / "reports")
        finally:
            store.close()
