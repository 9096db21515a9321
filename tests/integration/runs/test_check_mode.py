# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``--check`` tells of a run that would begin or go on, without a trace in the run database or at a host."""

from __future__ import annotations

import contextlib
import signal
import sqlite3

from tests.integration.runs.conftest import CHAIN, INSTANCE, Site, kill

CHANGES = ("stopping", "patching", "reboot_requested", "starting")
NOTE = "---\n- name: Say nothing to nobody\n  ansible.builtin.debug:\n    msg: '{step}'\n"


def test_a_new_run_where_there_is_none_yet(site: Site) -> None:
    outcome = site.play("--check", run_name="r1", landscape_batch_size=4)
    assert outcome.code == 0, outcome.output
    assert "5 hosts in 5 systems" in outcome.output and "changed=1" not in outcome.output
    assert not site.effects(*CHANGES) and not (site.folder / "state").exists()
    told = lines(outcome.output)
    assert "go HDP+PRD+WDP, 3 hosts; takes 3 of batch (4 of 4 free)" in told
    assert "go WP1, 1 host; takes 1 of batch (4 of 4 free), 1 of redundancy:pair (1 of 1 free)" in told
    (full,) = [line for line in told if line.startswith("wait WP2, 1 host, at WP2/pair2/-/admit: batch is full:")]
    assert "HDP+PRD+WDP, WP1" in full
    waits = [line for line in told if line.startswith("wait ") and ": for " in line]
    down, up = ("web", "app", "db"), ("db", "app", "web")
    pairs = [(step, *pair) for step, way in (("stop", down), ("start", up)) for pair in zip(way, way[1:], strict=False)]
    assert [line for line in waits if "stop: for " in line or "start: for " in line] == [
        f"wait {INSTANCE['web']}/stop: for PRD/app/-/admit, HDP/db/-/admit",
        *(f"wait {INSTANCE[host]}/{step}: for {INSTANCE[other]}/{step}" for step, other, host in pairs),
    ]


def test_beside_and_of_a_run_that_was_killed(site: Site) -> None:
    tasks = {}
    for step in ("silence", "unsilence"):
        (site.folder / f"{step}.yml").write_text(NOTE.format(step=step))
        tasks[step] = str(site.folder / f"{step}.yml")
    site.simulator.fault("slow", host="app", operation="Stop", seconds=3)
    process = site.begin(run_name="r1", landscape_hosts="web,app,db", landscape_step_tasks=tasks)
    site.until_step("app", "stop:PRD/app/D01")
    kill(process, signal.SIGKILL)
    site.end(process)
    site.until(lambda: site.state() == "lost", deadline=30, why="the sidecar marks the run as lost")
    record = dump(site)
    with site.store() as store:
        silenced = {undo.ci for undo in store.open_undo("r1") if undo.state == "applied"}

    other = site.play("--check", run_name="r2")
    assert other.code != 0 and "app, db, web belong to run r1, which is lost" in words(other.output)
    assert "go WP1, 1 host; takes 1 of redundancy:pair (1 of 1 free)" in lines(other.output)
    again = site.play("--check", run="r1", landscape_step_tasks=tasks)
    assert again.code == 0, again.output
    told = lines(again.output)
    assert any(line.startswith("run r1: patch, lost; taken by ") for line in told), again.output
    assert any(line.startswith("unknown PRD/app/D01/stop, begun ") for line in told), again.output
    assert {f"would be undone: silence of {host} on {host} (applied)" for host in silenced} <= set(told)
    assert "app" in silenced, "it was silenced before it was stopped"
    assert "wait HDP/db/HDB00/stop: for PRD/app/D01/stop" in told
    alone = site.play("--check", "--limit", "db", run="r1", landscape_step_tasks=tasks)
    assert "blocked by app: left out by --limit" in words(alone.output)
    assert dump(site) == record

    resumed = site.play(run="r1", landscape_step_tasks=tasks)
    assert resumed.code == 0, resumed.output
    assert site.state() == "succeeded" and site.everything_is_up()
    assert [host for _effect, host in site.effects("stopped")] == list(CHAIN)


def lines(output: str) -> list[str]:
    """The lines of an output, each with single blanks."""
    return [words(line) for line in output.splitlines()]


def words(output: str) -> str:
    """An output without the places where Ansible breaks its lines."""
    return " ".join(output.split())


def dump(site: Site) -> list[str]:
    """Everything in the run database."""
    with contextlib.closing(sqlite3.connect(site.folder / "state" / "runs.db")) as database:
        return list(database.iterdump())
