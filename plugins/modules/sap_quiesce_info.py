#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an ABAP system is quiet, as named verdicts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_quiesce_info
short_description: Judge by named checks whether an ABAP system is quiet before a stop, a copy or a patch
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Asks an ABAP system over RFC who and what still works in it. Returns for each check a verdict, the words for a
    person, how many there are, and the first of them.
  - What cannot be told counts as not quiet. Its verdict is V(unknown), never V(good), and its words say why, such as a
    missing authorization.
  - The module fails only when the system cannot be asked at all, is another than was meant, or is not quiet and
    O(fail_when_busy) is true. M(basis.landscape.sap_health_info) answers with the same words about an instance.
options:
  checks:
    description:
      - The checks to make, in this order.
      - V(users) counts the users who are logged on (C(TH_USER_LIST)), of all clients, but the one who asks. It sees the
        application server that answers, with those in O(servers). Of a system with more of them it is V(unknown) while
        O(other_servers=unknown).
      - V(jobs) counts the background jobs of all clients that are active or ready (table C(TBTCO)).
      - V(released_jobs) counts the background jobs that are released. It is not among the defaults, because only a
        system whose jobs are held back (M(basis.landscape.sap_background_jobs)) has none.
      - V(updates) counts the update requests of all clients that were not done (table C(VBHDR)). Every row counts,
        since what its states mean is known from memory. A system that keeps the requests that are done is never quiet
        by it.
      - V(trfc) counts the transactional calls that wait or failed (table C(ARFCSSTATE)), whatever their state.
      - V(outbound_queues) and V(inbound_queues) count the entries of the queues of qRFC
        (C(TRFC_QOUT_GET_CURRENT_QUEUES), C(TRFC_QIN_GET_CURRENT_QUEUES)), of the client that is logged on to alone.
        bgRFC is not looked at.
      - V(locks) counts the lock entries of all users and clients (C(ENQUEUE_READ)). Sources differ about whether a
        system lets this function be called from outside. Where it does not, C(EnqGetLockTable) through
        M(basis.landscape.sapcontrol_call) tells the same.
      - V(work_processes) counts the work processes of all application servers that work (C(TH_SERVER_LIST),
        C(TH_WPINFO)), but the one that answers. Their statuses are texts in the language of the logon, of which the
        English ones are known.
      - V(short_dumps) counts the short dumps of the last O(dump_minutes), or what O(dump_source) says.
      - V(batch_input) counts the sessions of batch input of all clients (table C(APQI)) but those in a state of
        O(batch_input_done).
      - V(spool) counts the spool requests that are still written to (table C(TSP01), C(RQFINAL) other than V(C), from
        memory). It is not among the defaults.
    type: list
    elements: str
    choices:
      - users
      - jobs
      - released_jobs
      - updates
      - trfc
      - outbound_queues
      - inbound_queues
      - locks
      - work_processes
      - short_dumps
      - batch_input
      - spool
    default:
      - users
      - jobs
      - updates
      - trfc
      - outbound_queues
      - inbound_queues
      - locks
      - work_processes
      - short_dumps
      - batch_input
  limits:
    description: For each check, how many there may be in a quiet system. What is not named may have none.
    type: dict
    default: {}
    suboptions:
      users:
        description: Users who are logged on.
        type: int
        default: 0
      jobs:
        description: Jobs that are active or ready.
        type: int
        default: 0
      released_jobs:
        description: Jobs that are released.
        type: int
        default: 0
      updates:
        description: Update requests.
        type: int
        default: 0
      trfc:
        description: Transactional calls.
        type: int
        default: 0
      outbound_queues:
        description: Entries of outbound queues.
        type: int
        default: 0
      inbound_queues:
        description: Entries of inbound queues.
        type: int
        default: 0
      locks:
        description: Lock entries.
        type: int
        default: 0
      work_processes:
        description: Work processes that work.
        type: int
        default: 0
      short_dumps:
        description: Short dumps.
        type: int
        default: 0
      batch_input:
        description: Sessions of batch input.
        type: int
        default: 0
      spool:
        description: Spool requests that are written to.
        type: int
        default: 0
  users_ignore:
    description: Patterns (C(*), C(?)) of users who do not count for V(users), such as monitoring.
    type: list
    elements: str
    default: []
  jobs_ignore:
    description: Patterns (C(*), C(?)) of names of jobs that do not count for V(jobs) and V(released_jobs).
    type: list
    elements: str
    default: []
  servers:
    description:
      - Further application servers of the system, which are asked for V(users) as well, each over a connection of its
        own with the other options as they are. One that is the same as another counts once.
      - One that cannot be reached counts as one that was not asked, whatever O(other_servers) says, when the system
        names it among its servers.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Host of the application server.
        type: str
        required: true
      instance:
        description: Its instance number.
        type: str
        required: true
  other_servers:
    description:
      - What V(users) says when no more users are logged on to the application servers that were asked than O(limits)
        allows, and the system has more servers.
      - V(ignore) is for tasks that ask each of them on its own.
    type: str
    choices: [unknown, ignore]
    default: unknown
  dump_source:
    description:
      - V(dump_log) reads the short dumps by C(/SDF/GET_DUMP_LOG), which the add-on ST-PI brings. Without it the verdict
        is V(unknown). The table of short dumps itself (C(SNAP)) cannot be read over RFC.
      - V(work_processes) adds up what C(TH_WPINFO) counts for each work process (C(WP_DUMPS)), which goes back to the
        start of that process, whatever O(dump_minutes) says.
    type: str
    choices: [dump_log, work_processes]
    default: dump_log
  dump_minutes:
    description: Minutes back from now, by the clock of the system, for V(short_dumps).
    type: int
    default: 15
  batch_input_done:
    description:
      - States (C(APQI-QSTATE)) of sessions that neither work nor wait. V(F) is processed and V(E) has errors, as one
        source has it.
    type: list
    elements: str
    default: [F, E]
  rows:
    description: How many rows of each check are returned at most. RV(users) has all.
    type: int
    default: 10
  count_up_to:
    description:
      - Rows of one table after which counting stops, so that a look at a table with millions of rows ends soon. The
        count is then the least there are, and C(more) is true. It has to be greater than every one of O(limits).
    type: int
    default: 100000
  fail_when_busy:
    description: Whether the module fails when the system is not quiet. It then names every check that is not V(good).
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for the system to be quiet. V(0) looks once.
    type: float
    default: 0.0
  delay:
    description: Seconds between two looks.
    type: float
    default: 5.0
  failure_grace:
    description: Seconds that a check may stay V(unknown) without a break before the wait is given up.
    type: float
    default: 60.0
  confirm_sid:
    description: System ID that the system must report.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes.info
  - basis.landscape.rfc
