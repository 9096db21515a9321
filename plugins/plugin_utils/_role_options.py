# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts say for the options of the roles that a run will use on them.

A role that is included in the middle of a run would refuse a mistyped option when SAP is stopped already. So the
variables of every host are held against the roles' argument specs before anything is touched.
"""

from __future__ import annotations

import pathlib
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.basis.landscape.plugins.plugin_utils._plan.refusal import Condition

# Which role with which of its entry points does a step, unless a task file of the site does it.
ROLES = {
    "stop": ("sap_stop", "main"),
    "suspend_jobs": ("sap_jobs", "main"),
    "release_jobs": ("sap_jobs", "main"),
    "patch": ("os_patch", "main"),
    "reboot": ("os_reboot", "main"),
    "start": ("sap_start", "main"),
    "verify": ("sap_verify", "main"),
    "backup": ("hana_backup", "main"),
    "clean_backups": ("hana_backup", "clean"),
}


def options_of(directory: pathlib.Path, role: str, entry: str) -> dict[str, dict[str, t.Any]]:
    """Return the options in the argument spec of a role below *directory*, for one of its entry points."""
    text = (directory / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    return t.cast(dict[str, dict[str, t.Any]], yaml.safe_load(text)["argument_specs"][entry]["options"])


def defects(
    hosts: t.Mapping[str, t.Mapping[str, t.Any]], options: t.Mapping[str, t.Mapping[str, t.Any]]
) -> list[Condition]:
    """Return one condition for each wrong value, with the hosts that have it.

    *hosts* gives each host's variables. One that needs what is only known later in the run is left to the module that
    gets it.
    """
    # The role's own defaults fill what a host does not say.
    validator = ArgumentSpecValidator({name: {**spec, "required": False} for name, spec in options.items()})
    guilty: dict[str, list[str]] = {}
    for host, variables in hosts.items():
        given = {}
        for name in options:
            try:
                if name in variables:
                    given[name] = variables[name]
            except AnsibleError:
                continue
        if given:
            for message in validator.validate(given).error_messages:
                guilty.setdefault(message, []).append(host)
    return [
        {
            "object": names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more",
            "unmet": message,
            "remedy": "correct the variable in the inventory, in the playbook or on the command line.",
        }
        for message, names in guilty.items()
    ]


__all__ = ("ROLES", "defects", "options_of")
