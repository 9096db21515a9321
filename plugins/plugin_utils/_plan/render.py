# SPDX-License-Identifier: GPL-3.0-or-later
"""How a plan is shown to the person who approves it."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.chart import Band, Bar, Lane, gantt, legend
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.page import (
    Markup,
    command,
    notes,
    page,
    pill,
    section,
    table,
    text,
    tiles,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import KINDS
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.windows import NO_CLOSING, NO_OPENING, minutes

#: With more hosts than this, the chart shows one lane per group, with its phases.
MOST_HOST_LANES = 260

#: Work that begins this long after all earlier work is over gets a chart of its own.
GAP = 6 * 3600.0

#: A window's end is shown when the chart gets no longer than this many times the work for it.
MOST_EMPTY = 3

#: More rows than this are folded.
MOST_OPEN_ROWS = 60

_PHASES = tuple(kind for kind in KINDS if kind != "admit")

#: Procedures whose playbook is not named after a landscape.
_PLAYBOOKS = {"backup": "backup_databases", "clean_backups": "clean_backups"}


def approve_command(plan: Mapping[str, Any]) -> str:
    """Return the command line that runs exactly this plan, with the ``arguments`` that it was made with."""
    return playbook_command(plan["procedure"], plan.get("arguments") or (), f"approved={plan['hash']}")


def playbook_command(procedure: str, arguments: Sequence[str], variable: str) -> str:
    """Return the command line that does ``procedure``, with an extra variable (``name=value``)."""
    playbook = _PLAYBOOKS.get(procedure, f"{procedure}_landscape")
    return shlex.join(["ansible-playbook", *arguments, f"basis.landscape.{playbook}", "-e", variable])


def not_repeated(plan: Mapping[str, Any]) -> list[str]:
    """Return in words, one sentence or none, what `approve_command` leaves out: ``not_repeated`` of the plan."""
    names = plan.get("not_repeated")
    return (
        [f"With these extra variables, too, whose values are not repeated here: {', '.join(names)}."] if names else []
    )


def render_html(plan: Mapping[str, Any], *, now: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the plan as one self-contained page.

    ``now`` says of systems who works in them as the page is made: ``sid``, ``host``, ``users``, ``running``,
    ``released``, each in words.
    """
    created = dt.datetime.fromisoformat(plan["created"]).timestamp()
    zone = _zone(plan)
    systems = sorted({name for group in plan["groups"] for name in group["systems"]})
    title = f"{plan['procedure'].capitalize()} {_count(len(plan['hosts']), 'host')} in {_count(len(systems), 'system')}"
    work = _work(plan)
    least = max(plan["lower_bound"] - work[0], 1.0)
    body = [
        '<p class="soft small">basis.landscape &middot; plan</p>',
        f"<h1>{text(title)}</h1>",
        f'<p class="soft">Made {text(_moment(created, zone))}; nothing has been touched.</p>',
        tiles(
            [
                (len(plan["hosts"]), "hosts"),
                (len(systems), "systems"),
                (len(plan["groups"]), "admitted as one"),
                (minutes(work[1] - work[0]), "predicted, first to last step"),
                *_tile(created + work[0], "first admission", zone),
                *_tile(created + work[1], "last step ends", zone),
                (f"{max(work[1] - work[0], 1.0) / least:.2f} ×", f"the lower bound, {minutes(least)}"),
                (plan["forks_needed"], "forks needed at least"),
            ]
        ),
        _approval(plan),
        notes(plan["warnings"]),
        _now(now),
        section("When what happens", _charts(plan, created, zone)),
        section("In order of admission", _groups(plan, created, zone)),
        section("Critical path", _critical(plan, created, zone), folded=len(plan["critical_path"]) > 24),
        section("Hosts", _hosts(plan, created, zone), folded=len(plan["hosts"]) > MOST_OPEN_ROWS),
        section("Limits and options", _limits(plan)),
    ]
    return page(f"Plan: {title}", "\n".join(body), footer=f"Plan {plan['hash']} made {plan['created']}")


def _now(systems: Sequence[Mapping[str, Any]]) -> str:
    """Return who would be disturbed if it began now."""
    if not systems:
        return ""
    keys = ("sid", "host", "users", "running", "released")
    headers = ("system", "asked", "users logged on", "jobs that run", "jobs to hold back")
    return section("Who works in the systems now", table(headers, ([row[key] for key in keys] for row in systems)))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _zone(plan: Mapping[str, Any]) -> dt.tzinfo:
    try:
        return ZoneInfo(plan.get("timezone") or "UTC")
    except Exception:  # a plan from elsewhere may name a zone that this machine lacks; the times are right in UTC
        return dt.UTC


