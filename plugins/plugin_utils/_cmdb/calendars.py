# SPDX-License-Identifier: GPL-3.0-or-later
"""What a calendar entry may look like."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

ENTRY_FIELDS = ("start", "end", "rrule", "duration", "ical")
_DURATION = re.compile(r"(?P<days>\d+d)?(?P<hours>\d+h)?(?P<minutes>\d+m)?(?P<seconds>\d+s)?")
_ISO_DURATION = re.compile(r"P(?P<days>\d+D)?(?:T(?P<hours>\d+H)?(?P<minutes>\d+M)?(?P<seconds>\d+S)?)?")

Finding = tuple[str, str, str]
"""Field, problem, remedy."""


@lru_cache(maxsize=512)
def time_zone(name: str) -> ZoneInfo | None:
    """The time zone of that name in the IANA database, or None."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def parse_duration(text: str) -> timedelta | None:
    """The length of ``4h``, ``1d12h``, ``90m``, ``PT4H``; None for other texts and for nothing at all."""
    squeezed = "".join(text.split())
    match = _DURATION.fullmatch(squeezed.lower()) or _ISO_DURATION.fullmatch(squeezed.upper())
    if match is None:
        return None
    parts = {unit: int(value[:-1]) for unit, value in match.groupdict().items() if value}
    try:
        length = timedelta(**parts)
    except OverflowError:
        return None
    return length if parts and length > timedelta(0) else None


def parse_local(value: Any, zone: ZoneInfo | None) -> datetime | None:
    """The wall-clock time of an ISO 8601 text; one with an offset is turned into the calendar's zone; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if len(value.strip()) <= 10:
        return None
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(zone or timezone.utc).replace(tzinfo=None)
        except OverflowError:
            return None
    return moment


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")


def check_entry(entry: Any, zone: ZoneInfo | None, folder: str) -> tuple[dict[str, str], list[Finding]]:
    """An entry in its normal form.

    Args:
        entry: ``{start, end}``, ``{start, rrule, duration}`` or ``{ical}``.
        zone: the calendar's time zone; None when it is unknown.
        folder: what the path of an iCal file starts from.

    Returns:
        The entry with absolute paths and times as ``YYYY-MM-DDTHH:MM``, and what is wrong with it.
    """
    if not isinstance(entry, Mapping):
        return {}, [("entries", f"{entry!r} is no entry", "give start with end, start with rrule and duration, or ical")]
    given = {key: value for key, value in entry.items() if value is not None}
    unknown = [(str(key), "unknown field of a calendar entry", f"known are {', '.join(ENTRY_FIELDS)}") for key in given if key not in ENTRY_FIELDS]
    if unknown:
        return {}, unknown
    kinds = {frozenset(("start", "end")): _once, frozenset(("start", "rrule", "duration")): _recurring, frozenset(("ical",)): None}
    if frozenset(given) not in kinds:
        has = ", ".join(given) or "nothing"
        return {}, [("entries", f"an entry with {has}", "give start with end, start with rrule and duration, or ical alone")]
    if "ical" in given:
        return _ical(given["ical"], folder)
    start = parse_local(given["start"], zone)
    if start is None:
        return {}, [("start", f"{given['start']!r} is no time", 'write it as "2026-11-22T22:00"')]
    return _once(start, given, zone) if "end" in given else _recurring(start, given, zone)


def _once(start: datetime, given: Mapping[str, Any], zone: ZoneInfo | None) -> tuple[dict[str, str], list[Finding]]:
    end = parse_local(given["end"], zone)
    if end is None:
        return {}, [("end", f"{given['end']!r} is no time", 'write it as "2026-11-23T02:00"')]
    if end <= start:
        return {}, [("end", f"it ends ({_iso(end)}) before it starts ({_iso(start)})", "let it end after its start")]
    return {"start": _iso(start), "end": _iso(end)}, []


def _recurring(start: datetime, given: Mapping[str, Any], zone: ZoneInfo | None) -> tuple[dict[str, str], list[Finding]]:
    findings: list[Finding] = []
    duration = given["duration"]
    if not isinstance(duration, str) or parse_duration(duration) is None:
        findings.append(("duration", f"{duration!r} is no length of time", 'write it as "4h", "90m" or "1d12h"'))
    problem = _rrule_problem(given["rrule"], start, zone)
    if problem:
        findings.append(("rrule", problem, 'write a rule of RFC 5545 such as "FREQ=WEEKLY;BYDAY=SU"'))
    if findings:
        return {}, findings
    return {"rrule": given["rrule"].strip(), "start": _iso(start), "duration": duration.strip()}, []


def _rrule_problem(rule: Any, start: datetime, zone: ZoneInfo | None) -> str:
    from dateutil.rrule import rrulestr

    if not isinstance(rule, str):
        return f"{rule!r} is no recurrence rule"
    text = rule.strip()
    if text.upper().startswith("RRULE:"):
        text = text[len("RRULE:") :]
    if not text.upper().startswith("FREQ=") and "FREQ=" not in text.upper():
        return f'"{rule}" has no FREQ'
    if re.search(r"FREQ=(SECONDLY|MINUTELY)", text.upper()):
        return f'"{rule}" recurs every minute or second'
    absolute = re.search(r"UNTIL=[0-9T]+Z", text.upper()) is not None
    try:
        first = next(iter(rrulestr(text, dtstart=start.replace(tzinfo=zone or timezone.utc) if absolute else start)), None)
    except (ValueError, KeyError, TypeError, OverflowError, AttributeError) as error:
        return f'"{rule}" is no recurrence rule ({error})'
    return f'"{rule}" never happens after its start {_iso(start)}' if first is None else ""


def _ical(path: Any, folder: str) -> tuple[dict[str, str], list[Finding]]:
    if not isinstance(path, str) or not path.strip():
        return {}, [("ical", f"{path!r} is no path", "name an iCal file")]
    whole = os.path.abspath(os.path.join(folder, os.path.expanduser(path.strip())))
    try:
        with open(whole, "rb") as file:
            data = file.read()
    except OSError as error:
        return {}, [("ical", f"{whole} cannot be read ({error.strerror or error})", "name an iCal file that this user may read")]
    import icalendar

    try:
        icalendar.Calendar.from_ical(data)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        return {}, [("ical", f"{whole} is no iCal file ({error})", "export the calendar again")]
    if b"END:VCALENDAR" not in data:
        return {}, [("ical", f"{whole} is not whole: END:VCALENDAR is missing", "export the calendar again")]
    return {"ical": whole}, []
