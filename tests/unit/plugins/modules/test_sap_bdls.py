# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_bdls plans by the jobs of earlier runs, what it refuses, what it takes for proved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._operation import carry_out
from ansible_collections.basis.landscape.plugins.module_utils._rfc.bdls import Pair
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Address, Conversation, Raised
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import Link
from ansible_collections.basis.landscape.plugins.modules.sap_bdls import Conversion, spec
from tests.unit.plugins.module_utils._rfc.system import ADDRESS, OK, WIDTHS, System, Talk, no

WIDTHS.update(MANDT=3, CCCATEGORY=1, LOGSYS=10, VBKEY=32, SLOGSYS=10, ARFCDEST=32)
OLD, NEW = "PRDCLNT100", "QASCLNT100"
PROGRAM = "RBDLSMAP"
FIELDS = ["OLD_LS", "NEW_LS", "TESTRUN"]


def name(kind: str) -> str:
    return f"BDLS_100_{kind}_{OLD}:{NEW}"


class Copied(System):
    """A client whose tables have the old name in so many entries; conversions leave some of them."""

    def __init__(self) -> None:
        super().__init__()
        self.sid = "QAS"
        self.tables["T000"] = [{"MANDT": "100", "CCCATEGORY": "T", "LOGSYS": OLD}]
        self.tables["TBDLS"] = [{"LOGSYS": OLD}, {"LOGSYS": NEW}]
        self.tables.update(VBHDR=[], ARFCSSTATE=[])
        self.people: list[str] | None = []
        self.queues: list[str] = []
        self.tables["RSBASIDOC"] = [{"SLOGSYS": OLD}] * 2
        self.entries = 7
        self.leaves = 0
        self.converts_client = True
        self.fields = list(FIELDS)
        self.logs: dict[str, list[str]] = {}
        self.refuses = "nothing"
        self.only: dict[str, dict[str, str]] = {}
        self.gone: set[str] = set()
        self.skips = True

    def open(self, _address: Address) -> Conversation:
        self.conversations += 1
        return Line(self)

    def step(self, name: str, count: str, program: str, variant: str, number: int) -> None:
        """A step with a saved variant, or with a temporary one of its own."""
        saved = variant and not variant.startswith("&")
        super().step(name, count, program, variant if saved else f"&{len(self.tables['TBTCP'])}", number)

    def said(self, variant: str) -> list[dict[str, str]]:
        """What the temporary variant of a job says: what the job's name stands for, for the tables in ``only``."""
        job = next((row["JOBNAME"] for row in self.tables["TBTCP"] if row["VARIANT"] == variant), None)
        if job is None or job in self.gone:
            raise Raised("VARIANT_NON_EXISTENT", "the variant does not exist")
        told = {"OLD_LS": OLD, "NEW_LS": NEW, "TESTRUN": "" if job == name("C") else "X", "NUMBER": "1000"}
        rows = [{"SELNAME": field, "KIND": "P", "LOW": value} for field, value in told.items()]
        blank = {"SELNAME": "TABLES", "KIND": "S", "SIGN": "I", "OPTION": "EQ", "LOW": "", "HIGH": ""}
        return [*rows, {**blank, **self.only.get(job, {})}]

    def converted(self, value: str, entries: int = 0) -> None:
        """T000 as it is after a conversion."""
        self.tables["T000"][0]["LOGSYS"] = value
        self.entries = entries


