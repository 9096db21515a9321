# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers that are killed, interrupted, doubled: the run is continued, and nothing happens twice."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import process_start
from tests.env.small_disk import mounted
from tests.integration.runs.conftest import INSTANCE, Site, kill

EFFECTS = ("stopped", "patched", "reboot_requested", "started")
# The step in which the controller dies, and the fault that holds the step open until it is dead.
STEPS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "admit": ("web", "admit", {"operation": "GetProcessList", "times": 1}),
    "stop": ("app", "stop:PRD/app/D01", {"operation": "Stop"}),
    "patch": ("db", "patch", {"operation": "dnf", "times": 1}),
    "reboot": ("app", "reboot", {"operation": "shutdown", "seconds": 2}),
    "start": ("db", "start:HDP/db/HDB00", {"operation": "Start"}),
    "verify": (
        "db",
        "verify",
        {"operation": "GetSystemInstanceList", "on": {"effect": "started", "host": "db"}, "times": 1},
    ),
}


def children(process_id: int) -> list[int]:
    """The workers of an ansible-playbook process."""
    with contextlib.suppress(OSError):
        return [
            int(child) for child in pathlib.Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
        ]
    return []


def sidecar(process_id: int) -> int:
    """The sidecar of run r1 of an ansible-playbook process."""
    for child in children(process_id):
        with contextlib.suppress(OSError):
            if b"basis.landscape run r1" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                return child
    raise AssertionError("the sidecar was not found")


@pytest.mark.parametrize("name", STEPS)
def test_killed_in_a_step_and_continued(site: Site, name: str) -> None:
    host, step, fault = STEPS[name]
    site.simulator.fault("slow", host=host, **{"seconds": 3, **fault})
    process = site.begin(run_name="r1", landscape_hosts="web,app,db")
    site.until(lambda: site.simulator.journal(fault="slow", host=host), why=f"{name} is held")
    kill(process, signal.SIGKILL)
    assert site.states()[host][step] == "running", "the controller died elsewhere"
    site.end(process)
    site.until(lambda: site.state() == "lost", deadline=30, why="the sidecar marks the run as lost")
    again = site.play(run="r1")
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up()
    for effect in EFFECTS:
        assert sorted(host for _other, host in site.effects(effect)) == ["app", "db", "web"], effect
    # Whoever upgraded them, the run has the packages of every host.
    report = json.loads((site.folder / "state" / "reports" / "r1.json").read_text(encoding="utf-8"))
    assert all(report["hosts"][host]["packages"] for host in ("app", "db", "web")), report["hosts"]


def test_a_killed_worker_is_an_unreachable_host_and_waits_for_nobody(site: Site) -> None:
    del site.environment["BASIS_HOST_PYTHON"]  # the worker is known by the module that it started
    site.simulator.fault("slow", host="app", operation="Stop", seconds=20)
    process = site.begin(run_name="r1")
    site.until(lambda: site.calls("Stop", "app"), why="Stop was sent to app")
    door = site.simulator.info["hosts"]["app"]["door"]
    workers = [child for child in children(process.pid) if _acts_for(child, door)]
    assert workers, "the worker of app was not found"
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    outcome = site.end(process)
    assert outcome.code in (2, 4)
    states = site.states()
    assert "killed by SIGKILL" in outcome.output
    assert states["app"]["stop:PRD/app/D01"] == "unknown", "Stop may have been sent"
    assert states["db"]["stop:HDP/db/HDB00"] == "blocked" and states["pair2"]["verify"] == "done"


def _acts_for(process_id: int, door: str) -> bool:
    """Whether a worker has started a command on the simulated host with this door."""
    for child in children(process_id):
        with contextlib.suppress(OSError):
            if f"BASIS_SIMULATED_HOST={door}\0".encode() in pathlib.Path(f"/proc/{child}/environ").read_bytes():
                return True
        if _acts_for(child, door):
            return True
    return False


def test_ctrl_c_finishes_what_is_in_flight_and_the_run_is_continued(site: Site) -> None:
    site.simulator.fault("slow", host="app", operation="Stop", seconds=2)
    process = site.begin(run_name="r1")
    site.until(lambda: site.calls("Stop", "app"), why="Stop was sent to app")
    kill(process, signal.SIGINT)
    outcome = site.end(process)
    assert outcome.code != 0
    assert site.state() == "interrupted", outcome.output
    assert "SIGINT: steps in flight are finished, no other begins" in outcome.output
    assert re.search(r"in flight for \d+ s: PRD/app/D01/stop", outcome.output), outcome.output
    assert site.states()["app"]["stop:PRD/app/D01"] == "done"
    assert ("stopping", "db") not in site.effects()
    again = site.play(run="r1")
    assert again.code == 0, again.output
    assert site.everything_is_up() and site.state() == "succeeded"
    for host in INSTANCE:
        assert site.effects("stopped").count(("stopped", host)) == 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_second_signal_ends_at_once_and_closes_the_run(site: Site, name: str) -> None:
    number = signal.Signals[name]
    site.simulator.fault("slow", host="app", operation="Stop", seconds=600)
    patient = {"web": 12, "app": 600, "db": 12}  # it is in flight still when the second signal comes
    process = site.begin(run_name="r1", landscape_hosts="web,app,db", sap_stop_timeouts=patient)
    site.until(lambda: site.calls("Stop", "app"), why="Stop was sent to app")
    kill(process, number)
    site.until(lambda: site.state() == "draining", why="the first signal is recorded")
    kill(process, number)
    outcome = site.end(process)
    assert outcome.code != 0
    assert site.state() == "interrupted" and "run r1: interrupted" in outcome.output, outcome.output
    assert site.states()["app"]["stop:PRD/app/D01"] == "unknown"
    reports = site.folder / "state" / "reports"
    assert sorted(path.name for path in reports.iterdir()) == ["r1.html", "r1.json"]


