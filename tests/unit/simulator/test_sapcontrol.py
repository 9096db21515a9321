# SPDX-License-Identifier: GPL-3.0-or-later
"""The sapcontrol door through real sockets."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.simulator.launch import Simulator
from tests.unit.simulator.samples import ASCS, D01, D02, ERS, HDB, WEB, Caller

ALL = "SAPControl-ALL-INSTANCES"


def effects(sim: Simulator, after: int, *kinds: str) -> list[tuple[str, str]]:
    """Instances with their effects of the given kinds, in order."""
    return [(e["instance"], e["effect"]) for e in sim.journal(after) if e.get("effect") in kinds]


@pytest.fixture
def begin(sim: Simulator) -> int:
    """The journal's length before the test."""
    return len(sim.journal())


@pytest.mark.parametrize("over", ["http", "https", "socket"])
def test_open_methods_need_no_credentials(sim: Simulator, over: str) -> None:
    reply = Caller(sim, D01, user=None)("GetProcessList", over)
    assert (reply.status, reply.texts("name")[0]) == (200, "disp+work")
    assert set(reply.texts("dispstatus")) == {"SAPControl-GREEN"}


@pytest.mark.parametrize("over", ["http", "https"])
def test_protected_methods_without_credentials_are_401(sim: Simulator, begin: int, over: str) -> None:
    reply = Caller(sim, D01, user=None)("Stop", over, softtimeout=0, IsSystemStop=0)
    assert reply.status == 401
    assert not effects(sim, begin, "stopping")


@pytest.mark.parametrize(("user", "password"), [("prdadm", "wrong"), ("qasadm", None), ("nobody", None)])
def test_wrong_credentials_are_a_fault(sim: Simulator, begin: int, user: str, password: str | None) -> None:
    reply = Caller(sim, D01, user=user, password=password)("Stop", softtimeout=0, IsSystemStop=0)
    assert (reply.status, reply.fault) == (500, "Invalid Credentials")
    assert not effects(sim, begin, "stopping")


def test_the_unix_socket_trusts(sim: Simulator) -> None:
    reply = Caller(sim, D01, user=None)("ParameterValue", "socket", parameter="INSTANCE_NAME")
    assert (reply.status, reply.texts("value")) == (200, ["D01"])
    assert Caller(sim, D01, user=None)("AccessCheck", "socket", function="Start").status == 200
    assert Caller(sim, D01, user=None)("AccessCheck", "http", function="Start").fault == "Permission denied"


def test_stop_and_start_one_instance(sim: Simulator, begin: int) -> None:
    call = Caller(sim, D01)
    assert call("Start").fault == "Instance already started"
    assert call("Stop", softtimeout=300, IsSystemStop=0).status == 200
    sim.wait(after=begin, effect="stopped", instance=D01)
    assert set(call("GetProcessList").texts("dispstatus")) == {"SAPControl-GRAY"}
    assert call("ABAPGetWPTable").fault == "DpAttachStartService failed"
    assert call("Start").status == 200
    sim.wait(after=begin, effect="started", instance=D01)
    assert set(call("GetProcessList").texts("dispstatus")) == {"SAPControl-GREEN"}
    assert effects(sim, begin, "stopping", "stopped", "starting", "started") == [
        (D01, "stopping"),
        (D01, "stopped"),
        (D01, "starting"),
        (D01, "started"),
    ]


