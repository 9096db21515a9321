# SPDX-License-Identifier: GPL-3.0-or-later
"""What every file owes its reader: a licence line, a first sentence, words about the project alone."""

from __future__ import annotations

import ast
import re

import pytest

from tests.env import tree
from tests.unit.house.source import ROOT, Source, sources

# In quotes it is a value, such as a system ID that does not exist.
UNFINISHED = re.compile(
    r"""(?<!["'])\b(""" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "place" + "holder")) + r""")\b(?!["'])""",
    re.I,
)
MACHINE_PATHS = re.compile(r"(?<![\w.$}/])/(?:home|root|Users|work)/[\w.-]+/")
TEXT = {".py", ".yml", ".yaml", ".md", ".rst", ".txt", ".cfg", ".toml", ".sh", ".json", ".j2", ".ini"}


@pytest.mark.parametrize("source", sources(), ids=lambda source: str(source.path))
def test_python_file(source: Source) -> None:
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in "\n".join(source.text.splitlines()[:6])
    docstring = ast.get_docstring(source.module)
    if source.path.is_relative_to("plugins") and not docstring:
        names = {
            target.id
            for node in source.module.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        assert "DOCUMENTATION" in names, "neither a docstring nor DOCUMENTATION"
    elif docstring is None:
        pytest.fail("the file does not say what it knows")
    if any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in source.module.body):
        assert any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.names[0].name == "annotations"
            for node in source.module.body
        ), "from __future__ import annotations is missing"


@pytest.mark.parametrize(
    "source", sources("plugins/module_utils", "plugins/plugin_utils"), ids=lambda source: str(source.path)
)
def test_one_sentence_without_and(source: Source) -> None:
    first = "".join((ast.get_docstring(source.module) or "").splitlines()[:1])
    assert first, "the file does not say what it knows"
    assert not re.search(r", and\b|\band (how|what|when|where|whether|which|who|why)\b", first), f"two things: {first}"


@pytest.mark.parametrize(
    "source", sources("plugins/module_utils", "plugins/modules"), ids=lambda source: str(source.path)
)
def test_grammar_of_python_3_8(source: Source) -> None:
    ast.parse(source.text, str(source.path), feature_version=(3, 8))


def test_no_unfinished_words_or_paths_of_one_machine() -> None:
    wrong = []
    for name in tree.files(ROOT):
        path = ROOT / name
        if path.suffix not in TEXT and path.name not in ("Makefile", "run"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if UNFINISHED.search(line) or MACHINE_PATHS.search(line):
                wrong.append(f"{name}:{number}: {line.strip()[:120]}")
    assert wrong == []


def test_no_sleep_as_synchronisation() -> None:
    """A constant sleep hides a race; only a loop that looks again may pause, and of what ships only _wait.py."""
    wrong = []
    for source in sources(
        "plugins/module_utils", "plugins/modules", "tests/unit", "tests/integration", "tests/property"
    ):
        loops = [node for node in ast.walk(source.module) if isinstance(node, (ast.While, ast.For))]
        looped = {id(inner) for loop in loops for inner in ast.walk(loop)}
        for node in ast.walk(source.module):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
                shipped = source.path.is_relative_to("plugins") and source.path.name != "_wait.py"
                if shipped or (id(node) not in looped and not source.path.is_relative_to("plugins")):
                    wrong.append(f"{source.path}:{node.lineno}")
    assert wrong == []
