# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that an ABAP system understands, whatever carries them."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._argspec import system_id
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc import model, options, tables
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import CallFailed, Link


class Client:
    """Talks to one ABAP system as one user in one client."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._layouts: tables.Layouts = {}

    def close(self) -> None:
        """End the conversation; what was not committed is taken back."""
        self.link.close()

    def ask(
        self, doing: str, function: str, parameters: Optional[Mapping[str, Any]] = None, check: bool = True
    ) -> Dict[str, Any]:
        """The answer to a question.

        :param check: whether a message of type E, A or X among the answer is a failure.
        :raises CallFailed: the system says no.
        """
        answer = self.link.ask(doing, function, parameters)
        return checked(doing, function, answer) if check else answer

    def tell(
        self, doing: str, function: str, parameters: Optional[Mapping[str, Any]] = None, check: bool = True
    ) -> Dict[str, Any]:
        """Send one change, once.

        :raises Unknown: it was sent, no answer came.
        :raises CallFailed: the system says no.
        """
        answer = self.link.tell(doing, function, parameters)
        return checked(doing, function, answer) if check else answer

    def commit(self, doing: str) -> None:
        """Make lasting what this conversation did.

        :raises Unknown: no answer came.
        """
        self.tell(doing, "BAPI_TRANSACTION_COMMIT", {"WAIT": "X"})

    def rows(
        self,
        table: str,
        fields: Sequence[str],
        where: str = "",
        *,
        key: Sequence[str] = (),
        page: int = tables.PAGE,
        most: int = 0,
    ) -> Iterator[tables.Row]:
        """The rows of a table as they come (see `tables.stream`)."""
        return tables.stream(self.ask, table, fields, where, key=key, page=page, most=most, layouts=self._layouts)

    def identity(self) -> model.Identity:
        """Who answers (RFC_SYSTEM_INFO)."""
        doing = f"read who {self.link.address.label} is"
        found = model.Identity.read(self.ask(doing, "RFC_SYSTEM_INFO"))
        if not found.sid:
            raise Failed(doing, "RFC_SYSTEM_INFO tells no system ID", reason="malformed")
        return found

    def confirm(self, doing: str, sid: Optional[str] = None) -> model.Identity:
        """See who answers, and that it is the system that is meant.

        :param sid: the system that it has to be; None for whichever answers.
        :raises Denied: it is another one (reason ``wrong_system``).
        """
        wanted = None if sid is None else system_id(sid, "confirm_sid")
        found = self.identity()
        if wanted is not None and found.sid != wanted:
            raise Denied(
                doing,
                f"the system that answered says it is {found.sid}, and confirm_sid is {wanted}",
                reason="wrong_system",
                cure="Correct the address or confirm_sid; nothing was done",
                answered=found.sid,
            )
        return found

    def need_session(self, doing: str) -> None:
        """Refuse a way that has no session for what needs one.

        :raises BadInput: calls go over SOAP, each of them a session of its own.
        """
        if not self.link.stateful:
            raise BadInput(
                doing,
                "it needs a session that lasts (logon to XBP), and over the SOAP service each call is one of its own",
                cure="Use rfc_provider pyrfc or saprfclib",
                reason="needs_session",
            )


def checked(doing: str, function: str, answer: Dict[str, Any]) -> Dict[str, Any]:
    """An answer without a message that says no.

    :raises CallFailed: there is one; its text is the system's.
    """
    said = model.messages(answer)
    failed = [message for message in said if message.failed]
    if failed:
        raise CallFailed(
            doing,
            "{} says {}".format(function, "; ".join(message.words() for message in failed)),
            text="; ".join(message.text for message in failed),
            function=function,
            message=failed[0].id,
            type=failed[0].type,
            messages=told(said),
        )
    return answer


def told(said: Sequence[model.Message]) -> List[Dict[str, str]]:
    """Messages as plain data."""
    return [{"type": message.type, "id": message.id, "text": message.text} for message in said]


def connect(params: Mapping[str, Any]) -> Client:
    """A client by a module's options; nothing is opened before the first call.

    :raises BadInput: options that leave open what is meant.
    """
    return Client(Link(options.address_of(params)))


__all__ = ("CallFailed", "Client", "checked", "connect", "told")
