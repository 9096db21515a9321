# SPDX-License-Identifier: GPL-3.0-or-later
"""Order, parallelism, failure release, deferral: told by the simulator's journal, not by our own log."""

from __future__ import annotations

import functools
import json

import pytest

from tests.integration.runs.conftest import CHAIN, INSTANCE, Site


def test_a_run_that_nothing_disturbs(site: Site) -> None:
    outcome = site.play(run_name="r1")
    assert outcome.code == 0, outcome.output
    assert site.state() == "succeeded" and site.everything_is_up()
    stopped = [host for _other, host in site.effects("stopped") if host in CHAIN]
    started = [host for _other, host in site.effects("started") if host in CHAIN]
    assert stopped == ["web", "app", "db"]
    assert started == ["db", "app", "web"]
    for effect in ("stopped", "patched", "rebooted" if site.effects("rebooted") else "host_up", "started"):
        assert sorted(host for _other, host in site.effects(effect)) == sorted(INSTANCE), effect
    order = site.effects("stopped", "patched", "host_up", "started")
    for host in INSTANCE:
        assert [effect for effect, name in order if name == host] == ["stopped", "patched", "host_up", "started"]
    # in parallel: the web server is patched while the database still runs or stops
    assert order.index(("stopped", "web")) < order.index(("patched", "web"))
    assert order.index(("stopped", "db")) < max(order.index(("host_up", host)) for host in ("web", "app"))
    # one of the pair at a time
    pair = [(effect, host) for effect, host in order if host.startswith("pair")]
    first = pair[0][1]
    assert [host for _other, host in pair] == [first] * 4 + [host for host in ("pair1", "pair2") if host != first] * 4
    report = json.loads((site.folder / "state" / "reports" / "r1.json").read_text())
    assert (
        report["counts"]["done"] == 5 and report["left_undone"] == [] and report["record"] == "complete and unchanged"
    )
    assert all(host["packages"] and host["downtime"] > 0 for host in report["hosts"].values())
    assert set(_changed(site, "r1")) == {(kind, True) for kind in ("stop", "patch", "reboot", "start")}
    html = (site.folder / "state" / "reports" / "r1.html").read_text()
    assert "<svg" in html and "src=" not in html and "http-equiv" in html


def test_a_stop_is_soft_unless_somebody_says_otherwise(site: Site) -> None:
    given = {"landscape_hosts": "web", "sap_stop_timeouts": None}
    down = site.play(playbook="stop_landscape", run_name="down", sap_stop_soft_timeout=None, **given)
    assert down.code == 0, down.output
    told = [row["detail"] for row in site.simulator.journal() if row.get("effect") == "stopping"]
    assert told == ["softtimeout 300"]


def test_a_warning_is_shown_with_its_step_and_once_more_with_all_hosts(site: Site) -> None:
    outcome = site.play(run_name="r1", landscape_hosts="web,pair1", os_patch_locked=["unknown-*"])
    assert outcome.code == 0, outcome.output
    text = "warning: locked, but no installed package has such a name: unknown-*"
    said = [line.split(" ", 1)[1] for line in outcome.output.splitlines() if text in line]
    first, second = ("web", "pair1") if "/web/" in said[0] else ("pair1", "web")
    assert said[0].endswith(f"/{first}/-/patch: {text}")
    assert said[1:] == [f"2 hosts: {text} ({first}, {second})"]


