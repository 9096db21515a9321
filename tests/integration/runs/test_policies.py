# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may be out at the same time: canaries, batches, budgets, rolling systems, windows, the order within a system."""

from __future__ import annotations

import datetime
import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.env.host_python import HostPython
from tests.integration.runs.conftest import SPEED, Site
from tests.simulator.launch import Simulator

HOSTS = ("wa", "wb", "wc", "cs", "ap", "r1", "r2", "rcs")
# Three web dispatchers that know nothing of each other. PRD has a dialog instance beside its central services and one
# beside their replication. ROL is maintained rolling: its central services are on a host of their own.
LANDSCAPE: dict[str, Any] = {
    "hosts": [{"name": name, "environment": "production", "os": "RHEL 9.4"} for name in HOSTS],
    "systems": [
        {"name": "WDA", "sid": "WDA", "type": "webdisp"},
        {"name": "WDB", "sid": "WDB", "type": "webdisp"},
        {"name": "WDC", "sid": "WDC", "type": "webdisp"},
        {"name": "PRD", "sid": "PRD", "type": "abap"},
        {"name": "ROL", "sid": "ROL", "type": "abap", "maintenance": "rolling"},
    ],
    "instances": [
        {"name": "W21", "system": "WDA", "host": "wa", "number": "21", "kind": "webdisp"},
        {"name": "W22", "system": "WDB", "host": "wb", "number": "22", "kind": "webdisp"},
        {"name": "W23", "system": "WDC", "host": "wc", "number": "23", "kind": "webdisp"},
        {"name": "ASCS10", "system": "PRD", "host": "cs", "number": "10", "kind": "ascs"},
        {"name": "D02", "system": "PRD", "host": "cs", "number": "02", "kind": "dialog"},
        {"name": "ERS11", "system": "PRD", "host": "ap", "number": "11", "kind": "ers"},
        {"name": "D01", "system": "PRD", "host": "ap", "number": "01", "kind": "dialog"},
        {"name": "ASCS30", "system": "ROL", "host": "rcs", "number": "30", "kind": "ascs"},
        {"name": "D31", "system": "ROL", "host": "r1", "number": "31", "kind": "dialog"},
        {"name": "D32", "system": "ROL", "host": "r2", "number": "32", "kind": "dialog"},
    ],
    "relations": [],
    "redundancy_groups": [],
    "calendars": [],
}
# A system, for the batch; of the rolling one each host counts.
ENTERS_AS = {"wa": "WDA", "wb": "WDB", "wc": "WDC", "cs": "PRD", "ap": "PRD", "r1": "ROL@r1", "r2": "ROL@r2"}


@pytest.fixture
def site(tmp_path: pathlib.Path, host_python: HostPython) -> Iterator[Site]:
    """A fresh landscape in which everything runs."""
    with Simulator.start(LANDSCAPE, speed=SPEED) as simulator:
        yield Site(tmp_path, simulator, host_python)


