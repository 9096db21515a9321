# SPDX-License-Identifier: GPL-3.0-or-later
"""How to bring a tenant into a state, as M_DATABASES shows it."""

from __future__ import annotations

from typing import Dict, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, TimedOut, Unreachable
from ansible_collections.basis.landscape.plugins.module_utils._hana import model
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import SYSTEMDB, Client
from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock, Limits, wait_until

Databases = Dict[str, model.Database]
ABSENT = "absent"


def refuse_another_door(client: Client, database: str) -> None:
    """What concerns tenants goes through the system database.

    :raises BadInput: the options lead to a tenant.
    """
    if client.connected_to != SYSTEMDB:
        raise BadInput(
            f"act on {database}",
            f"hana_database is {client.connected_to}; tenants are started, stopped and recovered through SYSTEMDB",
        )


def state_of(databases: Databases, name: str) -> str:
    """started, stopped, starting, stopping or absent.

    :raises Failed: M_DATABASES says something that is not known (reason ``status_unknown``).
    """
    found = databases.get(name)
    return ABSENT if found is None else found.known_state


def _in_words(databases: Databases, name: str) -> str:
    """The same for a person, also where M_DATABASES says something that is not known."""
    found = databases.get(name)
    return ABSENT if found is None else found.state or f"in the state {found.status!r}, which is not known"


def wait_for(
    client: Client,
    name: str,
    wanted: str,
    limits: Limits,
    doing: str,
    *,
    lost: Sequence[str] = (),
    others: Sequence[str] = (),
    clock: Optional[Clock] = None,
) -> Databases:
    """Look until a tenant is in a state.

    :param lost: states that may not last longer than the grace of ``limits``.
    :param others: databases that must be started, too.
    :raises NeverCame: the timeout passed.
    :raises Hopeless: a lost state lasted.
    """

    def done(databases: Databases) -> bool:
        still = all(other in databases and databases[other].active for other in others)
        return state_of(databases, name) == wanted and still

    def describe(databases: Databases) -> str:
        words = [f"{name} is {state_of(databases, name)}"]
        words += [
            f"{other} is {_in_words(databases, other)}"
            for other in others
            if other not in databases or not databases[other].active
        ]
        return ", ".join(words)

    return wait_until(
        doing,
        client.databases,
        done,
        limits,
        clock=clock,
        hopeless=lambda databases: state_of(databases, name) in lost,
        bear=(TimedOut, Unreachable),
        describe=describe,
    ).value


__all__ = ("ABSENT", "Databases", "refuse_another_door", "state_of", "wait_for")
