#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""How one tenant of a HANA system is recovered."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hana_recovery
short_description: Recover one tenant database of SAP HANA, or copy another system into it, and see that it is back
version_added: 0.2.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Overwrites one tenant by C(RECOVER DATABASE) (the logs are replayed, to the latest state or to an instant) or by
    C(RECOVER DATA) (exactly one backup). The tenant is stopped for it, and waited for until it is active again.
  - Before anything is stopped the module makes sure that the system is the one that was meant (O(confirm_sid)), that
    its usage allows to overwrite it, and that the backup catalog holds what is needed.
  - HANA itself does not fail when the logs end too early. It stops at the newest state that it can reach and calls that
    success (SAP KBA 3006027). So the instant is compared with the catalog before, and refused when no log backup began
    at or after it. What is still in the log area only, and what is behind O(catalog_path) or another system's catalog,
    cannot be seen. RV(compared) tells what was compared.
  - The catalog can be read while the tenant is active only. When it is not, O(to=instant) needs
    O(allow_earlier=true).
  - The statement is sent once. When its answer is lost the module looks at C(M_DATABASES), and fails with the kind
    V(unknown) when the tenant does not become active.
  - Every run of this module recovers. It is not idempotent, and cannot be.
  - The system database is not recovered here. That is done offline, by C(recoverSys.py) as C(<sid>adm).
options:
  database:
    description: Name of the tenant that is overwritten. It is taken in capital letters.
    type: str
    required: true
  to:
    description:
      - V(latest) replays everything that can be reached. The statement then names an instant one day in the future, as
        NetApp's guide for HANA recommends.
      - V(instant) replays until O(instant).
      - V(backup) restores one backup and replays nothing. It needs O(prefix) or O(backup_id), or O(medium=snapshot).
    type: str
    choices: [latest, instant, backup]
    required: true
  instant:
    description:
      - The instant, C(YYYY-MM-DD HH:MM:SS) in UTC, or ISO with its zone, such as V(2026-03-01T04:00:00+01:00).
      - An empty text is refused.
    type: str
  backup_id:
    description: The backup to restore, or with O(to=instant) and O(to=latest) the one to begin with.
    type: int
  medium:
    description:
      - Where the backups are. With V(backint) the catalog comes from backint, too.
      - With V(snapshot) storage has put the snapshot in place before.
    type: str
    choices: [file, backint, snapshot]
    default: file
  prefix:
    description: Path with prefix of the backup to restore, V(/backup/PRD/FULL_20260301). For O(to=backup).
    type: str
  catalog_path:
    description: Folder with the backup of the backup catalog. HANA's own catalog is used when it is not given.
    type: str
  log_paths:
    description: Folders with log backups, other than the catalog says.
    type: list
    elements: str
    default: []
  data_path:
    description: Folder with the data backups, other than the catalog says.
    type: str
  source:
    description:
      - Another system's tenant that is copied, C(tenant@SID).
      - Needs O(clear_log=true), and the root keys of the source. Bring them with
        M(basis.landscape.hana_root_keys) and hand both sides' hashes over in O(root_key_hashes).
    type: str
  clear_log:
    description:
      - Throw away what is in the log area (C(CLEAR LOG)).
      - C(RECOVER DATA) always does, so O(to=backup) is refused without it. A copy must.
    type: bool
    default: false
  confirm_sid:
    description: System ID of the system that may be overwritten. It must be the one that the system itself reports.
    type: str
    required: true
  confirm_usage:
    description:
      - Values of C(M_DATABASE.USAGE) that may be overwritten, of the system and of the tenant.
      - When not given, anything but V(PRODUCTION). A productive system must be named.
    type: list
    elements: str
  unverified:
    description:
      - Statement forms that nobody of this collection has seen run, and which are to be used all the same.
      - V(source_backint), V(catalog_backint), V(recover_data_backint), V(backup_id_catalog), V(several_log_paths). The
        first four are shaped after the public guide of AWS's Backint agent, but no system was at hand. V(root_keys) is
        a copy without O(root_key_hashes).
      - A recovery that needs one which is not named is refused with the word to add.
    type: list
    elements: str
    default: []
  allow_earlier:
    description: Recover to what can be reached when the catalog's logs end before O(instant), or have a gap.
    type: bool
    default: false
  root_key_hashes:
    description: Hashes of the root keys, as M(basis.landscape.hana_root_keys) returns them. They must be the same.
    type: dict
    suboptions:
      source:
        description: Those of the system that the backup comes from.
        type: dict
        required: true
      target:
        description: Those of this tenant, after the import.
        type: dict
        required: true
  immediate:
    description: Stop the tenant without waiting for open transactions.
    type: bool
    default: false
  pause_log_backup:
    description:
      - Switch automatic log backup of the tenant (C(enable_auto_log_backup)) off before, and back to exactly what it
        was afterwards, in every outcome.
      - When the module's own process is killed in between it stays off. RV(paused) and the steps tell what it was.
    type: bool
    default: false
  verify_user:
    description:
      - Database user of the recovered tenant, to see that it answers SQL. After a copy the users are the source's.
      - Needs O(hana_host). When it is not given, C(M_DATABASES) alone proves that the tenant is back.
    type: str
  verify_password:
    description: Password of O(verify_user).
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.hana
  - basis.landscape.wait
