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
  - What happened is proved from the table C(TBTCO), never believed. After suspending no job may be released any more,
    and that is seen once more after the wait for running jobs. After BTCTRNS2 no job may be suspended any more, and
    each one that was recorded must be released again or have started since. Those for which that does not hold are
    named, and the module fails. One that was deleted is told in a warning.
  - Held back is what is suspended when no job is released any more. One that started, or was deleted, before BTCTRNS1
    ran is taken out of the record then.
  - The jobs that were released before are returned (RV(jobs)), and with O(record) they are written to a file before
    anything is changed, with those that were suspended already. So exactly those can be given back after the
    controller died in between. Jobs that were suspended after the record was written count as held back with it,
    because a job may be released between the look and BTCTRNS1.
  - BTCTRNS1 does not touch running jobs. They are waited for, as O(running) says.
  - A job that an earlier run of this module started, and that still runs its report, is waited for first, in check
    mode, too. One that is released or suspended is a failure (V(helper_left)), because BTCTRNS2 would start it.
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
      - When absent, those of O(record), and without a file there none. With neither O(jobs) nor O(record) all that are
        suspended now, which takes O(foreign=ignore), because nobody says whose they are.
      - With O(kept) those are meant, and O(jobs) is refused.
      - An empty list gives nothing back. It is a look that tells which jobs are suspended in a warning.
      - The file of O(record) is removed only when these jobs are all that it holds.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the job as C(TBTCO) has it. Upper and lower case are not the same.
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
      - It is written also when no job is released, so a file that is missing means that nothing was held back. Then
        O(state=released) changes nothing, and warns when jobs are suspended. Therefore the place has to last; that of
        a container that goes away does not.
      - A file about another system is refused.
    type: path
  kept:
    description:
      - RV(kept) of an earlier run, when it is kept somewhere else than in a file, in the place of O(record). The step
        C(suspend_jobs) of a maintenance run keeps it in the run database.
      - To have it before anything is changed, run O(state=suspended) in check mode first.
      - One about another system is refused.
    type: dict
    suboptions:
      sid:
        description: System ID of the system.
        type: str
        required: true
      jobs:
        description: The jobs that are to be given back, each with C(name) and C(count).
        type: list
        elements: dict
        required: true
      foreign:
        description: The jobs that were suspended already, each with C(name) and C(count).
        type: list
        elements: dict
        required: true
  foreign:
    description:
      - What to do about jobs that somebody else suspended before, since BTCTRNS2 would release them as well.
      - V(fail) changes nothing and names them. V(ignore) goes on. They are then released with the others.
      - Foreign are with O(record) or O(kept) those that were suspended when it was made, else all but those of O(jobs).
      - When none of our own is to be suspended or released nothing is done about the foreign ones, whatever is said
        here. Those that stay suspended are told in a warning, in check mode, too.
    type: str
    choices: [fail, ignore]
    default: fail
  keep:
    description:
      - Patterns (C(*), C(?)) of job names that may stay released, because the system leaves them out, for example
        through C(RSBTCTRNS_EXCL). It does not make BTCTRNS1 leave them out, and those that it suspends are recorded and
        given back like others. Upper and lower case are the same in patterns.
    type: list
    elements: str
    default: []
  running:
    description:
      - For O(state=suspended), what to do about running jobs. V(wait) waits for their end, for O(running_timeout)
        seconds. At its end the module fails and the jobs stay suspended, so that nothing new starts. What they
        released before their end is suspended, too; when nothing was to be suspended at first, and nothing is held back
        by O(kept) or O(record), it is a failure.
      - V(fail) changes nothing when jobs run. When one began between that look and BTCTRNS1 it is a failure, too, and
        the others stay suspended. V(ignore) does not look at them.
    type: str
    choices: [wait, fail, ignore]
    default: wait
  running_timeout:
    description: Seconds to wait for running jobs; again for those that are seen after that.
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
    description:
      - Seconds for that job from its start to its end, and before that for a background work process to be free.
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
    details:
      - C(TBTCO) is read, no report is run, no file is written. For O(state=suspended), when jobs are released, it logs
        on to XBP, so a user who may not is known. Other authorizations are not asked about.
      - A record that is only written or removed is no change.
  diff_mode:
    support: full
