#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a HANA system is and how it does."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hana_info
short_description: Tell what a HANA system is and how it does
version_added: 0.2.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Reads who the system is, its databases with their states, and for each active database its services, the newest
    successful backups with their age, whether a backup runs, the log mode, the encryption, the replication.
  - A part that cannot be read (a view that another revision does not have, a missing privilege) is reported in
    RV(problems), never as good and never as empty.
options:
  databases:
    description: Only these databases; all that are active when absent.
    type: list
    elements: str
  gather:
    description: Which parts are read for each database.
    type: list
    elements: str
    choices: [services, backups, log_mode, encryption, replication]
    default: [services, backups, log_mode, encryption, replication]
  backup_days:
    description: How many days of the catalog are looked through for delta and log backups.
    type: int
    default: 35
extends_documentation_fragment:
  - basis.landscape.attributes.info
  - basis.landscape.hana
seealso:
  - module: basis.landscape.hana_backup
  - module: basis.landscape.hana_sql
"""

EXAMPLES = r"""
- name: Look at the databases
  basis.landscape.hana_info:
    hana_key: MONITORING
  delegate_to: localhost
  register: hana

- name: See that every tenant has a full backup younger than a day
  ansible.builtin.assert:
    that: (item.value.backups.full.age_hours | default(9999)) < 24
    fail_msg: "{{ item.key }} has no full backup of the last day"
  loop: "{{ hana.databases | dict2items }}"
  loop_control:
    label: "{{ item.key }}"
  when: item.value.active
"""

RETURN = r"""
identity:
  description: Who the connected database says it is.
  returned: success
  type: dict
  sample: {sid: H01, database: SYSTEMDB, host: h01db1, version: 2.00.079.00.1718972880, usage: PRODUCTION}
databases:
  description: Each database by name, with C(active), C(status) and the parts that were asked for.
  returned: success
  type: dict
problems:
  description: What could not be read, each with C(database), C(part) and C(why).
  returned: success
  type: list
  elements: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
"""

import datetime
from typing import Any, Callable, Dict, List

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._hana import model, wire
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import Client, connect
from ansible_collections.basis.landscape.plugins.module_utils._hana.options import advice, hana_spec
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query

PARTS = ("services", "backups", "log_mode", "encryption", "replication")
SERVICES = ("HOST", "PORT", "SERVICE_NAME", "ACTIVE_STATUS", "SQL_PORT", "COORDINATOR_TYPE")
REPLICATION = (
    "HOST",
    "PORT",
    "SITE_NAME",
    "SECONDARY_HOST",
    "SECONDARY_SITE_NAME",
    "REPLICATION_MODE",
    "REPLICATION_STATUS",
    "REPLICATION_STATUS_DETAILS",
    "OPERATION_MODE",
)


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "databases": {"type": "list", "elements": "str"},
            "gather": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
            "backup_days": {"type": "int", "default": 35},
        }
    )
    return own.merge(hana_spec())


def backups(client: Client, database: str, now: datetime.datetime, days: int) -> Dict[str, Any]:
    """The newest successful backup of each kind with its age, and what runs."""
    found: Dict[str, Any] = {"running": []}
    newest: Dict[str, model.Backup] = {}
    since = now - datetime.timedelta(days=days)

    def note(entry: model.Backup) -> None:
        if entry.running:
            found["running"].append(entry.as_data())
        elif entry.good:
            newest[entry.kind] = entry

    for entry in client.catalog(database, (model.FULL,)):
        note(entry)
    for entry in client.catalog(database, since=since):
        if entry.kind != model.FULL:
            note(entry)
    for kind, entry in newest.items():
        when = entry.ended or entry.started
        age = None if when is None else round((now - when).total_seconds() / 3600, 2)
        found[kind] = dict(entry.as_data(), age_hours=age)
    return found


def rows(client: Client, view: str, columns: Any, database: str) -> List[Dict[str, Any]]:
    """The rows of a view as plain data with lower-case names."""
    return [{k.lower(): wire.plain(v) for k, v in row.items()} for row in client.view(view, columns, database)]


def answer(context: Context) -> Dict[str, Any]:
    """Read what was asked for; what cannot be read is a problem of its own."""
    params = context.params
    if not 0 <= params["backup_days"] <= model.LONGEST_DAYS:
        raise BadInput(
            "read the option backup_days", f"it is 0 to {model.LONGEST_DAYS} days, not {params['backup_days']}"
        )
    client = connect(params)
    try:
        identity = client.identity()
        known = client.databases()
        wanted = [name.upper() for name in params["databases"] or known]
        missing = [name for name in wanted if name not in known]
        if missing:
            raise BadInput(
                "read the databases",
                "{} has no database {}".format(identity.sid, ", ".join(missing)),
                known=list(known),
            )
        now = client.now()
        readers: Dict[str, Callable[[str], Any]] = {
            "services": lambda name: rows(client, "M_SERVICES", SERVICES, name),
            "backups": lambda name: backups(client, name, now, params["backup_days"]),
            "log_mode": lambda name: client.parameter("global.ini", "persistence", "log_mode", name),
            "encryption": lambda name: rows(client, "M_ENCRYPTION_OVERVIEW", ("*",), name),
            "replication": lambda name: rows(client, "M_SERVICE_REPLICATION", REPLICATION, name),
        }
        databases: Dict[str, Any] = {}
        problems: List[Dict[str, str]] = []
        for name in wanted:
            database = known[name]
            told: Dict[str, Any] = {"active": database.active, "status": database.status, "restart": database.restart}
            for part in params["gather"] if database.active else ():
                try:
                    told[part] = readers[part](name)
                except (Failed, Denied) as error:
                    problems.append({"database": name, "part": part, "why": error.message})
            databases[name] = told
    finally:
        client.close()
    return {
        "identity": identity._asdict(),
        "databases": databases,
        "problems": problems,
        "warnings": advice(params) + [problem["why"] for problem in problems],
    }


def main() -> None:
    """Run the module."""
    run_query(spec(), answer)


if __name__ == "__main__":
    main()
