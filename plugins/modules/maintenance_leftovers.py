# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action maintenance_leftovers, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_leftovers
short_description: List what failed hosts left behind
version_added: 0.1.0
description:
  - Waits until every host of the run is through, then lists the temporary changes that are to be undone now.
  - Those are the silences of all hosts, and the jobs held back of systems that run as before, because no instance was
    touched, or each is started and verified. In a run that stops a landscape those of hosts that were stopped stay, and
    the run that starts it undoes them.
  - Works on the controller, in the same play as the hosts, so that it also runs when hosts cannot be reached.
options: {}
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: none
    description: There are hosts to wait for only within a run, and no run begins in check mode.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Wait until every host is through
  basis.landscape.maintenance_leftovers:
  register: maintenance_leftovers
"""

RETURN = r"""
undo:
  description:
    - The undo records, each with C(id), C(ci), C(kind), C(state), C(kept), C(mark), C(system), C(sid), with
      C(fence_here) for what undoes it on the controller.
    - C(again) is the step that has to make the change anew when the run is continued, null when none has to.
  type: list
  elements: dict
  returned: success
said:
  description:
    - For each host whose jobs are among them what its variables say to the role C(sap_jobs), in the inventory, in the
      playbook, or on the command line. There are passwords in it, so the result is not shown.
  type: dict
  returned: success
"""
