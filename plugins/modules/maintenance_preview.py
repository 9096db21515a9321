# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action maintenance_preview, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_preview
short_description: Show what the gates of a run would say now
version_added: 0.3.0
description:
  - Begins a run, or continues one, in a copy of the run database that is gone afterwards, lets every host ask its gate
    there in the order of the plan, and shows the answers. The playbooks use it in check mode.
  - Nothing is written to the run database, none is made where there is none, no host is touched.
  - Fails with all reasons when the run would be refused; what its gates would say without them is shown all the same.
  - The answers are those of this moment. What hosts look at by themselves, such as a young backup or the lock on the
    target, is not asked.
options:
  plan:
    description: The plan, as RV(basis.landscape.landscape_plan#module:plan).
    type: dict
    required: true
  run:
    description: Name of the run; may be left out for a new one.
    type: str
  continues:
    description: Whether O(run) exists and would be continued.
    type: bool
    default: false
  replaces:
    description:
      - With O(continues=true), whether O(plan) takes the place of the plan of the run, as
        RV(basis.landscape.landscape_plan#module:replaces).
    type: bool
    default: false
  out:
    description:
      - For each redundancy group of which members outside the run were found down, these members, as
        RV(basis.landscape.landscape_preview#module:out).
    type: dict
    default: {}
  down:
    description:
      - For each redundancy group of which members in the run were found down, how many by group, as
        RV(basis.landscape.landscape_preview#module:down).
    type: dict
    default: {}
  conditions:
    description:
      - What stands against continuing it by the plan, as RV(basis.landscape.landscape_plan#module:conditions).
    type: list
    elements: dict
    default: []
  force_by:
    description: Name of the person who would take the run although its controller seems to be alive.
    type: str
  database:
    description: URL of the run database. Default is E(BASIS_LANDSCAPE_DATABASE), else SQLite in the state folder.
    type: str
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: full
    description: It only reads, whatever the mode.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Plan
  basis.landscape.landscape_plan:
    procedure: patch
  check_mode: true
  register: landscape_plan

- name: Show what the gates would say
  basis.landscape.maintenance_preview:
    plan: "{{ landscape_plan.plan }}"
"""

RETURN = r"""
text:
  description: What is shown, line by line.
  type: list
  elements: str
  returned: success
refused:
  description: Why the run would be refused, one sentence each.
  type: list
  elements: str
  returned: success
elsewhere:
  description: What another unfinished run has.
  type: list
  elements: dict
  returned: success
  contains:
    kind:
      description: V(host), V(system), or V(backup) for the host of a run that only makes backups.
      type: str
    ci:
      description: The host or system.
      type: str
    run:
      description: The run that has it.
      type: str
    state:
      description: The state of that run.
      type: str
    words:
      description: The same as a sentence.
      type: str
groups:
  description: What the gate says to each group in the order of the plan; empty for a run that is over.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the group.
      type: str
    systems:
      description: Its systems.
      type: list
      elements: str
    hosts:
      description: Its hosts.
      type: list
      elements: str
    canary:
      description: Whether it goes before all others.
      type: bool
    verdict:
      description: The gravest answer to the next step of one of its hosts; see RV(steps).
      type: str
    label:
      description: That step.
      type: str
    why:
      description: The reason.
      type: str
    by:
      description: The host, place or window that is in the way.
      type: str
    places:
      description:
        - The places that it or one of its hosts (C(holder)) needs. C(place), C(needed), C(capacity), C(free), whether
          it is C(held) by this run, others that have one (C(by)).
      type: list
      elements: dict
steps:
  description: What the gate of each open step says, in the order in which they can happen.
  type: list
  elements: dict
  returned: success
  contains:
    ci:
      description: The host.
      type: str
    step:
      description: The step.
      type: str
    label:
      description: Its name for people, SID/host/instance/step.
      type: str
    verdict:
      description:
        - V(go), V(look) (it was begun, so the host is looked at first), V(wait), V(blocked), V(deferred). For a step
          behind another one of its host (RV(steps[].after)) it is the answer once that one is done.
      type: str
    why:
      description: The reason.
      type: str
    by:
      description: The host, place or window that is in the way.
      type: str
    waits_for:
      description: The steps of other hosts that it waits for.
      type: list
      elements: str
    after:
      description: The open step before it on its host; null for the next one.
      type: str
    attempt:
      description: How often it was begun.
      type: int
    started_at:
      description: When it was begun last, in seconds since 1970.
      type: float
fence:
  description: The number that the locks on the hosts would carry at least; null for a run that is over.
  type: int
  returned: success
run:
  description: Name of the run, if it has one.
  type: str
  returned: success
continues:
  description: Whether it would be continued.
  type: bool
  returned: success
procedure:
  description: What the run does.
  type: str
  returned: with O(continues)
state:
  description: Its state as it is recorded.
  type: str
  returned: with O(continues)
alive:
  description: Whether a live controller works on it.
  type: bool
  returned: with O(continues)
taken_by:
  description: Who took it last.
  type: str
  returned: with O(continues)
taken_at:
  description: When, in seconds since 1970.
  type: float
  returned: with O(continues)
seen_at:
  description: When its controller was last seen; null when it has ended its work.
  type: float
  returned: with O(continues)
done:
  description: The steps that are done.
  type: list
  elements: str
  returned: with O(continues)
undo:
  description: The temporary changes that are open, the last one first. C(ci), C(key), C(kind), C(state), C(undo).
  type: list
  elements: dict
  returned: with O(continues)
hosts:
  description: How many hosts it has.
  type: int
  returned: with O(continues)
unfinished:
  description: How many of them are not through.
  type: int
  returned: with O(continues)
"""
