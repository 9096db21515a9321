# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about single requests, each over a real socket."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
from tests.unit.plugins.plugin_utils._cmdb.conftest import HandClock, Reply, Server


def link(url: str, clock: HandClock | None = None, **options: Any) -> _cmdb.Link:
    return _cmdb.Link(_cmdb.Access(url=url, **options), clock=clock or HandClock())


def answers(*replies: Reply) -> Callable[[str, int], Reply]:
    """One reply after the other; the last one again and again."""
    return lambda _target, before: replies[min(before, len(replies) - 1)]


def test_basic_and_token(server: Server) -> None:
    link(server.url, user="reader", password="pä:ss").get(server.url + "/a")
    link(server.url, token="t0", token_type="Token").get(server.url + "/a")
    link(server.url).get(server.url + "/a")
    assert [headers.get("authorization") for _target, headers in server.asked] == [
        "Basic cmVhZGVyOnDDpDpzcw==",
        "Token t0",
        None,
    ]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"url": "ftp://cmdb.example"}, "that is no address"),
    ({"url": "cmdb.example"}, "that is no address"),
    ({"url": "https://reader:Tr0mb0ne@cmdb.example"}, "the address holds credentials"),
    ({"url": "http://cmdb.example", "token": "Tr0mb0ne"}, "do not go over plain http"),
    ({"url": "http://cmdb.example", "user": "reader", "password": "Tr0mb0ne"}, "do not go over plain http"),
    ({"url": "https://cmdb.example", "user": "reader"}, "belong together"),
    (
        {"url": "https://cmdb.example", "user": "reader", "password": "Tr0mb0ne", "token": "Tr0mb0ne"},
        "a user and a token",
    ),
    ({"url": "https://cmdb.example", "ca_file": "/none.pem"}, "the CA file /none.pem cannot be used"),
]


@pytest.mark.parametrize(("access", "words"), REFUSED)
def test_access_that_cannot_work(access: dict[str, Any], words: str) -> None:
    with pytest.raises(_cmdb.CmdbError, match=words) as caught:
        _cmdb.Link(_cmdb.Access(**access))
    assert "Tr0mb0ne" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    access = _cmdb.Access(url="https://cmdb.example", password="Tr0mb0ne", token="Tr0mb0ne")
    assert "Tr0mb0ne" not in repr(access)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(server: Server, status: int) -> None:
    server.script = answers(Reply(status=status), Reply(status=status), Reply({"a": 1}))
    clock = HandClock()
    assert link(server.url, clock).get(server.url + "/a").json() == {"a": 1}
    assert clock.slept == [1.0, 2.0]


def test_the_server_says_how_long_to_wait(server: Server) -> None:
    server.script = answers(
        Reply(status=429, headers={"Retry-After": "7"}), Reply(status=503, headers={"Retry-After": "3600"}), Reply(1)
    )
    clock = HandClock()
    link(server.url, clock).get(server.url + "/a")
    assert clock.slept == [7.0, 60.0]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply({"error": {"message": "No space", "detail": "left"}}, 500),
            r"HTTP 500 \(No space: left\) \(4 attempts\)",
        ),
        (Reply(b"<html>", 502), r"HTTP 502 Bad Gateway \(4 attempts\)"),
        (Reply(drop=True), r"\(4 attempts\)"),
        (Reply({"a": "x" * 100}, cut=True), r"the answer broke off \(4 attempts\)"),
    ],
)
def test_attempts_end(server: Server, reply: Reply, words: str) -> None:
    server.script = answers(reply)
    with pytest.raises(_cmdb.SourceUnreachable, match=words) as caught:
        link(server.url).get(server.url + "/a")
    assert len(server.asked) == 4
    assert caught.value.kind == "unreachable"


