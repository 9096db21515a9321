# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_background_jobs plans, and what it takes for a proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed, TimedOut, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._operation import carry_out
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record
from ansible_collections.basis.landscape.plugins.modules.sap_background_jobs import BackgroundJobs, spec
from tests.unit.plugins.module_utils._rfc.system import System

OPEN = "BAPI_XBP_JOB_OPEN"
RESOURCES = "BAPI_XBP_GET_CURR_BP_RESOURCES"


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
        ("suspended", {"ONE": "S"}, {}, ["suspend", "wait", "prove"]),
        ("suspended", {"ONE": "S", "LONG": "R"}, {}, ["suspend", "wait", "prove"]),
        ("suspended", {"ONE": "S", "LONG": "R"}, {"running": "ignore"}, ["suspend"]),
        ("suspended", {"ONE": "S"}, {"running": "fail"}, ["suspend"]),
        ("suspended", {"ONE": "S"}, {"record": "/nonexistent/r"}, ["record", "suspend", "wait", "prove"]),
        ("suspended", {}, {"record": "/nonexistent/r"}, ["record"]),
        ("suspended", {"LONG": "R"}, {"record": "/nonexistent/r"}, ["record", "wait", "prove"]),
        ("suspended", {"ONE": "Z"}, {}, []),
        ("suspended", {}, {}, []),
        ("suspended", {"LONG": "R"}, {}, ["wait", "prove"]),
        ("suspended", {"KEPT": "S", "ONE": "Z"}, {"keep": ["KE*"]}, []),
        ("suspended", {"DRAFT": "P", "OLD": "F"}, {}, []),
        ("released", {"ONE": "Z"}, {"foreign": "ignore"}, ["release"]),
        ("released", {"ONE": "Z"}, {"record": "/nonexistent/r"}, []),
        ("released", {"ONE": "Z"}, {"record": "/nonexistent/r", "foreign": "ignore"}, []),
        ("released", {"ONE": "Z"}, {"record": "/nonexistent/r", "jobs": [{"name": "ONE", "count": "1"}]}, ["release"]),
        ("released", {"ONE": "S"}, {}, []),
        ("released", {"ONE": "S"}, {"jobs": [{"name": "ONE ", "count": "1"}]}, ["prove"]),
        ("suspended", {"Kept": "S", "Loop": "R"}, {"keep": ["kE*"], "running_ignore": ["lOOP"]}, []),
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
        run(system, "released", foreign="ignore")
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


def test_a_recorded_job_without_a_start_is_named() -> None:
    system = landscape(ONE="Z", TWO="P", GONE="Z")
    system.tables["TBTCO"].pop()
    jobs = [key("GONE", "3"), key("ONE", "1"), key("TWO", "2")]
    with pytest.raises(Failed, match=r"TWO/2 is scheduled.*SM37") as caught:
        run(system, "released", jobs=jobs)
    assert caught.value.reason == "jobs_missing" and caught.value.facts["missing"] == ["TWO/2 is scheduled (P)"]
    system.tables["TBTCO"].pop(1)  # it is deleted, as the failure says
    assert run(system, "released", jobs=jobs)["jobs"] == [key("ONE", "1")]


def test_a_recorded_job_that_was_deleted_is_told_and_the_record_is_settled(tmp_path: Path) -> None:
    system = landscape(ONE="S", TWO="S")
    record = tmp_path / "r.json"
    run(system, "suspended", record=str(record))
    system.tables["TBTCO"].pop(1)
    back = run(system, "released", record=str(record))
    assert back["jobs"] == [key("ONE", "1")] and not record.exists()
    assert any("1 jobs are gone" in text and "TWO/2" in text for text in back["warnings"])


@pytest.mark.parametrize("status", ["Y", "R", "F", "A"])
def test_a_recorded_job_that_started_at_once_is_told(status: str) -> None:
    system = landscape(ONE="Z")
    system.reports["BTCTRNS2"] = lambda: system.tables["TBTCO"][0].update(STATUS=status)
    result = run(system, "released", jobs=[{"name": "ONE", "count": "1"}])
    assert any("ONE/1" in warning for warning in result["warnings"])


