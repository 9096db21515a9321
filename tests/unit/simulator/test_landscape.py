# SPDX-License-Identifier: GPL-3.0-or-later
"""How instances and hosts change, on a clock that only moves when told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.clock import Clock
from tests.simulator.faults import Faults
from tests.simulator.journal import Journal
from tests.simulator.landscape import GRAY, GREEN, RED, YELLOW, BadLandscape, Landscape, Refused, check
from tests.unit.simulator.samples import ASCS, D01, D02, ERS, HDB, WEB, landscape


class World:
    """A landscape without doors."""

    def __init__(self, **more: Any) -> None:
        self.clock = Clock(1e-9, wall=1_800_000_000)
        self.journal = Journal(self.clock)
        self.faults = Faults()
        self.journal.listeners.append(self.faults.heard)
        export = landscape(**more)
        self.land = Landscape(
            export, self.clock, self.journal, self.faults, {h["name"]: "127.0.0.1" for h in export["hosts"]}
        )

    def effects(self, instance: str | None = None) -> list[str]:
        return [e["effect"] for e in self.journal.entries if "effect" in e and instance in (None, e.get("instance"))]

    def stop(self, *names: str, soft: float = 1000) -> None:
        for name in names:
            self.land.instances[name].maintenance = True
            self.land.stop(self.land.instances[name], soft, "test")
            self.clock.advance(1000)

    def start(self, name: str, seconds: float = 1000) -> None:
        self.land.start(self.land.instances[name], "test")
        self.clock.advance(seconds)


def test_a_start_goes_from_an_empty_list_over_yellow_to_green() -> None:
    world = World()
    world.stop(D01)
    instance = world.land.instances[D01]
    assert (instance.phase, instance.color) == ("stopped", GRAY)
    seen = []
    world.start(D01, 0)
    for _step in range(100):
        seen.append((len(instance.processes), instance.color, {row.name for row in instance.processes} == {"sapcpe"}))
        world.clock.advance(1)
    assert seen[0] == (0, YELLOW, False), "just after the start the list is empty"
    assert any(only_sapcpe for _count, _color, only_sapcpe in seen), "sapcpe shows up for a moment"
    assert all(color == YELLOW for count, color, only in seen if count > 1 and not only)
    assert instance.color == GREEN and instance.phase == "running"
    assert world.effects(D01) == ["stopping", "stopped", "starting", "started"]


def test_processes_become_green_one_by_one() -> None:
    world = World()
    world.stop(D01)
    world.start(D01, 0)
    counts = []
    for _step in range(101):
        world.clock.advance(1)
        counts.append(sum(row.color == GREEN for row in world.land.instances[D01].processes if row.name != "sapcpe"))
    assert sorted(set(counts)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("soft", "seconds", "lost"),
    [(1000, 70, False), (30, 70, False), (10, 50, True), (0, 40, True)],
)
def test_a_stop_waits_for_users_as_long_as_it_may(soft: float, seconds: float, lost: bool) -> None:
    world = World()
    world.land.stop(world.land.instances[D01], soft, "test")
    world.clock.advance(seconds - 0.5)
    assert world.land.instances[D01].phase == "stopping"
    world.clock.advance(1)
    assert world.land.instances[D01].phase == "stopped"
    assert ("sessions_lost" in world.effects(D01)) is lost


def test_start_on_a_running_instance_is_refused_and_ignored_while_it_moves() -> None:
    world = World()
    with pytest.raises(Refused, match="Instance already started"):
        world.start(D01)
    world.land.stop(world.land.instances[D01], 0, "test")
    world.start(D01, 0)
    assert "start_ignored" in world.effects(D01)
    world.land.stop(world.land.instances[D01], 0, "test")
    assert "stop_ignored" in world.effects(D01)


def test_an_application_instance_waits_for_its_database() -> None:
    world = World()
    world.stop(D01, HDB)
    world.start(D01)
    instance = world.land.instances[D01]
    assert (instance.phase, instance.color) == ("starting", YELLOW)
    assert world.effects(D01)[-1] == "waiting_for_dependency"
    world.start(HDB)
    assert instance.color == GREEN
    assert world.effects(D01)[-1] == "started"


def test_stopping_in_the_wrong_order_is_in_the_journal() -> None:
    world = World()
    world.stop(HDB)
    assert {e["instance"] for e in world.journal.entries if e.get("effect") == "lost_dependency"} == {D01, D02}
    assert world.land.instances[D01].color == YELLOW
    world.start(HDB)
    assert world.land.instances[D01].color == GREEN


def test_stopping_in_the_right_order_leaves_no_trace_of_it() -> None:
    world = World()
    world.stop(WEB, D01, D02, ASCS, ERS, HDB)
    assert set(world.effects()) == {"stopping", "stopped"}


def test_locks_survive_with_replication_only() -> None:
    world = World()
    world.stop(ASCS)
    assert "locks_lost" not in world.effects()
    other = World()
    other.stop(ERS, ASCS)
    assert "locks_lost" in other.effects()


def test_a_cluster_restarts_what_is_stopped_behind_its_back() -> None:
    world = World()
    world.land.stop(world.land.instances[ASCS], 0, "test")
    world.clock.advance(1000)
    assert "cluster_restarted" in world.effects(ASCS)
    assert world.land.instances[ASCS].running
    world.land.set_maintenance(world.land.instances[ASCS], True, False)
    assert world.land.instances[ERS].maintenance
    world.land.stop(world.land.instances[ASCS], 0, "test")
    world.clock.advance(1000)
    assert world.land.instances[ASCS].phase == "stopped"


@pytest.mark.parametrize(
    ("fault", "phase", "color", "effect"),
    [("red_on_start", "failed", RED, "red"), ("yellow_forever", "starting", YELLOW, "stuck_yellow")],
)
def test_a_start_that_fails(fault: str, phase: str, color: str, effect: str) -> None:
    world = World()
    world.stop(D01)
    world.faults.add({"name": fault, "instance": D01, "times": 1})
    world.start(D01)
    instance = world.land.instances[D01]
    assert (instance.phase, instance.color, world.effects(D01)[-1]) == (phase, color, effect)
    assert world.land.instances[D02].color == GREEN


def test_a_held_start_goes_on_when_its_fault_is_removed() -> None:
    world = World()
    world.stop(D01)
    fault = world.faults.add({"name": "yellow_forever", "instance": D01})
    world.start(D01)
    world.faults.remove(ident=fault.id)
    assert world.land.instances[D01].color == GREEN


def test_a_stop_that_fails_is_green_again() -> None:
    world = World()
    world.faults.add({"name": "fails_to_stop", "instance": D01, "times": 1})
    world.stop(D01)
    assert (world.land.instances[D01].color, world.effects(D01)[-1]) == (GREEN, "stop_failed")
    world.stop(D01)
    assert world.land.instances[D01].phase == "stopped", "once only"


def test_a_stop_that_hangs_ends_when_its_fault_is_removed() -> None:
    world = World()
    fault = world.faults.add({"name": "stop_hangs", "instance": D01})
    world.stop(D01)
    assert (world.land.instances[D01].phase, world.land.instances[D01].color) == ("stopping", YELLOW)
    world.faults.remove(ident=fault.id)
    assert world.land.instances[D01].phase == "stopped"


def test_a_reboot_kills_what_runs_and_changes_the_boot_id() -> None:
    world = World()
    host = world.land.hosts["prdapp1"]
    before, host.reboot_required = host.boot_id, True
    world.land.reboot(host, "test")
    world.clock.advance(3)
    assert (host.up, world.land.instances[D01].phase) == (False, "stopped")
    assert "killed" in world.effects(D01)
    world.clock.advance(1000)
    assert (host.up, host.reboot_required, world.land.instances[D01].phase) == (True, False, "stopped")
    assert host.boot_id != before


def test_a_reboot_of_a_stopped_host_kills_nothing() -> None:
    world = World()
    world.stop(D01)
    world.land.reboot(world.land.hosts["prdapp1"], "test")
    world.clock.advance(1000)
    assert "killed" not in world.effects()


def test_a_reboot_that_never_returns() -> None:
    world = World()
    fault = world.faults.add({"name": "reboot_never_returns", "host": "prdapp1"})
    host = world.land.hosts["prdapp1"]
    world.land.reboot(host, "test")
    world.clock.advance(100_000)
    assert not host.up
    world.faults.remove(ident=fault.id)
    world.clock.advance(10)
    assert host.up


def test_a_reboot_that_does_not_happen() -> None:
    world = World()
    world.faults.add({"name": "no_reboot", "host": "prdapp1"})
    host = world.land.hosts["prdapp1"]
    before = host.boot_id
    world.land.reboot(host, "test")
    world.clock.advance(1000)
    assert (host.up, host.boot_id) == (True, before)


def test_a_fault_may_wait_for_a_journal_entry() -> None:
    world = World()
    world.faults.add({"name": "host_unreachable", "host": "prdapp1", "on": {"effect": "stopping", "instance": D01}})
    assert world.land.reachable(world.land.hosts["prdapp1"])
    world.land.stop(world.land.instances[D01], 0, "test")
    assert not world.land.reachable(world.land.hosts["prdapp1"])


def test_the_same_seed_gives_the_same_durations() -> None:
    def seconds(seed: int) -> list[dict[str, float]]:
        return [i.seconds for i in World(seed=seed, spread=0.3, stragglers={"share": 0.5}).land.instances.values()]

    assert seconds(1) == seconds(1)
    assert seconds(1) != seconds(2)


def test_durations_by_kind_and_stragglers() -> None:
    world = World(durations={"start/hana": 500, "stop": 3}, stragglers={"share": 1, "factor": 4})
    assert world.land.instances[HDB].seconds == {"start": 2000, "stop": 12, "soft": 0}
    assert world.land.instances[D01].seconds == {"start": 100, "stop": 40, "soft": 30}, "its own wins"


def test_a_snapshot_can_be_restored() -> None:
    world = World()
    world.stop(D01)
    world.land.upgrade(world.land.hosts["wd1"], list(world.land.hosts["wd1"].packages.values()), "test")
    snapshot = world.land.snapshot()
    other = World()
    other.land.restore({"hosts": snapshot["hosts"], "instances": snapshot["instances"]})
    again = other.land.snapshot()
    assert again["instances"][D01]["phase"] == "stopped"
    assert again["hosts"]["wd1"]["packages"] == snapshot["hosts"]["wd1"]["packages"]
    with pytest.raises(ValueError, match="phase can be set to running or stopped"):
        other.land.restore({"instances": {D01: {"phase": "flying"}}})


def test_every_defect_of_a_landscape_is_listed() -> None:
    export = landscape()
    export["hosts"].append({"name": "prddb"})
    export["instances"][0]["system"] = "XXX"
    export["instances"][3]["kind"] = "cobol"
    export["instances"][4]["number"] = "none"
    with pytest.raises(BadLandscape) as caught:
        check(export)
    for word in ("the name prddb is there twice", "there is no system 'XXX'", "'cobol' is none of", "number 'none'"):
        assert word in str(caught.value)
    with pytest.raises(BadLandscape, match="lists hosts"):
        check([])
