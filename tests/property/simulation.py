# SPDX-License-Identifier: GPL-3.0-or-later
"""A landscape with its controllers in one thread, in which any interleaving of the run database's verbs can be played.

The verbs are the real ones on a real database. What is played is what the database cannot see: hosts, Ansible workers
(generators that stop between any two effects), controllers that are killed, clocks. ``World`` is the truth and never
reads the database; it asserts what must never happen at the moment it would.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    Busy,
    Fenced,
    Machine,
    Owner,
    Store,
    engine,
    rules,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa
from tests.property import plans

RUN = "r"
TTL = 30.0
OPENS = 130.0
"""When the window of the second group opens; the simulation begins at 100."""
ACTS = ("stop", "patch", "start")


@dataclasses.dataclass(frozen=True)
class Shape:
    """A landscape: which hosts, and who stops before whom."""

    hosts: tuple[str, ...]
    chains: tuple[tuple[str, str], ...]
    """(dependent, what it depends on)."""

    def plan(self) -> dict[str, Any]:
        """One group of everything but the standby ``sb``, which is a group of its own; db and sb are a pair."""
        names = {host: "QAS" if host == "sb" else "PRD" for host in self.hosts}

        def walk(host: str) -> list[dict[str, Any]]:
            me = names[host]
            stops = [(upper, f"stop:{me}/{upper}/I") for upper, lower in self.chains if lower == host]
            starts = [(lower, f"start:{me}/{lower}/I") for upper, lower in self.chains if upper == host]
            return [
                plans.step("admit", system=me),
                plans.step("suspend_jobs", system=me),
                plans.step("stop", f"stop:{me}/{host}/I", stops, system=me),
                plans.step("patch", system=me),
                plans.step("start", f"start:{me}/{host}/I", starts, system=me),
                plans.step("verify", system=me),
                plans.step("release_jobs", system=me),
            ]

        needs = {"batch": 1, "redundancy:pair": 1}
        window = {"opens": OPENS, "closes": 1e9, "source": "night"}
        return plans.plan(
            [
                plans.group("PRD", [host for host in self.hosts if host != "sb"], needs=dict(needs)),
                plans.group("QAS", ["sb"], needs=dict(needs), window=window),
            ],
            {host: walk(host) for host in self.hosts},
            resources={"batch": 2, "redundancy:pair": 1},
            host_needs={"db": ["redundancy:pair"], "sb": ["redundancy:pair"]},
        )


LARGE = Shape(("web", "app1", "app2", "db", "sb"), (("web", "app1"), ("web", "app2"), ("app1", "db"), ("app2", "db")))
SMALL = Shape(("app2", "db", "sb"), (("app2", "db"),))


class Violation(AssertionError):
    """Something happened that must never happen."""


def must(condition: object, words: str) -> None:
    """Raise Violation when the condition does not hold."""
    if not condition:
        raise Violation(words)


class World:
    """The hosts as they are."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.up = dict.fromkeys(shape.hosts, True)
        self.patched = dict.fromkeys(shape.hosts, 0)
        self.job = dict.fromkeys(shape.hosts, "released")
        self.job["app2"] = "suspended"  # by a person, before us
        self.before = dict(self.job)
        self.fence = dict.fromkeys(shape.hosts, 0)
        self.busy: dict[str, int | None] = dict.fromkeys(shape.hosts)
        self.in_flight = dict.fromkeys(shape.hosts, 0)
        self.fails: set[tuple[str, str]] = set()
        self.fails_late: set[tuple[str, str]] = set()
        self.loses: set[tuple[str, str]] = set()
        self.unreachable: set[tuple[str, str]] = set()

    def happened(self, ci: str, kind: str) -> bool:
        """Whether the effect of a step is there."""
        if kind == "stop":
            return not self.up[ci]
        if kind == "patch":
            return self.patched[ci] > 0
        return self.up[ci] and self.patched[ci] > 0

    def enter(self, ci: str, epoch: int, guarded: bool = True) -> bool:
        """Take the target's lock; False when somebody has it or a newer epoch was here."""
        if guarded:
            if self.busy[ci] is not None or epoch < self.fence[ci]:
                return False
            self.fence[ci] = epoch
        self.busy[ci] = epoch
        self.in_flight[ci] += 1
        must(self.in_flight[ci] == 1, f"S2: two actions in flight on {ci}")
        return True

    def leave(self, ci: str) -> None:
        """Give the target's lock back."""
        self.in_flight[ci] -= 1
        self.busy[ci] = None

    def act(self, ci: str, kind: str) -> bool:
        """Do it to the host; False when the host refuses, or has done it and says that it failed."""
        if (ci, kind) in self.fails:
            self.fails.discard((ci, kind))
            return False
        if kind == "stop":
            must(self.up[ci], f"S4: {ci} is stopped twice")
            for upper, lower in self.shape.chains:
                must(lower != ci or not self.up[upper], f"S1: {ci} is stopped while {upper} is up")
            self.up[ci] = False
            must(self.up["db"] or self.up["sb"], "S3: both members of the pair are out")
        elif kind == "patch":
            must(not self.up[ci], f"S1: {ci} is patched while it runs")
            self.patched[ci] += 1
            must(self.patched[ci] == 1, f"S4: {ci} is patched twice")
        else:
            for upper, lower in self.shape.chains:
                must(upper != ci or self.up[lower], f"S1: {ci} is started before {lower}")
            must(not self.up[ci], f"S4: {ci} is started twice")
            self.up[ci] = True
        if (ci, kind) in self.fails_late:
            self.fails_late.discard((ci, kind))
            return False
        return True


