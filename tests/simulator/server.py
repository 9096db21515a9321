# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: which doors a landscape has, opened or closed as its state asks."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import json
import os
import resource
import secrets
import shutil
import signal
import socket
import ssl
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from . import hosts as hosts_door
from . import ssh as ssh_door
from .abap.engine import AbapEngine
from .abap.world import AbapWorld
from .certificates import Authority
from .clock import Clock
from .cmdb import Cmdb
from .control import Control
from .faults import Faults
from .hana.backups import equip
from .hana.database import Database, System, World
from .hana.door import SqlDoor
from .hana.engine import HanaEngine
from .hana.session import Protocol
from .hosts import Hosts
from .journal import Journal
from .landscape import Host, Instance, Landscape
from .rfc.door import RfcDoor
from .rfc.gateway import Gateway
from .sapcontrol import Service
from .ssh import Logins, SshDoor
from .web import Door

GUARD_PORT = 7000


class CannotStart(RuntimeError):
    """The simulator cannot start; the text says why, with the cure."""


def addresses(export: dict[str, Any], network: str) -> tuple[dict[str, str], socket.socket | None]:
    """A loopback address for every host.

    ``keep`` takes an address of 127.0.0.0/8 as it is given and finds one in 127.20.0.0/16 for every other host.
    ``127.N`` gives
    all hosts addresses in that network, keeping the last two parts of those that are loopback addresses already.
    ``auto`` does
    the same in the first network from 127.64 to 127.254 that no other simulator holds (it is held by a listening
    socket).

    Raises:
        CannotStart: two hosts share an address, or every network is taken.
    """
    guard = None
    prefix = "127.20"
    if network == "auto":
        for number in range(64, 255):
            guard = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                guard.bind((f"127.{number}.255.254", GUARD_PORT))
                guard.listen(1)
            except OSError:
                guard.close()
                guard = None
                continue
            prefix = f"127.{number}"
            break
        else:
            raise CannotStart("all networks from 127.64 to 127.254 are held by other simulators")
    elif network != "keep":
        prefix = network
    chosen: dict[str, str] = {}
    used: set[str] = set()
    rest: list[str] = []
    for row in export.get("hosts") or []:
        given = str(row.get("address") or "")
        try:
            loopback = ipaddress.IPv4Address(given).is_loopback
        except ValueError:
            loopback = False
        address = given if loopback and network == "keep" else f"{prefix}.{given.split('.', 2)[2]}" if loopback else ""
        if not address:
            rest.append(row["name"])
            continue
        if address in used:
            raise CannotStart(f"host {row['name']}: address {address} belongs to another host too")
        used.add(address)
        chosen[row["name"]] = address
    candidates = (f"{prefix}.{high}.{low}" for high in range(1, 255) for low in range(1, 255))
    for name in rest:
        chosen[name] = next(address for address in candidates if address not in used)
        used.add(chosen[name])
    return chosen, guard


