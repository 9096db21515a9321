# SPDX-License-Identifier: GPL-3.0-or-later
"""dnf's plugins as a file, for a host on which Debian would not install them.

``dnf needs-restarting`` is one of them. Debian does not install the package next to zypper, which this machine needs
too; so it is only fetched, to be unpacked over the root of the one host that is patched with dnf.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = "dnf-plugins-core"


def fetch(folder: Path) -> Path:
    """The package's file in *folder*, fetched when it is not there; raises SystemExit with the reason."""
    here = sorted(folder.glob(f"{PACKAGE}_*.deb"))
    if not here:
        done = subprocess.run(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", PACKAGE],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        here = sorted(folder.glob(f"{PACKAGE}_*.deb"))
        if done.returncode or not here:
            raise SystemExit(f"Could not fetch {PACKAGE}: {done.stdout.strip()}")
    return here[-1]


if __name__ == "__main__":
    print(fetch(Path(sys.argv[1])))
