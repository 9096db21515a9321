# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt-get prints, against what is read from it. The texts are captured from apt 2.6."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import apt
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, Commands
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Change, Pending, Selection

SIMULATION = """Reading package lists...
Calculating upgrade...
The following packages have been kept back:
  landscape-tools landscape-more
The following packages will be upgraded:
  landscape-certified landscape-core
2 upgraded, 1 newly installed, 0 to remove and 1 not upgraded.
Inst landscape-certified [1.0] (2.0 Landscape:stable [all])
Inst landscape-core [1.0] (1:1.2 Landscape:stable, Debian-Security:12/stable-security [amd64])
Inst libc6:i386 [2.36-9] (2.36-9+deb12u14 Debian:12.14/oldstable [i386]) []
Inst landscape-extra (1.0 Landscape:stable [all])
Remv landscape-gone [1.0]
Conf landscape-core (1:1.2 Landscape:stable-security [amd64])
"""


def test_simulation() -> None:
    """Installs, upgrades, removals, with the archives they come from."""
    rows = {row.change.name: row for row in apt.read_simulation(SIMULATION)}
    assert [rows[name].change for name in ("landscape-core", "libc6", "landscape-extra", "landscape-gone")] == [
        Change("landscape-core", "amd64", "1.0", "1:1.2", "upgraded"),
        Change("libc6", "i386", "2.36-9", "2.36-9+deb12u14", "upgraded"),
        Change("landscape-extra", "all", None, "1.0", "installed"),
        Change("landscape-gone", "", "1.0", None, "removed"),
    ]
    assert {name for name, row in rows.items() if apt.is_security(row.origin)} == {"landscape-core"}
    assert apt.read_kept_back(SIMULATION) == ["landscape-more", "landscape-tools"]
    assert apt.read_kept_back("0 upgraded\n") == []


def test_simulation_of_another_shape() -> None:
    """A line that cannot be read is an error, not a package less."""
    with pytest.raises(Failed, match="Inst landscape-core"):
        apt.read_simulation("Inst landscape-core to version 2\n")


def test_installed() -> None:
    """Packages that are there, also on hold or half configured; not those of which only configuration is left."""
    text = "ii \ta\t1.0\tamd64\nhi \tb\t1:2\tall\nrc \tc\t1\tall\niF \td\t1\tall\nun \te\t\t\n"
    assert apt.read_installed(text) == {"a.amd64": ("1.0",), "b.all": ("1:2",), "d.all": ("1",)}
    with pytest.raises(Failed, match="line 1"):
        apt.read_installed("ii a 1.0 amd64\n")
    with pytest.raises(Failed, match="no package at all"):
        apt.read_installed("")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("ii ", ""),
        ("hi ", ""),
        ("iH ", "half installed"),
        ("iU ", "unpacked"),
        ("iF ", "half configured"),
        ("iW ", "awaiting triggers"),
        ("it ", "with triggers pending"),
        ("iHR", "in need of a reinstallation"),
    ],
)
def test_state(status: str, state: str) -> None:
    """Whether a package is installed whole is said for every state that dpkg has; another one is an error."""
    assert apt.read_status(f"{status}\ta\t1\tall\n") == [("a", "1", "all", state)]
    with pytest.raises(Failed, match="line 1"):
        apt.read_status(f"i?{status[2]}\ta\t1\tall\n")


def test_proof_of_what_is_not_configured() -> None:
    """The right version is no proof while dpkg has not configured it, nor a package that was not asked for."""
    there = {"a.all": ("2",), "b.all": ("1",)}
    wanted = [Change("a", "all", "1", "2", "upgraded")]
    apt.Apt(Dpkg("ii \ta\t2\tall\nii \tb\t1\tall\n")).proof(wanted, {}, there, Selection())
    with pytest.raises(
        Failed, match=r"not configured: a 2 \(unpacked\), b 1 \(half configured\).*full /boot"
    ) as caught:
        apt.Apt(Dpkg("iU \ta\t2\tall\niF \tb\t1\tall\n")).proof(wanted, {}, there, Selection())
    assert caught.value.reason == "unfinished_packages"