class Line(Talk):
    """A conversation that knows the report."""

    def __init__(self, system: Copied) -> None:
        super().__init__(system)
        self._copied = system

    def _answer(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        system = self._copied
        if function == "RFC_READ_TABLE" and not system.skips:
            given["ROWSKIPS"] = 0
        if function == "TH_USER_LIST":
            people = ["AUTO", *(system.people or [])]
            return {} if system.people is None else {"LIST": [{"MANDT": "100", "BNAME": user} for user in people]}
        if function.endswith("_GET_CURRENT_QUEUES"):
            return {"QVIEW": [{"QNAME": queue, "QDEEP": 1} for queue in system.queues]}
        if function == "BAPI_XBP_READ_SELSCREEN":
            return {"SELSCREEN_INFO": [{"SELNAME": field} for field in system.fields], "RETURN": OK}
        if function == "RS_VARIANT_CONTENTS_RFC":
            return {"VALUTAB": system.said(given["VARIANT"])}
        job = str(given.get("JOBNAME", ""))
        if f"{function} {job}".endswith(system.refuses):
            return no("123", "no background work process is free")
        if function.endswith("JOBLOG_READ"):
            lines = system.logs.get(job, [f"Table T field F: {system.entries} entries to be converted"])
            rows: list[Mapping[str, str]] = [{"MSGTYPE": "E" if "!" in text else "S", "TEXT": text} for text in lines]
            return {"JOB_PROTOCOL_NEW": rows, "RETURN": OK}
        if function.endswith("START_IMMEDIATELY") and job == name("C"):
            system.logs.setdefault(job, [f"Table T field F: {system.entries} entries converted"])
            system.converted(NEW if system.converts_client else OLD, system.leaves)
            system.tables["RSBASIDOC"] = [{"SLOGSYS": NEW}] * 2
        return super()._answer(function, given)


def operation(system: Copied, **given: Any) -> Conversion:
    usual = {option: about.get("default") for option, about in spec().options.items()}
    usual.update(rfc_host="app", rfc_instance="00", rfc_client="100", rfc_user="AUTO", rfc_password="p")
    usual.update(confirm_sid="QAS", mapping=[{"old": OLD, "new": NEW}], delay=0.01, timeout=0.05, failure_grace=0.02)
    usual["selection_names"] = {"old": "OLD_LS", "new": "NEW_LS", "test": "TESTRUN", "test_value": "X"}
    found = Conversion({**usual, **given})
    found._client = Client(Link(ADDRESS, system.open))
    found._jobs = Jobs(found._client)
    return found


def planned(system: Copied, **given: Any) -> list[str]:
    found = operation(system, **given)
    return [action.name for action in found.plan(found.look())]


ALL = ["test", "convert", "prove"]


@pytest.mark.parametrize(
    ("jobs", "given", "steps"),
    [
        ({}, {}, ALL),
        ({}, {"test_run_only": True}, ["test"]),
        ({"T": "F"}, {}, ALL),
        ({"T": "R"}, {}, ALL),
        ({"T": "A"}, {}, ALL),
        ({"C": "P"}, {}, ALL),
        ({"C": "R"}, {}, ["convert", "prove"]),
        ({"C": "Y"}, {"run": "again"}, ["convert", "prove"]),
        ({"C": "R"}, {"test_run_only": True}, []),
        ({"C": "F"}, {}, ["prove"]),
        ({"C": "F", "V": "A"}, {}, ["prove"]),
        ({"C": "F", "V": "R"}, {}, ["prove"]),
        ({"C": "F"}, {"run": "again"}, ALL),
        ({"C": "A"}, {"run": "again"}, ALL),
        ({"C": "F", "V": "F"}, {"run": "again"}, ALL),
    ],
)
def test_plan_by_the_jobs_of_earlier_runs(jobs: dict[str, str], given: dict[str, Any], steps: list[str]) -> None:
    system = Copied()
    for number, (kind, status) in enumerate(jobs.items()):
        system.job(name(kind), str(number), status, *([] if status == "P" else [PROGRAM]))
    assert planned(system, **given) == steps


def test_what_was_proved_is_no_change() -> None:
    system = Copied()
    system.converted(NEW)
    for kind in "TCV":
        system.job(name(kind), "1", "F", PROGRAM)
    assert planned(system) == []
    told = carry_out(operation(system))
    assert told["changed"] is False and told["pairs"][0]["left"] == 0
    assert name("V") in told["warnings"][0]


def earlier(system: Copied, *kinds: str) -> Copied:
    """A system that was converted and proved, or whatever these jobs show."""
    system.converted(NEW)
    for kind in kinds or "TCV":
        system.job(name(kind), "1", "F", PROGRAM)
    return system


@pytest.mark.parametrize(
    "row", [{"LOW": "BKPF"}, {"OPTION": "CP", "LOW": "B*"}, {"SIGN": "E", "OPTION": "CP", "LOW": "*"}]
)
def test_what_was_proved_for_some_tables_is_no_proof_for_all(row: dict[str, str]) -> None:
    system = earlier(Copied())
    system.only = {name(kind): row for kind in "TCV"}
    assert planned(system) == ALL
    told = [{"name": "TABLES", "kind": "S", "sign": "I", "option": "EQ", "high": "", "low": "", **lower(row)}]
    assert planned(system, values=told) == []
    system.only = {name(kind): {"OPTION": "CP", "LOW": "*"} for kind in "TCV"}
    assert planned(system) == []


def lower(row: dict[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in row.items()}


def test_what_was_proved_for_all_tables_is_no_proof_for_some() -> None:
    values = [{"name": "TABLES", "kind": "S", "sign": "I", "option": "EQ", "low": "BKPF", "high": ""}]
    system = earlier(Copied())
    system.fields.append("TABLES")
    assert planned(system, values=values) == ALL


def test_a_test_run_of_some_tables_does_not_say_that_there_was_nothing_to_convert() -> None:
    system = earlier(Copied(), "T")
    assert planned(system, logical_system=NEW) == []
    system.only[name("T")] = {"LOW": "BKPF"}
    assert planned(system, logical_system=NEW) == ALL


@pytest.mark.parametrize("kind", ["C", "V"])
def test_a_job_on_its_way_for_some_tables_is_not_attached_to(kind: str) -> None:
    system = Copied()
    system.job(name(kind), "1", "R", PROGRAM)
    system.only[name(kind)] = {"LOW": "BKPF"}
    with pytest.raises(Failed, match="other values") as caught:
        planned(system)
    assert caught.value.reason == "other_steps"


def test_another_pair_of_variants_is_another_conversion() -> None:
    system = Copied()
    system.converted(NEW)
    for kind in "TCV":
        system.job(name(kind), "1", "F")
        system.step(name(kind), "1", PROGRAM, "REAL" if kind == "C" else "TEST", 1)
    pair = {"old": OLD, "new": NEW}
    assert planned(system, mapping=[{**pair, "variant": "REAL", "test_variant": "TEST"}]) == []
    for variants in ({"variant": "REAL2", "test_variant": "TEST2"}, {}):
        found = operation(system, mapping=[{**pair, **variants}])
        found._check_screens = lambda: None  # type: ignore[method-assign]
        assert [action.name for action in found.plan(found.look())] == ALL


def test_a_job_whose_values_are_gone_proves_nothing_and_stops_when_it_was_cancelled() -> None:
    system = earlier(Copied())
    system.logs[name("T")] = ["Table T field F: 7 entries"]
    system.gone = {name("V")}
    assert planned(system) == ["prove"]
    system.gone.add(name("C"))
    assert planned(system) == ALL
    system.find(name("C"), "1")["STATUS"] = "A"  # type: ignore[index]
    with pytest.raises(Failed) as caught:
        planned(system)
    assert caught.value.reason == "job_cancelled"


def test_what_the_job_of_a_proof_had_besides_is_told() -> None:
    told = carry_out(operation(earlier(Copied())))
    assert "It had NUMBER = 1000, which values leave open" in told["warnings"][0]


def test_a_proof_that_was_kept_over_a_refresh_is_none() -> None:
    system = Copied()
    system.entries = 0
    for kind in "TCV":
        system.job(name(kind), "1", "F", PROGRAM)
    assert planned(system) == ALL
    system.converted(NEW)
    assert planned(system, count_fields=["RSBASIDOC-SLOGSYS"]) == ALL
    system.tables["RSBASIDOC"] = []
    assert planned(system, count_fields=["RSBASIDOC-SLOGSYS"]) == []


def test_a_proof_from_before_the_conversion_is_none() -> None:
    system = Copied()
    system.converted(NEW)
    for kind, day in (("V", "20260101"), ("C", "20260102")):
        system.job(name(kind), "1", "F", PROGRAM)
        system.tables["TBTCO"][-1].update(ENDDATE=day, ENDTIME="120000")
    assert planned(system) == ["prove"]


def test_a_proof_whose_log_is_gone_is_none() -> None:
    system = Copied()
    system.converted(NEW)
    for kind in "CV":
        system.job(name(kind), "1", "F", PROGRAM)
    system.logs[name("V")] = []
    assert planned(system) == ["prove"]


@pytest.mark.parametrize("problem", ["Table COEP could not be read!", "Duplicate keys"])
def test_a_proof_that_tells_of_a_problem_is_none(problem: str) -> None:
    system = Copied()
    system.logs[name("V")] = ["Table T field F: 0 entries", problem]
    with pytest.raises(Failed, match=problem.rstrip("!")) as caught:
        carry_out(operation(system))
    assert caught.value.facts["pairs"][0]["left"] is None
    assert planned(system) == ["prove"]
    system.reports[PROGRAM] = lambda: system.logs.pop(name("V"), None)  # the next one tells of none
    again = carry_out(operation(system))
    assert again["changed"] is True and again["pairs"][0]["left"] == 0


def test_a_test_run_that_tells_of_a_problem_does_not_say_that_there_was_nothing_to_convert() -> None:
    system = Copied()
    system.converted(NEW)
    system.job(name("T"), "1", "F", PROGRAM)
    assert planned(system, logical_system=NEW) == []
    system.logs[name("T")] = ["Table T field F: 0 entries", "Table COEP could not be read!"]
    assert planned(system, logical_system=NEW) == ALL


def test_a_job_that_was_made_and_not_started_is_a_change() -> None:
    system = Copied()
    system.refuses = f"START_IMMEDIATELY {name('C')}"
    with pytest.raises(LandscapeError) as caught:
        carry_out(operation(system))
    assert caught.value.facts["changed"] is True
    system = Copied()
    system.refuses = f"START_IMMEDIATELY {name('T')}"
    with pytest.raises(LandscapeError) as caught:
        carry_out(operation(system))
    assert caught.value.facts["changed"] is True and caught.value.facts["job"]["name"] == name("T")


@pytest.mark.parametrize(("jobs", "reason"), [({"C": "A"}, "job_cancelled"), ({"C": "F", "V": "F"}, "names_left")])
def test_what_an_earlier_run_left_is_a_failure(jobs: dict[str, str], reason: str) -> None:
    system = Copied()
    for kind, status in jobs.items():
        system.job(name(kind), "1", status, PROGRAM)
    with pytest.raises(Failed) as caught:
        planned(system)
    assert caught.value.reason == reason and "run: again" in (caught.value.cure or "")


@pytest.mark.parametrize(
    ("change", "option", "words"),
    [
        ({"people": ["MILLER"]}, "logged_on", "1 users are logged on: MILLER"),
        ({"people": None}, "logged_on", "form that is not known"),
        ({"queues": ["R3AD"]}, "queues", "calls wait: of qRFC R3AD"),
        ({"tables": {"ARFCSSTATE": [{"ARFCDEST": "CRM"}]}}, "queues", "calls wait: of tRFC"),
    ],
)
def test_who_works_and_what_waits_is_a_warning_or_a_refusal(change: dict[str, Any], option: str, words: str) -> None:
    def changed() -> Copied:
        system = Copied()
        system.tables.update(change.get("tables", {}))
        system.people, system.queues = change.get("people", []), change.get("queues", [])
        return system

    told = carry_out(operation(changed()))
    assert told["changed"] and any(words in warning for warning in told["warnings"])
    assert not any(words in warning for warning in carry_out(operation(changed(), **{option: "ignore"}))["warnings"])
    with pytest.raises(LandscapeError, match=words) as caught:
        planned(changed(), **{option: "fail"})
    assert f"{option}: " in (caught.value.cure or "")


def test_converted_and_proved() -> None:
    system = Copied()
    told = carry_out(operation(system, count_fields=["rsbasidoc-slogsys"]))
    pair = told["pairs"][0]
    assert (pair["found"], pair["converted"], pair["left"]) == (7, 7, 0)
    assert pair["counted"][0]["before"] == {"old": 2, "new": 0}
    assert pair["counted"][0]["after"] == {"old": 0, "new": 2}
    assert told["after"]["logical_system"] == NEW


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"leaves": 3}, "names_left"),
        ({"converts_client": False}, "not_converted"),
        ({"logs": {name("V"): ["?"]}}, "counts_unreadable"),
        ({"logs": {name("T"): ["?"]}}, "counts_unreadable"),
        ({"logs": {name("T"): ["Table T field F: 7 entries", "Duplicate keys"]}}, "test_run_problem"),
        ({"logs": {name("C"): ["Duplicate keys"]}}, "conversion_problem"),
        ({"logs": {name("V"): ["Table T field F: 0 entries", "Duplicate keys"]}}, "proof_problem"),
        ({"logs": {name("V"): ["Table T field F: 0 entries", "Table COEP could not be read!"]}}, "proof_problem"),
        ({"entries": 0}, "mixed_up"),
        ({"after_start": "A"}, "job_cancelled"),
        ({"fields": ["A"]}, "other_screen"),
    ],
)
def test_never_green_when_the_system_is_not(change: dict[str, Any], reason: str) -> None:
    system = Copied()
    for attribute, value in change.items():
        setattr(system, attribute, value)
    with pytest.raises(LandscapeError) as caught:
        carry_out(operation(system))
    assert caught.value.reason == reason


