#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""One background job of an ABAP system, from nothing to its end."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_job
short_description: Run reports as one background job of an ABAP system and see how it ended
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Creates a background job with one or more reports through the interface XBP, starts it, and waits until the table
    C(TBTCO) shows its end. Success is the status finished, never that a call returned.
  - A job that was cancelled is a failure with the end of its log. A status letter that is not known is a failure, too.
  - The name makes the job one piece of work. A job of that name that is on its way is attached to, not started twice,
    for example after the controller was killed. So give each piece of work a name of its own, such as one with the date
    in it. Only jobs of the client that is logged on to count, and one with other programs, variants or values is a
    failure (V(other_steps)). So is one on its way whose values cannot be read; for one that ended that is a warning,
    because the system may have cleaned up the temporary variant that held them.
  - A job that stands without a start is gone on with only when the user who is logged on created it, and its steps run
    as the same users with the same values.
  - Every call that changes something is sent once. When its answer is lost, the job is looked up by its name, or its
    steps and status are. What cannot be seen stays V(unknown), and the next run goes on with the job that is there.
  - The job runs in the client that is logged on to, as the user who is logged on unless a step says otherwise.
options:
  name:
    description: Name of the job, up to 32 characters. It is taken in capital letters.
    type: str
    required: true
  run:
    description:
      - V(once) means that a finished job of that name is no change, and a cancelled one a failure, however old it is.
      - V(again) means that jobs of that name that ended before do not count. One that is on its way still does.
    type: str
    choices: [once, again]
    default: once
  program:
    description: Report of a job with one step.
    type: str
  variant:
    description: Saved variant of O(program).
    type: str
  values:
    description:
      - Values for the selection screen of O(program), in the place of a saved variant. XBP keeps them in the system as
        a temporary variant.
      - They stand in the result of the task (C(invocation)) and in the system. A password does not belong here.
    type: list
    elements: dict
    suboptions: &values
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
        description: The value, as the report takes it.
        type: str
        default: ""
      high:
        description: The end of an interval.
        type: str
        default: ""
  steps:
    description: The steps of a job with several reports, in their order.
    type: list
    elements: dict
    suboptions:
      program:
        description: Report.
        type: str
        required: true
      variant:
        description: Saved variant.
        type: str
      values:
        description: Values for the selection screen, in the place of a saved variant.
        type: list
        elements: dict
        suboptions: *values
      user:
        description: User as whom the step runs.
        type: str
  start:
    description:
      - V(immediately) needs a free background work process, and fails without one. The job is then there without a
        start, and the next run starts it.
      - V(asap) waits for a work process. It needs a server, which is O(server) or else the one that is logged on to.
    type: str
    choices: [immediately, asap]
    default: immediately
  server:
    description: Application server on which the job runs, such as V(prdapp1_PRD_00).
    type: str
  job_class:
    description: Class of the job, as XBP takes it. When absent the system's own default.
    type: str
    choices: [A, B, C]
  print_parameters:
    description:
      - Fields of the print parameters (C(ALLPRIPAR)) of every step, such as C(PDEST) and C(LINSZ). Without them a step
        leaves no spool request.
    type: dict
  wait:
    description: Whether to wait for the end of the job.
    type: bool
    default: true
  on_timeout:
    description:
      - What happens when the job did not end within O(timeout). V(fail) leaves it running.
      - V(abort) breaks it off. The module fails then, too.
    type: str
    choices: [fail, abort]
    default: fail
  log:
    description: Whether the job log is returned.
    type: bool
    default: true
  spool:
    description: Whether the lists that the steps printed are returned.
    type: bool
    default: false
  xbp_version:
    description: Version of the interface XBP to log on to. Systems older than release 7.0 may know V(2.0) only.
    type: str
    default: "3.0"
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
    details:
      - Says what would be started or waited for. Whether the report, its variant or a free work process is there is not
        looked at.
  diff_mode:
    support: full
notes:
  - O(failure_grace) is here the time for which the job may stay suspended, and for which the system may be silent in
    the middle of the wait. O(timeout) is for the job from its start to its end.
