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
    "hosts": [{"name": "one", "address": "10.9.8.7"}, {"name": "two"}],
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
    return [program, "-F", sim.info["ssh"]["config"], "-oBatchMode=yes", f"-oConnectTimeout={patience}", *words]


def login(sim: Simulator, host: str, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """What ``ssh HOST COMMAND`` gives."""
    command = client(sim, "ssh", host, *words, **more)
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


def test_every_name_of_a_host_leads_to_it(sim: Simulator) -> None:
    told = sim.info["hosts"]["one"]
    for name in ("one", "10.9.8.7", told["address"]):
        assert login(sim, name, "pwd").stdout.strip() == told["home"], name


def test_a_login_without_a_command_is_a_shell(sim: Simulator) -> None:
    command = client(sim, "ssh", "-T", "two")
    said = subprocess.run(command, input="pwd\nboot-id\n", capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout.splitlines()[0] == sim.info["hosts"]["two"]["home"], said


def test_files_come_and_go(sim: Simulator, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("content\n", encoding="ascii")
    for words in ([str(tmp_path / "there"), "one:kept"], ["one:kept", str(tmp_path / "back")]):
        subprocess.run(client(sim, "scp", "-q", *words), check=True, timeout=60)
    assert (tmp_path / "back").read_text(encoding="ascii") == "content\n"
    assert (Path(sim.info["hosts"]["one"]["home"]) / "kept").exists()


def test_nobody_comes_in_without_the_key(sim: Simulator) -> None:
    sim.fault("unauthorized", host="one", door="ssh", times=1)
    refused = login(sim, "one", "true")
    assert refused.returncode == 255 and "Permission denied (publickey)" in refused.stderr, refused
    assert login(sim, "one", "true").returncode == 0, "the fault struck once"
    strange = client(sim, "ssh", "-oUserKnownHostsFile=none", "one", "true")
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
    command = client(sim, "ssh", "one", f"sleep 600 & echo $! > {left}; wait")
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
        ssh.Logins(tmp_path / "ssh", {})


def test_each_simulation_has_keys_of_its_own(tmp_path: Path) -> None:
    from tests.simulator import ssh

    keys = [Path(ssh.Logins(tmp_path / "ssh", {}).info()["key_file"]).read_bytes() for _time in range(2)]
    assert keys[0] != keys[1]
    assert sorted(path.stat().st_mode & 0o777 for path in (tmp_path / "ssh").glob("*key")) == [0o600, 0o600]


def test_nothing_listens_where_it_was_not_asked_for() -> None:
    with Simulator.start(LANDSCAPE, speed=600) as simulator:
        assert simulator.info["ssh"] is None
