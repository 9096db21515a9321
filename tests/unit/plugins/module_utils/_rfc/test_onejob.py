# SPDX-License-Identifier: GPL-3.0-or-later
"""One job by its name: started once, attached to, seen to its end."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import CallFailed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Address, Conversation, Raised
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs, Work
from ansible_collections.basis.landscape.plugins.module_utils._rfc.onejob import OneJob, Start, others, output, values
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits
from tests.unit.plugins.module_utils._rfc.system import System, Talk, no

LIMITS = Limits(0.05, 0.01, 0.02, 0.02)
OPEN = "BAPI_XBP_JOB_OPEN"


class Kept(System):
    """A system that knows who created a job, and keeps the values of a step."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []
        self.gone = False
        self.full = False

    def open(self, _address: Address) -> Conversation:
        self.conversations += 1
        return Line(self)

    def job(self, name: str, count: str, status: str = "S", *steps: str) -> None:
        super().job(name, count, status, *steps)
        self.tables["TBTCO"][-1].update(SDLUNAME="AUTO", AUTHCKMAN="100")


class Line(Talk):
    """A conversation that knows variants."""

    def __init__(self, system: Kept) -> None:
        super().__init__(system)
        self._kept = system

    def _answer(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        if function == "RS_VARIANT_CONTENTS_RFC":
            if self._kept.gone:
                raise Raised("VARIANT_NON_EXISTENT", "no such variant")
            return {"VALUTAB": self._kept.rows}
        if function == "BAPI_XBP_JOB_START_IMMEDIATELY" and self._kept.full:
            return no("123", "no background work process is free")
        return super()._answer(function, given)


def one(system: System, work: Work | None = None) -> OneJob:
    work = work or Work("RSX")
    client = system.client()
    found = OneJob(client, Jobs(client), "mine", work)
    found.look()
    return found


def test_begun_once_and_seen() -> None:
    system = Kept()
    system.job("MINE", "1", "F", "RSX")
    job = one(system)
    assert job.last is not None and job.last.key == ("MINE", "1")
    assert job.begin(Start()) is True
    assert job.key == ("MINE", "00000002") and job.end("see", LIMITS).status == "F"
    assert system.sent(OPEN) == 1


@pytest.mark.parametrize("status", ["S", "Y", "R"])
def test_one_on_its_way_is_attached_to(status: str) -> None:
    system = Kept()
    system.job("MINE", "1", status, "RSX")
    job = one(system)
    assert job.runs and job.begin(Start()) is False
    assert job.key == ("MINE", "1") and system.sent(OPEN) == 0
    with pytest.raises(TimedOut) as caught:
        job.end("see", LIMITS)
    assert caught.value.facts["job"]["status"] == status


@pytest.mark.parametrize("steps", [[], ["RSX"]])
def test_one_without_a_start_is_gone_on_with(steps: list[str]) -> None:
    system = Kept()
    system.job("MINE", "1", "P", *steps)
    job = one(system)
    assert not job.runs and job.begin(Start()) is True
    assert system.sent(OPEN) == 0 and system.statuses() == {"MINE": "F"}
    assert len(system.tables["TBTCP"]) == 1


def test_what_cannot_be_seen_is_unknown_and_has_no_end() -> None:
    system = Kept()
    system.lost_before = [OPEN]
    job = one(system)
    with pytest.raises(Unknown):
        job.begin(Start())
    for see in (lambda: job.started("see"), lambda: job.end("see", LIMITS)):
        with pytest.raises(TimedOut, match="no job MINE"):
            see()


def test_a_start_that_was_lost_is_seen() -> None:
    system = Kept()
    system.lost_before = ["BAPI_XBP_JOB_START_IMMEDIATELY"]
    job = one(system)
    with pytest.raises(Unknown):
        job.begin(Start())
    with pytest.raises(TimedOut, match="without a start"):
        job.started("see")
    system.tables["TBTCO"].clear()
    with pytest.raises(Failed, match="does not show it") as caught:
        job.started("see")
    assert caught.value.reason == "job_gone"


@pytest.mark.parametrize(
    ("jobs", "reason"),
    [
        ([("1", "R", "RSX"), ("2", "S", "RSX")], "name_not_unique"),
        ([("1", "R", "OTHER")], "other_steps"),
        ([("1", "Z", "RSX")], "job_suspended"),
        ([("1", "Q", "RSX")], "status_unknown"),
    ],
)
def test_what_is_refused(jobs: list[tuple[str, str, str]], reason: str) -> None:
    system = Kept()
    for count, status, program in jobs:
        system.job("MINE", count, status, program)
    with pytest.raises(Failed) as caught:
        one(system)
    assert caught.value.reason == reason


VALUES = [{"SELNAME": "P", "KIND": "P", "SIGN": "I", "OPTION": "EQ", "LOW": "1", "HIGH": ""}]


@pytest.mark.parametrize(
    ("user", "variant", "work", "words"),
    [
        ("OTHER", "", Work("RSX"), "created by OTHER"),
        ("AUTO", "V", Work("RSX"), "step 1 is RSX V"),
        ("AUTO", "V", Work("RSX", "W"), "step 1 is RSX V"),
        ("AUTO", "V", Work("RSX", values=VALUES), "step 1 is RSX V"),
        ("AUTO", "&0000000000001", Work("RSX", values=[dict(VALUES[0], LOW="2")]), "other values"),
        ("AUTO", "&0000000000001", Work("RSX", "W"), "step 1 is RSX &"),
    ],
)
def test_one_without_a_start_that_is_other_work_is_not_started(user: str, variant: str, work: Work, words: str) -> None:
    system = Kept()
    system.job("MINE", "1", "P")
    system.step("MINE", "1", "RSX", variant, 1)
    system.tables["TBTCO"][0]["SDLUNAME"] = user
    system.rows = VALUES
    with pytest.raises(Failed, match=words) as caught:
        one(system, work)
    assert caught.value.reason == "other_steps"


def test_one_without_a_start_that_has_our_values_is_gone_on_with() -> None:
    system = Kept()
    system.job("MINE", "1", "P")
    system.step("MINE", "1", "RSX", "&0000000000001", 1)
    system.rows = [*VALUES, dict(VALUES[0], SELNAME="MORE")]
    assert one(system, Work("RSX", values=VALUES)).begin(Start()) is True and system.sent(OPEN) == 0


@pytest.mark.parametrize(("steps", "changed"), [(None, True), ([], True), (["RSX"], None)])
def test_what_was_made_before_a_start_that_failed_is_a_change(steps: list[str] | None, changed: bool | None) -> None:
    system = Kept()
    if steps is not None:
        system.job("MINE", "1", "P", *steps)
    system.full = True
    with pytest.raises(CallFailed) as caught:
        one(system).begin(Start())
    assert caught.value.facts.get("changed") is changed


@pytest.mark.parametrize(("status", "good"), [("F", True), ("A", True), ("R", False)])
def test_values_that_are_gone_are_a_doubt_about_one_that_ended(status: str, good: bool) -> None:
    system = Kept()
    system.job("MINE", "1", status)
    system.step("MINE", "1", "RSX", "&0000000000001", 1)
    system.gone = True
    client = system.client()
    jobs = Jobs(client)
    found = OneJob(client, jobs, "mine", Work("RSX", values=VALUES))
    (job,) = jobs.named("MINE")
    doubts: list[str] = []
    other = found.other(job, jobs.steps(job.key), closely=True, doubts=doubts)
    words = other if not good else doubts[0]
    assert "values of its step 1 cannot be read" in words and bool(other) is not good
    assert found.other(job, jobs.steps(job.key), closely=True)


def test_a_cancelled_one_is_a_failure() -> None:
    system = Kept()
    system.after_start = "A"
    job = one(system)
    job.begin(Start())
    with pytest.raises(Failed) as caught:
        job.end("see", LIMITS)
    assert caught.value.reason == "job_cancelled"


def test_output_is_the_list_then_the_log() -> None:
    system = Kept()
    system.job("MINE", "1", "F", "RSX")
    system.tables["TBTCP"][0]["LISTIDENT"] = "0000000007"
    lines = output(Jobs(system.client()), ("MINE", "1"))
    assert [(line["type"], line["text"]) for line in lines] == [("", "a list"), ("S", "Job started")]


def test_jobs_of_a_program_that_are_on_their_way() -> None:
    system = Kept()
    for number, (status, program) in enumerate(
        [("R", "RSX"), ("S", "RSX"), ("F", "RSX"), ("R", "OTHER"), ("Z", "RSX")]
    ):
        system.job(f"J{number}", "1", status, program)
    jobs = Jobs(system.client())
    assert [job.name for job in others(jobs, "look", "RSX")] == ["J0", "J1"]
    assert [job.name for job in others(jobs, "look", "RSX", "J0")] == ["J1"]


def test_values_of_an_option() -> None:
    row = {"name": "p_a", "kind": "P", "sign": "I", "option": "EQ", "low": "x", "high": ""}
    assert values([row])[0]["SELNAME"] == "P_A" and values(None) == []
