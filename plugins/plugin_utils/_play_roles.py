# SPDX-License-Identifier: GPL-3.0-or-later
"""Which roles a play knows, each once.

Ansible appends a role to its play each time a host includes it, and walks through the whole list for every task of
every host: two hundred hosts with nine includes each would cost that square in the main process. Roles that are equal
in name, path, parameters, variables and files give the play the same defaults, so one of them is enough.
"""

from __future__ import annotations

import typing as t


class OnceEach(list[t.Any]):
    """A list that takes an item only when no equal one is in it."""

    def append(self, item: t.Any) -> None:
        """Add the item at the end, or leave the list as it is."""
        if item not in self:
            super().append(item)


def keep_once_each(play: t.Any) -> None:
    """Let a play keep each role once from now on."""
    play.roles = OnceEach(play.roles)


__all__ = ("OnceEach", "keep_once_each")