notes:
  - Overdue jobs start at once when they are released. Look at their number first (RV(jobs)), or keep background work
    processes back, when that would be too many.
  - Jobs that are created after BTCTRNS1 ran are not suspended by it. Such jobs are found by the proof, for example the
    next one of a periodic job that was about to start, and BTCTRNS1 is run again, up to three times.
  - BTCTRNS1 is not run again when a job that was seen suspended is released or has started since, because somebody gave
    the jobs back then, and knows nothing of those that would be suspended now. That is a failure
    (V(released_meanwhile)).
  - A job in a status that is not known stops O(state=suspended). For O(state=released) it does so only when it is one
    of those to give back; others are told in a warning.
  - Needs one free background work process for the report. It is waited for where the system tells how many are free
    (C(BAPI_XBP_GET_CURR_BP_RESOURCES)).
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
    - With O(state=suspended) the jobs that are to be given back, which were released before. Without O(record) a second
      run knows none of them, so keep what the first one returned. In check mode all that are released.
    - With O(state=released) the jobs that were given back. Each with C(name) and C(count).
    - Also among RV(error.facts) of a failure once jobs were suspended.
  returned: success
  type: list
  elements: dict
  sample: [{name: SAP_REORG_JOBS, count: "02154400"}]
kept:
  description:
    - What O(kept) or O(record) has to hold from before anything is changed until the jobs are released again. In check
      mode what it would hold.
    - Also among RV(error.facts) of a failure once jobs were suspended, with those that came after the start.
  returned: success and O(state=suspended)
  type: dict
  contains:
    sid:
      description: System ID.
      type: str
    jobs:
      description: As RV(jobs).
      type: list
      elements: dict
    foreign:
      description: Jobs that somebody else suspended before.
      type: list
      elements: dict
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
          V(released_meanwhile), V(no_work_process), V(jobs_running), V(job_cancelled), V(helper_left),
          V(status_unknown) or V(wrong_record).
      type: str
    facts:
      description: Data of the case, with the C(jobs) to give back, and C(kept) once jobs were suspended.
      type: dict
