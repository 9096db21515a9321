# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop, then start, of a whole landscape: community.sap_libs' sap_control_exec with until loops against ours.

The peer's plays are what its documentation leads to: one play per tier in the right order, the linear strategy, a call,
then GetProcessList until the colour is right. Its collection comes from the PyPI package ``ansible``, suds from PyPI,
both into ``.cache/peer``.
"""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import typing as t
import zipfile

from tests.bench.calls import Cost, Site
from tests.simulator.generate import generate
from tests.simulator.launch import Simulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "peer"
PACKAGE, SUDS = "ansible==12.3.0", "suds-community==1.2.0"
FOLDER = "ansible_collections/community/sap_libs/"
SYSTEMS, HOSTS = 12, 40
SOFT, DELAY, PATIENCE = 60, 1, 240
LEVELS = (
    ("web", ["webdisp"]),
    ("app", ["dialog", "java"]),
    ("central", ["ascs", "scs"]),
    ("replicator", ["ers"]),
    ("db", ["hana"]),
)
COULD_NOT = (
    "https: user and password of every call cross the network in clear, the door with the certificate stays unused",
    "wait: every look at a process list is a module call of its own",
    "gates: each tier waits for the slowest host of the tier before, whatever system that belongs to",
    "know success: it means that the call came back; Start of an instance that runs fails",
    "look at clusters, record the run, compare the health after with that before: part of our time",
    "check mode",
)


def prepare() -> pathlib.Path:
    """Return the folder with the peer's collection, with suds, after getting them once.

    Raises RuntimeError when pip cannot.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = CACHE / f"{PACKAGE} {SUDS}"
        if not done.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as name:
                folder = pathlib.Path(name)
                pip("download", "--no-deps", "--dest", str(folder / "wheels"), PACKAGE)
                pip("install", "--no-deps", "--target", str(folder / "all" / "suds"), SUDS)
                for wheel in (folder / "wheels").glob("*.whl"):
                    with zipfile.ZipFile(wheel) as archive:
                        wanted = [member for member in archive.namelist() if member.startswith(FOLDER)]
                        archive.extractall(folder / "all", wanted)
                if not (folder / "all" / FOLDER / "MANIFEST.json").is_file():
                    raise RuntimeError(f"{PACKAGE} does not hold {FOLDER}")
                shutil.move(folder / "all", done)
    return done


