# SPDX-License-Identifier: GPL-3.0-or-later
"""What the variables of a play's hosts are for an action that looks at all of them."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.vars.manager import VariableManager

from ansible_collections.basis.landscape.plugins.plugin_utils import _host_variables

INVENTORY = """
all:
  vars: {level: inventory, tier: none, later: "{{ tier }}-{{ inventory_hostname }}"}
  hosts:
    web: {tier: web}
    app:
"""


@pytest.fixture
def task(tmp_path: pathlib.Path) -> t.Any:
    """A task of a play of Ansible's own making."""
    (tmp_path / "hosts.yml").write_text(INVENTORY, encoding="utf-8")
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(tmp_path / "hosts.yml")])
    variables = VariableManager(loader=loader, inventory=inventory)
    play = Play.load(
        {"name": "p", "hosts": "all", "gather_facts": False, "vars": {"level": "play"}, "tasks": []},
        variable_manager=variables,
        loader=loader,
    )
    return types.SimpleNamespace(get_play=lambda: play)


def test_a_host_has_the_variables_of_the_play_above_those_of_the_inventory(task: t.Any) -> None:
    found = _host_variables.of_hosts(task, ["web", "app"])
    assert list(found) == ["web", "app"]
    assert [(found[name]["level"], found[name]["tier"]) for name in found] == [("play", "web"), ("play", "none")]


def test_a_value_is_templated_for_its_own_host_when_it_is_asked_for(task: t.Any) -> None:
    found = _host_variables.of_hosts(task, ["web", "app"])
    assert (found["web"]["later"], found["app"]["later"]) == ("web-web", "none-app")


def test_all_hosts_share_the_lists_of_all_hosts(task: t.Any) -> None:
    found = _host_variables.of_hosts(task, ["web", "app"])
    lists = [vars(host)["_vars"]["ansible_play_hosts_all"] for host in found.values()]
    assert lists[0] is lists[1], "else a thousand hosts have a thousand lists of a thousand names"
    assert list(found["app"]["ansible_play_hosts_all"]) == ["web", "app"]


def test_nobody_has_no_variables(task: t.Any) -> None:
    assert _host_variables.of_hosts(task, []) == {}
