# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to sapstartsrv, against real sockets: what is sent how often, and how each thing that goes wrong is told."""

from __future__ import annotations

import base64
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import link as room
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.link import Address, Link, ServiceDown
from tests.simulator.certificates import Authority
from tests.unit.plugins.module_utils._sapcontrol.peer import Peer, hang_up, http, say

GOOD = http(200, b"<good/>")


def to(peer: Peer, **more: Any) -> Link:
    return Link(Address("01", url=f"http://127.0.0.1:{peer.port}", timeout=more.pop("timeout", 5.0), **more))


def caught(error: type[LandscapeError], link: Link, how: str = "ask") -> LandscapeError:
    with pytest.raises(error) as info:
        getattr(link, how)(b"<x/>", "call X")
    assert info.type is error
    return info.value


# Where to


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (Address("01"), "/tmp/.sapstream50113"),
        (Address("07", socket_path="/run/{nr}.sock"), "/run/07.sock"),
        (Address("01", url="https://app1:5{nr}14"), "https://app1:50114"),
        (Address("42", url="https://app1"), "https://app1:54214"),
        (Address("42", url="http://app1"), "http://app1:54213"),
        (Address("42", url="https://[::1]:8443/SAPControl"), "https://::1:8443"),
    ],
)
def test_what_is_written_is_what_is_used(address: Address, name: str) -> None:
    assert Link(address).name == name


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("app1:50113", "must start with https"),
        ("ftp://app1", "must start with https"),
        ("https://", "must start with https"),
        ("https://adm:secret@app1", "must not carry a user"),
        ("https://app1:99999", "is no URL"),
        ("https://app1/{host}", "a character no URL has"),
        ("https://app1/\r\nX: y", "a character no URL has"),
    ],
)
def test_addresses_that_cannot_be_right(url: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        Link(Address("01", url=url))


@pytest.mark.parametrize("url", ["ftp://adm:tops3cret@app1", "https://adm:tops3cret@app1:x", "//adm:tops3cret@/{x}"])
def test_a_password_in_an_address_is_not_shown(url: str) -> None:
    with pytest.raises(BadInput) as info:
        Link(Address("01", url=url))
    assert "tops3cret" not in str(info.value.as_result())


def test_a_password_never_travels_in_clear_text() -> None:
    with pytest.raises(BadInput) as info:
        Link(Address("01", url="http://app1.example", user="prdadm", password="tops3cret"))
    assert info.value.reason == "clear_text_password"
    assert "tops3cret" not in str(info.value.as_result())


@pytest.mark.parametrize("credentials", [{"user": "prdadm"}, {"password": "x"}, {"user": "a:b", "password": "x"}])
def test_credentials_that_cannot_be_right(credentials: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Link(Address("01", **credentials))


def test_credentials_are_sent_as_utf8_without_being_asked_for() -> None:
    with Peer(say(GOOD)) as peer:
        to(peer, user="prdadm", password="pässwörd:1").ask(b"<x/>", "call X")
    line = next(line for line in peer.requests[0].split(b"\r\n") if line.startswith(b"Authorization: Basic "))
    assert base64.b64decode(line.split()[2]).decode("utf-8") == "prdadm:pässwörd:1"


def test_a_request_as_it_goes_over_the_wire() -> None:
    with Peer(say(GOOD)) as peer:
        assert to(peer).ask(b"<x/>", "call X") == (200, b"<good/>")
    head, _blank, body = peer.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST / HTTP/1.1"
    assert 'SOAPAction: ""' in lines
    assert "Content-Type: text/xml; charset=utf-8" in lines
    assert body == b"<x/>"


# Questions


def test_questions_share_one_connection() -> None:
    with Peer(say(GOOD)) as peer:
        link = to(peer)
        for _time in range(5):
            link.ask(b"<x/>", "call X")
        link.close()
    assert (len(peer.requests), peer.connections) == (5, 1)


def test_a_question_on_a_dead_kept_connection_is_asked_again_on_a_new_one() -> None:
    with Peer(say(GOOD, stay=False)) as peer:
        link = to(peer)
        assert [link.ask(b"<x/>", "call X").status for _time in range(3)] == [200, 200, 200]
    assert peer.connections == 3


def test_connection_close_is_obeyed() -> None:
    with Peer(say(http(200, b"", "Connection: close"))) as peer:
        link = to(peer)
        link.ask(b"<x/>", "call X")
        link.ask(b"<x/>", "call X")
    assert peer.connections == 2


def test_chunked_answers_are_read() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with Peer(say(chunked)) as peer:
        link = to(peer)
        assert link.ask(b"<x/>", "call X").body == b"abcde"
        assert link.ask(b"<x/>", "call X").body == b"abcde"
    assert peer.connections == 1


def test_an_error_status_is_the_clients_business() -> None:
    with Peer(say(http(401, b""))) as peer:
        assert to(peer).ask(b"<x/>", "call X").status == 401


def test_a_question_without_an_answer() -> None:
    with Peer(hang_up) as peer:
        error = caught(Unreachable, to(peer))
    assert "the peer closed the connection" in error.why


def test_half_an_answer_to_a_question() -> None:
    with Peer(say(http(200, b"<go", length=100), stay=False)) as peer:
        assert "ended in the middle" in caught(Unreachable, to(peer)).why


def test_no_http_at_all() -> None:
    with Peer(say(b"SSH-2.0-OpenSSH_9.2\r\n", stay=False)) as peer:
        assert caught(Unreachable, to(peer)).reason == "broken"


def test_a_service_that_hangs_after_accept() -> None:
    peer = Peer(hang_up)
    peer._script[:] = [peer.silent]
    with peer:
        error = caught(TimedOut, to(peer, timeout=0.2))
    assert error.reason == "sapstartsrv_hangs"
    assert "did not answer in 0.2 s" in error.why


def test_a_service_that_trickles_bytes_cannot_hold_us() -> None:
    peer = Peer(hang_up)
    peer._script[:] = [peer.trickle]
    with peer:
        caught(TimedOut, to(peer, timeout=0.3))


def test_a_deadline_that_passed_is_the_timeout_of_sockets_under_every_python(monkeypatch: pytest.MonkeyPatch) -> None:
    class Apart(OSError):
        """What ``socket.timeout`` is before Python 3.10: no TimeoutError."""

    monkeypatch.setattr(room.socket, "timeout", Apart)
    with socket.socket() as raw, pytest.raises(Apart):
        room._Timed(raw).left()


def test_a_service_that_accepts_and_does_not_greet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        error = caught(
            Unreachable, Link(Address("01", url=f"https://127.0.0.1:{mute.getsockname()[1]}", timeout=0.2)), "tell"
        )
    assert error.reason == "tls_silent"
    assert "RestartService" in str(error.cure)


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_ANSWER", 100_000)
    with Peer(say(http(200, b"x" * 200_000))) as peer:
        assert "longer than 100000 bytes" in caught(Unreachable, to(peer)).why


# Changes


def test_each_change_has_a_connection_of_its_own() -> None:
    with Peer(say(GOOD)) as peer:
        link = to(peer)
        link.ask(b"<x/>", "call X")
        link.tell(b"<stop/>", "stop it")
        link.tell(b"<stop/>", "stop it")
        link.ask(b"<x/>", "call X")
    assert peer.connections == 3


@pytest.mark.parametrize(
    ("behaviour", "cause", "words"),
    [
        (hang_up, "connection_lost", "closed the connection"),
        (say(http(200, b"<go", length=100), stay=False), "broken_answer", "ended in the middle"),
        (say(b"garbage\r\n\r\n", stay=False), "broken_answer", "not answered"),
    ],
)
def test_a_change_that_is_not_answered_is_unknown_and_sent_once(behaviour: Any, cause: str, words: str) -> None:
    with Peer(behaviour) as peer:
        error = caught(Unknown, to(peer), "tell")
    assert len(peer.requests) == 1
    assert error.facts["cause"] == cause
    assert words in error.why


def test_a_change_that_is_not_answered_in_time_is_unknown_and_sent_once() -> None:
    peer = Peer(hang_up)
    peer._script[:] = [peer.silent]
    with peer:
        error = caught(Unknown, to(peer, timeout=0.2), "tell")
        assert len(peer.requests) == 1
    assert error.facts["cause"] == "no_answer_in_time"


def test_a_change_without_a_connection_was_not_sent() -> None:
    caught(ServiceDown, Link(Address("01", url=f"http://127.0.0.1:{free_port()}")), "tell")


# No connection


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_nothing_listens_on_the_port() -> None:
    error = caught(ServiceDown, Link(Address("01", url=f"http://127.0.0.1:{free_port()}")))
    assert (error.kind, error.reason) == ("unreachable", "sapstartsrv_down")
    assert "sapcontrol -nr 01 -function StartService <SID>" in str(error)
    assert "systemctl start SAP<SID>_01" in str(error)


def test_the_socket_is_missing(tmp_path: Path) -> None:
    error = caught(ServiceDown, Link(Address("01", socket_path=str(tmp_path / "{nr}"))))
    assert str(tmp_path / "01") in error.why


def test_the_socket_is_left_over(tmp_path: Path) -> None:
    path = tmp_path / "01"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.close()
    caught(ServiceDown, Link(Address("01", socket_path=str(path))))


@pytest.fixture
def not_root() -> Iterator[None]:
    """Nobody's rights, as long as the test runs: root may open every socket."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


def test_the_socket_is_not_ours(not_root: None) -> None:
    with tempfile.TemporaryDirectory(prefix="link-") as folder, Peer(say(GOOD), path=Path(folder) / "01"):
        (Path(folder) / "01").chmod(0)
        error = caught(Denied, Link(Address("01", socket_path=f"{folder}/01")))
    assert error.reason == "socket_permission"
    assert "<sid>adm" in str(error.cure)


def test_the_socket_answers(tmp_path: Path) -> None:
    with Peer(say(GOOD), path=tmp_path / "01") as peer:
        assert Link(Address("01", socket_path=str(tmp_path / "{nr}"))).ask(b"<x/>", "call X").body == b"<good/>"
    assert b"Host: localhost\r\n" in peer.requests[0]


def test_a_host_that_nobody_knows() -> None:
    assert caught(Unreachable, Link(Address("01", url="https://no-such-host.invalid"))).reason == "unknown_host"


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def tls_peer(authority: Authority, what: str, names: list[str]) -> Peer:
    context = authority.context("127.0.0.1", names)
    authority.show(context, what, "127.0.0.1" if "localhost" in names else "127.0.0.9", names)
    return Peer(say(GOOD), tls=context)


def over_tls(peer: Peer, **more: Any) -> Link:
    return Link(Address("01", url=f"https://127.0.0.1:{peer.port}", timeout=5.0, **more))


def test_tls_with_the_right_authority(authority: Authority) -> None:
    with tls_peer(authority, "good", ["localhost"]) as peer:
        link = over_tls(peer, ca_file=str(authority.ca_file), user="prdadm", password="x")
        assert link.ask(b"<x/>", "call X").body == b"<good/>"
        assert "notAfter" in link.certificate("read it")


@pytest.mark.parametrize(
    ("what", "names", "with_ca", "reason"),
    [
        ("good", ["localhost"], False, "tls_untrusted"),
        ("wrong", ["localhost"], True, "tls_untrusted"),
        ("expired", ["localhost"], True, "tls_expired"),
        ("good", ["elsewhere.example"], True, "tls_host_name"),
    ],
)
def test_a_certificate_that_is_not_good_stops_everything(
    authority: Authority, what: str, names: list[str], with_ca: bool, reason: str
) -> None:
    with tls_peer(authority, what, names) as peer:
        ca_file = str(authority.ca_file) if with_ca else None
        for how in ("ask", "tell"):
            error = caught(Unreachable, over_tls(peer, ca_file=ca_file, user="prdadm", password="x"), how)
            assert error.reason == reason
            assert error.cure
    assert peer.requests == [], "something was sent to a peer that is not trusted"


def test_verification_can_be_switched_off(authority: Authority) -> None:
    with tls_peer(authority, "wrong", ["localhost"]) as peer:
        link = over_tls(peer, verify=False)
        assert link.ask(b"<x/>", "call X").status == 200
        assert link.certificate("read it") == {}


def test_https_to_a_plain_port_does_not_fall_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        link = Link(Address("01", url=f"https://127.0.0.1:{plain.getsockname()[1]}", timeout=5.0))
        heard: list[bytes] = []

        def answer() -> None:
            connection, _address = plain.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        error = caught(Unreachable, link)
        thread.join()
        plain.settimeout(0)
        with pytest.raises(BlockingIOError):
            plain.accept()
    assert error.reason == "tls_handshake"
    assert "50114" in str(error.cure)
    assert not heard[0].startswith(b"POST")


def test_a_ca_file_that_cannot_be_used(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with tls_peer(authority, "good", ["localhost"]) as peer:
        for path in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
            error = caught(BadInput, over_tls(peer, ca_file=str(path)))
            assert error.reason == "ca_file"
            assert str(path) in error.why


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf"), 1e300, 2147484.0])
def test_a_timeout_is_positive_and_one_that_a_socket_can_wait_for(timeout: float) -> None:
    with pytest.raises(BadInput, match="sapcontrol_timeout"):
        Link(Address("01", timeout=timeout))


def test_the_longest_timeout_is_one_that_a_socket_can_wait_for() -> None:
    with Peer(say(http(200, b""))) as peer:
        link = Link(Address("01", url=f"http://127.0.0.1:{peer.port}", timeout=2147483.0))
        assert link.ask(b"<x/>", "look").status == 200
        link.close()
