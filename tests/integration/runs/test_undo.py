# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run changes for its time is undone: exactly that, also after failure and after a killed controller."""

from __future__ import annotations

import json
import os
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


# The site keeps each silence as a file that has its owner's name inside. Where there is a door, a step that has acted
# waits in front of it.
SILENCES = """---
- name: {step}
  ansible.builtin.shell: |
    {act}
    echo "{step} {{{{ maintenance_ci }}}}" >> {folder}/changes
    if [ -p {folder}/{step}_door ]; then : > {folder}/{step}_held; read -r word < {folder}/{step}_door; fi
  delegate_to: localhost
"""
LOOK = """---
- name: Look
  ansible.builtin.shell: cat {folder}/silence_{{{{ maintenance_ci }}}}_* 2> /dev/null || true
  delegate_to: localhost
  register: silences

- name: Say whose they are
  ansible.builtin.set_fact:
    maintenance_silenced_by: "{{{{ silences.stdout_lines }}}}"
"""
ACTS = {
    "silence": 'echo "{{{{ maintenance_mark }}}}" > {folder}/silence_{{{{ maintenance_ci }}}}_run',
    "unsilence": 'grep -qx "{{{{ maintenance_mark }}}}" {folder}/silence_{{{{ maintenance_ci }}}}_run'
    " && rm {folder}/silence_{{{{ maintenance_ci }}}}_run",
}


@pytest.fixture
def looked_tasks(site: Site) -> dict[str, str]:
    """The site's own task files, with one that looks."""
    texts = {
        step: SILENCES.format(step=step, act=act.format(folder=site.folder), folder=site.folder)
        for step, act in ACTS.items()
    }
    texts["silence_look"] = LOOK.format(folder=site.folder)
    files = {}
    for step, text in texts.items():
        path = site.folder / f"{step}.yml"
        path.write_text(text)
        files[step] = str(path)
    return files


def test_what_others_silence_is_left_to_them(site: Site, looked_tasks: dict[str, str]) -> None:
    """One host is silenced by others before the run, another one's silence becomes theirs in it, a third one fails."""
    site.simulator.fault("red_on_start", instance=INSTANCE["pair1"])
    (site.folder / "silence_web_others").write_text("night shift\n")
    reboot = site.folder / "reboot.yml"
    taken_over = f"[ {{{{ maintenance_ci }}}} != app ] || echo Ada > {site.folder}/silence_app_run"
    act = {"name": "Take it over", "ansible.builtin.shell": taken_over, "delegate_to": "localhost"}
    reboot.write_text(json.dumps([act]))
    tasks = {**looked_tasks, "reboot": str(reboot)}
    outcome = site.play(run_name="r1", landscape_hosts="web,app,db,pair1", landscape_step_tasks=tasks)
    assert outcome.code == 2, outcome.output
    assert "silence of app is not this run's any more: it is made by Ada" in " ".join(outcome.output.split())
    changed = [("silence", "app"), ("silence", "db"), ("silence", "pair1"), ("unsilence", "db"), ("unsilence", "pair1")]
    assert sorted(changes(site)) == changed
    assert sorted(path.name for path in site.folder.glob("silence_*_*")) == ["silence_app_run", "silence_web_others"]
    states = site.states()
    assert states["web"]["silence"] == states["web"]["unsilence"] == "done" and states["app"]["unsilence"] == "failed"
    with site.store() as store:
        records = {record.ci: record for record in store.undo_records("r1")}
    found = {ci: record.state for ci, record in records.items()}
    assert found == {"web": "not_ours", "app": "conflict", "db": "undone", "pair1": "undone"}
    assert records["db"].proof == records["pair1"].proof == {"by": []}, "what was seen, not that a task file ended"
    shown = " ".join(site.play(playbook="show_run", run="r1").output.split())
    assert "left undone: silence of app (conflict: made by Ada now)" in shown
    assert "not ours, left alone: silence of web, made before by night shift" in shown
    assert "night shift" in (site.folder / "state" / "reports" / "r1.html").read_text()
    assert site.state() == "partial"
    settled = site.play(playbook="settle_run", run="r1", reason="Ada needs it until Monday")
    assert settled.code == 0, settled.output
    site.simulator.clear()
    site.simulator.state(instances={INSTANCE["pair1"]: {"phase": "stopped"}})  # somebody has mended it
    again = site.play(run="r1", landscape_step_tasks=tasks)
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up() and sorted(changes(site)) == changed