def test_ctrl_c_without_the_sidecar(site: Site) -> None:
    site.simulator.fault("slow", host="app", operation="Stop", seconds=5)
    process = site.begin(run_name="r1", landscape_hosts="web,app,db")
    site.until(lambda: site.calls("Stop", "app"), why="Stop was sent to app")
    os.kill(sidecar(process.pid), signal.SIGKILL)
    kill(process, signal.SIGINT)
    outcome = site.end(process)
    assert "SIGINT: steps in flight are finished, no other begins" in outcome.output
    assert site.state() == "interrupted", outcome.output
    assert site.states()["app"]["stop:PRD/app/D01"] == "done"
    assert ("stopping", "db") not in site.effects()


def test_a_run_whose_sidecar_is_killed_goes_on_saying_that_it_lives(site: Site) -> None:
    """All hosts are at work for long: only a sidecar says that the run lives, else another machine calls it lost."""
    site.simulator.fault("slow", host="web", operation="Stop", seconds=8)
    process = site.begin(run_name="r1", landscape_hosts="web,app,db")
    site.until(lambda: site.calls("Stop", "web"), why="Stop was sent to web")
    with site.store() as store:
        seen = store.run("r1")["owner"]["seen_at"]
        killed = sidecar(process.pid)
        os.kill(killed, signal.SIGKILL)
        site.until(lambda: sidecar(process.pid) != killed, deadline=20, why="another sidecar was started")
        site.until(lambda: store.run("r1")["owner"]["seen_at"] > seen, deadline=20, why="it says that the run lives")
        assert site.states()["web"]["stop:WDP/web/W20"] == "running", "nobody else had a reason to write"
    outcome = site.end(process)
    assert outcome.code == 0, outcome.output
    assert "The run's sidecar was killed; another one has been started." in outcome.output
    assert site.state() == "succeeded"


@pytest.mark.needs("root")
@pytest.mark.parametrize("how", ["room is made", "room is made without the sidecar", "interrupted twice"])
def test_a_failure_that_the_full_disk_does_not_take(site: Site, how: str) -> None:
    log = site.folder / "log"
    site.environment["ANSIBLE_LOG_PATH"] = str(log)
    site.simulator.fault("slow", host="web", operation="Stop", seconds=3)
    with mounted(site.folder / "state") as disk:
        process = site.begin(run_name="r1", landscape_hosts="web,app,db")
        site.until(lambda: site.calls("Stop", "web"), why="Stop was sent to web")
        if how == "room is made without the sidecar":
            os.kill(sidecar(process.pid), signal.SIGKILL)
        disk.fill()
        # Without the sidecar nobody may have the database open, and then a full disk keeps it from being read: who
        # opens it just then fails by itself, perhaps before web does.
        fails = "(\\w+)" if how == "room is made without the sidecar" else "(web)"
        error = re.compile(f"Could not record yet that {fails} failed")
        site.until(lambda: error.search(_words(log.read_text())), why="the error is said")
        said_of = error.findall(_words(log.read_text()))
        if how == "interrupted twice":
            kill(process, signal.SIGINT)
            site.until(lambda: "SIGINT: steps in flight" in log.read_text(), why="the first signal is answered")
            kill(process, signal.SIGINT)
            outcome = site.end(process)
            said = _words(outcome.output)
            assert "That no other begins is not recorded yet" in said and "its disk is full; make room" in said
            assert "Could not close run r1" in said and "Not recorded: web failed" in said
            disk.make_room()
        else:
            disk.make_room()
            outcome = site.end(process)
            assert outcome.code == 2, outcome.output
            states = site.states()
            assert all("failed" in states[host].values() for host in said_of) and site.state() == "partial", states
            stopped = {states["app"]["stop:PRD/app/D01"], states["db"]["stop:HDP/db/HDB00"]}
            if how == "room is made":
                assert states["web"]["stop:WDP/web/W20"] == "failed" and stopped == {"blocked"}, states
        again = site.play(run="r1")
        assert again.code == 0, again.output
        assert site.state() == "succeeded" and site.everything_is_up()
        assert site.effects("stopped").count(("stopped", "web")) == 1