class Host(Machine):
    """A machine with controllers on it, as the store sees machines."""

    def __init__(self, name: str, simulation: Simulation) -> None:
        self.host = self.boot_id = name
        self.pid_ns = "ns"
        self._simulation = simulation

    def boottime(self) -> float:
        """The simulated clock."""
        return self._simulation.now

    def alive(self, pid: int, start: int) -> bool:
        """Whether the simulated controller runs."""
        return self._simulation.controllers[pid].alive


@dataclasses.dataclass
class Controller:
    """One ansible-playbook process."""

    number: int
    epoch: int
    store: Store
    alive: bool = True


@dataclasses.dataclass
class Actor:
    """The worker of one host, standing between two effects.

    ``at``: *task* is between two Ansible tasks, where a worker whose controller is gone ends; *in* is inside one, which
    such a worker still ends.
    """

    ci: str
    controller: Controller
    generator: Iterator[str]
    at: str = "task"
    orphan: bool = False
    step: str = ""
    ended: str | None = None


class Simulation:
    """One run of one landscape with everything that can happen to it."""

    guarded = True
    """Whether the target has a fence and a lock."""
    fenced_look = True
    """Whether a look raises the target's fence before it reads."""
    careful_undo = True
    """Whether only what we changed is undone, to the value it had."""
    intent_first = True
    """Whether a temporary change is recorded before it is made."""
    looks = True
    """Whether an unknown step is looked at before it is done again."""

    def __init__(
        self,
        made: sa.Engine,
        shape: Shape = LARGE,
        *,
        idempotent: bool = True,
        store: Callable[..., Store] = Store,
    ) -> None:
        self.shape, self.idempotent = shape, idempotent
        self.world = World(shape)
        self.now = 100.0
        self.engine = made
        empty(made)
        self.stores = [store(made, clock=lambda: self.now, machine=Host(name, self)) for name in ("m0", "m1")]
        self.controllers: list[Controller] = []
        self.actors: list[Actor] = []
        self.lose_answer = False
        self.states: dict[tuple[str, str], str] = {}
        self.run_state: Any = "planned"
        plan = shape.plan()
        self.steps = plan["steps"]
        self.stores[0].create(RUN, plan, procedure="patch", code_hash="c", params={}, created_by="sim")
        self.check()

    # -- controllers ---------------------------------------------------------------------------------------------------

    def boot(self, machine: int = 0, force: bool = False) -> Controller:
        """Start a controller that takes the run. Raises Busy."""
        number = len(self.controllers)
        store = self.stores[machine]
        controller = Controller(number, 0, store)
        self.controllers.append(controller)
        owner = Owner(f"c{number}", store.machine.host, store.machine.boot_id, "ns", number, number)
        try:
            controller.epoch = store.take(RUN, owner, ttl=TTL, force_by="a person" if force else None)
        except Busy:
            controller.alive = False
            raise
        for ci in self.shape.hosts:
            actor = Actor(ci, controller, iter(()))
            actor.generator = self.walk(actor)
            self.actors.append(actor)
        self.check()
        return controller

    def kill(self, controller: Controller) -> None:
        """SIGKILL: workers between two tasks end, those inside one live on as orphans."""
        controller.alive = False
        for actor in [actor for actor in self.actors if actor.controller is controller]:
            if actor.at == "task":
                self.remove(actor)
            else:
                actor.orphan = True

    def remove(self, actor: Actor) -> None:
        """A worker ends."""
        self.actors.remove(actor)
        close = getattr(actor.generator, "close", None)
        if close is not None:
            close()

    @property
    def current(self) -> Controller:
        """The controller that took the run last."""
        return max(self.controllers, key=lambda controller: controller.epoch)

    def record(self) -> None:
        """Recorder and watchdog of the current controller: say which hosts left without a word."""
        controller = self.current
        if not controller.alive:
            return
        store, epoch = controller.store, controller.epoch
        walking = {actor.ci for actor in self.actors if actor.controller is controller}
        try:
            for ci in self.shape.hosts:
                if ci in walking:
                    continue
                steps = [row for row in store.steps(RUN, ci=ci) if row["state"] not in rules.STEP_MET]
                if not steps or steps[0]["state"] in rules.STEP_DEAD:
                    continue
                if steps[0]["state"] == "running" and (ci, steps[0]["kind"]) not in self.world.unreachable:
                    store.abandon(RUN, epoch, ci, "its worker was killed", state="unknown")
                else:
                    store.abandon(RUN, epoch, ci, "no route to host", state="unknown", unreachable=True)
        except Fenced:
            controller.alive = False
        self.check()

    # -- one host's way ------------------------------------------------------------------------------------------------

    def walk(self, actor: Actor) -> Iterator[str]:
        """What a worker does; it can be stopped at every yield."""
        ci, store, epoch = actor.ci, actor.controller.store, actor.controller.epoch
        for step in self.steps[ci]:
            name, kind = step["step"], step["kind"]
            while True:
                yield "task"
                verdict = store.claim(RUN, ci, name, epoch, {"token": f"{epoch}/{ci}/{name}"})
                if verdict.kind == "go" and self.lose_answer:
                    self.lose_answer = False
                    yield "in"
                    verdict = store.claim(RUN, ci, name, epoch, {"token": f"{epoch}/{ci}/{name}"})
                if verdict.kind == "go":
                    must(epoch == self.epoch(), "S5: an old epoch claimed a step")
                    must(kind != "admit" or ci != "sb" or self.now >= OPENS, "S10: admitted outside its window")
                    break
                if verdict.kind in ("blocked", "deferred"):
                    actor.ended = verdict.kind
                    return
                if verdict.kind == "done":
                    break
                if verdict.kind == "look":
                    happened: bool | None = False
                    if self.looks:
                        yield "in"
                        happened = self.look(ci, kind, epoch)
                        if happened is None:
                            if epoch < self.world.fence[ci]:
                                return
                            continue
                        yield "in"
                    store.resolve(RUN, ci, name, epoch, happened)
                    must(epoch == self.epoch(), "S5: an old epoch resolved a step")
            if verdict.kind == "done":
                continue
            actor.step = name
            yield "task"
            ok = yield from self.do(ci, kind, epoch, store)
            if ok is None:
                return  # refused at the target
            yield "task"
            if (ci, kind) in self.world.loses:  # the kernel killed the worker: nobody ends the step
                self.world.loses.discard((ci, kind))
                return
            if (ci, kind) in self.world.unreachable:
                return
            for _other in range(2):
                store.end(RUN, ci, name, epoch, verdict.attempt, "done" if ok else "failed")
                must(epoch == self.epoch(), "S5: an old epoch ended a step")
                if not self.lose_answer:
                    break
                self.lose_answer = False  # committed, but we did not hear of it: say it again
                yield "in"
            if not ok:
                return

    def look(self, ci: str, kind: str, epoch: int) -> bool | None:
        """What is there; None when the target is busy or a newer epoch was there."""
        if kind not in ACTS:
            return False
        if self.guarded:
            if self.world.busy[ci] is not None or epoch < self.world.fence[ci]:
                return None
            if self.fenced_look:
                self.world.fence[ci] = epoch
        return self.world.happened(ci, kind)

    def do(self, ci: str, kind: str, epoch: int, store: Store) -> Generator[str, None, Any]:
        """One step's work: True done, False refused by the host, None refused by the fence."""
        if kind == "suspend_jobs":
            return (yield from self.suspend(ci, epoch, store))
        if kind == "release_jobs":
            return (yield from self.release(ci, epoch, store))
        if kind == "verify":
            yield "in"
            return self.world.up[ci]
        if kind not in ACTS:
            return True
        if not (yield from self.enter(ci, epoch)):
            return None
        try:
            if self.idempotent and self.world.happened(ci, kind):
                return True
            yield "in"
            done = self.world.act(ci, kind)
            yield "in"
            return done
        finally:
            self.world.leave(ci)

    def enter(self, ci: str, epoch: int) -> Generator[str, None, Any]:
        """Wait for the target's lock; False when a newer epoch was there."""
        while not self.world.enter(ci, epoch, self.guarded):
            if self.world.fence[ci] > epoch:
                return False
            yield "in"
        return True

    def suspend(self, ci: str, epoch: int, store: Store) -> Generator[str, None, Any]:
        """Suspend the host's job, by the record of temporary changes."""
        before = self.world.job[ci]
        yield "in"
        if not self.intent_first:
            self.world.job[ci] = "suspended"
            yield "in"
            before = self.world.job[ci]
        record = store.intend(RUN, ci, f"job:{ci}", epoch, kind="job", before=before, wanted="suspended", undo={})
        if record.state in ("applied", "not_ours"):
            return True
        yield "in"
        if not (yield from self.enter(ci, epoch)):
            return None
        try:
            if self.world.job[ci] != "suspended":
                yield "in"
                self.world.job[ci] = "suspended"
            yield "in"
        finally:
            self.world.leave(ci)
        store.undo_state(RUN, record.id, epoch, "applied")
        return True

    def release(self, ci: str, epoch: int, store: Store) -> Generator[str, None, Any]:
        """Undo what is recorded as ours."""
        if not self.careful_undo:
            yield "in"
            self.world.job[ci] = "released"
        for record in [record for record in store.open_undo(RUN) if record.ci == ci]:
            state = record.state
            if state == "intended":
                state = "applied" if self.world.job[ci] == record.wanted else "not_applied"
                store.undo_state(RUN, record.id, epoch, state)
                yield "in"
            if state == "not_applied":
                continue
            if state == "applied":
                store.undo_state(RUN, record.id, epoch, "undoing")
                yield "in"
            if not (yield from self.enter(ci, epoch)):
                return None
            try:
                if self.world.job[ci] == record.wanted:
                    yield "in"
                    self.world.job[ci] = record.before
                    yield "in"
            finally:
                self.world.leave(ci)
            store.undo_state(RUN, record.id, epoch, "undone", proof=self.world.job[ci])
            yield "in"
        return True

    # -- what happens --------------------------------------------------------------------------------------------------

    def advance(self, actor: Actor) -> None:
        """Let one worker do its next effect."""
        try:
            actor.at = next(actor.generator)
            over = actor.orphan and actor.at == "task"
        except (StopIteration, Fenced, Busy):
            over = True
        if over and actor in self.actors:
            self.remove(actor)
        self.check()

    def rounds(self, count: int, actors: Callable[[], Sequence[Actor]] | None = None) -> None:
        """Let all workers go on in turn."""
        chosen = actors or (lambda: list(self.actors))
        for _other in range(count):
            for actor in list(chosen()):
                if actor in self.actors:
                    self.advance(actor)

    def epoch(self) -> int:
        """The run's epoch now."""
        return int(self.scalar(sa.select(t.run.c.epoch)))

    def scalar(self, statement: Any) -> Any:
        """One value, read beside the store."""
        with self.engine.connect() as connection, engine.begin_reading(connection).begin():
            return connection.execute(statement).scalar()

    def check(self) -> None:
        """What must hold after every effect."""
        with self.engine.connect() as connection, engine.begin_reading(connection).begin():
            rows = connection.execute(_STATES).all()
            state = connection.execute(_RUN_STATE).scalar()
        for ci, step, now in rows:
            before = self.states.get((ci, step), "pending")
            if before != now:
                legal = (before, now) in rules.STEP_TRANSITIONS
                must(legal, f"S7: {step} on {ci} went from {before} to {now}")
                self.states[ci, step] = now
        if state != self.run_state:
            must((self.run_state, state) in rules.RUN_TRANSITIONS, f"S7: the run went from {self.run_state} to {state}")
            self.run_state = state
            if state == "succeeded":
                self.check_success()

    def check_success(self) -> None:
        """What a succeeded run means."""
        world = self.world
        must(all(world.up.values()), "S8: succeeded, but something is down")
        must(all(count == 1 for count in world.patched.values()), "S8: succeeded, but not all is patched once")
        must(world.job == world.before, f"S6: temporary changes are not as before: {world.job}")
        for table in (t.hold, t.ci_claim, t.owner):
            must(self.scalar(sa.select(sa.func.count()).select_from(table)) == 0, f"L3: {table.name} is not empty")
        must(not self.stores[0].open_undo(RUN), "S8: succeeded with something to undo")

    def come_to_an_end(self) -> None:
        """Liveness: from here nothing fails any more; after at most three more resumes the run has succeeded."""
        self.world.fails.clear()
        self.world.fails_late.clear()
        self.world.loses.clear()
        self.world.unreachable.clear()
        self.lose_answer = False
        self.now = max(self.now, OPENS) + 1
        for _other in range(5):
            if self.run_state == "succeeded":
                break
            self.run_dry()
            current = self.current
            if current.alive and self.run_state in rules.RUN_LIVE:
                waiters = [(actor.ci, actor.at) for actor in self.actors if actor.controller is current]
                must(not waiters, f"L1: waits for ever: {waiters} {current.store.waiting(RUN)}")
            for actor in list(self.actors):
                self.remove(actor)
            if self.run_state in rules.RUN_LIVE and current.alive:
                if current.store.finish(RUN, current.epoch) == "succeeded":
                    self.check()
                    break
                self.check()
            for controller in self.controllers:
                controller.alive = False
            self.now += 1000
            for store in self.stores:
                store.observe()
            self.check()
            self.boot()
        left = [row for row in self.stores[0].steps(RUN) if row["state"] != "done"]
        must(
            self.run_state == "succeeded",
            f"L2: does not come to an end: {[(row['ci'], row['step'], row['state'], row['message']) for row in left]}",
        )
        must(self.stores[0].verify_chain(RUN) is None, "the record does not hold together")

    def run_dry(self) -> None:
        """Let all workers go on until only waiters are left that nothing changes for any more."""
        quiet = 0
        while self.actors and quiet < 3:
            before = self.stores[0].events(RUN)[-1]["n"], self.positions()
            self.rounds(4)
            self.record()
            after = self.stores[0].events(RUN)[-1]["n"], self.positions()
            quiet = quiet + 1 if before == after else 0

    def positions(self) -> Any:
        """Where all workers stand; waiters stand still."""
        return [(actor.ci, actor.at, actor.step, dict(self.world.busy)) for actor in self.actors]