@pytest.mark.parametrize(
    ("reply", "words", "kind"),
    [
        (
            Reply({"error": {"message": "User Not Authenticated"}}, 401),
            "HTTP 401 .User Not Auth.*Check user and password",
            "denied",
        ),
        (Reply({"detail": "Invalid token"}, 403), "HTTP 403 .Invalid token.*right to read", "denied"),
        (Reply(b"", 404), "HTTP 404 Not Found. Check the address", "failed"),
        (Reply({"error": "Invalid query"}, 400), "HTTP 400 .Invalid query.", "failed"),
        (Reply([], 204), "HTTP 204 instead of 200", "failed"),
    ],
)
def test_what_does_not_pass_is_not_tried_again(server: Server, reply: Reply, words: str, kind: str) -> None:
    server.script = answers(reply)
    with pytest.raises(_cmdb.SourceError, match=words) as caught:
        link(server.url).get(server.url + "/a")
    assert len(server.asked) == 1
    assert caught.value.kind == kind


def test_nobody_listens(server: Server) -> None:
    server.close()
    with pytest.raises(_cmdb.SourceUnreachable, match=r"refused \(2 attempts\)"):
        link(server.url, attempts=2).get(server.url + "/a")


def test_login_page_and_half_json(server: Server) -> None:
    server.script = answers(Reply(b"<html>Sign in</html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(_cmdb.SourceError, match="is that a login page"):
        link(server.url).get(server.url + "/a").json()
    server.script = answers(Reply(b'{"result": [{"na'))
    with pytest.raises(_cmdb.SourceError, match="no whole JSON: Unterminated string.*column 14"):
        link(server.url).get(server.url + "/b").json()


def test_an_answer_may_be_too_long(server: Server) -> None:
    server.script = answers(Reply(b"x" * 5000))
    with pytest.raises(_cmdb.SourceError, match="longer than 4999 bytes"):
        link(server.url, max_bytes=4999).get(server.url + "/a")


def test_redirect_stays_on_the_server(server: Server) -> None:
    other = Server()
    try:
        server.script = lambda target, _before: (
            Reply(status=302, headers={"Location": "/b"}) if target == "/a" else Reply({"page": target})
        )
        assert link(server.url, token="t").get(server.url + "/a").json() == {"page": "/b"}
        server.script = answers(Reply(status=302, headers={"Location": other.url + "/c"}))
        with pytest.raises(_cmdb.SourceError, match="another server, which must not get the credentials"):
            link(server.url, token="t").get(server.url + "/d")
        assert other.asked == []
    finally:
        other.close()


# -- certificates ------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str, address: str, *, days: int = 1) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate that signs itself, valid until in `days`, and its PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    pem.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private = folder / f"{name}.key"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, pem


@pytest.mark.parametrize(
    ("address", "days", "trusted", "words"),
    [
        ("127.0.0.1", 1, True, None),
        ("127.0.0.1", 1, False, "certificate is not trusted: self-signed certificate.*ca_file"),
        ("127.0.0.1", -1, True, "certificate is not trusted: certificate has expired"),
        ("127.0.0.9", 1, True, "certificate is not trusted: IP address mismatch"),
    ],
)
def test_certificate(tmp_path: Path, address: str, days: int, trusted: bool, words: str | None) -> None:
    context, pem = certificate(tmp_path, "cmdb", address, days=days)
    server = Server(context)
    try:
        used = link(server.url, user="reader", password="x", ca_file=str(pem) if trusted else None)
        if words is None:
            assert used.get(server.url + "/a").json() == []
            return
        with pytest.raises(_cmdb.SourceUnreachable, match=words) as caught:
            used.get(server.url + "/a")
        assert caught.value.reason == "certificate"
        assert server.asked == []
        assert link(server.url, verify=False).get(server.url + "/a").json() == []
    finally:
        server.close()


def test_no_tls_where_tls_was_asked_for(server: Server) -> None:
    with pytest.raises(_cmdb.SourceUnreachable, match="no TLS"):
        link(server.url.replace("http:", "https:")).get(server.url.replace("http:", "https:") + "/a")
