# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the chart."""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.chart import (
    LABEL,
    WIDTH,
    Band,
    Bar,
    Lane,
    gantt,
    legend,
)

BEGIN = dt.datetime(2026, 11, 22, 20, 0, tzinfo=dt.UTC).timestamp()


def parse(svg: str) -> ET.Element:
    """Return the SVG as XML: it must be well-formed."""
    return ET.fromstring(svg)


def band(**more: object) -> Band:
    """A band with one host that works twice."""
    bars = [
        Bar(BEGIN + 600, BEGIN + 1200, "stop", "S/h/D00/stop", True),
        Bar(BEGIN + 1800, BEGIN + 2400, "start", "up"),
    ]
    return Band("SYS", "note", lanes=[Lane("host", "note", bars)], **more)


def rects(svg: str, name: str) -> list[tuple[float, float]]:
    """Return (x, width) of the rectangles of a class."""
    return [
        (float(one.attrib["x"]), float(one.attrib["width"]))
        for one in parse(svg).iter("rect")
        if name in one.attrib.get("class", "").split()
    ]


def test_bars_stand_where_time_says() -> None:
    svg = gantt([band()], begin=BEGIN, end=BEGIN + 3600)
    scale = (WIDTH - LABEL - 12) / 3600
    ((x, width),) = rects(svg, "k-stop")
    assert x == pytest.approx(LABEL + 600 * scale, abs=0.2) and width == pytest.approx(600 * scale, abs=0.2)
    assert rects(svg, "crit") == rects(svg, "k-stop")
    assert len(re.findall(r'fill="url\(#wait\)"', svg)) == 1  # between the two bars
    assert "■" in svg and "▶" in svg  # not by colour alone


def test_windows_blackouts_marks_and_lines() -> None:
    one = band(
        windows=[(BEGIN + 300, BEGIN + 3000, "window")],
        blackouts=[(BEGIN + 3000, BEGIN + 9000, "freeze")],
        marks=[(BEGIN + 1300, "no return")],
        turns=[(BEGIN + 2000, "turn back")],
    )
    svg = gantt(
        [one],
        begin=BEGIN,
        end=BEGIN + 3600,
        now=BEGIN + 60,
        path=[("host", BEGIN + 600, BEGIN + 1200), ("host", BEGIN + 1800, BEGIN + 2400)],
    )
    found = [one.attrib.get("class") for one in parse(svg).iter()]
    assert found.count("edge") == 2 and found.count("win") == 1 and found.count("mark") == 1
    assert found.count("turn") == 1 and found.count("now") == 1 and found.count("critline") == 1
    assert "freeze" in svg
    assert all(x >= LABEL - 1 and x + width <= WIDTH for x, width in rects(svg, "win"))


def test_what_lies_outside_the_picture_is_left_out() -> None:
    one = band(windows=[(BEGIN - 9000, BEGIN - 8000, "past")], turns=[(BEGIN + 99999, "later")])
    svg = gantt([one], begin=BEGIN, end=BEGIN + 3600, now=BEGIN - 5)
    found = [one.attrib.get("class") for one in parse(svg).iter()]
    assert "win" not in found and "turn" not in found and "now" not in found


def test_times_are_shown_in_the_zone_and_labels_are_escaped() -> None:
    evil = Band("<b>&", "\"'", lanes=[Lane("<i>", "&", [Bar(BEGIN, BEGIN + 60, "patch", "<script>")]), Lane("x")])
    svg = gantt([evil], begin=BEGIN, end=BEGIN + 7200, zone=ZoneInfo("Asia/Kolkata"), title="<t>")
    parse(svg)
    assert "02:00" in svg and "Asia/Kolkata" in svg and "<script>" not in svg


def test_nothing_at_all_is_still_a_picture() -> None:
    parse(gantt([], begin=BEGIN, end=BEGIN))
    parse(legend())
