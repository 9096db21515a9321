# SPDX-License-Identifier: GPL-3.0-or-later
"""A preview of a run in words, for a terminal."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.words import instant

MOST = 3  # names in one line
MOST_LINES = 60  # of single steps


def words(preview: t.Mapping[str, t.Any]) -> list[str]:
    """Return the preview in lines; what stands against the run comes first."""
    lines = _where_it_stands(preview) if preview["continues"] else []
    lines += [f"refused   {why}" for why in preview["refused"]]
    if not preview["groups"]:
        return lines
    lines.append("If it went on now:" if preview["continues"] else "If it began now:")
    lines += _groups(preview["groups"])
    waiting = _steps(preview["steps"], preview["groups"])
    lines += waiting[:MOST_LINES]
    if len(waiting) > MOST_LINES:
        lines.append(f"and {len(waiting) - MOST_LINES} more of the kind; all are in the result, -v shows it")
    return lines


def _where_it_stands(preview: t.Mapping[str, t.Any]) -> list[str]:
    state = preview["state"]
    if state in ("running", "draining") and not preview["alive"]:
        state += ", and its controller is gone"
    taken = "nobody has begun it"
    if preview["taken_by"]:
        taken = f"taken by {preview['taken_by']} at {instant(preview['taken_at'])}"
    seen = f", last seen {instant(preview['seen_at'])}" if preview["seen_at"] else ""
    hosts = preview["hosts"]
    lines = [
        f"run {preview['run']}: {preview['procedure']}, {state}; {taken}{seen}",
        f"{hosts - preview['unfinished']} of {hosts} hosts are through, {len(preview['done'])} steps are done",
    ]
    for step in preview["steps"]:
        if step["verdict"] == "look":
            begun = f", begun {instant(step['started_at'])}" if step["started_at"] is not None else ""
            then = f"; then {step['why']}" if step["why"] else ""
            lines.append(f"unknown   {step['label']}{begun}: would be looked at first{then}")
    lines += [
        f"would be undone: {undo['kind']} of {undo['key'].partition(':')[2]} on {undo['ci']} ({undo['state']})"
        for undo in preview["undo"]
    ]
    return lines


def _groups(groups: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """What the gates say to groups, with the places that they need; groups that hear the same share a line."""
    alike: dict[tuple[str, str, str], list[t.Mapping[str, t.Any]]] = {}
    for group in groups:
        alike.setdefault((group["verdict"], group["why"], _takes(group["places"])), []).append(group)
    lines = []
    for (verdict, why, takes), same in alike.items():
        count = sum(len(group["hosts"]) for group in same)
        who = _some([group["name"] + " (canary)" * group["canary"] for group in same])
        at = f", {'first ' * (len(same) > 1)}at {same[0]['label']}" if why else ""
        said = f": {why}" if why else ""
        needs = f"; takes {takes}" if takes and verdict != "done" else ""
        lines.append(f"{verdict:9} {who}, {count} host{'s' * (count > 1)}{at}{said}{needs}")
    return lines


def _takes(places: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """The places that one group needs, with how many are free."""
    of_place: dict[str, list[t.Mapping[str, t.Any]]] = {}
    for place in places:
        of_place.setdefault(place["place"], []).append(place)
    found = []
    for name, needs in of_place.items():
        missing = [place for place in needs if not place["held"]]
        if not missing:
            found.append(f"{name} (it has that)")
            continue
        others = [who for who in missing[0]["by"] if who not in {place["holder"] for place in needs}]
        taken = f", taken by {_some(others)}" if others else ""
        free = f"{max(0, missing[0]['free'])} of {missing[0]['capacity']} free"
        found.append(f"{sum(place['needed'] for place in missing)} of {name} ({free}{taken})")
    return ", ".join(found)


def _steps(steps: t.Iterable[t.Mapping[str, t.Any]], groups: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """What the gates say beside the answers to whole groups: one line for each system, kind of step, answer."""
    of_group = {host: (group["verdict"], group["why"]) for group in groups for host in group["hosts"]}
    alike: dict[tuple[str, ...], list[t.Mapping[str, t.Any]]] = {}
    for step in steps:
        comes_first = step["after"] is None
        if step["verdict"] == "look" or (step["verdict"] == "go" and not comes_first):
            continue  # that was said before, or there is nothing to say
        if comes_first and (step["verdict"], step["why"]) == of_group[step["ci"]]:
            continue
        sid, kind = step["label"].partition("/")[0], step["label"].rpartition("/")[2]
        why = "" if step["waits_for"] else step["why"]
        alike.setdefault((sid, kind, step["verdict"], why), []).append(step)
    lines = []
    for (_sid, _kind, verdict, why), rows in alike.items():
        who = _some([row["label"] for row in rows])
        labels = list(dict.fromkeys(label for row in rows for label in row["waits_for"]))
        said = f"for {_some(labels)}" if labels else why
        lines.append(f"{verdict:9} {who}{': ' * bool(said)}{said}")
    return lines


def _some(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{', '.join(names[:MOST])}{more}"
