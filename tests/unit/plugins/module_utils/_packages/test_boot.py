# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boot this is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import boot


def test_boot_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's, or that of the file the host names; an empty one is an error."""
    monkeypatch.delenv("BASIS_BOOT_ID_FILE", raising=False)
    assert boot.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    other = tmp_path / "boot"
    other.write_text("another\n", encoding="ascii")
    monkeypatch.setenv("BASIS_BOOT_ID_FILE", str(other))
    assert boot.boot_id() == "another"
    other.write_text("", encoding="ascii")
    with pytest.raises(Failed, match="empty"):
        boot.boot_id()
    other.unlink()
    with pytest.raises(Failed, match="boot id"):
        boot.boot_id()


def test_uptime() -> None:
    """Seconds of this boot, so the boot was before now."""
    assert boot.uptime() >= 0
    assert boot.booted() <= time.time()
