# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads inventories with Ansible's inventory manager in a process of its own; prints what is in them as JSON.

Ansible's own importer of collections does not go together with a process that has imported the collection already, as a
test run has. Usage: ``probe.py SOURCE...``; one JSON line for each.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader
from ansible.template import is_trusted_as_template

OWN = ("inventory_file", "inventory_dir")


def texts_in(value: Any) -> list[str]:
    """All texts inside a value, keys too."""
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (*texts_in(key), *texts_in(inner))]
    if isinstance(value, (list, tuple)):
        return [text for inner in value for text in texts_in(inner)]
    return [value] if isinstance(value, str) else []


def probe(source: str) -> dict[str, Any]:
    """Hosts and groups of an inventory, texts that Ansible would take for templates; or the error and what is left."""
    plugin = inventory_loader.get("basis.landscape.cmdb")
    data, error = InventoryData(), None
    try:
        plugin.parse(data, DataLoader(), source)
    except AnsibleError as problem:
        error = str(problem)
    if error is not None:
        return {"error": error, "left": [sorted(data.hosts), sorted(data.groups)]}
    manager = InventoryManager(DataLoader(), sources=[source])
    hosts = {
        name: {key: value for key, value in host.vars.items() if key not in OWN} for name, host in manager.hosts.items()
    }
    groups = {
        name: {"hosts": [host.name for host in group.hosts], "vars": group.vars}
        for name, group in manager.groups.items()
    }
    texts = texts_in([hosts, [group["vars"] for group in groups.values()]])
    trusted = [text for text in texts if is_trusted_as_template(text)]
    return {
        "hosts": hosts,
        "groups": groups,
        "trusted": trusted,
        "texts": len(texts),
        "mine": plugin.verify_file(source),
    }


if __name__ == "__main__":
    init_plugin_loader([])
    for argument in sys.argv[1:]:
        print(json.dumps(probe(argument)), flush=True)
