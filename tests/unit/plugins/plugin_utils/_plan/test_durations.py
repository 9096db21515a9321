# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about predicted durations."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.durations import DEFAULT_SECONDS, Durations
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import PROCEDURES


@pytest.mark.parametrize(
    ("history", "stated", "seconds"),
    [
        ({}, {}, 300.0),
        ({"stop": 10}, {}, 10.0),
        ({"stop": 10, "stop/db": 20}, {}, 20.0),
        ({"stop": 10, "stop/db": 20, "H/h/HDB00/stop": 30}, {}, 30.0),
        ({"H/h/HDB00/stop": 30}, {"stop": 5}, 5.0),
        ({"stop": -1}, {}, 0.0),
    ],
)
def test_the_most_exact_answer_of_the_first_source_counts(
    history: dict[str, float], stated: dict[str, float], seconds: float
) -> None:
    assert Durations(history, stated).of("stop", "db", "H/h/HDB00/stop") == seconds


def test_every_step_has_a_default() -> None:
    for kinds in PROCEDURES.values():
        assert set(kinds) <= set(DEFAULT_SECONDS)
    assert Durations().of("custom", None, "x") > 0
