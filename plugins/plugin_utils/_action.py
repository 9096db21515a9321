# SPDX-License-Identifier: GPL-3.0-or-later
"""What this collection's controller actions have in common."""

from __future__ import annotations

import typing as t

from ansible import context
from ansible.plugins.action import ActionBase

from ansible_collections.basis.landscape.plugins.plugin_utils import _awx, _controller

if t.TYPE_CHECKING:
    from ansible_collections.basis.landscape.plugins.plugin_utils._runs.store import Store


class ControllerAction(ActionBase):
    """An action that runs on the controller alone: no connection, no file transfer, one answer for every failure.

    A subclass gives ``ARGUMENTS`` (an argument spec) and ``work``.
    """

    TRANSFERS_FILES = False
    _requires_connection = False
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate the arguments, do the work, and turn a refusal into ``failed`` with its text."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs

        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=self.ARGUMENTS)
        try:
            return self.work(arguments, task_vars or {})
        except (_controller.NotPossible, _runs.StoreError, _runs.Busy, _runs.Fenced, _runs.RunNotFound) as error:
            return {"failed": True, "changed": False, "msg": str(error), "kind": type(error).__name__}

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Do the action's work; return an Ansible result."""
        raise NotImplementedError

    @staticmethod
    def open_run(mark: _controller.RunMark) -> Store:
        """Open the run's database; its sidecar hears of every write at once, and wakes whom it concerns."""
        from ansible_collections.basis.landscape.plugins.plugin_utils._runs import open_store, wake

        return wake.attach(open_store(mark["database"]), mark["socket"])

    def require_gated_play(self, task_vars: dict[str, t.Any]) -> None:
        """Refuse plays in which a gate would wait for ever: batches, or another strategy.

        Raises NotPossible with what would make it possible.
        """
        play = self._task.get_play()
        if str(play.strategy).rsplit(".", maxsplit=1)[-1] not in ("host_pinned", "free"):
            raise _controller.NotPossible(
                f"The play uses the strategy '{play.strategy}', in which hosts wait for each other between "
                "tasks, so a gate "
                "would wait for ever. Set 'strategy: ansible.builtin.host_pinned' in the play."
            )
        everybody = set(task_vars.get("ansible_play_hosts_all", ()))
        if set(task_vars.get("ansible_play_batch", ())) != set(task_vars.get("ansible_play_hosts", ())):
            raise _controller.NotPossible(
                "The play works in batches ('serial'), and a gate that waits for a host of a later batch "
                "would wait for ever. "
                f"Remove 'serial' so that all {len(everybody)} hosts are in one batch; limit how many systems are in "
                "maintenance at once with landscape_batch_size."
            )

    def require_beginning(self, name: str | None, task_vars: dict[str, t.Any]) -> None:
        """Refuse a process in which no run called ``name`` can begin or go on. Raises NotPossible with all reasons."""
        unmet = []
        for required in (_controller.require_recorder, self.require_whole_playbook):
            try:
                required()
            except _controller.NotPossible as error:
                unmet.append(str(error))
        if name is not None and not _controller.valid_run_name(name):
            unmet.append(
                f"'{name}' cannot name a run: letters, digits, dot, hyphen and underscore, beginning with a "
                "letter or digit, 63 at most."
            )
        if _awx.slices(task_vars) > 1:
            unmet.append(
                "The AWX job template is sliced, and a slice's inventory lacks CIs that the plan needs. Set "
                "job slicing to 1."
            )
        if unmet:
            raise _controller.NotPossible("\n".join(unmet))

    def require_whole_playbook(self) -> None:
        """Refuse ``--start-at-task`` and ``--step``: they walk past gates. Raises NotPossible."""
        for option in ("start_at_task", "step"):
            if context.CLIARGS.get(option):
                raise _controller.NotPossible(
                    f"--{option.replace('_', '-')} would walk past gates. Continue an interrupted run with -e "
                    "run=<id>; "
                    "leave steps out with landscape_skip_steps."
                )
