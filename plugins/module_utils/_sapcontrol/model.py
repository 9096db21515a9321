# SPDX-License-Identifier: GPL-3.0-or-later
"""What SAPControl's values mean: colours, processes, instances, systems.

The meaning of the colours: green is fine, yellow works with a flaw or is on its way, red does not work, gray is not
started. An empty process list is an answer of its own: sapstartsrv knows nothing yet; neither started nor stopped.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.wire import Malformed, boolean, integer

GREEN, YELLOW, RED, GRAY = "GREEN", "YELLOW", "RED", "GRAY"
_COLOURS = {f"SAPControl-{colour}": colour for colour in (GREEN, YELLOW, RED, GRAY)}

STARTED, STOPPED, STARTING, STOPPING, PARTIAL, BROKEN, EMPTY = (
    "started",
    "stopped",
    "starting",
    "stopping",
    "partial",
    "broken",
    "empty",
)

# Of two rows for one instance the first of these colours counts.
_TWIN_ORDER = (RED, YELLOW, GREEN, GRAY)

# Comes and goes while an instance starts; says nothing about the instance.
_PASSING = ("sapcpe",)

# All that HANA lists while it is stopped (from a published answer): its services join the list in the start.
_ALONE_WHEN_STOPPED = {"hdbdaemon"}

_ELAPSED = re.compile(r"(\d+):(\d\d):(\d\d)")

# The developer trace that a process writes, by its name; the names are from memory, so an absent file is no error.
_TRACES = {
    "disp+work": "dev_disp",
    "gwrd": "dev_rd",
    "icman": "dev_icm",
    "igswd_mt": "dev_igs",
    "msg_server": "dev_ms",
    "enserver": "dev_enq",
    "enq_server": "dev_enq",
    "enrepserver": "dev_enr",
    "enq_replicator": "dev_enr",
    "jstart": "dev_jstart",
    "sapwebdisp": "dev_webdisp",
}


def colour(text: Optional[str]) -> str:
    """GREEN, YELLOW, RED or GRAY.

    :raises Malformed: for any other text; an unknown state is a failure, not a success.
    """
    known = _COLOURS.get((text or "").strip())
    if known is None:
        raise Malformed(f"the state {text!r} is none of {', '.join(_COLOURS)}")
    return known


class Process(NamedTuple):
    """One process of an instance (OSProcess)."""

    name: str
    description: str
    colour: str
    text: str
    started: str
    elapsed: str
    pid: int

    @classmethod
    def read(cls, row: Mapping[str, Optional[str]]) -> Process:
        """:raises Malformed: an unknown colour, or no name."""
        if not row.get("name"):
            raise Malformed("a process has no name")
        return cls(
            str(row["name"]),
            row.get("description") or "",
            colour(row.get("dispstatus")),
            row.get("textstatus") or "",
            row.get("starttime") or "",
            row.get("elapsedtime") or "",
            integer(row.get("pid") or "0", "pid"),
        )


def state_of(processes: Sequence[Process]) -> str:
    """The state of an instance by its processes, one of the seven states of this file."""
    counted = [p for p in processes if p.name not in _PASSING]
    colours = {p.colour for p in counted}
    if not colours:
        return STARTING if processes else EMPTY
    if colours == {GRAY}:
        return STOPPED
    if any(_says_stopping(p) for p in counted):
        return STOPPING
    if colours == {GREEN}:
        return STARTED
    if YELLOW in colours:
        return STARTING
    return BROKEN if RED in colours else PARTIAL


def lasting_names(processes: Sequence[Process]) -> Set[str]:
    """The names of the processes, without those that come and go."""
    return {p.name for p in processes if p.name not in _PASSING}


def names_when_started(stopped: Sequence[Process]) -> Set[str]:
    """The names that a started instance lists, by its list while it is stopped; empty when that cannot tell."""
    names = lasting_names(stopped)
    return set() if names == _ALONE_WHEN_STOPPED else names


def youngest(processes: Sequence[Process]) -> Optional[float]:
    """Seconds since the last process was started; None when one of them does not say."""
    ages = []
    for process in processes:
        if process.name not in _PASSING:
            match = _ELAPSED.fullmatch(process.elapsed.strip())
            if match is None:
                return None
            hours, minutes, seconds = map(int, match.groups())
            ages.append(hours * 3600.0 + minutes * 60 + seconds)
    return min(ages) if ages else None


def _says_stopping(process: Process) -> bool:
    return process.colour != GRAY and process.text.lower().startswith(("stopping", "shutting"))


def guilty(processes: Sequence[Process], wanted: str) -> List[Process]:
    """The processes that keep the instance from the wanted colour, the worst first."""
    order = [RED, YELLOW, GRAY, GREEN] if wanted == GREEN else [RED, YELLOW, GREEN, GRAY]
    wrong = [p for p in processes if p.colour != wanted and p.name not in _PASSING]
    return sorted(wrong, key=lambda p: order.index(p.colour))


def processes_in_words(processes: Sequence[Process]) -> str:
    """``disp+work YELLOW (Starting), gwrd GREEN (Running)``."""
    if not processes:
        return "the process list is empty"
    return ", ".join(f"{p.name} {p.colour}" + (f" ({p.text})" if p.text else "") for p in processes)


def trace_name(process: str, files: Iterable[str]) -> Optional[str]:
    """The trace file of a process among those that exist, else the one of the programs that start processes."""
    names = sorted(files)
    if process.startswith("hdb"):
        service = process[len("hdb") :]
        found = [n for n in names if n.rpartition("/")[2].startswith((service + "_", service + "."))]
        if found:
            return found[-1]
    wanted = _TRACES.get(process)
    exact = [n for n in names if n.rpartition("/")[2] == wanted]
    begins = [n for n in names if wanted and n.rpartition("/")[2].startswith(wanted)]
    starters = [n for n in names if n.rpartition("/")[2].startswith("sapstart")]
    return (exact or begins or starters or [None])[0]  # type: ignore[list-item]


class Instance(NamedTuple):
    """One row of the system's instance list (SAPInstance)."""

    host: str
    number: str
    http_port: int
    https_port: int
    priority: float
    features: Tuple[str, ...]
    colour: str

    @property
    def key(self) -> Tuple[str, str]:
        """What makes it one instance: host name in small letters, number."""
        return self.host.lower(), self.number

    @property
    def label(self) -> str:
        """``host/NN``."""
        return f"{self.host}/{self.number}"

    @classmethod
    def read(cls, row: Mapping[str, Optional[str]]) -> Instance:
        """:raises Malformed: no host, a number or priority that is none, an unknown colour."""
        if not row.get("hostname"):
            raise Malformed("an instance has no host name")
        number = integer(row.get("instanceNr"), "instanceNr")
        if not 0 <= number <= 99:
            raise Malformed(f"the field instanceNr holds {number}")
        try:
            priority = float(row.get("startPriority") or "3")
        except ValueError as error:
            raise Malformed(f"the field startPriority holds {row.get('startPriority')!r}, not a number") from error
        return cls(
            str(row["hostname"]),
            f"{number:02d}",
            integer(row.get("httpPort") or "0", "httpPort"),
            integer(row.get("httpsPort") or "0", "httpsPort"),
            priority,
            tuple(f for f in (row.get("features") or "").split("|") if f),
            colour(row.get("dispstatus")),
        )

    def as_data(self) -> Dict[str, Any]:
        """Plain JSON data."""
        return {
            "host": self.host,
            "number": self.number,
            "http_port": self.http_port,
            "https_port": self.https_port,
            "start_priority": self.priority,
            "features": list(self.features),
            "colour": self.colour,
        }


