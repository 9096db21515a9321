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
    "systems": [
        {
            "name": "PRD",
            "type": "abap",
            "simulation": {
                "abap": {
                    "clients": {"000": {}, "100": {}, "200": {}, "300": {}},
                    "other_logical_systems": ["QASCLNT300"],
                    "conversion_seconds": 5,
                    "copy_seconds": 5,
                    "sessions": [{"user": "MILLER"}],
                }
            },
        }
    ],
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
    for user in ("prdadm", "sapadm", "BASIS_AUTO"):  # basic authentication
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


def played(
    name: str,
    case: tuple[dict[str, Any], dict[str, Any] | None, bool],
    secret: str,
    defaults: dict[str, Any],
    simulator: Simulator,
    folder: Path,
    environment: dict[str, str],
) -> dict[str, bytes]:
    """Play a task with the password as loudly as Ansible can; everything that it showed or wrote."""
    task, fault, fails = case
    plant = folder / "plant.yml"
    plant.write_text(yaml.safe_dump({"password": secret, "wrong_password": WRONG}), encoding="utf-8")
    plant.chmod(0o600)
    for below in ("home", "tmp", "state"):
        (folder / below).mkdir()
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(plant)],
        "module_defaults": defaults,
        "tasks": [
            {"name": name, **task, "register": "answer", "ignore_errors": True},
            {"name": "Show all of it", "ansible.builtin.debug": {"var": "answer"}},
            {"name": "Judge", "ansible.builtin.assert": {"that": [f"answer is {'failed' if fails else 'succeeded'}"]}},
        ],
    }
    playbook = folder / "play.yml"
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    environment = {
        **environment,
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_DIFF_ALWAYS": "1",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "BASIS_LANDSCAPE_STATE": str(folder / "state"),
    }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-vvvv", "-i", "localhost,", str(playbook)]
    done, shown = searched(command, simulator, fault, environment, folder, but=plant)
    assert done.returncode == 0, done.stdout.decode()[-6000:]
    assert "ansible.log" in shown
    return shown


def careless(shown: dict[str, bytes], *secrets: str) -> list[str]:
    """The places that show one of the secrets."""
    forms = [form for secret in secrets for form in traces(secret)]
    return [place for place, content in shown.items() if any(form in content for form in forms)]


@pytest.mark.parametrize("name", CASES)
def test_nothing_shows_the_password(
    name: str, simulator: Simulator, tmp_path: Path, ansible_environment: dict[str, str]
) -> None:
    secret, target = simulator.info["password"], simulator.info["instances"][D01]
    defaults = {
        "group/basis.landscape.sapcontrol": {
            "sapcontrol_url": target["https"],
            "sapcontrol_ca_file": simulator.info["ca_file"],
            "sapcontrol_user": target["user"],
            "sapcontrol_password": "{{ password }}",
            "sapcontrol_timeout": 3,
        }
    }
    shown = played(name, CASES[name], secret, defaults, simulator, tmp_path, ansible_environment)
    assert careless(shown, secret, WRONG) == []


def rfc(module: str, **options: Any) -> dict[str, Any]:
    return {f"basis.landscape.{module}": options}


RECORD = "{{ lookup('ansible.builtin.env', 'BASIS_LANDSCAPE_STATE') }}/record.json"
# As CASES, of a user of an ABAP system; what is kept in files for a later run is among it.
RFC_CASES: dict[str, tuple[dict[str, Any], dict[str, Any] | None, bool]] = {
    "a question": (rfc("rfc_call", function="RFC_SYSTEM_INFO"), None, False),
    "a job": (rfc("sap_job", name="SECRET", program="RSPO1043", run="again", spool=True, delay=0.1), None, False),
    "a task list": (rfc("sap_task_list", scenario="SAP_BASIS_SSL_CHECK", delay=0.1), None, False),
    "jobs in a record": (rfc("sap_background_jobs", state="suspended", record=RECORD, delay=0.1), None, False),
    "logical system names": (
        rfc(
            "sap_bdls",
            mapping=[{"old": "PRDCLNT300", "new": "QASCLNT300"}],
            test_run_only=True,
            run="again",
            quiesced=False,
            confirm_sid="PRD",
            delay=0.1,
        ),
        None,
        False,
    ),
    "a client copy": (
        rfc(
            "sap_client_copy",
            source="100",
            target="200",
            profile="SAP_USER",
            program="RSCCLCOP",
            name="COPY_100_200",
            run="again",
            fields={"source": "SOURCE", "target": "TARGET", "profile": "PROFILE"},
            confirm_sid="PRD",
            confirm_client="200",
            delay=0.1,
        ),
        None,
        False,
    ),
    "whether it is quiet": (rfc("sap_quiesce_info"), None, False),
    "a message to users": (rfc("sap_user_message", text="Please log off"), None, False),
    "users in a record": (rfc("sap_users", state="locked", users=["SMITH"], record=RECORD), None, False),
    "a user who may not": (
        rfc("sap_users", state="locked", users=["NGUYEN"]),
        {"name": "rfc_missing_authorization", "system": "PRD", "object": "S_USER_GRP"},
        True,
    ),
    "a lost connection": (
        rfc("rfc_call", function="TH_POPUP", changes=True, parameters={"CLIENT": "100", "USER": "M", "MESSAGE": "x"}),
        {"name": "rfc_cut_after", "system": "PRD", "function": "TH_POPUP"},
        True,
    ),
    "wrong password": (rfc("rfc_call", function="RFC_SYSTEM_INFO", rfc_password="{{ wrong_password }}"), None, True),
    # Nobody listens there.
    "password of a router": (
        rfc("rfc_call", function="RFC_SYSTEM_INFO", rfc_router="/H/127.0.0.1/S/1/P/{{ wrong_password }}"),
        None,
        True,
    ),
    "password in a wrong route": (
        rfc("rfc_call", function="RFC_SYSTEM_INFO", rfc_router="/H/127.0.0.1/1/W/{{ wrong_password }}/H/"),
        None,
        True,
    ),
}


RFC_WAYS = {"pyrfc": RFC_CASES, "saprfclib": RFC_CASES, "soap": ("a question", "a task list", "wrong password")}


@pytest.mark.parametrize(
    ("library", "name"), [(library, name) for library, names in RFC_WAYS.items() for name in names]
)
def test_nothing_shows_the_password_of_an_abap_user(
    library: str, name: str, simulator: Simulator, tmp_path: Path, ansible_environment: dict[str, str]
) -> None:
    told = simulator.info["abap"]["PRD"]
    secret, target = told["users"]["BASIS_AUTO"], told["instances"][D01]
    where: dict[str, Any] = {"rfc_host": target["address"], "rfc_instance": target["number"]}
    if library == "soap":
        where = {"rfc_url": target["https"], "rfc_ca_file": simulator.info["ca_file"]}
    else:
        pytest.importorskip(library, reason=f"needs {library}")
    defaults = {
        "group/basis.landscape.rfc": {
            **where,
            "rfc_provider": library,
            "rfc_client": told["client"],
            "rfc_user": "BASIS_AUTO",
            "rfc_password": "{{ password }}",
            "rfc_timeout": 10,
        }
    }
    shown = played(name, RFC_CASES[name], secret, defaults, simulator, tmp_path, ansible_environment)
    assert careless(shown, secret, WRONG) == []
    assert ("record" in name) is ("state/record.json" in shown)


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
