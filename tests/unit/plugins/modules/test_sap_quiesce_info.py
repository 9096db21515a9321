# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_quiesce_info counts, when it does not know, how long it waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Conversation, Lost, Raised
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import Link
from ansible_collections.basis.landscape.plugins.modules import sap_quiesce_info
from ansible_collections.basis.landscape.plugins.modules.sap_quiesce_info import see, spec
from tests.unit.plugins.module_utils._rfc.system import ADDRESS
from tests.unit.plugins.module_utils.steppedclock import SteppedClock

WHO = {"RFCSI_EXPORT": {"RFCSYSID": "PRD", "RFCDEST": "app_PRD_00"}}
ONE_SERVER = {"LIST": [{"NAME": "app_PRD_00"}]}


class Answers(Conversation):
    """A system that answers each function in one way."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = {"RFC_SYSTEM_INFO": WHO, "TH_SERVER_LIST": ONE_SERVER, **answers}

    def call(self, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.answers[function]
        found = answer(parameters) if callable(answer) else answer
        if isinstance(found, Exception):
            raise found
        return dict(found)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs one check against given answers."""

    def asked(
        check: str,
        answers: dict[str, Any],
        clock: SteppedClock | None = None,
        further: Mapping[str, dict[str, Any]] | None = None,
        **given: Any,
    ) -> dict[str, Any]:
        params = {name: option.get("default") for name, option in spec().options.items()}
        params.update(rfc_host="app", rfc_instance="00", rfc_client="100", rfc_user="auto", rfc_password="p")
        params.update(checks=[check], **given)
        systems = {"app": Answers(answers)}
        systems.update({host: Answers(theirs) for host, theirs in (further or {}).items()})
        if further:
            params["servers"] = [{"host": host, "instance": "00"} for host in further]

        def connect(params: dict[str, Any]) -> Client:
            return Client(Link(ADDRESS, lambda _address: systems[params["rfc_host"]]))

        monkeypatch.setattr(sap_quiesce_info, "connect", connect)
        told = see(params, clock or SteppedClock())
        return {**told, "one": told["checks"][check]}

    return asked


def users(*names: str) -> dict[str, Any]:
    return {"LIST": [{"MANDT": "100", "BNAME": name, "ZEIT": "093102"} for name in names]}


def test_sessions_that_both_tables_have_are_counted_once(ask: Callable[..., dict[str, Any]]) -> None:
    both = {**users("MILLER", "AUTO"), "USRLIST": users("MILLER", "SMITH")["LIST"]}
    told = ask("users", {"TH_USER_LIST": both})
    assert told["one"]["count"] == 2 and [row["user"] for row in told["users"]] == ["MILLER", "SMITH"]
    assert told["users"][0]["time"] == "09:31:02"


@pytest.mark.parametrize("answer", [{}, {"OTHER": []}, {"LIST": [{"USER": "X"}]}])
def test_users_in_another_form_are_unknown(ask: Callable[..., dict[str, Any]], answer: dict[str, Any]) -> None:
    told = ask("users", {"TH_USER_LIST": answer})
    assert told["one"]["verdict"] == "unknown" and told["users"] is None and not told["quiet"]


def test_users_of_servers_that_were_not_asked_are_unknown(ask: Callable[..., dict[str, Any]]) -> None:
    servers = {"LIST": [{"NAME": "app_PRD_00"}, {"NAME": "app2_PRD_00"}]}
    answers = {"TH_USER_LIST": users(), "TH_SERVER_LIST": servers}
    told = ask("users", answers)
    assert told["one"]["verdict"] == "unknown" and "app2_PRD_00" in told["bad"][0] and told["users"] == []
    assert ask("users", answers, other_servers="ignore")["quiet"]
    assert ask("users", {**answers, "TH_USER_LIST": users("MILLER")})["one"]["verdict"] == "bad"


def test_users_of_named_servers_are_counted_and_one_that_cannot_be_asked_is_not_forgotten(
    ask: Callable[..., dict[str, Any]],
) -> None:
    servers = {"LIST": [{"NAME": "app_PRD_00"}, {"NAME": "app2_PRD_00"}]}
    here = {"TH_USER_LIST": users("MILLER"), "TH_SERVER_LIST": servers}
    there = {"RFC_SYSTEM_INFO": {"RFCSI_EXPORT": {"RFCSYSID": "PRD", "RFCDEST": "app2_PRD_00"}}}
    there["TH_USER_LIST"] = users("MILLER", "SMITH")
    told = ask("users", here, further={"app2": there, "same": here}, limits={"users": 2})
    assert told["quiet"] and told["one"]["count"] == 2 and len(told["users"]) == 3
    assert told["one"]["evidence"]["not_asked"] == []
    assert ask("users", here, further={"app2": there}, limits={"users": 1})["one"]["verdict"] == "bad"
    away = {"RFC_SYSTEM_INFO": Lost("away")}
    told = ask("users", here, further={"app2": away}, limits={"users": 2}, other_servers="ignore")
    assert told["one"]["verdict"] == "unknown" and "app2_PRD_00" in told["bad"][0]
    other = {"RFC_SYSTEM_INFO": {"RFCSI_EXPORT": {"RFCSYSID": "QAS", "RFCDEST": "app2_QAS_00"}}}
    told = ask("users", here, further={"app2": other}, limits={"users": 2})
    assert told["one"]["verdict"] == "unknown" and "QAS" in told["bad"][0]


