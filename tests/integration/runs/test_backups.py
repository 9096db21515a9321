# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of many systems as one run: bounded by storage, continued after a kill, named where they fail."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from tests.env.host_python import HostPython
from tests.integration.runs.conftest import Site, kill
from tests.simulator.launch import Simulator

pytest.importorskip("hdbcli", reason="hdbcli, SAP's driver, is not installed")
SIDS = ("HD1", "HD2", "HD3")
LANDSCAPE: dict[str, t.Any] = {
    "hosts": [{"name": name, "environment": "production"} for name in ("db1", "db2", "db3", "web")],
    "systems": [
        {"name": sid, "sid": sid, "type": "hana", "simulation": {"hana": {"tenants": [f"T{sid[2]}"]}}} for sid in SIDS
    ]
    + [{"name": "WDP", "sid": "WDP", "type": "webdisp"}],
    "instances": [
        {"name": "HDB00", "system": sid, "host": f"db{sid[2]}", "number": "00", "kind": "hana"} for sid in SIDS
    ]
    + [{"name": "W20", "system": "WDP", "host": "web", "number": "20", "kind": "webdisp"}],
    "relations": [{"source": "WDP", "target": "HD1", "type": "depends_on"}],
    "calendars": [],
}
OPTIONS = {"hana_backup_delay": 0.1, "landscape_backup_parallel": {"nas": 1}}


@pytest.fixture
def databases(tmp_path: pathlib.Path, host_python: HostPython) -> t.Iterator[Site]:
    """Three HANA systems, of which the first two back up to one storage."""
    with Simulator.start(LANDSCAPE, speed=30) as simulator:
        site = Site(tmp_path, simulator, host_python)
        (tmp_path / "host_vars").mkdir()
        for host in ("db1", "db2"):
            (tmp_path / "host_vars" / f"{host}.yml").write_text("hana_backup_target: nas\n")
        yield site


def spans(site: Site) -> dict[str, tuple[float, float]]:
    """When each host's first backup began, when its last one ended."""
    found: dict[str, tuple[float, float]] = {}
    for row in site.simulator.journal():
        if row.get("effect") in ("hana_backup_started", "hana_backup_finished", "hana_backup_failed"):
            begin, _end = found.get(row["host"], (row["t"], row["t"]))
            found[row["host"]] = (begin, row["t"])
    return found


def begun(site: Site) -> list[tuple[str, str]]:
    """Every data backup that was begun, as host and database."""
    return [
        (row["host"], row["database"]) for row in site.simulator.journal() if row.get("effect") == "hana_backup_started"
    ]


