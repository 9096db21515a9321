# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package manager a host has."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import client


def folder(path: Path, *commands: str) -> str:
    """A folder with executable *commands*."""
    path.mkdir()
    for command in commands:
        (path / command).touch(mode=0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('ID="sles_sap"\nID_LIKE="suse sles"\n', "zypper"),
        ("ID=rocky\n", "dnf"),
        ('ID=something\nID_LIKE="rhel fedora"\n', "dnf"),
        ("ID=ubuntu\nID_LIKE=debian\n", "apt"),
        ("ID=plan9\n", None),
        ("", None),
    ],
)
def test_family(text: str, named: str | None) -> None:
    """ID first, then ID_LIKE."""
    assert client.family(text) == named


def test_first_folder_wins(tmp_path: Path) -> None:
    """A command that stands earlier on the path counts more than what os-release says."""
    path = [folder(tmp_path / "a"), folder(tmp_path / "b", "dnf"), folder(tmp_path / "c", "apt-get")]
    assert client.detect(path, "ID=debian") == "dnf"


def test_os_release_decides_between_equals(tmp_path: Path) -> None:
    """Several in one folder: os-release decides, else it is an error."""
    path = [folder(tmp_path / "a", "dnf", "zypper", "apt-get")]
    assert client.detect(path, "ID=sles") == "zypper"
    with pytest.raises(Failed, match="os-release"):
        client.detect(path, "ID=plan9")


def test_none(tmp_path: Path) -> None:
    """No manager, or one that nobody knows."""
    with pytest.raises(Failed, match="none of"):
        client.detect([folder(tmp_path / "a")], "ID=debian")
    with pytest.raises(BadInput, match="pacman"):
        client.manager("pacman")
