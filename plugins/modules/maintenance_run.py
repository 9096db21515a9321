# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action maintenance_run, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_run
short_description: Begin or continue a maintenance run
version_added: 0.1.0
description:
  - Creates a run of the plan in the run database and takes it, or takes a run that was interrupted or lost. From
    then on the gates of
    this ansible-playbook process work.
  - A CI belongs to at most one unfinished run; a second run is refused and names the first.
  - Needs the callback P(basis.landscape.run_state#callback).
  - With O(state=possible) it begins nothing, and fails with all that keeps a run from beginning in this process,
    whatever its plan.
  - With O(state=canceled) it gives up a run that nobody will continue; its CIs are free for other runs then.
  - With O(state=settled) it records that a person has undone by hand what a run changed for a time, such as jobs held
    back, or that it need not be undone. Nothing undoes it any more then.
options:
  state:
    description: Whether the run begins, could begin, is given up, or what it changed for a time is settled.
    type: str
    choices: [begun, possible, canceled, settled]
    default: begun
  plan:
    description: Path of the plan as JSON, to begin.
    type: path
  reason:
    description: Why the run is given up, or how its changes were settled. It stands in its record.
    type: str
  changes:
    description:
      - With O(state=settled), which changes, as the report names them, such as C(suspend_jobs:PRD). Default is all that
        are not undone, with those that a run which stopped a landscape has left to the one that starts it.
    type: list
    elements: str
  run:
    description: Name of the run. Default is the procedure with time and four random characters, C(awx-<job id>) in AWX.
    type: str
  continues:
    description: Whether O(run) exists and is continued.
    type: bool
    default: false
  replaces:
    description:
      - With O(continues=true), whether O(plan) takes the place of the plan of the run, as
        RV(basis.landscape.landscape_plan#module:replaces).
    type: bool
    default: false
  accepted:
    description: With O(continues=true), the differences that a person accepted, as landscape_plan returns them. The run
      counts them as one revision of its plan, with who accepted them.
    type: list
    elements: str
    default: []
  out:
    description:
      - For each redundancy group of which members outside the run were found down, these members, as
        RV(basis.landscape.landscape_preview#module:out). They count as out in this run to its end.
    type: dict
    default: {}
  down:
    description:
      - For each redundancy group of which members in the run were found down, how many by group, as
        RV(basis.landscape.landscape_preview#module:down). They count as out in this run until it has started them.
    type: dict
    default: {}
  confirmed:
    description: Whether somebody said yes to the plan.
    type: bool
    default: true
  force_by:
    description: Name of the person who takes the run although its controller seems to be alive.
    type: str
  database:
    description: URL of the run database. Default is E(BASIS_LANDSCAPE_DATABASE), else SQLite in the state folder.
    type: str
  ttl:
    description: Seconds without a heartbeat after which the controller of a run on another machine counts as lost.
    type: float
    default: 60.0
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: full
    description:
      - In check mode no run begins, which is skipped; M(basis.landscape.maintenance_preview) tells what would be.
        O(state=canceled) and O(state=settled) are tried in a copy of the run database, so they refuse what they would
        refuse in earnest.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Begin the run
  basis.landscape.maintenance_run:
    plan: "{{ landscape_plan.json }}"

- name: Somebody has released the jobs in SM37
  basis.landscape.maintenance_run:
    state: settled
    run: patch-20261126-220000-3f2a
    changes: [suspend_jobs:PRD]
    reason: released in SM37
"""

RETURN = r"""
run:
  description: Name of the run.
  type: str
  returned: success
epoch:
  description: How often the run was taken; every write carries it.
  type: int
  returned: success
hosts:
  description: The hosts in the order of the plan.
  type: list
  elements: str
  returned: success
database:
  description: URL of the run database.
  type: str
  returned: success
plan:
  description: Path of the plan.
  type: str
  returned: success
settled:
  description: The changes that are settled now.
  type: list
  elements: str
  returned: with O(state=settled)
warnings:
  description: What is to be known of the database.
  type: list
  elements: str
  returned: success
"""
