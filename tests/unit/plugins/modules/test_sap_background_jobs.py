# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_background_jobs plans, and what it takes for a proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._operation import carry_out
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs
from ansible_collections.basis.landscape.plugins.modules.sap_background_jobs import BackgroundJobs, spec
from tests.unit.plugins.module_utils._rfc.system import System

OPEN = "BAPI_XBP_JOB_OPEN"


def options(state: str, **given: Any) -> dict[str, Any]:
    usual = {name: option.get("default") for name, option in spec().options.items()}
    usual.update(rfc_host="app", rfc_instance="00", rfc_client="100", rfc_user="AUTO", rfc_password="p")
    return {**usual, "state": state, "delay": 0.01, "running_timeout": 0.05, "helper_timeout": 0.05, **given}


def operation(system: System, state: str, **given: Any) -> BackgroundJobs:
    found = BackgroundJobs(options(state, **given))
    found._client = system.client()
    found._jobs = Jobs(found._client)
    return found


def run(system: System, state: str, **given: Any) -> dict[str, Any]:
    return carry_out(operation(system, state, **given))


def landscape(**jobs: str) -> System:
    system = System()
    for number, (name, status) in enumerate(jobs.items(), 1):
        system.job(name, str(number), status)
    return system


@pytest.mark.parametrize(
    ("state", "jobs", "given", "steps"),
    [
        ("suspended", {"ONE": "S"}, {}, ["suspend", "wait"]),
        ("suspended", {"ONE": "S", "LONG": "R"}, {}, ["suspend", "wait"]),
        ("suspended", {"ONE": "S", "LONG": "R"}, {"running": "ignore"}, ["suspend"]),
        ("suspended", {"ONE": "S"}, {"running": "fail"}, ["suspend"]),
        ("suspended", {"ONE": "S"}, {"record": "/nonexistent/r"}, ["record", "suspend", "wait"]),
        ("suspended", {"ONE": "Z"}, {}, []),
        ("suspended", {}, {}, []),
        ("suspended", {"LONG": "R"}, {}, ["wait"]),
        ("suspended", {"KEPT": "S", "ONE": "Z"}, {"keep": ["KE*"]}, []),
        ("suspended", {"DRAFT": "P", "OLD": "F"}, {}, []),
        ("released", {"ONE": "Z"}, {}, ["release"]),
        ("released", {"ONE": "S"}, {}, []),
        ("released", {"ONE": "S"}, {"jobs": [{"name": "one", "count": "1"}]}, ["prove"]),
    ],
)
def test_plan(state: str, jobs: dict[str, str], given: dict[str, Any], steps: list[str]) -> None:
    work = operation(landscape(**jobs), state, **given)
    assert [action.name for action in work.plan(work.look())] == steps


def test_there_and_back() -> None:
    system = landscape(ONE="S", TWO="S", DRAFT="P", OLD="F")
    there = run(system, "suspended")
    assert there["jobs"] == [{"name": "ONE", "count": "1"}, {"name": "TWO", "count": "2"}]
    assert system.statuses() == {"ONE": "Z", "TWO": "Z", "DRAFT": "P", "OLD": "F"}
    assert run(system, "suspended")["changed"] is False
    back = run(system, "released", jobs=there["jobs"])
    assert back["changed"] and back["jobs"] == there["jobs"]
    assert system.statuses() == {"ONE": "S", "TWO": "S", "DRAFT": "P", "OLD": "F"}
    assert [name for name in system.calls if name == OPEN] == [OPEN, OPEN]


def test_names_of_the_helper_are_short_enough_and_its_own_job_is_not_waited_for() -> None:
    system = landscape(ONE="S")
    run(system, "suspended", helper_name="ABCDEFGHIJ")
    helper = next(row["JOBNAME"] for row in system.tables["TBTCO"] if row["JOBNAME"] != "ONE")
    assert helper.startswith("ABCDEFGHIJ_BTCTRNS1_") and len(helper) <= 32
    with pytest.raises(BadInput):
        BackgroundJobs(options("suspended", helper_name="ABCDEFGHIJK"))


def test_a_report_that_does_nothing_is_no_success() -> None:
    system = landscape(ONE="S")
    system.reports["BTCTRNS1"] = lambda: None
    with pytest.raises(Failed, match="ONE/1") as caught:
        run(system, "suspended")
    assert caught.value.reason == "still_released" and system.sent(OPEN) == 3
    system = landscape(ONE="Z")
    system.reports["BTCTRNS2"] = lambda: None
    with pytest.raises(Failed, match="ONE/1") as caught:
        run(system, "released")
    assert caught.value.reason == "still_suspended" and system.sent(OPEN) == 1


