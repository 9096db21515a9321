# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated ABAP system through client libraries that are not ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.rfc.conftest import WAYS, Server
from tests.simulator.abap.functions import catalogue
from tests.simulator.launch import Simulator
from tests.unit.simulator.samples import D01, landscape

KEY = {"EXTERNAL_USER_NAME": "tests"}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """One simulator for the tests of this file."""
    with Simulator.start(landscape(), speed=500) as simulator:
        yield simulator


@pytest.fixture(params=sorted(WAYS))
def server(sim: Simulator, request: pytest.FixtureRequest) -> Iterator[Server]:
    """An instance for each client library; skipped without the library."""
    module = pytest.importorskip(request.param, reason=WAYS[request.param])
    told = sim.info["abap"]["PRD"]
    place = told["instances"][D01]
    options = {
        "ashost": place["address"],
        "client": told["client"],
        "user": "BASIS_AUTO",
        "passwd": told["users"]["BASIS_AUTO"],
    }
    yield Server({"number": place["number"]}, request.param, module, options)
    sim.clear()
    sim.state(instances={D01: {"phase": "running"}})


@pytest.fixture
def connection(server: Server) -> Iterator[Any]:
    """A connection of a test's own."""
    connection = server.connect()
    yield connection
    connection.close()


def done(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer whose RETURN is no failure."""
    assert answer["RETURN"]["TYPE"] in ("", "S"), answer["RETURN"]
    return answer


def failed(server: Server, connection: Any, function: str, **parameters: Any) -> str:
    """What a call raises, in words."""
    with pytest.raises(server.errors) as caught:
        connection.call(function, **parameters)
    return f"{type(caught.value).__name__} {caught.value} {vars(caught.value)}"


def test_the_interface_of_every_function_module_is_understood(server: Server) -> None:
    """Called with nothing, each either returns or says in ABAP's words why not."""
    wrong = {}
    connection = server.connect()
    for name, function in sorted(catalogue().functions.items()):
        try:
            answer = connection.call(name)
        except server.errors as error:
            words = f"{type(error).__name__} {error}"
            if "ommunication" in words or "341" in words:
                wrong[name] = words
                connection.close()
                connection = server.connect()
        else:
            missing = {one.name for one in function.parameters if one.kind in "EC"} - set(answer)
            if missing:
                wrong[name] = f"without {missing}"
    connection.close()
    assert wrong == {}


def test_a_job(sim: Simulator, connection: Any) -> None:
    done(connection.call("BAPI_XMI_LOGON", EXTCOMPANY="a", EXTPRODUCT="b", INTERFACE="XBP", VERSION="3.0"))
    opened = done(connection.call("BAPI_XBP_JOB_OPEN", JOBNAME="Z_TEST", **KEY))
    job = {"JOBNAME": "Z_TEST", "JOBCOUNT": opened["JOBCOUNT"], **KEY}
    done(connection.call("BAPI_XBP_JOB_ADD_ABAP_STEP", ABAP_PROGRAM_NAME="RSPO1043", **job))
    done(connection.call("BAPI_XBP_JOB_CLOSE", **job))
    done(connection.call("BAPI_XBP_JOB_START_IMMEDIATELY", **job))
    deadline = time.monotonic() + 60
    while (status := done(connection.call("BAPI_XBP_JOB_STATUS_GET", **job))["STATUS"]) in "SYR":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert status == "F"
    log = done(connection.call("BAPI_XBP_JOB_JOBLOG_READ", PROT_NEW="X", **job))["JOB_PROTOCOL_NEW"]
    assert (log[-1]["MSGID"], log[-1]["MSGNO"], log[-1]["MSGTYPE"]) == ("00", "517", "S")
    where = [{"TEXT": f"JOBNAME = 'Z_TEST' AND JOBCOUNT = '{opened['JOBCOUNT']}'"}]
    row = connection.call(
        "RFC_READ_TABLE", QUERY_TABLE="TBTCO", DELIMITER="|", OPTIONS=where, FIELDS=[{"FIELDNAME": "STATUS"}]
    )
    assert [line["WA"] for line in row["DATA"]] == ["F"]


def test_the_xmi_logon_belongs_to_its_connection(server: Server, connection: Any) -> None:
    done(connection.call("BAPI_XMI_LOGON", EXTCOMPANY="a", EXTPRODUCT="b", INTERFACE="XBP", VERSION="3.0"))
    other = server.connect()
    answer = other.call("BAPI_XBP_JOB_OPEN", JOBNAME="Z_OTHER", **KEY)
    other.close()
    assert (answer["RETURN"]["ID"], answer["RETURN"]["NUMBER"]) == ("XM", "028")


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
def test_a_job_whose_connection_breaks_off(sim: Simulator, server: Server, when: str, count: int) -> None:
    connection = server.connect()
    done(connection.call("BAPI_XMI_LOGON", EXTCOMPANY="a", EXTPRODUCT="b", INTERFACE="XBP", VERSION="3.0"))
    sim.fault(f"rfc_cut_{when}", function="BAPI_XBP_JOB_OPEN", times=1)
    name = f"Z_{server.name}_{when}".upper()
    before = len(sim.journal())
    failed(server, connection, "BAPI_XBP_JOB_OPEN", JOBNAME=name, **KEY)
    assert len(sim.journal(before, call="BAPI_XBP_JOB_OPEN")) == count
    other = server.connect()
    where, fields = [{"TEXT": f"JOBNAME = '{name}'"}], [{"FIELDNAME": "JOBCOUNT"}]
    rows = other.call("RFC_READ_TABLE", QUERY_TABLE="TBTCO", OPTIONS=where, FIELDS=fields)["DATA"]
    other.close()
    assert len(rows) == count


def test_missing_authorizations(sim: Simulator, server: Server, connection: Any) -> None:
    sim.fault("rfc_missing_authorization", object="S_TABU_DIS")
    assert "NOT_AUTHORIZED" in failed(server, connection, "RFC_READ_TABLE", QUERY_TABLE="T000")
    sim.fault("rfc_missing_authorization", object="S_RFC")
    assert "RFC_NO_AUTHORITY" in failed(server, connection, "TH_SERVER_LIST")
    connection.ping()


def test_a_user_is_locked_after_five_wrong_passwords(sim: Simulator, server: Server) -> None:
    user = {"pyrfc": "NGUYEN", "saprfclib": "OKAFOR"}[server.name]
    before = len(sim.journal())
    for _number in range(5):
        with pytest.raises(server.errors):
            server.connect(user=user, passwd="Wrong1")
    assert len(sim.journal(before, call="LOGON", user=user)) == 5
    assert sim.journal(before, effect="user_locked", user=user)


def test_an_instance_that_goes_down(sim: Simulator, server: Server) -> None:
    connection = server.connect()
    connection.ping()
    sim.state(instances={D01: {"phase": "stopped"}})
    with pytest.raises(server.errors):
        connection.call("RFC_SYSTEM_INFO")
    with pytest.raises(server.errors):
        server.connect()
