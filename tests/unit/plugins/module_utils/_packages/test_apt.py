# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt-get prints, against what is read from it. The texts are captured from apt 2.6."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import apt
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, Commands
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Change

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
        ("E: Failed to fetch file:/srv/x/Packages  File not found\n", False, "repository_unreachable"),
        ("E: Unable to correct problems, you have held broken packages.\n", False, "broken_dependencies"),
        (
            "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.\n",
            False,
            "interrupted_transaction",
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
