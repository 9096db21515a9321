# SPDX-License-Identifier: GPL-3.0-or-later
"""What colours mean together, and what a list of instances means."""

from __future__ import annotations

import pytest

from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol import model
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.model import Instance, Malformed, Process


def processes(*words: str) -> list[Process]:
    """``disp+work:YELLOW:Starting`` as a process."""
    rows = [(word.split(":") + [""])[:3] for word in words]
    return [Process(name, "", colour, text, "", "", 0) for name, colour, text in rows]


def row(host: str, number: str, colour: str, features: str = "ABAP", priority: str = "3") -> Instance:
    return Instance.read(
        {
            "hostname": host,
            "instanceNr": number,
            "startPriority": priority,
            "features": features,
            "dispstatus": f"SAPControl-{colour}",
        }
    )


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], "empty"),
        (["disp+work:GREEN", "gwrd:GREEN"], "started"),
        (["disp+work:GRAY", "gwrd:GRAY"], "stopped"),
        (["disp+work:YELLOW:Starting", "gwrd:GREEN"], "starting"),
        (["disp+work:YELLOW:Starting", "gwrd:RED"], "starting"),
        (["disp+work:GRAY", "gwrd:YELLOW"], "starting"),
        (["disp+work:YELLOW:Stopping", "gwrd:GREEN"], "stopping"),
        (["disp+work:GREEN:Stopping", "gwrd:GREEN"], "stopping"),
        (["disp+work:YELLOW:Shutting down"], "stopping"),
        (["disp+work:GRAY:Stopping", "gwrd:GRAY"], "stopped"),
        (["disp+work:RED:Stopped", "gwrd:GREEN"], "broken"),
        (["disp+work:RED"], "broken"),
        (["disp+work:GRAY", "gwrd:GREEN"], "partial"),
        (["sapcpe:GREEN:Running"], "starting"),
        (["sapcpe:GRAY", "disp+work:GREEN"], "started"),
        (["sapcpe:RED", "disp+work:YELLOW"], "starting"),
    ],
)
def test_state_of_an_instance(rows: list[str], state: str) -> None:
    assert model.state_of(processes(*rows)) == state


@pytest.mark.parametrize(
    ("elapsed", "seconds"),
    [
        (["1557:46:59", "0:00:07"], 7.0),
        (["0:01:00"], 60.0),
        (["", "0:00:07"], None),
        (["soon"], None),
        (["00:07"], None),
        ([], None),
    ],
)
def test_the_age_of_the_youngest_process(elapsed: list[str], seconds: float | None) -> None:
    rows = [Process("p", "", "GREEN", "", "", text, 0) for text in elapsed]
    assert model.youngest(rows) == seconds
    assert model.youngest([*rows, Process("sapcpe", "", "GREEN", "", "", "0:00:01", 0)]) == seconds


def test_what_is_listed_when_stopped_names_what_a_start_brings() -> None:
    assert model.names_when_started(processes("disp+work:GRAY", "gwrd:GRAY")) == {"disp+work", "gwrd"}
    assert model.names_when_started(processes("hdbdaemon:GRAY")) == set(), "HANA lists its daemon alone"


def test_a_process_beyond_the_tenth_counts() -> None:
    assert model.state_of(processes(*[f"p{n}:GREEN" for n in range(14)], "late:RED")) == "broken"


@pytest.mark.parametrize("text", ["SAPControl-BLUE", "GREEN", "", None, "sapcontrol-green"])
def test_an_unknown_colour_is_no_colour(text: str | None) -> None:
    with pytest.raises(Malformed):
        model.colour(text)


def test_a_process_needs_its_name_and_a_number_as_its_pid() -> None:
    with pytest.raises(Malformed, match="no name"):
        Process.read({"dispstatus": "SAPControl-GREEN", "pid": "1"})
    with pytest.raises(Malformed, match="pid"):
        Process.read({"name": "x", "dispstatus": "SAPControl-GREEN", "pid": "x"})
    assert Process.read({"name": "x", "dispstatus": "SAPControl-GRAY", "starttime": None}).pid == 0


def test_the_guilty_come_worst_first() -> None:
    found = processes("a:GREEN", "b:GRAY", "c:RED", "d:YELLOW", "sapcpe:RED")
    assert [p.name for p in model.guilty(found, "GREEN")] == ["c", "d", "b"]
    assert [p.name for p in model.guilty(found, "GRAY")] == ["c", "d", "a"]


