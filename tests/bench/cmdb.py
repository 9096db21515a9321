# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the inventory takes to load from a CMDB export, and how that grows with the number of CIs.

A CI is a host, a system or an instance. Every load is a fresh process that loads the inventory as ``ansible-playbook``
does; the time is that of the loading alone, without the start of Python and the import of Ansible, the best of three.
The limit is one for processor seconds: on a machine that does something else as well, those of the clock tell about
the machine.
"""

from __future__ import annotations

import itertools
import json
import os
import string
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import _growth

ROOT = Path(__file__).resolve().parents[2]
SIZES = (1_000, 10_000)
LIMIT_SECONDS = 3.0
"""What 10,000 CIs may take."""

LOAD = """
import sys, time
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([])
wall, cpu = time.perf_counter(), time.process_time()
manager = InventoryManager(DataLoader(), sources=[sys.argv[1]])
print(len(manager.hosts), time.perf_counter() - wall, time.process_time() - cpu)
"""


def export(count: int) -> dict[str, list[dict[str, Any]]]:
    """A landscape of `count` CIs in the native form: three tenths hosts, one tenth systems, the rest instances."""
    hosts, systems = count * 3 // 10, count // 10
    letters = string.ascii_uppercase
    sids = ["".join(parts) for parts in itertools.islice(itertools.product(letters, letters, letters), systems)]
    return {
        "hosts": [
            {
                "name": f"h{number:05d}",
                "address": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
                "os": "rhel9.4",
                "environment": ("production", "quality", "development")[number % 3],
                "patch_group": f"wave{number % 7}",
                "owner": "basis",
                "failure_domain": f"dc{number % 2}",
            }
            for number in range(hosts)
        ],
        "systems": [
            {"name": sid, "sid": sid, "type": ("abap", "hana")[number % 2], "windows": ["sunday"]}
            for number, sid in enumerate(sids)
        ],
        "instances": [
            {
                "name": f"D{number // hosts:02d}",
                "number": f"{number // hosts:02d}",
                "system": sids[number // 6 % systems],
                "host": f"h{number % hosts:05d}",
                "kind": "dialog",
            }
            for number in range(count - hosts - systems)
        ],
        "relations": [
            {"source": one, "target": other, "type": "depends_on"}
            for one, other in zip(sids[::2], sids[1::2], strict=False)
        ],
    }


CALENDARS = [
    {
        "name": "sunday",
        "kind": "window",
        "timezone": "Europe/Berlin",
        "entries": [{"start": "2026-01-04T22:00", "rrule": "FREQ=WEEKLY;BYDAY=SU", "duration": "4h"}],
    }
]


def tables(native: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same landscape as exports of ServiceNow's tables, with both sides of every field."""

    def both(record: dict[str, Any]) -> dict[str, Any]:
        return {key: {"value": value, "display_value": value} for key, value in record.items()}

    def own(record: dict[str, Any], *names: str) -> dict[str, Any]:
        return {f"u_{name}": record[name] for name in names if name in record}

    keys = [f"{one['system']}/{one['host']}/{one['name']}" for one in native["instances"]]
    kinds = (("Runs on::Runs", "host"), ("Contains::Contained by", "system"))
    relations = [
        {"parent": key, "child": one["host"], "type": kinds[0][0]}
        if part == "host"
        else {"parent": one["system"], "child": key, "type": kinds[1][0]}
        for key, one in zip(keys, native["instances"], strict=True)
        for _kind, part in kinds
    ]
    relations += [
        {"parent": one["source"], "child": one["target"], "type": "Depends on::Used by"} for one in native["relations"]
    ]
    servers = [
        {"sys_id": one["name"], "name": one["name"], "ip_address": one["address"], "os": one["os"]}
        | own(one, "environment", "patch_group", "owner", "failure_domain")
        for one in native["hosts"]
    ]
    systems = [
        {"sys_id": one["name"], "name": one["name"], "u_ci_type": "system", "u_windows": "sunday"}
        | own(one, "sid", "type")
        for one in native["systems"]
    ]
    instances = [
        {"sys_id": key, "name": one["name"], "u_ci_type": "instance"} | own(one, "number", "kind")
        for key, one in zip(keys, native["instances"], strict=True)
    ]
    return {
        "cmdb_ci_server": [both(record) for record in servers],
        "cmdb_ci_appl": [both(record) for record in systems + instances],
        "cmdb_rel_ci": [both(record) for record in relations],
    }


