# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns an Ansible worker that was killed into an unreachable host.

The strategies ``free`` and ``host_pinned`` wait for ever for the result of a worker that died without one, as after the
kernel's out-of-memory killer (measured with ansible-core 2.19.14 and 2.21.5). SIGCHLD tells the main process of every
death; for a worker that ended by a signal, the missing result is put into Ansible's own queue: the host is unreachable,
its waiters are released, the play goes on.

This uses names private to ansible-core (``WorkerProcess._final_q``, ``_host``, ``_task``). A test runs it on the
oldest and
the newest release; where a name is missing, ``watch`` says so and the sidecar is the second line.
"""

from __future__ import annotations

import contextlib
import multiprocessing.process
import os
import signal
import types
import typing as t


def watch(report: t.Callable[[str, str], None]) -> None:
    """Answer for workers of this process that die by a signal from now on. Must be called in the main thread.

    ``report(host, reason)`` is called for each, in the main thread between two instructions: it must only take a note.
    """
    main = os.getpid()
    answered: set[int] = set()

    def on_child(signum: int, frame: types.FrameType | None) -> None:
        if os.getpid() != main:  # a worker inherited this handler
            return
        for process in list(getattr(multiprocessing.process, "_children", ())):
            pid = process.pid
            if pid is None or pid in answered or not hasattr(process, "_final_q"):
                continue
            with contextlib.suppress(ChildProcessError):
                # WNOWAIT: ansible-core reaps its workers itself
                ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is not None and ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED):
                    answered.add(pid)
                    reason = f"its Ansible worker (process {pid}) was killed by {_signal_name(ended.si_status)}"
                    with contextlib.suppress(OSError):  # at the very end the queue is closed, and nobody waits any more
                        _answer_for(process, reason)
                    report(str(process._host.name), reason)

    signal.signal(signal.SIGCHLD, on_child)
    signal.siginterrupt(signal.SIGCHLD, False)


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
    try:
        from ansible._internal._task import UnifiedTaskResult
    except ImportError:
        from ansible.executor.task_result import _RawTaskResult  # ansible-core 2.19 to 2.20

        worker._final_q.send_task_result(_RawTaskResult(worker._host, worker._task, outcome, {}))
    else:
        result = UnifiedTaskResult.from_action_result_dict(outcome)
        worker._final_q.send_task_result(worker._host, worker._task, result)