def test_one_at_a_time_for_each_storage_then_cleaned(databases: Site) -> None:
    outcome = databases.play(playbook="backup_databases", run_name="b1", **OPTIONS)
    assert outcome.code == 0, outcome.output
    assert sorted(begun(databases)) == sorted((f"db{n}", name) for n in "123" for name in ("SYSTEMDB", f"T{n}"))
    when = spans(databases)
    first, second = sorted((when["db1"], when["db2"]))
    assert first[1] <= second[0], "two systems wrote to one storage at a time"
    assert when["db3"][0] < first[1], "who writes elsewhere does not wait"
    assert set(databases.states("b1")) == {"db1", "db2", "db3"}
    report = json.loads((databases.folder / "state" / "reports" / "b1.json").read_text())
    made = {row["database"]: row for row in report["hosts"]["db2"]["backups"]}
    assert sorted(made) == ["SYSTEMDB", "T2"] and made["T2"]["state"] == "successful" and made["T2"]["bytes"] > 0
    page = (databases.folder / "state" / "reports" / "b1.html").read_text()
    assert made["T2"]["what"] in page and "Backups" in page
    secrets = [system["users"]["BACKUP_ADMIN_USER"] for system in databases.simulator.info["hana"].values()]
    written = [path.read_bytes().decode("utf-8", "replace") for path in databases.folder.rglob("*") if path.is_file()]
    assert not [secret for secret in secrets for text in (outcome.output, *written) if secret in text]
    again = databases.play(playbook="backup_databases", run_name="b2", **OPTIONS)
    assert again.code == 0 and len(begun(databases)) == 6, "within twelve hours no other is made"
    more = databases.play(playbook="backup_databases", run_name="b3", hana_backup_max_age_hours=0, **OPTIONS)
    assert more.code == 0 and len(begun(databases)) == 12
    clean = {"playbook": "clean_backups", "hana_backup_keep_days": 0, "hana_backup_keep_count": 1}
    databases.simulator.fault("hana_slow", operation="BACKUP CATALOG DELETE", seconds=3)
    process = databases.begin(run_name="c1", **clean)
    databases.simulator.wait(deadline=60, effect="hana_catalog_deleted")
    kill(process)  # of each system one of two databases is cleaned at most
    databases.end(process)
    assert "done" not in {steps[f"clean_backups:HD{host[2]}"] for host, steps in databases.states("c1").items()}
    databases.simulator.clear()
    cleaned = databases.play(run="c1", **clean)
    assert cleaned.code == 0, cleaned.output
    removed = [row for row in databases.simulator.journal() if row.get("effect") == "hana_catalog_deleted"]
    whose = sorted((row["host"], row["database"]) for row in removed)
    assert whose == sorted((f"db{n}", name) for n in "123" for name in ("SYSTEMDB", f"T{n}")), "each once"
    assert databases.state("c1") == "succeeded"


def test_killed_in_a_backup_and_continued(databases: Site) -> None:
    process = databases.begin(playbook="backup_databases", run_name="b1", landscape_hosts="db1", **OPTIONS)
    databases.simulator.wait(deadline=60, effect="hana_backup_started", database="T1")
    kill(process)
    databases.end(process)
    outcome = databases.play(playbook="backup_databases", run="b1", landscape_hosts="db1", **OPTIONS)
    assert outcome.code == 0, outcome.output
    assert sorted(begun(databases)) == [("db1", "SYSTEMDB"), ("db1", "T1")], "nothing was begun twice"


def test_one_that_fails_is_named_and_gives_its_place_back(databases: Site) -> None:
    databases.simulator.fault("hana_backup_full", database="T1")
    outcome = databases.play(playbook="backup_databases", run_name="b1", **OPTIONS)
    assert outcome.code == 2
    assert "HD1/db1/-/backup" in outcome.output and "space" in outcome.output
    states = databases.states("b1")
    assert states["db1"]["backup:HD1"] == "failed"
    assert {states[f"db{n}"][f"backup:HD{n}"] for n in "23"} == {"done"}


def test_files_are_read_again_where_that_is_asked_for(databases: Site) -> None:
    databases.simulator.fault("hana_backup_damaged", database="T1", times=1)
    outcome = databases.play(playbook="backup_databases", run_name="b1", hana_backup_check="always", **OPTIONS)
    assert outcome.code == 2
    assert "HD1/db1/-/backup" in outcome.output and "is damaged" in outcome.output
    states = databases.states("b1")
    assert states["db1"]["backup:HD1"] == "failed"
    assert {states[f"db{n}"][f"backup:HD{n}"] for n in "23"} == {"done"}
    again = databases.play(playbook="backup_databases", run="b1", hana_backup_check="always", **OPTIONS)
    assert again.code == 2 and "is damaged" in again.output, "the young backup is still the damaged one"
    new = {"hana_backup_max_age_hours": 0, "hana_backup_check": "available"}
    mended = databases.play(playbook="backup_databases", run="b1", **new, **OPTIONS)
    assert mended.code == 0, mended.output
    with databases.store() as store:
        step = next(row for row in store.steps("b1") if row["step"] == "backup:HD1")
    assert len(step["result"]["checked"]) >= 2


