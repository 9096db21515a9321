#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the instances of one SAP system run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_system
short_description: Start, stop or restart the instances of one SAP system in their order and see that it happened
version_added: 0.1.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Brings all instances of an SAP system, or a selection of them, into a state through the sapstartsrv of one instance.
    That one coordinates the others by their start priority, low to high for a start and high to low for a stop.
  - Waits until the system's instance list shows every selected instance in the wanted state. The selection that is
    waited for is the one that was sent.
  - Every other instance is asked itself, on the same host over the local socket or O(sapcontrol_url), else at the host
    and the port that the instance list names. That is C(https) when O(sapcontrol_url) is, or with the socket when
    O(sapcontrol_user) is given, else plain C(http), without a password. User and password go over verified C(https)
    only. What is asked for the sake of starts and stops needs none.
  - An instance that is GREEN in the list must also show its processes GREEN, from the first look on, because a row is
    GREEN for a moment while the programs are copied. Its last process has to be O(failure_grace) seconds old, or its
    processes unchanged for that long, because they join the list one after the other.
  - One that cannot be asked counts as the list had it in the first look. Later it counts once it was GREEN for
    O(failure_grace) seconds without a break.
  - A row is GRAY when the instance is stopped, and also when no sapstartsrv answers. So an instance counts as stopped
    when its own sapstartsrv says so. When one is GRAY from the start and cannot be asked, nothing is sent and the
    module fails. One that could never be asked, ran, and became GRAY counts; RV(stop_unproved) and a warning name it.
  - An instance that was in the first list and is missing in a later one is neither started nor stopped.
  - While an instance is on its way down no stop is sent. The module waits for it, and stops what still runs when it is
    down. When that takes longer than O(timeout), nothing is sent, and the module fails with the instance and its
    processes. A YELLOW instance that cannot be asked may be on its way down.
  - In the same way nothing is started while an instance is on its way, YELLOW beside others that are GRAY. When it
    stays YELLOW for O(timeout), the module fails with the instance, its processes and the end of their log.
  - Left-over rows in the instance list are told apart. Of two rows for one host and number the one that runs counts,
    and a warning names it. Rows of hosts that are gone can be named in O(ignore).
  - A call that was sent and not answered is looked after, never repeated.
  - The database of an ABAP or Java system is a system of its own when it is not in the instance list.
options:
  sid:
    description: System ID that the instance must report.
    type: str
    required: true
  number:
    description: Number of the instance whose sapstartsrv is asked.
    type: str
    required: true
  state:
    description: The wanted state.
    type: str
    choices: [started, stopped, restarted]
    default: started
  instances:
    description:
      - Which instances are meant.
      - With V(level) those of O(priority_level) are waited for. Releases differ in whether they take the instances on
        the other side of the level as well.
    type: str
    choices: [all, scs, dialog, abap, j2ee, level, trex, enqrep, hdb, allnohdb]
    default: all
  priority_level:
    description: Start priority, with O(instances=level).
    type: str
  soft_timeout:
    description:
      - Seconds of grace that SAP gives its users and jobs in a stop, before it ends them. It is handed over as it is.
      - V(0) is a hard stop.
      - O(timeout) must be longer.
    type: int
    default: 300
  level_timeout:
    description:
      - Seconds that sapstartsrv allows each start priority before it goes on or gives up. It is handed over as it is.
      - By default the same as O(timeout).
    type: int
  service_timeout:
    description: Seconds to wait for sapstartsrv itself to come up, for a stop also that of each instance that is GRAY.
    type: float
    default: 30.0
  runlevel:
    description: Run level handed to C(StartSystem), when given.
    type: str
  ignore:
    description: Rows of the instance list that belong to no instance any more, as C(host/number).
    type: list
    elements: str
    default: []
  cluster_owned:
    description:
      - V(refuse) does nothing when a cluster owns the instance that is asked or another selected one, unless its
        maintenance mode is on. When the answer is not clear it is refused as well.
      - An instance of another host says whether a cluster owns it to O(sapcontrol_user) with O(sapcontrol_password)
        only, over verified C(https).
      - V(refuse_asked) goes on although other instances than the one that is asked do not answer.
        RV(cluster_unasked) names them. Use it when you know that no cluster owns them.
      - V(ignore) does not ask.
    type: str
    choices: [refuse, refuse_asked, ignore]
    default: refuse
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
  - module: basis.landscape.sap_instance
  - module: basis.landscape.sap_landscape_info
