# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about exports: what is written reads the same again; broken records never break the reader."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
from tests.unit.plugins.plugin_utils._cmdb.conftest import EXPORT


def test_round_trip(tmp_path: Path, export: dict[str, Any]) -> None:
    landscape = _cmdb.load_document(export)
    path = tmp_path / "native.json"
    _cmdb.write_native(landscape, str(path))
    assert _cmdb.load_files([str(path)]) == landscape
    assert json.loads(path.read_text())["counts"]["instances"] == 5
    assert [entry.name for entry in tmp_path.iterdir()] == ["native.json"]


def test_a_cut_export_is_seen_by_its_counts(export: dict[str, Any]) -> None:
    document = _cmdb.native(_cmdb.load_document(export))
    document["instances"].pop()
    with pytest.raises(_cmdb.SourceError, match="instances should be 5 records and are 4"):
        _cmdb.load_document(document)


def test_export_that_cannot_be_written(tmp_path: Path, export: dict[str, Any]) -> None:
    with pytest.raises(_cmdb.CmdbError, match="No such file"):
        _cmdb.write_native(_cmdb.load_document(export), str(tmp_path / "none" / "x.json"))


names = st.text("abcdefgh0123456789", min_size=1, max_size=6)
sids = st.from_regex(r"[A-Z][A-Z0-9]{2}", fullmatch=True)
texts = st.one_of(
    st.none(), st.text(min_size=1, max_size=8).filter(lambda text: text.strip() == text and text.isprintable())
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)


@st.composite
def landscapes(draw: st.DrawFn) -> dict[str, Any]:
    """A native export without defects."""
    hosts = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    systems = draw(st.lists(sids, max_size=4, unique=True))
    instances = []
    for host in hosts if systems else ():
        for number in draw(st.lists(st.integers(0, 99), max_size=3, unique=True)):
            instances.append({
                "name": f"D{number:02d}",
                "number": f"{number:02d}",
                "host": host,
                "system": draw(st.sampled_from(systems)),
                "kind": draw(st.sampled_from(["dialog", "hana", "other"])),
                "start_priority": draw(st.floats(0, 99)),
                "virtual_host": draw(texts),
            })  # fmt: skip
    pairs = st.tuples(st.sampled_from(systems), st.sampled_from(systems)) if systems else st.nothing()
    relations = [
        {"source": one, "target": other, "type": "depends_on"}
        for one, other in (draw(st.lists(pairs, max_size=5)) if systems else [])
        if one != other
    ]
    return {
        "hosts": [
            {
                "name": name,
                "owner": draw(texts),
                "attributes": draw(st.dictionaries(st.text(max_size=3), values, max_size=2)),
            }
            for name in hosts
        ],
        "systems": [{"sid": sid, "type": draw(st.sampled_from(["abap", "hana"]))} for sid in systems],
        "instances": instances,
        "relations": relations,
    }


@settings(max_examples=150, deadline=None)
@given(landscapes())
def test_any_landscape_reads_the_same_again(document: dict[str, Any]) -> None:
    landscape = _cmdb.load_document(document)
    again = _cmdb.load_document(json.loads(json.dumps(_cmdb.native(landscape))))
    assert again == landscape


PLACES = [(section, index) for section, records in EXPORT.items() for index in range(len(records))]
FIELDS = [
    "name",
    "id",
    "sid",
    "type",
    "host",
    "system",
    "number",
    "kind",
    "source",
    "target",
    "members",
    "entries",
    "timezone",
]
FIELDS += [
    "depends_on",
    "max_unavailable",
    "windows",
    "attributes",
    "cluster_owned",
    "start_priority",
    "backup_max_age",
    "odd",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(FIELDS), values), min_size=1, max_size=8))
def test_any_broken_records_are_reported(changes: list[tuple[tuple[str, int], str, Any]]) -> None:
    """Whatever stands in whichever fields: either it is a landscape, or every defect names record, problem, remedy."""
    document = copy.deepcopy(EXPORT)
    for (section, index), field, value in changes:
        document[section][index][field] = value
    try:
        landscape = _cmdb.load_document(document)
    except _cmdb.LandscapeDefects as error:
        assert error.defects
        assert all(defect.record and defect.problem and defect.remedy for defect in error.defects)
        assert all(str(defect) in str(error) for defect in error.defects)
        assert len(set(error.defects)) == len(error.defects)
    else:
        assert _cmdb.load_document(_cmdb.native(landscape)) == landscape


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*EXPORT, "calendar_entries", "counts"]), values, max_size=3))
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    try:
        _cmdb.load_document(document)
    except _cmdb.CmdbError as error:
        assert str(error).startswith("Could not ")
