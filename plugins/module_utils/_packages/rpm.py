# SPDX-License-Identifier: GPL-3.0-or-later
"""The rpm database under dnf as well as zypper."""

from __future__ import annotations

import re
from typing import Dict, List, Set

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Commands, write_lock
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Installed, RebootNeed

QUERY = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH}\\n"
TIMES = "%{NAME} %{INSTALLTIME}\\n"

#: Packages after whose update the running system is not the patched one. Source: the list in dnf-plugins-core
#: (needs_restarting.py), with SUSE's, Oracle's and the split kernel packages' names added.
CORE_PACKAGES = (
    "kernel",
    "kernel-core",
    "kernel-rt",
    "kernel-rt-core",
    "kernel-64k",
    "kernel-64k-core",
    "kernel-uek",
    "kernel-uek-core",
    "kernel-default",
    "kernel-azure",
    "glibc",
    "linux-firmware",
    "systemd",
    "dbus",
    "dbus-broker",
    "dbus-daemon",
    "dbus-1",
    "microcode_ctl",
    "ucode-intel",
)


#: rpm's lock file: a macro of its own, which not every build has.
LOCK = "%{?_rpmlock_path}%{!?_rpmlock_path:%{_dbpath}/.rpm.lock}"
#: How rpm, dnf 4 and dnf 5 word that a package's script failed. For most kinds of script they end with 0 all the same.
SCRIPT_FAILED = re.compile(
    r"^.*(?:[Ee]rror in \S+ scriptlet|Non-fatal \S+ scriptlet failure|: %\w+\(.*\) scriptlet failed"
    r"|lua script failed).*$",
    re.MULTILINE,
)


def plain(version: str) -> str:
    """A version without the epoch 0, as dnf and zypper write it."""
    return version[2:] if version.startswith("0:") else version


def names_in(text: str) -> List[str]:
    """The names of the packages that stand in *text* as a solver names them, ``name-version-release.arch``."""
    return re.findall(
        r"([A-Za-z0-9_][^\s()\[\]]*?)-(?:\d+:)?[^-\s()\[\]]+-[^-\s()\[\]]+\.[a-z0-9_]+(?=[\s\[,.]|$)", text
    )


def read_installed(text: str) -> Installed:
    """The answer of ``rpm -qa --qf QUERY``; public keys, which rpm lists as packages, are left out.

    :raises Failed: for a line of another shape, or no package at all.
    """
    found: Dict[str, Set[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 3 or ":" not in words[1]:
            raise Failed("read the rpm database", f"line {number} is {line[:120]!r}", reason="unknown_output")
        name, version, arch = words
        if name != "gpg-pubkey":
            found.setdefault(f"{name}.{arch}", set()).add(plain(version))
    if not found:
        raise _empty()
    return {key: tuple(sorted(found[key])) for key in found}


def _empty() -> Failed:
    """rpm answers a lost database with nothing and the exit code 0."""
    return Failed(
        "read the rpm database",
        "rpm names no package at all",
        reason="rpm_database",
        cure="Repair the rpm database on the host (rpm --rebuilddb), then run again",
    )


def check_scripts(doing: str, said: str) -> None:
    """Raise when a script of a package failed in a transaction that *said* this.

    :raises Failed: ``transaction``; rpm itself keeps no record of it.
    """
    lines = [line.strip() for line in SCRIPT_FAILED.findall(said)]
    if lines:
        raise Failed(
            doing,
            f"the packages are there, but scripts of theirs failed: {' / '.join(lines)[:2000]}",
            reason="transaction",
            cure="Do by hand what the script should have done (that of a kernel makes its initramfs) before the host "
            "is rebooted: rpm forgets the failure, so the next call finds nothing to do",
        )


def installed(commands: Commands) -> Installed:
    """Every installed rpm package.

    :raises Failed: the database cannot be read.
    """
    answer = commands.ask("rpm", "-qa", "--qf", QUERY)
    if answer.rc != 0:
        raise Failed(
            "read the rpm database", f"rpm ended with {answer.rc}: {answer.last_lines()}", reason="rpm_database"
        )
    return read_installed(answer.out)


def in_use(commands: Commands) -> str:
    """Which process runs a transaction of rpm, its last scripts included, in words; empty when none does.

    :raises Denied: this user cannot see it.
    :raises Failed: rpm does not say where its lock is.
    """
    answer = commands.ask("rpm", "--eval", LOCK)
    path = answer.out.strip()
    if answer.rc != 0 or not path.startswith("/"):
        raise Failed(
            "find the lock of rpm", f"rpm ended with {answer.rc}: {answer.last_lines()}", reason="unknown_output"
        )
    return write_lock(path)


def read_newer_than(text: str, moment: float) -> List[str]:
    """Core packages in the answer of ``rpm -qa --qf TIMES`` that were installed after *moment* (epoch seconds).

    :raises Failed: for a line of another shape, or no package at all.
    """
    times = []
    for number, line in enumerate(text.splitlines(), start=1):
        name, _space, stamp = line.partition(" ")
        if not stamp.isdigit():
            raise Failed("read the rpm database", f"line {number} is {line[:120]!r}", reason="unknown_output")
        times.append((name, int(stamp)))
    if not times:
        raise _empty()
    return sorted({name for name, stamp in times if name in CORE_PACKAGES and stamp > moment})


def reboot_need(commands: Commands, booted: float) -> RebootNeed:
    """The need for a reboot by install times against *booted* (epoch seconds), for hosts without a tool for it.

    Unknown when the rpm database does not tell.
    """
    answer = commands.ask("rpm", "-qa", "--qf", TIMES)
    if answer.rc != 0:
        return RebootNeed(None, "rpm install times", [answer.last_lines()])
    try:
        newer = read_newer_than(answer.out, booted)
    except Failed as error:
        return RebootNeed(None, "rpm install times", [str(error)])
    words = [f"{name} was updated after the boot" for name in newer]
    return RebootNeed(bool(newer), "rpm install times", words or ["no core package was updated after the boot"])


__all__ = (
    "CORE_PACKAGES",
    "QUERY",
    "check_scripts",
    "in_use",
    "installed",
    "names_in",
    "plain",
    "read_installed",
    "read_newer_than",
    "reboot_need",
)
