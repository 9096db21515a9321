# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action landscape_preview, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: landscape_preview
short_description: Show how those are doing whom a plan concerns
version_added: 0.3.0
description:
  - Shows, once for the play, who is logged on to each system whose jobs a plan holds back, which jobs run and how many
    are released. It is printed, and written into the page of the plan. The plan itself stays as it is.
  - Takes from C(sap_jobs_seen) of each host what the entry point C(look) of the role P(basis.landscape.sap_jobs#role)
    has seen.
  - A system for which the step C(suspend_jobs) would fail is refused, all of them at once, since that is better known
    before anything is stopped. It could not be asked, or its jobs could not be held back, or a check of
    C(sap_jobs_quiet_checks) has no answer, or its users could not be told C(sap_jobs_message).
  - Judges the instances outside of the run that it relies on. Takes from C(landscape_looked) of each host what
    M(basis.landscape.sap_health_info) said of them, in a loop over RV(basis.landscape.landscape_plan#module:looks).
  - An instance that the run needs, and that is not GREEN or cannot be asked, is refused. One that stands beside members
    of the run in a redundancy group counts as out then. The run is refused when more would be out than may be. A member
    of the run that is out already is counted, too, until the run has started it.
options:
  jobs:
    description: The hosts with the systems that they lead, as RV(basis.landscape.landscape_plan#module:jobs).
    type: dict
    default: {}
  looks:
    description:
      - The hosts with the instances that they have looked at, as RV(basis.landscape.landscape_plan#module:looks).
    type: dict
    default: {}
  finds:
    description:
      - The hosts with the instances that the plan knows on them, as RV(basis.landscape.landscape_plan#module:finds).
        Each has the variable C(landscape_found), what M(basis.landscape.sap_landscape_info) found there.
      - Any other instance is refused. It would be rebooted away, or go on while its host counts as stopped.
    type: dict
    default: {}
  ignore:
    description: Instances that are not refused for this, as SID or SID/number.
    type: list
    elements: str
    default: []
  outside:
    description: Whether what is outside of the run refuses it, or is shown as a warning.
    type: str
    choices: [refuse, accept]
    default: refuse
  json:
    description: Path of the plan.
    type: path
  html:
    description: Path of its page, which is written anew.
    type: path
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: full
    description: It touches no system. The page is written in check mode, too, when O(html) names one.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Show who works in the systems now
  basis.landscape.landscape_preview:
    jobs: "{{ landscape_plan.jobs }}"
    looks: "{{ landscape_plan.looks }}"
    json: "{{ landscape_plan.json }}"
    html: "{{ landscape_plan.html }}"
"""

RETURN = r"""
systems:
  description: One for each system, in words.
  type: list
  elements: dict
  returned: success
  contains:
    sid:
      description: System ID.
      type: str
    host:
      description: The host that leads it.
      type: str
    users:
      description: Who is logged on.
      type: str
    running:
      description: Which jobs run.
      type: str
    released:
      description: How many jobs are released.
      type: str
out:
  description:
    - For each redundancy group the members outside of the run that are out and leave it a place, for
      O(basis.landscape.maintenance_run#module:out).
  type: dict
  returned: success
  sample: {"redundancy:web": ["WDA"]}
down:
  description:
    - For each redundancy group the groups of the run with how many of their members are out already, for
      O(basis.landscape.maintenance_run#module:down).
  type: dict
  returned: success
  sample: {"redundancy:web": {"WDB": 1}}
conditions:
  description: What stands against the plan, of all systems.
  type: list
  elements: dict
  returned: when refused
  contains:
    object:
      description: The system and its host, the instance, or the redundancy group.
      type: str
    unmet:
      description: What could not be read or done, or is not up.
      type: str
    remedy:
      description: What would allow it.
      type: str
"""
