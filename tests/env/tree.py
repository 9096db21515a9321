# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the checkout's own files, without what was made on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def files(root: Path) -> list[str]:
    """The files that belong to the project (tracked, or new but not ignored), relative to *root*, sorted."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted({name for name in listing.split("\0") if name and (root / name).is_file()})


def copy(root: Path, parent: Path) -> Path:
    """Copy the project to ``parent/ansible_collections/basis/landscape``; returns that new git work tree.

    ansible-test and ansible-galaxy ask git which files there are, and want the real folder name, not a link.
    """
    collections = parent / "ansible_collections"
    shutil.rmtree(collections, ignore_errors=True)
    target = collections / "basis" / "landscape"
    for name in files(root):
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, destination)
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=target, env=outside, check=True, capture_output=True)
    return target