def test_check_mode_and_a_landscape_without_databases(databases: Site) -> None:
    planned = databases.play("--check", playbook="backup_databases", run_name="b1", **OPTIONS)
    assert planned.code == 0 and "backup: 3 hosts in 3 systems" in planned.output and begun(databases) == []
    refused = databases.play("--limit", "web", playbook="backup_databases", run_name="b1", **OPTIONS)
    assert refused.code != 0 and "none of its hosts has a HANA database" in refused.output
    wrong = databases.play(playbook="backup_databases", run_name="b1", hana_backup_kind="ful", **OPTIONS)
    assert wrong.code != 0 and "hana_backup_kind" in wrong.output and begun(databases) == []


def test_nothing_is_changed_before_a_young_backup_is_there(databases: Site) -> None:
    hours = {"landscape_require_backup_hours": 24}
    planned = databases.play("--check", run_name="r1", **hours)
    assert "db1: nothing of its group is changed unless" in planned.output
    tagged = databases.play("--check", "--tags", "stop,start,verify", run_name="r1", **hours)
    assert tagged.code == 0 and "db1: nothing of its group is changed unless" in tagged.output
    refused = databases.play(run_name="r1", landscape_hosts="web,db1", **hours)
    assert refused.code == 2
    assert "HD1/db1/-/check_backup" in refused.output and "of SYSTEMDB, T1" in refused.output
    assert not databases.effects("stopping", "patching", "reboot_requested")
    assert databases.states("r1")["web"]["stop:WDP/web/W20"] == "blocked"
    assert databases.play(playbook="backup_databases", run_name="b1", landscape_hosts="db1", **OPTIONS).code == 0
    outcome = databases.play(run="r1", landscape_hosts="web,db1", **hours)
    assert outcome.code == 0, outcome.output
    assert {host for _effect, host in databases.effects("patched")} == {"web", "db1"}
    with databases.store() as store:
        checked = next(step for step in store.steps("r1") if step["step"] == "check_backup:HD1")
    assert checked["ci"] == "db1" and checked["result"]["backups"]["T1"]["id"] > 0, "it stands in the record"
    wrong = databases.play(run_name="r2", landscape_hosts="db2", landscape_require_backup_hours="often")
    assert wrong.code != 0 and "require_backup db2" in wrong.output


def power(site: Site, statement: str) -> None:
    """Have the first system stop or start a tenant."""
    from hdbcli import dbapi

    told = site.simulator.info["hana"]["HD1"]
    port = 30013 + 100 * int(told["number"])
    options = {"encrypt": True, "sslValidateCertificate": False}
    connection = dbapi.connect(told["address"], port, "SYSTEM", told["users"]["SYSTEM"], **options)
    connection.cursor().execute(statement)
    connection.close()


def test_a_database_that_is_not_active_is_not_passed_over(databases: Site) -> None:
    power(databases, "ALTER SYSTEM STOP DATABASE T1")
    made = databases.play(playbook="backup_databases", run_name="b1", landscape_hosts="db1", **OPTIONS)
    assert made.code == 0, made.output
    assert re.search(r"HD1/db1/-/backup done in \d+ s: T1 was left out, as it is stopped", made.output)
    assert begun(databases) == [("db1", "SYSTEMDB")]
    report = json.loads((databases.folder / "state" / "reports" / "b1.json").read_text())
    left_out = {"database": "T1", "what": "left out", "state": "stopped (M_DATABASES says NO)"}
    assert left_out.items() <= report["hosts"]["db1"]["backups"][-1].items()
    options: dict[str, t.Any] = {"landscape_require_backup_hours": 24, "landscape_hosts": "web,db1"}
    refused = databases.play(run_name="r1", **options)
    words = "of T1, whose catalog cannot be read as it is stopped (M_DATABASES says NO)"
    assert refused.code == 2 and words in refused.output
    assert databases.states("r1")["db1"]["check_backup:HD1"] == "failed"
    # Said to be meant to be down, and on its way up: it is not down.
    options["landscape_databases_down"] = ["t1"]
    fault = databases.simulator.fault("hana_tenant_stays_down", database="T1")
    power(databases, "ALTER SYSTEM START DATABASE T1")
    coming = databases.play(run="r1", **options)
    assert coming.code == 2 and "of T1, whose catalog cannot be read as it is starting" in coming.output
    # It runs: it needs a backup as every other one, whatever is said of it.
    databases.simulator.clear(fault)
    running = databases.play(run="r1", **options)
    assert running.code == 2 and "is known of T1. Back up first" in running.output
    assert not databases.effects("stopping", "patching", "reboot_requested")
    power(databases, "ALTER SYSTEM STOP DATABASE T1")
    outcome = databases.play(run="r1", **options)
    assert outcome.code == 0 and databases.state("r1") == "succeeded", outcome.output
    assert re.search(r"check_backup done in \d+ s: T1 was left out, as it is stopped", outcome.output)


