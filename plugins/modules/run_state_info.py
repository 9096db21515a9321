# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action run_state_info, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_state_info
short_description: Show a run in progress or past
version_added: 0.1.0
description:
  - Reads a run from the run database, in progress or past; without O(run) it lists the runs.
options:
  run:
    description: Name of the run.
    type: str
  database:
    description: URL of the run database. Default is E(BASIS_LANDSCAPE_DATABASE), else SQLite in the state folder.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: full
    description: It only reads. A run whose controller is gone is marked as lost, but not in check mode.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Read a run
  basis.landscape.run_state_info:
    run: patch-20261121-220000-1a2b
  register: landscape_run

- name: List the runs
  basis.landscape.run_state_info:
"""

RETURN = r"""
run:
  description: The report of the run, see docs/runs.md.
  type: dict
  returned: when O(run) is given
runs:
  description: The newest runs.
  type: list
  elements: dict
  returned: when O(run) is not given
waiting:
  description: Who waits, and for whom.
  type: list
  elements: dict
  returned: when O(run) is given
text:
  description: The same in words.
  type: list
  elements: str
  returned: success
"""
