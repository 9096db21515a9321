# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter health_record."""

from __future__ import annotations

DOCUMENTATION = r"""
name: health_record
author: The basis.landscape authors (@basis-landscape)
version_added: 0.1.0
short_description: Verdicts by instance and check
description:
  - Turns the results of a loop over M(basis.landscape.sap_health_info) into verdict and words by instance and
    check. An instance that could not be asked is C(unknown).
options:
  _input:
    description: The results of the loop; its loop variable is the instance.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Compare the health with what it was
  ansible.builtin.debug:
    msg: "{{ looked.results | basis.landscape.health_record }}"
"""

RETURN = r"""
_value:
  description: The verdicts.
  type: dict
"""

from ansible_collections.basis.landscape.plugins.plugin_utils import _filters, _health

FilterModule = _filters.plugin(_health.health_record)
