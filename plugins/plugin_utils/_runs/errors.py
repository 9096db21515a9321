# SPDX-License-Identifier: GPL-3.0-or-later
"""The refusals of the run database."""

from __future__ import annotations


class StoreError(Exception):
    """The run database could not do its work: disk full, no connection, unknown schema.

    The message is one sentence for a person. Nothing was half written: every verb is one transaction.
    """


class Unavailable(StoreError):
    """The database itself refused: disk full, no connection. It may take the same a moment later."""


class RunNotFound(StoreError):
    """No run has this id."""

    def __init__(self, run: str) -> None:
        super().__init__(f"There is no run {run} in this run database.")
        self.run = run


class Fenced(Exception):
    """The writer lost its right to write: the run was taken by another controller, or is not running any more.

    Whoever gets this stops at once: writes nothing more, touches no host.
    """


class Busy(Exception):
    """Somebody else has it: a live controller has the run, or an unfinished run has the configuration item.

    ``run`` is the run that is in the way, ``ci`` the shared configuration item (None when the run itself is meant), the
    first of each when there are several, which the message names all; ``owner`` the controller in words (None when
    nobody works on that run now).
    """

    def __init__(self, message: str, *, run: str, ci: str | None = None, owner: str | None = None) -> None:
        super().__init__(message)
        self.run = run
        self.ci = ci
        self.owner = owner
