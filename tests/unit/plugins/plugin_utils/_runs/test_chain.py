# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be changed in an event without its hash."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import chain
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t

EVENT: dict[str, Any] = {
    "run_id": "r1",
    "n": 1,
    "at": 1.5,
    "at_controller": 2.5,
    "epoch": 3,
    "actor": "Jürgen",
    "kind": "claimed",
    "ci": "web",
    "step": None,
    "data": '{"attempt": 1}',
}


def test_every_column_of_an_event_is_covered_but_the_hash_itself() -> None:
    assert {column.name for column in t.event.c} - set(chain.COVERED) == {"hash"}
    assert set(EVENT) == set(chain.COVERED)


@pytest.mark.parametrize("name", chain.COVERED)
def test_a_change_of_anything_is_seen(name: str) -> None:
    changed = {"at": 1.5000000000000002, "at_controller": 2.5000000000000004, "n": 2, "epoch": 4}.get(name, "x")
    assert chain.link(chain.START, {**EVENT, name: changed}) != chain.link(chain.START, EVENT)
    assert chain.link("1" * 64, EVENT) != chain.link(chain.START, EVENT)


def test_what_moves_from_one_column_to_the_next_is_seen() -> None:
    first = {**EVENT, "ci": "we", "step": "b"}
    assert chain.link(chain.START, first) != chain.link(chain.START, {**EVENT, "ci": "web", "step": ""})
    assert chain.link(chain.START, {**EVENT, "step": "null"}) != chain.link(chain.START, EVENT)


def test_the_record_of_an_older_release_is_verified_by_a_newer_one() -> None:
    """The bytes that are hashed may never change: every chain that was ever written hangs on them."""
    covered = f'["{"0" * 64}","r1",1,1.5,2.5,3,"J\\u00fcrgen","claimed","web",null,"{{\\"attempt\\": 1}}"]'
    assert chain.link(chain.START, EVENT) == hashlib.sha256(covered.encode("ascii")).hexdigest()
