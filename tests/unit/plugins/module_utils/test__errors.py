# SPDX-License-Identifier: GPL-3.0-or-later
"""The error tree: kinds, words, data."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils import _errors
from ansible_collections.basis.landscape.plugins.module_utils._errors import LandscapeError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_errors.Failed, "failed"),
        (_errors.BadInput, "failed"),
        (_errors.Denied, "denied"),
        (_errors.Unreachable, "unreachable"),
        (_errors.TimedOut, "timed_out"),
        (_errors.Unknown, "unknown"),
    ],
)
def test_each_error_has_a_kind_of_the_tree(error: type[LandscapeError], kind: str) -> None:
    assert error("stop PRD", "so").kind == kind
    assert kind in _errors.KINDS
    assert issubclass(error, LandscapeError)


def test_message_says_what_and_why_and_cure() -> None:
    error = _errors.Denied("stop PRD", "a cluster owns it.", cure="Set maintenance first")
    assert str(error) == "Could not stop PRD: a cluster owns it. Set maintenance first"
    assert str(_errors.Failed("stop PRD", "it runs on")) == "Could not stop PRD: it runs on"


def test_message_follows_what_is_added_later() -> None:
    error = _errors.Failed("stop PRD", "it runs on")
    error.why += "; last line: killed"
    assert str(error).endswith("last line: killed")


def test_result_is_plain_data() -> None:
    error = _errors.Unknown("stop PRD", "no answer", cause="lost")
    assert error.as_result() == {
        "kind": "unknown",
        "reason": "not_answered",
        "doing": "stop PRD",
        "why": "no answer",
        "cure": None,
        "facts": {"cause": "lost"},
    }
