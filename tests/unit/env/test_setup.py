# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up behind the Makefile, on folders made for the test."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest
from tests.env import collection, debian, python, tree


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small git work tree: one tracked file, one new, one ignored, one deleted."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    for name in ("tracked.py", "gone.py"):
        (folder / name).write_text("x = 1\n", encoding="utf-8")
    (folder / ".gitignore").write_text("/.cache/\n", encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    (folder / "gone.py").unlink()
    (folder / "new.py").write_text("y = 2\n", encoding="utf-8")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "made.py").write_text("z = 3\n", encoding="utf-8")
    return folder


def test_the_project_is_what_git_would_take(checkout: Path) -> None:
    assert tree.files(checkout) == [".gitignore", "new.py", "tracked.py"]


def test_copy_has_the_collections_folder_name_and_forgets_the_last_one(checkout: Path, tmp_path: Path) -> None:
    first = tree.copy(checkout, tmp_path / "copy")
    assert first.parts[-3:] == ("ansible_collections", "basis", "landscape")
    (checkout / "new.py").unlink()
    second = tree.copy(checkout, tmp_path / "copy")
    assert (first, sorted(path.name for path in second.glob("*.py"))) == (second, ["tracked.py"])


@pytest.mark.parametrize("before", ["nothing", "a dead link", "a link to elsewhere", "the right link"])
def test_link_leads_to_the_checkout(checkout: Path, tmp_path: Path, before: str) -> None:
    place = checkout / ".cache" / "collections" / "ansible_collections" / "basis" / "landscape"
    if before != "nothing":
        place.parent.mkdir(parents=True)
        targets = {"a dead link": "nowhere", "a link to elsewhere": str(tmp_path), "the right link": "../../../.."}
        place.symlink_to(targets[before])
    collections = collection.link(checkout)
    assert (collections / "ansible_collections" / "basis" / "landscape" / "tracked.py").read_text(
        encoding="utf-8"
    ) == "x = 1\n"
    assert not os.path.isabs(os.readlink(place)), "the checkout may be moved"


