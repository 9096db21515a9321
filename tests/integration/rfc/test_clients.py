# SPDX-License-Identifier: GPL-3.0-or-later
"""The RFC door through client libraries that are not ours; what they read is known beforehand."""

from __future__ import annotations

import datetime
import socket
import threading
import time
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.rfc.conftest import Server

ROW = {
    "C5": "abc",
    "N4": "0012",
    "D": "20261121",
    "T": "235959",
    "I4": -5,
    "I2": -2,
    "I1": 255,
    "I8": -(2**50),
    "FL": 3.5,
    "P52": Decimal("-99.99"),
    "RAW4": b"\x01\x02\x03\x04",
}


def failure(server: Server, connection: Any, function: str, **parameters: Any) -> Exception:
    """What a call raises."""
    with pytest.raises(server.errors) as caught:
        connection.call(function, **parameters)
    return caught.value


def bound(held: socket.socket) -> int:
    """The instance number whose port this socket has now."""
    for number in range(97, 0, -1):
        try:
            held.bind(("127.0.0.1", 3300 + number))
        except OSError:
            continue
        return number
    raise AssertionError("no port of 3301 to 3397 is free")


def said(error: Exception) -> str:
    """All that an error says, wherever its library keeps it."""
    return " ".join(str(part) for part in (type(error).__name__, error, vars(error)))


# -- logon ------------------------------------------------------------------------------------------------------------


def test_logon(server: Server, connection: Any) -> None:
    connection.ping()
    if server.name == "pyrfc":
        attributes = connection.get_connection_attributes()
        shown = [attributes[name] for name in ("sysId", "host", "sysNumber", "client", "user")]
        assert shown == ["NPL", "nplapp1", "42", "100", "BATCH"]
    assert "logon 100 BATCH E" in server.events()


@pytest.mark.parametrize("wrong", [{"passwd": "secret01"}, {"passwd": ""}, {"user": "EVE"}, {"client": "000"}], ids=str)
def test_a_wrong_logon_is_refused(server: Server, wrong: dict[str, str]) -> None:
    before = len(server.events())
    with pytest.raises(server.errors) as refusal:
        server.connect(**wrong)
    assert "LogonError" in said(refusal.value) or "Name or password" in said(refusal.value)
    refused = [event for event in server.events()[before:] if event.startswith("refused")]
    # An empty password may be refused before anything is sent. Never more than one try.
    assert len(refused) == 1 or (wrong.get("passwd") == "" and not refused)


def test_a_long_password(server: Server) -> None:
    connection = server.connect(user="LONG", passwd="x" * 40)
    connection.ping()
    connection.close()


def test_nobody_listens(server: Server) -> None:
    # A port that is bound and does not listen refuses, and nobody else can take it meanwhile.
    with socket.socket() as held:
        number = bound(held)
        with pytest.raises(server.errors) as refusal:
            server.connect(sysnr=f"{number:02d}")
    assert "LogonError" not in said(refusal.value)


# -- values -----------------------------------------------------------------------------------------------------------


def test_text(connection: Any) -> None:
    answer = connection.call("STFC_CONNECTION", REQUTEXT="hi äöü €")
    assert answer["ECHOTEXT"].rstrip() == "hi äöü €"


def test_a_structure(connection: Any) -> None:
    answer = connection.call("Z_STATUS", JOBNAME="NIGHTLY", JOBCOUNT="08153100")
    assert (answer["STATUS"], answer["RETURN"]["TYPE"], answer["RETURN"]["NUMBER"]) == ("F", "S", "000")
    answer = connection.call("Z_STATUS", JOBNAME="NONE", JOBCOUNT="1")
    words = answer["RETURN"]
    assert answer["STATUS"].strip() == ""
    assert (words["TYPE"], words["ID"].strip(), words["NUMBER"], words["ROW"]) == ("E", "XM", "049", 7)
    assert words["MESSAGE"].rstrip() == "Job NONE does not exist"


def test_every_type_both_ways(connection: Any) -> None:
    answer = connection.call("Z_TYPES", IN=ROW, CNT=41, TAB=[ROW], STR="hä<&>", XSTR=b"\x00\x01\xff", DT="20261121")
    for row in (answer["OUT"], answer["TAB"][0]):
        assert {**row, "P52": Decimal(str(row["P52"])), "RAW4": bytes(row["RAW4"])} == ROW
    assert (answer["CNT"], answer["OSTR"], bytes(answer["OXSTR"])) == (42, "HÄ<&>", b"\xff\x01\x00")
    # The second library makes a date of what is no component.
    assert answer["ODT"] in ("20261121", datetime.date(2026, 11, 21))
    added = answer["TAB"][1]
    assert (added["C5"], Decimal(str(added["P52"])), added["I8"]) == ("added", Decimal("-12.34"), 2**40)


