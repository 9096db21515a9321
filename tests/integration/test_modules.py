# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of claims, each claim run by Ansible against the simulator.

All claims of a table run in one playbook, each on an SAP system of its own. What was done to SAP is taken from the
simulator's journal.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.claims import table
from tests.simulator.launch import Simulator

TARGETS = [
    "sap_instance",
    "sap_system",
    "sap_health_info",
    "sap_landscape_info",
    "sapcontrol_call",
    "hana_database",
    "hana_info",
    "hana_recovery",
    "hana_root_keys",
    "hana_sql",
    "os_info",
    "sap_preserved_config",
]
# These run on a host of the system; everything else is asked from here.
ON_HOSTS = {"hana_root_keys": "db", "os_info": "app", "sap_preserved_config": "app"}
RFC_TARGETS = [
    "rfc_call",
    "sap_job",
    "sap_background_jobs",
    "sap_users",
    "sap_task_list",
    "sap_bdls",
    "sap_client_copy",
    "sap_quiesce_info",
    "sap_user_message",
]
LIBRARIES = ("pyrfc", "saprfclib")
INSTALLED = [name for name in LIBRARIES if importlib.util.find_spec(name) is not None]
CLAIMS = {target: table.read(target) for target in TARGETS}
CLAIMS.update({f"{target} by {library}": table.read(target) for target in RFC_TARGETS for library in INSTALLED})
CHANGING = {
    "Start",
    "Stop",
    "StartSystem",
    "StopSystem",
    "RestartSystem",
    "RestartInstance",
    "InstanceStart",
    "InstanceStop",
    "Shutdown",
    "ABAPSetServerInactive",
    "RestartService",
    "StopService",
    "HASetMaintenanceMode",
    "OSExecute",
    "BAPI_TRANSACTION_COMMIT",
    "BAPI_USER_LOCK",
    "BAPI_USER_UNLOCK",
    "BAPI_XBP_JOB_ABORT",
    "BAPI_XBP_JOB_ADD_ABAP_STEP",
    "BAPI_XBP_JOB_CLOSE",
    "BAPI_XBP_JOB_OPEN",
    "BAPI_XBP_JOB_START_ASAP",
    "BAPI_XBP_JOB_START_IMMEDIATELY",
    "STC_TM_SESSION_BEGIN",
    "STC_TM_SESSION_RESUME",
    "STC_TM_SESSION_SET_PARAMETERS",
    "STC_TM_TASK_CONFIRM",
    "STC_TM_TASK_SKIP",
    "TH_POPUP",
    "ALTER DATABASE",
    "ALTER SYSTEM ALTER CONFIGURATION",
    "ALTER SYSTEM START DATABASE",
    "ALTER SYSTEM STOP DATABASE",
    "BACKUP CATALOG DELETE",
    "BACKUP DATA",
    "CREATE DATABASE",
    "DROP DATABASE",
    "RECOVER DATA",
    "RECOVER DATABASE",
    "hdbnsutil -backupRootKeys",
    "hdbnsutil -recoverRootKeys",
    "R3trans export.ctl",
    "R3trans import.ctl",
    "R3trans check.ctl",
}
SECRETS = ("A-planted-Secret-1",)
HANA = {
    "usage": "TEST",
    "tables": {"T": {"columns": {"ID": "INTEGER"}, "key": ["ID"], "rows": [[1]]}},
    "log_backup_timeout_s": 60,
    "backup_seconds": 10,
    "recover_seconds": 30,
}


def words_of(index: int) -> dict[str, str]:
    """What stands for a claim's system and its hosts."""
    sid = f"A{index:02d}"
    other = f"B{index:02d}"
    hosts = {"app": f"{sid.lower()}app", "cs": f"{sid.lower()}cs", "db": f"{sid.lower()}db"}
    return {"sid": sid, **hosts, "other": other, "other_db": f"{other.lower()}db"}


