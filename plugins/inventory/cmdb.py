# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory of an SAP landscape out of a CMDB."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cmdb
short_description: SAP landscape from a CMDB
version_added: 0.1.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Reads hosts, SAP systems, instances, relations, calendars and redundancy groups from a CMDB.
  - The source is a file (JSON, YAML or CSV), a folder of files, or a REST interface.
  - A mapping translates the fields of the CMDB into those of the landscape. Mappings for the collection's own form, for
    ServiceNow, for NetBox and for a list with one line per instance are shipped; any other CMDB needs a mapping file.
  - Every host gets the variable C(landscape_host) with its facts and instances, and C(ansible_host) when its address
    is known. The group C(all) gets C(landscape_systems), C(landscape_redundancy_groups) and C(landscape_calendars).
  - Groups are made by tier (C(tier_web), C(tier_app), C(tier_db)), by system (C(system_prd)), by environment
    (C(environment_<name>)) and by patch group (C(patch_group_<name>)).
  - Data that does not describe a landscape is refused as a whole, with all its defects in one list. Nothing is guessed.
  - Texts of the CMDB are data. They are never evaluated as templates.
  - A key of the configuration file that is no option is refused, with the file and what may be meant.
notes:
  - The name of the configuration file must be C(cmdb.yml) or end in C(.cmdb.yml); C(.yaml) will do too.
  - By default Ansible only warns when an inventory cannot be read. Set C(any_unparsed_is_failed) in the section
    C([inventory]) of C(ansible.cfg), so that a run ends there.
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
      - Exactly one of O(path) and O(url) is needed.
    type: str
  url:
    description:
      - Base address of the CMDB's REST interface, without the path that the mapping names.
      - Credentials go over https only; plain http is accepted with them only for an address of this machine.
      - May be a template, such as a lookup.
    type: str
    env:
      - name: BASIS_CMDB_URL
  user:
    description:
      - User for basic authentication, together with O(password).
      - May be a template, such as a lookup.
    type: str
    env:
      - name: BASIS_CMDB_USER
  password:
    description:
      - Password for basic authentication. Take it from the environment, from a lookup or from Ansible Vault.
      - It is never written to the cache.
    type: str
    env:
      - name: BASIS_CMDB_PASSWORD
  token:
    description:
      - Token for the C(Authorization) header, instead of O(user) and O(password).
      - It is never written to the cache.
    type: str
    env:
      - name: BASIS_CMDB_TOKEN
  token_type:
    description: The word before the token; by default what the mapping says, V(Token) for NetBox, else V(Bearer).
    type: str
  ca_file:
    description: Certificates (PEM) that sign the CMDB's certificate, instead of those that this machine trusts.
    type: str
    env:
      - name: BASIS_CMDB_CA_FILE
  verify:
    description: Whether the CMDB's certificate is checked.
    type: bool
    default: true
  timeout:
    description: Seconds without any answer after which an attempt counts as failed.
    type: float
    default: 30
  attempts:
    description:
      - How often a request is tried when the connection breaks or the CMDB answers with HTTP 429, 500, 502, 503 or 504.
      - HTTP 401 and 403 and a certificate that is not trusted are never tried again.
    type: int
    default: 4
  pause:
    description: Seconds before the second attempt; doubled for each one after, unless the CMDB itself says how long.
    type: float
    default: 1
  page_size:
    description: Records asked for at a time.
    type: int
    default: 1000
  max_pages:
    description: More pages than this for one collection are an error.
    type: int
    default: 2000
  max_records:
    description: More records than this in one collection are an error.
    type: int
    default: 500000
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
# ServiceNow's table API; user and password come from the environment
plugin: basis.landscape.cmdb
url: https://example.service-now.com
mapping: servicenow
user: "{{ lookup('ansible.builtin.env', 'SN_USER') }}"
password: "{{ lookup('ansible.builtin.env', 'SN_PASSWORD') }}"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/tmp/landscape-cache
cache_timeout: 3600

---
# NetBox; BASIS_CMDB_TOKEN holds the token, a file of our own adds what NetBox does not know
plugin: basis.landscape.cmdb
url: https://netbox.example.com
mapping: netbox
ca_file: /etc/ssl/certs/company-ca.pem
additional_paths:
  - calendars.yml
keyed_groups:
  - key: landscape_host.failure_domain
    prefix: site
groups:
  needs_care: landscape_host.instances | selectattr('cluster_owned') | list | length > 0

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

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

try:
    from ansible_collections.basis.landscape.plugins.plugin_utils import _cmdb
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

