# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the page of a plan."""

from __future__ import annotations

import html
import re
import shlex

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import render_html
from tests.unit.plugins.plugin_utils._plan.landscapes import Builder, three_tiers
from tests.unit.plugins.plugin_utils._plan.test_page import parsed


def many(systems: int, hosts: int) -> Builder:
    """Many systems with a database and application hosts each."""
    build = Builder()
    for number in range(systems):
        build.system(f"H{number:03d}", "hana").instance(f"H{number:03d}", f"db{number}", "HDB00", "hana")
        build.system(f"S{number:03d}", "abap", [f"H{number:03d}"])
        for app in range(hosts - 1):
            build.instance(f"S{number:03d}", f"app{number}-{app}", "D00")
    return build


def test_the_page_shows_what_a_person_approves() -> None:
    plan = three_tiers().plan(patch_level="2026-12", canary=[])
    document = render_html(plan)
    parsed(document)
    assert f"ansible-playbook basis.landscape.patch_landscape -e approved={plan['hash']}" in document
    for text in ("HDB+PRD+WDP", "app1", "PRD/app1/D02/stop", "Critical path", "2026-12"):
        assert text in document
    assert len(re.findall(r'class="b k-stop', document)) == 5


def test_the_command_on_the_page_repeats_what_the_plan_was_made_with() -> None:
    arguments = ["-i", "my inventory", "--limit", "web:&prod", "--forks", "50", "-e", '{"landscape_canary": ["<QAS>"]}']
    plan = three_tiers().plan() | {"arguments": arguments, "not_repeated": ["os_patch_security", "rfc_password"]}
    document = render_html(plan)
    parsed(document)
    (shown,) = re.findall(r'class="command">(.*?)</', document)
    words = shlex.split(html.unescape(shown))
    assert words == ["ansible-playbook", *arguments, *words[-3:]]
    assert words[-3:] == ["basis.landscape.patch_landscape", "-e", f"approved={plan['hash']}"]
    assert "os_patch_security, rfc_password" in document


def test_nothing_is_fetched_and_nothing_runs() -> None:
    document = render_html(three_tiers().plan())
    assert not re.search(r"<script|<link|<img|<iframe|https?://|@import|\son\w+=", document)


def test_names_from_the_cmdb_are_escaped() -> None:
    evil = "<img src=x onerror=alert(1)>"
    build = three_tiers().system(evil).instance(evil, evil, "D00").host(evil, os=evil, owner=evil, environment=evil)
    document = render_html(build.plan(override={"reason": evil, "by": evil}))
    parsed(document)
    assert "<img" not in document


def test_windows_are_shown_in_their_own_zone() -> None:
    build = three_tiers().calendar(
        "night", "window", {"start": "2026-11-22T22:00", "end": "2026-11-23T02:00"}, zone="Europe/Berlin"
    )
    build.calendar("freeze", "blackout", {"start": "2026-11-23T01:00", "end": "2026-11-24T01:00"}, zone="Europe/Berlin")
    build.data["systems"]["PRD"].update(windows=["night"], blackouts=["freeze"])
    document = render_html(build.plan())
    assert "Sun 22 Nov 22:00–01:00" in document and "Europe/Berlin" in document
    assert "blackout freeze of PRD" in document and "last minute to turn back" in document


def test_an_edge_of_another_year_is_shown_with_it() -> None:
    build = three_tiers().calendar(
        "days", "window", {"rrule": "FREQ=DAILY", "start": "2024-01-01T00:00", "duration": "24h"}
    )
    build.data["systems"]["PRD"].update(windows=["days"])
    assert "from Mon 01 Jan 2024 00:00" in render_html(build.plan())
    build.calendar("days", "window", {"start": "2026-11-22T12:00", "end": "2027-01-03T00:00"})
    assert "Sun 22 Nov 2026 12:00–Sun 03 Jan 2027 00:00" in render_html(build.plan())


def test_work_on_two_days_gets_two_charts() -> None:
    build = Builder().system("AAA", windows=["one"]).instance("AAA", "a", "D00")
    build.system("BBB", windows=["two"]).instance("BBB", "b", "D00")
    build.calendar("one", "window", {"start": "2026-11-22T20:00", "duration": "4h"})
    build.calendar("two", "window", {"start": "2026-11-29T20:00", "duration": "4h"})
    assert render_html(build.plan()).count('<svg class="gantt"') == 2


@pytest.mark.parametrize(("systems", "hosts", "most"), [(40, 5, 2_000_000), (300, 10, 5_000_000)])
def test_large_landscapes_still_fit_on_a_page(systems: int, hosts: int, most: int) -> None:
    document = render_html(many(systems, hosts).plan(batch_size=20))
    assert len(document.encode()) < most


def test_stop_and_start_have_pages_too() -> None:
    for procedure in ("stop", "start"):
        plan = three_tiers().plan(procedure=procedure)
        assert f"basis.landscape.{procedure}_landscape" in render_html(plan)
