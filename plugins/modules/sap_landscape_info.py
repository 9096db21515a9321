#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What SAP runs on one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sap_landscape_info
short_description: Tell which SAP instances a host has and how they and their systems do
version_added: 0.1.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Finds the instances of a host by the sockets of their sapstartsrv and by the host's start file, and asks each one
    who it is, which processes run, which releases its programs have, and which instances its system has.
  - An instance that is known and whose sapstartsrv does not answer is listed with RV(instances[].service=down), not
    left out. What could not be read is named with the reason.
  - A host without SAP has no instances, which is no failure unless O(required) says so. RV(services_file_found) tells a
    host without a start file from one whose start file names none.
  - Over O(sapcontrol_url) nothing can be found to be asked, so O(numbers) is needed.
options:
  numbers:
    description: Instance numbers to ask. By default those that are found on the host.
    type: list
    elements: str
  services_file:
    description: The host's start file for sapstartsrv.
    type: path
    default: /usr/sap/sapservices
  required:
    description: Whether it is a failure when no instance is found. Use it on hosts that are known to have SAP.
    type: bool
    default: false
  ask:
    description:
      - Whether the instances are asked. With V(false) it is only told which there are, by the start file and, without
        O(sapcontrol_url), by the sockets.
    type: bool
    default: true
  versions:
    description: Whether the releases of the programs are read as well. This needs the rights of C(<sid>adm).
    type: bool
    default: true
extends_documentation_fragment:
  - basis.landscape.attributes.info
  - basis.landscape.sapcontrol
seealso:
  - module: basis.landscape.sap_health_info
"""

EXAMPLES = r"""
- name: What runs here
  become: true
  basis.landscape.sap_landscape_info:
  register: sap

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.sid }} {{ item.name }} {{ item.state }}"
  loop: "{{ sap.instances }}"
  loop_control:
    label: "{{ item.number }}"
"""

RETURN = r"""
services_file_found:
  description:
    - Whether the host has the start file O(services_file). SAP's installer makes it, so a host without it has never had
      an instance, or is not the host that was meant.
    - Null with O(sapcontrol_url), unless O(ask=false), because it is not read then.
  returned: success
  type: bool
instances:
  description: The instances of the host, by number.
  returned: success
  type: list
  elements: dict
  contains:
    number:
      description: Instance number.
      type: str
    service:
      description: V(up) when sapstartsrv answered, V(down) when nothing listens, V(silent) when it did not answer well.
        Null with O(ask=false).
      type: str
    sid:
      description: System ID. Null when nobody can tell.
      type: str
    name:
      description: Instance name. Null when nobody can tell.
      type: str
    host:
      description: The instance's own (virtual) host name.
      type: str
    state:
      description: V(started), V(stopped), V(starting), V(stopping), V(partial), V(broken), V(empty) or V(unknown).
      type: str
    processes:
      description: The process list.
      type: list
      elements: dict
    versions:
      description: File, release, patch and changelist or commit of the instance's programs.
      type: list
      elements: dict
    unread:
      description: What could not be read, with the reason.
      type: list
      elements: str
systems:
  description: The systems of these instances by their ID, each with its whole instance list.
  returned: success
  type: dict
  sample: {PRD: {instances: [{host: prdascs, number: "00", colour: GREEN}], duplicates: []}}
