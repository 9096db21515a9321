# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter health_running as its documentation has it."""

from __future__ import annotations

import yaml

from ansible_collections.basis.landscape.plugins.filter import health_running

FILTER = health_running.FilterModule().filters()["health_running"]


def test_it_is_called_as_documented() -> None:
    documented = yaml.safe_load(health_running.DOCUMENTATION)
    assert (documented["name"], list(documented["options"])) == ("health_running", ["_input"])


def test_what_nobody_asked_for_its_processes_counts_as_running() -> None:
    queues = {"queues": {"verdict": "bad", "words": "full"}}
    record = {
        "PRD/a/D01": queues,
        "PRD/a/D02": {"processes": {"verdict": "unknown", "words": "no answer"}, **queues},
        "PRD/a/D03": {"asked": {"verdict": "unknown", "words": "no"}},
    }
    assert FILTER(record) == {"PRD/a/D01": queues}
    assert len(record) == 3, "the record itself stays as it is"
