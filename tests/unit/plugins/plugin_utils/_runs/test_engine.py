# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database is reached, and what is said when it cannot be."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import event

from ansible_collections.basis.landscape.plugins.plugin_utils._runs import Owner, StoreError, engine, open_store
from tests import postgres
from tests.env.small_disk import mounted
from tests.property import plans


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "not one"),
        ("mysql://x/y", "not mysql"),
        ("sqlite://", "in memory"),
        ("sqlite:////proc/nowhere/runs.db", "Could not open"),
        ("postgresql://nobody@/x?host=/nowhere", "no connection"),
    ],
)
def test_urls_that_cannot_be_used(url: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.basis.landscape.plugins.plugin_utils._runs.store.RETRY_SECONDS", 0.1)
    with pytest.raises(StoreError, match=words):
        open_store(url)


def test_a_password_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.basis.landscape.plugins.plugin_utils._runs.store.RETRY_SECONDS", 0.1)
    with pytest.raises(StoreError) as error:
        open_store("postgresql://me:S3cret!@/x?host=/nowhere")
    assert "S3cret!" not in str(error.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"hello world " * 1000)
    with pytest.raises(StoreError, match="damaged or is no SQLite"):
        open_store(f"sqlite:///{path}")


def test_network_file_systems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = f"/dev/sda1 / ext4 rw 0 0\nnas:/x {tmp_path} nfs4 rw 0 0\n"
    real = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda self, **k: mounts if str(self) == "/proc/self/mounts" else real(self, **k)
    )
    assert engine.network_file_system(tmp_path / "a" / "runs.db") == "nfs4"
    assert engine.network_file_system(Path("/elsewhere/runs.db")) is None
    with pytest.raises(StoreError, match=r"network file system \(nfs4\)"):
        open_store(f"sqlite:///{tmp_path}/runs.db")


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ((3, 40, 1), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 52, 0), False),
    ],
)
def test_the_wal_reset_bug_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], warned: bool
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    store = open_store(f"sqlite:///{tmp_path / 'runs.db'}")
    assert bool(store.warnings) == warned


def test_sqlite_is_set_up_to_survive_a_power_cut(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'runs.db'}")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == 0
    assert (tmp_path / "runs.db").stat().st_mode & 0o077 == 0, "nobody else may read it"


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'runs.db'}")
    store.create("r1", plans.lone_hosts(1), procedure="patch", code_hash="c", params={}, created_by="x")
    epoch = store.take("r1", Owner.current())
    before = store.events("r1")

    def no_room(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # SQLite makes of it: as many as it has now

    event.listen(store.engine, "connect", no_room)
    with pytest.raises(StoreError, match=r"its disk is full; make room.*disk is full\)\. Nothing was half written"):
        store.create("r2", plans.lone_hosts(300), procedure="patch", code_hash="c", params={}, created_by="x")
    event.remove(store.engine, "connect", no_room)
    assert [run["id"] for run in store.runs()] == ["r1"]
    assert store.events("r1") == before and store.verify_chain("r1") is None
    assert store.claim("r1", "h00", "admit", epoch).kind == "go", "with room again it goes on"


@pytest.mark.needs("root")
@pytest.mark.parametrize("beside", [True, False], ids=["beside another connection", "as the only one"])
def test_a_disk_that_is_really_full(tmp_path: Path, beside: bool) -> None:
    with mounted(tmp_path / "disk") as disk:
        store = open_store(f"sqlite:///{disk.folder / 'runs.db'}")
        store.create("r1", plans.lone_hosts(1), procedure="patch", code_hash="c", params={}, created_by="x")
        epoch = store.take("r1", Owner.current())
        other = store.engine.raw_connection() if beside else None
        disk.fill()
        with pytest.raises(StoreError, match="its disk is full"):
            store.claim("r1", "h00", "admit", epoch)
        if other is not None:  # as the sidecar does, it keeps the files without which nobody can read
            assert {step["state"] for step in store.steps("r1")} == {"pending"}
            other.close()
        disk.make_room()
        assert store.claim("r1", "h00", "admit", epoch).kind == "go"


def test_a_server_that_restarts_is_waited_for() -> None:
    server = postgres.Server(postgres.require().programs)
    try:
        store = open_store(server.database())
        store.create("r1", plans.lone_hosts(1), procedure="patch", code_hash="c", params={}, created_by="x")
        epoch = store.take("r1", Owner.current())
        server.stop("fast")
        starter = threading.Thread(target=server.start)
        starter.start()
        verdict = store.claim("r1", "h00", "admit", epoch)
        starter.join()
        assert (verdict.kind, verdict.attempt) == ("go", 1)
    finally:
        server.remove()


def test_without_the_library_the_way_to_get_it_is_named() -> None:
    program = (
        "import sys, types\n"
        "sys.modules['sqlalchemy'] = None\n"
        "package = types.ModuleType('ansible_collections'); package.__path__ = sys.argv[1:]\n"
        "sys.modules['ansible_collections'] = package\n"
        "from ansible_collections.basis.landscape.plugins.plugin_utils import _runs\n"
        "try:\n    _runs.open_store('sqlite:////nowhere')\n"
        "except _runs.StoreError as error:\n    print(error)\n"
    )
    import ansible_collections

    done = subprocess.run(
        [sys.executable, "-c", program, *ansible_collections.__path__], capture_output=True, text=True, check=True
    )
    assert "pip install 'SQLAlchemy>=2' alembic" in done.stdout
