# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the simulated landscape, the only one there is: doors read it or ask it to change.

Sources: process names, features, priorities, colours, ``sapcpe``, vanishing processes from captures of real systems;
durations, the share of stragglers, package lists are invented. Two rules that real systems have show a wrong order at
once: an application instance stays YELLOW until its central services or its database run
(``waiting_for_dependency``), turns YELLOW when it loses them (``lost_dependency``); a host that goes down takes its
running instances along (``killed``).
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .clock import Clock, Timer
from .faults import Faults
from .journal import Journal

GREEN, YELLOW, RED, GRAY = "SAPControl-GREEN", "SAPControl-YELLOW", "SAPControl-RED", "SAPControl-GRAY"


@dataclass(frozen=True)
class Kind:
    """What all instances of a kind have in common; durations in simulated seconds."""

    priority: float
    features: str
    tier: str
    processes: tuple[tuple[str, str], ...]
    main: str
    start: float
    stop: float
    soft: float = 0.0


KINDS: dict[str, Kind] = {
    "hana": Kind(
        0.3,
        "HDB|HDB_WORKER",
        "db",
        (
            ("hdbdaemon", "HDB Daemon"),
            ("hdbcompileserver", "HDB Compileserver"),
            ("hdbindexserver", "HDB Indexserver-{sid}"),
            ("hdbnameserver", "HDB Nameserver"),
            ("hdbpreprocessor", "HDB Preprocessor"),
            ("hdbwebdispatcher", "HDB Web Dispatcher"),
            ("hdbxsengine", "HDB XSEngine-{sid}"),
        ),
        "hdbindexserver",
        180,
        90,
    ),
    "ers": Kind(0.5, "ENQREP", "app", (("enq_replicator", "Enqueue Replicator 2"),), "enq_replicator", 15, 8),
    "ascs": Kind(
        1,
        "MESSAGESERVER|ENQUE",
        "app",
        (("msg_server", "MessageServer"), ("enq_server", "Enqueue Server 2")),
        "msg_server",
        25,
        12,
    ),
    "scs": Kind(
        1,
        "GATEWAY|MESSAGESERVER|ENQUE",
        "app",
        (("msg_server", "MessageServer"), ("enserver", "EnqueueServer"), ("gwrd", "Gateway")),
        "msg_server",
        25,
        12,
    ),
    "dialog": Kind(
        3,
        "ABAP|GATEWAY|ICMAN|IGS",
        "app",
        (("disp+work", "Dispatcher"), ("igswd_mt", "IGS Watchdog"), ("gwrd", "Gateway"), ("icman", "ICM")),
        "disp+work",
        70,
        35,
        20,
    ),
    "java": Kind(
        3, "J2EE|IGS", "app", (("jstart", "J2EE Server"), ("igswd_mt", "IGS Watchdog")), "jstart", 150, 60, 10
    ),
    "webdisp": Kind(4, "WEBDISP", "web", (("sapwebdisp", "Web Dispatcher"),), "sapwebdisp", 12, 6),
    "other": Kind(3, "SMDAGENT", "app", (("jstart", "J2EE Server"),), "jstart", 30, 15),
}
HOST_SECONDS = {"patch": 150.0, "reboot": 180.0}

# name, installed, available, security advisory, needs a reboot
PACKAGES: tuple[tuple[str, str, str, str | None, bool], ...] = (
    ("bash", "0:5.1.8-6.el9", "0:5.1.8-9.el9", None, False),
    ("compat-sap-c++-11", "0:11.2.1-2.el9", "0:11.3.1-2.el9", None, False),
    ("curl", "0:7.76.1-26.el9", "0:7.76.1-29.el9_4", "RHSA-2026:2201", False),
    ("glibc", "0:2.34-83.el9", "0:2.34-100.el9_4.3", "RHSA-2026:2313", True),
    ("kernel", "0:5.14.0-362.8.1.el9_3", "0:5.14.0-427.18.1.el9_4", "RHSA-2026:2394", True),
    ("openssl-libs", "1:3.0.7-24.el9", "1:3.0.7-27.el9", "RHSA-2026:2447", True),
    ("resource-agents-sap-hana", "0:0.162.1-2.el9", "0:0.162.3-2.el9", None, False),
    ("sudo", "0:1.9.5p2-9.el9", "0:1.9.5p2-10.el9_3", "RHSA-2026:0811", False),
    ("systemd", "0:252-18.el9", "0:252-32.el9_4", None, True),
    ("tuned-profiles-sap-hana", "0:2.21.0-1.el9", "0:2.22.1-1.el9", None, False),
    ("tzdata", "0:2025b-1.el9", "0:2026a-1.el9", None, False),
    ("vim-minimal", "2:8.2.2637-20.el9", "2:8.2.2637-20.el9", None, False),
)
NOARCH = frozenset({"tzdata", "tuned-profiles-sap-hana"})


