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

from tests.bench import _together, calls
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


def parallel() -> None:
    """Print the ratio of a whole run to its slowest backup."""
    count = int(os.environ.get("BASIS_BENCH_HANA_SYSTEMS", str(SYSTEMS)))
    options = {
        "landscape_yes": True,
        "run_name": "bench",
        "hana_backup_databases": ["{{ (landscape_host.instances | first).sid }}"],
        "hana_backup_delay": DELAY,
    }
    simulations = {f"H{number:02}": {"backup_seconds": BACKUP_SECONDS} for number in range(count)}
    export = _together.landscape(simulations, type_="hana", host="db", instance="HDB00", kind="hana")
    with tempfile.TemporaryDirectory() as folder, Simulator.start(export, speed=SPEED) as simulator:
        site = calls.Site(pathlib.Path(folder), simulator)
        cost = site.play("--forks", str(count + 2), "-e", json.dumps(options), "basis.landscape.backup_databases")
        journal = simulator.journal()
    work = _together.Together(journal, ("hana_backup_started", "hana_backup_finished"))
    if len(work.spans) != count:
        raise RuntimeError(f"{len(work.spans)} of {count} systems were backed up")
    asked = sum(1 for row in journal if row.get("door") == "hana" and row.get("call"))
    print(
        f"hana: {count} backups of {count} systems by backup_databases, {count + 2} forks, the catalog asked every "
        f"{DELAY} s: {cost.wall:.1f} s (cpu {cost.cpu:.0f} s), {work.at_once} at once, {asked} statements"
    )
    print(f"hana: the slowest backup took {work.slowest:.1f} s of its own; {work.words(cost.wall)}")


def main() -> None:
    """Print the ratios."""
    retention()
    parallel()


if __name__ == "__main__":
    main()
