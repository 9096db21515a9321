# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Pythons the machine has, with the virtual environment made from each."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DEMO = ["requirements.txt"]
TESTS = [*DEMO, "tests/requirements/test.txt"]
EVERYTHING = [*TESTS, "tests/requirements/lint.txt"]
IMPORTER = ["tests/requirements/importer.txt"]
OLDEST = (3, 11)
FOLDERS = {"oldest": ".venv", "newest": ".venv-newest", "importer": ".cache/venv-importer"}
OLDEST_CORE = "ansible-core == 2.19.*"
OLDEST_CORE_PYTHONS = ((3, 11), (3, 13))  # the Pythons that ansible-core 2.19 supports as a controller


class NoPython(Exception):
    """No virtual environment can be made; the words say what is missing."""


@dataclass(frozen=True)
class Python:
    """An interpreter by its real path (never a version manager's shim)."""

    version: tuple[int, int]
    path: str
    has_venv: bool


def _ask(candidate: str) -> Python | None:
    program = (
        "import os, sys, importlib.util as u; print(sys.version_info[0], sys.version_info[1],"
        " int(all(map(u.find_spec, ('venv', 'ensurepip')))),"
        " os.path.realpath(getattr(sys, '_base_executable', sys.executable)))"
    )
    try:
        answer = subprocess.run([candidate, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode:
        return None
    major, minor, has_venv, path = answer.stdout.strip().split(" ", 3)
    return Python((int(major), int(minor)), path, has_venv == "1")


def found() -> list[Python]:
    """Every Python that is new enough, oldest first; of two with one version the one that can make environments."""
    names = ["python3", *(f"python3.{minor}" for minor in range(OLDEST[1], 20))]
    candidates = [path for name in names if (path := shutil.which(name))]
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for pattern in (
        f"{pyenv}/versions/3.*/bin/python3",
        "/usr/bin/python3.??",
        "/usr/local/bin/python3.??",
        "/opt/python*/bin/python3",
    ):
        candidates += sorted(glob.glob(pattern))
    known = {
        python.path: python for candidate in dict.fromkeys([sys.executable, *candidates]) if (python := _ask(candidate))
    }
    best: dict[tuple[int, int], Python] = {}
    for python in known.values():
        if python.version >= OLDEST and (python.version not in best or python.has_venv > best[python.version].has_venv):
            best[python.version] = python
    return [best[version] for version in sorted(best)]


def _pick(which: str) -> Python:
    pythons = found()
    able = [python for python in pythons if python.has_venv]
    if not able and pythons and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "-qq", "update"], check=False)
        subprocess.run(["apt-get", "-qq", "install", "-y", "--no-install-recommends", "python3-venv"], check=False)
        able = [python for python in found() if python.has_venv]
    if not able:
        raise NoPython(
            "No Python 3.11 or newer with the modules venv and ensurepip. On Debian: apt-get install python3-venv"
        )
    return able[-1] if which == "newest" else able[0]


def _complete(folder: Path, interpreter: Path) -> bool:
    """Whether the making of an environment came to its end; a stamp proves it, else pip, which comes last."""
    stamped = any(folder.glob("*.installed"))
    return (
        stamped
        or subprocess.run([str(interpreter), "-c", "import pip"], capture_output=True, check=False).returncode == 0
    )


def _constraints(which: str, version: tuple[int, int]) -> list[str]:
    low, high = OLDEST_CORE_PYTHONS
    return [OLDEST_CORE] if which == "oldest" and low <= version <= high else []


def ensure(root: Path, which: str, requirements: list[str]) -> Path:
    """Make or complete the environment *which*, a key of ``FOLDERS``.

    Oldest and newest are pairs of Python and ansible-core.

    A stamp holds the hash of what was installed, so a second call costs a few milliseconds. Returns its Python.
    Raises NoPython.
    """
    folder = root / FOLDERS[which]
    interpreter = folder / "bin" / "python"
    cache = root / ".cache"
    cache.mkdir(exist_ok=True)
    with open(cache / f"{which}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        present = _ask(str(interpreter)) if interpreter.exists() else None
        if present is None or present.version < OLDEST or not _complete(folder, interpreter):
            shutil.rmtree(folder, ignore_errors=True)
            present = _pick(which)
            print(f"Making {folder.name} with Python {present.version[0]}.{present.version[1]}", flush=True)
            subprocess.run([present.path, "-m", "venv", str(folder)], check=True)
        words = _constraints(which, present.version)
        for name in requirements:
            text = "\n".join([name, *words, (root / name).read_text(encoding="utf-8")])
            stem = name.replace("/", "-")
            stamp = folder / f"{stem}.{hashlib.sha256(text.encode()).hexdigest()[:16]}.installed"
            if not stamp.exists():
                _install(root, interpreter, name, words)
                for old in folder.glob(f"{stem}.*.installed"):
                    old.unlink()
                stamp.touch()
    return interpreter


def pair(interpreter: Path) -> tuple[str, str]:
    """The versions of Python and of ansible-core in an environment of ``ensure``."""
    program = "import sys, importlib.metadata as m; print('{}.{}'.format(*sys.version_info), m.version('ansible-core'))"
    answer = subprocess.run([str(interpreter), "-c", program], capture_output=True, text=True, check=True).stdout
    python, core = answer.split()
    return python, core


def alike(oldest: tuple[str, str], newest: tuple[str, str]) -> str:
    """One line that says what two pairs have in common that should differ; empty when they have different Pythons."""
    (python, core), (other, later) = oldest, newest
    if python != other:
        return ""
    if core == later:
        return (
            f"The oldest and the newest pair are the same here: Python {python} with ansible-core {core}. "
            "A second Python would make them two."
        )
    return f"The oldest and the newest pair have the same Python here, {python}, with ansible-core {core} and {later}."


def _install(root: Path, interpreter: Path, name: str, words: list[str]) -> None:
    print(f"Installing {name} into {interpreter.parents[1].name}", flush=True)
    command = [
        str(interpreter),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *words,
        "-r",
        str(root / name),
    ]
    if subprocess.run(command, check=False).returncode:
        raise NoPython(f"Could not install {name}: pip's message stands above.")
