# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery may ask of HANA, by its options and by what the catalog holds; nothing is sent here."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Denied, Failed
from ansible_collections.basis.landscape.plugins.module_utils._hana import model, recovery, wire
from ansible_collections.basis.landscape.plugins.module_utils._hana.model import Backup, File

UTC = datetime.UTC
NOW = datetime.datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> datetime.datetime:
    return datetime.datetime(2026, 3, 1, hour, minute, tzinfo=UTC)


def wish(**options: Any) -> recovery.Wish:
    usual = {
        "database": "qas",
        "to": "latest",
        "medium": "file",
        "clear_log": False,
        "unverified": [],
        "log_paths": [],
        "root_key_hashes": None,
    }
    return recovery.read({**usual, **options})


def statement(**options: Any) -> str:
    found = wish(**options)
    return wire.recover(found.database, **found.clauses(NOW))


COPY = {"source": "PRD@PRD", "clear_log": True, "root_key_hashes": {"source": {"LOG": "a"}, "target": {"LOG": "a"}}}


@pytest.mark.parametrize(
    ("options", "sql"),
    [
        ({}, """RECOVER DATABASE FOR "QAS" UNTIL TIMESTAMP '2026-03-03 12:00:00'"""),
        ({"clear_log": True}, """RECOVER DATABASE FOR "QAS" UNTIL TIMESTAMP '2026-03-03 12:00:00' CLEAR LOG"""),
        (
            {"to": "instant", "instant": "2026-03-01 04:00:00", "clear_log": True, "catalog_path": "/b/c"},
            "RECOVER DATABASE FOR \"QAS\" UNTIL TIMESTAMP '2026-03-01 04:00:00' CLEAR LOG USING CATALOG PATH ('/b/c')",
        ),
        (
            {"to": "instant", "instant": "2026-03-01T05:00:00+01:00", "log_paths": ["/l"], "data_path": "/d"},
            "RECOVER DATABASE FOR \"QAS\" UNTIL TIMESTAMP '2026-03-01 04:00:00' USING LOG PATH ('/l')"
            " USING DATA PATH ('/d')",
        ),
        (
            {"to": "instant", "instant": "2026-03-01 04:00:00", "medium": "snapshot", "clear_log": True},
            "RECOVER DATABASE FOR \"QAS\" UNTIL TIMESTAMP '2026-03-01 04:00:00' CLEAR LOG USING SNAPSHOT",
        ),
        (
            {"to": "backup", "prefix": "/b/it's", "clear_log": True},
            "RECOVER DATA FOR \"QAS\" USING FILE ('/b/it''s') CLEAR LOG",
        ),
        ({"to": "backup", "medium": "snapshot", "clear_log": True}, 'RECOVER DATA FOR "QAS" USING SNAPSHOT CLEAR LOG'),
        (
            {
                "to": "backup",
                "backup_id": 17,
                "clear_log": True,
                "catalog_path": "/c",
                "unverified": ["backup_id_catalog"],
            },
            "RECOVER DATA FOR \"QAS\" USING BACKUP_ID 17 USING CATALOG PATH ('/c') CLEAR LOG",
        ),
        (
            {**COPY, "medium": "backint", "unverified": ["source_backint"]},
            "RECOVER DATABASE FOR \"QAS\" UNTIL TIMESTAMP '2026-03-03 12:00:00' CLEAR LOG USING SOURCE 'PRD@PRD'"
            " USING CATALOG BACKINT",
        ),
        (
            {**COPY, "to": "backup", "backup_id": 17, "medium": "backint", "unverified": ["source_backint"]},
            "RECOVER DATA FOR \"QAS\" USING SOURCE 'PRD@PRD' USING BACKUP_ID 17 USING CATALOG BACKINT CLEAR LOG",
        ),
        (
            {
                "to": "backup",
                "prefix": "P",
                "medium": "backint",
                "clear_log": True,
                "unverified": ["recover_data_backint"],
            },
            "RECOVER DATA FOR \"QAS\" USING BACKINT ('P') CLEAR LOG",
        ),
        (
            {**COPY, "catalog_path": "/from/prd", "data_path": "/from/prd"},
            "RECOVER DATABASE FOR \"QAS\" UNTIL TIMESTAMP '2026-03-03 12:00:00' CLEAR LOG"
            " USING CATALOG PATH ('/from/prd') USING DATA PATH ('/from/prd')",
        ),
    ],
)
def test_statement(options: dict[str, Any], sql: str) -> None:
    assert statement(**options) == sql


