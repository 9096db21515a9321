# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection to a simulated host: what belongs to its operating system goes to the simulator."""

from __future__ import annotations

import http.client
import json
import os
import re
import runpy
import shlex
import shutil
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

DOCUMENTATION = r"""
name: simulated
author: The basis.landscape authors
short_description: Reach a host of the landscape simulator
description:
  - Runs commands on this machine, as the local connection does. C(PATH) is led by small commands (C(dnf), C(rpm),
    C(shutdown) and
    others) that speak to the simulator, C(HOME) is a folder of the simulated host, the boot id is the simulated one.
  - The host is unreachable while the simulator says so.
  - There is no privilege escalation. Set C(ansible_become=false).
options:
  remote_addr:
    description: Name of the host in the simulator, its address there, or the address that the landscape gives for it.
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
  info_file:
    description: File with the JSON line that the simulator printed when it was ready.
    env:
      - name: BASIS_SIMULATOR
    vars:
      - name: simulator_info_file
    required: true
  python_socket:
    description:
      - Unix socket of a process that runs Python programs in forks of itself (C(tests/env/host_python.py)).
      - Without it a Python is started for each.
    env:
      - name: BASIS_HOST_PYTHON
    default: ""
  connection_timeout:
    description: Real seconds that a connection attempt waits for a host that is down.
    type: int
    default: 0
    vars:
      - name: ansible_simulated_timeout
extends_documentation_fragment:
  - connection_pipelining
"""

# Ansible loads this file by its path, where no package is around it.
SHELL = runpy.run_path(str(Path(__file__).resolve().parents[1] / "shell.py"))
LENGTH = struct.Struct("!Q")
POWER = re.compile(r"\b(shutdown|reboot|poweroff|halt)\b")

display = Display()


def python_environment(command: str) -> dict[str, str] | None:
    """What is set for a Python that reads its program from standard input; None when it is another command."""
    shell = shlex.split(command)
    if len(shell) != 3 or shell[1] != "-c":
        return None
    words = shlex.split(shell[2])
    if words[-3:] == ["&&", "sleep", "0"]:  # Ansible's own way to keep a terminal open
        del words[-3:]
    settings = [word.partition("=") for word in words[:-1]]
    if (
        not words
        or not Path(words[-1]).name.startswith("python")
        or not all(equals for _name, equals, _value in settings)
    ):
        return None
    return {name: value for name, _equals, value in settings}


def ask_python(door: str, program: str, environment: dict[str, str], folder: str) -> dict[str, Any]:
    """Have a program run by the process behind the Unix socket *door*; its exit code and what it printed."""
    text = json.dumps({"script": program, "environment": environment, "folder": folder}).encode()
    with socket.socket(socket.AF_UNIX) as guest:
        guest.connect(door)
        guest.sendall(LENGTH.pack(len(text)) + text)
        with guest.makefile("rb") as stream:
            length = stream.read(LENGTH.size)
            answer = stream.read(LENGTH.unpack(length)[0]) if length else b""
    return (
        dict(json.loads(answer)) if answer else {"code": 255, "out": "", "err": "The program ended without an answer"}
    )


class Connection(ConnectionBase):
    """Simulated connections."""

    transport = "simulated"
    has_pipelining = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._info: dict[str, Any] = {}
        self._name = ""

    def _connect(self) -> Connection:
        if not self._info:
            path = self.get_option("info_file")
            try:
                self._info = json.loads(Path(path).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise AnsibleConnectionFailure(
                    f"Could not read the simulator's file {path}: {error}. Is it running?"
                ) from error
            hosts = self._info["hosts"]
            # Of a delegated task only the play context knows the right one.
            wanted = self._play_context.remote_addr or self.get_option("remote_addr")
            names = [wanted] if wanted in hosts else []
            names += [name for name, host in hosts.items() if wanted in (host["address"], host["given"])]
            if not names:
                raise AnsibleConnectionFailure(f"The simulator has no host {wanted}")
            self._name = names[0]
        self._reach(float(self.get_option("connection_timeout") or 0))
        self._connected = True
        return self

    def _ask(self, address: str, path: str, timeout: float) -> str:
        host, _colon, port = address.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 200:
                raise AnsibleConnectionFailure(f"The simulator answers {answer.status} for {self._name}: {text}")
            return text
        finally:
            connection.close()

    def _up(self) -> bool:
        try:
            self._ask(self._info["hosts"][self._name]["door"], "/up", 10)
        except (OSError, http.client.HTTPException):
            return False
        return True

    def _reach(self, patience: float) -> None:
        if self._up():
            return
        if patience > 0:
            control = urlsplit(self._info["control"]).netloc
            try:
                self._ask(control, f"/hosts/{self._name}?wait={patience}", patience + 10)
            except (OSError, http.client.HTTPException) as error:
                raise AnsibleConnectionFailure(f"The simulator does not answer: {error}") from error
            if self._up():
                return
        raise AnsibleConnectionFailure(f"Failed to connect to the simulated host {self._name}: connection refused")

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command; unreachable when the host is down before it or lost while it runs."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if self.become is not None and sudoable:
            raise AnsibleError(
                "The simulated connection has no privilege escalation: set ansible_become=false for these hosts"
            )
        self._connected = False
        self._connect()
        host = self._info["hosts"][self._name]
        text = SHELL["translated"](to_text(cmd), host["boot_id_file"])
        home = host["home"]
        os.makedirs(home, exist_ok=True)
        environment = SHELL["environment"](host["door"], host["boot_id_file"], home)
        display.vvv(f"EXEC {text}", host=self._name)
        given = python_environment(text) if in_data and self.get_option("python_socket") else None
        if given is not None and in_data:
            said = ask_python(self.get_option("python_socket"), in_data.decode(), {**environment, **given}, home)
            code, out, err = said["code"], said["out"].encode(), said["err"].encode()
        else:
            process = subprocess.Popen(
                ["/bin/sh", "-c", text],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=home,
                env=environment,
            )
            out, err = process.communicate(in_data)
            code = process.returncode
        if not POWER.search(text) and not self._up():
            raise AnsibleConnectionFailure(f"The connection to the simulated host {self._name} was lost")
        return code, out, err

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the host."""
        super().put_file(in_path, out_path)
        self._connected = False
        self._connect()
        self._copy(in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the host."""
        super().fetch_file(in_path, out_path)
        self._connected = False
        self._connect()
        self._copy(in_path, out_path)

    def _copy(self, source: str, target: str) -> None:
        home = self._info["hosts"][self._name]["home"]
        paths = [path if os.path.isabs(path) else os.path.join(home, path) for path in (source, target)]
        try:
            shutil.copyfile(to_bytes(paths[0]), to_bytes(paths[1]))
        except OSError as error:
            raise AnsibleError(f"Could not copy {source} to {target}: {error}") from error

    def reset(self) -> None:
        """Forget the connection."""
        self._connected = False

    def close(self) -> None:
        """End the connection."""
        self._connected = False
