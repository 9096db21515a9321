# SPDX-License-Identifier: GPL-3.0-or-later
"""How an instance is watched, against a peer that gives one process list after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed, Unreachable
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import Address, connect, model
from ansible_collections.basis.landscape.plugins.module_utils._steps import watch
from ansible_collections.basis.landscape.plugins.module_utils._wait import Hopeless, Limits, NeverCame
from tests.unit.plugins.module_utils._sapcontrol.peer import Peer, fault, http, say, soap
from tests.unit.plugins.module_utils.steppedclock import SteppedClock


def listing(*words: str) -> bytes:
    """A process list of ``name:COLOUR:text`` words as an HTTP reply."""
    rows = ""
    for word in words:
        name, colour, text = (word.split(":") + [""])[:3]
        rows += (
            f"<item><name>{name}</name><dispstatus>SAPControl-{colour}</dispstatus>"
            f"<textstatus>{text}</textstatus><pid>1</pid></item>"
        )
    return http(200, soap("GetProcessListResponse", f"<process>{rows}</process>"))


def watched(call: Callable[..., Any], *replies: bytes) -> tuple[Any, SteppedClock]:
    """What ``call`` gives against these replies, with its clock."""
    clock = SteppedClock()
    with Peer(*(say(reply) for reply in replies)) as peer:
        client = connect(Address("01", url=f"http://127.0.0.1:{peer.port}"), "PRD/01")
        try:
            return call(client, clock), clock
        finally:
            client.close()


def started(lost: tuple[str, ...] = (model.BROKEN,), expected: tuple[str, ...] = ("a", "b")) -> Callable[..., Any]:
    return lambda client, clock: watch.wait_for_state(
        client, "started", Limits(100, 5, grace=20), doing="start it", lost=lost, expected=expected, clock=clock
    )


def stopped(client: Any, clock: SteppedClock) -> Any:
    return watch.wait_for_state(client, "stopped", Limits(100, 5, grace=20), doing="stop it", clock=clock)


def test_a_start_goes_through_every_answer_that_is_none() -> None:
    replies = [
        listing(),
        listing("sapcpe:GREEN"),
        listing("a:GRAY", "b:GRAY"),
        listing("a:GREEN"),
        listing("a:GREEN", "b:YELLOW"),
        listing("a:RED", "b:GREEN"),
        listing("a:GREEN", "b:GREEN"),
    ]
    found, clock = watched(started(), *replies)
    assert [p.name for p in found] == ["a", "b"]
    assert clock.time == 30


def test_a_list_that_stays_shorter_than_expected_counts_after_the_grace() -> None:
    found, clock = watched(started(expected=("a", "b", "old")), listing("a:GREEN", "b:GREEN"))
    assert (len(found), clock.time) == (2, 20)


def test_a_list_that_grows_starts_the_grace_anew() -> None:
    replies = [listing("a:GREEN"), listing("a:GREEN"), listing("a:GREEN", "b:GREEN")]
    _found, clock = watched(started(expected=("a", "b", "old")), *replies)
    assert clock.time == 30


def test_a_list_of_which_nothing_is_known_counts_after_the_grace() -> None:
    replies = [listing("sapcpe:GREEN"), listing("a:GREEN"), listing("a:GREEN"), listing("a:GREEN", "b:GREEN")]
    found, clock = watched(started(expected=()), *replies)
    assert ([p.name for p in found], clock.time) == (["a", "b"], 35)


def test_a_short_timeout_leaves_room_for_the_grace() -> None:
    def quick(client, clock):  # type: ignore[no-untyped-def]
        limits = Limits(30, 5, grace=60)
        return watch.wait_for_state(client, "started", limits, doing="start it", clock=clock)

    _found, clock = watched(quick, listing("a:GREEN"))
    assert clock.time == 15


def test_a_list_that_goes_on_growing_says_so_in_the_end() -> None:
    def quick(client, clock):  # type: ignore[no-untyped-def]
        limits = Limits(10, 5, grace=60)
        return watch.wait_for_state(client, "started", limits, doing="start it", clock=clock)

    files = http(500, fault("Permission denied"))
    growing = [listing(*[f"{name}:GREEN" for name in "abc"[:count]]) for count in (1, 2, 3)]
    with pytest.raises(NeverCame, match="c GREEN, unchanged for less than 5 s"):
        watched(quick, *growing, files)


def test_red_that_stays_ends_a_start_early_with_the_last_lines() -> None:
    red = listing("disp+work:RED:Stopped", "gwrd:GREEN")
    files = http(200, soap("ListDeveloperTracesResponse", "<file><item><filename>dev_disp</filename></item></file>"))
    lines = http(200, soap("ReadDeveloperTraceResponse", "<lines><item>one</item><item>died</item></lines>"))
    with pytest.raises(Hopeless) as caught:
        watched(started(), red, red, red, red, red, files, lines)
    assert "disp+work RED (Stopped)" in caught.value.why
    assert caught.value.why.endswith("last lines of dev_disp: one | died")
    assert caught.value.facts["log"] == {"process": "disp+work", "file": "dev_disp", "lines": ["one", "died"]}
    assert [p["name"] for p in caught.value.facts["processes"]] == ["disp+work"]


def test_a_log_that_cannot_be_had_does_not_hide_the_failure() -> None:
    yellow = listing("disp+work:YELLOW:Starting")
    with pytest.raises(NeverCame) as caught:
        watched(started(), *[yellow] * 21, http(500, fault("Permission denied")))
    assert caught.value.why == "after 100 s: disp+work YELLOW (Starting)"
    assert "log" not in caught.value.facts


def test_a_stop_may_stay_green_for_as_long_as_the_grace_of_sap_lasts() -> None:
    green = listing("a:GREEN")
    _found, clock = watched(stopped, *[green] * 15, listing("a:YELLOW:Stopping"), listing(), listing("a:GRAY"))
    assert clock.time == 85


def test_an_instance_that_runs_again_after_it_was_stopping_has_not_stopped() -> None:
    with pytest.raises(Hopeless, match="a GREEN"):
        watched(stopped, listing("a:YELLOW:Stopping"), listing("a:GREEN:Running"))


def test_an_empty_list_is_waited_out_then_an_error_of_its_own() -> None:
    def known(client, clock):  # type: ignore[no-untyped-def]
        return watch.known_processes(client, Limits(100, 5, grace=20), clock)

    found, _clock = watched(known, listing(), listing(), listing("a:GREEN"))
    assert len(found) == 1
    with pytest.raises(Failed) as caught:
        watched(known, listing())
    assert caught.value.reason == "empty_process_list"


def test_a_service_that_fails_in_the_middle_is_borne_for_a_while() -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    clock = SteppedClock()
    with Peer(say(broken, stay=False), say(broken, stay=False), say(listing("a:GREEN", "b:GREEN"))) as peer:
        client = connect(Address("01", url=f"http://127.0.0.1:{peer.port}"), "PRD/01")
        assert started()(client, clock)
        client.close()
    with Peer(say(broken, stay=False)) as peer:
        client = connect(Address("01", url=f"http://127.0.0.1:{peer.port}"), "PRD/01")
        with pytest.raises(Unreachable):
            watch.wait_for_state(client, "started", Limits(100, 5, patience=20), doing="start it", clock=SteppedClock())
