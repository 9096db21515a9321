# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about calendars: time zones, both changes of the clock, midnight, recurrence, iCalendar files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.calendars import (
    CalendarError,
    intersect,
    intervals_of,
    merge,
    parse_duration,
    subtract,
)


def at(text: str) -> float:
    """Seconds since the epoch of a UTC time."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


def resolve(
    kind: str, zone: str, entry: dict[str, Any], now: str, directory: Path | None = None
) -> list[tuple[str, str]]:
    """Return the intervals of one entry as UTC text."""
    calendar = {"kind": kind, "timezone": zone, "entries": [entry]}
    moment = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
    found = intervals_of("test", calendar, moment, str(directory) if directory else None)
    return [
        (dt.datetime.fromtimestamp(a, dt.UTC).isoformat()[:16], dt.datetime.fromtimestamp(b, dt.UTC).isoformat()[:16])
        for a, b in found
    ]


@pytest.mark.parametrize(
    ("kind", "zone", "entry", "expected"),
    [
        # plain, and across midnight
        (
            "window",
            "UTC",
            {"start": "2026-11-22T22:00", "end": "2026-11-23T02:00"},
            ("2026-11-22T22:00", "2026-11-23T02:00"),
        ),
        (
            "window",
            "Europe/Berlin",
            {"start": "2026-11-22T22:00", "end": "2026-11-23T02:00"},
            ("2026-11-22T21:00", "2026-11-23T01:00"),
        ),
        (
            "window",
            "Asia/Kolkata",
            {"start": "2026-11-22T22:00", "duration": "4h"},
            ("2026-11-22T16:30", "2026-11-22T20:30"),
        ),
        (
            "window",
            "America/New_York",
            {"start": "2026-11-22T22:00", "duration": "PT4H30M"},
            ("2026-11-23T03:00", "2026-11-23T07:30"),
        ),
        # Europe, spring: 02:00 becomes 03:00 on 29 March 2026
        (
            "window",
            "Europe/Berlin",
            {"start": "2026-03-28T22:00", "end": "2026-03-29T04:00"},
            ("2026-03-28T21:00", "2026-03-29T02:00"),
        ),
        (
            "window",
            "Europe/Berlin",
            {"start": "2026-03-28T22:00", "duration": "6h"},
            ("2026-03-28T21:00", "2026-03-29T03:00"),
        ),
        (
            "window",
            "Europe/Berlin",
            {"start": "2026-03-29T02:30", "duration": "1h"},
            ("2026-03-29T01:30", "2026-03-29T02:30"),
        ),
        # Europe, autumn: 03:00 becomes 02:00 on 25 October 2026
        (
            "window",
            "Europe/Berlin",
            {"start": "2026-10-24T22:00", "end": "2026-10-25T04:00"},
            ("2026-10-24T20:00", "2026-10-25T03:00"),
        ),
        (
            "window",
            "Europe/Berlin",
            {"start": "2026-10-24T22:00", "end": "2026-10-25T02:30"},
            ("2026-10-24T20:00", "2026-10-25T00:30"),
        ),
        (
            "blackout",
            "Europe/Berlin",
            {"start": "2026-10-24T22:00", "end": "2026-10-25T02:30"},
            ("2026-10-24T20:00", "2026-10-25T01:30"),
        ),
        (
            "window",
            "Europe/Berlin",
            {"start": "2026-10-25T02:30", "duration": "1h"},
            ("2026-10-25T00:30", "2026-10-25T01:30"),
        ),
        # New York, spring on 8 March 2026, autumn on 1 November 2026
        (
            "window",
            "America/New_York",
            {"start": "2026-03-08T00:00", "end": "2026-03-08T06:00"},
            ("2026-03-08T05:00", "2026-03-08T10:00"),
        ),
        (
            "window",
            "America/New_York",
            {"start": "2026-11-01T00:00", "end": "2026-11-01T06:00"},
            ("2026-11-01T04:00", "2026-11-01T11:00"),
        ),
        # a written offset wins over the zone
        (
            "window",
            "Europe/Berlin",
            {"start": "2026-11-22T22:00+00:00", "duration": "1h"},
            ("2026-11-22T22:00", "2026-11-22T23:00"),
        ),
    ],
)
def test_single_entries(kind: str, zone: str, entry: dict[str, Any], expected: tuple[str, str]) -> None:
    assert resolve(kind, zone, entry, "2026-01-01T00:00") == [expected]


@pytest.mark.parametrize(
    ("zone", "entry", "now", "expected"),
    [
        # local wall time stays while UTC moves over both changes
        (
            "Europe/Berlin",
            {"rrule": "FREQ=WEEKLY;BYDAY=SU", "start": "2026-01-04T22:00", "duration": "4h"},
            "2026-03-20T00:00",
            [("2026-03-22T21:00", "2026-03-23T01:00"), ("2026-03-29T20:00", "2026-03-30T00:00")],
        ),
        (
            "America/New_York",
            {"rrule": "FREQ=WEEKLY;BYDAY=SA", "start": "2026-01-03T23:00", "duration": "4h"},
            "2026-10-30T00:00",
            [("2026-11-01T03:00", "2026-11-01T07:00"), ("2026-11-08T04:00", "2026-11-08T08:00")],
        ),
        (
            "Asia/Kolkata",
            {"rrule": "FREQ=MONTHLY;BYDAY=-1SA", "start": "2026-01-31T21:30", "end": "2026-02-01T03:30"},
            "2026-03-01T00:00",
            [("2026-03-28T16:00", "2026-03-28T22:00"), ("2026-04-25T16:00", "2026-04-25T22:00")],
        ),
        # one that is open now is seen, also when it opened yesterday
        (
            "UTC",
            {"rrule": "FREQ=WEEKLY;BYDAY=SU", "start": "2026-01-04T22:00", "duration": "8h"},
            "2026-11-23T03:00",
            [("2026-11-22T22:00", "2026-11-23T06:00"), ("2026-11-29T22:00", "2026-11-30T06:00")],
        ),
        # an end in UTC
        (
            "Europe/Berlin",
            {"rrule": "FREQ=DAILY;UNTIL=20260105T210000Z", "start": "2026-01-04T22:00", "duration": "1h"},
            "2026-01-04T00:00",
            [("2026-01-04T21:00", "2026-01-04T22:00"), ("2026-01-05T21:00", "2026-01-05T22:00")],
        ),
    ],
)
def test_recurring_entries(zone: str, entry: dict[str, Any], now: str, expected: list[tuple[str, str]]) -> None:
    # occurrences before now may still be listed; they do no harm
    assert [pair for pair in resolve("window", zone, entry, now) if pair[1] > now][:2] == expected


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"start": "2026-11-23T02:00", "end": "2026-11-22T22:00"}, "not after its start"),
        ({"start": "2026-11-23T02:00", "end": "2026-11-23T02:00"}, "not after its start"),
        ({"start": "tomorrow", "duration": "1h"}, "no date with time"),
        ({"start": "2026-11-23T02:00", "duration": "soon"}, "no duration"),
        ({"start": "2026-11-23T02:00", "duration": "0h"}, "not longer than nothing"),
        ({"start": "2026-11-23T02:00"}, "either end or duration"),
        ({"duration": "1h"}, "no start"),
        ({"rrule": "FREQ=SOMETIMES", "start": "2026-11-23T02:00", "duration": "1h"}, "cannot be read"),
        ({"rrule": "FREQ=MINUTELY", "start": "2026-11-20T02:00", "duration": "1m"}, "more than 20000 times"),
        ({"ical": "missing.ics"}, "missing.ics cannot be read"),
        ("always", "is no entry"),
    ],
)
def test_what_cannot_be_read_is_named(entry: Any, words: str) -> None:
    with pytest.raises(CalendarError, match=words) as raised:
        resolve("window", "Europe/Berlin", entry, "2026-11-22T00:00")
    assert "entry 1" in str(raised.value)


@pytest.mark.parametrize(
    ("calendar", "words"),
    [
        ({"kind": "window", "timezone": "Europe/Atlantis", "entries": [{}]}, "Europe/Atlantis"),
        ({"kind": "window", "entries": []}, "no entries"),
    ],
)
def test_a_calendar_that_says_nothing(calendar: dict[str, Any], words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        intervals_of("test", calendar, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


ICAL = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//test//EN
BEGIN:VEVENT
UID:weekly
SUMMARY:patch night
DTSTART;TZID=Europe/Berlin:20260104T220000
DTEND;TZID=Europe/Berlin:20260105T020000
RRULE:FREQ=WEEKLY;BYDAY=SU
EXDATE;TZID=Europe/Berlin:20261129T220000
END:VEVENT
BEGIN:VEVENT
UID:weekly
SUMMARY:patch night, moved
RECURRENCE-ID;TZID=Europe/Berlin:20261206T220000
DTSTART;TZID=Europe/Berlin:20261207T200000
DURATION:PT3H
END:VEVENT
BEGIN:VEVENT
UID:off
SUMMARY:cancelled
STATUS:CANCELLED
DTSTART:20261201T000000Z
DTEND:20261201T100000Z
END:VEVENT
BEGIN:VEVENT
UID:day
SUMMARY:whole day
DTSTART;VALUE=DATE:20261224
END:VEVENT
END:VCALENDAR
"""


