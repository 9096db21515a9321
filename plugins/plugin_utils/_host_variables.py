# SPDX-License-Identifier: GPL-3.0-or-later
"""What a play's hosts have for variables, those of the play itself included.

``hostvars`` knows what the inventory says, what the command line says, and nothing of ``vars`` beside
``import_playbook``, where a playbook of the site says what its runs do.
"""

from __future__ import annotations

import typing as t

from ansible.vars.hostvars import HostVarsVars


def of_hosts(task: t.Any, hosts: t.Sequence[str]) -> dict[str, t.Mapping[str, t.Any]]:
    """Return each host's variables as tasks of the play see them; a value is templated when it is asked for."""
    play = task.get_play()
    manager = play.get_variable_manager()
    found: dict[str, t.Mapping[str, t.Any]] = {}
    shared: dict[str, list[str]] = {}
    for name in hosts:
        variables = manager.get_vars(
            play=play,
            host=manager._inventory.get_host(name),
            include_hostvars=False,
            # Else the manager looks the play's hosts up anew for each of them.
            _hosts=hosts,
            _hosts_all=hosts,
        )
        for which in ("ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all", "play_hosts"):
            if which in variables:  # each host has lists of its own of all hosts
                variables[which] = shared.setdefault(which, variables[which])
        found[name] = HostVarsVars(variables, loader=manager._loader, host=name)
    return found


__all__ = ("of_hosts",)
