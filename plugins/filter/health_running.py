# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter health_running."""

from __future__ import annotations

DOCUMENTATION = r"""
name: health_running
author: The basis.landscape authors (@basis-landscape)
version_added: 0.1.0
short_description: Verdicts of the instances that ran
description:
  - Leaves those instances out of a record of P(basis.landscape.health_record#filter) whose processes were not good, or
    that could not be asked.
  - What is started has to be well, whatever it was before. So nothing of before is left to compare it with.
options:
  _input:
    description: The record.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Compare the health with what it was, where it was up
  ansible.builtin.debug:
    msg: "{{ health | basis.landscape.health_worse(health_before | basis.landscape.health_running) }}"
"""

RETURN = r"""
_value:
  description: The record without them.
  type: dict
"""

from ansible_collections.basis.landscape.plugins.plugin_utils import _filters, _health

FilterModule = _filters.plugin(_health.health_running)
