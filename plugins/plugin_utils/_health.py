# SPDX-License-Identifier: GPL-3.0-or-later
"""What it means that the health of instances has become worse."""

from __future__ import annotations

import typing as t

from ansible_collections.basis.landscape.plugins.module_utils._steps.verdict import (
    GOOD,
    NOT_APPLICABLE,
    is_worse,
    process_name,
)

Record = dict[str, dict[str, dict[str, t.Any]]]
ASKED = "asked"
"""What stands for the checks of an instance that could not be asked."""


def health_record(results: t.Iterable[t.Mapping[str, t.Any]]) -> Record:
    """Return verdict and words by instance and check, from the results of a loop over ``sap_health_info``.

    The loop variable is the instance, a dict with ``id``. An instance that could not be asked is *unknown*, with
    the reason.
    Raises ValueError when a result is of another module or another loop.
    """
    record: Record = {}
    for result in results:
        variable = result.get("ansible_loop_var", "item")
        instance = result.get(variable)
        if not isinstance(instance, t.Mapping) or not ("id" in instance or {"sid", "number"} <= instance.keys()):
            raise ValueError(f"health_record wants the results of a loop over instances, and '{variable}' has no id")
        name = str(instance.get("id") or f"{instance['sid']}/{instance['number']}")
        if result.get("checks"):
            record[name] = {check["name"]: _kept(check) for check in result["checks"]}
        else:
            record[name] = {ASKED: {"verdict": "unknown", "words": str(result.get("msg") or "nothing was looked at")}}
    return record


def _kept(check: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what a later look compares itself with."""
    kept: dict[str, t.Any] = {"verdict": check["verdict"], "words": check["words"]}
    if check["name"] == "processes":
        kept["names"] = [process_name(row) for row in check.get("evidence") or ()]
    return kept


def health_worse(after: t.Mapping[str, t.Any], before: t.Mapping[str, t.Any] | None = None) -> list[str]:
    """Return in words what is not well now although it was before; all that is not well when ``before`` is empty.

    Unknown is not well, and neither is a check that does not apply any more although it was good: what it looked at is
    gone. A check that was bad before is none of this run's doing. An instance that cannot be asked is never well:
    nothing of it was looked at.
    """
    worse = []
    for instance, checks in after.items():
        earlier = (before or {}).get(instance, {})
        for name, check in checks.items():
            was = earlier.get(name, {}).get("verdict")
            if name == ASKED or is_worse(check["verdict"], was):
                well = " (was well before)" if was in (GOOD, NOT_APPLICABLE) else ""
                worse.append(f"{instance} {name}: {check['words']}{well}")
    return worse


def health_running(record: Record) -> Record:
    """Return the records of the instances that ran, as far as anybody could tell.

    What did not run before has to be well once it is started, so there is nothing to compare it with.
    """
    return {
        instance: checks
        for instance, checks in record.items()
        if ASKED not in checks and checks.get("processes", {}).get("verdict", GOOD) == GOOD
    }
