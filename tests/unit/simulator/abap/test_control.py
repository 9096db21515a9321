# SPDX-License-Identifier: GPL-3.0-or-later
"""The control door's part for ABAP systems."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.launch import Simulator, SimulatorError
from tests.unit.simulator.abap.stage import export


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """A simulator with the system QAS that has no jobs."""
    with Simulator.start(export(jobs=[]), speed=100) as one:
        yield one


def test_the_info_has_what_a_log_on_needs(sim: Simulator) -> None:
    told = sim.info["abap"]["QAS"]
    assert (told["sid"], told["client"], sorted(told["users"])) == ("QAS", "100", ["BASIS_AUTO", "MILLER"])


def test_looking_and_setting(sim: Simulator) -> None:
    assert sim.abap("QAS")["jobs"] == []
    state = sim.abap("QAS", "user", user="MILLER", flag=64, authorizations=["S_RFC"])
    user = state["users"]["100"]["MILLER"]
    assert (user["flag"], user["authorizations"]) == (64, ["S_RFC"])
    assert sim.abap("QAS", "client", client="100", fields={"LOGSYS": "PRDCLNT100"})["clients"]["100"]["LOGSYS"] == (
        "PRDCLNT100"
    )
    rows = [{"VBKEY": "A", "VBSTATE": 2}]
    assert sim.abap("QAS", "table", name="VBHDR", rows=rows)["tables"]["VBHDR"] == rows
    sim.abap("QAS", "variant", report="RSUSR000", variant="NIGHT", rows=[])
    sim.abap("QAS", "job", name="SOON", report="RSUSR000", variant="NIGHT", next=1)
    sim.wait(effect="job_finished", job="SOON", system="QAS")
    assert [(job["name"], job["status"]) for job in sim.abap("QAS")["jobs"]] == [("SOON", "F")]


@pytest.mark.parametrize(
    ("sid", "what", "fields", "text"),
    [
        ("NONE", "", {}, "there is no 'NONE'"),
        ("QAS", "nothing", {}, "no POST /abap/QAS/nothing here"),
        ("QAS", "user", {"user": "NOBODY"}, "there is no 'NOBODY'"),
        ("QAS", "table", {"name": "VBHDR", "rows": [{"NONE": 1}]}, "no column NONE"),
        ("QAS", "job", {"name": "A", "when": 1}, "a job knows no when"),
        ("QAS", "user", {"name": "A"}, "unexpected keyword argument 'name'"),
    ],
)
def test_refusals(sim: Simulator, sid: str, what: str, fields: dict[str, object], text: str) -> None:
    with pytest.raises(SimulatorError, match=text):
        sim.abap(sid, what, **fields)