@pytest.mark.parametrize(
    ("state", "given"), [("suspended", {}), ("released", {"jobs": [{"name": "ODD", "count": "2"}]})]
)
def test_a_letter_that_nobody_knows_is_a_failure(state: str, given: dict[str, Any]) -> None:
    system = landscape(ONE="S", ODD="Q")
    with pytest.raises(Failed, match="'Q' about ODD/2") as caught:
        run(system, state, **given)
    assert caught.value.reason == "status_unknown" and not system.sent(OPEN)


def test_a_letter_that_nobody_knows_of_another_job_does_not_keep_ours_back(tmp_path: Path) -> None:
    system = landscape(ONE="S")
    record = str(tmp_path / "r.json")
    run(system, "suspended", record=record)
    system.job("ODD", "77", "Q")
    result = run(system, "released", record=record)
    assert system.statuses() == {"ONE": "S", "ODD": "Q"} and any("ODD/77 'Q'" in text for text in result["warnings"])


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
    with pytest.raises(Failed) as refused:
        run(landscape(ONE="Z", LONG="R"), "suspended", running="fail")
    assert refused.value.reason == "jobs_running"


def test_a_cancelled_report_is_no_success_and_the_jobs_are_told() -> None:
    system = landscape(ONE="S")
    system.after_start = "A"
    system.reports = {}
    with pytest.raises(Failed) as caught:
        run(system, "suspended")
    assert caught.value.reason == "job_cancelled" and caught.value.facts["jobs"] == [{"name": "ONE", "count": "1"}]


def key(name: str, count: str) -> dict[str, str]:
    return {"name": name, "count": count}


def at_end_of(system: System, name: str, looks: int, then: Any) -> list[int]:
    """Have a running job end after so many looks at TBTCO, and something happen then; the looks that were made."""
    rows, seen = system.tables["TBTCO"], [0]

    class Looked(list[dict[str, str]]):
        def __iter__(self) -> Any:
            seen[0] += 1
            if seen[0] == looks:
                row = next(row for row in list.__iter__(self) if row["JOBNAME"] == name)
                row["STATUS"] = "F"
                then()
            return list.__iter__(self)

    system.tables["TBTCO"] = Looked(rows)
    return seen


def test_without_a_record_or_a_list_nobody_says_whose_jobs_they_are(tmp_path: Path) -> None:
    system = landscape(ONE="Z", TWO="Z")
    with pytest.raises(Failed, match="2 jobs were suspended by somebody else") as caught:
        run(system, "released")
    assert caught.value.reason == "foreign_jobs"
    result = run(system, "released", record=str(tmp_path / "none.json"), foreign="ignore")
    assert not result["changed"] and any("2 jobs stay suspended" in text for text in result["warnings"])
    assert not system.sent(OPEN)
    assert run(system, "released", foreign="ignore")["jobs"] == [key("ONE", "1"), key("TWO", "2")]


def test_a_record_is_written_even_when_nothing_is_released(tmp_path: Path) -> None:
    system = landscape(OLD="Z")
    record = str(tmp_path / "r.json")
    result = run(system, "suspended", record=record)
    assert not result["changed"] and result["jobs"] == []
    kept = json.loads(Path(record).read_text(encoding="utf-8"))["kept"]
    assert kept == {"jobs": [], "foreign": [key("OLD", "1")]}
    result = run(system, "released", record=record)
    assert not result["changed"] and system.statuses() == {"OLD": "Z"} and not Path(record).exists()


