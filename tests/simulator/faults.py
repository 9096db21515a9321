# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that can be asked for by name.

A fault is a JSON object: ``name`` (see ``FAULTS``), any of the filters ``host``, ``system``, ``instance``
(``SID/host/NAME``), ``operation`` (of an SQL statement its first words), ``door``, ``database``, ``function`` (module),
``user``, ``object`` (of authorization), ``job`` (its name); ``times`` (how often it strikes, for ever when absent),
``after`` (how many matching calls pass first), ``seconds`` (real seconds, for ``slow``), ``on`` (a journal entry, given
by some of its fields, that makes it active: with ``{"effect": "stopping", "instance": "PRD/prdapp1/D01"}`` it strikes
once that instance began to stop), ``until`` (a journal entry that removes it), ``until_nth`` (which of these entries
does, the first when absent: what is let go by the tenth look needs no clock).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

FAULTS: dict[str, str] = {
    "slow": "the answer comes `seconds` real seconds late (default 5)",
    "hang": "the connection is accepted, the request is read, no answer ever comes; the call is not performed",
    "mute": "the instance's ports, or the door `ssh`, accept connections, then say nothing, not even TLS",
    "half_answer": "the call is performed; half of the answer arrives, then the connection closes",
    "drop_after_accept": "the call is performed; the connection closes without an answer",
    "drop_before": "the connection closes without an answer; the call is not performed",
    "denied": "the authenticated user may not do this: SOAP fault `Permission denied`, HTTP 403 elsewhere",
    "unauthorized": "credentials are rejected: HTTP 401; at the door `ssh` no key is the right one",
    "server_error": "HTTP 500 without a usable body; the call is not performed",
    "not_soap": "a proxy's HTML page comes with HTTP 200 instead of the answer; the call is not performed",
    "wrong_certificate": "the TLS door shows another host's certificate from an authority that nobody knows",
    "expired_certificate": "the TLS door shows a certificate that expired a month ago",
    "red_on_start": "a start ends with a RED process",
    "yellow_forever": "a start stays YELLOW for ever",
    "joins_late": "in a start each process joins the process list once it is GREEN, which is all GREEN all the time",
    "fails_to_stop": "a stop is accepted, then the instance is GREEN again",
    "stop_hangs": "a stop is accepted, then the instance stays YELLOW for ever",
    "sapstartsrv_down": "nothing listens on the instance's sapcontrol ports or on its socket",
    "no_cluster_connector": "the instance's sapstartsrv sees no cluster, although one owns the instance",
    "cluster_check_fails": "the cluster's own checks show an error",
    "work_process_ended": "the last dialog work process has ended and is not started again",
    "not_listed": "the system's instance list has no row of the instance",
    "process_gone": "the process list of the instance has no row of its last process; the others are as ever",
    "host_unreachable": "nothing answers on the host's address; with `times` that many connections are reset",
    "reboot_never_returns": "the host goes down for a reboot, then stays down",
    "disk_full": "the package manager finds no space; nothing is upgraded; or R3trans writes half of its data file",
    "patch_fails": "the package manager breaks off halfway; part of the packages is upgraded",
    "no_reboot": "a reboot is accepted, then nothing happens",
    "endless_pages": "the CMDB's list never ends: every page names a next one",
    "hana_backup_fails": "a data backup fails in the middle: Backint ends with an error (447)",
    "hana_backup_full": "a data backup fails in the middle: no space is left where it goes (447)",
    "hana_backup_damaged": "the file of a data backup loses its second half on the disk, unknown to the catalog",
    "hana_stop_in_the_middle": "the database stops in the middle of a data backup, then stays stopped",
    "hana_connection_lost": "the SQL statement begins on the server, which goes on; the connection breaks off",
    "hana_hang": "no answer to an SQL statement ever comes; it is not performed",
    "hana_slow": "the SQL statement begins `seconds` real seconds late (default 5)",
    "hana_tenant_stays_down": "a database that starts, on request or after a recovery, stays STARTING",
    "hana_user_locked": "a log-on finds the database user locked (416), which it stays",
    "rfc_cut_before": "the RFC connection breaks off before the `function` is performed",
    "rfc_cut_after": "the `function` is performed; the RFC connection breaks off without an answer",
    "rfc_slow": "the answer of the `function` comes `seconds` real seconds late (default 5)",
    "rfc_no_work_process": "an RFC log-on finds no free dialog work process",
    "rfc_logon_refused": "an RFC log-on is refused, whatever the password; no wrong try is counted",
    "rfc_missing_authorization": "the `user` lacks the authorization `object`, such as S_RFC or S_TABU_DIS",
    "log_off": "the `user` logs off as a message is about to be shown to them",
    "r3trans_fails": "R3trans ends with 12 at its `operation` (connect, export, import, list); nothing is done",
    "r3trans_warns": "R3trans does its `operation` (export, import) and ends with 4",
    "r3trans_cut": "R3trans is killed when an import has done half of its tables",
    "r3trans_idle": "R3trans ends an import with 0, and has changed nothing",
    "r3trans_loses": "R3trans imports all rows of a table but the last one, and ends with 0",
    "r3trans_damaged": "the data file of R3trans loses its second half on the disk, unknown to R3trans",
    "job_never_ends": "the background `job` stays active until the fault is removed",
    "job_cancelled": "the background `job` is cancelled (00/554) when it would end",
}
FILTERS = ("host", "system", "instance", "operation", "door", "database", "function", "user", "object", "job")
FIELDS = frozenset(FILTERS) | {"name", "times", "after", "seconds", "on", "until", "until_nth", "id", "note"}