"""

EXAMPLES = r"""
- name: Stop the whole system, half an hour of grace for its users
  become: true
  become_user: prdadm
  basis.landscape.sap_system:
    sid: PRD
    number: "00"
    state: stopped
    soft_timeout: 1800
    timeout: 5400

- name: Stop a system on several hosts of which a cluster may own instances
  become: true
  become_user: prdadm
  basis.landscape.sap_system:
    sid: PRD
    number: "00"
    state: stopped
    sapcontrol_user: prdadm # for the https ports of the other hosts
    sapcontrol_password: "{{ prdadm_password }}"
    sapcontrol_ca_file: /etc/pki/landscape.pem

- name: Stop the ABAP instances only
  become: true
  become_user: prdadm
  basis.landscape.sap_system:
    sid: PRD
    number: "00"
    state: stopped
    instances: abap
"""

RETURN = r"""
before:
  description:
    - The selected instances as they were found, C(host/number) with its colour. YELLOW is also what the list shows
      GREEN and its processes do not.
    - In the words of a failure C(MISSING) is one that the list has no more, C(UNPROVED) one that is GRAY in the list
      and does not say itself that it is stopped.
  returned: once the list could be read
  type: dict
  sample: {"prdapp1/01": GREEN, "prdascs/00": GREEN}
after:
  description: The same as seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the list could be read
  type: list
  elements: dict
instances:
  description: The selected instances, by start priority.
  returned: success
  type: list
  elements: dict
  sample: [{host: prdascs, number: "00", start_priority: 1.0, features: [MESSAGESERVER, ENQUE], colour: GREEN}]
duplicates:
  description: Instances that stood in the list more than once.
  returned: success
  type: list
  elements: str
cluster_unasked:
  description: Selected instances that could not be asked whether a cluster owns them.
  returned: success
  type: list
  elements: str
stop_unproved:
  description: Instances that could not be asked whether they are stopped. The list saw them run, and then GRAY.
  returned: success
  type: list
  elements: str
error:
  description: What went wrong, as in M(basis.landscape.sap_instance).
  returned: failure
  type: dict
