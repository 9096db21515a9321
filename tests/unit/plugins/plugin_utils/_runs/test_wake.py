# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said on the line to a sidecar, what comes of silence."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, Store, StoreError, start_sidecar, wake
from tests.property import plans

FOR_EVER = 600.0
"""No test waits so long: who returns was woken."""


def heard(listener: socket.socket) -> tuple[socket.socket, Any]:
    """The next line, with the first message on it."""
    line, _address = listener.accept()
    line.settimeout(30)
    with line.makefile("rb") as words:
        return line, json.loads(words.readline())


@pytest.fixture
def line(listener: socket.socket) -> Iterator[wake.Line]:
    """A waiter's line."""
    opened = wake.Line(listener.getsockname(), "r1", "app", "stop")
    yield opened
    opened.close()


def test_a_line_says_what_is_waited_for(listener: socket.socket, line: wake.Line) -> None:
    sidecar, said = heard(listener)
    assert said == {"wait": ["r1", "app", "stop"]} and line.open
    sidecar.close()


def test_one_word_wakes_and_is_no_trouble(listener: socket.socket, line: wake.Line) -> None:
    sidecar, _said = heard(listener)
    sidecar.sendall(b"!!!")
    line.wait(FOR_EVER)
    assert line.open and line.trouble is None
    sidecar.close()


@pytest.mark.parametrize(
    "said", [b'{"unwritable": "no room"}\n', b'!!{"unwritable": "no room"}\n{"unwritable": "later"}\n']
)
def test_trouble_is_heard_among_other_words(listener: socket.socket, line: wake.Line, said: bytes) -> None:
    sidecar, _said = heard(listener)
    sidecar.sendall(said)
    line.wait(FOR_EVER)
    assert line.trouble == "no room"
    sidecar.close()


def test_half_a_message_is_heard_when_it_is_said_again(listener: socket.socket, line: wake.Line) -> None:
    sidecar, _said = heard(listener)
    for said, trouble in ((b'!{"unwri', None), (b'table": "no room"}\n', None), (b'{"unwritable": "x"}\n', "x")):
        sidecar.sendall(said)
        line.wait(FOR_EVER)
        assert line.trouble == trouble
    sidecar.close()


def test_who_loses_its_sidecar_asks_by_itself_and_finds_the_next_one(
    listener: socket.socket, line: wake.Line, tmp_path: Path
) -> None:
    sidecar, _said = heard(listener)
    path = listener.getsockname()
    os.rename(path, f"{path}.away")
    sidecar.close()
    line.wait(FOR_EVER)
    seen = [line.open]
    line.wait(0.0)
    seen.append(line.open)
    os.rename(f"{path}.away", path)
    line.wait(FOR_EVER)  # returns at once: what happened since the last question nobody told
    assert [*seen, line.open] == [False, False, True]
    sidecar, said = heard(listener)
    assert said == {"wait": ["r1", "app", "stop"]}
    sidecar.close()


def test_without_a_sidecar_a_line_is_a_clock() -> None:
    line = wake.Line(None, "r1", "app", "stop")
    line.wait(0.0)
    line.wait(-1.0)
    assert not line.open and not line.orphaned()
    line.close()
    line.close()


def test_a_worker_with_more_open_files_than_select_can_count_is_woken(listener: socket.socket) -> None:
    """Every fork of ansible-playbook inherits some of each fork before it: --forks 300 comes that far."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < 1200:
        pytest.skip("this machine allows no more open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(1200, limits[0]), limits[1]))
    files = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while files[-1] < 1024:
            files.append(os.open(os.devnull, os.O_RDONLY))
        line = wake.Line(listener.getsockname(), "r1", "app", "stop")
        sidecar, _said = heard(listener)
        line.wait(0.0)
        sidecar.sendall(b"!")
        line.wait(FOR_EVER)
        assert line.open
        line.close()
        sidecar.close()
    finally:
        for number in files:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def answering(listener: socket.socket, *answer: bytes) -> Callable[[], Any]:
    """Answer the next caller in a thread, piece by piece; what joins it gives the caller's words."""
    words: list[Any] = []

    def serve() -> None:
        line, said = heard(listener)
        words.append(said)
        for piece in answer:
            line.sendall(piece)
        line.close()

    thread = threading.Thread(target=serve)
    thread.start()

    def joined() -> Any:
        thread.join(30)
        return words[0]

    return joined


