# SPDX-License-Identifier: GPL-3.0-or-later
"""Free work processes, users who are logged on: what is not told is a failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import Link
from ansible_collections.basis.landscape.plugins.module_utils._rfc.quiet import free_processes, logged_on
from tests.unit.plugins.module_utils._rfc.system import ADDRESS


class Asked(Client):
    """A client that answers one thing."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(Link(ADDRESS))
        self._answer = answer

    def ask(self, *_given: Any, **_more: Any) -> dict[str, Any]:
        return dict(self._answer)


def test_free_processes_of_all_servers() -> None:
    answer = {"RESOURCE_INFO": [{"BTCWPFREE": "         3"}, {"BTCWPFREE": " 0"}]}
    assert free_processes("look", answer) == 3


@pytest.mark.parametrize("answer", [{}, {"RESOURCE_INFO": []}, {"RESOURCE_INFO": [{"BTCWPFREE": ""}]}])
def test_free_processes_that_are_not_told(answer: Mapping[str, Any]) -> None:
    with pytest.raises(Failed):
        free_processes("look", answer)


@pytest.mark.parametrize("table", ["LIST", "USRLIST"])
def test_users_of_one_client(table: str) -> None:
    rows = [("200", "MILLER"), ("200", "MILLER"), ("200", "auto"), ("100", "SMITH"), ("200", "")]
    answer = {table: [{"MANDT": client, "BNAME": name.upper()} for client, name in rows]}
    assert logged_on(Asked(answer), "200", "Auto") == ["MILLER"]


@pytest.mark.parametrize("answer", [{}, {"OTHER": []}, {"LIST": [{"USER": "X"}]}])
def test_users_that_are_not_told(answer: Mapping[str, Any]) -> None:
    with pytest.raises(Failed) as caught:
        logged_on(Asked(answer), "200", "")
    assert caught.value.reason == "users_unreadable"
