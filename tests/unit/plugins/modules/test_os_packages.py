# SPDX-License-Identifier: GPL-3.0-or-later
"""What os_packages tells of a piece of work that took several attempts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._operation import carry_out
from ansible_collections.basis.landscape.plugins.module_utils._packages.baseline import Baseline
from ansible_collections.basis.landscape.plugins.module_utils._packages.link import Commands
from ansible_collections.basis.landscape.plugins.module_utils._packages.manager import Manager
from ansible_collections.basis.landscape.plugins.module_utils._packages.model import (
    Change,
    Installed,
    Pending,
    RebootNeed,
    Selection,
)
from ansible_collections.basis.landscape.plugins.modules.os_packages import Upgraded, spec

NEW = {"one.noarch": ("2",), "two.noarch": ("2",)}


class Host(Manager):
    """A host with two packages, of which there are newer versions."""

    name = "none"

    def __init__(self) -> None:
        super().__init__(Commands())
        self.now: Installed = {"one.noarch": ("1",), "two.noarch": ("1",)}
        self.breaks_behind = ""

    def refresh(self) -> None:
        """There is nothing to read."""

    def installed(self) -> Installed:
        return dict(self.now)

    def pending(self, selection: Selection, installed: Installed) -> Pending:
        """What is older than the newest version."""
        old = {key: version for (key, (version,)) in installed.items() if version < "2"}
        return Pending([Change(key[:-7], "noarch", old[key], "2", "upgraded") for key in old], [])

    def upgrade(self, selection: Selection, pending: Pending) -> None:
        """One after the other."""
        for change in pending.changes:
            self.now[change.key] = NEW[change.key]
            if change.name == self.breaks_behind:
                raise Failed("upgrade packages", "it broke off")

    def reboot_need(self) -> RebootNeed:
        return RebootNeed(False, "nobody", [])

    def in_use(self) -> str:
        return ""

    def locks(self) -> list[str]:
        return []


def call(host: Host, folder: Path, work: str = "r1 of 5/patch", check_mode: bool = False) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in spec().options.items()}
    fence = {"epoch": 1, "ci": "PRD/app", "directory": str(folder), "work": work}
    return carry_out(Upgraded(host, params, None if check_mode else Baseline.of(fence)), check_mode=check_mode)


def told(result: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(row["name"], row["from"], row["to"], row["action"]) for row in result["packages"]]


def test_the_second_attempt_tells_of_both(tmp_path: Path) -> None:
    host = Host()
    host.breaks_behind = "one"
    with pytest.raises(Failed) as first:
        call(host, tmp_path)
    assert told(first.value.facts) == [("one", "1", "2", "upgraded")] and first.value.facts["changed"]
    host.breaks_behind = "two"
    with pytest.raises(Failed) as second:
        call(host, tmp_path)
    both = [("one", "1", "2", "changed"), ("two", "1", "2", "upgraded")]
    assert told(second.value.facts) == both and second.value.facts["changed"]

    third = call(host, tmp_path)
    assert {name for name, *_rest in told(third)} == {"one", "two"} and third["changed"] is False
    assert not told(call(host, tmp_path, "r1 of 9/patch")), "it is another run of that name"


def test_what_somebody_moved_in_between_is_not_called_an_upgrade(tmp_path: Path) -> None:
    host = Host()
    host.now = {"one.noarch": ("1",), "two.noarch": ("5",)}
    call(host, tmp_path)
    host.now["two.noarch"] = ("4",)
    assert told(call(host, tmp_path)) == [("one", "1", "2", "changed"), ("two", "5", "4", "changed")]


def test_check_mode_neither_keeps_nor_tells_what_was_kept(tmp_path: Path) -> None:
    host = Host()
    assert len(told(call(host, tmp_path, check_mode=True))) == 2 and not list(tmp_path.iterdir())
    call(host, tmp_path)
    assert not told(call(host, tmp_path, check_mode=True))


def test_a_damaged_file_is_warned_of_once(tmp_path: Path) -> None:
    host = Host()
    (tmp_path / "PRD_app.packages").write_text("{", encoding="utf-8")
    result = call(host, tmp_path)
    assert len(told(result)) == 2
    assert [text.partition(": ")[0] for text in result["warnings"]] == ["what an earlier attempt did is not told"]
    assert not call(host, tmp_path)["warnings"]
