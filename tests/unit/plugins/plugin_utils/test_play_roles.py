# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles of a play, each once."""

from __future__ import annotations

from ansible.playbook.play import Play
from ansible.playbook.role import Role

from ansible_collections.basis.landscape.plugins.plugin_utils import _play_roles


def test_equal_roles_are_kept_once() -> None:
    play = Play()
    _play_roles.keep_once_each(play)
    for _host in range(200):
        for name, variables in (("stop", {}), ("verify", {"when": "before"}), ("verify", {"when": "after"})):
            role = Role(play=play)
            role._role_name, role._role_path, role.vars = name, f"/roles/{name}", dict(variables)
            play.roles.append(role)
    assert [(role.get_name(), role.vars) for role in play.roles] == [
        ("stop", {}),
        ("verify", {"when": "before"}),
        ("verify", {"when": "after"}),
    ]


def test_what_the_play_named_stays_in_its_order() -> None:
    play = Play()
    play.roles = ["b", "a"]
    _play_roles.keep_once_each(play)
    play.roles.append("b")
    assert list(play.roles) == ["b", "a"]
