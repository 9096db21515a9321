# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action maintenance_undo, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_undo
short_description: Record what is known of a temporary change
version_added: 0.1.0
description:
  - Adds to an undo record of the run what was seen before the change, so that exactly that can be put back, from
    another controller, too.
  - Moves an undo record to its next state, for changes that are undone on behalf of hosts that can no longer do so.
options:
  id:
    description: Identifier of the undo record.
    type: str
    required: true
  kept:
    description:
      - What was seen before the change. The gate of the step that undoes it returns it. Needed before the change is
        made; once more afterwards, when then more is known.
      - Refused when the undoing has begun.
    type: dict
  state:
    description: Its next state.
    type: str
    choices: [applied, undoing, undone]
  proof:
    description: What shows that it was undone.
    type: str
  step:
    description:
      - With O(state=undoing), the step that made the change, when it has to make it anew once the run is continued.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: none
    description: There are undo records only within a run, and no run begins in check mode.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Which jobs are about to be held back
  basis.landscape.maintenance_undo:
    id: "{{ maintenance_gate.undo }}"
    kept: "{{ sap_jobs_result.kept }}"

- name: The silence of a failed host has ended
  basis.landscape.maintenance_undo:
    id: "{{ maintenance_leftover.id }}"
    state: undone
    proof: The monitoring system lists no silence of this host.
"""

RETURN = r""" # """
