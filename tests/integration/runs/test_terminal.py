# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a real terminal: a person answers there, sees the picture, interrupts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.runs.conftest import INSTANCE, Site

LINES, COLUMNS = 40, 160
QUESTION = "Type yes to begin"
# Who opens a terminal in a session that has none gets the signals of what is typed there.
ON_TERMINAL = "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); os.execv(sys.argv[1], sys.argv[1:])"
TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b[=>]|[\r\n\x07]|[^\x1b\r\n\x07]+")


class Terminal:
    """A terminal on which ansible-playbook runs, with what can be read on it."""

    def __init__(self, site: Site, *arguments: str, **options: Any) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        # Workers of pytest inherit the size of another terminal, which readline has put there.
        environment = {name: value for name, value in site.environment.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *site.command(*arguments, **options)],
            env={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            cwd=site.folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._bytes = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
            while data := os.read(self._master, 1 << 16):
                self._bytes += data

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    @property
    def lines(self) -> list[str]:
        """What stands on the terminal, with what has scrolled away above."""
        rows, row, column = [""], 0, 0
        for token in TOKEN.finditer(self._bytes.decode(errors="replace")):
            number, verb = token[1] or "", token[2]
            if verb == "A":
                row = max(0, row - int(number or 1))
            elif verb == "K":
                rows[row] = "" if number == "2" else rows[row][:column]
            elif token[0] == "\r":
                column = 0
            elif token[0] == "\n":
                row += 1
                rows += [""] * (row + 1 - len(rows))
            elif token[0][0] not in "\x1b\x07":
                rows[row] = rows[row][:column].ljust(column) + token[0] + rows[row][column + len(token[0]) :]
                column += len(token[0])
        return rows

    @property
    def text(self) -> str:
        """What can be read there."""
        return "\n".join(self.lines)

    @property
    def cursor(self) -> bool:
        """Whether the cursor is to be seen."""
        return self._bytes.rfind(b"\x1b[?25h") >= self._bytes.rfind(b"\x1b[?25l")

    @property
    def picture(self) -> list[str]:
        """The last picture with what stands below it."""
        lines = self.lines
        last = max(number for number, line in enumerate(lines) if line.startswith(" patch   r1 "))
        return [line.rstrip() for line in lines[last:]]

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        try:
            return self.process.wait(timeout=240)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"ansible-playbook did not end:\n{self.text}") from None
        finally:
            self._reader.join(timeout=10)
            os.close(self._master)


@pytest.fixture
def on_terminal(site: Site) -> Iterator[Callable[..., Terminal]]:
    """Calls ansible-playbook on a terminal; what a failed claim leaves running is ended."""
    with contextlib.ExitStack() as opened:

        def call(*arguments: str, **options: Any) -> Terminal:
            terminal = Terminal(site, *arguments, **options)
            opened.callback(terminal.process.kill)
            return terminal

        yield call


def runs(site: Site) -> list[Any]:
    """The runs in the run database."""
    with site.store() as store:
        return list(store.runs())


def test_a_run_that_a_person_lets_begin_and_watches(site: Site, on_terminal: Callable[..., Terminal]) -> None:
    for host in ("pair1", "pair2"):
        site.simulator.fault("fails_to_stop", instance=INSTANCE[host])
    terminal = on_terminal(run_name="r1", landscape_yes=False)
    site.until(lambda: QUESTION in terminal.text, why="the question is asked")
    assert not runs(site) and not site.effects()
    terminal.type("yes\r")
    assert terminal.end() == 2, terminal.text
    assert site.state() == "partial"
    # Whoever of the pair comes first fails; the other one is not let in then.
    one, two = (1, 2) if site.states()["pair1"]["admit"] == "done" else (2, 1)
    head, _bar, *picture = terminal.picture
    assert "✔ 3 through" in head and "✖ 1 failed" in head and "⏸ 1 deferred" in head, terminal.text
    systems = next(number for number, line in enumerate(picture) if line.startswith("systems "))
    assert picture[0].startswith(f"✖ {INSTANCE[f'pair{one}']}/stop") and "sapwebdisp GREEN" in picture[0], terminal.text
    assert picture[1].startswith(f"⏸ WP{two}/pair{two}/-/admit") and systems == 2, terminal.text
    rows = {line.split()[0]: line.split()[1:] for line in picture[systems + 2 : systems + 5]}
    assert rows == {
        "HDP+PRD+WDP": ["3", *"✔" * 6],
        f"WP{one}": ["1", "✔", "✖", "0/1", *"·" * 4],
        f"WP{two}": ["1", "⏸", "0/1", *"·" * 5],
    }, terminal.text
    assert "run r1: partial" in picture, "it stands under the picture"


