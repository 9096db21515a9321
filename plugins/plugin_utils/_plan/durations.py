# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a step is expected to take."""

from __future__ import annotations

from collections.abc import Mapping

#: Seconds that are assumed while no history exists; ``kind/tier`` before ``kind``. Generous guesses, not measurements.
DEFAULT_SECONDS = {
    "admit": 1.0,
    "check_backup": 10.0,
    "silence": 5.0,
    "suspend_jobs": 20.0,
    "stop": 120.0,
    "stop/web": 30.0,
    "stop/app": 180.0,
    "stop/db": 300.0,
    "patch": 600.0,
    "reboot": 300.0,
    "start": 180.0,
    "start/web": 30.0,
    "start/app": 240.0,
    "start/db": 600.0,
    "verify": 30.0,
    "release_jobs": 20.0,
    "unsilence": 5.0,
    "backup": 1800.0,
    "clean_backups": 120.0,
}


class Durations:
    """Answers for one step, from what the user said, then from history, then from the defaults."""

    def __init__(self, history: Mapping[str, float] | None = None, stated: Mapping[str, float] | None = None) -> None:
        self._sources = [dict(stated or {}), dict(history or {}), DEFAULT_SECONDS]

    def of(self, kind: str, tier: str | None, label: str) -> float:
        """Return the predicted seconds of a step.

        ``label`` is ``SID/host/INSTANCE/step``. Each source is asked for the label, then for ``kind/tier``, then for
        ``kind``; the first answer counts.
        """
        for source in self._sources:
            for key in (label, f"{kind}/{tier}", kind):
                value = source.get(key)
                if value is not None:
                    return max(0.0, float(value))
        return 60.0
