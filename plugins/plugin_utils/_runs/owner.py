# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a controller process is, in terms that another process can check."""

from __future__ import annotations

import dataclasses
import os
import pwd
import socket
import time
import uuid
from typing import Any


@dataclasses.dataclass(frozen=True)
class Owner:
    """One controller process.

    ``controller`` is for people (user@host, or what AWX calls the job); the rest identifies the process beyond doubt:
    a process id means nothing without its start time (clock ticks after boot, proc(5) field 22), its process id
    namespace (inode) or the boot of its machine.
    """

    controller: str
    host: str
    boot_id: str
    pid_ns: str
    pid: int
    pid_start: int

    @classmethod
    def current(cls, pid: int | None = None, controller: str | None = None) -> Owner:
        """The identity of process ``pid`` of this machine (default: this process)."""
        number = os.getpid() if pid is None else pid
        host = socket.gethostname()
        return cls(
            controller or f"{_user()}@{host}", host, boot_id(), pid_namespace(), number, process_start(number) or 0
        )

    def words(self) -> str:
        """The owner as an error message names it."""
        return f"{self.controller} (process {self.pid} on {self.host})"

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain data."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Process:
    """A process that acts for a step: what a later controller needs to find out whether it still lives."""

    host: str
    boot_id: str
    pid_ns: str
    pid: int
    pid_start: int
    token: str
    """Tells two claims of one process apart."""

    @classmethod
    def current(cls) -> Process:
        """This process with a fresh token."""
        pid = os.getpid()
        return cls(socket.gethostname(), boot_id(), pid_namespace(), pid, process_start(pid) or 0, uuid.uuid4().hex)

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain data."""
        return dataclasses.asdict(self)


class Machine:
    """This machine as an observer of leases: its clock that never goes back, its processes."""

    def __init__(self) -> None:
        self.host = socket.gethostname()
        self.boot_id = boot_id()
        self.pid_ns = pid_namespace()

    def boottime(self) -> float:
        """Seconds since boot, time asleep included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def alive(self, pid: int, start: int) -> bool:
        """Whether the process that started at ``start`` still runs under ``pid``."""
        return process_alive(pid, start)


def boot_id() -> str:
    """The id of this boot of the machine; empty where the kernel tells none."""
    return _read("/proc/sys/kernel/random/boot_id").strip()


def pid_namespace() -> str:
    """The process id namespace of this process, for example ``pid:[4026531836]``."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def process_start(pid: int) -> int | None:
    """Start time of a process in clock ticks after boot; None when there is none or only its remains (zombie)."""
    content = _read(f"/proc/{pid}/stat")
    if not content:
        return None
    fields = content.rpartition(")")[2].split()  # the command's name may hold blanks and brackets
    if fields[0] in ("Z", "X"):
        return None
    return int(fields[19])


def process_alive(pid: int, start: int) -> bool:
    """Whether ``pid`` is still the process that started at ``start``."""
    return process_start(pid) == start


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
