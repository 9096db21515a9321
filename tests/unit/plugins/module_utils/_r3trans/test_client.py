# SPDX-License-Identifier: GPL-3.0-or-later
"""What R3trans may end with that the simulator's does not: no code, another code, no file, a signal."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied, Failed, LandscapeError, Unknown
from ansible_collections.basis.landscape.plugins.module_utils._r3trans import client, link, manifest, wire
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.client import R3trans
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.groups import Table
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.manifest import Held, Manifest

TABLES = [Table("RFCDES"), Table("RFCGO")]


def program(folder: Path, body: str) -> R3trans:
    """A script in which ``verb`` is connect, list, export, check or import, and ``end(code)`` prints the last line."""
    path = folder / "R3trans"
    path.write_text(
        f"#!{sys.executable}\nimport os, signal, sys\n"
        "argv = sys.argv[1:]\nlog = argv[argv.index('-w') + 1]\n"
        "verb = {'-d': 'connect', '-l': 'list'}.get(argv[-2] if '-l' in argv else argv[0],"
        " os.path.basename(argv[-1])[:-4])\n"
        "data = os.path.join(os.path.dirname(argv[-1]), 'export.dat')\n"
        "def say(*lines): open(log, 'a').write(''.join(line + '\\n' for line in lines))\n"
        "def end(code, told=None):\n"
        "    print('R3trans finished (%04d).' % (code if told is None else told)); sys.exit(code)\n"
        "def exported(*counts):\n"
        "    say(*['4 ETW000 %d entries from %s exported' % one for one in counts])\n"
        "    open(data, 'w').write('rows'); end(0)\n"
        f"{body}\nend(0)\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    kept = folder / "kept"
    kept.mkdir(exist_ok=True)
    return R3trans(str(path), str(kept), wire.Reading([wire.COUNTS], [wire.MISSING]), 30)


def error(folder: Path, body: str, **options: bool) -> LandscapeError:
    with pytest.raises(LandscapeError) as raised:
        program(folder, body).export(
            TABLES, "all", str(folder / "kept" / "x"), leave_out=options.get("leave_out", False)
        )
    left = [path.name for path in (folder / "kept").iterdir()]
    assert left == [], "a failed export leaves nothing"
    return raised.value


def test_an_export(tmp_path: Path) -> None:
    body = "if verb == 'export': exported((3, 'RFCDES'), (0, 'RFCGO'))"
    made = program(tmp_path, body).export(TABLES, "all", str(tmp_path / "kept" / "x"), leave_out=False)
    assert made.held == [Held(TABLES[0], 3), Held(TABLES[1], 0)]
    assert (made.left_out, made.version, made.warnings) == ([], "", [])
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["x.dat", "x.log"]
    assert (tmp_path / "kept" / "x.dat").stat().st_mode & 0o777 == 0o600


def test_an_export_never_takes_the_place_of_another(tmp_path: Path) -> None:
    it = program(tmp_path, "if verb == 'export': exported((3, 'RFCDES'), (0, 'RFCGO'))")
    (tmp_path / "kept" / "x.dat").write_text("mine", encoding="utf-8")
    with pytest.raises(Failed, match="is there already"):
        it.export(TABLES, "all", str(tmp_path / "kept" / "x"), leave_out=False)
    assert (tmp_path / "kept" / "x.dat").read_text(encoding="utf-8") == "mine"


def test_warnings_are_told(tmp_path: Path) -> None:
    it = program(tmp_path, "say('3WETW000 odd', '2EETW000 and yet'); end(4)")
    assert it.restore(held(tmp_path)) == ["R3trans warned, asked to import 2 tables: 3WETW000 odd"]


@pytest.mark.parametrize(
    ("body", "reason", "words"),
    [
        ("say('2EETW000 no'); end(8)", "r3trans", "ended with 8, errors; it said: 2EETW000 no"),
        ("end(12)", "r3trans", "a fatal error"),
        ("sys.exit(12)", "r3trans", "a fatal error"),
        ("end(16)", "r3trans_cut", "ended with 16 and says 16"),
        ("end(1)", "r3trans_cut", "ended with 1"),
        ("sys.exit(0)", "r3trans_cut", "says no code"),
        ("end(0, 8)", "r3trans_cut", "ended with 0 and says 8"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "r3trans_cut", "ended by signal 11"),
        ("end(0)", "data_file", "left no file"),
        ("if verb == 'export': exported((3, 'RFCDES'))", "counts_unreadable", "no number of rows of RFCGO"),
        ("say('2EETW000 table RFCGO does not exist'); end(0)", "table_missing", "has no table RFCGO"),
        ("exported((3, 'RFCDES'), (0, 'RFCGO')) if verb == 'export' else end(12)", "r3trans", "Could not read .*dat"),
    ],
)
def test_what_is_no_export(tmp_path: Path, body: str, reason: str, words: str) -> None:
    found = error(tmp_path, body)
    assert isinstance(found, Failed) and found.reason == reason
    assert re.search(words, found.message), found.message


def test_tables_that_are_left_out(tmp_path: Path) -> None:
    body = (
        "if verb == 'export':\n"
        "    if 'RFCGO' in open(argv[-1]).read(): say('2EETW000 table RFCGO does not exist'); end(8)\n"
        "    exported((3, 'RFCDES'))"
    )
    made = program(tmp_path, body).export(TABLES, "all", str(tmp_path / "kept" / "x"), leave_out=True)
    assert (made.held, made.left_out) == ([Held(TABLES[0], 3)], [TABLES[1]])


def test_none_of_the_tables(tmp_path: Path) -> None:
    body = "say('table RFCDES does not exist', 'table RFCGO does not exist'); end(8)"
    assert error(tmp_path, body, leave_out=True).facts["tables"] == ["RFCDES", "RFCGO"]


def held(folder: Path) -> Manifest:
    (folder / "kept" / "x.dat").write_text("rows", encoding="utf-8")
    return Manifest(
        "QAS", "all", "2026-11-26T22:00:00Z", "x.dat", 4, "", "", [Held(TABLES[0], 3), Held(TABLES[1], 0)], []
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("end(8)", Failed),
        ("os.kill(os.getpid(), signal.SIGKILL)", Unknown),
        ("sys.exit(0)", Unknown),
        ("sys.exit(137)", Unknown),
    ],
)
def test_an_import_that_did_not_end_well(tmp_path: Path, body: str, kind: type[LandscapeError]) -> None:
    it = program(tmp_path, body)
    with pytest.raises(kind):
        it.restore(held(tmp_path))


def test_the_proof_of_an_earlier_import_is_gone_before_r3trans_is_started(tmp_path: Path) -> None:
    it = program(tmp_path, "say('3WETW000 ' + open('manifest.json').read().replace('\\n', '')); end(4)")
    found = held(tmp_path)._replace(imported="2026-11-27T04:00:00Z")
    manifest.write(str(tmp_path / "kept"), found)
    assert '"imported": ""' in it.restore(found)[0]
    assert manifest.read(str(tmp_path / "kept")) == found._replace(imported="")


def test_an_import_that_is_not_begun_leaves_the_proof_of_the_earlier_one(tmp_path: Path) -> None:
    it = program(tmp_path, "end(0)")
    found = held(tmp_path)._replace(imported="2026-11-27T04:00:00Z")
    manifest.write(str(tmp_path / "kept"), found)
    other = link.Lock(str(tmp_path / "kept"))
    with pytest.raises(Denied, match="at work there"):
        it.restore(found)
    os.close(other.handle)
    assert manifest.read(str(tmp_path / "kept")) == found


def test_rows_that_differ(tmp_path: Path) -> None:
    check = "if verb == 'check': exported((3, 'RFCDES'), (%d, 'RFCGO'))"
    it = program(tmp_path, check % 0)
    assert it.compare(held(tmp_path), client.COUNTS) == {"RFCDES": 3, "RFCGO": 0}
    with pytest.raises(Failed, match="lists 0 and 0 rows of RFCDES, and counts 3") as raised:
        it.compare(held(tmp_path), client.ROWS)
    assert raised.value.reason == "rows_unreadable"
    os.close(it._lock.handle if it._lock else -1)
    it = program(tmp_path, check % 1)
    with pytest.raises(Failed, match="RFCGO has 1 rows, and 0 were exported") as raised:
        it.compare(held(tmp_path), client.COUNTS)
    assert raised.value.facts["tables"] == ["RFCGO"]


def test_same_numbers_and_other_rows(tmp_path: Path) -> None:
    body = (
        "if verb == 'check': exported((1, 'RFCDES'), (0, 'RFCGO'))\n"
        "if verb == 'list':\n"
        "    say('4 ETW000 REP  RFCDES   *', '4 ETW000 ** 9 ** ' + ('secret one' if 'x.dat' in argv[-1] else 'other'))"
    )
    it = program(tmp_path, body)
    found = held(tmp_path)._replace(held=[Held(TABLES[0], 1), Held(TABLES[1], 0)])
    with pytest.raises(Failed, match="RFCDES has as many rows as were exported, and other ones") as raised:
        it.compare(found, client.ROWS)
    assert "secret" not in str(raised.value.as_result())
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["x.dat"], "no list is left"


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    it = program(tmp_path, "if verb == 'check': exported((3, 'RFCDES'), (0, 'RFCGO'))")
    old = tmp_path / "kept" / ".r3trans-old"
    old.mkdir()
    (old / "export.dat").write_text("rows", encoding="utf-8")
    it.compare(held(tmp_path), client.COUNTS)
    assert not old.exists()


def test_the_system_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAPSYSTEMNAME", "QAS")
    client.confirm("QAS")
    with pytest.raises(Denied, match="belongs to QAS"):
        client.confirm("PRD")
    monkeypatch.delenv("SAPSYSTEMNAME")
    with pytest.raises(Denied, match="nobody knows whose host"):
        client.confirm("QAS")


def test_connecting_leaves_nothing(tmp_path: Path) -> None:
    it = program(tmp_path, "if verb == 'connect': say('4 ETW000 ok')")
    (tmp_path / "kept").rmdir()
    it.connect()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["R3trans"]
    with pytest.raises(Failed, match="connect to the database"):
        program(tmp_path, "say('2EETW000 no connect'); end(12)").connect()
