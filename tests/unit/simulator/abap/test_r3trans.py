# SPDX-License-Identifier: GPL-3.0-or-later
"""R3trans of a simulated system: its control files, what comes back, how it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.simulator.abap import r3trans
from tests.simulator.abap.r3trans import R3trans
from tests.unit.simulator.abap.stage import Stage

HOST = "qasapp1"


class Host:
    """A host of the system with a home folder."""

    def __init__(self, stage: Stage, home: Path) -> None:
        self.stage, self.home = stage, home

    def run(self, *argv: str) -> int:
        """The return code, after a look at what is printed."""
        code, text = R3trans(self.stage.system, HOST, self.home).run(list(argv))
        assert code == r3trans.KILLED or f"R3trans finished ({code:04d}).\n" in text
        return code

    def control(self, text: str) -> int:
        """Run a control file."""
        (self.home / "x.ctl").write_text(text, encoding="utf-8")
        return self.run("-w", "x.log", "x.ctl")

    @property
    def log(self) -> str:
        """The log of the last run."""
        return (self.home / "x.log").read_text(encoding="utf-8")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table."""
        return [dict(row) for row in self.stage.system.tables[table].rows(self.stage.system)]


@pytest.fixture
def host(stage: Stage, tmp_path: Path) -> Host:
    return Host(stage, tmp_path)


EXPORT = "EXPORT\n# a comment\nFILE='x.dat'\nclient = all\ndelete from RFCDES\nSELECT * FROM rfcdes\n"
IMPORT = "import\nfile = 'x.dat'\n"


def test_rows_go_and_come_back(host: Host) -> None:
    before = host.rows("RFCDES")
    assert host.control(EXPORT) == 0 and "  3 entries from RFCDES exported" in host.log
    assert (host.home / "x.dat").stat().st_mode & 0o777 == 0o600
    host.stage.system.fill("RFCDES", [{"RFCDEST": "OTHER"}])
    assert host.control(IMPORT) == 0
    assert host.rows("RFCDES") == before
    assert host.stage.effects("r3trans_exported", "r3trans_imported") == ["r3trans_exported", "r3trans_imported"]


def test_without_delete_rows_are_added(host: Host) -> None:
    assert host.control(EXPORT.replace("delete from RFCDES\n", "")) == 0
    host.stage.system.fill("RFCDES", [{"RFCDEST": "OTHER"}])
    assert host.control(IMPORT) == 0
    assert len(host.rows("RFCDES")) == 4


def test_clients(host: Host) -> None:
    system = host.stage.system
    system.fill("EDP13", [{"MANDT": "000", "NAME": "A"}, {"MANDT": "100", "NAME": "B"}])
    text = "export\nfile = 'x.dat'\n%sdelete from EDP13\nselect * from EDP13\n"
    assert host.control(text % "") == 0 and "1 entry from EDP13 exported" in host.log, "client 000 is the default"
    assert host.control(text % "client = 100\n") == 0
    system.fill("EDP13", [{"MANDT": "000", "NAME": "C"}, {"MANDT": "100", "NAME": "D"}])
    assert host.control(IMPORT) == 0
    assert [(row["MANDT"], row["NAME"]) for row in host.rows("EDP13")] == [("000", "C"), ("100", "B")]
    assert host.control("import\nclient = 000\nfile = 'x.dat'\n") == 0
    assert sorted((row["MANDT"], row["NAME"]) for row in host.rows("EDP13")) == [("000", "B"), ("100", "B")]
    assert host.control(text % "client = 300\n") == 8


def test_jobs_come_back(tmp_path: Path) -> None:
    stage = Stage()
    host = Host(stage, tmp_path)
    before, states = host.rows("TBTCO"), stage.states()
    tables = "".join(f"delete from {name}\nselect * from {name}\n" for name in ("TBTCO", "TBTCP"))
    assert host.control(f"export\nfile = 'x.dat'\nclient = all\n{tables}") == 0
    gone = stage.system.jobs.all()[0]
    stage.system.jobs.delete(gone)
    stage.system.jobs.add(name="OF_THE_SOURCE", report="RSUSR000")
    assert host.control(IMPORT) == 0
    assert (host.rows("TBTCO"), stage.states()) == (before, states)
    back = stage.system.jobs.get(*gone.key)
    assert back is not None and back.steps[0].program == gone.steps[0].program
    stage.clock.advance(90_000)
    assert gone.name in {entry.get("job") for entry in stage.journal.entries if entry.get("effect") == "job_finished"}


