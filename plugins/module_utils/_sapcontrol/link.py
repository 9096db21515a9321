# SPDX-License-Identifier: GPL-3.0-or-later
"""How bytes reach sapstartsrv: Unix socket, https or http.

One of the three, as the user wrote it; never another one instead. A question may go over a connection that is kept and
is asked again once when the kept connection turns out to be dead; a change always gets a connection of its own, is sent
once, and anything that goes wrong after its first byte is *unknown*.
"""

from __future__ import annotations

import base64
import errno
import http.client
import io
import ipaddress
import os
import re
import socket
import ssl
import time
from typing import Any, Dict, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)

SOCKET = "/tmp/.sapstream5{nr}13"
MAX_ANSWER = 64 * 1024 * 1024
LONGEST_WAIT = (2**31 - 1) // 1000  # seconds; the system's own calls wait in milliseconds
_HANGS = (
    "Look at sapstartsrv.log in the instance's work folder; sapcontrol -function RestartService restarts the service "
    "without touching the instance"
)
_CONTENT = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "Accept": "text/xml", "User-Agent": "basis"}


class ServiceDown(Unreachable):
    """Nothing listens where sapstartsrv should: the service itself is down."""

    reason = "sapstartsrv_down"


class Reply(NamedTuple):
    """What came back: HTTP status and body."""

    status: int
    body: bytes


class Address(NamedTuple):
    """Where sapstartsrv of one instance is, and how to prove who asks.

    :ivar number: two digits.
    :ivar url: ``https://host:5{nr}14``, ``http://...``, or None for the Unix socket; ``{nr}`` is the number.
    :ivar socket_path: the Unix socket, ``{nr}`` as above.
    :ivar timeout: seconds for one whole call.
    :ivar verify: whether the certificate and its host name are checked (https).
    """

    number: str
    url: Optional[str] = None
    socket_path: str = SOCKET
    user: Optional[str] = None
    password: Optional[str] = None
    ca_file: Optional[str] = None
    verify: bool = True
    timeout: float = 30.0


