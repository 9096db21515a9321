# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run as files: data for programs, a page for people."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import typing as t
from collections.abc import Iterable, Mapping

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
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.render import playbook_command
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import report as facts
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.words import (
    accepted,
    change,
    duration,
    instant,
    state_of,
    words,
)

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store

__all__ = ["gather", "render", "words", "write"]

gather = facts.gather
TONES = {
    "done": "good",
    "failed": "bad",
    "unknown": "bad",
    "blocked": "warn",
    "deferred": "warn",
    "running": "",
    "pending": "",
}
MOST_LANES = 260


def write(store: Store, run: str, directory: pathlib.Path) -> dict[str, str]:
    """Write the report as JSON and as an HTML page; return the paths by kind. Raises RunNotFound, OSError."""
    report = gather(store, run)
    directory.mkdir(parents=True, exist_ok=True)
    paths = {}
    for kind, content in (("json", json.dumps(report, indent=1, sort_keys=True)), ("html", render(report))):
        path = directory / f"{run}.{kind}"
        path.write_text(content, encoding="utf-8")
        paths[kind] = str(path)
    return paths


def render(report: Mapping[str, t.Any]) -> str:
    """Return the report as one self-contained page; what needs somebody stands first."""
    hosts, counts = report["hosts"], report["counts"]
    bad = {name: host for name, host in hosts.items() if host["state"] != "done"}
    downtimes = [host["downtime"] for host in hosts.values() if host["downtime"] is not None]
    ratio = report["makespan"] / report["lower_bound_measured"] if report["lower_bound_measured"] else 1.0
    tone = {"succeeded": "good", "running": "", "planned": ""}.get(report["state"], "bad")
    begun = f"{report['procedure']}, begun {instant(report['created_at'])} by {report['created_by']}"
    body = [
        '<p class="soft small">basis.landscape &middot; run</p>',
        f"<h1>{text(report['run'])} {pill(report['state'], tone)}</h1>",
        f'<p class="soft">{text(begun)}</p>',
        tiles(
            [
                (f"{counts['done']} of {len(hosts)}", "hosts through"),
                (sum(counts[state] for state in ("failed", "unknown")), "failed"),
                (counts["blocked"] + counts["deferred"], "blocked or deferred"),
                (duration(report["makespan"]), f"makespan, {ratio:.2f} times the least possible"),
                (duration(max(downtimes, default=None)), "longest downtime of a host"),
                (sum(len(host["packages"]) for host in hosts.values()), "packages changed"),
            ]
        ),
        _attention(report, bad),
        section("What happened when", _chart(report)),
        section("Hosts", _hosts(hosts)),
        *_jobs(hosts),
        *_kept(hosts),
        section(
            "Record",
            table(
                ["", ""],
                [
                    ("plan", report["plan"]),
                    (
                        "override",
                        report["override"] and f"{report['override'].get('reason')} ({report['override'].get('by')})",
                    ),
                    *((f"revision {each['number']}", f"{each['by']} {accepted(each)}") for each in report["revisions"]),
                    ("record", report["record"]),
                    ("ended", instant(report["finished_at"])),
                ],
            ),
        ),
    ]
    return page(f"{report['run']}: {report['state']}", "\n".join(body))


def _attention(report: Mapping[str, t.Any], bad: Mapping[str, Mapping[str, t.Any]]) -> str:
    order = list(TONES)
    said = [str(host["why"]) for host in bad.values() if host["why"] and host["state"] not in ("blocked", "deferred")]

    def why(host: Mapping[str, t.Any]) -> str:
        """The reason without what stands in the row of the host that is its cause."""
        text = str(host["why"] or "")
        return next((text.removesuffix(f": {words}") for words in said if text.endswith(f": {words}")), text)

    rows = [
        (pill(host["state"], TONES[host["state"]]), host["step"] or name, why(host))
        for name, host in sorted(bad.items(), key=lambda item: order.index(item[1]["state"]))
    ]
    parts: list[str] = []
    if rows:
        parts.append(table(["", "what", "why"], rows, "tt "))
    left = [f"{change(undo)} is not undone ({state_of(undo)})" for undo in report["left_undone"]]
    parts.append(notes(left, "bad"))
    later = [f"{change(undo)} is left to the run that starts the system" for undo in report["left_to_start"]] + [
        f"{change(undo)} is not ours: it was made before by {', '.join(undo['by'])}, and is left alone"
        for undo in report["not_ours"]
    ]
    parts.append(notes(later))
    if report["state"] in ("partial", "interrupted", "lost"):
        parts.append("<p>When the causes are mended, go on where it stands; what is done is not done again:</p>")
        parts.append(
            command(playbook_command(report["procedure"], report.get("arguments") or (), f"run={report['run']}"))
        )
    return section("Needs somebody", Markup("".join(parts))) if any(parts) else ""


