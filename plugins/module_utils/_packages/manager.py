# SPDX-License-Identifier: GPL-3.0-or-later
"""What every package manager must be able to do, with the names of its failures."""

from __future__ import annotations

import contextlib
import re
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Type, TypeVar

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, LandscapeError, Unreachable
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, Commands
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import (
    Change,
    Installed,
    Pending,
    RebootNeed,
    Selection,
    matches,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock, Limits, NeverCame, wait_until

T = TypeVar("T")


class Sign(NamedTuple):
    """Text by which a failure is known, its stable ``reason``, and what a person can do."""

    pattern: str
    reason: str
    cure: str


#: Failures that every package manager words in the words of the operating system.
COMMON_SIGNS = (
    Sign(r"No space left on device", "disk_full", "Free space on the file system that is named, then run again"),
    Sign(r"Read-only file system", "read_only_file_system", "Mount the file system for writing, then run again"),
)


UNFINISHED_CURE = (
    "Read the package manager's log on the host, remove the cause (such as a full /boot), let dpkg --configure -a end "
    "well, then run again"
)

#: Every package, with no hold of the call's.
EVERYTHING = Selection()

#: Failures that are of another kind than *failed*.
KINDS: Dict[str, Type[LandscapeError]] = {"repository_unreachable": Unreachable, "not_root": Denied}


class Manager:
    """Base of dnf, zypper and apt.

    :param commands: runs the commands.
    :param lock_timeout: seconds to wait for a package manager that another process holds; 0 waits not at all.
    :param lock_delay: seconds between two tries.
    """

    name = ""
    signs: Sequence[Sign] = ()
    #: How the host's own lock of a package is taken away.
    unlock = ""

    def __init__(
        self, commands: Commands, *, lock_timeout: float = 600.0, lock_delay: float = 5.0, clock: Optional[Clock] = None
    ) -> None:
        self.commands = commands
        self.lock_timeout = lock_timeout
        self.lock_delay = lock_delay
        self.clock = clock or Clock()

    # What a manager gives

    def refresh(self) -> None:
        """Read the repositories' metadata anew; a repository that does not answer is a failure, never skipped."""
        raise NotImplementedError

    def installed(self) -> Installed:
        """Every installed package."""
        raise NotImplementedError

    def pending(self, selection: Selection, installed: Installed) -> Pending:
        """Exactly what `upgrade` would do now; changes nothing."""
        raise NotImplementedError

    def upgrade(self, selection: Selection, pending: Pending) -> None:
        """Do what `pending` said."""
        raise NotImplementedError

    def reboot_need(self) -> RebootNeed:
        """Whether the host says that it must be rebooted."""
        raise NotImplementedError

    def locks(self) -> List[str]:
        """The packages that the host itself holds back for good (versionlock, zypper locks, apt holds)."""
        raise NotImplementedError

    def locked(self, answer: Answer) -> bool:
        """True when *answer* says that another process holds the package manager, so nothing was done."""
        raise NotImplementedError

    def unfinished(self) -> List[str]:
        """The packages whose installation broke off, with their state; what the database keeps no record of is none."""
        return []

    def in_use(self) -> str:
        """Which process changes packages at this moment, in words; empty when none does.

        :raises Denied: this user cannot see it.
        """
        raise NotImplementedError

    # What they share

    def unlocked(self, doing: str, attempt: Callable[[], Answer]) -> Answer:
        """The answer of *attempt*, tried again while another process holds the package manager.

        :raises Failed: with the reason ``package_manager_locked`` when it is still held after ``lock_timeout``.
        """
        return self._free(
            doing,
            attempt,
            lambda answer: not self.locked(answer),
            lambda answer: answer.last_lines(2),
            "nothing was done",
        )

    def at_rest(self, doing: str) -> None:
        """Return when no process changes packages any more.

        The package database shows a new version before the package's scripts have run: what it says counts only then.

        :raises Failed: with the reason ``package_manager_locked`` when one still does after ``lock_timeout``.
        """
        self._free(doing, self.in_use, lambda holder: not holder, str, "then run again: the next call looks first")

    def _free(
        self, doing: str, look: Callable[[], T], done: Callable[[T], bool], describe: Callable[[T], str], hint: str
    ) -> T:
        limits = Limits(max(self.lock_timeout, 0.001), self.lock_delay)
        try:
            return wait_until(doing, look, done, limits, clock=self.clock, describe=describe).value
        except NeverCame as error:
            raise Failed(
                doing,
                f"{self.name} is held by another process, also after {self.lock_timeout:g} s: {describe(error.last)}",
                reason="package_manager_locked",
                cure=f"End the other process or raise lock_timeout; {hint}",
            ) from error

    def conflict(self, text: str) -> Tuple[List[str], List[str]]:
        """The lines in which the package manager says why it finds no way, and the packages that they name."""
        return [], []

    def locked_name(self, entry: str) -> str:
        """The package name or pattern in an *entry* of `locks`."""
        return entry

    def _stuck(self, error: LandscapeError, answer: Answer, selection: Selection, hosts_locks: bool) -> LandscapeError:
        """*error*, a failure of dependencies, with all that was said of it and with the holds that are in the way."""
        lines, named = self.conflict(answer.text)
        why = f"{' / '.join(lines)[:2000]} (exit code {answer.rc})" if lines else error.why
        by_call = sorted({name for name in named if selection.holds(name)})
        locks: List[str] = []
        if hosts_locks:
            with contextlib.suppress(OSError, LandscapeError):  # this failure is to be told, not another one
                locks = self.locks()
        by_host = [entry for entry in locks if any(matches(name, [self.locked_name(entry)]) for name in set(named))]
        cures = []
        if by_call:
            cures.append(
                f"The call holds {', '.join(by_call)} back: take it off locked or exclude, or add to exclude what "
                "needs another version of it"
            )
        if by_host:
            cures.append(
                f"The host itself locks {', '.join(by_host)}: take the lock away ({self.unlock}), or add to exclude "
                "what needs another version of it"
            )
        facts = dict(error.facts, held=by_call, host_locks=by_host)
        return type(error)(error.doing, why, reason=error.reason, cure=". ".join(cures) or error.cure, **facts)

    def failure(
        self, doing: str, answer: Answer, selection: Selection = EVERYTHING, *, hosts_locks: bool = True
    ) -> LandscapeError:
        """The named error for a command that ended badly; an exit code that nobody knows is a failure too.

        :param hosts_locks: whether the command had to keep what the host itself locks.
        """
        for sign in (*COMMON_SIGNS, *self.signs):
            found = re.search(sign.pattern, answer.text, re.MULTILINE)
            if found:
                kind = KINDS.get(sign.reason, Failed)
                error = kind(
                    doing,
                    self._why(answer, found),
                    reason=sign.reason,
                    cure=sign.cure,
                    rc=answer.rc,
                    provider=self.name,
                )
                if sign.reason == "broken_dependencies":
                    return self._stuck(error, answer, selection, hosts_locks)
                return error
        return Failed(
            doing,
            f"{self.name} ended with {answer.rc}: {answer.last_lines() or 'it said nothing'}",
            reason="unknown_exit_code",
            rc=answer.rc,
            provider=self.name,
        )

    @staticmethod
    def _why(answer: Answer, found: re.Match[str]) -> str:
        # A carriage return begins a line too: what shows its progress writes over the line before.
        begin = max(found.string.rfind(end, 0, found.start()) for end in "\n\r") + 1
        line = found.string[begin:].splitlines()[0].strip()
        return f"{line} (exit code {answer.rc})"

    def proof(self, wanted: Sequence[Change], before: Installed, after: Installed, selection: Selection) -> None:
        """Raise unless *after* shows every wanted change, all of it finished, with nothing that is held moved.

        :raises Failed: ``not_upgraded``, ``unfinished_packages`` or ``held_package_changed``.
        """
        by_name = {key.rpartition(".")[0]: set() for key in after}  # type: dict[str, set[str]]
        for key, found in after.items():
            by_name[key.rpartition(".")[0]].update(found)
        missing = [c for c in wanted if c.new is not None and c.new not in by_name.get(c.name, set())]
        if missing:
            raise Failed(
                "upgrade all packages",
                f"{self.name} said it was done, but these are not there: {', '.join(c.in_words() for c in missing)}",
                reason="not_upgraded",
                packages=[c.as_data() for c in missing],
            )
        unfinished = self.unfinished()
        if unfinished:
            raise Failed(
                "finish the installation of packages",
                f"{self.name} said it was done, but these are not configured: {', '.join(unfinished)}",
                reason="unfinished_packages",
                cure=UNFINISHED_CURE,
                packages=unfinished,
            )
        names = {key.rpartition(".")[0] for key in set(before) | set(after) if before.get(key) != after.get(key)}
        moved = sorted(name for name in names if selection.holds(name))
        if moved:
            raise Failed(
                "hold packages back",
                f"{self.name} changed them all the same: {', '.join(moved)}",
                reason="held_package_changed",
                packages=moved,
            )


__all__ = ("COMMON_SIGNS", "EVERYTHING", "KINDS", "UNFINISHED_CURE", "Manager", "Sign")
