# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action maintenance_gate, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_gate
short_description: Wait at the gate of a step
version_added: 0.1.0
description:
  - Waits until everybody that this step of this host depends on has come far enough, then claims the step. While it
    waits, nothing is
    held. A host that fails releases those that wait for it at once, with its name and reason.
  - The step C(admit) also waits for the maintenance window, a free place of the batch and of each redundancy group.
options:
  step:
    description: The step, as the plan names it.
    type: str
    required: true
  label:
    description: Name of the step for people, SID/host/instance/step. Default is the one in the plan.
    type: str
  system:
    description: The system that the step is for, when it is for a system and not for a host.
    type: str
  steps:
    description: Whether to return the steps of this host that are not done.
    type: bool
    default: false
  instances:
    description: The instances on this host as the inventory has them, for RV(instances).
    type: list
    elements: dict
    default: []
  alone:
    description:
      - Whether the step has no lock at the host, as tasks of the site have none. When it was attempted before, it waits
        until nothing of an earlier controller of the run lives on this machine.
    type: bool
    default: false
  timeout:
    description: Seconds after which the host is deferred. Default is no limit but the window's.
    type: float
  change:
    description:
      - Kind of the temporary change that this step makes. It is recorded before it is made, so that it is undone in
        every outcome.
    type: str
    choices: [silence, suspend_jobs]
  undoes:
    description: Kind of the temporary change that this step undoes.
    type: str
    choices: [silence, suspend_jobs]
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: none
    description: Gates work only within a run, and no run begins in check mode.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Stop the instance | gate
  basis.landscape.maintenance_gate:
    step: stop:PRD/prdapp1/D01
    label: PRD/prdapp1/D01/stop
  register: maintenance_gate
"""

RETURN = r"""
go:
  description: Whether the step is to be done now. It is false when it is done already.
  type: bool
  returned: success
look:
  description: Whether the step was attempted before with an unknown outcome. What follows has to look before it acts.
  type: bool
  returned: success
attempt:
  description: How often the step was claimed.
  type: int
  returned: success
label:
  description: Name of the step, SID/host/instance/step.
  type: str
  returned: always
fence:
  description: Token for the option C(fence) of modules that change the target.
  type: dict
  returned: success
fence_here:
  description: The same for modules that work on the controller on behalf of the host.
  type: dict
  returned: success
results:
  description: Results of the earlier steps of this host, by step.
  type: dict
  returned: success
steps:
  description:
    - With O(steps=true), the steps of this host that are not done, each with the C(instances) that it is about. Those
      are all for a step of the host.
  type: list
  elements: dict
  returned: success
instances:
  description:
    - With O(steps=true), the instances on this host. Those of the plan are as the plan has them, whatever the inventory
      says by now. Then come those of O(instances) that the plan does not have.
  type: list
  elements: dict
  returned: success
undo:
  description: Identifier of the undo record, when the step makes or undoes a temporary change.
  type: str
  returned: success
mark:
  description: Name in which the temporary change is made, so that it can be told from another one's.
  type: str
  returned: success
kept:
  description:
    - What was seen before that change, as O(basis.landscape.maintenance_undo#module:kept) recorded it; for a step that
      undoes what a stop run changed, as that run recorded it.
  type: dict
  returned: success
"""
