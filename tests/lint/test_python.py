# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the Python files, as ruff, mypy, vermin see it."""

from __future__ import annotations

from pathlib import Path

from tests.lint.conftest import Run


def test_ruff(run: Run, copy: Path) -> None:
    run("ruff", "check", "--no-cache", ".", cwd=copy)


def test_mypy(run: Run, root: Path) -> None:
    packages = ["ansible_collections.basis.landscape.plugins", "tests"]
    run("mypy", *(word for package in packages for word in ("-p", package)), cwd=root)


def test_managed_hosts_need_only_python_3_8(run: Run, copy: Path) -> None:
    run(
        "vermin",
        "--target=3.8-",
        "--violations",
        "--no-tips",
        "--backport",
        "typing",
        "plugins/module_utils",
        "plugins/modules",
        cwd=copy,
    )
