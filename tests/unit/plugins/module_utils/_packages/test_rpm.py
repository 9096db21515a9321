# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm prints, against what is read from it."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import rpm
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, Commands


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


def test_names() -> None:
    """Packages as a solver names them, with or without an epoch and a repository; other words are none."""
    text = (
        " - package gtk-2-engines-1:2.34-100.el9.x86_64 from base requires lib.so.1()(64bit), but none of them\n"
        "  not installable providers: landscape-extra-1.0-1.noarch[landscape] or a-1-1.i686, b-2-1.noarch."
    )
    assert rpm.names_in(text) == ["gtk-2-engines", "landscape-extra", "a", "b"]


@pytest.mark.parametrize("text", ["glibc 2.34 x86_64\n", "error: cannot open Packages database\n", "glibc\n"])
def test_another_shape(text: str) -> None:
    """What is no package list is an error."""
    with pytest.raises(Failed, match="line 1"):
        rpm.read_installed(text)


def test_newer_than_the_boot() -> None:
    """Only core packages, only those installed after the boot."""
    text = "kernel-core 200\nglibc 100\nbash 300\nsystemd 250\n"
    assert rpm.read_newer_than(text, 150.0) == ["kernel-core", "systemd"]


class Rpm(Commands):
    """A host whose rpm gives one answer."""

    def __init__(self, out: str, rc: int = 0) -> None:
        super().__init__()
        self.answer = Answer(rc, out, "")

    def ask(self, *command: str, environment: object = None) -> Answer:
        return self.answer


@pytest.mark.parametrize("text", ["", "\n", "gpg-pubkey 0:fd431d51-4ae0493b (none)\n"])
def test_lost_database(text: str) -> None:
    """rpm 4.18 answers a database that is gone with nothing and 0: no host has no package."""
    with pytest.raises(Failed, match="no package at all") as caught:
        rpm.installed(Rpm(text))
    assert caught.value.reason == "rpm_database"


@pytest.mark.parametrize(
    ("out", "rc", "required", "says"),
    [
        ("kernel-core 200\nbash 300\n", 0, True, "kernel-core was updated"),
        ("kernel-core 100\nbash 300\n", 0, False, "no core package"),
        ("", 0, None, "no package at all"),
        ("kernel-core 100\nglibc (none)\n", 0, None, "line 2"),
        ("kernel-core 100\nwarning: Found SQLITE Packages database\n", 0, None, "line 2"),
        ("error: cannot open Packages database\n", 1, None, "cannot open"),
    ],
)
def test_need_for_a_reboot(out: str, rc: int, required: bool | None, says: str) -> None:
    """A database that does not tell leaves it unknown; nobody says that no core package was updated."""
    need = rpm.reboot_need(Rpm(out, rc), 150.0)
    assert need.required is required
    assert says in need.evidence[0]


@pytest.mark.parametrize(
    "said",
    [
        "Error in POSTTRANS scriptlet in rpm package kernel-core\n",
        "Non-fatal POSTIN scriptlet failure in rpm package kernel-core\n",
        ">>> Non-critical error in %posttrans scriptlet: kernel-core-0:6.4.0-1.x86_64\n",
        "warning: %posttrans(kernel-core-6.4.0-1.x86_64) scriptlet failed, exit status 1\n",
        'error: lua script failed: [string "%posttrans(kernel-core-6.4.0-1.x86_64)"]:2: /boot is full\n',
    ],
)
def test_script_that_failed(said: str) -> None:
    """It is named, however it is worded; a script that ran is none."""
    with pytest.raises(Failed, match=r"kernel-core.*initramfs") as caught:
        rpm.check_scripts(
            "upgrade packages", f"  Running scriptlet: kernel-core-6.4.0-1.x86_64  2/2\n{said}Complete!\n"
        )
    assert caught.value.reason == "transaction"
    rpm.check_scripts("upgrade packages", "  Running scriptlet: kernel-core-6.4.0-1.x86_64  2/2\nComplete!\n")