UNMET = """The following information may help to resolve the situation:

The following packages have unmet dependencies:
 landscape-tools : Depends: landscape-extra (>= 1) but it is not installable
                   Breaks: landscape-core (< 2) but 1.0 is to be installed
"""


@pytest.mark.parametrize(
    ("held", "on_hold", "says"),
    [
        (("landscape-ex*",), "", "The call holds landscape-extra back: take it off locked or exclude"),
        ((), "landscape-core\nbash\n", r"The host itself locks landscape-core: .*\(apt-mark unhold\)"),
        (("bash",), "bash\n", "Repair the repository"),
    ],
)
def test_upgrade_that_needs_what_is_held(held: tuple[str, ...], on_hold: str, says: str) -> None:
    """Who needs whom is said, which hold is in the way, and what a person can do; another hold is not blamed."""
    commands = Dpkg()
    commands.answers["apt-mark"] = Answer(0, on_hold, "")
    said = Answer(100, UNMET, "E: Unable to correct problems, you have held broken packages.\n")
    error = apt.Apt(commands).failure("plan the upgrade", said, Selection(held=held))
    assert error.reason == "broken_dependencies"
    assert re.search(rf"landscape-tools : Depends: landscape-extra .*not installable.*{says}", str(error)), str(error)


def test_madison() -> None:
    """Only binary rows of security archives."""
    text = (
        " landscape-core |        1.3 | http://deb.example/debian bookworm/main amd64 Packages\n"
        " landscape-core |        1.2 | http://deb.example/debian-security bookworm-security/main amd64 Packages\n"
        " landscape-core |        1.2 | http://deb.example/debian-security bookworm-security/main Sources\n"
    )
    assert apt.read_madison(text) == [("landscape-core", "1.2")]


def test_preferences() -> None:
    """No version is a candidate for what is held."""
    assert apt.preferences(("a*", "b")).count("Pin-Priority: -1") == 2


@pytest.mark.parametrize(
    ("err", "locked", "reason"),
    [
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 309 (python3)\n", True, None),
        (
            "E: Could not open lock file /var/lib/apt/lists/lock - open (13: Permission denied)\n"
            "E: Unable to lock directory /var/lib/apt/lists/\n",
            False,
            "not_root",
        ),
        (
            "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\n"
            "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?\n",
            False,
            "not_root",
        ),
        ("E: Failed to fetch file:/srv/x/Packages  File not found\n", False, "repository_unreachable"),
        ("E: Unable to correct problems, you have held broken packages.\n", False, "broken_dependencies"),
        (
            "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.\n",
            False,
            "interrupted_transaction",
        ),
        (
            "E: The package landscape-core needs to be reinstalled, but I can't find an archive for it.\n",
            False,
            "unfinished_packages",
        ),
        ("E: You don't have enough free space in /var/cache/apt/archives/.\n", False, "disk_full"),
        (
            "dpkg: error processing archive x.deb: cannot copy data: failed to write (No space left on device)\n",
            False,
            "disk_full",
        ),
        ("E: Sub-process /usr/bin/dpkg returned an error code (1)\n", False, "transaction"),
        ("E: something new\n", False, "unknown_exit_code"),
    ],
)
def test_failures_have_names(err: str, locked: bool, reason: str | None) -> None:
    """A lock is waited for; every other failure has a name."""
    answer = Answer(100, "", err)
    manager = apt.Apt(Commands())
    assert manager.locked(answer) is locked
    if reason:
        assert manager.failure("upgrade packages", answer).reason == reason


@pytest.mark.parametrize(
    ("package", "release"),
    [
        ("linux-image-6.1.0-18-amd64", "6.1.0-18-amd64"),
        ("linux-image-unsigned-5.15.0-91-generic", "5.15.0-91-generic"),
        ("linux-image-6.12.38+deb13-cloud-amd64-unsigned", "6.12.38+deb13-cloud-amd64"),
        ("linux-image-6.1.0-18-amd64-dbg", None),
        ("linux-image-amd64", None),
        ("linux-image-686-pae", None),
        ("linux-base", None),
    ],
)
def test_kernel_release(package: str, release: str | None) -> None:
    """Images by what uname says of them; packages that only bring others along, or symbols, are none."""
    assert apt.kernel_release(package) == release


