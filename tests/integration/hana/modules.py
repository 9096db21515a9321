# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of a HANA module as a process of its own, with the real driver against the simulator's door."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.env import collection
from tests.simulator.launch import ROOT, Simulator

MODULES = "ansible_collections.basis.landscape.plugins.modules"


class Site:
    """A HANA system H01 with the tenants PRD and QAS."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.info = simulator.info["hana"]["H01"]
        self.environment: dict[str, str] = {}

    @staticmethod
    def landscape(**hana: Any) -> dict[str, Any]:
        """The native export."""
        return {
            "hosts": [{"name": "db1"}],
            "systems": [
                {
                    "name": "H01",
                    "sid": "H01",
                    "type": "hana",
                    "simulation": {"hana": {"tenants": ["PRD", "QAS"], **hana}},
                }
            ],
            "instances": [{"name": "HDB00", "system": "H01", "host": "db1", "number": "00", "kind": "hana"}],
        }

    def options(self, user: str = "BACKUP_ADMIN_USER") -> dict[str, Any]:
        """How a user reaches the system database."""
        return {
            "hana_host": self.info["address"],
            "hana_instance": self.info["number"],
            "hana_user": user,
            "hana_password": self.info["users"][user],
            "hana_ca_file": self.simulator.info["ca_file"],
            "hana_certificate_host": self.info["host"],
        }

    def begin(self, module: str, *, python: tuple[str, ...] = (), check: bool = False, **options: Any) -> Call:
        """Start a module; options given here win. ``python``: options of the interpreter."""
        arguments = {**self.options(options.pop("user", "BACKUP_ADMIN_USER")), **options}
        arguments = {name: value for name, value in arguments.items() if value is not None}
        process = subprocess.Popen(
            [sys.executable, *python, "-m", f"{MODULES}.{module}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment, "PYTHONPATH": str(collection.link(ROOT))},
        )
        assert process.stdin is not None
        given = {"_ansible_check_mode": check, "_ansible_diff": True, **arguments}
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": given}))
        process.stdin.close()
        process.stdin = None
        return Call(process)

    def call(self, module: str, **options: Any) -> dict[str, Any]:
        """Run a module to its end; its result."""
        return self.begin(module, **options).end()

    def sql(self, *statements: str, database: str = "PRD", **options: Any) -> list[list[dict[str, Any]]]:
        """Run statements as SYSTEM; the rows of each."""
        result = self.call(
            "hana_sql",
            user="SYSTEM",
            hana_database=database,
            changes=True,
            statements=[{"sql": sql} for sql in statements],
            **options,
        )
        assert not result.get("failed"), result
        return [answer["rows"] for answer in result["results"]]

    def told(self, words: str) -> int:
        """How many statements that begin so the system was told."""
        return sum(str(row.get("call", "")).upper().startswith(words) for row in self.simulator.journal())


class Call:
    """A module that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def end(self, timeout: float = 90) -> dict[str, Any]:
        """Wait for its result."""
        out, err = self.process.communicate(timeout=timeout)
        assert out.strip().startswith("{"), f"no result: {out} {err}"
        return dict(json.loads(out.strip().splitlines()[-1]))


def reason(result: dict[str, Any]) -> str | None:
    """The name of a failure, None for none."""
    return result["error"]["reason"] if result.get("failed") else None
