# SPDX-License-Identifier: GPL-3.0-or-later
"""The CMDB door: the landscape as three kinds of CMDB would list it.

``/api/landscape/<hosts|systems|instances|relations|redundancy_groups|calendars>`` is our own paging form (``limit``,
``offset``; ``items``, ``total``, ``next``) plus ``/api/landscape`` with everything at once.
``/api/now/table/<table>`` follows ServiceNow's table API (basic or bearer authentication, ``sysparm_limit``,
``sysparm_offset``, ``X-Total-Count``, ``Link``). ``/api/dcim/devices/`` (hosts with a database) or
``/api/virtualization/virtual-machines/`` (the other hosts) follow NetBox (``Token`` authentication). From memory, not
captured: the headers of ServiceNow's paging, NetBox's shapes. Ours: the ``u_`` fields, NetBox's custom fields.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from .faults import Faults
from .journal import Journal
from .landscape import KINDS
from .web import Answer, Hang, Hangup, Request, as_json

HOST_FIELDS = ("environment", "patch_group", "owner", "failure_domain", "patch_level")
SYSTEM_FIELDS = ("sid", "type", "environment", "owner", "patch_group", "maintenance", "windows", "blackouts")
INSTANCE_FIELDS = ("sid", "number", "kind", "tier", "virtual_host", "start_priority", "cluster_owned")
PARTS = ("hosts", "systems", "instances", "relations", "redundancy_groups", "calendars")


def sys_id(*parts: str) -> str:
    """A stable identifier of 32 hexadecimal digits."""
    return hashlib.md5("/".join(parts).encode(), usedforsecurity=False).hexdigest()


class Cmdb:
    """The CMDB door."""

    def __init__(
        self,
        export: Callable[[], dict[str, Any]],
        journal: Journal,
        faults: Faults,
        user: str,
        password: str,
        token: str,
    ) -> None:
        self._export = export
        self.journal = journal
        self.faults = faults
        self._user, self._password, self._token = user, password, token

    def _known(self, request: Request) -> bool:
        scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() in ("bearer", "token"):
            return token == self._token
        return request.basic() == (self._user, self._password)

    async def handle(self, request: Request) -> Answer:
        """Answer one HTTP request."""
        entry = self.journal.note(door="cmdb", call=request.target, caller=request.caller)
        where = {"door": "cmdb", "operation": request.path}
        slow = self.faults.strike("slow", **where)
        if slow is not None:
            entry["fault"] = "slow"
            await asyncio.sleep(slow.seconds)
        for what in ("hang", "drop_before", "drop_after_accept", "server_error", "unauthorized", "denied", "not_soap"):
            if self.faults.strike(what, **where) is not None:
                entry["fault"] = what
                if what == "hang":
                    raise Hang
                if what.startswith("drop"):
                    raise Hangup
                if what == "not_soap":
                    return Answer(200, b"<html><body>Sign in</body></html>", "text/html")
                status = {"server_error": 500, "unauthorized": 401, "denied": 403}[what]
                return self._failure(status, "fault " + what)
        if not self._known(request):
            return self._failure(401, "User Not Authenticated")
        if request.method != "GET":
            return self._failure(405, "Method not allowed")
        answer = self._route(request)
        if self.faults.strike("half_answer", **where) is not None:
            entry["fault"] = "half_answer"
            answer.cut = True
        return answer

    @staticmethod
    def _failure(status: int, text: str) -> Answer:
        answer = as_json({"error": {"message": text, "detail": ""}, "status": "failure"}, status)
        if status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="Service-now"'
        return answer

    def _route(self, request: Request) -> Answer:
        path = request.path.rstrip("/")
        base = f"{'https' if request.tls else 'http'}://{request.headers.get('host', '127.0.0.1')}"
        endless = self.faults.strike("endless_pages", door="cmdb", operation=request.path) is not None
        try:
            if path == "/api/landscape":
                return as_json(self._export())
            if path.startswith("/api/landscape/") and path.rpartition("/")[2] in PARTS:
                return self._native(request, path.rpartition("/")[2], base, endless)
            if path.startswith("/api/now/table/"):
                return self._table(request, path.rpartition("/")[2], base, endless)
            if path in ("/api/virtualization/virtual-machines", "/api/dcim/devices"):
                return self._netbox(request, path, base, endless)
        except ValueError as error:
            return self._failure(400, f"Invalid query: {error}")
        return self._failure(404, f"Requested URI does not represent any resource: {path}")

    @staticmethod
    def _page(rows: list[Any], limit: int, offset: int, endless: bool) -> tuple[list[Any], bool]:
        if limit < 1 or offset < 0:
            raise ValueError("limit is at least 1, offset at least 0")
        if endless and rows:
            return [rows[(offset + index) % len(rows)] for index in range(limit)], True
        return rows[offset : offset + limit], offset + limit < len(rows)

    def _native(self, request: Request, part: str, base: str, endless: bool) -> Answer:
        limit, offset = int(request.query.get("limit", 100)), int(request.query.get("offset", 0))
        rows = self._export().get(part) or []
        page, more = self._page(rows, limit, offset, endless)
        following = f"{base}/api/landscape/{part}?limit={limit}&offset={offset + limit}" if more else None
        return as_json({"items": page, "total": len(rows), "next": following})

    # -- ServiceNow ---------------------------------------------------------------------------------------------------

    def _records(self, table: str, base: str) -> list[dict[str, Any]]:
        export = self._export()
        systems = {row["name"]: row for row in export.get("systems") or []}

        def reference(ident: str, of: str) -> dict[str, str]:
            return {"link": f"{base}/api/now/table/{of}/{ident}", "value": ident}

        def instance_id(row: dict[str, Any]) -> str:
            sid = row.get("sid") or systems[row["system"]].get("sid") or row["system"]
            return f"{sid}/{row['host']}/{row['name']}"

        if table in ("cmdb_ci_server", "cmdb_ci_linux_server"):
            return [
                {
                    "sys_id": sys_id("host", row["name"]),
                    "name": row["name"],
                    "sys_class_name": "cmdb_ci_linux_server",
                    "ip_address": row.get("address") or "",
                    "os": row.get("os") or "",
                    "operational_status": "1",
                    **{f"u_{field}": row.get(field) or "" for field in HOST_FIELDS},
                }
                for row in export.get("hosts") or []
            ]
        if table in ("cmdb_ci_appl", "cmdb_ci_service"):
            system_rows = [
                {
                    "sys_id": sys_id("system", row["name"]),
                    "name": row["name"],
                    "sys_class_name": "cmdb_ci_service",
                    "u_ci_type": "system",
                    **{f"u_{field}": self._flat(row.get(field)) for field in SYSTEM_FIELDS},
                }
                for row in systems.values()
            ]
            if table == "cmdb_ci_service":
                return system_rows
            instance_rows = [
                {
                    "sys_id": sys_id("instance", instance_id(row)),
                    "name": row["name"],
                    "sys_class_name": "cmdb_ci_appl",
                    "u_ci_type": "instance",
                    "u_system": row["system"],
                    **{f"u_{field}": self._flat(row.get(field)) for field in INSTANCE_FIELDS},
                }
                for row in export.get("instances") or []
            ]
            return system_rows + instance_rows
        if table == "cmdb_rel_ci":
            rows = []

            def relate(parent: str, child: str, kind: str, parent_name: str, child_name: str) -> None:
                rows.append(
                    {
                        "sys_id": sys_id(parent, child, kind),
                        "parent": reference(parent, "cmdb_ci"),
                        "child": reference(child, "cmdb_ci"),
                        "type": reference(sys_id("type", kind), "cmdb_rel_type"),
                        "parent.name": parent_name,
                        "child.name": child_name,
                        "type.name": kind,
                    }
                )

            for row in export.get("instances") or []:
                ident = sys_id("instance", instance_id(row))
                relate(ident, sys_id("host", row["host"]), "Runs on::Runs", row["name"], row["host"])
                relate(sys_id("system", row["system"]), ident, "Contains::Contained by", row["system"], row["name"])
            for row in export.get("relations") or []:
                ids = [
                    sys_id("system" if name in systems else "instance", name) for name in (row["source"], row["target"])
                ]
                relate(ids[0], ids[1], "Depends on::Used by", row["source"], row["target"])
            for system in systems.values():
                for target in system.get("depends_on") or []:
                    relate(
                        sys_id("system", system["name"]),
                        sys_id("system", target),
                        "Depends on::Used by",
                        system["name"],
                        target,
                    )
            return rows
        if table == "cmdb_rel_type":
            return [
                {"sys_id": sys_id("type", kind), "name": kind}
                for kind in ("Runs on::Runs", "Contains::Contained by", "Depends on::Used by")
            ]
        if table == "cmdb_ci_db_instance":
            return []
        raise KeyError(table)

    @staticmethod
    def _flat(value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (list, tuple)):
            return ",".join(str(item) for item in value)
        return "" if value is None else str(value)

    @staticmethod
    def _matches(record: dict[str, Any], query: str) -> bool:
        """``a=b^c=d^ORe=f``: AND of groups that OR extends; other operators are refused."""

        def value(name: str) -> str:
            found = record.get(name, "")
            return str(found["value"]) if isinstance(found, dict) else str(found)

        result = True
        for position, part in enumerate(re.split(r"\^(?!OR)|(?=\^OR)", query)):
            if not part or part.startswith("ORDERBY"):
                continue
            either = part.startswith("^OR")
            name, equals, wanted = part.removeprefix("^OR").partition("=")
            if not equals:
                raise ValueError(part)
            holds = value(name) != wanted if name.endswith("!") else value(name) == wanted
            if name.endswith("!"):
                holds = value(name[:-1]) != wanted
            result = (result or holds) if either and position else (result and holds)
        return result

    def _table(self, request: Request, table: str, base: str, endless: bool) -> Answer:
        query = request.query
        limit, offset = int(query.get("sysparm_limit", 10000)), int(query.get("sysparm_offset", 0))
        try:
            rows = self._records(table, base)
        except KeyError:
            return self._failure(400, f"Invalid table {table}")
        rows = [row for row in rows if self._matches(row, query.get("sysparm_query", ""))]
        page, more = self._page(rows, limit, offset, endless)
        fields = [name for name in query.get("sysparm_fields", "").split(",") if name]
        display = query.get("sysparm_display_value", "false")
        flat = query.get("sysparm_exclude_reference_link") == "true"
        result = []
        for row in page:
            shown = {}
            for name in fields or [key for key in row if "." not in key]:
                value = row.get(name, "")
                plain = value["value"] if isinstance(value, dict) else value
                words = row.get(f"{name}.name", plain)
                if display == "all":
                    shown[name] = {"display_value": words, "value": plain}
                    if isinstance(value, dict) and not flat:
                        shown[name]["link"] = value["link"]
                elif display == "true":
                    shown[name] = (
                        {"display_value": words, "link": value["link"]}
                        if isinstance(value, dict) and not flat
                        else words
                    )
                else:
                    shown[name] = plain if flat else value
            result.append(shown)
        headers = {"X-Total-Count": str(len(rows))}
        others = "&".join(
            f"{key}={quote(text, safe='')}"
            for key, text in query.items()
            if key not in ("sysparm_offset", "sysparm_limit")
        )
        links = [("first", 0)]
        if more:
            links.append(("next", offset + limit))
        links.append(("last", max(0, (len(rows) - 1) // limit * limit)))
        where = f"{base}/api/now/table/{table}?" + (others + "&" if others else "")
        headers["Link"] = ",".join(
            f'<{where}sysparm_limit={limit}&sysparm_offset={start}>;rel="{rel}"' for rel, start in links
        )
        return as_json({"result": result}, 200, **headers)

    # -- NetBox -------------------------------------------------------------------------------------------------------

    def _netbox(self, request: Request, path: str, base: str, endless: bool) -> Answer:
        export = self._export()
        limit, offset = int(request.query.get("limit", 50)), int(request.query.get("offset", 0))
        systems = {row["name"]: row for row in export.get("systems") or []}
        rows = []
        databases = {row["host"] for row in export.get("instances") or [] if row.get("kind") == "hana"}
        for number, host in enumerate(export.get("hosts") or [], 1):
            if (host["name"] in databases) != path.endswith("devices"):
                continue
            instances = [
                {
                    "name": row["name"],
                    "number": row["number"],
                    "kind": row.get("kind"),
                    "system": row["system"],
                    "sid": row.get("sid") or systems[row["system"]].get("sid") or row["system"],
                    **{field: row.get(field) for field in ("virtual_host", "start_priority", "cluster_owned")},
                    "tier": row.get("tier") or KINDS[row.get("kind") or "other"].tier,
                }
                for row in export.get("instances") or []
                if row["host"] == host["name"]
            ]
            address = {"id": number, "address": f"{host['address']}/24"} if host.get("address") else None
            rows.append(
                {
                    "id": number,
                    "url": f"{base}{path}/{number}/",
                    "name": host["name"],
                    "status": {"value": "active", "label": "Active"},
                    "role": {"id": 1, "name": "SAP", "slug": "sap"},
                    "site": {"id": 1, "name": host.get("failure_domain") or "main", "slug": "main"},
                    "platform": {"id": 1, "name": host.get("os") or "", "slug": "os"},
                    "primary_ip4": address,
                    "primary_ip": address,
                    "tags": [
                        {"name": instance["system"], "slug": instance["system"].lower()} for instance in instances
                    ],
                    "custom_fields": {**{field: host.get(field) for field in HOST_FIELDS}, "sap_instances": instances},
                }
            )
        page, more = self._page(rows, limit, offset, endless)
        link = f"{base}{path}/?limit={limit}&offset="
        return as_json(
            {
                "count": len(rows),
                "next": f"{link}{offset + limit}" if more else None,
                "previous": f"{link}{max(0, offset - limit)}" if offset else None,
                "results": page,
            }
        )