class Simulator:
    """One simulation with its doors."""

    def __init__(
        self,
        export: dict[str, Any],
        *,
        speed: float = 1.0,
        faults: list[dict[str, Any]] | None = None,
        journal: Path | None = None,
        socket_dir: Path | None = None,
        network: str = "keep",
        directory: Path | None = None,
        password: str | None = None,
        control_port: int = 0,
        ssh: bool = False,
    ) -> None:
        self._raise_limit()
        self._own = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="simulator-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.network, self._guard = addresses(export, network)
        self.clock = Clock(speed)
        self.journal = Journal(self.clock, journal)
        self._journal_path = journal
        self.faults = Faults()
        for fault in faults or []:
            self.faults.add(fault)
        self.journal.listeners.append(self.faults.heard)
        self.landscape = Landscape(export, self.clock, self.journal, self.faults, self.network)
        self.password = password or secrets.token_urlsafe(18)
        self.cmdb_password, self.cmdb_token = secrets.token_urlsafe(18), secrets.token_urlsafe(24)
        self.authority = Authority(self.directory)
        self.service = Service(self.landscape, self.journal, self.faults, self.users, self.password)
        try:
            self.hana = World(self.landscape, self.directory / "hana", equip)
            self.abap = AbapWorld(self.landscape, self.clock, self.journal, self.faults)
            self.logins = Logins(self.directory / "ssh", self._names()) if ssh else None
        except (ValueError, FileNotFoundError) as error:
            raise CannotStart(str(error)) from error
        self.hosts = Hosts(self.landscape, self.journal, self.faults, self.hana, self.directory / "home", self.abap)
        self.cmdb = Cmdb(self.export, self.journal, self.faults, "reader", self.cmdb_password, self.cmdb_token)
        self.ended = asyncio.Event()
        self.control = Control(
            self.landscape,
            self.clock,
            self.journal,
            self.faults,
            self.hana,
            self.info,
            self.export,
            self.ended.set,
            self.abap,
        )
        self._socket_dir = socket_dir
        self._control_port = control_port
        self._doors: dict[tuple[str, str], Door | SqlDoor | RfcDoor | SshDoor] = {}
        self._gateways = {
            instance.id: Gateway(engine, instance)
            for engine in map(AbapEngine, self.abap.systems.values())
            for instance in engine.system.instances
        }
        self._engines = {key: HanaEngine(system) for key, system in self.hana.systems.items()}
        self._protocols: dict[tuple[str, str], Protocol] = {}
        self._ports: dict[str, int] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._shown: dict[str, str] = {}
        self._booted: dict[str, str] = {}
        (self.directory / "boot_id").mkdir(exist_ok=True)

    @staticmethod
    def _raise_limit() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        if soft < wanted:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    @staticmethod
    def users(instance: Instance) -> set[str]:
        """Who may call protected methods of an instance: ``<sid>adm`` or the host agent's ``sapadm``."""
        return {f"{instance.sid.lower()}adm", "sapadm"}

    def export(self) -> dict[str, Any]:
        """The native export with the addresses in use."""
        rows = [{**row, "address": self.network[row["name"]]} for row in self.landscape.export.get("hosts") or []]
        return {**self.landscape.export, "hosts": rows}

    # -- doors --------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open every door.

        Raises:
            CannotStart: a port is in use.
        """
        try:
            self._fixed("control", self.control.handle, self._control_port)
            self._fixed("cmdb", self.cmdb.handle, 0)
            self._contexts["cmdb"] = self.authority.context("127.0.0.1", ["localhost"])
            self._fixed("cmdb-tls", self.cmdb.handle, 0, self._contexts["cmdb"])
            for host in self.landscape.hosts.values():
                names = [host.name] + [i.virtual_host for i in self.landscape.on_host(host.name)]
                days = int((host.given.get("simulation") or {}).get("certificate_days", 365))
                self._contexts[host.name] = self.authority.context(host.address, names, days=days)
            self.reconcile()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CannotStart(f"cannot listen: {error}") from error
            raise CannotStart(
                "an address of this landscape is in use: another simulator runs on it; end that one, or give this one "
                "addresses of its own with --network auto"
            ) from error
        self.landscape.changed.append(self.reconcile)
        self.faults.changed.append(self.reconcile)
        self.hana.changed.append(self.reconcile)

    def _fixed(self, name: str, handler: Any, port: int, tls: ssl.SSLContext | None = None) -> None:
        door = Door(name, handler)
        self._ports[name] = door.listen("127.0.0.1", port, tls)
        self._doors["fixed", name] = door

    def _admit(self, host: Host) -> bool:
        fault = self.faults.standing("host_unreachable", host=host.name)
        return fault is None or self.faults.strike("host_unreachable", host=host.name) is None

    def boot_id_file(self, host: Host) -> Path:
        """The file that stands for ``/proc/sys/kernel/random/boot_id`` on a host."""
        return self.directory / "boot_id" / host.name

    def write_boot_ids(self) -> None:
        """Keep the files of the boot ids in step with the hosts."""
        for host in self.landscape.hosts.values():
            if self._booted.get(host.name) != host.boot_id:
                path = self.boot_id_file(host)
                part = path.with_name(f"{path.name}.part")
                part.write_text(host.boot_id + "\n", encoding="ascii")
                part.replace(path)
                self._booted[host.name] = host.boot_id

    def socket_path(self, instance: Instance) -> Path | None:
        """The Unix socket of an instance, when sockets were asked for."""
        return (
            None if self._socket_dir is None else self._socket_dir / instance.host / f".sapstream5{instance.number}13"
        )

    def reconcile(self) -> None:
        """Open or close doors so that exactly those listen that should, with the certificate that they should show."""
        self.write_boot_ids()
        self.hana.sync()
        wanted: dict[tuple[str, str], Any] = {}
        for host in self.landscape.hosts.values():
            if self.landscape.reachable(host):
                wanted["host", host.name] = host
                if self.logins is not None:
                    mute = self.faults.standing("mute", host=host.name, door="ssh") is not None
                    wanted["ssh-mute" if mute else "ssh", host.name] = host
            what = (
                "wrong"
                if self.faults.standing("wrong_certificate", host=host.name)
                else "expired"
                if self.faults.standing("expired_certificate", host=host.name)
                else "good"
            )
            if self._shown.get(host.name, "good") != what:
                names = [host.name] + [i.virtual_host for i in self.landscape.on_host(host.name)]
                self.authority.show(self._contexts[host.name], what, host.address, names)
                self._shown[host.name] = what
        what = (
            "wrong"
            if self.faults.standing("wrong_certificate", door="cmdb")
            else "expired"
            if self.faults.standing("expired_certificate", door="cmdb")
            else "good"
        )
        if self._shown.get("cmdb", "good") != what:
            self.authority.show(self._contexts["cmdb"], what, "127.0.0.1", ["localhost"])
            self._shown["cmdb"] = what
        for instance in self.landscape.instances.values():
            if self.landscape.serving(instance):
                mute = self.faults.standing("mute", **self.landscape.where(instance)) is not None
                for sort in ("http", "https") + (("unix",) if self._socket_dir is not None else ()):
                    wanted[f"{sort}-mute" if mute else sort, instance.id] = instance
        for system in self.hana.systems.values():
            host = self.landscape.hosts[system.instance.host]
            for database in system.databases.values():
                if database.active and self.landscape.reachable(host):
                    mute = self.faults.standing("mute", **database.where) is not None
                    wanted["sql-mute" if mute else "sql", f"{system.key}/{database.name}"] = database
        for ident, gateway in self._gateways.items():
            instance = self.landscape.instances[ident]
            if instance.running and self.landscape.reachable(self.landscape.hosts[instance.host]):
                mute = self.faults.standing("mute", **self.landscape.where(instance)) is not None
                for sort in gateway.ports:
                    wanted[f"{sort}-mute" if mute else sort, ident] = instance
        for key in [key for key in self._doors if key not in wanted and key[0] != "fixed"]:
            self._doors.pop(key).close()
        for key, thing in wanted.items():
            if key not in self._doors:
                self._doors[key] = self._door(key[0], thing)

    def _sql_door(self, database: Database, *, mute: bool) -> SqlDoor:
        system = database.system
        key = (system.key, database.name)
        if key not in self._protocols:
            place = {"door": "hana", "host": system.instance.host, "system": system.instance.system}

            def note(**fields: Any) -> None:
                self.journal.note(**place, **fields)

            self._protocols[key] = Protocol(
                self._engines[system.key],
                system.sid,
                database.name,
                system.options.version,
                note,
            )
        host = self.landscape.hosts[system.instance.host]
        handle, admit = self._protocols[key].handle, partial(self._admit, host)
        door = SqlDoor(handle, self._contexts[host.name], admit=admit, mute=mute)
        door.listen(host.address, database.sql_port)
        return door

    def _abap_door(self, sort: str, instance: Instance, *, mute: bool) -> Door | RfcDoor:
        gateway, host = self._gateways[instance.id], self.landscape.hosts[instance.host]
        admit, port = partial(self._admit, host), gateway.ports[sort]
        if sort == "rfc":
            protocol = gateway.protocol
            gate = RfcDoor(protocol.handle, admit=admit, mute=mute, gone=protocol.close)
            gate.listen(host.address, port)
            return gate
        door = Door(f"{sort} {instance.id}", gateway.service.handle, admit=admit, mute=mute)
        door.listen(host.address, port, self._contexts[host.name] if sort == "icm-tls" else None)
        return door

    def _ssh_door(self, host: Host, *, mute: bool) -> SshDoor:
        assert self.logins is not None
        logins, told = self.logins, self._host_info(host)

        def command() -> list[str]:
            entry = self.journal.note(door="ssh", host=host.name, call="login")
            denied = self.faults.strike("unauthorized", host=host.name, door="ssh") is not None
            if denied:
                entry["fault"] = "unauthorized"
            return logins.command(told["door"], told["boot_id_file"], told["home"], denied=denied)

        door = SshDoor(command, told["door"], admit=partial(self._admit, host), mute=mute)
        door.listen(host.address, ssh_door.PORT)
        return door

    def _door(self, sort: str, thing: Any) -> Door | SqlDoor | RfcDoor | SshDoor:
        if sort.startswith("sql"):
            return self._sql_door(thing, mute=sort == "sql-mute")
        if sort.startswith(("rfc", "icm")):
            return self._abap_door(sort.removesuffix("-mute"), thing, mute=sort.endswith("-mute"))
        if sort == "host":
            door = Door(f"hosts {thing.name}", partial(self.hosts.handle, thing), admit=partial(self._admit, thing))
            door.listen(thing.address, hosts_door.PORT)
            return door
        if sort.startswith("ssh"):
            return self._ssh_door(thing, mute=sort == "ssh-mute")
        sort, _dash, mute = sort.partition("-")
        host = self.landscape.hosts[thing.host]
        door = Door(
            f"{sort} {thing.id}", partial(self.service.handle, thing), admit=partial(self._admit, host), mute=bool(mute)
        )
        if sort == "unix":
            path = self.socket_path(thing)
            assert path is not None
            path.parent.mkdir(parents=True, exist_ok=True)
            door.listen_unix(str(path))
        elif sort == "http":
            door.listen(host.address, int(f"5{thing.number}13"))
        else:
            door.listen(host.address, int(f"5{thing.number}14"), self._contexts[host.name])
        return door

    def info(self) -> dict[str, Any]:
        """What the JSON line says."""
        return {
            "ready": True,
            "pid": os.getpid(),
            "speed": self.clock.speed,
            "directory": str(self.directory),
            "control": f"http://127.0.0.1:{self._ports['control']}",
            "ca_file": str(self.authority.ca_file),
            "user": "sapadm",
            "password": self.password,
            "journal": str(self._journal_path) if self._journal_path else None,
            "cmdb": {
                "http": f"http://127.0.0.1:{self._ports['cmdb']}",
                "https": f"https://127.0.0.1:{self._ports['cmdb-tls']}",
                "user": "reader",
                "password": self.cmdb_password,
                "token": self.cmdb_token,
            },
            "ssh": self.logins.info() if self.logins is not None else None,
            "hosts": {host.name: self._host_info(host) for host in self.landscape.hosts.values()},
            "instances": {
                i.id: {
                    "http": f"http://{self.network[i.host]}:5{i.number}13",
                    "https": f"https://{self.network[i.host]}:5{i.number}14",
                    "socket": str(self.socket_path(i)) if self._socket_dir else None,
                    "number": i.number,
                    "sid": i.sid,
                    "system": i.system,
                    "host": i.host,
                    "user": f"{i.sid.lower()}adm",
                }
                for i in self.landscape.instances.values()
            },
            "hana": {key: self._hana_info(system) for key, system in self.hana.systems.items()},
            "abap": {
                name: {**told, "instances": self._abap_instances(told["key"])}
                for name, told in self.abap.info().items()
            },
        }

    def _names(self) -> dict[str, list[str]]:
        """By its address here, the names of each host: its own, and the address that its CMDB gives."""
        hosts = self.landscape.hosts.values()
        return {host.address: [host.name, *filter(None, [host.given.get("address")])] for host in hosts}

    def _host_info(self, host: Host) -> dict[str, Any]:
        return {
            "address": host.address,
            "given": host.given.get("address"),
            "door": f"{host.address}:{hosts_door.PORT}",
            "boot_id_file": str(self.boot_id_file(host)),
            "home": str(self.directory / "home" / host.name),
        }

    def _abap_instances(self, key: str) -> dict[str, dict[str, Any]]:
        """Where the ways into an ABAP system are."""
        return {
            instance.id: {
                "host": instance.host,
                "address": self.network[instance.host],
                "number": instance.number,
                "port": int(f"33{instance.number}"),
                "http": f"http://{self.network[instance.host]}:80{instance.number}",
                "https": f"https://{self.network[instance.host]}:443{instance.number}",
            }
            for instance in self.abap.systems[key].instances
        }

    def _hana_info(self, system: System) -> dict[str, Any]:
        return {
            "host": system.instance.host,
            "address": self.network[system.instance.host],
            "number": system.instance.number,
            "fs": str(system.root),
            "shared": system.options.shared,
            "databases": {
                database.name: {"port": database.sql_port, "dbid": database.dbid}
                for database in system.databases.values()
            },
            "users": dict(system.passwords),
        }

    def close(self) -> None:
        """Close every door, remove what was made."""
        for door in self._doors.values():
            door.close()
        self._doors.clear()
        self.journal.close()
        if self._guard is not None:
            self._guard.close()
        if self._own:
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            self.authority.ca_file.unlink(missing_ok=True)
            for name in ("boot_id", "home", "hana", "ssh"):
                shutil.rmtree(self.directory / name, ignore_errors=True)


async def run(simulator_options: dict[str, Any], info_file: Path | None, *, until_eof: bool = False) -> None:
    """Simulate until SIGTERM, SIGINT, the control door's shutdown or, when asked for, the end of standard input.

    Raises:
        CannotStart: a port is in use.
    """
    simulator = Simulator(**simulator_options)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, simulator.ended.set)
    if until_eof:
        loop.add_reader(sys.stdin.fileno(), simulator.ended.set)
    try:
        simulator.open()
        line = json.dumps(simulator.info())
        if info_file is not None:
            part = info_file.with_name(info_file.name + ".part")
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(line + "\n")
            part.replace(info_file)
        print(line, flush=True)
        await simulator.ended.wait()
    finally:
        simulator.close()
        if info_file is not None:
            info_file.unlink(missing_ok=True)
    sys.stdout.flush()