@pytest.mark.parametrize(
    ("process", "files", "trace"),
    [
        ("disp+work", ["dev_w0", "dev_disp", "dev_disp.old"], "dev_disp"),
        ("disp+work", ["/usr/sap/PRD/D01/work/dev_disp"], "/usr/sap/PRD/D01/work/dev_disp"),
        ("enq_server", ["dev_enqsrv"], "dev_enqsrv"),
        (
            "hdbindexserver",
            ["indexserver_h.30003.001.trc", "indexserver_h.30003.000.trc"],
            "indexserver_h.30003.001.trc",
        ),
        ("disp+work", ["dev_w0"], None),
        ("disp+work", ["dev_w0", "/w/sapstart.log"], "/w/sapstart.log"),
        ("hdbnameserver", ["daemon_h.1.000.trc"], None),
        ("unheard-of", ["dev_disp"], None),
    ],
)
def test_trace_of_a_process(process: str, files: list[str], trace: str | None) -> None:
    assert model.trace_name(process, files) == trace


def test_instances_come_by_start_priority_with_two_digits() -> None:
    rows, twins = model.without_twins([row("app", "1", "GREEN"), row("db", "2", "GREEN", "HDB", "0.3")])
    assert [r.label for r in rows] == ["db/02", "app/01"]
    assert twins == []


@pytest.mark.parametrize(
    ("colours", "counts"),
    [
        (("GREEN", "GRAY"), "GREEN"),
        (("GRAY", "GREEN"), "GREEN"),
        (("GRAY", "GRAY"), "GRAY"),
        (("GRAY", "YELLOW"), "YELLOW"),
        (("RED", "GRAY"), "RED"),
        (("GREEN", "YELLOW"), "YELLOW"),
        (("RED", "YELLOW"), "RED"),
        (("YELLOW", "GREEN"), "YELLOW"),
    ],
)
def test_of_twins_the_one_that_runs_counts_and_the_worse_of_two_that_run(colours: tuple[str, str], counts: str) -> None:
    rows, twins = model.without_twins([row("APP", "1", colours[0]), row("app", "1", colours[1])])
    assert [r.colour for r in rows] == [counts]
    assert len(twins) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hostname": ""}, "no host name"),
        ({"instanceNr": "x"}, "instanceNr"),
        ({"instanceNr": "100"}, "instanceNr"),
        ({"startPriority": "high"}, "startPriority"),
        ({"dispstatus": "SAPControl-PINK"}, "PINK"),
    ],
)
def test_a_bad_row_of_the_instance_list(change: dict[str, str], words: str) -> None:
    good = {"hostname": "h", "instanceNr": "0", "startPriority": "1", "dispstatus": "SAPControl-GRAY"}
    with pytest.raises(Malformed, match=words):
        Instance.read({**good, **change})


ALL = {
    "hana": row("h", "0", "GREEN", "HDB|HDB_WORKER", "0.3"),
    "ers": row("h", "1", "GREEN", "ENQREP", "0.5"),
    "ascs": row("h", "2", "GREEN", "MESSAGESERVER|ENQUE", "1"),
    "scs": row("h", "3", "GREEN", "GATEWAY|MESSAGESERVER|ENQUE", "1"),
    "dialog": row("h", "4", "GREEN", "ABAP|GATEWAY|ICMAN|IGS"),
    "java": row("h", "5", "GREEN", "J2EE|IGS"),
    "webdisp": row("h", "6", "GREEN", "WEBDISP", "4"),
}


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ("all", set(ALL)),
        ("scs", {"ascs", "scs"}),
        ("dialog", {"dialog", "java"}),
        ("abap", {"dialog"}),
        ("j2ee", {"java"}),
        ("enqrep", {"ers"}),
        ("hdb", {"hana"}),
        ("allnohdb", set(ALL) - {"hana"}),
        ("trex", set()),
        ("level", {"ascs", "scs"}),
    ],
)
def test_selections(selection: str, names: set[str]) -> None:
    assert {name for name, instance in ALL.items() if model.selected(instance, selection, 1.0)} == names


def test_identity() -> None:
    values = {"SAPSYSTEM": "1", "SAPSYSTEMNAME": "PRD", "INSTANCE_NAME": "D01", "Webmethods": "Start,Stop, Shutdown"}
    rows: list[dict[str, str | None]] = [
        {"property": name, "propertytype": "Attribute", "value": value} for name, value in values.items()
    ]
    rows.append({"property": "SAPSYSTEM", "propertytype": "NodeURL", "value": "99"})
    who = model.Identity.read(rows)
    assert (who.number, who.methods, who.label) == ("01", ("Start", "Stop", "Shutdown"), "PRD/-/D01")


def test_identity_that_is_not_told() -> None:
    with pytest.raises(Malformed, match="SAPSYSTEMNAME"):
        model.Identity.read([])


def test_failover_that_is_not_told() -> None:
    with pytest.raises(Malformed, match="HAActive"):
        model.Failover.read(None, None, None, [])