def _moment(seconds: float, zone: dt.tzinfo) -> str:
    return dt.datetime.fromtimestamp(seconds, zone).strftime("%a %d %b %H:%M")


def _tile(seconds: float, what: str, zone: dt.tzinfo) -> list[tuple[str, str]]:
    moment = dt.datetime.fromtimestamp(seconds, zone)
    return [(moment.strftime("%H:%M"), f"{what}, {moment:%a %d %b}")]


def _clock(value: str | None, zone: dt.tzinfo) -> str | None:
    return _moment(dt.datetime.fromisoformat(value).timestamp(), zone) if value else None


def _work(plan: Mapping[str, Any]) -> tuple[float, float]:
    """Return when the first group is admitted and when the last step ends, in seconds after the start of the plan."""
    return min((group["start"] for group in plan["groups"]), default=0.0), plan["makespan"]


def _approval(plan: Mapping[str, Any]) -> str:
    return (
        '<div class="card"><b>Approve exactly this plan</b>'
        f"{command(approve_command(plan))}"
        f"{''.join(f'<p>{text(words)}</p>' for words in not_repeated(plan))}"
        '<p class="soft small">The run refuses to start when hosts, order, steps, gates, limits, windows or the patch '
        f'level have changed since. Hash <span class="mono">{text(plan["hash"])}</span></p></div>'
    )


def _edges(group: Mapping[str, Any]) -> tuple[float, float] | None:
    if not group["window"]:
        return None
    opens = dt.datetime.fromisoformat(group["window"]["opens"]).timestamp()
    closes = dt.datetime.fromisoformat(group["window"]["closes"]).timestamp()
    return opens, closes


def _slack(plan: Mapping[str, Any], group: Mapping[str, Any], created: float) -> Markup:
    """Return how much time is left in the window after the predicted end."""
    edges = _edges(group)
    if edges is None or group["window"]["closes"] == NO_CLOSING:
        return pill("no window" if edges is None else "fits", "" if edges is None else "good")
    left = edges[1] - created - group["end"]
    if left < 0:
        return pill(f"✕ {minutes(-left)} over", "bad")
    tight = left < 0.15 * max(group["seconds"], 1.0)
    return pill(f"{'! ' if tight else '✓ '}{minutes(left)} left", "warn" if tight else "good")


def _window_words(group: Mapping[str, Any], zone: dt.tzinfo) -> str | None:
    window = group["window"]
    if not window:
        return None
    return f"{_span(window, zone)} ({window['source']})"


def _span(window: Mapping[str, str], zone: dt.tzinfo) -> str:
    """Return a window in few words; the day is said again only when it is another one, the year likewise."""
    first, last = (dt.datetime.fromisoformat(window[edge]).astimezone(zone) for edge in ("opens", "closes"))
    if window["opens"] == NO_OPENING:
        return "any time" if window["closes"] == NO_CLOSING else f"until {last:%a %d %b %H:%M}"
    if window["closes"] == NO_CLOSING:
        return f"from {first:%a %d %b %Y %H:%M}"
    if first.year != last.year:
        return f"{first:%a %d %b %Y %H:%M}–{last:%a %d %b %Y %H:%M}"
    same = last - first < dt.timedelta(hours=20)
    return f"{first:%a %d %b %H:%M}–{last:%H:%M}" if same else f"{first:%a %d %b %H:%M}–{last:%a %d %b %H:%M}"


def _window_cell(group: Mapping[str, Any], zone: dt.tzinfo) -> Markup | None:
    window = group["window"]
    if not window:
        return None
    return Markup(f'{text(_span(window, zone))}<br><span class="soft small">{text(window["source"])}</span>')


