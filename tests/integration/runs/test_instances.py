# SPDX-License-Identifier: GPL-3.0-or-later
"""What is stopped, started and verified is what the plan says, however the inventory is written."""

from __future__ import annotations

import json
import subprocess

from tests.integration.runs.conftest import CHAIN, Site


def test_a_hand_written_inventory_needs_no_ids(site: Site) -> None:
    listed = subprocess.run(
        [site.command()[0].replace("ansible-playbook", "ansible-inventory"), "-i", "cmdb.yml", "--list"],
        env=site.environment,
        cwd=site.folder,
        text=True,
        capture_output=True,
        check=True,
    )
    hosts = json.loads(listed.stdout)["_meta"]["hostvars"]
    for host in CHAIN:
        for instance in hosts[host]["landscape_host"]["instances"]:
            del instance["id"], instance["host"]
    (site.folder / "cmdb.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")

    outcome = site.play(run_name="r1", landscape_hosts=",".join(CHAIN))
    assert outcome.code == 0 and site.state() == "succeeded", outcome.output
    effects = site.effects("stopped", "patched", "started")
    for effect in ("stopped", "patched", "started"):
        assert {host for what, host in effects if what == effect} == set(CHAIN)
    assert site.everything_is_up()


def test_a_process_that_does_not_come_back_is_no_success(site: Site) -> None:
    """Sapcontrol lists what runs: a database of HANA that stays down has no row, and all that is listed is GREEN."""
    began = {"effect": "started", "instance": "HDP/db/HDB00"}
    site.simulator.control("POST", "/faults", {"name": "process_gone", "instance": "HDP/db/HDB00", "on": began})
    outcome = site.play(run_name="r1", landscape_hosts=",".join(CHAIN), sap_verify_timeout=1)
    assert outcome.code == 2 and site.states()["db"]["verify"] == "failed", outcome.output
    assert "processes: not listed any more: hdbxsengine (HDB XSEngine-HDP)" in " ".join(outcome.output.split())
