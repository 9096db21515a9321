# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated ABAP systems of a landscape, each in step with its instances.

A landscape system of type ``abap``, or one with instances of kind ``dialog``, is an ABAP system. What runs on an
instance ends when the instance stops, its host goes down or its database is lost; everything else lives on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulator.clock import Clock
from tests.simulator.faults import Faults
from tests.simulator.journal import Journal
from tests.simulator.landscape import Landscape

from .system import AbapSystem


class AbapWorld:
    """All ABAP systems of a landscape; keys are SIDs, or system names where a SID is there twice."""

    def __init__(self, landscape: Landscape, clock: Clock, journal: Journal, faults: Faults) -> None:
        self.landscape, self.clock, self.journal, self.faults = landscape, clock, journal, faults
        self.systems: dict[str, AbapSystem] = {}
        self.changed: list[Callable[[], None]] = []
        for name, raw in landscape.systems.items():
            instances = [i for i in landscape.instances.values() if i.system == name and i.kind == "dialog"]
            if raw.get("type") == "abap" or instances:
                sid = raw.get("sid") or (instances[0].sid if instances else name)
                key = name if sid in self.systems else sid
                self.systems[key] = AbapSystem(self, key, name, sid, instances, raw)
        landscape.changed.append(self.sync)
        faults.changed.append(self.sync)
        self.sync()

    def sync(self) -> None:
        """Follow the landscape: what ran on instances that are gone is cancelled, what is due starts."""
        for system in self.systems.values():
            system.sync()

    def tell(self) -> None:
        """Something changed that doors may depend on."""
        for listener in list(self.changed):
            listener()

    def info(self) -> dict[str, Any]:
        """By system name: SID, clients, users with their passwords."""
        return {
            system.name: {
                "sid": system.sid,
                "key": key,
                "clients": list(system.clients),
                "client": system.client,
                "users": dict(system.passwords),
            }
            for key, system in self.systems.items()
        }
