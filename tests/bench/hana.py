# SPDX-License-Identifier: GPL-3.0-or-later
"""How retention grows with a HANA catalog's length; how long 50 systems' backups take against the slowest of them.

Retention is ``hana_backup_catalog`` in check mode, a process of its own for each look, with SAP's driver over TLS. Both
ends of the connection are on this machine, so its seconds hold the simulator's share. What a catalog without old
entries costs (the start of Python, the driver, the log-on) is taken off before catalogs are compared.

The backups are one run of ``backup_databases`` from one controller. What a backup takes of its own is what the
simulator's journal says, in real seconds.
"""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
import time
import typing as t

from tests.bench import calls
from tests.integration.hana.modules import MODULES, Site
from tests.simulator.launch import Simulator

LENGTHS = (1_000, 10_000, 100_000)
ROUNDS = 3
SYSTEMS = 50
SPEED, BACKUP_SECONDS, DELAY = 20, 1200, 1
# Not getrusage: its maximum is inherited from the process that started this one.
PROGRAM = (
    "import atexit, re, runpy, sys; sys.argv = sys.argv[:1]; "
    "atexit.register(lambda: print('\\n', *re.findall(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()), "
    "sum(__import__('os').times()[:2]), file=sys.stderr)); "
    f"runpy.run_module('{MODULES}.hana_backup_catalog', run_name='__main__')"
)


class Look(t.NamedTuple):
    """What one look at a catalog took: seconds by the clock, seconds of the module's own CPU, peak memory in KiB."""

    wall: float
    cpu: float
    peak: float


def tenant(length: int) -> str:
    """The tenant with a catalog of so many old entries."""
    return f"E{length}"


def look(site: Site, length: int) -> Look:
    """Ask what may go of a catalog. Raises RuntimeError unless it is what was put there."""
    began = time.monotonic()
    call = site.begin(
        "hana_backup_catalog",
        python=("-c", PROGRAM),
        databases=[tenant(length)],
        keep_count=1,
        scope="complete",
        check=True,
    )
    out, err = call.process.communicate(timeout=300)
    wall = time.monotonic() - began
    found = json.loads(out.strip().splitlines()[-1])
    count = 0 if found.get("failed") else (found["databases"][tenant(length)]["logs"] or {}).get("count", 0)
    if found.get("failed") or count != length:
        raise RuntimeError(f"{tenant(length)}: {count} log backups would go: {found.get('msg')}")
    peak, cpu = err.split()[-2:]
    return Look(wall, float(cpu), float(peak))


def retention() -> None:
    """Print the ratios between catalogs."""
    lengths = (0, *LENGTHS)
    with Simulator.start(Site.landscape(tenants=[tenant(length) for length in lengths]), speed=200) as simulator:
        site = Site(simulator)
        made = site.call("hana_backup", databases=[tenant(length) for length in lengths], delay=0.1)
        if made.get("failed"):
            raise RuntimeError(made["msg"])
        # Each catalog has log backups from its full one on; simulated time must not add to them while it is measured.
        simulator.clock(speed=1)
        for length in LENGTHS:
            simulator.hana("H01", "catalog", database=tenant(length), entries=length)
        looks: dict[int, list[Look]] = {length: [] for length in lengths}
        for _round in range(ROUNDS):
            for length in lengths:
                looks[length].append(look(site, length))
    best = {length: Look(*map(min, zip(*rows, strict=True))) for length, rows in looks.items()}
    bare = best[0]
    print(f"hana: retention, no old entries: {bare.wall:.2f} s, cpu {bare.cpu:.2f} s, peak {bare.peak / 1024:.1f} MB")
    for length in LENGTHS:
        one = best[length]
        print(
            f"hana: retention, {length} entries: {one.wall:.2f} s, cpu {one.cpu:.2f} s, peak {one.peak / 1024:.1f} MB; "
            f"{(one.wall - bare.wall) / length * 1e6:.0f} µs an entry, peak {one.peak / bare.peak:.3f} times as high",
            flush=True,
        )
    for small, large in ((LENGTHS[0], LENGTHS[-1]), (LENGTHS[1], LENGTHS[-1])):
        one, other = best[small], best[large]
        alone = (other.wall - bare.wall) / (one.wall - bare.wall)
        print(
            f"hana: retention, {large} against {small} entries ({large // small} times as many): "
            f"time {other.wall / one.wall:.2f}, less the start {alone:.1f}, peak memory {other.peak / one.peak:.3f}"
        )


def systems(count: int, seconds: float) -> dict[str, t.Any]:
    """So many HANA systems, each on a host of its own, whose backups take so many simulated seconds."""
    names = [f"H{number:02}" for number in range(count)]
    return {
        "hosts": [{"name": f"{name.lower()}db", "environment": "production"} for name in names],
        "systems": [
            {"name": name, "sid": name, "type": "hana", "simulation": {"hana": {"backup_seconds": seconds}}}
            for name in names
        ],
        "instances": [
            {"name": "HDB00", "system": name, "host": f"{name.lower()}db", "number": "00", "kind": "hana"}
            for name in names
        ],
        "relations": [],
        "redundancy_groups": [],
        "calendars": [],
    }


def spans(journal: list[dict[str, t.Any]]) -> dict[str, tuple[float, float]]:
    """When the backup of each system's tenant began, when it ended, in real seconds."""
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    for row in journal:
        if row.get("effect") == "hana_backup_started":
            if row["system"] in begun:
                raise RuntimeError(f"{row['system']}: a second backup was begun")
            begun[row["system"]] = row["t"]
        elif row.get("effect") == "hana_backup_finished":
            ended[row["system"]] = row["t"]
    return {system: (begun[system], ended[system]) for system in begun.keys() & ended.keys()}


def parallel() -> None:
    """Print the ratio of a whole run to its slowest backup."""
    count = int(os.environ.get("BASIS_BENCH_HANA_SYSTEMS", str(SYSTEMS)))
    options = {
        "landscape_yes": True,
        "run_name": "bench",
        "hana_backup_databases": ["{{ (landscape_host.instances | first).sid }}"],
        "hana_backup_delay": DELAY,
    }
    export = systems(count, BACKUP_SECONDS)
    with tempfile.TemporaryDirectory() as folder, Simulator.start(export, speed=SPEED) as simulator:
        site = calls.Site(pathlib.Path(folder), simulator)
        cost = site.play("--forks", str(count + 2), "-e", json.dumps(options), "basis.landscape.backup_databases")
        journal = simulator.journal()
    found = spans(journal)
    if len(found) != count:
        raise RuntimeError(f"{len(found)} of {count} systems were backed up")
    slowest = max(end - begin for begin, end in found.values())
    first, last = min(begin for begin, _end in found.values()), max(end for _begin, end in found.values())
    together = max(sum(begin <= moment < end for begin, end in found.values()) for moment, _end in found.values())
    asked = sum(1 for row in journal if row.get("door") == "hana" and row.get("call"))
    print(
        f"hana: {count} backups of {count} systems by backup_databases, {count + 2} forks, the catalog asked every "
        f"{DELAY} s: {cost.wall:.1f} s (cpu {cost.cpu:.0f} s), {together} at once, {asked} statements"
    )
    whole = sum(end - begin for begin, end in found.values())
    print(
        f"hana: the slowest backup took {slowest:.1f} s of its own; from the first begun to the last ended "
        f"{(last - first) / slowest:.2f} times that, the whole run {cost.wall / slowest:.2f} times; "
        f"one after the other they would take {whole / slowest:.0f} times"
    )


def main() -> None:
    """Print the ratios."""
    retention()
    parallel()


if __name__ == "__main__":
    main()