def test_killed_in_silence_then_in_unsilence(site: Site, looked_tasks: dict[str, str]) -> None:
    """Both controllers die when their step has acted and nobody has told the run: the look tells the next one."""
    options = {"landscape_hosts": "pair1", "landscape_step_tasks": looked_tasks}
    for step, run in (("silence", {"run_name": "r1"}), ("unsilence", {"run": "r1"})):
        door = site.folder / f"{step}_door"
        os.mkfifo(door)
        process = site.begin(**run, **options)
        site.until((site.folder / f"{step}_held").exists, why=f"{step} has acted")
        kill(process, signal.SIGKILL)
        site.until(lambda: site.state() == "lost", deadline=30, why="the sidecar marks the run as lost")
        door.write_text("go\n")  # the worker that is left behind ends
        site.end(process)
        door.unlink()
        with site.store() as store:
            assert [record.state for record in store.open_undo("r1")] == [
                "intended" if step == "silence" else "undoing"
            ]
    again = site.play(run="r1", **options)
    assert again.code == 0, again.output
    assert changes(site) == [("silence", "pair1"), ("unsilence", "pair1")], "each once"
    assert site.state() == "succeeded" and not list(site.folder.glob("silence_*_*"))
    for effect in ("stopped", "patched", "started"):
        assert site.effects(effect) == [(effect, "pair1")]


def test_what_is_left_of_a_killed_controller_ends_first(site: Site) -> None:
    """Tasks of the site have no lock at the host, and a worker finishes its task though its controller is dead."""
    silence, log = site.folder / "silence.yml", site.folder / "log"
    journal, door, held = (site.folder / name for name in ("changes", "door", "held"))
    silence.write_text(
        "- name: Silence\n"
        "  ansible.builtin.shell: |\n"
        f"    echo silence begins >> {journal}\n"
        f"    if [ -p {door} ]; then : > {held}; read -r word < {door}; fi\n"
        f"    echo silence ends >> {journal}\n"
        "  delegate_to: localhost\n"
    )
    unsilence = site.folder / "unsilence.yml"
    unsilence.write_text("- name: Unsilence\n  ansible.builtin.debug:\n    msg: it may alarm again\n")
    tasks = {"silence": str(silence), "unsilence": str(unsilence)}
    options = {"landscape_hosts": "pair1", "landscape_step_tasks": tasks}
    os.mkfifo(door)
    process = site.begin(run_name="r1", **options)
    site.until(held.exists, why="the task has begun")
    kill(process, signal.SIGKILL)
    site.until(lambda: site.state() == "lost", deadline=30, why="the sidecar marks the run as lost")
    site.environment["ANSIBLE_LOG_PATH"] = str(log)
    again = site.begin(run="r1", **options)
    waits = (
        "WP1/pair1/-/silence waits: Of the controller that had the run before, something still lives on this machine"
    )
    site.until(lambda: waits in log.read_text(encoding="utf-8"), why="the second one waits for the first one's worker")
    assert changes(site) == [("silence", "begins")] and site.states()["pair1"]["silence"] == "unknown"
    door.write_text("go\n")
    site.end(process)
    door.unlink()
    outcome = site.end(again)
    assert outcome.code == 0 and site.state() == "succeeded", outcome.output
    assert changes(site) == [("silence", "begins"), ("silence", "ends")] * 2, "one after the other"
