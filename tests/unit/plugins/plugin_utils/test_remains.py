# SPDX-License-Identifier: GPL-3.0-or-later
"""What lives of earlier controllers, with real processes."""

from __future__ import annotations

import os
import pathlib
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _remains


@pytest.fixture
def state(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    monkeypatch.setenv("BASIS_LANDSCAPE_STATE", str(tmp_path))
    held = len(_remains._held)
    yield tmp_path / "controllers"
    for number in _remains._held[held:]:
        os.close(number)
    del _remains._held[held:]


class Controller:
    """A main process with a worker, as Ansible forks them; the worker outlives it until it is told to end."""

    def __init__(self, run: str, epoch: int) -> None:
        said, say = os.pipe()
        self._hears, tell = os.pipe()
        main = os.fork()
        if not main:
            _remains.announce(run, epoch)
            if not os.fork():
                os.setsid()
                os.close(tell)
                called = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
                os.write(say, f"{os.getpid()} {called.pid}".encode())
                os.read(self._hears, 1)  # until the other end is closed
            else:
                signal.pause()
            os._exit(0)
        os.close(say)
        self.main, self._tell = main, tell
        self.worker, self.called = map(int, os.read(said, 100).split())
        os.close(said)

    def kill(self) -> None:
        os.kill(self.main, signal.SIGKILL)
        os.waitpid(self.main, 0)

    def let_the_worker_end(self) -> None:
        one = os.pidfd_open(self.worker)
        os.close(self._tell)
        os.close(self._hears)
        assert select.select([one], [], [], 30)[0]
        os.close(one)


def test_a_worker_is_seen_until_it_ends(state: pathlib.Path) -> None:
    assert _remains.of_earlier("r1", 2) == []
    controller = Controller("r1", 1)
    assert _remains.of_earlier("r1", 2) == sorted([controller.main, controller.worker])
    controller.kill()
    assert _remains.of_earlier("r1", 2) == [controller.worker], "and not the program that it called"
    assert _remains.of_earlier("r1", 1) == _remains.of_earlier("r2", 2) == [], "another run, or no earlier controller"
    assert str(controller.worker) in _remains.words([controller.worker])
    controller.let_the_worker_end()
    os.kill(controller.called, signal.SIGKILL)
    assert _remains.of_earlier("r1", 2) == []
    assert list(state.iterdir()) == []


def test_what_is_over_is_removed_and_what_lives_is_kept(state: pathlib.Path) -> None:
    state.mkdir()
    (state / "r0.7").touch()
    controller = Controller("r1", 1)
    assert [path.name for path in state.iterdir()] == ["r1.1"]
    _remains.announce("r1", 2)
    assert sorted(path.name for path in state.iterdir()) == ["r1.1", "r1.2"]
    assert _remains.of_earlier("r1", 2) == sorted([controller.main, controller.worker])
    controller.kill()
    controller.let_the_worker_end()
    os.kill(controller.called, signal.SIGKILL)
    assert _remains.of_earlier("r1", 2) == []
