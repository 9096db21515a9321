# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lists of the ABAP task manager (STC_TM_*), which know a session by its id, so that no conversation is needed.

The numbers of states are those that public clients use; every other one is a failure. A manual task is never confirmed
by itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import CallFailed, Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record
from ansible_collections.basis.landscape.plugins.module_utils._rfc.soap import Node, parse
from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock, Limits, NeverCame, wait_until

PROCESSOR = "STC_TM_PROCESSOR"  # the report of a task list that runs in the background

SESSION_STATES: Dict[str, str] = {
    "01": "waiting",
    "03": "running",
    "05": "stopped",
    "06": "manual",
    "07": "not_needed",
    "08": "scheduled",
    "10": "finished",
    "11": "finished_with_warnings",
    "12": "failed",
    "13": "aborted",
}
TASK_STATES: Dict[str, str] = {
    "01": "waiting",
    "02": "skipped",
    "03": "running",
    "05": "prevented",
    "06": "manual",
    "07": "not_supported",
    "10": "done",
    "11": "done_with_warnings",
    "12": "failed",
    "13": "aborted",
}
GOING = ("running", "scheduled")
GOOD = ("finished", "finished_with_warnings", "not_needed")
ON_ITS_WAY = (*GOING, "waiting", "manual")
STARTING = 30.0  # seconds for a session to leave the state in which it was
MESSAGES = 10


class Task(NamedTuple):
    """One task of a session."""

    name: str
    number: str
    state: str
    text: str

    def told(self) -> Dict[str, str]:
        """The task as plain data."""
        return {"name": self.name, "number": self.number, "state": self.state, "text": self.text}


class Session(NamedTuple):
    """A task list that was begun."""

    id: str
    state: str
    progress: int
    tasks: List[Task]

    def named(self, name: str) -> List[Task]:
        """The tasks of a name."""
        return [task for task in self.tasks if task.name == name]

    def of(self, *states: str) -> List[Task]:
        """The tasks in any of these states."""
        return [task for task in self.tasks if task.state in states]


