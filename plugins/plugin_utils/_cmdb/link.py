# SPDX-License-Identifier: GPL-3.0-or-later
"""How a CMDB is asked over HTTP: TLS, credentials, limits, attempts."""

from __future__ import annotations

import base64
import email.utils
import http.client
import ipaddress
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.errors import (
    CmdbError,
    SourceDenied,
    SourceError,
    SourceUnreachable,
)

RETRIED = frozenset({429, 500, 502, 503, 504})
"""HTTP states that may pass: too many requests, and failures of the server or of what stands before it."""

LONGEST_PAUSE = 60.0
MOST_REDIRECTS = 5
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of state 200.

    Attributes:
        url: where it came from.
        headers: names in small letters.
        body: whole, as long as the server said.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The value of the body.

        Raises:
            SourceError: it is no JSON, or only the beginning of one.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no type").split(";")[0]
            cure = "Is the address right, or is that a login page?" if "html" in kind else None
            raise SourceError(
                f"read {self.url}", f"the answer ({kind}) is no whole JSON: {error}", cure=cure
            ) from error


class _SameOriginOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects only where the credentials belong."""

    max_redirections = MOST_REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The request to follow, or an error when it leads elsewhere."""
        if origin(newurl) != origin(req.full_url):
            raise SourceError(
                f"read {plain(req.full_url)}",
                f"HTTP {code} leads to {plain(newurl)}, another server, which must not get the credentials",
                cure="Write the address that it leads to, if that is the CMDB",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def plain(url: str) -> str:
    """An address for a message: without the credentials that somebody may have written into it."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Access:
    """How to get at a CMDB.

    Attributes:
        url: base address, https; plain http only without credentials, or on this machine.
        user, password: for basic authentication.
        token: for an ``Authorization`` header with `token_type` before it.
        ca_file: certificates (PEM) to trust instead of the system's.
        verify: whether the server's certificate is checked.
        timeout: seconds without any answer before an attempt counts as failed; a whole answer may take ten times that.
        attempts: how often a request is tried that fails in a way that may pass.
        pause: seconds before the second attempt; doubled for each one after.
        max_bytes: longest answer.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_type: str = "Bearer"
    ca_file: str | None = None
    verify: bool = True
    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0
    max_bytes: int = 256 * 1024 * 1024


class Link:
    """Asks a CMDB.

    Raises:
        CmdbError: the access cannot work: no address, credentials over plain http, an unreadable CA file.
    """

    def __init__(self, access: Access, *, clock: Clock | None = None) -> None:
        self.access = access
        self.clock = clock or Clock()
        where = plain(access.url)
        parts = urllib.parse.urlsplit(access.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CmdbError(
                f"read the CMDB at {where}",
                "that is no address",
                cure="Write https://host, with port and path where needed",
            )
        if "@" in parts.netloc:
            raise CmdbError(
                f"read the CMDB at {where}",
                "the address holds credentials",
                cure="Write them as user and password, or as token",
            )
        if (access.user is None) != (access.password is None):
            raise CmdbError(
                f"read the CMDB at {where}", "user and password belong together", cure="Give both, or a token"
            )
        if access.user is not None and access.token is not None:
            raise CmdbError(f"read the CMDB at {where}", "there are a user and a token", cure="Give one of them")
        if parts.scheme == "http" and (access.user or access.token) and not _is_loopback(parts.hostname):
            raise CmdbError(f"read the CMDB at {where}", "credentials do not go over plain http", cure="Use https")
        handlers: list[urllib.request.BaseHandler] = [
            _SameOriginOnly(),
            urllib.request.HTTPSHandler(context=self._tls(parts.scheme == "https", where)),
        ]
        if _is_loopback(parts.hostname):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def _tls(self, used: bool, where: str) -> ssl.SSLContext:
        access = self.access
        try:
            context = ssl.create_default_context(cafile=access.ca_file if used else None)
        except (OSError, ssl.SSLError) as error:
            why = f"the CA file {access.ca_file} cannot be used: {error.strerror or error}"
            raise CmdbError(f"read the CMDB at {where}", why, cure="Name a readable PEM file") from error
        if not access.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _headers(self) -> dict[str, str]:
        access = self.access
        headers = {"Accept": "application/json", "User-Agent": "basis.landscape"}
        if access.token is not None:
            headers["Authorization"] = f"{access.token_type} {access.token}"
        elif access.user is not None:
            pair = f"{access.user}:{access.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        return headers

    def get(self, url: str) -> Answer:
        """The answer to a GET.

        States 429 and 5xx and broken connections are tried again, after the pause that the server asks for or a growing
        one of our own. Nothing else is.

        Raises:
            SourceDenied: HTTP 401 or 403.
            SourceUnreachable: no attempt got an answer, or the certificate is not trusted.
            SourceError: any other answer than 200.
        """
        pause = self.access.pause
        last = ""
        for attempt in range(1, self.access.attempts + 1):
            asked: float | None = None
            try:
                return self._once(url)
            except urllib.error.HTTPError as error:
                with error:
                    last = f"HTTP {error.code} {_reason(error)}".strip()
                    asked = _retry_after(error.headers.get("Retry-After"))
                    self._refuse(url, error.code, last)
            except urllib.error.URLError as error:
                self._refuse_certificate(url, error.reason)
                last = _words(error.reason)
            except (OSError, http.client.HTTPException) as error:
                self._refuse_certificate(url, error)
                last = _words(error)
            if attempt < self.access.attempts:
                self.clock.sleep(min(pause if asked is None else asked, LONGEST_PAUSE))
                pause *= 2
        count = self.access.attempts
        raise SourceUnreachable(f"read {plain(url)}", f"{last} ({count} attempt{'' if count == 1 else 's'})")

    def _once(self, url: str) -> Answer:
        request = urllib.request.Request(url, headers=self._headers())
        with self._opener.open(request, timeout=self.access.timeout) as response:
            if response.status != 200:
                raise SourceError(f"read {plain(url)}", f"HTTP {response.status} instead of 200")
            chunks: list[bytes] = []
            size = 0
            end = time.monotonic() + 10 * self.access.timeout
            while True:
                chunk = response.read1(_CHUNK)
                if not chunk:
                    break
                chunks.append(chunk)
                size += len(chunk)
                if size > self.access.max_bytes:
                    raise SourceError(
                        f"read {plain(url)}",
                        f"the answer is longer than {self.access.max_bytes} bytes",
                        cure="Make the pages smaller",
                    )
                if time.monotonic() > end:
                    raise TimeoutError(f"no whole answer after {10 * self.access.timeout:g} s")
            length = response.headers.get("Content-Length", "")
            if length.isdigit() and int(length) != size:
                raise http.client.IncompleteRead(b"", int(length) - size)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(plain(response.url), headers, b"".join(chunks))

    def _refuse(self, url: str, code: int, what: str) -> None:
        """Raises for the states that no second attempt changes."""
        doing = f"read {plain(url)}"
        if code == 401:
            raise SourceDenied(doing, what, cure="Check user and password, or the token")
        if code == 403:
            raise SourceDenied(doing, what, cure="Give the CMDB user the right to read this")
        if code == 404:
            raise SourceError(doing, what, cure="Check the address, and the path in the mapping", http=404)
        if code not in RETRIED:
            raise SourceError(doing, what, http=code)

    def _refuse_certificate(self, url: str, error: Any) -> None:
        if isinstance(error, ssl.SSLCertVerificationError):
            raise SourceUnreachable(
                f"read {plain(url)}",
                f"the certificate is not trusted: {error.verify_message}",
                cure="Name the CMDB's CA with ca_file, or have the certificate renewed",
                reason="certificate",
            ) from error
        if isinstance(error, ssl.SSLError):
            raise SourceUnreachable(
                f"read {plain(url)}", f"no TLS: {error.reason or error}", reason="certificate"
            ) from error


def _words(error: Any) -> str:
    if isinstance(error, TimeoutError):
        return str(error) if str(error).startswith("no whole") else "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer broke off"
    if isinstance(error, http.client.HTTPException):
        return f"that was no HTTP answer ({type(error).__name__})"
    return str(getattr(error, "strerror", None) or error)


def _reason(error: urllib.error.HTTPError) -> str:
    """What the server says about an error, in the shapes that CMDBs use; else the words of the state."""
    try:
        data = json.loads(error.read(_CHUNK))
    except (ValueError, OSError, http.client.HTTPException):
        return str(error.reason)
    said = data.get("error", data.get("detail")) if isinstance(data, dict) else None
    if isinstance(said, dict):
        said = ": ".join(str(said[key]) for key in ("message", "detail") if said.get(key))
    return f"({said[:300]})" if isinstance(said, str) and said else str(error.reason)


def _retry_after(value: str | None) -> float | None:
    """Seconds until the time that the server asks for: a number, or a date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    moment = email.utils.parsedate_tz(value)
    return max(0.0, email.utils.mktime_tz(moment) - time.time()) if moment else None
