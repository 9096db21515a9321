# SPDX-License-Identifier: GPL-3.0-or-later
"""How one molecule scenario is run so that green means that it was run.

Molecule is content in three cases in which nothing was tested: it is started outside the collection's root, so
that it reads no settings and matches no host; a step of the sequence has no playbook;
the inventory is empty. Here each is a failure.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.simulator.launch import Simulator

#: What the small hosts need of the machine, as tests/env/debian.py names it.
NEEDS = ("root", "unshare", "ssh", "sshd", "dnf", "zypper", "apt-get", "dpkg-deb", "rpmbuild", "createrepo")
STEPS = ("syntax", "converge", "verify")

#: What molecule says, content, of what it did not test.
NOT_TESTED = ("Missing playbook", "no hosts matched", "Could not match supplied host pattern", "Unable to parse")
#: What it says when it trusts its memory of an earlier run instead of making the hosts.
NOT_MADE = "instances already created"


class Promise(NamedTuple):
    """Hosts that a scenario works on in converge as in verify; what it needs of the machine."""

    hosts: tuple[str, ...]
    needs: tuple[str, ...] = ()


SCENARIOS = {
    "backup_and_recover": Promise(("patchdnf",)),
    "patch_landscape": Promise(("patchapt", "patchdnf", "patchzypp"), NEEDS),
    "quiesce_and_release": Promise(("patchapt",)),
}


class NotProved(Exception):
    """The scenario failed, or did not test what it promises."""


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Keep a second run away from the same hosts."""
    folder = root / ".cache"
    folder.mkdir(exist_ok=True)
    with (folder / "molecule.lock").open("w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def simulated(root: Path) -> Iterator[Path]:
    """Let SAP instances answer on the small hosts' addresses; gives the file with their authority's certificate."""
    state = root / ".cache" / "molecule"
    state.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(state / "state", ignore_errors=True)
    with (
        Simulator.start(root / "extensions" / "molecule" / "landscape.json", speed=60, network="keep") as simulator,
        # the hosts have a /tmp of their own, where the checkout may lie, but see this folder
        tempfile.TemporaryDirectory(dir="/var/tmp") as seen,
    ):
        authority = Path(seen) / "simulator.pem"
        shutil.copy(simulator.info["ca_file"], authority)
        Path(seen).chmod(0o755)
        (state / "simulator.json").write_text(json.dumps(simulator.info), encoding="utf-8")
        (state / "simulator.json").chmod(0o600)
        yield authority


def check(output: str, scenario: str, hosts: tuple[str, ...], steps: tuple[str, ...] = STEPS) -> None:
    """Raise NotProved unless *output* of molecule shows every step of *scenario* done, each on every host."""
    details = output.rpartition("\nDETAILS")[2]
    lost = [step for step in steps if f"{scenario} > {step}: Executed: Successful" not in details]
    if lost:
        raise NotProved(f"{scenario}: these steps were not done: {', '.join(lost)}")
    # the run's own group is made while the playbook runs, so a syntax check cannot know it
    output = output.replace("Could not match supplied host pattern, ignoring: landscape_walk", "")
    for sign in (*NOT_TESTED, NOT_MADE):
        if sign in output:
            raise NotProved(f"{scenario}: molecule says {sign!r}, so something was not tested")
    for host in hosts:
        recaps = re.findall(rf"^{host} +: ok=(\d+).* unreachable=(\d+) +failed=(\d+)", output, re.MULTILINE)
        done = [recap for recap in recaps if int(recap[0]) > 0 and recap[1:] == ("0", "0")]
        if len(recaps) < 2 or done != recaps:
            raise NotProved(f"{scenario}: {host} was not worked on, without a failure, in converge and verify")


def run(root: Path, scenario: str) -> str:
    """Run *scenario* from the collection's root and give molecule's output.

    :raises NotProved: it failed, or it tested less than it should; with the end of the output.
    """
    programs = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_"))}
    environment.update(
        PATH=os.pathsep.join([str(programs), environment.get("PATH", ""), "/usr/sbin", "/sbin"]),
        NO_COLOR="1",
        BASIS_MOLECULE_PYTHON=sys.executable,
    )
    with alone(root), simulated(root) as authority, tempfile.TemporaryDirectory() as memory:
        environment["BASIS_MOLECULE_AUTHORITY"] = str(authority)
        # By itself molecule remembers in the user's home, under no more than the name of the checkout's folder, which
        # hosts are made: a run that was killed, or another checkout, would leave this one without hosts.
        environment["MOLECULE_EPHEMERAL_DIRECTORY"] = memory
        done = subprocess.run(
            [str(programs / "molecule"), "test", "--scenario-name", scenario],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    if done.returncode:
        raise NotProved(f"{scenario}: molecule ended with {done.returncode}\n{output[-12000:]}")
    check(output, scenario, SCENARIOS[scenario].hosts)
    return output
