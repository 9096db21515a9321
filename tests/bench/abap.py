# SPDX-License-Identifier: GPL-3.0-or-later
"""How long 50 ABAP systems take to be quiet against the slowest of them; whether counting names grows with the table.

Quiet is ``sap_background_jobs`` with state suspended, one play from one controller. What a system takes of its own is
what the simulator's journal says about its report, in real seconds.

Counting is ``sap_bdls`` with a test run alone, whose list it reads, with ``count_fields`` on a table of so many rows
with the old name: a process of its own for each look, through the RFC libraries that are installed. The short table is
counted as often as it takes to read as many rows as the long one has. Both ends of the connection are on this machine,
so its seconds hold the simulator's share, the CPU is the module's alone. What a table of one row costs (the start of
Python, the library, the job) is taken off before times are compared.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

from tests.bench import _together, calls
from tests.env import collection
from tests.simulator.launch import ROOT, Simulator

SYSTEMS = 50
SPEED, REPORT_SECONDS, DELAY = 20, 1200, 1
LIMIT_WHOLE = 2.0
"""How much longer than its slowest report the whole run may take, both processors shared with the simulator."""

LENGTHS = (10_000, 1_000_000)
ROUNDS = 2
LIMIT_MEMORY, LIMIT_ROW = 1.05, 1.25
"""Peak memory, CPU of each row, of the long table against the short one."""

LIBRARIES = ("pyrfc", "saprfclib")
FIELD = "ZNAMES-LOGSYS"
OLD, NEW = "PRDCLNT100", "QASCLNT100"
# Not getrusage: its maximum is inherited from the process that started this one.
PROGRAM = (
    "import atexit, re, runpy, sys; sys.argv = sys.argv[:1]; "
    "atexit.register(lambda: print('\\n', *re.findall(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()), "
    "sum(__import__('os').times()[:2]), file=sys.stderr)); "
    "runpy.run_module('ansible_collections.basis.landscape.plugins.modules.sap_bdls', run_name='__main__')"
)


def landscape(systems: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """ABAP systems by SID, with what the simulator is to know about them."""
    return _together.landscape(systems, type_="abap", host="app", instance="D00", kind="dialog")


def quiet() -> bool:
    """Print the ratio of a whole run to its slowest system; whether the limit is kept."""
    count = int(os.environ.get("BASIS_BENCH_ABAP_SYSTEMS", str(SYSTEMS)))
    jobs = [{"name": f"NIGHT{n}", "report": "RSPO1043", "every": 864000, "next": 432000} for n in range(20)]
    abap = {"jobs": jobs, "reports": {"BTCTRNS1": {"seconds": REPORT_SECONDS}}}
    export = landscape({f"S{number:02}": abap for number in range(count)})
    system = "simulator.abap[landscape_host.instances[0].sid]"
    instance = f"{system}.instances[landscape_host.instances[0].id]"
    task = {
        "name": "Hold back the jobs",
        "basis.landscape.sap_background_jobs": {
            "state": "suspended",
            "delay": DELAY,
            "record": "{{ playbook_dir }}/{{ inventory_hostname }}.json",
            "confirm_sid": "{{ landscape_host.instances[0].sid }}",
            "rfc_host": f"{{{{ {instance}.address }}}}",
            "rfc_instance": f"{{{{ {instance}.number }}}}",
            "rfc_client": f"{{{{ {system}.client }}}}",
            "rfc_user": "BASIS_AUTO",
            "rfc_password": f"{{{{ {system}.users.BASIS_AUTO }}}}",
        },
    }
    play = {"name": "Quiet", "hosts": "all", "gather_facts": False, "strategy": "host_pinned", "tasks": [task]}
    with tempfile.TemporaryDirectory() as folder, Simulator.start(export, speed=SPEED) as simulator:
        site = calls.Site(pathlib.Path(folder), simulator)
        book = site.folder / "quiet.json"
        book.write_text(json.dumps([play]), encoding="utf-8")
        # The modules run where the RFC library is, which is here.
        cost = site.play("--forks", str(count + 2), "-e", "ansible_connection=local", str(book))
        journal = simulator.journal()
        kept = [json.loads(path.read_text(encoding="utf-8")) for path in site.folder.glob("*app.json")]
    work = _together.Together(
        journal, ("job_started", "job_finished"), lambda row: "_BTCTRNS1_" in str(row.get("job", ""))
    )
    if len(work.spans) != count or [len(record["kept"]["jobs"]) for record in kept] != [len(jobs)] * count:
        raise RuntimeError(f"{len(work.spans)} of {count} systems are quiet, {len(kept)} have a record")
    asked = sum(1 for row in journal if row.get("door") == "rfc" and row.get("call"))
    print(
        f"abap: {count} systems with {len(jobs)} released jobs each made quiet, {count + 2} forks, the jobs asked for "
        f"every {DELAY} s: {cost.wall:.1f} s (cpu {cost.cpu:.0f} s), {work.at_once} at once, {asked} calls"
    )
    good = cost.wall / work.slowest <= LIMIT_WHOLE
    print(
        f"abap: the slowest report took {work.slowest:.1f} s of its own; {work.words(cost.wall)}; limit "
        f"{LIMIT_WHOLE:g} of the whole run: {'kept' if good else 'MISSED'}",
        flush=True,
    )
    return good


class Look(t.NamedTuple):
    """What one look took: seconds by the clock, seconds of the module's own CPU, peak memory in KiB."""

    wall: float
    cpu: float
    peak: float


