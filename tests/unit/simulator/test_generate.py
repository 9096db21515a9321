# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated landscapes."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.simulator.generate import TooFew, generate, main
from tests.simulator.landscape import check
from tests.simulator.launch import ROOT


@pytest.mark.parametrize(("systems", "hosts"), [(4, 8), (5, 9), (6, 12), (12, 40), (40, 200), (41, 200), (300, 1500)])
def test_a_landscape_has_the_size_that_was_asked_for(systems: int, hosts: int) -> None:
    export = check(generate(systems, hosts))
    assert (len(export["systems"]), len(export["hosts"])) == (systems, hosts)
    assert {row["host"] for row in export["instances"]} == {row["name"] for row in export["hosts"]}
    assert len({row["address"] for row in export["hosts"]}) == hosts
    names = {row["name"] for row in export["systems"]}
    assert all(row["source"] in names and row["target"] in names for row in export["relations"])


def test_one_database_serves_two_systems_and_a_pair_is_redundant() -> None:
    export = generate(12, 40)
    kinds = {row["name"]: row["type"] for row in export["systems"]}
    served = Counter(row["target"] for row in export["relations"] if kinds[row["target"]] == "hana")
    assert max(served.values()) == 2
    assert [kinds[name] for name in export["redundancy_groups"][0]["members"]] == ["webdisp", "webdisp"]
    assert set(kinds.values()) == {"abap", "java", "webdisp", "hana"}


def test_the_demonstration_is_what_the_generator_makes() -> None:
    committed = json.loads((ROOT / "inventories" / "demo" / "landscape.json").read_text())
    assert committed == json.loads(json.dumps(generate(12, 40)))


def test_the_faults_of_the_demonstration_name_instances_that_exist() -> None:
    names = {f"{row['system']}/{row['host']}/{row['name']}" for row in generate(12, 40)["instances"]}
    faults = json.loads((ROOT / "inventories" / "demo" / "faults.json").read_text())
    assert [row["name"] for row in faults] == ["fails_to_stop"]
    assert {row["instance"] for row in faults} <= names


def test_windows_are_optional() -> None:
    assert generate(12, 40)["calendars"] == []
    export = generate(12, 40, windows=True)
    known = {row["name"] for row in export["calendars"]}
    assert all(set(row["windows"]) | set(row["blackouts"]) <= known for row in export["systems"])


def test_too_few_hosts_name_the_least_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TooFew, match="need at least"):
        generate(12, 5)
    assert main(["--systems", "12", "--hosts", "5"]) == 2
    assert "need at least" in capsys.readouterr().err
