# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about windows and blackouts in plans."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import PlanRefused, plan_again, plan_difference
from tests.unit.plugins.plugin_utils._plan.landscapes import NOW, Builder, group

EARLY = {"start": "2026-11-22T20:00", "end": "2026-11-22T23:00"}
LATE = {"start": "2026-11-22T23:30", "end": "2026-11-23T04:00"}


def pair(*, linked: bool = True) -> Builder:
    """Two systems, one on the other."""
    build = Builder().system("HDB", "hana").instance("HDB", "db", "HDB00", "hana")
    return build.system("PRD", "abap", ["HDB"] if linked else []).instance("PRD", "app", "D00")


def with_windows(build: Builder, **windows: str) -> Builder:
    """Give systems their windows."""
    build.calendar("early", "window", EARLY).calendar("late", "window", LATE)
    for system, name in windows.items():
        build.data["systems"][system]["windows"] = [name]
    return build


def test_windows_that_never_overlap_are_refused_with_both_names() -> None:
    ((subject, words),) = with_windows(pair(), HDB="early", PRD="late").refusal().items()
    assert subject == "HDB+PRD" and "never overlap" in words and "early" in words and "late" in words


def test_unrelated_systems_each_take_their_own_window() -> None:
    plan = with_windows(pair(linked=False), HDB="late", PRD="early").plan()
    assert plan["hosts"] == ["app", "db"]  # the window that closes first goes first
    assert group(plan, "app")["start"] == 8 * 3600.0 and group(plan, "db")["start"] == 11.5 * 3600.0
    assert plan["lower_bound"] <= plan["makespan"]


def test_windows_of_one_system_add_up_and_the_first_long_enough_is_taken() -> None:
    build = pair()
    build.calendar("short", "window", {"start": "2026-11-22T13:00", "end": "2026-11-22T13:10"})
    build.calendar("early", "window", EARLY)
    build.data["systems"]["HDB"]["windows"] = ["short", "early"]
    plan = build.plan()
    assert plan["groups"][0]["window"]["opens"].startswith("2026-11-22T20:00")
    assert plan["warnings"] == ["No window is open yet: the first admission is possible in 8 h."]


def test_too_short_a_window_is_refused_with_minutes() -> None:
    build = pair().calendar("short", "window", {"start": "2026-11-22T13:00", "end": "2026-11-22T13:10"})
    build.data["systems"]["HDB"]["windows"] = ["short"]
    ((subject, words),) = build.refusal().items()
    assert subject == "HDB+PRD" and "no window of short is longer than 10 min" in words


def test_a_blackout_wins_over_a_window() -> None:
    build = with_windows(pair(), HDB="early")
    build.calendar("freeze", "blackout", {"start": "2026-11-22T20:30", "end": "2026-11-22T22:59"})
    build.data["systems"]["PRD"]["blackouts"] = ["freeze"]
    ((_subject, words),) = build.refusal().items()
    assert "outside the blackouts freeze" in words and "30 min" in words


def test_a_blackout_holds_without_a_window() -> None:
    build = pair().calendar("freeze", "blackout", {"start": "2026-11-22T11:00", "end": "2026-11-22T18:00"})
    build.data["systems"]["PRD"]["blackouts"] = ["freeze"]
    plan = build.plan()
    assert plan["groups"][0]["start"] == 6 * 3600.0
    assert plan["groups"][0]["window"]["source"] == "freeze"
    assert plan["groups"][0]["window"]["closes"].startswith("9999")
    assert plan["groups"][0]["turn_back_by"] is None


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"override": {"reason": "zero day", "by": "night shift"}}, False),
        ({"override": {"reason": "zero day", "by": "night shift"}, "ignore_windows": True}, True),
        ({"override": {"reason": "zero day"}}, True),
        ({"override": {"reason": " ", "by": "night shift"}}, True),
        ({"ignore_windows": True}, True),
    ],
)
def test_an_override_needs_reason_and_name_and_stands_in_the_plan(options: dict[str, object], refused: bool) -> None:
    build = with_windows(pair(), HDB="early")
    build.calendar("freeze", "blackout", {"start": "2026-01-01T00:00", "end": "2099-01-01T00:00"})
    build.data["systems"]["PRD"]["blackouts"] = ["freeze"]
    if refused:
        assert build.refusal(**options)
        return
    plan = build.plan(**options)
    assert plan["groups"][0]["window"] is None and plan["groups"][0]["start"] == 0
    assert plan["options"]["override"] == {"reason": "zero day", "by": "night shift"}
    assert plan["warnings"] == ["Windows and blackouts are overridden by night shift: zero day"]


