#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module os_packages: packages of the operating system, upgraded."""

from __future__ import annotations

DOCUMENTATION = r"""
module: os_packages
short_description: Upgrade the packages of the operating system
version_added: 0.1.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Upgrades all, or some, installed packages with C(dnf), C(zypper) or C(apt-get), proves from the package database
    that every planned version is there, and tells whether the host says that it needs a reboot.
  - Packages that must not move, such as those that SAP or the database certifies, are held back for the call. Holds are
    given to the package manager for this call only; the host's own locks stay as they are and count too.
  - A package manager that another process uses is waited for, also before the answer that nothing is to do, or that
    the upgrade is proved; the package database shows a new version before its scripts have run. Who may not read the
    lock files sees by the kernel's list of locks whether they are held; where that does not tell, the call ends with
    the reason V(not_root).
  - With apt a package whose installation broke off, half configured for instance, is work to do even when no newer
    version is there. apt-get configures it as it would in any call; what it cannot configure is an error. rpm keeps no
    record of a script that failed, so with dnf and zypper such a script fails the call in which it runs.
  - Every failure has a name in RV(ignore:error.reason), for example V(package_manager_locked),
    V(repository_unreachable), V(no_repository), V(disk_full), V(broken_dependencies), V(signature), V(transaction),
    V(not_upgraded), V(unfinished_packages), V(held_package_changed), V(still_running). An exit code that is
    not known is a failure.
attributes:
  check_mode:
    support: full
    details: >-
      Lists exactly what would be upgraded. With O(refresh=true) the package manager's cache of metadata is still
      renewed. Only apt plans without root, and only with O(refresh=false); zypper, and dnf when it has something to
      upgrade, refuse another user, which is an error with the reason V(not_root).
  diff_mode:
    support: full
  platform:
    platforms: linux
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
options:
  state:
    description: The packages are at the newest version that the repositories and the holds allow.
    type: str
    choices: [upgraded]
    default: upgraded
  provider:
    description:
      - The package manager. V(auto) takes the one whose command comes first in C(PATH), and asks C(/etc/os-release)
        when several stand in one folder.
    type: str
    choices: [auto, dnf, zypper, apt]
    default: auto
  security:
    description:
      - Only what fixes a security advisory, with its dependencies.
      - With zypper this means patches of the category security, and does not go with O(names). Where something is held
        or locked, the packages of these patches are upgraded by name, because zypper patch refuses to split a patch.
    type: bool
    default: false
  names:
    description:
      - Installed packages to upgrade, as names or shell patterns; all when empty. A name that is not installed
        is an error.
    type: list
    elements: str
    default: []
  exclude:
    description: Packages to leave out of this call, as names or shell patterns.
    type: list
    elements: str
    default: []
  locked:
    description:
      - Packages that must keep their version, as names or shell patterns, for example because they are certified.
      - They are left out as with O(exclude). A name that no installed package has is told in RV(locked_absent).
      - An upgrade that needs another version of such a package is not possible. dnf then refuses all upgrades, apt and
        zypper those that are asked for by name or for O(security). This is an error with the reason
        V(broken_dependencies) that names both packages, the lock and the ways out. Without O(names) apt and zypper
        upgrade the others, and RV(left_out) names the package.
    type: list
    elements: str
    default: []
  refresh:
    description:
      - Read the repositories' metadata anew first. A repository that does not answer is then an error.
      - A host without any enabled repository is an error in both cases, because nothing would be found to patch.
    type: bool
    default: true
  lock_timeout:
    description:
      - Seconds to wait while another process holds the package manager. So long an upgrade that exceeded O(timeout) is
        waited for, too.
    type: float
    default: 600
  lock_delay:
    description: Seconds between two tries while another process holds the package manager.
    type: float
    default: 5
  timeout:
    description:
      - Seconds that the upgrade itself may take. A package manager that is still at work then is left alone, and the
        call ends with an error of the kind V(unknown).
    type: float
    default: 3600
seealso:
  - module: basis.landscape.os_info
"""

EXAMPLES = r"""
- name: All updates, without the packages that the database certifies
  basis.landscape.os_packages:
    locked:
      - compat-sap-c++*
      - saptune
  become: true
  register: patched

- name: Only security fixes
  basis.landscape.os_packages:
    security: true
  become: true

- name: What would be upgraded
  basis.landscape.os_packages:
  check_mode: true
  become: true
"""

