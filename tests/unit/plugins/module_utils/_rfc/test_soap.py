# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes of the SOAP service, as public clients of it send and get them."""

from __future__ import annotations

import http.client
import time
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Busy,
    Forbidden,
    Lost,
    NotSent,
    Raised,
    Refused,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.soap import (
    SoapConversation,
    _read,
    answer_of,
    encode,
)
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


@pytest.mark.parametrize(("status", "kind"), [(401, Refused), (403, Forbidden), (503, Busy)])
def test_a_refused_logon_may_be_a_page(status: int, kind: type) -> None:
    with pytest.raises(kind):
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


@pytest.mark.parametrize(
    ("address", "parameters"),
    [({}, {"TEXT": "\ud800"}), ({"password": "\ud800"}, {}), ({"timeout": 1e300}, {})],
)
def test_what_cannot_be_sent_at_all(address: dict[str, Any], parameters: dict[str, Any]) -> None:
    talk = SoapConversation(ADDRESS._replace(provider="soap", url="https://127.0.0.1:1", **address))
    with pytest.raises(NotSent):
        talk.call("F", parameters)


class Dripping:
    """An answer that comes byte by byte and never ends; it is its own socket."""

    length = None

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces
        self.limits: list[float] = []

    def fileno(self) -> int:
        return 5

    def settimeout(self, seconds: float) -> None:
        self.limits.append(seconds)

    def read1(self, _most: int) -> bytes:
        self.pieces -= 1
        return b"x" if self.pieces >= 0 else b""


def test_the_time_limit_is_for_the_whole_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(now)))
    whole = Dripping(3)
    assert _read(whole, whole, 10.0) == b"xxx"
    endless = Dripping(10**6)
    with pytest.raises(TimeoutError):
        _read(endless, endless, 20.0)
    assert endless.limits == sorted(endless.limits, reverse=True) and min(endless.limits) > 0


def test_an_answer_that_ends_early_is_none() -> None:
    cut = Dripping(3)
    cut.length = 5  # type: ignore[assignment]
    with pytest.raises(http.client.HTTPException):
        _read(cut, cut, time.monotonic() + 60)


@pytest.mark.parametrize("url", ["http://app:8000", "ftp://x", "", "https://", "https://app:x", "https://app:99999"])
def test_only_https_is_spoken(url: str) -> None:
    with pytest.raises(NotSent):
        SoapConversation(ADDRESS._replace(provider="soap", url=url))