def pip(*words: str) -> None:
    """Run pip. Raises RuntimeError when it fails."""
    command = [sys.executable, "-m", "pip", *words, "--quiet", "--disable-pip-version-check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"pip {' '.join(words)}: {answer.stderr.strip()}")


def plays(up: bool, suds: pathlib.Path) -> list[dict[str, t.Any]]:
    """The peer's playbook for a stop or a start of everything."""
    book = []
    for level, kinds in reversed(LEVELS) if up else LEVELS:
        which = {
            "loop": f"{{{{ landscape_host.instances | selectattr('kind', 'in', {kinds}) }}}}",
            "loop_control": {"label": "{{ item.id }}"},
        }
        where = {
            "hostname": "{{ simulator.hosts[inventory_hostname].address }}",
            "port": "5{{ item.number }}13",
            "username": "{{ simulator.user }}",
            "password": "{{ simulator.password }}",
        }
        act = {"function": "Start"} if up else {"function": "Stop", "force": True, "parameter": str(SOFT)}
        colour = "SAPControl-GREEN" if up else "SAPControl-GRAY"
        seen = f"peer_seen.out[0].item | default([]) | map(attribute='dispstatus') | unique == ['{colour}']"
        book.append(
            {
                "name": f"{act['function']} {level}",
                "hosts": f"level_{level}",
                "gather_facts": False,
                "environment": {"PYTHONPATH": str(suds)},
                "tasks": [
                    {"name": act["function"], "community.sap_libs.sap_control_exec": {**where, **act}, **which},
                    {
                        "name": "Wait",
                        "community.sap_libs.sap_control_exec": {**where, "function": "GetProcessList"},
                        "register": "peer_seen",
                        "until": seen,
                        "retries": PATIENCE // DELAY,
                        "delay": DELAY,
                        **which,
                    },
                ],
            }
        )
    return book


class Sides:
    """The peer with its playbooks, ours with its options, on one landscape."""

    def __init__(self, site: Site, forks: int, folder: pathlib.Path) -> None:
        self.site, self.forks = site, ["--forks", str(forks)]
        (site.folder / "tmp").mkdir()
        (site.folder / "peer.cfg").write_text("[defaults]\n", encoding="utf-8")
        self.theirs = {
            "ANSIBLE_CONFIG": str(site.folder / "peer.cfg"),
            # Ours has the inventory plugin.
            "ANSIBLE_COLLECTIONS_PATH": f"{folder}:{site.environment['ANSIBLE_COLLECTIONS_PATH']}",
            "TMPDIR": str(site.folder / "tmp"),  # suds keeps the WSDL there
        }
        # urllib, with which suds works, would ask them for hosts of the loopback network, too.
        self.theirs |= {key: "" for key in os.environ if key.lower().endswith("_proxy")}
        for verb in ("stop", "start"):
            book = plays(verb == "start", folder / "suds")
            (site.folder / f"peer_{verb}.json").write_text(json.dumps(book), encoding="utf-8")
        patience = dict.fromkeys(("web", "app", "db"), PATIENCE)
        options = {
            "landscape_yes": True,
            "sap_stop_soft_timeout": SOFT,
            "sap_stop_timeouts": patience,
            "sap_stop_delay": DELAY,
            "sap_start_timeouts": patience,
            "sap_start_delay": DELAY,
        }
        self.options = ["-e", json.dumps(options)]

    def peer(self, verb: str) -> Cost:
        """Stop or start everything the peer's way."""
        return self.site.play(*self.forks, str(self.site.folder / f"peer_{verb}.json"), **self.theirs)

    def ours(self, verb: str) -> Cost:
        """Stop or start everything our way."""
        return self.site.play(*self.forks, *self.options, f"basis.landscape.{verb}_landscape")


def check(simulator: Simulator, verb: str) -> None:
    """See in the simulator that it happened. Raises RuntimeError when not."""
    wanted = "running" if verb == "start" else "stopped"
    phases = {name: row["phase"] for name, row in simulator.state()["instances"].items()}
    wrong = [f"{name}: {phase}" for name, phase in phases.items() if phase != wanted]
    if wrong:
        raise RuntimeError(f"not {wanted}: {', '.join(wrong)}")


def amiss(simulator: Simulator, after: int) -> dict[str, int]:
    """What the journal has against it: hard stops, lost dependencies, starts that had to wait for a dependency."""
    signs = ("sessions_lost", "lost_dependency", "waiting_for_dependency", "killed")
    effects = [row.get("effect") for row in simulator.journal(after)]
    return {sign: effects.count(sign) for sign in signs if sign in effects}


def calls(simulator: Simulator, after: int) -> int:
    """How many SOAP calls came to the doors."""
    rows = [row for row in simulator.journal(after) if row.get("call") and not row.get("effect")]
    return sum(1 for row in rows if str(row.get("door")).startswith("sapcontrol"))


def main() -> None:
    """Print times, with the ratios."""
    speed = float(os.environ.get("BASIS_BENCH_SPEED", "20"))
    hosts = int(os.environ.get("BASIS_BENCH_PEER_HOSTS", str(HOSTS)))
    systems = min(SYSTEMS, max(4, hosts // 3))
    peer = prepare()
    export = generate(systems, hosts)
    export["redundancy_groups"] = []  # to stop everything is to stop both of a pair
    some = "landscape_host.instances | selectattr('kind', 'in', {}) | list | length > 0"
    groups = {f"level_{level}": some.format(kinds) for level, kinds in LEVELS}
    totals: dict[str, list[Cost]] = {"peer": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder, Simulator.start(export, speed=speed) as simulator:
        sides = Sides(Site(pathlib.Path(folder), simulator, {"groups": groups}), hosts + 2, peer)
        print(
            f"peer: {systems} systems, {len(export['instances'])} instances on {hosts} hosts, {hosts + 2} forks, "
            f"{speed:g} times as fast as life"
        )
        for side, play in (("peer", sides.peer), ("ours", sides.ours)):
            for verb in ("stop", "start"):
                rows = simulator.journal()
                after = rows[-1]["n"] if rows else 0
                cost = play(verb)
                check(simulator, verb)
                totals[side].append(cost)
                signs = ", ".join(f"{count} {sign}" for sign, count in amiss(simulator, after).items())
                print(
                    f"peer: {side}, {verb}: {cost.wall:.1f} s, cpu {cost.cpu:.1f} s, "
                    f"{calls(simulator, after)} SOAP calls, against the order: {signs or 'nothing'}",
                    flush=True,
                )
    for n, verb in enumerate(("stop", "start")):
        theirs, ours = totals["peer"][n], totals["ours"][n]
        wall, cpu = theirs.wall / ours.wall, theirs.cpu / ours.cpu
        print(f"peer: {verb}: the peer takes {wall:.2f} times our time, {cpu:.2f} times our cpu")
    wall, cpu = (sum(c[i] for c in totals["peer"]) / sum(c[i] for c in totals["ours"]) for i in (0, 1))
    print(f"peer: both: {wall:.2f} times our time, {cpu:.2f} times our cpu")
    print("peer: its SOAP client (suds, from the simulator's WSDL) did all of it; what it could not do:")
    for words in COULD_NOT:
        print(f"peer:   - {words}")


if __name__ == "__main__":
    main()