def _charts(plan: Mapping[str, Any], created: float, zone: dt.tzinfo) -> str:
    """Return one chart for each stretch of work, so that days without work take no room."""
    groups = sorted(plan["groups"], key=lambda group: group["start"])
    stretches: list[list[Mapping[str, Any]]] = []
    until = 0.0
    for group in groups:
        if not stretches or group["start"] > until + GAP:
            stretches.append([])
        stretches[-1].append(group)
        until = max(until, group["end"])
    by_host = len(plan["hosts"]) <= MOST_HOST_LANES
    position = {group["name"]: number for number, group in enumerate(plan["groups"])}
    parts: list[str] = [legend()]
    for stretch in stretches:
        stretch.sort(key=lambda group: position[group["name"]])
        begin = min(group["start"] for group in stretch)
        end = max(group["end"] for group in stretch)
        room = max(60.0, 0.03 * (end - begin))
        edges = [_edges(group) for group in stretch]
        near = [
            edge[1] - created for edge in edges if edge and end < edge[1] - created <= end + MOST_EMPTY * (end - begin)
        ]
        path = [
            (host, created + step["start"], created + step["end"])
            for host, name in plan["critical_path"]
            for step in plan["steps"][host]
            if step["step"] == name
        ]
        if len(stretches) > 1:
            parts.append(f"<h3>{text(_moment(created + begin, zone))} to {text(_moment(created + end, zone))}</h3>")
        bands = [_band(plan, group, created, zone, by_host) for group in stretch]
        chart = gantt(
            bands,
            begin=created + begin - room,
            end=created + max([end, *near]) + room,
            zone=zone,
            now=created,
            path=path if by_host else (),
            title="Predicted steps of each host over time",
        )
        parts.append(f'<div class="scroll">{chart}</div>')
    return "".join(parts)


def _band(plan: Mapping[str, Any], group: Mapping[str, Any], created: float, zone: dt.tzinfo, by_host: bool) -> Band:
    edges = _edges(group)
    band = Band(label=group["name"], note=_band_note(group, zone))
    if edges:
        band.windows.append((*edges, f"window {_window_words(group, zone)}"))
    for system in group["systems"]:
        for start, end, name in (plan.get("calendar") or {}).get(system, {}).get("blackouts", []):
            span = (dt.datetime.fromisoformat(start).timestamp(), dt.datetime.fromisoformat(end).timestamp())
            if not any((a, b) == span for a, b, _title in band.blackouts):
                band.blackouts.append((*span, f"blackout {name} of {system}"))
    if group["turn_back_by"]:
        moment = dt.datetime.fromisoformat(group["turn_back_by"]).timestamp()
        band.turns.append((moment, f"last minute to turn back: {_moment(moment, zone)}"))
    if group["point_of_no_return"]:
        moment = dt.datetime.fromisoformat(group["point_of_no_return"]).timestamp()
        band.marks.append((moment, f"point of no return: {_moment(moment, zone)}"))
    if by_host:
        for host in group["hosts"]:
            shown = [step for step in plan["steps"][host] if step["end"] > step["start"]]
            band.lanes.append(Lane(host, _host_note(plan, host), [_bar(step, created, zone) for step in shown]))
    else:
        band.lanes.append(
            Lane(_count(len(group["hosts"]), "host"), "", _phases(plan, group, created, zone), waits=False)
        )
    return band


def _band_note(group: Mapping[str, Any], zone: dt.tzinfo) -> str:
    parts = ["canary" if group["canary"] else "", minutes(group["seconds"])]
    parts.append(_span(group["window"], zone) if group["window"] else "no window")
    return " · ".join(part for part in parts if part)


def _host_note(plan: Mapping[str, Any], host: str) -> str:
    facts = (plan.get("host_facts") or {}).get(host) or {}
    return " ".join(part for part in ("+".join(facts.get("systems") or []), facts.get("tier") or "") if part)


def _bar(step: Mapping[str, Any], created: float, zone: dt.tzinfo) -> Bar:
    start, end = created + step["start"], created + step["end"]
    words = f"{step['label']}: {_moment(start, zone)}, {minutes(step['seconds'])}"
    return Bar(
        start, end, step["kind"], words + (", on the critical path" if step["critical"] else ""), step["critical"]
    )


def _phases(plan: Mapping[str, Any], group: Mapping[str, Any], created: float, zone: dt.tzinfo) -> list[Bar]:
    """Return one bar for each phase of a group: from the middle of its first to the end of its last step."""
    starts: dict[str, float] = {}
    ends: dict[str, float] = {}
    critical: set[str] = set()
    for host in group["hosts"]:
        for step in plan["steps"][host]:
            kind = step["kind"]
            starts[kind] = min(starts.get(kind, step["start"]), step["start"])
            ends[kind] = max(ends.get(kind, step["end"]), step["end"])
            if step["critical"]:
                critical.add(kind)
    bars = []
    until = float("-inf")
    for kind in _PHASES:
        if kind in starts and ends[kind] > max(until, starts[kind]):
            start = created + max(until, starts[kind])
            end = created + ends[kind]
            bars.append(Bar(start, end, kind, f"{group['name']} {kind}: {_moment(start, zone)}", kind in critical))
            until = ends[kind]
    return bars


