#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether one SAP instance runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_instance
short_description: Start, stop or restart one SAP instance and see that it happened
version_added: 0.1.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Brings one instance of an SAP system into a state through its sapstartsrv and waits until the process list proves
    it. Success is what was seen, never that a call came back.
  - An instance that is on its way (YELLOW, stopping, or an empty list just after a start) is waited for. C(Start) or
    C(Stop) is not sent a second time.
  - While an instance starts its processes join the list one after the other. When it was seen stopped before, all that
    it listed then have to be GREEN. Otherwise a list that is all GREEN counts once it is unchanged for
    O(failure_grace), at once when the last of its processes was started that long ago.
  - A call that was sent and not answered is looked after, never repeated. When looking does not show the wanted state
    either, the module fails with the kind V(unknown).
  - Before anything is sent the module makes sure that the service is the one that was meant, that the user may call the
    function, and that no cluster owns the instance.
  - With O(state=restarted) the instance is stopped, seen stopped, and started again.
options:
  sid:
    description: System ID that the instance must report.
    type: str
    required: true
  number:
    description: Instance number.
    type: str
    required: true
  instance:
    description: Instance name that the instance must report, such as V(D01), when given.
    type: str
  state:
    description: The wanted state.
    type: str
    choices: [started, stopped, restarted]
    default: started
  soft_timeout:
    description:
      - Seconds of grace that SAP gives its users and jobs in a stop, before it ends them. It is handed over as it is.
      - V(0) is a hard stop.
      - O(timeout) must be longer.
    type: int
    default: 300
  service_timeout:
    description: Seconds to wait for sapstartsrv itself to come up, for example after the host has booted.
    type: float
    default: 30.0
  runlevel:
    description: Run level handed to C(Start), when given.
    type: str
  cluster_owned:
    description:
      - V(refuse) does nothing to an instance that a cluster owns, unless its maintenance mode is on. When the answer is
        not clear it is refused as well.
      - V(ignore) does not ask. Use it where sapstartsrv cannot know, and only when you know that no cluster acts.
    type: str
    choices: [refuse, ignore]
    default: refuse
  clustered:
    description:
      - Whether the CMDB says that a cluster owns the instance.
      - A sapstartsrv without a cluster connector sees no cluster. With V(true) that is no clear answer, and
        O(cluster_owned=refuse) refuses it, since nobody can tell whether the maintenance mode is on.
    type: bool
    default: false
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.sapcontrol
  - basis.landscape.wait
attributes:
  check_mode:
    support: full
    details: The state is read, the user's rights and the cluster are asked about, no change is sent.
  diff_mode:
    support: full
seealso:
  - module: basis.landscape.sap_system
  - module: basis.landscape.sap_health_info
"""

EXAMPLES = r"""
- name: Stop a dialog instance, ten minutes of grace for its users
  become: true
  become_user: prdadm
  basis.landscape.sap_instance:
    sid: PRD
    number: "01"
    instance: D01
    state: stopped
    soft_timeout: 600
    timeout: 1800

- name: Start it from another host, over TLS
  delegate_to: localhost
  basis.landscape.sap_instance:
    sid: PRD
    number: "01"
    state: started
    sapcontrol_url: https://prdapp1.example.com:5{nr}14
    sapcontrol_user: prdadm
    sapcontrol_password: "{{ prdadm_password }}"
    sapcontrol_ca_file: /etc/pki/landscape.pem
"""

RETURN = r"""
before:
  description: The instance as it was found.
  returned: once the instance could be read
  type: dict
  contains:
    state:
      description: V(started), V(stopped), V(starting), V(stopping), V(partial), V(broken) or V(empty).
      type: str
    processes:
      description: The processes in words.
      type: list
      elements: str
  sample: {state: started, processes: ["disp+work GREEN (Running)"]}
after:
  description: The instance as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the instance could be read
  type: list
  elements: dict
  contains:
    name:
      description: The function, or V(wait).
      type: str
    words:
      description: The step in words.
      type: str
    outcome:
      description: V(planned), V(done), V(waited), V(failed) or V(unknown).
      type: str
    answered:
      description: V(false) when the call was sent and not answered. The outcome is then what looking showed.
      type: bool
    why:
      description: The cause of a failure.
      type: str
instance:
  description: Who the instance says it is.
  returned: success
  type: dict
  sample: {sid: PRD, number: "01", name: D01, host: prdapp1}
processes:
  description: The process list as it was seen last.
  returned: success
  type: list
  elements: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: V(failed), V(denied), V(unreachable), V(timed_out) or V(unknown).
      type: str
    reason:
      description: Short name of the cause, such as V(sapstartsrv_down), V(cluster_owned) or V(wrong_instance).
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
      description: Data of the case, for example the guilty processes and the last lines of their trace.
      type: dict
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from ansible_collections.basis.landscape.plugins.module_utils._argspec import (
    fence_spec,
    instance_number,
    system_id,
    wait_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied
from ansible_collections.basis.landscape.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    run_operation,
)
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import model
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.client import (
    Client,
    ServiceFault,
    connect,
)
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.options import (
    address_of,
    sapcontrol_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._steps import cluster, watch
from ansible_collections.basis.landscape.plugins.module_utils._wait import Hopeless, Limits


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "sid": {"type": "str", "required": True},
            "number": {"type": "str", "required": True},
            "instance": {"type": "str"},
            "state": {"type": "str", "choices": ["started", "stopped", "restarted"], "default": "started"},
            "soft_timeout": {"type": "int", "default": 300},
            "service_timeout": {"type": "float", "default": 30.0},
            "runlevel": {"type": "str"},
            "cluster_owned": {"type": "str", "choices": list(cluster.POLICIES), "default": "refuse"},
            "clustered": {"type": "bool", "default": False},
        }
    )
    return own.merge(sapcontrol_spec(), wait_spec(), fence_spec())


