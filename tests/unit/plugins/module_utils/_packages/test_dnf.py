# SPDX-License-Identifier: GPL-3.0-or-later
"""What dnf prints, against what is read from it. The texts are captured from dnf 4.14; those of dnf 5 are marked."""

from __future__ import annotations

import re

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages import dnf
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Answer, Commands
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Change, Selection

INSTALLED = {"landscape-core.noarch": ("1.0-1",), "landscape-tools.noarch": ("1.0-1",), "kernel.x86_64": ("5-1", "5-2")}

CHECK_UPDATE = """Last metadata expiration check: 0:00:01 ago on Sat Nov 21 22:15:02 2026.

landscape-certified.noarch                    2.0-1                    landscape
landscape-core.noarch                         1:1.2-1                  landscape
a-package-with-a-very-long-name-that-takes-the-whole-line.x86_64
                                              3-1                      landscape
Obsoleting Packages
old-name.noarch                               1.0-1                    landscape
    new-name.noarch                           1.0-1                    @System
"""

TABLE = """Dependencies resolved.
================================================================================
 Package                 Architecture   Version         Repository         Size
================================================================================
Installing:
 kernel                  x86_64         5-3             landscape          1.1 M
Upgrading:
 landscape-core          noarch         1.2-1           landscape         6.2 k
 landscape-tools         noarch         1.3-1           landscape         6.0 k
     replacing  landscape-oldtools.noarch 1.0-1
Installing dependencies:
 landscape-extra         noarch         0:1.0-1         landscape         5.9 k
Removing dependent packages:
 landscape-gone          noarch         1.0-1           @landscape        5.9 k

Transaction Summary
================================================================================
Install  2 Packages
Upgrade  2 Packages
Remove   1 Package

Total size: 12 k
Operation aborted.
"""

TABLE_5 = """Updating and loading repositories:
Repositories loaded.
Package            Arch   Version   Repository      Size
Upgrading:
 landscape-core    noarch 0:1.2-1   landscape   19.0   B
   replacing landscape-core noarch 0:1.0-1   landscape   19.0   B

Transaction Summary:
 Upgrading:         1 package
 Replacing:         1 package

Operation aborted by the user.
"""


def test_check_update() -> None:
    """Names, versions with their epoch, wrapped lines; nothing of what is only replaced."""
    assert dnf.read_check_update(CHECK_UPDATE) == [
        ("landscape-certified", "noarch", "2.0-1"),
        ("landscape-core", "noarch", "1:1.2-1"),
        ("a-package-with-a-very-long-name-that-takes-the-whole-line", "x86_64", "3-1"),
    ]
    assert dnf.read_check_update("") == []


def test_check_update_that_breaks_off() -> None:
    """Half a row is no row."""
    with pytest.raises(Failed, match="ended it with"):
        dnf.read_check_update("landscape-core.noarch    1.2-1\n")


def test_transaction() -> None:
    """Each section with its action; what is replaced is not a package of its own."""
    assert dnf.read_transaction(TABLE, INSTALLED) == [
        Change("kernel", "x86_64", "5-2", "5-3", "installed"),
        Change("landscape-core", "noarch", "1.0-1", "1.2-1", "upgraded"),
        Change("landscape-tools", "noarch", "1.0-1", "1.3-1", "upgraded"),
        Change("landscape-extra", "noarch", None, "1.0-1", "installed"),
        Change("landscape-gone", "noarch", "1.0-1", None, "removed"),
    ]
    assert dnf.read_transaction(TABLE_5, INSTALLED) == [
        Change("landscape-core", "noarch", "1.0-1", "1.2-1", "upgraded")
    ]
    assert dnf.read_transaction("Operation aborted.\n", INSTALLED) is None


REQUIRED = (
    "Core libraries or services have been updated since boot-up:\n  * kernel\n  * glibc\n\n"
    "Reboot is required to fully utilize these updates.\n"
)


@pytest.mark.parametrize(
    ("rc", "out", "required", "evidence"),
    [
        (1, REQUIRED, True, ["kernel", "glibc"]),
        (
            0,
            "No core libraries or services have been updated since boot-up.\nReboot should not be necessary.\n",
            False,
            None,
        ),
        (1, "No such command: needs-restarting. Please use /usr/bin/dnf --help\n", None, None),
        (0, "", None, None),
        (0, REQUIRED, None, None),
    ],
)
def test_needs_restarting(rc: int, out: str, required: bool | None, evidence: list[str] | None) -> None:
    """The words must agree with the exit code; a missing plugin ends with 1 as well and is no verdict."""
    need = dnf.read_needs_restarting(Answer(rc, out, ""))
    assert (need.required if need else None) is required
    if evidence:
        assert need is not None
        assert need.evidence == evidence


UNREACHABLE = (
    "Errors during downloading metadata for repository 'landscape':\n  - Curl error (37): Couldn't read a file\n"
    "Error: Failed to download metadata for repo 'landscape': Cannot download repomd.xml\n"
    "Ignoring repositories: landscape\n"
)


