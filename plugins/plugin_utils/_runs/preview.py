# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gates of a run would say if it began or went on now.

The run is created or taken in a copy of the run database, by the code that does it in earnest; its hosts ask there in
the order of the plan. The database itself is only read.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import intake, rules
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Busy
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.gate import Decision
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owed import Owed
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import Owner
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import Revision
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store, claimed_in_words, rehearsal

NEW = "this run"
"""The name of a run that has not begun; nobody can give it to another one."""
BY = "check mode"
NEEDS_SOMEBODY = ("blocked", "deferred", "look", "wait")
"""What a gate says to the members of a group, the gravest first."""
_WORDS = {"block": "blocked", "closed": "blocked", "defer": "deferred", "again": "go"}


def of_new_run(
    looked: Store | None,
    plan: Mapping[str, Any],
    name: str | None,
    owner: Owner,
    *,
    out: Mapping[str, Sequence[str]] | None = None,
    down: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
    """Return what stands against a run of ``plan`` called ``name``, and what its gates would say without that.

    ``looked`` is None when there is no run database. ``out``, ``down``: as `Store.create` has them. Raises StoreError
    for a plan that contradicts itself.
    """
    elsewhere = looked.claimed_elsewhere(NEW, intake.claims_of(plan, plan["hosts"])) if looked else []
    refused = claimed_in_words(elsewhere)
    if looked and name and looked.is_known(name):
        refused.insert(0, f"There is already a run {name}; resume it, or choose another id.")
    copy = rehearsal(looked)
    try:
        copy.create(NEW, plan, procedure=plan["procedure"], code_hash="", params={}, created_by=BY, out=out, down=down)
        epoch = copy.take(NEW, owner)
        return {"run": name, "continues": False, "refused": refused, "elsewhere": elsewhere, **_ask(copy, NEW, epoch)}
    finally:
        copy.close()


def of_continued_run(
    looked: Store,
    run: str,
    owner: Owner,
    *,
    force_by: str | None = None,
    left_out: Iterable[str] = (),
    revision: Revision | None = None,
) -> dict[str, Any]:
    """Return where ``run`` stands, what stands against continuing it, what its gates would say without that.

    ``left_out`` are the hosts that do not take part now. Raises RunNotFound, StoreError for a revision that comes too
    late.
    """
    record, steps = looked.run(run), looked.steps(run)
    taken = next((event for event in reversed(looked.events(run)) if event["kind"] == "taken"), None)
    found = {
        "run": run,
        "continues": True,
        "procedure": record["procedure"],
        "state": record["state"],
        "alive": bool(record["owner"] and record["owner"]["alive"] and record["state"] in rules.RUN_LIVE),
        "taken_by": taken["actor"] if taken else None,
        "taken_at": taken["at"] if taken else None,
        "seen_at": record["owner"]["seen_at"] if record["owner"] else None,
        "done": [row["label"] for row in steps if row["state"] == "done"],
        "undo": [
            {"ci": record.ci, "key": record.key, "kind": record.kind, "state": record.state, "undo": record.undo}
            for record in looked.open_undo(run)
        ],
        "refused": [],
        "elsewhere": [],
        "hosts": len({row["ci"] for row in steps}),
        "unfinished": len({row["ci"] for row in steps if row["state"] not in rules.STEP_MET}),
    }
    copy = rehearsal(looked, run)
    try:
        try:
            epoch = copy.take(run, owner, force_by=force_by, revision=revision)
        except Busy as refusal:
            found["refused"].append(str(refusal))
            if record["state"] in rules.RUN_FINAL:
                return {**found, "fence": None, "groups": [], "steps": []}
            epoch = copy.take(run, owner, force_by=BY, revision=revision)
        # Seen from the plan that the run goes on with, and from the steps that it has then.
        unfinished = {row["ci"] for row in copy.steps(run) if row["state"] not in rules.STEP_MET}
        elsewhere = looked.claimed_elsewhere(run, intake.claims_of(copy.run(run)["plan"], unfinished))
        found |= {"elsewhere": elsewhere, "unfinished": len(unfinished)}
        found["refused"] += claimed_in_words(elsewhere)
        owed = Owed(run, epoch)
        for host in sorted(set(left_out) & unfinished):
            owed.add({"left_out": host})
        owed.write(copy)
        return {**found, **_ask(copy, run, epoch)}
    finally:
        copy.close()


def _ask(copy: Store, run: str, epoch: int) -> dict[str, Any]:
    """Let every host ask for its next step in the order of the plan, then see what its later steps wait for."""
    record = copy.run(run)
    places: dict[str, list[dict[str, Any]]] = {}
    for place in copy.places(run):
        places.setdefault(place["holder"], []).append(place)
    walks: dict[str, list[dict[str, Any]]] = {}
    for row in copy.steps(run):
        if row["state"] not in rules.STEP_MET:
            walks.setdefault(row["ci"], []).append(row)
    said: dict[tuple[str, str], Decision] = {}
    for host, walk in walks.items():
        answer = _next_step(copy, run, host, walk[0]["step"], epoch)
        if answer is not None:
            said[host, walk[0]["step"]] = answer
    found, before = {}, {}
    for host, walk in walks.items():
        for number, row in enumerate(walk):
            key = (host, row["step"])
            decision = said.get(key) or copy.foresee(run, host, row["step"], epoch, ahead=number > 0)
            found[key] = _told(row, decision, walk[number - 1]["label"] if number else None)
            before[key] = {(need.needs_ci, need.needs_step) for need in decision.waits_for}
            if number:
                before[key].add((host, walk[number - 1]["step"]))
    return {
        "fence": record["fence"],
        "groups": [_group(group, walks, found, places) for group in record["plan"]["groups"]],
        "steps": [found[key] for key in _in_order(before)],
    }


def _next_step(copy: Store, run: str, host: str, step: str, epoch: int) -> Decision | None:
    """Ask for a step and take what is given; None for an answer that may be another one when everybody has asked."""
    asked = copy.foresee(run, host, step, epoch)
    if asked.kind == "look":
        copy.resolve(run, host, step, epoch, False)  # as the gate does it: the work itself is the look
    verdict = copy.claim(run, host, step, epoch)
    if asked.kind == "look":
        return Decision("look", "" if verdict.kind == "go" else verdict.why, verdict.by)
    return asked if verdict.kind == "go" else None


def _told(row: Mapping[str, Any], decision: Decision, after: str | None) -> dict[str, Any]:
    verdict = _WORDS.get(decision.kind, decision.kind)
    if verdict == "dead":
        verdict = "deferred" if decision.row.state == "deferred" else "blocked"
    labels = [need.label for need in decision.waits_for]
    return {
        "ci": row["ci"],
        "step": row["step"],
        "label": row["label"],
        "attempt": row["attempt"],
        "started_at": row["started_at"],
        "verdict": verdict,
        "why": f"waits for {', '.join(labels)}" if labels else decision.why,
        "by": decision.by,
        "waits_for": labels,
        "after": after,
    }


def _group(
    group: Mapping[str, Any],
    walks: Mapping[str, Sequence[Mapping[str, Any]]],
    found: Mapping[tuple[str, str], Mapping[str, Any]],
    places: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    """What the gate says to the next steps of a group's hosts: the gravest answer stands for all."""
    steps = [found[host, walks[host][0]["step"]] for host in group["hosts"] if host in walks]
    named = {step["verdict"]: step for step in reversed(steps)}  # of each answer the first in the plan
    verdict = next((word for word in NEEDS_SOMEBODY if word in named), "go" if steps else "done")
    step = named.get(verdict)
    return {
        "name": group["name"],
        "systems": group["systems"],
        "hosts": group["hosts"],
        "canary": bool(group.get("canary")),
        "verdict": verdict,
        "label": step["label"] if step else None,
        "why": step["why"] if step else "",
        "by": step["by"] if step else None,
        "places": [place for holder in (group["name"], *group["hosts"]) for place in places.get(holder, ())],
    }


def _in_order(before: Mapping[tuple[str, str], set[tuple[str, str]]]) -> list[tuple[str, str]]:
    """The steps in the order in which they could happen, those of one moment in the order of the plan."""
    moment: dict[tuple[str, str], int] = {}
    for key in graphlib.TopologicalSorter(before).static_order():
        moment[key] = max((moment[need] + 1 for need in before.get(key, ())), default=0)
    return sorted(before, key=lambda key: moment[key])
