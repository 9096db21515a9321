# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows a maintenance run while it goes: systems by steps in a terminal, plain lines elsewhere."""

from __future__ import annotations

DOCUMENTATION = r"""
name: landscape
type: stdout
short_description: Live picture of a maintenance run
version_added: 0.1.0
description:
  - In a terminal it draws systems by steps, with progress, ages of waits and failures first. Where the output is no
    terminal, as in a log file, or is recorded by ansible-runner, as in a job of AWX, it writes one line for each step
    that is done and for each failure.
  - A warning is shown with the step of the host from which it comes first. What several hosts have said stands once
    more at the end, with their names.
  - Plays that are no part of a run look as with P(ansible.builtin.default#callback); so does everything with C(-v).
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - rich (only for the picture in a terminal)
author:
  - The basis.landscape authors (@basis-landscape)
"""

import atexit
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import typing as t

from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.color import stringc

from ansible_collections.basis.landscape.plugins.plugin_utils import _awx, _failures

GATE = "basis_landscape_gate"
DONE = "basis_landscape_done"
BEGUN = "basis_landscape_begun"


class CallbackModule(Default):
    """The default output until a run begins; then the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "basis.landscape.landscape"

    def __init__(self) -> None:
        super().__init__()
        self._viewer: subprocess.Popen[bytes] | None = None
        self._run = ""
        self._since: dict[str, float] = {}
        self._labels: dict[tuple[str, str], str] = {}
        self._at: dict[str, str] = {}  # the step that a host came to last
        self._warned: dict[str, dict[str, None]] = {}  # by its text, the hosts from which a warning came
        self._events: list[dict[str, t.Any]] = []  # what the viewer is to be told
        self._telling = False
        self._lock = threading.RLock()

    # The run begins and ends

    def _begin(self, begun: dict[str, t.Any], plan: str, hosts: int) -> None:
        self._run = begun["run"]
        if (
            self._display.verbosity == 0
            and sys.stdout.isatty()
            and os.environ.get("TERM") != "dumb"
            and not _awx.is_recorded(os.environ)
            and importlib.util.find_spec("rich")
        ):
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            environment["PYTHONPATH"] = os.pathsep.join([_collections_root(), environment["PYTHONPATH"]])
            self._viewer = subprocess.Popen(
                [sys.executable, "-m", "ansible_collections.basis.landscape.plugins.plugin_utils._screen.viewer"],
                stdin=subprocess.PIPE,
                # Ansible keeps its own from children: a child that is not given them has none.
                stdout=sys.stdout,
                stderr=sys.stderr,
                env=environment,
            )
            self._speak_above()
            atexit.register(self._close)  # the second Ctrl-C leaves without v2_playbook_on_stats
            self._tell(event="begun", run=self._run, plan=plan)
        else:
            self._line(f"run {self._run} begins: {hosts} hosts")

    def _speak_above(self) -> None:
        """Let what anybody displays meanwhile be printed above the picture, which would wipe it out otherwise."""
        plain, main = self._display.display, os.getpid()

        def display(
            msg: str,
            color: str | None = None,
            stderr: bool = False,
            screen_only: bool = False,
            log_only: bool = False,
            newline: bool = True,
            **others: t.Any,
        ) -> None:
            elsewhere = stderr and not sys.stderr.isatty()
            if self._viewer is None or elsewhere or os.getpid() != main:  # a worker has its own way to the main process
                plain(msg, color, stderr, screen_only, log_only, newline, **others)
                return
            plain(msg, color, stderr, screen_only, True, newline, **others)
            if not log_only:
                self._tell(event="line", text=stringc(msg, color) if color else msg)

        setattr(self._display, "display", display)  # noqa: B010  every plugin has this one object

    @staticmethod
    def _show_cursor() -> None:
        """Give the terminal back the cursor that a viewer hid which could not end by itself."""
        sys.stdout.write("\x1b[?25h")
        sys.stdout.flush()

    def _close(self) -> None:
        """Let the viewer draw its last picture."""
        viewer, self._viewer = self._viewer, None
        if viewer is not None and viewer.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                viewer.stdin.close()
            try:
                ended = viewer.wait(timeout=30)
            except subprocess.TimeoutExpired:
                viewer.kill()
                ended = viewer.wait()
            if ended:
                self._show_cursor()

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Close the picture; then Ansible's own recap."""
        self._close()
        for text, hosts in self._warned.items():
            if len(hosts) > 1:
                self._line(f"{len(hosts)} hosts: warning: {text} ({', '.join(hosts)})")
        if not self._run or self._display.verbosity:
            super().v2_playbook_on_stats(stats)

    # What happens on the way

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        """A host that comes to a gate waits."""
        if self._run and _is(task, "maintenance_gate"):
            self._since[host.name] = time.monotonic()
            self._tell(event="waiting", host=host.name)
        elif not self._quiet():
            super().v2_runner_on_start(host, task)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """A gate opened, a step is done, a run has begun."""
        if not self._quiet():  # before a run begins: what is to be said of its database would be lost
            super().v2_runner_on_ok(result)
        else:
            self._warn(result)
        values, host = result._result, result._host.name
        if BEGUN in values:
            self._begin(values[BEGUN], str(values.get("plan", "")), len(values["hosts"]))
        if GATE in values:
            gate = values[GATE]
            self._labels[host, gate["step"]] = gate["label"]
            self._since[host] = time.monotonic()
            self._at[host] = gate["label"]
            self._tell(event="running" if gate["verdict"] in ("go", "look") else "done", host=host, step=gate["step"])
            if gate["step"] == "admit":
                self._tell(event="open", host=host, steps=[row["step"] for row in values["steps"]])
        elif DONE in values:
            step = values[DONE]["step"]
            self._tell(event="done", host=host, step=step)
            took = time.monotonic() - self._since.get(host, time.monotonic())
            label, message = self._labels.get((host, step), f"{host}/{step}"), values[DONE].get("message")
            self._plain(f"{label} done in {took:.0f} s" + (f": {message}" if message else ""))
            if message:
                self._tell(event="line", text=f"{label}: {message}")

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """Say who failed and why, by the name of its CI."""
        self._dead(result, "failed", ignore_errors)
        if not self._quiet():
            super().v2_runner_on_failed(result, ignore_errors)
        else:
            self._warn(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """Say who cannot be reached."""
        self._dead(result, "unreachable")
        if not self._quiet():
            super().v2_runner_on_unreachable(result)
        else:
            self._warn(result)

    def _dead(self, result: t.Any, state: str, ignore_errors: bool = False) -> None:
        if not self._run or ignore_errors:
            return
        gate = result._result.get(GATE)
        why = _failures.words(result._result) or state
        host = result._host.name
        self._tell(
            event="dead", host=host, step=gate and gate["step"], state=gate["verdict"] if gate else state, why=why
        )
        self._plain(why if gate else f"{self._at.get(host, host)} {state}: {why}")

    def _warn(self, result: t.Any) -> None:
        """Show what the result warns of, once for all hosts."""
        host = result._host.name
        for text in map(str, result._result.get("warnings") or ()):
            hosts = self._warned.setdefault(text, {})
            if not hosts:
                said = f"{self._at.get(host, host)}: warning: {text}"
                self._plain(said)
                self._tell(event="line", text=said)
            hosts[host] = None

    # Quiet while the picture speaks

    def _quiet(self) -> bool:
        return bool(self._run) and self._display.verbosity == 0

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Quiet within a run."""
        if not self._quiet():
            super().v2_playbook_on_play_start(play)

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """Quiet within a run."""
        if not self._quiet():
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        """Quiet within a run."""
        if not self._quiet():
            super().v2_runner_on_skipped(result)

    def v2_playbook_on_include(self, included_file: t.Any) -> None:
        """Quiet within a run."""
        if not self._quiet():
            super().v2_playbook_on_include(included_file)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        """Quiet within a run, but for warnings."""
        if not self._quiet():
            super().v2_runner_item_on_ok(result)
        else:
            self._warn(result)

    def v2_runner_item_on_skipped(self, result: t.Any) -> None:
        """Quiet within a run."""
        if not self._quiet():
            super().v2_runner_item_on_skipped(result)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        """Quiet within a run, but for warnings: the task's own failure follows."""
        if not self._quiet():
            super().v2_runner_item_on_failed(result)
        else:
            self._warn(result)

    def _plain(self, text: str) -> None:
        if self._viewer is None and self._quiet():
            self._line(text)

    def _line(self, text: str) -> None:
        self._display.display(f"{time.strftime('%H:%M:%S')} {text}")

    def _tell(self, **event: t.Any) -> None:
        with self._lock:
            self._events.append(event)
            if self._telling:
                return  # a signal came while a line was being written; this one follows it
            self._telling = True
            try:
                while self._events:
                    self._write(self._events.pop(0))
            finally:
                self._telling = False

    def _write(self, event: dict[str, t.Any]) -> None:
        if self._viewer is None or self._viewer.stdin is None:
            return
        try:
            self._viewer.stdin.write(json.dumps(event).encode() + b"\n")
            self._viewer.stdin.flush()
        except BrokenPipeError:
            self._viewer = None
            self._show_cursor()
            self._display.warning("The live picture has ended. The run goes on, in lines.")
            if event["event"] == "line":
                self._display.display(event["text"])


def _is(task: t.Any, action: str) -> bool:
    return str(task.action).rsplit(".", maxsplit=1)[-1] == action


def _collections_root() -> str:
    """Return the folder that holds ansible_collections, so that the viewer imports what this process runs."""
    path = os.path.abspath(__file__)
    for _step in range(6):
        path = os.path.dirname(path)
    return path
