#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an ABAP system keeps over a refresh: exported before it, imported after it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_preserved_config
short_description: Keep tables of an ABAP system over a refresh, by R3trans on a host of the system
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - A refresh replaces the whole database of a system. What belongs to the system and not to its data (destinations,
    partner profiles, jobs, licence keys, certificates) is exported before it and imported after it.
  - It runs on a host of the system as C(<sid>adm) with that user's login environment, and hands SAP's own program
    C(R3trans) control files. R3trans works on the database, so the application servers may be stopped. It needs the
    standard library only.
  - An export counts once R3trans has read its own data file again, and has told the number of rows of each table. Then
    a manifest says what it holds.
  - An import empties each table of what came with the refresh, and fills it with what was exported. Afterwards all
    tables are selected once more, and one that has another number of rows is a failure.
  - Everything that R3trans says and that is not understood is a failure.
options:
  state:
    description:
      - V(exported) sees to it that O(directory) has an export of the tables that are selected.
      - V(imported) brings back what the export in O(directory) holds. One that was proved to be back before is no
        change, and a warning says when that was.
    type: str
    choices: [exported, imported]
    required: true
  confirm_sid:
    description:
      - System ID of the system that is meant. It must equal the environment variable C(SAPSYSTEMNAME), which the login
        of C(<sid>adm) sets, and the system of the export.
    type: str
    required: true
  directory:
    description:
      - Absolute path of the folder that keeps one export, with its manifest, logs and data. It must belong to this user
        with mode 0700, and an export makes it when it is not there.
      - It has to be at a place that the refresh does not touch. The data has secrets in it, such as the encrypted
        passwords of destinations. Nothing here removes it.
    type: path
    required: true
  client:
    description:
      - V(all), or the client whose rows are exported, as three digits. Rows of tables without a client are taken in any
        case.
      - By default V(all) for an export. An import goes to the clients of the export, and refuses another one.
      - What C(delete from) empties when a single client is exported is not confirmed.
    type: str
  groups:
    description:
      - Tables to export, by what they are for.
      - The default names the groups whose tables stand in a control file that is in use for refreshes. The others are
        from memory, and are not taken unasked. Those are V(users), V(clients), V(transport), V(operation_modes),
        V(profiles), V(spool_devices), V(sapconnect), V(services), V(background), V(archive_links),
        V(external_commands), V(certificates) and V(queues).
      - For users, a client copy with the profile C(SAP_USER) is the better way.
    type: list
    elements: str
    choices:
      - rfc
      - secure_store
      - logon_groups
      - tms
      - ale_edi
      - jobs
      - licence
      - sso_pse
      - others
      - users
      - clients
      - transport
      - operation_modes
      - profiles
      - spool_devices
      - sapconnect
      - services
      - background
      - archive_links
      - external_commands
      - certificates
      - queues
    default: [rfc, secure_store, logon_groups, tms, ale_edi, jobs, licence, sso_pse, others]
  tables:
    description: More tables to export, or a condition for one that a group has.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the table.
        type: str
        required: true
      where:
        description:
          - Which of its rows, in the words of R3trans, without the word C(where). The import empties only these.
          - That C(delete from) takes a condition is not confirmed.
        type: str
  exclude:
    description: Tables of the groups that are not exported.
    type: list
    elements: str
    default: []
  missing:
    description:
      - What a table means that this release does not have. V(fail) is a failure that names it. With V(leave_out) it is
        left out, is returned in RV(left_out) and stands in the manifest.
    type: str
    choices: [fail, leave_out]
    default: fail
  max_age_hours:
    description: How old an export of the same tables may be to count as this one.
    type: float
    default: 24.0
  replace:
    description:
      - Whether an export that is too old, of other tables, or damaged, is set aside for a new one. It keeps its data
        file, and its manifest gets another name. It is never overwritten.
      - Without this it is a failure. After the refresh, a new export would hold what the source had.
    type: bool
    default: false
  run:
    description: V(again) imports an export also when it was proved to be back before.
    type: str
    choices: [once, again]
    default: once
  compare:
    description:
      - How the proof of an import compares. V(counts) compares the number of rows of each table.
      - V(rows) compares the rows as well. R3trans lists both data files for it (C(-v -l)), with all rows in a file in
        O(directory) that is removed at once. The form of that list is known from one source.
    type: str
    choices: [counts, rows]
    default: counts
  count_patterns:
    description:
      - Patterns of lines in the log of an export that tell a number of rows, with the named groups C(table) and
        C(count).
      - The default is known from published logs of transport requests, not from one of an export by tables. A table
        that no line tells of is a failure that shows the lines, never zero rows.
    type: list
    elements: str
    default: ['(?P<count>[0-9]+) entr(?:y|ies) from (?P<table>[A-Z0-9_/]+) exported']
  missing_patterns:
    description:
      - Patterns of lines in the log of an export that say that a table is not there, with the named group C(table).
      - The default is how the simulator of this project words it, not a real system. When no line fits, the export
        fails by its return code all the same, or by the missing number of rows. Then name the tables in O(exclude).
    type: list
    elements: str
    default: ['[Tt]able (?P<table>[A-Z0-9_/]+) does not exist']
  r3trans_path:
    description: The program.
    type: path
    default: R3trans
  timeout:
    description:
      - Seconds for one run of R3trans. One that reads is ended then. An import goes on, and while it does the module
        refuses to begin another one.
      - Within 300 of them the database has to answer, which is looked at first.
    type: float
    default: 14400.0
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
attributes:
  check_mode:
    support: full
    details:
      - The system, the manifest, the checksum of the data and the way to the database are looked at. Nothing is
        exported or imported, so tables that the release does not have are not found.
  diff_mode:
    support: full