seealso:
  - module: basis.landscape.sap_background_jobs
  - module: basis.landscape.rfc_call
"""

EXAMPLES = r"""
- name: Delete old jobs with a saved variant
  delegate_to: localhost
  basis.landscape.sap_job:
    name: "CLEANUP_JOBS_{{ now(fmt='%Y%m%d') }}"
    program: RSBTCDEL2
    variant: OLDER_THAN_14
    timeout: 1800
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"

- name: Two reports, one with values of its own, with the list that it prints
  delegate_to: localhost
  basis.landscape.sap_job:
    name: AFTER_REFRESH_QAS_2026_11
    steps:
      - program: RSPO1043
      - program: RSARFCDL
        values:
          - name: TID
            kind: S
            option: CP
            low: "*"
          - name: SET_EXEC
            low: X
    start: asap
    spool: true
    print_parameters:
      PDEST: LP01
      PRIMM: " "
      PEXPI: "8"
      LINSZ: 255
      LINCT: 65
    confirm_sid: QAS
    rfc_host: qasapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
"""

RETURN = r"""
before:
  description: The job of that name as it was found.
  returned: once the system could be read
  type: dict
  contains:
    state:
      description: V(none), V(scheduled), V(released), V(ready), V(active), V(suspended), V(finished) or V(cancelled).
      type: str
  sample: {state: none}
after:
  description: The job as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the system could be read
  type: list
  elements: dict
  contains:
    name:
      description: C(open), C(add), C(close), C(start) or C(wait).
      type: str
    words:
      description: The step in words.
      type: str
    outcome:
      description: V(planned), V(done), V(waited), V(failed) or V(unknown).
      type: str
    why:
      description: The cause of a failure.
      type: str
job:
  description:
    - The job with C(name), C(count), C(status) (the letter in C(TBTCO)), C(state), C(user), C(started) and C(ended).
      Times are those of the system's own time zone.
  returned: success, when there is a job
  type: dict
log:
  description:
    - The job log, with C(type), C(id), C(text) and C(time) of each line. Empty while the job has not ended.
    - When it cannot be read, for want of an authorization say, it is empty, and a warning says why.
    - Of one with more than 10000 lines the last ones, with a warning.
  returned: success
  type: list
  elements: dict
spool:
  description:
    - With O(spool=true), C(step) and C(lines) of each step that left a spool request.
    - Of a list with more than 10000 lines the last ones, with a warning.
  returned: success
  type: list
  elements: dict
sid:
  description: The system ID that the system reports.
  returned: success
  type: str
error:
  description: What went wrong, as in M(basis.landscape.rfc_call).
  returned: failure
  type: dict
  contains:
    kind:
      description: V(failed), V(denied), V(unreachable), V(timed_out) or V(unknown).
      type: str
    reason:
      description:
        - Short name of the cause, such as V(job_cancelled), V(job_gone), V(job_suspended), V(name_not_unique),
          V(other_steps), V(status_unknown), V(call_failed) or V(logon_refused).
      type: str
    facts:
      description: Data of the case. For a cancelled job C(job) with C(log), the end of its log.
      type: dict
