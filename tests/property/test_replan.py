# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about a run that goes on with another plan, for any landscape that changes under it."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import Phase, assume, event, given, settings
from hypothesis import strategies as st

from ansible_collections.basis.landscape.plugins.plugin_utils._plan import PlanRefused, make_plan
from ansible_collections.basis.landscape.plugins.plugin_utils._plan.make import plan_again
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Owner,
    Revision,
    Store,
    StoreError,
    gate,
    replan,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import rehearsal
from tests.unit.plugins.plugin_utils._plan.landscapes import NOW
from tests.unit.plugins.plugin_utils._plan.test_properties import LOOK, landscapes, needs_of, options

Landscape = dict[str, Any]


def rolling_of(landscape: Landscape) -> set[str]:
    return {name for name, system in landscape["systems"].items() if system["maintenance"] == "rolling"}


class World:
    """What really runs: truth for every claim, told by acts alone."""

    def __init__(self, landscape: Landscape) -> None:
        self.up = set(landscape["instances"])
        self.patched: dict[str, int] = {}
        self.problems: list[str] = []
        self.become(landscape, set())

    def become(self, landscape: Landscape, run: set[str]) -> None:
        """From now on the landscape is another one; what is new there is up. ``run``: the hosts of the run."""
        before = set(getattr(self, "landscape", landscape)["instances"])
        self.up = (self.up & set(landscape["instances"])) | (set(landscape["instances"]) - before)
        self.landscape = landscape
        self.inside = {name for name, record in landscape["instances"].items() if record["host"] in run}
        self.needs = needs_of(landscape, rolling_of(landscape), self.inside)

    def act(self, host: str, row: dict[str, Any]) -> None:
        """Do a step, and look whether it was right to do it now."""
        kind, name = row["kind"], row["instance"]
        if kind == "stop":
            relying = {one for one in self.inside & self.up if name in self.needs[one]}
            self.tell(relying, f"{name} was stopped under")
            self.up.discard(name)
        elif kind == "start":
            self.tell((self.needs.get(name, set()) & self.inside) - self.up, f"{name} was started without")
            if name in self.landscape["instances"]:
                self.up.add(name)
        elif kind == "patch":
            running = {one for one in self.inside & self.up if self.landscape["instances"][one]["host"] == host}
            self.tell(running, f"{host} was patched under")
            self.patched[host] = self.patched.get(host, 0) + 1

    def tell(self, wrong: set[str], what: str) -> None:
        if wrong:
            self.problems.append(f"{what} {', '.join(sorted(wrong))}")


class Walk:
    """One controller at work, host by host in any order."""

    def __init__(self, store: Store, world: World, epoch: int) -> None:
        self.store, self.world, self.epoch = store, world, epoch

    def one(self, host: str, outcome: str = "done") -> bool:
        """Let a host do its next step; whether it did something. ``outcome``: done, failed, or *lost* on the way."""
        row = next((row for row in self.store.steps("r", host) if row["state"] not in ("done", "skipped")), None)
        if row is None:
            return False
        verdict = self.store.claim("r", host, row["step"], self.epoch, {"token": f"{host}{self.epoch}"})
        if verdict.kind == "look":
            self.store.resolve("r", host, row["step"], self.epoch, self.happened(host, row))
            return True
        if verdict.kind != "go":
            return False
        if outcome != "failed":
            self.world.act(host, row)
        if outcome != "lost":
            self.store.end("r", host, row["step"], self.epoch, verdict.attempt, outcome)
        return True

    def happened(self, host: str, row: dict[str, Any]) -> bool:
        if row["kind"] in ("stop", "start"):
            return (row["instance"] in self.world.up) == (row["kind"] == "start")
        return bool(self.world.patched.get(host)) if row["kind"] == "patch" else False

    def to_the_end(self, hosts: list[str]) -> None:
        while sum(self.one(host) for host in hosts):
            pass


