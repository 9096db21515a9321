# SPDX-License-Identifier: GPL-3.0-or-later
"""How R3trans is started and ended. The programs here are small scripts that do what it may do: print, hang, die."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._r3trans import link


def program(folder: Path, body: str) -> list[str]:
    path = folder / "R3trans"
    path.write_text(f"#!{sys.executable}\nimport os, signal, sys, time\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return [str(path)]


def test_exit_code_with_what_was_printed(tmp_path: Path) -> None:
    body = "open('x', 'w').close(); print(os.getcwd()); print('no', file=sys.stderr); sys.exit(8)"
    answer = link.run("run it", program(tmp_path, body), str(tmp_path), 30, None)
    assert (answer.code, sorted(answer.text.split())) == (8, sorted([str(tmp_path.resolve()), "no"]))
    assert (tmp_path / "x").stat().st_mode & 0o077 == 0, "its files are for their owner"
    assert os.umask(0o022) != 0o077


def test_a_signal(tmp_path: Path) -> None:
    command = program(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    assert link.run("run it", command, str(tmp_path), 30, None).code == -signal.SIGKILL


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="no such program") as raised:
        link.find(str(tmp_path / "R3trans"))
    assert raised.value.reason == "no_r3trans"
    path = tmp_path / "R3trans"
    path.write_text("no program", encoding="utf-8")
    path.chmod(0o755)
    with pytest.raises(Failed, match="cannot be run"):
        link.run("run it", [str(path)], str(tmp_path), 30, None)


def test_one_that_reads_is_ended(tmp_path: Path) -> None:
    body = "open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(TimedOut, match="did not end within 1 s and was ended"):
        link.run("run it", program(tmp_path, body), str(tmp_path), 1, None)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_one_that_changes_goes_on_and_holds_the_folder(tmp_path: Path) -> None:
    fifo = tmp_path / "end"
    os.mkfifo(fifo)
    lock = link.Lock(str(tmp_path))
    with pytest.raises(Denied, match="at work there"):
        link.Lock(str(tmp_path))
    with pytest.raises(Unknown, match="still runs as process") as raised:
        link.run("run it", program(tmp_path, "open('end').read()"), str(tmp_path), 1, lock, change=True)
    os.close(lock.handle)
    with pytest.raises(Denied) as refused:
        link.Lock(str(tmp_path))
    assert refused.value.reason == "still_running"
    fifo.open("w").close()
    os.waitpid(raised.value.facts["pid"], 0)
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)


def test_a_lock_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="No such file"):
        link.Lock(str(tmp_path / "none"))


def test_reading_a_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\ntw\xff\n")
    assert list(link.lines_of(str(tmp_path / "log"))) == ["one", "tw\ufffd"]
    assert link.read_text(str(tmp_path / "none")) == "" and not list(link.lines_of(str(tmp_path / "none")))
