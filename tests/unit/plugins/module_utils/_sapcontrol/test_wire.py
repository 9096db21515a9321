# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes and values of SAPControl, side by side; and bytes that must be refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import wire
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.wire import Fault, Malformed
from tests.unit.plugins.module_utils._sapcontrol.peer import ENVELOPE, fault, soap

# The prefixes that a server declares, whether it uses them or not.
PREFIXES = " ".join(
    f'xmlns:{name}="{address}"'
    for name, address in {
        "SOAP-ENV": "http://schemas.xmlsoap.org/soap/envelope/",
        "SOAP-ENC": "http://schemas.xmlsoap.org/soap/encoding/",
        "xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "xsd": "http://www.w3.org/2001/XMLSchema",
        "SAPControl": "urn:SAPControl",
        "SAPCCMS": "urn:SAPCCMS",
        "SAPHostControl": "urn:SAPHostControl",
        "SAPOscol": "urn:SAPOscol",
    }.items()
)
PROCESS_LIST = f"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope {PREFIXES}>
 <SOAP-ENV:Body><SAPControl:GetProcessListResponse><process>
  <item><name>disp+work</name><description>Dispatcher</description><dispstatus>SAPControl-GREEN</dispstatus>
   <textstatus>Running</textstatus><starttime>2026 05 10 05:27:05</starttime><elapsedtime>847:25:31</elapsedtime>
   <pid>9609</pid></item>
  <item><name>gwrd</name><description></description><dispstatus>SAPControl-GRAY</dispstatus><textstatus/>
   <starttime xsi:nil="true"/><elapsedtime></elapsedtime><pid>0</pid></item>
 </process></SAPControl:GetProcessListResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>""".encode()


def answer(data: bytes, function: str) -> wire.Answer:
    decoded = wire.decode(data, function)
    assert isinstance(decoded, wire.Answer)
    return decoded


def sent(function: str, parameters: dict[str, Any]) -> str:
    """The operation element of the request."""
    text = wire.encode(function, parameters).decode()
    return text[text.index("<SAPControl:") : text.index("</SOAP-ENV:Body>")]


@pytest.mark.parametrize(
    ("function", "parameters", "element"),
    [
        ("GetProcessList", {}, "<SAPControl:GetProcessList></SAPControl:GetProcessList>"),
        (
            "GetSystemInstanceList",
            {"timeout": 0},
            "<SAPControl:GetSystemInstanceList><timeout>0</timeout></SAPControl:GetSystemInstanceList>",
        ),
        (
            "Stop",
            {"IsSystemStop": 0, "softtimeout": "600"},
            "<SAPControl:Stop><softtimeout>600</softtimeout><IsSystemStop>0</IsSystemStop></SAPControl:Stop>",
        ),
        (
            "StopSystem",
            {"waittimeout": 900, "softtimeout": 600, "options": "SAPControl-ABAP-INSTANCES"},
            "<SAPControl:StopSystem><options>SAPControl-ABAP-INSTANCES</options><softtimeout>600</softtimeout>"
            "<waittimeout>900</waittimeout></SAPControl:StopSystem>",
        ),
        (
            "HACheckMaintenanceMode",
            {"instance-only": True},
            "<SAPControl:HACheckMaintenanceMode><instance-only>true</instance-only></SAPControl:HACheckMaintenanceMode>",
        ),
        (
            "CheckParameter",
            {"profile": ["a = 1", "b < 2"]},
            "<SAPControl:CheckParameter><profile><item>a = 1</item><item>b &lt; 2</item></profile>"
            "</SAPControl:CheckParameter>",
        ),
        (
            "SomethingNew",
            {"z": 1, "a": "x&y", "gone": None},
            "<SAPControl:SomethingNew><z>1</z><a>x&amp;y</a></SAPControl:SomethingNew>",
        ),
    ],
)
def test_requests(function: str, parameters: dict[str, Any], element: str) -> None:
    assert sent(function, parameters) == element


def test_a_request_is_one_envelope_that_our_own_parser_reads() -> None:
    root = wire.parse(wire.encode("ParameterValue", {"parameter": "rdisp/<ä>&\r\n\t]]>"}))
    operation = root.children[0].children[0]
    assert (operation.namespace, operation.name) == ("urn:SAPControl", "ParameterValue")
    assert (operation.children[0].namespace, operation.children[0].text) == ("", "rdisp/<ä>&\r\n\t]]>")


@pytest.mark.parametrize(
    ("function", "parameters", "words"),
    [
        ("StopSystem", {"options": "SAPControl-ALL-INSTANCES"}, "softtimeout (int) is missing; .*waittimeout"),
        ("StartSystem", {"waittimeout": 1}, r"options \(option\) is missing"),
        ("StartSystem", {"waittimeout": 1, "options": "ALL"}, "must be one of SAPControl-ALL-INSTANCES"),
        ("Stop", {"softtimeout": "soon", "IsSystemStop": 0}, "softtimeout must be a whole number, not 'soon'"),
        ("Stop", {"softtimeout": True, "IsSystemStop": 0}, "softtimeout must be a whole number"),
        ("Stop", {"softtimeout": 1, "IsSystemStop": 0, "waittimeout": 3}, "it has no parameter waittimeout"),
        ("ABAPSetServerInactive", {"inactive": "maybe"}, "must be true or false"),
        ("AccessCheck", {"function": ["Start"]}, "must be a text"),
        ("New", {"<x>": 1}, "is no name of a parameter"),
        ("ParameterValue", {"parameter": "a\x00b"}, "a character that XML cannot carry"),
        ("Get<List>", {}, "is no name of a function"),
        ("Get List", {}, "is no name of a function"),
    ],
)
def test_requests_that_cannot_be_right(function: str, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words.replace("(int)", r"\(int\)")):
        wire.encode(function, parameters)


def test_process_list() -> None:
    rows = answer(PROCESS_LIST, "GetProcessList").rows("process")
    assert [row["name"] for row in rows] == ["disp+work", "gwrd"]
    assert rows[0]["starttime"] == "2026 05 10 05:27:05"
    assert (rows[1]["description"], rows[1]["textstatus"], rows[1]["starttime"]) == ("", "", None)


@pytest.mark.parametrize("inner", ["", "<process/>", "<process></process>", "<process>\n  </process>"])
def test_an_empty_array_is_no_rows(inner: str) -> None:
    decoded = answer(soap("GetProcessListResponse", inner), "GetProcessList")
    assert decoded.rows("process") == []
    assert decoded.values() == {"process": []}


def test_an_array_of_something_else_is_refused() -> None:
    with pytest.raises(Malformed, match="holds no items"):
        answer(soap("GetProcessListResponse", "<process>GREEN</process>"), "GetProcessList").rows("process")


@pytest.mark.parametrize(
    ("element", "function", "inner", "values"),
    [
        ("StartResponse", "Start", "", {}),
        ("ParameterValueResponse", "ParameterValue", "<value>D01</value>", {"value": "D01"}),
        ("EnqStatistic", "EnqGetStatistic", "<locks-now>2</locks-now>", {"locks-now": "2"}),
        (
            "HAGetFailoverConfigResponse",
            "HAGetFailoverConfig",
            "<HAActive>true</HAActive><HANodes><item>a</item><item>b</item></HANodes>",
            {"HAActive": "true", "HANodes": ["a", "b"]},
        ),
        (
            "GetQueueStatisticResponse",
            "GetQueueStatistic",
            "<queue><item><Typ>ABAP/DIA</Typ><Now>0</Now></item></queue>",
            {"queue": [{"Typ": "ABAP/DIA", "Now": "0"}]},
        ),
    ],
)
def test_values(element: str, function: str, inner: str, values: dict[str, Any]) -> None:
    assert answer(soap(element, inner), function).values() == values


def test_text_comes_unescaped_and_in_utf8() -> None:
    decoded = answer(soap("ParameterValueResponse", "<value>&lt;Größe&gt; &amp; &#228;</value>"), "ParameterValue")
    assert decoded.text("value") == "<Größe> & ä"
    assert decoded.text("absent") is None


def test_a_fault() -> None:
    assert wire.decode(fault("DpAttachStartService failed"), "GetQueueStatistic") == Fault(
        "SOAP-ENV:Server", "DpAttachStartService failed"
    )


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no well-formed XML"),
        (b"<html><body>Sign in</body></html>", "is <html>, no SOAP envelope"),
        (PROCESS_LIST[:-40], "no well-formed XML"),
        (b"\x00\x01", "no well-formed XML"),
        (b'<?xml version="1.0" encoding="UTF-99"?><x/>', "cannot be decoded|no well-formed XML"),
        (BOMB, "document type"),
        (EXTERNAL, "document type"),
        (b"<a>" * 40 + b"</a>" * 40, "nested too deeply"),
        (ENVELOPE.format("").encode(), "exactly one element"),
        (ENVELOPE.format("<a/><b/>").encode(), "exactly one element"),
        (soap("StopResponse"), "not <GetProcessListResponse>"),
        (ENVELOPE.format("<GetProcessListResponse/>").encode(), "in no namespace"),
        (b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>', "no SOAP envelope"),
        (b"<a><b></a></b>", "no well-formed XML"),
        (b"<p:a/>", "no well-formed XML"),
    ],
)
def test_hostile_and_broken_answers(data: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        wire.decode(data, "GetProcessList")


def test_too_many_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_ELEMENTS", 10)
    with pytest.raises(Malformed, match="too many elements"):
        wire.parse(b"<a>" + b"<b/>" * 10 + b"</a>")


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 12 ", 12), ("-1", -1), ("+7", 7)])
def test_integers(text: str, number: int) -> None:
    assert wire.integer(text, "pid") == number


@pytest.mark.parametrize("text", ["", None, "1.5", "0x10", "1e3", "١", "9" * 30])
def test_no_integers(text: str | None) -> None:
    with pytest.raises(Malformed, match="the field pid"):
        wire.integer(text, "pid")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("FALSE", False), ("0", False)])
def test_booleans(text: str, value: bool) -> None:
    assert wire.boolean(text, "HAActive") is value


@pytest.mark.parametrize("text", ["", None, "yes", "on"])
def test_no_booleans(text: str | None) -> None:
    with pytest.raises(Malformed, match="HAActive"):
        wire.boolean(text, "HAActive")