def hana_landscape(claims: list[dict[str, Any]]) -> dict[str, Any]:
    """A native export with one HANA system for each claim, two where a claim copies."""
    export: dict[str, Any] = {"hosts": [], "systems": [], "instances": []}
    for index, claim in enumerate(claims):
        words = words_of(index)
        two = "{other}" in str(claim) or any(step.get("system") for step in claim["steps"])
        for sid, host in [(words["sid"], words["db"]), (words["other"], words["other_db"])][: 2 if two else 1]:
            simulation = {**HANA, "tenants": [sid, "QA2"], **table.filled(claim.get("hana") or {}, words)}
            export["hosts"].append({"name": host})
            export["systems"].append({"name": sid, "sid": sid, "type": "hana", "simulation": {"hana": simulation}})
            export["instances"].append({"name": "HDB00", "system": sid, "host": host, "number": "00", "kind": "hana"})
    return export


def abap_landscape(claims: list[dict[str, Any]]) -> dict[str, Any]:
    """A native export with one ABAP system for each claim."""
    export: dict[str, Any] = {"hosts": [], "systems": [], "instances": []}
    for index, claim in enumerate(claims):
        words = words_of(index)
        sid = words["sid"]
        simulation = {"report_seconds": 10, **table.filled(claim.get("abap") or {}, words)}
        export["hosts"].append({"name": words["app"]})
        export["systems"].append({"name": sid, "sid": sid, "type": "abap", "simulation": {"abap": simulation}})
        export["instances"] += [
            {"name": "ASCS01", "system": sid, "host": words["app"], "number": "01", "kind": "ascs"},
            {"name": "D00", "system": sid, "host": words["app"], "number": "00", "kind": "dialog"},
        ]
    return export


def landscape(claims: list[dict[str, Any]]) -> dict[str, Any]:
    """A native export with one system for each claim."""
    export: dict[str, Any] = {
        "hosts": [],
        "systems": [],
        "instances": [],
        "simulation": {"spread": 0, "stragglers": {"share": 0}},
    }
    for index, claim in enumerate(claims):
        words = words_of(index)
        export["hosts"] += [{"name": words["app"], "simulation": claim.get("host") or {}}, {"name": words["cs"]}]
        export["systems"].append({"name": words["sid"], "sid": words["sid"], "type": "abap"})
        usual: dict[str, dict[str, Any]] = {
            "ASCS00": {"host": words["cs"], "number": "00", "kind": "ascs"},
            "ERS10": {"host": words["cs"], "number": "10", "kind": "ers"},
            "D01": {"host": words["app"], "number": "01", "kind": "dialog", "simulation": {"sessions": 3}},
        }
        for name, more in (claim.get("instances") or {}).items():
            usual[name] = {**usual.get(name, {"host": words["app"]}), **table.filled(more, words)}
        export["instances"] += [{"name": name, "system": words["sid"], **row} for name, row in usual.items()]
    return export


def services_file(simulator: Simulator, words: dict[str, str]) -> Path:
    """The application host's start file, as SAP writes it."""
    path = simulator.folder / f"sapservices-{words['sid']}"
    profile = f"/usr/sap/{words['sid']}/SYS/profile/{words['sid']}_D01_{words['app']}"
    path.write_text(
        f"#!/bin/sh\nLD_LIBRARY_PATH=/usr/sap/{words['sid']}/D01/exe:$LD_LIBRARY_PATH; export LD_LIBRARY_PATH; "
        f"/usr/sap/{words['sid']}/D01/exe/sapstartsrv pf={profile} -D -u {words['sid'].lower()}adm\n",
        encoding="utf-8",
    )
    return path


