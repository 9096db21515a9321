# SPDX-License-Identifier: GPL-3.0-or-later
"""Background jobs: scheduled through the interface XBP, watched in the table TBTCO.

The logon to XBP belongs to one conversation and is made anew with each. Reading TBTCO leaves no row in the XMI log,
which every call of XBP does, so waiting reads the table. A job is known by name and count together; a job whose
creation was not answered is looked up by its name, which therefore has to be unique. Sources: public XBP clients.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Failed,
    TimedOut,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc import model
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import CallFailed, Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tables import literal
from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock, Limits, NeverCame, wait_until

Key = Tuple[str, str]
FIELDS = ("JOBNAME", "JOBCOUNT", "STATUS", "SDLUNAME", "STRTDATE", "STRTTIME", "ENDDATE", "ENDTIME", "AUTHCKMAN")
KEY = ("JOBNAME", "JOBCOUNT")
LONGEST_NAME = 32
# The libraries cut what is longer without a word, and the job would do something else.
LONGEST = {"program": 40, "variant": 14, "user": 12}
LONGEST_VALUE = {"SELNAME": 8, "LOW": 45, "HIGH": 45}
LOG_TAIL = 8
START_WAYS = ("immediately", "asap")


class Work(NamedTuple):
    """One step that is to run: a report with a saved variant, or with values of its own.

    :ivar values: rows of SELINFO (SELNAME, KIND, SIGN, OPTION, LOW, HIGH).
    :ivar printing: fields of ALLPRIPAR; without any the step leaves no spool request.
    """

    program: str
    variant: str = ""
    values: Sequence[Mapping[str, str]] = ()
    user: str = ""
    language: str = ""
    printing: Mapping[str, Any] = {}

    @property
    def words(self) -> str:
        """The step for a person."""
        if self.variant:
            return f"{self.program} with variant {self.variant}"
        return f"{self.program} with {len(self.values)} values of its own" if self.values else self.program


class Jobs:
    """The background jobs of one system.

    :param label: the free label that XBP wants with each call (EXTERNAL_USER_NAME, 16 characters).
    :param version: version of XBP that is logged on to.
    """

    def __init__(self, client: Client, label: str = "BASIS_LANDSCAPE", version: str = "3.0") -> None:
        self._client = client
        self._label = label[:16]
        self._version = version
        self._logged_on = 0

    # What the tables show

    def named(self, name: str) -> List[model.Job]:
        """Every job of a name in the client that is logged on to; TBTCO has those of all clients.

        One without steps may not show its client yet, so that counts as ours.
        """
        own = self._client.link.address.client
        found = self._read(f"JOBNAME = {literal(name)}")
        return [job for job in found if job.client == own or (not job.client and job.status == model.SCHEDULED)]

    def alive(self, doing: str, strict: bool = True) -> Dict[Key, model.Job]:
        """The jobs of all clients that are neither without a start nor at their end.

        :param strict: whether a status that is not known is a failure; else the caller looks.
        :raises Failed: one of them is in a status that is not known.
        """
        left_out = (model.SCHEDULED, *model.ENDED)
        where = " AND ".join(f"STATUS <> {literal(letter)}" for letter in left_out)
        return {job.key: known(doing, job) if strict else job for job in self._read(where)}

    def one(self, key: Key) -> Optional[model.Job]:
        """One job as it is now; None when there is none."""
        found = self._read(f"JOBNAME = {literal(key[0])} AND JOBCOUNT = {literal(key[1])}")
        return found[0] if found else None

    def _read(self, where: str) -> List[model.Job]:
        rows = self._client.rows("TBTCO", FIELDS, where, key=KEY)
        return list({job.key: job for job in map(model.Job.read, rows)}.values())

    def steps(self, key: Key) -> List[model.Step]:
        """The steps of a job (TBTCP), in their order."""
        where = f"JOBNAME = {literal(key[0])} AND JOBCOUNT = {literal(key[1])}"
        rows = self._client.rows("TBTCP", ("STEPCOUNT", "PROGNAME", "VARIANT", "LISTIDENT", "AUTHCKNAM"), where)
        found = [
            model.Step(
                int(row["STEPCOUNT"] or 0),
                row["PROGNAME"],
                row["VARIANT"],
                row["LISTIDENT"].strip().lstrip("0"),
                row["AUTHCKNAM"],
            )
            for row in rows
        ]
        return sorted(found)

    # What XBP does

    def open(self, doing: str, name: str, job_class: str = "") -> Key:
        """Make a job without steps; its key.

        :raises Unknown: it may be there, look for its name.
        """
        more = {"JOBCLASS": job_class} if job_class else {}
        answer = self._tell(doing, "BAPI_XBP_JOB_OPEN", dict(self._who(), JOBNAME=name, **more))
        count = str(answer.get("JOBCOUNT") or "").strip()
        if not count:
            raise Failed(doing, "BAPI_XBP_JOB_OPEN tells no JOBCOUNT", reason="malformed")
        return name, count

    def add(self, doing: str, key: Key, work: Work) -> None:
        """Add a step."""
        given: Dict[str, Any] = {"ABAP_PROGRAM_NAME": work.program}
        if work.variant:
            given["ABAP_VARIANT_NAME"] = work.variant
        if work.user:
            given["SAP_USER_NAME"] = work.user
        if work.language:
            given["LANGUAGE"] = work.language
        if work.printing:
            given["ALLPRIPAR"] = dict(work.printing)
        if work.values:
            given["SELINFO"] = [dict(row) for row in work.values]
        self._tell(doing, "BAPI_XBP_JOB_ADD_ABAP_STEP", dict(self._named(key), **given))

    def close(self, doing: str, key: Key) -> None:
        """Close it: it is scheduled without a start."""
        self._tell(doing, "BAPI_XBP_JOB_CLOSE", self._named(key))

    def start(self, doing: str, key: Key, way: str, server: str = "", group: str = "") -> None:
        """Start it: ``immediately`` (fails without a free work process) or ``asap`` (waits for one)."""
        given = {name: value for name, value in (("TARGET_SERVER", server), ("TARGET_GROUP", group)) if value}
        function = "BAPI_XBP_JOB_START_IMMEDIATELY" if way == "immediately" else "BAPI_XBP_JOB_START_ASAP"
        self._tell(doing, function, dict(self._named(key), **given))

    def abort(self, doing: str, key: Key) -> None:
        """Break off an active job."""
        self._tell(doing, "BAPI_XBP_JOB_ABORT", self._named(key))

    def log(self, key: Key) -> List[Dict[str, str]]:
        """The job's log: type, id, text of each line with its time."""
        answer = self._ask(
            f"read the log of {key[0]}/{key[1]}",
            "BAPI_XBP_JOB_JOBLOG_READ",
            dict(self._named(key), PROT_NEW="X"),
        )
        rows = answer.get("JOB_PROTOCOL_NEW") or answer.get("JOB_PROTOCOL") or []
        return [_line(model.plain(row)) for row in rows]

    def screen(self, doing: str, program: str) -> List[str]:
        """The names of the fields on a report's selection screen."""
        answer = self._ask(doing, "BAPI_XBP_READ_SELSCREEN", dict(self._who(), PROGRAM=program))
        return [str(row.get("SELNAME") or "").strip() for row in answer.get("SELSCREEN_INFO") or ()]

    def resources(self, doing: str) -> Dict[str, Any]:
        """What XBP says about background work processes."""
        return self._ask(doing, "BAPI_XBP_GET_CURR_BP_RESOURCES", self._who())

    def of_program(self, program: str) -> Set[Key]:
        """The keys of the jobs that have a step with a program, whatever their status."""
        rows = self._client.rows("TBTCP", ("JOBNAME", "JOBCOUNT"), f"PROGNAME = {literal(program)}", key=KEY)
        return {(row["JOBNAME"], row["JOBCOUNT"]) for row in rows}

    def spool(self, key: Key, step: int) -> List[str]:
        """The lines of the list that a step printed."""
        answer = self._ask(
            f"read the list of {key[0]}/{key[1]}, step {step}",
            "BAPI_XBP_JOB_SPOOLLIST_READ",
            dict(self._named(key), STEP_NUMBER=step),
        )
        rows = answer.get("SPOOL_LIST") or []
        return [str(next(iter(row.values()), "") if isinstance(row, Mapping) else row).rstrip() for row in rows]

    def _who(self) -> Dict[str, str]:
        return {"EXTERNAL_USER_NAME": self._label}

    def _named(self, key: Key) -> Dict[str, str]:
        return dict(self._who(), JOBNAME=key[0], JOBCOUNT=key[1])

    def _ask(self, doing: str, function: str, parameters: Mapping[str, Any]) -> Dict[str, Any]:
        self.log_on(doing)
        return self._client.ask(doing, function, parameters)

    def _tell(self, doing: str, function: str, parameters: Mapping[str, Any]) -> Dict[str, Any]:
        self.log_on(doing)
        return self._client.tell(doing, function, parameters)

    def log_on(self, doing: str) -> None:
        """Log on to XBP, once in each conversation.

        :raises CallFailed: the user may not.
        """
        self._client.need_session(doing)
        link = self._client.link
        link.ready(doing)
        if self._logged_on == link.generation:
            return
        try:
            self._client.ask(
                f"{doing}: log on to XBP",
                "BAPI_XMI_LOGON",
                {
                    "EXTCOMPANY": "basis.landscape",
                    "EXTPRODUCT": "basis.landscape",
                    "INTERFACE": "XBP",
                    "VERSION": self._version,
                },
            )
        except CallFailed as error:
            error.cure = error.cure or "The user needs S_XMI_PROD for XBP; docs/abap.md lists the others"
            raise
        self._logged_on = link.generation


