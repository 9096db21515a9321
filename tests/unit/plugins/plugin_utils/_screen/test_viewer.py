# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer as a process: what it is told, what it draws, what does not end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

import ansible_collections
from ansible_collections.basis.landscape.plugins.plugin_utils._screen import viewer

PLAN = {
    "procedure": "patch",
    "makespan": 10.0,
    "options": {},
    "hosts": ["web"],
    "groups": [{"name": "PRD", "hosts": ["web"]}],
    "steps": {"web": [{"step": "patch", "kind": "patch", "seconds": 10.0, "label": "PRD/web/-/patch"}]},
}


class Viewer:
    """A viewer whose output is a pipe, as in a log of a job."""

    def __init__(self, folder: Path, encoding: str) -> None:
        self.plan = folder / "plan.json"
        self.plan.write_text(json.dumps(PLAN), encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", viewer.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(list(ansible_collections.__path__)[0]).parent),
                "PYTHONIOENCODING": encoding,
                "COLUMNS": "60",
            },
        )

    @property
    def said(self) -> IO[bytes]:
        assert self.process.stderr is not None
        return self.process.stderr

    def write(self, words: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words)
        self.process.stdin.flush()

    def tell(self, event: str, **more: Any) -> None:
        self.write(json.dumps({"event": event, **more}).encode() + b"\n")

    def begin(self) -> None:
        self.tell("begun", run="r1", plan=str(self.plan))

    def line(self, text: str) -> None:
        self.tell("line", text=text)

    def end(self) -> str:
        """End its input; all that it has still to say."""
        said, _nothing = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, said
        assert said is None or isinstance(said, bytes)
        return _nothing.decode()


@pytest.fixture
def seen(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Viewer]:
    started = Viewer(tmp_path, getattr(request, "param", "utf-8"))
    yield started
    started.process.kill()
    started.process.communicate()


def test_a_line_is_shown_as_it_is_whatever_it_looks_like(seen: Viewer) -> None:
    text = "TASK [bold]x[/bold] :rocket: " + "0123456789" * 9
    seen.line(text)
    assert seen.said.readline().decode() == text + "\n", "no markup, no emoji, not broken at the width"
    assert seen.end() == ""


def test_what_ends_the_whole_group_does_not_end_it(seen: Viewer) -> None:
    seen.line("first")
    assert seen.said.readline() == b"first\n"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        seen.process.send_signal(number)
        seen.line(f"after {number}")
        assert seen.said.readline() == f"after {number}\n".encode()
    seen.begin()
    assert "PRD" in seen.end(), "it draws to the end"


def test_a_message_may_come_in_pieces_in_the_middle_of_a_letter(seen: Viewer) -> None:
    words = json.dumps({"event": "line", "text": "für"}, ensure_ascii=False).encode()
    cut = words.index("ü".encode()) + 1
    seen.line("first")
    assert seen.said.readline() == b"first\n"
    seen.write(words[:cut])
    seen.write(words[cut:] + b'\n{"event": "line", "te')
    assert seen.said.readline().decode() == "für\n"
    seen.write(b'xt": "second"}\n')
    assert seen.said.readline() == b"second\n"
    assert seen.end() == ""


def test_half_a_message_at_the_end_is_nothing(seen: Viewer) -> None:
    """The controller was killed while it wrote."""
    seen.begin()
    seen.write(b'{"event": "line", "text": "ha')
    said = seen.end()
    assert "PRD" in said and "Traceback" not in said


def test_the_last_picture_shows_what_came_last(seen: Viewer) -> None:
    seen.begin()
    seen.tell("running", host="web", step="patch")
    seen.tell("dead", host="web", step="patch", state="failed", why="disk full on /usr")
    said = seen.end()
    assert "disk full on /usr" in said and "PRD/web/-/patch" in said
    assert "planned 10 s" in said and "left by the plan" not in said.splitlines()[-1], "it is over"


def test_what_happens_before_a_run_begins_is_no_error(seen: Viewer) -> None:
    seen.tell("running", host="web", step="patch")
    seen.line("a line")
    assert seen.end() == "a line\n", "there is nothing to draw"


@pytest.mark.parametrize(("seen", "ascii_only"), [("ascii", True), ("utf-8", False)], indirect=["seen"])
def test_a_terminal_without_unicode_gets_a_picture_without(seen: Viewer, ascii_only: bool) -> None:
    seen.begin()
    seen.tell("dead", host="web", step="patch", state="failed", why="x")
    said = seen.end()
    assert "PRD" in said and said.isascii() is ascii_only
    assert "\\u" not in said, "nor the numbers of what it cannot show"
