# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the list of what reads agrees with how the collection itself calls each function module."""

from __future__ import annotations

import ast
import re

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._rfc.functions import READING, changes
from tests.unit.house.source import sources

NAME = re.compile(r"(?:[A-Z][A-Z0-9]+_|RFCPING)[A-Z0-9_]*")
# Opens a session of XMI, which ends with the conversation: nothing of it lasts.
SESSION = {"BAPI_XMI_LOGON"}


def sent(*verbs: str) -> set[str]:
    """The function modules that the collection names where it calls one of the verbs."""
    found = set()
    for source in sources("plugins/module_utils/_rfc", "plugins/modules"):
        for node in ast.walk(source.module):
            if not isinstance(node, ast.Call) or len(node.args) < 2 or not isinstance(node.args[1], ast.Constant):
                continue
            verb = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if verb.lstrip("_") in verbs and NAME.fullmatch(str(node.args[1].value)):
                found.add(str(node.args[1].value))
    return found


def test_what_the_collection_asks_is_known_to_read() -> None:
    asked = sent("ask")
    assert {"RFC_READ_TABLE", "RFC_SYSTEM_INFO", "BAPI_XBP_JOB_JOBLOG_READ", "TH_USER_LIST"} <= asked
    assert {name for name in asked if changes(name)} == SESSION


def test_what_the_collection_sends_once_counts_as_a_change() -> None:
    told = sent("tell")
    assert {"BAPI_TRANSACTION_COMMIT", "BAPI_XBP_JOB_OPEN", "STC_TM_SESSION_RESUME", "TH_POPUP"} <= told
    assert not [name for name in told if not changes(name)]


@pytest.mark.parametrize(
    "name",
    [
        "BAPI_XBP_JOB_STATUS_CHECK",  # may set jobs to cancelled
        "BAPI_XBP_GET_SPOOL_AS_DAT",
        "RFC_READ_TABLE2",
        "RFC_READ",
        "rfc_read_table",
        " RFC_READ_TABLE",
        "RFC_ABAP_INSTALL_AND_RUN",
        "",
    ],
)
def test_a_name_that_only_looks_like_reading_counts_as_a_change(name: str) -> None:
    assert changes(name)


def test_every_name_is_one_that_a_system_can_have() -> None:
    assert not [name for name in READING if name != name.upper().strip() or len(name) > 30]
