# SPDX-License-Identifier: GPL-3.0-or-later
"""The users of a simulated ABAP system: passwords, locks, what each may do.

The bits of ``UFLAG`` are from facts 4.5 (0, 32 locked for all systems, 64 by an administrator, 128 after wrong
passwords; from memory there). The texts of refusals are the well-known ones of a log-on, from memory.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import LogonRefused

WRONG_LOGONS = 5
GLOBAL, LOCAL, WRONG = 32, 64, 128
# Authorization objects that something here asks for.
OBJECTS = frozenset(
    {
        "S_RFC",
        "S_XMI_PROD",
        "S_BTCH_ADM",
        "S_BTCH_JOB",
        "S_BTCH_NAM",
        "S_RZL_ADM",
        "S_TABU_DIS",
        "S_PROGRAM",
        "S_USER_GRP",
        "S_ADMI_FCD",
        "S_CLNT_IMP",
        "STC_TASK",
    }
)
PLAIN = frozenset({"S_RFC"})
WRONG_PASSWORD = "Name or password is incorrect (repeat logon)"


@dataclass
class User:
    """A user of one client. ``kind`` is A dialog, B system, C communication, S service."""

    client: str
    name: str
    password: str
    kind: str = "A"
    group: str = ""
    flag: int = 0
    wrong: int = 0
    authorizations: frozenset[str] = OBJECTS
    valid_to: str = "99991231"
    full_name: str = ""
    profiles: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)

    @property
    def locked(self) -> bool:
        """Whether nobody gets in as this user."""
        return self.flag != 0

    def row(self) -> dict[str, Any]:
        """Its row of USR02."""
        return {
            "MANDT": self.client,
            "BNAME": self.name,
            "GLTGB": "" if self.valid_to == "99991231" else self.valid_to,
            "USTYP": self.kind,
            "CLASS": self.group,
            "LOCNT": self.wrong,
            "UFLAG": self.flag,
        }


class Users:
    """The users of all clients."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], User] = {}

    def __iter__(self) -> Iterator[User]:
        return iter(sorted(self._all.values(), key=lambda user: (user.client, user.name)))

    def add(self, user: User) -> User:
        """A new user, or another one of that name."""
        self._all[user.client, user.name] = user
        return user

    def get(self, client: str, name: str) -> User | None:
        """A user of a client."""
        return self._all.get((client, name.upper()))

    def of(self, client: str) -> list[User]:
        """The users of a client in the order of their names."""
        return [user for user in self if user.client == client]

    def remove(self, client: str, name: str) -> bool:
        """Delete a user; whether there was one."""
        return self._all.pop((client, name.upper()), None) is not None

    def prove(self, client: str, name: str, password: str | None, today: str) -> tuple[User, bool]:
        """The user who logs on, with whether this attempt had one wrong password before it.

        Raises:
            LogonRefused: the password is wrong (which is counted), or the user may not log on.
        """
        user = self.get(client, name)
        if user is None or not password:
            raise LogonRefused(WRONG_PASSWORD)
        if user.flag & WRONG:
            raise LogonRefused("Password logon no longer possible - too many failed attempts")
        if not hmac.compare_digest(user.password.encode(), password.encode()):
            user.wrong += 1
            if user.wrong >= WRONG_LOGONS:
                user.flag |= WRONG
            raise LogonRefused(WRONG_PASSWORD)
        if user.locked:
            raise LogonRefused("User is locked. Please notify the person responsible")
        if user.valid_to < today:
            raise LogonRefused("User account not in validity date")
        had, user.wrong = user.wrong > 0, 0
        return user, had
