# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a tenant by what M_DATABASES shows from look to look."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._hana.link import Address, Link
from ansible_collections.basis.landscape.plugins.module_utils._hana.model import Database
from ansible_collections.basis.landscape.plugins.module_utils._steps.tenant import (
    Databases,
    refuse_another_door,
    state_of,
    wait_for,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Hopeless, Limits, NeverCame
from tests.unit.plugins.module_utils.steppedclock import SteppedClock

LIMITS = Limits(60, delay=5, grace=10, patience=15)


class Shows:
    """A link over which each look shows the next rows, the last ones for good; an error is raised."""

    def __init__(self, *looks: dict[str, str] | LandscapeError, connected_to: str = "SYSTEMDB") -> None:
        self.address = Address(host="db", port=30013, database=connected_to)
        self.looks = list(looks)
        self.asked = 0

    def ask(self, _doing: str, _sql: str, _values: Any = ()) -> list[dict[str, Any]]:
        self.asked += 1
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, LandscapeError):
            raise look
        shown = {"SYSTEMDB": "YES", **look}
        return [{"DATABASE_NAME": name, "ACTIVE_STATUS": status} for name, status in shown.items()]


def wait(link: Shows, wanted: str = "started", **more: Any) -> Databases:
    clock = SteppedClock()
    return wait_for(Client(cast(Link, link)), "QAS", wanted, LIMITS, f"see QAS {wanted}", clock=clock, **more)


@pytest.mark.parametrize(
    ("wanted", "looks"),
    [
        ("started", [{"QAS": "NO"}, {"QAS": "STARTING"}, {"QAS": "yes"}]),
        ("stopped", [{"QAS": "YES"}, {"QAS": "STOPPING"}, {"QAS": "NO"}]),
        ("absent", [{"QAS": "STOPPING"}, {"QAS": "NO"}, {}]),
        ("stopped", [{}, {}, {"QAS": "NO"}]),
    ],
)
def test_it_looks_until_the_state_is_there(wanted: str, looks: list[dict[str, str] | LandscapeError]) -> None:
    link = Shows(*looks)
    assert state_of(wait(link, wanted), "QAS") == wanted
    assert link.asked == 3


def test_a_state_that_never_comes_is_told_with_the_last_one() -> None:
    with pytest.raises(NeverCame, match="after 60 s: QAS is starting") as caught:
        wait(Shows({"QAS": "STARTING"}), lost=["stopped"])
    assert caught.value.last["QAS"].status == "STARTING"
    with pytest.raises(NeverCame, match="QAS is absent"):
        wait(Shows({}))


def test_a_lost_state_is_given_up_after_the_grace() -> None:
    with pytest.raises(Hopeless, match="QAS is stopped, unchanged for 10 s") as caught:
        wait(Shows({"QAS": "STARTING"}, {"QAS": "NO"}), lost=["stopped"])
    assert caught.value.facts["waited_seconds"] == 15


def test_a_lost_state_that_passes_does_no_harm() -> None:
    looks: list[dict[str, str] | LandscapeError] = [{"QAS": "NO"}, {"QAS": "NO"}, {"QAS": "STARTING"}] * 3
    assert wait(Shows(*looks, {"QAS": "YES"}), lost=["stopped"])["QAS"].active


@pytest.mark.parametrize("status", ["ODD", "", "YES "])
def test_a_status_that_nobody_knows_is_neither_waited_for_nor_guessed_at(status: str) -> None:
    link = Shows({"QAS": status})
    with pytest.raises(Failed, match="M_DATABASES says") as caught:
        wait(link)
    assert caught.value.reason == "status_unknown" and link.asked == 1
    assert state_of({"PRD": Database("PRD", status)}, "QAS") == "absent", "another one's status is not looked at"


@pytest.mark.parametrize("error", [TimedOut("look", "slow"), Unreachable("look", "gone")])
def test_a_system_database_that_does_not_answer_is_borne_with_for_a_while(error: LandscapeError) -> None:
    assert wait(Shows(error, error, {"QAS": "YES"}))["QAS"].active
    link = Shows(error)
    with pytest.raises(type(error)) as caught:
        wait(link)
    assert caught.value is error and link.asked == 4, "at 0, 5, 10 seconds, then at the end of the patience"


@pytest.mark.parametrize("error", [Denied("look", "locked"), Failed("look", "no"), BadInput("look", "no")])
def test_any_other_error_is_the_end_at_once(error: LandscapeError) -> None:
    link = Shows(error, {"QAS": "YES"})
    with pytest.raises(type(error)):
        wait(link)
    assert link.asked == 1


@pytest.mark.parametrize(
    ("other", "words"),
    [({}, "PRD is absent"), ({"PRD": "NO"}, "PRD is stopped"), ({"PRD": "ODD"}, "PRD is .*'ODD'")],
)
def test_the_others_must_be_started_too(other: dict[str, str], words: str) -> None:
    link = Shows({"QAS": "YES", **other}, {"QAS": "YES", "PRD": "YES"})
    assert wait(link, others=["SYSTEMDB", "PRD"])["PRD"].active and link.asked == 2
    with pytest.raises(NeverCame, match=f"QAS is started, {words}") as caught:
        wait(Shows({"QAS": "YES", **other}), others=["SYSTEMDB", "PRD"])
    assert "SYSTEMDB" not in caught.value.why, "who is well is not named"
    assert "None" not in caught.value.why


@pytest.mark.parametrize("door", ["QAS", "PRD", "SYSTEMDB "])
def test_a_tenant_is_no_door(door: str) -> None:
    link = Shows({"QAS": "YES"}, connected_to=door)
    with pytest.raises(BadInput, match=f"hana_database is {door};.*through SYSTEMDB"):
        refuse_another_door(Client(cast(Link, link)), "QAS")
    refuse_another_door(Client(cast(Link, Shows({}))), "QAS")
    assert link.asked == 0
