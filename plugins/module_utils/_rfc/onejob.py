# SPDX-License-Identifier: GPL-3.0-or-later
"""One report as a job that is known by its name: started once, attached to afterwards, read at its end."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NoReturn, Optional

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed, TimedOut
from ansible_collections.basis.landscape.plugins.module_utils._rfc import model, screens
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import CallFailed, Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.jobs import (
    Jobs,
    Key,
    Submission,
    Work,
    cancelled,
    fitting,
    good_name,
    known,
    wait_for_end,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock, Limits, NeverCame


class Start:
    """How a job is started: ``way`` as in `jobs.START_WAYS`; ``asap`` needs a server."""

    def __init__(self, way: str = "immediately", server: str = "", job_class: str = "") -> None:
        self.way = way
        self.server = server
        self.job_class = job_class


class OneJob:
    """A job with one step.

    :ivar going: the job of that name that is on its way, or stands without a start.
    :ivar ended: those that came to an end, the oldest first.
    """

    def __init__(self, client: Client, jobs: Jobs, name: str, work: Work) -> None:
        self._client = client
        self._jobs = jobs
        self.name = good_name(name)
        self.work = fitting(f"run {work.program}", work)
        self.going: Optional[model.Job] = None
        self.ended: List[model.Job] = []
        self.key: Optional[Key] = None

    @property
    def last(self) -> Optional[model.Job]:
        """The one that ended last."""
        return self.ended[-1] if self.ended else None

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self.going is not None and self.going.status != model.SCHEDULED

    def look(self) -> None:
        """Which jobs of that name there are.

        :raises Failed: more than one is on its way, or one has a status that is not known, or another report.
        """
        doing = f"look for the job {self.name}"
        found = [known(doing, job) for job in self._jobs.named(self.name)]
        going = [job for job in found if job.status not in model.ENDED]
        if len(going) > 1:
            told = ", ".join(f"{job.label} {job.state}" for job in going)
            raise Failed(doing, f"{len(going)} jobs of that name are on their way: {told}", reason="name_not_unique")
        self.going = going[0] if going else None
        self.ended = sorted(
            (job for job in found if job.status in model.ENDED), key=lambda job: (job.ended, job.started, job.number)
        )
        if self.going is not None:
            self._refuse_other(doing, self.going)

    def _refuse_other(self, doing: str, job: model.Job) -> None:
        steps = self._jobs.steps(job.key)
        if len(steps) > 1 or any(step.program != self.work.program for step in steps):
            self._refuse(doing, job, "it runs {}".format(", ".join(step.program for step in steps)))
        if job.status == model.SCHEDULED:
            user = (self._client.link.address.user or "").strip().upper()
            if user and job.user != user:
                self._refuse(doing, job, f"it was created by {job.user or 'nobody'}, not by {user}")
            self.refuse_other_values(doing, job)
        if job.status == model.SUSPENDED:
            raise Failed(
                doing,
                f"{job.label} is suspended (Z), nothing starts it",
                reason="job_suspended",
                cure="sap_background_jobs with state: released brings suspended jobs back",
                job=job.told(),
            )

    def refuse_other_values(self, doing: str, job: model.Job) -> None:
        """See that a job has the variant or the values that are meant.

        :raises Failed: it has others, or they cannot be read (reason ``other_steps``).
        """
        for step in self._jobs.steps(job.key):
            temporary = step.variant.startswith("&")
            if self.work.variant or not self.work.values:
                if step.variant != self.work.variant:
                    self._refuse(doing, job, f"its variant is {step.variant or 'none'}")
                continue
            try:
                reading = f"read the variant {step.variant} of {step.program}"
                there = screens.contents(self._client, reading, step.program, step.variant) if temporary else []
            except CallFailed as error:
                self._refuse(doing, job, f"its values cannot be read ({error.why})")
            if not screens.alike(there, self.work.values):
                self._refuse(doing, job, "it has other values")

    @staticmethod
    def _refuse(doing: str, job: model.Job, why: str) -> NoReturn:
        raise Failed(
            doing,
            f"{job.label} is {job.state}, and {why}",
            reason="other_steps",
            cure="Use another name for other work, or delete that job",
            job=job.told(),
        )

    def begin(self, start: Start) -> bool:
        """Start it, or go on with the one that is there; whether anything was sent.

        :raises Unknown: something was sent, and neither an answer nor its effect was seen.
        """
        self.look()
        submission = Submission(self._jobs, self.name, {job.key for job in self.ended}, start.job_class)
        try:
            done = 0
            if self.going is not None:
                submission.attach(self.going.key)
                if self.runs:
                    return False
                done = len(self._jobs.steps(self.going.key))
            else:
                submission.open()
            if not done:
                submission.add(1, self.work)
                submission.close()
            submission.start(start.way, start.server)
        finally:
            self.key = submission.key
        return True

    def attach(self) -> None:
        """Follow the job that is on its way."""
        self.key = self.going.key if self.going is not None else None

    def end(self, doing: str, limits: Limits, clock: Optional[Clock] = None) -> model.Job:
        """Its good end.

        :raises TimedOut: it is not seen to have been started, or does not come to its end.
        :raises Failed: it was cancelled, or is gone.
        """
        if self.key is None:
            raise TimedOut(doing, f"no job {self.name} is seen")
        now = self._jobs.one(self.key)
        if now is not None and now.status == model.SCHEDULED:
            raise TimedOut(doing, f"{now.label} stands without a start", job=now.told())
        try:
            job = wait_for_end(doing, self._jobs, self.key, limits, clock)
        except NeverCame as error:
            if isinstance(error.last, model.Job):
                error.facts["job"] = error.last.told()
            raise
        if job.status == model.CANCELLED:
            raise cancelled(doing, self._jobs, job)
        return job


def output(jobs: Jobs, key: Key) -> List[Mapping[str, str]]:
    """What a job wrote: the lines of its lists, then of its log, each with ``type`` (empty in a list), ``text``."""
    found: List[Mapping[str, str]] = []
    for step in jobs.steps(key):
        if step.spool:
            found += [{"type": "", "text": line} for line in jobs.spool(key, step.number)]
    return found + list(jobs.log(key))


def values(rows: Optional[List[Dict[str, Any]]]) -> List[Dict[str, str]]:
    """Selection values of an option (name, kind, sign, option, low, high) as rows of SELINFO."""
    return [
        {
            "SELNAME": row["name"].strip().upper(),
            "KIND": row["kind"],
            "SIGN": row["sign"],
            "OPTION": row["option"],
            "LOW": row["low"],
            "HIGH": row["high"],
        }
        for row in rows or ()
    ]


__all__ = ("OneJob", "Start", "output", "values")
