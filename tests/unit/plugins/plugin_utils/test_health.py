# SPDX-License-Identifier: GPL-3.0-or-later
"""When the health of an instance counts as worse than before."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._health import health_worse

VERDICTS = ("good", "not_applicable", "bad", "unknown")
WORSE = {
    (None, "bad"),
    (None, "unknown"),
    ("good", "bad"),
    ("good", "unknown"),
    ("good", "not_applicable"),
    ("not_applicable", "bad"),
    ("not_applicable", "unknown"),
}


def record(verdict: str, words: str = "some words") -> dict[str, dict[str, dict[str, str]]]:
    return {"PRD/cs/ASCS00": {"enqueue_replication": {"verdict": verdict, "words": words}}}


@pytest.mark.parametrize("before", [None, *VERDICTS])
@pytest.mark.parametrize("now", VERDICTS)
def test_what_is_worse(before: str | None, now: str) -> None:
    found = health_worse(record(now), record(before) if before else {})
    assert bool(found) is ((before, now) in WORSE)


def test_a_replicator_that_is_gone_is_named() -> None:
    found = health_worse(record("not_applicable", "the system has no enqueue replicator"), record("good"))
    assert found == [
        "PRD/cs/ASCS00 enqueue_replication: the system has no enqueue replicator (was well before)",
    ]
