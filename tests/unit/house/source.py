# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's Python files as syntax trees with what each imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from tests.env import tree

ROOT = Path(__file__).resolve().parents[3]
OURS = "ansible_collections.basis.landscape."


@dataclass(frozen=True)
class Import:
    """One imported module, by its dotted name, with the line it stands on."""

    module: str
    name: str | None
    line: int
    for_types_only: bool


@dataclass(frozen=True)
class Source:
    """One Python file: its path in the project, its text, its tree."""

    path: PurePosixPath
    text: str
    module: ast.Module

    @property
    def dotted(self) -> str:
        """The name others import it by, without the collection's prefix."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self) -> Iterator[Import]:
        """Every import of the file, also those inside functions."""
        typing_only = {
            id(inner)
            for node in ast.walk(self.module)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for statement in node.body
            for inner in ast.walk(statement)
        }
        for node in ast.walk(self.module):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, None, node.lineno, id(node) in typing_only)
            elif isinstance(node, ast.ImportFrom):
                above = "." * node.level
                for alias in node.names:
                    yield Import(above + (node.module or ""), alias.name, node.lineno, id(node) in typing_only)


@cache
def sources(*tops: str) -> tuple[Source, ...]:
    """The project's Python files below the folders *tops* (all when none is named)."""
    found = []
    for name in tree.files(ROOT):
        path = PurePosixPath(name)
        if path.suffix == ".py" and (not tops or any(path.is_relative_to(top) for top in tops)):
            text = (ROOT / path).read_text(encoding="utf-8")
            found.append(Source(path, text, ast.parse(text, name)))
    return tuple(found)


def ours(imported: Import) -> str | None:
    """The file of this project that *imported* names, as a dotted name without the prefix; None for everything else."""
    whole = f"{imported.module}.{imported.name}" if imported.name else imported.module
    if not whole.startswith(OURS):
        return None
    known = {source.dotted for source in sources("plugins")}
    for candidate in (whole, imported.module):
        if (short := candidate.removeprefix(OURS)) in known:
            return short
    return imported.module.removeprefix(OURS)