def test_work_processes_of_every_server_are_asked_but_for_the_one_that_answers(
    ask: Callable[..., dict[str, Any]],
) -> None:
    servers = {"LIST": [{"NAME": "app_PRD_00"}, {"NAME": "app2_PRD_00"}]}
    rows = {
        "app_PRD_00": [
            {"WP_NO": "0", "WP_TYP": "DIA", "WP_STATUS": "Running", "WP_REPORT": "SAPLTHFB", "WP_BNAME": "AUTO"}
        ],
        "app2_PRD_00": [
            {"WP_NO": "1", "WP_TYP": "UPD", "WP_STATUS": "on hold"},
            {"WP_NO": "2", "WP_STATUS": "Waiting"},
        ],
    }

    def answer(given: Mapping[str, Any]) -> dict[str, Any]:
        return {"WPLIST": rows[given["SRVNAME"]]}

    told = ask("work_processes", {"TH_SERVER_LIST": servers, "TH_WPINFO": answer})
    assert told["one"]["count"] == 1 and "UPD 1 on app2_PRD_00" in told["bad"][0]
    rows["app2_PRD_00"] = []
    assert ask("work_processes", {"TH_SERVER_LIST": servers, "TH_WPINFO": answer})["one"]["verdict"] == "unknown"


@pytest.mark.parametrize(
    "answer", [{}, {"ENQ": [], "NUMBER": 3}, {"ENQ": [], "NUMBER": 0, "SUBRC": 4}, Raised("COMMUNICATION_FAILURE", "")]
)
def test_locks_that_are_not_told_are_unknown(ask: Callable[..., dict[str, Any]], answer: Any) -> None:
    told = ask("locks", {"ENQUEUE_READ": answer})
    assert told["one"]["verdict"] == "unknown" and "EnqGetLockTable" in told["bad"][0]