def test_every_option_that_is_given_stands_in_the_statement() -> None:
    """Peers drop clear_log, or take an empty timestamp for none: here it is in the words, or an error."""
    sql = statement(
        to="instant",
        instant="2026-03-01 04:00:00",
        clear_log=True,
        catalog_path="/c",
        log_paths=["/l"],
        data_path="/d",
        backup_id=17,
    )
    for words in ("'2026-03-01 04:00:00'", "CLEAR LOG", "'/c'", "'/l'", "'/d'", "BACKUP_ID 17"):
        assert words in sql


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"database": "systemdb"}, "recoverSys.py"),
        ({"database": " "}, "database is empty"),
        ({"to": "instant", "instant": ""}, "instant is empty"),
        ({"to": "instant"}, "needs the option instant"),
        ({"to": "instant", "instant": "None"}, "is no instant"),
        ({"to": "instant", "instant": "2026-13-01 00:00:00"}, "is no instant"),
        ({"to": "instant", "instant": "2026-03-01T04:00:00"}, "has no zone"),
        ({"to": "instant", "instant": "2026-03-01 04:00:00.5"}, "fraction"),
        ({"instant": "2026-03-01 04:00:00"}, "to is latest"),
        ({"to": "backup", "prefix": "", "clear_log": True}, "prefix is empty"),
        ({"to": "backup", "clear_log": True}, "needs prefix or backup_id"),
        ({"to": "backup", "prefix": "P"}, "always throws away what is in the log area"),
        ({"to": "backup", "medium": "snapshot"}, "CLEAR LOG"),
        ({"to": "backup", "prefix": "P", "backup_id": 1, "clear_log": True}, "backup_id cannot be used here"),
        ({"to": "backup", "prefix": "P", "log_paths": ["/l"], "clear_log": True}, "log_paths cannot be used here"),
        ({"to": "backup", "medium": "snapshot", "data_path": "/d", "clear_log": True}, "data_path cannot be used"),
        ({"prefix": "P"}, "prefix cannot be used here"),
        ({"medium": "backint", "catalog_path": "/c"}, "catalog comes from backint"),
        ({"log_paths": ["/l", ""]}, "empty path"),
        ({"source": "PRD", "clear_log": True}, "tenant@SID"),
        ({"source": "PRD@PRD", "catalog_path": "/c"}, "CLEAR LOG is mandatory for a copy"),
        ({"source": "PRD@PRD", "clear_log": True}, "needs catalog_path"),
        ({"unverified": ["sourc_backint"]}, "unverified names sourc_backint"),
    ],
)
def test_refused_input(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        wish(**options)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("options", "forms"),
    [
        ({"medium": "backint"}, ["catalog_backint"]),
        ({"to": "backup", "prefix": "P", "medium": "backint", "clear_log": True}, ["recover_data_backint"]),
        ({"to": "backup", "backup_id": 1, "clear_log": True}, ["backup_id_catalog"]),
        ({"to": "backup", "backup_id": 1, "clear_log": True, "medium": "backint"}, ["backup_id_catalog"]),
        ({"log_paths": ["/a", "/b"]}, ["several_log_paths"]),
        ({"source": "P@PRD", "clear_log": True, "medium": "backint"}, ["source_backint", "root_keys"]),
        ({"source": "P@PRD", "clear_log": True, "catalog_path": "/c"}, ["root_keys"]),
    ],
)
def test_an_unverified_form_must_be_named(options: dict[str, Any], forms: list[str]) -> None:
    with pytest.raises(Denied) as caught:
        wish(**options)
    assert caught.value.facts["forms"] == forms
    assert f"unverified: [{', '.join(forms)}]" in (caught.value.cure or "")
    wish(**options, unverified=forms)


def entry(number: int, kind: str, hour: int, state: str = "successful") -> Backup:
    return Backup(number, kind, state, at(hour), at(hour, 30))


CATALOG = [
    entry(1, model.FULL, 1),
    entry(2, model.LOG, 2),
    entry(3, model.INCREMENTAL, 3),
    entry(4, model.FULL, 4, "failed"),
    entry(5, model.LOG, 5),
    entry(6, model.SNAPSHOT, 6),
    entry(7, model.FULL, 7),
    entry(8, model.LOG, 8),
    entry(9, model.LOG, 9, "failed"),
]


