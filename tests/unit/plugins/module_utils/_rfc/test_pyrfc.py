# SPDX-License-Identifier: GPL-3.0-or-later
"""What the errors of a library called pyrfc mean, by the names of their classes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Lost,
    NotReached,
    NotSent,
    Raised,
    Refused,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.pyrfc import PyrfcConversation, parameters_of
from tests.unit.plugins.module_utils._rfc.system import ADDRESS


class RFCError(Exception):
    """As the library names it."""

    def __init__(self, key: str = "", message: str = "", **more: str) -> None:
        super().__init__(message)
        self.key, self.message = key, message
        for name, value in more.items():
            setattr(self, name, value)


class LogonError(RFCError):
    """As the library names it."""


class CommunicationError(RFCError):
    """As the library names it."""


class ABAPApplicationError(RFCError):
    """As the library names it."""


class ABAPRuntimeError(RFCError):
    """As the library names it."""


class ExternalRuntimeError(RFCError):
    """As the library names it."""


def fillVariable(error: Exception) -> None:
    """As SAP's library names what puts a value into a parameter."""
    raise error


def library(at_logon: Exception | None = None, at_call: Exception | None = None, filling: bool = False) -> Any:
    """A module with a connection that fails as told."""

    class Connection:
        """As the library names it."""

        def __init__(self, config: Any, **parameters: str) -> None:
            assert config == {"timeout": 60} and parameters["ashost"] == "app"
            if at_logon is not None:
                raise at_logon

        def call(self, function: str, **parameters: Any) -> dict[str, Any]:
            if at_call is not None and filling:
                fillVariable(at_call)
            if at_call is not None:
                raise at_call
            return {"FUNCTION": function, **parameters}

        def close(self) -> None:
            raise CommunicationError("RFC_INVALID_HANDLE", "already closed")

    return SimpleNamespace(Connection=Connection)


def test_an_answer_comes_as_it_is_and_closing_never_fails() -> None:
    talk = PyrfcConversation(library(), ADDRESS)
    talk.prepare("Z_F")  # this library cannot describe functions
    assert talk.call("Z_F", {"A": 1}) == {"FUNCTION": "Z_F", "A": 1}
    talk.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LogonError("RFC_LOGON_FAILURE", "Name or password is incorrect"), Refused),
        (CommunicationError("RFC_COMMUNICATION_FAILURE", "partner not reached"), NotReached),
        (ABAPRuntimeError("RFC_SYSTEM_FAILURE", "no work process"), NotReached),
        (ExternalRuntimeError("RFC_INVALID_PARAMETER", "no such parameter"), NotSent),
        (TypeError("must be str"), NotSent),
    ],
)
def test_at_logon(error: Exception, kind: type) -> None:
    with pytest.raises(kind):
        PyrfcConversation(library(at_logon=error), ADDRESS)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CommunicationError("RFC_COMMUNICATION_FAILURE", "connection closed"), Lost),
        (ABAPApplicationError("TABLE_NOT_AVAILABLE", "no"), Raised),
        (ABAPRuntimeError("", "abort", msg_type="A"), Raised),
        (TypeError("a string was expected"), NotSent),
        (UnicodeEncodeError("utf-16", "\ud800", 0, 1, "surrogates not allowed"), NotSent),
        (ExternalRuntimeError("RFC_INVALID_PARAMETER", "no such field"), NotSent),
        (ExternalRuntimeError("RFC_CONVERSION_FAILURE", "too long"), Lost),
        (KeyError("FIELD"), Lost),
        (AttributeError("strip"), Lost),
        (ExternalRuntimeError("RFC_SOMETHING_NEW", "odd"), Lost),
        (RuntimeError("nobody knows"), Lost),
    ],
)
def test_at_a_call(error: Exception, kind: type) -> None:
    with pytest.raises(kind):
        PyrfcConversation(library(at_call=error), ADDRESS).call("Z_F", {})


@pytest.mark.parametrize(
    "error",
    [ExternalRuntimeError("RFC_CONVERSION_FAILURE", "too long"), KeyError("FIELD"), AttributeError("strip")],
)
def test_what_does_not_fit_into_a_parameter_is_not_sent(error: Exception) -> None:
    with pytest.raises(NotSent):
        PyrfcConversation(library(at_call=error, filling=True), ADDRESS).call("Z_F", {})


@pytest.mark.parametrize(("key", "late"), [("RFC_CANCELED", True), ("RFC_TIMEOUT", True), ("RFC_CLOSED", False)])
def test_a_clock_that_ran_out_is_told_apart(key: str, late: bool) -> None:
    with pytest.raises(Lost) as caught:
        PyrfcConversation(library(at_call=CommunicationError(key, "gone")), ADDRESS).call("Z_F", {})
    assert caught.value.late is late


def test_a_receive_that_gave_up_is_late() -> None:
    error = CommunicationError("RFC_COMMUNICATION_FAILURE", "Resource temporarily unavailable (os error 11)")
    with pytest.raises(Lost) as caught:
        PyrfcConversation(library(at_call=error), ADDRESS).call("Z_F", {})
    assert caught.value.late


def test_the_parts_of_a_message() -> None:
    error = ABAPApplicationError("JOB_NOT_FOUND", "no such job", msg_class="XM", msg_type="E", msg_number="49")
    with pytest.raises(Raised) as caught:
        PyrfcConversation(library(at_call=error), ADDRESS).call("Z_F", {})
    found = caught.value
    assert (found.key, found.type, found.message, found.ends) == ("JOB_NOT_FOUND", "E", "XM 049", False)


@pytest.mark.parametrize(
    ("key", "name"), [("", "TIME_OUT"), ("Time limit exceeded.", "TIME_OUT"), ("RFC_NO_AUTHORITY", "RFC_NO_AUTHORITY")]
)
def test_a_short_dump_is_named(key: str, name: str) -> None:
    parts = {"msg_class": "00", "msg_type": "X", "msg_number": "341", "msg_v1": "TIME_OUT"}
    error = ABAPRuntimeError(key, "Time limit exceeded.", **parts)
    with pytest.raises(Raised) as caught:
        PyrfcConversation(library(at_call=error), ADDRESS).call("Z_F", {})
    found = caught.value
    assert (found.key, found.type, found.message, found.ends) == (name, "X", "00 341", True)


def test_the_address_by_the_names_of_the_sdk() -> None:
    assert parameters_of(ADDRESS) == {
        "client": "100",
        "lang": "EN",
        "ashost": "app",
        "sysnr": "00",
        "user": "AUTO",
        "passwd": "Secret-1",
    }
    balanced = ADDRESS._replace(
        host=None,
        message_server="ms",
        system_id="PRD",
        group="PUBLIC",
        service="3601",
        router="/H/r/S/3299",
        snc={"snc_mode": "1", "snc_partnername": "p:CN=PRD"},
        user=None,
        password=None,
    )
    assert parameters_of(balanced) == {
        "client": "100",
        "lang": "EN",
        "mshost": "ms",
        "sysid": "PRD",
        "group": "PUBLIC",
        "msserv": "3601",
        "saprouter": "/H/r/S/3299",
        "snc_mode": "1",
        "snc_partnername": "p:CN=PRD",
    }
