#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether HANA databases are backed up."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hana_backup
short_description: Back up HANA databases and see in the catalog that it happened
version_added: 0.2.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Begins data backups asynchronously, follows them in the backup catalog, and succeeds when the catalog says
    C(successful) and names files with a content for each. Several databases are backed up side by side.
  - A data backup that runs already is waited for. When it is of the wanted kind, or a full one, it is taken as the
    wanted one, and no other is started.
  - A statement that was sent and not answered is looked after in the catalog by its own comment, never sent again.
  - When the backup vanishes from the catalog, as it does when its database stops, O(failure_grace) is waited, not
    O(timeout).
  - Every prefix gets the database and the time behind it, so that no backup overwrites another, neither an earlier one
    nor that of a database beside it.
options:
  databases:
    description:
      - The databases, V(SYSTEMDB) or tenants. More than one, and V(all), need SYSTEMDB.
      - V(all) is every active one. One that is stopped, starting or stopping is left out, with a warning, and named in
        RV(left_out); when no database is active, or the status of one is not known, the module fails.
      - One that is named has to be active. An empty list is refused.
    type: list
    elements: str
    default: [all]
  confirm_sid:
    description:
      - System ID of the system that is meant, compared with what the system itself reports. When it is another one,
        because an address or a key leads there, nothing is done.
    type: str
  kind:
    description:
      - What is backed up. A V(differential) and an V(incremental) one need a successful full one before them.
      - A V(snapshot) is one of the whole system and stays prepared until O(snapshot) confirms it.
    type: str
    choices: [full, differential, incremental, snapshot]
    default: full
  medium:
    description: Files on the host of the database, or the backup tool that HANA is set up for.
    type: str
    choices: [file, backint]
    default: file
  directory:
    description: Absolute folder on the database's host for files, when it is not the one HANA is set up with.
    type: str
  prefix:
    description: What names of backups begin with. The kind when absent.
    type: str
  tool_option:
    description: Text handed to the backup tool, for O(medium=backint).
    type: str
  comment:
    description: Text for the catalog, in front of the mark by which the module finds its backup again.
    type: str
    default: basis.landscape
  max_age_hours:
    description:
      - Nothing is backed up when a successful backup of this kind, or a full one, ended within that many hours.
      - When absent every run makes a backup.
    type: float
  snapshot:
    description:
      - What to do with a snapshot. Make it, V(confirm) it once the storage has copied it (with O(external_id)), or
        V(abandon) it.
      - The statement that abandons is known from memory only; see docs/hana.md.
    type: str
    choices: [create, confirm, abandon]
    default: create
  backup_id:
    description: The snapshot to confirm or to abandon. The prepared one when absent.
    type: int
  external_id:
    description: The storage's own name of the copied snapshot.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.hana
  - basis.landscape.wait
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
notes:
  - Idempotent with O(max_age_hours) only. Without it a backup is made each time, other than while one is running.
  - What the backup holds is not read again. C(hdbbackupcheck) does that on the host.
seealso:
  - module: basis.landscape.hana_backup_catalog
  - module: basis.landscape.hana_recovery
"""

EXAMPLES = r"""
- name: A full backup of every active database, unless there is one of today
  basis.landscape.hana_backup:
    hana_key: BACKUP
    max_age_hours: 20
    timeout: 14400
  delegate_to: localhost

- name: A differential backup of one tenant through the backup tool
  basis.landscape.hana_backup:
    hana_host: prddb1.example.com
    hana_instance: "00"
    hana_user: BACKUP_OPERATOR_USER
    hana_password: "{{ vault_backup_password }}"
    databases: [PRD]
    kind: differential
    medium: backint
  delegate_to: localhost
  register: backup

- name: Confirm the snapshot that the storage has copied
  basis.landscape.hana_backup:
    hana_key: BACKUP
    kind: snapshot
    snapshot: confirm
    external_id: array7/snap-20260510
  delegate_to: localhost
