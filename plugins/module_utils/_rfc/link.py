# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call reaches an ABAP system: which library carries it, what its end means.

A question may fail in any way. A change is sent once: when no answer to it comes, it is *unknown*. A logon that was
refused is not tried a second time, because each wrong one counts towards the lock of the user. There is one
conversation at a time; after it was lost the next call begins another. A function that a runtime error broke off in its
middle is *unknown*, too: nobody rolls back what it had committed before, or what it had handed to another process.
"""

from __future__ import annotations

import re
import time
import traceback
from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)
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
    Trouble,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.pyrfc import RUNTIME_ERROR, PyrfcConversation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.saprfclib import SaprfclibConversation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.soap import SoapConversation

MISSING: Dict[str, str] = {}
# A library that is there and does not load, because of its SDK say, may raise anything.
try:
    import pyrfc
except Exception:
    pyrfc = None
    MISSING["pyrfc"] = traceback.format_exc()
try:
    import saprfclib
except Exception:
    saprfclib = None
    MISSING["saprfclib"] = traceback.format_exc()

WAYS = (
    "Install one where the module runs: saprfclib (pip install saprfclib, Python 3.12 or newer, licence MPL-2.0); "
    "SAP's pyrfc (Apache-2.0, archived by SAP) with SAP's NW RFC SDK (a download for SAP customers, SAP's licence); "
    "erpl-pyrfc (pip install erpl-pyrfc, BUSL-1.1: ask its maker about production use). "
    "Or set rfc_provider: soap, which needs no library but the SOAP service of the system"
)
# Exceptions and messages by which a system says that an authorization is missing (NOT_AUTHORIZED is RFC_READ_TABLE's,
# AUTH_MISSSING is what TH_USER_LIST calls it).
NO_AUTHORITY = (
    "NOT_AUTHORIZED",
    "NO_AUTHORITY",
    "NO_AUTHORIZATION",
    "RFC_NO_AUTHORITY",
    "RFC_AUTHORIZATION_FAILURE",
    "AUTH_MISSSING",
)
# The marks of an SAProuter string, and those of them after which a password stands.
ROUTE = ("H", "S", "W", "P")
ROUTE_PASSWORD = ("W", "P")
# What says that the function did not begin: keys, then messages.
NEVER_BEGAN = ("FU_NOT_FOUND", "FUNCTION_NOT_FOUND", "CALL_FUNCTION_NOT_REMOTE", "CALL_FUNCTION_SIGNON_INCOMPL")
NOT_CALLED = ("FL 046", "SR 053")
# A logon is checked by a work process, so where there is none nobody has looked at the password. The words come in the
# language of the logon and are known in English alone.
_FULL = re.compile(r"\bno (?:more |free )*(?:dialog )?work process", re.IGNORECASE)
# What says that it was user, password or client: the message "Name or password is incorrect" (from memory of what pyrfc
# prints), HTTP 401, the English words. Any other refusal is one whose cause is not known.
WRONG_PASSWORD = ("00 152",)
_WRONG = re.compile(r"\b(?:password|locked|client|validity|expired)\b|\AHTTP 401\Z", re.IGNORECASE)
IDLE = 20.0  # seconds after which a conversation is tried out before a change is sent over it


class CallFailed(Failed):
    """The system says no; ``key`` is the exception's name or empty, ``text`` the system's words."""

    reason = "call_failed"

    def __init__(self, doing: str, why: str, key: str = "", text: str = "", **facts: Any) -> None:
        self.key = key
        self.text = text or why
        super().__init__(doing, why, key=key, **facts)


class Link:
    """The way to one ABAP system, as one user in one client."""

    def __init__(self, address: Address, opener: Optional[Callable[[Address], Conversation]] = None) -> None:
        self.address = address
        self._opener = opener or open_conversation
        self._conversation: Optional[Conversation] = None
        self._refusal: Optional[LandscapeError] = None
        self._let_in = False
        self._used = 0.0
        self._secrets = secrets_of(address)
        # Grows with each conversation: what belongs to one (an XMI session) is gone when it did.
        self.generation = 0

    @property
    def stateful(self) -> bool:
        """Whether two calls share one context."""
        return self.address.provider != "soap"

    def ask(self, doing: str, function: str, parameters: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
        """The answer to a question.

        :raises LandscapeError: see the module.
        """
        conversation = self.open(doing)
        try:
            answer = conversation.call(function, parameters or {})
        except Trouble as trouble:
            raise self._no(trouble, doing, function, change=False) from trouble
        self._let_in = True
        self._used = time.monotonic()
        return answer

    def tell(self, doing: str, function: str, parameters: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
        """Send one change, once.

        :raises Unknown: it was sent, and no answer came, or a runtime error broke it off.
        :raises LandscapeError: it did not happen.
        """
        conversation = self.ready(doing)
        try:
            conversation.prepare(function)
        except Trouble as trouble:
            raise self._no(trouble, doing, function, change=False) from trouble
        try:
            answer = conversation.call(function, parameters or {})
        except Trouble as trouble:
            raise self._no(trouble, doing, function, change=True) from trouble
        self._let_in = True
        self._used = time.monotonic()
        return answer

    def open(self, doing: str) -> Conversation:
        """The conversation, begun when there is none.

        :raises Denied: the logon is refused, now or before.
        """
        if self._conversation is not None:
            return self._conversation
        if self._refusal is not None:
            raise self._refusal
        try:
            self._conversation = self._opener(self.address)
        except Trouble as trouble:
            raise self._no(trouble, doing, "", change=False) from trouble
        self.generation += 1
        self._let_in = self._let_in or self._conversation.stateful  # over SOAP nothing was asked yet
        self._used = time.monotonic()
        return self._conversation

    def ready(self, doing: str) -> Conversation:
        """The conversation, seen to be alive when it was idle for a while."""
        conversation = self.open(doing)
        if time.monotonic() - self._used < IDLE:
            return conversation
        try:
            conversation.call("RFC_PING", {})
        except Raised as raised:
            if raised.ends:
                self.close()
        except Refused as refused:
            raise self._no(refused, doing, "RFC_PING", change=False) from refused
        except Trouble:
            self.close()
        return self.open(doing)

    def close(self) -> None:
        """End the conversation; the next call begins another."""
        if self._conversation is not None:
            self._conversation.close()
            self._conversation = None

    def _no(self, trouble: Trouble, doing: str, function: str, change: bool) -> LandscapeError:
        where = self.address.label
        text = self._clean(str(trouble))
        if isinstance(trouble, NotSent):
            return BadInput(doing, f"{function or 'the connection'} does not take this: {text}", reason="not_sent")
        if isinstance(trouble, Raised):
            self._let_in = True
            if trouble.ends:
                self.close()
            if change and broke_off(trouble):
                named = f"{trouble.key}: {text}" if trouble.key and trouble.key not in text else text
                why = f"{function} was broken off by a runtime error in {where} ({named}); what it did before may stay"
                return Unknown(
                    doing,
                    why,
                    cure="ST22 shows the short dump",
                    cause="aborted",
                    key=trouble.key,
                    message=trouble.message,
                )
            return raised(doing, function, trouble, text)
        self.close()
        if isinstance(trouble, (Refused, NotReached)) and _FULL.search(text):
            return Unreachable(
                doing,
                f"{where} has no work process for the logon ({text})",
                reason="no_work_process",
                cure="Try again when the system has less to do, or with another application server",
            )
        if isinstance(trouble, Refused):
            # Kept, whenever it comes and whatever its cause: over SOAP each call is a logon.
            wrong = trouble.message in WRONG_PASSWORD or _WRONG.search(text) is not None
            self._refusal = self._refused(doing, text, wrong)
            return self._refusal
        if isinstance(trouble, Forbidden):
            return Denied(
                doing,
                f"{where} does not let the user through ({text})",
                reason="service_forbidden",
                cure="The user needs S_ICF for the service when it has an authorization of its own; ask who runs a "
                "proxy on the way",
            )
        if isinstance(trouble, NotReached):
            return Unreachable(doing, f"{where} does not answer ({text})", reason="not_reached")
        if isinstance(trouble, Busy):
            return self._busy(doing, function, text, change)
        late = isinstance(trouble, Lost) and trouble.late
        if change:
            why = f"{function} was sent to {where} and not answered ({text})"
            return Unknown(doing, why, cause="no_answer_in_time" if late else "connection_lost")
        if late:
            return TimedOut(doing, f"no answer from {where} in {self.address.timeout:g} s ({text})")
        return Unreachable(doing, f"the connection to {where} was lost ({text})", reason="lost")

    def _busy(self, doing: str, function: str, text: str, change: bool) -> LandscapeError:
        where = self.address.label
        if change:
            why = f"{function} was sent to {where}, which answers that it takes no call for now ({text})"
            return Unknown(
                doing,
                why,
                cure="Usually that is said before a function begins, when no work process is free. Nobody could verify "
                "it, so look whether it happened before you try again",
                cause="no_work_process",
            )
        return Unreachable(
            doing,
            f"{where} takes no call for now ({text}): no work process is free, or the system behind it is not up",
            reason="no_work_process",
            cure="Try again when the system has less to do, or with another application server",
        )

    def _refused(self, doing: str, text: str, wrong: bool) -> Denied:
        where = self.address.label
        if self._let_in:
            return Denied(
                doing,
                f"{where} no longer lets the user in, and did a moment ago: {text}",
                reason="no_longer_let_in",
                cure="See whether the system is starting, stopping or overloaded, or the user was locked or changed "
                "meanwhile. What was started there goes on. The logon was not tried again, because a refused one may "
                "count towards the lock of the user",
            )
        if not wrong:
            return Denied(
                doing,
                f"{where} does not let the user in, and these words are not known: {text}",
                reason="logon_failed",
                cure="If they say that no work process is free, try again when the system has less to do; else correct "
                "user, password or client first. The logon was not tried again, because a refused one may count "
                "towards the lock of the user. With rfc_language: EN more words are known",
            )
        return Denied(
            doing,
            f"{where} does not let the user in: {text}",
            reason="logon_refused",
            cure="Correct user, password or client, or unlock the user, before the next try: each wrong one "
            "counts towards the lock of the user",
        )

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return text


def secrets_of(address: Address) -> List[str]:
    """What no text may show: the password of the user, those of routers in the route. The longest comes first.

    A route is ``/H/host/S/service/W/password`` for each router; ``/P/`` is another mark of a password. A route of any
    other form may have one after each of these marks.
    """
    parts = (address.router or "").split("/")
    pairs = list(zip(parts[1::2], parts[2::2]))
    if parts[0] or not all(mark.upper() in ROUTE for mark, _value in pairs):
        pairs = list(zip(parts, parts[1:]))
    found = {value for mark, value in pairs if mark.upper() in ROUTE_PASSWORD}
    return sorted(filter(None, found | {address.password or ""}), key=len, reverse=True)


def broke_off(trouble: Raised) -> bool:
    """Whether a runtime error ended a function that had begun; a message of type A, E or a classic exception does not.

    Libraries show a runtime error by a message of type X, by that of short dumps, or without any message.
    """
    if not trouble.began or trouble.key.upper() in NO_AUTHORITY + NEVER_BEGAN or trouble.message in NOT_CALLED:
        return False
    if trouble.type in ("", "X") and trouble.message == RUNTIME_ERROR:
        return True
    return trouble.type == "X" or (trouble.ends and not trouble.type and not trouble.message)


def raised(doing: str, function: str, trouble: Raised, text: str) -> LandscapeError:
    """The error for the system's own no."""
    if trouble.key.upper() in NO_AUTHORITY:
        return Denied(
            doing,
            f"{function} is not allowed for this user: {text}",
            reason="authorization",
            cure="docs/abap.md lists what each module needs; SU53 or STAUTHTRACE shows what is missing",
            key=trouble.key,
            message=trouble.message,
        )
    named = " ".join(part for part in (trouble.key, trouble.message and f"({trouble.message})") if part)
    why = f"{function} says {named}: {text}" if named and named not in text else f"{function} says {text}"
    return CallFailed(doing, why, trouble.key, text, function=function, message=trouble.message, type=trouble.type)


def open_conversation(address: Address) -> Conversation:
    """A conversation through the library that the address names.

    :raises Failed: the library is not there (reason ``no_library``).
    :raises Trouble: there is no conversation.
    """
    if address.provider == "soap":
        return SoapConversation(address)
    if address.provider in ("pyrfc", "auto") and pyrfc is not None:
        return PyrfcConversation(pyrfc, address)
    if address.provider in ("saprfclib", "auto") and saprfclib is not None:
        return SaprfclibConversation(saprfclib, address)
    wanted = "neither pyrfc nor saprfclib is" if address.provider == "auto" else f"{address.provider} is not"
    raise Failed(
        f"connect to {address.label}",
        f"{wanted} usable by this Python",
        reason="no_library",
        cure=WAYS,
        traceback={name: text for name, text in MISSING.items() if address.provider in ("auto", name)},
    )


__all__ = ("CallFailed", "Link", "broke_off", "open_conversation", "raised", "secrets_of")