def _line(row: Mapping[str, Any]) -> Dict[str, str]:
    date = str(row.get("ENTERDATE") or "")
    clock = str(row.get("ENTERTIME") or row.get("ENTERTIM") or "")
    return {
        "type": str(row.get("MSGTYPE") or "").strip(),
        "id": "{} {}".format(row.get("MSGID") or "", row.get("MSGNO") or "").strip(),
        "text": str(row.get("TEXT") or "").strip(),
        "time": model.moment(date, clock),
    }


def good_name(name: str) -> str:
    """A job name in capital letters.

    :raises BadInput: it is empty, too long, or has characters that no job name has.
    """
    text = name.strip().upper()
    if not text or len(text) > LONGEST_NAME or any(ord(c) < 32 or c in "*'\"" for c in text):
        why = f"{name!r} is not 1 to {LONGEST_NAME} characters without * or quotes"
        raise BadInput("read the name of the job", why)
    return text


def fitting(doing: str, work: Work) -> Work:
    """A step whose texts the parameters of XBP can hold.

    :raises BadInput: one is longer.
    """
    texts = [(name, getattr(work, name), most) for name, most in LONGEST.items()]
    for row in work.values:
        texts += [(f"{name} of the value {row['SELNAME']}", row[name], most) for name, most in LONGEST_VALUE.items()]
    for name, text, most in texts:
        if len(text) > most:
            why = f"{name} has {len(text)} characters, and XBP takes {most}: {text!r}"
            raise BadInput(doing, why, cure="Save a variant for longer values", reason="too_long")
    return work