@pytest.mark.parametrize("dies", [False, True])
def test_a_job_released_between_the_look_and_the_report_is_ours(tmp_path: Path, dies: bool) -> None:
    system = landscape(ONE="S")
    suspend = system.reports["BTCTRNS1"]

    def report() -> None:
        if not system.find("NEXT", "77"):
            system.job("NEXT", "77", "S")
        suspend()

    system.reports["BTCTRNS1"] = report
    record = str(tmp_path / "r.json")
    if dies:  # before it proves anything
        first = operation(system, "suspended", record=record)
        for action in first.plan(first.look())[:2]:
            assert action.act is not None
            action.act()
    else:
        assert run(system, "suspended", record=record)["jobs"] == [key("NEXT", "77"), key("ONE", "1")]
        assert "NEXT" in Path(record).read_text(encoding="utf-8")
        system.reports["BTCTRNS1"] = suspend
    result = run(system, "released", record=record)
    assert result["jobs"] == [key("NEXT", "77"), key("ONE", "1")]
    assert system.statuses() == {"ONE": "S", "NEXT": "S"} and not Path(record).exists()
    assert any("NEXT/77" in text for text in result["warnings"]) is dies


def test_without_a_record_such_a_job_is_returned() -> None:
    system = landscape(ONE="S")
    suspend = system.reports["BTCTRNS1"]

    def report() -> None:
        system.job("NEXT", "77", "S")
        suspend()

    system.reports["BTCTRNS1"] = report
    jobs = run(system, "suspended")["jobs"]
    assert jobs == [key("NEXT", "77"), key("ONE", "1")]
    assert run(system, "released", jobs=jobs)["changed"]


def test_what_was_suspended_before_the_record_stays_foreign(tmp_path: Path) -> None:
    system = landscape(ONE="S", THEIRS="Z")
    record = str(tmp_path / "r.json")
    assert run(system, "suspended", record=record, foreign="ignore")["jobs"] == [key("ONE", "1")]
    with pytest.raises(Failed, match="THEIRS/2"):
        run(system, "released", record=record)
    system.job("LATER", "77", "S")
    with pytest.raises(Failed, match="THEIRS/2"):
        run(system, "suspended", record=record)
    assert run(system, "released", record=record, foreign="ignore")["jobs"] == [key("ONE", "1")]


def test_a_foreign_job_that_its_owner_released_is_held_back_as_ours(tmp_path: Path) -> None:
    system = landscape(ONE="S", THEIRS="Z")
    record = str(tmp_path / "r.json")
    run(system, "suspended", record=record, foreign="ignore")
    system.tables["TBTCO"][1]["STATUS"] = "S"
    jobs = [key("ONE", "1"), key("THEIRS", "2")]
    assert run(system, "suspended", record=record)["jobs"] == jobs
    system.job("LATER", "77", "S")
    jobs = [key("LATER", "77"), *jobs]
    assert run(system, "suspended", record=record)["jobs"] == jobs
    assert run(system, "released", record=record)["jobs"] == jobs


def test_a_record_without_foreign_jobs_is_read_as_before(tmp_path: Path) -> None:
    system = landscape(ONE="Z", THEIRS="Z")
    record = tmp_path / "r.json"
    Record(str(record), "jobs", "PRD").write({"jobs": [key("ONE", "1")]})
    with pytest.raises(Failed, match="THEIRS/2"):
        run(system, "released", record=str(record))
    assert run(system, "released", record=str(record), foreign="ignore")["jobs"] == [key("ONE", "1")]


@pytest.mark.parametrize("honoured", [False, True])
def test_jobs_to_keep_are_given_back_when_they_were_suspended(tmp_path: Path, honoured: bool) -> None:
    system = landscape(ONE="S", KEPT="S")
    if honoured:
        system.reports["BTCTRNS1"] = lambda: system.tables["TBTCO"][0].update(STATUS="Z")
    record = str(tmp_path / "r.json")
    there = run(system, "suspended", record=record, keep=["KE*"])
    assert there["jobs"] == ([] if honoured else [key("KEPT", "2")]) + [key("ONE", "1")]
    if honoured:
        system.tables["TBTCO"].pop(1)  # it ran and was deleted
    assert run(system, "released", record=record)["jobs"] == there["jobs"]
    assert set(system.statuses().values()) == {"S"}


