# SPDX-License-Identifier: GPL-3.0-or-later
"""The ICM of one instance: calls over SOAP at ``/sap/bc/soap/rfc``, the two pages that need no logon.

As real systems were seen to do it, each POST is a session of its own, and a table parameter comes back only when the
request names it. Dates and times are written as in the WSDL of such a service. What is our own: a classic exception
comes with HTTP 200 since it is no fault; the type of an error that is no message; one text for every refused request.
"""

from __future__ import annotations

import base64
import binascii
import re
import traceback
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.simulator.abap.catalogue import Catalogue, Field, Function, Structure
from tests.simulator.abap.errors import AbapError, AbapException, AbapMessage, LogonRefused, NotAdmitted, NotFound
from tests.simulator.web import Answer, Hangup, Request

from .call import Cut, Engine, complete, is_table, perform
from .values import CHARACTERS, initial, length

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
FUNCTIONS = "urn:sap-com:document:sap:rfc:functions"
ERRORS = "urn:sap-com:document:sap:soap:functions"
ACTIONS = ("", FUNCTIONS)  # sources disagree which one is right
_LANGUAGES = {"EN": "E", "DE": "D", "FR": "F", "ES": "S", "IT": "I", "JA": "J", "ZH": "1"}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class NotUnderstood(ValueError):
    """A request that is none; the text says why."""


# -- values -----------------------------------------------------------------------------------------------------------


def _show(field: Field, value: Any) -> str:
    """A value as text."""
    if value is None or (value == "" and field.type in "NDT"):
        value = initial(field)
    if field.type in "Xy":
        return base64.b64encode(bytes(value)).decode("ascii")
    shown = str(value)
    if field.type == "D" and len(shown) == 8:
        return f"{shown[:4]}-{shown[4:6]}-{shown[6:]}"
    if field.type == "T" and len(shown) == 6:
        return f"{shown[:2]}:{shown[2:4]}:{shown[4:]}"
    if field.type == "N":
        return shown.rjust(field.length, "0")[-field.length :]
    if field.type == "C":
        shown = shown[: field.length].rstrip(" ")
    return escape(_FORBIDDEN.sub("#", shown))


def _read(field: Field, shown: str) -> Any:
    """The value of a text.

    Raises:
        NotUnderstood: it is none of the field's type.
    """
    if field.type in "DT":
        shown = shown.replace("-", "").replace(":", "")
    if field.type in CHARACTERS:
        if len(shown) > length(field):
            raise NotUnderstood(f"{field.name} has {length(field)} characters, {len(shown)} came")
        return shown.rstrip(" ")
    try:
        if field.type in "Xy":
            return base64.b64decode(shown, validate=True)
        if field.type == "g":
            return shown
        if not shown.strip():
            return initial(field)
        return {"P": Decimal, "F": float}.get(field.type, int)(shown.strip())
    except (binascii.Error, InvalidOperation, ValueError) as error:
        raise NotUnderstood(f"{field.name}: {shown!r} is no value of type {field.type}") from error


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _row(structure: Structure, element: ElementTree.Element) -> dict[str, Any]:
    known = {field.name: field for field in structure.fields}
    row = {}
    for child in element:
        name = _local(child)
        if name not in known:
            raise NotUnderstood(f"{structure.name} has no component {name}")
        row[name] = _read(known[name], child.text or "")
    return row


def _shown_row(structure: Structure, row: Mapping[str, Any]) -> str:
    strange = sorted(row.keys() - {field.name for field in structure.fields})
    if strange:
        raise ValueError(f"{structure.name} has no component {', '.join(strange)}")
    return "".join(f"<{field.name}>{_show(field, row.get(field.name))}</{field.name}>" for field in structure.fields)


# -- documents --------------------------------------------------------------------------------------------------------


def parse(body: bytes) -> ElementTree.Element:
    """The call's element of an envelope.

    Raises:
        NotUnderstood: there is none.
    """
    if b"<!DOCTYPE" in body:  # nor the entities that it could define
        raise NotUnderstood("a document type is not taken")
    try:
        envelope = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise NotUnderstood(f"no XML: {error}") from error
    content = envelope.find(f"{{{ENVELOPE}}}Body")
    if envelope.tag != f"{{{ENVELOPE}}}Envelope" or content is None or len(content) != 1:
        raise NotUnderstood("no SOAP envelope with one call in it")
    if not content[0].tag.startswith(f"{{{FUNCTIONS}}}"):
        raise NotUnderstood(f"{content[0].tag} is not in the namespace {FUNCTIONS}")
    return content[0]


def _envelope(inner: str) -> bytes:
    return (
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{ENVELOPE}"><SOAP-ENV:Body>{inner}</SOAP-ENV:Body></SOAP-ENV:Envelope>'
    ).encode()


def _fault(kind: str, why: str) -> Answer:
    """The fault's own text says nothing; what happened stands in its detail."""
    inner = (
        "<SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>Internal Server Error</faultstring>"
        f'<detail><rfc:Error xmlns:rfc="{ERRORS}"><type>{escape(kind)}</type><message>{escape(why)}</message>'
        "</rfc:Error></detail></SOAP-ENV:Fault>"
    )
    return Answer(500, _envelope(inner))


