# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of an ABAP system against one that says no, that is another one, that answers nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import CallFailed, Client, connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Address, Conversation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import Link
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import rfc_spec
from tests.unit.plugins.module_utils._rfc.system import ADDRESS, OK, System, Talk

NO = {
    "RETURN": [
        {"TYPE": "W", "ID": "00", "NUMBER": "1", "MESSAGE": "slow"},
        {"TYPE": "E", "ID": "XM", "NUMBER": "49", "MESSAGE": "no  job"},
        {"TYPE": "A", "ID": "XM", "NUMBER": "50", "MESSAGE": "the end"},
    ]
}


class Says(System):
    """A system that answers every function with the same."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__()
        self.answer = answer
        self.given: list[tuple[str, dict[str, Any]]] = []

    def open(self, _address: Address) -> Conversation:
        self.conversations += 1
        return Saying(self)


class Saying(Talk):
    """A conversation with it."""

    def __init__(self, system: Says) -> None:
        super().__init__(system)
        self._says = system

    def _answer(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        self._says.given.append((function, given))
        return dict(self._says.answer)


def ask(client: Client, check: bool = True) -> dict[str, Any]:
    return client.ask("look", "Z_LOOK", {"A": 1}, check)


def tell(client: Client, check: bool = True) -> dict[str, Any]:
    return client.tell("do it", "Z_DO", {"A": 1}, check)


@pytest.mark.parametrize("verb", [ask, tell])
def test_the_first_no_gives_its_name_with_every_message_kept(verb: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(CallFailed) as caught:
        verb(Says(NO).client())
    error = caught.value
    assert error.text == "no job; the end"
    assert error.why.endswith(" says no job (E XM 049); the end (A XM 050)")
    assert (error.facts["message"], error.facts["type"]) == ("XM 049", "E")
    assert [(m["type"], m["id"], m["text"]) for m in error.facts["messages"]] == [
        ("W", "00 001", "slow"),
        ("E", "XM 049", "no job"),
        ("A", "XM 050", "the end"),
    ]


@pytest.mark.parametrize("verb", [ask, tell])
def test_whoever_does_not_check_gets_the_messages(verb: Callable[..., dict[str, Any]]) -> None:
    assert verb(Says(NO).client(), check=False) == NO


@pytest.mark.parametrize("lost", ["lost_before", "lost_after"])
def test_a_lost_change_is_unknown_and_not_sent_again(lost: str) -> None:
    system = Says({})
    getattr(system, lost).extend(["Z_DO", "Z_LOOK"])
    client = system.client()
    with pytest.raises(Unknown):
        tell(client)
    with pytest.raises(Unreachable):
        ask(client)
    assert system.sent("Z_DO") == (1 if lost == "lost_after" else 0) and system.conversations == 2


def test_a_commit_waits_and_is_a_change() -> None:
    system = Says({"RETURN": OK})
    system.client().commit("make it last")
    assert system.given == [("BAPI_TRANSACTION_COMMIT", {"WAIT": "X"})]
    system.lost_after = ["BAPI_TRANSACTION_COMMIT"]
    with pytest.raises(Unknown):
        system.client().commit("make it last")
    with pytest.raises(CallFailed, match="no job"):
        Says(NO).client().commit("make it last")


@pytest.mark.parametrize("answer", [{}, {"RFCSI_EXPORT": {"RFCSYSID": "   "}}, {"RFCSI_EXPORT": "PRD"}])
def test_who_tells_no_system_id_is_nobody(answer: dict[str, Any]) -> None:
    with pytest.raises(Failed, match="app, instance 00, client 100") as caught:
        Says(answer).client().confirm("do it")
    assert caught.value.reason == "malformed"


def test_another_system_is_denied() -> None:
    with pytest.raises(Denied, match="says it is PRD, and confirm_sid is QAS") as caught:
        System().client().confirm("do it", "QAS")
    assert (caught.value.reason, caught.value.facts["answered"]) == ("wrong_system", "PRD")
    assert System().client().confirm("do it", "PRD").sid == System().client().confirm("do it").sid == "PRD"


@pytest.mark.parametrize("sid", ["", "prd", "PRDX", "1RD", " PRD"])
def test_a_system_id_that_is_none_is_refused_before_anything_is_asked(sid: str) -> None:
    system = System()
    with pytest.raises(BadInput, match="confirm_sid"):
        system.client().confirm("do it", sid)
    assert system.conversations == 0


def test_the_layout_of_a_table_is_remembered_by_its_client() -> None:
    system = System()
    system.job("A", "1")
    client = system.client()
    for _time in range(2):
        assert list(client.rows("TBTCO", ["JOBNAME"])) == [{"JOBNAME": "A"}]
    assert system.sent("RFC_READ_TABLE") == 3, "the layout once, the rows twice"
    list(client.rows("TBTCO", ["JOBNAME", "JOBCOUNT"]))
    assert system.sent("RFC_READ_TABLE") == 5, "other fields have another layout"


def test_what_needs_a_session_is_refused_over_soap_alone() -> None:
    soap = Client(Link(Address("soap", "100", url="https://app")))
    with pytest.raises(BadInput) as caught:
        soap.need_session("suspend the jobs")
    assert caught.value.reason == "needs_session" and "pyrfc" in caught.value.message
    for provider in ("pyrfc", "saprfclib", "auto"):
        Client(Link(ADDRESS._replace(provider=provider))).need_session("suspend the jobs")


def test_after_a_close_the_next_call_begins_another_conversation() -> None:
    system = System()
    client = system.client()
    client.close()
    client.identity()
    client.close()
    client.close()
    client.identity()
    assert system.conversations == 2


def test_connecting_opens_nothing_but_refuses_what_cannot_be_right() -> None:
    usual = {name: option.get("default") for name, option in rfc_spec().options.items()}
    usual.update(rfc_host="app.invalid", rfc_client="100", rfc_user="AUTO", rfc_password="Secret-1")
    found = connect(usual)
    assert (found.link.address.host, found.link.generation) == ("app.invalid", 0)
    with pytest.raises(BadInput, match="three digits"):
        connect({**usual, "rfc_client": "1"})