def kill_at(sim: Simulation, after: int, order: str) -> None:
    """Kill the controller after so many effects; what is left of it goes on before, after or beside its successor's."""
    sim.boot()
    advance_in_turn(sim, after)
    sim.kill(sim.current)
    if order == "orphans first":
        sim.rounds(60, lambda: [actor for actor in sim.actors if actor.orphan])
    sim.boot(machine=0)
    if order == "new first":
        for _other in range(40):
            sim.rounds(1, lambda: [actor for actor in sim.actors if not actor.orphan])
    sim.come_to_an_end()


def pause_at(sim: Simulation, first: int, second: int, third: int) -> None:
    """The first controller stands still after ``first`` effects, another takes over by force and does ``second``.

    Then the first one wakes up for ``third`` effects.
    """
    old = sim.boot()
    advance_in_turn(sim, first)
    new = sim.boot(machine=1, force=True)
    advance_in_turn(sim, second, lambda actor: actor.controller is new)
    advance_in_turn(sim, third, lambda actor: actor.controller is old)
    sim.kill(old)
    sim.come_to_an_end()


def fault_at(sim: Simulation, how: str, ci: str, act: str) -> None:
    """One fault at one host's act (``how``: a set of the world), played to its end before anything is healed."""
    getattr(sim.world, how).add((ci, act))
    sim.now = OPENS
    sim.boot()
    sim.run_dry()
    waiters = [actor.ci for actor in sim.actors]
    must(not waiters, f"L1: waits for ever: {waiters} {sim.current.store.waiting(RUN)}")
    sim.come_to_an_end()


