# SPDX-License-Identifier: GPL-3.0-or-later
"""When an instance may be touched although a cluster may own it."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._errors import Denied
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import Address, connect
from ansible_collections.basis.landscape.plugins.module_utils._steps.cluster import refuse_behind_the_cluster
from tests.unit.plugins.module_utils._sapcontrol.peer import Peer, fault, http, say, soap

OWNED = http(
    200, soap("HAGetFailoverConfigResponse", "<HAActive>true</HAActive><HAProductVersion>P</HAProductVersion>")
)
FREE = http(200, soap("HAGetFailoverConfigResponse", "<HAActive>false</HAActive>"))
MAINTENANCE = http(200, soap("HACheckMaintenanceModeResponse"))


def ask(policy: str, *replies: bytes, clustered: bool = False) -> int:
    """Ask against these replies; how many questions were asked."""
    with Peer(*(say(reply) for reply in replies or (http(404, b""),))) as peer:
        client = connect(Address("01", url=f"http://127.0.0.1:{peer.port}"), "PRD/01")
        try:
            refuse_behind_the_cluster(client, policy, clustered)
        finally:
            client.close()
        return len(peer.requests)


def test_no_cluster() -> None:
    assert ask("refuse", FREE) == 1


def test_a_cluster_in_maintenance() -> None:
    assert ask("refuse", OWNED, MAINTENANCE) == 2


def test_a_cluster_that_only_the_cmdb_knows_of() -> None:
    with pytest.raises(Denied) as caught:
        ask("refuse", FREE, clustered=True)
    assert caught.value.reason == "cluster_unclear"
    assert ask("refuse", OWNED, MAINTENANCE, clustered=True) == 2
    assert ask("ignore", clustered=True) == 0


def test_whoever_ignores_the_cluster_asks_nothing() -> None:
    assert ask("ignore") == 0


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ((OWNED, http(500, fault("Maintenance mode is not active"))), "cluster_owned"),
        ((http(500, fault("Not supported")),), "cluster_unclear"),
        ((http(200, soap("HAGetFailoverConfigResponse")),), "cluster_unclear"),
        ((http(200, b"<html/>"),), "cluster_unclear"),
        ((http(401, b""),), "credentials"),
        ((OWNED, http(401, b"")), "credentials"),
    ],
)
def test_every_other_answer_is_a_refusal(replies: tuple[bytes, ...], reason: str) -> None:
    with pytest.raises(Denied) as caught:
        ask("refuse", *replies)
    assert caught.value.reason == reason


def test_an_answer_about_maintenance_that_says_nothing_does_not_let_it_pass() -> None:
    with pytest.raises(Exception, match="HTTP 404"):
        ask("refuse", OWNED, http(404, b""))
