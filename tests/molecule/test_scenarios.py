# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether each molecule scenario proves what it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.molecule import scenario

GREEN = """
PLAY RECAP ***
patchapt                   : ok=5    changed=2    unreachable=0    failed=0    skipped=0
patchapt                   : ok=5    changed=0    unreachable=0    failed=0    skipped=0

DETAILS
demo > syntax: Executed: Successful
demo > converge: Executed: Successful
demo > verify: Executed: Successful
"""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.needs(*promise.needs) if promise.needs else ())
        for name, promise in scenario.SCENARIOS.items()
    ],
)
def test_scenario(name: str, root: Path) -> None:
    """Molecule ends well, from the root, with every step done on every host."""
    if name == "backup_and_recover":
        pytest.importorskip("hdbcli", reason="hdbcli, SAP's driver, is not installed")
    if name == "quiesce_and_release":
        pytest.importorskip("pyrfc", reason="pyrfc or a library of that name is not installed")
    output = scenario.run(root, name)
    assert f"{name} > verify: Executed: Successful" in output


def test_every_scenario_is_run(root: Path) -> None:
    """No scenario with a playbook is left out."""
    there = {path.parent.name for path in root.glob("extensions/molecule/*/converge.yml")}
    assert there == set(scenario.SCENARIOS)


def test_a_real_green_is_taken() -> None:
    """The check lets a run pass in which all was done."""
    scenario.check(GREEN, "demo", hosts=("patchapt",))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("demo > verify: Executed: Successful", "demo > verify: Executed: Missing playbook", "verify"),
        ("PLAY RECAP ***", "skipping: no hosts matched\nPLAY RECAP ***", "no hosts matched"),
        ("DETAILS", "WARNING  Skipping, instances already created.\nDETAILS", "already created"),
        ("ok=5    changed=2    unreachable=0", "ok=0    changed=0    unreachable=1", "patchapt"),
        ("patchapt                   : ok=5    changed=2    unreachable=0    failed=0    skipped=0\n", "", "patchapt"),
    ],
)
def test_false_greens_are_red(before: str, after: str, says: str) -> None:
    """Each way in which molecule passes without testing is found."""
    assert before in GREEN
    with pytest.raises(scenario.NotProved, match=says):
        scenario.check(GREEN.replace(before, after, 1), "demo", hosts=("patchapt",))
