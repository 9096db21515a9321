# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Ansible's own gates take the collection: sanity, documentation, changelog, Galaxy's importer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.env import ansible_test, python
from tests.lint.conftest import Run


@pytest.mark.needs("shellcheck")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("pair", ["oldest", "newest"])
def test_sanity(pair: str, run: Run, root: Path, copy: Path) -> None:
    interpreter = python.ensure(root, pair, python.TESTS)
    environment = ansible_test.environment(interpreter, root / ".cache" / "ansible-test")
    # pylint takes as long as all the others together, and the newest knows what the oldest knows.
    but = ["--skip-test", "pylint"] if pair == "oldest" else []
    command = [str(interpreter.parent / "ansible-test"), "sanity", "--color", "no", *but]
    words = run(*command, cwd=copy, environment=environment)
    assert len(re.findall(r'^Running sanity test "', words, re.M)) > 25, words


def test_no_ignore_files(root: Path) -> None:
    assert [str(path) for path in root.glob("tests/sanity/ignore*")] == []


def test_changelog(run: Run, copy: Path) -> None:
    run("antsibull-changelog", "lint", cwd=copy)


def test_documentation(run: Run, copy: Path) -> None:
    run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self", ".", cwd=copy)


@pytest.fixture(scope="module")
def tarball(root: Path, copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as it is published."""
    folder = tmp_path_factory.mktemp("build")
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    subprocess.run(
        [galaxy, "collection", "build", "--output-path", str(folder)], cwd=copy, check=True, capture_output=True
    )
    (built,) = folder.glob("*.tar.gz")
    return built


def test_tarball_holds_the_project_alone(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = {name.split("/", 1)[0] for name in archive.getnames()}
    assert {"plugins", "meta", "README.md", "LICENSE", "MANIFEST.json"} <= names
    assert {name for name in names if name.startswith(".") and name not in (".ansible-lint", ".yamllint")} == set()


def test_galaxy_importer(run: Run, root: Path, tarball: Path, tmp_path: Path) -> None:
    interpreter = python.ensure(root, "importer", python.IMPORTER)
    settings = tmp_path / "importer.cfg"
    settings.write_text(
        "[galaxy-importer]\nRUN_ANSIBLE_TEST=False\nRUN_FLAKE8=False\nCHECK_REQUIRED_TAGS=True\n", encoding="utf-8"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "GALAXY_IMPORTER_CONFIG": str(settings),
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join([str(interpreter.parent), os.environ["PATH"]]),
    }
    words = run(str(interpreter), "-m", "galaxy_importer.main", str(tarball), cwd=tmp_path, environment=environment)
    assert "Importer processing completed successfully" in words, words
    assert not re.search(r"^ERROR", words, re.M), words
