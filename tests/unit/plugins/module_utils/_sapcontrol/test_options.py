# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of an instance by the options; what the options do not take."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.link import SOCKET, Link
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.options import address_of, sapcontrol_spec
from tests.unit.plugins.module_utils.taken import taken, validated


def options(**given: Any) -> dict[str, Any]:
    return taken(sapcontrol_spec(), given)


def test_each_option_has_its_own_place() -> None:
    found = address_of(
        options(
            sapcontrol_url="https://app:5{nr}14",
            sapcontrol_socket="/tmp/s{nr}",
            sapcontrol_user="prdadm",
            sapcontrol_password="Secret-1",
            sapcontrol_ca_file="/tmp/ca.pem",
            sapcontrol_verify="no",
            sapcontrol_timeout="7.5",
        ),
        "7",
    )
    assert found._asdict() == {
        "number": "07",
        "url": "https://app:5{nr}14",
        "socket_path": "/tmp/s{nr}",
        "user": "prdadm",
        "password": "Secret-1",
        "ca_file": "/tmp/ca.pem",
        "verify": False,
        "timeout": 7.5,
    }


@pytest.mark.parametrize("given", [{}, {"sapcontrol_url": None}, {"sapcontrol_url": ""}])
def test_without_a_url_it_is_the_socket_of_the_instance(given: dict[str, Any]) -> None:
    found = address_of(options(**given), 1)
    assert (found.url, found.socket_path, found.verify) == (None, SOCKET, True)
    assert Link(found).name == "/tmp/.sapstream50113"


@pytest.mark.parametrize("number", ["98", "99", "100", "-1", "", "x", None, "1.0", "٣"])
def test_a_number_that_is_none_is_refused(number: Any) -> None:
    with pytest.raises(BadInput, match="00 to 97"):
        address_of(options(), number)


@pytest.mark.parametrize("alone", [{"sapcontrol_user": "prdadm"}, {"sapcontrol_password": "Secret-1"}])
def test_user_without_password_is_refused(alone: dict[str, str]) -> None:
    _found, errors = validated(sapcontrol_spec(), alone)
    assert len(errors) == 1 and "sapcontrol_user, sapcontrol_password" in errors[0] and "Secret-1" not in errors[0]


def test_what_an_empty_option_says_is_never_dropped_on_the_way() -> None:
    found = address_of(options(sapcontrol_user="", sapcontrol_password=""), "00")
    assert (found.user, found.password) == ("", "")
    with pytest.raises(BadInput, match="belong together"):
        Link(found)
