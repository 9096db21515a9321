# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a person finds a record."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.records import Entry, Records


@pytest.mark.parametrize(
    ("records", "place"),
    [
        (Records("hosts", [{}, {}]), "hosts[1]"),
        (Records("hosts", [{}, {}], origin="prd.yml"), "prd.yml: hosts[1]"),
        (Records("hosts", [{}, {}], lines=(2, 7)), "hosts line 7"),
        (Records("hosts", [{}, {}], lines=(2, 7), origin="hosts.csv"), "hosts.csv line 7"),
    ],
)
def test_a_place_is_what_the_source_itself_counts(records: Records, place: str) -> None:
    assert records.place(1) == place
    assert Entry({"name": "prdapp1"}, records, 1).place == f'{place} "prdapp1"'


@pytest.mark.parametrize(
    ("fields", "called"),
    [
        ({"name": "PRD", "id": "7"}, ' "PRD"'),
        ({"name": None, "id": "7"}, ' "7"'),
        ({"name": "", "id": 7}, ' "7"'),
        ({"id": ""}, ""),
        ({"name": ["PRD"]}, ""),
        ({"name": {"value": "PRD"}, "id": "7"}, ""),
        ({}, ""),
    ],
)
def test_a_record_is_called_by_its_name_or_its_id_where_it_has_one(fields: dict[str, t.Any], called: str) -> None:
    assert Entry(fields, Records("hosts", [fields]), 0).place == f"hosts[0]{called}"
