# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a database by the options; what leaves open which one is meant."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._hana.options import address_of, advice, hana_spec
from tests.unit.plugins.module_utils.taken import taken, validated

WHO = {"hana_user": "BACKUP", "hana_password": "Secret-1"}
HOST = {"hana_host": "db", "hana_instance": "00", **WHO}


def options(**given: Any) -> dict[str, Any]:
    return taken(hana_spec(), given)


@pytest.mark.parametrize(("number", "port"), [("00", 30013), ("7", 30713), ("97", 39713)])
def test_an_instance_leads_to_its_system_database(number: str, port: int) -> None:
    found = address_of(options(**{**HOST, "hana_instance": number}))
    assert (found.port, found.database) == (port, "SYSTEMDB")


def test_a_tenant_is_reached_through_the_port_of_its_system_database() -> None:
    found = address_of(options(**HOST, hana_database="qas"))
    assert (found.port, found.database) == (30013, "QAS")


def test_a_port_is_taken_as_it_is() -> None:
    assert address_of(options(hana_host="db", hana_port="30041", **WHO)).port == 30041


def test_a_key_needs_nothing_beside_it() -> None:
    found = address_of(options(hana_key="BACKUPKEY"))
    assert (found.key, found.host, found.port, found.user, found.database) == (
        "BACKUPKEY",
        None,
        None,
        None,
        "SYSTEMDB",
    )


def test_each_option_has_its_own_place() -> None:
    given = {
        **HOST,
        "hana_encrypt": "no",
        "hana_ca_file": "/tmp/ca.pem",
        "hana_verify": "no",
        "hana_certificate_host": "db.example.com",
        "hana_connect_timeout": "3",
        "hana_timeout": "4",
    }
    found = address_of(options(**given))
    assert found[:6] == ("db", 30013, "SYSTEMDB", None, "BACKUP", "Secret-1")
    assert found[6:] == (False, "/tmp/ca.pem", False, "db.example.com", 3.0, 4.0)
    assert "Secret-1" not in found.label and "BACKUP" not in found.label
    assert address_of(options(**{**given, "hana_verify": "yes"}))[6:9] == (False, "/tmp/ca.pem", True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hana_key": "K", "hana_host": "db"}, "mutually exclusive: hana_key|hana_host"),
        ({"hana_key": "K", **WHO}, "mutually exclusive: hana_key|hana_user"),
        ({**HOST, "hana_port": 30013}, "mutually exclusive: hana_port|hana_instance"),
        (WHO, "one of the following is required: hana_key, hana_host"),
        ({"hana_host": "db", "hana_user": "BACKUP"}, "required together: hana_user, hana_password"),
        ({"hana_host": "db", "hana_password": "Secret-1"}, "required together: hana_user, hana_password"),
        ({"hana_key": "K", "hana_port": 30013}, "required by 'hana_port': hana_host"),
        ({"hana_key": "K", "hana_instance": "00"}, "required by 'hana_instance': hana_host"),
    ],
)
def test_options_that_contradict_each_other(given: dict[str, Any], words: str) -> None:
    _found, errors = validated(hana_spec(), given)
    assert any(words in error for error in errors), errors


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hana_instance": None}, "needs hana_port or hana_instance"),
        ({"hana_user": None, "hana_password": None}, "needs hana_user and hana_password, or use hana_key"),
        ({"hana_host": " "}, "hana_host is empty"),
        ({"hana_host": ""}, "hana_host is empty"),
        ({"hana_user": "\t"}, "hana_user is empty"),
        ({"hana_database": " "}, "hana_database is empty"),
        ({"hana_instance": "98"}, "hana_instance.*00 to 97"),
        ({"hana_instance": ""}, "hana_instance.*00 to 97"),
        ({"hana_timeout": 0}, "hana_timeout must be greater"),
        ({"hana_timeout": "nan"}, "hana_timeout must be greater"),
        ({"hana_connect_timeout": -1}, "hana_connect_timeout must be greater"),
    ],
)
def test_what_cannot_be_right(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        address_of(options(**{name: value for name, value in {**HOST, **given}.items() if value is not None}))


def test_an_empty_key_is_no_way_to_the_first_best_database() -> None:
    with pytest.raises(BadInput, match="hana_key is empty"):
        address_of(options(hana_key=""))
    with pytest.raises(BadInput, match="greater than 0"):
        address_of(options(hana_key="K", hana_timeout=0))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (HOST, []),
        ({"hana_key": "K"}, []),
        ({**HOST, "hana_user": "system"}, ["hana_user is SYSTEM"]),
        ({**HOST, "hana_user": '"SYSTEM"'}, ["hana_user is SYSTEM"]),
        ({**HOST, "hana_user": "SYSTEMS"}, []),
        ({**HOST, "hana_encrypt": False}, ["hana_encrypt is false"]),
        ({**HOST, "hana_verify": False}, ["hana_verify is false"]),
        ({**HOST, "hana_encrypt": False, "hana_verify": False}, ["hana_encrypt is false"]),
        ({**HOST, "hana_user": "SYSTEM", "hana_verify": False}, ["hana_user is SYSTEM", "hana_verify is false"]),
    ],
)
def test_advice(given: dict[str, Any], said: list[str]) -> None:
    found = advice(options(**given))
    assert len(found) == len(said) and all(text.startswith(words) for text, words in zip(found, said, strict=True))
