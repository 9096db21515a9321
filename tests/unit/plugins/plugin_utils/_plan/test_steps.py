# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about who leads a system and which tier a host belongs to."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.landscape import normalized
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import (
    host_tier,
    leader_of,
    leaders_of_jobs,
    resting_systems,
)
from tests.unit.plugins.plugin_utils._plan.landscapes import Builder, names


@pytest.mark.parametrize(
    ("kinds", "leader"),
    [
        ({"a": "ascs", "b": "dialog", "c": "dialog"}, "b"),
        ({"a": "ers", "b": "ascs"}, "b"),
        ({"a": "scs", "b": "java"}, "b"),
        ({"a": "webdisp", "b": "hana"}, "b"),
    ],
)
def test_the_first_application_instance_leads(kinds: dict[str, str], leader: str) -> None:
    build = Builder().system("PRD")
    for host, kind in kinds.items():
        build.instance("PRD", host, "X00", kind)
    data = normalized(build.data, Conditions())
    assert leader_of(data, data["instances"]) == leader


@pytest.mark.parametrize(
    ("kinds", "tier"), [(["webdisp"], "web"), (["webdisp", "dialog"], "app"), (["dialog", "hana"], "db"), ([], None)]
)
def test_the_lowest_tier_is_the_hosts(kinds: list[str], tier: str | None) -> None:
    build = Builder().system("PRD")
    for number, kind in enumerate(kinds):
        build.instance("PRD", "one", f"X{number:02d}", kind)
    data = normalized(build.data, Conditions())
    assert host_tier(data, data["instances"]) == tier


SERVERS = {"app1": "dialog", "app2": "dialog", "cs": "ascs", "db": "hana", "web": "webdisp"}


@pytest.mark.parametrize(
    ("procedure", "inside", "leader"),
    [
        ("patch", ["app1", "app2", "cs", "db"], "app1"),
        ("patch", ["app2"], "app2"),
        ("patch", ["cs", "db"], None),  # nobody there answers
        ("stop", ["app1", "app2"], "app1"),
        ("stop", ["app2", "cs"], "app2"),  # without central services nothing goes on
        ("stop", ["app2"], None),  # the system goes on, its jobs with it
        ("start", ["cs", "db"], None),
        ("start", ["app2"], "app2"),
        ("patch", ["web"], None),
    ],
)
def test_jobs_rest_where_a_dialog_instance_is_there_to_be_asked(
    procedure: str, inside: list[str], leader: str | None
) -> None:
    build = Builder().system("PRD")
    for host, kind in SERVERS.items():
        build.instance("PRD", host, "X00", kind)
    data = normalized(build.data, Conditions())
    of_system = {"PRD": [f"PRD/{host}/X00" for host in inside]}
    assert leaders_of_jobs(data, of_system, frozenset(), procedure).get("PRD") == leader
    assert resting_systems(data, of_system, frozenset()) == ([] if inside == ["web"] else ["PRD"])


def test_two_systems_on_one_leader() -> None:
    build = Builder().system("AAA").system("BBB").instance("AAA", "one", "D00").instance("BBB", "one", "D01")
    plan = build.plan()
    assert names(plan, "one") == [
        "admit",
        "silence",
        "suspend_jobs:AAA",
        "suspend_jobs:BBB",
        "stop:BBB/one/D01",
        "stop:AAA/one/D00",
        "patch",
        "reboot",
        "start:AAA/one/D00",
        "start:BBB/one/D01",
        "verify",
        "release_jobs:AAA",
        "release_jobs:BBB",
        "unsilence",
    ]
    assert plan["steps"]["one"][5]["label"] == "AAA/one/D00/stop"
    assert plan["steps"]["one"][6]["label"] == "AAA+BBB/one/-/patch"