def test_a_job_that_the_running_one_released_is_suspended_too() -> None:
    system = landscape(ONE="S", LONG="R")
    seen = at_end_of(system, "LONG", 12, lambda: list.append(system.tables["TBTCO"], row("NEXT", "77", "S")))
    result = run(system, "suspended", running_timeout=5)
    assert seen[0] > 12 and result["after"] == {"released": 0, "suspended": 2, "running": 0}
    assert result["jobs"] == [key("NEXT", "77"), key("ONE", "1")] and system.sent(OPEN) == 2


def test_a_job_that_the_running_one_released_is_no_success_when_nothing_was_to_be_done() -> None:
    system = landscape(ONE="Z", LONG="R")
    at_end_of(system, "LONG", 4, lambda: list.append(system.tables["TBTCO"], row("NEXT", "77", "S")))
    with pytest.raises(Failed, match="NEXT/77") as caught:
        run(system, "suspended", running_timeout=5)
    assert caught.value.reason == "still_released" and caught.value.facts["changed"] is False


def test_running_jobs_are_waited_for() -> None:
    system = landscape(ONE="S", LONG="R")
    seen = at_end_of(system, "LONG", 12, lambda: None)
    result = run(system, "suspended", running_timeout=5)
    assert seen[0] > 12 and result["running"] == [] and system.statuses() == {"ONE": "Z", "LONG": "F"}


def row(name: str, count: str, status: str) -> dict[str, str]:
    return {"JOBNAME": name, "JOBCOUNT": count, "STATUS": status}


@pytest.mark.parametrize("state", ["suspended", "released"])
@pytest.mark.parametrize("status", ["S", "Z"])
def test_a_job_of_the_module_that_stands_about_is_a_failure(state: str, status: str) -> None:
    system = landscape(ONE="S" if state == "suspended" else "Z")
    system.job("LANDSCAPE_BTCTRNS1_260101000000", "88", status)
    with pytest.raises(Failed, match="LANDSCAPE_BTCTRNS1_260101000000/88") as caught:
        run(system, state, foreign="ignore")
    assert caught.value.reason == "helper_left" and not system.sent(OPEN)


def test_a_report_that_still_runs_is_waited_for() -> None:
    system = landscape(ONE="S")
    name = "LANDSCAPE_BTCTRNS1_260101000000"
    system.job(name, "88", "R")
    with pytest.raises(TimedOut, match=f"{name}/88"):
        run(system, "suspended")
    at_end_of(system, name, 3, lambda: system.find("ONE", "1").update(STATUS="Z"))  # type: ignore[union-attr]
    assert not run(system, "suspended", helper_timeout=5)["changed"] and not system.sent(OPEN)


def test_recorded_jobs_that_are_back_are_no_matter_of_strangers(tmp_path: Path) -> None:
    system = landscape(ONE="S", THEIRS="Z")
    record = tmp_path / "r.json"
    Record(str(record), "jobs", "PRD").write({"jobs": [key("ONE", "1")], "foreign": [key("THEIRS", "2")]})
    result = run(system, "released", record=str(record))
    assert not result["changed"] and not record.exists() and system.statuses()["THEIRS"] == "Z"
    assert any("THEIRS/2" in text for text in result["warnings"])


def test_a_record_is_forgotten_only_when_all_its_jobs_were_proved(tmp_path: Path) -> None:
    system = landscape(ONE="S", TWO="S")
    record = tmp_path / "r.json"
    run(system, "suspended", record=str(record))
    assert run(system, "released", record=str(record), jobs=[key("ONE", "1")])["changed"]
    assert record.exists() and system.statuses() == {"ONE": "S", "TWO": "S"}
    assert run(system, "released", record=str(record))["jobs"] == [key("ONE", "1"), key("TWO", "2")]
    assert not record.exists()


