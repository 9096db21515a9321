# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence at the target: epochs, locks held by other processes, files that are no fence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._fence import fence_path, fenced

HOLD = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(handle, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def fence(folder: Path, epoch: int) -> dict[str, Any]:
    return {"epoch": epoch, "ci": "PRD/prdapp1/D01", "directory": str(folder)}


def test_without_a_fence_nothing_is_written(tmp_path: Path) -> None:
    with fenced(None):
        assert list(tmp_path.iterdir()) == []


def test_the_epoch_is_stored_for_its_owner_only(tmp_path: Path) -> None:
    with fenced(fence(tmp_path / "f", 3)):
        file = tmp_path / "f" / "PRD_prdapp1_D01.fence"
        assert file.read_text().startswith(f"epoch 3 pid {os.getpid()} since ")
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_newer_epoch_takes_over_and_the_older_is_refused(tmp_path: Path) -> None:
    with fenced(fence(tmp_path, 1)):
        pass
    with fenced(fence(tmp_path, 2)):
        pass
    with fenced(fence(tmp_path, 2)):
        pass
    with pytest.raises(Denied) as caught, fenced(fence(tmp_path, 1)):
        pytest.fail("an outdated owner acted")
    path = tmp_path / "PRD_prdapp1_D01.fence"
    assert caught.value.reason == "fenced"
    assert f"the fence file {path} says 'epoch 2 pid {os.getpid()} since " in caught.value.why
    assert caught.value.why.endswith("this one has epoch 1")
    assert f"remove {path} where" in str(caught.value.cure), "two run databases whose clocks are apart"
    assert (tmp_path / "PRD_prdapp1_D01.fence").read_text().startswith("epoch 2 ")


def test_a_long_epoch_is_followed_by_a_short_line_in_whole(tmp_path: Path) -> None:
    path = tmp_path / "PRD_prdapp1_D01.fence"
    path.write_text("epoch 1 pid 1 since " + "x" * 300 + "\n")
    with fenced(fence(tmp_path, 2)):
        assert path.read_text().count("\n") == 1
        assert "x" not in path.read_text()


def test_a_held_ci_is_waited_for_and_named(tmp_path: Path) -> None:
    path = fence_path(str(tmp_path), "PRD/prdapp1/D01")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Denied) as caught, fenced(fence(tmp_path, 9), timeout=0.2, delay=0.05):
            pytest.fail("two acted at once")
        assert caught.value.reason == "fence_busy"
        holder.kill()  # the kernel gives the lock of a killed process back
        holder.wait()
        with fenced(fence(tmp_path, 9), timeout=5, delay=0.05):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()  # type: ignore[union-attr]
        holder.stdin.close()  # type: ignore[union-attr]


def test_the_lock_is_given_back_when_the_body_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), fenced(fence(tmp_path, 1)):
        raise RuntimeError
    with fenced(fence(tmp_path, 1), timeout=0.2, delay=0.05):
        pass


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_file_has_no_epoch(tmp_path: Path, content: str) -> None:
    (tmp_path / "PRD_prdapp1_D01.fence").write_text(content)
    with fenced(fence(tmp_path, 1)):
        pass


@pytest.mark.parametrize("content", ["hello\n", "epoch\n", "epoch x\n", "\x00\x00\x00"])
def test_a_file_that_is_no_fence_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "PRD_prdapp1_D01.fence").write_text(content)
    with pytest.raises(Failed, match=r"PRD_prdapp1_D01\.fence says"), fenced(fence(tmp_path, 1)):
        pytest.fail("acted behind an unreadable fence")


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("")
    (tmp_path / "PRD_prdapp1_D01.fence").symlink_to(tmp_path / "target")
    with pytest.raises(Failed, match="cannot be opened"), fenced(fence(tmp_path, 1)):
        pytest.fail("followed a link")


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match=str(tmp_path / "file")), fenced(fence(tmp_path / "file", 1)):
        pytest.fail("acted without a fence")


def test_an_epoch_is_at_least_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="epoch"), fenced(fence(tmp_path, 0)):
        pytest.fail("acted with no epoch")


@pytest.mark.parametrize(
    ("ci", "name"), [("PRD/h/D01", "PRD_h_D01"), ("a b/../c", "a_b_.._c"), ("x" * 300, "x" * 200), ("ü/1", "__1")]
)
def test_names(ci: str, name: str) -> None:
    assert fence_path("/f", ci) == f"/f/{name}.fence"


@pytest.mark.parametrize("ci", ["", "//", "..", "_"])
def test_no_names(ci: str) -> None:
    with pytest.raises(BadInput):
        fence_path("/f", ci)