@pytest.mark.parametrize(
    ("release", "flavour"),
    [
        ("6.1.0-18-amd64", "amd64"),
        ("6.5.0-0.deb12.4-amd64", "amd64"),
        ("6.12.38+deb13-cloud-amd64", "cloud-amd64"),
        ("5.15.0-1050-aws", "aws"),
    ],
)
def test_flavour(release: str, flavour: str) -> None:
    """What is left of a release without its versions."""
    assert apt.flavour(release) == flavour


class Dpkg(Commands):
    """A host whose package manager gives these answers; versions are compared by the real dpkg."""

    def __init__(self, times: str = "", rc: int = 0, targets: str = "") -> None:
        super().__init__()
        self.answers = {"dpkg-query": Answer(rc, times, ""), "apt-get": Answer(0, targets, "")}

    def ask(self, *command: str, environment: object = None) -> Answer:
        return self.answers[command[0]] if command[0] in self.answers else super().ask(*command)


RUNNING = "6.1.0-18-amd64"
BASE = "ii \tbash\t100\nii \tlibc6\t100\nii \tlibc6\t90\nrc \tlinux-image-6.1.0-30-amd64\t\nun \tx\t\n"
KERNEL = f"ii \tlinux-image-{RUNNING}\t100\nii \tlinux-image-amd64\t900\n"

Bare = Callable[..., "apt.Apt"]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bare:
    """A host that was booted at 150, with the files that are named in *has*."""

    def make(times: str, *has: str, rc: int = 0) -> apt.Apt:
        for name in has:
            tmp_path.joinpath(name).touch()
        monkeypatch.setattr(apt, "REBOOT_FILES", (str(tmp_path / "reboot-required"),))
        monkeypatch.setattr(apt, "WRITERS", (str(tmp_path / "writer"),))
        monkeypatch.setattr(apt, "KERNEL_FILES", (str(tmp_path / "vmlinuz-{}"),))
        monkeypatch.setattr(apt.boot, "booted", lambda: 150.0)
        monkeypatch.setattr(apt.os, "uname", lambda: SimpleNamespace(release=RUNNING))
        return apt.Apt(Dpkg(times, rc))

    return make


@pytest.mark.parametrize(
    ("times", "has", "required", "says"),
    [
        # the file, and who would have written it
        (BASE + KERNEL, ["reboot-required"], True, "the file is there"),
        (BASE + KERNEL, ["writer"], False, "would have written it"),
        (BASE, ["writer"], False, "would have written it"),
        # who writes it for kernels alone does not speak for the other core packages
        (BASE.replace("libc6\t100", "libc6\t200") + KERNEL, ["writer"], True, "libc6 was updated after the boot"),
        (BASE + KERNEL + "ii \tsystemd\t200\n", ["writer"], True, "systemd was updated after the boot"),
        # a kernel that is not the running one, whoever writes the file
        (BASE + KERNEL + "ii \tlinux-image-6.1.0-20-amd64\t100\n", [], True, "kernel 6.1.0-20-amd64 is installed"),
        (BASE + KERNEL + "ii \tlinux-image-6.1.0-20-amd64\t200\n", ["writer"], True, f"{RUNNING} is running"),
        (BASE + KERNEL + "ii \tlinux-image-6.1.0-9-amd64\t100\n", [], False, "no newer kernel"),
        (BASE + KERNEL + "ii \tlinux-image-6.1.0-20-cloud-amd64\t100\n", [], False, "no newer kernel"),
        # dpkg's times
        (BASE + KERNEL, [], False, "no newer kernel"),
        (BASE + KERNEL.replace("100", "200"), [], True, f"linux-image-{RUNNING} was updated after the boot"),
        (BASE + KERNEL + "ii \tlinux-image-6.1.0-20-cloud-amd64\t200\n", [], True, "cloud-amd64 was updated"),
        (BASE.replace("libc6\t100", "libc6\t200") + KERNEL, [], True, "libc6 was updated after the boot"),
        (BASE.replace("bash\t100", "bash\t200") + KERNEL, [], False, "no newer kernel"),
        # no kernel package: a container, or a kernel that nobody here knows
        (BASE, [], False, "not this host's own, as in a container"),
        (BASE.replace("libc6\t100", "libc6\t200"), [], True, "libc6 was updated after the boot"),
        (BASE, [f"vmlinuz-{RUNNING}"], None, "no installed package is known"),
        (BASE + "ii \tlinux-image-6.1.0-20-cloud-amd64\t100\n", [], None, "no installed package is known"),
        # dpkg does not tell
        ("", [], None, "no package at all"),
        ("", ["writer"], None, "no package at all"),
        ("ii \tlibc6\t\n", [], None, "line 1"),
        ("error\n", [], None, "line 1"),
    ],
)
def test_need_for_a_reboot(bare: Bare, times: str, has: list[str], required: bool | None, says: str) -> None:
    """That the file is not there means nothing where nobody writes it; what is not proved is unknown."""
    need = bare(times, *has).reboot_need()
    assert need.required is required, need
    assert says in need.evidence[0]