@pytest.mark.parametrize("status", ["A", "R"])
def test_a_report_that_went_wrong_is_a_change(status: str) -> None:
    system = landscape(ONE="S")
    system.after_start, system.reports = status, {}
    with pytest.raises((Failed, TimedOut)) as caught:
        run(system, "suspended")
    assert caught.value.facts["changed"] is True and caught.value.facts["jobs"] == [key("ONE", "1")]
    assert caught.value.facts["steps"][0]["outcome"] == "failed"


@pytest.mark.parametrize(
    "kept", [[], {"jobs": [1]}, {"jobs": "ONE"}, {"jobs": [{"name": "ONE"}]}, {"jobs": [], "foreign": [{"name": 1}]}]
)
def test_a_record_with_another_content_is_bad_input(tmp_path: Path, kept: Any) -> None:
    record = tmp_path / "r.json"
    head = {"format": 1, "purpose": "jobs", "sid": "PRD", "client": ""}
    record.write_text(json.dumps({**head, "kept": kept}), encoding="utf-8")
    with pytest.raises(BadInput, match="record"):
        run(landscape(ONE="Z"), "released", record=str(record))


def test_what_is_kept_elsewhere_serves_like_a_record() -> None:
    system = landscape(ONE="S", THEIRS="Z")
    kept = carry_out(operation(system, "suspended", foreign="ignore"), check_mode=True)["kept"]
    assert kept == {"sid": "PRD", "jobs": [key("ONE", "1")], "foreign": [key("THEIRS", "2")]}
    assert system.statuses() == {"ONE": "S", "THEIRS": "Z"} and not system.sent(OPEN)
    system.job("LATER", "77", "S")  # between the look and the report
    first = operation(system, "suspended", kept=kept, foreign="ignore")
    action = next(action for action in first.plan(first.look()) if action.name == "suspend")
    assert action.act is not None
    action.act()  # the controller dies before it proves anything
    again = run(system, "suspended", kept=kept, foreign="ignore")
    assert not again["changed"] and again["kept"]["jobs"] == [key("LATER", "77"), key("ONE", "1")]
    with pytest.raises(Failed, match="THEIRS/2"):
        run(system, "released", kept=kept)
    back = run(system, "released", kept=kept, foreign="ignore")
    assert back["jobs"] == [key("LATER", "77"), key("ONE", "1")]
    assert not run(system, "released", kept=kept)["changed"]


def test_what_is_kept_about_another_system_is_refused() -> None:
    with pytest.raises(Denied, match="'QAS', not 'PRD'"):
        run(landscape(ONE="Z"), "released", kept={"sid": "QAS", "jobs": [key("ONE", "1")], "foreign": []})


@pytest.mark.parametrize("jobs", [[{"name": "ONE"}], [{"name": 1, "count": "1"}]])
def test_what_is_kept_with_another_content_is_bad_input(jobs: Any) -> None:
    with pytest.raises(BadInput, match="what is kept"):
        run(landscape(ONE="Z"), "released", kept={"sid": "PRD", "jobs": jobs, "foreign": []})


def test_names_with_small_letters_are_other_names(tmp_path: Path) -> None:
    system = landscape(Nightly_Load="S", NIGHTLY_LOAD="F")
    system.tables["TBTCO"][1]["JOBCOUNT"] = "1"
    record = str(tmp_path / "r.json")
    assert run(system, "suspended", record=record)["jobs"] == [key("Nightly_Load", "1")]
    again = run(system, "suspended", record=record)
    assert again["jobs"] == again["kept"]["jobs"] == [key("Nightly_Load", "1")]
    assert run(system, "released", jobs=again["jobs"])["jobs"] == [key("Nightly_Load", "1")]
    back = run(system, "released", record=record)
    assert back["jobs"] == [key("Nightly_Load", "1")] and back["warnings"] == []


