#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a HANA host has the right root keys for one database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hana_root_keys
short_description: Compare, export or import the encryption root keys of one SAP HANA database, on its host
version_added: 0.2.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Backups that are encrypted can only be recovered with the root keys they were made with. Copying a system therefore
    begins with its keys. This module hands C(hdbnsutil) the work and sees what came of it.
  - It runs on the database host as C(<sid>adm) with that user's login environment. It needs the standard library only,
    no database driver.
  - Output that is not understood is a failure. What C(hdbnsutil) prints was not seen on a real system; the names of the
    keys come from a published test of SAP's.
  - An instance that uses the Local Secure Store (LSS) has other commands (SAP Note 3756303) and is not handled here.
options:
  state:
    description:
      - V(compared) reads the hashes and fails when they are not O(expected), when that is given.
      - V(exported) writes a backup of all root keys to O(file). A file that is there is never overwritten. The password
        that guards it must have been set in the database before (C(ALTER DATABASE ... SET ENCRYPTION ROOT KEYS BACKUP
        PASSWORD)).
      - V(imported) puts the root keys from O(file) in place, unless the hashes are O(expected) already. The database
        must be stopped; that is not checked here.
    type: str
    choices: [compared, exported, imported]
    default: compared
  dbid:
    description:
      - Number of the database. V(1) is SYSTEMDB, V(3) the first tenant.
      - The number after the dot in C(SYS_DATABASES.M_VOLUMES.SUBPATH) is the real one.
    type: int
    required: true
  confirm_sid:
    description:
      - System ID of the host's system. Required for O(state=imported).
      - It must equal the environment variable C(SAPSYSTEMNAME), which the login of C(<sid>adm) sets.
    type: str
  file:
    description:
      - File with the backup of the root keys. Required for V(exported) and V(imported).
      - Its folder must belong to this user with mode 0700, and is made when it is not there. The file gets mode 0600.
    type: path
  password:
    description:
      - Password of the root key backup. Required for O(state=imported). With V(exported) the file is validated by it.
    type: str
  password_by:
    description:
      - V(prompt) writes the password to the terminal where C(hdbnsutil) asks for it. That it asks when no password is
        on its command line is not confirmed. When it does not ask, the module fails and nothing was imported.
      - V(argument) puts it on the command line, where every user of the host can read it in the list of processes.
    type: str
    choices: [prompt, argument]
    default: prompt
  expected:
    description: Hashes by key name that are right, as RV(hashes) of the source.
    type: dict
  remove:
    description: Remove O(file) after an import, also after one that failed.
    type: bool
    default: true
  hdbnsutil_path:
    description: The program.
    type: path
    default: hdbnsutil
  timeout:
    description: Seconds for one call of the program.
    type: float
    default: 300.0
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
attributes:
  check_mode:
    support: full
    details:
      - The hashes are read, no keys are written or imported, no file is removed. The file is not validated, since that
        would hand out the password.
  diff_mode:
    support: full
seealso:
  - module: basis.landscape.hana_recovery
"""

EXAMPLES = r"""
- name: The keys of production, into a file that only prdadm reads
  become: true
  become_user: prdadm
  become_flags: -i
  basis.landscape.hana_root_keys:
    state: exported
    dbid: 3
    file: /usr/sap/PRD/home/root_keys/prd.rkb
  register: prd_keys

- name: Put them in place in quality, whose tenant is stopped
  become: true
  become_user: qasadm
  become_flags: -i
  basis.landscape.hana_root_keys:
    state: imported
    dbid: 3
    confirm_sid: QAS
    file: /usr/sap/QAS/home/root_keys/prd.rkb
    password: "{{ prd_root_key_password }}"
    expected: "{{ hostvars['prddb1'].prd_keys.hashes }}"
  register: qas_keys
"""

RETURN = r"""
hashes:
  description: The hashes of the root keys by key name, as they are at the end. They are no secret.
  returned: success
  type: dict
  sample: {PERSISTENCE Root Key: 5e884898da280471}
before:
  description: The hashes as they were found.
  returned: once they could be read
  type: dict
  contains:
    hashes:
      description: The hashes by key name.
      type: dict
    file:
      description: Whether O(file) was there.
      type: bool
after:
  description: The same as it was seen last. In check mode the same as RV(before).
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: once the hashes could be read
  type: list
  elements: dict
  contains:
    name:
      description: C(export), C(validate), C(import) or C(remove).
      type: str
    words:
      description: The step in words.
      type: str
    outcome:
      description: V(planned), V(done), V(waited), V(failed) or V(unknown).
      type: str
    answered:
      description: V(false) when the program did not end in time. The outcome is then what looking showed.
      type: bool
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
      description: Short name of the cause, such as V(keys_differ), V(malformed), V(wrong_system) or V(open_folder).
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
      description: Data of the case, for example the names of the keys that differ.
      type: dict
