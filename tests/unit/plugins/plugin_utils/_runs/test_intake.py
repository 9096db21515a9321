# SPDX-License-Identifier: GPL-3.0-or-later
"""What the run database makes of a plan, what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, Store, StoreError, intake
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from tests.property import plans


def one_host(**more: Any) -> dict[str, Any]:
    """A plan of one host with one step."""
    return plans.plan([plans.group("PRD", ["web"])], {"web": [plans.step("patch", system="PRD")]}, **more)


def test_a_host_without_a_group_is_refused() -> None:
    plan = one_host()
    plan["hosts"].append("lost")
    with pytest.raises(StoreError, match=r"^The plan puts lost into no group\.$"):
        intake.rows("r1", plan)


def test_a_step_that_is_there_twice_is_refused() -> None:
    plan = one_host()
    plan["steps"]["web"] *= 2
    with pytest.raises(StoreError, match=r"^The plan has step patch twice on web\.$"):
        intake.rows("r1", plan)


@pytest.mark.parametrize("needed", [("web", "fly"), ("app", "patch")])
def test_a_step_that_waits_for_what_the_plan_lacks_is_refused(needed: tuple[str, str]) -> None:
    plan = one_host()
    plan["steps"]["web"][0]["needs"] = [list(needed)]
    with pytest.raises(StoreError, match=f"^The plan lets patch on web wait for {needed[1]} on {needed[0]}, which it"):
        intake.rows("r1", plan)


@pytest.mark.parametrize("who", ["PRD", "web"])
def test_a_place_of_what_the_plan_does_not_have_is_refused(who: str) -> None:
    plan = one_host(host_needs={"web": ["red:x"]} if who == "web" else {})
    if who == "PRD":
        plan["groups"][0]["needs"] = {"red:x": 1}
    with pytest.raises(StoreError, match=f"^The plan lets {who} take a place of red:x, which is none of its resources"):
        intake.rows("r1", plan)


def test_a_plan_that_is_refused_leaves_nothing_in_the_database(store: Store) -> None:
    plan = one_host()
    plan["steps"]["web"] *= 2
    with pytest.raises(StoreError, match="twice on web"):
        store.create("r1", plan, procedure="patch", code_hash="c", params={}, created_by="tester")
    assert store.runs() == []
    store.create("r1", one_host(), procedure="patch", code_hash="c", params={}, created_by="tester")


def test_a_batch_is_the_runs_own_and_everything_else_is_counted_over_all_runs() -> None:
    rows = intake.rows("r1", one_host(resources={"batch": 3, "red:x": 0, "red:y": None}))
    assert rows.resources == {"batch@r1": 3, "red:x": 0, "red:y": None}


def test_a_batch_of_no_size_has_no_limit() -> None:
    assert intake.rows("r1", one_host(resources={"batch": 0})).resources == {"batch@r1": None}


def test_a_group_that_is_larger_than_the_batch_takes_all_of_it() -> None:
    plan = one_host(resources={"batch": 2, "red:x": 2})
    plan["groups"][0]["needs"] = {"batch": 5, "red:x": 5}
    needs = {row["resource"]: row["weight"] for row in intake.rows("r1", plan).of(t.need)}
    assert needs == {"batch@r1": 2, "red:x": 5}, "of a redundancy group it would take too much, and never be admitted"


def test_a_host_takes_only_what_its_group_has_not_taken_for_it() -> None:
    plan = one_host(resources={"red:x": 2, "red:y": 1}, host_needs={"web": ["red:y", "red:x", "red:x"]})
    plan["groups"][0]["needs"] = {"red:x": 1}
    needs = [tuple(row.values())[1:] for row in intake.rows("r1", plan).of(t.need)]
    assert needs == [("group", "PRD", "red:x", 1), ("member", "web", "red:x", 0), ("host", "web", "red:y", 1)]


def test_a_step_that_is_left_out_on_request_is_skipped_from_the_start() -> None:
    rows = {
        row["step"]: row
        for row in intake.rows(
            "r1", plans.plan([plans.group("PRD", ["web"])], {"web": plans.walk("web")}, skip_steps=["patch"])
        ).of(t.step)
    }
    assert (rows["patch"]["state"], rows["patch"]["message"]) == ("skipped", "left out on request (skip_steps)")
    assert {row["state"] for name, row in rows.items() if name != "patch"} == {"pending"}
    assert [row["seq"] for row in rows.values()] == list(range(6))


def test_a_need_that_is_said_twice_is_one() -> None:
    plan = plans.plan(
        [plans.group("PRD", ["web"])],
        {"web": [plans.step("stop"), plans.step("patch", needs=[("web", "stop"), ("web", "stop")])]},
    )
    assert len(intake.rows("r1", plan).of(t.dep)) == 1


def test_the_tier_of_a_host_is_the_one_it_is_known_for() -> None:
    walks = {host: [plans.step("patch", tier=tier)] for host, tier in (("a", "db"), ("b", "app"), ("c", None))}
    plan = plans.plan(
        [plans.group("PRD", list(walks))], walks, facts={"a": {"tier": "central", "environment": "prd"}, "b": None}
    )
    found = {row["ci"]: (row["tier"], row["environment"]) for row in intake.rows("r1", plan).of(t.run_ci)}
    assert found == {"a": ("central", "prd"), "b": ("app", None), "c": (None, None)}


def test_a_window_is_kept_in_seconds_and_a_group_without_one_has_none() -> None:
    window = {"opens": "2026-11-22T20:00:00+01:00", "closes": "2026-11-22T21:00:00Z", "source": "night"}
    walks = {"a": [plans.step("patch")], "b": [plans.step("patch")]}
    plan = plans.plan([plans.group("A", ["a"], window=window), plans.group("B", ["b"])], walks)
    first, second = intake.rows("r1", plan).of(t.run_group)
    assert first["closes"] - first["opens"] == 7200.0 and first["source"] == "night"
    assert (second["opens"], second["closes"], second["source"]) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), (0, 0), (12.5, 12.5), ("1970-01-01T01:00:00+01:00", 0.0), ("1970-01-01T00:00:01Z", 1.0)],
)
def test_an_instant_is_seconds_of_utc(value: str | float | None, seconds: float | None) -> None:
    assert intake.instant(value) == seconds


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(StoreError, match=r"^The plan has a time without zone: 2026-11-22T20:00:00\.$"):
        intake.instant("2026-11-22T20:00:00")


def test_a_budget_is_kept_as_it_was_and_an_empty_one_is_none() -> None:
    assert json.loads(intake.rows("r1", one_host(failure_budget={"hosts": 2})).budget or "") == {"hosts": 2}
    assert intake.rows("r1", one_host(failure_budget={})).budget is None
    assert intake.rows("r1", one_host()).budget is None


def test_a_run_has_its_hosts_and_their_systems_for_itself() -> None:
    plan = plans.plan(
        [plans.group("PRD", ["b", "a"])],
        {
            "b": [plans.step("stop", system="PRD"), plans.step("patch", instance="HDB/b/HDB00")],
            "a": [plans.step("stop", system="PRD", instance="QAS/a/D00")],
        },
    )
    assert intake.claims_of(plan, ["b", "a"]) == [("host", "a"), ("host", "b"), ("system", "HDB"), ("system", "PRD")]
    assert intake.claims_of(plan, ["a"]) == [("host", "a"), ("system", "PRD")], "of the hosts that are not finished"
    assert intake.systems_of(plan, ["unknown"]) == set()


def test_a_run_that_disturbs_nothing_keeps_only_others_of_its_sort_away() -> None:
    plan = plans.plan([plans.group("PRD", ["a"])], {"a": [plans.step("backup", system="PRD")]})
    assert intake.claims_of(plan, ["a"]) == [("backup", "a")]
    plan["steps"]["a"].append(plans.step("stop", system="PRD"))
    assert intake.claims_of(plan, ["a"]) == [("host", "a"), ("system", "PRD")]


def resources(store: Store) -> dict[str, int | None]:
    with store._reading() as tx:
        return {row.name: row.capacity for row in tx.all(sa.select(t.resource))}


def test_what_another_run_said_of_a_resource_before_is_no_longer_true(store: Store) -> None:
    for capacity in (1, None, 4):
        rows = intake.rows("r1", one_host(resources={"red:x": capacity}))
        with store._writing() as tx:
            tx.insert(t.resource, [{"name": f"other{capacity}", "capacity": 9}])
            intake.write_resources(tx, rows)
        assert resources(store)["red:x"] == capacity
    assert resources(store)["other1"] == 9


def test_who_was_found_down_takes_the_place_of_who_was_before(store: Store) -> None:
    rows = intake.rows("r1", one_host(resources={"red:x": 3}))

    def found(out: dict[str, list[str]], down: dict[str, dict[str, int]]) -> set[tuple[str, str, str, int]]:
        with store._writing() as tx:
            intake.write_found_down(tx, "r1", rows, out, down)
            return {(row.resource, row.kind, row.holder, row.weight) for row in tx.all(sa.select(t.hold))}

    with store._writing() as tx:
        place = {"resource": "red:x", "weight": 1, "epoch": 1, "since": 0.0, "holder": "PRD"}
        tx.insert(t.hold, [{**place, "run_id": "r1", "kind": "group"}, {**place, "run_id": "r2", "kind": "outside"}])
    others = {("red:x", "group", "PRD", 1), ("red:x", "outside", "PRD", 1)}
    first = found({"red:x": ["m1", "m2"], "red:unknown": ["m3"]}, {"red:x": {"PRD": 2}})
    assert first == others | {
        ("red:x", "outside", "m1", 1),
        ("red:x", "outside", "m2", 1),
        ("red:x", "down", "PRD", 2),
    }, "what is none of the plan's resources is not counted"
    assert found({}, {}) == others


HIDDEN = "(not recorded)"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "hana_passwd", "ANSIBLE_BECOME_PASSWORD", "client_secret", "sessionToken", "credentials"),
        *("ssh_private_key", "apikey", "api_key", "ansible_become_pass", "ansible_ssh_pass", "pass", "pse_passphrase"),
    ],
)
def test_what_is_named_like_a_secret_is_not_recorded(name: str) -> None:
    assert intake.without_secrets({"a": [{name: "s3cret"}, (1, {name: {"x": "s3cret"}})]}) == {
        "a": [{name: HIDDEN}, [1, {name: HIDDEN}]]
    }


@pytest.mark.parametrize("name", ["passed", "bypass", "passive", "compass_rose", "passengers", "key", "tier"])
def test_other_names_stay(name: str) -> None:
    assert intake.without_secrets({name: 7}) == {name: 7}


def test_a_secret_that_is_not_set_is_no_secret() -> None:
    assert intake.without_secrets({"password": "", "token": None, "secret": []}) == {
        "password": "",
        "token": None,
        "secret": [],
    }
    assert intake.without_secrets({7: "x", "n": None}) == {"7": "x", "n": None}


def test_no_secret_of_a_parameter_or_a_result_reaches_the_database(store: Store) -> None:
    params = {"awx": {"ansible_become_pass": "s3cret", "id": 7}}
    store.create("r1", one_host(), procedure="patch", code_hash="c", params=params, created_by="tester")
    epoch = store.take("r1", Owner.current())
    attempt = store.claim("r1", "web", "patch", epoch).attempt
    store.end("r1", "web", "patch", epoch, attempt, result={"login": {"passphrase": "s3cret"}, "packages": ["p"]})
    assert store.run("r1")["params"] == {"awx": {"ansible_become_pass": HIDDEN, "id": 7}}
    assert store.steps("r1")[0]["result"] == {"login": {"passphrase": HIDDEN}, "packages": ["p"]}
