# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the limit of ansible-playbook."""

from __future__ import annotations

import pytest
from ansible import context
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.utils.context_objects import CLIArgs

from ansible_collections.basis.landscape.plugins.plugin_utils import _limit


@pytest.mark.parametrize(
    ("limit", "inside"),
    [
        ("web,db", ["db", "web"]),
        ("we*:&all", ["web"]),
        ("all:!app", ["db", "web"]),
        ("localhost,app", ["app"]),
        (None, ["app", "db", "web"]),
    ],
)
def test_the_controller_is_in_whatever_the_limit_says(
    monkeypatch: pytest.MonkeyPatch, limit: str | None, inside: list[str]
) -> None:
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"subset": limit}))
    inventory = InventoryManager(loader=DataLoader(), sources=["web,app,db,"])
    inventory.subset(limit)
    hosts = ["web", "app", "db", "gone"]
    outside = [] if limit is None else sorted(set(hosts) - set(inside))
    assert _limit.let_controller_in(inventory, hosts) == outside
    inventory.add_group("walk")
    for name in ("web", "app", "db", "localhost"):
        inventory.add_host(name, "walk")
    inventory.clear_caches()
    assert sorted(host.name for host in inventory.get_hosts("walk")) == sorted([*inside, "localhost"])
