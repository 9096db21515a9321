# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-on to a simulated ABAP system, calls of its function modules; the doors know no more of it than this.

A session is one conversation: the XMI log-on lives in it, so does what waits for a COMMIT. Behaviours are plain
functions of a session that answer at once; what takes time on a real system is a background job here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from tests.simulator.landscape import Instance

from .catalogue import Catalogue
from .errors import AbapException, AbapMessage, LogonRefused, NotAdmitted, NotFound
from .functions import catalogue
from .system import AbapSystem
from .users import User

# The argument of a call that its row in the journal shows.
SHOWN = (
    "QUERY_TABLE",
    "JOBNAME",
    "IV_JOBNAME",
    "USERNAME",
    "PROGRAM",
    "I_SCENARIO_ID",
    "I_SESSION_ID",
    "I_TASKNAME",
    "INTERFACE",
    "MESSAGE",
)


class Session:
    """One conversation of a user."""

    def __init__(self, engine: AbapEngine, user: User, language: str, instance: Instance | None) -> None:
        self.engine = engine
        self.system: AbapSystem = engine.system
        self.account = user
        self.client, self.user = user.client, user.name
        self.language = language or "EN"
        self.instance = instance
        self.id = secrets.token_hex(12).upper()
        # The XMI interface that is logged on to, with its version.
        self.xmi: dict[str, str] = {}
        self.function = ""
        self._pending: list[Callable[[], None]] = []

    @property
    def server(self) -> str:
        """The name of the application server that the session is on."""
        return "" if self.instance is None else self.system.server(self.instance)

    def allowed(self, name: str) -> bool:
        """Whether the user has an authorization."""
        place = {"user": self.user, "object": name, "function": self.function}
        missing = self.system.strike("rfc_missing_authorization", **place) is not None
        return name in self.account.authorizations and not missing

    def write(self, change: Callable[[], None]) -> None:
        """Change data now, or at the COMMIT for functions that ``commit_needed`` of the landscape names."""
        if self.function in self.system.options.commit_needed:
            self._pending.append(change)
        else:
            change()

    def commit(self) -> None:
        """Make happen what waits."""
        pending, self._pending = self._pending, []
        for change in pending:
            change()

    def rollback(self) -> None:
        """Forget what waits."""
        self._pending.clear()

    def close(self) -> None:
        """The conversation is over."""
        self.rollback()
        self.xmi.clear()


class AbapEngine:
    """What the doors of one system call."""

    def __init__(self, system: AbapSystem) -> None:
        self.system = system
        whole, without = catalogue(), system.options.without
        functions = {name: one for name, one in whole.functions.items() if name not in without}
        self.catalogue = Catalogue(functions, whole.structures, whole.table_types)

    def serving(self) -> bool:
        """Whether an instance of the system works."""
        return bool(self.system.alive())

    def _instance(self, instance: Instance | None) -> Instance | None:
        if instance is not None:
            return instance
        return next(iter(self.system.alive()), None)

    def admits(self, instance: Instance | None = None) -> None:
        """Look whether a dialog work process takes a new conversation.

        Raises:
            LogonRefused: none does.
        """
        found = self._instance(instance)
        if found is None or not self.system.works(found):
            raise NotAdmitted("No connection to the database, session terminated")
        place = {**self.system.where(), "host": found.host, "instance": found.id}
        if self.system.world.faults.strike("rfc_no_work_process", **place) is not None:
            raise NotAdmitted("No more dialog work processes available on this server")

    def logon(
        self, client: str, user: str, password: str | None, language: str = "EN", instance: Instance | None = None
    ) -> Session:
        """A session of a user who proved who they are.

        Raises:
            LogonRefused: not this one, not now.
        """
        system, name = self.system, user.upper()
        try:
            self.admits(instance)
            if client not in system.clients:
                raise LogonRefused(f"Client {client} is not available in this system")
            if system.world.faults.strike("rfc_logon_refused", **system.where(user=name)) is not None:
                raise LogonRefused("Name or password is incorrect (repeat logon)")
            before = system.users.get(client, name)
            flag = before.flag if before else 0
            try:
                found, _had = system.users.prove(client, name, password, system.today())
            finally:
                if before is not None and before.flag != flag:
                    system.effect("user_locked", user=name, client=client, detail="wrong passwords")
        except LogonRefused as refusal:
            system.world.journal.note(
                door="rfc", call="LOGON", system=system.name, user=name, client=client, refused=refusal.text
            )
            raise
        return Session(self, found, language, self._instance(instance))

    def delay(self, name: str, user: str | None = None) -> float:
        """How many real seconds late the answer to a call comes."""
        fault = self.system.world.faults.strike("rfc_slow", **self.system.where(function=name, user=user))
        return 0.0 if fault is None else fault.seconds

    def cut(self, name: str, when: str, user: str | None = None) -> bool:
        """Whether the connection breaks off ``before`` a call is performed, or ``after`` it, without an answer."""
        place = self.system.where(function=name, user=user)
        return self.system.world.faults.strike(f"rfc_cut_{when}", **place) is not None

    def call(self, session: Session, name: str, arguments: dict[str, Any], transport: str = "rfc") -> dict[str, Any]:
        """Call a function module.

        Raises:
            AbapError: it does not exist, is not allowed, or ends with an exception or a message.
        """
        shown = next((str(arguments[key]) for key in SHOWN if arguments.get(key)), None)
        self.system.world.journal.note(
            door=transport,
            call=name,
            system=self.system.name,
            host=session.instance.host if session.instance else None,
            user=session.user,
            client=session.client,
            detail=shown,
        )
        function = self.catalogue.functions.get(name)
        if function is None:
            raise NotFound(name)
        if session.instance is not None and not self.system.works(session.instance):
            raise AbapMessage("X", "00", "341", "The database connection is lost; the work process was restarted")
        session.function = name
        if not session.allowed("S_RFC"):
            raise AbapException(
                "RFC_NO_AUTHORITY", f"User {session.user} has no RFC authorization for function module {name}."
            )
        if name in self.system.options.not_remote:  # the text is that of the short dump, from memory
            raise AbapMessage("A", "SR", "053", f"The function module \"{name}\" cannot be used for 'remote' calls.")
        known = {parameter.name for parameter in function.parameters}
        # A real server ignores what it does not know, too: the client was told the interface.
        return function.behaviour(session, **{key: value for key, value in arguments.items() if key in known})
