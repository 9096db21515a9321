# SPDX-License-Identifier: GPL-3.0-or-later
"""apt, the package manager of Debian's family.

``apt-get`` ends with 0 or 100; the words say which failure it is.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import boot
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, read_file, write_lock
from ansible_collections.basis.landscape.plugins.module_utils._packages.manager import (
    EVERYTHING,
    UNFINISHED_CURE,
    Manager,
    Sign,
)
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import (
    Change,
    Installed,
    Pending,
    RebootNeed,
    Selection,
)

QUERY = "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\n"
#: dpkg's own note of when a package's files last came, since dpkg 1.19.3.
TIMES = "${db:Status-Abbrev}\\t${Package}\\t${db-fsys:Last-Modified}\\n"
#: The letters of dpkg's states between not installed and installed.
UNFINISHED = {
    "H": "half installed",
    "U": "unpacked",
    "F": "half configured",
    "W": "awaiting triggers",
    "t": "with triggers pending",
}
TRIGGERS = (UNFINISHED["W"], UNFINISHED["t"])
INSTALL_TIMES = "dpkg install times"
REBOOT_FILES = ("/run/reboot-required", "/var/run/reboot-required")
#: Who writes that file: update-notifier for the packages that ask it to, the hook of unattended-upgrades for kernels
#: alone. A host with neither of them never has it, whatever is patched.
WRITERS = ("/usr/share/update-notifier/notify-reboot-required", "/etc/kernel/postinst.d/unattended-upgrades")
#: Where a host that boots a kernel of its own keeps it.
KERNEL_FILES = ("/boot/vmlinuz-{}", "/lib/modules/{}")
#: Packages after whose update the running system is not the patched one, next to the kernels; as for rpm.
CORE_PACKAGES = (
    "libc6",
    "linux-firmware",
    "systemd",
    "dbus",
    "dbus-broker",
    "dbus-daemon",
    "amd64-microcode",
    "intel-microcode",
)
PREFERENCES = "/etc/apt/preferences"
#: apt holds the first from its start to its end, dpkg the second while it works.
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")

#: How apt, then dpkg, says that another process holds one of them.
LOCKED = (
    r"Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock"
    r"|dpkg: error: .*(?:lock was locked|is locked) by another process"
)

INST = re.compile(
    r"^Inst (?P<name>[^\s:]+)(?::\S+)? (?:\[(?P<old>[^\]]+)\] )?\((?P<new>\S+) (?P<origin>.*?)\s*\[(?P<arch>[^\]]+)\]\)"
)
REMV = re.compile(r"^Remv (?P<name>[^\s:]+)(?::(?P<arch>\S+))? \[(?P<old>[^\]]+)\]")
IMAGE = re.compile(r"linux-image-(?:unsigned-)?(?P<release>\d+\.\d\S*?)(?:-unsigned)?(?P<debug>-dbg\w*)?")


class Row(NamedTuple):
    """One line of a simulated transaction, with the archive the new version comes from."""

    change: Change
    origin: str


class Status(NamedTuple):
    """A package that dpkg has: ``state`` is empty when it is installed whole, else what it is instead, in words."""

    name: str
    version: str
    arch: str
    state: str


def read_status(text: str) -> List[Status]:
    """The answer of ``dpkg-query -W -f QUERY``, without the states "not installed" and "config files".

    :raises Failed: for a line of another shape, a state that dpkg has not, or no package at all, as dpkg-query answers
        a lost database.
    """
    found: List[Status] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("\t")
        known = len(words) == 4 and words[0][1:2] in {"i", "n", "c", *UNFINISHED}
        if not known:
            raise Failed("read the dpkg database", f"line {number} is {line[:120]!r}", reason="unknown_output")
        status, name, version, arch = words
        if status[1] not in "nc":
            state = UNFINISHED.get(status[1], "")
            # The third letter is an error; the only one there is asks for the package's files once more.
            found.append(Status(name, version, arch, "in need of a reinstallation" if status[2:].strip() else state))
    if not found:
        raise _empty()
    return found


def read_installed(text: str) -> Installed:
    """What ``read_status`` finds, the unfinished included, because a version of theirs is there all the same.

    :raises Failed: as it does.
    """
    return {f"{row.name}.{row.arch}": (row.version,) for row in read_status(text)}


def _empty() -> Failed:
    return Failed(
        "read the dpkg database",
        "dpkg-query names no package at all",
        reason="dpkg_database",
        cure="Restore /var/lib/dpkg/status on the host, then run again",
    )


def read_times(text: str) -> Dict[str, int]:
    """When each installed package last came, in epoch seconds, from the answer of ``dpkg-query -W -f TIMES``.

    :raises Failed: for a line of another shape, or no package at all.
    """
    times: Dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("\t")
        there = len(words[0]) > 1 and words[0][1] not in "nc"
        if len(words) != 3 or len(words[0]) < 2 or (there and not words[2].isdigit()):
            raise Failed("read the dpkg database", f"line {number} is {line[:120]!r}", reason="unknown_output")
        if there:
            times[words[1]] = max(times.get(words[1], 0), int(words[2]))
    if not times:
        raise _empty()
    return times


def kernel_release(package: str) -> Optional[str]:
    """The kernel release that *package* is the image of, as ``uname -r`` says it; None for every other package."""
    found = IMAGE.fullmatch(package)
    return found.group("release") if found and not found.group("debug") else None


def flavour(release: str) -> str:
    """``cloud-amd64`` of ``6.1.0-18-cloud-amd64``: only kernels of one flavour are newer or older than each other."""
    return "-".join(word for word in release.split("-") if not word[:1].isdigit())


def read_simulation(text: str) -> List[Row]:
    """What ``apt-get -s`` would install, upgrade, or remove.

    :raises Failed: for an Inst or Remv line of another shape.
    """
    rows: List[Row] = []
    for line in text.splitlines():
        if line.startswith("Inst "):
            found = INST.match(line)
            if found is None:
                raise Failed("read the plan of apt-get", f"a line is {line[:160]!r}", reason="unknown_output")
            old = found.group("old")
            action = "upgraded" if old else "installed"
            rows.append(
                Row(
                    Change(found.group("name"), found.group("arch"), old, found.group("new"), action),
                    found.group("origin"),
                )
            )
        elif line.startswith("Remv "):
            found = REMV.match(line)
            if found is None:
                raise Failed("read the plan of apt-get", f"a line is {line[:160]!r}", reason="unknown_output")
            rows.append(
                Row(Change(found.group("name"), found.group("arch") or "", found.group("old"), None, "removed"), "")
            )
    return sorted(rows)


def read_kept_back(text: str) -> List[str]:
    """The packages under the heading "The following packages have been kept back:"."""
    found = re.search(r"^The following packages have been kept back:\n((?:[ \t]+.*\n?)+)", text, re.MULTILINE)
    return sorted(found.group(1).split()) if found else []


def is_security(origin: str) -> bool:
    """True when one of the archives in an Inst line is a security archive (Debian-Security, ``<release>-security``)."""
    return any(re.search(r"-[Ss]ecurity\b", archive) for archive in origin.split(","))


def read_madison(text: str) -> List[Tuple[str, str]]:
    """``(name, version)`` of the security archives' rows of ``apt-cache madison``."""
    rows = [tuple(part.strip() for part in line.split("|", 2)) for line in text.splitlines() if line.count("|") >= 2]
    return [
        (row[0], row[1]) for row in rows if re.search(r"-security\b", row[2], re.IGNORECASE) and "Sources" not in row[2]
    ]


