# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator through a SOAP client that is not ours: zeep, from the WSDL that the simulator serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import zeep
from requests.auth import HTTPBasicAuth

from tests.simulator.launch import Simulator
from tests.unit.simulator.samples import ASCS, D01, HDB, landscape

JAVA = "POP/popapp1/J31"
ALL = "SAPControl-ALL-INSTANCES"


def export() -> dict[str, Any]:
    """The common landscape with a Java system."""
    rows = landscape()
    rows["hosts"].append({"name": "popapp1"})
    rows["systems"].append({"name": "POP", "type": "java"})
    rows["instances"].append({"name": "J31", "system": "POP", "host": "popapp1", "number": "31", "kind": "java"})
    return rows


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """A simulator at a speed at which a stop takes a while."""
    with Simulator.start(export(), speed=50) as running:
        yield running


@pytest.fixture(scope="module")
def clients(sim: Simulator) -> Callable[..., zeep.Client]:
    """A zeep client of an instance over TLS, with its user's password."""
    made: dict[str, zeep.Client] = {}

    def client(instance: str, *, user: str | None = None, password: str | None = None) -> zeep.Client:
        key = f"{instance} {user} {password}"
        if key not in made:
            session = requests.Session()
            session.trust_env = False
            session.verify = sim.info["ca_file"]
            info = sim.info["instances"][instance]
            if user != "":
                session.auth = HTTPBasicAuth(user or info["user"], password or sim.info["password"])
            made[key] = zeep.Client(
                f"{info['https']}/?wsdl", transport=zeep.Transport(session=session, timeout=10, operation_timeout=10)
            )
        return made[key]

    return client


@pytest.fixture(autouse=True)
def at_rest(sim: Simulator) -> None:
    """Every instance runs."""
    sim.clear()
    sim.state(
        instances={
            name: {"phase": "running", "maintenance": False, "service_up": True} for name in sim.info["instances"]
        }
    )


def first(rows: Any) -> Any:
    """The first row of an answer that is one array, which zeep hands out as a list."""
    assert isinstance(rows, list)
    return rows[0]


def nothing(answer: Any) -> bool:
    """An answer without content."""
    return answer is None


# operation: instance, parameters, what its answer must satisfy
CALLS: dict[str, tuple[str, dict[str, Any], Callable[[Any], Any]]] = {
    "Start": ("stopped " + D01, {}, nothing),
    "Stop": (D01, {"softtimeout": 10, "IsSystemStop": 0}, nothing),
    "Shutdown": (D01, {"IsSystemStop": 0}, nothing),
    "InstanceStart": ("stopped " + D01, {"host": "prdapp1", "nr": 1}, nothing),
    "InstanceStop": (D01, {"host": "prdapp2", "nr": 2, "softtimeout": 0}, nothing),
    "RestartInstance": (D01, {"softtimeout": 0}, nothing),
    "StartSystem": ("stopped " + D01, {"options": ALL, "waittimeout": 0}, nothing),
    "StopSystem": (D01, {"options": ALL, "softtimeout": 0, "waittimeout": 0}, nothing),
    "RestartSystem": (D01, {"options": ALL, "softtimeout": 0, "waittimeout": 0}, nothing),
    "UpdateSystem": (D01, {"softtimeout": 0, "waittimeout": 0, "force": False}, nothing),
    "CheckUpdateSystem": (D01, {}, nothing),
    "GetSystemUpdateList": (D01, {}, lambda a: a is None or isinstance(a, list)),
    "RestartService": (HDB, {}, nothing),
    "StopService": (JAVA, {}, nothing),
    "GetProcessList": (
        D01,
        {},
        lambda a: first(a)["name"] == "disp+work" and first(a)["dispstatus"] == "SAPControl-GREEN",
    ),
    "GetSystemInstanceList": (
        D01,
        {"timeout": 0},
        lambda a: [row["instanceNr"] for row in a] == [11, 10, 1, 2],
    ),
    "GetInstanceProperties": (D01, {}, lambda a: first(a)["property"] == "SAPSYSTEM" and first(a)["value"] == "01"),
    "AccessCheck": (D01, {"function": "Stop"}, nothing),
    "GetVersionInfo": (D01, {}, lambda a: first(a)["VersionInfo"].startswith("793, patch 200, changelist ")),
    "GetQueueStatistic": (D01, {}, lambda a: first(a)["Typ"] == "ABAP/NOWP" and first(a)["Max"] == 14000),
    "ABAPGetWPTable": (D01, {}, lambda a: first(a)["Typ"] == "DIA" and first(a)["No"] == 0),
    "ABAPGetSystemWPTable": (D01, {"activeonly": False}, lambda a: first(a)["Instance"] == "prdapp1_PRD_01"),
    "ABAPSetServerInactive": (D01, {"inactive": True}, nothing),
    "ABAPCheckRFCDestinations": (D01, {}, nothing),
    "ABAPGetComponentList": (D01, {}, lambda a: first(a)["component"] == "SAP_BASIS"),
    "ABAPReadSyslog": (D01, {}, nothing),
    "J2EEGetProcessList2": (JAVA, {}, lambda a: first(a)["state"] == "SAPControl-J2EE-RUNNING"),
    "J2EEGetThreadList2": (JAVA, {}, nothing),
    "J2EEGetComponentList": (JAVA, {}, lambda a: first(a)["status"] == "started"),
    "J2EEControlProcess": (JAVA, {"processname": "server0", "function": "RestartProcess"}, nothing),
    "GetAlertTree": (D01, {}, lambda a: [row["parent"] for row in a] == [-1, 0]),
    "EnqGetStatistic": (ASCS, {}, lambda a: a["replication-state"] == "SAPControl-GREEN" and a["locks-now"] == 2),
    "EnqGetLockTable": (ASCS, {}, lambda a: len(first(a)["owner"]) == 58 and first(a)["backup"] is True),
    "EnqRemoveLocks": (ASCS, {"lock": None}, nothing),
    "EnqRemoveUserLocks": (ASCS, {"user": "NOBODY"}, nothing),
    "HACheckConfig": (ASCS, {}, lambda a: first(a)["state"] == "SAPControl-HA-SUCCESS"),
    "HACheckFailoverConfig": (ASCS, {}, lambda a: first(a)["category"] == "SAPControl-SAP-CONFIGURATION"),
    "HAGetFailoverConfig": (ASCS, {}, lambda a: a["HAActive"] is True and a["HANodes"]["item"] == ["prdcs"]),
    "HAFailoverToNode": (ASCS, {"node": "prdcs"}, zeep.exceptions.Fault),
    "HASetMaintenanceMode": (ASCS, {"mode": True, "instance-only": False}, nothing),
    "HACheckMaintenanceMode": (ASCS, {"instance-only": True}, zeep.exceptions.Fault),
    "ParameterValue": (D01, {"parameter": "INSTANCE_NAME"}, lambda a: a == "D01"),
    "GetStartProfile": (D01, {}, lambda a: "SAPSYSTEMNAME = PRD" in a["lines"]["item"]),
    "GetTraceFile": (D01, {}, lambda a: a["name"].endswith("sapstartsrv.log")),
    "ListLogFiles": (D01, {}, lambda a: first(a)["format"] == "TEXT"),
    "ReadLogFile": (
        D01,
        {"filename": "sapstartsrv.log", "filter": "", "language": "", "maxentries": 5, "statecookie": ""},
        lambda a: a["format"] == "TEXT",
    ),
    "ListDeveloperTraces": (D01, {}, lambda a: first(a)["filename"].endswith("dev_disp")),
    "ReadDeveloperTrace": (D01, {"filename": "dev_disp", "size": -10_000}, lambda a: len(a["lines"]["item"]) >= 3),
    "OSExecute": (D01, {"command": "ls", "async": 0, "timeout": 1}, zeep.exceptions.Fault),
    "SendSignal": (D01, {"pid": 1, "signal": "SIGUSR1"}, nothing),
    "GetEnvironment": (D01, {}, lambda a: "SAPSYSTEMNAME=PRD" in a),
    "GetAccessPointList": (D01, {}, lambda a: first(a)["port"] == 3201),
    "CheckParameter": (D01, {"profile": None, "default-profile": None}, nothing),
}


