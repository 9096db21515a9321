# SPDX-License-Identifier: GPL-3.0-or-later
"""Background jobs: from scheduled over released, ready, active to finished or cancelled, on the simulator's clock.

Status letters P S Y R F A Z and the messages 00/517, 00/554 are from facts 4.1; 00/516 and 00/550 are from memory, as
is that a periodic job makes its successor when it starts. Each instance has so many background work processes; what
finds none stays released.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.simulator.clock import Timer
from tests.simulator.landscape import Instance

from .reports import Report, Run

if TYPE_CHECKING:
    from .system import AbapSystem

HANDOVER = 1.0  # seconds between being picked and being active
KEPT = 20  # finished runs of one name that are kept
CANCELLED = "Job canceled due to terminated process or program"


@dataclass
class Line:
    """A line of a job's log."""

    at: float
    id: str
    number: str
    type: str
    text: str
    variables: tuple[str, ...] = ()


@dataclass
class Step:
    """A step: a report with its variant, or a program outside (``command``)."""

    program: str
    variant: str = ""
    user: str = ""
    client: str = ""
    language: str = "E"
    printed: bool = False
    command: str = ""
    list_id: int = 0
    status: str = "P"


@dataclass
class Job:
    """A background job; times are simulated seconds."""

    name: str
    count: str
    client: str
    user: str
    created: float
    status: str = "P"
    steps: list[Step] = field(default_factory=list)
    closed: bool = False
    planned: float | None = None
    every: float = 0.0
    seconds: float | None = None
    target: str = ""
    job_class: str = "C"
    released: float | None = None
    started: float | None = None
    ended: float | None = None
    log: list[Line] = field(default_factory=list)
    log_id: str = ""
    server: str = ""
    work_process: int = 0
    timer: Timer | None = None
    held: int | None = None
    step: int = 0
    predecessor: str = ""
    at_end: Callable[[], None] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Name and number, the only things that say which job it is."""
        return self.name, self.count


# Jobs of every new system: report, seconds between runs, seconds until the next one, seconds a run takes.
STANDARD: tuple[tuple[str, str, float, float, float], ...] = (
    ("COLLECTOR_FOR_PERFORMANCEMONITOR", "RSCOLL00", 3600, 900, 40),
    ("SAP_REORG_JOBS", "RSBTCDEL2", 86400, 30000, 90),
    ("SAP_REORG_SPOOL", "RSPO1041", 86400, 33600, 60),
    ("SAP_REORG_ABAPDUMPS", "RSSNAPDL", 86400, 37200, 30),
    ("SAP_REORG_XMILOG", "RSXMILOGREORG", 604800, 41000, 30),
    ("SAP_CCMS_MONI_BATCH_DP", "RSAL_BATCH_TOOL_DISPATCHING", 3600, 2000, 20),
    ("EU_REORG", "SAPRSLOG", 86400, 44000, 300),
    ("FI_DUNNING_DAILY", "SAPF150S2", 86400, 50000, 600),
    ("MM_MRP_NIGHT", "RMMRP000", 86400, 54000, 1800),
    ("SD_BILLING_DUE_LIST", "SDBILLDL", 14400, 4200, 240),
    ("WORKFLOW_DEADLINES", "RSWWDHEX", 3600, 2700, 15),
)


class Background:
    """The background processing of one system."""

    def __init__(self, system: AbapSystem) -> None:
        self.system = system
        self.clock = system.world.clock
        self._jobs: dict[tuple[str, str], Job] = {}
        self._log_ids = itertools.count(10_000_001)
        self._list_ids = itertools.count(30_001)
        self.spool: dict[int, tuple[Step, list[str]]] = {}
        self._running: dict[tuple[str, str], Job] = {}
        self._held: dict[tuple[str, str], Job] = {}
        self._released: dict[tuple[str, str], Job] = {}
        # By name, the runs that are over, in the order of their ends.
        self._ended: dict[str, deque[tuple[str, str]]] = {}
        self._alive: list[Instance] = []
        given = system.options.jobs
        if given is None:
            given = [
                {"name": name, "report": report, "every": every, "next": first, "seconds": seconds}
                for name, report, every, first, seconds in STANDARD
            ]
        for row in given:
            self.add(**row)

    def add(self, **row: Any) -> None:
        """A job as the landscape file has it.

        Raises:
            ValueError: it has an unknown field.
        """
        known = {"name", "report", "variant", "every", "next", "seconds", "user", "client", "class", "status"}
        unknown = sorted(set(row) - known)
        if unknown or not row.get("name"):
            what = f"no {unknown[0]}" if unknown else "its name"
            raise ValueError(f"system {self.system.name}: a job knows {what}; known are {', '.join(sorted(known))}")
        client = str(row.get("client") or self.system.client)
        user = row.get("user") or ("DDIC" if row["name"].startswith("SAP_") else "BATCH_FI")
        job = self.open(row["name"], client, user, row.get("class", "C"))
        report = row.get("report") or "RSUSR000"
        job.steps.append(Step(report, row.get("variant", ""), user, client))
        job.seconds = None if row.get("seconds") is None else float(row["seconds"])
        job.every = float(row.get("every") or 0)
        job.closed = True
        if row.get("status", "S") == "S":
            self.release(job, self.clock.now() + float(row.get("next", job.every)))
        elif row["status"] not in ("P", "Z"):
            raise ValueError(f"system {self.system.name}: a job begins with status P, S or Z, not {row['status']}")
        else:
            job.status = row["status"]
            job.planned = self.clock.now() + float(row.get("next", job.every))

    # -- looking ------------------------------------------------------------------------------------------------------

    def all(self) -> list[Job]:
        """Every job in the order of names and numbers."""
        return sorted(self._jobs.values(), key=lambda job: job.key)

    def get(self, name: str, count: str) -> Job | None:
        """A job."""
        return self._jobs.get((name.strip(), count.strip()))

    def processes(self, instance: Instance) -> list[Job | None]:
        """What each background work process of an instance does."""
        name = self.system.server(instance)
        mine = [job for job in self._running.values() if job.server == name]
        # A process that is to go stays until its job is through.
        count = max([self.system.options.background, *(job.work_process + 1 for job in mine)])
        rows: list[Job | None] = [None] * count
        for job in mine:
            rows[job.work_process] = job
        return rows

    def free(self, target: str = "") -> tuple[Instance, int] | None:
        """An instance with the number of a free background work process, the least loaded first."""
        best: tuple[int, Instance, int] | None = None
        for instance in self.system.alive():
            if target and self.system.server(instance) != target:
                continue
            rows = self.processes(instance)
            load = len(rows) - rows.count(None)
            if None in rows[: self.system.options.background] and (best is None or load < best[0]):
                best = (load, instance, rows.index(None))
        return None if best is None else best[1:]

    def snapshot(self) -> list[dict[str, Any]]:
        """The jobs as plain data."""
        return [
            {
                "name": job.name,
                "count": job.count,
                "status": job.status,
                "client": job.client,
                "user": job.user,
                "planned": job.planned,
                "every": job.every,
                "started": job.started,
                "ended": job.ended,
                "server": job.server,
                "steps": [{"program": step.program, "variant": step.variant} for step in job.steps],
                "log": [f"{line.id}/{line.number} {line.type} {line.text}" for line in job.log],
            }
            for job in self.all()
        ]

    # -- changing -----------------------------------------------------------------------------------------------------

    def open(self, name: str, client: str, user: str, job_class: str = "C") -> Job:
        """A new job; its number is the time of day with two more digits."""
        name, base = name.strip(), self.system.stamp()[1]
        count = next(
            text
            for text in (f"{base}{more:02d}" if more < 100 else f"{more:08d}" for more in itertools.count())
            if (name, text) not in self._jobs
        )
        job = Job(name, count, client, user, self.clock.now(), job_class=job_class)
        self._jobs[job.key] = job
        return job

    def append(self, job: Job, program: str, variant: str = "", *, printed: bool = False, language: str = "E") -> None:
        """One more step of the job's own user."""
        job.steps.append(Step(program, variant, job.user, job.client, language, printed))

    def _set(self, job: Job, status: str) -> None:
        job.status = status
        if status == "S":
            self._released[job.key] = job
        else:
            self._released.pop(job.key, None)

    def release(self, job: Job, at: float | None = None, target: str = "") -> None:
        """Have it start at a time, or as soon as possible."""
        now = self.clock.now()
        job.planned, job.target, job.released = (now if at is None else at), target, now
        self._set(job, "S")
        job.closed = True
        self._arm(job)

    def _arm(self, job: Job) -> None:
        if job.timer is not None:
            job.timer.cancel()
            job.timer = None
        if job.planned is not None and job.planned > self.clock.now():
            job.timer = self.clock.after(job.planned - self.clock.now(), self.turn)
        else:
            self.turn()

    def turn(self) -> None:
        """Give free work processes to the jobs that are due."""
        now = self.clock.now()
        due = [job for job in self._released.values() if job.planned is not None and job.planned <= now]
        for job in sorted(due, key=lambda one: (one.job_class, one.planned or 0.0, one.key)):
            place = self.free(job.target)
            if place is not None:
                self._pick(job, *place)

    def _pick(self, job: Job, instance: Instance, number: int) -> None:
        self._set(job, "Y")
        job.server, job.work_process = self.system.server(instance), number
        self._running[job.key] = job
        job.timer = self.clock.after(HANDOVER, partial(self._begin, job))

    def _begin(self, job: Job) -> None:
        self._set(job, "R")
        job.started, job.step = self.clock.now(), 0
        job.log_id = f"JOBLGX{next(self._log_ids):08d}"
        self.say(job, "516", "S", "Job started")
        self._effect("job_started", job)
        if job.every > 0:
            self._succeed(job)
        if job.steps:
            self._step(job)
        else:
            self._cancel(job, "The job has no step")

    def _succeed(self, job: Job) -> None:
        """The next one of a periodic job; what was missed is not made up for."""
        following = self.open(job.name, job.client, job.user, job.job_class)
        following.steps = [
            Step(s.program, s.variant, s.user, s.client, s.language, s.printed, s.command) for s in job.steps
        ]
        following.every, following.seconds, following.predecessor = job.every, job.seconds, job.count
        now = self.clock.now()
        first = job.planned if job.planned is not None else now
        missed = max(0, int((now - first) // job.every))
        self.release(following, first + (missed + 1) * job.every, job.target)
        ended = self._ended.get(job.name, deque())
        while len(ended) > KEPT:
            self._jobs.pop(ended.popleft(), None)

    def report(self, name: str) -> Report | None:
        """A report of the system."""
        return self.system.reports.get(name.strip().upper())

    def _step(self, job: Job) -> None:
        step = job.steps[job.step]
        step.status = "R"
        number = f"{job.step + 1:03d}"
        if step.command:
            self.say(job, "549", "S", f"Step {number} started (external program {step.command})", number, step.command)
            seconds = self.system.options.report_seconds
        else:
            text = f"Step {number} started (program {step.program}, variant {step.variant}, user ID {step.user})"
            self.say(job, "550", "S", text, number, step.program, step.variant, step.user)
            report = self.report(step.program)
            if report is None:
                self._cancel(job, f"Program {step.program} does not exist")
                return
            seconds = report.takes(self.system, step, job)
            if report.begin is not None:
                report.begin(Run(self.system, step.user, step.client, step.variant, job))
                return
        if job.seconds is not None:
            seconds = job.seconds
        job.timer = self.clock.after(seconds, partial(self._done, job))

    def go_on(self, job: Job) -> None:
        """The work of a step that ends by itself is through."""
        if job.status == "R":
            self._done(job)

    def _done(self, job: Job) -> None:
        held = self.system.strike("job_never_ends", job=job.name)
        if held is not None:
            job.held = held
            self._held[job.key] = job
            self._effect("job_held", job)
            return
        if self.system.strike("job_cancelled", job=job.name) is not None:
            self._cancel(job)
            return
        step = job.steps[job.step]
        step.status = "F"
        report = None if step.command else self.report(step.program)
        if report is not None:
            run = Run(self.system, step.user, step.client, step.variant, job)
            report.perform(run)
            for kind, ident, number, text, *variables in run.lines:
                self.say(job, number, kind, text, *variables, ident=ident)
            if step.printed and run.spool:
                step.list_id = next(self._list_ids)
                self.spool[step.list_id] = (step, run.spool)
            if run.failed:
                step.status = "A"
                self._cancel(job)
                return
        job.step += 1
        if job.step < len(job.steps):
            self._step(job)
            return
        self.say(job, "517", "S", "Job finished")
        self._end(job, "F")

    def _cancel(self, job: Job, why: str = "") -> None:
        if why:
            self.say(job, "671", "E", why)
        self.say(job, "554", "A", CANCELLED)
        self._end(job, "A")

    def _end(self, job: Job, status: str) -> None:
        if job.timer is not None:
            job.timer.cancel()
        job.timer, job.held = None, None
        self._set(job, status)
        job.ended = self.clock.now()
        self._ended.setdefault(job.name, deque()).append(job.key)
        self._running.pop(job.key, None)
        self._held.pop(job.key, None)
        self._effect("job_finished" if status == "F" else "job_cancelled", job)
        if job.at_end is not None:
            job.at_end()
        self.turn()

    def say(self, job: Job, number: str, kind: str, text: str, *variables: str, ident: str = "00") -> None:
        """A line in a job's log."""
        job.log.append(Line(self.clock.now(), ident, number, kind, text, variables))

    def _effect(self, effect: str, job: Job) -> None:
        program = job.steps[min(job.step, len(job.steps) - 1)].program if job.steps else None
        self.system.effect(effect, job=job.name, jobcount=job.count, detail=program)

    def abort(self, job: Job, user: str) -> bool:
        """Cancel an active job; whether it was one."""
        if job.status != "R":
            return False
        self.say(job, "671", "E", f"Job was canceled by user {user}", user)
        self._cancel(job)
        return True

    def delete(self, job: Job) -> bool:
        """Remove a job that does not run; whether it could be."""
        if job.status in ("R", "Y"):
            return False
        if job.timer is not None:
            job.timer.cancel()
        del self._jobs[job.key]
        self._released.pop(job.key, None)
        self._effect("job_deleted", job)
        return True

    def restore(self, rows: list[dict[str, Any]]) -> None:
        """Have the jobs of these rows of TBTCO and no others; one that is there stays as it is."""
        wanted = {(row["JOBNAME"], row["JOBCOUNT"]) for row in rows}
        for job in self.all():
            if job.key not in wanted:
                if job.timer is not None:
                    job.timer.cancel()
                for known in (self._jobs, self._released, self._running, self._held):
                    known.pop(job.key, None)
        for row in rows:
            if (row["JOBNAME"], row["JOBCOUNT"]) not in self._jobs:
                self._restored(row)

    def _restored(self, row: dict[str, Any]) -> None:
        def moment(day: str, time: str) -> float | None:
            if not row[day]:
                return None
            found = datetime.strptime(row[day] + row[time], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            return found.timestamp() - self.clock.wall(0.0) + 0.001  # not a moment before that second

        created = moment("SDLDATE", "SDLTIME") or self.clock.now()
        job = Job(row["JOBNAME"], row["JOBCOUNT"], row["AUTHCKMAN"], row["SDLUNAME"], created)
        self._jobs[job.key] = job
        job.closed, job.job_class, job.target = True, row["JOBCLASS"], row["BTCSYSTEM"]
        units = (("PRDMINS", 60), ("PRDHOURS", 3600), ("PRDDAYS", 86400), ("PRDWEEKS", 604800))
        job.every = float(sum(int(row[name]) * seconds for name, seconds in units))
        job.planned, job.released = moment("SDLSTRTDT", "SDLSTRTTM"), moment("RELDATE", "RELTIME")
        job.started, job.ended = moment("STRTDATE", "STRTTIME"), moment("ENDDATE", "ENDTIME")
        job.log_id, job.server, job.work_process = row["JOBLOG"], row["REAXSERVER"], row["WPNUMBER"]
        if row["STATUS"] == "S":
            self._set(job, "S")
            self._arm(job)
        else:
            job.status = row["STATUS"]

    def restore_steps(self, rows: list[dict[str, Any]]) -> None:
        """Have the steps of these rows of TBTCP for the jobs that are there."""
        steps: dict[tuple[str, str], list[Step]] = {}
        for row in sorted(rows, key=lambda one: one["STEPCOUNT"]):
            step = Step(row["PROGNAME"], row["VARIANT"], row["AUTHCKNAM"], row["AUTHCKMAN"], row["LANGUAGE"])
            step.command, step.list_id, step.status = row["XPGPROG"], row["LISTIDENT"], row["STATUS"]
            steps.setdefault((row["JOBNAME"], row["JOBCOUNT"]), []).append(step)
        for key, job in self._jobs.items():
            job.steps = steps.get(key, [])

    def suspend(self) -> int:
        """What BTCTRNS1 does: released jobs become suspended; how many."""
        jobs = list(self._released.values())
        for job in jobs:
            self._set(job, "Z")
        self.system.effect("jobs_suspended", count=len(jobs))
        return len(jobs)

    def resume(self) -> int:
        """What BTCTRNS2 does: suspended jobs become released, what is overdue starts; how many."""
        jobs = [job for job in self._jobs.values() if job.status == "Z"]
        for job in jobs:
            self._set(job, "S")
        self.system.effect("jobs_released", count=len(jobs))
        for job in jobs:
            if job.status == "S":
                self._arm(job)
        return len(jobs)

    def sync(self) -> None:
        """Cancel what ran on instances that are gone; go on with what no fault holds any more."""
        alive = self.system.alive()
        if alive != self._alive:
            self._alive = alive
            names = {self.system.server(instance) for instance in alive}
            for job in list(self._running.values()):
                if job.server not in names:
                    self._lost(job)
            self.turn()
        if self._held:
            for job in list(self._held.values()):
                if job.held is not None and not self.system.world.faults.known(job.held):
                    del self._held[job.key]
                    job.held = None
                    self._done(job)

    def _lost(self, job: Job) -> None:
        if job.status == "Y":
            self._running.pop(job.key, None)
            if job.timer is not None:
                job.timer.cancel()
            job.server, job.timer = "", None
            self._set(job, "S")
        else:
            self._cancel(job, f"Server {job.server} is not active any more")
