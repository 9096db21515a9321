# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims of hana_backup, hana_backup_catalog, hana_info, hana_sql, proved by the simulated system's own state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hana.modules import MODULES, Site, reason
from tests.simulator.launch import Simulator

pytest.importorskip("hdbcli", reason="hdbcli, SAP's driver, is not installed")


@pytest.fixture
def site() -> Iterator[Site]:
    """A system whose databases are active, without any backup."""
    with Simulator.start(Site.landscape(), speed=200) as simulator:
        yield Site(simulator)


def backup(site: Site, **options: Any) -> dict[str, Any]:
    return site.call("hana_backup", **{"databases": ["PRD"], "delay": 0.05, **options})


def catalog(site: Site, database: str = "PRD", kind: str = "data backup") -> list[dict[str, Any]]:
    entries = site.sql(
        "SELECT BACKUP_ID, ENTRY_TYPE_NAME, STATE_NAME, COMMENT FROM M_BACKUP_CATALOG "
        f"WHERE ENTRY_TYPE_NAME LIKE '%{kind}' ORDER BY BACKUP_ID",
        database=database,
    )
    return entries[0]


def files(site: Site, result: dict[str, Any], database: str = "PRD") -> list[Path]:
    root = Path(site.info["fs"])
    return [root / part["path"].lstrip("/") for part in result["backups"][database]["destinations"]]


# Backups


def test_all_databases_side_by_side_and_no_other_within_the_age(site: Site) -> None:
    site.simulator.clock(speed=20)
    result = backup(site, databases=["all"])
    assert result["changed"] and sorted(result["backups"]) == ["PRD", "QAS", "SYSTEMDB"]
    for database, made in result["backups"].items():
        assert (made["kind"], made["state"]) == ("full", "successful") and made["bytes"] > 0 and made["seconds"] > 0
        assert all(path.is_file() for path in files(site, result, database))
    spans = [(made["started"], made["ended"]) for made in result["backups"].values()]
    assert max(start for start, _end in spans) < min(end for _start, end in spans), "one after the other"
    again = backup(site, databases=["all"], max_age_hours=1)
    assert not again["changed"] and again["steps"] == []
    assert {name: made["id"] for name, made in again["backups"].items()} == {
        name: made["id"] for name, made in result["backups"].items()
    }
    assert site.told("BACKUP DATA") == 3


@pytest.mark.parametrize("kind", ["incremental", "differential"])
def test_a_delta_needs_a_full_backup_then_builds_on_it(site: Site, kind: str) -> None:
    refused = backup(site, kind=kind)
    assert reason(refused) == "no_full_backup" and site.told("BACKUP DATA") == 0
    full = backup(site)
    delta = backup(site, kind=kind)
    assert delta["changed"] and delta["backups"]["PRD"]["kind"] == kind
    assert delta["backups"]["PRD"]["id"] > full["backups"]["PRD"]["id"]


def test_backint_and_a_folder_of_its_own(site: Site) -> None:
    tool = backup(site, medium="backint", tool_option="pool=7")
    assert {part["medium"] for part in tool["backups"]["PRD"]["destinations"]} == {"backint"}
    own = backup(site, directory="/backup/own", prefix="NIGHTLY")
    assert all(part["path"].startswith("/backup/own/NIGHTLY_") for part in own["backups"]["PRD"]["destinations"])
    assert reason(backup(site, medium="backint", directory="/backup")) == "bad_input"
    assert reason(backup(site, directory="backup")) == "bad_input"


def test_databases_beside_each_other_share_a_folder_and_no_file(site: Site) -> None:
    made = backup(site, databases=["all"], directory="/backup/own")
    paths = [part["path"] for row in made["backups"].values() for part in row["destinations"]]
    assert len(made["backups"]) == 3 and len(set(paths)) == len(paths), "one backup overwrote another's file"