"""

from typing import Any, Callable, Collection, Dict, FrozenSet, List, NamedTuple, Set, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._argspec import (
    fence_spec,
    instance_number,
    system_id,
    wait_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import (
    Client,
    address_of,
    connect,
    model,
    sapcontrol_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._steps import cluster, watch
from ansible_collections.basis.landscape.plugins.module_utils._steps.others import Others
from ansible_collections.basis.landscape.plugins.module_utils._wait import (
    Clock,
    Hopeless,
    Limits,
    NeverCame,
    wait_until,
)

Rows = Tuple[model.Instance, ...]


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "sid": {"type": "str", "required": True},
            "number": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["started", "stopped", "restarted"], "default": "started"},
            "instances": {"type": "str", "choices": list(model.SELECTIONS), "default": "all"},
            "priority_level": {"type": "str"},
            "soft_timeout": {"type": "int", "default": 300},
            "level_timeout": {"type": "int"},
            "service_timeout": {"type": "float", "default": 30.0},
            "runlevel": {"type": "str"},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "cluster_owned": {"type": "str", "choices": ["refuse", "refuse_asked", "ignore"], "default": "refuse"},
        },
        required_if=[("instances", "level", ("priority_level",))],
    )
    return own.merge(sapcontrol_spec(), wait_spec(), fence_spec())


# Two colours of ours. A row of the first look that the list has no more, which says nothing about the instance:
MISSING = "MISSING"
# and GRAY where the instance's own sapstartsrv does not say so, since the list is GRAY also where none answers.
UNPROVED = "UNPROVED"


_STAYS_YELLOW = (
    "Nothing is started over it: start what is GRAY by itself (sap_instance), or restart the system (state: restarted)"
)
_DOES_NOT_STOP = "Its stop is not sent a second time: wait longer (timeout), or end what keeps it from stopping"


class State(NamedTuple):
    """The selected instances, each once, by start priority.

    :ivar twins: the labels of those that stood there twice.
    :ivar stopping: those whose processes say that they are on their way down.
    :ivar unclear: YELLOW ones that cannot be asked, so they may be on their way down, too.
    """

    rows: Rows
    twins: Tuple[str, ...]
    stopping: Tuple[str, ...] = ()
    unclear: Tuple[str, ...] = ()

    @property
    def colours(self) -> List[str]:
        """The colours that occur."""
        return sorted({row.colour for row in self.rows})


class SystemState(Operation[State]):
    """Look: instance list. Plan: StartSystem, StopSystem, or wait. Act: once. Verify: instance list."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._wanted: str = params["state"]
        self._sid = system_id(params["sid"])
        self._number = instance_number(params["number"])
        grace = params["failure_grace"]
        self._limits = Limits(params["timeout"], params["delay"], grace=grace, patience=grace)
        if params["soft_timeout"] < 0:
            raise BadInput("read the option soft_timeout", f"it must not be negative, not {params['soft_timeout']}")
        if self._wanted != "started" and params["timeout"] <= params["soft_timeout"]:
            raise BadInput(
                "read the options",
                f"timeout ({params['timeout']:g} s) must be longer than soft_timeout ({params['soft_timeout']} s), "
                "or the wait ends before SAP's own grace does",
            )
        self._level = self._read_level(params["priority_level"])
        self._client = connect(address_of(params, self._number), f"{self._sid}/{self._number}")
        self._option = model.SELECTIONS[params["instances"]]
        self._unasked: List[str] = []
        self._unproved: List[str] = []
        self._twins: Tuple[str, ...] = ()
        self._first: Dict[Tuple[str, str], model.Instance] = {}
        self._clock = Clock()
        self._green_since: Dict[Tuple[str, str], Tuple[FrozenSet[str], float]] = {}
        self._green: Set[Tuple[str, str]] = set()  # whose GREEN is proved
        self._words = self._sid if params["instances"] == "all" else f"{self._sid} ({params['instances']})"

    def look(self) -> State:
        """Who is it, and which instances run; when something is to do also: may we."""
        who = watch.wait_for_service(self._client, self._params["service_timeout"], self._params["delay"])
        if (who.sid, who.number) != (self._sid, self._number):
            raise Denied(
                f"touch {self._sid}",
                f"the sapstartsrv that answered belongs to {who.sid}/{who.number}/{who.name}",
                reason="wrong_instance",
                answered={"sid": who.sid, "number": who.number, "name": who.name, "host": who.host},
            )
        self._client.label = who.label
        self._others = Others(self._params, self._client, who)
        state = self._confirmed(self._looked()) if self._wanted == "started" else self._proved()
        self._first = {row.key: row for row in state.rows}
        actions = [action for action in self.plan(state) if action.act is not None]
        for action in actions:
            self._client.check_access(action.name)
        if actions:
            self._ask_clusters(state)
        return state

    def plan(self, state: State) -> List[Action[State]]:
        """What leads from a state to the wanted one; on its way is waited for before anything is sent."""
        colours = set(state.colours)
        if self._wanted == "started":
            if colours == {model.GREEN}:
                return []
            if state.stopping:
                return [self._settle(model.GREEN), self._start(model.GREEN)]
            if colours == {model.GRAY}:
                return [self._start()]
            if model.GRAY in colours:
                return (
                    [self._settle(model.GREEN), self._start(model.GREEN)]
                    if model.YELLOW in colours
                    else [self._start()]
                )
            return [self._until(model.GREEN)]
        if colours == {model.GRAY}:
            return [] if self._wanted == "stopped" else [self._start()]
        stop = [self._stop()]
        if state.stopping or state.unclear:  # somebody's stop is under way, and is not sent a second time
            stop = [self._settle(model.GRAY), self._stop(model.GRAY)]
        return stop if self._wanted == "stopped" else [*stop, self._start()]

    def describe(self, state: State) -> Dict[str, Any]:
        """Each instance's colour."""
        return {row.label: row.colour for row in state.rows}

    def facts(self, state: State) -> Dict[str, Any]:
        """The instances, what stood there twice, what could not be asked."""
        return {
            "instances": [row.as_data() for row in state.rows],
            "duplicates": list(state.twins),
            "cluster_unasked": self._unasked,
            "stop_unproved": self._unproved,
        }

    def _listed(self) -> State:
        rows = wait_until(
            f"read the instances of {self._sid}",
            self._client.instances,
            bool,
            Limits(max(self._limits.grace, 0.001), self._limits.delay),
            describe=lambda _rows: "the instance list is empty",
        ).value
        return self._chosen(rows)

    def _chosen(self, rows: List[model.Instance]) -> State:
        once, twins = model.without_twins(rows)
        gone = {label.lower() for label in self._params["ignore"]}
        left = [row for row in once if f"{row.host.lower()}/{row.number}" not in gone]
        chosen = [row for row in left if model.selected(row, self._params["instances"], self._level)]
        listed = {row.key for row in chosen}
        chosen += [row._replace(colour=MISSING) for key, row in self._first.items() if key not in listed]
        if not chosen:
            have = ", ".join(f"{row.label} ({'|'.join(row.features)})" for row in once) or "none"
            raise BadInput(
                f"select instances of {self._words}", f"none matches; there are {have}", reason="no_instance"
            )
        self._twins = tuple(twins)
        return State(tuple(chosen), self._twins)

    def _looked(self) -> State:
        """The list, in which the own sapstartsrv of an instance has the last word where it can be asked.

        It is asked about YELLOW, which may be a way up or down, and for a stop about GRAY. The first look for a stop
        tries to reach every instance: one that answers then must still do so in the end.
        """
        state = self._listed()
        rows: List[model.Instance] = []
        stopping: List[str] = []
        unclear: List[str] = []
        unproved: List[str] = []
        down = self._wanted != "started"
        for row in state.rows:
            colour, found = row.colour, ""
            asked = colour == model.YELLOW or (down and colour == model.GRAY)
            client = None
            if asked or down:
                client = self._others.client(row, again=not self._first and colour == model.GRAY)
            if asked and client is not None:
                found = self._told(client)
            if not asked:
                pass
            elif found == model.STOPPED:
                colour = model.GRAY
            elif found == model.STOPPING:
                colour = model.YELLOW
                stopping.append(row.label)
            elif found == model.EMPTY or (not found and colour == model.YELLOW):
                colour = model.YELLOW
                unclear.append(row.label)
            elif colour == model.GRAY and found:
                colour = model.GREEN if found == model.STARTED else model.YELLOW
            elif colour == model.GRAY and (client is not None or not self._first):
                colour = UNPROVED
            elif colour == model.GRAY:  # never within reach; the list saw it run, and then saw it down
                unproved.append(row.label)
            rows.append(row._replace(colour=colour))
        self._unproved = unproved
        return State(tuple(rows), state.twins, tuple(stopping), tuple(unclear))

    @staticmethod
    def _told(client: Client) -> str:
        """The state of an instance by its processes; nothing when it does not answer."""
        try:
            return model.state_of(client.processes())
        except LandscapeError:
            return ""

    def _confirmed(self, state: State) -> State:
        """A look in which GREEN counts once it is proved; until then it is YELLOW, as of something on its way up."""
        rows: List[model.Instance] = []
        stopping = list(state.stopping)
        for row in state.rows:
            if row.colour != model.GREEN:
                self._green.discard(row.key)
                self._green_since.pop(row.key, None)
            elif row.key not in self._green:
                found = self._told_of_green(row)
                if found == model.STARTED:
                    self._green.add(row.key)
                elif found == model.STOPPED:
                    row = row._replace(colour=model.GRAY)
                elif found == model.BROKEN:
                    row = row._replace(colour=model.RED)
                else:
                    row = row._replace(colour=model.YELLOW)
                    stopping += [row.label] if found == model.STOPPING else []
            rows.append(row)
        return state._replace(rows=tuple(rows), stopping=tuple(stopping))

    def _told_of_green(self, row: model.Instance) -> str:
        """The state of an instance that the list shows GREEN, by its processes; by the time where it cannot be asked.

        The list is GREEN while programs are copied, and as long as every process is that has joined the list so far.
        """
        client = self._others.client(row)
        if client is None:
            if not self._first:
                return model.STARTED  # nobody knows better than the list
            return model.STARTED if self._lasts(row, frozenset()) else model.STARTING
        try:
            processes = client.processes()
        except LandscapeError:
            if self._first:
                raise  # a wait, which bears it for a while
            return model.STARTING
        found = model.state_of(processes)
        if found == model.STARTED and not watch.list_is_whole(processes, self._limits):
            return found if self._lasts(row, frozenset(model.lasting_names(processes))) else model.STARTING
        if found != model.STARTED:
            self._green_since.pop(row.key, None)
        return found

    def _lasts(self, row: model.Instance, names: FrozenSet[str]) -> bool:
        """Whether an instance has been GREEN with these processes for long enough."""
        before, since = self._green_since.get(row.key, (None, 0.0))
        if before != names:
            since = self._clock.now()
            self._green_since[row.key] = (names, since)
        return self._clock.now() - since >= min(self._limits.grace, self._limits.timeout / 2)

    def _proved(self) -> State:
        """The first look for a stop: nothing is stopped when it cannot be told afterwards whether all is.

        :raises Failed: a row is GRAY, and its sapstartsrv cannot be asked.
        """
        doing = f"tell which instances of {self._words} run"
        limits = Limits(max(self._params["service_timeout"], 0.001), self._limits.delay)
        try:
            return wait_until(doing, self._looked, lambda state: UNPROVED not in state.colours, limits).value
        except NeverCame as error:
            rows = [row for row in error.last.rows if row.colour == UNPROVED]
            said = "; ".join(f"{row.label}: {self._others.why_not(row)}" for row in rows)
            raise Failed(
                doing,
                f"the instance list shows GRAY, also where no sapstartsrv answers, and it cannot be asked ({said})",
                reason="stop_unproved",
                cure="Start its sapstartsrv (sapcontrol -function StartService), let its port be reached from here, or "
                "name its row in ignore when the instance is gone",
                instances=[row.as_data() for row in rows],
            ) from error

    def _start(self, unless: str = "") -> Action[State]:
        words = f"start {self._words}"
        return Action("StartSystem", words, self._unless(unless, self._send_start), self._seen(model.GREEN, words))

    def _stop(self, unless: str = "") -> Action[State]:
        words = f"stop {self._words}"
        said = f"{words}, {self._params['soft_timeout']} s of grace"
        return Action("StopSystem", said, self._unless(unless, self._send_stop), self._seen(model.GRAY, words))

    def _send_start(self) -> None:
        self._client.start_system(self._option, self._sent_level(), self._wait_timeout(), self._params["runlevel"])

    def _send_stop(self) -> None:
        soft: int = self._params["soft_timeout"]
        self._client.stop_system(self._option, self._sent_level(), soft, self._wait_timeout())

    def _unless(self, colour: str, send: Callable[[], None]) -> Callable[[], Any]:
        """Sending, but not when everything came to be ``colour`` by itself in the meantime."""

        def act() -> Any:
            if colour:
                state = self._looked()
                if set((self._confirmed(state) if colour == model.GREEN else state).colours) == {colour}:
                    return False
            return send()

        return act

    def _until(self, colour: str) -> Action[State]:
        words = f"wait for {self._words} to be {'started' if colour == model.GREEN else 'stopped'}"
        return Action("wait", words, None, self._seen(colour, words))

    def _settle(self, colour: str) -> Action[State]:
        """Let what is on its way arrive, up to the clock: all is ``colour``, or nothing moves for the grace.

        Between two start priorities a StartSystem or StopSystem that is under way shows nothing that moves.
        """
        words = f"wait for what is on its way in {self._words}"
        up = colour == model.GREEN
        last: List[str] = []
        since = 0.0

        def done(state: State) -> bool:
            nonlocal last, since
            colours = [row.colour for row in state.rows]
            if colours != last:
                last, since = colours, self._clock.now()
            if set(colours) == {colour}:
                return True
            moves = model.YELLOW in colours if up else bool(state.stopping or state.unclear)
            return not moves and not _blind(state) and self._clock.now() - since >= self._limits.grace

        def verify() -> State:
            try:
                return wait_until(
                    words,
                    lambda: self._confirmed(self._looked()) if up else self._looked(),
                    done,
                    self._limits,
                    hopeless=_blind,
                    bear=(Unreachable, TimedOut),
                    describe=_in_words,
                ).value
            except (NeverCame, Hopeless) as error:
                if isinstance(error, NeverCame):
                    error.cure = _STAYS_YELLOW if up else _DOES_NOT_STOP
                self._explain(error, colour, (model.YELLOW, MISSING, UNPROVED))
                raise

        return Action("wait", words, None, verify)

    def _seen(self, colour: str, doing: str) -> Callable[[], State]:
        def lost(state: State) -> bool:
            red = model.RED in state.colours and model.YELLOW not in state.colours
            return _blind(state) or (colour == model.GREEN and red)

        def verify() -> State:
            try:
                return wait_until(
                    doing,
                    (lambda: self._confirmed(self._listed())) if colour == model.GREEN else self._looked,
                    lambda state: set(state.colours) == {colour},
                    self._limits,
                    hopeless=lost,
                    bear=(Unreachable, TimedOut),
                    describe=_in_words,
                ).value
            except (NeverCame, Hopeless) as error:
                self._explain(error, colour)
                raise

        return verify

    def _explain(self, error: Any, colour: str, blamed: Collection[str] = ()) -> None:
        """Name the guilty instances, and ask each that can be asked from here for its processes and its trace.

        Guilty is what is not ``colour``; when others are ``blamed``, what has one of these colours.
        """
        rows = error.last.rows if error.last else ()
        guilty = [row for row in rows if (row.colour in blamed if blamed else row.colour != colour)]
        error.facts["instances"] = [row.as_data() for row in guilty]
        for row in guilty:
            client = self._others.client(row)
            if client is None:
                continue
            inner = NeverCame(error.doing, "", last=[])
            try:
                inner.last = client.processes()
            except Exception as hidden:
                error.facts.setdefault("unread", []).append(f"{row.label}: {hidden}")
                continue
            watch.explain(client, inner, colour)
            if inner.facts["processes"]:
                error.facts.setdefault("guilty", []).append(dict(inner.facts, instance=row.label))
                said = model.processes_in_words(model.guilty(inner.last, colour))
                error.why += f"; {row.label}: {said}{inner.why}"

    def _ask_clusters(self, state: State) -> None:
        policy = self._params["cluster_owned"]
        if policy == "ignore":
            return
        cluster.refuse_behind_the_cluster(self._client, "refuse")
        whys: List[str] = []
        for row in state.rows:
            client = self._others.client(row)
            if client is self._client:
                continue
            try:
                if client is None:
                    raise Failed(f"ask {row.label}", self._others.why_not(row))
                cluster.refuse_behind_the_cluster(client, "refuse")
            except LandscapeError as error:
                if error.reason == "cluster_owned":
                    raise
                self._unasked.append(row.label)
                whys.append(f"{row.label}: {error.why}")
        if whys and policy == "refuse":
            raise Denied(
                f"touch {self._words}",
                f"it cannot be told whether a cluster owns other instances ({'; '.join(whys)})",
                reason="cluster_unclear",
                cure="Give sapcontrol_user and sapcontrol_password for their https ports, or, when no cluster owns "
                "them, say cluster_owned: refuse_asked",
                instances=list(self._unasked),
            )

    def _sent_level(self) -> Any:
        return self._params["priority_level"] if self._params["instances"] == "level" else None

    def _wait_timeout(self) -> int:
        given = self._params["level_timeout"]
        return int(given) if given is not None else int(self._params["timeout"])

    def warnings(self) -> List[str]:
        """The instances that stand in the list more than once, and those whose stop the list alone shows."""
        unproved = [
            f"{label} could not be asked whether it is stopped. The instance list saw it run and then showed it GRAY, "
            "which it also shows where no sapstartsrv answers"
            for label in self._unproved
        ]
        return unproved + [
            f"{label} stands in the instance list of {self._sid} more than once; the row that runs counts. "
            f"Left-over files are in /usr/sap/{self._sid}/SYS/global/sapcontrol"
            for label in self._twins
        ]

    @staticmethod
    def _read_level(text: Any) -> Any:
        if text is None:
            return None
        try:
            return float(text)
        except ValueError as error:
            raise BadInput("read the option priority_level", f"it must be a number, not {text!r}") from error


def _blind(state: State) -> bool:
    """Whether an instance can no longer be seen, neither running nor stopped."""
    return bool({MISSING, UNPROVED} & set(state.colours))


def _in_words(state: State) -> str:
    return ", ".join(f"{row.label} {row.colour}" for row in state.rows)


def operation(context: Context) -> SystemState:
    """The operation that the options ask for."""
    return SystemState(context.params)


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


if __name__ == "__main__":
    main()