class Link:
    """A way to one sapstartsrv."""

    def __init__(self, address: Address) -> None:
        """:raises BadInput: an address that cannot be right, or a password that would travel in clear text."""
        self._address = address
        self._kept: Optional[_Connection] = None
        self._context: Optional[ssl.SSLContext] = None
        self._headers = dict(_CONTENT)
        self._scheme, self._host, self._port, self._path = _target(address)
        if not 0 < address.timeout <= LONGEST_WAIT:
            raise BadInput(
                "connect to sapcontrol",
                f"sapcontrol_timeout must be greater than 0 and at most {LONGEST_WAIT}, not {address.timeout}",
            )
        if address.user is not None or address.password is not None:
            self._headers["Authorization"] = self._basic(address.user, address.password)
        self.name = self._path if self._scheme == "unix" else f"{self._scheme}://{self._host}:{self._port}"

    @property
    def scheme(self) -> str:
        """``unix``, ``https`` or ``http``."""
        return self._scheme

    def ask(self, body: bytes, doing: str) -> Reply:
        """Send a question and return the reply; a dead kept connection is replaced once.

        :raises Unreachable: no connection, or it broke.
        :raises ServiceDown: nothing listens there.
        :raises TimedOut: no whole answer within the timeout.
        :raises Denied: the socket may not be opened.
        """
        if self._kept is not None:
            kept, self._kept = self._kept, None
            try:
                reply = kept.exchange(body, self._headers, self._address.timeout)
                self._kept = kept if kept.open else None
                return reply
            except _Dropped:
                kept.close()  # it was idle for too long; a question may be asked again
            except (OSError, http.client.HTTPException) as error:
                kept.close()
                raise self._read_error(error, doing) from error
        connection = self._connect(doing)
        try:
            reply = connection.exchange(body, self._headers, self._address.timeout)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._read_error(error, doing) from error
        self._kept = connection if connection.open else None
        return reply

    def tell(self, body: bytes, doing: str) -> Reply:
        """Send a change, once, over a connection of its own.

        :raises Unreachable: there was no connection; nothing was sent.
        :raises Unknown: it was sent, wholly or in part, and no whole answer came back.
        """
        connection = self._connect(doing)
        try:
            return connection.exchange(body, self._headers, self._address.timeout)
        except (OSError, http.client.HTTPException) as error:
            raise Unknown(
                doing,
                f"it was sent to {self.name} and not answered: {_reason(error, self._address.timeout)}",
                cause=_cause(error),
            ) from error
        finally:
            connection.close()

    def certificate(self, doing: str) -> Dict[str, Any]:
        """The peer's certificate as `ssl.SSLSocket.getpeercert` gives it; empty unless https with verification."""
        if self._scheme != "https":
            return {}
        connection = self._connect(doing)
        try:
            return dict(connection.certificate() or {})
        finally:
            connection.close()

    def close(self) -> None:
        """Give back the kept connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _basic(self, user: Optional[str], password: Optional[str]) -> str:
        if not user or password is None:
            raise BadInput("connect to sapcontrol", "sapcontrol_user and sapcontrol_password belong together")
        if ":" in user:
            raise BadInput("connect to sapcontrol", "sapcontrol_user must not contain a colon")
        if self._scheme == "http" and not _is_loopback(self._host):
            raise BadInput(
                "connect to sapcontrol",
                f"the password would travel in clear text to {self._host}",
                cure="Use https://, or leave out sapcontrol_user and sapcontrol_password",
                reason="clear_text_password",
            )
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")

    def _connect(self, doing: str) -> _Connection:
        timeout = self._address.timeout
        deadline = time.monotonic() + timeout
        try:
            if self._scheme == "unix":
                raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                try:
                    raw.settimeout(timeout)
                    raw.connect(self._path)
                except BaseException:
                    raw.close()
                    raise
            else:
                raw = socket.create_connection((self._host, self._port), timeout)
        except OSError as error:
            raise self._connect_error(error, doing) from error
        if self._scheme != "https":
            return _Connection(raw, self._host, self._path if self._scheme != "unix" else "/")
        try:
            raw.settimeout(max(0.001, deadline - time.monotonic()))
            secure = self._tls(doing).wrap_socket(raw, server_hostname=self._host)
        except (OSError, ValueError) as error:
            raw.close()
            raise self._tls_error(error, doing) from error
        return _Connection(secure, f"{self._host}:{self._port}", self._path)

    def _tls(self, doing: str) -> ssl.SSLContext:
        if self._context is None:
            address = self._address
            try:
                context = ssl.create_default_context(
                    cafile=os.path.expanduser(address.ca_file) if address.ca_file else None
                )
            except (OSError, ssl.SSLError) as error:
                raise BadInput(
                    doing,
                    f"the CA file {address.ca_file} cannot be used: {getattr(error, 'strerror', None) or error}",
                    reason="ca_file",
                ) from error
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if not address.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._context = context
        return self._context

    def _connect_error(self, error: OSError, doing: str) -> LandscapeError:
        cure = (
            f"Start sapstartsrv on the host: sapcontrol -nr {self._address.number} -function StartService <SID>, "
            f"or systemctl start SAP<SID>_{self._address.number}"
        )
        if isinstance(error, socket.timeout) or error.errno == errno.ETIMEDOUT:
            return Unreachable(doing, f"{self.name} did not accept a connection within {self._address.timeout:g} s")
        if isinstance(error, socket.gaierror):
            return Unreachable(doing, f"the host name {self._host} cannot be resolved", reason="unknown_host")
        if error.errno in (errno.EACCES, errno.EPERM):
            return Denied(
                doing,
                f"this user may not open {self.name}",
                reason="socket_permission",
                cure="Become <sid>adm for this task",
            )
        if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
            why = f"sapstartsrv is down: nothing listens at {self.name}"
            return ServiceDown(doing, why, cure=cure, address=self.name)
        return Unreachable(doing, f"{self.name} cannot be reached: {error.strerror or error}")

    def _tls_error(self, error: Exception, doing: str) -> LandscapeError:
        if isinstance(error, ssl.SSLCertVerificationError):
            code = error.verify_code
            text = error.verify_message or "certificate verify failed"
            if code in (9, 10):
                reason, cure = "tls_expired", "Renew the certificate of sapstartsrv, or correct the clock"
            elif code in (62, 64):
                reason, cure = "tls_host_name", "Use the host name that stands in the certificate"
            else:
                reason, cure = "tls_untrusted", "Name the CA that signed the certificate in sapcontrol_ca_file"
            why = f"the certificate of {self.name} is refused: {text}"
            return Unreachable(doing, why, reason=reason, cure=cure, address=self.name)
        if isinstance(error, socket.timeout):
            return Unreachable(
                doing,
                f"{self.name} accepted the connection and did not greet within {self._address.timeout:g} s",
                reason="tls_silent",
                cure=_HANGS,
                address=self.name,
            )
        if isinstance(error, ssl.SSLError):
            return Unreachable(
                doing,
                f"{self.name} does not speak TLS as expected ({error.reason or 'handshake failed'})",
                reason="tls_handshake",
                cure=f"The https port of this instance is 5{self._address.number}14",
            )
        return Unreachable(doing, f"the connection to {self.name} broke: {_reason(error, self._address.timeout)}")

    def _read_error(self, error: Exception, doing: str) -> LandscapeError:
        if isinstance(error, socket.timeout):
            return TimedOut(
                doing,
                f"sapstartsrv at {self.name} accepted the connection and did not answer in {self._address.timeout:g} s",
                reason="sapstartsrv_hangs",
                cure=_HANGS,
                address=self.name,
            )
        return Unreachable(
            doing, f"the connection to {self.name} broke: {_reason(error, self._address.timeout)}", reason="broken"
        )


class _Dropped(ConnectionError):
    """A kept connection was closed by the peer before it read the question."""


class _Connection:
    """One open connection with a deadline for each exchange."""

    def __init__(self, raw: socket.socket, host: str, path: str) -> None:
        self._raw = raw
        self._timed = _Timed(raw)
        self._host = host
        self._path = path
        self._used = False
        self.open = True

    def exchange(self, body: bytes, headers: Dict[str, str], timeout: float) -> Reply:
        """POST the body and read the whole reply within ``timeout`` seconds."""
        self._timed.deadline = time.monotonic() + timeout
        reused, self._used = self._used, True
        fields = dict(headers, Host=self._host, **{"Content-Length": str(len(body)), "Connection": "keep-alive"})
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        try:
            self._timed.send(f"POST {self._path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
            response = http.client.HTTPResponse(self._timed, method="POST")  # type: ignore[arg-type]
            response.begin()
        except (ConnectionError, ssl.SSLEOFError) as error:
            self.open = False
            if reused:
                raise _Dropped(str(error)) from error
            raise
        content = bytearray()
        while True:
            piece = response.read(65536)
            if not piece:
                break
            content += piece
            if len(content) > MAX_ANSWER:
                raise http.client.HTTPException(f"the answer is longer than {MAX_ANSWER} bytes")
        if response.length:  # the stated length did not come
            raise http.client.IncompleteRead(bytes(content), response.length)
        self.open = not response.will_close
        response.close()
        return Reply(response.status, bytes(content))

    def certificate(self) -> Optional[Dict[str, Any]]:
        """The peer's verified certificate."""
        return dict(self._raw.getpeercert() or {}) if isinstance(self._raw, ssl.SSLSocket) else None

    def close(self) -> None:
        """Close the socket."""
        self.open = False
        try:
            self._raw.close()
        except OSError:
            pass