def random_history(sim: Simulation, seed: int, length: int = 30) -> None:
    """Play a history that the seed decides."""
    dice = random.Random(seed)
    sim.boot()
    for _other in range(length):
        what = dice.random()
        if what < 0.55:
            sim.rounds(dice.randint(1, 4), lambda: [actor for actor in sim.actors if dice.random() < 0.7])
        elif what < 0.65:
            getattr(sim.world, dice.choice(["fails", "loses", "unreachable"])).add(
                (dice.choice(sim.shape.hosts), dice.choice(ACTS))
            )
        elif what < 0.75:
            sim.record()
        elif what < 0.85:
            sim.now += dice.choice([1, 29, 31, 120])
            sim.stores[dice.randint(0, 1)].observe()
            sim.check()
        elif what < 0.9 and sim.current.alive:
            sim.kill(sim.current)
        elif what < 0.95:
            sim.lose_answer = True
        elif len(sim.controllers) < 5 and sim.run_state != "succeeded":
            with contextlib.suppress(Busy):
                sim.boot(dice.randint(0, 1), force=dice.random() < 0.5)
    sim.come_to_an_end()


def advance_in_turn(sim: Simulation, count: int, chosen: Callable[[Actor], bool] = lambda actor: True) -> int:
    """Let the chosen workers do ``count`` effects in turn; how many were done before nobody was left."""
    done = 0
    while done < count:
        actors = [actor for actor in sim.actors if chosen(actor)]
        if not actors:
            break
        for actor in actors[: count - done]:
            if actor in sim.actors:
                sim.advance(actor)
                done += 1
    return done


_STATES = sa.select(t.step.c.ci, t.step.c.step, t.step.c.state)
_RUN_STATE = sa.select(t.run.c.state)


def in_memory() -> sa.Engine:
    """A SQLite database in memory, on one connection."""
    from sqlalchemy.pool import StaticPool

    made = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    engine.settle_sqlite(made, synchronous="OFF")
    t.metadata.create_all(made)
    return made


def empty(made: sa.Engine) -> None:
    """Remove every row but the count of fences, which begins anew."""
    with made.begin() as connection:
        for table in t.metadata.sorted_tables:
            connection.execute(sa.delete(table))
        connection.execute(sa.insert(t.fence).values(given=0))


def on_server(url: str) -> sa.Engine:
    """A PostgreSQL database, on connections that are kept: the simulation forks nothing."""
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs import migrate

    made = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), pool_size=3)
    migrate.up_to_date(made)
    return made
