# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter health_worse."""

from __future__ import annotations

DOCUMENTATION = r"""
name: health_worse
author: The basis.landscape authors (@basis-landscape)
version_added: 0.1.0
short_description: What is worse than before
description:
  - Lists in words what is not well now although it was well before; everything that is not well when O(before) is
    empty.
  - A check that was good and does not apply any more is not well. What it looked at is gone. One that nobody could tell
    before must not be bad. An instance that cannot be asked is never well.
positional: before
options:
  _input:
    description: The record of now, from P(basis.landscape.health_record#filter).
    type: dict
    required: true
  before:
    description: The record of before.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Compare the health with what it was
  ansible.builtin.debug:
    msg: "{{ health | basis.landscape.health_worse(health_before) }}"
"""

RETURN = r"""
_value:
  description: One line for each check that is worse.
  type: list
  elements: str
"""

from ansible_collections.basis.landscape.plugins.plugin_utils import _filters, _health

FilterModule = _filters.plugin(_health.health_worse)
