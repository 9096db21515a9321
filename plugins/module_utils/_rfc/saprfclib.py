# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls through saprfclib, the library that needs neither SAP's SDK nor a compiler.

A refused logon is a plain ``ValueError`` there, as are parameters that do not fit; which of them it is says the place
it comes from.
"""

from __future__ import annotations

import re
import socket
from typing import Any, Callable, Dict, Mapping

from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Address,
    Conversation,
    Lost,
    NotReached,
    NotSent,
    Raised,
    Refused,
    Trouble,
    in_traceback,
    kinds,
    message_id,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.pyrfc import named, parameters_of

# The library's functions that run before a call's first byte is sent.
BUILDING = ("build_invoke_request", "unknown_parameters", "_refuse_unknown")
# Those by which it asks what a function looks like, before it calls it.
DESCRIBING = ("_call_bootstrap", "_call_struct_bootstrap", "get_function_desc")
_FIRST_HOP = re.compile(r"/H/([^/]+)(?:/S/([^/]+))?")
ROUTER_PORT = "3299"


class SaprfclibConversation(Conversation):
    """One connection of saprfclib."""

    def __init__(self, library: Any, address: Address) -> None:
        """:raises Trouble: there is no connection, or no logon."""
        self._timeout = address.timeout
        found: Dict[str, Any] = dict(parameters_of(address))
        found.setdefault("ashost", "")
        found.setdefault("sysnr", "00")
        # The library has no switch but snc_lib: without it, it would log on in plain text and say nothing.
        if found.pop("snc_mode", None) and not found.get("snc_lib"):
            raise NotSent("saprfclib speaks SNC only with rfc_snc_lib, the path of the cryptographic library")
        if address.router:
            found["socket_factory"] = _to_router(address)
        if "snc_qop" in found:
            found["snc_qop"] = int(found["snc_qop"])
        found.update(connect_timeout=address.timeout, read_timeout=address.timeout, strict_params=True)
        try:
            self._connection = library.connect(**found)
        except Exception as error:
            raise _at_logon(error) from error

    def call(self, function: str, parameters: Mapping[str, Any]) -> Dict[str, Any]:
        """Call a function."""
        try:
            return dict(self._connection.call(function, **parameters))
        except Exception as error:
            raise _trouble(error) from error

    def close(self) -> None:
        """Close the connection; one that is broken is given up."""
        try:
            self._connection.close()
        except Exception:  # it is given up either way, and must not hide the error before it
            pass


def _to_router(address: Address) -> Callable[[str, int], socket.socket]:
    """What connects to the first router: the library sends the route to whom it is connected, and takes the target."""
    hop = _FIRST_HOP.match(address.router or "")
    if hop is None:
        raise NotSent("rfc_router does not begin with /H/ and a host")  # not shown: a route may hold passwords
    if address.message_server:
        raise NotSent("saprfclib does not ask a message server through a SAProuter; name an application server")
    where = (hop.group(1), hop.group(2) or ROUTER_PORT)
    return lambda _host, _port: socket.create_connection(where, address.timeout)


def _words(error: BaseException) -> str:
    return " ".join(str(getattr(error, "message", None) or error).split()) or type(error).__name__


def _at_logon(error: Exception) -> Trouble:
    if isinstance(error, OSError) or "CommunicationError" in kinds(error):
        return NotReached(_words(error))
    if "SapRfcError" in kinds(error):
        return NotReached(_words(error))
    if isinstance(error, ValueError):
        # A port or a router string that does not parse is a ValueError, too; nobody's password is wrong then, but one
        # more try with it would be one too many if it was the password.
        return Refused(_words(error))
    return NotSent(_words(error))


def _trouble(error: Exception) -> Trouble:
    names = kinds(error)
    if "AbapApplicationError" in names or "AbapSystemFailure" in names:
        type_ = str(getattr(error, "msg_type", "") or "").strip()
        ends = "AbapSystemFailure" in names or type_ in ("A", "X")
        message = message_id(getattr(error, "msg_class", ""), getattr(error, "msg_number", ""))
        key = named(str(getattr(error, "key", "") or ""), error, message)
        return Raised(key, _words(error), type_, message, ends, began=not in_traceback(error, DESCRIBING))
    if not isinstance(error, OSError) and in_traceback(error, BUILDING):
        return NotSent(_words(error))
    late = isinstance(error, TimeoutError) or "timed out" in _words(error).lower()
    original = getattr(error, "original_exception", None)
    return Lost(_words(error), late=late or isinstance(original, TimeoutError))


__all__ = ("SaprfclibConversation",)
