# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables are selected by groups, names, exceptions."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._r3trans import groups
from ansible_collections.basis.landscape.plugins.module_utils._r3trans.groups import Table, selection


def test_only_confirmed_groups_are_taken_unasked() -> None:
    assert groups.DEFAULT == (
        "rfc",
        "secure_store",
        "logon_groups",
        "tms",
        "ale_edi",
        "jobs",
        "licence",
        "sso_pse",
        "others",
    )
    assert not any(groups.GROUPS[name].confirmed for name in ("users", "clients", "transport", "profiles"))


def test_a_table_is_in_one_group_and_has_a_name() -> None:
    names = [table for group in groups.GROUPS.values() for table in group.tables]
    assert len(names) == len(set(names))
    assert [groups.table_name(name, "groups") for name in names] == names
    assert set(groups.ENCRYPTED) <= set(names)


def test_groups_with_own_tables_and_exceptions() -> None:
    found = selection(["licence", "sso_pse"], [{"name": "zown", "where": " A = 'B' "}], ["ssf_pse_d"])
    assert found == [
        Table("SAPLIKEY"),
        Table("SSF_PSE_H"),
        Table("TWPSSO2ACL"),
        Table("TWPSSO2APL"),
        Table("ZOWN", "A = 'B'"),
    ]


def test_a_condition_for_a_table_of_a_group() -> None:
    assert selection(["licence"], [{"name": "SAPLIKEY", "where": "X = '1'"}], []) == [Table("SAPLIKEY", "X = '1'")]
    assert selection([], [{"name": "/SDF/MON", "where": None}], []) == [Table("/SDF/MON")]


@pytest.mark.parametrize(
    ("names", "more", "exclude", "words"),
    [
        (["nothing"], [], [], "there is no nothing; there are rfc, "),
        ([], [], [], "no table is selected"),
        (["licence"], [], ["SAPLIKEY"], "no table is selected"),
        (["licence"], [], ["RFCDES"], "RFCDES is not among"),
        ([], [{"name": "Z"}, {"name": "z"}], [], "Z is there twice"),
        (["licence"], [{"name": "SAPLIKEY"}], ["SAPLIKEY"], "in the option tables, too"),
        ([], [{"name": "Z where"}], [], "no name of a table"),
        ([], [{"name": "1Z"}], [], "no name of a table"),
        ([], [{"name": "Z" * 31}], [], "no name of a table"),
        ([], [{"name": "Z", "where": ""}], [], "not empty"),
        ([], [{"name": "Z", "where": "WHERE A = 'B'"}], [], "without the word where"),
        ([], [{"name": "Z", "where": "A = 'B'\nselect * from USR02"}], [], "one line"),
        ([], [{"name": "Z", "where": "A = 'B"}], [], "a quote does not end"),
    ],
)
def test_what_cannot_be_selected(names: list[str], more: list[dict[str, Any]], exclude: list[str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        selection(names, more, exclude)
