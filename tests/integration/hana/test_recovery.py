# SPDX-License-Identifier: GPL-3.0-or-later
"""Recoveries that stand on several backups, with one of them missing or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hana.modules import Site, reason
from tests.simulator.launch import Simulator

pytest.importorskip("hdbcli", reason="hdbcli, SAP's driver, is not installed")


@pytest.fixture
def site() -> Iterator[Site]:
    """A tenant PRD with a table whose rows tell which backups took part."""
    with Simulator.start(Site.landscape(), speed=200) as simulator:
        site = Site(simulator)
        site.sql("CREATE COLUMN TABLE SYSTEM.T (ID INTEGER)")
        yield site


def add(site: Site, number: int) -> None:
    site.sql(f"INSERT INTO SYSTEM.T VALUES ({number})")


def content(site: Site) -> list[int]:
    return [row["ID"] for row in site.sql("SELECT ID FROM SYSTEM.T ORDER BY ID")[0]]


def backup(site: Site, kind: str, **options: Any) -> dict[str, Any]:
    result = site.call("hana_backup", databases=["PRD"], delay=0.05, kind=kind, **options)
    assert result["changed"], result
    return dict(result["backups"]["PRD"])


def recover(site: Site, **options: Any) -> dict[str, Any]:
    usual = {
        "database": "PRD",
        "to": "latest",
        "confirm_sid": "H01",
        "confirm_usage": ["PRODUCTION"],
        "delay": 0.05,
        "timeout": 60,
        "failure_grace": 2,
    }
    return site.call("hana_recovery", **{**usual, **options})


def on_disk(site: Site, made: dict[str, Any]) -> list[Path]:
    return [Path(site.info["fs"]) / part["path"].lstrip("/") for part in made["destinations"]]


def check(site: Site, made: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Read the files of a backup again, with the simulator's checker on the host db1."""
    host = site.simulator.info["hosts"]["db1"]
    site.environment = {"BASIS_SIMULATED_HOST": host["door"], "HOME": host["home"]}
    program = str(Path(__file__).resolve().parents[2] / "simulator" / "commands" / "hdbbackupcheck")
    options = {"files": [part["path"] for part in made["destinations"]], "hdbbackupcheck_path": program, **options}
    connection = dict.fromkeys(site.options())
    return site.call("hana_backup_check", **connection, **options)


def test_full_differential_and_incremental_backups_bring_all_back(site: Site) -> None:
    for number, kind in enumerate(("full", "differential", "incremental", "incremental"), 1):
        add(site, number)
        assert check(site, backup(site, kind))["available"]
    add(site, 5)
    result = recover(site)
    assert result["changed"] and result["compared"]["missing_logs"] == [], result
    assert content(site) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("lost", ["full", "incremental"])
def test_a_lost_file_of_the_chain_is_found_by_the_check_and_fails_the_recovery(site: Site, lost: str) -> None:
    made = {}
    for number, kind in enumerate(("full", "incremental"), 1):
        add(site, number)
        made[kind] = backup(site, kind)
    for path in on_disk(site, made[lost]):
        path.unlink()
    found = check(site, made[lost])
    assert reason(found) == "backup_damaged" and "No such file" in found["msg"]
    result = recover(site)
    assert result["failed"] and result["changed"] and "448" in result["msg"], result
    assert "PRD is stopped now" in result["msg"]
    assert site.told("RECOVER DATABASE") == 1


def test_what_was_damaged_on_the_disk_is_called_successful_by_the_catalog_and_bad_by_the_check(site: Site) -> None:
    site.simulator.fault("hana_backup_damaged", times=1)
    bad, good = backup(site, "full"), backup(site, "full")
    assert bad["state"] == good["state"] == "successful"
    assert check(site, good)["checked"] == [part["path"] for part in good["destinations"]]
    both = {"destinations": bad["destinations"] + good["destinations"]}
    result = check(site, both)
    assert reason(result) == "backup_damaged" and "is damaged" in result["msg"]
    facts = result["error"]["facts"]
    assert set(facts["good"]) >= {part["path"] for part in good["destinations"]} and len(facts["bad"]) == 1


def test_a_host_without_the_checker_is_a_failure_unless_that_is_allowed(site: Site) -> None:
    made = backup(site, "full")
    assert reason(check(site, made, hdbbackupcheck_path="hdbnothing")) == "no_hdbbackupcheck"
    skipped = check(site, made, hdbbackupcheck_path="hdbnothing", missing="skip")
    assert not skipped["available"] and skipped["checked"] == [] and "read again" in str(skipped["warnings"])
    assert reason(check(site, made, files=["relative"])) == "bad_input"
    assert reason(check(site, {"destinations": []})) == "bad_input"


def test_a_checker_that_does_not_end_makes_the_file_a_bad_one(site: Site, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec tail -f /dev/null\n", encoding="ascii")
    slow.chmod(0o700)
    result = check(site, backup(site, "full"), hdbbackupcheck_path=str(slow), timeout=0.2)
    assert reason(result) == "backup_damaged" and "within 0.2 s" in result["msg"]


def test_a_snapshot_is_recovered_after_it_was_confirmed(site: Site) -> None:
    add(site, 1)
    snapshot = {"databases": None, "delay": None, "kind": "snapshot", "user": "SYSTEM"}
    number = site.call("hana_backup", **snapshot)["backups"]["SYSTEMDB"]["id"]
    add(site, 2)
    confirmed = site.call("hana_backup", **snapshot, snapshot="confirm", external_id="array7/1", backup_id=number)
    assert confirmed["backups"]["SYSTEMDB"]["state"] == "successful"
    add(site, 3)
    result = recover(site, to="backup", medium="snapshot", clear_log=True)
    assert result["changed"] and not result.get("failed"), result
    assert content(site) == [1]


def test_the_catalog_in_another_folder_is_the_one_that_is_read(site: Site) -> None:
    add(site, 1)
    backup(site, "full")
    add(site, 2)
    site.simulator.clock(advance=2000)  # more than two log backups take, each of which writes the catalog
    root = Path(site.info["fs"])
    catalogs = sorted(root.rglob("log_backup_0_0_0_0.*"))
    assert catalogs
    for path in catalogs:
        (root / "moved").mkdir(exist_ok=True)
        path.rename(root / "moved" / path.name)
    lost = recover(site, catalog_path="/nowhere")
    assert lost["failed"] and "448" in lost["msg"], lost
    result = recover(site, catalog_path="/moved")
    assert not result.get("failed") and result["changed"], result
    assert content(site) == [1, 2]