def test_a_failure_tells_what_is_held_back_by_then() -> None:
    system = landscape(ONE="S", LONG="R", OLD="Z")
    suspend = system.reports["BTCTRNS1"]

    def report() -> None:
        system.job("NEXT", "77", "S")
        suspend()

    system.reports["BTCTRNS1"] = report
    with pytest.raises(TimedOut) as caught:
        run(system, "suspended", foreign="ignore", kept={"sid": "PRD", "jobs": [], "foreign": [key("OLD", "3")]})
    jobs = [key("NEXT", "77"), key("ONE", "1")]
    assert caught.value.facts["jobs"] == jobs
    assert caught.value.facts["kept"] == {"sid": "PRD", "jobs": jobs, "foreign": [key("OLD", "3")]}


def test_a_look_that_fails_after_the_report_tells_what_is_held_back() -> None:
    system = landscape(ONE="S")
    suspend = system.reports["BTCTRNS1"]

    def report() -> None:
        suspend()
        system.job("ODD", "77", "Q")

    system.reports["BTCTRNS1"] = report
    with pytest.raises(Failed) as caught:
        run(system, "suspended")
    assert caught.value.reason == "status_unknown" and caught.value.facts["kept"]["jobs"] == [key("ONE", "1")]


@pytest.mark.parametrize("deleted", [False, True])
def test_what_began_before_the_report_ran_is_not_held_back(tmp_path: Path, deleted: bool) -> None:
    system = landscape(ONE="S", SOON="S")
    suspend = system.reports["BTCTRNS1"]

    def report() -> None:
        if deleted:
            system.tables["TBTCO"].pop(1)
        else:
            system.tables["TBTCO"][1]["STATUS"] = "F"
        suspend()

    system.reports["BTCTRNS1"] = report
    record = tmp_path / "r.json"
    there = run(system, "suspended", record=str(record))
    assert there["jobs"] == there["kept"]["jobs"] == [key("ONE", "1")]
    assert json.loads(record.read_text(encoding="utf-8"))["kept"]["jobs"] == [key("ONE", "1")]
    back = run(system, "released", record=str(record))
    assert back["jobs"] == [key("ONE", "1")] and back["warnings"] == []


def test_what_an_earlier_run_kept_and_is_not_suspended_any_more_is_not_held_back() -> None:
    system = landscape(ONE="Z", RAN="F", LONG="R")
    jobs = [key("GONE", "9"), key("ONE", "1"), key("RAN", "2")]
    kept = {"sid": "PRD", "jobs": jobs[::-1], "foreign": []}
    with pytest.raises(TimedOut) as caught:
        run(system, "suspended", kept=kept)
    assert caught.value.facts["kept"] == {**kept, "jobs": jobs}
    at_end_of(system, "LONG", 4, lambda: None)
    assert run(system, "suspended", kept=kept, running_timeout=5)["kept"]["jobs"] == [key("ONE", "1")]


def test_nothing_is_taken_out_of_the_record_before_the_proof(tmp_path: Path) -> None:
    system = landscape(ONE="S", TWO="S")
    system.reports["BTCTRNS1"] = lambda: system.tables["TBTCO"][0].update(STATUS="Z")
    record = tmp_path / "r.json"
    with pytest.raises(Failed) as caught:
        run(system, "suspended", record=str(record))
    both = [key("ONE", "1"), key("TWO", "2")]
    assert caught.value.reason == "still_released" and caught.value.facts["jobs"] == both
    assert json.loads(record.read_text(encoding="utf-8"))["kept"]["jobs"] == both


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("state", "given"),
    [
        ("released", {"jobs": []}),
        ("released", {"kept": {"sid": "PRD", "jobs": [], "foreign": [key("OLD", "1"), key("OTHER", "2")]}}),
        ("released", {"jobs": [key("BACK", "3")]}),
        ("suspended", {"keep": ["BACK"]}),
        ("suspended", {"keep": ["BACK"], "foreign": "ignore"}),
    ],
)
def test_foreign_jobs_that_stay_suspended_are_told(state: str, given: dict[str, Any], check_mode: bool) -> None:
    system = landscape(OLD="Z", OTHER="Z", BACK="S")
    result = carry_out(operation(system, state, **given), check_mode=check_mode)
    assert not result["changed"] and not system.sent(OPEN)
    assert result["warnings"] == ["2 jobs that are not among those to give back stay suspended: OLD/1, OTHER/2"]


