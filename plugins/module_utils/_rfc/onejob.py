# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that is known by its name: whose it is, started once, attached to afterwards, read at its end."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, LandscapeError, TimedOut
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

WAITING = (model.RELEASED, model.READY, model.ACTIVE)


class Start:
    """How a job is started: ``way`` as in `jobs.START_WAYS`; ``asap`` needs a server."""

    def __init__(self, way: str = "immediately", server: str = "", job_class: str = "") -> None:
        self.way = way
        self.server = server
        self.job_class = job_class


class OneJob:
    """The job of a name, and the steps that are meant.

    :param exact: whether the variants of one that was started count, and upper and lower case of single values.
    :param whole: whether variants and values of one that was started count, also select options that are left open.
    :ivar going: the job of that name that is on its way, or stands without a start.
    :ivar ended: those that came to an end, the oldest first.
    """

    def __init__(
        self, client: Client, jobs: Jobs, name: str, *work: Work, exact: bool = False, whole: bool = False
    ) -> None:
        self._client = client
        self._jobs = jobs
        self.name = good_name(name)
        self.work = [fitting(f"run {one.program}", one) for one in work]
        self._exact = exact
        self._whole = whole
        self._compared: Dict[Key, bool] = {}
        self.going: Optional[model.Job] = None
        self.ended: List[model.Job] = []
        self._submission: Optional[Submission] = None

    @property
    def key(self) -> Optional[Key]:
        """The job that is followed, once it is known."""
        return self._submission.key if self._submission is not None else None

    @property
    def last(self) -> Optional[model.Job]:
        """The one that ended last."""
        return self.ended[-1] if self.ended else None

    def done(self) -> Optional[model.Job]:
        """The one that ended last among those whose steps are the ones that are meant.

        One whose values cannot be read counts when it was cancelled: it is no proof, and it is a reason to stop.
        """
        for job in reversed(self.ended):
            if job.key not in self._compared:  # an ended job stays what it is
                doubts: List[str] = []
                other = self.other(job, self._jobs.steps(job.key), closely=True, doubts=doubts)
                self._compared[job.key] = not other and (not doubts or job.status == model.CANCELLED)
            if self._compared[job.key]:
                return job
        return None

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self.going is not None and self.going.status != model.SCHEDULED

    def look(self) -> None:
        """Which jobs of that name there are.

        :raises Failed: as `find` and `refuse_other`.
        """
        doing = f"look for the job {self.name}"
        self.find(doing)
        if self.going is not None:
            self.refuse_other(doing, self.going)

    def find(self, doing: str) -> None:
        """Which jobs of that name there are, whosever they are.

        :raises Failed: more than one is on its way, or one has a status that is not known.
        """
        found = [known(doing, job) for job in self._jobs.named(self.name)]
        going = [job for job in found if job.status not in model.ENDED]
        if len(going) > 1:
            told = ", ".join(f"{job.label} {job.state}" for job in going)
            raise Failed(
                doing,
                f"{len(going)} jobs of that name are on their way: {told}",
                reason="name_not_unique",
                cure="Give each piece of work a job name of its own",
            )
        self.going = going[0] if going else None
        self.ended = sorted(
            (job for job in found if job.status in model.ENDED), key=lambda job: (job.ended, job.started, job.number)
        )

    def refuse_other(self, doing: str, job: model.Job, closely: bool = False) -> None:
        """Refuse a job that is other work, or that nothing starts (see `other`)."""
        self.refuse(doing, job, self.other(job, self._jobs.steps(job.key), closely))

    def other(
        self,
        job: model.Job,
        steps: Sequence[model.Step],
        closely: bool = False,
        doubts: Optional[List[str]] = None,
    ) -> str:
        """Why a job is not the work that is meant; empty when it is.

        One without a start may lack its last steps. It is ours only when this user created it and its values are ours.

        :param closely: whether the variants and values of one that was started are compared, too.
        :param doubts: takes what cannot be read about one that ended; without it that is a reason. The temporary
            variant with its values may be cleaned up by then.
        """
        unstarted = job.status == model.SCHEDULED
        closely = closely or unstarted or self._whole
        for number, (there, ours) in enumerate(zip(steps, self.work), 1):
            # Values of its own became a temporary variant.
            same = there.variant.startswith("&") if ours.values else there.variant == ours.variant
            if there.program != ours.program or (not same and (closely or self._exact)):
                return f"its step {number} is {there.program} {there.variant}".strip()
        if len(steps) > len(self.work) or (len(steps) < len(self.work) and not unstarted):
            return f"it has {len(steps)} steps, not {len(self.work)}"
        me = (self._client.link.address.user or "").strip().upper()
        if unstarted and me and job.user != me:
            return f"it was created by {job.user or 'nobody'}, not by {me}"
        for number, (there, ours) in enumerate(zip(steps, self.work), 1):
            user = ours.user or me
            if unstarted and user and there.user != user:
                return f"its step {number} runs as {there.user or 'nobody'}, not as {user}"
            if ours.values and closely:
                doing = f"read the values of step {number} of the job {job.label}"
                try:
                    rows = screens.contents(self._client, doing, there.program, there.variant)
                except (CallFailed, Denied) as error:
                    doubtful = doubts is not None and job.status in model.ENDED
                    if isinstance(error, Denied) and not (doubtful and error.reason == "authorization"):
                        raise
                    why = f"the values of its step {number} cannot be read ({error.why})"
                    if doubts is None or not doubtful:
                        return why
                    doubts.append(why)
                    continue
                if not screens.alike(rows, ours.values, self._exact, self._whole):
                    return f"its step {number} has other values"
        return ""

    @staticmethod
    def refuse(doing: str, job: model.Job, other: str) -> None:
        """Refuse a job that `other` says something about, or that is suspended.

        :raises Failed: it is (reason ``other_steps`` or ``job_suspended``).
        """
        if other:
            raise Failed(
                doing,
                f"{job.label} is {job.state}, and {other}",
                reason="other_steps",
                cure="Use another name for other work, or delete that job",
                job=job.told(),
            )
        if job.status == model.SUSPENDED:
            raise Failed(
                doing,
                f"{job.label} is suspended (Z), nothing starts it",
                reason="job_suspended",
                cure="sap_background_jobs with state: released brings suspended jobs back",
                job=job.told(),
            )

    def begin(self, start: Start) -> bool:
        """Start it, or go on with the one that is there; whether anything was sent.

        :raises Unknown: something was sent, and neither an answer nor its effect was seen.
        :raises LandscapeError: with ``changed`` among its facts when the job, or a step of it, had been made before.
        """
        self.look()
        submission = self.submission(self.going, start.job_class)
        if self.runs:
            return False
        made = False
        try:
            if self.going is None:
                submission.open()
                made = True
            done = len(self._jobs.steps(self.going.key)) if self.going is not None else 0
            for number, work in enumerate(self.work[done:], done + 1):
                submission.add(number, work)
                made = True
            if done < len(self.work):
                submission.close()
            submission.start(start.way, start.server)
        except LandscapeError as error:
            if made:
                error.facts["changed"] = True
                if submission.key is not None:
                    error.facts.setdefault("job", {"name": submission.key[0], "count": submission.key[1]})
            raise
        return True

    def submission(self, job: Optional[model.Job], job_class: str = "") -> Submission:
        """What sends a new job, or goes on with the one that is there, and is followed from now on."""
        self._submission = Submission(self._jobs, self.name, {one.key for one in self.ended}, job_class)
        if job is not None:
            self._submission.attach(job.key)
        return self._submission

    def attach(self) -> None:
        """Follow the job that is on its way."""
        self.submission(self.going)

    def started(self, doing: str) -> model.Job:
        """The job, which was started.

        :raises TimedOut: it is not seen to have been.
        :raises Failed: it is gone.
        """
        if self.key is None:
            raise TimedOut(doing, f"no job {self.name} is seen")
        job = self._jobs.one(self.key)
        if job is None:
            raise Failed(doing, "TBTCO does not show it", reason="job_gone")
        if known(doing, job).status == model.SCHEDULED:
            raise TimedOut(doing, f"{job.label} stands without a start", job=job.told())
        return job

    def end(self, doing: str, limits: Limits, clock: Optional[Clock] = None) -> model.Job:
        """The good end of one that was started.

        :raises TimedOut: it does not come to its end.
        :raises Failed: it was cancelled, or is gone.
        """
        if self.key is None:
            raise TimedOut(doing, f"no job {self.name} is seen")
        try:
            job = wait_for_end(doing, self._jobs, self.key, limits, clock)
        except NeverCame as error:
            if isinstance(error.last, model.Job):
                error.facts["job"] = error.last.told()
            raise
        if job.status == model.CANCELLED:
            raise cancelled(doing, self._jobs, job)
        return job


def others(jobs: Jobs, doing: str, program: str, mine: str = "") -> List[model.Job]:
    """The jobs of all clients that have a step with a program and are released, ready or active.

    :param mine: a name that does not count.
    """
    alive = jobs.alive(doing)
    waiting = {key: job for key, job in alive.items() if job.status in WAITING and job.name != mine}
    keys = jobs.of_program(program) if waiting else set()
    return [job for key, job in sorted(waiting.items()) if key in keys]


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


__all__ = ("OneJob", "Start", "others", "output", "values")