def test_another_system_than_the_confirmed_one_is_left_alone(site: Site) -> None:
    for kind in ("full", "snapshot"):
        refused = backup(site, databases=["all"], kind=kind, confirm_sid="H02", user="SYSTEM")
        assert (refused["error"]["kind"], reason(refused)) == ("denied", "wrong_system") and not refused["changed"]
    assert reason(clean(site, keep_count=1, confirm_sid="H02")) == "wrong_system"
    assert site.told("BACKUP") == 0
    assert backup(site, confirm_sid="H01")["changed"] and reason(backup(site, confirm_sid="h01")) == "bad_input"


@pytest.mark.parametrize(
    "options",
    [
        {"snapshot": "confirm", "external_id": "array7/1"},
        {"snapshot": "abandon"},
        {"backup_id": 5},
        {"kind": "snapshot", "max_age_hours": 5},
        {"tool_option": "pool=7"},
        {"hana_host": ""},
        {"hana_user": " "},
    ],
)
def test_an_option_that_would_be_left_out_is_refused(site: Site, options: dict[str, Any]) -> None:
    assert reason(backup(site, **options)) == "bad_input" and site.told("BACKUP") == 0


def test_odd_numbers_are_no_crash(site: Site) -> None:
    backup(site)
    for days in (1e6, 1e300, -1):
        assert reason(clean(site, keep_days=days)) == "bad_input"
        assert reason(site.call("hana_info", backup_days=int(min(days, 1e6)))) == "bad_input"
    again = backup(site, max_age_hours=1e300, hana_timeout=1e300, hana_connect_timeout=0.0001)
    assert reason(again) == "not_reached", "a limit that is next to nothing is not none"
    assert not backup(site, max_age_hours=1e300, hana_timeout=1e300)["changed"]


def test_a_tenant_through_its_own_connection(site: Site) -> None:
    result = backup(site, user="SYSTEM", hana_database="PRD")
    assert result["backups"]["PRD"]["state"] == "successful"
    other = backup(site, user="SYSTEM", hana_database="PRD", databases=["QAS"])
    assert reason(other) == "bad_input"


def test_names_cannot_be_read_as_sql(site: Site) -> None:
    result = backup(site, comment="it's; DROP TABLE", prefix="a'b")
    assert result["backups"]["PRD"]["comment"].startswith("it's; DROP TABLE [")
    assert reason(backup(site, databases=['PRD" USING'])) == "bad_input"


def test_check_mode_begins_nothing(site: Site) -> None:
    result = backup(site, check=True)
    assert result["changed"] and [step["outcome"] for step in result["steps"]] == ["planned", "planned"]
    assert "would begin the full backup of PRD" in result["diff"]["after"]
    assert site.told("BACKUP") == 0 and catalog(site) == []


def test_a_running_backup_is_waited_for_and_taken(site: Site) -> None:
    site.simulator.clock(speed=10)
    first = site.begin("hana_backup", databases=["PRD"], delay=0.05)
    site.simulator.wait(effect="hana_backup_started", database="PRD")
    second = backup(site)
    made = first.end()
    assert made["changed"] and not second["changed"]
    assert second["backups"]["PRD"]["id"] == made["backups"]["PRD"]["id"]
    assert site.told("BACKUP DATA") == 1


def test_a_lost_connection_is_looked_after_and_nothing_is_begun_twice(site: Site) -> None:
    site.simulator.fault("hana_connection_lost", operation="BACKUP DATA", times=1)
    result = backup(site)
    assert result["changed"] and result["backups"]["PRD"]["state"] == "successful"
    assert result["steps"][0]["answered"] is False
    assert site.told("BACKUP DATA") == 1 and len(catalog(site)) == 1


def test_a_statement_that_never_arrives_stays_unknown(site: Site) -> None:
    site.simulator.fault("hana_hang", operation="BACKUP DATA", times=1)
    result = backup(site, hana_timeout=1.0, failure_grace=1.0)
    assert result["failed"] and result["error"]["kind"] == "unknown" and result["changed"]
    assert site.told("BACKUP DATA") == 1 and catalog(site) == []