seealso:
  - module: basis.landscape.sap_health_info
  - module: basis.landscape.sap_user_message
  - module: basis.landscape.sap_background_jobs
"""

EXAMPLES = r"""
- name: Who and what still works in the system
  delegate_to: localhost
  basis.landscape.sap_quiesce_info:
    users_ignore: ["MONITOR*"]
    confirm_sid: PRD
  register: now

- name: Show it
  ansible.builtin.debug:
    msg: "{{ now.bad + now.running | map(attribute='name') | list }}"

- name: Go on only when the system is quiet, wait half an hour for it
  delegate_to: localhost
  basis.landscape.sap_quiesce_info:
    checks: [users, jobs, updates, outbound_queues, inbound_queues, locks]
    limits: {locks: 5}
    wait_timeout: 1800
    fail_when_busy: true
    confirm_sid: PRD
"""

RETURN = r"""
sid:
  description: The system ID that the system reports.
  returned: success
  type: str
quiet:
  description: Whether every check is good. False when one is bad or unknown.
  returned: success
  type: bool
bad:
  description: The words of the checks that are bad or unknown.
  returned: success
  type: list
  elements: str
  sample: ["users: 2 users are logged on: MILLER (100), SMITH (100)"]
checks:
  description:
    - The checks by their names.
    - Also among RV(error.facts) when the system was not quiet and O(fail_when_busy) is true, as are RV(bad), RV(users)
      and RV(running).
  returned: success
  type: dict
  contains:
    name:
      description: The check again.
      type: str
    verdict:
      description: V(good), V(bad) or V(unknown).
      type: str
    words:
      description: The verdict for a person.
      type: str
    count:
      description: How many there are. None when that is not known.
      type: int
    more:
      description: Whether there are more than RV(checks.count), because counting stopped at O(count_up_to).
      type: bool
    limit:
      description: How many there may be.
      type: int
    rows:
      description: The first of them.
      type: list
      elements: dict
    evidence:
      description: More data that the verdict stands on. For V(unknown) the error, as in M(basis.landscape.rfc_call).
      type: raw
