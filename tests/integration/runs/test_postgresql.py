# SPDX-License-Identifier: GPL-3.0-or-later
"""The same run with its database on PostgreSQL."""

from __future__ import annotations

import re
import signal

from tests import postgres
from tests.integration.runs.conftest import INSTANCE, Site, kill


def test_killed_at_a_stop_then_at_a_start_and_continued_on_postgresql(site: Site) -> None:
    server = postgres.require()
    url = server.database()
    try:
        site.environment["BASIS_LANDSCAPE_DATABASE"] = url
        server.move_clock(url, 3600)
        refused = site.play(run_name="r1", landscape_hosts="web,app,db")
        assert refused.code == 2, refused.output
        assert "No run begins or goes on while the clock of the run database says" in _words(refused.output)
        with site.store() as store:
            assert not store.runs()
        server.move_clock(url, 200)
        site.simulator.fault("slow", host="app", operation="Stop", seconds=3)
        process = site.begin(run_name="r1", landscape_hosts="web,app,db")
        site.until(lambda: site.calls("Stop", "app"), why="Stop was sent to app")
        kill(process, signal.SIGKILL)
        site.end(process)
        site.until(lambda: site.state() == "lost", deadline=30, why="the sidecar marks the run as lost")
        site.simulator.fault("slow", host="db", operation="Start", seconds=3)
        process = site.begin(run="r1")
        site.until(lambda: site.calls("Start", "db"), why="Start was sent to db")
        kill(process, signal.SIGKILL)
        site.end(process)
        site.until(lambda: site.state() == "lost", deadline=30, why="the sidecar marks the run as lost again")
        again = site.play(run="r1")
        assert again.code == 0, again.output
        assert re.search(r"\b(200|19\d) seconds apart", _words(again.output)), again.output
        assert site.state() == "succeeded" and site.everything_is_up()
        for host in ("web", "app", "db"):
            for effect in ("stopped", "patched", "reboot_requested", "started"):
                assert site.effects(effect).count((effect, host)) == 1
        assert not (site.folder / "state" / "runs.db").exists()
        assert site.calls("Stop", "app") == site.calls("Start", "db") == 1 and INSTANCE["app"] in again.output
    finally:
        server.drop(url)


def _words(text: str) -> str:
    """A text without the places where Ansible breaks its lines."""
    return " ".join(text.split())
