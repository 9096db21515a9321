# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter health_worse as its documentation has it."""

from __future__ import annotations

import inspect

import yaml

from ansible_collections.basis.landscape.plugins.filter import health_worse

FILTER = health_worse.FilterModule().filters()["health_worse"]
BAD = {"PRD/cs/ASCS00": {"queues": {"verdict": "bad", "words": "full"}}}


def test_every_documented_option_can_be_given_by_its_name() -> None:
    documented = yaml.safe_load(health_worse.DOCUMENTATION)
    assert documented["name"] == "health_worse"
    assert list(inspect.signature(FILTER).parameters)[1:] == list(documented["options"])[1:] == ["before"]
    assert FILTER(BAD, before={}) == ["PRD/cs/ASCS00 queues: full"]
    assert FILTER(BAD, before=BAD) == FILTER(BAD, BAD) == []


def test_without_a_look_before_all_that_is_not_well_is_worse() -> None:
    assert FILTER(BAD) == ["PRD/cs/ASCS00 queues: full"]


def test_an_instance_that_nobody_looked_at_before_is_compared_with_nothing() -> None:
    assert FILTER(BAD, {"PRD/cs/ASCS01": BAD["PRD/cs/ASCS00"]}) == ["PRD/cs/ASCS00 queues: full"]
