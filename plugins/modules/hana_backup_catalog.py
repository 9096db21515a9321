#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the backup catalog of HANA databases holds only what is to be kept."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hana_backup_catalog
short_description: Remove old backups of HANA databases by age and count
version_added: 0.2.0
author:
  - The basis.landscape authors (@basis-landscape)
description:
  - Removes the backups that are older than the oldest full backup that is still needed, for each database on its own.
  - The oldest full backup that is needed is the newest one that ended before the kept days begin, so that every instant
    of them can be recovered, and that leaves O(keep_count) successful full backups. It stays, with all that is newer.
    No backup that a kept one builds on can go.
  - Nothing is removed when there is no such full backup, while a data backup runs, or when entries of a kind that this
    collection does not know are among those that would go.
  - With C(--check --diff) it tells exactly what would go.
options:
  databases:
    description:
      - The databases, V(SYSTEMDB) or tenants. More than one, and V(all), need SYSTEMDB.
      - V(all) is every active one. One that is stopped, starting or stopping is left out, with a warning, and named in
        RV(left_out); when no database is active, or the status of one is not known, the module fails.
      - One that is named has to be active. An empty list is refused.
    type: list
    elements: str
    default: [all]
  confirm_sid:
    description:
      - System ID of the system that is meant, compared with what the system itself reports. When it is another one,
        because an address or a key leads there, nothing is done.
    type: str
  keep_days:
    description: Every instant of so many last days stays recoverable. One of O(keep_days) and O(keep_count) is needed.
    type: float
  keep_count:
    description: At least so many successful full backups stay.
    type: int
  scope:
    description:
      - V(complete) removes the backups themselves, files and those in the backup tool, with their entries.
      - V(catalog) removes the entries alone. HANA no longer knows of the backups then, and somebody else has to remove
        them.
    type: str
    choices: [complete, catalog]
    required: true
extends_documentation_fragment:
  - basis.landscape.attributes
  - basis.landscape.hana
  - basis.landscape.wait
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
notes:
  - Idempotent. What may go is removed with one statement for each database, and the catalog is read again afterwards.
  - Entries are read as a stream. A catalog of a hundred thousand log backups needs no more memory than a small one.
seealso:
  - module: basis.landscape.hana_backup
"""

EXAMPLES = r"""
- name: Keep two weeks and at least three full backups of every database
  basis.landscape.hana_backup_catalog:
    hana_key: BACKUP
    keep_days: 14
    keep_count: 3
    scope: complete
    timeout: 7200
  delegate_to: localhost

- name: Keep the last two full backups of a test tenant
  basis.landscape.hana_backup_catalog:
    hana_key: BACKUP
    databases: [QAS]
    keep_count: 2
    scope: complete
  delegate_to: localhost
"""

RETURN = r"""
databases:
  description: For each database what went, or would go, and what stays.
  returned: success
  type: dict
  contains:
    anchor:
      description: The oldest full backup that stays; all that is older goes. Null when nothing may go.
      type: dict
    why:
      description: Why this one, or why none.
      type: str
    data:
      description: The data backups that go, each with C(id), C(kind), C(state), C(started).
      type: list
      elements: dict
    logs:
      description: The log backups that go, as C(count), C(first), C(last) (backup ids).
      type: dict
    bytes:
      description: What the removed backups take, by medium.
      type: dict
left_out:
  description: For O(databases=all) the databases that were left out because they are not active, each with its state.
  returned: success
  type: dict
  sample: {QAS: stopped (M_DATABASES says NO)}
steps:
  description: What was done, or would be, in order.
  returned: once the catalog could be read
  type: list
  elements: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
"""

import datetime
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.basis.landscape.plugins.module_utils._argspec import wait_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, TimedOut, Unreachable
from ansible_collections.basis.landscape.plugins.module_utils._hana import model
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import Client, Meant, connect
from ansible_collections.basis.landscape.plugins.module_utils._hana.options import advice, hana_spec
from ansible_collections.basis.landscape.plugins.module_utils._module import ArgumentSpec, Context, run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation
from ansible_collections.basis.landscape.plugins.module_utils._wait import Limits, wait_until


def spec() -> ArgumentSpec:
    """The options of the module."""
    own = ArgumentSpec(
        {
            "databases": {"type": "list", "elements": "str", "default": ["all"]},
            "confirm_sid": {"type": "str"},
            "keep_days": {"type": "float"},
            "keep_count": {"type": "int"},
            "scope": {"type": "str", "choices": ["complete", "catalog"], "required": True},
        },
        required_one_of=[("keep_days", "keep_count")],
    )
    return own.merge(hana_spec(), wait_spec())


class Old(NamedTuple):
    """What of one database's catalog is older than its cut."""

    cut: model.Cut
    data: List[model.Backup]
    logs: Dict[str, Optional[int]]
    sizes: Dict[str, int]
    unknown: List[str]
    running: Optional[model.Backup]

    @property
    def entries(self) -> int:
        """How many entries are older."""
        return len(self.data) + int(self.logs["count"] or 0)


State = Dict[str, Old]


