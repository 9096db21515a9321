# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the CMDB room share: a small landscape."""

from __future__ import annotations

import copy
from typing import Any

import pytest

EXPORT: dict[str, Any] = {
    "hosts": [
        {"name": "prdapp1", "address": "127.0.1.1", "os": "rhel9", "environment": "production", "patch_group": "a"},
        {"name": "prdapp2", "address": "127.0.1.2", "os": "rhel9", "environment": "production", "patch_group": "b"},
        {"name": "prddb1", "address": "127.0.1.3", "os": "sles15", "attributes": {"rack": 12, "serial": "X"}},
        {"name": "web1"},
    ],
    "systems": [
        {"name": "PRD", "type": "abap", "windows": ["sunday"], "blackouts": ["year end"], "environment": "production"},
        {"name": "HDP", "sid": "HDP", "type": "hana", "windows": ["sunday"], "patch_group": "db"},
        {"name": "WD1", "type": "webdisp", "maintenance": "rolling"},
    ],
    "instances": [
        {"name": "ASCS00", "system": "PRD", "host": "prdapp1", "number": "00", "kind": "ascs"},
        {"name": "D01", "system": "PRD", "host": "prdapp1", "number": "01", "kind": "dialog"},
        {"name": "D01", "system": "PRD", "host": "prdapp2", "number": "01", "kind": "dialog", "start_priority": 5},
        {"name": "HDB02", "system": "HDP", "host": "prddb1", "number": "02", "kind": "hana", "cluster_owned": True},
        {"name": "W80", "system": "WD1", "host": "web1", "number": "80", "kind": "webdisp", "virtual_host": "www"},
    ],
    "relations": [
        {"source": "WD1", "target": "PRD", "type": "depends_on"},
        {"source": "PRD", "target": "HDP", "type": "depends_on"},
        {"source": "PRD/prdapp1/D01", "target": "PRD/prdapp1/ASCS00", "type": "depends_on"},
    ],
    "redundancy_groups": [
        {"name": "app servers", "members": ["PRD/prdapp1/D01", "PRD/prdapp2/D01"], "max_unavailable": 1}
    ],
    "calendars": [
        {
            "name": "sunday",
            "kind": "window",
            "timezone": "Europe/Berlin",
            "entries": [{"rrule": "FREQ=WEEKLY;BYDAY=SU", "start": "2026-01-04T22:00", "duration": "4h"}],
        },
        {
            "name": "year end",
            "kind": "blackout",
            "timezone": "Europe/Berlin",
            "entries": [{"start": "2026-12-20T00:00", "end": "2027-01-07T00:00"}],
        },
    ],
}


@pytest.fixture
def export() -> dict[str, Any]:
    """A native export without a defect; a copy of its own for every test."""
    return copy.deepcopy(EXPORT)
