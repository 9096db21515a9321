# SPDX-License-Identifier: GPL-3.0-or-later
"""The function modules of the simulated ABAP systems, each with where its interface is known from.

Sources named ``facts`` with a number are the project's notes on interfaces of SAP. Confidence: V2 seen in two
independent sources, S1 in one, M from memory. Where a function module's name is better known than its parameters, the
weaker mark stands. What a real system offers beyond that is left out.
"""

from __future__ import annotations

from functools import cache

from tests.simulator.abap.catalogue import Catalogue

from . import accounts, basis, quiet, reading, task_lists, variants, xbp


@cache
def catalogue() -> Catalogue:
    """All of them; every system has the same."""
    whole = Catalogue()
    for part in (basis, reading, accounts, xbp, variants, task_lists, quiet):
        whole.add(*part.STRUCTURES, *part.FUNCTIONS)
    return whole
