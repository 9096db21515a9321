# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that does nothing but last: the step's simulated duration, in the worker that does it."""

from __future__ import annotations

import json
import os
import threading
import time
import typing as t

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Last as long as the table in BASIS_BENCH_SECONDS says for the label, and write down when."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Wait out the duration; nothing else happens on this host meanwhile."""
        super().run(tmp, task_vars)
        label = self._task.args["label"]
        with open(os.environ["BASIS_BENCH_SECONDS"], encoding="utf-8") as table:
            seconds = json.load(table)[label]
        began = time.time()
        threading.Event().wait(seconds)
        line = json.dumps({"label": label, "began": began, "ended": time.time()}) + "\n"
        journal = os.open(os.environ["BASIS_BENCH_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(journal, line.encode())
        finally:
            os.close(journal)
        return {"changed": True}