"""

from functools import partial
from typing import Any, Dict, List, NamedTuple, Optional, TypeVar

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    LandscapeError,
    Unknown,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._rfc import model
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import (
    Jobs,
    NeverCame,
    Submission,
    Work,
    cancelled,
    fitting,
    good_name,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.onejob import OneJob, values
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits

MOST_LINES = 10000
L = TypeVar("L")
VALUES: Dict[str, Any] = {
    "type": "list",
    "elements": "dict",
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
}


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "name": {"type": "str", "required": True},
            "run": {"type": "str", "choices": ["once", "again"], "default": "once"},
            "program": {"type": "str"},
            "variant": {"type": "str"},
            "values": VALUES,
            "steps": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "program": {"type": "str", "required": True},
                    "variant": {"type": "str"},
                    "values": VALUES,
                    "user": {"type": "str"},
                },
            },
            "start": {"type": "str", "choices": ["immediately", "asap"], "default": "immediately"},
            "server": {"type": "str"},
            "job_class": {"type": "str", "choices": ["A", "B", "C"]},
            "print_parameters": {"type": "dict"},
            "wait": {"type": "bool", "default": True},
            "on_timeout": {"type": "str", "choices": ["fail", "abort"], "default": "fail"},
            "log": {"type": "bool", "default": True},
            "spool": {"type": "bool", "default": False},
            "xbp_version": {"type": "str", "default": "3.0"},
            "confirm_sid": {"type": "str"},
        },
        mutually_exclusive=[("program", "steps")],
        required_one_of=[("program", "steps")],
        required_by={"variant": ["program"], "values": ["program"]},
    )
    return own.merge(rfc_spec(), wait_spec(), fence_spec())


class State(NamedTuple):
    """Who answers; the job of that name that counts, with how many steps, why it is not ours if it is not."""

    sid: str
    server: str
    job: Optional[model.Job]
    done: int = 0
    other: str = ""


class JobRun(Operation[State]):
    """Look: TBTCO by name. Plan: create, start, wait. Act: each call once. Verify: TBTCO until the end."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._name = good_name(params["name"])
        self._work = _work(params)
        self._limits = Limits(
            params["timeout"], params["delay"], grace=params["failure_grace"], patience=params["failure_grace"]
        )
        self._client = connect(params)
        self._client.need_session(f"run the job {self._name}")
        self._jobs = Jobs(self._client, version=params["xbp_version"])
        self._unread = ""
        self._doubts: List[str] = []
        self._cut: List[str] = []

    def look(self) -> State:
        """Who is it, and which jobs of that name does it have."""
        doing = f"run the job {self._name}"
        identity = self._client.confirm(doing, self._params["confirm_sid"])
        self._job = OneJob(self._client, self._jobs, self._name, *self._work, exact=True)
        self._job.find(doing)
        job = self._job.going or (self._job.last if self._params["run"] == "once" else None)
        if job is None:
            return State(identity.sid, identity.instance, None)
        if job.status == model.CANCELLED:
            raise cancelled(doing, self._jobs, job)
        steps = self._jobs.steps(job.key)
        doubts: List[str] = []
        other = self._job.other(job, steps, closely=True, doubts=doubts)
        self._doubts = [f"{job.label} is taken for the work that is meant, although {doubt}." for doubt in doubts]
        return State(identity.sid, identity.instance, job, len(steps), other)

    def plan(self, state: State) -> List[Action[State]]:
        """What leads from the job that is there, if any, to its end."""
        job = state.job
        if job is not None:
            self._job.refuse(f"run the job {self._name}", job, state.other)
        submission = self._job.submission(job, self._params["job_class"] or "")
        if job is None or job.status == model.SCHEDULED:
            return self._create(state, submission) + self._follow(state)
        return [] if job.status == model.FINISHED else self._follow(state)

    def describe(self, state: State) -> Dict[str, Any]:
        """The state of the job in a word."""
        return {"state": state.job.state if state.job else "none"}

    def facts(self, state: State) -> Dict[str, Any]:
        """The job with its log and lists."""
        found: Dict[str, Any] = {"sid": state.sid, "log": [], "spool": []}
        job = state.job
        if job is None:
            return found
        found["job"] = job.told()
        try:
            if job.status in model.ENDED and self._params["log"]:
                found["log"] = self._end_of(self._jobs.log(job.key), f"the log of {job.label}")
            if job.status in model.ENDED and self._params["spool"]:
                found["spool"] = [
                    {
                        "step": step.number,
                        "lines": self._end_of(
                            self._jobs.spool(job.key, step.number), f"the list of step {step.number} of {job.label}"
                        ),
                    }
                    for step in self._jobs.steps(job.key)
                    if step.spool
                ]
        except LandscapeError as error:  # how the job ended is known all the same
            self._unread = error.message
        return found

    def warnings(self) -> List[str]:
        """A log that could not be read, and how the connection is made."""
        return advice(self._params) + self._doubts + ([self._unread] if self._unread else []) + self._cut

    def _end_of(self, lines: List[L], what: str) -> List[L]:
        """The last lines of what may be too long for a result."""
        if len(lines) > MOST_LINES:
            self._cut.append(f"Of {what}, which has {len(lines)} lines, only the last {MOST_LINES} are returned.")
        return lines[-MOST_LINES:]

    def _create(self, state: State, sub: Submission) -> List[Action[State]]:
        # What was sent without an answer is looked after inside; what is unknown there stays so.
        actions: List[Action[State]] = []
        if state.job is None:
            actions.append(Action("open", f"create the job {self._name} on {state.sid}", sub.open))
        for number, work in enumerate(self._work[state.done :], state.done + 1):
            words = f"add step {number}, {work.words}, to the job {self._name}"
            actions.append(Action("add", words, partial(sub.add, number, work)))
        if state.done < len(self._work):
            actions.append(Action("close", f"close the job {self._name}", sub.close))
        way = self._params["start"]
        server = self._params["server"] or (state.server if way == "asap" else "")
        how = "at once" if way == "immediately" else "as soon as possible"
        words = f"start the job {self._name} {how}" + (f" on {server}" if server else "")
        return [*actions, Action("start", words, partial(sub.start, way, server), partial(self._released, state))]

    def _follow(self, state: State) -> List[Action[State]]:
        if not self._params["wait"]:
            return []
        words = f"wait for the end of the job {self._name} on {state.sid}"
        return [Action("wait", words, None, partial(self._end, state))]

    def _released(self, state: State) -> State:
        """The job as it is now; one that still stands without a start was not started."""
        return state._replace(job=self._job.started(f"see that the job {self._name} was started"))

    def _end(self, state: State) -> State:
        """The end of the job, as TBTCO shows it."""
        try:
            job = self._job.end(f"see the end of the job {self._name}", self._limits)
        except NeverCame as error:
            if self._params["on_timeout"] == "abort" and isinstance(error.last, model.Job):
                self._abort(error.last, error)
            raise
        return state._replace(job=job)

    def _abort(self, job: model.Job, late: NeverCame) -> None:
        """Break the job off; the time-out stays what it is, and tells what came of that."""
        told = True
        try:
            self._jobs.abort(f"abort the job {job.label}", job.key)
        except Unknown as error:
            said = f"it was told to stop, without an answer ({error.why})"
        except LandscapeError as error:
            told, said = False, f"it could not be aborted ({error.why})"
        else:
            said = "it was told to stop"
        if told:
            late.facts["changed"] = True
        try:
            now = self._jobs.one(job.key)
        except LandscapeError as error:
            late.why += f"; {said}, and how it is now cannot be seen ({error.why})"
            return
        if now is not None:
            late.facts["job"] = now.told()
        late.why += f"; {said}, and it is {now.state if now else 'gone'} now"


def _work(params: Dict[str, Any]) -> List[Work]:
    """The steps that the options ask for."""
    rows = params["steps"]
    if rows is None:
        rows = [{name: params[name] for name in ("program", "variant", "values")}]
    if not rows:
        raise BadInput("read the option steps", "it has no step")
    printing = params["print_parameters"] or {}
    found = []
    for number, row in enumerate(rows, 1):
        program = (row["program"] or "").strip().upper()
        if not program:
            raise BadInput("read the option steps", f"step {number} has no program")
        if row.get("variant") and row.get("values"):
            raise BadInput("read the option steps", f"step {number} has a variant, and values in its place")
        variant = (row.get("variant") or "").strip().upper()
        user = (row.get("user") or "").strip().upper()
        work = Work(program, variant, values(row.get("values")), user, "", printing)
        found.append(fitting(f"read step {number} of the job", work))
    return found


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> JobRun:
    """The operation that the options ask for."""
    return JobRun(context.params)


if __name__ == "__main__":
    main()
