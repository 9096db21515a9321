# SPDX-License-Identifier: GPL-3.0-or-later
"""The control door, the command line, the end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulator.faults import FAULTS
from tests.simulator.generate import generate
from tests.simulator.launch import ROOT, Simulator, SimulatorError
from tests.unit.simulator.samples import D01, Caller, landscape


def test_faults_are_added_listed_removed(sim: Simulator) -> None:
    number = sim.fault("slow", instance=D01, times=3, seconds=0.01)
    row = next(row for row in sim.control("GET", "/faults") if row["id"] == number)
    assert (row["instance"], row["times"], row["struck"]) == (D01, 3, 0)
    Caller(sim, D01)("GetProcessList")
    assert next(row for row in sim.control("GET", "/faults") if row["id"] == number)["struck"] == 1
    sim.clear("slow")
    assert sim.control("GET", "/faults") == []
    assert sim.control("GET", "/kinds") == FAULTS


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "explode"}, "there is no fault 'explode'"),
        ({"name": "slow", "hosst": "x"}, "unknown field hosst"),
        ([{"name": "slow"}, "text"], "there is no fault 'text'"),
    ],
)
def test_a_fault_that_is_none_is_refused_as_a_whole(sim: Simulator, body: object, words: str) -> None:
    with pytest.raises(SimulatorError, match=words):
        sim.control("POST", "/faults", body)
    assert sim.control("GET", "/faults") == []


def test_the_clock_is_steered(sim: Simulator) -> None:
    before = sim.clock()
    after = sim.clock(advance=5000)
    assert after["sim"] >= before["sim"] + 5000
    assert sim.clock(jump=-86400)["wall"] < before["wall"]
    sim.clock(jump=86400)
    assert sim.clock(speed=100)["speed"] == 100
    sim.clock(speed=200)
    with pytest.raises(SimulatorError, match="above 0"):
        sim.clock(speed=0)


def test_advance_completes_a_stop(sim: Simulator) -> None:
    sim.clock(speed=0.001)
    try:
        Caller(sim, D01)("Stop", softtimeout=100, IsSystemStop=0)
        assert sim.state()["instances"][D01]["phase"] == "stopping"
        sim.clock(advance=1000)
        assert sim.state()["instances"][D01]["phase"] == "stopped"
    finally:
        sim.clock(speed=200)


def test_unknown_things_are_named(sim: Simulator) -> None:
    with pytest.raises(SimulatorError, match="there is no 'nohost'"):
        sim.state(hosts={"nohost": {"up": False}})
    with pytest.raises(SimulatorError, match="no GET /nothing here"):
        sim.control("GET", "/nothing")


def test_waiting_for_what_never_comes_ends(sim: Simulator) -> None:
    with pytest.raises(SimulatorError, match="not in the journal within"):
        sim.wait(deadline=0.2, effect="landed")


def test_a_wait_for_a_host_ends_when_it_is_up(sim: Simulator) -> None:
    sim.state(hosts={"prdapp1": {"up": False}})
    assert sim.control("GET", "/hosts/prdapp1?wait=0.1")["reachable"] is False
    number = sim.fault("host_unreachable", host="prdapp1")
    sim.state(hosts={"prdapp1": {"up": True}})
    assert sim.control("GET", "/hosts/prdapp1") == {"name": "prdapp1", "state": "up", "reachable": False}
    sim.clear(number)
    assert sim.control("GET", "/hosts/prdapp1?wait=5")["reachable"] is True


def test_the_journal_is_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Simulator.start(landscape(), speed=500, journal=path) as sim:
        Caller(sim, D01)("Stop", softtimeout=0, IsSystemStop=0)
        sim.wait(effect="stopped", instance=D01)
        assert [json.loads(line) for line in path.read_text().splitlines()] == sim.journal()
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["n"] for row in entries] == list(range(1, len(entries) + 1))
    assert [row["t"] for row in entries] == sorted(row["t"] for row in entries)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(number: signal.Signals) -> None:
    sim = Simulator.start(landscape())
    directory = Path(sim.info["directory"])
    place = sim.info["hosts"]["prddb"]["address"], 50013
    with socket.create_connection(place, timeout=5):
        sim.process.send_signal(number)
        assert sim.process.wait(10) == 0
    assert not directory.exists() and not sim.info_file.exists()
    sim.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place, timeout=5)


def test_it_ends_with_whoever_started_it() -> None:
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from tests.simulator.launch import Simulator\n"
        "sim = Simulator.start(sys.argv[2]); print(sim.process.pid, flush=True); os._exit(1)"
    )
    path = ROOT / "inventories" / "demo" / "landscape.json"
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT), str(path)], capture_output=True, text=True, check=False
    )
    end = time.monotonic() + 10
    while Path(f"/proc/{int(done.stdout)}/fd").exists() and list(Path(f"/proc/{int(done.stdout)}/fd").iterdir()):
        assert time.monotonic() < end, "it is still there"
        time.sleep(0.05)


def test_the_control_door_ends_it() -> None:
    with Simulator.start(landscape()) as sim:
        sim.control("POST", "/shutdown")
        assert sim.process.wait(10) == 0


def test_two_run_side_by_side_but_not_on_the_same_addresses() -> None:
    with Simulator.start(landscape()) as one, Simulator.start(landscape()) as other:
        addresses = [{row["address"] for row in sim.info["hosts"].values()} for sim in (one, other)]
        assert not addresses[0] & addresses[1]
        with pytest.raises(SimulatorError, match="another simulator runs on it"):
            network = ".".join(addresses[0].pop().split(".")[:2])
            Simulator.start(landscape(), network=network)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no JSON"),
        ('{"hosts": []}', "lists hosts"),
        ('{"hosts": [], "instances": [{"name": "D01"}]}', "there is no system"),
    ],
)
def test_a_landscape_that_is_none_is_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "landscape.json"
    path.write_text(content)
    with pytest.raises(SimulatorError, match=words):
        Simulator.start(path)


def test_a_yaml_landscape(tmp_path: Path) -> None:
    path = tmp_path / "landscape.yml"
    path.write_text(
        "hosts: [{name: a}]\nsystems: [{name: ONE}]\n"
        "instances: [{name: W00, system: ONE, host: a, number: '00', kind: webdisp}]\n"
    )
    with Simulator.start(path) as sim:
        assert list(sim.info["instances"]) == ["ONE/a/W00"]


def test_200_hosts_start_soon_and_cost_little() -> None:
    begin = time.monotonic()
    with Simulator.start(generate(40, 200)) as sim:
        seconds = time.monotonic() - begin
        assert len(sim.info["hosts"]) == 200
        with open(f"/proc/{sim.process.pid}/stat") as file:
            used = file.read().split()
    assert (int(used[13]) + int(used[14])) / 100 < 4, "processor seconds until all doors are open"
    assert seconds < 15, "generous: the machine may be busy"


def test_the_command_line_lists_the_faults() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulator", "--list-faults"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == len(FAULTS)
