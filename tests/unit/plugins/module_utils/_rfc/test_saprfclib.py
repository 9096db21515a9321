# SPDX-License-Identifier: GPL-3.0-or-later
"""What the errors of saprfclib mean, which has names of its own for them."""

from __future__ import annotations

import inspect
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
from ansible_collections.basis.landscape.plugins.module_utils._rfc.saprfclib import SaprfclibConversation
from tests.unit.plugins.module_utils._rfc.system import ADDRESS


class SapRfcError(Exception):
    """As the library names it."""


class AbapApplicationError(SapRfcError):
    """As the library names it."""

    key, msg_type, msg_class, msg_number, message = "NOT_FOUND", "E", "XM", "049", "no such job"


class AbapSystemFailure(SapRfcError):
    """As the library names it."""


class CommunicationError(SapRfcError):
    """As the library names it."""

    def __init__(self, message: str, original_exception: Exception | None = None) -> None:
        super().__init__(message)
        self.original_exception = original_exception


def build_invoke_request() -> None:
    """As the library names what it does before it sends."""
    raise ValueError("STFC_CONNECTION has no parameter NOPE")


def library(at_logon: Exception | None = None, at_call: Any = None) -> Any:
    """A module with a connection that fails as told."""

    def connect(**parameters: Any) -> Any:
        assert parameters["strict_params"] is True and parameters["read_timeout"] == 60.0
        if at_logon is not None:
            raise at_logon

        def call(function: str, **given: Any) -> dict[str, Any]:
            if callable(at_call):
                at_call()
            if at_call is not None:
                raise at_call
            return {"FUNCTION": function, **given}

        return SimpleNamespace(call=call, close=lambda: None)

    return SimpleNamespace(connect=connect)


def test_an_answer_comes_as_it_is() -> None:
    assert SaprfclibConversation(library(), ADDRESS).call("Z_F", {"A": 1}) == {"FUNCTION": "Z_F", "A": 1}


def with_snc(**more: str) -> Any:
    return ADDRESS._replace(snc={"snc_mode": "1", "snc_partnername": "p:CN=PRD", **more})


def test_snc_without_its_library_would_be_plain_text() -> None:
    with pytest.raises(NotSent, match="rfc_snc_lib"):
        SaprfclibConversation(library(), with_snc(snc_qop="3"))


def test_snc_by_the_names_that_the_library_takes() -> None:
    real = inspect.signature(pytest.importorskip("saprfclib").connect)
    given: dict[str, Any] = {}
    SaprfclibConversation(
        SimpleNamespace(connect=lambda **parameters: given.update(parameters)),
        with_snc(snc_lib="/usr/lib/libsapcrypto.so", snc_myname="p:CN=ME", snc_qop="3"),
    )
    real.bind(**given)
    assert (given["snc_lib"], given["snc_qop"]) == ("/usr/lib/libsapcrypto.so", 3)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"router": "router:3299/P/Secret-2"}, "begin with /H/"),
        ({"router": "/H/router", "message_server": "ms", "group": "PUBLIC"}, "message server"),
    ],
)
def test_a_way_that_the_library_does_not_go(more: dict[str, str], words: str) -> None:
    with pytest.raises(NotSent, match=words) as caught:
        SaprfclibConversation(library(), ADDRESS._replace(**more))
    assert "Secret-2" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("Name or password is incorrect"), Refused),
        (CommunicationError("refused"), NotReached),
        (ConnectionRefusedError("refused"), NotReached),
        (SapRfcError("snc"), NotReached),
        (TypeError("unexpected keyword"), NotSent),
    ],
)
def test_at_logon(error: Exception, kind: type) -> None:
    with pytest.raises(kind):
        SaprfclibConversation(library(at_logon=error), ADDRESS)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AbapApplicationError(), Raised),
        (AbapSystemFailure("dump"), Raised),
        (CommunicationError("closed"), Lost),
        (ValueError("nobody knows whether it was sent"), Lost),
        (build_invoke_request, NotSent),
    ],
)
def test_at_a_call(error: Any, kind: type) -> None:
    with pytest.raises(kind):
        SaprfclibConversation(library(at_call=error), ADDRESS).call("Z_F", {})


def test_a_system_failure_ends_the_conversation() -> None:
    for error, ends in ((AbapApplicationError(), False), (AbapSystemFailure("dump"), True)):
        with pytest.raises(Raised) as caught:
            SaprfclibConversation(library(at_call=error), ADDRESS).call("Z_F", {})
        assert caught.value.ends is ends


def _call_bootstrap() -> None:
    """As the library names how it asks what a function looks like."""
    raise AbapSystemFailure("1: no interface")


def test_what_is_said_about_an_interface_is_no_end_of_the_function() -> None:
    for error, began in ((AbapSystemFailure("dump"), True), (_call_bootstrap, False)):
        with pytest.raises(Raised) as caught:
            SaprfclibConversation(library(at_call=error), ADDRESS).call("Z_F", {})
        assert caught.value.began is began and caught.value.ends


def test_a_clock_that_ran_out_is_told_apart() -> None:
    error = CommunicationError("no answer", TimeoutError())
    with pytest.raises(Lost) as caught:
        SaprfclibConversation(library(at_call=error), ADDRESS).call("Z_F", {})
    assert caught.value.late
