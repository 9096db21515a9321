# SPDX-License-Identifier: GPL-3.0-or-later
"""zypper, the package manager of SUSE's family.

Exit codes, from zypper(8): 0 done, 4 error of the library, 5 not root, 6 no repositories, 7 locked, 8 commit failed,
100 and 101 updates there (patch-check only), 102 reboot needed, 103 the package manager updated itself (run again),
104 no such package, 105 ended by a signal, 106 a repository was left out, 107 a script of a package failed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from html import unescape
from typing import Dict, Iterator, List, Optional, Set, Tuple
from xml.etree import ElementTree

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._packages import rpm
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, pid_lock, read_file
from ansible_collections.basis.landscape.plugins.module_utils._packages.manager import EVERYTHING, KINDS, Manager, Sign
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import (
    Change,
    Installed,
    Pending,
    RebootNeed,
    Selection,
)

LOCKS = "/etc/zypp/locks"
#: Which process zypper, or another user of libzypp, is: it stands there from its start to its end.
PROCESS = "/run/zypp.pid"
CONFIGURATION = ("/etc/zypp/zypp.conf", "/usr/etc/zypp/zypp.conf")

OK, NO_REPOSITORY, LOCKED, REBOOT_NEEDED, AGAIN = 0, 6, 7, 102, 103
#: Exit codes that name a failure by themselves, where its words do not.
REASONS = {
    5: "not_root",
    NO_REPOSITORY: "no_repository",
    104: "package_not_found",
    106: "repository_unreachable",
    107: "transaction",
}
NO_REPOSITORY_CURE = "Register the host or enable a repository: without one it gets no patches, as if it had them all"
#: Words by which a repository was passed over, or there is none: older zypper says them and ends with 0 all the same.
PASSED_OVER = r"have not been refreshed|(Skipping|Disabling) repository|No repositories defined|no enabled repositories"
#: How often an answer "run again" is followed: zypper asks for it once, after it updated itself.
MOST_PASSES = 3

ACTIONS = {
    "to-upgrade": "upgraded",
    "to-install": "installed",
    "to-downgrade": "downgraded",
    "to-remove": "removed",
    "to-reinstall": "reinstalled",
    "to-upgrade-change-arch": "upgraded",
    "to-downgrade-change-arch": "downgraded",
}


def _root(doing: str, text: str) -> ElementTree.Element:
    start = text.find("<?xml")
    try:
        return ElementTree.fromstring(text[start:].strip() if start >= 0 else text.strip())
    except ElementTree.ParseError as error:
        raise Failed(doing, f"it is no XML ({error}): {text.strip()[:200]!r}", reason="unknown_output") from error


def read_repositories(text: str) -> List[str]:
    """The aliases of the enabled repositories in the answer of ``zypper --xmlout repos``.

    :raises Failed: the answer is no XML, or is no list of repositories.
    """
    doing = "read zypper's repositories"
    root = _root(doing, text)
    if root.find("./repo-list") is None:
        raise Failed(doing, f"it has no repo-list: {text.strip()[-400:]!r}", reason="unknown_output")
    return [repo.get("alias", "") for repo in root.iterfind("./repo-list/repo") if repo.get("enabled") == "1"]


def read_summary(text: str) -> List[Change]:
    """The packages of the ``install-summary`` of ``zypper --xmlout ... --dry-run``; none when it says "Nothing to do".

    :raises Failed: the answer is no XML, has neither a summary nor those words, or counts packages that it names not.
    """
    doing = "read the plan of zypper"
    root = _root(doing, text)
    summary = root.find("./install-summary")
    if summary is None and "Nothing to do." not in [message.text for message in root.iterfind("./message")]:
        raise Failed(
            doing, f"it has no summary, nor is there nothing to do: {text.strip()[-400:]!r}", reason="unknown_output"
        )
    changes: List[Change] = []
    for section in root.iterfind("./install-summary/*"):
        action = ACTIONS.get(section.tag)
        for solvable in section.iterfind("solvable"):
            if action is None or solvable.get("type") != "package":
                continue
            name, arch = solvable.get("name", ""), solvable.get("arch", "")
            edition = rpm.plain(solvable.get("edition", ""))
            old = solvable.get("edition-old")
            if action == "removed":
                changes.append(Change(name, arch, edition, None, action))
            else:
                changes.append(Change(name, arch, rpm.plain(old) if old else None, edition, action))
    counted = summary.get("packages-to-change", "0") if summary is not None else "0"
    if counted != "0" and not changes:
        raise Failed(doing, f"it counts {counted} and names none: {text.strip()[-400:]!r}", reason="unknown_output")
    return sorted(changes)


def read_locks(text: str) -> List[str]:
    """The names in ``/etc/zypp/locks``."""
    return re.findall(r"^solvable_name:\s*(\S+)", text, re.MULTILINE)


def lock_entries(patterns: Tuple[str, ...]) -> str:
    """Locks in the format of ``/etc/zypp/locks``."""
    entry = "\ntype: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: {}\n"
    return "".join(entry.format(pattern) for pattern in patterns) + "\n"


def with_locks_file(configuration: str, path: str) -> str:
    """A zypp.conf that keeps its locks in *path*; what else it says stays."""
    kept = re.sub(r"^\s*locksfile\.path\s*=.*\n?", "", configuration, flags=re.MULTILINE)
    if not re.search(r"^\[main\]", kept, re.MULTILINE):
        kept = "[main]\n" + kept
    return re.sub(
        r"^\[main\][^\n]*\n",
        lambda found: f"{found.group(0)}locksfile.path = {path}\n",
        kept,
        count=1,
        flags=re.MULTILINE,
    )


def messages(text: str) -> str:
    """The warnings and errors of an XML answer as plain text."""
    return unescape("\n".join(re.findall(r'<message type="(?:error|warning)">(.*?)</message>', text, re.DOTALL)))


def problems(text: str) -> str:
    """What zypper asks a person to decide, the problems of its solver, in an XML answer as plain text."""
    return unescape("\n".join(re.findall(r"<prompt[^>]*>\s*<description>(.*?)</description>", text, re.DOTALL)))


def rpm_output(text: str) -> str:
    """What rpm said in an XML answer, as plain text."""
    return unescape("\n".join(re.findall(r"<message[^>]*>Additional rpm output:(.*?)</message>", text, re.DOTALL)))


class Zypper(Manager):
    """zypper's verbs."""

    name = "zypper"
    unlock = "zypper removelock"
    signs = (
        Sign(
            r"not enough (disk )?space|[Nn]ot enough free disk space|needs? .* on .*filesystem"
            r"|disk space .*insufficient|at least .* more space",
            "disk_full",
            "Free the space that is named, then run again",
        ),
        Sign(
            r"[Nn]othing provides|[Pp]roblem(?: \d+)?: |conflicts with"
            r"|requires .*, but this requirement cannot be provided|cannot be installed|cannot install both",
            "broken_dependencies",
            "Repair the repository, or leave the packages out with exclude",
        ),
        Sign(
            r"(Skipping|Disabling) repository|Specified path .* is not a directory"
            r"|[Ff]ailed to (download|retrieve|cache)|Valid metadata not found|is invalid\."
            r"|[Cc]onnection failed|Can't access file|File '[^']*' not found on medium|Could not refresh the repositor"
            r"|[Dd]ownload \(curl\) error|Some of the repositories have not been refreshed",
            "repository_unreachable",
            "Make the repository reachable or disable it; no patch is skipped in silence",
        ),
        Sign(
            r"[Ss]ignature verification failed|unsigned|unknown (GnuPG|GPG) key|Digest verification failed",
            "signature",
            "Import the right key; packages without a good signature are not installed",
        ),
        Sign(r"Root privileges are required|superuser privileges", "not_root", "Run the task with become"),
        Sign(r"No provider of|Package '[^']*' not found", "package_not_found", "Correct the name"),
        Sign(
            r"No repositories defined|no enabled repositories",
            "no_repository",
            NO_REPOSITORY_CURE,
        ),
        Sign(
            r"scriptlet failed|%post.* failed|Installation of .* failed|Subprocess failed",
            "transaction",
            "Read the package manager's log on the host, repair the package, run again",
        ),
    )

    def refresh(self) -> None:
        """Read every enabled repository; one that cannot be read is a failure, although zypper goes on without it."""
        doing = "refresh the repositories"
        self._check(doing, self.unlocked(doing, lambda: self._zypper("refresh")))

    def installed(self) -> Installed:
        """The rpm database."""
        return rpm.installed(self.commands)

    def pending(self, selection: Selection, installed: Installed) -> Pending:
        """A dry run; what is held is found by one without the holds."""
        if selection.security and selection.names:
            raise BadInput(
                "plan the upgrade", "zypper knows security fixes by advisory, so names cannot go with security"
            )
        self._repositories()
        if self._by_name(selection):
            return self._security(selection, installed)
        if not selection.held:
            return Pending(self._dry_run(selection), [])
        free = self._dry_run(selection._replace(held=()))
        held = [change for change in free if selection.holds(change.name)]
        changes = self._dry_run(selection) if len(held) < len(free) else []
        # Without a word zypper takes an older version, or none, of what needs a package that is held.
        planned, there = {(change.name, change.new) for change in changes}, _names(installed)
        missed = {c.name for c in free if c.action in ("upgraded", "installed") and (c.name, c.new) not in planned}
        left_out = sorted(name for name in missed if name in there and not selection.holds(name))
        return Pending(changes, held, tuple(left_out))

    def _by_name(self, selection: Selection) -> bool:
        """True when security fixes go by the names of their packages.

        zypper patch installs an advisory whole or not at all: one with a locked package is a conflict (exit code 4),
        and no other advisory is installed then either.
        """
        return selection.security and bool(selection.held or self.locks())

    def _fixed(self, selection: Selection, installed: Installed) -> Tuple[Tuple[str, ...], List[Change]]:
        """The installed packages that the advisories bring anew and the locks allow, by name; those that are held.

        A new kernel stands beside the old one, so it is to be installed, not upgraded.
        """
        free = self._dry_run(selection._replace(held=()), hosts_locks=False)
        stays = selection._replace(held=selection.held + tuple(self.locks()))
        there = _names(installed)
        names = {change.name for change in free if change.name in there and change.action in ("upgraded", "installed")}
        held = [change for change in free if selection.holds(change.name)]
        return tuple(sorted(name for name in names if not stays.holds(name))), held

    def _security(self, selection: Selection, installed: Installed) -> Pending:
        """What the advisories bring without any lock, and of that, by name, what the locks allow."""
        names, held = self._fixed(selection, installed)
        changes = self._dry_run(Selection(names, selection.held)) if names else []
        left_out = sorted(set(names) - {change.name for change in changes})
        return Pending(changes, held, tuple(left_out))

    def _repositories(self) -> None:
        """Raise unless one is enabled: where all are disabled, a dry run has nothing to do without a word about it."""
        doing = "find a repository"
        answer = self.unlocked(doing, lambda: self._zypper("--no-refresh", "repos"))
        self._check(doing, answer, OK, NO_REPOSITORY)
        if not read_repositories(answer.out):
            raise Failed(doing, "the host has no enabled one", reason="no_repository", cure=NO_REPOSITORY_CURE)

    def _dry_run(self, selection: Selection, *, hosts_locks: bool = True) -> List[Change]:
        doing = "plan the upgrade"
        with self._locks_of(selection, hosts_locks=hosts_locks) as environment:
            answer = self.unlocked(
                doing,
                lambda: self._zypper(*self._upgrade(selection, "--dry-run"), environment=environment),
            )
        self._check(doing, answer, OK, REBOOT_NEEDED, AGAIN, selection=selection, hosts_locks=hosts_locks)
        return read_summary(answer.out)

    def upgrade(self, selection: Selection, pending: Pending) -> None:
        """``zypper update``, or ``zypper patch --category security``; again when zypper updated itself first."""
        if not self._by_name(selection):
            self._change(selection)
            return
        for _turn in range(MOST_PASSES):
            names, _held = self._fixed(selection, self.installed())
            if not names:  # without a name zypper would upgrade everything
                return
            self._change(Selection(names, selection.held))
            # As long as zypper itself needs an advisory, zypper patch names no other one.
            if not self._security(selection, self.installed()).changes:
                return
        raise self._again()

    def _change(self, selection: Selection) -> None:
        doing = "upgrade packages"
        with self._locks_of(selection) as environment:
            for _turn in range(MOST_PASSES):
                answer = self.unlocked(
                    doing,
                    lambda: self._zypper(*self._upgrade(selection), environment=environment, change=True),
                )
                if answer.rc not in (OK, REBOOT_NEEDED, AGAIN):
                    raise self.failure(doing, answer, selection)
                rpm.check_scripts(doing, rpm_output(answer.out))
                if answer.rc != AGAIN:
                    return
        raise self._again()

    @staticmethod
    def _again() -> Failed:
        return Failed(
            "upgrade packages",
            f"zypper asked {MOST_PASSES} times to be run again (exit code 103)",
            reason="zypper_again",
        )

    @staticmethod
    def _upgrade(selection: Selection, *more: str) -> List[str]:
        # zypper patch knows advisories, zypper update knows versions: names go with update only.
        if selection.security:
            return ["--no-refresh", "patch", "--category", "security", "--auto-agree-with-licenses", *more]
        return ["--no-refresh", "update", "--auto-agree-with-licenses", *more, *selection.names]

    @contextmanager
    def _locks_of(self, selection: Selection, *, hosts_locks: bool = True) -> Iterator[Dict[str, str]]:
        """Holds for one call: a configuration of its own with the host's locks and ours; the host's files stay."""
        if not selection.held and hosts_locks:
            yield {}
            return
        folder = tempfile.mkdtemp(prefix="basis-landscape-")
        try:
            locks, configuration = os.path.join(folder, "locks"), os.path.join(folder, "zypp.conf")
            with open(locks, "w", encoding="utf-8") as handle:
                handle.write((read_file(LOCKS) if hosts_locks else "") + lock_entries(selection.held))
            with open(configuration, "w", encoding="utf-8") as handle:
                handle.write(with_locks_file(_first(CONFIGURATION), locks))
            yield {"ZYPP_CONF": configuration}
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def reboot_need(self) -> RebootNeed:
        """``zypper needs-rebooting``: 0 no, 102 yes, everything else is no answer."""
        source = "zypper needs-rebooting"
        answer = self.unlocked("ask for the need of a reboot", lambda: self.commands.ask("zypper", "needs-rebooting"))
        if answer.rc == REBOOT_NEEDED:
            return RebootNeed(True, source, [answer.last_lines(2)])
        if answer.rc == OK:
            return RebootNeed(False, source, [answer.last_lines(2)])
        return RebootNeed(None, source, [f"exit code {answer.rc}: {answer.last_lines(2)}"])

    def locks(self) -> List[str]:
        """zypper's own locks."""
        return read_locks(read_file(LOCKS))

    def in_use(self) -> str:
        """By the locks of rpm and of libzypp, which runs the last scripts itself."""
        return rpm.in_use(self.commands) or pid_lock(PROCESS)

    def locked(self, answer: Answer) -> bool:
        """Exit code 7."""
        return answer.rc == LOCKED

    def conflict(self, text: str) -> Tuple[List[str], List[str]]:
        """The problems of the solver, without the solutions that it offers to a person."""
        found = re.findall(r"Problem(?: \d+)?: .*(?:\n {2}\S.*)*", text)
        lines = [line.strip() for part in found for line in part.splitlines()]
        return lines, rpm.names_in("\n".join(lines))

    def failure(
        self, doing: str, answer: Answer, selection: Selection = EVERYTHING, *, hosts_locks: bool = True
    ) -> LandscapeError:
        """As the base does, from the messages in the XML, else by the exit code."""
        error = super().failure(doing, _said(answer), selection, hosts_locks=hosts_locks)
        sign = next((sign for sign in self.signs if sign.reason == REASONS.get(answer.rc)), None)
        if error.reason == "unknown_exit_code" and sign is not None:
            kind = KINDS.get(sign.reason, Failed)
            return kind(doing, error.why, reason=sign.reason, cure=sign.cure, rc=answer.rc, provider=self.name)
        return error

    def _check(
        self,
        doing: str,
        answer: Answer,
        *good: int,
        selection: Selection = EVERYTHING,
        hosts_locks: bool = True,
    ) -> None:
        if answer.rc not in (good or (OK,)) or re.search(PASSED_OVER, _said(answer).text):
            raise self.failure(doing, answer, selection, hosts_locks=hosts_locks)

    def _zypper(self, *words: str, environment: Optional[Dict[str, str]] = None, change: bool = False) -> Answer:
        run = self.commands.change if change else self.commands.ask
        return run(
            "zypper",
            "--non-interactive",
            "--non-interactive-include-reboot-patches",
            "--xmlout",
            *words,
            environment=environment,
        )


def _names(installed: Installed) -> Set[str]:
    return {key.rpartition(".")[0] for key in installed}


def _said(answer: Answer) -> Answer:
    """The answer with its messages alone, where it has some: packages describe themselves in any words."""
    said = "\n".join(filter(None, (messages(answer.out), problems(answer.out))))
    return Answer(answer.rc, said or answer.out, answer.err)


def _first(paths: Tuple[str, ...]) -> str:
    return next((text for text in map(read_file, paths) if text), "[main]\n")


__all__ = (
    "Zypper",
    "lock_entries",
    "messages",
    "problems",
    "read_locks",
    "read_repositories",
    "read_summary",
    "rpm_output",
    "with_locks_file",
)
