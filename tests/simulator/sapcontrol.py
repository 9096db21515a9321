# SPDX-License-Identifier: GPL-3.0-or-later
"""The sapcontrol door: what the web service of one instance's sapstartsrv answers.

Published or captured: shapes, enumerations, protection, ``Instance already started``, ``Invalid Credentials``,
``DpAttachStartService failed``, property names, queue types. Invented here: the texts of logs, the values of
counters, parameters; that HACheckMaintenanceMode answers with a fault while the maintenance mode is off; that a level
of StartSystem or StopSystem which is not through within ``waittimeout`` ends the whole call; that a restart of a
stopped system starts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from . import soap
from .faults import Fault, Faults
from .journal import Journal
from .landscape import GRAY, GREEN, KINDS, RED, YELLOW, Instance, Landscape, Refused
from .web import Answer, Hang, Hangup, Request

QUEUES = (
    ("ABAP/NOWP", 14000),
    ("ABAP/DIA", 14000),
    ("ABAP/UPD", 14000),
    ("ABAP/ENQ", 14000),
    ("ABAP/BTC", 14000),
    ("ABAP/SPO", 14000),
    ("ABAP/UP2", 14000),
    ("ICM/Intern", 6000),
)
OPTION_KINDS: dict[str, Callable[[Instance], bool]] = {
    "ALL-INSTANCES": lambda i: True,
    "SCS-INSTANCES": lambda i: i.kind in ("ascs", "scs"),
    "DIALOG-INSTANCES": lambda i: i.kind in ("dialog", "java"),
    "ABAP-INSTANCES": lambda i: "ABAP" in i.features,
    "J2EE-INSTANCES": lambda i: "J2EE" in i.features,
    "TREX-INSTANCES": lambda i: "TREX" in i.features,
    "ENQREP-INSTANCES": lambda i: i.kind == "ers",
    "HDB-INSTANCES": lambda i: i.kind == "hana",
    "ALLNOHDB-INSTANCES": lambda i: i.kind != "hana",
}
PFXS = len("SAPControl-")


def elapsed(seconds: float) -> str:
    """``HHHH:MM:SS`` with unlimited hours."""
    whole = max(0, int(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class Service:
    """The web service of all instances; each door hands in its instance."""

    def __init__(
        self,
        landscape: Landscape,
        journal: Journal,
        faults: Faults,
        users: Callable[[Instance], set[str]],
        password: str,
    ) -> None:
        self.landscape = landscape
        self.journal = journal
        self.faults = faults
        self._users = users
        self._password = password
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the way in ---------------------------------------------------------------------------------------------------

    async def handle(self, instance: Instance, request: Request) -> Answer:
        """Answer one HTTP request that came in through an instance's door."""
        door = "sapcontrol-socket" if request.local else "sapcontrol-https" if request.tls else "sapcontrol-http"
        if request.method == "GET":
            if "wsdl" in request.target.lower():
                host = self.landscape.hosts[instance.host].address
                port = f"5{instance.number}{'14' if request.tls else '13'}"
                return Answer(200, soap.wsdl(f"{'https' if request.tls else 'http'}://{host}:{port}/SAPControl.cgi"))
            return Answer(404, b"", "text/plain")
        if request.method != "POST":
            return Answer(405, b"", "text/plain")
        try:
            name, values = soap.parse(request.body)
        except soap.BadRequest as error:
            self.journal.note(
                door=door,
                host=instance.host,
                instance=instance.id,
                system=instance.system,
                call="?",
                caller=request.caller,
                detail=str(error),
            )
            return Answer(500, soap.fault(str(error), "SOAP-ENV:Client"))
        given = request.basic()
        where = {**self.landscape.where(instance), "operation": name, "door": door}

        def strike(what: str) -> Fault | None:
            return self.faults.strike(what, **where)

        entry = self.journal.note(
            door=door,
            host=instance.host,
            system=instance.system,
            instance=instance.id,
            call=name,
            caller=given[0] if given else request.caller,
            detail=", ".join(f"{k}={v}" for k, v in values.items() if v is not None) or None,
        )
        slow = strike("slow")
        if slow is not None:
            entry["fault"] = "slow"
            await asyncio.sleep(slow.seconds)
        for what in ("hang", "drop_before", "server_error", "not_soap", "unauthorized"):
            if strike(what) is not None:
                self.journal.note(
                    fault=what,
                    host=instance.host,
                    instance=instance.id,
                    system=instance.system,
                    door=door,
                    of=entry["n"],
                )
                if what == "hang":
                    raise Hang
                if what == "drop_before":
                    raise Hangup
                if what == "server_error":
                    return Answer(500, b"", "text/plain")
                if what == "not_soap":
                    return Answer(200, b"<html><body>Proxy sign-in</body></html>", "text/html")
                return self._unauthorized()
        if not soap.OPERATIONS[name].open and not request.local:
            if given is None:
                return self._unauthorized()
            if given[0] not in self._users(instance) or given[1] != self._password:
                return Answer(500, soap.fault("Invalid Credentials"))
        if strike("denied") is not None:
            return Answer(500, soap.fault("Permission denied"))
        cut = strike("half_answer") is not None
        drop = strike("drop_after_accept") is not None
        try:
            answered = self._call(instance, name, values, entry["caller"], trusted=request.local or given is not None)
        except Refused as refused:
            self.journal.note(
                door=door,
                host=instance.host,
                system=instance.system,
                instance=instance.id,
                refused=name,
                of=entry["n"],
                detail=str(refused),
            )
            result = Answer(500, soap.fault(str(refused)))
        else:
            result = Answer(200, soap.answer(name, answered))
        if drop or cut:
            self.journal.note(
                fault="drop_after_accept" if drop else "half_answer",
                host=instance.host,
                system=instance.system,
                instance=instance.id,
                door=door,
                of=entry["n"],
            )
        if drop:
            raise Hangup
        result.cut = cut
        return result

    @staticmethod
    def _unauthorized() -> Answer:
        return Answer(401, b"", "text/plain", {"WWW-Authenticate": 'Basic realm="SAPControl"'})

    def _call(
        self, instance: Instance, name: str, values: dict[str, Any], caller: str, *, trusted: bool
    ) -> dict[str, Any]:
        method = getattr(self, f"do_{name}", None)
        if method is not None:
            return method(instance, values, caller) or {}
        if name == "AccessCheck":
            function = values.get("function") or ""
            if function not in soap.OPERATIONS:
                raise Refused("Invalid parameter")
            if not soap.OPERATIONS[function].open and not trusted:
                raise Refused("Permission denied")
        return {}

    # -- start and stop -----------------------------------------------------------------------------------------------

    def do_Start(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Start the instance."""
        self.landscape.start(instance, caller)

    def do_Stop(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Stop the instance."""
        self.landscape.stop(instance, values["softtimeout"], caller)

    def do_Shutdown(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Stop the instance, waiting for its users as long as they need."""
        self.landscape.stop(instance, instance.seconds["soft"], caller)

    def _other(self, instance: Instance, values: dict[str, Any]) -> Instance:
        for other in self.landscape.of_system(instance.system):
            if values["host"] in (other.host, other.virtual_host) and int(other.number) == values["nr"]:
                return other
        raise Refused("Invalid instance")

    def do_InstanceStart(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Start another instance of the system."""
        self.landscape.start(self._other(instance, values), caller)

    def do_InstanceStop(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Stop another instance of the system."""
        self.landscape.stop(self._other(instance, values), values["softtimeout"], caller)

    def do_RestartInstance(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Stop the instance, then start it."""

        async def through() -> None:
            self.landscape.stop(instance, values["softtimeout"], caller)
            if await self._until(lambda: instance.phase in ("stopped", "running"), 0) and instance.phase == "stopped":
                self.landscape.start(instance, caller)

        self._spawn(through())

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until(self, predicate: Callable[[], bool], timeout: float) -> bool:
        """Wait for a state of the landscape, at most ``timeout`` simulated seconds (0: as long as it takes)."""
        late = False

        def expire() -> None:
            nonlocal late
            late = True
            self.journal.note(expired="waittimeout", detail=f"{timeout:g}")

        timer = self.landscape.clock.after(timeout, expire) if timeout > 0 else None
        while not predicate() and not late:
            await self.journal.news()
        if timer is not None:
            timer.cancel()
        return predicate()

    def _chosen(self, instance: Instance, values: dict[str, Any]) -> list[Instance]:
        option = values["options"][PFXS:]
        rows = self.landscape.of_system(instance.system)
        if option == "PRIORITY-LEVEL":
            try:
                level = float(values.get("prioritylevel") or "")
            except ValueError:
                raise Refused("Invalid prioritylevel") from None
            return [row for row in rows if row.priority == level]
        return [row for row in rows if OPTION_KINDS[option](row)]

    async def _reached(self, rows: list[Instance], phase: str, wait: float) -> bool:
        """Wait until all instances are in a phase, apart from those whose sapstartsrv does not answer."""
        return await self._until(
            lambda: all(row.phase == phase or not self.landscape.serving(row) for row in rows), wait
        )

    async def _levels(self, rows: list[Instance], up: bool, soft: float, wait: float, caller: str) -> bool:
        for level in sorted({row.priority for row in rows}, reverse=not up):
            here = [row for row in rows if row.priority == level]
            for row in here:
                if not self.landscape.serving(row):
                    self.journal.note(
                        effect="skipped",
                        host=row.host,
                        system=row.system,
                        instance=row.id,
                        detail="its sapstartsrv does not answer",
                        caller=caller,
                    )
                elif up and row.phase == "stopped":
                    self.landscape.start(row, caller)
                elif not up:
                    self.landscape.stop(row, soft, caller)
            if not await self._reached(here, "running" if up else "stopped", wait):
                self.journal.note(
                    effect="system_start_ended" if up else "system_stop_ended",
                    host=here[0].host,
                    system=here[0].system,
                    detail=f"level {level:g} was not through in time",
                    caller=caller,
                )
                return False
        return True

    def do_StartSystem(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Start the system's instances, one start priority after the other."""

        async def through() -> None:
            await self._levels(self._chosen(instance, values), True, 0, values["waittimeout"], f"{caller} StartSystem")

        self._chosen(instance, values)
        self._spawn(through())

    def do_StopSystem(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Stop the system's instances, one start priority after the other, downwards."""

        async def through() -> None:
            await self._levels(
                self._chosen(instance, values),
                False,
                values["softtimeout"],
                values["waittimeout"],
                f"{caller} StopSystem",
            )

        self._chosen(instance, values)
        self._spawn(through())

    def do_RestartSystem(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Stop the system's instances, then start them."""

        async def through() -> None:
            rows = self._chosen(instance, values)
            if await self._levels(rows, False, values["softtimeout"], values["waittimeout"], f"{caller} RestartSystem"):
                await self._levels(rows, True, 0, values["waittimeout"], f"{caller} RestartSystem")

        self._chosen(instance, values)
        self._spawn(through())

    def do_CheckUpdateSystem(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """The prerequisites of a rolling kernel switch."""
        rows = self.landscape.of_system(instance.system)
        if self.landscape.replicator(instance) is None or sum(row.kind == "dialog" for row in rows) < 2:
            raise Refused("Rolling kernel switch needs enqueue replication and two dialog instances")

    def do_UpdateSystem(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Restart the system's instances one after the other."""
        if not values["force"]:
            self.do_CheckUpdateSystem(instance, values, caller)
        rows = [row for row in self.landscape.of_system(instance.system) if row.kind != "hana"]
        for row in rows:
            row.updating = {"status": "Planned", "starttime": "", "endtime": "", "dispstatus": GRAY}

        async def through() -> None:
            for row in rows:
                if not await self._update(row, values, f"{caller} UpdateSystem"):
                    return

        self._spawn(through())

    async def _update(self, row: Instance, values: dict[str, Any], caller: str) -> bool:
        """Restart one instance for UpdateSystem; whether it runs again."""
        assert row.updating is not None
        form, wait = "%d.%m.%Y %H:%M:%S", values["waittimeout"]
        row.updating.update(status="Running", starttime=self.landscape.clock.text(form=form), dispstatus=YELLOW)
        self.landscape.stop(row, values["softtimeout"], caller)
        good = await self._until(lambda: row.phase != "stopping", wait) and row.phase == "stopped"
        if good:
            self.landscape.start(row, caller)
            good = await self._until(lambda: row.phase != "starting", wait) and row.phase == "running"
        row.updating.update(
            status="Finished" if good else "Failed",
            dispstatus=GREEN if good else RED,
            endtime=self.landscape.clock.text(form=form),
        )
        return good

    def do_GetSystemUpdateList(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The instances under a running UpdateSystem."""
        return {
            "instance": [
                {"hostname": row.virtual_host, "instanceNr": int(row.number), **row.updating}
                for row in self.landscape.of_system(instance.system)
                if row.updating
            ]
        }

    def do_RestartService(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Restart sapstartsrv."""
        self.landscape.restart_service(instance)

    def do_StopService(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Stop sapstartsrv shortly after the answer."""
        self.landscape.clock.after(
            0.05 * self.landscape.clock.speed, lambda: self.landscape.set_service(instance, False)
        )

    # -- looking ------------------------------------------------------------------------------------------------------

    def do_GetProcessList(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The processes with their colours."""
        clock = self.landscape.clock
        gone = self.faults.standing("process_gone", **self.landscape.where(instance)) is not None
        return {
            "process": [
                {
                    "name": row.name,
                    "description": row.description,
                    "dispstatus": row.color,
                    "textstatus": row.text,
                    "starttime": "" if row.started is None else clock.text(row.started),
                    "elapsedtime": "" if row.started is None else elapsed(clock.now() - row.started),
                    "pid": row.pid,
                }
                for row in (instance.listed[:-1] if gone else instance.listed)
            ]
        }

    def do_GetSystemInstanceList(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The instances of the system, as this one sees them: GRAY where no sapstartsrv answers."""
        return {
            "instance": [
                {
                    "hostname": row.virtual_host,
                    "instanceNr": int(row.number),
                    "httpPort": int(f"5{row.number}13"),
                    "httpsPort": int(f"5{row.number}14"),
                    "startPriority": f"{row.priority:g}",
                    "features": row.features,
                    "dispstatus": row.color if self.landscape.serving(row) else GRAY,
                }
                for row in self.landscape.of_system(instance.system)
                if self.faults.standing("not_listed", **self.landscape.where(row)) is None
            ]
        }

    def do_GetInstanceProperties(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """Attributes with their values, the web methods among them."""
        rows = [
            ("SAPSYSTEM", instance.number),
            ("SAPSYSTEMNAME", instance.sid),
            ("SAPLOCALHOST", instance.virtual_host),
            ("INSTANCE_NAME", instance.name),
            ("StartPriority", f"{instance.priority:g}"),
            ("Webmethods", ",".join(sorted(soap.OPERATIONS))),
            ("Protected Webmethods", ",".join(soap.PROTECTED)),
        ]
        if instance.kind == "hana":
            rows += [("DBServices", "YES"), ("HANA Roles", "worker")]
        listed = [{"property": name, "propertytype": "Attribute", "value": value} for name, value in rows]
        if instance.kind == "dialog":
            listed += [
                {"property": label, "propertytype": "NodeWebmethod", "value": method}
                for label, method in (("ABAP WP Table", "ABAPGetWPTable"), ("Queue Statistic", "GetQueueStatistic"))
            ]
        return {"properties": listed}

    def do_GetVersionInfo(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The executables with their kernel levels."""
        level = instance.given.get("simulation", {}).get("kernel", "793, patch 200, changelist 2123456")
        text = f"{level}, RKS compatibility level 0, optU (Sep 14 2026, 21:33:27), linuxx86_64"
        base = f"/usr/sap/{instance.sid}/{instance.name}/exe"
        return {
            "version": [
                {"Filename": f"{base}/{name}", "VersionInfo": text, "Time": "2026 09 14 21:33:27"}
                for name in dict.fromkeys(["sapstartsrv", *(n for n, _d in KINDS[instance.kind].processes)])
            ]
        }

    @staticmethod
    def _needs_dispatcher(instance: Instance) -> None:
        if instance.kind != "dialog" or instance.phase not in ("running", "stopping"):
            raise Refused("DpAttachStartService failed")

    def do_GetQueueStatistic(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The dispatcher's queues."""
        self._needs_dispatcher(instance)
        return {
            "queue": [
                {
                    "Typ": name,
                    "Now": int(instance.queues.get(name, 0)),
                    "High": max(7, int(instance.queues.get(name, 0))),
                    "Max": limit,
                    "Writes": 12345,
                    "Reads": 12345 - int(instance.queues.get(name, 0)),
                }
                for name, limit in QUEUES
            ]
        }

    def _work_processes(self, instance: Instance) -> list[dict[str, Any]]:
        rows = []
        ended = self.faults.standing("work_process_ended", **self.landscape.where(instance)) is not None
        types = ["DIA"] * 10 + ["UPD"] * 2 + ["BTC"] * 4 + ["SPO", "UP2"]
        for number, sort in enumerate(types):
            busy = number < instance.busy
            rows.append(
                {
                    "No": number,
                    "Typ": sort,
                    "Pid": 21000 + number,
                    "Status": "Ended" if ended and number == 9 else "Run" if busy else "Wait",
                    "Reason": "",
                    "Start": "yes",
                    "Err": "",
                    "Sem": "",
                    "Cpu": "0:00:23",
                    "Time": "4" if busy else "",
                    "Program": "SAPLTHFB" if busy else "",
                    "Client": "100" if busy else "",
                    "User": "MILLER" if busy else "",
                    "Action": "Sequential Read" if busy else "",
                    "Table": "VBAK" if busy else "",
                }
            )
        return rows

    def do_ABAPGetWPTable(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The instance's work processes."""
        self._needs_dispatcher(instance)
        return {"workprocess": self._work_processes(instance)}

    def do_ABAPGetSystemWPTable(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The work processes of all instances of the system."""
        rows = []
        for other in self.landscape.of_system(instance.system):
            if other.kind == "dialog" and other.phase in ("running", "stopping"):
                name = f"{other.virtual_host}_{other.sid}_{other.number}"
                rows += [
                    {"Instance": name, **row}
                    for row in self._work_processes(other)
                    if not values["activeonly"] or row["Status"] != "Wait"
                ]
        return {"workprocess": rows}

    def do_ABAPSetServerInactive(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Take the dialog instance out of logon balancing, or back in."""
        self._needs_dispatcher(instance)
        if instance.inactive != values["inactive"]:
            instance.inactive = values["inactive"]
            self.journal.note(
                effect="inactive" if instance.inactive else "active",
                host=instance.host,
                system=instance.system,
                instance=instance.id,
                caller=caller,
            )

    def do_ABAPGetComponentList(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """Software components."""
        self._needs_dispatcher(instance)
        return {
            "component": [
                {
                    "component": "SAP_BASIS",
                    "release": "758",
                    "patchlevel": "0002",
                    "componenttype": "",
                    "description": "SAP Basis Component",
                }
            ]
        }

    def do_J2EEGetProcessList2(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The Java processes."""
        if "J2EE" not in instance.features:
            raise Refused("J2EE instance is not configured")
        state = {"running": "RUNNING", "starting": "STARTING", "stopping": "STOPPING"}.get(instance.phase, "STOPPED")
        started = next((row.started for row in instance.processes if row.name == "jstart"), None)
        clock = self.landscape.clock
        return {
            "process": [
                {
                    "telnetPort": int(f"5{instance.number}08"),
                    "name": name,
                    "pid": 31000 + index,
                    "type": kind,
                    "restart": "yes",
                    "exitCode": "",
                    "state": f"SAPControl-J2EE-{state}",
                    "statetext": state.title(),
                    "startTime": "" if started is None else clock.text(started),
                    "elapsedTime": "" if started is None else elapsed(clock.now() - started),
                    "restartCount": 0,
                    "errorCount": 0,
                    "cpu": "1%",
                    "debug": "disabled",
                    "clusterId": 2000000 + index * 50,
                }
                for index, (name, kind) in enumerate((("icm", "ICM"), ("server0", "J2EE Server")))
            ]
        }

    def do_J2EEGetComponentList(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """Java services with their states."""
        if "J2EE" not in instance.features:
            raise Refused("J2EE instance is not configured")
        up = instance.running
        return {
            "component": [
                {
                    "type": "service",
                    "name": name,
                    "startupmode": "always",
                    "status": "started" if up else "stopped",
                    "expectedstatus": "started",
                    "details": "",
                    "dispstatus": GREEN if up else GRAY,
                }
                for name in ("http", "dbpool", "telnet")
            ]
        }

    def do_GetAlertTree(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The alert tree, flat."""
        now = self.landscape.clock.text()
        return {
            "tree": [
                {
                    "name": instance.sid,
                    "parent": -1,
                    "ActualValue": instance.color,
                    "description": "",
                    "Time": now,
                    "AnalyseTool": "",
                    "VisibleLevel": "SAPControl-OPERATOR",
                    "HighAlertValue": instance.color,
                    "AlDescription": "",
                    "AlTime": "",
                    "Tid": "",
                },
                {
                    "name": instance.name,
                    "parent": 0,
                    "ActualValue": instance.color,
                    "description": "",
                    "Time": now,
                    "AnalyseTool": "",
                    "VisibleLevel": "SAPControl-OPERATOR",
                    "HighAlertValue": instance.color,
                    "AlDescription": "",
                    "AlTime": "",
                    "Tid": "",
                },
            ]
        }

    @staticmethod
    def _needs_enqueue(instance: Instance) -> None:
        if instance.kind not in ("ascs", "scs") or not instance.running:
            raise Refused("Enqueue server not available")

    def do_EnqGetStatistic(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The enqueue server's counters with the state of its replication."""
        self._needs_enqueue(instance)
        count = len(instance.locks)
        replicator = self.landscape.replicator(instance)
        state = GRAY if replicator is None else GREEN if replicator.running else RED
        answer: dict[str, Any] = {name: 0 for name, _kind in soap.OPERATIONS["EnqGetStatistic"].answer}
        for what in ("owner", "arguments", "locks"):
            answer |= {
                f"{what}-now": count,
                f"{what}-high": max(count, 12),
                f"{what}-max": 100000,
                f"{what}-state": GREEN,
            }
        return answer | {
            "enqueue-requests": 4711,
            "dequeue-requests": 4700,
            "lock-time": 0.25,
            "lock-wait-time": 0.0,
            "server-time": 1.5,
            "replication-state": state,
        }

    def do_EnqGetLockTable(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The locks."""
        self._needs_enqueue(instance)
        replicator = self.landscape.replicator(instance)
        return {"lock": [{**lock, "backup": replicator is not None and replicator.running} for lock in instance.locks]}

    def do_EnqRemoveLocks(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Remove locks by name with argument."""
        self._needs_enqueue(instance)
        gone = {(lock["lock-name"], lock["lock-arg"]) for lock in values["lock"]}
        instance.locks = [lock for lock in instance.locks if (lock["lock-name"], lock["lock-arg"]) not in gone]

    def do_EnqRemoveUserLocks(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Remove all locks of a user."""
        self._needs_enqueue(instance)
        instance.locks = [lock for lock in instance.locks if lock["user"] != values["user"]]

    # -- high availability --------------------------------------------------------------------------------------------

    def _sees_cluster(self, instance: Instance) -> bool:
        """Whether a cluster owns the instance, and its sapstartsrv has the connector that tells it so."""
        blind = self.faults.standing("no_cluster_connector", **self.landscape.where(instance)) is not None
        return instance.cluster_owned and not blind

    def _clustered(self, instance: Instance) -> bool:
        return any(self._sees_cluster(row) for row in self.landscape.of_system(instance.system))

    def do_HACheckConfig(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """Checks of the cluster's configuration; none without a cluster."""
        if not self._clustered(instance):
            return {"check": []}
        good = "SAPControl-HA-SUCCESS"
        failing = self.faults.standing("cluster_check_fails", **self.landscape.where(instance)) is not None
        replicator = self.landscape.replicator(instance)
        rows = [
            ("SAP-CONFIGURATION", good, "Redundant ABAP instance configuration", "two dialog instances"),
            (
                "SAP-STATE",
                good if replicator and replicator.running else "SAPControl-HA-WARNING",
                "Enqueue replication state",
                "replication enabled" if replicator and replicator.running else "no replication",
            ),
            (
                "HA-CONFIGURATION",
                "SAPControl-HA-ERROR" if failing else good,
                "SAPInstance RA sufficient version",
                "too old" if failing else "",
            ),
        ]
        return {
            "check": [
                {"state": state, "category": f"SAPControl-{category}", "description": text, "comment": comment}
                for category, state, text, comment in rows
            ]
        }

    do_HACheckFailoverConfig = do_HACheckConfig

    def do_HAGetFailoverConfig(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """Whether a cluster owns the instance, with its nodes."""
        if not self._sees_cluster(instance):
            return {"HAActive": False, "HANodes": []}
        nodes = sorted({row.host for row in self.landscape.of_system(instance.system) if row.cluster_owned})
        return {
            "HAActive": True,
            "HAProductVersion": "SUSE Linux Enterprise Server for SAP Applications 15 SP6",
            "HASAPInterfaceVersion": "SUSE Linux Enterprise Server for SAP Applications 15 SP6 "
            "(sap_suse_cluster_connector 3.1.3)",
            "HADocumentation": "https://documentation.suse.com/sles-sap/",
            "HAActiveNode": instance.host,
            "HANodes": nodes,
        }

    def do_HASetMaintenanceMode(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Switch the cluster's maintenance mode."""
        if not self._sees_cluster(instance):
            raise Refused("HA not active")
        self.landscape.set_maintenance(instance, values["mode"], values["instance-only"])

    def do_HACheckMaintenanceMode(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """A fault unless the maintenance mode is on."""
        if not self._sees_cluster(instance):
            raise Refused("HA not active")
        if not instance.maintenance:
            raise Refused("Maintenance mode is not active")

    def do_HAFailoverToNode(self, instance: Instance, values: dict[str, Any], caller: str) -> None:
        """Not simulated: an instance keeps its host."""
        raise Refused("HAFailoverToNode is not possible in this landscape")

    # -- files, parameters, traces ------------------------------------------------------------------------------------

    def _parameters(self, instance: Instance) -> dict[str, str]:
        base = f"/usr/sap/{instance.sid}"
        return {
            "SAPSYSTEMNAME": instance.sid,
            "SAPSYSTEM": instance.number,
            "INSTANCE_NAME": instance.name,
            "SAPLOCALHOST": instance.virtual_host,
            "SAPGLOBALHOST": instance.virtual_host,
            "DIR_CT_RUN": f"{base}/SYS/exe/uc/linuxx86_64",
            "DIR_EXECUTABLE": f"{base}/{instance.name}/exe",
            "DIR_HOME": f"{base}/{instance.name}/work",
            "DIR_PROFILE": f"{base}/SYS/profile",
            "service/protectedwebmethods": "SDEFAULT",
        } | instance.given.get("simulation", {}).get("parameters", {})

    def do_ParameterValue(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """One profile parameter, or all."""
        table = self._parameters(instance)
        name = values.get("parameter")
        if not name:
            return {"value": "\n".join(f"{key}={value}" for key, value in sorted(table.items()))}
        if name not in table:
            raise Refused("Invalid parameter")
        return {"value": table[name]}

    def do_GetStartProfile(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The start profile."""
        name = f"/usr/sap/{instance.sid}/SYS/profile/{instance.sid}_{instance.name}_{instance.virtual_host}"
        return {
            "name": name,
            "lines": [
                f"SAPSYSTEMNAME = {instance.sid}",
                f"SAPSYSTEM = {instance.number}",
                f"INSTANCE_NAME = {instance.name}",
            ],
        }

    def _traces(self, instance: Instance) -> dict[str, list[str]]:
        process = instance.main
        name = {"disp+work": "dev_disp", "msg_server": "dev_ms", "hdbindexserver": "indexserver.trc"}.get(
            process, f"dev_{process}"
        )
        head = [
            "---------------------------------------------------",
            f'trc file: "{name}", trc level: 1, release: "793"',
            "---------------------------------------------------",
        ]
        base = f"/usr/sap/{instance.sid}/{instance.name}/work"
        return {f"{base}/{name}": head + instance.log, f"{base}/sapstartsrv.log": instance.log}

    def do_GetTraceFile(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The trace of sapstartsrv."""
        name, lines = list(self._traces(instance).items())[-1]
        return {"name": name, "lines": lines}

    def _listed(self, instance: Instance) -> list[dict[str, Any]]:
        return [
            {
                "filename": name,
                "size": sum(len(line) + 1 for line in lines),
                "modtime": self.landscape.clock.text(),
                "format": "TEXT",
            }
            for name, lines in self._traces(instance).items()
        ]

    def do_ListDeveloperTraces(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The developer traces."""
        return {
            "file": [{key: value for key, value in row.items() if key != "format"} for row in self._listed(instance)]
        }

    def do_ListLogFiles(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The log files."""
        return {"file": self._listed(instance)}

    def _file(self, instance: Instance, name: str | None) -> tuple[str, list[str]]:
        for path, lines in self._traces(instance).items():
            if name in (path, path.rpartition("/")[2]):
                return path, lines
        raise Refused("Invalid filename")

    def do_ReadDeveloperTrace(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """A trace: all of it, its first or its last bytes."""
        path, lines = self._file(instance, values["filename"])
        text, size = "\n".join(lines), values["size"]
        text = text[:size] if size > 0 else text[size:] if size < 0 else text
        return {"name": path, "lines": text.split("\n") if text else []}

    def do_ReadLogFile(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The last lines of a log file."""
        _path, lines = self._file(instance, values["filename"])
        limit = values["maxentries"]
        return {
            "format": "TEXT",
            "startcookie": "0",
            "endcookie": str(len(lines)),
            "fields": lines[-limit:] if limit > 0 else lines,
        }

    def do_OSExecute(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """Not simulated: no command runs."""
        raise Refused("Permission denied")

    def do_GetEnvironment(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The environment of sapstartsrv."""
        return {"env": [f"SAPSYSTEMNAME={instance.sid}", f"DIR_LIBRARY=/usr/sap/{instance.sid}/{instance.name}/exe"]}

    def do_GetAccessPointList(self, instance: Instance, values: dict[str, Any], caller: str) -> dict[str, Any]:
        """The ports of the main process."""
        return {
            "accesspoint": [
                {
                    "address": self.landscape.hosts[instance.host].address,
                    "port": int(f"32{instance.number}"),
                    "protocol": "DP",
                    "processname": instance.main,
                    "active": "yes" if instance.running else "no",
                }
            ]
        }
