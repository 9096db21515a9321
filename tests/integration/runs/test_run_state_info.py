# SPDX-License-Identifier: GPL-3.0-or-later
"""What run_state_info tells of runs on a simulated landscape, and what it says where it cannot."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sqlite3
import subprocess
import sys
import typing as t
from pathlib import Path

from tests.integration.runs.conftest import CHAIN, INSTANCE, Site, kill

SECRET = "A-planted-Secret-1"
NONE = "There are no runs."


def ask(site: Site, *arguments: str, **options: t.Any) -> dict[str, t.Any]:
    """What the module answers to a real ansible, which tells no secret."""
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible"),
            "localhost",
            "-m",
            "basis.landscape.run_state_info",
            *(["-a", json.dumps(options)] if options else []),
            *arguments,
        ],
        env=site.environment,
        cwd=site.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search(r"\| (SUCCESS|FAILED!) => (\{.*?^\})", done.stdout, re.MULTILINE | re.DOTALL)
    assert found, done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    answer: dict[str, t.Any] = json.loads(found[2])
    assert answer["changed"] is False
    return {**answer, "failed": found[1] == "FAILED!"}


def dump(site: Site) -> list[str]:
    """Everything in the run database."""
    with contextlib.closing(sqlite3.connect(site.folder / "state" / "runs.db")) as database:
        return list(database.iterdump())


def test_where_there_is_no_run(site: Site) -> None:
    looked = ask(site, "--check")
    missed = ask(site, "--check", run="r9")
    assert (looked["runs"], looked["text"]) == ([], [NONE])
    assert (missed["failed"], missed["kind"]) == (True, "RunNotFound")
    assert not (site.folder / "state").exists(), "check mode makes no run database"

    told = ask(site)
    assert (told["runs"], told["text"]) == ([], [NONE])
    for way in ((), ("--check",)):
        missed = ask(site, *way, run="r9")
        assert (missed["failed"], missed["kind"]) == (True, "RunNotFound")
        assert missed["msg"] == "There is no run r9 in this run database."


def test_a_run_that_failed_and_its_end(site: Site) -> None:
    site.simulator.fault("fails_to_stop", instance=INSTANCE["app"])
    assert site.play("--limit", ",".join(CHAIN), run_name="r1").code == 2
    record = dump(site)
    told = ask(site, run="r1")
    report = told["run"]
    assert (report["run"], report["procedure"], report["state"]) == ("r1", "patch", "partial")
    assert set(report["hosts"]) == set(CHAIN)
    assert report["hosts"]["app"]["state"] == "failed" and report["counts"]["failed"] == 1
    assert report["hosts"]["app"]["step"] == f"{INSTANCE['app']}/stop" and report["hosts"]["app"]["why"]
    assert not report["hosts"]["app"]["rebooted"] and not report["hosts"]["app"]["packages"]
    assert report["record"] == "complete and unchanged"
    assert "continue with -e run=r1" in told["text"]
    assert [line for line in told["text"] if line.startswith(f"failed    {INSTANCE['app']}/stop: ")]
    (run,) = ask(site)["runs"]
    assert (run["id"], run["procedure"], run["state"]) == ("r1", "patch", "partial")
    assert ask(site, "--check", run="r1") == told
    assert dump(site) == record, "a run that nobody carries out is only read"

    site.simulator.clear()
    assert site.play("--limit", ",".join(CHAIN), run="r1").code == 0
    told = ask(site, run="r1")
    assert (told["run"]["state"], told["run"]["counts"]["done"], told["waiting"]) == ("succeeded", 3, [])
    assert told["run"]["hosts"]["app"]["rebooted"] and told["run"]["hosts"]["app"]["packages"]
    assert "continue with -e run=r1" not in told["text"]


def test_a_run_in_progress_and_after_its_end_by_force(site: Site) -> None:
    site.simulator.fault("hang", host="app", operation="Stop")
    process = site.begin(
        run_name="r1", landscape_hosts="web,app,db", sap_stop_timeouts={"web": 60, "app": 60, "db": 60}
    )
    try:
        site.until_step("app", f"stop:{INSTANCE['app']}")
        waits = f"{INSTANCE['db']}/stop"
        waiting = site.until(
            lambda: [row for row in ask(site, run="r1")["waiting"] if row["label"] == waits], why="the database waits"
        )
        told = ask(site, run="r1")
        assert told["run"]["state"] == "running"
        assert (waiting[0]["ci"], waiting[0]["step"]) == ("db", f"stop:{INSTANCE['db']}")
        assert f"{INSTANCE['app']}/stop" in waiting[0]["why"]
        assert f"waits     {waits}: {waiting[0]['why']}" in told["text"]
        assert [(run["id"], run["state"]) for run in ask(site)["runs"]] == [("r1", "running")]
    finally:
        kill(process, signal.SIGKILL)
        site.end(process)
    assert ask(site, run="r1")["run"]["state"] == "lost"
    assert site.state() == "lost"


def test_a_run_database_that_cannot_be_read(site: Site) -> None:
    door = "127.0.0.1:1"  # nothing listens there
    silent = ask(site, database=f"postgresql+psycopg://basis@{door}/runs")
    assert silent["failed"] and silent["kind"] in ("StoreError", "Unavailable"), silent
    secret = ask(site, database=f"postgresql+psycopg://basis:{SECRET}@{door}/runs")
    assert (secret["failed"], secret["kind"]) == (True, "NotPossible")
    assert "carries a password" in secret["msg"]

    damaged = site.folder / "damaged.db"
    damaged.write_bytes(b"no database at all, though it is long enough to be one" * 100)
    for way in ((), ("--check",)):
        told = ask(site, *way, database=f"sqlite:///{damaged}")
        assert told["failed"] and told["kind"] in ("StoreError", "Unavailable"), told
        assert "not a database" in told["msg"]
    assert damaged.read_bytes().startswith(b"no database at all"), "what is not ours is left alone"
