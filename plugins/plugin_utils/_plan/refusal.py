# SPDX-License-Identifier: GPL-3.0-or-later
"""How a refused plan lists what stands in its way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict


class Condition(TypedDict):
    """One unmet condition: the object it is about, what is unmet, what would make it allowed."""

    object: str
    unmet: str
    remedy: str


class PlanRefused(Exception):
    """A plan cannot be made; ``conditions`` holds every unmet condition, never only the first."""

    def __init__(self, conditions: Iterable[Condition]) -> None:
        self.conditions: list[Condition] = list(conditions)
        super().__init__(str(self))

    def __str__(self) -> str:
        count = len(self.conditions)
        lines = [f"The plan is refused: {count} unmet condition{'' if count == 1 else 's'}."]
        lines += [f"- {c['object']}: {c['unmet']} To allow it: {c['remedy']}" for c in self.conditions]
        return "\n".join(lines)


class Conditions:
    """Collects unmet conditions, each once, in the order in which they were found."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Condition] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, subject: str, unmet: str, remedy: str) -> None:
        """Note that ``subject`` does not meet a condition; ``remedy`` says what would allow it."""
        self._found.setdefault((subject, unmet), {"object": subject, "unmet": unmet, "remedy": remedy})

    def refuse_if_any(self) -> None:
        """Raise `PlanRefused` with everything collected so far, if there is anything."""
        if self._found:
            raise PlanRefused(self._found.values())
