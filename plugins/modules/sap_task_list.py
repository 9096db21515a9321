#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""One session of a task list of the ABAP task manager."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_task_list
short_description: Run a task list of the ABAP task manager up to its end or to a manual task
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Creates a session of a task list (transaction STC01), starts it in the background, and follows it until it no longer
    runs. Success is the state finished, with or without warnings, never that a call returned.
  - At a manual task it stops with the reason V(manual_task), the text of the task and the way to it. A manual task is
    confirmed only when it is named in O(confirm).
  - A task that failed makes the module fail with the messages of its log. RV(session) is then among RV(error.facts),
    and a later run with O(session) goes on there.
  - Every call that changes something is sent once. A start whose answer is lost is looked after in the state of the
    session. A creation whose answer is lost leaves a session that was not started.
options:
  scenario:
    description:
      - Name of the task list, such as V(SAP_BASIS_SSL_CHECK). Names differ between releases, so there is no default.
      - Each run of the module begins a new session. To go on with one, use O(session).
      - That is so also while another session of the list runs, for example after the controller was killed. Which
        sessions there are shows transaction STC02; the form in which the system lists them over RFC is not confirmed,
        so the module does not look.
    type: str
  session:
    description: Id of a session to follow or to go on with.
    type: str
  parameters:
    description:
      - Parameters of tasks.
      - They are read again before the session is run.
      - They stand in the result of the task (C(invocation)). A password does not belong here.
    type: list
    elements: dict
    default: []
    suboptions:
      task:
        description: Name of the task.
        type: str
        required: true
      field:
        description: Name of the parameter.
        type: str
        required: true
      value:
        description: Its value.
        type: str
        required: true
      number:
        description: Number of the task (C(LNR)), when the list has several of the name.
        type: str
  skip:
    description:
      - Names of tasks to leave out. Tasks that depend on them are left as they are.
      - The session is run only when each of them is seen to be skipped. A name that the list has twice is a failure.
    type: list
    elements: str
    default: []
  confirm:
    description: For O(session), names of manual tasks that a person did, and that may be confirmed.
    type: list
    elements: str
    default: []
  retry:
    description: Whether a session of O(session) that failed, or was aborted or stopped, is gone on with.
    type: bool
    default: false
  settings:
    description: How the session is run, the fields of C(IS_EXEC_SETTINGS), such as C(BATCH) and C(BATCH_TARGET).
    type: dict
    default: {BATCH: X}
  confirm_sid:
    description: System ID that the system must report before anything is done.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.rfc
  - basis.landscape.wait
attributes:
  check_mode:
    support: full
    details: Says what would be done. Whether the task list exists is not looked at.
  diff_mode:
    support: full
notes:
  - O(failure_grace) is here the time for which the system may be silent in the middle of the wait.
  - A session that is finished is no change. Without O(session) each run is a change.
seealso:
  - module: basis.landscape.sap_job
"""

EXAMPLES = r"""
- name: Check the SSL set-up
  delegate_to: localhost
  basis.landscape.sap_task_list:
    scenario: SAP_BASIS_SSL_CHECK
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
  register: check

- name: Go on after a person has installed the licence
  delegate_to: localhost
  basis.landscape.sap_task_list:
    session: "{{ check.session }}"
    confirm: [CL_STCT_SC_MANUAL_LICENSE]
    confirm_sid: QAS
    rfc_host: qasapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
"""

RETURN = r"""
session:
  description: Id of the session. Also among RV(error.facts) of a failure once it is known.
  returned: success, when there is a session
  type: str
tasks:
  description: The tasks with C(name), C(number), C(state) and C(text).
  returned: success
  type: list
  elements: dict
before:
  description: The session as it was found.
  returned: once the system could be read
  type: dict
  contains:
    state:
      description:
        - V(none), V(waiting), V(scheduled), V(running), V(stopped), V(manual), V(not_needed), V(finished),
          V(finished_with_warnings), V(failed) or V(aborted).
      type: str
  sample: {state: none}
after:
  description: The session as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the system could be read
  type: list
  elements: dict
  contains:
    name:
      description: C(begin), C(set), C(skip), C(confirm), C(run) or C(wait).
      type: str
    words:
      description: The step in words.
      type: str
    outcome:
      description: V(planned), V(done), V(waited), V(failed) or V(unknown).
      type: str
sid:
  description: The system ID that the system reports.
  returned: success
  type: str
error:
  description: What went wrong, as in M(basis.landscape.rfc_call).
  returned: failure
  type: dict
  contains:
    reason:
      description:
        - Short name of the cause, such as V(manual_task), V(task_failed), V(no_task), V(name_not_unique),
          V(not_skipped), V(not_set), V(status_unknown) or V(call_failed).
      type: str
    facts:
      description: Data of the case, with C(session), C(tasks) and C(messages).
      type: dict
