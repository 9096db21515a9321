# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal ends a process also where Python lets no exception out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _interruption

PROGRAM = """
import importlib.util, os, select, signal, sys, threading, weakref

spec = importlib.util.spec_from_file_location("interruption", {module!r})
interruption = importlib.util.module_from_spec(spec)
spec.loader.exec_module(interruption)
signal.signal(signal.SIGTERM, lambda number, frame: interruption.end_at_once())


class Thing:
    pass


class Finalized:
    def __del__(self):
        meet()


def meet():
    times.append(1)
    os.kill(os.getpid(), signal.SIGTERM)  # the handler runs here
    raise SystemExit("the signal did not raise")


times = []
place = {place!r}
try:
    if place == "plain":
        meet()
    elif place == "fork":
        os.register_at_fork(after_in_parent=meet)
        if os.fork() == 0:
            os._exit(0)
    elif place == "finalizer":
        Finalized()
    else:
        thing = Thing()
        kept = weakref.ref(thing, lambda reference: meet())
        del thing
    if place != "plain":
        select.select([], [], [], 60)  # as Ansible does that waits for its workers
    print("nothing came")
except KeyboardInterrupt:
    print("interrupted", len(times))
"""


@pytest.mark.parametrize("place", ["plain", "fork", "finalizer", "weak reference"])
def test_the_interruption_comes_out(place: str) -> None:
    program = PROGRAM.format(module=_interruption.__file__, place=place)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout == "interrupted 1\n", done.stdout + done.stderr
    assert done.stderr == "" and done.returncode == 0