def look(simulator: Simulator, sid: str, rows: int, times: int, library: str) -> Look:
    """Test a conversion, count the rows so many times. Raises RuntimeError unless they are what was put there."""
    told = simulator.info["abap"][sid]
    (instance,) = told["instances"].values()
    options = {
        "mapping": [{"old": OLD, "new": NEW}],
        "confirm_sid": sid,
        "test_run_only": True,
        "run": "again",
        "count_fields": [FIELD] * times,
        "delay": 0.1,
        "print_parameters": {"PDEST": "LP01"},
        "rfc_provider": library,
        "rfc_host": instance["address"],
        "rfc_instance": instance["number"],
        "rfc_client": told["client"],
        "rfc_user": "BASIS_AUTO",
        "rfc_password": told["users"]["BASIS_AUTO"],
        "rfc_timeout": 600,
    }
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": options}),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(collection.link(ROOT))},
        timeout=3600,
        check=False,
    )
    wall = time.monotonic() - began
    found = json.loads(done.stdout.strip().splitlines()[-1])
    pairs = (found.get("pairs") or [{}])[0]
    counted = [row["before"] for row in pairs.get("counted") or ()]
    if counted != [{"old": rows, "new": 0}] * times or pairs.get("found") != rows:
        raise RuntimeError(f"{rows} rows by {library}: {found.get('msg') or pairs}")
    peak, cpu = done.stderr.split()[-2:]
    return Look(wall, float(cpu), float(peak))


def counting() -> bool:
    """Print the ratios between tables; whether all limits are kept."""
    good = True
    most = max(int(os.environ.get("BASIS_BENCH_ABAP_ROWS", str(LENGTHS[-1]))), 2 * LENGTHS[0])
    times = {1: 1, LENGTHS[0]: most // LENGTHS[0], most: 1}
    libraries = [name for name in LIBRARIES if importlib.util.find_spec(name) is not None]
    if not libraries:
        raise RuntimeError(f"none of {', '.join(LIBRARIES)} is installed")
    systems = {
        f"R{n:02}": {
            "jobs": [],
            "clients": {"000": {}, "100": {"LOGSYS": OLD}},
            "other_logical_systems": [NEW],
            "logical_systems": {FIELD: length},
            "conversion_seconds": 10,
        }
        for n, length in enumerate(times)
    }
    looks: dict[tuple[str, int], list[Look]] = {(name, length): [] for name in libraries for length in times}
    with Simulator.start(landscape(systems), speed=100) as simulator:
        for _round in range(ROUNDS):
            for name in libraries:
                for sid, length in zip(systems, times, strict=True):
                    looks[name, length].append(look(simulator, sid, length, times[length], name))
    for name in libraries:
        bare, *both = (Look(*map(min, zip(*looks[name, length], strict=True))) for length in times)
        cost = [one.cpu - bare.cpu for one in both]
        print(f"abap: sap_bdls with {name}, a table of one row: cpu {bare.cpu:.2f} s, peak {bare.peak / 1024:.1f} MB")
        for (length, count), one, cpu in zip(list(times.items())[1:], both, cost, strict=True):
            print(
                f"abap: sap_bdls with {name}, a table of {length} rows counted {count} times: {one.wall:.1f} s, cpu "
                f"{one.cpu:.2f} s, peak {one.peak / 1024:.1f} MB; {cpu / length / count * 1e6:.1f} µs of cpu a row"
            )
        memory, row = both[1].peak / both[0].peak, cost[1] / cost[0]
        kept = memory <= LIMIT_MEMORY and 0 < row <= LIMIT_ROW
        print(
            f"abap: {most} rows against {LENGTHS[0]} with {name}: peak memory {memory:.3f}, cpu of a row {row:.2f}; "
            f"limits {LIMIT_MEMORY:g}, {LIMIT_ROW:g}: {'kept' if kept else 'MISSED'}",
            flush=True,
        )
        good = good and kept
    return good


def main() -> int:
    """Print the ratios; 1 when a limit is missed."""
    kept = [quiet(), counting()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
