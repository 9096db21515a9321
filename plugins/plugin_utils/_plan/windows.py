# SPDX-License-Identifier: GPL-3.0-or-later
"""In which window an admission group may be worked on."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import calendars
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.calendars import FOREVER, Interval
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions

#: How an edge is written that no calendar sets.
NO_OPENING = "1970-01-01T00:00:00+00:00"
NO_CLOSING = "9999-12-31T00:00:00+00:00"


class Window(NamedTuple):
    """When a group may be worked on (seconds since the epoch), by which calendars."""

    opens: float
    closes: float
    source: str

    def as_data(self) -> dict[str, str]:
        """Return the window as it stands in the plan: ISO times in UTC."""
        return {
            "opens": iso(self.opens) if self.opens > float("-inf") else NO_OPENING,
            "closes": iso(self.closes) if self.closes < float("inf") else NO_CLOSING,
            "source": self.source,
        }


def iso(seconds: float) -> str:
    """Return seconds since the epoch as ISO time in UTC, to the second."""
    return dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC).isoformat()


class Windows:
    """Resolves calendars once and answers for groups of systems."""

    def __init__(
        self,
        landscape: Mapping[str, Any],
        now: dt.datetime,
        *,
        directory: str | None = None,
        windows_hold: bool = True,
        blackouts_hold: bool = True,
    ) -> None:
        self._landscape = landscape
        self._calendars = landscape["calendars"]
        self._systems = landscape["systems"]
        self._now = now
        self._directory = directory
        self._holds = {"window": windows_hold, "blackout": blackouts_hold}
        self._resolved: dict[str, list[Interval] | None] = {}
        self._cache: dict[tuple[tuple[str, ...], ...], tuple[list[Interval], str]] = {}

    def as_of(self, now: dt.datetime) -> Windows:
        """Return the same calendars as they answer at another time."""
        other = Windows(
            self._landscape,
            now,
            directory=self._directory,
            windows_hold=self._holds["window"],
            blackouts_hold=self._holds["blackout"],
        )
        other.check(list(self._systems), Conditions())  # those of this run are readable: it was checked
        return other

    def check(self, systems: Sequence[str], conditions: Conditions) -> None:
        """Collect calendars of these systems that are unknown, of the wrong kind or unreadable."""
        for system in systems:
            for kind, key in (("window", "windows"), ("blackout", "blackouts")):
                for name in self._systems[system][key]:
                    calendar = self._calendars.get(name)
                    if calendar is None:
                        conditions.add(
                            system,
                            f"its {kind} calendar {name} is not in the landscape.",
                            "add the calendar to the CMDB, or remove it from the system.",
                        )
                    elif calendar.get("kind", "window") != kind:
                        conditions.add(
                            system,
                            f"{name} is listed under {key}, but it is a {calendar.get('kind')} calendar.",
                            f"list it under {'blackouts' if kind == 'window' else 'windows'}, or correct its kind.",
                        )
                    elif name not in self._resolved:
                        try:
                            self._resolved[name] = calendars.intervals_of(name, calendar, self._now, self._directory)
                        except calendars.CalendarError as error:
                            self._resolved[name] = None
                            conditions.add(f"calendar {name}", str(error), "correct the calendar.")

    def zone_of(self, systems: Sequence[str]) -> str:
        """Return the time zone that most calendars of these systems are written in; UTC without any."""
        names = [name for system in systems for key in ("windows", "blackouts") for name in self._systems[system][key]]
        zones = Counter(str(self._calendars[name].get("timezone") or "UTC") for name in names)
        return min(zones, key=lambda zone: (-zones[zone], zone)) if zones else "UTC"

    def blackouts_of(self, systems: Sequence[str]) -> list[tuple[float, float, str]]:
        """Return the blackouts of these systems with their calendars' names."""
        names = sorted({name for system in systems for name in self._systems[system]["blackouts"]})
        return [(*interval, name) for name in names for interval in self._resolved.get(name) or []]

    def windows_of(self, systems: Sequence[str]) -> list[tuple[float, float, str]]:
        """Return the windows of these systems with their calendars' names."""
        names = sorted({name for system in systems for name in self._systems[system]["windows"]})
        return [(*interval, name) for name in names for interval in self._resolved.get(name) or []]

    def allowed(self, systems: Sequence[str]) -> tuple[list[Interval], str]:
        """Return when all these systems may be worked on, with the names of the calendars that say so.

        A system's windows add up, systems together need a time that suits all of them, and a blackout of any of them
        forbids. A system without a window may be worked on at any time that is no blackout.
        """
        keys = sorted(
            {
                (
                    tuple(sorted(self._systems[system]["windows"])) if self._holds["window"] else (),
                    tuple(sorted(self._systems[system]["blackouts"])) if self._holds["blackout"] else (),
                )
                for system in systems
            }
        )
        cache_key = tuple(part for key in keys for part in key)
        if cache_key in self._cache:
            return self._cache[cache_key]
        allowed: list[Interval] = [FOREVER]
        sources: list[str] = []
        for windows, _blackouts in keys:
            if windows:
                union = calendars.merge(interval for name in windows for interval in self._resolved.get(name) or [])
                allowed = calendars.intersect(allowed, union)
                sources += windows
        for _windows, blackouts in keys:
            if blackouts:
                union = calendars.merge(interval for name in blackouts for interval in self._resolved.get(name) or [])
                allowed = calendars.subtract(allowed, union)
        if not sources:
            sources = [name for _windows, blackouts in keys for name in blackouts]
        self._cache[cache_key] = (allowed, "+".join(sorted(set(sources))))
        return self._cache[cache_key]

    def choose(self, name: str, systems: Sequence[str], seconds: float, conditions: Conditions) -> Window | None:
        """Return the first window from now on that is long enough, or None when no calendar restricts the group.

        One that lasts to the horizon has no closing: where it seems to close, only the look ahead ends. When there is
        none, ``conditions`` learns why; of a calendar that cannot be read `check` has told.
        """
        named = {name for system in systems for key in ("windows", "blackouts") for name in self._systems[system][key]}
        if any(self._resolved.get(name) is None for name in named):
            return None
        allowed, source = self.allowed(systems)
        if allowed == [FOREVER]:
            return None
        now = self._now.timestamp()
        until = now + calendars.HORIZON_DAYS * 86400
        future = [interval for interval in allowed if interval[1] > now and interval[0] < until]
        for opens, closes in future:
            if max(opens, now) + seconds <= closes:
                return Window(opens, closes if closes < until else float("inf"), source)
        if not future:
            conditions.add(name, *self._why_never(systems, source))
        else:
            longest = max(closes - max(opens, now) for opens, closes in future)
            conditions.add(
                name,
                f"it is predicted to take {minutes(seconds)}, but no window of {source} is longer than "
                f"{minutes(longest)}{self._blackout_words(systems)}.",
                f"lengthen the window by {minutes(seconds - longest)}, run fewer of its hosts, or state an override "
                "with reason and name.",
            )
        return None

    def _blackout_words(self, systems: Sequence[str]) -> str:
        names = sorted({name for system in systems for name in self._systems[system]["blackouts"]})
        return f" outside the blackouts {', '.join(names)}" if names and self._holds["blackout"] else ""

    def _why_never(self, systems: Sequence[str], source: str) -> tuple[str, str]:
        remedy = "give its systems a common window, or state an override with reason and name."
        own = {s: sorted(self._systems[s]["windows"]) for s in systems if self._systems[s]["windows"]}
        now = self._now.timestamp()
        for system in sorted(own):
            union = calendars.merge(i for name in own[system] for i in self._resolved.get(name) or [])
            if not any(closes > now for _opens, closes in union):
                return (
                    f"the window {'+'.join(own[system])} of {system} never opens again.",
                    "add a window to the calendar, or state an override with reason and name.",
                )
        if len({tuple(names) for names in own.values()}) > 1 and not self._overlap(own):
            words = ", ".join(f"{system} {'+'.join(own[system])}" for system in sorted(own))
            return f"the windows of its systems never overlap: {words}.", remedy
        return f"{source} leaves no time within {calendars.HORIZON_DAYS} days{self._blackout_words(systems)}.", remedy

    def _overlap(self, own: Mapping[str, list[str]]) -> bool:
        common: list[Interval] = [(self._now.timestamp(), float("inf"))]
        for names in own.values():
            common = calendars.intersect(
                common, calendars.merge(i for name in names for i in self._resolved.get(name) or [])
            )
        return bool(common)


def minutes(seconds: float) -> str:
    """Return a length in words: ``45 s``, ``90 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{round(seconds)} s"
    whole = round(seconds / 60)
    if whole < 120:
        return f"{whole} min"
    if whole < 48 * 60:
        return f"{whole // 60} h {whole % 60} min" if whole % 60 else f"{whole // 60} h"
    return f"{whole // 1440} d {whole % 1440 // 60} h"
