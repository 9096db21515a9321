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
      - Without O(record) each run of the module begins a new session. To go on with one, use O(session) or O(record).
    type: str
  session:
    description: Id of a session to follow or to go on with.
    type: str
  record:
    description:
      - File in which the session of O(scenario) is kept before it is started, so that a later run follows it and begins
        none, for example after the controller was killed. It then counts as if O(session) named it. The file needs a
        place that lasts.
      - A record of another list is refused (V(wrong_record)), and so is a session that runs or has ended well with
        other O(parameters).
    type: path
  run:
    description:
      - V(once) means that a session of O(record) that ended well is no change, and one that ended badly a failure.
      - V(again) does not count sessions of O(record) that have ended. One that waits, runs or needs a person still
        does.
    type: str
    choices: [once, again]
    default: once
  others:
    description:
      - What happens when another task list runs in the background of the system, in whichever client, and a session is
        to be started for the first time. V(fail) refuses with the reason V(other_task_list).
      - A job with the report C(STC_TM_PROCESSOR) that is released, ready or active is one. Which list it runs cannot be
        told, so V(ignore) is for systems where other lists run at the same time.
      - The tables C(TBTCO) and C(TBTCP) are read for it, and V(ignore) does without.
    type: str
    choices: [fail, ignore]
    default: fail
  link_template:
    description:
      - Address of a step for a person, with C({sid}), C({client}), C({session}) and C({task}) for what it is about. It
        is then part of a failure. How a system is reached by a browser, and whether its pages lead to a step, is known
        to the site only, so there is no default.
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
    description: For O(session) or O(record), names of manual tasks that a person did, and that may be confirmed.
    type: list
    elements: str
    default: []
  retry:
    description:
      - Whether a session of O(session) or O(record) that failed, or was aborted or stopped, is gone on with.
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
  - A session that is finished is no change. Without O(session) and O(record) each run is a change.
  - A session that finished with warnings, and one that need not be executed, are a success with a warning.
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

- name: Import what was kept, once, also when the play is repeated
  delegate_to: localhost
  basis.landscape.sap_task_list:
    scenario: SAP_BASIS_COPY_REFRESH_IMPORT
    record: /var/lib/landscape/import-QAS-2026-11.json
    # Not confirmed: how the SAP GUI for HTML of your system is reached. Ask who runs it.
    link_template: "https://qasapp1.example.com:44300/sap/bc/gui/sap/its/webgui?sap-client={client}&~transaction=STC02"
    timeout: 7200
    confirm_sid: QAS
    rfc_host: qasapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"

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
          V(not_skipped), V(not_set), V(other_task_list), V(wrong_record), V(status_unknown) or V(call_failed).
      type: str
    facts:
      description:
        - Data of the case, with C(session), C(tasks) and C(messages), and with O(link_template) the C(link) to the
          first task that holds it up.
      type: dict
