# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter health_record as its documentation has it."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.basis.landscape.plugins.filter import health_record

FILTER = health_record.FilterModule().filters()["health_record"]


def test_it_is_called_as_documented() -> None:
    documented = yaml.safe_load(health_record.DOCUMENTATION)
    assert (documented["name"], list(documented["options"])) == ("health_record", ["_input"])


CHECKS = [{"name": "queues", "verdict": "good", "words": "0 wait"}]


@pytest.mark.parametrize(
    ("result", "name"),
    [
        ({"item": {"id": "PRD/cs/ASCS00"}}, "PRD/cs/ASCS00"),
        ({"ansible_loop_var": "each", "each": {"id": "PRD/cs/ASCS00"}, "item": "PRD"}, "PRD/cs/ASCS00"),
        ({"item": {"sid": "PRD", "number": "00"}}, "PRD/00"),
        ({"item": {"id": "", "sid": "PRD", "number": "00"}}, "PRD/00"),
    ],
)
def test_an_instance_is_named_by_its_loop(result: dict[str, t.Any], name: str) -> None:
    assert FILTER([{"checks": CHECKS, **result}]) == {name: {"queues": {"verdict": "good", "words": "0 wait"}}}


@pytest.mark.parametrize(
    "result",
    [{}, {"item": "PRD"}, {"item": {"sid": "PRD"}}, {"ansible_loop_var": "each", "item": {"id": "PRD/cs/ASCS00"}}],
)
def test_results_of_another_loop_are_refused(result: dict[str, t.Any]) -> None:
    wanted = f"and '{result.get('ansible_loop_var', 'item')}' has no id"
    with pytest.raises(AnsibleFilterError, match=wanted):
        FILTER([{"checks": CHECKS, **result}])


def test_an_instance_that_said_nothing_at_all_is_unknown() -> None:
    found = FILTER([{"item": {"id": "PRD/cs/ASCS00"}}])
    assert found == {"PRD/cs/ASCS00": {"asked": {"verdict": "unknown", "words": "nothing was looked at"}}}