def test_an_answer_may_come_in_pieces(listener: socket.socket) -> None:
    joined = answering(listener, b'{"written":', b" true}", b"\n")
    assert wake.ask(listener.getsockname(), {"drain": "SIGINT"}, 30.0) == {"written": True}
    assert joined() == {"drain": "SIGINT"}


@pytest.mark.parametrize("answer", [b"", b'{"written": tr'])
def test_who_hangs_up_before_the_end_of_its_answer_is_gone(listener: socket.socket, answer: bytes) -> None:
    joined = answering(listener, answer)
    assert wake.ask(listener.getsockname(), {"drain": "SIGINT"}, 30.0) is None
    joined()


def test_who_does_not_answer_in_time_is_busy_not_gone(listener: socket.socket) -> None:
    assert wake.ask(listener.getsockname(), {"drain": "SIGINT"}, 0.05) == {}


def test_nobody_listens_where_no_socket_is(tmp_path: Path) -> None:
    assert wake.ask(str(tmp_path / "no"), {"drain": "SIGINT"}, 30.0) is None
    assert wake.say(str(tmp_path / "no"), {"changed": True}) is False


def test_an_attached_store_tells_what_it_changed_and_a_detached_one_is_silent(
    store: Store, listener: socket.socket
) -> None:
    assert wake.attach(store, listener.getsockname()) is store
    plan = plans.three_tiers()
    store.create("r1", plan, procedure="patch", code_hash="c", params={}, created_by="tester")
    line, said = heard(listener)
    line.close()
    assert said == {"changed": True}
    wake.attach(store, None)
    store.take("r1", Owner.current())
    store.steps("r1")
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_reading_tells_nobody(store: Store, listener: socket.socket) -> None:
    wake.attach(store, listener.getsockname())
    assert store.runs() == []
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_sidecar_that_is_gone_stops_no_transaction(store: Store, tmp_path: Path) -> None:
    wake.attach(store, str(tmp_path / "gone"))
    store.create("r1", plans.three_tiers(), procedure="patch", code_hash="c", params={}, created_by="tester")
    assert store.run("r1")["state"] == "planned"


def begun(store: Store) -> int:
    store.create("r1", plans.three_tiers(), procedure="patch", code_hash="c", params={}, created_by="tester")
    return store.take("r1", Owner.current())


def test_the_command_line_of_a_sidecar_names_its_run_and_not_the_database(store: Store) -> None:
    epoch = begun(store)
    beside = start_sidecar(store.url, "r1", epoch)
    try:
        command = Path(f"/proc/{beside.pid}/cmdline").read_text(encoding="utf-8")
        assert "basis.landscape run r1" in command
        assert store.url not in command and str(store.engine.url.database) not in command
        assert os.getsid(beside.pid) != os.getsid(0), "what ends the controller's group does not end it"
        assert os.stat(os.path.dirname(beside.socket)).st_mode & 0o077 == 0, "only this user may enter"
    finally:
        beside.stop()


def test_a_sidecar_that_does_not_listen_is_ended_all_the_same(store: Store) -> None:
    beside = start_sidecar(store.url, "r1", begun(store))
    folder = os.path.dirname(beside.socket)
    os.unlink(beside.socket)
    assert not beside.keep({"drain": "SIGINT"})
    beside.stop()
    assert beside._process.returncode == 128 + signal.SIGTERM and not os.path.exists(folder)


def test_a_sidecar_that_stands_still_is_killed(store: Store) -> None:
    beside = start_sidecar(store.url, "r1", begun(store))
    beside._process.send_signal(signal.SIGSTOP)
    beside.stop(timeout=0.1)
    assert not beside.running() and not os.path.exists(os.path.dirname(beside.socket))


def test_one_that_says_nothing_is_an_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "_PROGRAM", "import sys; sys.stdin.readline()")
    with pytest.raises(StoreError, match=r"^Could not start the sidecar of run r1: it said nothing$"):
        start_sidecar(store.url, "r1", begun(store))


def test_one_that_does_not_come_up_is_killed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "START_SECONDS", 0.0)
    monkeypatch.setattr(wake, "_PROGRAM", "import signal; signal.pause()")
    started: list[Any] = []
    start = wake._start

    def noted(words: dict[str, Any], stdout: int) -> Any:
        started.append(start(words, stdout))
        return started[0]

    monkeypatch.setattr(wake, "_start", noted)
    with pytest.raises(StoreError, match="it said nothing"):
        start_sidecar(store.url, "r1", begun(store))
    assert started[0].poll() == -signal.SIGKILL, "it is not left behind"
