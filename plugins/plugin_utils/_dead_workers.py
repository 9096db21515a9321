# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns an Ansible worker that was killed into an unreachable host.

The strategies ``free`` and ``host_pinned`` wait for ever for the result of a worker that died without one, as after the
kernel's out-of-memory killer (measured with ansible-core 2.19.14 and 2.21.5). SIGCHLD tells the main process of every
death; for a worker that ended by a signal, the missing result is put into Ansible's own queue: the host is unreachable,
its waiters are released, the play goes on.

This uses names private to ansible-core (``WorkerProcess._final_q``, ``_host``, ``_task``). A test runs it on the
oldest and the newest release; in a release that lacks one nobody is answered for, and ``watch`` returns its name: the
recorder says so when a run begins, since a worker that is killed then keeps the run waiting.
"""

from __future__ import annotations

import contextlib
import multiprocessing.process
import os
import signal
import types
import typing as t

from ansible.executor.process.worker import WorkerProcess
from ansible.executor.task_queue_manager import FinalQueue


def watch() -> list[str]:
    """Answer for workers of this process that die by a signal from now on. Must be called in the main thread.

    Returns what this release of ansible-core lacks; with anything missing, nobody is answered for.
    """
    lacking = missing()
    if lacking:
        return lacking
    main = os.getpid()
    answered: set[int] = set()

    def on_child(signum: int, frame: types.FrameType | None) -> None:
        if os.getpid() != main:  # a worker inherited this handler
            return
        for process in list(getattr(multiprocessing.process, "_children", ())):
            pid = process.pid
            if pid is None or pid in answered or not isinstance(process, WorkerProcess):
                continue
            with contextlib.suppress(ChildProcessError):
                # WNOWAIT: ansible-core reaps its workers itself
                ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is not None and ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED):
                    answered.add(pid)
                    reason = f"its Ansible worker (process {pid}) was killed by {_signal_name(ended.si_status)}"
                    with contextlib.suppress(OSError):  # at the very end the queue is closed, and nobody waits any more
                        _answer_for(process, reason)

    signal.signal(signal.SIGCHLD, on_child)
    signal.siginterrupt(signal.SIGCHLD, False)
    return []


def missing() -> list[str]:
    """Return the names this file uses that ansible-core lacks."""
    found = [
        f"WorkerProcess.{name}"
        for name in ("_final_q", "_host", "_task")
        if name not in WorkerProcess.__init__.__code__.co_names
    ]
    if not hasattr(FinalQueue, "send_task_result"):
        found.append("FinalQueue.send_task_result")
    if not hasattr(multiprocessing.process, "_children"):
        found.append("multiprocessing.process._children")
    try:
        _answers()
    except ImportError:
        found.append("UnifiedTaskResult")
    return found


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _answer_for(worker: t.Any, reason: str) -> None:
    """Put into the result queue what the dead worker can no longer send: its host is unreachable."""
    outcome = {
        "unreachable": True,
        "changed": False,
        "msg": f"{worker._host.name} is lost: {reason}. What it did is not known.",
    }
    answers = _answers()
    if answers.__name__ == "UnifiedTaskResult":
        result = answers.from_action_result_dict(outcome)
        worker._final_q.send_task_result(worker._host, worker._task, result)
    else:
        worker._final_q.send_task_result(answers(worker._host, worker._task, outcome, {}))


def _answers() -> t.Any:
    """Return the class of what a worker answers. Raises ImportError."""
    try:
        from ansible._internal._task import UnifiedTaskResult
    except ImportError:
        from ansible.executor.task_result import _RawTaskResult  # ansible-core 2.19 to 2.20

        return _RawTaskResult
    return UnifiedTaskResult
