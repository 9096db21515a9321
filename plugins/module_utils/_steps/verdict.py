# SPDX-License-Identifier: GPL-3.0-or-later
"""What a named check found, in the words that every module with checks uses."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional

GOOD = "good"
BAD = "bad"
UNKNOWN = "unknown"
NOT_APPLICABLE = "not_applicable"


class Verdict(NamedTuple):
    """What one check found."""

    verdict: str
    words: str
    evidence: Any = None


def is_worse(now: str, before: Optional[str] = None) -> bool:
    """Whether a check that had the verdict ``before`` has become worse; None when nobody looked before.

    What was bad before is none of our doing. What nobody could tell before may have been well, so only the same again
    is no worse. A check that was good and does not go with the instance any more has lost what it looked at: a
    replicator, a cluster.
    """
    if now == NOT_APPLICABLE:
        return before in (GOOD, UNKNOWN)
    if now == UNKNOWN:
        return before not in (BAD, UNKNOWN)
    return now == BAD and before != BAD


def process_name(row: Mapping[str, Any]) -> str:
    """What tells a process from the others of its instance, from a row of the evidence of the check ``processes``."""
    return f"{row['name']} ({row['description']})"


__all__ = ("BAD", "GOOD", "NOT_APPLICABLE", "UNKNOWN", "Verdict", "is_worse", "process_name")
