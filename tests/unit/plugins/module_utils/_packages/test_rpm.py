# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm prints, against what is read from it."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import rpm


def test_installed() -> None:
    """Epoch 0 is left out, a kernel has several versions, public keys are no packages."""
    text = (
        "glibc 0:2.34-100.el9 x86_64\nopenssl-libs 1:3.0.7-24.el9 x86_64\nkernel 0:5-2 x86_64\nkernel 0:5-1 x86_64\n"
        "gpg-pubkey 0:fd431d51-4ae0493b (none)\n"
    )
    assert rpm.read_installed(text) == {
        "glibc.x86_64": ("2.34-100.el9",),
        "openssl-libs.x86_64": ("1:3.0.7-24.el9",),
        "kernel.x86_64": ("5-1", "5-2"),
    }


@pytest.mark.parametrize("text", ["glibc 2.34 x86_64\n", "error: cannot open Packages database\n", "glibc\n"])
def test_another_shape(text: str) -> None:
    """What is no package list is an error."""
    with pytest.raises(Failed, match="line 1"):
        rpm.read_installed(text)


def test_newer_than_the_boot() -> None:
    """Only core packages, only those installed after the boot."""
    text = "kernel-core 200\nglibc 100\nbash 300\nsystemd 250\n"
    assert rpm.read_newer_than(text, 150.0) == ["kernel-core", "systemd"]
