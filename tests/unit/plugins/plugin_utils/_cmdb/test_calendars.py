# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about single calendar entries."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.calendars import (
    check_entry,
    parse_duration,
    time_zone,
)

BERLIN = time_zone("Europe/Berlin")

ICAL = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTAMP:20260101T000000Z\r
DTSTART:20261122T220000Z\r
DTEND:20261123T020000Z\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("4h", timedelta(hours=4)),
        ("1d12h", timedelta(hours=36)),
        ("1d 2h", timedelta(hours=26)),
        ("90m", timedelta(minutes=90)),
        ("1w", timedelta(weeks=1)),
        ("PT4H30M", timedelta(hours=4, minutes=30)),
        ("p1d", timedelta(days=1)),
        ("", None),
        ("P", None),
        ("0h", None),
        ("4", None),
        ("-4h", None),
        ("4h30", None),
        ("99999999999d", None),
    ],
)
def test_duration(text: str, length: timedelta | None) -> None:
    assert parse_duration(text) == length


WRONG: list[tuple[dict[str, Any] | Any, str, str]] = [
    ("sunday", "entries", "no entry"),
    ({}, "entries", "nothing"),
    ({"start": "2026-11-22T22:00"}, "entries", "an entry with start"),
    ({"from": "2026-11-22T22:00"}, "from", "unknown field"),
    ({"start": "2026-11-22", "end": "2026-11-23T02:00"}, "start", "no date with time"),
    ({"start": "2026-11-22T22:00", "end": "tomorrow at two"}, "end", "no date with time"),
    ({"start": "2026-11-31T22:00", "end": "2026-12-01T22:00"}, "start", "no date with time"),
    ({"start": "2026-11-22T22:00", "end": "2026-11-22T22:00"}, "end", "before it starts"),
    ({"start": "2026-11-22T22:00+01:00", "end": "2026-11-22T21:30"}, "end", "before it starts"),
    ({"start": "2026-11-22T22:00", "rrule": "WEEKLY", "duration": "4h"}, "rrule", "no FREQ"),
    ({"start": "2026-11-22T22:00", "rrule": "FREQ=FORTNIGHTLY", "duration": "4h"}, "rrule", "no recurrence rule"),
    ({"start": "2026-11-22T22:00", "rrule": "FREQ=WEEKLY;BYDAY=XX", "duration": "4h"}, "rrule", "no recurrence rule"),
    ({"start": "2026-11-22T22:00", "rrule": "FREQ=SECONDLY", "duration": "4h"}, "rrule", "every minute or second"),
    (
        {"start": "2026-11-22T22:00", "rrule": "FREQ=DAILY;UNTIL=20250101T000000Z", "duration": "4h"},
        "rrule",
        "never happens",
    ),
    ({"start": "2026-11-22T22:00", "rrule": 7, "duration": "4h"}, "rrule", "no recurrence rule"),
    ({"start": "2026-11-22T22:00", "rrule": "FREQ=DAILY", "duration": "long"}, "duration", "no length of time"),
    ({"ical": "none.ics"}, "ical", "cannot be read"),
    ({"ical": 5}, "ical", "no path"),
]


@pytest.mark.parametrize(("entry", "field", "words"), WRONG)
def test_wrong_entry(entry: Any, field: str, words: str, tmp_path: Path) -> None:
    normal, findings = check_entry(entry, BERLIN, str(tmp_path))
    assert normal == {}
    assert len(findings) == 1
    assert findings[0][0] == field
    assert words in findings[0][1]


def test_all_that_is_wrong_with_one_entry() -> None:
    _normal, findings = check_entry({"start": "x", "rrule": "y", "duration": "z"}, BERLIN, ".")
    assert [finding[0] for finding in findings] == ["start", "duration", "rrule"]


def test_ical_file(tmp_path: Path) -> None:
    path = tmp_path / "freeze.ics"
    path.write_bytes(ICAL)
    assert check_entry({"ical": "freeze.ics"}, BERLIN, str(tmp_path)) == ({"ical": str(path)}, [])
    path.write_bytes(ICAL[:-20])
    _normal, findings = check_entry({"ical": "freeze.ics"}, BERLIN, str(tmp_path))
    assert [finding[0] for finding in findings] == ["ical"]
    path.write_bytes(b"hello\n")
    _normal, findings = check_entry({"ical": "freeze.ics"}, BERLIN, str(tmp_path))
    assert [finding[0] for finding in findings] == ["ical"]


@pytest.mark.parametrize("name", ["Europe/Wuppertal", "", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_no_time_zone(name: str) -> None:
    assert time_zone(name) is None
