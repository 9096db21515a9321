# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process knows of its run."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils import _controller
from ansible_collections.basis.landscape.plugins.plugin_utils._runs import open_store


@pytest.fixture(autouse=True)
def no_marks(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    for name in (_controller.RECORDER_MARK, _controller.RUN_MARK, _controller.DATABASE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(_controller.STATE_VARIABLE, str(tmp_path / "state"))
    return tmp_path


def test_database_is_sqlite_in_the_state_folder_which_only_its_owner_reads(no_marks: pathlib.Path) -> None:
    assert _controller.database_url() == f"sqlite:///{no_marks}/state/runs.db"
    assert not (no_marks / "state").exists()
    open_store(_controller.database_url()).close()
    assert (no_marks / "state").stat().st_mode & 0o777 == 0o700


def test_option_comes_before_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_controller.DATABASE_VARIABLE, "postgresql://runs@db/landscape")
    assert _controller.database_url() == "postgresql://runs@db/landscape"
    assert _controller.database_url("sqlite:////tmp/x.db") == "sqlite:////tmp/x.db"


def test_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(_controller.NotPossible) as refusal:
        _controller.database_url("postgresql://runs:s3cret@db/landscape")
    assert "PGPASSFILE" in str(refusal.value) and "s3cret" not in str(refusal.value)


def test_recorder_of_another_process_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_controller.RECORDER_MARK, "1")
    with pytest.raises(_controller.NotPossible) as refusal:
        _controller.require_recorder()
    for line in (
        "callbacks_enabled = basis.landscape.run_state",
        "export ANSIBLE_CALLBACKS_ENABLED=basis.landscape.run_state",
        "AWX",
    ):
        assert line in str(refusal.value)


def test_worker_sees_the_recorder_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_controller.RECORDER_MARK, str(os.getppid()))
    _controller.require_recorder()


def test_run_is_known_after_it_was_announced() -> None:
    with pytest.raises(_controller.NotPossible):
        _controller.current_run()
    mark = _controller.RunMark(run="r", epoch=2, database="sqlite:////x", fence=12002, created=1.5, socket=None)
    _controller.announce_run(mark)
    assert _controller.current_run() == mark
    del os.environ[_controller.RUN_MARK]


@pytest.mark.parametrize(
    "name, valid", [("patch-20261121-ab12", True), ("../etc", False), ("", False), ("a" * 64, False), ("-x", False)]
)
def test_run_names_are_file_names(name: str, valid: bool) -> None:
    assert _controller.valid_run_name(name) is valid


def test_awx_job_names_the_run() -> None:
    assert _controller.run_name("patch", "20261121-220000", "abcdef", "4711") == "awx-4711"
    assert _controller.run_name("patch", "20261121-220000", "abcdef", None) == "patch-20261121-220000-abcd"


def test_code_hash_changes_with_a_playbook_and_not_with_a_document(tmp_path: pathlib.Path) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "a.yml").write_text("a")
    before = _controller.code_hash(tmp_path)
    (tmp_path / "README.md").write_text("x")
    assert _controller.code_hash(tmp_path) == before
    (tmp_path / "playbooks" / "a.yml").write_text("b")
    assert _controller.code_hash(tmp_path) != before