def test_only_windows_are_ignored_while_no_blackout_holds() -> None:
    build = with_windows(pair(), HDB="early")
    plan = build.plan(override={"reason": "zero day", "by": "night shift"}, ignore_windows=True)
    assert plan["groups"][0]["start"] == 0


def test_what_no_longer_fits_is_foretold() -> None:
    build = Builder().calendar("early", "window", {"start": "2026-11-22T20:00", "end": "2026-11-22T20:40"})
    for number in range(3):
        build.system(f"S0{number}", windows=["early"]).instance(f"S0{number}", f"host{number}", "D00")
    plan = build.plan(batch_size=1, step_seconds={"patch": 300})
    over = [one["over_seconds"] for one in plan["groups"]]
    assert over[0] == 0 and over[1] == 0 and over[2] > 0 or over[1] > 0
    assert any("will be deferred" in words for words in plan["warnings"])


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"windows": ["nowhere"]}, "PRD"),
        ({"windows": ["freeze"]}, "PRD"),
        ({"windows": ["bad"]}, "calendar bad"),
        ({"windows": ["past"]}, "HDB+PRD"),
    ],
)
def test_calendars_that_cannot_serve(change: dict[str, list[str]], subject: str) -> None:
    build = pair().calendar("freeze", "blackout", EARLY).calendar("bad", "window", {"start": "x", "duration": "1h"})
    build.calendar("past", "window", {"start": "2020-01-01T00:00", "duration": "1h"})
    build.data["systems"]["PRD"].update(change)
    assert set(build.refusal()) == {subject}


def test_a_window_across_the_change_of_the_clock() -> None:
    build = pair().calendar(
        "night",
        "window",
        {"rrule": "FREQ=DAILY", "start": "2026-01-01T01:30", "end": "2026-01-01T03:30"},
        zone="Europe/Berlin",
    )
    build.data["systems"]["PRD"]["windows"] = ["night"]
    spring = build.plan(now=dt.datetime(2026, 3, 28, 23, 0, tzinfo=dt.UTC))["groups"][0]["window"]
    assert spring["opens"] == "2026-03-29T00:30:00+00:00" and spring["closes"] == "2026-03-29T01:30:00+00:00"
    autumn = build.plan(now=dt.datetime(2026, 10, 24, 22, 0, tzinfo=dt.UTC))["groups"][0]["window"]
    assert autumn["opens"] == "2026-10-24T23:30:00+00:00" and autumn["closes"] == "2026-10-25T02:30:00+00:00"


def test_the_hash_does_not_change_while_the_window_is_the_same() -> None:
    build = with_windows(pair(), HDB="early")
    hashes = {build.plan(now=NOW + dt.timedelta(hours=hours))["hash"] for hours in (-70, 0, 8, 9)}
    assert len(hashes) == 1


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """A time in November 2026, UTC."""
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=dt.UTC)