"""

import re
from typing import Any, Dict, List, Optional

from ansible_collections.basis.landscape.plugins.module_utils._argspec import instance_number
from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    BadInput,
    Failed,
    LandscapeError,
)
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_query
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import (
    Client,
    ServiceDown,
    address_of,
    connect,
    model,
    sapcontrol_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._steps import found, watch

_RELEASE = re.compile(r"^\s*(\d+),\s*patch (\d+),\s*(?:changelist (\d+)|commit (\w+))")


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "numbers": {"type": "list", "elements": "str"},
            "services_file": {"type": "path", "default": found.SERVICES},
            "required": {"type": "bool", "default": False},
            "ask": {"type": "bool", "default": True},
            "versions": {"type": "bool", "default": True},
        }
    )
    return own.merge(sapcontrol_spec())


def release(text: str) -> Dict[str, Optional[str]]:
    """Release, patch and change of a VersionInfo text; null where the text is of another form."""
    match = _RELEASE.match(text)
    kernel, patch, changelist, commit = match.groups() if match else (None, None, None, None)
    return {"release": kernel, "patch": patch, "change": changelist or commit, "text": text}


def unasked(number: str, known: Optional[found.Known]) -> Dict[str, Any]:
    """What is known of an instance before it is asked."""
    return {
        "number": number,
        "service": None,
        "sid": known.sid if known else None,
        "name": known.name if known else None,
        "host": known.host if known else None,
        "state": "unknown",
        "processes": [],
        "versions": [],
        "unread": [],
    }


def describe(client: Client, number: str, known: Optional[found.Known], versions: bool) -> Dict[str, Any]:
    """One instance; what cannot be read is named in ``unread``."""
    told = {**unasked(number, known), "service": "up"}
    try:
        who = client.identity()
    except LandscapeError as error:
        told["service"] = "down" if isinstance(error, ServiceDown) else "silent"
        told["unread"].append(error.message)
        return told
    told.update(sid=who.sid, name=who.name, host=who.host)
    client.label = who.label
    if who.number != number:
        told["unread"].append(f"the sapstartsrv of number {number} says that it is {who.label}")
    try:
        processes = client.processes()
        told.update(state=model.state_of(processes), processes=watch.as_data(processes))
    except LandscapeError as error:
        told["unread"].append(error.message)
    if versions:
        try:
            rows = client.versions()
            told["versions"] = [
                dict(release(row.get("VersionInfo") or ""), file=row.get("Filename"), time=row.get("Time"))
                for row in rows
            ]
        except LandscapeError as error:
            told["unread"].append(error.message)
    return told


def look(context: Context) -> Dict[str, Any]:
    """All instances of the host, and their systems."""
    params = context.params
    by_url = bool(params["sapcontrol_url"])
    if params["ask"] and by_url and not params["numbers"]:
        raise BadInput("find the instances of the host", "numbers is needed together with sapcontrol_url")
    is_read = not (by_url and params["ask"])
    read = found.read_services(params["services_file"]) if is_read else None
    known, there = read or {}, read is not None if is_read else None
    if params["ask"] and params["numbers"]:
        numbers = [instance_number(number, "numbers") for number in params["numbers"]]
    else:
        numbers = sorted(set(known) | set(() if by_url else found.sockets(params["sapcontrol_socket"])))
    if params["required"] and not numbers:
        no_socket = "" if by_url else f", and there is no socket {params['sapcontrol_socket']}"
        raise Failed(
            "find the instances of the host",
            f"{params['services_file']} {'names none' if there else 'does not exist'}{no_socket}",
            reason="no_instance",
            cure="Ask the host that has SAP, or name its services_file and its sapcontrol_socket",
        )
    if not params["ask"]:
        unknown = [unasked(number, known.get(number)) for number in numbers]
        return {"services_file_found": there, "instances": unknown, "systems": {}}
    instances: List[Dict[str, Any]] = []
    systems: Dict[str, Any] = {}
    for number in numbers:
        client = connect(address_of(params, number), f"instance {number}")
        told = describe(client, number, known.get(number), params["versions"])
        instances.append(told)
        if told["service"] == "up" and told["sid"] not in systems:
            try:
                rows, twins = model.without_twins(client.instances())
                systems[told["sid"]] = {"instances": [row.as_data() for row in rows], "duplicates": twins}
            except LandscapeError as error:
                told["unread"].append(error.message)
        client.close()
    return {"services_file_found": there, "instances": instances, "systems": systems}


def main() -> None:
    """Run the module."""
    run_query(spec(), look)


if __name__ == "__main__":
    main()