users:
  description: The sessions of users who are logged on. None when that was not asked for or is not known.
  returned: success
  type: list
  elements: dict
  sample: [{client: "100", user: MILLER, terminal: pc001, transaction: VA01, time: "09:31:02"}]
running:
  description: The background jobs that are active or ready. None when that was not asked for or is not known.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: FI_DUNNING, count: "09000001", client: "100", user: BATCH_FI, state: active, since: "2026-03-02 09:00:01"}
waited_seconds:
  description: Seconds that it was waited for.
  returned: success
  type: float
error:
  description: What went wrong, as in M(basis.landscape.rfc_call).
  returned: failure
  type: dict
  contains:
    reason:
      description: Short name of the cause, such as V(wrong_system), or V(not_quiet) with O(fail_when_busy).
      type: str
    facts:
      description: Data of the case.
      type: dict
"""

from collections import Counter
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Failed,
    LandscapeError,
    TimedOut,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query
from ansible_collections.basis.landscape.plugins.module_utils._rfc import jobs, model, quiet
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import (
    advice,
    elsewhere,
    rfc_spec,
    servers_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._rfc.tables import literal
from ansible_collections.basis.landscape.plugins.module_utils._steps.verdict import BAD, GOOD, UNKNOWN
from ansible_collections.basis.landscape.plugins.module_utils._wait import (
    Clock,
    Hopeless,
    Limits,
    NeverCame,
    wait_until,
)

CHECKS = (
    "users",
    "jobs",
    "released_jobs",
    "updates",
    "trfc",
    "outbound_queues",
    "inbound_queues",
    "locks",
    "work_processes",
    "short_dumps",
    "batch_input",
    "spool",
)
UNASKED = ("released_jobs", "spool")
# What tells the calls of ARFCSSTATE apart; a system that skips no rows is seen by a key that comes again.
TRFC_KEY = ("ARFCIPID", "ARFCPID", "ARFCTIME", "ARFCTIDCNT", "ARFCDEST", "ARFCLUWCNT")
NAMED = 5  # that the words of a verdict name
CURES = {
    "locks": "EnqGetLockTable of the central services instance, through sapcontrol_call, tells the locks without RFC",
    "short_dumps": "dump_source: work_processes counts without the add-on; ST22 shows the dumps",
    "work_processes": "rfc_language: EN has the statuses that are known",
}


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "checks": {
                "type": "list",
                "elements": "str",
                "choices": list(CHECKS),
                "default": [name for name in CHECKS if name not in UNASKED],
            },
            "limits": {
                "type": "dict",
                "default": {},
                "options": {name: {"type": "int", "default": 0} for name in CHECKS},
            },
            "users_ignore": {"type": "list", "elements": "str", "default": []},
            "jobs_ignore": {"type": "list", "elements": "str", "default": []},
            "other_servers": {"type": "str", "choices": ["unknown", "ignore"], "default": "unknown"},
            "dump_source": {"type": "str", "choices": ["dump_log", "work_processes"], "default": "dump_log"},
            "dump_minutes": {"type": "int", "default": 15},
            "batch_input_done": {"type": "list", "elements": "str", "default": ["F", "E"]},
            "rows": {"type": "int", "default": 10},
            "count_up_to": {"type": "int", "default": 100000},
            "fail_when_busy": {"type": "bool", "default": False},
            "wait_timeout": {"type": "float", "default": 0.0},
            "delay": {"type": "float", "default": 5.0},
            "failure_grace": {"type": "float", "default": 60.0},
            "confirm_sid": {"type": "str"},
        }
    )
    return own.merge(servers_spec(), rfc_spec())


class Counted(NamedTuple):
    """What one check counted.

    :ivar number: how many there are.
    :ivar words: what it is that was counted, in the plural.
    :ivar labels: the first of them for a person.
    :ivar doubt: why none is not the whole truth; empty when it is.
    """

    number: int
    words: str
    rows: Sequence[Dict[str, Any]] = ()
    labels: Sequence[str] = ()
    more: bool = False
    evidence: Any = None
    doubt: str = ""


class Look(NamedTuple):
    """All checks at one moment."""

    checks: Dict[str, Dict[str, Any]]
    users: Optional[List[Dict[str, str]]]
    running: Optional[List[Dict[str, str]]]

    @property
    def bad(self) -> List[str]:
        """The words of what is not good."""
        return [f"{name}: {one['words']}" for name, one in self.checks.items() if one["verdict"] != GOOD]

    @property
    def quiet(self) -> bool:
        """Whether everything is good."""
        return bool(self.checks) and not self.bad

    @property
    def blind(self) -> bool:
        """Whether something cannot be told."""
        return any(one["verdict"] == UNKNOWN for one in self.checks.values())


class Quiesce:
    """The checks of one system; each method of a check's name counts what is not quiet."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._limits: Dict[str, int] = {name: (params["limits"] or {}).get(name) or 0 for name in CHECKS}
        doing = "look whether the system is quiet"
        for name, least in (("rows", 0), ("dump_minutes", 1), ("wait_timeout", 0), ("count_up_to", 1)):
            if params[name] < least:
                raise BadInput(doing, f"{name} must not be less than {least}, and is {params[name]}")
        most = params["count_up_to"]
        wrong = [name for name, limit in self._limits.items() if not 0 <= limit < most]
        if wrong:
            why = f"the limit of {wrong[0]} must be from 0 to less than count_up_to ({most})"
            raise BadInput(doing, f"{why}, and is {self._limits[wrong[0]]}")
        self._client, *self._others = [connect(one) for one in (params, *elsewhere(doing, params))]
        self.who = self._client.confirm(doing, params["confirm_sid"])
        self._users: Optional[List[Dict[str, str]]] = None
        self._running: Optional[List[Dict[str, str]]] = None

    def look(self) -> Look:
        """Everything that was asked for, as it is now."""
        self._users = self._running = None
        checks = {name: self.judge(name) for name in self._params["checks"]}
        return Look(checks, self._users, self._running)

    def judge(self, name: str) -> Dict[str, Any]:
        """One check, where everything that cannot be told is unknown."""
        check: Callable[[], Counted] = getattr(self, name)
        limit = self._limits[name]
        told: Dict[str, Any] = {
            "name": name,
            "verdict": UNKNOWN,
            "limit": limit,
            "count": None,
            "more": False,
            "rows": [],
        }
        try:
            found = check()
        except LandscapeError as error:
            if name in CURES and error.kind in ("failed", "denied"):
                error.cure = "{}. {}".format(error.cure.rstrip("."), CURES[name]) if error.cure else CURES[name]
            return dict(told, words=error.message, evidence=error.as_result())
        verdict = BAD if found.number > limit else UNKNOWN if found.doubt or found.more else GOOD
        told.update(count=found.number, more=found.more, rows=[dict(row) for row in found.rows[: self._params["rows"]]])
        return dict(told, verdict=verdict, words=_in_words(found), evidence=found.evidence)

    def users(self) -> Counted:
        """Nobody is logged on but who asks."""
        doing = f"read who is logged on to {self.who.sid}"
        me = (self._params["rfc_user"] or "").strip().upper()
        asked = {self.who.instance: quiet.sessions(self._client, doing)}
        lost = False
        for client in self._others:
            try:
                name = client.confirm(doing, self.who.sid).instance
                if name not in asked:
                    asked[name] = quiet.sessions(client, doing)
            except (Unreachable, TimedOut):
                lost = True  # whether it is missed is what the system says about its servers
        found = [one for sessions in asked.values() for one in sessions if one.user != me]
        found = [one for one in found if not _like(one.user, self._params["users_ignore"])]
        others: List[str] = []
        if lost or self._params["other_servers"] == "unknown":
            others = [name for name in quiet.servers(self._client, doing) if name not in asked]
        self._users = [dict(one._asdict()) for one in found]
        labels = list(dict.fromkeys(one.label for one in found))
        cure = "name them in servers, or ask each by a task of its own with other_servers: ignore"
        doubt = f"the application servers {', '.join(others)} were not asked, {cure}" if others else ""
        evidence = {"servers": list(asked), "not_asked": others, "sessions": len(found)}
        return Counted(len(labels), "users are logged on", self._users, labels, evidence=evidence, doubt=doubt)

    def jobs(self) -> Counted:
        """No job is active or ready."""
        other = (model.SCHEDULED, model.RELEASED, model.SUSPENDED, *model.ENDED)
        where = " AND ".join(f"STATUS <> {literal(letter)}" for letter in other)
        found, more = self._jobs(where)
        for job in found:
            jobs.known(f"read the running jobs of {self.who.sid}", job)
        self._running = [_as_data(job) for job in found]
        labels = [f"{job.label} ({job.state} since {job.started or 'an unknown time'})" for job in found]
        return Counted(len(found), "jobs are active or ready", self._running, labels, more)

    def released_jobs(self) -> Counted:
        """No job is released."""
        found, more = self._jobs(f"STATUS = {literal(model.RELEASED)}")
        rows = [_as_data(job) for job in found[: self._params["rows"]]]
        return Counted(len(found), "jobs are released", rows, [job.label for job in found[:NAMED]], more)

    def updates(self) -> Counted:
        """No update request is open."""
        fields = {"client": "VBMANDT", "user": "VBUSR", "report": "VBREPORT", "since": "VBDATE", "state": "VBSTATE"}
        return self._table("VBHDR", ["VBKEY"], {"id": "VBKEY", **fields}, "update requests are open")

    def trfc(self) -> Counted:
        """No transactional call waits."""
        fields = {"destination": "ARFCDEST", "state": "ARFCSTATE", "function": "ARFCFNAM", "user": "ARFCUSER"}
        moments = {"date": "ARFCDATUM", "time": "ARFCUZEIT"}
        return self._table("ARFCSSTATE", TRFC_KEY, {**fields, **moments}, "transactional calls wait or failed")

    def outbound_queues(self) -> Counted:
        """No outbound queue has an entry."""
        return self._queues("TRFC_QOUT_GET_CURRENT_QUEUES", "entries are in outbound queues")

    def inbound_queues(self) -> Counted:
        """No inbound queue has an entry."""
        return self._queues("TRFC_QIN_GET_CURRENT_QUEUES", "entries are in inbound queues")

    def locks(self) -> Counted:
        """Nobody holds a lock."""
        found = quiet.locks(self._client, f"read the locks of {self.who.sid}")
        labels = list(dict.fromkeys(f"{row['table']} of {row['user']} ({row['client']})" for row in found))
        by_user = dict(Counter(row["user"] for row in found))
        return Counted(len(found), "locks are held", found, labels, evidence={"users": by_user})

    def work_processes(self) -> Counted:
        """No work process works but the one that answers."""
        doing = f"read the work processes of {self.who.sid}"
        found = quiet.work_processes(self._client, doing)
        strange = [one for one in found if one.busy is None]
        if strange:
            one = strange[0]
            why = f"the status {one.status!r} of {one.type} {one.number} on {one.server} is not known"
            raise Failed(doing, why, reason="status_unknown")
        busy = [one for one in found if one.busy]
        labels = [f"{one.type} {one.number} on {one.server}: {one.report or one.status} of {one.user}" for one in busy]
        evidence = {"total": len(found), "servers": sorted({one.server for one in found})}
        rows = [dict(one._asdict()) for one in busy]
        return Counted(len(busy), "work processes work", rows, labels, evidence=evidence)

    def short_dumps(self) -> Counted:
        """No short dump was written lately."""
        doing = f"read the short dumps of {self.who.sid}"
        if self._params["dump_source"] == "work_processes":
            found = quiet.work_processes(self._client, doing)
            strange = [one for one in found if not (one.dumps.isdigit() or one.dumps == "")]
            if strange or not any(one.dumps for one in found):
                why = f"WP_DUMPS is {strange[0].dumps!r}, no number" if strange else "WP_DUMPS is empty throughout"
                raise Failed(doing, why, reason="malformed")
            hit = [one for one in found if int(one.dumps or 0)]
            labels = [f"{one.dumps} in {one.type} {one.number} on {one.server}" for one in hit]
            rows = [dict(one._asdict()) for one in hit]
            count = sum(int(one.dumps) for one in hit)
            return Counted(count, "short dumps since the work processes were started", rows, labels)
        since, dumped = quiet.dumps(self._client, doing, self._params["dump_minutes"])
        labels = [f"{row['user']} at {row['time']}" for row in dumped]
        return Counted(len(dumped), f"short dumps since {since}", dumped, labels, evidence={"since": since})

    def batch_input(self) -> Counted:
        """No session of batch input works or waits."""
        where = " AND ".join(f"QSTATE <> {literal(state)}" for state in self._params["batch_input_done"])
        fields = {"client": "MANDANT", "name": "GROUPID", "id": "QID", "state": "QSTATE", "user": "CREATOR"}
        return self._table("APQI", ["QID"], fields, "sessions of batch input work or wait", where)

    def spool(self) -> Counted:
        """No spool request is written to."""
        fields = {"id": "RQIDENT", "client": "RQCLIENT", "user": "RQOWNER", "state": "RQFINAL"}
        return self._table("TSP01", ["RQIDENT"], fields, "spool requests are written to", "RQFINAL <> 'C'")

    def _jobs(self, where: str) -> Any:
        """The jobs that count, with whether there are more."""
        most = self._params["count_up_to"]
        rows = self._client.rows("TBTCO", jobs.FIELDS, where, key=jobs.KEY, most=most + 1)
        found: Dict[jobs.Key, model.Job] = {}
        read = 0
        for job in map(model.Job.read, rows):
            read += 1
            if read <= most and not _like(job.name, self._params["jobs_ignore"]):
                found[job.key] = job
        return list(found.values()), read > most

    def _table(self, table: str, key: Sequence[str], fields: Dict[str, str], words: str, where: str = "") -> Counted:
        """The rows of a table, counted as they come; only the first are kept."""
        most, kept = self._params["count_up_to"], max(self._params["rows"], NAMED)
        first: List[Dict[str, Any]] = []
        states: Dict[str, int] = Counter()
        count = 0
        for row in self._client.rows(table, list(fields.values()), where, key=key, most=most + 1):
            count += 1
            if count > most:
                return Counted(most, words, first, _labels(first), True, {"states": dict(states)})
            states[row[fields["state"]].strip()] += 1
            if len(first) < kept:
                first.append(_plain({key: row[name].strip() for key, name in fields.items()}))
        return Counted(count, words, first, _labels(first), False, {"states": dict(states)})

    def _queues(self, function: str, words: str) -> Counted:
        found = quiet.queues(self._client, f"read the queues of {self.who.sid}", function)
        count = sum(max(one.depth, 1) for one in found)  # a queue that is listed has something in it
        labels = [f"{one.depth} in {one.name} {one.state}".strip() for one in found]
        evidence = {"queues": len(found), "client": self._params["rfc_client"]}
        return Counted(count, words, [dict(one._asdict()) for one in found], labels, evidence=evidence)


