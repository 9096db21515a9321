# SPDX-License-Identifier: GPL-3.0-or-later
"""Two HANA systems on one host, whose variables lead to one of them: the other one is not reported as backed up."""

from __future__ import annotations

import pathlib

import pytest

from tests.env.host_python import HostPython
from tests.integration.runs.conftest import Site
from tests.simulator.launch import Simulator

pytest.importorskip("hdbcli", reason="hdbcli, SAP's driver, is not installed")
SIDS = {"HD1": "00", "HD2": "02"}
LANDSCAPE = {
    "hosts": [{"name": "db1", "environment": "production"}],
    "systems": [
        {"name": sid, "sid": sid, "type": "hana", "simulation": {"hana": {"tenants": [f"T{sid[2]}"]}}} for sid in SIDS
    ],
    "instances": [
        {"name": f"HDB{number}", "system": sid, "host": "db1", "number": number, "kind": "hana"}
        for sid, number in SIDS.items()
    ],
    "relations": [],
    "calendars": [],
}
OWN = """
hana_sid: "{{ maintenance_step.label.split('/') | first }}"
hana_own: "{{ landscape_host.instances | selectattr('sid', 'equalto', hana_sid) | first }}"
hana_instance: "{{ hana_own.number }}"
hana_password: "{{ simulator.hana[hana_own.sid].users[hana_user] }}"
"""


def test_each_system_is_backed_up_or_named(tmp_path: pathlib.Path, host_python: HostPython) -> None:
    with Simulator.start(LANDSCAPE, speed=30) as simulator:
        site = Site(tmp_path, simulator, host_python)
        outcome = site.play(playbook="backup_databases", run_name="b1", hana_backup_delay=0.1)
        begun = [row for row in simulator.journal() if row.get("effect") == "hana_backup_started"]
        assert {row["database"] for row in begun} == {"SYSTEMDB", "T1"}
        assert outcome.code == 2 and "says it is HD1, and confirm_sid is HD2" in outcome.output
        (tmp_path / "host_vars").mkdir()
        (tmp_path / "host_vars" / "db1.yml").write_text(OWN)
        outcome = site.play(playbook="backup_databases", run="b1", hana_backup_delay=0.1)
        assert outcome.code == 0, outcome.output
        begun = [row for row in simulator.journal() if row.get("effect") == "hana_backup_started"]
        assert sorted(row["database"] for row in begun) == ["SYSTEMDB", "SYSTEMDB", "T1", "T2"]
