# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end of a call means for a question, for a change, for the next call."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc import link as link_file
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Busy,
    Conversation,
    Forbidden,
    Lost,
    NotReached,
    NotSent,
    Raised,
    Refused,
    Trouble,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import (
    IDLE,
    CallFailed,
    Link,
    open_conversation,
    secrets_of,
)
from tests.unit.plugins.module_utils._rfc.system import ADDRESS


class Scripted(Conversation):
    """Gives one answer after the other, or raises it."""

    def __init__(self, *answers: Any, prepared: Any = None) -> None:
        self.answers = list(answers)
        self.called: list[str] = []
        self.prepared = prepared
        self.closed = False

    def prepare(self, function: str) -> None:
        if self.prepared is not None:
            raise self.prepared

    def call(self, function: str, parameters: Any) -> dict[str, Any]:
        self.called.append(function)
        answer = self.answers.pop(0)
        if isinstance(answer, Trouble):
            raise answer
        return dict(answer)

    def close(self) -> None:
        self.closed = True


def linked(*talks: Conversation | Trouble) -> tuple[Link, list[Any]]:
    rest = list(talks)
    opened: list[Any] = []

    def opener(_address: Any) -> Conversation:
        talk = rest.pop(0)
        opened.append(talk)
        if isinstance(talk, Trouble):
            raise talk
        return talk

    return Link(ADDRESS, opener), opened


@pytest.mark.parametrize(
    ("trouble", "question", "change"),
    [
        (Lost("cut"), Unreachable, Unknown),
        (Lost("slow", late=True), TimedOut, Unknown),
        (Refused("user is locked"), Denied, Denied),
        (Forbidden("HTTP 403"), Denied, Denied),
        (NotSent("no parameter X"), BadInput, BadInput),
        (Raised("JOB_NOT_FOUND", "no such job"), CallFailed, CallFailed),
        (Raised("", "Aborted", "A", "00 341", ends=True), CallFailed, CallFailed),
        (Raised("NOT_AUTHORIZED", "no"), Denied, Denied),
        (Raised("TIME_OUT", "Time limit exceeded", "X", "00 341", ends=True), CallFailed, Unknown),
        (Raised("", "It is over", "", "00 341"), CallFailed, Unknown),
        (Raised("", "The work process died", ends=True), CallFailed, Unknown),
        (Raised("MESSAGE_TYPE_X", "Impossible", "X", "SY 499", ends=True), CallFailed, Unknown),
        (Raised("", "no such function", "X", "FL 046", ends=True), CallFailed, CallFailed),
        (Raised("FU_NOT_FOUND", "no such function", "X", "00 341", ends=True), CallFailed, CallFailed),
        (Raised("RFC_NO_AUTHORITY", "no", "X", "00 341", ends=True), Denied, Denied),
        (Raised("", "no interface", ends=True, began=False), CallFailed, CallFailed),
        (Raised("", "Aborted", "E", "XM 028", ends=True), CallFailed, CallFailed),
    ],
)
def test_what_the_end_of_a_call_means(trouble: Trouble, question: type, change: type) -> None:
    for verb, kind in (("ask", question), ("tell", change)):
        link, _opened = linked(Scripted(trouble))
        with pytest.raises(kind) as caught:
            getattr(link, verb)("do it", "Z_F", {})
        assert caught.value.__class__ is kind


def test_a_change_that_a_runtime_error_broke_off_says_so() -> None:
    talk = Scripted(Raised("TIME_OUT", "Time limit exceeded", "X", "00 341", ends=True))
    link, _opened = linked(talk)
    with pytest.raises(Unknown, match="TIME_OUT: Time limit exceeded") as caught:
        link.tell("do it", "Z_F")
    assert caught.value.facts["cause"] == "aborted" and "ST22" in caught.value.message and talk.closed


def test_what_a_system_says_before_the_function_begins_is_no_doubt() -> None:
    link, _opened = linked(Scripted(prepared=Raised("", "It is over", "X", "00 341", ends=True)))
    with pytest.raises(CallFailed):
        link.tell("do it", "Z_F")


