# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands are run: their locale, their end, what happens when it does not come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Commands, pid_lock, write_lock


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


@pytest.mark.parametrize(("lock", "held"), [("LOCK_EX", True), ("LOCK_SH", False)])
def test_write_lock(tmp_path: Path, lock: str, held: bool) -> None:
    """Who writes is seen with the process, until it ends; who reads is not in the way."""
    path = tmp_path / "lock"
    assert write_lock(str(path)) == ""
    path.touch()
    words = f"import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.{lock}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", words, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "\n"
        assert write_lock(str(path)) == (f"process {holder.pid} holds {path}" if held else "")
        holder.stdin.write("\n")
    assert write_lock(str(path)) == ""


def test_lock_that_cannot_be_asked_for(tmp_path: Path) -> None:
    """A lock that nobody can tell of is not free."""
    with pytest.raises(Failed, match="directory"):
        write_lock(str(tmp_path))


def test_pid_lock(tmp_path: Path) -> None:
    """A process that lives; what a dead one left behind holds nothing."""
    path = tmp_path / "pid"
    assert pid_lock(str(path)) == ""
    path.write_text(f"{os.getpid()}\n", encoding="ascii")
    assert pid_lock(str(path)) == f"process {os.getpid()} holds {path}"
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    for text in ("", "unknown", str(dead.pid)):
        path.write_text(text, encoding="ascii")
        assert pid_lock(str(path)) == ""