def arguments(catalogue: Catalogue, function: Function, element: ElementTree.Element) -> dict[str, Any]:
    """The inputs that a call's element has.

    Raises:
        NotUnderstood: one is none of its parameter, or there is no such parameter.
    """
    known = {one.name: one for one in function.parameters}
    given: dict[str, Any] = {}
    for child in element:
        name = _local(child)
        if name not in known:
            raise NotUnderstood(f"{function.name} has no parameter {name}")
        one = known[name]
        if isinstance(one.type, Field):
            given[name] = _read(one.type, child.text or "")
        elif is_table(catalogue, one):
            given[name] = [_row(catalogue.row(one.type), item) for item in child]
        else:
            given[name] = _row(catalogue.row(one.type), child)
    return given


def response(catalogue: Catalogue, function: Function, named: set[str], result: Mapping[str, Any]) -> str:
    """The element that answers a call; ``named`` are the parameters that the request has."""
    parts = []
    for one in function.parameters:
        if one.kind == "I" or (one.kind == "T" and one.name not in named):
            continue
        value = result[one.name]
        if isinstance(one.type, Field):
            inner = _show(one.type, value)
        elif is_table(catalogue, one):
            inner = "".join(f"<item>{_shown_row(catalogue.row(one.type), row)}</item>" for row in value)
        else:
            inner = _shown_row(catalogue.row(one.type), value)
        parts.append(f"<{one.name}>{inner}</{one.name}>")
    tag = f"rfc:{_tag(function.name)}.Response"
    return f'<{tag} xmlns:rfc="{FUNCTIONS}">{"".join(parts)}</{tag}>'


def _tag(name: str) -> str:
    """A name of a namespace as an element: SAP writes its slashes ``_-`` in XML."""
    return name.replace("/", "_-")


# -- the service ------------------------------------------------------------------------------------------------------


class Service:
    """Answers the HTTP requests to one instance.

    Args:
        engine: the system.
        sid: its name.
        client: the one that is meant when a request names none.
        instance: what the engine calls the instance.
        info: what RFC_SYSTEM_INFO says, for everybody.
    """

    def __init__(
        self, engine: Engine, sid: str, client: str, instance: Any, info: Callable[[], Mapping[str, str]]
    ) -> None:
        self.engine, self.sid, self.client, self.instance, self._info = engine, sid, client, instance, info

    async def handle(self, request: Request) -> Answer:
        """Answer one HTTP request.

        Raises:
            Hangup: the connection is to break off.
        """
        path = request.path.rstrip("/")
        if path == "/sap/public/ping":
            return _page(200, "Server reached.")
        if path == "/sap/public/info":
            fields = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in self._info().items())
            name = "rfc:RFC_SYSTEM_INFO.Response"
            return Answer(200, _envelope(f'<{name} xmlns:rfc="{FUNCTIONS}"><RFCSI>{fields}</RFCSI></{name}>'))
        if path != "/sap/bc/soap/rfc":
            return _page(404, "The requested resource does not exist.")
        if request.method != "POST":
            return _page(405, "Only POST is answered here.")
        return await self._soap(request)

    async def _soap(self, request: Request) -> Answer:
        client = request.query.get("sap-client") or self.client
        user, password = request.basic() or ("", None)
        if not user:
            return self._unauthorized(client)
        language = request.query.get("sap-language", "EN").upper()
        try:
            session = self.engine.logon(
                client, user.upper(), password, _LANGUAGES.get(language, language), instance=self.instance
            )
        except NotAdmitted as refusal:
            return _page(503, refusal.text)
        except LogonRefused:
            return self._unauthorized(client)
        try:
            return await self._call(session, request)
        except Cut:
            raise Hangup from None
        except NotUnderstood as error:
            return _fault("SOAP_REQUEST_NOT_UNDERSTOOD", str(error))
        except AbapMessage as message:
            return _fault("ERROR_MESSAGE_STATE", message.text)
        except NotFound as missing:
            return _fault("FUNCTION_NOT_FOUND", f"Function module {missing.name} not found")
        except AbapError as error:
            return _fault("ERROR_MESSAGE_STATE", str(error))
        except Exception as bug:
            traceback.print_exc()
            return _fault("SIMULATOR_FAILED", repr(bug))
        finally:
            session.close()

    async def _call(self, session: Any, request: Request) -> Answer:
        action = request.headers.get("soapaction", "").strip().strip('"')
        if action not in ACTIONS:
            raise NotUnderstood(f"SOAPAction {action!r}")
        element = parse(request.body)
        name, catalogue = _local(element).replace("_-", "/"), self.engine.catalogue
        function = catalogue.functions.get(name)
        if function is None:
            raise NotFound(name)
        given = arguments(catalogue, function, element)
        named = set(given)
        try:
            result = await perform(self.engine, session, function, complete(catalogue, function, given), "soap")
        except AbapException as refusal:
            tag = f"rfc:{_tag(name)}.Exception"
            inner = f"<Name>{escape(refusal.key)}</Name>"
            if refusal.text:
                inner += f"<Text>{escape(refusal.text)}</Text>"
            return Answer(200, _envelope(f'<{tag} xmlns:rfc="{FUNCTIONS}">{inner}</{tag}>'))
        return Answer(200, _envelope(response(catalogue, function, named, result)))

    def _unauthorized(self, client: str) -> Answer:
        """Not even XML, as on a real system."""
        realm = f'Basic realm="SAP NetWeaver Application Server [{self.sid}/{re.sub("[^0-9A-Za-z]", "", client)}]"'
        return _page(401, "Logon failed", **{"WWW-Authenticate": realm})


def _page(status: int, text: str, **headers: str) -> Answer:
    page = f"<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
    return Answer(status, page.encode(), "text/html; charset=utf-8", headers)
