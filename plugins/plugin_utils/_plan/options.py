# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options a plan takes.

``batch_size``: systems in maintenance at once, 0 for no limit. ``forks``: hosts in flight at once, 0 for one per host.
``failure_budget``: ``count`` or ``share`` of failures after which nothing more is admitted, overall or ``per`` tier or
environment. ``canary``: systems or hosts that go first. ``skip_steps``: kinds of steps to leave out. ``override``:
``reason`` and ``by``; lifts windows and blackouts, with ``ignore_windows`` only windows. ``outside``: ``refuse`` or
``accept`` instances outside the run that would feel a stop. ``patch_level``: the level the run brings its hosts to.
``step_seconds``: predicted seconds that win over the history. ``require_backup``: host with a HANA database to the
hours that its last full backup may be old before anything is changed. ``databases_down``: such a host to the databases
that may be down when that is looked at. ``step_tasks``: step to what tells the site's task file for it from another
one. ``storage``: host to the target that its
backups go to; ``parallel``: target to the number of systems that may write to it at once. ``hold_jobs``: hosts whose
systems have their background jobs held back, None for every system that has jobs. ``calendar_directory``: where
relative iCalendar paths start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import PAIRS, PROCEDURES

DEFAULTS: dict[str, Any] = {
    "batch_size": 0,
    "forks": 0,
    "failure_budget": None,
    "canary": [],
    "skip_steps": [],
    "override": None,
    "outside": "refuse",
    "patch_level": None,
    "ignore_windows": False,
    "step_seconds": {},
    "require_backup": {},
    "databases_down": {},
    "step_tasks": {},
    "storage": {},
    "parallel": {},
    "hold_jobs": None,
    "calendar_directory": None,
}


def checked_options(given: Mapping[str, Any], procedure: str, conditions: Conditions) -> dict[str, Any]:
    """Return all options with defaults filled in; what is wrong goes to ``conditions``.

    Raises `ValueError` for a procedure that does not exist.
    """
    if procedure not in PROCEDURES:
        raise ValueError(f"{procedure!r} is no procedure; choose one of {', '.join(PROCEDURES)}")
    chosen = {**DEFAULTS, **{key: value for key, value in given.items() if value is not None}}
    for key in sorted(set(given) - set(DEFAULTS)):
        conditions.add(f"option {key}", "it does not exist.", f"choose from {', '.join(sorted(DEFAULTS))}.")
        del chosen[key]
    for key in ("batch_size", "forks"):
        try:
            chosen[key] = int(chosen[key])
            if chosen[key] < 0:
                raise ValueError
        except (TypeError, ValueError):
            conditions.add(f"option {key}", f"{chosen[key]!r} is no number of at least 0.", "write a whole number.")
            chosen[key] = 0
    for key in ("canary", "skip_steps"):
        value = chosen[key]
        chosen[key] = sorted({str(item) for item in (value.split(",") if isinstance(value, str) else value)} - {""})
    if chosen["hold_jobs"] is not None:
        chosen["hold_jobs"] = sorted(set(map(str, chosen["hold_jobs"])))
    if chosen["outside"] not in ("refuse", "accept"):
        conditions.add("option outside", f"{chosen['outside']!r} is not known.", "write refuse or accept.")
        chosen["outside"] = DEFAULTS["outside"]
    chosen["ignore_windows"] = chosen["ignore_windows"] in (True, "true", "yes", "True")
    # a list of skipped steps may serve all procedures: what this one does not have is left out anyway
    elsewhere = {kind for kinds in PROCEDURES.values() for kind in kinds} - set(PROCEDURES[procedure])
    chosen["skip_steps"] = [kind for kind in chosen["skip_steps"] if kind not in elsewhere]
    _check_override(chosen, conditions)
    _check_skips(chosen["skip_steps"], procedure, conditions)
    _check_budget(chosen["failure_budget"], conditions)
    chosen["databases_down"] = {
        str(host): sorted({str(name).upper() for name in _several(down)})
        for host, down in dict(chosen["databases_down"]).items()
    }
    chosen["step_tasks"] = {str(kind): str(file) for kind, file in dict(chosen["step_tasks"]).items()}
    chosen["storage"] = {str(host): str(target) for host, target in dict(chosen["storage"]).items()}
    _check_numbers(chosen, "parallel", int, "number of at least 1", "write a whole number.", conditions)
    _check_numbers(
        chosen,
        "require_backup",
        float,
        "number of hours greater than 0",
        "write the hours that a backup may be old, or leave it out.",
        conditions,
    )
    seconds: dict[str, float] = {}
    for key, value in dict(chosen["step_seconds"]).items():
        try:
            seconds[str(key)] = float(value)
        except (TypeError, ValueError):
            conditions.add(f"option step_seconds {key}", f"{value!r} is no number.", "write seconds as a number.")
    chosen["step_seconds"] = seconds
    return chosen