def test_a_run_that_a_person_does_not_let_begin(site: Site, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(run_name="r1", landscape_yes=False)
    site.until(lambda: QUESTION in terminal.text, why="the question is asked")
    terminal.type("no\r")
    assert terminal.end() == 2, terminal.text
    assert "Nobody said yes to the plan, so nothing was begun." in terminal.text
    assert not runs(site) and not site.effects()


def test_ctrl_c_names_what_is_in_flight_and_stays_readable(site: Site, on_terminal: Callable[..., Terminal]) -> None:
    held = site.simulator.fault("stop_hangs", instance=INSTANCE["app"])
    options: dict[str, Any] = {"landscape_hosts": "web,app,db", "sap_stop_timeouts": {"web": 12, "app": 120, "db": 12}}
    options["os_patch_locked"] = ["unknown-*"]
    warning = re.compile(
        r"/(web|app|db)/-/patch: warning: locked, but no installed package has such a name: unknown-\*"
    )
    terminal = on_terminal(run_name="r1", **options)
    site.until_step("web", "patch", "done")
    site.until_step("app", "stop:PRD/app/D01")
    terminal.type("\x03")
    site.until(lambda: site.state() == "draining", why="the interrupt is recorded")
    site.simulator.clear(held)
    assert terminal.end() != 0
    assert site.state() == "interrupted" and site.states()["app"]["stop:PRD/app/D01"] == "done"
    assert ("stopping", "db") not in site.effects()
    assert "SIGINT: steps in flight are finished, no other begins. Once more to end at once." in terminal.text
    assert re.search(r"^  in flight for \d+ s: PRD/app/D01/stop$", terminal.text, re.MULTILINE), terminal.text
    assert terminal.text.count(" patch   r1 ") == 1, "one picture is left"
    assert set(warning.findall(terminal.text)) == {"web"}, "it stands above the picture"

    again = on_terminal(run="r1", **options)
    assert again.end() == 0, again.text
    assert site.state() == "succeeded" and site.everything_is_up()
    assert "✔ 3 through" in again.picture[0] and "100%" in again.picture[1], again.text
    assert len(warning.findall(again.text)) == 1 and re.search(
        r" 2 hosts: warning: .*\((app, db|db, app)\)", again.text
    )
    assert ["HDP+PRD+WDP", "3", *"✔" * 6] in [line.split() for line in again.picture]
    for host in ("web", "app", "db"):
        assert site.effects("stopped").count(("stopped", host)) == 1


def test_a_terminal_of_ansible_runner_gets_lines(site: Site, on_terminal: Callable[..., Terminal]) -> None:
    site.environment["AWX_ISOLATED_DATA_DIR"] = str(site.folder)
    terminal = on_terminal(run_name="down", playbook="stop_landscape", landscape_hosts="web")
    assert terminal.end() == 0, terminal.text
    assert "run down begins: 1 hosts" in terminal.text and " stop   down " not in terminal.text, terminal.text


def test_a_picture_that_is_killed_leaves_lines(site: Site, on_terminal: Callable[..., Terminal]) -> None:
    held = site.simulator.fault("stop_hangs", instance=INSTANCE["web"])
    options: dict[str, Any] = {"playbook": "stop_landscape", "landscape_hosts": "web"}
    terminal = on_terminal(run_name="down", sap_stop_timeouts={"web": 120}, **options)
    site.simulator.wait(deadline=90, effect="stopping", host="web")
    viewer = site.until(lambda: _viewer(terminal.process.pid), why="the viewer is there")
    os.kill(viewer, signal.SIGKILL)
    site.until(lambda: _viewer(terminal.process.pid) is None, why="it is gone")
    site.simulator.clear(held)
    assert terminal.end() == 0, terminal.text
    assert site.state("down") == "succeeded"
    assert "The live picture has ended. The run goes on, in lines." in terminal.text
    assert terminal.cursor, "the cursor that it hid is there again"
    assert "WDP/web/W20/stop done in " in terminal.text and "run down: succeeded" in terminal.text


def _viewer(process_id: int) -> int | None:
    """The process that draws for an ansible-playbook process."""
    for child in pathlib.Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split():
        with contextlib.suppress(OSError):  # a worker that has just ended
            if b"_screen.viewer" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return None
