# SPDX-License-Identifier: GPL-3.0-or-later
"""When a calendar is open, as a list of UTC intervals.

An interval is a pair of seconds since the epoch, ``(opens, closes)``; a list of them is sorted and free of overlaps.
Local times follow RFC 5545: a time that the clocks skip is read with the offset before the change, so it lands that
much later; a time that exists twice is its first occurrence, except as the written end of a blackout, where the second
one counts (a blackout is never shorter than a reader may expect). A ``duration`` in hours or minutes is elapsed time.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Interval = tuple[float, float]

#: What stands for "always open": no calendar says anything else.
FOREVER: Interval = (float("-inf"), float("inf"))

#: How far ahead recurring entries are resolved, in days; more than a year, so that a yearly freeze is always seen.
HORIZON_DAYS = 400

#: More occurrences than this within as many days as the horizon has are taken for a mistake in the rule.
MOST_OCCURRENCES = 20_000

_DURATION = re.compile(
    r"^\s*(?:(\d+)\s*w)?\s*(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?\s*(?:(\d+)\s*s)?\s*$", re.I
)
_ISO_DURATION = re.compile(r"^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$", re.I)


class CalendarError(ValueError):
    """A calendar cannot be read; the message says which entry and what would be right."""


def parse_duration(text: Any) -> dt.timedelta:
    """Return the length written as ``4h``, ``1d 2h``, ``90m``, ``PT4H30M``, or a number of seconds.

    Raises `CalendarError` when it is none of these, or not longer than nothing.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        length = dt.timedelta(seconds=float(text))
    else:
        match = _ISO_DURATION.match(str(text).strip()) or _DURATION.match(str(text))
        if not match or not any(match.groups()):
            raise CalendarError(f"{text!r} is no duration; write for example 4h, 90m or 1d 2h.")
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        length = dt.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if length <= dt.timedelta(0):
        raise CalendarError(f"the duration {text!r} is not longer than nothing.")
    return length


def parse_moment(value: Any) -> dt.datetime:
    """Return a date with time (aware when the text carries an offset); raises `CalendarError` for anything else."""
    text = str(value).strip()
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise CalendarError(f"{text!r} is no date with time; write for example 2026-11-22T22:00.") from error
    return moment


