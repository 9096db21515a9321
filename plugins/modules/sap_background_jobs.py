#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the released background jobs of an ABAP system are held back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_background_jobs
short_description: Hold back the released background jobs of an ABAP system or give exactly those back
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Suspends the released jobs of all clients with SAP's report C(BTCTRNS1) and releases them again with C(BTCTRNS2),
    both run as background jobs through XBP.
  - What happened is proved from the table C(TBTCO), never believed. After suspending no job may be released any more.
    After releasing no job may be suspended any more, and each one that was recorded must be released again or have
    started since. Those for which that does not hold are named, and the module fails.
  - The jobs that were released before are returned (RV(jobs)), and with O(record) they are written to a file before
    anything is changed. So exactly those can be given back after the controller died in between.
  - BTCTRNS1 does not touch running jobs. They are waited for, as O(running) says.
  - Status C(Z) in C(TBTCO) counts as suspended, which is what BTCTRNS1 sets. A letter that is not known is a failure.
options:
  state:
    description: The wanted state.
    type: str
    choices: [suspended, released]
    required: true
  jobs:
    description:
      - For O(state=released), the jobs that must be released afterwards, as RV(jobs) told when they were suspended.
      - When absent, those of O(record), else those that are suspended now.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the job.
        type: str
        required: true
      count:
        description: Number of the job (C(JOBCOUNT)).
        type: str
        required: true
  record:
    description:
      - File, where the module runs, that keeps the jobs from before they are suspended until they are seen to be
        released. It is then removed. In check mode it is read only.
      - A file about another system is refused.
    type: path
  foreign:
    description:
      - What to do about jobs that somebody else suspended before, since BTCTRNS2 would release them as well.
      - V(fail) changes nothing and names them. V(ignore) goes on. They are then released with the others.
      - Jobs of O(record) and of O(jobs) are not foreign. When nothing is released any more there is nothing to do, and
        nobody is asked.
    type: str
    choices: [fail, ignore]
    default: fail
  keep:
    description:
      - Patterns (C(*), C(?)) of job names that may stay released, because the system leaves them out, for example
        through C(RSBTCTRNS_EXCL). It does not make BTCTRNS1 leave them out.
    type: list
    elements: str
    default: []
  running:
    description:
      - For O(state=suspended), what to do about running jobs. V(wait) waits for their end, for O(running_timeout)
        seconds. At its end the module fails and the jobs stay suspended, so that nothing new starts.
      - V(fail) changes nothing when jobs run. V(ignore) does not look at them.
    type: str
    choices: [wait, fail, ignore]
    default: wait
  running_timeout:
    description: Seconds to wait for running jobs.
    type: float
    default: 3600.0
  running_ignore:
    description: Patterns (C(*), C(?)) of names of jobs that always run, and are not waited for.
    type: list
    elements: str
    default: []
  helper_name:
    description: Beginning of the name of the job that runs the report. The time follows, so that it is unique.
    type: str
    default: LANDSCAPE
  helper_timeout:
    description: Seconds for that job from its start to its end.
    type: float
    default: 600.0
  xbp_version:
    description: Version of the interface XBP to log on to. Systems older than release 7.0 may know V(2.0) only.
    type: str
    default: "3.0"
  delay:
    description: Seconds between two looks.
    type: float
    default: 5.0
  failure_grace:
    description: Seconds for which the system may be silent in the middle of a wait.
    type: float
    default: 60.0
  confirm_sid:
    description: System ID that the system must report before anything is done.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.rfc
attributes:
  check_mode:
    support: full
    details: C(TBTCO) is read, no report is run, no file is written. Authorizations are not asked about.
  diff_mode:
    support: full
notes:
  - Overdue jobs start at once when they are released. Look at their number first (RV(jobs)), or keep background work
    processes back, when that would be too many.
  - Jobs that are created after BTCTRNS1 ran are not suspended by it. Such jobs are found by the proof, for example the
    next one of a periodic job that was about to start, and BTCTRNS1 is run again, up to three times.
  - Needs one free background work process for the report.
seealso:
  - module: basis.landscape.sap_job
"""

EXAMPLES = r"""
- name: Nothing starts from now on, and what runs may end
  delegate_to: localhost
  basis.landscape.sap_background_jobs:
    state: suspended
    running_timeout: 1800
    running_ignore: [Z_MONITOR_LOOP]
    record: /var/lib/landscape/jobs-PRD.json
    confirm_sid: PRD
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "000"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"

- name: Give exactly those back
  delegate_to: localhost
  basis.landscape.sap_background_jobs:
    state: released
    record: /var/lib/landscape/jobs-PRD.json
    confirm_sid: PRD
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "000"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
"""

RETURN = r"""
jobs:
  description:
    - With O(state=suspended) the jobs that were released before, which are those to give back. With O(state=released)
      the jobs that were given back. Each with C(name) and C(count).
    - Also among RV(error.facts) of a failure once jobs were suspended.
  returned: success
  type: list
  elements: dict
  sample: [{name: SAP_REORG_JOBS, count: "02154400"}]
