# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that others may call on a host's package manager."""

from __future__ import annotations

import os
from typing import Dict, Optional, Sequence, Type

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages.apt import Apt
from ansible_collections.basis.landscape.plugins.module_utils._packages.dnf import Dnf
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Commands, read_file
from ansible_collections.basis.landscape.plugins.module_utils._packages.manager import Manager
from ansible_collections.basis.landscape.plugins.module_utils._packages.zypper import Zypper

MANAGERS: Dict[str, Type[Manager]] = {"dnf": Dnf, "zypper": Zypper, "apt": Apt}
COMMAND = {"dnf": "dnf", "zypper": "zypper", "apt": "apt-get"}
#: Which manager a distribution is maintained with, by ID and ID_LIKE of os-release(5).
FAMILIES = {
    "rhel": "dnf",
    "fedora": "dnf",
    "centos": "dnf",
    "ol": "dnf",
    "rocky": "dnf",
    "almalinux": "dnf",
    "suse": "zypper",
    "sles": "zypper",
    "sles_sap": "zypper",
    "opensuse": "zypper",
    "debian": "apt",
    "ubuntu": "apt",
}


def family(os_release: str) -> Optional[str]:
    """The manager that os-release(5) names by ID, then by ID_LIKE."""
    values: Dict[str, str] = {}
    for line in os_release.splitlines():
        key, _equals, value = line.partition("=")
        values[key.strip()] = value.strip().strip("'\"").lower()
    for word in [values.get("ID", "")] + values.get("ID_LIKE", "").split():
        if word in FAMILIES:
            return FAMILIES[word]
    return None


def detect(search_path: Sequence[str], os_release: str) -> str:
    """The manager of a host: the one whose command stands first on *search_path*; os-release decides between equals.

    :raises Failed: there is none, or several stand equal and os-release names none of them.
    """
    for folder in search_path:
        here = [name for name in MANAGERS if os.access(os.path.join(folder, COMMAND[name]), os.X_OK)]
        if len(here) == 1:
            return here[0]
        if here:
            named = family(os_release)
            if named in here:
                return str(named)
            raise Failed(
                "find the package manager",
                f"{', '.join(here)} are installed and os-release does not decide",
                reason="provider",
                cure="Set provider",
            )
    raise Failed("find the package manager", "none of dnf, zypper, apt-get is installed", reason="provider")


def manager(
    provider: str, *, change_seconds: float = 3600.0, lock_timeout: float = 600.0, lock_delay: float = 5.0
) -> Manager:
    """The host's package manager.

    :param provider: dnf, zypper, apt, or auto for the one the host has.
    :param change_seconds: limit for a command that changes packages.
    :param lock_timeout: seconds to wait while another process holds it, with a try every ``lock_delay`` seconds.
    :raises BadInput: for another provider.
    :raises Failed: none is found.
    """
    if provider == "auto":
        folders = os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        provider = detect([folder for folder in folders if folder], read_file("/etc/os-release"))
    if provider not in MANAGERS:
        raise BadInput(
            "choose the package manager", f"provider is one of auto, {', '.join(MANAGERS)}, not {provider!r}"
        )
    return MANAGERS[provider](Commands(change_seconds=change_seconds), lock_timeout=lock_timeout, lock_delay=lock_delay)


__all__ = ("Manager", "detect", "family", "manager")
