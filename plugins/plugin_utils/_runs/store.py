# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of the run database, each one short transaction."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import (
    chain,
    clocks,
    engine,
    gate,
    history,
    intake,
    migrate,
    replan,
    rules,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.errors import Busy, Fenced, RunNotFound, StoreError
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.owner import Machine, Owner, Process
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.rules import Revision, UndoRecord, Verdict
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import DBAPIError, IntegrityError, sa
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.transaction import Transaction

P = ParamSpec("P")
R = TypeVar("R")

RETRY_SECONDS = 20.0
"""How long a verb tries again when the server is away for a moment."""


PLANS_KEPT = 92 * 86400.0
"""How many seconds a plan is kept after it was shown last."""

LEFT_TO_START = json.dumps("left to the run that starts the system")
"""The proof of a temporary change of a stop run that ended well."""

_KEPT: dict[str, Store] = {}


def open_store(url: str) -> Store:
    """Open the run database at ``url``; create it or bring it to the newest schema.

    Raises StoreError when it cannot be reached, is damaged, is newer than this collection, or lies where SQLite must
    not.
    """
    if url in _KEPT:
        return _KEPT[url]
    made = engine.connect(url)
    store = Store(made)
    store.prepare()
    return store


def open_to_look(url: str) -> Store | None:
    """Open the run database for somebody who writes nothing; None when there is none.

    Raises StoreError as `open_store` does, and for a database that would have to be brought to the newest schema.
    """
    made = engine.connect_to_look(url)
    if made is None:
        return None
    store = Store(made)
    return store if store.is_there() else None


def rehearsal(looked: Store | None, run: str | None = None) -> Store:
    """A run database in memory with all that the gates look at, for ``run`` or a new run; nobody else sees it.

    Nobody's claims are in it: who has a configuration item is for `Store.claimed_elsewhere` to tell.
    """
    made = engine.in_memory()
    t.metadata.create_all(made)
    copy = Store(made, machine=looked.machine if looked else None)
    if looked is None:
        copy.fill({t.fence: [{"given": 0}]}, None)
    else:
        copy.is_shared = looked.is_shared
        copy.fill(*looked.contents(run))
    return copy


def keep_store(url: str, run: str, epoch: int) -> None:
    """Open the run database once for this process and all its forks, with the statements of a step compiled.

    A fork that opens the database itself spends most of its time on its engine and on compiling the same statements.
    Raises StoreError as `open_store` does.
    """
    store = open_store(url)
    store.rehearse(run, epoch)
    _KEPT[url] = store


def verb(method: Callable[Concatenate[Store, P], R]) -> Callable[Concatenate[Store, P], R]:
    """Give a verb its errors in words, and a second try when the server was away or chose it as a deadlock's victim.

    A second try is safe: a verb that was committed without our hearing of it finds its own traces and changes nothing.
    """

    @functools.wraps(method)
    def called(store: Store, /, *args: P.args, **kwargs: P.kwargs) -> R:
        deadline = time.monotonic() + RETRY_SECONDS
        pause = 0.05
        while True:
            try:
                return method(store, *args, **kwargs)
            except DBAPIError as error:
                if not engine.is_transient(error) or time.monotonic() + pause > deadline:
                    raise engine.in_words(error, store.engine) from error
            except sqlite3.Error as error:  # while a connection was set up, where SQLAlchemy does not wrap it
                raise engine.in_words(DBAPIError(None, None, error), store.engine) from error
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 2.0)

    return called