class _Timed(io.RawIOBase):
    """A socket read through a deadline, so that a peer that trickles bytes cannot hold us."""

    def __init__(self, raw: socket.socket) -> None:
        super().__init__()
        self._raw_socket = raw
        self.deadline = 0.0

    def makefile(self, _mode: str, *_args: Any, **_options: Any) -> io.BufferedReader:
        """What http.client reads from."""
        return io.BufferedReader(_Reader(self))

    def send(self, data: bytes) -> None:
        """Send all bytes before the deadline."""
        self._raw_socket.settimeout(self.left())
        self._raw_socket.sendall(data)

    def receive(self, buffer: Any) -> int:
        """Read some bytes into ``buffer`` before the deadline."""
        self._raw_socket.settimeout(self.left())
        return self._raw_socket.recv_into(buffer)

    def left(self) -> float:
        """Seconds until the deadline.

        :raises socket.timeout: it has passed.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")  # noqa: UP041  TimeoutError is another class before Python 3.10
        return left


class _Reader(io.RawIOBase):
    """The readable side of `_Timed`; closing it leaves the socket open for the next exchange."""

    def __init__(self, timed: _Timed) -> None:
        super().__init__()
        self._timed = timed

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Bytes read; 0 at the end."""
        return self._timed.receive(buffer)


def _target(address: Address) -> Tuple[str, str, int, str]:
    """Scheme, host, port and path of an address; the path is the socket's for ``unix``."""
    doing = "connect to sapcontrol"
    if not address.url:
        return "unix", "localhost", 0, os.path.expanduser(address.socket_path.replace("{nr}", address.number))
    url = address.url.replace("{nr}", address.number)
    shown = repr(re.sub(r"//[^/]*@", "//...@", address.url))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(doing, f"sapcontrol_url {shown} is no URL") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(doing, f"sapcontrol_url must start with https:// or http:// and name a host, not {shown}")
    if parts.username is not None or parts.password is not None:
        raise BadInput(
            doing,
            "sapcontrol_url must not carry a user or a password",
            cure="Use sapcontrol_user and sapcontrol_password",
        )
    if any(c in url for c in "{}\r\n\t "):
        raise BadInput(doing, f"sapcontrol_url {shown} holds a character no URL has; only {{nr}} is replaced")
    if port is None:
        port = int(f"5{address.number}{'14' if parts.scheme == 'https' else '13'}")
    return parts.scheme, parts.hostname, port, parts.path or "/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _cause(error: BaseException) -> str:
    if isinstance(error, socket.timeout):
        return "no_answer_in_time"
    if isinstance(error, ConnectionError) or not isinstance(error, http.client.HTTPException):
        return "connection_lost"
    return "broken_answer"


def _reason(error: BaseException, timeout: float) -> str:
    if isinstance(error, socket.timeout):
        return f"no answer within {timeout:g} s"
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)):
        return "the peer closed the connection"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer ended in the middle"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error) or type(error).__name__


__all__ = ("SOCKET", "Address", "Link", "Reply", "ServiceDown")
