# SPDX-License-Identifier: GPL-3.0-or-later
"""How answers, faults and HTTP states become values and errors, over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    Unknown,
)
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import Address, Client, ServiceFault, connect
from tests.unit.plugins.module_utils._sapcontrol.peer import Peer, fault, http, say, soap


def client(peer: Peer) -> Client:
    return connect(Address("01", url=f"http://127.0.0.1:{peer.port}", timeout=5.0), "PRD/01")


def answered(*replies: bytes) -> Peer:
    return Peer(*(say(reply) for reply in replies))


@pytest.mark.parametrize(
    ("reply", "error", "reason"),
    [
        (http(401, b""), Denied, "credentials"),
        (http(403, b""), Denied, "permission"),
        (http(500, fault("Invalid Credentials")), Denied, "credentials"),
        (http(500, fault("Permission denied")), Denied, "permission"),
        (http(500, fault("DpAttachStartService failed")), ServiceFault, "fault"),
        (http(200, fault("odd, but a fault")), ServiceFault, "fault"),
        (http(500, fault("")), ServiceFault, "fault"),
    ],
)
@pytest.mark.parametrize("verb", [Client.processes, lambda c: c.stop(300)])
def test_who_is_refused_is_told_so_and_nothing_is_unknown(
    reply: bytes, error: type[LandscapeError], reason: str, verb: Callable[[Client], Any]
) -> None:
    with answered(reply) as peer, pytest.raises(error) as caught:
        verb(client(peer))
    assert caught.value.reason == reason
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("reply", "question", "change"),
    [
        (http(404, b"<html/>"), Failed, Failed),
        (http(302, b"", "Location: http://elsewhere/"), Failed, Failed),
        (http(503, b"busy"), Failed, Unknown),
        (http(500, b""), Failed, Unknown),
        (http(200, b"<html>Sign in</html>"), Failed, Unknown),
        (http(200, soap("GetVersionInfoResponse")), Failed, Unknown),
        (http(200, b""), Failed, Unknown),
    ],
)
def test_an_answer_that_says_nothing_leaves_a_change_unknown(
    reply: bytes, question: type[LandscapeError], change: type[LandscapeError]
) -> None:
    with answered(reply) as peer:
        with pytest.raises(question) as asked:
            client(peer).processes()
        assert asked.value.kind == question.kind
        with pytest.raises(change) as told:
            client(peer).start()
        assert told.value.kind == change.kind
    assert len(peer.requests) == 2


def test_processes_of_an_unknown_colour_fail() -> None:
    row = "<process><item><name>x</name><dispstatus>SAPControl-BLUE</dispstatus><pid>1</pid></item></process>"
    with answered(http(200, soap("GetProcessListResponse", row))) as peer, pytest.raises(Failed, match="BLUE"):
        client(peer).processes()


@pytest.mark.parametrize(
    ("verb", "element", "sent"),
    [
        (lambda c: c.start(), "Start", "<SAPControl:Start></SAPControl:Start>"),
        (
            lambda c: c.stop(600),
            "Stop",
            "<SAPControl:Stop><softtimeout>600</softtimeout><IsSystemStop>0</IsSystemStop></SAPControl:Stop>",
        ),
        (lambda c: c.restart_instance(5), "RestartInstance", "<softtimeout>5</softtimeout>"),
        (lambda c: c.restart_service(), "RestartService", "<SAPControl:RestartService>"),
        (
            lambda c: c.start_system("SAPControl-PRIORITY-LEVEL", "1", 900),
            "StartSystem",
            "<options>SAPControl-PRIORITY-LEVEL</options><prioritylevel>1</prioritylevel>"
            "<waittimeout>900</waittimeout></SAPControl:StartSystem>",
        ),
        (
            lambda c: c.stop_system("SAPControl-ABAP-INSTANCES", None, 600, 900),
            "StopSystem",
            "<options>SAPControl-ABAP-INSTANCES</options><softtimeout>600</softtimeout>"
            "<waittimeout>900</waittimeout></SAPControl:StopSystem>",
        ),
        (lambda c: c.set_server_inactive(True), "ABAPSetServerInactive", "<inactive>true</inactive>"),
    ],
)
def test_changes_carry_exactly_what_was_asked_for(verb: Callable[[Client], Any], element: str, sent: str) -> None:
    with answered(http(200, soap(f"{element}Response"))) as peer:
        verb(client(peer))
    assert len(peer.requests) == 1
    assert sent in peer.requests[0].decode()


def test_a_fault_of_a_start_that_came_too_late() -> None:
    with answered(http(500, fault("Instance already started"))) as peer, pytest.raises(ServiceFault) as caught:
        client(peer).start()
    assert caught.value.already_started
    assert not caught.value.dispatcher_down


def test_access_that_is_not_given_is_denied_whatever_the_fault_says() -> None:
    with answered(http(500, fault("some new wording"))) as peer, pytest.raises(Denied, match="some new wording"):
        client(peer).check_access("Stop")


def test_maintenance_mode_is_on_only_when_the_answer_is_good() -> None:
    good = http(200, soap("HACheckMaintenanceModeResponse"))
    with answered(good, http(500, fault("Maintenance mode is not active"))) as peer:
        assert client(peer).in_maintenance() is True
        assert client(peer).in_maintenance() is False


def test_failover() -> None:
    inner = "<HAActive>true</HAActive><HAActiveNode>a</HAActiveNode><HANodes><item>a</item><item>b</item></HANodes>"
    with answered(http(200, soap("HAGetFailoverConfigResponse", inner))) as peer:
        assert client(peer).failover() == (True, "", "a", ("a", "b"))


def test_failover_that_cannot_be_read_is_no_answer() -> None:
    with answered(http(200, soap("HAGetFailoverConfigResponse"))) as peer, pytest.raises(Failed, match="HAActive"):
        client(peer).failover()


def test_the_end_of_a_trace() -> None:
    files = "<file><item><filename>dev_disp</filename></item></file>"
    lines = "<lines>" + "".join(f"<item>line {n}</item>" for n in range(30)) + "<item></item></lines>"
    with answered(
        http(200, soap("ListDeveloperTracesResponse", files)), http(200, soap("ReadDeveloperTraceResponse", lines))
    ) as peer:
        tail = client(peer).log_tail("disp+work", lines=3)
    assert tail == ("dev_disp", ["line 27", "line 28", "line 29"])
    assert b"<size>-4096</size>" in peer.requests[1]


def test_a_trace_that_cannot_be_read_hides_no_other_error() -> None:
    with answered(http(401, b"")) as peer:
        assert client(peer).log_tail("disp+work") is None


def test_an_unknown_function_counts_as_a_change() -> None:
    with answered(http(200, b"broken")) as peer, pytest.raises(Unknown):
        client(peer).call("SomethingNew", {"a": 1})


def test_bad_parameters_are_found_before_anything_is_sent() -> None:
    with answered(http(200, b"")) as peer:
        with pytest.raises(BadInput):
            client(peer).call("Stop", {})
        assert peer.connections == 0
