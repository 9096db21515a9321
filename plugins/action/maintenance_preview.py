# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows what the gates of a run would say if it began, or went on, now."""

from __future__ import annotations

import os
import typing as t

from ansible import context

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    """Ask every gate in a copy of the run database; fail where the run would be refused."""

    BYPASS_HOST_LOOP = True
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "plan": {"type": "dict", "required": True},
        "run": {"type": "str"},
        "continues": {"type": "bool", "default": False},
        "replaces": {"type": "bool", "default": False},
        "out": {"type": "dict", "default": {}},
        "down": {"type": "dict", "default": {}},
        "conditions": {"type": "list", "elements": "dict", "default": []},
        "force_by": {"type": "str"},
        "database": {"type": "str"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Look; nothing is written, also no database is made."""
        from ansible_collections.basis.landscape.plugins.plugin_utils import _runs
        from ansible_collections.basis.landscape.plugins.plugin_utils._runs import preview, preview_words

        plan, run = arguments["plan"], arguments["run"]
        self.require_beginning(run, task_vars)
        owner = _runs.Owner.current(pid=os.getppid())
        looked = _runs.open_to_look(_controller.database_url(arguments["database"]))
        try:
            if not arguments["continues"]:
                found = preview.of_new_run(looked, plan, run, owner, out=arguments["out"], down=arguments["down"])
            elif looked is None:
                raise _runs.RunNotFound(run)
            else:
                # The hosts that --limit leaves out; without it all of the run go on.
                inside = set(task_vars["ansible_play_hosts_all"])
                left_out = set(plan["hosts"]) - inside if context.CLIARGS.get("subset") else set()
                found = preview.of_continued_run(
                    looked,
                    run,
                    owner,
                    force_by=arguments["force_by"],
                    left_out=left_out,
                    revision=_runs.Revision("", "", [], plan, arguments["out"], arguments["down"])
                    if arguments["replaces"]
                    else None,
                )
        finally:
            if looked is not None:
                looked.close()
        found["refused"] += [f"{each['object']}: {each['unmet']}: {each['remedy']}" for each in arguments["conditions"]]
        found["text"] = preview_words.words(found)
        for line in found["text"]:
            self._display.display(line)
        found |= {"changed": False}
        if found["refused"]:
            found |= {"failed": True, "msg": "Without --check it would be refused: " + "\n".join(found["refused"])}
        return found