attributes:
  check_mode:
    support: full
    details: Everything is looked at and refused as without it. No change is sent, nothing is stopped.
  diff_mode:
    support: full
    details: Tells the steps, not the data.
notes:
  - When C(RECOVER) fails the tenant stays as HANA left it, usually stopped. The error tells its state.
  - Whether a tenant starts by itself after C(RECOVER), and what C(ACTIVE_STATUS) is meanwhile, was not seen on a real
    system. It is waited for. When it stays stopped the module fails and names the cure.
seealso:
  - module: basis.landscape.hana_backup
  - module: basis.landscape.hana_database
  - module: basis.landscape.hana_root_keys
"""

EXAMPLES = r"""
- name: Bring a tenant back to the state before the wrong transport
  delegate_to: localhost
  basis.landscape.hana_recovery:
    database: QAS
    to: instant
    instant: "2026-03-01 03:59:00"
    confirm_sid: QAS
    hana_host: qasdb1.example.com
    hana_instance: "00"
    hana_user: LANDSCAPE
    hana_password: "{{ qas_hana_password }}"
    timeout: 14400

- name: Copy production into quality by files that were made available there
  delegate_to: localhost
  basis.landscape.hana_recovery:
    database: QAS
    to: backup
    prefix: /backup/from_prd/FULL_20260301
    source: PRD@PRD
    clear_log: true
    confirm_sid: QAS
    confirm_usage: [TEST, CUSTOM]
    root_key_hashes:
      source: "{{ prd_keys.hashes }}"
      target: "{{ qas_keys.hashes }}"
    hana_host: qasdb1.example.com
    hana_instance: "00"
    hana_user: LANDSCAPE
    hana_password: "{{ qas_hana_password }}"
    timeout: 14400
"""

RETURN = r"""
before:
  description: The tenant and the other databases as they were found.
  returned: once the system could be read
  type: dict
  contains:
    state:
      description: V(started), V(stopped), V(starting) or V(stopping).
      type: str
    active:
      description: The databases that are active.
      type: list
      elements: str
  sample: {state: started, active: [SYSTEMDB, QAS]}
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
      description: C(pause), C(wait), C(stop), C(recover), C(verify) or C(resume).
      type: str
    words:
      description: The step in words. That of C(recover) is the statement.
      type: str
    outcome:
      description: V(planned), V(done), V(waited), V(failed) or V(unknown).
      type: str
    answered:
      description: V(false) when the statement was sent and not answered. The outcome is then what looking showed.
      type: bool
    why:
      description: The cause of a failure.
      type: str
sid:
  description: The system ID that the system reports.
  returned: success
  type: str
database:
  description: Name of the tenant.
  returned: success
  type: str
compared:
  description: How far the tenant's own catalog reaches. Empty when it could not be read or does not matter.
  returned: success
  type: dict
  sample:
    wanted: "2026-03-01T03:59:00Z"
    reaches: "2026-03-01T04:10:00Z"
    newest_log_backup: 1772338200000
    backups: [1772330000000]
    missing_logs: []
paused:
  description: What C(enable_auto_log_backup) was in the tenant's layer, when it was switched off for a while.
  returned: success
  type: dict
  sample: {before: null}
verified_by:
  description: What proved that the tenant is back, V(M_DATABASES), or V(SQL) when the tenant was asked, too.
  returned: success, not in check mode
  type: str