def test_a_table_type(connection: Any) -> None:
    answer = connection.call("Z_ROWS", IT=[{"ID": 1, "NAME": "one<&"}, {"ID": 2, "NAME": ""}])
    assert [(row["ID"], row["NAME"].rstrip()) for row in answer["ET"]] == [(10, "one<&!"), (20, "!")]


def test_3000_rows_in_20000_rows_out(server: Server, connection: Any) -> None:
    lines = [{"TEXT": f"line {number}"} for number in range(3000)]
    answer = connection.call("RFC_READ_TABLE", QUERY_TABLE="BIG", ROWCOUNT=20_000, OPTIONS=lines)
    assert [row["WA"].rstrip() for row in answer["DATA"]] == [f"row {number}" for number in range(20_000)]
    assert "read with 3000 lines, the last is line 2999" in server.events()


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_classic_exceptions(server: Server, connection: Any) -> None:
    assert "JOB_NOT_FOUND" in said(failure(server, connection, "Z_RAISE", KIND="KEY"))
    words = said(failure(server, connection, "Z_RAISE", KIND="MESSAGE"))
    for word in ("JOB_NOT_FOUND", "XM", "049", *(["Job X does not exist"] if server.name == "pyrfc" else ["X Y"])):
        assert word in words
    words = said(failure(server, connection, "RFC_READ_TABLE", QUERY_TABLE="NOPE"))
    assert "TABLE_NOT_AVAILABLE" in words
    words = said(failure(server, connection, "Z_RAISE", KIND="ERROR"))
    assert "028" in words
    connection.ping()


def test_a_message_of_type_a_ends_the_conversation(server: Server) -> None:
    connection = server.connect()
    error = failure(server, connection, "Z_RAISE", KIND="ABORT")
    # The second library shows no text, only the message's number with its first variable.
    assert "341" in said(error)
    if server.name == "pyrfc":
        assert isinstance(error, server.module.ABAPRuntimeError)
        assert "It is over" in said(error)
    with pytest.raises(server.errors):
        connection.ping()


def test_an_unknown_function(server: Server, connection: Any) -> None:
    words = said(failure(server, connection, "Z_NO_SUCH"))
    assert "FU_NOT_FOUND" in words or "Z_NO_SUCH" in words
    connection.ping()


def test_a_missing_authorization(server: Server, connection: Any) -> None:
    assert "RFC_NO_AUTHORITY" in said(failure(server, connection, "Z_FORBIDDEN", NAME="x"))
    assert "NOT_AUTHORIZED" in said(failure(server, connection, "RFC_READ_TABLE", QUERY_TABLE="SECRET"))
    connection.ping()


@pytest.mark.parametrize(("when", "done"), [("BEFORE", False), ("AFTER", True)])
def test_the_connection_breaks_off(server: Server, when: str, done: bool) -> None:
    connection = server.connect()
    mark = f"{server.name} {when}"
    error = failure(server, connection, f"Z_CUT_{when}", NAME=mark)
    if server.name == "pyrfc":
        assert isinstance(error, server.module.CommunicationError)
    events = server.events()
    # Once or never: no library may repeat a call by itself.
    assert events.count(f"marked {mark}") == int(done)


def test_a_call_that_takes_too_long(server: Server) -> None:
    if server.name != "pyrfc":
        pytest.skip("only pyrfc has a timeout of its own for a call")
    connection = server.connect(config={"timeout": 1})
    error = failure(server, connection, "Z_SLOW", NAME="too late")
    assert isinstance(error, server.module.CommunicationError)
    deadline = time.monotonic() + 30
    while "marked too late" not in server.events():  # it was begun, so it is done
        assert time.monotonic() < deadline
        time.sleep(0.05)


# -- several at once --------------------------------------------------------------------------------------------------


def test_parallel_connections(server: Server) -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        connection = server.connect()
        for turn in range(20):
            text = f"{number}.{turn}"
            answer = connection.call("STFC_CONNECTION", REQUTEXT=text)["ECHOTEXT"].rstrip()
            if answer != text:
                wrong.append(f"{text} was answered {answer}")
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_a_session_ends_with_its_connection(server: Server) -> None:
    before = server.events().count("closed LONG")
    connection = server.connect(user="LONG", passwd="x" * 40)
    connection.ping()
    assert server.events().count("closed LONG") == before
    connection.close()
    deadline = time.monotonic() + 30
    while server.events().count("closed LONG") == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)