class Store:
    """The run database.

    Every method is one transaction; no connection lives between two calls, so a store may be carried over a fork.
    Writing methods of a controller begin with the fence: they raise Fenced when the run was taken by another one.
    All raise StoreError when the database does not work. Instants are seconds since 1970 UTC by the database's clock.
    """

    def __init__(
        self, made: sa.Engine, *, clock: Callable[[], float] | None = None, machine: Machine | None = None
    ) -> None:
        self.engine = made
        self.machine = machine or Machine()
        self.warnings = engine.warnings(made)
        self.is_shared = engine.is_postgresql(made)
        """Whether several machines use the database."""
        self.told: Callable[[], object] | None = None
        """Called after a transaction that left events; the sidecar's line hangs here (see wake.attach)."""
        self._clock = clock
        self._stage: sa.Connection | None = None

    @property
    def url(self) -> str:
        """The database's URL with its password; never print it."""
        return self.engine.url.render_as_string(hide_password=False)

    @verb
    def prepare(self) -> None:
        """Bring the database to the newest schema."""
        migrate.up_to_date(self.engine)

    @verb
    def is_there(self) -> bool:
        """Whether the database has our tables."""
        return migrate.is_there(self.engine)

    @verb
    def contents(self, run: str | None) -> tuple[dict[Any, list[dict[str, Any]]], float]:
        """What the gates of ``run``, or of a new run, look at, by table; the instant at which it was so."""
        with self._reading() as tx:
            runs = {*tx.scalars(sa.select(t.hold.c.run_id).distinct()), *([run] if run else [])}
            tables = (t.owner, t.run_group, t.run_ci, t.step, t.dep, t.need, t.hold, t.undo)
            queries: dict[Any, Any] = {t.run: t.run.c.id.in_(runs)} | {
                table: table.c.run_id.in_(runs) for table in tables
            }
            queries |= {t.resource: sa.true(), t.fence: sa.true()}
            found = {
                table: [dict(row._mapping) for row in tx.all(sa.select(table).where(which))]
                for table, which in queries.items()
            }
            return found, tx.now()

    @verb
    def fill(self, contents: Mapping[Any, Sequence[dict[str, Any]]], now: float | None) -> None:
        """Write what another database contains; from then on it is ``now`` here."""
        with self._writing() as tx:
            for table, rows in contents.items():
                tx.insert(table, rows)
        if now is not None:
            self._clock = lambda: now

    def rehearse(self, run: str, epoch: int) -> None:
        """Claim a step of a run and end it, in a transaction that is taken back: nobody sees anything of it."""
        row = next((row for row in self.steps(run) if row["state"] == "pending"), None)
        if row is None:
            return
        with self.engine.connect() as connection:
            taken_back = connection.begin()
            self._stage = connection
            try:
                verdict = self.claim(run, row["ci"], row["step"], epoch)
                if verdict.kind == "go":
                    self.end(run, row["ci"], row["step"], epoch, verdict.attempt, result={})
            finally:
                self._stage = None
                taken_back.rollback()

    def close(self) -> None:
        """Give everything back."""
        self.engine.dispose()

    @verb
    def compare_clocks(self) -> str | None:
        """What is to be said of the clocks of this controller and the database; None when they agree.

        A SQLite file has no clock but that of its machine, which is this one. Raises StoreError when they are too far
        apart for a run.
        """
        if not engine.is_postgresql(self.engine):
            return None
        with self._reading() as tx:
            before = time.time()
            return clocks.compare(tx.now(), before, time.time())

    # -- a run begins, is owned, ends ---------------------------------------------------------------------------------

    def create(
        self,
        run: str,
        plan: Mapping[str, Any],
        *,
        procedure: str,
        code_hash: str,
        params: Mapping[str, Any],
        created_by: str,
        out: Mapping[str, Sequence[str]] | None = None,
        down: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        """Write a new run with the steps of its plan, and claim its configuration items.

        ``out``: resource -> its members outside the run that were found down. Each has a place in this run to its end.
        ``down``: resource -> group of the run -> how many of its members were found down. They have as many places in
        this run until it has started them.
        Raises Busy when an unfinished run has one of them, StoreError when the id is taken or the plan contradicts
        itself.
        """
        rows = intake.rows(run, plan)
        self._create(run, plan, rows, procedure, code_hash, params, created_by, out or {}, down or {})

    @verb
    def _create(
        self,
        run: str,
        plan: Mapping[str, Any],
        rows: intake.Rows,
        procedure: str,
        code_hash: str,
        params: Mapping[str, Any],
        created_by: str,
        out: Mapping[str, Sequence[str]],
        down: Mapping[str, Mapping[str, int]],
    ) -> None:
        with self._writing() as tx:
            if tx.one(sa.select(t.run.c.id).where(t.run.c.id == run)) is not None:
                raise StoreError(f"There is already a run {run}; resume it, or choose another id.")
            tx.insert(
                t.run,
                [
                    {
                        "id": run,
                        "procedure": procedure,
                        "plan_hash": str(plan.get("hash", "")),
                        "code_hash": code_hash,
                        "state": "planned",
                        "plan": json.dumps(plan),
                        "params": json.dumps(intake.without_secrets(params)),
                        "budget": rows.budget,
                        "created_at": tx.now(),
                        "created_by": created_by,
                    }
                ],
            )
            self._claim_cis(tx, run, rows.claims)
            for table, content in rows.content:
                tx.insert(table, content)
            intake.write_resources(tx, rows)
            intake.write_found_down(tx, run, rows, out, down)
            tx.event(run, 0, "created", actor=created_by, procedure=procedure, plan=str(plan.get("hash", "")))

    @verb
    def take(
        self,
        run: str,
        owner: Owner,
        *,
        ttl: float = 60.0,
        force_by: str | None = None,
        of_plan: str | None = None,
        revision: Revision | None = None,
    ) -> int:
        """Begin or resume a run: its epoch grows, every earlier controller is fenced out. Returns the new epoch.

        The run's ``fence``, which targets remember, becomes the highest that this database ever gave out. What was in
        flight is *unknown* from now on. ``ttl`` is how many seconds the owner may be silent before another machine
        calls it lost. ``of_plan`` is the hash of the plan that the caller has seen. With ``revision`` the run goes on
        with other code, or in another landscape, and counts it; what is done stays done, and its steps are still those
        of its plan, unless the revision brings another one. Raises Busy while the owner is alive, unless ``force_by``
        names the person who says that it is not, when another run has one of the configuration items, and when the
        plan is another one by now; StoreError when the run has gone too far for another plan.
        """
        with self._writing() as tx:
            row = tx.one(
                sa.select(t.run.c.epoch, t.run.c.state, t.run.c.plan_rev, t.run.c.plan_hash)
                .where(t.run.c.id == run)
                .with_for_update()
            )
            if row is None:
                raise RunNotFound(run)
            if row.state in rules.RUN_FINAL:
                raise Busy(f"Run {run} is {row.state}; begin a new one.", run=run)
            if of_plan not in (None, row.plan_hash):
                raise Busy(f"Run {run} was given another plan just now; continue it again to see it.", run=run)
            held = tx.one(sa.select(t.owner).where(t.owner.c.run_id == run))
            if held is not None and not self._same(held, owner) and self._alive(tx, held):
                if force_by is None:
                    age = max(0, round(tx.now() - held.seen_at))
                    raise Busy(
                        f"Run {run} is being worked on by {_owner_words(held)}, last seen {age} s ago.",
                        run=run,
                        owner=_owner_words(held),
                    )
                tx.event(run, row.epoch, "forced", actor=force_by, owner=_owner_words(held))
            epoch = row.epoch + 1
            self._reopen(tx, run, epoch)
            rows = None
            values = {"epoch": epoch, "fence": self._next_fence(tx), "state": "running", "finished_at": None}
            if revision is not None and not (held is not None and self._same(held, owner)):  # else it is a second try
                values |= {"plan_rev": row.plan_rev + 1, "code_hash": revision.code_hash}
                changed = None
                if revision.plan is not None:
                    rows = intake.rows(run, revision.plan)
                    changed = replan.adopt(tx, run, revision.plan, rows)
                tx.event(
                    run,
                    epoch,
                    "plan_accepted",
                    actor=revision.by,
                    plan_rev=row.plan_rev + 1,
                    why=revision.why,
                    changed=changed,
                )
            self._reclaim(tx, run)
            if revision is not None and rows is not None:
                self._make_room(tx, run, rows, revision)
            tx.do(sa.update(t.run).where(t.run.c.id == run).values(values))
            tx.do(sa.delete(t.owner).where(t.owner.c.run_id == run))
            tx.insert(
                t.owner,
                [
                    {
                        "run_id": run,
                        "epoch": epoch,
                        **owner.as_dict(),
                        "taken_at": tx.now(),
                        "seen_at": tx.now(),
                        "seen_boottime": self.machine.boottime(),
                        "clock_max": max(tx.now(), held.clock_max if held is not None else 0.0),
                        "ttl": ttl,
                    }
                ],
            )
            tx.event(run, epoch, "taken", actor=owner.words())
        return epoch

    def _make_room(self, tx: Transaction, run: str, rows: intake.Rows, revision: Revision) -> None:
        """Write the places of a run's new plan, after its claims as `create` does; give free what it does not need."""
        intake.write_resources(tx, rows)
        intake.write_found_down(tx, run, rows, revision.out, revision.down)
        hosts = list(tx.scalars(sa.select(t.run_ci.c.ci).where(t.run_ci.c.run_id == run)))
        undoing = {record.ci for record in self._open_undo(tx, run)}
        self._free_finished(tx, run, gate.not_finished(tx, run, hosts), undoing)

    @staticmethod
    def _next_fence(tx: Transaction) -> int:
        """Count the database's fences on, whatever the clock says.

        One count for all runs: a run that is resumed after a younger one was on its hosts must come after it, too. The
        time in it puts the fences of several databases in order, as long as their clocks are right.
        """
        following, by_time = t.fence.c.given + 1, int(tx.now()) * 1000
        tx.do(sa.update(t.fence).values(given=sa.case((following > by_time, following), else_=by_time)))
        return int(tx.scalar(sa.select(t.fence.c.given)))

    def _reopen(self, tx: Transaction, run: str, epoch: int) -> None:
        """What a new owner makes of its predecessor's steps: attempted = unknown, never attempted = pending."""
        again = (*rules.STEP_DEAD, "pending")
        for row in tx.all(
            sa.select(t.step.c.ci, t.step.c.step, t.step.c.state).where(
                t.step.c.run_id == run, t.step.c.state == "running"
            )
        ):
            tx.event(run, epoch, "unknown", row.ci, row.step, why="its controller is gone")
        tx.do(
            sa.update(t.step)
            .where(t.step.c.run_id == run, sa.or_(t.step.c.state == "running", t.step.c.state.in_(again)))
            .values(
                state=sa.case((sa.or_(t.step.c.state == "running", t.step.c.attempt > 0), "unknown"), else_="pending"),
                blocked_by=None,
                message=None,
                wait_reason=None,
                waiting_since=None,
            )
        )
        tx.do(sa.update(t.run_ci).where(t.run_ci.c.run_id == run).values(left_why=None, unreachable=False))
        groups = gate.admitted_groups(tx, run)
        out = gate.out_of_service(tx, run, [ci for members in groups.values() for ci in members])
        # A group in maintenance is finished, whatever its window says by now.
        self._ask_again(tx, run, [name for name, members in groups.items() if out.isdisjoint(members)])

    @verb
    def beat(self, run: str, epoch: int) -> None:
        """Say that this controller lives. Raises Fenced when the run is not its any more."""
        with self._writing() as tx:
            state = tx.one(sa.select(t.run.c.epoch, t.run.c.state).where(t.run.c.id == run))
            if state is None:
                raise RunNotFound(run)
            if state.epoch != epoch or state.state not in rules.RUN_LIVE:
                raise Fenced(gate.fenced_words(run, epoch, state.epoch, state.state))
            now = tx.now()
            tx.do(
                sa.update(t.owner)
                .where(t.owner.c.run_id == run, t.owner.c.epoch == epoch)
                .values(
                    seen_at=now,
                    seen_boottime=self.machine.boottime(),
                    clock_max=sa.case((t.owner.c.clock_max > now, t.owner.c.clock_max), else_=now),
                )
            )

    @verb
    def observe(self) -> list[str]:
        """Mark the runs whose controller is gone as lost; returns those that were newly marked. Frees nothing."""
        with self._reading() as tx:
            live = (
                sa.select(t.owner)
                .join(t.run, t.run.c.id == t.owner.c.run_id)
                .where(t.run.c.state.in_(rules.RUN_LIVE), t.run.c.epoch == t.owner.c.epoch)
            )
            gone = [row for row in tx.all(live) if not self._alive(tx, row)]
        return [row.run_id for row in gone if self._lose(row)]

    def _lose(self, seen: Any) -> bool:
        with self._writing() as tx:
            held = tx.one(sa.select(t.owner).where(t.owner.c.run_id == seen.run_id, t.owner.c.epoch == seen.epoch))
            if held is None or self._alive(tx, held):  # it came back while we looked
                return False
            lost = tx.do(
                sa.update(t.run)
                .where(t.run.c.id == seen.run_id, t.run.c.epoch == seen.epoch, t.run.c.state.in_(rules.RUN_LIVE))
                .values(state="lost")
            )
            if not lost:
                return False
            tx.event(
                seen.run_id, seen.epoch, "lost", actor=f"observer on {self.machine.host}", owner=_owner_words(held)
            )
            return True

    @verb
    def alive(self, run: str) -> bool:
        """Whether a live controller works on the run."""
        with self._reading() as tx:
            state = self._run_row(tx, run).state
            held = tx.one(sa.select(t.owner).where(t.owner.c.run_id == run))
            return state in rules.RUN_LIVE and held is not None and self._alive(tx, held)

    @verb
    def drain(self, run: str, epoch: int, why: str | None = None) -> None:
        """Begin no new step; what is in flight may end."""
        with self._writing() as tx:
            self._fence(tx, run, epoch)
            if tx.do(sa.update(t.run).where(t.run.c.id == run, t.run.c.state == "running").values(state="draining")):
                tx.event(run, epoch, "draining", why=why)

    @verb
    def finish(self, run: str, epoch: int, *, interrupted: bool = False) -> str:
        """End this controller's work on the run and return what came of it.

        *succeeded*: every step is done and every temporary change undone, or left to the start run by a stop run.
        *interrupted*: something was left that nobody refused. *partial*: the rest. Only a succeeded run gives all its
        configuration items free; another one keeps those that are not finished, and can be taken again.
        """
        with self._writing() as tx:
            row = tx.one(sa.select(t.run.c.epoch, t.run.c.state).where(t.run.c.id == run).with_for_update())
            if row is None:
                raise RunNotFound(run)
            if row.epoch == epoch and row.state in ("succeeded", "partial", "interrupted"):
                return str(row.state)  # done before, without our hearing of it
            if row.epoch != epoch or row.state not in rules.RUN_LIVE:
                raise Fenced(gate.fenced_words(run, epoch, row.epoch, row.state))
            for step in tx.all(
                sa.select(t.step.c.ci, t.step.c.step).where(t.step.c.run_id == run, t.step.c.state == "running")
            ):
                self._set(tx, run, step.ci, step.step, "unknown", ("running",), message="in flight when the run ended")
                tx.event(run, epoch, "unknown", step.ci, step.step, why="in flight when the run ended")
            cis = list(tx.scalars(sa.select(t.run_ci.c.ci).where(t.run_ci.c.run_id == run)))
            unfinished = gate.not_finished(tx, run, cis)
            explained = set(gate.dead(tx, run, cis, epoch))
            self._leave_to_start(tx, run, epoch, unfinished)
            undone = self._open_undo(tx, run)
            if not unfinished and not undone:
                state = "succeeded"
            elif interrupted or row.state == "draining" or unfinished - explained:
                state = "interrupted"
            else:
                state = "partial"
            tx.do(sa.update(t.run).where(t.run.c.id == run).values(state=state, finished_at=tx.now()))
            tx.do(sa.delete(t.owner).where(t.owner.c.run_id == run))
            if state == "succeeded":
                self._free(tx, run)
            else:
                self._free_finished(tx, run, unfinished, {record.ci for record in undone})
            tx.event(run, epoch, "finished", state=state, unfinished=len(unfinished), open_undo=len(undone))
            return state

    @verb
    def cancel(self, run: str, by: str, reason: str) -> None:
        """Give a run up for good: a person says that nobody will resume it. Frees what it holds.

        Raises Busy while its controller is alive, StoreError while a temporary change is not undone.
        """
        with self._writing() as tx:
            row = self._run_at_rest(tx, run)
            if row.state == "canceled":
                return
            if row.state == "succeeded":
                raise StoreError(f"Run {run} succeeded; there is nothing to cancel.")
            undone = self._open_undo(tx, run)
            if undone:
                what = ", ".join(f"{record.resource_key} on {record.ci}" for record in undone)
                raise StoreError(
                    f"Run {run} has temporary changes that are not undone: {what}. Undo them, then say so with the "
                    f"playbook basis.landscape.settle_run: -e run={run} -e reason=<what you did>."
                )
            tx.do(
                sa.update(t.run)
                .where(t.run.c.id == run)
                .values(state="canceled", epoch=row.epoch + 1, finished_at=tx.now(), reason=reason)
            )
            tx.do(sa.delete(t.owner).where(t.owner.c.run_id == run))
            self._free(tx, run)
            tx.event(run, row.epoch + 1, "canceled", actor=by, reason=reason)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def claim(
        self, run: str, ci: str, step: str, epoch: int, worker: Process | Mapping[str, Any] | None = None
    ) -> Verdict:
        """Ask for a step and take it, when the gates are open, in the same transaction.

        ``worker`` is who will act (default: this process). Asking again with the same worker (its ``token``) after an
        answer that was lost gives the same *go*. Raises Fenced.
        """
        acting = worker.as_dict() if isinstance(worker, Process) else dict(worker or Process.current().as_dict())
        return self._claim(run, ci, step, epoch, acting)

    @verb
    def _claim(self, run: str, ci: str, step: str, epoch: int, acting: Mapping[str, Any]) -> Verdict:
        token = acting.get("token")
        with self._reading() as tx:  # most asking is waiting: it costs the writers nothing
            seen = gate.decide(tx, run, ci, step, epoch, token, lock=False)
            if seen.kind not in ("go", "block", "defer") and (
                seen.kind != "wait" or seen.row.state != "pending" or seen.row.wait_reason == seen.why
            ):
                return self._verdict(tx, run, ci, seen)
        try:
            with self._writing() as tx:
                self._fence(tx, run, epoch)
                decision = gate.decide(tx, run, ci, step, epoch, token, lock=True)
                self._apply(tx, run, ci, step, epoch, decision, acting)
                return self._verdict(tx, run, ci, decision)
        except _Overtaken:
            return Verdict("wait", why="another worker has just moved this step on")

    def _apply(
        self,
        tx: Transaction,
        run: str,
        ci: str,
        step: str,
        epoch: int,
        decision: gate.Decision,
        acting: Mapping[str, Any],
    ) -> None:
        pending = sa.update(t.step).where(*_key(run, ci, step), t.step.c.state == "pending")
        if decision.kind == "wait" and decision.row.state == "pending":
            since = decision.row.waiting_since if decision.row.waiting_since is not None else tx.now()
            tx.do(pending.values(wait_reason=decision.why, waiting_since=since))
        elif decision.kind in ("block", "defer"):
            state = "blocked" if decision.kind == "block" else "deferred"
            self._refuse(tx, run, ci, step, epoch, state, decision.why, decision.by)
        elif decision.kind == "go":
            for need in decision.takes:
                place = {"resource": need.resource, "run_id": run, "kind": need.kind, "holder": need.holder}
                tx.insert(t.hold, [{**place, "weight": need.weight, "epoch": epoch, "since": tx.now()}])
            if decision.admits_group:
                tx.do(
                    sa.update(t.run_group)
                    .where(t.run_group.c.run_id == run, t.run_group.c.name == decision.group)
                    .values(admitted_at=tx.now(), admitted_epoch=epoch)
                )
                places = [gate.public_name(need.resource) for need in decision.takes]
                tx.event(run, epoch, "admitted", ci, step, group=decision.group, places=places)
            taken = tx.do(
                pending.values(
                    state="running",
                    attempt=t.step.c.attempt + 1,
                    epoch=epoch,
                    worker=json.dumps(acting),
                    wait_reason=None,
                    waiting_since=None,
                    started_at=tx.now(),
                    started_boottime=self.machine.boottime(),
                    ended_at=None,
                    message=None,
                )
            )
            if taken != 1:
                raise _Overtaken
            tx.event(run, epoch, "claimed", ci, step, attempt=decision.row.attempt + 1)

    def _verdict(self, tx: Transaction, run: str, ci: str, decision: gate.Decision) -> Verdict:
        row = decision.row
        kinds = {"again": "go", "block": "blocked", "defer": "deferred", "closed": "blocked"}
        kind = kinds.get(decision.kind, decision.kind)
        if decision.kind == "dead":
            kind = "deferred" if row.state == "deferred" else "blocked"
        attempt = row.attempt + 1 if decision.kind == "go" else row.attempt
        earlier = gate.results(tx, run, ci, row.seq) if kind in ("go", "look", "done") else {}
        return Verdict(kind, attempt, decision.why, decision.by, earlier)

    @verb
    def foresee(self, run: str, ci: str, step: str, epoch: int, *, ahead: bool = False) -> gate.Decision:
        """What the gate of a step says, without a claim; see `gate.decide`."""
        with self._reading() as tx:
            return gate.decide(tx, run, ci, step, epoch, None, lock=False, ahead=ahead)

    @verb
    def defer(self, run: str, ci: str, step: str, epoch: int, why: str) -> None:
        """Give a pending step up in this run: its gate did not open in time."""
        with self._writing() as tx:
            self._fence(tx, run, epoch)
            self._refuse(tx, run, ci, step, epoch, "deferred", why, None)

    @verb
    def resolve(self, run: str, ci: str, step: str, epoch: int, happened: bool | None) -> None:
        """Say what a look at an unknown step found: it happened, it did not, or (None) nobody can tell."""
        target = {True: "done", False: "pending", None: "failed"}[happened]
        with self._writing() as tx:
            self._fence(tx, run, epoch, ci)
            values: dict[str, Any] = {"message": None}
            if happened is None:
                values["message"] = "its outcome cannot be told"
            elif happened:
                # started and ended are not known together: this attempt says nothing about how long the step takes
                values |= {"started_at": None, "ended_at": tx.now(), "epoch": epoch}
            if not self._set(tx, run, ci, step, target, ("unknown",), **values):
                state = tx.scalar(sa.select(t.step.c.state).where(*_key(run, ci, step)))
                if state == target:
                    return
                raise Fenced(f"Step {step} on {ci} of run {run} is {state}, not unknown.")
            tx.event(run, epoch, "resolved", ci, step, outcome=target)
            self._give_back(tx, run, ci, epoch)

    @verb
    def end(
        self,
        run: str,
        ci: str,
        step: str,
        epoch: int,
        attempt: int,
        state: str = "done",
        result: Mapping[str, Any] | None = None,
        message: str | None = None,
        changed: bool | None = None,
    ) -> None:
        """End the claimed ``attempt`` of a step as done, failed or unknown. Saying it again is no error.

        ``changed`` is whether it changed something, None when nobody says so.
        """
        if state not in ("done", "failed", "unknown"):
            raise StoreError(f"A step ends as done, failed or unknown, not as {state}.")
        with self._writing() as tx:
            self._fence(tx, run, epoch, ci)
            ended = tx.do(
                sa.update(t.step)
                .where(
                    *_key(run, ci, step),
                    t.step.c.state == "running",
                    t.step.c.epoch == epoch,
                    t.step.c.attempt == attempt,
                )
                .values(
                    state=state,
                    ended_at=tx.now(),
                    # Within one epoch all claim and end on one machine, between two boots of it.
                    took=self.machine.boottime() - t.step.c.started_boottime,
                    message=message,
                    result=json.dumps(intake.without_secrets(result)) if result is not None else None,
                    changed=changed,
                )
            )
            if ended != 1:
                row = tx.one(sa.select(t.step.c.state, t.step.c.epoch, t.step.c.attempt).where(*_key(run, ci, step)))
                if row is not None and (row.state, row.epoch, row.attempt) == (state, epoch, attempt):
                    return
                found = (
                    "does not exist" if row is None else f"is {row.state} (epoch {row.epoch}, attempt {row.attempt})"
                )
                raise Fenced(f"Step {step} on {ci} of run {run} {found}; attempt {attempt} cannot end it.")
            tx.event(run, epoch, state, ci, step, attempt=attempt, message=message)
            self._give_back(tx, run, ci, epoch)

    @verb
    def abandon(
        self, run: str, epoch: int, ci: str, why: str, *, state: str = "failed", unreachable: bool = False
    ) -> None:
        """The configuration item left the play: end its current step and let its waiters know at once.

        ``state`` is what becomes of the current step: failed, unknown when it may have happened, deferred when the
        item was never meant to come now (only a step that was never attempted can be deferred).
        """
        if state not in ("failed", "unknown", "deferred"):
            raise StoreError(f"An abandoned step is failed, unknown or deferred, not {state}.")
        with self._writing() as tx:
            self._fence(tx, run, epoch, ci)
            row = tx.one(
                sa.select(t.step.c.step, t.step.c.state, t.step.c.attempt)
                .where(t.step.c.run_id == run, t.step.c.ci == ci, t.step.c.state.not_in(rules.STEP_MET))
                .order_by(t.step.c.seq)
                .limit(1)
            )
            if row is None:
                return
            target = state
            if state == "unknown" and row.state == "pending" and row.attempt == 0:
                target = "failed"  # nothing was begun, so nothing is unknown
            if state == "deferred" and (row.state != "pending" or row.attempt > 0):
                target = "failed"
            changed = row.state in rules.STEP_OPEN and row.state != target
            if changed:
                self._set(tx, run, ci, row.step, target, (row.state,), message=why, ended_at=tx.now(), wait_reason=None)
            self._left(tx, run, ci, epoch, why, unreachable)
            tx.event(
                run,
                epoch,
                "abandoned",
                ci,
                row.step,
                why=why,
                state=target if changed else row.state,
                unreachable=unreachable,
            )
            self._give_back(tx, run, ci, epoch)

    @verb
    def leave(self, run: str, ci: str, epoch: int) -> None:
        """The configuration item is through with the run: give back the places that it does not need any more.

        A place that stands for something out of service stays held until that is verified to be up again.
        """
        with self._writing() as tx:
            self._fence(tx, run, epoch, ci)
            self._give_back(tx, run, ci, epoch)

    # -- temporary changes ---------------------------------------------------------------------------------------------

    @verb
    def intend(
        self,
        run: str,
        ci: str,
        key: str,
        epoch: int,
        *,
        kind: str,
        before: Any,
        wanted: Any,
        undo: Any,
        needs: Any = None,
        proof: Any = None,
    ) -> UndoRecord:
        """Record a temporary change before it is made; ``key`` names what is changed, over all runs.

        Already as wanted gives a record in state *not_ours*, which is never undone; ``proof`` is what was read. When
        this run has an open record of ``key`` (a resumed run), that one is returned with the value it saw first, also
        when it was being undone. What a stop run has left is taken over. Raises Busy when another run has an open
        record.
        """
        with self._writing() as tx:
            self._fence(tx, run, epoch)
            existing = tx.one(
                sa.select(t.undo).where(t.undo.c.resource_key == key, t.undo.c.state.in_(rules.UNDO_OPEN))
            )
            if existing is not None:
                if existing.run_id != run:
                    raise Busy(
                        f"{key} is temporarily changed by run {existing.run_id}.", run=existing.run_id, ci=existing.ci
                    )
                if existing.state != "undoing":
                    return _undo(existing)
                was = _undo(existing).before
                known = isinstance(was, dict) and was.get("kept")
                self._move_undo(tx, run, existing.id, epoch, "applied" if known else "intended", None)
                return _undo(self._undo_row(tx, run, existing.id))
            taken = self._take_over(tx, run, ci, key, epoch)
            if taken is not None:
                return taken
            same = tx.one(
                sa.select(t.undo)
                .where(
                    t.undo.c.resource_key == key,
                    t.undo.c.run_id == run,
                    t.undo.c.ci == ci,
                    t.undo.c.state == "not_ours",
                )
                .order_by(t.undo.c.seq.desc())
                .limit(1)
            )
            if same is not None and before == wanted:
                return _undo(same)
            values = {"before": before, "wanted": wanted, "undo": undo, "needs": needs, "proof": proof}
            told = {name: json.dumps(value, sort_keys=True) for name, value in values.items()}
            state = "not_ours" if before == wanted else "intended"
            record = self._add_undo(tx, run, ci, key, epoch, {**told, "kind": kind, "state": state})
            tx.event(run, epoch, f"undo_{state}", ci, None, id=record.id, key=key)
            return record

    @verb
    def undo_state(self, run: str, id: str, epoch: int, to: str, proof: Any = None) -> None:
        """Move an undo record on; ``proof`` is what was read from the target, by which call, when."""
        with self._writing() as tx:
            self._fence(tx, run, epoch)
            self._move_undo(tx, run, id, epoch, to, proof)

    @verb
    def undo_before(self, run: str, id: str, epoch: int, before: Mapping[str, Any]) -> None:
        """Add what was seen before a change to its record: when it is intended, and again once it is known in full."""
        with self._writing() as tx:
            self._fence(tx, run, epoch)
            row = self._undo_row(tx, run, id)
            if row.state not in ("intended", "applied"):
                raise Fenced(f"The temporary change {id} is {row.state}; what was before it is not told any more.")
            told = json.dumps({**json.loads(row.before), **before}, sort_keys=True)
            tx.do(sa.update(t.undo).where(t.undo.c.id == id).values(before=told, epoch=epoch))
            tx.event(run, epoch, "undo_before", row.ci, None, id=id)

    @verb
    def inherit_undo(self, run: str, ci: str, key: str, epoch: int) -> UndoRecord | None:
        """Take over the temporary change ``key`` that a stop run left to the start run; None when there is none.

        The new record is *applied*, the old one *undone* by this run.
        """
        with self._writing() as tx:
            self._fence(tx, run, epoch)
            own = [row for row in self._open_undo(tx, run) if row.resource_key == key]
            if own:  # taken over before, without our hearing of it
                return _undo(own[0])
            return self._take_over(tx, run, ci, key, epoch)

    @verb
    def take_back(self, run: str, id: str, step: str, epoch: int) -> None:
        """Record that a change is about to be undone before its time, so that ``step`` has to make it anew on resume.

        Both stand there before the first job, monitor, ... is given back: who dies in between has not lost the step.
        """
        with self._writing() as tx:
            self._fence(tx, run, epoch)
            ci = self._move_undo(tx, run, id, epoch, "undoing", None).ci
            if self._do_again(tx, run, ci, step):
                tx.event(run, epoch, "taken_back", ci, step, id=id)

    @verb
    def settle(self, run: str, by: str, reason: str, keys: Collection[str] | None = None) -> list[str]:
        """A person says that temporary changes of a run need not be undone any more, all or those of ``keys``.

        A run that can be continued makes them anew before it stops what they guard. Returns their keys. Raises Busy
        while the run's controller is alive, StoreError for a key that is not open.
        """
        with self._writing() as tx:
            row = self._run_at_rest(tx, run)
            found = [*self._open_undo(tx, run), *tx.all(_left(t.undo.c.run_id == run))]
            missing = sorted(set(keys or ()) - {record.resource_key for record in found})
            if missing:
                there = ", ".join(sorted({record.resource_key for record in found})) or "none"
                raise StoreError(f"Run {run} has no change {', '.join(missing)} that is not undone; it has: {there}.")
            rows = tx.all(sa.select(t.step).where(t.step.c.run_id == run))
            guarded = rules.Guarded(step._mapping for step in rows)
            proof = json.dumps({"settled": reason, "by": by})
            settled = [record for record in found if keys is None or record.resource_key in keys]
            for record in settled:
                same = (t.undo.c.id == record.id, t.undo.c.state == record.state)
                if not tx.do(sa.update(t.undo).where(*same).values(state="kept", proof=proof)):
                    raise Busy(f"{record.resource_key} was moved on by another run just now.", run=run, ci=record.ci)
                anew = guarded.to_make_anew(record.resource_key)
                if anew and row.state not in rules.RUN_FINAL:
                    self._do_again(tx, run, record.ci, anew)
                tx.event(run, row.epoch, "undo_settled", record.ci, anew, id=record.id, actor=by, reason=reason)
            return [record.resource_key for record in settled]

    @verb
    def left_to_start(self, run: str | None = None) -> list[UndoRecord]:
        """What stop runs, or one of them, have left to the run that starts the systems, oldest first."""
        mine = () if run is None else (t.undo.c.run_id == run,)
        with self._reading() as tx:
            return [_undo(row) for row in reversed(tx.all(_left(*mine)))]

    @verb
    def open_undo(self, run: str) -> list[UndoRecord]:
        """What must still be undone, last change first."""
        with self._reading() as tx:
            self._run_row(tx, run)
            return [_undo(row) for row in self._open_undo(tx, run)]

    @verb
    def undo_records(self, run: str) -> list[UndoRecord]:
        """Every temporary change of the run, first change first."""
        with self._reading() as tx:
            self._run_row(tx, run)
            return [
                _undo(row) for row in tx.all(sa.select(t.undo).where(t.undo.c.run_id == run).order_by(t.undo.c.seq))
            ]

    # -- reading -------------------------------------------------------------------------------------------------------

    @verb
    def run(self, run: str) -> dict[str, Any]:
        """A run: its plan, state, owner (with ``alive``) and how many steps are in which state."""
        with self._reading() as tx:
            row = dict(self._run_row(tx, run)._mapping)
            held = tx.one(sa.select(t.owner).where(t.owner.c.run_id == run))
            row["owner"] = (
                {**held._mapping, "words": _owner_words(held), "alive": self._alive(tx, held)} if held else None
            )
            row["plan"], row["params"] = json.loads(row["plan"]), json.loads(row["params"])
            row["budget"] = json.loads(row["budget"]) if row["budget"] else None
            row["counts"] = history.counts(tx, run)
            row["groups"] = [
                dict(group._mapping)
                for group in tx.all(
                    sa.select(t.run_group).where(t.run_group.c.run_id == run).order_by(t.run_group.c.seq)
                )
            ]
            row["unreachable"] = sorted(
                tx.scalars(
                    sa.select(t.run_ci.c.ci).where(t.run_ci.c.run_id == run, t.run_ci.c.unreachable.is_(sa.true()))
                )
            )
            return row

    @verb
    def is_known(self, run: str) -> bool:
        """Whether there is a run of this name."""
        with self._reading() as tx:
            return tx.one(sa.select(t.run.c.id).where(t.run.c.id == run)) is not None

    @verb
    def runs(self, limit: int = 20) -> list[dict[str, Any]]:
        """The latest runs, newest first, without their plans."""
        with self._reading() as tx:
            return history.runs(tx, limit)

    @verb
    def unfinished(self) -> list[dict[str, Any]]:
        """The runs that can be continued, newest first, with their plans and what they were begun with."""
        with self._reading() as tx:
            return history.unfinished(tx)

    @verb
    def steps(self, run: str, ci: str | None = None) -> list[dict[str, Any]]:
        """Every step of a run, or of one of its configuration items, in the order of the plan."""
        with self._reading() as tx:
            self._run_row(tx, run)
            return history.steps(tx, run, ci)

    @verb
    def instances(self, run: str, ci: str) -> dict[str, dict[str, Any]]:
        """The instances on a configuration item as the plan knows them, whatever the landscape says by now, by name."""
        with self._reading() as tx:
            known = self._plan(tx, run).get("instances") or {}
            return {name: record for name, record in known.items() if record["host"] == ci}

    @verb
    def events(self, run: str, after: int = 0) -> list[dict[str, Any]]:
        """What happened, oldest first, beginning after event number ``after`` (field ``n``)."""
        with self._reading() as tx:
            self._run_row(tx, run)
            return history.events(tx, run, after)

    @verb
    def verify_chain(self, run: str) -> str | None:
        """None when the run's record is complete and unchanged, else what is wrong with it."""
        with self._reading() as tx:
            self._run_row(tx, run)
            before, number = chain.START, 0
            for row in tx.all(sa.select(t.event).where(t.event.c.run_id == run).order_by(t.event.c.n)):
                number += 1
                if row.n != number:
                    return f"event {number} of run {run} is missing"
                before = chain.link(before, row._mapping)
                if row.hash != before:
                    return f"event {number} of run {run} was changed after it was written"
            last = tx.one(sa.select(t.chain).where(t.chain.c.run_id == run))
            if last is not None and (last.n, last.hash) != (number, before):
                return f"the last events of run {run} are missing"
            return None

    @verb
    def durations(self) -> dict[str, float]:
        """How many seconds steps took in past runs: nine of ten were not slower. By kind, kind/tier, step label."""
        with self._reading() as tx:
            return history.durations(tx)

    @verb
    def keep_plan(self, plan: Mapping[str, Any]) -> None:
        """Keep a plan that is shown, for the day when its hash is approved; forget those of more than three months."""
        known = t.plan.c.hash == str(plan["hash"])
        # Who shows the same plan at the same moment may be faster.
        with contextlib.suppress(IntegrityError), self._writing() as tx:
            tx.do(sa.delete(t.plan).where(t.plan.c.shown_at < tx.now() - PLANS_KEPT))
            if not tx.do(sa.update(t.plan).where(known).values(shown_at=tx.now())):
                tx.insert(t.plan, [{"hash": str(plan["hash"]), "plan": json.dumps(plan), "shown_at": tx.now()}])

    @verb
    def kept_plan(self, plan_hash: str) -> dict[str, Any] | None:
        """The plan with this hash as it was shown first; None when it is not known any more."""
        with self._reading() as tx:
            text = tx.scalar(sa.select(t.plan.c.plan).where(t.plan.c.hash == plan_hash))
            return json.loads(text) if text is not None else None

    @verb
    def waiting(self, run: str) -> list[tuple[str, str, str]]:
        """Who waits now at which step, and for what."""
        with self._reading() as tx:
            self._run_row(tx, run)
            query = (
                sa.select(t.step.c.ci, t.step.c.step, t.step.c.wait_reason)
                .where(t.step.c.run_id == run, t.step.c.state == "pending", t.step.c.wait_reason.is_not(None))
                .order_by(t.step.c.ci)
            )
            return [(row.ci, row.step, row.wait_reason) for row in tx.all(query)]

    @verb
    def going_on(self, run: str, epoch: int) -> list[str]:
        """The configuration items that this controller still works on. Raises Fenced."""
        with self._reading() as tx:
            row = self._run_row(tx, run)
            if row.epoch != epoch or row.state not in rules.RUN_LIVE:
                raise Fenced(gate.fenced_words(run, epoch, row.epoch, row.state))
            if row.state == "draining":  # nothing new begins
                active = sa.select(t.step.c.ci).where(t.step.c.run_id == run, t.step.c.state == "running").distinct()
                return sorted(tx.scalars(active))
            cis = list(tx.scalars(sa.select(t.run_ci.c.ci).where(t.run_ci.c.run_id == run)))
            return sorted(gate.not_finished(tx, run, cis) - set(gate.dead(tx, run, cis, epoch)))

    @verb
    def out(self, besides: str | None = None) -> set[tuple[str, str]]:
        """Which configuration items are counted against which resource now, over all runs but ``besides``."""
        with self._reading() as tx:
            return self._out(tx, t.hold.c.run_id != besides if besides is not None else sa.true())

    @verb
    def standing(self, run: str) -> dict[str, set[str]]:
        """The hosts of groups of a run that are ``in_maintenance``; those that have begun and are ``through``."""
        with self._reading() as tx:
            hosts = list(tx.scalars(sa.select(t.run_ci.c.ci).where(t.run_ci.c.run_id == run)))
            groups = replan.in_maintenance(tx, run)
            return {
                "in_maintenance": {host for members in groups.values() for host in members},
                "through": set(hosts) - gate.untouched(tx, run, hosts) - gate.not_finished(tx, run, hosts),
            }

    @staticmethod
    def _out(tx: Transaction, which: Any) -> set[tuple[str, str]]:
        holder = sa.or_(
            sa.and_(t.hold.c.kind == "host", t.run_ci.c.ci == t.hold.c.holder),
            sa.and_(t.hold.c.kind == "group", t.run_ci.c.group_name == t.hold.c.holder),
        )
        query = sa.select(t.hold.c.resource, t.run_ci.c.ci).join(
            t.run_ci, sa.and_(t.run_ci.c.run_id == t.hold.c.run_id, holder)
        )
        return {(row.resource, row.ci) for row in tx.all(query.where(which))}

    @verb
    def holds(self, run: str | None = None) -> list[dict[str, Any]]:
        """Which places are held by whom since when, of one run or of all."""
        with self._reading() as tx:
            query = sa.select(t.hold).order_by(t.hold.c.resource, t.hold.c.holder)
            if run is not None:
                query = query.where(t.hold.c.run_id == run)
            return [{**row._mapping, "resource": gate.public_name(row.resource)} for row in tx.all(query)]

    @verb
    def places(self, run: str) -> list[dict[str, Any]]:
        """Which places the groups and hosts of a run need, and how many of them are free."""
        with self._reading() as tx:
            return gate.places(tx, run)

    @verb
    def claimed_elsewhere(self, run: str, claims: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """Which of ``claims`` another unfinished run has: ``kind``, ``ci``, ``run``, its ``state``, ``owner``."""
        with self._reading() as tx:
            return self._elsewhere(tx, run, claims)

    @verb
    def gates(self, run: str) -> tuple[dict[tuple[str, str], set[str]], list[float]]:
        """Whom each (configuration item, step) waits for; when the windows of the run open."""
        with self._reading() as tx:
            needs: dict[tuple[str, str], set[str]] = {}
            for row in tx.all(sa.select(t.dep).where(t.dep.c.run_id == run)):
                needs.setdefault((row.ci, row.step), set()).add(row.needs_ci)
            opens = sa.select(t.run_group.c.opens).where(t.run_group.c.run_id == run, t.run_group.c.opens.is_not(None))
            return needs, sorted(tx.scalars(opens))

    # -- inside --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[Transaction]:
        if self._stage is not None:
            yield Transaction(self._stage, self._clock)
            return
        with self.engine.connect() as connection:
            engine.begin_reading(connection)
            with connection.begin():
                yield Transaction(connection, self._clock)

    @contextmanager
    def _writing(self) -> Iterator[Transaction]:
        if self._stage is not None:
            tx = Transaction(self._stage, self._clock)
            yield tx
            tx.close()
            return
        with self.engine.connect() as connection, connection.begin():
            tx = Transaction(connection, self._clock)
            yield tx
            tx.close()
        if tx.told and self.told is not None:
            self.told()

    @staticmethod
    def _fence(tx: Transaction, run: str, epoch: int, ci: str | None = None) -> None:
        """Begin a controller's writing transaction. PostgreSQL: a take-over waits for us, or we for it.

        With ``ci``, its group is locked too: two members that end at one moment must see each other. Raises Fenced,
        RunNotFound.
        """
        row = tx.one(sa.select(t.run.c.epoch, t.run.c.state).where(t.run.c.id == run).with_for_update(read=True))
        if row is None:
            raise RunNotFound(run)
        if row.epoch != epoch or row.state not in rules.RUN_LIVE:
            raise Fenced(gate.fenced_words(run, epoch, row.epoch, row.state))
        if ci is not None:
            group = sa.select(t.run_ci.c.group_name).where(t.run_ci.c.run_id == run, t.run_ci.c.ci == ci)
            tx.one(
                sa.select(t.run_group.c.name)
                .where(t.run_group.c.run_id == run, t.run_group.c.name == group.scalar_subquery())
                .with_for_update()
            )

    def _run_row(self, tx: Transaction, run: str) -> Any:
        row = tx.one(sa.select(t.run).where(t.run.c.id == run))
        if row is None:
            raise RunNotFound(run)
        return row

    def _claim_cis(self, tx: Transaction, run: str, claims: Sequence[tuple[str, str]]) -> None:
        taken = self._elsewhere(tx, run, claims)
        if taken:
            owner = next((claim["owner"] for claim in taken if claim["owner"]), None)
            raise Busy("\n".join(claimed_in_words(taken)), run=taken[0]["run"], ci=taken[0]["ci"], owner=owner)
        try:
            tx.insert(t.ci_claim, [{"kind": kind, "ci": ci, "run_id": run} for kind, ci in claims])
        except IntegrityError as error:  # another controller was faster by a moment
            raise Busy(
                "Another run has just claimed a configuration item of this one; try again to see which.", run=""
            ) from error

    def _elsewhere(self, tx: Transaction, run: str, claims: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """Which of ``claims`` another unfinished run has; ``owner`` is its controller in words, None without one."""
        return [
            {
                "kind": kind,
                "ci": row.ci,
                "run": row.of_run,
                "state": row.state,
                "owner": _owner_words(row) if row.pid is not None else None,
            }
            for kind, cis in _in_portions(claims)
            for row in tx.all(self._claimed(run, kind, cis))
        ]

    @staticmethod
    def _claimed(run: str, kind: str, cis: Sequence[str]) -> Any:
        """Who else has some of ``cis``."""
        return (
            sa.select(t.ci_claim.c.ci, t.ci_claim.c.run_id.label("of_run"), t.run.c.state, t.owner)
            .join(t.run, t.run.c.id == t.ci_claim.c.run_id)
            .outerjoin(t.owner, t.owner.c.run_id == t.run.c.id)
            .where(t.ci_claim.c.kind == kind, t.ci_claim.c.ci.in_(cis), t.ci_claim.c.run_id != run)
            .order_by(t.ci_claim.c.ci)
        )

    def _reclaim(self, tx: Transaction, run: str) -> None:
        """Claim again what an unfinished run gave free because it was finished there."""
        mine = {(row.kind, row.ci) for row in tx.all(sa.select(t.ci_claim).where(t.ci_claim.c.run_id == run))}
        hosts = list(tx.scalars(sa.select(t.run_ci.c.ci).where(t.run_ci.c.run_id == run)))
        unfinished = gate.not_finished(tx, run, hosts)
        wanted = set(intake.claims_of(self._plan(tx, run), unfinished))
        self._claim_cis(tx, run, sorted(wanted - mine))

    def _plan(self, tx: Transaction, run: str) -> Any:
        return json.loads(tx.scalar(sa.select(t.run.c.plan).where(t.run.c.id == run)))

    @staticmethod
    def _free(tx: Transaction, run: str) -> None:
        tx.do(sa.delete(t.ci_claim).where(t.ci_claim.c.run_id == run))
        tx.do(sa.delete(t.hold).where(t.hold.c.run_id == run))

    def _free_finished(self, tx: Transaction, run: str, unfinished: set[str], undoing: set[str]) -> None:
        keep = set(intake.claims_of(self._plan(tx, run), unfinished | undoing))
        for row in tx.all(sa.select(t.ci_claim).where(t.ci_claim.c.run_id == run)):
            if (row.kind, row.ci) not in keep:
                tx.do(sa.delete(t.ci_claim).where(t.ci_claim.c.kind == row.kind, t.ci_claim.c.ci == row.ci))

    @staticmethod
    def _set(tx: Transaction, run: str, ci: str, step: str, to: str, sources: Sequence[str], **values: Any) -> bool:
        """Move a step on, if it is in one of ``sources``; the rules must allow every one of these moves."""
        illegal = [source for source in sources if (source, to) not in rules.STEP_TRANSITIONS]
        if illegal:
            raise StoreError(f"A step never goes from {illegal[0]} to {to}.")
        moved = tx.do(
            sa.update(t.step).where(*_key(run, ci, step), t.step.c.state.in_(sources)).values(state=to, **values)
        )
        return moved == 1

    def _refuse(
        self, tx: Transaction, run: str, ci: str, step: str, epoch: int, state: str, why: str, by: str | None
    ) -> None:
        if self._set(
            tx, run, ci, step, state, ("pending",), message=why, blocked_by=by, wait_reason=None, ended_at=tx.now()
        ):
            tx.event(run, epoch, state, ci, step, why=why, by=by)
            self._give_back(tx, run, ci, epoch)

    @staticmethod
    def _left(tx: Transaction, run: str, ci: str, epoch: int, why: str, unreachable: bool) -> None:
        values = {"left_epoch": epoch, "left_why": why, "unreachable": unreachable}
        tx.do(sa.update(t.run_ci).where(t.run_ci.c.run_id == run, t.run_ci.c.ci == ci).values(values))

    def _give_back(self, tx: Transaction, run: str, ci: str, epoch: int) -> None:
        """Free the places that ``ci`` or its group need no longer."""
        group = tx.scalar(sa.select(t.run_ci.c.group_name).where(t.run_ci.c.run_id == run, t.run_ci.c.ci == ci))
        held = tx.all(
            sa.select(t.hold).where(
                t.hold.c.run_id == run,
                sa.or_(
                    sa.and_(t.hold.c.kind == "host", t.hold.c.holder == ci),
                    sa.and_(t.hold.c.kind == "group", t.hold.c.holder == group),
                ),
            )
        )
        for hold in held:
            if hold.kind == "host":
                cis = [ci]
            else:
                cis = list(
                    tx.scalars(
                        sa.select(t.need.c.holder)
                        .join(t.run_ci, sa.and_(t.run_ci.c.run_id == t.need.c.run_id, t.run_ci.c.ci == t.need.c.holder))
                        .where(
                            t.need.c.run_id == run,
                            t.need.c.kind == "member",
                            t.need.c.resource == hold.resource,
                            t.run_ci.c.group_name == group,
                        )
                    )
                )
            if cis:
                out = gate.not_back(tx, run, cis)
            else:  # the batch: the whole group must be through
                cis = gate.group_members(tx, run, str(group))
                out = gate.not_finished(tx, run, cis)
            if out and self._whole_group_is_refused(tx, run, str(group), epoch):
                out = set()
                self._ask_again(tx, run, [str(group)])
            if not out:
                kinds = [hold.kind, *(["down"] if gate.all_started(tx, run, cis) else ())]
                tx.do(
                    sa.delete(t.hold).where(
                        t.hold.c.resource == hold.resource,
                        t.hold.c.run_id == run,
                        t.hold.c.kind.in_(kinds),
                        t.hold.c.holder == hold.holder,
                    )
                )
                tx.event(run, epoch, "released", ci, None, place=gate.public_name(hold.resource), holder=hold.holder)

    @staticmethod
    def _whole_group_is_refused(tx: Transaction, run: str, group: str, epoch: int) -> bool:
        """Whether nothing of the group goes on, and nothing of it was taken out of service."""
        members = gate.group_members(tx, run, group)
        return len(gate.untouched(tx, run, members)) == len(gate.dead(tx, run, members, epoch)) == len(members)

    @staticmethod
    def _ask_again(tx: Transaction, run: str, groups: Sequence[str]) -> None:
        """Let groups pass the admission again before anything is taken out of service."""
        tx.do(
            sa.update(t.run_group)
            .where(t.run_group.c.run_id == run, t.run_group.c.name.in_(groups))
            .values(admitted_at=None, admitted_epoch=None)
        )

    def _run_at_rest(self, tx: Transaction, run: str) -> Any:
        """A run's row, locked, for what a person decides of it. Raises Busy while its controller is alive."""
        row = tx.one(sa.select(t.run.c.epoch, t.run.c.state).where(t.run.c.id == run).with_for_update())
        if row is None:
            raise RunNotFound(run)
        held = tx.one(sa.select(t.owner).where(t.owner.c.run_id == run))
        if row.state in rules.RUN_LIVE and held is not None and self._alive(tx, held):
            raise Busy(f"Run {run} is being worked on by {_owner_words(held)}; interrupt it first.", run=run)
        return row

    @staticmethod
    def _undo_row(tx: Transaction, run: str, id: str) -> Any:
        row = tx.one(sa.select(t.undo).where(t.undo.c.id == id, t.undo.c.run_id == run))
        if row is None:
            raise StoreError(f"Run {run} has no record {id} of a temporary change.")
        return row

    def _move_undo(self, tx: Transaction, run: str, id: str, epoch: int, to: str, proof: Any) -> Any:
        """Move an undo record on, unless it is there already; return it as it was."""
        row = self._undo_row(tx, run, id)
        if row.state == to:
            return row
        if (row.state, to) not in rules.UNDO_TRANSITIONS:
            raise Fenced(f"The temporary change {id} is {row.state} and cannot become {to}.")
        values = {"state": to, "epoch": epoch, "proof": json.dumps(proof) if proof is not None else row.proof}
        if not tx.do(sa.update(t.undo).where(t.undo.c.id == id, t.undo.c.state == row.state).values(values)):
            raise Fenced(f"The temporary change {id} was moved on by another worker.")
        tx.event(run, epoch, f"undo_{to}", row.ci, None, id=id, proof=proof)
        return row

    def _take_over(self, tx: Transaction, run: str, ci: str, key: str, epoch: int) -> UndoRecord | None:
        """Make the change that a stop run has left one of this run, in state *applied*; None when there is none."""
        left = tx.one(_left(t.undo.c.resource_key == key).limit(1))
        if left is None:
            return None
        proof = json.dumps(f"taken over by run {run}")
        if not tx.do(
            sa.update(t.undo)
            .where(t.undo.c.id == left.id, t.undo.c.state == "kept")
            .values(state="undone", proof=proof)
        ):
            raise Fenced(f"The temporary change {left.id} was moved on by another worker.")
        told = {name: getattr(left, name) for name in ("kind", "before", "wanted", "undo", "needs")}
        record = self._add_undo(tx, run, ci, key, epoch, {**told, "state": "applied"})
        tx.event(run, epoch, "undo_inherited", ci, None, id=record.id, of=left.run_id)
        return record

    @staticmethod
    def _add_undo(tx: Transaction, run: str, ci: str, key: str, epoch: int, told: Mapping[str, Any]) -> UndoRecord:
        """Write the record of a temporary change; ``told`` has what is known of it, values as JSON."""
        seq = (tx.scalar(sa.select(sa.func.max(t.undo.c.seq)).where(t.undo.c.run_id == run)) or 0) + 1
        row = {
            "id": f"{run}/{ci}/{key}/{seq}",
            "run_id": run,
            "ci": ci,
            "seq": seq,
            "resource_key": key,
            "epoch": epoch,
        }
        try:
            tx.insert(t.undo, [{**row, **told}])
        except IntegrityError as error:
            raise Busy(f"{key} is being changed by another worker just now.", run=run, ci=ci) from error
        return _undo(tx.one(sa.select(t.undo).where(t.undo.c.id == row["id"])))

    def _do_again(self, tx: Transaction, run: str, ci: str, step: str) -> bool:
        """Whether a step was done; from now on it is to be done once more."""
        return self._set(tx, run, ci, step, "pending", ("done",), message=None, ended_at=None, result=None)

    def _leave_to_start(self, tx: Transaction, run: str, epoch: int, unfinished: set[str]) -> None:
        """What a stop run has changed for systems that are down now is undone by the run that starts them."""
        if tx.scalar(sa.select(t.run.c.procedure).where(t.run.c.id == run)) != "stop":
            return
        for row in self._open_undo(tx, run):
            if row.ci not in unfinished and row.state == "applied":
                tx.do(sa.update(t.undo).where(t.undo.c.id == row.id).values(state="kept", proof=LEFT_TO_START))
                tx.event(run, epoch, "undo_kept", row.ci, None, id=row.id, proof=json.loads(LEFT_TO_START))

    @staticmethod
    def _open_undo(tx: Transaction, run: str) -> Sequence[Any]:
        return tx.all(
            sa.select(t.undo)
            .where(t.undo.c.run_id == run, t.undo.c.state.in_(rules.UNDO_OPEN))
            .order_by(t.undo.c.seq.desc())
        )

    def _here(self, process: Any) -> bool:
        return process.boot_id == self.machine.boot_id and process.pid_ns == self.machine.pid_ns

    @staticmethod
    def _same(held: Any, owner: Owner) -> bool:
        return all(getattr(held, name) == value for name, value in owner.as_dict().items())

    def _alive(self, tx: Transaction, held: Any) -> bool:
        """Whether the controller that holds a lease lives, as far as this machine can tell."""
        if self._here(held):
            return self.machine.alive(held.pid, held.pid_start)
        if held.boot_id == self.machine.boot_id:  # another container of this machine
            return self.machine.boottime() - held.seen_boottime <= held.ttl
        if held.host == self.machine.host and not self.is_shared:
            return False  # SQLite lies on a disk of this machine, which was rebooted since
        # Two machines may have one name, so on a server that many share only silence tells.
        return tx.now() - held.seen_at <= held.ttl


class _Overtaken(Exception):
    """The step was claimed by somebody else between look and write; the transaction is undone."""


def _key(run: str, ci: str, step: str) -> tuple[Any, Any, Any]:
    return t.step.c.run_id == run, t.step.c.ci == ci, t.step.c.step == step


def _left(*which: Any) -> Any:
    """What stop runs have left to the run that starts the systems, newest first."""
    return (
        sa.select(t.undo)
        .join(t.run, t.run.c.id == t.undo.c.run_id)
        .where(t.undo.c.state == "kept", t.undo.c.proof == LEFT_TO_START, *which)
        .order_by(t.run.c.created_at.desc(), t.undo.c.seq.desc())
    )


def _owner_words(held: Any) -> str:
    return f"{held.controller} (process {held.pid} on {held.host})"


def claimed_in_words(elsewhere: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each other run that is in the way, from `Store.claimed_elsewhere`."""
    by_run: dict[str, list[Mapping[str, Any]]] = {}
    for claim in elsewhere:
        by_run.setdefault(claim["run"], []).append(claim)
    found = []
    for run, claims in by_run.items():
        # Hosts say enough; a system is named where the other run has it by a host that is not part of this one.
        named = sorted({claim["ci"] for claim in claims if claim["kind"] != "system"} or {c["ci"] for c in claims})
        verb = "belongs" if len(named) == 1 else "belong"
        who = f", {claims[0]['owner']}" if claims[0]["owner"] else ""
        said = f"run {run}, which is {claims[0]['state']}{who}. Resume or cancel that run first."
        found.append(f"{', '.join(named)} {verb} to {said}")
    return found


def _in_portions(claims: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """The configuration items of each kind, as many at once as one statement bears."""
    for kind in sorted({kind for kind, _ci in claims}):
        wanted = [ci for of_kind, ci in claims if of_kind == kind]
        for start in range(0, len(wanted), 500):
            yield kind, wanted[start : start + 500]


def _undo(row: Any) -> UndoRecord:
    def value(text: str | None) -> Any:
        return json.loads(text) if text is not None else None

    return UndoRecord(
        row.id,
        row.run_id,
        row.ci,
        row.resource_key,
        row.seq,
        row.kind,
        row.state,
        value(row.before),
        value(row.wanted),
        value(row.undo),
        value(row.needs),
        value(row.proof),
    )