notes:
  - An import that failed or was ended in the middle can be run again. Each table is emptied before it is filled, so
    the second time comes to the same. An import that is begun takes back that an earlier one was proved, so the next
    run imports also without O(run=again).
  - An import in which R3trans ends with an error is reported as changed, since tables may be empty.
  - Nobody may work in the system between an import and its proof, or tables like C(TBTCO) have other numbers. Best is
    to import while the application servers are stopped, which then also read nothing from old buffers.
  - Rows of C(RSECTAB) and C(RFCDESSECU) are encrypted with the key of the system. An import of them always warns. Check
    the secure storage (C(SECSTORE)) after it.
  - Whether R3trans reaches the database of this system and of no other is what the environment of C(<sid>adm) says.
seealso:
  - module: basis.landscape.sap_client_copy
  - module: basis.landscape.sap_background_jobs
  - module: basis.landscape.sap_bdls
"""

EXAMPLES = r"""
- name: Keep what belongs to quality, before its database is replaced
  become: true
  become_user: qasadm
  become_flags: -i
  basis.landscape.sap_preserved_config:
    state: exported
    confirm_sid: QAS
    directory: /usr/sap/QAS/home/preserved/2026-11
    missing: leave_out
    exclude: [TBTCO, TBTCP]
    tables:
      - name: ZOWN_SETTINGS
      - name: TVARVC
        where: NAME like 'ZQAS%'
  register: kept

- name: Bring it back, after the recovery and before the start of the application servers
  become: true
  become_user: qasadm
  become_flags: -i
  basis.landscape.sap_preserved_config:
    state: imported
    confirm_sid: QAS
    directory: /usr/sap/QAS/home/preserved/2026-11
    compare: rows
"""

RETURN = r"""
manifest:
  description: Path of the manifest.
  returned: success
  type: str
data:
  description: Path of the data file. Null when there is none yet.
  returned: success
  type: str
client:
  description: Client of the export, or V(all).
  returned: success
  type: str