@pytest.mark.parametrize("fault, words", [("hana_backup_full", "space"), ("hana_backup_fails", "Backint")])
def test_a_backup_that_fails_is_a_failure_in_hanas_words(site: Site, fault: str, words: str) -> None:
    site.simulator.fault(fault, database="PRD", times=1)
    result = backup(site, databases=["PRD", "QAS"])
    assert reason(result) == "backup_failed" and words in result["msg"] and "PRD" in result["msg"]
    assert result["error"]["facts"]["successful"]["QAS"]["state"] == "successful", "the other one went on"
    assert [row["STATE_NAME"] for row in catalog(site)] == ["failed"]


def test_a_database_that_stops_in_the_middle(site: Site) -> None:
    site.simulator.clock(speed=10)
    site.simulator.fault("hana_stop_in_the_middle", database="PRD", times=1)
    result = backup(site, timeout=3600, failure_grace=1)
    assert reason(result) == "hopeless" and "PRD" in result["msg"], "it is not waited for until the timeout"
    assert reason(backup(site)) == "not_active"


def test_a_stopped_database_is_named(site: Site) -> None:
    site.call("hana_sql", user="SYSTEM", changes=True, statements=[{"sql": "ALTER SYSTEM STOP DATABASE QAS"}])
    assert reason(backup(site, databases=["QAS"])) == "not_active"
    made = backup(site, databases=["all"])
    left_out = {"QAS": "stopped (M_DATABASES says NO)"}
    assert sorted(made["backups"]) == ["PRD", "SYSTEMDB"] and made["left_out"] == left_out
    old = clean(site, databases=["all"], keep_count=1)
    assert sorted(old["databases"]) == ["PRD", "SYSTEMDB"] and old["left_out"] == left_out
    for result in (made, old):
        assert "QAS was left out: it is stopped (M_DATABASES says NO)." in json.dumps(result["warnings"])
    assert backup(site)["left_out"] == {}, "who names what they want misses nothing"
    assert reason(backup(site, databases=["XYZ"])) == "bad_input"
    assert reason(clean(site, databases=["QAS"], keep_count=1)) == "not_active", (
        "a catalog that cannot be read is not empty"
    )


@pytest.mark.parametrize("power", ["START", "STOP"])
def test_a_database_on_its_way_is_named(site: Site, power: str) -> None:
    changes = [{"sql": "ALTER SYSTEM STOP DATABASE QAS"}, {"sql": "ALTER SYSTEM START DATABASE QAS"}]
    if power == "START":
        site.simulator.fault("hana_tenant_stays_down", database="QAS")
        site.call("hana_sql", user="SYSTEM", changes=True, statements=changes)
        word = "starting (M_DATABASES says STARTING)"
    else:
        site.simulator.clock(speed=0.01)
        site.call("hana_sql", user="SYSTEM", changes=True, statements=changes[:1], hana_timeout=1)
        word = "stopping (M_DATABASES says STOPPING)"
    made = backup(site, databases=["all"], max_age_hours=1, check=True)
    assert sorted(made["before"]) == ["PRD", "SYSTEMDB"] and made["left_out"] == {"QAS": word} and made["warnings"]
    assert reason(backup(site, databases=["QAS"])) == "not_active"


def test_no_database_is_never_a_success(site: Site) -> None:
    for refused in (backup(site, databases=[]), clean(site, databases=[], keep_count=1)):
        assert reason(refused) == "bad_input" and "Name the databases, or say all" in refused["msg"]
    assert site.told("LOGON") == 0
    through = backup(site, user="SYSTEM", hana_database="PRD", databases=["all"])
    assert reason(through) == "bad_input" and "sees itself alone" in through["msg"]
    site.simulator.hana("H01", "user", user="BACKUP_ADMIN_USER", privileges=["BACKUP ADMIN", "DATABASE ADMIN"])
    calls: list[tuple[str, dict[str, Any]]] = [
        ("hana_backup", {}),
        ("hana_backup", {"databases": ["PRD"]}),
        ("hana_backup_catalog", {"keep_count": 1, "scope": "complete"}),
        ("hana_info", {}),
        ("hana_database", {"database": "QAS", "state": "absent", "confirm_sid": "H01"}),
    ]
    for module, options in calls:
        hidden = site.call(module, **options)
        assert reason(hidden) == "not_shown" and "CATALOG READ" in hidden["msg"], module
    assert site.told("BACKUP") == site.told("DROP") == 0


