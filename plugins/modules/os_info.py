#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module os_info: the operating system of a host as a maintenance run sees it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: os_info
short_description: Boot, packages and need for a reboot of a host
version_added: 0.1.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Reads the identity of the running boot, how long it lasts, which package manager the host has, a digest of its
    package list, and whether it says that it needs a reboot. Asks no repository and changes nothing.
  - Who is asked for the need of a reboot is C(dnf needs-restarting), else the install times in the rpm database;
    C(zypper needs-rebooting); with apt the file C(/run/reboot-required), and then dpkg, whether a newer kernel than the
    running one is installed. Where nothing on the host writes that file (neither update-notifier nor
    unattended-upgrades), its absence proves nothing; dpkg then has to show that no core package is newer than the boot.
  - A host without any kernel of its own, such as a container, is judged by its core packages alone, and
    RV(reboot_evidence) says so. What nobody proves is unknown, RV(reboot_required) is null.
attributes:
  platform:
    platforms: linux
extends_documentation_fragment:
  - basis.landscape.attributes.info
options:
  provider:
    description: The package manager, V(auto) for the one the host has, V(none) for the boot alone.
    type: str
    choices: [auto, none, dnf, zypper, apt]
    default: auto
  packages:
    description: Return every installed package with its version too.
    type: bool
    default: false
seealso:
  - module: basis.landscape.os_packages
"""

EXAMPLES = r"""
- name: Which boot is this, and must there be another
  basis.landscape.os_info:
  register: os
"""

RETURN = r"""
boot_id:
  description: The identity of the running boot; another boot has another one.
  type: str
  returned: success
uptime:
  description: Seconds since the boot.
  type: float
  returned: success
provider:
  description: The package manager; null with O(provider=none).
  type: str
  returned: success
packages_digest:
  description: SHA-256 of the whole package list; null with O(provider=none).
  type: str
  returned: success
package_count:
  description: How many packages are installed; null with O(provider=none).
  type: int
  returned: success
packages:
  description: C(name.arch) with the installed versions.
  type: dict
  returned: when O(packages=true)
locks:
  description: What the host itself holds back (versionlock, zypper locks, apt holds).
  type: list
  elements: str
  returned: success
reboot_required:
  description: Whether the host says that it needs a reboot; null when it cannot tell or was not asked.
  type: bool
  returned: success
reboot_evidence:
  description: Who says so, and from what.
  type: dict
  returned: success
"""

from typing import Any, Dict

from ansible_collections.basis.landscape.plugins.module_utils._argspec import ArgumentSpec
from ansible_collections.basis.landscape.plugins.module_utils._module import Context, run_query
from ansible_collections.basis.landscape.plugins.module_utils._packages import client
from ansible_collections.basis.landscape.plugins.module_utils._packages.boot import boot_id, uptime
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import RebootNeed, digest


def spec() -> ArgumentSpec:
    """The options."""
    return ArgumentSpec(
        {
            "provider": {"type": "str", "choices": ["auto", "none", "dnf", "zypper", "apt"], "default": "auto"},
            "packages": {"type": "bool", "default": False},
        }
    )


def answer(context: Context) -> Dict[str, Any]:
    """What the host says about itself."""
    result: Dict[str, Any] = {"boot_id": boot_id(), "uptime": round(uptime(), 2)}
    provider = context.params["provider"]
    manager = None if provider == "none" else client.manager(provider)
    installed = manager.installed() if manager else None
    need = manager.reboot_need() if manager else RebootNeed(None, "nobody was asked", [])
    result.update(
        provider=manager.name if manager else None,
        packages_digest=digest(installed) if installed is not None else None,
        package_count=len(installed) if installed is not None else None,
        locks=manager.locks() if manager else [],
        reboot_required=need.required,
        reboot_evidence={"source": need.source, "evidence": need.evidence},
    )
    if context.params["packages"]:
        result["packages"] = {key: list(found) for key, found in (installed or {}).items()}
    return result


def main() -> None:
    """Run the module."""
    run_query(spec(), answer)


if __name__ == "__main__":
    main()
