# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of dialog instances in a simulator that runs."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.simulator.launch import Simulator
from tests.simulator.rfc import wire
from tests.simulator.rfc.wire import Tag
from tests.unit.simulator.rfc.client import Client, text
from tests.unit.simulator.samples import D01, D02

ENVELOPE = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:urn="urn:sap-com:document:sap:rfc:functions"><soap:Body>{}</soap:Body></soap:Envelope>'
)


def ports(sim: Simulator, instance: str = D01) -> dict[str, Any]:
    return dict(sim.info["abap"]["PRD"]["instances"][instance])


def talk(sim: Simulator, work: Callable[[Client], Awaitable[None]], instance: str = D01) -> None:
    """Let a client speak with an instance."""

    async def run() -> None:
        place = ports(sim, instance)
        client = await Client.connect(place["port"], place["address"])
        try:
            await asyncio.wait_for(work(client), 30)
        finally:
            client.leave()

    asyncio.run(run())


def who(sim: Simulator) -> dict[str, str]:
    """What the technical user logs on with."""
    told = sim.info["abap"]["PRD"]
    return {"user": "BASIS_AUTO", "password": told["users"]["BASIS_AUTO"], "client": told["client"]}


def get(sim: Simulator, path: str, body: str | None = None, *, tls: bool = False) -> tuple[int, str]:
    """Status with body of an answer over HTTP."""
    request = urllib.request.Request(ports(sim)["https" if tls else "http"] + path)
    if body is not None:
        one = who(sim)
        request.data = ENVELOPE.format(body).encode()
        secret = base64.b64encode(f"{one['user']}:{one['password']}".encode()).decode()
        request.headers = {"Authorization": f"Basic {secret}", "Soapaction": '""', "Content-Type": "text/xml"}
    context = ssl.create_default_context(cafile=sim.info["ca_file"])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def refuses(sim: Simulator, instance: str, port: int) -> bool:
    try:
        socket.create_connection((ports(sim, instance)["address"], port), timeout=5).close()
    except ConnectionError:
        return True
    return False


def test_where_everything_is(sim: Simulator) -> None:
    told = sim.info["abap"]["PRD"]
    assert (told["sid"], told["client"], told["clients"]) == ("PRD", "100", ["000", "100"])
    assert sorted(told["instances"]) == [D01, D02]
    address = sim.info["hosts"]["prdapp1"]["address"]
    assert told["instances"][D01] == {
        "host": "prdapp1",
        "address": address,
        "number": "01",
        "port": 3301,
        "http": f"http://{address}:8001",
        "https": f"https://{address}:44301",
    }


@pytest.mark.parametrize("instance", [D01, D02])
def test_each_instance_says_who_it_is(sim: Simulator, instance: str) -> None:
    place = ports(sim, instance)

    async def work(client: Client) -> None:
        given = await client.logon(**who(sim))
        assert wire.text(given[Tag.INSTANCE]) == f"{place['host']}_PRD_{place['number']}"
        assert wire.text(given[Tag.SID]) == "PRD"
        assert Tag.OKAY in dict(await client.call("RFC_PING"))
        name = text("RFC_SYSTEM_INFO".ljust(30))
        fields = dict(await client.call("RFC_GET_FUNCTION_INTERFACE", "PARAMS", FUNCNAME=name))
        assert Tag.OKAY in fields
        assert Tag.ROW in fields

    talk(sim, work, instance)


def test_a_wrong_password_is_counted(sim: Simulator) -> None:
    async def work(client: Client) -> None:
        assert Tag.OKAY not in await client.logon(**{**who(sim), "user": "NGUYEN", "password": "wrong"})

    before = len(sim.journal())
    talk(sim, work)
    assert [row["user"] for row in sim.journal(before, call="LOGON")] == ["NGUYEN"]
    assert "wrong" not in str(sim.journal(before)).replace("wrong passwords", "")


@pytest.mark.parametrize("tls", [False, True])
def test_public_pages(sim: Simulator, tls: bool) -> None:
    status, body = get(sim, "/sap/public/info", tls=tls)
    assert status == 200
    for words in ("<RFCSYSID>PRD</RFCSYSID>", "<RFCDEST>prdapp1_PRD_01</RFCDEST>", "<RFCPROTO>011</RFCPROTO>"):
        assert words in body
    assert get(sim, "/sap/public/ping", tls=tls)[0] == 200


def test_a_session_does_not_outlive_its_post(sim: Simulator) -> None:
    service = "/sap/bc/soap/rfc?sap-client=100"
    logon = (
        "<urn:BAPI_XMI_LOGON><EXTCOMPANY>a</EXTCOMPANY><EXTPRODUCT>b</EXTPRODUCT><INTERFACE>XBP</INTERFACE>"
        "<VERSION>3.0</VERSION></urn:BAPI_XMI_LOGON>"
    )
    status, body = get(sim, service, logon, tls=True)
    assert (status, "<SESSIONID>" in body) == (200, True)
    given = "<JOBNAME>Z</JOBNAME><EXTERNAL_USER_NAME>x</EXTERNAL_USER_NAME>"
    opened = f"<urn:BAPI_XBP_JOB_OPEN>{given}</urn:BAPI_XBP_JOB_OPEN>"
    status, body = get(sim, service, opened, tls=True)
    assert status == 200
    assert "<ID>XM</ID><NUMBER>028</NUMBER>" in body


def test_the_ports_follow_the_instance(sim: Simulator) -> None:
    async def work(client: Client) -> None:
        await client.logon(**who(sim))
        sim.state(instances={D01: {"phase": "stopped"}})
        assert await client.ended()

    talk(sim, work)
    assert [refuses(sim, D01, port) for port in (3301, 8001, 44301)] == [True] * 3
    assert not refuses(sim, D02, 3302)
    sim.state(instances={D01: {"phase": "running"}})
    assert not any(refuses(sim, D01, port) for port in (3301, 8001, 44301))


def test_a_host_that_is_not_reached(sim: Simulator) -> None:
    sim.fault("host_unreachable", host="prdapp1")
    assert [refuses(sim, D01, port) for port in (3301, 8001, 44301)] == [True] * 3
    sim.clear()
    sim.fault("mute", instance=D01)

    async def work(client: Client) -> None:
        client.send(b"\x02\x03" + bytes(62))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.receive(), 0.2)

    talk(sim, work)


@pytest.mark.parametrize(("when", "performed"), [("before", 0), ("after", 1)])
def test_faults_of_the_way(sim: Simulator, when: str, performed: int) -> None:
    sim.fault(f"rfc_cut_{when}", function="RFC_SYSTEM_INFO", times=1)
    before = len(sim.journal())

    async def work(client: Client) -> None:
        await client.logon(**who(sim))
        client.post(client.body("RFC_SYSTEM_INFO"))
        assert await client.ended()

    talk(sim, work)
    assert len(sim.journal(before, call="RFC_SYSTEM_INFO")) == performed


def test_no_work_process(sim: Simulator) -> None:
    sim.fault("rfc_no_work_process")
    status, body = get(sim, "/sap/bc/soap/rfc", "<urn:RFC_PING/>")
    assert (status, "work process" in body) == (503, True)

    async def work(client: Client) -> None:
        given = await client.logon(**who(sim))
        assert b"work process" in given[Tag.TEXT]

    talk(sim, work)