tables:
  description: What the export holds.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the table.
      type: str
    where:
      description: Condition of its rows. Empty for all.
      type: str
    rows:
      description: How many were exported.
      type: int
    found:
      description: How many were there after the import. Null when this run imported nothing.
      type: int
left_out:
  description: Tables that were asked for and are not in this release, so that they are not in the export.
  returned: success
  type: list
  elements: str
set_aside:
  description: Path of the manifest of an export that was set aside. Null when there was none.
  returned: success
  type: str
before:
  description: The export as it was found.
  returned: once it could be looked at
  type: dict
  contains:
    exported:
      description: When it was made, in UTC. Empty when there is none.
      type: str
    imported:
      description:
        - When the last import of it was proved to be back. Empty when there was none, or it was not proved.
      type: str
    tables:
      description: Rows by table.
      type: dict
after:
  description: The same as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once it could be looked at
  type: list
  elements: dict
  contains:
    name:
      description: C(export), C(import) or C(record).
      type: str
    words:
      description: The step in words.
      type: str
    outcome:
      description: V(planned), V(done), V(waited), V(failed) or V(unknown).
      type: str
    why:
      description: The cause of a failure.
      type: str
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    kind:
      description: V(failed), V(denied), V(timed_out) or V(unknown).
      type: str
    reason:
      description:
        - Short name of the cause, such as V(wrong_system), V(wrong_client), V(no_export), V(export_exists),
          V(manifest), V(data_file), V(open_folder), V(no_r3trans), V(r3trans), V(r3trans_cut), V(r3trans_slow),
          V(still_running), V(table_missing), V(counts_unreadable), V(rows_unreadable), V(not_restored).
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
      description: Data of the case, for example C(tables), or the C(code) and the last C(lines) of R3trans.
      type: dict
"""

import os
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, system_id
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._r3trans import client, groups, manifest, wire
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.manifest import Manifest

EXPORTED = "exported"
IMPORTED = "imported"


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "state": {"type": "str", "choices": [EXPORTED, IMPORTED], "required": True},
            "confirm_sid": {"type": "str", "required": True},
            "directory": {"type": "path", "required": True},
            "client": {"type": "str"},
            "groups": {
                "type": "list",
                "elements": "str",
                "choices": list(groups.GROUPS),
                "default": list(groups.DEFAULT),
            },
            "tables": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": {"type": "str", "required": True}, "where": {"type": "str"}},
            },
            "exclude": {"type": "list", "elements": "str", "default": []},
            "missing": {"type": "str", "choices": ["fail", "leave_out"], "default": "fail"},
            "max_age_hours": {"type": "float", "default": 24.0},
            "replace": {"type": "bool", "default": False},
            "run": {"type": "str", "choices": ["once", "again"], "default": "once"},
            "compare": {"type": "str", "choices": [client.COUNTS, client.ROWS], "default": client.COUNTS},
            "count_patterns": {"type": "list", "elements": "str", "default": [wire.COUNTS]},
            "missing_patterns": {"type": "list", "elements": "str", "default": [wire.MISSING]},
            "r3trans_path": {"type": "path", "default": "R3trans"},
            "timeout": {"type": "float", "default": 14400.0},
        }
    )
    return own.merge(fence_spec())


class State(NamedTuple):
    """The export that the folder has, and what is wrong with it."""

    manifest: Optional[Manifest]
    defect: str = ""


class PreservedConfig(Operation[State]):
    """What the two states share: the options, the folder, the program."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._sid = system_id(params["confirm_sid"], "confirm_sid")
        self._folder: str = params["directory"]
        if not os.path.isabs(self._folder):
            raise BadInput("read the option directory", f"it must be an absolute path, not {self._folder!r}")
        for name in ("timeout", "max_age_hours"):
            if not params[name] > 0:
                raise BadInput(f"read the option {name}", f"it must be greater than 0, not {params[name]}")
        self._client = None if params["client"] is None else wire.client_number(params["client"])
        reading = wire.Reading(params["count_patterns"], params["missing_patterns"])
        self._program = client.R3trans(params["r3trans_path"], self._folder, reading, params["timeout"])
        self._found: Dict[str, int] = {}
        self._aside: Optional[str] = None
        self._warned: List[str] = []

    def describe(self, state: State) -> Dict[str, Any]:
        """When it was exported, when it was imported, rows by table."""
        found = state.manifest
        return {
            "exported": found.exported if found else "",
            "imported": found.imported if found else "",
            "tables": {held.table.name: held.rows for held in found.held} if found else {},
        }

    def facts(self, state: State) -> Dict[str, Any]:
        """Where it is, and what it holds."""
        found = state.manifest
        return {
            "manifest": os.path.join(self._folder, manifest.NAME),
            "data": os.path.join(self._folder, found.data) if found else None,
            "client": found.client if found else self._client or wire.ALL_CLIENTS,
            "tables": [
                dict(held.table._asdict(), rows=held.rows, found=self._found.get(held.table.name))
                for held in (found.held if found else [])
            ],
            "left_out": [table.name for table in (found.left_out if found else [])],
            "set_aside": self._aside,
        }

    def warnings(self) -> List[str]:
        """What R3trans warned of, and what an administrator has to know."""
        return self._warned

    def _read(self) -> Optional[Manifest]:
        """The manifest of the folder.

        :raises Denied: the export is another system's.
        """
        client.confirm(self._sid)
        if not os.path.lexists(self._folder):
            return None
        manifest.private(self._folder)
        found = manifest.read(self._folder)
        if found is not None and found.sid != self._sid:
            raise Denied(
                f"use the export in {self._folder}",
                f"it is of {found.sid}, not of {self._sid}",
                reason="wrong_system",
                answered=found.sid,
            )
        return found

    def _seen(self) -> State:
        found = self._read()
        if found is not None:
            manifest.verify(self._folder, found)
        return State(found)


