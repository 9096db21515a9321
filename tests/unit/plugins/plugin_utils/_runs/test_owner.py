# SPDX-License-Identifier: GPL-3.0-or-later
"""How one process is told from another one."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Machine, Owner, Process
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import owner as owner_module
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import process_alive, process_start


@contextlib.contextmanager
def child(first: Callable[[], object] = lambda: None) -> Iterator[int]:
    """A process that does something, says so, then lives until it is collected."""
    hears, says = os.pipe()
    ends, lives = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(lives)
            first()
            os.write(says, b"!")
            os.read(ends, 1)
        finally:
            os._exit(0)
    os.close(says)
    os.close(ends)
    try:
        assert os.read(hears, 1) == b"!"
        yield pid
    finally:
        os.close(lives)
        os.close(hears)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def test_a_process_is_itself_from_its_start_to_its_end() -> None:
    with child() as pid:
        start = process_start(pid)
        assert start is not None and process_alive(pid, start)
        assert not process_alive(pid, start + 1), "another one, under the same number"
    assert process_start(pid) is None and not process_alive(pid, start)


def test_who_never_was_is_not_alive_by_a_start_of_nothing() -> None:
    with child() as pid:
        pass
    owner = Owner.current(pid=pid)
    assert owner.pid_start == 0 and not Machine().alive(owner.pid, owner.pid_start)


def test_the_remains_of_a_process_are_not_alive() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        assert " Z " in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8"), "it is a zombie"
        assert process_start(pid) is None
    finally:
        os.waitpid(pid, 0)


@pytest.mark.parametrize("name", ["a) Z 1 (b", "x y z", ")", "((("])
def test_the_name_of_a_command_may_look_like_more_fields(name: str) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    before = time.clock_gettime(time.CLOCK_BOOTTIME) * ticks
    with child(lambda: Path("/proc/self/comm").write_text(name, encoding="utf-8")) as pid:
        assert f"({name})" in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        start = process_start(pid)
        assert start is not None and before - 1 <= start <= time.clock_gettime(time.CLOCK_BOOTTIME) * ticks


def test_this_process_is_the_owner_unless_another_one_is_named() -> None:
    owner = Owner.current()
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert (owner.pid, owner.pid_start) == (os.getpid(), process_start(os.getpid()))
    assert owner.controller == f"{user}@{socket.gethostname()}"
    assert owner.words() == f"{user}@{owner.host} (process {os.getpid()} on {owner.host})"
    with child() as pid:
        other = Owner.current(pid=pid, controller="AWX job 7")
        assert (other.controller, other.pid, other.pid_start) == ("AWX job 7", pid, process_start(pid))
        assert (other.boot_id, other.pid_ns) == (owner.boot_id, owner.pid_ns)


def test_an_owner_comes_back_from_plain_data() -> None:
    owner = Owner.current()
    assert Owner(**owner.as_dict()) == owner
    process = Process.current()
    assert Process(**process.as_dict()) == process and process.pid_start == owner.pid_start


def test_two_claims_of_one_process_differ_by_their_token() -> None:
    first, second = Process.current(), Process.current()
    assert first.token and first.token != second.token
    assert {**first.as_dict(), "token": ""} == {**second.as_dict(), "token": ""}


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run under ids that no passwd file knows."""
    monkeypatch.setattr(os, "geteuid", lambda: 1_234_567_890)
    assert Owner.current().controller == f"1234567890@{socket.gethostname()}"


def test_a_machine_is_known_by_its_boot_and_its_namespace() -> None:
    machine = Machine()
    assert machine.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip() != ""
    assert machine.pid_ns == os.readlink("/proc/self/ns/pid")
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= machine.boottime() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_a_kernel_that_tells_nothing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_arguments: object, **_named: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "readlink", nothing)
    monkeypatch.setattr("builtins.open", nothing)
    assert (owner_module.boot_id(), owner_module.pid_namespace(), process_start(os.getpid())) == ("", "", None)
