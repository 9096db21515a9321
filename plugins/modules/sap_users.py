#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the users of one client of an ABAP system are locked."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_users
short_description: Lock all users of a client but a few or unlock exactly those again
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - With O(state=locked) locks every user of the client that is logged on to, but those who are protected, and returns
    exactly those whom it locked (RV(users)).
  - Users who were locked before for any reason are left alone, so that they stay locked when the others are unlocked.
  - With O(state=unlocked) unlocks exactly the users that are named in O(users) or in O(record).
  - Uses C(BAPI_USER_LOCK) and C(BAPI_USER_UNLOCK), each followed by a commit. Who is locked is read again afterwards
    with C(BAPI_USER_GETLIST). A user for whom it did not happen is named with the words of the system, and the module
    fails. The others are done.
  - A lock keeps users from logging on. It does not end the sessions of those who are logged on.
options:
  state:
    description: The wanted state.
    type: str
    choices: [locked, unlocked]
    required: true
  users:
    description:
      - For O(state=unlocked), the users to unlock, as RV(users) told when they were locked.
      - For O(state=locked), lock only these, not all. Those who are protected are left out.
    type: list
    elements: str
  protect:
    description:
      - Users who are never locked, by their exact names. V(SAP*) is the user of that name and no pattern.
      - The user who is logged on is protected in any case.
    type: list
    elements: str
    default: [DDIC, SAP*, TMSADM, SAPJSF, EARLYWATCH]
  protect_patterns:
    description: Patterns (C(*), C(?)) of names of users who are never locked. The default has those of batch users.
    type: list
    elements: str
    default: ["SOLMAN*", "*BATCH*"]
  protect_types:
    description:
      - Types of users who are never locked, because jobs and other systems work as them. V(A) is dialog, V(B) system,
        V(C) communication, V(L) reference, V(S) service.
      - They are selected by C(LOGONDATA-USTYP), which is from memory. A system that does not select by it is a failure
        before anybody is locked. With an empty list types are not looked at, and names alone protect.
    type: list
    elements: str
    choices: [A, B, C, L, S]
    default: [B, C]
  record:
    description:
      - File, where the module runs, that keeps the names of those who are to be locked from before the first is locked
        until they are seen to be unlocked. It is then removed. In check mode it is read only.
      - After a run that was interrupted, those of them who are locked count as locked by this module.
      - It needs a place that lasts until they are unlocked, not the inside of a container that goes away. With
        O(state=unlocked), a file that is not there is a warning, and nobody is unlocked.
      - When all of them were locked, and some are open again, locking anew is refused (V(stale_record)), because it is
        not known why the others are locked.
    type: path
  lock_fields:
    description:
      - Fields of the parameter C(ISLOCKED) of C(BAPI_USER_GETLIST) that say that a user is locked, with the value V(L).
        V(LOCAL_LOCK) is known from public sources, the others from memory. Take out what your release does not know.
    type: list
    elements: str
    default: [LOCAL_LOCK, GLOB_LOCK, WRNG_LOGON]
  commit:
    description: Whether C(BAPI_TRANSACTION_COMMIT) follows each change.
    type: bool
    default: true
  confirm_sid:
    description: System ID that the system must report before anything is done.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.rfc
attributes:
  check_mode:
    support: full
    details: Reads who is locked, sends no change, writes no file. Authorizations are not asked about.
  diff_mode:
    support: full
notes:
  - It works on one client. Name each client of a system in a task of its own.
  - Not possible with O(rfc_provider=soap) while O(commit=true), since each call is a session of its own there.
seealso:
  - module: basis.landscape.sap_background_jobs
"""

EXAMPLES = r"""
- name: Nobody logs on from now on
  delegate_to: localhost
  basis.landscape.sap_users:
    state: locked
    protect_patterns: ["SOLMAN*", "*BATCH*", "JOBS_*"]
    record: /var/lib/landscape/users-PRD-100.json
    confirm_sid: PRD
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"

