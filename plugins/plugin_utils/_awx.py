# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX tells a playbook about the job that plays it.

AWX gives every job a set of extra variables (``awx_meta_vars`` in its source), each under two prefixes: ``awx`` and
``tower``. Releases of the Automation Platform are about to leave the first one out.
"""

from __future__ import annotations

import dataclasses
import getpass
import json
import typing as t

from ansible_collections.basis.landscape.plugins.plugin_utils._controller import NotPossible

SHOWN = 8
"""So many runs are named in a refusal."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A job; ``template`` and ``inventory`` are the ids of its job template, of its inventory."""

    id: str
    template: str | None
    inventory: str | None
    relaunched: bool

    def as_params(self) -> dict[str, str | None]:
        """What a run remembers of the job that began it."""
        return {"job": self.id, "template": self.template, "inventory": self.inventory}


def job(variables: t.Mapping[str, t.Any]) -> Job | None:
    """Return the job that plays this playbook; None outside of AWX."""
    number = _said(variables, "job_id")
    if number is None:
        return None
    return Job(
        number,
        _said(variables, "job_template_id"),
        _said(variables, "inventory_id"),
        _said(variables, "job_launch_type") == "relaunch",
    )


def user(variables: t.Mapping[str, t.Any]) -> str:
    """Return who does this: the user of AWX who launched the job, else the one of the operating system."""
    return _said(variables, "user_name") or getpass.getuser()


def is_recorded(environment: t.Mapping[str, str]) -> bool:
    """Say whether ansible-runner, as in a job of AWX, records the output of this process, which looks like a terminal.

    It gives ansible-playbook a terminal of its own, wraps the stdout callback into its ``awx_display``, and says where
    it keeps the events (``prepare_env`` in its source).
    """
    return "AWX_ISOLATED_DATA_DIR" in environment or environment.get("ANSIBLE_STDOUT_CALLBACK") == "awx_display"


def slices(variables: t.Mapping[str, t.Any]) -> int:
    """Return into how many slices the job template is cut."""
    return int(_said(variables, "job_slice_count") or variables.get("ansible_job_slice_count") or 1)


def adopted(
    relaunch: Job,
    unfinished: t.Sequence[t.Mapping[str, t.Any]],
    *,
    procedure: str,
    hosts: t.Collection[str],
    limited: bool,
    approved: str | None,
    arguments: t.Sequence[str],
) -> str:
    """Return which of the unfinished runs a relaunched job continues.

    It is the one that a job of the same template began with the same inventory, procedure, hosts and variables; with a
    limit the hosts are some of those. ``arguments``: how the job calls ansible-playbook, as its plan would say. Raises
    NotPossible that lists the unfinished runs when it is none of them, or several.
    """
    against = {
        run["id"]: _difference(run, relaunch, procedure, set(hosts), limited, approved, _shaping(arguments))
        for run in unfinished
    }
    found = [run for run, why in against.items() if why is None]
    if len(found) == 1:
        return found[0]
    words = [
        f"- {run['id']} ({run['procedure']}, {run['state']}): {against[run['id']] or 'it could be this one'}"
        for run in unfinished
    ]
    if len(words) > SHOWN:
        words[SHOWN:] = [f"- {len(words) - SHOWN} more (ansible-playbook basis.landscape.show_run)"]
    which = "several unfinished runs could be" if found else "no unfinished run is"
    listed = ":\n" + "\n".join(words) + "\nTo continue one of them, launch" if words else ". To continue a run, launch"
    raise NotPossible(
        f"AWX job {relaunch.id} is a relaunch, and {which} the one that it continues{listed} the job template with the "
        "extra variable run (-e run=<id>). For a new run, launch the job template anew; a relaunch never begins one."
    )


def _difference(
    run: t.Mapping[str, t.Any],
    relaunch: Job,
    procedure: str,
    hosts: set[str],
    limited: bool,
    approved: str | None,
    shaping: dict[str, str],
) -> str | None:
    """Say why a run is not the one that a relaunched job continues; None when it is."""
    began = run["params"].get("awx")
    if not began:
        return "no job of AWX began it"
    if relaunch.template is None or began["template"] != relaunch.template:
        return f"job template {began['template']} began it, and this is {relaunch.template}"
    if began["inventory"] != relaunch.inventory:
        return f"it has inventory {began['inventory']}, and this is {relaunch.inventory}"
    if run["procedure"] != procedure:
        return f"this is {procedure}"
    planned = set(run["plan"].get("play_hosts") or run["plan"]["hosts"])
    if hosts != planned and not (limited and hosts < planned):
        apart = sorted(hosts ^ planned)
        return f"its hosts are others ({', '.join(apart[:3])}{' and more' * (len(apart) > 3)})"
    if approved and run["plan_hash"] != approved:
        return f"its plan is {run['plan_hash'][:12]}, and {approved[:12]} is approved"
    began_with = _shaping(run["plan"].get("arguments") or ())
    apart = sorted(name for name in {*began_with, *shaping} if began_with.get(name) != shaping.get(name))
    if apart:
        return f"it began with another value of {', '.join(apart)}"
    return None


def _shaping(arguments: t.Sequence[str]) -> dict[str, str]:
    """Return what shapes a plan among arguments of ansible-playbook, variables and tags, which a relaunch repeats."""
    found: dict[str, str] = {}
    for option, value in zip(arguments[::2], arguments[1::2], strict=True):
        if option == "-e":
            [(name, said)] = json.loads(value).items()
            found[name] = json.dumps(said, sort_keys=True)
        elif option in ("--tags", "--skip-tags"):
            found[option] = value
    return found


def _said(variables: t.Mapping[str, t.Any], name: str) -> str | None:
    for prefix in ("awx", "tower"):
        value = variables.get(f"{prefix}_{name}")
        if value not in (None, ""):
            return str(value)
    return None
