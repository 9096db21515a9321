# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a fault is in force."""

from __future__ import annotations

from tests.simulator.faults import Faults


def test_a_fault_begins_with_one_entry_of_the_journal_and_ends_with_another() -> None:
    faults, told = Faults(), []
    faults.changed.append(lambda: told.append(faults.standing("slow", host="app") is not None))
    begin, end = {"effect": "stopping", "host": "app"}, {"effect": "stopped"}
    faults.add({"name": "slow", "host": "app", "on": begin, "until": end})
    faults.heard({"effect": "stopping", "host": "db"})
    assert told == [False]
    faults.heard({**begin, "n": 1})
    faults.heard({**begin, "n": 2})
    assert told == [False, True]
    faults.heard({**end, "host": "app"})
    assert told == [False, True, False] and faults.listing() == []


def test_a_fault_ends_with_the_nth_of_its_entries() -> None:
    faults, told = Faults(), []
    faults.changed.append(lambda: told.append(len(faults.listing())))
    faults.add({"name": "yellow_forever", "until": {"call": "GetProcessList"}, "until_nth": 3})
    for call in ("GetProcessList", "Start", "GetProcessList"):
        faults.heard({"call": call})
    assert told == [1]
    faults.heard({"call": "GetProcessList"})
    assert told == [1, 0]