def test_icalendar_files(tmp_path: Path) -> None:
    (tmp_path / "nights.ics").write_text(ICAL.replace("\n", "\r\n"))
    found = resolve("window", "Europe/Berlin", {"ical": "nights.ics"}, "2026-11-21T00:00", tmp_path)
    found = [pair for pair in found if "2026-11-21" < pair[0] < "2026-12-26"]
    assert found == [
        ("2026-11-22T21:00", "2026-11-23T01:00"),
        ("2026-12-07T19:00", "2026-12-07T22:00"),  # moved from 6 December; 29 November is left out
        ("2026-12-13T21:00", "2026-12-14T01:00"),
        ("2026-12-20T21:00", "2026-12-21T01:00"),
        ("2026-12-23T23:00", "2026-12-24T23:00"),
    ]


def series(start: str, change: str, exception: str, kind: str = "") -> str:
    """An iCalendar file with a nightly series of 2 h, and an event in the place of one of its occurrences."""
    end = "" if "VALUE=DATE" in start else "DURATION:PT2H\n"
    return (
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//test//EN\n"
        f"BEGIN:VEVENT\nUID:nights\nSUMMARY:nights\nDTSTART{start}\n{end}RRULE:FREQ=DAILY;COUNT=2\n{kind}END:VEVENT\n"
        + (f"BEGIN:VEVENT\nUID:nights\nRECURRENCE-ID{change}\n{exception}END:VEVENT\n" if change else "")
        + "END:VCALENDAR\n"
    ).replace("\n", "\r\n")


