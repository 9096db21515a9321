# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes of the SOAP service, as public clients of it send and get them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import Lost, NotSent, Raised, Refused
from ansible_collections.basis.landscape.plugins.module_utils._rfc.soap import SoapConversation, answer_of, encode
from tests.unit.plugins.module_utils._rfc.system import ADDRESS

RFC = 'xmlns:rfc="urn:sap-com:document:sap:rfc:functions"'


def envelope(inner: str) -> bytes:
    return (
        '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>'
        f"{inner}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


def test_a_request() -> None:
    body = encode(
        "RFC_READ_TABLE",
        {"QUERY_TABLE": "T<1>", "ROWCOUNT": 5, "OPTIONS": [{"TEXT": "A = 'x'"}], "DATA": [], "IS": {"A": "b"}},
    ).decode()
    assert "<urn:RFC_READ_TABLE><QUERY_TABLE>T&lt;1&gt;</QUERY_TABLE><ROWCOUNT>5</ROWCOUNT>" in body
    assert "<OPTIONS><item><TEXT>A = 'x'</TEXT></item></OPTIONS><DATA></DATA><IS><A>b</A></IS>" in body
    assert "RETURN" not in body


def test_an_output_table_comes_back_only_when_it_is_named() -> None:
    assert encode("BAPI_USER_LOCK", {}).decode().count("<RETURN></RETURN>") == 1
    assert encode("BAPI_USER_LOCK", {"RETURN": []}).decode().count("<RETURN>") == 1


def test_the_slashes_of_a_namespace() -> None:
    assert "<urn:_-SAPDS_-F>" in encode("/SAPDS/F", {}).decode()


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("F><x", {}),
        ("f", {}),
        ("F", {"A B": "1"}),
        ("F", {"A": True}),
        ("F", {"A": "\x07"}),
        ("F", {"A": [{"<": "1"}]}),
        ("F", {"A": object()}),
    ],
)
def test_what_cannot_be_written_is_not_sent(function: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(NotSent):
        encode(function, parameters)


def test_an_answer() -> None:
    inner = (
        f"<rfc:F.Response {RFC}><DATA><item><WA>ZJOB|1</WA></item><item><WA/></item></DATA><N>5</N>"
        "<S><A>1</A></S><E/></rfc:F.Response>"
    )
    found = answer_of("F", 200, envelope(inner))
    assert found == {"DATA": [{"WA": "ZJOB|1"}, {"WA": ""}], "N": "5", "S": {"A": "1"}, "E": ""}


def test_a_fault_says_the_real_reason() -> None:
    inner = (
        "<SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>Internal Server Error</faultstring>"
        '<detail><rfc:Error xmlns:rfc="urn:sap-com:document:sap:soap:functions"><type>ERROR_MESSAGE_STATE</type>'
        "<message>real reason</message></rfc:Error></detail></SOAP-ENV:Fault>"
    )
    with pytest.raises(Raised, match="real reason") as caught:
        answer_of("F", 500, envelope(inner))
    assert caught.value.key == "ERROR_MESSAGE_STATE"


@pytest.mark.parametrize("inside", ["<Name>TABLE_NOT_AVAILABLE</Name>", "TABLE_NOT_AVAILABLE"])
def test_a_classic_exception(inside: str) -> None:
    with pytest.raises(Raised) as caught:
        answer_of("F", 500, envelope(f"<rfc:F.Exception {RFC}>{inside}</rfc:F.Exception>"))
    assert caught.value.key == "TABLE_NOT_AVAILABLE"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_logon_may_be_a_page(status: int) -> None:
    with pytest.raises(Refused):
        answer_of("F", status, b"<html>Logon failed</html>")


@pytest.mark.parametrize(
    "content",
    [
        b"<html>up</html>",
        b"",
        b"\xff\xfe",
        envelope(""),
        envelope(f"<rfc:G.Response {RFC}/>"),
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + envelope(f"<rfc:F.Response {RFC}/>"),
        b"<a>" * 100 + b"</a>" * 100,
    ],
)
def test_what_is_no_answer_is_no_success(content: bytes) -> None:
    with pytest.raises(Lost):
        answer_of("F", 200, content)


@pytest.mark.parametrize("url", ["http://app:8000", "ftp://x", "", "https://", "https://app:x", "https://app:99999"])
def test_only_https_is_spoken(url: str) -> None:
    with pytest.raises(NotSent):
        SoapConversation(ADDRESS._replace(provider="soap", url=url))
