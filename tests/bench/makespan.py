# SPDX-License-Identifier: GPL-3.0-or-later
"""How close a run of 200 hosts comes to the plan's lower bound, against the same work batch by batch."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "bench" / "ansible"
SYSTEMS, HOSTS = 40, 5
# Seconds at full scale, by step and tier; a straggler takes three times as long.
SECONDS = {
    "stop": {"web": 60, "app": 180, "db": 240},
    "patch": {"web": 600, "app": 600, "db": 600},
    "reboot": {"web": 240, "app": 300, "db": 480},
    "start": {"web": 60, "app": 240, "db": 420},
    "verify": {"web": 30, "app": 60, "db": 60},
}
STRAGGLERS = 0.05
QUARTER = 4
# What batches.yml waits for, in its order; of a stop and a start one tier at a time.
BARRIERS = (
    *(("stop", tier) for tier in ("web", "app", "db")),
    ("patch", None),
    ("reboot", None),
    *(("start", tier) for tier in ("db", "app", "web")),
    ("verify", None),
)


def inventory(scale: float, seed: int = 7) -> tuple[dict[str, t.Any], dict[str, float]]:
    """Return an Ansible inventory of 40 systems with 5 hosts each, and the seconds of each step by its label."""
    dice = random.Random(seed)
    hosts: dict[str, t.Any] = {}
    systems: dict[str, t.Any] = {}
    seconds: dict[str, float] = {}
    for n in range(SYSTEMS):
        sid = f"S{n:02d}"
        systems[sid] = {
            "sid": sid,
            "type": "abap",
            "maintenance": "full_stop",
            "depends_on": [],
            "windows": [],
            "blackouts": [],
            "jobs": True,
        }
        tiers = ["db", "app", "app", "app", "web"]
        for m, tier in enumerate(tiers):
            name, kind = f"{sid.lower()}{tier}{m}", {"db": "hana", "app": "dialog", "web": "webdisp"}[tier]
            instance = {"db": "HDB00", "app": "D01", "web": "W02"}[tier]
            ident = f"{sid}/{name}/{instance}"
            priority = {"db": 0.3, "app": 3.0, "web": 4.0}[tier]
            hosts[name] = {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
                "landscape_host": {
                    "address": None,
                    "environment": "production",
                    "instances": [
                        {
                            "id": ident, "system": sid, "sid": sid, "host": name, "name": instance,
                            "number": instance[-2:], "kind": kind,
                            "tier": tier, "start_priority": priority, "depends_on": [], "cluster_owned": False,
                        }
                    ],
                },
            }  # fmt: skip
            straggles = 3.0 if dice.random() < STRAGGLERS else 1.0
            labels = {"stop": f"{ident}/stop", "start": f"{ident}/start"}
            labels |= {step: f"{sid}/{name}/-/{step}" for step in ("patch", "reboot", "verify")}
            hosts[name]["labels"] = labels
            for step, label in labels.items():
                spread = dice.uniform(0.7, 1.3) * (straggles if step in ("patch", "reboot") else 1.0)
                seconds[label] = SECONDS[step][tier] * spread * scale
    landscape = {"landscape_systems": systems, "landscape_redundancy_groups": {}, "landscape_calendars": {}}
    return {"all": {"hosts": hosts, "vars": landscape}}, seconds


class Workshop:
    """A folder with inventory, table of durations and state, in which playbooks are run."""

    def __init__(self, folder: pathlib.Path, scale: float) -> None:
        self.folder, self.scale = folder, scale
        layout, self.seconds = inventory(scale)
        (folder / "inventory.json").write_text(json.dumps(layout), encoding="utf-8")
        (folder / "seconds.json").write_text(json.dumps(self.seconds), encoding="utf-8")
        self.hosts = list(layout["all"]["hosts"])
        self.environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
            "ANSIBLE_ACTION_PLUGINS": str(HERE / "action"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "BASIS_LANDSCAPE_STATE": str(folder / "state"),
            "BASIS_BENCH_SECONDS": str(folder / "seconds.json"),
            "BASIS_BENCH_JOURNAL": str(folder / "journal"),
        }

    def play(self, *arguments: str) -> tuple[float, float]:
        """Run ansible-playbook; return wall and CPU seconds of all its processes. Raises RuntimeError when it fails."""
        (self.folder / "journal").unlink(missing_ok=True)
        before, began = os.times(), time.monotonic()
        with open(self.folder / "output", "w", encoding="utf-8") as output:
            command = [
                str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
                "-i",
                str(self.folder / "inventory.json"),
                *arguments,
            ]
            code = subprocess.run(
                command, env=self.environment, stdout=output, stderr=subprocess.STDOUT, check=False
            ).returncode
        if code:
            raise RuntimeError(
                f"ansible-playbook ended with {code}:\n" + (self.folder / "output").read_text(encoding="utf-8")[-4000:]
            )
        after = os.times()
        cpu = (after.children_user + after.children_system) - (before.children_user + before.children_system)
        return time.monotonic() - began, cpu

    def makespan(self) -> float:
        """Return seconds from the first work begun to the last work ended, from what the work itself wrote down."""
        lines = [json.loads(line) for line in (self.folder / "journal").read_text(encoding="utf-8").splitlines()]
        if len(lines) != len(self.seconds):
            raise RuntimeError(f"{len(lines)} of {len(self.seconds)} pieces of work were done")
        return max(line["ended"] for line in lines) - min(line["began"] for line in lines)

    def lower_bound(self, forks: int) -> float:
        """Return the least seconds that any order could take with these durations, as the planner reckons it."""
        sys.path.insert(0, str(ROOT / ".cache" / "collections"))
        from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

        layout = json.loads((self.folder / "inventory.json").read_text(encoding="utf-8"))["all"]
        hostvars = {name: {**layout["vars"], **values} for name, values in layout["hosts"].items()}
        plan = _plan.make_plan(
            _plan.landscape_from_inventory(hostvars),
            hosts=self.hosts,
            procedure="patch",
            now=datetime.datetime.now(datetime.UTC),
            durations={**self.seconds, "admit": 0.0},
            options={"forks": forks, "skip_steps": ["silence", "suspend_jobs", "release_jobs", "unsilence"]},
        )
        return t.cast(float, plan["lower_bound"])


def batches_at_best(hosts: t.Mapping[str, t.Any], seconds: t.Mapping[str, float], size: int) -> float:
    """Return the seconds that batches.yml would take in batches of ``size`` if Ansible itself took no time at all.

    In the linear strategy every host of a batch waits for the slowest one after each task, and every batch for the one
    before. A batch has a fork for each of its hosts.
    """
    names, total = list(hosts), 0.0
    for first in range(0, len(names), size):
        batch = [hosts[name] for name in names[first : first + size]]
        for kind, tier in BARRIERS:
            those = [host for host in batch if tier in (None, host["landscape_host"]["instances"][0]["tier"])]
            total += max((seconds[host["labels"][kind]] for host in those), default=0.0)
    return total


def gated(shop: Workshop, share: int) -> tuple[float, float]:
    """Print how a gated run with one fork for ``share`` hosts compares with its bound.

    Returns the ratio, and the seconds it would take at full scale.
    """
    tasks = {kind: str(HERE / "simulated.yml") for kind in SECONDS}
    options = json.dumps({"landscape_yes": True, "landscape_step_tasks": tasks, "maintenance_capture_health": False})
    count = len(shop.hosts)
    forks = count // share
    bound = shop.lower_bound(forks)
    extra = json.dumps({"landscape_step_seconds": {}})
    _wall, cpu = shop.play("--forks", str(forks), "-e", options, "-e", extra, "basis.landscape.patch_landscape")
    span = shop.makespan()
    print(
        f"makespan: {count} hosts, {forks} forks, 1/{1 / shop.scale:g} of full scale: {span:.1f} s, "
        f"lower bound {bound:.1f} s, ratio {span / bound:.3f} (cpu {cpu:.0f} s)",
        flush=True,
    )
    return span / bound, span / shop.scale


def batched(shop: Workshop, share: int) -> float:
    """Print how the same work in batches of one host in ``share`` compares with the same bound, as Ansible does it.

    Returns the seconds it would take at full scale.
    """
    size = len(shop.hosts) // share
    bound = shop.lower_bound(size)
    shop.play("--forks", str(size), "-e", f"batch={size}", str(HERE / "batches.yml"))
    span = shop.makespan()
    print(
        f"makespan: batches of {size} with the linear strategy, 1/{1 / shop.scale:g} of full scale: {span:.1f} s, "
        f"lower bound {bound:.1f} s, ratio {span / bound:.3f}",
        flush=True,
    )
    return span / shop.scale


def at_best(share: int) -> float:
    """Return the seconds at full scale that batches of one host in ``share`` take if Ansible itself takes no time."""
    layout, seconds = inventory(1.0)
    hosts = layout["all"]["hosts"]
    return batches_at_best(hosts, seconds, len(hosts) // share)


def main() -> int:
    """Print the ratios; 1 when a limit is missed.

    What a task costs the controller does not shrink with the work, so in a run of a quarter of full scale it counts
    four times. The first run knows nothing of the hosts; with a fork for each, their order does not matter. The second
    one, with fewer, has the durations of the first, as every second maintenance has.

    Gates are judged as they are measured, with all that the controller does, against batches at their best: those are
    reckoned from the same durations as if Ansible took no time. The batches that are measured show that; they are
    mostly idle, so less than a quarter of full scale has to do, and the controller counts twenty times in them. All
    three take about an hour and a half.
    """
    scale = float(os.environ.get("BASIS_BENCH_SCALE", "0.25"))
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(pathlib.Path(folder), scale)
        alone, took = gated(shop, 1)
        quarter, longer = gated(shop, QUARTER)
    with tempfile.TemporaryDirectory() as folder:
        measured = batched(Workshop(pathlib.Path(folder), scale * 0.2), QUARTER)
    quarters, whole = at_best(QUARTER), at_best(1)
    kept = alone <= 1.10 and quarter <= 1.15 and took * 2 <= quarters
    for words in (
        f"at full scale batches of a quarter take {quarters:.0f} s at best, as if Ansible took no time, and "
        f"{measured:.0f} s as measured above",
        f"at full scale gates take {took:.0f} s with a fork for each host, {longer:.0f} s with as many forks as a "
        "batch has hosts, both as measured above",
        f"batches of a quarter at best take {quarters / took:.2f} times as long as gates with a fork for each host; "
        f"with equal forks {quarters / longer:.2f} times as long, one batch of all hosts at best {whole / took:.2f} "
        "times",
        "limits: gates 1.10 and 1.15 times the bound, with a fork for each host half of the batches of a quarter at "
        f"best: {'kept' if kept else 'MISSED'}",
    ):
        print(f"makespan: {words}", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
