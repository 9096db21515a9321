# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts door: what the operating system of one host answers.

It stands in for a login on the host: the small commands in ``commands/`` hand their arguments in, this file says what
they print. Exit codes of ``dnf check-update`` (100), ``needs-restarting -r`` (1) are published; the wording follows
dnf 4, its tables are shortened. A kernel is replaced, where a real host would keep the old one too.
"""

from __future__ import annotations

import asyncio
import fcntl
import fnmatch
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .abap import r3trans
from .abap.world import AbapWorld
from .faults import Faults
from .hana import tools
from .hana.database import World
from .journal import Journal
from .landscape import Host, Landscape, Package
from .web import Answer, Hang, Hangup, Request, as_json

PORT = 7001
VALUE_OPTIONS = frozenset(
    {
        "-x",
        "--exclude",
        "--setopt",
        "--repo",
        "--repoid",
        "--disablerepo",
        "--enablerepo",
        "--advisory",
        "--releasever",
        "-c",
        "--config",
        "--installroot",
        "--advisories",
        "-d",
        "-e",
        "-R",
    }
)


class Output(Exception):
    """A command's end: exit code, what it printed, on which stream."""

    def __init__(self, code: int, text: str = "", *, error: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.error = error


def _version(package: Package, which: str) -> str:
    epoch, _colon, rest = getattr(package, which).rpartition(":")
    return rest if epoch in ("", "0") else f"{epoch}:{rest}"


def _query(package: Package, form: str) -> str:
    """One package in a ``--queryformat``."""
    epoch, _colon, rest = package.installed.rpartition(":")
    version, _dash, release = rest.rpartition("-")
    tags = {
        "NAME": package.name,
        "EPOCHNUM": epoch or "0",
        "EPOCH": epoch if epoch not in ("", "0") else "(none)",
        "VERSION": version,
        "RELEASE": release,
        "ARCH": package.arch,
        "EVR": _version(package, "installed"),
        "INSTALLTIME": "1790000000",
        "SUMMARY": package.name,
        "VENDOR": "Simulated",
    }
    text = re.sub(r"%-?\d*\{([A-Za-z]+)(?::\w+)?\}", lambda m: tags.get(m.group(1).upper(), "(none)"), form)
    return text.replace("\\n", "\n").replace("\\t", "\t")


class Hosts:
    """The hosts door of all hosts; each door hands in its host."""

    def __init__(
        self, landscape: Landscape, journal: Journal, faults: Faults, hana: World, homes: Path, abap: AbapWorld
    ) -> None:
        self.landscape = landscape
        self.journal = journal
        self.faults = faults
        self.hana = hana
        self.homes = homes
        self.abap = abap

    async def handle(self, host: Host, request: Request) -> Answer:
        """Answer one HTTP request on a host's door."""
        path = request.path
        if request.method == "GET" and path == "/up":
            return Answer(200, host.boot_id.encode(), "text/plain")
        if request.method == "GET" and path == "/state":
            return as_json(self.landscape.snapshot()["hosts"][host.name])
        if request.method != "POST":
            return as_json({"error": f"no {request.method} {path} here"}, 404)
        caller = request.headers.get("x-caller") or request.caller
        if path == "/run":
            argv = request.body.decode("utf-8", "replace").split("\n")
            argv = [argument.replace("\x1f", "\n") for argument in argv]
        elif path in ("/upgrade", "/reboot"):
            wanted = request.json() or {}
            argv = (
                ["shutdown", "-r", "now"]
                if path == "/reboot"
                else [
                    "dnf",
                    "-y",
                    "upgrade",
                    *(["--security"] if wanted.get("security") else []),
                    *[f"--exclude={name}" for name in wanted.get("exclude") or []],
                    *(wanted.get("packages") or []),
                ]
            )
        else:
            return as_json({"error": f"no POST {path} here"}, 404)
        command = argv[0]
        # The journal tells a password on the command line from one that was asked for; it keeps neither.
        shown = " ".join(argument for argument in argv[1:] if not argument.startswith("--prompted="))
        shown = re.sub(r"(--password=)\S*", r"\1***", shown)
        entry = self.journal.note(door="hosts", host=host.name, call=command, caller=caller, detail=shown or None)
        for what in ("hang", "drop_before"):
            if self.faults.strike(what, host=host.name, operation=command, door="hosts") is not None:
                entry["fault"] = what
                raise Hang if what == "hang" else Hangup
        slow = self.faults.strike("slow", host=host.name, operation=command, door="hosts")
        if slow is not None:
            entry["fault"] = "slow"
            await asyncio.sleep(slow.seconds)
        try:
            method: Callable[..., Any] | None = getattr(self, "run_" + command.replace("-", "_"), None)
            if method is None:
                raise Output(127, f"{command}: not on this simulated host\n", error=True)
            await method(host, argv[1:], caller)
            raise Output(0)
        except Output as output:
            if self.faults.strike("drop_after_accept", host=host.name, operation=command, door="hosts") is not None:
                entry["fault"] = "drop_after_accept"
                raise Hangup from None
            return Answer(
                200,
                output.text.encode(),
                "text/plain; charset=utf-8",
                {"X-Exit": str(output.code), "X-Stream": "2" if output.error else "1"},
            )

    # -- packages -----------------------------------------------------------------------------------------------------

    def _pending(self, host: Host, words: list[str], options: dict[str, list[str]]) -> list[Package]:
        excluded = [
            pattern for key in ("-x", "--exclude") for value in options.get(key, []) for pattern in value.split(",")
        ]
        excluded += host.locked
        advisories = {
            a for key in ("--advisory", "--advisories") for value in options.get(key, []) for a in value.split(",")
        }
        security = "--security" in options
        return [
            package
            for _name, package in sorted(host.packages.items())
            if package.pending
            and (package.advisory or not security)
            and (not advisories or package.advisory in advisories)
            and not any(fnmatch.fnmatch(package.name, pattern) for pattern in excluded)
            and (not words or any(fnmatch.fnmatch(package.name, word) for word in words))
        ]

    @staticmethod
    def _arguments(argv: list[str]) -> tuple[list[str], dict[str, list[str]]]:
        words: list[str] = []
        options: dict[str, list[str]] = {}
        rest = iter(argv)
        for argument in rest:
            if not argument.startswith("-"):
                words.append(argument)
            elif "=" in argument:
                name, _equals, value = argument.partition("=")
                options.setdefault(name, []).append(value)
            elif argument in VALUE_OPTIONS and argument != "-R":
                options.setdefault(argument, []).append(next(rest, ""))
            else:
                options.setdefault(argument, [])
        return words, options

    async def run_dnf(self, host: Host, argv: list[str], caller: str) -> None:
        """``dnf``, as far as patching needs it."""
        words, options = self._arguments(argv)
        if "--version" in options:
            raise Output(0, "4.14.0\n")
        if not words:
            raise Output(1, "usage: dnf [options] COMMAND\n", error=True)
        command, words = words[0], words[1:]
        if command in ("check-update", "check-upgrade"):
            rows = self._pending(host, words, options)
            text = "".join(f"{p.name + '.' + p.arch:<40} {_version(p, 'available'):<32} baseos\n" for p in rows)
            raise Output(100 if rows else 0, "\n" + text if rows else "")
        if command in ("upgrade", "update", "upgrade-minimal", "update-minimal"):
            await self._upgrade(host, self._pending(host, words, options), options, caller)
        if command == "updateinfo":
            if words[:1] in (["list"], ["--list"]):
                words = words[1:]
            if "security" in words or "sec" in words:
                options["--security"] = []
            rows = [p for p in self._pending(host, [], options) if p.advisory]
            raise Output(
                0, "".join(f"{p.advisory} Important/Sec. {p.name}-{_version(p, 'available')}.{p.arch}\n" for p in rows)
            )
        if command == "versionlock":
            self._versionlock(host, words)
        if command == "needs-restarting":
            await self.run_needs_restarting(host, argv[argv.index(command) + 1 :], caller)
        if command == "list":
            upgrades = "--upgrades" in options or "--updates" in options or words[:1] in (["upgrades"], ["updates"])
            rows = self._pending(host, [], options) if upgrades else list(host.packages.values())
            which = "available" if upgrades else "installed"
            head = "Available Upgrades\n" if upgrades else "Installed Packages\n"
            raise Output(
                0, head + "".join(f"{p.name + '.' + p.arch:<40} {_version(p, which):<32} baseos\n" for p in rows)
            )
        if command in ("makecache", "clean", "repolist", "history", "check", "autoremove"):
            raise Output(0, "Metadata cache created.\n" if command == "makecache" else "")
        raise Output(1, f"No such command: {command}. Please use /usr/bin/dnf --help\n", error=True)

    run_yum = run_dnf

    @staticmethod
    def _versionlock(host: Host, words: list[str]) -> None:
        action, names = (
            (words[0], words[1:])
            if words and words[0] in ("list", "add", "delete", "clear")
            else (("add", words) if words else ("list", []))
        )
        if action == "add":
            host.locked += [name for name in names if name not in host.locked]
            raise Output(0, "".join(f"Adding versionlock on: {name}\n" for name in names))
        if action == "delete":
            missing = [name for name in names if name not in host.locked]
            host.locked[:] = [name for name in host.locked if name not in names]
            raise Output(1 if missing else 0, "".join(f"Deleting versionlock for: {name}\n" for name in names))
        if action == "clear":
            host.locked.clear()
            raise Output(0)
        rows = [
            f"{name}-{host.packages[name].installed}.*\n" if name in host.packages else f"{name}\n"
            for name in host.locked
        ]
        raise Output(0, "".join(rows))

    async def _upgrade(self, host: Host, rows: list[Package], options: dict[str, list[str]], caller: str) -> None:
        table = [
            "Dependencies resolved.",
            "=" * 80,
            " Package  Architecture  Version  Repository  Size",
            "=" * 80,
            "Upgrading:",
        ]
        table += [f" {p.name}  {p.arch}  {_version(p, 'available')}  baseos  1.0 M" for p in rows]
        table += ["", "Transaction Summary", "=" * 80, f"Upgrade  {len(rows)} Packages", ""]
        if rows and ("--assumeno" in options or not {"-y", "--assumeyes"} & set(options)):
            raise Output(1, "\n".join([*table, "Operation aborted.", ""]))
        if host.patching:
            raise Output(200, "Failed to obtain the transaction lock (logged in as: root).\n", error=True)
        if self.faults.strike("disk_full", host=host.name, operation="dnf", door="hosts") is not None:
            self.journal.note(effect="patch_failed", host=host.name, detail="disk full")
            raise Output(
                1,
                "Error: Transaction test error:\n"
                "  installing package glibc needs 38MB more space on the / filesystem\n\n"
                "Error Summary\n-------------\nDisk Requirements:\n"
                "   At least 38MB more space needed on the / filesystem.\n",
                error=True,
            )
        if not rows:
            raise Output(0, "Dependencies resolved.\nNothing to do.\nComplete!\n")
        breaks = self.faults.strike("patch_fails", host=host.name, operation="dnf", door="hosts") is not None
        self.journal.note(effect="patching", host=host.name, caller=caller)
        with self._transaction(host):
            await self.landscape.clock.sleep(host.seconds["patch"] * (0.5 if breaks else 1.0))
        if not host.up:
            raise Hangup
        if breaks:
            self.landscape.upgrade(host, rows[: len(rows) // 2], caller)
            self.journal.note(effect="patch_failed", host=host.name, detail="scriptlet")
            raise Output(
                1,
                f"Error in POSTIN scriptlet in rpm package {rows[len(rows) // 2].name}\nError: Transaction failed\n",
                error=True,
            )
        lines = [
            *table,
            "Upgraded:",
            *(f"  {p.name}-{_version(p, 'available')}.{p.arch}" for p in rows),
            "",
            "Complete!",
            "",
        ]
        self.landscape.upgrade(host, rows, caller)
        raise Output(0, "\n".join(lines))

    def _rpm_lock(self, host: Host) -> Path:
        return self.homes.resolve() / host.name / ".rpm.lock"

    @contextmanager
    def _transaction(self, host: Host) -> Iterator[None]:
        """A transaction of rpm: it holds a lock of fcntl(2), which others see as long as it lasts."""
        path = self._rpm_lock(host)
        path.parent.mkdir(parents=True, exist_ok=True)
        host.patching = True
        try:
            with path.open("w", encoding="utf-8") as lock:
                fcntl.lockf(lock, fcntl.LOCK_EX)
                yield
        finally:
            host.patching = False

    async def run_rpm(self, host: Host, argv: list[str], caller: str) -> None:
        """``rpm -q`` and ``rpm -qa`` with ``--qf``, ``rpm --eval`` of the place of rpm's lock."""
        form, names, everything = None, [], False
        rest = iter(argv)
        for argument in rest:
            if argument in ("--qf", "--queryformat"):
                form = next(rest, "")
            elif argument.startswith(("--qf=", "--queryformat=")):
                form = argument.partition("=")[2]
            elif argument == "--eval":
                text = re.sub(
                    r"%\{!\?_rpmlock_path:.*\}", "", next(rest, "")
                )  # what stands for a macro that is not there
                raise Output(0, re.sub(r"%\{\??_rpmlock_path\}", str(self._rpm_lock(host)), text) + "\n")
            elif argument == "--version":
                raise Output(0, "RPM version 4.16.1.3\n")
            elif argument.startswith("-") and not argument.startswith("--"):
                everything = everything or "a" in argument
            elif argument == "--all":
                everything = True
            elif not argument.startswith("-"):
                names.append(argument)
        form = form if form is not None else "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n"
        rows = sorted(host.packages.values(), key=lambda package: package.name)
        if everything:
            raise Output(
                0, "".join(_query(p, form) for p in rows if not names or any(fnmatch.fnmatch(p.name, n) for n in names))
            )
        missing = [name for name in names if name not in host.packages]
        text = "".join(_query(p, form) for p in rows if p.name in names)
        raise Output(len(missing), text + "".join(f"package {name} is not installed\n" for name in missing))

    async def run_needs_restarting(self, host: Host, argv: list[str], caller: str) -> None:
        """``needs-restarting -r``: 1 when the host has to be rebooted."""
        if "-s" in argv or "--services" in argv:
            raise Output(0, "sshd.service\n" if host.reboot_required else "")
        if "-r" in argv or "--reboothint" in argv:
            if host.reboot_required:
                raise Output(
                    1,
                    "Core libraries or services have been updated since boot-up:\n  * kernel\n\n"
                    "Reboot is required to fully utilize these updates.\n"
                    "More information: https://access.redhat.com/solutions/27943\n",
                )
            raise Output(
                0, "No core libraries or services have been updated since boot-up.\nReboot should not be necessary.\n"
            )
        raise Output(0)

    # -- power --------------------------------------------------------------------------------------------------------

    async def run_shutdown(self, host: Host, argv: list[str], caller: str) -> None:
        """``shutdown -r``, ``-h`` or ``-P``; the delay is not waited for, ``-c`` cancels nothing."""
        if "-c" in argv or "--show" in argv:
            raise Output(0)
        self.landscape.reboot(host, caller, power_off=not ("-r" in argv or "--reboot" in argv))

    async def run_reboot(self, host: Host, argv: list[str], caller: str) -> None:
        """``reboot``."""
        self.landscape.reboot(host, caller)

    async def run_poweroff(self, host: Host, argv: list[str], caller: str) -> None:
        """``poweroff`` or ``halt``."""
        self.landscape.reboot(host, caller, power_off=True)

    run_halt = run_poweroff

    async def run_systemctl(self, host: Host, argv: list[str], caller: str) -> None:
        """``systemctl reboot``, ``systemctl is-system-running``."""
        words = [word for word in argv if not word.startswith("-")]
        if words[:1] == ["reboot"]:
            self.landscape.reboot(host, caller)
            raise Output(0)
        if words[:1] == ["poweroff"]:
            self.landscape.reboot(host, caller, power_off=True)
            raise Output(0)
        if words[:1] == ["is-system-running"]:
            raise Output(0, "running\n")
        raise Output(1, "systemctl: this simulated host knows reboot, poweroff, is-system-running\n", error=True)

    async def run_boot_id(self, host: Host, argv: list[str], caller: str) -> None:
        """The boot id."""
        raise Output(0, host.boot_id + "\n")

    async def run_sapcontrol(self, host: Host, argv: list[str], caller: str) -> None:
        """``sapcontrol -nr NN -function StartService SID``: the cure for a sapstartsrv that is down."""
        if "-nr" in argv and "StartService" in argv:
            number = argv[argv.index("-nr") + 1].zfill(2)
            for instance in self.landscape.on_host(host.name):
                if instance.number == number:
                    self.landscape.set_service(instance, True)
                    raise Output(0, "\nStartService\nOK\n")
        raise Output(1, "sapcontrol: this simulated host knows -nr NN -function StartService SID\n", error=True)

    # -- HANA ---------------------------------------------------------------------------------------------------------

    async def run_hdbnsutil(self, host: Host, argv: list[str], caller: str) -> None:
        """``hdbnsutil`` for the encryption root keys."""
        self._hana(host, "hdbnsutil", tools.hdbnsutil, argv, caller)

    async def run_hdbbackupcheck(self, host: Host, argv: list[str], caller: str) -> None:
        """``hdbbackupcheck`` of one file."""
        self._hana(host, "hdbbackupcheck", tools.hdbbackupcheck, argv, caller)

    def _hana(self, host: Host, name: str, run: Callable[..., tuple[int, str]], argv: list[str], caller: str) -> None:
        system = tools.system_of(self.hana, host.name, caller)
        if system is None:
            raise Output(127, f"{name}: there is no HANA on this simulated host\n", error=True)
        code, text = run(system, self.homes / host.name, argv)
        raise Output(code, text, error=code != 0)

    async def run_R3trans(self, host: Host, argv: list[str], caller: str) -> None:
        """``R3trans`` for the ABAP system of the host."""
        system = r3trans.system_of(self.abap, host.name, caller)
        if system is None:
            raise Output(127, "R3trans: there is no ABAP system on this simulated host\n", error=True)
        raise Output(*r3trans.R3trans(system, host.name, self.homes / host.name).run(argv))

    async def run_state(self, host: Host, argv: list[str], caller: str) -> None:
        """The host's whole state as JSON, for people who rehearse."""
        raise Output(0, json.dumps(self.landscape.snapshot()["hosts"][host.name], indent=1) + "\n")
