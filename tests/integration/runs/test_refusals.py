# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run refuses, and what it says that would make it allowed."""

from __future__ import annotations

import contextlib
import getpass
import html
import json
import pathlib
import re
import shlex
import sqlite3
import subprocess
import sys

import pytest

from tests.integration.runs.conftest import ROOT, Site


def words(output: str) -> str:
    """An output without the places where Ansible breaks its lines."""
    return " ".join(output.split())


def nothing_was_touched(site: Site) -> bool:
    return not site.effects("stopping", "patching", "reboot_requested", "starting")


def test_without_the_recorder(site: Site) -> None:
    (site.folder / "ansible.cfg").write_text("[defaults]\n")
    site.environment["ANSIBLE_CONFIG"] = str(site.folder / "ansible.cfg")
    outcome = site.play(run_name="r1")
    assert outcome.code != 0 and nothing_was_touched(site)
    said = " ".join(outcome.output.replace("\\n", " ").replace('\\"', '"').split())
    for way in (
        "ansible.cfg [defaults] callbacks_enabled = basis.landscape.run_state",
        "environment export ANSIBLE_CALLBACKS_ENABLED=basis.landscape.run_state",
        'AWX Job settings, extra environment variables: {"ANSIBLE_CALLBACKS_ENABLED": "basis.landscape.run_state"}',
    ):
        assert way in said, outcome.output


def test_all_that_keeps_a_run_from_beginning_is_said_at_once_and_before_the_question(site: Site) -> None:
    (site.folder / "ansible.cfg").write_text("[defaults]\n")
    site.environment["ANSIBLE_CONFIG"] = str(site.folder / "ansible.cfg")
    outcome = site.play(run_name="no name", awx_job_slice_count=2, landscape_yes=False)
    assert outcome.code != 0 and nothing_was_touched(site)
    for words in (
        "callbacks_enabled = basis.landscape.run_state",
        "'no name' cannot name a run",
        "Set job slicing to 1",
    ):
        assert words in " ".join(outcome.output.split()), outcome.output
    assert "Carry out this plan" not in outcome.output and "TASK [Plan" not in outcome.output


def test_without_a_yes(site: Site) -> None:
    outcome = site.play(run_name="r1", landscape_yes=False)
    assert outcome.code != 0 and nothing_was_touched(site)
    assert "landscape_yes=true" in outcome.output and "approved=" in outcome.output


def test_the_playbook_of_the_readme_says_its_variables_to_every_host(site: Site) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    playbook = next(
        block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "import_playbook" in block
    )
    (site.folder / "tasks").mkdir()
    for name in ("alertmanager_silence.yml", "alertmanager_unsilence.yml"):
        (site.folder / "tasks" / name).write_text("---\n", encoding="utf-8")
    patch = site.folder / "patch.yml"
    for security, refused in (("true", "PRD on app: it cannot be asked over RFC"), ("perhaps", "os_patch_security")):
        text = playbook.replace("[QAS]", "[WDP]").replace("os_patch_security: true", f"os_patch_security: {security}")
        patch.write_text(text, encoding="utf-8")
        outcome = site.play("--check", "-e", "vault_rfc_password=none", playbook=str(patch))
        assert outcome.code != 0 and nothing_was_touched(site), outcome.output
        assert refused in outcome.output


def test_approved_plan_runs_and_a_changed_one_is_refused_with_the_difference(site: Site) -> None:
    assert site.play(playbook="plan_landscape").code == 0
    plans = list((site.folder / "state" / "plans").glob("*.json"))
    assert len(plans) == 1 and plans[0].with_suffix(".html").exists()
    approved = plans[0].stem
    plans[0].unlink()  # as in another AWX job, which shares the run database alone
    landscape = json.loads((site.folder / "landscape.json").read_text())
    changed = {**landscape, "hosts": landscape["hosts"][:-1], "instances": landscape["instances"][:-1]}
    changed["systems"] = [system for system in landscape["systems"] if system["name"] != "WP2"]
    changed["redundancy_groups"] = []
    (site.folder / "landscape.json").write_text(json.dumps(changed))
    refused = site.play(run_name="r1", landscape_yes=False, approved=approved)
    assert refused.code != 0 and nothing_was_touched(site)
    assert "pair2" in refused.output and "-e approved=" in refused.output
    (site.folder / "landscape.json").write_text(json.dumps(landscape))
    outcome = site.play(run_name="r1", landscape_yes=False, approved=approved)
    assert outcome.code == 0, outcome.output


