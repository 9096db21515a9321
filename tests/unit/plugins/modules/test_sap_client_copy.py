# SPDX-License-Identifier: GPL-3.0-or-later
"""What sap_client_copy plans by the copy that is there; which options it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed, LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._rfc import model
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tasks import Session, Task
from ansible_collections.basis.landscape.plugins.modules.sap_client_copy import ClientCopy, State, spec

FIELDS = {"source": "P_S", "target": "P_T", "profile": "P_P"}
PLACES = {"source": "T/S", "target": "T/T", "profile": "T/P"}


class Silent:
    """A task manager whose log has one message."""

    def messages(self, _ident: str) -> list[dict[str, str]]:
        return [{"task": "T", "type": "E", "text": "No space"}]


def operation(**given: Any) -> ClientCopy:
    usual = {name: option.get("default") for name, option in spec().options.items()}
    usual.update(rfc_host="app", rfc_instance="00", rfc_client="300", rfc_user="AUTO", rfc_password="p")
    usual.update(source="100", target="200", profile="sap_all", confirm_sid="QAS", confirm_client="200")
    usual["fields"] = PLACES if "scenario" in given else FIELDS
    if "scenario" not in given:
        usual.update(program="zcopy", name="COPY_1")
    return ClientCopy({**usual, **given})


def job(status: str) -> State:
    return State("QAS", model.Job("COPY_1", "1", status))


def session(state: str) -> State:
    stuck = state if state in ("manual", "failed") else "done"
    return State("QAS", Session("S1", state, 50, [Task("T", "001", stuck, "")]))


@pytest.mark.parametrize(
    ("state", "given", "steps"),
    [
        (State("QAS", None), {}, ["run"]),
        (job("F"), {}, []),
        (job("F"), {"run": "again"}, ["run"]),
        (job("A"), {"run": "again"}, ["run"]),
        (job("R"), {"run": "again"}, ["wait"]),
        (job("S"), {}, ["wait"]),
        (job("P"), {}, ["run"]),
        (State("QAS", None), {"scenario": "Z"}, ["begin", "set", "run", "wait"]),
        (session("waiting"), {"scenario": "Z"}, ["set", "run", "wait"]),
        (session("running"), {"scenario": "Z", "run": "again"}, ["wait"]),
        (session("scheduled"), {"scenario": "Z"}, ["wait"]),
        (session("finished"), {"scenario": "Z"}, []),
        (session("finished_with_warnings"), {"scenario": "Z"}, []),
        (session("finished"), {"scenario": "Z", "run": "again"}, ["begin", "set", "run", "wait"]),
        (session("failed"), {"scenario": "Z", "run": "again"}, ["begin", "set", "run", "wait"]),
    ],
)
def test_plan(state: State, given: dict[str, Any], steps: list[str]) -> None:
    assert [action.name for action in operation(**given).plan(state)] == steps


@pytest.mark.parametrize(
    ("state", "run", "reason"),
    [
        ("failed", "once", "task_failed"),
        ("stopped", "once", "task_failed"),
        ("manual", "once", "manual_task"),
        ("manual", "again", "manual_task"),
    ],
)
def test_a_session_that_does_not_go_on(state: str, run: str, reason: str) -> None:
    work = operation(scenario="Z", run=run)
    work._lists = Silent()  # type: ignore[assignment]
    with pytest.raises(Failed) as caught:
        work.plan(session(state))
    assert caught.value.reason == reason and "session: S1" in (caught.value.cure or "")


def test_values_and_parameters_say_the_clients() -> None:
    step = operation()._work
    assert step is not None
    assert [(row["SELNAME"], row["LOW"]) for row in step.values] == [("P_S", "100"), ("P_T", "200"), ("P_P", "SAP_ALL")]
    more = [{"task": "T", "field": "X", "value": "1", "number": "2"}]
    rows = operation(scenario="Z", parameters=more)._rows()
    assert [row["VALUE"] for row in rows] == ["100", "200", "SAP_ALL", "1"] and rows[-1]["LNR"] == "002"


def test_a_parameter_may_not_say_what_a_field_says() -> None:
    more = [{"task": "T", "field": "S", "value": "300", "number": None}]
    with pytest.raises(BadInput):
        operation(scenario="Z", parameters=more).plan(State("QAS", None))


def test_without_a_field_for_the_target_it_is_the_client_that_is_logged_on_to() -> None:
    fields = {"source": "P_S", "target": None, "profile": "P_P"}
    with pytest.raises(BadInput, match="rfc_client is 300"):
        operation(fields=fields)
    assert len(operation(fields=fields, rfc_client="200")._fields) == 2


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"source": "200"}, BadInput),
        ({"source": "1"}, BadInput),
        ({"target": "000", "confirm_client": "000"}, BadInput),
        ({"target": "066", "confirm_client": "066"}, BadInput),
        ({"confirm_client": "300"}, Denied),
        ({"fields": {"source": "A", "target": "A", "profile": "B"}}, BadInput),
        ({"fields": {"source": " ", "target": "A", "profile": "B"}}, BadInput),
        ({"scenario": "Z", "fields": FIELDS}, BadInput),
        ({"variant": "V", "values": [{"name": "A"}]}, BadInput),
    ],
)
def test_refusals(given: dict[str, Any], kind: type[LandscapeError]) -> None:
    with pytest.raises(kind):
        operation(**given)
