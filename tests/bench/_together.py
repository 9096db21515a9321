# SPDX-License-Identifier: GPL-3.0-or-later
"""What work on many systems at once took, as the simulator's journal has it."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

Row = dict[str, t.Any]


def landscape(
    simulations: Mapping[str, Mapping[str, t.Any]], *, type_: str, host: str, instance: str, kind: str
) -> Row:
    """Systems of one type by SID, each on a host of its own, with what the simulator is to know about them."""
    hosts = {sid: f"{sid.lower()}{host}" for sid in simulations}
    return {
        "hosts": [{"name": name, "environment": "production"} for name in hosts.values()],
        "systems": [
            {"name": sid, "sid": sid, "type": type_, "simulation": {type_: told}} for sid, told in simulations.items()
        ],
        "instances": [
            {"name": instance, "system": sid, "host": name, "number": instance[-2:], "kind": kind}
            for sid, name in hosts.items()
        ],
        "relations": [],
        "redundancy_groups": [],
        "calendars": [],
    }


class Together:
    """When the work of each system began, when it ended, in real seconds.

    ``effects`` are the journal's names for both; ``ours`` says which rows are about that work.
    Raises RuntimeError when it was begun twice on one system.
    """

    def __init__(
        self, journal: list[Row], effects: tuple[str, str], ours: Callable[[Row], bool] = lambda _row: True
    ) -> None:
        begun: dict[str, float] = {}
        ended: dict[str, float] = {}
        for row in filter(ours, journal):
            if row.get("effect") == effects[0]:
                if row["system"] in begun:
                    raise RuntimeError(f"{row['system']}: {effects[0]} a second time")
                begun[row["system"]] = row["t"]
            elif row.get("effect") == effects[1]:
                ended[row["system"]] = row["t"]
        self.spans = [(begun[system], ended[system]) for system in begun.keys() & ended.keys()]

    @property
    def slowest(self) -> float:
        """Seconds of the longest work."""
        return max(end - begin for begin, end in self.spans)

    @property
    def at_once(self) -> int:
        """How many were at work at one moment, at most."""
        return max(sum(begin <= moment < end for begin, end in self.spans) for moment, _end in self.spans)

    def words(self, wall: float) -> str:
        """How the whole, which took ``wall`` seconds, compares with the slowest."""
        span = max(end for _begin, end in self.spans) - min(begin for begin, _end in self.spans)
        return (
            f"from the first begun to the last ended {span / self.slowest:.2f} times that, the whole run "
            f"{wall / self.slowest:.2f} times; one after the other they would take "
            f"{sum(end - begin for begin, end in self.spans) / self.slowest:.0f} times"
        )