class Export(PreservedConfig):
    """Look: is there a good one. Plan: export, with an old one set aside. Verify: manifest, data file."""

    def __init__(self, params: Dict[str, Any]) -> None:
        super().__init__(params)
        self._tables = groups.selection(params["groups"], params["tables"], params["exclude"])
        self._leave_out = params["missing"] == "leave_out"

    def look(self) -> State:
        """What the folder has; the database is asked when there is something to do."""
        try:
            state = self._seen()
        except (BadInput, Failed) as error:
            if error.reason not in ("manifest", "data_file"):
                raise
            state = State(None if error.reason == "manifest" else manifest.read(self._folder), error.why)
        if self._why(state) is not None:
            self._program.connect()
        return state

    def _why(self, state: State) -> Optional[str]:
        """Why what is there is not the export that is asked for; empty when nothing is there; None when it is."""
        found = state.manifest
        if state.defect or found is None:
            return state.defect
        if found.client != (self._client or wire.ALL_CLIENTS):
            return f"it is of client {found.client}"
        if found.selected != self._tables or (found.left_out and not self._leave_out):
            return "it is of other tables"
        hours = found.age() / 3600
        return None if hours <= self._params["max_age_hours"] else f"it is {hours:.1f} hours old"

    def plan(self, state: State) -> List[Action[State]]:
        """Nothing, or an export."""
        why = self._why(state)
        if why is None:
            return []
        if why and not self._params["replace"]:
            raise Failed(
                f"export to {self._folder}",
                f"an export is there already, and {why}",
                reason="export_exists",
                cure="Name another folder, or set replace when this one is not needed any more",
            )
        of = self._client or wire.ALL_CLIENTS
        words = f"export {len(self._tables)} tables of {self._sid}, client {of}, to {self._folder}"
        if why:
            words += f", and set the export there aside, since {why}"
        return [Action("export", words, lambda: self._export(state, bool(why)), self._seen)]

    def _export(self, old: State, aside: bool) -> None:
        manifest.make_private(self._folder)
        of, when = self._client or wire.ALL_CLIENTS, manifest.now()
        path = os.path.join(self._folder, manifest.stem(self._sid, when))
        made = self._program.export(self._tables, of, path, leave_out=self._leave_out)
        self._warned += made.warnings
        if made.left_out:
            names = ", ".join(table.name for table in made.left_out)
            self._warned.append(f"Not in this release, and so not in the export: {names}.")
        data = f"{path}.dat"
        if aside:  # only now: a new one that fails leaves the old one in its place
            self._aside = manifest.set_aside(self._folder, old.manifest)
        manifest.write(
            self._folder,
            Manifest(
                sid=self._sid,
                client=of,
                exported=when,
                data=os.path.basename(data),
                size=os.path.getsize(data),
                sha256=manifest.digest(data),
                r3trans=made.version,
                held=made.held,
                left_out=made.left_out,
            ),
        )


