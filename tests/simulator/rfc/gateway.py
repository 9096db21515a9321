# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks behind the ports of one dialog instance: gateway and ICM of a simulated ABAP system."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tests.simulator.abap.engine import AbapEngine, Session
from tests.simulator.abap.functions.basis import information
from tests.simulator.abap.users import User
from tests.simulator.landscape import Instance

from .conversation import Protocol
from .soap import Service
from .wire import Place


class Gateway:
    """One instance's ways in."""

    def __init__(self, engine: AbapEngine, instance: Instance) -> None:
        system, number = engine.system, instance.number
        options = system.options
        database = system.database()[1]
        place = Place(system.sid, instance.virtual_host, number, database, options.release, options.kernel)
        self.ports = {"rfc": int(f"33{number}"), "icm": int(f"80{number}"), "icm-tls": int(f"443{number}")}
        self.protocol = Protocol(engine, place, instance)
        self.service = Service(engine, system.sid, system.client, instance, partial(self._public, engine, instance))

    @staticmethod
    def _public(engine: AbapEngine, instance: Instance) -> Mapping[str, str]:
        """What everybody may know, as the system itself sees it."""
        return information(Session(engine, User("000", "SAPSYS", ""), "E", instance))
