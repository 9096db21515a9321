# SPDX-License-Identifier: GPL-3.0-or-later
"""What every controller action refuses, with what it answers."""

from __future__ import annotations

import os
import pathlib
import types
import typing as t

import pytest
from ansible import context
from ansible.errors import AnsibleError
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.utils.context_objects import CLIArgs

from ansible_collections.basis.landscape.plugins.plugin_utils import _action, _controller, _runs
from tests.property import plans


class Tried(_action.ControllerAction):
    """An action whose work is what the test says."""

    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {"number": {"type": "int", "default": 1}}

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if "raises" in task_vars:
            raise task_vars["raises"]
        return {"changed": True, "arguments": arguments, "variables": task_vars}


def action(strategy: str = "host_pinned", **arguments: t.Any) -> Tried:
    play = Play.load({"hosts": "all", "strategy": strategy, "tasks": []})
    task = Task.load({"action": "ansible.builtin.debug"})
    task.args = arguments
    task.get_play = lambda: play
    shell = types.SimpleNamespace(tmpdir=None)
    connection = types.SimpleNamespace(_shell=shell)
    return Tried(task, connection, None, None, None, None)


@pytest.fixture(autouse=True)
def whole_playbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"start_at_task": None, "step": False}))
    monkeypatch.setenv(_controller.RECORDER_MARK, str(os.getpid()))
    for name in list(os.environ):
        if name.startswith(("AWX_", "TOWER_")):
            monkeypatch.delenv(name)


def test_the_work_gets_validated_arguments() -> None:
    assert action(number="7").run(task_vars={"a": 1}) == {
        "changed": True,
        "arguments": {"number": 7},
        "variables": {"a": 1},
    }
    assert action().run()["arguments"] == {"number": 1}


@pytest.mark.parametrize("arguments", [{"number": "many"}, {"else": 1}])
def test_other_arguments_are_refused(arguments: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleError):
        action(**arguments).run()


@pytest.mark.parametrize(
    "error",
    [
        _controller.NotPossible("not here"),
        _runs.StoreError("disk full"),
        _runs.Busy("somebody has it", run="r1"),
        _runs.Fenced("taken"),
        _runs.Orphaned("gone"),
        _runs.RunNotFound("r1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_refusal_is_a_failure_in_its_own_words(error: Exception) -> None:
    assert action().run(task_vars={"raises": error}) == {
        "failed": True,
        "changed": False,
        "msg": str(error),
        "kind": type(error).__name__,
    }


def test_a_mistake_of_ours_is_not_taken_for_a_refusal() -> None:
    with pytest.raises(ZeroDivisionError):
        action().run(task_vars={"raises": ZeroDivisionError()})


BATCHED = {"ansible_play_hosts_all": ["a", "b", "c"], "ansible_play_batch": ["a"], "ansible_play_hosts": ["a", "b"]}
ONE_BATCH = {
    "ansible_play_hosts_all": ["a", "b", "c"],
    "ansible_play_batch": ["b", "a"],
    "ansible_play_hosts": ["a", "b"],
}


@pytest.mark.parametrize("strategy", ["host_pinned", "ansible.builtin.host_pinned", "free", "ansible.builtin.free"])
def test_hosts_that_do_not_wait_for_each_other_may_wait_at_gates(strategy: str) -> None:
    asked = action(strategy)
    asked.require_gated_play({})
    asked.require_gated_play(ONE_BATCH)
    with pytest.raises(_controller.NotPossible, match=r"'serial'.*all 3 hosts are in one batch.*landscape_batch_size"):
        asked.require_gated_play(BATCHED)


@pytest.mark.parametrize("strategy", ["linear", "ansible.builtin.linear", "debug", "site.own.host_pinned_not"])
def test_another_strategy_is_refused_with_the_one_that_works(strategy: str) -> None:
    with pytest.raises(_controller.NotPossible, match=rf"'{strategy}'.*'strategy: ansible\.builtin\.host_pinned'"):
        action(strategy).require_gated_play(ONE_BATCH)


@pytest.mark.parametrize(
    ("option", "named"), [({"start_at_task": "stop"}, "--start-at-task"), ({"step": True}, "--step")]
)
def test_what_walks_past_gates_is_refused(
    monkeypatch: pytest.MonkeyPatch, option: dict[str, t.Any], named: str
) -> None:
    action().require_whole_playbook()
    monkeypatch.setattr(context, "CLIARGS", CLIArgs(option))
    with pytest.raises(_controller.NotPossible, match=f"^{named} would walk past gates"):
        action().require_whole_playbook()


def test_all_that_keeps_a_run_from_its_beginning_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    action().require_beginning("patch-1", {})
    action().require_beginning(None, {})
    monkeypatch.setenv(_controller.RECORDER_MARK, "1")
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"step": True}))
    with pytest.raises(_controller.NotPossible) as raised:
        action().require_beginning("../etc", {"awx_job_slice_count": 3})
    said = str(raised.value)
    for part in (
        "callbacks_enabled",
        "--step would walk past gates",
        "job template is sliced",
        "'../etc' cannot name a run",
    ):
        assert part in said
    with pytest.raises(_controller.NotPossible) as raised:
        action().require_beginning(None, {})
    assert "cannot name a run" not in str(raised.value)


def test_a_run_is_opened_with_a_line_to_its_sidecar(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    mark = _controller.RunMark(run="r1", epoch=1, database=url, fence=1, created=1.5, socket=str(tmp_path / "gone"))
    with_sidecar = Tried.open_run(mark)
    assert with_sidecar.told is not None
    with_sidecar.create("r1", plans.three_tiers(), procedure="patch", code_hash="c", params={}, created_by="tester")
    mark["socket"] = None
    without = Tried.open_run(mark)
    assert without.told is None and without.run("r1")["state"] == "planned"
    for store in (with_sidecar, without):
        store.close()
