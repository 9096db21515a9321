# SPDX-License-Identifier: GPL-3.0-or-later
"""What a named check found, in the words that every module with checks uses."""

from __future__ import annotations

from typing import Any, NamedTuple

GOOD = "good"
BAD = "bad"
UNKNOWN = "unknown"
NOT_APPLICABLE = "not_applicable"


class Verdict(NamedTuple):
    """What one check found."""

    verdict: str
    words: str
    evidence: Any = None


__all__ = ("BAD", "GOOD", "NOT_APPLICABLE", "UNKNOWN", "Verdict")
