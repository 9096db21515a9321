# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about jobs of AWX and the runs that a relaunch continues."""

from __future__ import annotations

import getpass
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _awx, _controller

RELAUNCH = _awx.Job("42", "7", "3", True)
HASH = "5d41c0" * 10
AS_BEFORE = ["-i", "cmdb.yml", "--tags", "stop", "--forks", "5", "-e", '{"landscape_batch_size": 4}']
PLAN = {"play_hosts": ["app", "db"], "arguments": [*AS_BEFORE[2:], "--limit", "all"]}


def run(name: str = "awx-41", **other: Any) -> dict[str, Any]:
    """An unfinished run that a job of the same template began."""
    began = {"params": {"awx": {"job": "41", "template": "7", "inventory": "3"}}, "plan": PLAN}
    return {"id": name, "procedure": "patch", "state": "lost", "plan_hash": HASH, **began, **other}


def adopted(*runs: dict[str, Any], relaunch: _awx.Job = RELAUNCH, **other: Any) -> str:
    """The run that the job continues."""
    asked = {
        "procedure": "patch",
        "hosts": ["db", "app"],
        "limited": False,
        "approved": None,
        "arguments": AS_BEFORE,
        **other,
    }
    return _awx.adopted(relaunch, runs, **asked)


@pytest.mark.parametrize("prefix", ["awx", "tower"])
def test_a_job_by_either_prefix(prefix: str) -> None:
    said = {"job_id": 42, "job_template_id": 7, "inventory_id": 3, "job_launch_type": "relaunch", "user_name": "jdoe"}
    variables = {f"{prefix}_{name}": value for name, value in said.items()}
    assert _awx.job(variables) == RELAUNCH and _awx.user(variables) == "jdoe"
    assert RELAUNCH.as_params() == {"job": "42", "template": "7", "inventory": "3"}
    scheduled = _awx.job({**variables, f"{prefix}_job_launch_type": "scheduled"})
    assert scheduled is not None and not scheduled.relaunched


def test_outside_of_awx() -> None:
    assert _awx.job({}) is None and _awx.user({}) == getpass.getuser() and _awx.slices({}) == 1


def test_what_ansible_runner_records() -> None:
    assert _awx.is_recorded({"AWX_ISOLATED_DATA_DIR": "/runner/artifacts/42"})
    assert _awx.is_recorded({"ANSIBLE_STDOUT_CALLBACK": "awx_display"})
    assert not _awx.is_recorded({"ANSIBLE_STDOUT_CALLBACK": "basis.landscape.landscape", "JOB_ID": "of Jenkins"})


def test_slices() -> None:
    assert _awx.slices({"tower_job_slice_count": "2"}) == _awx.slices({"ansible_job_slice_count": 2}) == 2


def test_what_is_continued() -> None:
    assert adopted(run()) == "awx-41"
    assert adopted(run(), approved=HASH) == "awx-41"
    assert adopted(run(), hosts=["db"], limited=True) == "awx-41"
    assert adopted(run("r1", params={}), run("r2", procedure="stop"), run()) == "awx-41"


@pytest.mark.parametrize(
    ("other", "asked", "words"),
    [
        ({"params": {"forks": 5}}, {}, r"awx-41 \(patch, lost\): no job of AWX began it"),
        ({"params": {"awx": {"template": "8", "inventory": "3"}}}, {}, "job template 8 began it, and this is 7"),
        ({"params": {"awx": {"template": "7", "inventory": "4"}}}, {}, "it has inventory 4, and this is 3"),
        ({}, {"relaunch": _awx.Job("42", None, "3", True)}, "job template 7 began it, and this is None"),
        (
            {"params": {"awx": {"template": None, "inventory": "3"}}},
            {"relaunch": _awx.Job("42", None, "3", True)},
            "None",
        ),
        ({}, {"procedure": "stop"}, "this is stop"),
        ({}, {"hosts": ["db"]}, r"its hosts are others \(app\)"),
        ({}, {"hosts": ["db", "x1", "x2", "x3"], "limited": True}, r"others \(app, x1, x2 and more\)"),
        (
            {},
            {"arguments": ["-e", '{"landscape_batch_size": 4}', "-e", '{"landscape_skip_steps": ["patch"]}']},
            "it began with another value of --tags, landscape_skip_steps",
        ),
        ({}, {"approved": "0" * 64}, "its plan is 5d41c05d41c0, and 000000000000 is approved"),
    ],
)
def test_what_is_not(other: dict[str, Any], asked: dict[str, Any], words: str) -> None:
    with pytest.raises(_controller.NotPossible, match=f"(?s)no unfinished run is the one.*{words}.*-e run=<id>"):
        adopted(run(**other), **asked)


def test_none_is_refused_with_what_to_do() -> None:
    with pytest.raises(_controller.NotPossible, match="no unfinished run is the one.*launch the job template anew"):
        adopted()


def test_several_are_refused_and_listed() -> None:
    with pytest.raises(_controller.NotPossible, match="several") as refused:
        adopted(*(run(f"awx-{n}") for n in range(20)))
    lines = str(refused.value).splitlines()
    assert lines[1] == "- awx-0 (patch, lost): it could be this one" and lines[9].startswith("- 12 more (")