def test_our_own_that_stay_suspended_are_no_warning() -> None:
    system = landscape(ONE="S")
    kept = run(system, "suspended")["kept"]
    assert run(system, "suspended", kept=kept)["warnings"] == []
    back = run(system, "released", kept=kept)
    assert back["changed"] and back["warnings"] == []
    assert run(system, "released", jobs=[])["warnings"] == []


def given_back(system: System, *ran: str, new: str = "") -> None:
    """What happens when somebody runs BTCTRNS2: what is overdue has run at once, and has a next one."""
    for found in list.__iter__(system.tables["TBTCO"]):
        if found["STATUS"] == "Z":
            found["STATUS"] = "F" if found["JOBNAME"] in ran else "S"
    if new:
        list.append(system.tables["TBTCO"], row(new, "99", "S"))


@pytest.mark.parametrize("ran", [(), ("ONE",), ("ONE", "TWO")])
@pytest.mark.parametrize("resumed", [False, True])
def test_what_somebody_gave_back_meanwhile_is_not_suspended_again(resumed: bool, ran: tuple[str, ...]) -> None:
    system = landscape(ONE="S", TWO="S", LONG="R")
    kept = None
    if resumed:
        kept = run(system, "suspended", running="ignore")["kept"]
    sent = system.sent(OPEN)
    at_end_of(system, "LONG", 4 if resumed else 12, lambda: given_back(system, *ran, new="ONE"))
    with pytest.raises(Failed, match="somebody gave them back") as caught:
        run(system, "suspended", running_timeout=5, kept=kept)
    assert caught.value.reason == "released_meanwhile"
    assert [job["name"] for job in caught.value.facts["released_meanwhile"]] == ["ONE", "TWO"]
    assert system.sent(OPEN) == (sent if resumed else 1) and "Z" not in system.statuses().values()
    assert caught.value.facts["changed"] is not resumed
    again = run(system, "suspended", kept=kept)  # somebody wants it, who looked
    assert again["changed"] and key("ONE", "99") in again["jobs"]


def test_what_somebody_gives_back_right_after_the_report_is_not_suspended_again() -> None:
    system = landscape(ONE="S", OLD="Z")
    suspend = system.reports["BTCTRNS1"]

    def report() -> None:
        suspend()
        given_back(system)

    system.reports["BTCTRNS1"] = report
    with pytest.raises(Failed, match="OLD/2") as caught:
        run(system, "suspended", foreign="ignore")
    assert caught.value.reason == "released_meanwhile" and system.sent(OPEN) == 1


def test_a_job_that_was_deleted_meanwhile_keeps_nothing_from_being_suspended() -> None:
    system = landscape(ONE="S", TWO="S", LONG="R")

    def deleted() -> None:
        list.pop(system.tables["TBTCO"], 0)
        list.append(system.tables["TBTCO"], row("NEXT", "77", "S"))

    at_end_of(system, "LONG", 12, deleted)
    assert run(system, "suspended", running_timeout=5)["jobs"] == [key("NEXT", "77"), key("TWO", "2")]


