# SPDX-License-Identifier: GPL-3.0-or-later
"""What a calendar entry may look like."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

ENTRY_FIELDS = ("start", "end", "rrule", "duration", "ical")
_DURATION = re.compile(r"(?P<weeks>\d+w)?(?P<days>\d+d)?(?P<hours>\d+h)?(?P<minutes>\d+m)?(?P<seconds>\d+s)?")
_ISO_DURATION = re.compile(
    r"P(?P<weeks>\d+W)?(?P<days>\d+D)?(?:T(?P<hours>\d+H)?(?P<minutes>\d+M)?(?P<seconds>\d+S)?)?"
)

Finding = tuple[str, str, str]
"""Field, problem, remedy."""

_FORMS: tuple[set[str], ...] = ({"start", "end"}, {"start", "rrule", "duration"}, {"start", "end", "rrule"}, {"ical"})
_FORMS_IN_WORDS = "start with end, start with rrule and duration (or end), or ical alone"


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


def parse_time(value: Any) -> datetime | None:
    """The date with time of an ISO 8601 text, with its offset when it has one; None if it is none."""
    if not isinstance(value, str) or len(value.strip()) <= len("2026-11-22"):
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")


def _instant(moment: datetime, zone: ZoneInfo | None) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone or UTC)


def check_entry(entry: Any, zone: ZoneInfo | None, folder: str) -> tuple[dict[str, str], list[Finding]]:
    """An entry in its normal form.

    Args:
        entry: ``{start, end}``, ``{start, rrule, duration}``, ``{start, end, rrule}`` or ``{ical}``.
        zone: the calendar's time zone; None when it is unknown.
        folder: what the path of an iCal file starts from.

    Returns:
        The entry with absolute paths and times as ``YYYY-MM-DDTHH:MM``, and what is wrong with it.
    """
    if not isinstance(entry, Mapping):
        return {}, [("entries", f"{entry!r} is no entry", f"give {_FORMS_IN_WORDS}")]
    given = {key: value for key, value in entry.items() if value is not None}
    unknown = [
        (str(key), "unknown field of a calendar entry", f"known are {', '.join(ENTRY_FIELDS)}")
        for key in given
        if key not in ENTRY_FIELDS
    ]
    if unknown:
        return {}, unknown
    if set(given) not in _FORMS:
        has = ", ".join(given) or "nothing"
        return {}, [("entries", f"an entry with {has}", f"give {_FORMS_IN_WORDS}")]
    if "ical" in given:
        return _ical(given["ical"], folder)
    findings: list[Finding] = []
    normal: dict[str, str] = {}
    times: dict[str, datetime] = {}
    for field in ("start", "end"):
        if field in given:
            moment = parse_time(given[field])
            if moment is None:
                findings.append((field, f"{given[field]!r} is no date with time", 'write it as "2026-11-22T22:00"'))
            else:
                times[field] = moment
                normal[field] = _iso(moment)
    if len(times) == 2 and _instant(times["end"], zone) <= _instant(times["start"], zone):
        findings.append(
            ("end", f"it ends ({normal['end']}) before it starts ({normal['start']})", "let it end after its start")
        )
    if "duration" in given:
        if isinstance(given["duration"], str) and parse_duration(given["duration"]) is not None:
            normal["duration"] = given["duration"].strip()
        else:
            findings.append(
                ("duration", f"{given['duration']!r} is no length of time", 'write it as "4h", "90m" or "1d12h"')
            )
    if "rrule" in given:
        problem = _rrule_problem(given["rrule"], times.get("start"), zone)
        if problem:
            findings.append(("rrule", problem, 'write a rule of RFC 5545 such as "FREQ=WEEKLY;BYDAY=SU"'))
        else:
            normal["rrule"] = given["rrule"].strip()
    return ({}, findings) if findings else (normal, [])


def _rrule_problem(rule: Any, start: datetime | None, zone: ZoneInfo | None) -> str:
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
    start = start or datetime(2026, 1, 1)
    if re.search(r"UNTIL=[0-9T]+Z", text.upper()):
        start = _instant(start, zone)
    else:
        start = start.replace(tzinfo=None)
    try:
        first = next(iter(rrulestr(text, dtstart=start)), None)
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
        return {}, [
            ("ical", f"{whole} cannot be read ({error.strerror or error})", "name an iCal file that this user may read")
        ]
    import icalendar

    try:
        icalendar.Calendar.from_ical(data)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        return {}, [("ical", f"{whole} is no iCal file ({error})", "export the calendar again")]
    if b"END:VCALENDAR" not in data:
        return {}, [("ical", f"{whole} is not whole: END:VCALENDAR is missing", "export the calendar again")]
    return {"ical": whole}, []