def test_a_job_that_came_after_the_report_is_suspended_and_recorded_too(tmp_path: Path) -> None:
    system = landscape(ONE="S")
    suspend = system.reports["BTCTRNS1"]
    late = ["NEXT"]

    def report() -> None:
        suspend()
        if late:
            system.job(late.pop(), "77", "S")

    system.reports["BTCTRNS1"] = report
    record = str(tmp_path / "r.json")
    result = run(system, "suspended", record=record)
    assert result["jobs"] == [{"name": "NEXT", "count": "77"}, {"name": "ONE", "count": "1"}]
    assert system.sent(OPEN) == 2
    back = run(system, "released", record=record)
    assert back["jobs"] == result["jobs"] and not (tmp_path / "r.json").exists()


def test_a_controller_that_died_before_it_knew_finds_the_record(tmp_path: Path) -> None:
    system = landscape(ONE="S", FOREIGN="F")
    record = str(tmp_path / "r.json")
    first = operation(system, "suspended", record=record)
    state = first.look()
    for action in first.plan(state)[:2]:  # it dies before it proves anything
        assert action.act is not None
        action.act()
    again = run(system, "suspended", record=record)
    assert again["changed"] is False and again["jobs"] == [{"name": "ONE", "count": "1"}]
    assert run(system, "released", record=record)["jobs"] == [{"name": "ONE", "count": "1"}]
    assert system.statuses()["ONE"] == "S"


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_report_is_never_started_twice(lost: str) -> None:
    system = landscape(ONE="S")
    (system.lost_before if lost == "before" else system.lost_after).append(OPEN)
    if lost == "after":
        assert run(system, "suspended")["changed"]
        assert system.sent(OPEN) == 1
    else:
        with pytest.raises(Unknown) as caught:
            run(system, "suspended")
        assert system.sent(OPEN) == 0 and caught.value.facts["jobs"] == [{"name": "ONE", "count": "1"}]


def test_what_somebody_else_suspended_is_not_released_unasked() -> None:
    for state, given in (("suspended", {}), ("released", {"jobs": [{"name": "ONE", "count": "1"}]})):
        system = landscape(ONE="S" if state == "suspended" else "Z", THEIRS="Z")
        with pytest.raises(Failed, match="THEIRS/2") as caught:
            run(system, state, **given)
        assert caught.value.reason == "foreign_jobs" and not system.sent(OPEN)
        assert run(system, state, foreign="ignore", **given)["changed"]


@pytest.mark.parametrize("status", ["P", None])
def test_a_recorded_job_that_is_something_else_now_is_named(status: str | None) -> None:
    system = landscape(ONE="Z", **({"TWO": status} if status else {}))
    jobs = [{"name": "ONE", "count": "1"}, {"name": "TWO", "count": "2"}]
    with pytest.raises(Failed, match="TWO/2") as caught:
        run(system, "released", jobs=jobs)
    assert caught.value.reason == "jobs_missing"


@pytest.mark.parametrize("status", ["Y", "R", "F", "A"])
def test_a_recorded_job_that_started_at_once_is_told(status: str) -> None:
    system = landscape(ONE="Z")
    system.reports["BTCTRNS2"] = lambda: system.tables["TBTCO"][0].update(STATUS=status)
    result = run(system, "released")
    assert any("ONE/1" in warning for warning in result["warnings"])


@pytest.mark.parametrize("state", ["suspended", "released"])
def test_a_letter_that_nobody_knows_is_a_failure(state: str) -> None:
    with pytest.raises(Failed, match="'Q' about ODD/2") as caught:
        run(landscape(ONE="S", ODD="Q"), state)
    assert caught.value.reason == "status_unknown"


def test_running_jobs() -> None:
    system = landscape(ONE="S", LONG="R", SOON="Y", LOOP="R")
    with pytest.raises(TimedOut) as caught:
        run(system, "suspended", running_ignore=["LOO?"])
    assert [job["name"] for job in caught.value.facts["running"]] == ["LONG", "SOON"]
    assert caught.value.facts["jobs"] == [{"name": "ONE", "count": "1"}] and system.statuses()["ONE"] == "Z"
    system = landscape(ONE="S", LONG="R")
    with pytest.raises(Failed) as refused:
        run(system, "suspended", running="fail")
    assert refused.value.reason == "jobs_running" and system.statuses()["ONE"] == "S"


def test_a_cancelled_report_is_no_success_and_the_jobs_are_told() -> None:
    system = landscape(ONE="S")
    system.after_start = "A"
    system.reports = {}
    with pytest.raises(Failed) as caught:
        run(system, "suspended")
    assert caught.value.reason == "job_cancelled" and caught.value.facts["jobs"] == [{"name": "ONE", "count": "1"}]