"""

import time
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Type

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
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
    known,
    wait_for_end,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec
from ansible_collections.basis.landscape.plugins.module_utils._rfc.quiet import free_processes
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, wait_until

REPORTS = {"suspended": "BTCTRNS1", "released": "BTCTRNS2"}
PASSES = 3
LONGEST_HELPER = 10  # with the report's name and the time it makes 32 characters, the longest name of a job
FIELDS = ("name", "count")
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
            "kept": {
                "type": "dict",
                "options": {
                    "sid": {"type": "str", "required": True},
                    "jobs": {"type": "list", "elements": "dict", "required": True},
                    "foreign": {"type": "list", "elements": "dict", "required": True},
                },
            },
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
        },
        mutually_exclusive=[("kept", "record"), ("kept", "jobs")],
    )
    return own.merge(rfc_spec(), fence_spec())


class State(NamedTuple):
    """The jobs that matter by key; what an earlier run recorded (None when nothing was).

    :ivar due: all that are released, with those that may stay so.
    :ivar released: those that may not.
    :ivar helpers: jobs of this module that are on their way or suspended.
    :ivar foreign: what the record says was suspended before it was written.
    """

    sid: str
    due: Dict[Key, model.Job]
    released: Dict[Key, model.Job]
    suspended: Dict[Key, model.Job]
    running: Dict[Key, model.Job]
    helpers: Dict[Key, model.Job]
    recorded: Optional[Set[Key]]
    foreign: Optional[Set[Key]]

    @property
    def ours(self) -> Optional[Set[Key]]:
        """What this module holds back as the record shows it: its jobs, and what was suspended after it was written.

        The second are jobs that came between the look and the report, whose names a run that died could not add.
        """
        if self.recorded is None or self.foreign is None:
            return self.recorded
        return self.recorded | (set(self.suspended) - self.foreign)


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
        self._sid = ""
        self._mine: Set[Key] = set()
        self._foreign: Set[Key] = set()
        self._kept: Optional[Set[Key]] = None  # what the record says now
        self._rested: Set[Key] = set()  # what was seen suspended since the plan was made
        self._odd: Dict[Key, model.Job] = {}
        self._staying: Dict[Key, model.Job] = {}  # suspended, and nothing is done about them
        self._said: List[str] = []
        self._overdue: List[str] = []
        self._unsure = False  # a call of the last run of the report was not answered
        self._begun = False  # the job of the report was created, so there is something changed
        self._failure: Optional[LandscapeError] = None  # of the report after that
        self._last: Optional[State] = None  # what the last action that looked for itself saw

    # Look

    def look(self) -> State:
        """Who is it, which jobs wait, are suspended, run; what was recorded before."""
        doing = "read the background jobs"
        identity = self._client.confirm(doing, self._params["confirm_sid"])
        self._sid = identity.sid
        self._record = Record(self._params["record"], "jobs", identity.sid, given=self._params["kept"])
        recorded = foreign = None
        kept = self._record.read()
        if kept is not None:
            recorded = keys(self._record.rows(kept, "jobs", FIELDS) or ())
            rows = self._record.rows(kept, "foreign", FIELDS)
            foreign = None if rows is None else keys(rows)
        state = self._see(identity.sid, recorded, foreign)
        return self._end_of_helpers(state) if state.helpers else state

    def _see(self, sid: str, recorded: Optional[Set[Key]], foreign: Optional[Set[Key]]) -> State:
        doing = f"read the background jobs of {sid}"
        found = self._jobs.alive(doing, strict=False)
        must = set(found) if self._wanted == "suspended" else (recorded or set()) | keys(self._params["jobs"] or ())
        self._odd = {key: job for key, job in found.items() if job.status not in model.STATUS_WORDS}
        for key in sorted(set(self._odd) & must):
            known(doing, self._odd[key])
        helpers = {key: job for key, job in found.items() if self._own(job)}
        due, suspended, running = (
            {key: job for key, job in found.items() if job.status in letters and key not in helpers}
            for letters in ((model.RELEASED,), (model.SUSPENDED,), model.RUNNING)
        )
        released = {key: job for key, job in due.items() if not fits(job.name, self._params["keep"])}
        running = {key: job for key, job in running.items() if not fits(job.name, self._params["running_ignore"])}
        return State(sid, due, released, suspended, running, helpers, recorded, foreign)

    def _again(self, state: State) -> State:
        now = self._see(state.sid, state.recorded, state.foreign)
        self._rested |= set(now.suspended)
        return now

    def _end_of_helpers(self, state: State) -> State:
        """Wait for a report that an earlier run started; what comes of it is the state to begin with."""
        doing = f"see the end of the reports that were started on {state.sid} before"
        stuck = [job for job in state.helpers.values() if job.status not in model.RUNNING]
        if stuck:
            raise Failed(
                doing,
                "{} would still change the jobs when released: {}".format(
                    "a job of this module" if len(stuck) == 1 else f"{len(stuck)} jobs of this module",
                    ", ".join(f"{job.label} is {job.state}" for job in stuck),
                ),
                reason="helper_left",
                cure="Delete it (SM37), then run this again",
                helpers=[job.told() for job in stuck],
            )
        return wait_until(
            doing,
            partial(self._again, state),
            lambda now: not now.helpers,
            self._helper_limits,
            bear=(TimedOut, Unreachable),
            describe=lambda now: names(now.helpers.values()),
        ).value

    # Plan

    def plan(self, state: State) -> List[Action[State]]:
        """What leads to the wanted state."""
        return self._suspend(state) if self._wanted == "suspended" else self._release(state)

    def _suspend(self, state: State) -> List[Action[State]]:
        self._kept = None if state.foreign is None else state.recorded
        self._mine = set(state.ours or ())
        self._rested = set(state.suspended)
        # Of what is held back it is seen whether somebody gave it back, so the report may be run again.
        again = bool(state.released or self._mine & set(state.suspended))
        self._foreign = set(state.suspended) - self._mine if state.foreign is None else set(state.foreign)
        doing = f"suspend the jobs of {state.sid}"
        if state.released:
            self._mine |= set(state.due)
        self._foreign -= self._mine  # what its owner released since is held back by us
        if state.released:
            self._refuse_foreign(doing, state, set(state.suspended) & self._foreign)
        else:
            self._staying = {key: job for key, job in state.suspended.items() if key not in self._mine}
        self._refuse_running(doing, state)
        actions: List[Action[State]] = []
        if self._params["record"] and (state.released or state.recorded is None):
            words = f"keep the names of {len(self._mine)} jobs in {self._params['record']}"
            actions.append(Action("record", words, self._keep, note=True))
        if state.released:
            self._jobs.log_on(doing)  # who may not is better known before anything is changed, in check mode, too
            words = f"suspend {len(state.released)} released jobs of {state.sid} (BTCTRNS1)"
            prove = partial(self._proved, partial(self._prove_held, state))
            actions.append(Action("suspend", words, partial(self._report, state.sid), prove))
        if self._params["running"] == "wait" and (state.released or state.running):
            actions.append(self._wait_for_running(state))
            actions.append(self._settle(state, again))
        return actions

    def _settle(self, state: State, again: bool) -> Action[State]:
        words = f"see that no job of {state.sid} was released meanwhile"
        prove = partial(self._prove_settled, state, again)
        if state.released or not again:
            return Action("prove", words, None, partial(self._proved, prove))
        # Nothing was changed so far, and this is a change only when the report is run again, which check mode cannot
        # know; it does not count what is marked as a note.
        return Action("prove", words, partial(self._attempt, prove), partial(self._proved, self._attempted), note=True)

    def _release(self, state: State) -> List[Action[State]]:
        given, ours = self._params["jobs"], state.ours
        if given is not None:
            self._mine = keys(given)
        elif ours is not None:
            self._mine = set(ours)
            since = sorted(self._mine - (state.recorded or set()))
            if since:
                self._said.append(f"{len(since)} jobs were suspended after the record was written: {labels(since)}")
        elif self._params["record"]:
            if state.suspended:
                self._said.append(
                    f"There is no record {self._params['record']}, so nothing is to be given back, "
                    f"and {len(state.suspended)} jobs stay suspended: {names(state.suspended.values())}"
                )
            return []
        else:  # whoever suspended them, so they are given back only when that is meant
            self._mine = set(state.suspended)
        strangers = set(state.suspended) - (ours or set())
        if given is not None or ours is not None:
            strangers -= self._mine
        forget = []
        if self._params["record"] and ours is not None and ours <= self._mine:
            words = f"remove {self._params['record']}"
            forget = [Action[State]("forget", words, self._forget, note=True)]
        if not self._mine & set(state.suspended):
            self._staying = state.suspended
            prove = partial(self._proved, partial(self._prove_released, state, False))
            check = [Action[State]("prove", "see that they are released", None, prove)]
            return (check if self._mine else []) + forget
        self._refuse_foreign(f"release the jobs of {state.sid}", state, strangers)
        words = f"release {len(state.suspended)} suspended jobs of {state.sid} (BTCTRNS2)"
        prove = partial(self._proved, partial(self._prove_released, state, True))
        return [Action("release", words, partial(self._report, state.sid), prove), *forget]

    def _refuse_foreign(self, doing: str, state: State, strangers: Set[Key]) -> None:
        if not strangers or self._params["foreign"] == "ignore":
            return
        jobs = [state.suspended[key] for key in sorted(strangers)]
        raise Failed(
            doing,
            f"{len(jobs)} jobs were suspended by somebody else: {names(jobs)}; BTCTRNS2 releases all or none",
            reason="foreign_jobs",
            cure="Release or delete them, or say foreign: ignore to have them released with the others",
            foreign=[job.told() for job in jobs],
        )

    def _refuse_running(self, doing: str, state: State, besides: str = "") -> None:
        if not state.running or self._params["running"] != "fail":
            return
        raise Failed(
            doing,
            f"{len(state.running)} jobs run: {names(state.running.values())}{besides}",
            reason="jobs_running",
            cure="Wait for them (running: wait), name those that always run in running_ignore, or ignore them",
            running=[job.told() for job in state.running.values()],
        )

    def _wait_for_running(self, state: State) -> Action[State]:
        count = len(state.running)
        words = f"wait for {count} running jobs of {state.sid}" if count else f"see that no job of {state.sid} runs"
        return Action("wait", words, None, partial(self._proved, partial(self._none_runs, state)))

    # Act

    def _keep(self) -> bool:
        if self._record is None:
            raise AssertionError("self._record is None")
        if self._kept is None or self._kept != self._mine:
            self._record.write({"jobs": told(self._mine), "foreign": told(self._foreign)})
            self._kept = set(self._mine)
        return False  # a note of ours is no change of the system

    def _forget(self) -> bool:
        if self._record is None:
            raise AssertionError("self._record is None")
        self._record.remove()
        return False

    def _report(self, sid: str) -> None:
        """Run the report; when it goes wrong after its job was created, that is a change and told by the proof."""
        try:
            self._run(sid)
        except Unknown:
            raise
        except LandscapeError as error:
            if not self._begun:
                raise
            self._failure = error

    def _attempt(self, prove: Callable[[], State]) -> bool:
        """A proof that may run the report; whether it did. When it goes wrong, `_attempted` tells."""
        try:
            self._last = prove()
        except LandscapeError as error:
            self._failure = error
        return self._begun

    def _run(self, sid: str) -> None:
        """Run the report as a job to its end."""
        self._free_process(sid)
        report = REPORTS[self._wanted]
        name = "{}_{}_{}".format(self._helper, report, time.strftime("%y%m%d%H%M%S", time.gmtime()))
        doing = f"run {report} on {sid}"
        try:
            helper = Submission(self._jobs, name, {job.key for job in self._jobs.named(name)})
            helper.open()
            self._begun = True
            helper.add(1, Work(report))
            helper.close()
            helper.start("immediately")
            if helper.key is None:
                raise AssertionError("helper.key is None")
            job = wait_for_end(doing, self._jobs, helper.key, self._helper_limits)
            if job.status == model.CANCELLED:
                raise cancelled(doing, self._jobs, job)
        except LandscapeError as error:
            self._unsure = isinstance(error, Unknown)
            raise

    def _free_process(self, sid: str) -> None:
        """Wait for a free background work process, before anything is made.

        Without one the start `immediately` is refused. `asap` would wait in the system, but as a released job: it would
        start, and suspend or release everything, also when this module was killed or had given up long before. Besides,
        it wants a server, and that one may have no background work process at all. Each look leaves a row in the log of
        XMI; usually it is one.
        """
        doing = f"find a free background work process of {sid}"
        try:
            wait_until(
                doing,
                partial(self._free, doing),
                lambda free: free != 0,
                self._helper_limits,
                bear=(TimedOut, Unreachable),
                describe=lambda _free: "all are busy",
            )
        except NeverCame as error:
            error.reason = "no_work_process"
            error.cure = "Run it again when a background job has ended, or give it more time (helper_timeout)"
            raise

    def _free(self, doing: str) -> Optional[int]:
        """How many are free; None when the system does not tell, and then the start shows it."""
        try:
            return free_processes(doing, self._jobs.resources(doing))
        except (Denied, Failed):
            return None

    # Verify

    def _proved(self, prove: Callable[[], State]) -> State:
        """The proof, unless the report went wrong; whatever goes wrong tells what is held back."""
        try:
            if self._failure is not None:
                raise self._failure
            return prove()
        except LandscapeError as error:
            for name, value in self._held().items():
                error.facts.setdefault(name, value)
            raise

    def _attempted(self) -> State:
        """What `_attempt` saw."""
        if self._last is None:
            raise AssertionError("nothing was attempted")
        return self._last

    def _prove_held(self, state: State) -> State:
        """As `_prove_suspended`; where no job may run, none may have begun between the look and the report either."""
        now = self._prove_suspended(state)
        besides = "; they began before BTCTRNS1 ran, and the others stay suspended"
        self._refuse_running(f"suspend the jobs of {state.sid}", now, besides)
        return now

    def _prove_suspended(self, state: State) -> State:
        """No job is released any more; what came after the report is suspended by another one."""
        doing = f"suspend the jobs of {state.sid}"
        for left in reversed(range(PASSES)):
            now = self._again(state)
            # What came between the look and the report was suspended by it, too.
            self._mine |= set(now.suspended) - set(state.suspended)
            if not now.released:
                break
            self._refuse_given_back(doing, now)
            if self._unsure or not left:  # what was not answered may still come, and is not sent again
                raise self._still_released(doing, now)
            self._mine |= set(now.due)
            self._keep()
            self._run(state.sid)
        return self._settled(doing, now)

    def _settled(self, doing: str, now: State) -> State:
        """A state in which nothing is released: ours is what is suspended in it.

        What started or was deleted before the report ran, or is left out by the system, was not held back, so it is not
        given back either. Before this proof nothing is taken out, because the report may still be on its way.
        """
        self._no_helper_is_left(doing, now)
        self._mine &= set(now.suspended)
        self._keep()
        return now

    def _prove_settled(self, state: State, again: bool) -> State:
        """What ran may have released others at its end, so one look has to show neither.

        :param again: whether the report is run once more for those; not when nothing of ours is suspended.
        """
        doing = f"suspend the jobs of {state.sid}"
        for left in reversed(range(PASSES + 1)):
            now = self._again(state)
            if not now.released and not now.running:
                return self._settled(doing, now)
            if now.released and not again:
                self._refuse_given_back(doing, now)
                raise self._still_released(doing, now)
            if not left:
                break
            if now.released:
                self._prove_suspended(state)
            else:
                self._none_runs(state)
        raise Failed(
            doing,
            f"jobs go on to come: {len(now.released)} are released, {len(now.running)} run: "
            + names([*now.released.values(), *now.running.values()]),
            reason="still_released" if now.released else "jobs_running",
        )

    def _refuse_given_back(self, doing: str, now: State) -> None:
        """Suspend nothing again that somebody gave back.

        A module lives on when its controller is killed. Who goes on in its place gives the jobs back and forgets them;
        if BTCTRNS1 ran once more then, nobody would know what to release. The system starts nothing that is suspended,
        so what was seen so, and is released or has started since, was given back. Released ones alone would not show
        it: one that is overdue starts at once, and the next one of a periodic job has another number.
        """
        back = []
        for key in sorted(self._rested - set(now.suspended)):
            job = now.due.get(key) or self._jobs.one(key)
            if job is not None and (job.status == model.RELEASED or job.status in STARTED):
                back.append(job)
        if back:
            raise self._no()(
                doing,
                f"{len(back)} jobs that were suspended are released again, or have started since: {names(back)}; "
                "somebody gave them back",
                reason="released_meanwhile",
                cure="See who did, then run this again if they are to be held back all the same",
                released_meanwhile=[job.told() for job in back],
            )

    def _still_released(self, doing: str, now: State) -> LandscapeError:
        return self._no()(
            doing,
            f"{len(now.released)} jobs are still released, or are so again: {names(now.released.values())}",
            reason="still_released",
            cure="Run it again; jobs that the system leaves out on purpose belong in keep",
            still_released=[job.told() for job in now.released.values()],
        )

    def _no_helper_is_left(self, doing: str, now: State) -> None:
        """No report is on its way that could change what was seen."""
        if now.helpers:
            raise self._no()(
                doing,
                f"jobs of this module are still there: {names(now.helpers.values())}",
                reason="helper_left",
                helpers=[job.told() for job in now.helpers.values()],
            )

    def _prove_released(self, state: State, ran: bool) -> State:
        """Each job of ours is released or has started since; after the report no job is suspended any more."""
        doing = f"release the jobs of {state.sid}"
        now = self._again(state)
        stuck = {key: job for key, job in now.suspended.items() if ran or key in self._mine}
        if stuck:
            raise self._no()(
                doing,
                f"{len(stuck)} jobs are still suspended, or are so again: {names(stuck.values())}",
                reason="still_suspended",
                still_suspended=[job.told() for job in stuck.values()],
            )
        self._staying = now.suspended
        self._no_helper_is_left(doing, now)
        wrong, gone = [], []
        for key in sorted(self._mine - set(now.due)):
            job = self._jobs.one(key)
            if job is None:  # whoever deleted it knew why, and nothing is left to give back
                gone.append(key)
            elif job.status == model.RELEASED:  # since the look
                continue
            elif job.status in STARTED:
                self._overdue.append(f"{job.label} {job.state}")
            else:
                wrong.append(f"{job.label} is {job.state} ({job.status})")
        if wrong:
            raise Failed(
                doing,
                "no job of ours is suspended any more, and not all are as they were: {}".format("; ".join(wrong)),
                reason="jobs_missing",
                cure="Release or delete them in SM37, then run this again",
                missing=wrong,
            )
        if gone:
            self._mine -= set(gone)
            self._said.append(f"{len(gone)} jobs are gone, so they were not given back: {labels(gone)}")
        return now

    def _no(self) -> Type[LandscapeError]:
        """The kind of a proof that failed: after a call that was not answered it is only not seen yet."""
        return TimedOut if self._unsure else Failed

    def _none_runs(self, state: State) -> State:
        doing = f"see the end of the running jobs of {state.sid}"
        try:
            return wait_until(
                doing,
                partial(self._again, state),
                lambda now: not now.running,
                self._running_limits,
                bear=(TimedOut, Unreachable),
                describe=lambda now: f"{len(now.running)} jobs still run: {names(now.running.values())}",
            ).value
        except NeverCame as error:
            error.cure = "The released jobs stay suspended; wait longer, end them, or name them in running_ignore"
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
        return {"sid": state.sid, "running": running, **self._held()}

    def _held(self) -> Dict[str, Any]:
        """What is held back, or was, as it has to be kept."""
        jobs = told(self._mine)
        if self._wanted == "released":
            return {"jobs": jobs}
        return {"jobs": jobs, "kept": {"sid": self._sid, "jobs": jobs, "foreign": told(self._foreign)}}

    def warnings(self) -> List[str]:
        """What started at once, and how the connection is made."""
        said = [*advice(self._params), *self._said]
        if self._staying:
            stay = f"{len(self._staying)} jobs that are not among those to give back stay suspended"
            said.append(f"{stay}: {labels(self._staying)}")
        if self._odd:
            odd = ", ".join(f"{job.label} {job.status!r}" for job in sorted(self._odd.values())[:10])
            said.append(f"TBTCO says of other jobs what is not known, so nothing is said about them: {odd}")
        if self._overdue:
            said.append("Released jobs have started since: {}".format(", ".join(self._overdue[:20])))
        return said

    def _own(self, job: model.Job) -> bool:
        """Whether it is a job that this module started to run a report."""
        return any(job.name.startswith(f"{self._helper}_{report}_") for report in REPORTS.values())


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a job's name fits one of the patterns, in capital letters or not."""
    return any(fnmatchcase(name.upper(), pattern.strip().upper()) for pattern in patterns)


def keys(rows: Iterable[Any]) -> Set[Key]:
    """The keys of jobs as they are told; a name is as TBTCO has it, because JOB_OPEN takes small letters, too."""
    return {(str(row["name"]).rstrip(), str(row["count"]).strip()) for row in rows}


def told(found: Iterable[Key]) -> List[Dict[str, str]]:
    """Keys of jobs as plain data."""
    return [{"name": name, "count": count} for name, count in sorted(found)]


def names(jobs: Iterable[model.Job]) -> str:
    """Jobs for a person, not too many of them."""
    return labels(job.key for job in jobs)


def labels(found: Iterable[Key], most: int = 10) -> str:
    """Keys of jobs for a person, not too many of them."""
    every = ["/".join(key) for key in sorted(found)]
    return ", ".join(every[:most]) + (f", {len(every) - most} more" if len(every) > most else "")


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> BackgroundJobs:
    """The operation that the options ask for."""
    return BackgroundJobs(context.params)


if __name__ == "__main__":
    main()