"""

import re
from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Optional, TypeVar
from urllib.parse import quote

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs
from ansible_collections.basis.landscape.plugins.module_utils._rfc.onejob import others
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tasks import (
    GOING,
    GOOD,
    ON_ITS_WAY,
    PROCESSOR,
    Kept,
    Run,
    Session,
    Task,
    TaskLists,
    remarks,
    stuck,
    wait_while_going,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits

TOO_EARLY = "nobody has done a task of a session that does not exist yet"
LINK_FIELDS = ("sid", "client", "session", "task")
_FIELD = re.compile(r"\{(\w*)\}")
T = TypeVar("T")


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "scenario": {"type": "str"},
            "session": {"type": "str"},
            "record": {"type": "path"},
            "run": {"type": "str", "choices": ["once", "again"], "default": "once"},
            "others": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"},
            "link_template": {"type": "str"},
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
        mutually_exclusive=[("scenario", "session"), ("record", "session")],
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
        if params["confirm"] and params["session"] is None and not params["record"]:
            raise BadInput("read the option confirm", TOO_EARLY)
        unknown = [name for name in _FIELD.findall(params["link_template"] or "") if name not in LINK_FIELDS]
        if unknown:
            why = "{{{}}} is none of {}".format(unknown[0], ", ".join(f"{{{name}}}" for name in LINK_FIELDS))
            raise BadInput("read the option link_template", why)
        self._name = (params["scenario"] or "").strip()
        self._id: str = (params["session"] or "").strip()
        self._limits = Limits(
            params["timeout"], params["delay"], grace=params["failure_grace"], patience=params["failure_grace"]
        )
        self._answered = False
        self._running = Run()
        self._kept: Optional[Kept] = None
        self._remarks: List[str] = []
        self._client = connect(params)
        self._lists = TaskLists(self._client, {key: str(value) for key, value in params["settings"].items()})

    def look(self) -> State:
        """Who is it, and how is the session."""
        doing = "run the task list" + (f" {self._name}" if self._name else "")
        identity = self._client.confirm(doing, self._params["confirm_sid"])
        session = self._lists.session(self._id) if self._id else self._recorded(doing, identity.sid)
        if session is None and self._params["confirm"]:
            raise BadInput("read the option confirm", TOO_EARLY)
        if (session is None or session.state == "waiting") and self._params["others"] == "fail":
            self._refuse_others(doing)
        return State(identity.sid, session)

    def _recorded(self, doing: str, sid: str) -> Optional[Session]:
        """The session of the record that counts, if any."""
        if not self._params["record"]:
            return None
        record = Record(self._params["record"], "task_list", sid, self._params["rfc_client"])
        rows = [self._row(given) for given in self._params["parameters"]]
        self._kept = Kept(record, {"scenario": self._name}, rows)
        again = self._params["run"] == "again"
        session = self._kept.session(doing, self._lists, again)
        if session is None or (again and session.state not in ON_ITS_WAY):
            return None
        self._id = session.id
        return session

    def _refuse_others(self, doing: str) -> None:
        there = others(Jobs(self._client), doing, PROCESSOR)
        if there:
            told = ", ".join(f"{job.label} {job.state}" for job in there)
            raise Denied(
                doing,
                f"another job with {PROCESSOR} is on its way: {told}",
                reason="other_task_list",
                cure="Nothing was started. STC02 shows which session it is; session: follows it, others: ignore begins "
                "one all the same",
                jobs=[job.told() for job in there],
            )

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
            self._refuse_unconfirmed(state.sid, session)
        elif session.state != "waiting" and not self._params["retry"]:
            raise self._failure(state.sid, session)
        return [*self._prepare(state), *self._run(state)]

    def describe(self, state: State) -> Dict[str, Any]:
        """The state of the session in a word."""
        return {"state": state.session.state if state.session else "none"}

    def facts(self, state: State) -> Dict[str, Any]:
        """The session with its tasks."""
        found: Dict[str, Any] = {"sid": state.sid, "tasks": []}
        if state.session is not None:
            found.update(session=state.session.id, tasks=[task.told() for task in state.session.tasks])
            self._remarks = remarks(self._lists, state.session)
        return found

    def warnings(self) -> List[str]:
        """How the connection is made, when that is worth a word."""
        return advice(self._params) + self._remarks

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

    def _refuse_unconfirmed(self, sid: str, session: Session) -> None:
        open_ = [task for task in session.of("manual") if task.name not in self._params["confirm"]]
        if open_ or not session.of("manual"):
            raise self._failure(sid, session)

    # Act

    def _begin(self) -> None:
        self._id = self._lists.begin(self._name)
        if self._kept is not None:  # before the start, so that a later run finds what was started
            self._named(partial(self._kept.write, self._id))

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
        self._named(lambda: self._running.start(self._lists, self._id))

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
        """The session has left the state in which it was when it was told to run."""
        return State(state.sid, self._running.left(self._lists, self._id, self._limits))

    def _end(self, state: State) -> State:
        doing = f"see the end of the session {self._id}"
        try:
            now = wait_while_going(doing, self._lists, self._id, self._limits)
        except LandscapeError as error:
            error.facts["session"] = self._id
            raise
        if now.state not in GOOD:
            raise self._failure(state.sid, now)
        return State(state.sid, now)

    def _failure(self, sid: str, session: Session) -> Failed:
        """Why a session does not go on, with the way to the step that holds it up."""
        manual = session.state == "manual"
        tasks = session.of("manual") if manual else session.of("failed", "aborted", "prevented")
        link = self._link(sid, session, tasks[0].name if tasks else "")
        way = f"transaction STC02, session {session.id}" + (f", {link}" if link else "")
        if manual:
            cure = f"Do it ({way}), then run again with session: {session.id} and the task in confirm"
        else:
            cure = f"Look at {way}; then go on with session: {session.id} and retry: true"
        facts = {"link": link} if link else {}
        return stuck(f"bring the session {session.id} to its end", self._lists, session, cure, **facts)

    def _link(self, sid: str, session: Session, task: str) -> str:
        """The address of a step by the template of the site; empty without one."""
        words = {"sid": sid, "session": session.id, "task": task, "client": self._params["rfc_client"]}
        template = self._params["link_template"] or ""
        return _FIELD.sub(lambda match: quote(words[match.group(1)], safe=""), template)

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