class BadLandscape(ValueError):
    """The landscape file is not one; the text lists every defect."""


class Refused(Exception):
    """The landscape does not do that now; the text is what a SOAP fault says."""


@dataclass
class Process:
    """One row of GetProcessList."""

    name: str
    description: str
    color: str = GRAY
    text: str = "Stopped"
    started: float | None = None
    pid: int = 0


@dataclass
class Package:
    """One package of a host."""

    name: str
    arch: str
    installed: str
    available: str
    advisory: str | None = None
    reboot: bool = False

    @property
    def pending(self) -> bool:
        """Whether a newer version is on offer."""
        return self.installed != self.available


@dataclass
class Host:
    """One host."""

    name: str
    address: str
    given: dict[str, Any]
    seconds: dict[str, float]
    state: str = "up"
    boot_id: str = ""
    booted: float = 0.0
    packages: dict[str, Package] = field(default_factory=dict)
    locked: list[str] = field(default_factory=list)
    reboot_required: bool = False
    patching: bool = False
    booting: Timer | None = None
    held: int | None = None

    @property
    def up(self) -> bool:
        """Whether anything can answer on its address."""
        return self.state in ("up", "going_down")


@dataclass
class Instance:
    """One SAP instance with its sapstartsrv."""

    id: str
    system: str
    sid: str
    host: str
    name: str
    number: str
    kind: str
    priority: float
    features: str
    virtual_host: str
    cluster_owned: bool
    given: dict[str, Any]
    seconds: dict[str, float]
    sessions: int
    phase: str = "stopped"
    service_up: bool = True
    processes: list[Process] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    maintenance: bool = False
    inactive: bool = False
    degraded: bool = False
    wanted_red: bool = False
    held: int | None = None
    late: bool = False
    locks: list[dict[str, Any]] = field(default_factory=list)
    queues: dict[str, int] = field(default_factory=dict)
    busy: int = 2
    log: list[str] = field(default_factory=list)
    updating: dict[str, Any] | None = None

    @property
    def main(self) -> str:
        """The name of the process that decides."""
        return KINDS[self.kind].main

    @property
    def listed(self) -> list[Process]:
        """The processes that its process list shows."""
        late = self.late and self.phase == "starting"
        return [row for row in self.processes if row.color == GREEN] if late else self.processes

    @property
    def color(self) -> str:
        """The colour of the whole instance, as GetSystemInstanceList shows it."""
        colors = {process.color for process in self.listed}
        if not colors or colors == {GRAY}:
            return YELLOW if self.phase in ("starting", "stopping") else GRAY
        if RED in colors:
            return RED
        return GREEN if colors == {GREEN} else YELLOW

    @property
    def running(self) -> bool:
        """Whether others can work with it."""
        return self.phase == "running"