def without_twins(rows: Sequence[Instance]) -> Tuple[List[Instance], List[str]]:
    """The instances, each once, by start priority; and the labels of those that stood there more than once.

    The list is made from files that every sapstartsrv leaves in the system's global folder. A file that a moved or
    reconfigured instance left behind shows as a second row, and shows gray. So of twins the one that runs
    counts, and of two that run the worse.
    """
    found: Dict[Tuple[str, str], Instance] = {}
    twins: List[str] = []
    for row in rows:
        other = found.get(row.key)
        if other is not None:
            twins.append(row.label)
            if _TWIN_ORDER.index(row.colour) >= _TWIN_ORDER.index(other.colour):
                continue
        found[row.key] = row
    ordered = sorted(found.values(), key=lambda i: (i.priority, i.host, i.number))
    return ordered, sorted(set(twins))


# Which instances a StartSystem or StopSystem option means, judged by their features.
SELECTIONS = {
    "all": "SAPControl-ALL-INSTANCES",
    "scs": "SAPControl-SCS-INSTANCES",
    "dialog": "SAPControl-DIALOG-INSTANCES",
    "abap": "SAPControl-ABAP-INSTANCES",
    "j2ee": "SAPControl-J2EE-INSTANCES",
    "level": "SAPControl-PRIORITY-LEVEL",
    "trex": "SAPControl-TREX-INSTANCES",
    "enqrep": "SAPControl-ENQREP-INSTANCES",
    "hdb": "SAPControl-HDB-INSTANCES",
    "allnohdb": "SAPControl-ALLNOHDB-INSTANCES",
}


