# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the landscape model: what it makes of records, and what it refuses."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.landscape import KINDS, START_PRIORITY

Change = Callable[[dict[str, Any]], Any]


def defects(export: dict[str, Any]) -> list[_cmdb.Defect]:
    """What is wrong with an export."""
    with pytest.raises(_cmdb.LandscapeDefects) as caught:
        _cmdb.load_document(export)
    return caught.value.defects


def test_normal_form(export: dict[str, Any]) -> None:
    landscape = _cmdb.load_document(export)
    assert sorted(landscape) == ["calendars", "hosts", "instances", "redundancy_groups", "systems"]
    assert landscape["hosts"]["web1"] == {
        "address": None,
        "os": None,
        "environment": None,
        "patch_group": None,
        "owner": None,
        "failure_domain": None,
        "patch_level": None,
        "attributes": {},
    }
    assert landscape["systems"]["WD1"] == {
        "sid": "WD1",
        "type": "webdisp",
        "environment": None,
        "owner": None,
        "patch_group": None,
        "maintenance": "rolling",
        "windows": [],
        "blackouts": [],
        "depends_on": ["PRD"],
        "jobs": False,
        "backup_max_age": None,
        "attributes": {},
    }
    assert landscape["instances"]["WD1/web1/W80"] == {
        "system": "WD1",
        "sid": "WD1",
        "host": "web1",
        "name": "W80",
        "number": "80",
        "kind": "webdisp",
        "tier": "web",
        "virtual_host": "www",
        "start_priority": 4.0,
        "depends_on": [],
        "cluster_owned": False,
        "attributes": {},
    }
    assert landscape["redundancy_groups"]["app servers"]["max_unavailable"] == 1
    assert landscape["systems"]["PRD"]["jobs"] is True
    assert landscape["systems"]["PRD"]["depends_on"] == ["HDP"]
    assert landscape["instances"]["PRD/prdapp1/D01"]["depends_on"] == ["PRD/prdapp1/ASCS00"]


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_by_kind(export: dict[str, Any], kind: str) -> None:
    export["instances"][4].update(kind=kind)
    instance = _cmdb.load_document(export)["instances"]["WD1/web1/W80"]
    assert instance["start_priority"] == START_PRIORITY[kind]
    assert instance["tier"] == {"hana": "db", "webdisp": "web"}.get(kind, "app")


def test_written_values_win(export: dict[str, Any]) -> None:
    export["instances"][4].update(tier="app", start_priority=0)
    export["systems"][0]["jobs"] = False
    landscape = _cmdb.load_document(export)
    assert landscape["instances"]["WD1/web1/W80"]["tier"] == "app"
    assert landscape["instances"]["WD1/web1/W80"]["start_priority"] == 0.0
    assert landscape["systems"]["PRD"]["jobs"] is False


def test_the_order_of_records_does_not_matter(export: dict[str, Any]) -> None:
    wanted = _cmdb.load_document(export)
    for seed in range(5):
        for records in export.values():
            random.Random(seed).shuffle(records)
        again = _cmdb.load_document(export)
        assert again == wanted
        assert [list(part) for part in again.values()] == [list(part) for part in wanted.values()]


def test_instance_on_system_depends_on_all_its_instances(export: dict[str, Any]) -> None:
    export["relations"] = [{"source": "WD1/web1/W80", "target": "PRD", "type": "depends_on"}]
    landscape = _cmdb.load_document(export)
    assert landscape["instances"]["WD1/web1/W80"]["depends_on"] == [
        "PRD/prdapp1/ASCS00",
        "PRD/prdapp1/D01",
        "PRD/prdapp2/D01",
    ]


def test_system_on_instance_is_said_of_all_its_instances(export: dict[str, Any]) -> None:
    export["relations"] = [{"source": "PRD", "target": "HDP/prddb1/HDB02", "type": "depends_on"}]
    landscape = _cmdb.load_document(export)
    assert landscape["systems"]["PRD"]["depends_on"] == []
    for key in ("PRD/prdapp1/ASCS00", "PRD/prdapp1/D01", "PRD/prdapp2/D01"):
        assert landscape["instances"][key]["depends_on"] == ["HDP/prddb1/HDB02"]