def test_found_pythons_are_real_distinct_and_sorted() -> None:
    found = python.found()
    assert [one.version for one in found] == sorted({one.version for one in found})
    for one in found:
        assert one.version >= python.OLDEST
        assert "shims" not in Path(one.path).parts
        answer = subprocess.run(
            [one.path, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=True
        )
        assert tuple(map(int, answer.stdout.split())) == one.version


@pytest.mark.parametrize(
    ("oldest", "newest", "words"),
    [
        (("3.11", "2.19.4"), ("3.13", "2.21.0"), ""),
        (
            ("3.14", "2.21.0"),
            ("3.14", "2.21.0"),
            "The oldest and the newest pair are the same here: Python 3.14 with ansible-core 2.21.0. "
            "A second Python would make them two.",
        ),
        (
            ("3.12", "2.19.4"),
            ("3.12", "2.21.0"),
            "The oldest and the newest pair have the same Python here, 3.12, with ansible-core 2.19.4 and 2.21.0.",
        ),
    ],
)
def test_pairs_that_are_not_two_are_named(oldest: tuple[str, str], newest: tuple[str, str], words: str) -> None:
    assert python.alike(oldest, newest) == words


def test_a_pair_is_what_runs() -> None:
    ours = "{}.{}".format(*sys.version_info), importlib.metadata.version("ansible-core")
    assert python.pair(Path(sys.executable)) == ours


def test_environment_is_made_once(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (checkout / "nothing.txt").write_text("# no package\n", encoding="utf-8")
    interpreter = python.ensure(checkout, "newest", ["nothing.txt"])
    assert "Installing nothing.txt" in capfd.readouterr().out
    prefix = subprocess.run(
        [interpreter, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True
    ).stdout
    assert Path(prefix.strip()) == checkout / ".venv-newest"
    assert python.ensure(checkout, "newest", ["nothing.txt"]) == interpreter
    assert capfd.readouterr().out == ""
    (checkout / "nothing.txt").write_text("# changed\n", encoding="utf-8")
    python.ensure(checkout, "newest", ["nothing.txt"])
    assert "Installing nothing.txt" in capfd.readouterr().out


def test_a_half_made_environment_is_made_anew(checkout: Path) -> None:
    (checkout / "nothing.txt").write_text("# no package\n", encoding="utf-8")
    broken = checkout / ".venv" / "bin"
    broken.mkdir(parents=True)
    (broken / "python").symlink_to("/nonexistent/python")
    interpreter = python.ensure(checkout, "oldest", ["nothing.txt"])
    assert subprocess.run([interpreter, "-c", "import pip"], check=False).returncode == 0
    shutil.rmtree(checkout / ".venv")
    subprocess.run([python.found()[-1].path, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    python.ensure(checkout, "oldest", ["nothing.txt"])
    assert subprocess.run([interpreter, "-c", "import pip"], check=False).returncode == 0


def test_what_cannot_be_installed_is_named(checkout: Path) -> None:
    (checkout / "bad.txt").write_text("./there-is-no-such-folder\n", encoding="utf-8")
    with pytest.raises(python.NoPython, match="Could not install bad.txt"):
        python.ensure(checkout, "newest", ["bad.txt"])
    assert list((checkout / ".venv-newest").glob("*.installed")) == []


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["sshd"], "needs sshd: apt-get install --no-install-recommends openssh-server"),
        (["root", "sshd"], "needs root, sshd: apt-get install --no-install-recommends openssh-server"),
        (["root"], "needs root"),
    ],
)
def test_advice_names_what_is_missing(names: list[str], words: str) -> None:
    assert debian.advice(names) == words


def test_missing_programs() -> None:
    assert debian.missing(["sh", "no-such-program-anywhere"]) == ["no-such-program-anywhere"]


@pytest.mark.parametrize(
    ("name", "ci", "user", "installer", "outcome"),
    [
        ("tool", "true", 0, True, pytest.fail.Exception),
        ("tool", "", 0, True, pytest.skip.Exception),
        ("tool", "true", 1000, True, pytest.skip.Exception),
        ("tool", "true", 0, False, pytest.skip.Exception),
        ("no-such-program-anywhere", "true", 0, True, pytest.skip.Exception),
    ],
)
def test_what_the_set_up_installs_is_not_missing_in_ci(
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    name: str,
    ci: str,
    user: int,
    installer: bool,
    outcome: type[BaseException],
) -> None:
    if installer:
        (tmp_path / "apt-get").write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setitem(debian.PACKAGES, "tool", ("tool", "no-such-program-anywhere"))
    request.node.add_marker(pytest.mark.needs(name))
    with pytest.raises(outcome, match=f"needs {name}"):
        conftest.pytest_runtest_setup(request.node)


@pytest.mark.parametrize("user", [0, 1000])
def test_what_is_missing_is_installed_or_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, user: int
) -> None:
    """apt-get here installs by making the program."""
    tool = tmp_path / "no-such-program-anywhere"
    script = f'#!/bin/sh\ncase "$*" in *install*tool) : >{tool}; /bin/chmod +x {tool} ;; esac\n'
    (tmp_path / "apt-get").write_text(script, encoding="utf-8")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setitem(debian.PACKAGES, "tool", ("tool", tool.name))
    monkeypatch.setitem(debian.PACKAGES, "other", ("other", "another-program-that-is-nowhere"))
    debian.install(["tool"])
    said = capfd.readouterr()
    if user:
        assert said.err == (
            "What needs tool will be left out; as root: apt-get install --no-install-recommends tool\n"
        ) and debian.missing(["tool"]) == ["tool"]
    else:
        assert said.out == "Installing Debian packages: tool\n" and said.err == "" and not debian.missing(["tool"])


def test_door_without_a_python_says_what_to_install(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    for name in ("sh", "dirname"):
        (old.parent / name).symlink_to(shutil.which(name) or "")
    script = (root / "tests" / "env" / "door.sh").read_text(encoding="utf-8")
    here = tmp_path / "a" / "tests" / "env" / "door.sh"
    here.parent.mkdir(parents=True)
    for fixed in ("/usr/bin/python3", "/usr/local/bin/python3"):
        script = script.replace(fixed, str(old))
    here.write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["sh", str(here), "demo"],
        env={"PATH": str(old.parent), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install python3 python3-venv" in done.stderr


def test_make_help_names_every_target(root: Path) -> None:
    text = subprocess.run(["make", "-s", "help"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in text.splitlines()} >= {"demo", "test", "bench", "lint", "clean", "help"}


def test_bench_refuses_an_unknown_name(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "nonsense"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "There is no benchmark nonsense" in done.stderr
