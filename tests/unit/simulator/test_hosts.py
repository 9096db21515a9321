# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts door through the small commands that a play would run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.simulator.launch import ROOT, Simulator

COMMANDS = ROOT / "tests" / "simulator" / "commands"
QUERY = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH}\\n"


class Shell:
    """Runs commands on one simulated host."""

    def __init__(self, sim: Simulator, host: str) -> None:
        self._environment = {
            "PATH": f"{COMMANDS}:{os.environ['PATH']}",
            "BASIS_SIMULATED_HOST": sim.info["hosts"][host]["door"],
        }

    def __call__(self, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            [str(COMMANDS / command[0]), *command[1:]],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def run(sim: Simulator) -> Shell:
    """A shell on prdapp2, all of whose packages are old."""
    old = {
        name: {"installed": rows["available"] + ".old"}
        for name, rows in sim.state()["hosts"]["prdapp2"]["packages"].items()
        if name != "vim-minimal"
    }
    sim.state(hosts={"prdapp2": {"packages": old}})
    return Shell(sim, "prdapp2")


def test_packages_as_rpm_lists_them(run: Shell) -> None:
    code, text = run("rpm", "-qa", "--qf", QUERY)
    rows = [line.split() for line in text.splitlines()]
    assert code == 0 and len(rows) == 12
    assert ["openssl-libs", "1:3.0.7-27.el9.old", "x86_64"] in rows
    assert run("rpm", "-q", "kernel") == (0, "kernel-5.14.0-427.18.1.el9_4.old.x86_64\n")
    assert run("rpm", "-q", "nothing") == (1, "package nothing is not installed\n")


@pytest.mark.parametrize("macro", ["%{_rpmlock_path}", "%{?_rpmlock_path}%{!?_rpmlock_path:%{_dbpath}/.rpm.lock}"])
def test_rpm_says_where_its_lock_is(run: Shell, macro: str) -> None:
    code, text = run("rpm", "--eval", macro)
    path = Path(text.rstrip("\n"))
    assert code == 0 and path.is_absolute() and path.name == ".rpm.lock" and path.parent.name == "prdapp2"
    assert run("dnf", "-y", "upgrade")[0] == 0
    assert path.exists(), "the transaction held it"


def test_check_update_ends_with_100_while_there_are_some(sim: Simulator, run: Shell) -> None:
    code, text = run("dnf", "-q", "check-update")
    assert code == 100 and len(text.split()) == 3 * 11
    assert run("dnf", "-q", "check-update", "--security")[1].count("baseos") == 5
    assert run("dnf", "-q", "updateinfo", "list", "--security")[1].count("RHSA-") == 5
    assert run("dnf", "-y", "upgrade")[0] == 0
    assert run("dnf", "-q", "check-update") == (0, "")
    assert run("dnf", "-y", "upgrade")[1].splitlines()[-2] == "Nothing to do."


def test_an_upgrade_leaves_out_what_it_is_told(sim: Simulator, run: Shell) -> None:
    sim.state(hosts={"prdapp2": {"locked": ["sudo"]}})
    code, text = run("dnf", "-y", "upgrade", "--security", "--exclude=kernel*,glibc")
    assert code == 0 and text.endswith("Complete!\n")
    entry = sim.journal(effect="patched", host="prdapp2")[-1]
    assert [words.split()[0] for words in entry["packages"]] == ["curl", "openssl-libs"]
    assert entry["running"] == ["PRD/prdapp2/D02"], "patched under a running instance: that is in the journal"


def test_a_command_that_is_slow_is_done_in_the_end(sim: Simulator, run: Shell) -> None:
    sim.fault("slow", host="prdapp2", operation="dnf", times=1, seconds=0.1)
    begin = len(sim.journal())
    assert run("dnf", "-y", "upgrade", "bash")[0] == run("dnf", "-y", "upgrade", "bash")[0] == 0
    told = [row.get("fault") for row in sim.journal(after=begin, call="dnf")]
    assert told == ["slow", None] and sim.journal(after=begin, effect="patched", host="prdapp2")


def test_assumeno_shows_the_plan(run: Shell) -> None:
    code, text = run("dnf", "--assumeno", "upgrade", "bash")
    assert code == 1 and "Operation aborted." in text and " bash  x86_64  5.1.8-9.el9  baseos" in text


def test_a_reboot_is_needed_after_a_kernel(sim: Simulator, run: Shell) -> None:
    assert run("needs-restarting", "-r")[0] == 0
    run("dnf", "-y", "upgrade", "bash")
    assert run("dnf", "needs-restarting", "-r")[0] == 0
    run("dnf", "-y", "upgrade", "kernel")
    code, text = run("dnf", "needs-restarting", "-r")
    assert code == 1 and "Reboot is required" in text


def test_a_reboot_changes_the_boot_id_file(sim: Simulator, run: Shell) -> None:
    file = Path(sim.info["hosts"]["prdapp2"]["boot_id_file"])
    before, begin = file.read_text(), len(sim.journal())
    assert run("boot-id") == (0, before)
    assert run("shutdown", "-r", "now") == (0, "")
    sim.wait(after=begin, effect="host_down", host="prdapp2")
    code, text = run("boot-id")
    assert code == 255 and "does not answer" in text
    sim.wait(after=begin, effect="host_up", host="prdapp2")
    assert file.read_text() != before
    assert run("boot-id") == (0, file.read_text())


@pytest.mark.parametrize(
    ("fault", "words", "left"), [("disk_full", "more space needed", 11), ("patch_fails", "Transaction failed", 6)]
)
def test_an_upgrade_that_fails(sim: Simulator, run: Shell, fault: str, words: str, left: int) -> None:
    sim.fault(fault, host="prdapp2", times=1)
    code, text = run("dnf", "-y", "upgrade")
    assert code == 1 and words in text
    assert run("dnf", "-q", "check-update")[1].count("baseos") == left


def test_a_power_cut_during_the_upgrade(sim: Simulator, run: Shell) -> None:
    sim.clock(speed=5)
    begin = len(sim.journal())
    try:
        work = subprocess.Popen(
            [str(COMMANDS / "dnf"), "-y", "upgrade"],
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "BASIS_SIMULATED_HOST": sim.info["hosts"]["prdapp2"]["door"]},
        )
        sim.wait(after=begin, effect="patching", host="prdapp2")
        sim.state(hosts={"prdapp2": {"up": False}})
        _out, err = work.communicate(timeout=20)
    finally:
        sim.clock(speed=200)
    assert work.returncode == 255 and "was lost" in err
    assert not sim.journal(begin, effect="patched")


def test_the_cure_for_a_service_that_is_down(sim: Simulator, run: Shell) -> None:
    sim.state(instances={"PRD/prdapp2/D02": {"service_up": False}})
    assert run("sapcontrol", "-nr", "02", "-function", "StartService", "PRD")[0] == 0
    assert sim.state()["instances"]["PRD/prdapp2/D02"]["service_up"]


def test_what_is_not_simulated_says_so(run: Shell) -> None:
    assert run("zypper", "up") == (127, "zypper: not on this simulated host\n")
    assert run("dnf", "dance")[0] == 1
    assert run("systemctl", "restart", "sshd")[0] == 1


def test_a_command_without_a_host_refuses() -> None:
    done = subprocess.run(
        [str(COMMANDS / "shutdown"), "-r", "now"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 127 and "BASIS_SIMULATED_HOST is not set" in done.stderr