def preferences(patterns: Tuple[str, ...]) -> str:
    """Preferences under which no version from any repository is a candidate for *patterns*."""
    return "".join(f"\nPackage: {pattern}\nPin: version *\nPin-Priority: -1\n" for pattern in patterns)


class Apt(Manager):
    """apt-get's verbs."""

    name = "apt"
    unlock = "apt-mark unhold"
    signs = (
        Sign(r"You don't have enough free space", "disk_full", "Free the space that is named, then run again"),
        Sign(
            r"Failed to fetch|Some index files failed to download|does not have a Release file"
            r"|no longer has a Release file"
            r"|Temporary failure resolving|Could not connect|Unable to fetch some archives",
            "repository_unreachable",
            "Make the repository reachable or remove it from the sources; no patch is skipped in silence",
        ),
        Sign(
            r"unmet dependencies|Unmet dependencies|held broken packages|Broken packages|remove is disabled"
            r"|pkgProblemResolver",
            "broken_dependencies",
            "Repair the repository or run apt-get -f install, or leave the packages out with exclude",
        ),
        Sign(r"needs? to be reinstalled, but", "unfinished_packages", UNFINISHED_CURE),
        Sign(r"dpkg was interrupted", "interrupted_transaction", "Run dpkg --configure -a on the host, then run again"),
        Sign(
            r"is not signed|NO_PUBKEY|couldn't be verified|were invalid: |unauthenticated|cannot be authenticated",
            "signature",
            "Import the right key; packages without a good signature are not installed",
        ),
        Sign(
            r"are you root\?|Permission denied",
            "not_root",
            "Run the task with become; only check mode with refresh=false does without",
        ),
        Sign(
            r"Unable to locate package|has no installation candidate|Version '.*' for '.*' was not found",
            "package_not_found",
            "Correct the name",
        ),
        Sign(
            r"Sub-process .*dpkg.* returned an error|installed .* script subprocess returned error",
            "transaction",
            "Read the package manager's log on the host, repair the package, run again",
        ),
    )

    def refresh(self) -> None:
        """``apt-get update``, which ends with 0 although indexes are missing: here that is a failure."""
        doing = "refresh the repositories"
        answer = self.unlocked(doing, lambda: self._apt("-q", "-o", "APT::Update::Error-Mode=any", "update"))
        if answer.rc != 0 or re.search(r"Failed to fetch|Some index files failed to download", answer.text):
            raise self.failure(doing, answer)

    def installed(self) -> Installed:
        """The dpkg database."""
        return read_installed(self._dpkg(QUERY))

    def unfinished(self) -> List[str]:
        """Packages that dpkg has not configured, each with its state."""
        return [f"{row.name} {row.version} ({row.state})" for row in read_status(self._dpkg(QUERY)) if row.state]

    def _dpkg(self, query: str) -> str:
        answer = self.commands.ask("dpkg-query", "-W", "-f", query)
        if answer.rc != 0:
            raise Failed(
                "read the dpkg database",
                f"dpkg-query ended with {answer.rc}: {answer.last_lines()}",
                reason="dpkg_database",
            )
        return answer.out

    def pending(self, selection: Selection, installed: Installed) -> Pending:
        """A simulated upgrade; what is held is found by a simulation without the holds.

        What dpkg has not configured is work to do as well: apt-get does it in whatever transaction comes next.
        """
        self._sources()
        with self._preferences(selection) as options:
            text = self._simulate(options, self._upgrade(selection.names), selection)
            rows = read_simulation(text)
            if selection.security and rows:
                names = self._security(rows)
                text = self._simulate(options, self._upgrade(names), selection) if names else ""
                rows = read_simulation(text)
        changes = [row.change for row in rows]
        held_back = self._held_back(selection, {change.key for change in changes}) if selection.held else []
        left_out = tuple(name for name in read_kept_back(text) if not selection.holds(name))
        planned = {change.name for change in changes}
        unfinished = [row for row in read_status(self._dpkg(QUERY)) if row.state and row.name not in planned]
        changes += [Change(row.name, row.arch, row.version, row.version, "configured") for row in unfinished]
        return Pending(changes, held_back, left_out)

    def _sources(self) -> None:
        """Raise unless apt knows the packages of a repository: without one it has nothing to do, ends with 0."""
        doing = "find a repository"
        answer = self.commands.ask("apt-get", "indextargets", "--format", "$(URI)", "Created-By: Packages")
        if answer.rc != 0:
            raise self.failure(doing, answer)
        if not answer.out.strip():
            raise Failed(
                doing,
                "apt has no package list of any",
                reason="no_repository",
                cure="Configure a source and read it with refresh: without one the host gets no patches, as if it had "
                "them all",
            )

    def _held_back(self, selection: Selection, planned: Set[str]) -> List[Change]:
        free = read_simulation(self._simulate([], self._upgrade(selection.names)))
        if selection.security:
            free = [row for row in free if is_security(row.origin)]
        return [row.change for row in free if selection.holds(row.change.name) and row.change.key not in planned]

    def _security(self, rows: List[Row]) -> Tuple[str, ...]:
        """Names whose upgrade brings a security fix, also when a later version from another archive carries it."""
        names: Set[str] = {row.change.name for row in rows if row.change.old and is_security(row.origin)}
        others = {row.change.name: row.change for row in rows if row.change.old and row.change.name not in names}
        if others:
            answer = self.commands.ask("apt-cache", "madison", *sorted(others))
            for name, version in read_madison(answer.out):
                old = others[name].old if name in others else None
                if old and self.commands.ask("dpkg", "--compare-versions", version, "gt", old).rc == 0:
                    names.add(name)
        return tuple(sorted(names))

    def upgrade(self, selection: Selection, pending: Pending) -> None:
        """Upgrade to the versions that `pending` found; configuration files that an administrator changed stay."""
        doing = "upgrade packages"
        words = self._upgrade(selection.names)
        if selection.security:
            # Without a name only what is unfinished is configured, and nothing is upgraded.
            words = self._named(tuple(change.name for change in pending.changes if change.action == "upgraded"))
        with self._preferences(selection) as options:
            answer = self.unlocked(doing, lambda: self._apt(*options, "-y", *words, change=True))
        if answer.rc != 0:
            error = self.failure(doing, answer, selection)
            unfinished = self.unfinished()
            if error.reason == "transaction" and unfinished:
                why = f"{error.why}; these are not configured: {', '.join(unfinished)}"
                raise Failed(doing, why, reason=error.reason, cure=UNFINISHED_CURE, **error.facts)
            raise error
        if any(row.state in TRIGGERS for row in read_status(self._dpkg(QUERY))):
            # apt leaves them to dpkg's next transaction, and there may have been none.
            answer = self.unlocked(doing, lambda: self.commands.change("dpkg", "--configure", "--pending"))
            if answer.rc != 0:
                raise self.failure(doing, answer)

    @classmethod
    def _upgrade(cls, names: Tuple[str, ...]) -> List[str]:
        # Both may bring new dependencies; neither removes a package that is not replaced by one of them.
        return cls._named(names) if names else ["upgrade", "--with-new-pkgs"]

    @staticmethod
    def _named(names: Tuple[str, ...]) -> List[str]:
        return ["--no-remove", "install", "--only-upgrade", *names]

    def conflict(self, text: str) -> Tuple[List[str], List[str]]:
        """What apt-get says under the heading of unmet dependencies: who needs whom."""
        found = re.search(r"^The following packages have unmet dependencies:\n((?: +\S.*\n?)+)", text, re.MULTILINE)
        lines = [" ".join(line.split()) for line in found.group(1).splitlines()] if found else []
        named = re.findall(
            r"(?:^|(?:Depends|Breaks|Conflicts): |\| )([a-z0-9][a-z0-9+.-]+)", "\n".join(lines), re.MULTILINE
        )
        return lines, named

    def _simulate(self, options: List[str], words: List[str], selection: Selection = EVERYTHING) -> str:
        doing = "plan the upgrade"
        answer = self.unlocked(doing, lambda: self._apt(*options, "-s", "-o", "Debug::NoLocking=1", *words))
        if answer.rc != 0:
            raise self.failure(doing, answer, selection)
        return answer.out

    @contextmanager
    def _preferences(self, selection: Selection) -> Iterator[List[str]]:
        """Holds for one call: preferences of its own with the host's and ours; the host's files stay as they are."""
        if not selection.held:
            yield []
            return
        handle, path = tempfile.mkstemp(prefix="basis-landscape-", suffix=".pref")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(preferences(selection.held) + "\n" + read_file(PREFERENCES))
            os.chmod(path, 0o644)
            yield ["-o", f"Dir::Etc::Preferences={path}"]
        finally:
            os.unlink(path)

    def reboot_need(self) -> RebootNeed:
        """The file that Debian's packages leave behind, or what dpkg knows of the kernel and the core packages.

        Each of them suffices for a reboot. Where nothing on the host writes that file, its absence proves nothing: then
        the running kernel must be one of dpkg's, or none of this host's at all, as in a container.
        """
        for path in REBOOT_FILES:
            if os.path.exists(path):
                packages = sorted(set(read_file(path + ".pkgs").split()))
                return RebootNeed(True, path, packages or ["the file is there"])
        try:
            return self._need_by_packages()
        except Failed as error:
            return RebootNeed(None, INSTALL_TIMES, [str(error)])

    def _need_by_packages(self) -> RebootNeed:
        times = read_times(self._dpkg(TIMES))
        running = os.uname().release
        kernels = {release for release in map(kernel_release, times) if release}
        newer = [release for release in sorted(kernels) if self._newer(release, running)]
        if newer:
            words = [f"kernel {release} is installed, {running} is running" for release in newer]
            return RebootNeed(True, "dpkg kernel packages", words)
        booted = boot.booted()
        core = [name for name in times if name in CORE_PACKAGES or kernel_release(name)]
        late = [f"{name} was updated after the boot" for name in sorted(core) if times[name] > booted]
        if late:
            return RebootNeed(True, INSTALL_TIMES, late)
        writer = next((path for path in WRITERS if os.path.exists(path)), None)
        if writer:
            return RebootNeed(False, REBOOT_FILES[0], [f"no such file, and {writer} would have written it"])
        if running in kernels:
            kernel = f"{running} is running, and no newer kernel is installed"
        elif kernels or any(os.path.exists(path.format(running)) for path in KERNEL_FILES):
            words = [f"no installed package is known to have brought the running kernel {running}"]
            return RebootNeed(None, INSTALL_TIMES, words + [f"nothing on this host writes {REBOOT_FILES[0]}"])
        else:
            kernel = f"no kernel is installed: the running one, {running}, is not this host's own, as in a container"
        return RebootNeed(False, INSTALL_TIMES, [kernel, "no core package was updated after the boot"])

    def _newer(self, release: str, running: str) -> bool:
        if release == running or flavour(release) != flavour(running):
            return False
        answer = self.commands.ask("dpkg", "--compare-versions", release, "gt", running)
        if answer.rc not in (0, 1):
            raise Failed("compare kernel releases", f"dpkg ended with {answer.rc}: {answer.last_lines()}")
        return answer.rc == 0

    def locks(self) -> List[str]:
        """Packages on hold."""
        answer = self.commands.ask("apt-mark", "showhold")
        return sorted(answer.out.split()) if answer.rc == 0 else []

    def in_use(self) -> str:
        """By the locks of apt and dpkg."""
        return next(filter(None, map(write_lock, LOCKS)), "")

    def locked(self, answer: Answer) -> bool:
        """One of dpkg's or apt's lock files is held."""
        # Without the right to open a lock file apt-get cannot lock it either: no waiting helps against that.
        denied = re.search(r"Could not open lock file .*Permission denied", answer.text)
        return answer.rc != 0 and not denied and re.search(LOCKED, answer.text) is not None

    def _apt(self, *words: str, change: bool = False) -> Answer:
        run = self.commands.change if change else self.commands.ask
        return run("apt-get", "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", *words)


__all__ = (
    "Apt",
    "flavour",
    "is_security",
    "kernel_release",
    "preferences",
    "read_installed",
    "read_kept_back",
    "read_madison",
    "read_simulation",
    "read_status",
    "read_times",
)
