# SPDX-License-Identifier: GPL-3.0-or-later
"""When the health of an instance counts as worse than before."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._health import (
    health_record,
    health_running,
    health_worse,
)

VERDICTS = ("good", "not_applicable", "bad", "unknown")
WORSE = {
    (None, "bad"),
    (None, "unknown"),
    ("good", "bad"),
    ("good", "unknown"),
    ("good", "not_applicable"),
    ("not_applicable", "bad"),
    ("not_applicable", "unknown"),
    ("unknown", "bad"),
    ("unknown", "not_applicable"),
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


def asked(words: str) -> dict[str, dict[str, dict[str, str]]]:
    return {"PRD/cs/ASCS00": {"asked": {"verdict": "unknown", "words": words}}}


def test_who_cannot_be_asked_is_never_well() -> None:
    assert health_worse(asked("no"), asked("no")) == ["PRD/cs/ASCS00 asked: no"]


@pytest.mark.parametrize("result", [{"msg": "checks must be one of"}, {"checks": [], "msg": "nothing was looked at"}])
def test_no_check_is_no_good_news(result: dict[str, object]) -> None:
    looked = [{**result, "item": {"id": "PRD/cs/ASCS00"}}]
    assert health_record(looked) == asked(str(result["msg"]))


def test_what_did_not_run_has_to_be_well_once_it_is_started() -> None:
    before = {
        "PRD/a/D01": {"processes": {"verdict": "good", "words": ""}, "queues": {"verdict": "bad", "words": ""}},
        "PRD/a/D02": {"processes": {"verdict": "bad", "words": ""}, "queues": {"verdict": "unknown", "words": ""}},
        **asked("no"),
    }
    after = {name: {"queues": {"verdict": "bad", "words": "full"}} for name in ("PRD/a/D01", "PRD/a/D02")}
    assert list(health_running(before)) == ["PRD/a/D01"]
    assert health_worse(after, health_running(before)) == ["PRD/a/D02 queues: full"]


def test_the_record_keeps_the_names_of_the_processes() -> None:
    row = {"name": "hdbindexserver", "description": "HDB Indexserver-PRD", "colour": "GREEN"}
    check = {"name": "processes", "verdict": "good", "words": "1 GREEN", "evidence": [row]}
    found = health_record([{"checks": [check], "item": {"id": "HDB/db/HDB00"}}])
    kept = {"verdict": "good", "words": "1 GREEN", "names": ["hdbindexserver (HDB Indexserver-PRD)"]}
    assert found == {"HDB/db/HDB00": {"processes": kept}}
