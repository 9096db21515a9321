# SPDX-License-Identifier: GPL-3.0-or-later
"""What one module call costs, against Ansible's ping, against the bare client in one process."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

from tests.env import collection
from tests.simulator.launch import Simulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
LANDSCAPE: dict[str, t.Any] = {
    "hosts": [{"name": name, "environment": "production", "os": "RHEL 9.4"} for name in ("cs", "app")],
    "systems": [{"name": "PRD", "sid": "PRD", "type": "abap"}],
    "instances": [
        {"name": "ASCS10", "system": "PRD", "host": "cs", "number": "10", "kind": "ascs"},
        {"name": "D01", "system": "PRD", "host": "app", "number": "01", "kind": "dialog"},
    ],
    "relations": [],
    "redundancy_groups": [],
    "calendars": [],
}
HOST, INSTANCE = "app", "PRD/app/D01"
CHECKS = ["processes", "instances"]
SOCKET = {"sapcontrol_url": "", "sapcontrol_user": None, "sapcontrol_password": None, "sapcontrol_ca_file": None}
FEW, ROUNDS, REPEATS = 2, 2, 200


class Cost(t.NamedTuple):
    """Seconds by the clock, seconds of CPU."""

    wall: float
    cpu: float

    def each(self, count: int) -> Cost:
        """The cost of one of *count*."""
        return Cost(self.wall / count, self.cpu / count)

    def __str__(self) -> str:
        return f"wall {self.wall * 1000:.1f} ms, cpu {self.cpu * 1000:.1f} ms"


class Site:
    """A simulated landscape with a folder from which playbooks are run on it."""

    def __init__(self, folder: pathlib.Path, simulator: Simulator, inventory: dict[str, t.Any] | None = None) -> None:
        self.folder, self.simulator = folder, simulator
        (folder / "landscape.json").write_text(json.dumps(simulator.export()), encoding="utf-8")
        plugin = {"plugin": "basis.landscape.cmdb", "path": "landscape.json", **(inventory or {})}
        (folder / "cmdb.yml").write_text(json.dumps(plugin), encoding="utf-8")
        variables = (ROOT / "inventories" / "demo" / "group_vars" / "all.yml").read_text(encoding="utf-8")
        (folder / "group_vars").mkdir()
        (folder / "group_vars" / "all.yml").write_text(variables, encoding="utf-8")
        self.environment = {
            **os.environ,
            **simulator.environment,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.link(ROOT)),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "BASIS_LANDSCAPE_STATE": str(folder / "state"),
        }
        self.environment.pop("BASIS_LANDSCAPE_DATABASE", None)

    def play(self, *arguments: str, **changed: str) -> Cost:
        """Run ansible-playbook, *changed* in its environment; return what it and its processes cost.

        Raises RuntimeError when it fails.
        """
        program = pathlib.Path(sys.executable).parent / "ansible-playbook"
        command = [str(program), "-i", str(self.folder / "cmdb.yml"), *arguments]
        with open(self.folder / "output", "w", encoding="utf-8") as output:
            began = time.monotonic()
            process = subprocess.Popen(
                command, env={**self.environment, **changed}, cwd=self.folder, stdout=output, stderr=subprocess.STDOUT
            )
            try:
                _other, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.terminate()
                process.wait()
                raise
            wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said = (self.folder / "output").read_text(encoding="utf-8")
            raise RuntimeError(f"ansible-playbook ended with {process.returncode}:\n{said[-4000:]}")
        return Cost(wall, usage.ru_utime + usage.ru_stime)


def tasks() -> dict[str, dict[str, t.Any]]:
    """The tasks that are compared, by the name under which their cost is printed."""
    me = {"sid": "PRD", "number": "01"}
    https = {option: f"{{{{ {option} }}}}" for option in SOCKET}
    socket = {"sapcontrol_socket": "{{ simulator.instances['" + INSTANCE + "'].socket }}"}
    return {
        "ping": {"ansible.builtin.ping": {}},
        "sap_instance, socket": {"basis.landscape.sap_instance": {**me, **socket}},
        "sap_instance, https": {"basis.landscape.sap_instance": {**me, **https}},
        "sap_health_info, socket": {"basis.landscape.sap_health_info": {**me, **socket, "checks": CHECKS}},
        "sap_health_info, https": {"basis.landscape.sap_health_info": {**me, **https, "checks": CHECKS}},
    }


def through_ansible(site: Site, many: int) -> dict[str, Cost]:
    """What one more task costs: a play of many, less a play of few; of some rounds the cheapest of each."""
    books: dict[tuple[str, int], pathlib.Path] = {}
    for name, task in tasks().items():
        for count in (FEW, many):
            rows = [{"name": f"{name} {n}", **task} for n in range(count)]
            play = {"name": name, "hosts": HOST, "gather_facts": False, "tasks": rows}
            books[name, count] = site.folder / f"{len(books)}.json"
            books[name, count].write_text(json.dumps([play]), encoding="utf-8")
    costs: dict[tuple[str, int], list[Cost]] = {key: [] for key in books}
    for _other in range(ROUNDS):
        for key, book in books.items():
            costs[key].append(site.play(str(book)))
    best = {key: Cost(min(c.wall for c in found), min(c.cpu for c in found)) for key, found in costs.items()}
    more = {}
    for name in tasks():
        most, least = best[name, many], best[name, FEW]
        more[name] = Cost(most.wall - least.wall, most.cpu - least.cpu).each(many - FEW)
    return more


def bare(simulator: Simulator) -> dict[str, Cost]:
    """What the calls of those modules cost without module, without Ansible: a new client each time, in this process."""
    sys.path.insert(0, str(collection.link(ROOT)))
    from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.client import Client, connect
    from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.link import Address

    def instance(client: Client) -> None:
        client.identity()
        client.processes()

    def health(client: Client) -> None:
        instance(client)
        client.instances()

    where, info = simulator.info["instances"][INSTANCE], simulator.info
    nobody = Address("01", None, where["socket"], user=None, password=None, ca_file=None, verify=True, timeout=30.0)
    user = {"user": info["user"], "password": info["password"], "ca_file": info["ca_file"]}
    doors = {"socket": nobody, "https": nobody._replace(url=where["https"], **user)}
    costs = {}
    for name, work in (("sap_instance", instance), ("sap_health_info", health)):
        for door, address in doors.items():
            found = []
            for _other in range(ROUNDS):
                cpu, wall = time.process_time(), time.perf_counter()
                for _other in range(REPEATS):
                    client = connect(address, INSTANCE)
                    try:
                        work(client)
                    finally:
                        client.close()
                found.append(Cost(time.perf_counter() - wall, time.process_time() - cpu).each(REPEATS))
            costs[f"{name}, {door}"] = Cost(min(c.wall for c in found), min(c.cpu for c in found))
    return costs


def main() -> None:
    """Print the ratios."""
    many = int(os.environ.get("BASIS_BENCH_CALLS", "12"))
    with tempfile.TemporaryDirectory() as folder, Simulator.start(LANDSCAPE, socket_dir=True) as simulator:
        direct = bare(simulator)
        ansible = through_ansible(Site(pathlib.Path(folder), simulator), many)
    ping = ansible.pop("ping")
    print(f"calls: ansible.builtin.ping: {ping}")
    for name, cost in ansible.items():
        alone = direct[name]
        print(
            f"calls: {name}: {cost}: {cost.wall / ping.wall:.2f} (cpu {cost.cpu / ping.cpu:.2f}) times a ping, "
            f"{cost.wall / alone.wall:.0f} (cpu {cost.cpu / alone.cpu:.0f}) times the bare client ({alone})",
            flush=True,
        )


if __name__ == "__main__":
    main()
