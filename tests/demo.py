# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: forty simulated SAP hosts are patched before your eyes."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

from tests.env import collection
from tests.env.host_python import HostPython
from tests.simulator.launch import Simulator

ROOT = pathlib.Path(__file__).resolve().parents[1]
INVENTORY = ROOT / "inventories" / "demo"
SPEED = 60.0  # simulated seconds in a real one
RUN = "demo"
# The demonstration's clock is sixty times as fast, and so are its patience and its looks.
OPTIONS = {
    "landscape_yes": True,
    "run_name": RUN,
    "os_reboot_command": "/sbin/shutdown -r +0",
    "sap_stop_soft_timeout": 5,
    "sap_stop_timeouts": {"web": 20, "app": 20, "db": 40},
    "sap_stop_delay": 0.5,
    "sap_stop_failure_grace": 3,
    "sap_start_timeouts": {"web": 60, "app": 60, "db": 60},
    "sap_start_delay": 0.5,
    "sap_start_failure_grace": 3,
}


# What the simulator notes when the order is wrong. That sessions are lost is none of it: the soft timeout above is one
# of the demonstration's clock as well, and most users take longer.
AGAINST_THE_ORDER = ("lost_dependency", "waiting_for_dependency", "locks_lost", "killed")


class NotAsExpected(Exception):
    """The demonstration did not come out as it should; the text says where."""


def main() -> int:
    """Run it; 0 when the outcome is the expected one."""
    state = ROOT / ".landscape" / "demo"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    faults = json.loads((INVENTORY / "faults.json").read_text(encoding="utf-8"))
    with (
        HostPython.start() as python,
        Simulator.start(
            INVENTORY / "landscape.json", speed=SPEED, faults=faults, journal=state / "journal.jsonl"
        ) as simulator,
    ):
        environment = {
            **os.environ,
            **simulator.environment,
            **python.environment,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.link(ROOT)),
            "ANSIBLE_HOME": str(state / "ansible"),
            "BASIS_LANDSCAPE_STATE": str(state),
        }
        hosts = len(simulator.info["hosts"])
        command = [
            str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(INVENTORY / "cmdb.yml"),
            "--forks",
            str(hosts + 1),
        ]
        command += [
            "-e",
            json.dumps({**OPTIONS, "ansible_python_interpreter": sys.executable}),
            "basis.landscape.patch_landscape",
            *sys.argv[1:],
        ]
        code = subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode
        return told(state / "reports", simulator.journal(), faults[0]["instance"], code)


def told(reports: pathlib.Path, journal: list[dict[str, t.Any]], culprit: str, code: int) -> int:
    """Print how it came out, then where the page is; 0 when the outcome is the expected one."""
    page = reports / f"{RUN}.html"
    try:
        report = json.loads((reports / f"{RUN}.json").read_text(encoding="utf-8"))
        outcome = verdict(report, journal, culprit, code)
        if not page.is_file():
            raise NotAsExpected(f"there is no page {page}")
    except (NotAsExpected, OSError) as error:
        print(f"demo: not as expected: {error}", file=sys.stderr)
        return 1
    print(outcome)
    print(f"report: {page}")
    return 0


def verdict(report: dict[str, t.Any], journal: list[dict[str, t.Any]], culprit: str, code: int) -> str:
    """Return the last line. Raises NotAsExpected when report, journal, exit code do not tell the staged story."""
    culprit_host = culprit.split("/")[1]
    # What ABAP systems do by themselves, such as a job that is due, is about no host.
    journal = [row for row in journal if row.get("effect") and "host" in row]
    effects = [(row["effect"], row["host"]) for row in journal]
    patched = [host for effect, host in effects if effect == "patched"]
    rebooted = [host for effect, host in effects if effect == "rebooted"]
    done = {host for host, what in report["hosts"].items() if what["state"] == "done"}
    failed = {host for host, what in report["hosts"].items() if what["state"] == "failed"}
    blocked = {host for host, what in report["hosts"].items() if what["state"] == "blocked"}
    needed = {
        name
        for name, what in report["hosts"].items()
        if what["state"] == "blocked" and str(what["step"]).endswith("/stop")
    }
    wrong = sorted({f"{effect} on {host}" for effect, host in effects if effect in AGAINST_THE_ORDER})
    group = next(set(group["hosts"]) for group in report["groups"] if culprit_host in group["hosts"])
    for claim, holds in (
        ("ansible-playbook reports the failure", code == 2),
        (
            f"exactly {culprit_host} failed, under the name of its CI",
            failed == {culprit_host} and report["hosts"][culprit_host]["step"] == f"{culprit}/stop",
        ),
        (f"only hosts of {culprit_host}'s group are blocked by it", bool(blocked) and blocked < group),
        ("everybody else is through", done == set(report["hosts"]) - failed - blocked),
        ("those who are through were patched, each once", done <= set(patched) and len(patched) == len(set(patched))),
        ("nobody was rebooted twice", len(rebooted) == len(set(rebooted))),
        (
            "what the failed instance needs was not touched",
            not [row for row in journal if row["host"] in needed],
        ),
        (f"nothing happened against the order: {', '.join(wrong)}", not wrong),
    ):
        if not holds:
            raise NotAsExpected(claim)
    makespan, bound = report["makespan"], report["lower_bound_measured"]
    return (
        f"demo: {len(set(patched))} hosts patched, {len(failed)} failed as planned, makespan {makespan:.1f} s, "
        f"lower bound {bound:.1f} s, ratio {makespan / bound:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
