# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the clocks of a run database and of a controller may be apart.

A window is planned by the clock of the controller; its gate opens by the clock of the database, as all controllers of a
run must agree. Neither can tell which of the two is right.
"""

from __future__ import annotations

import datetime

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import StoreError

WARN_SECONDS = 30.0
REFUSE_SECONDS = 300.0


def compare(database: float, before: float, after: float) -> str | None:
    """Return the warning about a database's clock that was read between two looks at the controller's; None: no need.

    How long the reading took is no difference. All are seconds since 1970 UTC. Raises StoreError, with both times and
    the remedy, when they are too far apart for windows to mean anything.
    """
    controller = min(max(database, before), after)
    apart = abs(database - controller)
    if apart <= WARN_SECONDS:
        return None
    words = (
        f"the clock of the run database says {_utc(database)}, the clock of this controller {_utc(controller)}: "
        f"{apart:.0f} seconds apart"
    )
    cure = "Let NTP keep both right (chrony: 'chronyc tracking' says on each machine how far it is off)"
    if apart > REFUSE_SECONDS:
        raise StoreError(
            f"No run begins or goes on while {words}. Windows are planned by the one, and opened by the other. {cure}, "
            "then try again."
        )
    return f"{words[0].upper()}{words[1:]}. Windows open and close by that of the run database. {cure}."


def _utc(instant: float) -> str:
    return datetime.datetime.fromtimestamp(instant, datetime.UTC).isoformat(sep=" ", timespec="seconds")
