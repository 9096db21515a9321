# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lists: scenarios with their tasks, sessions that run through them, manual tasks that stop them.

Status numbers are from facts 4.4. A session runs in the background as a job with the report STC_TM_PROCESSOR, or at
once inside the call that starts it. It stops with 06 at a manual task that nobody confirmed, with 12 at a task that
failed; a resume goes on there. That a session which is to run in the background keeps its state for a moment is
invented, because nothing says that it does not. Tasks, their seconds, their texts are invented; the names of the lists
are from facts 4.4, from memory there.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.simulator.clock import Timer

from .reports import Report, Run

if TYPE_CHECKING:
    from .jobs import Job
    from .system import AbapSystem

PROCESSOR = "STC_TM_PROCESSOR"
MOMENT = 5.0  # seconds after which a session that is to run in the background changes its state
SESSION_STATES = {
    "01": "Waiting for execution",
    "03": "Running",
    "05": "Stopped",
    "06": "Manual activities required",
    "07": "Need not be executed",
    "08": "Scheduled",
    "10": "Finished",
    "11": "Finished with warnings",
    "12": "Errors occurred",
    "13": "Aborted",
}
TASK_STATES = {
    "01": "To be executed",
    "02": "Not to be executed",
    "03": "Running",
    "05": "Prevented",
    "06": "Manual activity required",
    "07": "Not supported",
    "10": "Executed successfully",
    "11": "Executed with warnings",
    "12": "Execution failed",
    "13": "Aborted",
}
# Name, description, tasks: name, description, text of what a person has to do for a manual one.
STANDARD: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "SAP_BASIS_SSL_CHECK",
        "Check SSL Configuration",
        (
            ("CL_STCT_CHECK_SEC_CRYPTO", "Check SAP Cryptographic Library", ""),
            ("CL_STCT_CHECK_SSL_SERVER", "Check SSL Server Standard PSE", ""),
        ),
    ),
    (
        "SAP_BASIS_COPY_REFRESH_CONFIG",
        "PCA - Configuration after System Refresh",
        (
            ("CL_STCT_SC_PREPARE_SICK", "Consistency Check", ""),
            ("CL_STCT_SC_CONFIG_TMS_SINGLE", "Configure Transport Management System", ""),
            (
                "CL_STCT_SC_MANUAL_LICENSE",
                "Install License",
                "Install the licence of the target in transaction SLICENSE",
            ),
            ("CL_STCT_CREATE_REQUEST_WBENCH", "Create Workbench Request", ""),
        ),
    ),
    (
        "SAP_BASIS_COPY_REFRESH_CLEANUP",
        "PCA - Cleanup after System Refresh",
        (
            ("CL_STCT_SC_CLEANUP_QUEUES", "Delete Queues", ""),
            ("CL_STCT_SC_CLEANUP_JOBS", "Delete Job Logs", ""),
        ),
    ),
    (
        "SAP_BASIS_CLIENT_COPY",
        "Client Copy",
        (
            ("CL_STCT_CC_CHECK", "Check Source and Target Client", ""),
            ("CL_STCT_CC_COPY", "Copy Client", ""),
            ("CL_STCT_CC_VERIFY", "Verify Copied Client", ""),
        ),
    ),
)
DEFAULTS = {("CL_STCT_CC_COPY", "SOURCE"): "", ("CL_STCT_CC_COPY", "TARGET"): "", ("CL_STCT_CC_COPY", "PROFILE"): ""}


@dataclass
class Task:
    """One task of a session; ``fails`` is how often it fails before it works."""

    name: str
    number: int
    description: str = ""
    manual: str = ""
    seconds: float = 10.0
    fails: int = 0
    ends: str = "10"
    status: str = "01"
    confirmed: bool = False
    log: list[tuple[str, str, float]] = field(default_factory=list)


