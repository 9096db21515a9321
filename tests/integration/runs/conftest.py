# SPDX-License-Identifier: GPL-3.0-or-later
"""A small simulated landscape, and whole playbooks played on it by real ansible-playbook processes."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from tests.env import collection
from tests.env.host_python import HostPython
from tests.simulator.launch import Simulator

ROOT = pathlib.Path(__file__).resolve().parents[3]
SPEED = 120.0
OPTIONS = {
    "landscape_yes": True,
    "sap_stop_soft_timeout": 4,
    "sap_stop_timeouts": {"web": 12, "app": 12, "db": 12},
    "sap_stop_delay": 0.2,
    "sap_stop_failure_grace": 2,
    "sap_start_timeouts": {"web": 25, "app": 25, "db": 25},
    "sap_start_delay": 0.2,
    "sap_start_failure_grace": 2,
}
# A web dispatcher before an ABAP system on a database: three hosts that wait for each other. Beside it two web
# dispatchers of
# which one may be out at a time.
LANDSCAPE: dict[str, t.Any] = {
    "hosts": [
        {"name": name, "environment": "production", "os": "RHEL 9.4"} for name in ("web", "app", "db", "pair1", "pair2")
    ],
    "systems": [
        {"name": "WDP", "sid": "WDP", "type": "webdisp"},
        {"name": "PRD", "sid": "PRD", "type": "abap"},
        {"name": "HDP", "sid": "HDP", "type": "hana"},
        {"name": "WP1", "sid": "WP1", "type": "webdisp"},
        {"name": "WP2", "sid": "WP2", "type": "webdisp"},
    ],
    "instances": [
        {"name": "W20", "system": "WDP", "host": "web", "number": "20", "kind": "webdisp"},
        {"name": "D01", "system": "PRD", "host": "app", "number": "01", "kind": "dialog"},
        {"name": "HDB00", "system": "HDP", "host": "db", "number": "00", "kind": "hana"},
        {"name": "W21", "system": "WP1", "host": "pair1", "number": "21", "kind": "webdisp"},
        {"name": "W22", "system": "WP2", "host": "pair2", "number": "22", "kind": "webdisp"},
    ],
    "relations": [
        {"source": "WDP", "target": "PRD", "type": "depends_on"},
        {"source": "PRD", "target": "HDP", "type": "depends_on"},
    ],
    "redundancy_groups": [{"name": "pair", "members": ["WP1", "WP2"], "max_unavailable": 1}],
    "calendars": [],
}
CHAIN = ("web", "app", "db")
INSTANCE = {
    "web": "WDP/web/W20",
    "app": "PRD/app/D01",
    "db": "HDP/db/HDB00",
    "pair1": "WP1/pair1/W21",
    "pair2": "WP2/pair2/W22",
}


class Site:
    """A simulated landscape with the folder from which ansible-playbook is called."""

    def __init__(self, folder: pathlib.Path, simulator: Simulator, python: HostPython) -> None:
        self.folder, self.simulator = folder, simulator
        (folder / "landscape.json").write_text(json.dumps(simulator.export()), encoding="utf-8")
        (folder / "cmdb.yml").write_text("plugin: basis.landscape.cmdb\npath: landscape.json\n", encoding="utf-8")
        variables = (ROOT / "inventories" / "demo" / "group_vars" / "all.yml").read_text(encoding="utf-8")
        (folder / "group_vars").mkdir()
        (folder / "group_vars" / "all.yml").write_text(variables, encoding="utf-8")
        self.environment = {
            **os.environ,
            **simulator.environment,
            **python.environment,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.link(ROOT)),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "BASIS_LANDSCAPE_STATE": str(folder / "state"),
        }
        self.environment.pop("BASIS_LANDSCAPE_DATABASE", None)

    @property
    def database(self) -> str:
        """The URL of the run database that the playbooks use."""
        return self.environment.get("BASIS_LANDSCAPE_DATABASE") or f"sqlite:///{self.folder / 'state' / 'runs.db'}"

    def command(self, *arguments: str, playbook: str = "patch_landscape", **options: t.Any) -> list[str]:
        """What plays a playbook. An option that is None is left to the role's default."""
        command = [
            str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(self.folder / "cmdb.yml"),
            "--forks",
            "10",
        ]
        ours = playbook if "/" in playbook else f"basis.landscape.{playbook}"
        given = {name: value for name, value in {**OPTIONS, **options}.items() if value is not None}
        return [*command, "-e", json.dumps(given), *arguments, ours]

    def begin(self, *arguments: str, playbook: str = "patch_landscape", **options: t.Any) -> subprocess.Popen[str]:
        """Start a playbook; it runs on."""
        return subprocess.Popen(
            self.command(*arguments, playbook=playbook, **options),
            env=self.environment,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def play(
        self, *arguments: str, playbook: str = "patch_landscape", timeout: float = 240, **options: t.Any
    ) -> Outcome:
        """Run a playbook to its end."""
        return self.end(self.begin(*arguments, playbook=playbook, **options), timeout)

    def end(self, process: subprocess.Popen[str], timeout: float = 240) -> Outcome:
        """Wait for a playbook's end."""
        try:
            output, _other = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _other = process.communicate()
            raise AssertionError(f"ansible-playbook did not end within {timeout:g} s:\n{output}") from None
        return Outcome(process.returncode, output)

    @contextlib.contextmanager
    def store(self) -> t.Iterator[t.Any]:
        """Open the run database as any observer may."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        store = _runs.open_store(self.database)
        try:
            yield store
        finally:
            store.close()

    def states(self, run: str = "r1") -> dict[str, dict[str, str]]:
        """The state of every step by host."""
        with self.store() as store:
            found: dict[str, dict[str, str]] = {}
            for step in store.steps(run):
                found.setdefault(step["ci"], {})[step["step"]] = step["state"]
            return found

    def state(self, run: str = "r1") -> str:
        """The state of the run."""
        with self.store() as store:
            return str(store.run(run)["state"])

    def until(self, what: t.Callable[[], t.Any], deadline: float = 90, why: str = "") -> t.Any:
        """Return what is true in the end; it is asked again and again because another process makes it true."""
        ends = time.monotonic() + deadline
        while True:
            try:
                answer = what()
            except Exception:
                answer = None  # the database is not there yet
            if answer or time.monotonic() > ends:
                assert answer, f"it did not come about within {deadline:g} s: {why}"
                return answer
            time.sleep(0.05)

    def until_step(self, host: str, step: str, state: str = "running", run: str = "r1") -> None:
        """Wait until a step of a host is in a state."""
        self.until(lambda: self.states(run)[host][step] == state, why=f"{host} {step} {state}")

    def effects(self, *kinds: str) -> list[tuple[str, str]]:
        """The simulator's effects in their order, as (effect, host)."""
        rows = self.simulator.journal()
        return [
            (row["effect"], row["host"])
            for row in rows
            if row.get("effect") and "host" in row and (not kinds or row["effect"] in kinds)
        ]

    def calls(self, call: str, host: str) -> int:
        """How often a call came to a host's doors."""
        return sum(
            1
            for row in self.simulator.journal()
            if row.get("call") == call and row.get("host") == host and "effect" not in row
        )

    def everything_is_up(self) -> bool:
        """Whether every host runs and every instance is GREEN."""
        state = self.simulator.state()
        return all(host["up"] for host in state["hosts"].values()) and all(
            instance["phase"] == "running" and instance["color"] == "SAPControl-GREEN"
            for instance in state["instances"].values()
        )


class Outcome(t.NamedTuple):
    """How a playbook ended."""

    code: int
    output: str


def kill(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    """Send a signal to ansible-playbook itself, as the kernel, AWX or a person would."""
    process.send_signal(number)


@pytest.fixture(scope="session")
def host_python() -> t.Iterator[HostPython]:
    """The Python that runs the modules of all simulated hosts."""
    with HostPython.start() as python:
        yield python


@pytest.fixture
def site(tmp_path: pathlib.Path, host_python: HostPython) -> t.Iterator[Site]:
    """A fresh landscape in which everything runs."""
    with Simulator.start(LANDSCAPE, speed=SPEED) as simulator:
        yield Site(tmp_path, simulator, host_python)
