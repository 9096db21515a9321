# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of the packages before a piece of work, for whom."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._packages.baseline import Baseline

INSTALLED = {"glibc.x86_64": ("2.34-100.el9",), "kernel.x86_64": ("5-1", "5-2")}


def of(folder: Path, work: str = "r1/patch", ci: str = "PRD/app/D01") -> Baseline:
    found = Baseline.of({"epoch": 1, "ci": ci, "directory": str(folder), "work": work})
    assert found is not None
    return found


def test_every_attempt_of_a_piece_of_work_finds_what_the_first_one_kept(tmp_path: Path) -> None:
    assert of(tmp_path).kept() is None
    of(tmp_path).keep(INSTALLED)
    assert of(tmp_path).kept() == INSTALLED
    assert of(tmp_path, ci="PRD/app/D02").kept() is None
    # Beside the fence, for nobody else's eyes, without a rest.
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [
        ("PRD_app_D01.packages", 0o600)
    ]


def test_another_piece_of_work_takes_its_place(tmp_path: Path) -> None:
    of(tmp_path).keep(INSTALLED)
    assert of(tmp_path, "r2/patch").kept() is None
    of(tmp_path, "r2/patch").keep({})
    assert of(tmp_path, "r2/patch").kept() == {}
    assert of(tmp_path).kept() is None


@pytest.mark.parametrize("fence", [None, {}, {"epoch": 1, "ci": "app"}, {"epoch": 1, "ci": "app", "work": None}])
def test_nothing_is_kept_for_work_without_a_name(fence: dict[str, object] | None) -> None:
    assert Baseline.of(fence) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"work": "r1/patch"}', '{"work": "r1/patch", "installed": [1]}'])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "PRD_app_D01.packages").write_text(text, encoding="utf-8")
    with pytest.raises(Failed, match=r"PRD_app_D01.packages cannot be read: .*remove the file") as caught:
        of(tmp_path).kept()
    assert caught.value.reason == "baseline"


def test_what_cannot_be_written_is_an_error_before_anything_changes(tmp_path: Path) -> None:
    of(tmp_path).keep(INSTALLED)
    os.mkdir(tmp_path / "PRD_app_D01.packages.new")
    with pytest.raises(Failed, match=r"PRD_app_D01.packages cannot be written: Is a directory"):
        of(tmp_path, "r2/patch").keep({})
    assert of(tmp_path).kept() == INSTALLED, "the earlier one is whole"
