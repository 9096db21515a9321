# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's report says of every host."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, RunNotFound, Store, report
from tests.property import plans


class Clock:
    """A clock that the test puts forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """A run whose every step takes as long as the test says."""

    def __init__(self, store: Store, plan: dict[str, Any]) -> None:
        self.clock = Clock()
        self.store = Store(store.engine, clock=self.clock)
        whole = {**plan, "lower_bound": 60.0, "makespan": 70.0}
        self.store.create("r1", whole, procedure="patch", code_hash="c", params={}, created_by="tester")
        self.epoch = self.store.take("r1", Owner.current())

    def begin(self, host: str, step: str) -> int:
        verdict = self.store.claim("r1", host, step, self.epoch)
        assert verdict.kind == "go", verdict
        return verdict.attempt

    def do(self, host: str, *steps: str, seconds: float = 10.0, **more: Any) -> None:
        for step in steps:
            attempt = self.begin(host, step)
            self.clock.now += seconds
            self.store.end("r1", host, step, self.epoch, attempt, **more)

    def told(self) -> dict[str, Any]:
        return report.gather(self.store, "r1")

    def host(self, name: str) -> dict[str, Any]:
        return dict(self.told()["hosts"][name])


STOP, START = "stop:PRD/web/I", "start:PRD/web/I"


@pytest.fixture
def site(store: Store) -> Site:
    return Site(store, plans.plan([plans.group("PRD", ["web"])], {"web": plans.walk("web")}))


def of(store: Store, *steps: dict[str, Any]) -> Site:
    """A run of one host that walks ``steps``."""
    return Site(store, plans.plan([plans.group("PRD", ["web"])], {"web": list(steps)}))


def test_a_run_that_nobody_knows_has_no_report(store: Store) -> None:
    with pytest.raises(RunNotFound, match="r2"):
        report.gather(store, "r2")


def test_before_its_first_step_a_run_took_no_time(site: Site) -> None:
    told = site.told()
    assert (told["makespan"], told["predicted"], told["lower_bound"]) == (0.0, 70.0, 60.0)
    assert told["counts"] == {**dict.fromkeys(("done", *report.ENDS_BADLY, "running"), 0), "pending": 1}
    host = told["hosts"]["web"]
    assert (host["state"], host["step"], host["why"], host["downtime"]) == ("pending", "T/admit", "", None)
    assert told["record"] == "complete and unchanged" and told["revisions"] == []


def test_downtime_is_from_the_first_stop_to_the_last_start(site: Site) -> None:
    site.do("web", "admit")
    site.do("web", STOP, "patch", seconds=100.0)
    assert site.host("web")["downtime"] is None, "it is down"
    site.do("web", START, seconds=50.0)
    assert site.host("web")["downtime"] == 250.0
    site.do("web", "verify", "unsilence")
    told = site.told()
    assert told["hosts"]["web"]["downtime"] == 250.0 and told["makespan"] == 280.0
    assert (told["hosts"]["web"]["state"], told["hosts"]["web"]["step"], told["counts"]["done"]) == ("done", None, 1)


def test_downtime_of_two_instances_ends_when_both_are_up(store: Store) -> None:
    names = ("stop:1", "stop:2", "start:2", "start:1")
    site = of(store, plans.step("admit"), *(plans.step(name.partition(":")[0], name) for name in names))
    site.do("web", "admit", *names[:3])
    assert site.host("web")["downtime"] is None
    site.do("web", names[3])
    assert site.host("web")["downtime"] == 40.0


def test_a_start_that_failed_leaves_no_downtime_that_anybody_could_tell(site: Site) -> None:
    site.do("web", "admit", STOP, "patch")
    site.do("web", START, state="failed", message="no licence")
    host = site.host("web")
    assert (host["state"], host["step"], host["why"], host["downtime"]) == (
        "failed",
        "T/start:PRD/web/I",
        "no licence",
        None,
    )
    assert [row["state"] for row in host["steps"]] == ["done", "done", "done", "failed", "pending", "pending"]


def test_who_waits_for_one_that_failed_says_for_whom(store: Store) -> None:
    site = Site(store, plans.three_tiers())
    for host in ("web", "app"):
        site.do(host, "admit")
    site.do("web", STOP, state="failed")
    assert site.store.claim("r1", "app", "stop:PRD/app/I", site.epoch).kind == "blocked"
    told = site.told()
    assert told["hosts"]["app"]["state"] == "blocked" and "web" in told["hosts"]["app"]["why"]
    assert (told["counts"]["failed"], told["counts"]["blocked"], told["counts"]["pending"]) == (1, 1, 1)
    assert list(told["hosts"]) == ["web", "app", "db"]


def test_a_host_that_runs_is_named_by_its_step(site: Site) -> None:
    site.do("web", "admit")
    site.begin("web", STOP)
    host = site.host("web")
    assert (host["state"], host["step"]) == ("running", "T/stop:PRD/web/I")


def test_a_host_whose_every_step_is_left_out_is_through(store: Store) -> None:
    plan = plans.plan([plans.group("PRD", ["web"])], {"web": [plans.step("patch")]}, skip_steps=["patch"])
    told = Site(store, plan).told()
    assert (told["hosts"]["web"]["state"], told["counts"]["done"], told["makespan"]) == ("done", 1, 0.0)


def test_a_patch_says_its_packages_and_a_reboot_whether_it_was_one(store: Store) -> None:
    site = of(store, plans.step("admit"), plans.step("patch"), plans.step("reboot"))
    site.do("web", "admit")
    assert (site.host("web")["packages"], site.host("web")["rebooted"]) == ([], False)
    site.do("web", "patch", result={"packages": ["kernel"]})
    site.do("web", "reboot", result={"rebooted": True}, state="failed")
    assert (site.host("web")["packages"], site.host("web")["rebooted"]) == (["kernel"], False), "it did not come back"


@pytest.mark.parametrize(("result", "rebooted"), [(None, False), ({}, False), ({"rebooted": True}, True)])
def test_a_reboot_counts_when_it_was_one(store: Store, result: dict[str, Any] | None, rebooted: bool) -> None:
    site = of(store, plans.step("admit"), plans.step("reboot"))
    site.do("web", "admit")
    site.do("web", "reboot", result=result)
    assert site.host("web")["rebooted"] is rebooted


def test_jobs_are_counted_by_system_where_a_number_was_said(store: Store) -> None:
    def step(kind: str, name: str) -> dict[str, Any]:
        return {**plans.step(kind, f"{kind}:{name}", system=name), "label": f"{name[:3]}/web/-/{kind}"}

    kinds = [("suspend_jobs", "PRD1"), ("suspend_jobs", "QAS1"), ("suspend_jobs", "DEV1"), ("release_jobs", "PRD1")]
    site = of(store, plans.step("admit"), *(step(*kind) for kind in kinds))
    site.do("web", "admit")
    site.do("web", "suspend_jobs:PRD1", result={"jobs": 0})
    site.do("web", "suspend_jobs:QAS1", result={"jobs": "some"})
    site.do("web", "suspend_jobs:DEV1")
    assert site.host("web")["jobs"] == [{"sid": "PRD", "held": {"jobs": 0, "at": 1020.0}, "given": None}]
    site.do("web", "release_jobs:PRD1", result={"jobs": 3})
    assert site.host("web")["jobs"] == [
        {"sid": "PRD", "held": {"jobs": 0, "at": 1020.0}, "given": {"jobs": 3, "at": 1050.0}}
    ]


def test_backups_of_every_kind_are_told_by_database(store: Store) -> None:
    site = of(store, plans.step("admit"), plans.step("backup"), plans.step("clean_backups"))
    site.do("web", "admit")
    made = {"kind": "full", "id": 7, "state": "successful", "seconds": 5, "bytes": 100}
    site.do("web", "backup", result={"backups": {"PRD": made, "DEV": made}, "left_out": {"QAS": "has one of today"}})
    old = {"data": [1, 2], "logs": {"count": 9}, "why": "older than 28 days", "bytes": {"data": 10, "log": 1}}
    site.do("web", "clean_backups", result={"removed": {"PRD": old}})
    found = site.host("web")["backups"]
    assert [(row["database"], row["what"], row["state"], row["seconds"], row["bytes"]) for row in found] == [
        ("DEV", "full backup 7", "successful", 5, 100),
        ("PRD", "full backup 7", "successful", 5, 100),
        ("QAS", "left out", "has one of today", None, 0),
        ("PRD", "2 data and 9 log backups removed", "older than 28 days", None, 11),
    ]


def test_a_record_that_was_changed_says_so_in_its_report(site: Site) -> None:
    site.do("web", "admit")
    with site.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE event SET actor = 'somebody else' WHERE n = 2")
    assert site.told()["record"] == "event 2 of run r1 was changed after it was written"