class BadFault(ValueError):
    """A fault that names something unknown; the text says what would be right."""


@dataclass
class Fault:
    """One fault that was asked for."""

    id: int
    name: str
    filters: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    after: int = 0
    seconds: float = 5.0
    on: dict[str, Any] | None = None
    until: dict[str, Any] | None = None
    until_nth: int = 1
    active: bool = True
    struck: int = 0

    def matches(self, where: dict[str, str | None]) -> bool:
        """Whether it applies to a place: every filter that is set equals the place's value."""
        return self.active and not self.spent and all(where.get(key) == value for key, value in self.filters.items())

    @property
    def spent(self) -> bool:
        """Whether it struck as often as it was asked to."""
        return self.times is not None and self.struck >= self.times

    def as_dict(self) -> dict[str, Any]:
        """The fault as plain data."""
        return {
            "id": self.id,
            "name": self.name,
            **self.filters,
            "times": self.times,
            "after": self.after,
            "seconds": self.seconds,
            "on": self.on,
            "until": self.until,
            "until_nth": self.until_nth,
            "active": self.active,
            "struck": self.struck,
        }


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._all: dict[int, Fault] = {}
        self.changed: list[Callable[[], None]] = []

    def check(self, raw: Any) -> dict[str, Any]:
        """Return ``raw`` when it is a well-formed fault.

        Raises:
            BadFault: it is not.
        """
        if not isinstance(raw, dict) or raw.get("name") not in FAULTS:
            name = raw.get("name") if isinstance(raw, dict) else raw
            raise BadFault(f"there is no fault {name!r}; there are {', '.join(sorted(FAULTS))}")
        unknown = sorted(set(raw) - FIELDS)
        if unknown:
            raise BadFault(
                f"fault {raw['name']}: unknown field {', '.join(unknown)}; known are {', '.join(sorted(FIELDS))}"
            )
        return raw

    def add(self, raw: Any) -> Fault:
        """Put a fault in force.

        Raises:
            BadFault: its name or a field is unknown.
        """
        self.check(raw)
        fault = Fault(
            id=next(self._ids),
            name=raw["name"],
            filters={key: str(raw[key]) for key in FILTERS if raw.get(key) is not None},
            times=None if raw.get("times") is None else int(raw["times"]),
            after=int(raw.get("after") or 0),
            seconds=float(raw.get("seconds", 5.0)),
            on=raw.get("on"),
            until=raw.get("until"),
            until_nth=int(raw.get("until_nth") or 1),
            active=raw.get("on") is None,
        )
        self._all[fault.id] = fault
        self._tell()
        return fault

    def remove(self, ident: int | None = None, name: str | None = None) -> int:
        """Remove one fault by id, those of a name, or all; returns how many."""
        gone = [
            key
            for key, fault in self._all.items()
            if (ident is None or key == ident) and (name is None or fault.name == name)
        ]
        for key in gone:
            del self._all[key]
        self._tell()
        return len(gone)

    def listing(self) -> list[dict[str, Any]]:
        """All faults as plain data, spent ones included."""
        return [fault.as_dict() for fault in self._all.values()]

    def known(self, ident: int) -> bool:
        """Whether the fault is still listed, spent or not: what it holds is held until it is removed."""
        return ident in self._all

    def standing(self, name: str, **where: str | None) -> Fault | None:
        """The fault of that name in force at a place, without counting it as a strike."""
        for fault in self._all.values():
            if fault.name == name and fault.matches(where):
                return fault
        return None

    def strike(self, name: str, **where: str | None) -> Fault | None:
        """As ``standing``, but counts: ``after`` passes first, ``times`` limits."""
        fault = self.standing(name, **where)
        if fault is None:
            return None
        if fault.after > 0:
            fault.after -= 1
            return None
        fault.struck += 1
        if fault.spent:
            self._tell()
        return fault

    def heard(self, entry: dict[str, Any]) -> None:
        """Make faults active that wait for this journal entry, remove those that it ends."""
        changed = False
        for fault in list(self._all.values()):
            if fault.on is not None and not fault.active and all(entry.get(k) == v for k, v in fault.on.items()):
                fault.active = changed = True
            elif fault.active and fault.until is not None and all(entry.get(k) == v for k, v in fault.until.items()):
                fault.until_nth -= 1
                if fault.until_nth < 1:
                    del self._all[fault.id]
                    changed = True
        if changed:
            self._tell()

    def _tell(self) -> None:
        for listener in list(self.changed):
            listener()
