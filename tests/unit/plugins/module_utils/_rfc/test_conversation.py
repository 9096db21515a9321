# SPDX-License-Identifier: GPL-3.0-or-later
"""What addresses say for a person; how errors of foreign libraries are told apart by their form."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._rfc import conversation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Address,
    Busy,
    Conversation,
    Lost,
    Raised,
    Refused,
    Trouble,
    in_traceback,
    kinds,
    message_id,
)

SECRET = Address(
    "pyrfc",
    "100",
    router="/H/gate/W/route-pass/H/",
    user="SECRETUSER",
    password="Secret-1",
    snc={"snc_partnername": "p:CN=SECRET"},
)


@pytest.mark.parametrize(
    ("where", "label"),
    [
        ({"host": "app", "instance": "07"}, "app, instance 07, client 100"),
        (
            {"message_server": "ms", "system_id": "PRD", "group": "PUBLIC", "service": "3600"},
            "PRD by ms, client 100",
        ),
        ({"provider": "soap", "url": "https://app:44300/x"}, "https://app:44300/x, client 100"),
    ],
)
def test_a_label_has_the_place_without_who_asks(where: dict[str, Any], label: str) -> None:
    assert SECRET._replace(**where).label == label


@pytest.mark.parametrize(
    ("class_", "number", "expected"),
    [
        ("XM", "028", "XM 028"),
        ("XM", "28", "XM 028"),
        ("XM", 28, "XM 028"),
        (" XM ", " 28 ", "XM 028"),
        ("XM", 0, "XM 000"),
        ("XM", None, "XM 000"),
        ("/SDF/X", "1234", "/SDF/X 1234"),
        ("", "028", ""),
        ("  ", "028", ""),
        (None, "028", ""),
    ],
)
def test_a_message_as_sap_writes_it(class_: str | None, number: Any, expected: str) -> None:
    assert message_id(class_, number) == expected


def test_every_trouble_is_caught_as_one() -> None:
    found = [c for _name, c in inspect.getmembers(conversation, inspect.isclass) if issubclass(c, Exception)]
    assert len(found) == 8 and all(issubclass(c, Trouble) for c in found)
    assert isinstance(Busy("HTTP 503"), Lost) and not Busy("HTTP 503").late, "a service that is busy may have begun"


def test_what_was_not_told_is_taken_for_the_worse() -> None:
    raised = Raised("KEY", "text")
    assert (raised.type, raised.message, raised.ends) == ("", "", False)
    assert raised.began, "a function counts as called until somebody knows better"
    assert str(raised) == "text" and Refused("no").message == "" and not Lost("cut").late


def test_a_conversation_without_a_way_to_call_says_so() -> None:
    bare = Conversation()
    bare.prepare("RFC_PING")
    bare.close()
    with pytest.raises(NotImplementedError):
        bare.call("RFC_PING", {})


def innermost() -> None:
    raise ValueError("deep")


def middle() -> None:
    innermost()


def caught_from_middle() -> BaseException:
    try:
        middle()
    except ValueError as error:
        return error
    raise AssertionError("nothing was raised")


def test_an_error_knows_the_functions_it_came_through() -> None:
    error = caught_from_middle()
    for name in ("innermost", "middle", "caught_from_middle"):
        assert in_traceback(error, ["other", name])
    assert not in_traceback(error, ["middleman", "test_an_error_knows_the_functions_it_came_through"])
    assert not in_traceback(error, []) and not in_traceback(ValueError("never raised"), ["innermost"])


def test_what_an_error_replaced_is_no_part_of_its_way() -> None:
    try:
        try:
            middle()
        except ValueError as error:
            raise KeyError("other") from error
    except KeyError as replaced:
        assert in_traceback(replaced, ["test_what_an_error_replaced_is_no_part_of_its_way"])
        assert not in_traceback(replaced, ["innermost"])


def test_an_error_of_either_library_has_the_same_names() -> None:
    made = []
    for _library in ("pyrfc", "erpl"):
        base = type("RFCError", (Exception,), {})
        made.append(type("CommunicationError", (base,), {})("gone"))
    assert type(made[0]) is not type(made[1])
    assert kinds(made[0]) == kinds(made[1])
    assert kinds(made[0])[:3] == ("CommunicationError", "RFCError", "Exception")


@pytest.mark.parametrize("way", ["pyrfc", "saprfclib", "soap"])
def test_every_way_is_a_conversation(way: str) -> None:
    module = importlib.import_module(conversation.__name__.rpartition(".")[0] + f".{way}")
    ways = [c for _name, c in inspect.getmembers(module, inspect.isclass) if issubclass(c, Conversation)]
    ways.remove(Conversation)
    assert [c.stateful for c in ways] == [way != "soap"] and all(c.call is not Conversation.call for c in ways)