class Landscape:
    """All hosts, systems, instances, with the rules of how they change."""

    def __init__(
        self, export: dict[str, Any], clock: Clock, journal: Journal, faults: Faults, addresses: dict[str, str]
    ) -> None:
        self.export = export
        self.clock = clock
        self.journal = journal
        self.faults = faults
        self.options: dict[str, Any] = export.get("simulation") or {}
        self.seed = str(self.options.get("seed", 1))
        self.systems: dict[str, dict[str, Any]] = {}
        self.hosts: dict[str, Host] = {}
        self.instances: dict[str, Instance] = {}
        self.changed: list[Callable[[], None]] = []
        self.orders: dict[str, str] = {}
        self._pids = 4000
        for raw in export.get("systems") or []:
            self.systems[raw["name"]] = dict(raw)
        for raw in export.get("hosts") or []:
            self._add_host(raw, addresses[raw["name"]])
        for raw in export.get("instances") or []:
            self._add_instance(raw)
        self._needs = {key: self._requirements(instance) for key, instance in self.instances.items()}
        stopped = set(self.options.get("stopped") or [])
        for instance in self.instances.values():
            self._rest(instance, running=instance.id not in stopped and instance.system not in stopped)
        faults.changed.append(self._settle)

    # -- building -----------------------------------------------------------------------------------------------------

    def _random(self, *key: str) -> random.Random:
        return random.Random("/".join((self.seed, *key)))

    def _seconds(self, what: str, name: str, base: float, kind: str = "", tier: str = "") -> float:
        """A duration: its default, overridden by kind or tier, varied by the seed; some are stragglers."""
        table = self.options.get("durations") or {}
        for key in (f"{what}/{kind}", f"{what}/{tier}", what):
            if key in table:
                base = float(table[key])
                break
        draw = self._random(what, name)
        spread = float(self.options.get("spread", 0.2))
        seconds = base * (1 + spread * (2 * draw.random() - 1))
        late = self.options.get("stragglers") or {}
        if draw.random() < float(late.get("share", 0.05)):
            seconds *= float(late.get("factor", 2.0))
        return round(seconds, 3)

    def _add_host(self, raw: dict[str, Any], address: str) -> None:
        name = raw["name"]
        own = raw.get("simulation") or {}
        seconds = {what: float(own.get(what, self._seconds(what, name, base))) for what, base in HOST_SECONDS.items()}
        host = Host(name=name, address=address, given=raw, seconds=seconds)
        host.boot_id = str(uuid.UUID(int=self._random("boot", name).getrandbits(128), version=4))
        listed = own.get("packages")
        if listed is None:
            for package, installed, available, advisory, reboot in PACKAGES:
                arch = "noarch" if package in NOARCH else "x86_64"
                host.packages[package] = Package(package, arch, installed, available, advisory, reboot)
        else:
            for row in listed:
                host.packages[row["name"]] = Package(
                    row["name"],
                    row.get("arch", "x86_64"),
                    row["installed"],
                    row.get("available", row["installed"]),
                    row.get("advisory"),
                    bool(row.get("reboot")),
                )
        host.locked = list(own.get("locked") or [])
        host.reboot_required = bool(own.get("reboot_required"))
        self.hosts[name] = host

    def _add_instance(self, raw: dict[str, Any]) -> None:
        system = self.systems[raw["system"]]
        sid = raw.get("sid") or system.get("sid") or system["name"]
        kind_name = raw.get("kind") or "other"
        kind = KINDS[kind_name]
        key = f"{sid}/{raw['host']}/{raw['name']}"
        own = raw.get("simulation") or {}
        tier = raw.get("tier") or kind.tier
        seconds = {
            what: float(own.get(what, self._seconds(what, key, base, kind_name, tier)))
            for what, base in (("start", kind.start), ("stop", kind.stop), ("soft", kind.soft))
        }
        priority = raw.get("start_priority")
        instance = Instance(
            id=key,
            system=raw["system"],
            sid=sid,
            host=raw["host"],
            name=raw["name"],
            number=f"{int(raw['number']):02d}",
            kind=kind_name,
            priority=kind.priority if priority is None else float(priority),
            features=own.get("features") or kind.features,
            # A name that resolves without a name server is the address, which is known only now.
            virtual_host=(raw.get("virtual_host") or raw["host"]).replace("{address}", self.hosts[raw["host"]].address),
            cluster_owned=bool(raw.get("cluster_owned")),
            given=raw,
            seconds=seconds,
            sessions=int(own.get("sessions", self._random("sessions", key).randint(0, 40) if kind.soft else 0)),
            maintenance=bool(own.get("maintenance")),
        )
        if kind_name in ("ascs", "scs"):
            stamp = self.clock.text(form="%Y%m%d%H%M%S")
            instance.locks = [
                {
                    "lock-name": "MARA",
                    "lock-arg": f"10000000000000{count:04d}",
                    "lock-mode": "E",
                    "owner": (f"{stamp}{count:06d}000902{raw['host']}" + "." * 58)[:58],
                    "owner-vb": (f"{stamp}{count:06d}000902{raw['host']}" + "." * 58)[:58],
                    "use-count-owner": 1,
                    "use-count-owner-vb": 0,
                    "client": "100",
                    "user": "MILLER",
                    "transaction": "MM02",
                    "object": "EMMARAE",
                    "backup": False,
                }
                for count in range(1, 3)
            ]
        self.instances[key] = instance

    def _requirements(self, instance: Instance) -> list[list[str]]:
        """Groups of instances of which one each has to run, before this one can be GREEN."""
        if instance.kind not in ("dialog", "java"):
            return []
        central = [
            i.id
            for i in self.instances.values()
            if i.system == instance.system and i.kind == ("ascs" if instance.kind == "dialog" else "scs")
        ]
        groups = [central] if central else []
        named: list[str] = list(self.systems[instance.system].get("depends_on") or [])
        named += list(instance.given.get("depends_on") or [])
        for relation in self.export.get("relations") or []:
            if relation.get("type", "depends_on") == "depends_on" and relation["source"] in (
                instance.system,
                instance.id,
            ):
                named.append(relation["target"])
        for name in dict.fromkeys(named):
            group = [
                i.id
                for i in self.instances.values()
                if (i.system == name or i.id == name) and i.kind in ("hana", "ascs", "scs")
            ]
            databases = [key for key in group if self.instances[key].kind == "hana"]
            if databases or (group and name in self.instances):
                groups.append(databases or group)
        return groups

    def _fresh(self, instance: Instance, color: str, text: str) -> list[Process]:
        rows = []
        for name, description in KINDS[instance.kind].processes:
            self._pids += 7
            rows.append(
                Process(
                    name,
                    description.format(sid=instance.sid),
                    color,
                    text,
                    self.clock.now() if color != GRAY else None,
                    self._pids if color != GRAY else 0,
                )
            )
        return rows

    def _rest(self, instance: Instance, *, running: bool) -> None:
        for timer in instance.timers:
            timer.cancel()
        instance.timers.clear()
        instance.degraded = False
        instance.phase = "running" if running else "stopped"
        instance.processes = (
            self._fresh(instance, GREEN, "Running") if running else self._fresh(instance, GRAY, "Stopped")
        )
        if running:
            for process in instance.processes:
                process.started = self.clock.now() - 3 * 86400

    # -- looking ------------------------------------------------------------------------------------------------------

    def where(self, instance: Instance) -> dict[str, str | None]:
        """The place of an instance, for the fault filters."""
        return {"host": instance.host, "system": instance.system, "instance": instance.id}

    def of_system(self, system: str) -> list[Instance]:
        """The instances of a system in ascending start priority."""
        rows = [i for i in self.instances.values() if i.system == system]
        return sorted(rows, key=lambda i: (i.priority, i.host, i.number))

    def reachable(self, host: Host) -> bool:
        """Whether connections to a host are answered."""
        fault = self.faults.standing("host_unreachable", host=host.name)
        return host.up and (fault is None or fault.times is not None or fault.after > 0)

    def serving(self, instance: Instance) -> bool:
        """Whether the instance's sapstartsrv listens."""
        return (
            instance.service_up
            and self.reachable(self.hosts[instance.host])
            and self.faults.standing("sapstartsrv_down", **self.where(instance)) is None
        )

    def on_host(self, host: str) -> list[Instance]:
        """The instances of a host."""
        return [i for i in self.instances.values() if i.host == host]

    def missing(self, instance: Instance) -> list[str]:
        """What has to run before this instance can be GREEN, in words, or nothing."""
        return [
            " or ".join(group)
            for group in self._needs[instance.id]
            if not any(self.instances[key].running for key in group)
        ]

    def replicator(self, instance: Instance) -> Instance | None:
        """The enqueue replication server of the instance's system."""
        return next((i for i in self.of_system(instance.system) if i.kind == "ers"), None)

    # -- changing -----------------------------------------------------------------------------------------------------

    def _effect(self, effect: str, instance: Instance | None = None, host: Host | None = None, **more: Any) -> None:
        place = {} if instance is None else {"host": instance.host, "system": instance.system, "instance": instance.id}
        if host is not None:
            place = {"host": host.name}
        if instance is not None:
            instance.log.append(
                f"{self.clock.text(form='%a %b %d %H:%M:%S %Y')} {effect} {more.get('detail') or ''}".rstrip()
            )
        self.journal.note(**place, effect=effect, **more)
        for listener in list(self.changed):
            listener()

    def _plan(self, instance: Instance, seconds: float, call: Callable[[], None]) -> None:
        instance.timers.append(self.clock.after(seconds, call))

    def _halt(self, instance: Instance) -> None:
        for timer in instance.timers:
            timer.cancel()
        instance.timers.clear()

    def start(self, instance: Instance, caller: str) -> None:
        """Start an instance.

        Raises:
            Refused: it runs already.
        """
        if instance.phase == "running":
            raise Refused("Instance already started")
        if instance.phase != "stopped":
            self._effect("start_ignored", instance, detail=instance.phase, caller=caller)
            return
        self._halt(instance)
        instance.phase = "starting"
        instance.wanted_red = self.faults.strike("red_on_start", **self.where(instance)) is not None
        stuck = self.faults.strike("yellow_forever", **self.where(instance))
        instance.held = stuck.id if stuck else None
        instance.late = self.faults.strike("joins_late", **self.where(instance)) is not None
        instance.processes = []
        whole = instance.seconds["start"]
        rows = self._fresh(instance, GRAY, "Stopped")
        rows.sort(key=lambda row: row.name == instance.main)
        self._effect("starting", instance, caller=caller)

        def sapcpe() -> None:
            self._pids += 7
            instance.processes = [Process("sapcpe", "sapcpe", GREEN, "Running", self.clock.now(), self._pids)]

        def listed() -> None:
            order = [name for name, _description in KINDS[instance.kind].processes]
            instance.processes = sorted(rows, key=lambda row: order.index(row.name))

        def yellow(row: Process) -> None:
            self._pids += 7
            row.color, row.text, row.started, row.pid = YELLOW, "Starting", self.clock.now(), self._pids

        def green(row: Process) -> None:
            if row.name == instance.main:
                self._finish_start(instance)
            else:
                row.color, row.text = GREEN, "Running"

        self._plan(instance, 0.04 * whole, sapcpe)
        self._plan(instance, 0.10 * whole, listed)
        for index, row in enumerate(rows):
            self._plan(instance, whole * (0.12 + 0.88 * index / len(rows)), partial(yellow, row))
            self._plan(instance, whole * (0.12 + 0.88 * (index + 1) / len(rows)), partial(green, row))

    def _main(self, instance: Instance) -> Process:
        return next(row for row in instance.processes if row.name == instance.main)

    def _finish_start(self, instance: Instance) -> None:
        """The main process is up: GREEN, unless a fault or a missing dependency holds it."""
        row = self._main(instance)
        if instance.held is not None and self.faults.known(instance.held):
            row.text = "Starting"
            if not instance.degraded:
                instance.degraded = True
                self._effect("stuck_yellow", instance)
            return
        if instance.wanted_red:
            row.color, row.text = RED, "Stopped"
            instance.phase = "failed"
            instance.log.append(f"*** ERROR => {row.name} died (exit code 1), check dev_{row.name}")
            self._effect("red", instance)
            return
        missing = self.missing(instance)
        if missing:
            row.text = "Running, Message Server connection lost" if instance.kind == "dialog" else "Starting"
            if not instance.degraded:
                instance.degraded = True
                self._effect("waiting_for_dependency", instance, detail=", ".join(missing))
            return
        row.color, row.text = GREEN, "Running"
        instance.phase, instance.degraded = "running", False
        self._effect("started", instance)
        self._settle()

    def _settle(self) -> None:
        """Look again at everything that waits for others or for a fault to go away."""
        for instance in self.instances.values():
            if instance.phase == "starting" and instance.degraded:
                self._finish_start(instance)
            elif instance.phase == "running":
                missing = self.missing(instance)
                row = self._main(instance)
                if missing and not instance.degraded:
                    instance.degraded = True
                    row.color, row.text = YELLOW, "Running, connection lost"
                    self._effect("lost_dependency", instance, detail=", ".join(missing))
                elif not missing and instance.degraded:
                    instance.degraded = False
                    row.color, row.text = GREEN, "Running"
                    self._effect("recovered", instance)
            elif (
                instance.phase == "stopping"
                and instance.degraded
                and not (instance.held is not None and self.faults.known(instance.held))
            ):
                self._stopped(instance)
        for host in self.hosts.values():
            if host.state == "lost" and not (host.held is not None and self.faults.known(host.held)):
                self._boot(host, 1.0)
        for listener in list(self.changed):
            listener()

    def stop(self, instance: Instance, softtimeout: float, caller: str) -> None:
        """Stop an instance; ``softtimeout`` is how long it may wait for its users, in simulated seconds."""
        if instance.phase in ("stopped", "stopping"):
            self._effect("stop_ignored", instance, detail=instance.phase, caller=caller)
            return
        self._halt(instance)
        soft = min(instance.seconds["soft"], float(softtimeout)) if instance.phase == "running" else 0.0
        hard = instance.phase == "running" and softtimeout < instance.seconds["soft"] and instance.sessions > 0
        instance.phase, instance.degraded = "stopping", False
        for row in instance.processes:
            if row.name == instance.main and row.color != GRAY:
                row.color, row.text = YELLOW, "Stopping"
        self._effect("stopping", instance, caller=caller, detail=f"softtimeout {softtimeout:g}")
        whole = instance.seconds["stop"]
        if self.faults.strike("fails_to_stop", **self.where(instance)) is not None:
            self._plan(instance, soft + whole / 2, lambda: self._stop_failed(instance))
            return
        hangs = self.faults.strike("stop_hangs", **self.where(instance))
        instance.held = hangs.id if hangs else None
        names = [row.name for row in instance.processes if row.name != instance.main]
        for index, name in enumerate(reversed(names)):
            self._plan(instance, soft + whole * (index + 1) / (len(names) + 1), partial(self._vanish, instance, name))
        if hard:
            self._plan(instance, soft, lambda: self._effect("sessions_lost", instance, detail=str(instance.sessions)))
        if hangs:
            self._plan(instance, soft + whole, lambda: self._stop_hung(instance))
        else:
            self._plan(instance, soft + whole, lambda: self._stopped(instance))

    def _vanish(self, instance: Instance, name: str) -> None:
        instance.processes = [row for row in instance.processes if row.name != name]

    def _stop_failed(self, instance: Instance) -> None:
        instance.phase = "running"
        for row in instance.processes:
            row.color, row.text = GREEN, "Running"
        instance.log.append(f"*** ERROR => {instance.main} does not react to the stop signal")
        self._effect("stop_failed", instance)
        self._settle()

    def _stop_hung(self, instance: Instance) -> None:
        if instance.held is None or not self.faults.known(instance.held):
            self._stopped(instance)
            return
        instance.degraded = True
        self._effect("stop_hung", instance)

    def _stopped(self, instance: Instance, effect: str = "stopped") -> None:
        self._halt(instance)
        was = instance.phase
        instance.phase, instance.degraded = "stopped", False
        instance.processes = self._fresh(instance, GRAY, "Stopped")
        if was == "stopped":
            return
        if instance.kind in ("ascs", "scs") and instance.locks:
            replicator = self.replicator(instance)
            users = any(row.running for row in self.of_system(instance.system) if row.kind in ("dialog", "java"))
            if users and (replicator is None or not replicator.running):
                self._effect("locks_lost", instance, detail=str(len(instance.locks)))
                instance.locks = []
        self._effect(effect, instance)
        if effect == "stopped" and instance.cluster_owned and not instance.maintenance:
            self._plan(instance, 10.0, lambda: self._cluster_restart(instance))
        self._settle()

    def _cluster_restart(self, instance: Instance) -> None:
        if instance.phase == "stopped" and self.hosts[instance.host].up and not instance.maintenance:
            self._effect("cluster_restarted", instance)
            self.start(instance, "cluster")

    def set_service(self, instance: Instance, up: bool) -> None:
        """Bring the instance's sapstartsrv up or down; the instance itself goes on."""
        if instance.service_up != up:
            instance.service_up = up
            self._effect("service_up" if up else "service_down", instance)

    def restart_service(self, instance: Instance) -> None:
        """Restart the instance's sapstartsrv: away for two simulated seconds."""
        self.clock.after(0.2, lambda: self.set_service(instance, False))
        self.clock.after(2.2, lambda: self.set_service(instance, True))

    def set_maintenance(self, instance: Instance, on: bool, instance_only: bool) -> None:
        """Cluster maintenance mode of one instance, or of all of its system that the cluster owns."""
        for other in [instance] if instance_only else self.of_system(instance.system):
            if other.cluster_owned and other.maintenance != on:
                other.maintenance = on
                self._effect("maintenance_on" if on else "maintenance_off", other)

    # -- hosts --------------------------------------------------------------------------------------------------------

    def reboot(self, host: Host, caller: str, power_off: bool = False) -> None:
        """Reboot a host; it answers for half a real second at least, so that the caller gets an answer."""
        if host.state != "up":
            return
        self._effect("reboot_requested", host=host, caller=caller)
        if self.faults.strike("no_reboot", host=host.name) is not None:
            return
        host.state = "going_down"
        self.clock.after(max(2.0, 0.5 * self.clock.speed), lambda: self._down(host, power_off))

    def _down(self, host: Host, stay: bool) -> None:
        if not host.up:
            return
        host.state = "down"
        host.patching = False
        for instance in sorted(self.on_host(host.name), key=lambda row: -row.priority):
            self._stopped(instance, "killed")
            instance.service_up = True
        self._effect("host_down", host=host)
        lost = self.faults.strike("reboot_never_returns", host=host.name)
        if lost is not None:
            host.state, host.held = "lost", lost.id
        elif not stay:
            self._boot(host, host.seconds["reboot"])

    def _boot(self, host: Host, seconds: float) -> None:
        host.state = "booting"
        host.booting = self.clock.after(seconds, lambda: self._up(host))

    def _up(self, host: Host) -> None:
        rebooted, host.state = host.state in ("booting", "lost"), "up"
        host.booting = None
        host.boot_id = str(uuid.uuid4())
        host.booted = self.clock.now()
        host.reboot_required = False
        if rebooted:
            self._effect("rebooted", host=host, detail=host.boot_id)
        self._effect("host_up", host=host, detail=host.boot_id)

    def set_host(self, host: Host, up: bool) -> None:
        """Cut a host's power, or switch it on."""
        if up and not host.up:
            if host.booting is not None:
                host.booting.cancel()
            self._up(host)
        elif not up and host.up:
            self._down(host, stay=True)

    def upgrade(self, host: Host, packages: list[Package], caller: str) -> list[str]:
        """Bring packages to their available versions; returns ``name old -> new`` for each."""
        done = []
        for package in packages:
            done.append(f"{package.name} {package.installed} -> {package.available}")
            package.installed = package.available
            host.reboot_required = host.reboot_required or package.reboot
        active = [i.id for i in self.on_host(host.name) if i.phase != "stopped"]
        self._effect("patched", host=host, caller=caller, packages=done, running=active or None)
        return done

    # -- the whole ----------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The state as plain data, in the form that ``restore`` takes."""
        return {
            "sim": round(self.clock.now(), 3),
            "wall": self.clock.text(form="%Y-%m-%dT%H:%M:%SZ"),
            "speed": self.clock.speed,
            "hosts": {
                h.name: {
                    "state": h.state,
                    "up": h.up,
                    "address": h.address,
                    "boot_id": h.boot_id,
                    "reboot_required": h.reboot_required,
                    "reachable": self.reachable(h),
                    "locked": list(h.locked),
                    "seconds": dict(h.seconds),
                    "packages": {
                        p.name: {"installed": p.installed, "available": p.available} for p in h.packages.values()
                    },
                }
                for h in self.hosts.values()
            },
            "instances": {
                i.id: {
                    "phase": i.phase,
                    "color": i.color,
                    "service_up": i.service_up,
                    "maintenance": i.maintenance,
                    "inactive": i.inactive,
                    "sessions": i.sessions,
                    "busy": i.busy,
                    "queues": dict(i.queues),
                    "locks": len(i.locks),
                    "seconds": dict(i.seconds),
                    "processes": [{"name": p.name, "dispstatus": p.color, "textstatus": p.text} for p in i.processes],
                }
                for i in self.instances.values()
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Set what the given state names; ``color``, ``processes`` are not read.

        Raises:
            KeyError: it names a host, an instance or a package that does not exist.
            ValueError: a phase other than ``running`` or ``stopped``.
        """
        for name, wanted in (state.get("hosts") or {}).items():
            host = self.hosts[name]
            if "up" in wanted:
                self.set_host(host, bool(wanted["up"]))
            host.reboot_required = bool(wanted.get("reboot_required", host.reboot_required))
            host.locked = list(wanted.get("locked", host.locked))
            host.seconds.update(wanted.get("seconds") or {})
            for package, versions in (wanted.get("packages") or {}).items():
                row = host.packages[package]
                row.installed = versions.get("installed", row.installed)
                row.available = versions.get("available", row.available)
        for key, wanted in (state.get("instances") or {}).items():
            instance = self.instances[key]
            if "phase" in wanted:
                if wanted["phase"] not in ("running", "stopped"):
                    raise ValueError(f"{key}: phase can be set to running or stopped, not {wanted['phase']!r}")
                self._rest(instance, running=wanted["phase"] == "running")
            for name in ("maintenance", "inactive", "sessions", "busy"):
                setattr(instance, name, wanted.get(name, getattr(instance, name)))
            instance.queues.update(wanted.get("queues") or {})
            instance.seconds.update(wanted.get("seconds") or {})
            if "service_up" in wanted:
                self.set_service(instance, bool(wanted["service_up"]))
        self._settle()


def check(export: Any) -> dict[str, Any]:
    """Return the native export when it can be simulated.

    Raises:
        BadLandscape: it cannot; every defect is listed.
    """
    if (
        not isinstance(export, dict)
        or not isinstance(export.get("hosts"), list)
        or not isinstance(export.get("instances"), list)
    ):
        raise BadLandscape("a landscape is an object with the lists hosts, systems, instances")
    defects: list[str] = []
    names: dict[str, set[str]] = {}
    for part in ("hosts", "systems"):
        names[part] = set()
        for index, row in enumerate(export.get(part) or []):
            name = row.get("name") if isinstance(row, dict) else None
            if not name:
                defects.append(f"{part}[{index}]: name is missing")
            elif name in names[part]:
                defects.append(f"{part}[{index}]: the name {name} is there twice")
            else:
                names[part].add(name)
    ports: dict[tuple[str, str], str] = {}
    for index, row in enumerate(export["instances"]):
        label = f"instances[{index}]"
        if not isinstance(row, dict) or not row.get("name"):
            defects.append(f"{label}: name is missing")
            continue
        label += f" ({row['name']})"
        if row.get("system") not in names["systems"]:
            defects.append(f"{label}: there is no system {row.get('system')!r}")
        if row.get("host") not in names["hosts"]:
            defects.append(f"{label}: there is no host {row.get('host')!r}")
        if (row.get("kind") or "other") not in KINDS:
            defects.append(f"{label}: kind {row.get('kind')!r} is none of {', '.join(KINDS)}")
        number = str(row.get("number", ""))
        if not number.isdigit() or int(number) > 98:
            defects.append(f"{label}: number {number!r} is none from 00 to 98")
        elif ports.setdefault((str(row.get("host")), f"{int(number):02d}"), row["name"]) != row["name"]:
            defects.append(f"{label}: host {row.get('host')} has number {number} twice")
    if defects:
        raise BadLandscape("\n".join(defects))
    return export
