# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls through a library that is imported as pyrfc: SAP's own, or one with the same interface.

Errors are told apart by the names of their classes, which all of these libraries share. SAP's PyRFC wraps the NW RFC
SDK; what its keys mean is from that SDK's public header names.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping

from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Address,
    Conversation,
    Lost,
    NotReached,
    NotSent,
    Raised,
    Refused,
    Trouble,
    kinds,
    message_id,
)

# What the library finds wrong with a call before it sends it.
LOCAL_KEYS = (
    "RFC_INVALID_PARAMETER",
    "RFC_NOT_FOUND",
    "RFC_TABLE_MOVE_BOF",
    "RFC_TABLE_MOVE_EOF",
    "RFC_INVALID_HANDLE",
)
# What may be about a parameter that is filled in, or about the answer that is taken apart.
EITHER_KEYS = ("RFC_CONVERSION_FAILURE",)
# The message of a short dump. Published captures of replies by the kernels 752 and 793 have it with the type X and the
# name of the error as the first variable.
RUNTIME_ERROR = "00 341"
_KEY = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_LOCAL_ERRORS = (TypeError, UnicodeEncodeError)
_EITHER_ERRORS = (KeyError, AttributeError)


class PyrfcConversation(Conversation):
    """One connection of pyrfc."""

    def __init__(self, library: Any, address: Address) -> None:
        """:raises Trouble: there is no connection, or no logon."""
        try:
            self._connection = library.Connection(config={"timeout": _seconds(address)}, **parameters_of(address))
        except Exception as error:
            raise _at_logon(error) from error

    def prepare(self, function: str) -> None:
        """Read the function's interface, which the library keeps."""
        describe = getattr(self._connection, "get_function_description", None)
        if describe is None:
            return
        try:
            describe(function)
        except Exception as error:
            raise _trouble(error) from error

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


def parameters_of(address: Address) -> Dict[str, str]:
    """The address by the names of the NW RFC SDK."""
    found: Dict[str, Any] = {"client": address.client, "lang": address.language}
    if address.message_server:
        found.update(mshost=address.message_server, sysid=address.system_id, group=address.group)
        found["msserv"] = address.service
    else:
        found.update(ashost=address.host, sysnr=address.instance)
    found.update(saprouter=address.router, user=address.user, passwd=address.password)
    found.update(address.snc)
    return {name: str(value) for name, value in found.items() if value is not None}


def _seconds(address: Address) -> int:
    """As the library takes a time limit: whole seconds, at least one."""
    return max(1, int(round(min(address.timeout, 2**31 - 1))))


def _words(error: BaseException) -> str:
    """What an error says, on one line."""
    text = getattr(error, "message", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__


def _refused(error: Exception) -> Refused:
    return Refused(_words(error), message_id(getattr(error, "msg_class", ""), getattr(error, "msg_number", "")))


def _at_logon(error: Exception) -> Trouble:
    names = kinds(error)
    if "LogonError" in names:
        return _refused(error)
    if "ABAPRuntimeError" in names or "ABAPApplicationError" in names:
        return NotReached(f"the system refuses the logon for now ({_words(error)})")
    if "RFCError" not in names:
        return NotSent(_words(error))
    if "ExternalRuntimeError" in names and getattr(error, "key", "") in LOCAL_KEYS + EITHER_KEYS:
        return NotSent(_words(error))
    return NotReached(_words(error))


def _trouble(error: Exception) -> Trouble:
    names = kinds(error)
    key = str(getattr(error, "key", "") or "")
    if "LogonError" in names:
        return _refused(error)
    if "CommunicationError" in names:
        return Lost(_words(error), late=_late(key, error))
    if "ABAPApplicationError" in names or "ABAPRuntimeError" in names:
        type_ = str(getattr(error, "msg_type", "") or "").strip()
        ends = "ABAPRuntimeError" in names or type_ in ("A", "X")
        message = message_id(getattr(error, "msg_class", ""), getattr(error, "msg_number", ""))
        return Raised(named(key, error, message), _words(error), type_, message, ends)
    if isinstance(error, _LOCAL_ERRORS) or key in LOCAL_KEYS or "RFCTypeError" in names:
        return NotSent(_words(error))
    if (isinstance(error, _EITHER_ERRORS) or key in EITHER_KEYS) and _while_filling(error):
        return NotSent(_words(error))
    return Lost(_words(error), late=_late(key, error))


def named(key: str, error: Exception, message: str) -> str:
    """The key of an error. That of a short dump may be missing or a text; its message has the name as a variable."""
    key = key.strip()
    if message != RUNTIME_ERROR or _KEY.match(key):
        return key
    return str(getattr(error, "msg_v1", "") or "").strip() or key


def _while_filling(error: BaseException) -> bool:
    """Whether an error arose while the parameters were filled in; SAP's library names those functions fill..."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name.rsplit(".", 1)[-1].startswith("fill"):
            return True
        trace = trace.tb_next
    return False


def _late(key: str, error: Exception) -> bool:
    text = _words(error).lower()
    # A receive that gave up says EAGAIN by its words in erpl-pyrfc.
    return key in ("RFC_CANCELED", "RFC_TIMEOUT") or "timeout" in text or "temporarily unavailable" in text


__all__ = ("RUNTIME_ERROR", "PyrfcConversation", "named", "parameters_of")
