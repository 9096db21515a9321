# SPDX-License-Identifier: GPL-3.0-or-later
"""The ssh door: a real sshd serves whoever logs in to a simulated host.

Only with the key of this simulation, as the user who runs it. Each connection has an sshd of its own (``sshd -i``), so
a host where nobody is logged in costs a listening socket. What a client asks for runs through ``shell.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from . import shell
from .port import Port, Streams, say_nothing

PORT = 7022
SHELL = Path(__file__).resolve().with_name("shell.py")
SEPARATION = Path("/run/sshd")  # sshd refuses to start as root without this folder, which a service would make
SFTP = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
CONFIG = """\
HostKey "{folder}/host_key"
AuthorizedKeysFile "{folder}/authorized_keys"
AuthenticationMethods publickey
PermitRootLogin prohibit-password
# The folders above belong to whoever runs the simulation.
StrictModes no
UsePAM no
PermitUserRC no
PrintMotd no
PidFile none
LogLevel VERBOSE
"""
CLIENT = """Host *
  User {user}
  Port {port}
  IdentityFile "{folder}/key"
  IdentitiesOnly yes
  UserKnownHostsFile "{folder}/known_hosts"
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
"""


class Logins:
    """The keys of one simulation with what its sshd, and a client, is told.

    Args:
        folder: where they are kept.
        hosts: by the address of a host, the names by which a client may ask for it.

    Raises:
        FileNotFoundError: there is no sshd; with the package that has it.
    """

    def __init__(self, folder: Path, hosts: dict[str, list[str]]) -> None:
        program = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
        if program is None:
            raise FileNotFoundError("the ssh doors need sshd: apt-get install --no-install-recommends openssh-server")
        folder = folder.resolve()  # sshd goes elsewhere
        if set(str(folder)) & set('%"$'):
            raise ValueError(f"{folder}: OpenSSH reads a percent, a dollar, or a quotation mark as something else")
        self._program, self._folder = program, folder
        self._user = pwd.getpwuid(os.geteuid()).pw_name
        shutil.rmtree(folder, ignore_errors=True)  # keys of an earlier simulation in the same folder
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            SEPARATION.mkdir(mode=0o755, exist_ok=True)
        host, client = (self._key(name) for name in ("host_key", "key"))
        (folder / "authorized_keys").write_text(f"{client}\n", encoding="ascii")
        (folder / "known_hosts").write_text(f"[127.*]:{PORT} {host}\n", encoding="ascii")
        sftp = next((f"Subsystem sftp {path}\n" for path in SFTP if os.path.exists(path)), "")
        (folder / "sshd_config").write_text(CONFIG.format(folder=folder) + sftp, encoding="utf-8")
        named = "".join(f"Host {' '.join(names)}\n  HostName {address}\n" for address, names in hosts.items())
        told = CLIENT.format(user=self._user, port=PORT, folder=folder)
        (folder / "config").write_text(named + told, encoding="utf-8")

    def _key(self, name: str) -> str:
        """Make a key; its public half."""
        key = ed25519.Ed25519PrivateKey.generate()
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
        with open(os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.private_bytes(*form))
        return (
            key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
        )

    def info(self) -> dict[str, Any]:
        """What a client needs: port, user, key; ``config`` is the file that tells OpenSSH so (``ssh -F``).

        ``arguments`` are those for Ansible, which names the sockets of connections that it keeps open by host, port,
        user: without a folder of their own, a connection to the real host of that name would be taken.
        """
        config, sockets = self._folder / "config", self._folder / "%h"
        return {
            "arguments": shlex.join(["-F", str(config), "-o", f"ControlPath={sockets}"]),
            "config": str(config),
            "port": PORT,
            "user": self._user,
            "key_file": str(self._folder / "key"),
        }

    def command(self, door: str, boot_id_file: str, home: str, *, denied: bool) -> list[str]:
        """The sshd of one connection to the host behind *door*; what a client asks for begins in *home*."""
        forced = shlex.join([sys.executable, "-I", str(SHELL), door, boot_id_file, home])
        command = [self._program, "-i", "-f", str(self._folder / "sshd_config"), "-E", str(self._folder / "log")]
        # sshd calls the command through the account's own shell, and bash reads ~/.bashrc there: those of the
        # simulated host, which has none, and not those of whoever runs the simulation.
        command += ["-o", f"ForceCommand={forced}", "-o", f'SetEnv="HOME={home}"']
        return [*command, *(["-o", "AuthorizedKeysFile=none"] if denied else [])]


class SshDoor(Port):
    """The ssh port of one host.

    Args:
        command: the sshd to be started for a client.
        door: the door of the host's commands, which everything carries that runs in a login.
        admit: asked for each client; whoever is not admitted finds the connection reset.
        mute: connections are accepted, then nothing is ever said.
    """

    def __init__(
        self, command: Callable[[], list[str]], door: str, *, admit: Callable[[], bool], mute: bool = False
    ) -> None:
        super().__init__("an ssh door", say_nothing, admit)
        self._command, self._mark, self._mute = command, f"{shell.DOOR}={door}".encode(), mute

    def close(self) -> None:
        """Stop listening, cut all connections; what was started in a login ends, as at a power cut."""
        super().close()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if self._mark in path.read_bytes().split(b"\0"):
                    os.kill(int(path.parent.name), signal.SIGKILL)

    async def _open(self, client: socket.socket) -> Streams | None:
        """Hand the client to an sshd until either ends."""
        if self._mute:
            return await super()._open(client)
        client.setblocking(True)
        process = await asyncio.create_subprocess_exec(
            *self._command(), stdin=client.fileno(), stdout=client.fileno(), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                for number in (*descendants(process.pid), process.pid):  # sshd has processes of its own
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(number, signal.SIGKILL)
        return None


def descendants(process: int) -> list[int]:
    """The processes that a process has started, and those that these have."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found = list(children.get(process, []))
    for number in found:
        found += children.get(number, [])
    return found
