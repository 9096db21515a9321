# SPDX-License-Identifier: GPL-3.0-or-later
"""What packages, pending changes, holds and the need for a reboot are."""

from __future__ import annotations

import fnmatch
import hashlib
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

#: ``name.arch`` -> installed versions (several only for packages like kernels), each ``[epoch:]version[-release]``
Installed = Dict[str, Tuple[str, ...]]


class Change(NamedTuple):
    """One package that changes: ``action`` is upgraded, downgraded, installed, configured or removed.

    A missing version is None. *configured* finishes an installation that broke off; the version stays.
    """

    name: str
    arch: str
    old: Optional[str]
    new: Optional[str]
    action: str

    @property
    def key(self) -> str:
        """``name.arch``, as in `Installed`."""
        return f"{self.name}.{self.arch}"

    def as_data(self) -> Dict[str, Any]:
        """Plain JSON data: name, arch, from, to, action."""
        return {"name": self.name, "arch": self.arch, "from": self.old, "to": self.new, "action": self.action}

    def in_words(self) -> str:
        """``glibc 2.28-1 to 2.28-2`` and the like."""
        if self.action == "removed":
            return f"remove {self.name} {self.old}"
        if self.action == "configured":
            return f"configure {self.name} {self.new}"
        if self.old is None or self.action == "installed":
            return f"install {self.name} {self.new}"
        return f"{self.name} {self.old} to {self.new}"


class RebootNeed(NamedTuple):
    """Whether the host must be rebooted; None when it cannot tell. ``evidence`` is what was seen, by ``source``."""

    required: Optional[bool]
    source: str
    evidence: List[str]


class Selection(NamedTuple):
    """What a call is about.

    ``names``: installed packages, all when empty. ``held``: patterns that must not change. ``security``: only fixes of
    security advisories.
    """

    names: Tuple[str, ...] = ()
    held: Tuple[str, ...] = ()
    security: bool = False

    def holds(self, name: str) -> bool:
        """True when package *name* must not change."""
        return matches(name, self.held)


class Pending(NamedTuple):
    """What an upgrade would do now, next to what has a newer version but stays.

    ``held_back`` stays because the call says so, ``left_out`` because the package manager does not find a way.
    """

    changes: List[Change]
    held_back: List[Change]
    left_out: Tuple[str, ...] = ()


def matches(name: str, patterns: Iterable[str]) -> bool:
    """True when *name* is one of the shell *patterns* (``*``, ``?``, ``[...]``)."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def expand(patterns: Sequence[str], installed: Installed) -> Tuple[List[str], List[str]]:
    """The installed package names that *patterns* mean, and the patterns that mean none."""
    names = sorted({key.rpartition(".")[0] for key in installed})
    found: List[str] = []
    lost: List[str] = []
    for pattern in patterns:
        hits = (
            fnmatch.filter(names, pattern) if any(c in pattern for c in "*?[") else [n for n in names if n == pattern]
        )
        (found.extend(hits) if hits else lost.append(pattern))
    return sorted(set(found)), lost


def changes_between(before: Installed, after: Installed) -> List[Change]:
    """What really changed, by name and architecture.

    A version that came next to one that stays (a kernel) is *installed*; one that replaced another is *upgraded*,
    because this room only ever upgrades.
    """
    changes: List[Change] = []
    for key in sorted(set(before) | set(after)):
        name, _dot, arch = key.rpartition(".")
        gone = [v for v in before.get(key, ()) if v not in after.get(key, ())]
        come = [v for v in after.get(key, ()) if v not in before.get(key, ())]
        for position, version in enumerate(come):
            old = gone[position] if position < len(gone) else None
            changes.append(Change(name, arch, old, version, "upgraded" if old else "installed"))
        changes.extend(Change(name, arch, version, None, "removed") for version in gone[len(come) :])
    return changes


def digest(installed: Installed) -> str:
    """SHA-256 over the whole package list: equal lists, equal digests."""
    lines = "".join(f"{key} {version}\n" for key in sorted(installed) for version in sorted(installed[key]))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


def versions(installed: Installed, keys: Iterable[str]) -> Dict[str, Optional[str]]:
    """The versions of some packages in words; None for a package that is not installed."""
    return {key: ", ".join(installed[key]) if key in installed else None for key in sorted(set(keys))}


__all__ = (
    "Change",
    "Installed",
    "Pending",
    "RebootNeed",
    "Selection",
    "changes_between",
    "digest",
    "expand",
    "matches",
    "versions",
)