def test_who_missed_its_window_may_use_a_later_one_that_is_open_when_the_run_goes_on() -> None:
    weekly = {"rrule": "FREQ=WEEKLY", "start": "2026-11-22T20:00", "end": "2026-11-23T00:00"}
    build = with_windows(pair().calendar("weekly", "window", weekly), HDB="weekly")
    begun = json.loads(json.dumps(build.plan()))
    [name] = [g["name"] for g in begun["groups"]]
    assert begun["groups"][0]["window"]["opens"] == "2026-11-22T20:00:00+00:00"
    needs = begun["groups"][0]["seconds"]
    assert 60 < needs < 3600

    def again(plan: dict[str, Any], time: dt.datetime, **standing: list[str]) -> dict[str, Any]:
        return json.loads(json.dumps(plan_again(plan, build.data, standing, time)))

    for time in (at(22, 21), at(22, 23, 59), at(25, 12), at(29, 19, 59)):
        assert again(begun, time) == begun, "its window is open, or no other one is"
    everybody = begun["hosts"]
    assert again(begun, at(29, 21), in_maintenance=everybody)["hash"] == begun["hash"], "what is down is finished"
    assert again(begun, at(29, 21), through=everybody)["hash"] == begun["hash"]

    later = again(begun, at(29, 21))
    assert later["groups"][0]["window"]["opens"] == "2026-11-29T20:00:00+00:00"
    assert plan_difference(begun, later) == [
        f"{name} had the window 2026-11-22T20:00:00+00:00 to 2026-11-23T00:00:00+00:00 (weekly) and now has "
        "2026-11-29T20:00:00+00:00 to 2026-11-30T00:00:00+00:00 (weekly)"
    ]
    for time in (at(29, 22), at(29, 23, 59)):
        assert again(later, time) == later
        assert again(later, time, in_maintenance=everybody)["hash"] == later["hash"]
    third = again(later, dt.datetime(2026, 12, 6, 20, 30, tzinfo=dt.UTC))
    assert third["groups"][0]["window"]["opens"] == "2026-12-06T20:00:00+00:00"


WORK = {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "start": "2026-01-05T07:00", "end": "2026-01-05T19:00"}
ALWAYS = {"rrule": "FREQ=DAILY", "start": "2024-01-01T00:00", "duration": "24h"}
WEEKDAYS = {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "start": "2026-01-05T00:00", "duration": "24h"}
WEEKEND = {"rrule": "FREQ=WEEKLY;BYDAY=SA", "start": "2026-01-03T00:00", "end": "2026-01-05T00:00"}
FREEZE = {"rrule": "FREQ=YEARLY", "start": "2020-12-18T00:00", "end": "2021-01-07T00:00"}


@pytest.mark.parametrize(
    ("kind", "entries", "zone", "first", "days", "edges"),
    [
        # the reviewer's weekend: outside working hours, planned on Friday evening, run until early on Monday
        ("blackout", [WORK], "Europe/Berlin", "2026-11-20T18:30", 2.4, ("2026-11-20T18:00", "2026-11-23T06:00")),
        ("blackout", [WORK, FREEZE], "UTC", "2026-11-20T20:00", 2.4, ("2026-11-20T19:00", "2026-11-23T07:00")),
        ("blackout", [FREEZE], "UTC", "2026-01-08T00:00", 343, ("2026-01-07T00:00", "2026-12-18T00:00")),
        # windows that touch are one, without an end in sight
        ("window", [ALWAYS], "UTC", "2026-11-20T20:00", 700, ("2024-01-01T00:00", "9999-12-31T00:00")),
        ("window", [WEEKDAYS, WEEKEND], "UTC", "2026-11-20T20:00", 700, ("2026-01-03T00:00", "9999-12-31T00:00")),
        ("window", [WEEKEND], "UTC", "2026-11-16T00:30", 6.9, ("2026-11-21T00:00", "2026-11-23T00:00")),
        ("window", [EARLY], "UTC", "2026-11-01T00:00", 21.8, ("2026-11-22T20:00", "2026-11-22T23:00")),
    ],
)
def test_the_same_window_is_the_same_plan_whenever_it_is_made(
    kind: str, entries: list[dict[str, str]], zone: str, first: str, days: float, edges: tuple[str, str]
) -> None:
    build = pair().calendar("times", kind, *entries, zone=zone)
    build.data["systems"]["PRD"][f"{kind}s"] = ["times"]
    moment = dt.datetime.fromisoformat(first).replace(tzinfo=dt.UTC)
    plans = [build.plan(now=moment + dt.timedelta(days=days * part / 12)) for part in range(13)]
    window = plans[0]["groups"][0]["window"]
    assert (window["opens"][:16], window["closes"][:16]) == edges
    assert {plan["hash"] for plan in plans} == {plans[0]["hash"]}


