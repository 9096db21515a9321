# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands are run: their locale, their end, what happens when it does not come."""

from __future__ import annotations

import os
import signal
import time

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Commands


def gone(pid: int) -> bool:
    """True when no process *pid* runs."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as handle:
            return handle.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_answer() -> None:
    """Exit code and both outputs, in the C locale, without a terminal."""
    answer = Commands().ask("sh", "-c", "echo $LC_ALL; echo why >&2; test -t 0; exit 3")
    assert (answer.rc, answer.out, answer.err) == (3, "C\n", "why\n")
    assert answer.last_lines() == "C / why"


def test_missing_command() -> None:
    """A command that is not installed has its own error."""
    with pytest.raises(Failed) as caught:
        Commands().ask("no-such-package-manager")
    assert caught.value.reason == "package_manager_missing"


def test_question_is_killed() -> None:
    """A question that gets no answer ends with its children."""
    began = time.monotonic()
    with pytest.raises(TimedOut):
        Commands(question_seconds=0.2).ask("sh", "-c", "sleep 60 & wait")
    assert time.monotonic() - began < 30


def test_change_is_left_alone() -> None:
    """A change that is late goes on, and its process is named."""
    with pytest.raises(Unknown) as caught:
        Commands(change_seconds=0.2).change("sleep", "60")
    pid = caught.value.facts["pid"]
    try:
        assert caught.value.reason == "still_running"
        assert not gone(pid)
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
