# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory of an SAP landscape out of a CMDB."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cmdb
short_description: SAP landscape from a CMDB
version_added: 0.1.0
author:
  - basis.landscape contributors
description:
  - Reads hosts, SAP systems, instances, relations, calendars and redundancy groups from the export of a CMDB.
  - The source is a file (JSON, YAML or CSV), or a folder of files.
  - A mapping translates the fields of the CMDB into those of the landscape. Mappings for the collection's own form, for
    ServiceNow, for NetBox and for a list with one line per instance are shipped; any other CMDB needs a mapping file.
  - Every host gets the variable C(landscape_host) with its facts and instances, and C(ansible_host) when its address is known.
    The group C(all) gets C(landscape_systems), C(landscape_redundancy_groups) and C(landscape_calendars).
  - Groups are made by tier (C(tier_web), C(tier_app), C(tier_db)), by system (C(system_prd)), by environment
    (C(environment_<name>)) and by patch group (C(patch_group_<name>)).
  - Data that does not describe a landscape is refused as a whole, with all its defects in one list. Nothing is guessed.
  - Texts of the CMDB are data. They are never evaluated as templates.
notes:
  - The name of the configuration file must be C(cmdb.yml) or end in C(.cmdb.yml); C(.yaml) will do too.
requirements:
  - jmespath
  - PyYAML
  - python-dateutil
  - icalendar (for calendars in iCal files)
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [basis.landscape.cmdb]
  path:
    description:
      - The export, a JSON, YAML or CSV file or a folder with one file per collection.
      - A relative path starts at the folder of the configuration file.
    type: str
  mapping:
    description:
      - Which mapping to use, V(native), V(servicenow), V(netbox), V(spreadsheet), or the path of a mapping file.
    type: str
    default: native
  mapping_changes:
    description:
      - Laid over the mapping key by key, for the few fields that differ from the shipped one.
      - Laid over a list of rules it changes each of them.
    type: dict
    default: {}
  additional_paths:
    description:
      - Files in the native form whose records are added to those of the source, for what the CMDB does not hold, such
        as calendars, redundancy groups and relations.
    type: list
    elements: str
    default: []
  export_path:
    description:
      - Where to write the landscape in the native form after it was read, for example for a rehearsal on the simulator.
      - Not written when the landscape came from the cache.
    type: str
"""

EXAMPLES = r"""
# cmdb.yml: the collection's own form in one file
plugin: basis.landscape.cmdb
path: landscape.yml

---
# A ServiceNow export: a folder with cmdb_ci_server.json, cmdb_ci_appl.csv, cmdb_rel_ci.json ...
plugin: basis.landscape.cmdb
path: export/
mapping: servicenow
mapping_changes:
  landscape:
    hosts:
      fields:
        patch_group: display(u_wave)
additional_paths:
  - calendars.yml
"""

import os
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

try:
    from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
except ImportError as error:
    _cmdb = None  # type: ignore[assignment]
    MISSING: ImportError | None = error
else:
    MISSING = None

ENDINGS = ("cmdb.yml", "cmdb.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Puts the landscape that `_cmdb` reads into Ansible's inventory."""

    NAME = "basis.landscape.cmdb"

    def verify_file(self, path: str) -> bool:
        """Whether the file is a configuration of this plugin, by its name."""
        name = os.path.basename(path)
        named = name in ENDINGS or name.endswith(tuple(f".{ending}" for ending in ENDINGS))
        return named and bool(super().verify_file(path))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Reads the landscape and fills the inventory with it.

        Raises:
            AnsibleParserError: with everything that is wrong; the inventory is left as it was.
        """
        super().parse(inventory, loader, path, cache=cache)
        if MISSING is not None:
            raise AnsibleParserError(
                f"Could not read the CMDB: the Python library {MISSING.name} is missing on the controller."
            ) from MISSING
        self._read_config_data(path)
        folder = os.path.dirname(os.path.abspath(path))
        try:
            landscape = self._landscape(folder)
        except _cmdb.CmdbError as problem:
            raise AnsibleParserError(str(problem)) from problem
        self._fill(landscape)

    def _landscape(self, folder: str) -> dict[str, Any]:
        source = self.get_option("path")
        paths = [
            os.path.join(folder, os.path.expanduser(name)) for name in [source, *self.get_option("additional_paths")]
        ]
        landscape = _cmdb.load_files(
            paths, mapping=self.get_option("mapping"), changes=self.get_option("mapping_changes"), folder=folder
        )
        if self.get_option("export_path"):
            _cmdb.write_native(landscape, os.path.join(folder, os.path.expanduser(self.get_option("export_path"))))
        return landscape

    def _fill(self, landscape: dict[str, Any]) -> None:
        by_host = _cmdb.host_variables(landscape)
        for host, variables in by_host.items():
            self.inventory.add_host(host)
            for name, value in variables.items():
                self.inventory.set_variable(host, name, value)
        for name, value in _cmdb.landscape_variables(landscape).items():
            self.inventory.set_variable("all", name, value)
        for group, hosts in _cmdb.groups(landscape).items():
            self.inventory.add_group(group)
            for host in hosts:
                self.inventory.add_host(host, group=group)
        strict = self.get_option("strict")
        compose, conditions, keyed = (self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        if not (compose or conditions or keyed):
            return
        for host in by_host:
            self._set_composite_vars(compose, self.inventory.get_host(host).get_vars(), host, strict=strict)
            variables = self.inventory.get_host(host).get_vars()
            self._add_host_to_composed_groups(conditions, variables, host, strict=strict, fetch_hostvars=False)
            self._add_host_to_keyed_groups(keyed, variables, host, strict=strict, fetch_hostvars=False)
