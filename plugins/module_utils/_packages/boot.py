# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boot of the host this is.

The kernel gives every boot an identity of its own. The environment variable ``BASIS_BOOT_ID_FILE`` names another file
for hosts that share a kernel with others, such as test hosts.
"""

from __future__ import annotations

import os
import time

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """The identity of the running boot.

    :raises Failed: it cannot be read or is empty.
    """
    path = os.environ.get("BASIS_BOOT_ID_FILE") or BOOT_ID
    try:
        with open(path, encoding="ascii") as handle:
            text = handle.read().strip()
    except (OSError, ValueError) as error:
        raise Failed("read the boot id", f"{path}: {error}", reason="boot_id") from error
    if not text:
        raise Failed("read the boot id", f"{path} is empty", reason="boot_id")
    return text


def uptime() -> float:
    """Seconds since the boot, of pid 1 where that is younger than the kernel.

    :raises Failed: it cannot be read.
    """
    try:
        with open("/proc/uptime", encoding="ascii") as handle:
            kernel = float(handle.read().split()[0])
        return max(0.0, min(kernel, time.time() - os.stat("/proc/1").st_mtime))
    except (OSError, ValueError, IndexError) as error:
        raise Failed("read the uptime", f"/proc/uptime: {error}", reason="uptime") from error


def booted() -> float:
    """The moment of the boot in epoch seconds."""
    return time.time() - uptime()


__all__ = ("BOOT_ID", "boot_id", "booted", "uptime")
