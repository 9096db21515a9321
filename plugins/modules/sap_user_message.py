#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the users who are logged on to an ABAP system know what is about to happen."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_user_message
short_description: Tell the users who are logged on that something is about to happen and count down to it
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Shows O(text) on the screens of the users who are logged on (C(TH_USER_LIST), C(TH_POPUP)), once to each user of
    each client, but not to the one who asks.
  - With O(countdown) it is shown so many minutes before the end, and the module returns when the last minute has
    passed. Before each message it is read anew who is logged on. When nobody is left, it ends early (O(leave_early)).
  - A user who logged off in between is no failure. A message that the system refuses is one, unless O(failures=warn).
    The other users are told first, then the module fails, and does not wait for the next message. A notice that
    somebody did not get must not be lost silently.
  - When the connection is lost in the middle of a message, it is not known whether the user saw it. It is not sent
    again by itself, and the others are told. The next message of the countdown reaches that user as well. Who is still
    unknown at the end is a failure.
options:
  text:
    description:
      - What is shown. V({minutes}) stands for the minutes that are left, which needs O(countdown).
      - C(TH_POPUP) takes 128 characters, as far as is known. A longer text is refused, because it would be cut.
    type: str
    required: true
  countdown:
    description: Minutes before the end at which the users are told. Without it they are told once, and nobody waits.
    type: list
    elements: float
    default: []
  only_clients:
    description: Tell the users of these clients alone. Without it those of all clients are told.
    type: list
    elements: str
    default: []
  users_ignore:
    description: Patterns (C(*), C(?)) of users who are not told and not waited for, such as technical users.
    type: list
    elements: str
    default: []
  leave_early:
    description: Whether the countdown ends when nobody is logged on any more.
    type: bool
    default: true
  failures:
    description:
      - What becomes of a message that could not be shown, of a user list that could not be read when a message was due,
        and of an end that is not known. V(warn) goes on and warns.
    type: str
    choices: [fail, warn]
    default: fail
  servers:
    description:
      - Further application servers of the system, whose users are told as well, each over a connection of its own with
        the other options as they are. One that is the same as another counts once.
      - One that cannot be reached is no failure when the system does not name it among its servers either.
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
      - C(TH_USER_LIST) sees the application server that answers, and so does C(TH_POPUP). V(fail) refuses a system with
        more of them than O(servers) names before anybody is told, since the users of the others would not be.
      - V(ignore) is for tasks that tell the users of each of them on their own.
    type: str
    choices: [fail, ignore]
    default: fail
  delay:
    description: Seconds between two looks whether anybody is left.
    type: float
    default: 10.0
  confirm_sid:
    description: System ID that the system must report before anybody is told.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.rfc
attributes:
  check_mode:
    support: full
    details: Reads who is logged on and returns whom it would tell. Tells nobody and waits for nothing.
  diff_mode:
    support: none
notes:
  - Not idempotent. Each run tells the users again.
  - That one message reaches all sessions of a user is from memory.
seealso:
  - module: basis.landscape.sap_quiesce_info
  - module: basis.landscape.sap_users
"""

EXAMPLES = r"""
- name: Ask the users to leave, and give them ten minutes
  delegate_to: localhost
  basis.landscape.sap_user_message:
    text: "PRD goes down for maintenance in {minutes} minutes. Please save and log off."
    countdown: [10, 5, 1]
    users_ignore: ["MONITOR*", "BATCH_*"]
    confirm_sid: PRD
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
  register: told
"""

RETURN = r"""
sid:
  description: The system ID that the system reports.
  returned: success
  type: str
users:
  description: The users who were told, in check mode those who would be.
  returned: success
  type: list
  elements: dict
  contains:
    client:
      description: Client.
      type: str
    user:
      description: User.
      type: str
