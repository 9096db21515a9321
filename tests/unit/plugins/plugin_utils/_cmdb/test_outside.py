# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about CMDBs that hold more than SAP: relations with other records, relations of other types."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb

DEPENDS, RUNS, CONTAINS = "Depends on::Used by", "Runs on::Runs", "Contains::Contained by"


def application(key: str, of: str | None = None, **fields: Any) -> dict[str, Any]:
    """A record of cmdb_ci_appl; without a type it has nothing to do with SAP."""
    own = {f"u_{name}": value for name, value in fields.items()}
    return {
        "sys_id": key,
        "name": key,
        "sys_class_name": "cmdb_ci_appl",
        **({"u_ci_type": of} if of else {}),
        **own,
    }


def tables() -> dict[str, list[dict[str, Any]]]:
    """An SAP system on its database, and what an ordinary CMDB has beside them."""
    return {
        "cmdb_ci_server": [{"sys_id": f"s{n}", "name": name} for n, name in enumerate(("app1", "db1", "files1"))],
        "cmdb_ci_appl": [
            application("PRD", "system", sid="PRD", type="abap"),
            application("HDP", "system", sid="HDP", type="hana"),
            application("prd-d00", "instance", instance_name="D00", kind="dialog"),
            application("hdp-hdb00", "instance", instance_name="HDB00", kind="hana"),
            application("apache"),
            application("backup-agent"),
            application("portal"),
        ],
        "cmdb_rel_ci": [
            {"parent": parent, "child": child, "type": kind}
            for parent, child, kind in (
                ("prd-d00", "s0", RUNS),
                ("hdp-hdb00", "s1", RUNS),
                ("PRD", "prd-d00", CONTAINS),
                ("HDP", "hdp-hdb00", CONTAINS),
                ("PRD", "HDP", DEPENDS),
                # not SAP: on a listed server, before and behind SAP, in racks and networks
                ("apache", "s0", RUNS),
                ("backup-agent", "s1", RUNS),
                ("portal", "PRD", DEPENDS),
                ("portal", "apache", DEPENDS),
                ("PRD", "load-balancer", DEPENDS),
                ("load-balancer", "switch7", DEPENDS),
                ("s0", "storage", DEPENDS),
                ("PRD", "s0", DEPENDS),  # a system on the host of its own instance
                ("rack7", "s0", CONTAINS),
                ("prd-d00", "cluster9", RUNS),  # beside its host
                ("business-service", "prd-d00", CONTAINS),
                ("s0", "switch7", "Connects to::Connected by"),
                ("portal", "apache", "Uses::Used by"),
                ("s0", "s1", "Members::Member of"),
            )
        ],
    }


def build(found: dict[str, list[dict[str, Any]]], **changes: Any) -> tuple[_cmdb.Landscape, list[str]]:
    """The landscape in the tables, and the notes about it."""
    mapping = _cmdb.open_mapping("servicenow", changes=changes or None)
    notes: list[str] = []
    return _cmdb.build(mapping.model(mapping.from_document(found, "x"), "the export"), notes=notes), notes


def refused(found: dict[str, list[dict[str, Any]]], **changes: Any) -> list[str]:
    """The defects of the tables, as texts."""
    with pytest.raises(_cmdb.LandscapeDefects) as caught:
        build(found, **changes)
    return [str(defect) for defect in caught.value.defects]


def related(*relations: tuple[str, str, str]) -> dict[str, list[dict[str, Any]]]:
    """The tables with more relations."""
    found = tables()
    found["cmdb_rel_ci"] += [{"parent": a, "child": b, "type": kind} for a, b, kind in relations]
    return found


def test_what_is_not_sap_is_left_out() -> None:
    landscape, notes = build(tables())
    assert sorted(landscape["systems"]) == ["HDP", "PRD"] and sorted(landscape["hosts"]) == ["app1", "db1", "files1"]
    assert sorted(landscape["instances"]) == ["HDP/db1/HDB00", "PRD/app1/D00"]
    assert landscape["systems"]["PRD"]["depends_on"] == ["HDP"]
    assert notes == []


