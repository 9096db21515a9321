#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""One client copied onto another one of the same system."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_client_copy
short_description: Copy a client of an ABAP system onto another one
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Copies a client inside one system, by a task list of the task manager or by a report that runs as a background job.
    No function module for client copies could be confirmed, and the names of task lists and reports differ between
    releases, so what does the copy is data, with no default.
  - It looks before it starts. Both clients exist, the target is neither 000 nor 066, is not a production client, is not
    protected against being overwritten, and nobody is logged on to it. A background work process is free. No other copy
    of the same kind is on its way.
  - The copy is followed to its end. A job that is cancelled, and a task that failed, are failures with the end of the
    log.
  - Success is the end state of the job or of the task list. What the log of client copies (transaction SCC3) says is
    not read, because the fields of its tables are not known here. A warning says so.
options:
  source:
    description: Client that is copied.
    type: str
    required: true
  target:
    description: Client that is overwritten.
    type: str
    required: true
  profile:
    description: Profile of the copy, such as V(SAP_USER).
    type: str
    required: true
  confirm_sid:
    description: System ID that the system must report before anything is done.
    type: str
    required: true
  confirm_client:
    description: The target again. Nothing is done when it is another one than O(target).
    type: str
    required: true
  fields:
    description:
      - Where the source, the target and the profile belong. For O(program), names on its selection screen. For
        O(scenario), V(TASK/FIELD).
      - A report that copies onto the client that is logged on to has no field for the target. Leave it out then, and
        O(rfc_client) has to be O(target).
    type: dict
    required: true
    suboptions:
      source:
        description: Field of the source client.
        type: str
        required: true
      target:
        description: Field of the target client.
        type: str
      profile:
        description: Field of the profile.
        type: str
        required: true
  scenario:
    description: Name of the task list. Required unless O(program).
    type: str
  parameters:
    description: More parameters of the task list.
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
  settings:
    description: How the session is run, the fields of C(IS_EXEC_SETTINGS).
    type: dict
    default: {BATCH: X}
  record:
    description:
      - File in which the session of the task list is kept before it is started, so that a later run follows the copy
        that is on its way, and does not start it twice. Required for O(scenario).
    type: path
  program:
    description: Report that copies.
    type: str
  name:
    description:
      - Name of the job, by which a later run knows it. Give each copy a name of its own, such as one with the date in
        it. A job of that name with another variant or other values is a failure (V(other_steps)). Required for
        O(program).
    type: str
  variant:
    description: Saved variant of O(program). What it says is read and compared with the options.
    type: str
  values:
    description: More values for the selection screen, in the place of a saved variant.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the field on the selection screen.
        type: str
        required: true
      kind:
        description: V(P) for a parameter, V(S) for a select option.
        type: str
        choices: [P, S]
        default: P
      sign:
        description: V(I) includes, V(E) excludes.
        type: str
        choices: [I, E]
        default: I
      option:
        description: How V(low) is compared.
        type: str
        choices: [EQ, NE, CP, NP, BT, NB, GT, GE, LT, LE]
        default: EQ
      low:
        description: The value.
        type: str
        default: ""
      high:
        description: The end of an interval.
        type: str
        default: ""
  server:
    description: Application server on which the job of O(program) runs.
    type: str
  run:
    description:
      - V(once) means that a copy of that name, or of that record, that ended well is no change, and one that ended
        badly a failure.
      - V(again) does not count those that ended before. A session that waits for a person still counts.
    type: str
    choices: [once, again]
    default: once
  production_clients:
    description: Clients of the category production that may be overwritten all the same.
    type: list
    elements: str
    default: []
  logged_on:
    description:
      - Whether users who are logged on to the target stop it. The user of O(rfc_user) does not count.
      - Only the application server that answers is asked.
    type: str
    choices: [fail, ignore]
    default: fail
  copy_lock:
    description:
      - Whether the protection in C(T000-CCCOPYLOCK) stops it. The name of the field is known from memory only, and
        V(ignore) does not read it. The copy itself may refuse all the same.
    type: str
    choices: [fail, ignore]
    default: fail
  xbp_version:
    description: Version of the interface XBP to log on to.
    type: str
    default: "3.0"
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.rfc
  - basis.landscape.wait
attributes:
  check_mode:
    support: full
    details: Says what would be started, after all refusals were looked at.
  diff_mode:
    support: full