- name: Exactly those may log on again
  delegate_to: localhost
  basis.landscape.sap_users:
    state: unlocked
    record: /var/lib/landscape/users-PRD-100.json
    confirm_sid: PRD
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
"""

RETURN = r"""
users:
  description:
    - The users who were locked, now or in the interrupted run of O(record), or unlocked. In check mode those who would
      be.
    - Also among RV(error.facts) of a failure, those for whom it happened.
  returned: success
  type: list
  elements: str
  sample: [MILLER, NGUYEN, SMITH]
left_alone:
  description: With O(state=locked), the users who were locked before, and those who are protected.
  returned: success
  type: dict
  contains:
    locked:
      description: Users who were locked before.
      type: list
      elements: str
    protected:
      description: Users who are protected.
      type: list
      elements: str
before:
  description: How many users of the client are locked, and how many are not.
  returned: once the system could be read
  type: dict
  sample: {locked: 2, open: 140}
after:
  description: The same as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the system could be read
  type: list
  elements: dict
  contains:
    name:
      description: C(record), C(lock), C(unlock) or C(forget).
      type: str
    words:
      description: The step in words.
      type: str
    outcome:
      description: V(planned), V(done), V(failed) or V(unknown).
      type: str
sid:
  description: The system ID that the system reports.
  returned: success
  type: str
error:
  description: What went wrong, as in M(basis.landscape.rfc_call).
  returned: failure
  type: dict
  contains:
    reason:
      description: Short name of the cause, such as V(users_failed), V(no_users), V(stale_record) or V(wrong_record).
      type: str
    facts:
      description:
        - Data of the case. C(failures) says for each user why not, C(users) for whom it happened. When the users could
          not be read afterwards, C(users) are those whose change was answered without an error, and C(seen) is false.
      type: dict
