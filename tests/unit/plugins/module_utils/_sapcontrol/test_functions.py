# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the table of functions agrees with the simulator's WSDL, which was written apart from it."""

from __future__ import annotations

import re

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.functions import (
    BOOL,
    FUNCTIONS,
    INT,
    LIST,
    OPTION,
    START_STOP_OPTIONS,
    TEXT,
    changes,
)
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.wire import Answer, decode
from tests.simulator.soap import ENUMS, OPERATIONS
from tests.unit.plugins.module_utils._sapcontrol.peer import soap

TYPES = {"int": INT, "boolean": BOOL, "string": TEXT, "string[]": LIST, "StartStopOption": OPTION}
BOTH = sorted(set(FUNCTIONS) & set(OPERATIONS))
# What works on an instance, the host, the cluster, locks; a name of any other form only looks.
DOES = ("Start", "Stop", "Restart", "Shutdown", "Update", "Set", "Control", "Execute", "Send", "Remove", "FailoverTo")
# CheckUpdateSystem asks whether UpdateSystem could run; GetStartProfile and the update list are plain reading.
LOOKS = {"CheckUpdateSystem", "GetStartProfile", "GetSystemUpdateList"}
# Their answers stand in no WSDL that is known here.
NOT_PUBLISHED = {
    "GWGetClientList",
    "GWGetConnectionList",
    "WebDispGetGroupList",
    "WebDispGetUrlPrefixList",
    "WebDispGetVirtHostList",
}


def test_both_tables_know_most_functions() -> None:
    assert len(BOTH) > 45


@pytest.mark.parametrize("name", BOTH)
def test_parameters_stand_in_the_order_of_the_wsdl(name: str) -> None:
    wsdl = tuple((field, TYPES[kind]) for field, kind in OPERATIONS[name].request)
    assert FUNCTIONS[name].parameters == wsdl


@pytest.mark.parametrize("name", BOTH)
def test_the_answer_is_the_wsdls(name: str) -> None:
    assert (FUNCTIONS[name].answer or f"{name}Response") == OPERATIONS[name].element
    lists = [field for field, kind in OPERATIONS[name].answer if kind.endswith("[]")]
    assert len(lists) <= 1 and FUNCTIONS[name].rows == next(iter(lists), None)


def test_what_is_called_a_list_has_rows() -> None:
    lists = {name for name in FUNCTIONS if re.search(r"(List\d?|Table|Entries|Files|Traces|Alerts)\Z", name)}
    assert {name for name in lists if FUNCTIONS[name].rows is None} == NOT_PUBLISHED


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("ICMGetCacheEntries", "entry"),
        ("ICMGetConnectionList", "connection"),
        ("ICMGetProxyConnectionList", "connection"),
        ("ICMGetThreadList", "thread"),
        ("J2EEGetComponentList", "component"),
        ("WebDispGetServerList", "server"),
    ],
)
@pytest.mark.parametrize("inner", ["", "<{0}/>", "<{0}></{0}>"])
def test_an_empty_list_is_told_as_one(name: str, field: str, inner: str) -> None:
    decoded = decode(soap(f"{name}Response", inner.format(field)), name)
    assert isinstance(decoded, Answer) and decoded.values() == {field: []}


def test_the_ways_to_start_a_system_are_the_wsdls() -> None:
    assert ENUMS["StartStopOption"] == START_STOP_OPTIONS


def test_nothing_whose_name_says_that_it_acts_is_called_freely() -> None:
    acts = {name for name in FUNCTIONS if any(word in name for word in DOES)} - LOOKS
    assert {name for name in FUNCTIONS if changes(name)} == acts


@pytest.mark.parametrize("name", ["EnqRemoveLocks", "StartBypassHA", "getprocesslist", "GetProcessList ", "Get", ""])
def test_a_function_that_nobody_knows_counts_as_a_change(name: str) -> None:
    assert name not in FUNCTIONS and changes(name)
