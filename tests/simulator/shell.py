# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command line means on a simulated host.

It runs on this machine, with the small commands of ``commands/`` before those of the same names, in the home of the
host. A login through the ssh door runs this file, which does so with what the client asked for.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

COMMANDS = Path(__file__).resolve().parent / "commands"
DOOR = "BASIS_SIMULATED_HOST"  # the variable that says whose command it is
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# A command given by its absolute path would be this machine's own.
ABSOLUTE = re.compile(
    r"(?<![\w./-])/(?:usr/(?:local/)?)?s?bin/("
    + "|".join(
        sorted((re.escape(path.name) for path in COMMANDS.iterdir() if path.name != "_door"), key=len, reverse=True)
    )
    + r")(?![\w.-])"
)


def translated(command: str, boot_id_file: str) -> str:
    """A command line in which the simulated host's commands stand for this machine's."""
    return ABSOLUTE.sub(lambda match: str(COMMANDS / match.group(1)), command).replace(BOOT_ID, boot_id_file)


def environment(door: str, boot_id_file: str, home: str) -> dict[str, str]:
    """The variables of a login on the host behind *door*, over those of this process."""
    return {
        **os.environ,
        "PATH": f"{COMMANDS}:{os.environ.get('PATH', os.defpath)}",
        DOOR: door,
        "BASIS_BOOT_ID_FILE": boot_id_file,
        "HOME": home,
    }


def main() -> None:
    """Become the shell that sshd's client asked for."""
    door, boot_id_file, home = sys.argv[1:]
    os.makedirs(home, exist_ok=True)
    os.chdir(home)
    wanted = os.environ.get("SSH_ORIGINAL_COMMAND")
    words = ["-l"] if wanted is None else ["-c", translated(wanted, boot_id_file)]
    os.execve("/bin/sh", ["/bin/sh", *words], environment(door, boot_id_file, home))


if __name__ == "__main__":
    main()