class Retention(Operation[State]):
    """Look: catalogs. Plan: one removal for each that holds too much. Verify: catalogs again."""

    def __init__(self, params: Dict[str, Any], client: Client) -> None:
        self._params = params
        self._client = client
        self._limits = Limits(params["timeout"], params["delay"], patience=params["failure_grace"])
        self._keep_count = 1 if params["keep_count"] is None else params["keep_count"]
        self._meant = Meant([], {})
        self._told: State = {}
        self._after: State = {}
        if self._keep_count < 1:
            raise BadInput(
                "read the option keep_count", f"at least one full backup stays, so 1 or more, not {self._keep_count}"
            )
        if params["keep_days"] is not None and not 0 <= params["keep_days"] <= model.LONGEST_DAYS:
            raise BadInput(
                "read the option keep_days", f"it is 0 to {model.LONGEST_DAYS} days, not {params['keep_days']:g}"
            )

    def look(self) -> State:
        """The part of every meant catalog that is older than its cut."""
        self._meant = self._client.meant("remove old backups", self._params["databases"], self._params["confirm_sid"])
        now = self._client.now()
        self._told = {name: self._old(name, now) for name in self._meant.names}
        self._after = dict(self._told)
        return self._told

    def plan(self, state: State) -> List[Action[State]]:
        """Remove what is older than the cut, where there is anything."""
        actions: List[Action[State]] = []
        for name, old in state.items():
            if old.cut.anchor is None or not old.entries:
                continue
            if old.unknown:
                raise Denied(
                    f"remove old backups of {name}",
                    "entries of an unknown kind would go, too: {}".format(", ".join(old.unknown)),
                    reason="unknown_entries",
                    cure="Look at them in M_BACKUP_CATALOG and report the kind, so that it can be told what they are",
                )
            if old.running is not None:
                raise Denied(
                    f"remove old backups of {name}",
                    f"the data backup {old.running.id} is running and may build on what would go",
                    reason="backup_running",
                    cure="Try again when it has ended",
                )
            actions.append(self._remove(name, old, old.cut.anchor))
        return actions

    def describe(self, state: State) -> Dict[str, Any]:
        """Each catalog's old part in words; every data backup by its id."""
        return {
            name: [
                "{} log backups{}".format(
                    old.logs["count"], " ({first} to {last})".format(**old.logs) if old.logs["count"] else ""
                )
            ]
            + [f"{b.kind} {b.id} {b.state} ({model.text(b.started)})" for b in old.data]
            for name, old in state.items()
        }

    def facts(self, state: State) -> Dict[str, Any]:
        """What went, or would go, as it was before; what was left out."""
        return {
            "left_out": self._meant.left_out,
            "databases": {
                name: {
                    "anchor": old.cut.anchor.as_data() if old.cut.anchor else None,
                    "why": old.cut.why,
                    "data": [backup.as_data() for backup in old.data],
                    "logs": old.logs,
                    "bytes": old.sizes,
                }
                for name, old in self._told.items()
            },
        }

    def warnings(self) -> List[str]:
        """What was left out; how the connection is made, when that is worth a word."""
        return self._meant.warnings() + advice(self._params)

    def _old(self, name: str, now: datetime.datetime) -> Old:
        data = list(self._client.catalog(name, (model.FULL,)))
        cut = model.retention_cut(data, now, self._params["keep_days"], self._keep_count)
        running = next(
            (b for b in self._client.catalog(name, (model.FULL, model.DIFFERENTIAL, model.INCREMENTAL)) if b.running),
            None,
        )
        old = Old(cut, [], {"count": 0, "first": None, "last": None}, {}, [], running)
        if cut.anchor is None:
            return old
        count, first, last = 0, None, None
        for entry in self._client.catalog(name, before=cut.anchor.id):
            if entry.kind in (model.LOG, model.LOG_MISSING):
                count, first, last = count + 1, first or entry.id, entry.id
            elif entry.known:
                old.data.append(entry)
            else:
                old.unknown.append(f"{entry.kind} {entry.id}")
        for file in self._client.files(name, before=cut.anchor.id):
            old.sizes[file.medium or "unknown"] = old.sizes.get(file.medium or "unknown", 0) + file.size
        return old._replace(logs={"count": count, "first": first, "last": last})

    def _remove(self, name: str, old: Old, anchor: model.Backup) -> Action[State]:
        complete = self._params["scope"] == "complete"
        words = "remove {} backups of {} older than {}, {}".format(
            old.entries, name, anchor.id, "files and entries" if complete else "entries alone"
        )

        def gone() -> State:
            wait_until(
                words,
                lambda: next(iter(self._client.catalog(name, before=anchor.id)), None),
                lambda entry: entry is None,
                self._limits,
                bear=(Unreachable, TimedOut),
                describe=lambda entry: f"the entry {entry.id if entry else ''} is still there",
            )
            kept = next(iter(self._client.catalog(name, ids=[anchor.id])), None)
            if kept is None or not kept.good:
                raise Denied(
                    words,
                    f"the full backup {anchor.id}, which was to stay, is gone from the catalog",
                    reason="anchor_lost",
                )
            nothing: Dict[str, Optional[int]] = {"count": 0, "first": None, "last": None}
            self._after[name] = old._replace(data=[], logs=nothing, sizes={})
            return dict(self._after)

        return Action(
            f"BACKUP CATALOG DELETE {name}",
            words,
            lambda: self._client.delete_before(name, anchor.id, complete, self._params["timeout"]),
            gone,
        )


def main() -> None:
    """Run the module."""
    run_operation(spec(), operation)


def operation(context: Context) -> Retention:
    """The operation that the options ask for."""
    return Retention(context.params, connect(context.params))


if __name__ == "__main__":
    main()
