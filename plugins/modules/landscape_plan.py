# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action landscape_plan, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: landscape_plan
short_description: Plan a maintenance run
version_added: 0.1.0
description:
  - Plans the maintenance of all hosts of the play from the landscape in the inventory, once for the play, and
    touches nothing.
  - The plan says which hosts are admitted in which order, what each step waits for, how long it will take, what is
    on the critical path, and
    whether it fits the maintenance windows. It is written as JSON and as an HTML page that a person can approve.
  - Everything that stands against a plan is reported at once, each with the object it is about and what would make
    it allowed.
options:
  procedure:
    description: What is done with the hosts.
    type: str
    choices: [patch, stop, start, backup, clean_backups]
    required: true
  run:
    description:
      - A run to continue. The plan is then the one it began with; when the landscape has changed since, the
        differences are reported
        and nothing is done unless O(accept_plan) is given.
    type: str
  adopt:
    description:
      - Whether a relaunched job of AWX continues a run when O(run) is not given. It is the unfinished run that a job of
        the same job template began with the same inventory, O(procedure) and hosts; with a limit the hosts are some
        of those.
      - When there is none, or several, it is refused with the unfinished runs, since a relaunch never begins a run.
    type: bool
    default: false
  approved:
    description:
      - Hash of the plan that was approved. Any other plan is refused with the difference.
      - The order and the predicted times of the approved plan are kept, also when the history or the forks are others
        now. It is looked for in O(directory), then in the run database, which has it for three months.
    type: str
  accept_plan:
    description:
      - With O(run), goes on although the landscape, or the code, is another one. The hash of its own plan goes on with
        the plan as it was, the hash of the plan of now with that one. A refusal names both.
      - With the plan of now, what is done stays done, new steps are done, and what is gone is left out. It is refused
        when what was done is no beginning of that plan, because a step that is still to do would have had to come
        before, or when it would leave something half done.
      - The order and options are those of the run in both cases.
    type: str
  assume_yes:
    description: Whether the plan is taken without a question, for unattended use.
    type: bool
    default: false
  batch_size:
    description: How many systems may be in maintenance at once; V(0) is no limit.
    type: int
    default: 0
  failure_budget:
    description:
      - When to admit no further system. Keys are C(count) or C(share) of failed hosts, and C(per) (C(tier) or
        C(environment)).
    type: dict
  canary:
    description: Systems that go first; the others are admitted when these are verified.
    type: list
    elements: str
    default: []
  skip_steps:
    description: Steps to leave out, by name.
    type: list
    elements: str
    default: []
  step_tasks:
    description:
      - The site's own task files by step. The steps C(silence), C(suspend_jobs), C(release_jobs) and C(unsilence) are
        skipped without one. C(silence_look) is no step; it looks at silences.
      - Which steps they do, and what stands in the files, is part of what is approved.
    type: dict
    default: {}
  outside:
    description:
      - What to do when a system that depends on a host of this play is not part of it.
    type: str
    choices: [refuse, accept]
    default: refuse
  override:
    description:
      - Why a blackout or a missing window is overridden. Keys are C(reason) and C(by); both stand in the record.
    type: dict
  ignore_windows:
    description: Whether maintenance windows are ignored. Blackouts still forbid.
    type: bool
    default: false
  patch_level:
    description: Name of the patch level that is rolled out. It is part of what is approved.
    type: str
  step_seconds:
    description: Predicted seconds by step or by C(step/tier), where there is no history.
    type: dict
    default: {}
  parallel:
    description:
      - For O(procedure=backup) and O(procedure=clean_backups), how many systems may write to a target of backups at
        once, by the target's name, which a host says in its variable C(hana_backup_target). C(default) is for the
        others.
      - It counts over all runs that share the run database.
    type: dict
    default: {}
  database:
    description: URL of the run database. Default is E(BASIS_LANDSCAPE_DATABASE), else SQLite in the state folder.
    type: str
  directory:
    description: Folder for the plan. Default is C(plans) in the state folder.
    type: path
extends_documentation_fragment:
  - basis.landscape.attributes.controller
attributes:
  check_mode:
    support: full
    description:
      - A plan changes nothing. In check mode it is written only when O(directory) is given; the run database is neither
        made nor brought to a newer schema. What stands against continuing O(run) is returned, and is no failure yet.
author:
  - The basis.landscape authors (@basis-landscape)
"""

EXAMPLES = r"""
- name: Plan the patching of all hosts of the play
  basis.landscape.landscape_plan:
    procedure: patch
    batch_size: 10
    failure_budget:
      count: 2
    canary: [QAS]
  register: landscape_plan
"""

RETURN = r"""
hash:
  description:
    - Hash of the plan. It changes with hosts, order, steps, windows and patch level, not with predicted times or forks.
  type: str
  returned: success
hosts:
  description: The hosts in the order of the plan.
  type: list
  elements: str
  returned: success
jobs:
  description:
    - The hosts from which background jobs are held back over RFC (C(landscape_hold_jobs)), each with its systems, as
      C(system) and C(sid). Empty when a run is continued.
  type: dict
  returned: success
finds:
  description: The hosts that are taken out of service with the instances that they have, of which any other is refused.
  type: dict
  returned: success
looks:
  description:
    - The hosts with the instances outside of the run that have to be looked at before it begins, each instance at one
      of them, as C(name), C(host), C(sid) and C(number), with what the variables of its host say of how it is asked
      (C(said), without the password).
    - C(needed_by) names instances of the run that need it to come up. C(partner_in) says for which redundancy
      groups that the run takes members out of, or for which rolling systems, it counts, with how many may be out
      (C(allowed)) and how many the run takes out at once (C(together)).
    - A member that another run has taken out is not among them. The run database counts it.
  type: dict
  returned: success
command:
  description:
    - The command that runs exactly this plan, with the inventory, limit, tags, forks, and the extra variables that
      shape a plan, as they were given. The values of other extra variables may be secret and are not in it.
  type: str
  returned: success
procedure:
  description: What is done.
  type: str
  returned: success
ask:
  description: Whether a person has to say yes.
  type: bool
  returned: success
continues:
  description: The run that is continued.
  type: str
  returned: success
replaces:
  description: Whether RV(plan) takes the place of the plan of the run that is continued.
  type: bool
  returned: success
accepted:
  description: The differences from what the run began with that O(accept_plan) accepts.
  type: list
  elements: str
  returned: success
json:
  description: Path of the plan as JSON.
  type: str
  returned: when written
html:
  description: Path of the plan as a page.
  type: str
  returned: when written
plan:
  description: The plan itself.
  type: dict
  returned: in check mode
conditions:
  description: Everything that stands against the plan, or in check mode against continuing the run with it.
  type: list
  elements: dict
  returned: when refused, and in check mode
  contains:
    object:
      description: What it is about.
      type: str
    unmet:
      description: The condition that is not met.
      type: str
    remedy:
      description: What would make it allowed.
      type: str
"""
