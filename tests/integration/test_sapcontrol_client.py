# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of the sapcontrol client that no module uses by itself, against the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import (
    Address,
    Client,
    ServiceDown,
    ServiceFault,
    connect,
)
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, wait_until
from tests.simulator.launch import Simulator

D01 = "PRD/prdapp/D01"
LANDSCAPE = {
    "hosts": [{"name": "prdapp"}],
    "systems": [{"name": "PRD"}],
    "instances": [{"name": "D01", "system": "PRD", "host": "prdapp", "number": "01", "kind": "dialog"}],
}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator.start(LANDSCAPE, speed=100, socket_dir=True) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    socket = str(simulator.info["instances"][D01]["socket"])
    client = connect(Address("01", socket_path=socket), D01)
    yield client
    client.close()


def calls(simulator: Simulator, function: str) -> list[str]:
    """The parameters of each call of a function."""
    return [row.get("detail") or "" for row in simulator.journal() if row.get("call") == function]


def effects(simulator: Simulator) -> list[str]:
    """What happened in the landscape, in its order."""
    return [row["effect"] for row in simulator.journal() if "effect" in row]


def test_one_parameter(client: Client) -> None:
    assert client.parameter("INSTANCE_NAME") == "D01"
    with pytest.raises(ServiceFault, match="Invalid parameter"):
        client.parameter("no/such")


def test_the_last_entries_of_a_log(client: Client, simulator: Simulator) -> None:
    whole = client.log_entries("dev_disp")
    assert whole[1].startswith("trc file:") and client.log_entries("dev_disp", most=2) == whole[-2:]
    assert calls(simulator, "ReadLogFile")[-1].endswith("maxentries=2, statecookie=")
    with pytest.raises(ServiceFault, match="Invalid filename"):
        client.log_entries("no_such_log")


def test_an_instance_is_restarted_by_one_call(client: Client, simulator: Simulator) -> None:
    client.restart_instance(7)
    wait_until("see it restarted", lambda: effects(simulator), lambda seen: "started" in seen, Limits(30, 0.05))
    assert effects(simulator) == ["stopping", "sessions_lost", "stopped", "starting", "started"]
    assert calls(simulator, "RestartInstance") == ["softtimeout=7"]


def test_a_restart_of_the_service_leaves_the_instance_alone(client: Client, simulator: Simulator) -> None:
    before = client.processes()
    client.restart_service()
    wait_until("see it back", lambda: effects(simulator), lambda seen: "service_up" in seen, Limits(30, 0.05))
    limits = Limits(30, 0.05, patience=30)
    after = wait_until("ask it", client.processes, bool, limits, bear=(ServiceDown,)).value
    assert [(row.name, row.started, row.pid) for row in after] == [(row.name, row.started, row.pid) for row in before]
    assert effects(simulator) == ["service_down", "service_up"]


def test_a_server_is_taken_out_of_the_load_balancing_and_back(client: Client, simulator: Simulator) -> None:
    client.set_server_inactive(True)
    assert effects(simulator) == ["inactive"]
    client.set_server_inactive(False)
    assert effects(simulator) == ["inactive", "active"]
