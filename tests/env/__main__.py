# SPDX-License-Identifier: GPL-3.0-or-later
"""What each target of the Makefile does."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.env import collection, debian, python

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> int:
    """Run *command* in the checkout with the environment of the collection; its exit code."""
    sys.stdout.flush()
    variables = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections")}
    for outside in [name for name in variables if name.startswith("PYTHON") or name == "VIRTUAL_ENV"]:
        del variables[outside]
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode


def both() -> Path:
    """Set up all that the tests need; say when the two pairs are not two. Returns the Python of the oldest pair."""
    debian.install()
    venv = python.ensure(ROOT, "oldest", python.EVERYTHING)
    newest = python.ensure(ROOT, "newest", python.TESTS)
    words = python.alike(python.pair(venv), python.pair(newest))
    if words:
        print(words, file=sys.stderr)
    return venv


def demo(rest: list[str]) -> int:
    """Patch the simulated landscape."""
    venv = python.ensure(ROOT, "oldest", python.DEMO)
    return run(str(venv), "-m", "tests.demo", *rest)


def test(rest: list[str]) -> int:
    """Run every check and test, two at a time; the tests of one file stay together, files begin in their order."""
    venv = both()
    return run(str(venv), "-m", "pytest", "--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder", *rest)


def lint(rest: list[str]) -> int:
    """Run the checks of form alone."""
    debian.install()
    venv = python.ensure(ROOT, "oldest", python.EVERYTHING)
    return run(str(venv), "-m", "pytest", "tests/lint", "tests/unit/house", *rest)


def bench(rest: list[str]) -> int:
    """Run the benchmarks, all or the named ones."""
    debian.install(["postgresql"])
    venv = python.ensure(ROOT, "oldest", python.TESTS)
    return run(str(venv), "-m", "tests.bench", *rest)


def setup(rest: list[str]) -> int:
    """Make the environments and run nothing."""
    both()
    return 0


def clean(rest: list[str]) -> int:
    """Remove what the other targets made."""
    for name in (".venv", ".venv-newest", ".cache", ".ansible", ".hypothesis", ".landscape", "build"):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for folder in [*ROOT.glob("tests/**/__pycache__"), *ROOT.glob("plugins/**/__pycache__")]:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


TARGETS = {work.__name__: work for work in (demo, test, lint, bench, setup, clean)}


def main() -> int:
    """Do the named target."""
    parser = argparse.ArgumentParser(prog="tests.env", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    chosen, rest = parser.parse_known_args()
    if chosen.target != "clean":
        collection.link(ROOT)
    try:
        return TARGETS[chosen.target](rest)
    except python.NoPython as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