@dataclass
class TaskSession:
    """A task list that was begun."""

    id: str
    exec_id: str
    scenario: str
    client: str
    user: str
    tasks: list[Task]
    parameters: dict[tuple[str, int, str], str]
    status: str = "01"
    job: Job | None = None
    pending: bool = False
    timer: Timer | None = None
    started: float | None = None
    ended: float | None = None

    @property
    def current(self) -> Task | None:
        """The task that runs or is next."""
        return next((task for task in self.tasks if task.status in ("03", "06", "12", "13", "01")), None)

    @property
    def progress(self) -> int:
        """How much is through, in percent."""
        through = sum(task.status in ("02", "07", "10", "11") for task in self.tasks)
        return 100 * through // max(1, len(self.tasks))

    def task(self, name: str, number: int = 0) -> Task | None:
        """A task by its name, of several with that name by its number."""
        return next((task for task in self.tasks if task.name == name and number in (0, task.number)), None)


class TaskLists:
    """The task manager of one system."""

    def __init__(self, system: AbapSystem) -> None:
        self.system = system
        self.scenarios: dict[str, dict[str, Any]] = {}
        for name, description, tasks in STANDARD:
            rows = [{"name": task, "description": words, "manual": text} for task, words, text in tasks]
            self.scenarios[name] = {"description": description, "tasks": rows, "parameters": {}}
        self.scenarios["SAP_BASIS_CLIENT_COPY"]["parameters"] = {
            f"{task}/{name}": value for (task, name), value in DEFAULTS.items()
        }
        self.scenarios["SAP_BASIS_CLIENT_COPY"]["tasks"][1]["seconds"] = system.options.copy_seconds
        for name, given in system.options.task_lists.items():
            known = set(Task.__dataclass_fields__) - {"number", "status", "confirmed", "log"}
            for row in given.get("tasks", []):
                if "name" not in row:
                    raise ValueError(f"system {system.name}: a task of {name} has no name")
                unknown = sorted(set(row) - known)
                if unknown:
                    known_ones = ", ".join(sorted(known))
                    raise ValueError(f"system {system.name}: a task knows no {unknown[0]}; known are {known_ones}")
            self.scenarios[name] = {"description": name, "parameters": {}, **given}
        self.sessions: dict[str, TaskSession] = {}

    # -- making -------------------------------------------------------------------------------------------------------

    def begin(self, scenario: str, client: str, user: str) -> TaskSession:
        """A new session of a scenario that exists, not yet started."""
        given = self.scenarios[scenario]
        tasks = [Task(number=number, **row) for number, row in enumerate(given["tasks"], 1)]
        day, time = self.system.stamp()
        stamp = f"{day}{time}.{secrets.randbelow(1_000_000):06d}"
        session = TaskSession(secrets.token_hex(12).upper(), stamp, scenario, client, user, tasks, {})
        for place, value in given["parameters"].items():
            name, _slash, column = place.partition("/")
            session.parameters[name, 1, column] = value
        self.sessions[session.id] = session
        self._effect("task_list_created", session)
        return session

    def run(self, session: TaskSession, *, background: bool) -> None:
        """Start or go on: as a job, or at once within this call."""
        if session.pending or session.status in ("03", "08"):
            return
        if background:
            session.pending = True
            self.system.world.clock.after(MOMENT, partial(self._start, session, background=True))
        else:
            self._start(session, background=False)

    def _start(self, session: TaskSession, *, background: bool) -> None:
        session.pending = False
        for task in session.tasks:
            if task.status in ("12", "13", "06"):
                task.status = "01"
        session.status = "08" if background else "03"
        session.started = self._now() if session.started is None else session.started
        self._effect("task_list_started", session)
        if not background:
            self._next(session, at_once=True)
            return
        jobs = self.system.jobs
        row = {"SELNAME": "SESSION", "KIND": "P", "LOW": session.id}
        variant = self.system.variants.temporary(session.client, PROCESSOR, [row])
        job = jobs.open(session.scenario[:32], session.client, session.user)
        jobs.append(job, PROCESSOR, variant)
        session.job = job
        job.at_end = partial(self._job_over, session, job)
        jobs.release(job)

    def take(self, run: Run) -> None:
        """The job of a session has begun."""
        session = self.sessions.get(str(run.values_of(PROCESSOR).get("SESSION", "")))
        if session is None:
            assert run.job is not None
            self.system.jobs.go_on(run.job)
        else:
            session.status = "03"
            self._next(session)

    # -- running ------------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self.system.world.clock.now()

    def _next(self, session: TaskSession, *, at_once: bool = False) -> None:
        while session.status == "03":
            task = next((one for one in session.tasks if one.status == "01"), None)
            if task is None:
                self._stop(session, "11" if any(one.status == "11" for one in session.tasks) else "10")
            elif task.manual and not task.confirmed:
                task.status = "06"
                self._say(task, "W", task.manual)
                self._stop(session, "06")
            else:
                task.status = "03"
                if not at_once:
                    clock = self.system.world.clock
                    session.timer = clock.after(task.seconds, partial(self._after, session, task))
                    return
                self._perform(session, task)

    def _after(self, session: TaskSession, task: Task) -> None:
        self._perform(session, task)
        self._next(session)

    def _perform(self, session: TaskSession, task: Task) -> None:
        why = ""
        if task.fails > 0:
            task.fails -= 1
            why = f"{task.description or task.name} failed"
        elif task.name == "CL_STCT_CC_COPY":
            values = {column: value for (name, _n, column), value in session.parameters.items() if name == task.name}
            why = self.system.copy_client(values.get("SOURCE", ""), values.get("TARGET", ""), values.get("PROFILE", ""))
        if why:
            task.status = "12"
            self._say(task, "E", why)
            self._stop(session, "12")
            return
        task.status = task.ends
        self._say(task, "W" if task.ends == "11" else "S", f"{task.description or task.name}: {TASK_STATES[task.ends]}")

    def _stop(self, session: TaskSession, status: str) -> None:
        session.status, session.ended, session.timer = status, self._now(), None
        self._effect("task_list_stopped", session)
        if session.job is not None:
            self.system.jobs.go_on(session.job)

    def _job_over(self, session: TaskSession, job: Job) -> None:
        if session.job is not job:
            return
        session.job = None
        if session.status == "03":
            if session.timer is not None:
                session.timer.cancel()
            for task in session.tasks:
                if task.status == "03":
                    task.status = "13"
                    self._say(task, "A", "The task was aborted")
            session.status, session.ended, session.timer = "13", self._now(), None
            self._effect("task_list_stopped", session)

    def _say(self, task: Task, kind: str, text: str) -> None:
        task.log.append((kind, text, self._now()))

    def _effect(self, effect: str, session: TaskSession) -> None:
        self.system.effect(effect, session=session.id, detail=f"{session.scenario} {session.status}")

    # -- by hand ------------------------------------------------------------------------------------------------------

    def skip(self, session: TaskSession, task: Task, *, skip: bool) -> bool:
        """Have a task left out, or not any more; whether that is possible."""
        if task.status not in (("01", "06", "12") if skip else ("02",)):
            return False
        task.status = "02" if skip else "01"
        return True

    def confirm(self, session: TaskSession, task: Task, user: str) -> bool:
        """Say that a manual task was done; whether it is one that waits."""
        if not task.manual or task.status not in ("01", "06"):
            return False
        task.confirmed, task.status = True, "10"
        self._say(task, "S", f"Confirmed by {user}")
        self.system.effect("task_confirmed", session=session.id, user=user, detail=task.name)
        return True

    def set(self, session: TaskSession, rows: Iterable[dict[str, Any]]) -> list[str]:
        """Set parameters; returns the names of tasks that do not exist."""
        unknown = []
        for row in rows:
            name = str(row.get("TASKNAME") or "").strip()
            if session.task(name) is None:
                unknown.append(name)
                continue
            number = int(str(row.get("LNR") or "").strip() or 1)
            column = str(row.get("FIELDNAME") or "").strip()
            session.parameters[name, number or 1, column] = str(row.get("VALUE") or "").strip()
        return unknown

    def snapshot(self) -> dict[str, Any]:
        """The sessions as plain data."""
        return {
            one.id: {
                "scenario": one.scenario,
                "status": one.status,
                "client": one.client,
                "user": one.user,
                "tasks": {task.name: task.status for task in one.tasks},
                "parameters": {f"{name}/{column}": value for (name, _n, column), value in one.parameters.items()},
            }
            for one in self.sessions.values()
        }


def reports(system: AbapSystem) -> list[Report]:
    """The report that runs task lists in the background."""
    return [Report(PROCESSOR, begin=lambda run: run.system.task_lists.take(run))]
