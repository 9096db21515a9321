# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated connection under a real ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.env.host_python import HostPython
from tests.simulator.connection import simulated
from tests.simulator.launch import Simulator

VARIABLES = {
    "ansible_connection": "simulated",
    "ansible_become": False,
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
}


class Play:
    """Runs tasks on simulated hosts; the results by task name, the recap by host."""

    def __init__(self, sim: Simulator, folder: Path) -> None:
        self._sim = sim
        self._folder = folder

    def __call__(
        self,
        tasks: list[dict[str, Any]],
        hosts: str = "prdapp1",
        environment: dict[str, str] | None = None,
        **variables: Any,
    ) -> dict[str, Any]:
        inventory = {
            "all": {"hosts": {name: {} for name in self._sim.info["hosts"]}, "vars": {**VARIABLES, **variables}}
        }
        (self._folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        play = [{"hosts": hosts, "gather_facts": False, "tasks": tasks}]
        (self._folder / "play.yml").write_text(yaml.safe_dump(play))
        environment = {
            **os.environ,
            **self._sim.environment,
            **(environment or {}),
            "ANSIBLE_HOME": str(self._folder / "home"),
            "ANSIBLE_STDOUT_CALLBACK": "default",
            "ANSIBLE_NOCOLOR": "1",
        }
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.yml", "play.yml"],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        recap = {}
        for line in done.stdout.partition("PLAY RECAP")[2].splitlines()[1:]:
            host, _colon, counts = line.partition(":")
            if counts:
                recap[host.strip()] = {k: int(v) for k, _equals, v in (word.partition("=") for word in counts.split())}
        assert recap, done.stdout + done.stderr
        return {"recap": recap, "text": done.stdout}


@pytest.fixture
def play(sim: Simulator, tmp_path: Path) -> Play:
    """A way to run plays."""
    return Play(sim, tmp_path)


def written(folder: Path, name: str) -> Any:
    """What a play wrote on the controller."""
    return json.loads((folder / name).read_text())


def keep(expression: str, path: Path) -> dict[str, Any]:
    """A task that writes an expression's value to a file of the controller."""
    return {
        "delegate_to": "localhost",
        "connection": "local",
        "vars": {"ansible_connection": "local"},
        "ansible.builtin.copy": {"dest": str(path), "content": "{{ (" + expression + ") | to_json }}"},
    }


def test_commands_see_the_simulated_host(sim: Simulator, play: Play, tmp_path: Path) -> None:
    outcome = play(
        [
            {"ansible.builtin.command": "rpm -q kernel", "register": "kernel", "changed_when": False},
            {
                "ansible.builtin.command": "cat /proc/sys/kernel/random/boot_id",
                "register": "raw",
                "changed_when": False,
            },
            {"ansible.builtin.raw": "cat /proc/sys/kernel/random/boot_id", "register": "boot", "changed_when": False},
            {"ansible.builtin.raw": "echo $HOME", "register": "home", "changed_when": False},
            keep("[kernel.stdout, boot.stdout.strip(), home.stdout.strip()]", tmp_path / "out"),
        ]
    )
    assert outcome["recap"]["prdapp1"]["failed"] == 0
    host = sim.info["hosts"]["prdapp1"]
    assert written(tmp_path, "out") == [
        "kernel-5.14.0-362.8.1.el9_3.x86_64",
        Path(host["boot_id_file"]).read_text().strip(),
        host["home"],
    ]


def test_modules_may_run_in_a_python_that_stands_ready(sim: Simulator, play: Play, tmp_path: Path) -> None:
    with HostPython.start() as python:
        outcome = play(
            [
                {
                    "ansible.builtin.command": {"argv": ["printenv", "COLOUR", "BASIS_SIMULATED_HOST", "HOME"]},
                    "environment": {"COLOUR": "sky blue"},
                    "register": "shown",
                    "changed_when": False,
                },
                {"ansible.builtin.command": "rpm -q kernel", "register": "kernel", "changed_when": False},
                {"ansible.builtin.command": "false", "register": "failed", "ignore_errors": True},
                keep("[shown.stdout_lines, kernel.stdout, failed.rc]", tmp_path / "out"),
            ],
            environment=python.environment,
            ansible_pipelining=True,
        )
    assert outcome["recap"]["prdapp1"]["failed"] == 0
    host = sim.info["hosts"]["prdapp1"]
    assert written(tmp_path, "out") == [
        ["sky blue", host["door"], host["home"]],
        "kernel-5.14.0-362.8.1.el9_3.x86_64",
        1,
    ]
    # It has ended, so nothing else was at work.
    outcome = play([{"ansible.builtin.command": "true"}], environment=python.environment, ansible_pipelining=True)
    assert outcome["recap"]["prdapp1"]["failed"] == 1


@pytest.mark.parametrize(
    "command, settings",
    [
        ("/bin/sh -c '/opt/python3.11 && sleep 0'", {}),
        ("/bin/sh -c '/usr/bin/python'", {}),
        ("/bin/sh -c 'LANG=C WHAT='\"'\"'a b'\"'\"' /usr/bin/python3 && sleep 0'", {"LANG": "C", "WHAT": "a b"}),
        ("/bin/sh -c 'echo ~ && sleep 0'", None),
        ("/bin/sh -c '/usr/bin/python3 /tmp/program && sleep 0'", None),
        ("cat /etc/os-release", None),
    ],
)
def test_what_is_a_python_that_reads_its_program(command: str, settings: dict[str, str] | None) -> None:
    assert simulated.python_environment(command) == settings


def test_files_go_to_the_host_and_back(play: Play, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    outcome = play(
        [
            {"ansible.builtin.copy": {"src": str(tmp_path / "a"), "dest": "~/b"}},
            {"ansible.builtin.fetch": {"src": "~/b", "dest": str(tmp_path / "c"), "flat": True}},
        ]
    )
    assert outcome["recap"]["prdapp1"]["failed"] == 0 and (tmp_path / "c").read_text() == "one"


def test_a_host_that_is_down_is_unreachable(sim: Simulator, play: Play) -> None:
    sim.state(hosts={"prdapp1": {"up": False}})
    recap = play([{"ansible.builtin.ping": None}], "prdapp1,prdapp2")["recap"]
    assert (recap["prdapp1"]["unreachable"], recap["prdapp2"]["unreachable"]) == (1, 0)


def test_a_host_that_is_lost_while_a_module_runs_is_unreachable(sim: Simulator, play: Play) -> None:
    sim.fault("host_unreachable", host="prdapp1", on={"call": "dnf", "host": "prdapp1"})
    recap = play([{"ansible.builtin.command": "dnf -y upgrade", "changed_when": True}])["recap"]
    assert (recap["prdapp1"]["unreachable"], recap["prdapp1"]["failed"]) == (1, 0)


@pytest.mark.parametrize("command", ["/sbin/shutdown -r now", "systemctl reboot"])
def test_a_power_command_never_reaches_this_machine(sim: Simulator, play: Play, command: str) -> None:
    begin = len(sim.journal())
    outcome = play([{"ansible.builtin.raw": command, "changed_when": True}])
    assert outcome["recap"]["prdapp1"]["failed"] == 0
    assert sim.wait(after=begin, effect="rebooted", host="prdapp1")


def test_the_reboot_module_works(sim: Simulator, play: Play) -> None:
    begin = len(sim.journal())
    outcome = play(
        [{"ansible.builtin.reboot": {"reboot_timeout": 60, "connect_timeout": 10}, "become": True}],
        ansible_simulated_timeout=10,
    )
    assert outcome["recap"]["prdapp1"]["changed"] == 1
    assert len(sim.journal(begin, effect="rebooted")) == 1
    assert len(sim.journal(begin, call="shutdown")) == 1


def test_privilege_escalation_is_refused(play: Play) -> None:
    outcome = play([{"ansible.builtin.raw": "id", "become": True, "changed_when": False}], ansible_become=True)
    assert outcome["recap"]["prdapp1"]["ok"] == 0 and "set ansible_become=false" in outcome["text"]


def test_a_host_that_the_simulator_does_not_have(sim: Simulator, play: Play) -> None:
    tasks = [
        {"ansible.builtin.add_host": {"name": "stranger", "ansible_connection": "simulated"}},
        {"ansible.builtin.ping": None, "delegate_to": "stranger"},
    ]
    assert "The simulator has no host stranger" in play(tasks)["text"]


def test_a_delegated_task_runs_on_the_other_host(sim: Simulator, play: Play) -> None:
    begin = len(sim.journal())
    play([{"ansible.builtin.command": "rpm -q kernel", "delegate_to": "prdapp2", "changed_when": False}])
    assert [row["host"] for row in sim.journal(begin, call="rpm")] == ["prdapp2"]


def test_the_address_that_the_landscape_gives_will_do(sim: Simulator, play: Play) -> None:
    begin = len(sim.journal())
    play([{"ansible.builtin.command": "rpm -q kernel", "changed_when": False}], ansible_host="127.20.9.4")
    assert [row["host"] for row in sim.journal(begin, call="rpm")] == ["prdapp2"]