def test_inverse_relations_and_placements_by_key(export: dict[str, Any]) -> None:
    del export["instances"][4]["host"], export["instances"][4]["system"]
    export["instances"][4]["id"] = "i-1"
    export["hosts"][3]["id"] = "h-1"
    export["systems"][2]["id"] = "s-1"
    export["relations"] = [
        {"source": "h-1", "target": "i-1", "type": "runs"},
        {"source": "s-1", "target": "i-1", "type": "contains"},
        {"source": "PRD", "target": "i-1", "type": "used_by"},
    ]
    landscape = _cmdb.load_document(export)
    assert "WD1/web1/W80" in landscape["instances"]
    assert len(landscape["instances"]["WD1/web1/W80"]["depends_on"]) == 3


def test_two_systems_may_share_a_sid_when_their_names_differ(export: dict[str, Any]) -> None:
    export["systems"].append({"name": "PRD-copy", "sid": "PRD", "type": "abap"})
    assert _cmdb.load_document(export)["systems"]["PRD-copy"]["sid"] == "PRD"


def test_times_with_an_offset_and_recurrence_with_an_end(export: dict[str, Any]) -> None:
    export["calendars"][0]["entries"] = [
        {"start": "2026-11-22T22:00:00+01:00", "end": "2026-11-22T23:00:00Z"},
        {"start": "2026-01-04 22:00", "end": "2026-01-05 02:00", "rrule": "FREQ=WEEKLY;UNTIL=20261231T000000Z"},
    ]
    entries = _cmdb.load_document(export)["calendars"]["sunday"]["entries"]
    assert entries[0] == {"start": "2026-11-22T22:00+01:00", "end": "2026-11-22T23:00+00:00"}
    assert entries[1]["start"] == "2026-01-04T22:00"


@pytest.mark.parametrize(
    ("relation", "field"),
    [
        ({"source": "PRD", "target": "XXX"}, "target"),
        ({"source": "XXX", "target": "PRD"}, "source"),
        ({"source": "XXX", "target": "PRD", "type": "part_of"}, "source"),
        ({"source": "XXX"}, "source"),
    ],
)
def test_a_broken_end_of_a_relation_does_not_hide_the_other(
    export: dict[str, Any], relation: dict[str, Any], field: str
) -> None:
    export["systems"][0].update(maintenance="never")  # PRD is known, and wrong itself
    export["relations"].append(relation)
    found = [(defect.record.split()[0], defect.field) for defect in defects(export)]
    assert ("relations[3]", field) in found and ("systems[0]", "maintenance") in found
    assert len(found) == (3 if "target" not in relation else 2)


