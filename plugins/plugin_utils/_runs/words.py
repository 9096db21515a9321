# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run in words, for a terminal or a mail."""

from __future__ import annotations

import datetime
import typing as t


def duration(seconds: float | None) -> str:
    """Return seconds as h:mm:ss, a dash for None."""
    return "-" if seconds is None else str(datetime.timedelta(seconds=round(seconds)))


def instant(seconds: float | None) -> str:
    """Return an instant as ISO 8601 in UTC, a dash for None."""
    if seconds is None:
        return "-"
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def change(undo: t.Mapping[str, t.Any]) -> str:
    """Return what a temporary change is, as "silence of web"."""
    return f"{undo['kind']} of {undo['key'].split(':', 1)[-1]}"


def state_of(undo: t.Mapping[str, t.Any]) -> str:
    """Return how far a temporary change is, with whose it is when it is not this run's any more."""
    by = ", ".join(undo.get("by", ()))
    return f"{undo['state']}: made by {by} now" if by else str(undo["state"])


def accepted(revision: t.Mapping[str, t.Any]) -> str:
    """Return what was accepted by a revision of a plan, and what became of the steps when the plan was replaced."""
    said = f"accepted {'; '.join(revision['why'])}"
    if revision["changed"] is None:
        return said
    return f"{said}; went on with the plan of then: {'; '.join(revision['changed']) or 'the same steps'}"


def words(report: t.Mapping[str, t.Any]) -> list[str]:
    """Return the report in lines; what needs somebody stands first."""
    counts, hosts = report["counts"], report["hosts"]
    lines = [
        f"run {report['run']}: {report['procedure']}, {report['state']}, begun "
        f"{instant(report['created_at'])} by {report['created_by']}",
        f"{counts['done']} of {len(hosts)} hosts are through in {duration(report['makespan'])} "
        f"(plan {duration(report['predicted'])}, lower bound {duration(report['lower_bound'])})",
    ]
    for state in ("failed", "unknown", "blocked", "deferred", "running", "pending"):
        for name, host in hosts.items():
            if host["state"] == state:
                why = f": {host['why']}" if host["why"] else ""
                lines.append(f"{state:9} {host['step'] or name}{why}")
    for revision in report["revisions"]:
        begins = f"revision {revision['number']} of the plan, {instant(revision['at'])}: {revision['by']}"
        lines.append(f"{begins} {accepted(revision)}")
    for undo in report["left_undone"]:
        lines.append(
            f"left undone: {change(undo)} ({state_of(undo)}); continue the "
            f"run, or undo it by hand, then say so: settle_run -e run={report['run']} -e reason=<how>"
        )
    for undo in report["left_to_start"]:
        lines.append(f"left to the run that starts the system: {change(undo)}")
    for undo in report["not_ours"]:
        lines.append(f"not ours, left alone: {change(undo)}, made before by {', '.join(undo['by'])}")
    if report["state"] in ("partial", "interrupted", "lost"):
        lines.append(f"continue with -e run={report['run']}")
    return lines
