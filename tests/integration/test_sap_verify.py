# SPDX-License-Identifier: GPL-3.0-or-later
"""The role sap_verify against the simulator: what comes late is waited for, what is gone is worse."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.simulator.launch import Simulator

LANDSCAPE = {
    "hosts": [{"name": "prdcs"}],
    "systems": [{"name": "PRD"}],
    "instances": [
        {"name": "ASCS00", "system": "PRD", "host": "prdcs", "number": "00", "kind": "ascs"},
        {"name": "ERS10", "system": "PRD", "host": "prdcs", "number": "10", "kind": "ers"},
    ],
}
ERS = "PRD/prdcs/ERS10"


def verify(**options: Any) -> dict[str, Any]:
    return {"ansible.builtin.import_role": {"name": "basis.landscape.sap_verify"}, "vars": options}


def post(control: str, path: str, body: Any) -> dict[str, Any]:
    options = {"url": control + path, "method": "POST", "body_format": "json", "body": body, "status_code": [200, 201]}
    return {"ansible.builtin.uri": options}


def test_a_replication_that_comes_late_and_one_that_is_gone(
    ansible_environment: dict[str, str], tmp_path: Path
) -> None:
    before = "{{ health_before }}"
    with Simulator.start(LANDSCAPE, speed=100, socket_dir=True) as simulator:
        control = simulator.info["control"]
        socket = str(simulator.info["instances"][ERS]["socket"]).replace("51013", "5{nr}13")
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/basis.landscape.sapcontrol": {"sapcontrol_socket": socket}},
            "vars": {
                "sap_verify_become": False,
                "sap_verify_instances": [{"sid": "PRD", "number": "00"}],
                "sap_verify_checks": ["enqueue_replication"],
            },
            "tasks": [
                verify(
                    sap_verify_state="captured",
                    sap_verify_instances=[{"sid": "PRD", "number": "00", "name": "ASCS77"}],
                ),
                {"ansible.builtin.debug": {"var": "sap_verify_result"}},
                verify(sap_verify_state="captured"),
                {"ansible.builtin.set_fact": {"health_before": "{{ sap_verify_result }}"}},
                post(control, "/state", {"instances": {ERS: {"phase": "stopped", "seconds": {"start": 1500}}}}),
                {"basis.landscape.sapcontrol_call": {"number": "10", "function": "Start", "changes": True}},
                verify(sap_verify_before=before, sap_verify_timeout=120),
                {"ansible.builtin.debug": {"msg": "it came"}},
                post(control, "/faults", {"name": "not_listed", "instance": ERS}),
                verify(sap_verify_before=before, sap_verify_timeout=1),
            ],
        }
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", str(tmp_path / "play.yml")],
            env={**ansible_environment, **simulator.environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        effects = [row["effect"] for row in simulator.journal() if row.get("instance") == ERS and "effect" in row]
    assert done.returncode == 2, done.stdout + done.stderr
    told = json.dumps(done.stdout + done.stderr)
    assert "belongs to PRD/00/ASCS00" in told, "another instance answered than the one that was meant"
    assert "it came" in told and effects[-2:] == ["starting", "started"]
    assert "PRD/00 enqueue_replication: the system has no enqueue replicator (was well before)" in told
