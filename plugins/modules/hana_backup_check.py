#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether files of HANA backups can be read again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hana_backup_check
short_description: Read files of HANA backups again with SAP's own checker, on the database's host
version_added: 0.2.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - The backup catalog says that a backup was written, not that its files can still be read. C(hdbbackupcheck) reads
    each file to its end, and compares its checksums.
  - Every file is checked, also after one that is bad; then the module fails with the words about each bad one.
  - Only the exit code 0 makes a file a good one.
options:
  files:
    description: Absolute paths of the files, as C(destinations) of M(basis.landscape.hana_backup) names them.
    type: list
    elements: path
    required: true
  missing:
    description:
      - What a host without the program means. V(fail) is a failure. With V(skip) nothing is checked, RV(available) is
        V(false), and a warning says so.
    type: str
    choices: [fail, skip]
    default: fail
  hdbbackupcheck_path:
    description: The program.
    type: path
    default: hdbbackupcheck
  timeout:
    description: Seconds for one file. A checker that is not through by then is ended, and its file counts as bad.
    type: float
    default: 14400.0
extends_documentation_fragment:
  - basis.landscape.attributes.info
notes:
  - Runs as C(<sid>adm) with that user's login environment, or as another user who may read the files.
  - Each file is read in whole, which takes as long as the disks need.
  - What a backup tool keeps (Backint) has no file on the host. The tool's own catalog is the place to check it.
seealso:
  - module: basis.landscape.hana_backup
"""

EXAMPLES = r"""
- name: Back up, then read again what was written
  basis.landscape.hana_backup:
    hana_key: BACKUP
  delegate_to: localhost
  register: backup

- name: Read it again
  become: true
  become_user: prdadm
  become_flags: -i
  basis.landscape.hana_backup_check:
    files: "{{ backup.backups.values() | map(attribute='destinations') | flatten | map(attribute='path') }}"
"""

RETURN = r"""
available:
  description: Whether the host has the program.
  returned: success
  type: bool
checked:
  description: The files that are good.
  returned: success
  type: list
  elements: str
error:
  description: What went wrong; C(facts.bad) has the words about each bad file, C(facts.good) names the good ones.
  returned: failure
  type: dict
"""

import os
import shutil
from typing import Any, Dict, List

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed
from ansible_collections.basis.landscape.plugins.module_utils._hana import host
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query


def spec() -> ArgumentSpec:
    """The options of the module."""
    return ArgumentSpec(
        {
            "files": {"type": "list", "elements": "path", "required": True},
            "missing": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
            "hdbbackupcheck_path": {"type": "path", "default": "hdbbackupcheck"},
            "timeout": {"type": "float", "default": 14400.0},
        }
    )


def answer(context: Context) -> Dict[str, Any]:
    """The good files; a failure when one is bad."""
    files, timeout = context.params["files"], context.params["timeout"]
    doing = "check {}".format("the backup file" if len(files) == 1 else f"{len(files)} backup files")
    relative = [path for path in files if not os.path.isabs(path)]
    if not files or relative:
        why = (
            "paths must be absolute: " + ", ".join(relative)
            if relative
            else "there is none, so nothing would be checked"
        )
        raise BadInput("read the option files", why)
    if not timeout > 0:
        raise BadInput("read the option timeout", f"it must be greater than 0 seconds, not {timeout}")
    program = shutil.which(context.params["hdbbackupcheck_path"])
    if program is None:
        text = "there is no {} here".format(context.params["hdbbackupcheck_path"])
        if context.params["missing"] == "skip":
            return {"available": False, "checked": [], "warnings": [f"No backup file was read again: {text}."]}
        raise Failed(
            doing,
            text,
            reason="no_hdbbackupcheck",
            cure="Run it on the database host as <sid>adm with its environment, or set hdbbackupcheck_path",
        )
    bad: Dict[str, str] = {}
    for path in files:
        why = host.backup_defect(program, path, timeout)
        if why:
            bad[path] = why
    good: List[str] = [path for path in files if path not in bad]
    if bad:
        raise Failed(
            doing,
            "; ".join(f"{path}: {why}" for path, why in bad.items()),
            reason="backup_damaged",
            cure="Make a new full backup: what is recovered from these files is not what was backed up",
            bad=bad,
            good=good,
        )
    return {"available": True, "checked": good}


def main() -> None:
    """Run the module."""
    run_query(spec(), answer)


if __name__ == "__main__":
    main()