space:
  description: Bytes of the backups that are restored, and of the fullest disk for data, as far as HANA says.
  returned: success
  type: dict
  sample: {needed: 104857600, free: 1073741824, total: 8589934592}
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: V(failed), V(denied), V(unreachable), V(timed_out) or V(unknown).
      type: str
    reason:
      description:
        - Short name of the cause, such as V(wrong_system), V(usage), V(unverified), V(no_backup), V(logs) or
          V(root_keys).
      type: str
    doing:
      description: What could not be done.
      type: str
    why:
      description: The cause in words.
      type: str
    cure:
      description: What can be done about it, when that is known.
      type: str
    facts:
      description: Data of the case, for example what was compared.
      type: dict
"""

import datetime
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Failed,
    LandscapeError,
    TimedOut,
    Unknown,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._hana import model, recovery, wire
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import SqlFailed, connect
from ansible_collections.basis.landscape.plugins.module_utils._hana.options import advice, hana_spec
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._steps import tenant
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, wait_until

LOG_BACKUP = ("global.ini", "persistence", "enable_auto_log_backup")
LOG_MODE = ("global.ini", "persistence", "log_mode")


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "database": {"type": "str", "required": True},
            "to": {"type": "str", "choices": ["latest", "instant", "backup"], "required": True},
            "instant": {"type": "str"},
            "backup_id": {"type": "int"},
            "medium": {"type": "str", "choices": ["file", "backint", "snapshot"], "default": "file"},
            "prefix": {"type": "str"},
            "catalog_path": {"type": "str"},
            "log_paths": {"type": "list", "elements": "str", "default": []},
            "data_path": {"type": "str"},
            "source": {"type": "str"},
            "clear_log": {"type": "bool", "default": False},
            "confirm_sid": {"type": "str", "required": True},
            "confirm_usage": {"type": "list", "elements": "str"},
            "unverified": {"type": "list", "elements": "str", "default": []},
            "allow_earlier": {"type": "bool", "default": False},
            "root_key_hashes": {
                "type": "dict",
                "no_log": False,
                "options": {
                    "source": {"type": "dict", "required": True},
                    "target": {"type": "dict", "required": True},
                },
            },
            "immediate": {"type": "bool", "default": False},
            "pause_log_backup": {"type": "bool", "default": False},
            "verify_user": {"type": "str"},
            "verify_password": {"type": "str", "no_log": True},
        },
        required_together=[("verify_user", "verify_password")],
        required_by={"verify_user": ["hana_host"]},
    )
    return own.merge(hana_spec(), wait_spec(), fence_spec())


class State(NamedTuple):
    """What was looked at; ``log_backup`` is enable_auto_log_backup in the tenant's own layer."""

    sid: str
    databases: tenant.Databases
    now: datetime.datetime
    reach: Optional[recovery.Reach] = None
    log_backup: Optional[str] = None
    space: Dict[str, int] = {}