def _several(value: Any) -> list[Any]:
    """Return the values of a list of lists, or of one value alone, as a list."""
    return [one for item in value for one in _several(item)] if isinstance(value, (list, tuple)) else [value]


def _check_override(chosen: dict[str, Any], conditions: Conditions) -> None:
    override = chosen["override"]
    if not override:
        chosen["override"] = None
        if chosen["ignore_windows"]:
            conditions.add(
                "option ignore_windows",
                "windows are only set aside by somebody, for a reason.",
                "state override with reason and by.",
            )
        return
    values = override if isinstance(override, Mapping) else {}
    missing = [key for key in ("reason", "by") if not str(values.get(key) or "").strip()]
    if missing:
        conditions.add("option override", f"it lacks {' and '.join(missing)}.", "state both reason and by (a name).")
        chosen["override"] = None
        return
    chosen["override"] = {"reason": str(values["reason"]).strip(), "by": str(values["by"]).strip()}


def _check_skips(skips: list[str], procedure: str, conditions: Conditions) -> None:
    kinds = PROCEDURES[procedure]
    for kind in skips:
        if kind not in kinds:
            conditions.add(f"skip {kind}", "there is no such step.", f"choose from {', '.join(kinds)}.")
        elif kind in ("admit", "check_backup", "verify"):
            conditions.add(f"skip {kind}", "this step cannot be left out.", "remove it from skip_steps.")
    for one, other in PAIRS:
        for left_out, kept in ((one, other), (other, one)):
            if left_out in skips and kept not in skips and left_out in kinds and kept in kinds:
                conditions.add(
                    f"skip {left_out}", f"{kept} answers to {left_out} and would remain.", f"leave out {kept}, too."
                )
    if procedure == "patch" and "stop" in skips and "reboot" not in skips:
        conditions.add("skip stop", "a host would reboot under running instances.", "leave out reboot, too.")
    if procedure in ("stop", "start") and procedure in skips:
        conditions.add(f"skip {procedure}", "nothing would be left to do.", "remove it from skip_steps.")


def _check_numbers(
    chosen: dict[str, Any], option: str, kind: type, least: str, cure: str, conditions: Conditions
) -> None:
    """Make the values of an option that is a table numbers of a kind, each greater than 0."""
    numbers: dict[str, Any] = {}
    for key, value in dict(chosen[option]).items():
        try:
            number = kind(value)
            if not number > 0:
                raise ValueError
        except (TypeError, ValueError):
            conditions.add(f"option {option} {key}", f"{value!r} is no {least}.", cure)
        else:
            numbers[str(key)] = number
    chosen[option] = numbers


def _check_budget(budget: Any, conditions: Conditions) -> None:
    if budget is None:
        return
    subject = "option failure_budget"
    remedy = "write {count: n} or {share: 0.1}, with per: tier or environment if it counts for each of them."
    if not isinstance(budget, Mapping):
        conditions.add(subject, f"{budget!r} is no budget.", remedy)
        return
    if ("count" in budget) == ("share" in budget) or set(budget) - {"count", "share", "per"}:
        conditions.add(subject, "it needs exactly one of count and share.", remedy)
    count, share = budget.get("count"), budget.get("share")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        conditions.add(subject, f"the count {count!r} is no number of at least 0.", remedy)
    if share is not None and (isinstance(share, (bool, str)) or not 0 <= share <= 1):
        conditions.add(subject, f"the share {share!r} is not between 0 and 1.", remedy)
    if budget.get("per") not in (None, "tier", "environment"):
        conditions.add(subject, f"per {budget['per']!r} is not known.", remedy)
