#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a HANA database answers to statements of the user."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hana_sql
short_description: Run SQL statements in a HANA database
version_added: 0.2.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - The raw door for what the other modules do not model. Runs a list of statements in one transaction, so either all of
    them take effect or none.
  - Values are bound as parameters by the driver, never pasted into the statement.
  - It is read-only unless O(changes=true) is set. A statement that is not clearly a single query counts as a change.
  - Statements that define or operate something (C(CREATE), C(BACKUP), C(ALTER SYSTEM)) commit by themselves in HANA.
    They are no part of the transaction, and the ones before them are committed with them.
  - A password in a statement stands in the result of the task (C(invocation)) and in the system log, as every option
    does. Such a task needs C(no_log=true).
options:
  statements:
    description: The statements, in their order.
    type: list
    elements: dict
    required: true
    suboptions:
      sql:
        description: One statement, without a semicolon at its end. A C(?) stands for a parameter.
        type: str
        required: true
      parameters:
        description: The values of its parameters, in their order.
        type: list
        elements: raw
        default: []
  changes:
    description: Whether statements may change something.
    type: bool
    default: false
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.hana
attributes:
  check_mode:
    support: partial
    details: Without O(changes) it changes nothing, and runs. With it nothing is sent, and a change is announced.
  diff_mode:
    support: none
    details: What a statement would change cannot be told without running it.
seealso:
  - module: basis.landscape.hana_info
"""

EXAMPLES = r"""
- name: Read the licence
  basis.landscape.hana_sql:
    hana_key: MONITORING
    statements:
      - sql: SELECT HARDWARE_KEY, EXPIRATION_DATE, VALID FROM M_LICENSE
  delegate_to: localhost
  register: licence

- name: Forget an old entry
  basis.landscape.hana_sql:
    hana_host: prddb1.example.com
    hana_instance: "00"
    hana_database: PRD
    hana_user: BASIS_TOOLS
    hana_password: "{{ vault_hana_password }}"
    changes: true
    statements:
      - sql: DELETE FROM TOOLS.NOTES WHERE ID = ?
        parameters: [17]
  delegate_to: localhost
"""

RETURN = r"""
results:
  description: What each statement answered, in their order. Instants are ISO text, binary values hexadecimal text.
  returned: when the statements were run
  type: list
  elements: dict
  contains:
    rows:
      description: The rows of a query.
      type: list
      elements: dict
    rowcount:
      description: The number of rows returned or affected.
      type: int
error:
  description: What went wrong, with HANA's number in C(facts.code).
  returned: failure
  type: dict
"""

from typing import Any, Dict

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._hana import wire
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import connect
from ansible_collections.basis.landscape.plugins.module_utils._hana.options import advice, hana_spec
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "statements": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "sql": {"type": "str", "required": True},
                    "parameters": {"type": "list", "elements": "raw", "default": []},
                },
            },
            "changes": {"type": "bool", "default": False},
        }
    )
    return own.merge(hana_spec())


def answer(context: Context) -> Dict[str, Any]:
    """Run the statements; in check mode only those that change nothing."""
    statements = [(row["sql"], row["parameters"]) for row in context.params["statements"]]
    changing = [number for number, (sql, _values) in enumerate(statements, 1) if not wire.is_question(sql)]
    if changing and not context.params["changes"]:
        raise Denied(
            "run the statements",
            "number {} is not a single query".format(", ".join(map(str, changing))),
            reason="read_only",
            cure="Set changes: true when it is meant to change something",
        )
    said = advice(context.params)
    if changing and context.check_mode:
        return {"changed": True, "warnings": said}
    client = connect(context.params)
    try:
        results = client.run("run the statements", statements, writes=bool(changing))
    except Unknown as error:
        error.facts["changed"] = True
        raise
    finally:
        client.close()
    plain = [
        {
            "rows": [{name: wire.plain(value) for name, value in row.items()} for row in result["rows"]],
            "rowcount": result["rowcount"],
        }
        for result in results
    ]
    return {"changed": bool(changing), "results": plain, "warnings": said}


def main() -> None:
    """Run the module."""
    run_query(spec(), answer)


if __name__ == "__main__":
    main()
