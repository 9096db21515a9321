# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of a function module, the same for each transport: what is handed over, what may come back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from tests.simulator.abap.catalogue import Catalogue, Field, Function, Parameter

from .values import Unfit, initial


class Cut(Exception):
    """The connection breaks off without an answer."""


class Session(Protocol):
    """One conversation of a user."""

    def close(self) -> None:
        """It is over: what was not committed is taken back."""


class Engine(Protocol):
    """One ABAP system, as its doors see it. All calls are made in the simulator's event loop."""

    catalogue: Catalogue

    def logon(self, client: str, user: str, password: str | None, language: str, instance: Any) -> Any:
        """A session on an instance. Raises LogonRefused."""

    def call(self, session: Any, name: str, arguments: dict[str, Any], transport: str) -> dict[str, Any]:
        """Call a function module. Raises AbapError."""

    def delay(self, name: str, user: str | None = None) -> float:
        """How many real seconds late a call begins."""

    def cut(self, name: str, when: str, user: str | None = None) -> bool:
        """Whether the connection breaks off ``before`` or ``after`` a call is performed."""


def is_table(catalogue: Catalogue, parameter: Parameter) -> bool:
    """Whether a parameter has rows."""
    return parameter.kind == "T" or parameter.type in catalogue.table_types


def nothing(catalogue: Catalogue, parameter: Parameter) -> Any:
    """The initial value of a parameter."""
    if is_table(catalogue, parameter):
        return []
    return initial(parameter.type) if isinstance(parameter.type, Field) else {}


def complete(catalogue: Catalogue, function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a function module is called with: what is not optional is initial when the client left it out."""
    wanted = [one for one in function.parameters if one.kind != "E"]
    return {
        one.name: given[one.name] if one.name in given else nothing(catalogue, one)
        for one in wanted
        if one.name in given or not one.optional
    }


def outputs(
    catalogue: Catalogue, function: Function, given: Mapping[str, Any], result: Mapping[str, Any]
) -> dict[str, Any]:
    """The value of every output: what the function module set, else what it was given.

    Raises:
        Unfit: the function module set something that is none of its outputs.
    """
    known = [one for one in function.parameters if one.kind != "I"]
    strange = sorted(set(result) - {one.name for one in known})
    if strange:
        raise Unfit(f"{function.name} has no output {', '.join(strange)}")
    return {one.name: result.get(one.name, given.get(one.name, nothing(catalogue, one))) for one in known}


async def perform(
    engine: Engine, session: Any, function: Function, arguments: dict[str, Any], transport: str
) -> dict[str, Any]:
    """Call a function module, with the faults that the way to it or back may have.

    Raises:
        AbapError: it did not return.
        Cut: the connection is to break off.
    """
    user = getattr(session, "user", None)
    if engine.cut(function.name, "before", user):
        raise Cut
    late = engine.delay(function.name, user)
    if late:
        await asyncio.sleep(late)
    result = engine.call(session, function.name, arguments, transport)
    if engine.cut(function.name, "after", user):
        raise Cut
    return outputs(engine.catalogue, function, arguments, result)
