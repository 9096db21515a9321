# SPDX-License-Identifier: GPL-3.0-or-later
"""Function modules of the task manager.

Interfaces from facts 4.4; the names of row types, lengths, what stands in descriptions are invented where facts has
only a parameter's name. A session is begun, started, looked at, resumed by its id, so that no conversation is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from tests.simulator.abap.catalogue import Function, Structure, TableType
from tests.simulator.abap.task_lists import SESSION_STATES, TASK_STATES, Task, TaskSession
from tests.simulator.abap.words import fields, flag, parameters, returned, text

if TYPE_CHECKING:
    from tests.simulator.abap.engine import Session

Answer = dict[str, Any]
NAMESPACE = "http://www.sap.com/abapxml"
STRUCTURES = (
    Structure(
        "STCTM_TX_VALUE",
        fields("TASKNAME C30, LNR N3, FIELDNAME C30, VALUE C255"),
        "facts 4.4 LIBS, SAPCLI, ADO; lengths from memory",
        "V2",
    ),
    TableType("STCTM_TT_VALUE", "STCTM_TX_VALUE"),
    Structure("STCTM_S_FIELD", fields("FIELDNAME C30, VALUE C255"), "facts 4.4; the name is invented", "M"),
    TableType("STCTM_TT_FIELD", "STCTM_S_FIELD"),
    Structure(
        "STCTM_S_SETTINGS",
        fields("CHECKRUN C1, BATCH C1, ASYNC C1, TRACE C1, BATCH_TARGET C32"),
        "facts 4.4 SAPCLI, ADO, LIBS; the name and lengths are invented",
        "M",
    ),
    Structure(
        "STCTM_S_TASK",
        fields("TASKNAME C30, LNR N3, STATUS C2, STATUS_DESCR C60, TASKDESCR C80"),
        "facts 4.4 for the first four; the name, TASKDESCR, lengths are invented",
        "M",
    ),
    TableType("STCTM_TT_TASK", "STCTM_S_TASK"),
    TableType("BAPIRET2_T", "BAPIRET2"),
    Structure(
        "STC_S_SCENARIO", fields("SCENARIO_ID C40, DESCR C80"), "facts 4.4 for the name; fields from memory", "M"
    ),
    Structure(
        "STCTM_S_SESSION",
        fields("SESSION_ID C25, SCENARIO_ID C40, STATUS C2, STATUS_DESCR C60, USERNAME C12"),
        "facts 4.4 for ET_SESSION; the row is invented",
        "M",
    ),
    TableType("STCTM_TT_SESSION", "STCTM_S_SESSION"),
    Structure(
        "STC_S_RANGE",
        fields("SIGN C1, OPTION C2, LOW C80, HIGH C80"),
        "facts 4.4 for the parameters; the row is invented",
        "M",
    ),
)


def _error(why: str, *variables: str) -> dict[str, Any]:
    return returned("E", "STC_TM", "001", why, *variables)


def _session(session: Session, ident: Any) -> TaskSession | Answer:
    """The session of the task manager, or the answer that there is none."""
    if not session.allowed("STC_TASK"):
        return {"ET_RETURN": [_error("No authorization for the task manager")]}
    found = session.system.task_lists.sessions.get(text(ident))
    return found if found is not None else {"ET_RETURN": [_error(f"Session {text(ident)} does not exist", text(ident))]}


def _row(task: Task | None) -> dict[str, Any]:
    if task is None:
        return {}
    return {
        "TASKNAME": task.name,
        "LNR": 1,
        "STATUS": task.status,
        "STATUS_DESCR": TASK_STATES[task.status],
        "TASKDESCR": task.manual if task.status == "06" else task.description,
    }


def _state(found: TaskSession) -> Answer:
    return {
        "E_STATUS": found.status,
        "E_STATUS_DESCR": SESSION_STATES[found.status],
        "ES_CURRENT_TASK": _row(found.current),
    }


def _values(found: TaskSession) -> list[dict[str, Any]]:
    return [
        {"TASKNAME": task, "LNR": number, "FIELDNAME": name, "VALUE": value}
        for (task, number, name), value in found.parameters.items()
    ]


def scenario_parameters(session: Session, I_SCENARIO_ID: str = "", **_more: Any) -> Answer:
    """STC_TM_SCENARIO_GET_PARAMETERS."""
    given = session.system.task_lists.scenarios.get(text(I_SCENARIO_ID))
    if given is None:
        return {"ET_RETURN": [_error(f"Task list {text(I_SCENARIO_ID)} does not exist", text(I_SCENARIO_ID))]}
    rows = []
    for place, value in given["parameters"].items():
        task, _slash, name = place.partition("/")
        rows.append({"TASKNAME": task, "LNR": 1, "FIELDNAME": name, "VALUE": value})
    return {"ET_PARAMETER": rows, "ET_RETURN": []}


def scenario_tasks(session: Session, I_SCENARIO_ID: str = "", **_more: Any) -> Answer:
    """STC_TM_SCENARIO_GET_TASKLIST."""
    given = session.system.task_lists.scenarios.get(text(I_SCENARIO_ID))
    if given is None:
        return {"ET_RETURN": [_error(f"Task list {text(I_SCENARIO_ID)} does not exist", text(I_SCENARIO_ID))]}
    rows = [{"TASKNAME": row["name"], "LNR": 1, "TASKDESCR": row.get("description", "")} for row in given["tasks"]]
    return {"ET_TASKLIST": rows, "ET_RETURN": []}


def scenarios(
    session: Session,
    IT_SCENARIO_ID: Iterable[dict[str, Any]] = (),
    IT_SCENARIO_DESCR: Iterable[dict[str, Any]] = (),
    **_more: Any,
) -> Answer:
    """STC_TM_GET_SCENARIO_LIST; of the ranges EQ and CP are understood."""

    def within(value: str, rows: list[dict[str, Any]]) -> bool:
        return not rows or any(fnmatchcase(value, text(row.get("LOW"))) for row in rows)

    names, words = list(IT_SCENARIO_ID), list(IT_SCENARIO_DESCR)
    rows = [
        {"SCENARIO_ID": name, "DESCR": given["description"]}
        for name, given in sorted(session.system.task_lists.scenarios.items())
        if within(name, names) and within(given["description"], words)
    ]
    first = rows[0] if len(rows) == 1 else {}
    return {
        "E_SCENARIO_ID": first.get("SCENARIO_ID", ""),
        "E_SCENARIO_DESCR": first.get("DESCR", ""),
        "ET_SCENARIO": rows,
        "ET_RETURN": [],
    }


def begin(
    session: Session,
    I_SCENARIO_ID: str = "",
    I_INIT_ONLY: str = "",
    IT_PARAMETER: Iterable[dict[str, Any]] = (),
    IS_EXEC_SETTINGS: dict[str, Any] | None = None,
    **_more: Any,
) -> Answer:
    """STC_TM_SESSION_BEGIN."""
    manager, name = session.system.task_lists, text(I_SCENARIO_ID)
    if not session.allowed("STC_TASK"):
        return {"ET_RETURN": [_error("No authorization for the task manager")]}
    if name not in manager.scenarios:
        return {"ET_RETURN": [_error(f"Task list {name} does not exist", name)]}
    found = manager.begin(name, session.client, session.user)
    unknown = manager.set(found, IT_PARAMETER)
    if unknown:
        del manager.sessions[found.id]
        return {"ET_RETURN": [_error(f"Task {unknown[0]} does not exist in task list {name}", unknown[0], name)]}
    if not flag(I_INIT_ONLY):
        _run(session, found, IS_EXEC_SETTINGS)
    return {
        "E_SESSION_ID": found.id,
        "E_EXEC_ID": found.exec_id,
        "E_STATUS": found.status,
        "E_STATUS_DESCR": SESSION_STATES[found.status],
        "ET_RETURN": [],
    }


def _run(session: Session, found: TaskSession, settings: dict[str, Any] | None) -> None:
    given = settings or {}
    session.system.task_lists.run(found, background=flag(given.get("BATCH")) or flag(given.get("ASYNC")))


def resume(
    session: Session, I_SESSION_ID: str = "", IS_EXEC_SETTINGS: dict[str, Any] | None = None, **_more: Any
) -> Answer:
    """STC_TM_SESSION_RESUME."""
    found = _session(session, I_SESSION_ID)
    if isinstance(found, dict):
        return found
    if found.pending or found.status in ("03", "08"):
        return {**_state(found), "ET_RETURN": [_error(f"Session {found.id} is running", found.id)]}
    if found.status in ("10", "11"):
        return {**_state(found), "ET_RETURN": [_error(f"Session {found.id} is finished", found.id)]}
    _run(session, found, IS_EXEC_SETTINGS)
    return {**_state(found), "ET_RETURN": []}


def status(session: Session, I_SESSION_ID: str = "", **_more: Any) -> Answer:
    """STC_TM_SESSION_GET_STATUS."""
    found = _session(session, I_SESSION_ID)
    if isinstance(found, dict):
        return found
    return {
        **_state(found),
        "E_PROGRESS": found.progress,
        "ET_TASKLIST": [_row(task) for task in found.tasks],
        "E_ACTION_RESUME": "X" if found.status in ("01", "05", "06", "12", "13") else "",
        "E_ACTION_INTERRUPT": "X" if found.status == "03" else "",
        "ET_RETURN": [],
    }


def set_parameters(
    session: Session, I_SESSION_ID: str = "", IT_PARAMETER: Iterable[dict[str, Any]] = (), **_more: Any
) -> Answer:
    """STC_TM_SESSION_SET_PARAMETERS."""
    found = _session(session, I_SESSION_ID)
    if isinstance(found, dict):
        return found
    unknown = session.system.task_lists.set(found, IT_PARAMETER)
    return {"ET_RETURN": [_error(f"Task {name} does not exist", name) for name in unknown]}


def get_parameters(session: Session, I_SESSION_ID: str = "", **_more: Any) -> Answer:
    """STC_TM_SESSION_GET_PARAMETERS."""
    found = _session(session, I_SESSION_ID)
    return found if isinstance(found, dict) else {"ET_PARAMETER": _values(found), "ET_RETURN": []}


def set_parameter(
    session: Session,
    I_SESSION_ID: str = "",
    I_TASKNAME: str = "",
    I_LNR: Any = 0,
    IT_PARAMETER: Iterable[dict[str, Any]] = (),
    **_more: Any,
) -> Answer:
    """STC_TM_TASK_SET_PARAMETER."""
    place = {"TASKNAME": text(I_TASKNAME), "LNR": I_LNR}
    return set_parameters(session, I_SESSION_ID, [{**row, **place} for row in IT_PARAMETER])


def _skip(session: Session, ident: Any, name: Any, *, skip: bool) -> Answer:
    found = _session(session, ident)
    if isinstance(found, dict):
        return found
    task, done = found.task(text(name)), "E_SKIPPED" if skip else "E_UNSKIPPED"
    if task is None:
        return {done: "", "ET_RETURN": [_error(f"Task {text(name)} does not exist", text(name))]}
    if not session.system.task_lists.skip(found, task, skip=skip):
        why = f"Task {task.name} cannot be changed, its status is {task.status}"
        return {done: "", "ET_RETURN": [_error(why, task.name, task.status)]}
    return {done: "X", "ET_RETURN": []}


def skip(session: Session, I_SESSION_ID: str = "", I_TASKNAME: str = "", **_more: Any) -> Answer:
    """STC_TM_TASK_SKIP."""
    return _skip(session, I_SESSION_ID, I_TASKNAME, skip=True)


def unskip(session: Session, I_SESSION_ID: str = "", I_TASKNAME: str = "", **_more: Any) -> Answer:
    """STC_TM_TASK_UNSKIP."""
    return _skip(session, I_SESSION_ID, I_TASKNAME, skip=False)


def confirm(session: Session, I_SESSION_ID: str = "", I_TASKNAME: str = "", **_more: Any) -> Answer:
    """STC_TM_TASK_CONFIRM."""
    found = _session(session, I_SESSION_ID)
    if isinstance(found, dict):
        return found
    task = found.task(text(I_TASKNAME))
    if task is None or not session.system.task_lists.confirm(found, task, session.user):
        return {"ET_RETURN": [_error(f"Task {text(I_TASKNAME)} does not wait for a confirmation", text(I_TASKNAME))]}
    return {"ET_RETURN": []}


def sessions(session: Session, **_more: Any) -> Answer:
    """STC_TM_GET_SESSION_LIST."""
    return {
        "ET_SESSION": [
            {
                "SESSION_ID": one.id,
                "SCENARIO_ID": one.scenario,
                "STATUS": one.status,
                "STATUS_DESCR": SESSION_STATES[one.status],
                "USERNAME": one.user,
            }
            for one in session.system.task_lists.sessions.values()
        ],
        "ET_RETURN": [],
    }


def log(session: Session, I_SESSION_ID: str = "", **_more: Any) -> Answer:
    """STC_TM_SESSION_GET_LOG: always as XML."""
    found = _session(session, I_SESSION_ID)
    if isinstance(found, dict):
        return found
    return {"E_LOG": document(session, found), "E_CONTENT_TYPE": "application/xml", "ET_RETURN": []}


def document(session: Session, found: TaskSession) -> str:
    """The log of a session, in the form of facts 4.4."""
    system = session.system
    ElementTree.register_namespace("asx", NAMESPACE)
    root = ElementTree.Element(f"{{{NAMESPACE}}}abap", {"version": "1.0"})
    values = ElementTree.SubElement(root, f"{{{NAMESPACE}}}values")
    ElementTree.SubElement(values, "VERSION").text = "1.0"
    whole = ElementTree.SubElement(values, "SESSION")

    def put(parent: ElementTree.Element, **texts: Any) -> ElementTree.Element:
        for name, value in texts.items():
            ElementTree.SubElement(parent, name).text = str(value)
        return parent

    info = ElementTree.SubElement(ElementTree.SubElement(whole, "EXEC_INFO"), "item")
    job = found.job
    put(
        info,
        EXEC_ID=found.exec_id,
        BATCH="X" if job else "",
        USER=found.user,
        JOBNAME=job.name if job else "",
        JOBCOUNT=job.count if job else "",
        SID=system.sid,
        CLNT=found.client,
        STATUS=found.status,
        STATUS_DESCR=SESSION_STATES[found.status],
    )
    tasks = ElementTree.SubElement(info, "TASKS")
    listed = ElementTree.SubElement(values, "TASKLIST")
    for task in found.tasks:
        put(ElementTree.SubElement(tasks, "item"), TASKNAME=task.name, LNR=1)
        item = ElementTree.SubElement(listed, "item")
        put(ElementTree.SubElement(item, "TASK"), TYPE="TASK", TASKNAME=task.name, LNR=1)
        lines = ElementTree.SubElement(item, "LOG")
        for kind, words, at in task.log:
            day, time = system.stamp(at)
            put(
                ElementTree.SubElement(lines, "STCTM_S_LOG"),
                TYPE=kind,
                MESSAGE=words,
                ID="STC_TM",
                NUMBER="001",
                ACTIVITY="EXECUTE",
                TIMESTMP=f"{day}{time}",
            )
    return ElementTree.tostring(root, encoding="unicode")


ID, BACK = "I I_SESSION_ID C25", "E ET_RETURN :BAPIRET2_T"
STATE = "E E_STATUS C2, E E_STATUS_DESCR C60, E ES_CURRENT_TASK :STCTM_S_TASK"
FUNCTIONS = (
    Function(
        "STC_TM_SCENARIO_GET_PARAMETERS",
        parameters(f"I I_SCENARIO_ID C40, I? I_TEMPLATE_ID C40, E ET_PARAMETER :STCTM_TT_VALUE, {BACK}"),
        scenario_parameters,
        "facts 4.4 LIBS, SAPCLI, ADO",
        "V2",
        True,
    ),
    Function(
        "STC_TM_SCENARIO_GET_TASKLIST",
        parameters(f"I I_SCENARIO_ID C40, E ET_TASKLIST :STCTM_TT_TASK, {BACK}"),
        scenario_tasks,
        "facts 4.4 ADO for the name; parameters invented",
        "M",
        True,
    ),
    Function(
        "STC_TM_GET_SCENARIO_LIST",
        parameters(
            "T? IT_SCENARIO_ID :STC_S_RANGE, T? IT_SCENARIO_DESCR :STC_S_RANGE, T? IT_BASIC_SCEN_ID :STC_S_RANGE,"
            "E E_SCENARIO_ID C40, E E_SCENARIO_DESCR C80, T? ET_SCENARIO :STC_S_SCENARIO, T? ET_RETURN :BAPIRET2"
        ),
        scenarios,
        "facts 4.4, an ABAP class, ADO",
        "V2",
        True,
    ),
    Function(
        "STC_TM_SESSION_BEGIN",
        parameters(
            "I I_SCENARIO_ID C40, I? I_INIT_ONLY C1, I? I_IGNORE_SCENARIO_DIFF C1, I? I_IGNORE_LANGU_DIFF C1,"
            "I? I_IGNORE_SCENARIO_OBSOLETE C1, I? IT_PARAMETER :STCTM_TT_VALUE, I? IS_EXEC_SETTINGS :STCTM_S_SETTINGS,"
            f"E E_SESSION_ID C25, E E_EXEC_ID C21, E E_STATUS C2, E E_STATUS_DESCR C60, {BACK}"
        ),
        begin,
        "facts 4.4 SAPCLI, ADO, LIBS",
        "V2",
        True,
    ),
    Function(
        "STC_TM_SESSION_RESUME",
        parameters(f"{ID}, I? IS_EXEC_SETTINGS :STCTM_S_SETTINGS, {STATE}, {BACK}"),
        resume,
        "facts 4.4",
        "V2",
        True,
    ),
    Function(
        "STC_TM_SESSION_GET_STATUS",
        parameters(
            f"{ID}, {STATE}, E E_PROGRESS I, E ET_TASKLIST :STCTM_TT_TASK, E E_ACTION_RESUME C1,"
            f"E E_ACTION_INTERRUPT C1, {BACK}"
        ),
        status,
        "facts 4.4 SAPCLI, ADO",
        "V2",
        True,
    ),
    Function(
        "STC_TM_SESSION_SET_PARAMETERS",
        parameters(f"{ID}, I IT_PARAMETER :STCTM_TT_VALUE, {BACK}"),
        set_parameters,
        "facts 4.4",
        "V2",
        True,
    ),
    Function(
        "STC_TM_SESSION_GET_PARAMETERS",
        parameters(f"{ID}, E ET_PARAMETER :STCTM_TT_VALUE, {BACK}"),
        get_parameters,
        "facts 4.4",
        "V2",
        True,
    ),
    Function(
        "STC_TM_TASK_SET_PARAMETER",
        parameters(f"{ID}, I I_TASKNAME C30, I? I_LNR N3, I IT_PARAMETER :STCTM_TT_FIELD, {BACK}"),
        set_parameter,
        "facts 4.4",
        "V2",
        True,
    ),
    Function(
        "STC_TM_TASK_SKIP",
        parameters(f"{ID}, I I_TASKNAME C30, I? I_LNR N3, I? I_SKIP_DEP_TASKS C1, E E_SKIPPED C1, {BACK}"),
        skip,
        "facts 4.4",
        "V2",
        True,
    ),
    Function(
        "STC_TM_TASK_UNSKIP",
        parameters(f"{ID}, I I_TASKNAME C30, I? I_LNR N3, I? I_UNSKIP_DEP_TASKS C1, E E_UNSKIPPED C1, {BACK}"),
        unskip,
        "facts 4.4",
        "V2",
        True,
    ),
    Function("STC_TM_TASK_CONFIRM", parameters(f"{ID}, I I_TASKNAME C30, {BACK}"), confirm, "facts 4.4", "V2", True),
    Function(
        "STC_TM_SESSION_GET_LOG",
        parameters(f"{ID}, I? I_FORMAT C10, E E_LOG g, E E_CONTENT_TYPE C40, {BACK}"),
        log,
        "facts 4.4 SAPCLI, LIBS",
        "V2",
        True,
    ),
    Function(
        "STC_TM_GET_SESSION_LIST",
        parameters(f"E ET_SESSION :STCTM_TT_SESSION, {BACK}"),
        sessions,
        "facts 4.4 ADO; the row is invented",
        "M",
        True,
    ),
)
