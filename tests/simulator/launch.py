# SPDX-License-Identifier: GPL-3.0-or-later
"""How a test starts the simulator, steers it, reads its journal.

with Simulator.start(landscape, speed=100, faults=[{"name": "red_on_start", "instance": "PRD/prdapp1/D01"}]) as sim:
sim.info["instances"]["PRD/prdapp1/D01"]["https"]     sim.wait(effect="started", instance="PRD/prdapp1/D01")
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# The command line's own file is started, not ``-m tests.simulator``: another distribution's top-level ``tests`` package
# in the environment cannot take its place.
STARTER = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('tests.simulator', run_name='__main__')"
)


class SimulatorError(RuntimeError):
    """The simulator did not start, refused a request, or what was waited for did not happen."""


class Simulator:
    """A running simulator."""

    def __init__(self, process: subprocess.Popen[str], info: dict[str, Any], folder: Path) -> None:
        self.process = process
        self.info = info
        self.folder = folder
        self.info_file = folder / "simulator.json"

    @classmethod
    def start(
        cls,
        landscape: dict[str, Any] | Path | str,
        *,
        speed: float = 1.0,
        faults: list[dict[str, Any]] | None = None,
        journal: Path | None = None,
        socket_dir: Path | bool | None = None,
        network: str = "auto",
        ssh: bool = False,
        deadline: float = 30.0,
    ) -> Simulator:
        """Start it in a process of its own; ready when this returns.

        Args:
            landscape: native export as data, or the path of one.
            speed: simulated seconds per real second.
            faults: faults in force from the start.
            journal: file for the journal; a temporary one when absent.
            socket_dir: folder for Unix sockets; True for a temporary one.
            network: as ``--network``; ``auto`` lets several simulators run side by side, the addresses are in ``info``.
            ssh: whether every host has an sshd as well.
            deadline: real seconds until it has to be ready.

        Raises:
            SimulatorError: it did not get ready; with what it printed.
        """
        folder = Path(tempfile.mkdtemp(prefix="sim-"))
        try:
            if isinstance(landscape, dict):
                path = folder / "landscape.json"
                path.write_text(json.dumps(landscape), encoding="utf-8")
            else:
                path = Path(landscape).resolve()
            command = [
                sys.executable,
                "-c",
                STARTER,
                str(ROOT),
                str(path),
                "--speed",
                str(speed),
                "--network",
                network,
                "--journal",
                str(journal or folder / "journal.jsonl"),
                "--info",
                str(folder / "simulator.json"),
                "--until-eof",  # it ends with whoever started it
            ]
            if faults:
                (folder / "faults.json").write_text(json.dumps(faults), encoding="utf-8")
                command += ["--faults", str(folder / "faults.json")]
            if ssh:
                command.append("--ssh")
            if socket_dir:
                command += ["--socket-dir", str(folder / "s" if socket_dir is True else socket_dir)]
            with open(folder / "stderr", "w", encoding="utf-8") as errors:
                process = subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=errors, text=True, stdin=subprocess.PIPE
                )
            line = cls._first_line(process, deadline)
            if not line:
                process.kill()
                process.wait()
                said = (folder / "stderr").read_text(encoding="utf-8")
                raise SimulatorError(f"the simulator did not get ready: {said.strip() or 'it said nothing'}")
            return cls(process, json.loads(line), folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @staticmethod
    def _first_line(process: subprocess.Popen[str], deadline: float) -> str:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            return process.stdout.readline() if selector.select(deadline) else ""

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, deadline: float = 10.0) -> int:
        """End it with SIGTERM; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    @property
    def environment(self) -> dict[str, str]:
        """What Ansible needs in its environment to use the ``simulated`` connection."""
        here = str(Path(__file__).resolve().parent / "connection")
        others = os.environ.get("ANSIBLE_CONNECTION_PLUGINS")
        return {
            "BASIS_SIMULATOR": str(self.info_file),
            "ANSIBLE_CONNECTION_PLUGINS": f"{here}:{others}" if others else here,
        }

    def control(self, method: str, path: str, body: Any = None, timeout: float = 60.0) -> Any:
        """Call the control door.

        Raises:
            SimulatorError: it refused.
        """
        request = urllib.request.Request(
            self.info["control"] + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with contextlib.closing(error):
                raise SimulatorError(f"{method} {path}: {json.load(error)['error']}") from error

    def fault(self, name: str, **fields: Any) -> int:
        """Put a fault in force; returns its id."""
        return int(self.control("POST", "/faults", {"name": name, **fields})[0]["id"])

    def clear(self, what: int | str = "") -> None:
        """Remove a fault by id, those of a name, or all."""
        self.control("DELETE", f"/faults/{what}" if what != "" else "/faults")

    def clock(self, **fields: float) -> dict[str, float]:
        """Change ``speed``, ``advance`` or ``jump``; without any, just look."""
        return dict(self.control("POST", "/clock", fields))

    def state(self, **parts: Any) -> dict[str, Any]:
        """The whole state, after setting ``hosts=`` or ``instances=`` when given."""
        return dict(self.control("POST", "/state", parts) if parts else self.control("GET", "/state"))

    def hana(self, sid: str, what: str = "", **fields: Any) -> dict[str, Any]:
        """The state of a HANA system, after setting a ``user`` or filling a ``catalog`` when that is asked for."""
        path = f"/hana/{sid}/{what}".rstrip("/")
        return dict(self.control("POST" if what else "GET", path, fields if what else None))

    def abap(self, sid: str, what: str = "", **fields: Any) -> dict[str, Any]:
        """The state of an ABAP system, after setting a ``user``, ``job``, ``table`` ... when asked."""
        path = f"/abap/{sid}/{what}".rstrip("/")
        return dict(self.control("POST" if what else "GET", path, fields if what else None))

    def export(self) -> dict[str, Any]:
        """The landscape as native export with the addresses in use."""
        return dict(self.control("GET", "/export"))

    def journal(self, after: int = 0, **fields: Any) -> list[dict[str, Any]]:
        """The journal's entries, only those with the given fields."""
        rows = self.control("GET", f"/journal?after={after}")
        return [row for row in rows if all(row.get(key) == value for key, value in fields.items())]

    def wait(self, deadline: float = 20.0, after: int = 0, **fields: Any) -> dict[str, Any]:
        """The first entry with the given fields, waited for at most ``deadline`` real seconds.

        Raises:
            SimulatorError: it did not come.
        """
        end = time.monotonic() + deadline
        while True:
            left = end - time.monotonic()
            rows = self.control("GET", f"/journal?after={after}&wait={max(0.0, min(left, 30.0))}")
            for row in rows:
                if all(row.get(key) == value for key, value in fields.items()):
                    return dict(row)
            if rows:
                after = rows[-1]["n"]
            elif left <= 0:
                raise SimulatorError(f"not in the journal within {deadline:g} s: {fields}")