def test_the_table_has_every_operation_of_the_wsdl(clients: Callable[..., zeep.Client]) -> None:
    binding = next(iter(clients(D01).wsdl.bindings.values()))
    assert set(binding.all()) == set(CALLS)


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_an_operation(sim: Simulator, clients: Callable[..., zeep.Client], operation: str) -> None:
    where, parameters, claim = CALLS[operation]
    instance = where.rpartition(" ")[2]
    if where.startswith("stopped "):
        sim.state(instances={instance: {"phase": "stopped"}})
    call = getattr(clients(instance).service, operation)
    if isinstance(claim, type):
        with pytest.raises(claim):
            call(**parameters)
        return
    answer = call(**parameters)
    assert claim(answer), answer


def test_start_and_stop_as_a_client_follows_them(sim: Simulator, clients: Callable[..., zeep.Client]) -> None:
    begin = len(sim.journal())
    service = clients(D01).service
    service.Stop(softtimeout=0, IsSystemStop=0)
    sim.wait(after=begin, effect="stopped", instance=D01)
    rows = service.GetProcessList()
    assert {row["dispstatus"] for row in rows} == {"SAPControl-GRAY"}
    assert {row["starttime"] for row in rows} <= {"", None}
    service.Start()
    sim.wait(after=begin, effect="started", instance=D01)
    assert {row["dispstatus"] for row in service.GetProcessList()} == {"SAPControl-GREEN"}


@pytest.mark.parametrize(
    ("user", "password", "words"),
    [("", None, "401"), ("prdadm", "wrong", "Invalid Credentials")],
)
def test_refused_credentials(clients: Callable[..., zeep.Client], user: str, password: str | None, words: str) -> None:
    with pytest.raises((zeep.exceptions.TransportError, zeep.exceptions.Fault)) as caught:
        clients(D01, user=user, password=password).service.Stop(softtimeout=0, IsSystemStop=0)
    assert words in f"{caught.value} {getattr(caught.value, 'status_code', '')}"


def test_a_fault_carries_its_text(clients: Callable[..., zeep.Client]) -> None:
    with pytest.raises(zeep.exceptions.Fault, match="Instance already started"):
        clients(D01).service.Start()
    with pytest.raises(zeep.exceptions.Fault, match="DpAttachStartService failed"):
        clients(HDB).service.GetQueueStatistic()