def test_a_window_of_an_icalendar_file_is_the_same_plan_whenever_it_is_made(tmp_path: Path) -> None:
    text = (
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//test//EN\nBEGIN:VEVENT\nUID:work\nDTSTART:20260105T070000\n"
        "DTEND:20260105T190000\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    (tmp_path / "work.ics").write_text(text.replace("\n", "\r\n"))
    build = pair().calendar("times", "blackout", {"ical": str(tmp_path / "work.ics")})
    build.data["systems"]["PRD"]["blackouts"] = ["times"]
    evening = dt.datetime(2026, 11, 20, 20, 0, tzinfo=dt.UTC)
    assert len({build.plan(now=evening + dt.timedelta(hours=hours))["hash"] for hours in range(0, 58, 6)}) == 1


@pytest.mark.parametrize(
    "entries",
    [
        [{**WORK, "end": "2026-01-05T19:30"}],  # opens later
        [{**WORK, "start": "2026-01-05T06:30"}],  # closes earlier
        [WORK, {"start": "2026-11-21T10:00", "end": "2026-11-21T11:00"}],  # cut in two
        [{"start": "2026-11-20T07:00", "end": "2026-11-20T19:00"}],  # never closes
    ],
)
def test_another_window_is_another_plan(entries: list[dict[str, str]]) -> None:
    hashes = set()
    for chosen in ([WORK], entries):
        build = pair().calendar("times", "blackout", *chosen)
        build.data["systems"]["PRD"]["blackouts"] = ["times"]
        hashes.add(build.plan(now=dt.datetime(2026, 11, 20, 20, 0, tzinfo=dt.UTC))["hash"])
    assert len(hashes) == 2


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_moment_within_a_window_makes_another_plan(data: st.DataObject) -> None:
    """Whatever the calendars are: while the chosen window lasts, the hash stays."""
    entry = st.builds(
        lambda days, start, hours: {
            "rrule": f"FREQ=WEEKLY;BYDAY={','.join(sorted(days))}",
            "start": f"2026-01-0{start // 24 + 1}T{start % 24:02}:00",
            "duration": f"{hours}h",
        },
        st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1),
        st.integers(0, 95),
        st.integers(1, 30),
    )
    build = pair()
    for kind in data.draw(st.sampled_from([("window",), ("blackout",), ("window", "blackout")])):
        entries = data.draw(st.lists(entry, min_size=1, max_size=3))
        build.calendar(kind, kind, *entries, zone=data.draw(st.sampled_from(["UTC", "Europe/Berlin"])))
        build.data["systems"]["PRD"][f"{kind}s"] = [kind]
    first = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(hours=data.draw(st.integers(0, 300 * 24)))
    try:
        plan = build.plan(now=first)
    except PlanRefused:
        assume(False)
    window, seconds = plan["groups"][0]["window"], plan["groups"][0]["seconds"]
    assume(window is not None)
    closes = first + dt.timedelta(days=90)
    if not window["closes"].startswith("9999"):
        closes = min(closes, dt.datetime.fromisoformat(window["closes"]))
    latest = (closes - first).total_seconds() - seconds - 1
    for part in data.draw(st.lists(st.floats(0, 1), min_size=1, max_size=3)):
        later = build.plan(now=first + dt.timedelta(seconds=int(latest * part)))
        assert later["groups"][0]["window"] == window and later["hash"] == plan["hash"]
