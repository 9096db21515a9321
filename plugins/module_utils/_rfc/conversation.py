# SPDX-License-Identifier: GPL-3.0-or-later
"""What every way to call a function module offers: one conversation, a few plain exceptions.

The exceptions say what happened and nothing about what it means: only `link` knows whether a question or a change was
on its way.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple


class Address(NamedTuple):
    """Where an ABAP system is, with the proof of who asks.

    :ivar provider: ``pyrfc``, ``saprfclib``, ``soap``, or ``auto`` for the first of the two libraries that is there.
    :ivar host: an application server, with ``instance`` (two digits); or else
    :ivar message_server: a message server, with ``system_id`` and ``group``; ``service`` is its port or service name.
    :ivar router: an SAProuter string, passed through.
    :ivar snc: SNC parameters by the names that the libraries take (``snc_partnername``), passed through.
    :ivar timeout: seconds for the answer to one call.
    :ivar url: the SOAP service, https only; ``soap_action`` is the header that goes with each call, without quotes.
    """

    provider: str
    client: str
    host: Optional[str] = None
    instance: str = "00"
    message_server: Optional[str] = None
    service: Optional[str] = None
    system_id: Optional[str] = None
    group: Optional[str] = None
    router: Optional[str] = None
    snc: Mapping[str, str] = {}
    user: Optional[str] = None
    password: Optional[str] = None
    language: str = "EN"
    timeout: float = 60.0
    url: Optional[str] = None
    ca_file: Optional[str] = None
    verify: bool = True
    soap_action: str = ""

    @property
    def label(self) -> str:
        """The address for a person, without user or password."""
        if self.provider == "soap":
            return f"{self.url}, client {self.client}"
        if self.message_server:
            return f"{self.system_id} by {self.message_server}, client {self.client}"
        return f"{self.host}, instance {self.instance}, client {self.client}"


class Trouble(Exception):
    """Base of what a conversation raises; the text is for people."""


class NotReached(Trouble):
    """There is no conversation; nothing was sent."""


class Refused(Trouble):
    """The system does not let this user in; nothing was called.

    :ivar message: class and number of the system's message, empty when the library does not tell.
    """

    def __init__(self, text: str, message: str = "") -> None:
        self.message = message
        super().__init__(text)


class Forbidden(Trouble):
    """Who asks is not let through to the service (HTTP 403), which says nothing about the password."""


class NotSent(Trouble):
    """The call was not sent, because its function or a parameter is not as the system knows it."""


class Lost(Trouble):
    """The call was sent, perhaps in part, and no whole answer came; ``late`` when the clock ran out."""

    def __init__(self, text: str, late: bool = False) -> None:
        self.late = late
        super().__init__(text)


class Busy(Lost):
    """The service answered that it takes no call for now (HTTP 503); whether it had begun this one is not told."""


class Raised(Trouble):
    """The system's own no: a classic exception (``key``) or a message that ended the function.

    :ivar type: the message's type (E, A, X), empty when there is none.
    :ivar message: class and number, such as ``XM 028``; empty when there is none.
    :ivar ends: whether the conversation is over.
    :ivar began: whether the function was called; the system may say no while the library asks what it looks like.
    """

    def __init__(
        self, key: str, text: str, type_: str = "", message: str = "", ends: bool = False, began: bool = True
    ) -> None:
        self.key = key
        self.type = type_
        self.message = message
        self.ends = ends
        self.began = began
        super().__init__(text)


class Conversation:
    """One logon, whose context (XMI session, work that is not committed) lasts until it is closed."""

    # Whether two calls share the context.
    stateful = True

    def prepare(self, function: str) -> None:
        """Learn what the function looks like, so that a later call sends one thing only.

        :raises Trouble: anything; the function was not called.
        """

    def call(self, function: str, parameters: Mapping[str, Any]) -> Dict[str, Any]:
        """Call a function; the answer has its export parameters with its tables.

        :raises Trouble: see the classes.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End it; what was not committed is taken back."""


def message_id(class_: Optional[str], number: Any) -> str:
    """Class and number of a message as SAP writes them together, empty when there is none."""
    class_ = (class_ or "").strip()
    digits = str(number or "").strip()
    return f"{class_} {digits.zfill(3)}".strip() if class_ else ""


def in_traceback(error: BaseException, names: Sequence[str]) -> bool:
    """Whether an error came out of a function of one of these names."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name in names:
            return True
        trace = trace.tb_next
    return False


Kinds = Tuple[str, ...]


def kinds(error: BaseException) -> Kinds:
    """The names of an error's class with those it comes from: the libraries that are called pyrfc share names only."""
    return tuple(cls.__name__ for cls in type(error).__mro__)


__all__ = (
    "Address",
    "Busy",
    "Conversation",
    "Forbidden",
    "Lost",
    "NotReached",
    "NotSent",
    "Raised",
    "Refused",
    "Trouble",
    "in_traceback",
    "kinds",
    "message_id",
)