def test_locks_are_asked_for_by_blanks_since_what_is_left_out_stands_for_oneself(
    ask: Callable[..., dict[str, Any]],
) -> None:
    asked: list[Mapping[str, Any]] = []

    def read(given: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(given)
        return {"ENQ": [], "NUMBER": 0, "SUBRC": 0}

    ask("locks", {"ENQUEUE_READ": read})
    assert asked == [{"GCLIENT": "", "GNAME": "", "GARG": "", "GUNAME": ""}]


def test_a_queue_that_does_not_say_how_deep_it_is_is_unknown(ask: Callable[..., dict[str, Any]]) -> None:
    answer = {"QVIEW": [{"QNAME": "A", "QSTATE": "READY"}]}
    assert ask("inbound_queues", {"TRFC_QIN_GET_CURRENT_QUEUES": answer})["one"]["verdict"] == "unknown"
    empty = {"QVIEW": [{"QNAME": "A", "QDEEP": 0}]}
    assert ask("inbound_queues", {"TRFC_QIN_GET_CURRENT_QUEUES": empty})["one"]["count"] == 1, "listed is not empty"


@pytest.mark.parametrize(
    ("time", "answer", "verdict"),
    [
        ("Date: 20260302 Time: 093000", Raised("NO_DATA_FOUND", ""), "good"),
        ("Date: 20260302 Time: 093000", {"ET_E2E_LOG": []}, "good"),
        ("Date: 20260302 Time: 093000", {"ET_E2E_LOG": [{"E2E_DATE": "20260302", "E2E_TIME": "092900"}]}, "bad"),
        ("Date: 20260302 Time: 093000", {"ET_E2E_LOG": [{"OTHER": ""}]}, "unknown"),
        ("Date: 20260302 Time: 093000", {}, "unknown"),
        ("Date: 20260302 Time: 093000", Raised("OTHER", ""), "unknown"),
        ("2 March", {"ET_E2E_LOG": []}, "unknown"),
        ("Date: 20269999 Time: 093000", {"ET_E2E_LOG": []}, "unknown"),
    ],
)
def test_short_dumps(ask: Callable[..., dict[str, Any]], time: str, answer: Any, verdict: str) -> None:
    asked: list[Mapping[str, Any]] = []

    def log(given: Mapping[str, Any]) -> Any:
        asked.append(given)
        return answer

    told = ask("short_dumps", {"STFC_CONNECTION": {"RESPTEXT": time}, "/SDF/GET_DUMP_LOG": log})
    assert told["one"]["verdict"] == verdict
    for given in asked:
        assert (given["DATE_FROM"], given["TIME_FROM"], given["TIME_TO"]) == ("20260302", "091500", "093100")


@pytest.mark.parametrize("dumps", ["", "many"])
def test_dumps_that_work_processes_do_not_count_are_unknown(ask: Callable[..., dict[str, Any]], dumps: str) -> None:
    answer = {"WPLIST": [{"WP_NO": "0", "WP_STATUS": "Waiting", "WP_DUMPS": dumps}]}
    told = ask("short_dumps", {"TH_WPINFO": answer}, dump_source="work_processes")
    assert told["one"]["verdict"] == "unknown"


def test_a_job_in_a_status_that_is_not_known_is_unknown(ask: Callable[..., dict[str, Any]]) -> None:
    told = ask("jobs", {"RFC_READ_TABLE": jobs("X")})
    assert told["one"]["verdict"] == "unknown" and told["running"] is None


def test_jobs_beyond_those_that_were_read_are_not_good(ask: Callable[..., dict[str, Any]]) -> None:
    told = ask("jobs", {"RFC_READ_TABLE": jobs("R", 5)}, count_up_to=3, jobs_ignore=["J*"])
    assert told["one"]["count"] == 0 and told["one"]["verdict"] == "unknown" and told["one"]["more"]


@pytest.mark.parametrize("check", ["jobs", "updates", "trfc", "batch_input", "spool"])
def test_a_system_that_skips_no_rows_is_unknown_and_not_full(ask: Callable[..., dict[str, Any]], check: str) -> None:
    def read(given: Mapping[str, Any]) -> dict[str, Any]:
        return every({**given, "ROWSKIPS": 0})

    every = jobs("R", 6000)
    told = ask(check, {"RFC_READ_TABLE": read})
    assert told["one"]["verdict"] == "unknown" and "same 5000 rows" in told["one"]["words"]
    assert ask(check, {"RFC_READ_TABLE": every})["one"]["count"] == 6000


def jobs(status: str, count: int = 1) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def read(given: Mapping[str, Any]) -> dict[str, Any]:
        fields, rows, place = [], [""] * max(0, min(count - given["ROWSKIPS"], given["ROWCOUNT"])), 0
        for row in given["FIELDS"]:
            name = row["FIELDNAME"]
            fields.append({"FIELDNAME": name, "OFFSET": f"{place:06d}", "LENGTH": "000010"})
            place += 10
            for at, _row in enumerate(rows):
                number = given["ROWSKIPS"] + at
                key = {"JOBNAME", "VBKEY", "ARFCTIME", "QID", "RQIDENT"}
                rows[at] += {**dict.fromkeys(key, f"J{number}"), "STATUS": status}.get(name, "").ljust(10)
        return {"FIELDS": fields, "DATA": [{"WA": row} for row in rows] if not given["NO_DATA"] else []}

    return read


def test_it_waits_until_the_last_is_gone(ask: Callable[..., dict[str, Any]]) -> None:
    clock = SteppedClock()
    answers = {"TH_USER_LIST": lambda _given: users("MILLER") if clock.now() < 60 else users()}
    told = ask("users", answers, clock, wait_timeout=600)
    assert told["quiet"] and clock.now() == 60 and told["waited_seconds"] == 60


def test_a_wait_ends_with_what_was_seen_last(ask: Callable[..., dict[str, Any]]) -> None:
    clock = SteppedClock()
    told = ask("users", {"TH_USER_LIST": users("MILLER")}, clock, wait_timeout=600)
    assert not told["quiet"] and clock.now() == 600 and told["users"]
    with pytest.raises(Failed, match="MILLER") as caught:
        ask("users", {"TH_USER_LIST": users("MILLER")}, clock, wait_timeout=600, fail_when_busy=True)
    assert caught.value.reason == "not_quiet" and caught.value.facts["checks"]["users"]["count"] == 1


def test_a_wait_for_what_stays_unknown_is_given_up(ask: Callable[..., dict[str, Any]]) -> None:
    clock = SteppedClock()
    assert not ask("users", {"TH_USER_LIST": {}}, clock, wait_timeout=6000)["quiet"]
    assert clock.now() == 60


@pytest.mark.parametrize(
    "given",
    [
        {"limits": {"users": -1}},
        {"limits": {"users": 100000}},
        {"rows": -1},
        {"dump_minutes": 0},
        {"wait_timeout": -1.0},
        {"servers": [{"host": "app2", "instance": "00"}], "rfc_url": "https://app/sap/bc/soap/rfc"},
    ],
)
def test_options_that_cannot_be_right(ask: Callable[..., dict[str, Any]], given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        ask("users", {"TH_USER_LIST": users()}, **given)