def test_need_for_a_reboot_without_dpkg(bare: Bare) -> None:
    """A database that cannot be read leaves it unknown."""
    assert bare("", "writer", rc=2).reboot_need().required is None


def test_plan_of_a_host_without_a_source() -> None:
    """apt has nothing to do then, and ends with 0."""
    with pytest.raises(Failed, match="no package list") as caught:
        apt.Apt(Dpkg()).pending(Selection(), {})
    assert caught.value.reason == "no_repository"


class Configures(Dpkg):
    """A host whose dpkg configures what it says; keeps what was changed."""

    def __init__(self, status: str, after: str, rc: int = 0) -> None:
        super().__init__(status)
        self.after, self.rc = after, rc
        self.changed: list[tuple[str, ...]] = []

    def change(self, *command: str, environment: object = None) -> Answer:
        self.changed.append(tuple(word for word in command if not word.startswith(("-o", "Dpkg::"))))
        if command[0] != "dpkg":
            return Answer(0, "", "")
        self.answers["dpkg-query"] = Answer(0, self.after, "")
        return Answer(self.rc, "", "dpkg: error processing package a (--configure):\n" if self.rc else "")


UPGRADE = ("apt-get", "-y", "upgrade", "--with-new-pkgs")
PENDING = ("dpkg", "--configure", "--pending")


@pytest.mark.parametrize(
    ("status", "commands"),
    [
        ("ii \ta\t2\tall\n", [UPGRADE]),
        ("it \ta\t2\tall\nii \tb\t1\tall\n", [UPGRADE, PENDING]),
        ("iW \ta\t2\tall\nit \tb\t1\tall\n", [UPGRADE, PENDING]),
        # what is half configured is apt-get's own work, and after it a failure of the proof
        ("iF \ta\t2\tall\n", [UPGRADE]),
    ],
)
def test_triggers_that_apt_leaves(status: str, commands: list[tuple[str, ...]]) -> None:
    """dpkg is made to run what is still pending after apt-get, and only then."""
    host = Configures(status, "ii \ta\t2\tall\n")
    apt.Apt(host).upgrade(Selection(), Pending([], []))
    assert host.changed == commands


def test_triggers_that_fail() -> None:
    """A trigger that cannot run fails the call."""
    host = Configures("it \ta\t2\tall\n", "iF \ta\t2\tall\n", rc=1)
    with pytest.raises(Failed, match="error processing package a"):
        apt.Apt(host).upgrade(Selection(), Pending([], []))
    assert host.changed == [UPGRADE, PENDING]


@pytest.mark.parametrize("state", ["iW ", "it "])
def test_plan_with_triggers(state: str) -> None:
    """Where no upgrade is to be done, pending triggers are work all the same, and the way to do it is the same."""
    host = Dpkg(f"{state}\ta\t2\tall\nii \tb\t1\tall\n", targets="http://deb.example/Packages\n")
    assert apt.Apt(host).pending(Selection(), {}).changes == [Change("a", "all", "2", "2", "configured")]
