# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real hosts: a private root over this machine's own, an own pid 1, an own sshd on a loopback address.

Each host is a set of namespaces (mount, uts, ipc, pid) around an overlay of ``/``; what a host writes lands in its
own folder. The network is shared, so each host listens on its own address of 127.0.0.0/8. A watcher process per host
makes it, makes it again with a new boot id when the host asked for a reboot, and ends when it is told to. ``shutdown``
in the host is a real request: pid 1 dies and everything in the host with it.

Commands: ``smallhosts.py up STATE HOSTS.json`` starts all hosts and returns when every sshd answers;
``smallhosts.py down STATE`` ends what ``up`` started. Needs root, Linux, unshare, sshd.

HOSTS.json: ``[{"name": ..., "address": "127.0.1.11", "files": {"/path": "text"}, "packages": ["x.deb"],
"setup": ["command"]}]``; ``packages`` are unpacked over the host's root, ``setup`` runs inside before the first boot.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

SSH_PORT = 2222
INIT = """#!/bin/sh
# Runs as pid 1 of the small host: mounts what a booting host mounts, then stays as the parent of everything.
set -e
mount --make-rprivate /
layers="lowerdir=/,upperdir=$HOST_DIR/upper,workdir=$HOST_DIR/work"
mount -t overlay overlay -o "$layers,index=off,metacopy=off" "$HOST_DIR/root"
mount -t proc proc "$HOST_DIR/root/proc"
mount --rbind /dev "$HOST_DIR/root/dev"
mount -t sysfs -o ro sysfs "$HOST_DIR/root/sys" 2>/dev/null || true
mount -t tmpfs -o mode=1777 tmpfs "$HOST_DIR/root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$HOST_DIR/root/run"
mkdir -p "$HOST_DIR/root/run/sshd" "$HOST_DIR/root/run/lock" "$HOST_DIR/root/run/smallhost"
mount --bind "$HOST_DIR/door" "$HOST_DIR/root/run/smallhost"
mount --bind "$HOST_DIR/boot_id" "$HOST_DIR/root/proc/sys/kernel/random/boot_id"
for shared in $SHARED; do
  mkdir -p "$HOST_DIR/root${shared#*:}"
  mount --rbind "${shared%%:*}" "$HOST_DIR/root${shared#*:}"
done
hostname "$HOST_NAME"
exec chroot "$HOST_DIR/root" /bin/sh -c "$HOST_COMMAND"
"""
# sshd is pid 1: it waits for every child, so nothing that dies in the host is left behind.
BOOT = "exec /usr/sbin/sshd -D -f /etc/ssh/smallhost_config -E /var/log/smallhost-sshd.log"
SHUTDOWN = """#!/bin/sh
# The small host's shutdown: -r asks the watcher for a new boot, anything else leaves the host off. Then pid 1 dies.
case " $* " in
  *" -r "*) echo reboot > /run/smallhost/request ;;
  *) echo poweroff > /run/smallhost/request ;;
esac
"""
SSHD = """Port {port}
ListenAddress {address}
HostKey /etc/ssh/smallhost_key
PidFile /run/sshd.pid
AuthorizedKeysFile /etc/ssh/smallhost_authorized
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
UseDNS no
MaxStartups 100
Subsystem sftp internal-sftp
"""


class HostError(Exception):
    """A host could not be made, with the reason in words."""


def wait_for(what: str, predicate: Callable[[], bool], seconds: float) -> None:
    """Return when *predicate* holds; raises HostError naming *what* after *seconds*."""
    end = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > end:
            raise HostError(f"Could not see {what} within {seconds:.0f} s")
        time.sleep(0.05)