RETURN = r"""
provider:
  description: The package manager that was used.
  type: str
  returned: success
packages:
  description:
    - What was changed, or would be in check mode.
    - With O(fence.work), what has changed since the first attempt of this piece of work began, also what an attempt did
      whose controller was killed, but for what it only configured. RV(ignore:changed) speaks of this call alone.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: Name of the package., type: str, returned: always}
    arch: {description: Architecture of the package., type: str, returned: always}
    from: {description: Version before; null when it was not there., type: str, returned: always}
    to: {description: Version after; null when it is not there any more., type: str, returned: always}
    action:
      description: >-
        One of upgraded, installed, configured, downgraded, removed; V(changed) when another version was there already
        when this attempt of the piece of work began.
      type: str
      returned: always
  sample: [{name: glibc, arch: x86_64, from: 2.34-100.el9, to: 2.34-125.el9, action: upgraded}]
held_back:
  description: Packages with a newer version that stay because they are held for this call; keys as in RV(packages).
  type: list
  elements: dict
  returned: success
left_out:
  description: >-
    Packages with a newer version for which the package manager finds no way (apt keeps them back). dnf fails instead.
    zypper takes the newest version that fits, if any; here are those of which the holds of the call alone prevent the
    newest one, and with O(security) those without any. They are warned about.
  type: list
  elements: str
  returned: success
locked_absent:
  description: Names and patterns of O(locked) that no installed package has.
  type: list
  elements: str
  returned: success
locks:
  description: What the host itself holds back (versionlock, zypper locks, apt holds).
  type: list
  elements: str
  returned: success
reboot_required:
  description: Whether the host says that it needs a reboot; null when it cannot tell.
  type: bool
  returned: success
reboot_evidence:
  description: Who says so, and from what.
  type: dict
  returned: success
  sample: {source: dnf needs-restarting, evidence: [kernel-core]}
boot_id:
  description: The identity of the running boot.
  type: str
  returned: success
before:
  description: Before the call, the versions of the packages in question, a digest of all packages, the need to reboot.
  type: dict
  returned: always
after:
  description: The same after the call; in check mode equal to RV(before).
  type: dict
  returned: success
steps:
  description: What was done, in words.
  type: list
  elements: dict
  returned: always
error:
  description: >-
    The failure for programs, with C(kind), C(reason), C(doing), C(why), C(cure), C(facts). When the upgrade itself
    failed, C(facts.packages) is what it changed all the same.
  type: dict
  returned: failure
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._argspec import ArgumentSpec, fence_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed, LandscapeError, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._module import Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._packages import client
from ansible_collections.basis.landscape.plugins.module_utils._packages.baseline import Baseline
from ansible_collections.basis.landscape.plugins.module_utils._packages.boot import boot_id
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import (
    Change,
    Installed,
    Pending,
    RebootNeed,
    Selection,
    changes_between,
    digest,
    expand,
    versions,
)


class State(NamedTuple):
    """What one look at the host shows; ``pending`` is what is still to do."""

    installed: Installed
    pending: Pending
    reboot: RebootNeed
    boot: str


class Upgraded(Operation[State]):
    """Packages at the newest version that is allowed."""

    def __init__(self, manager: client.Manager, params: Dict[str, Any], baseline: Optional[Baseline]) -> None:
        self.manager = manager
        self.baseline = baseline
        self.began: Optional[Installed] = None
        self.lost = ""
        self.refresh: bool = params["refresh"]
        self.names: List[str] = params["names"]
        self.locked: List[str] = params["locked"]
        self.selection = Selection((), tuple(params["exclude"] + params["locked"]), params["security"])
        self.first: State = State({}, Pending([], []), RebootNeed(None, "", []), "")
        self.unanswered = False
        self.locked_absent: List[str] = []

    def look(self) -> State:
        """The package list, what an upgrade would do, and the need for a reboot."""
        if self.baseline is not None:
            try:
                self.began = self.baseline.kept()
            except Failed as error:  # it is for the report alone
                self.lost = f"what an earlier attempt did is not told: {error.why}"
        if self.refresh:
            self.manager.refresh()
        while True:
            self.manager.at_rest("read the packages")
            self.first = self._read()
            # What was read while somebody else's transaction began says nothing about its end.
            if self.first.pending.changes or not self.manager.in_use():
                return self.first

    def _read(self) -> State:
        installed = self.manager.installed()
        names, lost = expand(self.names, installed)
        if lost:
            raise Failed("find the named packages", f"not installed: {', '.join(lost)}", reason="package_not_found")
        self.locked_absent = expand(self.locked, installed)[1]
        self.selection = self.selection._replace(names=tuple(names))
        pending = self.manager.pending(self.selection, installed)
        return State(installed, pending, self.manager.reboot_need(), boot_id())

    def plan(self, state: State) -> Tuple[Action[State], ...]:
        """One transaction, when there is something to do."""
        if not state.pending.changes:
            return ()
        words = "upgrade " + ", ".join(change.in_words() for change in state.pending.changes)
        return (Action("upgrade", words, self._act, self._verify),)

    def _act(self) -> None:
        if self.baseline is not None and self.began is None:
            self.baseline.keep(self.first.installed)
        try:
            self.manager.upgrade(self.selection, self.first.pending)
        except LandscapeError as error:
            self.unanswered = isinstance(error, Unknown)
            # A transaction can break off halfway: what really changed belongs to the error.
            installed = self.manager.installed()
            error.facts["packages"] = [change.as_data() for change in self._moved(installed)]
            error.facts["changed"] = bool(changes_between(self.first.installed, installed))
            raise

    def _moved(self, installed: Installed) -> List[Change]:
        """What has changed since the piece of work began, which may have been an attempt before this one."""
        if self.began is None:
            return changes_between(self.first.installed, installed)
        now = self.first.installed
        return [
            # Who moved it between the attempts, and in which direction, nobody saw.
            change._replace(action="changed")
            if change.action == "upgraded" and self.began[change.key] != now.get(change.key)
            else change
            for change in changes_between(self.began, installed)
        ]

    def _verify(self) -> State:
        try:
            self.manager.at_rest("prove the upgrade")
            installed = self.manager.installed()
            self.manager.proof(self.first.pending.changes, self.first.installed, installed, self.selection)
        except Failed as error:
            if self.unanswered:
                raise TimedOut(error.doing, error.why, reason="still_running") from error
            raise
        pending = self.first.pending._replace(changes=[])
        return State(installed, pending, self.manager.reboot_need(), boot_id())

    def describe(self, state: State) -> Dict[str, Any]:
        """The versions of the packages in question, not the whole list, which the digest stands for."""
        keys = {change.key for change in self.first.pending.changes}
        keys.update(change.key for change in changes_between(self.first.installed, state.installed))
        return {
            "packages": versions(state.installed, keys),
            "packages_digest": digest(state.installed),
            "reboot_required": state.reboot.required,
        }

    def warnings(self) -> List[str]:
        """Updates that the package manager leaves out of its own accord, and what is locked and not there."""
        words = [self.lost] if self.lost else []
        if self.first.pending.left_out:
            words.append(f"{self.manager.name} leaves these updates out: {', '.join(self.first.pending.left_out)}")
        if self.locked_absent:
            words.append(f"locked, but no installed package has such a name: {', '.join(self.locked_absent)}")
        return words

    def facts(self, state: State) -> Dict[str, Any]:
        """What changed, or would; what was held; who says whether a reboot is needed."""
        changes = state.pending.changes
        if not changes:
            configured = [change for change in self.first.pending.changes if change.action == "configured"]
            changes = self._moved(state.installed) + configured
        return {
            "provider": self.manager.name,
            "packages": [change.as_data() for change in changes],
            "held_back": [change.as_data() for change in state.pending.held_back],
            "left_out": list(state.pending.left_out),
            "locked_absent": self.locked_absent,
            "locks": self.manager.locks(),
            "reboot_required": state.reboot.required,
            "reboot_evidence": {"source": state.reboot.source, "evidence": state.reboot.evidence},
            "boot_id": state.boot,
        }


def spec() -> ArgumentSpec:
    """The options."""
    strings = {"type": "list", "elements": "str", "default": []}
    return ArgumentSpec(
        {
            "state": {"type": "str", "choices": ["upgraded"], "default": "upgraded"},
            "provider": {"type": "str", "choices": ["auto", "dnf", "zypper", "apt"], "default": "auto"},
            "security": {"type": "bool", "default": False},
            "names": strings,
            "exclude": strings,
            "locked": strings,
            "refresh": {"type": "bool", "default": True},
            "lock_timeout": {"type": "float", "default": 600},
            "lock_delay": {"type": "float", "default": 5},
            "timeout": {"type": "float", "default": 3600},
        }
    ).merge(fence_spec())


def build(context: Context) -> Upgraded:
    """The operation from the options."""
    params = context.params
    manager = client.manager(
        params["provider"],
        change_seconds=params["timeout"],
        lock_timeout=params["lock_timeout"],
        lock_delay=params["lock_delay"],
    )
    return Upgraded(manager, params, None if context.check_mode else Baseline.of(params["fence"]))


def main() -> None:
    """Run the module."""
    run_operation(spec(), build)


if __name__ == "__main__":
    main()