class Recovery(Operation[State]):
    """Look: who, usage, catalog. Plan: pause, stop, recover, verify, resume. Act: each once. Verify: M_DATABASES."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._wish = recovery.read(params)
        self._name = self._wish.database
        self._limits = Limits(
            params["timeout"], params["delay"], grace=params["failure_grace"], patience=params["failure_grace"]
        )
        if params["root_key_hashes"]:
            recovery.refuse_other_keys(params["root_key_hashes"], self._name)
        self._client = connect(params)
        tenant.refuse_another_door(self._client, self._name)
        self._remarks: List[str] = []
        self._answered = True
        self._pausing = False
        self._verified_by: Optional[str] = None

    # Look

    def look(self) -> State:
        """Is it the system that was meant, may it be overwritten, and is there what is needed."""
        identity = self._client.confirm(f"touch {self._name}", self._params["confirm_sid"])
        sid = identity.sid
        databases = self._client.databases()
        if tenant.state_of(databases, self._name) == tenant.ABSENT:
            raise Failed(
                f"recover {self._name}",
                f"{sid} has no such database",
                reason="no_database",
                cure="Create it first (hana_database with state: present)",
                known=sorted(databases),
            )
        active = databases[self._name].active
        recovery.refuse_usage(self._usages(identity, active), self._params["confirm_usage"], self._name)
        now = self._client.now()
        if self._wish.until is not None and self._wish.until > now:
            raise BadInput(
                f"recover {self._name}",
                f"the instant {model.text(self._wish.until)} lies in the future; HANA's clock says {model.text(now)}",
                cure="to: latest recovers everything that can be reached",
            )
        state = State(sid, databases, now)
        if self._wish.source is None and self._wish.prefix is None:
            state = self._with_catalog(state, active)
        if self._params["pause_log_backup"]:
            state = state._replace(log_backup=self._client.tenant_parameter(*LOG_BACKUP, database=self._name))
        if self._wish.source is not None and not self._params["root_key_hashes"]:
            self._remarks.append("Root keys were not compared. With others than the source's it is unreadable.")
        return state

    def _usages(self, system: model.Identity, active: bool) -> List[str]:
        usages = [system.usage]
        if active:  # SYS_DATABASES shows active databases only
            try:
                usages += [str(row["USAGE"] or "") for row in self._client.view("M_DATABASE", ["USAGE"], self._name)]
            except SqlFailed as error:
                self._remarks.append(f"The usage of {self._name} itself could not be read ({error.text}).")
        return usages

    def _with_catalog(self, state: State, active: bool) -> State:
        if not active:
            if self._wish.to == recovery.INSTANT and not self._params["allow_earlier"]:
                raise Failed(
                    f"recover {self._name}",
                    "its backup catalog can be read while it is active only, so nobody knows whether the logs reach to "
                    "the instant; HANA would stop earlier without an error",
                    reason="catalog_unread",
                    cure="Start it first, or say allow_earlier: true and look at the data afterwards",
                )
            self._remarks.append(f"{self._name} is not active: its backup catalog could not be looked at before.")
            return state
        if self._wish.replays and "overwrite" in self._client.parameter(*LOG_MODE, database=self._name).values():
            self._remarks.append("log_mode is overwrite: there are no log backups to replay.")
        found = recovery.reach(self._client.catalog(self._name), self._wish)
        recovery.refuse_too_short(found, self._wish, self._params["allow_earlier"])
        files = list(self._client.files(self._name, ids=[entry.id for entry in found.chain]))
        recovery.refuse_without_files(found.chain, files, self._name)
        if any(entry.kind in (model.INCREMENTAL, model.DIFFERENTIAL) for entry in found.chain):
            self._remarks.append("Delta backups are part of it; nobody of this collection has seen HANA restore them.")
        return state._replace(reach=found, space=self._space(sum(file.size for file in files)))

    def _space(self, needed: int) -> Dict[str, int]:
        disks = self._client.view("M_DISKS", ["USAGE_TYPE", "TOTAL_SIZE", "USED_SIZE"])
        data = [
            (int(row["TOTAL_SIZE"]), int(row["USED_SIZE"] or 0))
            for row in disks
            if row["USAGE_TYPE"] == "DATA" and row["TOTAL_SIZE"]
        ]
        if not data:
            return {}
        total, used = min(data, key=lambda disk: disk[0] - disk[1])
        if needed > total:  # what the tenant takes now is given back, so what is free is no limit
            self._remarks.append(f"The backups have {needed} bytes, the disk for data has {total}.")
        return {"needed": needed, "free": total - used, "total": total}

    # Plan

    def plan(self, state: State) -> List[Action[State]]:
        """What leads to the recovered tenant; what is switched for its time is switched back at the end."""
        found = tenant.state_of(state.databases, self._name)
        immediate = self._params["immediate"]
        actions: List[Action[State]] = []
        if self._params["pause_log_backup"]:
            actions.append(self._pause(state))
        if found in ("starting", "stopping") and not (found == "starting" and immediate):
            wanted = "started" if found == "starting" else "stopped"
            words = f"wait for {self._name} on {state.sid} to be {wanted}"
            actions.append(Action("wait", words, None, self._seen(state, wanted, words)))
        if found in ("started", "starting"):
            words = f"stop {self._name} on {state.sid}" + (", open transactions are broken off" if immediate else "")
            actions.append(
                Action(
                    "stop",
                    words,
                    lambda: self._client.stop_database(self._name, immediate, self._limits.timeout),
                    self._seen(state, "stopped", words),
                )
            )
        actions.append(self._recover(state))
        if self._params["verify_user"]:
            words = f"see that {self._name} answers SQL"
            actions.append(Action("verify", words, None, lambda: self._ask(state, words)))
        if self._params["pause_log_backup"]:
            actions.append(self._resume(state))
        return actions

    def _recover(self, state: State) -> Action[State]:
        clauses = self._wish.clauses(state.now)
        statement = wire.recover(self._name, **clauses)
        doing = f"recover {self._name} on {state.sid}"

        def act() -> None:
            try:
                self._client.recover(self._name, self._limits.timeout, **clauses)
            except Unknown:
                self._answered = False
                raise
            except LandscapeError as error:  # also when the user may stop and not recover: it is stopped now
                error.facts["statement"] = statement
                error.why = f"{error.why.rstrip('.')}. {self._as_left()}"
                if isinstance(error, SqlFailed):
                    error.cure = "Read backup.log of the tenant; then recover again, to another instant or backup"
                raise

        others = [name for name, database in state.databases.items() if database.active and name != self._name]

        def verify() -> State:
            # Without an answer the recovery may still go on, and what the status is meanwhile nobody knows.
            lost = ("stopped",) if self._answered else ()
            try:
                seen = self._seen(state, "started", doing, lost, others)()
            except LandscapeError as error:
                error.cure = error.cure or "Read its backup.log; start it (hana_database) once it is recovered"
                raise
            self._verified_by = "M_DATABASES"
            return seen

        return Action("recover", statement, act, verify)

    def _as_left(self) -> str:
        try:
            return f"{self._name} is {tenant.state_of(self._client.databases(), self._name)} now"
        except LandscapeError as error:
            return f"How {self._name} was left could not be read ({error.why})"

    def _ask(self, state: State, doing: str) -> State:
        own = dict(self._params, hana_user=self._params["verify_user"], hana_password=self._params["verify_password"])
        client = connect(own, self._name)
        try:
            wait_until(doing, client.answers, bool, self._limits, bear=(Unreachable, TimedOut))
        finally:
            client.close()
        self._verified_by = "SQL"
        return state._replace(databases=self._client.databases())

    def _pause(self, state: State) -> Action[State]:
        file, section, key = LOG_BACKUP

        def act() -> None:
            self._pausing = True
            try:
                self._client.set_parameter(file, "DATABASE", section, key, "no", self._name)
            except Unknown:
                raise
            except LandscapeError:
                self._pausing = False  # HANA said no: nothing is to be switched back
                raise

        words = "switch automatic log backup of {} off (it is {})".format(self._name, state.log_backup or "not set")
        return Action("pause", words, act, self._switched(state, "no", words))

    def _resume(self, state: State) -> Action[State]:
        file, section, key = LOG_BACKUP
        value = state.log_backup

        def act() -> Optional[bool]:
            if not self._pausing:
                return False
            if value is None:
                self._client.unset_parameter(file, "DATABASE", section, key, self._name)
            else:
                self._client.set_parameter(file, "DATABASE", section, key, value, self._name)
            return None

        words = "switch automatic log backup of {} back ({})".format(self._name, value or "not set")
        return Action("resume", words, act, self._switched(state, value, words), always=True)

    def _switched(self, state: State, value: Optional[str], doing: str) -> Callable[[], State]:
        def verify() -> State:
            limits = Limits(max(self._limits.grace, 0.1), self._limits.delay, patience=self._limits.patience)
            wait_until(
                doing,
                lambda: self._client.tenant_parameter(*LOG_BACKUP, database=self._name),
                lambda found: found == value,
                limits,
                bear=(Unreachable, TimedOut),
                describe=lambda found: "it is {}".format(found or "not set"),
            )
            return state._replace(databases=self._client.databases())

        return verify

    def _seen(
        self, state: State, wanted: str, doing: str, lost: Sequence[str] = (), others: Sequence[str] = ()
    ) -> Callable[[], State]:
        def verify() -> State:
            found = tenant.wait_for(self._client, self._name, wanted, self._limits, doing, lost=lost, others=others)
            return state._replace(databases=found)

        return verify

    # Tell

    def describe(self, state: State) -> Dict[str, Any]:
        """The tenant's state in a word, with the databases that are active."""
        return {
            "state": tenant.state_of(state.databases, self._name),
            "active": sorted(name for name, database in state.databases.items() if database.active),
        }

    def facts(self, state: State) -> Dict[str, Any]:
        """Which tenant of which system, what was compared before, what proved the end."""
        told: Dict[str, Any] = {
            "sid": state.sid,
            "database": self._name,
            "compared": state.reach.as_data(self._wish) if state.reach else {},
            "space": state.space,
            "paused": {"before": state.log_backup} if self._params["pause_log_backup"] else {},
        }
        if self._verified_by:
            told["verified_by"] = self._verified_by
        return told

    def warnings(self) -> List[str]:
        """What was seen on the way that a person should know."""
        return self._remarks + advice(self._params)


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> Recovery:
    """The operation that the options ask for."""
    return Recovery(context.params)


if __name__ == "__main__":
    main()