@pytest.mark.parametrize("kind", [Refused, NotReached])
def test_a_system_without_a_work_process_is_no_wrong_password(kind: type[Trouble]) -> None:
    said = kind("logon refused by the server (status 0x00): No more dialog work processes available on this server")
    link, opened = linked(said, Scripted({"A": "1"}))
    with pytest.raises(Unreachable) as caught:
        link.ask("look", "RFC_PING")
    assert caught.value.reason == "no_work_process" and "assword" not in caught.value.message
    assert link.ask("look", "RFC_PING") == {"A": "1"} and len(opened) == 2


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (Refused("Name or password is incorrect (repeat logon)"), "logon_refused"),
        (Refused("User is locked. Please notify the person responsible"), "logon_refused"),
        (Refused("Client 999 is not available in this system"), "logon_refused"),
        (Refused("HTTP 401"), "logon_refused"),
        (Refused("Name oder Kennwort ist nicht korrekt", "00 152"), "logon_refused"),
        (Refused("Kein freier Dialog-Workprozess"), "logon_failed"),
        (Refused("Kein freier Dialog-Workprozess", "00 999"), "logon_failed"),
    ],
)
def test_only_known_words_say_that_it_was_the_password_and_no_refusal_is_tried_again(
    refused: Refused, reason: str
) -> None:
    link, opened = linked(refused, Scripted({}))
    for _time in range(2):
        with pytest.raises(Denied) as caught:
            link.ask("look", "RFC_PING")
        assert caught.value.reason == reason and str(refused) in caught.value.message
    assert len(opened) == 1


def test_a_service_that_takes_no_call_is_no_lost_connection() -> None:
    link, opened = linked(Scripted(Busy("HTTP 503")), Scripted(Busy("HTTP 503")), Scripted({"A": "1"}))
    with pytest.raises(Unreachable) as question:
        link.ask("look", "RFC_PING")
    assert question.value.reason == "no_work_process"
    with pytest.raises(Unknown, match="takes no call for now") as change:
        link.tell("do it", "Z_F")
    assert change.value.facts["cause"] == "no_work_process"
    assert link.ask("look", "RFC_PING") == {"A": "1"} and len(opened) == 3


def test_who_was_let_in_before_has_no_wrong_password_and_is_not_tried_again_all_the_same() -> None:
    link, opened = linked(Scripted({}, Lost("cut")), Refused("System is shutting down"), Scripted({}))
    link.ask("look", "RFC_PING")
    with pytest.raises(Unreachable):
        link.ask("look", "RFC_PING")
    for _time in range(2):
        with pytest.raises(Denied, match="System is shutting down") as caught:
            link.ask("look", "RFC_PING")
        assert caught.value.reason == "no_longer_let_in"
        assert "Correct user, password" not in caught.value.message and "goes on" in caught.value.message
    assert len(opened) == 2


def test_a_change_is_sent_once() -> None:
    talk = Scripted(Lost("cut"))
    link, opened = linked(talk, Scripted({}))
    with pytest.raises(Unknown):
        link.tell("do it", "Z_F")
    assert talk.called == ["Z_F"] and len(opened) == 1 and talk.closed


def test_what_is_lost_before_the_call_is_no_doubt_about_a_change() -> None:
    link, _opened = linked(Scripted(prepared=Lost("cut")))
    with pytest.raises(Unreachable):
        link.tell("do it", "Z_F")


def test_after_a_loss_the_next_call_has_a_conversation_of_its_own() -> None:
    link, opened = linked(Scripted(Lost("cut")), Scripted({"A": "1"}))
    with pytest.raises(Unreachable):
        link.ask("look", "RFC_PING")
    assert link.ask("look", "RFC_PING") == {"A": "1"}
    assert len(opened) == 2 and link.generation == 2


def test_a_message_that_ends_the_conversation_closes_it() -> None:
    first = Scripted(Raised("", "Aborted", "A", "00 341", ends=True))
    link, opened = linked(first, Scripted({}))
    with pytest.raises(CallFailed, match=r"Z_F says \(00 341\): Aborted"):
        link.ask("look", "Z_F")
    link.ask("look", "Z_F")
    assert first.closed and len(opened) == 2


def test_a_refused_logon_is_not_tried_again() -> None:
    link, opened = linked(Refused("Name or password is incorrect"), Scripted({}))
    for _time in range(3):
        with pytest.raises(Denied, match="counts towards the lock") as caught:
            link.ask("look", "RFC_PING")
        assert caught.value.reason == "logon_refused"
    assert len(opened) == 1


def test_a_logon_that_is_refused_in_a_call_is_not_tried_again() -> None:
    # Over SOAP each call is a logon.
    link, opened = linked(Scripted({}, Refused("HTTP 401")), Scripted({}))
    link.ask("look", "RFC_PING")
    for verb in (link.tell, link.ask, link.tell):
        with pytest.raises(Denied) as caught:
            verb("do it", "BAPI_USER_LOCK")
        assert caught.value.reason == "no_longer_let_in"
    assert len(opened) == 1 and opened[0].called == ["RFC_PING", "BAPI_USER_LOCK"]