def test_the_command_on_the_page_runs_the_plan_also_with_other_forks(site: Site) -> None:
    shaping = {"landscape_batch_size": 4, "landscape_patch_level": "2026-12 'security'", "landscape_canary": ["WP1"]}
    planned = site.play("--limit", "all:!pair2", "--forks", "4", playbook="plan_landscape", **shaping)
    assert planned.code == 0, planned.output
    (page,) = (site.folder / "state" / "plans").glob("*.html")
    shown = re.search(r'<code class="command">(.*?)</code>', page.read_text(encoding="utf-8"))
    assert shown is not None
    command = html.unescape(shown.group(1))
    assert command in planned.output and "whose values are not repeated here: sap_start_delay" in planned.output
    typed = shlex.split(command)
    typed[0] = str(pathlib.Path(sys.executable).parent / typed[0])
    typed += ["--forks", "20", "-e", "run_name=r1"]
    ran = subprocess.run(
        typed, env=site.environment, cwd=site.folder, text=True, capture_output=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert site.state("r1") == "succeeded" and set(site.states("r1")) == {"web", "app", "db", "pair1"}


def test_a_continued_run_keeps_its_plan_or_says_what_changed(site: Site) -> None:
    site.simulator.fault("fails_to_stop", instance="WDP/web/W20")
    assert site.play(run_name="r1", landscape_hosts="web,app,db").code == 2
    site.simulator.clear()
    landscape = json.loads((site.folder / "landscape.json").read_text())
    without = {**landscape, "relations": []}
    (site.folder / "landscape.json").write_text(json.dumps(without))
    refused = site.play(run="r1")
    assert refused.code != 0 and "accept_plan=" in refused.output
    other = site.play(run="r1", playbook="start_landscape")
    assert other.code != 0 and "Run r1 is a patch, and is not continued by a playbook for start" in other.output
    (site.folder / "landscape.json").write_text(json.dumps(landscape))
    with contextlib.closing(sqlite3.connect(site.folder / "state" / "runs.db")) as database:
        database.execute("UPDATE run SET code_hash = 'of another release'")
        database.commit()
    refused = site.play(run="r1")
    assert refused.code != 0 and "plugins of basis.landscape are no longer those it began with" in refused.output
    with site.store() as store:
        accepted = store.run("r1")["plan"]["hash"]
    (site.folder / "landscape.json").write_text(json.dumps(without))
    outcome = site.play(run="r1", accept_plan=accepted)
    assert outcome.code == 0, outcome.output
    with site.store() as store:
        (revision,) = (event for event in store.events("r1") if event["kind"] == "plan_accepted")
        assert store.run("r1")["plan_rev"] == revision["data"]["plan_rev"] == 2
        assert store.run("r1")["code_hash"] != "of another release"
    assert revision["actor"] == getpass.getuser() and "no longer those it began with" in revision["data"]["why"][0]
    assert any("the landscape is no longer the one" in why for why in revision["data"]["why"][1:])
    assert [host for _other, host in site.effects("stopped")] == ["web", "app", "db"]


def past_gates(option: str) -> str:
    return f"{option} would walk past gates. Continue an interrupted run with -e run=<id>"


def test_steps_that_are_asked_for_one_by_one(site: Site) -> None:
    asked = subprocess.run(
        site.command("--step", run_name="r1"),
        env=site.environment,
        cwd=site.folder,
        text=True,
        capture_output=True,
        input="c\n",  # go on, ask no more
        timeout=240,
        check=False,
    )
    assert asked.returncode != 0 and nothing_was_touched(site)
    assert past_gates("--step") in words(asked.stdout), asked.stdout


def test_a_beginning_in_the_middle(site: Site) -> None:
    option = "--start-at-task"
    outcome = site.play(f"{option}=Plan", run_name="r1")
    assert outcome.code != 0 and past_gates(option) in words(outcome.output), outcome.output
    late = site.play(f"{option}=Begin the run", run_name="r1")
    assert late.code != 0 and "'landscape_plan' is undefined" in words(late.output), late.output
    begin = {"name": "Begin the run", "basis.landscape.maintenance_run": {"run": "r1", "plan": "plan.json"}}
    play = {"name": "Walk", "hosts": "web", "gather_facts": False, "tasks": [begin]}
    (site.folder / "own.yml").write_text(json.dumps([play]), encoding="utf-8")
    own = site.play(f"{option}=Begin the run", playbook=str(site.folder / "own.yml"))
    assert own.code != 0 and past_gates(option) in words(own.output), own.output
    assert nothing_was_touched(site)


def test_a_sliced_job_of_awx(site: Site) -> None:
    for prefix in ("awx", "tower"):
        told = {f"{prefix}_job_id": 41, f"{prefix}_job_slice_number": 1, f"{prefix}_job_slice_count": 2}
        outcome = site.play(run_name="r1", landscape_hosts="pair1", **told)
        assert outcome.code == 2 and nothing_was_touched(site), outcome.output
        assert "The AWX job template is sliced" in words(outcome.output), outcome.output
        assert "Set job slicing to 1." in words(outcome.output)
    with site.store() as store:
        assert store.runs() == []


PLAYS = {
    "strategy: ansible.builtin.linear": (
        "The play uses the strategy 'ansible.builtin.linear', in which hosts wait for each other",
        "Set 'strategy: ansible.builtin.host_pinned' in the play.",
    ),
    "strategy: ansible.builtin.host_pinned\n  serial: 2": (
        "The play works in batches ('serial'), and a gate that waits for a host of a later batch",
        "Remove 'serial' so that all 4 hosts are in one batch",
    ),
}


@pytest.mark.parametrize("play", PLAYS, ids=["linear", "serial"])
def test_a_play_in_which_a_gate_would_wait_for_ever(site: Site, play: str) -> None:
    ours = (ROOT / "playbooks" / "run_landscape.yml").read_text(encoding="utf-8")
    pinned = "strategy: ansible.builtin.host_pinned"
    assert ours.count(pinned) == 1
    (site.folder / "own.yml").write_text(ours.replace(pinned, play), encoding="utf-8")
    outcome = site.play(
        playbook=str(site.folder / "own.yml"),
        run_name="r1",
        landscape_procedure="patch",
        landscape_hosts="web,app,db",
    )
    assert outcome.code == 2 and nothing_was_touched(site), outcome.output
    for said in PLAYS[play]:
        assert said in words(outcome.output), outcome.output
    states = {state for steps in site.states().values() for state in steps.values()}
    assert site.state() in ("partial", "interrupted") and not states & {"done", "running"}, states


def test_a_gate_in_a_loop(site: Site) -> None:
    gate = {"name": "Gate", "basis.landscape.maintenance_gate": {"step": "{{ item }}"}, "loop": ["stop", "start"]}
    play = {"name": "Walk", "hosts": "web", "gather_facts": False, "tasks": [gate]}
    (site.folder / "own.yml").write_text(json.dumps([play]), encoding="utf-8")
    outcome = site.play(playbook=str(site.folder / "own.yml"))
    assert outcome.code == 2, outcome.output
    said = "A gate does not go with 'loop'. Loop over include_tasks with the gate inside."
    assert said in words(outcome.output), outcome.output


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--tags", "stop"), "stop_landscape"),
        (("--skip-tags", "start"), "stop_landscape"),
        (("--tags", "nonsense"), "nonsense"),
        (("--forks", "2"), "3"),
    ],
)
def test_halves_and_too_few_forks(site: Site, arguments: tuple[str, ...], said: str) -> None:
    outcome = site.play(*arguments, run_name="r1")
    assert outcome.code != 0 and nothing_was_touched(site)
    assert said in outcome.output