notes:
  - A copy that takes longer than O(timeout) is left running, and a later run follows it. It is never aborted.
  - A copy from another system, and the export or import of a client, are not offered.
seealso:
  - module: basis.landscape.sap_job
  - module: basis.landscape.sap_task_list
"""

EXAMPLES = r"""
- name: Copy the users by a report with a variant that a person saved
  delegate_to: localhost
  basis.landscape.sap_client_copy:
    source: "000"
    target: "200"
    profile: SAP_USER
    program: ZCLIENT_COPY
    name: "COPY_000_200_{{ now(fmt='%Y%m%d') }}"
    variant: USERS_TO_200
    fields:
      source: P_SOURCE
      profile: P_PROF
    confirm_sid: QAS
    confirm_client: "200"
    timeout: 86400
    rfc_host: qasapp1.example.com
    rfc_instance: "00"
    rfc_client: "200"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"

- name: Copy by a task list
  delegate_to: localhost
  basis.landscape.sap_client_copy:
    source: "100"
    target: "200"
    profile: SAP_ALL
    scenario: ZCLIENT_COPY
    fields:
      source: ZCL_COPY/SOURCE
      target: ZCL_COPY/TARGET
      profile: ZCL_COPY/PROFILE
    record: /var/lib/landscape/copy-QAS-200.json
    confirm_sid: QAS
    confirm_client: "200"
    timeout: 86400
    rfc_host: qasapp1.example.com
    rfc_instance: "00"
    rfc_client: "000"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
"""

RETURN = r"""
before:
  description: The copy as it was found.
  returned: once the system could be read
  type: dict
  contains:
    state:
      description: V(none), or the state of the job or of the session, as in M(basis.landscape.sap_job) or
        M(basis.landscape.sap_task_list).
      type: str
  sample: {state: none}
after:
  description: The copy as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
copied:
  description: C(source), C(target), C(profile), with C(verified_by), which is V(job) or V(task_list).
  returned: success
  type: dict
job:
  description: The job, as in M(basis.landscape.sap_job).
  returned: success, with O(program), when there is a job
  type: dict
session:
  description: Id of the session. Also among RV(error.facts) of a failure once it is known.
  returned: success, with O(scenario), when there is a session
  type: str
steps:
  description: What was done, or would be, in order.
  returned: once the system could be read
  type: list
  elements: dict
  contains:
    name:
      description: C(begin), C(set), C(run) or C(wait).
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
        - Short name of the cause, such as V(wrong_system), V(wrong_client), V(no_client), V(production_client),
          V(protected_client), V(users_logged_on), V(users_unreadable), V(no_work_process), V(other_copy),
          V(other_screen), V(other_variant), V(other_steps), V(wrong_record), V(parameters_not_set), V(job_cancelled),
          V(manual_task), V(task_failed).
      type: str
    facts:
      description: Data of the case, with C(log) of a cancelled job, or with C(session), C(tasks) and C(messages).
      type: dict