def test_names_left_in_a_counted_field() -> None:
    system = Copied()
    system.tables["OTHER"] = [{"SLOGSYS": OLD}]
    with pytest.raises(Failed) as caught:
        carry_out(operation(system, count_fields=["OTHER-SLOGSYS"]))
    assert caught.value.reason == "names_left" and "OTHER-SLOGSYS" in caught.value.why


def test_counting_in_a_system_that_skips_no_rows_comes_to_an_end() -> None:
    system = Copied()
    system.tables["RSBASIDOC"] = [{"SLOGSYS": OLD}] * 5001
    assert operation(system)._count(Pair(OLD, NEW), "RSBASIDOC", "SLOGSYS") == {"old": 5001, "new": 0}
    system.skips = False
    with pytest.raises(Failed, match="whatever is skipped") as caught:
        operation(system)._count(Pair(OLD, NEW), "RSBASIDOC", "SLOGSYS")
    assert caught.value.reason == "malformed"


def test_a_test_run_that_was_none_is_told() -> None:
    system = Copied()
    system.reports[PROGRAM] = lambda: system.converted(NEW, 7)
    with pytest.raises(Failed) as caught:
        carry_out(operation(system))
    assert caught.value.reason == "test_run_changed" and system.sent("BAPI_XBP_JOB_OPEN") == 1


def test_somebody_elses_conversion_that_began_during_the_test_run() -> None:
    system = Copied()
    system.reports[PROGRAM] = lambda: system.job("THEIRS", "9", "R", PROGRAM)
    with pytest.raises(LandscapeError) as caught:
        carry_out(operation(system, quiesced=False))
    assert caught.value.reason == "other_conversion" and system.sent("BAPI_XBP_JOB_OPEN") == 1


@pytest.mark.parametrize(
    "given",
    [
        {"logical_system": OLD},
        {"count_fields": ["BKPF"]},
        {"mapping": []},
        {"count_patterns": ["("]},
    ],
)
def test_refusals(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        operation(Copied(), **given)


def test_a_client_that_t000_does_not_have() -> None:
    system = Copied()
    system.tables["T000"] = []
    with pytest.raises(Failed) as caught:
        planned(system)
    assert caught.value.reason == "no_client"
