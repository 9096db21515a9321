# SPDX-License-Identifier: GPL-3.0-or-later
"""Which step makes a temporary change anew, once it was undone before its time."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import rules


def row(ci: str, kind: str, state: str = "pending", system: str | None = None) -> dict[str, Any]:
    """A step of a run; one that is not pending was tried."""
    instance = f"{system}/{ci}" if system else None
    return {
        "ci": ci,
        "kind": kind,
        "state": state,
        "system": system,
        "instance": instance,
        "attempt": int(state != "pending"),
    }


def host(name: str, stop: str, start: str = "pending", verify: str = "pending") -> list[dict[str, Any]]:
    """The steps of a host with one instance of PRD."""
    return [row(name, "stop", stop, "PRD"), row(name, "start", start, "PRD"), row(name, "verify", verify)]


@pytest.mark.parametrize(
    ("steps", "as_before", "anew"),
    [
        ([*host("a", "pending"), *host("b", "pending")], True, "suspend_jobs:PRD"),
        ([*host("a", "done", "done", "done"), *host("b", "done", "done", "done")], True, None),
        # One host is through, the other one never began: its jobs have to rest before it does.
        ([*host("a", "done", "done", "done"), *host("b", "pending")], True, "suspend_jobs:PRD"),
        ([*host("a", "done", "done", "failed"), *host("b", "pending")], False, None),
        ([*host("a", "unknown"), *host("b", "pending")], False, None),
        ([row("a", "stop", "pending", "QAS")], True, None),
    ],
)
def test_jobs_are_held_back_again_while_something_is_left_to_stop(
    steps: list[dict[str, Any]], as_before: bool, anew: str | None
) -> None:
    guarded = rules.Guarded(steps)
    assert guarded.is_as_before("suspend_jobs:PRD") is as_before
    assert guarded.to_make_anew("suspend_jobs:PRD") == anew


def test_a_host_is_silenced_again_before_it_is_patched() -> None:
    guarded = rules.Guarded([row("a", "patch"), row("a", "reboot"), row("b", "patch", "done")])
    assert guarded.to_make_anew("silence:a") == "silence"
    assert rules.Guarded([row("a", "patch", "failed"), row("a", "reboot")]).to_make_anew("silence:a") is None
    assert guarded.to_make_anew("job:a") is None
