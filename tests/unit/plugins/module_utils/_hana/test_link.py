# SPDX-License-Identifier: GPL-3.0-or-later
"""What the driver's numbers mean for a question and for a change that was sent."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Unknown, Unreachable
from ansible_collections.basis.landscape.plugins.module_utils._hana.link import Address, Link, SqlFailed, _milliseconds


class Said(Exception):
    """An error as the driver gives it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.errorcode = code
        self.errortext = text


LINK = Link(Address("db", 30013, "SYSTEMDB"))


@pytest.mark.parametrize("code", [-10807, -10709, -10806, -9999, 4321])
def test_a_number_of_the_driver_that_nobody_knows_leaves_a_change_unknown(code: int) -> None:
    assert isinstance(LINK._no(Said(code, "odd"), "stop PRD", change=True), Unknown)


@pytest.mark.parametrize("code", [-10427, 0, 257, 447])
def test_what_was_refused_did_not_happen(code: int) -> None:
    assert isinstance(LINK._no(Said(code, "no"), "stop PRD", change=True), SqlFailed)


def test_a_question_that_reaches_nobody() -> None:
    for code in (-10709, -10719):
        assert isinstance(LINK._no(Said(code, "connect failed"), "look", change=False), Unreachable)


def test_a_secret_of_the_statement_is_not_in_hanas_words() -> None:
    said = Said(257, 'syntax error near "Ab""cd-1": line 1')
    error = LINK._no(said, "create QA2", change=True, hide='Ab""cd-1')
    assert "cd-1" not in str(error) + str(error.as_result()) and "********" in str(error)


@pytest.mark.parametrize(("seconds", "told"), [(0.0001, 1), (60, 60000), (1e300, 2**31 - 1), (float("inf"), 2**31 - 1)])
def test_a_time_limit_is_never_none(seconds: float, told: int) -> None:
    assert _milliseconds(seconds) == told