def test_a_host_that_fails_releases_its_waiters_at_once_and_the_others_finish(site: Site) -> None:
    site.simulator.fault("fails_to_stop", instance=INSTANCE["app"])
    outcome = site.play(run_name="r1")
    assert outcome.code == 2
    states = site.states()
    assert states["app"]["stop:PRD/app/D01"] == "failed"
    assert states["db"]["stop:HDP/db/HDB00"] == "blocked"
    assert site.state() == "partial"
    assert "PRD/app/D01" in outcome.output and "blocked" in outcome.output
    assert ("stopping", "db") not in site.effects() and ("patched", "db") not in site.effects()
    for host in ("pair1", "pair2"):
        assert set(states[host].values()) <= {"done", "skipped"}
    with site.store() as store:
        failed, blocked = (
            next(s for s in store.steps("r1") if s["ci"] == ci and s["state"] == state)
            for ci, state in (("app", "failed"), ("db", "blocked"))
        )
    assert "app" in blocked["message"] + str(blocked["blocked_by"])
    assert "One or more items failed" not in failed["message"]
    page = (site.folder / "state" / "reports" / "r1.html").read_text(encoding="utf-8")
    assert ">blocked by app<" in page, "the cause stands in its own row, not in each that it blocks"

    site.simulator.clear()
    again = site.play(run="r1")
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up()
    for host in INSTANCE:
        assert site.effects("patched").count(("patched", host)) == 1


def test_steps_that_tags_leave_out_are_recorded_as_such_and_the_others_are_walked(site: Site) -> None:
    outcome = site.play("--skip-tags", "patch,reboot", run_name="r1", landscape_hosts=",".join(CHAIN))
    assert outcome.code == 0, outcome.output
    with site.store() as store:
        steps = {(step["ci"], step["kind"]): step for step in store.steps("r1")}
    for host in CHAIN:
        for kind in ("admit", "stop", "start", "verify"):
            assert steps[host, kind]["state"] == "done", steps[host, kind]
        for kind in ("patch", "reboot"):
            assert steps[host, kind]["state"] == "skipped", steps[host, kind]
            assert steps[host, kind]["message"] == "left out on request (skip_steps)"
    assert not site.effects("patching", "patched", "reboot_requested")
    assert [host for _other, host in site.effects("stopped")] == ["web", "app", "db"]
    assert [host for _other, host in site.effects("started")] == ["db", "app", "web"]
    assert site.state() == "succeeded" and site.everything_is_up()

    alone = site.play("--tags", "patch,verify", run_name="r2", landscape_hosts=",".join(CHAIN))
    assert alone.code == 0, alone.output
    for steps_of_host in site.states("r2").values():
        done = {step for step, state in steps_of_host.items() if state == "done"}
        assert done == {"admit", "patch", "verify"}, steps_of_host
        assert set(steps_of_host.values()) == {"done", "skipped"}
    assert sorted(host for _other, host in site.effects("patched")) == sorted(CHAIN)
    assert (
        len(site.effects("stopped")) == 3 and not site.effects("reboot_requested") and site.state("r2") == "succeeded"
    )


def test_a_member_that_fails_defers_the_other_one(site: Site) -> None:
    site.simulator.fault("red_on_start", instance=INSTANCE["pair1"])
    site.simulator.fault("red_on_start", instance=INSTANCE["pair2"])
    outcome = site.play(run_name="r1", landscape_hosts="pair1,pair2")
    assert outcome.code == 2
    states = site.states()
    failed = next(host for host in states if "failed" in states[host].values())
    other = {"pair1": "pair2", "pair2": "pair1"}[failed]
    assert states[other]["admit"] == "deferred", states
    assert not [host for effect, host in site.effects("stopping", "patched") if host == other]


AWAY = """---
- name: Tell web, which may be away
  ansible.builtin.raw: "true"
  delegate_to: web
  ignore_unreachable: {ignored}
  register: told
- name: See that it is away
  ansible.builtin.assert:
    that: told is unreachable
"""


@pytest.mark.parametrize("ignored", [True, False])
def test_a_task_of_the_site_may_ignore_who_cannot_be_reached(site: Site, ignored: bool) -> None:
    site.simulator.fault("host_unreachable", host="web")
    tasks = {step: str(site.folder / "away.yml") for step in ("silence", "unsilence")}
    (site.folder / "away.yml").write_text(AWAY.format(ignored=ignored), encoding="utf-8")
    outcome = site.play(run_name="r1", landscape_hosts="pair1", landscape_step_tasks=tasks, ansible_simulated_timeout=2)
    states = site.states()["pair1"]
    if ignored:
        assert outcome.code == 0, outcome.output
        assert set(states.values()) <= {"done", "skipped"} and states["unsilence"] == "done", states
        assert site.state() == "succeeded"
    else:
        assert outcome.code in (2, 4), outcome.output
        assert states["silence"] == "unknown" and states["stop:WP1/pair1/W21"] == "pending", states
        assert "WP1/pair1/-/silence unreachable: " in outcome.output and site.state() == "partial"


