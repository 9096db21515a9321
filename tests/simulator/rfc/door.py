# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway port of one instance."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulator.port import Port, Talk, say_nothing


class RfcDoor(Port):
    """A port that tells its owner when it is closed.

    Args:
        talk: serves one client until it leaves.
        admit: asked for each client; whoever is not admitted finds the connection reset.
        mute: connections are accepted, then nothing is ever said.
        gone: called when the door is closed.
    """

    def __init__(
        self,
        talk: Talk,
        *,
        admit: Callable[[], bool] = lambda: True,
        mute: bool = False,
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("an RFC door", say_nothing if mute else talk, admit)
        self._gone = gone

    def close(self) -> None:
        """Stop listening, cut all connections."""
        super().close()
        self._gone()
