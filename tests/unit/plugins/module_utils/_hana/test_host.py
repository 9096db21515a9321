# SPDX-License-Identifier: GPL-3.0-or-later
"""How hdbnsutil is run: what it prints, how it gets the password, whose files and hosts are touched.

The programs here are small scripts that do what hdbnsutil may do: ask on the terminal, print, hang, fail.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import (
    Denied,
    Failed,
    LandscapeError,
    TimedOut,
    Unknown,
)
from ansible_collections.basis.landscape.plugins.module_utils._hana import host

SECRET = "s3cret pass"


def program(folder: Path, body: str) -> str:
    """A program that writes its command line to ``argv`` and then does *body*."""
    path = folder / "hdbnsutil"
    path.write_text(
        f"#!{sys.executable}\nimport getpass, os, signal, sys, time\n"
        f"open({str(folder / 'argv')!r}, 'a').write(repr(sys.argv[1:]) + '\\n')\n{body}\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PERSISTENCE Root Key: 0123456789abcdef\n", {"PERSISTENCE Root Key": "0123456789abcdef"}),
        (
            "Hashed root keys of database 3\n\nDPAPI Root Key = 0123456789ABCDEF\r\nLOG Root Key = ffff456789abcdef\n",
            {"DPAPI Root Key": "0123456789ABCDEF", "LOG Root Key": "ffff456789abcdef"},
        ),
        (
            "  BACKUP   Root Key   47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            {"BACKUP Root Key": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
        ),
    ],
)
def test_hashes(text: str, found: dict[str, str]) -> None:
    assert host.hashes(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it says: nothing"),
        ("usage: hdbnsutil ...", "it says: usage"),
        ("something: 0123456789abcdef", "not understood"),
        ("LOG Root Key: 0123456789abcdef\nLOG Root Key: 1123456789abcdef", "twice"),
    ],
)
def test_what_is_not_understood_is_a_failure(text: str, words: str) -> None:
    with pytest.raises(Failed, match=words):
        host.hashes(text)


@pytest.mark.parametrize("body", ["getpass.getpass('Enter password: ')", "input('Password:')"])
def test_the_password_is_written_where_it_is_asked_for(tmp_path: Path, body: str) -> None:
    path = program(tmp_path, f"open({str(tmp_path / 'got')!r}, 'w').write({body})")
    host.Hdbnsutil(path, 3, 30).recover("/x.rkb", SECRET, host.PROMPT)
    assert (tmp_path / "got").read_text() == SECRET
    assert (tmp_path / "argv").read_text() == "['-recoverRootKeys', '/x.rkb', '--dbid=3', '--type=ALL']\n"


def test_the_password_is_on_the_command_line_only_when_that_is_asked_for(tmp_path: Path) -> None:
    host.Hdbnsutil(program(tmp_path, ""), 3, 30).validate("/x.rkb", SECRET, host.ARGUMENT)
    assert (tmp_path / "argv").read_text() == f"['-validateRootKeysBackup', '/x.rkb', '--password={SECRET}']\n"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("print(sys.argv); sys.exit(3)", Failed),
        ("print('error: SSFS-4218', getpass.getpass('password: '))", Failed),
        ("time.sleep(60)", TimedOut),
        ("getpass.getpass('password: '); time.sleep(60)", Unknown),
        (
            "os.close(0); os.close(1); os.close(2); signal.signal(signal.SIGHUP, signal.SIG_IGN); time.sleep(60)",
            TimedOut,
        ),
    ],
)
def test_what_fails_or_hangs_is_told_without_the_password(
    tmp_path: Path, body: str, kind: type[LandscapeError]
) -> None:
    with pytest.raises(kind) as caught:
        host.Hdbnsutil(program(tmp_path, body), 3, 1.5).recover("/x.rkb", SECRET, host.PROMPT)
    assert SECRET not in str(caught.value.as_result())


def test_an_import_by_argument_that_hangs_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(Unknown) as caught:
        host.Hdbnsutil(program(tmp_path, "print(sys.argv, flush=True); time.sleep(60)"), 3, 1).recover(
            "/x.rkb", SECRET, host.ARGUMENT
        )
    assert SECRET not in str(caught.value.as_result())


def test_without_the_program(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="there is no"):
        host.Hdbnsutil(str(tmp_path / "none"), 3, 5).hashes()


def test_what_it_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "prd.rkb"
    host.guard(str(file), new=True)
    host.Hdbnsutil(program(tmp_path, "open(sys.argv[2], 'w').write('keys')"), 3, 30).back_up(str(file))
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "prd.rkb").touch()
    with pytest.raises(Failed, match="there already"):
        host.guard(str(tmp_path / "prd.rkb"), new=True)


def test_a_folder_that_others_enter_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prd.rkb"
    file.touch(mode=0o644)
    tmp_path.chmod(0o755)
    with pytest.raises(Denied, match="others can enter"):
        host.guard(str(file), new=False)
    tmp_path.chmod(0o700)
    host.guard(str(file), new=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(Denied, match="no regular file"):
        host.guard(str(tmp_path / "link"), new=False)
    with pytest.raises(Failed, match="No such file"):
        host.guard(str(tmp_path / "none"), new=False)


def test_removing(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    assert host.remove(str(tmp_path / "keys")) is True
    assert host.remove(str(tmp_path / "keys")) is False
    assert not os.path.lexists(tmp_path / "keys")


def test_whose_host_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAPSYSTEMNAME", "QAS")
    host.confirm("QAS")
    with pytest.raises(Denied, match="belongs to QAS"):
        host.confirm("PRD")
    monkeypatch.delenv("SAPSYSTEMNAME")
    with pytest.raises(Denied, match="not set"):
        host.confirm("QAS")


def test_the_host_part_needs_no_driver() -> None:
    text = Path(host.__file__).read_text(encoding="utf-8")
    assert "import link" not in text and "hdbcli import" not in text and "_hana.link" not in text
