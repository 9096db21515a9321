# SPDX-License-Identifier: GPL-3.0-or-later
"""The ssh door under OpenSSH's own clients."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.launch import Simulator

pytestmark = pytest.mark.needs("ssh", "sshd")
LANDSCAPE = {
    "hosts": [{"name": "one"}, {"name": "two"}],
    "systems": [{"name": "WDP", "sid": "WDP", "type": "webdisp"}],
    "instances": [{"name": "W20", "system": "WDP", "host": "one", "number": "20", "kind": "webdisp"}],
    "simulation": {"spread": 0, "stragglers": {"share": 0}},
}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator.start(LANDSCAPE, speed=600, ssh=True) as simulator:
        yield simulator


def client(sim: Simulator, program: str, *words: str, patience: int = 20) -> list[str]:
    """A client's command line with the options that let it in."""
    ssh = sim.info["ssh"]
    options = {
        "IdentityFile": ssh["key_file"],
        "UserKnownHostsFile": ssh["known_hosts_file"],
        "User": ssh["user"],
        "Port": ssh["port"],
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": patience,
    }
    return [program, "-F", "none", *(f"-o{name}={value}" for name, value in options.items()), *words]


def login(sim: Simulator, host: str, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """What ``ssh HOST COMMAND`` gives."""
    command = client(sim, "ssh", sim.info["hosts"][host]["address"], *words, **more)
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)


def test_a_command_runs_on_the_simulated_host(sim: Simulator) -> None:
    for host in ("one", "two"):
        told = sim.info["hosts"][host]
        here = login(sim, host, "pwd; echo $HOME; cat /proc/sys/kernel/random/boot_id; echo ' a  b'; exit 7")
        boot = Path(told["boot_id_file"]).read_text(encoding="ascii").strip()
        assert here.stdout.splitlines() == [told["home"], told["home"], boot, " a  b"], here
        assert here.returncode == 7
    asked = login(sim, "one", "/usr/bin/dnf -q check-update")
    assert asked.returncode == 100 and "kernel" in asked.stdout, asked
    assert {row["host"] for row in sim.journal(door="ssh", call="login")} == {"one", "two"}
    assert [row["host"] for row in sim.journal(call="dnf")] == ["one"]


def test_a_login_without_a_command_is_a_shell(sim: Simulator) -> None:
    command = client(sim, "ssh", "-T", sim.info["hosts"]["two"]["address"])
    said = subprocess.run(command, input="pwd\nboot-id\n", capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout.splitlines()[0] == sim.info["hosts"]["two"]["home"], said


def test_files_come_and_go(sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("content\n", encoding="ascii")
    address = sim.info["hosts"]["one"]["address"]
    for words in ([str(tmp_path / "there"), f"{address}:kept"], [f"{address}:kept", str(tmp_path / "back")]):
        subprocess.run(client(sim, "scp", "-q", *words), check=True, timeout=60)
    assert (tmp_path / "back").read_text(encoding="ascii") == "content\n"
    assert (Path(sim.info["hosts"]["one"]["home"]) / "kept").exists()


def test_nobody_comes_in_without_the_key(sim: Simulator) -> None:
    sim.fault("unauthorized", host="one", door="ssh", times=1)
    refused = login(sim, "one", "true")
    assert refused.returncode == 255 and "Permission denied (publickey)" in refused.stderr, refused
    assert login(sim, "one", "true").returncode == 0, "the fault struck once"
    strange = client(sim, "ssh", sim.info["hosts"]["one"]["address"], "true")
    strange[strange.index(f"-oUserKnownHostsFile={sim.info['ssh']['known_hosts_file']}")] = "-oUserKnownHostsFile=none"
    said = subprocess.run(strange, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 255 and "Host key verification failed" in said.stderr, said


def test_a_door_that_says_nothing(sim: Simulator) -> None:
    sim.fault("mute", host="one", door="ssh")
    silent = login(sim, "one", "true", patience=1)
    assert silent.returncode == 255 and "timed out" in silent.stderr, silent
    assert login(sim, "two", "true").returncode == 0
    sim.clear("mute")
    assert login(sim, "one", "true").returncode == 0


def test_a_host_that_goes_down_takes_its_logins_along(sim: Simulator, tmp_path: Path) -> None:
    left = tmp_path / "pid"
    os.mkfifo(left)
    command = client(sim, "ssh", sim.info["hosts"]["one"]["address"], f"sleep 600 & echo $! > {left}; wait")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as guest:
        number = int(left.read_text(encoding="ascii"))
        assert Path(f"/proc/{number}").exists()
        sim.state(hosts={"one": {"up": False}})
        assert guest.wait(20) == 255
    assert not alive(number), "it ran on while its host was down"
    gone = login(sim, "one", "true")
    assert gone.returncode == 255 and "Connection refused" in gone.stderr, gone
    sim.state(hosts={"one": {"up": True}})
    assert login(sim, "one", "true").returncode == 0


def alive(number: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_without_sshd_the_cure_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests.simulator import ssh

    monkeypatch.setattr(ssh.shutil, "which", lambda *_words, **_more: None)
    with pytest.raises(FileNotFoundError, match="apt-get install --no-install-recommends openssh-server"):
        ssh.Logins(tmp_path / "ssh")


def test_nothing_listens_where_it_was_not_asked_for() -> None:
    with Simulator.start(LANDSCAPE, speed=600) as simulator:
        assert simulator.info["ssh"] is None
