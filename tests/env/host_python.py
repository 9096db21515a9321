# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python of simulated hosts that share one small machine: a process that has imported what every module needs.

Each module runs in a fork of it. A real host compiles all of that anew out of what Ansible sends, which is more than
nine tenths of a module's processor time; forty hosts on two cores would do little else.

with HostPython.start() as python:
    environment.update(python.environment)      # the connection ``simulated`` hands its modules over
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
import types
import typing as t
from pathlib import Path

from tests.env import collection

ROOT = Path(__file__).resolve().parents[2]
ROOMS = "ansible_collections.basis.landscape.plugins.module_utils"
OF_ANSIBLE = (
    "ansible.module_utils.basic",
    "ansible.module_utils.facts.ansible_collector",
    "ansible.module_utils.facts.default_collectors",
    "ansible.module_utils.facts.namespace",
)
LENGTH = struct.Struct("!Q")


class HostPython:
    """A running one."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder

    @classmethod
    def start(cls) -> HostPython:
        """Start it; ready when this returns. Raises RuntimeError with what it printed when it cannot."""
        folder = Path(tempfile.mkdtemp(prefix="hosts-"))
        command = [sys.executable, "-X", "utf8", "-m", "tests.env.host_python", str(folder / "s")]
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment = {**inherited, "PYTHONPATH": str(collection.link(ROOT))}
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # what interrupts the controller does not interrupt a module on a host
        )
        assert process.stdout is not None
        if process.stdout.readline().strip() != b"ready":
            process.kill()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)
            raise RuntimeError("the Python of the simulated hosts did not start")
        return cls(process, folder)

    @property
    def environment(self) -> dict[str, str]:
        """What the connection ``simulated`` needs in its environment."""
        return {"BASIS_HOST_PYTHON": str(self._folder / "s")}

    def __enter__(self) -> HostPython:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()  # it ends when its input does
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def main() -> None:
    """Serve until standard input ends."""
    for name in (*OF_ANSIBLE, *(found.name for found in pkgutil.walk_packages(_path(ROOMS), f"{ROOMS}."))):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as selector:
        door.bind(sys.argv[1])
        door.listen(256)
        selector.register(door, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _events in selector.select():
                if key.fd == 0:
                    return
                guest, _address = door.accept()
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    door.close()
                    _serve(guest)
                guest.close()


def _path(package: str) -> t.Iterable[str]:
    return importlib.import_module(package).__path__


def _read(guest: socket.socket) -> bytes:
    with guest.makefile("rb") as stream:
        return stream.read(LENGTH.unpack(stream.read(LENGTH.size))[0])


def _serve(guest: socket.socket) -> t.NoReturn:
    request = json.loads(_read(guest))
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    streams = [os.memfd_create(name) for name in ("out", "err")]
    for number, descriptor in enumerate(streams, 1):
        os.dup2(descriptor, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = _run(request["script"])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    out, err = (os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode() for descriptor in streams)
    answer = json.dumps({"code": code, "out": out, "err": err}).encode()
    guest.sendall(LENGTH.pack(len(answer)) + answer)
    os._exit(0)


def _run(script: str) -> int:
    """Run what a host's Python would have read from standard input; its exit code."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["-"]
    try:
        exec(compile(script, "<stdin>", "exec"), module.__dict__)
        code: t.Any = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    if isinstance(code, int) or code is None:
        return code or 0
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
