# SPDX-License-Identifier: GPL-3.0-or-later
"""Function modules about background jobs: the interface XBP, then those that need no XMI log-on.

Interfaces from facts 4.1 with its marks. The numbers of the class XM other than 028, and the wording of refusals, are
invented: a client must go by TYPE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import wraps
from typing import TYPE_CHECKING, Any

from tests.simulator.abap.catalogue import Function, Structure
from tests.simulator.abap.errors import AbapException
from tests.simulator.abap.jobs import Job, Step
from tests.simulator.abap.reports import Run
from tests.simulator.abap.tables import job_row
from tests.simulator.abap.words import fields, flag, parameters, returned, text

if TYPE_CHECKING:
    from tests.simulator.abap.engine import Session

Answer = dict[str, Any]
Behaviour = Callable[..., Answer]
HEAD = fields(
    "JOBNAME C32, JOBCOUNT C8, STATUS C1, SDLUNAME C12, SDLSTRTDT D, SDLSTRTTM T, STRTDATE D, STRTTIME T, ENDDATE D,"
    "ENDTIME T, PERIODIC C1, REAXSERVER C32, AUTHCKMAN C3, STEPCOUNT I"
)
VERSIONS = ("0.1", "1.0", "2.0", "3.0")
STATES = (
    ("PRELIM", "P"),
    ("SCHEDUL", "S"),
    ("READY", "Y"),
    ("RUNNING", "R"),
    ("FINISHED", "F"),
    ("ABORTED", "A"),
    ("SUSP", "Z"),
)
STRUCTURES = (
    Structure(
        "BAPIPRIPAR",
        fields("PDEST C4, PRIMM C1, PRREL C1, PRCOP N3, PLIST C12, PRTXT C68, PEXPI N1, LINSZ I, LINCT I, PAART C16"),
        "facts 4.1 for PDEST, PRIMM, PRREL, PEXPI, LINSZ, LINCT; types from memory",
        "S1",
    ),
    Structure(
        "RSPARAMS",
        fields("SELNAME C8, KIND C1, SIGN C1, OPTION C2, LOW C45, HIGH C45"),
        "facts 4.1 for the fields, lengths from memory",
        "S1",
    ),
    Structure(
        "BAPIXMJOBLOG",
        fields(
            "ENTERDATE D, ENTERTIME T, MSGID C20, MSGNO C3, MSGTYPE C1, TEXT C128, RABAXKEY C55, RABAXKEYLN I,"
            "MSGV1 C50, MSGV2 C50, MSGV3 C50, MSGV4 C50"
        ),
        "facts 4.1 XBPLIVE for the fields; the name and lengths are invented",
        "M",
    ),
    Structure("BAPIXMJOB", fields("JOBNAME C32, JOBCOUNT C8"), "facts 4.1", "S1"),
    Structure("BAPIXMJOBST", fields("JOBNAME C32, JOBCOUNT C8, STATUS C1"), "facts 4.1; the name is invented", "M"),
    Structure(
        "BAPIXMJSEL",
        fields(
            "JOBNAME C32, JOBCOUNT C8, JOBGROUP C12, USERNAME C12, FROM_DATE D, FROM_TIME T, TO_DATE D, TO_TIME T,"
            "NO_DATE C1, WITH_PRED C1, EVENTID C32, EVENTPARM C64, PRELIM C1, SCHEDUL C1, READY C1, RUNNING C1,"
            "FINISHED C1, ABORTED C1"
        ),
        "facts 4.1 XBPLIVE; the name, order and lengths from memory",
        "M",
    ),
    Structure(
        "BAPIXMHEAD",
        HEAD,
        "facts 4.1 for JOB_HEAD, fields as in TBTCO",
        "M",
    ),
    Structure("BAPIXMSPOW", fields("LINE C255"), "facts 4.8 LARS; the name is invented", "M"),
    Structure(
        "BAPIXMBPRE",
        fields("SERVER C32, HOST C32, BTCWPTOTAL C10, BTCWPFREE C10, BTCWPCLSSA C10"),
        "facts 4.1 XBPLIVE; the name and lengths are invented",
        "M",
    ),
    Structure(
        "BAPIXMSELS",
        fields("SELNAME C8, KIND C1, DTYP C1, LENGTH I, TEXT C60"),
        "facts 4.1 XBPLIVE for SELNAME, KIND, DTYP; the rest is invented",
        "M",
    ),
)


class Refusal(Exception):
    """A call that ends with a RETURN of type E."""

    def __init__(self, number: str, why: str, *variables: str) -> None:
        super().__init__(why)
        self.returned = returned("E", "XM", number, why, *variables)


def xbp(behaviour: Behaviour) -> Behaviour:
    """A function of the interface: without an XMI log-on in this conversation it answers XM 028."""

    @wraps(behaviour)
    def guarded(session: Session, **given: Any) -> Answer:
        function = session.function
        try:
            if "XBP" not in session.xmi:
                raise Refusal("028", f"Not logged on in interface XBP (function {function})", "XBP", function)
            session.system.audit(session.client, session.user, function)
            if not text(given.get("EXTERNAL_USER_NAME", "X")):
                raise Refusal("050", "Enter an external user name")
            return {"RETURN": returned(), **behaviour(session, **given)}
        except Refusal as refusal:
            return {"RETURN": refusal.returned}

    return guarded


def _job(session: Session, name: Any, count: Any) -> Job:
    job = session.system.jobs.get(text(name), text(count))
    if job is None:
        raise Refusal("049", f"Job {text(name)} {text(count)} does not exist", text(name), text(count))
    return job


def _may(session: Session, name: str, doing: str) -> None:
    if not session.allowed(name):
        raise Refusal("046", f"No authorization to {doing} ({name})", name)


# -- the XMI log-on ---------------------------------------------------------------------------------------------------


def logon(
    session: Session, EXTCOMPANY: str = "", EXTPRODUCT: str = "", INTERFACE: str = "", VERSION: str = "", **_more: Any
) -> Answer:
    """BAPI_XMI_LOGON: for this conversation only."""
    interface, version = text(INTERFACE).upper(), text(VERSION)
    if not text(EXTCOMPANY) or not text(EXTPRODUCT):
        return {"RETURN": returned("E", "XM", "011", "Enter the company and the product")}
    if not session.allowed("S_XMI_PROD"):
        why = f"No XMI authorization for {text(EXTCOMPANY)} {text(EXTPRODUCT)} {interface}"
        return {"RETURN": returned("E", "XM", "045", why, text(EXTCOMPANY), text(EXTPRODUCT), interface)}
    if interface not in ("XBP", "XAL", "XOM", "XMB") or version not in VERSIONS:
        why = f"Interface {interface} in version {version} is not supported"
        return {"RETURN": returned("E", "XM", "012", why, interface, version)}
    session.xmi[interface] = version
    return {"SESSIONID": session.id, "RETURN": returned()}


def logoff(session: Session, INTERFACE: str = "", **_more: Any) -> Answer:
    """BAPI_XMI_LOGOFF."""
    interface = text(INTERFACE).upper()
    if session.xmi.pop(interface, None) is None:
        return {"RETURN": returned("E", "XM", "028", f"Not logged on in interface {interface}", interface)}
    return {"RETURN": returned()}


# -- making a job -----------------------------------------------------------------------------------------------------


@xbp
def open_job(session: Session, JOBNAME: str = "", JOBCLASS: str = "", **_more: Any) -> Answer:
    """BAPI_XBP_JOB_OPEN."""
    if not text(JOBNAME):
        raise Refusal("051", "Enter a job name")
    job = session.system.jobs.open(text(JOBNAME), session.client, session.user, text(JOBCLASS) or "C")
    session.system.effect("job_opened", job=job.name, jobcount=job.count, user=session.user)
    return {"JOBCOUNT": job.count}


@xbp
def add_abap_step(
    session: Session,
    JOBNAME: str = "",
    JOBCOUNT: str = "",
    ABAP_PROGRAM_NAME: str = "",
    ABAP_VARIANT_NAME: str = "",
    SAP_USER_NAME: str = "",
    LANGUAGE: str = "",
    ALLPRIPAR: dict[str, Any] | None = None,
    PRINT_PARAMETERS: dict[str, Any] | None = None,
    SELINFO: Iterable[dict[str, Any]] = (),
    **_more: Any,
) -> Answer:
    """BAPI_XBP_JOB_ADD_ABAP_STEP."""
    job, system = _job(session, JOBNAME, JOBCOUNT), session.system
    if job.status != "P":
        raise Refusal("052", f"Job {job.name} {job.count} is released already", job.name, job.count)
    program, variant = text(ABAP_PROGRAM_NAME).upper(), text(ABAP_VARIANT_NAME).upper()
    user = text(SAP_USER_NAME).upper() or session.user
    if user != session.user:
        _may(session, "S_BTCH_NAM", f"run a step as {user}")
        if system.users.get(session.client, user) is None:
            raise Refusal("053", f"User {user} does not exist", user)
    if system.jobs.report(program) is None:
        raise Refusal("054", f"Program {program} does not exist", program)
    if variant and not system.variants.has(session.client, program, variant):
        raise Refusal("055", f"Variant {variant} of program {program} does not exist", variant, program)
    rows = list(SELINFO)
    if rows:
        variant = system.variants.temporary(session.client, program, rows)
    printed = any(text((row or {}).get("PDEST")) for row in (ALLPRIPAR, PRINT_PARAMETERS))
    job.steps.append(Step(program, variant, user, session.client, text(LANGUAGE) or session.language, printed))
    return {"STEP_NUMBER": len(job.steps), "TEMP_VARIANT": variant if rows else ""}


@xbp
def add_external_step(
    session: Session, JOBNAME: str = "", JOBCOUNT: str = "", EXT_PROGRAM_NAME: str = "", **_more: Any
) -> Answer:
    """BAPI_XBP_JOB_ADD_EXT_STEP."""
    job = _job(session, JOBNAME, JOBCOUNT)
    _may(session, "S_RZL_ADM", "run external programs")
    if job.status != "P":
        raise Refusal("052", f"Job {job.name} {job.count} is released already", job.name, job.count)
    if not text(EXT_PROGRAM_NAME):
        raise Refusal("056", "Enter an external program")
    job.steps.append(Step("", "", session.user, session.client, command=text(EXT_PROGRAM_NAME)))
    return {"STEP_NUMBER": len(job.steps)}


@xbp
def close_job(session: Session, JOBNAME: str = "", JOBCOUNT: str = "", **_more: Any) -> Answer:
    """BAPI_XBP_JOB_CLOSE."""
    job = _job(session, JOBNAME, JOBCOUNT)
    if not job.steps:
        raise Refusal("057", f"Job {job.name} {job.count} has no steps", job.name, job.count)
    job.closed = True
    return {}


def _start(session: Session, name: Any, count: Any, target: Any, *, now: bool) -> Answer:
    job, system = _job(session, name, count), session.system
    _may(session, "S_BTCH_JOB", "release jobs")
    server = text(target)
    if not job.steps:
        raise Refusal("057", f"Job {job.name} {job.count} has no steps", job.name, job.count)
    if job.status != "P":
        raise Refusal("058", f"Job {job.name} {job.count} is not scheduled, its status is {job.status}", job.status)
    if server and server not in {system.server(instance) for instance in system.instances}:
        raise Refusal("059", f"Server {server} does not exist", server)
    if now and system.jobs.free(server) is None:
        raise Refusal("060", "No background work process is free; the job was not started")
    system.jobs.release(job, target=server)
    system.effect("job_released", job=job.name, jobcount=job.count, user=session.user)
    return {}


@xbp
def start_asap(
    session: Session,
    JOBNAME: str = "",
    JOBCOUNT: str = "",
    TARGET_SERVER: str = "",
    TARGET_GROUP: str = "",
    **_more: Any,
) -> Answer:
    """BAPI_XBP_JOB_START_ASAP; a blank target server is refused (facts 4.1, S1)."""
    if not text(TARGET_SERVER) and not text(TARGET_GROUP):
        raise Refusal("061", "Enter a target server or a server group")
    return _start(session, JOBNAME, JOBCOUNT, TARGET_SERVER, now=False)


@xbp
def start_immediately(
    session: Session, JOBNAME: str = "", JOBCOUNT: str = "", TARGET_SERVER: str = "", **_more: Any
) -> Answer:
    """BAPI_XBP_JOB_START_IMMEDIATELY: fails when no background work process is free."""
    return _start(session, JOBNAME, JOBCOUNT, TARGET_SERVER, now=True)


# -- looking at jobs --------------------------------------------------------------------------------------------------


@xbp
def status(session: Session, JOBNAME: str = "", JOBCOUNT: str = "", **_more: Any) -> Answer:
    """BAPI_XBP_JOB_STATUS_GET."""
    return {"STATUS": _job(session, JOBNAME, JOBCOUNT).status, "HAS_CHILD": ""}


@xbp
def check(session: Session, JOBNAME: str = "", JOBCOUNT: str = "", **_more: Any) -> Answer:
    """BAPI_XBP_JOB_STATUS_CHECK."""
    now = _job(session, JOBNAME, JOBCOUNT).status
    return {"ACTUAL_STATUS": now, "STATUS_ACCORDING_TO_DB": now}


@xbp
def statuses(session: Session, JOBLIST: Iterable[dict[str, Any]] = (), **_more: Any) -> Answer:
    """BAPI_XBP_JOBLIST_STATUS_GET."""
    rows = []
    for row in JOBLIST:
        job = session.system.jobs.get(text(row.get("JOBNAME")), text(row.get("JOBCOUNT")))
        rows.append({**row, "STATUS": job.status if job else ""})
    return {"JOBLIST": rows}


@xbp
def select(
    session: Session,
    JOB_SELECT_PARAM: dict[str, Any] | None = None,
    ABAPNAME: str = "",
    SUSP: str = "",
    **_more: Any,
) -> Answer:
    """BAPI_XBP_JOB_SELECT; a blank user name finds nothing (facts 4.1, S1)."""
    given = {key: text(value) for key, value in (JOB_SELECT_PARAM or {}).items()}
    wanted = {letter for name, letter in STATES if given.get(name)} | ({"Z"} if flag(SUSP) else set())
    user, name, program = given.get("USERNAME", ""), given.get("JOBNAME", "") or "*", text(ABAPNAME)
    found = []
    if user:
        for job in session.system.jobs.all():
            if (
                job.status in wanted
                and fnmatchcase(job.name, name)
                and fnmatchcase(job.user, user.upper())
                and given.get("JOBCOUNT", "") in ("", "*", job.count)
                and (not program or any(fnmatchcase(step.program, program.upper()) for step in job.steps))
            ):
                found.append(job)
    heads = [job_row(session.system, job) for job in found]
    return {
        "ERROR_CODE": 0,
        "SELECTED_JOBS": [{"JOBNAME": job.name, "JOBCOUNT": job.count} for job in found],
        "JOB_HEAD": [{column.name: row.get(column.name) for column in HEAD} for row in heads],
    }


@xbp
def count_jobs(session: Session, JOBNAME: str = "", **_more: Any) -> Answer:
    """BAPI_XBP_JOB_COUNT."""
    found = [job for job in session.system.jobs.all() if fnmatchcase(job.name, text(JOBNAME) or "*")]
    return {
        "NUMBER_OF_JOBS": len(found),
        "JOB_TABLE": [{"JOBNAME": job.name, "JOBCOUNT": job.count} for job in found],
    }


@xbp
def log(session: Session, JOBNAME: str = "", JOBCOUNT: str = "", PROT_NEW: str = "", **more: Any) -> Answer:
    """BAPI_XBP_JOB_JOBLOG_READ; DIRECTION E reads LINES from the end, B from the beginning."""
    job = _job(session, JOBNAME, JOBCOUNT)
    _may(session, "S_BTCH_JOB", "read job logs")
    if not job.log:
        raise Refusal("062", f"Job {job.name} {job.count} has no log yet", job.name, job.count)
    rows = []
    for line in job.log:
        day, time = session.system.stamp(line.at)
        row = {
            "ENTERDATE": day,
            "ENTERTIME": time,
            "MSGID": line.id,
            "MSGNO": line.number,
            "MSGTYPE": line.type,
            "TEXT": line.text[:128],
        }
        row.update({f"MSGV{number}": value for number, value in enumerate(line.variables[:4], 1)})
        rows.append(row)
    most = int(more.get("LINES") or 0)
    if most > 0:
        rows = rows[-most:] if text(more.get("DIRECTION")) == "E" else rows[:most]
    return {"JOB_PROTOCOL_NEW" if flag(PROT_NEW) else "JOB_PROTOCOL": rows}


@xbp
def spool_list(session: Session, JOBNAME: str = "", JOBCOUNT: str = "", STEP_NUMBER: int = 1, **_more: Any) -> Answer:
    """BAPI_XBP_JOB_SPOOLLIST_READ."""
    job, number = _job(session, JOBNAME, JOBCOUNT), int(STEP_NUMBER or 1)
    if not 1 <= number <= len(job.steps):
        raise Refusal("063", f"Job {job.name} {job.count} has no step {number}", job.name, job.count, str(number))
    ident = job.steps[number - 1].list_id
    if not ident:
        raise Refusal("064", f"Step {number} of job {job.name} has no spool list", job.name, str(number))
    return {"SPOOL_LIST": [{"LINE": line} for line in session.system.jobs.spool[ident][1]]}


@xbp
def spool_request(session: Session, SPOOL_REQUEST: Any = 0, **_more: Any) -> Answer:
    """BAPI_XBP_JOB_READ_SINGLE_SPOOL."""
    found = session.system.jobs.spool.get(int(text(SPOOL_REQUEST) or 0))
    if found is None:
        raise Refusal("065", f"Spool request {text(SPOOL_REQUEST)} does not exist", text(SPOOL_REQUEST))
    return {"SPOOL_LIST_PLAIN": [{"LINE": line} for line in found[1]]}


@xbp
def resources(session: Session, **_more: Any) -> Answer:
    """BAPI_XBP_GET_CURR_BP_RESOURCES; the numbers are right-aligned texts (facts 4.1, S1)."""
    rows = []
    for instance in session.system.alive():
        processes = session.system.jobs.processes(instance)
        rows.append(
            {
                "SERVER": session.system.server(instance),
                "HOST": instance.virtual_host,
                "BTCWPTOTAL": f"{len(processes):>10}",
                "BTCWPFREE": f"{processes.count(None):>10}",
                "BTCWPCLSSA": f"{0:>10}",
            }
        )
    return {"RESOURCE_INFO": rows}


@xbp
def screen(session: Session, PROGRAM: str = "", **more: Any) -> Answer:
    """BAPI_XBP_READ_SELSCREEN."""
    name = text(PROGRAM or more.get("ABAP_PROGRAM_NAME")).upper()
    report = session.system.jobs.report(name)
    if report is None:
        raise Refusal("054", f"Program {name} does not exist", name)
    return {
        "SELSCREEN_INFO": [
            {"SELNAME": field.name, "KIND": field.kind, "DTYP": field.type, "LENGTH": field.length}
            for field in report.selections
        ]
    }


# -- changing jobs ----------------------------------------------------------------------------------------------------


@xbp
def abort(session: Session, JOBNAME: str = "", JOBCOUNT: str = "", **_more: Any) -> Answer:
    """BAPI_XBP_JOB_ABORT."""
    job = _job(session, JOBNAME, JOBCOUNT)
    if job.user != session.user:
        _may(session, "S_BTCH_ADM", "cancel jobs of others")
    if not session.system.jobs.abort(job, session.user):
        raise Refusal("066", f"Job {job.name} {job.count} is not active, its status is {job.status}", job.status)
    return {}


@xbp
def delete(session: Session, JOBNAME: str = "", JOBCOUNT: str = "", **_more: Any) -> Answer:
    """BAPI_XBP_JOB_DELETE."""
    job = _job(session, JOBNAME, JOBCOUNT)
    if job.user != session.user:
        _may(session, "S_BTCH_ADM", "delete jobs of others")
    if not session.system.jobs.delete(job):
        raise Refusal("067", f"Job {job.name} {job.count} is active and cannot be deleted", job.name, job.count)
    return {}


# -- without an XMI log-on --------------------------------------------------------------------------------------------


def run_report(session: Session, PROGRAM: str = "", **_more: Any) -> Answer:
    """INST_EXECUTE_REPORT: the report runs at once in the dialog work process; here it takes no time."""
    name = text(PROGRAM).upper()
    if not session.allowed("S_PROGRAM"):
        raise AbapException("NO_AUTHORITY", f"No authorization to run program {name}")
    report = session.system.jobs.report(name)
    if report is None:
        raise AbapException("PROGRAM_NOT_FOUND", f"Program {name} does not exist")
    run = Run(session.system, session.user, session.client, "")
    report.perform(run)
    session.system.effect("report_executed", user=session.user, client=session.client, detail=name)
    if run.failed:
        raise AbapException("REPORT_FAILED", run.spool[-1] if run.spool else f"Program {name} failed")
    return {}


def submit(
    session: Session,
    IV_JOBNAME: str = "",
    IV_REPNAME: str = "",
    IV_VARNAME: str = "",
    IV_BATCHINSTANCE: str = "",
    **_more: Any,
) -> Answer:
    """SUBST_START_REPORT_IN_BATCH: a job that starts at once; EV_STARTRC and EV_VARIWRC are 0 when all is well."""
    system, program, variant = session.system, text(IV_REPNAME).upper(), text(IV_VARNAME).upper()
    if not session.allowed("S_BTCH_JOB"):
        raise AbapException("BATCH_SCHEDULING_FAILED", "No authorization to release jobs", ("XM", "E", "262"))
    if system.jobs.report(program) is None:
        raise AbapException("BATCH_SCHEDULING_FAILED", f"Program {program} does not exist", ("XM", "E", "262", program))
    if variant and not system.variants.has(session.client, program, variant):
        return {"EV_JOBCOUNT": "", "EV_STARTRC": 0, "EV_VARIWRC": 8}
    job = system.jobs.open(text(IV_JOBNAME) or program, session.client, session.user)
    job.steps.append(Step(program, variant, session.user, session.client, session.language))
    system.effect("job_opened", job=job.name, jobcount=job.count, user=session.user)
    system.jobs.release(job, target=text(IV_BATCHINSTANCE))
    return {"EV_JOBCOUNT": job.count, "EV_STARTRC": 0, "EV_VARIWRC": 0}


def check_batch_job(session: Session, JOBNAME: str = "", JOBCOUNT: str = "", **_more: Any) -> Answer:
    """SUBST_CHECK_BATCHJOB."""
    job = session.system.jobs.get(text(JOBNAME), text(JOBCOUNT))
    if job is None:
        raise AbapException("JOB_NOT_FOUND", f"Job {text(JOBNAME)} {text(JOBCOUNT)} does not exist")
    return {"JOBSTATUS": job.status}


KEY = "I JOBNAME C32, I JOBCOUNT C8, I EXTERNAL_USER_NAME C16"
RETURN = "E RETURN :BAPIRET2"
FUNCTIONS = (
    Function(
        "BAPI_XMI_LOGON",
        parameters(f"I EXTCOMPANY C16, I EXTPRODUCT C16, I INTERFACE C3, I VERSION C10, E SESSIONID C24, {RETURN}"),
        logon,
        "facts 4.1 XBPLIVE, VSP, LARS",
        "V2",
    ),
    Function("BAPI_XMI_LOGOFF", parameters(f"I INTERFACE C3, {RETURN}"), logoff, "facts 4.1 XBPLIVE", "V2"),
    Function(
        "BAPI_XBP_JOB_OPEN",
        parameters(f"I JOBNAME C32, I EXTERNAL_USER_NAME C16, I? JOBCLASS C1, E JOBCOUNT C8, {RETURN}"),
        open_job,
        "facts 4.1 XBPLIVE, LARS",
        "V2",
    ),
    Function(
        "BAPI_XBP_JOB_ADD_ABAP_STEP",
        parameters(
            f"{KEY}, I ABAP_PROGRAM_NAME C40, I? ABAP_VARIANT_NAME C14, I? SAP_USER_NAME C12, I? LANGUAGE C2,"
            f"I? PRINT_PARAMETERS :BAPIPRIPAR, I? ALLPRIPAR :BAPIPRIPAR, T? SELINFO :RSPARAMS, E STEP_NUMBER I,"
            f"E TEMP_VARIANT C14, {RETURN}"
        ),
        add_abap_step,
        "facts 4.1 XBPLIVE, LARS; SELINFO and print parameters in one source",
        "S1",
    ),
    Function(
        "BAPI_XBP_JOB_ADD_EXT_STEP",
        parameters(
            f"{KEY}, I EXT_PROGRAM_NAME C128, I? EXT_PROGRAM_PARAMETERS C255, I? TARGET_HOST C32,"
            f"I? WAIT_FOR_TERMINATION C1, I? SAP_USER_NAME C12, E STEP_NUMBER I, {RETURN}"
        ),
        add_external_step,
        "facts 4.1 stechno.net",
        "S1",
    ),
    Function("BAPI_XBP_JOB_CLOSE", parameters(f"{KEY}, {RETURN}"), close_job, "facts 4.1 LARS", "V2"),
    Function(
        "BAPI_XBP_JOB_START_ASAP",
        parameters(f"{KEY}, I? TARGET_SERVER C32, I? TARGET_GROUP C20, {RETURN}"),
        start_asap,
        "facts 4.1 XBPLIVE",
        "V2",
    ),
    Function(
        "BAPI_XBP_JOB_START_IMMEDIATELY",
        parameters(f"{KEY}, I? TARGET_SERVER C32, I? TARGET_GROUP C20, {RETURN}"),
        start_immediately,
        "facts 4.1 LARS and others",
        "V2",
    ),
    Function(
        "BAPI_XBP_JOB_STATUS_GET",
        parameters(f"{KEY}, E STATUS C1, E HAS_CHILD C1, {RETURN}"),
        status,
        "facts 4.1 XBPLIVE",
        "V2",
    ),
    Function(
        "BAPI_XBP_JOB_STATUS_CHECK",
        parameters(f"{KEY}, E ACTUAL_STATUS C1, E STATUS_ACCORDING_TO_DB C1, {RETURN}"),
        check,
        "facts 4.1 XBPLIVE",
        "S1",
    ),
    Function(
        "BAPI_XBP_JOBLIST_STATUS_GET",
        parameters(f"I EXTERNAL_USER_NAME C16, I? READ_ONLY_STATUS C1, T JOBLIST :BAPIXMJOBST, {RETURN}"),
        statuses,
        "facts 4.1 XBPLIVE",
        "S1",
    ),
    Function(
        "BAPI_XBP_JOB_SELECT",
        parameters(
            f"I EXTERNAL_USER_NAME C16, I JOB_SELECT_PARAM :BAPIXMJSEL, I? ABAPNAME C40, I? SUSP C1, E ERROR_CODE I,"
            f"T? SELECTED_JOBS :BAPIXMJOB, T? JOB_HEAD :BAPIXMHEAD, {RETURN}"
        ),
        select,
        "facts 4.1 XBPLIVE",
        "S1",
    ),
    Function(
        "BAPI_XBP_JOB_COUNT",
        parameters(f"I EXTERNAL_USER_NAME C16, I JOBNAME C32, E NUMBER_OF_JOBS I, T? JOB_TABLE :BAPIXMJOB, {RETURN}"),
        count_jobs,
        "facts 4.1 XBPLIVE",
        "S1",
    ),
    Function(
        "BAPI_XBP_JOB_JOBLOG_READ",
        parameters(
            f"{KEY}, I? PROT_NEW C1, I? LINES I, I? DIRECTION C1, T? JOB_PROTOCOL :BAPIXMJOBLOG,"
            f"T? JOB_PROTOCOL_NEW :BAPIXMJOBLOG, {RETURN}"
        ),
        log,
        "facts 4.1 XBPLIVE",
        "S1",
    ),
    Function(
        "BAPI_XBP_JOB_SPOOLLIST_READ",
        parameters(f"{KEY}, I STEP_NUMBER I, T SPOOL_LIST :BAPIXMSPOW, {RETURN}"),
        spool_list,
        "facts 4.1 XBPLIVE",
        "S1",
    ),
    Function(
        "BAPI_XBP_JOB_READ_SINGLE_SPOOL",
        parameters(
            f"I SPOOL_REQUEST N10, I EXTERNAL_USER_NAME C16, I? FIRST_PAGE I, I? LAST_PAGE I,"
            f"T SPOOL_LIST_PLAIN :BAPIXMSPOW, {RETURN}"
        ),
        spool_request,
        "facts 4.8 LARS",
        "S1",
    ),
    Function(
        "BAPI_XBP_GET_CURR_BP_RESOURCES",
        parameters(f"I EXTERNAL_USER_NAME C16, T RESOURCE_INFO :BAPIXMBPRE, {RETURN}"),
        resources,
        "facts 4.1 XBPLIVE",
        "S1",
    ),
    Function(
        "BAPI_XBP_READ_SELSCREEN",
        parameters(f"I PROGRAM C40, I EXTERNAL_USER_NAME C16, T SELSCREEN_INFO :BAPIXMSELS, {RETURN}"),
        screen,
        "facts 4.1 XBPLIVE",
        "S1",
    ),
    Function("BAPI_XBP_JOB_ABORT", parameters(f"{KEY}, {RETURN}"), abort, "facts 4.1 XBPLIVE", "S1"),
    Function("BAPI_XBP_JOB_DELETE", parameters(f"{KEY}, {RETURN}"), delete, "facts 4.1 XBPLIVE", "S1"),
    Function(
        "INST_EXECUTE_REPORT",
        parameters("I PROGRAM C40"),
        run_report,
        "facts 4.1 MRA; exceptions invented",
        "S1",
        True,
    ),
    Function(
        "SUBST_START_REPORT_IN_BATCH",
        parameters(
            "I IV_JOBNAME C32, I IV_REPNAME C40, I? IV_VARNAME C14, I? IV_BATCHHOST C32, I? IV_BATCHINSTANCE C32,"
            "E EV_JOBCOUNT C8, E EV_STARTRC I, E EV_VARIWRC I"
        ),
        submit,
        "facts 4.1 MRA",
        "S1",
        True,
    ),
    Function(
        "SUBST_CHECK_BATCHJOB",
        parameters("I JOBNAME C32, I JOBCOUNT C8, E JOBSTATUS C1"),
        check_batch_job,
        "facts 4.8 MRA, LARS",
        "V2",
        True,
    ),
)