def test_stop_system_and_start_system_keep_the_priorities(sim: Simulator, begin: int) -> None:
    call = Caller(sim, D01)
    call("HASetMaintenanceMode", mode="true", instance_only="false")
    Caller(sim, ASCS)("HASetMaintenanceMode", mode="true", instance_only="false")
    assert call("StopSystem", options=ALL, softtimeout=300, waittimeout=0).status == 200
    sim.wait(after=begin, effect="stopped", instance=ERS)
    stopped = [name for name, _effect in effects(sim, begin, "stopped")]
    assert stopped[-2:] == [ASCS, ERS] and set(stopped[:2]) == {D01, D02}
    assert call("StartSystem", options=ALL, waittimeout=0).status == 200
    sim.wait(after=begin, effect="started", instance=D01)
    sim.wait(after=begin, effect="started", instance=D02)
    started = [name for name, _effect in effects(sim, begin, "started")]
    assert started[:2] == [ERS, ASCS] and set(started[2:]) == {D01, D02}
    assert not effects(sim, begin, "waiting_for_dependency", "sessions_lost")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"options": "SAPControl-ABAP-INSTANCES"}, {D01, D02}),
        ({"options": "SAPControl-PRIORITY-LEVEL", "prioritylevel": "0.5"}, {ERS}),
        ({"options": "SAPControl-HDB-INSTANCES"}, set()),
        ({"options": "SAPControl-SCS-INSTANCES"}, {ASCS}),
    ],
)
def test_the_options_choose_instances(sim: Simulator, begin: int, fields: dict[str, str], expected: set[str]) -> None:
    Caller(sim, ASCS)("HASetMaintenanceMode", mode="true", instance_only="false")
    reply = Caller(sim, D01)("StopSystem", **fields, softtimeout=0, waittimeout=0)
    assert reply.status == 200
    assert {name for name, _effect in effects(sim, begin, "stopping")} == expected


def test_a_level_without_a_number_is_refused(sim: Simulator) -> None:
    reply = Caller(sim, D01)("StopSystem", options="SAPControl-PRIORITY-LEVEL", softtimeout=0, waittimeout=0)
    assert reply.fault == "Invalid prioritylevel"


def test_a_level_that_is_not_through_in_time_ends_the_call(sim: Simulator, begin: int) -> None:
    sim.fault("stop_hangs", instance=D01)
    Caller(sim, D01)("StopSystem", options=ALL, softtimeout=0, waittimeout=100)
    sim.wait(after=begin, effect="system_stop_ended")
    assert not [name for name, _effect in effects(sim, begin, "stopping") if name in (ASCS, ERS)]


@pytest.mark.parametrize(
    ("operation", "body", "expected"),
    [
        ("Stop", {"softtimeout": "soon", "IsSystemStop": 0}, "data type mismatch"),
        ("StopSystem", {"options": "ALL", "softtimeout": 0, "waittimeout": 0}, "'options'"),
        ("Start", {"level": "3"}, "namespace mismatch in element 'level'"),
        ("GetProcessList2", {}, "not implemented"),
    ],
)
def test_a_request_that_the_schema_forbids_is_a_fault(
    sim: Simulator, begin: int, operation: str, body: dict[str, Any], expected: str
) -> None:
    reply = Caller(sim, D01)(operation, **body)
    assert reply.status == 500 and reply.fault is not None and expected in reply.fault
    assert not effects(sim, begin, "stopping", "starting")


@pytest.mark.parametrize("fields", [{}, {"options": "", "softtimeout": "", "waittimeout": 0}])
def test_a_stop_of_the_system_without_options_means_all_of_it(
    sim: Simulator, begin: int, fields: dict[str, Any]
) -> None:
    Caller(sim, ASCS)("HASetMaintenanceMode", mode="true", instance_only="false")
    assert Caller(sim, D01)("StopSystem", **fields).status == 200
    sim.wait(after=begin, effect="stopped", instance=ERS)
    assert {name for name, _effect in effects(sim, begin, "stopped")} == {D01, D02, ASCS, ERS}
    assert effects(sim, begin, "sessions_lost")


def test_the_system_sees_its_instances(sim: Simulator) -> None:
    reply = Caller(sim, D01)("GetSystemInstanceList", timeout=0)
    assert reply.texts("startPriority") == ["0.5", "1", "3", "3"]
    assert reply.texts("instanceNr") == ["11", "10", "1", "2"]
    sim.fault("sapstartsrv_down", instance=D02)
    assert Caller(sim, D01)("GetSystemInstanceList", timeout=0).texts("dispstatus")[-1] == "SAPControl-GRAY"


