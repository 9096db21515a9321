# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the package room: what changed, what is meant by a pattern, when a list is the same."""

from __future__ import annotations

from ansible_collections.basis.landscape.plugins.module_utils._packages import model
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import Change


def test_changes_between() -> None:
    """An upgrade replaces, a kernel comes beside the old one, a removed package has no new version."""
    before = {"a.x86_64": ("1",), "kernel.x86_64": ("5-1", "5-2"), "gone.noarch": ("1",), "same.noarch": ("1",)}
    after = {"a.x86_64": ("2",), "kernel.x86_64": ("5-2", "5-3"), "same.noarch": ("1",), "new.noarch": ("1",)}
    assert model.changes_between(before, after) == [
        Change("a", "x86_64", "1", "2", "upgraded"),
        Change("gone", "noarch", "1", None, "removed"),
        Change("kernel", "x86_64", "5-1", "5-3", "upgraded"),
        Change("new", "noarch", None, "1", "installed"),
    ]
    assert model.changes_between({"kernel.x86_64": ("5-1",)}, {"kernel.x86_64": ("5-1", "5-2")}) == [
        Change("kernel", "x86_64", None, "5-2", "installed")
    ]


def test_expand() -> None:
    """Names and patterns to installed names; a name that means nothing is told."""
    installed = {"python3.x86_64": ("1",), "python3-libs.x86_64": ("1",), "bash.x86_64": ("5",)}
    assert model.expand(["python3*", "bash", "zsh", "nothing*"], installed) == (
        ["bash", "python3", "python3-libs"],
        ["zsh", "nothing*"],
    )
    assert model.matches("glibc", ["gl*"])
    assert not model.matches("GLIBC", ["gl*"])


def test_digest() -> None:
    """The order does not count, each version does."""
    one = model.digest({"a.x": ("1",), "b.x": ("1", "2")})
    assert one == model.digest({"b.x": ("2", "1"), "a.x": ("1",)})
    assert one != model.digest({"a.x": ("1",), "b.x": ("1", "3")})
