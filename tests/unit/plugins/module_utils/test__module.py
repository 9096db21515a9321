# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to Ansible, by a small module in a process of its own: what it prints on success, failure, in check mode."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MODULE = """
import json, sys
from ansible.module_utils import basic

basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.loads(sys.argv[1])}).encode()
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.basis.landscape.plugins.module_utils._argspec import ArgumentSpec, fence_spec
from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied
from ansible_collections.basis.landscape.plugins.module_utils._module import run_operation
from ansible_collections.basis.landscape.plugins.module_utils._operation import Action, Operation


class File(Operation):
    def __init__(self, path):
        self.path = path

    def look(self):
        try:
            return open(self.path).read()
        except FileNotFoundError:
            return ""

    def plan(self, state):
        return [] if state == "on" else [Action("Write", "write the file", self.write, self.look)]

    def describe(self, state):
        return {"content": state}

    def write(self):
        if "forbidden" in self.path:
            raise Denied("write the file", "nobody may", reason="forbidden")
        with open(self.path, "w") as stream:
            stream.write("on")

    def warnings(self):
        return ["mind the step"]


spec = ArgumentSpec({"path": {"type": "str", "required": True}}).merge(fence_spec())
run_operation(spec, lambda context: File(context.params["path"]))
"""


def run(**arguments: Any) -> dict[str, Any]:
    """The module's answer; its exit code is 1 exactly when it says that it failed."""
    paths = [path for path in sys.path if path]
    done = subprocess.run(
        [sys.executable, "-c", MODULE, json.dumps(arguments)],
        env={"PYTHONPATH": ":".join(paths), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 1) is bool(answer.get("failed")), done.stderr
    return answer


def texts(warnings: list[Any]) -> str:
    return json.dumps(warnings)


def test_a_change(tmp_path: Path) -> None:
    answer = run(path=str(tmp_path / "file"))
    assert answer["changed"] is True
    assert (answer["before"], answer["after"]) == ({"content": ""}, {"content": "on"})
    assert "diff" not in answer
    assert "mind the step" in texts(answer["warnings"])
    assert run(path=str(tmp_path / "file"))["changed"] is False


def test_diff_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    answer = run(path=str(tmp_path / "file"), _ansible_diff=True)
    assert answer["diff"]["after"] == "content: on\nwrite the file\n"


def test_check_mode_neither_writes_nor_locks(tmp_path: Path) -> None:
    fence = {"epoch": 1, "ci": "PRD/h/D01", "directory": str(tmp_path / "fence")}
    answer = run(path=str(tmp_path / "file"), fence=fence, _ansible_check_mode=True)
    assert answer["changed"] is True
    assert list(tmp_path.iterdir()) == []


def test_the_fence_is_raised_before_the_first_look(tmp_path: Path) -> None:
    fence = {"epoch": 5, "ci": "PRD/h/D01", "directory": str(tmp_path / "fence")}
    run(path=str(tmp_path / "file"), fence=fence)
    (tmp_path / "file").unlink()
    answer = run(path=str(tmp_path / "file"), fence={**fence, "epoch": 4})
    assert answer["failed"] is True
    assert answer["error"]["reason"] == "fenced"
    assert "before" not in answer
    assert not (tmp_path / "file").exists()


def test_an_error_is_told_once_as_words_and_as_data(tmp_path: Path) -> None:
    answer = run(path=str(tmp_path / "forbidden"))
    assert answer["msg"] == "Could not write the file: nobody may"
    assert answer["error"]["kind"] == "denied"
    assert answer["error"]["reason"] == "forbidden"
    assert answer["changed"] is False
    assert answer["before"] == {"content": ""}
    assert answer["steps"] == [{"name": "Write", "words": "write the file", "outcome": "failed", "why": "nobody may"}]


@pytest.mark.parametrize("epoch", [0, -1])
def test_an_epoch_that_is_none(tmp_path: Path, epoch: int) -> None:
    fence = {"epoch": epoch, "ci": "PRD/h/D01", "directory": str(tmp_path)}
    assert run(path=str(tmp_path / "file"), fence=fence)["error"]["reason"] == "bad_input"
