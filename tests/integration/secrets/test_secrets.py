# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a secret stays secret: a known one is planted, then all that was written or shown is searched for it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator.launch import Simulator

LANDSCAPE = {
    "hosts": [{"name": "prdapp1"}],
    "systems": [{"name": "PRD", "type": "abap"}],
    "instances": [
        {"name": "ASCS00", "system": "PRD", "host": "prdapp1", "number": "00", "kind": "ascs"},
        {"name": "D01", "system": "PRD", "host": "prdapp1", "number": "01", "kind": "dialog"},
    ],
}
D01 = "PRD/prdapp1/D01"
WRONG = "Wrong-but-secret-4711"


def read() -> dict[str, Any]:
    return {"basis.landscape.sapcontrol_call": {"number": "01", "function": "GetProcessList"}}


def instance(state: str, **more: str) -> dict[str, Any]:
    return {
        "basis.landscape.sap_instance": {
            "sid": "PRD",
            "number": "01",
            "state": state,
            "timeout": 60,
            "soft_timeout": 10,
            **more,
        }
    }


def system(state: str) -> dict[str, Any]:
    return {
        "basis.landscape.sap_system": {"sid": "PRD", "number": "01", "state": state, "timeout": 60, "soft_timeout": 10}
    }


# What is done with the password, the fault at that time, and whether the task must fail.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any] | None, bool]] = {
    "read": (read(), None, False),
    "stop and see": (instance("stopped"), None, False),
    "start and see": (instance("started"), None, False),
    "wrong password": (instance("stopped", sapcontrol_password="{{ wrong_password }}"), None, True),
    "denied": (instance("stopped"), {"name": "denied", "instance": D01}, True),
    "half an answer": (read(), {"name": "half_answer", "instance": D01}, True),
    "drop after accept": (read(), {"name": "drop_after_accept", "instance": D01}, True),
    "wrong certificate": (read(), {"name": "wrong_certificate", "host": "prdapp1"}, True),
    "unknown option beside it": ({"basis.landscape.sap_instance": {"sid": "PRD", "nonsense": 1}}, None, True),
    "whole system": (system("started"), None, False),
}


class CommandLines:
    """Every command line of this machine that was seen while the block ran."""

    def __enter__(self) -> CommandLines:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(process.read_bytes())
                except OSError:  # it has ended
                    continue


def traces(secret: str) -> list[bytes]:
    """The forms in which a secret may show itself."""
    forms = [secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")]
    for user in ("prdadm", "sapadm"):  # basic authentication
        forms.append(base64.b64encode(f"{user}:{secret}".encode()).rstrip(b"="))
    return forms


def searched(
    command: list[str],
    simulator: Simulator,
    fault: dict[str, Any] | None,
    environment: dict[str, str],
    folder: Path,
    but: Path | None = None,
) -> tuple[subprocess.CompletedProcess[bytes], dict[str, bytes]]:
    """Run *command* while the fault is in force; its outcome with everything that it showed or wrote below *folder*."""
    before = len(simulator.journal())
    number = simulator.fault(**fault) if fault else None
    try:
        with CommandLines() as lines:
            done = subprocess.run(
                command, env=environment, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False
            )
    finally:
        if number is not None:
            simulator.clear(number)
    assert any(command[0].encode() in line for line in lines.seen), "the watch saw nothing"
    return done, {
        "what was printed": done.stdout + done.stderr,
        "command lines": b"\n".join(lines.seen),
        "the simulator's journal": str(simulator.journal()[before:]).encode(),
        **{
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path != but
        },
    }


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator.start(LANDSCAPE, speed=100) as running:
        yield running


@pytest.mark.parametrize("name", CASES)
def test_nothing_shows_the_password(
    name: str, simulator: Simulator, tmp_path: Path, ansible_environment: dict[str, str]
) -> None:
    task, fault, fails = CASES[name]
    secret = simulator.info["password"]
    target = simulator.info["instances"][D01]
    plant = tmp_path / "plant.yml"
    plant.write_text(yaml.safe_dump({"password": secret, "wrong_password": WRONG}), encoding="utf-8")
    plant.chmod(0o600)
    for folder in ("home", "tmp", "state"):
        (tmp_path / folder).mkdir()
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(plant)],
        "module_defaults": {
            "group/basis.landscape.sapcontrol": {
                "sapcontrol_url": target["https"],
                "sapcontrol_ca_file": simulator.info["ca_file"],
                "sapcontrol_user": target["user"],
                "sapcontrol_password": "{{ password }}",
                "sapcontrol_timeout": 3,
            }
        },
        "tasks": [
            {"name": name, **task, "register": "answer", "ignore_errors": True},
            {"name": "Show all of it", "ansible.builtin.debug": {"var": "answer"}},
            {"name": "Judge", "ansible.builtin.assert": {"that": [f"answer is {'failed' if fails else 'succeeded'}"]}},
        ],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    log = tmp_path / "ansible.log"
    environment = {
        **ansible_environment,
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_DIFF_ALWAYS": "1",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "BASIS_LANDSCAPE_STATE": str(tmp_path / "state"),
    }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-vvvv", "-i", "localhost,", str(playbook)]
    done, shown = searched(command, simulator, fault, environment, tmp_path, but=plant)
    assert done.returncode == 0, done.stdout.decode()[-6000:]
    assert "ansible.log" in shown
    forms = traces(secret) + traces(WRONG)
    assert [place for place, content in shown.items() if any(form in content for form in forms)] == []