def test_work_processes_queues_locks_replication(sim: Simulator) -> None:
    sim.state(instances={D01: {"busy": 4, "queues": {"ABAP/DIA": 9}}})
    call = Caller(sim, D01)
    assert call("ABAPGetWPTable").texts("Status").count("Run") == 4
    assert call("GetQueueStatistic").texts("Now") == ["0", "9", "0", "0", "0", "0", "0", "0"]
    assert len(call("ABAPGetSystemWPTable", activeonly="true").texts("Instance")) == 4 + 2
    central = Caller(sim, ASCS)
    assert central("EnqGetLockTable").texts("backup") == ["true", "true"]
    assert "<SAPControl:EnqStatistic>" in central("EnqGetStatistic").body
    assert central("EnqGetStatistic").texts("replication-state") == ["SAPControl-GREEN"]
    assert Caller(sim, WEB)("GetQueueStatistic").fault == "DpAttachStartService failed"
    assert Caller(sim, D01)("EnqGetLockTable").fault == "Enqueue server not available"


def test_maintenance_mode(sim: Simulator) -> None:
    call = Caller(sim, ASCS)
    assert call("HAGetFailoverConfig").texts("HAActive") == ["true"]
    assert call("HACheckMaintenanceMode", instance_only="true").fault == "Maintenance mode is not active"
    assert call("HASetMaintenanceMode", mode="true", instance_only="true").status == 200
    assert call("HACheckMaintenanceMode", instance_only="true").status == 200
    assert Caller(sim, ERS)("HACheckMaintenanceMode", instance_only="true").status == 500, "instance only"
    assert Caller(sim, HDB)("HAGetFailoverConfig").texts("HAActive") == ["false"]


def test_restart_of_the_service_leaves_the_instance_alone(sim: Simulator, begin: int) -> None:
    assert Caller(sim, D01)("RestartService").status == 200
    sim.wait(after=begin, effect="service_down", instance=D01)
    sim.wait(after=begin, effect="service_up", instance=D01)
    assert Caller(sim, D01)("GetProcessList").status == 200
    assert not effects(sim, begin, "stopping", "stopped", "killed")


def test_log_lines_name_what_happened(sim: Simulator, begin: int) -> None:
    sim.fault("red_on_start", instance=D01)
    call = Caller(sim, D01)
    call("Stop", softtimeout=0, IsSystemStop=0)
    sim.wait(after=begin, effect="stopped", instance=D01)
    call("Start")
    sim.wait(after=begin, effect="red", instance=D01)
    assert "SAPControl-RED" in call("GetProcessList").texts("dispstatus")
    names = call("ListDeveloperTraces").texts("filename")
    trace = call("ReadDeveloperTrace", filename=names[0], size=-4000)
    assert any("*** ERROR" in line for line in trace.texts("item"))
    log = call("ReadLogFile", filename="sapstartsrv.log", filter="", language="", maxentries=2, statecookie="")
    assert len(log.texts("item")) == 2
    assert call("ReadLogFile", filename="/etc/passwd", filter="", language="", maxentries=2, statecookie="").fault


def test_the_wsdl_is_served(sim: Simulator) -> None:
    place = urlsplit(sim.info["instances"][D01]["http"])
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request("GET", "/sapcontrol?wsdl")
    answer = connection.getresponse()
    assert answer.status == 200 and b'<operation name="GetProcessList">' in answer.read()
    connection.request("GET", "/")
    assert connection.getresponse().status == 404, "over the same connection"
    connection.close()


# -- faults ---------------------------------------------------------------------------------------------------------


def test_slow(sim: Simulator) -> None:
    sim.fault("slow", instance=D01, operation="GetProcessList", seconds=0.4, times=1)
    begin = time.monotonic()
    Caller(sim, D01)("GetProcessList")
    assert time.monotonic() - begin >= 0.4
    begin = time.monotonic()
    Caller(sim, D01)("GetProcessList")
    assert time.monotonic() - begin < 0.4, "once only"


def test_hang_after_accept(sim: Simulator, begin: int) -> None:
    sim.fault("hang", instance=D01, operation="Stop")
    with pytest.raises(TimeoutError):
        Caller(sim, D01)("Stop", patience=0.5, softtimeout=0, IsSystemStop=0)
    assert not effects(sim, begin, "stopping")


@pytest.mark.parametrize("over", ["http", "https", "socket"])
def test_a_port_that_says_nothing_at_all(sim: Simulator, over: str) -> None:
    number = sim.fault("mute", instance=D01)
    with pytest.raises(TimeoutError):
        Caller(sim, D01)("GetProcessList", over, patience=0.3)
    assert Caller(sim, D02)("GetProcessList", over).status == 200
    sim.clear(number)
    assert Caller(sim, D01)("GetProcessList", over).status == 200