@pytest.mark.parametrize("how", ["kept", "record"])
def test_with_a_record_what_the_running_one_released_is_suspended_when_it_is_tried_again(
    tmp_path: Path, how: str
) -> None:
    system = landscape(ONE="S", LONG="R")
    given: dict[str, Any] = {"record": str(tmp_path / "r.json")} if how == "record" else {}
    kept = run(system, "suspended", running="ignore", **given)["kept"]
    given = given or {"kept": kept}
    at_end_of(system, "LONG", 4, lambda: list.append(system.tables["TBTCO"], row("NEXT", "77", "S")))
    result = run(system, "suspended", running_timeout=5, **given)
    assert result["changed"] and [step["name"] for step in result["steps"]] == ["wait", "prove"]
    assert result["jobs"] == result["kept"]["jobs"] == [key("NEXT", "77"), key("ONE", "1")]
    assert result["after"] == {"released": 0, "suspended": 2, "running": 0} and system.sent(OPEN) == 2
    assert run(system, "released", **(given if how == "record" else {"kept": result["kept"]}))["changed"]


def test_a_report_that_is_run_again_and_goes_wrong_is_a_change() -> None:
    system = landscape(ONE="S", LONG="R")
    kept = run(system, "suspended", running="ignore")["kept"]
    at_end_of(system, "LONG", 4, lambda: list.append(system.tables["TBTCO"], row("NEXT", "77", "S")))
    system.after_start = "A"
    with pytest.raises(Failed) as caught:
        run(system, "suspended", running_timeout=5, kept=kept)
    assert caught.value.reason == "job_cancelled" and caught.value.facts["changed"] is True
    assert caught.value.facts["kept"]["jobs"] == [key("NEXT", "77"), key("ONE", "1")]
    assert caught.value.facts["steps"][-1]["outcome"] == "failed"


def test_what_may_be_suspended_again_is_no_change_in_check_mode() -> None:
    system = landscape(ONE="Z", LONG="R")
    kept = {"sid": "PRD", "jobs": [key("ONE", "1")], "foreign": []}
    result = carry_out(operation(system, "suspended", kept=kept), check_mode=True)
    assert not result["changed"] and [step["name"] for step in result["steps"]] == ["wait", "prove"]
    at_end_of(system, "LONG", 4, lambda: None)
    assert not run(system, "suspended", kept=kept, running_timeout=5)["changed"]


def test_where_no_job_may_run_one_that_began_before_the_report_is_a_failure() -> None:
    system = landscape(ONE="S", SOON="S", LOOP="S")
    suspend = system.reports["BTCTRNS1"]

    def report() -> None:
        for name, count in (("SOON", "2"), ("LOOP", "3")):
            system.find(name, count).update(STATUS="R")  # type: ignore[union-attr]
        suspend()

    system.reports["BTCTRNS1"] = report
    with pytest.raises(Failed, match="1 jobs run: SOON/2; they began before BTCTRNS1 ran") as caught:
        run(system, "suspended", running="fail", running_ignore=["LOOP"])
    assert caught.value.reason == "jobs_running" and caught.value.facts["changed"] is True
    assert system.statuses() == {"ONE": "Z", "SOON": "R", "LOOP": "R"}
    assert caught.value.facts["jobs"] == caught.value.facts["kept"]["jobs"] == [key("ONE", "1")]


@pytest.mark.parametrize("state", ["suspended", "released"])
def test_a_free_work_process_is_waited_for(state: str) -> None:
    system = landscape(ONE="S" if state == "suspended" else "Z")
    system.free = [0, 0, 2]
    assert run(system, state, helper_timeout=5, foreign="ignore")["changed"]
    assert system.sent(RESOURCES) == 3 and system.sent(OPEN) == 1


def test_without_a_free_work_process_nothing_is_made() -> None:
    system = landscape(ONE="S")
    system.free = [0]
    with pytest.raises(TimedOut, match="all are busy") as caught:
        run(system, "suspended")
    assert caught.value.reason == "no_work_process" and caught.value.facts["changed"] is False
    assert not system.sent(OPEN) and system.statuses() == {"ONE": "S"}


def test_where_the_system_does_not_tell_about_work_processes_the_start_shows_it() -> None:
    system = landscape(ONE="S")
    system.free = []
    assert run(system, "suspended")["changed"]
    assert system.sent(RESOURCES) == 1