def hana_step(step: dict[str, Any], words: dict[str, str], simulator: Simulator) -> dict[str, Any]:
    """A step of a HANA module with everything filled in."""
    system = simulator.info["hana"][words["other" if step.get("system") == "other" else "sid"]]
    user = step.get("user", "BACKUP_ADMIN_USER")
    words = {
        **words,
        "address": system["address"],
        "password": system["users"]["SYSTEM"],
        "folder": str(simulator.folder / "fence"),
    }
    usual: dict[str, Any] = {}
    if step["module"] != "hana_root_keys":
        usual = {
            "hana_host": system["address"],
            "hana_instance": system["number"],
            "hana_user": user,
            "hana_password": system["users"][user],
            "hana_ca_file": simulator.info["ca_file"],
            "hana_certificate_host": system["host"],
        }
    options = {**usual, **table.USUAL[step["module"]], **(step.get("options") or {})}
    faults = [fault if "host" in fault else {"system": words["sid"], **fault} for fault in step.get("faults") or []]
    return {
        "module": step["module"],
        "options": table.filled({name: value for name, value in options.items() if value is not None}, words),
        "check": bool(step.get("check")),
        "faults": table.filled(faults, words),
        "given": None,
        "clock": step.get("clock"),
        "clear": bool(step.get("clear")),
    }


def rfc_step(step: dict[str, Any], words: dict[str, str], simulator: Simulator, library: str) -> dict[str, Any]:
    """A step of a module that speaks RFC with everything filled in."""
    system = simulator.info["abap"][words["sid"]]
    instance = next(iter(system["instances"].values()))
    user = step.get("user", "BASIS_AUTO")
    words = {**words, "folder": str(simulator.folder)}
    usual = {
        "rfc_client": system["client"],
        "rfc_user": user,
        "rfc_password": system["users"].get(user, SECRETS[0]),
        "rfc_timeout": 10,
    }
    if step.get("via") == "soap":
        usual.update(rfc_provider="soap", rfc_url=instance["https"], rfc_ca_file=simulator.info["ca_file"])
    else:
        usual.update(rfc_provider=library, rfc_host=instance["address"], rfc_instance=instance["number"])
    options = {**usual, **table.USUAL[step["module"]], **(step.get("options") or {})}
    faults = [{"system": words["sid"], **fault} for fault in step.get("faults") or []]
    given = {
        "instances": {f"{words['sid']}/{words['app']}/{k}": state for k, state in (step.get("given") or {}).items()}
    }
    return {
        "module": step["module"],
        "options": table.filled({name: value for name, value in options.items() if value is not None}, words),
        "check": bool(step.get("check")),
        "faults": table.filled(faults, words),
        "given": given if step.get("given") else None,
        "clock": step.get("clock"),
        "clear": bool(step.get("clear")),
        "post": table.filled(step.get("post") or {}, words),
    }


