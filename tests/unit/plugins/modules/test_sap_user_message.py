# SPDX-License-Identifier: GPL-3.0-or-later
"""When sap_user_message tells whom, on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.conversation import (
    Conversation,
    Lost,
    Raised,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.link import Link
from ansible_collections.basis.landscape.plugins.modules.sap_user_message import Notice, spec
from tests.unit.plugins.module_utils._rfc.system import ADDRESS
from tests.unit.plugins.module_utils.steppedclock import SteppedClock


class System(Conversation):
    """Users who leave at a minute, popups with what becomes of them."""

    def __init__(self, clock: SteppedClock, **leaves: float) -> None:
        self.clock, self.leaves = clock, leaves
        self.shown: list[tuple[float, str, str]] = []
        self.unreadable: tuple[float, float] = (0, 0)
        self.becomes: dict[str, list[Exception]] = {}
        self.name = "app_PRD_00"
        self.servers = [self.name]
        self.away = False

    def call(self, function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if self.away:
            raise Lost("away")
        now = self.clock.now() / 60
        there = [name for name, minute in self.leaves.items() if minute > now]
        if function == "RFC_SYSTEM_INFO":
            return {"RFCSI_EXPORT": {"RFCSYSID": "PRD", "RFCDEST": self.name}}
        if function == "TH_SERVER_LIST":
            return {"LIST": [{"NAME": name} for name in self.servers]}
        if function == "TH_USER_LIST":
            if self.unreadable[0] <= now < self.unreadable[1]:
                raise Lost("away")
            return {"LIST": [{"MANDT": "100", "BNAME": name} for name in there]}
        if function == "RFC_PING":
            return {}
        assert function == "TH_POPUP"
        name = parameters["USER"]
        if self.becomes.get(name):
            raise self.becomes[name].pop(0)
        if name not in there:
            raise Raised("USER_NOT_FOUND", "")
        self.shown.append((now, name, parameters["MESSAGE"]))
        return {}


def run(clock: SteppedClock, system: System, *others: System, **given: Any) -> dict[str, Any]:
    """Tell the users of one application server, and of others that are named."""
    params = {name: option.get("default") for name, option in spec().options.items()}
    params.update(rfc_host="app", rfc_instance="00", rfc_client="100", rfc_user="auto", rfc_password="p")
    params.update({"text": "{minutes} left", "countdown": [10.0, 5.0, 1.0], **given})
    notice = Notice(params, clock)

    def client(system: System) -> Client:
        return Client(Link(ADDRESS, lambda _address: system))

    notice._clients = [client(one) for one in (system, *others)]
    return notice.run(notice.begin())


def another(clock: SteppedClock, first: System, **leaves: float) -> System:
    """One more application server of the same system."""
    system = System(clock, **leaves)
    system.name = f"app_PRD_0{len(first.servers)}"
    first.servers.append(system.name)
    return system


def test_the_users_of_other_servers_are_told_by_these() -> None:
    clock = SteppedClock()
    first = System(clock, MILLER=99)
    second = another(clock, first, MILLER=99, SMITH=6)
    told = run(clock, first, second, first)
    assert [(minute, name) for minute, name, _text in first.shown] == [(0, "MILLER"), (5, "MILLER"), (9, "MILLER")]
    assert [(minute, name) for minute, name, _text in second.shown] == [
        (0, "MILLER"),
        (0, "SMITH"),
        (5, "MILLER"),
        (5, "SMITH"),
        (9, "MILLER"),
    ]
    assert told["users"] == [{"client": "100", "user": "MILLER"}, {"client": "100", "user": "SMITH"}]
    assert told["still_there"] == [{"client": "100", "user": "MILLER"}]


def test_a_server_that_is_down_is_missed_only_when_the_system_names_it() -> None:
    clock = SteppedClock()
    first = System(clock, MILLER=1)
    second = another(clock, first)
    second.away = True
    with pytest.raises(Denied, match="app_PRD_01 would not be told"):
        run(clock, first, second)
    assert not first.shown
    first.servers.remove(second.name)
    assert run(clock, first, second)["users"] == [{"client": "100", "user": "MILLER"}]


def test_each_is_told_at_each_time_and_the_end_is_waited_for() -> None:
    clock = SteppedClock()
    system = System(clock, MILLER=99)
    told = run(clock, system)
    assert system.shown == [(0, "MILLER", "10 left"), (5, "MILLER", "5 left"), (9, "MILLER", "1 left")]
    assert clock.now() == 600 and told["waited_seconds"] == 600
    assert told["still_there"] == [{"client": "100", "user": "MILLER"}] and not told["left_early"]


def test_who_comes_later_is_told_and_who_left_is_not() -> None:
    clock = SteppedClock()
    system = System(clock, MILLER=3, SMITH=99)
    assert [(minute, name) for minute, name, _text in (run(clock, system), system.shown)[1]] == [
        (0, "MILLER"),
        (0, "SMITH"),
        (5, "SMITH"),
        (9, "SMITH"),
    ]


@pytest.mark.parametrize(("early", "seconds"), [(True, 180), (False, 600)])
def test_it_ends_when_nobody_is_left_unless_that_is_not_wanted(early: bool, seconds: int) -> None:
    clock = SteppedClock()
    told = run(clock, System(clock, MILLER=3), leave_early=early)
    assert clock.now() == seconds and told["left_early"] is early and told["still_there"] == []


def test_nobody_from_the_beginning_ends_at_once() -> None:
    clock = SteppedClock()
    assert run(clock, System(clock))["left_early"] and clock.now() == 0


def test_not_to_know_who_is_there_is_no_end_and_no_silence() -> None:
    clock = SteppedClock()
    system = System(clock, MILLER=99)
    system.unreadable = (1, 6)
    told = run(clock, system, failures="warn")
    assert [minute for minute, _name, _text in system.shown] == [0, 5, 9] and clock.now() == 600
    assert told["warnings"] == ["5 minutes before the end it was not known who is logged on."]
    clock = SteppedClock()
    system = System(clock, MILLER=99)
    system.unreadable = (1, 6)
    with pytest.raises(Failed, match="5 minutes before the end"):
        run(clock, system)
    assert clock.now() == 600, "the notice is given all the same"


def test_a_refused_message_ends_it_before_the_wait_and_the_others_are_told() -> None:
    clock = SteppedClock()
    system = System(clock, MILLER=99, SMITH=99)
    system.becomes["MILLER"] = [Raised("", "no", "E", "XX 001")]
    with pytest.raises(Failed, match="MILLER") as caught:
        run(clock, system)
    assert clock.now() == 0 and [name for _minute, name, _text in system.shown] == ["SMITH"]
    assert caught.value.facts["changed"] is True


def test_a_refused_message_that_may_be_goes_on_with_a_warning() -> None:
    clock = SteppedClock()
    system = System(clock, MILLER=99)
    system.becomes["MILLER"] = [Raised("", "no", "E", "XX 001")] * 3
    assert "MILLER" in run(clock, system, failures="warn")["warnings"][0] and clock.now() == 600


def test_a_lost_connection_is_told_at_the_end_unless_a_later_message_came_through() -> None:
    clock = SteppedClock()
    system = System(clock, MILLER=99)
    system.becomes["MILLER"] = [Lost("cut")]
    assert [one["outcome"] for one in run(clock, system)["messages"]] == ["unknown", "told", "told"]
    system.becomes["MILLER"] = [Lost("cut"), Lost("cut"), Lost("cut")]
    clock = system.clock = SteppedClock()
    with pytest.raises(Unknown, match="MILLER"):
        run(clock, system)


def test_after_three_lost_connections_the_rest_of_a_round_is_named_and_not_sent() -> None:
    clock = SteppedClock()
    system = System(clock, A=99, B=99, C=99, D=99)
    system.becomes = {name: [Lost("cut")] for name in "ABC"}
    with pytest.raises(Failed, match=r"D \(100\): it was not sent"):
        run(clock, system)
    assert not system.shown


def test_users_of_other_servers_are_not_forgotten() -> None:
    clock = SteppedClock()
    system = System(clock, MILLER=99)
    system.servers = ["app2_PRD_00", "app_PRD_00"]
    with pytest.raises(Denied, match="app2_PRD_00"):
        run(clock, system)
    assert not system.shown
    assert run(clock, system, other_servers="ignore")["users"]


@pytest.mark.parametrize(
    "given",
    [{"countdown": [0.0]}, {"countdown": [float("inf")]}, {"countdown": []}, {"text": " "}, {"delay": 0.0}],
)
def test_options_that_cannot_be_right(given: dict[str, Any]) -> None:
    clock = SteppedClock()
    with pytest.raises(BadInput):
        run(clock, System(clock), **{"countdown": [1.0], "text": "{minutes}", **given})
