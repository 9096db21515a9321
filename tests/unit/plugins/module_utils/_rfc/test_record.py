# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that outlives whoever wrote it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record


def test_what_is_kept_is_read_until_it_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "jobs.json"
    record = Record(str(path), "jobs", "PRD")
    assert record.read() is None
    record.write({"jobs": [1]})
    record.write({"jobs": [1, 2]})
    assert Record(str(path), "jobs", "PRD").read() == {"jobs": [1, 2]}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and [p.name for p in path.parent.iterdir()] == ["jobs.json"]
    record.remove()
    record.remove()
    assert record.read() is None


def test_without_a_path_nothing_is_kept() -> None:
    record = Record(None, "jobs", "PRD")
    record.write({"jobs": []})
    record.remove()
    assert record.read() is None


@pytest.mark.parametrize(
    ("purpose", "sid", "client"), [("users", "PRD", ""), ("jobs", "QAS", ""), ("jobs", "PRD", "100")]
)
def test_a_record_about_something_else_is_refused(tmp_path: Path, purpose: str, sid: str, client: str) -> None:
    path = str(tmp_path / "r.json")
    Record(path, "jobs", "PRD").write({})
    with pytest.raises(Denied) as caught:
        Record(path, purpose, sid, client).read()
    assert caught.value.reason == "wrong_record"


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"format": 1})])
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput):
        Record(str(path), "jobs", "PRD").read()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Failed) as caught:
        Record(str(tmp_path / "file" / "r.json"), "jobs", "PRD").write({})
    assert caught.value.reason == "record"
