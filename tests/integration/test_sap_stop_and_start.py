# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles sap_stop and sap_start alone against the simulator: their order, and what they hand on of an instance."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.launch import Simulator

D01, ASCS = "PRD/prdhost/D01", "PRD/prdhost/ASCS00"
LANDSCAPE = {
    "hosts": [{"name": "prdhost"}],
    "systems": [{"name": "PRD"}],
    "instances": [
        {"name": "ASCS00", "system": "PRD", "host": "prdhost", "number": "00", "kind": "ascs"},
        {
            "name": "D01",
            "system": "PRD",
            "host": "prdhost",
            "number": "01",
            "kind": "dialog",
            "cluster_owned": True,
            "simulation": {"maintenance": True},
        },
    ],
}
# As the inventory has them.
OF_D01 = {"id": D01, "sid": "PRD", "number": "01", "name": "D01", "tier": "app", "start_priority": 3.0}
OF_ASCS = {"id": ASCS, "sid": "PRD", "number": "00", "name": "ASCS00", "tier": "app", "start_priority": 1.0}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator.start(LANDSCAPE, speed=100, socket_dir=True) as running:
        yield running


class Played:
    """What a role did: whether it failed, its output, the functions that changed something, by instance."""

    def __init__(
        self,
        role: str,
        instances: list[dict[str, Any]],
        simulator: Simulator,
        environment: dict[str, str],
        folder: Path,
    ) -> None:
        of_role = {
            f"{role}_instances": instances,
            f"{role}_timeouts": {"app": 20},
            f"{role}_delay": 0.1,
            f"{role}_failure_grace": 1,
            f"{role}_become": False,
        }
        socket = str(simulator.info["instances"][D01]["socket"]).replace("50113", "5{nr}13")
        more = {"sap_stop_soft_timeout": 5} if role == "sap_stop" else {"sap_start_service_timeout": 0}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/basis.landscape.sapcontrol": {"sapcontrol_socket": socket}},
            "tasks": [
                {"ansible.builtin.import_role": {"name": f"basis.landscape.{role}"}, "vars": {**of_role, **more}}
            ],
        }
        (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", str(folder / "play.yml")],
            env={**environment, **simulator.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.code, self.output = done.returncode, done.stdout + done.stderr
        self.sent = [
            (row["call"], row["instance"]) for row in simulator.journal() if row.get("call") in ("Start", "Stop")
        ]


@pytest.fixture
def play(simulator: Simulator, ansible_environment: dict[str, str], tmp_path: Path) -> Any:
    return lambda role, *instances: Played(role, list(instances), simulator, ansible_environment, tmp_path)


def test_what_is_under_an_instance_that_does_not_stop_is_not_stopped(simulator: Simulator, play: Any) -> None:
    simulator.control("POST", "/faults", {"name": "fails_to_stop", "instance": D01})
    stopped = play("sap_stop", OF_D01, OF_ASCS)
    assert stopped.code == 2 and "does not react to the stop signal" in stopped.output, stopped.output
    assert stopped.sent == [("Stop", D01)]


def test_what_is_on_top_of_an_instance_that_does_not_start_is_not_started(simulator: Simulator, play: Any) -> None:
    states = {D01: {"phase": "stopped"}, ASCS: {"phase": "stopped"}}
    simulator.control("POST", "/state", {"instances": states})
    simulator.control("POST", "/faults", {"name": "red_on_start", "instance": ASCS})
    started = play("sap_start", OF_ASCS, OF_D01)
    assert started.code == 2 and "msg_server RED" in started.output, started.output
    assert started.sent == [("Start", ASCS)]


def test_without_a_failure_all_are_stopped_in_their_order(play: Any) -> None:
    stopped = play("sap_stop", OF_D01, OF_ASCS)
    assert stopped.code == 0, stopped.output
    assert stopped.sent == [("Stop", D01), ("Stop", ASCS)]


def test_a_cluster_that_only_the_inventory_knows_of_is_a_refusal(simulator: Simulator, play: Any) -> None:
    simulator.control("POST", "/faults", {"name": "no_cluster_connector", "instance": D01})
    stopped = play("sap_stop", {**OF_D01, "cluster_owned": True})
    assert stopped.code == 2 and "the CMDB says that a cluster owns it" in stopped.output, stopped.output
    assert stopped.sent == []
    simulator.control("POST", "/state", {"instances": {D01: {"phase": "stopped"}}})
    started = play("sap_start", {**OF_D01, "cluster_owned": True})
    assert started.code == 2 and "the CMDB says that a cluster owns it" in started.output, started.output
    assert started.sent == []


def test_an_instance_of_another_name_is_not_touched(play: Any) -> None:
    stopped = play("sap_stop", {**OF_D01, "name": "D77"})
    assert stopped.code == 2 and "belongs to PRD/01/D01" in stopped.output, stopped.output
    assert stopped.sent == []


def test_an_inventory_without_names_does(play: Any) -> None:
    stopped = play("sap_stop", {"sid": "PRD", "number": "01", "tier": "app"})
    assert stopped.code == 0 and stopped.sent == [("Stop", D01)], stopped.output
