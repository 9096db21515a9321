# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fence at the target: documentation of the option in ``_argspec.fence_spec``."""

from __future__ import annotations


class ModuleDocFragment:
    """The option that keeps an outdated run from acting."""

    DOCUMENTATION = r"""
options:
  fence:
    description:
      - Keeps an outdated run from acting on this CI. The roles of this collection fill it. A play of your own does not
        need it.
      - The module locks a file of the CI on the managed host, refuses to go on when a newer epoch was there, and holds
        the lock from before its first look to its end. In check mode nothing is locked.
    type: dict
    suboptions:
      epoch:
        description: The epoch of the run. It grows whenever a controller takes a run over, counted over all runs.
        type: int
        required: true
      ci:
        description: Name of the CI, usually C(SID/host/INSTANCE).
        type: str
        required: true
      directory:
        description: Folder of the lock files.
        type: path
        default: ~/.basis_landscape
      work:
        description: >-
          Name of the piece of work, the same for each of its attempts. One that goes on with it tells what an earlier
          one has done.
        type: str
"""
