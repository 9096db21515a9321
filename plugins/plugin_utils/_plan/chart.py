# SPDX-License-Identifier: GPL-3.0-or-later
"""How work over time is drawn: a Gantt chart as SVG."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.page import Markup, text

#: What stands in a bar besides its colour.
GLYPHS = {
    "admit": "",
    "check_backup": "⛁",
    "silence": "",
    "suspend_jobs": "‖",
    "stop": "■",
    "patch": "✚",
    "reboot": "↻",
    "start": "▶",
    "verify": "✓",
    "release_jobs": "»",
    "unsilence": "",
    "backup": "⛁",
    "clean_backups": "⌫",
    "failed": "✕",
}

#: What a reader sees in the legend: kind, words.
LEGEND = (
    ("stop", "stop"),
    ("patch", "patch"),
    ("reboot", "reboot"),
    ("start", "start"),
    ("verify", "verify"),
    ("suspend_jobs", "suspend jobs"),
    ("release_jobs", "release jobs"),
    ("backup", "backup"),
    ("clean_backups", "remove old backups"),
    ("admit", "admit, silence, unsilence"),
)

WIDTH = 1280
LABEL = 250
LANE = 20
HEAD = 30
AXIS = 34
GAP = 5


@dataclass
class Bar:
    """One piece of work; ``start`` and ``end`` are seconds since the epoch."""

    start: float
    end: float
    kind: str
    title: str
    critical: bool = False


@dataclass
class Lane:
    """One line of work, drawn left to right; gaps between its bars are drawn as waits."""

    label: str
    note: str = ""
    bars: list[Bar] = field(default_factory=list)
    waits: bool = True


@dataclass
class Band:
    """Lanes that belong together under one heading, before the same window; a single lane stands without heading.

    ``windows`` and ``blackouts`` are (start, end, title); ``marks`` are (time, title) of points of no return;
    ``turns`` are (time, title) of the last moments to turn back.
    """

    label: str
    note: str = ""
    tone: str = ""
    lanes: list[Lane] = field(default_factory=list)
    windows: list[tuple[float, float, str]] = field(default_factory=list)
    blackouts: list[tuple[float, float, str]] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)
    turns: list[tuple[float, str]] = field(default_factory=list)

    @property
    def head(self) -> int:
        """Height of the heading, in units of the picture."""
        return HEAD if len(self.lanes) != 1 or self.lanes[0].label != self.label else 2

    @property
    def height(self) -> int:
        """Height of heading and lanes."""
        return self.head + LANE * len(self.lanes)


def legend(*, planned: bool = True) -> Markup:
    """Return what colours, symbols and lines mean."""
    items = []
    for kind, words in LEGEND:
        items.append((f'<rect class="k-{kind}" width="22" height="14" rx="3"/>{_glyph(11, 11, GLYPHS[kind])}', words))
    items.append(('<rect width="22" height="14" rx="3" fill="url(#wait)"/>', "waits"))
    items.append(('<rect class="win" width="22" height="14"/><path class="edge" d="M0 0V14M22 0V14"/>', "window"))
    items.append(('<rect class="black" width="22" height="14"/>', "blackout"))
    if planned:
        items.append(('<rect class="k-stop crit" x="1" y="1" width="20" height="12" rx="3"/>', "critical path"))
        items.append(('<path class="mark" d="M11 1l6 6-6 6-6-6z"/>', "point of no return"))
        items.append(('<path class="turn" d="M11 0V14"/>', "last minute to turn back"))
    return Markup(
        '<div class="legend">'
        + "".join(
            f'<span><svg width="22" height="14" viewBox="0 0 22 14">{shape}</svg>{text(words)}</span>'
            for shape, words in items
        )
        + "</div>"
    )


def gantt(
    bands: Sequence[Band],
    *,
    begin: float,
    end: float,
    zone: dt.tzinfo = dt.UTC,
    now: float | None = None,
    path: Iterable[tuple[str, float, float]] = (),
    title: str = "",
) -> Markup:
    """Return the chart of ``bands`` between two times (seconds since the epoch) as one SVG element.

    ``path`` is the critical path as (label of the lane, start, end); ``now`` draws a line. Times are shown in ``zone``.
    """
    end = max(end, begin + 60)
    scale = (WIDTH - LABEL - 12) / (end - begin)

    def x(moment: float) -> float:
        return round(LABEL + (min(max(moment, begin), end) - begin) * scale, 1)

    height = AXIS + sum(band.height + GAP for band in bands) + 4
    out = [
        f'<svg class="gantt" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{text(title)}">',
        '<defs><pattern id="wait" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path d="M0 0V6" stroke="var(--wait)" stroke-width="2.4"/></pattern>'
        '<pattern id="black" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
        '<rect width="7" height="7" fill="var(--black)"/><path d="M0 0V7" stroke="var(--bad)" stroke-width="1"/>'
        "</pattern></defs>",
    ]
    y = AXIS
    rows: dict[str, float] = {}
    body: list[str] = []
    back: list[str] = []
    for band in bands:
        tall = band.height
        body.append(_band_head(band, y) if band.head == HEAD else f'<path class="headline" d="M0 {y}H{WIDTH}"/>')
        for start, stop, words in band.windows:
            if stop > begin and start < end:
                left, right = x(start), x(stop)
                back.append(
                    f'<rect class="win" x="{left}" y="{y}" width="{round(right - left, 1)}" height="{tall}">'
                    f"<title>{text(words)}</title></rect>"
                )
                edges = [edge for edge, moment in ((left, start), (right, stop)) if begin < moment < end]
                back += [f'<path class="edge" d="M{edge} {y}v{tall}"/>' for edge in edges]
        for start, stop, words in band.blackouts:
            if stop > begin and start < end:
                back.append(
                    f'<rect x="{x(start)}" y="{y}" width="{round(x(stop) - x(start), 1)}" height="{tall}" '
                    f'fill="url(#black)"><title>{text(words)}</title></rect>'
                )
        for number, lane in enumerate(band.lanes):
            top = y + band.head + LANE * number
            rows[lane.label] = top + LANE / 2
            body.append(_lane(lane, top, x, begin, end))
        for moment, words in band.turns:
            if begin <= moment <= end:
                body.append(f'<path class="turn" d="M{x(moment)} {y}v{tall}"><title>{text(words)}</title></path>')
        for moment, words in band.marks if band.head == HEAD else ():
            if begin <= moment <= end:
                shape = f"M{x(moment)} {y + HEAD - 15}l6 6-6 6-6-6z"
                body.append(f'<path class="mark" d="{shape}"><title>{text(words)}</title></path>')
        y += tall + GAP
    out += back
    out.append(_axis(begin, end, height, x, zone))
    out += body
    points = []
    for label, start, stop in path:
        if label in rows and stop >= begin and start <= end:
            points.append(f"{x(start)},{rows[label]} {x(stop)},{rows[label]}")
    if len(points) > 1:
        out.append(f'<polyline class="critline" points="{" ".join(points)}"/>')
    if now is not None and begin <= now <= end:
        out.append(f'<path class="now" d="M{x(now)} {AXIS - 8}V{height}"><title>now</title></path>')
    out.append("</svg>")
    return Markup("".join(out))


def _glyph(x: float, y: float, glyph: str) -> str:
    return f'<text class="glyph" x="{x}" y="{y}" font-size="10">{glyph}</text>' if glyph else ""


def _band_head(band: Band, y: float) -> str:
    return (
        f'<path class="headline" d="M0 {y}H{WIDTH}"/>'
        f'<rect class="head" x="0" y="{y}" width="{LABEL - 6}" height="{HEAD}"/>'
        f'<text x="8" y="{y + 13}" font-size="12.5" font-weight="700">{text(_short(band.label, 34))}'
        f"<title>{text(band.label)}</title></text>"
        f'<text class="dim" x="8" y="{y + 25}" font-size="10">{text(_short(band.note, 44))}'
        f"<title>{text(band.note)}</title></text>"
    )


def _lane(lane: Lane, top: float, x, begin: float, end: float) -> str:  # type: ignore[no-untyped-def]
    middle = top + LANE / 2
    parts = [
        f'<text x="14" y="{middle + 4}" font-size="11">{text(_short(lane.label, 26))}'
        f"<title>{text(lane.label)}</title></text>",
        f'<text class="dim" x="{LABEL - 10}" y="{middle + 4}" font-size="9.5" text-anchor="end">'
        f"{text(_short(lane.note, 18))}<title>{text(lane.note)}</title></text>",
    ]
    before: float | None = None
    for piece in lane.bars:
        if piece.end < begin or piece.start > end:
            continue
        left, right = x(piece.start), x(piece.end)
        if lane.waits and before is not None and piece.start > before:
            start = x(before)
            if left - start >= 1:
                parts.append(
                    f'<rect x="{start}" y="{top + 6}" width="{round(left - start, 1)}" height="{LANE - 12}" '
                    f'fill="url(#wait)"><title>waits before {text(piece.title)}</title></rect>'
                )
        wide = max(round(right - left, 1), 0.8)
        parts.append(
            f'<rect class="b k-{piece.kind}{" crit" if piece.critical else ""}" '
            f'x="{left}" y="{top + 3}" width="{wide}" '
            f'height="{LANE - 6}" rx="{2 if wide > 5 else 0}"><title>{text(piece.title)}</title></rect>'
        )
        if wide >= 12:
            parts.append(_glyph(round(left + wide / 2, 1), middle + 4, GLYPHS.get(piece.kind, "")))
        before = piece.end
    return "".join(parts)


def _short(value: str, most: int) -> str:
    return value if len(value) <= most else value[: most - 1] + "…"


_TICKS = (60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


def _axis(begin: float, end: float, height: float, x, zone: dt.tzinfo) -> str:  # type: ignore[no-untyped-def]
    tick = next((step for step in _TICKS if (end - begin) / step <= 12), _TICKS[-1])
    first = dt.datetime.fromtimestamp(begin, zone)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    moment = midnight + ((begin - midnight) // tick + 1) * tick
    parts = []
    day = None
    while moment <= end:
        local = dt.datetime.fromtimestamp(moment, zone)
        at = x(moment)
        words = local.strftime("%H:%M")
        parts.append(f'<path class="grid" d="M{at} {AXIS - 6}V{height}"/>')
        if at < WIDTH - 30:
            parts.append(
                f'<text class="dim" x="{at}" y="{AXIS - 10}" font-size="11" text-anchor="middle">{words}</text>'
            )
        if local.date() != day and at < WIDTH - 60:
            day = local.date()
            date = local.strftime("%a %d %b")
            parts.append(f'<text x="{at}" y="{AXIS - 22}" font-size="10.5" text-anchor="middle">{date}</text>')
        moment += tick
    name = first.tzname() or "UTC"
    parts.append(f'<text class="dim" x="8" y="{AXIS - 10}" font-size="10.5">{text(f"times in {zone} ({name})")}</text>')
    return "".join(parts)
