# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, as one tree of typed errors.

Every error carries a *kind*, because an operator acts on the kind and not on prose:

=============  ==============================================================================
failed         it was tried, or looked at, and the answer is no
denied         somebody or some rule does not allow it; nothing was done
unreachable    the peer could not be talked to; nothing was sent
timed_out      the clock ran out while waiting or while reading an answer to a question
unknown        a change was sent and not answered: it may have happened, so it is never sent again
=============  ==============================================================================
"""

from __future__ import annotations

from typing import Any, Dict, Optional

KINDS = ("failed", "denied", "unreachable", "timed_out", "unknown")


class LandscapeError(Exception):
    """Something that could not be done.

    :param doing: the attempt, as the words after "Could not": ``stop PRD/prdapp1/D01``.
    :param why: the cause in words.
    :param cure: what a person can do about it, when that is known.
    :param reason: a short stable name of the cause for programs (``sapstartsrv_down``).
    :param facts: JSON data that belongs to the case; never a secret.
    """

    kind = "failed"
    reason = "failed"

    def __init__(
        self, doing: str, why: str, *, cure: Optional[str] = None, reason: Optional[str] = None, **facts: Any
    ) -> None:
        self.doing = doing
        self.why = why
        self.cure = cure
        self.reason = reason or type(self).reason
        self.facts: Dict[str, Any] = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """One sentence for a person, with the cure as a second one."""
        text = f"Could not {self.doing}: {self.why}"
        if self.cure:
            text = "{}. {}".format(text.rstrip("."), self.cure)
        return text

    def as_result(self) -> Dict[str, Any]:
        """The error as plain JSON data: kind, reason, doing, why, cure, facts."""
        return {
            "kind": self.kind,
            "reason": self.reason,
            "doing": self.doing,
            "why": self.why,
            "cure": self.cure,
            "facts": self.facts,
        }

    def __str__(self) -> str:
        return self.message


class Failed(LandscapeError):
    """It was tried, or looked at, and the answer is no."""


class BadInput(LandscapeError):
    """An option or a file says something that cannot be right; nothing was done."""

    reason = "bad_input"


class Denied(LandscapeError):
    """A person's rights or a rule of safety forbid it; nothing was done."""

    kind = "denied"
    reason = "denied"


class Unreachable(LandscapeError):
    """The peer could not be talked to; nothing was sent."""

    kind = "unreachable"
    reason = "unreachable"


class TimedOut(LandscapeError):
    """The clock ran out, either while waiting for a state or for the answer to a question."""

    kind = "timed_out"
    reason = "timed_out"


class Unknown(LandscapeError):
    """A change was sent and not answered: it may have happened."""

    kind = "unknown"
    reason = "not_answered"


__all__ = ("KINDS", "BadInput", "Denied", "Failed", "LandscapeError", "TimedOut", "Unknown", "Unreachable")
