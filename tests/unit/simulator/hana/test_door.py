# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL ports, the control routes, the host commands of HANA in a simulator that runs, through SAP's own driver."""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.launch import ROOT, Simulator, SimulatorError
from tests.unit.simulator.hana.stage import export

dbapi = pytest.importorskip("hdbcli.dbapi", reason="needs hdbcli: pip install -r tests/requirements/test.txt")
COMMANDS = ROOT / "tests" / "simulator" / "commands"
INSTANCE = "HDP/hdpdb/HDB00"


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    """One simulator for the tests of this file."""
    with Simulator.start(export(HDP={"tenants": ["PRD", "TST"]}, HDQ={"tenants": ["QAS"]}), speed=500) as sim:
        yield sim


@pytest.fixture
def sim(shared: Simulator) -> Iterator[Simulator]:
    """The shared simulator without faults, its instances up."""
    yield shared
    shared.clear()
    shared.state(instances={INSTANCE: {"phase": "running"}})


def connect(sim: Simulator, database: str = "SYSTEMDB", key: str = "HDP", user: str = "SYSTEM", **more: Any) -> Any:
    """A connection of the driver, straight to the database's port."""
    system = sim.info["hana"][key]
    port = more.pop("port", None) or system["databases"][database]["port"]
    password = more.pop("password", None) or system["users"][user]
    return dbapi.connect(address=system["address"], port=port, user=user, password=password, **more)


def ask(connection: Any, sql: str, *given: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement, none for one that has none."""
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(sql, given)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("database", ["SYSTEMDB", "PRD", "TST"])
def test_the_same_port_is_plain_or_tls(sim: Simulator, database: str, tls: bool) -> None:
    port = sim.info["hana"]["HDP"]["databases"]["SYSTEMDB"]["port"]
    # The driver compares names only, not the address that the certificate is for, too.
    more = {"encrypt": True, "sslTrustStore": sim.info["ca_file"], "sslHostNameInCertificate": "hdpdb"} if tls else {}
    for there in ({}, {"port": port, "databaseName": database}):
        with contextlib.closing(connect(sim, database, **more, **there)) as connection:
            assert ask(connection, "SELECT DATABASE_NAME FROM M_DATABASE") == [(database,)]


def test_nothing_listens_when_it_is_down(sim: Simulator) -> None:
    with contextlib.closing(connect(sim)) as connection:
        ask(connection, "ALTER SYSTEM STOP DATABASE TST")
        with pytest.raises(dbapi.Error) as refusal:
            connect(sim, "TST")
        assert refusal.value.errorcode == -10709
        ask(connection, "ALTER SYSTEM START DATABASE TST")
        connect(sim, "TST").close()
        sim.state(instances={INSTANCE: {"phase": "stopped"}})
        with pytest.raises(dbapi.Error):
            ask(connection, "SELECT * FROM DUMMY")
    with pytest.raises(dbapi.Error) as refusal:
        connect(sim)
    assert refusal.value.errorcode == -10709


def test_a_backup_outlives_its_connection(sim: Simulator) -> None:
    begin = len(sim.journal())
    sim.fault("hana_connection_lost", operation="BACKUP", times=1)
    with pytest.raises(dbapi.Error) as refusal:
        ask(connect(sim), "BACKUP DATA FOR PRD USING FILE ('x')")
    assert refusal.value.errorcode == -10807
    sim.wait(after=begin, effect="hana_backup_finished", database="PRD")
    calls = [entry["call"] for entry in sim.journal(begin, door="hana")]
    assert calls == ["LOGON", "BACKUP DATA FOR PRD USING FILE ('x')"]


def test_a_client_that_leaves_or_says_nothing(sim: Simulator) -> None:
    system = sim.info["hana"]["HDP"]
    place = (system["address"], system["databases"]["PRD"]["port"])
    with socket.create_connection(place, timeout=5):
        with socket.create_connection(place, timeout=5) as other:
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert other.recv(10) == b""
        connect(sim, "PRD").close()


def test_control_routes(sim: Simulator) -> None:
    state = sim.hana("HDP", "user", user="MONITOR_USER", database="PRD", state="locked")
    assert state["databases"]["PRD"]["users"]["MONITOR_USER"]["state"] == "locked"
    with pytest.raises(dbapi.Error) as refusal:
        connect(sim, "PRD", user="MONITOR_USER")
    assert refusal.value.errorcode == 416
    sim.hana("HDP", "user", user="NEW_USER", password="Fresh1", privileges=["CATALOG READ"])
    with contextlib.closing(connect(sim, "PRD", user="NEW_USER", password="Fresh1")) as connection:
        before = ask(connection, "SELECT COUNT(*) FROM M_BACKUP_CATALOG")[0][0]
        sim.hana("HDP", "catalog", database="PRD", entries=5000)
        assert ask(connection, "SELECT COUNT(*) FROM M_BACKUP_CATALOG") == [(before + 5000,)]
    with contextlib.closing(connect(sim, "TST")) as connection:
        ask(connection, "CREATE TABLE S.T (ID INTEGER, AT DATE)")
        ask(connection, "INSERT INTO S.T VALUES (1, '2026-01-02')")
    assert sim.hana("HDP")["databases"]["TST"]["tables"]["S.T"]["rows"] == [[1, {"$d": "2026-01-02"}]]
    for what, fields, words in (
        ("user", {"user": "NOBODY", "state": "active"}, "NOBODY"),
        ("user", {"user": "SYSTEM", "state": "sleepy"}, "sleepy"),
        ("sql", {}, "no POST"),
    ):
        with pytest.raises(SimulatorError, match=words):
            sim.hana("HDP", what, **fields)
    with pytest.raises(SimulatorError, match="NON"):
        sim.hana("NON")


def test_hdbnsutil_asks_for_the_password(sim: Simulator) -> None:
    with contextlib.closing(connect(sim)) as connection:
        ask(connection, "ALTER DATABASE PRD SET ENCRYPTION ROOT KEYS BACKUP PASSWORD 'Secret 1'")
    file = f"{sim.info['hana']['HDP']['fs']}/keys.rkb"
    environment = {"PATH": os.environ["PATH"], "BASIS_SIMULATED_HOST": sim.info["hosts"]["hdpdb"]["door"]}
    begin = len(sim.journal())

    def run(*arguments: str, stdin: Any = None) -> subprocess.CompletedProcess[str]:
        command = [str(COMMANDS / "hdbnsutil"), *arguments]
        return subprocess.run(
            command, env=environment, stdin=stdin, capture_output=True, text=True, timeout=30, check=False
        )

    assert run("-backupRootKeys", file, "--dbid=3", "--type=ALL").returncode == 0
    assert os.path.isfile(file), "a path of the simulator's own folder is taken as it is"
    assert run("-validateRootKeysBackup", file, "--password=Secret 1").returncode == 0
    master, slave = pty.openpty()
    try:
        os.write(master, b"Secret 1\n")
        done = run("-validateRootKeysBackup", file, stdin=slave)
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 0 and done.stdout.startswith("Password:")
    assert run("-validateRootKeysBackup", file, stdin=subprocess.DEVNULL).returncode == 1
    noted = [entry["detail"] for entry in sim.journal(begin, call="hdbnsutil")]
    assert any("--password=***" in detail for detail in noted) and "Secret" not in str(noted)