class State(NamedTuple):
    """Who the instance is, with its processes."""

    identity: model.Identity
    processes: List[model.Process]

    @property
    def name(self) -> str:
        """One of the seven states of the model."""
        return model.state_of(self.processes)


class InstanceState(Operation[State]):
    """Look: process list. Plan: Start, Stop, or wait. Act: once. Verify: process list."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._wanted: str = params["state"]
        self._sid = system_id(params["sid"])
        self._number = instance_number(params["number"])
        self._limits = Limits(
            params["timeout"], params["delay"], grace=params["failure_grace"], patience=params["failure_grace"]
        )
        if params["soft_timeout"] < 0:
            raise BadInput("read the option soft_timeout", f"it must not be negative, not {params['soft_timeout']}")
        if self._wanted != "started" and params["timeout"] <= params["soft_timeout"]:
            raise BadInput(
                "read the options",
                f"timeout ({params['timeout']:g} s) must be longer than soft_timeout ({params['soft_timeout']} s), "
                "or the wait ends before SAP's own grace does",
            )
        self._client: Client = connect(address_of(params, self._number), f"{self._sid}/{self._number}")
        self._names: Set[str] = set()  # what a started instance lists, as far as that was seen

    def look(self) -> State:
        """Who is it, and what runs; when something is to do also: may we."""
        identity = watch.wait_for_service(self._client, self._params["service_timeout"], self._params["delay"])
        self._refuse_another(identity)
        self._client.label = identity.label
        state = State(identity, watch.known_processes(self._client, self._limits))
        if state.name == model.STOPPED:
            self._names = model.names_when_started(state.processes)
        elif self._is_started(state):
            self._names = model.lasting_names(state.processes)
        actions = [action for action in self.plan(state) if action.act is not None]
        for action in actions:
            self._client.check_access(action.name)
        if actions:
            cluster.refuse_behind_the_cluster(self._client, self._params["cluster_owned"], self._params["clustered"])
        return state

    def plan(self, state: State) -> List[Action[State]]:
        """What leads from a state to the wanted one; on its way is waited for, half running is not started over."""
        found = state.name
        if self._wanted == "stopped":
            if found == model.STOPPED:
                return []
            return [self._until_stopped(state)] if found == model.STOPPING else [self._stop(state)]
        if found == model.STOPPED:
            return [self._start(state)]
        if found == model.STOPPING:
            return [self._until_stopped(state), self._start(state)]
        if self._wanted == "restarted":
            return [self._stop(state), self._start(state)]
        return [] if self._is_started(state) else [self._until_started(state)]

    def describe(self, state: State) -> Dict[str, Any]:
        """State and processes in words."""
        words = [f"{p.name} {p.colour}" + (f" ({p.text})" if p.text else "") for p in state.processes]
        return {"state": state.name, "processes": words}

    def facts(self, state: State) -> Dict[str, Any]:
        """Who it is, and its process list."""
        who = state.identity
        return {
            "instance": {"sid": who.sid, "number": who.number, "name": who.name, "host": who.host},
            "processes": watch.as_data(state.processes),
        }

    def _is_started(self, state: State) -> bool:
        return state.name == model.STARTED and watch.list_is_whole(state.processes, self._limits)

    def _start(self, state: State) -> Action[State]:
        def act() -> Optional[bool]:
            try:
                self._client.start(self._params["runlevel"])
            except ServiceFault as fault:
                if not fault.already_started:
                    raise
                return False  # somebody else was faster; the wait decides
            return None

        words = f"start {state.identity.label}"
        return Action("Start", words, act, self._seen(state, model.STARTED, words, (model.BROKEN,)))

    def _stop(self, state: State) -> Action[State]:
        soft = self._params["soft_timeout"]
        words = f"stop {state.identity.label}"
        return Action(
            "Stop",
            f"{words}, {soft} s of grace",
            lambda: self._client.stop(soft),
            self._seen(state, model.STOPPED, words),
        )

    def _until_started(self, state: State) -> Action[State]:
        words = f"wait for {state.identity.label} to be started"
        arrive = self._seen(state, model.STARTED, words, (model.BROKEN, model.PARTIAL, model.EMPTY))

        def verify() -> State:
            try:
                return arrive()
            except Hopeless as error:
                error.cure = "It runs in part, and is not started over that: restart it (state: restarted)"
                raise

        return Action("wait", words, None, verify)

    def _until_stopped(self, state: State) -> Action[State]:
        words = f"wait for {state.identity.label} to be stopped"
        return Action("wait", words, None, self._seen(state, model.STOPPED, words))

    def _seen(self, state: State, wanted: str, doing: str, lost: Any = ()) -> Callable[[], State]:
        def verify() -> State:
            processes = watch.wait_for_state(
                self._client, wanted, self._limits, doing=doing, lost=lost, expected=self._names
            )
            if wanted == model.STOPPED:
                self._names |= model.names_when_started(processes)
            return State(state.identity, processes)

        return verify

    def _refuse_another(self, who: model.Identity) -> None:
        expected = (self._sid, self._number, self._params["instance"] or who.name)
        if (who.sid, who.number, who.name) != expected:
            raise Denied(
                f"touch {'/'.join(expected)}",
                f"the sapstartsrv that answered belongs to {who.sid}/{who.number}/{who.name}",
                reason="wrong_instance",
                cure="Correct sid, number or instance, or end the foreign sapstartsrv",
                answered={"sid": who.sid, "number": who.number, "name": who.name, "host": who.host},
            )


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> InstanceState:
    """The operation that the options ask for."""
    return InstanceState(context.params)


if __name__ == "__main__":
    main()