def _in_words(found: Counted) -> str:
    many = f"more than {found.number}" if found.more else str(found.number) if found.number else "no"
    text = f"{many} {found.words}"
    if found.labels:
        rest = "" if len(found.labels) <= NAMED else " ..."
        text += ": {}{}".format(", ".join(found.labels[:NAMED]), rest)
    return f"{text}; {found.doubt}" if found.doubt else text


def _labels(rows: Sequence[Dict[str, Any]]) -> List[str]:
    """What tells rows of a table apart for a person."""
    names = ("destination", "name", "user", "state")
    return [" ".join(str(row[name]) for name in names if row.get(name)) for row in rows]


def _plain(row: Dict[str, str]) -> Dict[str, str]:
    """A row whose moments are readable."""
    if "since" in row:
        row["since"] = model.moment(row["since"][:8], row["since"][8:14])
    if "date" in row:
        row["since"] = model.moment(row.pop("date"), row.pop("time"))
    return row


def _as_data(job: model.Job) -> Dict[str, str]:
    return {
        "name": job.name,
        "count": job.number,
        "client": job.client,
        "user": job.user,
        "state": job.state,
        "since": job.started,
    }


def _like(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.upper(), pattern.strip().upper()) for pattern in patterns)


def see(params: Dict[str, Any], clock: Optional[Clock] = None) -> Dict[str, Any]:
    """All checks that were asked for, with the sum of them."""
    clock = clock or Clock()
    system = Quiesce(params)
    doing = f"find {system.who.sid} quiet"
    began = clock.now()
    if params["wait_timeout"] > 0:
        limits = Limits(params["wait_timeout"], params["delay"], params["failure_grace"])
        try:
            seen = wait_until(
                doing, system.look, lambda look: look.quiet, limits, clock=clock, hopeless=lambda look: look.blind
            ).value
        except (NeverCame, Hopeless) as error:
            seen = error.last
    else:
        seen = system.look()
    told: Dict[str, Any] = {"bad": seen.bad, "checks": seen.checks, "users": seen.users, "running": seen.running}
    told.update(sid=system.who.sid, quiet=seen.quiet, waited_seconds=round(clock.now() - began, 3))
    if params["fail_when_busy"] and not seen.quiet:
        raise Failed(doing, "; ".join(seen.bad) or "no check was asked for", reason="not_quiet", **told)
    return dict(told, warnings=advice(params))


def answer(context: Context) -> Dict[str, Any]:
    """What the module returns."""
    return see(context.params)


def main() -> None:
    """Run the module."""
    run_query(spec(), answer)


if __name__ == "__main__":
    main()
