# SPDX-License-Identifier: GPL-3.0-or-later
"""How to wait: a predicate against a clock.

Nothing else in the collection sleeps. The clock is handed in, so that tests run on a clock of their own.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Generic, Optional, Tuple, Type, TypeVar

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, LandscapeError, TimedOut

T = TypeVar("T")


class Clock:
    """The time that goes by on this machine, in seconds; not affected by changes of the wall clock."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        if seconds > 0:
            time.sleep(seconds)


class Limits:
    """How long to wait.

    :param timeout: hard limit in seconds; at its end the wait fails.
    :param delay: seconds between two looks.
    :param grace: seconds that a state which looks lost (``hopeless``) may last before the wait gives up early.
    :param patience: seconds of failing looks that are waited out once a wait has begun.
    :raises BadInput: for a limit that is not a positive number (zero is allowed for grace and patience).
    """

    def __init__(self, timeout: float, delay: float = 5.0, grace: float = 60.0, patience: float = 60.0) -> None:
        for name, value, least in (("timeout", timeout, 0.0), ("delay", delay, 0.0)):
            if not value > least:
                raise BadInput("wait", f"{name} must be greater than 0 seconds, not {value}")
        for name, value in (("grace", grace), ("patience", patience)):
            if value < 0:
                raise BadInput("wait", f"{name} must not be negative, not {value}")
        self.timeout = float(timeout)
        self.delay = float(delay)
        self.grace = float(grace)
        self.patience = float(patience)


class Waited(Generic[T]):
    """The end of a wait: the last ``value`` seen, after ``seconds`` and ``looks``."""

    def __init__(self, value: T, seconds: float, looks: int) -> None:
        self.value = value
        self.seconds = seconds
        self.looks = looks


class NeverCame(TimedOut):
    """The state that was waited for did not come; ``last`` is what was seen last (None when nothing was)."""

    def __init__(self, doing: str, why: str, last: Any = None, **facts: Any) -> None:
        self.last = last
        super().__init__(doing, why, **facts)


class Hopeless(Failed):
    """The wait was given up early because ``last`` cannot become what was waited for."""

    reason = "hopeless"

    def __init__(self, doing: str, why: str, last: Any = None, **facts: Any) -> None:
        self.last = last
        super().__init__(doing, why, **facts)


def wait_until(
    doing: str,
    look: Callable[[], T],
    done: Callable[[T], bool],
    limits: Limits,
    *,
    clock: Optional[Clock] = None,
    hopeless: Optional[Callable[[T], bool]] = None,
    bear: Tuple[Type[LandscapeError], ...] = (),
    describe: Callable[[T], str] = str,
) -> Waited[T]:
    """Look every ``limits.delay`` seconds until ``done(look())``.

    At least one look is made, and one more at the very end of the clock, so a slow last look still counts.

    :param doing: the words after "Could not".
    :param hopeless: a state that may not last longer than ``limits.grace`` seconds without a break.
    :param bear: errors of a look that are waited out for ``limits.patience`` seconds without a break.
    :param describe: puts a value into words for the error.
    :raises NeverCame: the hard limit passed.
    :raises Hopeless: ``hopeless`` held for the whole grace.
    :raises LandscapeError: what ``look`` raised, when it is not borne or went on for too long.
    """
    clock = clock or Clock()
    began = clock.now()
    end = began + limits.timeout
    lost_since: Optional[float] = None
    blind_since: Optional[float] = None
    last: Optional[T] = None
    seen = False
    looks = 0
    while True:
        now = clock.now()
        try:
            value = look()
        except bear as error:
            now = clock.now()
            blind_since = now if blind_since is None else blind_since
            if now - blind_since >= limits.patience or now >= end:
                error.facts.setdefault("waited_seconds", round(now - began, 3))
                raise
        else:
            looks += 1
            seen, last, blind_since = True, value, None
            if done(value):
                return Waited(value, clock.now() - began, looks)
            if hopeless is not None and hopeless(value):
                lost_since = now if lost_since is None else lost_since
                if clock.now() - lost_since >= limits.grace:
                    raise Hopeless(
                        doing,
                        f"{describe(value)}, unchanged for {round(clock.now() - lost_since, 1):g} s",
                        last=value,
                        waited_seconds=round(clock.now() - began, 3),
                    )
            else:
                lost_since = None
        now = clock.now()
        if now >= end:
            raise NeverCame(
                doing,
                "after {:g} s: {}".format(limits.timeout, describe(last) if seen else "nothing was seen"),  # type: ignore[arg-type]
                last=last,
                waited_seconds=round(now - began, 3),
            )
        clock.sleep(min(limits.delay, end - now))


__all__ = ("Clock", "Hopeless", "Limits", "NeverCame", "Waited", "wait_until")
