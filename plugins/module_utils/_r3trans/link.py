# SPDX-License-Identifier: GPL-3.0-or-later
"""How R3trans is started: no terminal, private files, an end in time.

A run that only reads is ended when its time is over. An import is not, because half of it is worse than a late one: it
has a session of its own, holds the lock of its folder as long as it lives, and is answered as *unknown*.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from typing import IO, Iterator, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, TimedOut, Unknown

_MOST = 1 << 20
_HIGH = 64


class Answer(NamedTuple):
    """The exit code (negative: ended by that signal), with what was printed."""

    code: int
    text: str


class Lock:
    """The lock of a folder; R3trans inherits it, so that it is held until both are gone.

    :raises Denied: somebody else has it.
    """

    def __init__(self, folder: str) -> None:
        try:
            low = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            self.handle = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH)  # a script uses the low ones for itself
            os.close(low)
        except OSError as error:
            raise Failed(f"use {folder}", f"{error.strerror}", reason="folder") from error
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self.handle)
            raise Denied(
                f"use {folder}",
                "another run, or an R3trans that an earlier one left, is at work there",
                reason="still_running",
                cure="Wait for it to end, then run again",
            ) from error


def find(program: str) -> str:
    """The path of the program.

    :raises Failed: it is not there.
    """
    found = shutil.which(program)
    if found is None:
        raise Failed(
            f"run {program}",
            "there is no such program here",
            reason="no_r3trans",
            cure="Run it on a host of the system as <sid>adm with its login environment, or set r3trans_path",
        )
    return found


def run(
    doing: str, command: Sequence[str], folder: str, seconds: float, lock: Optional[Lock], *, change: bool = False
) -> Answer:
    """Run a command in a folder.

    :param lock: what it holds as long as it lives.

    :raises TimedOut: a command that reads did not end in time; it was ended.
    :raises Unknown: one that changes did not end in time; it goes on.
    """
    with tempfile.TemporaryFile() as out:
        try:
            process = _Detached(command, out, folder, (lock.handle,) if lock else ())
        except OSError as error:
            raise Failed(doing, f"{command[0]} cannot be run: {error.strerror}", reason="no_r3trans") from error
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            why = f"R3trans did not end within {seconds:g} s"
            if change:
                raise Unknown(
                    doing,
                    f"{why}; it still runs as process {process.pid} and is left alone",
                    reason="still_running",
                    cure="Wait for the process to end, then run again: the same import is made once more",
                    pid=process.pid,
                ) from None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise TimedOut(doing, f"{why} and was ended", reason="r3trans_slow") from None
        out.seek(0)
        return Answer(code, out.read(_MOST).decode("utf-8", "replace"))


class _Detached(subprocess.Popen):
    """A process in a session of its own whose files are for their owner; AnsibleModule's run_command has no timeout."""

    def __init__(self, command: Sequence[str], out: IO[bytes], folder: str, handles: Tuple[int, ...]) -> None:
        before = os.umask(0o077)
        try:
            super().__init__(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
                pass_fds=handles,
            )
        finally:
            os.umask(before)


def read_text(path: str) -> str:
    """A log that R3trans wrote; empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def lines_of(path: str) -> Iterator[str]:
    """The lines of a log, one after the other, since a list of rows may be long."""
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                yield line.rstrip("\n")


__all__ = ("Answer", "Lock", "find", "lines_of", "read_text", "run")
