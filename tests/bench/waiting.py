# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller uses while 200 hosts wait at a gate, at our pace of polling, at Ansible's own."""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

from tests.bench import makespan
from tests.env import collection

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = "waiting"
ANSIBLE_POLL = "0.001"  # the default of ansible-core's INTERNAL_POLL_INTERVAL
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 180.0
LIMIT = 0.5  # of a core, for all processes: twice what was measured (docs/runs.md), a fraction of one that is busy
# One system at a time is let in. The stop of its first host ends when the other end of a pipe is closed; to read from
# it costs nothing meanwhile. Everybody else waits: the first system's hosts to stop, those of the others to be let in.
STOP = """---
- name: Stop
  ansible.builtin.command:
    cmd: cat {{ bench_pipe }}
  changed_when: true
"""


class Use(t.NamedTuple):
    """Share of one CPU, PSS in MB, number of processes."""

    cpu: float
    memory: float
    number: int

    def __str__(self) -> str:
        return f"{self.cpu * 100:.1f} % of a CPU, {self.memory:.0f} MB"


def processes(main: int) -> dict[str, list[int]]:
    """The processes of a running ansible-playbook by what they are: main, workers, sidecar."""
    found: dict[str, list[int]] = {"main": [main], "workers": [], "sidecar": []}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == main:
                sidecar = f"basis.landscape run {RUN}".encode() in (folder / "cmdline").read_bytes()
                found["sidecar" if sidecar else "workers"].append(int(folder.name))
    return {kind: sorted(pids) for kind, pids in found.items()}


def cpu_seconds(pids: list[int]) -> float:
    """CPU seconds that these processes have used, without those of their children."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def megabytes(pids: list[int]) -> float:
    """Proportional set size: pages that are shared count in parts."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def configuration(folder: pathlib.Path, poll: str | None) -> pathlib.Path:
    """Our ansible.cfg, or the same with another internal_poll_interval."""
    if poll is None:
        return ROOT / "ansible.cfg"
    parser = configparser.ConfigParser()
    parser.read(ROOT / "ansible.cfg", encoding="utf-8")
    parser["defaults"]["internal_poll_interval"] = poll
    with open(folder / "ansible.cfg", "w", encoding="utf-8") as file:
        parser.write(file)
    return folder / "ansible.cfg"


def wait_for_waiters(database: str, count: int, process: subprocess.Popen[bytes], output: pathlib.Path) -> None:
    """Return when so many hosts wait at their gates. Raises RuntimeError when that does not come about."""
    from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

    ends, found = time.monotonic() + PATIENCE, 0
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(_runs.StoreError, _runs.RunNotFound):
            store = _runs.open_store(database)
            try:
                found = len(store.waiting(RUN))
                failed = [row for row in store.steps(RUN) if row["state"] == "failed"]
            finally:
                store.close()
            if failed:
                raise RuntimeError(f"{failed[0]['label']}: {failed[0]['message']}; {len(failed)} failed, {found} wait")
        if found == count:
            return
        time.sleep(0.5)
    raise RuntimeError(f"{found} of {count} hosts wait:\n" + output.read_text(encoding="utf-8")[-4000:])


def measure(seconds: float, poll: str | None) -> dict[str, Use]:
    """Run stop_landscape up to where everybody waits for one, measure for *seconds*, interrupt it."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        layout, _other = makespan.inventory(1.0)
        hosts = len(layout["all"]["hosts"])
        (folder / "inventory.json").write_text(json.dumps(layout), encoding="utf-8")
        (folder / "stop.yml").write_text(STOP, encoding="utf-8")
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        (folder / "state").mkdir()
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(collection.link(ROOT)),
            "ANSIBLE_CONFIG": str(configuration(folder, poll)),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "BASIS_LANDSCAPE_STATE": str(folder / "state"),
        }
        environment.pop("BASIS_LANDSCAPE_DATABASE", None)
        options = {
            "landscape_yes": True,
            "landscape_batch_size": 1,
            "run_name": RUN,
            "landscape_step_tasks": {"stop": str(folder / "stop.yml")},
            "maintenance_capture_health": False,
            "bench_pipe": str(pipe),
        }
        command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", str(folder / "inventory.json")]
        command += ["--forks", str(hosts + 1), "-e", json.dumps(options), "basis.landscape.stop_landscape"]
        with open(folder / "output", "wb") as output:
            process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        held = None
        try:
            wait_for_waiters(f"sqlite:///{folder / 'state' / 'runs.db'}", hosts - 1, process, folder / "output")
            held = hold(pipe)
            return sample(process.pid, seconds)
        finally:
            process.terminate()  # nothing new begins; what waits is told
            if held is None:
                release(pipe)
            else:
                os.close(held)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def hold(pipe: pathlib.Path) -> int:
    """The writing end of the pipe, once somebody reads: until then the worker of the gate may still come to its end."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):  # ENXIO: nobody reads
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.1)
    raise RuntimeError("the first host did not come to its stop")


def release(pipe: pathlib.Path) -> None:
    """Let whoever reads from the pipe see its end; never blocks, also when nobody reads."""
    os.close(os.open(pipe, os.O_RDWR))


def sample(main: int, seconds: float) -> dict[str, Use]:
    """Watch the processes for *seconds*. Raises RuntimeError when some came or went meanwhile: then not all waited."""
    pids = processes(main)
    began = time.monotonic()
    before = {kind: cpu_seconds(members) for kind, members in pids.items()}
    while (left := began + seconds - time.monotonic()) > 0:
        time.sleep(min(left, 5.0))
    after = {kind: cpu_seconds(members) for kind, members in pids.items()}
    passed = time.monotonic() - began
    memory = {kind: megabytes(members) for kind, members in pids.items()}
    if processes(main) != pids:
        raise RuntimeError("processes came or went while everybody should have waited")
    return {kind: Use((after[kind] - before[kind]) / passed, memory[kind], len(pids[kind])) for kind in pids}


def main() -> int:
    """Print shares, with the ratios; 1 when who waits with our pace of polling uses more than the limit."""
    seconds = float(os.environ.get("BASIS_BENCH_SECONDS_WAITED", "20"))
    sys.path.insert(0, str(collection.link(ROOT)))
    ours = measure(seconds, None)
    poll = configparser.ConfigParser()
    poll.read(ROOT / "ansible.cfg", encoding="utf-8")
    theirs = measure(seconds, ANSIBLE_POLL)
    for used, interval in ((ours, poll["defaults"]["internal_poll_interval"]), (theirs, ANSIBLE_POLL)):
        print(
            f"waiting: 199 of 200 hosts for {seconds:g} s, internal_poll_interval {interval}: "
            + "; ".join(f"{kind}{f' ({use.number})' if use.number != 1 else ''} {use}" for kind, use in used.items()),
            flush=True,
        )
    whole = [sum(use.cpu for use in used.values()) for used in (ours, theirs)]
    kept = whole[0] < LIMIT
    print(
        f"waiting: cpu of all processes {whole[0] * 100:.1f} % against {whole[1] * 100:.1f} %, "
        f"ratio {whole[0] / whole[1]:.3f}; of the main process alone {ours['main'].cpu / theirs['main'].cpu:.3f}; "
        f"limit {LIMIT * 100:.0f} % of a core: {'kept' if kept else 'MISSED'}"
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
