# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends the main thread from a signal handler, wherever the signal finds it.

Ansible's main process forks a worker for every task, and a signal may find it in a hook that runs after a fork (the
module logging has one), in a finalizer or in a callback of a weak reference. Python lets no exception out of those: it
hands it to ``sys.unraisablehook`` and goes on, and whoever interrupted waits for ever.
"""

from __future__ import annotations

import os
import signal
import sys
import types
import typing as t

AGAIN_SECONDS = 0.05


def end_at_once() -> t.NoReturn:
    """Raise KeyboardInterrupt, again and again for as long as Python does not let it out.

    To be called by a signal handler of the main thread. Takes SIGALRM and the real interval timer for itself.
    """
    main, before = os.getpid(), sys.unraisablehook

    def discarded(unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt) and os.getpid() == main:
            signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
        else:
            before(unraisable)

    sys.unraisablehook = discarded
    signal.signal(signal.SIGALRM, _interrupt)
    raise KeyboardInterrupt


def _interrupt(number: int, frame: types.FrameType | None) -> t.NoReturn:
    raise KeyboardInterrupt