@pytest.mark.parametrize(
    ("procedure", "fault", "lost", "said"),
    [
        ("patch", "host_unreachable", "db", "admit unreachable: "),
        ("patch", "host_unreachable", "app", "admit unreachable: "),
        ("patch", "sapstartsrv_down", "db", "Could not admit db: HDP/db/HDB00 asked: "),
        ("stop", "host_unreachable", "db", "admit unreachable: "),
    ],
)
def test_nothing_goes_down_when_what_goes_with_it_cannot_come(
    site: Site, procedure: str, fault: str, lost: str, said: str
) -> None:
    site.simulator.fault(fault, host=lost)
    play = functools.partial(site.play, playbook=f"{procedure}_landscape", landscape_hosts="web,app,db,pair1")
    outcome = play(run_name="r1")
    assert outcome.code in (2, 4), outcome.output
    assert not [host for effect, host in site.effects() if host in CHAIN], "web and app would be down in vain"
    states = site.states()
    assert states[lost]["admit"] == ("unknown" if fault == "host_unreachable" else "failed"), states[lost]
    for host in set(CHAIN) - {lost}:
        assert "blocked" in states[host].values() or states[host]["admit"] == "deferred", states[host]
    assert set(states["pair1"].values()) <= {"done", "skipped"}, "who has nothing to do with it goes on"
    assert said in " ".join(outcome.output.split()), outcome.output

    site.simulator.clear()
    again = play(run="r1")
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up() is (procedure == "patch")


def test_nothing_goes_down_when_nobody_can_tell_what_the_cluster_of_the_database_does(site: Site) -> None:
    path = site.folder / "landscape.json"
    landscape = json.loads(path.read_text(encoding="utf-8"))
    [database] = [instance for instance in landscape["instances"] if instance["host"] == "db"]
    database["cluster_owned"] = True
    path.write_text(json.dumps(landscape), encoding="utf-8")
    outcome = site.play(run_name="r1", landscape_hosts="web,app,db")
    said = " ".join(outcome.output.split())
    assert outcome.code == 2 and site.states()["db"]["admit"] == "failed", outcome.output
    assert "the CMDB says that a cluster owns it" in said and "sap_stop_cluster_owned" in said, outcome.output
    assert not site.effects(), "web and app would be down in vain"

    ignored = {"sap_stop_cluster_owned": "ignore", "sap_start_cluster_owned": "ignore"}
    again = site.play(run="r1", landscape_hosts="web,app,db", **ignored)
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up()


def test_unreachable_after_its_stop_blocks_those_above_and_below(site: Site) -> None:
    site.simulator.fault("host_unreachable", host="app", on={"effect": "stopped", "instance": INSTANCE["app"]})
    outcome = site.play(run_name="r1")
    assert outcome.code in (2, 4)
    states = site.states()
    assert states["web"]["start:WDP/web/W20"] == "blocked", states
    assert site.effects("started") and ("started", "web") not in site.effects("started")
    site.simulator.clear()
    again = site.play(run="r1")
    assert again.code == 0, again.output
    assert site.everything_is_up() and site.state() == "succeeded"
    for host in INSTANCE:
        assert site.effects("stopped").count(("stopped", host)) == 1
        assert site.effects("patched").count(("patched", host)) == 1


