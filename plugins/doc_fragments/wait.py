# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long to wait: documentation of the options in ``_argspec.wait_spec``."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of everything that waits."""

    DOCUMENTATION = r"""
options:
  timeout:
    description:
      - Seconds to wait for the wanted state, counted for each step. At its end the step fails.
      - The default is generous on purpose. A large database may need it.
    type: float
    default: 3600.0
  delay:
    description: Seconds between two looks.
    type: float
    default: 5.0
  failure_grace:
    description:
      - Seconds that something may look lost without a break before the wait is given up early. A process that is RED
        while none is YELLOW looks lost during a start; an empty process list, and an instance of which only a part
        runs, before one.
      - Also the seconds for which sapstartsrv may be silent in the middle of a wait, and those for which the list of
        processes that a start brings up has to stay the same when nobody knows how long it gets.
    type: float
    default: 60.0
"""
