# SPDX-License-Identifier: GPL-3.0-or-later
"""Which databases a person means, by what the system answers."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput, Failed, LandscapeError
from ansible_collections.basis.landscape.plugins.module_utils._hana.client import Client, Meant
from ansible_collections.basis.landscape.plugins.module_utils._hana.link import Address, Link


class Told:
    """A link to a system whose databases have the given status."""

    def __init__(self, status: dict[str, str | None], connected_to: str) -> None:
        self.address = Address(host="db", port=30013, database=connected_to)
        self.status = status
        self.asked = 0

    def ask(self, doing: str, sql: str, values: Any = ()) -> list[dict[str, Any]]:
        self.asked += 1
        if "M_DATABASES" in sql:
            return [{"DATABASE_NAME": name, "ACTIVE_STATUS": status} for name, status in self.status.items()]
        found = {"SYSTEM_ID": "PRD", "HOST": "db", "VERSION": "2.00", "USAGE": "TEST"}
        return [{**found, "DATABASE_NAME": self.address.database}]


def meant(names: list[str], status: dict[str, str | None], connected_to: str = "SYSTEMDB") -> Meant:
    return Client(cast(Link, Told(status, connected_to))).meant("back up", names)


def refused(names: list[str], status: dict[str, str | None], connected_to: str = "SYSTEMDB") -> LandscapeError:
    with pytest.raises(LandscapeError) as caught:
        meant(names, status, connected_to)
    return caught.value


def test_all_are_the_active_ones_and_the_others_are_named() -> None:
    status = {"SYSTEMDB": "YES", "PRD": "yes", "QAS": "NO", "DEV": "STARTING", "OLD": "STOPPING"}
    found = meant(["All"], {**status})
    assert found.names == ["SYSTEMDB", "PRD"]
    assert found.left_out == {
        "QAS": "stopped (M_DATABASES says NO)",
        "DEV": "starting (M_DATABASES says STARTING)",
        "OLD": "stopping (M_DATABASES says STOPPING)",
    }
    assert [text.split()[0] for text in found.warnings()] == ["QAS", "DEV", "OLD"]
    assert meant(["prd", "PRD"], {**status}) == Meant(["PRD"], {}), "who names what they want is not warned"


@pytest.mark.parametrize("odd", ["ODD", "", None, "YES "])
def test_a_status_that_nobody_knows_is_neither_active_nor_meant_to_be_down(odd: str | None) -> None:
    error = refused(["all"], {"SYSTEMDB": "YES", "QAS": odd})
    assert isinstance(error, Failed) and error.reason == "status_unknown" and "QAS" in error.message
    assert refused(["QAS"], {"SYSTEMDB": "YES", "QAS": odd}).reason == "not_active"
    assert meant(["SYSTEMDB"], {"SYSTEMDB": "YES", "QAS": odd}).names == ["SYSTEMDB"]


def test_none_is_never_all() -> None:
    told = Told({"SYSTEMDB": "YES"}, "SYSTEMDB")
    with pytest.raises(BadInput, match="is empty. Name the databases, or say all"):
        Client(cast(Link, told)).meant("back up", [])
    assert told.asked == 0
    error = refused(["all"], {"SYSTEMDB": "STOPPING", "QAS": "NO"})
    assert (
        error.reason == "not_active" and "SYSTEMDB is stopping" in error.message and "QAS is stopped" in error.message
    )


@pytest.mark.parametrize("status", [{}, {"QAS": "YES"}])
@pytest.mark.parametrize("names", [["all"], ["QAS"], ["SYSTEMDB"]])
def test_rows_that_are_hidden_are_no_answer(status: dict[str, str | None], names: list[str]) -> None:
    error = refused(names, status)
    assert error.reason == "not_shown" and "CATALOG READ" in error.message


def test_a_tenant_does_not_see_all() -> None:
    assert isinstance(refused(["all"], {"QAS": "YES"}, "QAS"), BadInput)
    assert meant(["qas"], {"QAS": "YES"}, "QAS").names == ["QAS"]
