# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes two plans the same plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: Options that change what a run does. Others stand in the plan as steps and limits (hold_jobs, storage, parallel), or
#: only change how long it takes, and in which order groups enter that have no other reason for one (forks, predicted
#: seconds).
EFFECTIVE_OPTIONS = (
    "batch_size",
    "canary",
    "databases_down",
    "failure_budget",
    "ignore_windows",
    "outside",
    "override",
    "patch_level",
    "require_backup",
    "skip_steps",
    "step_tasks",
)

#: Those of them that hosts have, with the kind of step that they are about: on hosts without one they say nothing.
_OF_HOSTS = {"databases_down": "check_backup", "require_backup": "check_backup"}

_MOST_WORDS = 40


def essence(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an approval is about: hosts, order, steps, gates, limits, windows, options; no predicted times.

    That a host enters after the last one of its own group is no gate of the plan, but of runs with few forks.
    """
    options = plan.get("options") or {}
    group_of = {host: group["name"] for group in plan["groups"] for host in group["hosts"]}

    def beside(host: str, need: Sequence[str]) -> bool:
        return need[1] == "admit" and group_of.get(need[0]) == group_of.get(host)

    return {
        "format": plan["format"],
        "procedure": plan["procedure"],
        "hosts": plan["hosts"],
        "groups": [
            {key: group.get(key) for key in ("name", "systems", "hosts", "canary", "needs", "window")}
            for group in plan["groups"]
        ],
        "resources": plan["resources"],
        "host_needs": plan.get("host_needs") or {},
        "steps": {
            host: [[step["step"], sorted(need for need in step["needs"] if not beside(host, need))] for step in steps]
            for host, steps in plan["steps"].items()
        },
        "instances": {
            name: [record["sid"], record["number"]] for name, record in (plan.get("instances") or {}).items()
        },
        "outside": sorted(plan.get("outside") or []),
        "options": {key: value for key in EFFECTIVE_OPTIONS if (value := _effective(plan, options, key))},
    }


def _effective(plan: Mapping[str, Any], options: Mapping[str, Any], key: str) -> Any:
    """Return an option as far as it changes what the run does."""
    value = options.get(key)
    if not value or key not in _OF_HOSTS:
        return value
    return {
        host: of_host
        for host, of_host in value.items()
        if of_host and any(step["kind"] == _OF_HOSTS[key] for step in plan["steps"].get(host, ()))
    }


def plan_hash(plan: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a plan does, in hexadecimal."""
    text = json.dumps(essence(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def plan_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return in words what ``new`` does otherwise than ``old``; an empty list for equal plans.

    At most 40 lines; the last one then says how many more there are.
    """
    one, two = essence(old), essence(new)
    if one == two:
        return []
    words: list[str] = []
    if one["procedure"] != two["procedure"]:
        words.append(f"the procedure was {one['procedure']} and is now {two['procedure']}")
    gone, come = _changed(one["hosts"], two["hosts"])
    words += [f"host {name} is no longer in the run" for name in gone]
    words += [f"host {name} is new in the run" for name in come]
    words += _options(one["options"], two["options"])
    words += _groups(one["groups"], two["groups"])
    kept_old = [name for name in one["hosts"] if name in two["steps"]]
    kept_new = [name for name in two["hosts"] if name in one["steps"]]
    if kept_old != kept_new:
        at = next(number for number, pair in enumerate(zip(kept_old, kept_new, strict=False)) if pair[0] != pair[1])
        words.append(f"the order of admission differs: {kept_old[at]} came next, now {kept_new[at]} does")
    for name in kept_new:
        words += _steps(name, one["steps"][name], two["steps"][name])
    words += [
        f"{name} was {'/'.join(map(str, before))} and is now {'/'.join(map(str, two['instances'][name]))}"
        for name, before in sorted(one["instances"].items())
        if two["instances"].get(name, before) != before
    ]
    gone, come = _changed(one["resources"], two["resources"])
    words += [f"the limit {name} no longer holds" for name in gone]
    words += [f"the limit {name} ({two['resources'][name]}) is new" for name in come]
    words += [
        f"the limit {name} was {one['resources'][name]} and is now {two['resources'][name]}"
        for name in sorted(set(one["resources"]) & set(two["resources"]))
        if one["resources"][name] != two["resources"][name]
    ]
    for name in kept_new:
        before, after = one["host_needs"].get(name) or [], two["host_needs"].get(name) or []
        if sorted(before) != sorted(after):
            words.append(f"host {name} counted against {_listed(before)} and now counts against {_listed(after)}")
    gone, come = _changed(one["outside"], two["outside"])
    words += [f"{name} outside the run is no longer needed" for name in gone]
    words += [f"{name} outside the run is now needed" for name in come]
    words = words or ["the plans differ in their format"]
    if len(words) > _MOST_WORDS:
        words = [*words[: _MOST_WORDS - 1], f"and {len(words) - _MOST_WORDS + 1} more differences"]
    return words


def _changed(one: Iterable[str], two: Iterable[str]) -> tuple[list[str], list[str]]:
    before, after = set(one), set(two)
    return sorted(before - after), sorted(after - before)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _options(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    words = []
    for key in EFFECTIVE_OPTIONS:
        before, after = one.get(key), two.get(key)
        if before != after:
            words.append(f"option {key} was {_said(before)} and is now {_said(after)}")
    return words


def _said(value: Any) -> str:
    return "not set" if not value else value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _groups(one: Iterable[Mapping[str, Any]], two: Iterable[Mapping[str, Any]]) -> list[str]:
    before, after = {g["name"]: g for g in one}, {g["name"]: g for g in two}
    gone, come = _changed(before, after)
    words = [f"{name} is no longer admitted as one" for name in gone]
    words += [f"{name} is now admitted as one" for name in come]
    for name in sorted(set(before) & set(after)):
        a, b = before[name], after[name]
        if a["window"] != b["window"]:
            words.append(f"{name} had the window {_window(a['window'])} and now has {_window(b['window'])}")
        if a["canary"] != b["canary"]:
            words.append(f"{name} is {'now' if b['canary'] else 'no longer'} a canary")
        if a["needs"] != b["needs"]:
            words.append(f"{name} needed {_said(a['needs'])} and now needs {_said(b['needs'])}")
        if a["systems"] != b["systems"]:
            words.append(f"{name} held the systems {_listed(a['systems'])} and now holds {_listed(b['systems'])}")
    return words


def _window(window: Mapping[str, str] | None) -> str:
    return "none" if not window else f"{window['opens']} to {window['closes']} ({window['source']})"


def _steps(host: str, one: list[Any], two: list[Any]) -> list[str]:
    before, after = dict(one), dict(two)
    gone, come = _changed(before, after)
    words = [f"host {host} no longer does {step}" for step in gone] + [f"host {host} now does {step}" for step in come]
    order_old = [step for step, _needs in one if step in after]
    order_new = [step for step, _needs in two if step in before]
    if order_old != order_new:
        words.append(f"host {host} walks its steps in another order")
    for step in order_new:
        lost, won = _changed(map("/".join, before[step]), map("/".join, after[step]))
        words += [f"{step} on {host} no longer waits for {need}" for need in lost]
        words += [f"{step} on {host} now waits for {need}" for need in won]
    return words