def utc(moment: dt.datetime, zone: dt.tzinfo, *, last: bool = False) -> float:
    """Return seconds since the epoch of a local time in ``zone``; an aware ``moment`` keeps its own offset.

    ``last`` takes the second occurrence of a time that exists twice.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone, fold=0)
        if last:
            second = moment.replace(fold=1)
            if second.timestamp() > moment.timestamp():  # equal outside a change; smaller for a time that was skipped
                moment = second
    return moment.timestamp()


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union of intervals, sorted; intervals that touch become one."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def intersect(one: list[Interval], other: list[Interval]) -> list[Interval]:
    """Return what two sorted lists have in common."""
    common: list[Interval] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            common.append((start, end))
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    return common


def subtract(allowed: list[Interval], forbidden: list[Interval]) -> list[Interval]:
    """Return what is left of ``allowed`` without ``forbidden``; both sorted."""
    edges: list[Interval] = []
    before = float("-inf")
    for start, end in forbidden:
        if start > before:
            edges.append((before, start))
        before = max(before, end)
    if before < float("inf"):
        edges.append((before, float("inf")))
    return intersect(allowed, edges)


def intervals_of(
    name: str, calendar: Mapping[str, Any], now: dt.datetime, directory: str | None = None
) -> list[Interval]:
    """Return when the calendar holds, from its beginning up to the horizon; what began before is never left out.

    So the edges of what is open now do not depend on ``now``, however long ago the first of them was.

    ``calendar`` has ``kind`` (window or blackout), ``timezone`` and ``entries``: ``{start, end}``,
    ``{rrule, start, duration}`` or ``{ical}`` (a file; a relative path counts from ``directory``).
    Raises `CalendarError` that names the calendar and the entry.
    """
    blackout = calendar.get("kind") == "blackout"
    zone_name = calendar.get("timezone") or "UTC"
    try:
        zone = ZoneInfo(str(zone_name))
    except Exception as error:
        raise CalendarError(f"its time zone {zone_name!r} is not known; write a name such as Europe/Berlin.") from error
    entries = calendar.get("entries") or []
    if not isinstance(entries, list) or not entries:
        raise CalendarError("it has no entries; write at least one of start and end, rrule, or ical.")
    found: list[Interval] = []
    for number, entry in enumerate(entries, 1):
        try:
            found += _entry(entry, zone, blackout, now, directory)
        except CalendarError as error:
            raise CalendarError(f"entry {number}: {error}") from error
    return merge(found)


def _entry(entry: Any, zone: dt.tzinfo, blackout: bool, now: dt.datetime, directory: str | None) -> Iterator[Interval]:
    if not isinstance(entry, Mapping):
        raise CalendarError(f"{entry!r} is no entry; write start and end, or rrule, start and duration, or ical.")
    if entry.get("ical"):
        path = Path(str(entry["ical"])).expanduser()
        if not path.is_absolute() and directory:
            path = Path(directory) / path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CalendarError(f"the file {path} cannot be read: {error.strerror or error}.") from error
        yield from _ical(content, str(path), zone, blackout, now)
        return
    if not entry.get("start"):
        raise CalendarError("it has no start; write for example start: 2026-11-22T22:00.")
    start = parse_moment(entry["start"])
    end = parse_moment(entry["end"]) if entry.get("end") else None
    length = parse_duration(entry["duration"]) if entry.get("duration") else None
    if (end is None) == (length is None):
        raise CalendarError("write either end or duration.")
    if end is not None and utc(end, zone, last=blackout) <= utc(start, zone):
        raise CalendarError(
            f"it ends at {entry['end']}, not after its start {entry['start']}; "
            "a window across midnight ends on the next day."
        )
    if entry.get("rrule"):
        yield from _occurrences(str(entry["rrule"]), start, end, length, zone, blackout, now)
    else:
        opens = utc(start, zone)
        yield (opens, opens + length.total_seconds() if length else utc(end or start, zone, last=blackout))


def _until_horizon(
    recurrence: Iterable[dt.datetime], now: dt.datetime, zone: dt.tzinfo, what: str
) -> Iterator[dt.datetime]:
    """Yield the local times of a recurrence up to the horizon; a day more, as its clocks may have changed by then.

    Raises `CalendarError` when there are too many.
    """
    horizon = dt.timedelta(days=HORIZON_DAYS)
    last = now.astimezone(zone).replace(tzinfo=None) + horizon + dt.timedelta(days=1)
    recent: deque[dt.datetime] = deque(maxlen=MOST_OCCURRENCES)
    for local in recurrence:
        if local > last:
            return
        if len(recent) == MOST_OCCURRENCES and local - recent[0] < horizon:
            raise CalendarError(f"{what} occurs more than {MOST_OCCURRENCES} times within a year.")
        recent.append(local)
        yield local


def _occurrences(
    rule: str,
    start: dt.datetime,
    end: dt.datetime | None,
    length: dt.timedelta | None,
    zone: dt.tzinfo,
    blackout: bool,
    now: dt.datetime,
) -> Iterator[Interval]:
    from dateutil.rrule import rrulestr

    if start.tzinfo is not None:
        start = start.astimezone(zone).replace(tzinfo=None)
    if end is not None and end.tzinfo is not None:
        end = end.astimezone(zone).replace(tzinfo=None)
    wall = length if length is not None else (end or start) - start
    try:
        recurrence = rrulestr(_local_until(rule, zone), dtstart=start)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CalendarError(
            f"the rule {rule!r} cannot be read ({error}); write for example FREQ=WEEKLY;BYDAY=SU."
        ) from error
    for local in _until_horizon(recurrence, now, zone, f"the rule {rule!r}"):
        opens = utc(local, zone)
        if length is not None:
            yield opens, opens + length.total_seconds()
        else:
            yield opens, utc(local + wall, zone, last=blackout)


def _local_until(rule: str, zone: dt.tzinfo) -> str:
    """Return the rule with an UNTIL in UTC written as local time, which a local start requires."""

    def local(match: re.Match[str]) -> str:
        moment = dt.datetime.strptime(match.group(1), "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)
        return "UNTIL=" + moment.astimezone(zone).strftime("%Y%m%dT%H%M%S")

    return re.sub(r"UNTIL=(\d{8}T\d{6})Z", local, rule, flags=re.I)


def _ical(content: bytes, path: str, zone: dt.tzinfo, blackout: bool, now: dt.datetime) -> Iterator[Interval]:
    """Yield the events of an iCalendar file: single, recurring, moved (RECURRENCE-ID), cancelled ones left out."""
    import icalendar

    try:
        calendar = icalendar.Calendar.from_ical(content)
        events = list(calendar.walk("VEVENT"))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise CalendarError(f"the file {path} is no readable iCalendar file: {error}.") from error
    if calendar.name != "VCALENDAR":
        raise CalendarError(f"the file {path} holds no VCALENDAR.")
    moved: dict[str, list[dt.date | dt.datetime]] = {}
    for event in events:
        if (replaces := event.get("RECURRENCE-ID")) is not None:
            if replaces.params.get("RANGE"):
                raise CalendarError(
                    f"in the file {path}, {_called(event)!r} changes an occurrence and all that follow (RANGE="
                    f"{replaces.params['RANGE']}), which is not supported; end the series before it, and write the "
                    "rest as a series of its own."
                )
            moved.setdefault(str(event.get("UID", "")), []).append(replaces.dt)
    for event in events:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        summary = _called(event)
        if event.get("DTSTART") is None:
            raise CalendarError(f"in the file {path}, {summary!r} has no DTSTART.")
        own_zone = _zone_of(event, zone)
        start, length, end = _event_span(event, own_zone, path, summary)
        rule = event.get("RRULE")
        if event.get("RECURRENCE-ID") is None and (rule is not None or event.get("RDATE") is not None):
            left_out = _left_out(event, moved.get(str(event.get("UID", "")), []), own_zone, path)
            yield from _event_series(event, start, length, end, own_zone, blackout, now, left_out)
        else:
            opens = utc(start, own_zone)
            yield opens, (utc(end, own_zone, last=blackout) if end is not None else opens + length.total_seconds())


def _called(event: Any) -> str:
    return str(event.get("SUMMARY") or event.get("UID") or "an event")


def _dates_of(event: Any, name: str) -> Iterator[dt.date | dt.datetime]:
    """Yield the values of a property that may stand several times, each with several values."""
    values = event.get(name)
    for group in values if isinstance(values, list) else [values] if values is not None else []:
        for item in group.dts:
            yield item.dt[0] if isinstance(item.dt, tuple) else item.dt


def _left_out(event: Any, moved: Iterable[dt.date | dt.datetime], zone: dt.tzinfo, path: str) -> set[float]:
    """Return when occurrences of a series would begin that are excluded, or described by an event of their own.

    They may be written in any zone, whatever that of the series or of the event in their place is, so that instants are
    compared. Raises `CalendarError` for a day in a series of times: which of that day's times would be meant?
    """
    instants = set()
    timed = isinstance(event["DTSTART"].dt, dt.datetime)
    for name, values in (("RECURRENCE-ID", moved), ("EXDATE", _dates_of(event, "EXDATE"))):
        for value in values:
            if timed and not isinstance(value, dt.datetime):
                raise CalendarError(
                    f"in the file {path}, {_called(event)!r} begins at a time, but its {name} {value.isoformat()} is a "
                    "day; write it as the time at which that occurrence begins."
                )
            whole = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
            instants.add(utc(whole, zone))
    return instants


def _zone_of(event: Any, zone: dt.tzinfo) -> dt.tzinfo:
    """Return the zone of an event's start: its own, or that of the calendar for a floating time."""
    value = event["DTSTART"].dt if event.get("DTSTART") is not None else None
    own = value.tzinfo if isinstance(value, dt.datetime) else None
    return own if own is not None else zone


