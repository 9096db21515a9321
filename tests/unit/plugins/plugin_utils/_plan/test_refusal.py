# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about refusals."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Conditions, PlanRefused


def test_all_conditions_are_listed_once_and_in_order() -> None:
    conditions = Conditions()
    conditions.refuse_if_any()
    assert not conditions
    conditions.add("PRD", "it is down.", "start it.")
    conditions.add("QAS", "it is up.", "stop it.")
    conditions.add("PRD", "it is down.", "start it.")
    assert conditions
    with pytest.raises(PlanRefused) as refused:
        conditions.refuse_if_any()
    assert refused.value.conditions == [
        {"object": "PRD", "unmet": "it is down.", "remedy": "start it."},
        {"object": "QAS", "unmet": "it is up.", "remedy": "stop it."},
    ]
    assert str(refused.value) == (
        "The plan is refused: 2 unmet conditions.\n"
        "- PRD: it is down. To allow it: start it.\n"
        "- QAS: it is up. To allow it: stop it."
    )


def test_one_condition_is_one() -> None:
    refused = PlanRefused([{"object": "a", "unmet": "b.", "remedy": "c."}])
    assert str(refused).startswith("The plan is refused: 1 unmet condition.\n")
