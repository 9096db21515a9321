# SPDX-License-Identifier: GPL-3.0-or-later
"""The landscape that the simulator's tests share, with a caller that speaks SOAP by hand."""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from tests.simulator.launch import Simulator

D01 = "PRD/prdapp1/D01"
D02 = "PRD/prdapp2/D02"
ASCS = "PRD/prdcs/ASCS10"
ERS = "PRD/prdcs/ERS11"
HDB = "HDP/prddb/HDB00"
WEB = "WD1/wd1/W20"


def landscape(**more: Any) -> dict[str, Any]:
    """An ABAP system on HANA behind a Web Dispatcher; durations without spread, without stragglers."""
    return {
        "simulation": {"spread": 0, "stragglers": {"share": 0}, **more},
        "hosts": [
            {"name": "prddb", "address": "127.20.9.1"},
            {"name": "prdcs", "address": "127.20.9.2"},
            {"name": "prdapp1", "address": "127.20.9.3"},
            {"name": "prdapp2", "address": "127.20.9.4"},
            {"name": "wd1", "address": None},
        ],
        "systems": [
            {"name": "HDP", "type": "hana"},
            {"name": "PRD", "type": "abap"},
            {"name": "WD1", "type": "webdisp"},
        ],
        "instances": [
            {"name": "HDB00", "system": "HDP", "host": "prddb", "number": "00", "kind": "hana"},
            {"name": "ASCS10", "system": "PRD", "host": "prdcs", "number": "10", "kind": "ascs", "cluster_owned": True},
            {"name": "ERS11", "system": "PRD", "host": "prdcs", "number": "11", "kind": "ers", "cluster_owned": True},
            {
                "name": "D01",
                "system": "PRD",
                "host": "prdapp1",
                "number": "01",
                "kind": "dialog",
                "simulation": {"start": 100, "stop": 40, "soft": 30, "sessions": 5},
            },
            {"name": "D02", "system": "PRD", "host": "prdapp2", "number": "02", "kind": "dialog"},
            {"name": "W20", "system": "WD1", "host": "wd1", "number": "20", "kind": "webdisp"},
        ],
        "relations": [
            {"source": "PRD", "target": "HDP", "type": "depends_on"},
            {"source": "WD1", "target": "PRD", "type": "depends_on"},
        ],
    }


class Reply:
    """An answer: its HTTP status, its body, the texts of its elements."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.body = body

    def texts(self, name: str) -> list[str]:
        """The texts of all elements of a name."""
        return re.findall(rf"<{name}>([^<]*)</{name}>", self.body)

    @property
    def fault(self) -> str | None:
        """The fault's text, if it is one."""
        return next(iter(self.texts("faultstring")), None)


class Caller:
    """Calls one instance's web service."""

    def __init__(self, sim: Simulator, instance: str, *, user: str | None = "", password: str | None = None) -> None:
        self.info = sim.info["instances"][instance]
        self._ca = sim.info["ca_file"]
        self._user = self.info["user"] if user == "" else user
        self._password = sim.info["password"] if password is None else password

    def __call__(self, operation: str, over: str = "https", patience: float = 10.0, **fields: Any) -> Reply:
        """Call an operation over ``http``, ``https`` or the ``socket``; field names take _ for -."""
        inner = "".join(f"<{key.replace('_', '-')}>{value}</{key.replace('_', '-')}>" for key, value in fields.items())
        body = (
            '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>'
            f'<n:{operation} xmlns:n="urn:SAPControl">{inner}</n:{operation}></SOAP-ENV:Body></SOAP-ENV:Envelope>'
        )
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "''"}
        if self._user is not None and over != "socket":
            pair = f"{self._user}:{self._password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        connection = self._connection(over, patience)
        try:
            connection.request("POST", "/SAPControl.cgi", body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read().decode())
        finally:
            connection.close()

    def _connection(self, over: str, timeout: float) -> http.client.HTTPConnection:
        if over == "socket":
            connection = http.client.HTTPConnection("localhost", timeout=timeout)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(timeout)
            connection.sock.connect(self.info["socket"])
            return connection
        place = urlsplit(self.info[over])
        if over == "http":
            return http.client.HTTPConnection(place.hostname or "", place.port, timeout=timeout)
        context = ssl.create_default_context(cafile=self._ca)
        return http.client.HTTPSConnection(place.hostname or "", place.port, timeout=timeout, context=context)


def http_json(
    url: str, headers: dict[str, str] | None = None, timeout: float = 10.0
) -> tuple[int, bytes, dict[str, str]]:
    """GET a URL: status, body, headers."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=timeout)
    try:
        connection.request("GET", f"{place.path}?{place.query}", headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()
