# SPDX-License-Identifier: GPL-3.0-or-later
"""An operation: look, plan, act, verify.

``look`` reads the state. ``plan`` is pure: it turns the state into actions, none when nothing is to do.
An action acts once; its ``verify`` then reads until the wanted state is seen. Success is what was seen,
never that a call returned. Check mode runs look and plan only.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Generic, List, Optional, Sequence, TypeVar

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)

S = TypeVar("S")


class Action(Generic[S]):
    """One thing to do.

    :param name: short and stable, for programs (``Stop``).
    :param words: what it does, for a person and the diff ("stop PRD/prdapp1/D01, grace 300 s").
    :param act: does it; sent once, never repeated. It returns False when it turned out that nothing was to do. None
        when there is only something to wait for.
    :param verify: looks until the wanted state is there and returns it; None when the last look is enough.
    :param always: done also after an action before it failed, because it undoes what one of them changed.
    :param note: ``act`` writes only a note of ours, which is no change; it returns False, and check mode counts it not.
    """

    def __init__(
        self,
        name: str,
        words: str,
        act: Optional[Callable[[], Any]] = None,
        verify: Optional[Callable[[], S]] = None,
        always: bool = False,
        note: bool = False,
    ) -> None:
        self.name = name
        self.words = words
        self.act = act
        self.verify = verify
        self.always = always
        self.note = note


class Operation(Generic[S]):
    """Base of every operation; a module gives its own ``look``, ``plan`` and ``describe``."""

    def look(self) -> S:
        """Read the state; changes nothing."""
        raise NotImplementedError

    def plan(self, state: S) -> Sequence[Action[S]]:
        """The actions that lead from ``state`` to the wanted one; pure."""
        raise NotImplementedError

    def describe(self, state: S) -> Dict[str, Any]:
        """The state as plain JSON data, for ``before``, ``after`` and the diff."""
        raise NotImplementedError

    def facts(self, state: S) -> Dict[str, Any]:
        """More result keys made from the last state."""
        return {}

    def warnings(self) -> List[str]:
        """What a person should know although it is no failure."""
        return []


def carry_out(operation: Operation[S], check_mode: bool = False) -> Dict[str, Any]:
    """Run one operation and return ``changed``, ``steps``, ``before``, ``after``, ``diff`` and its own facts.

    Each step is ``{"name", "words", "outcome"}`` with the outcome *planned*, *done*, *waited*, *failed* or *unknown*; a
    failed one has ``why``, and one that was sent without an answer has ``answered: false`` whatever came of it.
    An action that answers *unknown* is never repeated: its ``verify`` looks, and only what is seen decides.

    :raises LandscapeError: with ``before``, ``steps`` and ``changed`` among its facts once the first look succeeded.
    """
    state = operation.look()
    before = operation.describe(state)
    actions = list(operation.plan(state))
    steps: List[Dict[str, Any]] = [{"name": a.name, "words": a.words, "outcome": "planned"} for a in actions]
    acts = any(a.act is not None and not a.note for a in actions)
    warnings: List[str] = []
    if not check_mode:
        changed = False
        failure: Optional[BaseException] = None
        for action, step in zip(actions, steps):
            if failure is not None and not action.always:
                continue
            try:
                unanswered: Optional[Unknown] = None
                if action.act is not None:
                    try:
                        changed = (action.act() is not False) or changed
                    except Unknown as error:
                        changed = True
                        unanswered = error
                        step.update(outcome="unknown", answered=False)
                    else:
                        step["outcome"] = "done"
                if unanswered is not None and action.verify is None:
                    raise unanswered
                if action.verify is not None:
                    state = _verify(action, unanswered)
                    if unanswered is not None:
                        warnings.append(
                            f"{action.name} was not answered ({unanswered.why}); a second look shows that it happened."
                        )
                    step["outcome"] = "done" if action.act is not None else "waited"
            except BaseException as error:  # whatever it is, what was changed for a time is undone first
                failure = _failed(step, error, failure)
        if failure is not None:
            if isinstance(failure, LandscapeError):
                # An action that failed in its middle says itself that it changed something.
                failure.facts.update(before=before, steps=steps, changed=changed or bool(failure.facts.get("changed")))
            raise failure
    else:
        changed = acts
    after = operation.describe(state) if not check_mode else before
    result: Dict[str, Any] = {"changed": changed, "steps": steps, "before": before, "after": after}
    result.update(operation.facts(state))
    result["diff"] = difference(before, after, steps, check_mode)
    result["warnings"] = warnings + operation.warnings()
    return result


def _failed(step: Dict[str, Any], error: BaseException, before: Optional[BaseException]) -> BaseException:
    """Note a failure in its step; the first one is the operation's, a later one is told with it."""
    if isinstance(error, LandscapeError):
        if step["outcome"] != "unknown":
            step["outcome"] = "failed"
            step["why"] = error.why
        if isinstance(before, LandscapeError):
            before.why = "{}. Besides, {}".format(before.why.rstrip("."), error.message)
    return error if before is None else before


def _verify(action: Action[S], unanswered: Optional[Unknown]) -> S:
    """Look for the outcome of an action; what was not answered and cannot be seen either stays *unknown*."""
    if action.verify is None:
        raise ValueError(f"the action {action.name} has nothing to verify it by")
    try:
        return action.verify()
    except (TimedOut, Unreachable) as error:
        if unanswered is None:
            raise
        raise Unknown(
            unanswered.doing,
            "{}; it was not sent again, and looking shows: {}".format(unanswered.why.rstrip("."), error.why),
            reason=unanswered.reason,
            cure=unanswered.cure or error.cure,
            **dict(error.facts, **unanswered.facts),
        ) from error


def difference(
    before: Dict[str, Any], after: Dict[str, Any], steps: Sequence[Dict[str, Any]], check_mode: bool
) -> Dict[str, str]:
    """The diff of an operation, in words: what was, and what was done (or would be)."""
    if not steps:
        return {"before": "", "after": ""}
    verb = "would " if check_mode else ""
    said = "".join(f"{verb}{step['words']}\n" for step in steps)
    if check_mode:
        return {"before": in_words(before), "after": in_words(before) + said}
    return {"before": in_words(before), "after": in_words(after) + said}


def in_words(state: Dict[str, Any]) -> str:
    """Plain data as sorted ``key: value`` lines; nested data on one line each."""
    return "".join(f"{key}: {_flat(state[key])}\n" for key in sorted(state))


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_flat(value[k])}" for k in sorted(value)) or "none"
    if isinstance(value, (list, tuple)):
        return "; ".join(_flat(item) for item in value) or "none"
    return str(value)


__all__ = ("Action", "Operation", "carry_out", "difference", "in_words")
