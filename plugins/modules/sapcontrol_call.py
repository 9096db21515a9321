#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The raw door to sapstartsrv."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sapcontrol_call
short_description: Call any function of SAPControl
version_added: 0.1.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Calls one function of an instance's sapstartsrv and returns its answer. For what no other module of this collection
    models.
  - Functions that are known to read are called freely. Everything else needs O(changes=true), is sent once, and is not
    waited for.
  - Parameters of known functions are checked and sorted. None is filled in, dropped or changed on the way.
options:
  number:
    description: Instance number.
    type: str
    required: true
  function:
    description: Name of the function as in the web service's WSDL, such as V(GetQueueStatistic).
    type: str
    required: true
  parameters:
    description: Parameters by name.
    type: dict
    default: {}
  changes:
    description: States that the call may change something. Needed for every function that is not known to read.
    type: bool
    default: false
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.fence
  - basis.landscape.sapcontrol
attributes:
  check_mode:
    support: partial
    details: Functions that read are called. All others are checked, not called, and reported as changed.
  diff_mode:
    support: none
    details: What an unknown function changes cannot be told.
seealso:
  - module: basis.landscape.sap_instance
  - module: basis.landscape.sap_system
"""

EXAMPLES = r"""
- name: Read the queues of the dispatcher
  become: true
  become_user: prdadm
  basis.landscape.sapcontrol_call:
    number: "01"
    function: GetQueueStatistic
  register: queues

- name: Take a dialog instance out of the load balancing
  become: true
  become_user: prdadm
  basis.landscape.sapcontrol_call:
    number: "01"
    function: ABAPSetServerInactive
    parameters:
      inactive: true
    changes: true
"""

RETURN = r"""
answer:
  description: The answer as plain data. Lists for arrays, mappings for structures, texts for the rest.
  returned: success, when the function was called
  type: dict
  sample: {queue: [{Typ: ABAP/DIA, Now: "0", High: "4", Max: "14000", Writes: "812", Reads: "812"}]}
called:
  description: Whether the function was called. False in check mode for what may change something.
  returned: success
  type: bool
error:
  description: What went wrong, as in M(basis.landscape.sap_instance). A SOAP fault has the reason V(fault).
  returned: failure
  type: dict
"""

from typing import Any, Dict

from ansible_collections.basis.landscape.plugins.module_utils._argspec import fence_spec, instance_number
from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied
from ansible_collections.basis.landscape.plugins.module_utils._fence import fenced
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import address_of, connect, sapcontrol_spec
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.functions import FUNCTIONS, changes
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.wire import encode


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "number": {"type": "str", "required": True},
            "function": {"type": "str", "required": True},
            "parameters": {"type": "dict", "default": {}},
            "changes": {"type": "bool", "default": False},
        }
    )
    return own.merge(sapcontrol_spec(), fence_spec())


def call(context: Context) -> Dict[str, Any]:
    """Call the function, or say that it would be called."""
    params = context.params
    number = instance_number(params["number"])
    function: str = params["function"]
    changing = changes(function)
    if changing and not params["changes"]:
        known = "changes something" if function in FUNCTIONS else "is not known to read only"
        raise Denied(
            f"call {function} of instance {number}",
            f"the function {known}",
            reason="changes_not_stated",
            cure="Say changes: true when that is what you want",
        )
    client = connect(address_of(params, number), f"instance {number}")
    encode(function, params["parameters"])
    if changing and context.check_mode:
        return {"changed": True, "called": False}
    with fenced(params["fence"] if changing else None, doing=f"call {function} of instance {number}"):
        answer = client.call(function, params["parameters"]).values()
    return {"changed": changing, "called": True, "answer": answer}


def main() -> None:
    """Run the module."""
    run_query(spec(), call)


if __name__ == "__main__":
    main()
