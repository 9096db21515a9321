# SPDX-License-Identifier: GPL-3.0-or-later
"""An ABAP system whose clock only moves when a test moves it."""

from __future__ import annotations

from typing import Any

from tests.simulator.abap.engine import AbapEngine, Session
from tests.simulator.abap.jobs import Job
from tests.simulator.abap.world import AbapWorld
from tests.simulator.clock import Clock
from tests.simulator.faults import Faults
from tests.simulator.journal import Journal
from tests.simulator.landscape import Landscape

WALL = 1_790_000_000.0
XMI = {"EXTCOMPANY": "TEST", "EXTPRODUCT": "TEST", "INTERFACE": "XBP", "VERSION": "3.0"}
EXTERNAL = {"EXTERNAL_USER_NAME": "TEST"}
AUTO = "BASIS_AUTO"
PRINTED = {"PDEST": "LP01"}
# Systems without jobs of their own are easier to count in.
QUIET: dict[str, Any] = {"jobs": []}


def export(**options: Any) -> dict[str, Any]:
    """QAS with two application servers on a database of its own."""
    return {
        "simulation": {"spread": 0, "stragglers": {"share": 0}},
        "hosts": [{"name": name} for name in ("qasdb", "qascs", "qasapp1", "qasapp2")],
        "systems": [
            {"name": "HDQ", "type": "hana"},
            {"name": "QAS", "type": "abap", "depends_on": ["HDQ"], "simulation": {"abap": options}},
        ],
        "instances": [
            {"name": "HDB00", "system": "HDQ", "host": "qasdb", "number": "00", "kind": "hana"},
            {"name": "ASCS10", "system": "QAS", "host": "qascs", "number": "10", "kind": "ascs"},
            {"name": "D01", "system": "QAS", "host": "qasapp1", "number": "01", "kind": "dialog"},
            {"name": "D02", "system": "QAS", "host": "qasapp2", "number": "02", "kind": "dialog"},
        ],
    }


class Stage:
    """The system QAS."""

    def __init__(self, **options: Any) -> None:
        given = export(**options)
        self.clock = Clock(1e-9, WALL)
        self.journal = Journal(self.clock)
        self.faults = Faults()
        self.journal.listeners.append(self.faults.heard)
        addresses = {row["name"]: "127.0.0.1" for row in given["hosts"]}
        self.landscape = Landscape(given, self.clock, self.journal, self.faults, addresses)
        self.world = AbapWorld(self.landscape, self.clock, self.journal, self.faults)
        self.system = self.world.systems["QAS"]
        self.engine = AbapEngine(self.system)

    def logon(self, user: str = AUTO, client: str = "100", *, xmi: bool = False) -> Session:
        """A session of a user."""
        account = self.system.users.get(client, user)
        session = self.engine.logon(client, user, account.password if account else "none")
        if xmi:
            self.engine.call(session, "BAPI_XMI_LOGON", XMI)
        return session

    def call(self, session: Session, function: str, **arguments: Any) -> dict[str, Any]:
        """Call a function module; what it gives back must be in its interface."""
        answer = self.engine.call(session, function, arguments)
        catalogue = self.engine.catalogue
        known = {one.name: one for one in catalogue.functions[function].parameters if one.kind != "I"}
        assert set(answer) <= set(known), f"{function} has no output {sorted(set(answer) - set(known))}"
        for name, value in answer.items():
            sort = known[name].type
            rows = value if isinstance(value, list) else [value] if isinstance(sort, str) else []
            for row in rows:
                columns = {column.name for column in catalogue.row(str(sort)).fields}
                assert set(row) <= columns, f"{function}-{name} has no {sorted(set(row) - columns)}"
        return answer

    def rows(
        self, session: Session, table: str, *wanted: str, where: tuple[str, ...] = (), **more: Any
    ) -> list[list[str]]:
        """Read a table: the values of the wanted columns, without the blanks that pad them."""
        answer = self.call(
            session,
            "RFC_READ_TABLE",
            QUERY_TABLE=table,
            DELIMITER="|",
            OPTIONS=[{"TEXT": line} for line in where],
            FIELDS=[{"FIELDNAME": name} for name in wanted],
            **more,
        )
        return [[value.strip() for value in row["WA"].split("|")] for row in answer["DATA"]]

    def make(self, session: Session, name: str, report: str, **step: Any) -> dict[str, str]:
        """Open a job with one step, close it; returns what says which job it is."""
        count = self.call(session, "BAPI_XBP_JOB_OPEN", JOBNAME=name, **EXTERNAL)["JOBCOUNT"]
        key = {"JOBNAME": name, "JOBCOUNT": count, **EXTERNAL}
        for function, more in (
            ("BAPI_XBP_JOB_ADD_ABAP_STEP", {"ABAP_PROGRAM_NAME": report, **step}),
            ("BAPI_XBP_JOB_CLOSE", {}),
        ):
            answer = self.call(session, function, **key, **more)
            assert answer["RETURN"]["TYPE"] == "S", answer
        return key

    def submit(self, session: Session, name: str, report: str, **step: Any) -> Job:
        """Make a job that starts at once."""
        key = self.make(session, name, report, **step)
        answer = self.call(session, "BAPI_XBP_JOB_START_IMMEDIATELY", **key)
        assert answer["RETURN"]["TYPE"] == "S", answer
        job = self.system.jobs.get(key["JOBNAME"], key["JOBCOUNT"])
        assert job is not None
        return job

    def states(self) -> dict[str, str]:
        """The status of each job; of several with one name that of the last."""
        return {job.name: job.status for job in self.system.jobs.all()}

    def effects(self, *names: str) -> list[str]:
        """The effects in the journal, all or those of some names."""
        found = [entry["effect"] for entry in self.journal.entries if "effect" in entry]
        return [name for name in found if not names or name in names]