"""

from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Optional, TypeVar

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Failed,
    LandscapeError,
    TimedOut,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tasks import (
    GOING,
    GOOD,
    Session,
    Task,
    TaskLists,
    names,
    wait_while_going,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, wait_until

MESSAGES = 10
STARTING = 30.0  # seconds for a session to leave the state in which it was
T = TypeVar("T")


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "scenario": {"type": "str"},
            "session": {"type": "str"},
            "parameters": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "task": {"type": "str", "required": True},
                    "field": {"type": "str", "required": True},
                    "value": {"type": "str", "required": True},
                    "number": {"type": "str"},
                },
            },
            "skip": {"type": "list", "elements": "str", "default": []},
            "confirm": {"type": "list", "elements": "str", "default": []},
            "retry": {"type": "bool", "default": False},
            "settings": {"type": "dict", "default": {"BATCH": "X"}},
            "confirm_sid": {"type": "str"},
        },
        mutually_exclusive=[("scenario", "session")],
        required_one_of=[("scenario", "session")],
    )
    return own.merge(rfc_spec(), wait_spec(), fence_spec())


class State(NamedTuple):
    """Who answers; the session, when there is one."""

    sid: str
    session: Optional[Session]


class TaskList(Operation[State]):
    """Look: the session. Plan: create, set, skip, confirm, run, wait. Act: each call once. Verify: the session."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        for name in ("scenario", "session"):
            if params[name] is not None and not params[name].strip():
                raise BadInput(f"read the option {name}", "it is empty")
        if params["confirm"] and params["session"] is None:
            raise BadInput("read the option confirm", "nobody has done a task of a session that does not exist yet")
        self._name = (params["scenario"] or "").strip()
        self._id: str = (params["session"] or "").strip()
        self._limits = Limits(
            params["timeout"], params["delay"], grace=params["failure_grace"], patience=params["failure_grace"]
        )
        self._answered = False
        self._was = ""
        self._client = connect(params)
        self._lists = TaskLists(self._client, {key: str(value) for key, value in params["settings"].items()})

    def look(self) -> State:
        """Who is it, and how is the session."""
        identity = self._client.confirm("run the task list", self._params["confirm_sid"])
        return State(identity.sid, self._lists.session(self._id) if self._id else None)

    def plan(self, state: State) -> List[Action[State]]:
        """What leads to the end of the session."""
        session = state.session
        if session is None:
            begin = Action[State]("begin", f"create a session of {self._name} on {state.sid}", self._begin)
            return [begin, *self._prepare(state), *self._run(state)]
        if session.state in GOOD:
            return []
        wait = self._wait(state)
        if session.state in GOING:
            return [wait]
        if session.state == "manual":
            self._refuse_unconfirmed(session)
        elif session.state != "waiting" and not self._params["retry"]:
            raise self._failure(session)
        return [*self._prepare(state), *self._run(state)]

    def describe(self, state: State) -> Dict[str, Any]:
        """The state of the session in a word."""
        return {"state": state.session.state if state.session else "none"}

    def facts(self, state: State) -> Dict[str, Any]:
        """The session with its tasks."""
        found: Dict[str, Any] = {"sid": state.sid, "tasks": []}
        if state.session is not None:
            found.update(session=state.session.id, tasks=[task.told() for task in state.session.tasks])
        return found

    def warnings(self) -> List[str]:
        """How the connection is made, when that is worth a word."""
        return advice(self._params)

    # Plan

    def _prepare(self, state: State) -> List[Action[State]]:
        """What is set, skipped and confirmed before the session runs."""
        session = state.session
        rows = [self._row(given) for given in self._params["parameters"]]
        actions: List[Action[State]] = []
        if rows:
            words = f"set {len(rows)} parameters"
            actions.append(Action("set", words, partial(self._set, rows), partial(self._are_set, state, rows)))
        for name in self._params["skip"]:
            if session is not None and self._one(f"skip the task {name}", session, name).state == "skipped":
                continue
            words, seen = f"skip the task {name}", partial(self._is_skipped, state, name)
            actions.append(Action("skip", words, partial(self._skip, name), seen))
        if session is None:
            return actions
        for task in session.of("manual"):
            if task.name in self._params["confirm"]:
                words = f"confirm the task {task.name}"
                self._one(words, session, task.name)
                actions.append(Action("confirm", words, partial(self._confirm, task.name)))
        return actions

    def _run(self, state: State) -> List[Action[State]]:
        what = f"the session {self._id}" if self._id else f"the session of {self._name}"
        run = Action("run", f"run {what} on {state.sid}", self._resume, partial(self._left, state))
        return [run, self._wait(state)]

    def _wait(self, state: State) -> Action[State]:
        return Action("wait", f"wait for the end of the task list on {state.sid}", None, partial(self._end, state))

    @staticmethod
    def _row(given: Dict[str, Any]) -> Dict[str, str]:
        row = {"TASKNAME": given["task"], "FIELDNAME": given["field"], "VALUE": given["value"]}
        if given["number"]:
            row["LNR"] = given["number"].zfill(3)
        return row

    def _refuse_unconfirmed(self, session: Session) -> None:
        open_ = [task for task in session.of("manual") if task.name not in self._params["confirm"]]
        if open_ or not session.of("manual"):
            raise self._failure(session)

    # Act

    def _begin(self) -> None:
        self._id = self._lists.begin(self._name)

    def _set(self, rows: List[Dict[str, str]]) -> None:
        self._answered = False
        self._named(lambda: self._lists.set(self._id, rows))
        self._answered = True

    def _skip(self, name: str) -> None:
        self._answered = False
        self._named(lambda: self._one(f"skip the task {name}", self._lists.session(self._id), name))
        self._named(lambda: self._lists.skip(self._id, name))
        self._answered = True

    def _confirm(self, name: str) -> None:
        self._named(lambda: self._lists.confirm(self._id, name))

    def _resume(self) -> None:
        self._answered = False
        self._was = self._named(lambda: self._lists.session(self._id)).state
        self._named(lambda: self._lists.resume(self._id))
        self._answered = True

    def _named(self, act: Callable[[], T]) -> T:
        """Act, and have a failure name the session, so that it can be gone on with."""
        try:
            return act()
        except LandscapeError as error:
            error.facts["session"] = self._id
            raise

    # Verify

    def _is_skipped(self, state: State, name: str) -> State:
        """The task is seen to be left out: a list that runs it all the same would change what nobody wants changed."""
        doing = f"see that the task {name} is left out"
        now = self._named(lambda: self._lists.session(self._id))
        task = self._one(doing, now, name)
        if task.state != "skipped":
            raise self._not_seen(doing, f"it is {task.state}", "not_skipped")
        return State(state.sid, now)

    def _are_set(self, state: State, rows: List[Dict[str, str]]) -> State:
        """The parameters are seen to have their values."""
        doing = f"see the parameters of the session {self._id}"
        wrong = self._named(lambda: self._lists.differing(self._id, rows))
        if wrong:
            raise self._not_seen(doing, "{} do not have the value that was set".format(", ".join(wrong)), "not_set")
        return state

    def _not_seen(self, doing: str, why: str, reason: str) -> LandscapeError:
        """The error for what did not happen; nothing runs yet. Without an answer it stays unknown."""
        kind = Failed if self._answered else TimedOut
        return kind(doing, f"{why}; the session was not run", reason=reason, session=self._id)

    def _left(self, state: State) -> State:
        """The session has left the state in which it was when it was told to run.

        With an answer it may be in it again, at the next manual task say. Without one that is no sign of a start.
        """
        doing = f"see the session {self._id} run"
        limits = Limits(
            min(self._limits.timeout, STARTING), self._limits.delay, self._limits.grace, self._limits.patience
        )
        waited = self._named(
            lambda: wait_until(
                doing,
                lambda: self._lists.session(self._id),
                lambda now: now.state != self._was or (self._answered and now.state != "waiting"),
                limits,
                bear=(TimedOut, Unreachable),
                describe=lambda now: f"the session is still {now.state}",
            )
        )
        return State(state.sid, waited.value)

    def _end(self, state: State) -> State:
        doing = f"see the end of the session {self._id}"
        try:
            now = wait_while_going(doing, self._lists, self._id, self._limits)
        except LandscapeError as error:
            error.facts["session"] = self._id
            raise
        if now.state not in GOOD:
            raise self._failure(now)
        return State(state.sid, now)

    def _failure(self, session: Session) -> Failed:
        """Why a session does not go on, with what its log says about the tasks that hold it up."""
        doing = f"bring the session {session.id} to its end"
        manual = session.state == "manual"
        stuck = session.of("manual") if manual else session.of("failed", "aborted", "prevented")
        try:
            said = self._lists.messages(session.id)
        except LandscapeError:
            said = []
        named = {task.name for task in stuck}
        told = [row for row in said if row["task"] in named and row["type"] not in ("S", "I")][-MESSAGES:]
        words = "; ".join(f"{row['task']}: {row['text']}" for row in told)
        words = words or "; ".join(f"{task.name}: {task.text}" for task in stuck) or "no task says why"
        way = f"transaction STC02, session {session.id}"
        if manual:
            why = f"a person has to act ({names(stuck)}): {words}"
            cure = f"Do it ({way}), then run again with session: {session.id} and the task in confirm"
        else:
            why = f"it is {session.state}: {words}"
            cure = f"Look at {way}; then go on with session: {session.id} and retry: true"
        return Failed(
            doing,
            why,
            reason="manual_task" if manual else "task_failed",
            cure=cure,
            session=session.id,
            tasks=[task.told() for task in session.tasks],
            messages=told,
        )

    @staticmethod
    def _one(doing: str, session: Session, name: str) -> Task:
        """The task of a name, which the functions of the task manager go by.

        :raises BadInput: there is none, or more than one.
        """
        found = session.named(name)
        if len(found) == 1:
            return found[0]
        why = f"has {len(found)} tasks of that name" if found else "has no such task"
        raise BadInput(
            doing,
            f"the session {session.id} {why}",
            reason="name_not_unique" if found else "no_task",
            known=[task.name for task in session.tasks],
        )


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> TaskList:
    """The operation that the options ask for."""
    return TaskList(context.params)


if __name__ == "__main__":
    main()