# A host belongs to one open run, so each playbook has its own.
HOST_OF = {"backup_databases": "db1", "clean_backups": "db2", "patch_landscape": "db3"}


def test_no_database_is_no_backup(databases: Site) -> None:
    for playbook, step in (("backup_databases", "backup:HD1"), ("clean_backups", "clean_backups:HD2")):
        empty: dict[str, t.Any] = {"landscape_hosts": HOST_OF[playbook], "hana_backup_databases": []}
        outcome = databases.play(playbook=playbook, run_name=playbook, **empty)
        assert outcome.code == 2 and "the list of databases is empty" in outcome.output
        assert databases.states(playbook)[HOST_OF[playbook]][step] == "failed"


def test_rows_that_the_user_may_not_see_are_no_answer(databases: Site) -> None:
    for sid in SIDS:
        databases.simulator.hana(sid, "user", user="BACKUP_ADMIN_USER", privileges=["BACKUP ADMIN"])
    for playbook, host in HOST_OF.items():
        options: dict[str, t.Any] = {"landscape_hosts": host, "landscape_require_backup_hours": 24}
        outcome = databases.play(playbook=playbook, run_name=playbook, **options)
        assert outcome.code == 2 and "M_DATABASES does not show SYSTEMDB" in outcome.output
    assert begun(databases) == [] and not databases.effects("stopping", "patching")


def test_a_step_proves_that_there_is_something_in_its_result(databases: Site) -> None:
    nothing: dict[str, t.Any] = {"before": {}, "backups": {}, "left_out": {}}
    cases: dict[str, tuple[dict[str, t.Any], str]] = {
        "backup_databases": ({"hana_backup_result": {}}, "no database is named that has a backup"),
        "clean_backups": ({"hana_backup_cleaned": {}}, "no database is named whose catalog was read"),
        "patch_landscape": ({"maintenance_backup": nothing, "landscape_require_backup_hours": 24}, "of any database"),
    }
    for playbook, (empty, words) in cases.items():
        # An extra variable wins over what the step learned.
        outcome = databases.play(playbook=playbook, run_name=playbook, landscape_hosts=HOST_OF[playbook], **empty)
        assert outcome.code == 2 and words in outcome.output, outcome.output
    assert not databases.effects("stopping", "patching")


def test_killed_while_a_backup_is_looked_for(databases: Site) -> None:
    assert databases.play(playbook="backup_databases", run_name="b1", landscape_hosts="db1", **OPTIONS).code == 0
    databases.simulator.fault("hana_slow", host="db1", seconds=4)
    options = {"landscape_hosts": "web,db1", "landscape_require_backup_hours": 24}
    process = databases.begin(run_name="r1", **options)
    databases.until_step("db1", "check_backup:HD1")
    kill(process)
    databases.end(process)
    databases.simulator.clear()
    assert not databases.effects("stopping", "patching", "reboot_requested")
    outcome = databases.play(run="r1", **options)
    assert outcome.code == 0 and databases.state() == "succeeded", outcome.output
    for effect in ("stopped", "patched", "started"):
        assert sorted(host for _effect, host in databases.effects(effect)) == ["db1", "web"]