@pytest.mark.parametrize(("fault", "performed"), [("drop_after_accept", True), ("drop_before", False)])
@pytest.mark.parametrize("over", ["http", "https", "socket"])
def test_a_lost_answer(sim: Simulator, begin: int, fault: str, performed: bool, over: str) -> None:
    sim.fault(fault, instance=D01, operation="Stop", times=1)
    with pytest.raises((OSError, http.client.HTTPException)):
        Caller(sim, D01)("Stop", over, softtimeout=0, IsSystemStop=0)
    assert bool(effects(sim, begin, "stopping")) is performed
    assert len(sim.journal(begin, call="Stop")) == 1


def test_half_an_answer(sim: Simulator, begin: int) -> None:
    sim.fault("half_answer", instance=D01)
    with pytest.raises(http.client.IncompleteRead):
        Caller(sim, D01)("Stop", softtimeout=0, IsSystemStop=0)
    assert effects(sim, begin, "stopping")


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("denied", 500, "Permission denied"),
        ("unauthorized", 401, None),
        ("server_error", 500, None),
        ("not_soap", 200, None),
    ],
)
def test_refusals(sim: Simulator, begin: int, fault: str, status: int, text: str | None) -> None:
    sim.fault(fault, host="prdapp1", times=1)
    reply = Caller(sim, D01)("Stop", softtimeout=0, IsSystemStop=0)
    assert (reply.status, reply.fault) == (status, text)
    assert not effects(sim, begin, "stopping")


@pytest.mark.parametrize(
    ("fault", "words"),
    [("wrong_certificate", "unable to get local issuer"), ("expired_certificate", "certificate has expired")],
)
def test_certificates(sim: Simulator, fault: str, words: str) -> None:
    number = sim.fault(fault, host="prdapp1")
    with pytest.raises(ssl.SSLCertVerificationError, match=words):
        Caller(sim, D01)("GetProcessList")
    assert Caller(sim, D02)("GetProcessList").status == 200
    sim.clear(number)
    assert Caller(sim, D01)("GetProcessList").status == 200


@pytest.mark.parametrize("over", ["http", "https", "socket"])
def test_sapstartsrv_down(sim: Simulator, over: str) -> None:
    number = sim.fault("sapstartsrv_down", instance=D01)
    with pytest.raises(FileNotFoundError if over == "socket" else ConnectionRefusedError):
        Caller(sim, D01)("GetProcessList", over)
    sim.clear(number)
    assert Caller(sim, D01)("GetProcessList", over).status == 200


def test_nothing_listens_on_a_host_that_is_down(sim: Simulator) -> None:
    sim.state(hosts={"prdapp1": {"up": False}})
    for over in ("http", "https"):
        with pytest.raises(ConnectionRefusedError):
            Caller(sim, D01)("GetProcessList", over)
    sim.state(hosts={"prdapp1": {"up": True}})
    assert set(Caller(sim, D01)("GetProcessList").texts("dispstatus")) == {"SAPControl-GRAY"}


def test_a_host_that_resets_two_connections(sim: Simulator) -> None:
    sim.fault("host_unreachable", host="prdapp1", times=2)
    for _count in range(2):
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            Caller(sim, D01)("GetProcessList", "http")
    assert Caller(sim, D01)("GetProcessList", "http").status == 200


def test_a_connection_dies_with_its_host(sim: Simulator) -> None:
    place = urlsplit(sim.info["instances"][D01]["http"])
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        assert Caller(sim, D01)("GetProcessList", "http").status == 200
        sim.state(hosts={"prdapp1": {"up": False}})
        try:
            assert connection.recv(1) == b""
        except ConnectionResetError:
            pass


def test_calls_pass_before_a_fault_that_comes_later(sim: Simulator) -> None:
    sim.fault("denied", instance=D01, operation="GetProcessList", after=2, times=1)
    statuses = [Caller(sim, D01)("GetProcessList").status for _count in range(4)]
    assert statuses == [200, 200, 500, 200]
