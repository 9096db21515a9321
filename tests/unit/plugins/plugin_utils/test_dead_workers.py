# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that is killed makes its host unreachable; the play goes on, with this release of ansible-core."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _dead_workers

CALLBACK = '''
DOCUMENTATION = """
name: watching
type: notification
short_description: Watches workers
description: Watches workers.
"""
from ansible.plugins.callback import CallbackBase
from ansible_collections.basis.landscape.plugins.plugin_utils import _dead_workers


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "watching"

    def v2_playbook_on_start(self, playbook):
        _dead_workers.watch()
'''
ACTION = """
import os, signal
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        if task_vars["inventory_hostname"] == "b":
            os.kill(os.getpid(), signal.SIGKILL)
        return {"changed": False}
"""
PLAYBOOK = """
- hosts: all
  gather_facts: false
  strategy: ansible.builtin.{strategy}
  tasks:
    - dies:
    - ansible.builtin.debug:
        msg: went on
"""


@pytest.mark.parametrize("strategy", ["host_pinned", "free"])
def test_killed_worker_is_an_unreachable_host(tmp_path: pathlib.Path, strategy: str) -> None:
    for folder, name, text in (("callback", "watching", CALLBACK), ("action", "dies", ACTION)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.py").write_text(textwrap.dedent(text))
    (tmp_path / "play.yml").write_text(PLAYBOOK.format(strategy=strategy))
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(tmp_path / "callback"),
        "ANSIBLE_ACTION_PLUGINS": str(tmp_path / "action"),
        "ANSIBLE_CALLBACKS_ENABLED": "watching",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_COLLECTIONS_PATH": str(pathlib.Path(__file__).parents[4] / ".cache" / "collections"),
    }
    command = [
        str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        "a,b,c,",
        "-c",
        "local",
        str(tmp_path / "play.yml"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "fatal: [b]: UNREACHABLE!" in done.stdout and "killed by SIGKILL" in done.stdout
    assert done.stdout.count("went on") == 2


class NextWorker:
    """What a worker of a later ansible-core may be like: its queue has another name."""

    def __init__(self, host: object, task: object, results: object) -> None:
        self._host, self._task, self._results = host, task, results


def test_what_a_release_of_ansible_core_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _dead_workers.missing() == []
    before = signal.getsignal(signal.SIGCHLD)
    monkeypatch.setattr(_dead_workers, "WorkerProcess", NextWorker)
    assert _dead_workers.watch() == ["WorkerProcess._final_q"]
    assert signal.getsignal(signal.SIGCHLD) is before
