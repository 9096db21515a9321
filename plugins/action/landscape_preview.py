# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows beside a plan how those are doing whom it concerns."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.basis.landscape.plugins.module_utils._argspec import instance_number
from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.plugin_utils import _failures
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._plan import Condition

MOST = 3  # that a line names
LIFT = "set landscape_hold_jobs: false for this host"


class ActionModule(ControllerAction):
    """One line for each system, and a section on the page of the plan."""

    BYPASS_HOST_LOOP = True
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "jobs": {"type": "dict", "default": {}},
        "looks": {"type": "dict", "default": {}},
        "finds": {"type": "dict", "default": {}},
        "ignore": {"type": "list", "elements": "str", "default": []},
        "outside": {"type": "str", "choices": ["refuse", "accept"], "default": "refuse"},
        "json": {"type": "path"},
        "html": {"type": "path"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Collect what the hosts saw; refuse what would fail in the window, or take more out than may be out."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

        systems: list[dict[str, str]] = []
        conditions: list[Condition] = []
        for host, led in sorted(arguments["jobs"].items()):
            seen = task_vars["hostvars"][host].get("sap_jobs_seen") or {}
            for sid in sorted(row["sid"] for row in led):
                answer = seen.get(sid) or {}
                conditions += [
                    {"object": f"{sid} on {host}", "unmet": unmet, "remedy": remedy}
                    for unmet, remedy in _against(answer)
                ]
                if "quiet" in answer:
                    systems.append({"sid": sid, "host": host, **_told(answer)})
        for row in systems:
            self._display.display(
                f"  {row['sid']} now: users: {row['users']}; jobs that run: {row['running']}; to hold back: "
                f"{row['released']}"
            )
        judged = _plan.judge(*_seen(arguments["looks"], task_vars), arguments["outside"] == "accept")
        conditions += judged.conditions
        for line in judged.warnings:
            self._display.display(f"  warning: {line}")
        for host, known in sorted(arguments["finds"].items()):
            found = task_vars["hostvars"][host].get("landscape_found") or {}
            conditions += _beside_the_plan(host, known, found, set(arguments["ignore"]))
        if conditions:
            refusal = _plan.PlanRefused(conditions)
            return {"failed": True, "changed": False, "msg": str(refusal), "conditions": conditions}
        if arguments["json"] and arguments["html"] and systems:
            plan = json.loads(pathlib.Path(arguments["json"]).read_text(encoding="utf-8"))
            pathlib.Path(arguments["html"]).write_text(_plan.render_html(plan, now=systems), encoding="utf-8")
        return {"changed": False, "systems": systems, "out": judged.out, "down": judged.down}


def _seen(
    looks: dict[str, list[dict[str, t.Any]]], task_vars: dict[str, t.Any]
) -> tuple[list[dict[str, t.Any]], dict[str, str | None]]:
    """Return the instances that were to be looked at, each with what was answered: None when it is up."""
    answers: dict[str, str | None] = {}
    for host in looks:
        seen = task_vars["hostvars"][host].get("landscape_looked") or {}
        for answer in seen.get("results", ()):
            answers[answer["item"]["name"]] = _not_up(answer)
    return sorted((row for rows in looks.values() for row in rows), key=lambda row: str(row["name"])), answers


def _not_up(answer: dict[str, t.Any]) -> str | None:
    why = _failures.words(answer) or "no reason was given"
    if answer.get("unreachable"):
        return f"its host cannot be reached: {why}"
    if "healthy" not in answer:
        return f"it cannot be asked: {why}"
    return None if answer["healthy"] else "; ".join(answer["bad"]) or "it is not healthy"


def _beside_the_plan(
    host: str, known: list[dict[str, t.Any]], found: dict[str, t.Any], ignored: set[str]
) -> list[Condition]:
    """Return the instances of a host that nobody would stop or start, as what stands against the run.

    A host that cannot be reached is no condition: the run itself tells that, and touches nothing there.
    """
    if found.get("unreachable"):
        return []
    if "instances" not in found:
        why = (_failures.words(found) or "nobody has looked").rstrip(".")
        return [
            {
                "object": host,
                "unmet": f"it cannot be told which instances it has: {why}.",
                "remedy": "mend that; the start file of another place is named by landscape_services_file.",
            }
        ]
    conditions: list[Condition] = []
    of_number: dict[str, str] = {}
    for one in (one for one in known if one["number"] is not None):
        try:
            of_number[instance_number(one["number"])] = one["sid"]
        except BadInput as error:
            remedy = "correct the number in the CMDB or the inventory."
            conditions.append({"object": f"{one['sid']} on {host}", "unmet": f"{error.why}.", "remedy": remedy})
    for one in found["instances"]:
        sid, number = one["sid"], one["number"]
        if number in of_number and sid in (None, of_number[number]):
            continue
        if {sid, f"{sid}/{number}"} & ignored:
            continue
        name = f"{sid or 'instance'}/{number}"
        said = f"{name} ({one['name']})" if one["name"] else name
        conditions.append(
            {
                "object": host,
                "unmet": f"it has {said}, which the landscape does not know, so nobody would stop it, start it or look "
                "at it.",
                "remedy": f"add it to the CMDB, remove what is left of it from the host, or add {name} to "
                "landscape_ignore_instances.",
            }
        )
    return conditions


def _against(answer: dict[str, t.Any]) -> list[tuple[str, str]]:
    """Return why the step suspend_jobs would fail in a system, each with what would allow it."""
    if "quiet" not in answer:
        why = str(answer.get("msg") or "nobody has asked it").rstrip(".")
        unmet = f"it cannot be asked over RFC, so its jobs could not be held back: {why}."
        return [(unmet, f"correct sap_jobs_rfc, or {LIFT}.")]
    found = []
    held = answer["held"]
    if "kept" not in held:
        why = str(held.get("msg") or "nobody has looked").rstrip(".")
        found.append((f"its jobs could not be held back: {why}.", f"mend that, or {LIFT}."))
    for name in answer["needed"]:
        check = answer["checks"][name]
        if check["verdict"] == "unknown":
            words = check["words"].rstrip(".")
            unmet = f"the check {name} has no answer, so it would never be seen to be quiet: {words}."
            found.append((unmet, f"mend that, or take {name} out of sap_jobs_quiet_checks."))
    notice = answer.get("notice") or {}
    if "users" not in notice and not notice.get("skipped"):
        why = str(notice.get("msg") or "nobody has looked whom it would reach").rstrip(".")
        unmet = f"its users could not be told: {why}."
        found.append((unmet, "mend that, or leave sap_jobs_message empty."))
    return found


def _told(answer: dict[str, t.Any]) -> dict[str, str]:
    """Return what one system said, in words; what it could not tell says so."""
    users = answer["users"]
    running = answer["running"]
    released = answer["checks"]["released_jobs"]["count"]
    names = sorted({f"{row['user']} ({row['client']})" for row in users or ()})
    words = _some(len(names), names)
    if users is None or answer["checks"]["users"]["evidence"]["not_asked"]:  # other application servers
        words = f"{words}, not all are known" if names else "not known"
    jobs = [f"{row['name']} since {row['since']}" if row.get("since") else row["name"] for row in running or ()]
    return {
        "users": words,
        "running": "not known" if running is None else _some(len(jobs), jobs),
        "released": "not known" if released is None else str(released),
    }


def _some(count: int, names: list[str]) -> str:
    if not count:
        return "none"
    more = f" and {count - MOST} more" if count > MOST else ""
    return f"{count}: {', '.join(names[:MOST])}{more}"
