# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands are run: their locale, their end, what happens when it does not come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._packages import link
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import (
    Commands,
    pid_lock,
    read_locks,
    read_mount,
    write_lock,
)


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


@contextmanager
def holding(path: Path, lock: str) -> Iterator[int]:
    """Another process that has the file *path* locked; its number."""
    words = f"import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.{lock}; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", words, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "\n"
        yield holder.pid
        holder.stdin.write("\n")


class Unreadable:
    """What opens files for a user who may not read some of them; what they hold instead, where a text is given."""

    def __init__(self, refused: str, texts: dict[str, str], folder: Path) -> None:
        self.refused = refused
        self.paths = {}
        for name, text in texts.items():
            self.paths[name] = folder / name.replace("/", "_")
            self.paths[name].write_text(text, encoding="ascii")

    def __call__(self, path: str, *words: Any, **options: Any) -> Any:
        if path == self.refused:
            raise PermissionError(13, "Permission denied", path)
        return open(self.paths.get(path, path), *words, **options)


@pytest.fixture(params=[False, True], ids=["readable", "unreadable"])
def lock_file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file that is not there yet, once for root, once for a user who may not read it."""
    path = tmp_path / "lock"
    if request.param:
        # Root may read whatever the mode says, so the right is taken from whoever runs this.
        def opens(name: str, *words: Any, **options: Any) -> Any:
            return Unreadable(str(path) if path.exists() else "", {}, tmp_path)(name, *words, **options)

        monkeypatch.setattr(link, "open", opens, raising=False)
    return path


@pytest.mark.parametrize(
    ("lock", "held"),
    [("lockf(f, fcntl.LOCK_EX)", True), ("lockf(f, fcntl.LOCK_SH)", False), ("flock(f, fcntl.LOCK_EX)", False)],
)
def test_write_lock(lock_file: Path, lock: str, held: bool) -> None:
    """Who writes is seen with the process, until it ends; who reads is not in the way, whoever looks."""
    assert write_lock(str(lock_file)) == ""
    lock_file.touch()
    with holding(lock_file, lock) as process:
        assert write_lock(str(lock_file)) == (f"process {process} holds {lock_file}" if held else "")
    assert write_lock(str(lock_file)) == ""


MOUNT = "60 1 {device} / /x rw,relatime shared:1 - {kind} /dev/x rw\n"


def lines(status: os.stat_result, device: int | None = None) -> str:
    """The kernel's list of locks, in which process 7 holds a file, also by another device number."""
    device = status.st_dev if device is None else device
    return f"1: POSIX  ADVISORY  WRITE 7 {os.major(device):02x}:{os.minor(device):02x}:{status.st_ino} 0 EOF\n"


@pytest.mark.parametrize(
    ("kind", "same", "says"),
    [
        ("ext4", True, "process 7 holds"),
        ("overlay", True, "process 7 holds"),
        ("btrfs", False, "process 7 holds"),
        ("overlay", False, None),
    ],
)
def test_write_lock_by_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, same: bool, says: str | None
) -> None:
    """A subvolume has a device that the list does not know; where it is unknown what the list has, nothing is said."""
    path = tmp_path / "lock"
    path.touch()
    status = path.stat()
    device = status.st_dev if same else os.makedev(0, 999)
    mount = MOUNT.format(device=f"{os.major(device)}:{os.minor(device)}", kind=kind)
    handle = os.open(path, os.O_PATH)
    os.close(handle)  # the number that the next handle gets
    texts = {
        f"/proc/self/fdinfo/{handle}": "pos:\t0\nflags:\t010000000\nmnt_id:\t60\n",
        "/proc/self/mountinfo": mount,
        "/proc/locks": lines(status, device),
    }
    opens = Unreadable(str(path), texts, tmp_path)
    monkeypatch.setattr(link, "open", opens, raising=False)
    if says:
        assert write_lock(str(path)) == f"{says} {path}"
        return
    with pytest.raises(Denied, match=r"files on overlay apart.*become") as caught:
        write_lock(str(path))
    assert caught.value.reason == "not_root"


@pytest.mark.parametrize("refused", ["/proc/locks", "/proc/self/mountinfo"])
def test_write_lock_that_nothing_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    """Who can read neither the file nor the list is told so; a lock that is not seen is not free."""
    path = tmp_path / "lock"
    path.touch()

    def opens(name: str, *words: Any, **options: Any) -> Any:
        if name in (str(path), refused):
            raise PermissionError(13, "Permission denied", name)
        return open(name, *words, **options)

    monkeypatch.setattr(link, "open", opens, raising=False)
    with pytest.raises(Denied, match=f"{path} may not be read.*{refused}: Permission denied.*become") as caught:
        write_lock(str(path))
    assert caught.value.reason == "not_root"
    monkeypatch.setattr(link, "open", Unreadable(str(path), {}, tmp_path), raising=False)
    assert pid_lock(str(tmp_path / "none")) == ""
    with pytest.raises(Denied):
        pid_lock(str(path))


@pytest.mark.parametrize(
    ("line", "holder"),
    [
        ("1: POSIX  ADVISORY  WRITE 7 fe:00:12 0 EOF", 7),
        ("1: OFDLCK ADVISORY  WRITE -1 fe:00:12 0 EOF", -1),
        ("1: POSIX  ADVISORY  WRITE 7 fe:00:12 3 4", 7),
        ("1: POSIX  ADVISORY  READ  7 fe:00:12 0 EOF", None),
        ("1: FLOCK  ADVISORY  WRITE 7 fe:00:12 0 EOF", None),
        ("1: POSIX  ADVISORY  WRITE 7 fe:00:120 0 EOF", None),
        ("1: POSIX  ADVISORY  WRITE 7 fe:01:12 0 EOF", None),
        ("1: POSIX  ADVISORY  WRITE 7 <none>:0 0 EOF", None),
        ("1: -> POSIX  ADVISORY  WRITE 7 fe:00:12 0 EOF", None),
        ("1:  -> POSIX  ADVISORY  WRITE 7 fe:00:12 0 EOF", None),
    ],
)
def test_list_of_locks(line: str, holder: int | None) -> None:
    """Only who has a write lock of fcntl(2) on this very file; neither who reads, nor who waits."""
    others = "8: LEASE  ACTIVE    READ  9 fe:00:12 0 EOF\n9: FLOCK  ADVISORY  READ 9 fe:00:12 0 EOF\n"
    assert read_locks(f"{others}{line}\n", os.makedev(0xFE, 0), 12) == holder


@pytest.mark.parametrize("line", ["POSIX WRITE 7", "1: POSIX ADVISORY WRITE x fe:00:12 0 EOF", "1: a b c 7 fe:12 0 1"])
def test_list_of_locks_in_another_shape(line: str) -> None:
    """It is an error, not a file that is free."""
    with pytest.raises(Failed, match="line 1 of /proc/locks") as caught:
        read_locks(f"{line}\n", 1, 1)
    assert caught.value.reason == "unknown_output"


def test_mount_that_is_not_listed() -> None:
    """The number names the line, whatever else in it has the same one."""
    text = MOUNT.format(device="254:0", kind="ext4")
    assert read_mount(text, "60") == (os.makedev(254, 0), "ext4")
    assert read_mount(text, "1") == (None, "")


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
