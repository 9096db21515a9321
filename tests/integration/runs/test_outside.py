# SPDX-License-Identifier: GPL-3.0-or-later
"""A run looks at those outside of it that it relies on, before it begins."""

from __future__ import annotations

import yaml

from tests.integration.runs.conftest import CHAIN, INSTANCE, Outcome, Site


def set_phase(site: Site, phase: str, *hosts: str) -> None:
    site.simulator.state(instances={INSTANCE[host]: {"phase": phase} for host in hosts})


def refused_before_anything(site: Site, outcome: Outcome) -> str:
    """The words of a refusal; no run has begun, nothing was asked to stop or to start."""
    assert outcome.code != 0, outcome.output
    assert not site.effects("stopping", "patching", "reboot_requested", "starting")
    assert not [row for row in site.simulator.journal() if row.get("call") in ("Start", "Stop")]
    with site.store() as store:
        assert not store.runs()
    return " ".join(outcome.output.split())


def test_what_is_started_needs_what_is_up(site: Site) -> None:
    set_phase(site, "stopped", *CHAIN)
    # How sapcontrol is asked is said beside import_playbook, which hostvars does not know.
    of_all = site.folder / "group_vars" / "all.yml"
    inventory = yaml.safe_load(of_all.read_text(encoding="utf-8"))
    said = {name: inventory.pop(name) for name in list(inventory) if name.startswith(("sapcontrol_", "sap_verify_"))}
    assert said, "the inventory says how"
    of_all.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    ours = {"ansible.builtin.import_playbook": "basis.landscape.start_landscape", "vars": said}
    (site.folder / "ours.yml").write_text(yaml.safe_dump([{"name": "Start", **ours}]), encoding="utf-8")
    start = {"playbook": str(site.folder / "ours.yml"), "run_name": "r1"}
    words = refused_before_anything(site, site.play("--limit", "app", **start))
    assert (
        f"{INSTANCE['db']}: it is not in the run, which needs it for {INSTANCE['app']}, and" in words
        and "GRAY" in words
    )
    assert "start it first, add db to the run, or accept it with landscape_outside_down=accept." in words

    set_phase(site, "running", "db")
    site.simulator.fault("host_unreachable", host="db")
    words = refused_before_anything(site, site.play("--check", landscape_hosts="app,web", **start))
    assert f"{INSTANCE['db']}: it is not in the run, which needs it for {INSTANCE['app']}, and" in words
    assert "its host cannot be reached" in words

    site.simulator.clear()
    outcome = site.play("--limit", "app", **start)
    assert outcome.code == 0, outcome.output
    assert site.effects("started") == [("started", "app")] and site.state() == "succeeded"


def test_a_member_of_the_run_that_is_down_already_counts_as_out(site: Site) -> None:
    set_phase(site, "stopped", "pair2")
    words = refused_before_anything(site, site.play(run_name="r1", landscape_hosts="pair1,pair2"))
    assert "redundancy group pair: WP2, in the run, counts as out until the run has started it (" in words
    assert "and with those that the run takes out it would be 2, allowed is 1. To allow it: start WP2 first" in words
    outcome = site.play(run_name="r1", landscape_hosts="pair1,pair2", landscape_outside_down="accept")
    assert outcome.code == 0, outcome.output
    assert "warning: redundancy group pair: WP2" in outcome.output
    assert site.everything_is_up() and site.state() == "succeeded"

    set_phase(site, "stopped", "pair1", "pair2")
    site.simulator.fault("red_on_start", host="pair1")
    outcome = site.play(run_name="r2", landscape_hosts="pair1,pair2")
    assert outcome.code == 2, outcome.output
    states = site.states("r2")
    assert states["pair2"]["verify"] == "done", "nobody waits for a partner where nobody is up"


def test_a_partner_that_is_down_counts_as_out(site: Site) -> None:
    set_phase(site, "stopped", "pair2")
    words = refused_before_anything(site, site.play(run_name="r1", landscape_hosts="pair1"))
    assert f"redundancy group pair: WP2, not in the run, counts as out ({INSTANCE['pair2']}: " in words
    assert "start WP2 first" in words
    site.simulator.fault("host_unreachable", host="pair2")
    down = {"playbook": "stop_landscape", "run_name": "r1", "landscape_hosts": "pair1"}
    words = refused_before_anything(site, site.play(**down))
    assert "its host cannot be reached" in words
    outcome = site.play(landscape_outside_down="accept", **down)
    assert outcome.code == 0, outcome.output
    assert site.effects("stopped") == [("stopped", "pair1")]
    assert "warning: redundancy group pair: WP2" in outcome.output
