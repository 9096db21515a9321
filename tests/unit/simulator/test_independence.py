# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator shares no code with what it checks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.simulator.launch import ROOT

FILES = sorted((ROOT / "tests" / "simulator").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, relative ones with their dots."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_the_product(path: Path) -> None:
    for name in imported(path):
        assert not name.startswith(("ansible_collections", "plugins", "..")), f"{path.name} imports {name}"
        assert "plugins" not in name or path.parent.name == "connection", f"{path.name} imports {name}"


def test_the_rule_sees_the_files() -> None:
    assert {"landscape.py", "sapcontrol.py", "simulated.py"} <= {path.name for path in FILES}
