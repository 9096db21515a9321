#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether one tenant of a HANA system exists or runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hana_database
short_description: Start, stop, create or drop one tenant database of SAP HANA and see that it happened
version_added: 0.2.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Brings one tenant into a state through the system database and waits until C(M_DATABASES) shows it. Success is what
    was seen, never that a statement came back.
  - A tenant that is on its way (C(STARTING), C(STOPPING)) is waited for. The statement is not sent a second time.
  - A statement that was sent and not answered is looked after, never repeated. When looking does not show the wanted
    state either, the module fails with the kind V(unknown).
  - C(ACTIVE_STATUS) is read as C(YES), C(NO), C(STARTING) or C(STOPPING). Any other text is a failure.
  - The system database itself is started and stopped with the system, see M(basis.landscape.sap_instance).
options:
  database:
    description: Name of the tenant. It is taken in capital letters.
    type: str
    required: true
  state:
    description:
      - The wanted state. V(present) means that the tenant exists and is active.
      - V(absent) stops the tenant and drops it.
    type: str
    choices: [started, stopped, restarted, present, absent]
    default: started
  immediate:
    description:
      - Stop without waiting for open transactions (C(IMMEDIATE)).
      - A tenant that is just starting is then stopped at once, too, not waited for.
    type: bool
    default: false
  system_password:
    description:
      - Password of the user C(SYSTEM) of a tenant that is created, for O(state=present). An existing tenant keeps its
        own.
      - HANA binds no parameter in C(CREATE DATABASE), so the password stands in the statement. It is refused when
        O(hana_encrypt=false), because it could then be read on the network. HANA's own traces of statements are not
        ours to guard.
    type: str
  location:
    description: Host, or host with port, where a tenant is created, such as V(prddb1:30040).
    type: str
  confirm_sid:
    description:
      - System ID of the system on which the tenant may be dropped. Required for O(state=absent).
      - It must be the one that the system itself reports. It is compared with every other state, too, when given.
    type: str
  keep_backups:
    description: Whether the backups of a dropped tenant are kept.
    type: bool
    default: true
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.hana
  - basis.landscape.wait
attributes:
  check_mode:
    support: full
    details: The state is read, no change is sent. Rights are not asked about.
  diff_mode:
    support: full
seealso:
  - module: basis.landscape.hana_recovery
  - module: basis.landscape.sap_instance
"""

EXAMPLES = r"""
- name: Stop a tenant before its storage is moved
  delegate_to: localhost
  basis.landscape.hana_database:
    database: PRD
    state: stopped
    hana_host: prddb1.example.com
    hana_instance: "00"
    hana_user: LANDSCAPE
    hana_password: "{{ prd_hana_password }}"

- name: A tenant that exists and runs
  delegate_to: localhost
  basis.landscape.hana_database:
    database: QA2
    state: present
    system_password: "{{ qa2_system_password }}"
    hana_host: qasdb1.example.com
    hana_instance: "00"
    hana_user: LANDSCAPE
    hana_password: "{{ qas_hana_password }}"

- name: Drop it again, on QAS and nowhere else
  delegate_to: localhost
  basis.landscape.hana_database:
    database: QA2
    state: absent
    confirm_sid: QAS
    hana_host: qasdb1.example.com
    hana_instance: "00"
    hana_user: LANDSCAPE
    hana_password: "{{ qas_hana_password }}"
"""

RETURN = r"""
before:
  description: The tenant as it was found.
  returned: once the system could be read
  type: dict
  contains:
    state:
      description: V(started), V(stopped), V(starting), V(stopping) or V(absent).
      type: str
  sample: {state: started}
after:
  description: The tenant as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the system could be read
  type: list
  elements: dict
  contains:
    name:
      description: C(start), C(stop), C(create), C(drop) or C(wait).
      type: str
    words:
      description: The step in words.
      type: str
    outcome:
      description: V(planned), V(done), V(waited), V(failed) or V(unknown).
      type: str
    answered:
      description: V(false) when the statement was sent and not answered. The outcome is then what looking showed.
      type: bool
    why:
      description: The cause of a failure.
      type: str
sid:
  description: The system ID that the system reports.
  returned: success
  type: str
database:
  description: Name of the tenant.
  returned: success
  type: str
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: V(failed), V(denied), V(unreachable), V(timed_out) or V(unknown).
      type: str
    reason:
      description: Short name of the cause, such as V(no_database), V(wrong_system) or V(status_unknown).
      type: str
    doing:
      description: What could not be done.
      type: str
    why:
      description: The cause in words.
      type: str
    cure:
      description: What can be done about it, when that is known.
      type: str
    facts:
      description: Data of the case.
      type: dict
"""

from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import SYSTEMDB, connect
from ansible_collections.basis.landscape.plugins.module_utils._hana.options import advice, hana_spec
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._steps import tenant
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "database": {"type": "str", "required": True},
            "state": {
                "type": "str",
                "choices": ["started", "stopped", "restarted", "present", "absent"],
                "default": "started",
            },
            "immediate": {"type": "bool", "default": False},
            "system_password": {"type": "str", "no_log": True},
            "location": {"type": "str"},
            "confirm_sid": {"type": "str"},
            "keep_backups": {"type": "bool", "default": True},
        },
        required_if=[("state", "absent", ["confirm_sid"])],
    )
    return own.merge(hana_spec(), wait_spec(), fence_spec())


class State(NamedTuple):
    """The system's ID, with what M_DATABASES shows."""

    sid: str
    databases: tenant.Databases