def test_a_dependent_that_is_not_part_of_the_run(site: Site) -> None:
    outcome = site.play("--limit", "db", run_name="r1")
    assert outcome.code != 0 and nothing_was_touched(site)
    assert "PRD/app/D01" in outcome.output or "PRD" in outcome.output


def test_an_unknown_run(site: Site) -> None:
    outcome = site.play(run="nobody")
    assert outcome.code != 0 and "nobody" in outcome.output and nothing_was_touched(site)


def test_password_in_the_database_url(site: Site) -> None:
    site.environment["BASIS_LANDSCAPE_DATABASE"] = "postgresql://runs:hunter2@localhost/runs"
    outcome = site.play(run_name="r1")
    assert outcome.code != 0 and "PGPASSFILE" in outcome.output and "hunter2" not in outcome.output


def test_wrong_os_password(site: Site) -> None:
    outcome = site.play(run_name="r1", sapcontrol_password="wrong", landscape_hosts="pair1")
    assert outcome.code == 2 and nothing_was_touched(site)
    assert "WP1/pair1/W21" in outcome.output and "wrong" not in outcome.output.replace("wrong_", "")
    refused = "WP1/pair1/W21: user or password is refused (Invalid Credentials)"
    assert refused in words(outcome.output), outcome.output
    assert site.states()["pair1"]["stop:WP1/pair1/W21"] == "failed"


def test_a_canceled_run_frees_its_hosts(site: Site) -> None:
    site.simulator.fault("fails_to_stop", instance="WP1/pair1/W21")
    assert site.play(run_name="r1", landscape_hosts="pair1").code == 2
    site.simulator.clear()
    refused = site.play(run_name="r2", landscape_hosts="pair1")
    assert refused.code != 0 and "r1" in refused.output
    checked = site.play("--check", playbook="cancel_run", run="r1", reason="replanned")
    assert checked.code == 0 and "changed=1" in checked.output and site.state() == "partial"
    canceled = site.play(playbook="cancel_run", run="r1", reason="replanned")
    assert canceled.code == 0, canceled.output
    assert site.state("r1") == "canceled"
    again = site.play(run_name="r3", landscape_hosts="pair1")
    assert again.code == 0, again.output


