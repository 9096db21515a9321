# SPDX-License-Identifier: GPL-3.0-or-later
"""The HANA door through drivers that are not ours: SAP's hdbcli, npm's hdb; what they read is known beforehand."""

from __future__ import annotations

import datetime
import json
import os
import socket
import struct
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hana.conftest import Hana

dbapi = pytest.importorskip("hdbcli.dbapi", reason="needs hdbcli: pip install -r tests/requirements/test.txt")

TEXT = "é漢😀" * 200_000
BYTES = bytes(range(256)) * 5000
FULL = (
    255,
    -32768,
    2147483647,
    -9223372036854775808,
    Decimal("-12345.678"),
    1.5,
    True,
    "abc",
    "Grüße 漢 😀",
    b"\x00\xff\x10",
    datetime.datetime(2026, 11, 21, 19, 10, 49, 123456),
    datetime.datetime(2026, 11, 21, 19, 10, 49),
    datetime.date(1999, 12, 31),
    datetime.time(23, 59, 58),
    "plain",
    "ünï😀",
    b"\x00\x01",
)


def code(excinfo: pytest.ExceptionInfo[Any]) -> int:
    return int(excinfo.value.errorcode)


# -- hdbcli: logon ----------------------------------------------------------------------------------------------------


def test_who_is_logged_on(hana: Hana, connection: Any) -> None:
    assert hana.rows(connection, "SELECT SESSION")[0][1:] == ("QAS", "QAS", "SYSTEM")


@pytest.mark.parametrize("wrong", [{"password": "manager1"}, {"user": "NOBODY"}, {"user": '"system"'}])
def test_wrong_account(hana: Hana, wrong: dict[str, str]) -> None:
    with pytest.raises(dbapi.Error, match="authentication failed") as excinfo:
        hana.connect(**wrong)
    assert code(excinfo) == 10


def test_both_outcomes_of_a_proof_are_told(hana: Hana, connection: Any) -> None:
    with pytest.raises(dbapi.Error):
        hana.connect(password="wrong")
    hana.connect(user="system").close()
    kept = [event for event in hana.events(connection) if event.startswith(("logged", "note QAS SYSTEM: LOGON"))]
    assert kept == [
        "note QAS SYSTEM: LOGON",
        "logged on SYSTEM False",
        "note QAS SYSTEM: LOGON",
        "logged on SYSTEM True",
    ]


def test_quoted_user_with_a_password_beyond_the_basic_plane(hana: Hana) -> None:
    other = hana.connect(user='"quoted"', password="Päßwörd😀")
    assert hana.rows(other, "SELECT SESSION")[0][3] == "quoted"
    other.close()


@pytest.mark.parametrize("name", ["QAS", "qas", "SYSTEMDB"])
def test_redirect_to_a_database(hana: Hana, name: str) -> None:
    other = hana.connect(port=hana.info["SYSTEMDB"], databaseName=name)
    assert hana.rows(other, "SELECT SESSION")[0][2] == name.upper()
    other.close()


def test_redirect_to_a_database_that_does_not_exist(hana: Hana) -> None:
    with pytest.raises(dbapi.Error, match="database NIX does not exist") as excinfo:
        hana.connect(port=hana.info["SYSTEMDB"], databaseName="NIX")
    assert code(excinfo) == 863


def test_tls(hana: Hana) -> None:
    secure = {"address": "localhost", "port": hana.info["TLS"], "encrypt": True}
    other = hana.connect(**secure, sslTrustStore=hana.info["ca"])
    assert hana.rows(other, "SELECT SESSION")[0][3] == "SYSTEM"
    assert hana.rows(other, "SELECT LOBS")[1] == (2, TEXT, BYTES)
    other.close()
    with pytest.raises(dbapi.Error, match="certificate") as excinfo:
        hana.connect(**secure)
    assert code(excinfo) == -10709


def test_tls_on_a_plain_port_is_refused(hana: Hana) -> None:
    with pytest.raises(dbapi.Error) as excinfo:
        hana.connect(address="localhost", encrypt=True, sslTrustStore=hana.info["ca"])
    assert code(excinfo) == -10709


# -- hdbcli: rows -----------------------------------------------------------------------------------------------------


def test_every_type_with_its_null(hana: Hana, connection: Any) -> None:
    assert hana.rows(connection, "SELECT TYPES") == [FULL, (None,) * len(FULL), FULL]


