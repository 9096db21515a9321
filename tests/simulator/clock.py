# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated clock with its timers.

Simulated seconds run ``speed`` times as fast as real ones. ``advance`` skips ahead and fires every timer on the way,
in order, each at its own due time. ``jump`` only moves the wall clock that is shown, as an administrator's ``date
-s`` does.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Timer:
    """A callback that will be called at a simulated time unless it is cancelled first."""

    __slots__ = ("due", "call", "cancelled")

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        """Never call it."""
        self.cancelled = True


class Clock:
    """Simulated time in seconds since the start of the simulation.

    Args:
        speed: simulated seconds per real second, above 0.
        wall: Unix time that the landscape's wall clock shows at the start; the real one when absent.
    """

    def __init__(self, speed: float = 1.0, wall: float | None = None) -> None:
        if not math.isfinite(speed) or speed <= 0:
            raise ValueError("speed must be above 0")
        self.speed = speed
        self._wall = time.time() if wall is None else wall
        self._real = time.monotonic()
        self._base = 0.0
        self._frozen: float | None = None
        self._heap: list[tuple[float, int, Timer]] = []
        self._ids = itertools.count()
        self._handle: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Simulated seconds since the start; inside a timer's callback exactly its due time."""
        if self._frozen is not None:
            return self._frozen
        return self._base + (time.monotonic() - self._real) * self.speed

    def wall(self, at: float | None = None) -> float:
        """Unix time that the landscape shows at simulated time ``at`` (now when absent)."""
        return self._wall + (self.now() if at is None else at)

    def text(self, at: float | None = None, form: str = "%Y %m %d %H:%M:%S") -> str:
        """The wall clock as sapstartsrv writes it, ``2026 05 10 05:27:05``, in UTC."""
        return datetime.fromtimestamp(self.wall(at), UTC).strftime(form)

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call ``call`` in ``seconds`` simulated seconds."""
        timer = Timer(self.now() + max(0.0, seconds), call)
        heapq.heappush(self._heap, (timer.due, next(self._ids), timer))
        self._arm()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` simulated seconds."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        timer = self.after(seconds, lambda: None if done.done() else done.set_result(None))
        try:
            await done
        finally:
            timer.cancel()

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on."""
        if not math.isfinite(speed) or speed <= 0:
            raise ValueError("speed must be above 0")
        self._base = self.now()
        self._real = time.monotonic()
        self.speed = speed
        self._arm()

    def advance(self, seconds: float) -> None:
        """Skip ``seconds`` simulated seconds ahead; timers on the way fire in order."""
        if seconds < 0:
            raise ValueError("time advances forwards only; jump moves the wall clock")
        target = self.now() + seconds
        self._fire(target)
        self._base = target
        self._real = time.monotonic()
        self._arm()

    def jump(self, seconds: float) -> None:
        """Move the wall clock by ``seconds``, forwards or backwards; nothing fires."""
        self._wall += seconds

    def _fire(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            due, _count, timer = heapq.heappop(self._heap)
            if timer.cancelled:
                continue
            self._frozen = due
            try:
                timer.call()
            finally:
                self._frozen = None

    def _arm(self) -> None:
        if self._frozen is not None:
            return
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        if not self._heap:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._handle = loop.call_later(max(0.0, (self._heap[0][0] - self.now()) / self.speed), self._wake)

    def _wake(self) -> None:
        self._handle = None
        self._fire(self.now())
        self._arm()
