# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the modules run under every Python that a managed host may have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.env import ansible_test
from tests.simulator.launch import Simulator

VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
LANDSCAPE = {
    "hosts": [{"name": "prdapp1"}],
    "systems": [{"name": "PRD"}],
    "instances": [
        {"name": "ASCS00", "system": "PRD", "host": "prdapp1", "number": "00", "kind": "ascs"},
        {"name": "D01", "system": "PRD", "host": "prdapp1", "number": "01", "kind": "dialog"},
    ],
}
BOTH = {"PRD/prdapp1/ASCS00", "PRD/prdapp1/D01"}


def interpreter(version: str) -> str | None:
    """The machine's Python of that version, by its real path."""
    for folder in [*ansible_test.bins(), "/usr/bin", "/usr/local/bin"]:
        path = Path(folder) / f"python{version}"
        if path.exists():
            return os.path.realpath(path)
    return None


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator.start(LANDSCAPE, speed=100, socket_dir=True) as running:
        yield running


@pytest.mark.parametrize("version", VERSIONS)
def test_modules_run(version: str, simulator: Simulator, tmp_path: Path, ansible_environment: dict[str, str]) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    socket = simulator.info["instances"]["PRD/prdapp1/D01"]["socket"]
    (tmp_path / "home").mkdir()

    def call(module: str, **arguments: Any) -> dict[str, Any]:
        program = str(Path(sys.executable).with_name("ansible"))
        words = {"sapcontrol_socket": socket.replace("50113", "5{nr}13"), **arguments}
        command = [program, "localhost", "-c", "local", "-m", f"basis.landscape.{module}", "-a", json.dumps(words)]
        environment = {
            **ansible_environment,
            "ANSIBLE_PYTHON_INTERPRETER": python,
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
            "HOME": str(tmp_path / "home"),
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout.split("=>", 1)[1]))

    def seen(effect: str, after: int) -> set[str]:
        return {row["instance"] for row in simulator.journal(after=after, effect=effect)}

    move = {"sid": "PRD", "number": "01", "soft_timeout": 10, "timeout": 120, "delay": 0.2}
    mark = simulator.journal()[-1]["n"] if simulator.journal() else 0
    assert call("sap_system", state="stopped", **move)["changed"] is True
    assert seen("stopped", mark) == BOTH
    assert call("sap_instance", state="stopped", **move)["changed"] is False
    assert call("sap_system", state="started", **move)["changed"] is True
    assert seen("started", mark) == BOTH
    assert call("sapcontrol_call", number="01", function="GetProcessList")["changed"] is False
    assert call("sap_landscape_info", numbers=["00", "01"])["changed"] is False
    assert call("sap_health_info", sid="PRD", number="01")["changed"] is False
