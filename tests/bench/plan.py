# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a plan takes to make, how that grows with the number of CIs, how large its page gets.

A CI is a host, a system or an instance; all hosts are in the run. The time is the best of three in one process, for
``make_plan`` and for ``render_html``. A plan with half as many forks as hosts and a batch size is the costlier kind.
"""

from __future__ import annotations

import datetime as dt
import functools
import sys
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import make_plan, render_html
from tests.bench import _growth

SIZES = (1_000, 10_000)
LIMIT_SECONDS = 5.0
"""What 10,000 CIs may take to plan."""

LIMIT_BYTES = 5_000_000
"""What the page of 10,000 CIs may weigh."""

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


def landscape(count: int) -> dict[str, Any]:
    """A landscape of about ``count`` CIs: ABAP systems on HANA, every fifth behind a Web Dispatcher, with windows."""
    found: dict[str, Any] = {"hosts": {}, "systems": {}, "instances": {}, "redundancy_groups": {}, "calendars": {}}

    def system(name: str, kind: str, needs: list[str]) -> None:
        found["systems"][name] = {"sid": name, "type": kind, "depends_on": needs, "windows": [f"night{number % 4}"]}

    def instance(owner: str, host: str, name: str, kind: str) -> None:
        found["hosts"].setdefault(host, {"environment": "production", "os": "SLES 15 SP6"})
        record = {"system": owner, "sid": owner, "host": host, "name": name, "kind": kind}
        found["instances"][f"{owner}/{host}/{name}"] = record

    for part in range(4):
        entry = {"rrule": "FREQ=WEEKLY;BYDAY=SU", "start": f"2026-01-04T{20 + part}:00", "duration": "8h"}
        found["calendars"][f"night{part}"] = {"kind": "window", "timezone": "Europe/Berlin", "entries": [entry]}
    number = 0
    while sum(len(found[part]) for part in ("hosts", "systems", "instances")) < count:
        system(f"H{number:04d}", "hana", [])
        instance(f"H{number:04d}", f"db{number}", "HDB00", "hana")
        system(f"S{number:04d}", "abap", [f"H{number:04d}"])
        instance(f"S{number:04d}", f"cs{number}", "ASCS01", "ascs")
        for app in range(4):
            instance(f"S{number:04d}", f"app{number}-{app}", "D02", "dialog")
        if number % 5 == 0:
            system(f"W{number:04d}", "webdisp", [f"S{number:04d}"])
            instance(f"W{number:04d}", f"web{number}", "W80", "webdisp")
        if number % 10 == 1:
            members = [f"S{number:04d}", f"S{number - 1:04d}"]
            found["redundancy_groups"][f"pair{number}"] = {"members": members, "max_unavailable": 1}
        number += 1
    return found


def best(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the shortest of three times in seconds of CPU, and the last result."""
    times = []
    result = None
    for _again in range(3):
        started = time.process_time()
        result = work()
        times.append(time.process_time() - started)
    return min(times), result


def main(sizes: tuple[int, ...] | list[int] = SIZES) -> int:
    """Print times and their growth; 1 when a limit is broken."""
    rows: list[tuple[int, float, float, int]] = []
    for size in sizes or SIZES:
        data = landscape(size)
        cis = sum(len(data[part]) for part in ("hosts", "systems", "instances"))
        hosts = list(data["hosts"])
        options = {"batch_size": max(3, len(data["systems"]) // 4), "forks": max(7, len(hosts) // 2)}

        planned, made = best(
            functools.partial(make_plan, data, hosts=hosts, procedure="patch", now=NOW, options=options)
        )
        shown, page = best(functools.partial(render_html, made))
        weight = len(page.encode())
        steps = sum(len(walk) for walk in made["steps"].values())
        rows.append((cis, planned, shown, weight))
        print(
            f"{cis:6d} CIs, {len(hosts):5d} hosts, {steps:6d} steps: plan {planned:.2f} s, page {shown:.2f} s, "
            f"{weight / 1e6:.2f} MB, makespan / lower bound {made['makespan'] / made['lower_bound']:.3f}",
            flush=True,
        )
    first, last = rows[0], rows[-1]
    growth = last[0] / first[0]
    powers = [_growth.exponent((first[0], last[0]), (first[part], last[part])) for part in (1, 2)]
    told = ", ".join("-" if power is None else f"{power:.2f}" for power in powers)
    print(
        f"CIs x {growth:.1f}: plan x {last[1] / first[1]:.1f}, page x {last[2] / first[2]:.1f} "
        f"(as CIs to the power {told})"
    )
    good = last[1] < LIMIT_SECONDS and last[3] < LIMIT_BYTES and not any(map(_growth.too_steep, powers))
    print(
        f"limits: plan under {LIMIT_SECONDS:.0f} s, page under {LIMIT_BYTES / 1e6:.0f} MB, no power over "
        f"{_growth.LIMIT_EXPONENT}: {'kept' if good else 'BROKEN'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main([int(argument) for argument in sys.argv[1:]]))
