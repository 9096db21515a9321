# SPDX-License-Identifier: GPL-3.0-or-later
"""The address by the options; what cannot be right is told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._rfc.options import address_of, advice, rfc_spec


def options(**given: Any) -> dict[str, Any]:
    usual = {name: option.get("default") for name, option in rfc_spec().options.items()}
    usual.update(rfc_host="app", rfc_instance="0", rfc_client="100", rfc_user="AUTO", rfc_password="Secret-1")
    return {**usual, **given}


def test_an_application_server() -> None:
    found = address_of(options())
    assert (found.host, found.instance, found.client, found.provider) == ("app", "00", "100", "auto")
    assert "Secret-1" not in found.label and "AUTO" not in found.label


def test_the_soap_action_is_empty_unless_it_is_said() -> None:
    assert address_of(options()).soap_action == ""
    assert address_of(options(rfc_soap_action="urn:x")).soap_action == "urn:x"


def test_snc_stands_in_for_a_password() -> None:
    found = address_of(options(rfc_user=None, rfc_password=None, rfc_snc_partner="p:CN=PRD", rfc_snc_qop="9"))
    assert found.snc == {"snc_mode": "1", "snc_partnername": "p:CN=PRD", "snc_qop": "9"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rfc_client": "1"}, "three digits"),
        ({"rfc_soap_action": '""'}, "without quotes"),
        ({"rfc_soap_action": "urn:x\r\nHost: y"}, "without quotes or blanks"),
        ({"rfc_client": "abc"}, "three digits"),
        ({"rfc_host": " "}, "rfc_host is empty"),
        ({"rfc_router": ""}, "rfc_router is empty"),
        ({"rfc_instance": "98"}, "00 to 97"),
        ({"rfc_timeout": 0}, "greater than 0"),
        ({"rfc_timeout": float("inf")}, "finite"),
        ({"rfc_timeout": float("nan")}, "finite"),
        ({"rfc_user": None, "rfc_password": None}, "who logs on"),
        ({"rfc_host": None, "rfc_url": "https://app:44300"}, "rfc_provider: soap"),
        ({"rfc_host": None, "rfc_url": "http://app:8000", "rfc_provider": "soap"}, "https://"),
        ({"rfc_host": None, "rfc_url": "https://u:p@app", "rfc_provider": "soap"}, "must not carry"),
    ],
)
def test_what_cannot_be_right(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        address_of(options(**given))


def test_advice() -> None:
    assert advice(options()) == []
    assert "DDIC" in advice(options(rfc_user="ddic"))[0]
    assert "rfc_verify" in advice(options(rfc_url="https://app", rfc_verify=False))[0]
