#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The raw door to the function modules of an ABAP system."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rfc_call
short_description: Call a remote-enabled function module of an ABAP system
version_added: 0.3.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Calls one function module and returns what it answers. For what no other module of this collection models.
  - Function modules that are known to read are called freely. Everything else needs O(changes=true), is sent once, and
    is never repeated. When no answer comes, or a short dump ends it in the middle, the kind of the error is V(unknown),
    and it may have happened.
  - A message of type E, A or X in any parameter of the form of BAPIRET2, such as C(RETURN), is a failure with the
    system's text.
  - Names of parameters and types of values are checked against the system's own interface before anything is sent,
    where the library does so.
options:
  function:
    description: Name of the function module. It is taken in capital letters.
    type: str
    required: true
  parameters:
    description:
      - Import, changing and table parameters by name. A structure is a mapping, a table is a list of mappings.
      - Numbers must be numbers, not text. Binary parameters cannot be given.
      - Text that is longer than its field is cut by the libraries without a word, so the function may act on something
        else. Look up the lengths in the function's interface.
      - With O(rfc_provider=soap) a table comes back only when it is named here, even empty. C(RETURN) of functions that
        begin with C(BAPI_) is always named. All values are text then.
      - They stand in the result of the task (C(invocation)) and in logs. A password belongs into O(secret_parameters).
    type: dict
    default: {}
  secret_parameters:
    description:
      - More parameters by name, such as a password. Ansible hides their values in results and logs.
      - A name is given here or in O(parameters), not in both.
    type: dict
    default: {}
  changes:
    description: States that the call may change something. Needed for every function that is not known to read.
    type: bool
    default: false
  commit:
    description:
      - Call C(BAPI_TRANSACTION_COMMIT) afterwards, in the same session, when the function reports no error. Most BAPIs
        that change something keep nothing without it. After an error nothing is committed.
      - Not possible with O(rfc_provider=soap), where each call is a session of its own.
    type: bool
    default: false
  check_messages:
    description: Whether messages of type E, A or X in the answer are a failure.
    type: bool
    default: true
  confirm_sid:
    description: System ID that the system must report before anything is called.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.rfc
attributes:
  check_mode:
    support: partial
    details: Function modules that read are called. All others are not called and are reported as changed.
  diff_mode:
    support: none
    details: What an unknown function module changes cannot be told.
seealso:
  - module: basis.landscape.sap_job
  - module: basis.landscape.sap_users
"""

EXAMPLES = r"""
- name: Who is it
  delegate_to: localhost
  basis.landscape.rfc_call:
    function: RFC_SYSTEM_INFO
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
  register: system

- name: The clients with their logical systems
  delegate_to: localhost
  basis.landscape.rfc_call:
    function: RFC_READ_TABLE
    parameters:
      QUERY_TABLE: T000
      DELIMITER: "|"
      FIELDS:
        - FIELDNAME: MANDT
        - FIELDNAME: LOGSYS
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"

- name: Send a message to one user
  delegate_to: localhost
  basis.landscape.rfc_call:
    function: TH_POPUP
    parameters:
      CLIENT: "100"
      USER: MILLER
      MESSAGE: The system stops in ten minutes.
    changes: true
    confirm_sid: PRD
    rfc_host: prdapp1.example.com
    rfc_instance: "00"
    rfc_client: "100"
    rfc_user: BASIS_AUTO
    rfc_password: "{{ vault_rfc_password }}"
"""

RETURN = r"""
answer:
  description:
    - Export parameters and tables as plain data. Binary values are hexadecimal text, dates and times as SAP writes them
      (C(20260302), C(120000)), packed numbers are text where the library gives decimals.
    - What else stands in it (changing parameters, tables that were sent) is up to the library.
  returned: success, when the function was called
  type: dict
messages:
  description: The messages among the answer, with C(type), C(id) and C(text).
  returned: success, when the function was called
  type: list
  elements: dict
called:
  description: Whether the function was called. False in check mode for what may change something.
  returned: success
  type: bool
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
        - Short name of the cause, such as V(call_failed) for the system's own no, V(logon_refused),
          V(logon_failed) for a refusal in words that are not known,
          V(no_longer_let_in) for a logon that worked before, V(no_work_process), V(authorization), V(no_library),
          V(not_sent) for a parameter that does not fit.
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
      description:
        - Data of the case, such as C(key), the name of an exception, or C(message), class and number. What is
          V(unknown) has C(cause), which is C(connection_lost), C(no_answer_in_time), C(no_work_process) or C(aborted).
      type: dict
"""

from typing import Any, Dict

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Denied,
    LandscapeError,
    Unknown,
)
from ansible_collections.basis.landscape.plugins.module_utils._fence import fenced
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query
from ansible_collections.basis.landscape.plugins.module_utils._rfc import model
from ansible_collections.basis.landscape.plugins.module_utils._rfc.client import connect, told
from ansible_collections.basis.landscape.plugins.module_utils._rfc.functions import changes
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import advice, rfc_spec


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "function": {"type": "str", "required": True},
            "parameters": {"type": "dict", "default": {}},
            "secret_parameters": {"type": "dict", "default": {}, "no_log": True},
            "changes": {"type": "bool", "default": False},
            "commit": {"type": "bool", "default": False},
            "check_messages": {"type": "bool", "default": True},
            "confirm_sid": {"type": "str"},
        }
    )
    return own.merge(rfc_spec(), fence_spec())


def call(context: Context) -> Dict[str, Any]:
    """Call the function, or say that it would be called."""
    params = context.params
    function: str = params["function"].strip().upper()
    doing = f"call {function}"
    changing = changes(function) or params["commit"]
    if changing and not params["changes"]:
        raise Denied(
            doing,
            "it is not known to read only" if changes(function) else "commit is true",
            reason="changes_not_stated",
            cure="Say changes: true when that is what you want",
        )
    client = connect(params)
    if params["commit"] and not client.link.stateful:
        raise BadInput(doing, "commit is true, and over the SOAP service each call is a session of its own")
    said = advice(params)
    parameters = {name.upper(): value for name, value in params["parameters"].items()}
    secret = {name.upper(): value for name, value in params["secret_parameters"].items()}
    twice = sorted(set(parameters) & set(secret))
    if twice:
        raise BadInput(doing, "{} stands in parameters and in secret_parameters".format(", ".join(twice)))
    parameters.update(secret)
    check: bool = params["check_messages"]
    done = False
    try:
        if params["confirm_sid"] is not None:
            client.confirm(doing, params["confirm_sid"])
        if not changing:
            answer = client.ask(doing, function, parameters, check)
        elif context.check_mode:
            return {"changed": True, "called": False, "warnings": said}
        else:
            with fenced(params["fence"], doing=doing):
                answer = client.tell(doing, function, parameters, check)
                done = True
                if params["commit"] and not any(message.failed for message in model.messages(answer)):
                    client.commit(f"commit what {function} did")
    except LandscapeError as error:
        if done or isinstance(error, Unknown):
            error.facts["changed"] = True
        raise
    finally:
        client.close()
    return {
        "changed": changing,
        "called": True,
        "answer": model.plain(answer),
        "messages": told(model.messages(answer)),
        "warnings": said,
    }


def main() -> None:
    """Run the module."""
    run_query(spec(), call)


if __name__ == "__main__":
    main()