CANCELLED = "STATUS:CANCELLED\nSUMMARY:no patch night\n"
BERLIN, LONDON = ";TZID=Europe/Berlin:", ";TZID=Europe/London:"


@pytest.mark.parametrize(
    ("start", "change", "exception"),
    [
        # the occurrence, and what stands in its place, each in the series' zone, in UTC, in a third zone
        (f"{BERLIN}20261206T220000", f"{BERLIN}20261206T220000", f"{CANCELLED}DTSTART:20261206T210000Z\n"),
        (f"{BERLIN}20261206T220000", ":20261206T210000Z", f"{CANCELLED}DTSTART:20261206T210000Z\n"),
        (f"{BERLIN}20261206T220000", ":20261206T210000Z", f"{CANCELLED}DTSTART{BERLIN}20261206T220000\n"),
        (f"{BERLIN}20261206T220000", f"{LONDON}20261206T210000", f"{CANCELLED}DTSTART{LONDON}20261206T210000\n"),
        (f"{BERLIN}20261206T220000", ":20261206T220000", f"{CANCELLED}DTSTART:20261206T210000Z\n"),
        (":20261206T210000Z", f"{BERLIN}20261206T220000", f"{CANCELLED}DTSTART{BERLIN}20261206T220000\n"),
        (":20261206T220000", ":20261206T210000Z", f"{CANCELLED}DTSTART:20261206T210000Z\n"),
        (f"{BERLIN}20261206T220000", f"{BERLIN}20261206T220000", CANCELLED),
        # excluded, likewise
        (f"{BERLIN}20261206T220000", "", "EXDATE:20261206T210000Z\n"),
        (f"{BERLIN}20261206T220000", "", f"EXDATE{LONDON}20261206T210000\n"),
        (":20261206T210000Z", "", f"EXDATE{BERLIN}20261206T220000\n"),
    ],
)
@pytest.mark.parametrize("kind", ["window", "blackout"])
def test_an_occurrence_is_found_in_whatever_zone_it_is_written(
    tmp_path: Path, kind: str, start: str, change: str, exception: str
) -> None:
    (tmp_path / "nights.ics").write_text(
        series(start, change, exception) if change else series(start, "", "", exception)
    )
    found = resolve(kind, "Europe/Berlin", {"ical": "nights.ics"}, "2026-12-01T00:00", tmp_path)
    assert found == [("2026-12-07T21:00", "2026-12-07T23:00")]


