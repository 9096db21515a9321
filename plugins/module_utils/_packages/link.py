# SPDX-License-Identifier: GPL-3.0-or-later
"""How a command of the package manager is run: C locale, no terminal, an end in time.

A command that only asks is killed with its children when its time is over. A command that changes packages is never
killed, because a half-done transaction is worse than a late one: it runs in a session of its own, which also outlives a
broken connection, and what is still running when the time is over is answered as *unknown*.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
from typing import IO, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, TimedOut, Unknown

ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "TERM": "dumb",
    "COLUMNS": "500",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_MODE": "l",
    "NEEDRESTART_SUSPEND": "1",
}


class Answer:
    """What a command said: exit code ``rc`` (negative: killed by that signal), ``out``, ``err`` as text."""

    def __init__(self, rc: int, out: str, err: str) -> None:
        self.rc = rc
        self.out = out
        self.err = err

    @property
    def text(self) -> str:
        """Both outputs, errors first."""
        return self.err + "\n" + self.out

    def last_lines(self, count: int = 8) -> str:
        """The last lines that say something, for a person."""
        lines = [line.strip() for line in (self.out + "\n" + self.err).splitlines() if line.strip()]
        return " / ".join(lines[-count:])[:2000]


class Commands:
    """Runs commands of one host.

    :param question_seconds: limit for a command that only asks.
    :param change_seconds: limit for a command that changes packages.
    """

    def __init__(self, question_seconds: float = 600.0, change_seconds: float = 3600.0) -> None:
        self.question_seconds = question_seconds
        self.change_seconds = change_seconds

    def path(self, name: str) -> Optional[str]:
        """Where the command *name* is, also in the folders of root's commands; None when it is not installed."""
        return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")

    def ask(self, *command: str, environment: Optional[Mapping[str, str]] = None) -> Answer:
        """Run a command that changes no package.

        :raises Failed: it is not installed.
        :raises TimedOut: it did not end in time; it was killed.
        """
        return self._run(list(command), self.question_seconds, environment, change=False)

    def change(self, *command: str, environment: Optional[Mapping[str, str]] = None) -> Answer:
        """Run a command that changes packages.

        :raises Failed: it is not installed.
        :raises Unknown: it did not end in time and goes on.
        """
        return self._run(list(command), self.change_seconds, environment, change=True)

    def _run(self, command: List[str], seconds: float, more: Optional[Mapping[str, str]], *, change: bool) -> Answer:
        program = self.path(command[0])
        if program is None:
            raise Failed(f"run {command[0]}", "it is not installed on this host", reason="package_manager_missing")
        environment: Dict[str, str] = dict(os.environ)
        environment.update(ENVIRONMENT)
        environment.update(more or {})
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = _Detached([program] + command[1:], out, err, environment)
            try:
                rc = process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                words = _words(command)
                if change:
                    raise Unknown(
                        f"finish {words}",
                        f"it still runs as process {process.pid} after {seconds:g} s and is left alone",
                        reason="still_running",
                        cure="Wait for the process to end, then run again: the next call looks first",
                        pid=process.pid,
                    ) from None
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise TimedOut(
                    f"read the answer of {words}", f"it did not end within {seconds:g} s", reason="package_manager_slow"
                ) from None
            return Answer(rc, _text(out), _text(err))


class _Detached(subprocess.Popen):
    """A process in a session of its own, which may be left alone and outlive us; AnsibleModule's run_command cannot."""

    def __init__(self, command: List[str], out: IO[bytes], err: IO[bytes], environment: Mapping[str, str]) -> None:
        super().__init__(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            cwd="/",
            start_new_session=True,
        )


#: ``struct flock`` of fcntl(2) on Linux with 64 bits: type, whence, start, length, process.
FLOCK = "hhqqi4x"
LOOK_FOR_LOCK = "see whether the package manager is at work"