"""

RETURN = r"""
backups:
  description: The backup of each database that satisfies what was asked for, new or found.
  returned: success
  type: dict
  contains:
    id:
      description: Its backup id.
      type: int
    kind:
      description: Its kind.
      type: str
    state:
      description: What the catalog says.
      type: str
    started:
      description: Its begin, UTC.
      type: str
    ended:
      description: Its end, UTC.
      type: str
    seconds:
      description: How long it took.
      type: float
    bytes:
      description: The size of all its files.
      type: int
    destinations:
      description: Its files with C(path), C(medium), C(service), C(bytes).
      type: list
      elements: dict
before:
  description: The newest usable backup and the running one of each database.
  returned: once the catalog could be read
  type: dict
after:
  description: The same, as it was seen last.
  returned: success
  type: dict
left_out:
  description: For O(databases=all) the databases that were left out because they are not active, each with its state.
  returned: success, unless O(kind=snapshot)
  type: dict
  sample: {QAS: stopped (M_DATABASES says NO)}
steps:
  description: What was done, or would be, in order.
  returned: once the catalog could be read
  type: list
  elements: dict
error:
  description: What went wrong; C(facts.databases) has the words of each database that failed.
  returned: failure
  type: dict
"""

import datetime
import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._argspec import wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    Failed,
    TimedOut,
    Unreachable,
)
from ansible_collections.basis.landscape.plugins.module_utils._hana import model
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import SYSTEMDB, Client, Meant, connect
from ansible_collections.basis.landscape.plugins.module_utils._hana.options import advice, hana_spec
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, wait_until

DATA = (model.FULL, model.DIFFERENTIAL, model.INCREMENTAL)


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "databases": {"type": "list", "elements": "str", "default": ["all"]},
            "confirm_sid": {"type": "str"},
            "kind": {
                "type": "str",
                "choices": [model.FULL, model.DIFFERENTIAL, model.INCREMENTAL, model.SNAPSHOT],
                "default": model.FULL,
            },
            "medium": {"type": "str", "choices": ["file", "backint"], "default": "file"},
            "directory": {"type": "str"},
            "prefix": {"type": "str"},
            "tool_option": {"type": "str"},
            "comment": {"type": "str", "default": "basis.landscape"},
            "max_age_hours": {"type": "float"},
            "snapshot": {"type": "str", "choices": ["create", "confirm", "abandon"], "default": "create"},
            "backup_id": {"type": "int"},
            "external_id": {"type": "str"},
        },
        required_if=[("snapshot", "confirm", ["external_id"])],
    )
    return own.merge(hana_spec(), wait_spec())


class Seen(NamedTuple):
    """One database: the data backup that runs, the newest usable one, the newest full one, the highest id.

    :ivar fresh: the newest usable one with its files, when it is young enough.
    """

    running: Optional[model.Backup]
    newest: Optional[model.Backup]
    full: Optional[model.Backup]
    highest: int
    fresh: Optional[Dict[str, Any]] = None


State = Dict[str, Seen]


class BackupState(Operation[State]):
    """Look: catalog. Plan: who needs a backup. Act: begin each. Verify: all of them in the catalog."""

    def __init__(self, params: Dict[str, Any], client: Client) -> None:
        self._params = params
        self._client = client
        self._kind: str = params["kind"]
        self._limits = Limits(
            params["timeout"], params["delay"], grace=params["failure_grace"], patience=params["failure_grace"]
        )
        self._meant = Meant([], {})
        self._now = datetime.datetime.min
        self._mark = os.urandom(6).hex()
        self._found: Dict[str, Dict[str, Any]] = {}
        self._begun: Dict[str, int] = {}
        if params["medium"] == "backint" and params["directory"]:
            raise BadInput("read the options", "directory is for files, and medium is backint")
        if params["medium"] == "file" and params["tool_option"]:
            raise BadInput("read the options", "tool_option is for the backup tool, and medium is file")
        if params["directory"] and not params["directory"].startswith("/"):
            raise BadInput("read the option directory", f"it must be absolute, not {params['directory']!r}")
        if params["max_age_hours"] is not None and not params["max_age_hours"] > 0:
            raise BadInput("read the option max_age_hours", f"it must be greater than 0, not {params['max_age_hours']}")

    def look(self) -> State:
        """The catalog of every database that is meant."""
        self._meant = self._client.meant("back up databases", self._params["databases"], self._params["confirm_sid"])
        self._now = self._client.now()
        return {name: self._see(name) for name in self._meant.names}

    def plan(self, state: State) -> List[Action[State]]:
        """One backup for each database that needs one, then one wait for all."""
        actions: List[Action[State]] = []
        waited = False
        self._found, self._begun = {}, {}
        for name, seen in state.items():
            if seen.fresh is not None:
                self._found[name] = seen.fresh
                continue
            waited = True
            if seen.running is not None and self._suits(seen.running):
                self._begun[name] = seen.running.id
            else:
                actions.append(self._begin(name, seen))
        if waited:
            actions.append(Action("wait", "wait until the catalog shows every backup successful", None, self._wait))
        return actions

    def describe(self, state: State) -> Dict[str, Any]:
        """The newest and the running backup of each database, in words."""
        return {name: {"newest": _words(seen.newest), "running": _words(seen.running)} for name, seen in state.items()}

    def facts(self, state: State) -> Dict[str, Any]:
        """The backups, with the files of each; what was left out."""
        return {"backups": self._found, "left_out": self._meant.left_out}

    def warnings(self) -> List[str]:
        """What was left out; how the connection is made, when that is worth a word."""
        return self._meant.warnings() + advice(self._params)

    # How

    def _see(self, name: str) -> Seen:
        running = newest = full = None
        for entry in self._client.catalog(name, DATA):
            if entry.running:
                running = entry
            elif entry.good:
                newest = entry if self._suits(entry) else newest
                full = entry if entry.kind == model.FULL else full
        fresh = None
        if newest is not None and self._young(newest):
            files = list(self._client.files(name, ids=[newest.id]))
            fresh = _with_files(newest, files) if files else None
        return Seen(running, newest, full, self._client.newest(name), fresh)

    def _suits(self, entry: model.Backup) -> bool:
        return entry.kind in (self._kind, model.FULL)

    def _young(self, backup: model.Backup) -> bool:
        hours = self._params["max_age_hours"]
        return (
            hours is not None
            and backup.ended is not None
            and (self._now - backup.ended).total_seconds() <= hours * 3600
        )

    def _begin(self, name: str, seen: Seen) -> Action[State]:
        if self._kind != model.FULL and seen.full is None and not (seen.running and seen.running.kind == model.FULL):
            raise Failed(
                f"begin the {self._kind} backup of {name}",
                "it has no successful full backup to build on",
                reason="no_full_backup",
                cure="Make a full backup first (kind: full)",
            )
        destination = self._destination(name)
        words = f"begin the {self._kind} backup of {name} to {'/'.join(destination)} ({self._params['medium']})"

        def act() -> None:
            if seen.running is not None:
                self._until_ended({name: seen.running.id}, f"wait for the running backup of {name}")
            self._client.back_up(
                self._kind,
                name,
                self._params["medium"],
                destination,
                self._comment(name),
                self._params["tool_option"],
            )

        def find() -> State:
            found = wait_until(
                f"begin the {self._kind} backup of {name}",
                lambda: self._own(name, seen.highest),
                bool,
                Limits(max(self._params["failure_grace"], 1.0), min(self._limits.delay, 1.0)),
                bear=(Unreachable, TimedOut),
                describe=lambda found: "the catalog has no entry with this backup's own comment",
            ).value
            self._begun[name] = found[0].id
            return {name: seen}

        return Action(f"BACKUP DATA {name}", words, act, find)

    def _comment(self, name: str) -> str:
        return f"{self._params['comment']} [{self._mark}/{name}]"

    def _destination(self, name: str) -> List[str]:
        begin = self._params["prefix"] or f"{self._kind.upper()}_DATA_BACKUP"
        prefix = f"{begin}_{name}_{self._now.strftime('%Y%m%d_%H%M%S')}"
        return [self._params["directory"], prefix] if self._params["directory"] else [prefix]

    def _own(self, name: str, above: int) -> List[model.Backup]:
        entries = self._client.catalog(name, DATA, since=self._now - datetime.timedelta(hours=1))
        return [entry for entry in entries if entry.id > above and entry.comment == self._comment(name)]

    def _wait(self) -> State:
        ended = self._until_ended(self._begun, "back up {}".format(", ".join(self._begun)))
        bad = {name: entry for name, entry in ended.items() if not entry.good}
        if bad:
            raise Failed(
                "back up {}".format(", ".join(sorted(bad))),
                "; ".join(f"{name}: {_why(entry)}" for name, entry in sorted(bad.items())),
                reason="backup_failed",
                databases={name: entry.as_data() for name, entry in bad.items()},
                successful={name: entry.as_data() for name, entry in ended.items() if entry.good},
            )
        for name, entry in ended.items():
            files = list(self._client.files(name, ids=[entry.id]))
            empty = [file.path for file in files if file.source == "volume" and file.size <= 0]
            if not files or empty:
                raise Failed(
                    f"back up {name}",
                    "the catalog calls {} successful, and names {}".format(
                        entry.id, "no file of it" if not files else "empty files: " + ", ".join(empty)
                    ),
                    reason="backup_empty",
                )
            self._found[name] = _with_files(entry, files)
        return {name: self._see(name) for name in self._found}

    def _until_ended(self, ids: Dict[str, int], doing: str) -> Dict[str, model.Backup]:
        """The catalog entries when none runs any more."""

        def look() -> Dict[str, Tuple[Optional[model.Backup], Optional[int]]]:
            seen: Dict[str, Tuple[Optional[model.Backup], Optional[int]]] = {}
            for name, number in ids.items():
                entry = next(iter(self._client.catalog(name, ids=[number])), None)
                running = entry is not None and entry.running
                seen[name] = (entry, self._client.progress(name, number).percent if running else None)
            return seen

        def describe(seen: Dict[str, Tuple[Optional[model.Backup], Optional[int]]]) -> str:
            return "; ".join(
                f"{name} {_words(entry)}" + (f", {percent} %" if percent is not None else "")
                for name, (entry, percent) in seen.items()
                if entry is None or entry.running
            )

        waited = wait_until(
            doing,
            look,
            lambda seen: all(entry is not None and not entry.running for entry, _percent in seen.values()),
            self._limits,
            hopeless=lambda seen: any(entry is None for entry, _percent in seen.values()),
            bear=(Unreachable, TimedOut),
            describe=describe,
        )
        return {name: entry for name, (entry, _percent) in waited.value.items() if entry is not None}


class SnapshotState(Operation[Dict[str, Optional[model.Backup]]]):
    """Look: the snapshots of the system. Plan: create, confirm or abandon. Verify: its entry in the catalog."""

    def __init__(self, params: Dict[str, Any], client: Client) -> None:
        self._params = params
        self._client = client
        self._what: str = params["snapshot"]
        self._comment = f"{params['comment']} [{os.urandom(6).hex()}]"
        if client.connected_to != SYSTEMDB:
            raise BadInput("handle a snapshot", "a snapshot is one of the whole system; connect to SYSTEMDB")
        useless = [name for name in ("directory", "prefix", "tool_option", "max_age_hours") if params[name] is not None]
        if useless:
            raise BadInput("handle a snapshot", "{} cannot be used with kind: snapshot".format(", ".join(useless)))

    def look(self) -> Dict[str, Optional[model.Backup]]:
        """The prepared snapshot, with the one that was asked for."""
        self._client.confirm(f"{self._what} a snapshot", self._params["confirm_sid"])
        return self._see()

    def _see(self) -> Dict[str, Optional[model.Backup]]:
        entries = list(self._client.catalog(SYSTEMDB, (model.SNAPSHOT,)))
        prepared = next((e for e in reversed(entries) if e.state == model.PREPARED), None)
        wanted = self._params["backup_id"]
        return {
            "prepared": prepared,
            "wanted": prepared if wanted is None else next((e for e in entries if e.id == wanted), None),
        }

    def plan(self, state: Dict[str, Optional[model.Backup]]) -> List[Action[Dict[str, Optional[model.Backup]]]]:
        """Create when none is prepared; close the one that is meant."""
        prepared, wanted = state["prepared"], state["wanted"]
        if self._what == "create":
            if prepared is not None:
                raise Denied(
                    "create a snapshot",
                    f"the snapshot {prepared.id} is prepared and not closed",
                    reason="snapshot_open",
                    cure="Confirm or abandon it first",
                )
            return [
                Action(
                    "CREATE SNAPSHOT",
                    "create a snapshot of the whole system",
                    lambda: self._client.create_snapshot(self._comment, self._params["timeout"]),
                    self._created,
                )
            ]
        if wanted is None:
            raise Failed(f"{self._what} the snapshot", "there is no such snapshot in the catalog", reason="no_snapshot")
        end = model.GOOD if self._what == "confirm" else "failed"
        if wanted.state == model.GOOD and self._what == "confirm":
            return []
        if wanted.state != model.PREPARED:
            if self._what == "abandon" and wanted.state in model.BAD:
                return []
            raise Failed(
                f"{self._what} the snapshot {wanted.id}", f"it is {wanted.state}, not prepared", reason="not_prepared"
            )
        external = self._params["external_id"] if self._what == "confirm" else None
        number = wanted.id
        return [
            Action(
                "CLOSE SNAPSHOT",
                f"{self._what} the snapshot {number}",
                lambda: self._client.close_snapshot(number, external),
                lambda: self._closed(number, end),
            )
        ]

    def describe(self, state: Dict[str, Optional[model.Backup]]) -> Dict[str, Any]:
        """Both in words."""
        return {name: _words(entry) for name, entry in state.items()}

    def facts(self, state: Dict[str, Optional[model.Backup]]) -> Dict[str, Any]:
        """The snapshot as the backup of the system."""
        wanted = state["wanted"]
        return {"backups": {SYSTEMDB: wanted.as_data()} if wanted is not None else {}}

    def warnings(self) -> List[str]:
        """How the connection is made, when that is worth a word."""
        return advice(self._params)

    def _created(self) -> Dict[str, Optional[model.Backup]]:
        state = self._see()
        prepared = state["prepared"]
        if prepared is None or prepared.comment != self._comment:
            raise TimedOut("create a snapshot", "the catalog has no prepared snapshot with this one's own comment")
        return state

    def _closed(self, number: int, end: str) -> Dict[str, Optional[model.Backup]]:
        entry = next(iter(self._client.catalog(SYSTEMDB, ids=[number])), None)
        good = entry is not None and (entry.good if end == model.GOOD else entry.state in model.BAD)
        if not good:
            raise TimedOut(f"{self._what} the snapshot {number}", f"the catalog says {_words(entry)}")
        return {"prepared": None, "wanted": entry}


def _with_files(backup: model.Backup, files: List[model.File]) -> Dict[str, Any]:
    return dict(
        backup.as_data(),
        bytes=sum(file.size for file in files),
        destinations=[
            {"path": f.path, "medium": f.medium, "service": f.service, "host": f.host, "bytes": f.size} for f in files
        ],
    )


def _words(entry: Optional[model.Backup]) -> str:
    return "none" if entry is None else f"{entry.kind} {entry.id} {entry.state} ({model.text(entry.started)})"


def _why(entry: model.Backup) -> str:
    if entry.state in model.BAD:
        return f"{entry.id} is {entry.state}: {entry.message or 'HANA gives no reason; see backup.log'}"
    return f"{entry.id} is {entry.state!r}, which this collection does not know; it counts as a failure"


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> Operation[Any]:
    """The operation that the options ask for."""
    client = connect(context.params)
    if context.params["kind"] == model.SNAPSHOT:
        return SnapshotState(context.params, client)
    about = [name for name in ("backup_id", "external_id") if context.params[name] is not None]
    about += ["snapshot"] if context.params["snapshot"] != "create" else []
    if about:
        raise BadInput("read the options", "{} needs kind: snapshot".format(", ".join(about)))
    return BackupState(context.params, client)


if __name__ == "__main__":
    main()
