# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of an export: whole or not at all, refused when it is not ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._r3trans import manifest
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.groups import Table
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.manifest import Held, Manifest


def made(folder: Path, content: bytes = b"rows") -> Manifest:
    (folder / "QAS.dat").write_bytes(content)
    found = Manifest(
        sid="QAS",
        client="all",
        exported="2026-11-26T22:00:00Z",
        data="QAS.dat",
        size=len(content),
        sha256=manifest.digest(str(folder / "QAS.dat")),
        r3trans="6.26",
        held=[Held(Table("RFCDES", "A = 'B'"), 3)],
        left_out=[Table("EDP12")],
    )
    manifest.write(str(folder), found)
    return found


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert manifest.read(str(tmp_path)) == found
    assert (tmp_path / manifest.NAME).stat().st_mode & 0o777 == 0o600
    assert found.selected == [Table("EDP12"), Table("RFCDES", "A = 'B'")]
    assert found.age() > 0 and found._replace(exported="2999-01-01T00:00:00Z").age() == 0.0
    manifest.verify(str(tmp_path), found)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert manifest.read(str(tmp_path / "none")) is None


def change(path: Path, **fields: Any) -> None:
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain.update(fields)
    path.write_text(json.dumps({key: value for key, value in plain.items() if value is not ...}), encoding="utf-8")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"purpose": "jobs"}, "no manifest of this collection"),
        ({"format": 2}, "its format is 2, and only 1"),
        ({"sid": ...}, "not whole: KeyError"),
        ({"sid": "qas"}, "not whole"),
        ({"exported": "yesterday"}, "not whole"),
        ({"tables": []}, "it has no table"),
        ({"tables": [{"name": "RFCDES", "where": "", "rows": -1}]}, "-1 is no number"),
        ({"tables": [{"name": "RFCDES", "where": "", "rows": True}]}, "True is no number"),
        ({"tables": "RFCDES"}, "not whole"),
        ({"size": "4"}, "'4' is no number"),
        ({"data": "../QAS.dat"}, "no name of a file"),
        ({"sha256": None}, "a text is none"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    made(tmp_path)
    change(tmp_path / manifest.NAME, **fields)
    with pytest.raises(BadInput, match=words) as raised:
        manifest.read(str(tmp_path))
    assert raised.value.reason == "manifest"


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_what_is_not_even_one(tmp_path: Path, text: str) -> None:
    (tmp_path / manifest.NAME).write_text(text, encoding="utf-8")
    with pytest.raises(BadInput):
        manifest.read(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "words"), [(b"row", "3 bytes, and 4 were exported"), (b"r0ws", "not what was"), (None, "No such file")]
)
def test_data_that_is_not_what_was_exported(tmp_path: Path, content: bytes | None, words: str) -> None:
    found = made(tmp_path)
    if content is None:
        (tmp_path / "QAS.dat").unlink()
    else:
        (tmp_path / "QAS.dat").write_bytes(content)
    with pytest.raises(Failed, match=words) as raised:
        manifest.verify(str(tmp_path), found)
    assert raised.value.reason == "data_file"


def test_an_export_is_set_aside(tmp_path: Path) -> None:
    found = made(tmp_path)
    path = manifest.set_aside(str(tmp_path), found)
    assert path == str(tmp_path / "QAS-20261126T220000Z.json") and Path(path).is_file()
    assert manifest.read(str(tmp_path)) is None and (tmp_path / "QAS.dat").is_file()
    (tmp_path / manifest.NAME).write_text("{", encoding="utf-8")
    assert "/unreadable-" in manifest.set_aside(str(tmp_path), None)
    with pytest.raises(Failed, match="aside"):
        manifest.set_aside(str(tmp_path), None)


def test_whose_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    manifest.make_private(str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o750)
    with pytest.raises(Denied, match="others can enter it"):
        manifest.private(str(folder))
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path in ("file", "none"):
        with pytest.raises(Failed):
            manifest.private(str(tmp_path / path))
    with pytest.raises(Failed):
        manifest.write(str(tmp_path / "none"), made(tmp_path))