def configurations(folder: Path, count: int) -> dict[str, Path]:
    """Writes the exports of one size; returns what they are called and their inventory configurations."""
    import yaml

    native = export(count)
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    whole = {**native, "calendars": CALENDARS}
    (folder / "native.json").write_text(json.dumps(whole))
    (folder / "native.yml").write_text(yaml.dump(whole, Dumper=dumper))
    (folder / "calendars.json").write_text(json.dumps({"calendars": CALENDARS}))
    (folder / "servicenow").mkdir()
    for name, records in tables(native).items():
        (folder / "servicenow" / f"{name}.json").write_text(json.dumps({"result": records}))
    options: dict[str, dict[str, Any]] = {
        "JSON": {"path": "native.json"},
        "JSON, from the cache": {
            "path": "native.json",
            "cache": True,
            "cache_plugin": "ansible.builtin.jsonfile",
            "cache_connection": str(folder / "cache"),
        },
        "YAML": {"path": "native.yml"},
        "ServiceNow tables": {
            "path": "servicenow",
            "mapping": "servicenow",
            "additional_paths": ["calendars.json"],
        },
    }
    made = {}
    for number, (name, chosen) in enumerate(options.items()):
        made[name] = folder / f"{number}.cmdb.yml"
        made[name].write_text(json.dumps({"plugin": "basis.landscape.cmdb", **chosen}))
    return made


def load(configuration: Path, hosts: int) -> tuple[float, float]:
    """Wall-clock and processor seconds of one load.

    Raises:
        RuntimeError: it did not load all hosts.
    """
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections")}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(configuration)], env=environment, capture_output=True, text=True, check=True
    )
    found, wall, cpu = done.stdout.split()
    if int(found) != hosts:
        raise RuntimeError(f"{found} hosts instead of {hosts}: {done.stderr}")
    return float(wall), float(cpu)


def main() -> int:
    """Prints seconds and growth for every kind of export; 1 when 10,000 CIs take too long, or it grows too fast."""
    best: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for count in SIZES:
            folder = Path(temporary) / str(count)
            folder.mkdir()
            for name, configuration in configurations(folder, count).items():
                runs = [load(configuration, count * 3 // 10) for _attempt in range(3)]
                best.setdefault(name, []).append((min(run[0] for run in runs), min(run[1] for run in runs)))
    small, large = (f"{size:,} CIs" for size in SIZES)
    print(f"{'inventory':<22}{small:>13}{large:>13}{'processor':>12}{'growth for 10 x':>18}{'of the limit':>14}")
    slow, steep = [], []
    for name, (few, many) in best.items():
        share = many[1] / LIMIT_SECONDS
        print(
            f"{name:<22}{few[0]:>11.2f} s{many[0]:>11.2f} s{many[1]:>10.2f} s{many[1] / few[1]:>16.1f} x{share:>13.0%}"
        )
        if many[1] > LIMIT_SECONDS:
            slow.append(name)
        if _growth.too_steep(_growth.exponent(SIZES, (few[1], many[1]))):
            steep.append(name)
    if slow:
        print(f"more than {LIMIT_SECONDS:g} s for {large}: {', '.join(slow)}")
    if steep:
        print(f"grows faster than CIs to the power {_growth.LIMIT_EXPONENT}: {', '.join(steep)}")
    return 1 if slow or steep else 0


if __name__ == "__main__":
    sys.exit(main())
