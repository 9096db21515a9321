# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over some hosts of the inventory, chosen by ``--limit``."""

from __future__ import annotations

from tests.integration.runs.conftest import CHAIN, INSTANCE, Site

PAIR = ("pair1", "pair2")
SILENCE = """---
- name: Write down what was done
  ansible.builtin.shell: echo "{step} {{{{ maintenance_ci }}}}" >> {journal}
  delegate_to: localhost
"""


def test_what_failed_hosts_left_is_undone(site: Site) -> None:
    journal, tasks = site.folder / "changes", {}
    for step in ("silence", "unsilence"):
        tasks[step] = str(site.folder / f"{step}.yml")
        (site.folder / f"{step}.yml").write_text(SILENCE.format(step=step, journal=journal))
    site.simulator.fault("red_on_start", instance=INSTANCE["app"])
    outcome = site.play("--limit", ",".join(CHAIN), run_name="r1", landscape_step_tasks=tasks)
    assert outcome.code == 2, outcome.output
    done = journal.read_text().splitlines()
    for host in CHAIN:
        assert done.count(f"silence {host}") == done.count(f"unsilence {host}") == 1, done
    assert site.state() == "partial" and set(site.states()) == set(CHAIN)
    with site.store() as store:
        assert not store.open_undo("r1")


def test_a_continued_run_waits_for_nobody_who_is_left_out(site: Site) -> None:
    site.simulator.fault("host_unreachable", host="web")
    for member in PAIR:  # either may be the first to go out
        site.simulator.fault("fails_to_stop", instance=INSTANCE[member])
    assert site.play(run_name="r1").code in (2, 4)
    states = site.states()
    first, second = sorted(PAIR, key=lambda member: states[member]["admit"] == "deferred")
    site.simulator.clear()
    refused = site.play("--limit", "nobody", run="r1")
    assert refused.code != 0

    outcome = site.play("--limit", f"db,{first}", run="r1")
    assert outcome.code == 2, outcome.output
    assert "left out by --limit" in outcome.output
    states = site.states()
    assert not [host for _other, host in site.effects("stopping") if host in CHAIN]
    assert states["web"]["admit"] == "unknown" and states[second]["admit"] == "deferred", states
    assert "failed" not in {state for host in states for state in states[host].values()}
    assert set(states[first].values()) <= {"done", "skipped"} and site.state() == "partial"

    again = site.play(run="r1")
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up()
    assert [host for _other, host in site.effects("stopped") if host in CHAIN] == ["web", "app", "db"]