def _groups(plan: Mapping[str, Any], created: float, zone: dt.tzinfo) -> str:
    rows = []
    for number, group in enumerate(plan["groups"], 1):
        name: Any = Markup(f"<b>{text(group['name'])}</b>" + (f" {pill('canary', 'warn')}" if group["canary"] else ""))
        rows.append(
            (
                number,
                name,
                len(group["hosts"]),
                _moment(created + group["start"], zone),
                _moment(created + group["end"], zone),
                minutes(group["seconds"]),
                _window_cell(group, zone),
                _slack(plan, group, created),
                _clock(group["point_of_no_return"], zone),
                _clock(group["turn_back_by"], zone),
                Markup("<br>".join(text(f"{key} {value}") for key, value in group["needs"].items()) or "&ndash;"),
            )
        )
    headers = (
        "#",
        "systems",
        "hosts",
        "admitted",
        "ends",
        "takes",
        "window",
        "fits",
        "point of no return",
        "turn back by",
        "needs",
    )
    return table(headers, rows, "n ntttt ttt")


def _critical(plan: Mapping[str, Any], created: float, zone: dt.tzinfo) -> str:
    rows: list[tuple[Any, ...]] = []
    before = 0.0
    for host, name in plan["critical_path"]:
        step = next(step for step in plan["steps"][host] if step["step"] == name)
        waited = step["start"] - before
        rows.append(
            (
                _moment(created + step["start"], zone),
                step["label"],
                minutes(step["seconds"]),
                minutes(waited) if waited > 1 and rows else None,
            )
        )
        before = step["end"]
    lead = '<p class="soft small">Only a shorter step on this list ends the run earlier.</p>'
    return lead + table(("starts", "step", "takes", "after waiting"), rows, "t nn")


def _hosts(plan: Mapping[str, Any], created: float, zone: dt.tzinfo) -> str:
    rows = []
    all_facts = plan.get("host_facts") or {}
    for group in plan["groups"]:
        for host in group["hosts"]:
            steps = plan["steps"][host]
            facts = all_facts.get(host) or {}
            stops = [step["start"] for step in steps if step["kind"] in ("stop", "reboot", "patch") and step["seconds"]]
            ups = [step["end"] for step in steps if step["kind"] in ("start", "reboot") and step["seconds"]]
            work = sum(step["seconds"] for step in steps)
            span = steps[-1]["end"] - steps[0]["start"] if steps else 0.0
            rows.append(
                (
                    host,
                    "+".join(facts.get("systems") or []) or None,
                    facts.get("tier"),
                    facts.get("environment"),
                    facts.get("os"),
                    facts.get("patch_level"),
                    _moment(created + min(stops), zone) if stops else None,
                    minutes(max(ups) - min(stops)) if stops and ups else None,
                    minutes(work),
                    minutes(max(0.0, span - work)),
                )
            )
    headers = (
        "host",
        "systems",
        "tier",
        "environment",
        "OS",
        "patch level",
        "down from",
        "down for",
        "works",
        "waits",
    )
    return table(headers, rows, "      tnnn")


def _limits(plan: Mapping[str, Any]) -> str:
    rows: list[tuple[Any, Any]] = sorted(plan["resources"].items())
    parts: list[str] = []
    if rows:
        parts.append(table(("limit", "at once"), rows, " n"))
    options = [
        (key, value if isinstance(value, str) else json.dumps(value, sort_keys=True))
        for key, value in sorted(plan["options"].items())
        if value
    ]
    if options:
        parts.append("<h3>Options</h3>" + table(("option", "value"), options))
    outside: Sequence[str] = plan["outside"]
    if outside:
        parts.append(
            "<h3>Needed, but outside this run</h3>"
            '<p class="soft small">These must be up when the run looks at them.</p>'
            + table(("instance",), [(name,) for name in outside])
        )
    return "".join(parts) or '<p class="soft">No limit, and every option as it comes.</p>'