def host_step(step: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """A step of a module that asks the operating system with everything filled in."""
    options = {**table.USUAL[step["module"]], **(step.get("options") or {})}
    faults = [{"host": words["app"], **fault} for fault in step.get("faults") or []]
    return {
        "module": step["module"],
        "options": table.filled(options, words),
        "check": bool(step.get("check")),
        "faults": table.filled(faults, words),
        "given": {"hosts": {words["app"]: step["given"]}} if step.get("given") else None,
        "clock": step.get("clock"),
        "clear": bool(step.get("clear")),
        "post": table.filled(step.get("post") or {}, words),
    }


def full_step(step: dict[str, Any], words: dict[str, str], simulator: Simulator, library: str = "") -> dict[str, Any]:
    """A step with everything filled in that the action needs."""
    if step["module"].startswith("hana_"):
        return hana_step(step, words, simulator)
    if step["module"] == "sap_preserved_config" or step["module"].startswith("os_"):
        return host_step(step, words)
    if library:
        return rfc_step(step, words, simulator, library)
    names = table.filled(table.NAMES, words)
    sockets = {name: str(simulator.info["instances"][names[name]]["socket"]) for name in ("D01", "ASCS00")}
    words = {
        **words,
        "address": simulator.info["hosts"][words["app"]]["address"],
        "socket_cs": sockets["ASCS00"],
        "folder": str(simulator.folder / "fence"),
        "services": str(services_file(simulator, words)),
    }
    options = {**table.USUAL[step["module"]], **(step.get("options") or {})}
    if step.get("via") == "https":
        usual: dict[str, Any] = {
            "sapcontrol_url": f"https://{words['address']}:5{{nr}}14",
            "sapcontrol_user": f"{words['sid'].lower()}adm",
            "sapcontrol_password": simulator.info["password"],
            "sapcontrol_ca_file": simulator.info["ca_file"],
        }
    else:
        usual = {"sapcontrol_socket": sockets["D01"].replace(".sapstream50113", ".sapstream5{nr}13")}
    faults = [
        {"instance": names["D01"], **{k: names.get(v, v) if k == "instance" else v for k, v in fault.items()}}
        for fault in step.get("faults") or []
    ]
    for fault in faults:
        if "door" in fault or "host" in fault:
            del fault["instance"]
    given = {"instances": {names[name]: state for name, state in (step.get("given") or {}).items()}}
    return {
        "module": step["module"],
        "options": table.filled({**usual, **options}, words),
        "check": bool(step.get("check")),
        "faults": table.filled(faults, words),
        "given": table.filled(given, words) if step.get("given") else None,
        "clock": None,
        "clear": False,
    }


class Played:
    """The tables that were played in this session, each once."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._told: dict[str, dict[str, Any]] = {}

    def of(self, target: str) -> dict[str, Any]:
        """What happened in each claim of a target, by its sentence."""
        if target not in self._told:
            self._told[target] = {}  # a table that could not be played is not played again for its next claim
            self._told[target] = self._play(target)
        assert self._told[target], f"the table of {target} could not be played"
        return self._told[target]

    def _play(self, target: str) -> dict[str, Any]:
        claims = CLAIMS[target]
        folder = self._folder / target.replace(" ", "_")
        folder.mkdir()
        of_hana = target.startswith("hana_")
        library = target.partition(" by ")[2]
        of_abap = bool(library) or target == "sap_preserved_config"
        build = hana_landscape if of_hana else abap_landscape if of_abap else landscape
        with Simulator.start(build(claims), speed=100, socket_dir=not of_hana and not of_abap) as simulator:
            hosts: dict[str, Any] = {}
            for index, claim in enumerate(claims):
                words = words_of(index)
                hosts[words["sid"]] = {
                    "system": words["sid"],
                    "hosts": [words["db"]] if of_hana else [words["app"]] if target in ON_HOSTS else [],
                    "into": str(folder / f"{words['sid']}.json"),
                    "control": simulator.info["control"],
                    "steps": [full_step(step, words, simulator, library) for step in claim["steps"]],
                }
            play = {
                "hosts": "all",
                "gather_facts": False,
                "strategy": "free",
                "tasks": [
                    {
                        "name": "Play the claim",
                        "claim": {name: "{{ told." + name + " }}" for name in next(iter(hosts.values()))},
                        "environment": {"SAPSYSTEMNAME": "{{ inventory_hostname }}"},
                    }
                ],
            }
            connection, where = "simulated" if target in ON_HOSTS else "local", ON_HOSTS.get(target, "db")
            inventory = {
                "all": {
                    "hosts": {
                        name: {"ansible_connection": connection, "ansible_host": f"{name.lower()}{where}", "told": told}
                        for name, told in hosts.items()
                    }
                }
            }
            (folder / "inventory.json").write_text(json.dumps(inventory), encoding="utf-8")
            (folder / "inventory.json").chmod(0o600)
            (folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
            done = subprocess.run(
                ["ansible-playbook", "-i", str(folder / "inventory.json"), "-f", "6", str(folder / "play.yml")],
                env={
                    **self._environment,
                    **simulator.environment,
                    "ANSIBLE_ACTION_PLUGINS": str(Path(__file__).parent / "claims" / "action"),
                    "ANSIBLE_DEPRECATION_WARNINGS": "0",
                },
                capture_output=True,
                text=True,
                timeout=400,
                check=False,
            )
            secrets = [simulator.info["password"], *SECRETS]
            for kind in ("hana", "abap"):
                secrets += [word for system in simulator.info[kind].values() for word in system["users"].values()]
        assert done.returncode == 0, done.stdout + done.stderr
        assert not [secret for secret in secrets if secret in done.stdout + done.stderr]
        told = {}
        for index, claim in enumerate(claims):
            text = (folder / f"{words_of(index)['sid']}.json").read_text(encoding="utf-8")
            told[claim["claim"]] = json.loads(text)
            # Statements that set the scene may hold a password; what is tested may not.
            shown = [what for what, step in zip(json.loads(text), claim["steps"], strict=True) if "sql" not in step]
            assert not [s for s in secrets if s in json.dumps(shown)], f"a password is shown by: {claim['claim']}"
        return told


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """All tables of this session."""
    folder = tmp_path_factory.mktemp("claims")
    return Played(folder, environment(folder))


def environment(folder: Path) -> dict[str, str]:
    """Ansible's environment: this collection, this Python, folders of its own."""
    return {
        **os.environ,
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOLOR": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }


def all_claims() -> list[Any]:
    """Every claim with its place, for pytest; the claims of a library that is missing are one that is skipped."""
    skipped = [
        pytest.param(
            f"{target} by {library}",
            0,
            id=f"{target} by {library}: every claim",
            marks=pytest.mark.skip(reason=f"{library} is not installed"),
        )
        for target in RFC_TARGETS
        for library in LIBRARIES
        if library not in INSTALLED
    ]
    return skipped + [
        pytest.param(target, index, id=f"{target}: {claim['claim']}")
        for target, claims in CLAIMS.items()
        for index, claim in enumerate(claims)
    ]


def called(row: dict[str, Any]) -> str | None:
    """What a journal's row is counted as: a function, or the first words of a statement or command."""
    call, detail = row.get("call"), row.get("detail") or ""
    if call == "R3trans":
        return f"{call} {Path(detail.split(' ')[-1]).name}"  # the control file says what it does
    if row.get("door") == "hosts":
        return f"{call} {detail.split(' ')[0]}"
    if row.get("door") != "hana" or call is None:
        return call
    words = [verb for verb in CHANGING if f"{call} ".startswith(f"{verb} ")]
    return max(words, key=len) if words else call.split(" ")[0]


@pytest.mark.parametrize(("target", "index"), all_claims())
def test_claim(tables: Played, target: str, index: int) -> None:
    claim = CLAIMS[target][index]
    words = words_of(index)
    wrong: list[str] = []
    for number, (step, told) in enumerate(zip(claim["steps"], tables.of(target)[claim["claim"]], strict=True), 1):
        result, journal = told["result"], told["journal"]
        expected = table.filled({"failed": False, **(step.get("expect") or {})}, words)
        found = {"failed": False, **result}
        here = table.defects(expected, found)
        calls = Counter(called(row) for row in journal if "call" in row)
        sent = step.get("sent") or {}
        for function in sorted(CHANGING | set(sent)) if "sql" not in step else ():
            if calls[function] != sent.get(function, 0):
                here.append(f"{function} was sent {calls[function]} times, not {sent.get(function, 0)}")
        for function, words_sent in table.filled(step.get("said") or {}, words).items():
            rows = [row for row in journal if called(row) == function]
            details = [row["call"] if row["door"] == "hana" else row.get("detail") or "" for row in rows]
            if not details or not all(re.search(words_sent, detail) for detail in details):
                here.append(f"{function} was sent with {details}, not with {words_sent!r}")
        effects = [
            f"{row['effect']} {row.get('job', row.get('user', ''))}".strip() for row in journal if "effect" in row
        ]
        for effect in step.get("saw") or []:
            at = [index for index, seen in enumerate(effects) if effect in (seen, seen.split(" ")[0])]
            if not at:
                here.append(f"the landscape did not see {effect} in its order; it saw {effects}")
                break
            effects = effects[at[0] + 1 :]
        if step.get("check") or (not found["failed"] and not result.get("changed")):
            here += [f"{function} was sent, and this is no change" for function in CHANGING if calls[function]]
        wrong += [f"step {number}: {text}" for text in here]
        words |= {f"{number - 1}.{name}": value for name, value in result.items() if isinstance(value, str)}
        if here:
            wrong.append(f"step {number} was: {json.dumps(result)[:1500]}")
    assert wrong == [], "\n".join(wrong)
