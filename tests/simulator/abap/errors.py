# SPDX-License-Identifier: GPL-3.0-or-later
"""What a function module ends with when it does not return: each door says it in the words of its protocol."""

from __future__ import annotations

Message = tuple[str, ...]


class AbapError(Exception):
    """A call that did not return."""


class AbapException(AbapError):
    """A classic exception of a function module (``RAISE key``, or ``MESSAGE ... RAISING key``).

    Args:
        key: its name.
        text: the text of the message, when there is one.
        message: the message's class, type, number, then up to four variables.
    """

    def __init__(self, key: str, text: str = "", message: Message = ()) -> None:
        super().__init__(f"{key} {text}".strip())
        self.key, self.text, self.message = key, text, tuple(message)


class AbapMessage(AbapError):
    """A message that ends the call; of type A or X it ends the conversation, too."""

    def __init__(self, kind: str, message_class: str, number: str, text: str, *variables: str) -> None:
        super().__init__(text)
        self.text = text
        self.message: Message = (message_class, kind, number, *variables)

    @property
    def fatal(self) -> bool:
        """Whether the conversation is over."""
        return self.message[1] in ("A", "X")


class NotFound(AbapError):
    """There is no such function module, or it may not be called from outside."""

    def __init__(self, name: str) -> None:
        super().__init__(f'Function module "{name}" not found.')
        self.name = name


class LogonRefused(AbapError):
    """Nobody is logged on; the text is all that the client learns."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotAdmitted(LogonRefused):
    """Nobody could be logged on, whoever they are: the server has no work process or no database for them."""