class TenantState(Operation[State]):
    """Look: M_DATABASES. Plan: start, stop, create, drop, or wait. Act: once. Verify: M_DATABASES."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._wanted: str = params["state"]
        self._name: str = params["database"].strip().upper()
        self._limits = Limits(
            params["timeout"], params["delay"], grace=params["failure_grace"], patience=params["failure_grace"]
        )
        if not self._name:
            raise BadInput("read the option database", "it is empty")
        if self._name == SYSTEMDB:
            raise BadInput(
                f"bring {SYSTEMDB} into a state",
                "it is the system itself",
                cure="Start and stop the instance with sap_instance or sap_system",
            )
        if params["system_password"] is not None and not params["hana_encrypt"]:
            raise BadInput(
                f"create {self._name}",
                "system_password would stand readable on the network: hana_encrypt is false",
            )
        self._client = connect(params)
        tenant.refuse_another_door(self._client, self._name)

    def look(self) -> State:
        """Who is it, and what databases does it have."""
        identity = self._client.confirm(f"touch {self._name}", self._params["confirm_sid"])
        return State(identity.sid, self._client.databases())

    def plan(self, state: State) -> List[Action[State]]:
        """What leads from a state to the wanted one; on its way is waited for."""
        found = tenant.state_of(state.databases, self._name)
        if found == tenant.ABSENT:
            return self._of_absent(state)
        running = found in ("started", "starting")
        if self._wanted in ("started", "present"):
            if found == "started":
                return []
            arrive = [self._until(state, found)] if found != "stopped" else []
            return arrive if running else arrive + [self._start(state)]
        if running or found == "stopping":
            stop = self._stopping(state, found)
        else:
            stop = []
        if self._wanted == "stopped":
            return stop
        return stop + [self._start(state) if self._wanted == "restarted" else self._drop(state)]

    def describe(self, state: State) -> Dict[str, Any]:
        """The state in a word."""
        return {"state": tenant.state_of(state.databases, self._name)}

    def facts(self, state: State) -> Dict[str, Any]:
        """Which tenant of which system."""
        return {"sid": state.sid, "database": self._name}

    def warnings(self) -> List[str]:
        """How the connection is made, when that is worth a word."""
        return advice(self._params)

    def _of_absent(self, state: State) -> List[Action[State]]:
        if self._wanted == "absent":
            return []
        if self._wanted != "present":
            raise Failed(
                f"bring {self._name} of {state.sid} into the state {self._wanted}",
                "there is no such database",
                reason="no_database",
                cure="state: present creates it",
                known=sorted(state.databases),
            )
        password = self._params["system_password"]
        if not password:
            raise BadInput(f"create {self._name}", "it does not exist, and system_password is not given")
        where = self._params["location"]
        return [
            self._action(
                state,
                "create",
                f"create {self._name} on {state.sid}" + (f" at {where}" if where else ""),
                lambda: self._client.create_database(self._name, password, where, self._limits.timeout),
                "started",
                ("stopped", tenant.ABSENT),
            )
        ]

    def _stopping(self, state: State, found: str) -> List[Action[State]]:
        """Stop it; what is starting is let arrive first, unless it is to be immediate."""
        if found == "stopping":
            return [self._until(state, found)]
        immediate = self._params["immediate"]
        stop = self._action(
            state,
            "stop",
            f"stop {self._name} on {state.sid}" + (", open transactions are broken off" if immediate else ""),
            lambda: self._client.stop_database(self._name, immediate, self._limits.timeout),
            "stopped",
            (),
        )
        return [stop] if found == "started" or immediate else [self._until(state, found), stop]

    def _start(self, state: State) -> Action[State]:
        return self._action(
            state,
            "start",
            f"start {self._name} on {state.sid}",
            lambda: self._client.start_database(self._name, self._limits.timeout),
            "started",
            ("stopped",),
        )

    def _drop(self, state: State) -> Action[State]:
        keep = self._params["keep_backups"]
        return self._action(
            state,
            "drop",
            "drop {} on {}, its backups are {}".format(self._name, state.sid, "kept" if keep else "dropped, too"),
            lambda: self._client.drop_database(self._name, keep, self._limits.timeout),
            tenant.ABSENT,
            ("stopped",),
        )

    def _until(self, state: State, found: str) -> Action[State]:
        wanted, back = ("started", "stopped") if found == "starting" else ("stopped", "started")
        words = f"wait for {self._name} on {state.sid} to be {wanted}"
        return self._action(state, "wait", words, None, wanted, (back,))

    def _action(
        self,
        state: State,
        name: str,
        words: str,
        act: Optional[Callable[[], None]],
        wanted: str,
        lost: Sequence[str],
    ) -> Action[State]:
        answered = True

        def tell(change: Callable[[], None]) -> None:
            nonlocal answered
            try:
                change()
            except Unknown:
                answered = False
                raise

        def verify() -> State:
            # Without an answer it may still be on its way: what looks lost is no proof that it did not happen.
            hopeless = lost if answered else ()
            seen = tenant.wait_for(self._client, self._name, wanted, self._limits, words, lost=hopeless)
            return State(state.sid, seen)

        return Action(name, words, None if act is None else partial(tell, act), verify)


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> TenantState:
    """The operation that the options ask for."""
    return TenantState(context.params)


if __name__ == "__main__":
    main()
