# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action maintenance_step, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_step
short_description: Record that a step is done
version_added: 0.1.0
description:
  - Ends the step that this host has claimed. Whoever waits for it may go.
options:
  step:
    description: The step, as the plan names it.
    type: str
    required: true
  attempt:
    description: The attempt that M(basis.landscape.maintenance_gate) returned.
    type: int
    required: true
  result:
    description: What is to be remembered of the step; later steps of the host get it, and the report.
    type: dict
    default: {}
  message:
    description: A sentence for people, shown with the end of the step; it stands in the report.
    type: str
  changed:
    description:
      - Whether the step changed something. A stop, patch, reboot or start that did not says nothing of how long one
        takes, and does not count for predictions.
      - Without it nobody knows.
    type: bool
  changed_by:
    description: Identifier of the undo record of the temporary change that the step made.
    type: str
  undone:
    description: Identifier of the undo record of the temporary change that the step undid.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: none
    description: Steps are claimed only within a run, and no run begins in check mode.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Stop the instance | done
  basis.landscape.maintenance_step:
    step: stop:PRD/prdapp1/D01
    attempt: "{{ maintenance_gate.attempt }}"
"""

RETURN = r"""
step:
  description: The step.
  type: str
  returned: success
"""