def test_snapshot_is_created_confirmed_abandoned(site: Site) -> None:
    made = backup(site, kind="snapshot", user="SYSTEM")
    assert made["changed"] and made["backups"]["SYSTEMDB"]["state"] == "prepared"
    assert reason(backup(site, kind="snapshot", user="SYSTEM")) == "snapshot_open"
    confirmed = backup(site, kind="snapshot", user="SYSTEM", snapshot="confirm", external_id="array7/1")
    assert confirmed["backups"]["SYSTEMDB"]["state"] == "successful"
    number = made["backups"]["SYSTEMDB"]["id"]
    again = backup(site, kind="snapshot", user="SYSTEM", snapshot="confirm", external_id="x", backup_id=number)
    assert not again["changed"]
    other = backup(site, kind="snapshot", user="SYSTEM")["backups"]["SYSTEMDB"]["id"]
    gone = backup(site, kind="snapshot", user="SYSTEM", snapshot="abandon", backup_id=other)
    assert gone["changed"] and gone["backups"]["SYSTEMDB"]["state"] == "failed"


# Who may, and how it is reached


def test_a_wrong_password_is_tried_once(site: Site) -> None:
    result = backup(site, hana_password="wrong-but-secret")
    assert (result["error"]["kind"], reason(result)) == ("denied", "credentials")
    assert "wrong-but-secret" not in json.dumps(result)
    assert site.told("LOGON") == 1


@pytest.mark.parametrize(
    "state, name", [("locked", "user_locked"), ("deactivated", "user_deactivated"), ("expired", "password_expired")]
)
def test_an_account_that_may_not_log_on(site: Site, state: str, name: str) -> None:
    site.simulator.hana("H01", "user", user="BACKUP_ADMIN_USER", state=state)
    result = backup(site)
    assert (result["error"]["kind"], reason(result)) == ("denied", name)


def test_a_missing_privilege(site: Site) -> None:
    result = backup(site, user="MONITOR_USER")
    assert (result["error"]["kind"], reason(result)) == ("denied", "privilege")
    assert catalog(site) == []


def test_operator_may_back_up_and_not_clean(site: Site) -> None:
    backup(site, user="BACKUP_OPERATOR_USER")
    backup(site, user="BACKUP_OPERATOR_USER")
    result = site.call("hana_backup_catalog", user="BACKUP_OPERATOR_USER", keep_count=1, scope="complete")
    assert (result["error"]["kind"], reason(result)) == ("denied", "privilege")
    assert len(catalog(site)) == 2


def test_system_is_warned_about(site: Site) -> None:
    assert "SYSTEM" in json.dumps(site.call("hana_info", user="SYSTEM")["warnings"])
    assert "warnings" not in site.call("hana_info")


@pytest.mark.parametrize(
    "options",
    [
        {"hana_certificate_host": "elsewhere.example.com"},
        {"hana_ca_file": None},
        {"hana_instance": None, "hana_port": 30099},
    ],
    ids=["another host's certificate", "unknown authority", "nobody listens"],
)
def test_not_reached(site: Site, options: dict[str, Any]) -> None:
    result = backup(site, **options)
    assert (result["error"]["kind"], reason(result)) == ("unreachable", "not_reached")


def test_an_expired_certificate(site: Site) -> None:
    site.simulator.fault("expired_certificate", host="db1")
    result = backup(site)
    assert (result["error"]["kind"], reason(result)) == ("unreachable", "not_reached")


def test_without_encryption_only_when_asked_and_said(site: Site) -> None:
    result = backup(site, hana_encrypt=False, hana_ca_file=None, hana_certificate_host=None)
    assert result["changed"] and "can be read on the network" in json.dumps(result["warnings"])