def write_lock(path: str) -> str:
    """Which process holds the file *path* by a write lock of fcntl(2), in words; empty when none does.

    It is asked for and not tried, so nobody who wants the lock at the same moment is turned away. Where the file may
    not be read, the kernel's list of all locks is read instead.

    :raises Denied: neither shows it to this user.
    :raises Failed: the kernel does not tell.
    """
    try:
        with open(path, "rb") as handle:
            asked = struct.pack(FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
            found = struct.unpack(FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    except FileNotFoundError:
        return ""
    except PermissionError:
        return _listed_lock(path)
    except OSError as error:
        raise Failed(LOOK_FOR_LOCK, f"{path}: {error.strerror}", reason="lock_file") from error
    return "" if found[0] == fcntl.F_UNLCK else f"process {found[4]} holds {path}"


def _listed_lock(path: str) -> str:
    """As `write_lock`, from the list of locks that everybody may read; it hides processes outside of our pid namespace.

    :raises Denied: the file, the list or the mount cannot be seen, or the list names files of this file system by other
        numbers than stat does.
    :raises Failed: a line of the list has another shape.
    """
    try:
        # A handle that only names the file needs no right to read it.
        handle = os.open(path, os.O_PATH)
        try:
            status = os.fstat(handle)
            with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as stream:
                mount = dict(line.split(None, 1) for line in stream if line.strip()).get("mnt_id:", "").strip()
        finally:
            os.close(handle)
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as stream:
            mounts = stream.read()
        with open("/proc/locks", encoding="ascii", errors="replace") as stream:
            locks = stream.read()
    except FileNotFoundError as error:
        if error.filename == path:
            return ""
        raise _unseen(path, f"{error.filename} is not there") from error
    except OSError as error:
        raise _unseen(path, f"{error.filename or path}: {error.strerror}") from error
    device, kind = read_mount(mounts, mount)
    # btrfs gives each subvolume a device of its own, but the list has that of the whole file system. Any other file
    # system that shows two devices, such as an overlay of several, may show two numbers of the file, too.
    if device is None or (device != status.st_dev and kind != "btrfs"):
        raise _unseen(path, f"the list of locks does not tell its files on {kind or 'an unknown file system'} apart")
    holder = read_locks(locks, device, status.st_ino)
    return "" if holder is None else f"{f'process {holder}' if holder > 0 else 'a process'} holds {path}"


def _unseen(path: str, why: str) -> Denied:
    return Denied(
        LOOK_FOR_LOCK,
        f"{path} may not be read, and who holds it cannot be seen without that: {why}",
        reason="not_root",
        cure="Run the task with become",
    )


def read_mount(text: str, number: str) -> Tuple[Optional[int], str]:
    """The device and the file system type of the mount *number* in ``/proc/self/mountinfo``; None without one."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == [number] and "-" in words:
            major, _colon, minor = words[2].partition(":")
            return os.makedev(int(major), int(minor)), words[words.index("-") + 1]
    return None, ""


def read_locks(text: str, device: int, inode: int) -> Optional[int]:
    """Which process has a write lock of fcntl(2) on a file, by ``/proc/locks``; None when none has.

    It is -1 for a lock that belongs to an open file and to no process. Locks of flock(2) are left out, as they are not
    in the way of a package manager, and who only waits for a lock does not have it.

    :raises Failed: for a line of another shape.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if words[1:2] == ["->"]:
            continue
        found = re.fullmatch(r"([0-9a-f]+):([0-9a-f]+):(\d+)", words[5]) if len(words) == 8 else None
        if len(words) != 8 or (found is None and not words[5].startswith("<none>")) or not _is_number(words[4]):
            raise Failed(LOOK_FOR_LOCK, f"line {number} of /proc/locks is {line[:120]!r}", reason="unknown_output")
        if found is None or words[1] not in ("POSIX", "OFDLCK") or words[3] != "WRITE":
            continue
        if (os.makedev(int(found[1], 16), int(found[2], 16)), int(found[3])) == (device, inode):
            return int(words[4])
    return None


def _is_number(word: str) -> bool:
    return re.fullmatch(r"-?\d+", word) is not None


def pid_lock(path: str) -> str:
    """Which living process has its number in the file *path*, in words; empty when none has.

    :raises Denied: the file may not be read, and nothing else names the process.
    """
    try:
        words = read_file(path).split()
    except PermissionError as error:
        raise Denied(
            LOOK_FOR_LOCK, f"{path}: {error.strerror}", reason="not_root", cure="Run the task with become"
        ) from error
    alive = bool(words) and words[0].isdigit() and os.path.exists(f"/proc/{words[0]}")
    return f"process {words[0]} holds {path}" if alive else ""


def read_file(path: str) -> str:
    """A text file's content, empty when there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except FileNotFoundError:
        return ""


def _words(command: Sequence[str]) -> str:
    return " ".join(command)[:200]


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace")


__all__ = ("Answer", "Commands", "pid_lock", "read_file", "read_locks", "read_mount", "write_lock")