@pytest.mark.parametrize(
    ("rc", "err", "reason", "kind"),
    [
        (0, UNREACHABLE, "repository_unreachable", "unreachable"),
        (
            1,
            "Error: \n Problem: cannot install the best update candidate for package x\n",
            "broken_dependencies",
            "failed",
        ),
        (
            1,
            "Error Summary\n---\nDisk Requirements:\n   At least 38MB more space needed on the / filesystem.\n",
            "disk_full",
            "failed",
        ),
        (1, "[Errno 28] No space left on device: '/var/cache/dnf'\n", "disk_full", "failed"),
        (
            1,
            "Error: This command has to be run with superuser privileges (under the root user on most systems).\n",
            "not_root",
            "denied",
        ),
        (1, "Error: GPG check FAILED\n", "signature", "failed"),
        (1, "Error in POSTIN scriptlet in rpm package x\nError: Transaction failed\n", "transaction", "failed"),
        (77, "something that nobody knows\n", "unknown_exit_code", "failed"),
    ],
)
def test_failures_have_names(rc: int, err: str, reason: str, kind: str) -> None:
    """Each failure is known by its words; an exit code that nobody knows is a failure too."""
    error = dnf.Dnf(Commands()).failure("upgrade packages", Answer(rc, "", err))
    assert (error.reason, error.kind) == (reason, kind)
    assert str(rc) in str(error)


STUCK = """Error:
 Problem: package landscape-tools-1.3-1.noarch requires landscape-extra, but none of the providers can be installed
  - cannot install the best update candidate for package landscape-tools-1.0-1.noarch
  - package landscape-extra-1.0-1.noarch is filtered out by exclude filtering
(try to add '--skip-broken' to skip uninstallable packages)
"""
# dnf 5, not captured: our packages in the form of the outputs that its issues 979 and 1800 show.
STUCK_5 = """Failed to resolve the transaction:
Problem: package landscape-tools-1.3-1.noarch from a requires landscape-extra, but \
none of the providers can be installed
  - cannot install the best update candidate for package landscape-tools-1.0-1.noarch
  - package landscape-extra-1.0-1.noarch from a is filtered out by exclude filtering
You can try to add to command line:
  --skip-broken to skip uninstallable packages
"""


@pytest.mark.parametrize("text", [STUCK, STUCK_5])
@pytest.mark.parametrize(
    ("held", "host_locks", "says"),
    [
        (("landscape-e*", "bash"), [], "holds landscape-extra back: take it off locked or exclude, or add to exclude"),
        ((), ["landscape-extra-0:1.0-1.*", "bash-0:5-1.*"], r"locks landscape-extra-0:1.0-1.\*: .*versionlock delete"),
        (("bash",), [], "Repair the repository"),
    ],
)
def test_upgrade_that_needs_what_is_held(
    monkeypatch: pytest.MonkeyPatch, text: str, held: tuple[str, ...], host_locks: list[str], says: str
) -> None:
    """Who needs whom is said, which hold is in the way, and what a person can do; another hold is not blamed."""
    manager = dnf.Dnf(Commands())
    monkeypatch.setattr(manager, "locks", lambda: host_locks)
    error = manager.failure("plan the upgrade", Answer(1, "", text), Selection(held=held))
    assert re.search(rf"landscape-tools-1.3.*requires landscape-extra.*filtered out.*{says}", str(error)), str(error)
    assert error.reason == "broken_dependencies"
    assert error.facts["held"] == (["landscape-extra"] if "landscape-e*" in held else [])
    assert error.facts["host_locks"] == host_locks[:1]


class Stuck(Commands):
    """A host whose dnf has updates, and refuses them."""

    def ask(self, *command: str, environment: object = None) -> Answer:
        return Answer(100, CHECK_UPDATE, "") if "check-update" in command else Answer(1, "", STUCK)

    def change(self, *command: str, environment: object = None) -> Answer:
        return Answer(1, "", STUCK)


def test_held_package_is_named_by_plan_and_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both know what the call holds back."""
    manager = dnf.Dnf(Stuck())
    monkeypatch.setattr(manager, "locks", list)
    selection = Selection(held=("landscape-extra",))
    for call in (
        lambda: manager.pending(selection, INSTALLED),
        lambda: manager.upgrade(selection, dnf.Pending([], [])),
    ):
        with pytest.raises(Failed, match="The call holds landscape-extra back") as caught:
            call()
        assert caught.value.facts["held"] == ["landscape-extra"]


@pytest.mark.parametrize(
    ("rc", "err", "locked"),
    [
        (200, "metadata already locked by 1\n", True),
        (1, "can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\n", True),
        (1, "Error: Transaction failed\n", False),
        (0, "", False),
    ],
)
def test_lock(rc: int, err: str, locked: bool) -> None:
    """dnf's own lock as well as rpm's."""
    assert dnf.Dnf(Commands()).locked(Answer(rc, "", err)) is locked


def test_versionlock() -> None:
    """The lists of dnf 4 and dnf 5."""
    text = "# Added lock on Sat Nov 21\nglibc-0:2.34-100.el9.*\n\n!kernel-0:5*\n"
    assert dnf.read_versionlock(text) == ["glibc-0:2.34-100.el9.*", "!kernel-0:5*"]
    toml = 'version = "1.0"\n\n[[packages]]\nname = "glibc"\n[[packages.conditions]]\nkey = "evr"\n'
    assert dnf.read_versionlock_toml(toml) == ["glibc"]