def test_what_is_not_sap_can_be_refused() -> None:
    found = refused(tables(), outside_relations="refuse")
    assert len(found) > 5 and any('"apache" is nothing in this landscape' in text for text in found)


@pytest.mark.parametrize(
    ("relation", "words"),
    [
        (("PRD", "unknown-part", CONTAINS), '"unknown-part" is nothing in this landscape'),
        (("HDP", "s2", DEPENDS), '"s2" is a host'),  # it may be what runs there that is meant
    ],
)
def test_what_may_be_sap_is_not_left_out(relation: tuple[str, str, str], words: str) -> None:
    (defect,) = refused(related(relation))
    assert words in defect


def test_an_instance_whose_only_host_is_not_taken_is_a_defect() -> None:
    found = tables()
    found["cmdb_rel_ci"] = [row for row in found["cmdb_rel_ci"] if (row["parent"], row["child"]) != ("prd-d00", "s0")]
    found["cmdb_rel_ci"].remove({"parent": "PRD", "child": "s0", "type": DEPENDS})
    (defect,) = refused(found)
    assert '"cluster9" is nothing in this landscape' in defect and "name a host" in defect


@pytest.mark.parametrize(
    ("relations", "words"),
    [
        ([("HDP", "lb", DEPENDS), ("lb", "PRD", DEPENDS)], '"HDP" depends on "PRD" through "lb"'),
        (
            [("hdp-hdb00", "a", DEPENDS), ("a", "b", DEPENDS), ("b", "a", DEPENDS), ("b", "prd-d00", DEPENDS)],
            '"HDP/db1/HDB00" depends on "PRD/app1/D00" through "a"',
        ),
    ],
)
def test_an_order_through_a_record_that_is_not_taken_is_not_lost(
    relations: list[tuple[str, str, str]], words: str
) -> None:
    (defect,) = refused(related(*relations))
    assert words in defect and "their order would be lost" in defect


@pytest.mark.parametrize(
    "relations",
    [
        [("PRD", "lb", DEPENDS), ("lb", "HDP", DEPENDS)],  # the order is known
        [("PRD", "lb", DEPENDS), ("lb", "prd-d00", DEPENDS)],  # one system
        [("lb", "PRD", DEPENDS), ("lb", "HDP", DEPENDS)],  # nothing of SAP depends on it
        [("HDP", "lb", DEPENDS), ("lb", "other", DEPENDS), ("other", "lb", DEPENDS)],  # it leads nowhere
    ],
)
def test_an_order_that_is_known_or_none_is_no_defect(relations: list[tuple[str, str, str]]) -> None:
    assert build(related(*relations))[0]["systems"]["PRD"]["depends_on"] == ["HDP"]


def test_relations_of_other_types_are_counted_and_named() -> None:
    found = related(
        ("prd-d00", "HDP", "Uses::Used by"),
        ("PRD", "HDP", "Uses::Used by"),
        ("PRD", "s1", "Connects to::Connected by"),
        ("PRD", "elsewhere", "Sends data to::Receives data from"),
    )
    (note,) = build(found)[1]
    assert 'in the export: "Connects to::Connected by" (1), "Uses::Used by" (2). ' in note
    assert "Sends data" not in note and "Members" not in note  # no order of SAP can hang on these
    assert build(found, ignored_relation_types=["Uses::Used by", "Connects to::Connected by"])[1] == []
    (note,) = build(found, relation_types={"Uses::Used by": "depends_on"})[1]
    assert "Uses" not in note


def test_relations_of_other_types_can_be_refused_but_for_those_that_are_named() -> None:
    found = related(("PRD", "HDP", "Uses::Used by"))
    changes = {
        "other_relation_types": "refuse",
        "ignored_relation_types": ["Connects to::Connected by", "Members::Member of"],
    }
    assert [text for text in refused(found, **changes) if '"Uses::Used by" is unknown' in text]
    assert not [text for text in refused(found, **changes) if "Connects to" in text]


def test_a_relation_without_a_type_is_told() -> None:
    found = tables()
    found["cmdb_rel_ci"].append({"parent": "PRD", "child": "HDP"})
    assert '"depends_on" (1)' in build(found)[1][0]
    assert any('"depends_on" is unknown' in text for text in refused(found, other_relation_types="refuse"))
