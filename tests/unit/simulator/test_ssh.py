# SPDX-License-Identifier: GPL-3.0-or-later
"""The ssh door under OpenSSH's own clients."""

from __future__ import annotations

import os
import pwd
import select
import shlex
import signal
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


@pytest.mark.parametrize("program", ["sleep 600", "setsid sleep 600"])
@pytest.mark.parametrize("client_first", [False, True])
def test_a_host_that_goes_down_takes_along_what_was_started_in_a_login(
    sim: Simulator, program: str, client_first: bool
) -> None:
    command = client(sim, "ssh", "one", f"{program} & echo $!; wait")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as guest:
        assert guest.stdout is not None
        handle = os.pidfd_open(int(guest.stdout.readline()))
        if client_first:
            guest.kill()
        assert not select.select([handle], [], [], 0)[0], "it runs"
        sim.state(hosts={"one": {"up": False}})
        assert guest.wait(20) == (-signal.SIGKILL if client_first else 255)
    assert select.select([handle], [], [], 20)[0], "it ran on while its host was down"
    os.close(handle)
    gone = login(sim, "one", "true")
    assert gone.returncode == 255 and "Connection refused" in gone.stderr, gone
    sim.state(hosts={"one": {"up": True}})
    assert login(sim, "one", "true").returncode == 0


def test_a_connection_that_is_kept_open_is_nobody_elses(sim: Simulator, tmp_path: Path) -> None:
    """Where Ansible puts the sockets is a matter of host, port, user; here two hosts have all three in common."""
    with Simulator.start(LANDSCAPE, speed=600, ssh=True) as other:
        for simulator in (sim, other):
            keep = ["-oControlMaster=auto", "-oControlPersist=60", f"-oControlPath={tmp_path / 'same'}"]
            command = ["ssh", *shlex.split(simulator.info["ssh"]["arguments"]), *keep]
            said = subprocess.run(
                [*command, "one", "pwd"],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=60,
                check=True,
            )
            assert said.stdout.strip() == simulator.info["hosts"]["one"]["home"]
            subprocess.run([*command, "-q", "-O", "check", "one"], check=True, timeout=60)


def test_without_sshd_the_cure_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests.simulator import ssh

    monkeypatch.setattr(ssh.shutil, "which", lambda *_words, **_more: None)
    with pytest.raises(FileNotFoundError, match="apt-get install --no-install-recommends openssh-server"):
        ssh.Logins(tmp_path / "ssh", {})


def test_a_folder_that_openssh_would_read_as_another_is_refused(tmp_path: Path) -> None:
    from tests.simulator import ssh

    with pytest.raises(ValueError, match="100%: OpenSSH reads a percent"):
        ssh.Logins(tmp_path / "100%", {})


def test_a_folder_given_from_here_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.simulator import ssh

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "somebody-else")
    told = ssh.Logins(Path("with a space"), {"127.0.0.9": ["one"]})
    command = told.command("127.0.0.9:7", "boot", "home", denied=False)
    subprocess.run([command[0], "-t", *command[2:]], cwd="/", check=True, timeout=60)
    assert told.info()["user"] == pwd.getpwuid(os.geteuid()).pw_name


def test_each_simulation_has_keys_of_its_own(tmp_path: Path) -> None:
    from tests.simulator import ssh

    keys = [Path(ssh.Logins(tmp_path / "ssh", {}).info()["key_file"]).read_bytes() for _time in range(2)]
    assert keys[0] != keys[1]
    assert sorted(path.stat().st_mode & 0o777 for path in (tmp_path / "ssh").glob("*key")) == [0o600, 0o600]


def test_nothing_listens_where_it_was_not_asked_for() -> None:
    with Simulator.start(LANDSCAPE, speed=600) as simulator:
        assert simulator.info["ssh"] is None