messages:
  description: Each message in its order. Also among RV(error.facts) of a failure, as is RV(still_there).
  returned: success
  type: list
  elements: dict
  contains:
    client:
      description: Client.
      type: str
    user:
      description: User.
      type: str
    minutes:
      description: The minutes that were left. None without O(countdown).
      type: float
    outcome:
      description:
        - V(told), V(gone) (the user was not logged on any more), V(failed), V(unknown) (sent and not answered) or
          V(planned) in check mode.
      type: str
    why:
      description: What the system said, when it was not V(told).
      type: str
still_there:
  description: The users who were logged on at the end. None when that could not be read.
  returned: success
  type: list
  elements: dict
  sample: [{client: "100", user: MILLER}]
left_early:
  description: Whether the countdown ended before its time, because nobody was left.
  returned: success
  type: bool
waited_seconds:
  description: Seconds from the first look to the end.
  returned: success
  type: float
error:
  description: What went wrong, as in M(basis.landscape.rfc_call).
  returned: failure
  type: dict
  contains:
    reason:
      description: Short name of the cause, such as V(not_told), V(other_servers) or V(too_long).
      type: str
    facts:
      description: Data of the case.
      type: dict
"""

import math
from fnmatch import fnmatchcase
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query
from ansible_collections.basis.landscape.plugins.module_utils._rfc import quiet
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import CallFailed, connect
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import (
    advice,
    elsewhere,
    rfc_spec,
    servers_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Clock, Limits, NeverCame, wait_until

LONGEST = 128  # characters of MESSAGE of TH_POPUP; what is longer is cut without a word
PLACE = "{minutes}"
TOLD = "told"
GONE = "gone"
FAILED = "failed"
UNKNOWN = "unknown"
PLANNED = "planned"
LOST_TOO_OFTEN = 3  # messages of one round without a connection, after which the rest of it is left


class Who(NamedTuple):
    """One user of one client on one of the application servers that are asked."""

    client: str
    user: str
    server: int = 0


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "text": {"type": "str", "required": True},
            "countdown": {"type": "list", "elements": "float", "default": []},
            "only_clients": {"type": "list", "elements": "str", "default": []},
            "users_ignore": {"type": "list", "elements": "str", "default": []},
            "leave_early": {"type": "bool", "default": True},
            "failures": {"type": "str", "choices": ["fail", "warn"], "default": "fail"},
            "other_servers": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"},
            "delay": {"type": "float", "default": 10.0},
            "confirm_sid": {"type": "str"},
        }
    )
    return own.merge(servers_spec(), rfc_spec())


class Message(NamedTuple):
    """What became of one message to one user."""

    client: str
    user: str
    server: int
    minutes: Optional[float]
    outcome: str
    why: str = ""
    lost: bool = False

    @property
    def words(self) -> str:
        """The message for a person."""
        return f"{self.user} ({self.client}): {self.why}"

    def as_data(self) -> Dict[str, Any]:
        """The message as plain data."""
        names = ("client", "user", "minutes", "outcome", "why")
        return {name: getattr(self, name) for name in names}


class Notice:
    """One text for the users of one system, told once or by a countdown."""

    def __init__(self, params: Dict[str, Any], clock: Optional[Clock] = None) -> None:
        self._params = params
        self._clock = clock or Clock()
        doing = "tell the users"
        self._countdown = sorted(set(params["countdown"]), reverse=True)
        if any(not (minutes > 0 and math.isfinite(minutes)) for minutes in self._countdown):
            raise BadInput(
                doing, f"countdown is minutes before the end, each greater than 0, not {params['countdown']}"
            )
        if not params["text"].strip():
            raise BadInput(doing, "text is empty")
        if PLACE in params["text"] and not self._countdown:
            raise BadInput(doing, f"text has {PLACE} in it, and there is no countdown")
        for minutes in self._countdown or [0.0]:
            text = self._text(minutes)
            if len(text) > LONGEST:
                why = f"the message has {len(text)} characters, and TH_POPUP takes {LONGEST}: {text!r}"
                raise BadInput(doing, why, reason="too_long")
        self._limit(1.0)
        self._clients = [connect(one) for one in (params, *elsewhere(doing, params))]
        self.sid = ""
        self.messages: List[Message] = []
        self.blind: List[str] = []  # why it was not known who was there when a message was due

    def begin(self) -> List[Who]:
        """See which system it is, who is there.

        :raises Denied: it is another one, or has users who would not be told.
        """
        doing = "tell the users"
        who = self._clients[0].confirm(doing, self._params["confirm_sid"])
        self.sid = who.sid
        asked = {who.instance: self._clients[0]}
        for client in self._clients[1:]:
            try:
                asked.setdefault(client.confirm(doing, who.sid).instance, client)
            except (Unreachable, TimedOut):
                continue  # whether it is missed is what the system says about its servers
        self._clients = list(asked.values())
        if self._params["other_servers"] == "fail":
            others = [name for name in quiet.servers(self._clients[0], doing) if name not in asked]
            if others:
                raise Denied(
                    f"tell the users of {who.sid}",
                    f"those of {', '.join(others)} would not be told, since {', '.join(asked)} "
                    f"{'shows its' if len(asked) == 1 else 'show their'} own users alone",
                    reason="other_servers",
                    cure="Name them in servers, or tell those of each application server by a task of its own with "
                    "other_servers: ignore; nobody was told",
                    servers=others,
                )
        return self.there()

    def there(self) -> List[Who]:
        """The users who are logged on and meant, each once on each server."""
        me = (self._params["rfc_user"] or "").strip().upper()
        only = {name.strip() for name in self._params["only_clients"]}
        found = [
            Who(one.client, one.user, number)
            for number, client in enumerate(self._clients)
            for one in quiet.sessions(client, f"read who is logged on to {self.sid}")
            if one.user != me and (not only or one.client in only) and not self._ignored(one.user)
        ]
        return sorted(set(found))

    def run(self, first: List[Who]) -> Dict[str, Any]:
        """Tell everybody as often as it is due; how it ended."""
        began = self._clock.now()
        if not self._countdown:
            self._round(first, None)
            return self._end(began, self._look(), False)
        end = began + self._countdown[0] * 60.0
        there: Optional[List[Who]] = first
        last = first
        early = self._nobody(there)
        for minutes in self._countdown:
            if early:
                break
            if minutes != self._countdown[0]:
                early, there = self._wait(end - minutes * 60.0)
                if early:
                    break
                if there is None:
                    self.blind.append(f"{minutes:g} minutes before the end it was not known who is logged on")
            last = last if there is None else there
            self._round(last, minutes)
        if not early:
            early, there = self._wait(end)
        return self._end(began, there, early)

    def _wait(self, until: float) -> Tuple[bool, Optional[List[Who]]]:
        """Let the time pass; whether everybody left before, and who is there (None when that is not known)."""
        left = until - self._clock.now()
        if left <= 0:
            return False, self._look()
        doing = f"see all users of {self.sid} logged off"
        try:
            wait_until(doing, self._look, self._nobody, self._limit(left), clock=self._clock)
        except NeverCame as error:
            return False, error.last
        return True, []

    def _limit(self, seconds: float) -> Limits:
        return Limits(seconds, self._params["delay"])

    def _nobody(self, there: Optional[List[Who]]) -> bool:
        """Whether it is seen that nobody is left and that this ends it; not to know is no reason."""
        return bool(self._params["leave_early"]) and there is not None and not there

    def _look(self) -> Optional[List[Who]]:
        try:
            return self.there()
        except LandscapeError:
            return None

    def _round(self, users: List[Who], minutes: Optional[float]) -> None:
        """One message to each; what goes wrong with one does not keep the others from it.

        :raises Failed: it went wrong with one, and that is a failure.
        """
        text = self._text(minutes or 0.0)
        given: List[Message] = []
        lost = 0
        for who in users:
            if lost >= LOST_TOO_OFTEN:
                given.append(Message(*who, minutes, FAILED, f"it was not sent, after {lost} without a connection"))
                continue
            given.append(self._tell(who, text, minutes))
            lost += given[-1].lost
        self.messages += given
        failed = [one for one in given if one.outcome == FAILED]
        if failed and self._params["failures"] == "fail":
            raise self._not_told(Failed, failed, users)

    def _tell(self, who: Who, text: str, minutes: Optional[float]) -> Message:
        doing = f"tell {who.user} in client {who.client} of {self.sid}"
        given = {"CLIENT": who.client, "USER": who.user, "MESSAGE": text}
        try:
            self._clients[who.server].tell(doing, "TH_POPUP", given)
        except CallFailed as error:
            return Message(*who, minutes, GONE if error.key == "USER_NOT_FOUND" else FAILED, error.why)
        except Unknown as error:
            return Message(*who, minutes, UNKNOWN, error.why, True)
        except (Unreachable, TimedOut) as error:
            return Message(*who, minutes, FAILED, error.why, True)
        except LandscapeError as error:
            return Message(*who, minutes, FAILED, error.why)
        return Message(*who, minutes, TOLD)

    def _end(self, began: float, there: Optional[List[Who]], early: bool) -> Dict[str, Any]:
        last = {Who(one.client, one.user, one.server): one for one in self.messages}
        open_ = [one for one in last.values() if one.outcome in (FAILED, UNKNOWN)]
        if self._params["failures"] == "fail" and (open_ or self.blind):
            raise self._not_told(Unknown if any(one.outcome == UNKNOWN for one in open_) else Failed, open_, there)
        said = [f"Not told: {one.words}" for one in open_] + [f"{text[0].upper()}{text[1:]}." for text in self.blind]
        told = self.as_data(there)
        told.update(left_early=early, waited_seconds=round(self._clock.now() - began, 3), warnings=said)
        return told

    def _not_told(self, kind: Any, wrong: List[Message], there: Optional[List[Who]]) -> LandscapeError:
        why = "; ".join([*(one.words for one in wrong[:10]), *self.blind])
        facts = self.as_data(there)
        cure = "The others were told. failures: warn goes on all the same"
        return kind(f"tell all users of {self.sid}", why, reason="not_told", cure=cure, **facts)

    def as_data(self, there: Optional[List[Who]]) -> Dict[str, Any]:
        """Whom it told, who is there."""
        told = [Who(one.client, one.user) for one in self.messages if one.outcome in (TOLD, PLANNED)]
        return {
            "sid": self.sid,
            "changed": any(one.outcome in (TOLD, UNKNOWN, PLANNED) for one in self.messages),
            "users": _as_data(told),
            "messages": [one.as_data() for one in self.messages],
            "still_there": None if there is None else _as_data(there),
        }

    def plan(self, users: List[Who]) -> Dict[str, Any]:
        """Whom it would tell."""
        times: List[Optional[float]] = list(self._countdown) or [None]
        self.messages = [Message(*who, minutes, PLANNED) for minutes in times for who in users]
        return dict(self.as_data(users), left_early=False, waited_seconds=0.0)

    def _text(self, minutes: float) -> str:
        return str(self._params["text"]).replace(PLACE, f"{minutes:g}")

    def _ignored(self, user: str) -> bool:
        return any(fnmatchcase(user, pattern.strip().upper()) for pattern in self._params["users_ignore"])


def _as_data(users: List[Who]) -> List[Dict[str, str]]:
    return [{"client": client, "user": user} for client, user in sorted({(one.client, one.user) for one in users})]


def notify(params: Dict[str, Any], check_mode: bool = False, clock: Optional[Clock] = None) -> Dict[str, Any]:
    """Tell the users, or say whom it would be told."""
    notice = Notice(params, clock)
    users = notice.begin()
    told = notice.plan(users) if check_mode else notice.run(users)
    return dict(told, warnings=[*told.get("warnings", ()), *advice(params)])


def answer(context: Context) -> Dict[str, Any]:
    """What the module returns."""
    return notify(context.params, context.check_mode)


def main() -> None:
    """Run the module."""
    run_query(spec(), answer)


if __name__ == "__main__":
    main()