TABLE: list[tuple[str, Change, str, str, str]] = [
    # claim, change to a good export, where, field, words
    (
        "two hosts, one name",
        lambda e: e["hosts"].append({"name": "web1"}),
        "hosts[4]",
        "name",
        "already the name of hosts[3]",
    ),
    ("hosts differ in case", lambda e: e["hosts"].append({"name": "Web1"}), "hosts[4]", "name", "differs only in case"),
    (
        "two hosts, one address",
        lambda e: e["hosts"][1].update(address="127.0.1.1"),
        'hosts[1] "prdapp2"',
        "address",
        'is where hosts[0] "prdapp1" is reached',
    ),
    (
        "one address, written otherwise",
        lambda e: (e["hosts"][0].update(address="FE80::1"), e["hosts"][1].update(address="fe80:0::1")),
        "hosts[1]",
        "address",
        "one would be taken for the other",
    ),
    (
        "the name of another host as address",
        lambda e: e["hosts"][0].update(address="WEB1."),
        "hosts[3]",
        "address",
        'is where hosts[0] "prdapp1" is reached',
    ),
    ("host without name", lambda e: e["hosts"].append({"os": "x"}), "hosts[4]", "name", "missing"),
    ("host name", lambda e: e["hosts"].append({"name": "a b"}), "hosts[4]", "name", "not possible"),
    ("reserved name", lambda e: e["hosts"].append({"name": "all"}), "hosts[4]", "name", "not possible"),
    ("unknown field", lambda e: e["hosts"][0].update(adress="x"), "hosts[0]", "adress", 'did you mean "address"'),
    ("text", lambda e: e["hosts"][0].update(owner=1.5), "hosts[0]", "owner", "in quotes"),
    ("control characters", lambda e: e["hosts"][0].update(owner="a\x00b"), "hosts[0]", "owner", "no printable"),
    ("attributes", lambda e: e["hosts"][0].update(attributes=[1]), "hosts[0]", "attributes", "no object"),
    ("no record", lambda e: e["hosts"].append("web2"), "hosts[4]", "", "no record"),
    ("two systems", lambda e: e["systems"].append({"sid": "PRD", "type": "abap"}), "systems[3]", "name", "already"),
    ("system type", lambda e: e["systems"][0].update(type="Abap"), "systems[0]", "type", 'did you mean "abap"'),
    ("no system type", lambda e: e["systems"][0].pop("type"), "systems[0]", "type", "missing"),
    ("sid", lambda e: e["systems"].append({"sid": "1AB", "type": "abap"}), "systems[3]", "sid", "three characters"),
    ("neither sid nor name", lambda e: e["systems"].append({"type": "abap"}), "systems[3]", "sid", "neither"),
    ("name is no sid", lambda e: e["systems"].append({"name": "erp", "type": "abap"}), "systems[3]", "sid", "missing"),
    (
        "maintenance",
        lambda e: e["systems"][0].update(maintenance="never"),
        "systems[0]",
        "maintenance",
        "full_stop, rolling",
    ),
    (
        "window unknown",
        lambda e: e["systems"][0].update(windows=["sundy"]),
        "systems[0]",
        "windows",
        'did you mean "sunday"',
    ),
    (
        "window is a blackout",
        lambda e: e["systems"][0].update(windows=["year end"]),
        "systems[0]",
        "windows",
        "kind blackout",
    ),
    ("jobs", lambda e: e["systems"][0].update(jobs="maybe"), "systems[0]", "jobs", "neither true nor false"),
    ("backup age", lambda e: e["systems"][0].update(backup_max_age="old"), "systems[0]", "backup_max_age", "24h"),
    ("no host", lambda e: e["instances"][0].pop("host"), "instances[0]", "host", "missing"),
    (
        "unknown host",
        lambda e: e["instances"][0].update(host="prdapp9"),
        "instances[0]",
        "host",
        "no host of this landscape",
    ),
    ("no system", lambda e: e["instances"][4].pop("system"), "instances[4]", "system", "missing"),
    ("unknown system", lambda e: e["instances"][4].update(system="XXX"), "instances[4]", "system", "no system"),
    ("other sid", lambda e: e["instances"][4].update(sid="XXX"), "instances[4]", "sid", "not the SID"),
    ("number", lambda e: e["instances"][4].update(number=8), "instances[4]", "number", "two digits"),
    ("number and name", lambda e: e["instances"][4].update(number="81"), "instances[4]", "number", "does not fit"),
    ("instance name", lambda e: e["instances"][4].update(name="w80"), "instances[4]", "name", "capital letters"),
    ("kind", lambda e: e["instances"][4].update(kind="web"), "instances[4]", "kind", "write one of hana"),
    ("no kind", lambda e: e["instances"][4].pop("kind"), "instances[4]", "kind", "missing"),
    ("tier", lambda e: e["instances"][4].update(tier="data"), "instances[4]", "tier", "web, app, db"),
    ("priority", lambda e: e["instances"][4].update(start_priority=-1), "instances[4]", "start_priority", "0.3 or 1"),
    (
        "same instance",
        lambda e: e["instances"].append(dict(e["instances"][4])),
        "instances[5]",
        "name",
        "already instances[4]",
    ),
    (
        "same number on a host",
        lambda e: e["instances"].append({"name": "J00", "system": "PRD", "host": "prdapp1", "kind": "java"}),
        "instances[5]",
        "number",
        "already the number of PRD/prdapp1/ASCS00",
    ),
    (
        "relation to nothing",
        lambda e: e["relations"].append({"source": "WD1", "target": "XXX"}),
        "relations[3]",
        "target",
        "nothing",
    ),
    (
        "relation from nothing",
        lambda e: e["relations"].append({"source": "X", "target": "PRD"}),
        "relations[3]",
        "source",
        "nothing",
    ),
    (
        "relation to a host",
        lambda e: e["relations"].append({"source": "WD1", "target": "web1"}),
        "relations[3]",
        "target",
        "is a host",
    ),
    (
        "relation to itself",
        lambda e: e["relations"].append({"source": "WD1", "target": "WD1"}),
        "relations[3]",
        "target",
        "itself",
    ),
    (
        "instance on its own system",
        lambda e: e["relations"].append({"source": "PRD/prdapp1/D01", "target": "PRD"}),
        "relations[3]",
        "target",
        "its own system",
    ),
    (
        "relation type",
        lambda e: e["relations"].append({"source": "WD1", "target": "PRD", "type": "likes"}),
        "relations[3]",
        "type",
        "unknown",
    ),
    ("relation without end", lambda e: e["relations"].append({"source": "WD1"}), "relations[3]", "target", "missing"),
    (
        "dependency of a system",
        lambda e: e["systems"][0].update(depends_on=["XX1"]),
        "systems[0]",
        "depends_on",
        "nothing",
    ),
    (
        "dependency of an instance",
        lambda e: e["instances"][0].update(depends_on=["PRD/nohost/D01"]),
        "instances[0]",
        "depends_on",
        "nothing",
    ),
    (
        "member unknown",
        lambda e: e["redundancy_groups"][0]["members"].append("ZZZ"),
        "redundancy_groups[0]",
        "members",
        "ZZZ",
    ),
    (
        "member twice",
        lambda e: e["redundancy_groups"][0].update(members=["WD1", "WD1", "PRD"]),
        "redundancy_groups[0]",
        "members",
        "twice",
    ),
    (
        "member is two things",
        lambda e: (e["hosts"].append({"name": "WD1"}), e["redundancy_groups"][0].update(members=["WD1", "PRD"])),
        "redundancy_groups[0]",
        "members",
        "two things",
    ),
    (
        "all may be out",
        lambda e: e["redundancy_groups"][0].update(max_unavailable=2),
        "redundancy_groups[0]",
        "max_unavailable",
        "nothing would be left",
    ),
    (
        "none may be out",
        lambda e: e["redundancy_groups"][0].update(max_unavailable=0),
        "redundancy_groups[0]",
        "max_unavailable",
        "forbids",
    ),
    (
        "time zone",
        lambda e: e["calendars"][0].update(timezone="Europe/Wuppertal"),
        "calendars[0]",
        "timezone",
        "no time zone",
    ),
    ("no time zone", lambda e: e["calendars"][0].pop("timezone"), "calendars[0]", "timezone", "missing"),
    ("calendar kind", lambda e: e["calendars"][0].update(kind="open"), "calendars[0]", "kind", "window, blackout"),
    ("two calendars", lambda e: e["calendars"].append(dict(e["calendars"][0])), "calendars[2]", "name", "already"),
    ("no entries", lambda e: e["calendars"][0].update(entries=[]), "calendars[0]", "entries", "none"),
    (
        "ends before it starts",
        lambda e: e["calendars"][1]["entries"][0].update(end="2026-12-19T00:00"),
        "calendars[1]",
        "end",
        "before it starts",
    ),
]


