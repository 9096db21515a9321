# SPDX-License-Identifier: GPL-3.0-or-later
"""The CMDB door through real sockets."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest

from tests.simulator.launch import Simulator
from tests.unit.simulator.samples import http_json


def get(sim: Simulator, path: str, scheme: str = "Bearer") -> tuple[int, Any, dict[str, str]]:
    """GET a path with the token."""
    token = sim.info["cmdb"]["token"]
    status, body, headers = http_json(sim.info["cmdb"]["http"] + path, {"Authorization": f"{scheme} {token}"})
    return status, json.loads(body), headers


def test_the_native_form_in_pages(sim: Simulator) -> None:
    rows: list[dict[str, Any]] = []
    path: str | None = "/api/landscape/instances?limit=4"
    pages = 0
    while path:
        status, body, _headers = get(sim, path)
        assert status == 200 and body["total"] == 6
        rows += body["items"]
        path = body["next"] and body["next"].removeprefix(sim.info["cmdb"]["http"])
        pages += 1
    assert pages == 2 and rows == sim.export()["instances"]
    assert get(sim, "/api/landscape")[1] == sim.export()


def test_addresses_are_those_in_use(sim: Simulator) -> None:
    hosts = {row["name"]: row["address"] for row in get(sim, "/api/landscape/hosts")[1]["items"]}
    assert hosts == {name: row["address"] for name, row in sim.info["hosts"].items()}
    assert len(set(hosts.values())) == 5


def test_servicenow_tables_follow_their_links(sim: Simulator) -> None:
    path = "/api/now/table/cmdb_ci_server?sysparm_limit=2&sysparm_fields=sys_id,name,ip_address"
    names: list[str] = []
    while path:
        _status, body, headers = get(sim, path)
        assert headers["X-Total-Count"] == "5"
        names += [row["name"] for row in body["result"]]
        assert all(set(row) == {"sys_id", "name", "ip_address"} for row in body["result"])
        link = re.search(r'<([^>]+)>;rel="next"', headers["Link"])
        path = link.group(1).removeprefix(sim.info["cmdb"]["http"]) if link else ""
    assert sorted(names) == sorted(sim.info["hosts"])


def test_servicenow_relations_join_the_records(sim: Simulator) -> None:
    servers = {r["sys_id"]: r["name"] for r in get(sim, "/api/now/table/cmdb_ci_server")[1]["result"]}
    applications = {r["sys_id"]: r for r in get(sim, "/api/now/table/cmdb_ci_appl")[1]["result"]}
    relations = get(sim, "/api/now/table/cmdb_rel_ci?sysparm_display_value=all")[1]["result"]
    runs_on = {
        applications[r["parent"]["value"]]["name"]: servers[r["child"]["value"]]
        for r in relations
        if r["type"]["display_value"] == "Runs on::Runs"
    }
    assert runs_on["D01"] == "prdapp1" and len(runs_on) == 6
    depends = {
        (r["parent"]["display_value"], r["child"]["display_value"])
        for r in relations
        if r["type"]["display_value"] == "Depends on::Used by"
    }
    assert depends == {("PRD", "HDP"), ("WD1", "PRD")}
    ident = next(ident for ident, row in applications.items() if row["name"] == "PRD")
    query = quote(f"parent={ident}^ORchild={ident}")
    assert len(get(sim, f"/api/now/table/cmdb_rel_ci?sysparm_query={query}")[1]["result"]) == 4 + 2


def test_netbox(sim: Simulator) -> None:
    status, body, _headers = get(sim, "/api/virtualization/virtual-machines/?limit=3", "Token")
    assert status == 200 and body["count"] == 4 and len(body["results"]) == 3 and body["next"]
    again = get(sim, body["next"].removeprefix(sim.info["cmdb"]["http"]), "Token")[1]
    assert len(again["results"]) == 1 and again["next"] is None and again["previous"]
    devices = get(sim, "/api/dcim/devices/", "Token")[1]["results"]
    assert [row["name"] for row in devices] == ["prddb"]
    assert devices[0]["primary_ip4"]["address"].endswith("/24")
    assert devices[0]["custom_fields"]["sap_instances"][0]["sid"] == "HDP"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic cmVhZGVyOndyb25n"}]
)
def test_credentials_are_checked(sim: Simulator, headers: dict[str, str]) -> None:
    status, body, answered = http_json(sim.info["cmdb"]["http"] + "/api/landscape", headers)
    assert status == 401 and json.loads(body)["error"]["message"] == "User Not Authenticated"
    assert answered["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/nothing", 404),
        ("/api/now/table/sys_user", 400),
        ("/api/landscape/hosts?limit=0", 400),
        ("/api/now/table/cmdb_ci_appl?sysparm_query=nameLIKEa", 400),
    ],
)
def test_what_it_does_not_know_is_refused(sim: Simulator, path: str, status: int) -> None:
    assert get(sim, path)[0] == status


def test_a_server_error_goes_away(sim: Simulator) -> None:
    sim.fault("server_error", door="cmdb", times=2)
    assert [get(sim, "/api/landscape/hosts")[0] for _count in range(3)] == [500, 500, 200]


def test_endless_pages(sim: Simulator) -> None:
    sim.fault("endless_pages", door="cmdb")
    for offset in (0, 1000, 100_000):
        body = get(sim, f"/api/landscape/hosts?limit=2&offset={offset}")[1]
        assert len(body["items"]) == 2 and body["next"]


def test_half_a_body(sim: Simulator) -> None:
    sim.fault("half_answer", door="cmdb")
    with pytest.raises(http.client.IncompleteRead):
        get(sim, "/api/landscape")


def test_tls_with_good_and_bad_certificates(sim: Simulator) -> None:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=sim.info["ca_file"])),
    )
    request = urllib.request.Request(
        sim.info["cmdb"]["https"] + "/api/landscape/hosts",
        headers={"Authorization": f"Bearer {sim.info['cmdb']['token']}"},
    )
    with opener.open(request, timeout=10) as answer:
        assert json.load(answer)["total"] == 5
    for fault in ("wrong_certificate", "expired_certificate"):
        number = sim.fault(fault, door="cmdb")
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            opener.open(request, timeout=10)
        sim.clear(number)
