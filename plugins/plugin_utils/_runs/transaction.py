# SPDX-License-Identifier: GPL-3.0-or-later
"""One short transaction with the events it leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import chain
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import schema as t
from ansible_collections.basis.landscape.plugins.plugin_utils._runs.sql import sa

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOCK = sa.text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)")
_CHAIN = sa.select(t.chain).where(t.chain.c.run_id == sa.bindparam("run")).with_for_update()


class Transaction:
    """What the verbs do inside one transaction of the database.

    Events are kept until ``close``: they lock the run's chain, which must be the last lock that a transaction takes.
    """

    def __init__(self, connection: sa.Connection, clock: Callable[[], float] | None) -> None:
        self.connection = connection
        self._clock = clock
        self._now: float | None = None
        self._events: dict[str, list[dict[str, Any]]] = {}
        self.told = False
        """Whether anything happened that a waiter may want to know."""

    def all(self, statement: Any, /, **values: Any) -> Sequence[Any]:
        """All rows."""
        return self.connection.execute(statement, values).all()

    def one(self, statement: Any, /, **values: Any) -> Any:
        """The first row or None."""
        return self.connection.execute(statement, values).first()

    def scalar(self, statement: Any, /, **values: Any) -> Any:
        """The first column of the first row or None."""
        return self.connection.execute(statement, values).scalar()

    def scalars(self, statement: Any, /, **values: Any) -> Sequence[Any]:
        """The first column of all rows."""
        return self.connection.execute(statement, values).scalars().all()

    def do(self, statement: Any, /, **values: Any) -> int:
        """Change something; the number of rows that were changed."""
        return self.connection.execute(statement, values).rowcount

    def insert(self, table: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows, all with the same columns."""
        if rows:
            self.connection.execute(sa.insert(table), rows)

    def now(self) -> float:
        """Seconds since 1970 UTC by the database's clock; one instant for the whole transaction.

        A SQLite database has the clock of its machine.
        """
        if self._now is None:
            if self._clock is not None:
                self._now = self._clock()
            elif self.connection.dialect.name == "postgresql":
                self._now = float(self.scalar(_CLOCK))
            else:
                self._now = time.time()
        return self._now

    def event(
        self,
        run: str,
        epoch: int,
        kind: str,
        ci: str | None = None,
        step: str | None = None,
        *,
        actor: str = "",
        **data: Any,
    ) -> None:
        """Remember that something happened; written when the transaction closes."""
        self._events.setdefault(run, []).append(
            {
                "run_id": run,
                "epoch": epoch,
                "actor": actor or "controller",
                "kind": kind,
                "ci": ci,
                "step": step,
                "data": json.dumps({key: value for key, value in data.items() if value is not None}, sort_keys=True),
            }
        )

    def close(self) -> None:
        """Write the events, each linked to the one before it."""
        for run in sorted(self._events):
            last = self.one(_CHAIN, run=run)
            number, before = (last.n, last.hash) if last is not None else (0, chain.START)
            rows = []
            for event in self._events[run]:
                number += 1
                row = {**event, "n": number, "at": self.now(), "at_controller": time.time()}
                row["hash"] = before = chain.link(before, row)
                rows.append(row)
            self.insert(t.event, rows)
            if last is None:
                self.insert(t.chain, [{"run_id": run, "n": number, "hash": before}])
            else:
                self.do(sa.update(t.chain).where(t.chain.c.run_id == run).values(n=number, hash=before))
            self.told = True
        self._events.clear()
