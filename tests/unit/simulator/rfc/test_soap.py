# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls over SOAP, each of which is a session of its own."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.simulator.rfc.soap import Service
from tests.simulator.web import Answer, Hangup, Request
from tests.unit.simulator.rfc.stage import SmallEngine

NAMESPACE = "urn:sap-com:document:sap:rfc:functions"
ENVELOPE = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="' + NAMESPACE + '">'
    "<soap:Body>{}</soap:Body></soap:Envelope>"
)
SERVICE = "/sap/bc/soap/rfc?sap-client=100&sap-language=EN"


def ask(
    body: str | bytes,
    *,
    engine: SmallEngine | None = None,
    target: str = SERVICE,
    user: str | None = "batch:Secret01",
    action: str = '""',
    method: str = "POST",
) -> Answer:
    service = Service(engine or SmallEngine(), "NPL", "100", None, lambda: {"RFCSYSID": "NPL", "RFCHOST": "a<b"})
    headers = {"soapaction": action}
    if user is not None:
        headers["authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    raw = body if isinstance(body, bytes) else ENVELOPE.format(body).encode()
    return asyncio.run(service.handle(Request(method, target, headers, raw, "127.0.0.1:1")))


def answered(answer: Answer) -> ElementTree.Element:
    """The one element in the envelope of an answer."""
    (content,) = ElementTree.fromstring(answer.body)[0]
    return content


def reason(answer: Answer) -> tuple[str, str]:
    fault = answered(answer)
    assert (answer.status, fault.findtext("faultstring")) == (500, "Internal Server Error")
    error = next(one for one in fault.iter() if one.tag.endswith("}Error"))
    return error.findtext("type", ""), error.findtext("message", "")


def test_a_call() -> None:
    engine = SmallEngine()
    answer = ask("<urn:STFC_CONNECTION><REQUTEXT>a &lt; ä  </REQUTEXT></urn:STFC_CONNECTION>", engine=engine)
    assert answer.status == 200
    element = answered(answer)
    assert element.tag == f"{{{NAMESPACE}}}STFC_CONNECTION.Response"
    assert [(one.tag, one.text) for one in element] == [("ECHOTEXT", "a < ä"), ("RESPTEXT", "simulated")]
    assert engine.events == ["logon 100 BATCH E", "closed BATCH"]


def test_values() -> None:
    row = (
        "<C5>abc</C5><N4>12</N4><D>2026-11-21</D><T>23:59:58</T><I4>-5</I4><FL>1.5</FL><P52>-99.99</P52>"
        "<RAW4>AQIDBA==</RAW4>"
    )
    given = f"<IN>{row}</IN><CNT>41</CNT><STR>hä</STR><XSTR>AAH/</XSTR><DT>20261121</DT><TAB><item>{row}</item></TAB>"
    element = answered(ask(f"<urn:Z_TYPES>{given}</urn:Z_TYPES>"))
    out = {one.tag: one.text for one in element.findall("OUT")[0]}
    assert out == {
        "C5": "abc",
        "N4": "0012",
        "D": "2026-11-21",
        "T": "23:59:58",
        "I4": "-5",
        "I2": "0",
        "I1": "0",
        "I8": "0",
        "FL": "1.5",
        "P52": "-99.99",
        "RAW4": "AQIDBA==",
    }
    assert [element.findtext(name) for name in ("CNT", "OSTR", "OXSTR", "ODT")] == ["42", "HÄ", "/wEA", "2026-11-21"]
    assert [row.findtext("C5") for row in element.findall("TAB/item")] == ["abc", "added"]
    assert element.findtext("TAB/item[2]/D") == "0000-00-00"


@pytest.mark.parametrize(("named", "back"), [("", []), ("<DATA/>", ["row 0", "row 1"])])
def test_a_table_comes_back_only_when_it_is_named(named: str, back: list[str]) -> None:
    given = "<QUERY_TABLE>BIG</QUERY_TABLE><ROWCOUNT>2</ROWCOUNT><OPTIONS><item><TEXT>A = 1</TEXT></item></OPTIONS>"
    element = answered(ask(f"<urn:RFC_READ_TABLE>{given}{named}</urn:RFC_READ_TABLE>"))
    assert [one.text for one in element.findall("DATA/item/WA")] == back
    assert (element.find("DATA") is not None) == bool(named)
    assert element.find("FIELDS") is None
    assert element.findtext("OPTIONS/item/TEXT") == "A = 1"


def test_a_table_of_a_type() -> None:
    given = "<IT><item><ID>1</ID><NAME>one</NAME></item></IT>"
    element = answered(ask(f"<urn:Z_ROWS>{given}</urn:Z_ROWS>"))
    assert [one.text for one in element.findall("ET/item/*")] == ["10", "one!"]


def test_a_classic_exception_is_no_fault() -> None:
    answer = ask("<urn:RFC_READ_TABLE><QUERY_TABLE>NOPE</QUERY_TABLE></urn:RFC_READ_TABLE>")
    element = answered(answer)
    assert (answer.status, element.tag) == (200, f"{{{NAMESPACE}}}RFC_READ_TABLE.Exception")
    assert element.findtext("Name") == "TABLE_NOT_AVAILABLE"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("<urn:Z_RAISE><KIND>ABORT</KIND></urn:Z_RAISE>", "ERROR_MESSAGE_STATE", "It is over"),
        ("<urn:Z_RAISE><KIND>ERROR</KIND></urn:Z_RAISE>", "ERROR_MESSAGE_STATE", "Not logged on in interface XBP"),
        ("<urn:Z_NONE/>", "FUNCTION_NOT_FOUND", "Function module Z_NONE not found"),
        ("<urn:Z_RAISE><KINDS/></urn:Z_RAISE>", "SOAP_REQUEST_NOT_UNDERSTOOD", "Z_RAISE has no parameter KINDS"),
        ("<urn:Z_RAISE><KIND>much too long</KIND></urn:Z_RAISE>", "SOAP_REQUEST_NOT_UNDERSTOOD", "KIND has 10"),
        ("<urn:Z_TYPES><CNT>many</CNT></urn:Z_TYPES>", "SOAP_REQUEST_NOT_UNDERSTOOD", "CNT|many"),
        ("<urn:Z_TYPES><IN><NOPE/></IN></urn:Z_TYPES>", "SOAP_REQUEST_NOT_UNDERSTOOD", "ZALL has no component NOPE"),
        ("<urn:Z_A/><urn:Z_B/>", "SOAP_REQUEST_NOT_UNDERSTOOD", "one call"),
        ("<Z_MARK/>", "SOAP_REQUEST_NOT_UNDERSTOOD", "namespace"),
        (b"<no xml", "SOAP_REQUEST_NOT_UNDERSTOOD", "no XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "SOAP_REQUEST_NOT_UNDERSTOOD", "document type"),
    ],
)
def test_faults(body: str | bytes, kind: str, words: str) -> None:
    found = reason(ask(body))
    assert found[0] == kind
    assert re.search(words, found[1])


