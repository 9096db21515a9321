# SPDX-License-Identifier: GPL-3.0-or-later
"""What a table of claims says: which module is run how on what, with what outcome.

A table is ``tests/integration/targets/<module>/claims.yml``, a list of claims. Each claim gets an SAP system of its own
in one simulated landscape, and has one or more steps. The system is one of HANA for the modules ``hana_*``, with the
tenants ``{sid}`` and ``QA2``; there is another one, ``{other}``. It is one of ABAP with one dialog instance for the
modules that speak RFC, whose tables are played with each library that is installed, and for ``sap_preserved_config``,
which runs on the host of that instance. ``os_info`` runs on the host of the system's dialog instance.

``claim``      the sentence that is shown to hold (of the whole claim)
``instances``  more about this claim's instances by name, for the simulator (of the whole claim)
``hana``       more about this claim's HANA system, for the simulator (of the whole claim)
``abap``       more about this claim's ABAP system, for the simulator (of the whole claim)
``host``       more about this claim's host ``{app}``, for the simulator (of the whole claim)
``steps``      the steps; a claim with one step may say its keys itself
``module``     another module than the table's
``options``    options of the module, added to the table's usual ones; of HANA and RFC, null takes a usual one out
``via``        ``socket`` (default) or ``https``; for RFC a library (default) or ``soap``
``user``       database user of HANA (default ``BACKUP_ADMIN_USER``), or user of ABAP (default ``BASIS_AUTO``)
``post``       what is done to the ABAP system before the step: a path of the control door, with what is sent there
``system``     ``other`` for the other HANA system
``sql``        statements that set the scene, in ``database`` (default ``{sid}``); the step has no module
``clock``      seconds that pass before the step
``check``      check mode
``clear``      whether the faults of the claim end after the step
``given``      state of instances by name before the step; for the modules ``os_*`` that of the host ``{app}``
``faults``     faults from this step on; ``instance`` is filled in (D01 unless named)
``expect``     a part of the result; ``~words`` is a search, a list is compared in whole
``sent``       how often each function was called; every changing function that is not named must not have been
``said``       what the parameters of a function were, as a search by function
``saw``        effects in the simulated landscape, in this order; ``job_finished NAME`` is that of one job, and
               ``message_shown NAME`` that of one user

``{sid}``, ``{app}`` and ``{cs}`` stand for the system and its two hosts in every text, ``{db}``, ``{address}``,
``{password}`` for the HANA system's host, its address, the password of SYSTEM; ``<0.rows.0.NOW>`` in an option for what
the first step's result has at that place; ``{0.boot_id}`` in what is expected for such a text of its result.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

TARGETS = Path(__file__).resolve().parents[1] / "targets"
NAMES = {"D01": "{sid}/{app}/D01", "ASCS00": "{sid}/{cs}/ASCS00", "ERS10": "{sid}/{cs}/ERS10", "J02": "{sid}/{app}/J02"}
USUAL: dict[str, dict[str, Any]] = {
    "sap_instance": {
        "sid": "{sid}",
        "number": "01",
        "delay": 0.1,
        "timeout": 20,
        "failure_grace": 1.5,
        "soft_timeout": 15,
        "service_timeout": 0,
    },
    "sap_system": {
        "sid": "{sid}",
        "number": "01",
        "delay": 0.1,
        "timeout": 30,
        "failure_grace": 1.5,
        "soft_timeout": 20,
        "level_timeout": 3000,
        "service_timeout": 0,
        "cluster_owned": "refuse_asked",  # the central services' host cannot be asked unless a claim says so
    },
    "sap_health_info": {"sid": "{sid}", "number": "01"},
    "sap_landscape_info": {"services_file": "/nonexistent"},
    "sapcontrol_call": {"number": "01"},
    "hana_sql": {},
    "hana_info": {},
    "hana_database": {"database": "{sid}", "delay": 0.1, "timeout": 20, "failure_grace": 1.5},
    "hana_recovery": {
        "database": "{sid}",
        "to": "latest",
        "confirm_sid": "{sid}",
        "delay": 0.1,
        "timeout": 20,
        "failure_grace": 1.5,
    },
    "hana_root_keys": {"dbid": 3, "timeout": 20, "hdbnsutil_path": "hdbnsutil"},
    "os_info": {"provider": "dnf"},  # the host's own manager would be that of the machine that plays it
    "os_packages": {"provider": "dnf", "refresh": False},
    "sap_preserved_config": {"confirm_sid": "{sid}", "directory": "~/kept", "timeout": 20, "r3trans_path": "R3trans"},
    "rfc_call": {},
    "sap_job": {"name": "CLAIM", "delay": 0.1, "timeout": 20, "failure_grace": 1.5},
    "sap_background_jobs": {"delay": 0.1, "failure_grace": 1.5, "running_timeout": 20, "helper_timeout": 20},
    "sap_users": {},
    "sap_quiesce_info": {"delay": 0.1, "failure_grace": 1.5},
    "sap_user_message": {"text": "Please log off", "delay": 0.1},
    "sap_task_list": {"delay": 0.1, "timeout": 20, "failure_grace": 1.5},
    "sap_client_copy": {
        "source": "100",
        "target": "200",
        "profile": "SAP_ALL",
        "fields": {"source": "SOURCE", "target": "TARGET", "profile": "PROFILE"},
        "confirm_sid": "{sid}",
        "confirm_client": "200",
        "delay": 0.1,
        "timeout": 20,
        "failure_grace": 1.5,
    },
    "sap_bdls": {
        "mapping": [{"old": "PRDCLNT100", "new": "QASCLNT100"}],
        "confirm_sid": "{sid}",
        "delay": 0.1,
        "timeout": 20,
        "failure_grace": 1.5,
    },
}
STEP_KEYS = {
    "module",
    "options",
    "via",
    "user",
    "system",
    "sql",
    "database",
    "clock",
    "check",
    "given",
    "faults",
    "expect",
    "sent",
    "said",
    "saw",
    "clear",
    "post",
}


def read(target: str) -> list[dict[str, Any]]:
    """The claims of a target, each with its steps in full.

    Raises:
        ValueError: a claim has a key that means nothing, or two claims are the same sentence.
    """
    claims = yaml.safe_load((TARGETS / target / "claims.yml").read_text(encoding="utf-8"))
    for claim in claims:
        if "steps" not in claim:
            claim["steps"] = [{key: claim.pop(key) for key in list(claim) if key in STEP_KEYS}]
        unknown = set(claim) - {"claim", "instances", "hana", "abap", "host", "steps"}
        for step in claim["steps"]:
            unknown |= set(step) - STEP_KEYS
            if "sql" in step:
                statements = [{"sql": sql} for sql in step["sql"]]
                options = {"statements": statements, "changes": True, "hana_database": step.get("database", "{sid}")}
                step.update(module="hana_sql", options=options, user="SYSTEM")
            step.setdefault("module", target)
        if unknown:
            raise ValueError(f"{target}: {claim['claim']}: {', '.join(sorted(unknown))}")
    if len({claim["claim"] for claim in claims}) != len(claims):
        raise ValueError(f"{target}: a claim is there twice")
    return list(claims)


def filled(value: Any, words: dict[str, str]) -> Any:
    """A value with ``{sid}`` and its like replaced in every text."""
    if isinstance(value, dict):
        return {filled(key, words): filled(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, words) for item in value]
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace("{" + name + "}", word)
    return value


def defects(expected: Any, found: Any, where: str = "result") -> list[str]:
    """Where ``found`` is not what is expected of it."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{where} is {found!r}, no mapping"]
        return [d for key, item in expected.items() for d in defects(item, found.get(key), f"{where}.{key}")]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{where} is {found!r}, not {len(expected)} items"]
        return [d for i, item in enumerate(expected) for d in defects(item, found[i], f"{where}[{i}]")]
    if isinstance(expected, str) and expected.startswith("~"):
        return [] if re.search(expected[1:], str(found)) else [f"{where} is {found!r}, without {expected[1:]!r}"]
    return [] if expected == found and type(expected) is type(found) else [f"{where} is {found!r}, not {expected!r}"]