@pytest.mark.parametrize(("claim", "change", "place", "field", "words"), TABLE, ids=[row[0] for row in TABLE])
def test_defect(export: dict[str, Any], claim: str, change: Change, place: str, field: str, words: str) -> None:
    change(export)
    found = defects(export)
    assert len(found) == 1, claim
    assert found[0].record.startswith(place)
    assert found[0].field == field
    assert words in str(found[0])
    assert found[0].remedy


def test_values_that_would_fall_into_one_group(export: dict[str, Any]) -> None:
    export["hosts"][0]["patch_group"] = "A 1"
    export["hosts"][1]["patch_group"] = "A-1"
    (found,) = defects(export)
    assert '"A 1" and "A-1"' in found.problem
    assert found.field == "patch_group"


def test_an_empty_source_is_no_landscape() -> None:
    (found,) = defects({"hosts": []})
    assert "no host" in found.problem


def test_all_defects_at_once_each_only_once(export: dict[str, Any]) -> None:
    """A broken host does not make defects of all that stands on it."""
    export["hosts"][0]["os"] = []
    export["hosts"][1]["name"] = "prd app 2"
    export["systems"][1]["type"] = "maxdb"
    export["relations"].append({"source": "WD1", "target": "NIX"})
    export["redundancy_groups"][0]["members"].append("prd app 2")
    found = defects(export)
    assert [(defect.record.split()[0], defect.field) for defect in found] == [
        ("hosts[0]", "os"),
        ("hosts[1]", "name"),
        ("systems[1]", "type"),
        ("instances[2]", "host"),
        ("relations[3]", "target"),
    ]


def test_message_lists_every_defect(export: dict[str, Any]) -> None:
    for number in range(300):
        export["relations"].append({"source": "WD1", "target": f"X{number:02d}"})
    with pytest.raises(_cmdb.LandscapeDefects, match="300 defects") as caught:
        _cmdb.load_document(export, name="export.json")
    assert "export.json" in str(caught.value)
    assert all(f'"X{number:02d}"' in str(caught.value) for number in range(300))