def test_clients_and_logical_systems_come_back(host: Host) -> None:
    before = host.rows("T000"), host.rows("TBDLS")
    assert host.control("export\nfile = 'x.dat'\nselect * from T000\nselect * from TBDLS\n") == 0
    host.stage.system.set_client("100", {"LOGSYS": "PRDCLNT100"})
    host.stage.system.logical.names = ["PRDCLNT100"]
    host.control("export\nfile = 'y.dat'\ndelete from T000\ndelete from TBDLS\n")
    assert host.control("import\nfile = 'y.dat'\nimport\nfile = 'x.dat'\n") == 0
    assert (host.rows("T000"), host.rows("TBDLS")) == before


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", 12, "has no step"),
        ("select * from RFCDES", 12, "syntax error in line 1"),
        ("export\nselect RFCDEST from RFCDES", 12, "syntax error in line 2"),
        ("export\nfile = 'x.dat'\nselect * from RFCDES\nclient = all", 12, "syntax error in line 4"),
        ("export\ncolour = red", 12, "syntax error in line 2"),
        ("import\nselect * from RFCDES", 12, "syntax error in line 2"),
        ("export\nselect * from ZNONE\nselect * from RFCDES", 8, "table ZNONE does not exist"),
        ("export\nselect * from RFCDES where NOPE = 'A'", 8, "where clause for table RFCDES is wrong"),
        ("import\nfile = 'none.dat'", 12, "cannot be opened"),
        ("import\nfile = '/etc/passwd'", 12, "file '/etc/passwd' cannot be opened"),
        ("export\nfile = '../x.dat'\nselect * from RFCDES", 12, "cannot be opened"),
        ("import\nfile = 'x.ctl'", 12, "is damaged or no data file"),
    ],
)
def test_control_files_that_end_badly(host: Host, text: str, code: int, words: str) -> None:
    assert host.control(text) == code
    assert words in host.log and f"End of Transport ({code:04d})." in host.log


def test_a_missing_table_does_not_stop_the_others(host: Host) -> None:
    host.control("export\nfile = 'x.dat'\nselect * from ZNONE\nselect * from RFCDES\n")
    assert "3 entries from RFCDES exported" in host.log


def test_a_list_shows_rows_when_it_is_verbose(host: Host) -> None:
    host.control(EXPORT)
    assert host.run("-w", "x.log", "-l", "x.dat") == 0
    assert "REP  RFCDES" in host.log and "** " not in host.log
    assert host.run("-w", "x.log", "-v", "-l", "x.dat") == 0
    assert host.log.count("ETW000 ** 283 ** ") == 3 and "SAPOSS" in host.log


def test_a_table_that_cannot_be_written(host: Host) -> None:
    assert host.control("export\nfile = 'x.dat'\nclient = all\nselect * from USR02\n") == 0
    assert host.control(IMPORT) == 8 and "USR02 cannot be written" in host.log


def test_options(host: Host) -> None:
    assert host.run() == 12
    assert host.run("-d") == 0 and (host.home / "trans.log").is_file()
    assert host.run("-x", "-w", "../out.log") == 12, "a log that cannot be written is an error"
    assert host.run("-u128", "x.ctl") == 12
    host.control(EXPORT)
    host.stage.system.fill("RFCDES", [])
    assert host.run("-i", "x.dat") == 0 and len(host.rows("RFCDES")) == 3


def test_the_database_is_needed_and_the_application_is_not(host: Host) -> None:
    hana = next(one for one in host.stage.landscape.instances.values() if one.kind == "hana")
    for instance in host.stage.system.instances:
        host.stage.landscape.restore({"instances": {instance.id: {"phase": "stopped"}}})
    assert host.run("-d", "-w", "x.log") == 0
    host.stage.landscape.restore({"instances": {hana.id: {"phase": "stopped"}}})
    assert host.run("-d", "-w", "x.log") == 12 and "does not answer" in host.log


@pytest.mark.parametrize(
    ("fault", "code", "rows"),
    [
        ({"name": "r3trans_fails", "operation": "import"}, 12, 1),
        ({"name": "r3trans_warns", "operation": "import"}, 4, 3),
        ({"name": "r3trans_cut"}, r3trans.KILLED, 0),
        ({"name": "r3trans_loses"}, 0, 2),
        ({"name": "r3trans_idle"}, 0, 1),
    ],
)
def test_faults_of_an_import(host: Host, fault: dict[str, Any], code: int, rows: int) -> None:
    host.control(EXPORT)
    host.stage.system.fill("RFCDES", [{"RFCDEST": "OTHER"}])
    host.stage.faults.add({"system": "QAS", "times": 1, **fault})
    assert host.control(IMPORT) == code
    assert len(host.rows("RFCDES")) == rows
    assert host.control(IMPORT) == 0 and len(host.rows("RFCDES")) == 3


def test_faults_of_an_export(host: Host) -> None:
    host.stage.faults.add({"name": "disk_full", "operation": "R3trans", "times": 1})
    assert host.control(EXPORT) == 12 and "No space left" in host.log
    host.stage.faults.add({"name": "r3trans_damaged", "times": 1})
    assert host.control(EXPORT) == 0
    assert host.run("-w", "x.log", "-l", "x.dat") == 12 and "is damaged" in host.log


def test_whose_system(stage: Stage) -> None:
    for name in ("qasapp1", "qasapp2", "qascs"):
        assert r3trans.system_of(stage.world, name, "qasadm") is stage.system
    assert r3trans.system_of(stage.world, "qasapp1", "root") is stage.system
    assert r3trans.system_of(stage.world, "qasdb", "qasadm") is None
