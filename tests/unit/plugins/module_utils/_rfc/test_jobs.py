# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on their way: XBP is logged on to with each conversation, what was lost is looked up."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import (
    Jobs,
    Submission,
    Work,
    cancelled,
    fitting,
    good_name,
    wait_for_end,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Hopeless, Limits, NeverCame
from tests.unit.plugins.module_utils._rfc.system import System
from tests.unit.plugins.module_utils.steppedclock import SteppedClock

OPEN, ADD, CLOSE, START = (
    "BAPI_XBP_JOB_OPEN",
    "BAPI_XBP_JOB_ADD_ABAP_STEP",
    "BAPI_XBP_JOB_CLOSE",
    "BAPI_XBP_JOB_START_IMMEDIATELY",
)


def submit(system: System, before: frozenset[tuple[str, str]] = frozenset()) -> Submission:
    submission = Submission(Jobs(system.client()), "MINE", set(before))
    submission.open()
    submission.add(1, Work("RSX"))
    submission.close()
    submission.start("immediately")
    return submission


def test_a_job_is_sent_in_its_parts_with_one_logon() -> None:
    system = System()
    assert submit(system).key == ("MINE", "00000001")
    assert system.sent("BAPI_XMI_LOGON") == 1
    assert [system.sent(f) for f in (OPEN, ADD, CLOSE, START)] == [1, 1, 1, 1]


@pytest.mark.parametrize("function", [OPEN, ADD, CLOSE, START])
def test_what_happened_without_an_answer_is_seen_and_not_sent_again(function: str) -> None:
    system = System()
    system.lost_after = [function]
    submit(system)
    assert system.sent(function) == 1 and system.statuses() == {"MINE": "F"}
    assert len(system.tables["TBTCP"]) == 1


@pytest.mark.parametrize("function", [OPEN, ADD, START])
def test_what_cannot_be_seen_stays_unknown(function: str) -> None:
    system = System()
    system.lost_before = [function]
    with pytest.raises(Unknown, match="not sent again") as caught:
        submit(system)
    assert system.sent(function) == 0 and "Run it again" in (caught.value.cure or "")


def test_a_close_that_was_lost_before_does_not_matter() -> None:
    system = System()
    system.lost_before = [CLOSE]
    submit(system)
    assert system.statuses() == {"MINE": "F"}


def test_xbp_is_logged_on_to_again_after_a_loss() -> None:
    system = System()
    system.lost_after = [OPEN]
    submit(system)
    assert system.sent("BAPI_XMI_LOGON") == 2 == system.conversations


def test_a_name_that_others_use_too_is_no_proof() -> None:
    system = System()
    system.lost_after = [OPEN]
    system.job("MINE", "99999999", "P")
    with pytest.raises(Failed) as caught:
        submit(system)
    assert caught.value.reason == "name_not_unique"
    system = System()
    system.job("MINE", "99999999", "F")
    system.lost_after = [OPEN]
    assert submit(system, frozenset({("MINE", "99999999")})).key == ("MINE", "00000002")


def test_waiting_reads_the_table_and_no_log_of_xbp_grows() -> None:
    system, clock = System(), SteppedClock()
    system.job("LONG", "1", "R")
    jobs = Jobs(system.client())
    with pytest.raises(NeverCame) as caught:
        wait_for_end("wait", jobs, ("LONG", "1"), Limits(60, 5), clock)
    assert caught.value.last.status == "R" and clock.time == 60
    assert not [call for call in system.calls if "XBP" in call or "XMI" in call]


def test_a_loss_while_waiting_is_waited_out() -> None:
    system, clock = System(), SteppedClock()
    system.job("LONG", "1", "F")
    system.lost_before = ["RFC_READ_TABLE", "RFC_READ_TABLE"]
    assert wait_for_end("wait", Jobs(system.client()), ("LONG", "1"), Limits(60, 5), clock).status == "F"


@pytest.mark.parametrize(("status", "kind"), [("Z", Hopeless), ("Q", Failed), (None, Failed)])
def test_what_never_ends_is_given_up(status: str | None, kind: type) -> None:
    system, clock = System(), SteppedClock()
    if status:
        system.job("ODD", "1", status)
    with pytest.raises(kind):
        wait_for_end("wait", Jobs(system.client()), ("ODD", "1"), Limits(600, 5, grace=30), clock)
    assert clock.time <= 30


def test_a_cancelled_job_is_told_with_the_end_of_its_log() -> None:
    system = System()
    system.job("BAD", "1", "A")
    system.log = [{"MSGID": "00", "MSGNO": str(n), "MSGTYPE": "S", "TEXT": f"line {n}"} for n in range(100)]
    jobs = Jobs(system.client())
    job = jobs.one(("BAD", "1"))
    assert job is not None
    error = cancelled("run it", jobs, job)
    assert error.reason == "job_cancelled" and "line 99" in error.why and "line 5;" not in error.why


def test_jobs_of_another_client_are_not_ours() -> None:
    system = System()
    for count, status, client in (("1", "F", "000"), ("2", "F", "100"), ("3", "R", ""), ("4", "P", "")):
        system.job("MINE", count, status)
        system.tables["TBTCO"][-1]["AUTHCKMAN"] = client
    assert [job.number for job in Jobs(system.client()).named("MINE")] == ["2", "4"]


@pytest.mark.parametrize(
    "work",
    [
        Work("R" * 41),
        Work("R", "V" * 15),
        Work("R", user="U" * 13),
        Work("R", values=[{"SELNAME": "NAME_IS_9", "LOW": "", "HIGH": ""}]),
        Work("R", values=[{"SELNAME": "P", "LOW": "x" * 46, "HIGH": ""}]),
        Work("R", values=[{"SELNAME": "P", "LOW": "", "HIGH": "x" * 46}]),
    ],
)
def test_what_the_libraries_would_cut_is_refused(work: Work) -> None:
    with pytest.raises(BadInput) as caught:
        fitting("read the step", work)
    assert caught.value.reason == "too_long"


@pytest.mark.parametrize("name", ["", " ", "A" * 33, "A*B", "it's", "a\nb"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(BadInput):
        good_name(name)


def test_a_name_is_taken_in_capital_letters() -> None:
    assert good_name(" nightly job ") == "NIGHTLY JOB"