def test_a_wrong_option_of_a_role_is_refused_before_anything_is_touched(site: Site) -> None:
    outcome = site.play(
        run_name="r1",
        os_patch_provider="yumm",
        sap_stop_soft_timeout="soon",
        sap_verify_checks=["process"],
        landscape_step_tasks={"silence": str(site.folder / "nowhere.yml")},
    )
    assert outcome.code != 0 and nothing_was_touched(site)
    for said in ("os_patch_provider", "yumm", "sap_stop_soft_timeout", "sap_verify_checks", "nowhere.yml"):
        assert said in outcome.output


@pytest.mark.parametrize("playbook", ["patch_landscape", "stop_landscape"])
def test_an_instance_that_nobody_knows(site: Site, playbook: str) -> None:
    line = "LD_LIBRARY_PATH=/usr/sap/{0}/exe; sapstartsrv pf=/usr/sap/{0}/SYS/profile/{0}_{1}_pair1 -D -u {2}adm\n"
    known, new, agent = (
        line.format(*row) for row in (("WP1", "W21", "wp1"), ("QAS", "D05", "qas"), ("DAA", "SMDA97", "daa"))
    )
    services = site.folder / "pair1.services"
    services.write_text(known + new + agent, encoding="utf-8")
    options = {
        "landscape_hosts": "pair1",
        "landscape_services_file": f"{site.folder}/{{{{ inventory_hostname }}}}.services",
    }
    refused = site.play(playbook=playbook, run_name="r1", **options)
    assert refused.code != 0 and nothing_was_touched(site)
    said = words(refused.output)
    assert "pair1: it has QAS/05 (D05), which the landscape does not know" in said and "1 unmet condition" in said
    checked = site.play("--check", playbook=playbook, run_name="r1", **options)
    assert checked.code != 0 and "QAS/05" in checked.output
    allowed = site.play(
        "--check", playbook=playbook, run_name="r1", landscape_ignore_instances=["DAA", "QAS/05"], **options
    )
    assert allowed.code == 0, allowed.output
    services.unlink()
    services.mkdir()  # there, and not to be read
    unread = site.play("--check", playbook=playbook, run_name="r1", **options)
    assert unread.code != 0 and "it cannot be told which instances it has" in " ".join(unread.output.split())


@pytest.mark.parametrize("playbook", ["patch_landscape", "start_landscape", "plan_landscape"])
def test_a_run_over_nobody_is_no_success(site: Site, playbook: str) -> None:
    outcome = site.play(playbook=playbook, landscape_hosts="prod")
    assert outcome.code != 0 and "No host of the inventory is selected" in outcome.output


def test_two_hosts_that_are_asked_at_one_place(site: Site) -> None:
    both = site.folder / "group_vars" / "all.yml"
    text = both.read_text(encoding="utf-8").replace(
        "hosts[inventory_hostname].address }}:5{nr}14", "hosts['pair1'].address }}:52114"
    )
    both.write_text(text, encoding="utf-8")
    refused = site.play(run_name="r1", landscape_hosts="pair1,web")
    said = words(refused.output)
    assert refused.code != 0 and nothing_was_touched(site)
    assert "pair1: its instance 21 is asked at https://" in said or "web: its instance 20 is asked at https://" in said


def test_two_hosts_that_are_reached_at_one_place(site: Site) -> None:
    refused = site.play(run_name="r1", landscape_hosts="pair1,pair2", ansible_host="127.99.0.1")
    words = " ".join(refused.output.split())
    assert refused.code != 0 and nothing_was_touched(site)
    assert "pair2: it is reached at 127.99.0.1, port 22, where pair1 is reached" in words
    assert "landscape_shared_address: true" in words


def test_a_host_without_a_landscape_is_not_passed_over(site: Site) -> None:
    stray = site.folder / "stray.yml"
    stray.write_text(json.dumps({"all": {"hosts": {"stray": {"ansible_connection": "local"}}}}), encoding="utf-8")
    refused = site.play("-i", str(stray), run_name="r1", landscape_hosts="pair1,stray")
    assert refused.code != 0 and "no part of the landscape: stray" in " ".join(refused.output.split())
    limited = site.play("-i", str(stray), "--limit", "pair1,stray", run_name="r1")
    assert limited.code != 0 and "no part of the landscape: stray" in " ".join(limited.output.split())
    shown = site.play("-i", str(stray), "--check", run_name="r1")
    assert shown.code == 0 and "Not part of the landscape, so left out: stray." in " ".join(shown.output.split())
    stray.write_text(json.dumps({"all": {"hosts": {"localhost": {"landscape_host": {}}}}}), encoding="utf-8")
    refused = site.play("-i", str(stray), run_name="r1")
    assert refused.code != 0 and "A host of the landscape is called localhost" in " ".join(refused.output.split())
    assert nothing_was_touched(site)
