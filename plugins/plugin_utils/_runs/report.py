# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a run: who was down for how long, what was patched, what failed, what is left to do."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import bound

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import UndoRecord
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store

ENDS_BADLY = ("failed", "unknown", "blocked", "deferred")


def gather(store: Store, run: str) -> dict[str, t.Any]:
    """Return the report of ``run`` as plain data.

    Times are seconds since 1970 UTC by the database's clock, durations seconds. Raises RunNotFound.
    """
    record = store.run(run)
    steps = store.steps(run)
    by_host: dict[str, list[dict[str, t.Any]]] = {}
    for step in steps:
        by_host.setdefault(step["ci"], []).append(step)
    hosts = {name: _host(rows) for name, rows in by_host.items()}
    began = [step["started_at"] for step in steps if step["started_at"]]
    ended = [step["ended_at"] for step in steps if step["ended_at"]]
    makespan = max(ended) - min(began) if began and ended else 0.0
    plan = record["plan"]
    return {
        "format": 1,
        "run": run,
        "procedure": record["procedure"],
        "state": record["state"],
        "created_at": record["created_at"],
        "created_by": record["created_by"],
        "finished_at": record.get("finished_at"),
        "plan": plan["hash"],
        "revisions": _revisions(store, run) if record["plan_rev"] > 1 else [],
        "arguments": plan.get("arguments") or [],
        "makespan": makespan,
        "lower_bound": plan["lower_bound"],
        "lower_bound_measured": bound.measured(plan, steps),
        "predicted": plan["makespan"],
        "groups": [
            {"name": group["name"], "systems": group["systems"], "hosts": group["hosts"]} for group in plan["groups"]
        ],
        "hosts": hosts,
        "counts": {
            state: sum(host["state"] == state for host in hosts.values())
            for state in ("done", *ENDS_BADLY, "running", "pending")
        },
        "left_undone": [
            {"ci": undo.ci, "key": undo.key, "kind": undo.kind, "state": undo.state, "by": _made_by(undo)}
            for undo in store.open_undo(run)
        ],
        "not_ours": [
            {"ci": undo.ci, "key": undo.key, "kind": undo.kind, "by": _made_by(undo)}
            for undo in {record.key: record for record in store.undo_records(run)}.values()  # the last of each
            if undo.state == "not_ours"
        ],
        "left_to_start": [{"ci": undo.ci, "key": undo.key, "kind": undo.kind} for undo in store.left_to_start(run)],
        "override": plan["options"].get("override"),
        "record": store.verify_chain(run) or "complete and unchanged",
    }


def _revisions(store: Store, run: str) -> list[dict[str, t.Any]]:
    """Return how often, by whom and for what differences it was accepted that the run goes on, with what new plan."""
    return [
        {
            "number": event["data"]["plan_rev"],
            "at": event["at"],
            "by": event["actor"],
            "why": event["data"]["why"],
            "changed": event["data"].get("changed"),
        }
        for event in store.events(run)
        if event["kind"] == "plan_accepted"
    ]


def _made_by(undo: UndoRecord) -> list[str]:
    """In whose name a look found a change that is not ours, or not any more."""
    return list(undo.proof["by"]) if undo.state in ("not_ours", "conflict") and undo.proof else []


def _host(rows: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return what happened to one host, from its steps in their order."""
    rows = sorted(rows, key=lambda row: row["seq"])
    bad = next((row for row in rows if row["state"] in ENDS_BADLY), None)
    open_ = next((row for row in rows if row["state"] in ("running", "pending")), None)
    state = bad["state"] if bad else open_["state"] if open_ else "done"
    named = bad or open_
    patch: dict[str, t.Any] = next((row["result"] or {} for row in rows if row["kind"] == "patch"), {})
    reboot = next((row for row in rows if row["kind"] == "reboot"), None)
    return {
        "state": state,
        "step": named["label"] if named else None,
        "why": (bad["message"] or bad.get("blocked_by") or "") if bad else "",
        "downtime": _downtime(rows),
        "packages": patch.get("packages", []),
        "jobs": _jobs(rows),
        "backups": [backup for row in rows if row["kind"] in ("backup", "clean_backups") for backup in _backups(row)],
        "rebooted": bool(reboot and reboot["state"] == "done" and (reboot["result"] or {}).get("rebooted")),
        "steps": [
            {
                key: row[key]
                for key in ("step", "kind", "label", "state", "attempt", "started_at", "ended_at", "message")
            }
            for row in rows
        ],
    }


def _jobs(rows: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return for each system how many background jobs the host held back and gave back, each with the instant.

    A site's own task file says nothing about numbers, so it does not count here.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for row in rows:
        count = (row["result"] or {}).get("jobs")
        if row["state"] == "done" and row["kind"] in ("suspend_jobs", "release_jobs") and isinstance(count, int):
            system = found.setdefault(
                row["system"], {"sid": row["label"].partition("/")[0], "held": None, "given": None}
            )
            system["held" if row["kind"] == "suspend_jobs" else "given"] = {"jobs": count, "at": row["ended_at"]}
    return list(found.values())


def _backups(row: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return what a step did to each database: the backup it made or found, those it removed, why it was left out."""
    result = row["result"] or {}
    made = [
        {
            "database": database,
            "what": f"{backup['kind']} backup {backup['id']}",
            "state": backup["state"],
            "seconds": backup["seconds"],
            "bytes": backup["bytes"],
        }
        for database, backup in sorted((result.get("backups") or {}).items())
    ]
    removed = [
        {
            "database": database,
            "what": f"{len(old['data'])} data and {old['logs']['count']} log backups removed",
            "state": old["why"],
            "seconds": None,
            "bytes": sum(old["bytes"].values()),
        }
        for database, old in sorted((result.get("removed") or {}).items())
    ]
    left_out = [
        {"database": database, "what": "left out", "state": instead, "seconds": None, "bytes": 0}
        for database, instead in sorted((result.get("left_out") or {}).items())
    ]
    return made + removed + left_out


def _downtime(rows: list[dict[str, t.Any]]) -> float | None:
    """Return seconds from the first stop to the last start, None while (or if) SAP is not up again."""
    stops = [row["started_at"] for row in rows if row["kind"] == "stop" and row["started_at"]]
    starts = [row for row in rows if row["kind"] == "start"]
    if not stops or not starts or any(row["state"] != "done" for row in starts):
        return None
    return max(row["ended_at"] for row in starts) - min(stops)
