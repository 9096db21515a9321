# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_job plans, by the jobs of that name that it finds; how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Failed,
    LandscapeError,
    TimedOut,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._operation import carry_out
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs
from ansible_collections.basis.landscape.plugins.modules.sap_job import MOST_LINES, JobRun, spec
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


@pytest.mark.parametrize("status", ["F", "S", "R"])
@pytest.mark.parametrize("there", [("OTHER",), ("RSX", "RSX"), ()])
def test_a_job_with_other_steps_is_not_the_work_that_is_meant(status: str, there: tuple[str, ...]) -> None:
    system = System()
    system.job("MINE", "1", status, *there)
    run = operation(system)
    with pytest.raises(Failed) as caught:
        run.plan(run.look())
    assert caught.value.reason == "other_steps"


def test_a_job_of_another_client_does_not_count() -> None:
    system = System()
    system.job("MINE", "1", "F", "RSX")
    system.tables["TBTCO"][-1]["AUTHCKMAN"] = "000"
    result = carry_out(operation(system))
    assert result["changed"] and result["before"] == {"state": "none"} and system.sent("BAPI_XBP_JOB_OPEN") == 1


@pytest.mark.parametrize(
    ("table", "given", "words"),
    [
        ("TBTCO", {"SDLUNAME": "MILLER"}, "created by MILLER"),
        ("TBTCP", {"AUTHCKNAM": "MILLER"}, "runs as MILLER"),
        ("TBTCP", {"VARIANT": "OTHER"}, "step 1 is RSX OTHER"),
        ("TBTCP", {"VARIANT": "&0000000000001"}, "step 1 is RSX &"),
    ],
)
def test_a_job_of_somebody_else_is_not_started(table: str, given: dict[str, str], words: str) -> None:
    system = System()
    system.job("MINE", "1", "P", "RSX")
    system.tables[table][-1].update(given)
    with pytest.raises(Failed, match=words) as caught:
        carry_out(operation(system))
    assert caught.value.reason == "other_steps" and not system.sent("BAPI_XBP_JOB_START_IMMEDIATELY")


@pytest.mark.parametrize(
    ("rows", "good"),
    [
        ([{"SELNAME": "P_A", "KIND": "P", "LOW": "1"}, {"SELNAME": "P_B", "KIND": "P", "LOW": "x"}], True),
        ([{"SELNAME": "P_A", "KIND": "P", "LOW": "2"}], False),
        ([], False),
    ],
)
def test_the_values_of_a_job_without_a_start_are_compared(rows: list[dict[str, str]], good: bool) -> None:
    system = System()
    system.job("MINE", "1", "P", "RSX")
    system.tables["TBTCP"][-1]["VARIANT"] = "&0000000000001"
    system.values = rows
    value = {"name": "p_a", "kind": "P", "sign": "I", "option": "EQ", "low": "1", "high": ""}
    run = operation(system, values=[value])
    if good:
        assert carry_out(run)["job"]["status"] == "F"
    else:
        with pytest.raises(Failed, match="other values"):
            carry_out(run)


VALUE = {"name": "p_a", "kind": "P", "sign": "I", "option": "EQ", "low": "1", "high": ""}


@pytest.mark.parametrize("status", ["S", "R", "F"])
def test_a_job_with_other_values_is_not_the_work_that_is_meant(status: str) -> None:
    system = System()
    system.job("MINE", "1", status, "RSX")
    system.tables["TBTCP"][-1]["VARIANT"] = "&0000000000001"
    system.values = [{"SELNAME": "P_A", "KIND": "P", "LOW": "2"}]
    with pytest.raises(Failed, match="other values") as caught:
        carry_out(operation(system, values=[VALUE], wait=False))
    assert caught.value.reason == "other_steps"
    system.values = [{"SELNAME": "P_A", "KIND": "P", "LOW": "1"}]
    assert carry_out(operation(system, values=[VALUE], wait=False))["changed"] is False


def test_values_that_are_gone_are_a_warning_about_a_job_that_ended() -> None:
    system = System()
    system.job("MINE", "1", "F", "RSX")
    system.tables["TBTCP"][-1]["VARIANT"] = "&0000000000001"
    system.values = None
    result = carry_out(operation(system, values=[VALUE]))
    assert result["changed"] is False and "cannot be read" in result["warnings"][0]
    system.tables["TBTCO"][-1]["STATUS"] = "R"
    with pytest.raises(Failed, match="cannot be read") as caught:
        carry_out(operation(system, values=[VALUE]))
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


def test_of_a_long_log_the_end_is_returned() -> None:
    system = System()
    line = {"MSGID": "00", "MSGNO": "001", "MSGTYPE": "S"}
    system.log = [{**line, "TEXT": str(number)} for number in range(MOST_LINES + 5)]
    result = carry_out(operation(system))
    assert len(result["log"]) == MOST_LINES and result["log"][-1]["text"] == str(MOST_LINES + 4)
    assert "only the last" in result["warnings"][0]


def test_a_job_that_does_not_end_is_left_unless_told() -> None:
    for on_timeout, status in (("fail", "R"), ("abort", "A")):
        system = System()
        system.after_start = "R"
        with pytest.raises(TimedOut) as caught:
            carry_out(operation(system, on_timeout=on_timeout))
        assert system.statuses() == {"MINE": status}
        assert ("is cancelled now" in caught.value.why) is (on_timeout == "abort")


def test_a_job_that_was_broken_off_is_a_change_also_of_one_that_was_attached_to() -> None:
    system = System()
    system.job("MINE", "1", "R", "RSX")
    with pytest.raises(TimedOut) as caught:
        carry_out(operation(system, on_timeout="abort"))
    assert caught.value.facts["changed"] is True and caught.value.facts["job"]["status"] == "A"
    system.find("MINE", "1")["STATUS"] = "R"  # type: ignore[index]
    with pytest.raises(TimedOut) as caught:
        carry_out(operation(system))
    assert caught.value.facts["changed"] is False


@pytest.mark.parametrize("trouble", ["refused", "forbidden", "lost"])
def test_a_job_that_could_not_be_broken_off_is_still_one_that_did_not_end(trouble: str) -> None:
    system = System()
    system.job("MINE", "1", "R", "RSX")
    abort = "BAPI_XBP_JOB_ABORT"
    if trouble == "lost":
        system.lost_before = [abort]
    else:
        setattr(system, trouble, abort)
    with pytest.raises(TimedOut) as caught:
        carry_out(operation(system, on_timeout="abort"))
    assert caught.value.kind == "timed_out" and system.statuses() == {"MINE": "R"}
    assert ("told to stop" if trouble == "lost" else "could not be aborted") in caught.value.why
    assert caught.value.facts["changed"] is (trouble == "lost")


def test_how_a_job_is_after_it_was_broken_off_may_not_be_seen() -> None:
    system = System()
    system.job("MINE", "1", "R", "RSX")
    run = operation(system, on_timeout="abort")
    one = run._jobs.one

    def look(key: Any) -> Any:
        if system.sent("BAPI_XBP_JOB_ABORT"):
            raise Unreachable("look", "nobody answers")
        return one(key)

    run._jobs.one = look  # type: ignore[method-assign]
    with pytest.raises(TimedOut, match="cannot be seen .nobody answers") as caught:
        carry_out(run)
    assert caught.value.facts["changed"] is True


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
        {"steps": [{"program": "A", "variant": "V" * 15}]},
        {"rfc_provider": "soap", "rfc_url": "https://app", "rfc_host": None},
    ],
)
def test_refusals(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        JobRun(options(**given))
