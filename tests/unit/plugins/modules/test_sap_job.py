# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_job plans, by the jobs of that name that it finds; how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, LandscapeError, TimedOut
from ansible_collections.basis.landscape.plugins.module_utils._operation import carry_out
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs
from ansible_collections.basis.landscape.plugins.modules.sap_job import JobRun, spec
from tests.unit.plugins.module_utils._rfc.system import System


def options(**given: Any) -> dict[str, Any]:
    usual = {name: option.get("default") for name, option in spec().options.items()}
    usual.update(rfc_host="app", rfc_instance="00", rfc_client="100", rfc_user="AUTO", rfc_password="p", name="mine")
    if "steps" not in given:
        usual["program"] = "rsx"
    return {**usual, "delay": 0.01, "timeout": 0.05, "failure_grace": 0.02, **given}


def operation(system: System, **given: Any) -> JobRun:
    found = JobRun(options(**given))
    found._client = system.client()
    found._jobs = Jobs(found._client)
    return found


@pytest.mark.parametrize(
    ("status", "given", "steps"),
    [
        (None, {}, ["open", "add", "close", "start", "wait"]),
        (None, {"wait": False}, ["open", "add", "close", "start"]),
        ("F", {}, []),
        ("F", {"run": "again"}, ["open", "add", "close", "start", "wait"]),
        ("A", {"run": "again"}, ["open", "add", "close", "start", "wait"]),
        ("S", {}, ["wait"]),
        ("Y", {"run": "again"}, ["wait"]),
        ("R", {}, ["wait"]),
        ("R", {"wait": False}, []),
        ("P", {}, ["start", "wait"]),
    ],
)
def test_plan(status: str | None, given: dict[str, Any], steps: list[str]) -> None:
    system = System()
    if status:
        system.job("MINE", "1", status, "RSX")
    run = operation(system, **given)
    assert [action.name for action in run.plan(run.look())] == steps


@pytest.mark.parametrize(
    ("status", "reason"), [("Z", "job_suspended"), ("A", "job_cancelled"), ("Q", "status_unknown")]
)
def test_what_is_a_failure(status: str, reason: str) -> None:
    system = System()
    system.job("MINE", "1", status, "RSX")
    run = operation(system)
    with pytest.raises(Failed) as caught:
        run.plan(run.look())
    assert caught.value.reason == reason


def test_an_unfinished_job_is_gone_on_with() -> None:
    system = System()
    system.job("MINE", "1", "P", "RSA")
    run = operation(system, steps=[{"program": "RSA"}, {"program": "RSB"}])
    actions = run.plan(run.look())
    assert [action.name for action in actions] == ["add", "close", "start", "wait"]
    assert "step 2, RSB" in actions[0].words


@pytest.mark.parametrize("there", [("OTHER",), ("RSX", "RSX")])
def test_an_unfinished_job_with_other_steps_is_left_alone(there: tuple[str, ...]) -> None:
    system = System()
    system.job("MINE", "1", "P", *there)
    run = operation(system)
    with pytest.raises(Failed) as caught:
        run.plan(run.look())
    assert caught.value.reason == "other_steps"


def test_two_jobs_on_their_way_are_one_too_many() -> None:
    system = System()
    system.job("MINE", "1", "R")
    system.job("MINE", "2", "S")
    with pytest.raises(Failed) as caught:
        operation(system).look()
    assert caught.value.reason == "name_not_unique"


def test_the_newest_end_counts() -> None:
    system = System()
    system.job("MINE", "1", "F")
    system.tables["TBTCO"][-1].update(ENDDATE="20260102", ENDTIME="000000")
    system.job("MINE", "2", "A")
    system.tables["TBTCO"][-1].update(ENDDATE="20260101", ENDTIME="000000")
    assert operation(system).look().job.number == "1"  # type: ignore[union-attr]


def test_check_mode_sends_nothing() -> None:
    system = System()
    result = carry_out(operation(system), check_mode=True)
    assert result["changed"] and not [call for call in system.calls if "XBP" in call]


def test_from_nothing_to_its_end() -> None:
    system = System()
    result = carry_out(operation(system, spool=True))
    assert result["changed"] and result["job"]["status"] == "F" and result["log"][0]["id"] == "00 516"
    assert carry_out(operation(system))["changed"] is False


def test_a_log_that_cannot_be_read_is_a_warning() -> None:
    system = System()
    system.lost_before = ["BAPI_XBP_JOB_JOBLOG_READ"]
    result = carry_out(operation(system))
    assert result["job"]["status"] == "F" and result["log"] == [] and "read the log" in result["warnings"][0]


def test_a_job_that_does_not_end_is_left_unless_told() -> None:
    for on_timeout, status in (("fail", "R"), ("abort", "A")):
        system = System()
        system.after_start = "R"
        with pytest.raises(TimedOut) as caught:
            carry_out(operation(system, on_timeout=on_timeout))
        assert system.statuses() == {"MINE": status}
        assert ("is cancelled now" in caught.value.why) is (on_timeout == "abort")


def test_a_start_that_was_answered_and_did_not_happen_is_no_success() -> None:
    system = System()
    system.after_start = "P"
    with pytest.raises(LandscapeError, match="without a start"):
        carry_out(operation(system, wait=False))


@pytest.mark.parametrize(
    "given",
    [
        {"name": "x" * 33},
        {"steps": []},
        {"steps": [{"program": " "}]},
        {"steps": [{"program": "A", "variant": "V", "values": [{"name": "P"}]}]},
        {"timeout": 0},
        {"rfc_provider": "soap", "rfc_url": "https://app", "rfc_host": None},
    ],
)
def test_refusals(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        JobRun(options(**given))
