# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python of simulated hosts: what it answers is what a Python of its own would have done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.env.host_python import HostPython
from tests.simulator.connection.simulated import ask_python as ask

PROGRAMS = {
    "nothing": "",
    "output": "print('äöü'); import sys; print('aside', file=sys.stderr)",
    "exit code": "import sys; sys.exit(3)",
    "words at the end": "import sys; sys.exit('no such file')",
    "nothing at the end": "import sys; sys.exit()",
    "work at the end": "import atexit; atexit.register(print, 'last'); print('first')",
    "main": "def main():\n    return __name__\nif __name__ == '__main__':\n    print(main())",
    "input": "import sys; print(repr(sys.stdin.read()), sys.argv)",
    "settings": "import os; print(os.getcwd(), sorted(os.environ.items()))",
    "child": "import subprocess; print(subprocess.run(['echo', 'x'], capture_output=True, check=True).stdout)",
    "child's output": "import subprocess; print(subprocess.run(['sh', '-c', 'echo x; exit 4']).returncode)",
    "unknown name": "print(nothing)",
    "not Python": "print(",
}


@pytest.fixture(scope="module")
def python() -> Iterator[HostPython]:
    with HostPython.start() as running:
        yield running


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_does_what_it_does_in_a_python_of_its_own(program: str, python: HostPython, tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "LC_CTYPE": "C.UTF-8", "COLOUR": "blue"}
    said = ask(python.environment["BASIS_HOST_PYTHON"], program, environment, str(tmp_path))
    alone = subprocess.run(
        [sys.executable, "-"], input=program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (said["code"], said["out"]) == (alone.returncode, alone.stdout)
    assert said["err"].splitlines()[-1:] == alone.stderr.splitlines()[-1:]


def test_programs_do_not_see_each_other(python: HostPython, tmp_path: Path) -> None:
    door = python.environment["BASIS_HOST_PYTHON"]
    program = "import json; print(getattr(json, 'mark', None)); json.mark = 1"
    answers: list[dict[str, Any]] = [ask(door, program, {}, str(tmp_path)) for _n in range(2)]
    assert [answer["out"] for answer in answers] == ["None\n", "None\n"]


def test_a_program_that_is_killed_is_a_failure(python: HostPython, tmp_path: Path) -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    said = ask(python.environment["BASIS_HOST_PYTHON"], program, {}, str(tmp_path))
    assert said["code"] == 255 and "without an answer" in said["err"], json.dumps(said)
