# SPDX-License-Identifier: GPL-3.0-or-later
"""dnf (4 or 5), the package manager of Red Hat's family.

Exit codes, from dnf(8): 0 done, 1 error, 3 unknown error, 100 updates available (check-update only), 200 locked.
"""

from __future__ import annotations

import re
from typing import List, Optional, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import boot, rpm
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import (
    Answer,
    pid_lock,
    read_file,
)
from ansible_collections.basis.landscape.plugins.module_utils._packages.manager import EVERYTHING, Manager, Sign
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import (
    Change,
    Installed,
    Pending,
    RebootNeed,
    Selection,
)

VERSIONLOCKS = ("/etc/dnf/plugins/versionlock.list", "/etc/yum/pluginconf.d/versionlock.list")
VERSIONLOCKS_5 = ("/etc/dnf/versionlock.toml",)

#: What dnf 4 holds around a transaction of rpm, beyond rpm's own lock.
TRANSACTION = "/var/lib/dnf/rpmdb_lock.pid"

#: Sections of the transaction table, as dnf 4 and 5 head them.
SECTIONS = {
    "Upgrading:": "upgraded",
    "Installing:": "installed",
    "Installing dependencies:": "installed",
    "Installing weak dependencies:": "installed",
    "Installing group/module packages:": "installed",
    "Reinstalling:": "reinstalled",
    "Downgrading:": "downgraded",
    "Removing:": "removed",
    "Removing dependent packages:": "removed",
    "Removing unused dependencies:": "removed",
}


def read_check_update(text: str) -> List[Tuple[str, str, str]]:
    """``(name, arch, version)`` of each line of ``dnf -q check-update``.

    Long names push the version to the next line, so words are counted, not columns. What follows the heading
    "Obsoleting Packages" is about replacements, not about updates.

    :raises Failed: words are left over.
    """
    found: List[Tuple[str, str, str]] = []
    words: List[str] = []
    for line in text.splitlines():
        if line.startswith("Obsoleting Packages"):
            break
        if not words and (not line.strip() or not _is_row(line)):
            continue
        words += line.split()
        if len(words) >= 3:
            name, _dot, arch = words[0].rpartition(".")
            found.append((name, arch, rpm.plain(words[1])))
            words = []
    if words:
        raise Failed("read the list of updates", f"dnf ended it with {' '.join(words)!r}", reason="unknown_output")
    return found


