# SPDX-License-Identifier: GPL-3.0-or-later
"""What rfc_call tells about a change that was made and not committed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._module import Context
from ansible_collections.basis.landscape.plugins.modules import rfc_call
from tests.unit.plugins.module_utils._rfc.system import System

COMMIT = "BAPI_TRANSACTION_COMMIT"


def called(system: System, monkeypatch: pytest.MonkeyPatch, **given: Any) -> dict[str, Any]:
    usual = {name: option.get("default") for name, option in rfc_call.spec().options.items()}
    usual.update(rfc_host="app", rfc_instance="00", rfc_client="100", rfc_user="AUTO", rfc_password="p")
    monkeypatch.setattr(rfc_call, "connect", lambda _params: system.client())
    module = SimpleNamespace(params={**usual, "function": "BAPI_USER_LOCK", **given}, check_mode=False)
    return rfc_call.call(Context(module))


def test_a_change_whose_commit_is_refused_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System()
    system.refused = COMMIT
    with pytest.raises(LandscapeError) as caught:
        called(system, monkeypatch, changes=True, commit=True, parameters={"USERNAME": "SMITH"})
    assert caught.value.kind == "denied" and caught.value.facts["changed"] is True


def test_a_change_that_was_refused_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System()
    with pytest.raises(LandscapeError) as caught:
        called(system, monkeypatch, changes=True, commit=True, parameters={"USERNAME": "BAD"})
    assert not caught.value.facts.get("changed") and not system.sent(COMMIT)


def test_secret_parameters_are_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System()
    called(system, monkeypatch, changes=True, parameters={"A": "1"}, secret_parameters={"username": "SMITH"})
    assert system.users == {"SMITH": True}
    with pytest.raises(BadInput, match="USERNAME"):
        called(system, monkeypatch, changes=True, parameters={"USERNAME": "A"}, secret_parameters={"username": "B"})
