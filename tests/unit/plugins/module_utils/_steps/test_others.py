# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the other instances of a system are asked, and which answer counts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import (
    Address,
    connect,
    model,
    sapcontrol_spec,
)
from ansible_collections.basis.landscape.plugins.module_utils._steps.others import Others
from tests.unit.plugins.module_utils._sapcontrol.peer import Peer, http, say, soap

WHO = model.Identity("PRD", "01", "D01", "App1", (), ())
ADM = {"sapcontrol_user": "prdadm", "sapcontrol_password": "x"}
URL = "https://app1.example.com:5{nr}14"


def others(**options: Any) -> Others:
    params = {name: option.get("default") for name, option in sapcontrol_spec().options.items()}
    return Others({**params, **options}, connect(Address("01"), "PRD/01"), WHO)


def row(host: str, number: str, http_port: int = 50013, https_port: int = 50014) -> model.Instance:
    return model.Instance(host, number, http_port, https_port, 1.0, (), "GREEN")


@pytest.mark.parametrize(
    ("options", "instance", "url", "user"),
    [
        ({}, row("app1", "02"), None, None),
        ({}, row("cs", "00"), "http://cs:50013", None),
        ({}, row("cs", "00", https_port=0), "http://cs:50013", None),
        (ADM, row("cs", "00"), "https://cs:50014", "prdadm"),
        ({**ADM, "sapcontrol_verify": False}, row("cs", "00"), "https://cs:50014", None),
        ({**ADM, "sapcontrol_url": URL}, row("APP1", "02"), URL, "prdadm"),
        ({**ADM, "sapcontrol_url": URL}, row("cs", "00"), "https://cs.example.com:50014", "prdadm"),
        ({**ADM, "sapcontrol_url": URL}, row("cs.other", "00"), "https://cs.other:50014", "prdadm"),
        ({"sapcontrol_url": "https://192.0.2.1"}, row("cs", "00"), "https://cs:50014", None),
        ({**ADM, "sapcontrol_url": "http://127.0.0.1:50113"}, row("app1", "02"), "http://127.0.0.1:50013", None),
        ({"sapcontrol_url": "https://[::1]:50114"}, row("app1", "02"), "https://[::1]:50014", None),
        ({"sapcontrol_url": "https://[::1]:50114"}, row("cs", "00"), "https://cs:50014", None),
    ],
)
def test_where_an_instance_is_asked(
    options: dict[str, Any], instance: model.Instance, url: str | None, user: str | None
) -> None:
    address = others(**options).address(instance)
    assert address is not None
    assert (address.number, address.url, address.user) == (instance.number, url, user)
    assert (address.password is None) == (user is None)


def test_no_port_is_no_way() -> None:
    found = others(**ADM)
    assert found.client(row("cs", "00", https_port=0)) is None
    assert "no port" in found.why_not(row("cs", "00"))


def identity(sid: str, number: str) -> bytes:
    rows = {"SAPSYSTEMNAME": sid, "SAPSYSTEM": number, "INSTANCE_NAME": "ASCS00", "SAPLOCALHOST": "cs"}
    items = "".join(f"<item><property>{name}</property><value>{value}</value></item>" for name, value in rows.items())
    return http(200, soap("GetInstancePropertiesResponse", f"<properties>{items}</properties>"))


def test_an_instance_that_says_who_it_is_is_asked_once_for_that() -> None:
    with Peer(say(identity("PRD", "00"))) as peer:
        found, instance = others(), row("127.0.0.1", "00", peer.port)
        client = found.client(instance)
        assert client is not None and found.client(instance) is client
        client.close()
    assert len(peer.requests) == 1


@pytest.mark.parametrize(("sid", "number"), [("QAS", "00"), ("PRD", "07")])
def test_another_instance_at_that_place_is_not_it(sid: str, number: str) -> None:
    with Peer(say(identity(sid, number))) as peer:
        found, instance = others(), row("127.0.0.1", "00", peer.port)
        assert found.client(instance) is None
        assert f"belongs to {sid}/{number}/ASCS00" in found.why_not(instance)


def test_one_that_does_not_answer_is_tried_again_only_when_that_is_wanted() -> None:
    with Peer(say(http(404, b"")), say(identity("PRD", "00"))) as peer:
        found, instance = others(), row("127.0.0.1", "00", peer.port)
        assert found.client(instance) is None
        assert found.client(instance) is None and len(peer.requests) == 1
        client = found.client(instance, again=True)
        assert client is not None
        client.close()