def _words(text: str) -> str:
    """A text without the places where Ansible breaks its lines."""
    return " ".join(text.split())


RENAMED = """
import importlib.util, sys
spec = importlib.util.find_spec("ansible.executor.process.worker")
with open(spec.origin, encoding="utf-8") as file:
    source = file.read().replace("self._final_q", "self._results_q")
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
exec(compile(source, spec.origin, "exec"), module.__dict__)
"""


def test_an_ansible_in_which_killed_workers_are_not_noticed_is_named(site: Site) -> None:
    folder = site.folder / "later_ansible"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(RENAMED, encoding="utf-8")
    site.environment["PYTHONPATH"] = str(folder)
    outcome = site.play(run_name="r1", landscape_hosts="pair1")
    assert outcome.code == 0, outcome.output
    assert "lacks WorkerProcess._final_q: a worker that is killed" in _words(outcome.output)


def test_two_controllers(site: Site) -> None:
    site.simulator.fault("slow", host="web", operation="Stop", seconds=15)
    process = site.begin(run_name="r1", landscape_hosts="web,app,db")
    try:
        site.until(lambda: site.calls("Stop", "web"), why="Stop was sent to web")
        other = site.play(run_name="r2", landscape_hosts="app", landscape_outside="accept")
        assert other.code != 0 and "r1" in other.output and "app" in other.output
        same = site.play(run="r1")
        assert same.code != 0 and "r1" in same.output
        apart = site.play(run_name="r3", landscape_hosts="pair1")
        assert apart.code == 0, apart.output
    finally:
        outcome = site.end(process)
    assert outcome.code == 0, outcome.output
    assert site.state("r1") == "succeeded"
    assert site.effects("stopped").count(("stopped", "app")) == 1


def test_an_outdated_controller_is_refused_at_the_target(site: Site) -> None:
    """The orphaned worker of a killed controller wakes after the run was taken: the fence on the target stops it."""
    site.simulator.fault("slow", host="app", operation="AccessCheck", seconds=6, times=1)
    process = site.begin(run_name="r1", landscape_hosts="web,app,db")
    site.until(
        lambda: site.calls("AccessCheck", "app") or site.states()["app"]["stop:PRD/app/D01"] == "running",
        why="app is being stopped",
    )
    kill(process, signal.SIGKILL)
    site.end(process)
    again = site.play(run="r1")
    assert again.code == 0, again.output
    assert site.effects("stopped").count(("stopped", "app")) == 1
    assert site.calls("Stop", "app") == 1


def test_a_reboot_that_was_held_up_ends_no_later_boot(site: Site) -> None:
    """The worker of a killed controller hangs at the last moment before the reboot, and wakes when SAP runs again."""
    looks, held, door = (site.folder / name for name in ("looks", "held", "door"))
    os.mkfifo(door)
    # Looked at by the role, by the plugin, and right before the end: there it waits until somebody opens the door.
    look = (
        f'printf x >> {looks}; [ "$(wc -c < {looks})" -ne 3 ] || {{ : > {held}; read -r word < {door}; }};'
        " cat /proc/sys/kernel/random/boot_id"
    )
    process = site.begin(run_name="r1", landscape_hosts="pair1", os_reboot_boot_id_command=look)
    site.until(held.exists, why="pair1 is about to be rebooted")
    workers = children(process.pid)
    kill(process, signal.SIGKILL)
    site.until(lambda: site.state() == "lost", deadline=30, why="the sidecar marks the run as lost")
    again = site.play(run="r1")
    assert again.code == 0, again.output
    assert any(process_start(worker) for worker in workers), "nobody is held up any more"
    door.write_text("go\n", encoding="ascii")
    site.until(lambda: not any(process_start(worker) for worker in workers), why="the old worker is through")
    site.end(process)
    assert site.effects("reboot_requested") == [("reboot_requested", "pair1")]
    assert site.everything_is_up()


def test_a_reboot_whose_command_is_sent_once_more_is_done(site: Site) -> None:
    role = {"ansible.builtin.import_role": {"name": "basis.landscape.os_reboot"}, "name": "Reboot"}
    play = {"name": "Reboot", "hosts": "web", "gather_facts": False, "tasks": [role]}
    (site.folder / "reboot.yml").write_text(json.dumps([play]), encoding="utf-8")
    again = {"os_reboot_policy": "always", "playbook": str(site.folder / "reboot.yml")}
    # The command meets another boot than the one that was looked at, as when ssh tries it again.
    done = site.play(os_reboot_looked={"stdout": "the boot before", "rc": 0}, **again)
    assert done.code == 0, done.output
    assert not site.effects("reboot_requested")
    failed = site.play(os_reboot_command="false", **again)
    assert failed.code != 0 and "Reboot command failed" in failed.output, failed.output