"""

from functools import partial
from typing import Any, Dict, List, Mapping, NamedTuple, NoReturn, Optional, Union

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._rfc import clients, model, screens
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import Jobs, Work, cancelled
from ansible_collections.basis.landscape.plugins.module_utils._rfc.onejob import OneJob, Start, others, values
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec
from ansible_collections.basis.landscape.plugins.module_utils._rfc.quiet import free_processes, logged_on
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tasks import (
    GOING,
    GOOD,
    ON_ITS_WAY,
    PROCESSOR,
    Kept,
    Run,
    Session,
    TaskLists,
    remarks,
    stuck,
    wait_while_going,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits

KEPT_CLIENTS = ("000", "066")


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "source": {"type": "str", "required": True},
            "target": {"type": "str", "required": True},
            "profile": {"type": "str", "required": True},
            "confirm_sid": {"type": "str", "required": True},
            "confirm_client": {"type": "str", "required": True},
            "fields": {
                "type": "dict",
                "required": True,
                "options": {
                    "source": {"type": "str", "required": True},
                    "target": {"type": "str"},
                    "profile": {"type": "str", "required": True},
                },
            },
            "scenario": {"type": "str"},
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
            "settings": {"type": "dict", "default": {"BATCH": "X"}},
            "record": {"type": "path"},
            "program": {"type": "str"},
            "name": {"type": "str"},
            "variant": {"type": "str"},
            "values": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "kind": {"type": "str", "choices": ["P", "S"], "default": "P"},
                    "sign": {"type": "str", "choices": ["I", "E"], "default": "I"},
                    "option": {
                        "type": "str",
                        "choices": ["EQ", "NE", "CP", "NP", "BT", "NB", "GT", "GE", "LT", "LE"],
                        "default": "EQ",
                    },
                    "low": {"type": "str", "default": ""},
                    "high": {"type": "str", "default": ""},
                },
            },
            "server": {"type": "str"},
            "run": {"type": "str", "choices": ["once", "again"], "default": "once"},
            "production_clients": {"type": "list", "elements": "str", "default": []},
            "logged_on": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"},
            "copy_lock": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"},
            "xbp_version": {"type": "str", "default": "3.0"},
        },
        mutually_exclusive=[("scenario", "program")],
        required_one_of=[("scenario", "program")],
        required_by={"scenario": ["record"], "program": ["name"], "variant": ["program"]},
    )
    return own.merge(rfc_spec(), wait_spec(), fence_spec())


class State(NamedTuple):
    """Who answers; the copy that is there, if any: the job or the session that counts."""

    sid: str
    copy: Optional[Union[model.Job, Session]]

    @property
    def word(self) -> str:
        """The state of the copy in a word."""
        return "none" if self.copy is None else self.copy.state


class ClientCopy(Operation[State]):
    """Look: the copy of that name or record, then what speaks against one. Plan: start, wait. Verify: its end."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._source, self._target = (_client(name, params[name]) for name in ("source", "target"))
        self._profile = params["profile"].strip().upper()
        self._doing = f"copy client {self._source} to client {self._target}"
        if self._source == self._target:
            raise BadInput(self._doing, "source and target are the same")
        if self._target in KEPT_CLIENTS:
            raise BadInput(self._doing, f"client {self._target} is SAP's own and is never overwritten")
        if params["confirm_client"].strip() != self._target:
            raise Denied(
                self._doing,
                f"confirm_client is {params['confirm_client']}",
                reason="wrong_client",
                cure="Correct target or confirm_client; nothing was done",
            )
        self._client = connect(params)
        self._client.need_session(self._doing)
        self._fields = self._named_fields()
        grace = params["failure_grace"]
        self._limits = Limits(params["timeout"], params["delay"], grace=grace, patience=grace)
        self._work = self._step() if params["program"] else None
        self._use()
        self._id = ""
        self._kept: Optional[Kept] = None
        self._run = Run()
        self._remarks: List[str] = []

    def _use(self) -> None:
        params, client = self._params, self._client
        self._jobs = Jobs(client, version=params["xbp_version"])
        self._lists = TaskLists(client, {key: str(value) for key, value in params["settings"].items()})
        self._job = OneJob(client, self._jobs, params["name"], self._work) if self._work is not None else None

    def _named_fields(self) -> Dict[str, str]:
        """What is to stand in which field."""
        fields = {name: (self._params["fields"].get(name) or "").strip() for name in ("source", "target", "profile")}
        if not fields["target"] and self._client.link.address.client != self._target:
            raise BadInput(
                self._doing,
                f"fields has no target, and rfc_client is {self._client.link.address.client}, not {self._target}",
                cure="Log on to the target, or name the field of the target",
            )
        told = {"source": self._source, "target": self._target, "profile": self._profile}
        found = {fields[name]: told[name] for name in told if fields[name]}
        if not fields["source"] or not fields["profile"] or len(found) < sum(map(bool, fields.values())):
            raise BadInput("read the option fields", "a field is empty, or there twice")
        if self._params["scenario"] and any(len(name.split("/")) != 2 or name[0] == "/" for name in found):
            raise BadInput("read the option fields", "a field of a task list is TASK/FIELD")
        return found

    def _step(self) -> Work:
        params = self._params
        program, variant = params["program"].strip().upper(), (params["variant"] or "").strip().upper()
        if variant and params["values"]:
            raise BadInput("read the option values", "there is a variant, which has its own")
        self._fields = {name.upper(): value for name, value in self._fields.items()}
        if variant:
            return Work(program, variant)
        rows = [
            {"SELNAME": name, "KIND": "P", "SIGN": "I", "OPTION": "EQ", "LOW": value, "HIGH": ""}
            for name, value in self._fields.items()
        ]
        return Work(program, values=rows + values(params["values"]))

    # Look

    def look(self) -> State:
        """Who is it, is there a copy; when one is to be started, may it be."""
        identity = self._client.confirm(self._doing, self._params["confirm_sid"])
        if self._job is not None:
            self._job.look()
            job = self._job.going or self._job.last
            if job is not None and (job.status not in model.ENDED or self._params["run"] == "once"):
                self._job.refuse_other(self._doing, job, closely=True)
            copy: Optional[Union[model.Job, Session]] = job
        else:
            scenario = self._params["scenario"].strip()
            about = {"source": self._source, "profile": self._profile, "scenario": scenario}
            record = Record(self._params["record"], "client_copy", identity.sid, self._target)
            self._kept = Kept(record, about, self._rows())
            session = self._kept.session(self._doing, self._lists, self._params["run"] == "again")
            self._id = session.id if session is not None else ""
            copy = session
        state = State(identity.sid, copy)
        if self._starts(state):
            self._refuse()
        return state

    def _starts(self, state: State) -> bool:
        """Whether anything is to be started."""
        copy = state.copy
        if copy is None:
            return True
        if isinstance(copy, model.Job):
            ended = copy.status in model.ENDED
            return copy.status == model.SCHEDULED or (ended and self._params["run"] == "again")
        ended = copy.state not in ON_ITS_WAY
        return copy.state == "waiting" or (ended and self._params["run"] == "again")

    def _refuse(self) -> None:
        """What speaks against a copy."""
        params = self._params
        rows = clients.clients(self._client, copy_lock=params["copy_lock"] == "fail")
        clients.one(self._doing, rows, self._source)
        target = clients.one(self._doing, rows, self._target)
        clients.refuse_production(self._doing, target, params["production_clients"])
        if target.copy_lock:
            why = f"client {self._target} is protected (T000-CCCOPYLOCK = {target.copy_lock})"
            self._deny(why, "protected_client", "Transaction SCC4 takes the protection away")
        if params["logged_on"] == "fail":
            users = logged_on(self._client, self._target, params["rfc_user"] or "")
            if users:
                why = f"{len(users)} users are logged on to client {self._target}: {', '.join(users[:10])}"
                self._deny(why, "users_logged_on", "sap_users locks them; logged_on: ignore does not ask")
        if not free_processes(self._doing, self._jobs.resources(self._doing)):
            raise Failed(self._doing, "no background work process is free", reason="no_work_process")
        self._refuse_others()
        if self._work is not None and self._work.variant:
            screens.check_variant(self._client, self._work.program, self._work.variant, self._fields)
        elif self._work is not None:
            screens.check_screen(self._jobs, self._work.program, [row["SELNAME"] for row in self._work.values])

    def _refuse_others(self) -> None:
        program = self._work.program if self._work is not None else PROCESSOR
        there = others(self._jobs, self._doing, program, self._job.name if self._job is not None else "")
        if there:
            told = ", ".join(f"{job.label} {job.state}" for job in there)
            self._deny(f"another job with {program} is on its way: {told}", "other_copy")

    def _deny(self, why: str, reason: str, cure: str = "") -> NoReturn:
        raise Denied(self._doing, why, reason=reason, cure="Nothing was started" + (f". {cure}" if cure else ""))

    # Plan

    def plan(self, state: State) -> List[Action[State]]:
        """What leads from the copy that is there, if any, to its end."""
        words = f"copy client {self._source} to client {self._target} of {state.sid}, profile {self._profile}"
        wait = Action("wait", f"wait for the end of the copy on {state.sid}", None, partial(self._end, state))
        copy = state.copy
        if not self._starts(state):
            if isinstance(copy, model.Job):
                if self._job is None:
                    raise AssertionError("self._job is None")
                if copy.status == model.CANCELLED:
                    raise cancelled(self._doing, self._jobs, copy)
                self._job.attach()
                return [] if copy.status == model.FINISHED else [wait]
            if copy is None:
                raise AssertionError("copy is None")
            if copy.state in GOOD:
                return []
            if copy.state in GOING:
                return [wait]
            raise self._stuck(copy)
        if self._job is not None:
            return [Action("run", words, self._start_job, partial(self._end, state))]
        actions: List[Action[State]] = []
        if state.word != "waiting":
            actions.append(Action("begin", f"create a session of {self._params['scenario']}", self._begin))
        actions.append(Action("set", f"set its {len(self._rows())} parameters", self._set))
        run = Action("run", words, lambda: self._run.start(self._lists, self._id), partial(self._left, state))
        return [*actions, run, wait]

    # Act

    def _start_job(self) -> bool:
        if self._job is None:
            raise AssertionError("self._job is None")
        return self._job.begin(Start("immediately", self._params["server"] or ""))

    def _begin(self) -> None:
        if self._kept is None:
            raise AssertionError("self._kept is None")
        self._id = self._lists.begin(self._params["scenario"].strip())
        self._kept.write(self._id)  # before the start, so that a later run finds what was started

    def _set(self) -> None:
        """Set the parameters, and see that they are set: with others another client would be overwritten."""
        wanted = self._rows()
        self._lists.set(self._id, wanted)
        doing = f"set the parameters of the session {self._id}"
        answer = self._client.ask(doing, "STC_TM_SESSION_GET_PARAMETERS", {"I_SESSION_ID": self._id})
        there = answer.get("ET_PARAMETER") or ()
        wrong = [
            "{TASKNAME}/{FIELDNAME}".format(**row)
            for row in wanted
            if str(row["VALUE"]) not in [str(one.get("VALUE") or "").strip() for one in there if _same_place(one, row)]
        ]
        if wrong:
            raise Failed(doing, "they are not set: {}".format(", ".join(wrong)), reason="parameters_not_set")

    def _rows(self) -> List[Dict[str, str]]:
        rows = []
        for name, value in self._fields.items():
            task, field = name.split("/")
            rows.append({"TASKNAME": task, "FIELDNAME": field, "VALUE": value})
        for given in self._params["parameters"]:
            row = {"TASKNAME": given["task"], "FIELDNAME": given["field"], "VALUE": given["value"]}
            if "{TASKNAME}/{FIELDNAME}".format(**row) in self._fields:
                raise BadInput("read the option parameters", "{TASKNAME}/{FIELDNAME} is in fields".format(**row))
            rows.append(dict(row, LNR=given["number"].zfill(3)) if given["number"] else row)
        return rows

    # Verify

    def _left(self, state: State) -> State:
        """The session has left the state in which it waited to be run."""
        return state._replace(copy=self._run.left(self._lists, self._id, self._limits))

    def _end(self, state: State) -> State:
        if self._job is not None:
            self._job.started(self._doing)
            return state._replace(copy=self._job.end(self._doing, self._limits))
        try:
            now = wait_while_going(self._doing, self._lists, self._id, self._limits)
        except LandscapeError as error:
            error.facts["session"] = self._id
            raise
        if now.state not in GOOD:
            raise self._stuck(now)
        return state._replace(copy=now)

    def _stuck(self, session: Session) -> Failed:
        """Why a session does not go on, with what its log says about it."""
        cure = f"sap_task_list with session: {session.id} goes on there; STC02 shows it"
        return stuck(self._doing, self._lists, session, cure)

    # Tell

    def describe(self, state: State) -> Dict[str, Any]:
        """The state of the copy in a word."""
        return {"state": state.word}

    def facts(self, state: State) -> Dict[str, Any]:
        """What was copied, and by what it is known."""
        by = "job" if self._job is not None else "task_list"
        found: Dict[str, Any] = {
            "sid": state.sid,
            "copied": {"source": self._source, "target": self._target, "profile": self._profile, "verified_by": by},
        }
        if isinstance(state.copy, model.Job):
            found["job"] = state.copy.told()
        elif state.copy is not None:
            found["session"] = state.copy.id
            self._remarks = remarks(self._lists, state.copy)
        return found

    def warnings(self) -> List[str]:
        """What was not looked at, and how the connection is made."""
        by = "job" if self._job is not None else "task list"
        seen = f"That the copy ended well is known from its {by} alone; SCC3 was not read."
        return [*advice(self._params), *self._remarks, seen]


def _same_place(one: Mapping[str, Any], other: Mapping[str, str]) -> bool:
    return all(str(one.get(key) or "").strip() == other[key] for key in ("TASKNAME", "FIELDNAME"))


def _client(option: str, value: str) -> str:
    text = value.strip()
    if not (text.isascii() and text.isdigit() and len(text) == 3):
        raise BadInput(f"read the option {option}", f"a client is three digits, not {value!r}")
    return text


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> ClientCopy:
    """The operation that the options ask for."""
    return ClientCopy(context.params)


if __name__ == "__main__":
    main()