def calendars(site: Site, **of: tuple[Any, ...]) -> None:
    """Give systems a calendar: its kind, then when each entry starts and ends in seconds since the epoch."""
    path = site.folder / "landscape.json"
    landscape = json.loads(path.read_text(encoding="utf-8"))
    for system, (kind, *times) in of.items():
        said = [datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S") for at in times]
        entries = [{"start": start, "end": end} for start, end in zip(said[::2], said[1::2], strict=True)]
        name = f"{kind}-{system}"
        landscape["calendars"].append({"name": name, "kind": kind, "timezone": "UTC", "entries": entries})
        next(row for row in landscape["systems"] if row["name"] == system)[f"{kind}s"] = [name]
    path.write_text(json.dumps(landscape), encoding="utf-8")


def out_at_once(site: Site) -> list[set[str]]:
    """Who was in maintenance after each stop or start, by what counts for a batch."""
    down: set[str] = set()
    told = []
    for row in site.simulator.journal():
        if row.get("effect") == "stopping":
            down.add(row["instance"])
        elif row.get("effect") == "started":
            down.discard(row["instance"])
        else:
            continue
        told.append({ENTERS_AS[instance.split("/")[1]] for instance in down})
    return told


def shown(site: Site, **options: Any) -> str:
    """What show_run says, in one line."""
    outcome = site.play(playbook="show_run", **options)
    assert outcome.code == 0, outcome.output
    return " ".join(outcome.output.split())


def test_canary_batch_rolling_window_and_the_order_within_a_system(site: Site) -> None:
    needed = 900.0
    seconds = {"admit": 0, "stop/web": 100, "patch": 300, "reboot": 300, "start/web": 100, "verify": 100}
    closes = time.time() + needed + 60  # so much may pass until the plan is made
    calendars(site, WDC=("window", closes - 86400, closes))
    held = site.simulator.fault("stop_hangs", instance="WDA/wa/W21")
    process = site.begin(
        run_name="r1",
        landscape_hosts="all:!rcs",
        landscape_canary=["WDA"],
        landscape_batch_size=2,
        landscape_step_seconds=seconds,
        sap_stop_timeouts={"web": 120, "app": 30},
    )
    site.simulator.wait(deadline=90, effect="stopping", host="wa")
    site.until(lambda: _waiting(site) == set(ENTERS_AS) - {"wa"}, why="all others wait")

    told = shown(site, run="r1")
    assert "run r1: patch, running" in told and "running WDA/wa/W21/stop" in told, told
    for host in ("ap", "r1", "wc"):
        assert f"/{host}/-/admit: waits for WDA/wa/-/verify" in told, told
    assert "r1: patch, running, by " in shown(site)

    # what stays of the window of WDC is too short by now; the canary took it
    site.until(lambda: time.time() > closes - needed, why="the window is too short")
    site.simulator.clear(held)
    outcome = site.end(process)
    assert outcome.code == 2, outcome.output
    states = site.states()
    for host in set(ENTERS_AS) - {"wc"}:
        assert set(states[host].values()) <= {"done", "skipped"}, states[host]
    assert states["wc"]["admit"] == "deferred" and "done" not in states["wc"].values(), states["wc"]
    said = " ".join(outcome.output.split())
    assert "WDC/wc/-/admit: deferred: window-WDC closes at " in said and ", 15 min are needed" in said, outcome.output
    assert site.state() == "partial" and not [host for _effect, host in site.effects() if host in ("wc", "rcs")]

    with site.store() as store:
        steps = {(step["ci"], step["step"]): step for step in store.steps("r1")}
    verified = steps["wa", "verify"]["ended_at"]
    for (host, name), step in steps.items():
        if host != "wa" and step["started_at"] is not None:
            assert step["started_at"] >= verified, f"{host} {name} began before the canary was verified"
    assert [host for _effect, host in site.effects("started", "stopping")][:2] == ["wa", "wa"]

    out = out_at_once(site)
    assert max(map(len, out)) == 2, out
    assert not [down for down in out if {"ROL@r1", "ROL@r2"} <= down], "one application server of ROL stays"

    order = {
        effect: [
            row["instance"].rpartition("/")[2]
            for row in site.simulator.journal()
            if row.get("effect") == effect and row.get("system") == "PRD"
        ]
        for effect in ("stopped", "stopping", "started", "starting")
    }
    assert sorted(order["stopped"][:2]) == ["D01", "D02"] and order["stopped"][2:] == ["ASCS10", "ERS11"]
    assert order["stopping"][2:] == ["ASCS10", "ERS11"]
    assert order["started"][:2] == ["ERS11", "ASCS10"] and sorted(order["started"][2:]) == ["D01", "D02"]
    assert order["starting"][:2] == ["ERS11", "ASCS10"]


def test_who_missed_its_window_goes_on_in_a_later_one(site: Site) -> None:
    needed = 20.0
    seconds = {"admit": 0, "stop/web": 4, "patch": 4, "reboot": 4, "start/web": 4, "verify": 4}
    closes = time.time() + needed + 40  # so much may pass until the plan is made
    opens = closes + 1
    calendars(site, WDC=("window", closes - 86400, closes, opens, opens + 3600))
    held = site.simulator.fault("stop_hangs", instance="WDA/wa/W21")
    options = {"landscape_hosts": "wa,wc", "landscape_step_seconds": seconds, "sap_stop_timeouts": {"web": 120}}
    process = site.begin(run_name="r1", landscape_canary=["WDA"], **options)
    site.simulator.wait(deadline=90, effect="stopping", host="wa")
    site.until(lambda: time.time() > closes - needed, why="the window is too short")
    site.simulator.clear(held)
    assert site.end(process).code == 2
    assert site.states()["wc"]["admit"] == "deferred" and site.state() == "partial"

    site.until(lambda: time.time() > opens, why="the later window is open")
    refused = site.play(run="r1", landscape_hosts="wa,wc")
    said = " ".join(refused.output.split())
    assert refused.code == 2 and "WDC had the window " in said and "(window-WDC) and now has " in said, said
    assert not [host for _effect, host in site.effects() if host == "wc"]
    accept = said.partition("or with the plan of now: -e accept_plan=")[2][:64]
    again = site.play(run="r1", landscape_hosts="wa,wc", accept_plan=accept)
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and set(site.states()["wc"].values()) <= {"done", "skipped"}
    assert site.effects("patched") == [("patched", "wa"), ("patched", "wc")]


def _waiting(site: Site) -> set[str]:
    """The hosts that wait now."""
    with site.store() as store:
        return {ci for ci, _step, _why in store.waiting("r1")}


def test_a_spent_failure_budget_lets_nobody_in_while_those_in_flight_finish(site: Site) -> None:
    site.simulator.fault("fails_to_stop", times=1)
    held = site.simulator.fault("stop_hangs")
    hosts = {"wa": "stop:WDA/wa/W21", "wb": "stop:WDB/wb/W22", "wc": "stop:WDC/wc/W23"}
    process = site.begin(
        run_name="r1",
        landscape_hosts=",".join(hosts),
        landscape_batch_size=2,
        landscape_failure_budget={"count": 1},
        sap_stop_timeouts={"web": 120},
    )
    site.until(lambda: _standing(site, "admit", "deferred"), why="whoever is left is not let in any more")
    # Two of them enter, whoever they are: one fails, one is held.
    [out], states = _standing(site, "admit", "deferred"), site.states()
    [failed] = [host for host, stop in hosts.items() if states[host][stop] == "failed"]
    [in_flight] = set(hosts) - {out, failed}
    assert states[in_flight][hosts[in_flight]] == "running", "the other is deferred at once"
    site.simulator.clear(held)
    outcome = site.end(process)
    assert outcome.code == 2, outcome.output
    assert set(site.states()[in_flight].values()) <= {"done", "skipped"}
    assert site.state() == "partial" and not [host for _effect, host in site.effects() if host == out]
    report = json.loads((site.folder / "state" / "reports" / "r1.json").read_text(encoding="utf-8"))["hosts"][out]
    page = (site.folder / "state" / "reports" / "r1.html").read_text(encoding="utf-8")
    spent = f"the failure budget is spent: 1 of 1, {failed} (put these hosts right, then continue the run)"
    assert report["state"] == "deferred" and report["why"].startswith(spent), "what it could wait for is no remedy"
    assert report["step"] in page and report["step"] == f"WD{out[1].upper()}/{out}/-/admit"
    said = " ".join(outcome.output.split())
    assert f"{report['step']}: deferred: {spent}" in said


def _standing(site: Site, step: str, state: str) -> list[str]:
    """The hosts whose step is in a state."""
    return [host for host, steps in site.states().items() if steps[step] == state]


def test_windows_that_do_not_open_and_blackouts_are_refused_before_anything_is_touched(site: Site) -> None:
    now = time.time()
    calendars(
        site,
        WDA=("window", now - 86400, now - 60),
        WDB=("blackout", now - 60, now + 4000 * 86400),
        WDC=("window", now - 60, now + 300),
    )
    outcome = site.play(run_name="r1", landscape_hosts="wa,wb,wc", os_reboot_timeout="soon")
    told = " ".join(outcome.output.split())
    assert outcome.code == 2 and "4 unmet conditions" in told, outcome.output
    assert "os_reboot_timeout" in told.partition("window-WDA")[0], told
    assert "the window window-WDA of WDA never opens again" in told
    assert "WDB: blackout-WDB leaves no time within" in told
    assert "WDC: it is predicted to take" in told and "no window of window-WDC is longer than" in told
    with site.store() as store:
        assert store.runs() == [] and not site.effects()
