# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that a job of AWX began, and that its relaunched jobs go on with."""

from __future__ import annotations

import signal
import typing as t

from tests.integration.runs.conftest import CHAIN, Site, kill


def job(number: int, launch_type: str) -> dict[str, t.Any]:
    """The extra variables by which AWX tells a playbook of its job."""
    said = {
        "job_id": number,
        "job_launch_type": launch_type,
        "job_template_id": 7,
        "job_template_name": "Patch PRD",
        "inventory_id": 3,
        "inventory_name": "production",
        "user_name": "jdoe",
    }
    return {f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in said.items()}


def test_relaunched_jobs_go_on_with_the_run(site: Site) -> None:
    site.simulator.fault("slow", host="app", operation="Stop", seconds=3)
    process = site.begin(landscape_hosts=",".join(CHAIN), **job(41, "manual"))
    site.until_step("app", "stop:PRD/app/D01", run="awx-41")
    kill(process, signal.SIGKILL)
    site.end(process)
    site.until(lambda: site.state("awx-41") == "lost", deadline=30, why="the sidecar marks the run as lost")

    site.simulator.fault("host_unreachable", host="web")
    everybody = site.play(landscape_hosts=",".join(CHAIN), **job(42, "relaunch"))
    assert everybody.code in (2, 4), everybody.output
    assert "it continues run awx-41" in everybody.output
    assert site.state("awx-41") == "partial" and site.states("awx-41")["db"]["verify"] == "done"

    site.simulator.clear()
    failed = site.play("--limit", "web", landscape_hosts=",".join(CHAIN), **job(43, "relaunch"))
    assert failed.code == 0, failed.output
    assert site.state("awx-41") == "succeeded" and site.everything_is_up()
    for effect in ("stopped", "patched", "reboot_requested", "started"):
        assert sorted(host for _other, host in site.effects(effect)) == sorted(CHAIN), effect

    nothing = site.play(landscape_hosts=",".join(CHAIN), **job(44, "relaunch"))
    said = " ".join(nothing.output.split())
    assert nothing.code == 2 and "AWX job 44 is a relaunch, and no unfinished run is the one" in said, nothing.output
    assert "launch the job template anew" in said
    with site.store() as store:
        assert [run["id"] for run in store.runs()] == ["awx-41"]
        took = [event["actor"] for event in store.events("awx-41") if event["kind"] == "taken"]
    assert [who.partition(" (")[0] for who in took] == ["AWX job 41", "AWX job 42", "AWX job 43"]