def end_of_log(jobs: Jobs, key: Key) -> List[str]:
    """The last lines of a log as text, for an error; empty when it cannot be read."""
    try:
        lines = jobs.log(key)
    except (CallFailed, TimedOut, Unreachable, Failed):
        return []
    return ["{} {} {}".format(line["type"], line["id"], line["text"]).strip() for line in lines[-LOG_TAIL:]]


def cancelled(doing: str, jobs: Jobs, job: model.Job) -> Failed:
    """The error for a job that was cancelled, with the end of its log."""
    tail = end_of_log(jobs, job.key)
    told = "; ".join(tail) or "its log cannot be read"
    return Failed(doing, f"the job {job.label} was cancelled: {told}", reason="job_cancelled", job=job.told(), log=tail)


def known(doing: str, job: model.Job) -> model.Job:
    """A job whose status is one that is known.

    :raises Failed: it is not (reason ``status_unknown``).
    """
    if job.status not in model.STATUS_WORDS:
        raise Failed(
            doing,
            f"TBTCO says {job.status!r} about {job.label}; known are {', '.join(model.STATUS_WORDS)}",
            reason="status_unknown",
            job=job.told(),
        )
    return job


def wait_for_end(doing: str, jobs: Jobs, key: Key, limits: Limits, clock: Optional[Clock] = None) -> model.Job:
    """Look until a job came to an end, good or bad.

    A job that stays suspended is given up after the grace of ``limits``: nothing starts it while BTCTRNS2 does not run.

    :raises NeverCame: the timeout passed.
    :raises Hopeless: it stays suspended.
    :raises Failed: it is gone, or in a status that is not known.
    """

    def look() -> model.Job:
        found = jobs.one(key)
        if found is None:
            raise Failed(doing, f"the job {key[0]}/{key[1]} is no longer there", reason="job_gone")
        return known(doing, found)

    return wait_until(
        doing,
        look,
        lambda job: job.status in model.ENDED,
        limits,
        clock=clock,
        hopeless=lambda job: job.status == model.SUSPENDED,
        bear=(TimedOut, Unreachable),
        describe=lambda job: f"the job {job.label} is {job.state}",
    ).value


