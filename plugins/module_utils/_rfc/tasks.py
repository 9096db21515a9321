# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lists of the ABAP task manager (STC_TM_*), which know a session by its id, so that no conversation is needed.

The numbers of states are those that public clients use; every other one is a failure. A manual task is never confirmed
by itself.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed, TimedOut, Unreachable
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import Client
from ansible_collections.basis.landscape.plugins.module_utils._rfc.soap import Node, parse
from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock, Limits, wait_until

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

    def resume(self, session: str) -> None:
        """Start a session, or go on with it."""
        given: Dict[str, Any] = {"I_SESSION_ID": session}
        if self._settings:
            given["IS_EXEC_SETTINGS"] = self._settings
        self._client.tell(f"run the session {session}", "STC_TM_SESSION_RESUME", given)

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


def names(tasks: Iterable[Task]) -> str:
    """Tasks for a person."""
    return ", ".join(task.name for task in tasks) or "none"


__all__ = ("GOING", "GOOD", "Session", "Task", "TaskLists", "log_messages", "names", "wait_while_going")