@pytest.mark.parametrize(
    ("change", "exception"),
    [
        (":20261206T210000Z", "DTSTART:20261206T030000Z\n"),
        (f"{BERLIN}20261206T220000", "DTSTART:20261206T030000Z\n"),
        (":20261206T210000Z", f"DTSTART{LONDON}20261206T030000\n"),
    ],
)
def test_an_occurrence_that_is_moved_is_not_open_twice(tmp_path: Path, change: str, exception: str) -> None:
    text = series(f"{BERLIN}20261206T220000", change, f"{exception}DURATION:PT1H\n")
    (tmp_path / "nights.ics").write_text(text)
    found = resolve("window", "Europe/Berlin", {"ical": "nights.ics"}, "2026-12-01T00:00", tmp_path)
    assert found == [("2026-12-06T03:00", "2026-12-06T04:00"), ("2026-12-07T21:00", "2026-12-07T23:00")]


def test_an_occurrence_in_the_hour_that_the_clocks_skip(tmp_path: Path) -> None:
    text = series(f"{BERLIN}20270328T023000", ":20270328T013000Z", f"{CANCELLED}DTSTART:20270328T013000Z\n")
    (tmp_path / "nights.ics").write_text(text)
    found = resolve("window", "Europe/Berlin", {"ical": "nights.ics"}, "2027-03-01T00:00", tmp_path)
    assert found == [("2027-03-29T00:30", "2027-03-29T02:30")]


@pytest.mark.parametrize("change", [";VALUE=DATE:20261206", ":20261205T230000Z", f"{BERLIN}20261206T000000"])
def test_an_occurrence_of_whole_days(tmp_path: Path, change: str) -> None:
    (tmp_path / "days.ics").write_text(
        series(";VALUE=DATE:20261206", change, f"{CANCELLED}DTSTART;VALUE=DATE:20261206\n")
    )
    found = resolve("blackout", "Europe/Berlin", {"ical": "days.ics"}, "2026-12-01T00:00", tmp_path)
    assert found == [("2026-12-06T23:00", "2026-12-07T23:00")]


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (";RANGE=THISANDFUTURE:20261206T210000Z", "", "'no patch night' changes .*RANGE=THISANDFUTURE"),
        (";VALUE=DATE:20261206", "", "its RECURRENCE-ID 2026-12-06 is a day"),
        ("", "EXDATE;VALUE=DATE:20261206\n", "its EXDATE 2026-12-06 is a day"),
    ],
)
def test_a_change_of_a_series_that_could_mean_several_things(
    tmp_path: Path, change: str, more: str, words: str
) -> None:
    (tmp_path / "nights.ics").write_text(series(f"{BERLIN}20261206T220000", change, CANCELLED, more))
    with pytest.raises(CalendarError, match=f"nights.ics, .*{words}"):
        resolve("window", "Europe/Berlin", {"ical": "nights.ics"}, "2026-12-01T00:00", tmp_path)


@pytest.mark.parametrize("content", ["", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101", "<html>503</html>"])
def test_half_written_icalendar_files(tmp_path: Path, content: str) -> None:
    (tmp_path / "half.ics").write_text(content)
    with pytest.raises(CalendarError, match="half.ics"):
        resolve("window", "UTC", {"ical": "half.ics"}, "2026-11-21T00:00", tmp_path)


def test_sets_of_intervals() -> None:
    assert merge([(5, 6), (1, 2), (2, 3), (9, 9)]) == [(1, 3), (5, 6)]
    assert intersect([(1, 5), (7, 9)], [(2, 3), (4, 8)]) == [(2, 3), (4, 5), (7, 8)]
    assert subtract([(1, 9)], [(2, 3), (5, 6)]) == [(1, 2), (3, 5), (6, 9)]
    assert subtract([(1, 2)], [(0, 3)]) == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4h", 14400), ("90m", 5400), ("1d 2h", 93600), ("PT1H30M", 5400), ("2w", 1209600), (600, 600), ("45s", 45)],
)
def test_durations(text: Any, seconds: int) -> None:
    assert parse_duration(text).total_seconds() == seconds