@st.composite
def changed(draw: st.DrawFn, landscape: Landscape) -> Landscape:
    """The landscape after a change or two that a CMDB may tell."""
    after = copy.deepcopy(landscape)
    instances, systems = after["instances"], after["systems"]
    for _change in range(draw(st.integers(1, 2))):
        what = draw(st.sampled_from(["new instance", "gone instance", "gone host", "relation", "rolling"]))
        if what == "new instance":
            system = draw(st.sampled_from(sorted(systems)))
            host = draw(st.sampled_from(sorted(after["hosts"])))
            kind = draw(st.sampled_from(["dialog", "ascs", "webdisp", "hana"]))
            record = {"system": system, "sid": system, "host": host, "name": "N90", "kind": kind}
            instances.setdefault(f"{system}/{host}/N90", record)
        elif what == "gone instance":
            gone = draw(st.sampled_from(sorted(instances)))
            del instances[gone]
            for record in instances.values():
                record.pop("depends_on", None)
        elif what == "gone host" and len(after["hosts"]) > 1:
            gone = draw(st.sampled_from(sorted(after["hosts"])))
            del after["hosts"][gone]
            for name in [name for name, record in instances.items() if record["host"] == gone]:
                del instances[name]
            for record in instances.values():
                record.pop("depends_on", None)
        elif what == "relation" and len(systems) > 1:
            upper, lower = draw(st.permutations(sorted(systems)))[:2]
            if lower not in systems[upper]["depends_on"]:
                systems[upper]["depends_on"].append(lower)
        elif what == "rolling":
            system = systems[draw(st.sampled_from(sorted(systems)))]
            system["maintenance"] = "full_stop" if system["maintenance"] == "rolling" else "rolling"
        if not instances:
            return after
    known = {*systems, *after["hosts"], *instances}
    for group in after["redundancy_groups"].values():
        group["members"] = [member for member in group["members"] if member in known]
    return after


def without_windows(landscape: Landscape) -> Landscape:
    for system in landscape["systems"].values():
        system["windows"] = system["blackouts"] = []
    return landscape


def planned(landscape: Landscape, chosen: dict[str, Any]) -> dict[str, Any] | None:
    """The plan for all hosts, None when it is refused."""
    try:
        return make_plan(landscape, hosts=landscape["hosts"], procedure="patch", now=NOW, options=chosen)
    except PlanRefused:
        return None


def keeps_the_order_of_now(data: st.DataObject) -> None:
    """Play a run, change the landscape, go on with the plan of now if it may, to the end."""
    landscape = without_windows(data.draw(landscapes()))
    assume(len(landscape["instances"]) > 0)
    plan = planned(landscape, {**data.draw(options(landscape)), "outside": "accept"})
    if plan is None:
        for system in landscape["systems"].values():
            system["maintenance"] = "full_stop"
        landscape["redundancy_groups"] = {}
        plan = planned(landscape, {})
    assume(plan is not None)
    assert plan is not None
    store = rehearsal(None)
    store.create("r", plan, procedure="patch", code_hash="c", params={}, created_by="me")
    world = World(landscape)
    world.become(landscape, set(plan["hosts"]))
    walk = Walk(store, world, store.take("r", Owner.current()))
    chance = random.Random(data.draw(st.integers(0, 2**16)))
    share, bad = data.draw(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])), data.draw(st.sampled_from([0.0, 0.0, 0.05]))
    for _act in range(round(share * len(store.steps("r")))):
        outcome = chance.choice(["failed", "lost"]) if chance.random() < bad else "done"
        any(walk.one(host, outcome) for host in chance.sample(plan["hosts"], len(plan["hosts"])))
    assert not world.problems, "before anything has changed"

    after = data.draw(changed(landscape))
    assume(len(after["instances"]) > 0)
    try:
        of_now = plan_again(plan, after)
    except PlanRefused:
        event("cannot be planned")
        return
    stopped = world.inside - world.up
    world.become(after, set(of_now["hosts"]))
    begun = any(row["attempt"] and row["kind"] not in gate.HARMLESS for row in store.steps("r"))
    there = Owner("c", "elsewhere", "another boot", "other", 1, 1)
    try:
        epoch = store.take("r", there, force_by="a test", revision=Revision("me", "c", ["it"], of_now))
    except StoreError as refused:
        assert "has gone too far for the plan of now: " in str(refused) and begun
        event("refused")
        return
    event(f"goes on, begun: {begun}, another plan: {of_now['hash'] != plan['hash']}")
    assert stopped <= world.inside, "what the run has stopped it also starts"
    skipped = {row["instance"] for row in store.steps("r") if row["state"] == "skipped" and row["instance"]}
    Walk(store, world, epoch).to_the_end(data.draw(st.permutations(of_now["hosts"])))
    assert not world.problems
    assert store.finish("r", epoch) == "succeeded"
    assert world.inside - skipped <= world.up, "all that the run has to do with is up at the end"
    assert all(world.patched.get(host) == 1 for host in of_now["hosts"])


@given(data=st.data())
@settings(LOOK)
def test_whatever_changes_the_run_keeps_the_order_of_now(data: st.DataObject) -> None:
    keeps_the_order_of_now(data)


@pytest.mark.parametrize("rule", ["out_of_order", "left_half_done"])
def test_each_rule_is_needed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replan._Progress, rule, lambda _progress: ())
    found = settings(LOOK, max_examples=500, phases=[Phase.generate], database=None)(
        given(data=st.data())(keeps_the_order_of_now)
    )
    with pytest.raises((AssertionError, StoreError)):
        found()