def _chart(report: Mapping[str, t.Any]) -> Markup:
    bands, begin, end = [], float("inf"), 0.0
    lanes_left = MOST_LANES
    for group in report["groups"]:
        lanes = []
        for name in group["hosts"][: max(0, lanes_left)]:
            host = report["hosts"][name]
            bars = []
            for step in host["steps"]:
                if step["started_at"] is None:
                    continue
                ended = step["ended_at"] or step["started_at"]
                begin, end = min(begin, step["started_at"]), max(end, ended)
                kind = step["kind"] if step["state"] in ("done", "running") else "failed"
                bars.append(
                    Bar(
                        step["started_at"],
                        ended,
                        kind,
                        f"{step['label']}: {step['state']}, {duration(ended - step['started_at'])}",
                    )
                )
            lanes.append(Lane(name, "" if host["state"] == "done" else host["state"], bars))
        lanes_left -= len(lanes)
        if lanes:
            bands.append(Band(group["name"], f"{len(group['hosts'])} hosts", lanes=lanes))
    if not bands or end <= begin:
        return Markup('<p class="soft">Nothing was begun.</p>')
    return Markup(
        gantt(bands, begin=begin, end=end, zone=dt.UTC, title="Steps of the run over time") + legend(planned=False)
    )


def _hosts(hosts: Mapping[str, Mapping[str, t.Any]]) -> Markup:
    rows = [
        (
            name,
            pill(host["state"], TONES[host["state"]]),
            duration(host["downtime"]),
            len(host["packages"]),
            "yes" if host["rebooted"] else "no",
            host["step"] or "",
        )
        for name, host in hosts.items()
    ]
    return table(["host", "state", "SAP down for", "packages", "rebooted", "stands at"], rows, "ttnnt ")


def _jobs(hosts: Mapping[str, Mapping[str, t.Any]]) -> list[str]:
    """Return whose background jobs rested, from when to when."""

    def cells(told: Mapping[str, t.Any] | None) -> tuple[t.Any, t.Any]:
        return (told["jobs"], instant(told["at"])) if told else (None, None)

    rows = [
        (row["sid"], name, *cells(row["held"]), *cells(row["given"]))
        for name, host in hosts.items()
        for row in host["jobs"]
    ]
    headers = ["system", "host", "held back", "at", "given back", "at"]
    return [section("Background jobs", table(headers, rows, "ttntnt"))] if rows else []


def _kept(hosts: Mapping[str, Mapping[str, t.Any]]) -> list[str]:
    """Return what the run left behind: changed packages, or backups."""
    if not any(host["backups"] for host in hosts.values()):
        return [section("Packages", _packages(hosts), folded=True)]
    rows = [
        (name, row["database"], row["what"], row["state"], duration(row["seconds"]), _size(row["bytes"]))
        for name, host in hosts.items()
        for row in host["backups"]
    ]
    return [section("Backups", table(["host", "database", "", "", "took", "size"], rows, "ttttnn"))]


def _size(number: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def _packages(hosts: Mapping[str, Mapping[str, t.Any]]) -> Markup:
    """Return each change once, with the hosts it was made on: two hundred hosts of one patch level read as one."""
    where: dict[tuple[str, str, str], list[str]] = {}
    for name, host in hosts.items():
        for package in host["packages"]:
            key = (package["name"], package.get("from") or "", package.get("to") or "")
            where.setdefault(key, []).append(name)
    rows = [(*key, len(names), _short(names)) for key, names in sorted(where.items())]
    return table(["package", "from", "to", "hosts", ""], rows, "tttn ")


def _short(names: Iterable[str], most: int = 6) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
