# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run changes for its time is undone: exactly that, also after failure and after a killed controller."""

from __future__ import annotations

import json
import pathlib
import signal

import pytest

from tests.integration.runs.conftest import INSTANCE, Site, kill

TASKS = """---
- name: {step}
  ansible.builtin.shell: echo "{step} {{{{ maintenance_step.system or maintenance_ci }}}}" >> {journal}
  delegate_to: localhost
"""


@pytest.fixture
def step_tasks(site: Site) -> dict[str, str]:
    """The site's own task files: each writes down what it did for whom."""
    files = {}
    for step in ("silence", "unsilence", "suspend_jobs", "release_jobs"):
        path = site.folder / f"{step}.yml"
        path.write_text(TASKS.format(step=step, journal=site.folder / "changes"))
        files[step] = str(path)
    return files


def changes(site: Site) -> list[tuple[str, str]]:
    path = pathlib.Path(site.folder / "changes")
    return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []  # type: ignore[misc]


def test_everything_is_undone_in_its_place(site: Site, step_tasks: dict[str, str]) -> None:
    outcome = site.play(run_name="r1", landscape_hosts="web,app,db", landscape_step_tasks=step_tasks)
    assert outcome.code == 0, outcome.output
    done = changes(site)
    for host in ("web", "app", "db"):
        assert done.count(("silence", host)) == done.count(("unsilence", host)) == 1
    assert done.count(("suspend_jobs", "PRD")) == done.count(("release_jobs", "PRD")) == 1
    with site.store() as store:
        assert not store.open_undo("r1")
        assert {record.state for record in store.undo_records("r1")} == {"undone"}
    states = site.states()
    assert states["app"]["suspend_jobs:PRD"] == "done"


def test_a_failed_host_alarms_again_and_its_jobs_stay_suspended(site: Site, step_tasks: dict[str, str]) -> None:
    site.simulator.fault("red_on_start", instance=INSTANCE["app"])
    outcome = site.play(run_name="r1", landscape_hosts="web,app,db", landscape_step_tasks=step_tasks)
    assert outcome.code == 2
    done = changes(site)
    for host in ("web", "app", "db"):
        assert done.count(("unsilence", host)) == 1, done
    assert ("release_jobs", "PRD") not in done
    report = json.loads((site.folder / "state" / "reports" / "r1.json").read_text())
    assert [(undo["kind"], undo["state"]) for undo in report["left_undone"]] == [("suspend_jobs", "applied")]
    assert report["state"] == "partial"
    site.simulator.clear()
    site.simulator.state(instances={INSTANCE["app"]: {"phase": "stopped"}})  # somebody has mended it
    again = site.play(run="r1", landscape_step_tasks=step_tasks)
    assert again.code == 0, again.output
    assert changes(site).count(("release_jobs", "PRD")) == 1
    assert site.state() == "succeeded"


def test_a_killed_controller_leaves_no_change_behind_once_the_run_is_continued(
    site: Site, step_tasks: dict[str, str]
) -> None:
    site.simulator.fault("slow", host="web", operation="Stop", seconds=3)
    process = site.begin(run_name="r1", landscape_hosts="web,app,db", landscape_step_tasks=step_tasks)
    site.until(lambda: site.calls("Stop", "web"), why="Stop was sent to web")
    site.until_step("app", "suspend_jobs:PRD", "done")  # a step that is cut off is done again, which is another story
    kill(process, signal.SIGKILL)
    site.end(process)
    with site.store() as store:
        assert len(store.open_undo("r1")) == 4
    again = site.play(run="r1", landscape_step_tasks=step_tasks)
    assert again.code == 0, again.output
    done = changes(site)
    assert done.count(("suspend_jobs", "PRD")) == 1 and done.count(("release_jobs", "PRD")) == 1
    with site.store() as store:
        assert not store.open_undo("r1")
