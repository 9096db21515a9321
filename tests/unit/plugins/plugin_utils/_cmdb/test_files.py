# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about exports on disk: what is read, and what is refused with its place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb import files


def load(path: Path, **options: Any) -> _cmdb.Landscape:
    return _cmdb.load_files([str(path)], **options)


def test_json_yaml_and_folder_are_the_same(tmp_path: Path, export: dict[str, Any]) -> None:
    import yaml

    (tmp_path / "all.json").write_text(json.dumps(export), encoding="utf-8")
    (tmp_path / "all.yml").write_text(yaml.safe_dump(export, sort_keys=False), encoding="utf-8-sig")
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, records in export.items():
        (folder / f"{name}.json").write_text(json.dumps({"records": records}), encoding="utf-8")
    (folder / "README.txt").write_text("not part of it", encoding="utf-8")
    wanted = _cmdb.load_document(export)
    assert load(tmp_path / "all.json") == wanted
    assert load(tmp_path / "all.yml") == wanted
    assert load(folder) == wanted


def test_csv_folder(tmp_path: Path) -> None:
    (tmp_path / "hosts.csv").write_text(
        'name;address;attributes.rack\nprdapp1;127.0.1.1;"12; left"\n\nprddb1;;\n', encoding="utf-8-sig"
    )
    (tmp_path / "systems.csv").write_text("sid,type,windows,depends_on\nPRD,abap,sunday,HDP\nHDP,hana,sunday,\n")
    (tmp_path / "instances.csv").write_text(
        "name,system,host,number,kind,cluster_owned\nASCS00,PRD,prdapp1,00,ascs,true\nHDB02,HDP,prddb1,02,hana,no\n"
    )
    (tmp_path / "calendars.csv").write_text("name,kind,timezone\nsunday,window,Europe/Berlin\n")
    (tmp_path / "calendar_entries.csv").write_text(
        "calendar,start,end,rrule,duration\nsunday,2026-01-04T22:00,,FREQ=WEEKLY;BYDAY=SU,4h\n"
        "sunday,2026-05-01T08:00,2026-05-01T20:00,,\n"
    )
    landscape = load(tmp_path)
    assert landscape["hosts"]["prdapp1"]["attributes"] == {"rack": "12; left"}
    assert landscape["hosts"]["prddb1"]["address"] is None
    assert landscape["systems"]["PRD"]["depends_on"] == ["HDP"]
    assert landscape["instances"]["PRD/prdapp1/ASCS00"]["cluster_owned"] is True
    assert len(landscape["calendars"]["sunday"]["entries"]) == 2


def test_csv_defects_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "hosts.csv").write_text('name,owner\na,"two\nlines"\nb c,x\n')
    with pytest.raises(_cmdb.LandscapeDefects, match=r"hosts\.csv line 4"):
        load(tmp_path)


def test_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "host,address,sid,type,instance,number,kind,maintenance,depends_on\n"
        "prdapp1,10.0.0.1,PRD,ABAP,ASCS00,00,ascs,,HDP\n"
        "prdapp1,,PRD,,D01,01,dialog,rolling,\n"
        "prddb1,10.0.0.2,HDP,hana,HDB02,02,hana,,\n"
        "spare1,10.0.0.3,,,,,,,\n"
    )
    landscape = load(path, mapping="spreadsheet")
    assert list(landscape["hosts"]) == ["prdapp1", "prddb1", "spare1"]
    assert landscape["hosts"]["prdapp1"]["address"] == "10.0.0.1"
    assert landscape["systems"]["PRD"]["type"] == "abap"
    assert landscape["systems"]["PRD"]["maintenance"] == "rolling"
    assert list(landscape["instances"]) == ["HDP/prddb1/HDB02", "PRD/prdapp1/ASCS00", "PRD/prdapp1/D01"]


