# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the YAML files, as yamllint, ansible-lint see it."""

from __future__ import annotations

from pathlib import Path

from tests.lint.conftest import Run


def test_yamllint(run: Run, copy: Path) -> None:
    run("yamllint", "--strict", ".", cwd=copy)


def test_ansible_lint_production(run: Run, copy: Path) -> None:
    run("ansible-lint", "--offline", "--profile", "production", "--strict", "--nocolor", cwd=copy)