def test_a_logon_that_is_refused_when_an_idle_conversation_is_tried_out_is_not_tried_again() -> None:
    link, opened = linked(Scripted({}, Refused("HTTP 401")), Scripted({}))
    link.ask("look", "RFC_SYSTEM_INFO")
    link._used -= IDLE + 1
    with pytest.raises(Denied):
        link.tell("do it", "Z_F")
    assert len(opened) == 1


def test_who_may_not_use_the_service_may_have_the_right_password() -> None:
    link, _opened = linked(Scripted(Forbidden("HTTP 403"), {}), Scripted({}))
    with pytest.raises(Denied) as caught:
        link.ask("look", "RFC_PING")
    assert caught.value.reason == "service_forbidden"
    assert link.ask("look", "RFC_PING") == {}


def test_nobody_there_is_tried_again() -> None:
    link, opened = linked(NotReached("connection refused"), Scripted({}))
    with pytest.raises(Unreachable):
        link.ask("look", "RFC_PING")
    link.ask("look", "RFC_PING")
    assert len(opened) == 2


def test_a_conversation_that_was_idle_is_tried_out_before_a_change() -> None:
    dead = Scripted({}, Lost("gone"))
    link, opened = linked(dead, Scripted({"A": "1"}))
    link.ask("look", "RFC_SYSTEM_INFO")
    link._used -= IDLE + 1
    assert link.tell("do it", "Z_F") == {"A": "1"}
    assert dead.called == ["RFC_SYSTEM_INFO", "RFC_PING"] and len(opened) == 2


def test_the_password_is_in_no_error() -> None:
    link, _opened = linked(Refused("password Secret-1 is wrong"))
    with pytest.raises(Denied) as caught:
        link.ask("look", "RFC_PING")
    assert "Secret-1" not in str(caught.value) + str(caught.value.as_result())


@pytest.mark.parametrize(
    ("router", "secrets"),
    [
        ("/H/gw/S/3299/W/R0ute-1/H/", ["R0ute-1"]),
        ("/H/gw/S/3299/P/R0ute-1/H/gw2/W/R0ute-22/H/", ["R0ute-22", "R0ute-1"]),
        ("/H/W/w/R0ute-1/H/P/S/3299", ["R0ute-1"]),
        ("gw:3299/P/R0ute-1", ["R0ute-1"]),
        ("/H/gw/3299/W/R0ute-1", ["R0ute-1"]),
        ("/H/gw/S/3299", []),
        ("/H/gw/W/", []),
        ("/W", []),
        ("", []),
        (None, []),
    ],
)
def test_the_secrets_of_a_route(router: str | None, secrets: list[str]) -> None:
    assert secrets_of(ADDRESS._replace(router=router, password=None)) == secrets


@pytest.mark.parametrize("trouble", [NotReached, Refused, NotSent, Lost, Forbidden])
def test_the_password_of_a_router_is_in_no_error(trouble: type[Trouble]) -> None:
    address = ADDRESS._replace(router="/H/gw/W/R0ute-1/H/")

    def opener(_address: Any) -> Conversation:
        raise trouble("route /H/gw/W/R0ute-1/H/app: the password R0ute-1 is wrong")

    with pytest.raises(LandscapeError) as caught:
        Link(address, opener).ask("look", "RFC_PING")
    assert "R0ute-1" not in str(caught.value) + str(caught.value.as_result())
    assert "/H/gw/W/********/H/app" in str(caught.value)


@pytest.mark.parametrize("provider", ["auto", "pyrfc", "saprfclib"])
def test_without_a_library_the_ways_to_get_one_are_named(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_file, "pyrfc", None)
    monkeypatch.setattr(link_file, "saprfclib", None)
    with pytest.raises(Failed) as caught:
        open_conversation(ADDRESS._replace(provider=provider))
    assert caught.value.reason == "no_library"
    for word in ("saprfclib", "MPL-2.0", "NW RFC SDK", "erpl-pyrfc", "BUSL-1.1", "soap"):
        assert word in caught.value.message


def test_soap_is_never_taken_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_file, "pyrfc", None)
    monkeypatch.setattr(link_file, "saprfclib", None)
    with pytest.raises(Failed, match="neither pyrfc nor saprfclib"):
        open_conversation(ADDRESS._replace(provider="auto", url="https://app:44300"))


def test_over_soap_an_open_conversation_is_no_logon_yet() -> None:
    class Soap(Scripted):
        stateful = False

    link, _opened = linked(Soap(Refused("HTTP 401")))
    with pytest.raises(Denied) as caught:
        link.ask("look", "RFC_PING")
    assert caught.value.reason == "logon_refused"
