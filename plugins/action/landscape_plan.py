# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans a maintenance run on the controller."""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import json
import pathlib
import typing as t

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.vars import load_extra_vars

from ansible_collections.basis.landscape.plugins.plugin_utils import (
    _awx,
    _controller,
    _host_variables,
    _role_options,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.basis.landscape.plugins.plugin_utils._plan import Condition
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store

_Said = t.Mapping[str, t.Mapping[str, t.Any]]  # hosts to their variables

MOLECULES_OWN = {"notest", "molecule-notest"}  # tags that molecule always skips
# Steps that do what the site's own task files say; without one they are skipped.
SITE_STEPS = ("silence", "suspend_jobs", "release_jobs", "unsilence")
# Those of them that the role sap_jobs does where landscape_hold_jobs says so.
JOB_STEPS = ("suspend_jobs", "release_jobs")
# Extra variables that shape a plan. The command that runs it repeats them; the values of others may be secret.
SHAPING = {
    "hana_backup_target",
    "landscape_backup_parallel",
    "landscape_batch_size",
    "landscape_canary",
    "landscape_databases_down",
    "landscape_failure_budget",
    "landscape_hold_jobs",
    "landscape_hosts",
    "landscape_ignore_windows",
    "landscape_outside",
    "landscape_override",
    "landscape_patch_level",
    "landscape_plan_directory",
    "landscape_require_backup_hours",
    "landscape_skip_steps",
    "landscape_step_seconds",
    "landscape_step_tasks",
}
# How sapcontrol of a host is asked. A password is not among them, as what a plan returns may be shown.
ASKED_BY = {
    "sap_verify_become",
    "sapcontrol_ca_file",
    "sapcontrol_socket",
    "sapcontrol_timeout",
    "sapcontrol_url",
    "sapcontrol_user",
    "sapcontrol_verify",
}
# What is about this one call of ansible-playbook.
OF_THIS_CALL = {
    "accept_plan",
    "approved",
    "force_by",
    "landscape_ignore_instances",
    "landscape_outside_down",
    "landscape_services_file",
    "landscape_preview",
    "landscape_procedure",
    "landscape_yes",
    "run",
    "run_name",
}
# What may lead to another host at the same address.
WAYS = (
    "ansible_ssh_args",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "ansible_paramiko_proxy_command",
)
# What lets a run undo a temporary change that is left.
REMEDIES = {
    "silence": "give landscape_step_tasks.unsilence",
    "suspend_jobs": "run start_landscape with landscape_hold_jobs for the host that leads it",
}


class ActionModule(ControllerAction):
    """One plan for all hosts of the play, written as JSON and as a page; nothing is touched."""

    BYPASS_HOST_LOOP = True
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "procedure": {
            "type": "str",
            "choices": ["patch", "stop", "start", "backup", "clean_backups"],
            "required": True,
        },
        "run": {"type": "str"},
        "adopt": {"type": "bool", "default": False},
        "approved": {"type": "str"},
        "accept_plan": {"type": "str"},
        "assume_yes": {"type": "bool", "default": False},
        "batch_size": {"type": "int", "default": 0},
        "failure_budget": {"type": "dict"},
        "canary": {"type": "list", "elements": "str", "default": []},
        "skip_steps": {"type": "list", "elements": "str", "default": []},
        "step_tasks": {"type": "dict", "default": {}},
        "outside": {"type": "str", "choices": ["refuse", "accept"], "default": "refuse"},
        "override": {"type": "dict"},
        "ignore_windows": {"type": "bool", "default": False},
        "patch_level": {"type": "str"},
        "step_seconds": {"type": "dict", "default": {}},
        "parallel": {"type": "dict", "default": {}},
        "database": {"type": "str"},
        "directory": {"type": "path"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Plan; a refusal lists everything that stands against the plan."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

        try:
            return self._plan(arguments, task_vars)
        except _plan.PlanRefused as refusal:
            return {"failed": True, "changed": False, "msg": str(refusal), "conditions": refusal.conditions}

    def _plan(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Plan, compare with what was approved or begun before, write the plan."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

        self.require_whole_playbook()
        hosts = [h for h in task_vars["ansible_play_hosts_all"] if "landscape_host" in task_vars["hostvars"][h]]
        if not hosts:
            raise _controller.NotPossible(
                "None of the hosts of this play is part of a landscape: the variable landscape_host is "
                "missing. Use the inventory "
                "plugin basis.landscape.cmdb, or set landscape_host for each host as docs/inventory.md describes."
            )
        known = set(hosts)
        beside = [h for h in task_vars["ansible_play_hosts_all"] if h not in known]
        self._refuse_hosts(hosts, beside, task_vars)
        said = _host_variables.of_hosts(self._task, hosts)
        unmet = self._wrong_options(said, arguments)
        landscape = _plan.landscape_from_inventory(_Landscape(task_vars["hostvars"], task_vars["groups"]["all"]))
        unmet += _asked_at_one_place(said, landscape) + _reached_at_one_place(said)
        directory = pathlib.Path(arguments["directory"] or _controller.state_directory() / "plans")
        accepted: list[str] = []
        conditions: list[Condition] = []
        looks: dict[str, list[t.Mapping[str, t.Any]]] = {}
        replaces = False
        store, begun = self._history(hosts, arguments, task_vars)
        try:
            if begun is not None:
                if unmet:
                    raise _plan.PlanRefused(unmet)
                plan = begun["plan"]
                if begun["procedure"] != arguments["procedure"]:
                    raise _controller.NotPossible(
                        f"Run {begun['id']} is a {begun['procedure']}, and is not continued by a playbook for "
                        f"{arguments['procedure']}."
                    )
                self._refuse_empty_limit(hosts, plan, begun["id"])
                standing = store.standing(begun["id"]) if store else {}
                conditions, of_now = self._against_continuing(begun, landscape, standing)
                replaces = of_now is not None and arguments["accept_plan"] == of_now["hash"] != plan["hash"]
                if replaces or arguments["accept_plan"] == plan["hash"]:
                    accepted, conditions = [f"{each['object']}: {each['unmet']}" for each in conditions], []
                if conditions and not self._task.check_mode:
                    raise _plan.PlanRefused(conditions)
                if replaces and of_now is not None:
                    plan = of_now
                    self._refuse_empty_limit(hosts, plan, begun["id"])
                    _refuse_what_stays_changed(plan, landscape, store, begun["id"])
                    looks = self._looks(plan, hosts, store, begun["id"])
            else:
                make = functools.partial(
                    _plan.make_plan,
                    landscape,
                    hosts=hosts,
                    procedure=arguments["procedure"],
                    now=datetime.datetime.now(datetime.UTC),
                    durations=store.durations() if store else None,
                    options=self._options(arguments, _of_hosts(said, arguments)),
                )
                if unmet:
                    raise _plan.PlanRefused([*unmet, *_refusal(make)])
                plan = _approved(make, arguments["approved"], _given(arguments["approved"], directory, store))
                _refuse_what_stays_changed(plan, landscape, store)
                plan["arguments"], plan["not_repeated"] = self._said()
                plan["play_hosts"] = hosts
                if beside:
                    plan["warnings"].append(f"Not part of the landscape, so left out: {_some(beside)}.")
                looks = self._looks(plan, hosts, store)
                if store and not self._task.check_mode:
                    self._keep(plan, store)
        finally:
            if store:
                store.close()
        ask = begun is None and not (arguments["approved"] or arguments["assume_yes"])
        for line in _summary(plan):
            self._display.display(line)
        if ask:
            self._display.display(f"to run exactly this plan: {_plan.approve_command(plan)}")
            for line in _plan.not_repeated(plan):
                self._display.display(line)
        paths = {} if self._task.check_mode and not arguments["directory"] else _write(plan, directory)
        return {
            "changed": False,
            "hash": plan["hash"],
            "procedure": plan["procedure"],
            "hosts": plan["hosts"],
            "jobs": {} if begun else _job_leaders(plan),
            "looks": looks,
            "finds": _finds(plan, hosts) if begun is None or replaces else {},
            "continues": begun["id"] if begun else None,
            "replaces": replaces,
            "accepted": accepted,
            "ask": ask,
            "command": _plan.approve_command(plan),
            **({"plan": plan, "conditions": conditions} if self._task.check_mode else {}),
            **paths,
        }

    def _keep(self, plan: dict[str, t.Any], store: Store) -> None:
        """Keep the plan in the run database; who may only read there still has its file."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        try:
            store.keep_plan(plan)
        except _runs.StoreError as error:
            self._display.warning(f"The plan is kept as a file only, so it cannot be approved elsewhere: {error}")

    def _wrong_options(self, said: _Said, arguments: dict[str, t.Any]) -> list[Condition]:
        """Return every wrong value for a role of this run, every task file that is not there."""
        from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import PROCEDURES

        roles = pathlib.Path(__file__).parents[2] / "roles"
        options: dict[str, t.Any] = {"landscape_hold_jobs": {"type": "bool"}}
        for kind in PROCEDURES[arguments["procedure"]]:
            if kind in _role_options.ROLES and kind not in arguments["step_tasks"]:
                options.update(_role_options.options_of(roles, *_role_options.ROLES[kind]))
        conditions = _role_options.defects(said, options)
        conditions += _half_of_the_jobs(said, arguments["step_tasks"])
        for kind, file in arguments["step_tasks"].items():
            if pathlib.Path(file).is_absolute() and not pathlib.Path(file).is_file():
                conditions.append(
                    {
                        "object": f"landscape_step_tasks.{kind}",
                        "unmet": f"there is no file {file}",
                        "remedy": "name a task file, or leave the step out.",
                    }
                )
        return conditions

    def _looks(
        self, plan: dict[str, t.Any], inside: list[str], store: Store | None, run: str | None = None
    ) -> dict[str, list[t.Mapping[str, t.Any]]]:
        """Return who looks at which instances outside the run, with what their hosts say of how they are asked.

        ``run`` is the one that goes on with this plan.
        """
        from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

        counted = store.out(besides=run) if store else ()
        rows = _plan.without_counted(plan["looks"], counted)
        said = _host_variables.of_hosts(self._task, sorted({row["host"] for row in rows}))
        for row in rows:
            row["said"] = {}
            for name in ASKED_BY & set(said[row["host"]]):
                with contextlib.suppress(AnsibleError):  # it cannot be asked then, which is told with its name
                    row["said"][name] = said[row["host"]][name]
        known = set(inside)
        return _plan.spread(rows, [host for host in plan["hosts"] if host in known])

    def _history(
        self, hosts: list[str], arguments: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> tuple[Store | None, dict[str, t.Any] | None]:
        """Open the run database for past durations, for the run to continue; check mode only looks at one."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        url, run, job = _controller.database_url(arguments["database"]), arguments["run"], _awx.job(task_vars)
        store = _runs.open_to_look(url) if self._task.check_mode else _runs.open_store(url)
        try:
            if job and job.relaunched and arguments["adopt"] and not run and not self._task.check_mode:
                run = _awx.adopted(
                    job,
                    store.unfinished() if store else (),
                    procedure=arguments["procedure"],
                    hosts=hosts,
                    limited=bool(context.CLIARGS.get("subset")),
                    approved=arguments["approved"],
                    arguments=self._said()[0],
                )
                self._display.display(f"AWX job {job.id} is a relaunch: it continues run {run}")
            if store is None and run:
                raise _runs.RunNotFound(run)
            return store, store.run(run) if store and run else None
        except _runs.RunNotFound:
            if store:
                store.close()
            raise _controller.NotPossible(f"There is no run '{run}' to continue in {url}.") from None
        except _controller.NotPossible:
            if store:
                store.close()
            raise

    def _options(self, arguments: dict[str, t.Any], of_hosts: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the options of the plan: those of the play with those of its hosts."""
        from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import KINDS

        names = (
            "batch_size",
            "failure_budget",
            "canary",
            "outside",
            "override",
            "ignore_windows",
            "patch_level",
            "step_seconds",
        )
        options = {name: arguments[name] for name in names if arguments[name]}
        options |= of_hosts
        ours = JOB_STEPS if of_hosts.get("hold_jobs") else ()
        unfilled = {kind for kind in SITE_STEPS if kind not in arguments["step_tasks"] and kind not in ours}
        options["forks"] = context.CLIARGS.get("forks") or 5
        meant = {*arguments["skip_steps"], *self._left_out_by_tags()}
        if meant & set(JOB_STEPS):
            options.pop("hold_jobs", None)  # who says so need not be warned
        options["skip_steps"] = sorted(meant | unfilled)
        unknown = sorted({*options["skip_steps"], *(set(arguments["step_tasks"]) - {"silence_look"})} - set(KINDS))
        if unknown:
            raise _controller.NotPossible(
                f"There is no step named {', '.join(unknown)}. Steps are: {', '.join(KINDS)}."
            )
        options["step_tasks"] = _files_of_steps(
            arguments["step_tasks"], arguments["procedure"], set(options["skip_steps"])
        )
        return options

    def _left_out_by_tags(self) -> set[str]:
        """Return the steps that --tags and --skip-tags leave out. Raises NotPossible for a half of a pair."""
        from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import ADMITTING, KINDS

        wanted = set(context.CLIARGS.get("tags") or ("all",)) - {"always"}
        left_out = set() if "all" in wanted or not wanted else set(KINDS) - wanted - ADMITTING
        left_out |= set(context.CLIARGS.get("skip_tags") or ()) - MOLECULES_OWN
        unknown = (wanted | left_out) - set(KINDS) - {"all"}
        if unknown:
            raise _controller.NotPossible(
                f"Tags name whole steps here, and there is no step {', '.join(sorted(unknown))}. Steps are: "
                f"{', '.join(KINDS)}."
            )
        for begin, end in (("stop", "start"), ("silence", "unsilence"), ("suspend_jobs", "release_jobs")):
            if end in left_out and begin not in left_out:
                raise _controller.NotPossible(
                    f"The tags would do '{begin}' without '{end}', and leave the systems so. Take both or "
                    "neither; to stop "
                    "without starting use the playbook basis.landscape.stop_landscape."
                )
        return left_out

    def _said(self) -> tuple[list[str], list[str]]:
        """Return the arguments that make ansible-playbook plan the same, with the extra variables that are not in them.

        Where the hosts come from, which of them, which steps, how many forks, what shapes the plan.
        """
        given = context.CLIARGS
        said: list[str] = []
        if tuple(given.get("inventory") or ()) != tuple(constants.DEFAULT_HOST_LIST):
            for source in given.get("inventory") or ():
                said += ["-i", str(source)]
        for option, everything in (("tags", {"all"}), ("skip_tags", set())):
            if set(given.get(option) or everything) != everything:
                said += [f"--{option.replace('_', '-')}", ",".join(given[option])]
        if given.get("subset"):
            said += ["--limit", str(given["subset"])]
        said += ["--forks", str(given.get("forks") or 5)]
        others = dict(load_extra_vars(self._loader))
        for name in sorted(SHAPING & set(others)):
            with contextlib.suppress(TypeError):  # encrypted in place: it stays among those that are not repeated
                said += ["-e", json.dumps({name: others[name]})]
                del others[name]
        return said, sorted(set(others) - OF_THIS_CALL)

    @staticmethod
    def _refuse_hosts(hosts: list[str], beside: list[str], task_vars: dict[str, t.Any]) -> None:
        """Raise NotPossible for hosts that would silently not be done: said so by name, or never walking."""
        if beside and (context.CLIARGS.get("subset") or "landscape_hosts" in task_vars):
            raise _controller.NotPossible(
                f"Selected, but no part of the landscape: {_some(beside)}. The inventory gives them no variable "
                "landscape_host. Add them to the CMDB, or leave them out of landscape_hosts and --limit."
            )
        if "localhost" in hosts:
            raise _controller.NotPossible(
                "A host of the landscape is called localhost, which is what Ansible calls the controller. Give it its "
                "own name in the inventory."
            )

    @staticmethod
    def _refuse_empty_limit(hosts: list[str], begun: dict[str, t.Any], run: str) -> None:
        """Raise NotPossible when no host of the run that is continued is selected."""
        if not set(hosts) & set(begun["hosts"]):
            raise _controller.NotPossible(
                f"None of the hosts of run {run} is selected by landscape_hosts and --limit, so it would only be "
                f"deferred. Its hosts are: {_some(begun['hosts'])}."
            )

    @staticmethod
    def _against_continuing(
        begun: dict[str, t.Any], landscape: dict[str, t.Any], standing: dict[str, set[str]]
    ) -> tuple[list[Condition], dict[str, t.Any] | None]:
        """Return how the landscape, or the code, is no longer what a run was planned for, with the plan of now.

        That is None when it cannot be planned now. Raises NotPossible for too few forks.
        """
        from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

        plan = begun["plan"]
        forks, needed = context.CLIARGS.get("forks") or 5, min(plan["options"].get("forks") or 0, len(plan["hosts"]))
        if forks < needed:
            raise _controller.NotPossible(
                f"The run began with more forks than the {forks} of now, and with fewer its hosts could wait "
                "for each other "
                f"for ever. Continue it with --forks {needed}."
            )
        name, accept = f"run {begun['id']}", f"or continue with the plan as it was: -e accept_plan={plan['hash']}"
        conditions: list[Condition] = []
        of_now = None
        if begun["code_hash"] != _controller.code_hash(pathlib.Path(__file__).parents[2]):
            conditions.append(
                {
                    "object": name,
                    "unmet": "the playbooks, roles or plugins of basis.landscape are no longer those it began with",
                    "remedy": f"install what it began with, {accept}",
                }
            )
        try:
            of_now = _plan.plan_again(plan, landscape, standing, datetime.datetime.now(datetime.UTC))
        except _plan.PlanRefused as refusal:
            conditions += [{**each, "remedy": f"{each['remedy']} {accept}"} for each in refusal.conditions]
        else:
            of_now |= {key: plan[key] for key in ("arguments", "not_repeated", "play_hosts") if key in plan}
            conditions += [
                {
                    "object": name,
                    "unmet": f"the landscape is no longer the one this run was planned for: {difference}",
                    "remedy": f"undo the change, {accept}, or with the plan of now: -e accept_plan={of_now['hash']}",
                }
                for difference in _plan.plan_difference(plan, of_now)
            ]
        return conditions, of_now


def _refusal(make: Callable[[], t.Any]) -> list[Condition]:
    """Return what a plan of now is refused for."""
    from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

    try:
        make()
    except _plan.PlanRefused as refusal:
        return refusal.conditions
    return []


def _given(approved: str | None, directory: pathlib.Path, store: Store | None) -> dict[str, t.Any] | None:
    """Return the plan that was approved: from its file, else from the run database; None when neither has it whole."""
    from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

    if not approved:
        return None

    def written() -> t.Any:
        try:
            return json.loads((directory / f"{approved}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # it was planned elsewhere, or by somebody else; it was cut off
            return None

    for find in (written, lambda: store.kept_plan(approved) if store else None):
        given = find()
        with contextlib.suppress(KeyError, TypeError, AttributeError):  # changed, or by another release
            if given is not None and _plan.plan_hash(given) == approved:
                return given
    return None


def _approved(
    make: Callable[..., dict[str, t.Any]], approved: str | None, given: dict[str, t.Any] | None
) -> dict[str, t.Any]:
    """Return the approved plan, made anew with its order and durations; without an approval the plan of now.

    Forks, durations and what was said about them may be others now: they are no part of what was approved. Raises
    PlanRefused with the differences from the plan that was ``given`` for approval, as far as it is known.
    """
    from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

    if given is not None:
        with contextlib.suppress(_plan.PlanRefused):  # what stands against a plan of now says it better
            plan = make(like=given)
            if plan["hash"] == approved:
                return plan
    plan = make()
    if not approved or plan["hash"] == approved:
        return plan
    differences = ["neither the plan directory nor the run database has it, so the difference cannot be shown"]
    if given is not None:
        differences = _plan.plan_difference(given, plan)
    raise _plan.PlanRefused(
        [
            {
                "object": f"plan {plan['hash'][:12]}",
                "unmet": f"it is not the plan that was approved ({approved[:12]}): {difference}",
                "remedy": f"have this plan approved: -e approved={plan['hash']}",
            }
            for difference in differences
        ]
    )


class _Landscape(t.Mapping[str, t.Mapping[str, t.Any]]):
    """The inventory's hosts with the variables that describe the landscape."""

    def __init__(self, hostvars: t.Any, names: list[str]) -> None:
        self._hostvars, self._names = hostvars, names

    def __getitem__(self, name: str) -> t.Mapping[str, t.Any]:
        return self._hostvars[name]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _of_hosts(said: _Said, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the options that hosts state in variables: how old a backup may be, where backups go."""
    if arguments["procedure"] in ("patch", "stop", "start"):
        options: dict[str, t.Any] = {}
        if arguments["procedure"] != "start":
            hours = {host: variables.get("landscape_require_backup_hours") for host, variables in said.items()}
            options["require_backup"] = {host: most for host, most in hours.items() if most}
            options["databases_down"] = {
                host: said[host].get("landscape_databases_down") or [] for host in options["require_backup"]
            }
        if not set(JOB_STEPS) & set(arguments["step_tasks"]):
            options["hold_jobs"] = _holding_jobs(said)
        return options
    parallel = arguments["parallel"]
    if not parallel:
        return {}
    storage = {host: str(variables.get("hana_backup_target") or "default") for host, variables in said.items()}
    limits = {target: parallel.get(target, parallel.get("default")) for target in set(storage.values())}
    return {"storage": storage, "parallel": {target: most for target, most in limits.items() if most is not None}}


def _holding_jobs(said: _Said) -> list[str]:
    """Return the hosts on which landscape_hold_jobs is true."""
    return [
        host for host, variables in said.items() if boolean(variables.get("landscape_hold_jobs", False), strict=False)
    ]


def _files_of_steps(step_tasks: dict[str, t.Any], procedure: str, left_out: set[str]) -> dict[str, str]:
    """Return the steps of a procedure that the site's task files do, each with what tells its file from another one.

    That is the hash of what stands in it, so that the same file elsewhere is the same; a path that only the run
    resolves stands for itself.
    """
    from ansible_collections.basis.landscape.plugins.plugin_utils._plan.steps import PROCEDURES

    done = set(PROCEDURES[procedure]) - left_out
    if done & {"silence", "unsilence"}:
        done.add("silence_look")
    found = {}
    for kind in sorted(done & set(step_tasks)):
        file = pathlib.Path(step_tasks[kind])
        found[kind] = str(file)
        if file.is_absolute() and file.is_file():
            found[kind] = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    return found


def _job_leaders(plan: dict[str, t.Any]) -> dict[str, list[dict[str, str]]]:
    """Return the hosts on which the role sap_jobs holds jobs back, each with the systems whose."""
    if not plan["options"].get("hold_jobs"):
        return {}
    found = {
        host: [
            {"system": step["system"], "sid": step["label"].partition("/")[0]}
            for step in walk
            if step["kind"] == "suspend_jobs" and step["system"]
        ]
        for host, walk in plan["steps"].items()
    }
    return {host: systems for host, systems in found.items() if systems}


def _finds(plan: dict[str, t.Any], inside: list[str]) -> dict[str, list[dict[str, t.Any]]]:
    """Return the hosts that are taken out of service, each with its instances: it may have others."""
    if plan["procedure"] not in ("patch", "stop"):
        return {}
    known = set(inside)
    found: dict[str, list[dict[str, t.Any]]] = {host: [] for host in plan["hosts"] if host in known}
    for record in plan["instances"].values():
        if record["host"] in found:
            found[record["host"]].append({"sid": record["sid"], "number": record["number"]})
    return found


def _asked_at_one_place(said: _Said, landscape: dict[str, t.Any]) -> list[Condition]:
    """Return the hosts that are asked where another one is: its answer would be taken for theirs.

    Instances of two hosts often have one SID, number and name, so nothing in the answer tells them apart.
    """
    numbers: dict[str, set[str]] = {}
    for record in landscape["instances"].values():
        numbers.setdefault(record["host"], set()).add(str(record.get("number")))
    first: dict[tuple[str, str], str] = {}
    conditions: list[Condition] = []
    for host, variables in said.items():
        url = None
        with contextlib.suppress(AnsibleError):  # it cannot be asked then, which is told with its name
            url = variables.get("sapcontrol_url")
        for number in sorted(numbers.get(host, ())) if url else ():
            other = first.setdefault((str(url).replace("{nr}", number), number if "{nr}" in str(url) else ""), host)
            if other != host:
                conditions.append(
                    {
                        "object": host,
                        "unmet": f"its instance {number} is asked at {str(url).replace('{nr}', number)}, where {other} "
                        "is asked, and would be taken for that one.",
                        "remedy": "give each host its own sapcontrol_url, such as "
                        "https://{{ ansible_host }}:5{nr}14, or none.",
                    }
                )
    return conditions


def _reached_at_one_place(said: _Said) -> list[Condition]:
    """Return the hosts that Ansible reaches where it reaches another one: what is done there is done once, not twice.

    SAP would be stopped for the one, found stopped for the other, which goes on running.
    """
    first: dict[tuple[str, ...], str] = {}
    conditions: list[Condition] = []
    for host, variables in said.items():
        try:
            connection = str(variables.get("ansible_connection") or context.CLIARGS.get("connection") or "ssh")
            shared = boolean(variables.get("landscape_shared_address", False), strict=False)
            address = str(variables.get("ansible_host") or variables.get("ansible_ssh_host") or host)
            port = str(variables.get("ansible_port") or variables.get("ansible_ssh_port") or 22)
            way = [
                str(variables.get(name) or "") for name in WAYS
            ]  # behind another gateway the same address is another
        except AnsibleError:  # it cannot be reached then, which is told with its name
            continue
        if shared or connection.rpartition(".")[2] == "local":
            continue
        other = first.setdefault((connection.rpartition(".")[2], address.lower(), port, *way), host)
        if other != host:
            conditions.append(
                {
                    "object": host,
                    "unmet": f"it is reached at {address}, port {port}, where {other} is reached, and would be taken "
                    "for that one.",
                    "remedy": "give each host its own ansible_host or ansible_port, or, where something in between "
                    "tells them apart, landscape_shared_address: true.",
                }
            )
    return conditions


def _half_of_the_jobs(said: _Said, step_tasks: dict[str, t.Any]) -> list[Condition]:
    """Return what stands against a task file of the site for one half of holding jobs back, beside ours."""
    given = set(JOB_STEPS) & set(step_tasks)
    if not given or not _holding_jobs(said):
        return []
    return [
        {
            "object": "landscape_hold_jobs",
            "unmet": f"it is true for a host, and landscape_step_tasks has its own {' and '.join(sorted(given))}",
            "remedy": "let one of them hold the jobs back.",
        }
    ]


def _refuse_what_stays_changed(
    plan: dict[str, t.Any], landscape: dict[str, t.Any], store: Store | None, run: str | None = None
) -> None:
    """Raise PlanRefused for each change that a stop run has left, which this run would not undo as it is meant.

    Silences are taken over by any run that ends them. Jobs are given back by the run that starts the system: another
    one would have to hold them back a second time, and could not tell whose are suspended by then. ``run`` is the one
    that goes on with this plan; what it has left itself is not in its own way.
    """
    from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

    records = [record for record in store.left_to_start() if record.run != run] if store else []
    if store is None or not records:
        return
    over = {(row["ci"], row["step"]) for row in store.steps(run) if row["state"] == "done"} if run else set()
    walked = {
        (step["kind"], step["system"] or host, step["instance"])
        for host, walk in plan["steps"].items()
        for step in walk
        if step["kind"] not in plan["options"]["skip_steps"] and (host, step["step"]) not in over
    }
    instances = landscape["instances"]
    starts = [instances[instance] for kind, _what, instance in walked if kind == "start"]
    back = {record["system"] for record in starts if record.get("kind") == "dialog"}
    back |= {record["host"] for record in starts}
    conditions: list[Condition] = []
    for record in records:
        what, end = record.key.partition(":")[2], _controller.UNDONE_BY[record.kind]
        again = record.kind == "suspend_jobs" and ("suspend_jobs", what, None) in walked
        if again or (what in back and (end, what, None) not in walked):
            conditions.append(
                {
                    "object": what,
                    "unmet": f"run {record.run}, which stopped it, left its {record.kind} to the run that starts it, "
                    + (
                        f"and this one would begin with {record.kind}" if again else f"and this one has no {end} for it"
                    ),
                    "remedy": f"{REMEDIES[record.kind]}; when it was undone by hand, say so: ansible-playbook "
                    f"basis.landscape.settle_run -e run={record.run} -e reason=<how>",
                }
            )
    if conditions:
        raise _plan.PlanRefused(conditions)


def _write(plan: dict[str, t.Any], directory: pathlib.Path) -> dict[str, str]:
    """Write the plan under its hash; return the paths."""
    from ansible_collections.basis.landscape.plugins.plugin_utils import _plan

    directory.mkdir(parents=True, exist_ok=True)
    paths = {}
    for kind, text in (("json", json.dumps(plan, indent=1, sort_keys=True)), ("html", _plan.render_html(plan))):
        path = directory / f"{plan['hash']}.{kind}"
        path.write_text(text, encoding="utf-8")
        paths[kind] = str(path)
    return paths


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _duration(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))


def _summary(plan: dict[str, t.Any]) -> list[str]:
    """Return the plan in words for a terminal: what a person must know before saying yes."""
    systems = [name for group in plan["groups"] for name in group["systems"]]
    lines = [
        f"{plan['procedure']}: {len(plan['hosts'])} hosts in {len(systems)} systems, predicted "
        f"{_duration(plan['makespan'])} "
        f"(lower bound {_duration(plan['lower_bound'])}), {plan['forks_needed']} forks needed at least",
    ]
    for group in plan["groups"]:
        window = group.get("window")
        words = f"  {group['name']}: {len(group['hosts'])} hosts, {_duration(group['seconds'])}"
        if group.get("canary"):
            words += ", canary"
        if window:
            words += f", window {window['opens']} to {window['closes']} ({window['source']})"
        if group.get("point_of_no_return"):
            words += f", point of no return {group['point_of_no_return']}"
        if group.get("turn_back_by"):
            words += f", turn back by {group['turn_back_by']}"
        lines.append(words)
    lines += [
        f"  {host}: nothing of its group is changed unless its databases have a full backup younger than {hours:g} h"
        for host, hours in plan["options"]["require_backup"].items()
        if any(step["kind"] == "check_backup" for step in plan["steps"].get(host, ()))
    ]
    lines += [f"  warning: {text}" for text in plan["warnings"]]
    lines += [f"  outside of this run: {text}" for text in plan["outside"]]
    lines.append(f"plan {plan['hash']}")
    return lines