def test_description(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT TYPES")
    described = {row[0]: (row[3], row[5], row[6]) for row in cursor.description}
    assert (described["N"], described["DE"], described["I"]) == ((256, 0, True), (34, 3, True), (10, 0, True))
    assert described["TS"] == (27, 7, True)


def test_decimals(hana: Hana, connection: Any) -> None:
    texts = ["0", "0", "-0.001", "12345678901234567890123456789012.34", "1000", "100"]
    assert hana.rows(connection, "SELECT DECIMALS") == [(Decimal(text), Decimal(text)) for text in texts]


def test_a_hundred_thousand_rows(hana: Hana, connection: Any) -> None:
    assert hana.rows(connection, "SELECT COUNT") == [(number, f"row {number}") for number in range(100_000)]


@pytest.mark.parametrize("size", [1, 31, 500])
def test_rows_in_blocks(connection: Any, size: int) -> None:
    first, second = connection.cursor(), connection.cursor()
    first.setfetchsize(size)
    for cursor in (first, second):
        cursor.execute("SELECT COUNT")
    for start in range(0, 2000, 500):
        for cursor in (first, second):
            assert [row[0] for row in cursor.fetchmany(500)] == list(range(start, start + 500))
    first.close()
    assert second.fetchone()[0] == 2000


def test_no_rows(hana: Hana, connection: Any) -> None:
    assert hana.rows(connection, "SELECT NOTHING") == []


def test_strings_of_every_length(hana: Hana, connection: Any) -> None:
    expected = ["ä" * (size // 2) + "b" * (size % 2) for size in (0, 245, 246, 5000, 32767, 32768, 40_000)]
    assert [row[0] for row in hana.rows(connection, "SELECT STRINGS")] == expected


def test_lobs(hana: Hana, connection: Any) -> None:
    assert hana.rows(connection, "SELECT LOBS") == [(1, "", b""), (2, TEXT, BYTES), (3, None, None)]


def test_pieces_of_a_lob_are_counted_in_characters(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT LOBS")
    cursor.fetchone()
    _id, text, data = cursor.fetchone(True)
    # Four units are three letters here.
    assert (text.read(1001), text.read(1000), text.read(3)) == (TEXT[:751], TEXT[751:1501], "漢😀")
    assert bytes(data.read(1500)) + bytes(data.read(1500)) == BYTES[:3000]


# -- hdbcli: statements -----------------------------------------------------------------------------------------------


def test_statements_without_rows(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("BACKUP DATA USING FILE ('x')")
    assert (cursor.rowcount, cursor.description) == (0, None)
    cursor.execute("UPDATE T SET A = 1")
    assert cursor.rowcount == 7


@pytest.mark.parametrize(
    ("sql", "number", "text", "kind"),
    [
        (
            "BACKUP DATA FAIL",
            447,
            "backup could not be completed: [110507] Backint exited with exit code 1: Ünï",
            "Error",
        ),
        ("NO SUCH THING", 257, "sql syntax error: not in the script: NO SUCH THING", "ProgrammingError"),
        ("SELECT LATE", 129, "transaction rolled back by an internal error", "InternalError"),
        ("SELECT BROKEN", 2, "general error: the simulator failed", "Error"),
    ],
)
def test_errors(hana: Hana, connection: Any, sql: str, number: int, text: str, kind: str) -> None:
    with pytest.raises(dbapi.Error) as excinfo:
        hana.rows(connection, sql)
    assert (code(excinfo), type(excinfo.value).__name__) == (number, kind)
    assert excinfo.value.errortext.startswith(text)
    assert hana.rows(connection, "SELECT BELOW ?", (1,)) == [(0,)], "the session goes on"


def test_parameters(hana: Hana, connection: Any) -> None:
    assert hana.rows(connection, "SELECT BELOW ?", (3,)) == [(0,), (1,), (2,)]
    assert hana.rows(connection, "SELECT BELOW :limit", {"limit": 2}) == [(0,), (1,)]
    cursor = connection.cursor()
    for values in [(1, "é😀"), (None, None)]:
        cursor.execute("INSERT INTO T VALUES (?, ?)", values)
        assert cursor.rowcount == 1
    cursor.executemany("INSERT INTO T VALUES (?, ?)", [(2, "b"), (3, None)])
    assert cursor.rowcount == 2
    assert [event for event in hana.events(connection) if event.startswith("insert")] == [
        "insert 1, 'é😀' autocommit=True",
        "insert None, None autocommit=True",
        "insert 2, 'b' autocommit=True",
        "insert 3, None autocommit=True",
    ]


def test_parameters_of_every_type(hana: Hana, connection: Any) -> None:
    sql = f"INSERT INTO ALL_TYPES VALUES ({', '.join('?' * len(FULL))})"
    connection.cursor().execute(sql, FULL)
    connection.cursor().execute(sql, (None,) * len(FULL))
    inserted = [event for event in hana.events(connection) if event.startswith("insert")]
    assert inserted == [
        "insert 255, -32768, 2147483647, -9223372036854775808, Decimal('-12345.678'), 1.5, True, 'abc', 'Grüße 漢 😀', "
        "b'\\x00\\xff\\x10', datetime.datetime(2026, 11, 21, 19, 10, 49, 123456), "
        "datetime.datetime(2026, 11, 21, 19, 10, 49), datetime.date(1999, 12, 31), datetime.time(23, 59, 58), 'plain', "
        "'ünï😀', b'\\x00\\x01' autocommit=True",
        f"insert {', '.join(['None'] * len(FULL))} autocommit=True",
    ]


def test_a_batch_ends_at_its_first_error(hana: Hana, connection: Any) -> None:
    with pytest.raises(dbapi.IntegrityError) as excinfo:
        connection.cursor().executemany("INSERT INTO T VALUES (?, ?)", [(1, "a"), (13, None), (3, "c")])
    assert (code(excinfo), excinfo.value.errortext) == (301, "unique constraint violated: Table(T)")
    assert [event for event in hana.events(connection) if event.startswith("insert")] == [
        "insert 1, 'a' autocommit=True"
    ]


def test_an_error_of_prepare(connection: Any) -> None:
    with pytest.raises(dbapi.ProgrammingError) as excinfo:
        connection.cursor().execute("SYNTAX ?", (1,))
    assert code(excinfo) == 257


def test_lob_parameters(hana: Hana, connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO LOBS VALUES (?, ?, ?)", (1, "é", b"x"))
    assert cursor.rowcount == 1
    cursor.execute("INSERT INTO LOBS VALUES (?, ?, ?)", (2, TEXT, BYTES))
    assert cursor.rowcount == 1
    cursor.executemany("INSERT INTO LOBS VALUES (?, ?, ?)", [(3, "a", None), (4, TEXT, BYTES), (5, None, BYTES)])
    assert cursor.rowcount == 3
    big = "1280000 bytes True"
    assert [event for event in hana.events(connection) if event.startswith("insert")] == [
        "insert 1, 'é', b'x' autocommit=True",
        f"insert 2, 600000 str True, {big} autocommit=True",
        "insert 3, 'a', None autocommit=True",
        f"insert 4, 600000 str True, {big} autocommit=True",
        f"insert 5, None, {big} autocommit=True",
    ]


def test_transactions(hana: Hana, connection: Any) -> None:
    connection.setautocommit(False)
    cursor = connection.cursor()
    cursor.execute("UPDATE T SET A = 1")
    connection.commit()
    cursor.execute("UPDATE T SET A = 1")
    connection.rollback()
    connection.setautocommit(True)
    cursor.execute("UPDATE T SET A = 1")
    kept = [event for event in hana.events(connection) if not event.startswith("note")]
    assert kept == [
        "update autocommit=False",
        "commit",
        "update autocommit=False",
        "rollback",
        "update autocommit=True",
    ]


def test_the_journal_knows_statements_but_no_values(hana: Hana, connection: Any) -> None:
    connection.cursor().execute('CREATE USER JO PASSWORD "Secret1" NO FORCE_FIRST_PASSWORD_CHANGE')
    connection.cursor().execute("INSERT INTO T VALUES (?, ?)", (1, "value"))
    assert [event for event in hana.events(connection) if event.startswith("note")] == [
        "note QAS SYSTEM: CREATE USER JO PASSWORD '***' NO FORCE_FIRST_PASSWORD_CHANGE",
        "note QAS SYSTEM: INSERT INTO T VALUES (?, ?)",
    ]


# -- hdbcli: the end of a connection ----------------------------------------------------------------------------------


def test_two_connections_are_two_sessions(hana: Hana, connection: Any) -> None:
    other = hana.connect()
    number = hana.rows(other, "SELECT SESSION")[0][0]
    assert number != hana.rows(connection, "SELECT SESSION")[0][0]
    other.close()
    assert hana.wait(connection, lambda events: "connection closed" in events).count(f"ended {number}") == 1


def test_a_connection_that_breaks_off(hana: Hana) -> None:
    other = hana.connect(reconnect=False)
    with pytest.raises(dbapi.Error) as excinfo:
        other.cursor().execute("CUT ME")
    assert code(excinfo) == -10807
    with pytest.raises(dbapi.Error) as excinfo:
        other.cursor().execute("SELECT SESSION")
    assert code(excinfo) == -10821


def test_a_driver_that_reconnects(hana: Hana) -> None:
    other = hana.connect()
    number = hana.rows(other, "SELECT SESSION")[0][0]
    with pytest.raises(dbapi.Error):
        other.cursor().execute("CUT ME")
    assert hana.rows(other, "SELECT SESSION")[0][0] != number
    other.close()


def test_a_server_that_does_not_answer(hana: Hana, connection: Any) -> None:
    other = hana.connect(communicationTimeout=300, reconnect=False)
    number = hana.rows(other, "SELECT SESSION")[0][0]
    with pytest.raises(dbapi.Error) as excinfo:
        other.cursor().execute("HANG ME")
    assert code(excinfo) == -10807
    hana.wait(connection, lambda events: f"ended {number}" in events)


def test_a_backup_outlives_its_client(hana: Hana, connection: Any) -> None:
    words = f"from hdbcli import dbapi; dbapi.connect(**{hana.options()!r}).cursor().execute('BACKUP DATA LONG')"
    with subprocess.Popen([sys.executable, "-c", words]) as client:
        hana.wait(connection, lambda events: "backup began" in events)
        client.kill()
    events = hana.wait(connection, lambda events: "connection closed" in events)
    assert "backup ended" not in events and not [event for event in events if event.startswith("ended")]
    connection.cursor().execute("RELEASE BACKUP")
    events = hana.wait(connection, lambda events: any(event.startswith("ended") for event in events))
    kept = [event.partition(" 2")[0] for event in events if event.startswith(("backup", "connection", "ended"))]
    assert kept == ["backup began", "connection closed", "backup ended", "ended"]


# -- clients that break the protocol ----------------------------------------------------------------------------------


class Raw:
    """A socket with hand-made messages."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.sendall(bytes.fromhex("ffffffff 040014 040001 00 01 0101"))
        assert len(self.read(8)) == 8

    def read(self, size: int) -> bytes:
        """Exactly so many bytes, fewer at the end of the stream."""
        found = b""
        while len(found) < size and (more := self.socket.recv(size - len(found))):
            found += more
        return found

    def send(self, type_: int, *, length: int | None = None, flags: int = 0, kind: int = 1, body: bytes = b"") -> None:
        """A message with one segment."""
        segment = struct.pack("<iihhbBBB8x", 24 + len(body), 0, 0 if not body else 1, 1, kind, type_, 1, 0) + body
        size = len(segment) if length is None else length
        self.socket.sendall(struct.pack("<qiIIhBBiI", 0, 7, size, size, 1, flags, 0, 0, 0) + segment)

    def error(self) -> tuple[int, str]:
        """Code with text of the reply, which is an error to packet 7 or 0."""
        head = struct.unpack("<qiIIhBBiI", self.read(32))
        body = self.read(head[2])
        assert body[12] == 5, "no error segment"
        number, _position, size = struct.unpack_from("<iii", body, 40)
        return number, body[58 : 58 + size].decode()


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"type_": 99}, "message 99 is not simulated"),
    "compressed": ({"type_": 65, "flags": 2}, "compressed messages are not simulated"),
    "no request": ({"type_": 65, "kind": 2}, "a segment of kind 2 is no request"),
    "no part": ({"type_": 65}, "message 65 has no part AUTHENTICATION"),
    "no logon": ({"type_": 2}, "message 2 before the logon"),
    "no authenticate": (
        {"type_": 66, "body": struct.pack("<bbhiii", 33, 0, 1, 0, 2, 0) + bytes(8)},
        "a CONNECT that does not follow its AUTHENTICATE",
    ),
    "part too long": ({"type_": 65, "body": struct.pack("<bbhiii", 33, 0, 1, 0, 99, 0)}, "99 bytes wanted at 40"),
    "part of negative length": ({"type_": 65, "body": struct.pack("<bbhiii", 33, 0, 1, 0, -8, 0)}, "-8 bytes wanted"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_protocol_is_refused(hana: Hana, name: str) -> None:
    message, text = BROKEN[name]
    client = Raw(hana.port)
    for _time in range(2):  # the connection goes on
        client.send(**message)
        number, words = client.error()
        assert (number, words.startswith(f"error while parsing protocol: {text}")) == (1033, True), words
    client.socket.close()


def test_a_message_that_is_too_long_ends_the_connection(hana: Hana) -> None:
    client = Raw(hana.port)
    client.send(65, length=64 * 1024 * 1024 + 1)
    assert client.error() == (
        1033,
        "error while parsing protocol: a message of 67108865 bytes, at most 67108864 are taken",
    )
    try:
        assert client.read(1) == b""
    except ConnectionResetError:  # what it sent was not read
        pass


def test_another_protocol_gets_no_answer(hana: Hana) -> None:
    with socket.create_connection(("127.0.0.1", hana.port), timeout=30) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass


# -- npm's hdb --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def modules(root: Path) -> Path:
    """The folder of npm's packages with hdb in it."""
    folder = root / ".cache" / "npm"
    if not (folder / "node_modules" / "hdb" / "package.json").is_file():
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "hdb"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(
                f"needs npm's package hdb: npm install --prefix .cache/npm hdb says {done.stderr.strip()[-300:]}"
            )
    return folder / "node_modules"


@pytest.mark.needs("node", "npm")
def test_the_driver_of_node(hana: Hana, connection: Any, modules: Path) -> None:
    """It compares the server's proof, which hdbcli does not, and asks for the old types unless told otherwise."""
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("client.js")), str(hana.port)],
        env={**os.environ, "NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "failure" not in found, found["failure"]
    assert (found["state"], found["left"]) == ("connected", "closed")
    assert found["wrong"] == {"code": 10, "message": "authentication failed"}
    assert found["tenant"][0]["DATABASE"] == "QAS"
    same = {
        "TI": 255,
        "SM": -32768,
        "I": 2147483647,
        "BI": "-9223372036854775808",
        "DE": "-12345.678",
        "DB": 1.5,
        "V": "abc",
        "N": "Grüße 漢 😀",
        "VB": "hex 00ff10",
        "D": "1999-12-31",
        "T": "23:59:58",
        "C": "hex 706c61696e",
        "NC": "hex c3bc6ec3afeda0bdedb880",
        "B": "hex 0001",
    }
    old = {**same, "BO": 1, "TS": "2026-11-21T19:10:49.123", "SD": "2026-11-21T19:10:49"}
    new = {**same, "BO": True, "TS": "2026-11-21 19:10:49.123456000", "SD": "2026-11-21 19:10:49"}
    nothing = dict.fromkeys(new)
    assert found["types1"] == [old, nothing, old]
    assert found["types8"] == [new, nothing, new]
    assert found["many"] == [100_000, {"N": 99_999, "S": "row 99999"}]
    assert found["empty"] == []
    assert found["lobs"] == [[0, False, 0], [11 * 200_000, True, 1_280_000], [None, None, None]]
    assert found["error"] == [447, "backup could not be completed: [110507] Backint exited with exit code 1: Ünï"]
    assert found["below"] == [{"N": 0}, {"N": 1}]
    assert (found["insert"], found["list"], found["lob"], found["update"]) == (1, [1, 1], 1, 7)
    kept = [event for event in hana.events(connection) if event.startswith(("insert", "update", "commit", "rollback"))]
    assert kept == [
        "insert 1, 'é😀' autocommit=True",
        "insert 1, 'a' autocommit=True",
        "insert 2, None autocommit=True",
        # It has no autocommit for LOBs, but commits itself.
        "insert 1, 600000 str True, 1280000 bytes True autocommit=False",
        "commit",
        "update autocommit=False",
        "commit",
        "rollback",
    ]