def selected(instance: Instance, selection: str, level: Optional[float] = None) -> bool:
    """Whether an option of StartSystem or StopSystem means this instance.

    ``level`` counts the instances of exactly that start priority: whether SAP takes the other side of the level as well
    is not sure, and these are meant either way.
    """
    features = set(instance.features)
    scs = "MESSAGESERVER" in features or "ENQUE" in features
    if selection == "all":
        return True
    if selection == "level":
        return level is not None and abs(instance.priority - level) < 1e-6
    if selection == "scs":
        return scs
    if selection == "dialog":
        return not scs and bool(features & {"ABAP", "J2EE"})
    if selection == "allnohdb":
        return "HDB" not in features
    return {"abap": "ABAP", "j2ee": "J2EE", "trex": "TREX", "enqrep": "ENQREP", "hdb": "HDB"}[selection] in features


class Identity(NamedTuple):
    """Who an instance says it is, from GetInstanceProperties."""

    sid: str
    number: str
    name: str
    host: str
    methods: Tuple[str, ...]
    protected: Tuple[str, ...]

    @classmethod
    def read(cls, rows: Iterable[Mapping[str, Optional[str]]]) -> Identity:
        """:raises Malformed: when SAPSYSTEMNAME or SAPSYSTEM is missing."""
        values = {
            str(r.get("property")): r.get("value") or "" for r in rows if r.get("propertytype") in ("Attribute", None)
        }
        for needed in ("SAPSYSTEMNAME", "SAPSYSTEM"):
            if not values.get(needed):
                raise Malformed(f"the instance does not say its {needed}")
        number = integer(values["SAPSYSTEM"], "SAPSYSTEM")
        return cls(
            values["SAPSYSTEMNAME"],
            f"{number:02d}",
            values.get("INSTANCE_NAME", ""),
            values.get("SAPLOCALHOST", ""),
            _split(values.get("Webmethods", "")),
            _split(values.get("Protected Webmethods", "")),
        )

    @property
    def label(self) -> str:
        """``SID/host/INSTANCE``."""
        return "/".join((self.sid, self.host or "-", self.name or self.number))


def _split(text: str) -> Tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


class Failover(NamedTuple):
    """What HAGetFailoverConfig says."""

    active: bool
    product: str
    node: str
    nodes: Tuple[str, ...]

    @classmethod
    def read(cls, active: Optional[str], product: Optional[str], node: Optional[str], nodes: Iterable[str]) -> Failover:
        """:raises Malformed: when HAActive is neither true nor false."""
        return cls(boolean(active, "HAActive"), product or "", node or "", tuple(nodes))


__all__ = (
    "BROKEN",
    "EMPTY",
    "GRAY",
    "GREEN",
    "PARTIAL",
    "RED",
    "SELECTIONS",
    "STARTED",
    "STARTING",
    "STOPPED",
    "STOPPING",
    "YELLOW",
    "Failover",
    "Identity",
    "Instance",
    "Malformed",
    "Process",
    "colour",
    "guilty",
    "integer",
    "lasting_names",
    "names_when_started",
    "processes_in_words",
    "selected",
    "state_of",
    "trace_name",
    "without_twins",
    "youngest",
)
