# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: every call that came in through a door, every change that the landscape went through.

An entry is a flat JSON object: ``n`` (count from 1), ``t`` (monotonic real seconds), ``sim`` (simulated seconds since
the start), ``door``, and as far as they apply ``host``, ``system``, ``instance``, ``call``, ``effect``, ``caller``,
``fault``, ``detail``. Entries with ``call`` are what was asked; entries with ``effect`` are what happened.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from .clock import Clock


class Journal:
    """An append-only list of entries, in memory as well as in a file of JSON lines when one is given."""

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        self._clock = clock
        self.entries: list[dict[str, Any]] = []
        self._file: IO[str] | None = path.open("a", buffering=1, encoding="utf-8") if path else None
        self._news: asyncio.Event | None = None
        self.listeners: list[Callable[[dict[str, Any]], None]] = []

    def note(self, **fields: Any) -> dict[str, Any]:
        """Append one entry; fields that are ``None`` are left out."""
        entry: dict[str, Any] = {
            "n": len(self.entries) + 1,
            "t": round(time.monotonic(), 6),
            "sim": round(self._clock.now(), 3),
        }
        entry.update((key, value) for key, value in fields.items() if value is not None)
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry, separators=(",", ":")) + "\n")
        if self._news is not None:
            self._news.set()
            self._news = None
        for listener in list(self.listeners):
            listener(entry)
        return entry

    async def news(self) -> None:
        """Wait for the next entry."""
        if self._news is None:
            self._news = asyncio.Event()
        await self._news.wait()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