def _is_row(line: str) -> bool:
    return re.match(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\.[A-Za-z0-9_]+(\s|$)", line) is not None


def read_transaction(text: str, installed: Installed) -> Optional[List[Change]]:
    """What ``dnf upgrade --assumeno`` would do; None when the text has no transaction table."""
    changes: List[Change] = []
    action: Optional[str] = None
    seen = False
    words: List[str] = []
    for line in text.splitlines():
        heading = SECTIONS.get(line.strip())
        if heading is not None and not line.startswith(" "):
            action, seen, words = heading, True, []
            continue
        if action is None or not line.startswith(" "):
            action, words = None, []
            continue
        part = line.split()
        if part[0] == "replacing":
            continue
        words += part
        if len(words) < 4:
            continue
        name, arch, version = words[0], words[1], rpm.plain(words[2])
        words = []
        known = installed.get(f"{name}.{arch}", ())
        if action == "removed":
            changes.append(Change(name, arch, version, None, action))
        else:
            changes.append(Change(name, arch, _old(known), version, action))
    return changes if seen else None


def _old(known: Tuple[str, ...]) -> Optional[str]:
    return known[-1] if known else None


def read_needs_restarting(answer: Answer) -> Optional[RebootNeed]:
    """The verdict of ``dnf needs-restarting -r``: the exit code must agree with the words, else None.

    A missing plugin ends with 1 as well, as a needed reboot does, so the code alone proves nothing.
    """
    packages = re.findall(r"^\s+\* (\S+)", answer.out, re.MULTILINE)
    if answer.rc == 1 and re.search(r"Reboot is required", answer.out):
        return RebootNeed(True, "dnf needs-restarting", packages or ["Reboot is required"])
    if answer.rc == 0 and re.search(r"Reboot should not be necessary|No core libraries", answer.out):
        return RebootNeed(False, "dnf needs-restarting", ["no core library or service was updated since the boot"])
    return None


def read_versionlock(text: str) -> List[str]:
    """The entries of dnf 4's versionlock.list; ``!`` at the start excludes a version and is kept."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def read_versionlock_toml(text: str) -> List[str]:
    """The package names of dnf 5's versionlock.toml (no TOML reader is at hand on Python 3.8)."""
    return re.findall(r"^\s*name\s*=\s*[\"']([^\"']+)[\"']", text, re.MULTILINE)


class Dnf(Manager):
    """dnf's verbs."""

    name = "dnf"
    unlock = "dnf versionlock delete"
    signs = (
        Sign(
            r"^Disk Requirements|more space needed on|needs (at least )?\d+\s*\S*B? (more space )?on the",
            "disk_full",
            "Free the space that is named, then run again",
        ),
        Sign(
            r"Failed to download metadata for repo|Cannot download repomd|Ignoring repositories:"
            r"|Failed to synchronize cache"
            r"|Errors during downloading metadata|Cannot find a valid baseurl|Failed to download packages"
            r"|Cannot download, all mirrors were already tried|Curl error|Status code: \d{3}",
            "repository_unreachable",
            "Make the repository reachable or disable it; no patch is skipped in silence",
        ),
        Sign(
            r"^ *Problem(?: \d+)?:|nothing provides|conflicting requests|cannot install the best|Depsolve Error"
            r"|Failed to resolve the transaction|Skipping packages with (conflicts|broken dependencies)",
            "broken_dependencies",
            "Repair the repository, or leave the packages out with exclude",
        ),
        Sign(
            r"GPG check FAILED|Public key for .* is not (installed|trusted)|GPG keys are (not )?configured"
            r"|are not correct for this package|signature .* NOT OK",
            "signature",
            "Import the right key; packages without a good signature are not installed",
        ),
        Sign(
            r"This command has to be run with superuser privileges|has to be run under the root user|Permission denied",
            "not_root",
            "Run the task with become",
        ),
        Sign(
            r"No match for argument|No packages marked for upgrade|Unable to find a match",
            "package_not_found",
            "Correct the name; a package that is not installed cannot be upgraded",
        ),
        Sign(
            r"scriptlet failed|Error: Transaction failed|transaction test error|Transaction test error|rpmdb",
            "transaction",
            "Read the package manager's log on the host, repair the package, run again",
        ),
        Sign(
            r"Unable to detect release version|There are no enabled repositor|no repositories",
            "no_repository",
            "Register the host or configure a repository",
        ),
    )

    def refresh(self) -> None:
        """Expire the cache, so that the next look reads the repositories anew."""
        answer = self.unlocked("refresh the repositories", lambda: self._dnf("makecache", "--refresh"))
        self._check("refresh the repositories", answer)

    def installed(self) -> Installed:
        """The rpm database."""
        return rpm.installed(self.commands)

    def pending(self, selection: Selection, installed: Installed) -> Pending:
        """``check-update`` finds the candidates; a transaction answered with no says what really would happen."""
        doing = "list the updates"
        security = ["--security"] if selection.security else []
        answer = self.unlocked(doing, lambda: self._dnf("check-update", *security, *selection.names))
        if answer.rc not in (0, 100):
            raise self.failure(doing, answer)
        self._check(doing, Answer(0, answer.out, answer.err))
        candidates = read_check_update(answer.out)
        if answer.rc == 100 and not candidates:
            raise Failed(
                doing, f"dnf says there are some and names none: {answer.last_lines()}", reason="unknown_output"
            )
        found = [Change(n, a, _old(installed.get(f"{n}.{a}", ())), v, "upgraded") for n, a, v in candidates]
        held_back = [change for change in found if selection.holds(change.name)]
        changes = [change for change in found if not selection.holds(change.name)]
        if changes:
            changes = self._transaction(selection, installed, changes)
        return Pending(changes, held_back)

    def _transaction(self, selection: Selection, installed: Installed, candidates: List[Change]) -> List[Change]:
        """What dnf would do for *candidates*, with what they bring along; they alone when dnf prints no table."""
        doing = "plan the upgrade"
        answer = self.unlocked(doing, lambda: self._dnf("--assumeno", *self._upgrade(selection)))
        if not re.search(r"Operation aborted", answer.text):
            raise self.failure(doing, answer, selection)
        return read_transaction(answer.out, installed) or candidates

    def upgrade(self, selection: Selection, pending: Pending) -> None:
        """``dnf upgrade``, with the best candidates or not at all; a script that failed is a failure."""
        doing = "upgrade packages"
        answer = self.unlocked(doing, lambda: self._dnf("-y", *self._upgrade(selection), change=True))
        self._check(doing, answer, selection)
        rpm.check_scripts(doing, answer.text)

    def _upgrade(self, selection: Selection) -> List[str]:
        words = ["upgrade", "--best"]
        words += ["--security"] if selection.security else []
        words += [f"--exclude={pattern}" for pattern in selection.held]
        return words + list(selection.names)

    def reboot_need(self) -> RebootNeed:
        """``dnf needs-restarting -r``, else ``needs-restarting -r``, else the install times of core packages."""
        need = read_needs_restarting(self.commands.ask("dnf", "needs-restarting", "-r"))
        if need is None and self.commands.path("needs-restarting"):
            need = read_needs_restarting(self.commands.ask("needs-restarting", "-r"))
        return need or rpm.reboot_need(self.commands, boot.booted())

    def locks(self) -> List[str]:
        """The versionlock plugin's list."""
        found = [entry for path in VERSIONLOCKS for entry in read_versionlock(read_file(path))]
        return found + [entry for path in VERSIONLOCKS_5 for entry in read_versionlock_toml(read_file(path))]

    def locked_name(self, entry: str) -> str:
        """Without the version that dnf 4 keeps in the same word."""
        return re.sub(r"-\d+:.*$", "", entry.lstrip("!"))

    def conflict(self, text: str) -> Tuple[List[str], List[str]]:
        """The problems of the solver; a package that is held is "filtered out by exclude filtering" there."""
        found = re.findall(r"^ *Problem(?: \d+)?:.*(?:\n +- .*)*", text, re.MULTILINE)
        lines = [line.strip() for part in found for line in part.splitlines()]
        return lines, rpm.names_in("\n".join(lines))

    def in_use(self) -> str:
        """By the locks of rpm and of dnf's transaction."""
        return rpm.in_use(self.commands) or pid_lock(TRANSACTION)

    def locked(self, answer: Answer) -> bool:
        """Exit code 200, or rpm's own lock."""
        return answer.rc == 200 or (
            answer.rc != 0
            and re.search(r"transaction lock|Failed to obtain .*lock|is locked by", answer.text) is not None
        )

    def _dnf(self, *words: str, change: bool = False) -> Answer:
        run = self.commands.change if change else self.commands.ask
        return run("dnf", "--setopt=exit_on_lock=1", *words)

    def _check(self, doing: str, answer: Answer, selection: Selection = EVERYTHING) -> None:
        unreachable = next(sign for sign in self.signs if sign.reason == "repository_unreachable")
        if answer.rc != 0 or re.search(unreachable.pattern, answer.err, re.MULTILINE):
            raise self.failure(doing, answer, selection)


__all__ = (
    "Dnf",
    "read_check_update",
    "read_needs_restarting",
    "read_transaction",
    "read_versionlock",
    "read_versionlock_toml",
)