# Which fault the CMDB has, and whether the inventory must fail.
CMDB_CASES: dict[str, tuple[dict[str, Any] | None, bool]] = {
    "loads": (None, False),
    "unauthorized": ({"name": "unauthorized", "door": "cmdb"}, True),
    "server error": ({"name": "server_error", "door": "cmdb"}, True),
    "wrong certificate": ({"name": "wrong_certificate", "door": "cmdb"}, True),
    "half an answer": ({"name": "half_answer", "door": "cmdb"}, True),
}


@pytest.mark.parametrize(("mapping", "way"), [("netbox", "token"), ("servicenow", "password")])
@pytest.mark.parametrize("name", CMDB_CASES)
def test_nothing_shows_the_credentials_of_the_cmdb(
    name: str, mapping: str, way: str, simulator: Simulator, tmp_path: Path, ansible_environment: dict[str, str]
) -> None:
    fault, fails = CMDB_CASES[name]
    door = simulator.info["cmdb"]
    settings = {
        "plugin": "basis.landscape.cmdb",
        "url": door["https"],
        "ca_file": simulator.info["ca_file"],
        "mapping": mapping,
        "attempts": 2,
        "pause": 0.05,
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(tmp_path / "cache"),
        "export_path": str(tmp_path / "export.json"),
    }
    (tmp_path / "cmdb.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    for folder in ("home", "tmp"):
        (tmp_path / folder).mkdir()
    environment = {
        **ansible_environment,
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"),
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        **({"BASIS_CMDB_TOKEN": door["token"]} if way == "token" else {}),
        **({"BASIS_CMDB_USER": door["user"], "BASIS_CMDB_PASSWORD": door["password"]} if way == "password" else {}),
    }
    program = str(Path(sys.executable).with_name("ansible-inventory"))
    command = [program, "-vvvv", "-i", str(tmp_path / "cmdb.yml"), "--list"]
    done, shown = searched(command, simulator, fault, environment, tmp_path)
    assert (done.returncode != 0) is fails, (done.stdout + done.stderr).decode()[-4000:]
    if not fails:
        assert b"prdapp1" in done.stdout and any(place.startswith("cache/") for place in shown)
    forms = traces(door[way]) + [base64.b64encode(f"{door['user']}:{door[way]}".encode()).rstrip(b"=")]
    assert [place for place, content in shown.items() if any(form in content for form in forms)] == []


def test_the_search_finds_a_careless_play(tmp_path: Path, ansible_environment: dict[str, str]) -> None:
    """The search itself works: a task without protection is found by it."""
    secret = "Planted-secret-0815"
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible")),
            "localhost",
            "-m",
            "debug",
            "-a",
            "msg={{ lookup('env', 'PLANT') }}",
        ],
        env={**ansible_environment, "PLANT": secret, "HOME": str(tmp_path), "TMPDIR": os.environ.get("TMPDIR", "/tmp")},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert any(form in done.stdout for form in traces(secret))