def test_without_the_driver(site: Site, tmp_path: Path) -> None:
    (tmp_path / "hdbcli").mkdir()
    (tmp_path / "hdbcli" / "__init__.py").write_text("raise ImportError('none')\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import runpy; sys.argv = sys.argv[:1]; "
    program += f"runpy.run_module('{MODULES}.hana_info', run_name='__main__')"
    result = site.begin("hana_info", python=("-c", program)).end()
    assert reason(result) == "no_driver" and "pip install hdbcli" in result["msg"] and "License" in result["msg"]


def test_an_unknown_key_of_the_secure_store(site: Site) -> None:
    none = dict.fromkeys(site.options())
    result = backup(site, **{**none, "hana_key": "NOBODY"})
    assert reason(result) == "no_key"


# Retention


def clean(site: Site, **options: Any) -> dict[str, Any]:
    return site.call("hana_backup_catalog", **{"databases": ["PRD"], "scope": "complete", "delay": 0.05, **options})


def test_what_goes_is_told_first_then_goes_with_its_files(site: Site) -> None:
    old = [backup(site), backup(site, kind="incremental")]
    kept = [backup(site), backup(site, kind="differential")]
    told = clean(site, keep_count=1, check=True)
    assert told["changed"] and [row["id"] for row in told["databases"]["PRD"]["data"]] == [
        made["backups"]["PRD"]["id"] for made in old
    ]
    for made in old:
        assert str(made["backups"]["PRD"]["id"]) in told["diff"]["before"]
        assert all(path.is_file() for path in files(site, made))
    result = clean(site, keep_count=1)
    assert result["changed"] and result["databases"] == told["databases"]
    assert result["databases"]["PRD"]["bytes"]["file"] > 0
    assert [row["BACKUP_ID"] for row in catalog(site)] == [made["backups"]["PRD"]["id"] for made in kept]
    assert not any(path.exists() for made in old for path in files(site, made))
    assert all(path.is_file() for made in kept for path in files(site, made))
    again = clean(site, keep_count=1)
    assert not again["changed"] and again["steps"] == []


def test_entries_alone(site: Site) -> None:
    old = backup(site)
    backup(site)
    assert clean(site, keep_count=1, scope="catalog")["changed"]
    assert all(path.is_file() for path in files(site, old)) and len(catalog(site)) == 1


def test_by_age_the_full_backup_before_the_kept_days_stays(site: Site) -> None:
    made = []
    for _day in range(4):
        made.append(backup(site)["backups"]["PRD"]["id"])
        site.simulator.clock(advance=86400)
    # Now the backups are about 4, 3, 2 and 1 days old.
    result = clean(site, keep_days=2.5)
    assert result["databases"]["PRD"]["anchor"]["id"] == made[1]
    assert [row["BACKUP_ID"] for row in catalog(site)] == made[1:]


def test_nothing_goes_without_a_base_or_while_one_runs(site: Site) -> None:
    backup(site)
    for options in ({"keep_count": 2}, {"keep_days": 30}):
        result = clean(site, **options)
        assert (
            not result["changed"] and result["databases"]["PRD"]["anchor"] is None and result["databases"]["PRD"]["why"]
        )
    assert reason(clean(site, keep_count=0)) == "bad_input"
    backup(site)
    site.simulator.clock(speed=10)
    running = site.begin("hana_backup", databases=["PRD"], delay=0.05)
    site.simulator.wait(effect="hana_backup_started", database="PRD", after=len(site.simulator.journal()))
    assert reason(clean(site, keep_count=1)) == "backup_running"
    assert running.end()["changed"]


def test_a_hundred_thousand_entries_in_constant_memory(site: Site) -> None:
    first, last = backup(site)["backups"]["PRD"]["id"], None
    usual = peak(site)
    site.simulator.hana("H01", "catalog", database="PRD", entries=100_000)
    last = backup(site)["backups"]["PRD"]["id"]
    assert first < last
    large = peak(site)
    assert large - usual < 8 * 1024, f"{usual} KiB for a small catalog, {large} KiB for a large one"
    result = clean(site, keep_count=1)
    assert result["databases"]["PRD"]["logs"]["count"] >= 100_000
    assert [row["BACKUP_ID"] for row in catalog(site)] == [last]


def peak(site: Site) -> int:
    """The most memory that a look at the catalog takes, in KiB."""
    program = (
        "import atexit, resource, runpy, sys; sys.argv = sys.argv[:1]; "
        "atexit.register(lambda: print('\\n', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)); "
        f"runpy.run_module('{MODULES}.hana_backup_catalog', run_name='__main__')"
    )
    call = site.begin(
        "hana_backup_catalog", python=("-c", program), databases=["PRD"], keep_count=1, scope="complete", check=True
    )
    out, err = call.process.communicate(timeout=90)
    assert out.strip().startswith("{"), out + err
    return int(err.split()[-1])


# hana_sql, hana_info


def test_statements_are_bound_and_all_or_none(site: Site) -> None:
    site.sql("CREATE TABLE NOTES (ID INTEGER PRIMARY KEY, WORDS NVARCHAR(100))")
    hostile = "x'); DROP TABLE NOTES; --"
    options = {"user": "SYSTEM", "hana_database": "PRD"}
    rows = [{"sql": "INSERT INTO NOTES VALUES (?, ?)", "parameters": [number, hostile]} for number in (1, 2)]
    assert site.call("hana_sql", changes=True, statements=rows, **options)["results"][0]["rowcount"] == 1
    failed = site.call(
        "hana_sql",
        changes=True,
        statements=[{"sql": "INSERT INTO NOTES VALUES (?, ?)", "parameters": [3, "c"]}, rows[0]],
        **options,
    )
    assert failed["error"]["facts"]["code"] == 301 and "statement 2" in failed["msg"]
    assert site.sql("SELECT ID, WORDS FROM NOTES ORDER BY ID") == [
        [{"ID": 1, "WORDS": hostile}, {"ID": 2, "WORDS": hostile}]
    ]


def test_read_only_unless_told_otherwise(site: Site) -> None:
    wish = [{"sql": "SELECT * FROM DUMMY"}, {"sql": "DROP TABLE NOTES"}]
    refused = site.call("hana_sql", statements=wish)
    assert (refused["error"]["kind"], reason(refused)) == ("denied", "read_only") and "number 2" in refused["msg"]
    planned = site.call("hana_sql", statements=wish, changes=True, check=True)
    assert planned["changed"] and "results" not in planned
    assert site.told("DROP") == 0 and site.told("SELECT") == 0
    twins = site.call("hana_sql", statements=[{"sql": "SELECT DUMMY, DUMMY FROM DUMMY"}])
    assert reason(twins) == "bad_input" and "called DUMMY; give each its own name" in twins["msg"]
    wrong = site.call("hana_sql", statements=[{"sql": "SELECT FROM WHERE"}])
    assert wrong["error"]["facts"]["code"] == 257


def test_a_change_that_is_not_answered_may_have_happened(site: Site) -> None:
    site.simulator.fault("hana_hang", operation="CREATE TABLE", times=1)
    wish = [{"sql": "CREATE TABLE NOTES (ID INTEGER)"}]
    result = site.call("hana_sql", user="SYSTEM", statements=wish, changes=True, hana_timeout=1)
    assert result["failed"] and result["error"]["kind"] == "unknown" and result["changed"]
    unbound = [{"sql": "SELECT * FROM DUMMY WHERE DUMMY = ?", "parameters": [{"a": 1}]}]
    assert reason(site.call("hana_sql", statements=unbound)) == "sql"


def test_info_tells_ages_and_what_cannot_be_read(site: Site) -> None:
    backup(site)
    site.simulator.clock(advance=7200)
    told = site.call("hana_info", databases=["PRD"])
    assert told["identity"]["sid"] == "H01" and sorted(told["databases"]) == ["PRD"]
    full = told["databases"]["PRD"]["backups"]["full"]
    assert 2 <= full["age_hours"] < 3 and told["problems"] == []
    assert reason(site.call("hana_info", databases=["XYZ"])) == "bad_input"
