# SPDX-License-Identifier: GPL-3.0-or-later
"""What an event's hash covers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

START = "0" * 64
"""The hash before a run's first event."""

COVERED = ("run_id", "n", "at", "at_controller", "epoch", "actor", "kind", "ci", "step", "data")


def link(before: str, event: Mapping[str, Any]) -> str:
    """The hash of ``event`` that follows an event with hash ``before`` (SHA-256, hexadecimal)."""
    content = json.dumps([before, *(event[name] for name in COVERED)], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(content.encode("ascii")).hexdigest()
