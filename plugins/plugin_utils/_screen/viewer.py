# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that draws the live picture: events come in on standard input, one JSON object a line.

It is a process of its own because ansible-playbook forks workers all the time, and a drawing thread beside forks asks
for locks that nobody releases.
"""

from __future__ import annotations

import json
import os
import pathlib
import select
import signal
import sys
import time

try:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text
except ImportError:  # the callback starts this process only where rich is installed
    pass

from ansible_collections.basis.landscape.plugins.plugin_utils._screen.model import Screen, apply
from ansible_collections.basis.landscape.plugins.plugin_utils._screen.view import render


def main() -> None:
    """Draw until standard input ends."""
    # What ends the whole group is for ansible-playbook, which goes on telling what is in flight, then ends the input.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    console = Console(file=sys.stderr if not sys.stdout.isatty() else sys.stdout)
    ascii_only = "utf" not in (console.encoding or "").lower()
    source = sys.stdin.fileno()
    os.set_blocking(source, False)
    buffered, screen, open_ = b"", None, True
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while open_:
            if select.select([source], [], [], 0.25)[0]:
                data = os.read(source, 1 << 16)
                open_ = bool(data)
                buffered += data
            *lines, buffered = buffered.split(b"\n")
            for line in lines:
                event = json.loads(line)
                if event["event"] == "begun":
                    plan = json.loads(pathlib.Path(event["plan"]).read_text(encoding="utf-8"))
                    screen = Screen.of_plan(event["run"], plan, time.monotonic())
                elif event["event"] == "line":
                    live.console.print(Text.from_ansi(event["text"]), soft_wrap=True)
                elif screen is not None:
                    apply(screen, event, time.monotonic())
            if screen is not None:
                screen.ended = not open_
                live.update(render(screen, time.monotonic(), console.size.height, ascii_only=ascii_only), refresh=True)


if __name__ == "__main__":
    main()