"""

import time
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Dict, List, NamedTuple, Optional, Set

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec
from ansible_collections.basis.landscape.plugins.module_utils._rfc.record import Record

FUNCTIONS = {"locked": "BAPI_USER_LOCK", "unlocked": "BAPI_USER_UNLOCK"}
DONE = {"locked": "lock", "unlocked": "unlock"}
LET_IN_NO_MORE = ("logon_refused", "logon_failed", "no_longer_let_in")
LOST_TOO_OFTEN = 3  # calls that were not answered, after which the rest is left


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "state": {"type": "str", "choices": ["locked", "unlocked"], "required": True},
            "users": {"type": "list", "elements": "str"},
            "protect": {
                "type": "list",
                "elements": "str",
                "default": ["DDIC", "SAP*", "TMSADM", "SAPJSF", "EARLYWATCH"],
            },
            "protect_patterns": {"type": "list", "elements": "str", "default": ["SOLMAN*", "*BATCH*"]},
            "protect_types": {
                "type": "list",
                "elements": "str",
                "choices": ["A", "B", "C", "L", "S"],
                "default": ["B", "C"],
            },
            "record": {"type": "path"},
            "lock_fields": {
                "type": "list",
                "elements": "str",
                "default": ["LOCAL_LOCK", "GLOB_LOCK", "WRNG_LOGON"],
            },
            "commit": {"type": "bool", "default": True},
            "confirm_sid": {"type": "str"},
        }
    )
    return own.merge(rfc_spec(), fence_spec())


class State(NamedTuple):
    """All users of the client, the locked ones; what an interrupted run recorded (None when nothing was)."""

    sid: str
    all: Set[str]
    locked: Set[str]
    recorded: Optional[Set[str]]


class UserLocks(Operation[State]):
    """Look: BAPI_USER_GETLIST. Plan: who. Act: each user once. Verify: BAPI_USER_GETLIST."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._wanted: str = params["state"]
        self._client = connect(params)
        doing = f"{DONE[self._wanted]} users"
        if params["commit"] and not self._client.link.stateful:
            raise BadInput(
                doing,
                "commit is true, and over the SOAP service each call is a session of its own",
                cure="Use rfc_provider pyrfc or saprfclib",
                reason="needs_session",
            )
        if not params["rfc_user"]:
            raise BadInput(doing, "without rfc_user it is not known who is logged on, and must not be locked")
        if not params["lock_fields"]:
            raise BadInput(doing, "lock_fields is empty, so nobody would ever be seen to be locked")
        self._named = None if params["users"] is None else {name.strip().upper() for name in params["users"]}
        if self._wanted == "unlocked" and self._named is None and not params["record"]:
            raise BadInput(
                doing,
                "neither users nor record says whom",
                cure="Name those whom this module locked; all users are never unlocked unasked",
                reason="no_users",
            )
        self._protect = {name.strip().upper() for name in [*params["protect"], params["rfc_user"]]}
        self._technical: Set[str] = set()
        self._record: Optional[Record] = None
        self._complete = ""
        self._missing = False
        self._locked = 0
        self._meant: Set[str] = set()
        self._ours: Set[str] = set()
        self._before: Set[str] = set()
        self._tried: Set[str] = set()
        self._failures: Dict[str, str] = {}
        self._unsure: Optional[Unknown] = None

    def look(self) -> State:
        """Who is it, which users does the client have, who is locked."""
        identity = self._client.confirm(f"{DONE[self._wanted]} users", self._params["confirm_sid"])
        self._record = Record(self._params["record"], "users", identity.sid, self._params["rfc_client"])
        kept = self._record.read()
        recorded = None if kept is None else {str(name) for name in kept.get("users") or ()}
        self._complete = str((kept or {}).get("complete") or "")
        state = self._see(identity.sid, recorded)
        self._technical = self._of_types(state)
        self._missing = bool(self._params["record"]) and recorded is None
        self._locked = len(state.locked)
        return state

    def plan(self, state: State) -> List[Action[State]]:
        """Whom to lock or unlock, and what to keep about it."""
        return self._lock(state) if self._wanted == "locked" else self._unlock(state)

    def _lock(self, state: State) -> List[Action[State]]:
        self._refuse_missing(state, self._named)
        asked = state.all if self._named is None else self._named
        self._refuse_stale(state)
        self._ours = (state.recorded or set()) & state.locked
        self._before = state.locked - self._ours
        self._meant = {name for name in asked - state.locked if not self._protected(name)}
        if not self._meant:
            return []
        actions: List[Action[State]] = []
        if self._params["record"]:
            words = "keep the names of {} users in {}".format(len(self._meant | self._ours), self._params["record"])
            actions.append(Action("record", words, self._keep, note=True))
        words = f"lock {len(self._meant)} users of {state.sid}, client {self._params['rfc_client']}"
        return [*actions, Action("lock", words, partial(self._each, state), partial(self._prove, state))]

    def _refuse_stale(self, state: State) -> None:
        """Users of a record of work that was done who are open: somebody unlocked them since.

        Who of the others is locked may be so for another reason by now, and must not be unlocked with the record.
        """
        if not self._complete or state.recorded is None:
            return
        open_ = sorted((state.recorded & state.all) - state.locked)
        if open_:
            raise Failed(
                f"lock users of {state.sid}",
                "the users of the record {} were all locked at {}, and {} of them are open again: {}".format(
                    self._params["record"], self._complete, len(open_), ", ".join(open_[:10])
                ),
                reason="stale_record",
                cure="Run state: unlocked with the record to end that work, or remove the file when the users who are "
                "still locked have to stay so",
                users=open_,
            )

    def _unlock(self, state: State) -> List[Action[State]]:
        asked = state.recorded if self._named is None else self._named
        if asked is None:
            return []  # nothing was recorded, so nothing is to be undone
        self._refuse_missing(state, self._named)
        self._meant = asked & state.locked
        gone = asked - state.all  # only from a record: they were deleted since
        for name in gone:
            self._failures[name] = "there is no such user any more"
        forget = []
        if state.recorded is not None and state.recorded <= asked:
            forget = [Action[State]("forget", f"remove {self._params['record']}", self._forget, note=True)]
        if not self._meant:
            return forget
        words = f"unlock {len(self._meant)} users of {state.sid}, client {self._params['rfc_client']}"
        act = Action("unlock", words, partial(self._each, state), partial(self._prove, state))
        return [act, *forget]

    def _refuse_missing(self, state: State, names: Optional[Set[str]]) -> None:
        missing = sorted((names or set()) - state.all)
        if missing:
            raise BadInput(
                f"{DONE[self._wanted]} users",
                "client {} of {} has no user {}".format(self._params["rfc_client"], state.sid, ", ".join(missing)),
                reason="no_users",
            )

    # Act

    def _keep(self) -> bool:
        if self._record is None:
            raise AssertionError("self._record is None")
        self._record.write(self._kept())
        return False  # a note of ours is no change of the system

    def _kept(self) -> Dict[str, Any]:
        return {"users": sorted(self._meant | self._ours)}

    def _forget(self) -> bool:
        if self._record is None:
            raise AssertionError("self._record is None")
        self._record.remove()
        return False

    def _each(self, state: State) -> bool:
        """Send the change for each user, once; what goes wrong with one does not keep the others from it.

        Whether one of them may have changed.
        """
        function = FUNCTIONS[self._wanted]
        lost = 0
        for name in sorted(self._meant):
            doing = f"{DONE[self._wanted]} the user {name} of {state.sid}"
            self._tried.add(name)
            try:
                self._client.tell(doing, function, {"USERNAME": name})
                if self._params["commit"]:
                    self._client.commit(doing)
            except Unknown as error:
                self._unsure, lost = error, lost + 1
                self._failures[name] = error.why
                if lost >= LOST_TOO_OFTEN:
                    break
            except (Unreachable, TimedOut) as error:  # what follows would not get through either
                self._failures[name] = error.why
                break
            except (Failed, Denied, BadInput) as error:
                self._failures[name] = error.why
                if error.reason in LET_IN_NO_MORE:  # each further try would count towards the lock of the user
                    break
        return self._unsure is not None or bool(self._tried - set(self._failures))

    # Verify

    def _prove(self, state: State) -> State:
        """Each user who was meant is as wanted; the others are named."""
        now = self._look_again(state)
        wanted = now.locked if self._wanted == "locked" else now.all - now.locked
        done = self._meant & wanted
        missing = sorted(self._meant - done)
        if missing:
            failures = {name: self._failures.get(name, "it was not seen to happen") for name in missing}
            happened = sorted(done | self._ours if self._wanted == "locked" else done)
            kind = Unknown if self._unsure is not None else Failed
            raise kind(
                f"{DONE[self._wanted]} users of {state.sid}",
                "{} of {} are not {}: {}".format(
                    len(missing), len(self._meant), self._wanted, "; ".join(f"{n}: {failures[n]}" for n in missing[:10])
                ),
                reason="users_failed",
                failures=failures,
                users=happened,
            )
        if self._wanted == "locked" and self._record is not None:
            self._record.write(dict(self._kept(), complete=time.strftime("%Y-%m-%d %H:%M:%S %z")))
        return now

    def _look_again(self, state: State) -> State:
        """Who is locked now; when that cannot be seen, the failure tells for whom the change was sent."""
        try:
            return self._see(state.sid, state.recorded)
        except LandscapeError as error:
            sent = self._tried - set(self._failures)
            error.facts["users"] = sorted(sent | self._ours if self._wanted == "locked" else sent)
            error.facts["failures"] = dict(
                dict.fromkeys(self._meant - self._tried, "it was not sent"), **self._failures
            )
            error.facts["seen"] = False
            raise

    def _see(self, sid: str, recorded: Optional[Set[str]]) -> State:
        doing = f"read the users of {sid}, client {self._params['rfc_client']}"
        everybody = self._list(doing, [])
        if not everybody:
            raise Failed(doing, "BAPI_USER_GETLIST returns nobody", reason="malformed")
        locked: Set[str] = set()
        for field in self._params["lock_fields"]:
            row = {"PARAMETER": "ISLOCKED", "FIELD": field.upper(), "SIGN": "I", "OPTION": "EQ", "LOW": "L"}
            found = self._list(f"{doing}, locked by {field.upper()}", [row])
            self._refuse_nonsense(doing, field.upper(), everybody, found)
            locked |= found
        return State(sid, everybody, locked & everybody, recorded)

    def _of_types(self, state: State) -> Set[str]:
        """The users of the types that are protected."""
        if self._wanted == "unlocked" or not self._params["protect_types"]:
            return set()
        doing = f"read the types of the users of {state.sid}, client {self._params['rfc_client']}"
        row = {"PARAMETER": "LOGONDATA", "FIELD": "USTYP", "SIGN": "I", "OPTION": "EQ"}
        cure = "protect_types: [] does not ask; then name those who must not be locked in protect or protect_patterns"
        try:
            found = self._list(doing, [dict(row, LOW=kind) for kind in self._params["protect_types"]])
        except Failed as error:
            error.cure = error.cure or cure
            raise
        if state.all <= found:
            raise Failed(
                doing,
                "by LOGONDATA-USTYP everybody is protected, so BAPI_USER_GETLIST does not select by it",
                reason="malformed",
                cure=cure,
            )
        return found

    def _refuse_nonsense(self, doing: str, field: str, everybody: Set[str], found: Set[str]) -> None:
        """A system that does not know a field may leave out the selection, and everybody seems locked then."""
        me = self._params["rfc_user"].strip().upper()
        if me in found or everybody <= found:
            who = f"{me}, who is logged on," if me in found else "everybody"
            raise Failed(
                doing,
                f"by {field} {who} is locked, so BAPI_USER_GETLIST does not select by it",
                reason="malformed",
                cure=f"Take {field} out of lock_fields",
                field=field,
            )

    def _list(self, doing: str, selection: List[Dict[str, str]]) -> Set[str]:
        given: Dict[str, Any] = {"SELECTION_RANGE": selection} if selection else {}
        if not self._client.link.stateful:
            given["USERLIST"] = []  # over SOAP a table comes back only when it is named
        answer = self._client.ask(doing, "BAPI_USER_GETLIST", given)
        return {str(row.get("USERNAME") or "").strip() for row in answer.get("USERLIST") or ()} - {""}

    # Tell

    def describe(self, state: State) -> Dict[str, Any]:
        """How many users are locked."""
        return {"locked": len(state.locked), "open": len(state.all) - len(state.locked)}

    def facts(self, state: State) -> Dict[str, Any]:
        """The users whom it concerned, and who was left alone."""
        found: Dict[str, Any] = {"sid": state.sid, "users": sorted(self._meant | self._ours)}
        if self._wanted == "locked":
            protected = sorted(name for name in state.all if self._protected(name))
            found["left_alone"] = {"locked": sorted(self._before), "protected": protected}
        return found

    def warnings(self) -> List[str]:
        """Users who are gone, and how the connection is made."""
        said = advice(self._params)
        if self._wanted == "unlocked" and self._failures:
            gone = [f"{name}: {why}" for name, why in sorted(self._failures.items()) if name not in self._meant]
            said += ["Not unlocked: {}".format("; ".join(gone))] if gone else []
        if self._wanted == "unlocked" and self._missing and self._named is None:
            said.append(
                "There is no record at {}, so nobody was unlocked. {} users of the client are locked. "
                "Was the file written by another machine or container?".format(self._params["record"], self._locked)
            )
        return said

    def _protected(self, name: str) -> bool:
        patterns = self._params["protect_patterns"]
        return name in self._protect | self._technical or any(
            fnmatchcase(name, pattern.strip().upper()) for pattern in patterns
        )


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> UserLocks:
    """The operation that the options ask for."""
    return UserLocks(context.params)


if __name__ == "__main__":
    main()
