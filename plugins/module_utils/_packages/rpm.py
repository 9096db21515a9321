# SPDX-License-Identifier: GPL-3.0-or-later
"""The rpm database under dnf as well as zypper."""

from __future__ import annotations

from typing import Dict, List, Set

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Commands
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Installed, RebootNeed

QUERY = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH}\\n"
TIMES = "%{NAME} %{INSTALLTIME}\\n"

#: Packages after whose update the running system is not the patched one. Source: the list in dnf-plugins-core
#: (needs_restarting.py), with SUSE's and the split kernel packages' names added.
CORE_PACKAGES = (
    "kernel",
    "kernel-core",
    "kernel-rt",
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


def plain(version: str) -> str:
    """A version without the epoch 0, as dnf and zypper write it."""
    return version[2:] if version.startswith("0:") else version


def read_installed(text: str) -> Installed:
    """The answer of ``rpm -qa --qf QUERY``; public keys, which rpm lists as packages, are left out.

    :raises Failed: for a line of another shape.
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
    return {key: tuple(sorted(found[key])) for key in found}


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


def read_newer_than(text: str, moment: float) -> List[str]:
    """Core packages in the answer of ``rpm -qa --qf TIMES`` that were installed after *moment* (epoch seconds)."""
    newer = set()
    for line in text.splitlines():
        name, _space, stamp = line.strip().partition(" ")
        if name in CORE_PACKAGES and stamp.isdigit() and int(stamp) > moment:
            newer.add(name)
    return sorted(newer)


def reboot_need(commands: Commands, booted: float) -> RebootNeed:
    """The need for a reboot by install times against *booted* (epoch seconds), for hosts without a tool for it."""
    answer = commands.ask("rpm", "-qa", "--qf", TIMES)
    if answer.rc != 0:
        return RebootNeed(None, "rpm install times", [answer.last_lines()])
    newer = read_newer_than(answer.out, booted)
    words = [f"{name} was updated after the boot" for name in newer]
    return RebootNeed(bool(newer), "rpm install times", words or ["no core package was updated after the boot"])


__all__ = ("CORE_PACKAGES", "QUERY", "installed", "plain", "read_installed", "read_newer_than", "reboot_need")
