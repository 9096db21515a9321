# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs of the operating system the tests call, with the Debian package of each."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable

PACKAGES: dict[str, tuple[str, str]] = {
    # name a test asks for: (Debian package, program or glob of a path)
    "shellcheck": ("shellcheck", "shellcheck"),
    "postgresql": ("postgresql", "/usr/lib/postgresql/*/bin/initdb"),
    "sshd": ("openssh-server", "sshd"),
    "ssh": ("openssh-client", "ssh"),
    "dnf": ("dnf", "dnf"),
    "zypper": ("zypper", "zypper"),
    "rpmbuild": ("rpm", "rpmbuild"),
    "apt-ftparchive": ("apt-utils", "apt-ftparchive"),
    "createrepo": ("createrepo-c", "createrepo_c"),
}


def present(name: str) -> bool:
    """Whether the machine has what *name* stands for: a key of ``PACKAGES``, ``root``, or a program's own name."""
    if name == "root":
        return os.geteuid() == 0
    probe = PACKAGES.get(name, ("", name))[1]
    if probe.startswith("/"):
        return bool(glob.glob(probe))
    return shutil.which(probe, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])) is not None


def missing(names: Iterable[str]) -> list[str]:
    """Those of *names* that the machine lacks."""
    return [name for name in names if not present(name)]


def able() -> bool:
    """Whether ``install`` can install here: the user is root, the machine a Debian."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def promised(names: Iterable[str]) -> list[str]:
    """Those of *names* that nothing excuses in CI, as ``install`` has to have put them there."""
    return [name for name in names if name in PACKAGES] if os.environ.get("CI") == "true" and able() else []


def advice(names: Iterable[str]) -> str:
    """One line that says what is missing with the way to get it."""
    names = list(names)
    packages = [PACKAGES[name][0] for name in names if name in PACKAGES]
    words = f"needs {', '.join(names)}"
    if packages:
        words += f": apt-get install --no-install-recommends {' '.join(packages)}"
    return words


def install(names: Iterable[str] = tuple(PACKAGES)) -> None:
    """Install which of *names* are missing when root on Debian; else, or when that fails, name them on stderr."""
    lacking = missing(names)
    if not lacking:
        return
    packages = [PACKAGES[name][0] for name in lacking]
    if not able():
        print(
            f"What needs {', '.join(lacking)} will be left out; as root: "
            f"apt-get install --no-install-recommends {' '.join(packages)}",
            file=sys.stderr,
        )
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print(f"Installing Debian packages: {' '.join(packages)}", flush=True)
    subprocess.run(["apt-get", "-qq", "update"], env=quiet, check=False, stdout=subprocess.DEVNULL)
    command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages]
    if subprocess.run(command, env=quiet, check=False, stdout=subprocess.DEVNULL).returncode:
        print(f"Could not install {' '.join(packages)}; {advice(missing(lacking))}", file=sys.stderr)