ENDINGS = ("cmdb.yml", "cmdb.yaml")
TEMPLATES = ("path", "url", "user", "password", "token", "ca_file")


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
            raise AnsibleParserError(f"Could not read the CMDB: {MISSING}. Install it for this Python.") from MISSING
        self._refuse_unknown(path, self._read_config_data(path))
        self.folder = os.path.dirname(os.path.abspath(path))
        try:
            landscape = self._remembered(path, cache)
        except _cmdb.CmdbError as problem:
            raise AnsibleParserError(str(problem)) from problem
        self._fill(landscape)

    def _refuse_unknown(self, path: str, config: Mapping[str, Any]) -> None:
        """Raises AnsibleParserError for keys that are no option: Ansible itself reads past them without a word.

        What is known comes from this plugin's documentation as Ansible has loaded it, fragments and aliases included.
        """
        known = {str(name) for name in self._options}
        for definition in self.option_definitions.values():
            known.update(
                alias["name"] if isinstance(alias, Mapping) else alias for alias in definition.get("aliases") or ()
            )
        unknown = [str(key) for key in config if str(key) not in known]
        if unknown:
            found = ", ".join(f'"{key}"{_cmdb.closest(key, known)}' for key in unknown)
            raise AnsibleParserError(
                f"Could not read {path}: unknown {'key' if len(unknown) == 1 else 'keys'} {found}. Known are "
                f"{', '.join(sorted(known))}."
            )

    def _option(self, name: str) -> Any:
        """The value of an option; a template of the configuration file is evaluated."""
        value = self.get_option(name)
        return self.templar.template(value) if name in TEMPLATES and value else value

    def _whole(self, path: str) -> str:
        return os.path.join(self.folder, os.path.expanduser(path))

    def _remembered(self, path: str, cache: bool) -> dict[str, Any]:
        """The landscape, from the cache when it may be used and was made of the same files and options."""
        if not self.get_option("cache"):
            return self._read()
        key, made_of = self.get_cache_key(path), self._made_of()
        known = self._cache.get(key) if cache else None
        if isinstance(known, dict) and known.get("made_of") == made_of:
            landscape: dict[str, Any] = known["landscape"]
            return landscape
        landscape = self._read()
        self._cache[key] = {"made_of": made_of, "landscape": landscape}
        return landscape

    def _made_of(self) -> str:
        """What the landscape depends on besides the CMDB's answers, as a hash; no secret is part of it."""
        names = ("path", "url", "user", "mapping", "mapping_changes", "additional_paths")
        files = [self._option("path"), self.get_option("mapping"), *self.get_option("additional_paths")]
        states = [_cmdb.fingerprint(self._whole(file)) for file in files if file]
        parts = [{name: self._option(name) for name in names}, states]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def _read(self) -> dict[str, Any]:
        source, url = self._option("path"), self._option("url")
        if bool(source) == bool(url):
            raise AnsibleParserError("Could not read the CMDB: give either path or url.")
        mapping = _cmdb.open_mapping(
            self.get_option("mapping"), folder=self.folder, changes=self.get_option("mapping_changes")
        )
        model = _cmdb.read_file(self._whole(source), mapping) if source else self._ask(url, mapping)
        native = _cmdb.open_mapping("native")
        for path in self.get_option("additional_paths"):
            model.add(_cmdb.read_file(self._whole(path), native))
        beside = os.path.dirname(os.path.abspath(self._whole(source))) if source else self.folder
        notes: list[str] = []
        landscape: dict[str, Any] = _cmdb.build(model, folder=beside, notes=notes)
        for note in notes:
            self.display.warning(note)
        if self.get_option("export_path"):
            _cmdb.write_native(landscape, self._whole(self.get_option("export_path")))
        return landscape

    def _ask(self, url: str, mapping: _cmdb.CmdbMapping) -> _cmdb.Model:
        if not self.get_option("verify"):
            self.display.warning(f"The certificate of {_cmdb.plain(url)} is not checked, because verify is false.")
        ca_file = self._option("ca_file")
        access = _cmdb.Access(
            url=url,
            user=self._option("user"),
            password=self._option("password"),
            token=self._option("token"),
            token_type=self.get_option("token_type") or mapping.authorization,
            ca_file=self._whole(ca_file) if ca_file else None,
            **{name: self.get_option(name) for name in ("verify", "timeout", "attempts", "pause")},
        )
        limits = _cmdb.Limits(**{name: self.get_option(name) for name in ("page_size", "max_pages", "max_records")})
        return _cmdb.read_rest(_cmdb.Link(access), mapping, limits)

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
