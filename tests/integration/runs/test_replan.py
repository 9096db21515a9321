# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that goes on in a landscape that is another one by now."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.env.host_python import HostPython
from tests.integration.runs.conftest import LANDSCAPE, SPEED, Site
from tests.simulator.launch import Simulator

MORE = [
    {"name": "D02", "system": "PRD", "host": "app", "number": "02", "kind": "dialog"},
    {"name": "W23", "system": "WDP", "host": "web", "number": "23", "kind": "webdisp"},
]
FRONT = {"name": "front", "members": ["WDP", "WP2"], "max_unavailable": 1}


@pytest.fixture
def site(tmp_path: pathlib.Path, host_python: HostPython) -> Iterator[Site]:
    """A fresh landscape in which everything runs, with a second instance on app and on web."""
    landscape = {**LANDSCAPE, "instances": [*LANDSCAPE["instances"], *MORE], "redundancy_groups": [FRONT]}
    with Simulator.start(landscape, speed=SPEED) as simulator:
        yield Site(tmp_path, simulator, host_python)


def without(landscape: dict[str, Any], *, instance: str = "", host: str = "") -> dict[str, Any]:
    """What a CMDB says that does not know an instance, or a host with its system."""
    instances = [row for row in landscape["instances"] if row["name"] != instance and row["host"] != host]
    systems = {row["system"] for row in instances}
    return {
        **landscape,
        "hosts": [row for row in landscape["hosts"] if row["name"] != host],
        "instances": instances,
        "systems": [row for row in landscape["systems"] if row["name"] in systems],
    }


def test_a_run_goes_on_with_the_plan_of_now(site: Site) -> None:
    cmdb = site.folder / "landscape.json"
    known = json.loads(cmdb.read_text(encoding="utf-8"))
    cmdb.write_text(json.dumps(without(known, instance="D02")), encoding="utf-8")
    site.simulator.fault("fails_to_stop", instance="WDP/web/W20")
    hosts = {"landscape_hosts": "web,app,db,pair1,pair2", "landscape_batch_size": 3, "landscape_canary": ["WDP"]}
    begun = site.play(run_name="r1", **hosts)
    assert begun.code == 2, begun.output
    states = site.states()
    assert (states["web"]["stop:WDP/web/W23"], states["web"]["stop:WDP/web/W20"]) == ("done", "failed")
    assert states["pair1"]["admit"] == states["pair2"]["admit"] == "deferred"

    site.simulator.clear()
    cmdb.write_text(json.dumps(without(known, host="pair1")), encoding="utf-8")
    hosts["landscape_hosts"] = "web,app,db,pair2"
    refused = site.play(run="r1", **hosts)
    words = " ".join(refused.output.split())
    assert refused.code != 0 and "host app now does stop:PRD/app/D02" in words, refused.output
    assert "host pair1 is no longer in the run" in words
    found = re.search(r"or with the plan of now: -e accept_plan=([0-9a-f]{64})", words)
    assert found is not None, refused.output

    # W23 is down because of this run: that is no reason to refuse it, and no place beside the one its group has.
    checked = site.play("--check", run="r1", accept_plan=found[1], **hosts)
    assert checked.code == 0 and "PRD/app/D02" in checked.output, checked.output
    assert "counts as out" not in checked.output
    assert site.states() == states, "looked at only"

    outcome = site.play(run="r1", accept_plan=found[1], **hosts)
    assert outcome.code == 0, outcome.output
    assert site.state() == "succeeded" and site.everything_is_up()
    assert "pair1" not in site.states()
    effects = site.effects("stopped", "patched", "started")
    assert effects.count(("stopped", "app")) == effects.count(("started", "app")) == 2
    assert effects.count(("stopped", "web")) == effects.count(("started", "web")) == 2
    at = effects.index(("patched", "app"))
    assert ("stopped", "app") not in effects[at:] and ("started", "app") not in effects[:at]
    assert effects.index(("stopped", "pair2")) > len(effects) - 1 - effects[::-1].index(("started", "web"))
    assert not [effect for effect in effects if effect[1] == "pair1"]
    shown = site.play(playbook="show_run", run="r1")
    assert "went on with the plan of then: " in " ".join(shown.output.split()), shown.output
    assert "PRD/app/D02/stop is new" in " ".join(shown.output.split())


def test_a_run_that_has_gone_too_far_goes_on_as_it_was(site: Site) -> None:
    cmdb = site.folder / "landscape.json"
    known = json.loads(cmdb.read_text(encoding="utf-8"))
    site.simulator.fault("fails_to_stop", instance="HDP/db/HDB00")
    begun = site.play(run_name="r1", landscape_hosts="web,app,db")
    assert begun.code == 2 and site.states()["app"]["stop:PRD/app/D01"] == "done", begun.output
    states = site.states()

    site.simulator.clear()
    cmdb.write_text(json.dumps(without(known, instance="D02")), encoding="utf-8")
    refused = site.play(run="r1", landscape_hosts="web,app,db")
    as_it_was, of_now = re.findall(r"accept_plan=([0-9a-f]{64})", "".join(refused.output.split()))[:2]
    too_far = site.play(run="r1", accept_plan=of_now, landscape_hosts="web,app,db")
    words = " ".join(too_far.output.split())
    assert too_far.code != 0 and "Run r1 has gone too far for the plan of now: " in words, too_far.output
    assert "app has begun, and would not do start:PRD/app/D02 any more" in words
    assert site.states() == states and site.state() == "partial", "nothing was written"

    outcome = site.play(run="r1", accept_plan=as_it_was, landscape_hosts="web,app,db")
    assert outcome.code == 0 and site.state() == "succeeded", outcome.output
    assert site.everything_is_up(), "the instance that is gone from the CMDB is started, too"
