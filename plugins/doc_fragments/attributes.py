# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module promises about check mode, diff and platform."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules; ``support`` and ``details`` of check_mode and diff_mode are the module's own."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return what would change without changing it.
  diff_mode:
    description: Returns in words what changed, or would change, with C(--diff).
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return what would change without changing it.
    support: full
    details: It changes nothing, so check mode makes no difference.
  diff_mode:
    description: Returns in words what changed, or would change, with C(--diff).
    support: N/A
    details: It changes nothing.
  platform:
    description: Where the module runs.
    support: full
    platforms: posix
"""

    CONTROLLER = r"""
options: {}
attributes:
  diff_mode:
    description: It shows no diff.
    support: none
  action:
    description: It has an action plugin that does all its work on the controller.
    support: full
"""
