# SPDX-License-Identifier: GPL-3.0-or-later
"""The control door: faults, clock, state, journal of a simulation that runs.

========  =================  ==========================================================================================
GET       ``/info``          the JSON line of the start
GET       ``/hosts/<name>``  whether it can be reached; with ``wait=S`` waits up to S real seconds until it can
GET       ``/state``         the whole state; ``POST`` sets the parts that its body names
GET       ``/faults``        the faults in force; ``POST`` adds one or a list; ``DELETE /faults[/<id or name>]`` removes
GET       ``/kinds``         the names of the faults with a line each
POST      ``/clock``         any of ``{"speed": n}``, ``{"advance": seconds}``, ``{"jump": seconds}``
GET       ``/journal``       entries ``after=N``; with ``wait=S`` waits up to S real seconds for the first one
GET       ``/export``        the landscape as native export with the addresses in use
GET       ``/hana/<SID>``    databases, tables, users, catalogs of a HANA system
POST      ``/hana/<SID>/user``     sets of ``user`` (in ``database`` or in all) ``state``, ``password``, ``privileges``
POST      ``/hana/<SID>/catalog``  ``{"database": "PRD", "entries": 100000}`` adds old log backups to a catalog
GET       ``/abap/<SID>``    clients, users, jobs, logical systems, task lists of an ABAP system
POST      ``/abap/<SID>/user``     sets of ``user`` (of ``client`` or all) ``password``, ``flag``, ``authorizations``
POST      ``/abap/<SID>/client``   ``{"client": "100", "fields": {"LOGSYS": "..."}}`` sets fields of T000
POST      ``/abap/<SID>/job``      a job as in the landscape file: ``name``, ``report``, ``every``, ``next`` ...
POST      ``/abap/<SID>/variant``  ``{"report": "R", "variant": "V", "rows": [...]}``, with ``client`` or for all
POST      ``/abap/<SID>/processes``  ``{"background": 0}`` work processes of each instance
POST      ``/abap/<SID>/table``    ``{"name": "VBHDR", "rows": [...]}`` sets the rows of a table that is merely kept
POST      ``/abap/<SID>/many``     ``{"table": "VBHDR", "count": 100000, "row": {}}`` has it show so many rows
POST      ``/abap/<SID>/sessions``   ``{"rows": [{"user": "MILLER"}]}`` are logged on; ``busy``, ``dumps``, ``locks``
POST      ``/shutdown``      the end
========  =================  ==========================================================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .abap.world import AbapWorld
from .clock import Clock
from .faults import FAULTS, BadFault, Faults
from .hana.database import World, dumps
from .journal import Journal
from .landscape import Landscape
from .web import Answer, Request, as_json


class Control:
    """The control door."""

    def __init__(
        self,
        landscape: Landscape,
        clock: Clock,
        journal: Journal,
        faults: Faults,
        hana: World,
        info: Callable[[], dict[str, Any]],
        export: Callable[[], dict[str, Any]],
        end: Callable[[], None],
        abap: AbapWorld,
    ) -> None:
        self.landscape, self.clock, self.journal, self.faults = landscape, clock, journal, faults
        self.hana, self.abap = hana, abap
        self._info, self._export, self._end = info, export, end

    async def handle(self, request: Request) -> Answer:
        """Answer one HTTP request."""
        try:
            return await self._route(request)
        except (BadFault, ValueError, TypeError, AttributeError) as error:
            return as_json({"error": str(error)}, 400)
        except KeyError as error:
            return as_json({"error": f"there is no {error.args[0]!r}"}, 404)

    async def _route(self, request: Request) -> Answer:
        what = (request.method, request.path.rstrip("/"))
        if what == ("GET", "/info"):
            return as_json(self._info())
        if what == ("GET", "/state"):
            return as_json(self.landscape.snapshot())
        if what == ("POST", "/state"):
            self.landscape.restore(request.json() or {})
            return as_json(self.landscape.snapshot())
        if request.method == "GET" and what[1].startswith("/hosts/"):
            return await self._host(what[1].removeprefix("/hosts/"), float(request.query.get("wait", 0)))
        if what == ("GET", "/faults"):
            return as_json(self.faults.listing())
        if what == ("GET", "/kinds"):
            return as_json(FAULTS)
        if what == ("POST", "/faults"):
            body = request.json()
            rows = body if isinstance(body, list) else body.get("faults", [body])
            for row in rows:
                self.faults.check(row)
            return as_json([self.faults.add(row).as_dict() for row in rows], 201)
        if request.method == "DELETE" and (what[1] == "/faults" or what[1].startswith("/faults/")):
            which = what[1].removeprefix("/faults").strip("/")
            removed = (
                self.faults.remove(ident=int(which)) if which.isdigit() else self.faults.remove(name=which or None)
            )
            return as_json({"removed": removed})
        if what == ("POST", "/clock"):
            body = request.json() or {}
            if "speed" in body:
                self.clock.set_speed(float(body["speed"]))
            if "jump" in body:
                self.clock.jump(float(body["jump"]))
            if "advance" in body:
                self.clock.advance(float(body["advance"]))
            return as_json({"sim": self.clock.now(), "wall": self.clock.wall(), "speed": self.clock.speed})
        if what == ("GET", "/journal"):
            return await self._journal(int(request.query.get("after", 0)), float(request.query.get("wait", 0)))
        if what == ("GET", "/export"):
            return as_json(self._export())
        if what[1].startswith("/hana/"):
            return self._hana(what[0], what[1].removeprefix("/hana/"), request)
        if what[1].startswith("/abap/"):
            return self._abap(what[0], what[1].removeprefix("/abap/"), request)
        if what == ("POST", "/shutdown"):
            asyncio.get_running_loop().call_later(0.05, self._end)
            return as_json({"ending": True})
        return as_json({"error": f"no {request.method} {request.path} here"}, 404)

    def _hana(self, method: str, path: str, request: Request) -> Answer:
        key, _slash, what = path.partition("/")
        system = self.hana.systems[key]
        body = request.json() or {}
        if (method, what) == ("POST", "user"):
            system.set_user(**body)
        elif (method, what) == ("POST", "catalog"):
            system.databases[body["database"]].backups.catalog.fill(int(body["entries"]), self.clock.wall())
        elif (method, what) != ("GET", ""):
            return as_json({"error": f"no {method} {request.path} here"}, 404)
        return Answer(200, dumps(system.snapshot()).encode(), "application/json")

    def _abap(self, method: str, path: str, request: Request) -> Answer:
        key, _slash, what = path.partition("/")
        system = self.abap.systems[key]
        change = system.changes.get(what) if method == "POST" else None
        if change is not None:
            change(**(request.json() or {}))
        elif (method, what) != ("GET", ""):
            return as_json({"error": f"no {method} {request.path} here"}, 404)
        return as_json(system.snapshot())

    async def _host(self, name: str, wait: float) -> Answer:
        host = self.landscape.hosts[name]
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look() -> None:
            if not reached.done() and self.landscape.reachable(host):
                reached.set_result(None)

        # Not by the journal: every call of every host is an entry there, and would wake every waiting host.
        sources = (self.landscape.changed, self.faults.changed)
        for listeners in sources:
            listeners.append(look)
        try:
            look()
            await asyncio.wait_for(reached, wait)
        except TimeoutError:
            pass
        finally:
            for listeners in sources:
                listeners.remove(look)
        return as_json({"name": name, "state": host.state, "reachable": self.landscape.reachable(host)})

    async def _journal(self, after: int, wait: float) -> Answer:
        if wait > 0 and len(self.journal.entries) <= after:
            try:
                await asyncio.wait_for(self.journal.news(), wait)
            except TimeoutError:
                pass
        return as_json(self.journal.entries[after:])