class Submission:
    """A job of a unique name on its way from nothing to started; each part is sent once.

    :param before: keys of jobs of that name that are somebody else's.
    """

    def __init__(self, jobs: Jobs, name: str, before: Set[Key], job_class: str = "") -> None:
        self._jobs = jobs
        self._name = name
        self._before = before
        self._class = job_class
        self.key: Optional[Key] = None

    def attach(self, key: Key) -> None:
        """Go on with a job that is there."""
        self.key = key

    def open(self) -> None:
        """Make the job; when that was not answered, look whether it is there.

        :raises Unknown: it was not answered, and no job is there yet.
        """
        doing = f"create the job {self._name}"
        try:
            self.key = self._jobs.open(doing, self._name, self._class)
        except Unknown as error:
            self.key = self._found(doing, error)

    def add(self, number: int, work: Work) -> None:
        """Add the step of that number; when that was not answered, look whether it is there."""
        doing = f"add step {number} ({work.words}) to the job {self._name}"
        self._once(
            lambda key: self._jobs.add(doing, key, work),
            lambda key: len(self._jobs.steps(key)) >= number,
        )

    def close(self) -> None:
        """Close the job; whether that was answered is seen when it starts."""
        try:
            self._jobs.close(f"close the job {self._name}", self._sure())
        except Unknown:
            if self._jobs.one(self._sure()) is None:
                raise

    def start(self, way: str, server: str = "", group: str = "") -> None:
        """Start the job; when that was not answered, look whether it was released.

        :raises Unknown: it was not answered, and the job still stands without a start.
        """
        self._once(
            lambda key: self._jobs.start(f"start the job {self._name}", key, way, server, group),
            self._is_released,
        )

    def _is_released(self, key: Key) -> bool:
        job = self._jobs.one(key)
        return job is not None and job.status != model.SCHEDULED

    def _once(self, act: Callable[[Key], None], happened: Callable[[Key], bool]) -> None:
        key = self._sure()
        try:
            act(key)
        except Unknown as error:
            if not happened(key):
                error.why += f"; looking shows the job {key[0]}/{key[1]} without it, and it was not sent again"
                error.cure = "Run it again: it goes on with the job that is there"
                error.facts["job"] = {"name": key[0], "count": key[1]}
                raise

    def _found(self, doing: str, error: Unknown) -> Key:
        now = [job for job in self._jobs.named(self._name) if job.key not in self._before]
        if len(now) == 1:
            return now[0].key
        if now:
            raise Failed(
                doing,
                "it was not answered, and {} jobs of that name are new: {}".format(
                    len(now), ", ".join(job.label for job in now)
                ),
                reason="name_not_unique",
                cure="Give the job a name that nobody else uses",
            ) from error
        error.why += "; looking shows no job of that name, and it was not sent again"
        error.cure = "Run it again: it looks for the job before it creates one"
        raise error

    def _sure(self) -> Key:
        if self.key is None:
            raise Failed(f"run the job {self._name}", "it was not created", reason="no_job")
        return self.key


__all__ = (
    "START_WAYS",
    "Jobs",
    "Key",
    "NeverCame",
    "Submission",
    "Work",
    "cancelled",
    "end_of_log",
    "fitting",
    "good_name",
    "known",
    "wait_for_end",
)
