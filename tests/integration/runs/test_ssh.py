# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that reach their hosts as in reality: Ansible's own ssh connection, a real sshd on each."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest
import yaml

from tests.env.host_python import HostPython
from tests.integration.runs.conftest import CHAIN, INSTANCE, LANDSCAPE, SPEED, Site
from tests.simulator.launch import Simulator

pytestmark = pytest.mark.needs("ssh", "sshd")


@pytest.fixture
def site(tmp_path: pathlib.Path, host_python: HostPython) -> Iterator[Site]:
    """A fresh landscape in which everything runs, behind ssh."""
    with Simulator.start(LANDSCAPE, speed=SPEED, ssh=True) as simulator:
        site = Site(tmp_path, simulator, host_python)
        del site.environment["ANSIBLE_CONNECTION_PLUGINS"]
        variables = site.folder / "group_vars" / "all.yml"
        given = yaml.safe_load(variables.read_text(encoding="utf-8"))
        given |= {"ansible_connection": "ssh", "ansible_ssh_common_args": "{{ simulator.ssh.arguments }}"}
        variables.write_text(yaml.safe_dump(given), encoding="utf-8")
        yield site


def test_a_landscape_is_patched(site: Site) -> None:
    outcome = site.play(run_name="r1")
    assert outcome.code == 0, outcome.output
    assert site.state() == "succeeded" and site.everything_is_up()
    assert [host for _other, host in site.effects("stopped") if host in CHAIN] == ["web", "app", "db"]
    assert [host for _other, host in site.effects("started") if host in CHAIN] == ["db", "app", "web"]
    for effect in ("patched", "host_up"):
        assert sorted(host for _other, host in site.effects(effect)) == sorted(INSTANCE), effect
    # Behind the reboot it is another login.
    logins = [row["host"] for row in site.simulator.journal(door="ssh", call="login")]
    assert all(logins.count(host) >= 2 for host in INSTANCE), logins


def test_a_host_that_goes_away_during_its_stop(site: Site) -> None:
    begins = {"effect": "stopping", "host": "app"}
    site.simulator.fault("host_unreachable", host="app", on=begins)
    outcome = site.play(run_name="r1", landscape_hosts=",".join(CHAIN))
    assert outcome.code in (2, 4), outcome.output
    states = site.states()
    assert states["app"]["stop:PRD/app/D01"] == "unknown", "Stop was sent"
    assert states["db"]["stop:HDP/db/HDB00"] == "blocked"
    assert not [host for _other, host in site.effects("stopping") if host == "db"]

    site.simulator.clear()
    again = site.play(run="r1", landscape_hosts=",".join(CHAIN))
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up()
    for effect in ("stopped", "patched", "started"):
        assert sorted(host for _other, host in site.effects(effect)) == sorted(CHAIN), effect


def test_a_key_that_a_host_does_not_take(site: Site) -> None:
    site.simulator.fault("unauthorized", host="web", door="ssh")
    refused = site.play(run_name="r1", landscape_hosts=",".join(CHAIN))
    assert refused.code in (2, 4), refused.output
    assert "Permission denied (publickey)" in refused.output
    assert site.states()["web"]["admit"] == "unknown" and not site.effects("stopping")

    site.simulator.clear()
    again = site.play(run="r1", landscape_hosts=",".join(CHAIN))
    assert again.code == 0, again.output
    assert site.state() == "succeeded" and site.everything_is_up()
