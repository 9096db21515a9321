# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls through the SOAP service of an ABAP system (/sap/bc/soap/rfc), which needs no library.

Each call is a session of its own, so nothing that needs a logon to an interface (XBP) or a later commit works here. An
output table comes back only when the request names it, so an empty ``RETURN`` is named for each BAPI. Only https is
spoken, no redirect is followed. Sources: public clients of the service; the form of a classic exception is known from
one of them.
"""

from __future__ import annotations

import base64
import http.client
import os
import re
import socket
import ssl
import time
from typing import Any, Dict, List, Mapping, Optional, Union
from urllib.parse import urlencode, urlsplit
from xml.parsers import expat
from xml.sax.saxutils import escape

from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Address,
    Busy,
    Conversation,
    Forbidden,
    Lost,
    NotReached,
    NotSent,
    Raised,
    Refused,
)

FUNCTIONS = "urn:sap-com:document:sap:rfc:functions"
SERVICE = "/sap/bc/soap/rfc"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
MAX_ANSWER = 256 * 1024 * 1024
PIECE = 64 * 1024
MAX_DEPTH = 32
_NAME = re.compile(r"[A-Z/][A-Z0-9_/]{0,29}\Z")
_FIELD = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.-]{0,60}\Z")


class SoapConversation(Conversation):
    """Calls as one user, each over a connection of its own."""

    stateful = False

    def __init__(self, address: Address) -> None:
        """:raises NotSent: the address is not one of https; nothing is opened yet."""
        self._address = address
        try:
            parts = urlsplit(address.url or "")
            self._port = parts.port or 443
        except ValueError as error:
            raise NotSent(f"rfc_url is no URL ({error})") from error
        if parts.scheme != "https" or not parts.hostname:
            raise NotSent("rfc_url must be https://host:port; nothing else is spoken to the SOAP service")
        self._host = parts.hostname
        query = urlencode({"sap-client": address.client, "sap-language": address.language})
        path = parts.path if parts.path not in ("", "/") else SERVICE
        self._path = f"{path}?{query}"

    def call(self, function: str, parameters: Mapping[str, Any]) -> Dict[str, Any]:
        """Call a function."""
        try:
            body, headers = encode(function, parameters), self._headers()
        except UnicodeEncodeError as error:  # a lone surrogate
            raise NotSent(f"a character cannot be sent ({error.reason})") from error
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=self._address.timeout, context=self._context()
        )
        deadline = time.monotonic() + self._address.timeout
        try:
            try:
                connection.connect()
            except OverflowError as error:
                raise NotSent(f"rfc_timeout is too long ({error})") from error
            except (OSError, ValueError) as error:
                raise NotReached(str(error) or type(error).__name__) from error
            try:
                sock = connection.sock  # the connection forgets it when the answer is the last one
                connection.request("POST", self._path, body, headers)
                reply = connection.getresponse()
                content = _read(sock, reply, deadline)
            except (OSError, http.client.HTTPException) as error:
                late = isinstance(error, socket.timeout)
                raise Lost(str(error) or type(error).__name__, late=late) from error
        finally:
            connection.close()
        if len(content) > MAX_ANSWER:
            raise Lost(f"the answer is longer than {MAX_ANSWER} bytes")
        return answer_of(function, reply.status, content)

    def _headers(self) -> Dict[str, str]:
        proof = f"{self._address.user or ''}:{self._address.password or ''}".encode()
        return {
            "Authorization": "Basic " + base64.b64encode(proof).decode("ascii"),
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{self._address.soap_action}"',
            "Accept": "text/xml",
        }

    def _context(self) -> ssl.SSLContext:
        ca_file = self._address.ca_file
        try:
            context = ssl.create_default_context(cafile=os.path.expanduser(ca_file) if ca_file else None)
        except OSError as error:
            raise NotSent(f"the file rfc_ca_file {ca_file} cannot be used: {error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self._address.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _read(sock: Any, reply: http.client.HTTPResponse, deadline: float) -> bytes:
    """The answer's body, whole by the deadline: the socket's own limit is for each piece of it."""
    found: List[bytes] = []
    size = 0
    while size <= MAX_ANSWER:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        if sock.fileno() >= 0:
            sock.settimeout(left)
        piece = reply.read1(PIECE)
        if not piece:
            break
        found.append(piece)
        size += len(piece)
    if reply.length and size <= MAX_ANSWER:
        raise http.client.IncompleteRead(b"", reply.length)
    return b"".join(found)


def encode(function: str, parameters: Mapping[str, Any]) -> bytes:
    """The request: parameters are children without a namespace, a table is a row of ``item``.

    :raises NotSent: a name or a value cannot be written.
    """
    if not _NAME.match(function):
        raise NotSent(f"{function!r} is no name of a function module")
    named = dict(parameters)
    if function.startswith("BAPI_"):
        named.setdefault("RETURN", "")
    inner = "".join(_element(name, value) for name, value in named.items())
    tag = _tag(function)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPE}" xmlns:urn="{FUNCTIONS}">'
        f"<soap:Body><urn:{tag}>{inner}</urn:{tag}></soap:Body></soap:Envelope>"
    ).encode()


def _tag(name: str) -> str:
    """A name as an XML element; the slashes of a namespace are written as SAP does (_-)."""
    return name.replace("/", "_-")


def _element(name: str, value: Any) -> str:
    if not _FIELD.match(name):
        raise NotSent(f"{name!r} is no name of a parameter")
    tag = _tag(name)
    if isinstance(value, Mapping):
        inner = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        inner = "".join(f"<item>{_inside(row)}</item>" for row in value)
    else:
        inner = _text(name, value)
    return f"<{tag}>{inner}</{tag}>"


def _inside(row: Any) -> str:
    if isinstance(row, Mapping):
        return "".join(_element(key, item) for key, item in row.items())
    return _text("item", row)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise NotSent(f"{name} has a value that SOAP cannot carry ({type(value).__name__})")
    text = str(value)
    if re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text):
        raise NotSent(f"{name} has a control character in it")
    return escape(text)


class Node:
    """One element: local name, text, children."""

    __slots__ = ("children", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.children: List[Node] = []

    def find(self, name: str) -> Optional[Node]:
        """The first descendant of that local name."""
        for child in self.children:
            found = child if child.name == name else child.find(name)
            if found is not None:
                return found
        return None


def parse(content: bytes) -> Optional[Node]:
    """The document's first element; None for what is no XML, or has declarations of its own."""
    top = Node("")
    stack = [top]

    def start(name: str, _attributes: Any) -> None:
        if len(stack) > MAX_DEPTH:
            raise ValueError("too deep")
        node = Node(name.rsplit(" ", 1)[-1].replace("_-", "/"))
        stack[-1].children.append(node)
        stack.append(node)

    def end(_name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    def declared(*_parts: Any) -> None:
        raise ValueError("a document type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError):
        return None
    return top.children[0] if top.children else None


def answer_of(function: str, status: int, content: bytes) -> Dict[str, Any]:
    """The answer as the libraries give it.

    :raises Trouble: a refused logon, the system's no, or something that is no answer of this service.
    """
    if status == 401:
        raise Refused("HTTP 401")
    if status == 403:
        raise Forbidden("HTTP 403")
    if status == 503:
        raise Busy("HTTP 503")
    root = parse(content)
    body = root.find("Body") if root is not None and root.name == "Envelope" else None
    if body is None or not body.children:
        raise Lost(f"HTTP {status} with something else than a SOAP answer")
    first = body.children[0]
    if first.name == "Fault":
        error = first.find("Error") or first
        told = error.find("message") or first.find("faultstring")
        kind = error.find("type")
        text = " ".join((told.text if told is not None else "").split()) or "a fault without a text"
        raise Raised((kind.text if kind is not None else "").strip(), text)
    if first.name == f"{function}.Exception":
        name = first.find("Name") or first
        key = name.text.strip() or "EXCEPTION"
        raise Raised(key, key)
    if first.name != f"{function}.Response":
        raise Lost(f"{first.name} came as the answer to {function}")
    return {child.name: _value(child) for child in first.children}


Value = Union[str, Dict[str, Any], List[Any]]


def _value(node: Node) -> Value:
    if not node.children:
        return node.text
    if all(child.name == "item" for child in node.children):
        return [_value(child) for child in node.children]
    return {child.name: _value(child) for child in node.children}


__all__ = ("SoapConversation", "answer_of", "encode", "parse")