def started(pid: int) -> str:
    """When process *pid* was started, in the kernel's ticks after its boot; "" when none runs under this number.

    One that nobody has waited for yet has ended too.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]  # counted from the state, the third


def answers(address: str) -> bool:
    """True when an sshd greets on *address*."""
    try:
        with socket.create_connection((address, SSH_PORT), timeout=2) as link:
            link.settimeout(2)
            return link.recv(4) == b"SSH-"
    except OSError:
        return False


class SmallHost:
    """One host below ``state``: its folders, its files, its life."""

    def __init__(self, state: Path, description: dict[str, Any], shared: list[str]) -> None:
        self.state = state
        self.name: str = description["name"]
        self.address: str = description["address"]
        self.description = description
        self.shared = shared
        self.directory = state / self.name

    def prepare(self) -> None:
        """Make the folders and the files that the host has before its first boot."""
        upper = self.directory / "upper"
        for folder in ("upper", "work", "root", "door"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        for package in self.description.get("packages", ()):
            subprocess.run(["dpkg-deb", "-x", package, str(upper)], check=True)
        etc = upper / "etc" / "ssh"
        etc.mkdir(parents=True, exist_ok=True)
        key = etc / "smallhost_key"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        shutil.copyfile(self.state / "key.pub", etc / "smallhost_authorized")
        files = {
            "/etc/ssh/smallhost_config": SSHD.format(port=SSH_PORT, address=self.address),
            "/etc/hostname": self.name + "\n",
            "/usr/sbin/shutdown": SHUTDOWN,
            **self.description.get("files", {}),
        }
        for path, text in files.items():
            target = upper / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_text(text, encoding="utf-8")
            target.chmod(0o755 if text.startswith("#!") else 0o644)
        for command in self.description.get("setup", ()):
            done = subprocess.run(
                self.namespaces(),
                env=self.environment(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise HostError(
                    f"Could not set up {self.name}: {command!r} ended with {done.returncode}: {done.stdout}"
                )

    @staticmethod
    def namespaces() -> list[str]:
        """The command line that opens the host's namespaces around its pid 1."""
        return ["unshare", "-muip", "--fork", "--kill-child", "/bin/sh", "-c", INIT]

    def environment(self, command: str) -> dict[str, str]:
        """The environment of the host's pid 1, under a new boot id; ``boots`` in the host's folder lists the boots."""
        boot = f"{uuid.uuid4()}\n"
        self.directory.joinpath("boot_id").write_text(boot, encoding="ascii")
        if command == BOOT:
            with self.directory.joinpath("boots").open("a", encoding="ascii") as boots:
                boots.write(boot)
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "HOST_DIR": str(self.directory),
            "HOST_NAME": self.name,
            "SHARED": " ".join(self.shared),
            "HOST_COMMAND": command,
        }

    def live(self) -> None:
        """Boot the host, boot it again each time it asks; return when it is told to end or powered itself off."""
        request = self.directory / "door" / "request"
        while True:
            request.unlink(missing_ok=True)
            with (self.directory / "console.log").open("ab") as console:
                host = subprocess.Popen(
                    self.namespaces(),
                    env=self.environment(BOOT),
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    start_new_session=True,
                )
            try:
                while host.poll() is None and not request.exists():
                    time.sleep(0.1)
                wanted = request.read_text(encoding="ascii").strip() if request.exists() else "died"
            finally:
                host.kill()  # --kill-child: pid 1 of the host goes with it, and so does everything in the host
                host.wait()
            if wanted != "reboot":
                return


def up(state: Path, hosts: list[dict[str, Any]], shared: list[str]) -> None:
    """Make and boot all *hosts*; the watchers stay behind as processes of their own."""
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o755)
    key = state / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    watchers = state / "watchers.json"
    if watchers.exists():
        raise HostError(f"Could not start: hosts of {state} are up; take them down first")
    for description in hosts:
        if answers(description["address"]):
            raise HostError(
                f"Could not start {description['name']}: an sshd answers on {description['address']} already"
            )
    watching: dict[str, tuple[int, str]] = {}
    for description in hosts:
        host = SmallHost(state, description, shared)
        host.prepare()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(nothing, standard)
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            try:
                host.live()
            finally:
                os._exit(0)
        watching[host.name] = (pid, started(pid))
        watchers.write_text(json.dumps(watching), encoding="utf-8")
    for description in hosts:
        wait_for(f"sshd of {description['name']}", partial(answers, description["address"]), 30)
    known = "".join(
        f"[{description['address']}]:{SSH_PORT} "
        + (state / description["name"] / "upper/etc/ssh/smallhost_key.pub").read_text(encoding="ascii")
        for description in hosts
    )
    (state / "known_hosts").write_text(known, encoding="ascii")


def down(state: Path) -> None:
    """End the watchers, which end their hosts, and remove what the hosts wrote. No hosts is no error.

    Hosts that ended without this, with the machine for instance, have left a list of process numbers that belong to
    others by now: those are let be.
    """
    watchers = state / "watchers.json"
    if watchers.exists():
        watching: dict[str, tuple[int, str]] = json.loads(watchers.read_text(encoding="utf-8"))
        alive = {name: (pid, since) for name, (pid, since) in watching.items() if since and started(pid) == since}
        for pid, _since in alive.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for name, (pid, since) in alive.items():
            wait_for(f"the end of {name}", lambda pid=pid, since=since: started(pid) != since, 30)
    shutil.rmtree(state, ignore_errors=True)


def main() -> None:
    """Command line, see the module's first lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("state", type=Path)
    parser.add_argument("hosts", type=Path, nargs="?")
    parser.add_argument(
        "--share",
        action="append",
        default=[],
        metavar="HERE:THERE",
        help="folder HERE of this machine that the hosts see live as THERE",
    )
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("Small hosts need root: namespaces and an overlay of / are made")
    state = arguments.state.resolve()
    try:
        if arguments.command == "down":
            down(state)
        else:
            up(state, json.loads(arguments.hosts.read_text(encoding="utf-8")), arguments.share)
    except HostError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