def test_a_reboot_that_never_comes_back(site: Site) -> None:
    site.simulator.fault("reboot_never_returns", host="db")
    outcome = site.play(run_name="r1", os_reboot_timeout=8)
    assert outcome.code in (2, 4)
    states = site.states()
    assert states["db"]["reboot"] == "failed", states["db"]
    assert states["db"]["start:HDP/db/HDB00"] == "pending", states["db"]
    assert states["app"]["start:PRD/app/D01"] == states["web"]["start:WDP/web/W20"] == "blocked", states
    with site.store() as store:
        blocked = {step["ci"]: step["blocked_by"] for step in store.steps("r1") if step["state"] == "blocked"}
    assert blocked == {"app": "db", "web": "db"}
    said = " ".join(outcome.output.split())
    assert "HDP/db/-/reboot failed: Timed out waiting for " in said, outcome.output
    assert site.state() == "partial" and not [host for _effect, host in site.effects("started") if host in CHAIN]

    site.simulator.clear()  # the host comes back
    again = site.play(run="r1")
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up()
    for effect in ("stopped", "patched", "reboot_requested", "started"):
        assert sorted(host for _other, host in site.effects(effect)) == sorted(INSTANCE), effect


def test_stop_and_start_as_two_runs(site: Site) -> None:
    down = site.play(playbook="stop_landscape", run_name="down", landscape_hosts="web,app,db")
    assert down.code == 0, down.output
    assert [host for _other, host in site.effects("stopped")] == ["web", "app", "db"]
    assert site.state("down") == "succeeded" and not site.effects("patched", "reboot_requested", "started")
    up = site.play(playbook="start_landscape", run_name="up", landscape_hosts="web,app,db")
    assert up.code == 0, up.output
    assert [host for _other, host in site.effects("started")] == ["db", "app", "web"]
    assert site.state("up") == "succeeded" and site.everything_is_up()
    assert _changed(site, "down") == [("stop", True)] * 3 and _changed(site, "up") == [("start", True)] * 3
    again = site.play(playbook="start_landscape", run_name="again", landscape_hosts="web,app,db")
    assert again.code == 0, again.output
    assert _changed(site, "again") == [("start", False)] * 3, "all of it runs: nobody learns how long a start takes"


def test_a_stop_that_meets_what_is_stopped_and_a_host_that_is_lost_while_it_stops(site: Site) -> None:
    site.simulator.state(instances={INSTANCE["web"]: {"phase": "stopped"}})
    site.simulator.fault("host_unreachable", host="app", on={"effect": "stopping", "instance": INSTANCE["app"]})
    down = site.play(playbook="stop_landscape", run_name="down", landscape_hosts="web,app,db")
    assert down.code in (2, 4), down.output
    states = site.states("down")
    assert states["web"]["stop:WDP/web/W20"] == "done" and not site.calls("Stop", "web")
    assert states["app"]["stop:PRD/app/D01"] == "unknown", states
    assert states["db"]["stop:HDP/db/HDB00"] == "blocked" and ("stopping", "db") not in site.effects()
    with site.store() as store:
        [blocked] = [step for step in store.steps("down", ci="db") if step["state"] == "blocked"]
    assert blocked["blocked_by"] == "app" and blocked["message"].startswith("blocked by app: "), blocked["message"]
    assert "PRD/app/D01/stop unreachable: " in down.output or "PRD/app/D01/stop failed: " in down.output, down.output
    assert site.state("down") == "partial"

    site.simulator.clear()
    again = site.play(playbook="stop_landscape", run="down")
    assert again.code == 0, again.output
    assert site.state("down") == "succeeded"
    assert sorted(host for _other, host in site.effects("stopped") if host in CHAIN) == ["app", "db"]
    assert {site.simulator.state()["instances"][INSTANCE[host]]["phase"] for host in CHAIN} == {"stopped"}


def _changed(site: Site, run: str) -> list[tuple[str, bool]]:
    """Kind of each stop, patch, reboot and start of a run, with whether it changed something."""
    with site.store() as store:
        rows = store.steps(run)
    return [(row["kind"], row["changed"]) for row in rows if row["kind"] in ("stop", "patch", "reboot", "start")]