class Import(PreservedConfig):
    """Look: manifest, checksum. Plan: import unless it is back. Verify: all tables selected once more, compared."""

    def __init__(self, params: Dict[str, Any]) -> None:
        super().__init__(params)
        self._unsure: Optional[Unknown] = None

    def look(self) -> State:
        """A good export of this system; the database is asked when there is something to do."""
        found = self._seen().manifest
        if found is None:
            raise Failed(
                f"import into {self._sid}",
                f"there is no {manifest.NAME} in {self._folder}",
                reason="no_export",
                cure="Export before the refresh; after it the system's own configuration is in its backups only",
            )
        if self._client not in (None, found.client):
            raise Denied(
                f"import into client {self._client}",
                f"the export is of client {found.client}",
                reason="wrong_client",
                answered=found.client,
            )
        if self._due(found):
            self._program.connect()
        return State(found)

    def _due(self, found: Manifest) -> bool:
        return not found.imported or self._params["run"] == "again"

    def plan(self, state: State) -> List[Action[State]]:
        """Nothing, or the import with its record."""
        found = state.manifest
        if found is None:
            return []
        if not self._due(found):
            self._warned.append(
                f"It was proved to be back at {found.imported}, and the tables were not looked at now. After another "
                "refresh since then, use run=again."
            )
            return []
        words = f"empty {len(found.held)} tables of {self._sid}, client {found.client}, and import {found.data}"
        encrypted = [h.table.name for h in found.held if h.rows and h.table.name in groups.ENCRYPTED]
        if encrypted:
            self._warned.append(
                "Rows of {} are encrypted with the key of the system: check the secure storage (SECSTORE) after the "
                "import, and bring the system's key back when it cannot be read.".format(", ".join(encrypted))
            )
        if found.left_out:
            names = ", ".join(table.name for table in found.left_out)
            self._warned.append(f"Not in the export, and so not brought back: {names}.")
        return [
            Action("import", words, lambda: self._import(found), lambda: self._compared(found)),
            Action(
                "record", "note in the manifest that it is back", lambda: self._record(found), self._seen, note=True
            ),
        ]

    def _import(self, found: Manifest) -> None:
        try:
            self._warned += self._program.restore(found)
        except Unknown as error:
            self._unsure = error
            raise
        except Failed as error:
            if error.reason == "r3trans":  # it was started, so tables may be empty now
                error.facts["changed"] = True
            raise

    def _compared(self, found: Manifest) -> State:
        if self._unsure is not None:
            raise self._unsure  # equal numbers would not show that all of it is there
        self._found = self._program.compare(found, self._params["compare"])
        return State(found)

    def _record(self, found: Manifest) -> bool:
        manifest.write(self._folder, found._replace(imported=manifest.now()))
        return False


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> PreservedConfig:
    """The operation that the options ask for."""
    return (Export if context.params["state"] == EXPORTED else Import)(context.params)


if __name__ == "__main__":
    main()