class TaskLists:
    """The task manager of one system.

    :param settings: how a session is run, the fields of IS_EXEC_SETTINGS.
    """

    def __init__(self, client: Client, settings: Optional[Mapping[str, str]] = None) -> None:
        self._client = client
        self._settings = dict(settings or {})

    def begin(self, scenario: str) -> str:
        """Create a session without starting it; its id.

        :raises Unknown: it may be there, not started.
        """
        doing = f"create a session of the task list {scenario}"
        answer = self._client.tell(doing, "STC_TM_SESSION_BEGIN", {"I_SCENARIO_ID": scenario, "I_INIT_ONLY": "X"})
        found = str(answer.get("E_SESSION_ID") or "").strip()
        if not found:
            raise Failed(doing, "STC_TM_SESSION_BEGIN tells no session", reason="malformed")
        return found

    def set(self, session: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Set parameters (TASKNAME, FIELDNAME, VALUE, perhaps LNR)."""
        given = {"I_SESSION_ID": session, "IT_PARAMETER": [dict(row) for row in rows]}
        self._client.tell(f"set parameters of the session {session}", "STC_TM_SESSION_SET_PARAMETERS", given)

    def differing(self, session: str, rows: Sequence[Mapping[str, str]]) -> List[str]:
        """Which of these parameters the session does not have, as TASKNAME-FIELDNAME."""
        doing = f"read the parameters of the session {session}"
        answer = self._client.ask(doing, "STC_TM_SESSION_GET_PARAMETERS", {"I_SESSION_ID": session})
        there = [
            {str(key): str(value or "").strip() for key, value in row.items()}
            for row in answer.get("ET_PARAMETER") or ()
        ]
        return [
            f"{row['TASKNAME']}-{row['FIELDNAME']}" for row in rows if not any(_same(row, other) for other in there)
        ]

    def skip(self, session: str, task: str) -> None:
        """Leave out a task; those that depend on it are left as they are."""
        given = {"I_SESSION_ID": session, "I_TASKNAME": task}
        self._client.tell(f"skip the task {task} of the session {session}", "STC_TM_TASK_SKIP", given)

    def confirm(self, session: str, task: str) -> None:
        """Say that a person did a manual task."""
        given = {"I_SESSION_ID": session, "I_TASKNAME": task}
        self._client.tell(f"confirm the task {task} of the session {session}", "STC_TM_TASK_CONFIRM", given)

    @property
    def at_once(self) -> bool:
        """Whether a session runs inside the call that starts it, so that the answer comes when it has stopped."""
        return not any(str(self._settings.get(name) or "").strip() for name in ("BATCH", "ASYNC"))

    def resume(self, session: str) -> str:
        """Start a session, or go on with it; its state by the answer, empty when that is none that is known."""
        given: Dict[str, Any] = {"I_SESSION_ID": session}
        if self._settings:
            given["IS_EXEC_SETTINGS"] = self._settings
        answer = self._client.tell(f"run the session {session}", "STC_TM_SESSION_RESUME", given)
        return SESSION_STATES.get(str(answer.get("E_STATUS") or "").strip(), "")

    def session(self, ident: str) -> Session:
        """The session as it is now.

        :raises Failed: a state is not known (reason ``status_unknown``).
        """
        doing = f"read the session {ident}"
        answer = self._client.ask(doing, "STC_TM_SESSION_GET_STATUS", {"I_SESSION_ID": ident})
        state = _word(doing, SESSION_STATES, answer.get("E_STATUS"), "the session")
        tasks = [
            Task(
                str(row.get("TASKNAME") or "").strip(),
                str(row.get("LNR") or "").strip(),
                _word(doing, TASK_STATES, row.get("STATUS"), "the task {}".format(row.get("TASKNAME"))),
                str(row.get("TASKDESCR") or row.get("STATUS_DESCR") or "").strip(),
            )
            for row in answer.get("ET_TASKLIST") or ()
        ]
        progress = str(answer.get("E_PROGRESS") or 0).strip()
        return Session(ident, state, int(progress) if progress.isdigit() else 0, tasks)

    def messages(self, ident: str) -> List[Dict[str, str]]:
        """The messages in the session's log: task, type, text."""
        answer = self._client.ask(
            f"read the log of the session {ident}",
            "STC_TM_SESSION_GET_LOG",
            {"I_SESSION_ID": ident, "I_FORMAT": "XML"},
        )
        text = answer.get("E_LOG") or ""
        return log_messages(text if isinstance(text, bytes) else str(text).encode())


def log_messages(content: bytes) -> List[Dict[str, str]]:
    """The messages of a log in XML; none when it is not one."""
    root = parse(content) if content else None
    listed = root.find("TASKLIST") if root is not None else None
    found = []
    for item in listed.children if listed is not None else ():
        task, log = item.find("TASKNAME"), item.find("LOG")
        for line in log.children if log is not None else ():
            found.append({"task": _text(task), "type": _text(line.find("TYPE")), "text": _text(line.find("MESSAGE"))})
    return found


def _same(wanted: Mapping[str, str], there: Mapping[str, str]) -> bool:
    """Whether a row is the wanted parameter with the wanted value."""
    if any(wanted[key].strip() != there.get(key, "") for key in ("TASKNAME", "FIELDNAME", "VALUE")):
        return False
    return not wanted.get("LNR") or wanted["LNR"].strip().lstrip("0") == there.get("LNR", "").lstrip("0")


def _text(node: Optional[Node]) -> str:
    return "" if node is None else " ".join(node.text.split())


def _word(doing: str, known: Mapping[str, str], number: Any, what: str) -> str:
    text = str(number or "").strip()
    if text not in known:
        why = f"the state of {what} is {text!r}; known are {', '.join(sorted(known))}"
        raise Failed(doing, why, reason="status_unknown")
    return known[text]


def wait_while_going(
    doing: str, lists: TaskLists, ident: str, limits: Limits, clock: Optional[Clock] = None
) -> Session:
    """Look until a session no longer runs.

    :raises NeverCame: the timeout passed.
    """
    return wait_until(
        doing,
        lambda: lists.session(ident),
        lambda session: session.state not in GOING,
        limits,
        clock=clock,
        bear=(TimedOut, Unreachable),
        describe=lambda session: f"the session is {session.state}, {session.progress} %",
    ).value


class Run:
    """A session that is told to run, then seen to have left the state in which it was.

    The background job changes the state a moment after the call was answered, and may bring it back to the same one, at
    the next manual task say.
    """

    def __init__(self) -> None:
        self._was: Optional[Session] = None
        self._answered = False
        self._state = ""

    def start(self, lists: TaskLists, ident: str) -> None:
        """Tell it to run, once."""
        self._answered, self._state = False, ""
        self._was = lists.session(ident)
        self._state = lists.resume(ident) or ""
        self._answered = True

    def left(self, lists: TaskLists, ident: str, limits: Limits, clock: Optional[Clock] = None) -> Session:
        """The session when it has left its state, or, when the call was answered, as it is after half a minute.

        :raises TimedOut: it still waits for its start, or there was no answer and no change.
        """
        short = Limits(min(limits.timeout, STARTING), limits.delay, limits.grace, limits.patience)
        try:
            return wait_until(
                f"see the session {ident} run",
                lambda: lists.session(ident),
                lambda now: self._has_left(lists, now),
                short,
                clock=clock,
                bear=(TimedOut, Unreachable),
                describe=lambda now: f"the session is still {now.state}",
            ).value
        except LandscapeError as error:
            error.facts["session"] = ident
            last = error.last if isinstance(error, NeverCame) else None
            if self._answered and isinstance(last, Session) and last.state != "waiting":
                return last
            raise

    def _has_left(self, lists: TaskLists, now: Session) -> bool:
        was = self._was
        if was is None or now.state != was.state:
            return True
        if not self._answered or now.state == "waiting":
            return False
        return self._state in GOING or lists.at_once or now.tasks != was.tasks


class Kept:
    """The session that a record names from before its start, so that a later run follows it and starts no other one.

    :param about: what the session is for; a record about something else is refused.
    :param rows: its parameters. One that runs or has ended well with others is refused, too.
    """

    def __init__(self, record: Record, about: Mapping[str, str], rows: Sequence[Mapping[str, str]] = ()) -> None:
        self._record = record
        self._about = dict(about)
        text = json.dumps([dict(row) for row in rows], sort_keys=True)
        self._work = hashlib.sha256(text.encode()).hexdigest()

    def session(self, doing: str, lists: TaskLists, again: bool) -> Optional[Session]:
        """The session; None when there is none, or one about something else that has ended and does not count.

        :param again: whether one that has ended does not count.
        :raises Denied: the record is about something else.
        :raises BadInput: it names no session.
        """
        kept = self._record.read()
        if kept is None:
            return None
        path = self._record.path
        ident = kept.get("session")
        if not isinstance(ident, str) or not ident.strip():
            raise BadInput(f"read the record {path}", "it names no session", cure="Name the file that was written")
        try:
            session = lists.session(ident)
        except CallFailed as error:
            error.facts["session"] = ident
            error.cure = error.cure or f"When the session is gone, remove the record {path}"
            raise
        wrong = [f"{key} {kept.get(key)}, not {value}" for key, value in self._about.items() if kept.get(key) != value]
        if session.state in GOING + GOOD and kept.get("work", self._work) != self._work:
            wrong.append("other parameters")
        if wrong and (not again or session.state in ON_ITS_WAY):
            raise Denied(
                doing,
                "the record {} is about {}, and its session is {}".format(path, "; ".join(wrong), session.state),
                reason="wrong_record",
                cure="Nothing was started. Use another record, or run: again once that session has ended",
                session=session.id,
            )
        return None if wrong else session

    def write(self, ident: str) -> None:
        """Keep a session that was created and not yet started."""
        self._record.write(dict(self._about, session=ident, work=self._work))


def stuck(doing: str, lists: TaskLists, session: Session, cure: str, **facts: Any) -> Failed:
    """Why a session does not go on, with what its log says about the tasks that hold it up."""
    manual = session.state == "manual"
    tasks = session.of("manual") if manual else session.of("failed", "aborted", "prevented")
    try:
        said = lists.messages(session.id)
    except LandscapeError:
        said = []
    told = _about(said, tasks)
    words = _words(told) or "; ".join(f"{task.name}: {task.text}" for task in tasks) or "no task says why"
    return Failed(
        doing,
        f"a person has to act ({names(tasks)}): {words}" if manual else f"the session is {session.state}: {words}",
        reason="manual_task" if manual else "task_failed",
        cure=cure,
        session=session.id,
        tasks=[task.told() for task in session.tasks],
        messages=told,
        **facts,
    )


def remarks(lists: TaskLists, session: Session) -> List[str]:
    """What a person should know about a session that counts as a good end."""
    if session.state == "not_needed":
        return [f"The task manager says that the session {session.id} need not be executed."]
    if session.state != "finished_with_warnings":
        return []
    tasks = session.of("done_with_warnings")
    try:
        words = _words(_about(lists.messages(session.id), tasks)) or f"its log says nothing about {names(tasks)}"
    except LandscapeError as error:
        words = f"its log cannot be read ({error.why})"
    return [f"The session {session.id} finished with warnings: {words}"]


def _about(said: Iterable[Mapping[str, str]], tasks: Iterable[Task]) -> List[Dict[str, str]]:
    """The last messages about these tasks that are no mere notice."""
    named = {task.name for task in tasks}
    return [dict(row) for row in said if row["task"] in named and row["type"] not in ("S", "I")][-MESSAGES:]


def _words(told: Iterable[Mapping[str, str]]) -> str:
    return "; ".join(f"{row['task']}: {row['text']}" for row in told)


def names(tasks: Iterable[Task]) -> str:
    """Tasks for a person."""
    return ", ".join(task.name for task in tasks) or "none"


__all__ = (
    "GOING",
    "GOOD",
    "ON_ITS_WAY",
    "PROCESSOR",
    "Kept",
    "Run",
    "Session",
    "Task",
    "TaskLists",
    "log_messages",
    "names",
    "remarks",
    "stuck",
    "wait_while_going",
)