"""

import os
from typing import Any, Dict, List, NamedTuple

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, system_id
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed
from ansible_collections.basis.landscape.plugins.module_utils._hana import host, model
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "state": {"type": "str", "choices": ["compared", "exported", "imported"], "default": "compared"},
            "dbid": {"type": "int", "required": True},
            "confirm_sid": {"type": "str"},
            "file": {"type": "path"},
            "password": {"type": "str", "no_log": True},
            "password_by": {
                "type": "str",
                "choices": [host.PROMPT, host.ARGUMENT],
                "default": host.PROMPT,
                "no_log": False,
            },
            "expected": {"type": "dict"},
            "remove": {"type": "bool", "default": True},
            "hdbnsutil_path": {"type": "path", "default": "hdbnsutil"},
            "timeout": {"type": "float", "default": 300.0},
        },
        required_if=[
            ("state", "exported", ["file"]),
            ("state", "imported", ["file", "password", "confirm_sid"]),
        ],
    )
    return own.merge(fence_spec())


class State(NamedTuple):
    """The hashes of the keys, and whether the file is there."""

    hashes: Dict[str, str]
    file: bool


class RootKeys(Operation[State]):
    """Look: hashes. Plan: export, or validate, import, remove. Act: once. Verify: hashes, the file."""

    def __init__(self, params: Dict[str, Any]) -> None:
        self._params = params
        self._state: str = params["state"]
        self._file: str = params["file"] or ""
        self._expected: Dict[str, Any] = params["expected"] or {}
        if params["dbid"] < 1:
            raise BadInput("read the option dbid", f"it is a number from 1, not {params['dbid']}")
        if not params["timeout"] > 0:
            raise BadInput("read the option timeout", f"it must be greater than 0 seconds, not {params['timeout']}")
        if params["password"] is not None and (not params["password"] or "\n" in params["password"]):
            raise BadInput("read the option password", "it is empty, or more than one line")
        if params["expected"] is not None and not self._expected:
            raise BadInput(
                "read the option expected", "it has no hash, so nothing would be compared; leave it out or fill it"
            )
        self._program = host.Hdbnsutil(params["hdbnsutil_path"], params["dbid"], params["timeout"])

    def look(self) -> State:
        """Whose host is it, and what keys does it have."""
        if self._params["confirm_sid"] is not None:
            host.confirm(system_id(self._params["confirm_sid"], "confirm_sid"))
        return self._see()

    def plan(self, state: State) -> List[Action[State]]:
        """Nothing to compare, an export, or what an import needs."""
        if self._state == "compared":
            self._refuse_differing(state.hashes)
            return []
        if self._state == "exported":
            if state.file:
                raise host.there_already(self._file)
            return [Action("export", f"write the root keys to {self._file}", self._export, self._exported)]
        actions: List[Action[State]] = []
        if not self._expected or model.differing(state.hashes, self._expected):
            if not state.file:
                raise Failed(f"use {self._file}", "there is no such file", reason="file")
            dbid = self._params["dbid"]
            actions.append(Action("validate", f"validate {self._file}", self._validate))
            actions.append(
                Action("import", f"put the root keys of {self._file} in place for {dbid}", self._import, self._imported)
            )
        if self._params["remove"] and state.file:
            actions.append(
                Action("remove", f"remove {self._file}", lambda: host.remove(self._file), self._see, always=True)
            )
        return actions

    def describe(self, state: State) -> Dict[str, Any]:
        """Hashes, and whether the file is there."""
        return {"hashes": state.hashes, "file": state.file}

    def facts(self, state: State) -> Dict[str, Any]:
        """The hashes."""
        return {"hashes": state.hashes}

    def _see(self) -> State:
        return State(self._program.hashes(), bool(self._file) and os.path.lexists(self._file))

    def _export(self) -> None:
        host.guard(self._file, new=True)
        self._program.back_up(self._file)

    def _exported(self) -> State:
        host.guard(self._file, new=False)
        if os.path.getsize(self._file) == 0:
            raise Failed(f"write {self._file}", "hdbnsutil left it empty", reason="file")
        if self._params["password"] is not None:
            self._validate()
        return self._see()

    def _validate(self) -> bool:
        host.guard(self._file, new=False)
        self._program.validate(self._file, self._params["password"], self._params["password_by"])
        return False  # it reads only

    def _import(self) -> None:
        self._program.recover(self._file, self._params["password"], self._params["password_by"])

    def _imported(self) -> State:
        state = self._see()
        self._refuse_differing(state.hashes)
        return state

    def _refuse_differing(self, hashes: Dict[str, str]) -> None:
        differing = model.differing(hashes, self._expected) if self._expected else []
        if differing:
            raise Failed(
                f"find the expected root keys of database {self._params['dbid']}",
                "these are not the expected ones: {}".format(", ".join(differing)),
                reason="keys_differ",
                keys=differing,
                hashes=hashes,
            )


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> RootKeys:
    """The operation that the options ask for."""
    return RootKeys(context.params)


if __name__ == "__main__":
    main()
