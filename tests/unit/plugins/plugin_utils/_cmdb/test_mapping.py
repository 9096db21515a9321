# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about mappings: shipped ones, changed ones, wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.mapping import CmdbMapping

MINIMAL: dict[str, Any] = {
    "collections": {"machines": {}},
    "landscape": {"hosts": [{"from": "machines", "fields": {"name": "hostname"}}]},
}


@pytest.mark.parametrize("name", _cmdb.SHIPPED)
def test_shipped_mappings_compile(name: str) -> None:
    assert _cmdb.open_mapping(name).rules


def hosts(mapping: dict[str, Any], *machines: Any) -> list[dict[str, Any]]:
    """The fields of the hosts that a mapping makes of some records."""
    compiled = CmdbMapping(mapping, "test")
    model = compiled.model([_cmdb.Records("machines", list(machines))], "test")
    assert model.defects == []
    return [entry.fields for entry in model.sections["hosts"]]


def field(expression: str, record: Any, **more: Any) -> Any:
    """What an expression makes of a record."""
    mapping = {**MINIMAL, **more, "landscape": {"hosts": [{"from": "machines", "fields": {"name": expression}}]}}
    (fields,) = hosts(mapping, record)
    return fields.get("name")


def test_a_field_that_cannot_be_made_does_not_hide_what_else_is_wrong() -> None:
    mapping = {
        "collections": {"machines": {}, "parts": {}},
        "landscape": {
            "hosts": {
                "from": "machines",
                "fields": {
                    "name": "name",
                    "owner": "join('-', owner)",
                    "os": "os",
                    "attributes": {"a": "join('-', a)"},
                },
            },
            "systems": {"from": "parts", "fields": {"sid": "sid", "type": "lower(type)"}},
            "instances": {
                "from": "parts",
                "fields": {
                    "host": "host",
                    "system": "sid",
                    "name": "name",
                    "kind": "join('-', kind)",
                    "number": "number",
                },
            },
        },
    }
    machines = [{"name": "web1", "owner": 5, "os": 1.5, "a": 7}]
    parts = [{"sid": "WD1", "type": "webdisp", "host": "web1", "name": "W80", "kind": 3, "number": 8}]
    model = CmdbMapping(mapping, "m").model([_cmdb.Records("machines", machines), _cmdb.Records("parts", parts)], "x")
    with pytest.raises(_cmdb.LandscapeDefects) as caught:
        _cmdb.build(model)
    assert [(defect.record.split()[0], defect.field) for defect in caught.value.defects] == [
        ("machines[0]", "owner"),
        ("machines[0]", "attributes.a"),
        ("parts[0]", "kind"),
        ("machines[0]", "os"),
        ("parts[0]", "number"),
    ]


EXPRESSIONS: list[tuple[str, Any, Any]] = [
    ("a", {"a": 1}, 1),
    ("a.b.c", {"a": {"b": {"c": "x"}}}, "x"),
    ("a.b.c", {"a": "x"}, None),
    ("a.b || a.c || d", {"a": {"b": [], "c": False}, "d": 0}, 0),
    ("a || b", {"a": 0, "b": 1}, 0),
    ("a || b", {"a": {}, "b": ""}, None),
    ("(a || b).c", {"b": {"c": 1}}, 1),
    ("value(a.b) || lower(c)", {"a": 5, "c": "X"}, "x"),
    ("value(a)", {"a": "x"}, "x"),
    ("value(a)", {"a": ""}, None),
    ("value(a)", {"a": {"value": "1", "display_value": "One"}}, "1"),
    ("value(a)", {"a": {"link": "https://x", "value": "1"}}, "1"),
    ("value(a)", {"a": {"value": "", "display_value": ""}}, None),
    ("display(a)", {"a": {"value": "1", "display_value": "One"}}, "One"),
    ("display(a)", {"a": {"value": "active", "label": "Active"}}, "Active"),
    ("display(a)", {"a": {"link": "https://x", "value": "1"}}, None),
    ("display(a) || value(a)", {"a": "x"}, "x"),
    ("upper(trim(a))", {"a": " prd "}, "PRD"),
    ("trim(a)", {"a": "  "}, None),
    ("lower(a)", {"a": None}, None),
    ("split(a, ';')", {"a": "x; y;"}, ["x", "y"]),
    ("match(a, '[0-9]{2}$')", {"a": "ASCS01"}, "01"),
    ("match(a, '^([A-Z0-9]{3})_')", {"a": "PRD_D01_host"}, "PRD"),
    ("match(a, 'x')", {"a": "y"}, None),
    ("translate('t', a)", {"a": "old"}, "new"),
    ("translate('t', a)", {"a": "other"}, "other"),
    ("translate('t', a)", {"a": "gone"}, None),
    ("find('machines', a).n", {"a": "1", "i": 1, "n": "me"}, "me"),
    ("find('machines', a).n", {"a": "2", "i": 1}, None),
]


@pytest.mark.parametrize(("expression", "record", "wanted"), EXPRESSIONS)
def test_expression(expression: str, record: Any, wanted: Any) -> None:
    more = {"tables": {"t": {"old": "new", "gone": None}}, "collections": {"machines": {"id": "i"}}}
    assert field(expression, record, **more) == wanted


