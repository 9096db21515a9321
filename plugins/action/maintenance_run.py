# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Begins, or continues, the run that this ansible-playbook process carries out."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
import typing as t
import uuid

from ansible import context

from ansible_collections.basis.landscape.plugins.plugin_utils import _awx, _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store


class ActionModule(ControllerAction):
    """Take the run: claim its CIs, raise its epoch, name its owner."""

    BYPASS_HOST_LOOP = True
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "state": {"type": "str", "choices": ["begun", "possible", "canceled", "settled"], "default": "begun"},
        "plan": {"type": "path"},
        "reason": {"type": "str"},
        "changes": {"type": "list", "elements": "str"},
        "run": {"type": "str"},
        "continues": {"type": "bool", "default": False},
        "replaces": {"type": "bool", "default": False},
        "accepted": {"type": "list", "elements": "str", "default": []},
        "out": {"type": "dict", "default": {}},
        "down": {"type": "dict", "default": {}},
        "confirmed": {"type": "bool", "default": True},
        "force_by": {"type": "str"},
        "database": {"type": "str"},
        "ttl": {"type": "float", "default": 60.0},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Create the run unless it is continued, and take it."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        if arguments["state"] == "possible":
            self.require_beginning(arguments["run"], task_vars)
            return {"changed": False}
        if arguments["state"] != "begun":
            return self._end_by_hand(arguments, task_vars)
        if self._task.check_mode:
            return {
                "changed": False,
                "skipped": True,
                "msg": "Check mode: no run begins. basis.landscape.maintenance_preview tells what its gates would say.",
            }
        if not arguments["plan"]:
            raise _controller.NotPossible(
                "A run begins with a plan: give the path that landscape_plan returns as json."
            )
        if not arguments["confirmed"]:
            raise _controller.NotPossible(
                "Nobody said yes to the plan, so nothing was begun. Answer the question with yes, or give "
                "the hash of an approved plan "
                "(-e approved=<hash>), or take every plan unattended (-e landscape_yes=true)."
            )
        url = _controller.database_url(arguments["database"])
        job = _awx.job(task_vars)
        name = arguments["run"] or _controller.run_name(
            json.loads(pathlib.Path(arguments["plan"]).read_text(encoding="utf-8"))["procedure"],
            datetime.datetime.now().strftime("%Y%m%d-%H%M%S"),
            uuid.uuid4().hex,
            job.id if job else None,
        )
        self.require_beginning(name, task_vars)
        by = _awx.user(task_vars)
        store = _runs.open_store(url)
        try:
            apart = store.compare_clocks()
            warnings = [*store.warnings, *([apart] if apart else ())]
            code = _controller.code_hash(pathlib.Path(__file__).parents[2])
            plan = json.loads(pathlib.Path(arguments["plan"]).read_text(encoding="utf-8"))
            if not arguments["continues"]:
                store.create(
                    name,
                    plan,
                    procedure=plan["procedure"],
                    code_hash=code,
                    params={
                        "forks": context.CLIARGS.get("forks"),
                        "limit": context.CLIARGS.get("subset"),
                        **({"awx": job.as_params()} if job else {}),
                    },
                    created_by=by,
                    out=arguments["out"],
                    down=arguments["down"],
                )
            epoch = store.take(
                name,
                _runs.Owner.current(pid=os.getppid(), controller=f"AWX job {job.id}" if job else None),
                ttl=arguments["ttl"],
                force_by=arguments["force_by"],
                of_plan=plan["hash"] if not arguments["replaces"] else None,
                revision=_runs.Revision(
                    by,
                    code,
                    arguments["accepted"],
                    plan if arguments["replaces"] else None,
                    arguments["out"],
                    arguments["down"],
                )
                if arguments["accepted"]
                else None,
            )
            record = store.run(name)
            if record["epoch"] != epoch:  # the fence in it is the other one's
                raise _runs.Fenced(f"Run {name} was taken by another controller just now.")
        finally:
            store.close()
        return {
            "changed": True,
            "run": name,
            "epoch": epoch,
            "database": url,
            "hosts": _in_order(record),
            "plan": arguments["plan"],
            "warnings": warnings,
            "basis_landscape_begun": {
                "run": name,
                "epoch": epoch,
                "database": url,
                # Grows from take to take over all runs: the epoch begins anew with each run, but a target remembers.
                "fence": record["fence"],
                "created": record["created_at"],
                "ttl": arguments["ttl"],
            },
        }

    def _end_by_hand(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Record what a person decided of an unfinished run, or of what a run has left, for a reason."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        run, reason, by = arguments["run"], arguments["reason"], _awx.user(task_vars)
        if not run or not reason:
            raise _controller.NotPossible(
                f"For state: {arguments['state']} the name of the run and a reason are needed: -e run=<id> "
                "-e reason=<why>."
            )
        url = _controller.database_url(arguments["database"])
        if self._task.check_mode:
            with contextlib.closing(_looked(url, run)) as looked:
                store = _runs.rehearsal(looked, run)
        else:
            store = _runs.open_store(url)
        try:
            if arguments["state"] == "settled":
                settled = store.settle(run, by, reason, arguments["changes"])
                return {"changed": bool(settled), "run": run, "settled": settled}
            before = store.run(run)["state"]
            if before != "canceled":
                store.cancel(run, by, reason)
        finally:
            store.close()
        return {"changed": before != "canceled", "run": run}


def _in_order(record: dict[str, t.Any]) -> list[str]:
    """Return the hosts in the order in which they take forks: those in maintenance first, which others may wait for."""
    entered = {group["name"] for group in record["groups"] if group["admitted_at"] is not None}
    inside = {host for group in record["plan"]["groups"] if group["name"] in entered for host in group["hosts"]}
    return sorted(record["plan"]["hosts"], key=lambda host: host not in inside)


def _looked(url: str, run: str) -> Store:
    """Return the run database for reading. Raises RunNotFound when there is none."""
    from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

    store = _runs.open_to_look(url)
    if store is None:
        raise _runs.RunNotFound(run)
    return store