@pytest.mark.parametrize(
    ("options", "chain"),
    [
        ({"to": "latest"}, [7]),
        ({"to": "instant", "instant": "2026-03-01 04:45:00"}, [1, 3]),
        ({"to": "instant", "instant": "2026-03-01 03:15:00"}, [1]),
        ({"to": "instant", "instant": "2026-03-01 08:00:00", "medium": "snapshot"}, [6]),
        ({"to": "instant", "instant": "2026-03-01 08:00:00", "backup_id": 1}, [1]),
    ],
)
def test_reach(options: dict[str, Any], chain: list[int]) -> None:
    found = recovery.reach(CATALOG, wish(**options))
    assert [one.id for one in found.chain] == chain
    assert found.newest_log is not None and found.newest_log.id == 8, "a failed log backup holds nothing"
    recovery.refuse_too_short(found, wish(**options), False)


@pytest.mark.parametrize(
    ("options", "catalog", "words"),
    [
        ({"to": "instant", "instant": "2026-03-01 01:10:00"}, CATALOG, "no successful full backup that ended by"),
        ({"backup_id": 4}, CATALOG, "no successful data backup 4"),
        ({"medium": "snapshot"}, CATALOG[:5], "no successful data snapshot"),
        ({}, [], "no successful full backup"),
        ({"to": "instant", "instant": "2026-03-01 08:00:01"}, CATALOG, "stop there without an error"),
        ({"to": "instant", "instant": "2026-03-01 02:00:00"}, CATALOG[:1], "is of never"),
        ({}, [*CATALOG, entry(10, model.LOG_MISSING, 10)], r"missing logs (10)"),
    ],
)
def test_a_catalog_that_does_not_reach_is_refused(options: dict[str, Any], catalog: list[Backup], words: str) -> None:
    with pytest.raises(Failed) as caught:
        recovery.refuse_too_short(recovery.reach(catalog, wish(**options)), wish(**options), False)
    assert words in caught.value.message
    assert "compared" in caught.value.facts


def test_earlier_is_allowed_when_said_but_never_without_a_backup() -> None:
    late = wish(to="instant", instant="2026-03-01 23:00:00")
    recovery.refuse_too_short(recovery.reach(CATALOG, late), late, True)
    with pytest.raises(Failed):
        recovery.refuse_too_short(recovery.reach([], late), late, True)


def test_what_was_compared_is_told() -> None:
    early = wish(to="instant", instant="2026-03-01 04:45:00")
    assert recovery.reach(CATALOG, early).as_data(early) == {
        "wanted": "2026-03-01T04:45:00Z",
        "reaches": "2026-03-01T08:00:00Z",
        "newest_log_backup": 8,
        "backups": [1, 3],
        "missing_logs": [],
    }


def test_a_backup_without_files_is_refused() -> None:
    one = File(1, "indexserver", "h", "volume", "file", "/b/1", 5)
    recovery.refuse_without_files(CATALOG[:1], [one], "QAS")
    with pytest.raises(Failed, match="no file of the backup 3"):
        recovery.refuse_without_files([CATALOG[0], CATALOG[2]], [one], "QAS")


@pytest.mark.parametrize(
    ("usages", "allowed", "fine"),
    [
        (["CUSTOM"], None, True),
        (["TEST", "test"], None, True),
        (["PRODUCTION"], None, False),
        (["CUSTOM", "PRODUCTION"], None, False),
        (["PRODUCTION"], ["production"], True),
        (["CUSTOM"], ["TEST"], False),
        ([""], None, False),
        ([""], ["PRODUCTION"], False),
    ],
)
def test_usage(usages: list[str], allowed: list[str] | None, fine: bool) -> None:
    if fine:
        recovery.refuse_usage(usages, allowed, "QAS")
    else:
        with pytest.raises(Denied):
            recovery.refuse_usage(usages, allowed, "QAS")


def test_other_root_keys_are_refused_by_name() -> None:
    recovery.refuse_other_keys({"source": {"LOG": "a"}, "target": {"LOG": "a"}}, "QAS")
    with pytest.raises(Denied) as caught:
        recovery.refuse_other_keys({"source": {"LOG": "a", "X": "b"}, "target": {"LOG": "c"}}, "QAS")
    assert caught.value.facts["keys"] == ["LOG", "X"]
    with pytest.raises(BadInput, match="no hashes for target"):
        recovery.refuse_other_keys({"source": {"LOG": "a"}, "target": {}}, "QAS")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01 04:00:00", at(4)),
        ("2026-03-01T04:00:00Z", at(4)),
        ("2026-03-01T04:00:00.000Z", at(4)),
        ("2026-03-01 05:30:00+01:30", at(4)),
        ("2026-02-28T23:00:00-0500", at(4)),
    ],
)
def test_instant(text: str, moment: datetime.datetime) -> None:
    assert recovery.instant(text) == moment
