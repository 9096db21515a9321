# SPDX-License-Identifier: GPL-3.0-or-later
"""What catalogs mean: retention, chains, states that nobody knows."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.basis.landscape.plugins.module_utils._errors import Failed
from ansible_collections.basis.landscape.plugins.module_utils._hana import model

NOW = dt.datetime(2026, 5, 20, 12, 0, tzinfo=dt.UTC)


def entry(days: float, kind: str = model.FULL, state: str = model.GOOD) -> model.Backup:
    """A backup that began so many days ago."""
    began = NOW - dt.timedelta(days=days)
    number = int(began.timestamp() * 1000)
    return model.Backup(number, kind, state, began, began + dt.timedelta(minutes=5))


@pytest.mark.parametrize(
    "ages, keep_days, keep_count, kept",
    [
        ((1, 8, 15, 22), 14, 1, 15),  # day 14 is recovered from the full backup of day 15
        ((1, 8, 15, 22), 15, 1, 22),  # that of day 15 began in time and ended too late
        ((1, 8, 15, 22), 14, 4, 22),
        ((1, 8, 15, 22), 3, 1, 8),
        ((1, 8, 15, 22), None, 2, 8),
        ((1, 8, 15, 22), 0, 1, 1),
        ((1, 8), 14, 1, None),  # nothing is old enough
        ((1, 8), None, 3, None),  # fewer than are to be kept
        ((), 14, 1, None),
    ],
)
def test_cut(ages: tuple[float, ...], keep_days: float | None, keep_count: int, kept: float | None) -> None:
    cut = model.retention_cut([entry(age) for age in ages], NOW, keep_days, keep_count)
    assert (cut.anchor and cut.anchor.id) == (entry(kept).id if kept is not None else None)
    assert cut.why


@pytest.mark.parametrize("state", ["failed", "canceled", "running", "cancel pending", "prepared", "marvellous"])
def test_only_what_ended_well_counts(state: str) -> None:
    cut = model.retention_cut([entry(20), entry(16, state=state), entry(1)], NOW, 14, 1)
    assert cut.anchor is not None and cut.anchor.id == entry(20).id


@given(
    st.lists(
        st.tuples(
            st.floats(0, 60, allow_nan=False),
            st.sampled_from([model.FULL, model.FULL, model.DIFFERENTIAL, model.INCREMENTAL]),
            st.sampled_from([model.GOOD, model.GOOD, "failed"]),
        ),
        max_size=25,
        unique_by=lambda row: round(row[0], 3),
    ),
    st.one_of(st.none(), st.floats(0, 60, allow_nan=False)),
    st.integers(1, 5),
    st.floats(0, 60, allow_nan=False),
)
def test_whatever_is_kept_can_be_recovered(
    rows: list[tuple[float, str, str]], keep_days: float | None, keep_count: int, wish: float
) -> None:
    catalog = [entry(round(age, 3), kind, state) for age, kind, state in rows]
    cut = model.retention_cut(catalog, NOW, keep_days, keep_count)
    if cut.anchor is None:
        return
    kept = [backup for backup in catalog if backup.id >= cut.anchor.id]
    assert sum(backup.kind == model.FULL and backup.good for backup in kept) >= keep_count
    # An instant of the kept days is recovered by the very same chain after the cut as before it.
    if keep_days is not None and wish <= keep_days:
        instant = NOW - dt.timedelta(days=wish)
        assert model.chain_to(kept, instant) == model.chain_to(catalog, instant) != []


@pytest.mark.parametrize(
    "kinds, chain",
    [
        ("F", "F"),
        ("FI", "FI"),
        ("FIID", "FD"),
        ("FIDI", "FDI"),
        ("FIF", "F"),
        ("FIFI", "FI"),
        ("I", ""),
        ("", ""),
    ],
)
def test_chain(kinds: str, chain: str) -> None:
    names = {"F": model.FULL, "I": model.INCREMENTAL, "D": model.DIFFERENTIAL}
    entries = [entry(10 - place, names[letter]) for place, letter in enumerate(kinds)]
    assert "".join(backup.kind[0].upper() for backup in model.chain_to(entries, None)) == chain


def test_a_backup_that_ended_after_the_instant_is_not_used() -> None:
    early, late = entry(2), entry(1)
    assert late.started is not None
    assert model.chain_to([late, early], late.started + dt.timedelta(minutes=1)) == [early]


def row(**more: object) -> dict[str, object]:
    return {
        "BACKUP_ID": 1715706803401,
        "ENTRY_TYPE_NAME": "complete data backup",
        "STATE_NAME": "successful",
        "UTC_START_TIME": dt.datetime(2024, 5, 14, 17, 13, 23),
        "UTC_END_TIME": None,
        **more,
    }


def test_what_nobody_knows_is_neither_good_nor_running() -> None:
    strange = model.Backup.read(row(ENTRY_TYPE_NAME="quantum backup", STATE_NAME="entangled"))
    assert (strange.kind, strange.known, strange.good, strange.running) == ("quantum backup", False, False, False)


def test_instants_of_utc_columns_are_utc() -> None:
    backup = model.Backup.read(row())
    assert model.text(backup.started) == "2024-05-14T17:13:23Z" and backup.ended is None and backup.seconds is None
    with pytest.raises(Failed, match="no timestamp"):
        model.utc("2024-05-14")


def test_progress_of_another_backup_does_not_count() -> None:
    rows = [
        {"BACKUP_ID": 1, "BACKUP_SIZE": 100, "TRANSFERRED_SIZE": 100},
        {"BACKUP_ID": 2, "BACKUP_SIZE": 300, "TRANSFERRED_SIZE": 60},
        {"BACKUP_ID": 2, "BACKUP_SIZE": 100, "TRANSFERRED_SIZE": 20},
    ]
    assert model.Progress.read(rows, 2).percent == 20
    assert model.Progress.read(rows, 3).percent is None