def test_spreadsheet_lines_that_differ(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("host,address,sid,type,instance,kind\na,1,PRD,abap,D01,dialog\na,2,PRD,java,D02,dialog\n")
    with pytest.raises(_cmdb.LandscapeDefects) as caught:
        load(path, mapping="spreadsheet")
    assert [(defect.field, "list.csv line 2" in defect.problem) for defect in caught.value.defects] == [
        ("address", True),
        ("type", True),
    ]


def test_yaml_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("a: 01\nb: 010\nc: NO\nd: 15.10\ne: 2026-11-22\nf: 12\ng: true\nh: on\ni: ~\nj: 1e5\nk: 0x1f\n")
    assert files.read_document(str(path)) == {
        "a": "01", "b": "010", "c": "NO", "d": "15.10", "e": "2026-11-22", "f": 12, "g": True, "h": "on", "i": None,
        "j": "1e5", "k": "0x1f",
    }  # fmt: skip


def test_yaml_anchors_and_merges(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("one: &one {os: rhel9}\ntwo: {<<: *one, name: x}\n")
    assert files.read_document(str(path))["two"] == {"os": "rhel9", "name": "x"}


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("hosts: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(_cmdb.SourceError, match="line 1, column 8"):
        files.read_document(str(path))


BROKEN: list[tuple[str, str, bytes, str]] = [
    ("half JSON", "a.json", b'{"hosts": [{"name": "a"},\n {"na', "line 2.*was it written completely"),
    ("JSON key twice", "a.json", b'{"hosts": [], "hosts": [{"name": "a"}]}', '"hosts" stands twice'),
    ("JSON number", "a.json", b'{"hosts": NaN}', "NaN is no JSON number"),
    ("deep JSON", "a.json", b"[" * 100_000, "nested too deeply"),
    ("half YAML", "a.yml", b'hosts:\n  - {name: "prd', "line 2"),
    ("YAML key twice", "a.yml", b"hosts: []\nsystems: []\nhosts: []\n", '"hosts" stands twice'),
    ("two documents", "a.yml", b"a: 1\n---\nb: 1\n", "line 2"),
    ("tab in YAML", "a.yml", b"hosts:\n\t- a\n", "line 2, column 1"),
    ("empty", "a.yml", b" \n", "the file is empty"),
    ("not UTF-8", "a.json", b'{"hosts":\n [{"name": "\xfc"}]}', "line 2, byte 22 is not UTF-8"),
    ("half CSV", "a.csv", b"host,sid\na,PRD\nb", "line 3 has 1 cells, the header has 2"),
    ("open quote", "a.csv", b'host,sid\na,"PRD\nb,QAS\n', "line 2: unexpected end of data"),
    ("column without name", "a.csv", b"host,,sid\na,b,c\n", "column 2 has no name"),
    ("column twice", "a.csv", b"host,sid,host\na,b,c\n", "column host stands twice"),
    ("ending", "a.xlsx", b"x", "its ending is none of"),
    ("a list", "a.json", b"[]", "expected an object with hosts"),
    ("a text", "a.yml", b"hello", "found str"),
    ("unknown section", "a.json", b'{"host": []}', 'key "host" is unknown .did you mean "hosts"'),
    ("section is no list", "a.json", b'{"hosts": {"a": {}}}', "hosts is no list but dict"),
    ("not whole", "a.json", b'{"hosts": [{"name": "a"}], "counts": {"hosts": 2}}', "should be 2 records and are 1"),
]


@pytest.mark.parametrize(("claim", "name", "data", "words"), BROKEN, ids=[row[0] for row in BROKEN])
def test_broken_file(tmp_path: Path, claim: str, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(_cmdb.SourceError, match=words) as caught:
        load(path, mapping="spreadsheet" if name.endswith(".csv") else "native")
    assert str(path) in str(caught.value), claim


def test_missing_file_and_missing_right(tmp_path: Path) -> None:
    with pytest.raises(_cmdb.SourceError, match="No such file"):
        load(tmp_path / "none.json")
    if os.geteuid() != 0:
        path = tmp_path / "secret.json"
        path.write_text("{}")
        path.chmod(0)
        with pytest.raises(_cmdb.SourceError, match="Permission denied"):
            load(path)


def test_folders_that_are_no_export(tmp_path: Path) -> None:
    with pytest.raises(_cmdb.SourceError, match="holds no file"):
        load(tmp_path)
    (tmp_path / "hosts.json").write_text("[]")
    (tmp_path / "hosts.csv").write_text("name\na\n")
    with pytest.raises(_cmdb.SourceError, match=r"hosts\.csv and hosts\.json are both"):
        load(tmp_path)
    (tmp_path / "hosts.csv").rename(tmp_path / "servers.csv")
    with pytest.raises(_cmdb.SourceError, match=r"servers\.csv.*knows only hosts"):
        load(tmp_path)
    (tmp_path / "servers.csv").unlink()
    (tmp_path / "hosts.json").write_text('{"hosts": 1}')
    with pytest.raises(_cmdb.SourceError, match="expected a list of records"):
        load(tmp_path)


def test_additional_files_add_to_the_first(tmp_path: Path, export: dict[str, Any]) -> None:
    calendars = export.pop("calendars")
    (tmp_path / "a.json").write_text(json.dumps(export))
    (tmp_path / "b.json").write_text(json.dumps({"calendars": calendars}))
    landscape = _cmdb.load_files([str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert sorted(landscape["calendars"]) == ["sunday", "year end"]


def test_fingerprint_tells_a_new_export(tmp_path: Path) -> None:
    path = tmp_path / "hosts.json"
    path.write_text("[]")
    before = _cmdb.fingerprint(str(tmp_path))
    assert _cmdb.fingerprint(str(tmp_path)) == before
    path.write_text("[ ]")
    assert _cmdb.fingerprint(str(tmp_path)) != before
    assert _cmdb.fingerprint(str(tmp_path / "none")) == []