def test_where_each_attributes_and_otherwise() -> None:
    mapping = {
        "collections": {"machines": {}},
        "landscape": {
            "hosts": {
                "from": "machines",
                "where": "use == 'sap'",
                "each": "nodes",
                "fields": {
                    "name": "item.n",
                    "owner": "parent.owner",
                    "attributes": {"rack": "item.r", "row": "item.z"},
                },
                "otherwise": {"os": "rhel9"},
            }
        },
    }
    assert hosts(
        mapping,
        {"use": "sap", "owner": "o", "nodes": [{"n": "a", "r": 1}, {"n": "b", "r": 2}]},
        {"use": "web", "nodes": [{"n": "c"}]},
        {"use": "sap"},
    ) == [
        {"name": "a", "owner": "o", "attributes": {"rack": 1}, "os": "rhel9"},
        {"name": "b", "owner": "o", "attributes": {"rack": 2}, "os": "rhel9"},
    ]


def test_expression_that_does_not_fit_a_record_is_its_defect() -> None:
    mapping = CmdbMapping(
        {**MINIMAL, "landscape": {"hosts": {"from": "machines", "fields": {"name": "join('-', a)"}}}}, "m"
    )
    model = mapping.model([_cmdb.Records("machines", [{"a": ["x", "y"]}, {"a": 5}])], "test")
    assert [(entry.fields, entry.failed) for entry in model.sections["hosts"]] == [
        ({"name": "x-y"}, set()),
        ({}, {"name"}),
    ]
    assert [(defect.record, defect.field) for defect in model.defects] == [("machines[1]", "name")]


WRONG: list[tuple[Any, str]] = [
    ([], "no mapping of keys"),
    ({"colections": {}}, 'unknown key "colections" .did you mean "collections"'),
    ({"format": 2}, "format 1, not 2"),
    ({"collections": {}}, "collections: there is none"),
    ({"collections": {"a": {"pth": "/x"}}}, 'collections.a: unknown key "pth"'),
    ({"collections": {"a": {}}}, "there is no rule"),
    ({"collections": {"a": {}}, "landscape": {"host": {"from": "a"}}}, 'unknown section "host" .did you mean "hosts"'),
    ({"collections": {"a": {}}, "landscape": {"hosts": {"from": "b"}}}, r'hosts\[0\].from: "b" is none of'),
    ({"collections": {"a": {}}, "landscape": {"hosts": {"from": "a", "fields": {"nam": "x"}}}}, 'did you mean "name"'),
    ({"collections": {"a": {}}, "landscape": {"hosts": {"from": "a", "fields": {"name": "x["}}}}, "is no JMESPath"),
    (
        {"collections": {"a": {}}, "landscape": {"hosts": {"from": "a", "fields": {"name": "x(y)"}}}},
        "unknown function x",
    ),
    (
        {"collections": {"a": {}}, "landscape": {"hosts": {"from": "a", "fields": {"name": "match(y, '(')"}}}},
        "no regular expression",
    ),
    (
        {"collections": {"a": {}}, "landscape": {"hosts": {"from": "a", "fields": {"name": "translate('t', y)"}}}},
        "unknown table t",
    ),
    ({"collections": {"a": {}}, "landscape": {"hosts": {"from": "a", "repeated": "join"}}}, "neither merge nor refuse"),
    ({"collections": {"a": {}}, "relation_types": {"Uses": "needs"}}, 'relation_types.Uses: "needs" is none of'),
    ({"collections": {"a": {}}, "outside_relations": "drop"}, "neither ignore nor refuse"),
    ({"collections": {"a": {}}, "ignored_relation_types": "Uses"}, "ignored_relation_types: 'Uses' is no list"),
    (
        {"collections": {"a": {}}, "relation_types": {"Uses": "depends_on"}, "ignored_relation_types": ["Uses"]},
        'ignored_relation_types: "Uses" has a meaning',
    ),
]


@pytest.mark.parametrize(("data", "words"), WRONG)
def test_wrong_mapping(data: Any, words: str) -> None:
    with pytest.raises(_cmdb.MappingError, match=words):
        CmdbMapping(data, "mine.yml")


def test_changes_and_own_files(tmp_path: Path) -> None:
    changes = {"landscape": {"hosts": {"fields": {"patch_group": "value(u_wave)"}}}}
    mapping = _cmdb.open_mapping("servicenow", changes=changes)
    assert "u_wave" in mapping.fields_used.split(",")
    assert "u_wave" not in _cmdb.open_mapping("servicenow").fields_used.split(",")
    (tmp_path / "mine.yml").write_text(json.dumps(MINIMAL))
    assert _cmdb.open_mapping("mine.yml", folder=str(tmp_path)).rules
    with pytest.raises(_cmdb.MappingError, match="none of native"):
        _cmdb.open_mapping("yours.yml", folder=str(tmp_path))


def test_missing_collection() -> None:
    with pytest.raises(_cmdb.SourceError, match="it has no machines"):
        CmdbMapping(MINIMAL, "m").model([], "test")
