# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action maintenance_look, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_look
short_description: Compare a look with the record of a temporary change
version_added: 0.1.0
description:
  - Tells a temporary change of this run from another one's, by the names in which it is made. What others have made
    before is recorded as not ours, and never undone.
  - Before the change it records that it is about to be made. After it, it fails when the look does not find it.
  - Before it is undone it fails when it is another one's by now; a person decides then. After it, it records that it is
    undone, and fails when the look still finds it.
options:
  ci:
    description: The host of the plan that the change is for.
    type: str
    required: true
  change:
    description: Kind of the temporary change that this step makes.
    type: str
    choices: [silence]
  undoes:
    description: Kind of the temporary change that this step undoes.
    type: str
    choices: [silence]
  found:
    description: Names of all in whose name the change is made now, an empty list when it is not. Anything else fails.
    type: raw
  after:
    description: Whether this is the look after the change was made or undone.
    type: bool
    default: false
  again:
    description: With O(undoes), the step that has to make the change anew once the run is continued.
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
- name: Compare it with the record
  basis.landscape.maintenance_look:
    ci: prdapp1
    change: silence
    found: [operations]
  register: maintenance_look
"""

RETURN = r"""
act:
  description: Whether the change is to be made, or to be undone.
  type: bool
  returned: success
undo:
  description: Identifier of the undo record, null when there is nothing of ours.
  type: str
  returned: success
mark:
  description: Name in which the change is made.
  type: str
  returned: success
conflict:
  description: Whether a person has to decide.
  type: bool
  returned: success
"""
