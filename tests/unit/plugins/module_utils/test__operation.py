# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations: look, plan, act, verify, in that order, each as often as it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    Denied,
    Failed,
    TimedOut,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation, carry_out, in_words


class Lamp(Operation[str]):
    """A lamp that is to be on; it writes down everything that is done to it."""

    def __init__(self, state: str, act: Callable[[], Any] | None = None, shines: bool = True) -> None:
        self.state = state
        self.log: list[str] = []
        self._act = act
        self._shines = shines

    def look(self) -> str:
        self.log.append("look")
        return self.state

    def plan(self, state: str) -> Sequence[Action[str]]:
        return [] if state == "on" else [Action("Switch", "switch the lamp on", self._switch, self._verify)]

    def describe(self, state: str) -> dict[str, Any]:
        return {"state": state}

    def facts(self, state: str) -> dict[str, Any]:
        return {"bright": state == "on"}

    def _switch(self) -> Any:
        self.log.append("act")
        if self._shines:
            self.state = "on"
        return self._act() if self._act else None

    def _verify(self) -> str:
        self.log.append("verify")
        if self.state != "on":
            raise TimedOut("switch the lamp on", "after 5 s: it is off")
        return self.state


def raising(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def test_nothing_to_do_is_no_change() -> None:
    lamp = Lamp("on")
    result = carry_out(lamp)
    assert (result["changed"], result["steps"], lamp.log) == (False, [], ["look"])
    assert result["diff"] == {"before": "", "after": ""}


def test_a_change_is_what_verify_saw() -> None:
    lamp = Lamp("off")
    result = carry_out(lamp)
    assert lamp.log == ["look", "act", "verify"]
    assert result["changed"] is True
    assert (result["before"], result["after"], result["bright"]) == ({"state": "off"}, {"state": "on"}, True)
    assert result["steps"] == [{"name": "Switch", "words": "switch the lamp on", "outcome": "done"}]
    assert result["diff"] == {"before": "state: off\n", "after": "state: on\nswitch the lamp on\n"}


def test_check_mode_looks_and_plans_only() -> None:
    lamp = Lamp("off")
    result = carry_out(lamp, check_mode=True)
    assert lamp.log == ["look"]
    assert result["changed"] is True
    assert result["steps"][0]["outcome"] == "planned"
    assert result["after"] == result["before"]
    assert "would switch the lamp on" in result["diff"]["after"]


def test_never_green_when_the_lamp_is_not() -> None:
    lamp = Lamp("off", shines=False)
    with pytest.raises(TimedOut) as caught:
        carry_out(lamp)
    assert caught.value.facts["changed"] is True
    assert caught.value.facts["before"] == {"state": "off"}
    assert caught.value.facts["steps"][0]["outcome"] == "failed"


@pytest.mark.parametrize(("facts", "changed"), [({"changed": True}, True), ({}, False)])
def test_an_action_that_failed_in_its_middle_says_itself_that_it_changed_something(
    facts: dict[str, Any], changed: bool
) -> None:
    with pytest.raises(Failed) as caught:
        carry_out(Lamp("off", raising(Failed("switch", "the switch broke", **facts))))
    assert caught.value.facts["changed"] is changed


def test_unanswered_and_seen_to_have_happened_is_a_change_with_a_warning() -> None:
    lamp = Lamp("off", raising(Unknown("switch", "no answer")))
    result = carry_out(lamp)
    assert lamp.log == ["look", "act", "verify"]
    assert (result["changed"], result["steps"][0]["outcome"]) == (True, "done")
    assert result["steps"][0]["answered"] is False
    assert "was not answered" in result["warnings"][0]


def test_unanswered_and_not_seen_stays_unknown_and_is_not_sent_again() -> None:
    lamp = Lamp("off", raising(Unknown("switch", "no answer")), shines=False)
    with pytest.raises(Unknown, match="it was not sent again") as caught:
        carry_out(lamp)
    assert lamp.log == ["look", "act", "verify"]
    assert caught.value.facts["steps"][0]["outcome"] == "unknown"
    assert caught.value.facts["changed"] is True


def test_unanswered_and_out_of_sight_stays_unknown() -> None:
    class Gone(Lamp):
        def _verify(self) -> str:
            raise Unreachable("look", "nobody there", cure="Light a candle")

    with pytest.raises(Unknown, match=r"nobody there\. Light a candle"):
        carry_out(Gone("off", raising(Unknown("switch", "no answer"))))
    with pytest.raises(Unreachable) as caught:
        carry_out(Gone("off"))
    assert caught.value.facts["changed"] is True


def test_an_act_that_was_refused_changed_nothing() -> None:
    lamp = Lamp("off", raising(Denied("switch", "no right")), shines=False)
    with pytest.raises(Denied) as caught:
        carry_out(lamp)
    assert caught.value.facts["changed"] is False
    assert lamp.log == ["look", "act"]


def test_an_act_that_found_nothing_to_do_is_no_change() -> None:
    assert carry_out(Lamp("off", lambda: False))["changed"] is False


def test_a_failed_look_has_no_before() -> None:
    class Blind(Lamp):
        def look(self) -> str:
            raise Failed("look", "it is dark")

    with pytest.raises(Failed) as caught:
        carry_out(Blind("off"))
    assert caught.value.facts == {}


def test_words_of_nested_data() -> None:
    assert in_words({"b": ["x", "y"], "a": {"k": 1}, "c": []}) == "a: k 1\nb: x; y\nc: none\n"


class Borrowed(Operation[str]):
    """Something is switched for the time of an operation; it writes down everything that is done."""

    def __init__(self, does: Callable[[], Any] | None = None, gives_back: Callable[[], Any] | None = None) -> None:
        self.log: list[str] = []
        self._does = does
        self._gives_back = gives_back

    def look(self) -> str:
        return "seen"

    def plan(self, state: str) -> Sequence[Action[str]]:
        return [
            Action("borrow", "borrow it", lambda: self.log.append("borrow"), lambda: "borrowed"),
            Action("use", "use it", lambda: self._say("use", self._does), lambda: "used"),
            Action("rest", "rest", lambda: self.log.append("rest"), lambda: "rested"),
            Action(
                "return", "give it back", lambda: self._say("return", self._gives_back), lambda: "back", always=True
            ),
        ]

    def describe(self, state: str) -> dict[str, Any]:
        return {"state": state}

    def _say(self, word: str, then: Callable[[], Any] | None) -> Any:
        self.log.append(word)
        return then() if then else None


@pytest.mark.parametrize(
    ("does", "log"),
    [
        (None, ["borrow", "use", "rest", "return"]),
        (raising(Failed("use it", "it is broken")), ["borrow", "use", "return"]),
        (raising(KeyboardInterrupt()), ["borrow", "use", "return"]),
        (raising(ZeroDivisionError()), ["borrow", "use", "return"]),
    ],
)
def test_what_was_borrowed_is_always_given_back(does: Callable[[], Any] | None, log: list[str]) -> None:
    operation = Borrowed(does)
    if does is None:
        carry_out(operation)
    else:
        with pytest.raises((Failed, KeyboardInterrupt, ZeroDivisionError)):
            carry_out(operation)
    assert operation.log == log


def test_a_failure_is_told_with_the_failure_to_give_back() -> None:
    operation = Borrowed(
        raising(Failed("use it", "it is broken.")), raising(Denied("give it back", "the door is shut"))
    )
    with pytest.raises(Failed) as caught:
        carry_out(operation)
    assert caught.value.why == "it is broken. Besides, Could not give it back: the door is shut"
    assert [(step["name"], step["outcome"]) for step in caught.value.facts["steps"]] == [
        ("borrow", "done"),
        ("use", "failed"),
        ("rest", "planned"),
        ("return", "failed"),
    ]
    assert caught.value.facts["changed"] is True


def test_nothing_is_given_back_in_check_mode() -> None:
    operation = Borrowed()
    assert [step["outcome"] for step in carry_out(operation, check_mode=True)["steps"]] == ["planned"] * 4
    assert operation.log == []


def test_a_note_is_no_change_in_check_mode_either() -> None:
    lamp = Lamp("off")
    lamp.plan = lambda state: [Action("Note", "write a note", lambda: False, note=True)]  # type: ignore[method-assign]
    for check in (True, False):
        assert carry_out(lamp, check_mode=check)["changed"] is False