def _naive(value: dt.date | dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """Return a date or time as local time in ``zone``; a whole day starts at midnight."""
    if not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day)
    return value.astimezone(zone).replace(tzinfo=None) if value.tzinfo is not None else value


def _event_span(
    event: Any, zone: dt.tzinfo, path: str, summary: str
) -> tuple[dt.datetime, dt.timedelta, dt.datetime | None]:
    """Return local start, length, and the local end when one is written."""
    raw = event["DTSTART"].dt
    start = _naive(raw, zone)
    end: dt.datetime | None = None
    if event.get("DTEND") is not None:
        end = _naive(event["DTEND"].dt, zone)
    elif event.get("DURATION") is None and not isinstance(raw, dt.datetime):
        end = start + dt.timedelta(days=1)
    length = end - start if end is not None else None
    if length is None:
        if event.get("DURATION") is None:
            raise CalendarError(f"in the file {path}, {summary!r} has neither DTEND nor DURATION.")
        length = event["DURATION"].dt
    if length <= dt.timedelta(0):
        raise CalendarError(f"in the file {path}, {summary!r} ends before it starts.")
    return start, length, end


def _event_series(
    event: Any,
    start: dt.datetime,
    length: dt.timedelta,
    end: dt.datetime | None,
    zone: dt.tzinfo,
    blackout: bool,
    now: dt.datetime,
    left_out: set[float],
) -> Iterator[Interval]:
    from dateutil.rrule import rrule, rruleset, rrulestr

    series = rruleset()
    rules = event.get("RRULE")
    for part in rules if isinstance(rules, list) else [rules] if rules is not None else []:
        text = _local_until(part.to_ical().decode("ascii"), zone)
        try:
            recurrence = rrulestr(text, dtstart=start)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CalendarError(f"the rule {text!r} cannot be read ({error}).") from error
        if not isinstance(recurrence, rrule):
            raise CalendarError(f"the rule {text!r} is more than one rule.")
        series.rrule(recurrence)
    if rules is None:
        series.rdate(start)
    for value in _dates_of(event, "RDATE"):
        series.rdate(_naive(value, zone))
    for local in _until_horizon(series, now, zone, "an event"):
        opens = utc(local, zone)
        if opens in left_out:
            continue
        if end is not None:
            yield opens, utc(local + length, zone, last=blackout)
        else:
            yield opens, opens + length.total_seconds()
