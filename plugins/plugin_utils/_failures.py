# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed task has to say for itself."""

from __future__ import annotations

import typing as t

# ansible-core 2.21 shows "failed" to no callback; what failed there has an exception or failed by its own condition.
SIGNS = ("failed", "unreachable", "exception", "failed_when_result")


def words(result: t.Mapping[str, t.Any]) -> str:
    """Return the reason in one text, empty when there is none; of a loop, the reasons of the items that failed.

    Ansible's own text for a failed loop is that items failed, which helps nobody at three in the morning.
    """
    items = [item for item in result.get("results", ()) if isinstance(item, t.Mapping) and any(map(item.get, SIGNS))]
    if items:
        return "; ".join(dict.fromkeys(text for text in map(words, items) if text))
    return str(result.get("msg") or result.get("reason") or "")
