# SPDX-License-Identifier: GPL-3.0-or-later
"""Background jobs of the simulated ABAP: their states, logs, work processes, what suspends them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.simulator.abap.stage import EXTERNAL, PRINTED, QUIET, Stage


def refused(answer: dict[str, Any]) -> str:
    """The text of a refusal."""
    assert answer["RETURN"]["TYPE"] == "E", answer
    return str(answer["RETURN"]["MESSAGE"])


def test_from_scheduled_to_finished(stage: Stage) -> None:
    session = stage.logon(xmi=True)
    key = stage.make(session, "ZTEST", "RSUSR000", ALLPRIPAR=PRINTED)

    def status() -> str:
        return str(stage.call(session, "BAPI_XBP_JOB_STATUS_GET", **key)["STATUS"])

    assert status() == "P"
    stage.call(session, "BAPI_XBP_JOB_START_ASAP", **key, TARGET_SERVER="qasapp2_QAS_02")
    assert status() == "Y"
    stage.clock.advance(2)
    assert status() == "R"
    assert stage.rows(session, "TBTCO", "STATUS", "REAXSERVER", where=("JOBNAME = 'ZTEST'",)) == [
        ["R", "qasapp2_QAS_02"]
    ]
    stage.clock.advance(30)
    assert status() == "F"
    log = stage.call(session, "BAPI_XBP_JOB_JOBLOG_READ", **key, PROT_NEW="X")["JOB_PROTOCOL_NEW"]
    assert [(line["MSGID"], line["MSGNO"], line["MSGTYPE"]) for line in log] == [
        ("00", "516", "S"),
        ("00", "550", "S"),
        ("00", "517", "S"),
    ]
    assert stage.effects("job_opened", "job_released", "job_started", "job_finished") == [
        "job_opened",
        "job_released",
        "job_started",
        "job_finished",
    ]


def test_without_the_xmi_log_on_of_this_conversation(stage: Stage) -> None:
    stage.logon(xmi=True)
    other = stage.logon()
    answer = stage.call(other, "BAPI_XBP_JOB_OPEN", JOBNAME="Z", **EXTERNAL)
    assert (answer["RETURN"]["ID"], answer["RETURN"]["NUMBER"]) == ("XM", "028")
    assert stage.system.jobs.all() == []


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"ABAP_PROGRAM_NAME": "ZNONE"}, "Program ZNONE does not exist"),
        (
            {"ABAP_PROGRAM_NAME": "RSUSR000", "ABAP_VARIANT_NAME": "NIGHT"},
            "Variant NIGHT of program RSUSR000 does not exist",
        ),
        ({"ABAP_PROGRAM_NAME": "RSUSR000", "SAP_USER_NAME": "NOBODY"}, "User NOBODY does not exist"),
    ],
)
def test_steps_that_cannot_be(stage: Stage, step: dict[str, str], text: str) -> None:
    session = stage.logon(xmi=True)
    count = stage.call(session, "BAPI_XBP_JOB_OPEN", JOBNAME="Z", **EXTERNAL)["JOBCOUNT"]
    key = {"JOBNAME": "Z", "JOBCOUNT": count, **EXTERNAL}
    assert refused(stage.call(session, "BAPI_XBP_JOB_ADD_ABAP_STEP", **key, **step)) == text
    assert refused(stage.call(session, "BAPI_XBP_JOB_CLOSE", **key)).endswith("has no steps")


def test_selection_values_make_a_temporary_variant(stage: Stage) -> None:
    session = stage.logon(xmi=True)
    values = [{"SELNAME": "P", "KIND": "P", "LOW": "1"}]
    stage.make(session, "Z", "RSUSR000", SELINFO=values)
    assert stage.rows(session, "VARID", "REPORT", "VARIANT") == [["RSUSR000", "&0000000000000"]]
    assert stage.rows(session, "TBTCP", "VARIANT") == [["&0000000000000"]]
    assert stage.system.variants.contents("100", "RSUSR000", "&0000000000000") == {"P": "1"}


def test_a_list_only_with_print_parameters() -> None:
    stage = Stage(reports={"ZLIST": {"spool": ["one", "two"]}}, **QUIET)
    session = stage.logon(xmi=True)
    without, printed = stage.make(session, "A", "ZLIST"), stage.make(session, "B", "ZLIST", ALLPRIPAR=PRINTED)
    for key in (without, printed):
        stage.call(session, "BAPI_XBP_JOB_START_IMMEDIATELY", **key)
    stage.clock.advance(60)
    assert "no spool list" in refused(stage.call(session, "BAPI_XBP_JOB_SPOOLLIST_READ", **without, STEP_NUMBER=1))
    lines = stage.call(session, "BAPI_XBP_JOB_SPOOLLIST_READ", **printed, STEP_NUMBER=1)["SPOOL_LIST"]
    assert [line["LINE"] for line in lines] == ["one", "two"]
    assert stage.rows(session, "TBTCP", "JOBNAME", "LISTIDENT") == [["A", "0000000000"], ["B", "0000030001"]]
    single = stage.call(session, "BAPI_XBP_JOB_READ_SINGLE_SPOOL", SPOOL_REQUEST="0000030001", **EXTERNAL)
    assert single["SPOOL_LIST_PLAIN"] == lines


def test_work_processes_are_bounded() -> None:
    stage = Stage(background=1, **QUIET)
    session = stage.logon(xmi=True)
    for name in ("A", "B"):
        stage.submit(session, name, "RSUSR000")
    key = stage.make(session, "C", "RSUSR000")
    assert refused(stage.call(session, "BAPI_XBP_JOB_START_IMMEDIATELY", **key)).startswith(
        "No background work process"
    )
    stage.call(session, "BAPI_XBP_JOB_START_ASAP", **key, TARGET_SERVER="qasapp1_QAS_01")
    stage.clock.advance(2)
    assert stage.states() == {"A": "R", "B": "R", "C": "S"}
    free = stage.call(session, "BAPI_XBP_GET_CURR_BP_RESOURCES", **EXTERNAL)["RESOURCE_INFO"]
    assert [row["BTCWPFREE"].strip() for row in free] == ["0", "0"]
    rows = stage.call(session, "TH_WPINFO", SRVNAME="qasapp2_QAS_02")["WPLIST"]
    assert [(row["WP_STATUS"], row["WP_REPORT"]) for row in rows if row["WP_TYP"] == "BGD"] == [("Running", "RSUSR000")]
    stage.clock.advance(40)
    assert stage.states() == {"A": "F", "B": "F", "C": "R"}


def test_work_processes_come_and_go(stage: Stage) -> None:
    session = stage.logon(xmi=True)
    stage.submit(session, "A", "RSUSR000")
    stage.clock.advance(2)
    stage.system.set_processes(0)
    key = stage.make(session, "B", "RSUSR000")
    stage.call(session, "BAPI_XBP_JOB_START_ASAP", **key, TARGET_SERVER="qasapp1_QAS_01")
    assert stage.call(session, "TH_GET_PARAMETER", PARAMETER_NAME="rdisp/wp_no_btc")["PARAMETER_VALUE"] == "0"
    stage.clock.advance(100)
    assert stage.states() == {"A": "F", "B": "S"}
    stage.system.set_processes(1)
    assert stage.states() == {"A": "F", "B": "Y"}


def test_periodic_jobs_make_their_successor() -> None:
    stage = Stage(jobs=[{"name": "NIGHT", "report": "RSUSR000", "every": 3600, "next": 100, "seconds": 10}])
    stage.clock.advance(105)
    assert sorted(job.status for job in stage.system.jobs.all()) == ["R", "S"]
    stage.clock.advance(3600 * 30)
    jobs = stage.system.jobs.all()
    assert [job.status for job in jobs].count("S") == 1
    assert [job.status for job in jobs].count("F") == 20, "older runs are cleaned up"
    assert len({job.key for job in jobs}) == len(jobs)


def test_suspended_and_released_again() -> None:
    stage = Stage(
        jobs=[
            {"name": "SOON", "report": "RSUSR000", "next": 100},
            {"name": "LATE", "report": "RSUSR000", "next": 10000, "client": "000", "user": "DDIC"},
            {"name": "LONG", "report": "RSUSR000", "next": 0, "seconds": 1000},
            {"name": "DRAFT", "report": "RSUSR000", "status": "P"},
        ]
    )
    session = stage.logon(xmi=True)
    stage.clock.advance(5)
    stage.submit(session, "OFF", "BTCTRNS1")
    stage.clock.advance(10)
    assert stage.states() == {"SOON": "Z", "LATE": "Z", "LONG": "R", "DRAFT": "P", "OFF": "F"}
    after = stage.submit(session, "AFTER", "RSUSR000")
    stage.clock.advance(200)
    assert after.status == "F", "jobs made later are not suspended"
    assert stage.states()["SOON"] == "Z"
    before = {job.name: job.planned for job in stage.system.jobs.all()}
    stage.submit(session, "ON", "BTCTRNS2")
    stage.clock.advance(10)
    assert stage.states() == {
        "SOON": "R",
        "LATE": "S",
        "LONG": "R",
        "DRAFT": "P",
        "OFF": "F",
        "ON": "F",
        "AFTER": "F",
    }, "what is overdue starts at once"
    late = next(job for job in stage.system.jobs.all() if job.name == "LATE")
    assert late.planned == before["LATE"]
    assert stage.effects("jobs_suspended", "jobs_released") == ["jobs_suspended", "jobs_released"]


def test_jobs_die_with_their_instance(stage: Stage) -> None:
    session = stage.logon(xmi=True)
    running = stage.make(session, "A", "RSUSR000")
    elsewhere = stage.make(session, "B", "RSUSR000")
    stage.call(session, "BAPI_XBP_JOB_START_ASAP", **running, TARGET_SERVER="qasapp2_QAS_02")
    stage.call(session, "BAPI_XBP_JOB_START_ASAP", **elsewhere, TARGET_SERVER="qasapp1_QAS_01")
    stage.clock.advance(2)
    stage.landscape.set_host(stage.landscape.hosts["qasapp2"], False)
    assert stage.states() == {"A": "A", "B": "R"}
    log = stage.call(session, "BAPI_XBP_JOB_JOBLOG_READ", **running, PROT_NEW="X")["JOB_PROTOCOL_NEW"]
    assert (log[-1]["MSGID"], log[-1]["MSGNO"], log[-1]["MSGTYPE"]) == ("00", "554", "A")
    stage.clock.advance(60)
    assert stage.states() == {"A": "A", "B": "F"}


def test_due_jobs_wait_for_an_instance() -> None:
    stage = Stage(jobs=[{"name": "DUE", "report": "RSUSR000", "next": 50}])
    for name in ("QAS/qasapp1/D01", "QAS/qasapp2/D02"):
        stage.landscape.stop(stage.landscape.instances[name], 0, "test")
    stage.clock.advance(100)
    assert (stage.engine.serving(), stage.states()) == (False, {"DUE": "S"})
    stage.landscape.start(stage.landscape.instances["QAS/qasapp1/D01"], "test")
    stage.clock.advance(80)
    assert stage.states() == {"DUE": "R"}


def test_jobs_die_with_the_database(stage: Stage) -> None:
    session = stage.logon(xmi=True)
    stage.submit(session, "A", "RSUSR000")
    stage.clock.advance(2)
    stage.landscape.set_host(stage.landscape.hosts["qasdb"], False)
    assert stage.states() == {"A": "A"}


def test_a_job_that_never_ends(stage: Stage) -> None:
    fault = stage.faults.add({"name": "job_never_ends", "job": "A"})
    session = stage.logon(xmi=True)
    stage.submit(session, "A", "RSUSR000")
    stage.submit(session, "B", "RSUSR000")
    stage.clock.advance(100_000)
    assert stage.states() == {"A": "R", "B": "F"}
    stage.faults.remove(ident=fault.id)
    assert stage.states()["A"] == "F"


def test_a_job_that_is_cancelled(stage: Stage) -> None:
    stage.faults.add({"name": "job_cancelled", "job": "A", "times": 1})
    session = stage.logon(xmi=True)
    for _count in range(2):
        stage.submit(session, "A", "RSUSR000")
        stage.clock.advance(60)
    assert sorted(job.status for job in stage.system.jobs.all()) == ["A", "F"]


def test_abort_and_delete(stage: Stage) -> None:
    session = stage.logon(xmi=True)
    job = stage.submit(session, "A", "RSUSR000")
    key = {"JOBNAME": "A", "JOBCOUNT": job.count, **EXTERNAL}
    stage.clock.advance(2)
    assert "cannot be deleted" in refused(stage.call(session, "BAPI_XBP_JOB_DELETE", **key))
    stage.call(session, "BAPI_XBP_JOB_ABORT", **key)
    assert job.status == "A"
    assert "not active" in refused(stage.call(session, "BAPI_XBP_JOB_ABORT", **key))
    stage.call(session, "BAPI_XBP_JOB_DELETE", **key)
    assert stage.system.jobs.all() == []
    assert "does not exist" in refused(stage.call(session, "BAPI_XBP_JOB_STATUS_GET", **key))


def test_the_traps_of_job_select(stage: Stage) -> None:
    session = stage.logon(xmi=True)
    stage.make(session, "A", "RSUSR000")

    def select(**more: str) -> int:
        given = {"JOBNAME": "*", "PRELIM": "X", **more}
        return len(stage.call(session, "BAPI_XBP_JOB_SELECT", JOB_SELECT_PARAM=given, **EXTERNAL)["SELECTED_JOBS"])

    assert (select(), select(USERNAME="*"), select(USERNAME="*", PRELIM="")) == (0, 1, 0)
    assert stage.call(session, "BAPI_XBP_JOB_COUNT", JOBNAME="*", **EXTERNAL)["NUMBER_OF_JOBS"] == 1


def test_jobs_without_a_session(stage: Stage) -> None:
    session = stage.logon()
    made = stage.call(session, "SUBST_START_REPORT_IN_BATCH", IV_JOBNAME="OFF", IV_REPNAME="BTCTRNS1")
    assert (made["EV_STARTRC"], made["EV_VARIWRC"]) == (0, 0)
    key = {"JOBNAME": "OFF", "JOBCOUNT": made["EV_JOBCOUNT"]}
    assert stage.call(session, "SUBST_CHECK_BATCHJOB", **key) == {"JOBSTATUS": "Y"}
    stage.clock.advance(10)
    assert stage.call(session, "SUBST_CHECK_BATCHJOB", **key) == {"JOBSTATUS": "F"}
    stage.call(session, "INST_EXECUTE_REPORT", PROGRAM="BTCTRNS2")
    assert stage.effects("jobs_suspended", "jobs_released") == ["jobs_suspended", "jobs_released"]
