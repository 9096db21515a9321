# SPDX-License-Identifier: GPL-3.0-or-later
"""The line between a run's processes and their sidecar."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import Owner

if TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store

START_SECONDS = 30.0
ANSWER_SECONDS = 5.0
PAUSE_SECONDS = 5.0
"""How long one that is killed at once lets the next one wait."""
_PROGRAM = """
import json, sys, types
package = types.ModuleType("ansible_collections")
package.__path__ = json.loads(sys.argv[2])
sys.modules["ansible_collections"] = package
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sidecar import main
main()
"""


class Sidecar:
    """A running sidecar as its controller sees it; ``socket`` is the path that workers reach it by."""

    def __init__(self, path: str, process: subprocess.Popen[bytes], task: dict[str, Any]) -> None:
        self.socket = path
        self._process = process
        self._task = task
        self._begun = time.monotonic()
        self._reviving = False

    @property
    def pid(self) -> int:
        """Its process id; another one after `revive`."""
        return self._process.pid

    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def revive(self, owed: list[dict[str, Any]]) -> bool:
        """Start another one when it was killed, at the same socket; say whether it had to be.

        One that ended by itself had its reason: the run is another controller's, or over. ``owed`` are the notes of
        ``Owed`` that are not written yet. Does not wait for it; it bears a database that is away.
        """
        if self._reviving or self._process.poll() in (None, 0):  # a signal handler may interrupt itself
            return False
        self._reviving = True
        try:
            pause = PAUSE_SECONDS if time.monotonic() - self._begun < PAUSE_SECONDS else 0.0
            self._begun = time.monotonic()
            task = {**self._task, "follows": self.socket, "owed": owed, "pause": pause}
            self._process = _start(task, subprocess.DEVNULL)
        finally:
            self._reviving = False
        return True

    def keep(self, note: dict[str, Any]) -> bool:
        """Let it write a note of ``Owed`` as soon as the database takes it; False when it is gone."""
        return say(self.socket, note)

    def drain(self, why: str) -> dict[str, Any] | None:
        """Let it write that the run begins no new step.

        Returns its answer: whether that is ``written``, else the ``error``; nothing when it is busy, and will do it
        later. None when it is gone.
        """
        return ask(self.socket, {"drain": why}, ANSWER_SECONDS)

    def stop(self, timeout: float = 10.0) -> None:
        """End it; the run's state is not touched."""
        if not say(self.socket, {"bye": True}):
            self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout)
        shutil.rmtree(os.path.dirname(self.socket), ignore_errors=True)  # what one that was killed has left


def start_sidecar(url: str, run: str, epoch: int, *, ttl: float = 60.0, owner: Owner | None = None) -> Sidecar:
    """Start the sidecar of a run that was just taken, before the controller forks workers that wait.

    ``owner`` is the controller's process that the sidecar watches (default: this one), ``ttl`` what the run was taken
    with. Raises StoreError when it does not come up.
    """
    owner = owner or Owner.current()
    task = {"url": url, "run": run, "epoch": epoch, "owner": owner.as_dict(), "ttl": ttl}
    process = _start({**task, "follows": None, "owed": [], "pause": 0.0}, subprocess.PIPE)
    if process.stdout is None:
        raise StoreError(f"Could not start the sidecar of run {run}: it has no pipe")
    ready, _other, _other = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if ready else b""
    process.stdout.close()
    answer = json.loads(line) if line.strip() else {"error": "it said nothing"}
    if "error" in answer:
        process.kill()
        process.wait()
        raise StoreError(f"Could not start the sidecar of run {run}: {answer['error']}")
    return Sidecar(answer["socket"], process, task)


def _start(words: dict[str, Any], stdout: int) -> subprocess.Popen[bytes]:
    import ansible_collections

    command = [sys.executable, "-P", "-c", _PROGRAM, f"basis.landscape run {words['run']}"]
    command.append(json.dumps([str(path) for path in ansible_collections.__path__]))
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL, start_new_session=True
    )
    # by standard input, since the URL may hold a password and command lines are public
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(words).encode() + b"\n")
            process.stdin.close()
    return process


def attach(store: Store, path: str | None) -> Store:
    """Let the sidecar know at once what this store's transactions did. Returns the store."""
    store.told = (lambda: say(path, {"changed": True})) if path else None
    return store


def say(path: str, words: dict[str, Any]) -> bool:
    """Tell the sidecar something; False when nobody listens, which is never an error."""
    with contextlib.suppress(OSError):
        with _connected(path) as line:
            line.sendall(json.dumps(words).encode() + b"\n")
            return True
    return False


def ask(path: str, words: dict[str, Any], timeout: float) -> dict[str, Any] | None:
    """Tell the sidecar something; return its answer, empty without one in time, None when nobody listens."""
    said = b""
    try:
        with _connected(path) as line:
            line.settimeout(timeout)
            line.sendall(json.dumps(words).encode() + b"\n")
            while not said.endswith(b"\n"):
                more = line.recv(65536)
                if not more:
                    return None
                said += more
    except TimeoutError:
        return {}
    except OSError:
        return None
    return dict(json.loads(said))


class Line:
    """An open line on which the sidecar says when it is worth asking again."""

    def __init__(self, path: str | None, run: str, ci: str, step: str) -> None:
        self._path, self._waits = path, [run, ci, step]
        self._socket: socket.socket | None = None
        self.trouble: str | None = None
        """Why nothing could be written to the run database for a long time."""
        self._call()
        parent = os.getppid()
        self._parent = parent
        self._pidfd: int | None = None
        with contextlib.suppress(OSError):
            self._pidfd = os.pidfd_open(parent)

    def _call(self) -> bool:
        """Say whether a sidecar listens now."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                line = _connected(self._path)
                line.sendall(json.dumps({"wait": self._waits}).encode() + b"\n")
                line.setblocking(False)
                self._socket = line
        return self.open

    @property
    def open(self) -> bool:
        """Whether a sidecar listens."""
        return self._socket is not None

    def orphaned(self) -> bool:
        """Whether the process that started this one is gone."""
        return os.getppid() != self._parent

    def wait(self, seconds: float) -> None:
        """Return when the sidecar says so, when this process becomes an orphan, or after ``seconds``."""
        if not self.open and self._call():
            return  # another sidecar: what happened since the last question it does not tell
        watch = select.poll()  # select() cannot count to a fork's files, which are several of each fork before it
        for watched in (self._socket, self._pidfd):
            if watched is not None:
                watch.register(watched, select.POLLIN)
        ready = {number for number, _event in watch.poll(max(0.0, seconds) * 1000)}
        if self._socket is not None and self._socket.fileno() in ready:
            try:
                said = self._socket.recv(65536)
            except OSError:
                said = b""
            if not said:  # the sidecar is gone: from now on this waiter polls
                self._socket.close()
                self._socket = None
            elif b"{" in said:
                with contextlib.suppress(ValueError):  # half a message: it is said again
                    self.trouble = json.loads(said[said.index(b"{") :].partition(b"\n")[0])["unwritable"]

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def _connected(path: str) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(2.0)
    try:
        line.connect(path)
    except OSError:
        line.close()
        raise
    return line