def test_a_mistake_of_the_simulator_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert reason(ask("<urn:Z_RAISE><KIND>NONE</KIND></urn:Z_RAISE>"))[0] == "SIMULATOR_FAILED"
    assert "Z_RAISE has no output NOTHING" in capfd.readouterr().err


def test_both_actions_are_taken_no_other() -> None:
    call = "<urn:STFC_CONNECTION/>"
    assert ask(call, action=NAMESPACE).status == ask(call, action='""').status == 200
    assert "SOAPAction" in reason(ask(call, action="urn:other"))[1]


@pytest.mark.parametrize("user", [None, "batch:wrong", "eve:Secret01", "batch"])
def test_a_failed_logon_is_html(user: str | None) -> None:
    answer = ask("<urn:STFC_CONNECTION/>", user=user)
    assert (answer.status, answer.kind) == (401, "text/html; charset=utf-8")
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="SAP NetWeaver Application Server [NPL/100]"')
    assert answer.body.startswith(b"<html>")


def test_the_client_comes_from_the_address() -> None:
    engine = SmallEngine()
    assert ask("<urn:STFC_CONNECTION/>", target="/sap/bc/soap/rfc", engine=engine).status == 200
    assert ask("<urn:STFC_CONNECTION/>", target="/sap/bc/soap/rfc?sap-client=000", engine=engine).status == 401


@pytest.mark.parametrize(("when", "done"), [("BEFORE", False), ("AFTER", True)])
def test_the_connection_breaks_off(when: str, done: bool) -> None:
    engine = SmallEngine()
    with pytest.raises(Hangup):
        ask(f"<urn:Z_CUT_{when}><NAME>x</NAME></urn:Z_CUT_{when}>", engine=engine)
    assert ("marked x" in engine.events) == done
    assert engine.events[-1] == "closed BATCH"


@pytest.mark.parametrize(
    ("target", "method", "status", "words"),
    [
        ("/sap/public/ping", "GET", 200, "Server reached."),
        ("/sap/public/info", "GET", 200, "<RFCSYSID>NPL</RFCSYSID><RFCHOST>a&lt;b</RFCHOST>"),
        ("/sap/bc/soap/rfc", "GET", 405, "POST"),
        ("/sap/bc/soap/wsdl", "GET", 404, "does not exist"),
    ],
)
def test_pages(target: str, method: str, status: int, words: str) -> None:
    answer: Any = ask(b"", target=target, method=method, user=None)
    assert answer.status == status
    assert words in answer.body.decode()