running:
  description: Jobs that run, as they were seen last, without those of O(running_ignore).
  returned: success
  type: list
  elements: dict
before:
  description: How many jobs were released, suspended and running.
  returned: once the system could be read
  type: dict
  contains:
    released:
      description: Jobs in status C(S), without those of O(keep).
      type: int
    suspended:
      description: Jobs in status C(Z).
      type: int
    running:
      description: Jobs in status C(Y) or C(R), without those of O(running_ignore).
      type: int
after:
  description: The same as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the system could be read
  type: list
  elements: dict
  contains:
    name:
      description: C(record), C(suspend), C(wait), C(prove), C(release) or C(forget).
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
        - Short name of the cause, such as V(still_released), V(still_suspended), V(jobs_missing), V(foreign_jobs),
          V(jobs_running), V(job_cancelled), V(status_unknown) or V(wrong_record).
      type: str
    facts:
      description: Data of the case, with the C(jobs) to give back.
      type: dict
"""

import time
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Type

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Failed,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._rfc import model
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import (
    Jobs,
    Key,
    NeverCame,
    Submission,
    Work,
    cancelled,
    good_name,
    wait_for_end,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, wait_until

REPORTS = {"suspended": "BTCTRNS1", "released": "BTCTRNS2"}
PASSES = 3
LONGEST_HELPER = 10  # with the report's name and the time it makes 32 characters, the longest name of a job
STARTED = (model.READY, model.ACTIVE, model.FINISHED, model.CANCELLED)


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "state": {"type": "str", "choices": ["suspended", "released"], "required": True},
            "jobs": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "count": {"type": "str", "required": True},
                },
            },
            "record": {"type": "path"},
            "foreign": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"},
            "keep": {"type": "list", "elements": "str", "default": []},
            "running": {"type": "str", "choices": ["wait", "fail", "ignore"], "default": "wait"},
            "running_timeout": {"type": "float", "default": 3600.0},
            "running_ignore": {"type": "list", "elements": "str", "default": []},
            "helper_name": {"type": "str", "default": "LANDSCAPE"},
            "helper_timeout": {"type": "float", "default": 600.0},
            "xbp_version": {"type": "str", "default": "3.0"},
            "delay": {"type": "float", "default": 5.0},
            "failure_grace": {"type": "float", "default": 60.0},
            "confirm_sid": {"type": "str"},
        }
    )
    return own.merge(rfc_spec(), fence_spec())


class State(NamedTuple):
    """The jobs that matter by key; what an earlier run recorded (None when nothing was)."""

    sid: str
    released: Dict[Key, model.Job]
    suspended: Dict[Key, model.Job]
    running: Dict[Key, model.Job]
    recorded: Optional[Set[Key]]


class BackgroundJobs(Operation[State]):
    """Look: TBTCO. Plan: record, run a report, wait, prove. Act: the report once for each pass. Verify: TBTCO."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._wanted: str = params["state"]
        if params["jobs"] is not None and self._wanted != "released":
            raise BadInput("read the option jobs", "it is for state: released")
        self._helper = good_name(params["helper_name"])
        if len(self._helper) > LONGEST_HELPER:
            raise BadInput("read the option helper_name", f"it is longer than {LONGEST_HELPER} characters")
        grace = params["failure_grace"]
        self._helper_limits = Limits(params["helper_timeout"], params["delay"], grace=grace, patience=grace)
        self._running_limits = Limits(params["running_timeout"], params["delay"], grace=grace, patience=grace)
        self._client = connect(params)
        self._client.need_session("hold back or give back the background jobs")
        self._jobs = Jobs(self._client, version=params["xbp_version"])
        self._record: Optional[Record] = None
        self._mine: Set[Key] = set()
        self._overdue: List[str] = []
        self._unsure = False  # a call of the last run of the report was not answered

    # Look

    def look(self) -> State:
        """Who is it, which jobs wait, are suspended, run; what was recorded before."""
        doing = "read the background jobs"
        identity = self._client.confirm(doing, self._params["confirm_sid"])
        self._record = Record(self._params["record"], "jobs", identity.sid)
        kept = self._record.read()
        recorded = None if kept is None else keys(kept.get("jobs") or [])
        return self._see(identity.sid, recorded)

    def _see(self, sid: str, recorded: Optional[Set[Key]]) -> State:
        found = self._jobs.alive(f"read the background jobs of {sid}")
        keep = self._params["keep"]
        released = {key: job for key, job in found.items() if job.status == model.RELEASED and not fits(job, keep)}
        suspended = {key: job for key, job in found.items() if job.status == model.SUSPENDED}
        running = {
            key: job
            for key, job in found.items()
            if job.status in model.RUNNING and not fits(job, self._params["running_ignore"]) and not self._own(job)
        }
        return State(sid, released, suspended, running, recorded)

    # Plan

    def plan(self, state: State) -> List[Action[State]]:
        """What leads to the wanted state."""
        return self._suspend(state) if self._wanted == "suspended" else self._release(state)

    def _suspend(self, state: State) -> List[Action[State]]:
        waits = bool(state.running) and self._params["running"] == "wait"
        self._mine = set(state.recorded or ()) | set(state.released)
        if state.recorded is None and not state.released:
            self._mine = set(state.suspended)  # what an earlier run suspended without a record
        if not state.released:
            return [self._wait_for_running(state)] if waits else []
        strangers = set(state.suspended) - set(state.recorded or ())
        self._refuse_foreign(state, strangers)
        if state.running and self._params["running"] == "fail":
            raise Failed(
                f"suspend the jobs of {state.sid}",
                f"{len(state.running)} jobs run: {names(state.running.values())}",
                reason="jobs_running",
                cure="Wait for them (running: wait), name those that always run in running_ignore, or ignore them",
                running=[job.told() for job in state.running.values()],
            )
        actions: List[Action[State]] = []
        if self._params["record"]:
            words = f"keep the names of {len(self._mine)} jobs in {self._params['record']}"
            actions.append(Action("record", words, self._keep))
        words = f"suspend {len(state.released)} released jobs of {state.sid} (BTCTRNS1)"
        actions.append(Action("suspend", words, partial(self._run, state.sid), partial(self._prove_suspended, state)))
        if self._params["running"] == "wait":
            actions.append(self._wait_for_running(state))
        return actions

    def _release(self, state: State) -> List[Action[State]]:
        given = self._params["jobs"]
        if given is not None:
            self._mine = keys(given)
        else:
            self._mine = set(state.suspended) if state.recorded is None else set(state.recorded)
        forget = []
        if state.recorded is not None:
            forget = [Action[State]("forget", f"remove {self._params['record']}", self._forget)]
        if not state.suspended:
            check = [Action[State]("prove", "see that they are released", None, partial(self._prove_released, state))]
            return (check if self._mine else []) + forget
        if given is not None or state.recorded is not None:
            self._refuse_foreign(state, set(state.suspended) - self._mine)
        words = f"release {len(state.suspended)} suspended jobs of {state.sid} (BTCTRNS2)"
        act = Action("release", words, partial(self._run, state.sid), partial(self._prove_released, state))
        return [act, *forget]

    def _refuse_foreign(self, state: State, strangers: Set[Key]) -> None:
        if not strangers or self._params["foreign"] == "ignore":
            return
        jobs = [state.suspended[key] for key in sorted(strangers)]
        raise Failed(
            f"bring the jobs of {state.sid} into the state {self._wanted}",
            f"{len(jobs)} jobs were suspended by somebody else: {names(jobs)}; BTCTRNS2 releases all or none",
            reason="foreign_jobs",
            cure="Release or delete them, or say foreign: ignore to have them released with the others",
            foreign=[job.told() for job in jobs],
        )

    def _wait_for_running(self, state: State) -> Action[State]:
        count = len(state.running)
        words = f"wait for {count} running jobs of {state.sid}" if count else f"see that no job of {state.sid} runs"
        return Action("wait", words, None, partial(self._none_runs, state))

    # Act

    def _keep(self) -> bool:
        assert self._record is not None
        self._record.write({"jobs": told(self._mine)})
        return False  # a note of ours is no change of the system

    def _forget(self) -> bool:
        assert self._record is not None
        self._record.remove()
        return False

    def _run(self, sid: str) -> None:
        """Run the report as a job to its end."""
        report = REPORTS[self._wanted]
        name = "{}_{}_{}".format(self._helper, report, time.strftime("%y%m%d%H%M%S", time.gmtime()))
        doing = f"run {report} on {sid}"
        try:
            helper = Submission(self._jobs, name, {job.key for job in self._jobs.named(name)})
            helper.open()
            helper.add(1, Work(report))
            helper.close()
            helper.start("immediately")
            assert helper.key is not None
            job = wait_for_end(doing, self._jobs, helper.key, self._helper_limits)
            if job.status == model.CANCELLED:
                raise cancelled(doing, self._jobs, job)
        except LandscapeError as error:
            self._unsure = isinstance(error, Unknown)
            error.facts.setdefault("jobs", told(self._mine))
            raise

    # Verify

    def _prove_suspended(self, state: State) -> State:
        """No job is released any more; what came after the report is suspended by another one."""
        for _again in range(PASSES - 1):
            now = self._see(state.sid, state.recorded)
            if not now.released:
                return now
            if self._unsure:  # what was not answered may still come, and is not sent again
                break
            self._mine |= set(now.released)
            self._keep()
            self._run(state.sid)
        now = self._see(state.sid, state.recorded)
        if now.released:
            raise self._no()(
                f"suspend the jobs of {state.sid}",
                f"{len(now.released)} jobs are still released after BTCTRNS1: {names(now.released.values())}",
                reason="still_released",
                cure="Jobs that the system leaves out on purpose belong in keep",
                jobs=told(self._mine),
                still_released=[job.told() for job in now.released.values()],
            )
        return now

    def _prove_released(self, state: State) -> State:
        """No job is suspended any more, each recorded one is released or has started since."""
        doing = f"release the jobs of {state.sid}"
        now = self._see(state.sid, state.recorded)
        if now.suspended:
            raise self._no()(
                doing,
                f"{len(now.suspended)} jobs are still suspended after BTCTRNS2: {names(now.suspended.values())}",
                reason="still_suspended",
                jobs=told(self._mine),
                still_suspended=[job.told() for job in now.suspended.values()],
            )
        wrong = []
        for key in sorted(self._mine - set(now.released)):
            job = self._jobs.one(key)
            if job is None:
                wrong.append(f"{key[0]}/{key[1]} is gone")
            elif job.status == model.RELEASED:  # kept out of the list by `keep`, or released since
                continue
            elif job.status in STARTED:
                self._overdue.append(f"{job.label} {job.state}")
            else:
                wrong.append(f"{job.label} is {job.state} ({job.status})")
        if wrong:
            raise Failed(
                doing,
                "no job is suspended any more, and not all are as they were: {}".format("; ".join(wrong)),
                reason="jobs_missing",
                cure="Compare with SM37; once it is settled, remove the record",
                jobs=told(self._mine),
                missing=wrong,
            )
        return now

    def _no(self) -> Type[LandscapeError]:
        """The kind of a proof that failed: after a call that was not answered it is only not seen yet."""
        return TimedOut if self._unsure else Failed

    def _none_runs(self, state: State) -> State:
        doing = f"see the end of the running jobs of {state.sid}"
        try:
            return wait_until(
                doing,
                partial(self._see, state.sid, state.recorded),
                lambda now: not now.running,
                self._running_limits,
                bear=(TimedOut, Unreachable),
                describe=lambda now: f"{len(now.running)} jobs still run: {names(now.running.values())}",
            ).value
        except NeverCame as error:
            error.cure = "The released jobs stay suspended; wait longer, end them, or name them in running_ignore"
            error.facts["jobs"] = told(self._mine)
            if isinstance(error.last, State):
                error.facts["running"] = [job.told() for job in error.last.running.values()]
            raise

    # Tell

    def describe(self, state: State) -> Dict[str, Any]:
        """How many jobs are in which state."""
        return {
            "released": len(state.released),
            "suspended": len(state.suspended),
            "running": len(state.running),
        }

    def facts(self, state: State) -> Dict[str, Any]:
        """The jobs that are to be given back, or were."""
        running = [job.told() for _key, job in sorted(state.running.items())]
        return {"sid": state.sid, "jobs": told(self._mine), "running": running}

    def warnings(self) -> List[str]:
        """What started at once, and how the connection is made."""
        said = advice(self._params)
        if self._overdue:
            said.append("Released jobs have started since: {}".format(", ".join(self._overdue[:20])))
        return said

    def _own(self, job: model.Job) -> bool:
        """Whether it is a job that this module started to run a report."""
        return any(job.name.startswith(f"{self._helper}_{report}_") for report in REPORTS.values())


def fits(job: model.Job, patterns: Sequence[str]) -> bool:
    """Whether a job's name fits one of the patterns."""
    return any(fnmatchcase(job.name, pattern.upper()) for pattern in patterns)


def keys(rows: Iterable[Any]) -> Set[Key]:
    """The keys of jobs as they are told."""
    return {(str(row["name"]).strip().upper(), str(row["count"]).strip()) for row in rows}


def told(found: Iterable[Key]) -> List[Dict[str, str]]:
    """Keys of jobs as plain data."""
    return [{"name": name, "count": count} for name, count in sorted(found)]


def names(jobs: Iterable[model.Job], most: int = 10) -> str:
    """Jobs for a person, not too many of them."""
    labels = sorted(job.label for job in jobs)
    return ", ".join(labels[:most]) + (f", {len(labels) - most} more" if len(labels) > most else "")


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> BackgroundJobs:
    """The operation that the options ask for."""
    return BackgroundJobs(context.params)


if __name__ == "__main__":
    main()
