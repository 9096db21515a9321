# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action maintenance_undo, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_undo
short_description: Record the undoing of a temporary change
version_added: 0.1.0
description:
  - Moves an undo record of the run to its next state, for changes that are undone on behalf of hosts that can no
    longer do so.
options:
  id:
    description: Identifier of the undo record.
    type: str
    required: true
  state:
    description: Its next state.
    type: str
    choices: [applied, undoing, undone]
    required: true
  proof:
    description: What shows that it was undone.
    type: str
attributes:
  check_mode:
    support: none
    description: There are undo records only within a run, and no run begins in check mode.
  diff_mode:
    support: none
    description: It shows no diff.
  action:
    support: full
    description: It has an action plugin that does all its work on the controller.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: The silence of a failed host has ended
  basis.landscape.maintenance_undo:
    id: "{{ maintenance_leftover.id }}"
    state: undone
    proof: The monitoring system lists no silence of this host.
"""

RETURN = r""" # """
